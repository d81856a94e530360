//! An append-only log in segments, each record chained to the one before by SHA-256.
//!
//! **What it promises.** A record is durable when [`Log::commit`] has returned its number. After any crash the log that opens is a prefix of
//! what was submitted and has all that was acknowledged. A bit that changes anywhere is told, and nothing behind it is passed off as sound.
//!
//! **Torn or spoilt.** A write that a power cut tore can only be the last, for the next begins when the last is durable. So where a frame
//! is not whole, a whole frame of a *later batch* behind it, or a seal, proves that what is broken there had been durable: that is damage, and
//! the log does not open by itself. Otherwise what is broken was never acknowledged: it is cut off and told. After its last batch an idle log
//! writes a seal, which needs no sync of its own; without one, damage to the very last batch cannot be told from a torn write.
//!
//! **Errors.** Where an append is refused (a full disk), the segment is cut back to what it was and the caller told. Where a `sync`
//! fails nobody knows what is durable: the log stops for good and must be opened again.

mod frame;
mod scan;

pub use frame::{Chain, LONGEST};
pub use scan::{Damage, Scan, scan};

use crate::storage::{Storage, Trouble};
use frame::{Frame, Head, Kind, SEGMENT_HEAD, link, put, put_head, root};
use std::fmt;
use std::ops::Range;

/// What tells one log from another: drawn once, when it is made.
pub type LogId = [u8; 16];

/// How a log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A segment that has so many bytes is the last but one (bytes).
    pub segment: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { segment: 64 << 20 }
    }
}

/// A write that was not whole: nobody was told that it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub segment: String,
    /// Where it was cut (bytes).
    pub at: u64,
    /// How many bytes were cut off.
    pub lost: u64,
}

/// A log that is open.
#[derive(Debug)]
pub struct Opened<S> {
    /// To be written to.
    pub log: Log<S>,
    /// What was cut off, if anything.
    pub torn: Option<Torn>,
}

/// Why a batch is not durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// A record is longer than [`LONGEST`], or there is none; nothing was written.
    Refused(&'static str),
    /// Nothing of it is in the log, and the log is as it was.
    NotWritten(Trouble),
    /// Nobody knows how much of it is durable. The log takes nothing more and must be opened again.
    Stopped(Trouble),
    /// The log had stopped before.
    IsStopped,
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Commit::Refused(why) => f.write_str(why),
            Commit::NotWritten(trouble) => write!(f, "nothing was written: {trouble}"),
            Commit::Stopped(trouble) => {
                write!(f, "the log has stopped, and how much of the batch is durable is unknown: {trouble}")
            }
            Commit::IsStopped => f.write_str("the log has stopped, and must be opened again"),
        }
    }
}

impl std::error::Error for Commit {}

/// A log that is written to.
#[derive(Debug)]
pub struct Log<S> {
    storage: S,
    settings: Settings,
    id: LogId,
    /// The last segment and its bytes.
    segment: String,
    bytes: u64,
    /// The number of the next record, and the chain up to it.
    next: u64,
    chain: Chain,
    sealed: bool,
    stopped: bool,
}

/// Which log a folder has; `None` where it has none.
///
/// # Errors
/// What the folder answers.
pub fn id<S: Storage>(storage: &S) -> Result<Option<LogId>, Trouble> {
    // The last segment may have been torn in its head.
    for first in scan::segments(storage)?.into_iter().rev() {
        if let Ok(head) = frame::read_head(&storage.read(&segment_name(first))?) {
            return Ok(Some(head.id));
        }
    }
    Ok(None)
}

/// The name of the segment that begins with a record.
pub(crate) fn segment_name(first: u64) -> String {
    format!("{first:020}.log")
}

impl<S: Storage> Log<S> {
    /// A new log in a folder that has none. Records are numbered from 0.
    ///
    /// # Errors
    /// What the folder answers; that it has a log.
    pub fn create(mut storage: S, id: LogId, settings: Settings) -> Result<Log<S>, Trouble> {
        for first in scan::segments(&storage)? {
            let file = segment_name(first);
            // One that was being made when the power went is none.
            if !matches!(scan(&storage, first, None, &mut |_, _, _| {}), Err(Damage::NoLog)) {
                return Err(Trouble {
                    call: "create a log beside",
                    file,
                    why: "there is a log already".into(),
                });
            }
            storage.remove(&file)?;
        }
        Log::at(storage, settings, id, 0, root(&id))
    }

    /// The log of a folder. Records from number `since` on are shown in their order, each with the chain after it; whole segments
    /// before are left unread, so that the segment with `since` is where trust begins ([`scan`] from 0 proves the rest). `chain` is what the chain must be
    /// before `since`, where that is known from a snapshot.
    ///
    /// # Errors
    /// [`Damage`]: what is wrong, and where. Nothing is changed then.
    pub fn open(
        mut storage: S,
        settings: Settings,
        since: u64,
        chain: Option<Chain>,
        see: &mut dyn FnMut(u64, &[u8], &Chain),
    ) -> Result<Opened<S>, Damage> {
        let found = scan(&storage, since, chain, see)?;
        if let Some(torn) = &found.torn {
            if torn.at == 0 {
                storage.remove(&torn.segment)?;
                storage.sync_folder()?;
            } else {
                storage.truncate(&torn.segment, torn.at)?;
            }
        }
        let Scan { id, next, chain, segment, bytes, torn, .. } = found;
        // What a crash left in the machine's memory is durable before anybody acts on it.
        storage.sync(&segment)?;
        storage.sync_folder()?;
        let log = Log { storage, settings, id, segment, bytes, next, chain, sealed: false, stopped: false };
        Ok(Opened { log, torn })
    }

    /// A log whose next segment is begun.
    fn at(storage: S, settings: Settings, id: LogId, next: u64, chain: Chain) -> Result<Log<S>, Trouble> {
        let segment = segment_name(next);
        let mut log =
            Log { storage, settings, id, segment, bytes: 0, next, chain, sealed: false, stopped: false };
        log.begin_segment()?;
        Ok(log)
    }

    /// The number that the next record will have.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The chain up to there.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Which log it is.
    pub fn id(&self) -> &LogId {
        &self.id
    }

    /// The folder, as it is.
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// Where it is kept.
    pub fn storage(&mut self) -> &mut S {
        &mut self.storage
    }

    /// Writes records in one piece and makes them durable: their numbers. One sync for all of them, however many.
    ///
    /// # Errors
    /// See [`Commit`].
    pub fn commit<R: AsRef<[u8]>>(&mut self, records: &[R]) -> Result<Range<u64>, Commit> {
        if self.stopped {
            return Err(Commit::IsStopped);
        }
        if records.is_empty() {
            return Err(Commit::Refused("a batch of no records"));
        }
        if records.iter().any(|record| record.as_ref().len() > LONGEST) {
            return Err(Commit::Refused("a record longer than 1 GiB"));
        }
        if self.bytes >= self.settings.segment {
            self.roll()?;
        }
        let (batch, mut chain, mut out) = (self.next, self.chain, Vec::new());
        let mut number = batch;
        for record in records {
            chain = link(&chain, number, record.as_ref());
            put(
                &mut out,
                &self.id,
                &Frame { kind: Kind::Record, number, batch, payload: record.as_ref(), chain },
            );
            number = number.checked_add(1).ok_or(Commit::Refused("no number is left"))?;
        }
        self.append(&out)?;
        self.sync()?;
        (self.next, self.chain, self.sealed) = (number, chain, false);
        Ok(batch..number)
    }

    /// Says in the log that all before was durable, for whoever opens it to tell damage from a torn write. Not synced: it says
    /// nothing that must not be lost. Does nothing twice.
    ///
    /// # Errors
    /// See [`Commit`].
    pub fn seal(&mut self) -> Result<(), Commit> {
        if self.stopped {
            return Err(Commit::IsStopped);
        }
        if self.sealed {
            return Ok(());
        }
        let mut out = Vec::new();
        let (number, chain) = (self.next, self.chain);
        put(&mut out, &self.id, &Frame { kind: Kind::Seal, number, batch: number, payload: &[], chain });
        self.append(&out)?;
        self.sealed = true;
        Ok(())
    }

    /// Seals the log, makes the seal durable and gives the storage back.
    ///
    /// # Errors
    /// See [`Commit`].
    pub fn close(mut self) -> Result<S, Commit> {
        self.seal()?;
        self.sync()?;
        Ok(self.storage)
    }

    /// Removes segments whose records all stand before a number: those that a snapshot stands for. The segment with that record stays.
    ///
    /// # Errors
    /// What the folder answers; the log is whole whatever was removed.
    pub fn forget_before(&mut self, number: u64) -> Result<u64, Trouble> {
        let firsts = scan::segments(&self.storage)?;
        let mut removed = 0;
        for pair in firsts.windows(2).take_while(|pair| pair[1] <= number) {
            self.storage.remove(&segment_name(pair[0]))?;
            removed += 1;
        }
        if removed > 0 {
            self.storage.sync_folder()?;
        }
        Ok(removed)
    }

    fn roll(&mut self) -> Result<(), Commit> {
        if self.sealed {
            // Only the last segment may end in something that is not durable.
            self.sync()?;
        }
        let before = (std::mem::replace(&mut self.segment, segment_name(self.next)), self.bytes);
        match self.begin_segment() {
            Ok(()) => Ok(()),
            Err(trouble) => {
                // A segment without a head is a torn one, which the next opening removes; here nobody can say whether it stands.
                (self.segment, self.bytes) = before;
                self.stopped = true;
                Err(Commit::Stopped(trouble))
            }
        }
    }

    /// The head is durable, and the name, before anything stands behind it.
    fn begin_segment(&mut self) -> Result<(), Trouble> {
        let head = put_head(&Head { id: self.id, first: self.next, chain: self.chain });
        self.storage.create(&self.segment)?;
        self.storage.append(&self.segment, &head)?;
        self.storage.sync(&self.segment)?;
        self.storage.sync_folder()?;
        (self.bytes, self.sealed) = (SEGMENT_HEAD as u64, false);
        Ok(())
    }

    fn append(&mut self, out: &[u8]) -> Result<(), Commit> {
        let Err(trouble) = self.storage.append(&self.segment, out) else {
            self.bytes += out.len() as u64;
            return Ok(());
        };
        // A part of it may stand there: no batch may follow on that, and after a crash nothing of it may come back.
        let back = self.storage.truncate(&self.segment, self.bytes);
        match back.and_then(|()| self.storage.sync(&self.segment)) {
            Ok(()) => Err(Commit::NotWritten(trouble)),
            Err(_) => {
                self.stopped = true;
                Err(Commit::Stopped(trouble))
            }
        }
    }

    fn sync(&mut self) -> Result<(), Commit> {
        self.storage.sync(&self.segment).map_err(|trouble| {
            self.stopped = true;
            Commit::Stopped(trouble)
        })
    }
}
