//! Implied volatilities: the list `vol_surface` of `book.toml` and the table `vols.csv`, or the lists `vol_surfaces` and
//! `vols` of a one-file book.
//!
//! A surface of which a row is faulty joins without points, so that all of it is unknown: neighbours are looked for, and
//! the nearest of some points is not the nearest of all. Where a row does not say clearly whose it is, no surface has points.

use crate::book::rows::{self, Record};
use crate::book::{files, head};
use crate::fault::{Code, Log, Source, nearest, quoted};
use crate::scalar;
use crate::table::{Column, Holds};
use crate::tree::{Fields, Node, digits, text};
use plimsoll_core::{Decimal, Graph, VOL_DIGITS, VOL_MAX, VolError, VolHead, VolPoint, VolSurface};
use std::collections::HashMap;

pub(super) const COLUMNS: &[Column] = &[
    Column { name: "surface", needed: true, holds: Holds::Text },
    Column { name: "expiry", needed: true, holds: Holds::Time },
    Column { name: "strike", needed: true, holds: Holds::Amount },
    Column { name: "volatility", needed: true, holds: Holds::Amount },
];

/// More surfaces than this are refused.
const SURFACES_MAX: usize = 1000;
/// More points than this, of all surfaces, are refused.
const POINTS_MAX: u64 = 1_000_000;

/// The surfaces while they are being read.
pub(super) struct Surfaces {
    listed: Vec<Listed>,
    /// The place of each name in the list; `None` where its head is faulty, which is told there.
    places: HashMap<String, Option<usize>>,
    /// `false` when a head could not be read at all: then a name that is not there may be its.
    complete: bool,
    points: u64,
    /// Nobody can tell whose points are all there.
    spoilt: bool,
}

struct Listed {
    surface: VolSurface,
    sound: bool,
}

impl Surfaces {
    /// Reads what the surfaces say of themselves; without a list, which is told, nobody knows which there are.
    pub(super) fn heads(nodes: Option<&[Node]>, log: &mut Log) -> Surfaces {
        let complete = nodes.is_some_and(|nodes| nodes.len() <= SURFACES_MAX);
        let nodes = nodes.unwrap_or(&[]);
        let mut surfaces =
            Surfaces { listed: Vec::new(), places: HashMap::new(), complete, points: 0, spoilt: !complete };
        if let Some(node) = nodes.get(SURFACES_MAX) {
            let expected = format!("at most {SURFACES_MAX}");
            log.at(Code::TooLarge, node.span, format!("{} surfaces", nodes.len()), expected);
        }
        for node in nodes.iter().take(SURFACES_MAX) {
            surfaces.head(node, log);
        }
        surfaces
    }

    fn head(&mut self, node: &Node, log: &mut Log) {
        let Some(mut fields) = Fields::of(node, log) else { return self.nameless() };
        let mut named = |field| {
            let node = fields.need(field, log)?;
            Some((scalar::name(text(node, log)?, node.span, log)?, node.span))
        };
        let (name, underlying, currency, source) =
            (named("name"), named("underlying"), named("currency"), named("source"));
        let observed_at = fields.need("observed_at", log).and_then(|node| head::time(node, log));
        let limit = fields.take("max_age");
        let max_age = limit.and_then(|node| scalar::duration(digits(node, log)?, node.span, log));
        fields.finish(log);
        let Some((name, span)) = name else { return self.nameless() };
        if let Some(place) = self.places.get(name) {
            log.at(Code::DuplicateName, span, quoted(name), "a name that no other surface has");
            if let Some(listed) = place.and_then(|place| self.listed.get_mut(place)) {
                listed.sound = false;
            }
            return;
        }
        let head = || {
            let [(underlying, _), (currency, _), (source, _)] = [underlying?, currency?, source?];
            let max_age = if limit.is_some() { Some(max_age?) } else { None };
            Some(VolHead {
                name: name.to_string(),
                underlying: underlying.to_string(),
                currency: currency.to_string(),
                source: source.to_string(),
                observed_at: observed_at?,
                max_age,
            })
        };
        let head = head();
        self.places.insert(name.to_string(), head.is_some().then_some(self.listed.len()));
        let sound = !node.repeats();
        self.listed.extend(head.map(|head| Listed { surface: VolSurface::new(head), sound }));
    }

    /// A surface without a name: any row that names none of the others may be its.
    fn nameless(&mut self) {
        self.complete = false;
    }

    /// Reads the table of a folder, which must be there where there are surfaces.
    pub(super) fn table(&mut self, sources: &[Source], log: &mut Log) {
        let there = sources.iter().any(|source| matches!(&*source.name, "vols.csv" | "vols.parquet"));
        if !there && self.places.is_empty() && self.complete {
            return;
        }
        let whole = files::table("vols", sources, log).is_some_and(|(id, source)| {
            rows::of_table(source, id, COLUMNS, log, |record, sound, log| self.point(record, sound, log))
        });
        self.spoilt |= !whole;
    }

    /// Reads the list of a one-file book.
    pub(super) fn list(&mut self, nodes: &[Node], log: &mut Log) {
        let whole = rows::of_list(nodes, COLUMNS, log, |record, sound, log| self.point(record, sound, log));
        self.spoilt |= !whole;
    }

    /// Nothing of the book is to be relied upon.
    pub(super) fn spoil(&mut self) {
        self.spoilt = true;
    }

    /// Adds the surfaces to the prices.
    pub(super) fn finish(self, graph: &mut Graph) {
        for Listed { surface, sound } in self.listed {
            let whole = sound && !self.spoilt;
            let surface = if whole { surface } else { VolSurface::new(surface.head().clone()) };
            // Names were compared when they were read.
            let _ = graph.add_surface(surface);
        }
    }

    fn point(&mut self, record: &Record<'_>, sound: bool, log: &mut Log) {
        self.points += 1;
        if self.points > POINTS_MAX {
            if self.points == POINTS_MAX + 1 {
                let expected = format!("at most {POINTS_MAX} points");
                log.at(Code::TooLarge, record.span, "one more point", expected);
            }
            self.spoilt = true;
            return;
        }
        let place = if sound { self.whose(record, log) } else { Err(()) };
        let Ok(place) = place else {
            self.spoilt = true;
            return;
        };
        // The rows of a faulty head are read all the same: what is wrong with them is not told one after another.
        let point = read(record, log);
        let Some(listed) = place.and_then(|place| self.listed.get_mut(place)) else { return };
        let joined = point.is_some_and(|point| match listed.surface.add(point) {
            Ok(()) => true,
            Err(error) => {
                tell(error, &listed.surface, record, log);
                false
            }
        });
        listed.sound &= joined;
    }

    /// The surface that a row names; `Ok(None)` where its head is faulty, `Err` where there is none.
    fn whose(&self, record: &Record<'_>, log: &mut Log) -> Result<Option<usize>, ()> {
        let cell = record.need(0, log).ok_or(())?;
        let name = scalar::name(&cell.text, cell.span, log).ok_or(())?;
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        if !self.complete {
            return Err(());
        }
        let fault = log.at(Code::NoSuchSurface, cell.span, quoted(name), "a `vol_surface` of the book");
        if let Some(near) = nearest(name, self.places.keys().map(String::as_str)) {
            fault.help(format!("did you mean `{near}`?"));
        }
        Err(())
    }
}

fn read(record: &Record<'_>, log: &mut Log) -> Option<VolPoint> {
    let expiry = record.need(1, log).and_then(|cell| scalar::time(&cell.text, cell.span, log));
    let mut number = |column| -> Option<Decimal> {
        let cell = record.need(column, log)?;
        scalar::amount(&cell.text, cell.span, log)
    };
    let (strike, volatility) = (number(2), number(3));
    Some(VolPoint { expiry: expiry?, strike: strike?, volatility: volatility? })
}

/// Tells why a point does not join, at the cell that is wrong.
fn tell(error: VolError, surface: &VolSurface, record: &Record<'_>, log: &mut Log) {
    let observed = crate::time::show(surface.head().observed_at);
    let digits = format!("at most {VOL_DIGITS} digits after the point");
    let (column, code, expected) = match error {
        VolError::Expired => (1, Code::Expired, format!("a time after the observation at {observed}")),
        VolError::Strike => (2, Code::OutOfRange, "a strike above 0 that fits 256 bits".to_string()),
        VolError::StrikeTooFine => (2, Code::TooFine, digits),
        VolError::Volatility => {
            (3, Code::OutOfRange, format!("a volatility a year above 0 and below {VOL_MAX}: 0.65 is 65 %"))
        }
        VolError::VolatilityTooFine => (3, Code::TooFine, digits),
        VolError::Twice => (2, Code::DuplicatePoint, "one point at this expiry and strike".to_string()),
    };
    if let Some(cell) = record.get(column) {
        log.at(code, cell.span, quoted(&cell.text), expected);
    }
}
