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
use crate::quick::Quick;
use crate::simd::{Job, Path, Simd};
use crate::threads::Threads;
use crate::worlds::{TILE, Tile, WIDTH, Worlds};
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
    /// The same of what singles told: fewer than there are accounts.
    signs: [u32; TILE],
    /// How many are below in each of them.
    all: u64,
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
        let markets = self.panels().map(|panel| panel.market + 1).max().unwrap_or(0);
        let mut swept = Swept { opaque: self.opaque.clone(), ..Swept::default() };
        for market in 0..markets {
            let parts = self.parts(market, plan);
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

    fn parts(&self, market: u32, plan: Plan) -> Vec<Part> {
        let parts = self.of_market(market).flat_map(|at| {
            let panel = self.at(at);
            // What is looked up is looked up once.
            let taken = if plan.looks_up(&panel) { panel.blocks } else { TAKEN };
            (0..panel.blocks).step_by(taken).map(move |block| (at, block..(block + taken).min(panel.blocks)))
        });
        parts.collect()
    }
}

impl Plan {
    /// Whether a panel's accounts are looked up in their order.
    fn looks_up(&self, panel: &Panel<'_>) -> bool {
        self.pairs && !self.money && panel.pairs.is_some()
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
        // Up to where a tile, or all of them, must look.
        let end = |ratios| if plan.prune { panel.reach(ratios).min(blocks.end) } else { blocks.end };
        if end(&worlds.ratios) <= blocks.start {
            return;
        }
        let mut tiles = std::mem::take(&mut found.tiles);
        tiles.clear();
        for (at, tile) in worlds.tiles.iter().enumerate() {
            let end = end(&tile.ratios);
            if end > blocks.start && !(plan.looks_up(&panel) && found.look_up(packed, &panel, at, tile)) {
                tiles.push((at, end));
            }
        }
        let mut here = Here {
            packed,
            panel,
            plan,
            fits: panel.fits(),
            small: false,
            corner: Vec::new(),
            exact: Exact::default(),
        };
        std::mem::swap(&mut here.corner, &mut found.corner);
        for near in blocks.clone().step_by(NEAR) {
            for &(at, end) in &tiles {
                let some = near..(near + NEAR).min(end);
                if !some.is_empty() {
                    here.tile(s, at, &worlds.tiles[at], some, found);
                }
            }
        }
        std::mem::swap(&mut here.corner, &mut found.corner);
        found.tiles = tiles;
    }
}

/// A panel, as a sweep goes through it.
struct Here<'a> {
    packed: &'a Packed,
    panel: Panel<'a>,
    plan: Plan,
    /// Money below this fits the sums, in singles.
    fits: f32,
    /// All money of the panel fits the sums in this tile.
    small: bool,
    /// The tile's corners in singles.
    corner: Vec<[f32; 3]>,
    exact: Exact,
}

/// The tile's corners in floats of 64 bits, where they were asked for.
#[derive(Default)]
struct Exact {
    numbers: Vec<[f64; 3]>,
    kappa: Option<f64>,
}

impl Exact {
    #[inline(always)]
    fn corner(&mut self, panel: &Panel<'_>, tile: &Tile) -> Corner<'_> {
        let kappa = match self.kappa {
            Some(kappa) => kappa,
            None => {
                self.numbers.clear();
                *self.kappa.insert(panel.corner(tile, &mut self.numbers))
            }
        };
        Corner { numbers: &self.numbers, kappa }
    }
}

impl Here<'_> {
    /// Some blocks in one tile.
    #[inline(always)]
    fn tile<S: Simd>(&mut self, s: S, at: usize, tile: &Tile, blocks: Range<usize>, found: &mut Found) {
        self.exact.kappa = None;
        self.small = self.panel.small(&tile.ratios);
        match s.singles().filter(|_| self.panel.plain()) {
            None => {
                for block in blocks {
                    self.exactly(s, at, tile, block, u8::MAX, found);
                }
            }
            Some((eight, full)) => {
                let mut corner = std::mem::take(&mut self.corner);
                self.panel.quick_corner(tile, &mut corner);
                for block in blocks {
                    self.quickly(s, (eight, full), at, tile, &corner, block, found);
                }
                self.corner = corner;
            }
        }
    }

    /// A block in singles, and whom they cannot tell in floats of 64 bits.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)] // inlined: they are names of what stands in the loop
    fn quickly<S: Simd>(
        &mut self,
        s: S,
        (eight, full): (S::Eight, S::Full),
        at: usize,
        tile: &Tile,
        corner: &[[f32; 3]],
        block: usize,
        found: &mut Found,
    ) {
        let (panel, plan) = (self.panel, self.plan);
        let lanes = self.lanes(block);
        let quick = Quick {
            terms: panel.terms,
            lanes: &self.packed.singles[lanes],
            bound: self.packed.bounds[panel.first + block],
            tile,
            corner,
            fits: self.fits,
        };
        let judged = quick.judge(eight, plan.prune);
        let live = self.packed.live[panel.first + block];
        let told = live & judged.told;
        let mut exactly = live & !told;
        if plan.money {
            self.money(s, full, at, tile, block, &quick, [told, told & !judged.clear], &judged.bounds, found);
        } else {
            let sums = &mut found.sums[at];
            sums.all += u64::from((told & judged.sunk).count_ones());
            let open = told & !judged.clear & !judged.sunk;
            if open != 0 {
                exactly |= quick.count(full, open, &judged.bounds, &mut sums.signs);
            }
        }
        if exactly != 0 {
            self.exactly(s, at, tile, block, exactly, found);
        }
    }

    /// Money of a block's accounts, in the scenarios in which singles do not tell that they are clear: of those that are told at
    /// all the open ones.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)] // the same
    fn money<S: Simd>(
        &mut self,
        s: S,
        full: S::Full,
        at: usize,
        tile: &Tile,
        block: usize,
        quick: &Quick<'_>,
        [told, open]: [u8; 2],
        bounds: &[f32; LANES],
        found: &mut Found,
    ) {
        let near = quick.near(full, open, bounds);
        if near == 0 && self.small {
            return;
        }
        let exact = self.block(block, tile);
        let judged = exact.judge(s, self.exact.corner(&self.panel, tile));
        let accounts = &self.packed.accounts[self.panel.first + block];
        let unfit = told & !judged.small;
        if unfit != 0 {
            found.all_undecided(tile, accounts, unfit);
        }
        let near = near & judged.small;
        found.make_room(at, tile, near);
        for (place, &bound) in bounds.iter().enumerate() {
            if near >> place & 1 == 1 {
                let scenarios = quick.where_near(full, place, bound);
                let undecided = exact.compute_near(s, place, scenarios, &judged.bounds, &mut found.sums[at]);
                if undecided != 0 {
                    exact.list(s, accounts, undecided, &judged.bounds, &mut found.undecided);
                }
            }
        }
    }

    /// Accounts of a block in floats of 64 bits: the definition.
    #[inline(always)]
    fn exactly<S: Simd>(&mut self, s: S, at: usize, tile: &Tile, block: usize, mask: u8, found: &mut Found) {
        let (packed, panel, plan) = (self.packed, self.panel, self.plan);
        let accounts = &packed.accounts[panel.first + block];
        let exact = self.block(block, tile);
        let judged = exact.judge(s, self.exact.corner(&panel, tile));
        let live = packed.live[panel.first + block] & mask;
        let mut open = live & judged.small;
        if open != live {
            found.all_undecided(tile, accounts, live & !open);
        }
        if plan.prune {
            open &= !judged.clear;
            if !plan.money {
                found.sums[at].all += u64::from((open & judged.sunk).count_ones());
                open &= !judged.sunk;
            }
        }
        if open != 0 {
            found.make_room(at, tile, open);
            let undecided = exact.compute(s, open, &judged.bounds, &mut found.sums[at]);
            if undecided != 0 {
                exact.list(s, accounts, undecided, &judged.bounds, &mut found.undecided);
            }
        }
    }

    /// A block's lanes.
    fn lanes(&self, block: usize) -> Range<usize> {
        let width = self.panel.terms.len();
        self.panel.offset + block * width..self.panel.offset + (block + 1) * width
    }

    fn block<'t>(&self, block: usize, tile: &'t Tile) -> Block<'t>
    where
        Self: 't,
    {
        let lanes = self.lanes(block);
        Block {
            terms: self.panel.terms,
            plain: self.panel.plain(),
            coefficients: &self.packed.coefficients[lanes.clone()],
            worth: &self.packed.worth[lanes],
            relative: self.packed.relative[self.panel.first + block],
            tile,
            money: self.plan.money,
        }
    }
}

/// What is found in one market, while it is found.
struct Found {
    sums: Vec<Sums>,
    tally: Tally,
    undecided: Vec<(u32, u32)>,
    /// Room for the tiles of a part, and for corners: a book may have very many parts.
    tiles: Vec<(usize, usize)>,
    corner: Vec<[f32; 3]>,
}

impl Found {
    fn new(worlds: &Worlds, plan: Plan) -> Found {
        let money = if plan.money { worlds.len() } else { 0 };
        let tally = Tally { below: vec![0; worlds.len()], money: vec![Money::default(); money] };
        let sums = vec![Sums::default(); worlds.tiles.len()];
        Found { sums, tally, undecided: Vec::new(), tiles: Vec::new(), corner: Vec::new() }
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

    /// Looks the accounts of a panel up in their order, scenario by scenario. Tells whether that could be done for the whole
    /// tile; else nothing was counted.
    fn look_up(&mut self, packed: &Packed, panel: &Panel<'_>, at: usize, tile: &Tile) -> bool {
        let Some(pairs) = panel.pairs else { return false };
        let kappa = panel.kappa_over(tile);
        let [first, second] = [0, 1].map(|term| tile.values[panel.terms[term].node as usize].0);
        let places = |scenario: usize| {
            let (register, lane) = (scenario / LANES, scenario % LANES);
            pairs.at([first[register][lane], second[register][lane]], kappa)
        };
        let all: Option<Vec<_>> = (0..tile.scenarios.len()).map(places).collect();
        let Some(all) = all else { return false };
        for (scenario, (below, undecided)) in all.into_iter().enumerate() {
            self.sums[at].counts[scenario / LANES][scenario % LANES] += pairs.before(below) as i64;
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
        Sums {
            counts: [[0; LANES]; WIDTH],
            signs: [0; TILE],
            all: 0,
            money: [[[0; LANES]; WIDTH]; 4],
            bound: 0.0,
        }
    }
}

impl Sums {
    #[cold]
    fn flush(&mut self, tile: &Tile, tally: &mut Tally) {
        for (place, &scenario) in tile.scenarios.iter().enumerate() {
            let counts = self.counts.as_flattened()[place] as u64 + u64::from(self.signs[place]) + self.all;
            tally.below[scenario as usize] += counts;
            if let Some(money) = tally.money.get_mut(scenario as usize) {
                money.plus(self.money.map(|sums| i128::from(sums.as_flattened()[place])));
            }
        }
        *self = Sums::default();
    }
}
