//! What makes a child die with this process, however this process ends.
//!
//! Two means, since each has a gap. `setpriv --pdeathsig` makes the kernel kill the child; it exists on Linux only
//! and counts the death of the *thread* that started it, so one thread that never ends starts them all. A watcher
//! (a shell in a process group of its own, reading a pipe from here) sees the pipe close, kills the child and
//! removes its temporary folder.

use std::{
    io::{self, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{LazyLock, Mutex, mpsc},
    thread,
};

type Order = (Command, mpsc::SyncSender<io::Result<Child>>);

static STARTER: LazyLock<Mutex<mpsc::Sender<Order>>> = LazyLock::new(|| {
    let (orders, inbox) = mpsc::channel::<Order>();
    thread::spawn(move || {
        for (mut command, answer) in inbox {
            let _ = answer.send(command.spawn());
        }
    });
    Mutex::new(orders)
});

/// Starts a command from the thread that lives as long as the process does.
pub fn spawn(command: Command) -> io::Result<Child> {
    let (answer, result) = mpsc::sync_channel(1);
    let gone = || io::Error::other("the starter thread is gone");
    let starter = STARTER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    starter.send((command, answer)).map_err(|_| gone())?;
    drop(starter);
    result.recv().map_err(|_| gone())?
}

/// A shell that kills a process when this one ends.
#[derive(Debug)]
pub struct Watcher {
    shell: Child,
    pipe: ChildStdin,
}

impl Watcher {
    /// Watches over `pid`; removes `folder` after it, if there is one.
    pub fn start(pid: u32, folder: Option<&Path>) -> io::Result<Self> {
        let script = r#"trap "" INT TERM HUP; read -r line && exit 0; kill -9 "$1" 2>/dev/null; [ -z "$2" ] || rm -rf -- "$2""#;
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "leads-watcher", &pid.to_string()])
            .arg(folder.unwrap_or(Path::new("")));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let mut shell = command.spawn()?;
        let pipe = shell
            .stdin
            .take()
            .ok_or_else(|| io::Error::other("the watcher has no pipe"))?;
        Ok(Self { shell, pipe })
    }

    /// Ends the watch; call it once the process has been reaped, since its id may be given to another one then.
    pub fn release(mut self) {
        let _ = self.pipe.write_all(b"done\n");
        drop(self.pipe);
        let _ = self.shell.wait();
    }
}
