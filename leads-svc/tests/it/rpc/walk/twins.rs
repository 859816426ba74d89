//! Calls that differ only in that what is another workspace's is nobody's: their answers must not tell which is which.

use rand::rngs::StdRng;

use super::{
    calls::{Answer, Call},
    known::unlike,
};

/// Something of another workspace, and what stands in its place.
type Pair = (String, String);

/// The call with everything foreign replaced.
pub fn twin(call: &Call, foreign: &[String], random: &mut StdRng) -> (Call, Vec<Pair>) {
    let mut twin = call.clone();
    let pairs: Vec<Pair> = foreign
        .iter()
        .map(|value| (value.clone(), unlike(value, random)))
        .collect();
    for (from, to) in &pairs {
        twin.request = replaced(&twin.request, from.as_bytes(), to.as_bytes());
        twin.workspace = twin.workspace.map(|name| name.replace(from, to));
    }
    (twin, pairs)
}

/// What tells the two apart, if anything does.
pub fn difference(foreign: &Answer, unknown: &Answer, pairs: &[Pair]) -> Option<String> {
    if foreign.verdict != unknown.verdict {
        return Some(format!("{} but {}", foreign.verdict, unknown.verdict));
    }
    if foreign.is_ok {
        return None;
    }
    let back = pairs.iter().fold(unknown.seen.clone(), |seen, (from, to)| {
        replaced(&seen, to.as_bytes(), from.as_bytes())
    });
    (back != foreign.seen).then(|| {
        let texts = [&foreign.seen, &back].map(|seen| String::from_utf8_lossy(seen).into_owned());
        texts.join("\nbut\n")
    })
}

/// Both are of one length, so that a message stays one.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|window| window == from) {
        bytes[at + found..at + found + from.len()].copy_from_slice(to);
        at += found + from.len();
    }
    bytes
}
