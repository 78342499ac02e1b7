//! The examples and the hand-written parts, as they were when the provider was
//! built. `build.rs` collects them, so a new file needs no line here.

/// Files by their path in the repository, such as
/// `examples/provider/provider.tf`, sorted by it.
#[derive(Debug, Clone, Copy)]
pub struct Files(pub &'static [(&'static str, &'static str)]);

/// The files of this build.
pub static FILES: Files = Files(include!(concat!(env!("OUT_DIR"), "/documentation.rs")));

impl Files {
    /// The text of a file.
    #[must_use]
    pub fn get(self, path: &str) -> Option<&'static str> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| *text)
    }

    /// The files directly in a folder, whose path ends with a slash: name and
    /// text. A name comes before those that continue it: `resource.tf`,
    /// `resource-mtls.tf`.
    pub fn below(self, folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
        let mut found: Vec<_> = self
            .0
            .iter()
            .filter_map(|(path, text)| Some((path.strip_prefix(folder)?, *text)))
            .filter(|(name, _)| !name.contains('/'))
            .collect();
        found.sort_by_key(|(name, _)| name.split('.').next());
        found.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Files = Files(&[
        ("examples/x/resource-b.tf", "b"),
        ("examples/x/resource.tf", "a"),
        ("examples/x/y/resource.tf", "c"),
    ]);

    #[test]
    fn the_plain_example_comes_first_and_folders_are_not_mixed() {
        let names: Vec<_> = SOME.below("examples/x/").map(|(name, _)| name).collect();
        assert_eq!(names, ["resource.tf", "resource-b.tf"]);
        assert_eq!(SOME.get("examples/x/y/resource.tf"), Some("c"));
        assert_eq!(SOME.get("examples/x/y"), None);
    }

    #[test]
    fn the_binary_has_the_examples() {
        assert!(FILES.get("examples/provider/provider.tf").is_some());
    }
}
