//! Every limit of the doors, in one place.

use std::time::Duration;

/// What a door allows. The defaults are the documented limits; tests shorten them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one message, before and after decompression.
    pub message_bytes: usize,
    /// Deadline of calls that name none.
    pub default_deadline: Duration,
    /// Longest deadline; longer ones are read as this.
    pub max_deadline: Duration,
    /// Calls at work at the same time; more are refused with OVERLOADED.
    pub calls: usize,
    /// Calls of one key at work at the same time.
    pub calls_per_key: usize,
    /// Calls without a key (health, reflection) at work at the same time.
    pub open_calls: usize,
    /// Open streams without a key (watched health, reflection).
    pub open_streams: usize,
    /// Bytes of all request bodies held at the same time; what goes over is refused with OVERLOADED.
    pub body_bytes: usize,
    /// Bytes of all answers that are not read yet; calls whose answers go over are refused with OVERLOADED.
    pub answer_bytes: usize,
    /// Time that a peer has to read an answer, if its deadline is not later; what is left then is dropped.
    pub reading: Duration,
    /// Open connections; more are closed as they come.
    pub connections: usize,
    /// Open connections of one address.
    pub connections_per_address: usize,
    /// Streams of one HTTP/2 connection at the same time; more are refused with REFUSED_STREAM.
    pub streams: u32,
    /// Bytes of one request's header list.
    pub header_list_bytes: u32,
    /// Time from accepting a connection to its HTTP/2 preface or its first HTTP/1 head.
    pub opening: Duration,
    /// Time that an HTTP/1 connection may wait for its next head.
    pub http1_idle: Duration,
    /// Pause after which an HTTP/2 connection is pinged.
    pub keepalive_interval: Duration,
    /// Time that a peer has to answer a ping.
    pub keepalive_timeout: Duration,
    /// Age at which a connection is asked to close, ± 10 %, so that balancers spread connections anew.
    pub connection_age: Duration,
    /// Time that calls of an old connection have to end.
    pub connection_grace: Duration,
    /// Time that calls have to end when the process stops; what is left then is cut.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 4 * 1024 * 1024,
            default_deadline: Duration::from_secs(10),
            max_deadline: Duration::from_secs(60),
            calls: 1024,
            calls_per_key: 256,
            open_calls: 64,
            open_streams: 64,
            body_bytes: 64 * 1024 * 1024,
            answer_bytes: 64 * 1024 * 1024,
            reading: Duration::from_secs(30),
            connections: 1000,
            connections_per_address: 100,
            streams: 100,
            header_list_bytes: 16 * 1024,
            opening: Duration::from_secs(5),
            http1_idle: Duration::from_secs(75),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            connection_age: Duration::from_secs(30 * 60),
            connection_grace: Duration::from_secs(60),
            drain: Duration::from_secs(25),
        }
    }
}
