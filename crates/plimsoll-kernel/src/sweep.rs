//! Many worlds: how many are below the line in each scenario, and by how much.
//!
//! Lanes run across scenarios, never across the terms of one account. For each tile of scenarios a block of accounts is first
//! judged over the whole box that the tile's nodes span: who is clear at its worst corner is clear in all of it. The others are
//! computed scenario by scenario, four accounts at a time, so that one load of a node's values serves four.
//!
//! An account's bound T (see [`crate::lower`]) is taken at the box's greatest, which is above that of each of its scenarios.

use crate::lower::{Begins, LEAST_SLACK, RAISE, TermShape};
use crate::panel::{LANES, Lane, NOBODY, Packed, Panel};
use crate::rows::Rows;
use crate::simd::{Job, Path, Simd};
use crate::worlds::{Tile, WIDTH, Worlds};

/// Money of one account beyond this (quanta) is left to integers.
const MOST_MONEY: f64 = 4_503_599_627_370_496.0;
/// Sums are moved from 64 to 128 bits before they can reach this.
const FULL: f64 = 2_305_843_009_213_693_952.0;

/// What a sweep shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Sum what each account is short of, too; else it is only counted.
    pub money: bool,
    /// Judge whole tiles first. The answers are the same without.
    pub prune: bool,
    /// The path.
    pub path: Path,
}

/// What a sweep found in one market.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// For each scenario, how many accounts are surely below the line.
    pub below: Vec<u64>,
    /// For each scenario, what they are short of (quanta): each account's rounded to the nearest quantum, then summed. Empty
    /// where no money was asked for.
    pub shortfall: Vec<i128>,
}

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// For each market of the book.
    pub markets: Vec<Tally>,
    /// Scenario and account that only integers can decide, in order; nothing of them is in the tallies.
    pub undecided: Vec<(u32, u32)>,
    /// Accounts that are undecided in every scenario.
    pub opaque: Vec<u32>,
}

/// 64 counts and sums, one a scenario of a tile.
#[derive(Clone)]
struct Sums {
    counts: [[i64; LANES]; WIDTH],
    money: [[i64; LANES]; WIDTH],
    /// No sum is above this.
    bound: f64,
}

/// What is found while it is found: tile after tile, for one market.
struct Found<'a> {
    sums: Vec<Sums>,
    tally: &'a mut Tally,
    undecided: &'a mut Vec<(u32, u32)>,
}

impl Packed {
    /// Sweeps every account over every scenario.
    #[must_use]
    pub fn sweep(&self, worlds: &Worlds, plan: Plan) -> Swept {
        let markets = self.panels.iter().map(|panel| panel.market as usize + 1).max().unwrap_or(0);
        let scenarios = worlds.len();
        let fresh =
            Tally { below: vec![0; scenarios], shortfall: vec![0; if plan.money { scenarios } else { 0 }] };
        let mut swept =
            Swept { markets: vec![fresh; markets], undecided: Vec::new(), opaque: self.opaque.clone() };
        // Panels stand in the order of their markets.
        for panels in self.panels.chunk_by(|x, y| x.market == y.market) {
            let tally = &mut swept.markets[panels[0].market as usize];
            let sums = vec![Sums::default(); worlds.tiles.len()];
            let mut found = Found { sums, tally, undecided: &mut swept.undecided };
            for panel in panels {
                plan.path.run(Sweep { packed: self, panel, worlds, plan, found: &mut found });
            }
            for (tile, sums) in worlds.tiles.iter().zip(&mut found.sums) {
                sums.flush(tile, found.tally);
            }
        }
        swept.undecided.sort_unstable();
        swept
    }

    /// Money that stands on each node (quanta a unit), without signs.
    pub(crate) fn exposure(&self) -> Vec<f64> {
        let last = self.panels.iter().flat_map(|panel| &panel.terms).map(|term| term.node).max().unwrap_or(0);
        let mut exposure = vec![0.0; last as usize + 1];
        for panel in &self.panels {
            let lanes = &self.coefficients[panel.offset..panel.offset + panel.blocks * panel.terms.len()];
            for block in lanes.chunks_exact(panel.terms.len()) {
                for (lane, term) in block.iter().zip(&panel.terms) {
                    exposure[term.node as usize] += lane.0.iter().map(|c| c.abs()).sum::<f64>();
                }
            }
        }
        exposure
    }
}

/// Blocks that are swept over all tiles before the next: what they read stays near.
const NEAR: usize = 32;

/// One panel over all tiles.
struct Sweep<'a, 'f> {
    packed: &'a Packed,
    panel: &'a Panel,
    worlds: &'a Worlds,
    plan: Plan,
    found: &'a mut Found<'f>,
}

/// A panel in a tile: the corner of its box that is worst for its rows, the best, and the greatest.
struct Corner {
    worst: Vec<f64>,
    best: Vec<f64>,
    high: Vec<f64>,
    kappa: f64,
}

impl Panel {
    /// `None` where a node is unknown in some scenario of the tile.
    fn corner(&self, tile: &Tile) -> Option<Corner> {
        let known =
            |node: u32| tile.known.get(node as usize).copied().unwrap_or(false).then_some(node as usize);
        let mut kappa = LEAST_SLACK;
        for &(node, slack) in &self.absolute {
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
        for term in &self.terms {
            match term.begins {
                Begins::Row => in_hinge = false,
                Begins::Hinge => in_hinge = true,
                Begins::Nothing => {}
            }
            let node = known(term.node)?;
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

impl Job for Sweep<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Sweep { packed, panel, worlds, plan, found } = self;
        let width = panel.terms.len();
        let plain = panel.is_plain();
        let corners: Vec<Option<Corner>> = worlds.tiles.iter().map(|tile| panel.corner(tile)).collect();
        for near in (0..panel.blocks).step_by(NEAR) {
            let blocks = near..(near + NEAR).min(panel.blocks);
            for (at, (tile, corner)) in worlds.tiles.iter().zip(&corners).enumerate() {
                let Some(corner) = corner else {
                    for block in blocks.clone() {
                        found.all_undecided(tile, &packed.accounts[panel.first + block], u8::MAX);
                    }
                    continue;
                };
                for block in blocks.clone() {
                    let place = panel.first + block;
                    let offset = panel.offset + block * width;
                    let lanes = &packed.coefficients[offset..offset + width];
                    let accounts = &packed.accounts[place];
                    let mut live = 0_u8;
                    for (lane, &account) in accounts.iter().enumerate() {
                        live |= u8::from(account != NOBODY) << lane;
                    }
                    // The box of the tile.
                    let (zero, relative) = (s.splat(0.0), s.splat(packed.relative[place]));
                    let (worst, best, gross) = if plain {
                        let (mut worst, mut best, mut gross) = (zero, zero, zero);
                        for (term, lane) in lanes.iter().enumerate() {
                            let c = s.load(&lane.0);
                            worst = s.mul_add(c, s.splat(corner.worst[term]), worst);
                            best = s.mul_add(c, s.splat(corner.best[term]), best);
                            gross = s.mul_add(s.abs(c), s.splat(corner.high[term]), gross);
                        }
                        (worst, best, gross)
                    } else {
                        let rows = |values: &[f64]| {
                            let mut rows = Rows::new(s);
                            for ((lane, &value), term) in lanes.iter().zip(values).zip(&panel.terms) {
                                rows.term(s, term.begins, s.load(&lane.0), s.splat(value));
                            }
                            rows
                        };
                        (
                            rows(&corner.worst).lowest(s),
                            rows(&corner.best).lowest(s),
                            rows(&corner.high).gross,
                        )
                    };
                    let bound = s.mul_add(relative, gross, s.splat(corner.kappa));
                    let small = s.below(gross, s.splat(MOST_MONEY));
                    if live & !small != 0 {
                        found.all_undecided(tile, accounts, live & !small);
                    }
                    let mut open = live & small;
                    if plan.prune {
                        open &= !s.at_least(worst, bound);
                        if !plan.money {
                            let sunk = open & s.below(best, s.sub(zero, bound));
                            open &= !sunk;
                            found.sums[at].all_below(sunk);
                        }
                    }
                    if open == 0 {
                        continue;
                    }
                    let mut bounds = [0.0; LANES];
                    s.store(&mut bounds, bound);
                    let sums = &mut found.sums[at];
                    let mut each = [0_usize; LANES];
                    let mut some = 0;
                    for lane in 0..LANES {
                        if open >> lane & 1 == 1 {
                            each[some] = lane;
                            some += 1;
                        }
                    }
                    if plan.money {
                        sums.bound += some as f64 * MOST_MONEY;
                        if sums.bound > FULL {
                            sums.flush(tile, found.tally);
                            sums.bound = some as f64 * MOST_MONEY;
                        }
                    }
                    let undecided = if plain {
                        let shaped = Shaped { terms: &panel.terms, lanes, tile, money: plan.money };
                        let (fours, rest) = each[..some].as_chunks::<4>();
                        let mut undecided = 0_u8;
                        for four in fours {
                            undecided |= shaped.four(s, four, &bounds, sums);
                        }
                        for one in rest {
                            undecided |= shaped.four(s, &[*one], &bounds, sums);
                        }
                        undecided
                    } else {
                        let shaped = Shaped { terms: &panel.terms, lanes, tile, money: plan.money };
                        let mut undecided = 0_u8;
                        for &lane in &each[..some] {
                            undecided |= shaped.compute(s, lane, &bounds, sums);
                        }
                        undecided
                    };
                    if undecided != 0 {
                        let shaped = Shaped { terms: &panel.terms, lanes, tile, money: plan.money };
                        shaped.list(s, accounts, undecided, &bounds, found.undecided);
                    }
                }
            }
        }
    }
}

/// A block in a tile.
struct Shaped<'a> {
    terms: &'a [TermShape],
    lanes: &'a [Lane],
    tile: &'a Tile,
    money: bool,
}

/// Registers that are computed side by side.
const SIDE: usize = 2;

impl Shaped<'_> {
    /// Plain rows of some accounts, all scenarios of the tile. Tells which accounts are undecided in some scenario.
    #[inline(always)]
    fn four<S: Simd, const N: usize>(
        &self,
        s: S,
        each: &[usize; N],
        bounds: &[f64; LANES],
        sums: &mut Sums,
    ) -> u8 {
        let mut undecided = 0;
        for side in (0..WIDTH).step_by(SIDE) {
            let mut rows = [[s.splat(0.0); SIDE]; N];
            for (lane, term) in self.lanes.iter().zip(self.terms) {
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
                    let open = self.take(s, row, bounds[place], side + k, sums);
                    undecided |= u8::from(open != 0) << place;
                }
            }
        }
        undecided
    }

    /// Rows of any kind, one account.
    #[inline(always)]
    fn compute<S: Simd>(&self, s: S, place: usize, bounds: &[f64; LANES], sums: &mut Sums) -> u8 {
        let mut undecided = 0;
        for register in 0..WIDTH {
            let row = self.lowest(s, place, register);
            let open = self.take(s, row, bounds[place], register, sums);
            undecided |= u8::from(open != 0) << place;
        }
        undecided
    }

    #[inline(always)]
    fn lowest<S: Simd>(&self, s: S, place: usize, register: usize) -> S::V {
        let mut rows = Rows::new(s);
        for (lane, term) in self.lanes.iter().zip(self.terms) {
            let value = s.load(&self.tile.values[term.node as usize].0[register]);
            rows.term(s, term.begins, s.splat(lane.0[place]), value);
        }
        rows.lowest(s)
    }

    /// Counts who is below; tells the scenarios that are undecided.
    #[inline(always)]
    fn take<S: Simd>(&self, s: S, row: S::V, bound: f64, register: usize, sums: &mut Sums) -> u8 {
        let below = s.below(row, s.splat(-bound));
        s.count(&mut sums.counts[register], below);
        if self.money {
            s.add(&mut sums.money[register], below, s.sub(s.splat(0.0), row));
        }
        !below & !s.at_least(row, s.splat(bound))
    }

    /// Lists the undecided scenarios of the accounts in the mask.
    #[inline(never)]
    fn list<S: Simd>(
        &self,
        s: S,
        accounts: &[u32; LANES],
        mask: u8,
        bounds: &[f64; LANES],
        into: &mut Vec<(u32, u32)>,
    ) {
        for (place, &account) in accounts.iter().enumerate().filter(|(place, _)| mask >> place & 1 == 1) {
            for register in 0..WIDTH {
                let row = self.lowest(s, place, register);
                let below = s.below(row, s.splat(-bounds[place]));
                let open = !below & !s.at_least(row, s.splat(bounds[place]));
                let scenarios = self.tile.scenarios.iter().skip(register * LANES).take(LANES).enumerate();
                into.extend(
                    scenarios
                        .filter(|(lane, _)| open >> lane & 1 == 1)
                        .map(|(_, &scenario)| (scenario, account)),
                );
            }
        }
    }
}

impl Found<'_> {
    fn all_undecided(&mut self, tile: &Tile, accounts: &[u32; LANES], mask: u8) {
        for (lane, &account) in accounts.iter().enumerate() {
            if mask >> lane & 1 == 1 && account != NOBODY {
                self.undecided.extend(tile.scenarios.iter().map(|&scenario| (scenario, account)));
            }
        }
    }
}

impl Default for Sums {
    fn default() -> Sums {
        Sums { counts: [[0; LANES]; WIDTH], money: [[0; LANES]; WIDTH], bound: 0.0 }
    }
}

impl Sums {
    fn all_below(&mut self, mask: u8) {
        let more = i64::from(mask.count_ones());
        if more > 0 {
            self.counts.as_flattened_mut().iter_mut().for_each(|count| *count += more);
        }
    }

    fn flush(&mut self, tile: &Tile, tally: &mut Tally) {
        let (counts, money) = (self.counts.as_flattened(), self.money.as_flattened());
        for (place, &scenario) in tile.scenarios.iter().enumerate() {
            tally.below[scenario as usize] += counts[place] as u64;
            if let Some(sum) = tally.shortfall.get_mut(scenario as usize) {
                *sum += i128::from(money[place]);
            }
        }
        *self = Sums::default();
    }
}
