//! One world, in single precision: all blocks of a run, one after the other, whoever's panel they are of.

use crate::panel::{LANES, Packed, Run};
use crate::screen::Marks;
use crate::simd::Single;
use crate::single::{Bound, Single as Lane};
use crate::world::World;

/// A pass over one run.
struct Pass<'a> {
    lanes: &'a [Lane],
    nodes: &'a [u16],
    bounds: &'a [Bound],
    accounts: &'a [[u32; LANES]],
    first: usize,
    /// Every node of the world.
    values: &'a [f32],
}

impl Packed {
    /// Marks who is surely below the line, and gives the blocks in which somebody is not told, in order.
    #[inline(always)]
    pub(crate) fn filter<E: Single>(&self, e: E, world: &World, below: &mut Marks) -> Vec<u32> {
        let nodes = (0..).take(self.reference.len());
        let values: Vec<f32> = nodes.map(|node| self.reference.value(node, world.proving(node))).collect();
        let mut open = Vec::new();
        for run in &self.runs {
            let pass = self.pass(run, &values);
            match run.width {
                1 => pass.fixed::<E, 1>(e, below, &mut open),
                2 => pass.fixed::<E, 2>(e, below, &mut open),
                3 => pass.fixed::<E, 3>(e, below, &mut open),
                4 => pass.fixed::<E, 4>(e, below, &mut open),
                5 => pass.fixed::<E, 5>(e, below, &mut open),
                6 => pass.fixed::<E, 6>(e, below, &mut open),
                width => {
                    let lanes = pass.lanes.chunks_exact(width).zip(pass.nodes.chunks_exact(width));
                    pass.blocks(e, lanes, below, &mut open);
                }
            }
        }
        open
    }

    fn pass<'a>(&'a self, run: &Run, values: &'a [f32]) -> Pass<'a> {
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
    fn fixed<E: Single, const WIDTH: usize>(&self, e: E, below: &mut Marks, open: &mut Vec<u32>) {
        let (lanes, nodes) = (self.lanes.as_chunks::<WIDTH>().0, self.nodes.as_chunks::<WIDTH>().0);
        let blocks = lanes.iter().zip(nodes).map(|(lanes, nodes)| (lanes.as_slice(), nodes.as_slice()));
        self.blocks(e, blocks, below, open);
    }

    #[inline(always)]
    fn blocks<'b, E: Single>(
        &self,
        e: E,
        blocks: impl Iterator<Item = (&'b [Lane], &'b [u16])>,
        below: &mut Marks,
        open: &mut Vec<u32>,
    ) {
        for (at, ((lanes, nodes), bound)) in blocks.zip(self.bounds).enumerate() {
            let (mut row, mut gross) = (e.splat(0.0), e.splat(0.0));
            for (lane, &node) in lanes.iter().zip(nodes) {
                let value = e.splat(self.values.get(usize::from(node)).copied().unwrap_or(f32::NAN));
                let c = e.load(&lane.0);
                row = e.mul_add(c, value, row);
                gross = e.mul_add(e.abs(c), value, gross);
            }
            let bound = e.mul_add(e.splat(bound.share), gross, e.splat(bound.least));
            if e.above(row, bound) != 0xff {
                let sunk = e.above(e.neg(bound), row);
                if sunk | e.above(row, bound) == 0xff {
                    below.mark(&self.accounts[at], sunk as u8);
                } else {
                    open.push((self.first + at) as u32);
                }
            }
        }
    }
}
