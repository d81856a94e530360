//! What the log asks of the place where it is kept: a flat folder of files.

use std::fmt;

/// A flat folder of files. Nothing is durable before the `sync` that says so: a file's bytes by [`Storage::sync`], which names there
/// are by [`Storage::sync_folder`].
pub trait Storage {
    /// The names of all files, in order.
    ///
    /// # Errors
    /// Whatever the folder answers.
    fn list(&self) -> Result<Vec<String>, Trouble>;

    /// A whole file.
    ///
    /// # Errors
    /// Whatever the folder answers; that there is no such file.
    fn read(&self, name: &str) -> Result<Vec<u8>, Trouble>;

    /// A new and empty file.
    ///
    /// # Errors
    /// Whatever the folder answers; that the name is taken.
    fn create(&mut self, name: &str) -> Result<(), Trouble>;

    /// Bytes at the end of a file: all of them, or an error with any part of them written.
    ///
    /// # Errors
    /// Whatever the folder answers, a full disk among it.
    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), Trouble>;

    /// Cuts a file to so many bytes.
    ///
    /// # Errors
    /// Whatever the folder answers.
    fn truncate(&mut self, name: &str, bytes: u64) -> Result<(), Trouble>;

    /// Makes the bytes of a file durable. After an error nobody knows which are.
    ///
    /// # Errors
    /// Whatever the folder answers.
    fn sync(&mut self, name: &str) -> Result<(), Trouble>;

    /// Gives a file another name, in the place of whatever had it.
    ///
    /// # Errors
    /// Whatever the folder answers.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Trouble>;

    /// Takes a name away.
    ///
    /// # Errors
    /// Whatever the folder answers.
    fn remove(&mut self, name: &str) -> Result<(), Trouble>;

    /// Makes the names durable.
    ///
    /// # Errors
    /// Whatever the folder answers.
    fn sync_folder(&mut self) -> Result<(), Trouble>;
}

impl<S: Storage + ?Sized> Storage for &mut S {
    fn list(&self) -> Result<Vec<String>, Trouble> {
        (**self).list()
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Trouble> {
        (**self).read(name)
    }

    fn create(&mut self, name: &str) -> Result<(), Trouble> {
        (**self).create(name)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), Trouble> {
        (**self).append(name, bytes)
    }

    fn truncate(&mut self, name: &str, bytes: u64) -> Result<(), Trouble> {
        (**self).truncate(name, bytes)
    }

    fn sync(&mut self, name: &str) -> Result<(), Trouble> {
        (**self).sync(name)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Trouble> {
        (**self).rename(from, to)
    }

    fn remove(&mut self, name: &str) -> Result<(), Trouble> {
        (**self).remove(name)
    }

    fn sync_folder(&mut self) -> Result<(), Trouble> {
        (**self).sync_folder()
    }
}

/// A call that the folder refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What was asked: `append`, `sync`, …
    pub call: &'static str,
    /// Of which file; empty where of the folder.
    pub file: String,
    /// What it answered.
    pub why: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.call, self.file, self.why)
    }
}

impl std::error::Error for Trouble {}
