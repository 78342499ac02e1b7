use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Options, Rig, simple};
use crate::DestinationKey;

const ALL: &str = "/subaccountDestinations";

fn one(name: &str) -> String {
    format!("{ALL}/{name}")
}

async fn get(rig: &Rig, name: &str) -> Answer {
    rig.destinations(Method::GET, &one(name), None).await
}

async fn put(rig: &Rig, body: Value) -> Answer {
    rig.destinations(Method::PUT, ALL, Some(body)).await
}

async fn patch(rig: &Rig, body: Value) -> Answer {
    rig.destinations(Method::PATCH, ALL, Some(body)).await
}

async fn delete(rig: &Rig, name: &str) -> Answer {
    rig.destinations(Method::DELETE, &one(name), None).await
}

async fn with(rig: &Rig, header: &str, value: &str, method: Method, path: &str) -> Answer {
    let token = rig.token("destination").await;
    let path = format!("/destination-configuration/v1{path}");
    let request = rig.request(method, &path).bearer_auth(token);
    rig.send(request.header(header, value)).await
}

fn names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let list: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
    list.iter()
        .map(|item| item["Name"].as_str().unwrap().to_owned())
        .collect()
}

async fn three() -> Rig {
    let rig = Rig::plain().await;
    for name in ["a", "ab", "b"] {
        assert_eq!(rig.create(simple(name)).await.status, 201);
    }
    rig
}

#[tokio::test]
async fn a_destination_is_kept_as_it_was_sent_secrets_in_clear() {
    let rig = Rig::plain().await;
    let body = json!({
        "Name": "a", "Type": "HTTP", "Authentication": "BasicAuthentication",
        "User": "u", "Password": "secret", "abc": "good", "description": "lower case"
    });
    let created = rig.create(body.clone()).await;
    assert_eq!(
        (created.status, created.body.as_str()),
        (StatusCode::CREATED, "")
    );
    assert_eq!(created.header("location"), "");
    let read = get(&rig, "a").await;
    assert_eq!((read.status, read.json()), (StatusCode::OK, body));
    assert_eq!(read.header("etag").len(), 64);
}

#[tokio::test]
async fn a_missing_destination_is_not_found_in_saps_words() {
    let rig = Rig::plain().await;
    let answer = get(&rig, "nobody").await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.json(),
        json!({"ErrorMessage": "Configuration with the specified name was not found"})
    );
    rig.set_knobs(json!({"destination": {"error_body": "text"}}))
        .await;
    let answer = get(&rig, "nobody").await;
    assert_eq!(
        answer.body,
        "Configuration with the specified name was not found"
    );
    assert_eq!(answer.header("content-type"), "text/plain;charset=UTF-8");
}

#[tokio::test]
async fn tokens_are_checked() {
    let rig = Rig::plain().await;
    let path = "/destination-configuration/v1/subaccountDestinations";
    for request in [
        rig.request(Method::GET, path),
        rig.request(Method::GET, path).bearer_auth("forged"),
        rig.request(Method::GET, path).basic_auth("a", Some("b")),
    ] {
        let answer = rig.send(request).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.json()["ErrorMessage"],
            "Unable to parse the JWT in Authorization Header."
        );
    }
    for key in ["order-management", "cloud-alm"] {
        let token = rig.token(key).await;
        let answer = rig
            .send(rig.request(Method::GET, path).bearer_auth(token))
            .await;
        assert_eq!(answer.status, 403, "{key}");
    }
}

#[tokio::test]
async fn levels_instances_and_subaccounts_are_apart() {
    let keys = ["second", "other=acme-other"];
    let options = Options {
        destination_keys: keys
            .iter()
            .map(|key| key.parse::<DestinationKey>().unwrap())
            .collect(),
        ..Options::default()
    };
    let rig = Rig::start(options).await;
    let list = async |key: &str, level: &str| {
        let token = rig.token(key).await;
        let path = format!("/destination-configuration/v1/{level}");
        names(
            &rig.send(rig.request(Method::GET, &path).bearer_auth(token))
                .await,
        )
    };
    rig.create(simple("same")).await;
    let body = Some(simple("same"));
    let answer = rig
        .destinations(Method::POST, "/instanceDestinations", body)
        .await;
    assert_eq!(answer.status, 201, "the same name on both levels");
    assert_eq!(list("destination", "instanceDestinations").await, ["same"]);
    assert_eq!(
        list("destination-second", "subaccountDestinations").await,
        ["same"]
    );
    assert!(
        list("destination-second", "instanceDestinations")
            .await
            .is_empty()
    );
    assert!(
        list("destination-other", "subaccountDestinations")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_duplicate_is_409_with_three_kinds_of_body() {
    let rig = Rig::plain().await;
    rig.create(simple("a")).await;
    let plain = rig.create(simple("a")).await;
    assert_eq!(
        (plain.status, plain.body.as_str()),
        (StatusCode::CONFLICT, "Duplicate key")
    );

    let path = format!("{ALL}?$includeMetadata=etag");
    let with_metadata = rig
        .destinations(Method::POST, &path, Some(simple("a")))
        .await;
    let etag = get(&rig, "a").await.header("etag").to_owned();
    assert_eq!(with_metadata.status, 409);
    assert_eq!(
        with_metadata.json(),
        json!({"ErrorMessage": "Duplicate key", "$metadata": {"etag": etag}})
    );
    rig.set_knobs(json!({"destination": {"duplicate_body": "json"}}))
        .await;
    assert_eq!(
        rig.create(simple("a")).await.json(),
        json!({"ErrorMessage": "Duplicate key"})
    );
    rig.set_knobs(json!({"destination": {"duplicate_body": "text"}}))
        .await;
    let answer = rig
        .destinations(Method::POST, &path, Some(simple("a")))
        .await;
    assert_eq!(answer.body, "Duplicate key");
}

#[tokio::test]
async fn create_can_answer_with_metadata() {
    let rig = Rig::plain().await;
    let path = format!("{ALL}?$includeMetadata=modification_time;etag");
    let answer = rig
        .destinations(Method::POST, &path, Some(simple("a")))
        .await;
    assert_eq!(answer.status, 201);
    let metadata = answer.json()["$metadata"].clone();
    assert_eq!(metadata["etag"], get(&rig, "a").await.header("etag"));
    let time: u64 = metadata["modification_time"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(time > 1_700_000_000_000);

    rig.set_knobs(json!({"destination": {"post_metadata": false}}))
        .await;
    let answer = rig
        .destinations(Method::POST, &path, Some(simple("b")))
        .await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::CREATED, "")
    );
}

#[tokio::test]
async fn an_array_is_created_one_by_one() {
    let rig = Rig::plain().await;
    let answer = rig.create(json!([simple("a"), simple("b")])).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()[1]["status"], 201);
    let path = format!("{ALL}?$includeMetadata=etag");
    let body = json!([simple("b"), simple("c"), {"Name": "d"}]);
    let answer = rig.destinations(Method::POST, &path, Some(body)).await;
    assert_eq!(answer.status, 207);
    let entries = answer.json();
    assert_eq!(
        entries[0],
        json!({"name": "b", "status": 409, "cause": "Duplicate key"})
    );
    assert_eq!(entries[1]["$metadata"]["etag"], entries[1]["etag"]);
    assert_eq!(
        entries[2],
        json!({"name": "d", "status": 400, "cause": "Invalid destination: 'Type' is missing"})
    );
}

#[tokio::test]
async fn a_body_must_be_json() {
    let rig = Rig::plain().await;
    let token = rig.token("destination").await;
    let path = "/destination-configuration/v1/subaccountDestinations";
    let request = || rig.request(Method::POST, path).bearer_auth(&token);
    assert_eq!(rig.send(request().body("{}")).await.status, 415);
    let broken = request()
        .header("content-type", "application/json")
        .body("{");
    assert_eq!(rig.send(broken).await.status, 400);
    assert_eq!(rig.create(json!("text")).await.status, 400);
}

#[tokio::test]
async fn put_replaces_everything_but_the_labels() {
    let rig = Rig::plain().await;
    let mut body = simple("a");
    body["clientSecret"] = json!("secret");
    rig.create(body).await;
    let labels = json!([{"key": "env", "values": ["prod"]}]);
    let path = format!("{}/labels", one("a"));
    rig.destinations(Method::PUT, &path, Some(labels.clone()))
        .await;
    let before = get(&rig, "a").await.header("etag").to_owned();

    let answer = put(&rig, simple("a")).await;
    assert_eq!(
        (answer.status, answer.json()),
        (StatusCode::OK, json!({"Count": 1}))
    );
    let after = get(&rig, "a").await;
    assert_eq!(after.json(), simple("a"));
    assert_ne!(after.header("etag"), before);
    assert_eq!(
        rig.destinations(Method::GET, &path, None).await.json(),
        labels
    );

    rig.set_knobs(json!({"destination": {"put_keeps_labels": false}}))
        .await;
    patch(&rig, json!({"Name": "a", "x": "y"})).await;
    let kept = rig.destinations(Method::GET, &path, None).await;
    assert_eq!(kept.json(), labels, "a patch keeps labels in any case");
    put(&rig, simple("a")).await;
    assert_eq!(
        rig.destinations(Method::GET, &path, None).await.json(),
        json!([])
    );
}

#[tokio::test]
async fn put_never_creates() {
    let rig = Rig::plain().await;
    assert_eq!(put(&rig, simple("a")).await.status, 404);
    rig.create(simple("b")).await;
    let answer = put(&rig, json!([simple("a"), simple("b")])).await;
    assert_eq!(answer.status, 207);
    assert_eq!(answer.json()[0]["status"], 404);
    let etag = get(&rig, "b").await.header("etag").to_owned();
    assert_eq!(
        answer.json()[1],
        json!({"name": "b", "status": 200, "etag": etag})
    );
}

#[tokio::test]
async fn patch_sets_and_deletes_single_properties() {
    let rig = Rig::plain().await;
    rig.create(json!({
        "Name": "a", "Type": "HTTP", "Authentication": "BasicAuthentication",
        "User": "u", "Password": "secret", "old": "x"
    }))
    .await;
    let answer = patch(
        &rig,
        json!({"Name": "a", "User": "v", "old": null, "new": "y"}),
    )
    .await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::NO_CONTENT, "")
    );
    assert_eq!(
        get(&rig, "a").await.json(),
        json!({
            "Name": "a", "Type": "HTTP", "Authentication": "BasicAuthentication",
            "User": "v", "Password": "secret", "new": "y"
        })
    );
    assert_eq!(patch(&rig, json!({"Name": "nobody"})).await.status, 404);
    assert_eq!(
        patch(&rig, json!({"Name": "a", "Password": null}))
            .await
            .status,
        400
    );
    assert_eq!(patch(&rig, json!([{"Name": "a"}])).await.status, 400);
}

#[tokio::test]
async fn patch_can_be_missing_in_three_ways() {
    let rig = Rig::plain().await;
    rig.create(simple("a")).await;
    for (value, status) in [
        ("method_not_allowed", 405),
        ("not_implemented", 501),
        ("not_found", 404),
    ] {
        rig.set_knobs(json!({"destination": {"patch": value}}))
            .await;
        let answer = patch(&rig, json!({"Name": "a", "x": "y"})).await;
        assert_eq!(answer.status, status, "{value}");
    }
    assert_eq!(get(&rig, "a").await.json(), simple("a"));
}

#[tokio::test]
async fn delete_answers_with_a_count() {
    let rig = three().await;
    let answer = delete(&rig, "a").await;
    assert_eq!(
        (answer.status, answer.json()),
        (StatusCode::OK, json!({"Count": 1}))
    );
    assert_eq!(delete(&rig, "a").await.status, 404);
    rig.set_knobs(json!({"destination": {"missing_delete": "count_zero"}}))
        .await;
    let answer = delete(&rig, "a").await;
    assert_eq!(
        (answer.status, answer.json()),
        (StatusCode::OK, json!({"Count": 0}))
    );
}

#[tokio::test]
async fn several_are_deleted_by_a_filter_that_is_mandatory() {
    let rig = three().await;
    assert_eq!(
        rig.destinations(Method::DELETE, ALL, None).await.status,
        400
    );
    let by_prefix = format!("{ALL}?$filter=startswith(Name, 'a')");
    assert_eq!(
        rig.destinations(Method::DELETE, &by_prefix, None)
            .await
            .status,
        400
    );
    let by_name = format!("{ALL}?$filter=Name in ('a','x')");
    let answer = rig.destinations(Method::DELETE, &by_name, None).await;
    assert_eq!(
        answer.json(),
        json!({"Count": 1, "Summary": [
            {"name": "a", "status": "DELETED"},
            {"name": "x", "status": "NOT_FOUND", "reason": "Could not find configuration"}
        ]})
    );
    assert_eq!(names(&rig.list("").await), ["ab", "b"]);
}

#[tokio::test]
async fn an_assertion_provider_is_not_deleted() {
    let rig = three().await;
    patch(
        &rig,
        json!({"Name": "b", "clientAssertion.destinationName": "a"}),
    )
    .await;
    let answer = delete(&rig, "a").await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["ErrorMessage"],
        "Cannot perform operation on the destination 'a' because it is used as an assertion \
         provider for destination 'b'"
    );
    let bulk = format!("{ALL}?$filter=Name in ('a')");
    let answer = rig.destinations(Method::DELETE, &bulk, None).await;
    assert_eq!(
        answer.json()["ErrorMessage"],
        "Unable to remove Configurations \"[a]\"."
    );
}

#[tokio::test]
async fn etags_make_reads_conditional() {
    let rig = Rig::plain().await;
    rig.create(simple("a")).await;
    let etag = get(&rig, "a").await.header("etag").to_owned();
    let path = one("a");
    let ask = async |header, value: &str| with(&rig, header, value, Method::GET, &path).await;
    let same = ask("if-none-match", &etag).await;
    assert_eq!(
        (same.status, same.body.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    assert_eq!(same.header("etag"), etag);
    assert_eq!(ask("if-none-match", "other").await.status, 200);
    assert_eq!(ask("if-match", &etag).await.status, 200);
    let other = ask("if-match", "other").await;
    assert_eq!(
        (other.status.as_u16(), other.header("etag")),
        (412, etag.as_str())
    );

    rig.set_knobs(json!({"destination": {"quoted_etag": true}}))
        .await;
    let quoted = format!("\"{etag}\"");
    assert_eq!(get(&rig, "a").await.header("etag"), quoted);
    assert_eq!(ask("if-none-match", &quoted).await.status, 304);
}

#[tokio::test]
async fn if_match_on_a_write_is_ignored_or_honoured() {
    let rig = Rig::plain().await;
    rig.create(simple("a")).await;
    rig.create(simple("b")).await;
    let remove = async |name: &str, etag: &str| {
        with(&rig, "if-match", etag, Method::DELETE, &one(name))
            .await
            .status
    };
    assert_eq!(remove("a", "other").await, 200);
    rig.set_knobs(json!({"destination": {"if_match_on_write": true}}))
        .await;
    assert_eq!(remove("b", "other").await, 412);
    let etag = get(&rig, "b").await.header("etag").to_owned();
    assert_eq!(remove("b", &etag).await, 200);
}

#[tokio::test]
async fn lists_are_filtered() {
    let rig = three().await;
    assert_eq!(names(&rig.list("").await), ["a", "ab", "b"]);
    assert_eq!(
        names(&rig.list("?$filter=Name+in+%28%27b%27%29").await),
        ["b"]
    );
    assert_eq!(
        names(&rig.list("?$filter=startswith(Name, 'a')").await),
        ["a", "ab"]
    );
    assert_eq!(
        names(&rig.list("?$filter=endswith(Name, 'b')").await),
        ["ab", "b"]
    );
    let recent = rig.list("?$filter=modifiedwithin('1', 'minutes')").await;
    assert_eq!(names(&recent).len(), 3);
    assert_eq!(rig.list("?$filter=Name eq 'a'").await.status, 400);
    assert_eq!(rig.list("?$filter=Name in ('x')").await.body, "[]");
}

#[tokio::test]
async fn a_name_is_encoded_twice_in_a_list_of_names() {
    let rig = Rig::with_knobs(json!({"destination": {"name_rule": "lenient"}})).await;
    rig.create(simple("our-team's-app")).await;
    let twice = rig
        .list("?$filter=Name+in+%28%27our-team%2527s-app%27%29")
        .await;
    assert_eq!(names(&twice), ["our-team's-app"]);
    let once = rig
        .list("?$filter=Name+in+%28%27our-team%27s-app%27%29")
        .await;
    assert_eq!(once.status, 400);
}

#[tokio::test]
async fn lists_can_have_metadata() {
    let rig = Rig::plain().await;
    rig.create(simple("a")).await;
    let labels = json!([{"key": "env", "values": ["prod"]}]);
    let path = format!("{}/labels", one("a"));
    rig.destinations(Method::PUT, &path, Some(labels.clone()))
        .await;
    let query = "?$filter=Name in ('a')&$includeMetadata=modification_time;etag;labels";
    let list = rig.list(query).await.json();
    let etag = get(&rig, "a").await.header("etag").to_owned();
    let metadata = &list[0]["$metadata"];
    assert_eq!(metadata["etag"], etag);
    assert_eq!(metadata["labels"], labels);
    assert!(metadata["modification_time"].is_string());
    assert_eq!(rig.list("?$includeMetadata=nonsense").await.status, 400);
    let by_label = rig.list("?$filter=Label['env'] HAS ('prod','qa')").await;
    assert_eq!(names(&by_label), ["a"]);
}

#[tokio::test]
async fn modes_exclude_each_other() {
    let rig = three().await;
    let selected = rig.list("?$select=Name").await.json();
    assert_eq!(
        selected,
        json!([{"Name": "a"}, {"Name": "ab"}, {"Name": "b"}])
    );
    for query in [
        "?$select=Type",
        "?$select=Name&$filter=Name in ('a')",
        "?$page=1&$filter=Name in ('a')",
        "?$page=1&$includeMetadata=etag",
        "?$pageSize=10",
        "?$page=0",
        "?$page=1&$pageSize=1001",
    ] {
        assert_eq!(rig.list(query).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn pages_have_links_and_counts() {
    let rig = Rig::start(Options {
        destinations: 25,
        ..Options::default()
    })
    .await;
    let page = rig.list("?$page=2&$pageCount=true&$entityCount=true").await;
    assert_eq!(names(&page).len(), 10);
    assert_eq!(names(&page)[0], "destination-00011");
    assert_eq!(
        page.header("link"),
        "</subaccountDestinations?$page=1&$pageSize=10>; rel='previous', \
         </subaccountDestinations?$page=3&$pageSize=10>; rel='next'"
    );
    assert_eq!(
        (page.header("page-count"), page.header("entity-count")),
        ("3", "25")
    );
    let last = rig.list("?$page=3").await;
    assert!(!last.header("link").contains("next"));
    assert_eq!(last.header("entity-count"), "");
    assert!(names(&rig.list("?$page=4").await).is_empty());
}

#[tokio::test]
async fn labels_are_replaced_added_and_deleted() {
    let rig = Rig::plain().await;
    rig.create(simple("a")).await;
    let path = format!("{}/labels", one("a"));
    let send =
        async |method: Method, body: Value| rig.destinations(method, &path, Some(body)).await;
    let read = async || rig.destinations(Method::GET, &path, None).await.json();
    let label = |values: &[&str]| json!([{"key": "env", "values": values}]);
    assert_eq!(read().await, json!([]));
    assert_eq!(send(Method::PUT, label(&["a"])).await.status, 204);
    let change = |action: &str, values: &[&str]| json!({"action": action, "labels": label(values)});
    assert_eq!(
        send(Method::PATCH, change("ADD", &["a", "b"])).await.status,
        204
    );
    assert_eq!(read().await, label(&["a", "b"]));
    assert_eq!(
        send(Method::PATCH, change("DELETE", &["a"])).await.status,
        204
    );
    assert_eq!(read().await, label(&["b"]));
    assert_eq!(
        send(Method::PATCH, change("REMOVE", &["b"])).await.status,
        204
    );
    assert_eq!(read().await, json!([]));

    let many: Vec<Value> = (0..11)
        .map(|n| json!({"key": n.to_string(), "values": ["x"]}))
        .collect();
    assert_eq!(send(Method::PUT, json!(many)).await.status, 400);
    let values: Vec<String> = (0..11).map(|n| n.to_string()).collect();
    assert_eq!(
        send(Method::PUT, json!([{"key": "k", "values": values}]))
            .await
            .status,
        400
    );
    let missing = format!("{}/labels", one("nobody"));
    assert_eq!(
        rig.destinations(Method::GET, &missing, None).await.status,
        404
    );
}

#[tokio::test]
async fn limits_hold() {
    let rig = Rig::with_knobs(json!({"destination": {"entity_limit": 2}})).await;
    rig.create(simple("a")).await;
    let body = Some(simple("a"));
    rig.destinations(Method::POST, "/instanceDestinations", body)
        .await;
    assert_eq!(
        rig.create(simple("c")).await.status,
        400,
        "both levels count"
    );
    rig.set_knobs(json!({"destination": {"entity_limit": null}}))
        .await;
    assert_eq!(rig.create(simple("c")).await.status, 201);
    let long = format!("?$filter=startswith(Name, '{}')", "a".repeat(4000));
    assert_eq!(rig.list(&long).await.status, 414);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let rig = Rig::plain().await;
    let answer = rig
        .destinations(Method::PUT, &one("a"), Some(simple("a")))
        .await;
    assert_eq!(answer.status, 405);
    assert_ne!(answer.header("allow"), "");
    for (knobs, expected) in [
        (json!({}), "GET, POST, PUT, PATCH, DELETE"),
        (json!({ "patch": "not_found" }), "GET, POST, PUT, DELETE"),
        (json!({ "allow_header": false }), ""),
    ] {
        rig.set_knobs(json!({ "destination": knobs })).await;
        let answer = rig.destinations(Method::OPTIONS, ALL, None).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), expected);
    }
    assert_eq!(get(&rig, "a/b/c").await.status, 404);
    assert_eq!(
        rig.destinations(Method::GET, "/nothing", None).await.status,
        404
    );
}

#[tokio::test]
async fn modification_times_only_grow() {
    let rig = Rig::plain().await;
    let bodies: Vec<Value> = (0..20).map(|n| simple(&format!("d{n:02}"))).collect();
    rig.create(Value::from(bodies)).await;
    let list = rig.list("?$includeMetadata=modification_time").await.json();
    let times: Vec<u64> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            item["$metadata"]["modification_time"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}

#[tokio::test]
async fn validation_is_answered_with_400_unless_told_otherwise() {
    let rig = Rig::plain().await;
    let body = json!({"Name": "a", "Type": "HTTP", "Authentication": "BasicAuthentication"});
    let answer = rig.create(body.clone()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["ErrorMessage"],
        "Invalid destination: 'User' is missing"
    );
    rig.set_knobs(json!({"destination": {"check_required": false, "values": "stringify"}}))
        .await;
    assert_eq!(rig.create(body).await.status, 201);
    let mut number = simple("b");
    number["n"] = json!(1);
    rig.create(number).await;
    assert_eq!(get(&rig, "b").await.json()["n"], "1");
}
