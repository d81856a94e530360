//! One block of accounts in one tile of scenarios.

use crate::lower::{Begins, LEAST_SLACK, RAISE, TermShape};
use crate::panel::{LANES, Lane, Panel};
use crate::rows::Rows;
use crate::simd::Simd;
use crate::sweep::Sums;
use crate::worlds::{Tile, WIDTH};

/// Money of one account beyond this (quanta) is left to integers.
pub(crate) const MOST_MONEY: f64 = 4_503_599_627_370_496.0;

/// A panel in a tile: the corner of its box that is worst for its rows, the best, and the greatest.
pub(crate) struct Corner {
    worst: Vec<f64>,
    best: Vec<f64>,
    high: Vec<f64>,
    pub(crate) kappa: f64,
}

impl Panel<'_> {
    /// `None` where a node is unknown in some scenario of the tile.
    pub(crate) fn corner(&self, tile: &Tile) -> Option<Corner> {
        let known =
            |node: u32| tile.known.get(node as usize).copied().unwrap_or(false).then_some(node as usize);
        let mut kappa = LEAST_SLACK;
        for &(node, slack) in self.absolute {
            kappa += slack * tile.high[known(node)?];
        }
        let width = self.terms.len();
        let mut corner = Corner {
            worst: Vec::with_capacity(width),
            best: Vec::with_capacity(width),
            high: Vec::with_capacity(width),
            kappa: kappa * RAISE,
        };
        let mut in_hinge = false;
        for term in self.terms {
            match term.begins {
                Begins::Row => in_hinge = false,
                Begins::Hinge => in_hinge = true,
                Begins::Nothing => {}
            }
            let node = if term.idle { term.node as usize } else { known(term.node)? };
            let (low, high) = (tile.low[node], tile.high[node]);
            // A hinge takes away, so its worst is where it is greatest.
            let (worst, best) = if term.negative == in_hinge { (low, high) } else { (high, low) };
            corner.worst.push(worst);
            corner.best.push(best);
            corner.high.push(high);
        }
        Some(corner)
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

/// Registers that are computed side by side.
const SIDE: usize = 2;

impl Block<'_> {
    /// Judges the box that the tile's nodes span.
    #[inline(always)]
    pub(crate) fn judge<S: Simd>(&self, s: S, corner: &Corner) -> Judged {
        let zero = s.splat(0.0);
        let (worst, best, gross) = if self.plain {
            let (mut worst, mut best, mut gross) = (zero, zero, zero);
            for (term, lane) in self.coefficients.iter().enumerate() {
                let c = s.load(&lane.0);
                worst = s.mul_add(c, s.splat(corner.worst[term]), worst);
                best = s.mul_add(c, s.splat(corner.best[term]), best);
                gross = s.mul_add(s.abs(c), s.splat(corner.high[term]), gross);
            }
            (worst, best, gross)
        } else {
            let rows = |values: &[f64]| {
                let mut rows = Rows::new(s);
                for ((lane, &value), term) in self.coefficients.iter().zip(values).zip(self.terms) {
                    rows.term(s, term.begins, s.load(&lane.0), s.splat(value));
                }
                rows
            };
            (rows(&corner.worst).lowest(s), rows(&corner.best).lowest(s), rows(&corner.high).gross)
        };
        let bound = s.mul_add(s.splat(self.relative), gross, s.splat(corner.kappa));
        let most = s.splat(MOST_MONEY);
        let mut small = s.below(gross, most);
        if self.money {
            let mut worth = zero;
            for (lane, &high) in self.worth.iter().zip(&corner.high) {
                worth = s.mul_add(s.abs(s.load(&lane.0)), s.splat(high), worth);
            }
            small &= s.below(worth, most);
        }
        let mut bounds = [0.0; LANES];
        s.store(&mut bounds, bound);
        Judged { bounds, clear: s.at_least(worst, bound), sunk: s.below(best, s.sub(zero, bound)), small }
    }

    /// The accounts in the mask, scenario by scenario: counts and sums those below, and tells which accounts are undecided in
    /// some scenario.
    #[inline(always)]
    pub(crate) fn compute<S: Simd>(&self, s: S, open: u8, bounds: &[f64; LANES], sums: &mut Sums) -> u8 {
        let (mut each, mut some) = ([0_usize; LANES], 0);
        for lane in 0..LANES {
            if open >> lane & 1 == 1 {
                each[some] = lane;
                some += 1;
            }
        }
        let mut undecided = 0;
        if self.plain {
            let (fours, rest) = each[..some].as_chunks::<4>();
            for four in fours {
                undecided |= self.plain(s, four, bounds, sums);
            }
            for one in rest {
                undecided |= self.plain(s, &[*one], bounds, sums);
            }
        } else {
            for &place in &each[..some] {
                for register in 0..WIDTH {
                    let row = self.lowest(s, place, register);
                    undecided |= self.take(s, row, bounds, place, register, sums);
                }
            }
        }
        undecided
    }

    /// Plain rows of some accounts together: one load of a node's values serves all.
    #[inline(always)]
    fn plain<S: Simd, const N: usize>(
        &self,
        s: S,
        each: &[usize; N],
        bounds: &[f64; LANES],
        sums: &mut Sums,
    ) -> u8 {
        let mut undecided = 0;
        for side in (0..WIDTH).step_by(SIDE) {
            let mut rows = [[s.splat(0.0); SIDE]; N];
            for (lane, term) in self.coefficients.iter().zip(self.terms) {
                let across = &self.tile.values[term.node as usize].0;
                let values: [S::V; SIDE] = std::array::from_fn(|k| s.load(&across[side + k]));
                for (rows, &place) in rows.iter_mut().zip(each) {
                    let c = s.splat(lane.0[place]);
                    for (row, value) in rows.iter_mut().zip(values) {
                        *row = s.mul_add(c, value, *row);
                    }
                }
            }
            for (rows, &place) in rows.iter().zip(each) {
                for (k, &row) in rows.iter().enumerate() {
                    undecided |= self.take(s, row, bounds, place, side + k, sums);
                }
            }
        }
        undecided
    }

    #[inline(always)]
    fn lowest<S: Simd>(&self, s: S, place: usize, register: usize) -> S::V {
        let mut rows = Rows::new(s);
        for (lane, term) in self.coefficients.iter().zip(self.terms) {
            let value = s.load(&self.tile.values[term.node as usize].0[register]);
            rows.term(s, term.begins, s.splat(lane.0[place]), value);
        }
        rows.lowest(s)
    }

    /// Counts and sums who is below; the account's bit where some scenario is undecided.
    #[inline(always)]
    fn take<S: Simd>(
        &self,
        s: S,
        row: S::V,
        bounds: &[f64; LANES],
        place: usize,
        register: usize,
        sums: &mut Sums,
    ) -> u8 {
        let bound = bounds[place];
        let below = s.below(row, s.splat(-bound));
        if below != 0 {
            s.count(&mut sums.counts[register], below);
            if self.money {
                self.sum(s, below, row, place, register, sums);
            }
        }
        let open = !below & !s.at_least(row, s.splat(bound));
        u8::from(open != 0) << place
    }

    #[inline(always)]
    fn sum<S: Simd>(&self, s: S, below: u8, row: S::V, place: usize, register: usize, sums: &mut Sums) {
        let zero = s.splat(0.0);
        let (mut collateral, mut debt) = (zero, zero);
        for (lane, term) in self.worth.iter().zip(self.terms) {
            let value = s.load(&self.tile.values[term.node as usize].0[register]);
            let sum = if term.debt { &mut debt } else { &mut collateral };
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
                let open = !s.below(row, s.splat(-bound)) & !s.at_least(row, s.splat(bound));
                let open = scenarios.iter().enumerate().filter(|(lane, _)| open >> lane & 1 == 1);
                into.extend(open.map(|(_, &scenario)| (scenario, account)));
            }
        }
    }
}
