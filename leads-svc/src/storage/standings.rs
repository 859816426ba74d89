//! What holds of people, also of those whom several leads are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query, SimpleExpr},
};
use uuid::Uuid;

use super::{
    Store,
    consents::{decision, lacks},
    entity::{consent, lead, merge},
    error::Result,
    scope,
};
use crate::domain::{
    consent::{Consent, Current, Standing, current},
    lead::Lead,
    merge::{Choices, Link, Merge, consent_of},
    workspace::Settings,
};

impl Store {
    /// What holds for a purpose, of each of the leads as they are shown whose person was ever asked.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn standings(
        &self,
        workspace: Uuid,
        leads: &[&Lead],
        purpose: &str,
    ) -> Result<HashMap<Uuid, Standing>> {
        let now = self.clock.now();
        let (several, single): (Vec<&Lead>, Vec<&Lead>) = leads.iter().partition(|lead| lead.own.is_some());
        let contacts = single.iter().map(|lead| lead.contact_id).collect();
        let records = records(self.reader(), workspace, contacts, purpose).await?;
        let alone = single.into_iter().filter_map(|lead| {
            let current = current(records.get(&lead.contact_id)?, purpose, now)?;
            Some((lead.id, current.standing))
        });
        let mut standings: HashMap<Uuid, Standing> = alone.collect();
        let roots: Vec<Uuid> = several.into_iter().map(|lead| lead.id).collect();
        standings.extend(of_people(self.reader(), workspace, &roots, purpose, now).await?);
        Ok(standings)
    }
}

/// Leads that the workspace's policy keeps from being synced: the same rule as `ConsentPolicy::withholds`, in SQL.
/// Those that absorbed others are judged one by one, and named.
pub(super) async fn withheld<C: ConnectionTrait>(
    connection: &C,
    workspace: Uuid,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Result<SimpleExpr> {
    let contact = |table: &'static str| Expr::col((table, lead::Column::ContactId));
    let survivor = Query::select()
        .expr(Expr::value(1))
        .from_as(lead::Entity, "survivor")
        .and_where(Expr::col(("survivor", lead::Column::Id)).equals((lead::Entity, lead::Column::MergedInto)))
        .and_where(lacks(settings, now, contact("survivor")))
        .to_owned();
    // Where everybody's consent suffices, that of all of them does.
    let doubtful: Vec<Uuid> = scope::select::<lead::Entity>(workspace)
        .select_only()
        .column(lead::Column::MergedInto)
        .distinct()
        .filter(lead::Column::MergedInto.is_not_null())
        .filter(
            Condition::any()
                .add(lacks(settings, now, contact("leads")))
                .add(Expr::exists(survivor)),
        )
        .into_tuple()
        .all(connection)
        .await?;
    let is_alone = Expr::col((lead::Entity, lead::Column::OwnSealed)).is_null();
    let alone = is_alone.and(lacks(settings, now, contact("leads")));
    if doubtful.is_empty() {
        return Ok(alone);
    }
    let standings = of_people(connection, workspace, &doubtful, &settings.consent_purpose, now).await?;
    let people = doubtful.into_iter().filter(|root| {
        let standing = standings.get(root).copied();
        settings.consent_policy.withholds(standing)
    });
    let backend = connection.get_database_backend();
    Ok(alone.or(scope::among(lead::Column::Id, people, backend)))
}

/// What holds of people whom several leads are, by the lead that is shown.
async fn of_people<C: ConnectionTrait>(
    connection: &C,
    workspace: Uuid,
    roots: &[Uuid],
    purpose: &str,
    now: DateTime<Utc>,
) -> Result<HashMap<Uuid, Standing>> {
    if roots.is_empty() {
        return Ok(HashMap::new());
    }
    let backend = connection.get_database_backend();
    let leads: Vec<(Uuid, Uuid)> = scope::select::<lead::Entity>(workspace)
        .select_only()
        .columns([lead::Column::Id, lead::Column::ContactId])
        .filter(
            Condition::any()
                .add(scope::among(lead::Column::Id, roots.iter().copied(), backend))
                .add(scope::among(
                    lead::Column::MergedInto,
                    roots.iter().copied(),
                    backend,
                )),
        )
        .into_tuple()
        .all(connection)
        .await?;
    let ids = leads.iter().map(|(lead, _)| *lead).collect();
    let merges = merges(connection, workspace, ids).await?;
    let contacts = leads.iter().map(|(_, contact)| *contact).collect();
    let records = records(connection, workspace, contacts, purpose).await?;
    let own = leads.iter().map(|(lead, contact)| {
        let current = records
            .get(contact)
            .and_then(|records| current(records, purpose, now));
        (*lead, current)
    });
    let mut own: HashMap<Uuid, Option<Current<'_>>> = own.collect();
    let standings = roots.iter().filter_map(|root| {
        let current = consent_of(*root, &merges, &mut own)?;
        Some((*root, current.standing))
    });
    Ok(standings.collect())
}

/// Merges that stand of some survivors, oldest first, without what was chosen.
async fn merges<C: ConnectionTrait>(
    connection: &C,
    workspace: Uuid,
    survivors: Vec<Uuid>,
) -> Result<Vec<Link>> {
    let found = scope::select::<merge::Entity>(workspace)
        .filter(scope::among(
            merge::Column::SurvivorLead,
            survivors,
            connection.get_database_backend(),
        ))
        .filter(merge::Column::UndoneAt.is_null())
        .order_by_asc(merge::Column::At)
        .order_by_asc(merge::Column::Id)
        .all(connection)
        .await?;
    let links = found.into_iter().map(|row| Link {
        survivor: row.survivor_lead,
        absorbed: row.absorbed_lead,
        merge: Merge {
            id: row.id,
            at: row.at,
            choices: Choices::new(),
        },
    });
    Ok(links.collect())
}

/// What contacts said of a purpose, without what is encrypted, in the order in which it was recorded.
async fn records<C: ConnectionTrait>(
    connection: &C,
    workspace: Uuid,
    contacts: Vec<Uuid>,
    purpose: &str,
) -> Result<HashMap<Uuid, Vec<Consent>>> {
    let mut records: HashMap<Uuid, Vec<Consent>> = HashMap::new();
    if contacts.is_empty() {
        return Ok(records);
    }
    let backend = connection.get_database_backend();
    let found = scope::select::<consent::Entity>(workspace)
        .filter(scope::among(consent::Column::ContactId, contacts, backend))
        .filter(consent::Column::Purpose.eq(purpose))
        .order_by_asc(consent::Column::Id)
        .all(connection)
        .await?;
    for row in found {
        let contact = row.contact_id;
        records.entry(contact).or_default().push(decision(row)?);
    }
    Ok(records)
}
