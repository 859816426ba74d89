//! Which scope each method takes, and that no other does.

use leads_svc::service::principal::{Bound, Scope};
use tonic::Code;

use super::service::{Service, methods, reason};
use crate::world::{World, on_both_databases};

on_both_databases!(
    every_method_takes_its_scope_and_no_other,
    a_scope_does_not_help_a_key_that_is_bound_to_something_else,
);

pub fn scope(path: &str) -> Scope {
    match path.rsplit('/').next().unwrap() {
        _ if path.starts_with("/leads.connector.v1.ConnectorService/") => Scope::Connector,
        "MergeLeads" | "UnmergeLead" => Scope::LeadsWrite,
        "UpsertContact" | "AppendContactConversation" => Scope::LeadsWrite,
        "GetContact" | "ListContacts" | "ListDuplicates" => Scope::LeadsRead,
        "CollectLead" | "BatchCollectLeads" | "UpdateLead" | "AppendConversation" | "SyncLead" => {
            Scope::LeadsWrite
        }
        "GetLead" | "ListLeads" | "ListConversation" | "ListActivities" | "ListScores" => Scope::LeadsRead,
        "DeleteLead" | "EraseSubject" => Scope::LeadsDelete,
        "CreateWorkspace" | "SetPlan" => Scope::PlatformWorkspaces,
        "GetWorkspace" | "GetUsage" => Scope::WorkspaceRead,
        "UpdateSettings" | "CreateApiKey" | "ListApiKeys" | "RotateApiKey" | "RevokeApiKey" => {
            Scope::WorkspaceAdmin
        }
        "GetMe" => Scope::WorkspaceRead,
        _ if path.starts_with("/leads.v1.MembersService/") => Scope::WorkspaceAdmin,
        "ListAuditEntries" | "VerifyAudit" | "ListConsents" | "ExportSubject" | "PreviewRetention"
        | "GetErasure" | "ListErasures" => Scope::PrivacyRead,
        "RecordConsent" => Scope::PrivacyWrite,
        "ConnectProvider" | "DisconnectProvider" => Scope::IntegrationsWrite,
        "GetConnection" | "ListConnections" => Scope::IntegrationsRead,
        _ => panic!("{path} has no scope case"),
    }
}

pub fn bound(world: &World, scope: Scope) -> Bound {
    match scope {
        Scope::Connector => Bound::Destination("hubspot".to_owned()),
        Scope::PlatformWorkspaces => Bound::Platform,
        _ => Bound::Workspace(world.workspace),
    }
}

async fn every_method_takes_its_scope_and_no_other(world: World) {
    let service = Service::start(world).await;
    let mut keys = Vec::new();
    for scope in Scope::ALL {
        keys.push((
            *scope,
            service.key(&bound(&service.world, *scope), &[*scope]).await,
        ));
    }
    for path in methods() {
        let needed = scope(&path);
        for (scope, key) in &keys {
            // An empty message is refused for its fields, or answered: in both cases the key has passed.
            let refused = service.call(&path, key, Vec::new()).await.err();
            let code = refused.as_ref().map_or(Code::Ok, |status| status.code());
            if *scope == needed {
                assert!(
                    matches!(code, Code::Ok | Code::InvalidArgument),
                    "{path} with {scope:?}: {code:?}"
                );
            } else {
                assert_eq!(code, Code::PermissionDenied, "{path} with {scope:?}");
                assert_eq!(reason(&refused.unwrap()), "SCOPE_REQUIRED");
            }
        }
    }
}

async fn a_scope_does_not_help_a_key_that_is_bound_to_something_else(world: World) {
    let service = Service::start(world).await;
    let bounds = [
        Bound::Workspace(service.world.workspace),
        Bound::Platform,
        Bound::Destination("hubspot".to_owned()),
    ];
    let mut keys = Vec::new();
    for bound in bounds {
        let text = service.key(&bound, Scope::ALL).await;
        keys.push((bound, text));
    }
    for path in methods() {
        let right = bound(&service.world, scope(&path));
        for (bound, key) in keys.iter().filter(|(bound, _)| *bound != right) {
            let passes = scope(&path) == Scope::PlatformWorkspaces;
            let code = service
                .call(&path, key, Vec::new())
                .await
                .err()
                .map_or(Code::Ok, |status| status.code());
            // Fields may be looked at before; nothing is answered.
            let refused = matches!(code, Code::PermissionDenied | Code::InvalidArgument);
            assert!(refused || passes, "{path} with {bound:?}: {code:?}");
        }
    }
}
