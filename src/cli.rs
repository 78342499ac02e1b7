//! The command line of the provider binary.
//!
//! Terraform starts it without arguments: then it serves. Everything else here
//! is for people. Arguments are parsed only when there are any, so that a start
//! by Terraform pays nothing for them.

mod check;
mod output;

use std::{env, ffi::OsString, future::Future, process::ExitCode};

use clap::{Parser, Subcommand};

use framework::{
    plugin::{self, Handshake, Program, ServeError, logging},
    proto::tfplugin6::provider_server::Provider,
};

use output::{complain, fail, print, version};

/// Where the Registry has this provider; the key by which Terraform finds a
/// provider in debug mode.
pub const PROVIDER_ADDRESS: &str = "registry.terraform.io/sapcalm/sapcalm";

/// The name of the program for Terraform, and what it may log: of the requests to
/// SAP how they went, never what was in them.
pub static PROGRAM: Program = Program {
    name: "sapcalm",
    log_targets: &["sapcalm", "client"],
    log_fields: &[
        "attempt",
        "correlation_id",
        "duration_ms",
        "host",
        "method",
        "path",
        "status",
    ],
};

/// Terraform's work is in HTTP requests; two threads serve hundreds of them.
const THREADS: usize = 2;

/// Terraform provider that connects SAP services to SAP Cloud ALM.
///
/// Terraform starts this program by itself, without arguments.
#[derive(Debug, Parser)]
#[command(name = "terraform-provider-sapcalm", version)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Run until Ctrl-C and print how a Terraform can use this process, for
    /// example one under a debugger
    #[arg(long)]
    debug: bool,
    /// Source address by which the configuration names the provider
    #[arg(long, requires = "debug", default_value = PROVIDER_ADDRESS)]
    address: String,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the version
    Version,
    /// Compare what is assumed about SAP with what the service keys show.
    ///
    /// Changes nothing: every request is one that reads. Ends with 0, with 1
    /// where something fails, with 2 where there is something to know.
    Check(check::Arguments),
}

/// Runs the program: `service` makes what is served, when something is served.
pub fn run<T: Provider>(service: impl FnOnce() -> T) -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    if arguments.len() <= 1 {
        return match Handshake::read(|name| env::var_os(name)) {
            Some(handshake) => serve(|| plugin::serve(&PROGRAM, service(), &handshake)),
            None => started_by_hand(),
        };
    }
    match Arguments::try_parse_from(arguments) {
        Ok(Arguments {
            command: Some(Command::Version),
            ..
        }) => print(&format!("{}\n", version())),
        Ok(Arguments {
            command: Some(Command::Check(arguments)),
            ..
        }) => check::run(&arguments),
        Ok(Arguments { address, .. }) => {
            serve(|| plugin::serve_debug(&PROGRAM, service(), &address))
        }
        // Also for `--help` and `--version`.
        Err(message) => {
            let _ = message.print();
            ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(1))
        }
    }
}

/// Runs a server to its end.
fn serve<F>(server: impl FnOnce() -> F) -> ExitCode
where
    F: Future<Output = Result<(), ServeError>>,
{
    // The runtime's own, one that it may need besides, and that of the log.
    if let Err(error) = plugin::check_threads(THREADS + 2) {
        return fail(&format!(
            "no thread can be started, raise the limits of processes and memory: {error}"
        ));
    }
    logging::install(&PROGRAM, |name| env::var_os(name));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build();
    let code = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(async { server().await });
            // Nobody waits for what is still running.
            runtime.shutdown_background();
            result.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
        }
        Err(error) => fail(&error),
    };
    logging::flush();
    code
}

/// Somebody typed the name of the program.
fn started_by_hand() -> ExitCode {
    let program = env::current_exe().ok();
    let directory = program.as_deref().and_then(|program| program.parent());
    let directory = directory.map_or_else(|| "...".into(), |path| path.to_string_lossy());
    complain(&format!(
        "{version}

This is a provider for Terraform and OpenTofu: they start it when a
configuration needs it. To let them use exactly this file, write into
~/.terraformrc (~/.tofurc for OpenTofu):

  provider_installation {{
    dev_overrides {{
      \"{PROVIDER_ADDRESS}\" = \"{directory}\"
    }}
    direct {{}}
  }}

then run `terraform plan` in a directory with a configuration.
`--help` lists what else this program can do.
",
        version = version(),
    ));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn address_is_for_debug_mode_only() {
        let parse =
            |arguments: &[&str]| Arguments::try_parse_from([&["program"], arguments].concat());
        assert_eq!(parse(&["--debug"]).unwrap().address, PROVIDER_ADDRESS);
        let other = parse(&["--debug", "--address", "acme/sapcalm"]).unwrap();
        assert_eq!(other.address, "acme/sapcalm");
        assert!(parse(&["--address", "acme/sapcalm"]).is_err());
        assert!(parse(&["--debug", "version"]).is_err());
    }
}
