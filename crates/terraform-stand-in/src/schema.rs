//! The schemas that a provider announces, and core's rules for them.

use std::collections::{BTreeMap, HashMap};

use crate::proto::tfplugin6 as proto;
use serde_json::Value as Json;

use super::types::Type;
use super::value::{Path, UNKNOWN, Val};

/// Everything that `GetProviderSchema` and `GetResourceIdentitySchemas` say.
pub struct ProviderSchema {
    pub provider: Schema,
    pub resources: BTreeMap<String, Schema>,
    pub data_sources: BTreeMap<String, Schema>,
    pub ephemeral_resources: BTreeMap<String, Schema>,
    pub list_resources: BTreeMap<String, Schema>,
    pub actions: BTreeMap<String, Schema>,
    pub functions: BTreeMap<String, Function>,
    pub identities: BTreeMap<String, Identity>,
    pub capabilities: proto::ServerCapabilities,
}

impl ProviderSchema {
    /// Reads the two answers; the error is what core would say about them.
    pub fn from_proto(
        answer: proto::get_provider_schema::Response,
        identities: HashMap<String, proto::ResourceIdentitySchema>,
    ) -> Result<Self, String> {
        let actions = answer
            .action_schemas
            .into_iter()
            .map(|(name, action)| (name, action.schema.unwrap_or_default()));
        let schema = Self {
            provider: Schema::from_proto(answer.provider.ok_or("missing provider schema")?)?,
            resources: schemas(answer.resource_schemas)?,
            data_sources: schemas(answer.data_source_schemas)?,
            ephemeral_resources: schemas(answer.ephemeral_resource_schemas)?,
            list_resources: schemas(answer.list_resource_schemas)?,
            actions: schemas(actions)?,
            functions: answer
                .functions
                .into_iter()
                .map(|(name, function)| Ok((name, Function::from_proto(function)?)))
                .collect::<Result<_, String>>()?,
            identities: identities
                .into_iter()
                .map(|(name, identity)| Ok((name, Identity::from_proto(identity)?)))
                .collect::<Result<_, String>>()?,
            capabilities: answer.server_capabilities.unwrap_or_default(),
        };
        match schema.internal_validate() {
            faults if faults.is_empty() => Ok(schema),
            faults => Err(faults.join("\n")),
        }
    }

    /// For a client that does not know the flag: what is write-only becomes
    /// ordinary.
    pub fn forget_write_only(&mut self) {
        self.resources
            .values_mut()
            .for_each(|schema| schema.block.forget_write_only());
    }

    /// Core's rules for schemas; each fault is one line.
    pub fn internal_validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check =
            |what: &str, name: &str, schema: &Schema| {
                let mut found = Vec::new();
                schema.internal_validate(&mut found);
                faults.extend(found.into_iter().map(|fault| {
                    format!("provider has invalid schema for {what} {name:?}: {fault}")
                }));
            };
        check("provider", "", &self.provider);
        self.resources
            .iter()
            .for_each(|(name, schema)| check("managed resource type", name, schema));
        self.data_sources
            .iter()
            .for_each(|(name, schema)| check("data resource type", name, schema));
        self.ephemeral_resources
            .iter()
            .for_each(|(name, schema)| check("ephemeral resource type", name, schema));
        self.list_resources
            .iter()
            .for_each(|(name, schema)| check("list resource type", name, schema));
        self.actions
            .iter()
            .for_each(|(name, schema)| check("action type", name, schema));
        for (name, function) in &self.functions {
            faults.extend(
                function
                    .internal_validate()
                    .into_iter()
                    .map(|fault| format!("function {name:?}: {fault}")),
            );
        }
        for (name, identity) in &self.identities {
            if !self.resources.contains_key(name) {
                faults.push(format!(
                    "identity schema for unknown resource type {name:?}"
                ));
            }
            faults.extend(
                identity
                    .internal_validate()
                    .into_iter()
                    .map(|fault| format!("identity {name:?}: {fault}")),
            );
        }
        for name in self
            .list_resources
            .keys()
            .filter(|name| !self.identities.contains_key(*name))
        {
            faults.push(format!(
                "list resource {name:?} has no managed resource type with an identity"
            ));
        }
        faults
    }
}

fn schemas(
    from: impl IntoIterator<Item = (String, proto::Schema)>,
) -> Result<BTreeMap<String, Schema>, String> {
    from.into_iter()
        .map(|(name, schema)| {
            Ok((
                name.clone(),
                Schema::from_proto(schema).map_err(|e| format!("{name}: {e}"))?,
            ))
        })
        .collect()
}

/// The shape of a configuration and a state.
#[derive(Clone, Debug)]
pub struct Schema {
    pub version: i64,
    pub block: Block,
}

/// Attributes and nested blocks.
#[derive(Clone, Debug, Default)]
pub struct Block {
    pub attributes: BTreeMap<String, Attribute>,
    pub blocks: BTreeMap<String, NestedBlock>,
    computed: bool,
    deprecation: Deprecation,
}

#[derive(Clone, Debug, Default)]
struct Deprecation {
    deprecated: bool,
    message: String,
}

#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the interface has these flags"
)]
pub struct Attribute {
    pub shape: Shape,
    pub required: bool,
    pub optional: bool,
    pub computed: bool,
    pub sensitive: bool,
    pub write_only: bool,
    deprecation: Deprecation,
}

/// What an attribute holds: a plain value or objects with attributes of their own.
#[derive(Clone, Debug)]
pub enum Shape {
    Plain(Type),
    Nested(Nested),
}

#[derive(Clone, Debug)]
pub struct Nested {
    pub nesting: Nesting,
    pub attributes: BTreeMap<String, Attribute>,
}

#[derive(Clone, Debug)]
pub struct NestedBlock {
    pub nesting: Nesting,
    pub block: Block,
    min_items: i64,
    max_items: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nesting {
    Single,
    Group,
    List,
    Set,
    Map,
}

impl Nesting {
    /// A value of this nesting with every object in it changed.
    pub fn each(self, value: &Val, change: impl Fn(&Val) -> Val) -> Val {
        match (self, value) {
            (Self::Single | Self::Group, value) => change(value),
            (_, Val::List(list)) => Val::List(list.iter().map(change).collect()),
            (_, Val::Set(set)) => Val::set(set.iter().map(change).collect()),
            (_, Val::Map(map)) => Val::Map(
                map.iter()
                    .map(|(key, value)| (key.clone(), change(value)))
                    .collect(),
            ),
            (_, other) => other.clone(),
        }
    }

    fn of(self, object: Type) -> Type {
        match self {
            Self::Single | Self::Group => object,
            Self::List => Type::List(Box::new(object)),
            Self::Set => Type::Set(Box::new(object)),
            Self::Map => Type::Map(Box::new(object)),
        }
    }
}

impl Schema {
    fn from_proto(schema: proto::Schema) -> Result<Self, String> {
        let block = Block::from_proto(schema.block.ok_or("schema without a block")?)?;
        Ok(Self {
            version: schema.version,
            block,
        })
    }

    /// The type of the values that this schema describes.
    pub fn implied_type(&self) -> Type {
        self.block.implied_type()
    }

    fn internal_validate(&self, faults: &mut Vec<String>) {
        if self.version < 0 {
            faults.push(format!("negative version {}", self.version));
        }
        self.block
            .internal_validate(&Path::root(), Inside::default(), faults);
    }
}

/// What surrounds an attribute or a block.
#[derive(Clone, Copy, Default)]
struct Inside {
    set: bool,
    computed_block: bool,
}

impl Block {
    fn from_proto(block: proto::schema::Block) -> Result<Self, String> {
        let mut blocks = BTreeMap::new();
        for nested in block.block_types {
            let name = nested.type_name.clone();
            if blocks
                .insert(name.clone(), NestedBlock::from_proto(nested)?)
                .is_some()
            {
                return Err(format!("block {name:?} comes twice"));
            }
        }
        Ok(Self {
            attributes: attributes(block.attributes)?,
            blocks,
            computed: block.computed,
            deprecation: Deprecation {
                deprecated: block.deprecated,
                message: block.deprecation_message,
            },
        })
    }

    pub fn implied_type(&self) -> Type {
        let mut types = object_types(&self.attributes);
        for (name, nested) in &self.blocks {
            types.insert(name.clone(), nested.nesting.of(nested.block.implied_type()));
        }
        Type::Object(types)
    }

    /// An object of nulls, with no nested blocks.
    pub fn empty_object(&self) -> Val {
        let mut object: BTreeMap<_, _> = self
            .attributes
            .keys()
            .map(|name| (name.clone(), Val::Null))
            .collect();
        for (name, nested) in &self.blocks {
            let none = match nested.nesting {
                Nesting::Single => Val::Null,
                Nesting::Group => nested.block.empty_object(),
                Nesting::List => Val::List(Vec::new()),
                Nesting::Set => Val::Set(Vec::new()),
                Nesting::Map => Val::Map(BTreeMap::new()),
            };
            object.insert(name.clone(), none);
        }
        Val::Object(object)
    }

    /// Reads a configuration written as JSON: what is missing is null, and
    /// [`UNKNOWN`] is unknown. The error is core's, for a wrong configuration.
    pub fn config(&self, json: &Json) -> Result<Val, String> {
        let Json::Object(given) = json else {
            return Err(format!("an object is required, got {json}"));
        };
        if let Some(name) = given
            .keys()
            .find(|name| !self.attributes.contains_key(*name) && !self.blocks.contains_key(*name))
        {
            return Err(format!("unsupported argument `{name}`"));
        }
        let mut object = attributes_config(&self.attributes, given, Missing::Required)?;
        for (name, nested) in &self.blocks {
            let value = nested
                .config(given.get(name))
                .map_err(|e| format!("`{name}`: {e}"))?;
            object.insert(name.clone(), value);
        }
        Ok(Val::Object(object))
    }

    /// The paths of all write-only values that are not null in a value.
    pub fn write_only_values(&self, value: &Val) -> Vec<Path> {
        let mut paths = Vec::new();
        self.visit(value, &Path::root(), &mut |path, attribute, value| {
            if attribute.write_only && !value.is_null() {
                paths.push(path.clone());
            }
        });
        paths
    }

    fn forget_write_only(&mut self) {
        self.attributes
            .values_mut()
            .for_each(Attribute::forget_write_only);
        self.blocks
            .values_mut()
            .for_each(|nested| nested.block.forget_write_only());
    }

    /// The attribute that a path leads to, however many elements it passes.
    pub fn attribute_at(&self, path: &Path) -> Option<&Attribute> {
        let names = path.attribute_names();
        let (first, rest) = names.split_first()?;
        if let Some(nested) = self.blocks.get(*first) {
            let rest = Path(
                rest.iter()
                    .map(|name| super::value::Step::Attribute((*name).to_owned()))
                    .collect(),
            );
            return nested.block.attribute_at(&rest);
        }
        rest.iter().try_fold(
            self.attributes.get(*first)?,
            |attribute, name| match &attribute.shape {
                Shape::Nested(nested) => nested.attributes.get(*name),
                Shape::Plain(_) => None,
            },
        )
    }

    /// Calls `see` for every attribute of the schema that exists in the value.
    pub fn visit(&self, value: &Val, path: &Path, see: &mut dyn FnMut(&Path, &Attribute, &Val)) {
        if !matches!(value, Val::Object(_)) {
            return;
        }
        visit_attributes(&self.attributes, value, path, see);
        for (name, nested) in &self.blocks {
            let path = path.attribute(name);
            let inner = value.get(name);
            match nested.nesting {
                Nesting::Single | Nesting::Group => nested.block.visit(&inner, &path, see),
                _ => inner
                    .children()
                    .into_iter()
                    .for_each(|(step, v)| nested.block.visit(v, &path.then(step), see)),
            }
        }
    }

    fn internal_validate(&self, path: &Path, inside: Inside, faults: &mut Vec<String>) {
        self.deprecation.internal_validate(path, faults);
        let inside = Inside {
            computed_block: inside.computed_block || self.computed,
            ..inside
        };
        for (name, attribute) in &self.attributes {
            attribute.internal_validate(&path.attribute(name), inside, faults);
        }
        for (name, nested) in &self.blocks {
            let path = path.attribute(name);
            if self.attributes.contains_key(name) {
                faults.push(format!(
                    "{path}: block name and attribute name are the same"
                ));
            }
            check_name(name, &path, faults);
            nested.internal_validate(&path, inside, faults);
        }
    }
}

impl Deprecation {
    fn internal_validate(&self, path: &Path, faults: &mut Vec<String>) {
        if !self.message.is_empty() && !self.deprecated {
            faults.push(format!("{path}: deprecation message without `deprecated`"));
        }
    }
}

fn check_name(name: &str, path: &Path, faults: &mut Vec<String>) {
    if name.is_empty()
        || !name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    {
        faults.push(format!(
            "{path}: name may contain only lowercase letters, digits and underscores"
        ));
    }
}

fn attributes(list: Vec<proto::schema::Attribute>) -> Result<BTreeMap<String, Attribute>, String> {
    let mut attributes = BTreeMap::new();
    for attribute in list {
        let name = attribute.name.clone();
        let attribute = Attribute::from_proto(attribute).map_err(|e| format!("{name}: {e}"))?;
        if attributes.insert(name.clone(), attribute).is_some() {
            return Err(format!("attribute {name:?} comes twice"));
        }
    }
    Ok(attributes)
}

fn object_types(attributes: &BTreeMap<String, Attribute>) -> BTreeMap<String, Type> {
    attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), attribute.implied_type()))
        .collect()
}

/// What a missing required attribute is: an error at the top of a block, where
/// core itself demands it, and null in nested objects, where the provider does.
#[derive(Clone, Copy, PartialEq)]
enum Missing {
    Required,
    Null,
}

fn attributes_config(
    attributes: &BTreeMap<String, Attribute>,
    given: &serde_json::Map<String, Json>,
    missing: Missing,
) -> Result<BTreeMap<String, Val>, String> {
    let mut object = BTreeMap::new();
    for (name, attribute) in attributes {
        let json = given.get(name).unwrap_or(&Json::Null);
        if json.is_null() && attribute.required && missing == Missing::Required {
            return Err(format!("the argument `{name}` is required"));
        }
        object.insert(
            name.clone(),
            attribute
                .config(json)
                .map_err(|e| format!("`{name}`: {e}"))?,
        );
    }
    Ok(object)
}

fn visit_attributes(
    attributes: &BTreeMap<String, Attribute>,
    value: &Val,
    path: &Path,
    see: &mut dyn FnMut(&Path, &Attribute, &Val),
) {
    for (name, attribute) in attributes {
        let path = path.attribute(name);
        let inner = value.get(name);
        see(&path, attribute, &inner);
        if let Shape::Nested(nested) = &attribute.shape {
            match (nested.nesting, &inner) {
                (Nesting::Single | Nesting::Group, Val::Object(_)) => {
                    visit_attributes(&nested.attributes, &inner, &path, see);
                }
                (Nesting::Single | Nesting::Group, _) => {}
                _ => {
                    for (step, element) in inner.children() {
                        if matches!(element, Val::Object(_)) {
                            visit_attributes(&nested.attributes, element, &path.then(step), see);
                        }
                    }
                }
            }
        }
    }
}

impl Attribute {
    fn from_proto(attribute: proto::schema::Attribute) -> Result<Self, String> {
        let shape = match (attribute.r#type.as_slice(), attribute.nested_type) {
            ([], Some(nested)) => Shape::Nested(Nested::from_proto(nested)?),
            ([], None) => return Err("either `type` or `nested_type` must be set".to_owned()),
            (_, Some(_)) => return Err("`type` and `nested_type` cannot both be set".to_owned()),
            (ty, None) => Shape::Plain(Type::parse(ty)?),
        };
        Ok(Self {
            shape,
            required: attribute.required,
            optional: attribute.optional,
            computed: attribute.computed,
            sensitive: attribute.sensitive,
            write_only: attribute.write_only,
            deprecation: Deprecation {
                deprecated: attribute.deprecated,
                message: attribute.deprecation_message,
            },
        })
    }

    fn forget_write_only(&mut self) {
        self.write_only = false;
        if let Shape::Nested(nested) = &mut self.shape {
            nested
                .attributes
                .values_mut()
                .for_each(Self::forget_write_only);
        }
    }

    pub fn implied_type(&self) -> Type {
        match &self.shape {
            Shape::Plain(ty) => ty.clone(),
            Shape::Nested(nested) => nested
                .nesting
                .of(Type::Object(object_types(&nested.attributes))),
        }
    }

    fn config(&self, json: &Json) -> Result<Val, String> {
        match &self.shape {
            Shape::Plain(ty) => Val::from_json(json, ty),
            Shape::Nested(nested) => nested.config(json),
        }
    }

    fn internal_validate(&self, path: &Path, inside: Inside, faults: &mut Vec<String>) {
        self.deprecation.internal_validate(path, faults);
        let mut fault = |text: &str| faults.push(format!("{path}: {text}"));
        if let Some(super::value::Step::Attribute(name)) = path.0.last()
            && !is_identifier(name)
        {
            fault("name may contain only letters, digits and underscores");
        }
        match (self.required, self.optional, self.computed) {
            (false, false, false) => fault("must set required, optional or computed"),
            (true, true, _) => fault("cannot set both required and optional"),
            (true, _, true) => fault("cannot set both required and computed"),
            _ => {}
        }
        if self.write_only && self.computed {
            fault("write-only attributes cannot be computed");
        }
        if self.write_only && inside.set {
            fault("write-only attributes are not allowed inside sets");
        }
        if inside.computed_block && !self.computed {
            fault("attributes in a computed block must be computed");
        }
        match &self.shape {
            Shape::Plain(ty) => {
                if (inside.set && ty.has_dynamic()) || set_with_dynamic(ty) {
                    fault("sets cannot contain dynamic values");
                }
            }
            Shape::Nested(nested) => {
                let inside = Inside {
                    set: inside.set || nested.nesting == Nesting::Set,
                    ..inside
                };
                for (name, attribute) in &nested.attributes {
                    attribute.internal_validate(&path.attribute(name), inside, faults);
                }
            }
        }
    }
}

fn set_with_dynamic(ty: &Type) -> bool {
    match ty {
        Type::Set(element) => element.has_dynamic(),
        Type::List(element) | Type::Map(element) => set_with_dynamic(element),
        Type::Tuple(types) => types.iter().any(set_with_dynamic),
        Type::Object(types) => types.values().any(set_with_dynamic),
        _ => false,
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl Nested {
    fn from_proto(nested: proto::schema::Object) -> Result<Self, String> {
        use proto::schema::object::NestingMode;
        let nesting = match nested.nesting() {
            NestingMode::Single => Nesting::Single,
            NestingMode::List => Nesting::List,
            NestingMode::Set => Nesting::Set,
            NestingMode::Map => Nesting::Map,
            NestingMode::Invalid => return Err("invalid nesting mode".to_owned()),
        };
        Ok(Self {
            nesting,
            attributes: attributes(nested.attributes)?,
        })
    }

    fn config(&self, json: &Json) -> Result<Val, String> {
        if json.as_str() == Some(UNKNOWN) {
            return Ok(Val::Unknown);
        }
        let object = |json: &Json| -> Result<Val, String> {
            match json {
                Json::Null => Ok(Val::Null),
                Json::String(text) if text == UNKNOWN => Ok(Val::Unknown),
                Json::Object(given) => {
                    if let Some(name) = given
                        .keys()
                        .find(|name| !self.attributes.contains_key(*name))
                    {
                        return Err(format!("unsupported attribute `{name}`"));
                    }
                    attributes_config(&self.attributes, given, Missing::Null).map(Val::Object)
                }
                _ => Err(format!("an object is required, got {json}")),
            }
        };
        collection(self.nesting, json, object)
    }
}

fn collection(
    nesting: Nesting,
    json: &Json,
    object: impl Fn(&Json) -> Result<Val, String>,
) -> Result<Val, String> {
    match (nesting, json) {
        (Nesting::Single | Nesting::Group, json) => object(json),
        (_, Json::Null) => Ok(Val::Null),
        (Nesting::List, Json::Array(list)) => list
            .iter()
            .map(object)
            .collect::<Result<_, _>>()
            .map(Val::List),
        (Nesting::Set, Json::Array(list)) => list
            .iter()
            .map(object)
            .collect::<Result<_, _>>()
            .map(Val::set),
        (Nesting::Map, Json::Object(map)) => map
            .iter()
            .map(|(key, json)| Ok((key.clone(), object(json)?)))
            .collect::<Result<_, String>>()
            .map(Val::Map),
        (nesting, json) => Err(format!("a {nesting:?} is required, got {json}")),
    }
}

impl NestedBlock {
    fn from_proto(nested: proto::schema::NestedBlock) -> Result<Self, String> {
        use proto::schema::nested_block::NestingMode;
        let nesting = match nested.nesting() {
            NestingMode::Single => Nesting::Single,
            NestingMode::Group => Nesting::Group,
            NestingMode::List => Nesting::List,
            NestingMode::Set => Nesting::Set,
            NestingMode::Map => Nesting::Map,
            NestingMode::Invalid => {
                return Err(format!(
                    "block {:?}: invalid nesting mode",
                    nested.type_name
                ));
            }
        };
        Ok(Self {
            nesting,
            block: Block::from_proto(nested.block.ok_or("nested block without a block")?)?,
            min_items: nested.min_items,
            max_items: nested.max_items,
        })
    }

    fn config(&self, json: Option<&Json>) -> Result<Val, String> {
        if json.and_then(Json::as_str) == Some(UNKNOWN) {
            return Ok(Val::Unknown);
        }
        let value = match (self.nesting, json) {
            (Nesting::Single, None | Some(Json::Null)) => return Ok(Val::Null),
            (Nesting::Group, None | Some(Json::Null)) => return Ok(self.block.empty_object()),
            (Nesting::List, None | Some(Json::Null)) => Val::List(Vec::new()),
            (Nesting::Set, None | Some(Json::Null)) => Val::Set(Vec::new()),
            (Nesting::Map, None | Some(Json::Null)) => Val::Map(BTreeMap::new()),
            (nesting, Some(json)) => collection(nesting, json, |json| self.block.config(json))?,
        };
        let count = i64::try_from(value.elements().len()).unwrap_or(i64::MAX);
        if count < self.min_items || (self.max_items > 0 && count > self.max_items) {
            return Err(format!(
                "between {} and {} blocks are required",
                self.min_items, self.max_items
            ));
        }
        Ok(value)
    }

    fn internal_validate(&self, path: &Path, inside: Inside, faults: &mut Vec<String>) {
        let mut fault = |text: &str| faults.push(format!("{path}: {text}"));
        let (min, max) = (self.min_items, self.max_items);
        if min < 0 || max < 0 {
            fault("min_items and max_items must not be negative");
        }
        match self.nesting {
            Nesting::Single if min != max || !(0..=1).contains(&max) => {
                fault("min_items and max_items must be equal, and 0 or 1");
            }
            Nesting::Group | Nesting::Map if min != 0 || max != 0 => {
                fault("min_items and max_items must be 0");
            }
            Nesting::List | Nesting::Set if max > 0 && min > max => {
                fault("min_items is greater than max_items");
            }
            _ => {}
        }
        let inside = Inside {
            set: inside.set || self.nesting == Nesting::Set,
            ..inside
        };
        self.block.internal_validate(path, inside, faults);
    }
}

/// The shape of a resource's identity.
#[derive(Clone, Debug)]
pub struct Identity {
    pub version: i64,
    attributes: BTreeMap<String, IdentityAttribute>,
}

#[derive(Clone, Debug)]
struct IdentityAttribute {
    ty: Type,
    required: bool,
    optional: bool,
}

impl Identity {
    fn from_proto(identity: proto::ResourceIdentitySchema) -> Result<Self, String> {
        let mut attributes = BTreeMap::new();
        for attribute in identity.identity_attributes {
            let found = IdentityAttribute {
                ty: Type::parse(&attribute.r#type)?,
                required: attribute.required_for_import,
                optional: attribute.optional_for_import,
            };
            if attributes.insert(attribute.name.clone(), found).is_some() {
                return Err(format!(
                    "identity attribute {:?} comes twice",
                    attribute.name
                ));
            }
        }
        Ok(Self {
            version: identity.version,
            attributes,
        })
    }

    pub fn implied_type(&self) -> Type {
        Type::Object(
            self.attributes
                .iter()
                .map(|(name, attribute)| (name.clone(), attribute.ty.clone()))
                .collect(),
        )
    }

    /// Reads the identity of an `import` block; what is optional may be missing.
    pub fn config(&self, json: &Json) -> Result<Val, String> {
        let Json::Object(given) = json else {
            return Err("an object is required".to_owned());
        };
        if let Some(name) = given
            .keys()
            .find(|name| !self.attributes.contains_key(*name))
        {
            return Err(format!("unsupported identity attribute `{name}`"));
        }
        self.attributes
            .iter()
            .map(|(name, attribute)| {
                let json = given.get(name).unwrap_or(&Json::Null);
                if json.is_null() && attribute.required {
                    return Err(format!("the identity attribute `{name}` is required"));
                }
                Ok((name.clone(), Val::from_json(json, &attribute.ty)?))
            })
            .collect::<Result<_, _>>()
            .map(Val::Object)
    }

    fn internal_validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.version < 0 {
            faults.push(format!("negative version {}", self.version));
        }
        if self.attributes.is_empty() {
            faults.push("no attributes".to_owned());
        }
        for (name, attribute) in &self.attributes {
            check_name(name, &Path::root().attribute(name), &mut faults);
            if attribute.required == attribute.optional {
                faults.push(format!(
                    "{name}: must set either required_for_import or optional_for_import"
                ));
            }
            let element = match &attribute.ty {
                Type::List(element) => element,
                ty => ty,
            };
            if !matches!(element, Type::Bool | Type::Number | Type::String) {
                faults.push(format!(
                    "{name}: only primitives and lists of them are allowed, not {}",
                    attribute.ty
                ));
            }
        }
        faults
    }
}

/// The signature of a provider function.
#[derive(Clone, Debug)]
pub struct Function {
    pub parameters: Vec<Parameter>,
    pub variadic: Option<Parameter>,
    pub returns: Type,
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: String,
    pub ty: Type,
    pub allow_null: bool,
    pub allow_unknown: bool,
}

impl Function {
    fn from_proto(function: proto::Function) -> Result<Self, String> {
        let returns = Type::parse(
            &function
                .r#return
                .ok_or("function without a return type")?
                .r#type,
        )?;
        Ok(Self {
            parameters: function
                .parameters
                .into_iter()
                .map(Parameter::from_proto)
                .collect::<Result<_, _>>()?,
            variadic: function
                .variadic_parameter
                .map(Parameter::from_proto)
                .transpose()?,
            returns,
        })
    }

    fn internal_validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let names: Vec<_> = self
            .parameters
            .iter()
            .chain(&self.variadic)
            .map(|p| p.name.as_str())
            .collect();
        for (i, name) in names.iter().enumerate() {
            if !is_identifier(name) {
                faults.push(format!("parameter {name:?} is not an identifier"));
            }
            if names.iter().take(i).any(|other| other == name) {
                faults.push(format!("parameter {name:?} comes twice"));
            }
        }
        faults
    }
}

impl Parameter {
    fn from_proto(parameter: proto::function::Parameter) -> Result<Self, String> {
        Ok(Self {
            ty: Type::parse(&parameter.r#type)?,
            name: parameter.name,
            allow_null: parameter.allow_null_value,
            allow_unknown: parameter.allow_unknown_values,
        })
    }
}
