//! Named places at which a test can kill the process, as a power cut would.
//!
//! Without the feature `crash-points` a crash point is an empty function. With it, `CRASH_AT=name:n` in the environment
//! sends SIGKILL to the process when it reaches the point of that name for the n-th time (1 if left out).

/// Marks a place at which a test can kill the process.
#[macro_export]
macro_rules! crash_point {
    ($name:expr) => {
        $crate::crash::reached($name)
    };
}

/// Counts a visit of the crash point; does not return if it is the chosen one.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub const fn reached(_name: &str) {}

/// Counts a visit of the crash point; does not return if it is the chosen one.
#[cfg(feature = "crash-points")]
pub fn reached(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Chosen {
        name: String,
        visits_left: AtomicU64,
    }
    static CHOSEN: LazyLock<Option<Chosen>> = LazyLock::new(|| {
        let value = std::env::var("CRASH_AT").ok()?;
        let (name, visits) = match value.rsplit_once(':') {
            Some((name, visits)) => (name, visits.parse().ok()?),
            None => (value.as_str(), 1),
        };
        Some(Chosen {
            name: name.to_owned(),
            visits_left: AtomicU64::new(visits),
        })
    });

    let Some(chosen) = CHOSEN.as_ref().filter(|chosen| chosen.name == name) else {
        return;
    };
    if chosen.visits_left.fetch_sub(1, Ordering::SeqCst) == 1 {
        tracing::error!(crash_point = name, "killing this process");
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}

#[cfg(all(test, feature = "crash-points"))]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    /// Runs in a process of its own, started by the test below.
    #[test]
    #[ignore = "kills its process"]
    fn visits() {
        for visit in 1..=5 {
            println!("visit {visit}");
            crash_point!("demo.other");
            crash_point!("demo.here");
        }
    }

    #[test]
    fn the_process_is_killed_at_the_chosen_visit() {
        let run = |crash_at: &str| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args(["crash::tests::visits", "--exact", "--ignored", "--nocapture"])
                .env("CRASH_AT", crash_at);
            let output = command.output().unwrap();
            let visits = String::from_utf8(output.stdout)
                .unwrap()
                .matches("visit ")
                .count();
            (output.status.signal(), visits)
        };
        assert_eq!(run("demo.here:3"), (Some(9), 3));
        assert_eq!(run("demo.here"), (Some(9), 1));
        assert_eq!(run("demo.here:9"), (None, 5));
        assert_eq!(run("demo.elsewhere:1"), (None, 5));
    }
}
