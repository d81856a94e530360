//! One block of accounts in one tile of scenarios.

use crate::lower::{LEAST_SLACK, RAISE, TermShape};
use crate::panel::{LANES, Lane, Panel, places};
use crate::rows::Rows;
use crate::simd::Simd;
use crate::sweep::Sums;
use crate::worlds::{Tile, WIDTH};

/// Money of one account beyond this (quanta) is left to integers.
pub(crate) const MOST_MONEY: f64 = 4_503_599_627_370_496.0;

/// A panel in a tile: for each term the corner of its box that is worst for its rows, the best, and the greatest.
#[derive(Clone, Copy)]
pub(crate) struct Corner<'c> {
    pub(crate) numbers: &'c [[f64; 3]],
    /// The panel's own slack at the greatest. Not a number where a node is unknown in some scenario of the tile: then
    /// nobody of the panel is decided in any of it.
    pub(crate) kappa: f64,
}

impl Panel<'_> {
    /// Appends the corners of a tile; gives `kappa`.
    #[inline(always)]
    pub(crate) fn corner(&self, tile: &Tile, into: &mut Vec<[f64; 3]>) -> f64 {
        let mut in_hinge = false;
        for term in self.terms {
            in_hinge = term.begins.in_hinge(in_hinge);
            // An idle term moves no row, and an unknown node beside it is worth nothing: but its worth must fit the sums.
            let [low, high] = if term.idle { [0.0, tile.greatest(term.node)] } else { tile.range(term.node) };
            // A hinge takes away, so its worst is where it is greatest.
            let (worst, best) = if term.negative == in_hinge { (low, high) } else { (high, low) };
            into.push([worst, best, high]);
        }
        self.kappa_over(tile)
    }

    /// The panel's own slack at the greatest that a tile has (quanta).
    #[inline(always)]
    pub(crate) fn kappa_over(&self, tile: &Tile) -> f64 {
        let slack = |sum, &(node, slack): &(u32, f64)| sum + slack * tile.range(node)[1];
        self.absolute.iter().fold(LEAST_SLACK, slack) * RAISE
    }
}

/// A block in a tile.
pub(crate) struct Block<'a> {
    pub(crate) terms: &'a [TermShape],
    pub(crate) plain: bool,
    pub(crate) coefficients: &'a [Lane],
    pub(crate) worth: &'a [Lane],
    pub(crate) relative: f64,
    pub(crate) tile: &'a Tile,
    pub(crate) money: bool,
}

/// A block over all of its tile at once: bounds of its eight accounts, and who is what in every scenario (masks).
pub(crate) struct Judged {
    /// T, at the greatest that the tile has.
    pub(crate) bounds: [f64; LANES],
    pub(crate) clear: u8,
    pub(crate) sunk: u8,
    /// Its money fits the sums.
    pub(crate) small: u8,
}

impl Block<'_> {
    /// Judges the box that the tile's nodes span.
    #[inline(always)]
    pub(crate) fn judge<S: Simd>(&self, s: S, corner: Corner<'_>) -> Judged {
        let zero = s.splat(0.0);
        let (worst, best, gross) = if self.plain {
            let (mut worst, mut best, mut gross) = (zero, zero, zero);
            for (lane, &[at_worst, at_best, high]) in self.coefficients.iter().zip(corner.numbers) {
                let c = s.load(&lane.0);
                worst = s.mul_add(c, s.splat(at_worst), worst);
                best = s.mul_add(c, s.splat(at_best), best);
                gross = s.mul_add(s.abs(c), s.splat(high), gross);
            }
            (worst, best, gross)
        } else {
            (self.at(s, corner, 0).lowest(s), self.at(s, corner, 1).lowest(s), self.at(s, corner, 2).gross)
        };
        let bound = s.mul_add(s.splat(self.relative), gross, s.splat(corner.kappa));
        let most = s.splat(MOST_MONEY);
        let mut small = s.below(gross, most);
        if self.money {
            let mut worth = zero;
            for (lane, &[_, _, high]) in self.worth.iter().zip(corner.numbers) {
                worth = s.mul_add(s.abs(s.load(&lane.0)), s.splat(high), worth);
            }
            small &= s.below(worth, most);
        }
        let mut bounds = [0.0; LANES];
        s.store(&mut bounds, bound);
        Judged { bounds, clear: s.above(worst, bound), sunk: s.below(best, s.sub(zero, bound)), small }
    }

    /// All rows at one of the three corners.
    #[inline(always)]
    fn at<S: Simd>(&self, s: S, corner: Corner<'_>, which: usize) -> Rows<S::V> {
        let mut rows = Rows::new(s);
        for ((lane, values), term) in self.coefficients.iter().zip(corner.numbers).zip(self.terms) {
            rows.term(s, term.begins, s.load(&lane.0), s.splat(values[which]));
        }
        rows
    }

    /// The accounts in the mask, scenario by scenario: counts and sums those below, and tells which accounts are undecided in
    /// some scenario.
    #[inline(always)]
    pub(crate) fn compute<S: Simd>(&self, s: S, open: u8, bounds: &[f64; LANES], sums: &mut Sums) -> u8 {
        let (each, some) = places(open);
        let mut undecided = 0;
        let mut rest = &each[..some];
        if self.plain && S::MANY {
            while let Some((four, others)) = rest.split_first_chunk::<4>() {
                undecided |= self.together::<S, 4, 4>(s, four, bounds, sums);
                rest = others;
            }
        }
        if self.plain {
            while let Some((two, others)) = rest.split_first_chunk::<2>() {
                undecided |= self.together::<S, 2, 2>(s, two, bounds, sums);
                rest = others;
            }
            if let &[one] = rest {
                undecided |= self.together::<S, 1, 4>(s, &[one], bounds, sums);
            }
        } else {
            for &place in rest {
                for register in 0..WIDTH {
                    let row = self.lowest(s, place, register);
                    undecided |= self.take(s, [row], &[place], bounds, register, sums);
                }
            }
        }
        undecided
    }

    /// Plain rows of some accounts together, so many registers side by side: one load of a node's values serves all.
    #[inline(always)]
    fn together<S: Simd, const N: usize, const SIDE: usize>(
        &self,
        s: S,
        each: &[usize; N],
        bounds: &[f64; LANES],
        sums: &mut Sums,
    ) -> u8 {
        let mut undecided = 0;
        for side in (0..WIDTH).step_by(SIDE) {
            let mut rows = [[s.splat(0.0); N]; SIDE];
            for (lane, term) in self.coefficients.iter().zip(self.terms) {
                let across = &self.tile.values[term.node as usize].0;
                let c: [S::V; N] = std::array::from_fn(|n| s.splat(lane.0[each[n] % LANES]));
                for (k, rows) in rows.iter_mut().enumerate() {
                    let value = s.load(&across[side + k]);
                    for (row, c) in rows.iter_mut().zip(c) {
                        *row = s.mul_add(c, value, *row);
                    }
                }
            }
            for (k, rows) in rows.into_iter().enumerate() {
                undecided |= self.take(s, rows, each, bounds, side + k, sums);
            }
        }
        undecided
    }

    /// One account in the scenarios of the mask's registers; tells whether it is undecided in some.
    #[inline(always)]
    pub(crate) fn compute_near<S: Simd>(
        &self,
        s: S,
        place: usize,
        near: u64,
        bounds: &[f64; LANES],
        sums: &mut Sums,
    ) -> u8 {
        let mut undecided = 0;
        for register in 0..WIDTH {
            if near >> (register * LANES) & 0xff != 0 {
                let row = self.lowest(s, place, register);
                undecided |= self.take(s, [row], &[place], bounds, register, sums);
            }
        }
        undecided
    }

    #[inline(always)]
    fn lowest<S: Simd>(&self, s: S, place: usize, register: usize) -> S::V {
        if self.plain {
            let mut row = s.splat(0.0);
            for (lane, term) in self.coefficients.iter().zip(self.terms) {
                let value = s.load(&self.tile.values[term.node as usize].0[register]);
                row = s.mul_add(s.splat(lane.0[place]), value, row);
            }
            return row;
        }
        let mut rows = Rows::new(s);
        for (lane, term) in self.coefficients.iter().zip(self.terms) {
            let value = s.load(&self.tile.values[term.node as usize].0[register]);
            rows.term(s, term.begins, s.splat(lane.0[place]), value);
        }
        rows.lowest(s)
    }

    /// Counts and sums who is below; gives the bits of accounts that are undecided in some scenario of the register.
    #[inline(always)]
    fn take<S: Simd, const N: usize>(
        &self,
        s: S,
        rows: [S::V; N],
        each: &[usize; N],
        bounds: &[f64; LANES],
        register: usize,
        sums: &mut Sums,
    ) -> u8 {
        let mut counts = s.load_counts(&sums.counts[register]);
        let (mut undecided, mut below) = (0, 0);
        for (row, place) in rows.into_iter().zip(each) {
            let bound = bounds[*place];
            counts = s.count_below(counts, row, s.splat(-bound));
            // Below the negative bound or above the bound; what is not a number is neither.
            undecided |= !s.above(s.abs(row), s.splat(bound));
            if self.money {
                below |= s.below(row, s.splat(-bound));
            }
        }
        s.store_counts(&mut sums.counts[register], counts);
        if self.money && below != 0 {
            for (row, place) in rows.into_iter().zip(each) {
                let below = s.below(row, s.splat(-bounds[*place]));
                if below != 0 {
                    self.sum(s, below, row, *place, register, sums);
                }
            }
        }
        // Which of them it is, is asked seldom.
        if undecided == 0 { 0 } else { each.iter().fold(0, |mask, place| mask | 1 << place) }
    }

    #[inline(always)]
    fn sum<S: Simd>(&self, s: S, below: u8, row: S::V, place: usize, register: usize, sums: &mut Sums) {
        let zero = s.splat(0.0);
        let (mut collateral, mut debt) = (zero, zero);
        for (lane, term) in self.worth.iter().zip(self.terms) {
            let value = s.load(&self.tile.values[term.node as usize].0[register]);
            let sum = if term.owed { &mut debt } else { &mut collateral };
            *sum = s.mul_add(s.splat(lane.0[place]), value, *sum);
        }
        let uncovered = s.or_zero(s.sub(debt, collateral));
        for (sums, money) in sums.money.iter_mut().zip([s.sub(zero, row), collateral, debt, uncovered]) {
            s.add(&mut sums[register], below, money);
        }
    }

    /// Lists the undecided scenarios of the accounts in the mask.
    #[inline(always)]
    pub(crate) fn list<S: Simd>(
        &self,
        s: S,
        accounts: &[u32; LANES],
        mask: u8,
        bounds: &[f64; LANES],
        into: &mut Vec<(u32, u32)>,
    ) {
        for (place, &account) in accounts.iter().enumerate().filter(|(place, _)| mask >> place & 1 == 1) {
            for (register, scenarios) in self.tile.scenarios.chunks(LANES).enumerate() {
                let (row, bound) = (self.lowest(s, place, register), bounds[place]);
                let open = !s.above(s.abs(row), s.splat(bound));
                let open = scenarios.iter().enumerate().filter(|(lane, _)| open >> lane & 1 == 1);
                into.extend(open.map(|(_, &scenario)| (scenario, account)));
            }
        }
    }
}
