//! The main job at the edges of its network: TLS and its authorities, proxies,
//! redirects, plain `http://`, peers that are slow or silent, and who we say we
//! are.

use std::collections::BTreeSet;

use emulator::Options;
use serde_json::{Value as Json, json};

use crate::support::core::state::State;
use crate::support::core::{Core, Outcome, Release, Resource};
use crate::support::page::{Page, assert_no_secret};
use crate::support::peers::{Manner, Peer, closed_port};
use crate::support::proxy::{Proxy, Rules};
use crate::support::workspace::Workspace;
use crate::support::world::{REGISTER_PATH, Variant, World};

const DESTINATION: &str = "sapcalm_destination.cloud_alm";
/// A name that no DNS knows: whoever reaches it came through the proxy.
const HOST: &str = "sap.test";

fn resources() -> Vec<Resource> {
    vec![
        Resource::new("sapcalm_destination", "cloud_alm", json!({})),
        Resource::with(
            "sapcalm_registration",
            "order_management",
            |values| json!({ "destination_name": values.get(DESTINATION, "name") }),
        )
        .depends_on(&[DESTINATION]),
    ]
}

fn destination(block: Json) -> Vec<Resource> {
    vec![Resource::new("sapcalm_destination", "cloud_alm", block)]
}

async fn https() -> World {
    let options = Options {
        tls: true,
        ..Options::default()
    };
    World::with(Variant::documented(), options).await
}

/// A world behind a name, and a proxy that knows where it leads.
async fn behind_a_proxy(rules: Rules) -> (World, Proxy) {
    let options = Options {
        tls: true,
        host: Some(HOST.to_owned()),
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let route = Some((HOST.to_owned(), world.address().ip()));
    let proxy = Proxy::start(Rules { route, ..rules }).await;
    (world, proxy)
}

/// The provider block of the world with some settings changed.
fn with(world: &World, changes: &Json) -> Json {
    let mut block = world.provider();
    for (name, value) in changes.as_object().unwrap() {
        block[name] = value.clone();
    }
    block
}

/// A service key of the world with one value, at a JSON pointer, replaced.
fn key_with(world: &World, file: &str, pointer: &str, value: &str) -> Json {
    let mut key: Json = serde_json::from_str(&world.key(file)).unwrap();
    *key.pointer_mut(pointer).unwrap() = value.into();
    key.to_string().into()
}

/// An apply that must fail.
async fn refused(world: &World, tf: &mut Core, resources: &[Resource]) -> Outcome {
    let outcome = tf.apply(resources).await;
    assert!(outcome.diags.has_errors(), "{outcome}");
    assert_eq!(outcome.diags.objections().count(), 0, "{outcome}");
    assert_no_secret(world, &outcome.to_string());
    assert_no_secret(world, &tf.log());
    outcome
}

// -------------------------------------------------------------------- TLS

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_authority_is_enough_from_attribute_variable_and_file() {
    let world = https().await;
    let file = format!("@{}", world.keys().join("ca.pem").display());
    for variable in [None, Some(world.ca()), Some(file)] {
        let mut tf = Core::start(&[]).await;
        tf.configure(world.provider());
        if let Some(value) = variable {
            tf.configure(with(&world, &json!({ "ca_certificates": null })));
            tf.set_env("SAPCALM_CA_CERTIFICATES", &value);
        }
        tf.apply(&resources()).await.ok();
        assert!(world.is_registered().await);
        tf.assert_empty_plan(&resources()).await;
        tf.destroy().await.ok();
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_that_is_not_trusted_fails_at_once_and_says_what_to_do() {
    let (world, other) = (https().await, https().await);
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    let authorities = [
        ("No authority", Json::Null),
        ("The authority of another", other.ca().into()),
    ];
    for (heading, authority) in authorities {
        // A retry would be seen: it would take its time.
        let changes = json!({ "ca_certificates": authority, "retry_base_delay": "1h" });
        tf.configure(with(&world, &changes));
        let outcome = refused(&world, &mut tf, &destination(json!({}))).await;
        page.add(heading, &outcome);
    }
    assert!(world.journal().await.is_empty());
    tf.configure(with(
        &world,
        &json!({ "ca_certificates": "no certificate" }),
    ));
    let outcome = refused(&world, &mut tf, &destination(json!({}))).await;
    page.add("No certificate at all", &outcome);
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
    other.stop().await;
}

// ---------------------------------------------------------------- proxies

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_proxy_is_used_for_everything() {
    let (world, proxy) = behind_a_proxy(Rules::default()).await;
    let mut tf = Core::start(&[]).await;
    tf.configure(with(&world, &json!({ "proxy_url": proxy.url() })));
    tf.apply(&resources()).await.ok();
    assert!(world.is_registered().await);
    tf.assert_empty_plan(&resources()).await;
    tf.destroy().await.ok();
    let seen = proxy.seen();
    let targets = [
        world.address(),
        world.token_service("destination"),
        world.token_service("cloud-alm"),
    ];
    let targets = targets.map(|target| format!("{HOST}:{}", target.port()));
    let tunnels: BTreeSet<String> = seen.tunnels.iter().cloned().collect();
    assert_eq!(tunnels, BTreeSet::from(targets), "{seen:?}");
    assert!(
        seen.forwards.is_empty() && seen.refusals.is_empty(),
        "{seen:?}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_proxy_gets_whole_urls_for_plain_http() {
    let world = World::documented().await;
    let proxy = Proxy::start(Rules::default()).await;
    let mut tf = Core::start(&[]).await;
    tf.configure(with(&world, &json!({ "proxy_url": proxy.url() })));
    tf.apply(&resources()).await.ok();
    let (seen, asked) = (proxy.seen(), world.journal().await.len());
    assert_eq!(seen.forwards.len(), asked, "{seen:?}");
    assert!(seen.tunnels.is_empty(), "{seen:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_demands_credentials_gets_them_from_its_url() {
    let rules = Rules {
        credentials: Some("ann:p@ss word".to_owned()),
        ..Rules::default()
    };
    let (world, proxy) = behind_a_proxy(rules.clone()).await;
    let plain_world = World::documented().await;
    let plain_proxy = Proxy::start(rules).await;
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    for (world, proxy) in [(&world, &proxy), (&plain_world, &plain_proxy)] {
        let scheme = world.url().split(':').next().unwrap();
        for (heading, url) in [
            ("without credentials", proxy.url()),
            (
                "with wrong credentials",
                proxy.url_with("ann:wr0ng-passw0rd"),
            ),
        ] {
            // Nothing is retried: that could lock the account.
            tf.configure(with(
                world,
                &json!({ "proxy_url": url, "retry_base_delay": "1h" }),
            ));
            let before = proxy.seen().refusals.len();
            let outcome = refused(world, &mut tf, &destination(json!({}))).await;
            assert_eq!(proxy.seen().refusals.len(), before + 1);
            let all = format!("{outcome}{}", tf.log());
            assert!(!all.contains("wr0ng-passw0rd"), "{all}");
            page.add(&format!("{scheme} {heading}"), &outcome);
        }
        let url = proxy.url_with("ann:p%40ss%20word");
        tf.configure(with(world, &json!({ "proxy_url": url })));
        tf.apply(&resources()).await.ok();
        tf.destroy().await.ok();
        assert!(!tf.log().contains("p%40ss"));
    }
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
    plain_world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_refuses_or_is_not_there_is_named() {
    let forbid = Rules {
        forbid: true,
        ..Rules::default()
    };
    let (world, proxy) = behind_a_proxy(forbid).await;
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    tf.configure(with(
        &world,
        &json!({ "proxy_url": proxy.url(), "retry_base_delay": "1h" }),
    ));
    let outcome = refused(&world, &mut tf, &destination(json!({}))).await;
    page.add("The proxy forbids the host", &outcome);
    let nobody = format!("http://ann:s3cr3t-word@127.0.0.1:{}", closed_port());
    tf.configure(with(&world, &json!({ "proxy_url": nobody })));
    let outcome = refused(&world, &mut tf, &destination(json!({}))).await;
    assert!(!outcome.to_string().contains("s3cr3t-word"));
    page.add("Nobody listens at the proxy's address", &outcome);
    for unusable in ["ftp://proxy.example:3128", "http://"] {
        tf.configure(with(&world, &json!({ "proxy_url": unusable })));
        let outcome = refused(&world, &mut tf, &destination(json!({}))).await;
        page.add(&format!("`proxy_url` is `{unusable}`"), &outcome);
    }
    tf.set_env("HTTPS_PROXY", "ftp://proxy.example:3128");
    tf.configure(world.provider());
    let outcome = refused(&world, &mut tf, &destination(json!({}))).await;
    page.add("`HTTPS_PROXY` is `ftp://proxy.example:3128`", &outcome);
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_of_the_environment_is_used() {
    for variable in ["HTTPS_PROXY", "https_proxy"] {
        let rules = Rules {
            credentials: Some("ann:word".to_owned()),
            ..Rules::default()
        };
        let (world, proxy) = behind_a_proxy(rules).await;
        let mut tf = Core::start(&[(variable, &proxy.url_with("ann:word"))]).await;
        tf.configure(world.provider());
        tf.apply(&resources()).await.ok();
        assert!(world.is_registered().await);
        assert!(!proxy.seen().tunnels.is_empty());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configured_proxy_wins_over_the_one_of_the_environment() {
    let (world, proxy) = behind_a_proxy(Rules::default()).await;
    let other = Proxy::start(Rules::default()).await;
    let mut tf = Core::start(&[("HTTPS_PROXY", &other.url())]).await;
    tf.configure(with(&world, &json!({ "proxy_url": proxy.url() })));
    tf.apply(&resources()).await.ok();
    assert!(!proxy.seen().tunnels.is_empty());
    assert!(other.seen().nothing(), "{:?}", other.seen());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_proxy_holds_for_both_kinds_of_proxy() {
    let (world, proxy) = behind_a_proxy(Rules::default()).await;
    // Without the proxy nobody finds this host.
    for list in [HOST, ".test", "*.test", "*"] {
        for configured in [Json::Null, proxy.url().into()] {
            let mut tf = Core::start(&[("HTTPS_PROXY", &proxy.url()), ("NO_PROXY", list)]).await;
            let changes =
                json!({ "proxy_url": configured, "max_retries": 0, "connect_timeout": "3s" });
            tf.configure(with(&world, &changes));
            let outcome = refused(&world, &mut tf, &destination(json!({}))).await;
            let text = outcome.to_string();
            assert!(text.contains("No connection"), "{text}");
            assert!(!text.contains("through the proxy"), "{text}");
        }
    }
    assert!(proxy.seen().nothing(), "{:?}", proxy.seen());

    let near = World::documented().await;
    let mut tf = Core::start(&[("NO_PROXY", "127.0.0.0/8")]).await;
    tf.configure(with(&near, &json!({ "proxy_url": proxy.url() })));
    tf.apply(&resources()).await.ok();
    assert!(proxy.seen().nothing(), "{:?}", proxy.seen());
    near.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_of_the_environment_is_not_asked_for_loopback_hosts() {
    for world in [World::documented().await, https().await] {
        let proxy = Proxy::start(Rules::default()).await;
        let url = proxy.url();
        let variables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];
        let mut tf = Core::start(&variables.map(|variable| (variable, url.as_str()))).await;
        tf.configure(world.provider());
        tf.apply(&resources()).await.ok();
        assert!(proxy.seen().nothing(), "{:?}", proxy.seen());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_works_through_a_proxy_and_with_an_authority_of_its_own() {
    let Some(mut workspace) = Workspace::new_or_skip() else {
        return;
    };
    let rules = Rules {
        credentials: Some("ann:word".to_owned()),
        ..Rules::default()
    };
    let (world, proxy) = behind_a_proxy(rules).await;
    let blocks = json!({
        "sapcalm_destination": { "cloud_alm": {} },
        "sapcalm_registration": { "order_management": {
            "destination_name": "${sapcalm_destination.cloud_alm.name}",
        } },
    });
    workspace.write_json(&with(&world, &json!({ "ca_certificates": null })), &blocks);
    let ca = format!("@{}", world.keys().join("ca.pem").display());
    workspace.set_env("SAPCALM_CA_CERTIFICATES", &ca);
    workspace.set_env("HTTPS_PROXY", &proxy.url_with("ann:word"));
    workspace.converges().await;
    assert!(world.is_registered().await);

    workspace.set_env("HTTPS_PROXY", &proxy.url());
    let output = workspace.plan().await;
    assert_eq!(output.code, Some(1), "{output}");
    let demand = "demands a user name and password";
    assert!(output.stderr.contains(demand), "{output}");
    workspace.set_env("HTTPS_PROXY", &proxy.url_with("ann:word"));
    workspace.destroy().await;
    assert!(!world.is_registered().await);
    assert!(!proxy.seen().tunnels.is_empty());
    world.stop().await;
}

// -------------------------------------------------------------- redirects

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_an_error_wherever_it_comes_and_nothing_follows_it() {
    let elsewhere = Peer::start(Manner::Answers).await;
    let location = format!("{}/login?next=%2F", elsewhere.url("http"));
    let calls = [
        ("the token service", "POST", "/zones/"),
        (
            "reading the destination",
            "GET",
            "/destination-configuration/",
        ),
        (
            "creating the destination",
            "POST",
            "/destination-configuration/",
        ),
        ("registering", "POST", "/omf/"),
        ("the landscape", "GET", "/api/"),
    ];
    let mut page = Page::default();
    for (heading, method, path) in calls {
        let world = World::documented().await;
        let fault = |status: u16| {
            json!({
                "match": { "method": method, "path_prefix": path }, "times": null,
                "do": { "status": status, "headers": { "Location": location } },
            })
        };
        let mut tf = Core::start(&[]).await;
        tf.configure(world.provider());
        for status in [301, 303, 307, 308, 302] {
            world.clear_faults().await;
            world.fault(fault(status)).await;
            let outcome = tf.apply(&resources()).await;
            let text = outcome.to_string();
            assert!(
                text.contains("redirected to `127.0.0.1`"),
                "{status} {heading}: {text}"
            );
            assert!(text.contains(&format!("→ {status}")), "{text}");
            assert_no_secret(&world, &text);
            if status == 302 {
                page.add(heading, &outcome);
            }
            world.clear_faults().await;
            tf.apply(&resources()).await.ok();
            tf.destroy().await.ok();
        }
        assert_no_secret(&world, &tf.log());
        world.stop().await;
    }
    assert_eq!(elsewhere.connections(), 0);
    let world = World::documented().await;
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}

// ------------------------------------------------------------- plain http

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_is_refused_at_the_attribute_to_blame() {
    let world = World::documented().await;
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    let plain = "http://host.example/x";
    let key = |file: &str, pointer: &str| key_with(&world, file, pointer, plain);
    let monitoring = "/endpoints/integration-monitoring-api";
    let cases = [
        ("destination_service_key", key("destination", "/uri")),
        ("destination_service_key", key("destination", "/url")),
        (
            "order_management_service_key",
            key("order-management", "/uaa/url"),
        ),
        (
            "order_management_service_key",
            key("order-management", monitoring),
        ),
        ("cloud_alm_service_key", key("cloud-alm", "/uaa/url")),
        ("cloud_alm_service_key", key("cloud-alm", "/endpoints/Api")),
        ("order_management_api", json!({ "endpoint": plain })),
    ];
    for (attribute, value) in cases {
        tf.configure(with(&world, &json!({ attribute: value })));
        let outcome = tf.plan(&resources()).await;
        let errors: Vec<_> = outcome.diags.errors().collect();
        assert_eq!(errors.len(), 1, "{outcome}");
        assert!(errors[0].path.starts_with(attribute), "{outcome}");
        page.add(attribute, &outcome);
    }
    assert!(world.journal().await.is_empty());

    // What is not called is nobody's business.
    let override_endpoint = json!({
        "order_management_service_key": key("order-management", monitoring),
        "order_management_api": {
            "endpoint": format!("{}/omf/integration-monitoring", world.url()),
            "register": { "path": REGISTER_PATH },
        },
    });
    tf.configure(with(&world, &override_endpoint));
    tf.apply(&resources()).await.ok();
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}

// --------------------------------------------------- slow and silent peers

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_never_answer_end_with_the_request_timeout() {
    let world = World::documented().await;
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    for manner in [Manner::Silent, Manner::Drips] {
        let peer = Peer::start(manner).await;
        for (what, pointer) in [("token service", "/url"), ("Destination service", "/uri")] {
            let changes = json!({
                "destination_service_key": key_with(&world, "destination", pointer, &peer.url("http")),
                "request_timeout": "300ms", "max_retries": 2,
            });
            tf.configure(with(&world, &changes));
            let before = peer.connections();
            let outcome = refused(&world, &mut tf, &destination(json!({}))).await;
            assert!(peer.connections() - before >= 3, "{}", peer.connections());
            page.add(&format!("{what}: {manner:?}"), &outcome);
            // What was sent to a silent service may have been carried out.
            assert_eq!(tf.state.is_empty(), pointer == "/url");
            tf.state = State::default();
        }
    }
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_never_ends_is_cut_off_by_the_connect_timeout() {
    let world = World::documented().await;
    let peer = Peer::start(Manner::Silent).await;
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    let changes = json!({
        "destination_service_key": key_with(&world, "destination", "/url", &peer.url("https")),
        "connect_timeout": "300ms", "max_retries": 2,
    });
    tf.configure(with(&world, &changes));
    let outcome = refused(&world, &mut tf, &destination(json!({}))).await;
    page.add("TLS never answers", &outcome);
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_ends_with_its_own_timeout_whoever_is_silent() {
    let world = World::documented().await;
    let peer = Peer::start(Manner::Silent).await;
    let mut page = Page::default();
    let mut tf = Core::start(&[]).await;
    let timeouts = json!({ "create": "2s", "read": "2s", "update": "2s", "delete": "2s" });
    let block = |description: &str| json!({ "timeouts": timeouts, "description": description });
    let silent = |pointer: &str| {
        let key = key_with(&world, "destination", pointer, &peer.url("http"));
        // Only its own timeout ends an operation.
        let changes = json!({ "destination_service_key": key, "request_timeout": "1h" });
        with(&world, &changes)
    };
    // The service may have created it: the provider looks, and not for long.
    for (what, pointer) in [("token service", "/url"), ("Destination service", "/uri")] {
        tf.configure(silent(pointer));
        let outcome = refused(&world, &mut tf, &destination(block("a"))).await;
        page.add(&format!("Create, silent {what}"), &outcome);
        assert_eq!(tf.state.is_empty(), pointer == "/url");
    }
    tf.configure(world.provider());
    tf.apply(&destination(block("a"))).await.ok();
    let before = tf.object(DESTINATION);
    for (what, pointer) in [("token service", "/url"), ("Destination service", "/uri")] {
        tf.configure(silent(pointer));
        let plan = tf.plan(&destination(block("b"))).await;
        assert!(plan.diags.has_errors());
        page.add(&format!("Read, silent {what}"), &plan);
    }
    for (operation, description) in [("Update", Some("b")), ("Delete", None)] {
        tf.configure(world.provider());
        let resources = description.map_or(Vec::new(), |text| destination(block(text)));
        let plan = tf.plan_for_later(&resources).await;
        tf.configure(silent("/uri"));
        let outcome = tf.apply_saved(&resources, plan).await;
        assert!(outcome.diags.has_errors());
        assert_eq!(outcome.diags.objections().count(), 0, "{outcome}");
        page.add(
            &format!("{operation}, silent Destination service"),
            &outcome,
        );
        assert_eq!(tf.object(DESTINATION)["id"], before["id"]);
    }
    tf.configure(world.provider());
    tf.apply(&destination(block("b"))).await.ok();
    tf.assert_empty_plan(&destination(block("b"))).await;
    assert_eq!(world.destinations().await.len(), 1);
    insta::assert_snapshot!(page.finish(&world));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_slow_within_the_timeouts_is_waited_for() {
    let world = World::documented().await;
    world.turn(json!({ "latency_ms": 400 })).await;
    let mut tf = Core::start(&[]).await;
    tf.configure(with(
        &world,
        &json!({ "request_timeout": "20s", "max_retries": 0 }),
    ));
    tf.apply(&resources()).await.ok();
    tf.assert_empty_plan(&resources()).await;
    tf.destroy().await.ok();
    world.stop().await;
}

// ------------------------------------------------------------- user agent

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_says_who_sends_it() {
    let world = World::documented().await;
    let own = concat!("terraform-provider-sapcalm/", env!("CARGO_PKG_VERSION"));
    for release in [Release::V1_5, Release::V1_16] {
        for (append, more) in [
            (Json::Null, ""),
            ("pipeline/7 (nightly)".into(), " pipeline/7 (nightly)"),
        ] {
            let mut tf = Core::start(&[]).await;
            tf.release(release);
            tf.configure(with(&world, &json!({ "append_user_agent": append })));
            world.forget_journal().await;
            tf.apply(&resources()).await.ok();
            tf.destroy().await.ok();
            let expected = format!("Terraform/{} {own}{more}", release.version());
            let journal = world.journal().await;
            assert!(!journal.is_empty());
            for entry in journal {
                assert_eq!(entry["user_agent"], expected.as_str(), "{entry}");
            }
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_requests_name_the_version_of_terraform_and_the_pipeline() {
    let Some(mut workspace) = Workspace::new_or_skip() else {
        return;
    };
    let world = World::documented().await;
    workspace.write_json(
        &world.provider(),
        &json!({ "sapcalm_destination": { "cloud_alm": {} } }),
    );
    workspace.set_env("SAPCALM_APPEND_USER_AGENT", "pipeline/7");
    workspace.converges().await;
    let own = concat!("terraform-provider-sapcalm/", env!("CARGO_PKG_VERSION"));
    let client = workspace.client();
    for entry in world.journal().await {
        let said = entry["user_agent"].as_str().unwrap();
        let version = said.strip_prefix("Terraform/").unwrap();
        let (version, rest) = version.split_once(' ').unwrap();
        assert_eq!(rest, format!("{own} pipeline/7"));
        // OpenTofu names the Terraform that it is like.
        assert!(client.open_tofu || version == client.version, "{entry}");
    }
    workspace.destroy().await;
    world.stop().await;
}
