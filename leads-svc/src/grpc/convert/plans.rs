//! Plans and their use.

use leads_proto::leads::v1;

use crate::{
    domain::{
        plan::{Entitlement, Plan},
        violation::Violations,
    },
    service::usage::Report,
};

/// A plan, to the wire.
pub fn plan(plan: Plan) -> v1::Plan {
    match plan {
        Plan::Free => v1::Plan::Free,
        Plan::Starter => v1::Plan::Starter,
        Plan::Growth => v1::Plan::Growth,
        Plan::Business => v1::Plan::Business,
        Plan::Enterprise => v1::Plan::Enterprise,
    }
}

/// A plan that was sent.
pub fn read_plan(field: &str, sent: i32, violations: &mut Violations) -> Option<Plan> {
    let plan = match v1::Plan::try_from(sent) {
        Ok(v1::Plan::Unspecified) => {
            violations.add(field, "is required");
            return None;
        }
        Ok(v1::Plan::Free) => Plan::Free,
        Ok(v1::Plan::Starter) => Plan::Starter,
        Ok(v1::Plan::Growth) => Plan::Growth,
        Ok(v1::Plan::Business) => Plan::Business,
        Ok(v1::Plan::Enterprise) => Plan::Enterprise,
        Err(_) => {
            violations.add(field, "is not a known plan");
            return None;
        }
    };
    Some(plan)
}

/// What a workspace uses of its plan.
pub fn usage(report: Report) -> v1::Usage {
    let of = report.plan;
    v1::Usage {
        plan: plan(of).into(),
        month: report.month.to_string(),
        captures: report.counts.captures,
        leads: report.counts.leads,
        entitlements: Entitlement::ALL
            .into_iter()
            .filter(|entitlement| of.allows(*entitlement))
            .map(|entitlement| entitlement.word().to_owned())
            .collect(),
        limits: report
            .used
            .into_iter()
            .map(|(limit, used)| v1::LimitUse {
                name: limit.word().to_owned(),
                used: used.map(saturated),
                max: of.limit(limit).map(saturated),
                raised_by: of.raised_by(limit).map_or(v1::Plan::Unspecified, plan).into(),
            })
            .collect(),
    }
}

fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
