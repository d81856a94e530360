//! Numbers drawn for the demo book. All of it is integers, so that every machine draws the same.

/// A stream of SplitMix64 (Steele, Lea and Flood 2014). Every person has a stream of its own, so that each can be drawn
/// again without those before.
pub(super) struct Draw(u64);

/// What SplitMix64 adds to its state: 2^64 over the golden ratio, made odd.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// One in 16 binary digits.
const ONE: i64 = 1 << 16;

/// 2^(1/2), 2^(1/4), … in 32 binary digits, half up.
const ROOTS: [u128; 16] = [
    6_074_001_000,
    5_107_605_667,
    4_683_695_048,
    4_485_121_744,
    4_389_014_833,
    4_341_736_423,
    4_318_288_544,
    4_306_612_134,
    4_300_785_774,
    4_297_875_550,
    4_296_421_177,
    4_295_694_175,
    4_295_330_720,
    4_295_149_004,
    4_295_058_149,
    4_295_012_722,
];

impl Draw {
    /// The stream of a person.
    pub(super) fn of(seed: u64, person: u64) -> Draw {
        let key = Draw(seed).word();
        Draw(Draw(key ^ person.wrapping_mul(STEP)).word())
    }

    pub(super) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From zero to below `end`: the high word of a product, whose bias is of no account here.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(end)) >> 64) as u64
    }

    /// Whether one of so many in a thousand.
    pub(super) fn thousandths(&mut self, share: u64) -> bool {
        self.below(1000) < share
    }

    /// One of these, each as often as its weight says.
    pub(super) fn one_of<T: Copy>(&mut self, weighted: &[(T, u64)]) -> Option<T> {
        let mut left = self.below(weighted.iter().map(|(_, weight)| weight).sum());
        weighted.iter().find_map(|&(one, weight)| match left.checked_sub(weight) {
            Some(rest) => {
                left = rest;
                None
            }
            None => Some(one),
        })
    }

    /// Nearly normal, mean zero and variance one (16 binary digits): twelve uniform numbers, less six.
    fn normal(&mut self) -> i64 {
        let mut sum = -6 * ONE;
        for _ in 0..3 {
            let word = self.word();
            for part in 0..4 {
                sum += ((word >> (16 * part)) & 0xffff) as i64;
            }
        }
        sum
    }

    /// Log-normal: `median` times e^(sigma z), cut down. `sigma` is in thousandths.
    pub(super) fn lognormal(&mut self, median: u64, sigma: i64) -> u64 {
        // 94548 / 65536 is 1 / ln 2, so that powers of two will do.
        let exponent = self.normal() * sigma / 1000 * 94_548 / ONE;
        let whole = (exponent >> 16).clamp(-30, 30);
        let mut factor = 1_u128 << 32;
        for (place, root) in ROOTS.iter().enumerate() {
            if exponent >> (15 - place) & 1 == 1 {
                factor = (factor * root) >> 32;
            }
        }
        // At most 2^64 times 2^33 times 2^30, over 2^32.
        ((u128::from(median) * factor) >> (32 - whole)).min(u128::from(u64::MAX)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published first values for seed 1234567.
    #[test]
    fn it_is_splitmix() {
        let mut draw = Draw(1_234_567);
        assert_eq!(draw.word(), 6_457_827_717_110_365_317);
        assert_eq!(draw.word(), 3_203_168_211_198_807_973);
    }

    /// Each root squared is the one before, to the last of 32 binary digits and the rounding's half.
    #[test]
    fn roots_are_roots() {
        let mut square = 2_u128 << 32;
        for root in ROOTS {
            let [least, most] = [2 * root - 1, 2 * root + 1].map(|twice| (twice * twice) >> 34);
            assert!(least <= square + 1 && square <= most + 1, "{root}");
            square = root;
        }
    }

    /// Of a log-normal: half are below the median, 84.13 % below one sigma more, 97.72 % below two.
    #[test]
    fn shares_are_those_of_a_log_normal() {
        let mut draw = Draw::of(1, 0);
        let drawn: Vec<u64> = (0..100_000).map(|_| draw.lognormal(1_000_000, 1000)).collect();
        let below = |most: u64| drawn.iter().filter(|one| **one < most).count();
        for (most, expected) in [(1_000_000, 50_000), (2_718_282, 84_134), (7_389_056, 97_725)] {
            assert!(below(most).abs_diff(expected) < 500, "{} below {most}", below(most));
        }
    }

    #[test]
    fn weights_are_shares() {
        let mut draw = Draw::of(7, 7);
        let drawn: Vec<u8> = (0..10_000).filter_map(|_| draw.one_of(&[(0, 1), (1, 0), (2, 3)])).collect();
        assert_eq!(drawn.len(), 10_000);
        let count = |one| drawn.iter().filter(|drawn| **drawn == one).count();
        assert!(count(0).abs_diff(2500) < 200 && count(1) == 0);
    }
}
