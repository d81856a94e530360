//! One block of accounts in one tile of scenarios, in single precision ([`crate::single`] has the bound).
//!
//! A row is begun at its bound, so that its sign tells who is surely below; what has no sign and is beyond twice the bound is surely
//! clear. As whole numbers without sign, all rows of an account have one least: only where that is below twice the bound
//! is somebody not told, and asked of [`crate::block`].

use crate::block::MOST_MONEY;
use crate::lower::TermShape;
use crate::panel::{LANES, Panel, places};
use crate::simd::{Eight, Single};
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
    pub(crate) fn judge<E: Eight>(&self, e: E, corners: bool) -> Told {
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
        let mut counting = Counting { counts, untold: 0 };
        self.each(f, open, bounds, &mut counting);
        let (counts, untold) = (counting.counts, counting.untold);
        for (place, &bound) in bounds.iter().enumerate() {
            if untold >> place & 1 == 1 {
                self.uncount(place, bound, &mut counts[..self.registers::<F>() * F::LANES]);
            }
        }
        untold
    }

    /// Registers in which there are scenarios. Not known before, so that the compiler does not write them out one by one and run out of
    /// registers of its own.
    #[inline(always)]
    fn registers<F: Single>(&self) -> usize {
        self.tile.scenarios.len().div_ceil(F::LANES)
    }

    /// The rows of the accounts in the mask, two accounts together, whose coefficients stay in registers over the whole tile.
    #[inline(always)]
    fn each<F: Single, T: Take<F>>(&self, f: F, open: u8, bounds: &[f32; LANES], take: &mut T) {
        let (each, some) = places(open);
        let mut rest = &each[..some];
        while let Some((two, others)) = rest.split_first_chunk::<2>() {
            self.some::<F, T, 2>(f, two, bounds, take);
            rest = others;
        }
        if let &[one] = rest {
            self.some::<F, T, 1>(f, &[one], bounds, take);
        }
    }

    #[inline(always)]
    fn some<F: Single, T: Take<F>, const N: usize>(
        &self,
        f: F,
        each: &[usize; N],
        bounds: &[f32; LANES],
        take: &mut T,
    ) {
        let mut begin = [f.splat(0.0); N];
        for n in 0..N {
            begin[n] = f.splat(bounds[each[n] % LANES]);
        }
        let least = match self.lanes.len() {
            2 => self.fixed::<F, T, N, 2>(f, each, begin, take),
            3 => self.fixed::<F, T, N, 3>(f, each, begin, take),
            4 => self.fixed::<F, T, N, 4>(f, each, begin, take),
            5 => self.fixed::<F, T, N, 5>(f, each, begin, take),
            6 => self.fixed::<F, T, N, 6>(f, each, begin, take),
            _ => self.any::<F, T, N>(f, each, begin, take),
        };
        take.told(f, each, &least, bounds);
    }

    /// Rows of a width that the compiler knows; the least of each.
    #[inline(always)]
    fn fixed<F: Single, T: Take<F>, const N: usize, const WIDTH: usize>(
        &self,
        f: F,
        each: &[usize; N],
        begin: [F::F; N],
        take: &mut T,
    ) -> [F::C; N] {
        let mut least = [f.most(); N];
        let (Some(lanes), Some(terms)) =
            (self.lanes.first_chunk::<WIDTH>(), self.terms.first_chunk::<WIDTH>())
        else {
            return least;
        };
        let across: [&[f32; TILE]; WIDTH] = terms.map(|term| &self.tile.singles[term.node as usize].0);
        let mut c = [[f.splat(0.0); N]; WIDTH];
        for n in 0..N {
            for term in 0..WIDTH {
                c[term][n] = f.splat(lanes[term].0[each[n] % LANES]);
            }
        }
        for register in 0..self.registers::<F>() {
            let mut rows = begin;
            for term in 0..WIDTH {
                let value = f.across(across[term], register);
                for n in 0..N {
                    rows[n] = f.mul_add(c[term][n], value, rows[n]);
                }
            }
            take.rows(f, register, &rows, &mut least);
        }
        least
    }

    /// Rows of any width; the least of each.
    #[inline(always)]
    fn any<F: Single, T: Take<F>, const N: usize>(
        &self,
        f: F,
        each: &[usize; N],
        begin: [F::F; N],
        take: &mut T,
    ) -> [F::C; N] {
        let mut least = [f.most(); N];
        for register in 0..self.registers::<F>() {
            let mut rows = begin;
            for (lane, term) in self.lanes.iter().zip(self.terms) {
                let value = f.across(&self.tile.singles[term.node as usize].0, register);
                for n in 0..N {
                    rows[n] = f.mul_add(f.splat(lane.0[each[n] % LANES]), value, rows[n]);
                }
            }
            take.rows(f, register, &rows, &mut least);
        }
        least
    }

    /// Takes back what [`Quick::count`] counted of one account: the same operations in the same order.
    #[cold]
    fn uncount(&self, place: usize, bound: f32, counts: &mut [u32]) {
        for (scenario, count) in counts.iter_mut().enumerate() {
            let mut row = bound;
            for (lane, term) in self.lanes.iter().zip(self.terms) {
                row = lane.0[place].mul_add(self.tile.singles[term.node as usize].0[scenario], row);
            }
            *count -= row.to_bits() >> 31;
        }
    }

    /// In which scenarios of the tile an account is not surely clear (bits).
    #[inline(always)]
    pub(crate) fn where_near<F: Single>(&self, f: F, place: usize, bound: f32) -> u64 {
        let mut near = 0;
        for register in 0..TILE / F::LANES {
            let mut row = f.splat(bound);
            for (lane, term) in self.lanes.iter().zip(self.terms) {
                let value = f.across(&self.tile.singles[term.node as usize].0, register);
                row = f.mul_add(f.splat(lane.0[place]), value, row);
            }
            let clear = u64::from(f.above(row, f.splat(2.0 * bound)));
            near |= (clear ^ ((1 << F::LANES) - 1)) << (register * F::LANES);
        }
        near
    }

    /// The accounts of the mask that are not surely clear in some scenario of the tile.
    #[inline(always)]
    pub(crate) fn near<F: Single>(&self, f: F, open: u8, bounds: &[f32; LANES]) -> u8 {
        let mut near = Nearing(0);
        self.each(f, open, bounds, &mut near);
        near.0
    }
}

/// What is done with rows, register after register.
trait Take<F: Single> {
    fn rows<const N: usize>(&mut self, f: F, register: usize, rows: &[F::F; N], least: &mut [F::C; N]);
    fn told<const N: usize>(&mut self, f: F, each: &[usize; N], least: &[F::C; N], bounds: &[f32; LANES]);
}

struct Counting<'a> {
    counts: &'a mut [u32; TILE],
    untold: u8,
}

impl<F: Single> Take<F> for Counting<'_> {
    #[inline(always)]
    fn rows<const N: usize>(&mut self, f: F, register: usize, rows: &[F::F; N], least: &mut [F::C; N]) {
        let counts = &mut self.counts[register * F::LANES..][..F::LANES];
        let mut count = f.load_counts(counts);
        for n in 0..N {
            count = f.count_signs(count, rows[n]);
            least[n] = f.least(least[n], rows[n]);
        }
        f.store_counts(counts, count);
    }

    #[inline(always)]
    fn told<const N: usize>(&mut self, f: F, each: &[usize; N], least: &[F::C; N], bounds: &[f32; LANES]) {
        for n in 0..N {
            let place = each[n] % LANES;
            self.untold |= u8::from(f.some_below(least[n], 2.0 * bounds[place])) << place;
        }
    }
}

/// Whoever is not told, or has a sign: with signs turned, bits below those of what is as far on the other side.
struct Nearing(u8);

impl<F: Single> Take<F> for Nearing {
    #[inline(always)]
    fn rows<const N: usize>(&mut self, f: F, _: usize, rows: &[F::F; N], least: &mut [F::C; N]) {
        for n in 0..N {
            least[n] = f.least(least[n], f.neg(rows[n]));
        }
    }

    #[inline(always)]
    fn told<const N: usize>(&mut self, f: F, each: &[usize; N], least: &[F::C; N], bounds: &[f32; LANES]) {
        for n in 0..N {
            let place = each[n] % LANES;
            self.0 |= u8::from(f.some_below(least[n], -2.0 * bounds[place])) << place;
        }
    }
}
