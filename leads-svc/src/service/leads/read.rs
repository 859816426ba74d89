//! Leads, their conversations, timelines and scores.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use uuid::Uuid;

use super::page::{List, Page};
use crate::{
    domain::{
        activity::{Activity, Kind},
        capture::StoredMessage,
        consent::{Consent, Standing},
        contact::Contact,
        lead::Lead,
        merge::in_order,
        page::{LeadCursor, LeadQuery},
        plan::Entitlement,
        score::Score,
    },
    service::{
        core::{Core, Facts},
        error::{Error, Result},
        plan,
        principal::{Principal, Scope},
        view::LeadView,
    },
    storage::leads::{Listing, Record, Shown},
};

/// Consents shown with a lead of a list: none, a page would need a query each.
const CONSENTS_IN_LISTS: Vec<Consent> = Vec::new();

impl Core {
    /// One lead.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn get_lead(&self, principal: &Principal, id: Uuid) -> Result<LeadView> {
        let facts = self.readable(principal).await?;
        let view = self.view(&facts, id).await?;
        self.note_read(principal, &facts, "GetLead", 1);
        Ok(view)
    }

    /// A page of leads.
    ///
    /// # Errors
    /// As [`get_lead`](Self::get_lead), those of page tokens, `PLAN_REQUIRED` for a query by score or a written filter.
    pub async fn list_leads(
        &self,
        principal: &Principal,
        query: &LeadQuery,
        size: u64,
        token: &str,
    ) -> Result<Page<LeadView>> {
        let facts = self.queryable(principal, query).await?;
        let now = self.store.clock().now();
        let list = List::new(&facts, "ListLeads", query, size, now);
        let cursor = list.cursor::<LeadCursor>(token)?;
        let connected = facts.connected();
        let listing = Listing {
            workspace: &facts.workspace,
            keys: &facts.keys,
            query,
            connected: &connected,
            as_of: cursor.as_ref().map_or(now, |cursor| cursor.as_of),
        };
        let records = self
            .store
            .list_leads(&listing, cursor.as_ref(), list.rows())
            .await?;
        let page = list.page(
            records,
            |record| attribute_bytes(&record.contact),
            |record| query.order.cursor(&record.subject(&[]), listing.as_of),
        )?;
        self.note_read(principal, &facts, "ListLeads", page.items.len());
        let standings = self
            .store
            .standings(
                facts.workspace.id,
                &page.items.iter().map(|record| &record.lead).collect::<Vec<_>>(),
                &facts.workspace.settings.consent_purpose,
            )
            .await?;
        Ok(page.map(|record| {
            let holds = standings.get(&record.lead.id).copied();
            LeadView::new(record, CONSENTS_IN_LISTS, holds, &facts)
        }))
    }

    /// How many leads a list has on all its pages, counted up to `most`.
    ///
    /// # Errors
    /// As [`list_leads`](Self::list_leads).
    pub async fn count_leads(&self, principal: &Principal, query: &LeadQuery, most: u64) -> Result<u64> {
        let facts = self.queryable(principal, query).await?;
        let listing = Listing {
            workspace: &facts.workspace,
            keys: &facts.keys,
            query,
            connected: &facts.connected(),
            as_of: self.store.clock().now(),
        };
        Ok(self.store.count_leads(&listing, most).await?)
    }

    /// A page of a lead's conversation, oldest first.
    ///
    /// # Errors
    /// As [`list_leads`](Self::list_leads).
    pub async fn list_conversation(
        &self,
        principal: &Principal,
        id: Uuid,
        size: u64,
        token: &str,
    ) -> Result<Page<StoredMessage>> {
        let facts = self.readable(principal).await?;
        let list = List::new(&facts, "ListConversation", &id, size, self.store.clock().now());
        let from = list.cursor::<i64>(token)?.unwrap_or_default();
        let shown = self.shown(&facts, id).await?;
        let messages = if shown.has_absorbed {
            self.united_messages(&facts, shown.lead, from, list.rows())
                .await?
        } else {
            self.store
                .messages(facts.workspace.id, &facts.keys, shown.contact, from, list.rows())
                .await?
        };
        self.note_read(principal, &facts, "ListConversation", 1);
        list.page(
            messages,
            |message| message.text.len(),
            |message| message.position + 1,
        )
    }

    /// A page of a lead's timeline, newest first.
    ///
    /// # Errors
    /// As [`list_leads`](Self::list_leads).
    pub async fn list_activities(
        &self,
        principal: &Principal,
        id: Uuid,
        size: u64,
        token: &str,
    ) -> Result<Page<Activity>> {
        let facts = self.readable(principal).await?;
        let list = List::new(&facts, "ListActivities", &id, size, self.store.clock().now());
        let before = list.cursor::<Uuid>(token)?;
        let leads = self.leads_shown_as(&facts, id).await?;
        let activities = self
            .store
            .activities(facts.workspace.id, &facts.keys, &leads, before, list.rows())
            .await?;
        self.note_read(principal, &facts, "ListActivities", 1);
        let mut page = list.page(activities, activity_bytes, |activity| activity.id)?;
        if !facts.workspace.plan.allows(Entitlement::Scoring) {
            page.items.retain(|activity| activity.kind != Kind::Scored.word());
        }
        Ok(page)
    }

    /// A page of a lead's scores, newest first.
    ///
    /// # Errors
    /// As [`list_leads`](Self::list_leads), `PLAN_REQUIRED`.
    pub async fn list_scores(
        &self,
        principal: &Principal,
        id: Uuid,
        size: u64,
        token: &str,
    ) -> Result<Page<Score>> {
        let facts = self.readable(principal).await?;
        facts.require(Entitlement::Scoring)?;
        let list = List::new(&facts, "ListScores", &id, size, self.store.clock().now());
        let before = list.cursor::<Uuid>(token)?;
        let leads = self.leads_shown_as(&facts, id).await?;
        let scores = self
            .store
            .scores(facts.workspace.id, &facts.keys, &leads, before, list.rows())
            .await?;
        self.note_read(principal, &facts, "ListScores", 1);
        let page = list.page(scores, |(_, score)| score_bytes(score), |(id, _)| *id)?;
        Ok(page.map(|(_, score)| score))
    }

    /// Facts of a workspace whose plan has what the query needs.
    async fn queryable(&self, principal: &Principal, query: &LeadQuery) -> Result<Arc<Facts>> {
        let facts = self.readable(principal).await?;
        if query.names_score() {
            facts.require(Entitlement::Scoring)?;
        }
        if query.is_written {
            facts.require(Entitlement::AdvancedFilters)?;
        }
        Ok(facts)
    }

    async fn readable(&self, principal: &Principal) -> Result<Arc<Facts>> {
        principal.require(Scope::LeadsRead)?;
        self.facts(principal.workspace()?).await
    }

    pub(in crate::service) async fn shown(&self, facts: &Facts, lead: Uuid) -> Result<Shown> {
        let found = self.store.find_shown(facts.workspace.id, lead).await?;
        found.ok_or_else(|| Error::not_found("lead"))
    }

    /// The lead that a lead is shown as, and all that are shown as it.
    pub(in crate::service) async fn leads_shown_as(&self, facts: &Facts, lead: Uuid) -> Result<Vec<Uuid>> {
        let shown = self.shown(facts, lead).await?;
        if shown.has_absorbed {
            Ok(self.store.leads_shown_as(facts.workspace.id, shown.lead).await?)
        } else {
            Ok(vec![shown.lead])
        }
    }

    pub(in crate::service) async fn united_messages(
        &self,
        facts: &Facts,
        lead: Uuid,
        from: i64,
        most: u64,
    ) -> Result<Vec<StoredMessage>> {
        let (workspace, keys) = (facts.workspace.id, &facts.keys);
        let group = self.silent_group_of(facts, lead).await?;
        let contacts: HashMap<Uuid, Uuid> = group
            .members
            .iter()
            .map(|(lead, member)| (*lead, member.contact.id))
            .collect();
        let of_contacts: Vec<Uuid> = contacts.values().copied().collect();
        let mut heads: HashMap<Uuid, Vec<StoredMessage>> = HashMap::new();
        for (contact, head) in self.store.message_heads(workspace, keys, &of_contacts).await? {
            heads.entry(contact).or_default().push(head);
        }
        let leads = group.tree.leads().into_iter();
        let conversations = leads.map(|(lead, _)| {
            let contact = contacts.get(&lead);
            (
                lead,
                contact
                    .and_then(|contact| heads.remove(contact))
                    .unwrap_or_default(),
            )
        });
        let mut page: HashMap<Uuid, BTreeMap<i64, i64>> = HashMap::new();
        let from_index = usize::try_from(from).unwrap_or_default();
        let ordered = in_order(conversations.collect())
            .into_iter()
            .skip(from_index)
            .zip(from.max(0)..);
        for ((lead, head), position) in ordered.take(usize::try_from(most).unwrap_or(usize::MAX)) {
            if let Some(contact) = contacts.get(&lead) {
                page.entry(*contact).or_default().insert(head.position, position);
            }
        }
        let mut messages = Vec::new();
        for (contact, places) in page {
            let own = places.keys().copied().collect();
            for message in self.store.messages_at(workspace, keys, contact, own).await? {
                if let Some(position) = places.get(&message.position).copied() {
                    messages.push(StoredMessage { position, ..message });
                }
            }
        }
        messages.sort_unstable_by_key(|message| message.position);
        Ok(messages)
    }

    pub(super) async fn record(&self, facts: &Facts, id: Uuid) -> Result<Record> {
        let (workspace, keys) = (facts.workspace.id, &facts.keys);
        let mut found = self.store.find_lead(workspace, keys, id).await?;
        if let Some(root) = found.as_ref().and_then(|found| found.lead.merged_into) {
            found = self.store.find_lead(workspace, keys, root).await?;
        }
        found.ok_or_else(|| Error::not_found("lead"))
    }

    /// What holds for the workspace's consent purpose.
    pub(super) async fn standing(&self, facts: &Facts, lead: &Lead) -> Result<Option<Standing>> {
        let purpose = &facts.workspace.settings.consent_purpose;
        let workspace = facts.workspace.id;
        let standings = self.store.standings(workspace, &[lead], purpose).await?;
        Ok(standings.get(&lead.id).copied())
    }

    pub(in crate::service) async fn view(&self, facts: &Facts, id: Uuid) -> Result<LeadView> {
        let record = self.record(facts, id).await?;
        let occasion = self.occasion(facts, "");
        let (consents, holds) = if record.lead.own.is_some() {
            let group = self.silent_group_of(facts, record.lead.id).await?;
            (
                group.newest_consents(&group.tree),
                group.standing(&occasion, &group.tree),
            )
        } else {
            let mut consents = self.deciding_consents(facts, record.contact.id).await?;
            let holds = plan::standing(&occasion, &consents);
            consents.truncate(plan::SHOWN_CONSENTS);
            (consents, holds)
        };
        Ok(LeadView::new(record, consents, holds, facts))
    }
}

pub(in crate::service) fn attribute_bytes(contact: &Contact) -> usize {
    let attributes = contact.attributes.iter();
    attributes.map(|(key, value)| key.len() + value.len()).sum()
}

fn activity_bytes(activity: &Activity) -> usize {
    let changes = activity.details.changes.iter();
    let changes: usize = changes
        .map(|change| change.before.len() + change.after.len())
        .sum();
    activity.details.text.len() + changes
}

fn score_bytes(score: &Score) -> usize {
    let quotes = score
        .dimensions
        .iter()
        .filter_map(|dimension| dimension.quote.as_ref());
    quotes.map(|quote| quote.text.len()).sum()
}
