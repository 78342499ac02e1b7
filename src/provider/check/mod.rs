//! What is assumed about SAP, compared with what this SAP says: a table of rows,
//! each with what was observed and the setting that corrects the assumption.
//!
//! Nothing is changed: every request is one that reads, and registering and
//! offboarding are never tried. Whatever goes wrong ends in a row.
//!
//! * [`row`] is a row and its parts, as plain data; [`topics`] are all of them;
//!   `findings` is what comes out.
//! * `tokens`, `destinations` and `landscape` ask one service each, at the same
//!   time, and make its rows.
//!
//! What it deliberately does not do: show anything. The command `check`, the data
//! source `sapcalm_connection` and the action `sapcalm_connection_check` do, each
//! in its own form. They hold no secret; a text tells which of its parts name the
//! customer.

mod destinations;
mod findings;
mod landscape;
pub(crate) mod row;
mod tokens;
mod topics;

use std::time::{Duration, Instant};

use client::Context;

use super::configured::Configured;
use row::{Row, Text};
use tokens::Access;

pub(crate) use findings::{Facts, Findings};
pub(crate) use tokens::Unusable;

/// How long all of it may take. What is not known by then is a row that says so.
const LIMIT: Duration = Duration::from_secs(30);

/// Asks every service for which there is a key.
pub(crate) async fn run(provider: &Configured, context: &Context, unusable: &Unusable) -> Findings {
    let limit = Instant::now() + LIMIT;
    let context = Context {
        deadline: context.deadline.min(limit),
        cancel: context.cancel.clone(),
    };
    let context = &context;
    let access = |asked| Access::by(provider, context, unusable, asked, None);
    let wanted = tokens::wanted_scope(provider);
    let of_destinations = Box::pin(async {
        let access = access(&tokens::DESTINATION).await;
        let rows = destinations::rows(provider, context, &access).await;
        (access, rows)
    });
    let of_cloud_alm = Box::pin(async {
        let access = access(&tokens::CLOUD_ALM).await;
        let seen = landscape::look(provider, context, &access).await;
        (access, seen)
    });
    let asked = &tokens::ORDER_MANAGEMENT;
    let scope = wanted.as_deref();
    let of_order_management = Box::pin(Access::by(provider, context, unusable, asked, scope));
    let ((destination, of_destinations), (cloud_alm, seen), order_management) =
        tokio::join!(of_destinations, of_cloud_alm, of_order_management);

    let mut facts = Facts {
        subaccount_id: destination.subaccount(),
        tenant_id: order_management.tenant(),
        ..Facts::default()
    };
    let one_subaccount = tokens::one_subaccount(&destination, &order_management);
    let endpoint = tokens::endpoint(provider, &order_management);
    let scope = tokens::scope(&order_management, scope);
    let of_landscape = landscape::rows(&seen, &mut facts);
    let rows = [
        destination.rows,
        order_management.rows,
        vec![one_subaccount, endpoint, scope],
        cloud_alm.rows,
        of_destinations,
        of_landscape,
        not_tried(provider),
    ];
    let mut rows = rows.concat();
    let secrets = provider.client().secrets();
    for row in &mut rows {
        // Nothing here is one; a key may have its secret where a name should be.
        if secrets.are_in(&row.observed.whole()) {
            row.observed = Text::new(foreign::MASK);
        }
    }
    Findings { rows, facts }
}

/// The calls that would change something.
fn not_tried(provider: &Configured) -> Vec<Row> {
    let api = &provider.client().config().order_management_api;
    let call = |call: &client::ApiCall| {
        let place = match call.path.as_str() {
            "" => "the endpoint itself".to_owned(),
            path => format!("`{path}` below the endpoint"),
        };
        format!(
            "never tried here, it changes something: {} to {place}",
            call.method
        )
    };
    let guess = if api.register_is_guess {
        " (a guess)"
    } else {
        ""
    };
    vec![
        topics::REGISTER.not_tried(Text::new(call(&api.register) + guess)),
        topics::OFFBOARD.not_tried(Text::new(call(&api.offboard))),
    ]
}
