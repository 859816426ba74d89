//! Who calls each method, and how often. A method of the contract that is not here fails the walk.

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A workspace: with its key, or through the platform's.
    Workspace,
    /// The platform.
    Platform,
    /// The connector, which goes its own round.
    Connector,
}

use Caller::{Connector, Platform, Workspace};

/// Service, method, who calls, and how often among the others.
pub const CASES: &[(&str, &str, Caller, u32)] = &[
    ("leads.v1.LeadsService", "CollectLead", Workspace, 12),
    ("leads.v1.LeadsService", "BatchCollectLeads", Workspace, 2),
    ("leads.v1.LeadsService", "GetLead", Workspace, 9),
    ("leads.v1.LeadsService", "ListLeads", Workspace, 9),
    ("leads.v1.LeadsService", "UpdateLead", Workspace, 8),
    ("leads.v1.LeadsService", "DeleteLead", Workspace, 2),
    ("leads.v1.LeadsService", "AppendConversation", Workspace, 5),
    ("leads.v1.LeadsService", "ListConversation", Workspace, 5),
    ("leads.v1.LeadsService", "SyncLead", Workspace, 4),
    ("leads.v1.LeadsService", "ListDuplicates", Workspace, 4),
    ("leads.v1.LeadsService", "MergeLeads", Workspace, 5),
    ("leads.v1.LeadsService", "UnmergeLead", Workspace, 4),
    ("leads.v1.LeadsService", "ListActivities", Workspace, 5),
    ("leads.v1.LeadsService", "ListScores", Workspace, 4),
    ("leads.v1.ContactsService", "UpsertContact", Workspace, 5),
    ("leads.v1.ContactsService", "GetContact", Workspace, 5),
    ("leads.v1.ContactsService", "ListContacts", Workspace, 5),
    (
        "leads.v1.ContactsService",
        "AppendContactConversation",
        Workspace,
        4,
    ),
    ("leads.v1.WorkspacesService", "CreateWorkspace", Platform, 1),
    ("leads.v1.WorkspacesService", "GetWorkspace", Workspace, 2),
    ("leads.v1.WorkspacesService", "UpdateSettings", Workspace, 1),
    ("leads.v1.WorkspacesService", "SetPlan", Platform, 1),
    ("leads.v1.WorkspacesService", "GetUsage", Workspace, 2),
    ("leads.v1.WorkspacesService", "CreateApiKey", Workspace, 2),
    ("leads.v1.WorkspacesService", "ListApiKeys", Workspace, 2),
    ("leads.v1.WorkspacesService", "RotateApiKey", Workspace, 2),
    ("leads.v1.WorkspacesService", "RevokeApiKey", Workspace, 2),
    ("leads.v1.MembersService", "GetMe", Workspace, 2),
    ("leads.v1.MembersService", "CreateMember", Workspace, 3),
    ("leads.v1.MembersService", "ListMembers", Workspace, 3),
    ("leads.v1.MembersService", "UpdateMember", Workspace, 3),
    ("leads.v1.MembersService", "DeleteMember", Workspace, 2),
    ("leads.v1.IntegrationsService", "ConnectProvider", Workspace, 1),
    ("leads.v1.IntegrationsService", "GetConnection", Workspace, 2),
    ("leads.v1.IntegrationsService", "ListConnections", Workspace, 2),
    ("leads.v1.IntegrationsService", "DisconnectProvider", Workspace, 1),
    ("leads.v1.PrivacyService", "RecordConsent", Workspace, 4),
    ("leads.v1.PrivacyService", "ListConsents", Workspace, 4),
    ("leads.v1.PrivacyService", "ExportSubject", Workspace, 3),
    ("leads.v1.PrivacyService", "EraseSubject", Workspace, 2),
    ("leads.v1.PrivacyService", "GetErasure", Workspace, 3),
    ("leads.v1.PrivacyService", "ListErasures", Workspace, 2),
    ("leads.v1.PrivacyService", "PreviewRetention", Workspace, 2),
    ("leads.v1.PrivacyService", "ListAuditEntries", Workspace, 4),
    ("leads.v1.PrivacyService", "VerifyAudit", Workspace, 1),
    ("leads.connector.v1.ConnectorService", "Heartbeat", Connector, 0),
    (
        "leads.connector.v1.ConnectorService",
        "GetConnection",
        Connector,
        0,
    ),
    (
        "leads.connector.v1.ConnectorService",
        "LeaseTokenRefresh",
        Connector,
        0,
    ),
    (
        "leads.connector.v1.ConnectorService",
        "PutConnectionToken",
        Connector,
        0,
    ),
    ("leads.connector.v1.ConnectorService", "ClaimJobs", Connector, 0),
    (
        "leads.connector.v1.ConnectorService",
        "ReportOutcomes",
        Connector,
        0,
    ),
    ("leads.connector.v1.ConnectorService", "ReleaseJobs", Connector, 0),
    ("leads.connector.v1.ConnectorService", "ClaimTasks", Connector, 0),
    ("leads.connector.v1.ConnectorService", "ReportTask", Connector, 0),
];
