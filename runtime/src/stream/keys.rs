//! Names of streams and groups in Redis.
//!
//! The braces are literal: a hash tag, which keeps a destination's keys on one node of a Redis Cluster.

use std::fmt;

/// The consumer group of every stream.
pub const GROUP: &str = "connectors";

/// Where hints lead, such as a vendor's: a name of `[a-z0-9_]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Destination(&'static str);

/// How urgent a job is. Ordered: the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Somebody waits: a hot lead.
    Hot,
    /// Single captures and edits.
    Normal,
    /// Imports and re-scorings.
    Bulk,
}

impl Destination {
    /// Names a destination. Any other character than `[a-z0-9_]` would break the keys apart.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// Key of the stream of jobs in a lane.
    pub fn stream(self, lane: Lane) -> String {
        format!("leads:{{{self}}}:{lane}")
    }

    /// Key of the stream of connection tasks.
    pub fn tasks(self) -> String {
        format!("leads:{{{self}}}:tasks")
    }
}

impl Lane {
    /// All lanes, the most urgent first.
    pub const ALL: [Lane; 3] = [Lane::Hot, Lane::Normal, Lane::Bulk];

    /// The name in keys and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Lane::Hot => "hot",
            Lane::Normal => "normal",
            Lane::Bulk => "bulk",
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_destination_share_a_hash_tag() {
        let destination = Destination::new("testcrm");
        let keys = Lane::ALL.map(|lane| destination.stream(lane));
        assert_eq!(
            keys,
            [
                "leads:{testcrm}:hot",
                "leads:{testcrm}:normal",
                "leads:{testcrm}:bulk"
            ]
        );
        assert_eq!(destination.tasks(), "leads:{testcrm}:tasks");
    }
}
