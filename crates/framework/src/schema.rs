//! Schemas as static data, built by `const fn` and checked at compile time.
//!
//! One static serves the protocol server, the validation and the
//! documentation; the order of the attributes is the order of the
//! documentation.

mod attribute;
pub(crate) mod rules;

use super::path::Path;

pub(crate) use attribute::find;
pub use attribute::{Absent, Attribute, AttributeType, Mode, Replace, joined};

/// The schema of a provider, resource or other kind.
///
/// A schema that breaks Terraform's rules does not compile:
///
/// ```
/// use framework::schema::{Attribute, Schema};
///
/// static GOOD: Schema = Schema::new(0, "A thing.", &[
///     Attribute::string("name").required().describe("Its name."),
/// ]);
/// assert_eq!(GOOD.attributes.len(), 1);
/// ```
///
/// The same with a description that does not end with a full stop:
///
/// ```compile_fail,E0080
/// use framework::schema::{Attribute, Schema};
///
/// static BAD: Schema = Schema::new(0, "A thing.", &[
///     Attribute::string("name").required().describe("Its name"),
/// ]);
/// ```
///
/// And with a default for an attribute that the configuration must give:
///
/// ```compile_fail,E0080
/// use framework::schema::{Attribute, Schema};
///
/// static BAD: Schema = Schema::new(0, "A thing.", &[
///     Attribute::string("name").default("x").required().describe("Its name."),
/// ]);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Schema {
    /// Version of the state's shape; raised with a state upgrader.
    pub version: i64,
    /// What it is, in Markdown.
    pub description: &'static str,
    /// The attributes, in the order of the documentation.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// A schema that keeps the rules of [`rules`].
    ///
    /// # Panics
    /// Where it does not keep them: at compile time, as a schema is a static.
    pub const fn new(
        version: i64,
        description: &'static str,
        attributes: &'static [Attribute],
    ) -> Self {
        rules::check_schema(version, description, attributes);
        Self {
            version,
            description,
            attributes,
        }
    }

    /// The type of a whole object.
    pub const fn object_type(&self) -> AttributeType {
        AttributeType::Object(self.attributes)
    }

    /// The top-level attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }

    /// Every attribute with its path, an object before what is inside it;
    /// the elements of collections have no path of their own.
    /// [`super::value::Value::at`] finds the value that belongs to a path.
    pub fn walk(&self) -> Vec<(Path, &'static Attribute)> {
        let mut found = Vec::new();
        collect(&Path::root(), self.attributes, &mut found);
        found
    }
}

fn collect(
    parent: &Path,
    attributes: &'static [Attribute],
    found: &mut Vec<(Path, &'static Attribute)>,
) {
    for attribute in attributes {
        let path = parent.clone().then(attribute.name);
        found.push((path.clone(), attribute));
        if let AttributeType::Object(inner) = attribute.kind {
            collect(&path, inner, found);
        }
    }
}

/// The identity of a resource: the immutable facts that name the remote
/// object (Terraform 1.12).
///
/// It has no version. Terraform asks to upgrade an identity only where versions
/// differ, so a second shape needs a version and upgraders, both at once.
#[derive(Debug)]
pub struct IdentitySchema(&'static [Attribute]);

impl IdentitySchema {
    /// An identity made of these texts. An import must give those that are
    /// required, and may give the others.
    ///
    /// ```compile_fail,E0080
    /// use framework::schema::{Attribute, IdentitySchema};
    ///
    /// // Nothing would be required to import by it.
    /// static BAD: IdentitySchema =
    ///     IdentitySchema::new(&[Attribute::string("name").describe("Its name.")]);
    /// ```
    ///
    /// # Panics
    /// Where it is not: at compile time, as an identity is a static.
    pub const fn new(attributes: &'static [Attribute]) -> Self {
        rules::check_identity(attributes);
        Self(attributes)
    }

    /// Its attributes.
    pub const fn attributes(&self) -> &'static [Attribute] {
        self.0
    }

    /// The type of a whole identity.
    pub const fn object_type(&self) -> AttributeType {
        AttributeType::Object(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TEXT: AttributeType = AttributeType::String;
    static TEXTS: AttributeType = AttributeType::Set(&TEXT);
    static THING: Schema = Schema::new(
        3,
        "A thing.",
        &[
            Attribute::string("name").required().describe("Its name."),
            Attribute::map("labels", &TEXTS).describe("Its labels."),
            Attribute::timeouts(&[Attribute::create_timeout(), Attribute::delete_timeout()]),
            Attribute::number("size")
                .computed()
                .keep_prior()
                .describe("Its size."),
        ],
    );

    #[test]
    fn types_are_written_in_terraforms_notation() {
        static MIXED: [Attribute; 2] = [
            Attribute::list("b", &AttributeType::Number),
            Attribute::bool("a"),
        ];
        let text = |of: AttributeType| of.to_json().to_string();
        assert_eq!(text(TEXT), r#""string""#);
        assert_eq!(
            text(AttributeType::Map(&TEXTS)),
            r#"["map",["set","string"]]"#
        );
        let object = AttributeType::Object(&MIXED);
        assert_eq!(
            text(object),
            r#"["object",{"a":"bool","b":["list","number"]}]"#
        );
    }

    #[test]
    fn the_type_of_an_object_has_every_attribute() {
        assert_eq!(
            THING.object_type().to_json().to_string(),
            r#"["object",{"labels":["map",["set","string"]],"name":"string","size":"number","#
                .to_owned()
                + r#""timeouts":["object",{"create":"string","delete":"string"}]}]"#
        );
    }

    #[test]
    fn a_walk_sees_nested_attributes_in_the_order_of_the_documentation() {
        let paths: Vec<String> = THING
            .walk()
            .iter()
            .map(|(path, attribute)| {
                assert!(path.to_string().ends_with(attribute.name));
                path.to_string()
            })
            .collect();
        assert_eq!(
            paths,
            [
                "name",
                "labels",
                "timeouts",
                "timeouts.create",
                "timeouts.delete",
                "size"
            ]
        );
        assert_eq!(THING.attribute("size").unwrap().mode, Mode::Computed);
        assert!(THING.attribute("create").is_none());
    }
}
