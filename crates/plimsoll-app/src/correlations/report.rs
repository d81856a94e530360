//! `plimsoll correlations --report`: the same as a page.

#![allow(clippy::float_arithmetic)] // places in a picture, and nothing else

use super::{is_unknown, words};
use crate::backtest::report::years;
use crate::check;
use crate::figures::two;
use crate::report::{Card, Heat, Kind, Line, Mark, Page, Table, heatmap, lines, save};
use plimsoll::{Blank, Correlated, Monitor, News, Told, Who};
use plimsoll_core::{Book, Int};
use plimsoll_risk::watch::Reading;
use std::collections::BTreeSet;
use std::path::Path;

/// So many pairs are drawn, of the largest debts.
const DRAWN: usize = 12;
/// Hours between two points of a picture.
const EVERY: usize = 24;

pub(super) fn write(path: &Path, book: &Book, answer: &Monitor) -> Result<(), u8> {
    let mut page = Page::new("Correlations", &format!("{} as of {}", book.name, crate::show::time(book.at)));
    cards(&mut page, answer);
    page.list(&words::whole(&answer.whole));
    page.section("Collateral and debt", words::METHOD);
    let header = words::PAIRS.map(|(name, number)| format!("{}{name}", if number { ">" } else { "" }));
    let mut table = Table::new("", &header.each_ref().map(String::as_str));
    answer.pairs.iter().for_each(|pair| table.row(words::pair(pair)));
    heat(&mut page, answer, &table);
    if !answer.no_basis.is_empty() {
        page.text(&format!(
            "Without a series, so that nothing is known of its basis: {}.",
            answer.no_basis.join(", ")
        ));
    }
    page.section("Alarms", "In order of time. Marked in the pictures below.");
    let mut alarms = Table::new("", &words::ALARMS);
    answer.alarms.iter().for_each(|told| alarms.row(words::alarm(told)));
    page.table(&alarms);
    if !answer.pegs.is_empty() {
        page.section(
            "Pegs",
            "How far from what each is meant to be worth, by closes; time below counts whole bars.",
        );
        let mut table = Table::new("", &words::PEGS);
        answer.pegs.iter().for_each(|peg| table.row(words::peg(peg)));
        page.table(&table);
    }
    page.section("Over time", "Of returns in units of their own volatility, as alarms see them: the week against the 90 days before it.");
    let of = |who: &Who| answer.alarms.iter().filter(|told| told.who == *who).collect::<Vec<_>>();
    let whole = &answer.whole;
    over_time(&mut page, "The book: mean correlation", &whole.times, &whole.readings, &of(&Who::Book));
    for pair in answer.pairs.iter().filter(|pair| pair.seen.is_ok()).take(DRAWN) {
        let Ok(seen) = &pair.seen else { continue };
        let who = Who::Pair(pair.collateral.clone(), pair.debt.clone());
        let title = format!("{} for {}", pair.collateral, pair.debt);
        over_time(&mut page, &title, &seen.times, &seen.readings, &of(&who));
    }
    let foot = [
        check::origin(&answer.identity),
        format!("hash {}", answer.identity.hash),
        format!("history {}", answer.history),
    ];
    save(path, &page.finish(&foot))
}

fn cards(page: &mut Page, answer: &Monitor) {
    let regime = answer.whole.looks.last().and_then(|look| look.regime);
    let (name, kind) = regime.map_or(("unknown", Kind::Unknown), |regime| (regime.name(), Kind::Assumed));
    let unknown = answer.pairs.iter().filter(|pair| is_unknown(pair)).count();
    let kind_of = if unknown == 0 { Kind::Exact } else { Kind::Unknown };
    page.cards(&[
        Card::new("regime", name, kind),
        Card::new("alarms", answer.alarms.len().to_string(), Kind::Assumed),
        Card::new("pairs that are held", answer.pairs.len().to_string(), Kind::Exact),
        Card::new("of them without history", unknown.to_string(), kind_of),
    ]);
}

/// Collateral down, debt along; how often each pair has broken stands beside its correlation.
fn heat(page: &mut Page, answer: &Monitor, table: &Table) {
    let names = |of: fn(&Correlated) -> &String| answer.pairs.iter().map(of).collect::<BTreeSet<_>>();
    let (down, along) = (names(|pair| &pair.collateral), names(|pair| &pair.debt));
    let cell = |collateral: &str, debt: &str| {
        let found = answer.pairs.iter().find(|pair| pair.collateral == collateral && pair.debt == debt);
        match found.map(|pair| &pair.seen) {
            None => Heat::Unknown(String::new()),
            Some(Err(Blank::Same)) => Heat::Unknown("one price".into()),
            Some(Err(Blank::Unit(_))) => Heat::Unknown("stands still".into()),
            Some(Err(_)) => Heat::Unknown("unknown".into()),
            Some(Ok(seen)) => match seen.rolling {
                None => Heat::Unknown("too short".into()),
                Some(it) => {
                    let breaks = match seen.alarms.len() {
                        0 => String::new(),
                        some => format!(" · {some} broke"),
                    };
                    Heat::Known(hundredths(it.correlation), format!("{}{breaks}", two(it.correlation)))
                }
            },
        }
    };
    let cells: Vec<Vec<Heat>> =
        down.iter().map(|collateral| along.iter().map(|debt| cell(collateral, debt)).collect()).collect();
    if cells.is_empty() {
        page.text("No collateral backs a debt.");
        return;
    }
    let text = |names: &BTreeSet<&String>| names.iter().map(|name| (*name).clone()).collect::<Vec<_>>();
    let picture = heatmap(
        "Correlation of the last week, and how often it broke",
        ["debt", "collateral"],
        &text(&along),
        &text(&down),
        &cells,
    );
    page.picture(&picture, table);
}

fn hundredths(value: f64) -> Int {
    Int::new((value * 100.0).round() as i128)
}

fn over_time(page: &mut Page, title: &str, times: &[i64], readings: &[Reading], alarms: &[&Told]) {
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else { return };
    let at = |row: usize| Int::new(times[row].into());
    let line = |name, of: fn(&Reading) -> f64| {
        let mut points = Vec::new();
        let mut before: Option<usize> = None;
        for reading in readings.iter().step_by(EVERY) {
            // Where hours are missing the line is broken.
            let gap = before.is_some_and(|row| times[reading.row] - times[row] > 2 * 3_600 * EVERY as i64);
            points.extend(gap.then(|| (at(reading.row), None)));
            points.push((at(reading.row), Some(hundredths(of(reading)))));
            before = Some(reading.row);
        }
        Line { name, points }
    };
    let all = [line("week", |reading| reading.fast), line("90 days before", |reading| reading.slow)];
    let mark = |told: &&Told| {
        let height = match told.news {
            News::Correlation(_, to, _) => to,
            News::Apart(..) => 0.0,
            News::Crisis(_, correlation) => correlation,
        };
        let [when, _, what, change, _] = words::alarm(told);
        Mark {
            at: Int::new(told.time.into()),
            height: hundredths(height),
            words: format!("{when}: {what}, {change}"),
        }
    };
    let marks: Vec<Mark> = alarms.iter().map(mark).collect();
    let heights = [-100, -50, 0, 50, 100].map(Int::new);
    let ends = [at(first.row), at(last.row)];
    let names = years(times[first.row], times[last.row]);
    let mut table = Table::new("", &words::ALARMS);
    alarms.iter().for_each(|told| table.row(words::alarm(told)));
    page.picture(&lines(title, ends, &names, &heights, 2, &all, &marks), &table);
}
