//! A scenario model from its table: `[model]` of a market, or a file of its own.

use crate::book::margin::{DIGITS, rate_or};
use crate::fault::{Code, Log, Span, quoted};
use crate::scalar;
use crate::tree::{Fields, Node, Value, list, text};
use plimsoll_core::Int;
use plimsoll_margin::portfolio::{
    Day, MOST_MOVE, MOST_POWER, MOST_RANGE, MOST_SCENARIOS, Model, ONE, Scenario, Vol,
};

const VOLS: &[(&str, Vol)] = &[("up", Vol::Up), ("same", Vol::Same), ("down", Vol::Down)];

/// What a table says of a model; the caller finishes its fields.
pub(in crate::book) fn read(fields: &mut Fields<'_>, log: &mut Log) -> Option<Model> {
    let head = Span { end: fields.span.start + 1, ..fields.span };
    let before = log.count();
    let mut scenarios = Vec::new();
    for node in nodes(fields, "moves", log) {
        let found = moved(node, log);
        scenarios.extend(found.into_iter().flat_map(|moves| {
            let each = [Vol::Up, Vol::Same, Vol::Down];
            each.map(|vol| Scenario { moves, vol, counts: ONE })
        }));
    }
    for node in nodes(fields, "scenarios", log) {
        scenarios.extend(scenario(node, log));
    }
    let mut days = Vec::new();
    for node in nodes(fields, "worst_days", log) {
        days.extend(day(node, log));
    }
    let mut rate = |name, most| rate_or(fields, name, most, 0, log);
    let [vol_up, vol_down] = [rate("vol_up", MOST_RANGE), rate("vol_down", ONE)];
    let short_power = rate("vol_power", MOST_POWER);
    let [basis, basis_per_year, short_options] =
        [rate("basis", ONE), rate("basis_per_year", ONE), rate("short_options", ONE)];
    let long_power = rate_or(fields, "vol_power_beyond", MOST_POWER, short_power.unwrap_or(0), log);
    let maintenance = rate_or(fields, "maintenance", ONE, ONE, log);
    if maintenance == Some(0) {
        log.at(Code::OutOfRange, head, "maintenance = \"0\"", "a part of the initial line above 0");
    }
    if log.count() == before && (scenarios.is_empty() || scenarios.len() > MOST_SCENARIOS) {
        let expected = format!("1 to {MOST_SCENARIOS}, as moves or scenarios");
        log.at(Code::OutOfRange, head, format!("{} scenarios", scenarios.len()), expected);
    }
    if log.count() != before {
        return None;
    }
    Some(Model {
        scenarios,
        vol_up: vol_up?,
        vol_down: vol_down?,
        short_power: short_power?,
        long_power: long_power?,
        basis: basis?,
        basis_per_year: basis_per_year?,
        short_options: short_options?,
        maintenance: maintenance?,
        days,
    })
}

fn nodes<'t>(fields: &mut Fields<'t>, name: &'static str, log: &mut Log) -> &'t [Node] {
    fields.take(name).and_then(|node| list(node, log)).unwrap_or(&[])
}

/// A move: above minus one.
fn moved(node: &Node, log: &mut Log) -> Option<i32> {
    let word = match &node.value {
        Value::Text(word) | Value::Number(word) => word,
        other => {
            log.at(Code::WrongKind, node.span, other.kind(), "a number in quotation marks");
            return None;
        }
    };
    let number = scalar::decimal(word, node.span, log)?;
    let Ok(millionths) = number.scaled(DIGITS) else {
        let expected = format!("at most {DIGITS} digits after the point");
        log.at(Code::TooFine, node.span, quoted(word), expected);
        return None;
    };
    let fits = millionths > Int::new(-i128::from(ONE)) && millionths <= Int::new(MOST_MOVE.into());
    let magnitude = millionths.magnitude().to_u64().and_then(|moves| i32::try_from(moves).ok());
    let found = magnitude.filter(|_| fits);
    if found.is_none() {
        log.at(Code::OutOfRange, node.span, quoted(word), "a move above -1 and at most 100: -0.16 is -16 %");
    }
    found.map(|moves| if millionths.is_negative() { -moves } else { moves })
}

fn vol(fields: &mut Fields<'_>, log: &mut Log) -> Option<Vol> {
    fields.take("vol").map_or(Some(Vol::Same), |node| scalar::word(text(node, log)?, node.span, VOLS, log))
}

fn scenario(node: &Node, log: &mut Log) -> Option<Scenario> {
    let mut fields = Fields::of(node, log)?;
    let moves = fields.need("move", log).and_then(|node| moved(node, log));
    let vol = vol(&mut fields, log);
    let counts = rate_or(&mut fields, "counts", ONE, ONE, log);
    fields.finish(log);
    Some(Scenario { moves: moves?, vol: vol?, counts: counts? })
}

fn day(node: &Node, log: &mut Log) -> Option<Day> {
    let mut fields = Fields::of(node, log)?;
    let mut word = |name| {
        let node = fields.need(name, log)?;
        Some(scalar::name(text(node, log)?, node.span, log)?.to_string())
    };
    let (underlying, name) = (word("underlying"), word("day"));
    let moves = fields.need("move", log).and_then(|node| moved(node, log));
    let vol = vol(&mut fields, log);
    fields.finish(log);
    Some(Day { underlying: underlying?, name: name?, moves: moves?, vol: vol? })
}
