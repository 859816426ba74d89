//! How a lead stands with a CRM, in SQL: the same rules as those of a lead's view.

use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement, SimpleExpr};

use super::entity::{contact, lead, sync_job};
use crate::domain::{
    sync::{JobState, Provider, Status},
    workspace::Settings,
};

/// What the status of a lead with one CRM depends on besides the rows.
pub(super) struct Standing<'a> {
    pub provider: Provider,
    pub is_connected: bool,
    pub settings: &'a Settings,
    /// Leads that consent keeps from being synced.
    pub withheld: &'a SimpleExpr,
}

impl Standing<'_> {
    /// Whether the lead stands so.
    pub fn is(&self, status: Status) -> SimpleExpr {
        if !self.is_connected {
            return Expr::value(status == Status::NotConnected);
        }
        let no_job = || Expr::exists(job(self.provider)).not();
        let reaches =
            || Expr::col((lead::Entity, lead::Column::Score)).gte(i16::from(self.settings.sync_threshold));
        let withheld = || self.withheld.clone();
        match status {
            Status::NotConnected => Expr::value(false),
            Status::Synced => self.has_job(&[JobState::Done]).and(withheld().not()),
            Status::Error => self.has_job(&[JobState::Dead]).and(withheld().not()),
            Status::Pending => self
                .has_job(&[JobState::Pending, JobState::Published, JobState::Running])
                .or(no_job().and(reaches()).and(self.is_complete()))
                .and(withheld().not()),
            Status::BelowThreshold => no_job().and(reaches().not()),
            Status::Blocked => no_job()
                .and(reaches())
                .and(self.is_complete().not())
                .or(withheld().and(Expr::exists(job(self.provider)).or(reaches()))),
        }
    }

    fn has_job(&self, states: &[JobState]) -> SimpleExpr {
        let state = Expr::col((sync_job::Entity, sync_job::Column::State));
        let is_one = state.is_in(states.iter().map(|state| state.word()));
        Expr::exists(job(self.provider).and_where(is_one).take())
    }

    /// Whether all fields are there that the workspace requires.
    fn is_complete(&self) -> SimpleExpr {
        let required: i16 = self
            .settings
            .required_fields
            .iter()
            .map(|field| field.bit())
            .sum();
        let filled = Expr::col((contact::Entity, contact::Column::Filled));
        let contact = Query::select()
            .expr(Expr::value(1))
            .from(contact::Entity)
            .and_where(
                Expr::col((contact::Entity, contact::Column::Id))
                    .equals((lead::Entity, lead::Column::ContactId)),
            )
            .and_where(filled.bit_and(required).eq(required))
            .take();
        Expr::exists(contact)
    }
}

/// The lead's job for a CRM, if more holds of it.
pub(super) fn job(provider: Provider) -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(sync_job::Entity)
        .and_where(
            Expr::col((sync_job::Entity, sync_job::Column::LeadId)).equals((lead::Entity, lead::Column::Id)),
        )
        .and_where(Expr::col((sync_job::Entity, sync_job::Column::Provider)).eq(provider.name()))
        .take()
}
