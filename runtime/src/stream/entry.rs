//! What a stream entry says, and how it is written: version 1 is text fields `v`, then `job`, `gen`, `workspace`,
//! `traceparent`, or `task`, `workspace`.

use super::keys::{Destination, Lane};
use super::reply::Fields;

/// Version of the fields.
const VERSION: &str = "1";
/// Largest sum of field names and values, in bytes.
const LARGEST: usize = 200;
/// Longest id, in bytes.
const LONGEST_ID: usize = 64;
/// Length of a W3C traceparent of version 00.
const TRACEPARENT: usize = 55;

/// Something to look at, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Who is to look.
    pub destination: Destination,
    /// What at.
    pub body: Body,
}

/// What a hint is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A job, in its lane.
    Job(Lane, JobHint),
    /// A connection task.
    Task(TaskHint),
}

/// A job may be due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobHint {
    /// The job's id.
    pub job: String,
    /// Publication that this hint belongs to.
    pub generation: i64,
    /// Whose job it is; claims do not trust it.
    pub workspace: String,
    /// W3C trace context of the change; may be empty.
    pub traceparent: String,
}

/// A connection task may be due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskHint {
    /// The task's id.
    pub task: String,
    /// Whose task it is.
    pub workspace: String,
}

/// An entry that nobody can make sense of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed entry: {0}")]
pub struct Malformed(pub &'static str);

impl Hint {
    /// Key of the stream that the hint belongs on.
    pub fn stream(&self) -> String {
        match &self.body {
            Body::Job(lane, _) => self.destination.stream(*lane),
            Body::Task(_) => self.destination.tasks(),
        }
    }

    /// Names and values of the entry, 200 bytes at most. A trace context that is none is left out.
    ///
    /// # Errors
    /// An id is empty, too long or has other characters than letters, digits, `-` and `_`.
    pub fn encode(&self) -> Result<Vec<(&'static str, String)>, Malformed> {
        let mut fields = vec![("v", VERSION.to_owned())];
        match &self.body {
            Body::Job(_, hint) => {
                fields.push(("job", checked_id(&hint.job)?));
                fields.push(("gen", hint.generation.to_string()));
                fields.push(("workspace", checked_id(&hint.workspace)?));
                if hint.traceparent.len() == TRACEPARENT {
                    fields.push(("traceparent", hint.traceparent.clone()));
                }
            }
            Body::Task(hint) => {
                fields.push(("task", checked_id(&hint.task)?));
                fields.push(("workspace", checked_id(&hint.workspace)?));
            }
        }
        let size: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > LARGEST {
            Err(Malformed("longer than 200 bytes"))
        } else {
            Ok(fields)
        }
    }
}

impl JobHint {
    /// Reads an entry of a job stream.
    ///
    /// # Errors
    /// It is none of version 1.
    pub(super) fn decode(fields: &Fields) -> Result<Self, Malformed> {
        version(fields)?;
        let generation = text(fields, "gen")?
            .parse()
            .map_err(|_| Malformed("gen is no number"))?;
        let traceparent = text(fields, "traceparent").unwrap_or_default();
        let traceparent = if traceparent.len() == TRACEPARENT {
            traceparent.to_owned()
        } else {
            String::new()
        };
        Ok(Self {
            job: checked_id(text(fields, "job")?)?,
            generation,
            workspace: checked_id(text(fields, "workspace")?)?,
            traceparent,
        })
    }
}

impl TaskHint {
    /// Reads an entry of a task stream.
    ///
    /// # Errors
    /// It is none of version 1.
    pub(super) fn decode(fields: &Fields) -> Result<Self, Malformed> {
        version(fields)?;
        Ok(Self {
            task: checked_id(text(fields, "task")?)?,
            workspace: checked_id(text(fields, "workspace")?)?,
        })
    }
}

fn version(fields: &Fields) -> Result<(), Malformed> {
    if text(fields, "v")? == VERSION {
        Ok(())
    } else {
        Err(Malformed("unknown version"))
    }
}

fn text<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Malformed> {
    let value = fields
        .get(name.as_bytes())
        .ok_or(Malformed("a field is missing"))?;
    std::str::from_utf8(value).map_err(|_| Malformed("not UTF-8"))
}

fn checked_id(id: &str) -> Result<String, Malformed> {
    let fits = (1..=LONGEST_ID).contains(&id.len());
    let plain = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if fits && plain {
        Ok(id.to_owned())
    } else {
        Err(Malformed("an id is no id"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn as_read(fields: &[(&'static str, String)]) -> Fields {
        fields
            .iter()
            .map(|(name, text)| (name.as_bytes().to_vec(), text.clone().into_bytes()))
            .collect()
    }

    fn job() -> JobHint {
        JobHint {
            job: "01935a3c-7e3f-7d4c-b1f2-0a1b2c3d4e5f".into(),
            generation: i64::MAX,
            workspace: "01935a3c-7e3f-7d4c-b1f2-0a1b2c3d4e60".into(),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        }
    }

    #[test]
    fn a_hint_with_uuids_and_a_trace_fits_and_reads_back() {
        let destination = Destination::new("testcrm");
        let hint = Hint {
            destination,
            body: Body::Job(Lane::Hot, job()),
        };
        let fields = hint.encode().unwrap();
        assert_eq!(JobHint::decode(&as_read(&fields)), Ok(job()));
        assert_eq!(hint.stream(), "leads:{testcrm}:hot");

        let task = TaskHint {
            task: "t1".into(),
            workspace: "w1".into(),
        };
        let fields = Hint {
            destination,
            body: Body::Task(task.clone()),
        }
        .encode()
        .unwrap();
        assert_eq!(TaskHint::decode(&as_read(&fields)), Ok(task));
    }

    #[test]
    fn nothing_but_ids_gets_into_an_entry() {
        for id in ["", "ada@example.com", "a b", &"x".repeat(65)] {
            let hint = JobHint {
                workspace: id.to_owned(),
                ..job()
            };
            let hint = Hint {
                destination: Destination::new("testcrm"),
                body: Body::Job(Lane::Bulk, hint),
            };
            assert!(hint.encode().is_err(), "{id:?}");
        }
    }

    #[test]
    fn other_versions_and_missing_fields_are_malformed() {
        let hint = Hint {
            destination: Destination::new("testcrm"),
            body: Body::Job(Lane::Hot, job()),
        };
        let good = as_read(&hint.encode().unwrap());
        for name in ["v", "job", "gen", "workspace"] {
            let mut fields = good.clone();
            fields.remove(name.as_bytes());
            assert!(JobHint::decode(&fields).is_err(), "{name}");
            fields.insert(name.into(), b"\xff".to_vec());
            assert!(JobHint::decode(&fields).is_err(), "{name}");
        }
        let mut fields = good;
        fields.insert(b"v".to_vec(), b"2".to_vec());
        assert_eq!(JobHint::decode(&fields), Err(Malformed("unknown version")));
    }

    proptest! {
        #[test]
        fn any_entry_is_read_or_refused(fields in proptest::collection::hash_map(
            "v|job|gen|workspace|task|traceparent|x", proptest::collection::vec(any::<u8>(), 0..80), 0..7)) {
            let fields = fields.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
            let _ = JobHint::decode(&fields);
            let _ = TaskHint::decode(&fields);
        }
    }
}
