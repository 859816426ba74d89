//! PrivacyService: parse, call the use case, convert.

use leads_proto::leads::v1::{self, privacy_service_server};
use tonic::{Request, Response, Status};

use super::{
    call::{accepted, created, invalid, principal},
    convert::{consent, erasure, privacy, query},
};
use crate::service::core::Core;

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
    async fn record_consent(
        &self,
        request: Request<v1::RecordConsentRequest>,
    ) -> Result<Response<v1::RecordConsentResponse>, Status> {
        let caller = principal(&request)?;
        let now = self.core.store.clock().now();
        let (id, given) = consent::record(request.get_ref(), now).map_err(invalid)?;
        let (recorded, state) = self.core.record_consent(&caller, id, given).await?;
        Ok(created(v1::RecordConsentResponse {
            consent: Some(consent::consent(recorded)),
            state: state.map(consent::state),
        }))
    }

    async fn list_consents(
        &self,
        request: Request<v1::ListConsentsRequest>,
    ) -> Result<Response<v1::ListConsentsResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let (id, size) = query::of_lead(&request.lead_id, request.page_size).map_err(invalid)?;
        let found = self
            .core
            .list_consents(&caller, id, size, &request.page_token)
            .await?;
        Ok(Response::new(v1::ListConsentsResponse {
            consents: found.page.items.into_iter().map(consent::consent).collect(),
            states: found.states.into_iter().map(consent::state).collect(),
            next_page_token: found.page.next,
        }))
    }

    async fn export_subject(
        &self,
        request: Request<v1::ExportSubjectRequest>,
    ) -> Result<Response<v1::SubjectExport>, Status> {
        let caller = principal(&request)?;
        let subject = privacy::subject(request.get_ref()).map_err(invalid)?;
        let export = self.core.export_subject(&caller, subject).await?;
        Ok(Response::new(privacy::export(export)))
    }

    async fn erase_subject(
        &self,
        request: Request<v1::EraseSubjectRequest>,
    ) -> Result<Response<v1::Erasure>, Status> {
        let caller = principal(&request)?;
        let whom = erasure::whom(request.get_ref()).map_err(invalid)?;
        let erased = self.core.erase_subject(&caller, whom).await?;
        Ok(accepted(erasure::erasure(erased)))
    }

    async fn get_erasure(
        &self,
        request: Request<v1::GetErasureRequest>,
    ) -> Result<Response<v1::Erasure>, Status> {
        let caller = principal(&request)?;
        let id = erasure::only(&request.get_ref().erasure_id).map_err(invalid)?;
        let found = self.core.get_erasure(&caller, id).await?;
        Ok(Response::new(erasure::erasure(found)))
    }

    async fn list_erasures(
        &self,
        request: Request<v1::ListErasuresRequest>,
    ) -> Result<Response<v1::ListErasuresResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let size = erasure::list(&request).map_err(invalid)?;
        let page = self
            .core
            .list_erasures(&caller, size, &request.page_token)
            .await?;
        Ok(Response::new(v1::ListErasuresResponse {
            erasures: page.items.into_iter().map(erasure::erasure).collect(),
            next_page_token: page.next,
        }))
    }

    async fn preview_retention(
        &self,
        request: Request<v1::PreviewRetentionRequest>,
    ) -> Result<Response<v1::PreviewRetentionResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let (tried, size) = privacy::preview(&request).map_err(invalid)?;
        let (total, page) = self
            .core
            .preview_retention(&caller, tried, size, &request.page_token)
            .await?;
        Ok(Response::new(v1::PreviewRetentionResponse {
            total: total.try_into().unwrap_or(i64::MAX),
            leads: page.items.into_iter().map(privacy::candidate).collect(),
            next_page_token: page.next,
        }))
    }

    async fn list_audit_entries(
        &self,
        request: Request<v1::ListAuditEntriesRequest>,
    ) -> Result<Response<v1::ListAuditEntriesResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let (subject, size) = privacy::entries(&request).map_err(invalid)?;
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
        let anchors = privacy::anchors(request.get_ref()).map_err(invalid)?;
        let walk = self.core.verify_audit(&caller, anchors).await?;
        Ok(Response::new(privacy::walk(walk)))
    }
}
