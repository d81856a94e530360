//! The standard normal by inversion, and what comes of it.
//!
//! For a uniform `u` let x = 2u - 1 and w = -ln(1 - x²) = -ln(4u(1 - u)). The inverse of the normal distribution is x f(w), and f is as
//! smooth as its beginning: f(0) = sqrt(pi / 2), and for large w it is nearly sqrt(2w). Up to w = 5 (all but one number in three
//! hundred) it is a polynomial in w, beyond it one in the root of w: interpolated at Chebyshev's points in fifty digits, each within 1.2e-16
//! of f. Both 2u and x² lose nothing (a fused product), so that the lower tail is as good as the middle.
//!
//! Giles 2010 ("Approximating the erfinv function") has the choice of w; the polynomials are our own.

use super::Drawn;
use super::elementary::{ln_core, polynomial};
use super::philox::{Whose, pair, uniform};
use crate::panel::LANES;
use crate::simd::{Job, Simd};
use crate::worlds::{Across, WIDTH};

/// Where the polynomials meet.
const MEET: f64 = 5.0;
/// What the powers of w count from, and those of its root.
const MIDDLE: [f64; 2] = [2.5, 4.117_187_5];

/// f by powers of w - 2.5, the highest first.
const NEAR: [f64; 21] = [
    3.741_827_776_566_095_4e-18,
    -3.005_991_019_861_824e-17,
    -1.481_379_996_692_008_4e-16,
    2.571_725_149_760_187_6e-15,
    -4.429_714_956_677_305e-15,
    -1.067_900_877_668_606_7e-13,
    7.592_179_653_214_651e-13,
    1.284_963_003_119_658e-12,
    -4.399_122_234_376_94e-11,
    1.691_625_488_272_213_6e-10,
    1.283_131_152_332_900_6e-9,
    -1.536_003_664_788_959_7e-8,
    1.897_421_429_857_543_2e-8,
    6.770_197_244_136_967e-7,
    -4.831_829_763_633_398e-6,
    -7.065_523_544_817_908e-6,
    0.000_308_652_483_824_766,
    -0.001_771_596_512_913_367,
    -0.005_907_619_380_164_654,
    0.348_802_024_399_054,
    2.123_313_467_014_67,
];

/// f by powers of the root of w less 4.1171875, the highest first.
const FAR: [f64; 30] = [
    4.637_150_600_438_715_4e-15,
    -1.676_042_553_559_933_2e-14,
    -8.044_688_694_543_343e-14,
    3.855_453_406_738_912e-13,
    2.167_951_893_949_612_7e-13,
    -2.509_196_931_167_262e-12,
    1.368_272_132_046_759_5e-12,
    -1.746_795_392_993_711_7e-12,
    3.595_865_791_515_367e-11,
    -3.833_866_216_404_949e-11,
    -3.519_882_293_424_963_3e-10,
    1.548_908_801_594_442_5e-9,
    -2.751_599_555_419_356_2e-9,
    -1.452_303_934_349_777_4e-9,
    2.600_377_522_360_542_2e-8,
    -8.830_886_308_766_838e-8,
    1.558_653_660_840_818_7e-7,
    -2.173_349_562_343_383_7e-8,
    -8.439_281_603_844_101e-7,
    3.285_575_721_853_072_6e-6,
    -8.102_953_355_766_736e-6,
    1.561_293_217_350_694_6e-5,
    -2.670_252_995_084_365e-5,
    4.959_435_765_769_244e-5,
    -0.000_122_495_266_648_922_3,
    0.000_370_173_677_473_722_85,
    -0.001_036_805_183_590_164_1,
    0.001_384_564_634_337_048_4,
    1.428_008_777_786_726,
    5.597_598_346_211_638_5,
];

/// The number that a standard normal stays below with probability `u`, a uniform of [`uniform`].
#[inline(always)]
pub(super) fn quantile<S: Simd>(s: S, u: S::V) -> S::V {
    let one = s.splat(1.0);
    let x = s.mul_add(s.splat(2.0), u, s.splat(-1.0));
    let away = s.sub(s.splat(0.0), x);
    let w = s.sub(s.splat(0.0), ln_core(s, s.mul_add(away, x, one)));
    let mut f = polynomial(s, &NEAR, s.sub(w, s.splat(MIDDLE[0])));
    let meet = s.splat(MEET);
    if s.above(w, meet) != 0 {
        let far = polynomial(s, &FAR, s.sub(s.root(w), s.splat(MIDDLE[1])));
        f = s.where_below(meet, w, far, f);
    }
    s.times(x, f)
}

/// A chi-squared over its degrees of freedom, of each path.
pub(super) struct ChiSquared<'a> {
    pub(super) drawn: Drawn,
    pub(super) at: u32,
    pub(super) nu: f64,
    pub(super) into: &'a mut Across,
}

/// Tries of one draw; each fails once in twenty at most, so that the last is never reached.
const TRIES: u64 = 256;
/// Blocks from here on are those of chi-squareds.
const APART: u64 = 1 << 63;

impl Job for ChiSquared<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let shape = 0.5 * self.nu;
        let d = shape - 1.0 / 3.0;
        let [zero, one, half] = [0.0, 1.0, 0.5].map(|x| s.splat(x));
        let (c, d_all) = (s.splat(1.0 / (9.0 * d).sqrt()), s.splat(d));
        for register in 0..WIDTH {
            let whose = Whose::new(s, self.drawn, register);
            let mut open = u8::MAX;
            for attempt in 0..TRIES {
                let [x, u] = pair(s, &whose, APART | (u64::from(self.at) * TRIES) | attempt);
                let (x, u) = (quantile(s, uniform(s, x)), uniform(s, u));
                let root = s.mul_add(c, x, one);
                // Of a root below zero nothing comes; its logarithm is not asked for.
                let whole = s.where_below(zero, root, root, one);
                let v = s.times(s.times(whole, whole), whole);
                let limit =
                    s.mul_add(d_all, s.sub(s.plus(one, ln_core(s, v)), v), s.times(half, s.times(x, x)));
                let taken = s.below(ln_core(s, u), limit) & s.below(zero, root) & open;
                let mut found = [0.0; LANES];
                s.store(&mut found, s.times(v, s.splat(d / shape)));
                for (lane, into) in self.into.0[register].iter_mut().enumerate() {
                    if taken >> lane & 1 == 1 {
                        *into = found[lane];
                    }
                }
                open &= !taken;
                if open == 0 {
                    break;
                }
            }
        }
    }
}
