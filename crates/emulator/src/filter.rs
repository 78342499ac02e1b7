//! `$filter` of the Destination service.
//!
//! The query is decoded once before it comes here. In the list of names and in
//! labels every value is percent-encoded a second time, inside its quotes; in
//! `startswith` and `endswith` only the quote is doubled.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;

use super::world::Destination;

/// A parsed filter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// `Name in ('a', 'b')`, in the order of the request.
    Names(Vec<String>),
    /// `startswith(Name, 'a')`
    StartsWith(String),
    /// `endswith(Name, 'a')`
    EndsWith(String),
    /// `modifiedwithin('30', 'minutes')`
    ModifiedWithin {
        /// 1 to 1440.
        minutes: u64,
    },
    /// `Label['env'] HAS ('prod', 'qa')`, several joined by `AND`. That one of
    /// the values is enough is our reading.
    Labels(Vec<(String, BTreeSet<String>)>),
}

impl Filter {
    /// Parses a filter; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = Rest(text.trim());
        let filter = if rest.word("Name") {
            rest.expect_word("in")?;
            Self::Names(rest.encoded_list()?)
        } else if rest.word("startswith") {
            Self::StartsWith(rest.name_argument()?)
        } else if rest.word("endswith") {
            Self::EndsWith(rest.name_argument()?)
        } else if rest.word("modifiedwithin") {
            rest.modified_within()?
        } else if rest.word("Label") {
            rest.labels()?
        } else {
            return Err(rest.unexpected());
        };
        if rest.0.is_empty() {
            Ok(filter)
        } else {
            Err(rest.unexpected())
        }
    }

    /// Whether a destination passes; `now` is in milliseconds since 1970.
    pub(crate) fn passes(&self, name: &str, destination: &Destination, now: u64) -> bool {
        match self {
            Self::Names(names) => names.iter().any(|wanted| wanted == name),
            Self::StartsWith(prefix) => name.starts_with(prefix.as_str()),
            Self::EndsWith(suffix) => name.ends_with(suffix.as_str()),
            Self::ModifiedWithin { minutes } => {
                destination.modification_time + minutes * 60_000 >= now
            }
            Self::Labels(conditions) => conditions.iter().all(|(key, values)| {
                destination.labels.iter().any(|label| {
                    label.key == *key && label.values.iter().any(|value| values.contains(value))
                })
            }),
        }
    }
}

/// What is still to be parsed.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start();
    }

    /// Takes a word or a sign if it is next.
    fn word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        match self.0.strip_prefix(word) {
            Some(rest) => {
                self.0 = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect_word(&mut self, word: &str) -> Result<(), String> {
        if self.word(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&self) -> String {
        format!("Invalid $filter near '{}'", self.0)
    }

    /// A quoted text in which the quote is doubled.
    fn quoted(&mut self) -> Result<String, String> {
        self.expect_word("'")?;
        let mut text = String::new();
        loop {
            let (part, rest) = self.0.split_once('\'').ok_or_else(|| self.unexpected())?;
            text.push_str(part);
            self.0 = rest;
            match rest.strip_prefix('\'') {
                Some(rest) => {
                    text.push('\'');
                    self.0 = rest;
                }
                None => return Ok(text),
            }
        }
    }

    /// A quoted text that is percent-encoded inside.
    fn encoded(&mut self) -> Result<String, String> {
        self.expect_word("'")?;
        let (part, rest) = self.0.split_once('\'').ok_or_else(|| self.unexpected())?;
        self.0 = rest;
        percent_decode_str(part)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| self.unexpected())
    }

    fn encoded_list(&mut self) -> Result<Vec<String>, String> {
        self.expect_word("(")?;
        let mut values = vec![self.encoded()?];
        while self.word(",") {
            values.push(self.encoded()?);
        }
        self.expect_word(")")?;
        Ok(values)
    }

    fn name_argument(&mut self) -> Result<String, String> {
        self.expect_word("(")?;
        self.expect_word("Name")?;
        self.expect_word(",")?;
        let text = self.quoted()?;
        self.expect_word(")")?;
        Ok(text)
    }

    fn modified_within(&mut self) -> Result<Filter, String> {
        self.expect_word("(")?;
        let count = self.quoted()?;
        self.expect_word(",")?;
        let unit = self.quoted()?;
        self.expect_word(")")?;
        match count.parse() {
            Ok(minutes @ 1..=1440) if unit == "minutes" => Ok(Filter::ModifiedWithin { minutes }),
            _ => Err("modifiedwithin takes a whole number from 1 to 1440 and 'minutes'".to_owned()),
        }
    }

    fn labels(&mut self) -> Result<Filter, String> {
        let mut conditions = Vec::new();
        loop {
            self.expect_word("[")?;
            let key = self.encoded()?;
            self.expect_word("]")?;
            self.expect_word("HAS")?;
            conditions.push((key, self.encoded_list()?.into_iter().collect()));
            if !self.word("AND") {
                return Ok(Filter::Labels(conditions));
            }
            self.expect_word("Label")?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Label, Properties};

    fn names(names: &[&str]) -> Filter {
        Filter::Names(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn names_are_decoded_a_second_time() {
        assert_eq!(
            Filter::parse("Name in ('our-team%27s-app', 'b')").unwrap(),
            names(&["our-team's-app", "b"])
        );
        assert_eq!(
            Filter::parse("Name in('a','b')").unwrap(),
            names(&["a", "b"])
        );
    }

    #[test]
    fn a_name_that_was_encoded_once_only_is_refused() {
        assert!(Filter::parse("Name in ('our-team's-app')").is_err());
    }

    #[test]
    fn in_starts_with_and_ends_with_the_quote_is_doubled() {
        assert_eq!(
            Filter::parse("startswith(Name, 'SAP_John''s')").unwrap(),
            Filter::StartsWith("SAP_John's".to_owned())
        );
        assert_eq!(
            Filter::parse("endswith(Name,'%27')").unwrap(),
            Filter::EndsWith("%27".to_owned())
        );
    }

    #[test]
    fn modified_within_takes_up_to_a_day_of_minutes() {
        let parse = Filter::parse;
        assert_eq!(
            parse("modifiedwithin('30', 'minutes')").unwrap(),
            Filter::ModifiedWithin { minutes: 30 }
        );
        assert!(parse("modifiedwithin('1440', 'minutes')").is_ok());
        for wrong in [
            "modifiedwithin('0', 'minutes')",
            "modifiedwithin('1441', 'minutes')",
            "modifiedwithin('1.5', 'minutes')",
            "modifiedwithin('5', 'hours')",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn labels_are_joined_by_and() {
        let filter = Filter::parse("Label['env'] HAS ('prod','q%20a') AND Label['a'] HAS ('b')");
        let mut destination = Destination::new(Properties::new(), 1);
        let label = |key: &str, value: &str| Label {
            key: key.to_owned(),
            values: vec![value.to_owned()],
        };
        destination.labels = vec![label("env", "q a"), label("a", "b")];
        let filter = filter.unwrap();
        assert!(filter.passes("x", &destination, 0));
        destination.labels.pop();
        assert!(!filter.passes("x", &destination, 0));
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "Name eq 'a'",
            "Name in ()",
            "Name in ('a'",
            "Name in ('a') or Name in ('b')",
            "startswith(Type, 'H')",
            "Label[env] HAS ('a')",
            "Name in ('%ff')",
        ] {
            assert!(Filter::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn modified_within_compares_with_the_clock() {
        let destination = Destination::new(Properties::new(), 1_000_000);
        let filter = Filter::ModifiedWithin { minutes: 1 };
        assert!(filter.passes("x", &destination, 1_060_000));
        assert!(!filter.passes("x", &destination, 1_060_001));
    }
}
