//! What the targets share: a type made of the first bytes of the input.

use framework::provider::Provider as _;
use framework::definition::Described as _;
use framework::schema::{Attribute, AttributeType};
use sapcalm::provider::SapCalm;

/// The types of the provider's own schemas, and those that the bytes spell out.
/// The rest of the bytes is the value.
pub fn typed(bytes: &[u8]) -> Option<(AttributeType, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let own = SapCalm.resources();
    match own.get(usize::from(*first)) {
        Some(resource) => Some((resource.definition().schema.object_type(), rest)),
        None => any_type(rest, 4),
    }
}

fn any_type(bytes: &[u8], depth: usize) -> Option<(AttributeType, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let inner = |rest| {
        let (of, rest) = any_type(rest, depth.checked_sub(1)?)?;
        // A type is a static; the few of one run may stay in memory.
        Some((&*Box::leak(Box::new(of)), rest))
    };
    Some(match first % 7 {
        0 => (AttributeType::String, rest),
        1 => (AttributeType::Bool, rest),
        2 => (AttributeType::Number, rest),
        3 => inner(rest).map(|(of, rest)| (AttributeType::List(of), rest))?,
        4 => inner(rest).map(|(of, rest)| (AttributeType::Set(of), rest))?,
        5 => inner(rest).map(|(of, rest)| (AttributeType::Map(of), rest))?,
        _ => {
            let mut attributes = Vec::new();
            for name in ["a", "b", "c"].iter().take(usize::from(first / 7 % 4)) {
                let (of, after) = inner(rest)?;
                let mut attribute = Attribute::string(name);
                attribute.kind = *of;
                attributes.push(attribute);
                rest = after;
            }
            (AttributeType::Object(attributes.leak()), rest)
        }
    })
}
