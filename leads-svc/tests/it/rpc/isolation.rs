//! What is another workspace's is not there: the same answer as for what never was.

use leads_proto::leads::v1::{self, CollectResult};
use leads_svc::{
    domain::{email::Email, ids, lead::Lead, member::Role},
    service::principal::{Bound, Scope},
};
use prost::Message;
use tonic::Code;
use uuid::Uuid;

use super::{
    foreign::{Owned, connectors, told},
    service::{Service, methods, reason, seen},
};
use crate::world::{HUBSPOT, VENDOR_TOKEN, World, email, on_both_databases, settings, warm};

on_both_databases!(every_method_keeps_workspaces_and_destinations_apart,);

/// A connected workspace with a lead, a key and a published job: all that strangers must not reach.
struct Owner {
    service: Service,
    lead: Lead,
    lead_id: String,
    key: String,
    member: String,
    owned: Owned,
}

impl Owner {
    async fn new(world: World) -> Self {
        let connection = world.connect().await;
        let lead = world.lead("ana").await;
        let hint = world.publish().await.remove(0);
        let address = Email::parse(&email("member")).unwrap();
        let member = world
            .core
            .create_member(&world.caller, &address, Role::Viewer)
            .await;
        let service = Service::start(world).await;
        Self {
            member: ids::format::<ids::Member>(member.unwrap().id),
            lead_id: ids::format::<ids::Lead>(lead.id),
            key: service.key_of(service.world.workspace).await,
            owned: Owned {
                connection,
                job: ids::format::<ids::Job>(hint.job),
                generation: hint.generation,
            },
            service,
            lead,
        }
    }

    /// Fails if anything of the owner's is not as it was.
    async fn is_untouched(&self, path: &str) {
        let world = &self.service.world;
        assert_eq!(world.view(self.lead.id).await.lead, self.lead, "{path}");
        assert_eq!(world.state(self.lead.id).await, "published", "{path}");
        assert_eq!(
            world.timeline(self.lead.id).await,
            ["captured", "scored"],
            "{path}"
        );
        let (connection, secret) = world
            .store
            .connection_with_secret(HUBSPOT, self.owned.connection)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (secret.as_str(), connection.state.word()),
            (VENDOR_TOKEN, "connected"),
            "{path}"
        );
        let workspace = world
            .store
            .find_workspace(world.workspace)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(workspace.settings, settings(), "{path}");
        let members = world
            .core
            .list_members(&world.caller, 10, "")
            .await
            .unwrap()
            .items;
        assert_eq!((members.len(), members[0].role), (1, Role::Viewer), "{path}");
        let keys = world.store.list_keys(world.workspace).await.unwrap();
        // Its first key, and the one of these calls.
        let revoked: Vec<_> = keys.iter().map(|key| key.revoked_at).collect();
        assert_eq!(revoked, [None, None], "{path}");
    }
}

/// A request that names a lead.
fn naming_lead(path: &str, lead_id: &str) -> Option<Vec<u8>> {
    let lead_id = lead_id.to_owned();
    match path {
        "/leads.v1.PrivacyService/RecordConsent" => {
            let consent = Some(v1::Consent {
                purpose: "sales_contact".to_owned(),
                ..Default::default()
            });
            return Some(v1::RecordConsentRequest { lead_id, consent }.encode_to_vec());
        }
        "/leads.v1.PrivacyService/ListConsents" => {
            let request = v1::ListConsentsRequest {
                lead_id,
                ..Default::default()
            };
            return Some(request.encode_to_vec());
        }
        _ => {}
    }
    Some(match path.strip_prefix("/leads.v1.LeadsService/")? {
        "GetLead" => v1::GetLeadRequest { lead_id }.encode_to_vec(),
        "DeleteLead" => v1::DeleteLeadRequest { lead_id }.encode_to_vec(),
        "UpdateLead" => v1::UpdateLeadRequest {
            lead: Some(v1::Lead {
                id: lead_id,
                owner: "stranger".to_owned(),
                ..Default::default()
            }),
            update_mask: None,
        }
        .encode_to_vec(),
        "AppendConversation" => v1::AppendConversationRequest {
            lead_id,
            messages: vec![v1::Message {
                role: v1::MessageRole::Visitor.into(),
                text: "hello".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        }
        .encode_to_vec(),
        "MergeLeads" => v1::MergeLeadsRequest {
            absorbed_lead_id: ids::format::<ids::Lead>(Uuid::from_u128(7)),
            lead_id,
            ..Default::default()
        }
        .encode_to_vec(),
        "UnmergeLead" => v1::UnmergeLeadRequest {
            lead_id,
            ..Default::default()
        }
        .encode_to_vec(),
        "ListDuplicates" => v1::ListDuplicatesRequest { lead_id }.encode_to_vec(),
        "ListConversation" | "ListActivities" | "ListScores" => v1::ListScoresRequest {
            lead_id,
            ..Default::default()
        }
        .encode_to_vec(),
        "SyncLead" => v1::SyncLeadRequest { lead_id, provider: 0 }.encode_to_vec(),
        _ => return None,
    })
}

/// A request that names a contact.
fn naming_contact(path: &str, contact_id: &str) -> Option<Vec<u8>> {
    let contact_id = contact_id.to_owned();
    Some(match path.strip_prefix("/leads.v1.ContactsService/")? {
        "GetContact" => v1::GetContactRequest { contact_id }.encode_to_vec(),
        "UpsertContact" => v1::UpsertContactRequest {
            contact: Some(v1::Contact {
                id: contact_id,
                name: "A Stranger".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }
        .encode_to_vec(),
        "AppendContactConversation" => v1::AppendContactConversationRequest {
            contact_id,
            messages: vec![v1::Message {
                role: v1::MessageRole::Visitor.into(),
                text: "hello".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        }
        .encode_to_vec(),
        _ => return None,
    })
}

/// An erasure of the owner's workspace, of somebody whom no other case needs.
async fn erasure_of_nobody_else(owner: &Owner) -> String {
    let path = "/leads.v1.LeadsService/CollectLead";
    let name = format!("erased{}", Uuid::new_v4().simple());
    let _: v1::CollectLeadResponse = owner.service.ask(path, &owner.key, &warm(&name)).await.unwrap();
    let request = v1::EraseSubjectRequest {
        email: crate::world::email(&name),
        ..Default::default()
    };
    let path = "/leads.v1.PrivacyService/EraseSubject";
    let erased: v1::Erasure = owner.service.ask(path, &owner.key, &request).await.unwrap();
    erased.id
}

/// What a stranger gets from a method that names nothing.
async fn names_nothing(path: &str, owner: &Owner, stranger: &str, workspace: Uuid) {
    let service = &owner.service;
    let hubspot = v1::GetConnectionRequest {
        provider: v1::Provider::Hubspot.into(),
    };
    match path.rsplit('/').next().unwrap() {
        "CollectLead" => {
            let answer: v1::CollectLeadResponse = service.ask(path, stranger, &warm("ana")).await.unwrap();
            assert_eq!(answer.result(), CollectResult::Created);
            assert_ne!(answer.lead.unwrap().id, owner.lead_id);
        }
        "BatchCollectLeads" => {
            let request = v1::BatchCollectLeadsRequest {
                requests: vec![warm("ana")],
            };
            let mut answer: v1::BatchCollectLeadsResponse =
                service.ask(path, stranger, &request).await.unwrap();
            let Some(v1::batch_collect_result::Outcome::Response(first)) = answer.results.remove(0).outcome
            else {
                panic!("refused")
            };
            assert_eq!(first.result(), CollectResult::Created);
            assert_ne!(first.lead.unwrap().id, owner.lead_id);
        }
        "ListLeads" => {
            let request = v1::ListLeadsRequest::default();
            let answer: v1::ListLeadsResponse = service.ask(path, stranger, &request).await.unwrap();
            assert_eq!(answer.leads, []);
            let answer: v1::ListLeadsResponse = service.ask(path, &owner.key, &request).await.unwrap();
            assert_eq!(answer.leads.len(), 1);
        }
        "ListContacts" => {
            let request = v1::ListContactsRequest::default();
            let answer: v1::ListContactsResponse = service.ask(path, stranger, &request).await.unwrap();
            assert_eq!(answer.contacts, []);
            let answer: v1::ListContactsResponse = service.ask(path, &owner.key, &request).await.unwrap();
            assert_eq!(answer.contacts.len(), 1);
        }
        "GetWorkspace" => {
            let answer: v1::Workspace = service
                .ask(path, stranger, &v1::GetWorkspaceRequest {})
                .await
                .unwrap();
            assert_eq!(answer.id, ids::format::<ids::Workspace>(workspace));
        }
        "UpdateSettings" => {
            let request = v1::UpdateSettingsRequest {
                settings: Some(v1::Settings {
                    hot_threshold: Some(7),
                    ..Default::default()
                }),
                update_mask: None,
            };
            let answer: v1::Workspace = service.ask(path, stranger, &request).await.unwrap();
            assert_eq!(answer.settings.unwrap().hot_threshold, Some(7));
        }
        "CreateApiKey" => {
            let request = v1::CreateApiKeyRequest {
                name: "child".to_owned(),
                scopes: vec!["leads.read".to_owned()],
                expires_at: None,
                member_id: String::new(),
            };
            let answer: v1::CreateApiKeyResponse = service.ask(path, stranger, &request).await.unwrap();
            let read = naming_lead("/leads.v1.LeadsService/GetLead", &owner.lead_id).unwrap();
            let refused = service
                .call("/leads.v1.LeadsService/GetLead", &answer.secret, read)
                .await;
            assert_eq!(refused.unwrap_err().code(), Code::NotFound);
        }
        "ListApiKeys" => {
            let request = v1::ListApiKeysRequest {};
            let theirs: v1::ListApiKeysResponse = service.ask(path, stranger, &request).await.unwrap();
            let ours: v1::ListApiKeysResponse = service.ask(path, &owner.key, &request).await.unwrap();
            assert!(theirs.keys.iter().all(|key| !ours.keys.contains(key)));
        }
        "RevokeApiKey" | "RotateApiKey" => {
            // Both name the key in their first field.
            let request = |id: &str| {
                v1::RevokeApiKeyRequest {
                    key_id: id.to_owned(),
                }
                .encode_to_vec()
            };
            let known = owner.key.split('_').nth(1).unwrap();
            let foreign = service.call(path, stranger, request(known)).await.unwrap_err();
            let unknown = service
                .call(path, stranger, request("AAAAAAAAAAAA"))
                .await
                .unwrap_err();
            assert_eq!((foreign.code(), seen(&foreign)), (Code::NotFound, seen(&unknown)));
        }
        "ExportSubject" => {
            let by_email = v1::ExportSubjectRequest {
                email: crate::world::email("ana"),
                ..Default::default()
            };
            let by_lead = v1::ExportSubjectRequest {
                lead_id: owner.lead_id.clone(),
                ..Default::default()
            };
            for request in [by_email, by_lead] {
                let refused = service.call(path, stranger, request.encode_to_vec()).await;
                assert_eq!(refused.unwrap_err().code(), Code::NotFound);
                let ours: v1::SubjectExport = service.ask(path, &owner.key, &request).await.unwrap();
                assert_eq!(ours.lead.unwrap().id, owner.lead_id);
            }
        }
        "EraseSubject" => {
            let by_email = v1::EraseSubjectRequest {
                email: crate::world::email("ana"),
                ..Default::default()
            };
            let by_lead = v1::EraseSubjectRequest {
                lead_id: owner.lead_id.clone(),
                ..Default::default()
            };
            for request in [by_email, by_lead] {
                let refused = service.call(path, stranger, request.encode_to_vec()).await;
                assert_eq!(refused.unwrap_err().code(), Code::NotFound);
            }
            let read = naming_lead("/leads.v1.LeadsService/GetLead", &owner.lead_id).unwrap();
            let there = service
                .call("/leads.v1.LeadsService/GetLead", &owner.key, read)
                .await;
            assert!(there.is_ok());
        }
        "GetErasure" | "ListErasures" => {
            let erased = erasure_of_nobody_else(owner).await;
            let request = v1::GetErasureRequest { erasure_id: erased };
            let get = "/leads.v1.PrivacyService/GetErasure";
            let refused = service.call(get, stranger, request.encode_to_vec()).await;
            assert_eq!(refused.unwrap_err().code(), Code::NotFound);
            let ours: v1::Erasure = service.ask(get, &owner.key, &request).await.unwrap();
            let list = "/leads.v1.PrivacyService/ListErasures";
            let all = v1::ListErasuresRequest::default();
            let theirs: v1::ListErasuresResponse = service.ask(list, stranger, &all).await.unwrap();
            assert!(!theirs.erasures.contains(&ours));
            let listed: v1::ListErasuresResponse = service.ask(list, &owner.key, &all).await.unwrap();
            assert!(listed.erasures.contains(&ours));
        }
        "PreviewRetention" => {
            let request = v1::PreviewRetentionRequest {
                retention_days: [("new".to_owned(), 1)].into(),
                ..Default::default()
            };
            service.world.pass(std::time::Duration::from_secs(2 * 86_400));
            let theirs: v1::PreviewRetentionResponse = service.ask(path, stranger, &request).await.unwrap();
            assert_eq!((theirs.total, theirs.leads.len()), (0, 0));
            let ours: v1::PreviewRetentionResponse = service.ask(path, &owner.key, &request).await.unwrap();
            assert_eq!((ours.total, ours.leads.len()), (1, 1));
        }
        "ListAuditEntries" => {
            let request = v1::ListAuditEntriesRequest::default();
            let theirs: v1::ListAuditEntriesResponse = service.ask(path, stranger, &request).await.unwrap();
            let own = ids::format::<ids::Workspace>(workspace);
            assert!(theirs.entries.iter().any(|entry| entry.subject == own));
            let ours: v1::ListAuditEntriesResponse = service.ask(path, &owner.key, &request).await.unwrap();
            assert!(theirs.entries.iter().all(|entry| !ours.entries.contains(entry)));
        }
        "VerifyAudit" => {
            let request = v1::VerifyAuditRequest::default();
            let ours: v1::VerifyAuditResponse = service.ask(path, &owner.key, &request).await.unwrap();
            let theirs: v1::VerifyAuditResponse = service.ask(path, stranger, &request).await.unwrap();
            assert!(theirs.intact && ours.intact);
            let foreign = v1::VerifyAuditRequest {
                anchors: ours.last.into_iter().collect(),
            };
            let told: v1::VerifyAuditResponse = service.ask(path, stranger, &foreign).await.unwrap();
            assert!(!told.intact);
        }
        "CreateMember" => {
            let request = v1::CreateMemberRequest {
                email: email("member"),
                role: v1::Role::Admin.into(),
            };
            let theirs: v1::Member = service.ask(path, stranger, &request).await.unwrap();
            assert_ne!(theirs.id, owner.member);
        }
        "GetMe" => {
            let request = v1::GetMeRequest {};
            let theirs: v1::Me = service.ask(path, stranger, &request).await.unwrap();
            assert_eq!(theirs.workspace_id, ids::format::<ids::Workspace>(workspace));
            assert_eq!((theirs.member_id.as_str(), theirs.email.as_str()), ("", ""));
        }
        "ListMembers" => {
            let request = v1::ListMembersRequest::default();
            let theirs: v1::ListMembersResponse = service.ask(path, stranger, &request).await.unwrap();
            assert_eq!(theirs.members, []);
        }
        "UpdateMember" | "DeleteMember" => {
            // Both name the member in their first field.
            let request = |id: &str| {
                v1::UpdateMemberRequest {
                    member_id: id.to_owned(),
                    role: v1::Role::Admin.into(),
                }
                .encode_to_vec()
            };
            let unknown = ids::format::<ids::Member>(Uuid::from_u128(4));
            let foreign = service
                .call(path, stranger, request(&owner.member))
                .await
                .unwrap_err();
            let unknown = service.call(path, stranger, request(&unknown)).await.unwrap_err();
            assert_eq!((foreign.code(), seen(&foreign)), (Code::NotFound, seen(&unknown)));
        }
        "SetPlan" => {
            let request = v1::SetPlanRequest {
                plan: v1::Plan::Free.into(),
            };
            let refused = service.ask::<v1::Workspace>(path, stranger, &request).await;
            assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
            let platform = service.key(&Bound::Platform, &[Scope::PlatformWorkspaces]).await;
            let theirs: v1::Workspace = service
                .ask_in(workspace, path, &platform, &request)
                .await
                .unwrap();
            assert_eq!(theirs.plan(), v1::Plan::Free);
            let read = "/leads.v1.WorkspacesService/GetWorkspace";
            let ours: v1::Workspace = service
                .ask(read, &owner.key, &v1::GetWorkspaceRequest {})
                .await
                .unwrap();
            assert_eq!(ours.plan(), v1::Plan::Enterprise);
        }
        "GetUsage" => {
            let request = v1::GetUsageRequest {};
            let theirs: v1::Usage = service.ask(path, stranger, &request).await.unwrap();
            let ours: v1::Usage = service.ask(path, &owner.key, &request).await.unwrap();
            assert_eq!((theirs.captures, ours.captures), (0, 1));
        }
        "CreateWorkspace" => {
            let refused = service.call(path, stranger, Vec::new()).await.unwrap_err();
            assert_eq!(refused.code(), Code::PermissionDenied);
            let platform = service.key(&Bound::Platform, &[Scope::PlatformWorkspaces]).await;
            let request = v1::CreateWorkspaceRequest {
                name: "New".to_owned(),
                ..Default::default()
            };
            let answer: v1::CreateWorkspaceResponse = service.ask(path, &platform, &request).await.unwrap();
            let list = "/leads.v1.LeadsService/ListLeads";
            let request = v1::ListLeadsRequest::default();
            let leads: v1::ListLeadsResponse = service.ask(list, &answer.api_key, &request).await.unwrap();
            assert_eq!(leads.leads, []);
        }
        "ConnectProvider" => {
            let request = v1::ConnectProviderRequest {
                provider: v1::Provider::Hubspot.into(),
                credentials: Some(v1::connect_provider_request::Credentials::Hubspot(
                    v1::HubspotCredentials {
                        access_token: "pat-of-a-stranger".to_owned(),
                    },
                )),
                field_mapping: Default::default(),
            };
            // Nobody checks the connection: the call answers with what it waits for.
            let answer: v1::Connection = service.ask(path, stranger, &request).await.unwrap();
            assert_eq!(answer.state(), v1::ConnectionState::Connecting);
            assert_ne!(answer.id, ids::format::<ids::Connection>(owner.owned.connection));
        }
        "GetConnection" | "DisconnectProvider" => {
            let refused = service
                .call(path, stranger, hubspot.encode_to_vec())
                .await
                .unwrap_err();
            assert_eq!(refused.code(), Code::NotFound);
        }
        "ListConnections" => {
            let request = v1::ListConnectionsRequest {};
            let answer: v1::ListConnectionsResponse = service.ask(path, stranger, &request).await.unwrap();
            assert_eq!(answer.connections, []);
        }
        _ => panic!("{path} has no isolation case"),
    }
}

async fn every_method_keeps_workspaces_and_destinations_apart(world: World) {
    let owner = Owner::new(world).await;
    let service = &owner.service;
    let nobody = Uuid::from_u128(0x0198_f2d4_0000_7000_8000_0000_0000_0001);
    let (unknown, contact) = (
        ids::format::<ids::Lead>(nobody),
        ids::format::<ids::Contact>(owner.lead.contact_id),
    );
    let nobody = ids::format::<ids::Contact>(nobody);
    let (elsewhere, nowhere) = (
        service.connector_key("salesforce").await,
        service.connector_key("pipedrive").await,
    );
    let unknown_to_all = Owned {
        connection: Uuid::from_u128(2),
        job: ids::format::<ids::Job>(Uuid::from_u128(3)),
        generation: 1,
    };
    for path in methods() {
        let (workspace, _) = service.world.tenant(settings()).await;
        let stranger = service.key_of(workspace).await;
        let naming =
            |lead: &str, contact: &str| naming_lead(&path, lead).or_else(|| naming_contact(&path, contact));
        if let (Some(foreign), Some(unknown)) = (naming(&owner.lead_id, &contact), naming(&unknown, &nobody))
        {
            let foreign = service.call(&path, &stranger, foreign).await.unwrap_err();
            let unknown = service.call(&path, &stranger, unknown).await.unwrap_err();
            assert_eq!(
                (foreign.code(), reason(&foreign).as_str()),
                (Code::NotFound, "NOT_FOUND"),
                "{path}"
            );
            assert_eq!(seen(&foreign), seen(&unknown), "{path}");
        } else if let Some(request) = connectors(&path, &owner.owned) {
            let foreign = service.call(&path, &nowhere, request.clone()).await.unwrap_err();
            assert_eq!(foreign.code(), Code::NotFound, "{path}");
            // Another CRM's connector is told of this one's what it is told of nothing.
            let foreign = service.call(&path, &elsewhere, request).await;
            let unknown = connectors(&path, &unknown_to_all).unwrap();
            let unknown = service.call(&path, &elsewhere, unknown).await;
            assert_eq!(
                told(foreign, &owner.owned),
                told(unknown, &unknown_to_all),
                "{path}"
            );
        } else {
            names_nothing(&path, &owner, &stranger, workspace).await;
        }
        owner.is_untouched(&path).await;
    }
}
