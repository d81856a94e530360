//! One world, in single precision: all blocks of a run, one after the other, whoever's panel they are of.

use crate::panel::{LANES, Packed, Run};
use crate::screen::Marks;
use crate::simd::Eight;
use crate::single::{Bound, Single as Lane};
use crate::world::World;

/// The world's nodes; what the book does not have is never looked up.
type Table = [f32; 1 << 16];

/// A pass over one run.
struct Pass<'a> {
    lanes: &'a [Lane],
    nodes: &'a [u16],
    bounds: &'a [Bound],
    accounts: &'a [[u32; LANES]],
    first: usize,
    /// Every node that there may be: no place is beyond.
    values: &'a Table,
}

impl Packed {
    /// Marks who is surely below the line, and gives the blocks in which somebody is not told, in order.
    #[inline(always)]
    pub(crate) fn filter<E: Eight>(&self, e: E, world: &World, below: &mut Marks) -> Vec<u32> {
        // Fresh memory is zero, and only pages that are written to are held.
        let mut values = vec![0.0; 1 << 16];
        for (node, value) in (0..).zip(&mut values).take(self.reference.len()) {
            *value = self.reference.value(node, world.proving(node));
        }
        let mut open = Vec::new();
        let Some(values) = values.first_chunk() else { return open };
        for run in &self.runs {
            let pass = self.pass(run, values);
            match run.width {
                1 => pass.fixed::<E, 1>(e, below, &mut open),
                2 => pass.fixed::<E, 2>(e, below, &mut open),
                3 => pass.fixed::<E, 3>(e, below, &mut open),
                4 => pass.fixed::<E, 4>(e, below, &mut open),
                5 => pass.fixed::<E, 5>(e, below, &mut open),
                6 => pass.fixed::<E, 6>(e, below, &mut open),
                width => {
                    let lanes = pass.lanes.chunks_exact(width).zip(pass.nodes.chunks_exact(width));
                    for (at, (lanes, nodes)) in lanes.enumerate() {
                        let mut sums = [e.splat(0.0); 2];
                        for (lane, &node) in lanes.iter().zip(nodes) {
                            sums = pass.term(e, sums, lane, node);
                        }
                        pass.tell(e, at, sums, below, &mut open);
                    }
                }
            }
        }
        open
    }

    fn pass<'a>(&'a self, run: &Run, values: &'a Table) -> Pass<'a> {
        let lanes = run.blocks * run.width;
        Pass {
            lanes: &self.singles[run.offset..run.offset + lanes],
            nodes: &self.nodes[run.nodes..run.nodes + lanes],
            bounds: &self.bounds[run.first..run.first + run.blocks],
            accounts: &self.accounts[run.first..run.first + run.blocks],
            first: run.first,
            values,
        }
    }
}

impl Pass<'_> {
    /// Rows of a width that the compiler knows.
    #[inline(always)]
    fn fixed<E: Eight, const WIDTH: usize>(&self, e: E, below: &mut Marks, open: &mut Vec<u32>) {
        let (lanes, nodes) = (self.lanes.as_chunks::<WIDTH>().0, self.nodes.as_chunks::<WIDTH>().0);
        for (at, (lanes, nodes)) in lanes.iter().zip(nodes).enumerate() {
            let mut sums = [e.splat(0.0); 2];
            for term in 0..WIDTH {
                sums = self.term(e, sums, &lanes[term], nodes[term]);
            }
            self.tell(e, at, sums, below, open);
        }
    }

    /// Adds a term to the row and to the sum of absolute terms.
    #[inline(always)]
    fn term<E: Eight>(&self, e: E, [row, gross]: [E::F; 2], lane: &Lane, node: u16) -> [E::F; 2] {
        let (c, value) = (e.load(&lane.0), e.splat(self.values[usize::from(node)]));
        [e.mul_add(c, value, row), e.mul_add(e.abs(c), value, gross)]
    }

    /// Puts a block where it belongs.
    #[inline(always)]
    fn tell<E: Eight>(
        &self,
        e: E,
        at: usize,
        [row, gross]: [E::F; 2],
        below: &mut Marks,
        open: &mut Vec<u32>,
    ) {
        let bound = self.bounds[at];
        let bound = e.mul_add(e.splat(bound.share), gross, e.splat(bound.least));
        let clear = e.above(row, bound);
        if clear != 0xff {
            let sunk = e.above(e.neg(bound), row);
            if sunk | clear == 0xff {
                below.mark(&self.accounts[at], sunk as u8);
            } else {
                open.push((self.first + at) as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::packing::Packing;
    use crate::panel::{MarketRows, Packed};
    use crate::samples::{account, world};
    use crate::screen::Marks;
    use crate::simd::{Job, Path, Simd};
    use crate::world::World;
    use plimsoll_core::Form;

    struct Filter<'a>(&'a Packed, &'a World);

    impl Job for Filter<'_> {
        /// Who is surely below, and how many blocks are open; nothing on a path without singles.
        type Output = Option<(Vec<u32>, usize)>;

        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Self::Output {
            let mut below = Marks::new(self.0.len());
            let (eight, _) = s.singles()?;
            let open = self.0.filter(eight, self.1, &mut below);
            Some((below.list(), open.len()))
        }
    }

    /// Singles are there to tell nearly everybody: who is a millionth from the line is told, and who is a thousand-millionth is not.
    #[test]
    fn singles_tell_whoever_is_a_millionth_away() {
        const SIZE: i128 = 1 << 50;
        let account = |off: i128| account(SIZE, 2 * SIZE - off, 0);
        let world = world();
        let rows = MarketRows::screened(0, 1, Form::default().valid.epoch);
        let told = |offs: &[i128]| {
            let mut packing = Packing::default();
            for &off in offs {
                packing.push(&account(off), &rows).expect("few");
            }
            let packed = packing.finish(&world);
            Path::ALL.into_iter().filter_map(|path| path.run(Filter(&packed, &world))).collect::<Vec<_>>()
        };
        let away = SIZE / 400_000; // of both sides together, more than a millionth is half of this
        for (below, open) in told(&[away, -away, 4 * away, -away, SIZE]) {
            assert_eq!((below.as_slice(), open), (&[1, 3][..], 0));
        }
        for (below, open) in told(&[SIZE / 1_000_000_000, -away, SIZE]) {
            assert_eq!((below.len(), open), (0, 1));
        }
    }
}
