//! First passage of a whole book: which accounts fall below their lines, on how many of many drawn paths, by when.
//!
//! A tile is 64 paths; they are walked once, from look to look, and shared by all accounts. What a sweep is to many worlds, this is to many
//! paths: each look of a tile is a tile of worlds. An account is judged first over the box that the nodes of all looks span, eight at a time, and
//! then at each look over the box of that. One that has crossed on a path is not looked at again on it.
//!
//! An account's bound T (see [`crate::lower`]) is taken at the greatest of all looks of the tile: at a look whose row is below -T it has surely
//! crossed, and where the row is within T, or a node is unknown, only integers could tell.
//!
//! Counts are integers, and each account's money is rounded to a quantum when it crosses, so it does not matter who sums what first.

use crate::block::{Block, Corner, MOST_MONEY};
use crate::panel::{LANES, Packed, Panel, places};
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
        let whole = Tile::over(&looks);
        let paths = (course.paths - first).min(TILE as u64);
        let mut here = Here {
            packed,
            course,
            looks: &looks,
            whole: &whole,
            unknown: looks.iter().map(Tile::has_unknown).collect(),
            units: &units,
            markets: markets as usize,
            alive: u64::MAX >> (TILE as u64 - paths),
            losses: vec![[Loss::default(); TILE]; if course.money { course.horizons.len() } else { 0 }],
            corner: std::mem::take(&mut found.corner),
        };
        for panel in packed.panels() {
            here.panel(s, &panel, found);
        }
        let Here { corner, losses, .. } = here;
        (found.corner, found.looks, found.units) = (corner, looks, units);
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
    /// The box of all looks, and at which of them some node is unknown.
    whole: &'a Tile,
    unknown: Vec<bool>,
    /// Look after look, of each market.
    units: &'a [Option<Across>],
    markets: usize,
    /// Which of its lanes are paths (bits).
    alive: u64,
    /// For each horizon what crossed since the one before.
    losses: Vec<[Loss; TILE]>,
    /// A panel's corners over all looks.
    corner: Vec<[f64; 3]>,
}

/// Paths (bits) on which one account of a block has not crossed, and on which it may have.
#[derive(Clone, Copy)]
struct Open {
    alive: u64,
    doubt: u64,
}

impl<'a> Here<'a> {
    /// Every account of a panel.
    #[inline(always)]
    fn panel<S: Simd>(&mut self, s: S, panel: &Panel<'a>, found: &mut Found) {
        let packed = self.packed;
        let last = if self.course.prune { panel.reach(&self.whole.ratios) } else { panel.blocks };
        if last == 0 {
            return;
        }
        self.corner.clear();
        let kappa = panel.corner(self.whole, &mut self.corner);
        let sure = self.looks.iter().zip(&self.unknown).all(|(look, unknown)| !unknown || panel.known(look));
        for block in 0..last {
            let width = panel.terms.len();
            let lanes = panel.offset + block * width..panel.offset + (block + 1) * width;
            let rows = Block {
                terms: panel.terms,
                plain: panel.plain(),
                coefficients: &packed.coefficients[lanes.clone()],
                worth: &packed.worth[lanes],
                relative: packed.relative[panel.first + block],
                tile: self.whole,
                money: false,
            };
            let judged = rows.judge(s, Corner { numbers: &self.corner, kappa });
            let mut open = packed.live[panel.first + block];
            if self.course.prune && sure {
                open &= !judged.clear;
            }
            let (each, some) = places(open);
            for &place in &each[..some] {
                let account = packed.accounts[panel.first + block][place];
                self.account(s, panel, rows, place, account, (judged.bounds[place], sure), found);
            }
        }
    }

    /// One account, from look to look.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)] // inlined: they are names of what stands in the loop
    fn account<S: Simd>(
        &mut self,
        s: S,
        panel: &Panel<'a>,
        mut rows: Block<'a>,
        place: usize,
        account: u32,
        (bound, sure): (f64, bool),
        found: &mut Found,
    ) {
        let cells = account as usize * self.course.horizons.len();
        let mut open = Open { alive: self.alive, doubt: 0 };
        let mut interval = 0;
        for (number, look) in self.looks.iter().enumerate() {
            rows.tile = look;
            let known = sure || !self.unknown[number] || panel.known(look);
            let clear = self.course.prune && known && rows.plain && rows.worst(place) > bound;
            if !clear {
                let bound = if known { bound } else { f64::NAN };
                let crossed = rows.crossed(s, place, bound, &mut open);
                if crossed != 0 {
                    found.below[cells + interval] += u64::from(crossed.count_ones());
                    if self.course.money {
                        let unit = &self.units[number * self.markets + panel.market as usize];
                        let losses = &mut self.losses[interval];
                        found.unsummed += rows.lose(s, place, crossed, unit.as_ref(), losses);
                    }
                    if open.alive == 0 {
                        return;
                    }
                }
            }
            if number + 1 == self.course.horizons[interval] as usize {
                found.undecided[cells + interval] += u64::from((open.alive & open.doubt).count_ones());
                interval += 1;
            }
        }
    }
}

impl Panel<'_> {
    /// Every node that its rows need is known on all paths.
    fn known(&self, look: &Tile) -> bool {
        let needed = self.terms.iter().filter(|term| !term.idle).map(|term| term.node);
        let slack = self.absolute.iter().map(|(node, _)| *node);
        needed.chain(slack).all(|node| !look.range(node)[0].is_nan())
    }
}

impl Block<'_> {
    /// The least that one account's row, without hinges, can be in the box of its tile: no scenario's is less, added in the same order.
    #[inline(always)]
    fn worst(&self, place: usize) -> f64 {
        let mut row = 0.0;
        for (lane, term) in self.coefficients.iter().zip(self.terms) {
            let [low, high] = self.tile.range(term.node);
            row = lane.0[place].mul_add(if term.negative { high } else { low }, row);
        }
        row
    }

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
    /// Room for the looks of a tile, for units, and for a corner.
    looks: Vec<Tile>,
    units: Vec<Option<Across>>,
    corner: Vec<[f64; 3]>,
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
            corner: Vec::new(),
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
