//! `make protocol`: writes the code of the wire interface, for the framework and for
//! the stand-in for Terraform core, from the files in `proto/` into `proto/code/`.
//! It is committed there, so that no build has to do it, and `make lint` compares.
//!
//! No `protoc` is needed: protox compiles the files, prost and tonic write the
//! code. What they need is compiled with the feature `generate` alone.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::path::{Path, PathBuf};

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
    write_code(&folder().join("code"))
}

/// The folder of the files.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto")
}

/// The interface, as the files describe it.
fn interface() -> Result<FileDescriptorSet, Box<dyn Error>> {
    Ok(protox::compile(FILES, [folder()])?)
}

/// Writes the code into a folder, a file for each package.
fn write_code(into: &Path) -> Result<(), Box<dyn Error>> {
    tonic_prost_build::configure()
        .out_dir(into)
        // Who calls brings a channel of his own.
        .build_transport(false)
        // Terraform's messages hold secrets: none of them can be printed.
        .skip_debug([".tfplugin6"])
        .enum_attribute(".tfplugin6.Deferred.Reason", DEBUG)
        .enum_attribute(".tfplugin6.Diagnostic.Severity", DEBUG)
        .enum_attribute(".tfplugin6.Schema.NestedBlock.NestingMode", DEBUG)
        .enum_attribute(".tfplugin6.Schema.Object.NestingMode", DEBUG)
        .enum_attribute(".tfplugin6.StringKind", DEBUG)
        .compile_fds(interface()?)?;
    Ok(())
}
