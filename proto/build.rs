//! Compiles the protobuf files with protox, so that no protoc has to be installed.

use std::{env, fs, path::PathBuf};

use anyhow::Context;

const FILES: [&str; 7] = [
    "leads/v1/contacts.proto",
    "leads/v1/leads.proto",
    "leads/v1/workspaces.proto",
    "leads/v1/members.proto",
    "leads/v1/integrations.proto",
    "leads/v1/privacy.proto",
    "leads/connector/v1/connector.proto",
];

/// Messages with a secret in them: their Debug is written by hand in `src/redact.rs`.
const SECRET_HOLDERS: [&str; 10] = [
    ".leads.v1.CreateWorkspaceResponse",
    ".leads.v1.CreateApiKeyResponse",
    ".leads.v1.RotateApiKeyResponse",
    ".leads.v1.HubspotCredentials",
    ".leads.v1.SalesforceClientCredentials",
    ".leads.v1.SalesforceRefreshToken",
    ".leads.v1.SalesforceJwtBearer",
    ".leads.connector.v1.HubspotSecret",
    ".leads.connector.v1.SalesforceSecret",
    ".leads.connector.v1.PutConnectionTokenRequest",
];

fn main() -> anyhow::Result<()> {
    for folder in ["leads", "google"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    let mut compiler = protox::Compiler::new(["."])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(FILES)?;

    let out = PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR is not set")?);
    // The encoded set keeps the google.api.http options, which the typed one drops.
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .skip_debug(SECRET_HOLDERS)
        // Ordered, so that equal messages have equal bytes: request ids are bound to them.
        .btree_map(".")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
