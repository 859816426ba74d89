//! The folder of a development stack: who holds it, its key, its description.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::RngExt;
use serde_json::Value;

use super::absolute;

/// Name of the file that describes a running stack.
pub const DESCRIPTION: &str = "stack.json";

/// A folder that this process holds until it ends.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes the folder and clears what an earlier run left, the key aside: the simulator forgets its contacts when it
    /// stops, so a database that remembers syncing them would be wrong. `None` if another stack holds it.
    pub fn lock(path: &Path) -> Result<Option<Self>> {
        let path = absolute(path);
        fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error).context("lock the folder"),
        }
        let folder = Self { path, _lock: lock };
        folder.forget();
        let _ = fs::remove_dir_all(folder.path.join("logs"));
        Ok(Some(folder))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Base64 of 32 bytes that are drawn once and kept.
    pub fn key_encryption_key(&self) -> Result<String> {
        let path = self.path.join("kek");
        if let Ok(key) = fs::read_to_string(&path) {
            return Ok(key.trim().to_owned());
        }
        let key = STANDARD.encode(rand::rng().random::<[u8; 32]>());
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)?;
        writeln!(file, "{key}")?;
        Ok(key)
    }

    /// Describes the running stack; only the owner may read it, since a key is in it.
    pub fn write(&self, description: &Value) -> Result<()> {
        let temporary = self.path.join("stack.json.new");
        let _ = fs::remove_file(&temporary);
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&temporary)?;
        writeln!(file, "{description:#}")?;
        Ok(fs::rename(temporary, self.path.join(DESCRIPTION))?)
    }

    /// Removes the description.
    pub fn hide(&self) {
        let _ = fs::remove_file(self.path.join(DESCRIPTION));
    }

    /// Removes what only a running stack has.
    fn forget(&self) {
        self.hide();
        for name in ["leads.db", "leads.keys.db"] {
            for end in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(self.path.join(format!("{name}{end}")));
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.forget();
    }
}
