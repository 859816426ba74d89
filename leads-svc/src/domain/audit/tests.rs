//! Every way to change a log is found, at its place.

use proptest::prelude::*;

use super::*;

const WORKSPACE: Uuid = Uuid::from_u128(7);

/// A log with its head and anchors.
#[derive(Debug, Clone, PartialEq)]
struct Log {
    entries: Vec<Entry>,
    head: Option<Anchor>,
    anchors: Vec<Anchor>,
}

fn key() -> ChainKey {
    ChainKey::new(&[9; 32])
}

fn written(count: i64) -> Log {
    let key = key();
    let mut log = Log {
        entries: Vec::new(),
        head: None,
        anchors: Vec::new(),
    };
    for n in 1..=count {
        let act = Act::new("key:abcdefghijkl", Action::LeadDeleted, format!("lead_{n:026}"))
            .with("n", n.to_string());
        let at = DateTime::from_timestamp_micros(1_795_000_000_000_000 + n).unwrap();
        let entry = key.extend(WORKSPACE, log.head.as_ref(), act, at);
        let anchor = Anchor {
            n,
            mac: entry.mac.clone(),
        };
        if n % ANCHOR_INTERVAL == 0 {
            log.anchors.push(anchor.clone());
        }
        log.head = Some(anchor);
        log.entries.push(entry);
    }
    log
}

fn verify(log: &Log) -> Result<Anchor, Fault> {
    let key = key();
    let mut verifier = Verifier::new(&key, WORKSPACE, log.anchors.clone());
    for entry in &log.entries {
        verifier.push(entry)?;
    }
    verifier.finish(log.head.as_ref())
}

/// What somebody with the database and without the key can do.
#[derive(Debug, Clone, Copy)]
enum Mutation {
    ByteOfText { field: usize, byte: usize, bit: u8 },
    Time { micros: i64 },
    Mac { byte: usize, bit: u8 },
    Delete,
    DeleteAndRenumber,
    SwapWith { other: usize, with_macs: bool },
    InsertCopy,
    CutTail { head_too: bool },
}

fn mutation() -> impl Strategy<Value = Mutation> {
    use Mutation::*;
    prop_oneof![
        (0usize..4, any::<usize>(), 0u8..7).prop_map(|(field, byte, bit)| ByteOfText { field, byte, bit }),
        (1i64..1_000_000).prop_map(|micros| Time { micros }),
        (0usize..32, 0u8..8).prop_map(|(byte, bit)| Mac { byte, bit }),
        Just(Delete),
        Just(DeleteAndRenumber),
        (any::<usize>(), any::<bool>()).prop_map(|(other, with_macs)| SwapWith { other, with_macs }),
        Just(InsertCopy),
        any::<bool>().prop_map(|head_too| CutTail { head_too }),
    ]
}

/// Flips a bit of an ASCII text so that it stays ASCII.
fn flip(text: &mut String, byte: usize, bit: u8) {
    let mut bytes = std::mem::take(text).into_bytes();
    let at = byte % bytes.len();
    bytes[at] ^= 1 << bit;
    *text = String::from_utf8(bytes).unwrap();
}

/// The number at which the mutation has to be found; `None` if it changed nothing that could be seen.
fn mutate(log: &mut Log, at: usize, mutation: Mutation) -> Option<i64> {
    let n = at as i64 + 1;
    let count = log.entries.len();
    match mutation {
        Mutation::ByteOfText { field, byte, bit } => {
            let entry = &mut log.entries[at];
            let text = [
                &mut entry.actor,
                &mut entry.action,
                &mut entry.subject,
                &mut entry.details,
            ]
            .into_iter()
            .nth(field)
            .unwrap();
            flip(text, byte, bit);
            Some(n)
        }
        Mutation::Time { micros } => {
            log.entries[at].at += chrono::TimeDelta::microseconds(micros);
            Some(n)
        }
        Mutation::Mac { byte, bit } => {
            log.entries[at].mac[byte] ^= 1 << bit;
            Some(n)
        }
        Mutation::Delete => {
            log.entries.remove(at);
            Some(n)
        }
        Mutation::DeleteAndRenumber => {
            log.entries.remove(at);
            for entry in &mut log.entries[at..] {
                entry.n -= 1;
            }
            Some(n)
        }
        Mutation::SwapWith { other, with_macs } => {
            let other = other % count;
            if other == at {
                return None;
            }
            log.entries.swap(at, other);
            let (low, high) = (at.min(other), at.max(other));
            log.entries[low].n = low as i64 + 1;
            log.entries[high].n = high as i64 + 1;
            if !with_macs {
                let mac = log.entries[low].mac.clone();
                log.entries[low].mac = std::mem::replace(&mut log.entries[high].mac, mac);
            }
            Some(low as i64 + 1)
        }
        Mutation::InsertCopy => {
            let mut copy = log.entries[at].clone();
            copy.subject.push('x');
            log.entries.insert(at, copy);
            for entry in &mut log.entries[at + 1..] {
                entry.n += 1;
            }
            Some(n)
        }
        Mutation::CutTail { head_too } => {
            log.entries.truncate(at);
            let newest_anchor = log.anchors.last().map_or(0, |anchor| anchor.n);
            if head_too {
                log.head = log.entries.last().map(|entry| Anchor {
                    n: entry.n,
                    mac: entry.mac.clone(),
                });
                // With the head set back, a cut above the newest anchor is not told by the database alone.
                if at as i64 >= newest_anchor && at > 0 {
                    return None;
                }
            }
            Some(n)
        }
    }
}

#[test]
fn a_log_that_nobody_touched_is_intact() {
    for count in [1, 99, 100, 101, 250] {
        assert_eq!(verify(&written(count)).unwrap().n, count);
    }
}

#[test]
fn a_log_without_entries_lacks_its_first() {
    assert_eq!(
        verify(&written(0)),
        Err(Fault {
            n: 1,
            problem: Problem::Missing
        })
    );
}

#[test]
fn a_log_of_another_workspace_or_key_is_none_of_ours() {
    let log = written(3);
    let (ours, other) = (key(), ChainKey::new(&[8; 32]));
    for mut verifier in [
        Verifier::new(&ours, Uuid::from_u128(8), []),
        Verifier::new(&other, WORKSPACE, []),
    ] {
        assert_eq!(
            verifier.push(&log.entries[0]),
            Err(Fault {
                n: 1,
                problem: Problem::Altered
            })
        );
    }
}

#[test]
fn an_anchor_from_the_log_finds_a_tail_that_was_cut_with_head_and_anchors() {
    let whole = written(250);
    let mut log = whole.clone();
    let told = log.anchors.pop().unwrap();
    log.entries.truncate(150);
    let last = log.entries.last().unwrap();
    log.head = Some(Anchor {
        n: last.n,
        mac: last.mac.clone(),
    });
    assert_eq!(verify(&log).unwrap().n, 150);
    log.anchors.push(told);
    assert_eq!(
        verify(&log),
        Err(Fault {
            n: 151,
            problem: Problem::Missing
        })
    );
}

#[test]
fn an_entry_beyond_the_head_was_inserted() {
    let mut log = written(120);
    let head = log.head.clone();
    log = written(121);
    log.head = head;
    assert_eq!(
        verify(&log),
        Err(Fault {
            n: 121,
            problem: Problem::Inserted
        })
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn every_mutation_is_found_at_its_place(count in 1i64..260, at in any::<prop::sample::Index>(), mutation in mutation()) {
        static WHOLE: std::sync::LazyLock<Log> = std::sync::LazyLock::new(|| written(260));
        let mut log = WHOLE.clone();
        log.entries.truncate(count as usize);
        log.anchors.retain(|anchor| anchor.n <= count);
        log.head = log.entries.last().map(|entry| Anchor { n: entry.n, mac: entry.mac.clone() });
        let before = log.clone();
        let found = mutate(&mut log, at.index(count as usize), mutation);
        match found {
            Some(n) => prop_assert_eq!(verify(&log).map_err(|fault| fault.n), Err(n), "{:?}", mutation),
            None => prop_assert!(verify(&log).is_ok(), "{:?}", mutation),
        }
        prop_assert!(found.is_none() || log != before);
    }
}
