//! The generated pages of docs/reference are those of the code. `UPDATE_REFERENCE=1 cargo test -p leads-svc --test
//! reference` writes them anew.
#![expect(clippy::unwrap_used, reason = "a test: what it cannot read is a failure")]

use std::{env, fmt::Write, fs, path::Path};

use leads_proto::reason::Reason;

#[test]
fn errors_page_lists_every_reason() {
    let mut page = String::from(
        "# Errors\n\n\
         Every answer that is not a success names one reason of this list: in gRPC in the `google.rpc.ErrorInfo` of the\n\
         status details (domain `leads.v1`), in REST in the member `reason` of an `application/problem+json` body. Texts may\n\
         change between releases, reasons may not. Where fields are at fault, all of them are listed (`google.rpc.BadRequest`,\n\
         `field_errors`). Where a repeat makes sense, the delay is given (`google.rpc.RetryInfo`, `Retry-After`).\n\n\
         Generated from `proto/src/reason.rs`.\n\n\
         | reason | gRPC | HTTP | what it means, and what to do |\n\
         | --- | --- | --- | --- |\n",
    );
    for reason in Reason::ALL {
        writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            reason.name(),
            screaming(&format!("{:?}", reason.grpc_code())),
            reason.http_status().as_u16(),
            reason.description().replace('|', "\\|"),
        )
        .unwrap();
    }
    compare("errors.md", &page);
}

#[test]
fn config_page_lists_every_key() {
    let mut page = String::from(
        "# Settings\n\n\
         A process takes its defaults from the file that is built into it, then what a TOML file overrides (`--config FILE`, or\n\
         the variable named below), then the environment. Unknown keys are refused, all problems are told at once, and\n\
         `check-config` prints the effective values with secrets hidden. A key that ends in `_file` names a file whose content\n\
         becomes the key without `_file`.\n\n\
         Generated from the `config.toml` of each process.\n",
    );
    for (process, defaults) in [
        ("leads-svc", include_str!("../config.toml")),
        ("crm-hubspot", include_str!("../../crm-hubspot/config.toml")),
        ("crm-salesforce", include_str!("../../crm-salesforce/config.toml")),
    ] {
        let variable = process.to_uppercase().replace('-', "_");
        writeln!(page, "\n## {process}\n\nFile: `{variable}_CONFIG`.").unwrap();
        page.push_str(&keys(defaults, &variable));
    }
    compare("config.md", &page);
}

/// A table per section of a commented TOML file. A key without a comment belongs to the comment above it.
fn keys(defaults: &str, variable: &str) -> String {
    let (mut page, mut section, mut words) = (String::new(), String::new(), String::new());
    let mut is_read = true;
    for line in defaults.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            if is_read {
                words.clear();
            }
            is_read = false;
            words.push_str(comment);
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            let purpose = if is_read { "" } else { words.trim() };
            writeln!(
                page,
                "\n### `[{section}]`\n\n{purpose}\n\n| key | default | variable | |\n| --- | --- | --- | --- |"
            )
            .unwrap();
            (is_read, words) = (true, String::new());
        } else if let Some((key, value)) = line.split_once(" = ") {
            is_read = true;
            let words = match key.strip_suffix("_file") {
                Some(whole) if words.is_empty() || value == "\"\"" => format!("A file that holds `{whole}`."),
                _ => words.trim().to_owned(),
            };
            let name = format!("{section}__{key}").to_uppercase();
            writeln!(
                page,
                "| `{key}` | `{value}` | `{variable}__{name}` | {} |",
                words.replace('|', "\\|")
            )
            .unwrap();
        } else if !is_read {
            // A comment on its own is the file's.
            (is_read, words) = (true, String::new());
        }
    }
    page.replace("\n\n\n", "\n")
}

/// `InvalidArgument` as the wire's documents spell it.
fn screaming(name: &str) -> String {
    let mut spelled = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !spelled.is_empty() {
            spelled.push('_');
        }
        spelled.extend(letter.to_uppercase());
    }
    spelled
}

fn compare(file: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/reference")
        .join(file);
    if env::var_os("UPDATE_REFERENCE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/{file} is stale: UPDATE_REFERENCE=1 cargo test -p leads-svc --test reference"
    );
}
