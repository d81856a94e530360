//! The normal and Student distributions, the incomplete beta function, and what they stand on.
//!
//! Elementary functions come from the `libm` crate and never from the platform, so that a number is the same on every
//! machine; square roots and the four operations are exact by IEEE 754. The peer in the tests is `statrs`.

use libm::{erfc, exp, lgamma, log, log1p, pow};
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// The density of the standard normal.
#[must_use]
pub fn normal_density(x: f64) -> f64 {
    exp(-0.5 * x * x) / (2.0 * PI).sqrt()
}

/// The probability that a standard normal is at most `x`; keeps its relative precision in the lower tail.
#[must_use]
pub fn normal(x: f64) -> f64 {
    0.5 * erfc(-x * FRAC_1_SQRT_2)
}

/// `exp(x²) erfc(x)` for `x >= 0`, where neither factor is representable alone.
pub(crate) fn scaled_erfc(x: f64) -> f64 {
    if x < 5.0 {
        return exp(x * x) * erfc(x);
    }
    // The continued fraction of Laplace, from behind (Abramowitz and Stegun 7.1.14).
    let tail = (1..=60_u32).rev().fold(0.0, |tail, k| 0.5 * f64::from(k) / (x + tail));
    1.0 / (PI.sqrt() * (x + tail))
}

/// The value that a standard normal stays below with probability `p` (Wichura 1988, algorithm AS 241, PPND16);
/// infinite at 0 and 1, not a number outside.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&CENTRE, r);
    }
    let smaller = if q < 0.0 { p } else { 1.0 - p };
    if smaller <= 0.0 || smaller.is_nan() {
        return if smaller < 0.0 || p.is_nan() { f64::NAN } else { f64::INFINITY.copysign(q) };
    }
    let r = (-log(smaller)).sqrt();
    let found = if r <= 5.0 { ratio(&SHOULDER, r - 1.6) } else { ratio(&TAIL, r - 5.0) };
    found.copysign(q)
}

/// Numerator and denominator of a rational function, lowest power first.
type Ratio = ([f64; 8], [f64; 8]);

fn ratio((above, below): &Ratio, x: f64) -> f64 {
    horner(above, x) / horner(below, x)
}

fn horner(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

const CENTRE: Ratio = (
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
);
const SHOULDER: Ratio = (
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
);
const TAIL: Ratio = (
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
);

/// The regularised incomplete beta function `I_x(a, b)` by its continued fraction (Abramowitz and Stegun 26.5.8, modified
/// Lentz). `complement` is `1 - x`, given apart so that neither end loses digits.
fn beta(a: f64, b: f64, x: f64, complement: f64, ln_beta: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if complement <= 0.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean; above it the other tail is the one to sum.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(b, a, complement, x, ln_beta);
    }
    let ln_x = if x > 0.5 { log1p(-complement) } else { log(x) };
    let ln_complement = if complement > 0.5 { log1p(-x) } else { log(complement) };
    let front = exp(a * ln_x + b * ln_complement - ln_beta) / a;
    let away = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let (mut c, mut fraction) = (1.0, d);
    for k in 1..500_u32 {
        let k = f64::from(k);
        let even = k * (b - k) * x / ((a + 2.0 * k - 1.0) * (a + 2.0 * k));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + k) * (a + b + k) * x / ((a + 2.0 * k) * (a + 2.0 * k + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * fraction
}

/// Student's t with `nu` degrees of freedom: location 0, scale 1 (so its variance is `nu / (nu - 2)`).
#[derive(Clone, Copy, Debug)]
pub struct Student {
    nu: f64,
    ln_beta: f64,
}

impl Student {
    /// `nu` must be positive; any answer is not a number otherwise.
    #[must_use]
    pub fn new(nu: f64) -> Student {
        let ln_beta = lgamma(0.5 * nu) + lgamma(0.5) - lgamma(0.5 * (nu + 1.0));
        Student { nu, ln_beta }
    }

    /// The logarithm of the density at `x`.
    #[must_use]
    pub fn ln_density(&self, x: f64) -> f64 {
        -self.ln_beta - 0.5 * log(self.nu) - 0.5 * (self.nu + 1.0) * log1p(x * x / self.nu)
    }

    /// The probability to be at most `x`; keeps its relative precision in the lower tail.
    #[must_use]
    pub fn below(&self, x: f64) -> f64 {
        let square = x * x;
        let (tail, rest) = (self.nu / (self.nu + square), square / (self.nu + square));
        let outer = 0.5 * beta(0.5 * self.nu, 0.5, tail, rest, self.ln_beta);
        if x <= 0.0 { outer } else { 1.0 - outer }
    }

    /// The value that it stays below with probability `p`; infinite at 0 and 1, not a number outside.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        let upper = p > 0.5;
        let tail = if upper { 1.0 - p } else { p };
        if tail <= 0.0 || tail.is_nan() {
            return if tail < 0.0 || p.is_nan() { f64::NAN } else { f64::INFINITY.copysign(p - 0.5) };
        }
        if tail > 0.5 - 1e-15 {
            return 0.0;
        }
        // Newton on the logarithm of the tail over the logarithm of the distance. That curve is concave, so every step
        // after the first comes from the far side and the search cannot miss.
        let mut x = (-normal_quantile(tail)).max(1e-10);
        for _ in 0..100 {
            let found = self.below(-x);
            if found <= 0.0 {
                x *= 0.5;
                continue;
            }
            let slope = -exp(self.ln_density(x)) * x / found;
            let step = log(found / tail) / slope;
            let next = x * exp(-step);
            let still = (next - x).abs() <= 2.0 * f64::EPSILON * x;
            x = next;
            if still {
                break;
            }
        }
        if upper { x } else { -x }
    }
}

/// The probability that a chi-squared variable with one degree of freedom exceeds `x`.
#[must_use]
pub fn chi_squared_1_above(x: f64) -> f64 {
    erfc((0.5 * x.max(0.0)).sqrt())
}

/// The probability that a chi-squared variable with two degrees of freedom exceeds `x`.
#[must_use]
pub fn chi_squared_2_above(x: f64) -> f64 {
    exp(-0.5 * x.max(0.0))
}

/// The probability of at most `k` successes in `n` trials of chance `p`, summed term by term.
pub(crate) fn binomial_at_most(k: u64, n: u64, p: f64) -> f64 {
    (0..=k.min(n)).map(|i| binomial(i, n, p)).sum::<f64>().min(1.0)
}

/// The probability of exactly `k` successes in `n` trials of chance `p`.
fn binomial(k: u64, n: u64, p: f64) -> f64 {
    // A product and not a difference of log-gammas, whose digits would be lost for large n.
    let smaller = k.min(n - k);
    let choose = (1..=smaller).map(|i| (n - smaller + i) as f64 / i as f64);
    let (mut value, mut powers) = (1.0_f64, (k, n - k));
    for factor in choose {
        value *= factor;
        // Powers come in while the product grows, so that neither overflows.
        while value > 1e100 && powers.0 + powers.1 > 0 {
            value *= take(&mut powers, p);
        }
    }
    value * pow(p, powers.0 as f64) * pow(1.0 - p, powers.1 as f64)
}

fn take(powers: &mut (u64, u64), p: f64) -> f64 {
    if powers.0 > 0 {
        powers.0 -= 1;
        p
    } else {
        powers.1 -= 1;
        1.0 - p
    }
}

/// `exp(ln_weight) Φ(z)`: the weight may overflow and `Φ(z)` underflow though their product does neither.
pub(crate) fn normal_times_exp(z: f64, ln_weight: f64) -> f64 {
    if z > -1.0 {
        return exp(ln_weight) * normal(z);
    }
    0.5 * exp(ln_weight - 0.5 * z * z) * scaled_erfc(-z / SQRT_2)
}
