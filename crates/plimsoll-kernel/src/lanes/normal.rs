//! The standard normal by inversion, and what comes of it.
//!
//! For a uniform `u` let x = 2u - 1 and w = -ln(1 - x²) = -ln(4u(1 - u)). The inverse of the normal distribution is x f(w), and f is as
//! smooth as its beginning: f(0) = sqrt(pi / 2), and for large w it is nearly sqrt(2w). Up to w = 5 (all but one number in three
//! hundred) it is a polynomial in w, beyond it one in the root of w: interpolated at Chebyshev's points in fifty digits, each within 3e-13
//! of f: a millionth of what any number of paths that can be drawn could tell. So is the logarithm. Both 2u and x² lose nothing (a fused product), so that the lower tail is as good as the middle.
//!
//! Giles 2010 ("Approximating the erfinv function") has the choice of w; the polynomials are our own.

use super::Drawn;
use super::elementary::{ln_about, ln_core, polynomial};
use super::philox::{Whose, pair, uniform};
use crate::panel::LANES;
use crate::simd::{Job, Simd};
use crate::worlds::{Across, WIDTH};

/// Where the polynomials meet.
const MEET: f64 = 5.0;
/// What the powers of w count from, and those of its root.
const MIDDLE: [f64; 2] = [2.5, 4.117_187_5];

/// f by powers of 2.5 - w, the highest first.
const NEAR: [f64; 17] = [
    -6.811_634_497_230_901e-15,
    5.095_470_313_025_841_6e-14,
    7.796_897_883_075_456e-13,
    -7.190_981_574_363_246e-13,
    -4.409_427_933_048_264_4e-11,
    -1.723_199_815_192_933e-10,
    1.283_442_015_375_950_7e-9,
    1.537_023_338_584_619_5e-8,
    1.897_366_568_443_563e-8,
    -6.770_385_670_676_674e-7,
    -4.831_829_239_139_414e-6,
    7.065_542_109_960_52e-6,
    0.000_308_652_483_595_886_07,
    0.001_771_596_504_668_955_1,
    -0.005_907_619_380_135_099,
    -0.348_802_024_397_982_8,
    2.123_313_467_014_67,
];

/// f by powers of the root of w less 4.1171875, the highest first.
const FAR: [f64; 24] = [
    -4.008_561_691_289_916e-12,
    5.102_945_306_057_94e-12,
    1.007_645_095_065_231_1e-10,
    -2.297_559_850_631_409_4e-10,
    -7.124_564_776_226_553e-10,
    2.819_024_755_553_244_3e-9,
    -1.534_101_244_166_509_4e-9,
    -6.133_039_326_728_409_5e-9,
    2.331_688_658_960_277_3e-8,
    -7.740_259_433_337_548e-8,
    1.598_144_569_937_096_6e-7,
    -3.837_181_484_145_923e-8,
    -8.477_541_369_822_255e-7,
    3.302_131_460_389_726_5e-6,
    -8.100_597_978_783_7e-6,
    1.560_254_128_535_301_4e-5,
    -2.670_338_779_523_917e-5,
    4.959_819_420_877_734_4e-5,
    -0.000_122_495_104_791_353_52,
    0.000_370_172_947_005_827_86,
    -0.001_036_805_195_583_471_5,
    0.001_384_564_688_735_925_7,
    1.428_008_777_786_873_5,
    5.597_598_346_210_968,
];

/// The number that a standard normal stays below with probability `u`, a uniform of [`uniform`].
#[inline(always)]
pub(super) fn quantile<S: Simd>(s: S, u: S::V) -> S::V {
    let one = s.splat(1.0);
    let x = s.mul_add(s.splat(2.0), u, s.splat(-1.0));
    let away = s.sub(s.splat(0.0), x);
    let logarithm = ln_about(s, s.mul_add(away, x, one));
    let mut f = polynomial(s, &NEAR, s.plus(logarithm, s.splat(MIDDLE[0])));
    let meet = s.splat(-MEET);
    if s.below(logarithm, meet) != 0 {
        let root = s.root(s.sub(s.splat(0.0), logarithm));
        let far = polynomial(s, &FAR, s.sub(root, s.splat(MIDDLE[1])));
        f = s.where_below(logarithm, meet, far, f);
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
