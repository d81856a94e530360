//! Many worlds: how many are below the line in each scenario, and by how much.
//!
//! Lanes run across scenarios, never across the terms of one account. For each tile of scenarios a block of accounts is first
//! judged over the whole box that the tile's nodes span: who is clear at its worst corner is clear in all of it. The others are
//! computed scenario by scenario, four accounts at a time, so that one load of a node's values serves four.
//!
//! An account's bound T (see [`crate::lower`]) is taken at the box's greatest, which is above that of each of its scenarios.
//!
//! Everything that is summed is an integer, so it does not matter who sums what first: threads take panels' blocks as they come.

use crate::block::{Block, Corner, MOST_MONEY};
use crate::panel::{LANES, NOBODY, Packed, Panel};
use crate::simd::{Job, Path, Simd};
use crate::threads::Threads;
use crate::worlds::{Tile, WIDTH, Worlds};
use std::ops::Range;

/// Sums are moved from 64 to 128 bits before they can reach this.
const FULL: f64 = 4_611_686_018_427_387_904.0;

/// What a sweep shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Sum money, too; else accounts are only counted.
    pub money: bool,
    /// Judge whole tiles first. The answers are the same without.
    pub prune: bool,
    /// Look accounts with one holding and one debt up in their order, where no money is asked for. It leaves a few more
    /// undecided next to the line.
    pub pairs: bool,
    /// The path.
    pub path: Path,
}

/// What a sweep found in one market.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// For each scenario, how many accounts are surely below the line.
    pub below: Vec<u64>,
    /// For each scenario, money of those accounts. Empty where none was asked for.
    pub money: Vec<Money>,
}

/// Sums over accounts (quanta): each account's number is rounded to the nearest quantum, ties to even, and then summed in
/// integers, so that sums of parts are the sum of the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    /// What requirement exceeds backing by.
    pub shortfall: i128,
    /// Collateral at full value. What has no price counts as nothing.
    pub collateral: i128,
    /// Debt at full value.
    pub debt: i128,
    /// Debt beyond collateral, of accounts whose debt is beyond it.
    pub uncovered: i128,
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

/// Counts and sums, one a scenario of a tile.
#[derive(Clone)]
pub(crate) struct Sums {
    pub(crate) counts: [[i64; LANES]; WIDTH],
    /// Shortfall, collateral, debt, uncovered.
    pub(crate) money: [[[i64; LANES]; WIDTH]; 4],
    /// No sum is above this.
    bound: f64,
}

/// Some blocks of one panel.
type Part = (usize, Range<usize>);

/// Blocks that one thread takes at a time.
const TAKEN: usize = 512;
/// Blocks that are swept over all tiles before the next: what they read stays near.
const NEAR: usize = 32;

impl Packed {
    /// Sweeps every account over every scenario.
    #[must_use]
    pub fn sweep(&self, worlds: &Worlds, plan: Plan, threads: &Threads) -> Swept {
        let markets = self.panels().next_back().map_or(0, |panel| panel.market as usize + 1);
        let mut swept = Swept { opaque: self.opaque.clone(), ..Swept::default() };
        for market in 0..markets {
            let parts = self.parts(market);
            let fresh = || Found::new(worlds, plan);
            let take = |mut found: Found, (panel, blocks): Part| {
                let panel = self.at(panel);
                plan.path.run(Sweep { packed: self, panel, blocks, worlds, plan, found: &mut found });
                found
            };
            let flushed = |found: Found| found.flushed(worlds);
            let mut found = threads.fold(parts, fresh, take, flushed, Found::joined);
            swept.markets.push(found.tally);
            swept.undecided.append(&mut found.undecided);
        }
        swept.undecided.sort_unstable();
        swept
    }

    fn parts(&self, market: usize) -> Vec<Part> {
        let panels = self.panels().enumerate().filter(|(_, panel)| panel.market as usize == market);
        let parts = panels.flat_map(|(at, panel)| {
            (0..panel.blocks).step_by(TAKEN).map(move |block| (at, block..(block + TAKEN).min(panel.blocks)))
        });
        parts.collect()
    }

    /// Money that stands on each node (quanta a unit), without signs.
    pub(crate) fn exposure(&self) -> Vec<f64> {
        let last = self.panels().flat_map(|panel| panel.terms).map(|term| term.node).max().unwrap_or(0);
        let mut exposure = vec![0.0; last as usize + 1];
        for panel in self.panels() {
            let lanes = &self.coefficients[panel.offset..panel.offset + panel.blocks * panel.terms.len()];
            for block in lanes.chunks_exact(panel.terms.len()) {
                for (lane, term) in block.iter().zip(panel.terms) {
                    exposure[term.node as usize] += lane.0.iter().map(|c| c.abs()).sum::<f64>();
                }
            }
        }
        exposure
    }
}

/// Some blocks over all tiles.
struct Sweep<'a> {
    packed: &'a Packed,
    panel: Panel<'a>,
    blocks: Range<usize>,
    worlds: &'a Worlds,
    plan: Plan,
    found: &'a mut Found,
}

impl Job for Sweep<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Sweep { packed, panel, blocks, worlds, plan, found } = self;
        let (width, plain) = (panel.terms.len(), panel.plain);
        let mut numbers = Vec::with_capacity(worlds.tiles.len() * width);
        let kappas: Vec<f64> = worlds.tiles.iter().map(|tile| panel.corner(tile, &mut numbers)).collect();
        let corner =
            |at: usize| Corner { numbers: &numbers[at * width..(at + 1) * width], kappa: kappas[at] };
        // A tile is looked up in the order of pairs, or goes through the blocks.
        let ordered = plan.pairs && !plan.money && panel.pairs.is_some();
        let looked_up = |at: usize, tile: &Tile, found: &mut Found| {
            ordered && found.look_up(packed, &panel, &blocks, at, tile, kappas[at])
        };
        let tiles: Vec<(usize, &Tile)> =
            worlds.tiles.iter().enumerate().filter(|(at, tile)| !looked_up(*at, tile, found)).collect();
        for near in blocks.clone().step_by(NEAR) {
            for &(at, tile) in &tiles {
                let corner = corner(at);
                for block in near..(near + NEAR).min(blocks.end) {
                    let accounts = &packed.accounts[panel.first + block];
                    let lanes = panel.offset + block * width..panel.offset + (block + 1) * width;
                    let block = Block {
                        terms: panel.terms,
                        plain,
                        coefficients: &packed.coefficients[lanes.clone()],
                        worth: &packed.worth[lanes],
                        relative: packed.relative[panel.first + block],
                        tile,
                        money: plan.money,
                    };
                    let judged = block.judge(s, corner);
                    let live = live(accounts);
                    let mut open = live & judged.small;
                    if open != live {
                        found.all_undecided(tile, accounts, live & !open);
                    }
                    if plan.prune {
                        open &= !judged.clear;
                        if !plan.money {
                            found.sums[at].all_below(open & judged.sunk);
                            open &= !judged.sunk;
                        }
                    }
                    if open != 0 {
                        found.make_room(at, tile, open);
                        let undecided = block.compute(s, open, &judged.bounds, &mut found.sums[at]);
                        if undecided != 0 {
                            block.list(s, accounts, undecided, &judged.bounds, &mut found.undecided);
                        }
                    }
                }
            }
        }
    }
}

/// The lanes in which somebody stands.
#[inline(always)]
fn live(accounts: &[u32; LANES]) -> u8 {
    // Only the last block of a panel is not full, and it is filled from the front.
    if accounts[LANES - 1] != NOBODY {
        return u8::MAX;
    }
    let lanes = accounts.iter().enumerate();
    lanes.fold(0, |mask, (lane, &account)| mask | u8::from(account != NOBODY) << lane)
}

/// What is found in one market, while it is found.
struct Found {
    sums: Vec<Sums>,
    tally: Tally,
    undecided: Vec<(u32, u32)>,
}

impl Found {
    fn new(worlds: &Worlds, plan: Plan) -> Found {
        let money = if plan.money { worlds.len() } else { 0 };
        let tally = Tally { below: vec![0; worlds.len()], money: vec![Money::default(); money] };
        Found { sums: vec![Sums::default(); worlds.tiles.len()], tally, undecided: Vec::new() }
    }

    /// What two threads found.
    fn joined(mut self, mut other: Found) -> Found {
        for (mine, theirs) in self.tally.below.iter_mut().zip(&other.tally.below) {
            *mine += theirs;
        }
        for (mine, theirs) in self.tally.money.iter_mut().zip(&other.tally.money) {
            mine.plus([theirs.shortfall, theirs.collateral, theirs.debt, theirs.uncovered]);
        }
        self.undecided.append(&mut other.undecided);
        self
    }

    /// Looks the accounts of these blocks up in the order of their panel, scenario by scenario. Tells whether that could be
    /// done for the whole tile; else nothing was counted.
    fn look_up(
        &mut self,
        packed: &Packed,
        panel: &Panel<'_>,
        blocks: &Range<usize>,
        at: usize,
        tile: &Tile,
        kappa: f64,
    ) -> bool {
        let Some(pairs) = panel.pairs else { return false };
        let [first, second] = [0, 1].map(|term| tile.values[panel.terms[term].node as usize].0);
        let places = |scenario: usize| {
            let (register, lane) = (scenario / LANES, scenario % LANES);
            pairs.at([first[register][lane], second[register][lane]], kappa)
        };
        let all: Option<Vec<_>> = (0..tile.scenarios.len()).map(places).collect();
        let Some(all) = all else { return false };
        let (begin, end) = (blocks.start * LANES, blocks.end * LANES);
        for (scenario, (below, undecided)) in all.into_iter().enumerate() {
            let count = below.clamp(begin, end) - begin;
            self.sums[at].counts[scenario / LANES][scenario % LANES] += count as i64;
            let undecided = undecided.start.clamp(begin, end)..undecided.end.clamp(begin, end);
            let accounts = packed.placed(panel, undecided);
            self.undecided.extend(accounts.map(|account| (tile.scenarios[scenario], account)));
        }
        true
    }

    /// Makes sure that the sums of a tile hold these accounts, too.
    #[inline(always)]
    fn make_room(&mut self, at: usize, tile: &Tile, accounts: u8) {
        let more = f64::from(accounts.count_ones()) * MOST_MONEY;
        if self.sums[at].bound + more > FULL {
            self.sums[at].flush(tile, &mut self.tally);
        }
        self.sums[at].bound += more;
    }

    fn flushed(mut self, worlds: &Worlds) -> Found {
        for (tile, sums) in worlds.tiles.iter().zip(&mut self.sums) {
            sums.flush(tile, &mut self.tally);
        }
        self
    }

    fn all_undecided(&mut self, tile: &Tile, accounts: &[u32; LANES], mask: u8) {
        for (lane, &account) in accounts.iter().enumerate() {
            if mask >> lane & 1 == 1 && account != NOBODY {
                self.undecided.extend(tile.scenarios.iter().map(|&scenario| (scenario, account)));
            }
        }
    }
}

impl Money {
    fn plus(&mut self, more: [i128; 4]) {
        let sums = [&mut self.shortfall, &mut self.collateral, &mut self.debt, &mut self.uncovered];
        for (sum, more) in sums.into_iter().zip(more) {
            *sum += more;
        }
    }
}

impl Default for Sums {
    fn default() -> Sums {
        Sums { counts: [[0; LANES]; WIDTH], money: [[[0; LANES]; WIDTH]; 4], bound: 0.0 }
    }
}

impl Sums {
    #[inline(always)]
    fn all_below(&mut self, mask: u8) {
        let more = i64::from(mask.count_ones());
        if more > 0 {
            self.counts.as_flattened_mut().iter_mut().for_each(|count| *count += more);
        }
    }

    #[cold]
    fn flush(&mut self, tile: &Tile, tally: &mut Tally) {
        for (place, &scenario) in tile.scenarios.iter().enumerate() {
            tally.below[scenario as usize] += self.counts.as_flattened()[place] as u64;
            if let Some(money) = tally.money.get_mut(scenario as usize) {
                money.plus(self.money.map(|sums| i128::from(sums.as_flattened()[place])));
            }
        }
        *self = Sums::default();
    }
}
