//! The mapping, whole: a lead in, a contact's properties out, one file each.

use std::collections::BTreeMap;
use std::path::Path;

use crm_hubspot::map::{Mapping, properties};
use leads_proto::leads::connector::v1::LeadSnapshot;
use leads_proto::leads::v1::{Band, Channel, Outcome, Stage};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    lead: Lead,
    #[serde(default)]
    mapping: BTreeMap<String, String>,
    properties: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Lead {
    lead_id: String,
    revision: i64,
    external_id: String,
    email: String,
    name: String,
    phone: String,
    company: String,
    title: String,
    stage: String,
    outcome: String,
    channel: String,
    score: i32,
    band: String,
    hot: bool,
    dimension_points: BTreeMap<String, i32>,
    captured_at: i64,
    owner: String,
}

impl Lead {
    fn snapshot(self) -> LeadSnapshot {
        let number = |value: Option<i32>, name: &str| value.unwrap_or_else(|| panic!("no such word: {name}"));
        LeadSnapshot {
            stage: number(
                Stage::from_str_name(&format!("STAGE_{}", self.stage)).map(i32::from),
                &self.stage,
            ),
            outcome: number(
                Outcome::from_str_name(&format!("OUTCOME_{}", self.outcome)).map(i32::from),
                &self.outcome,
            ),
            channel: number(
                Channel::from_str_name(&format!("CHANNEL_{}", self.channel)).map(i32::from),
                &self.channel,
            ),
            band: number(
                Band::from_str_name(&format!("BAND_{}", self.band)).map(i32::from),
                &self.band,
            ),
            lead_id: self.lead_id,
            revision: self.revision,
            external_id: self.external_id,
            email: self.email,
            name: self.name,
            phone: self.phone,
            company: self.company,
            title: self.title,
            score: self.score,
            hot: self.hot,
            dimension_points: self.dimension_points,
            captured_at: (self.captured_at > 0).then_some(prost_types::Timestamp {
                seconds: self.captured_at,
                nanos: 0,
            }),
            owner: self.owner,
        }
    }
}

fn check(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
        .with_extension("json");
    let case: Case = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let (mapping, problems) = Mapping::new(&case.mapping);
    assert_eq!(problems, []);
    assert_eq!(
        properties(&case.lead.snapshot(), &mapping),
        case.properties,
        "{name}"
    );
}

#[test]
fn a_hot_lead_with_everything() {
    check("hot_lead");
}

#[test]
fn a_lead_that_is_only_an_address_clears_nothing_but_our_own() {
    check("only_an_address");
}

#[test]
fn a_won_lead_is_a_customer() {
    check("won");
}

#[test]
fn a_lost_lead_keeps_its_lifecycle() {
    check("lost");
}

#[test]
fn a_connection_may_send_fields_elsewhere_or_nowhere() {
    check("own_mapping");
}
