//! One world: who is surely below the line, and whom only integers can decide.

use crate::panel::{LANES, NOBODY, Packed, Panel};
use crate::rows::Rows;
use crate::simd::{Job, Path, Simd};
use crate::world::World;
use std::iter::once;
use std::ops::Range;

/// What the screen says of a book in one world. Who stands in no list is clear: not unhealthy, or without debt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screened {
    /// Below the line by more than anything that is rounded: unhealthy. In account order.
    pub below: Vec<u32>,
    /// Too near to tell, without a proven row, or in need of a node that is unknown. In account order.
    pub undecided: Vec<u32>,
}

impl Packed {
    /// Screens every account in one world.
    #[must_use]
    pub fn screen(&self, world: &World, path: Path) -> Screened {
        let (below, mut undecided) = path.run(OneWorld { packed: self, world });
        undecided.extend(&self.opaque);
        undecided.sort_unstable();
        Screened { below: below.list(), undecided }
    }
}

/// Accounts, each marked or not: in order without sorting.
pub(crate) struct Marks(Vec<u64>);

impl Marks {
    pub(crate) fn new(accounts: usize) -> Marks {
        Marks(vec![0; accounts.div_ceil(64)])
    }

    fn one(&mut self, account: u32) {
        self.0[account as usize / 64] |= 1 << (account % 64);
    }

    /// Marks those accounts of a block that stand in the mask.
    #[inline(never)]
    pub(crate) fn mark(&mut self, accounts: &[u32; LANES], mask: u8) {
        for (lane, &account) in accounts.iter().enumerate() {
            if mask >> lane & 1 == 1 && account != NOBODY {
                self.one(account);
            }
        }
    }

    pub(crate) fn list(&self) -> Vec<u32> {
        let mut list = Vec::with_capacity(self.0.iter().map(|word| word.count_ones() as usize).sum());
        for (first, &word) in (0..).step_by(64).zip(&self.0) {
            let mut rest = word;
            while rest != 0 {
                list.push(first + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        list
    }
}

/// A pass over all panels.
struct OneWorld<'a> {
    packed: &'a Packed,
    world: &'a World,
}

impl Job for OneWorld<'_> {
    type Output = (Marks, Vec<u32>);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let OneWorld { packed, world } = self;
        let mut found = Found { packed, world, below: Marks::new(packed.len()), undecided: Vec::new() };
        if let Some((eight, _)) = s.singles() {
            let open = packed.filter(eight, world, &mut found.below);
            found.some(s, &open);
            for &other in &packed.others {
                let panel = packed.at(other as usize);
                found.panel(s, &panel, once(0..panel.blocks));
            }
        } else {
            for panel in packed.panels() {
                found.panel(s, &panel, once(0..panel.blocks));
            }
        }
        (found.below, found.undecided)
    }
}

/// What is found in one world, while it is found.
struct Found<'a> {
    packed: &'a Packed,
    world: &'a World,
    below: Marks,
    undecided: Vec<u32>,
}

impl Found<'_> {
    /// Single blocks of a book, which come in order.
    #[inline(always)]
    fn some<S: Simd>(&mut self, s: S, mut open: &[u32]) {
        while let Some(&block) = open.first() {
            let panel = self.packed.holds(block as usize);
            let end = (panel.first + panel.blocks) as u32;
            let (here, others) = open.split_at(open.partition_point(|&block| block < end));
            let blocks = here.iter().map(|&block| block as usize - panel.first);
            self.panel(s, &panel, blocks.map(|block| block..block + 1));
            open = others;
        }
    }

    /// Blocks of a panel by the floats of 64 bits.
    #[inline(always)]
    fn panel<S: Simd>(&mut self, s: S, panel: &Panel<'_>, blocks: impl Iterator<Item = Range<usize>>) {
        // What is not a number is neither at least nor below anything: such accounts are undecided.
        let kappa = panel.kappa(self.world);
        let values = panel.values(self.world);
        if let Some((below, undecided)) = panel.order(&values, kappa) {
            self.packed.placed(panel, 0..below).for_each(|account| self.below.one(account));
            self.undecided.extend(self.packed.placed(panel, undecided));
            return;
        }
        for blocks in blocks {
            self.blocks(s, panel, blocks, &values, kappa);
        }
    }

    #[inline(always)]
    fn blocks<S: Simd>(&mut self, s: S, panel: &Panel<'_>, blocks: Range<usize>, values: &[f64], kappa: f64) {
        let (packed, width) = (self.packed, panel.terms.len());
        let lanes =
            &packed.coefficients[panel.offset + blocks.start * width..panel.offset + blocks.end * width];
        let blocks = panel.first + blocks.start..panel.first + blocks.end;
        let (kappa, zero) = (s.splat(kappa), s.splat(0.0));
        let relative = &packed.relative[blocks.clone()];
        for ((block, &relative), accounts) in
            lanes.chunks_exact(width).zip(relative).zip(&packed.accounts[blocks])
        {
            let (row, gross) = if panel.plain() {
                let (mut row, mut gross) = (zero, zero);
                for (lane, &value) in block.iter().zip(values) {
                    let (c, v) = (s.load(&lane.0), s.splat(value));
                    row = s.mul_add(c, v, row);
                    gross = s.mul_add(s.abs(c), v, gross);
                }
                (row, gross)
            } else {
                let mut rows = Rows::new(s);
                for ((lane, &value), term) in block.iter().zip(values).zip(panel.terms) {
                    rows.term(s, term.begins, s.load(&lane.0), s.splat(value));
                }
                (rows.lowest(s), rows.gross)
            };
            let bound = s.mul_add(s.splat(relative), gross, kappa);
            let clear = s.at_least(row, bound);
            if clear != u8::MAX {
                let below = s.below(row, s.sub(zero, bound));
                self.tell(accounts, clear, below);
            }
        }
    }

    /// Puts a block's accounts where they belong.
    #[inline(never)]
    fn tell(&mut self, accounts: &[u32; LANES], clear: u8, below: u8) {
        self.below.mark(accounts, below & !clear);
        let lanes = accounts.iter().enumerate();
        let open = lanes.filter(|(lane, account)| (clear | below) >> lane & 1 == 0 && **account != NOBODY);
        self.undecided.extend(open.map(|(_, account)| *account));
    }
}
