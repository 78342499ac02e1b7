//! Generates the gRPC code of the framework and of the stand-in for Terraform
//! core, for each its own, from the files in `proto/`.
//!
//! No `protoc` is needed: protox compiles the files, prost and tonic generate.

use std::{env, error::Error, fs, path::PathBuf};

use tonic_prost_build::FileDescriptorSet;

const FILES: [&str; 5] = [
    "tfplugin6.proto",
    "go_plugin/grpc_broker.proto",
    "go_plugin/grpc_controller.proto",
    "go_plugin/grpc_stdio.proto",
    "health.proto",
];

/// For enums, which hold no values.
const DEBUG: &str = "#[derive(Debug)]";

fn main() -> Result<(), Box<dyn Error>> {
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

fn encode(files: &FileDescriptorSet) -> Result<Vec<u8>, Box<dyn Error>> {
    use protox::prost::Message as _;
    let mut bytes = Vec::with_capacity(files.encoded_len());
    files.encode(&mut bytes)?;
    Ok(bytes)
}
