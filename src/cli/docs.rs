//! The documentation on the command line: a page offline, for people and for
//! programs that read along, and the folder `docs` for the repository.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::{complain, fail, print};
use crate::docs::{self, Page, files::FILES, folder};
use crate::provider::SapCalm;

/// The folder of the Registry's documentation, in the working directory.
const FOLDER: &str = "docs";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What the page is about, such as `sapcalm_destination`, or the page
    /// itself, such as `resources/destination`. Without it all pages are listed
    name: Option<String>,
    /// Fail when the folder `docs` is not what it would be now
    #[arg(long, conflicts_with = "name")]
    check: bool,
    /// Write all pages into the folder `docs`
    #[arg(long, conflicts_with_all = ["name", "check"])]
    write: bool,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let pages = docs::pages(&SapCalm, FILES);
    match &arguments.name {
        Some(name) => show(&pages, name),
        None if arguments.check => check(&pages),
        None if arguments.write => write(&pages),
        None => list(&pages),
    }
}

fn list(pages: &[Page]) -> ExitCode {
    let names = pages.iter().map(name);
    let width = names.clone().map(str::len).max().unwrap_or_default();
    let lines: Vec<_> = names
        .zip(pages)
        .map(|(name, page)| format!("{name:width$}  {}\n", page.title))
        .collect();
    print(&lines.concat())
}

/// What is asked for to get exactly this page.
fn name(page: &Page) -> &str {
    page.path.strip_suffix(".md").unwrap_or(&page.path)
}

fn show(pages: &[Page], name: &str) -> ExitCode {
    let found: Vec<_> = docs::find(pages, name)
        .iter()
        .map(|page| page.text.as_str())
        .collect();
    if found.is_empty() {
        return fail(&format!(
            "there is no page about `{name}`. `terraform-provider-sapcalm docs` lists all pages."
        ));
    }
    print(&found.join("\n"))
}

fn check(pages: &[Page]) -> ExitCode {
    match folder::stale(pages, Path::new(FOLDER)) {
        Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
        Ok(stale) => {
            for sentence in &stale {
                complain(&format!("{FOLDER}/{sentence}\n"));
            }
            fail(&"the documentation is stale. Run `make docs` and commit what it changes.")
        }
        Err(error) => fail(&format!("cannot read `{FOLDER}`: {error}")),
    }
}

fn write(pages: &[Page]) -> ExitCode {
    match folder::write(pages, Path::new(FOLDER)) {
        Ok(changed) => {
            let lines: Vec<_> = changed
                .iter()
                .map(|path| format!("{FOLDER}/{path}\n"))
                .collect();
            print(&lines.concat())
        }
        Err(error) => fail(&format!("cannot write `{FOLDER}`: {error}")),
    }
}
