//! What the index holds of an account: a seat, a byte of verdicts, and a line for who has a box.
//!
//! A *line* is, for each node of the shape, the keys of both sides of the box; then the coefficients, each the upper half of a float without its
//! sign, which the shape knows; then the slack, a quarter each, rounded up. An account of four holdings fits a row of 64 bytes, which is what memory gives at
//! once. Longer lines are of several rows.

use super::shape::Shapes;
use crate::memory::{grow, reserve};
use crate::simd::prefetch;

/// Words of a row.
const ROW: usize = 8;

/// Words that memory gives at once.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Row([u64; ROW]);

/// Seats that are read at once.
const AT_ONCE: usize = 32;

/// Where an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    shape: u32,
    /// The first row of its line, or the key of its ratio.
    pub(super) place: u32,
}

/// Nobody's shape.
const NOBODY: Seat = Seat { shape: u32::MAX, place: 0 };
/// Beside the number of a shape: it stands in a pair ladder; its box is too small for a ladder, and it is looked at whenever one of its nodes
/// moves; its box is not known, and it is looked at likewise until it is.
const PAIRED: u32 = 1 << 31;
const HOT: u32 = 1 << 30;
const UNARMED: u32 = 1 << 29;

impl Seat {
    /// Of an account that has no box yet.
    pub(super) fn boxed(shape: u32, place: u32) -> Seat {
        Seat { shape, place }
    }

    pub(super) fn paired(shape: u32, key: u32) -> Seat {
        Seat { shape: shape | PAIRED, place: key }
    }

    pub(super) fn shape(self) -> u32 {
        self.shape & !(PAIRED | HOT | UNARMED)
    }

    pub(super) fn is_paired(self) -> bool {
        self.shape & PAIRED != 0
    }

    pub(super) fn is_hot(self) -> bool {
        self.shape & HOT != 0
    }

    pub(super) fn is_unarmed(self) -> bool {
        self.shape & UNARMED != 0
    }

    pub(super) fn with(self, hot: bool, unarmed: bool) -> Seat {
        let flags = if hot { HOT } else { 0 } | if unarmed { UNARMED } else { 0 };
        Seat { shape: self.shape & !(HOT | UNARMED) | flags, ..self }
    }
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    rows: Vec<Row>,
    seats: Vec<Seat>,
    /// Bit n: unhealthy at level n.
    pub(super) verdicts: Vec<u8>,
    /// Places of so many rows that nobody has.
    free: Vec<Vec<u32>>,
}

impl Lines {
    /// Makes room for so many accounts; what is not used costs nothing.
    pub(super) fn reserve(&mut self, accounts: usize) {
        reserve(&mut self.seats, accounts);
        reserve(&mut self.verdicts, accounts);
        reserve(&mut self.rows, accounts);
    }

    /// Accounts there is a seat for.
    pub(super) fn len(&self) -> u32 {
        self.seats.len() as u32
    }

    pub(super) fn seat(&self, account: u32) -> Option<Seat> {
        self.seats.get(account as usize).copied().filter(|seat| *seat != NOBODY)
    }

    pub(super) fn set_seat(&mut self, account: u32, seat: Seat) {
        self.seats[account as usize] = seat;
    }

    /// Asks for a line's first row before it is needed.
    pub(super) fn prefetch(&self, seat: Seat) {
        if !seat.is_paired()
            && let Some(row) = self.rows.get(seat.place as usize)
        {
            prefetch(row);
        }
    }

    /// Asks for all that is kept of an account before it is needed: each lies in a place of its own far away.
    pub(super) fn prefetch_all(&self, account: u32, shapes: &Shapes) {
        if let Some(verdict) = self.verdicts.get(account as usize) {
            prefetch(verdict);
        }
        if let Some(seat) = self.seat(account) {
            shapes.prefetch(seat.shape());
            self.prefetch(seat);
        }
    }

    /// Copies so many words of a line.
    pub(super) fn read(&self, seat: Seat, words: usize, into: &mut Vec<u64>) {
        into.clear();
        let rows = words.div_ceil(ROW);
        let begin = seat.place as usize;
        for row in &self.rows[begin..begin + rows] {
            into.extend_from_slice(&row.0);
        }
        into.truncate(words);
    }

    pub(super) fn set(&mut self, seat: Seat, word: usize, to: u64) {
        self.rows[seat.place as usize + word / ROW].0[word % ROW] = to;
    }

    fn word(&self, place: u32, word: usize) -> u64 {
        self.rows[place as usize + word / ROW].0[word % ROW]
    }

    /// Keeps the entries whose key is one of their account's present box.
    ///
    /// Seats and first rows are read for many before any is looked at: each is far away, and memory answers many at once.
    pub(super) fn retain_live(&self, entries: &mut Vec<u64>, shapes: &Shapes) {
        let (mut kept, mut seats) = (0, [NOBODY; AT_ONCE]);
        for begin in (0..entries.len()).step_by(AT_ONCE) {
            let end = entries.len().min(begin + AT_ONCE);
            for (seat, entry) in seats.iter_mut().zip(&entries[begin..end]) {
                *seat = self.seats[*entry as u32 as usize];
            }
            for seat in seats[..end - begin].iter().filter(|seat| **seat != NOBODY) {
                self.prefetch(*seat);
                shapes.prefetch(seat.shape());
            }
            for at in begin..end {
                let (entry, seat) = (entries[at], seats[at - begin]);
                if seat == NOBODY || seat.is_paired() {
                    continue;
                }
                let key = (entry >> 32) as u32;
                let has = |word: u64| word as u32 == key || (word >> 32) as u32 == key;
                if (0..shapes.nodes(seat.shape())).any(|at| has(self.word(seat.place, at))) {
                    entries[kept] = entry;
                    kept += 1;
                }
            }
        }
        entries.truncate(kept);
    }

    /// Room for a line of so many words, all zero; `None` when there is no room for more.
    pub(super) fn room(&mut self, words: usize) -> Option<u32> {
        let rows = words.div_ceil(ROW);
        if let Some(place) = self.free.get_mut(rows).and_then(Vec::pop) {
            self.rows[place as usize..place as usize + rows].fill(Row([0; ROW]));
            return Some(place);
        }
        let place = u32::try_from(self.rows.len()).ok()?;
        grow(&mut self.rows, rows);
        self.rows.resize(self.rows.len() + rows, Row([0; ROW]));
        Some(place)
    }

    /// Nobody has this line of so many words any longer.
    pub(super) fn free(&mut self, seat: Seat, words: usize) {
        let rows = words.div_ceil(ROW);
        if rows > 0 {
            if self.free.len() <= rows {
                self.free.resize(rows + 1, Vec::new());
            }
            self.free[rows].push(seat.place);
        }
    }

    /// Gives an account a seat; its verdicts stay.
    pub(super) fn sit(&mut self, account: u32, seat: Seat) {
        let end = account as usize + 1;
        if self.seats.len() < end {
            let more = end - self.seats.len();
            grow(&mut self.seats, more);
            grow(&mut self.verdicts, more);
            self.seats.resize(end, NOBODY);
            self.verdicts.resize(end, 0);
        }
        self.seats[account as usize] = seat;
    }

    /// Takes an account's seat; its verdicts stay.
    pub(super) fn unsit(&mut self, account: u32) {
        self.seats[account as usize] = NOBODY;
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.rows) + size_of_val(&*self.seats) + size_of_val(&*self.verdicts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_says_what_it_was_told() {
        for shape in [0, 7_000_001, UNARMED - 1] {
            let boxed = Seat::boxed(shape, 9).with(true, false);
            assert_eq!(
                (boxed.shape(), boxed.is_paired(), boxed.is_hot(), boxed.is_unarmed()),
                (shape, false, true, false)
            );
            let paired = Seat::paired(shape, 9).with(false, true);
            assert_eq!(
                (paired.shape(), paired.is_paired(), paired.is_hot(), paired.is_unarmed()),
                (shape, true, false, true)
            );
            assert_ne!(boxed, NOBODY);
        }
    }

    #[test]
    fn a_place_that_was_left_is_taken_again() {
        let (mut lines, words) = (Lines::default(), 17);
        let room = |lines: &mut Lines, account| {
            let seat = Seat::boxed(1, lines.room(words).expect("room"));
            lines.sit(account, seat);
            for word in 0..words {
                lines.set(seat, word, u64::from(account) << 32 | word as u64);
            }
            seat
        };
        let seats: Vec<_> = (0..10).map(|account| room(&mut lines, account)).collect();
        let (bytes, mut line) = (lines.bytes(), Vec::new());
        for (account, seat) in (0..).zip(seats) {
            lines.read(seat, words, &mut line);
            assert!(line.iter().copied().eq((0..words as u64).map(|word| u64::from(account) << 32 | word)));
            lines.free(seat, words);
            lines.unsit(account);
            assert!(lines.seat(account).is_none());
        }
        for account in 0..10 {
            room(&mut lines, account);
        }
        assert_eq!(lines.bytes(), bytes);
    }
}
