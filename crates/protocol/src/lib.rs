//! The code of the wire interface, for the framework and for the stand-in for
//! Terraform core: written from the files in `proto/` into `proto/code/`, and
//! committed there, so that no build has to do it.
//!
//! No `protoc` is needed: protox compiles the files, prost and tonic write the
//! code.

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

/// The folder of the files.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto")
}

/// The interface, as the files describe it.
///
/// # Errors
///
/// Where a file is missing or wrong.
pub fn interface() -> Result<FileDescriptorSet, Box<dyn Error>> {
    Ok(protox::compile(FILES, [folder()])?)
}

/// Writes the code into a folder, a file for each package.
///
/// # Errors
///
/// Where the files are wrong, or the folder cannot be written.
pub fn write_code(into: &Path) -> Result<(), Box<dyn Error>> {
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
