//! A row of the check, as plain data.

use std::borrow::Cow;
use std::time::Duration;

use client::{Error, ErrorKind, Refusal};
use foreign::visible;

use super::super::diagnostics::{Call, next_step};

/// What came of a row, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It changes something, or what it needs is not there.
    NotTried,
    /// As assumed.
    Ok,
    /// Something to know.
    Note,
    /// It does not work so.
    Failed,
}

impl Verdict {
    /// The word for machines.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotTried => "not tried",
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Failed => "failed",
        }
    }

    /// The mark at the beginning of a line.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::NotTried => "-",
            Self::Failed => "FAIL",
            other => other.as_str(),
        }
    }
}

/// What a row is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    /// The stable name.
    pub(crate) id: &'static str,
    /// What is assumed, in a few words.
    pub(crate) assumed: &'static str,
    /// The setting that corrects it.
    pub(crate) setting: &'static str,
}

/// What was observed about a topic.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What it is about.
    pub(crate) topic: &'static Topic,
    /// What came of it.
    pub(crate) verdict: Verdict,
    /// What was observed.
    pub(crate) observed: Text,
    /// What to do about it.
    pub(crate) advice: Option<Cow<'static, str>>,
    /// How long the request took.
    pub(crate) took: Option<Duration>,
}

impl Topic {
    pub(super) const fn new(
        id: &'static str,
        assumed: &'static str,
        setting: &'static str,
    ) -> Self {
        Self {
            id,
            assumed,
            setting,
        }
    }

    fn row(&'static self, verdict: Verdict, observed: Text) -> Row {
        Row {
            topic: self,
            verdict,
            observed,
            advice: None,
            took: None,
        }
    }

    pub(super) fn ok(&'static self, observed: Text) -> Row {
        self.row(Verdict::Ok, observed)
    }

    pub(super) fn note(&'static self, observed: Text) -> Row {
        self.row(Verdict::Note, observed)
    }

    pub(super) fn failed(&'static self, observed: Text) -> Row {
        self.row(Verdict::Failed, observed)
    }

    pub(super) fn not_tried(&'static self, observed: Text) -> Row {
        self.row(Verdict::NotTried, observed)
    }

    /// The row of a call that failed.
    pub(super) fn error(&'static self, call: Call, error: &Error) -> Row {
        self.failed(Text::of_error(error))
            .advise(next_step(call, error))
    }
}

impl Row {
    pub(super) fn advise(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    pub(super) fn taking(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }
}

/// A text that can be told without the parts that name the customer. None of
/// them is a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Open(String),
    /// Something of the customer's, and the word that stands for it elsewhere.
    Private(String, &'static str),
}

impl Text {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self::default().and(text)
    }

    pub(super) fn and(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Open(visible(&text.into())));
        self
    }

    /// Adds a name, an address, an id or the words of a service.
    pub(super) fn private(mut self, text: &str, stands_for: &'static str) -> Self {
        self.0.push(Piece::Private(visible(text), stands_for));
        self
    }

    /// Adds a name that anybody may know where SAP documents it.
    pub(super) fn name(self, name: &str, is_documented: bool) -> Self {
        match is_documented {
            true => self.and(format!("`{name}`")),
            false => self.and("`").private(name, "own name").and("`"),
        }
    }

    /// What went wrong, with the words of the service and where it was.
    pub(super) fn of_error(error: &Error) -> Self {
        let mut text = Self::new(kind_of(error));
        if let Some(status) = error.status {
            text = text.and(format!(" ({status})"));
        }
        if let Some(words) = error.message.as_deref() {
            text = text.and(": ").private(words, "its words");
        }
        if let Some(url) = error
            .url
            .as_deref()
            .and_then(|url| url::Url::parse(url).ok())
        {
            let origin = url.origin().ascii_serialization();
            text = text.and("; ").private(&origin, "host");
        }
        match error.correlation_id.as_deref() {
            Some(id) => text
                .and(", ")
                .private(&format!("correlation id {id}"), "correlation id"),
            None => text,
        }
    }

    /// Everything.
    pub(crate) fn whole(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Open(text) | Piece::Private(text, _) => text.as_str(),
        });
        pieces.collect()
    }

    /// The same without what names the customer.
    pub(crate) fn anonymous(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Open(text) => text.clone(),
            Piece::Private(_, stands_for) => format!("({stands_for})"),
        });
        pieces.collect()
    }
}

/// The kind of an error, without the names that some kinds hold.
fn kind_of(error: &Error) -> String {
    let kind = match &error.kind {
        ErrorKind::Status => return "SAP answered with an error".to_owned(),
        ErrorKind::Token(Refusal::InvalidScope { .. }) => {
            ErrorKind::Token(Refusal::InvalidScope { scope: None })
        }
        ErrorKind::Redirect { .. } => ErrorKind::Redirect { host: None },
        kind => kind.clone(),
    };
    kind.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_go_from_good_to_bad() {
        use Verdict::{Failed, NotTried, Note, Ok};
        assert_eq!([Ok, NotTried, Note].into_iter().max(), Some(Note));
        assert_eq!([Failed, Note, Ok].into_iter().max(), Some(Failed));
        assert_eq!([Ok, NotTried].into_iter().max(), Some(Ok));
    }

    #[test]
    fn what_names_the_customer_is_told_to_the_customer_only() {
        let text = Text::new("subdomain ").private("acme\u{7}", "subdomain");
        let text = text.and("; differs in ").name("URL", true);
        let text = text.and(", ").name("acme-secret-project", false);
        let whole = text.whole();
        assert!(whole.contains("`URL`, `acme-secret-project`"), "{whole}");
        assert!(!whole.contains('\u{7}'), "{whole}");
        let expected = "subdomain (subdomain); differs in `URL`, `(own name)`";
        assert_eq!(text.anonymous(), expected);
    }

    #[test]
    fn an_error_is_told_without_the_words_of_others() {
        let scope = Some("acme!b1.IntegrationMonitoring".to_owned());
        let mut error = Error::new(ErrorKind::Token(Refusal::InvalidScope { scope }));
        error.status = Some(400);
        error.message = Some("acme!b1 has no such scope".to_owned());
        error.url = Some("https://acme.example/oauth/token".to_owned());
        error.correlation_id = Some("c-1".to_owned());
        let text = Text::of_error(&error);
        for part in ["(400)", "acme!b1 has", "https://acme.example", "c-1"] {
            assert!(text.whole().contains(part), "{}", text.whole());
        }
        assert!(!text.anonymous().contains("acme"), "{}", text.anonymous());
        assert!(text.anonymous().contains("(400)"), "{}", text.anonymous());
    }
}
