//! Every wire contract of Leads: the protobuf packages, and the closed list of error reasons that servers and clients
//! share.

pub mod reason;
mod redact;

/// `leads.*` packages.
pub mod leads {
    /// The public API.
    #[allow(
        missing_docs,
        clippy::all,
        clippy::allow_attributes_without_reason,
        reason = "generated; the proto files hold the documentation"
    )]
    pub mod v1 {
        tonic::include_proto!("leads.v1");
    }
    /// The connectors' API.
    pub mod connector {
        /// First version.
        #[allow(
            missing_docs,
            clippy::all,
            clippy::allow_attributes_without_reason,
            reason = "generated; the proto files hold the documentation"
        )]
        pub mod v1 {
            tonic::include_proto!("leads.connector.v1");
        }
    }
}

/// All files with their options and comments, encoded as a `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The `domain` of every `google.rpc.ErrorInfo`.
pub const ERROR_DOMAIN: &str = "leads.v1";
