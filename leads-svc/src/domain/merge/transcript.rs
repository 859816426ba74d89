//! One conversation out of those of several leads, for showing and for scoring.

use std::collections::HashSet;

use uuid::Uuid;

use crate::domain::capture::StoredMessage;

/// The messages of several leads in the order in which they were said, each with the lead that it came through.
/// Positions count anew; else as [`in_order`].
pub fn transcript(conversations: Vec<(Uuid, Vec<StoredMessage>)>) -> Vec<(Uuid, StoredMessage)> {
    in_order(conversations)
        .into_iter()
        .zip(0..)
        .map(|((lead, message), position)| (lead, StoredMessage { position, ..message }))
        .collect()
}

/// The messages of several leads in the order in which they were said, each with the lead that it came through and its
/// position there. Within one lead the order stays, whatever the times say. A message that came through two leads with
/// the same ids, time and words is one.
pub fn in_order(conversations: Vec<(Uuid, Vec<StoredMessage>)>) -> Vec<(Uuid, StoredMessage)> {
    let mut messages = Vec::new();
    for (lead, mut conversation) in conversations {
        conversation.sort_by_key(|message| message.position);
        let mut reached = None;
        for message in conversation {
            // A message is not said before the one above it, so that sorting by time keeps the order within a lead.
            let at = reached.map_or(message.at, |reached| message.at.max(reached));
            reached = Some(at);
            messages.push((at, lead, message));
        }
    }
    messages.sort_by_key(|(at, ..)| *at);
    let mut seen = HashSet::new();
    messages.retain(|(_, _, message)| {
        seen.insert((
            message.conversation_id.clone(),
            message.external_id.clone(),
            message.at,
            message.text.clone(),
        ))
    });
    messages
        .into_iter()
        .map(|(_, lead, message)| (lead, message))
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::domain::conversation::Role;

    fn message(position: i64, minute: i64, text: &str) -> StoredMessage {
        StoredMessage {
            external_id: format!("m{position}"),
            conversation_id: "chat".to_owned(),
            position,
            role: Role::Visitor,
            text: text.to_owned(),
            at: DateTime::UNIX_EPOCH + TimeDelta::minutes(minute),
        }
    }

    #[test]
    fn messages_are_in_the_order_of_saying_and_keep_their_lead() {
        let (ana, anita) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let one = vec![message(0, 1, "a"), message(1, 5, "c"), message(2, 2, "d")];
        let other = vec![message(0, 3, "b"), message(1, 9, "e")];
        let united = transcript(vec![(ana, one), (anita, other)]);
        let said: Vec<(Uuid, &str, i64)> = united
            .iter()
            .map(|(lead, message)| (*lead, message.text.as_str(), message.position))
            .collect();
        assert_eq!(
            said,
            [
                (ana, "a", 0),
                (anita, "b", 1),
                (ana, "c", 2),
                (ana, "d", 3),
                (anita, "e", 4)
            ]
        );
    }

    #[test]
    fn what_came_through_both_leads_is_evidence_once() {
        let both = || vec![message(0, 1, "We have 50k for this"), message(1, 2, "Call me")];
        let mut other = both();
        other[1].text = "Call me tomorrow".to_owned();
        let united = transcript(vec![(Uuid::from_u128(1), both()), (Uuid::from_u128(2), other)]);
        let texts: Vec<&str> = united.iter().map(|(_, message)| message.text.as_str()).collect();
        assert_eq!(texts, ["We have 50k for this", "Call me", "Call me tomorrow"]);
    }
}
