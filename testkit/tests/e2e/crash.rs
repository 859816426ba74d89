//! kill -9 at every named point of both processes, in the middle of work that passes through all of them.
#![cfg(feature = "crash-points")]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use leads_proto::leads::v1::{AppendConversationRequest, Provider, SyncLeadRequest};
use leads_testkit::{
    captures,
    client::Clients,
    fakes::hubspot::{Fault, Route},
    faults::tally,
    stack::{Service, Stack, StackOptions, Storage},
    wait,
};

use crate::{RECOVERY_LIMIT, checker::check_synced, collect_patiently, on_both_databases, patiently};

on_both_databases!(a_kill_at_any_crash_point_loses_and_doubles_nothing);

/// Names of the crash points in the sources of the processes, so that a new one is tested without being listed here.
fn crash_points() -> Result<BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("workspace")?;
    let mut names = BTreeSet::new();
    for package in ["runtime", "leads-svc", "crm-hubspot"] {
        let files = rust_files(&root.join(package).join("src"))?;
        let sources = files
            .iter()
            .map(fs::read_to_string)
            .collect::<Result<Vec<_>, _>>()?
            .join("\n");
        let code = sources
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for call in code.flat_map(|line| line.split("crash_point!(").skip(1)) {
            let argument = call.split(')').next().context("an argument")?;
            let name = match argument.strip_prefix('"') {
                Some(literal) => literal.trim_end_matches('"'),
                None => {
                    let constant = format!(
                        "const {}: &str = \"",
                        argument.rsplit("::").next().unwrap_or(argument)
                    );
                    let value = sources
                        .split(constant.as_str())
                        .nth(1)
                        .and_then(|rest| rest.split('"').next());
                    value.with_context(|| format!("{package}: no {constant}"))?
                }
            };
            // Those are of the macro's own tests.
            if !name.starts_with("demo.") {
                names.insert(name.to_owned());
            }
        }
    }
    Ok(names)
}

#[test]
fn the_crash_points_of_all_processes_are_found() -> Result<()> {
    let names = crash_points()?;
    for part in ["capture.", "claim.", "report.", "driver."] {
        ensure!(
            names.iter().any(|name| name.starts_with(part)),
            "none starts with {part}: {names:?}"
        );
    }
    Ok(())
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

async fn a_kill_at_any_crash_point_loses_and_doubles_nothing(storage: Storage) -> Result<()> {
    let names = crash_points()?;
    ensure!(!names.is_empty(), "the sources have no crash points");
    let mut stack = Stack::start_with(StackOptions {
        storage,
        ..StackOptions::default()
    })
    .await?;
    let (mut accepted, mut unreached) = (Vec::new(), Vec::new());
    for name in &names {
        // The first visit is often the only one of its kind; the third is in the middle of a run.
        let mut deaths = 0;
        for visit in [1, 3] {
            // Repair and verification take their time: they are passed in one run of the two.
            stack.hubspot.clear_faults();
            if visit > 1 {
                stack
                    .hubspot
                    .inject(Fault::apply_then_cut().route(Route::BatchUpsert).skip(1).times(1))?;
                stack
                    .hubspot
                    .inject(Fault::status(503).route(Route::BatchUpsert).skip(2).times(1))?;
            }
            let died = crash_at(&mut stack, &format!("{name}:{visit}"), &mut accepted).await;
            deaths += usize::from(died.with_context(|| format!("crash point {name}:{visit}"))?);
            check_synced(&mut stack, &accepted)
                .await
                .with_context(|| format!("crash point {name}:{visit}"))?;
        }
        if deaths == 0 {
            unreached.push(name);
        }
    }
    ensure!(
        unreached.is_empty(),
        "nothing passed these crash points: {unreached:?}"
    );
    Ok(())
}

/// Restarts both processes with the crash point armed, works, and brings back what died. Says whether one did.
async fn crash_at(stack: &mut Stack, point: &str, accepted: &mut Vec<String>) -> Result<bool> {
    let armed = [("CRASH_AT", point)];
    stack.leads.start_with(&armed).await?;
    let connector = stack.connectors.first_mut().context("a connector")?;
    connector.start_with(&armed).await?;
    let mut work = tokio::spawn(work(stack.clients.clone()));
    let mut died = false;
    let ids = loop {
        for service in [Some(&mut stack.leads), stack.connectors.first_mut()]
            .into_iter()
            .flatten()
        {
            died |= revive(service).await?;
        }
        let done = tokio::time::timeout(Duration::from_millis(50), &mut work).await;
        if let Ok(done) = done {
            break done??;
        }
    };
    accepted.extend(ids.iter().cloned());
    // Some points lie behind the last answer: delivery, report, acknowledgement, verification.
    let settled = wait::until("the work to be delivered", RECOVERY_LIMIT, async || {
        for service in [Some(&mut stack.leads), stack.connectors.first_mut()]
            .into_iter()
            .flatten()
        {
            died |= revive(service).await?;
        }
        Ok(stack.rest_now(&ids).await.then_some(()))
    });
    settled.await?;
    // And some behind a request to stop.
    let connector = stack.connectors.first_mut().context("a connector")?;
    let status = connector.process()?.stop(Duration::from_secs(30)).await?;
    if status.signal() == Some(9) {
        tally::note("kills at crash points");
        died = true;
    }
    connector.start().await?;
    died |= revive(&mut stack.leads).await?;
    Ok(died)
}

/// Restarts a process that the crash point killed.
async fn revive(service: &mut Service) -> Result<bool> {
    let process = service.process()?;
    if process.is_running()? {
        return Ok(false);
    }
    let status = process.wait(Duration::ZERO).await?;
    ensure!(
        status.signal() == Some(9),
        "{} ended with {status}\n{}",
        process.name(),
        process.tail()
    );
    tally::note("kills at crash points");
    service.start().await?;
    Ok(true)
}

/// What a careful caller does: capture, add, force.
async fn work(clients: Clients) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for number in 0..6 {
        let email = captures::address("crash");
        let request = if number == 5 {
            captures::cold(&email)
        } else {
            captures::hot(&email)
        };
        let id = collect_patiently(&clients, request).await?;
        let again = AppendConversationRequest {
            lead_id: id.clone(),
            request_id: uuid::Uuid::new_v4().to_string(),
            messages: captures::warm(&email).messages,
            conversation_id: "second".to_owned(),
        };
        patiently(|| {
            let (mut leads, again) = (clients.leads.clone(), again.clone());
            async move { leads.append_conversation(again).await }
        })
        .await?;
        let force = SyncLeadRequest {
            lead_id: id.clone(),
            provider: Provider::Hubspot.into(),
        };
        patiently(|| {
            let (mut leads, force) = (clients.leads.clone(), force.clone());
            async move { leads.sync_lead(force).await }
        })
        .await?;
        ids.push(id);
    }
    Ok(ids)
}
