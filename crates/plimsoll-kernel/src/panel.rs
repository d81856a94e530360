//! Packed rows: accounts whose rows have the same terms stand together, eight side by side.
//!
//! A *panel* is the accounts of one market with one shape: the same nodes with the same signs. Its coefficients stand in
//! blocks of eight accounts, term after term, so that a pass over one world reads each number once, in order; and a pass over many
//! scenarios has each node's number at hand for all accounts of the panel. Beside them stand the same in single precision
//! ([`crate::single`]), which is all that most passes read. A book may have very many panels of a few accounts: those of
//! as many terms are a *run*, which is read as one, with each block's nodes beside it.

use crate::float::HALF_ULP;
use crate::lower::{LEAST_SLACK, Lowered, RAISE, TermShape};
use crate::pair::Pairs;
use crate::single::{Bound, Reference, Single};
use crate::world::World;

/// Accounts in a block.
pub(crate) const LANES: usize = 8;

/// One number of each account of a block.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lane(pub(crate) [f64; LANES]);

/// The places of a mask, and how many there are.
#[inline(always)]
pub(crate) fn places(mask: u8) -> ([usize; LANES], usize) {
    let (mut each, mut some) = ([0, 1, 2, 3, 4, 5, 6, 7], LANES);
    if mask != u8::MAX {
        some = 0;
        for lane in 0..LANES {
            each[some] = lane;
            some += usize::from(mask >> lane & 1 == 1);
        }
    }
    (each, some)
}

/// No account stands here.
pub(crate) const NOBODY: u32 = u32::MAX;

/// What the market of an account tells of its rows.
#[derive(Clone, Copy, Debug)]
pub struct MarketRows {
    /// The market's place in the book.
    pub market: u32,
    /// Where its nodes stand in a world ([`crate::Layout::base`]).
    pub base: u32,
    /// Its epoch: rows of another are always candidates.
    pub epoch: u64,
    /// Quanta in one unit of the exact headroom: what money is rounded to. From 1e-100 to 1e100; outside, every account is
    /// a candidate.
    pub quanta: f64,
}

impl MarketRows {
    /// Of a market whose money is not summed: a quantum is a unit.
    #[must_use]
    pub const fn screened(market: u32, base: u32, epoch: u64) -> MarketRows {
        MarketRows { market, base, epoch, quanta: 1.0 }
    }

    /// The same of a market that is swept for counts: a quantum is so large that no account has too many of them, in whatever
    /// unit the venue compares.
    #[must_use]
    pub const fn counted(market: u32, base: u32, epoch: u64) -> MarketRows {
        MarketRows { market, base, epoch, quanta: 1e-60 }
    }
}

/// How a panel is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// One row without hinges, part of a [`Run`].
    Filtered,
    /// The same, with a node whose place in the world a run cannot hold.
    Plain,
    /// One holding and one debt, looked up in their order.
    Pairs,
    /// Several rows, hinges, or too many terms.
    Wide,
}

/// Accounts with rows of one shape.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'p> {
    pub(crate) market: u32,
    pub(crate) kind: Kind,
    pub(crate) terms: &'p [TermShape],
    /// Slack that every row has at most, whatever its own coefficients: node and quanta a unit of it.
    pub(crate) absolute: &'p [(u32, f64)],
    /// Its first block.
    pub(crate) first: usize,
    /// Its first lane of coefficients.
    pub(crate) offset: usize,
    pub(crate) blocks: usize,
    /// Where every row is one holding and one debt.
    pub(crate) pairs: Option<&'p Pairs>,
    /// Of each block, how near its nearest account is ([`crate::order`]); rising.
    pub(crate) keys: &'p [f64],
    /// The greatest that stands on one of its accounts at the reference (quanta).
    pub(crate) most: f64,
    /// What a quantum is in singles; zero where nothing is proven of them.
    pub(crate) unit: f64,
}

/// Where the parts of a [`Panel`] stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) market: u32,
    pub(crate) kind: Kind,
    pub(crate) terms: [u32; 2],
    pub(crate) absolute: [u32; 2],
    pub(crate) first: u32,
    pub(crate) blocks: u32,
    pub(crate) pairs: Option<u32>,
    pub(crate) offset: usize,
    pub(crate) unit: f64,
    pub(crate) most: f64,
}

/// Panels of one width, block after block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Terms of a row.
    pub(crate) width: usize,
    /// Its first block.
    pub(crate) first: usize,
    pub(crate) blocks: usize,
    /// Its first lane of coefficients.
    pub(crate) offset: usize,
    /// Its first node.
    pub(crate) nodes: usize,
}

/// A book's accounts, packed for one line and one lens.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    pub(crate) placed: Vec<Placed>,
    /// The runs, in order.
    pub(crate) runs: Vec<Run>,
    /// The panels that stand in none.
    pub(crate) others: Vec<u32>,
    pub(crate) terms: Vec<TermShape>,
    pub(crate) absolute: Vec<(u32, f64)>,
    pub(crate) pairs: Vec<Pairs>,
    pub(crate) reference: Reference,
    /// Money that stands on each node (quanta a unit), without signs.
    pub(crate) exposure: Vec<f64>,
    /// For each block of a run, its terms' nodes.
    pub(crate) nodes: Vec<u16>,
    pub(crate) coefficients: Vec<Lane>,
    /// What each term is worth at full value; where the coefficients are.
    pub(crate) worth: Vec<Lane>,
    /// The coefficients in single precision; where they are.
    pub(crate) singles: Vec<Single>,
    /// For each block, the share of the sum of absolute terms that the verdict may be off by.
    pub(crate) relative: Vec<f64>,
    /// For each block, what bounds its singles.
    pub(crate) bounds: Vec<Bound>,
    /// For each block, its place in the order of its panel.
    pub(crate) keys: Vec<f64>,
    /// For each block, the lanes in which somebody stands (bits).
    pub(crate) live: Vec<u8>,
    /// For each block, who stands in it.
    pub(crate) accounts: Vec<[u32; LANES]>,
    /// Accounts without a proven row.
    pub(crate) opaque: Vec<u32>,
    pub(crate) count: u32,
    /// For each account, its block times [`LANES`] and its lane.
    pub(crate) slots: Vec<u64>,
    /// So many panels stand in the order of their markets; those behind are of accounts that were moved.
    pub(crate) sorted: usize,
    pub(crate) moved: usize,
}

impl Packed {
    /// Every panel.
    pub(crate) fn panels(&self) -> impl Iterator<Item = Panel<'_>> {
        self.placed.iter().map(|placed| self.view(placed))
    }

    /// One of them.
    pub(crate) fn at(&self, panel: usize) -> Panel<'_> {
        self.view(&self.placed[panel])
    }

    /// The panel in which a block stands.
    pub(crate) fn holds(&self, block: usize) -> Panel<'_> {
        self.at(self.panel_of(block))
    }

    /// Which panel that is.
    pub(crate) fn panel_of(&self, block: usize) -> usize {
        self.placed.partition_point(|placed| placed.first as usize <= block) - 1
    }

    /// The panels of a market.
    pub(crate) fn of_market(&self, market: u32) -> impl Iterator<Item = usize> {
        let sorted = &self.placed[..self.sorted];
        let begin = sorted.partition_point(|placed| placed.market < market);
        let end = sorted.partition_point(|placed| placed.market <= market);
        let moved = (self.sorted..self.placed.len()).filter(move |&at| self.placed[at].market == market);
        (begin..end).chain(moved)
    }

    #[inline(always)]
    fn view(&self, placed: &Placed) -> Panel<'_> {
        let slice = |[begin, len]: [u32; 2]| begin as usize..begin as usize + len as usize;
        let first = placed.first as usize;
        Panel {
            market: placed.market,
            kind: placed.kind,
            terms: &self.terms[slice(placed.terms)],
            absolute: &self.absolute[slice(placed.absolute)],
            first,
            offset: placed.offset,
            blocks: placed.blocks as usize,
            pairs: placed.pairs.map(|pairs| &self.pairs[pairs as usize]),
            keys: &self.keys[first..first + placed.blocks as usize],
            most: placed.most,
            unit: placed.unit,
        }
    }

    /// How many accounts were taken in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many shapes of rows there are.
    #[must_use]
    pub fn shapes(&self) -> usize {
        self.placed.len()
    }

    /// Bytes that a pass over one world reads where nobody is near a line: singles with their bounds and nodes, and what does not
    /// stand in a run. The order of pairs is looked up, and not read.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let run = |run: &Run| {
            let term = size_of::<Single>() + size_of::<u16>();
            run.blocks * (run.width * term + size_of::<Bound>())
        };
        let other = |panel: Panel<'_>| match panel.kind {
            Kind::Filtered | Kind::Pairs => 0,
            Kind::Plain | Kind::Wide => {
                panel.blocks * (panel.terms.len() * size_of::<Lane>() + size_of::<f64>())
            }
        };
        self.runs.iter().map(run).sum::<usize>() + self.panels().map(other).sum::<usize>()
    }
}

impl Panel<'_> {
    /// One row without hinges.
    pub(crate) fn plain(&self) -> bool {
        self.kind != Kind::Wide
    }

    /// The panel's own slack in a world (quanta); not a number where a node that it needs is unknown.
    #[inline(always)]
    pub(crate) fn kappa(&self, world: &World) -> f64 {
        slack(self.absolute, world)
    }

    /// The numbers that its terms stand beside; not a number where one is unknown and counts.
    #[inline(always)]
    pub(crate) fn values(&self, world: &World) -> Vec<f64> {
        let value =
            |term: &TermShape| if term.idle { world.value(term.node) } else { world.proving(term.node) };
        self.terms.iter().map(value).collect()
    }
}

/// What a slack comes to in a world (quanta); not a number where a node that it needs is unknown.
#[inline(always)]
pub(crate) fn slack(absolute: &[(u32, f64)], world: &World) -> f64 {
    absolute.iter().fold(LEAST_SLACK, |sum, &(node, slack)| sum + slack * world.proving(node)) * RAISE
}

/// The slack that all rows have in common. Of a node that the rows have, as much as the least of them: the rest is a
/// share of their coefficients. Of another, as much as the greatest.
pub(crate) fn absolute(rows: &[(u32, Lowered)]) -> Vec<(u32, f64)> {
    let mut nodes: Vec<u32> =
        rows.iter().flat_map(|(_, row)| row.slack.iter().map(|(node, _)| *node)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let of =
        |row: &Lowered, node| row.slack.iter().find(|(known, _)| *known == node).map_or(0.0, |(_, s)| *s);
    let common = |node| {
        let all = rows.iter().map(|(_, row)| of(row, node));
        let held = rows.iter().all(|(_, row)| row.weight(node) > 0.0);
        let common = if held { all.fold(f64::INFINITY, f64::min) } else { all.fold(0.0, f64::max) };
        (node, common * (RAISE + 8.0 * HALF_ULP))
    };
    nodes.into_iter().map(common).collect()
}
