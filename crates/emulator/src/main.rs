//! The emulator binary: starts an emulator, says on one line of JSON where it
//! is, and runs until SIGTERM or SIGINT; or does something to one that runs. The
//! rest is in [`emulator`].

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser;
use emulator::verbs::{self, Verb};
use emulator::{Arguments, Emulator};
use serde_json::json;

/// The SAP services that terraform-provider-sapcalm talks to, in one process.
///
/// XSUAA, the Destination service, Order Management and Cloud ALM. Without a verb
/// it starts, writes service keys, prints one line of JSON that says where it is,
/// and runs until Ctrl-C. Everything that it knows is gone then.
#[derive(Debug, Parser)]
#[command(name = "sapcalm-emulator", version, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true)]
struct Program {
    #[command(flatten)]
    arguments: Arguments,
    #[command(subcommand)]
    verb: Option<Verb>,
}

const EXAMPLES: &str = "\
Examples:
  sapcalm-emulator --keys keys               start, with the service keys in keys/
  terraform-provider-sapcalm check --keys keys
                                             what the provider finds there
  sapcalm-emulator journal                   what was asked so far
  sapcalm-emulator drift secret              somebody types another client secret
  sapcalm-emulator drift offboard            somebody offboards Order Management
  sapcalm-emulator rotate cloud-alm          a new secret for keys/cloud-alm.json
  sapcalm-emulator --keys keys --latency 50ms --destinations 300
                                             as far away as a real one, and not empty

A scenario file sets what SAP is like (`knobs`), what there is (`state`) and what
goes wrong (`faults`):
  { \"knobs\": { \"order_management\": { \"scope_granted\": false } },
    \"faults\": [ { \"match\": { \"path_prefix\": \"/api\" }, \"do\": { \"status\": 503 } } ] }
The same can be read and changed while it runs, at `/_emulator/knobs`, `/state` and
`/faults` of its URL.";

fn main() -> ExitCode {
    let program = Program::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => match &program.verb {
            Some(verb) => runtime.block_on(act(verb)),
            None => runtime.block_on(run(program.arguments)),
        },
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

async fn act(verb: &Verb) -> Result<(), String> {
    let said = verbs::run(verb).await?;
    let printed = io::stdout().write_all(said.as_bytes());
    printed.map_err(|error| error.to_string())
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
    if stdout.is_terminal() {
        let words = "Ctrl-C ends it. `sapcalm-emulator --help` has examples; its verbs work from \
                     another terminal in this folder.";
        let _ = writeln!(stdout, "{words}");
    }
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
