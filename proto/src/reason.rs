//! Why a call was refused: a closed list, with two total mappings to the wire.

use http::StatusCode;
use tonic::Code;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal => $code:ident, $status:ident;)+) => {
        /// Machine-readable cause of an error. Texts may change between releases, these names may not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[doc = $doc])+ $variant,)+ }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Reason] = &[$(Reason::$variant),+];

            /// Name in `ErrorInfo.reason` and in a problem's `reason`.
            pub const fn name(self) -> &'static str {
                match self { $(Reason::$variant => $name),+ }
            }

            /// What to tell someone who looks the reason up.
            pub const fn description(self) -> &'static str {
                match self { $(Reason::$variant => concat!($($doc),+).trim_ascii()),+ }
            }

            /// Status code of gRPC answers.
            pub const fn grpc_code(self) -> Code {
                match self { $(Reason::$variant => Code::$code),+ }
            }

            /// Status code of REST answers.
            pub const fn http_status(self) -> StatusCode {
                match self { $(Reason::$variant => StatusCode::$status),+ }
            }
        }
    };
}

reasons! {
    /// The bytes are not a request of this method. Check the encoding.
    MalformedRequest = "MALFORMED_REQUEST" => InvalidArgument, BAD_REQUEST;
    /// Fields are missing, out of range or contradict each other. All of them are listed; JSON of the wrong shape is
    /// told before values that break a rule.
    InvalidFields = "INVALID_FIELDS" => InvalidArgument, BAD_REQUEST;
    /// The call holds more than its limits allow. Split it.
    LimitExceeded = "LIMIT_EXCEEDED" => InvalidArgument, BAD_REQUEST;
    /// The call is larger than 4 MiB. Split it.
    MessageTooLarge = "MESSAGE_TOO_LARGE" => ResourceExhausted, PAYLOAD_TOO_LARGE;
    /// The deadline header cannot be read. Send digits and a unit, as gRPC defines them.
    BadDeadline = "BAD_DEADLINE" => InvalidArgument, BAD_REQUEST;
    /// The deadline passed; the call may have taken effect. Repeat it with the same request id.
    DeadlineExceeded = "DEADLINE_EXCEEDED" => DeadlineExceeded, GATEWAY_TIMEOUT;
    /// The caller went away.
    Cancelled = "CANCELLED" => Cancelled, REQUEST_TIMEOUT;
    /// There is no such method or path.
    UnknownMethod = "UNKNOWN_METHOD" => Unimplemented, NOT_FOUND;
    /// The path exists and does not take this verb.
    MethodNotAllowed = "METHOD_NOT_ALLOWED" => Unimplemented, METHOD_NOT_ALLOWED;
    /// The content type is neither gRPC nor JSON.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE" => InvalidArgument, UNSUPPORTED_MEDIA_TYPE;
    /// The credential is missing, unknown, expired or revoked. Send `authorization: Bearer ak_…`.
    Unauthenticated = "UNAUTHENTICATED" => Unauthenticated, UNAUTHORIZED;
    /// More than one authorization header came. Send one.
    AmbiguousCredentials = "AMBIGUOUS_CREDENTIALS" => Unauthenticated, UNAUTHORIZED;
    /// The credential lacks the scope named in the metadata. Use or create a key that has it.
    ScopeRequired = "SCOPE_REQUIRED" => PermissionDenied, FORBIDDEN;
    /// A session's cookie came from another site, or without the header that shows that it did not. Send
    /// `leads-csrf: 1` from a page of the same origin, or use a key.
    CrossSite = "CROSS_SITE" => PermissionDenied, FORBIDDEN;
    /// The sign-in was refused; the text says why. Begin again, or ask an admin of the workspace to add you.
    SignInRefused = "SIGN_IN_REFUSED" => PermissionDenied, FORBIDDEN;
    /// The identity provider cannot be reached or did not answer as it should. Sign in again later.
    IdentityProviderUnavailable = "IDENTITY_PROVIDER_UNAVAILABLE" => Unavailable, SERVICE_UNAVAILABLE;
    /// The workspace's plan does not have this; the plan that unlocks it is in the metadata. Change the plan.
    PlanRequired = "PLAN_REQUIRED" => FailedPrecondition, PAYMENT_REQUIRED;
    /// The workspace has used what its plan gives of this; the numbers and the plan that raises them are in the
    /// metadata. Change the plan, or wait until the month is over where a month is counted.
    PlanLimit = "PLAN_LIMIT" => FailedPrecondition, PAYMENT_REQUIRED;
    /// The key is revoked, expired or replaced. Create a new one.
    KeyEnded = "KEY_ENDED" => FailedPrecondition, CONFLICT;
    /// The workspace has no such resource.
    NotFound = "NOT_FOUND" => NotFound, NOT_FOUND;
    /// The workspace has such a thing already. Use it, or change what must be unique.
    AlreadyExists = "ALREADY_EXISTS" => AlreadyExists, CONFLICT;
    /// The request id was used with another body or method in the last 24 hours. Take a new one.
    RequestIdReused = "REQUEST_ID_REUSED" => InvalidArgument, UNPROCESSABLE_ENTITY;
    /// Somebody changed the resource since it was read. Read it again and decide anew.
    EtagMismatch = "ETAG_MISMATCH" => Aborted, PRECONDITION_FAILED;
    /// Too many calls changed the same rows at once. Repeat the call.
    Conflict = "CONFLICT" => Aborted, CONFLICT;
    /// The page token is damaged, or belongs to another query. Start from the first page.
    PageTokenInvalid = "PAGE_TOKEN_INVALID" => InvalidArgument, BAD_REQUEST;
    /// The page token is older than 24 hours. Start from the first page.
    PageTokenExpired = "PAGE_TOKEN_EXPIRED" => InvalidArgument, BAD_REQUEST;
    /// The address belongs to another contact of the workspace. Use that contact.
    AddressTaken = "ADDRESS_TAKEN" => FailedPrecondition, CONFLICT;
    /// The leads cannot be merged, or the merge cannot be undone; the text says why, and which merge comes first.
    MergeRefused = "MERGE_REFUSED" => FailedPrecondition, CONFLICT;
    /// A lead cannot move from its stage to the one asked for.
    StageTransition = "STAGE_TRANSITION" => FailedPrecondition, CONFLICT;
    /// The workspace has no connection to the CRM. Connect it first.
    NotConnected = "NOT_CONNECTED" => FailedPrecondition, CONFLICT;
    /// The lead lacks what a sync needs; the field is named. Add it and repeat the call.
    SyncBlocked = "SYNC_BLOCKED" => FailedPrecondition, CONFLICT;
    /// The person's consent does not allow it: the workspace requires one that holds, or it was refused or withdrawn.
    /// Record a consent that was given, then repeat the call.
    ConsentRequired = "CONSENT_REQUIRED" => FailedPrecondition, CONFLICT;
    /// The person was erased. Ask them, and send the consent that they gave since then with the capture.
    ErasedSubject = "ERASED_SUBJECT" => FailedPrecondition, CONFLICT;
    /// The key made more calls than its rate allows. Repeat the call after the delay given.
    RateLimited = "RATE_LIMITED" => ResourceExhausted, TOO_MANY_REQUESTS;
    /// The service has more calls at work than it can hold. Repeat the call after the delay given.
    Overloaded = "OVERLOADED" => ResourceExhausted, TOO_MANY_REQUESTS;
    /// The workspace already owes its CRM as many syncs as the service keeps. Repeat the call later.
    BacklogFull = "BACKLOG_FULL" => ResourceExhausted, TOO_MANY_REQUESTS;
    /// The database cannot be reached; nothing is lost. Repeat the call with the same request id.
    StorageUnavailable = "STORAGE_UNAVAILABLE" => Unavailable, SERVICE_UNAVAILABLE;
    /// The service is stopping. Repeat the call; another replica takes it.
    ShuttingDown = "SHUTTING_DOWN" => Unavailable, SERVICE_UNAVAILABLE;
    /// Our fault. The trace id finds it in the logs.
    Internal = "INTERNAL" => Internal, INTERNAL_SERVER_ERROR;
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Reason {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.name() == name)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_parse_back() {
        for reason in Reason::ALL {
            assert_eq!(reason.name().parse(), Ok(*reason));
        }
    }

    #[test]
    fn refusals_are_never_reported_as_success() {
        for reason in Reason::ALL {
            assert_ne!(reason.grpc_code(), Code::Ok);
            assert!(reason.http_status().is_client_error() || reason.http_status().is_server_error());
        }
    }
}
