//! The examples and the hand-written parts of the pages, read from the
//! repository. A new file needs no line here.

use std::fs;
use std::io;
use std::path::Path;

/// Folders with what pages are made of: examples by kind, and what is written
/// by hand.
const FOLDERS: [&str; 9] = [
    "examples/actions",
    "examples/connections",
    "examples/data-sources",
    "examples/ephemeral-resources",
    "examples/functions",
    "examples/list-resources",
    "examples/provider",
    "examples/resources",
    "templates",
];

/// Path in the repository, such as `examples/provider/provider.tf`, and text,
/// sorted by path.
#[derive(Debug, Clone)]
pub struct Files(Vec<(String, String)>);

impl Files {
    /// The files of a repository.
    ///
    /// # Errors
    /// A folder or a file cannot be read.
    pub fn read(repository: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        for folder in FOLDERS {
            collect(repository, folder, &mut files)?;
        }
        Ok(Self::of(files))
    }

    fn of(mut files: Vec<(String, String)>) -> Self {
        files.sort();
        Self(files)
    }

    /// All of them: path and text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of a file.
    pub fn get(&self, path: &str) -> Option<&str> {
        let found = self.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| text)
    }

    /// The files directly in a folder, whose path ends with a slash: name and
    /// text. A name comes before those that continue it: `resource.tf`,
    /// `resource-mtls.tf`.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &str)> {
        let mut found: Vec<_> = self
            .iter()
            .filter_map(|(path, text)| Some((path.strip_prefix(folder)?, text)))
            .filter(|(name, _)| !name.contains('/'))
            .collect();
        found.sort_by_key(|(name, _)| name.split('.').next());
        found.into_iter()
    }
}

fn collect(repository: &Path, folder: &str, files: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(repository.join(folder))? {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(repository, &path, files)?;
        } else if [".tf", ".hcl", ".sh", ".md"]
            .iter()
            .any(|extension| path.ends_with(extension))
        {
            files.push((path, fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) fn files(files: &[(&str, &str)]) -> Files {
    let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    Files::of(files.iter().map(owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_example_comes_first_and_folders_are_not_mixed() {
        let some = files(&[
            ("examples/x/resource-b.tf", "b"),
            ("examples/x/resource.tf", "a"),
            ("examples/x/y/resource.tf", "c"),
        ]);
        let names: Vec<_> = some.below("examples/x/").map(|(name, _)| name).collect();
        assert_eq!(names, ["resource.tf", "resource-b.tf"]);
        assert_eq!(some.get("examples/x/y/resource.tf"), Some("c"));
        assert_eq!(some.get("examples/x/y"), None);
    }
}
