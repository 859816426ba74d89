//! The order of checks: who calls, whether they may, whether the request is right, and only then what is there.

use leads_proto::leads::v1;
use leads_svc::{
    domain::ids,
    service::principal::{Bound, Scope},
};
use prost::Message;
use tonic::Code;
use uuid::Uuid;

use super::{
    scopes,
    service::{Service, methods, reason},
};
use crate::world::{World, on_both_databases};

on_both_databases!(
    a_caller_is_known_and_allowed_before_its_request_is_read,
    a_request_is_right_before_anything_is_looked_up,
    a_key_without_scopes_may_do_nothing,
);

/// No message of any method: a field of the wrong wire type.
const GARBAGE: &[u8] = &[0x0f, 0xff, 0xff];

async fn a_caller_is_known_and_allowed_before_its_request_is_read(world: World) {
    let service = Service::start(world).await;
    for path in methods() {
        let scope = scopes::scope(&path);
        let bound = scopes::bound(&service.world, scope);
        let right = service.key(&bound, &[scope]).await;
        let others: Vec<Scope> = Scope::ALL
            .iter()
            .copied()
            .filter(|other| *other != scope)
            .collect();
        let without = service.key(&bound, &others).await;
        for (key, code, why) in [
            ("ak_nobody", Code::Unauthenticated, "UNAUTHENTICATED"),
            (&without, Code::PermissionDenied, "SCOPE_REQUIRED"),
            (&right, Code::InvalidArgument, "MALFORMED_REQUEST"),
        ] {
            let refused = service.call(&path, key, GARBAGE.to_vec()).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_str()), (code, why), "{path}");
        }
    }
}

/// Requests with one field that is wrong, for something that is not there.
fn wrong_and_absent() -> Vec<(&'static str, Vec<u8>)> {
    let lead_id = ids::format::<ids::Lead>(Uuid::from_u128(0x0198_f2d4_0000_7000_8000_0000_0000_0001));
    let of_lead = v1::ListConversationRequest {
        lead_id: lead_id.clone(),
        page_size: -1,
        ..Default::default()
    };
    let update = v1::UpdateLeadRequest {
        lead: Some(v1::Lead {
            id: lead_id.clone(),
            stage: 99,
            ..Default::default()
        }),
        ..Default::default()
    };
    let append = v1::AppendConversationRequest {
        lead_id: lead_id.clone(),
        ..Default::default()
    };
    let sync = v1::SyncLeadRequest {
        lead_id,
        provider: 99,
    };
    let rotate = v1::RotateApiKeyRequest {
        key_id: "AAAAAAAAAAAA".to_owned(),
        overlap: Some(prost_types::Duration {
            seconds: 8 * 24 * 3600,
            nanos: 0,
        }),
    };
    let member = v1::UpdateMemberRequest {
        member_id: ids::format::<ids::Member>(Uuid::from_u128(4)),
        role: 99,
    };
    vec![
        ("/leads.v1.MembersService/UpdateMember", member.encode_to_vec()),
        ("/leads.v1.LeadsService/ListConversation", of_lead.encode_to_vec()),
        ("/leads.v1.LeadsService/ListActivities", of_lead.encode_to_vec()),
        ("/leads.v1.LeadsService/ListScores", of_lead.encode_to_vec()),
        ("/leads.v1.LeadsService/UpdateLead", update.encode_to_vec()),
        (
            "/leads.v1.LeadsService/AppendConversation",
            append.encode_to_vec(),
        ),
        ("/leads.v1.LeadsService/SyncLead", sync.encode_to_vec()),
        ("/leads.v1.WorkspacesService/RotateApiKey", rotate.encode_to_vec()),
    ]
}

async fn a_request_is_right_before_anything_is_looked_up(world: World) {
    let service = Service::start(world).await;
    let key = service.key_of(service.world.workspace).await;
    for (path, request) in wrong_and_absent() {
        let refused = service.call(path, &key, request).await.unwrap_err();
        assert_eq!(reason(&refused), "INVALID_FIELDS", "{path}");
    }
}

async fn a_key_without_scopes_may_do_nothing(world: World) {
    let service = Service::start(world).await;
    let bounds = [
        Bound::Workspace(service.world.workspace),
        Bound::Platform,
        Bound::Destination("hubspot".to_owned()),
    ];
    for bound in bounds {
        let key = service.key(&bound, &[]).await;
        for path in methods() {
            let refused = service.call(&path, &key, Vec::new()).await.unwrap_err();
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::PermissionDenied, "SCOPE_REQUIRED"),
                "{path} with {bound:?}"
            );
        }
    }
}
