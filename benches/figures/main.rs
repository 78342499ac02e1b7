//! `make bench`: every figure that this project promises, measured, as tables
//! in Markdown. Nothing here fails because something is slow: the tables say
//! what is met and what is not.
//!
//! What it needs is built first, as a release. What it compares with:
//!
//! * a peer, another provider whose program `PEER_PROVIDER` names: start,
//!   memory, shutdown;
//! * resources that need no API, in plans of the same size: the floor;
//! * the same commit built with `naive-reads`: what batching brings.
//!
//! `BENCH_SIZES=100` chooses how many destinations Terraform manages (the
//! growth to 10,000 is measured without it), `TF_CLI` names the Terraform. Without a Terraform, without a peer, without
//! valgrind the rows that need one are left out, and a line says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints, and ends at the first thing that is wrong"
)]

mod beside;
mod folder;
mod growth;
mod loops;
mod plans;
mod process;
mod programs;
mod sap;
mod series;

#[path = "../../tests/it/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::unnecessary_debug_formatting,
    reason = "shared with the tests, which use the rest"
)]
mod support;

use std::env;

use process::{Life, Subject};
use programs::Programs;
use series::{Series, Table, verdict};
use support::cli::Cli;

/// Starts of our provider.
const STARTS: usize = 41;
/// Starts of a peer, which takes its time.
const PEER_STARTS: usize = 9;

/// How many destinations Terraform manages, unless `BENCH_SIZES` says
/// otherwise. Its time grows with the square of them: 10,000 take hours.
const SIZES: &str = "100,1000";

/// What every answer of the service takes, in milliseconds.
const LATENCY: u64 = 50;

#[tokio::main]
async fn main() {
    // Cargo hands over a flag of its own.
    if env::args().any(|argument| argument == "--list") {
        return;
    }
    // `-- beside` measures one part, and `-- process growth` two.
    let parts: Vec<String> = env::args().skip(1).collect();
    let parts: Vec<&String> = parts.iter().filter(|part| !part.starts_with('-')).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|one| *one == part);
    let sizes = sizes();
    let programs = Programs::build();
    println!("## Figures\n\n{}", programs::machine());
    if wanted("process") {
        processes(&programs).await;
    }
    if wanted("loops") {
        loops::measure(&programs);
    }
    if wanted("growth") {
        growth::measure(&programs, LATENCY).await;
    }
    match Cli::find() {
        Some(cli) => {
            if wanted("beside") {
                beside::measure(&programs, &cli);
            }
            if !wanted("plans") {
                return;
            }
            let plans = plans::Plans {
                programs: &programs,
                cli,
                sizes,
            };
            plans.measure().await;
        }
        None => println!(
            "\nLeft out: everything under Terraform (neither `terraform` nor `tofu` is on the PATH, and `TF_CLI` names none)."
        ),
    }
}

fn sizes() -> Vec<usize> {
    let text = env::var("BENCH_SIZES").unwrap_or_else(|_| SIZES.to_owned());
    let mut sizes: Vec<usize> = text
        .split(',')
        .map(|size| size.trim().parse())
        .collect::<Result<_, _>>()
        .unwrap_or_else(|_| panic!("`BENCH_SIZES` is a list of numbers such as `{SIZES}`"));
    sizes.sort_unstable();
    sizes
}

/// A figure of one process.
struct Row {
    what: &'static str,
    target: &'static str,
    of: fn(&Life) -> &Series,
    limit: Option<f64>,
}

const ROWS: [Row; 6] = [
    Row {
        what: "exec → handshake line, with TLS",
        target: "≤ 4 ms",
        of: |life| &life.start,
        limit: Some(4.0),
    },
    Row {
        what: "exec → handshake line, without TLS",
        target: "",
        of: |life| &life.start_without_tls,
        limit: None,
    },
    Row {
        what: "first schema call",
        target: "",
        of: |life| &life.schema,
        limit: None,
    },
    Row {
        what: "resident memory after the schema call",
        target: "≤ 8 MiB",
        of: |life| &life.memory,
        limit: Some(8.0),
    },
    Row {
        what: "Shutdown → exit",
        target: "≤ 10 ms",
        of: |life| &life.shutdown,
        limit: Some(10.0),
    },
    Row {
        what: "size of the program",
        target: "≤ 8 MB",
        of: |life| &life.size,
        limit: Some(8.0),
    },
];

/// The life of one process, beside that of a peer.
async fn processes(programs: &Programs) {
    let ours = Subject {
        program: programs.provider.clone(),
        protocol: 6,
    };
    let ours = ours.live(STARTS).await;
    let peer = match &programs.peer {
        None => {
            println!(
                "\nLeft out: the peer. `PEER_PROVIDER=<path of a provider's program>` compares with one."
            );
            None
        }
        Some(program) => match Subject::of_peer(program).await {
            Ok(subject) => Some(subject.live(PEER_STARTS).await),
            Err(error) => {
                println!("\nLeft out: the peer. It does not start: {error}");
                None
            }
        },
    };
    let table = Table::new(
        "One process (min / median / max)",
        &["what", "target", "this provider", "peer", "met"],
    );
    let beside = |of: fn(&Life) -> &Series| {
        let peer = peer.as_ref().map(|peer| of(peer).to_string());
        peer.unwrap_or_else(|| "–".to_owned())
    };
    for row in &ROWS {
        let measured = (row.of)(&ours);
        let met = row.limit.map(|limit| verdict(measured.median() <= limit));
        table.row(&[
            row.what,
            row.target,
            &measured.to_string(),
            &beside(row.of),
            met.unwrap_or_default(),
        ]);
    }
    if let Some(peer) = &peer {
        let faster = peer.start.median() / ours.start.median();
        table.row(&[
            "exec → handshake line, against the peer",
            "≥ 50 × faster",
            &format!("{faster:.0} ×"),
            "1 ×",
            verdict(faster >= 50.0),
        ]);
    }
}
