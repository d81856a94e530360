//! Files that are whole or not there.

use plimsoll_io::book::WriteError;
use std::path::{Path, PathBuf};

/// A file under another name until it is whole; gone if it never is.
pub(crate) struct Part<'a> {
    /// Where to write.
    pub(crate) path: PathBuf,
    to: &'a Path,
    kept: bool,
}

impl<'a> Part<'a> {
    pub(crate) fn new(to: &'a Path) -> Part<'a> {
        let mut name = to.as_os_str().to_os_string();
        name.push(".part");
        Part { path: name.into(), to, kept: false }
    }

    /// It is whole.
    pub(crate) fn keep(mut self) -> Result<(), WriteError> {
        std::fs::rename(&self.path, self.to).map_err(|error| WriteError::Failed(error.to_string()))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.path); // it was never there, or cannot be helped
        }
    }
}

/// Writes a file whole, or leaves what was there. What is no file (a pipe, a device) is written to as it is.
pub(crate) fn save(to: &Path, text: &str) -> Result<(), WriteError> {
    let failed = |error: std::io::Error| WriteError::Failed(error.to_string());
    if std::fs::metadata(to).is_ok_and(|there| !there.is_file()) {
        return std::fs::write(to, text).map_err(failed);
    }
    let part = Part::new(to);
    std::fs::write(&part.path, text).map_err(failed)?;
    part.keep()
}
