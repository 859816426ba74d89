//! Encryption keys from the command line.

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;
use uuid::Uuid;

use super::{OPERATOR, print};
use crate::{
    domain::ids,
    storage::{Store, rekeying::Rotated, restored::ErasedAgain},
};

/// What can be done with encryption keys. Callers notice nothing of any of it.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Shows which keys there are, what wrapped them, and what is being brought to new ones.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// After a backup of the database was restored: erases again whoever was erased since, whose key is destroyed.
    EraseAgain,
    /// Puts a new key in the place of another.
    #[command(subcommand)]
    Rotate(Rotate),
}

/// Which key.
#[derive(Debug, Subcommand)]
pub enum Rotate {
    /// The operator's: wraps by `crypto.kek` what `crypto.previous_kek` wrapped. Afterwards that can be removed.
    Kek,
    /// The data key of a workspace: everything of it is sealed anew in the background.
    Workspace {
        /// `ws_…`
        workspace: String,
    },
    /// The key of a workspace's blind indexes and search words: its contacts are indexed anew in the background.
    Index {
        /// `ws_…`
        workspace: String,
    },
    /// The key of one contact: everything of it is sealed anew at once.
    Contact {
        /// `ws_…`
        workspace: String,
        /// `contact_…`
        contact: String,
    },
    /// The root of the key store: all contacts' keys are wrapped anew at once.
    Store,
}

impl KeysCommand {
    pub(super) async fn run(self, store: &Store) -> anyhow::Result<()> {
        match self {
            Self::Status { json } => status(store, json).await,
            Self::EraseAgain => erase_again(store).await,
            Self::Rotate(Rotate::Kek) => {
                let secrets = store.rewrap().await?;
                say(&format!(
                    "{secrets} secrets are wrapped by {} now; crypto.previous_kek can be removed",
                    store.keyring().kek().id()
                ))
            }
            Self::Rotate(Rotate::Workspace { workspace }) => {
                let id = workspace_of(&workspace)?;
                announced(store.rotate_data_key(id, OPERATOR).await?, "data key")
            }
            Self::Rotate(Rotate::Index { workspace }) => {
                let id = workspace_of(&workspace)?;
                announced(store.rotate_index_key(id, OPERATOR).await?, "index key")
            }
            Self::Rotate(Rotate::Contact { workspace, contact }) => {
                let workspace = workspace_of(&workspace)?;
                let contact = ids::parse::<ids::Contact>(&contact)
                    .map_err(|problem| anyhow::anyhow!("{contact} {problem}"))?;
                match store.rotate_contact_key(workspace, contact, OPERATOR).await? {
                    Rotated::Absent => bail!("there is no such contact"),
                    Rotated::InUse | Rotated::Announced(_) | Rotated::UnderWay | Rotated::Exhausted => {
                        say("the contact has a new key; the old one is destroyed in a day")
                    }
                }
            }
            Self::Rotate(Rotate::Store) => {
                let keys = store.key_store().rotate_root(store.keyring().keks()).await?;
                say(&format!("{keys} contacts' keys are wrapped by a new root"))
            }
        }
    }
}

async fn erase_again(store: &Store) -> anyhow::Result<()> {
    let mut all = ErasedAgain::default();
    for workspace in store.list_workspaces().await? {
        let some = store.erase_again(workspace.id, OPERATOR).await?;
        all.people += some.people;
        all.merged += some.merged;
        all.unreadable += some.unreadable;
    }
    say(&format!("{} people are erased again", all.people))?;
    if all.unreadable > 0 {
        say(&format!(
            "{} contacts cannot be read and were left: since the backup they were deleted for their age, or given another key",
            all.unreadable
        ))?;
    }
    if all.merged > 0 {
        bail!(
            "{} more are merged with people who were not erased: undo the merges, then repeat the command",
            all.merged
        );
    }
    Ok(())
}

fn announced(rotated: Rotated, what: &str) -> anyhow::Result<()> {
    match rotated {
        Rotated::Announced(number) => say(&format!(
            "{what} {number} is announced; `leads-svc keys status` shows how far it is"
        )),
        Rotated::InUse => say(&format!("a new {what} is in use")),
        Rotated::Absent => bail!("there is no such workspace"),
        Rotated::UnderWay => {
            bail!("the workspace is still being brought to its newest keys: see leads-svc keys status")
        }
        Rotated::Exhausted => bail!("the workspace has had all 255 keys"),
    }
}

async fn status(store: &Store, json: bool) -> anyhow::Result<()> {
    let name = |workspace: Uuid| match workspace.is_nil() {
        true => "installation".to_owned(),
        false => ids::format::<ids::Workspace>(workspace),
    };
    let (keys, walks) = (store.key_numbers().await?, store.renewals().await?);
    let values = json!({
        "kek": store.keyring().kek().id(),
        "keys": keys.iter().map(|key| json!({
            "workspace": name(key.workspace),
            "purpose": key.purpose,
            "number": key.number,
            "kek": key.kek,
        })).collect::<Vec<_>>(),
        "renewals": walks.iter().map(|walk| json!({
            "workspace": name(walk.workspace),
            "kind": walk.kind,
            "contacts": walk.contacts,
            "not_before": walk.not_before.to_rfc3339(),
        })).collect::<Vec<_>>(),
    });
    let mut lines: Vec<String> = keys
        .iter()
        .map(|key| {
            format!(
                "{}  {:6} {}  wrapped by {}",
                name(key.workspace),
                key.purpose,
                key.number,
                key.kek
            )
        })
        .collect();
    lines.extend(walks.iter().map(|walk| {
        format!(
            "{}  being renewed: {}, {} contacts so far",
            name(walk.workspace),
            walk.kind,
            walk.contacts
        )
    }));
    print(json, &values, &lines)
}

fn say(line: &str) -> anyhow::Result<()> {
    print(false, &serde_json::Value::Null, &[line.to_owned()])
}

fn workspace_of(text: &str) -> anyhow::Result<Uuid> {
    ids::parse::<ids::Workspace>(text).map_err(|problem| anyhow::anyhow!("{text} {problem}"))
}
