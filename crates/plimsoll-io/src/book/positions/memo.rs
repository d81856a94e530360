//! A memo of what rows mean.

use crate::book::venue::Side;
use plimsoll_core::InstrumentId;

/// What kinds and assets were found to mean, so that a million rows ask their market a few dozen times.
pub(super) struct Memo(Vec<Option<(MemoKey, (Side, InstrumentId))>>);

/// A market, and what only equal texts of a row's kind and asset have in common.
type MemoKey = (usize, (u128, u128));

/// Places of a memo; a new one takes an old one's.
const MEMO: usize = 256;

impl Memo {
    pub(super) fn new() -> Memo {
        Memo(vec![None; MEMO])
    }

    fn place((market, (kind, asset)): MemoKey) -> usize {
        // Fibonacci hashing: the high bits of a product with 2^64 / golden ratio.
        let folded =
            (kind ^ (kind >> 64)) as u64 ^ ((asset ^ (asset >> 61)) as u64).rotate_left(23) ^ market as u64;
        (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
    }

    pub(super) fn get(&self, market: usize, texts: (u128, u128)) -> Option<(Side, InstrumentId)> {
        let key = (market, texts);
        self.0[Memo::place(key)].filter(|(known, _)| *known == key).map(|(_, meaning)| meaning)
    }

    pub(super) fn put(&mut self, market: usize, texts: (u128, u128), meaning: (Side, InstrumentId)) {
        let key = (market, texts);
        self.0[Memo::place(key)] = Some((key, meaning));
    }
}
