//! Many worlds: the scenarios of a sweep, in tiles of like ones.

use crate::lower::ONE;
use crate::panel::{LANES, Packed};
use crate::simd::Simd;
use crate::single::Reference;
use crate::world::World;
use std::array::from_fn;

/// Registers in a tile.
pub(crate) const WIDTH: usize = 8;
/// Scenarios in a tile.
pub(crate) const TILE: usize = WIDTH * LANES;

/// One number of each of 64 scenarios or paths, in registers of eight.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub struct Across(pub [[f64; LANES]; WIDTH]);

impl Across {
    /// The same for all.
    #[must_use]
    pub const fn splat(x: f64) -> Across {
        Across([[x; LANES]; WIDTH])
    }

    /// One after the other.
    #[must_use]
    pub fn flat(&self) -> &[f64] {
        self.0.as_flattened()
    }

    /// The same, to be changed.
    pub fn flat_mut(&mut self) -> &mut [f64] {
        self.0.as_flattened_mut()
    }
}

/// The same in single precision, beside the node's reference.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Singles(pub(crate) [f32; TILE]);

/// Scenarios that are swept together.
#[derive(Clone, Debug)]
pub(crate) struct Tile {
    /// Node after node.
    pub(crate) values: Vec<Across>,
    /// Each node's least and greatest value over the scenarios of the tile; not numbers where it is unknown in one of them.
    ranges: Vec<[f64; 2]>,
    /// Node after node.
    pub(crate) singles: Vec<Singles>,
    /// The least and greatest of those.
    beside: Vec<[f32; 2]>,
    /// Each node's least and greatest beside its reference; zero and infinite where it is unknown in one of them.
    pub(crate) ratios: Vec<[f64; 2]>,
    /// Which scenarios they are, at most [`TILE`].
    pub(crate) scenarios: Vec<u32>,
}

/// Scenarios, ready to be swept over one book.
#[derive(Clone, Debug, Default)]
pub struct Worlds {
    pub(crate) tiles: Vec<Tile>,
    /// The ratios of all tiles together.
    pub(crate) ratios: Vec<[f64; 2]>,
    count: usize,
}

impl Worlds {
    /// Lays scenarios out so that those of a tile are alike where it matters to the book: they are halved along the
    /// node whose range moves most money until a half fits a tile.
    #[must_use]
    pub fn new(worlds: &[World], book: &Packed) -> Worlds {
        let mut scenarios: Vec<u32> = (0..).take(worlds.len()).collect();
        let mut halves = Vec::new();
        halve(worlds, &book.exposure, &mut scenarios, &mut halves);
        let tiles: Vec<Tile> = halves.iter().map(|tile| Tile::new(worlds, tile, &book.reference)).collect();
        let mut ratios = vec![[f64::INFINITY, 0.0]; book.reference.len()];
        for tile in &tiles {
            for (all, [low, high]) in ratios.iter_mut().zip(&tile.ratios) {
                *all = [all[0].min(*low), all[1].max(*high)];
            }
        }
        Worlds { tiles, ratios, count: worlds.len() }
    }

    /// How many scenarios.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

fn halve(worlds: &[World], exposure: &[f64], scenarios: &mut [u32], tiles: &mut Vec<Vec<u32>>) {
    if scenarios.is_empty() {
        return;
    }
    if scenarios.len() <= TILE {
        tiles.push(scenarios.to_vec());
        return;
    }
    let moved = |&(node, exposure): &(usize, f64)| {
        let (low, high) = range(worlds, scenarios, node as u32);
        exposure * (high - low)
    };
    let nodes = exposure.iter().copied().enumerate();
    let widest = nodes.map(|pair| (pair.0, moved(&pair))).max_by(|(_, x), (_, y)| x.total_cmp(y));
    let widest = widest.map_or(ONE, |(node, _)| node as u32);
    scenarios.sort_by(|&x, &y| {
        let value = |scenario: u32| worlds[scenario as usize].value(widest);
        value(x).total_cmp(&value(y)).then(x.cmp(&y))
    });
    // Whole tiles on the left, so that only the last is not full.
    let half = (scenarios.len().div_ceil(TILE) / 2) * TILE;
    let (left, right) = scenarios.split_at_mut(half);
    halve(worlds, exposure, left, tiles);
    halve(worlds, exposure, right, tiles);
}

fn range(worlds: &[World], scenarios: &[u32], node: u32) -> (f64, f64) {
    let values = scenarios.iter().map(|&scenario| worlds[scenario as usize].value(node));
    values.fold((f64::INFINITY, 0.0), |(low, high), value| (low.min(value), high.max(value)))
}

impl Tile {
    fn new(worlds: &[World], scenarios: &[u32], reference: &Reference) -> Tile {
        let nodes = reference.len();
        let mut tile = Tile {
            values: Vec::with_capacity(nodes),
            ranges: Vec::with_capacity(nodes),
            singles: Vec::with_capacity(nodes),
            beside: Vec::with_capacity(nodes),
            ratios: Vec::with_capacity(nodes),
            scenarios: scenarios.to_vec(),
        };
        // Lanes without a scenario repeat the last; nothing is counted of them.
        let world = |place: usize| &worlds[scenarios[place.min(scenarios.len() - 1)] as usize];
        for node in (0..).take(nodes) {
            let across: [[f64; LANES]; WIDTH] =
                from_fn(|register| from_fn(|lane| world(register * LANES + lane).value(node)));
            let (low, high) = range(worlds, scenarios, node);
            let known = scenarios.iter().all(|&scenario| worlds[scenario as usize].known(node));
            let singles: [f32; TILE] = from_fn(|place| reference.value(node, across.as_flattened()[place]));
            let near = known && singles.iter().all(|single| !single.is_nan());
            let beside = [low, high].map(|value| if near { reference.value(node, value) } else { f32::NAN });
            let ratios = [low, high].map(|value| value / reference.of(node));
            tile.values.push(Across(across));
            tile.ranges.push(if known { [low, high] } else { [f64::NAN; 2] });
            tile.singles.push(Singles(singles));
            tile.beside.push(beside);
            tile.ratios.push(if known { ratios } else { [0.0, f64::INFINITY] });
        }
        tile
    }

    /// A look of 64 paths, whose values are written and then measured. It has no singles.
    pub(crate) fn of_paths(nodes: usize) -> Tile {
        Tile {
            values: vec![Across::splat(1.0); nodes],
            ranges: vec![[1.0; 2]; nodes],
            singles: Vec::new(),
            beside: Vec::new(),
            ratios: vec![[1.0; 2]; nodes],
            scenarios: Vec::new(),
        }
    }

    /// The box of all looks of 64 paths; it has no values. Of a node that is unknown at some of them, that of the others.
    pub(crate) fn over(looks: &[Tile]) -> Tile {
        let nodes = looks.first().map_or(0, |look| look.ranges.len());
        let mut over = Tile::of_paths(0);
        over.ranges = vec![[f64::INFINITY, 0.0]; nodes];
        over.ratios = over.ranges.clone();
        for look in looks {
            let boxes = over.ranges.iter_mut().chain(&mut over.ratios);
            for (all, [low, high]) in boxes.zip(look.ranges.iter().chain(&look.ratios)) {
                *all = [all[0].min(*low), all[1].max(*high)];
            }
        }
        over
    }

    /// Some node is unknown.
    pub(crate) fn has_unknown(&self) -> bool {
        self.ranges.iter().any(|range| range[0].is_nan())
    }

    /// Measures the values that were written: what is not a number, below zero or infinite makes its node unknown.
    #[inline(always)]
    pub(crate) fn measure<S: Simd>(&mut self, s: S, reference: &Reference) {
        let zero = s.splat(0.0);
        let ranges = self.ranges.iter_mut().zip(&mut self.ratios);
        for ((node, across), (range, ratio)) in (0..).zip(&mut self.values).zip(ranges) {
            let [mut low, mut high, mut sum] = [f64::INFINITY, 0.0, 0.0].map(|x| s.splat(x));
            let mut below = 0;
            for register in &mut across.0 {
                let x = s.load(register);
                below |= s.below(x, zero);
                sum = s.mul_add(x, zero, sum);
                let known = s.or_zero(x);
                (low, high) = (s.min(low, known), s.where_below(high, known, known, high));
                s.store(register, known);
            }
            let mut each = [[0.0; LANES]; 3];
            for (each, x) in each.iter_mut().zip([low, high, sum]) {
                s.store(each, x);
            }
            let known = below == 0 && each[2].iter().all(|sum| sum.is_finite());
            let found =
                [each[0].into_iter().fold(f64::INFINITY, f64::min), each[1].into_iter().fold(0.0, f64::max)];
            *range = if known { found } else { [f64::NAN; 2] };
            *ratio = if known { found.map(|x| x / reference.of(node)) } else { [0.0, f64::INFINITY] };
        }
    }

    /// The greatest value of a node where it is known; zero where it nowhere is.
    pub(crate) fn greatest(&self, node: u32) -> f64 {
        let across = self.values.get(node as usize).map_or(&[][..], |across| across.0.as_flattened());
        across.iter().copied().fold(0.0, f64::max)
    }

    #[inline(always)]
    pub(crate) fn range(&self, node: u32) -> [f64; 2] {
        self.ranges.get(node as usize).copied().unwrap_or([f64::NAN; 2])
    }

    /// The same of its singles.
    #[inline(always)]
    pub(crate) fn beside(&self, node: u32) -> [f32; 2] {
        self.beside.get(node as usize).copied().unwrap_or([f32::NAN; 2])
    }
}
