//! Loads a process's configuration: embedded defaults, then a file, then the environment; all problems at once.
//!
//! The embedded TOML names every key there is, with its default. A key that it lacks is refused wherever it comes from.
//! `PREFIX__SECTION__KEY` in the environment overrides `section.key`. Where the defaults have both `x` and `x_file`,
//! `x_file` names a file whose trimmed content becomes `x`; structs have a field for `x` alone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use figment::value::{Dict, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::config_values::{find, kind, parse_like, parse_toml, replace, text_of, twin_of, twins};
pub use super::sections::{LogFormat, OpsConfig, RedisConfig, TelemetryConfig};

const SEPARATOR: &str = "__";

/// Where a configuration comes from.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Start of environment variables without the separator, such as `LEADS_SVC`.
    pub env_prefix: &'static str,
    /// TOML with every key and its default.
    pub defaults: &'static str,
    /// TOML that overrides defaults.
    pub file: Option<PathBuf>,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblems(pub Vec<Problem>);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path such as `redis.url`; empty if a whole source is at fault.
    pub key: String,
    /// Where the value came from.
    pub origin: String,
    /// What is wrong; never holds the value of a secret.
    pub text: String,
}

/// Rules that types alone do not express.
pub trait Validate {
    /// Reports what is wrong; the values have the right types already.
    fn validate(&self, checks: &mut Checks);
}

/// Collects broken rules with the paths of their keys.
#[derive(Debug, Default)]
pub struct Checks {
    path: Vec<&'static str>,
    broken: Vec<(String, String)>,
}

/// Loads and validates a configuration.
///
/// # Errors
/// All problems, in the order of their keys.
pub fn load<T: DeserializeOwned + Validate>(spec: Spec) -> Result<T, ConfigProblems> {
    load_with(spec, std::env::vars_os())
}

/// As [`load`], with an environment of its own.
///
/// # Errors
/// All problems, in the order of their keys.
pub fn load_with<T: DeserializeOwned + Validate>(
    spec: Spec,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<T, ConfigProblems> {
    let defaults =
        parse_toml(spec.defaults).map_err(|text| ConfigProblems::one("built-in defaults", text))?;
    let mut sources = Sources {
        values: defaults.clone(),
        defaults,
        ..Sources::default()
    };
    if let Some(path) = &spec.file {
        let origin = format!("file {}", path.display());
        match std::fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|text| parse_toml(&text))
        {
            Ok(values) => sources.add_table(&mut Vec::new(), values, &origin),
            Err(text) => sources.problem(String::new(), &origin, text),
        }
    }
    sources.add_environment(&format!("{}{SEPARATOR}", spec.env_prefix), environment);
    sources.read_file_twins();
    sources.finish()
}

/// The effective configuration as TOML. Secrets are hidden if their fields have a type of [`crate::redact`].
pub fn describe<T: Serialize>(config: &T) -> String {
    toml::to_string_pretty(config).unwrap_or_else(|error| format!("# cannot be shown: {error}\n"))
}

#[derive(Default)]
struct Sources {
    defaults: Dict,
    values: Dict,
    /// Overridden keys.
    origins: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Sources {
    fn problem(&mut self, key: String, origin: &str, text: impl Into<String>) {
        self.problems.push(Problem {
            key,
            origin: origin.to_owned(),
            text: text.into(),
        });
    }

    fn add_table(&mut self, path: &mut Vec<String>, table: Dict, origin: &str) {
        for (key, value) in table {
            path.push(key);
            match value {
                Value::Dict(_, inner) if matches!(find(&self.defaults, path), Some(Value::Dict(..))) => {
                    self.add_table(path, inner, origin);
                }
                value => self.set(path, value, origin),
            }
            path.pop();
        }
    }

    fn add_environment(&mut self, prefix: &str, environment: impl IntoIterator<Item = (OsString, OsString)>) {
        let mut variables: Vec<(OsString, OsString)> = environment.into_iter().collect();
        variables.sort();
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            let Some(rest) = name.strip_prefix(prefix) else {
                continue;
            };
            let origin = format!("environment variable {name}");
            let path: Vec<String> = rest
                .to_ascii_lowercase()
                .split(SEPARATOR)
                .map(str::to_owned)
                .collect();
            let Some(value) = value.to_str() else {
                self.problem(path.join("."), &origin, "is not UTF-8");
                continue;
            };
            match parse_like(find(&self.defaults, &path), value) {
                Ok(value) => self.set(&path, value, &origin),
                Err(text) => self.problem(path.join("."), &origin, text),
            }
        }
    }

    fn set(&mut self, path: &[String], value: Value, origin: &str) {
        let key = path.join(".");
        match find(&self.defaults, path) {
            None => self.problem(key, origin, "unknown key"),
            Some(Value::Dict(..)) => self.problem(key, origin, "is a section, not a value"),
            Some(default) if kind(default) != kind(&value) => {
                let text = format!("expected {}, found {}", kind(default), kind(&value));
                self.problem(key, origin, text);
            }
            Some(_) => {
                replace(&mut self.values, path, Some(value));
                self.origins.insert(key, origin.to_owned());
            }
        }
    }

    fn read_file_twins(&mut self) {
        for path in twins(&self.defaults, &mut Vec::new()) {
            let twin = twin_of(&path);
            let named = find(&self.values, &twin)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            replace(&mut self.values, &twin, None);
            if named.is_empty() {
                continue;
            }
            let (key, twin_key) = (path.join("."), twin.join("."));
            let origin = self
                .origins
                .get(&twin_key)
                .cloned()
                .unwrap_or_else(|| "built-in defaults".to_owned());
            if let Some(other) = self.origins.get(&key) {
                let text = format!("set twice: also by {twin_key} ({origin})");
                let other = other.clone();
                self.problem(key, &other, text);
                continue;
            }
            match std::fs::read_to_string(&named) {
                Ok(content) => {
                    self.set(
                        &path,
                        Value::from(content.trim()),
                        &format!("file {named}, named by {twin_key}"),
                    );
                }
                Err(error) => self.problem(twin_key, &origin, format!("cannot read {named}: {error}")),
            }
        }
    }

    /// A value that does not fit its field is reported and replaced by its default, so that the next one is found too.
    fn finish<T: DeserializeOwned + Validate>(mut self) -> Result<T, ConfigProblems> {
        loop {
            match Value::from(self.values.clone()).deserialize::<T>() {
                Ok(config) => {
                    let mut checks = Checks::default();
                    config.validate(&mut checks);
                    for (key, text) in checks.broken {
                        // A key that is reported already was replaced by its default: what is said of that misleads.
                        if !self.problems.iter().any(|problem| problem.key == key) {
                            let origin = self.origin_of(&key);
                            self.problem(key, &origin, text);
                        }
                    }
                    if self.problems.is_empty() {
                        return Ok(config);
                    }
                    break;
                }
                Err(error) => {
                    let key = error.path.join(".");
                    let origin = self.origin_of(&key);
                    let overridden = self.origins.remove(&key).is_some();
                    self.problem(key, &origin, text_of(&error.kind));
                    let default = find(&self.defaults, &error.path).cloned();
                    if !overridden || default.is_none() {
                        break;
                    }
                    replace(&mut self.values, &error.path, default);
                }
            }
        }
        self.problems.sort_by(|a, b| a.key.cmp(&b.key));
        Err(ConfigProblems(self.problems))
    }

    fn origin_of(&self, key: &str) -> String {
        self.origins
            .get(key)
            .cloned()
            .unwrap_or_else(|| "built-in defaults".to_owned())
    }
}

impl Checks {
    /// Validates a part of the configuration whose keys start with `name`.
    pub fn section(&mut self, name: &'static str, section: &impl Validate) {
        self.path.push(name);
        section.validate(self);
        self.path.pop();
    }

    /// Reports `text` for a key of the current section unless `holds`.
    pub fn check(&mut self, key: &str, holds: bool, text: impl Into<String>) {
        if !holds {
            let mut path = self.path.clone();
            path.push(key);
            self.broken.push((path.join("."), text.into()));
        }
    }
}

impl ConfigProblems {
    fn one(origin: &str, text: String) -> Self {
        Self(vec![Problem {
            key: String::new(),
            origin: origin.to_owned(),
            text,
        }])
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} problem(s):", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.origin, self.text)
        } else {
            write!(f, "{}: {} ({})", self.key, self.text, self.origin)
        }
    }
}

impl std::error::Error for ConfigProblems {}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
