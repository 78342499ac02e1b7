//! Many destinations under the real Terraform.

use nix::sys::signal::Signal;
use std::time::Instant;

use crate::folder::Folder;
use crate::process::to_f64;
use crate::programs::Programs;
use crate::sap::Sap;
use crate::series::{Series, Table, verdict};
use crate::support::cli::Cli;

/// What every answer of the service takes, in milliseconds.
const LATENCY: u64 = 50;

/// The size at which builds and kinds of secrets are compared.
const COMPARED: usize = 1_000;

/// Interrupted applies.
const INTERRUPTS: usize = 5;

/// What is measured with which Terraform.
pub(crate) struct Plans<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) cli: Cli,
    /// How many destinations there are, ascending.
    pub(crate) sizes: Vec<usize>,
}

/// The provider block, and `count` destinations whose secret is described by
/// `secret`.
fn destinations(sap: &Sap, count: usize, more: &str) -> String {
    let keys = sap.keys();
    let keys = keys.display();
    format!(
        r#"
terraform {{
  required_providers {{
    sapcalm = {{ source = "sapcalm/sapcalm" }}
  }}
}}

provider "sapcalm" {{
  destination_service_key = file("{keys}/destination.json")
  cloud_alm_service_key   = file("{keys}/cloud-alm.json")
  ca_certificates         = file("{keys}/ca.pem")
}}

resource "sapcalm_destination" "many" {{
  count = {count}
  name  = "bench-${{count.index}}"
  {more}
}}
"#
    )
}

/// The same number of resources that need no provider process and no network.
fn floor(count: usize) -> String {
    format!(
        r#"
resource "terraform_data" "many" {{
  count = {count}
  input = "bench-${{count.index}}"
}}
"#
    )
}

/// How often a plan of this size is made.
fn repetitions(size: usize) -> usize {
    match size {
        ..=100 => 9,
        101..=1_000 => 7,
        _ => 3,
    }
}

/// What one size came to.
struct Size {
    count: usize,
    apply: f64,
    plan: f64,
    apply_memory: f64,
    plan_memory: f64,
}

impl Plans<'_> {
    pub(crate) async fn measure(&self) {
        println!(
            "\nTerraform {}; every answer of the service takes {LATENCY} ms; TLS on loopback; `-parallelism=10`, its default. Commands: `terraform plan`, `terraform apply -auto-approve`.",
            self.cli.version(&std::env::temp_dir()).0
        );
        let table = Table::new(
            "Many destinations",
            &[
                "destinations",
                "command",
                "provider",
                "without API (`terraform_data`)",
                "ratio of medians",
                "requests (tokens)",
                "peak of the provider process",
            ],
        );
        let mut sizes = Vec::new();
        for &count in &self.sizes {
            sizes.push(self.measure_size(&table, count).await);
        }
        growth(&sizes);
        self.compare_builds().await;
        self.compare_secrets().await;
        self.count_requests().await;
        self.interrupt().await;
    }

    async fn measure_size(&self, table: &Table, count: usize) -> Size {
        let sap = Sap::start(&self.programs.emulator, LATENCY);
        let ours = Folder::new(&self.cli, &self.programs.provider);
        ours.write(&destinations(&sap, count, ""));
        let idle = Folder::new(&self.cli, &self.programs.provider);
        idle.write(&floor(count));

        let (mut apply, mut idle_apply) = (Series::new("s"), Series::new("s"));
        let (took, apply_memory) = ours.watched(Folder::apply);
        apply.add_time(took);
        let apply_requests = sap.take_requests().await;
        idle_apply.add_time(idle.apply());
        table.row(&[
            count.to_string(),
            "apply, all new".to_owned(),
            apply.to_string(),
            idle_apply.to_string(),
            ratio(&apply, &idle_apply),
            requests(apply_requests),
            format!("{apply_memory:.1} MiB"),
        ]);

        let (mut plan, mut idle_plan) = (Series::new("s"), Series::new("s"));
        let mut plan_requests = (0, 0);
        for _ in 0..repetitions(count) {
            plan.add_time(ours.plan());
            plan_requests = plan_requests.max(sap.take_requests().await);
            idle_plan.add_time(idle.plan());
        }
        let (_, plan_memory) = ours.watched(Folder::plan);
        table.row(&[
            count.to_string(),
            "plan, unchanged".to_owned(),
            plan.to_string(),
            idle_plan.to_string(),
            ratio(&plan, &idle_plan),
            requests(plan_requests),
            format!("{plan_memory:.1} MiB"),
        ]);
        if count == COMPARED {
            targets(&plan, &idle_plan, plan_requests, apply_memory);
        }
        Size {
            count,
            apply: apply.median(),
            plan: plan.median(),
            apply_memory,
            plan_memory,
        }
    }

    /// Batching on and off, in turns.
    async fn compare_builds(&self) {
        let sap = Sap::start(&self.programs.emulator, LATENCY);
        let ours = Folder::new(&self.cli, &self.programs.provider);
        let naive = Folder::new(&self.cli, &self.programs.naive);
        for folder in [&ours, &naive] {
            folder.write(&destinations(&sap, COMPARED, ""));
        }
        ours.apply();
        naive.copy_state(&ours);
        sap.take_requests().await;
        let (mut with, mut without) = (Series::new("s"), Series::new("s"));
        let (mut with_requests, mut without_requests) = ((0, 0), (0, 0));
        for _ in 0..3 {
            with.add_time(ours.plan());
            with_requests = sap.take_requests().await;
            without.add_time(naive.plan());
            without_requests = sap.take_requests().await;
        }
        let table = Table::new(
            &format!("Plan of {COMPARED} unchanged destinations, batching on and off"),
            &["build", "plan", "requests (tokens)", "target", "met"],
        );
        let faster = without.median() / with.median();
        table.row(&[
            "this commit".to_owned(),
            with.to_string(),
            requests(with_requests),
            format!("≥ 5 × faster: {faster:.1} ×"),
            verdict(faster >= 5.0).to_owned(),
        ]);
        table.row(&[
            "the same with `--features naive-reads`".to_owned(),
            without.to_string(),
            requests(without_requests),
            String::new(),
            String::new(),
        ]);
    }

    /// What secrets cost that are not the Cloud ALM key's.
    async fn compare_secrets(&self) {
        let table = Table::new(
            &format!("Plan of {COMPARED} unchanged destinations, by kind of secret"),
            &["secret", "plan", "requests (tokens)"],
        );
        let basic = "url = \"https://bench.example.com\"\n  authentication = \"BasicAuthentication\"\n  user = \"bench\"";
        let own = "password_wo = \"password ${count.index}\"";
        for (name, more) in [
            ("of the Cloud ALM key, all the same", String::new()),
            (
                "none",
                "url = \"https://bench.example.com\"\n  authentication = \"NoAuthentication\""
                    .to_owned(),
            ),
            (
                "`password_wo` of its own, with `password_wo_version`",
                format!("{basic}\n  {own}\n  password_wo_version = 1"),
            ),
            (
                "`password_wo` of its own, compared by value",
                format!("{basic}\n  {own}"),
            ),
        ] {
            let sap = Sap::start(&self.programs.emulator, LATENCY);
            let folder = Folder::new(&self.cli, &self.programs.provider);
            folder.write(&destinations(&sap, COMPARED, &more));
            folder.apply();
            sap.take_requests().await;
            let mut plan = Series::new("s");
            let mut asked = (0, 0);
            for _ in 0..3 {
                plan.add_time(folder.plan());
                asked = sap.take_requests().await;
            }
            table.row(&[name.to_owned(), plan.to_string(), requests(asked)]);
        }
    }

    /// One destination, and ten, through their life.
    async fn count_requests(&self) {
        let table = Table::new(
            "Requests of one command (tokens among them)",
            &["destinations", "create", "plan", "update", "delete"],
        );
        for count in [1, 10] {
            let sap = Sap::start(&self.programs.emulator, 0);
            let folder = Folder::new(&self.cli, &self.programs.provider);
            let mut row = vec![count.to_string()];
            folder.write(&destinations(&sap, count, ""));
            folder.apply();
            row.push(requests(sap.take_requests().await));
            folder.plan();
            row.push(requests(sap.take_requests().await));
            folder.write(&destinations(&sap, count, "description = \"other\""));
            folder.run(&["apply", "-auto-approve", "-no-color", "-refresh=false"]);
            row.push(requests(sap.take_requests().await));
            let refresh_no_more = ["destroy", "-auto-approve", "-no-color", "-refresh=false"];
            folder.run(&refresh_no_more);
            row.push(requests(sap.take_requests().await));
            table.row(&row);
        }
    }

    /// Ctrl-C while a destination is being created and SAP is silent.
    async fn interrupt(&self) {
        let mut end = Series::new("ms");
        for _ in 0..INTERRUPTS {
            let sap = Sap::start(&self.programs.emulator, 0);
            let folder = Folder::new(&self.cli, &self.programs.provider);
            folder.write(&destinations(&sap, 1, ""));
            sap.keep_creators_waiting().await;
            let running = folder.start(&["apply", "-auto-approve", "-no-color"]);
            sap.until_one_creates().await;
            let began = Instant::now();
            running.signal(Signal::SIGINT);
            let waiting = tokio::task::spawn_blocking(|| running.wait());
            waiting.await.unwrap();
            end.add_time(began.elapsed());
            // SAP had processed the call: the state must say so.
            let managed = folder.managed();
            assert_eq!(managed, sap.destinations().await, "the state is not true");
        }
        let table = Table::new(
            "Ctrl-C in the middle of a create that SAP does not answer",
            &["what", "target", "measured", "met"],
        );
        table.row(&[
            "Ctrl-C → end of `terraform apply`, state as SAP has it".to_owned(),
            "≤ 1 s".to_owned(),
            end.to_string(),
            verdict(end.max() <= 1_000.0).to_owned(),
        ]);
    }
}

/// The rows of the size that has targets.
fn targets(plan: &Series, floor: &Series, asked: (u64, u64), memory: f64) {
    let table = Table::new(
        &format!("Targets at {COMPARED} destinations"),
        &["what", "target", "measured", "met"],
    );
    let times = plan.median() / floor.median();
    table.row(&[
        "plan, unchanged, against the same plan without API".to_owned(),
        "≤ 1.3 ×".to_owned(),
        format!("{times:.2} × ({plan} against {floor})"),
        verdict(times <= 1.3).to_owned(),
    ]);
    table.row(&[
        "requests of that plan, token included".to_owned(),
        "≤ 5".to_owned(),
        asked.0.to_string(),
        verdict(asked.0 <= 5).to_owned(),
    ]);
    table.row(&[
        "tokens per provider process".to_owned(),
        "1".to_owned(),
        asked.1.to_string(),
        verdict(asked.1 == 1).to_owned(),
    ]);
    table.row(&[
        "peak memory of the provider during the apply".to_owned(),
        "≤ 24 MiB".to_owned(),
        format!("{memory:.1} MiB"),
        verdict(memory <= 24.0).to_owned(),
    ]);
}

/// From each size to the next: more than the factor of the sizes would be more
/// than linear.
fn growth(sizes: &[Size]) {
    let table = Table::new(
        "Growth",
        &[
            "destinations",
            "apply",
            "plan",
            "memory, apply",
            "memory, plan",
            "at most linear",
        ],
    );
    for pair in sizes.windows(2) {
        let [small, large] = pair else { continue };
        let factor = to_f64((large.count / small.count) as u64);
        let factors = [
            large.apply / small.apply,
            large.plan / small.plan,
            large.apply_memory / small.apply_memory,
            large.plan_memory / small.plan_memory,
        ];
        let linear = factors.iter().all(|grown| *grown <= factor);
        let mut row = vec![format!("{} → {} ({factor} ×)", small.count, large.count)];
        row.extend(factors.map(|grown| format!("{grown:.1} ×")));
        row.push(verdict(linear).to_owned());
        table.row(&row);
    }
}

fn ratio(ours: &Series, floor: &Series) -> String {
    format!("{:.2} ×", ours.median() / floor.median())
}

fn requests((all, tokens): (u64, u64)) -> String {
    format!("{all} ({tokens})")
}
