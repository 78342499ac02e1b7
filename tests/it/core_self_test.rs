//! The stand-in for Terraform core is tested with a provider that can be made to
//! answer wrongly, and held against the real `terraform` with the same provider.

use serde_json::json;

use crate::support::core::{Core, Lifecycle};
use crate::support::fake_provider::{FakeProvider, THING};

#[tokio::test]
async fn well_behaved_provider_meets_no_objection() {
    let provider = FakeProvider::serve();
    let mut tf = Core::connect(provider.socket()).await;
    let full = json!({
        "name": "a", "size": 0.1, "labels": {"x": "y"}, "tags": ["t", "u"], "ports": [1, 2],
        "secret": "s", "secret_wo": "w",
        "single": {"name": "n"}, "several": [{"name": "n"}, {}], "unordered": [{"name": "n"}, {"name": "m"}],
        "keyed": {"k": {"name": "n"}}, "either": {"name": "n"},
        "rule": [{"name": "n"}, {}], "zone": [{"name": "n"}], "owner": {"name": "n"},
    });
    let renamed = json!({"name": "b", "note": "mine", "grades": ["x"]});
    Lifecycle::new(THING, &[json!({"name": "a"}), full, renamed])
        .unknown_at_plan(&["name", "size", "tags", "single", "secret_wo"])
        .run(&mut tf)
        .await;
    assert!(tf.checks().total() > 100, "{}", tf.checks());
}
