//! PrivacyService: parse, call the use case, convert.

use leads_proto::leads::v1::{self, privacy_service_server};
use tonic::{Request, Response, Status};

use super::{
    call::{invalid, principal},
    convert::{privacy, query},
};
use crate::{
    domain::{text, violation::Violations},
    service::core::Core,
};

/// Serves the RPCs of privacy.
#[derive(Debug, Clone)]
pub struct Privacy {
    core: Core,
}

impl Privacy {
    /// Serves `core`.
    pub fn new(core: Core) -> Self {
        Self { core }
    }
}

#[tonic::async_trait]
impl privacy_service_server::PrivacyService for Privacy {
    async fn list_audit_entries(
        &self,
        request: Request<v1::ListAuditEntriesRequest>,
    ) -> Result<Response<v1::ListAuditEntriesResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let size = query::page_size(request.page_size, &mut violations);
        let subject = text::optional("subject", &request.subject, 100, &mut violations).unwrap_or_default();
        violations.into_result(()).map_err(invalid)?;
        let page = self
            .core
            .list_audit_entries(&caller, &subject, size, &request.page_token)
            .await?;
        Ok(Response::new(v1::ListAuditEntriesResponse {
            entries: page.items.into_iter().map(privacy::audit_entry).collect(),
            next_page_token: page.next,
        }))
    }

    async fn verify_audit(
        &self,
        request: Request<v1::VerifyAuditRequest>,
    ) -> Result<Response<v1::VerifyAuditResponse>, Status> {
        let caller = principal(&request)?;
        let mut violations = Violations::default();
        let anchors = privacy::anchors(&request.get_ref().anchors, &mut violations);
        violations.into_result(()).map_err(invalid)?;
        let walk = self.core.verify_audit(&caller, anchors).await?;
        Ok(Response::new(privacy::walk(walk)))
    }
}
