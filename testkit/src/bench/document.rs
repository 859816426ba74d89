//! `docs/benchmarks.md`: each benchmark replaces its own section and leaves the others.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use super::report::Section;

const HEAD: &str = "# Benchmarks

`./bench all` measures everything and rewrites this page; `./bench NAME` one section of it. It needs what `./test` \
needs, builds the release binaries, and runs the real processes: leads-svc, crm-hubspot, Redis, SQLite or Postgres \
(fsync on), and the HubSpot simulator with the limits of a Professional account. Clients and servers share the machine.

Each quantity alternates with its baseline in the same run of the program; tables show `median (smallest–largest)` of \
the runs, and ratios are taken run by run. Compare ratios, not rates: machines differ, and the load of this one is \
noted with every table.
";

/// Puts a section in its place.
pub fn replace(section: &Section) -> Result<()> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    let old = fs::read_to_string(&path).unwrap_or_default();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, with_section(&old, section.name, &section.to_string()))
        .with_context(|| format!("write {}", path.display()))
}

fn with_section(old: &str, name: &str, text: &str) -> String {
    let [open, close] = [format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n")];
    let section = format!("{open}{text}{close}");
    let old = if old.is_empty() { HEAD } else { old };
    match (old.split_once(&open), old.split_once(&close)) {
        (Some((before, _)), Some((_, after))) => format!("{before}{section}{after}"),
        _ => format!("{old}\n{section}"),
    }
}

#[cfg(test)]
mod tests {
    use super::with_section;

    #[test]
    fn a_section_is_replaced_and_its_neighbours_stay() {
        let page = with_section("# Head\n", "a", "one\n");
        let page = with_section(&page, "b", "two\n");
        let page = with_section(&page, "a", "three\n");
        assert_eq!(
            page,
            "# Head\n\n<!-- a -->\nthree\n<!-- end of a -->\n\n<!-- b -->\ntwo\n<!-- end of b -->\n"
        );
    }
}
