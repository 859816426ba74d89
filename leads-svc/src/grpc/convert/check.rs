//! What the rules say of a request that could be read only in part, without doing anything.

use chrono::{DateTime, Utc};
use http::request::Parts;
use leads_proto::leads::v1;
use prost::Message;

use super::{
    capture, connection, consent, contacts, erasure, keys, list, members, merge, plans, privacy, query,
    settings,
};
use crate::{domain::violation::Violation, service::principal::Principal};

/// Every rule that the message of a call breaks.
pub fn violations(call: &Parts, message: &[u8], now: DateTime<Utc>) -> Vec<Violation> {
    of_method(call, message, now).unwrap_or_default()
}

/// The same; none for methods that have no rules.
fn of_method(call: &Parts, message: &[u8], now: DateTime<Utc>) -> Option<Vec<Violation>> {
    let (_, method) = call.uri.path().rsplit_once('/')?;
    Some(match method {
        "CollectLead" => of(message, |request| capture::capture(request, now)),
        "BatchCollectLeads" => of(message, |request| batch(request, now)),
        "GetLead" => of(message, |request: v1::GetLeadRequest| {
            query::only(&request.lead_id)
        }),
        "DeleteLead" => of(message, |request: v1::DeleteLeadRequest| {
            query::only(&request.lead_id)
        }),
        "ListLeads" => of(message, |request| list::list(&request)),
        "UpdateLead" => of(message, query::change),
        "AppendConversation" => of(message, |request| capture::append(request, now)),
        "ListConversation" => of(message, |request: v1::ListConversationRequest| {
            query::of_lead(&request.lead_id, request.page_size)
        }),
        "ListActivities" => of(message, |request: v1::ListActivitiesRequest| {
            query::of_lead(&request.lead_id, request.page_size)
        }),
        "ListScores" => of(message, |request: v1::ListScoresRequest| {
            query::of_lead(&request.lead_id, request.page_size)
        }),
        "ListDuplicates" => of(message, |request: v1::ListDuplicatesRequest| {
            query::only(&request.lead_id)
        }),
        "UpsertContact" => of(message, |request| contacts::upsert(request, now)),
        "GetContact" => of(message, |request: v1::GetContactRequest| {
            contacts::only(&request.contact_id)
        }),
        "ListContacts" => of(message, |request| contacts::list(&request)),
        "AppendContactConversation" => of(message, |request| contacts::append(request, now)),
        "MergeLeads" => of(message, |request| merge::merge(&request)),
        "UnmergeLead" => of(message, |request| merge::unmerge(&request)),
        "SyncLead" => of(message, |request| query::sync(&request)),
        "CreateWorkspace" => of(message, |request| settings::new_workspace(&request)),
        "UpdateSettings" => of(message, |request| settings::change(&request)),
        "SetPlan" => of(message, |request| plans::new_plan(&request)),
        "CreateApiKey" => of(message, |request| key(call, &request, now)),
        "RotateApiKey" => of(message, |request| keys::rotation(&request)),
        "RevokeApiKey" => of(message, |request: v1::RevokeApiKeyRequest| {
            keys::key_id(&request.key_id)
        }),
        "CreateMember" => of(message, |request| members::new_member(&request)),
        "ListMembers" => of(message, |request| members::list(&request)),
        "UpdateMember" => of(message, |request| members::change(&request)),
        "DeleteMember" => of(message, |request: v1::DeleteMemberRequest| {
            members::only(&request.member_id)
        }),
        "ConnectProvider" => of(message, |request| connection::credentials(&request).map(drop)),
        "GetConnection" => of(message, |request: v1::GetConnectionRequest| {
            connection::provider(request.provider)
        }),
        "DisconnectProvider" => of(message, |request: v1::DisconnectProviderRequest| {
            connection::provider(request.provider)
        }),
        "RecordConsent" => of(message, |request| consent::record(&request, now)),
        "ListConsents" => of(message, |request: v1::ListConsentsRequest| {
            query::of_lead(&request.lead_id, request.page_size)
        }),
        "ExportSubject" => of(message, |request| privacy::subject(&request)),
        "EraseSubject" => of(message, |request| erasure::whom(&request)),
        "GetErasure" => of(message, |request: v1::GetErasureRequest| {
            erasure::only(&request.erasure_id)
        }),
        "ListErasures" => of(message, |request| erasure::list(&request)),
        "PreviewRetention" => of(message, |request| privacy::preview(&request)),
        "ListAuditEntries" => of(message, |request| privacy::entries(&request)),
        "VerifyAudit" => of(message, |request| privacy::anchors(&request)),
        _ => return None,
    })
}

fn of<M: Message + Default, T>(
    message: &[u8],
    rules: impl FnOnce(M) -> Result<T, Vec<Violation>>,
) -> Vec<Violation> {
    // The transcoder wrote it: what cannot be decoded has no fields to speak of.
    M::decode(message).map_or_else(|_| Vec::new(), |message| rules(message).err().unwrap_or_default())
}

/// Unlike the call itself, which answers per capture, this names all captures' faults in one list.
fn batch(request: v1::BatchCollectLeadsRequest, now: DateTime<Utc>) -> Result<(), Vec<Violation>> {
    capture::batch(request.requests.len())?;
    let faults = request
        .requests
        .into_iter()
        .enumerate()
        .flat_map(|(index, capture)| {
            let found = capture::capture(capture, now).err().unwrap_or_default();
            found.into_iter().map(move |violation| Violation {
                field: format!("requests[{index}].{}", violation.field),
                text: violation.text,
            })
        });
    let faults: Vec<Violation> = faults.collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn key(call: &Parts, request: &v1::CreateApiKeyRequest, now: DateTime<Utc>) -> Result<(), Vec<Violation>> {
    match call.extensions.get::<Principal>() {
        Some(principal) => keys::new_key(principal, request, now).map(drop),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn every_method_that_takes_something_has_its_rules() {
        let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
        let public = pool
            .services()
            .filter(|service| service.package_name() == "leads.v1");
        let methods: Vec<_> = public
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .collect();
        assert!(methods.len() > 15);
        for method in methods {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let (call, ()) = Request::builder().uri(&path).body(()).unwrap().into_parts();
            let takes_something = method.input().fields().len() > 0;
            let rules = of_method(&call, &[], DateTime::UNIX_EPOCH);
            assert_eq!(rules.is_some(), takes_something, "{path}");
        }
    }
}
