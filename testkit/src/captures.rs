//! Captures to send: people who are plainly hot, warm or cold by BANT, with addresses that cannot exist.

use leads_proto::leads::v1::{
    Channel, CollectLeadRequest, Contact, IdealCustomer, Intent, Message, MessageRole, Settings,
};
use uuid::Uuid;

/// Settings that the captures are made for: a 50,000 EUR budget fits.
pub fn settings() -> Settings {
    let terms = ["chatbot", "customer support", "helpdesk", "lead management"];
    Settings {
        ideal_customer: Some(IdealCustomer {
            budget_min: Some(20_000),
            budget_max: Some(200_000),
            currency: "EUR".to_owned(),
            product_terms: terms.map(str::to_owned).to_vec(),
        }),
        ..Settings::default()
    }
}

/// Budget, authority, need and timing are all stated.
pub fn hot(email: &str) -> CollectLeadRequest {
    let said = "Our budget for a chatbot is 60,000 EUR a year. I am the CTO and I sign the contract myself. We need \
                to replace our helpdesk because it loses customers every day. We want to be live within two weeks.";
    capture(email, "CTO", "requested_demo", said)
}

/// Enough to sync by default, not enough to be hot.
pub fn warm(email: &str) -> CollectLeadRequest {
    let said = "We need a chatbot for customer support. Our budget is 30,000 EUR. I will discuss it with my \
                director; we would like to start next quarter.";
    capture(email, "Support manager", "asked_pricing", said)
}

/// Nothing but a look around: stays below the default sync threshold.
pub fn cold(email: &str) -> CollectLeadRequest {
    capture(email, "", "downloaded_content", "Just looking around, thanks.")
}

/// An address of the reserved domain, of its own per call.
pub fn address(name: &str) -> String {
    format!("{name}.{}@leads.example", Uuid::new_v4().simple())
}

fn capture(email: &str, title: &str, signal: &str, said: &str) -> CollectLeadRequest {
    CollectLeadRequest {
        request_id: Uuid::new_v4().to_string(),
        channel: Channel::Widget.into(),
        contact: Some(Contact {
            email: email.to_owned(),
            name: "Ana Ruiz".to_owned(),
            phone: "+34600000000".to_owned(),
            company: "Acme".to_owned(),
            title: title.to_owned(),
            ..Contact::default()
        }),
        intent: Some(Intent {
            signal: signal.to_owned(),
            detail: "pricing page".to_owned(),
            at: None,
        }),
        messages: vec![Message {
            id: "m1".to_owned(),
            role: MessageRole::Visitor.into(),
            text: said.to_owned(),
            ..Message::default()
        }],
        conversation_id: Uuid::new_v4().to_string(),
        ..CollectLeadRequest::default()
    }
}
