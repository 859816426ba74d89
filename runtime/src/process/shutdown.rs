//! Turns signals into a cancellation that everything long-running listens to.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code after a second signal: 128 + SIGINT, as shells have it.
const FORCED_EXIT: i32 = 130;

/// A token that SIGTERM and SIGINT cancel. A second signal ends the process at once, without draining.
///
/// # Errors
/// The handlers could not be registered.
#[expect(
    clippy::disallowed_methods,
    reason = "this task outlives every task set: it must see the second signal"
)]
pub fn on_signal() -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        let name = either(&mut terminate, &mut interrupt).await;
        tracing::info!(signal = name, "stopping");
        cancelled.cancel();
        let name = either(&mut terminate, &mut interrupt).await;
        tracing::warn!(signal = name, "second signal: exiting without draining");
        std::process::exit(FORCED_EXIT);
    });
    Ok(stop)
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    /// Runs in a process of its own, started by the test below.
    #[tokio::test]
    #[ignore = "waits for signals"]
    async fn waits() {
        let stop = on_signal().unwrap();
        println!("waiting");
        stop.cancelled().await;
        println!("draining");
        std::future::pending::<()>().await;
    }

    #[test]
    fn the_first_signal_cancels_and_the_second_exits() {
        for name in ["TERM", "INT"] {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args([
                "process::shutdown::tests::waits",
                "--exact",
                "--ignored",
                "--nocapture",
            ]);
            let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
            let id = process.id().to_string();
            let signal = || {
                assert!(
                    Command::new("kill")
                        .args([&format!("-{name}"), &id])
                        .status()
                        .unwrap()
                        .success()
                )
            };
            let mut lines = BufReader::new(process.stdout.take().unwrap())
                .lines()
                .map(Result::unwrap);
            assert!(lines.any(|line| line.ends_with("waiting")));
            signal();
            assert!(lines.any(|line| line.ends_with("draining")));
            signal();
            assert_eq!(process.wait().unwrap().code(), Some(FORCED_EXIT));
        }
    }
}
