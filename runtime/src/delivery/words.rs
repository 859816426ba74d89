//! Stages, channels and bands in the words that CRMs are sent.

use leads_proto::leads::v1;

/// A stage; closed ones with their outcome. None if it is not said.
pub fn stage(stage: v1::Stage, outcome: v1::Outcome) -> Option<&'static str> {
    match (stage, outcome) {
        (v1::Stage::Unspecified, _) => None,
        (v1::Stage::New, _) => Some("new"),
        (v1::Stage::Contacted, _) => Some("contacted"),
        (v1::Stage::Qualified, _) => Some("qualified"),
        (v1::Stage::DemoBooked, _) => Some("demo_booked"),
        (v1::Stage::Opportunity, _) => Some("opportunity"),
        (v1::Stage::Closed, v1::Outcome::Won) => Some("closed_won"),
        (v1::Stage::Closed, v1::Outcome::Lost) => Some("closed_lost"),
        (v1::Stage::Closed, v1::Outcome::Unspecified) => Some("closed"),
    }
}

/// A channel. None if it is not said.
pub fn channel(channel: v1::Channel) -> Option<&'static str> {
    match channel {
        v1::Channel::Unspecified => None,
        v1::Channel::Widget => Some("widget"),
        v1::Channel::Whatsapp => Some("whatsapp"),
        v1::Channel::HostedPage => Some("hosted_page"),
        v1::Channel::Email => Some("email"),
        v1::Channel::Slack => Some("slack"),
        v1::Channel::Telegram => Some("telegram"),
        v1::Channel::Discord => Some("discord"),
        v1::Channel::Api => Some("api"),
        v1::Channel::Import => Some("import"),
    }
}

/// A band. None without a score.
pub fn band(band: v1::Band) -> Option<&'static str> {
    match band {
        v1::Band::Unspecified => None,
        v1::Band::Cold => Some("cold"),
        v1::Band::Lukewarm => Some("lukewarm"),
        v1::Band::Warm => Some("warm"),
        v1::Band::Hot => Some("hot"),
    }
}
