//! Findings in words and numbers, for tables and pages.

#![allow(clippy::float_arithmetic)] // shares as percent, and nothing else

use super::backs;
use crate::figures::{day, percent, two};
use crate::show;
use plimsoll::{Blank, Correlated, Monitor, News, Pegged, Told, Who, Whole};
use plimsoll_core::Time;
use plimsoll_risk::peg::Below;
use plimsoll_risk::watch::HOURS;
use std::collections::BTreeSet;

pub(super) const METHOD: &str = "week: correlation of the last 168 hourly returns, fading: a week ago counts half; worst together: of the \
collateral's worst 5 % of hours of a year, the part in which the debt's rise was among its largest 5 % (0.05 by chance), limit: of a t \
copula; until: the last hour that both have; estimates, see docs/correlations.md";

/// Columns of pairs, and whether they are numbers.
pub(super) const PAIRS: [(&str, bool); 12] = [
    ("collateral", false),
    ("debt", false),
    ("backs", true),
    ("week", true),
    ("band 95 %", true),
    ("fading", true),
    ("worst together", true),
    ("limit", true),
    ("regime", false),
    ("alarms", true),
    ("last", false),
    ("until", false),
];
pub(super) const ALARMS: [&str; 5] = ["when", "who", "what", "from and to", "beyond usual"];
pub(super) const PEGS: [&str; 11] = [
    "peg",
    "against",
    "now %",
    "in a day %",
    "lowest %",
    "when",
    "fastest day %",
    "below 0.99",
    "below 0.95",
    "longest below 0.99",
    "bars of",
];

/// A time of history.
pub(super) fn time(at: i64) -> String {
    show::time(Time(at.unsigned_abs()))
}

/// The cells of a pair.
pub(super) fn pair(pair: &Correlated) -> Vec<String> {
    let mut cells = vec![pair.collateral.clone(), pair.debt.clone(), backs(pair)];
    match &pair.seen {
        Ok(seen) => {
            let none = || "-".to_string();
            cells.extend([
                seen.rolling.map_or_else(none, |it| two(it.correlation)),
                seen.rolling.map_or_else(none, |it| format!("{} to {}", two(it.low), two(it.high))),
                seen.fading.map_or_else(none, two),
                seen.wrong_way.map_or_else(none, |it| two(it.seen)),
                seen.wrong_way.and_then(|it| it.fitted).map_or_else(none, two),
                seen.look.and_then(|look| look.regime).map_or_else(none, |regime| regime.name().into()),
                seen.alarms.len().to_string(),
                seen.alarms.last().map_or_else(none, |alarm| day(seen.times[alarm.row])),
                seen.times.last().map_or_else(none, |time| day(*time)),
            ]);
        }
        Err(blank) => cells.push(short(blank)),
    }
    cells
}

fn short(blank: &Blank) -> String {
    match blank {
        Blank::Same => "one price".into(),
        Blank::Unit(name) => format!("in {name}: it stands still"),
        _ => "unknown".into(),
    }
}

/// Why nothing is estimated of a pair.
pub(super) fn blank(blank: &Blank) -> String {
    match blank {
        Blank::Same | Blank::Unit(_) => short(blank),
        Blank::NoSeries(names) => format!("{}: no such series in the history", names.join(", ")),
        Blank::NotHourly(names) => {
            format!("{}: found bars that make no hours, expected an hour or parts of it", names.join(", "))
        }
        Blank::TooShort(hours) => format!(
            "{hours} hours in common, expected at least {}: a week, and 30 days before it",
            HOURS.fast + HOURS.least
        ),
        Blank::Still => "one of them does not move".into(),
        Blank::Unfit(why) => why.clone(),
    }
}

/// What is unknown of all pairs: assets once, and other reasons pair by pair.
pub(super) fn unknown(answer: &Monitor) -> Vec<String> {
    let (mut missing, mut lines) = (BTreeSet::new(), Vec::new());
    for pair in &answer.pairs {
        match &pair.seen {
            Ok(_) | Err(Blank::Same | Blank::Unit(_)) => {}
            Err(Blank::NoSeries(names)) => missing.extend(names.iter().cloned()),
            Err(other) => {
                lines.push(format!("how {} goes with {}: {}", pair.collateral, pair.debt, blank(other)))
            }
        }
    }
    if !missing.is_empty() {
        let names: Vec<String> = missing.into_iter().collect();
        lines.insert(0, format!("how these move: {}: no such series in the history", names.join(", ")));
    }
    lines
}

/// The cells of an alarm.
pub(super) fn alarm(told: &Told) -> [String; 5] {
    let who = match &told.who {
        Who::Book => "the book".to_string(),
        Who::Pair(collateral, debt) => format!("{collateral} for {debt}"),
    };
    let (what, change, beyond) = match told.news {
        News::Correlation(from, to, beyond) => {
            let word = if told.who == Who::Book { "mean correlation" } else { "correlation" };
            let way = if to < from { "fell" } else { "rose" };
            let what = if from * to < 0.0 { format!("{word} changed sign") } else { format!("{word} {way}") };
            (what, format!("{} to {}", two(from), two(to)), two(beyond))
        }
        News::Apart(times, beyond) => {
            ("parted".into(), format!("unexplained variance x {}", two(times)), two(beyond))
        }
        News::Crisis(volatility, correlation) => {
            let change =
                format!("volatility {} % a year, correlation {}", percent(volatility), two(correlation));
            ("crisis began".into(), change, "-".into())
        }
    };
    [time(told.time), who, what, change, beyond]
}

/// What is said of the book as a whole.
pub(super) fn whole(whole: &Whole) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(look) = whole.looks.last() {
        let regime = look.regime.map_or("unknown: less than two months of history", |regime| regime.name());
        let ranks = look.ranks.map_or_else(String::new, |(moves, together)| {
            format!(
                " (above {} % and {} % of the days of the year before)",
                percent(moves),
                percent(together)
            )
        });
        lines.push(format!(
            "the book: {regime}; volatility {} % a year, mean correlation {}{ranks}, at {}",
            percent(look.volatility),
            two(look.correlation),
            time(look.time),
        ));
        lines.push(format!("of {}", whole.assets.join(", ")));
    }
    for (name, why) in &whole.left_out {
        lines.push(format!("not in it: {name}, {why}"));
    }
    lines
}

/// The cells of a peg.
pub(super) fn peg(pegged: &Pegged) -> Vec<String> {
    let against = match &pegged.against {
        Some(name) => format!("{name} {}, a week", pegged.reference),
        None => "1".into(),
    };
    let mut cells = vec![pegged.series.clone(), against];
    let Some(peg) = &pegged.peg else {
        cells.push("unknown".into());
        return cells;
    };
    let none = || "-".to_string();
    let seconds = |seconds: i64| show::age(seconds.unsigned_abs());
    let at = |line: f64| peg.below.iter().find(|below| below.line.to_bits() == line.to_bits());
    let spent = |line: f64, of: fn(&Below) -> i64| at(line).map_or_else(none, |below| seconds(of(below)));
    cells.extend([
        percent(peg.now),
        peg.speed.map_or_else(none, percent),
        percent(peg.lowest.0),
        day(peg.lowest.1),
        peg.fastest.map_or_else(none, |(fall, when)| format!("{} ({})", percent(fall), day(when))),
        spent(0.99, |below| below.seconds),
        spent(0.95, |below| below.seconds),
        spent(0.99, |below| below.longest),
        seconds(pegged.step),
    ]);
    cells
}
