//! A disk that fails as disks do, from a seed: what is not synced may be lost, in parts and in any order; any call may be refused; a sync that
//! failed has lost what it was to save, and the next one says nothing of it.
//!
//! Beyond what is promised by POSIX and seen on journaling file systems nothing is assumed: of bytes that were written and not synced each
//! sector of 512 bytes is there or not, a hole reads as zeros, a file is as long as the last sector that is there; of changes of names any number of
//! the first ones have come through.

use crate::random::Random;
use crate::storage::{Storage, Trouble};
use std::collections::BTreeMap;

const SECTOR: usize = 512;

/// What a call does instead of what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused, and nothing was done.
    Refused,
    /// An append writes a part, then is refused (a full disk, a short write).
    Short,
    /// The power goes: this call and all later ones are refused.
    Power,
}

/// A disk, or a log on it, that does not do what it says: what a trial must find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// `sync` does nothing: nothing is durable when it is acknowledged.
    NoSync,
    /// `sync_folder` does nothing: new segments are lost with all that is in them.
    NoFolderSync,
    /// `truncate` does nothing: what was torn stays, and new records stand behind it.
    NoTruncate,
    /// An append may write a part and say that it wrote all.
    ShortAppend,
}

#[derive(Clone, Debug, Default)]
struct File {
    /// What a crash cannot take.
    durable: Vec<u8>,
    /// What a reader sees.
    seen: Vec<u8>,
    /// The least length that the file had since it was made durable: sectors before it that did not change are durable.
    least: usize,
    /// A sync failed: what was not durable then never will be.
    lost: Vec<std::ops::Range<usize>>,
}

#[derive(Clone, Debug)]
enum Change {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

/// A made-up disk.
#[derive(Clone, Debug)]
pub struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    changes: Vec<Change>,
    random: Random,
    calls: u64,
    fault: Option<(u64, Fault)>,
    dead: bool,
    bug: Option<Bug>,
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn new(seed: u64) -> Disk {
        Disk {
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: Vec::new(),
            random: Random(seed),
            calls: 0,
            fault: None,
            dead: false,
            bug: None,
        }
    }

    /// From now on it has this bug.
    pub fn plant(&mut self, bug: Option<Bug>) {
        self.bug = bug;
    }

    /// From now on the call of this number (the next is 0) fails.
    pub fn fail_at(&mut self, call: u64, fault: Fault) {
        self.fault = Some((self.calls.saturating_add(call), fault));
    }

    /// How many calls that change something were made.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The power goes and comes back: what is there then.
    #[must_use]
    pub fn crash(mut self) -> Disk {
        let kept = self.random.below(self.changes.len() as u64 + 1) as usize;
        let mut names = std::mem::take(&mut self.durable_names);
        for change in self.changes.drain(..kept) {
            apply(&mut names, change);
        }
        self.changes.clear();
        for at in 0..self.files.len() {
            let survived = self.survived(at);
            let file = &mut self.files[at];
            file.least = survived.len();
            (file.durable, file.seen, file.lost) = (survived.clone(), survived, Vec::new());
        }
        (self.names, self.durable_names) = (names.clone(), names);
        (self.dead, self.fault) = (false, None);
        self
    }

    /// Turns one bit of a file.
    ///
    /// # Errors
    /// That there is no such file, or bit.
    pub fn flip(&mut self, name: &str, bit: usize) -> Result<(), Trouble> {
        let file = self.place("flip", name)?;
        let file = &mut self.files[file];
        for bytes in [&mut file.seen, &mut file.durable] {
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Ok(())
    }

    /// What of a file a crash leaves.
    fn survived(&mut self, at: usize) -> Vec<u8> {
        let File { durable, seen, least, lost } = self.files[at].clone();
        let kept = least.min(durable.len());
        // The length may be that of before a cut, of after it, or anything that was written since.
        let mut bytes = if self.random.below(2) == 0 { durable.clone() } else { durable[..kept].to_vec() };
        let mut sector = kept / SECTOR * SECTOR;
        while sector < seen.len() {
            let end = (sector + SECTOR).min(seen.len());
            let gone = lost.iter().any(|range| range.start < end && sector < range.end);
            if !gone && self.random.below(2) == 0 {
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[sector..end].copy_from_slice(&seen[sector..end]);
            }
            sector = end;
        }
        // The durable part of a sector that was written again stands either way: a sector is written whole or not at all.
        bytes
    }

    fn place(&self, call: &'static str, name: &str) -> Result<usize, Trouble> {
        let missing = || Trouble { call, file: name.into(), why: "there is no such file".into() };
        self.names.get(name).copied().ok_or_else(missing)
    }

    /// Counts a call: what is to happen to it instead, if anything.
    fn called(&mut self, call: &'static str, name: &str) -> Result<Option<Fault>, Trouble> {
        let refused = |why: &str| Trouble { call, file: name.into(), why: why.into() };
        if self.dead {
            return Err(refused("the power is off"));
        }
        let number = self.calls;
        self.calls += 1;
        match self.fault {
            Some((at, Fault::Power)) if at == number => {
                self.dead = true;
                Ok(Some(Fault::Power))
            }
            Some((at, fault)) if at == number => Ok(Some(fault)),
            _ => Ok(None),
        }
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.names, change.clone());
        self.changes.push(change);
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: Change) {
    match change {
        Change::Create(name, at) => {
            names.insert(name, at);
        }
        Change::Rename(from, to) => {
            if let Some(at) = names.remove(&from) {
                names.insert(to, at);
            }
        }
        Change::Remove(name) => {
            names.remove(&name);
        }
    }
}

fn refused(call: &'static str, name: &str) -> Trouble {
    Trouble { call, file: name.into(), why: "no space is left, or the device failed".into() }
}

impl Storage for Disk {
    fn list(&self) -> Result<Vec<String>, Trouble> {
        Ok(self.names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Trouble> {
        Ok(self.files[self.place("read", name)?].seen.clone())
    }

    fn create(&mut self, name: &str) -> Result<(), Trouble> {
        let fault = self.called("create", name)?;
        if self.names.contains_key(name) {
            return Err(Trouble { call: "create", file: name.into(), why: "it exists".into() });
        }
        // What goes as the power goes may have come through.
        if fault.is_none() || fault == Some(Fault::Power) {
            self.files.push(File::default());
            self.change(Change::Create(name.into(), self.files.len() - 1));
        }
        fault.map_or(Ok(()), |_| Err(refused("create", name)))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), Trouble> {
        let fault = self.called("append", name)?;
        let at = self.place("append", name)?;
        let cut_short = self.bug == Some(Bug::ShortAppend) && self.random.below(8) == 0;
        let written = match fault {
            None if cut_short => self.random.below(bytes.len() as u64) as usize,
            None | Some(Fault::Power) => bytes.len(),
            Some(Fault::Short) => self.random.below(bytes.len() as u64 + 1) as usize,
            Some(Fault::Refused) => 0,
        };
        self.files[at].seen.extend_from_slice(&bytes[..written]);
        fault.map_or(Ok(()), |_| Err(refused("append", name)))
    }

    fn truncate(&mut self, name: &str, bytes: u64) -> Result<(), Trouble> {
        let fault = self.called("truncate", name)?;
        let at = self.place("truncate", name)?;
        let done = fault.is_none() || fault == Some(Fault::Power);
        if done && self.bug != Some(Bug::NoTruncate) {
            let file = &mut self.files[at];
            file.seen.truncate(bytes as usize);
            file.least = file.least.min(file.seen.len());
        }
        fault.map_or(Ok(()), |_| Err(refused("truncate", name)))
    }

    fn sync(&mut self, name: &str) -> Result<(), Trouble> {
        let fault = self.called("sync", name)?;
        let at = self.place("sync", name)?;
        if self.bug == Some(Bug::NoSync) {
            return fault.map_or(Ok(()), |_| Err(refused("sync", name)));
        }
        let file = &mut self.files[at];
        let kept = file.least.min(file.durable.len());
        if fault.is_some() {
            // The pages are taken for clean and were not written.
            file.lost.push(kept / SECTOR * SECTOR..file.seen.len());
            return Err(refused("sync", name));
        }
        let mut durable = file.seen.clone();
        for range in &file.lost {
            let end = range.end.min(durable.len());
            let gone = range.start.min(end);
            for (place, byte) in durable[..end].iter_mut().enumerate().skip(gone) {
                *byte = file.durable.get(place).copied().filter(|_| place < kept).unwrap_or(0);
            }
        }
        file.durable = durable;
        file.least = file.seen.len();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Trouble> {
        let fault = self.called("rename", from)?;
        self.place("rename", from)?;
        if fault.is_none() || fault == Some(Fault::Power) {
            self.change(Change::Rename(from.into(), to.into()));
        }
        fault.map_or(Ok(()), |_| Err(refused("rename", from)))
    }

    fn remove(&mut self, name: &str) -> Result<(), Trouble> {
        let fault = self.called("remove", name)?;
        self.place("remove", name)?;
        if fault.is_none() || fault == Some(Fault::Power) {
            self.change(Change::Remove(name.into()));
        }
        fault.map_or(Ok(()), |_| Err(refused("remove", name)))
    }

    fn sync_folder(&mut self) -> Result<(), Trouble> {
        let fault = self.called("sync", "")?;
        if matches!(self.bug, Some(Bug::NoSync | Bug::NoFolderSync)) {
            return fault.map_or(Ok(()), |_| Err(refused("sync", "")));
        }
        if fault.is_some() {
            return Err(refused("sync", ""));
        }
        self.changes.clear();
        self.durable_names = self.names.clone();
        Ok(())
    }
}
