//! First passage of a whole book: which accounts fall below their lines, on how many of many drawn paths, by when.
//!
//! A tile is 64 paths; they are walked once, from look to look, and shared by all accounts. What a sweep is to many worlds, this is to many
//! paths: each look of a tile is a tile of worlds, judged first over the box that its nodes span, and over that of all looks together.
//! An account that has crossed on a path is not looked at again on it.
//!
//! An account's bound T (see [`crate::lower`]) is taken at a look's greatest: at a look whose row is below -T it has surely crossed, and where
//! the row is within T, or not a number, only integers could tell.
//!
//! Counts are integers, and each account's money is rounded to a quantum when it crosses, so it does not matter who sums what first.

use crate::block::{Block, Corner, MOST_MONEY};
use crate::panel::{LANES, NOBODY, Packed, Panel};
use crate::simd::{Job, Path, Simd};
use crate::threads::Threads;
use crate::worlds::{Across, TILE, Tile, WIDTH};

/// Paths of a book's nodes, made as they are walked: a tile of 64 at a time.
pub trait Walks: Sync {
    /// What a tile of paths keeps from look to look.
    type Walk;

    /// Before the first look of 64 paths, of which this is the first.
    fn begin(&self, first: u64) -> Self::Walk;

    /// Goes to the next look, 0 being the first, and writes what each node is worth there on each path: in the order of a
    /// [`crate::World`], where the first is the number one and stands already. A value that is not a number, below zero or infinite is unknown: then only integers
    /// can tell of accounts that need it, at that look on all paths of the tile.
    fn look(&self, walk: &mut Self::Walk, look: u32, nodes: &mut [Across]);

    /// What money of a market is multiplied with at the look that was gone to, before it is rounded to a quantum: where markets count in
    /// money of their own. `None` for one.
    fn unit(&self, _walk: &Self::Walk, _market: u32) -> Option<Across> {
        None
    }
}

/// How to walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Paths in all.
    pub paths: u64,
    /// How many looks each horizon has; rising. The last is where paths end.
    pub horizons: Vec<u32>,
    /// Sum money, too.
    pub money: bool,
    /// Judge whole tiles first. The answers are the same without.
    pub prune: bool,
    /// The SIMD path.
    pub path: Path,
}

/// What accounts that crossed on one path by a horizon were worth at the look at which they crossed (quanta).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Collateral at full value: what is there to be liquidated. What has no price counts as nothing.
    pub collateral: i128,
    /// Debt at full value.
    pub debt: i128,
    /// Debt beyond collateral, of accounts whose debt is beyond it: bad debt if all that is there is taken at that look's prices.
    pub uncovered: i128,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// For each account and each horizon (account after account): on how many paths it was surely below at some look up to it.
    pub below: Vec<u64>,
    /// The same: on how many more it was not surely below, but at some look only integers could tell.
    pub undecided: Vec<u64>,
    /// For each path and each horizon (path after path), what those that were surely below were worth. Empty where no money was asked for.
    pub losses: Vec<Loss>,
    /// How many times money was too much to be summed (2^52 quanta) or not a number, and is in no sum.
    pub unsummed: u64,
    /// Accounts without a proven row: nothing is counted of them.
    pub opaque: Vec<u32>,
}

/// Tiles that one thread takes at a time.
const TAKEN: u64 = 8;

impl Packed {
    /// Walks all paths with every account.
    ///
    /// `None` without a horizon, or where they do not rise from 1 on.
    #[must_use]
    pub fn passage<W: Walks>(&self, walks: &W, course: &Course, threads: &Threads) -> Option<Passed> {
        let rising = course.horizons.is_sorted_by(|before, after| before < after);
        if !rising || course.horizons.first().is_none_or(|first| *first == 0) {
            return None;
        }
        let tiles = course.paths.div_ceil(TILE as u64);
        let parts: Vec<u64> = (0..tiles).step_by(TAKEN as usize).collect();
        let fresh = || Found::new(self, course);
        let take = |mut found: Found, begin: u64| {
            for tile in begin..(begin + TAKEN).min(tiles) {
                course.path.run(Walking { packed: self, walks, course, tile, found: &mut found });
            }
            found
        };
        let found = threads.fold(parts, fresh, take, |found| found, Found::joined);
        Some(found.passed(self, course))
    }
}

/// One tile, from its first look to its last, with every account.
struct Walking<'a, W> {
    packed: &'a Packed,
    walks: &'a W,
    course: &'a Course,
    tile: u64,
    found: &'a mut Found,
}

impl<W: Walks> Job for Walking<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Walking { packed, walks, course, tile, found } = self;
        let first = tile * TILE as u64;
        let mut looks = std::mem::take(&mut found.looks);
        let mut units = std::mem::take(&mut found.units);
        let markets = if course.money { found.markets } else { 0 };
        units.clear();
        let mut walk = walks.begin(first);
        for (number, look) in (0..).zip(&mut looks) {
            walks.look(&mut walk, number, &mut look.values);
            look.measure(s, &packed.reference);
            units.extend((0..markets).map(|market| walks.unit(&walk, market)));
        }
        let mut all = vec![[f64::INFINITY, 0.0]; packed.reference.len()];
        for look in &looks {
            for (all, [low, high]) in all.iter_mut().zip(&look.ratios) {
                *all = [all[0].min(*low), all[1].max(*high)];
            }
        }
        let paths = (course.paths - first).min(TILE as u64);
        let mut here = Here {
            packed,
            course,
            looks: &looks,
            units: &units,
            markets: markets as usize,
            alive: u64::MAX >> (TILE as u64 - paths),
            losses: vec![[Loss::default(); TILE]; if course.money { course.horizons.len() } else { 0 }],
            corners: std::mem::take(&mut found.corners),
            kappas: Vec::with_capacity(looks.len()),
            ends: Vec::with_capacity(looks.len()),
        };
        for panel in packed.panels() {
            here.panel(s, &panel, &all, found);
        }
        let Here { corners, losses, .. } = here;
        (found.corners, found.looks, found.units) = (corners, looks, units);
        if course.money {
            found.losses.push((first, losses));
        }
    }
}

/// A tile, as a passage goes through the book.
struct Here<'a> {
    packed: &'a Packed,
    course: &'a Course,
    looks: &'a [Tile],
    /// Look after look, of each market.
    units: &'a [Option<Across>],
    markets: usize,
    /// Which of its lanes are paths (bits).
    alive: u64,
    /// For each horizon what crossed since the one before.
    losses: Vec<[Loss; TILE]>,
    /// A panel's corners, look after look; its slack at each; and how many of its blocks each look must see.
    corners: Vec<[f64; 3]>,
    kappas: Vec<f64>,
    ends: Vec<usize>,
}

/// Paths (bits) on which one account of a block has not crossed, and on which it may have.
#[derive(Clone, Copy)]
struct Open {
    alive: u64,
    doubt: u64,
}

impl Here<'_> {
    /// Every account of a panel.
    #[inline(always)]
    fn panel<S: Simd>(&mut self, s: S, panel: &Panel<'_>, all: &[[f64; 2]], found: &mut Found) {
        let end = |ratios| if self.course.prune { panel.reach(ratios) } else { panel.blocks };
        let last = end(all);
        self.ends.clear();
        self.ends
            .extend(self.looks.iter().map(|look| if last > 0 { end(&look.ratios).min(last) } else { 0 }));
        let last = self.ends.iter().copied().max().unwrap_or(0);
        if last == 0 {
            return;
        }
        self.corners.clear();
        self.kappas.clear();
        for look in self.looks {
            self.kappas.push(panel.corner(look, &mut self.corners));
        }
        for block in 0..last {
            self.block(s, panel, block, found);
        }
    }

    /// The accounts of a block, from look to look.
    #[inline(always)]
    fn block<S: Simd>(&mut self, s: S, panel: &Panel<'_>, block: usize, found: &mut Found) {
        let width = panel.terms.len();
        let lanes = panel.offset + block * width..panel.offset + (block + 1) * width;
        let accounts = &self.packed.accounts[panel.first + block];
        let mut rows = Block {
            terms: panel.terms,
            plain: panel.plain(),
            coefficients: &self.packed.coefficients[lanes.clone()],
            worth: &self.packed.worth[lanes],
            relative: self.packed.relative[panel.first + block],
            tile: &self.looks[0],
            money: false,
        };
        let mut open = [Open { alive: self.alive, doubt: 0 }; LANES];
        let mut live = self.packed.live[panel.first + block];
        let (mut interval, mut doubted) = (0, 0_u8);
        for (number, look) in self.looks.iter().enumerate() {
            if block < self.ends[number] && live != 0 {
                rows.tile = look;
                let numbers = &self.corners[number * width..(number + 1) * width];
                let judged = rows.judge(s, Corner { numbers, kappa: self.kappas[number] });
                let mut near = live;
                if self.course.prune {
                    near &= !judged.clear;
                }
                for place in 0..LANES {
                    if near >> place & 1 == 0 {
                        continue;
                    }
                    let of = &mut open[place];
                    let crossed = rows.crossed(s, place, judged.bounds[place], of);
                    if crossed != 0 {
                        let at = accounts[place] as usize * self.course.horizons.len() + interval;
                        found.below[at] += u64::from(crossed.count_ones());
                        if self.course.money {
                            let unit = &self.units[number * self.markets + panel.market as usize];
                            found.unsummed +=
                                rows.lose(s, place, crossed, unit.as_ref(), &mut self.losses[interval]);
                        }
                    }
                    live &= !(u8::from(of.alive == 0) << place);
                    doubted |= u8::from(of.doubt != 0) << place;
                }
            }
            if number + 1 == self.course.horizons[interval] as usize {
                found.doubt(accounts, doubted, &open, self.course.horizons.len(), interval);
                interval += 1;
            }
        }
    }
}

impl Block<'_> {
    /// On which paths an account that had not crossed does so at this look.
    #[inline(always)]
    fn crossed<S: Simd>(&self, s: S, place: usize, bound: f64, open: &mut Open) -> u64 {
        let (mut below, mut clear) = (0, 0);
        for register in 0..WIDTH {
            if open.alive >> (register * LANES) & 0xFF != 0 {
                let row = self.lowest(s, place, register);
                below |= u64::from(s.below(row, s.splat(-bound))) << (register * LANES);
                clear |= u64::from(s.at_least(row, s.splat(bound))) << (register * LANES);
            }
        }
        let crossed = below & open.alive;
        open.alive &= !crossed;
        open.doubt |= open.alive & !clear;
        crossed
    }

    /// Adds what an account is worth on the paths in the mask; gives on how many of them it does not fit.
    #[inline(always)]
    fn lose<S: Simd>(
        &self,
        s: S,
        place: usize,
        crossed: u64,
        unit: Option<&Across>,
        losses: &mut [Loss; TILE],
    ) -> u64 {
        let mut unfit = 0;
        for register in (0..WIDTH).filter(|register| crossed >> (register * LANES) & 0xFF != 0) {
            let [mut collateral, mut debt] = [s.splat(0.0); 2];
            for (lane, term) in self.worth.iter().zip(self.terms) {
                let value = s.load(&self.tile.values[term.node as usize].0[register]);
                let sum = if term.owed { &mut debt } else { &mut collateral };
                *sum = s.mul_add(s.splat(lane.0[place]), value, *sum);
            }
            if let Some(unit) = unit {
                let unit = s.load(&unit.0[register]);
                (collateral, debt) = (s.times(collateral, unit), s.times(debt, unit));
            }
            let mut money = [[0.0; LANES]; 2];
            s.store(&mut money[0], collateral);
            s.store(&mut money[1], debt);
            for lane in (0..LANES).filter(|lane| crossed >> (register * LANES + lane) & 1 == 1) {
                let [collateral, debt] = money.map(|money| money[lane]);
                if collateral.abs() < MOST_MONEY && debt.abs() < MOST_MONEY {
                    let whole = |money: f64| i128::from(money.round_ties_even() as i64);
                    let loss = &mut losses[register * LANES + lane];
                    loss.collateral += whole(collateral);
                    loss.debt += whole(debt);
                    loss.uncovered += whole((debt - collateral).max(0.0));
                } else {
                    unfit += 1;
                }
            }
        }
        unfit
    }
}

/// What is found, while it is found.
struct Found {
    /// For each account and horizon, what crossed since the horizon before.
    below: Vec<u64>,
    undecided: Vec<u64>,
    unsummed: u64,
    /// First path of a tile, and its losses.
    losses: Vec<(u64, Vec<[Loss; TILE]>)>,
    markets: u32,
    /// Room for the looks of a tile, for units, and for corners.
    looks: Vec<Tile>,
    units: Vec<Option<Across>>,
    corners: Vec<[f64; 3]>,
}

impl Found {
    fn new(packed: &Packed, course: &Course) -> Found {
        let cells = packed.len() * course.horizons.len();
        let looks = course.horizons.last().copied().unwrap_or(0);
        Found {
            below: vec![0; cells],
            undecided: vec![0; cells],
            unsummed: 0,
            losses: Vec::new(),
            markets: packed.panels().map(|panel| panel.market + 1).max().unwrap_or(0),
            looks: (0..looks).map(|_| Tile::of_paths(packed.reference.len())).collect(),
            units: Vec::new(),
            corners: Vec::new(),
        }
    }

    /// At a horizon: who may have crossed and is not known to.
    #[inline(always)]
    fn doubt(
        &mut self,
        accounts: &[u32; LANES],
        doubted: u8,
        open: &[Open; LANES],
        horizons: usize,
        interval: usize,
    ) {
        if doubted == 0 {
            return;
        }
        for (open, &account) in open.iter().zip(accounts).filter(|(_, account)| **account != NOBODY) {
            let doubt = (open.alive & open.doubt).count_ones();
            self.undecided[account as usize * horizons + interval] += u64::from(doubt);
        }
    }

    /// What two threads found.
    fn joined(mut self, mut other: Found) -> Found {
        let sums = self.below.iter_mut().chain(&mut self.undecided);
        for (mine, theirs) in sums.zip(other.below.iter().chain(&other.undecided)) {
            *mine += theirs;
        }
        self.unsummed += other.unsummed;
        self.losses.append(&mut other.losses);
        self
    }

    /// From what crossed between horizons to what crossed up to each.
    fn passed(mut self, packed: &Packed, course: &Course) -> Passed {
        for horizons in self.below.chunks_mut(course.horizons.len().max(1)) {
            for at in 1..horizons.len() {
                horizons[at] += horizons[at - 1];
            }
        }
        self.losses.sort_unstable_by_key(|(first, _)| *first);
        let mut losses = Vec::new();
        for (first, tile) in self.losses {
            for path in (0..TILE).take(usize::try_from(course.paths - first).unwrap_or(TILE)) {
                let mut sum = Loss::default();
                losses.extend(tile.iter().map(|since| {
                    sum.plus(since[path]);
                    sum
                }));
            }
        }
        Passed {
            below: self.below,
            undecided: self.undecided,
            losses,
            unsummed: self.unsummed,
            opaque: packed.opaque.clone(),
        }
    }
}

impl Loss {
    fn plus(&mut self, more: Loss) {
        self.collateral += more.collateral;
        self.debt += more.debt;
        self.uncovered += more.uncovered;
    }
}
