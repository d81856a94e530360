//! Numbers of many paths side by side: random ones by counter, normals, exponentials, and what a price takes in a step.
//!
//! A tile is 64 paths; lanes run across paths. Every operation comes in one order on every SIMD path, each correctly rounded, so that a
//! number is the same to the bit on any machine. Number `i` of path `k` under a seed is the same whatever else is drawn, in any order.
//!
//! `philox` makes words, `elementary` has `exp` and `ln`, `normal` the standard normal and what comes of it. All errors are stated there.

mod elementary;
mod normal;
mod philox;

pub use philox::philox;

use crate::panel::LANES;
use crate::simd::{Job, Path, Simd};
use crate::worlds::{Across, TILE, WIDTH};
use philox::{Whose, pair};

/// Paths in a tile.
pub const PATHS: usize = TILE;

/// Which random numbers: those of 64 paths of one experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The experiment.
    pub seed: u64,
    /// The first of the paths; the others follow it.
    pub first: u64,
}

/// Computes on lanes.
#[derive(Clone, Copy, Debug)]
pub struct Lanes(Path);

impl Lanes {
    /// On the fastest SIMD path of this processor.
    #[must_use]
    pub fn best() -> Lanes {
        Lanes(Path::best())
    }

    /// On this one.
    #[must_use]
    pub const fn on(path: Path) -> Lanes {
        Lanes(path)
    }

    /// Words of 64 bits: number `at` of each path.
    pub fn words(self, drawn: Drawn, at: u64, into: &mut [u64; PATHS]) {
        self.0.run(Words { drawn, at, into });
    }

    /// Numbers between 0 and 1, both excluded, each the middle of one of 2^52 cells: from number `at` of each path on, one a row.
    pub fn uniforms(self, drawn: Drawn, at: u64, into: &mut [Across]) {
        self.0.run(Draw { drawn, at, into, made: Uniform });
    }

    /// Standard normals by inversion, one number a normal: from number `at` of each path on. Within 2^-41 of themselves of the inverse
    /// of the uniform that stands in their place.
    pub fn normals(self, drawn: Drawn, at: u64, into: &mut [Across]) {
        self.0.run(Draw { drawn, at, into, made: Normal });
    }

    /// Exponentials with mean one by inversion: from number `at` of each path on. Within 4 units in the last place.
    pub fn exponentials(self, drawn: Drawn, at: u64, into: &mut [Across]) {
        self.0.run(Draw { drawn, at, into, made: Exponential });
    }

    /// Chi-squareds with `nu` degrees of freedom over `nu`, 2 at the least (a fewer counts as 2): draw `at` of each path, of numbers that
    /// nothing else draws (Marsaglia and Tsang 2000, of a gamma).
    pub fn chi_squared_means(self, drawn: Drawn, at: u32, nu: f64, into: &mut Across) {
        self.0.run(normal::ChiSquared { drawn, at, nu: nu.max(2.0), into });
    }

    /// The exponential function of each number, in its place, within 1 unit in the last place. Infinite above 708, and zero
    /// below -708.
    pub fn exp(self, numbers: &mut [Across]) {
        self.0.run(Each { numbers, of: Exp });
    }

    /// The natural logarithm of each number, in its place, within 3 units in the last place; minus infinity of what is not a positive
    /// normal number.
    pub fn ln(self, numbers: &mut [Across]) {
        self.0.run(Each { numbers, of: Ln });
    }

    /// Adds to each sum its drift and, `scale` times, its row of a lower triangle beside the normals: the rows stand one after the other,
    /// of 1, 2, ... numbers. Without a scale it is one.
    pub fn correlated(
        self,
        triangle: &[f64],
        drifts: &[f64],
        normals: &[Across],
        scale: Option<&Across>,
        sums: &mut [Across],
    ) {
        self.0.run(Correlated { triangle, drifts, normals, scale, sums });
    }

    /// `constant + Σ weight × number`, added in their order.
    pub fn weighted(self, constant: f64, weights: &[f64], numbers: &[Across], into: &mut Across) {
        self.0.run(Weighted { constant, weights, numbers, into });
    }
}

/// What a word becomes.
trait Made: Copy {
    fn made<S: Simd>(self, s: S, word: S::I) -> S::V;
}

#[derive(Clone, Copy)]
struct Uniform;

#[derive(Clone, Copy)]
struct Normal;

#[derive(Clone, Copy)]
struct Exponential;

impl Made for Uniform {
    #[inline(always)]
    fn made<S: Simd>(self, s: S, word: S::I) -> S::V {
        philox::uniform(s, word)
    }
}

impl Made for Normal {
    #[inline(always)]
    fn made<S: Simd>(self, s: S, word: S::I) -> S::V {
        normal::quantile(s, philox::uniform(s, word))
    }
}

impl Made for Exponential {
    #[inline(always)]
    fn made<S: Simd>(self, s: S, word: S::I) -> S::V {
        s.sub(s.splat(0.0), elementary::ln_core(s, philox::uniform(s, word)))
    }
}

struct Draw<'a, M> {
    drawn: Drawn,
    at: u64,
    into: &'a mut [Across],
    made: M,
}

impl<M: Made> Job for Draw<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Draw { drawn, at, into, made } = self;
        let mut whose = [Whose::new(s, drawn, 0); WIDTH];
        for (register, whose) in whose.iter_mut().enumerate() {
            *whose = Whose::new(s, drawn, register);
        }
        // A block of the generator is two numbers: an odd one first stands alone.
        let (alone, rest) = into.split_at_mut(usize::from(at % 2 == 1).min(into.len()));
        let mut block = at / 2;
        if let [row] = alone {
            for (register, whose) in row.0.iter_mut().zip(&whose) {
                s.store(register, made.made(s, pair(s, whose, block)[1]));
            }
            block = block.wrapping_add(1);
        }
        let (pairs, last) = rest.as_chunks_mut::<2>();
        for [first, second] in pairs {
            for ((first, second), whose) in first.0.iter_mut().zip(&mut second.0).zip(&whose) {
                let [x, y] = pair(s, whose, block);
                s.store(first, made.made(s, x));
                s.store(second, made.made(s, y));
            }
            block = block.wrapping_add(1);
        }
        if let [row] = last {
            for (register, whose) in row.0.iter_mut().zip(&whose) {
                s.store(register, made.made(s, pair(s, whose, block)[0]));
            }
        }
    }
}

struct Words<'a> {
    drawn: Drawn,
    at: u64,
    into: &'a mut [u64; PATHS],
}

impl Job for Words<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (register, into) in self.into.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let words = pair(s, &Whose::new(s, self.drawn, register), self.at / 2);
            s.store_words(into, words[usize::from(self.at % 2 == 1)]);
        }
    }
}

/// A function of one number.
trait Of: Copy {
    fn of<S: Simd>(self, s: S, x: S::V) -> S::V;
}

#[derive(Clone, Copy)]
struct Exp;

#[derive(Clone, Copy)]
struct Ln;

impl Of for Exp {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::V) -> S::V {
        elementary::exp(s, x)
    }
}

impl Of for Ln {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, x: S::V) -> S::V {
        elementary::ln(s, x)
    }
}

struct Each<'a, F> {
    numbers: &'a mut [Across],
    of: F,
}

impl<F: Of> Job for Each<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for register in self.numbers.iter_mut().flat_map(|across| &mut across.0) {
            let x = s.load(register);
            s.store(register, self.of.of(s, x));
        }
    }
}

struct Correlated<'a> {
    triangle: &'a [f64],
    drifts: &'a [f64],
    normals: &'a [Across],
    scale: Option<&'a Across>,
    sums: &'a mut [Across],
}

impl Job for Correlated<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut begin = 0;
        for (i, (sums, &drift)) in self.sums.iter_mut().zip(self.drifts).enumerate() {
            let row = self.triangle.get(begin..begin + i + 1).unwrap_or_default();
            begin += i + 1;
            for (register, sum) in sums.0.iter_mut().enumerate() {
                let mut shock = s.splat(0.0);
                for (&factor, normal) in row.iter().zip(self.normals) {
                    shock = s.mul_add(s.splat(factor), s.load(&normal.0[register]), shock);
                }
                let scale = self.scale.map_or(s.splat(1.0), |scale| s.load(&scale.0[register]));
                let next = s.plus(s.load(sum), s.mul_add(scale, shock, s.splat(drift)));
                s.store(sum, next);
            }
        }
    }
}

struct Weighted<'a> {
    constant: f64,
    weights: &'a [f64],
    numbers: &'a [Across],
    into: &'a mut Across,
}

impl Job for Weighted<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (register, into) in self.into.0.iter_mut().enumerate() {
            let mut sum = s.splat(self.constant);
            for (&weight, number) in self.weights.iter().zip(self.numbers) {
                sum = s.mul_add(s.splat(weight), s.load(&number.0[register]), sum);
            }
            s.store(into, sum);
        }
    }
}

#[cfg(test)]
mod tests;
