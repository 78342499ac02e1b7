//! `make docs`: writes the pages into `docs/` of the repository in which it
//! runs, or says with `--check` which of them are stale.

use std::env;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use documentation::{Files, folder, pages};
use sapcalm::provider::SapCalm;

fn main() -> ExitCode {
    let check = env::args()
        .nth(1)
        .is_some_and(|argument| argument == "--check");
    let repository = Path::new(".");
    let docs = repository.join("docs");
    let outcome = Files::read(repository).and_then(|files| {
        let pages = pages(&SapCalm, &files);
        if check {
            folder::stale(&pages, &docs)
        } else {
            folder::write(&pages, &docs)
        }
    });
    let mut stderr = io::stderr();
    match outcome {
        Ok(paths) => {
            for path in &paths {
                let _ = writeln!(stderr, "docs/{path}");
            }
            if check && !paths.is_empty() {
                let _ = writeln!(stderr, "run `make docs` and commit what it changes");
                return ExitCode::FAILURE;
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(stderr, "documentation: {error}");
            ExitCode::FAILURE
        }
    }
}
