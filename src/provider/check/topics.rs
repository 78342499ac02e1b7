//! What the check looks at, in the order of its table.

use super::row::Topic;

pub(super) static DESTINATION_KEY: Topic = Topic::new(
    "destination_key",
    "layout of the Destination key",
    "destination_service_key",
);
pub(super) static DESTINATION_TOKEN: Topic = Topic::new(
    "destination_token",
    "token of the Destination key",
    "destination_service_key",
);
pub(super) static ORDER_MANAGEMENT_KEY: Topic = Topic::new(
    "order_management_key",
    "layout of the Order Management key",
    "order_management_service_key",
);
pub(super) static ORDER_MANAGEMENT_TOKEN: Topic = Topic::new(
    "order_management_token",
    "token of the Order Management key",
    "order_management_service_key",
);
pub(super) static ONE_SUBACCOUNT: Topic = Topic::new(
    "one_subaccount",
    "both keys of one subaccount",
    "destination_service_key",
);
pub(super) static ENDPOINT: Topic = Topic::new(
    "endpoint",
    "endpoint of the key to call",
    "order_management_api.endpoint_key",
);
pub(super) static SCOPE: Topic = Topic::new(
    "scope",
    "scope for registering",
    "scope of sapcalm_registration",
);
pub(super) static CLOUD_ALM_KEY: Topic = Topic::new(
    "cloud_alm_key",
    "layout of the Cloud ALM key",
    "cloud_alm_service_key",
);
pub(super) static CLOUD_ALM_TOKEN: Topic = Topic::new(
    "cloud_alm_token",
    "token of the Cloud ALM key",
    "cloud_alm_service_key",
);
pub(super) static DESTINATIONS: Topic = Topic::new(
    "destinations",
    "destinations of the subaccount",
    "destination_service_key",
);
pub(super) static INSTANCE_DESTINATIONS: Topic = Topic::new(
    "instance_destinations",
    "destinations of the instance",
    "destination_service_key",
);
pub(super) static ANSWERS: Topic =
    Topic::new("answers", "forms of its answers", "none: every form works");
pub(super) static DESTINATION: Topic = Topic::new(
    "destination",
    "destination CloudALM",
    "adopt_existing of sapcalm_destination",
);
pub(super) static URL_FORM: Topic = Topic::new(
    "url_form",
    "URL of the destination",
    "service_key.url_form of sapcalm_destination",
);
pub(super) static TOKEN_THROUGH_DESTINATION: Topic = Topic::new(
    "token_through_destination",
    "token through the destination",
    "check_token of sapcalm_destination",
);
pub(super) static LANDSCAPE: Topic = Topic::new(
    "landscape",
    "landscape can be read",
    "verify of sapcalm_registration",
);
pub(super) static LANDSCAPE_ID: Topic = Topic::new(
    "landscape_id",
    "landscape id of the tenant",
    "environment, lms_id of sapcalm_registration",
);
pub(super) static REGISTER: Topic = Topic::new(
    "register",
    "call that registers",
    "order_management_api.register",
);
pub(super) static OFFBOARD: Topic = Topic::new(
    "offboard",
    "call that offboards",
    "order_management_api.offboard",
);
