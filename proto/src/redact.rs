//! Debug output of messages that carry a secret: the name, never the content.

use std::fmt;

use crate::leads::{connector::v1 as connector, v1};

macro_rules! hidden {
    ($($message:ty => $name:literal),+ $(,)?) => {
        $(impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($name, " { [hidden] }"))
            }
        })+
    };
}

hidden! {
    v1::CreateWorkspaceResponse => "CreateWorkspaceResponse",
    v1::CreateApiKeyResponse => "CreateApiKeyResponse",
    v1::RotateApiKeyResponse => "RotateApiKeyResponse",
    v1::HubspotCredentials => "HubspotCredentials",
    v1::SalesforceClientCredentials => "SalesforceClientCredentials",
    v1::SalesforceRefreshToken => "SalesforceRefreshToken",
    v1::SalesforceJwtBearer => "SalesforceJwtBearer",
    connector::HubspotSecret => "HubspotSecret",
    connector::SalesforceSecret => "SalesforceSecret",
    connector::PutConnectionTokenRequest => "PutConnectionTokenRequest",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let request = v1::ConnectProviderRequest {
            credentials: Some(v1::connect_provider_request::Credentials::Hubspot(
                v1::HubspotCredentials {
                    access_token: "pat-canary".to_owned(),
                },
            )),
            ..Default::default()
        };
        let printed = format!("{request:?}");
        assert!(
            printed.contains("HubspotCredentials") && !printed.contains("canary"),
            "{printed}"
        );
    }
}
