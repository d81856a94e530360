//! One world: who is surely below the line, and whom only integers can decide.

use crate::panel::{NOBODY, Packed, Panel};
use crate::rows::Rows;
use crate::simd::{Job, Path, Simd};
use crate::world::World;

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
        let mut screened = path.run(OneWorld { packed: self, world });
        screened.undecided.extend(&self.opaque);
        screened.below.sort_unstable();
        screened.undecided.sort_unstable();
        screened
    }
}

/// A pass over all panels.
struct OneWorld<'a> {
    packed: &'a Packed,
    world: &'a World,
}

impl Job for OneWorld<'_> {
    type Output = Screened;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Screened {
        let OneWorld { packed, world } = self;
        let mut screened = Screened::default();
        let mut values = Vec::new();
        for panel in packed.panels() {
            // What is not a number is neither at least nor below anything: such accounts are undecided.
            let kappa = panel.kappa(world);
            panel.values(world, &mut values);
            match panel.order(&values, kappa) {
                Some((below, undecided)) => {
                    screened.below.extend(packed.placed(&panel, 0..below));
                    screened.undecided.extend(packed.placed(&panel, undecided));
                }
                None => blocks(s, packed, &panel, &values, kappa, &mut screened),
            }
        }
        screened
    }
}

#[inline(always)]
fn blocks<S: Simd>(
    s: S,
    packed: &Packed,
    panel: &Panel<'_>,
    values: &[f64],
    kappa: f64,
    screened: &mut Screened,
) {
    let width = panel.terms.len();
    let lanes = &packed.coefficients[panel.offset..panel.offset + panel.blocks * width];
    let relative = &packed.relative[panel.first..panel.first + panel.blocks];
    let (kappa, zero) = (s.splat(kappa), s.splat(0.0));
    for (at, (block, &relative)) in lanes.chunks_exact(width).zip(relative).enumerate() {
        let (row, gross) = if panel.plain {
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
            tell(&packed.accounts[panel.first + at], clear, below, screened);
        }
    }
}

/// Puts a block's accounts where they belong.
#[inline(never)]
fn tell(accounts: &[u32], clear: u8, below: u8, screened: &mut Screened) {
    for (lane, &account) in accounts.iter().enumerate() {
        if account != NOBODY && clear >> lane & 1 == 0 {
            let list = if below >> lane & 1 == 1 { &mut screened.below } else { &mut screened.undecided };
            list.push(account);
        }
    }
}
