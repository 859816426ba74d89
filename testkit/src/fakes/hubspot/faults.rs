//! The script of a server: which fault meets which request.

use serde::{Deserialize, Serialize};

use super::fault::{Answer, Apply, Fault, FaultId};
use super::route::Route;
use crate::faults::tally;

/// A fault and what it has done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultView {
    /// Names it.
    pub id: FaultId,
    /// Requests it has met, skipped ones aside.
    pub hits: u64,
    /// False once `times` is used up.
    pub active: bool,
    /// The script.
    pub fault: Fault,
}

/// What the faults do to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub fault: Option<FaultId>,
    pub latency_ms: u64,
    pub jitter_ms: u64,
    pub apply: Apply,
    pub answer: Answer,
}

#[derive(Debug)]
struct Entry {
    id: FaultId,
    fault: Fault,
    seen: u64,
    hits: u64,
}

impl Entry {
    fn active(&self) -> bool {
        self.fault.times.is_none_or(|times| self.hits < times)
    }
}

/// The script of a server, in the order it was written; the first match decides, latencies add up.
#[derive(Debug, Default)]
pub(super) struct Faults {
    entries: Vec<Entry>,
    last_id: FaultId,
}

impl Faults {
    pub fn add(&mut self, fault: Fault) -> FaultId {
        self.last_id += 1;
        self.entries.push(Entry {
            id: self.last_id,
            fault,
            seen: 0,
            hits: 0,
        });
        self.last_id
    }

    /// False if there is no such fault.
    pub fn clear(&mut self, id: FaultId) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.id != id);
        before != self.entries.len()
    }

    pub fn clear_all(&mut self) {
        self.entries.clear();
    }

    pub fn views(&self) -> Vec<FaultView> {
        let view = |entry: &Entry| FaultView {
            id: entry.id,
            hits: entry.hits,
            active: entry.active(),
            fault: entry.fault.clone(),
        };
        self.entries.iter().map(view).collect()
    }

    /// None when nothing is scripted for the request.
    pub fn plan(&mut self, portal: Option<u64>, route: Route) -> Option<Plan> {
        let mut plan: Option<Plan> = None;
        for entry in &mut self.entries {
            let fault = &entry.fault;
            let decided = plan.as_ref().is_some_and(|plan| plan.fault.is_some());
            let matches = fault.portal.is_none_or(|id| Some(id) == portal)
                && fault.route.is_none_or(|wanted| wanted == route);
            if !matches || !entry.active() || (decided && !fault.is_only_latency()) {
                continue;
            }
            entry.seen += 1;
            if entry.seen <= fault.skip {
                continue;
            }
            entry.hits += 1;
            tally::note("calls to the vendor that were failed, delayed or cut");
            let plan = plan.get_or_insert(Plan {
                fault: None,
                latency_ms: 0,
                jitter_ms: 0,
                apply: Apply::Once,
                answer: Answer::Real,
            });
            plan.latency_ms += fault.latency_ms;
            plan.jitter_ms += fault.jitter_ms;
            if !fault.is_only_latency() {
                plan.fault = Some(entry.id);
                let unsaid = if fault.answer == Answer::Real {
                    Apply::Once
                } else {
                    Apply::Skip
                };
                plan.apply = fault.apply.unwrap_or(unsaid);
                plan.answer = fault.answer.clone();
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Faults;
    use crate::fakes::hubspot::fault::{Answer, Apply, Fault};
    use crate::fakes::hubspot::route::Route;

    #[test]
    fn a_counted_fault_skips_meets_and_ends() {
        let mut faults = Faults::default();
        faults.add(Fault::hang().route(Route::BatchUpsert).skip(1).times(2));
        let mut met = || faults.plan(None, Route::BatchUpsert).is_some();
        assert_eq!([met(), met(), met(), met()], [false, true, true, false]);
        assert!(faults.plan(None, Route::Search).is_none());
    }

    #[test]
    fn an_outage_lasts_until_it_is_cleared() {
        let mut faults = Faults::default();
        let id = faults.add(Fault::status(503).portal(7));
        assert!((0..50).all(|_| faults.plan(Some(7), Route::Get).is_some()));
        assert!(faults.plan(Some(8), Route::Get).is_none() && faults.plan(None, Route::Get).is_none());
        assert!(faults.clear(id) && !faults.clear(id));
        assert!(faults.plan(Some(7), Route::Get).is_none());
    }

    #[test]
    fn latency_combines_with_the_fault_that_decides() {
        let mut faults = Faults::default();
        faults.add(Fault::apply_then_cut());
        faults.add(Fault::status(500));
        faults.add(Fault::latency(Duration::from_millis(5), Duration::ZERO));
        let plan = faults.plan(None, Route::Get).unwrap();
        assert_eq!(
            (plan.latency_ms, plan.apply, plan.answer),
            (5, Apply::Once, Answer::Cut)
        );
    }

    #[test]
    fn a_script_can_be_written_as_json() {
        let text =
            r#"{"route":"batch_upsert","times":1,"apply":{"late_ms":40},"answer":{"status":{"status":504}}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert!(fault.check().is_ok() && fault.apply == Some(Apply::LateMs(40)));
        assert!(serde_json::from_str::<Fault>(r#"{"anwser":"hang"}"#).is_err());
        assert!(Fault::default().apply(Apply::LateMs(1)).check().is_err());
    }
}
