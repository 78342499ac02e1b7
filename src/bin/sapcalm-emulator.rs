//! The emulator binary: starts an emulator, says on one line of JSON where it
//! is, and runs until SIGTERM or SIGINT. The rest is in [`sapcalm::emulator`].

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use sapcalm::emulator::{Arguments, Emulator};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

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
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let emulator = Emulator::start(options)
        .await
        .map_err(|error| error.to_string())?;
    let ready = json!({"url": emulator.url(), "keys": emulator.keys_dir()});
    let mut stdout = io::stdout();
    writeln!(stdout, "{ready}")
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("cannot write the ready line: {error}"))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    emulator.shutdown().await;
    Ok(())
}

fn listen(kind: SignalKind) -> Result<Signal, String> {
    signal(kind).map_err(|error| format!("cannot listen for signals: {error}"))
}
