//! What the pipeline counts.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

use crate::stream::Lane;

const BATCH_BOUNDS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0];

pub(super) struct Instruments {
    outcomes: Counter<u64>,
    refusals: Counter<u64>,
    deferred: Counter<u64>,
    batch_size: Histogram<u64>,
}

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            outcomes: meter
                .u64_counter("leads.delivery.outcomes")
                .with_description("Jobs that were worked on, by lane and outcome.")
                .build(),
            refusals: meter
                .u64_counter("leads.delivery.claims_refused")
                .with_description("Hints whose job was not granted, by reason.")
                .build(),
            deferred: meter
                .u64_counter("leads.delivery.deferred")
                .with_description(
                    "Hints that were dropped since their account had no quota for long; they come again.",
                )
                .build(),
            batch_size: meter
                .u64_histogram("leads.delivery.batch_size")
                .with_description("Leads that were sent together, by lane.")
                .with_boundaries(BATCH_BOUNDS.to_vec())
                .build(),
        }
    }

    pub(super) fn outcome(&self, outcome: &'static str, lane: Lane) {
        self.outcomes.add(
            1,
            &[
                KeyValue::new("outcome", outcome),
                KeyValue::new("lane", lane.name()),
            ],
        );
    }

    pub(super) fn refusal(&self, refusal: &'static str) {
        self.refusals.add(1, &[KeyValue::new("refusal", refusal)]);
    }

    /// Hints that were dropped since their account had no quota for long.
    pub(super) fn deferred(&self, hints: usize) {
        self.deferred.add(u64::try_from(hints).unwrap_or(u64::MAX), &[]);
    }

    pub(super) fn batch(&self, size: usize, lane: Lane) {
        self.batch_size.record(
            u64::try_from(size).unwrap_or(u64::MAX),
            &[KeyValue::new("lane", lane.name())],
        );
    }
}
