//! Which pairs a book holds, and what is known of them: nothing is lost, nothing is known by silence.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // a book that cannot be read has failed the test; histories are floats

mod common;

use common::example;
use plimsoll::{Blank, DIGITS, Monitor, Of, Since, Stands, Who, correlations, exposure};
use plimsoll_core::{Book, U256};
use plimsoll_risk::bars::{Bar, Bars};
use plimsoll_risk::history::{History, Series};
use plimsoll_risk::stream::Stream;
use std::collections::BTreeMap;

const BOOKS: [&str; 8] =
    ["treasury", "lending", "compound_v3", "liquity", "maker", "crash", "loopers", "wrapped"];

/// Hourly prices: each a common factor and noise of its own; `apart` gives the hours in which a name has noise alone.
fn history(names: &[&str], hours: usize, apart: impl Fn(&str, usize) -> bool) -> History {
    let mut common = Stream::new(1, 0);
    let factor: Vec<f64> = (0..hours).map(|_| common.normal()).collect();
    let series = |(number, name): (usize, &&str)| {
        let mut own = Stream::new(2, number as u64);
        let mut price = 100.0;
        let bar = |hour: usize| {
            let noise = own.normal();
            let step = if apart(name, hour) { noise } else { 0.9 * factor[hour] + 0.4 * noise };
            price *= (0.005 * step).exp();
            Bar { time: 3_600 * hour as i64, open: price, high: price, low: price, close: price }
        };
        let bars = Bars::new(3_600, (0..hours).map(bar).collect()).expect("bars");
        let (base, quote) = name.split_once('-').unwrap_or((name, "USD"));
        Series { base: base.to_uppercase(), quote: quote.into(), bars, ranged: false }
    };
    let all = names.iter().enumerate().map(series).collect();
    History::new("USD".into(), all, Vec::new(), "00".repeat(32))
}

fn asked(book: &Book, history: &History) -> Monitor {
    correlations(book, history, &Since::default()).expect("it stands")
}

/// The debt that pairs are said to back is that of the accounts with collateral, but for what is cut.
#[test]
fn pairs_back_all_debt_that_is_backed() {
    let none = History::new("USD".into(), Vec::new(), Vec::new(), String::new());
    for name in BOOKS {
        let mut book = example(name);
        book.accounts.truncate(60);
        let mut owed: BTreeMap<String, (U256, u64)> = BTreeMap::new();
        for place in 0..book.accounts.len() {
            let answer = exposure(&book, Of::Account(place)).expect("it stands");
            let worth = |stands: Stands| {
                answer.held.iter().filter(move |held| held.stands == stands && held.value != U256::ZERO)
            };
            if worth(Stands::Collateral).next().is_none() {
                continue;
            }
            let market = &book.markets[book.accounts[place].market].market;
            let currency = market.slots().first().map_or_else(String::new, |slot| slot.currency.clone());
            for debt in worth(Stands::Debt) {
                let (ten, unit) =
                    (U256::pow10(DIGITS).expect("it fits"), U256::pow10(debt.decimals).expect("it fits"));
                let value =
                    debt.value.mul_div_wide(ten, unit, plimsoll_core::Rounding::Down).expect("it fits");
                let sum = owed.entry(currency.clone()).or_insert((U256::ZERO, 0));
                *sum = (sum.0.add(value).expect("it fits"), sum.1 + 1);
            }
        }
        let found = asked(&book, &none);
        let mut backed: BTreeMap<String, U256> = BTreeMap::new();
        for part in found.pairs.iter().flat_map(|pair| &pair.backed) {
            let sum = backed.entry(part.currency.clone()).or_default();
            *sum = sum.add(part.debt).expect("it fits");
        }
        assert!(found.pairs.iter().all(|pair| pair.seen.is_err()), "{name}");
        assert_eq!(backed.keys().collect::<Vec<_>>(), owed.keys().collect::<Vec<_>>(), "{name}");
        for (currency, (all, debts)) in owed {
            let part = backed[&currency];
            // Every split is cut, into at most some dozens of parts.
            let lost = all.sub(part).unwrap_or_else(|| part.sub(all).expect("one is larger"));
            assert!(lost <= U256::new(u128::from(64 * debts)), "{name}, {currency}: {all} {part}");
        }
    }
}

/// What has no series is unknown, and no alarm, correlation or regime is made up for it.
#[test]
fn what_has_no_series_is_unknown() {
    let book = example("lending");
    let found = asked(&book, &history(&["WETH"], 3_000, |_, _| false));
    assert!(!found.pairs.is_empty() && found.alarms.is_empty() && found.whole.looks.is_empty());
    let mut missing = 0;
    for pair in &found.pairs {
        match &pair.seen {
            Err(Blank::NoSeries(names)) => {
                missing += 1;
                assert!(names.contains(&pair.collateral) || names.contains(&pair.debt), "{pair:?}");
            }
            Err(Blank::Same) => assert_eq!(pair.collateral, pair.debt),
            other => panic!("{} for {}: {other:?}", pair.collateral, pair.debt),
        }
    }
    assert!(missing > 0);
    // A rate that moves what is held, and no series of it.
    let found = asked(&example("treasury"), &history(&["ETH"], 3_000, |_, _| false));
    assert!(found.no_basis.iter().any(|basis| basis.starts_with("wstETH-")), "{:?}", found.no_basis);
}

/// A pair that parts is told by its name and with its time; what comes after `until` is not looked at.
#[test]
fn a_break_is_told_of_its_pair_alone() {
    let book = example("lending");
    let names = ["WETH", "AAVE", "LINK", "USDC"];
    let broke = 4_000;
    let history = history(&names, 4_800, |name, hour| name == "LINK" && hour >= broke);
    let found = asked(&book, &history);
    let of_link = |who: &Who| matches!(who, Who::Pair(one, other) if one == "LINK" || other == "LINK");
    let after: Vec<_> = found.alarms.iter().filter(|told| told.time > 3_600 * broke as i64).collect();
    assert!(after.iter().any(|told| of_link(&told.who)), "{after:?}");
    assert!(after.iter().all(|told| of_link(&told.who) || told.who == Who::Book), "{after:?}");
    let before = Since { until: Some(3_600 * broke as i64), ..Since::default() };
    let then = correlations(&book, &history, &before).expect("it stands");
    // Whoever looked then saw what is now said of then.
    let known: Vec<_> = found.alarms.iter().filter(|told| told.time <= 3_600 * broke as i64).collect();
    assert_eq!(then.alarms.iter().collect::<Vec<_>>(), known);
    let late = Since { since: Some(3_600 * broke as i64 + 1), ..Since::default() };
    let late = correlations(&book, &history, &late).expect("it stands");
    assert_eq!(late.alarms.iter().collect::<Vec<_>>(), after);
}

/// Fewer hours than alarms and band need are too short: nobody is told that nothing broke.
#[test]
fn a_pair_without_alarms_has_been_watched() {
    let book = example("lending");
    // The first price has no return, and the first 30 returns none that is steady.
    let seen = |hours: usize| {
        let found = asked(&book, &history(&["WETH", "LINK"], hours + 31, |_, _| false));
        let pair = found.pairs.into_iter().find(|pair| pair.collateral == "WETH" && pair.debt == "LINK");
        pair.expect("the pair").seen
    };
    // A week, and 30 days before it.
    assert_eq!(seen(887).err(), Some(Blank::TooShort(887)));
    let least = seen(888).expect("watched");
    assert!(least.rolling.is_some() && least.readings.len() == 1, "{:?}", least.rolling);
}

/// A price of one coin in another is a peg only where it is near one, or the book knows what the issuer pays.
#[test]
fn a_pair_of_two_coins_is_no_peg() {
    let flat = |at: i64| Bar { time: 3_600 * at, open: 1.0, high: 1.0, low: 1.0, close: 1.0 };
    let bars = Bars::new(3_600, (0..1_000).map(flat).collect()).expect("bars");
    let near = Series { base: "LINK".into(), quote: "AAVE".into(), bars, ranged: false };
    let made = history(&["WETH", "LINK", "WETH-LINK"], 1_000, |_, _| false);
    let all = made.all().iter().cloned().chain([near]).collect();
    let found = asked(&example("lending"), &History::new("USD".into(), all, Vec::new(), String::new()));
    let names: Vec<&str> = found.pegs.iter().map(|peg| peg.series.as_str()).collect();
    assert_eq!(names, ["LINK-AAVE"]);
    let found = asked(&example("treasury"), &history(&["ETH", "wstETH-ETH"], 1_000, |_, _| false));
    let pegs: Vec<(&str, bool)> =
        found.pegs.iter().map(|peg| (peg.series.as_str(), peg.against.is_some())).collect();
    assert_eq!(pegs, [("WSTETH-ETH", true)]);
}
