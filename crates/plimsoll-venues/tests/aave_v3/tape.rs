//! Random scenes, cheap and reproducible: a scene is built from a tape of words, and a failing tape is shrunk.
//!
//! `PLIMSOLL_CASES=10` runs ten times as many scenes (`1/8` an eighth), `PLIMSOLL_SEED=7` other ones; a failure
//! prints the seed that replays it; `PLIMSOLL_SHRINK=0` does not look for a smaller tape.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::cell::Cell;

/// What a property says of one scene: how many cases of it were checked, or what is wrong.
pub(crate) type Outcome = Result<u64, String>;

/// Checks a property on random scenes. A property that finds next to nothing to check fails too.
pub(crate) fn check(name: &str, scenes: u32, property: impl Fn(&mut Tape<'_>) -> Outcome) {
    let seed = std::env::var("PLIMSOLL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let scenes = scaled(scenes);
    let shrink = std::env::var("PLIMSOLL_SHRINK").ok().and_then(|most| most.parse().ok()).unwrap_or(4_000);
    let config =
        Config { cases: scenes, failure_persistence: None, max_shrink_iters: shrink, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes(name, seed));
    let cases = Cell::new(0);
    let run = TestRunner::new_with_rng(config, rng).run(&vec(any::<u64>(), LENGTH), |words| {
        let found = property(&mut Tape { words: &words, at: 0 }).map_err(TestCaseError::fail)?;
        cases.set(cases.get() + found);
        Ok(())
    });
    match run {
        Ok(()) => {}
        Err(TestError::Fail(reason, words)) => panic!("{name}: {reason}\nSEED={seed} tape {words:?}"),
        Err(error) => panic!("{name}: {error}"),
    }
    println!("{name}: {} cases in {scenes} scenes", cases.get());
    assert!(cases.get() >= u64::from(scenes) / 4, "{name}: {} cases in {scenes} scenes", cases.get());
}

fn scaled(scenes: u32) -> u32 {
    let text = std::env::var("PLIMSOLL_CASES").unwrap_or_default();
    let (times, of) = text.split_once('/').unwrap_or((&text, "1"));
    let (times, of) = (times.parse().unwrap_or(1), of.parse().unwrap_or(1).max(1));
    (scenes.saturating_mul(times) / of).max(8)
}

fn seed_bytes(name: &str, seed: u64) -> [u8; 32] {
    let mut bytes = [0u8; 32];
    for (at, byte) in name.bytes().enumerate() {
        bytes[8 + at % 24] = bytes[8 + at % 24].wrapping_mul(31).wrapping_add(byte);
    }
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}

/// Words on a tape; beyond the end they come again, stirred.
const LENGTH: usize = 192;

/// The choices that a scene is built from. A zero is always the plainest choice.
pub(crate) struct Tape<'a> {
    words: &'a [u64],
    at: usize,
}

impl Tape<'_> {
    fn word(&mut self) -> u64 {
        let (round, place) = (self.at / self.words.len(), self.at % self.words.len());
        self.at += 1;
        let word = self.words[place];
        if round == 0 {
            word
        } else {
            (word ^ round as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        }
    }

    /// 0 to `n - 1`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.word() % n
    }

    /// `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in `n`.
    pub(crate) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == n - 1
    }

    /// One of them.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// A number with up to `digits` digits, every length as likely as every other.
    pub(crate) fn magnitude(&mut self, digits: u64) -> u128 {
        let power = 10u128.pow(self.below(digits) as u32);
        let word = u128::from(self.word());
        power + if power < 10u128.pow(18) { word % (9 * power) } else { word * ((9 * power) >> 64) }
    }
}
