//! The audit log: appending inside the transaction of the act, reading, walking it through.

use std::sync::{Mutex, PoisonError};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{
    Store, Transaction,
    crypto::WorkspaceKeys,
    entity::{audit, audit_anchor, audit_head, personal_read},
    error::{Error, Result},
    scope::{self, Reach},
};
use crate::domain::{
    audit::{ANCHOR_INTERVAL, Act, Anchor, Entry, Fault, Verifier},
    ids,
};

/// Entries of one read while a log is walked through.
const WALKED: u64 = 2_000;
/// How long it is kept who read personal data.
const READS_KEPT: chrono::TimeDelta = chrono::TimeDelta::days(365);

/// An anchor that a transaction passed; told to the log once it is durable.
#[derive(Debug)]
pub(super) struct Passed {
    workspace: Uuid,
    anchor: Anchor,
}

/// What a walk through a log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// The newest entry that is as it was written; number 0 if none is.
    pub last: Anchor,
    /// The first entry that is not.
    pub fault: Option<Fault>,
}

/// Reads of personal data by one caller through one method in one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reads {
    /// Workspace.
    pub workspace: Uuid,
    /// Beginning of the minute.
    pub minute: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// Through which method.
    pub method: &'static str,
    /// How many leads.
    pub leads: i64,
}

/// A MAC as text, for the log and the wire.
pub fn mac_text(mac: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(mac)
}

/// The MAC of a text.
pub fn parse_mac(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .filter(|mac| mac.len() == crate::domain::audit::MAC_BYTES)
}

/// Appends the record of an act to its transaction. To be the transaction's last write: from here to the commit others
/// who append to the same log wait.
///
/// # Errors
/// The database; `Conflict` if the log's first two entries are written at once.
pub(super) async fn append(
    transaction: &Transaction,
    keys: &WorkspaceKeys,
    workspace: Uuid,
    act: Act,
    at: DateTime<Utc>,
) -> Result<()> {
    let head = scope::select::<audit_head::Entity>(workspace)
        .lock_exclusive()
        .one(&**transaction)
        .await?
        .map(|row| Anchor {
            n: row.n,
            mac: row.mac,
        });
    let entry = keys.audit().extend(workspace, head.as_ref(), act, at);
    let anchor = Anchor {
        n: entry.n,
        mac: entry.mac.clone(),
    };
    if let Some(head) = head {
        let moved = scope::update::<audit_head::Entity>(workspace)
            .filter(audit_head::Column::N.eq(head.n))
            .col_expr(audit_head::Column::N, Expr::value(anchor.n))
            .col_expr(audit_head::Column::Mac, Expr::value(anchor.mac.clone()))
            .exec(&**transaction)
            .await?;
        if moved.rows_affected != 1 {
            return Err(Error::Conflict {
                constraint: "audit_heads.n".to_owned(),
            });
        }
    } else {
        let row = audit_head::Model {
            workspace_id: workspace,
            n: anchor.n,
            mac: anchor.mac.clone(),
        };
        transaction
            .insert::<audit_head::Entity>(workspace, vec![row])
            .await?;
    }
    transaction
        .insert::<audit::Entity>(workspace, vec![row(workspace, entry)])
        .await?;
    if anchor.n % ANCHOR_INTERVAL == 0 {
        let row = audit_anchor::Model {
            workspace_id: workspace,
            n: anchor.n,
            mac: anchor.mac.clone(),
        };
        transaction
            .insert::<audit_anchor::Entity>(workspace, vec![row])
            .await?;
        transaction
            .anchors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Passed { workspace, anchor });
    }
    Ok(())
}

/// Writes anchors to the log, which whoever can change the database cannot change.
pub(super) fn tell(anchors: Mutex<Vec<Passed>>) {
    for Passed { workspace, anchor } in anchors.into_inner().unwrap_or_else(PoisonError::into_inner) {
        tracing::info!(
            workspace.id = ids::format::<ids::Workspace>(workspace),
            audit.n = anchor.n,
            audit.mac = mac_text(&anchor.mac),
            "audit anchor"
        );
    }
}

impl Store {
    /// Appends the record of an act that has no other write.
    ///
    /// # Errors
    /// The database.
    pub async fn record(&self, workspace: Uuid, keys: &WorkspaceKeys, act: Act) -> Result<()> {
        let transaction = self.begin().await?;
        append(&transaction, keys, workspace, act, self.clock.now()).await?;
        transaction.commit().await
    }

    /// Entries below number `before`, newest first; only those of a subject, if one is given.
    ///
    /// # Errors
    /// The database.
    pub async fn audit_entries(
        &self,
        workspace: Uuid,
        subjects: &[String],
        before: Option<i64>,
        most: u64,
    ) -> Result<Vec<Entry>> {
        let mut select = scope::select::<audit::Entity>(workspace);
        if !subjects.is_empty() {
            select = select.filter(audit::Column::Subject.is_in(subjects));
        }
        if let Some(before) = before {
            select = select.filter(audit::Column::N.lt(before));
        }
        let rows = select
            .order_by_desc(audit::Column::N)
            .limit(most)
            .all(self.reader())
            .await?;
        Ok(rows.into_iter().map(entry).collect())
    }

    /// Walks through the whole log of a workspace; `known` are anchors that were kept elsewhere.
    ///
    /// # Errors
    /// The database.
    pub async fn walk_audit(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        known: Vec<Anchor>,
    ) -> Result<Walk> {
        let kept = scope::select::<audit_anchor::Entity>(workspace)
            .all(self.reader())
            .await?;
        let kept = kept.into_iter().map(|row| Anchor {
            n: row.n,
            mac: row.mac,
        });
        let mut verifier = Verifier::new(keys.audit(), workspace, kept.chain(known));
        let mut head = None;
        let mut is_last_look = false;
        loop {
            let entries = self.entries_after(workspace, verifier.last().n).await?;
            if entries.is_empty() && is_last_look {
                break;
            }
            // What is appended while the end is looked for is found by one more look after the head was read.
            is_last_look = entries.is_empty();
            for entry in &entries {
                if let Err(fault) = verifier.push(entry) {
                    return Ok(Walk {
                        last: verifier.last().clone(),
                        fault: Some(fault),
                    });
                }
            }
            if is_last_look {
                let row = scope::select::<audit_head::Entity>(workspace)
                    .one(self.reader())
                    .await?;
                head = row.map(|row| Anchor {
                    n: row.n,
                    mac: row.mac,
                });
            }
        }
        let last = verifier.last().clone();
        Ok(Walk {
            last,
            fault: verifier.finish(head.as_ref()).err(),
        })
    }

    async fn entries_after(&self, workspace: Uuid, n: i64) -> Result<Vec<Entry>> {
        let rows = scope::select::<audit::Entity>(workspace)
            .filter(audit::Column::N.gt(n))
            .order_by_asc(audit::Column::N)
            .limit(WALKED)
            .all(self.reader())
            .await?;
        Ok(rows.into_iter().map(entry).collect())
    }

    /// Notes who read personal data.
    ///
    /// # Errors
    /// The database; nothing is noted then.
    pub async fn note_reads(&self, reads: &[Reads]) -> Result<()> {
        let rows = reads.iter().map(|read| personal_read::Model {
            id: leads_runtime::ids::new_id(&self.clock),
            workspace_id: read.workspace,
            minute: read.minute,
            actor: read.actor.clone(),
            method: read.method.to_owned(),
            leads: read.leads,
        });
        let transaction = self.begin().await?;
        transaction
            .insert::<personal_read::Entity>(Reach::All, rows.collect())
            .await?;
        transaction.commit().await
    }

    /// Deletes what was noted of reads a year ago.
    ///
    /// # Errors
    /// The database.
    pub async fn forget_old_reads(&self) -> Result<u64> {
        let transaction = self.begin().await?;
        let deleted = scope::delete_any::<personal_read::Entity>()
            .filter(personal_read::Column::Minute.lt(self.clock.now() - READS_KEPT))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(deleted.rows_affected)
    }
}

fn row(workspace: Uuid, entry: Entry) -> audit::Model {
    audit::Model {
        workspace_id: workspace,
        n: entry.n,
        at: entry.at,
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        details: entry.details,
        mac: entry.mac,
    }
}

fn entry(row: audit::Model) -> Entry {
    Entry {
        n: row.n,
        at: row.at,
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        details: row.details,
        mac: row.mac,
    }
}
