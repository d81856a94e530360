//! A state at a place of the log, in a file of its own: with it only the records behind that place are replayed.
//!
//! Written beside and renamed when it is durable, so that there is never half of one under its name; known as sound by SHA-256 of all of it; and bound
//! to the log by its id and the chain at that place.

use crate::log::{Chain, LogId};
use crate::storage::{Storage, Trouble};
use sha2::{Digest, Sha256};

const MAGIC: [u8; 8] = *b"PLIMSNAP";
const FORMAT: u32 = 1;
const HEAD: usize = 80;

/// A state, and the place where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The number of the first record that is not in it.
    pub next: u64,
    /// The chain before that record.
    pub chain: Chain,
    /// The state, in the engine's own form.
    pub state: Vec<u8>,
}

/// A file that is no sound snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsound {
    /// Its name.
    pub file: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The file of the snapshot before a record.
#[must_use]
pub fn name(next: u64) -> String {
    format!("{next:020}.snapshot")
}

/// Writes a snapshot; it is durable when this returns. What was there before stays until then.
///
/// # Errors
/// What the folder answers.
pub fn write<S: Storage>(storage: &mut S, id: &LogId, snapshot: &Snapshot) -> Result<(), Trouble> {
    let beside = format!("{}.new", name(snapshot.next));
    if storage.list()?.contains(&beside) {
        storage.remove(&beside)?;
    }
    let mut bytes = Vec::with_capacity(HEAD + snapshot.state.len() + 32);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(id);
    bytes.extend_from_slice(&snapshot.next.to_le_bytes());
    bytes.extend_from_slice(&snapshot.chain);
    bytes.extend_from_slice(&(snapshot.state.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&snapshot.state);
    let hash = Sha256::digest(&bytes);
    bytes.extend_from_slice(&hash);
    storage.create(&beside)?;
    storage.append(&beside, &bytes)?;
    storage.sync(&beside)?;
    storage.rename(&beside, &name(snapshot.next))?;
    storage.sync_folder()
}

/// The newest sound snapshot of a log before a place, and every newer file that is none: a bad one is told and never used in silence.
///
/// # Errors
/// What the folder answers.
pub fn newest<S: Storage>(
    storage: &S,
    id: &LogId,
    before: u64,
) -> Result<(Option<Snapshot>, Vec<Unsound>), Trouble> {
    let mut unsound = Vec::new();
    let files = storage.list()?.into_iter().rev();
    for file in files.filter(|file| file.ends_with(".snapshot") && *file < name(before)) {
        match named(storage, file, id)? {
            Ok(snapshot) => return Ok((Some(snapshot), unsound)),
            Err(bad) => unsound.push(bad),
        }
    }
    Ok((None, unsound))
}

/// The snapshot of a file, which says its place by its name too.
fn named<S: Storage>(storage: &S, file: String, id: &LogId) -> Result<Result<Snapshot, Unsound>, Trouble> {
    Ok(match read(&storage.read(&file)?, id) {
        Ok(snapshot) if name(snapshot.next) == file => Ok(snapshot),
        Ok(_) => Err(Unsound { file, why: "its name is not that of its place" }),
        Err(why) => Err(Unsound { file, why }),
    })
}

/// Every snapshot of a log, oldest first, sound or not.
///
/// # Errors
/// What the folder answers.
pub fn all<S: Storage>(storage: &S, id: &LogId) -> Result<Vec<Result<Snapshot, Unsound>>, Trouble> {
    let files = storage.list()?.into_iter().filter(|file| file.ends_with(".snapshot"));
    files.map(|file| named(storage, file, id)).collect()
}

fn read(bytes: &[u8], id: &LogId) -> Result<Snapshot, &'static str> {
    let (body, hash) = bytes.split_last_chunk::<32>().ok_or("it is too short")?;
    let head: &[u8; HEAD] = body.first_chunk().ok_or("it is too short")?;
    if head[..8] != MAGIC {
        return Err("it does not begin as a snapshot does");
    }
    if Sha256::digest(body)[..] != hash[..] {
        return Err("its hash is not that of its bytes");
    }
    if head[8..12] != FORMAT.to_le_bytes() {
        return Err("it is of another form: another version wrote it");
    }
    if head[16..32] != id[..] {
        return Err("it is of another log");
    }
    let long = |at: usize| {
        let mut long = [0; 8];
        long.copy_from_slice(&head[at..at + 8]);
        u64::from_le_bytes(long)
    };
    let state = body[HEAD..].to_vec();
    if long(72) != state.len() as u64 {
        return Err("its length is not what it says");
    }
    let mut chain = [0; 32];
    chain.copy_from_slice(&head[40..72]);
    Ok(Snapshot { next: long(32), chain, state })
}

/// Removes every snapshot but so many of the newest.
///
/// # Errors
/// What the folder answers.
pub fn forget<S: Storage>(storage: &mut S, keep: usize) -> Result<(), Trouble> {
    let mut files = storage.list()?;
    files.retain(|file| file.ends_with(".snapshot"));
    let spare = files.len().saturating_sub(keep);
    for file in &files[..spare] {
        storage.remove(file)?;
    }
    if spare > 0 { storage.sync_folder() } else { Ok(()) }
}
