//! How a record stands in a segment.
//!
//! ```text
//! segment   magic 8 | format 4 | crc 4 | log id 16 | first number 8 | chain so far 32                          = 72 bytes
//! frame     magic 4 | kind 1 | zero 3 | length 4 | crc 4 | number 8 | batch 8 | payload | chain 32 | zeros to a multiple of 8
//! ```
//!
//! Numbers are little endian. `crc` is CRC-32 of the log's id and the whole frame with zero in its own place: a frame can be known as whole
//! without what stands before it, and nobody who only hands in payloads can make up one. `chain` is SHA-256 of the chain before it, the number, the length and the payload: no record can be changed, left out or put in without
//! every later one telling. `batch` is the number of the first record of the write that it was part of, so that a reader knows which
//! records had been made durable before others were written.

use super::LogId;
use sha2::{Digest, Sha256};

/// A link of the chain.
pub type Chain = [u8; 32];

pub(super) const SEGMENT_MAGIC: [u8; 8] = *b"PLIMSOLL";
/// The form of this file. Written with it in every segment: a later form is refused by name and never guessed at.
pub(super) const FORMAT: u32 = 1;
pub(super) const SEGMENT_HEAD: usize = 72;
const MAGIC: [u8; 4] = *b"rec\n";
const HEAD: usize = 32;
const CHAIN: usize = 32;
const ALIGN: usize = 8;

/// The longest payload: a length that says more is a length that was spoilt. One price can turn every account of a book, and that is one
/// record: ten million of them have room.
pub const LONGEST: usize = 1 << 30;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A record.
    Record = 1,
    /// The word that everything before it was durable when it was written; it is no record and no link.
    Seal = 2,
}

/// A frame that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'b> {
    pub(super) kind: Kind,
    pub(super) number: u64,
    pub(super) batch: u64,
    pub(super) payload: &'b [u8],
    pub(super) chain: Chain,
}

impl Frame<'_> {
    /// Bytes that it takes.
    pub(super) const fn size(&self) -> usize {
        size(self.payload.len())
    }
}

/// The chain after a record.
pub(super) fn link(before: &Chain, number: u64, payload: &[u8]) -> Chain {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(number.to_le_bytes());
    hash.update((payload.len() as u64).to_le_bytes());
    hash.update(payload);
    hash.finalize().into()
}

/// Where the chain of a log begins.
pub(super) fn root(id: &LogId) -> Chain {
    let mut hash = Sha256::new();
    hash.update(b"plimsoll log");
    hash.update(FORMAT.to_le_bytes());
    hash.update(id);
    hash.finalize().into()
}

const fn size(payload: usize) -> usize {
    (HEAD + payload + CHAIN).div_ceil(ALIGN) * ALIGN
}

/// CRC-32 of a log's id and of a frame or head, whose own place for it is taken as zero.
fn crc(id: &[u8], all: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(id);
    crc.update(&all[..12]);
    crc.update(&[0; 4]);
    crc.update(&all[16..]);
    crc.finalize()
}

/// Writes a record or a seal behind what is there.
pub(super) fn put(out: &mut Vec<u8>, id: &LogId, frame: &Frame<'_>) {
    let Frame { kind, number, batch, payload, chain, .. } = frame;
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[*kind as u8, 0, 0, 0]);
    // At most LONGEST, which the log asks before.
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&batch.to_le_bytes());
    out.extend_from_slice(payload);
    out.extend_from_slice(chain);
    out.resize(start + size(payload.len()), 0);
    let crc = crc(id, &out[start..]);
    out[start + 12..start + 16].copy_from_slice(&crc.to_le_bytes());
}

/// The frame at the beginning of some bytes, where a whole one stands there.
pub(super) fn read<'b>(id: &LogId, bytes: &'b [u8]) -> Option<Frame<'b>> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    let kind = match head[4..8] {
        [1, 0, 0, 0] => Kind::Record,
        [2, 0, 0, 0] => Kind::Seal,
        _ => return None,
    };
    let length = word(head, 8) as usize;
    if head[..4] != MAGIC || length > LONGEST {
        return None;
    }
    let size = size(length);
    let all = bytes.get(..size)?;
    if crc(id, all) != word(head, 12) {
        return None;
    }
    let chain = *all[HEAD + length..].first_chunk()?;
    let payload = &all[HEAD..HEAD + length];
    Some(Frame { kind, number: long(head, 16), batch: long(head, 24), payload, chain })
}

/// Every whole frame at or after a place: frames begin at multiples of eight.
pub(super) fn whole_after<'b>(id: &LogId, bytes: &'b [u8], from: usize) -> impl Iterator<Item = Frame<'b>> {
    let begin = from.div_ceil(ALIGN) * ALIGN;
    (begin..bytes.len()).step_by(ALIGN).filter_map(|place| read(id, &bytes[place..]))
}

/// What stands at the head of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) id: LogId,
    pub(super) first: u64,
    pub(super) chain: Chain,
}

pub(super) fn put_head(head: &Head) -> Vec<u8> {
    let mut out = Vec::with_capacity(SEGMENT_HEAD);
    out.extend_from_slice(&SEGMENT_MAGIC);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&head.id);
    out.extend_from_slice(&head.first.to_le_bytes());
    out.extend_from_slice(&head.chain);
    let crc = crc(&[], &out);
    out[12..16].copy_from_slice(&crc.to_le_bytes());
    out
}

/// Why the head of a segment is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHead {
    /// It is not whole.
    Torn,
    /// It is whole and of another form.
    Format(u32),
}

pub(super) fn read_head(bytes: &[u8]) -> Result<Head, NoHead> {
    let head: &[u8; SEGMENT_HEAD] = bytes.first_chunk().ok_or(NoHead::Torn)?;
    if head[..8] != SEGMENT_MAGIC || crc(&[], head) != word(head, 12) {
        return Err(NoHead::Torn);
    }
    if word(head, 8) != FORMAT {
        return Err(NoHead::Format(word(head, 8)));
    }
    let (mut id, mut chain) = ([0; 16], [0; 32]);
    id.copy_from_slice(&head[16..32]);
    chain.copy_from_slice(&head[40..72]);
    Ok(Head { id, first: long(head, 32), chain })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    let mut long = [0; 8];
    long.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(long)
}
