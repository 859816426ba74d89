//! Plans and their use.

use leads_proto::leads::v1;

use super::words;
use crate::{
    domain::{
        plan::{Entitlement, Plan},
        violation::{Violation, Violations},
    },
    service::usage::Report,
};

/// The plan to give.
///
/// # Errors
/// Its violation.
pub fn new_plan(request: &v1::SetPlanRequest) -> Result<Plan, Vec<Violation>> {
    let mut violations = Violations::default();
    let plan = words::read_plan("plan", request.plan, &mut violations);
    let plan = words::required("plan", plan, request.plan, &mut violations).unwrap_or(Plan::Free);
    violations.into_result(plan)
}

/// What a workspace uses of its plan.
pub fn usage(report: Report) -> v1::Usage {
    let of = report.plan;
    v1::Usage {
        plan: words::plan(of).into(),
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
                raised_by: of
                    .raised_by(limit)
                    .map_or(v1::Plan::Unspecified, words::plan)
                    .into(),
            })
            .collect(),
    }
}

fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
