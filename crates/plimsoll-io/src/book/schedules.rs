//! Margins that change with time: tables of a market, and the files that `plimsoll margins --out` writes.

use crate::book::margin::{DIGITS, number, rate_or};
use crate::book::venue::Named;
use crate::book::write::{list, number as bare, table, text as word_of};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::fields::few;
use crate::scalar;
use crate::tree::{Fields, Node, Value, text};
use plimsoll_core::{Decimal, Int, Time};
use plimsoll_margin::market::ONE;
use plimsoll_margin::schedule::{MOST_ROWS, Schedule, Side};

const SIDES: &[(&str, Side)] = &[("held", Side::Held), ("owed", Side::Owed)];

/// What is kept of a margin where nobody says it, of cross markets.
const KEEPS: u32 = ONE / 2;

/// Rows `[from, "rate"]`.
fn rows(node: &Node, log: &mut Log) -> Option<Vec<(Time, u32)>> {
    let nodes = crate::tree::list(node, log)?;
    if nodes.is_empty() || nodes.len() > MOST_ROWS {
        log.at(Code::OutOfRange, node.span, format!("{} rows", nodes.len()), format!("1 to {MOST_ROWS}"));
        return None;
    }
    let mut all: Vec<(Time, u32)> = Vec::new();
    for node in nodes {
        let pair = crate::tree::list(node, log)?;
        let [from, margin] = pair else {
            log.at(Code::RowLength, node.span, format!("{} cells", pair.len()), "a time and a margin");
            return None;
        };
        let (Value::Text(word) | Value::Number(word)) = &from.value else {
            log.at(Code::WrongKind, from.span, from.value.kind(), "a time");
            return None;
        };
        let from_time = scalar::time(word, from.span, log)?;
        let rate = number(margin, DIGITS, log)?.to_u64().and_then(|rate| u32::try_from(rate).ok());
        let rate = rate.filter(|rate| *rate > 0 && *rate < ONE);
        if rate.is_none() {
            log.at(Code::OutOfRange, margin.span, "another margin", "a margin above 0 and below 1");
        }
        if all.last().is_some_and(|(last, _)| *last >= from_time) {
            log.at(Code::OutOfRange, from.span, quoted(word), "a later time than that of the row before");
            return None;
        }
        all.push((from_time, rate?));
    }
    Some(all)
}

/// The `schedules` of a market, each of one thing that it lists.
pub(super) fn read(
    fields: &mut Fields<'_>,
    of: &'static str,
    listed: &[&str],
    log: &mut Log,
) -> Vec<Schedule> {
    let nodes = fields.take("schedules").and_then(|node| few(node, log)).unwrap_or(&[]);
    let mut all: Vec<Schedule> = Vec::new();
    for node in nodes {
        if let Some(one) = one(node, of, listed, log) {
            if all.iter().any(|known| (known.of, known.side) == (one.of, one.side)) {
                log.at(Code::DuplicateName, node.span, quoted(listed[one.of]), "each side of it once");
            }
            all.push(one);
        }
    }
    all
}

fn one(node: &Node, of: &'static str, listed: &[&str], log: &mut Log) -> Option<Schedule> {
    let mut fields = Fields::of(node, log)?;
    let place = fields.need(of, log).and_then(|node| {
        let word = text(node, log)?;
        let found = listed.iter().position(|name| *name == word);
        if found.is_none() {
            let fault = log.at(Code::UnknownAsset, node.span, quoted(word), "one that the market lists");
            if let Some(near) = nearest(word, listed.iter().copied()) {
                fault.help(format!("did you mean `{near}`?"));
            }
        }
        found
    });
    let side =
        fields.need("side", log).and_then(|node| scalar::word(text(node, log)?, node.span, SIDES, log));
    let (step, keeps) = limits(&mut fields, log);
    let rows = fields.need("from", log).and_then(|node| rows(node, log));
    fields.finish(log);
    Some(Schedule { of: place?, side: side?, step: step?, keeps: keeps?, rows: rows? })
}

/// How far a step goes, and what is kept.
fn limits(fields: &mut Fields<'_>, log: &mut Log) -> (Option<u32>, Option<u32>) {
    let span = Span { end: fields.span.start + 1, ..fields.span };
    let step = rate_or(fields, "step", ONE - 1, 0, log);
    let keeps = rate_or(fields, "keeps", ONE, KEEPS, log);
    if keeps == Some(0) {
        log.at(Code::OutOfRange, span, "keeps = \"0\"", "a part of the margin above 0");
    }
    (step, keeps.filter(|keeps| *keeps > 0))
}

/// As a table of a market's file.
pub(super) fn write(
    schedules: &[Schedule],
    of: &'static str,
    name: impl Fn(usize) -> String,
) -> Option<(&'static str, Value)> {
    if schedules.is_empty() {
        return None;
    }
    let rate = |rate: u32| {
        let number = Decimal { mantissa: Int::from(u64::from(rate)), decimals: DIGITS };
        Value::Text(number.trimmed().to_string())
    };
    let one = |schedule: &Schedule| {
        let rows = schedule.rows.iter().map(|(from, margin)| list([bare(&Int::from(from.0)), rate(*margin)]));
        let mut fields: Named =
            vec![(of, word_of(&name(schedule.of))), ("side", word_of(schedule.side.name()))];
        if schedule.step > 0 {
            fields.push(("step", rate(schedule.step)));
        }
        fields.push(("keeps", rate(schedule.keeps)));
        fields.push(("from", list(rows)));
        table(fields)
    };
    Some(("schedules", list(schedules.iter().map(one))))
}

/// Margins of assets, as `plimsoll margins --out` writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Margins {
    /// Each with its asset; the place of it is not known yet.
    pub(super) all: Vec<(String, Schedule)>,
}

/// A file of margins; the caller finishes its fields.
pub(super) fn margins(fields: &mut Fields<'_>, log: &mut Log) -> Option<Margins> {
    let before = log.count();
    crate::fields::format(fields, log);
    for name in ["name", "sources", "about"] {
        let _ = fields.take(name);
    }
    let (step, keeps) = limits(fields, log);
    let mut all: Vec<(String, Schedule)> = Vec::new();
    for node in fields.need("margin", log).and_then(|node| few(node, log)).unwrap_or(&[]) {
        let Some(mut fields) = Fields::of(node, log) else { continue };
        let asset = fields.need("asset", log).and_then(|node| Some(text(node, log)?.to_string()));
        let side =
            fields.need("side", log).and_then(|node| scalar::word(text(node, log)?, node.span, SIDES, log));
        let _ = fields.take("tool");
        let rows = fields.need("from", log).and_then(|node| rows(node, log));
        fields.finish(log);
        let Some((((asset, side), rows), (step, keeps))) = asset.zip(side).zip(rows).zip(step.zip(keeps))
        else {
            continue;
        };
        if all.iter().any(|(known, one)| *known == asset && one.side == side) {
            log.at(Code::DuplicateName, node.span, quoted(&asset), "each side of an asset once");
        }
        all.push((asset, Schedule { of: 0, side, step, keeps, rows }));
    }
    (log.count() == before && !all.is_empty()).then_some(Margins { all })
}

impl Margins {
    /// Those of what a market lists: by its name, or by what its name begins with up to a `-` (of `BTC-PERP`, `BTC`).
    pub(super) fn of<'n>(&self, listed: impl Iterator<Item = &'n str>) -> Vec<Schedule> {
        let mut found = Vec::new();
        for (place, name) in listed.enumerate() {
            let on = |asset: &str| asset == name || name.split('-').next() == Some(asset);
            let of_it = self.all.iter().filter(|(asset, _)| on(asset));
            found.extend(of_it.map(|(_, one)| Schedule { of: place, ..one.clone() }));
        }
        found
    }
}
