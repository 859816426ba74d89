//! What each method demands of its caller. A method that is not listed is refused.

use crate::service::principal::Scope;

/// What a method demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No key: liveness and the API description hold no customer data.
    Open,
    /// A key with this scope.
    Scoped(Scope),
}

use Access::{Open, Scoped};

/// Path of each method and what it demands.
pub const TABLE: &[(&str, Access)] = &[
    ("/leads.v1.LeadsService/CollectLead", Scoped(Scope::LeadsWrite)),
    (
        "/leads.v1.LeadsService/BatchCollectLeads",
        Scoped(Scope::LeadsWrite),
    ),
    ("/leads.v1.LeadsService/GetLead", Scoped(Scope::LeadsRead)),
    ("/leads.v1.LeadsService/ListLeads", Scoped(Scope::LeadsRead)),
    ("/leads.v1.LeadsService/UpdateLead", Scoped(Scope::LeadsWrite)),
    ("/leads.v1.LeadsService/DeleteLead", Scoped(Scope::LeadsDelete)),
    (
        "/leads.v1.LeadsService/AppendConversation",
        Scoped(Scope::LeadsWrite),
    ),
    (
        "/leads.v1.LeadsService/ListConversation",
        Scoped(Scope::LeadsRead),
    ),
    ("/leads.v1.LeadsService/SyncLead", Scoped(Scope::LeadsWrite)),
    ("/leads.v1.LeadsService/ListDuplicates", Scoped(Scope::LeadsRead)),
    ("/leads.v1.LeadsService/MergeLeads", Scoped(Scope::LeadsWrite)),
    ("/leads.v1.LeadsService/UnmergeLead", Scoped(Scope::LeadsWrite)),
    ("/leads.v1.LeadsService/ListActivities", Scoped(Scope::LeadsRead)),
    ("/leads.v1.LeadsService/ListScores", Scoped(Scope::LeadsRead)),
    (
        "/leads.v1.ContactsService/UpsertContact",
        Scoped(Scope::LeadsWrite),
    ),
    ("/leads.v1.ContactsService/GetContact", Scoped(Scope::LeadsRead)),
    ("/leads.v1.ContactsService/ListContacts", Scoped(Scope::LeadsRead)),
    (
        "/leads.v1.ContactsService/AppendContactConversation",
        Scoped(Scope::LeadsWrite),
    ),
    (
        "/leads.v1.WorkspacesService/CreateWorkspace",
        Scoped(Scope::PlatformWorkspaces),
    ),
    (
        "/leads.v1.WorkspacesService/GetWorkspace",
        Scoped(Scope::WorkspaceRead),
    ),
    (
        "/leads.v1.WorkspacesService/UpdateSettings",
        Scoped(Scope::WorkspaceAdmin),
    ),
    (
        "/leads.v1.WorkspacesService/SetPlan",
        Scoped(Scope::PlatformWorkspaces),
    ),
    (
        "/leads.v1.WorkspacesService/GetUsage",
        Scoped(Scope::WorkspaceRead),
    ),
    (
        "/leads.v1.WorkspacesService/CreateApiKey",
        Scoped(Scope::WorkspaceAdmin),
    ),
    (
        "/leads.v1.WorkspacesService/ListApiKeys",
        Scoped(Scope::WorkspaceAdmin),
    ),
    (
        "/leads.v1.WorkspacesService/RotateApiKey",
        Scoped(Scope::WorkspaceAdmin),
    ),
    (
        "/leads.v1.WorkspacesService/RevokeApiKey",
        Scoped(Scope::WorkspaceAdmin),
    ),
    ("/leads.v1.MembersService/GetMe", Scoped(Scope::WorkspaceRead)),
    (
        "/leads.v1.MembersService/CreateMember",
        Scoped(Scope::WorkspaceAdmin),
    ),
    (
        "/leads.v1.MembersService/ListMembers",
        Scoped(Scope::WorkspaceAdmin),
    ),
    (
        "/leads.v1.MembersService/UpdateMember",
        Scoped(Scope::WorkspaceAdmin),
    ),
    (
        "/leads.v1.MembersService/DeleteMember",
        Scoped(Scope::WorkspaceAdmin),
    ),
    (
        "/leads.v1.IntegrationsService/ConnectProvider",
        Scoped(Scope::IntegrationsWrite),
    ),
    (
        "/leads.v1.IntegrationsService/GetConnection",
        Scoped(Scope::IntegrationsRead),
    ),
    (
        "/leads.v1.IntegrationsService/ListConnections",
        Scoped(Scope::IntegrationsRead),
    ),
    (
        "/leads.v1.IntegrationsService/DisconnectProvider",
        Scoped(Scope::IntegrationsWrite),
    ),
    (
        "/leads.v1.PrivacyService/RecordConsent",
        Scoped(Scope::PrivacyWrite),
    ),
    (
        "/leads.v1.PrivacyService/ListConsents",
        Scoped(Scope::PrivacyRead),
    ),
    (
        "/leads.v1.PrivacyService/ExportSubject",
        Scoped(Scope::PrivacyRead),
    ),
    (
        "/leads.v1.PrivacyService/PreviewRetention",
        Scoped(Scope::PrivacyRead),
    ),
    (
        "/leads.v1.PrivacyService/ListAuditEntries",
        Scoped(Scope::PrivacyRead),
    ),
    ("/leads.v1.PrivacyService/VerifyAudit", Scoped(Scope::PrivacyRead)),
    (
        "/leads.v1.PrivacyService/EraseSubject",
        Scoped(Scope::LeadsDelete),
    ),
    ("/leads.v1.PrivacyService/GetErasure", Scoped(Scope::PrivacyRead)),
    (
        "/leads.v1.PrivacyService/ListErasures",
        Scoped(Scope::PrivacyRead),
    ),
    (
        "/leads.connector.v1.ConnectorService/Heartbeat",
        Scoped(Scope::Connector),
    ),
    (
        "/leads.connector.v1.ConnectorService/GetConnection",
        Scoped(Scope::Connector),
    ),
    (
        "/leads.connector.v1.ConnectorService/LeaseTokenRefresh",
        Scoped(Scope::Connector),
    ),
    (
        "/leads.connector.v1.ConnectorService/PutConnectionToken",
        Scoped(Scope::Connector),
    ),
    (
        "/leads.connector.v1.ConnectorService/ClaimJobs",
        Scoped(Scope::Connector),
    ),
    (
        "/leads.connector.v1.ConnectorService/ReportOutcomes",
        Scoped(Scope::Connector),
    ),
    (
        "/leads.connector.v1.ConnectorService/ReleaseJobs",
        Scoped(Scope::Connector),
    ),
    (
        "/leads.connector.v1.ConnectorService/ClaimTasks",
        Scoped(Scope::Connector),
    ),
    (
        "/leads.connector.v1.ConnectorService/ReportTask",
        Scoped(Scope::Connector),
    ),
    ("/grpc.health.v1.Health/Check", Open),
    ("/grpc.health.v1.Health/List", Open),
    ("/grpc.health.v1.Health/Watch", Open),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Open),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Open,
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn the_table_and_the_contract_list_the_same_methods() {
        let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
        let described: BTreeSet<String> = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|method| format!("/{}/{}", method.parent_service().full_name(), method.name()))
            .collect();
        let listed: BTreeSet<String> = TABLE
            .iter()
            .filter(|(path, _)| !path.starts_with("/grpc."))
            .map(|(path, _)| (*path).to_owned())
            .collect();
        assert_eq!(described, listed);
    }

    #[test]
    fn no_method_is_listed_twice() {
        let distinct: BTreeSet<_> = TABLE.iter().map(|(path, _)| path).collect();
        assert_eq!(distinct.len(), TABLE.len());
    }

    #[test]
    fn only_health_and_reflection_are_open() {
        for (path, access) in TABLE {
            assert_eq!(*access == Open, path.starts_with("/grpc."), "{path}");
        }
    }

    #[test]
    fn comments_in_the_contract_name_the_same_scope() {
        let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
        for service in pool
            .services()
            .filter(|service| service.package_name() == "leads.v1")
        {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                let (_, access) = TABLE.iter().find(|(listed, _)| *listed == path).unwrap();
                let Scoped(scope) = access else {
                    panic!("{path} is open")
                };
                let file = service.parent_file();
                let info = file.file_descriptor_proto().source_code_info.clone().unwrap();
                let location = info
                    .location
                    .iter()
                    .find(|location| location.path == method.path())
                    .unwrap();
                let comment = location
                    .leading_comments()
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ");
                assert!(
                    comment.ends_with(&format!("Scope: {}.", scope.name())),
                    "{path}: {comment}"
                );
            }
        }
    }
}
