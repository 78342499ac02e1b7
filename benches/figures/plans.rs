//! Many destinations under the real Terraform.

use nix::sys::signal::Signal;
use std::time::Instant;

use sapcalm::provider::RESOURCES;

use crate::LATENCY;
use crate::folder::Folder;
use crate::programs::Programs;
use crate::sap::Sap;
use crate::series::{Series, Table, verdict};
use crate::support::cli::Cli;

/// The size at which builds and kinds of secrets are compared.
const COMPARED: usize = 1_000;

/// How often the naive build plans.
const NAIVE_PLANS: usize = 3;

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
pub(crate) fn destinations(sap: &Sap, count: usize, more: &str) -> String {
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

/// The same number of resources that need no provider process and no network,
/// with values that stand in `input` and again in `output`: Terraform's own time
/// depends on how many there are.
pub(crate) fn floor(count: usize, values: usize) -> String {
    format!(
        r#"
resource "terraform_data" "many" {{
  count = {count}
  input = {{ for number in range({values}) : "value_${{number}}" => "bench-${{count.index}}" }}
}}
"#
    )
}

/// The smallest resources there are.
fn bare_floor(count: usize) -> String {
    format!("resource \"terraform_data\" \"many\" {{\n  count = {count}\n}}\n")
}

/// How often a plan of this size is made.
fn repetitions(size: usize) -> usize {
    match size {
        ..=100 => 9,
        101..=1_000 => 5,
        _ => 1,
    }
}

impl Plans<'_> {
    pub(crate) async fn measure(&self) {
        println!(
            "\nTerraform {}; every answer of the service takes {LATENCY} ms; TLS on loopback; `-parallelism=10`, its default. Commands: `terraform plan`, `terraform apply -auto-approve`.",
            self.cli.client.version
        );
        let table = Table::new(
            "Many destinations",
            &[
                "destinations",
                "command",
                "this provider",
                "the same with `-refresh=false`",
                "`terraform_data`, as many values",
                "`terraform_data`, empty",
                "requests (tokens)",
                "peak of the provider process",
            ],
        );
        let mut later = Vec::new();
        for &count in &self.sizes {
            later.extend(self.measure_size(&table, count).await);
        }
        for compared in later {
            compared.print();
        }
        self.compare_secrets().await;
        self.count_requests().await;
        self.interrupt().await;
    }

    async fn measure_size(&self, table: &Table, count: usize) -> Option<Compared> {
        let sap = Sap::start(&self.programs.emulator, LATENCY);
        let ours = Folder::new(&self.cli, &self.programs.provider);
        ours.write(&destinations(&sap, count, ""));
        let naive = Folder::new(&self.cli, &self.programs.naive);
        naive.write(&destinations(&sap, count, ""));
        let idle = Folder::new(&self.cli, &self.programs.provider);
        // As many values as a destination has attributes.
        let values = RESOURCES[0].definition().schema.attributes.len() / 2;
        idle.write(&floor(count, values));
        let bare = Folder::new(&self.cli, &self.programs.provider);
        bare.write(&bare_floor(count));

        let mut apply = [(); 3].map(|()| Series::new("s"));
        let (took, apply_memory) = ours.watched(Folder::apply);
        apply[0].add_time(took);
        let apply_requests = sap.take_requests().await;
        apply[1].add_time(idle.apply());
        apply[2].add_time(bare.apply());
        naive.copy_state(&ours);
        table.row(&[
            count.to_string(),
            "apply, all new".to_owned(),
            apply[0].to_string(),
            String::new(),
            apply[1].to_string(),
            apply[2].to_string(),
            requests(apply_requests),
            format!("{apply_memory:.1} MiB"),
        ]);

        // In turns, so that whatever else the machine does meets all of them.
        let mut compared = Compared {
            memory: apply_memory,
            ..Compared::default()
        };
        let mut unrefreshed = Series::new("s");
        for round in 0..repetitions(count) {
            compared.ours.add_time(ours.plan());
            compared.our_requests = sap.take_requests().await;
            unrefreshed.add_time(ours.run(&[
                "plan",
                "-detailed-exitcode",
                "-no-color",
                "-refresh=false",
            ]));
            compared.floor.add_time(idle.plan());
            compared.bare.add_time(bare.plan());
            if count == COMPARED && round < NAIVE_PLANS {
                sap.take_requests().await;
                compared.naive.add_time(naive.plan());
                compared.naive_requests = sap.take_requests().await;
            }
        }
        let (_, plan_memory) = ours.watched(Folder::plan);
        table.row(&[
            count.to_string(),
            "plan, unchanged".to_owned(),
            compared.ours.to_string(),
            unrefreshed.to_string(),
            compared.floor.to_string(),
            compared.bare.to_string(),
            requests(compared.our_requests),
            format!("{plan_memory:.1} MiB"),
        ]);
        (count == COMPARED).then_some(compared)
    }

    /// What secrets cost that are not the Cloud ALM key's.
    async fn compare_secrets(&self) {
        let table = Table::new(
            &format!("Plan of {COMPARED} unchanged destinations, by kind of secret"),
            &["secret", "plan", "requests (tokens)"],
        );
        let basic = "url = \"https://bench.example.com\"\n  authentication = \"BasicAuthentication\"\n  user = \"bench\"";
        let own = "password_wo = \"password ${count.index}\"";
        let credentials = |members: &str| format!("{basic}\n  credentials = {{ {members} }}");
        for (name, more) in [
            (
                "none",
                "url = \"https://bench.example.com\"\n  authentication = \"NoAuthentication\""
                    .to_owned(),
            ),
            (
                "`password_wo` of its own, with `version`",
                credentials(&format!("{own}, version = 1")),
            ),
            (
                "`password_wo` of its own, compared by value",
                credentials(own),
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

/// The size that has targets.
struct Compared {
    ours: Series,
    our_requests: (u64, u64),
    floor: Series,
    bare: Series,
    naive: Series,
    naive_requests: (u64, u64),
    memory: f64,
}

impl Default for Compared {
    fn default() -> Self {
        Self {
            ours: Series::new("s"),
            our_requests: (0, 0),
            floor: Series::new("s"),
            bare: Series::new("s"),
            naive: Series::new("s"),
            naive_requests: (0, 0),
            memory: f64::NAN,
        }
    }
}

impl Compared {
    fn print(&self) {
        let Self {
            ours,
            our_requests: (asked, tokens),
            floor,
            bare,
            naive,
            naive_requests: (asked_naively, _),
            memory,
        } = self;
        let table = Table::new(
            &format!("Targets at {COMPARED} destinations"),
            &["what", "target", "measured", "met"],
        );
        let row = |what: &str, target: &str, measured: String, met: bool| {
            table.row(&[what, target, &measured, verdict(met)]);
        };
        let times = ours.median() / floor.median();
        row(
            "plan, unchanged, against `terraform_data` of as many values",
            "≤ 1.3 ×",
            format!("{times:.2} × ({ours} against {floor})"),
            times <= 1.3,
        );
        let bare_times = ours.median() / bare.median();
        row(
            "the same against empty `terraform_data`",
            "≤ 1.3 ×",
            format!("{bare_times:.2} × ({ours} against {bare})"),
            bare_times <= 1.3,
        );
        let faster = naive.median() / ours.median();
        row(
            "the same against `--features naive-reads`",
            "≥ 5 × faster",
            format!(
                "{faster:.1} × ({ours} against {naive}; {asked} requests against {asked_naively})"
            ),
            faster >= 5.0,
        );
        row(
            "requests of that plan, token included",
            "≤ 5",
            asked.to_string(),
            *asked <= 5,
        );
        row(
            "tokens per provider process",
            "1",
            tokens.to_string(),
            *tokens == 1,
        );
        row(
            "peak memory of the provider during the apply",
            "≤ 24 MiB",
            format!("{memory:.1} MiB"),
            *memory <= 24.0,
        );
    }
}

fn requests((all, tokens): (u64, u64)) -> String {
    format!("{all} ({tokens})")
}
