//! From start to ready, memory and processor time at rest, size of the binaries.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    report::{Samples, Section, grouped},
    usage::{cpu_seconds, resident_mb},
};
use crate::{
    http::Http,
    process::Program,
    stack::{Service, Stack, StackOptions, Timing},
};

const REST: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_secs(30);

const ABOUT: &str = "\
Each process of a connected stack on SQLite is stopped and started again; ready is the first 200 of `/readyz`. At rest \
nothing is captured; memory is resident memory and CPU the share of one core over 10 s.

Baseline: the same binary started for `--version`, in turns.";

/// Measures both processes.
pub async fn measure(runs: usize) -> Result<Section> {
    let columns = [
        "process",
        "start to ready, ms",
        "`--version`, ms",
        "ratio",
        "idle MB",
        "idle CPU, %",
        "binary, MB",
    ];
    let mut section = Section::new("startup", "Start, rest and size", ABOUT, &columns);
    let folder = tempfile::Builder::new().prefix("leads-bench-").tempdir()?;
    let mut stack = Stack::start_with(StackOptions {
        timing: Timing::Shipped,
        ..StackOptions::default()
    })
    .await?;
    let Stack {
        leads, connectors, ..
    } = &mut stack;
    let connector = connectors.first_mut().context("no connector")?;
    for (name, service) in [("leads-svc", leads), ("crm-hubspot", connector)] {
        let program = Program::ours(name, folder.path())?
            .name(format!("{name}-version"))
            .arg("--version");
        let (mut ready, mut version) = (Samples::default(), Samples::default());
        for _ in 0..runs {
            service.process()?.stop(LIMIT).await?;
            ready.push(start(service).await?);
            let started = Instant::now();
            let mut process = program.start()?;
            while process.is_running()? {
                tokio::time::sleep(POLL).await;
            }
            version.push(started.elapsed().as_secs_f64() * 1e3);
        }
        // Both are up; whatever follows a start is over.
        tokio::time::sleep(REST).await;
        let pid = service.process()?.pid();
        let before = cpu_seconds(pid)?;
        tokio::time::sleep(REST).await;
        let idle = (cpu_seconds(pid)? - before) / REST.as_secs_f64() * 100.0;
        let size = fs::metadata(format!("/proc/{pid}/exe"))?.len() as f64 / 1e6;
        section.row(vec![
            name.to_owned(),
            ready.show(0),
            version.show(1),
            ready.ratios(&version).show(1),
            grouped(resident_mb(pid)?, 0),
            grouped(idle, 1),
            grouped(size, 1),
        ]);
    }
    stack.stop().await?;
    Ok(section.finish())
}

/// Milliseconds until it is ready.
async fn start(service: &mut Service) -> Result<f64> {
    let http = Http::new(service.ops_url());
    let started = Instant::now();
    service.start_with(&[]).await?;
    loop {
        if http
            .get("/readyz")
            .await
            .is_ok_and(|reply| reply.status.is_success())
        {
            return Ok(started.elapsed().as_secs_f64() * 1e3);
        }
        anyhow::ensure!(
            started.elapsed() < LIMIT,
            "not ready\n{}",
            service.process()?.tail()
        );
        tokio::time::sleep(POLL).await;
    }
}
