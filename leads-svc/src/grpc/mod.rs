//! gRPC: thin services, the layers before them, and the doors that connections come through.

pub mod call;
pub mod connector;
pub mod contacts;
pub mod convert;
pub mod integrations;
pub mod layers;
pub mod leads;
pub mod members;
pub mod privacy;
pub mod scopes;
pub mod server;
pub mod status;
pub mod workspaces;
