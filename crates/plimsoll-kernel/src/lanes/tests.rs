//! Lanes beside their definitions, beside `libm` and `statrs`, and beside each other.

#![allow(clippy::float_cmp)] // equal to the bit is what is meant

use super::{Drawn, Each, Lanes, Of, PATHS, normal, philox};
use crate::simd::{Path, Simd};
use crate::worlds::Across;
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Fixed before any result was seen: the number of the issue that asked for this.
const SEED: u64 = 6;

fn paths() -> impl Iterator<Item = Path> {
    Path::ALL.into_iter().filter(|path| path.available())
}

/// The inverse of the normal distribution, of uniforms.
#[derive(Clone, Copy)]
struct Quantile;

impl Of for Quantile {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::V) -> S::V {
        normal::quantile(s, x)
    }
}

fn each<F: Of>(of: F, path: Path, x: &[f64]) -> Vec<f64> {
    let mut numbers: Vec<Across> = Vec::new();
    for some in x.chunks(PATHS) {
        let mut across = Across::splat(1.0);
        across.flat_mut()[..some.len()].copy_from_slice(some);
        numbers.push(across);
    }
    path.run(Each { numbers: &mut numbers, of });
    let flat = numbers.iter().flat_map(|across| across.flat().iter().copied());
    flat.take(x.len()).collect()
}

/// So many numbers of each of so many paths, path after path.
fn drawn(count: usize, tiles: u64, draw: impl Fn(Drawn, &mut [Across])) -> Vec<f64> {
    let mut all = Vec::new();
    for tile in 0..tiles {
        let mut into = vec![Across::splat(0.0); count];
        draw(Drawn { seed: SEED, first: tile * PATHS as u64 }, &mut into);
        for path in 0..PATHS {
            all.extend(into.iter().map(|across| across.flat()[path]));
        }
    }
    all
}

fn bits(all: &[f64]) -> Vec<u64> {
    all.iter().map(|x| x.to_bits()).collect()
}

/// How many floats apart, of numbers of one sign.
fn apart(x: f64, y: f64) -> u64 {
    x.to_bits().abs_diff(y.to_bits())
}

/// Every word is that of the definition, wherever a draw begins.
#[test]
fn words_are_those_of_the_definition() {
    for first in [0, 61, u64::from(u32::MAX) - 20, u64::MAX - 5] {
        let of = Drawn { seed: 0x0123_4567_89AB_CDEF, first };
        for at in [0, 1, 2, 7, (1 << 33) + 1] {
            let mut words = [0; PATHS];
            Lanes::best().words(of, at, &mut words);
            let mut uniforms = [Across::splat(0.0); 5];
            Lanes::best().uniforms(of, at, &mut uniforms);
            for (lane, &word) in words.iter().enumerate() {
                let path = first.wrapping_add(lane as u64);
                let word_at = |at: u64| {
                    let halves = |x: u64| [(x & 0xFFFF_FFFF) as u32, (x >> 32) as u32];
                    let ([low, high], [path_low, path_high]) = (halves(at / 2), halves(path));
                    let four = philox([low, high, path_low, path_high], halves(of.seed));
                    let [low, high] = [four[(at % 2 * 2) as usize], four[(at % 2 * 2 + 1) as usize]];
                    u64::from(low) | u64::from(high) << 32
                };
                assert_eq!(word, word_at(at), "path {path}, number {at}");
                for (i, uniform) in (at..).zip(&uniforms) {
                    let expected = ((word_at(i) >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
                    assert_eq!(uniform.flat()[lane], expected);
                }
            }
        }
    }
}

/// Numbers from nearly zero to nearly infinite, and what is none.
fn wide() -> Vec<f64> {
    let mut all =
        vec![0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 5e-324, f64::MAX];
    let mut words = [0; PATHS];
    for at in 0..64 {
        Lanes::on(Path::Portable).words(Drawn { seed: 1, first: 0 }, at, &mut words);
        all.extend(words.map(f64::from_bits).iter().filter(|x| !x.is_nan()));
        all.extend(words.map(|word| (word >> 11) as f64 / 9e15 * 1500.0 - 750.0));
    }
    all
}

/// Law 3, of lanes: every path gives the same bits.
#[test]
fn law_3_lanes_are_the_same_on_every_path() {
    let of = Drawn { seed: SEED, first: 1 << 40 };
    let all = |path: Path| {
        let lanes = Lanes::on(path);
        let rows = || vec![Across::splat(0.25); 7];
        let mut found = Vec::new();
        for at in [0, 3] {
            let [mut uniforms, mut normals, mut exponentials] = [rows(), rows(), rows()];
            lanes.uniforms(of, at, &mut uniforms);
            lanes.normals(of, at, &mut normals);
            lanes.exponentials(of, at, &mut exponentials);
            let mut chi = Across::splat(0.0);
            lanes.chi_squared_means(of, at as u32, 4.5, &mut chi);
            let triangle: Vec<f64> = (0..28).map(|i| 0.3 - 0.01 * f64::from(i)).collect();
            let mut sums = rows();
            for scale in [None, Some(&chi)] {
                lanes.correlated(&triangle, &[-0.01; 7], &normals, scale, &mut sums);
            }
            let mut form = chi;
            lanes.weighted(-1.5, &[0.1, 0.7, -0.3, 1.1, -2.0, 0.9, 0.2], &sums, &mut form);
            for rows in [uniforms, normals, exponentials, sums, vec![chi, form]] {
                found.extend(rows.iter().flat_map(|across| bits(across.flat())));
            }
        }
        for numbers in [each(super::Exp, path, &wide()), each(super::Ln, path, &wide())] {
            found.extend(bits(&numbers));
        }
        let uniforms: Vec<f64> =
            (0..6400).map(|i| (f64::from(i) + 0.5) / 6400.0).chain([2.0_f64.powi(-53)]).collect();
        found.extend(bits(&each(Quantile, path, &uniforms)));
        found
    };
    let definition = all(Path::Portable);
    for path in paths() {
        assert!(all(path) == definition, "{}", path.name());
    }
}

#[test]
fn exp_and_ln_are_as_near_as_they_say() {
    let x: Vec<f64> =
        (-70_800..=70_800).map(|i| f64::from(i) / 100.0 + 1.3e-3).filter(|x| x.abs() < 708.0).collect();
    let furthest =
        x.iter().zip(each(super::Exp, Path::best(), &x)).map(|(&x, found)| apart(found, libm::exp(x)));
    // One of ours, and one of theirs at the most.
    let furthest = furthest.max();
    println!("exp: {furthest:?} apart");
    assert!(furthest.is_some_and(|apart| apart <= 1), "{furthest:?}");
    let ends = [0.0, -0.0, 708.5, -708.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let ends = each(super::Exp, Path::best(), &ends);
    assert_eq!(ends[..6], [1.0, 1.0, f64::INFINITY, 0.0, f64::INFINITY, 0.0]);
    assert!(ends[6].is_nan());
    let near = |i: i32| 1.0 + f64::from(i) * 1e-6;
    let x: Vec<f64> = (-300..300)
        .map(|i| 1.37 * 2.0_f64.powi(i))
        .chain((-999_999..1_000_000).step_by(7).map(near))
        .collect();
    let furthest =
        x.iter().zip(each(super::Ln, Path::best(), &x)).map(|(&x, found)| apart(found, libm::log(x))).max();
    println!("ln: {furthest:?} apart");
    assert!(furthest.is_some_and(|apart| apart <= 3), "{furthest:?}");
    let ends = each(super::Ln, Path::best(), &[0.0, -1.0, f64::INFINITY, f64::NAN, 1.0]);
    assert_eq!(ends[..3], [f64::NEG_INFINITY, f64::NEG_INFINITY, f64::INFINITY]);
    assert!(ends[3].is_nan() && ends[4] == 0.0);
}

/// There and back by the error function of `libm`, near the middle by its odd form; and figures from tables (mpmath, 40 digits).
#[test]
fn normals_are_as_near_as_they_say() {
    let cell = 2.0_f64.powi(-52);
    let even = (0..200_000).map(|i| (f64::from(i) + 0.5) / 200_000.0);
    let tail = (1..52).flat_map(|i| [1.0, 1.3, 1.7].map(|by| by * 2.0_f64.powi(-i)));
    // The middles of cells, as uniforms are.
    let u: Vec<f64> =
        even.chain(tail).map(|u| ((u / cell).floor() + 0.5) * cell).filter(|u| *u < 1.0).collect();
    let mut furthest = 0.0_f64;
    for (&u, z) in u.iter().zip(each(Quantile, Path::best(), &u)) {
        let density = libm::exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt();
        let root = std::f64::consts::FRAC_1_SQRT_2;
        let off = if z.abs() < 1.0 {
            0.5 * (libm::erf(z * root) - (2.0 * u - 1.0))
        } else if z < 0.0 {
            0.5 * libm::erfc(-z * root) - u
        } else {
            0.5 * libm::erfc(z * root) - (1.0 - u)
        };
        furthest = furthest.max((off / density / z).abs());
    }
    println!("normal: {} x 2^-41 off", furthest * 2.0_f64.powi(41));
    assert!(furthest <= 2.0_f64.powi(-41), "{furthest:e}");
    // p is a whole number of cells and a half.
    for (p, z) in [(TENTH.0, TENTH.1), (FAR.0, FAR.1), (LEAST.0, LEAST.1)] {
        let found = each(Quantile, Path::best(), &[p])[0];
        assert!((found / z - 1.0).abs() <= 2.0_f64.powi(-41), "{found} for {z}");
    }
}

/// The largest difference between the distribution of a sample and one that is known, times the root of their number.
fn kolmogorov(mut sample: Vec<f64>, below: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let steps = sample.iter().zip(0..).map(|(&x, i)| {
        let (p, i) = (below(x), f64::from(i));
        (p - i / n).abs().max(((i + 1.0) / n - p).abs())
    });
    steps.fold(0.0, f64::max) * n.sqrt()
}

/// `scipy.stats.kstwobign.isf(0.001)`.
const CRITICAL: f64 = 1.949_474_63;

/// Mean, variance, skewness and kurtosis.
fn moments(sample: &[f64]) -> [f64; 4] {
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    let central = |power: i32| sample.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n;
    let variance = central(2);
    [mean, variance, central(3) / variance.powf(1.5), central(4) / variance.powi(2)]
}

#[test]
fn normals_are_normal() {
    let sample = drawn(100, 32, |of, into| Lanes::best().normals(of, 0, into));
    let n = sample.len() as f64;
    let [mean, variance, skewness, kurtosis] = moments(&sample);
    // Standard errors of the four moments of so many normals; 3.3 of them are one in a thousand.
    for (off, of) in [(mean, 1.0), (variance - 1.0, 2.0), (skewness, 6.0), (kurtosis - 3.0, 24.0)] {
        assert!(off.abs() < 3.3 * (of / n).sqrt(), "{off}");
    }
    // A number and the next of its path, and that of the next path.
    for lag in [1, 100] {
        let both: f64 = sample.iter().zip(&sample[lag..]).map(|(x, y)| x * y).sum();
        assert!(both.abs() < 3.3 * n.sqrt(), "{both}");
    }
    let far = kolmogorov(sample, |x| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2));
    assert!(far < CRITICAL, "{far}");
}

#[test]
fn exponentials_and_chi_squareds_are_what_they_say() {
    let sample = drawn(50, 16, |of, into| Lanes::best().exponentials(of, 0, into));
    let far = kolmogorov(sample, |x| 1.0 - libm::exp(-x));
    assert!(far < CRITICAL, "{far}");
    for nu in [2.0, 2.5, 4.0, 12.0] {
        let draw = |of, into: &mut [Across]| {
            for (at, row) in into.iter_mut().enumerate() {
                Lanes::best().chi_squared_means(of, at as u32, nu, row);
            }
        };
        let sample = drawn(25, 16, draw);
        let [mean, variance, ..] = moments(&sample);
        let n = sample.len() as f64;
        assert!((mean - 1.0).abs() < 3.3 * (2.0 / nu / n).sqrt(), "{nu}: mean {mean}");
        // The fourth central moment of a chi-squared mean is 12 (nu + 4) / nu^3.
        let spread = (12.0 * (nu + 4.0) / nu.powi(3) - 4.0 / nu.powi(2)) / n;
        assert!((variance - 2.0 / nu).abs() < 3.3 * spread.sqrt(), "{nu}: variance {variance}");
        let of = ChiSquared::new(nu).expect("a distribution");
        let far = kolmogorov(sample, |x| of.cdf(x * nu));
        assert!(far < CRITICAL, "{nu}: {far}");
    }
}

/// What correlated sums are, added by hand.
#[test]
fn sums_are_correlated_as_the_triangle_says() {
    let normals = [Across::splat(1.0), Across::splat(-2.0)];
    let mut sums = [Across::splat(10.0), Across::splat(20.0)];
    let half = Across::splat(0.5);
    Lanes::best().correlated(&[3.0, 4.0, 5.0], &[0.25, 0.5], &normals, Some(&half), &mut sums);
    assert_eq!(sums, [Across::splat(10.0 + 0.25 + 1.5), Across::splat(20.0 + 0.5 + 0.5 * (4.0 - 10.0))]);
    let mut form = half;
    Lanes::best().weighted(-1.0, &[2.0, -0.5], &sums, &mut form);
    assert_eq!(form, Across::splat(-1.0 + 2.0 * 11.75 - 0.5 * 17.5));
}

/// (probability, value)
const TENTH: (f64, f64) = (0.09999999999999998, -1.2815515655446006);
/// (probability, value)
const FAR: (f64, f64) = (9.99999999995449e-06, -4.264890793923841);
/// (probability, value)
const LEAST: (f64, f64) = (1.1102230246251565e-16, -8.209536151601387);
