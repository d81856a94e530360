//! Accounts by their places in the book: sets that are asked for every account that is updated.

/// A set of places, a bit each. In order; as large as the highest that was ever in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    words: Vec<u64>,
    count: u64,
}

/// The word that a place's bit is in, and the bit.
const fn bit(place: u32) -> (usize, u64) {
    ((place / 64) as usize, 1 << (place % 64))
}

impl Places {
    /// Whether it was not in it.
    pub(crate) fn insert(&mut self, place: u32) -> bool {
        let (at, bit) = bit(place);
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        let is_new = self.words[at] & bit == 0;
        self.words[at] |= bit;
        self.count += u64::from(is_new);
        is_new
    }

    /// Whether it was in it.
    pub(crate) fn remove(&mut self, place: u32) -> bool {
        let was_there = self.contains(place);
        if was_there {
            let (at, bit) = bit(place);
            self.words[at] &= !bit;
            self.count -= 1;
        }
        was_there
    }

    pub(crate) fn contains(&self, place: u32) -> bool {
        let (at, bit) = bit(place);
        self.words.get(at).is_some_and(|word| word & bit != 0)
    }

    pub(crate) const fn len(&self) -> u64 {
        self.count
    }

    /// From the lowest place to the highest.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.words).flat_map(|(at, word): (u32, &u64)| {
            let after = |word: &u64| Some(word & (word - 1)).filter(|rest| *rest != 0);
            let words = std::iter::successors(Some(*word).filter(|word| *word != 0), after);
            words.map(move |word| at * 64 + word.trailing_zeros())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Places;
    use std::collections::BTreeSet;

    #[test]
    fn a_set_of_places_is_a_set() {
        let (mut ours, mut theirs) = (Places::default(), BTreeSet::new());
        let mut random = crate::random::Random(7);
        for _ in 0..20_000 {
            let place = random.below(700) as u32;
            if random.below(2) == 0 {
                assert_eq!(ours.insert(place), theirs.insert(place));
            } else {
                assert_eq!(ours.remove(place), theirs.remove(&place));
            }
            assert_eq!(ours.len(), theirs.len() as u64);
            assert_eq!(ours.contains(place + 1), theirs.contains(&(place + 1)));
        }
        assert!(ours.iter().eq(theirs.iter().copied()));
    }
}
