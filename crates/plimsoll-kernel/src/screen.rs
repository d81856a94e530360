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

/// A block in which somebody is not clear: lanes that are not, and of these the ones surely below.
struct Hit {
    block: u32,
    candidates: u8,
    below: u8,
}

impl Packed {
    /// Screens every account in one world.
    #[must_use]
    pub fn screen(&self, world: &World, path: Path) -> Screened {
        let mut screened = Screened { below: Vec::new(), undecided: self.opaque.clone() };
        let (mut values, mut hits) = (Vec::new(), Vec::new());
        for panel in &self.panels {
            let kappa = panel.kappa(world);
            match (panel.values(world, &mut values), kappa) {
                (Some(()), Some(kappa)) => {
                    if let Some((below, undecided)) = panel.order(&values, kappa) {
                        screened.below.extend(self.placed(panel, 0..below));
                        screened.undecided.extend(self.placed(panel, undecided));
                        continue;
                    }
                    path.run(OneWorld { packed: self, panel, values: &values, kappa, hits: &mut hits });
                }
                _ => {
                    let blocks = &self.accounts[panel.first..panel.first + panel.blocks];
                    screened.undecided.extend(blocks.iter().flatten().filter(|account| **account != NOBODY));
                }
            }
        }
        for Hit { block, candidates, below } in hits {
            for (lane, &account) in self.accounts[block as usize].iter().enumerate() {
                if account == NOBODY || candidates >> lane & 1 == 0 {
                    continue;
                }
                let list = if below >> lane & 1 == 1 { &mut screened.below } else { &mut screened.undecided };
                list.push(account);
            }
        }
        screened.below.sort_unstable();
        screened.undecided.sort_unstable();
        screened
    }
}

/// A pass over one panel.
struct OneWorld<'a> {
    packed: &'a Packed,
    panel: &'a Panel,
    values: &'a [f64],
    kappa: f64,
    hits: &'a mut Vec<Hit>,
}

impl Job for OneWorld<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let OneWorld { packed, panel, values, kappa, hits } = self;
        let plain = panel.is_plain();
        let width = panel.terms.len();
        let lanes = &packed.coefficients[panel.offset..panel.offset + panel.blocks * width];
        let relative = &packed.relative[panel.first..panel.first + panel.blocks];
        let (kappa, zero) = (s.splat(kappa), s.splat(0.0));
        for (at, (block, &relative)) in lanes.chunks_exact(width).zip(relative).enumerate() {
            let (clear, below) = if plain {
                let (mut row, mut gross) = (zero, zero);
                for (lane, &value) in block.iter().zip(values) {
                    let (c, v) = (s.load(&lane.0), s.splat(value));
                    row = s.mul_add(c, v, row);
                    gross = s.mul_add(s.abs(c), v, gross);
                }
                let bound = s.mul_add(s.splat(relative), gross, kappa);
                (s.at_least(row, bound), s.below(row, s.sub(zero, bound)))
            } else {
                let mut rows = Rows::new(s);
                for ((lane, &value), term) in block.iter().zip(values).zip(&panel.terms) {
                    rows.term(s, term.begins, s.load(&lane.0), s.splat(value));
                }
                let lowest = rows.lowest(s);
                let bound = s.mul_add(s.splat(relative), rows.gross, kappa);
                (s.at_least(lowest, bound), s.below(lowest, s.sub(zero, bound)))
            };
            if !clear != 0 {
                let block = (panel.first + at) as u32;
                hits.push(Hit { block, candidates: !clear, below });
            }
        }
    }
}
