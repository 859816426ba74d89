//! What workspaces use: counted in memory as it happens, and noted in the database every few seconds, so that a capture
//! costs no statement more. A process that is killed loses what it had not noted yet.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use super::{
    core::{Core, Facts},
    entitlements::limited,
    error::Result,
    principal::{Principal, Scope},
};
use crate::domain::{
    plan::{Limit, Plan},
    usage::{Counts, Month},
};

/// Counts that are not noted yet; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Usage(Arc<Mutex<HashMap<(Uuid, Month), Counts>>>);

/// A capture that was counted; dropped without [`keep`](Self::keep) it was not.
#[derive(Debug)]
pub struct Counted {
    usage: Usage,
    place: (Uuid, Month),
    is_kept: bool,
}

/// What a workspace may use, and what it used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The workspace's plan.
    pub plan: Plan,
    /// The month that is counted.
    pub month: Month,
    /// What was counted in it.
    pub counts: Counts,
    /// What is used of each limit, where that is a number of things.
    pub used: Vec<(Limit, Option<u64>)>,
}

impl Usage {
    /// Counts a capture if fewer than `limit` are counted, `noted` ones included.
    fn count_capture(
        &self,
        workspace: Uuid,
        month: Month,
        noted: i64,
        limit: Option<u64>,
    ) -> std::result::Result<Counted, i64> {
        let place = (workspace, month);
        let mut counts = self.lock();
        let counts = counts.entry(place).or_default();
        let used = noted + counts.captures;
        if limit.is_some_and(|limit| u64::try_from(used).is_ok_and(|used| used >= limit)) {
            return Err(used);
        }
        counts.captures += 1;
        Ok(Counted {
            usage: self.clone(),
            place,
            is_kept: false,
        })
    }

    fn pending(&self, workspace: Uuid, month: Month) -> Counts {
        self.lock().get(&(workspace, month)).copied().unwrap_or_default()
    }

    fn add(&self, (workspace, month): (Uuid, Month), change: Counts) {
        let mut all = self.lock();
        let counts = all.entry((workspace, month)).or_default();
        counts.captures += change.captures;
        counts.leads += change.leads;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Uuid, Month), Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// The capture was stored, and created a lead or not.
    pub fn keep(mut self, is_new_lead: bool) {
        self.is_kept = true;
        if is_new_lead {
            let leads = Counts {
                captures: 0,
                leads: 1,
            };
            self.usage.add(self.place, leads);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if !self.is_kept {
            let back = Counts {
                captures: -1,
                leads: 0,
            };
            self.usage.add(self.place, back);
        }
    }
}

impl Core {
    /// Counts a capture of a workspace, before it is stored.
    ///
    /// # Errors
    /// `PLAN_LIMIT`.
    pub(super) fn count_capture(&self, facts: &Facts) -> Result<Counted> {
        let month = Month::of(self.store.clock().now());
        let noted = facts.used.filter(|(noted_in, _)| *noted_in == month);
        let noted = noted.map_or(0, |(_, counts)| counts.captures);
        let plan = facts.workspace.plan;
        self.usage
            .count_capture(
                facts.workspace.id,
                month,
                noted,
                plan.limit(Limit::CapturesPerMonth),
            )
            .map_err(|used| {
                limited(plan, Limit::CapturesPerMonth, used.unsigned_abs()).with("month", month.to_string())
            })
    }

    /// What the caller's workspace used in this month. What other replicas counted in the last seconds is missing.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn usage(&self, principal: &Principal) -> Result<Report> {
        principal.require(Scope::WorkspaceRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let workspace = facts.workspace.id;
        let month = Month::of(self.store.clock().now());
        let pending = self.usage.pending(workspace, month);
        let noted = self.store.usage(workspace, month).await?;
        let counts = Counts {
            captures: noted.captures + pending.captures,
            leads: noted.leads + pending.leads,
        };
        let mut used = Vec::with_capacity(Limit::ALL.len());
        for limit in Limit::ALL {
            let number = match limit {
                Limit::CapturesPerMonth => Some(counts.captures.unsigned_abs()),
                Limit::Keys => Some(self.store.count_keys(workspace).await?),
                Limit::Connections => Some(facts.connections.len() as u64),
                Limit::Members => Some(self.store.count_members(workspace).await?),
                Limit::CallsPerMinute => None,
            };
            used.push((limit, number));
        }
        Ok(Report {
            plan: facts.workspace.plan,
            month,
            counts,
            used,
        })
    }

    /// Notes in the database what was counted since the last call. For the housekeeper.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`; the counts are kept for the next call.
    pub async fn note_usage(&self) -> Result<()> {
        let taken = std::mem::take(&mut *self.usage.lock());
        let used: Vec<(Uuid, Month, Counts)> = taken
            .into_iter()
            .filter(|(_, counts)| *counts != Counts::default())
            .map(|((workspace, month), counts)| (workspace, month, counts))
            .collect();
        if let Err(error) = self.store.add_usage(&used).await {
            for (workspace, month, counts) in used {
                self.usage.add((workspace, month), counts);
            }
            return Err(error.into());
        }
        for (workspace, ..) in used {
            self.forget(workspace).await;
        }
        Ok(())
    }
}
