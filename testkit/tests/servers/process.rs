//! The process runner.

use std::{
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use leads_testkit::{
    process::{Program, find_on_path},
    wait,
};

const LIMIT: Duration = Duration::from_secs(20);

fn shell(script: &str, logs: &std::path::Path) -> Result<Program> {
    Ok(Program::new(find_on_path(&["sh"]).context("sh")?, logs).args(["-c", script]))
}

#[tokio::test]
async fn output_and_exit_status_are_seen() -> Result<()> {
    let logs = tempfile::tempdir()?;
    let text = shell("echo out; echo noise >&2", logs.path())?
        .output(LIMIT)
        .await?;
    assert_eq!(text, "out\n");
    let failed = shell("echo why >&2; exit 3", logs.path())?.output(LIMIT).await;
    let error = failed.expect_err("exit 3").to_string();
    assert!(
        error.contains("exit status: 3") && error.contains("why"),
        "{error}"
    );
    assert!(
        !error.contains("noise"),
        "an earlier run's output is not repeated: {error}"
    );
    Ok(())
}

#[tokio::test]
async fn signals_reach_the_process() -> Result<()> {
    let logs = tempfile::tempdir()?;
    let sleeper = shell(
        "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done",
        logs.path(),
    )?;
    let mut asked = sleeper.clone().name("asked").start()?;
    wait::until("the trap", LIMIT, async || {
        Ok((asked.printed()? == "up\n").then_some(()))
    })
    .await?;
    assert_eq!(asked.stop(LIMIT).await?.code(), Some(5));
    let mut killed = sleeper.name("killed").start()?;
    assert!(killed.is_running()?);
    killed.kill()?;
    assert_eq!(killed.wait(LIMIT).await?.signal(), Some(9));
    assert!(killed.terminate().is_err());
    Ok(())
}

/// Runs in a second copy of this test binary, which a developer's settings surround.
#[tokio::test]
#[ignore = "the other half of settings_of_the_developer_do_not_leak"]
async fn settings_of_a_child() -> Result<()> {
    let logs = tempfile::tempdir()?;
    let script = "echo \"$LEADS_SVC__STORAGE__URL,$CRM_HUBSPOT__OPS__LISTEN,$PLAIN,$SET\"";
    let seen = shell(script, logs.path())?
        .env("SET", "set")
        .output(LIMIT)
        .await?;
    assert_eq!(seen, ",,plain,set\n");
    Ok(())
}

#[test]
fn settings_of_the_developer_do_not_leak() -> Result<()> {
    let mut copy = Command::new(std::env::current_exe()?);
    copy.args(["--ignored", "--exact", "process::settings_of_a_child"]);
    copy.envs([
        ("LEADS_SVC__STORAGE__URL", "leak"),
        ("CRM_HUBSPOT__OPS__LISTEN", "leak"),
        ("PLAIN", "plain"),
    ]);
    let output = copy.output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
    Ok(())
}

#[test]
fn a_binary_that_is_not_built_is_named_with_the_command_that_builds_it() {
    let error = Program::ours("leads-missing", "logs")
        .expect_err("no such binary")
        .to_string();
    assert!(
        error.contains("leads-missing is not built: run `cargo build"),
        "{error}"
    );
}

#[tokio::test]
async fn a_process_that_ends_is_not_waited_for() -> Result<()> {
    let logs = tempfile::tempdir()?;
    let mut process = shell("echo broken config >&2; exit 1", logs.path())?.start()?;
    let error = process
        .wait_ready("http://127.0.0.1:1", LIMIT)
        .await
        .expect_err("it ended")
        .to_string();
    assert!(
        error.contains("ended") && error.contains("broken config"),
        "{error}"
    );
    Ok(())
}

/// Runs in a second copy of this test binary, which is then killed.
#[tokio::test]
#[ignore = "the other half of children_die_with_a_killed_parent"]
async fn parent_to_be_killed() -> Result<()> {
    let folder = PathBuf::from(std::env::var("LEADS_TEST_FOLDER")?);
    let scratch = folder.join("scratch");
    std::fs::create_dir_all(&scratch)?;
    let child = shell("exec sleep 600", &folder)?.scratch(scratch).start()?;
    std::fs::write(folder.join("pid.new"), child.pid().to_string())?;
    std::fs::rename(folder.join("pid.new"), folder.join("pid"))?;
    std::future::pending().await
}

#[tokio::test]
async fn children_die_with_a_killed_parent() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut parent = Command::new(std::env::current_exe()?)
        .args(["--ignored", "--exact", "process::parent_to_be_killed"])
        .env("LEADS_TEST_FOLDER", folder.path())
        .stdout(Stdio::null())
        .spawn()?;
    let file = folder.path().join("pid");
    let pid = wait::until("the child's id", LIMIT, async || {
        Ok(std::fs::read_to_string(&file).ok())
    })
    .await?;
    let alive = || -> Result<bool> {
        let known = Command::new("kill")
            .args(["-0", &pid])
            .stderr(Stdio::null())
            .status()?
            .success();
        // A dead process that nobody reaps is still known, but has no command line any more.
        Ok(known && std::fs::read(format!("/proc/{pid}/cmdline")).map_or(true, |line| !line.is_empty()))
    };
    wait::until("the child to live", LIMIT, async || Ok(alive()?.then_some(()))).await?;
    parent.kill()?;
    parent.wait()?;
    wait::until("the child to die", LIMIT, async || Ok((!alive()?).then_some(()))).await?;
    let scratch = folder.path().join("scratch");
    wait::until("its folder to go", LIMIT, async || {
        Ok((!scratch.exists()).then_some(()))
    })
    .await
}
