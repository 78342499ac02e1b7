//! Odd values of every attribute of every resource: planned, or refused at the
//! attribute to blame with words that a person understands. The table is a
//! snapshot; how texts read is kept by `main_job::bad_input`.

use framework::schema::{Attribute, AttributeType, Mode};
use sapcalm::provider::RESOURCES;
use serde_json::{Value as Json, json};

use crate::support::core::{Core, Resource};
use crate::support::pem::pem;
use crate::support::served::Served;
use crate::support::world::World;

/// A configuration that is in order without the odd value.
fn sound(world: &World, type_name: &str, attribute: &str) -> Json {
    match type_name {
        "sapcalm_destination" => json!({
            "name": "odd", "url": "https://odd.example.com",
            "authentication": "BasicAuthentication", "user": "u",
            "credentials": { "password_wo": "p", "version": 1 },
        }),
        "sapcalm_destination_certificate" if attribute == "generate" => {
            json!({ "name": "odd.pem", "generate": { "common_name": "odd", "validity": 1 } })
        }
        "sapcalm_destination_certificate" => {
            json!({ "name": "odd.pem", "content": { "pem_wo": pem("odd"), "version": 1 } })
        }
        "sapcalm_registration" => world.registration("CloudALM"),
        "sapcalm_job_monitoring" => json!({ "job_id": 1 }),
        other => panic!("no sound {other}"),
    }
}

fn texts() -> Vec<Json> {
    let long = "x".repeat(5_000);
    let texts = [
        "",
        " ",
        " a ",
        "a\nb",
        "\u{1b}[31m",
        "\u{202e}",
        "ä",
        "0",
        "null",
        &long,
    ];
    texts.map(Json::from).into()
}

/// Values of this type that somebody may come to write.
fn odd(kind: &AttributeType) -> Vec<Json> {
    let around = |values: Vec<Json>, wrap: &dyn Fn(Json) -> Json| {
        let mut values: Vec<Json> = values.into_iter().map(wrap).collect();
        values.push(wrap(Json::Null));
        values
    };
    match kind {
        AttributeType::String => texts(),
        AttributeType::Bool => vec![json!(true), json!(false)],
        AttributeType::Number => {
            let huge: Json = serde_json::from_str("99999999999999999999999").unwrap();
            vec![json!(-1), json!(0), json!(1.5), json!(100_000), huge]
        }
        AttributeType::List(element) | AttributeType::Set(element) => {
            let mut values = around(odd(element), &|value| json!([value]));
            values.push(json!([]));
            values
        }
        AttributeType::Map(element) => {
            let mut values = around(odd(element), &|value| json!({ "a": value }));
            let names = ["", " ", "\u{1b}", "\u{202e}", "name", "Password"];
            let value = match element {
                AttributeType::String => json!("a"),
                _ => json!(["a"]),
            };
            values.push(json!({}));
            values.extend(names.map(|name| json!({ name: value })));
            values
        }
        AttributeType::Object(_) => vec![json!({})],
    }
}

/// Every odd value of an attribute, at its path.
fn rows(
    attributes: &[Attribute],
    path: &[&'static str],
    rows: &mut Vec<(Vec<&'static str>, Json)>,
) {
    for attribute in attributes.iter().filter(|one| one.mode != Mode::Computed) {
        let path = [path, &[attribute.name]].concat();
        rows.extend(
            odd(&attribute.kind)
                .into_iter()
                .map(|value| (path.clone(), value)),
        );
        if let AttributeType::Object(members) = attribute.kind {
            self::rows(members, &path, rows);
        }
    }
}

/// The configuration with this value.
fn with(mut config: Json, path: &[&str], value: Json) -> Json {
    let mut place = &mut config;
    for name in path {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[*name];
    }
    *place = value;
    config
}

async fn verdict(tf: &mut Core, resource: Resource) -> String {
    let plan = tf.plan(&[resource]).await;
    assert_eq!(plan.diags.objections().count(), 0, "{plan}");
    let errors = plan.diags.errors();
    let errors: Vec<String> = errors
        .map(|error| format!("`{}`: {}", error.path, error.summary))
        .collect();
    if errors.is_empty() {
        "planned".to_owned()
    } else {
        errors.join("; ")
    }
}

/// As a person would write it, and short.
fn shown(value: &Json) -> String {
    let text = value.to_string();
    match text.len() {
        0..60 => text,
        length => format!("{}… ({length} characters)", &text[..12]),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_values_of_every_attribute_are_planned_or_refused_where_they_stand() {
    let world = World::documented().await;
    let provider = Served::start();
    let mut tf = provider.core().await;
    tf.configure(world.provider());
    let mut page = Vec::new();
    for resource in RESOURCES {
        let definition = resource.definition();
        let mut all = Vec::new();
        rows(definition.schema.attributes, &[], &mut all);
        page.push(format!("# {}\n", definition.type_name));
        for (path, value) in all {
            let sound = sound(&world, definition.type_name, path[0]);
            let config = with(sound, &path, value.clone());
            let resource = Resource::new(definition.type_name, "odd", config);
            let verdict = verdict(&mut tf, resource).await;
            let value = shown(&value).replace('\u{202e}', "\\u202e");
            page.push(format!("{} = {value} → {verdict}", path.join(".")));
        }
    }
    insta::assert_snapshot!(page.join("\n"));
    world.stop().await;
}
