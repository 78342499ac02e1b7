//! The emulator binary: starts an emulator, says on one line of JSON where it
//! is, and runs until SIGTERM or SIGINT. The rest is in [`emulator`].

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use emulator::{Arguments, Emulator};
use serde_json::json;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => Err(error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "sapcalm-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let options = arguments.into_options()?;
    // Before the ready line: who reads it may end us at once.
    let end = told_to_end()?;
    let emulator = Emulator::start(options)
        .await
        .map_err(|error| error.to_string())?;
    let ready = json!({"url": emulator.url(), "keys": emulator.keys_dir()});
    let mut stdout = io::stdout();
    writeln!(stdout, "{ready}")
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("cannot write the ready line: {error}"))?;
    end.await;
    emulator.shutdown().await;
    Ok(())
}

/// Waits for SIGTERM or SIGINT, which count from this call on.
#[cfg(unix)]
fn told_to_end() -> Result<impl Future<Output = ()>, String> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits for Ctrl-C, which counts from this call on.
#[cfg(windows)]
fn told_to_end() -> Result<impl Future<Output = ()>, String> {
    let mut interrupt = tokio::signal::windows::ctrl_c()
        .map_err(|error| format!("cannot listen for Ctrl-C: {error}"))?;
    Ok(async move {
        interrupt.recv().await;
    })
}
