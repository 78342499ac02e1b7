//! The types of Terraform's values, as far as our schemas can express them.

use std::collections::BTreeMap;

/// The type of a value on the wire.
///
/// Terraform's `dynamic` and `tuple` are missing on purpose: no schema of
/// ours can declare them (see [`super::schema::AttributeType`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// UTF-8 text, normalised to NFC by Terraform.
    String,
    /// `true` or `false`.
    Bool,
    /// A decimal number of any precision.
    Number,
    /// An ordered sequence.
    List(Box<Type>),
    /// An unordered collection without duplicates.
    Set(Box<Type>),
    /// String keys, values of one type.
    Map(Box<Type>),
    /// A fixed set of attributes; on the wire every one must be present.
    Object(BTreeMap<String, Type>),
}
