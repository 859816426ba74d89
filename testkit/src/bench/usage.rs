//! Processor time and memory of a process, from `/proc`.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::task::JoinHandle;

const SAMPLE: Duration = Duration::from_millis(50);
/// Fields of `/proc/PID/stat` behind the name in parentheses: user and system time.
const TIMES: [usize; 2] = [11, 12];
/// Kernel ticks are of 10 ms wherever Linux shows them to programs.
const TICK: f64 = 0.01;

/// Processor seconds of a process so far, all threads.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("processor time")?;
    let (_, fields) = stat.rsplit_once(')').context("processor time")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = TIMES
        .iter()
        .filter_map(|at| fields.get(*at)?.parse::<f64>().ok())
        .sum::<f64>();
    Ok(ticks * TICK)
}

/// Resident memory of a process in MB (10^6 bytes).
pub fn resident_mb(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("memory")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib: f64 = line
        .and_then(|line| line.split_whitespace().nth(1))
        .context("memory")?
        .parse()?;
    Ok(kib * 1_024.0 / 1e6)
}

/// Samples the resident memory of a process until it is asked for the peak.
#[derive(Debug)]
pub struct MemoryPeak {
    peak_kb: Arc<AtomicU64>,
    sampler: JoinHandle<()>,
}

impl MemoryPeak {
    /// Starts sampling.
    pub fn watch(pid: u32) -> Self {
        let peak_kb = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&peak_kb);
        let sampler = tokio::spawn(async move {
            while let Ok(now) = resident_mb(pid) {
                seen.fetch_max((now * 1_000.0) as u64, Ordering::Relaxed);
                tokio::time::sleep(SAMPLE).await;
            }
        });
        Self { peak_kb, sampler }
    }

    /// The most it had, in MB.
    pub fn mb(self) -> f64 {
        self.sampler.abort();
        self.peak_kb.load(Ordering::Relaxed) as f64 / 1_000.0
    }
}
