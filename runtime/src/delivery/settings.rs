//! `[delivery]`: how much work a connector takes on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::layers::CallSettings;
use crate::process::config::{Checks, Validate};
use crate::quota::QuotaSettings;
use crate::stream::ConsumerSettings;

/// How much work a connector takes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryConfig {
    /// Vendor calls at a time.
    pub concurrency: usize,
    /// Batches of one workspace and lane at a time.
    pub workspace_concurrency: usize,
    /// Hints held at a time, waiting ones included.
    pub hints: usize,
    /// Longest wait for a batch to fill, in milliseconds; the hot lane never waits.
    pub fill_ms: u64,
    /// Longest wait for quota before the claim, in milliseconds. Then the jobs are put off.
    pub quota_wait_ms: u64,
    /// How much longer than a window calls are spread, in milliseconds, since the way to the vendor varies.
    pub quota_safety_ms: u64,
    /// Entries that a reader holds for longer are taken over, in milliseconds; longer than a lease.
    pub takeover_ms: u64,
    /// How often connection tasks are asked for, in milliseconds; hints make it faster.
    pub task_poll_ms: u64,
    /// Longest time to finish what is at work when the process stops, in milliseconds.
    pub drain_ms: u64,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            concurrency: 64,
            workspace_concurrency: 8,
            hints: 1_000,
            fill_ms: 5,
            quota_wait_ms: 10_000,
            quota_safety_ms: 100,
            takeover_ms: 60_000,
            task_poll_ms: 3_000,
            drain_ms: 20_000,
        }
    }
}

impl Validate for DeliveryConfig {
    fn validate(&self, checks: &mut Checks) {
        checks.check(
            "concurrency",
            (1..=10_000).contains(&self.concurrency),
            "must be 1 to 10,000",
        );
        let within = (1..=self.concurrency.max(1)).contains(&self.workspace_concurrency);
        checks.check(
            "workspace_concurrency",
            within,
            "must be 1 to delivery.concurrency",
        );
        checks.check(
            "hints",
            (1..=100_000).contains(&self.hints),
            "must be 1 to 100,000",
        );
        checks.check("fill_ms", self.fill_ms <= 1_000, "must be at most 1,000");
        checks.check(
            "quota_wait_ms",
            self.quota_wait_ms <= 60_000,
            "must be at most 60,000",
        );
        checks.check(
            "quota_safety_ms",
            (10..=5_000).contains(&self.quota_safety_ms),
            "must be 10 to 5,000",
        );
        checks.check("takeover_ms", self.takeover_ms >= 1_000, "must be at least 1,000");
        checks.check("task_poll_ms", self.task_poll_ms >= 100, "must be at least 100");
        checks.check("drain_ms", self.drain_ms <= 300_000, "must be at most 300,000");
    }
}

impl DeliveryConfig {
    /// Bounds of the vendor calls' stack.
    pub fn calls(&self) -> CallSettings {
        CallSettings {
            concurrency: self.concurrency,
            ..CallSettings::default()
        }
    }

    /// How the quota is kept.
    pub fn quota(&self) -> QuotaSettings {
        QuotaSettings {
            safety: Duration::from_millis(self.quota_safety_ms),
        }
    }

    /// How the consumer of this name behaves.
    pub fn consumer(&self, name: &str) -> ConsumerSettings {
        ConsumerSettings {
            name: name.to_owned(),
            takeover_after: Duration::from_millis(self.takeover_ms),
            ..ConsumerSettings::default()
        }
    }
}
