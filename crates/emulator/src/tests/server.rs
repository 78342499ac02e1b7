use std::io::ErrorKind;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Options, Rig, simple};

const LIST: &str = "/destination-configuration/v1/subaccountDestinations";

/// Sends a request by hand and reads until the connection ends.
async fn raw(rig: &Rig, request: &str) -> (String, std::io::Result<usize>) {
    let address = rig.emulator.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let result = stream.read_to_end(&mut bytes).await;
    (String::from_utf8(bytes).unwrap(), result)
}

fn raw_post(path: &str, token: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn destination_names(rig: &Rig) -> Vec<String> {
    let state = rig.control(Method::GET, "/state", None).await.json();
    let list = state["subaccounts"]["acme-orders"]["destinations"].clone();
    let list = list.as_array().unwrap().iter();
    list.map(|it| it["properties"]["Name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_reset_before_changes_nothing() {
    let rig = Rig::plain().await;
    let token = rig.token("destination").await;
    rig.add_fault(json!({"match": {"path_prefix": LIST}, "do": {"reset": "before"}}))
        .await;
    let (read, result) = raw(&rig, &raw_post(LIST, &token, &simple("a"))).await;
    assert_eq!(read, "");
    assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(destination_names(&rig).await.is_empty());
    let journal = rig.journal().await;
    let last = journal.last().unwrap();
    assert_eq!(
        (&last["status"], &last["fault"]),
        (&Value::Null, &json!(true))
    );
}

#[tokio::test]
async fn a_reset_after_commit_loses_the_answer_only() {
    let rig = Rig::plain().await;
    let token = rig.token("destination").await;
    rig.add_fault(json!({"match": {"path_prefix": LIST}, "do": {"reset": "after_commit"}}))
        .await;
    let (read, result) = raw(&rig, &raw_post(LIST, &token, &simple("a"))).await;
    assert_eq!(read, "");
    assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(destination_names(&rig).await, ["a"]);
}

#[tokio::test]
async fn an_answer_can_break_off() {
    let rig = Rig::plain().await;
    rig.create(simple("a")).await;
    let token = rig.token("destination").await;
    let get = format!("GET {LIST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    rig.add_fault(json!({"match": {"path_prefix": LIST}, "do": {"truncate_bytes": 5}}))
        .await;
    let (read, _) = raw(&rig, &get).await;
    let (head, body) = read.split_once("\r\n\r\n").unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    assert!(length.unwrap().parse::<usize>().unwrap() > 5);
    assert_eq!(body.len(), 5);

    // An empty body breaks off as well.
    rig.add_fault(json!({"match": {"path_prefix": LIST}, "do": {"truncate_bytes": 0}}))
        .await;
    let (read, _) = raw(&rig, &raw_post(LIST, &token, &simple("b"))).await;
    assert!(read.contains("content-length: 1\r\n"), "{read}");
    assert!(read.ends_with("\r\n\r\n"), "{read}");
}

const HOUR: u64 = 3_600_000;

/// What comes of a request, and how many hours the clock had to be moved for it.
async fn with_hours<T>(rig: &Rig, request: impl Future<Output = T>) -> (T, usize) {
    let mut request = std::pin::pin!(request);
    let mut hours = 0;
    loop {
        hours += 1;
        tokio::select! {
            biased;
            answer = &mut request => return (answer, hours),
            () = rig.forward(HOUR) => {}
        }
    }
}

#[tokio::test]
async fn an_answer_can_drip() {
    let rig = Rig::plain().await;
    rig.create(simple("a")).await;
    let fault = json!({"match": {"path_prefix": LIST}, "do": {"drip_ms": HOUR}});
    rig.add_fault(fault).await;
    let (answer, hours) = with_hours(&rig, rig.list("")).await;
    assert_eq!(answer.json()[0]["Name"], "a");
    assert!(hours >= answer.body.len(), "{hours}");
}

#[tokio::test]
async fn a_broken_tls_session_ends_before_or_after_the_change() {
    let rig = Rig::start(Options {
        tls: true,
        ..Options::default()
    })
    .await;
    for (moment, names) in [("before", &[][..]), ("after_commit", &["a"])] {
        let fault = json!({"match": {"path_prefix": LIST}, "do": {"break_tls": moment}});
        rig.add_fault(fault).await;
        let token = rig.token("destination").await;
        let request = rig.request(Method::POST, LIST).bearer_auth(token);
        let error = request.json(&simple("a")).send().await.unwrap_err();
        assert!(format!("{error:?}").contains("DecryptError"), "{error:?}");
        assert_eq!(destination_names(&rig).await, names);
    }
}

#[tokio::test]
async fn a_fault_can_let_all_tokens_expire() {
    let rig = Rig::plain().await;
    let token = rig.token("destination").await;
    rig.add_fault(json!({"match": {"path_prefix": LIST}, "do": {"expire_tokens": true}}))
        .await;
    let request = rig.request(Method::GET, LIST).bearer_auth(token);
    assert_eq!(rig.send(request).await.status, 401);
    assert_eq!(rig.list("").await.json(), json!([]));
}

#[tokio::test]
async fn a_fault_that_contradicts_itself_or_the_emulator_is_refused() {
    let rig = Rig::plain().await;
    for action in [
        json!({"break_tls": "before"}),
        json!({"drip_ms": 1, "truncate_bytes": 1}),
        json!({"reset": "before", "break_tls": "before"}),
    ] {
        let fault = Some(json!({ "do": action }));
        let answer = rig.control(Method::POST, "/faults", fault).await;
        assert_eq!(answer.status, 400, "{action}");
    }
    let faults = rig.control(Method::GET, "/faults", None).await;
    assert_eq!(faults.json(), json!([]));
}

#[tokio::test]
async fn the_journal_says_what_a_fault_holds_and_how_many_are_in_progress() {
    let rig = Rig::plain().await;
    let token = rig.token("destination").await;
    rig.add_fault(json!({"match": {"path_prefix": LIST}, "do": {"delay_ms": HOUR}}))
        .await;
    let held = rig.request(Method::GET, LIST).bearer_auth(&token).send();
    let other = async {
        rig.held().await;
        rig.list("").await;
        let journal = rig.journal().await;
        rig.forward(HOUR).await;
        journal
    };
    let (answer, journal) = tokio::join!(held, other);
    assert!(answer.unwrap().status().is_success());
    let lists: Vec<_> = journal
        .iter()
        .filter(|entry| entry["path"] == LIST)
        .map(|entry| (&entry["held"], &entry["in_flight"]))
        .collect();
    assert_eq!(lists[0], (&json!(true), &json!(1)));
    assert_eq!(lists[1], (&json!(false), &json!(2)));
}

#[tokio::test]
async fn resets_work_with_tls() {
    let rig = Rig::start(Options {
        tls: true,
        ..Options::default()
    })
    .await;
    rig.add_fault(json!({"do": {"reset": "before"}})).await;
    let failed = rig
        .request(Method::GET, "/zones/acme-orders/token_keys")
        .send()
        .await;
    assert!(failed.is_err());
    let answer = rig
        .send(rig.request(Method::GET, "/zones/acme-orders/token_keys"))
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_fault_can_answer_itself() {
    let rig = Rig::plain().await;
    let fault =
        |action: Value| json!({"match": {"method": "POST", "path_prefix": LIST}, "do": action});
    rig.add_fault(json!([
        fault(json!({"status": 503, "headers": {"Retry-After": "1"}, "body": "busy"})),
        fault(json!({"status": 429})),
        fault(json!({"body": {"ErrorMessage": "odd"}})),
    ]))
    .await;
    let answer = rig.create(simple("a")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (503, "busy")
    );
    assert_eq!(answer.header("retry-after"), "1");
    let answer = rig.create(simple("a")).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (429, ""));
    let answer = rig.create(simple("a")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({"ErrorMessage": "odd"}));
    assert!(destination_names(&rig).await.is_empty());
    assert_eq!(rig.create(simple("a")).await.status, 201);
}

#[tokio::test]
async fn a_delay_is_between_the_change_and_the_answer() {
    let rig = Rig::plain().await;
    let token = rig.token("destination").await;
    rig.add_fault(json!({"match": {"path_prefix": LIST}, "do": {"delay_ms": HOUR}}))
        .await;
    let request = rig
        .request(Method::POST, LIST)
        .bearer_auth(token)
        .json(&simple("a"));
    let early = async {
        rig.held().await;
        let names = destination_names(&rig).await;
        let journal = rig.journal().await;
        rig.forward(HOUR).await;
        (names, journal)
    };
    let (answer, (names, journal)) = tokio::join!(rig.send(request), early);
    assert_eq!(names, ["a"]);
    let held = journal.iter().find(|entry| entry["held"] == true).unwrap();
    assert_eq!(held["status"], Value::Null, "answered before its time");
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn a_fault_can_hit_what_a_service_asks_for_itself() {
    let rig = Rig::plain().await;
    rig.create(rig.cloud_alm_destination()).await;
    rig.add_fault(json!({
        "match": {"caller": "order-management", "path_prefix": "/api/"}, "do": {"status": 500}
    }))
    .await;
    let answer = rig.order_management(Method::POST, "/v1/registration").await;
    assert_eq!(answer.status, 424);
    assert!(answer.body.contains("500"), "{}", answer.body);
}

#[tokio::test]
async fn latency_holds_for_every_answer_but_control() {
    let rig = Rig::with_knobs(json!({"latency_ms": HOUR})).await;
    rig.control(Method::GET, "/knobs", None).await;
    let mut request = std::pin::pin!(rig.token("destination"));
    let arrived = async { while rig.journal().await.is_empty() {} };
    tokio::select! {
        biased;
        _ = &mut request => panic!("answered before its time"),
        () = arrived => {}
    }
    with_hours(&rig, request).await;
}

#[tokio::test]
async fn an_unknown_path_is_the_routers_404_and_so_is_an_unrouted_service() {
    let rig = Rig::plain().await;
    let answer = rig.send(rig.request(Method::GET, "/nothing")).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("x-cf-routererror"), "unknown_route");
    assert!(
        answer.body.starts_with("404 Not Found: Requested route"),
        "{}",
        answer.body
    );

    rig.set_knobs(json!({"unrouted": ["/destination-configuration"]}))
        .await;
    let answer = rig.list("").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("x-cf-routererror"), "unknown_route");
}

#[tokio::test]
async fn the_journal_says_who_asked_for_what_and_no_secret() {
    let rig = Rig::plain().await;
    let scope = "omf-demo!b4711|dom!b99.IntegrationMonitoring";
    rig.token_answer("order-management", &[("scope", scope)])
        .await;
    let token = rig.token("destination").await;
    let mut body = simple("a");
    body["clientSecret"] = json!("very-secret");
    let request = rig
        .request(Method::POST, &format!("{LIST}?$includeMetadata=etag"))
        .bearer_auth(&token)
        .header("x-correlation-id", "corr-1")
        .header("user-agent", "test/1");
    let answer = rig.send(request.json(&body)).await;
    assert_eq!(answer.header("x-correlationid"), "corr-1");

    let text = rig.control(Method::GET, "/journal", None).await.body;
    assert!(!text.contains("very-secret"), "{text}");
    assert!(!text.contains(&token), "{text}");
    let secret = rig.key("destination")["clientsecret"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!text.contains(&secret), "{text}");

    let journal = rig.journal().await;
    assert_eq!(journal.len(), 3, "control requests are not in it");
    assert_eq!(journal[0]["scope"], scope);
    assert_eq!(
        journal[0]["client_id"],
        rig.uaa("order-management")["clientid"]
    );
    let last = &journal[2];
    assert_eq!(last["method"], "POST");
    assert_eq!(last["path"], format!("{LIST}?$includeMetadata=etag"));
    assert_eq!(last["status"], 201);
    assert_eq!(last["client_id"], rig.key("destination")["clientid"]);
    assert_eq!(last["correlation_id"], "corr-1");
    assert_eq!(last["user_agent"], "test/1");
    assert_eq!(last["caller"], Value::Null);
    assert_eq!(
        last["keys"],
        json!(["Authentication", "Name", "Type", "URL", "clientSecret"])
    );
    let time: jiff::Timestamp = last["time"].as_str().unwrap().parse().unwrap();
    assert!(jiff::Timestamp::now().duration_since(time).as_secs() < 60);

    rig.control(Method::DELETE, "/journal", None).await;
    assert!(rig.journal().await.is_empty());
}

#[tokio::test]
async fn the_journal_is_in_order_of_arrival() {
    let rig = Rig::plain().await;
    let path = "/zones/acme-orders/token_keys";
    rig.add_fault(json!({"match": {"path_prefix": path}, "do": {"delay_ms": HOUR}}))
        .await;
    let slow = rig.send(rig.request(Method::GET, path));
    let quick = async {
        rig.held().await;
        rig.send(rig.request(Method::GET, "/quick")).await;
        rig.forward(HOUR).await;
    };
    tokio::join!(slow, quick);
    let journal = rig.journal().await;
    assert_eq!(
        (&journal[0]["path"], &journal[1]["path"]),
        (&json!(path), &json!("/quick"))
    );
}

#[tokio::test]
async fn after_the_shutdown_nothing_listens_and_the_keys_are_gone() {
    let rig = Rig::plain().await;
    let url = rig.url("/zones/acme-orders/token_keys");
    let keys = rig.emulator.keys_dir().to_owned();
    assert!(keys.join("destination.json").exists());
    rig.emulator.shutdown().await;
    let error = rig.http.get(url).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert!(!keys.exists());
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_names_it() {
    let rig = Rig::plain().await;
    let address = rig.emulator.url().trim_start_matches("http://").to_owned();
    let options = Options {
        listen: address.parse().unwrap(),
        ..Options::default()
    };
    let error = crate::Emulator::start(options).await.unwrap_err();
    assert!(error.to_string().contains(&address), "{error}");
}
