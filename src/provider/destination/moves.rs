//! Destinations that another provider managed until now.
//!
//! Source of the state shapes: the public schemas of `SAP/btp`, version 0 of
//! both resources.

use serde_json::{Map, Value};

use super::super::destination_service::moves::{BTP, taken_over, text};
use framework::resource::Mover;

/// The resource types whose objects can become destinations of ours.
pub(super) static MOVERS: &[Mover] = &[
    Mover {
        source_provider: BTP,
        source_type: "btp_subaccount_destination_generic",
        source_versions: &[0],
        convert: from_generic,
    },
    Mover {
        source_provider: BTP,
        source_type: "btp_subaccount_destination",
        source_versions: &[0],
        convert: from_typed,
    },
];

/// `btp_subaccount_destination_generic`: the name is also in the JSON of
/// `destination_configuration`, and only there in the state of an early
/// version.
fn from_generic(state: &Value) -> Result<Value, String> {
    let name = text(state, "name").map(str::to_owned).or_else(|| {
        let configuration = text(state, "destination_configuration")?;
        let properties: Map<String, Value> = serde_json::from_str(configuration).ok()?;
        properties.get("Name")?.as_str().map(str::to_owned)
    });
    taken_over(state, "name", name.as_deref())
}

/// `btp_subaccount_destination`.
fn from_typed(state: &Value) -> Result<Value, String> {
    taken_over(state, "name", text(state, "name"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn moved(source_type: &str, state: &Value) -> Result<Value, String> {
        let mover = MOVERS.iter().find(|mover| mover.source_type == source_type);
        (mover.unwrap().convert)(state)
    }

    #[test]
    fn only_the_names_of_the_destination_are_taken_over() {
        let generic = json!({
            "id": "s-1,CloudALM,", "name": "CloudALM", "subaccount_id": "s-1",
            "service_instance_id": null, "etag": "e", "creation_time": "t", "modification_time": "t",
            "destination_configuration": "{\"Name\":\"CloudALM\",\"clientSecret\":\"canary\"}",
        });
        let expected = json!({
            "id": "subaccount/CloudALM", "name": "CloudALM", "level": "subaccount",
            "subaccount_id": "s-1", "instance_id": null,
        });
        let found = moved("btp_subaccount_destination_generic", &generic);
        assert_eq!(found.as_ref(), Ok(&expected));
        let mut nameless = generic;
        nameless["name"] = Value::Null;
        assert_eq!(
            moved("btp_subaccount_destination_generic", &nameless),
            Ok(expected)
        );

        let typed = json!({
            "id": "s-1,a,i-1", "name": "a", "subaccount_id": "s-1", "service_instance_id": "i-1",
            "type": "HTTP", "url": "https://a", "authentication": "NoAuthentication",
            "additional_configuration": "{\"Password\":\"canary\"}",
        });
        let found = moved("btp_subaccount_destination", &typed).unwrap();
        assert_eq!(found["id"], "instance/a");
        assert_eq!(found["instance_id"], "i-1");
        assert!(!found.to_string().contains("canary"));
    }

    #[test]
    fn what_is_missing_is_named_without_quoting_the_state() {
        for (state, missing) in [
            (
                json!({"subaccount_id": "s", "destination_configuration": "canary"}),
                "`name`",
            ),
            (
                json!({"name": "canary", "subaccount_id": ""}),
                "`subaccount_id`",
            ),
            (json!("canary"), "`name`"),
        ] {
            let why = moved("btp_subaccount_destination_generic", &state).unwrap_err();
            assert!(why.contains(missing) && !why.contains("canary"), "{why}");
        }
    }
}
