//! A contact who gave an email address and showed buying intent.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{contact::Seen, merge::State};

macro_rules! words {
    ($($(#[doc = $enum_doc:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+ })+) => {
        $(
            $(#[doc = $enum_doc])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
            pub enum $name { $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+ }

            impl $name {
                /// Every value, in order.
                pub const ALL: &[$name] = &[$($name::$variant),+];

                /// The word that storage and timelines use.
                pub const fn word(self) -> &'static str {
                    match self { $($name::$variant => $word),+ }
                }

                /// The value of that word.
                pub fn parse(word: &str) -> Option<Self> {
                    Self::ALL.iter().copied().find(|value| value.word() == word)
                }
            }
        )+
    };
}

words! {
    /// Where a lead stands in the sales process.
    Stage {
        /// Nobody has reacted yet.
        New = "new",
        /// Somebody reached out.
        Contacted = "contacted",
        /// Sales accepted it.
        Qualified = "qualified",
        /// A demo is booked.
        DemoBooked = "demo_booked",
        /// A deal exists in the CRM.
        Opportunity = "opportunity",
        /// Done, with an outcome.
        Closed = "closed",
    }
    /// How a lead was closed.
    Outcome {
        /// The person bought.
        Won = "won",
        /// The person did not.
        Lost = "lost",
    }
    /// Where a touch came from.
    Channel {
        /// Chat widget on a site.
        Widget = "widget",
        /// WhatsApp number.
        Whatsapp = "whatsapp",
        /// Page hosted by the product.
        HostedPage = "hosted_page",
        /// Mail inbox.
        Email = "email",
        /// Slack community or shared channel.
        Slack = "slack",
        /// Telegram bot.
        Telegram = "telegram",
        /// Discord bot.
        Discord = "discord",
        /// Another backend, directly.
        Api = "api",
        /// A file.
        Import = "import",
    }
}

/// The buying-intent signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What the person did.
    pub signal: String,
    /// Where or how; empty if not said.
    pub detail: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A lead's own fields, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Identifier.
    pub id: Uuid,
    /// The person.
    pub contact_id: Uuid,
    /// Where it stands.
    pub stage: Stage,
    /// Set exactly when the stage is closed.
    pub outcome: Option<Outcome>,
    /// When the stage last changed.
    pub stage_changed_at: DateTime<Utc>,
    /// 0 to 100.
    pub score: u8,
    /// Newest entry of its score history.
    pub score_id: Uuid,
    /// Newest signal.
    pub intent: Intent,
    /// First touch.
    pub channel: Channel,
    /// All touches, in order of first use.
    pub channels: Vec<Channel>,
    /// Sorted, without duplicates.
    pub tags: Vec<String>,
    /// Who works it; empty if nobody.
    pub owner: String,
    /// First capture.
    pub captured_at: DateTime<Utc>,
    /// Last event.
    pub last_activity_at: DateTime<Utc>,
    /// Changes so far, from 1.
    pub revision: i64,
    /// Changes so far of what a CRM may be sent, from 1.
    pub sync_revision: i64,
    /// The lead that it is shown as, since it was merged into it or into one that was.
    pub merged_into: Option<Uuid>,
    /// Its own state, if it shows more than that because it absorbed others.
    pub own: Option<Box<State>>,
}

impl Lead {
    /// Takes in what was seen of a contact that turned out to be the same person.
    pub fn take_in(&mut self, seen: Seen) {
        for channel in seen.channels {
            if !self.channels.contains(&channel) {
                self.channels.push(channel);
            }
        }
        if let Some(intent) = seen.intent.filter(|intent| intent.at >= self.intent.at) {
            self.intent = intent;
        }
    }

    /// Opaque version for compare-and-set.
    pub fn etag(&self) -> String {
        self.revision.to_string()
    }
}

/// Why a lead cannot move to a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransitionError {
    /// Closing needs an outcome.
    OutcomeMissing,
    /// Only a closed lead has an outcome.
    OutcomeWithoutClosing,
    /// A closed lead can be reopened, but is not new again.
    ClosedToNew,
}

/// Checks a move from one stage to another.
///
/// # Errors
/// The rule that forbids it.
pub fn check_transition(from: Stage, to: Stage, outcome: Option<Outcome>) -> Result<(), TransitionError> {
    match (from, to, outcome) {
        (_, Stage::Closed, None) => Err(TransitionError::OutcomeMissing),
        (_, Stage::Closed, Some(_)) => Ok(()),
        (_, _, Some(_)) => Err(TransitionError::OutcomeWithoutClosing),
        (Stage::Closed, Stage::New, None) => Err(TransitionError::ClosedToNew),
        (_, _, None) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_closes_with_an_outcome_and_only_then() {
        assert_eq!(
            check_transition(Stage::New, Stage::Closed, None),
            Err(TransitionError::OutcomeMissing)
        );
        assert_eq!(
            check_transition(Stage::New, Stage::Closed, Some(Outcome::Won)),
            Ok(())
        );
        assert_eq!(
            check_transition(Stage::New, Stage::Qualified, Some(Outcome::Won)),
            Err(TransitionError::OutcomeWithoutClosing)
        );
    }

    #[test]
    fn a_closed_lead_reopens_but_is_never_new_again() {
        assert_eq!(check_transition(Stage::Closed, Stage::Contacted, None), Ok(()));
        assert_eq!(
            check_transition(Stage::Closed, Stage::New, None),
            Err(TransitionError::ClosedToNew)
        );
    }
}
