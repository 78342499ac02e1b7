//! Answers decoded into what is asked for, within bounds: a short text that
//! says nothing could otherwise take a hundred times its size. And base64, in
//! every way that services and tools write it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Members that an object may have.
pub(crate) const MOST_MEMBERS: usize = 1_000;

/// With or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A list that is no attack on the memory.
pub(crate) struct AtMost<T, const MOST: usize>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for AtMost<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Items<T, MOST> {
            type Value = AtMost<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MOST}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    if list.len() == MOST {
                        return Err(A::Error::invalid_length(MOST + 1, &self));
                    }
                    list.push(item);
                }
                Ok(AtMost(list))
            }
        }
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

/// An object whose values are texts. Names and texts are SAP's word, and nobody
/// has looked at them yet.
pub(crate) struct Members(pub(crate) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object of at most {MOST_MEMBERS} members")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some(name) = members.next_key::<String>()? {
                    if texts.len() == MOST_MEMBERS {
                        return Err(A::Error::invalid_length(MOST_MEMBERS + 1, &self));
                    }
                    if let Some(text) = text_of(&members.next_value::<Box<RawValue>>()?) {
                        texts.insert(name, text);
                    }
                }
                Ok(Members(texts))
            }
        }
        deserializer.deserialize_map(Texts)
    }
}

/// What base64 stands for; line breaks, blanks and missing padding do not matter.
pub(crate) fn bytes_of(base64: &str) -> Option<Vec<u8>> {
    let text: String = base64.split_whitespace().collect();
    BASE64.decode(text).ok()
}

/// SAP promises strings; whatever else comes stays JSON.
pub(crate) fn text_of(value: &RawValue) -> Option<String> {
    match value.get() {
        "null" => None,
        text if text.starts_with('"') => serde_json::from_str(text).ok(),
        other => Some(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_of_an_answer_is_bounded_too() {
        let object = |members: usize| {
            let members: Vec<String> = (0..members).map(|n| format!("\"m{n}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        let members = |text: &str| serde_json::from_str::<Members>(text).map(|it| it.0.len());
        assert_eq!(members(&object(MOST_MEMBERS)).unwrap(), MOST_MEMBERS);
        assert!(members(&object(MOST_MEMBERS + 1)).is_err());
        let list = |text: &str| serde_json::from_str::<AtMost<u8, 3>>(text).map(|it| it.0);
        assert_eq!(list("[1,2,3]").unwrap(), [1, 2, 3]);
        assert!(list("[1,2,3,4]").is_err());
        assert!(list("{}").is_err());
    }

    #[test]
    fn what_is_no_text_stays_json() {
        let told: Members =
            serde_json::from_str(r#"{"a":"x","b":7,"c":null,"d":{"e":[]}}"#).unwrap();
        let told: Vec<_> = told.0.into_iter().collect();
        let text = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(
            told,
            [text("a", "x"), text("b", "7"), text("d", r#"{"e":[]}"#)]
        );
    }
}
