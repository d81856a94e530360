//! `plimsoll backtest --report`: the same as a page.

#![allow(clippy::float_arithmetic)] // places in a picture, and nothing else

use super::{HEADER, about, cells, summary, verdict};
use crate::figures::percent;
use crate::report::{Line, Mark, Page, Table, lines, save};
use crate::show;
use plimsoll::{BacktestTerms, Backtested, Forecasts};
use plimsoll_core::{Int, Time};
use plimsoll_risk::history::History;
use std::path::Path;

pub(super) fn write(
    path: &Path,
    all: &[Backtested],
    missing: &[String],
    terms: &BacktestTerms,
    history: &History,
) -> Result<(), u8> {
    let mut page = Page::new("Were the forecasts of losses right?", &about(terms));
    page.list(&all.iter().filter_map(|one| summary(one, terms)).collect::<Vec<_>>());
    page.list(missing);
    let mut table = Table::new("", &HEADER);
    for one in all {
        one.methods.iter().for_each(|method| table.row(cells(one, method, terms)));
    }
    page.table(&table);
    for one in all {
        page.section(&one.series, "Losses of a day in percent, and the value at risk that was foreseen; marked is what went beyond.");
        one.methods.iter().for_each(|method| picture(&mut page, one, method));
    }
    let program = format!("plimsoll {}", env!("CARGO_PKG_VERSION"));
    save(path, &page.finish(&[program, format!("history {}", history.digest())]))
}

/// Ten-thousandths, which are hundredths of a percent.
fn parts(share: f64) -> Int {
    Int::new((share * 10_000.0).round() as i128)
}

fn picture(page: &mut Page, one: &Backtested, method: &Forecasts) {
    let (Some(first), Some(last)) = (one.days.first(), one.days.last()) else { return };
    let at = |day: i64| Int::new(day.into());
    let loss = |(day, loss): (&i64, &f64)| (at(*day), Some(parts(*loss)));
    let foreseen = method.forecasts.iter().map(|forecast| forecast.value);
    let all = [
        Line { name: "loss", points: one.days.iter().zip(&one.losses).map(loss).collect() },
        Line {
            name: "value at risk",
            points: one
                .days
                .iter()
                .zip(foreseen)
                .map(|(day, value)| (at(*day), Some(parts(value))))
                .collect(),
        },
    ];
    let greatest = one.losses.iter().copied().fold(0.0_f64, |most, loss| most.max(loss.abs()));
    let tens = (greatest * 10.0).ceil().max(1.0) as i128;
    let heights: Vec<Int> = (-tens..=tens).map(|ten| Int::new(ten * 1_000)).collect();
    let mut table = Table::new("Days beyond it", &["day", ">loss %", ">value at risk %"]);
    let mut marks = Vec::new();
    for row in &method.test.exceeded {
        let (day, loss) = (one.days[*row], one.losses[*row]);
        let name = date(day);
        table.row([name.clone(), percent(loss), percent(method.forecasts[*row].value)]);
        marks.push(Mark { at: at(day), height: parts(loss), words: format!("{name}: {} %", percent(loss)) });
    }
    let title = format!("{}, {}: {}", one.series, method.method, verdict(method));
    let picture = lines(&title, [at(*first), at(*last)], &years(*first, *last), &heights, 2, &all, &marks);
    page.picture(&picture, &table);
}

fn date(at: i64) -> String {
    show::time(Time(at.unsigned_abs())).split('T').next().unwrap_or_default().to_string()
}

/// The beginnings of the years between two times.
pub(crate) fn years(first: i64, last: i64) -> Vec<(Int, String)> {
    let begins =
        |year: i64| plimsoll_io::time::parse(&format!("{year}-01-01T00:00:00Z")).map(|time| (time, year));
    let year = |at: i64| date(at).get(..4).and_then(|year| year.parse::<i64>().ok()).unwrap_or(1970);
    let all = (year(first)..=year(last)).filter_map(begins);
    let inside = all.filter(|(time, _)| i64::try_from(time.0).is_ok_and(|at| (first..=last).contains(&at)));
    inside.map(|(time, year)| (Int::new(time.0.into()), year.to_string())).collect()
}
