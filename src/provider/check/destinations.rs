//! The rows of the Destination service: what can be read, in which forms, and
//! the destination `CloudALM`.

use client::{
    Context, Destination, Destinations, Error, KeyKind, Level, ListFilter, Page, TokenCheck,
};
use http::Method;

use super::super::configured::{Configured, Key};
use super::super::destination::{DEFAULT_NAME, Names, URL_FORMS, url_in_form, with_key};
use super::super::diagnostics::Call;
use super::row::{Row, Text, Topic};
use super::tokens::Access;
use super::topics;

/// The level that Order Management reads.
const LEVEL: Level = Level::Subaccount;

/// All rows.
pub(super) async fn rows(provider: &Configured, context: &Context, access: &Access) -> Vec<Row> {
    let service = provider.client().destinations();
    let (Some(_), Ok(service)) = (&access.token, service) else {
        return unread("no token to read it with");
    };
    let all = async |level| {
        let list = service.list(context, level, &ListFilter::All).await;
        list.map_err(|error| (Call::ListDestinations, error))
    };
    let (of_subaccount, of_instance, methods) = tokio::join!(
        all(LEVEL),
        all(Level::Instance),
        service.methods(context, LEVEL),
    );
    let mut rows = vec![
        of_level(&topics::DESTINATIONS, &of_subaccount),
        of_level(&topics::INSTANCE_DESTINATIONS, &of_instance),
    ];
    let Ok(found) = of_subaccount else {
        rows.extend(unread("the destinations were not read").split_off(rows.len()));
        return rows;
    };
    let cloud_alm = found.iter().find(|one| one.name() == DEFAULT_NAME);
    // Any destination tells the forms of the answers.
    let one = cloud_alm.or(found.first());
    let (answers, token) = tokio::join!(
        Answers::about(service, context, one.map(Destination::name)),
        token_through(service, context, cloud_alm.is_some()),
    );
    rows.push(answers.row(&found, methods));
    rows.extend(of_cloud_alm(provider, cloud_alm));
    rows.push(token);
    rows
}

/// The rows of a service that was not asked.
fn unread(why: &str) -> Vec<Row> {
    let topics: [&'static Topic; 6] = [
        &topics::DESTINATIONS,
        &topics::INSTANCE_DESTINATIONS,
        &topics::ANSWERS,
        &topics::DESTINATION,
        &topics::URL_FORM,
        &topics::TOKEN_THROUGH_DESTINATION,
    ];
    topics.map(|topic| topic.not_tried(Text::new(why))).to_vec()
}

fn of_level(topic: &'static Topic, list: &Result<Vec<Destination>, (Call, Error)>) -> Row {
    match list {
        Ok(found) => topic.ok(Text::new(format!("{} can be read", found.len()))),
        Err((call, error)) => topic.error(*call, error),
    }
}

// ------------------------------------------------------------------ answers

/// The same destination, asked for in every way.
struct Answers {
    /// By its name. Nothing where SAP says that there is none.
    alone: Result<Option<Destination>, Error>,
    /// By a filter.
    filtered: Result<Vec<Destination>, Error>,
    /// The first page of one.
    page: Result<Page, Error>,
}

impl Answers {
    async fn about(service: Destinations<'_>, context: &Context, name: Option<&str>) -> Self {
        let name = name.unwrap_or(DEFAULT_NAME);
        let filter = ListFilter::Names(vec![name.to_owned()]);
        let (alone, filtered, page) = tokio::join!(
            service.read(context, LEVEL, name),
            service.list(context, LEVEL, &filter),
            service.page(context, LEVEL, 1, 1),
        );
        Self {
            alone,
            filtered,
            page,
        }
    }

    /// What they look like. Everything else works with all of these forms.
    fn row(self, all: &[Destination], methods: Result<Option<Vec<Method>>, Error>) -> Row {
        let mut told = Vec::new();
        match &self.alone {
            Ok(Some(found)) => told.push(match &found.metadata.etag {
                Some(etag) if etag.contains('"') => "etags in quotes",
                Some(_) => "etags without quotes",
                None => "no etags",
            }),
            Ok(None) => told.push("absence in SAP's words"),
            Err(error) if error.is_not_found_by_other() => told.push("absence in other words"),
            Err(_) => {}
        }
        if !all.is_empty() {
            let has_metadata = all.iter().all(|one| one.metadata.etag.is_some());
            told.push(match has_metadata {
                true => "lists with metadata",
                false => "lists without metadata",
            });
            let has_labels = all.iter().all(|one| one.labels.is_some());
            told.push(if has_labels { "labels" } else { "no labels" });
        }
        if let Ok(filtered) = &self.filtered
            && !all.is_empty()
        {
            let works = filtered.len() == 1;
            told.push(if works { "filters" } else { "no filters" });
        }
        if let Ok(page) = &self.page
            && all.len() > 1
        {
            told.push(match (page.destinations.len(), page.is_linked) {
                (1, true) => "linked pages",
                (1, false) => "pages without links",
                _ => "no pages",
            });
        }
        told.push(match methods {
            Ok(Some(methods)) if methods.contains(&Method::PATCH) => "`PATCH`",
            Ok(Some(_)) => "no `PATCH`",
            _ => "not told whether `PATCH` is there",
        });
        let failed = [self.alone.err(), self.filtered.err(), self.page.err()];
        let mut failed = failed.into_iter().flatten();
        let told = Text::new(told.join(", "));
        // What is not found or not understood is one more form.
        match failed.find(|error| !matches!(error.status, Some(400 | 404))) {
            Some(error) => topics::ANSWERS.error(Call::ReadDestination, &error),
            None => topics::ANSWERS.ok(told),
        }
    }
}

// ---------------------------------------------------------------- CloudALM

/// The destination compared with what would be made, and the form of its URL.
fn of_cloud_alm(provider: &Configured, found: Option<&Destination>) -> Vec<Row> {
    let (topic, form) = (&topics::DESTINATION, &topics::URL_FORM);
    let Some(found) = found else {
        let text = "not told: there is no destination to learn it from";
        return vec![
            topic.ok(Text::new("not there: an apply makes it")),
            form.not_tried(Text::new(text)),
        ];
    };
    let known = provider.key(KeyKind::CloudAlm) == Key::Known;
    let key = provider.client().config().cloud_alm_key.as_ref();
    let Some(key) = key.filter(|_| known) else {
        let text = Text::new("no Cloud ALM key to compare it with");
        let there = topic.note(Text::new("there; ").and("no Cloud ALM key to compare it with"));
        return vec![there.advise(TAKE_OVER), form.not_tried(text)];
    };
    let url = found.properties.get("URL").map_or("", String::as_str);
    let has_form = |form: &&&str| url_in_form(&key.api, &key.api_url, Some(form)) == url;
    let its_form = URL_FORMS.iter().find(has_form).copied();
    let compared = match with_key(provider, key, its_form, found) {
        Ok(differences) => differences,
        Err(problem) => {
            let text = Text::new("there; not comparable: the Cloud ALM key has no client secret");
            let (_, advice) = problem.detail.split_once("\n\n").unwrap_or_default();
            let there = topic.note(text).advise(advice.to_owned());
            return vec![there, of_form(its_form)];
        }
    };
    let there = match (compared.changed.is_empty(), compared.unmanaged.is_empty()) {
        (true, true) => topic.ok(Text::new("there, as an apply would make it")),
        (true, false) => topic.ok(listed(
            Text::new("there, as an apply would make it, and with "),
            &compared.unmanaged,
        )),
        (false, _) => topic
            .note(listed(Text::new("there; differs in "), &compared.changed))
            .advise(TAKE_OVER),
    };
    vec![there, of_form(its_form)]
}

const TAKE_OVER: &str = "Where Terraform manages it, an apply repairs it. Else import it, or set \
                         `adopt_existing = true`.";

fn listed(mut text: Text, names: &Names) -> Text {
    for (number, (name, is_documented)) in names.iter().enumerate() {
        if number > 0 {
            text = text.and(", ");
        }
        text = text.name(name, *is_documented);
    }
    text
}

fn of_form(form: Option<&str>) -> Row {
    let topic = &topics::URL_FORM;
    match form {
        Some("verbatim") => topic.ok(Text::new("`endpoints.Api` of the key as it stands")),
        Some(other) => topic
            .note(Text::new(format!(
                "the one that is there has the form `{other}`"
            )))
            .advise(format!(
                "If data arrives in Cloud ALM, set `service_key = {{ url_form = \"{other}\" }}`."
            )),
        None => topic
            .note(Text::new("the one that is there leads elsewhere"))
            .advise(
                "Compare the Cloud ALM key with the destination: one may be of another tenant.",
            ),
    }
}

/// Lets SAP fetch a token, where there is something to fetch it through.
async fn token_through(service: Destinations<'_>, context: &Context, is_there: bool) -> Row {
    let topic = &topics::TOKEN_THROUGH_DESTINATION;
    if !is_there {
        return topic.not_tried(Text::new("there is no destination"));
    }
    match service.check_token(context, LEVEL, DEFAULT_NAME).await {
        Ok(TokenCheck::Fetched) => topic.ok(Text::new(
            "fetched by SAP, which keeps the destination as it is now for up to 5 minutes",
        )),
        Ok(TokenCheck::NoToken) => topic
            .note(Text::new(
                "SAP fetches none: it has an authentication without one",
            ))
            .advise("Order Management needs one with client credentials."),
        Ok(TokenCheck::Failed { reason }) => topic
            .failed(Text::new("SAP could not fetch one: ").private(&reason, "its words"))
            .advise(
                "Correct client, secret and token service URL of the destination; an apply does \
                 where they come from the Cloud ALM key.",
            ),
        Err(error) => topic.error(Call::CheckDestination, &error),
    }
}
