//! Enums of the wire and of the domain.

use leads_proto::leads::v1;

use crate::domain::{
    consent::{LawfulBasis, Standing},
    consent_policy::ConsentPolicy,
    conversation::Role,
    lead::{Channel, Outcome, Stage},
    member,
    plan::Plan,
    sync::{Provider, Status},
    violation::Violations,
};

macro_rules! words {
    ($($domain:ty, $wire:ty, $to:ident, $from:ident { $($one:ident = $other:ident,)+ })+) => {
        $(
            /// The value as sent.
            pub fn $to(value: $domain) -> $wire {
                match value { $(<$domain>::$one => <$wire>::$other),+ }
            }

            /// The value that was sent; unspecified is absent, an unknown number is a violation.
            pub fn $from(field: &str, number: i32, violations: &mut Violations) -> Option<$domain> {
                match <$wire>::try_from(number) {
                    $(Ok(<$wire>::$other) => Some(<$domain>::$one),)+
                    Ok(<$wire>::Unspecified) => None,
                    Err(_) => {
                        violations.add(field, format!("{number} is not a value of this field"));
                        None
                    }
                }
            }
        )+
    };
}

words! {
    Stage, v1::Stage, stage, read_stage {
        New = New, Contacted = Contacted, Qualified = Qualified, DemoBooked = DemoBooked, Opportunity = Opportunity,
        Closed = Closed,
    }
    Outcome, v1::Outcome, outcome, read_outcome { Won = Won, Lost = Lost, }
    Channel, v1::Channel, channel, read_channel {
        Widget = Widget, Whatsapp = Whatsapp, HostedPage = HostedPage, Email = Email, Slack = Slack,
        Telegram = Telegram, Discord = Discord, Api = Api, Import = Import,
    }
    LawfulBasis, v1::LawfulBasis, basis, read_basis {
        Consent = Consent, Contract = Contract, LegalObligation = LegalObligation, VitalInterests = VitalInterests,
        PublicTask = PublicTask, LegitimateInterests = LegitimateInterests,
    }
    ConsentPolicy, v1::ConsentPolicy, policy, read_policy {
        LegitimateInterest = LegitimateInterest, Required = Required,
    }
    Standing, v1::ConsentStanding, standing, read_standing {
        Given = Given, Expired = Expired, Refused = Refused, Withdrawn = Withdrawn,
    }
    Role, v1::MessageRole, role, read_role { Visitor = Visitor, Bot = Bot, Agent = Agent, }
    member::Role, v1::Role, member_role, read_member_role { Viewer = Viewer, Agent = Agent, Admin = Admin, }
    Plan, v1::Plan, plan, read_plan {
        Free = Free, Starter = Starter, Growth = Growth, Business = Business, Enterprise = Enterprise,
    }
    Provider, v1::Provider, provider, read_provider { Hubspot = Hubspot, Salesforce = Salesforce, }
    Status, v1::SyncStatus, status, read_status {
        NotConnected = NotConnected, BelowThreshold = BelowThreshold, Blocked = Blocked, Pending = Pending,
        Synced = Synced, Error = Error,
    }
}

/// The value of a field that must be set.
pub fn required<T>(field: &str, value: Option<T>, number: i32, violations: &mut Violations) -> Option<T> {
    if value.is_none() && number == 0 {
        violations.add(field, "is required");
    }
    value
}
