//! The rules of CONTRIBUTING.md that the compiler does not hold: who may name whom, which crate may use which
//! dependency, how files are named and how long they are.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test: what it cannot read is a failure"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// Modules of leads-svc: the modules and the crates of ours that each may name.
const MODULES: [(&str, &[&str], &[&str]); 9] = [
    ("domain", &[], &[]),
    ("qualify", &["domain"], &[]),
    ("scoring", &["domain", "qualify"], &[]),
    ("storage", &["domain"], &["leads_runtime", "leads_migration"]),
    ("dispatch", &["domain", "storage"], &["leads_runtime"]),
    (
        "service",
        &["domain", "qualify", "scoring", "storage"],
        &["leads_proto", "leads_runtime"],
    ),
    ("grpc", &["domain", "service"], &["leads_proto", "leads_runtime"]),
    ("http", &["domain", "service"], &["leads_proto", "leads_runtime"]),
    ("jobs", &["domain", "service"], &["leads_runtime"]),
];
/// They put the process together and may name everything.
const COMPOSITION: [&str; 5] = ["app", "cli", "config", "lib", "main"];
const OUR_CRATES: [&str; 6] = [
    "leads_migration",
    "leads_proto",
    "leads_runtime",
    "leads_testkit",
    "crm_hubspot",
    "crm_salesforce",
];
/// Modules without I/O and without clocks: the time is an argument.
const PURE: [&str; 3] = ["domain", "qualify", "scoring"];
/// What a pure module must not hold.
const IMPURE: [&str; 9] = [
    "async fn",
    "tokio::",
    "std::fs",
    "std::net",
    "std::env",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];
/// Outside crates that only some modules of leads-svc may name.
const RESERVED_IN_SERVICE: [(&str, &[&str]); 5] = [
    ("sea_orm", &["storage"]),
    ("sea_orm_migration", &["storage"]),
    ("openidconnect", &["service"]),
    ("tonic", &["grpc", "http", "app"]),
    ("hyper", &["grpc", "http", "app"]),
];

/// Crates of the workspace and the ones of ours that each may depend on, outside tests.
const CRATES: [(&str, &[&str]); 7] = [
    ("leads-proto", &[]),
    ("leads-migration", &[]),
    ("leads-runtime", &["leads-proto"]),
    ("leads-svc", &["leads-migration", "leads-proto", "leads-runtime"]),
    ("crm-hubspot", &["leads-proto", "leads-runtime"]),
    ("crm-salesforce", &["leads-proto", "leads-runtime"]),
    ("leads-testkit", &["leads-proto"]),
];
/// Outside crates that only some crates may depend on, in tests as well.
const RESERVED: [(&str, &[&str]); 4] = [
    ("sea-orm", &["leads-svc"]),
    ("sea-orm-migration", &["leads-svc", "leads-migration"]),
    ("redis", &["leads-runtime", "leads-testkit"]),
    ("reqwest", &["leads-runtime", "leads-testkit"]),
];

/// Names that say nothing about what is inside.
const BANNED_NAMES: [&str; 7] = ["common", "util", "utils", "helper", "helpers", "manager", "misc"];
const LONG_LINES: usize = 400;
const MOST_LINES: usize = 600;

#[test]
fn modules_name_only_what_stands_below_them() {
    let allowed: BTreeMap<_, _> = MODULES
        .iter()
        .map(|(module, modules, crates)| (*module, (*modules, *crates)))
        .collect();
    let known: BTreeSet<&str> = allowed.keys().copied().chain(COMPOSITION).collect();
    let mut problems = Vec::new();
    for source in service_sources() {
        let module = source.module();
        let Some((modules, crates)) = allowed.get(module.as_str()) else {
            if !COMPOSITION.contains(&module.as_str()) {
                problems.push(format!(
                    "{}: say in MODULES what {module} may name",
                    source.name()
                ));
            }
            continue;
        };
        for named in source.named_modules() {
            let fits = named == module || modules.contains(&named.as_str());
            if !fits && known.contains(named.as_str()) {
                problems.push(format!("{}: {module} must not name {named}", source.name()));
            }
        }
        for named in OUR_CRATES {
            if !crates.contains(&named) && source.names_crate(named) {
                problems.push(format!("{}: {module} must not name {named}", source.name()));
            }
        }
        for (named, users) in RESERVED_IN_SERVICE {
            if !users.contains(&module.as_str()) && source.names_crate(named) {
                problems.push(format!("{}: {module} must not name {named}", source.name()));
            }
        }
    }
    none(&problems);
}

#[test]
fn use_cases_know_the_reasons_of_the_contract_and_none_of_its_messages() {
    let problems: Vec<String> = service_sources()
        .iter()
        .filter(|source| source.module() == "service")
        .flat_map(|source| {
            source
                .after("leads_proto")
                .into_iter()
                .filter(|named| named != "reason")
                .map(|named| format!("{}: names leads_proto::{named}", source.name()))
        })
        .collect();
    none(&problems);
}

#[test]
fn pure_modules_do_no_io_and_read_no_clock() {
    let mut problems = Vec::new();
    for source in service_sources() {
        if PURE.contains(&source.module().as_str()) {
            for word in IMPURE.iter().filter(|word| source.code.contains(**word)) {
                problems.push(format!("{}: holds {word}", source.name()));
            }
        }
    }
    none(&problems);
}

#[test]
fn every_crate_depends_on_what_it_may() {
    let ours: BTreeMap<_, _> = CRATES.into_iter().collect();
    let mut problems = Vec::new();
    for (name, manifest) in manifests() {
        let Some(allowed) = ours.get(name.as_str()) else {
            problems.push(format!("say in CRATES what {name} may depend on"));
            continue;
        };
        for (kind, dependency, is_shared) in dependencies(&manifest) {
            if !is_shared {
                problems.push(format!(
                    "{name}: the version of {dependency} belongs into the workspace"
                ));
            }
            let only_tests = kind == "dev-dependencies";
            let fits =
                allowed.contains(&dependency.as_str()) || (only_tests && dependency == "leads-testkit");
            if ours.contains_key(dependency.as_str()) && !fits {
                problems.push(format!("{name}: must not have {dependency} in its {kind}"));
            }
            let users = RESERVED
                .iter()
                .find(|(reserved, _)| *reserved == dependency)
                .map(|(_, users)| *users);
            if users.is_some_and(|users| !users.contains(&name.as_str())) {
                problems.push(format!("{name}: must not depend on {dependency}"));
            }
        }
    }
    none(&problems);
}

#[test]
fn file_and_module_names_say_what_is_inside() {
    let mut problems = Vec::new();
    for path in files(&root(), &["rs", "proto", "js", "mjs"]) {
        let relative = path.strip_prefix(root()).unwrap().with_extension("");
        let parts = relative
            .components()
            .map(|part| part.as_os_str().to_string_lossy().to_lowercase());
        for part in parts.filter(|part| BANNED_NAMES.contains(&part.as_str())) {
            problems.push(format!("{}: {part} is no name", path.display()));
        }
    }
    for source in sources() {
        for name in source.after_word("mod") {
            if BANNED_NAMES.contains(&name.as_str()) {
                problems.push(format!("{}: {name} is no name of a module", source.name()));
            }
        }
    }
    none(&problems);
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let mut lengths: Vec<(usize, String)> = files(&root(), &["rs", "proto", "js", "mjs"])
        .into_iter()
        .map(|path| {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            (
                lines,
                path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(),
            )
        })
        .filter(|(lines, _)| *lines > LONG_LINES)
        .collect();
    lengths.sort_by_key(|(lines, _)| std::cmp::Reverse(*lines));
    // Past the capture of test output: the list is meant to be seen before a file is too long.
    let mut terminal = std::io::stderr().lock();
    for (lines, file) in &lengths {
        writeln!(terminal, "over {LONG_LINES} lines: {lines:>4} {file}").unwrap();
    }
    let problems: Vec<String> = lengths
        .iter()
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, file)| format!("{file} has {lines} lines, {MOST_LINES} are the most"))
        .collect();
    none(&problems);
}

#[test]
fn every_rust_file_begins_with_its_purpose() {
    let problems: Vec<String> = sources()
        .iter()
        .filter(|source| {
            let purpose: String = source
                .text
                .lines()
                .map_while(|line| line.strip_prefix("//!"))
                .collect();
            !purpose.contains(['.', ':'])
        })
        .map(|source| {
            format!(
                "{}: the first line is no `//!` sentence that says what the file is for",
                source.name()
            )
        })
        .collect();
    none(&problems);
}

#[test]
fn nothing_is_left_for_later_and_no_code_is_commented_out() {
    let this_file = Path::new(file!()).file_name().unwrap();
    let mut problems = Vec::new();
    for source in sources() {
        if source.path.file_name() == Some(this_file) {
            continue;
        }
        for (number, line) in source.text.lines().enumerate() {
            let place = format!("{}:{}", source.name(), number + 1);
            let unfinished = ["todo!(", "unimplemented!(", "dbg!(", "TODO", "FIXME"];
            for word in unfinished.iter().filter(|word| line.contains(**word)) {
                problems.push(format!("{place}: {word}"));
            }
            let comment = line.trim_start().strip_prefix("// ").unwrap_or_default();
            let looks_like_code = comment.ends_with([';', '{', '}'])
                || ["let ", "fn ", "pub ", "use ", "#["]
                    .iter()
                    .any(|start| comment.starts_with(start) && comment.contains(['(', '=', ':']));
            if looks_like_code {
                problems.push(format!("{place}: commented-out code? {comment}"));
            }
        }
    }
    none(&problems);
}

/// A Rust file of ours.
struct Source {
    path: PathBuf,
    text: String,
    /// The text without comments.
    code: String,
}

impl Source {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().map(without_comment).collect::<Vec<_>>().join("\n");
        Self { path, text, code }
    }

    fn name(&self) -> String {
        self.path.strip_prefix(root()).unwrap().display().to_string()
    }

    /// Path below `src`, without the extension and without `mod`.
    fn module_path(&self) -> Vec<String> {
        let below = self
            .path
            .strip_prefix(root().join("leads-svc/src"))
            .unwrap()
            .with_extension("");
        let mut path: Vec<String> = below
            .components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        if path.last().is_some_and(|last| last == "mod") {
            path.pop();
        }
        path
    }

    /// The top-level module that the file belongs to.
    fn module(&self) -> String {
        self.module_path().swap_remove(0)
    }

    /// Top-level modules that are named, through `crate` or by climbing out of the own one.
    fn named_modules(&self) -> BTreeSet<String> {
        let mut named = self.after("crate");
        let depth = self.module_path().len();
        let tests = self.code.find("mod tests {").unwrap_or(self.code.len());
        for (at, _) in self.code.match_indices("super::") {
            if self.code[..at].ends_with("super::") {
                continue;
            }
            let chain = &self.code[at..];
            let climbs = chain.split("::").take_while(|part| *part == "super").count();
            if climbs == depth + usize::from(at > tests) {
                named.extend(first_names(&chain["super::".len() * climbs..]));
            }
        }
        named
    }

    fn names_crate(&self, name: &str) -> bool {
        !self.after(name).is_empty()
    }

    /// What stands after `name::`, the first part of each path.
    fn after(&self, name: &str) -> BTreeSet<String> {
        let start = format!("{name}::");
        self.code
            .match_indices(&start)
            .filter(|(at, _)| !self.code[..*at].ends_with(|before: char| is_word(before) || before == ':'))
            .flat_map(|(at, _)| first_names(&self.code[at + start.len()..]))
            .collect()
    }

    /// Words that stand after a word and a space.
    fn after_word(&self, word: &str) -> Vec<String> {
        let start = format!("{word} ");
        self.code
            .match_indices(&start)
            .filter(|(at, _)| !self.code[..*at].ends_with(is_word))
            .flat_map(|(at, _)| first_names(&self.code[at + start.len()..]))
            .collect()
    }
}

/// The first part of a path, or of each path of a group in braces.
fn first_names(path: &str) -> Vec<String> {
    let word = |text: &str| -> String { text.chars().take_while(|letter| is_word(*letter)).collect() };
    let Some(group) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let (mut names, mut depth, mut is_start) = (Vec::new(), 0_usize, true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_start = true,
            _ if is_start && is_word(letter) => {
                names.push(word(&group[at..]));
                is_start = false;
            }
            _ => {}
        }
    }
    names
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The line up to a comment; slashes in a string stay.
fn without_comment(line: &str) -> &str {
    line.match_indices("//")
        .find(|(at, _)| line[..*at].matches('"').count().is_multiple_of(2))
        .map_or(line, |(at, _)| &line[..at])
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Files below a folder that end so; hidden folders and what a build made aside.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.') || name.starts_with("target") || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if path
            .extension()
            .is_some_and(|extension| extensions.contains(&&*extension.to_string_lossy()))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    let found: Vec<Source> = files(&root(), &["rs"]).into_iter().map(Source::read).collect();
    assert!(found.len() > 100, "found {} Rust files only", found.len());
    found
}

fn service_sources() -> Vec<Source> {
    files(&root().join("leads-svc/src"), &["rs"])
        .into_iter()
        .map(Source::read)
        .collect()
}

/// Names of the workspace's crates with their manifests.
fn manifests() -> Vec<(String, toml::Table)> {
    let read = |path: PathBuf| -> toml::Table { fs::read_to_string(path).unwrap().parse().unwrap() };
    let workspace = read(root().join("Cargo.toml"));
    workspace["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| {
            let manifest = read(root().join(member.as_str().unwrap()).join("Cargo.toml"));
            (manifest["package"]["name"].as_str().unwrap().to_owned(), manifest)
        })
        .collect()
}

/// Kind, name, and whether the version is the workspace's, of each dependency.
fn dependencies(manifest: &toml::Table) -> Vec<(&'static str, String, bool)> {
    let kinds = ["dependencies", "build-dependencies", "dev-dependencies"];
    let targets = manifest
        .get("target")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flat_map(|targets| targets.values())
        .filter_map(toml::Value::as_table);
    let mut found = Vec::new();
    for table in targets.chain([manifest]) {
        for kind in kinds {
            for (name, details) in table
                .get(kind)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flatten()
            {
                let is_shared = details.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                found.push((kind, name.clone(), is_shared));
            }
        }
    }
    found
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn names_are_found_in_paths_groups_and_climbs() {
    let path = root().join("leads-svc/src/grpc/leads.rs");
    let code = "use crate::{\n    domain::{a, b},\n    storage,\n};\nlet x = crate::service::y;\n\
                use super::super::jobs;\nuse super::call;\nlet url = \"http://crate\"; // crate::comment"
        .lines()
        .map(without_comment)
        .collect::<Vec<_>>()
        .join("\n");
    let source = Source {
        path,
        text: String::new(),
        code,
    };
    let named: Vec<String> = source.named_modules().into_iter().collect();
    assert_eq!(named, ["domain", "jobs", "service", "storage"]);
    assert!(!source.names_crate("tonic"));
}
