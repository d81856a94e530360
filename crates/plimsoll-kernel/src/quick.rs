//! One block of accounts in one tile of scenarios, in single precision ([`crate::single`] has the bound).
//!
//! A row is begun at its bound, so that its sign tells who is surely below; what has no sign and is beyond twice the bound is surely
//! clear. As whole numbers without sign, all rows of an account have one least: only where that is below twice the bound
//! is somebody not told, and asked of [`crate::block`].

use crate::block::MOST_MONEY;
use crate::lower::TermShape;
use crate::panel::{LANES, Panel};
use crate::simd::Single;
use crate::single::{Bound, MOST_BOUND, Single as Lane};
use crate::worlds::{TILE, Tile};

/// A block in a tile.
pub(crate) struct Quick<'a> {
    pub(crate) terms: &'a [TermShape],
    pub(crate) lanes: &'a [Lane],
    pub(crate) bound: Bound,
    pub(crate) tile: &'a Tile,
    /// For each term the corner of the tile's box that is worst for its rows, the best, and the greatest.
    pub(crate) corner: &'a [[f32; 3]],
    /// Money below this fits the sums.
    pub(crate) fits: f32,
}

/// A block over all of its tile at once.
pub(crate) struct Told {
    /// T' at the greatest that the tile has.
    pub(crate) bounds: [f32; LANES],
    pub(crate) clear: u8,
    pub(crate) sunk: u8,
    /// The others are asked of the floats of 64 bits in everything.
    pub(crate) told: u8,
}

impl Panel<'_> {
    /// The corners of a tile.
    #[inline(always)]
    pub(crate) fn quick_corner(&self, tile: &Tile, into: &mut Vec<[f32; 3]>) {
        into.clear();
        into.extend(self.terms.iter().map(|term| {
            let [low, high] = tile.beside(term.node);
            let (worst, best) = if term.negative { (high, low) } else { (low, high) };
            [worst, best, high]
        }));
    }

    /// Money that surely fits the sums, in singles.
    pub(crate) fn fits(&self) -> f32 {
        (MOST_MONEY * (1.0 - 1.0 / 512.0) * self.unit) as f32
    }
}

impl Quick<'_> {
    /// Judges the box that the tile's nodes span; without `corners`, only what it needs of the greatest.
    #[inline(always)]
    pub(crate) fn judge<E: Single>(&self, e: E, corners: bool) -> Told {
        let zero = e.splat(0.0);
        let (mut worst, mut best, mut gross) = (zero, zero, zero);
        for (lane, &[at_worst, at_best, high]) in self.lanes.iter().zip(self.corner) {
            let c = e.load(&lane.0);
            gross = e.mul_add(e.abs(c), e.splat(high), gross);
            if corners {
                worst = e.mul_add(c, e.splat(at_worst), worst);
                best = e.mul_add(c, e.splat(at_best), best);
            }
        }
        let bound = e.mul_add(e.splat(self.bound.share), gross, e.splat(self.bound.least));
        let mut bounds = [0.0; LANES];
        e.store(&mut bounds, bound);
        let told = e.above(e.splat(self.fits), gross) & e.above(e.splat(MOST_BOUND), bound);
        let (clear, sunk) =
            if corners { (e.above(worst, bound), e.above(e.neg(bound), best)) } else { (0, 0) };
        Told { bounds, clear: clear as u8, sunk: sunk as u8, told: told as u8 }
    }

    /// Counts the accounts in the mask that are surely below, scenario by scenario; gives those that are not told in some
    /// scenario, of which nothing is counted.
    #[inline(always)]
    pub(crate) fn count<F: Single>(
        &self,
        f: F,
        open: u8,
        bounds: &[f32; LANES],
        counts: &mut [u32; TILE],
    ) -> u8 {
        let (each, some) = places(open);
        let mut rest = &each[..some];
        let mut untold = 0;
        while let Some((four, others)) = rest.split_first_chunk::<4>() {
            untold |= self.together::<F, 4>(f, four, bounds, counts);
            rest = others;
        }
        if let Some((two, others)) = rest.split_first_chunk::<2>() {
            untold |= self.together::<F, 2>(f, two, bounds, counts);
            rest = others;
        }
        if let &[one] = rest {
            untold |= self.together::<F, 1>(f, &[one], bounds, counts);
        }
        for &place in &each[..some] {
            if untold >> place & 1 == 1 {
                self.uncount(place, bounds[place], counts);
            }
        }
        untold
    }

    /// Some accounts together, two registers side by side: one load of a node's values serves all.
    #[inline(always)]
    fn together<F: Single, const N: usize>(
        &self,
        f: F,
        each: &[usize; N],
        bounds: &[f32; LANES],
        counts: &mut [u32; TILE],
    ) -> u8 {
        const SIDE: usize = 2;
        let begin: [F::F; N] = each.map(|place| f.splat(bounds[place % LANES]));
        let mut least = [f.most(); N];
        for (pair, counts) in counts.chunks_exact_mut(SIDE * F::LANES).enumerate() {
            let mut rows = [begin; SIDE];
            for (lane, term) in self.lanes.iter().zip(self.terms) {
                let across = &self.tile.singles[term.node as usize].0[pair * SIDE * F::LANES..];
                let c: [F::F; N] = each.map(|place| f.splat(lane.0[place % LANES]));
                for (k, rows) in rows.iter_mut().enumerate() {
                    let value = f.load(&across[k * F::LANES..]);
                    for (row, c) in rows.iter_mut().zip(c) {
                        *row = f.mul_add(c, value, *row);
                    }
                }
            }
            for (rows, counts) in rows.into_iter().zip(counts.chunks_exact_mut(F::LANES)) {
                let mut count = f.load_counts(counts);
                for (row, least) in rows.into_iter().zip(&mut least) {
                    count = f.count_signs(count, row);
                    *least = f.least(*least, row);
                }
                f.store_counts(counts, count);
            }
        }
        let mut untold = 0;
        for (least, place) in least.into_iter().zip(each) {
            let place = place % LANES;
            untold |= u8::from(f.some_below(least, 2.0 * bounds[place])) << place;
        }
        untold
    }

    /// Takes back what [`Quick::count`] counted of one account: the same operations in the same order.
    #[cold]
    fn uncount(&self, place: usize, bound: f32, counts: &mut [u32; TILE]) {
        for (scenario, count) in counts.iter_mut().enumerate() {
            let row = self.row(place, bound, scenario);
            *count -= row.to_bits() >> 31;
        }
    }

    fn row(&self, place: usize, bound: f32, scenario: usize) -> f32 {
        let terms = self.lanes.iter().zip(self.terms);
        terms.fold(bound, |row, (lane, term)| {
            lane.0[place].mul_add(self.tile.singles[term.node as usize].0[scenario], row)
        })
    }

    /// In which scenarios of the tile each account of the mask is not surely clear (bits).
    #[inline(always)]
    pub(crate) fn near<F: Single>(&self, f: F, open: u8, bounds: &[f32; LANES]) -> [u64; LANES] {
        let mut near = [0; LANES];
        let (each, some) = places(open);
        let mut rest = &each[..some];
        while let Some((two, others)) = rest.split_first_chunk::<2>() {
            self.clear::<F, 2>(f, two, bounds, &mut near);
            rest = others;
        }
        if let &[one] = rest {
            self.clear::<F, 1>(f, &[one], bounds, &mut near);
        }
        near
    }

    #[inline(always)]
    fn clear<F: Single, const N: usize>(
        &self,
        f: F,
        each: &[usize; N],
        bounds: &[f32; LANES],
        near: &mut [u64; LANES],
    ) {
        const SIDE: usize = 4;
        for side in (0..TILE / F::LANES).step_by(SIDE) {
            let mut rows = [[f.splat(0.0); N]; SIDE];
            for (lane, term) in self.lanes.iter().zip(self.terms) {
                let across = &self.tile.singles[term.node as usize].0[side * F::LANES..];
                let c: [F::F; N] = each.map(|place| f.splat(lane.0[place % LANES]));
                for (k, rows) in rows.iter_mut().enumerate() {
                    let value = f.load(&across[k * F::LANES..]);
                    for (row, c) in rows.iter_mut().zip(c) {
                        *row = f.mul_add(c, value, *row);
                    }
                }
            }
            for (k, rows) in rows.into_iter().enumerate() {
                for (row, &place) in rows.into_iter().zip(each) {
                    let clear = u64::from(f.above(row, f.splat(bounds[place % LANES])));
                    let lanes = (1_u64 << F::LANES) - 1;
                    near[place % LANES] |= (clear ^ lanes) << ((side + k) * F::LANES);
                }
            }
        }
    }
}

/// The places of a mask, and how many there are.
#[inline(always)]
fn places(mask: u8) -> ([usize; LANES], usize) {
    let (mut each, mut some) = ([0, 1, 2, 3, 4, 5, 6, 7], LANES);
    if mask != u8::MAX {
        some = 0;
        for lane in 0..LANES {
            each[some] = lane;
            some += usize::from(mask >> lane & 1 == 1);
        }
    }
    (each, some)
}
