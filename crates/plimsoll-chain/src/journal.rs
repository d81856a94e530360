//! What a fetch has read, kept in a folder, so that one that was killed goes on where it was.
//!
//! One file of records, each a line `KEY LENGTH HASH` and so many bytes and a line's end. A record that is not whole, as a kill
//! leaves it, ends the file: it is cut off and read again. What is kept is of one block and one question; another
//! question is refused, not mixed in.

use crate::abi::{hex, keccak};
use crate::error::ChainError;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

const FILE: &str = "read.journal";

/// The records of a fetch.
pub struct Journal {
    path: PathBuf,
    file: File,
    records: BTreeMap<String, Vec<u8>>,
}

impl Journal {
    /// Opens the journal in a folder, which is made if it is not there. `identity` says what is fetched.
    ///
    /// # Errors
    /// When the folder cannot be used, or holds another fetch.
    pub fn open(folder: &Path, identity: &str) -> Result<Journal, ChainError> {
        let path = folder.join(FILE);
        let wrong = |error: std::io::Error| ChainError::State(path.display().to_string(), error.to_string());
        fs::create_dir_all(folder).map_err(wrong)?;
        let held = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(wrong(error)),
        };
        let mut records = BTreeMap::new();
        let mut whole = 0;
        while let Some((key, value, next)) = record(&held, whole) {
            records.insert(key, value.to_vec());
            whole = next;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(wrong)?;
        file.set_len(whole as u64).map_err(wrong)?;
        let mut journal = Journal { path, file, records };
        match journal.get("identity") {
            None if journal.records.is_empty() => journal.put("identity", identity.as_bytes())?,
            Some(found) if found == identity.as_bytes() => {}
            _ => {
                let why = "holds another fetch: give another folder, or remove this one".into();
                return Err(ChainError::State(journal.path.display().to_string(), why));
            }
        }
        Ok(journal)
    }

    /// What a fetch that was begun in a folder said of itself.
    #[must_use]
    pub fn identity(folder: &Path) -> Option<String> {
        let held = fs::read(folder.join(FILE)).ok()?;
        let (key, value, _) = record(&held, 0)?;
        (key == "identity").then(|| String::from_utf8_lossy(value).into_owned())
    }

    /// The record of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.records.get(key).map(Vec::as_slice)
    }

    /// Every record whose key begins so, by key.
    pub fn all<'j>(&'j self, prefix: &'j str) -> impl Iterator<Item = (&'j str, &'j [u8])> {
        let from = self.records.range(prefix.to_string()..);
        let here = from.take_while(move |(key, _)| key.starts_with(prefix));
        here.map(|(key, value)| (key.as_str(), value.as_slice()))
    }

    /// Keeps a record; it is on the disk when this returns.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn put(&mut self, key: &str, value: &[u8]) -> Result<(), ChainError> {
        let wrong =
            |error: std::io::Error| ChainError::State(self.path.display().to_string(), error.to_string());
        let mut bytes = format!("{key} {} {}\n", value.len(), seal(key, value)).into_bytes();
        bytes.extend(value);
        bytes.push(b'\n');
        self.file.write_all(&bytes).and_then(|()| self.file.sync_data()).map_err(wrong)?;
        self.records.insert(key.into(), value.to_vec());
        Ok(())
    }

    /// Removes the journal; its folder too, if there is nothing else in it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove(self) -> Result<(), ChainError> {
        let wrong =
            |error: std::io::Error| ChainError::State(self.path.display().to_string(), error.to_string());
        fs::remove_file(&self.path).map_err(wrong)?;
        if let Some(folder) = self.path.parent() {
            // Whatever else is in it is somebody's.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

fn seal(key: &str, value: &[u8]) -> String {
    let mut bytes = key.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend(value);
    hex(&keccak(&bytes)[..8])
}

/// The whole record at a place: its key, its bytes, where the next one begins.
fn record(held: &[u8], at: usize) -> Option<(String, &[u8], usize)> {
    let rest = held.get(at..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&rest[..end]).ok()?;
    let mut words = head.split(' ');
    let (key, length, hash) = (words.next()?, words.next()?.parse::<usize>().ok()?, words.next()?);
    let value = rest.get(end + 1..(end + 1).checked_add(length)?)?;
    let whole = rest.get(end + 1 + length) == Some(&b'\n') && seal(key, value) == hash;
    whole.then(|| (key.to_string(), value, at + end + 2 + length))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot go on has failed
mod tests {
    use super::*;

    /// Wherever a kill cuts the file, what is whole before the cut is there and the rest is not.
    #[test]
    fn a_cut_journal_is_its_whole_records() {
        let folder = std::env::temp_dir().join(format!("plimsoll-journal-{}", std::process::id()));
        let mut journal = Journal::open(&folder, "a fetch").unwrap();
        journal.put("logs/1", b"one\nand two").unwrap();
        journal.put("logs/2", &[0, 10, 255]).unwrap();
        drop(journal);
        let whole = fs::read(folder.join(FILE)).unwrap();
        let mut before = 0;
        for cut in 0..=whole.len() {
            fs::write(folder.join(FILE), &whole[..cut]).unwrap();
            let mut journal = Journal::open(&folder, "a fetch").unwrap();
            let count = journal.all("logs/").count();
            assert!(count == before || count == before + 1, "{cut}: {count} after {before}");
            before = count;
            journal.put("more", b"x").unwrap();
            drop(journal);
            let journal = Journal::open(&folder, "a fetch").unwrap();
            assert_eq!(journal.get("more"), Some(&b"x"[..]));
            assert_eq!(journal.all("logs/").count(), count);
        }
        assert_eq!(before, 2);
        assert!(matches!(Journal::open(&folder, "another"), Err(ChainError::State(..))));
        fs::remove_dir_all(&folder).unwrap();
    }
}
