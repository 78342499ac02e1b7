//! The kinds of pages: where each has its place, its examples and its
//! hand-written part, and which client first knows what it describes.

use framework::client_version;

/// What a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The provider itself.
    Provider,
    /// A managed resource.
    Resource,
    /// A data source.
    DataSource,
    /// An ephemeral resource.
    EphemeralResource,
    /// A function.
    Function,
    /// A list resource.
    ListResource,
    /// An action.
    Action,
    /// A guide.
    Guide,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Provider,
        Self::Resource,
        Self::DataSource,
        Self::EphemeralResource,
        Self::Function,
        Self::ListResource,
        Self::Action,
        Self::Guide,
    ];

    /// What titles call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Provider => "Provider",
            Self::Resource => "Resource",
            Self::DataSource => "Data Source",
            Self::EphemeralResource => "Ephemeral Resource",
            Self::Function => "Function",
            Self::ListResource => "List Resource",
            Self::Action => "Action",
            Self::Guide => "Guide",
        }
    }

    /// Its folder in `docs/` and in `templates/`, and, guides apart, in
    /// `examples/`. The page of the provider has none.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Provider => "",
            Self::Resource => "resources",
            Self::DataSource => "data-sources",
            Self::EphemeralResource => "ephemeral-resources",
            Self::Function => "functions",
            Self::ListResource => "list-resources",
            Self::Action => "actions",
            Self::Guide => "guides",
        }
    }

    /// The place of a page in `docs/`, by the full name of what it is about.
    /// The name of the file has no prefix.
    pub fn path(self, provider: &str, name: &str) -> String {
        let short = name.strip_prefix(provider).unwrap_or(name);
        let short = short.strip_prefix('_').unwrap_or(short);
        match self {
            Self::Provider => "index.md".to_owned(),
            Self::Function | Self::Guide => format!("{}/{name}.md", self.folder()),
            _ => format!("{}/{short}.md", self.folder()),
        }
    }

    /// The folder with the examples of something of this kind.
    pub fn examples(self, name: &str) -> String {
        match self {
            Self::Provider => "examples/provider/".to_owned(),
            _ => format!("examples/{}/{name}/", self.folder()),
        }
    }

    /// How the names of its examples begin and end. There can be several.
    pub fn example_files(self) -> (&'static str, &'static str) {
        match self {
            Self::Provider => ("provider", ".tf"),
            Self::ListResource => ("list-resource", ".tfquery.hcl"),
            // `resource.tf` in the folder `resources`.
            _ => (self.folder().trim_end_matches('s'), ".tf"),
        }
    }

    /// The first clients that know this kind.
    pub const fn since(self) -> Option<&'static str> {
        match self {
            Self::Provider => Some(client_version::PROTOCOL),
            Self::EphemeralResource => Some(client_version::EPHEMERAL),
            Self::Function => Some(client_version::FUNCTION),
            Self::ListResource => Some(client_version::LIST),
            Self::Action => Some(client_version::ACTION),
            // As old as the protocol.
            Self::Resource | Self::DataSource | Self::Guide => None,
        }
    }
}
