//! The recipes in `examples/connections`: each folder is applied with the real
//! CLI and then plans nothing, and what SAP stores is what SAP's pages say,
//! property by property. The table of all services counts what it lists.
//!
//! What a property must be stands here as SAP's page says it, made from the
//! keys; it is not taken from the recipes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use emulator::{CLOUD_ALM_SUBDOMAIN, DestinationKey, Options};
use serde_json::{Value as Json, json};

use crate::support::feature::Feature;
use crate::support::workspace::Workspace;
use crate::support::world::{Variant, World};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What SAP's page says about a property.
enum Says {
    /// This, to the letter.
    Is(String),
    /// It begins so; the rest is free.
    Begins(&'static str),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// The reader chooses.
    Free,
}
use Says::{Begins, Free, OneOf};

fn is(text: &str) -> Says {
    Says::Is(text.to_owned())
}

impl Says {
    fn fits(&self, stored: &str) -> bool {
        match self {
            Self::Is(text) => stored == text,
            Self::Begins(start) => stored
                .strip_prefix(start)
                .is_some_and(|rest| !rest.is_empty()),
            Self::OneOf(texts) => texts.contains(&stored),
            Self::Free => !stored.is_empty(),
        }
    }
}

/// One destination as a page describes it.
struct Connection {
    /// The recipe's file.
    recipe: &'static str,
    properties: Vec<(&'static str, Says)>,
}

/// What the provider writes where the page says nothing: SAP's own defaults.
const DEFAULTS: [(&str, &str); 2] = [
    ("ProxyType", "Internet"),
    ("tokenServiceURLType", "Dedicated"),
];

impl Connection {
    /// What is wrong with a stored destination.
    fn faults(&self, stored: &Json) -> Vec<String> {
        let stored = stored.as_object().unwrap();
        let mut faults = Vec::new();
        for (name, says) in &self.properties {
            match stored.get(*name).and_then(Json::as_str) {
                Some(text) if says.fits(text) => {}
                text => faults.push(format!("{}: `{name}` is {text:?}", self.recipe)),
            }
        }
        for (name, value) in stored {
            let is_said = self.properties.iter().any(|(said, _)| said == name);
            let is_default = DEFAULTS.contains(&(name, value.as_str().unwrap_or_default()));
            if !is_said && !is_default {
                faults.push(format!("{}: the page does not have `{name}`", self.recipe));
            }
        }
        faults
    }
}

/// The properties that most pages have in common.
fn oauth(name: Says, url: &str, key: &Json) -> Vec<(&'static str, Says)> {
    let uaa = |member: &str| key["uaa"][member].as_str().unwrap();
    vec![
        ("Name", name),
        ("Type", is("HTTP")),
        ("URL", is(url)),
        ("Authentication", is("OAuth2ClientCredentials")),
        ("clientId", is(uaa("clientid"))),
        ("clientSecret", is(uaa("clientsecret"))),
        (
            "tokenServiceURL",
            is(&format!("{}/oauth/token", uaa("url"))),
        ),
    ]
}

fn with(
    mut properties: Vec<(&'static str, Says)>,
    more: impl IntoIterator<Item = (&'static str, Says)>,
) -> Vec<(&'static str, Says)> {
    properties.extend(more);
    properties
}

/// Services that read a destination in their own subaccount. The pages are in
/// `SAP-docs/cloud-alm-setup-admin-guide`.
fn service_connections(cloud_alm: &Json) -> Vec<Connection> {
    let api = cloud_alm["endpoints"]["Api"].as_str().unwrap();
    // "without api. Ensure to keep the slash at the end"
    let without_api = api.strip_suffix("api").unwrap();
    assert!(without_api.ends_with('/'));
    vec![
        // data-ingestion-for-industry-cloud-solutions-4cbaec6.md
        Connection {
            recipe: "data-ingestion",
            properties: with(
                oauth(Free, without_api, cloud_alm),
                [("systemRole", OneOf(&["PROD", "TEST"]))],
            ),
        },
        // sap-build-process-automation-961dfa6.md
        Connection {
            recipe: "build-process-automation",
            properties: oauth(Free, without_api, cloud_alm),
        },
        // sap-intelligent-robotic-process-automation-…-568d9b6.md
        Connection {
            recipe: "intelligent-rpa",
            properties: with(
                oauth(Free, without_api, cloud_alm),
                [("sap.processautomation.enabled", is("true"))],
            ),
        },
        // sap-entitlement-management-178b783.md
        Connection {
            recipe: "entitlement-management",
            properties: with(
                oauth(Begins("CALM_"), without_api, cloud_alm),
                [
                    ("ProxyType", is("Internet")),
                    ("tokenServiceURLType", is("Dedicated")),
                ],
            ),
        },
        // sap-cloud-transport-management-service-8b4af2f.md, legacy procedure
        Connection {
            recipe: "transport-pass-through",
            properties: with(
                oauth(
                    is("TransportManagementService"),
                    &format!("{api}/imp-cdm-transport-management-api/v1"),
                    cloud_alm,
                ),
                [("ProxyType", is("Internet")), ("sourceSystemId", Free)],
            ),
        },
    ]
}

/// Services that Cloud ALM calls through a destination in its own subaccount.
fn cloud_alm_connections(transport: &Json, documents: &Json) -> Vec<Connection> {
    let uri = |key: &Json| key["uri"].as_str().unwrap().to_owned();
    let internet = || [("ProxyType", is("Internet"))];
    let s4hana = || Connection {
        recipe: "s4hana-cloud-transports",
        properties: vec![
            ("Name", Begins("CALM_FTR_ATO_")),
            ("Type", is("HTTP")),
            ("URL", Begins("https://")),
            ("Authentication", is("ClientCertificateAuthentication")),
            ("KeyStoreLocation", is("calm.pfx")),
            ("KeyStorePassword", is("some text")),
            // "we recommend to add the system"
            ("Description", Free),
        ],
    };
    vec![
        // sap-cloud-transport-management-service-8b4af2f.md
        Connection {
            recipe: "cloud-transport-management",
            properties: with(
                oauth(Begins("CALM_FTR_CTMS_"), &uri(transport), transport),
                internet(),
            ),
        },
        // connecting-sap-document-management-service-b788f20.md
        Connection {
            recipe: "document-management",
            properties: with(
                oauth(is("CALM_SD_DMS_INTEGRATION"), &uri(documents), documents),
                internet(),
            ),
        },
        // sap-s-4hana-cloud-public-edition-a4238a9.md, the edition with mTLS:
        // one destination for each system
        s4hana(),
        s4hana(),
        // enabling-email-channel-for-in-app-notifications-fbd50d1.md, and of
        // SAP-docs/btp-connectivity smtp-5876583.md
        Connection {
            recipe: "mail",
            properties: vec![
                ("Name", is("SAP_Business_Notifications_Mail")),
                ("Type", is("MAIL")),
                ("ProxyType", OneOf(&["Internet", "OnPremise"])),
                ("Authentication", Free),
                ("mail.smtp.host", Free),
                ("mail.smtp.port", Free),
                ("mail.smtp.auth", OneOf(&["true", "false"])),
                ("mail.smtp.from", Free),
                ("mail.user", Free),
                ("mail.password", is("some text")),
                ("mail.transport.protocol", is("smtp")),
                // "You can add as many properties as you need. Each key must
                // start with mail." (create-mail-destinations-6442cb4.md)
                ("mail.smtp.starttls.enable", is("true")),
            ],
        },
        // Expert portal, integration-ticket-systems.html
        Connection {
            recipe: "ticket-system",
            properties: vec![
                ("Name", Free),
                ("Type", is("HTTP")),
                ("URL", Begins("https://")),
                ("Authentication", is("BasicAuthentication")),
                ("User", Free),
                ("Password", is("some text")),
            ],
        },
        // Expert portal, integration-chat-systems.html
        Connection {
            recipe: "chat-system",
            properties: vec![
                ("Name", Free),
                ("Type", is("HTTP")),
                ("URL", Begins("https://")),
                ("Authentication", is("OAuth2ClientCredentials")),
                ("clientId", Free),
                ("clientSecret", is("some text")),
                ("tokenServiceURL", Begins("https://")),
            ],
        },
    ]
}

/// A service key as SAP shows it, of a service that the emulator does not play.
fn service_key(host: &str, name: &str) -> Json {
    json!({
        "uri": format!("https://{host}.cfapps.eu10.hana.ondemand.com"),
        "uaa": {
            "clientid": format!("sb-{name}!b1|{name}!b2"),
            "clientsecret": format!("secret-of-{name}$="),
            "url": "https://acme-services.authentication.eu10.hana.ondemand.com",
        },
    })
}

/// Copies a folder of recipes; the names of its files without `main`.
fn copy_recipes(folder: &str, workspace: &Workspace) -> BTreeSet<String> {
    let mut recipes = BTreeSet::new();
    for file in fs::read_dir(Path::new(ROOT).join("examples/connections").join(folder)).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, workspace.path().join(path.file_name().unwrap())).unwrap();
        recipes.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
    }
    assert!(recipes.remove("main"), "{folder} has no main.tf");
    recipes
}

/// Holds what SAP stores against the pages: every destination is one of the
/// pages, and every page has one, by the name that both have.
#[track_caller]
fn assert_as_documented(stored: &[Json], pages: &[Connection], recipes: &BTreeSet<String>) {
    let tested: BTreeSet<String> = pages.iter().map(|page| page.recipe.to_owned()).collect();
    assert_eq!(
        &tested, recipes,
        "a recipe without a page, or the other way round"
    );
    assert_eq!(stored.len(), pages.len(), "{stored:#?}");
    let mut left: Vec<&Json> = stored.iter().collect();
    let mut wrong = BTreeMap::new();
    // Whose name is free, fits to many.
    let has_free_name = |page: &&Connection| matches!(page.properties[0], ("Name", Free));
    let (free, named): (Vec<_>, Vec<_>) = pages.iter().partition(has_free_name);
    for page in named.into_iter().chain(free) {
        if let Some(found) = left.iter().position(|one| page.faults(one).is_empty()) {
            left.remove(found);
        } else {
            // The faults of the one that fits best.
            let nearest = left.iter().map(|one| page.faults(one)).min_by_key(Vec::len);
            wrong.insert(page.recipe, nearest);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for one in stored {
        let text = one["Description"].as_str().unwrap_or_default();
        let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
        assert!(is_plain, "SAP wants no special characters: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_every_recipe_for_a_service_stores_what_its_page_says() {
    let Some(workspace) = Workspace::with(&[Feature::WriteOnly]) else {
        return;
    };
    let world = World::documented().await;
    let recipes = copy_recipes("service", &workspace);
    let keys = workspace.path().join("keys");
    fs::create_dir(&keys).unwrap();
    for name in ["destination", "cloud-alm"] {
        fs::write(keys.join(format!("{name}.json")), world.key(name)).unwrap();
    }
    workspace.converges().await;
    let cloud_alm = serde_json::from_str(&world.key("cloud-alm")).unwrap();
    let pages = service_connections(&cloud_alm);
    assert_as_documented(&world.destinations().await, &pages, &recipes);
    workspace.destroy().await;
    assert!(world.destinations().await.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_every_recipe_for_cloud_alm_stores_what_its_page_says_and_keeps_what_is_for_good() {
    let Some(workspace) = Workspace::with(&[Feature::WriteOnly]) else {
        return;
    };
    let options = Options {
        destination_keys: vec![DestinationKey {
            name: "cloud-alm".to_owned(),
            subdomain: CLOUD_ALM_SUBDOMAIN.to_owned(),
        }],
        ..Options::default()
    };
    let world = World::with(Variant::documented(), options).await;
    let recipes = copy_recipes("cloud-alm", &workspace);
    let transport = service_key("transport-service-app-backend.ts", "alm-ts-backend");
    let documents = service_key("api-sdm-di", "sdmservice");
    let keys = workspace.path().join("keys");
    fs::create_dir(&keys).unwrap();
    for (name, key) in [
        ("destination-cloud-alm", world.key("destination-cloud-alm")),
        ("transport", transport.to_string()),
        ("documents", documents.to_string()),
    ] {
        fs::write(keys.join(format!("{name}.json")), key).unwrap();
    }
    // The service looks at the first byte, that of a DER sequence.
    fs::write(keys.join("calm.pfx"), [0x30, 0x03, 0x02, 0x01, 0x03]).unwrap();
    let variables = [
        "key_store_password",
        "mail_password",
        "ticket_password",
        "chat_secret",
    ]
    .map(|name| (name.to_owned(), json!("some text")));
    let variables = Json::Object(variables.into_iter().collect());
    fs::write(
        workspace.path().join("terraform.tfvars.json"),
        variables.to_string(),
    )
    .unwrap();

    workspace.converges().await;
    let pages = cloud_alm_connections(&transport, &documents);
    let stored = world.destinations_of(CLOUD_ALM_SUBDOMAIN).await;
    assert_as_documented(&stored, &pages, &recipes);
    let state = workspace.state();
    for secret in [
        "some text",
        "secret-of-alm-ts-backend",
        "secret-of-sdmservice",
    ] {
        assert!(!state.contains(secret), "the state holds {secret}");
    }

    // Neither a destroy nor another name gets past `prevent_destroy`.
    for name in ["cloud_transport_management", "document_management"] {
        let address = format!("sapcalm_destination.{name}");
        let target = format!("-target={address}");
        let output = workspace.run(&["plan", "-destroy", &target]).await;
        assert_eq!(output.code, Some(1), "{output}");
        assert!(output.to_string().contains(&address), "{output}");
    }
    let file = workspace.path().join("cloud-transport-management.tf");
    let renamed = fs::read_to_string(&file)
        .unwrap()
        .replace("CALM_FTR_CTMS_PROD", "CALM_FTR_CTMS_P");
    fs::write(&file, renamed).unwrap();
    let output = workspace.plan().await;
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.to_string().contains("prevent_destroy"), "{output}");
    world.stop().await;
}

#[test]
fn a_recipe_that_differs_from_its_page_is_found() {
    let key = service_key("a", "a");
    let page = Connection {
        recipe: "a",
        properties: with(
            oauth(Begins("CALM_"), "https://a", &key),
            [("systemRole", OneOf(&["PROD"]))],
        ),
    };
    let good = json!({
        "Name": "CALM_A", "Type": "HTTP", "URL": "https://a", "ProxyType": "Internet",
        "Authentication": "OAuth2ClientCredentials", "systemRole": "PROD",
        "clientId": key["uaa"]["clientid"], "clientSecret": key["uaa"]["clientsecret"],
        "tokenServiceURL": "https://acme-services.authentication.eu10.hana.ondemand.com/oauth/token",
    });
    assert_eq!(page.faults(&good), Vec::<String>::new());
    for (name, value) in [
        ("Name", json!("CALM_")),
        ("URL", json!("https://a/")),
        ("systemRole", json!("Prod")),
        ("ProxyType", json!("OnPremise")),
        ("clientSecret", Json::Null),
        ("TrustAll", json!("true")),
    ] {
        let mut other = good.clone();
        other[name] = value;
        let faults = page.faults(&other);
        assert!(faults.len() == 1 && faults[0].contains(name), "{faults:?}");
    }
}

// ------------------------------------------------------- the table of services

fn guide(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join("templates/guides").join(name)).unwrap()
}

/// The rows of the first table below a heading, without its head: the cells.
fn rows<'a>(page: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, below) = page.split_once(&format!("\n{heading}\n")).unwrap();
    let lines = below.lines().skip_while(|line| !line.starts_with("| --- "));
    lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
        .collect()
}

#[test]
fn the_table_of_services_counts_its_classes_and_names_each_service_once() {
    let page = guide("services.md");
    let mut seen = BTreeSet::new();
    let classes = rows(&page, "# SAP services and what Terraform does for each");
    assert_eq!(classes.len(), 4);
    for class in classes {
        let (name, _) = class[0].trim_start_matches('[').split_once(']').unwrap();
        let services = rows(&page, &format!("## {name}"));
        assert_eq!(class[1], services.len().to_string(), "{name}");
        println!("{name}: {}", services.len());
        for service in services {
            let title = service[0]
                .trim_start_matches('[')
                .split(']')
                .next()
                .unwrap();
            assert!(seen.insert(title.to_owned()), "{title} stands there twice");
            // A recipe, what remains, what to type, or what SAP does.
            assert!(service.iter().all(|cell| !cell.is_empty()), "{title}");
        }
    }
    // What has a mark of its own in SAP's list of pages.
    for service in [
        "SAP Order Management foundation",
        "SAP Task Center",
        "SAP Concur",
    ] {
        assert!(seen.contains(service), "{service}");
    }
}
