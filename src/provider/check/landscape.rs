//! The rows of Cloud ALM's landscape.

use std::time::Duration;

use client::{Context, Error, LandscapeObject, LandscapeQuery};

use super::super::configured::Configured;
use super::super::diagnostics::Call;
use super::super::registration::ids_of;
use super::findings::Facts;
use super::row::{Row, Text};
use super::tokens::Access;
use super::topics;

/// Kind of the objects that are asked for.
const CLOUD_SERVICE: &str = "CloudService";

/// What the landscape answered; nothing without a token.
pub(super) type Seen = Option<(Result<Vec<LandscapeObject>, Error>, Duration)>;

/// Asks for all cloud services.
pub(super) async fn look(provider: &Configured, context: &Context, access: &Access) -> Seen {
    access.token.as_ref()?;
    let client = provider.client();
    let landscape = client.landscape().ok()?;
    let began = client.now();
    let query = LandscapeQuery::cloud_services();
    let objects = landscape.objects(context, &query).await;
    Some((objects, client.now().saturating_duration_since(began)))
}

/// Both rows. What they tell about the tenant goes into the facts.
pub(super) fn rows(seen: &Seen, facts: &mut Facts) -> Vec<Row> {
    let (landscape, id) = (&topics::LANDSCAPE, &topics::LANDSCAPE_ID);
    let row = match seen {
        Some((Ok(objects), took)) => {
            return vec![of_objects(objects).taking(*took), of_tenant(objects, facts)];
        }
        Some((Err(error), took)) if error.is_forbidden() => {
            landscape.note(Text::of_error(error)).taking(*took).advise(
                "The instance of the key lacks the authority `calm-api.landscape.read`. Without it \
                 everything works, but `status` stays `accepted`; set `verify = false`, or make an \
                 instance that has it.",
            )
        }
        Some((Err(error), took)) => landscape.error(Call::ReadLandscape, error).taking(*took),
        None => landscape.not_tried(Text::new("no token to read it with")),
    };
    vec![row, id.not_tried(Text::new("the landscape was not read"))]
}

fn of_objects(objects: &[LandscapeObject]) -> Row {
    let is_other = |object: &&LandscapeObject| {
        let kind = object.text("objectType");
        kind.is_some_and(|kind| kind != CLOUD_SERVICE)
    };
    let text = format!("{} objects", objects.len());
    topics::LANDSCAPE.ok(Text::new(match objects.iter().find(is_other) {
        Some(_) => format!("{text}; filters are ignored, which is taken care of"),
        None => text,
    }))
}

fn of_tenant(objects: &[LandscapeObject], facts: &mut Facts) -> Row {
    let topic = &topics::LANDSCAPE_ID;
    let Some(tenant) = facts.tenant_id.clone() else {
        return topic.not_tried(Text::new("the tenant is not known"));
    };
    let ids = objects.iter().filter_map(LandscapeObject::lms_id);
    let others = ids.filter(|id| id.starts_with("CO_")).count();
    match ids_of(&tenant, objects).as_slice() {
        [] if others > 0 => topic
            .note(Text::new(format!(
                "no `CO_<environment>_<tenant ID>` of this tenant, but {others} that begin with \
                 `CO_`"
            )))
            .advise(
                "If the tenant is registered and one of them is it, set `lms_id` of \
                 `sapcalm_registration` to that id.",
            ),
        [] => topic.not_tried(Text::new("not there: not registered so far, or not shown")),
        [(id, environment)] => {
            facts.lms_id = Some((*id).to_owned());
            facts.environment = Some(environment.clone());
            let text = Text::new(format!("registered as `CO_{environment}_"));
            topic.ok(text.private(&tenant, "tenant id").and("`"))
        }
        several => {
            let environments: Vec<&str> = several.iter().map(|(_, one)| one.as_str()).collect();
            let text = format!(
                "{} objects of this tenant, with the environments `{}`",
                several.len(),
                environments.join("`, `")
            );
            topic
                .note(Text::new(text))
                .advise("Set `environment` or `lms_id` of `sapcalm_registration` to the right one.")
        }
    }
}
