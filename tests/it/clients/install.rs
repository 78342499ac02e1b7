//! The release archive, installed as people install it: made by the scripts
//! behind `make dist`, found in a filesystem mirror by `terraform init`, locked,
//! and applied.
//!
//! The binary in it is the debug one, so that the test stays quick; the
//! archive, its name and its checksums are the release's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::cli::HOSTS;
use crate::support::counts::skip_or_fail;
use crate::support::workspace::Workspace;
use crate::support::world::World;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const BINARY: &str = env!("CARGO_BIN_EXE_terraform-provider-sapcalm");
/// Packed where nothing is going to run it, because it is small.
const STAND_IN: &str = "Cargo.toml";

/// Runs a script of `release/` and returns what it prints.
fn script(name: &str, arguments: &[&str]) -> String {
    let output = Command::new("sh")
        .arg(format!("release/{name}"))
        .args(arguments)
        .env("SOURCE_DATE_EPOCH", "1760000000")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn there_is_zip() -> bool {
    let found = Command::new("zip").arg("-v").output().is_ok();
    if !found {
        skip_or_fail("no `zip` on the PATH");
    }
    found
}

/// The platform of this machine in the Registry's words, such as `linux`, `amd64`.
fn platform() -> (String, String) {
    let printed = script("platform.sh", &[]);
    let (os, arch) = printed.split_once(' ').unwrap();
    (os.to_owned(), arch.to_owned())
}

/// The archive of a binary for this machine, in `folder`.
fn archive(binary: &str, folder: &Path) -> PathBuf {
    let (os, arch) = platform();
    let folder = folder.to_str().unwrap();
    script("archive.sh", &[binary, VERSION, &os, &arch, folder]).into()
}

/// Lets a workspace install the archive of a binary from a mirror, and nothing
/// from anywhere else.
fn use_mirror(workspace: &Workspace, binary: &str) {
    let mirror = workspace.path().join("mirror");
    let made = archive(binary, workspace.path());
    for host in HOSTS {
        let folder = mirror.join(host).join("sapcalm/sapcalm");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(&made, folder.join(made.file_name().unwrap())).unwrap();
    }
    let configuration = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n"
    );
    fs::write(workspace.path().join("cli.tfrc"), configuration).unwrap();
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// Terraform's `h1:` checksum of an unpacked package: Go's `dirhash`, the sum
/// of the lines of sums and names, in the order of the names.
fn h1(package: &Path) -> String {
    let mut names: Vec<String> = fs::read_dir(package)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let lines: Vec<String> = names
        .iter()
        .map(|name| {
            let content = fs::read(package.join(name)).unwrap();
            format!("{}  {name}\n", hex(&sha256(&content)))
        })
        .collect();
    format!("h1:{}", STANDARD.encode(sha256(lines.concat().as_bytes())))
}

#[test]
fn the_archive_is_named_and_summed_as_the_registry_wants_it() {
    if !there_is_zip() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (os, arch) = platform();
    let archive = archive(STAND_IN, folder.path());
    // The Registry refuses sums that name other files.
    fs::write(folder.path().join(sbom_name()), "{}").unwrap();
    let sums = PathBuf::from(script(
        "checksums.sh",
        &[VERSION, folder.path().to_str().unwrap()],
    ));
    let base = format!("terraform-provider-sapcalm_{VERSION}");
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(name(&archive), format!("{base}_{os}_{arch}.zip"));
    assert_eq!(name(&sums), format!("{base}_SHA256SUMS"));

    let lines = fs::read_to_string(sums).unwrap();
    let expected = [
        format!("{base}_{os}_{arch}.zip"),
        format!("{base}_manifest.json"),
    ]
    .map(|name| {
        let content = fs::read(folder.path().join(&name)).unwrap();
        format!("{}  {name}\n", hex(&sha256(&content)))
    });
    assert_eq!(lines, expected.concat());

    let manifest = fs::read(folder.path().join(format!("{base}_manifest.json"))).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(
        manifest,
        json!({ "version": 1, "metadata": { "protocol_versions": ["6.0"] } })
    );
}

fn sbom_name() -> String {
    let (os, arch) = platform();
    format!("terraform-provider-sapcalm_{VERSION}_{os}_{arch}_sbom.cdx.json")
}

/// A release of this machine's archive, signed with a key of the rehearsal.
struct Release {
    _scratch: tempfile::TempDir,
    signed: PathBuf,
}

impl Release {
    /// Nothing without the tools that the check needs.
    fn rehearsed() -> Option<Self> {
        for tool in ["zip", "unzip", "gpg", "jq"] {
            if Command::new(tool).arg("--help").output().is_err() {
                skip_or_fail(&format!("no `{tool}` on the PATH"));
                return None;
            }
        }
        let scratch = tempfile::tempdir().unwrap();
        let (dist, signed) = (scratch.path().join("dist"), scratch.path().join("signed"));
        archive(STAND_IN, &dist);
        fs::write(dist.join(sbom_name()), "{}").unwrap();
        let folders = [&dist, &signed].map(|folder| folder.to_str().unwrap());
        let printed = script("rehearse.sh", &folders);
        assert!(printed.contains("The Registry's rules hold"), "{printed}");
        Some(Self {
            _scratch: scratch,
            signed,
        })
    }

    fn file(&self, rest: &str) -> PathBuf {
        self.signed
            .join(format!("terraform-provider-sapcalm_{VERSION}_{rest}"))
    }

    fn archive(&self) -> PathBuf {
        let (os, arch) = platform();
        self.file(&format!("{os}_{arch}.zip"))
    }

    /// What `release/check.sh` finds wrong.
    fn wrong(&self) -> Vec<String> {
        let output = Command::new("sh")
            .arg("release/check.sh")
            .arg(&self.signed)
            .arg(VERSION)
            .arg(self.signed.with_extension("asc"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let wrong = text.lines().filter_map(|line| line.strip_prefix("wrong: "));
        let wrong: Vec<String> = wrong.map(str::to_owned).collect();
        assert_eq!(output.status.success(), wrong.is_empty(), "{text}");
        wrong
    }
}

/// `make release-check`: what the Registry would refuse without a word.
#[test]
fn a_release_that_the_registry_would_refuse_is_found_before_it_is_published() {
    let Some(release) = Release::rehearsed() else {
        return;
    };
    assert!(release.wrong().is_empty());
    let spoilt = |spoil: &dyn Fn(), expected: &str| {
        let backup = tempfile::tempdir().unwrap();
        let kept = || {
            fs::read_dir(&release.signed)
                .unwrap()
                .map(|file| file.unwrap().path())
        };
        for file in kept() {
            fs::copy(&file, backup.path().join(file.file_name().unwrap())).unwrap();
        }
        spoil();
        let wrong = release.wrong();
        assert!(
            wrong.iter().any(|line| line.contains(expected)),
            "{expected}: {wrong:?}"
        );
        for file in kept() {
            fs::remove_file(file).unwrap();
        }
        for file in fs::read_dir(backup.path()).unwrap() {
            let file = file.unwrap().path();
            fs::copy(&file, release.signed.join(file.file_name().unwrap())).unwrap();
        }
        assert!(release.wrong().is_empty());
    };
    let (sums, archive) = (release.file("SHA256SUMS"), release.archive());
    spoilt(
        &|| {
            let more = format!("{}  {}\n", hex(&sha256(b"{}")), sbom_name());
            let text = fs::read_to_string(&sums).unwrap() + &more;
            fs::write(&sums, text).unwrap();
        },
        "only archives and the manifest may be",
    );
    spoilt(
        &|| fs::remove_file(release.file("manifest.json")).unwrap(),
        "manifest.json is missing",
    );
    spoilt(
        &|| fs::write(release.file("manifest.json"), "{\"version\": 1}").unwrap(),
        "metadata.protocol_versions",
    );
    spoilt(
        &|| fs::rename(&archive, release.file("Linux-x64.zip")).unwrap(),
        "is not named",
    );
    spoilt(
        &|| fs::write(&archive, "no archive").unwrap(),
        "has no terraform-provider-sapcalm_v",
    );
    spoilt(
        &|| fs::write(release.file("SHA256SUMS.sig"), "nobody's").unwrap(),
        "is no signature",
    );
    spoilt(
        &|| fs::remove_file(release.file("SHA256SUMS.sig")).unwrap(),
        "SHA256SUMS.sig is missing",
    );
}

/// The Registry takes nothing but the provider.
#[test]
fn the_emulator_has_an_archive_and_sums_of_its_own() {
    if !there_is_zip() {
        return;
    }
    if Command::new("jq").arg("--version").output().is_err() {
        skip_or_fail("no `jq` on the PATH");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let (os, arch) = platform();
    archive(STAND_IN, folder.path());
    let made = script("emulator.sh", &[STAND_IN, VERSION, &os, &arch, path]);
    let name = format!("sapcalm-emulator_{VERSION}_{os}_{arch}.zip");
    assert_eq!(Path::new(&made).file_name().unwrap(), &*name);
    let listed = Command::new("zip").args(["-sf", &made]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for file in [
        "sapcalm-emulator",
        "LICENSE",
        "README.md",
        "THIRD_PARTY_LICENSES",
    ] {
        assert!(listed.contains(file), "{listed}");
    }
    let provider = script("checksums.sh", &[VERSION, path]);
    assert!(!fs::read_to_string(provider).unwrap().contains("emulator"));
    let sums = folder
        .path()
        .join(format!("sapcalm-emulator_{VERSION}_SHA256SUMS"));
    let sum = hex(&sha256(&fs::read(&made).unwrap()));
    assert_eq!(
        fs::read_to_string(sums).unwrap(),
        format!("{sum}  {name}\n")
    );
}

#[test]
fn the_same_binary_gives_the_same_archive() {
    if !there_is_zip() {
        return;
    }
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archives =
        [one.path(), other.path()].map(|folder| fs::read(archive(STAND_IN, folder)).unwrap());
    assert!(
        archives[0] == archives[1],
        "two archives of one binary differ"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_installs_the_archive_from_a_mirror_locks_it_and_applies() {
    if !there_is_zip() {
        return;
    }
    let Some(workspace) = Workspace::new_or_skip() else {
        return;
    };
    use_mirror(&workspace, BINARY);
    let world = World::documented().await;
    let resources = json!({
        "sapcalm_destination": { "cloud_alm": {} },
        "sapcalm_registration": {
            "order_management": world.registration("${sapcalm_destination.cloud_alm.name}"),
        },
    });
    workspace.write_json(&world.provider(), &resources);
    workspace.run(&["init"]).await.ok();

    let (os, arch) = platform();
    let package = HOSTS
        .iter()
        .map(|host| {
            workspace
                .path()
                .join(".terraform/providers")
                .join(host)
                .join("sapcalm/sapcalm")
                .join(VERSION)
                .join(format!("{os}_{arch}"))
        })
        .find(|package| package.is_dir())
        .expect("nothing was installed");
    let lock = fs::read_to_string(workspace.path().join(".terraform.lock.hcl")).unwrap();
    assert!(lock.contains(&format!("version = \"{VERSION}\"")), "{lock}");
    assert!(
        lock.contains(&h1(&package)),
        "{} is not in\n{lock}",
        h1(&package)
    );
    let files = [
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "THIRD_PARTY_LICENSES",
    ];
    for file in files {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let (installed, source) = (fs::read(package.join(file)), fs::read(source));
        assert_eq!(installed.unwrap(), source.unwrap(), "{file}");
    }
    assert_eq!(fs::read_dir(&package).unwrap().count(), files.len() + 1);

    // With the lock file in place the same archive is accepted again.
    workspace.run(&["init", "-lockfile=readonly"]).await.ok();
    workspace.converges().await;
    assert!(world.is_registered().await);
    workspace.destroy().await;
    assert!(!world.is_registered().await);
    world.stop().await;
}

/// A release that is changed after it was locked is not run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cli_refuses_an_archive_that_is_not_the_locked_one() {
    if !there_is_zip() {
        return;
    }
    let Some(workspace) = Workspace::new_or_skip() else {
        return;
    };
    use_mirror(&workspace, STAND_IN);
    workspace.write_json(
        &json!({}),
        &json!({ "sapcalm_destination": { "cloud_alm": {} } }),
    );
    let wrong = format!("h1:{}", STANDARD.encode(sha256(b"another archive")));
    let locked = HOSTS.map(|host| {
        format!(
            "provider \"{host}/sapcalm/sapcalm\" {{\n  version = \"{VERSION}\"\n  hashes = [\n    \"{wrong}\",\n  ]\n}}\n"
        )
    });
    fs::write(
        workspace.path().join(".terraform.lock.hcl"),
        locked.concat(),
    )
    .unwrap();
    let output = workspace.run(&["init"]).await;
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("checksum"), "{output}");
}
