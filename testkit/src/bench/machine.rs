//! Where and when a measurement took place, and how busy the machine was with other things.

use std::{env, fmt, fs, process::Command};

use chrono::Utc;

/// Machine, commit, date and load.
#[derive(Debug)]
pub struct Circumstances {
    machine: String,
    commit: String,
    date: String,
    load: [String; 2],
}

impl Circumstances {
    /// As it is now.
    pub fn now() -> Self {
        Self {
            machine: machine(),
            commit: commit(),
            date: Utc::now().format("%Y-%m-%d").to_string(),
            load: [load(), String::new()],
        }
    }

    /// Notes the load at the end.
    pub fn end(&mut self) {
        let [_, end] = &mut self.load;
        *end = load();
    }
}

impl fmt::Display for Circumstances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [start, end] = &self.load;
        write!(
            f,
            "{}; commit {}, {}; load of the last minute {start} at the start, {end} at the end",
            self.machine, self.commit, self.date
        )
    }
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| env::consts::ARCH.to_owned());
    let memory = value(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or_else(String::new, |kib| format!(", {:.0} GiB", kib / 1_048_576.0));
    format!("{cores} cores of {model}{memory}, {}", env::consts::OS)
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let run = Command::new("git")
            .arg("-C")
            .arg(env!("CARGO_MANIFEST_DIR"))
            .args(arguments)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&run.stdout).trim().to_owned();
        run.status.success().then_some(text)
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else {
        return "unknown".to_owned();
    };
    match git(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if !changes.is_empty() => format!("{commit} with changes"),
        _ => commit,
    }
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split_whitespace().next().map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}
