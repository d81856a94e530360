//! A folder of the machine as [`Storage`]: the one place of this crate that touches a disk.

use crate::storage::{Storage, Trouble};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The file whose lock says that somebody writes here.
const LOCK: &str = "lock";

/// A folder that nobody else writes to while this stands.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Files that were written to, kept open: a name is looked up once.
    open: HashMap<String, File>,
    /// `None` where the folder is only read.
    lock: Option<File>,
}

impl Folder {
    /// A folder, made where there is none, and locked.
    ///
    /// # Errors
    /// What the machine answers; that another process has it.
    pub fn open(path: &Path) -> Result<Folder, Trouble> {
        let told = |call, why: String| Trouble { call, file: path.display().to_string(), why };
        std::fs::create_dir_all(path).map_err(|error| told("create", error.to_string()))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK));
        let lock = lock.map_err(|error| told("open the lock of", error.to_string()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(told("lock", "another process writes to this folder".into()));
            }
            Err(TryLockError::Error(error)) => return Err(told("lock", error.to_string())),
        }
        Ok(Folder { path: path.into(), open: HashMap::new(), lock: Some(lock) })
    }

    /// A folder that is only read, whoever writes to it meanwhile. Every call that would change something is refused.
    ///
    /// # Errors
    /// That there is no such folder.
    pub fn look(path: &Path) -> Result<Folder, Trouble> {
        let told = |why: String| Trouble { call: "read", file: path.display().to_string(), why };
        let is_folder = std::fs::metadata(path).map_err(|error| told(error.to_string()))?.is_dir();
        is_folder.then_some(()).ok_or_else(|| told("no folder".into()))?;
        Ok(Folder { path: path.into(), open: HashMap::new(), lock: None })
    }

    /// Whether this folder may be changed.
    fn may(&self, call: &'static str, name: &str) -> Result<(), Trouble> {
        let why = || "the folder is only read".to_string();
        self.lock.as_ref().map(|_| ()).ok_or_else(|| Trouble { call, file: name.into(), why: why() })
    }

    fn file(&mut self, call: &'static str, name: &str) -> Result<&mut File, Trouble> {
        self.may(call, name)?;
        if !self.open.contains_key(name) {
            let file = OpenOptions::new().append(true).open(self.path.join(name));
            let file = file.map_err(|error| trouble(call, name, &error))?;
            self.open.insert(name.into(), file);
        }
        let missing = || Trouble { call, file: name.into(), why: "not open".into() };
        self.open.get_mut(name).ok_or_else(missing)
    }
}

fn trouble(call: &'static str, name: &str, error: &std::io::Error) -> Trouble {
    Trouble { call, file: name.into(), why: error.to_string() }
}

impl Storage for Folder {
    fn list(&self) -> Result<Vec<String>, Trouble> {
        let told = |error: std::io::Error| trouble("list", "", &error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(told)? {
            let name = entry.map_err(told)?.file_name().to_string_lossy().into_owned();
            if name != LOCK {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Trouble> {
        std::fs::read(self.path.join(name)).map_err(|error| trouble("read", name, &error))
    }

    fn create(&mut self, name: &str) -> Result<(), Trouble> {
        self.may("create", name)?;
        let file = OpenOptions::new().append(true).create_new(true).open(self.path.join(name));
        self.open.insert(name.into(), file.map_err(|error| trouble("create", name, &error))?);
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), Trouble> {
        // `write_all` goes on after an interruption and a short write.
        self.file("append", name)?.write_all(bytes).map_err(|error| trouble("append", name, &error))
    }

    fn truncate(&mut self, name: &str, bytes: u64) -> Result<(), Trouble> {
        self.file("truncate", name)?.set_len(bytes).map_err(|error| trouble("truncate", name, &error))
    }

    fn sync(&mut self, name: &str) -> Result<(), Trouble> {
        // The length is what `fdatasync` makes durable with the bytes; other properties of the file say nothing.
        self.file("sync", name)?.sync_data().map_err(|error| trouble("sync", name, &error))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Trouble> {
        self.may("rename", from)?;
        self.open.remove(from);
        self.open.remove(to);
        std::fs::rename(self.path.join(from), self.path.join(to))
            .map_err(|error| trouble("rename", from, &error))
    }

    fn remove(&mut self, name: &str) -> Result<(), Trouble> {
        self.may("remove", name)?;
        self.open.remove(name);
        std::fs::remove_file(self.path.join(name)).map_err(|error| trouble("remove", name, &error))
    }

    fn sync_folder(&mut self) -> Result<(), Trouble> {
        let folder = File::open(&self.path).map_err(|error| trouble("sync", "", &error))?;
        folder.sync_all().map_err(|error| trouble("sync", "", &error))
    }
}
