//! LeadsService: parse, call the use case, convert.

use futures::{StreamExt, stream};
use leads_proto::leads::v1::{self, leads_service_server};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{
    call::{accepted, count_as, created, invalid, principal},
    convert::{
        capture::{self, Append},
        lead,
        list::{self, List},
        merge::{self, Merge},
        query,
    },
    status,
};
use crate::{
    domain::{capture::RequestKey, ids},
    service::{
        capture::{Answered, Appended, Request as Keyed},
        core::Core,
        error::Error,
        plan::Collected,
        principal::Principal,
    },
};

/// Captures of a batch that are at work together: as many as fill a transaction, and no more connections and memory
/// than these need.
const AT_ONCE: usize = 128;
/// Leads that a list counts; there may be more.
const MAX_TOTAL_SIZE: u64 = 10_000;

/// Serves the RPCs of leads.
#[derive(Debug, Clone)]
pub struct Leads {
    core: Core,
}

impl Leads {
    /// Serves `core`.
    pub fn new(core: Core) -> Self {
        Self { core }
    }

    /// The answer, and whether it was computed now.
    async fn collect(
        &self,
        caller: &Principal,
        request: v1::CollectLeadRequest,
    ) -> Result<(v1::CollectLeadResponse, bool), Error> {
        let now = self.core.store.clock().now();
        let (capture, key) = capture::capture(request, now).map_err(Error::invalid)?;
        let encode = |collected: &Collected| collected_response(collected.clone()).encode_to_vec();
        let keyed = key.map(|key: RequestKey| Keyed { key, encode: &encode });
        match self.core.collect(caller, capture, keyed).await? {
            Answered::Now(collected) => Ok((collected_response(collected), true)),
            Answered::Before(bytes) => {
                let response = v1::CollectLeadResponse::decode(bytes.as_slice()).map_err(Error::internal)?;
                Ok((response, false))
            }
        }
    }
}

#[tonic::async_trait]
impl leads_service_server::LeadsService for Leads {
    async fn collect_lead(
        &self,
        request: Request<v1::CollectLeadRequest>,
    ) -> Result<Response<v1::CollectLeadResponse>, Status> {
        let caller = principal(&request)?;
        let (response, is_new) = self.collect(&caller, request.into_inner()).await?;
        if is_new && response.result() != v1::CollectResult::Merged {
            return Ok(created(response));
        }
        Ok(Response::new(response))
    }

    async fn batch_collect_leads(
        &self,
        request: Request<v1::BatchCollectLeadsRequest>,
    ) -> Result<Response<v1::BatchCollectLeadsResponse>, Status> {
        let caller = principal(&request)?;
        let captures = request.get_ref().requests.len();
        capture::batch(captures).map_err(invalid)?;
        count_as(&request, &caller, captures)?;
        self.core.admit_batch(&caller).await?;
        let requests = request.into_inner().requests;
        let collected = requests.into_iter().map(|request| self.collect(&caller, request));
        let results = stream::iter(collected)
            .buffered(AT_ONCE)
            .map(batch_result)
            .collect()
            .await;
        Ok(Response::new(v1::BatchCollectLeadsResponse { results }))
    }

    async fn get_lead(&self, request: Request<v1::GetLeadRequest>) -> Result<Response<v1::Lead>, Status> {
        let caller = principal(&request)?;
        let id = query::only(&request.get_ref().lead_id).map_err(invalid)?;
        let view = self.core.get_lead(&caller, id).await?;
        Ok(Response::new(lead::lead(view)))
    }

    async fn list_leads(
        &self,
        request: Request<v1::ListLeadsRequest>,
    ) -> Result<Response<v1::ListLeadsResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let List { query, size, mask } = list::list(&request).map_err(invalid)?;
        let page = self
            .core
            .list_leads(&caller, &query, size, &request.page_token)
            .await?;
        let total = if request.with_total_size {
            // One more than is said, to see whether there are more.
            Some(self.core.count_leads(&caller, &query, MAX_TOTAL_SIZE + 1).await?)
        } else {
            None
        };
        let leads: Result<Vec<v1::Lead>, _> = page
            .items
            .into_iter()
            .map(|view| mask.keep(lead::lead(view)))
            .collect();
        Ok(Response::new(v1::ListLeadsResponse {
            leads: leads?,
            next_page_token: page.next,
            total_size: total.and_then(|total| total.min(MAX_TOTAL_SIZE).try_into().ok()),
            total_size_is_capped: total.is_some_and(|total| total > MAX_TOTAL_SIZE),
        }))
    }

    async fn update_lead(
        &self,
        request: Request<v1::UpdateLeadRequest>,
    ) -> Result<Response<v1::Lead>, Status> {
        let caller = principal(&request)?;
        let (id, change) = query::change(request.into_inner()).map_err(invalid)?;
        let view = self.core.update_lead(&caller, id, change).await?;
        Ok(Response::new(lead::lead(view)))
    }

    async fn delete_lead(
        &self,
        request: Request<v1::DeleteLeadRequest>,
    ) -> Result<Response<v1::DeleteLeadResponse>, Status> {
        let caller = principal(&request)?;
        let id = query::only(&request.get_ref().lead_id).map_err(invalid)?;
        let erasure = self.core.delete_lead(&caller, id).await?;
        Ok(accepted(v1::DeleteLeadResponse {
            erasure_id: ids::format::<ids::Erasure>(erasure),
        }))
    }

    async fn append_conversation(
        &self,
        request: Request<v1::AppendConversationRequest>,
    ) -> Result<Response<v1::AppendConversationResponse>, Status> {
        let caller = principal(&request)?;
        let now = self.core.store.clock().now();
        let Append {
            lead: id,
            key,
            conversation_id,
            messages,
        } = capture::append(request.into_inner(), now).map_err(invalid)?;
        let encode = |appended: &Appended| {
            v1::AppendConversationResponse {
                lead: Some(lead::lead((*appended.lead).clone())),
                appended: count(appended.appended),
                skipped: count(appended.skipped),
            }
            .encode_to_vec()
        };
        let keyed = key.map(|key| Keyed { key, encode: &encode });
        let response = match self
            .core
            .append(&caller, id, messages, &conversation_id, keyed)
            .await?
        {
            Answered::Now(appended) => v1::AppendConversationResponse {
                appended: count(appended.appended),
                skipped: count(appended.skipped),
                lead: Some(lead::lead(*appended.lead)),
            },
            Answered::Before(bytes) => {
                v1::AppendConversationResponse::decode(bytes.as_slice()).map_err(Error::internal)?
            }
        };
        Ok(Response::new(response))
    }

    async fn list_conversation(
        &self,
        request: Request<v1::ListConversationRequest>,
    ) -> Result<Response<v1::ListConversationResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let (id, size) = query::of_lead(&request.lead_id, request.page_size).map_err(invalid)?;
        let page = self
            .core
            .list_conversation(&caller, id, size, &request.page_token)
            .await?;
        Ok(Response::new(v1::ListConversationResponse {
            messages: page.items.into_iter().map(lead::message).collect(),
            next_page_token: page.next,
        }))
    }

    async fn sync_lead(
        &self,
        request: Request<v1::SyncLeadRequest>,
    ) -> Result<Response<v1::SyncLeadResponse>, Status> {
        let caller = principal(&request)?;
        let (id, provider) = query::sync(request.get_ref()).map_err(invalid)?;
        let links = self.core.sync_lead(&caller, id, provider).await?;
        Ok(Response::new(v1::SyncLeadResponse {
            crm_links: links.into_iter().map(lead::link).collect(),
        }))
    }

    async fn list_duplicates(
        &self,
        request: Request<v1::ListDuplicatesRequest>,
    ) -> Result<Response<v1::ListDuplicatesResponse>, Status> {
        let caller = principal(&request)?;
        let id = query::only(&request.get_ref().lead_id).map_err(invalid)?;
        let found = self.core.list_duplicates(&caller, id).await?;
        Ok(Response::new(v1::ListDuplicatesResponse {
            duplicates: found.into_iter().map(lead::duplicate).collect(),
        }))
    }

    async fn merge_leads(
        &self,
        request: Request<v1::MergeLeadsRequest>,
    ) -> Result<Response<v1::MergeLeadsResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let Merge {
            survivor,
            absorbed,
            choices,
        } = merge::merge(&request).map_err(invalid)?;
        let merged = self
            .core
            .merge_leads(&caller, survivor, absorbed, &choices, request.validate_only)
            .await?;
        Ok(Response::new(merge::merged(merged)))
    }

    async fn unmerge_lead(
        &self,
        request: Request<v1::UnmergeLeadRequest>,
    ) -> Result<Response<v1::UnmergeLeadResponse>, Status> {
        let caller = principal(&request)?;
        let (id, merge) = merge::unmerge(request.get_ref()).map_err(invalid)?;
        let (stayed, freed) = self.core.unmerge_lead(&caller, id, merge).await?;
        Ok(Response::new(v1::UnmergeLeadResponse {
            lead: Some(lead::lead(stayed)),
            freed: Some(lead::lead(freed)),
        }))
    }

    async fn list_activities(
        &self,
        request: Request<v1::ListActivitiesRequest>,
    ) -> Result<Response<v1::ListActivitiesResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let (id, size) = query::of_lead(&request.lead_id, request.page_size).map_err(invalid)?;
        let page = self
            .core
            .list_activities(&caller, id, size, &request.page_token)
            .await?;
        Ok(Response::new(v1::ListActivitiesResponse {
            activities: page.items.into_iter().map(lead::activity).collect(),
            next_page_token: page.next,
        }))
    }

    async fn list_scores(
        &self,
        request: Request<v1::ListScoresRequest>,
    ) -> Result<Response<v1::ListScoresResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let (id, size) = query::of_lead(&request.lead_id, request.page_size).map_err(invalid)?;
        let page = self
            .core
            .list_scores(&caller, id, size, &request.page_token)
            .await?;
        Ok(Response::new(v1::ListScoresResponse {
            scores: page.items.into_iter().map(lead::score).collect(),
            next_page_token: page.next,
        }))
    }
}

fn collected_response(collected: Collected) -> v1::CollectLeadResponse {
    let (result, lead, contact) = match collected {
        Collected::Created(view) => (v1::CollectResult::Created, Some(lead::lead(*view)), None),
        Collected::Merged(view) => (v1::CollectResult::Merged, Some(lead::lead(*view)), None),
        contact @ Collected::Contact(_) => {
            let contact = lead::contact(contact.into());
            (v1::CollectResult::Contact, None, Some(contact))
        }
    };
    v1::CollectLeadResponse {
        result: result.into(),
        lead,
        contact,
    }
}

fn batch_result(result: Result<(v1::CollectLeadResponse, bool), Error>) -> v1::BatchCollectResult {
    use v1::batch_collect_result::Outcome;
    let outcome = match result {
        Ok((response, _)) => Outcome::Response(response),
        Err(error) => {
            status::log(&error);
            Outcome::Problem(v1::Problem {
                reason: error.reason.name().to_owned(),
                message: error.text.into_owned(),
                field_problems: error
                    .fields
                    .into_iter()
                    .map(|field| v1::FieldProblem {
                        field: field.field,
                        description: field.text.into_owned(),
                    })
                    .collect(),
            })
        }
    };
    v1::BatchCollectResult {
        outcome: Some(outcome),
    }
}

fn count(count: usize) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}
