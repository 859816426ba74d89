//! What to start: path, arguments, environment, user, and where its output goes.

use std::{
    env,
    ffi::OsString,
    fs::{self, OpenOptions},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use super::{Process, lifeline};

/// Variables that would leak a developer's settings into a process under test.
const NOT_INHERITED: [&str; 5] = ["LEADS_SVC_", "CRM_HUBSPOT_", "OTEL_", "CRASH_AT", "RUST_LOG"];

/// How the images run the processes: one heap for all threads, which shrinks.
const ALLOCATOR: [(&str, &str); 2] = [("MALLOC_ARENA_MAX", "1"), ("MALLOC_TRIM_THRESHOLD_", "1048576")];

/// A process to start; can be started any number of times.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    user: Option<String>,
    logs: PathBuf,
    scratch: Option<PathBuf>,
}

impl Program {
    /// The program at `path`, its output going to `logs/<file name>.out` and `.err`.
    pub fn new(path: impl Into<PathBuf>, logs: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (arguments, environment) = (Vec::new(), Vec::new());
        Self {
            name,
            path,
            arguments,
            environment,
            user: None,
            logs: logs.into(),
            scratch: None,
        }
    }

    /// A binary of this workspace, from the target folder that the running test or program was built into.
    ///
    /// # Errors
    /// It is not built; the text says which command builds it.
    pub fn ours(binary: &str, logs: impl Into<PathBuf>) -> Result<Self> {
        let me = env::current_exe().context("own path")?;
        let mut folder = me.parent().context("own folder")?;
        if folder.ends_with("deps") || folder.ends_with("examples") {
            folder = folder.parent().context("target folder")?;
        }
        let path = folder.join(binary);
        let profile = if folder.ends_with("release") {
            " --release"
        } else {
            ""
        };
        ensure!(
            path.is_file(),
            "{binary} is not built: run `cargo build --workspace{profile}` with the features of this run ({} is missing)",
            path.display(),
        );
        Ok(Self::new(path, logs).envs(ALLOCATOR.map(|(name, value)| (name.to_owned(), value.to_owned()))))
    }

    /// Name in log files and messages, instead of the file's.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable; the last value counts.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Sets environment variables.
    #[must_use]
    pub fn envs(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Runs it as another user; needs root and setpriv.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// A folder to remove if this process ends without removing it itself.
    #[must_use]
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = Some(folder.into());
        self
    }

    /// Starts it in a process group of its own, so that Ctrl-C reaches only this process.
    pub fn start(&self) -> Result<Process> {
        fs::create_dir_all(&self.logs)?;
        let out = self.logs.join(format!("{}.out", self.name));
        let err = self.logs.join(format!("{}.err", self.name));
        let open = |path: &Path| OpenOptions::new().create(true).append(true).open(path);
        let mut command = self.command()?;
        command
            .stdin(Stdio::null())
            .stdout(open(&out)?)
            .stderr(open(&err)?)
            .process_group(0);
        let from = [&out, &err].map(|path| fs::metadata(path).map_or(0, |file| file.len()));
        let child = lifeline::spawn(command).with_context(|| format!("start {}", self.path.display()))?;
        let watcher =
            lifeline::Watcher::start(child.id(), self.scratch.as_deref()).context("start the watcher")?;
        Ok(Process::new(self.name.clone(), child, watcher, [out, err], from))
    }

    /// Runs it to its end and returns what it printed.
    ///
    /// # Errors
    /// A start that failed, an exit code other than 0, or no end within `limit`.
    pub async fn output(&self, limit: Duration) -> Result<String> {
        let mut process = self.start()?;
        let status = process.wait(limit).await?;
        ensure!(
            status.success(),
            "{} ended with {status}\n{}",
            self.name,
            process.tail()
        );
        process.printed()
    }

    fn command(&self) -> Result<Command> {
        let setpriv = find_on_path(&["setpriv"]);
        let mut command = match (&setpriv, &self.user) {
            (None, Some(user)) => bail!("setpriv is needed to run as {user}: apt-get install util-linux"),
            (None, None) => Command::new(&self.path),
            (Some(setpriv), user) => {
                let mut command = Command::new(setpriv);
                if let Some(user) = user {
                    command.args([format!("--reuid={user}"), format!("--regid={}", group_of(user)?)]);
                    command.arg("--init-groups");
                }
                command.args(["--pdeathsig", "KILL", "--"]).arg(&self.path);
                command
            }
        };
        for (name, _) in env::vars_os() {
            if NOT_INHERITED
                .iter()
                .any(|prefix| name.to_string_lossy().starts_with(prefix))
            {
                command.env_remove(name);
            }
        }
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

fn group_of(user: &str) -> Result<String> {
    let output = Command::new("id").args(["-g", user]).output().context("run id")?;
    ensure!(output.status.success(), "there is no user {user}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The first of `names` that a folder of PATH holds.
pub fn find_on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::ALLOCATOR;

    #[test]
    fn the_images_run_the_processes_with_the_same_allocator_settings() {
        let dockerfile = include_str!("../../../Dockerfile");
        for (name, value) in ALLOCATOR {
            assert!(dockerfile.contains(&format!("{name}={value}")), "{name}");
        }
    }
}
