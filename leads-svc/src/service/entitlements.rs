//! What a plan allows: refusals name the plan that unlocks, and a change of plan hides and shows, but deletes nothing.

use leads_proto::reason::Reason;

use super::{
    core::{Core, Facts},
    error::{Error, Result},
    principal::{Principal, Scope},
};
use crate::domain::{
    plan::{Entitlement, Limit, Plan},
    workspace::Workspace,
};

impl Facts {
    /// Passes if the workspace's plan has it.
    ///
    /// # Errors
    /// `PLAN_REQUIRED`.
    pub fn require(&self, entitlement: Entitlement) -> Result<()> {
        let plan = self.workspace.plan;
        if plan.allows(entitlement) {
            return Ok(());
        }
        let unlocks = entitlement.unlocked_by();
        let text = format!(
            "the {} plan does not have {}; the {} plan does",
            plan.word(),
            entitlement.word(),
            unlocks.word()
        );
        Err(Error::new(Reason::PlanRequired, text)
            .with("entitlement", entitlement.word())
            .with("plan", plan.word())
            .with("unlocked_by", unlocks.word()))
    }

    /// Passes if the workspace may have one more than it uses.
    ///
    /// # Errors
    /// `PLAN_LIMIT`; `LIMIT_EXCEEDED` where no plan gives more.
    pub fn require_room(&self, limit: Limit, used: u64) -> Result<()> {
        let plan = self.workspace.plan;
        match plan.limit(limit) {
            Some(most) if used >= most => Err(limited(plan, limit, used)),
            Some(_) | None => Ok(()),
        }
    }
}

/// The refusal of what goes beyond a plan's limit.
pub(super) fn limited(plan: Plan, limit: Limit, used: u64) -> Error {
    let most = plan.limit(limit).unwrap_or(u64::MAX);
    let gives = format!("the {} plan gives {most} {}", plan.word(), limit.word());
    let error = match plan.raised_by(limit) {
        Some(larger) => Error::new(
            Reason::PlanLimit,
            format!(
                "{gives} and {used} are used; the {} plan gives more",
                larger.word()
            ),
        )
        .with("unlocked_by", larger.word()),
        None => Error::new(
            Reason::LimitExceeded,
            format!("{gives} and {used} are used; remove what is not needed"),
        ),
    };
    error
        .with("limit", limit.word())
        .with("max", most.to_string())
        .with("used", used.to_string())
        .with("plan", plan.word())
}

impl Core {
    /// Gives a workspace a plan. Nothing is deleted: what the plan does not have is hidden or waits.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn set_plan(&self, principal: &Principal, plan: Plan) -> Result<Workspace> {
        principal.require(Scope::PlatformWorkspaces)?;
        let id = principal.workspace()?;
        if !self.store.set_plan(id, plan, &principal.actor()).await? {
            return Err(Error::not_found("workspace"));
        }
        tracing::info!(workspace.id = %id, plan = plan.word(), by = principal.key_id(), "plan set");
        self.forget(id).await;
        self.wake_delivery();
        Ok(self.facts(id).await?.workspace.clone())
    }
}
