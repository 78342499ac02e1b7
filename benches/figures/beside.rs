//! Apply, plan and destroy beside resources that need no API. Terraform writes
//! the whole state after every object, so that its time grows with the square of
//! their number and with the bytes of each.

use crate::folder::{Folder, Took};
use crate::plans::{destinations, floor};
use crate::programs::Programs;
use crate::sap::Sap;
use crate::series::Table;
use crate::support::cli::Cli;

/// How many are applied, planned and destroyed.
const APPLIED: usize = 300;
/// How many are only planned, once they are there.
const PLANNED: usize = 1_000;

/// Without latency: what is measured is time of the processor.
pub(crate) fn measure(programs: &Programs, cli: &Cli) {
    println!(
        "\nEach time is that of the clock, and in parentheses the processor's: Terraform's and the provider's."
    );
    let table = Table::new(
        &format!("{APPLIED} beside resources that need no API, and a plan of {PLANNED}"),
        &[
            "of",
            "bytes of state each",
            "apply",
            "plan",
            "destroy",
            &format!("plan of {PLANNED}"),
        ],
    );
    let secretless = "url = \"https://bench.example.com\"\n  authentication = \"NoAuthentication\"";
    let ours = |more: &'static str| move |sap: &Sap, count: usize| destinations(sap, count, more);
    let data = |values: usize| move |_: &Sap, count: usize| floor(count, values);
    let rows: [(&str, &dyn Fn(&Sap, usize) -> String); 4] = [
        ("`sapcalm_destination`, from the Cloud ALM key", &ours("")),
        ("`sapcalm_destination` without secrets", &ours(secretless)),
        ("`terraform_data` with 3 values", &data(3)),
        ("`terraform_data` with 12 values", &data(12)),
    ];
    for (name, configuration) in rows {
        let sap = Sap::start(&programs.emulator, 0);
        let folder = Folder::new(cli, &programs.provider);
        folder.write(&configuration(&sap, APPLIED));
        let apply = folder.timed(&["apply", "-auto-approve", "-no-color"]);
        let bytes = folder.state_bytes() / APPLIED;
        let plan = folder.timed(&["plan", "-detailed-exitcode", "-no-color"]);
        let destroy = folder.timed(&["destroy", "-auto-approve", "-no-color"]);
        folder.write(&configuration(&sap, PLANNED));
        folder.apply();
        let large: Took = folder.timed(&["plan", "-detailed-exitcode", "-no-color"]);
        table.row(&[
            name.to_owned(),
            bytes.to_string(),
            apply.to_string(),
            plan.to_string(),
            destroy.to_string(),
            large.to_string(),
        ]);
    }
}
