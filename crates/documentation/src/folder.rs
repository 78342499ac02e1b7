//! The folder `docs`: writes the pages into it, or says what in it is stale.
//!
//! It holds generated pages only. Each says so in its second line, and a file
//! that does not is never overwritten or removed: the folder may be somebody
//! else's.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::page::{GENERATED, Page};

/// What is stale in a folder: one sentence for each page that is missing,
/// differs or is not known, by path.
///
/// # Errors
/// The folder cannot be read.
pub fn stale(pages: &[Page], folder: &Path) -> io::Result<Vec<String>> {
    let mut present = present(folder)?;
    let mut stale = Vec::new();
    for page in pages {
        match present.remove(&page.path) {
            Some(text) if text == page.text => {}
            Some(_) => stale.push(format!("{} differs", page.path)),
            None => stale.push(format!("{} is missing", page.path)),
        }
    }
    stale.extend(present.keys().map(|path| format!("{path} is not known")));
    stale.sort();
    Ok(stale)
}

/// Writes the pages that differ and removes generated pages that are no more.
/// The paths of both.
///
/// # Errors
/// The folder cannot be read or written, or holds a page of somebody else.
pub fn write(pages: &[Page], folder: &Path) -> io::Result<Vec<String>> {
    let mut present = present(folder)?;
    let mut changed = Vec::new();
    for page in pages {
        match present.remove(&page.path) {
            Some(text) if text == page.text => continue,
            Some(text) if !is_generated(&text) => {
                let problem = format!("{} was not generated; move it away", page.path);
                return Err(io::Error::new(ErrorKind::AlreadyExists, problem));
            }
            _ => {}
        }
        let file = folder.join(&page.path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, &page.text)?;
        changed.push(page.path.clone());
    }
    for (path, text) in present {
        if is_generated(&text) {
            fs::remove_file(folder.join(&path))?;
            changed.push(path);
        }
    }
    changed.sort();
    Ok(changed)
}

fn is_generated(text: &str) -> bool {
    let mut lines = text.lines();
    lines.nth(1).is_some_and(|line| line.starts_with(GENERATED))
}

/// Every file below a folder: its path with slashes, and its text.
fn present(folder: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![String::new()];
    while let Some(prefix) = folders.pop() {
        let entries = match fs::read_dir(folder.join(&prefix)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push(path + "/");
            } else {
                let bytes = fs::read(entry.path())?;
                files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn page(name: &str, text: &str) -> Page {
        Page {
            kind: Kind::Guide,
            path: format!("guides/{name}.md"),
            text: format!("---\n{GENERATED}\n---\n{text}\n"),
        }
    }

    #[test]
    fn what_was_written_is_not_stale_until_something_changes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut pages = vec![page("a", "one"), page("b", "two")];
        assert_eq!(
            stale(&pages, folder).unwrap(),
            ["guides/a.md is missing", "guides/b.md is missing"]
        );
        assert_eq!(write(&pages, folder).unwrap().len(), 2);
        assert_eq!(stale(&pages, folder).unwrap(), Vec::<String>::new());
        assert_eq!(write(&pages, folder).unwrap(), Vec::<String>::new());

        pages[1] = page("c", "three");
        pages[0] = page("a", "changed");
        assert_eq!(
            stale(&pages, folder).unwrap(),
            [
                "guides/a.md differs",
                "guides/b.md is not known",
                "guides/c.md is missing"
            ]
        );
        let changed = write(&pages, folder).unwrap();
        assert_eq!(changed, ["guides/a.md", "guides/b.md", "guides/c.md"]);
        assert_eq!(stale(&pages, folder).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_file_of_somebody_else_is_neither_overwritten_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::create_dir(folder.join("guides")).unwrap();
        fs::write(folder.join("guides/a.md"), "mine").unwrap();
        fs::write(folder.join("notes.md"), "mine").unwrap();
        assert!(write(&[page("a", "x")], folder).is_err());
        assert_eq!(write(&[page("b", "x")], folder).unwrap(), ["guides/b.md"]);
        for file in ["guides/a.md", "notes.md"] {
            assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), "mine");
        }
        let stale = stale(&[page("b", "x")], folder).unwrap();
        assert_eq!(stale, ["guides/a.md is not known", "notes.md is not known"]);
    }
}
