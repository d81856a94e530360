//! Collateral of mixed kinds, one figure for all: for each distinct threshold a listed asset of its own.
//!
//! A spreadsheet often gives one collateral amount and one threshold a row, the average over what the borrower
//! really holds. A class `STETH@8300/7200` is a copy of the template's STETH with that threshold and loan-to-value.
//! A pool lists 128 assets; classes beyond go into further copies of the market.

use super::map::Columns;
use crate::book::venue::Named;
use crate::fault::{Code, Log, Source, quoted};
use crate::scalar;
use crate::table::{Row, Rows};
use crate::tree::{Entry, Node, Value};
use std::collections::BTreeMap;

/// 100 % (bps).
const WHOLE: u64 = 10_000;
/// More classes than this were not meant.
const CLASSES_MAX: usize = 20_000;
/// A pool lists so many assets.
const ASSETS_MAX: usize = 128;

/// A threshold, and a loan-to-value where the table has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class {
    threshold: u64,
    ltv: Option<u64>,
}

impl Class {
    /// The class of an asset, by name.
    pub(super) fn asset(self, asset: &str) -> String {
        match self.ltv {
            Some(ltv) => format!("{asset}@{}/{ltv}", self.threshold),
            None => format!("{asset}@{}", self.threshold),
        }
    }
}

/// All classes, and which copy of the market each is in.
#[derive(Debug, Default)]
pub(super) struct Classes {
    markets: BTreeMap<Class, usize>,
}

impl Classes {
    pub(super) fn len(&self) -> usize {
        self.markets.len()
    }

    /// The copy of the market that lists a class.
    pub(super) fn market(&self, class: Class) -> usize {
        self.markets.get(&class).copied().unwrap_or(0)
    }
}

/// The class of a row; `None` without a threshold column, or where a number is none, which is told.
pub(super) fn of(row: &Row<'_>, columns: &Columns, log: &mut Log) -> Option<Class> {
    let bps = |at: usize, log: &mut Log| {
        let cell = row.cells.get(at)?;
        // Spreadsheets write whole numbers as 8300.0, too.
        let text = cell.text.trim_end_matches('0').strip_suffix('.').unwrap_or(&cell.text);
        let number = scalar::integer(text, 64, cell.span, log)?.to_u64()?;
        if number > WHOLE {
            log.at(Code::OutOfRange, cell.span, quoted(&cell.text), "at most 10000 basis points");
            return None;
        }
        Some(number)
    };
    let threshold = bps(columns.threshold?, log)?;
    let ltv = match columns.ltv {
        Some(at) => Some(bps(at, log)?),
        None => None,
    };
    if ltv.is_some_and(|ltv| ltv > threshold) {
        let cell = &row.cells[columns.ltv?];
        let expected = format!("at most the row's threshold, {threshold}");
        log.at(Code::LtvThreshold, cell.span, quoted(&cell.text), expected);
        return None;
    }
    Some(Class { threshold, ltv })
}

/// Every class of a table. Rows with faults are told when they are imported, not here.
pub(super) fn collect(source: &Source, delimiter: u8, columns: &Columns, log: &mut Log) -> Option<Classes> {
    let mut classes = Classes::default();
    if columns.threshold.is_none() {
        return Some(classes);
    }
    let (mut rows, mut row, mut unheard) = (Rows::new(source, 0, delimiter), Row::default(), Log::default());
    rows.next(&mut row, &mut unheard);
    while rows.next(&mut row, &mut unheard) && !rows.torn {
        if let Some(class) = of(&row, columns, &mut unheard) {
            classes.markets.insert(class, 0);
        }
        if classes.len() > CLASSES_MAX {
            let found = format!("more than {CLASSES_MAX} different thresholds");
            log.file(Code::TooLarge, &source.name, found, "thresholds in basis points, shared by many rows");
            return None;
        }
    }
    Some(classes)
}

/// The template's market with the classes in place of the assets that they are of: as many copies as it takes.
pub(super) fn markets(
    fields: &Named,
    classes: &Classes,
    columns: &Columns,
    log: &mut Log,
) -> Option<(Vec<Value>, Classes)> {
    let whole = Value::Table(fields.iter().map(|(name, value)| entry(name, value.clone())).collect());
    if columns.threshold.is_none() {
        return Some((vec![whole], Classes::default()));
    }
    let mut told = |found: String, expected: &str| {
        log.file(Code::NoTemplate, "the template", found, expected);
    };
    let Some((_, Value::List(reserves))) = fields.iter().find(|(name, _)| *name == "reserves") else {
        told(
            "a market without thresholds of assets".into(),
            "a venue whose assets have thresholds, or no `threshold`",
        );
        return None;
    };
    let mut assets: Vec<&str> = Vec::new();
    for amount in columns.amounts.iter().filter(|amount| amount.classed) {
        if !assets.contains(&amount.asset.as_str()) {
            assets.push(&amount.asset);
        }
    }
    let is_base = |node: &&Node| assets.contains(&symbol(&node.value));
    let bases: Vec<&Node> = reserves.iter().filter(is_base).collect();
    if bases.len() != assets.len() {
        told(format!("no {}", assets.join(", no ")), "the assets of the map among the market's");
        return None;
    }
    // The assets themselves stay listed: e-modes may name them.
    let room = ASSETS_MAX.saturating_sub(reserves.len()) / bases.len().max(1);
    if room == 0 {
        told(format!("{} assets", reserves.len()), "room for classes among the 128 assets of a pool");
        return None;
    }
    let mut placed = Classes::default();
    let mut markets = Vec::new();
    let all: Vec<Class> = classes.markets.keys().copied().collect();
    for (number, chunk) in all.chunks(room).enumerate() {
        let mut listed = reserves.clone();
        for class in chunk {
            placed.markets.insert(*class, number);
            for base in &bases {
                listed.push(Node { span: base.span, value: classed(&base.value, *class) });
            }
        }
        let with_classes = fields.iter().map(|(name, value)| match *name {
            "reserves" => entry(name, Value::List(listed.clone())),
            _ => entry(name, value.clone()),
        });
        markets.push(Value::Table(with_classes.collect()));
    }
    if markets.is_empty() {
        markets.push(whole);
    }
    Some((markets, placed))
}

fn entry(name: &str, value: Value) -> Entry {
    let nowhere = crate::fault::Span { source: 0, start: 0, end: 0 };
    Entry { key: name.to_string(), key_span: nowhere, again: false, value: Node { span: nowhere, value } }
}

fn symbol(reserve: &Value) -> &str {
    let Value::Table(entries) = reserve else { return "" };
    match entries.iter().find(|entry| entry.key == "asset").map(|entry| &entry.value.value) {
        Some(Value::Text(symbol)) => symbol,
        _ => "",
    }
}

/// A reserve with a class's weights. Without a loan-to-value of its own, the template's as far as the threshold goes.
fn classed(reserve: &Value, class: Class) -> Value {
    let Value::Table(entries) = reserve else { return reserve.clone() };
    let number = |number: u64| Value::Number(number.to_string());
    let mut entries = entries.clone();
    for Entry { key, value, .. } in &mut entries {
        let old = match &value.value {
            Value::Number(digits) => digits.parse().unwrap_or(0),
            _ => 0,
        };
        value.value = match key.as_str() {
            "asset" => Value::Text(class.asset(symbol(reserve))),
            "liquidation_threshold" => number(class.threshold),
            "ltv" => number(class.ltv.unwrap_or(old).min(class.threshold)),
            _ => continue,
        };
    }
    Value::Table(entries)
}
