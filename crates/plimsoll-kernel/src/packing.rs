//! Packing: accounts come one after the other, and stand by their shapes in the end.

use crate::lower::{Begins, Lowered, Lowering, TermShape, Worth, lower};
use crate::memory::reserved;
use crate::order::{Near, rising};
use crate::pair::{Pairs, backing_of, ratio};
use crate::panel::{Kind, LANES, Lane, MarketRows, NOBODY, Packed, Placed, Run, absolute, slack};
use crate::single::{self, Bound, MOST_TERMS, Reference, Single};
use crate::update::NOWHERE;
use crate::world::World;
use plimsoll_core::Compiled;
use std::collections::BTreeMap;

/// A pair whose debt is at least so many times its slack takes part in the order of its panel.
const DUST: f64 = 1e9;

/// A market, and the terms of its account's rows.
type Shape = (u32, Vec<TermShape>);

/// Takes a book's accounts, one after the other.
#[derive(Debug, Default)]
pub struct Packing {
    shapes: BTreeMap<Shape, Vec<(u32, Lowered)>>,
    opaque: Vec<u32>,
    count: u32,
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
        let mut groups = Vec::new();
        for ((market, terms), mut rows) in self.shapes {
            for (_, row) in &mut rows {
                row.terms.clone_from(&terms);
            }
            let kind = Kind::of(&terms);
            let Some(backing) = backing_of(&terms) else {
                groups.push(Group { market, kind, terms, rows });
                continue;
            };
            // Accounts so small that the venue's roundings are much of them stand apart: the order serves all others.
            let least = slack(&absolute(&rows), near) * DUST;
            let debt =
                |row: &Lowered| row.coefficients[1 - backing].abs() * near.value(terms[1 - backing].node);
            let (large, dust) = rows.into_iter().partition(|(_, row)| debt(row) >= least);
            groups.push(Group { market, kind: Kind::Pairs, terms: terms.clone(), rows: large });
            groups.push(Group { market, kind, terms, rows: dust });
        }
        groups.retain(|group| !group.rows.is_empty());
        // Panels of one market that are read in one way, and of as many terms, stand together. The sort keeps the order of shapes.
        groups.sort_by_key(|group| (group.market, group.kind, group.terms.len()));
        let nodes = groups.iter().flat_map(|group| &group.terms).map(|term| term.node as usize + 1);
        let mut packed = Packed {
            opaque: self.opaque,
            count: self.count,
            reference: Reference::new(near, nodes.max().unwrap_or(1).max(near.len())),
            slots: vec![NOWHERE; self.count as usize],
            ..Packed::default()
        };
        let lanes = |group: &Group| group.terms.len() * group.rows.len().div_ceil(LANES);
        let lanes = groups.iter().map(lanes).sum();
        packed.exposure = vec![0.0; packed.reference.len()];
        packed.coefficients = reserved(lanes);
        packed.worth = reserved(lanes);
        packed.singles = reserved(lanes);
        for group in groups {
            packed.panel(group);
        }
        packed.sorted = packed.placed.len();
        packed
    }
}

/// What becomes a panel.
pub(crate) struct Group {
    pub(crate) market: u32,
    pub(crate) kind: Kind,
    pub(crate) terms: Vec<TermShape>,
    pub(crate) rows: Vec<(u32, Lowered)>,
}

impl Kind {
    /// Of rows that are not looked up in an order.
    pub(crate) fn of(terms: &[TermShape]) -> Kind {
        let plain = terms.iter().skip(1).all(|term| term.begins == Begins::Nothing);
        let near = terms.iter().all(|term| u16::try_from(term.node).is_ok());
        if !plain || terms.len() > MOST_TERMS {
            Kind::Wide
        } else if near {
            Kind::Filtered
        } else {
            Kind::Plain
        }
    }
}

impl Packed {
    /// Adds a panel behind all others.
    pub(crate) fn panel(&mut self, group: Group) {
        let Group { market, kind, terms, rows } = group;
        let absolute = absolute(&rows);
        let backing = if kind == Kind::Pairs { backing_of(&terms) } else { None };
        let reference = std::mem::take(&mut self.reference);
        let order = Near::new(&absolute, &reference);
        let key = |row: &Lowered| match (backing, kind) {
            (Some(backing), _) => ratio(backing, &row.coefficients),
            (None, Kind::Wide) => row.nearness(&reference),
            (None, _) => order.key(row, row.relative(&absolute)),
        };
        let mut keyed: Vec<(f64, u32, Lowered)> =
            rows.into_iter().map(|(account, row)| (key(&row), account, row)).collect();
        keyed.sort_by(|(x, a, _), (y, b, _)| x.total_cmp(y).then(a.cmp(b)));
        let unit = single::unit(keyed.iter().map(|(_, _, row)| row), &reference);
        let (first, offset) = (self.accounts.len(), self.coefficients.len());
        for block in keyed.chunks(LANES) {
            let relative = block.iter().map(|(_, _, row)| row.relative(&absolute)).fold(0.0, f64::max);
            let mut accounts = [NOBODY; LANES];
            let slot = (self.accounts.len() * LANES) as u64;
            for ((place, (_, account, _)), slot) in accounts.iter_mut().zip(block).zip(slot..) {
                *place = *account;
                self.slots[*account as usize] = slot;
            }
            self.accounts.push(accounts);
            self.live.push(u8::MAX >> (LANES - block.len()));
            self.relative.push(relative);
            let of =
                |row: &Lowered| if kind == Kind::Wide { f64::NEG_INFINITY } else { order.key(row, relative) };
            self.keys.push(block.iter().map(|(_, _, row)| of(row)).fold(f64::INFINITY, f64::min));
            let lane = |of: fn(&Lowered) -> &Vec<f64>, term: usize| {
                let mut lane = Lane([0.0; LANES]);
                for (place, (_, _, row)) in lane.0.iter_mut().zip(block) {
                    *place = of(row)[term];
                }
                lane
            };
            for (term, shape) in terms.iter().enumerate() {
                let coefficients = lane(|row| &row.coefficients, term);
                self.exposure[shape.node as usize] += coefficients.0.iter().map(|c| c.abs()).sum::<f64>();
                self.coefficients.push(coefficients);
                self.worth.push(lane(|row| &row.worth, term));
            }
            let (singles, bound) = match kind {
                Kind::Wide => (vec![Single::ZERO; terms.len()], Bound::NONE),
                _ => single::block(block, &absolute, relative, &reference, unit),
            };
            self.singles.extend(singles);
            self.bounds.push(bound);
        }
        rising(&mut self.keys[first..]);
        let blocks = self.accounts.len() - first;
        let most = keyed.iter().map(|(_, _, row)| order.most(row)).fold(0.0, f64::max);
        let pairs = backing.map(|backing| {
            let rows: Vec<[f64; 2]> =
                keyed.iter().map(|(_, _, row)| [row.coefficients[0], row.coefficients[1]]).collect();
            let relative = self.relative[first..].iter().copied().fold(0.0, f64::max);
            self.pairs.push(Pairs::new(backing, &rows, relative));
            self.pairs.len() as u32 - 1
        });
        self.reference = reference;
        if kind == Kind::Filtered {
            self.run(&terms, first, blocks, offset);
        } else {
            self.others.push(self.placed.len() as u32);
        }
        self.placed.push(Placed {
            market,
            kind,
            terms: [self.terms.len() as u32, terms.len() as u32],
            absolute: [self.absolute.len() as u32, absolute.len() as u32],
            first: first as u32,
            blocks: blocks as u32,
            pairs,
            offset,
            unit,
            most,
        });
        self.terms.extend(terms);
        self.absolute.extend(absolute);
    }

    /// Adds a panel's blocks to the run of its width.
    fn run(&mut self, terms: &[TermShape], first: usize, blocks: usize, offset: usize) {
        let next = |run: &Run| run.width == terms.len() && run.first + run.blocks == first;
        let goes_on = self.runs.last().is_some_and(next);
        if !goes_on {
            let (width, nodes) = (terms.len(), self.nodes.len());
            self.runs.push(Run { width, first, blocks: 0, offset, nodes });
        }
        if let Some(run) = self.runs.last_mut() {
            run.blocks += blocks;
        }
        for _ in 0..blocks {
            self.nodes.extend(terms.iter().map(|term| term.node as u16));
        }
    }
}

impl Lowered {
    /// The row over the sum of its absolute terms: what of the debt and the collateral together is free.
    fn nearness(&self, reference: &Reference) -> f64 {
        let products =
            self.terms.iter().zip(&self.coefficients).map(|(term, &c)| reference.worth(term.node, c));
        let (row, gross) = products.fold((0.0, 0.0), |(row, gross), x: f64| (row + x, gross + x.abs()));
        if gross > 0.0 { row / gross } else { 0.0 }
    }
}
