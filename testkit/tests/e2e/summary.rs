//! What a run did to the product and what became of what was accepted, counted by the checker: a file beside the built
//! programs that `./test` prints at its end.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use leads_proto::leads::v1::Lead;
use leads_testkit::faults::tally;

/// Name of the file, beside the programs of this build.
const FILE: &str = "chaos.txt";

/// What became of an accepted lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// In the CRM once, with its newest revision.
    Delivered,
    /// Not in the CRM, and it says why.
    Told,
    /// Neither.
    Lost,
    /// In the CRM more than once.
    Doubled,
}

/// Revision and fate of every lead that was checked. A lead that is checked again counts as it was last seen.
static CHECKED: Mutex<BTreeMap<String, (i64, Fate)>> = Mutex::new(BTreeMap::new());

/// Counts leads and writes the summary anew.
pub fn note(leads: &[Lead], fate: impl Fn(&Lead) -> Fate) -> Result<()> {
    let mut checked = CHECKED.lock().unwrap_or_else(PoisonError::into_inner);
    checked.extend(
        leads
            .iter()
            .map(|lead| (lead.id.clone(), (lead.revision, fate(lead)))),
    );
    let me = env::current_exe().context("own path")?;
    let folder = me.parent().and_then(|deps| deps.parent()).context("own folder")?;
    fs::write(folder.join(FILE), text(&checked, &tally::all())).context("write the summary")
}

fn text(checked: &BTreeMap<String, (i64, Fate)>, faults: &BTreeMap<&str, u64>) -> String {
    let count = |wanted| checked.values().filter(|(_, fate)| *fate == wanted).count();
    let writes: i64 = checked.values().map(|(revision, _)| revision).sum();
    let mut text = format!("faults injected: {}\n", faults.values().sum::<u64>());
    for (kind, count) in faults {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {count} {kind}");
    }
    let _ = writeln!(
        text,
        "writes accepted: {writes}, on {} leads\n  {} leads in the CRM once with their newest write\n  {} leads not in \
         the CRM and told why\n  {} leads lost\n  {} leads doubled",
        checked.len(),
        count(Fate::Delivered),
        count(Fate::Told),
        count(Fate::Lost),
        count(Fate::Doubled),
    );
    text
}

#[test]
fn everything_is_counted() {
    let checked = [
        ("a", (3, Fate::Delivered)),
        ("b", (1, Fate::Told)),
        ("c", (2, Fate::Lost)),
        ("d", (1, Fate::Doubled)),
        ("e", (1, Fate::Delivered)),
    ];
    let checked = checked.map(|(id, seen)| (id.to_owned(), seen)).into();
    let faults = [("kills of Redis", 2), ("cut links", 1)].into();
    assert_eq!(
        text(&checked, &faults),
        "faults injected: 3\n  1 cut links\n  2 kills of Redis\nwrites accepted: 8, on 5 leads\n  2 leads in the CRM \
         once with their newest write\n  1 leads not in the CRM and told why\n  1 leads lost\n  1 leads doubled\n"
    );
}
