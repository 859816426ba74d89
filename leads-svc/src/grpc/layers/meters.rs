//! How long calls take and how they end.

use std::time::Duration;

use http::HeaderMap;
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter},
};
use tonic::{Code, Status};

/// Upper bounds in seconds.
const BOUNDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// The instruments of calls.
#[derive(Debug, Clone)]
pub struct Meters {
    duration: Histogram<f64>,
}

impl Meters {
    /// Makes the instruments.
    pub fn new(meter: &Meter) -> Self {
        let duration = meter
            .f64_histogram("leads.calls.duration")
            .with_unit("s")
            .with_description("Time from a call's head to its answer's head, by method and status code.")
            .with_boundaries(BOUNDS.to_vec())
            .build();
        Self { duration }
    }

    /// Notes a call. Paths that are no methods count as one, so that callers cannot make up series.
    pub fn note(&self, method: Option<&'static str>, answer: &HeaderMap, took: Duration) {
        let code = answer
            .get(Status::GRPC_STATUS)
            .map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()));
        let method = method.map_or("unknown", |method| method.trim_start_matches('/'));
        let labels = [
            KeyValue::new("method", method),
            KeyValue::new("code", format!("{code:?}")),
        ];
        self.duration.record(took.as_secs_f64(), &labels);
    }
}
