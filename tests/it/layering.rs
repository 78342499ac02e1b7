//! The layers of `lib.rs` stay apart: which module may name which.

use std::fs;
use std::path::{Path, PathBuf};

/// A layer, and the layers whose names may stand in its files.
const LAYERS: [(&str, &[&str]); 8] = [
    ("plugin", &["plugin", "proto"]),
    ("framework", &["framework", "proto"]),
    ("client", &["client"]),
    ("emulator", &["emulator"]),
    ("provider", &["provider", "framework", "client"]),
    ("proto", &["proto"]),
    ("docs", &["docs", "framework"]),
    (
        "cli",
        &["cli", "docs", "plugin", "framework", "provider", "proto"],
    ),
];

#[test]
fn layers_name_only_the_layers_below_them() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut files = 0;
    for (layer, allowed) in LAYERS {
        for file in rust_files(&source, layer) {
            files += 1;
            let text = fs::read_to_string(&file).unwrap();
            for named in named_layers(&text) {
                if !allowed.contains(&named.as_str()) {
                    wrong.push(format!("{} names crate::{named}", file.display()));
                }
            }
        }
    }
    assert!(files > 20, "the test found only {files} files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_server_of_the_framework_sees_the_wire_types() {
    let framework = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/framework");
    for file in rust_files(&framework, ".") {
        if file.starts_with(framework.join("server")) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            !named_layers(&text).contains(&"proto".to_owned()),
            "{}",
            file.display()
        );
    }
}

/// `layer.rs` and every Rust file below the folder `layer`.
fn rust_files(base: &Path, layer: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let single = base.join(format!("{layer}.rs"));
    if single.is_file() {
        files.push(single);
    }
    let mut folders = vec![base.join(layer)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// Every `name` of `crate::name` in code, doc links of comments aside, with
/// `use crate::{a, b}` taken apart.
fn named_layers(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        for (position, _) in line.match_indices("crate::") {
            let rest = &line[position + "crate::".len()..];
            let group = rest
                .strip_prefix('{')
                .map_or(vec![rest], |group| group.split(',').collect());
            for part in group {
                let name: String = part
                    .trim()
                    .chars()
                    .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
                    .collect();
                if !name.is_empty() {
                    names.push(name);
                }
            }
        }
    }
    names
}
