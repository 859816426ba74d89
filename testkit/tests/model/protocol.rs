//! One lead, one destination: a writer, a publisher, a stream that may be wiped, two connectors with leases, a vendor
//! that carries a write out whenever it likes.
//!
//! Steps are as small as what a crash can separate. Time is not counted: what time guarantees (a lease ends once its
//! holder is dead, a read-back comes after every write of a lost lease) is a condition of the step. Faults of all kinds
//! share one small allowance; without it the space has no end.

use stateright::{Model, Property};

/// Newest revision that the writer makes.
const REVISIONS: u8 = 2;
/// Faults of any kind in one run.
const FAULTS: u8 = 2;

/// At rest the vendor has the newest revision, or the job is in error.
pub const SETTLED: &str = "what was accepted is delivered or in error";
/// A report counts only from the holder of the lease.
pub const ONE_HOLDER: &str = "of two holders at most one counts";

/// The protocol, whole or with a rule left out.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub rules: Rules,
}

/// Rules that can be left out, to see that they are needed.
#[derive(Debug, Clone)]
pub struct Rules {
    /// A report counts only with the token of the lease.
    pub checks_token: bool,
    /// Lost hints and lost leases are owed again.
    pub sweeps: bool,
    /// A delivery of an older revision than the wanted one leaves the job owed.
    pub compares_revisions: bool,
    /// A delivery after an unknown outcome is read back.
    pub verifies: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            checks_token: true,
            sweeps: true,
            compares_revisions: true,
            verifies: true,
        }
    }
}

/// Everything that lasts, and what the processes hold in memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    job: Job,
    /// Publication that was marked in the database and is not on the stream yet: the publisher's memory.
    marked: Option<u8>,
    /// Publications on the stream, being read or not.
    stream: Vec<u8>,
    connectors: [Connector; 2],
    /// Writes that were sent and not carried out: of which lease, which revision.
    under_way: Vec<(u8, u8)>,
    /// Revision that the vendor has; 0 is no record.
    vendor: u8,
    /// Tokens given out so far.
    tokens: u8,
    /// Leases that the sweeper took away, a bit each.
    lost: u32,
    /// Leases whose report counted, a bit each.
    counted: u32,
    faults: u8,
}

/// The row of `sync_jobs`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Job {
    state: JobState,
    wanted: u8,
    claimed: u8,
    synced: u8,
    generation: u8,
    token: Option<u8>,
    reported: Option<u8>,
    unknown: bool,
    verifying: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum JobState {
    Pending,
    Published,
    Running,
    Done,
    Dead,
}

/// What a connector is doing, with the hint that it will acknowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Connector {
    Idle,
    Read {
        hint: u8,
    },
    Claimed {
        hint: u8,
        token: u8,
        revision: u8,
        verify: bool,
    },
    Sent {
        hint: u8,
        token: u8,
    },
    Answered {
        hint: u8,
        token: u8,
        outcome: Outcome,
    },
    Reported {
        hint: u8,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Outcome {
    Delivered,
    Verified(u8),
    Rejected,
    Unknown,
}

/// A step of somebody. Numbers are the connector's, or the place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Write,
    Mark,
    Add,
    SweepHint,
    SweepLease,
    Read(usize, usize),
    Claim(usize),
    Send(usize),
    ReadBack(usize),
    CarryOut(usize),
    Report(usize),
    Acknowledge(usize),
    // Faults.
    CrashPublisher,
    CrashConnector(usize),
    WipeStream,
    LoseAcknowledgement(usize),
    LoseAnswer(usize),
    Reject(usize),
    TimeOut(usize),
    OutliveHint,
    OutliveLease,
}

impl Action {
    fn is_fault(self) -> bool {
        matches!(
            self,
            Action::CrashPublisher
                | Action::CrashConnector(_)
                | Action::WipeStream
                | Action::LoseAcknowledgement(_)
                | Action::LoseAnswer(_)
                | Action::Reject(_)
                | Action::TimeOut(_)
                | Action::OutliveHint
                | Action::OutliveLease
        )
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            job: Job {
                state: JobState::Pending,
                wanted: 1,
                claimed: 0,
                synced: 0,
                generation: 0,
                token: None,
                reported: None,
                unknown: false,
                verifying: false,
            },
            marked: None,
            stream: Vec::new(),
            connectors: [Connector::Idle; 2],
            under_way: Vec::new(),
            vendor: 0,
            tokens: 0,
            lost: 0,
            counted: 0,
            faults: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let job = &state.job;
        let mut offer = |holds: bool, action: Action| {
            if holds && (!action.is_fault() || state.faults < FAULTS) {
                actions.push(action);
            }
        };
        offer(job.wanted < REVISIONS, Action::Write);
        offer(state.is_due() && state.marked.is_none(), Action::Mark);
        offer(state.marked.is_some(), Action::Add);
        offer(state.marked.is_some(), Action::CrashPublisher);
        offer(!state.stream.is_empty(), Action::WipeStream);

        let is_published = job.state == JobState::Published;
        let is_running = job.state == JobState::Running;
        offer(
            self.rules.sweeps && is_published && !state.is_heard(),
            Action::SweepHint,
        );
        offer(
            self.rules.sweeps && is_published && state.is_heard(),
            Action::OutliveHint,
        );
        offer(
            self.rules.sweeps && is_running && !state.is_held(),
            Action::SweepLease,
        );
        offer(
            self.rules.sweeps && is_running && state.is_held(),
            Action::OutliveLease,
        );

        for place in 0..state.under_way.len() {
            offer(true, Action::CarryOut(place));
        }
        for (number, connector) in state.connectors.iter().enumerate() {
            offer(*connector != Connector::Idle, Action::CrashConnector(number));
            match connector {
                Connector::Idle => {
                    for (place, hint) in state.stream.iter().enumerate() {
                        let is_taken = state.connectors.iter().any(|other| other.hint() == Some(*hint));
                        offer(!is_taken, Action::Read(number, place));
                    }
                }
                Connector::Read { .. } => offer(true, Action::Claim(number)),
                Connector::Claimed { verify: true, .. } => offer(true, Action::ReadBack(number)),
                Connector::Claimed { .. } => {
                    offer(true, Action::Send(number));
                    offer(true, Action::Reject(number));
                }
                Connector::Sent { .. } => offer(true, Action::TimeOut(number)),
                Connector::Answered { .. } => {
                    offer(true, Action::Report(number));
                    offer(true, Action::LoseAnswer(number));
                }
                Connector::Reported { .. } => {
                    offer(true, Action::Acknowledge(number));
                    offer(true, Action::LoseAcknowledgement(number));
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        state.faults += u8::from(action.is_fault());
        self.step(&mut state, action);
        // Connectors are alike, and so are orders of what lies about.
        state.connectors.sort_unstable();
        state.stream.sort_unstable();
        state.under_way.sort_unstable();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(SETTLED, |model: &Protocol, state: &State| {
                let mut actions = Vec::new();
                model.actions(state, &mut actions);
                let at_rest = actions.iter().all(|action| action.is_fault());
                let delivered = state.job.state == JobState::Done && state.vendor == state.job.wanted;
                !at_rest || delivered || state.job.state == JobState::Dead
            }),
            Property::always(ONE_HOLDER, |_, state: &State| state.lost & state.counted == 0),
            Property::sometimes("a lost lease is reported on", |_, state: &State| {
                let lost = |token: u8| state.lost & (1 << token) != 0;
                let stale = |connector: &Connector| matches!(connector, Connector::Answered { token, .. } if lost(*token));
                state.connectors.iter().any(stale)
            }),
            Property::sometimes(
                "a late write puts an old revision over a new one",
                |_, state: &State| state.job.synced == REVISIONS && (1..REVISIONS).contains(&state.vendor),
            ),
            Property::sometimes("a job is in error", |_, state: &State| {
                state.job.state == JobState::Dead && state.job.wanted == REVISIONS
            }),
            Property::sometimes("all is delivered after two faults", |_, state: &State| {
                state.faults == FAULTS && state.job.state == JobState::Done && state.vendor == REVISIONS
            }),
        ]
    }
}

impl Protocol {
    fn step(&self, state: &mut State, action: Action) {
        match action {
            Action::Write => {
                state.job.wanted += 1;
                state.job.verifying = false;
                if matches!(state.job.state, JobState::Done | JobState::Dead) {
                    state.job.state = JobState::Pending;
                }
            }
            Action::Mark => {
                state.job.state = JobState::Published;
                state.job.generation += 1;
                state.marked = Some(state.job.generation);
            }
            Action::Add => state.stream.extend(state.marked.take()),
            Action::CrashPublisher => state.marked = None,
            Action::WipeStream => state.stream.clear(),
            Action::SweepHint | Action::OutliveHint => state.job.state = JobState::Pending,
            Action::SweepLease | Action::OutliveLease => {
                if let Some(token) = state.job.token.take() {
                    state.lost |= 1 << token;
                }
                state.job.unknown = true;
                state.job.state = JobState::Pending;
            }
            Action::CarryOut(place) => {
                let (token, revision) = state.under_way.remove(place);
                state.vendor = revision;
                for connector in &mut state.connectors {
                    if let Connector::Sent { hint, token: waiting } = *connector
                        && waiting == token
                    {
                        let outcome = Outcome::Delivered;
                        *connector = Connector::Answered { hint, token, outcome };
                    }
                }
            }
            Action::Read(number, place) => {
                let hint = state.stream[place];
                state.connectors[number] = Connector::Read { hint };
            }
            // What it held is read again: the entry stays on the stream until it is acknowledged.
            Action::CrashConnector(number) => state.connectors[number] = Connector::Idle,
            Action::Claim(number)
            | Action::Send(number)
            | Action::ReadBack(number)
            | Action::Report(number)
            | Action::Acknowledge(number)
            | Action::LoseAcknowledgement(number)
            | Action::LoseAnswer(number)
            | Action::Reject(number)
            | Action::TimeOut(number) => {
                let next = self.connector_step(state, state.connectors[number], action);
                state.connectors[number] = next;
            }
        }
    }

    fn connector_step(&self, state: &mut State, connector: Connector, action: Action) -> Connector {
        match (connector, action) {
            (Connector::Read { hint }, _) => state.claim(hint),
            (
                Connector::Claimed {
                    hint,
                    token,
                    revision,
                    ..
                },
                Action::Send(_),
            ) => {
                state.under_way.push((token, revision));
                Connector::Sent { hint, token }
            }
            (Connector::Claimed { hint, token, .. }, Action::Reject(_)) => Connector::Answered {
                hint,
                token,
                outcome: Outcome::Rejected,
            },
            (Connector::Claimed { hint, token, .. }, _) => Connector::Answered {
                hint,
                token,
                outcome: Outcome::Verified(state.vendor),
            },
            (Connector::Sent { hint, token }, _) => Connector::Answered {
                hint,
                token,
                outcome: Outcome::Unknown,
            },
            (Connector::Answered { hint, token, outcome }, action) => {
                self.report(state, token, outcome);
                match action {
                    // The answer is lost: the same report comes again.
                    Action::LoseAnswer(_) => Connector::Answered { hint, token, outcome },
                    _ => Connector::Reported { hint },
                }
            }
            (Connector::Reported { hint }, action) => {
                // An acknowledgement that Redis loses leaves the entry to be read again.
                if matches!(action, Action::Acknowledge(_)) {
                    state.acknowledge(hint);
                }
                Connector::Idle
            }
            (Connector::Idle, _) => Connector::Idle,
        }
    }

    fn report(&self, state: &mut State, token: u8, outcome: Outcome) {
        let job = &mut state.job;
        if job.reported == Some(token) {
            return;
        }
        if self.rules.checks_token && job.token != Some(token) {
            job.unknown = true;
            if job.state == JobState::Done {
                job.state = JobState::Pending;
                job.verifying = true;
            }
            return;
        }
        state.counted |= 1 << token;
        job.token = None;
        job.reported = Some(token);
        let newer = self.rules.compares_revisions && job.wanted > job.claimed;
        match outcome {
            Outcome::Delivered => {
                job.synced = job.claimed;
                job.verifying = !newer && job.unknown && self.rules.verifies;
                let is_done = !newer && !job.verifying;
                job.state = if is_done {
                    JobState::Done
                } else {
                    JobState::Pending
                };
            }
            Outcome::Verified(revision) => {
                job.unknown = false;
                job.verifying = false;
                if revision >= job.synced && revision > 0 && !newer {
                    job.state = JobState::Done;
                } else {
                    job.synced = revision;
                    job.state = JobState::Pending;
                }
            }
            Outcome::Rejected => {
                job.state = if newer { JobState::Pending } else { JobState::Dead };
            }
            Outcome::Unknown => {
                job.unknown = true;
                job.state = JobState::Pending;
            }
        }
    }
}

impl State {
    /// Whether the publisher takes the job now. A read-back waits so long that every write of a lost lease, sent or about
    /// to be sent, has been carried out.
    fn is_due(&self) -> bool {
        let may_still_write = |connector: &Connector| matches!(connector, Connector::Claimed { token, .. } if self.lost & (1 << token) != 0);
        let is_late = self.under_way.is_empty() && !self.connectors.iter().any(may_still_write);
        self.job.state == JobState::Pending && (!self.job.verifying || is_late)
    }

    /// Whether the newest hint is on its way to a claim.
    fn is_heard(&self) -> bool {
        let hint = self.job.generation;
        let read = |connector: &Connector| *connector == Connector::Read { hint };
        self.marked == Some(hint) || self.stream.contains(&hint) || self.connectors.iter().any(read)
    }

    /// Whether the lease's holder lives.
    fn is_held(&self) -> bool {
        self.connectors
            .iter()
            .any(|connector| connector.token() == self.job.token && self.job.token.is_some())
    }

    fn claim(&mut self, hint: u8) -> Connector {
        let job = &mut self.job;
        if job.state != JobState::Published || job.generation != hint {
            self.acknowledge(hint);
            return Connector::Idle;
        }
        let token = self.tokens;
        self.tokens += 1;
        job.state = JobState::Running;
        job.token = Some(token);
        job.claimed = job.wanted;
        Connector::Claimed {
            hint,
            token,
            revision: job.wanted,
            verify: job.verifying,
        }
    }

    fn acknowledge(&mut self, hint: u8) {
        self.stream.retain(|entry| *entry != hint);
    }
}

impl Connector {
    fn hint(self) -> Option<u8> {
        match self {
            Connector::Idle => None,
            Connector::Read { hint }
            | Connector::Claimed { hint, .. }
            | Connector::Sent { hint, .. }
            | Connector::Answered { hint, .. }
            | Connector::Reported { hint } => Some(hint),
        }
    }

    fn token(self) -> Option<u8> {
        match self {
            Connector::Claimed { token, .. }
            | Connector::Sent { token, .. }
            | Connector::Answered { token, .. } => Some(token),
            Connector::Idle | Connector::Read { .. } | Connector::Reported { .. } => None,
        }
    }
}
