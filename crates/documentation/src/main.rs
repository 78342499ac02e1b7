//! `make docs`: writes the pages into `docs/` of the repository in which it runs.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use documentation::{Files, folder, pages};
use sapcalm::provider::SapCalm;

fn main() -> ExitCode {
    let repository = Path::new(".");
    let written = Files::read(repository)
        .and_then(|files| folder::write(&pages(&SapCalm, &files), &repository.join("docs")));
    let mut stderr = io::stderr();
    match written {
        Ok(paths) => {
            for path in &paths {
                let _ = writeln!(stderr, "docs/{path}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(stderr, "documentation: {error}");
            ExitCode::FAILURE
        }
    }
}
