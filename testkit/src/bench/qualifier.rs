//! Conversations a second of the qualifier, by the command that people run.

use std::{
    fs,
    io::{BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::report::{Samples, Section, grouped};
use crate::process::Program;

const DEMO: &str = include_str!("../../demo/conversations.jsonl");
const CONVERSATIONS: usize = 50_000;
const MESSAGES: usize = 10;
const LIMIT: Duration = Duration::from_secs(300);

const ABOUT: &str = "\
`leads-svc qualify` on a file of 50,000 conversations of ten messages each, made from the messages of the demo set; one \
thread, from file to file, process start included.

Baseline: this program reads the same file on one thread, parses each line as JSON and writes it again.";

/// Measures it.
pub async fn measure(runs: usize) -> Result<Section> {
    let columns = [
        "conversations/s",
        "JSON in and out, lines/s",
        "ratio",
        "MB of text",
    ];
    let mut section = Section::new("qualifier", "Qualifier", ABOUT, &columns);
    let folder = tempfile::Builder::new().prefix("leads-bench-").tempdir()?;
    let file = folder.path().join("conversations.jsonl");
    generate(&file)?;
    let (mut ours, mut plain) = (Samples::default(), Samples::default());
    for run in 0..=runs {
        let program = Program::ours("leads-svc", folder.path())?
            .name(format!("qualify-{run}"))
            .arg("qualify")
            .arg(&file);
        let start = Instant::now();
        let findings = program.output(LIMIT).await?;
        let took = start.elapsed();
        ensure!(
            findings.lines().count() == CONVERSATIONS,
            "{} findings",
            findings.lines().count()
        );
        let (from, to) = (file.clone(), folder.path().join("copy.jsonl"));
        let bare = tokio::task::spawn_blocking(move || copy(&from, &to)).await??;
        if run > 0 {
            ours.push(CONVERSATIONS as f64 / took.as_secs_f64());
            plain.push(CONVERSATIONS as f64 / bare.as_secs_f64());
        }
    }
    let size = fs::metadata(&file)?.len() as f64 / 1e6;
    section.row(vec![
        ours.show(0),
        plain.show(0),
        ours.ratios(&plain).show(2),
        grouped(size, 0),
    ]);
    Ok(section.finish())
}

fn copy(from: &Path, to: &Path) -> Result<Duration> {
    let start = Instant::now();
    let text = fs::read_to_string(from)?;
    let mut out = BufWriter::new(fs::File::create(to)?);
    for line in text.lines() {
        serde_json::to_writer(&mut out, &serde_json::from_str::<Value>(line)?)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(start.elapsed())
}

/// Every conversation has other neighbours of messages than the one before.
fn generate(file: &Path) -> Result<()> {
    let mut said: Vec<(String, String)> = Vec::new();
    let mut people: Vec<Value> = Vec::new();
    for line in DEMO.lines().filter(|line| !line.trim().is_empty()) {
        let demo: Value = serde_json::from_str(line)?;
        people.push(demo.get("contact").cloned().unwrap_or_default());
        for message in demo
            .get("messages")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let text = |name: &str| message.get(name).and_then(Value::as_str).map(str::to_owned);
            said.push(
                text("role")
                    .zip(text("text"))
                    .context("a demo message without role or text")?,
            );
        }
    }
    let mut out = BufWriter::new(fs::File::create(file)?);
    for number in 0..CONVERSATIONS {
        let step = 1 + number % (said.len() - 1);
        let messages: Vec<Value> = (0..MESSAGES)
            .filter_map(|at| said.get((number + at * step) % said.len()))
            .map(|(role, text)| json!({"role": role, "text": text}))
            .collect();
        let person = people.get(number % people.len()).context("no demo contact")?;
        let line = json!({
            "id": format!("c{number}"),
            "captured_at": "2026-03-02T09:00:00Z",
            "icp": {"budget_min": 20_000, "budget_max": 200_000, "currency": "EUR",
                "product_terms": ["chatbot", "customer support", "helpdesk"]},
            "profile": {"name": person["name"], "email": person["email"], "company": person["company"],
                "title": person["title"]},
            "messages": messages,
        });
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
