//! Conversations.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{Store, crypto::WorkspaceKeys, entity::message, error::Result, rows, scope};
use crate::domain::{capture::StoredMessage, conversation::Role};

impl Store {
    /// A contact's messages from `position` on, at most `most`, oldest first.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn messages(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        contact_id: Uuid,
        position: i64,
        most: u64,
    ) -> Result<Vec<StoredMessage>> {
        let found = scope::select::<message::Entity>(workspace)
            .filter(message::Column::ContactId.eq(contact_id))
            .filter(message::Column::Position.gte(position))
            .order_by_asc(message::Column::Position)
            .limit(most)
            .all(self.reader())
            .await?;
        let sealed = found.iter().map(|row| row.sealed.as_slice());
        let keys = &self.secrets_for(keys, sealed).await?;
        found.into_iter().map(|row| rows::message(keys, row)).collect()
    }

    /// A contact's messages at these positions.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn messages_at(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        contact_id: Uuid,
        positions: Vec<i64>,
    ) -> Result<Vec<StoredMessage>> {
        let found = scope::select::<message::Entity>(workspace)
            .filter(message::Column::ContactId.eq(contact_id))
            .filter(message::Column::Position.is_in(positions))
            .all(self.reader())
            .await?;
        let sealed = found.iter().map(|row| row.sealed.as_slice());
        let keys = &self.secrets_for(keys, sealed).await?;
        found.into_iter().map(|row| rows::message(keys, row)).collect()
    }

    /// All messages of some contacts, each with its contact, as far as their order needs to be known: without words, but
    /// where several have the same ids and time.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn message_heads(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        contacts: &[Uuid],
    ) -> Result<Vec<(Uuid, StoredMessage)>> {
        let rows: Vec<(Uuid, String, String, i64, DateTime<Utc>)> =
            scope::select::<message::Entity>(workspace)
                .select_only()
                .columns([
                    message::Column::ContactId,
                    message::Column::ConversationId,
                    message::Column::ExternalId,
                    message::Column::Position,
                    message::Column::At,
                ])
                .filter(message::Column::ContactId.is_in(contacts.iter().copied()))
                .into_tuple()
                .all(self.reader())
                .await?;
        let mut heads = Vec::with_capacity(rows.len());
        let mut alike: HashMap<(String, String, DateTime<Utc>), Vec<usize>> = HashMap::new();
        for (index, (contact, conversation_id, external_id, position, at)) in rows.into_iter().enumerate() {
            let key = (conversation_id.clone(), external_id.clone(), at);
            alike.entry(key).or_default().push(index);
            let head = StoredMessage {
                external_id,
                conversation_id,
                position,
                role: Role::Visitor,
                text: String::new(),
                at,
            };
            heads.push((contact, head));
        }
        let mut doubtful: HashMap<Uuid, HashMap<i64, usize>> = HashMap::new();
        for index in alike.into_values().filter(|same| same.len() > 1).flatten() {
            if let Some((contact, head)) = heads.get(index) {
                doubtful.entry(*contact).or_default().insert(head.position, index);
            }
        }
        for (contact, places) in doubtful {
            let positions = places.keys().copied().collect();
            for message in self.messages_at(workspace, keys, contact, positions).await? {
                let index = places.get(&message.position);
                if let Some((_, head)) = index.and_then(|index| heads.get_mut(*index)) {
                    head.text = message.text;
                }
            }
        }
        Ok(heads)
    }
}
