//! Ladders: for one node and one side, whom to touch when the node gets there.
//!
//! A node's value is seen through its *key*, the upper half of the float (11 bits of exponent, 21 of mantissa): values
//! that are not negative have keys in their own order. A rung holds the entries whose keys share all but the last bits,
//! in no order. The ladder of what rises holds complemented keys, so that both fire alike: an entry fires when the
//! node's key is its own or lower.
//!
//! An entry is never looked for to be taken away. It is *stale* when its account's box has another key; who meets a
//! stale one drops it. When there are too many to a live one, each new entry sweeps a rung.

use super::pool::{NONE, Pool};

/// The key of a side that does not fire.
pub(super) const NEVER: u32 = 0;

/// Bits of the key within a rung: it spans 2^-12 of the node's value.
const WITHIN: u32 = 9;
/// Rungs of a page.
const PAGE: u32 = 256;
/// So many entries to a live one, and rungs are swept.
const STALE: u32 = 3;
/// Rungs looked at to find one to sweep.
const LOOKED: u32 = 64;

/// The key of a value that is not negative.
pub(super) fn key(value: f64) -> u32 {
    (value.to_bits() >> 31) as u32
}

/// An entry: its key above, its account below.
pub(super) fn entry(key: u32, account: u32) -> u64 {
    u64::from(key) << 32 | u64::from(account)
}

/// The first chunk of each rung of a page.
type Page = Option<Box<[u32; PAGE as usize]>>;

#[derive(Clone, Debug, Default)]
pub(super) struct Ladder {
    pages: Vec<Page>,
    /// The number of the first page.
    first: u32,
    /// No entry has a higher key.
    nearest: u32,
    entries: u32,
    /// Of these, how many are an account's present box.
    pub(super) live: u32,
    /// The rung to be swept next.
    swept: u32,
}

impl Ladder {
    /// Adds an entry. `retain_live` keeps those that are of their account's present box.
    pub(super) fn push(
        &mut self,
        key: u32,
        account: u32,
        pool: &mut Pool,
        retain_live: impl Fn(&mut Vec<u64>),
    ) {
        pool.push(self.head(key), entry(key, account));
        self.nearest = self.nearest.max(key);
        self.entries += 1;
        if self.entries / STALE > self.live + 64 {
            self.sweep(pool, retain_live);
        }
    }

    /// Takes out every entry at or above a key.
    pub(super) fn fire(&mut self, to: u32, pool: &mut Pool, fired: &mut Vec<u64>) {
        if self.nearest < to || self.nearest == NEVER {
            return;
        }
        let (mut rung, last) = (self.nearest >> WITHIN, to >> WITHIN);
        let before = fired.len();
        while rung > last {
            match self.page(rung) {
                Some(page) => pool.take(&mut page[(rung % PAGE) as usize], fired),
                // Nothing stands on a page that is not there: on to the one below.
                None => rung = rung / PAGE * PAGE,
            }
            rung = rung.saturating_sub(1);
        }
        let left = match self.page(last) {
            Some(page) => pool.split(&mut page[(last % PAGE) as usize], entry(to, 0), fired),
            None => None,
        };
        self.entries -= (fired.len() - before) as u32;
        self.nearest = left.unwrap_or((last << WITHIN).saturating_sub(1));
    }

    fn page(&mut self, rung: u32) -> Option<&mut [u32; PAGE as usize]> {
        let place = (rung / PAGE).checked_sub(self.first)?;
        self.pages.get_mut(place as usize)?.as_deref_mut()
    }

    /// The first chunk of a key's rung; its page is made where there is none.
    pub(super) fn head(&mut self, key: u32) -> &mut u32 {
        let rung = key >> WITHIN;
        let page = rung / PAGE;
        if self.pages.is_empty() {
            self.first = page;
        }
        if page < self.first {
            let missing = (self.first - page) as usize;
            self.pages.splice(0..0, std::iter::repeat_n(None, missing));
            self.first = page;
        }
        let place = (page - self.first) as usize;
        if place >= self.pages.len() {
            self.pages.resize(place + 1, None);
        }
        let page = self.pages[place].get_or_insert_with(|| Box::new([NONE; PAGE as usize]));
        &mut page[(rung % PAGE) as usize]
    }

    /// Drops the stale entries of one rung.
    fn sweep(&mut self, pool: &mut Pool, retain_live: impl Fn(&mut Vec<u64>)) {
        let (begin, rungs) = (self.first * PAGE, self.pages.len() as u32 * PAGE);
        for _ in 0..LOOKED {
            self.swept += 1;
            if self.swept >= rungs {
                self.swept = 0;
            }
            let rung = begin + self.swept;
            let Some(page) = self.page(rung) else {
                self.swept |= PAGE - 1;
                continue;
            };
            let head = &mut page[(rung % PAGE) as usize];
            if *head == NONE {
                continue;
            }
            let mut kept = std::mem::take(&mut pool.spare);
            kept.clear();
            pool.take(head, &mut kept);
            let before = kept.len();
            retain_live(&mut kept);
            // A key that was left and taken again has two live entries.
            kept.sort_unstable();
            kept.dedup();
            for entry in &kept {
                pool.push(head, *entry);
            }
            self.entries -= (before - kept.len()) as u32;
            pool.spare = kept;
            return;
        }
    }

    /// Bytes of its pages.
    pub(super) fn bytes(&self) -> usize {
        let pages = self.pages.iter().flatten().count() * PAGE as usize * size_of::<u32>();
        pages + size_of_val(&*self.pages)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool::Chunk;
    use super::*;

    #[test]
    fn what_the_key_has_reached_fires_once_and_what_it_has_not_stays() {
        let (mut ladder, mut pool, mut fired) = (Ladder::default(), Pool::default(), Vec::new());
        let keys: Vec<u32> = (0..2000).map(|n| key(1.0 + f64::from(n * 7919 % 2000) / 500.0)).collect();
        for (account, key) in (0..).zip(&keys) {
            ladder.live += 1;
            ladder.push(*key, account, &mut pool, |_| {});
        }
        for step in (0..=40).rev() {
            let to = key(0.9 + f64::from(step) / 10.0);
            ladder.fire(to, &mut pool, &mut fired);
            let mut accounts: Vec<u32> = fired.iter().map(|entry| *entry as u32).collect();
            accounts.sort_unstable();
            let reached: Vec<u32> = (0..).zip(&keys).filter(|(_, key)| **key >= to).map(|(n, _)| n).collect();
            assert_eq!(accounts, reached);
        }
        assert_eq!((fired.len(), ladder.entries), (2000, 0));
    }

    /// A box that ends within the key where the node stands may have been left.
    #[test]
    fn the_same_key_fires() {
        let (mut ladder, mut pool, mut fired) = (Ladder::default(), Pool::default(), Vec::new());
        let at = key(1234.5);
        ladder.push(at, 7, &mut pool, |_| {});
        ladder.fire(at + 1, &mut pool, &mut fired);
        assert!(fired.is_empty());
        ladder.fire(at, &mut pool, &mut fired);
        assert_eq!(fired, [entry(at, 7)]);
    }

    /// Stale entries never outnumber the live ones by much, and no live one is lost.
    #[test]
    fn stale_entries_are_swept() {
        let (mut ladder, mut pool) = (Ladder::default(), Pool::default());
        let mut current = vec![NEVER; 100];
        ladder.live = 100;
        for step in 0_u32..100_000 {
            let (account, to) =
                (step % 100, key(1.0 + f64::from(step.wrapping_mul(2_654_435_761) >> 16) / 65536.0));
            current[account as usize] = to;
            ladder.push(to, account, &mut pool, |entries| {
                entries.retain(|entry| current[*entry as u32 as usize] == (entry >> 32) as u32);
            });
        }
        assert!(ladder.entries < 2000, "{}", ladder.entries);
        let mut fired = Vec::new();
        ladder.fire(NEVER, &mut pool, &mut fired);
        for (account, key) in (0..).zip(&current) {
            assert!(fired.contains(&entry(*key, account)));
        }
        assert!(pool.bytes() < 2000 * size_of::<Chunk>());
    }
}
