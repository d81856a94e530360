//! Alarms on real prices: hourly closes of 22 assets from April 2021 to December 2023, where they lie beside the repository.
//!
//! Settings are those of `HOURS`. `docs/correlations.md` tells how they were chosen: on what was before May 2022, and on made-up prices.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_core::Time;
use plimsoll_io::history::open;
use plimsoll_risk::history::{History, aligned};
use plimsoll_risk::regime::{crises, looks};
use plimsoll_risk::watch::{Alarm, Broke, HOURS, Two, Watched, steady, watch, watch_mean};
use std::path::{Path, PathBuf};

const PANEL: &str = "close_panel_1h_2021-04_2023-12.csv.gz";
/// The eight of the recorded covariances.
const BOOK: [&str; 8] = ["BTC", "ETH", "BNB", "SOL", "LINK", "AAVE", "MKR", "UNI"];
/// What was named before: an alarm inside is none for nothing.
const EVENTS: [(&str, &str, &str); 5] = [
    ("May 2021", "2021-05-17", "2021-05-25"),
    ("LUNA", "2022-05-07", "2022-05-15"),
    ("3AC", "2022-06-10", "2022-06-21"),
    ("FTX", "2022-11-05", "2022-11-14"),
    ("USDC", "2023-03-09", "2023-03-16"),
];
const YEAR: f64 = 8_766.0;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(PANEL)
}

/// The history of the panel alone.
fn panel() -> Option<History> {
    let bytes = std::fs::read(data()).ok()?;
    let folder = std::env::temp_dir().join(format!("plimsoll-real-breaks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(PANEL), bytes).expect("a copy");
    let opened = open(&folder);
    std::fs::remove_dir_all(&folder).expect("it is ours");
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    Some(opened.history)
}

fn show(time: i64) -> String {
    Time(time.unsigned_abs()).to_string()
}

fn event(time: i64) -> Option<&'static str> {
    let text = show(time);
    EVENTS.iter().find(|(_, from, to)| text.as_str() >= *from && text.as_str() < *to).map(|(name, ..)| *name)
}

type Hours = Vec<(i64, f64)>;

/// Returns by the end of their hour, and the same made steady.
fn hours(history: &History, asset: &str) -> Option<(Hours, Hours)> {
    let returns: Hours =
        history.series(asset)?.bars.returns().iter().map(|one| (one.time + 3600, one.close)).collect();
    let plain: Vec<f64> = returns.iter().map(|(_, value)| *value).collect();
    let even = steady(&plain, &HOURS).ok()?;
    let even =
        returns.iter().map(|(time, _)| *time).zip(even).filter(|(_, value)| value.is_finite()).collect();
    Some((returns, even))
}

fn pair(history: &History, first: &str, second: &str) -> Option<(Vec<i64>, Watched)> {
    let ((a, u), (b, v)) = (hours(history, first)?, hours(history, second)?);
    let rows = aligned(&[a, b, u, v]);
    let [a, b, u, v] = [0, 1, 2, 3].map(|at: usize| rows.returns[at].as_slice());
    let two = Two { times: &rows.times, returns: [a, b], steady: [u, v] };
    let watched = watch(two, &HOURS).expect("watched");
    (!watched.readings.is_empty()).then_some((rows.times, watched))
}

fn told(name: &str, times: &[i64], alarm: &Alarm) {
    let (what, when) = (if alarm.broke == Broke::Apart { "parted" } else { "broke" }, times[alarm.row]);
    let (slow, fast, beyond) = (alarm.slow, alarm.fast, alarm.beyond);
    let event = event(when).unwrap_or("-");
    println!("{} {event:9} {name:10} {what}: {slow:.2} to {fast:.2}, {beyond:.2} beyond", show(when));
}

/// The weeks in which an exchange, a fund and two coins fell are told, and little else.
#[test]
fn named_weeks_are_told_and_little_else() {
    let Some(history) = panel() else {
        println!("SKIPPED: no ../shared/data/{PANEL} beside the repository");
        return;
    };
    // The book as a whole.
    let all: Vec<(Hours, Hours)> =
        BOOK.iter().map(|asset| hours(&history, asset).expect("a series")).collect();
    let plain = aligned(&all.iter().map(|(plain, _)| plain.clone()).collect::<Vec<_>>());
    let even = aligned(&all.iter().map(|(_, even)| even.clone()).collect::<Vec<_>>());
    let slices =
        |lists: &'static [Vec<f64>]| -> Vec<&'static [f64]> { lists.iter().map(Vec::as_slice).collect() };
    let (plain_rows, even_rows) = (slices(plain.returns.leak()), slices(even.returns.leak()));
    let regimes = looks(&plain.times, &plain_rows, HOURS.fast, HOURS.block, YEAR).expect("looks");
    let mean = watch_mean(&even.times, &even_rows, &HOURS).expect("watched");
    let years = mean.readings.len() as f64 / YEAR;
    let mut times: Vec<i64> = mean.alarms.iter().map(|alarm| even.times[alarm.row]).collect();
    mean.alarms.iter().for_each(|alarm| told("the mean", &even.times, alarm));
    for look in crises(&regimes) {
        let (when, event) = (show(look.time), event(look.time).unwrap_or("-"));
        println!(
            "{when} {event:9} crisis: volatility {:.2}, mean correlation {:.3}",
            look.volatility, look.correlation
        );
        times.push(look.time);
    }
    let of = |name: &str| times.iter().filter(|time| event(**time) == Some(name)).count();
    for (name, from, to) in EVENTS {
        let inside = regimes.iter().filter(|look| (from..to).contains(&show(look.time).as_str()));
        let most = inside.map(|look| look.correlation).fold(0.0_f64, f64::max);
        println!("{name}: {} book alarms, mean correlation up to {most:.3}", of(name));
    }
    let nothing = times.iter().filter(|time| event(**time).is_none()).count() as f64 / years;
    println!("the book: {nothing:.2} alarms a year outside the named weeks, in {years:.2} years");
    assert!(of("LUNA") >= 1 && of("3AC") >= 1, "the two weeks are told");
    assert!(nothing <= 4.0, "{nothing}");

    // Every two assets of the panel.
    let names: Vec<&str> = history.all().iter().map(|series| series.base.as_str()).collect();
    let (mut false_alarms, mut span, mut pairs, mut above) = (0, 0.0, 0, 0);
    let mut rates = Vec::new();
    for (at, first) in names.iter().enumerate() {
        for second in &names[at + 1..] {
            let Some((times, watched)) = pair(&history, first, second) else { continue };
            let years = watched.readings.len() as f64 / YEAR;
            let name = format!("{first}-{second}");
            if ["ETH-LUNA", "ETH-USDC", "BTC-ETH"].contains(&name.as_str()) {
                watched.alarms.iter().for_each(|alarm| told(&name, &times, alarm));
            }
            let outside = watched.alarms.iter().filter(|alarm| event(times[alarm.row]).is_none()).count();
            false_alarms += outside;
            span += years;
            pairs += 1;
            // One in a part of a year is no rate.
            above += usize::from(outside as f64 > years.max(1.0));
            rates.push((outside as f64 / years.max(1.0), name));
        }
    }
    rates.sort_by(|a, b| b.0.total_cmp(&a.0));
    let rate = false_alarms as f64 / span;
    println!(
        "{pairs} pairs: {false_alarms} alarms outside the named weeks in {span:.0} years, {rate:.2} a year and pair"
    );
    println!("{above} of them with more than one a year; the most: {:?}", &rates[..5]);
    assert!(rate <= 1.0, "{rate}");

    // The two that were named.
    let (times, luna) = pair(&history, "ETH", "LUNA").expect("both");
    assert!(luna.alarms.iter().any(|alarm| event(times[alarm.row]) == Some("LUNA")), "{luna:?}");
    let (times, usdc) = pair(&history, "ETH", "USDC").expect("both");
    let turned =
        |alarm: &&Alarm| alarm.slow < 0.0 && alarm.fast > 0.2 && event(times[alarm.row]) == Some("USDC");
    assert_eq!(usdc.alarms.iter().filter(turned).count(), 1);
}
