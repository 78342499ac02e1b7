//! Faults: what is to go wrong, for which request, how often.

use std::collections::BTreeMap;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A fault that waits for its request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests it is for.
    #[serde(rename = "match", default)]
    pub matches: Match,
    /// How many of them pass before it strikes.
    #[serde(default)]
    pub skip: u32,
    /// How often it strikes; `null` is for ever.
    #[serde(default = "once")]
    pub times: Option<u32>,
    /// What happens.
    #[serde(rename = "do")]
    pub action: Action,
}

/// Serde's default for [`Fault::times`].
#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn once() -> Option<u32> {
    Some(1)
}

/// Which requests a fault is for; what is left out matches all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// The method.
    pub method: Option<String>,
    /// How the path begins.
    pub path_prefix: Option<String>,
    /// The emulated service that sends the request; absent matches only
    /// requests from outside.
    pub caller: Option<String>,
}

/// What happens to a request. Without `status`, `body`, `reset` and `break_tls`
/// it is processed as ever.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Action {
    /// Answer with this status; the request is not processed.
    pub status: Option<u16>,
    /// Headers that are added to the answer.
    pub headers: BTreeMap<String, String>,
    /// Body of the answer: a string is sent as text, all else as JSON. The
    /// request is not processed; the status is 200 unless given.
    pub body: Option<Value>,
    /// Milliseconds before the processing, as a slow way there takes.
    pub late_ms: u64,
    /// Milliseconds between the processing and the answer or the reset.
    pub delay_ms: u64,
    /// Reset the connection instead of answering.
    pub reset: Option<Reset>,
    /// Close the connection after so many bytes of the body.
    pub truncate_bytes: Option<usize>,
    /// Send the body byte by byte, with so many milliseconds before each.
    pub drip_ms: Option<u64>,
    /// Break the TLS session instead of answering: a record comes that nobody
    /// can decrypt, and the connection ends.
    pub break_tls: Option<Reset>,
    /// Every token that was issued so far expires just before the request.
    pub expire_tokens: bool,
}

impl Action {
    /// What is wrong with it, if something is.
    fn problem(&self, tls: bool) -> Option<&'static str> {
        if self.break_tls.is_some() && !tls {
            return Some("`break_tls` needs an emulator with TLS");
        }
        let bodies = [self.truncate_bytes.is_some(), self.drip_ms.is_some()];
        let ends = [self.reset.is_some(), self.break_tls.is_some()];
        let several = |of: [bool; 2]| of == [true, true];
        if several(bodies) {
            return Some("`truncate_bytes` and `drip_ms` exclude each other");
        }
        if several(ends) {
            return Some("`reset` and `break_tls` exclude each other");
        }
        None
    }

    /// When the connection ends instead of an answer.
    pub(crate) fn end(&self) -> Option<Reset> {
        self.reset.or(self.break_tls)
    }
}

/// When a connection ends instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// Before anything is processed.
    Before,
    /// After it: the change is made, the answer is lost.
    AfterCommit,
}

/// Finds out whether these faults can be played; `tls` says whether the
/// emulator does TLS. The error says which contradiction there is.
pub(crate) fn check(faults: &[Fault], tls: bool) -> Result<(), &'static str> {
    let problem = faults.iter().find_map(|fault| fault.action.problem(tls));
    problem.map_or(Ok(()), Err)
}

/// The action for a request, if one of the faults strikes. Faults that struck
/// for the last time are removed.
pub(crate) fn strike(
    faults: &mut Vec<Fault>,
    method: &Method,
    path: &str,
    caller: Option<&str>,
) -> Option<Action> {
    let index = faults
        .iter_mut()
        .position(|fault| fault.matches.covers(method, path, caller) && fault.is_due())?;
    let fault = faults.get_mut(index)?;
    let action = fault.action.clone();
    match &mut fault.times {
        None => {}
        Some(times) if *times > 1 => *times -= 1,
        Some(_) => {
            faults.remove(index);
        }
    }
    Some(action)
}

impl Fault {
    /// Whether it strikes at this request; counts those that pass.
    fn is_due(&mut self) -> bool {
        let due = self.skip == 0 && self.times != Some(0);
        self.skip = self.skip.saturating_sub(1);
        due
    }
}

impl Match {
    fn covers(&self, method: &Method, path: &str, caller: Option<&str>) -> bool {
        self.method
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && self
                .path_prefix
                .as_deref()
                .is_none_or(|prefix| path.starts_with(prefix))
            && self.caller.as_deref() == caller
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(value: Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    fn status(faults: &mut Vec<Fault>, method: &Method, path: &str) -> Option<u16> {
        strike(faults, method, path, None).and_then(|action| action.status)
    }

    #[test]
    fn skip_and_times_count_matching_requests_only() {
        let mut faults = vec![fault(json!({
            "match": {"method": "post", "path_prefix": "/a"},
            "skip": 1, "times": 2, "do": {"status": 503}
        }))];
        assert_eq!(status(&mut faults, &Method::GET, "/a"), None);
        assert_eq!(status(&mut faults, &Method::POST, "/b"), None);
        assert_eq!(status(&mut faults, &Method::POST, "/a/1"), None);
        assert_eq!(status(&mut faults, &Method::POST, "/a/2"), Some(503));
        assert_eq!(status(&mut faults, &Method::POST, "/a/3"), Some(503));
        assert_eq!(status(&mut faults, &Method::POST, "/a/4"), None);
        assert!(faults.is_empty());
    }

    #[test]
    fn a_fault_strikes_once_unless_told_otherwise() {
        let mut faults = vec![
            fault(json!({"do": {"status": 500}})),
            fault(json!({"times": null, "do": {"status": 502}})),
        ];
        assert_eq!(status(&mut faults, &Method::GET, "/"), Some(500));
        assert_eq!(status(&mut faults, &Method::GET, "/"), Some(502));
        assert_eq!(status(&mut faults, &Method::GET, "/"), Some(502));
    }

    #[test]
    fn a_fault_leaves_the_emulators_own_requests_alone_unless_it_names_them() {
        let mut faults = vec![
            fault(json!({"do": {"status": 500}})),
            fault(json!({"match": {"caller": "order-management"}, "do": {"status": 501}})),
        ];
        let own = strike(&mut faults, &Method::GET, "/", Some("order-management"));
        assert_eq!(own.unwrap().status, Some(501));
        assert_eq!(status(&mut faults, &Method::GET, "/"), Some(500));
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        let wrong = json!({"do": {"statsu": 500}});
        assert!(serde_json::from_value::<Fault>(wrong).is_err());
    }
}
