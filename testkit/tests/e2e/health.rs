//! What callers and balancers are told of the service's health on the port that they use.

use std::time::Duration;

use anyhow::{Context, Result};
use leads_testkit::{
    stack::{Postgresql, Stack, StackOptions, Storage},
    wait,
};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

const LIMIT: Duration = Duration::from_secs(60);

async fn becomes(client: &HealthClient<Channel>, service: &str, wanted: ServingStatus) -> Result<()> {
    wait::until(&format!("{service:?} to be {wanted:?}"), LIMIT, async || {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = client.clone().check(request).await?.into_inner();
        Ok((answer.status() == wanted).then_some(()))
    })
    .await
}

#[tokio::test]
async fn the_public_health_follows_the_database_and_ends_with_the_drain() -> Result<()> {
    let mut stack = Stack::start_with(StackOptions {
        storage: Storage::Postgres(Postgresql::Own),
        connect: false,
        ..StackOptions::default()
    })
    .await?;
    let channel = Endpoint::from_shared(stack.url.clone())?.connect().await?;
    let client = HealthClient::new(channel);
    for service in ["", "leads.v1.LeadsService", "leads.v1.IntegrationsService"] {
        becomes(&client, service, ServingStatus::Serving).await?;
    }
    stack.postgres.as_ref().context("a server")?.kill()?;
    for service in ["", "leads.v1.LeadsService"] {
        becomes(&client, service, ServingStatus::NotServing).await?;
    }
    stack.postgres.as_ref().context("a server")?.restart().await?;
    becomes(&client, "", ServingStatus::Serving).await?;

    let mut watch = client
        .clone()
        .watch(HealthCheckRequest::default())
        .await?
        .into_inner();
    let first = watch.message().await?.context("a status")?;
    assert_eq!(first.status(), ServingStatus::Serving);
    stack.leads.process()?.terminate()?;
    let last = watch.message().await?.context("a status before the end")?;
    assert_eq!(last.status(), ServingStatus::NotServing);
    let status = stack.leads.process()?.wait(LIMIT).await?;
    assert!(status.success(), "{status}\n{}", stack.tails());
    Ok(())
}
