//! Reading a log and proving that it is whole.

use super::frame::{Chain, Frame, Kind, NoHead, SEGMENT_HEAD, link, read, read_head, root, whole_after};
use super::{LogId, Torn, segment_name};
use crate::storage::{Storage, Trouble};
use std::fmt;

/// Why a log does not open by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The folder refused a call.
    Storage(Trouble),
    /// There is no log.
    NoLog,
    /// A segment is of another form: another version wrote it.
    Format {
        /// Which.
        segment: String,
        /// Its form.
        found: u32,
        /// The form that is read here.
        expected: u32,
    },
    /// Something that had been durable is not what was written.
    Spoilt {
        /// In which segment.
        segment: String,
        /// Where it begins (bytes).
        at: u64,
        /// The first record that is not there whole.
        number: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Records are missing.
    Missing {
        /// The first of them.
        from: u64,
        /// The last.
        to: u64,
    },
}

impl From<Trouble> for Damage {
    fn from(trouble: Trouble) -> Damage {
        Damage::Storage(trouble)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Storage(trouble) => trouble.fmt(f),
            Damage::NoLog => f.write_str("there is no log"),
            Damage::Format { segment, found, expected } => {
                write!(f, "{segment} is of form {found}, expected {expected}: another version wrote it")
            }
            Damage::Spoilt { segment, at, number, what } => {
                write!(
                    f,
                    "{segment}, byte {at}, record {number}: {what}; it had been durable, so that this is damage and no torn write"
                )
            }
            Damage::Missing { from, to } => write!(f, "records {from} to {to} are missing"),
        }
    }
}

impl std::error::Error for Damage {}

/// What a log has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Which log it is.
    pub id: LogId,
    /// The number of the first record that was read, and of the next to be written.
    pub first: u64,
    /// The number of the next record.
    pub next: u64,
    /// The chain up to there.
    pub chain: Chain,
    /// The last segment.
    pub segment: String,
    /// Its sound bytes.
    pub bytes: u64,
    /// What a torn write left behind them.
    pub torn: Option<Torn>,
}

/// The numbers of the first records of all segments, in order.
pub(super) fn segments<S: Storage>(storage: &S) -> Result<Vec<u64>, Trouble> {
    let number = |name: String| {
        let digits = name.strip_suffix(".log")?;
        let digits_only = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| digits_only)
    };
    let mut firsts: Vec<u64> = storage.list()?.into_iter().filter_map(number).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// Reads a log from the segment that has record `since`, changes nothing, and shows every record from there on.
///
/// # Errors
/// [`Damage`]: the first thing that is wrong, and where.
pub fn scan<S: Storage>(
    storage: &S,
    since: u64,
    chain: Option<Chain>,
    see: &mut dyn FnMut(u64, &[u8], &Chain),
) -> Result<Scan, Damage> {
    let firsts = segments(storage)?;
    let Some(&oldest) = firsts.first() else { return Err(Damage::NoLog) };
    if since < oldest {
        return Err(Damage::Missing { from: since, to: oldest - 1 });
    }
    let from = firsts.partition_point(|first| *first <= since) - 1;
    let mut found: Option<Scan> = None;
    for (place, &first) in firsts.iter().enumerate().skip(from) {
        let is_last = place + 1 == firsts.len();
        let (name, before) = (segment_name(first), found.take());
        let bytes = storage.read(&name)?;
        found = Some(segment(&name, &bytes, first, is_last, before, (since, chain), see)?);
    }
    let found = found.ok_or(Damage::NoLog)?;
    if found.next < since {
        return Err(Damage::Missing { from: found.next, to: since - 1 });
    }
    match chain {
        Some(expected) if found.next == since && found.chain != expected => Err(Damage::Spoilt {
            segment: segment_name(found.next),
            at: found.bytes,
            number: since,
            what: "the chain is not the one that the snapshot names",
        }),
        _ => Ok(found),
    }
}

/// One segment, after what stands before it.
fn segment(
    name: &str,
    bytes: &[u8],
    first: u64,
    is_last: bool,
    before: Option<Scan>,
    (since, snapshot): (u64, Option<Chain>),
    see: &mut dyn FnMut(u64, &[u8], &Chain),
) -> Result<Scan, Damage> {
    let spoilt =
        |at: usize, number: u64, what| Damage::Spoilt { segment: name.into(), at: at as u64, number, what };
    let head = match read_head(bytes) {
        Ok(head) => head,
        Err(NoHead::Format(found)) => {
            return Err(Damage::Format { segment: name.into(), found, expected: super::frame::FORMAT });
        }
        // A head is durable before anything stands behind it.
        Err(NoHead::Torn) if is_last && bytes.len() <= SEGMENT_HEAD => {
            let torn = Some(Torn { segment: name.into(), at: 0, lost: bytes.len() as u64 });
            return match before {
                Some(before) => Ok(Scan { torn, ..before }),
                // A log that was being made when the power went was never said to be one.
                None if first == 0 => Err(Damage::NoLog),
                None => {
                    Err(spoilt(0, first, "the head of the segment, and what stands before it was not read"))
                }
            };
        }
        Err(NoHead::Torn) => return Err(spoilt(0, first, "the head of the segment")),
    };
    if let Some(before) = &before {
        if before.next != first {
            return Err(Damage::Missing { from: before.next, to: first.saturating_sub(1) });
        }
        if (head.id, head.chain) != (before.id, before.chain) {
            return Err(spoilt(0, first, "the segment follows on another log"));
        }
    } else if first == 0 && head.chain != root(&head.id) {
        return Err(spoilt(0, first, "the chain does not begin where the log does"));
    }
    if head.first != first {
        return Err(spoilt(0, first, "the name of the segment is not that of its first record"));
    }
    let mut found = Scan {
        id: head.id,
        first: before.map_or(first, |before| before.first),
        next: first,
        chain: head.chain,
        segment: name.into(),
        bytes: SEGMENT_HEAD as u64,
        torn: None,
    };
    let mut at = SEGMENT_HEAD;
    while at < bytes.len() {
        let number = found.next;
        if number == since && snapshot.is_some_and(|expected| expected != found.chain) {
            return Err(spoilt(at, number, "the chain is not the one that the snapshot names"));
        }
        let Some(frame) = read(&head.id, &bytes[at..]) else {
            let proof = whole_after(&head.id, bytes, at + 1).any(|later| was_written_after(&later, number));
            if proof || !is_last {
                return Err(spoilt(at, number, "a frame is not whole"));
            }
            found.torn = Some(Torn { segment: name.into(), at: at as u64, lost: (bytes.len() - at) as u64 });
            return Ok(found);
        };
        if frame.number != number {
            return Err(spoilt(at, number, "another record stands there"));
        }
        let chain = match frame.kind {
            Kind::Seal => found.chain,
            Kind::Record => link(&found.chain, number, frame.payload),
        };
        if chain != frame.chain {
            return Err(spoilt(at, number, "the record does not follow on the one before"));
        }
        if frame.kind == Kind::Record {
            if number >= since {
                see(number, frame.payload, &chain);
            }
            found.next = number.checked_add(1).ok_or_else(|| spoilt(at, number, "no number is left"))?;
            found.chain = chain;
        }
        at += frame.size();
        found.bytes = at as u64;
    }
    Ok(found)
}

/// Whether a whole frame was written when record `number` had been durable: it is of a later batch, or seals what stands before it.
fn was_written_after(later: &Frame<'_>, number: u64) -> bool {
    match later.kind {
        Kind::Record => later.batch > number,
        Kind::Seal => later.number > number,
    }
}
