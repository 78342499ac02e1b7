//! What the targets share: a type made of the first bytes of the input.

use std::collections::BTreeMap;

use framework::provider::Provider as _;
use framework::types::Type;
use sapcalm::provider::SapCalm;

/// The types of the provider's own schemas, and those that the bytes spell out.
/// The rest of the bytes is the value.
pub fn typed(bytes: &[u8]) -> Option<(Type, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let own = SapCalm.resources();
    match own.get(usize::from(*first)) {
        Some(resource) => Some((resource.definition().schema.object_type(), rest)),
        None => any_type(rest, 4),
    }
}

fn any_type(bytes: &[u8], depth: usize) -> Option<(Type, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let inner = |rest| {
        let (of, rest) = any_type(rest, depth.checked_sub(1)?)?;
        Some((Box::new(of), rest))
    };
    Some(match first % 7 {
        0 => (Type::String, rest),
        1 => (Type::Bool, rest),
        2 => (Type::Number, rest),
        3 => inner(rest).map(|(of, rest)| (Type::List(of), rest))?,
        4 => inner(rest).map(|(of, rest)| (Type::Set(of), rest))?,
        5 => inner(rest).map(|(of, rest)| (Type::Map(of), rest))?,
        _ => {
            let mut attributes = BTreeMap::new();
            for name in ["a", "b", "c"].iter().take(usize::from(first / 7 % 4)) {
                let (of, after) = inner(rest)?;
                attributes.insert((*name).to_owned(), *of);
                rest = after;
            }
            (Type::Object(attributes), rest)
        }
    })
}
