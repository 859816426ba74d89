//! ContactsService: parse, call the use case, convert.

use leads_proto::leads::v1::{self, contacts_service_server};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{
    call::{invalid, principal},
    convert::{
        contacts::{self, Append, Upsert},
        lead,
    },
};
use crate::service::{
    capture::{Answered, Request as Keyed},
    contacts::AppendedToContact,
    core::Core,
    error::Error,
    plan::Collected,
};

/// Serves the RPCs of contacts.
#[derive(Debug, Clone)]
pub struct Contacts {
    core: Core,
}

impl Contacts {
    /// Serves `core`.
    pub fn new(core: Core) -> Self {
        Self { core }
    }
}

#[tonic::async_trait]
impl contacts_service_server::ContactsService for Contacts {
    async fn upsert_contact(
        &self,
        request: Request<v1::UpsertContactRequest>,
    ) -> Result<Response<v1::UpsertContactResponse>, Status> {
        let caller = principal(&request)?;
        let now = self.core.store.clock().now();
        let Upsert { target, capture, key } = contacts::upsert(request.into_inner(), now).map_err(invalid)?;
        let encode = |collected: &Collected| upserted(collected.clone()).encode_to_vec();
        let keyed = key.map(|key| Keyed { key, encode: &encode });
        let response = match self.core.upsert_contact(&caller, target, capture, keyed).await? {
            Answered::Now(collected) => upserted(collected),
            Answered::Before(bytes) => {
                v1::UpsertContactResponse::decode(bytes.as_slice()).map_err(Error::internal)?
            }
        };
        Ok(Response::new(response))
    }

    async fn get_contact(
        &self,
        request: Request<v1::GetContactRequest>,
    ) -> Result<Response<v1::Contact>, Status> {
        let caller = principal(&request)?;
        let id = contacts::only(&request.get_ref().contact_id).map_err(invalid)?;
        let view = self.core.get_contact(&caller, id).await?;
        Ok(Response::new(lead::contact(view)))
    }

    async fn list_contacts(
        &self,
        request: Request<v1::ListContactsRequest>,
    ) -> Result<Response<v1::ListContactsResponse>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let (query, size) = contacts::list(&request).map_err(invalid)?;
        let page = self
            .core
            .list_contacts(&caller, &query, size, &request.page_token)
            .await?;
        Ok(Response::new(v1::ListContactsResponse {
            contacts: page.items.into_iter().map(lead::contact).collect(),
            next_page_token: page.next,
        }))
    }

    async fn append_contact_conversation(
        &self,
        request: Request<v1::AppendContactConversationRequest>,
    ) -> Result<Response<v1::AppendContactConversationResponse>, Status> {
        let caller = principal(&request)?;
        let now = self.core.store.clock().now();
        let Append {
            contact,
            key,
            conversation_id,
            messages,
        } = contacts::append(request.into_inner(), now).map_err(invalid)?;
        let encode = |answer: &AppendedToContact| appended(answer).encode_to_vec();
        let keyed = key.map(|key| Keyed { key, encode: &encode });
        let response = match self
            .core
            .append_to_contact(&caller, contact, messages, &conversation_id, keyed)
            .await?
        {
            Answered::Now(answer) => appended(&answer),
            Answered::Before(bytes) => {
                v1::AppendContactConversationResponse::decode(bytes.as_slice()).map_err(Error::internal)?
            }
        };
        Ok(Response::new(response))
    }
}

fn upserted(collected: Collected) -> v1::UpsertContactResponse {
    v1::UpsertContactResponse {
        contact: Some(lead::contact(collected.into())),
    }
}

fn appended(answer: &AppendedToContact) -> v1::AppendContactConversationResponse {
    let count = |messages: usize| messages.try_into().unwrap_or(i32::MAX);
    v1::AppendContactConversationResponse {
        contact: Some(lead::contact(answer.view.clone())),
        appended: count(answer.appended),
        skipped: count(answer.skipped),
    }
}
