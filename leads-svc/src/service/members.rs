//! Members: who works in a workspace, and what their roles let their keys do.

use leads_proto::reason::Reason;
use uuid::Uuid;

use super::{
    core::Core,
    error::{Error, Result},
    leads::{List, Page},
    principal::{Principal, Scope},
};
use crate::domain::{
    email::Email,
    member::{Member, Role},
    plan::Limit,
    workspace::Workspace,
};

impl Scope {
    /// Scopes that the keys of a member can have.
    pub fn of_role(role: Role) -> Vec<Scope> {
        let reads = [Scope::LeadsRead, Scope::IntegrationsRead, Scope::WorkspaceRead];
        match role {
            Role::Viewer => reads.to_vec(),
            Role::Agent => [reads.as_slice(), &[Scope::LeadsWrite]].concat(),
            Role::Admin => Self::of_workspaces().collect(),
        }
    }
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Me {
    /// The workspace that the call acts in.
    pub workspace: Workspace,
    /// The member behind the key or the session.
    pub member: Option<Member>,
    /// The caller.
    pub caller: Principal,
}

impl Core {
    /// Who calls, and what they may do.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn get_me(&self, principal: &Principal) -> Result<Me> {
        principal.require(Scope::WorkspaceRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let member = match principal.member() {
            Some(id) => {
                self.store
                    .find_member(facts.workspace.id, &facts.keys, id)
                    .await?
            }
            None => None,
        };
        Ok(Me {
            workspace: facts.workspace.clone(),
            member,
            caller: principal.clone(),
        })
    }

    /// Adds a member to the caller's workspace. It signs in through the identity provider, or with a key that is made for
    /// it.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `ALREADY_EXISTS`, `PLAN_LIMIT`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn create_member(&self, principal: &Principal, email: &Email, role: Role) -> Result<Member> {
        principal.require(Scope::WorkspaceAdmin)?;
        let facts = self.facts(principal.workspace()?).await?;
        let workspace = facts.workspace.id;
        facts.require_room(Limit::Members, self.store.count_members(workspace).await?)?;
        let member = self
            .store
            .create_member(workspace, &facts.keys, email.as_str(), role, &principal.actor())
            .await?
            .ok_or_else(|| {
                Error::new(
                    Reason::AlreadyExists,
                    "the workspace has a member with this address",
                )
            })?;
        tracing::info!(
            workspace.id = %workspace, member.id = %member.id, role = role.word(), by = principal.key_id(), "member added"
        );
        Ok(member)
    }

    /// A page of the members of the caller's workspace, oldest first.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, those of page tokens, `STORAGE_UNAVAILABLE`.
    pub async fn list_members(&self, principal: &Principal, size: u64, token: &str) -> Result<Page<Member>> {
        principal.require(Scope::WorkspaceAdmin)?;
        let facts = self.facts(principal.workspace()?).await?;
        let list = List::new(&facts, "ListMembers", &(), size, self.store.clock().now());
        let after = list.cursor::<Uuid>(token)?;
        let members = self
            .store
            .list_members(facts.workspace.id, &facts.keys, after, list.rows())
            .await?;
        list.page(members, |member| member.email.len(), |member| member.id)
    }

    /// Gives a member a role. Its keys keep their scopes, and may use those that the role has.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn update_member(&self, principal: &Principal, id: Uuid, role: Role) -> Result<Member> {
        principal.require(Scope::WorkspaceAdmin)?;
        let facts = self.facts(principal.workspace()?).await?;
        let workspace = facts.workspace.id;
        let member = self
            .store
            .update_member(workspace, &facts.keys, id, role, &principal.actor())
            .await?
            .ok_or_else(|| Error::not_found("member"))?;
        tracing::info!(
            workspace.id = %workspace, member.id = %id, role = role.word(), by = principal.key_id(), "member changed"
        );
        Ok(member)
    }

    /// Removes a member and ends its keys and sessions.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn delete_member(&self, principal: &Principal, id: Uuid) -> Result<()> {
        principal.require(Scope::WorkspaceAdmin)?;
        let facts = self.facts(principal.workspace()?).await?;
        let workspace = facts.workspace.id;
        let by = principal.actor();
        if !self.store.delete_member(workspace, &facts.keys, id, &by).await? {
            return Err(Error::not_found("member"));
        }
        tracing::info!(workspace.id = %workspace, member.id = %id, by = principal.key_id(), "member removed");
        Ok(())
    }
}
