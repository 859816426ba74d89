//! The delivery protocol as a state model: every order of steps and faults within small bounds, not only those that a
//! run happens to meet. The broken variants show that each rule is needed, and that the model would see its loss.
#![expect(
    clippy::indexing_slicing,
    reason = "steps are offered by the state that they are taken in"
)]

mod protocol;

use protocol::{Protocol, Rules};
use stateright::{Checker, Model};

/// Every state that the rules allow.
fn explored(rules: Rules) -> impl Checker<Protocol> {
    Protocol { rules }.checker().threads(2).spawn_bfs().join()
}

/// Whether a property is broken without a rule.
fn breaks(property: &str, rules: Rules) -> bool {
    explored(rules).discoveries().contains_key(property)
}

#[test]
fn every_accepted_revision_is_delivered_or_in_error_and_no_two_holders_count() {
    // Together with what has to be able to happen: a model in which nothing goes wrong proves nothing.
    explored(Rules::default()).assert_properties();
}

#[test]
fn without_the_check_of_the_lease_token_two_holders_count() {
    let rules = Rules {
        checks_token: false,
        ..Rules::default()
    };
    assert!(breaks(protocol::ONE_HOLDER, rules));
}

#[test]
fn without_the_sweeper_a_job_sticks() {
    let rules = Rules {
        sweeps: false,
        ..Rules::default()
    };
    assert!(breaks(protocol::SETTLED, rules));
}

#[test]
fn without_comparing_revisions_a_newer_one_is_lost() {
    let rules = Rules {
        compares_revisions: false,
        ..Rules::default()
    };
    assert!(breaks(protocol::SETTLED, rules));
}

#[test]
fn without_reading_back_a_late_write_leaves_an_old_revision() {
    let rules = Rules {
        verifies: false,
        ..Rules::default()
    };
    assert!(breaks(protocol::SETTLED, rules));
}
