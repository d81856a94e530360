//! Screening lines: what the index holds of an account, in one place.
//!
//! A line is words of 64 bits: a head (which shape, the verdicts, how long), for each node of the shape its box, the keys of both
//! sides; the coefficients, and the slack (two numbers a word, rounded up to 20 bits of mantissa). Head and box come
//! first, so that they mostly share a cache line: it is they that are read for entries that are stale.

use crate::memory::{grow, reserve};
use crate::simd::prefetch;

/// The account has no line.
const NOWHERE: u32 = u32::MAX;
/// Words in the unit that lines are measured in.
const UNIT: usize = 4;

/// Heads that are read at once.
const AT_ONCE: usize = 32;

/// A line's first word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) shape: u32,
    /// Bit n: unhealthy at level n.
    pub(super) verdicts: u8,
    /// Its box is too small for a ladder: it is looked at whenever one of its nodes moves.
    pub(super) hot: bool,
    /// Its box is not known: it is looked at whenever anything moves, until it is armed.
    pub(super) unarmed: bool,
    /// How many words its line has.
    pub(super) words: u8,
    /// How many nodes its box has.
    pub(super) nodes: u8,
}

impl Head {
    fn word(self) -> u64 {
        let flags = u64::from(self.hot) | u64::from(self.unarmed) << 1;
        u64::from(self.shape)
            | u64::from(self.verdicts) << 32
            | flags << 40
            | u64::from(self.words) << 48
            | u64::from(self.nodes) << 56
    }

    fn of(word: u64) -> Head {
        Head {
            shape: word as u32,
            verdicts: (word >> 32) as u8,
            hot: word >> 40 & 1 == 1,
            unarmed: word >> 41 & 1 == 1,
            words: (word >> 48) as u8,
            nodes: (word >> 56) as u8,
        }
    }

    fn units(self) -> usize {
        usize::from(self.words).div_ceil(UNIT)
    }
}

/// All lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    words: Vec<u64>,
    /// Where each account's begins, in units.
    places: Vec<u32>,
    /// Places of so many units that nobody has.
    free: Vec<Vec<u32>>,
}

impl Lines {
    /// Makes room for so many accounts of five holdings; what is not used costs nothing.
    pub(super) fn reserve(&mut self, accounts: usize) {
        reserve(&mut self.places, accounts);
        reserve(&mut self.words, accounts * 3 * UNIT);
    }

    /// Accounts there is a place for.
    pub(super) fn len(&self) -> u32 {
        self.places.len() as u32
    }

    pub(super) fn head(&self, account: u32) -> Option<Head> {
        Some(Head::of(self.words[self.place(account)?]))
    }

    pub(super) fn set_head(&mut self, account: u32, head: Head) {
        if let Some(place) = self.place(account) {
            self.words[place] = head.word();
        }
    }

    fn place(&self, account: u32) -> Option<usize> {
        let place = *self.places.get(account as usize)?;
        (place != NOWHERE).then_some(place as usize * UNIT)
    }

    /// Asks for an account's line before it is needed.
    pub(super) fn prefetch(&self, account: u32) {
        if let Some(place) = self.place(account) {
            prefetch(&self.words[place]);
            if let Some(next) = self.words.get(place + 8) {
                prefetch(next);
            }
        }
    }

    /// The words of an account's line; none where it has none.
    pub(super) fn line(&self, account: u32) -> &[u64] {
        match self.place(account) {
            Some(place) => &self.words[place..place + usize::from(Head::of(self.words[place]).words)],
            None => &[],
        }
    }

    pub(super) fn line_mut(&mut self, account: u32) -> &mut [u64] {
        match self.place(account) {
            Some(place) => {
                let words = usize::from(Head::of(self.words[place]).words);
                &mut self.words[place..place + words]
            }
            None => &mut [],
        }
    }

    /// Keeps the entries whose key is one of their account's present box.
    ///
    /// Heads are read for many at a time before any is looked at: each is far away, and memory answers many at once.
    pub(super) fn retain_live(&self, entries: &mut Vec<u64>) {
        let (mut kept, mut heads) = (0, [(0, 0); AT_ONCE]);
        for begin in (0..entries.len()).step_by(AT_ONCE) {
            let end = entries.len().min(begin + AT_ONCE);
            for (head, entry) in heads.iter_mut().zip(&entries[begin..end]) {
                let place = self.places[*entry as u32 as usize];
                let at = if place == NOWHERE { 0 } else { place as usize * UNIT };
                *head = (place, self.words[at]);
            }
            for at in begin..end {
                let (entry, (place, head)) = (entries[at], heads[at - begin]);
                let key = (entry >> 32) as u32;
                let first = place as usize * UNIT + 1;
                let has = |word: &u64| *word as u32 == key || (*word >> 32) as u32 == key;
                if place != NOWHERE
                    && self.words[first..first + usize::from(Head::of(head).nodes)].iter().any(has)
                {
                    entries[kept] = entry;
                    kept += 1;
                }
            }
        }
        entries.truncate(kept);
    }

    /// Gives an account a line for its head, in place of the one it had; nothing in it is kept.
    ///
    /// `None` when there is no room for more.
    pub(super) fn make(&mut self, account: u32, head: Head) -> Option<()> {
        let units = head.units();
        if self.head(account).is_some_and(|old| old.units() == units) {
            self.set_head(account, head);
            return Some(());
        }
        self.remove(account);
        if self.places.len() <= account as usize {
            let more = account as usize + 1 - self.places.len();
            grow(&mut self.places, more);
            self.places.resize(account as usize + 1, NOWHERE);
        }
        let place = match self.free.get_mut(units).and_then(Vec::pop) {
            Some(place) => place,
            None => {
                let place = u32::try_from(self.words.len() / UNIT).ok().filter(|place| *place != NOWHERE)?;
                grow(&mut self.words, units * UNIT);
                self.words.resize(self.words.len() + units * UNIT, 0);
                place
            }
        };
        self.places[account as usize] = place;
        self.words[place as usize * UNIT] = head.word();
        Some(())
    }

    pub(super) fn remove(&mut self, account: u32) {
        let Some(head) = self.head(account) else { return };
        let units = head.units();
        if self.free.len() <= units {
            self.free.resize(units + 1, Vec::new());
        }
        let place = std::mem::replace(&mut self.places[account as usize], NOWHERE);
        self.free[units].push(place);
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.words) + size_of_val(&*self.places)
    }
}

/// The slack in half a word: no less than it is.
pub(super) fn rounded_up(slack: f64) -> u32 {
    if slack > 0.0 { (slack.to_bits() >> 32) as u32 + 1 } else { 0 }
}

/// The number of half a word.
pub(super) fn half(word: u64, upper: bool) -> f64 {
    f64::from_bits(if upper { word >> 32 << 32 } else { word << 32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_itself_again() {
        let head = Head { shape: 7_000_001, verdicts: 5, hot: true, unarmed: false, words: 201, nodes: 100 };
        assert_eq!(Head::of(head.word()), head);
        let other = Head { hot: false, unarmed: true, ..head };
        assert_eq!(Head::of(other.word()), other);
    }

    #[test]
    fn slack_is_never_rounded_down() {
        for slack in [1e-290, 0.1, 1.0, 3.0, 1e22, 1.234_567_89e100] {
            let word = u64::from(rounded_up(slack));
            for back in [half(word, false), half(word << 32, true)] {
                assert!(back >= slack && back <= slack * (1.0 + 1e-5), "{slack} {back}");
            }
        }
    }

    #[test]
    fn a_place_that_was_left_is_taken_again() {
        let mut lines = Lines::default();
        let head = Head { words: 9, nodes: 4, ..Head::default() };
        for account in 0..10 {
            lines.make(account, head).expect("room");
        }
        let bytes = lines.bytes();
        for account in 0..10 {
            lines.remove(account);
            assert!(lines.head(account).is_none() && lines.line(account).is_empty());
        }
        for account in 0..10 {
            lines.make(account, head).expect("room");
        }
        assert_eq!(lines.bytes(), bytes);
    }
}
