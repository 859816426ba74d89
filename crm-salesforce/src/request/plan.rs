//! The steps that are left, and the outcomes so far.

use std::collections::{BTreeMap, VecDeque};

use leads_runtime::delivery::{ItemOutcome, Outcome, WorkItem};

use super::Row;
use crate::api::{BATCH_MAX, RowResult};
use crate::errors::{Fault, Kind, Reach, lost, not_sent};
use crate::map;
use crate::service::Reply;

/// A batch on its way.
#[derive(Debug)]
pub struct Plan {
    instance_host: String,
    steps: VecDeque<Vec<Row>>,
    outcomes: BTreeMap<String, (Outcome, u32)>,
}

impl Plan {
    /// Writes the leads' snapshots. No two items may be of one lead. `instance_host` is for links.
    pub fn write(items: &[WorkItem], instance_host: &str) -> Self {
        let mut plan = Self {
            instance_host: instance_host.to_owned(),
            steps: VecDeque::new(),
            outcomes: BTreeMap::new(),
        };
        let (alone, together): (Vec<&WorkItem>, Vec<&WorkItem>) = items.iter().partition(|item| item.solo);
        for chunk in alone.chunks(1).chain(together.chunks(BATCH_MAX)) {
            plan.steps
                .push_back(chunk.iter().map(|item| Row::new(item)).collect());
        }
        plan
    }

    /// Rows of the next call; [`Plan::settle`] takes them back with what came of it. None: the plan is done.
    pub fn next_step(&mut self) -> Option<Vec<Row>> {
        self.steps.pop_front()
    }

    /// Draws the conclusions from a call that took `calls` attempts.
    pub fn settle(&mut self, mut rows: Vec<Row>, reply: Reply<Vec<RowResult>>, calls: u32) {
        for row in rows.iter_mut() {
            row.calls += calls;
        }
        match reply {
            Reply::Answer(results) if results.len() == rows.len() => self.written(rows, results),
            Reply::Answer(_) => self.end_all(rows, &lost("Salesforce's answer does not mention every lead")),
            Reply::Refused(fault) => self.refused(rows, &fault.of_key()),
            Reply::Lost(why) => {
                self.end_all(rows, &lost(why));
                self.stop(&not_sent(
                    "UNAVAILABLE",
                    "an earlier call of this batch was not answered",
                ));
            }
            Reply::NotSent(why) => self.give_up(rows, &not_sent("UNAVAILABLE", why)),
            Reply::NotStarted => self.give_up(rows, &Outcome::NotStarted),
        }
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

    /// An answer with a result for each row.
    fn written(&mut self, rows: Vec<Row>, results: Vec<RowResult>) {
        let mut again = Vec::new();
        for (mut row, result) in rows.into_iter().zip(results) {
            if result.success && !result.id.is_empty() {
                let url = map::record_url(&self.instance_host, &result.id);
                self.end(
                    row,
                    Outcome::Delivered {
                        external_id: result.id,
                        url,
                    },
                );
                continue;
            }
            let Some(fault) = result.errors.first().map(Fault::of_row) else {
                self.end(
                    row,
                    lost("Salesforce says of the lead neither that nor why it was refused"),
                );
                continue;
            };
            match fault.kind {
                // Of two writes of a new key the second is told so; sent again, it finds the record.
                Kind::DuplicateValue if !row.resent => {
                    row.resent = true;
                    again.push(row);
                }
                // The record that was known is gone: what follows makes a new one.
                Kind::RequiredField | Kind::RecordGone if row.linked && !row.resent => {
                    row.resent = true;
                    row.linked = false;
                    again.push(row);
                }
                // One user's rights to one record are that lead's alone.
                Kind::Forbidden => self.end(row, forbidden(&fault)),
                _ => self.end(row, fault.outcome()),
            }
        }
        if !again.is_empty() {
            self.steps.push_front(again);
        }
    }

    /// A refusal of the whole request.
    fn refused(&mut self, mut rows: Vec<Row>, fault: &Fault) {
        match fault.kind.reach() {
            Reach::Row if rows.len() > 1 => {
                rows.iter_mut().for_each(|row| row.refused = true);
                let second = rows.split_off(rows.len().div_ceil(2));
                self.steps.push_front(second);
                self.steps.push_front(rows);
            }
            Reach::Row => self.end_all(rows, &fault.outcome()),
            Reach::Call if fault.kind == Kind::GatewayTimeout => {
                self.end_all(rows, &fault.outcome());
                self.stop(&not_sent("UNAVAILABLE", fault.message.clone()));
            }
            Reach::Call | Reach::Connection => self.give_up(rows, &fault.outcome()),
        }
    }

    /// Ends a step and all that wait.
    fn give_up(&mut self, rows: Vec<Row>, outcome: &Outcome) {
        self.end_all(rows, outcome);
        self.stop(outcome);
    }

    fn end(&mut self, row: Row, outcome: Outcome) {
        // A job that is given back counts no attempt, and a batch that is always refused must not go on for ever.
        let outcome = match outcome {
            Outcome::NotStarted if row.refused || row.resent => not_sent(
                "UNFINISHED",
                "its batch was refused, and the lease was too short to find out for whose sake",
            ),
            outcome => outcome,
        };
        self.outcomes.insert(row.job_id, (outcome, row.calls));
    }

    fn end_all(&mut self, rows: Vec<Row>, outcome: &Outcome) {
        for row in rows {
            self.end(row, outcome.clone());
        }
    }

    /// Ends every row that waits.
    fn stop(&mut self, outcome: &Outcome) {
        for rows in std::mem::take(&mut self.steps) {
            self.end_all(rows, outcome);
        }
    }
}

fn forbidden(fault: &Fault) -> Outcome {
    Outcome::Rejected {
        code: "FORBIDDEN",
        message: fault.message.clone(),
        field: fault.field.clone(),
        hint: "Give the user that the app runs as the right to edit this lead, then sync it again."
            .to_owned(),
        vendor_code: fault.vendor_code.clone(),
    }
}
