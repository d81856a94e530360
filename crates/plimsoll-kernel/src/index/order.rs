//! Entries in their order, in blocks: what lies between two keys is found by one search and read from end to end.

use super::ladder::entry;

/// Entries of a block: 512 bytes, so that one more moves half of that at most.
const ROOM: usize = 64;

/// Invariant: blocks rise, each begins at its fence or above and ends below the next one's; the first fence is zero.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    fences: Vec<u64>,
    blocks: Vec<Vec<u64>>,
}

impl Order {
    /// The block that an entry belongs to; there is one.
    fn block(&self, entry: u64) -> usize {
        self.fences.partition_point(|fence| *fence <= entry).saturating_sub(1)
    }

    pub(super) fn insert(&mut self, entry: u64) {
        if self.blocks.is_empty() {
            self.fences.push(0);
            self.blocks.push(Vec::new());
        }
        let at = self.block(entry);
        let block = &mut self.blocks[at];
        let Err(place) = block.binary_search(&entry) else { return };
        if block.len() < ROOM {
            block.insert(place, entry);
            return;
        }
        let mut upper = block.split_off(ROOM / 2);
        match place.checked_sub(ROOM / 2) {
            // At the middle it may go to either: the fence is the upper one's first entry before it.
            Some(place) if place > 0 => upper.insert(place, entry),
            _ => block.insert(place, entry),
        }
        self.fences.insert(at + 1, upper[0]);
        self.blocks.insert(at + 1, upper);
    }

    pub(super) fn remove(&mut self, entry: u64) {
        let at = self.block(entry);
        let Some(block) = self.blocks.get_mut(at) else { return };
        let Ok(place) = block.binary_search(&entry) else { return };
        block.remove(place);
        // Two that are thin together become one.
        let left = block.len();
        let thin = |other: usize| self.blocks.get(other).is_some_and(|block| block.len() + left <= ROOM / 2);
        let first = if thin(at + 1) {
            at
        } else if at > 0 && thin(at - 1) {
            at - 1
        } else {
            return;
        };
        let upper = self.blocks.remove(first + 1);
        self.fences.remove(first + 1);
        self.blocks[first].extend(upper);
    }

    /// Shows every entry whose key is one of these, in order; the keys beside them, below and above.
    pub(super) fn between(&self, [low, high]: [u32; 2], mut show: impl FnMut(u64)) -> [Option<u32>; 2] {
        let from = entry(low, 0);
        let key = |entry: &u64| (entry >> 32) as u32;
        let first = self.block(from);
        let mut below = None;
        let mut place = 0;
        if let Some(block) = self.blocks.get(first) {
            place = block.partition_point(|entry| *entry < from);
            let before = || self.blocks[..first].iter().rev().find_map(|block| block.last());
            below = block[..place].last().or_else(before).map(key);
        }
        for block in self.blocks.get(first..).unwrap_or_default() {
            for entry in &block[place..] {
                if key(entry) > high {
                    return [below, Some(key(entry))];
                }
                show(*entry);
            }
            place = 0;
        }
        [below, None]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.iter().all(Vec::is_empty)
    }

    pub(super) fn bytes(&self) -> usize {
        let of = |block: &Vec<u64>| block.capacity() * size_of::<u64>();
        self.blocks.iter().map(of).sum::<usize>()
            + self.blocks.capacity() * size_of::<Vec<u64>>()
            + self.fences.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Beside the standard library's set, through thousands of entries that come and go.
    #[test]
    fn it_is_a_sorted_set() {
        let (mut order, mut set, mut state) = (Order::default(), BTreeSet::new(), 7_u64);
        let mut random = |end: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % end
        };
        for step in 0..60_000_u64 {
            // It grows, shrinks to little, and grows again.
            let one = entry(1 + random(900) as u32, random(20) as u32);
            if random(100) < if step / 15_000 % 2 == 0 { 80 } else { 10 } {
                order.insert(one);
                set.insert(one);
            } else {
                order.remove(one);
                set.remove(&one);
            }
            if step % 16 == 0 {
                let low = random(910) as u32;
                let high = low + random(4) as u32 * random(300) as u32;
                let mut seen = Vec::new();
                let [below, above] = order.between([low, high], |entry| seen.push(entry));
                let key = |entry: &u64| (entry >> 32) as u32;
                assert!(seen.iter().eq(set.range(entry(low, 0)..entry(high + 1, 0))));
                assert_eq!(below, set.range(..entry(low, 0)).next_back().map(key));
                assert_eq!(above, set.range(entry(high + 1, 0)..).next().map(key));
                assert_eq!(order.is_empty(), set.is_empty());
            }
        }
    }

    /// Blocks that were emptied are not kept.
    #[test]
    fn what_is_empty_takes_no_room() {
        let mut order = Order::default();
        for key in 0..10_000 {
            order.insert(entry(key * 7919 % 10_000, key));
        }
        let full = order.bytes();
        for key in 0..10_000 {
            order.remove(entry(key * 7919 % 10_000, key));
        }
        assert!(order.is_empty() && order.blocks.len() < 3, "{} of {full}", order.bytes());
    }
}
