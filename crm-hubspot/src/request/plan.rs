//! The steps that are left, and the outcomes so far.

use std::collections::{BTreeMap, VecDeque};

use leads_runtime::delivery::{ItemOutcome, Outcome, WorkItem};

use super::{Call, Links, Reply, Row};
use crate::api::BATCH_MAX;
use crate::errors::{Fault, Kind, Reach, lost, not_sent};
use crate::map::Mapping;

/// A call to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which.
    pub call: Call,
    /// Rows of its body, at most [`BATCH_MAX`].
    pub rows: Vec<Row>,
    /// Rows of a lookup that are not looked up, but written together with those that are not found.
    pub linked: Vec<Row>,
}

/// A batch on its way.
#[derive(Debug)]
pub struct Plan {
    pub(super) links: Links,
    pub(super) steps: VecDeque<Step>,
    pub(super) outcomes: BTreeMap<String, (Outcome, u32)>,
}

impl Plan {
    /// Writes the leads' snapshots. No two items may be of one lead.
    pub fn write(items: &[WorkItem], mapping: &Mapping, links: Links) -> Self {
        let mut plan = Self::new(links);
        let (alone, together): (Vec<&WorkItem>, Vec<&WorkItem>) = items.iter().partition(|item| item.solo);
        for chunk in alone.chunks(1).chain(together.chunks(BATCH_MAX)) {
            let (linked, new): (Vec<&WorkItem>, Vec<&WorkItem>) = chunk
                .iter()
                .copied()
                .partition(|item| !item.lead.external_id.is_empty());
            let rows =
                |items: Vec<&WorkItem>| items.into_iter().map(|item| Row::new(item, mapping)).collect();
            let (linked, new): (Vec<Row>, Vec<Row>) = (rows(linked), rows(new));
            match new.is_empty() {
                true => plan.later(Step::new(Call::Upsert, linked)),
                false => plan.later(Step {
                    call: Call::Lookup,
                    rows: new,
                    linked,
                }),
            }
        }
        plan
    }

    /// Reads the leads' records back.
    pub fn verify(items: &[WorkItem], links: Links) -> Self {
        let mut plan = Self::new(links);
        for chunk in items.chunks(BATCH_MAX) {
            let rows = chunk
                .iter()
                .map(|item| Row::new(item, &Mapping::default()))
                .collect();
            plan.later(Step::new(Call::Verify, rows));
        }
        plan
    }

    /// The next call to make; [`Plan::settle`] takes it back with what came of it. None: the plan is done.
    pub fn next_step(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// Draws the conclusions from a call that took `calls` attempts.
    pub fn settle(&mut self, mut step: Step, reply: Reply, calls: u32) {
        for row in step.rows.iter_mut() {
            row.calls += calls;
        }
        match (reply, step.call) {
            (Reply::Answer(answer), Call::Lookup) => self.looked_up(step, answer),
            (Reply::Answer(answer), Call::Verify) => self.verified(step.rows, answer),
            (Reply::Answer(answer), Call::Update | Call::Upsert) => self.written(step, answer),
            (Reply::Refused(fault), _) => self.refused(step, fault),
            (Reply::Lost(why), Call::Update | Call::Upsert) => {
                self.end_all(step.rows, &lost(why));
                self.stop(&not_sent(
                    "UNAVAILABLE",
                    "an earlier call of this batch was not answered",
                ));
            }
            (Reply::Lost(why) | Reply::NotSent(why), _) => self.give_up(step, &not_sent("UNAVAILABLE", why)),
            (Reply::NotStarted, _) => self.give_up(step, &Outcome::NotStarted),
        }
    }

    /// Ends a step and all that wait, without a call.
    pub fn give_up(&mut self, step: Step, outcome: &Outcome) {
        self.steps.push_back(step);
        self.stop(outcome);
    }

    /// The outcomes, one for each item.
    pub fn finish(mut self) -> Vec<ItemOutcome> {
        self.stop(&Outcome::NotStarted);
        self.outcomes
            .into_iter()
            .map(|(job_id, (outcome, calls))| ItemOutcome {
                job_id,
                outcome,
                calls,
            })
            .collect()
    }

    fn new(links: Links) -> Self {
        Self {
            links,
            steps: VecDeque::new(),
            outcomes: BTreeMap::new(),
        }
    }

    /// A refusal of the whole call.
    fn refused(&mut self, step: Step, fault: Fault) {
        match fault.kind.reach() {
            Reach::Row => self.refused_for_a_row(step, fault),
            Reach::Call if fault.kind == Kind::Locked => {
                self.end_all(step.rows, &fault.outcome());
                self.upsert(step.linked);
            }
            // Reads have no effect that could be in doubt, and rows that were not sent have none either.
            Reach::Call if fault.kind == Kind::GatewayTimeout => {
                let waits = not_sent("UNAVAILABLE", fault.message.clone());
                let sent = if step.call.endpoint().writes() {
                    fault.outcome()
                } else {
                    waits.clone()
                };
                self.end_all(step.rows, &sent);
                self.end_all(step.linked, &waits);
                self.stop(&waits);
            }
            Reach::Call | Reach::Connection => self.give_up(step, &fault.outcome()),
        }
    }

    fn refused_for_a_row(&mut self, step: Step, fault: Fault) {
        match step.call {
            Call::Update | Call::Upsert => self.write_refused(step, fault),
            Call::Lookup => self.lookup_refused(step),
            Call::Verify => self.verify_refused(step.rows, fault),
        }
    }

    /// Sends rows again in two halves, one after the other. A single row must not come here.
    pub(super) fn halve(&mut self, call: Call, mut rows: Vec<Row>) {
        rows.iter_mut().for_each(|row| row.refused = true);
        let second = rows.split_off(rows.len().div_ceil(2));
        self.sooner(Step::new(call, second));
        self.sooner(Step::new(call, rows));
    }

    pub(super) fn upsert(&mut self, rows: Vec<Row>) {
        self.sooner(Step::new(Call::Upsert, rows));
    }

    pub(super) fn sooner(&mut self, step: Step) {
        if !step.rows.is_empty() {
            self.steps.push_front(step);
        }
    }

    pub(super) fn later(&mut self, step: Step) {
        if !step.rows.is_empty() {
            self.steps.push_back(step);
        }
    }

    pub(super) fn end(&mut self, row: Row, outcome: Outcome) {
        // A job that is given back counts no attempt, and a batch that is always refused must not go on for ever.
        let outcome = match outcome {
            Outcome::NotStarted if row.refused => not_sent(
                "UNFINISHED",
                "its batch was refused, and the lease was too short to find out for whose sake",
            ),
            outcome => outcome,
        };
        self.outcomes.insert(row.job_id, (outcome, row.calls));
    }

    pub(super) fn end_all(&mut self, rows: Vec<Row>, outcome: &Outcome) {
        for row in rows {
            self.end(row, outcome.clone());
        }
    }

    /// Ends every row that waits.
    fn stop(&mut self, outcome: &Outcome) {
        for step in std::mem::take(&mut self.steps) {
            self.end_all(step.rows, outcome);
            self.end_all(step.linked, outcome);
        }
    }
}

impl Step {
    /// A step without rows that wait for it.
    pub fn new(call: Call, rows: Vec<Row>) -> Self {
        Self {
            call,
            rows,
            linked: Vec::new(),
        }
    }
}
