//! Files of what somebody assumes of assets: supplies, and hazards. `docs/calibrate.md` describes them.

use crate::book::{File, files};
use crate::depth::{head, number};
use crate::fault::{Code, Faults, Log};
use crate::fields::{few, named, names, once, part};
use crate::scalar;
use crate::tree::{Fields, Node, flag, read_toml, text};
use plimsoll_core::{Depth, Hazard, HazardKind, Supply, U256};

/// What was made of a file; nothing where anything of it is faulty.
#[derive(Clone, Debug)]
pub struct Opened<T> {
    /// Its rows.
    pub rows: Option<Vec<T>>,
    /// Everything that is wrong.
    pub faults: Faults,
}

/// Reads supplies: `[[supply]]` with `assets`, `circulating`, and perhaps `stable`.
#[must_use]
pub fn supplies(file: File) -> Opened<Supply> {
    read(file, "supply", supply)
}

/// Reads hazards: `[[hazard]]` with `name`, `kind`, `assets`, `a_year`, `loses`, and perhaps `group`. Nothing of it has a default.
#[must_use]
pub fn hazards(file: File) -> Opened<Hazard> {
    read(file, "hazard", hazard)
}

fn read<T>(file: File, list: &'static str, row: fn(&Node, &mut Log) -> Option<T>) -> Opened<T> {
    let mut log = Log::default();
    let sources = files::texts(vec![file], &mut log);
    let source = sources.first().filter(|source| !source.unread);
    let rows = source.and_then(|source| read_toml(source, 0, &mut log)).and_then(|node| {
        let mut fields = Fields::of(&node, &mut log)?;
        let format = crate::fields::format(&mut fields, &mut log);
        let rows = fields.need(list, &mut log).and_then(|node| {
            few(node, &mut log)?.iter().map(|node| row(node, &mut log)).collect::<Option<Vec<T>>>()
        });
        fields.finish(&mut log);
        let rows = format.and(rows);
        if rows.is_none() && log.is_empty() {
            // Nothing of a file is dropped in silence.
            log.at(
                Code::OutOfRange,
                head(node.span),
                "a file that cannot be read",
                "rows of numbers that fit",
            );
        }
        rows
    });
    let faults = once(log.finish(&sources));
    Opened { rows: rows.filter(|_| faults.is_empty()), faults }
}

fn supply(node: &Node, log: &mut Log) -> Option<Supply> {
    let mut fields = Fields::of(node, log)?;
    let assets = fields.need("assets", log).and_then(|node| names(node, log));
    let circulating = fields.need("circulating", log).and_then(|node| Some(number(node, log)?.0));
    let stable = fields.take("stable").map_or(Some(false), |node| flag(node, log));
    fields.finish(log);
    Some(Supply { assets: assets?, circulating: circulating?, stable: stable? })
}

fn hazard(node: &Node, log: &mut Log) -> Option<Hazard> {
    let mut fields = Fields::of(node, log)?;
    let name = fields.need("name", log).and_then(|node| named(node, log));
    let kind = fields.need("kind", log).and_then(|node| {
        let kinds = [HazardKind::Contract, HazardKind::Issuer, HazardKind::Bridge];
        scalar::word(text(node, log)?, node.span, &kinds.map(|kind| (kind.name(), kind)), log)
    });
    let assets = fields.need("assets", log).and_then(|node| names(node, log));
    let a_year = fields.need("a_year", log).and_then(|node| {
        let (found, raw) = number(node, log)?;
        if raw > U256::pow10(Depth::DECIMALS)?.mul(U256::new(1000))? {
            log.at(Code::OutOfRange, node.span, found.to_string(), "an intensity a year of at most 1000");
            return None;
        }
        Some(found)
    });
    let loses = fields.need("loses", log).and_then(|node| part(node, log));
    let group = fields.take("group").map_or(Some(None), |node| named(node, log).map(Some));
    fields.finish(log);
    Some(Hazard { name: name?, kind: kind?, assets: assets?, a_year: a_year?, loses: loses?, group: group? })
}
