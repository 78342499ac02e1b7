//! The example `minimal`, a whole provider, with the real Terraform or `OpenTofu`.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is wrong"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The example, which is built with the tests: by `cargo test`, and by `make test`.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test.ancestors().nth(2).unwrap().join("examples/minimal");
    assert!(
        example.is_file(),
        "{} is missing. Build it as the tests are built: cargo build --workspace --tests --example minimal",
        example.display()
    );
    example
}

/// A folder with a configuration, the provider, and a Terraform that uses it.
struct Workspace(tempfile::TempDir);

impl Workspace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("terraform-provider-acme");
        fs::copy(example(), program).unwrap();
        let settings = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"example.com/acme/acme\" = \"{}\"\n  }}\n}}\n",
            folder.path().display()
        );
        fs::write(folder.path().join("terraformrc"), settings).unwrap();
        Self(folder)
    }

    fn note(&self) -> PathBuf {
        self.0.path().join("note.txt")
    }

    fn configure(&self, path: &Path, text: &str) {
        let configuration = format!(
            r#"terraform {{
  required_providers {{
    acme = {{ source = "example.com/acme/acme" }}
  }}
}}

resource "acme_note" "one" {{
  path = "{}"
  text = "{text}"
}}
"#,
            path.display()
        );
        fs::write(self.0.path().join("main.tf"), configuration).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let cli = std::env::var("TF_CLI").ok().filter(|cli| !cli.is_empty());
        Command::new(cli.as_deref().unwrap_or("terraform"))
            .args(arguments)
            .current_dir(&self.0)
            .env("TF_CLI_CONFIG_FILE", self.0.path().join("terraformrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .output()
            .unwrap()
    }

    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }

    #[track_caller]
    fn applies(&self, expected: &str) {
        self.succeeds(&["apply", "-auto-approve", "-no-color"]);
        assert_eq!(fs::read_to_string(self.note()).unwrap(), expected);
        // Nothing is left to do.
        self.succeeds(&["plan", "-detailed-exitcode", "-no-color"]);
    }
}

#[test]
fn a_minimal_provider_lives_from_create_over_import_to_destroy() {
    let terraform = Workspace::new();
    let note = terraform.note();
    terraform.configure(&note, "one");
    terraform.applies("one");
    terraform.configure(&note, "two");
    terraform.applies("two");

    fs::write(&note, "drift").unwrap();
    let drifted = terraform.run(&["plan", "-detailed-exitcode", "-no-color"]);
    assert_eq!(drifted.status.code(), Some(2));
    terraform.applies("two");

    let address = "acme_note.one";
    terraform.succeeds(&["state", "rm", address]);
    terraform.succeeds(&["import", "-no-color", address, note.to_str().unwrap()]);
    terraform.succeeds(&["plan", "-detailed-exitcode", "-no-color"]);

    let other = terraform.0.path().join("other.txt");
    terraform.configure(&other, "two");
    terraform.succeeds(&["apply", "-auto-approve", "-no-color"]);
    assert!(!note.exists() && other.exists());
    terraform.succeeds(&["destroy", "-auto-approve", "-no-color"]);
    assert!(!other.exists());
}
