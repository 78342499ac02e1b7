//! The SAP client against the emulator, which shares no wire type with it:
//! what one of them spells wrong shows here.

use std::time::Duration;

use client::{
    Changes, Client, CloudAlmKey, Collection as _, Config, Context, DestinationKey, ErrorKind,
    KeyKind, Labels, LandscapeQuery, Level, ListFilter, OrderManagementApi, OrderManagementKey,
    Properties, Refusal, TokenCheck,
};
use emulator::{
    Emulator, EndpointForm, ErrorBody, KeyShape, Knobs, MissingDelete, Options, PatchSupport,
    UnauthorizedBody,
};
use tokio_util::sync::CancellationToken;

const LEVELS: [Level; 2] = [Level::Subaccount, Level::Instance];

struct World {
    client: Client,
    context: Context,
    cloud_alm: CloudAlmKey,
    config: Config,
    emulator: Emulator,
}

async fn world(options: Options) -> World {
    let tls = options.tls;
    let emulator = Emulator::start(options).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(emulator.keys_dir().join(name)).unwrap();
    let cloud_alm = CloudAlmKey::parse(&read("cloud-alm.json")).unwrap();
    let mut api = OrderManagementApi::default();
    api.register.path = "v1/registration".to_owned();
    let config = Config {
        order_management_api: api,
        destination_key: Some(DestinationKey::parse(&read("destination.json")).unwrap()),
        order_management_key: Some(
            OrderManagementKey::parse(&read("order-management.json")).unwrap(),
        ),
        cloud_alm_key: Some(cloud_alm.clone()),
        ca_certificates: tls.then(|| read("ca.pem")),
        ..Config::default()
    };
    World {
        client: Client::new(config.clone()).unwrap(),
        context: Context::within(Duration::from_secs(20), CancellationToken::new()),
        cloud_alm,
        config,
        emulator,
    }
}

async fn with_knobs(turn: impl FnOnce(&mut Knobs)) -> World {
    let mut options = Options::default();
    turn(&mut options.scenario.knobs);
    world(options).await
}

impl World {
    /// The destination that registering needs.
    fn cloud_alm_destination(&self, name: &str) -> Properties {
        let oauth = &self.cloud_alm.oauth;
        let secret = oauth.client_secret().unwrap();
        let secret = secrecy::ExposeSecret::expose_secret(secret);
        let items = [
            ("Name", name),
            ("Type", "HTTP"),
            ("URL", &self.cloud_alm.api),
            ("ProxyType", "Internet"),
            ("Authentication", "OAuth2ClientCredentials"),
            ("clientId", &oauth.client_id),
            ("clientSecret", secret),
            ("tokenServiceURL", oauth.token_url.as_str()),
            ("tokenServiceURLType", "Dedicated"),
        ];
        items
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Create, read, change, label, list, check and delete, at both levels.
    async fn live_a_destination(&self) {
        let destinations = self.client.destinations().unwrap();
        let context = &self.context;
        for level in LEVELS {
            let wanted = self.cloud_alm_destination("CloudALM");
            assert_eq!(
                destinations.find(context, level, "CloudALM").await.unwrap(),
                None
            );
            destinations.create(context, level, &wanted).await.unwrap();
            let found = destinations
                .find(context, level, "CloudALM")
                .await
                .unwrap()
                .unwrap();
            assert_eq!(found.properties, wanted);
            assert!(found.metadata.etag.is_some());

            let error = destinations
                .create(context, level, &wanted)
                .await
                .unwrap_err();
            assert!(error.is_conflict(), "{error}");

            let changes = [
                ("Description".to_owned(), Some("changed".to_owned())),
                ("tokenServiceURLType".to_owned(), None),
            ];
            let changes: Changes = changes.into_iter().collect();
            destinations
                .patch(context, level, "CloudALM", None, &changes)
                .await
                .unwrap();
            let after = destinations
                .find(context, level, "CloudALM")
                .await
                .unwrap()
                .unwrap();
            assert_eq!(after.properties, wanted.with(&changes));
            assert_ne!(after.metadata.etag, found.metadata.etag);

            let labels = Labels::from([("env".to_owned(), ["prod".to_owned()].into())]);
            destinations
                .set_labels(context, level, "CloudALM", &labels)
                .await
                .unwrap();
            assert_eq!(
                destinations
                    .labels(context, level, "CloudALM")
                    .await
                    .unwrap(),
                labels
            );
            let filters = [
                ListFilter::All,
                ListFilter::Names(vec!["CloudALM".to_owned(), "other".to_owned()]),
                ListFilter::Prefix("Cloud".to_owned()),
                ListFilter::Label {
                    key: "env".to_owned(),
                    values: vec!["prod".to_owned()],
                },
            ];
            for filter in filters {
                let listed = destinations.list(context, level, &filter).await.unwrap();
                assert_eq!(listed.len(), 1, "{filter:?}");
                assert_eq!(listed[0].labels.as_ref(), Some(&labels));
            }
            let check = destinations
                .check_token(context, level, "CloudALM")
                .await
                .unwrap();
            assert_eq!(check, TokenCheck::Fetched);

            // Twice is no error.
            for _ in 0..2 {
                destinations
                    .delete(context, level, "CloudALM")
                    .await
                    .unwrap();
            }
            let error = destinations
                .patch(context, level, "CloudALM", None, &changes)
                .await
                .unwrap_err();
            assert_eq!(error.status, Some(404));
        }
    }

    /// Register, see it in the landscape, offboard, twice each.
    async fn live_a_registration(&self) {
        let context = &self.context;
        let wanted = self.cloud_alm_destination("CloudALM");
        let destinations = self.client.destinations().unwrap();
        destinations
            .create(context, Level::Subaccount, &wanted)
            .await
            .unwrap();
        let api = self.client.order_management().unwrap();
        let key = self.config.order_management_key.as_ref().unwrap();
        let scope = key.default_scope();
        let scope = scope.as_deref();
        for _ in 0..2 {
            api.register(context, scope, None).await.unwrap();
        }
        let token = self
            .client
            .token(context, KeyKind::OrderManagement, scope)
            .await
            .unwrap();
        let mut granted = token.granted_scopes.iter();
        assert!(granted.any(|s| s.ends_with(".IntegrationMonitoring")));
        let tenant = token.claims.tenant.clone().unwrap();
        let landscape = self.client.landscape().unwrap();
        let id = format!("CO_prod_{tenant}");
        let found = landscape
            .objects(context, &LandscapeQuery::lms_id(&id))
            .await
            .unwrap();
        assert_eq!(found.len(), 1);
        let services = landscape
            .objects(context, &LandscapeQuery::cloud_services())
            .await
            .unwrap();
        assert!(services.iter().any(|object| object.lms_id() == Some(&id)));
        for _ in 0..2 {
            api.offboard(context, scope).await.unwrap();
        }
        let found = landscape
            .objects(context, &LandscapeQuery::lms_id(&id))
            .await
            .unwrap();
        assert!(found.is_empty());
    }
}

#[tokio::test]
async fn client_destination_lives_under_every_knob() {
    with_knobs(|_| ()).await.live_a_destination().await;
    for patch in [
        PatchSupport::MethodNotAllowed,
        PatchSupport::NotImplemented,
        PatchSupport::NotFound,
    ] {
        for if_match in [false, true] {
            for quoted in [false, true] {
                let world = with_knobs(|knobs| {
                    knobs.destination.patch = patch;
                    knobs.destination.if_match_on_write = if_match;
                    knobs.destination.quoted_etag = quoted;
                });
                world.await.live_a_destination().await;
            }
        }
    }
    let world = with_knobs(|knobs| {
        knobs.destination.post_metadata = false;
        knobs.destination.error_body = ErrorBody::Text;
        knobs.destination.missing_delete = MissingDelete::CountZero;
    });
    world.await.live_a_destination().await;
    let world = with_knobs(|knobs| knobs.destination.error_body = ErrorBody::Text);
    world.await.live_a_destination().await;
}

#[tokio::test]
async fn client_destination_lives_over_tls() {
    let world = world(Options {
        tls: true,
        ..Options::default()
    })
    .await;
    assert!(world.emulator.url().starts_with("https://"));
    world.live_a_destination().await;
}

#[tokio::test]
async fn client_fetches_tokens_with_x509_keys() {
    let world = world(Options {
        tls: true,
        ..Options::default()
    })
    .await;
    let path = world.emulator.keys_dir().join("destination-x509.json");
    let key = DestinationKey::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(key.oauth.client_secret().is_none());
    let mut api = OrderManagementApi::default();
    api.register.path = "v1/registration".to_owned();
    let config = Config {
        order_management_api: api,
        destination_key: Some(key),
        ..world.config
    };
    let client = Client::new(config).unwrap();
    let destinations = client.destinations().unwrap();
    let found = destinations
        .find(&world.context, Level::Subaccount, "none")
        .await
        .unwrap();
    assert_eq!(found, None);
}

#[tokio::test]
async fn client_registration_lives_under_every_knob() {
    with_knobs(|_| ()).await.live_a_registration().await;
    let world = with_knobs(|knobs| {
        knobs.order_management.key_shape = KeyShape::Flat;
        knobs.order_management.endpoint_form = EndpointForm::Object;
        knobs.order_management.already_registered = 409;
        knobs.order_management.not_registered = 410;
        knobs.order_management.messages = ErrorBody::Text;
        knobs.cloud_alm.empty_body = true;
        knobs.cloud_alm.page_size = 1;
        knobs.cloud_alm.filters = false;
    });
    world.await.live_a_registration().await;
}

#[tokio::test]
async fn client_tells_refusals_of_the_token_service_apart() {
    for body in [
        UnauthorizedBody::Unauthorized,
        UnauthorizedBody::InvalidClient,
        UnauthorizedBody::Text,
    ] {
        let world = with_knobs(|knobs| knobs.token.unauthorized_body = body).await;
        let path = world.emulator.keys_dir().join("destination.json");
        let mut key: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        key["clientsecret"] = "wrong".into();
        let key = DestinationKey::parse(&key.to_string()).unwrap();
        let client = Client::new(Config {
            destination_key: Some(key),
            ..world.config
        })
        .unwrap();
        let error = client
            .token(&world.context, KeyKind::Destination, None)
            .await
            .unwrap_err();
        assert_eq!(error.token_refusal(), Some(&Refusal::BadCredentials));
    }
    let world = with_knobs(|knobs| knobs.order_management.scope_granted = false).await;
    let key = world.config.order_management_key.as_ref().unwrap();
    let scope = key.default_scope();
    let token = world
        .client
        .token(&world.context, KeyKind::OrderManagement, scope.as_deref());
    let error = token.await.unwrap_err();
    assert_eq!(
        error.kind,
        ErrorKind::Token(Refusal::InvalidScope { scope })
    );
}
