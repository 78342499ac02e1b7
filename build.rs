//! Of the framework and of the stand-in for Terraform core: generates the gRPC
//! code from the files in `proto/`, for each its own.
//! Of the provider: collects the files that the documentation is made of.
//!
//! No `protoc` is needed: protox compiles the files, prost and tonic generate.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use tonic_prost_build::FileDescriptorSet;

const FILES: [&str; 5] = [
    "tfplugin6.proto",
    "go_plugin/grpc_broker.proto",
    "go_plugin/grpc_controller.proto",
    "go_plugin/grpc_stdio.proto",
    "health.proto",
];

/// Folders of the documentation: examples by kind, and what is written by hand.
const DOCUMENTATION: [&str; 8] = [
    "examples/actions",
    "examples/data-sources",
    "examples/ephemeral-resources",
    "examples/functions",
    "examples/list-resources",
    "examples/provider",
    "examples/resources",
    "templates",
];

/// For enums, which hold no values.
const DEBUG: &str = "#[derive(Debug)]";

fn main() -> Result<(), Box<dyn Error>> {
    match env::var("CARGO_PKG_NAME")?.as_str() {
        "framework" | "terraform-stand-in" => generate(),
        _ => collect_documentation(),
    }
}

fn generate() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../..");
    let folder = root.join("proto");
    println!("cargo:rerun-if-changed={}", folder.display());
    let files = protox::compile(FILES, [folder])?;
    // Read by the test that compares our files with the interface.
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin"),
        encode(&files)?,
    )?;
    tonic_prost_build::configure()
        // Who calls brings a channel of his own.
        .build_transport(false)
        // Terraform's messages hold secrets: none of them can be printed.
        .skip_debug([".tfplugin6"])
        .enum_attribute(".tfplugin6.Deferred.Reason", DEBUG)
        .enum_attribute(".tfplugin6.Diagnostic.Severity", DEBUG)
        .enum_attribute(".tfplugin6.Schema.NestedBlock.NestingMode", DEBUG)
        .enum_attribute(".tfplugin6.Schema.Object.NestingMode", DEBUG)
        .enum_attribute(".tfplugin6.StringKind", DEBUG)
        .compile_fds(files)?;
    Ok(())
}

/// Writes the slice of path and text that `src/docs/files.rs` includes.
fn collect_documentation() -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    for folder in DOCUMENTATION {
        // A folder that is missing would make every build run this again.
        if Path::new(folder).is_dir() {
            println!("cargo:rerun-if-changed={folder}");
            collect(folder, &mut files)?;
        }
    }
    files.sort();
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let mut code = String::from("&[\n");
    for file in files {
        let absolute = format!("{root}/{file}");
        writeln!(code, "({file:?}, include_str!({absolute:?})),")?;
    }
    code.push_str("]\n");
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("documentation.rs"),
        code,
    )?;
    Ok(())
}

/// The files below a folder, by their path with slashes.
fn collect(folder: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&path, files)?;
        } else if [".tf", ".hcl", ".sh", ".md"]
            .iter()
            .any(|extension| path.ends_with(extension))
        {
            files.push(path);
        }
    }
    Ok(())
}

fn encode(files: &FileDescriptorSet) -> Result<Vec<u8>, Box<dyn Error>> {
    use protox::prost::Message as _;
    let mut bytes = Vec::with_capacity(files.encoded_len());
    files.encode(&mut bytes)?;
    Ok(bytes)
}
