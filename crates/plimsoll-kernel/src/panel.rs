//! Packed rows: accounts whose rows have the same terms stand together, eight side by side.
//!
//! A *panel* is the accounts of one market with one shape: the same nodes with the same signs. Its coefficients stand in
//! blocks of eight accounts, term after term, so that a pass over one world reads each number once, in order, and without any
//! index; and a pass over many scenarios has each node's number at hand for all accounts of the panel.

use crate::float::HALF_ULP;
use crate::lower::{Begins, LEAST_SLACK, Lowered, Lowering, RAISE, TermShape, Worth, lower};
use crate::pair::{Pairs, backing_of, ratio};
use crate::world::World;
use plimsoll_core::Compiled;
use std::collections::BTreeMap;

/// Accounts in a block.
pub(crate) const LANES: usize = 8;

/// One number of each account of a block.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lane(pub(crate) [f64; LANES]);

/// A pair whose debt is at least so many times its slack takes part in the order of its panel.
const DUST: f64 = 1e9;

/// No account stands here.
pub(crate) const NOBODY: u32 = u32::MAX;

/// Accounts with rows of one shape.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'p> {
    pub(crate) market: u32,
    pub(crate) terms: &'p [TermShape],
    /// Slack that every row has at most, whatever its own coefficients: node and quanta a unit of it.
    pub(crate) absolute: &'p [(u32, f64)],
    /// Its first block.
    pub(crate) first: usize,
    /// Its first lane of coefficients.
    pub(crate) offset: usize,
    pub(crate) blocks: usize,
    /// One row without hinges.
    pub(crate) plain: bool,
    /// Where every row is one holding and one debt.
    pub(crate) pairs: Option<&'p Pairs>,
}

/// Where the parts of a [`Panel`] stand: a book may have very many panels of a few accounts, which are then read in order.
#[derive(Clone, Copy, Debug)]
struct Placed {
    market: u32,
    terms: [u32; 2],
    absolute: [u32; 2],
    first: u32,
    blocks: u32,
    plain: bool,
    pairs: Option<u32>,
    offset: usize,
}

/// A book's accounts, packed for one line and one lens.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    placed: Vec<Placed>,
    terms: Vec<TermShape>,
    absolute: Vec<(u32, f64)>,
    pairs: Vec<Pairs>,
    pub(crate) coefficients: Vec<Lane>,
    /// What each term is worth at full value; where the coefficients are.
    pub(crate) worth: Vec<Lane>,
    /// For each block, the share of the sum of absolute terms that the verdict may be off by.
    pub(crate) relative: Vec<f64>,
    /// For each block, who stands in it.
    pub(crate) accounts: Vec<[u32; LANES]>,
    /// Accounts without a proven row.
    pub(crate) opaque: Vec<u32>,
    count: u32,
}

/// A market, and the terms of its account's rows.
type Shape = (u32, Vec<TermShape>);

/// Takes a book's accounts, one after the other.
#[derive(Debug, Default)]
pub struct Packing {
    shapes: BTreeMap<Shape, Vec<(u32, Lowered)>>,
    opaque: Vec<u32>,
    count: u32,
}

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

impl Packing {
    /// The next account. Accounts are numbered as they come.
    ///
    /// `None` beyond 2^32 - 2 accounts.
    #[must_use]
    pub fn push(&mut self, compiled: &Compiled, rows: &MarketRows) -> Option<()> {
        let account = self.count;
        self.count = account.checked_add(1).filter(|next| *next != NOBODY)?;
        match lower(compiled, rows.base, rows.epoch, rows.quanta, Worth::Told) {
            Lowering::NoDebt => {}
            Lowering::Opaque => self.opaque.push(account),
            Lowering::Rows(mut lowered) => {
                let terms = std::mem::take(&mut lowered.terms);
                self.shapes.entry((rows.market, terms)).or_default().push((account, lowered));
            }
        }
        Some(())
    }

    /// The packed book. Within a panel the accounts nearest to their line in the world given stand first, so that
    /// those of one block share their fate in a scenario.
    #[must_use]
    pub fn finish(self, near: &World) -> Packed {
        let lanes = |(shape, rows): (&Shape, &Vec<_>)| shape.1.len() * rows.len().div_ceil(LANES);
        let mut packed = Packed { opaque: self.opaque, count: self.count, ..Packed::default() };
        let lanes = self.shapes.iter().map(lanes).sum();
        packed.coefficients = crate::memory::reserved(lanes);
        packed.worth = crate::memory::reserved(lanes);
        for ((market, terms), mut rows) in self.shapes {
            for (_, row) in &mut rows {
                row.terms.clone_from(&terms);
            }
            match backing_of(&terms) {
                // Accounts so small that the venue's roundings are much of them stand apart: the order serves all others.
                Some(backing) => {
                    let absolute = absolute(&rows);
                    let least = slack(&absolute, near) * DUST;
                    let debt = |row: &Lowered| {
                        row.coefficients[1 - backing].abs() * near.value(terms[1 - backing].node)
                    };
                    let (large, dust) = rows.into_iter().partition(|(_, row)| debt(row) >= least);
                    packed.panel(market, &terms, large, near, Some(backing));
                    packed.panel(market, &terms, dust, near, None);
                }
                None => packed.panel(market, &terms, rows, near, None),
            }
        }
        packed
    }
}

impl Packed {
    fn panel(
        &mut self,
        market: u32,
        terms: &[TermShape],
        rows: Vec<(u32, Lowered)>,
        near: &World,
        backing: Option<usize>,
    ) {
        if rows.is_empty() {
            return;
        }
        let absolute = absolute(&rows);
        let key = |row: &Lowered| match backing {
            Some(backing) => ratio(backing, &row.coefficients),
            None => row.nearness(near),
        };
        let mut keyed: Vec<(f64, u32, Lowered)> =
            rows.into_iter().map(|(account, row)| (key(&row), account, row)).collect();
        keyed.sort_by(|(x, a, _), (y, b, _)| x.total_cmp(y).then(a.cmp(b)));
        let (first, offset) = (self.accounts.len(), self.coefficients.len());
        for block in keyed.chunks(LANES) {
            let mut accounts = [NOBODY; LANES];
            let mut relative: f64 = 0.0;
            for (place, (_, account, row)) in block.iter().enumerate() {
                accounts[place] = *account;
                relative = relative.max(row.relative(&absolute));
            }
            self.accounts.push(accounts);
            self.relative.push(relative);
            for term in 0..terms.len() {
                let lane = |of: fn(&Lowered) -> &Vec<f64>| {
                    let mut lane = Lane([0.0; LANES]);
                    for (place, (_, _, row)) in block.iter().enumerate() {
                        lane.0[place] = of(row)[term];
                    }
                    lane
                };
                self.coefficients.push(lane(|row| &row.coefficients));
                self.worth.push(lane(|row| &row.worth));
            }
        }
        let blocks = self.accounts.len() - first;
        let pairs = backing.map(|backing| {
            let rows: Vec<[f64; 2]> =
                keyed.iter().map(|(_, _, row)| [row.coefficients[0], row.coefficients[1]]).collect();
            let relative = self.relative[first..].iter().copied().fold(0.0, f64::max);
            Pairs::new(backing, &rows, relative)
        });
        let pairs = pairs.map(|pairs| {
            self.pairs.push(pairs);
            self.pairs.len() as u32 - 1
        });
        let plain = terms.iter().skip(1).all(|term| term.begins == Begins::Nothing);
        let placed = Placed {
            market,
            terms: [self.terms.len() as u32, terms.len() as u32],
            absolute: [self.absolute.len() as u32, absolute.len() as u32],
            first: first as u32,
            blocks: blocks as u32,
            plain,
            pairs,
            offset,
        };
        self.placed.push(placed);
        self.terms.extend_from_slice(terms);
        self.absolute.extend(absolute);
    }

    /// Every panel, in the order of their markets.
    pub(crate) fn panels(&self) -> impl DoubleEndedIterator<Item = Panel<'_>> {
        self.placed.iter().map(|placed| self.view(placed))
    }

    /// One of them.
    pub(crate) fn at(&self, panel: usize) -> Panel<'_> {
        self.view(&self.placed[panel])
    }

    #[inline(always)]
    fn view(&self, placed: &Placed) -> Panel<'_> {
        let slice = |[begin, len]: [u32; 2]| begin as usize..begin as usize + len as usize;
        Panel {
            market: placed.market,
            terms: &self.terms[slice(placed.terms)],
            absolute: &self.absolute[slice(placed.absolute)],
            first: placed.first as usize,
            offset: placed.offset,
            blocks: placed.blocks as usize,
            plain: placed.plain,
            pairs: placed.pairs.map(|pairs| &self.pairs[pairs as usize]),
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

    /// Bytes that a pass over one world reads.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.coefficients) + size_of_val(&*self.relative)
    }
}

impl Panel<'_> {
    /// The panel's own slack in a world (quanta); not a number where a node that it needs is unknown.
    #[inline(always)]
    pub(crate) fn kappa(&self, world: &World) -> f64 {
        slack(self.absolute, world)
    }

    /// The numbers that its terms stand beside; not a number where one is unknown and counts.
    #[inline(always)]
    pub(crate) fn values(&self, world: &World, into: &mut Vec<f64>) {
        into.clear();
        into.extend(
            self.terms.iter().map(
                |term| {
                    if term.idle { world.value(term.node) } else { world.proving(term.node) }
                },
            ),
        );
    }
}

/// What a slack comes to in a world (quanta); not a number where a node that it needs is unknown.
#[inline(always)]
fn slack(absolute: &[(u32, f64)], world: &World) -> f64 {
    absolute.iter().fold(LEAST_SLACK, |sum, &(node, slack)| sum + slack * world.proving(node)) * RAISE
}

/// The slack that all rows have in common. Of a node that the rows have, as much as the least of them: the rest is a
/// share of their coefficients. Of another, as much as the greatest.
fn absolute(rows: &[(u32, Lowered)]) -> Vec<(u32, f64)> {
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

impl Lowered {
    /// The row over the sum of its absolute terms: what of the debt and the collateral together is free.
    fn nearness(&self, world: &World) -> f64 {
        let products = self.terms.iter().zip(&self.coefficients).map(|(term, c)| c * world.value(term.node));
        let (row, gross) = products.fold((0.0, 0.0), |(row, gross), x: f64| (row + x, gross + x.abs()));
        if gross > 0.0 { row / gross } else { 0.0 }
    }
}
