//! How the prices of what a book holds and owes move together, and when that changed.
//!
//! Estimates from history, in floats: nothing here decides whether an account is healthy. `docs/correlations.md` tells of the methods, their
//! settings and how often they alarm for nothing.

#![allow(clippy::float_arithmetic)] // estimates from history are floats; verdicts are not made here

mod backtest;
mod pairs;
pub(crate) mod pegs;
mod prices;

use crate::identity::{Identity, identity};
use crate::survey::Unsound;
pub use backtest::{BacktestTerms, Backtested, DECAY, Forecasts, Found, REJECTS, backtests};
use pairs::held;
pub use pairs::{Backed, DIGITS};
pub use pegs::Pegged;
use plimsoll_core::{Book, InstrumentId, Refusal};
use plimsoll_risk::Unfit;
use plimsoll_risk::history::{History, aligned};
use plimsoll_risk::regime::{Look, crises, looks};
use plimsoll_risk::rolling::Fading;
use plimsoll_risk::watch::{Alarm, Banded, Broke, HOURS, Reading, Two, banded, steady, watch, watch_mean};
use plimsoll_risk::wrong_way::{WrongWay, wrong_way};
use prices::{HOUR, Prices};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of a history.
#[derive(Clone, Debug, Default)]
pub struct Since<'a> {
    /// Alarms and lines from here on \[s\]; what was before serves as what they are measured against.
    pub since: Option<i64>,
    /// As if it were then \[s\]: nothing later is looked at.
    pub until: Option<i64>,
    /// Assets whose history is that of another.
    pub like: &'a [(String, String)],
}

/// Collateral and a debt that it backs.
#[derive(Clone, Debug)]
pub struct Correlated {
    /// The asset that carries the collateral's value.
    pub collateral: String,
    /// The asset that is owed.
    pub debt: String,
    /// How much of it, by currency.
    pub backed: Vec<Backed>,
    /// What history says; or why it says nothing.
    pub seen: Result<Together, Blank>,
}

/// Why nothing is known of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blank {
    /// The history has no series of these.
    NoSeries(Vec<String>),
    /// Bars of these are longer than an hour, or no hour is made of them.
    NotHourly(Vec<String>),
    /// Both sides are one price.
    Same,
    /// This is what prices are counted in: it does not move.
    Unit(String),
    /// So many hours that both have: fewer than alarms and band need, [`HOURS`]' `fast` and `least`.
    TooShort(usize),
    /// One of them did not move.
    Still,
    /// Their returns do not fit what alarms ask of them; in words.
    Unfit(String),
}

/// Two prices over the history.
#[derive(Clone, Debug)]
pub struct Together {
    /// When each hour ends \[s\].
    pub times: Vec<i64>,
    /// The correlation of the last week of hours, with its band of 95 %; `None` where one does not move within it.
    pub rolling: Option<Banded>,
    /// The fading one, of which a week ago counts half.
    pub fading: Option<f64>,
    /// Of the last year; `None` where the series does not let it be said.
    pub wrong_way: Option<WrongWay>,
    /// How the two stand against their own year.
    pub look: Option<Look>,
    /// Correlations hour by hour, as alarms see them.
    pub readings: Vec<Reading>,
    /// Alarms over all of the history.
    pub alarms: Vec<Alarm>,
}

/// Who broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The book as a whole.
    Book,
    /// A pair: collateral, debt.
    Pair(String, String),
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum News {
    /// A correlation, or the mean of them: before, now, and how far beyond what is usual.
    Correlation(f64, f64, f64),
    /// One parted from the other: so many times the variance that the other does not explain, and how far beyond what is usual.
    Apart(f64, f64),
    /// A crisis began: volatility a year, mean correlation.
    Crisis(f64, f64),
}

/// An alarm with its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// When it could be known \[s\].
    pub time: i64,
    /// Whom it is about.
    pub who: Who,
    /// What it says.
    pub news: News,
}

/// The book as a whole.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    /// The assets that count.
    pub assets: Vec<String>,
    /// Those that do not, and why.
    pub left_out: Vec<(String, String)>,
    /// When each hour ends \[s\].
    pub times: Vec<i64>,
    /// Day by day.
    pub looks: Vec<Look>,
    /// The mean correlation hour by hour, as alarms see it.
    pub readings: Vec<Reading>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// What it was computed from.
    pub identity: Identity,
    /// SHA-256 of the history.
    pub history: String,
    /// Every pair that backs a debt, the largest debt first.
    pub pairs: Vec<Correlated>,
    /// All assets together.
    pub whole: Whole,
    /// Alarms in order of time.
    pub alarms: Vec<Told>,
    /// Pegs, by name.
    pub pegs: Vec<Pegged>,
    /// Bases that move what is held, of which the history has no series: `STETH-ETH`.
    pub no_basis: Vec<String>,
    /// Positions without a value: account, instrument and why. They are in no pair.
    pub unvalued: Vec<(usize, InstrumentId, Refusal)>,
}

/// The confidence of bands.
pub const CONFIDENCE: f64 = 0.95;
/// Hours of a year.
const YEAR: f64 = 8_766.0;
/// Wrong-way risk is that of so many hours.
const WRONG_WAY: usize = 8_760;

/// How prices of a book's collateral and debt go together over a history.
///
/// # Errors
/// When a market cannot stand at the book's time. Names the market.
pub fn correlations(book: &Book, history: &History, asked: &Since<'_>) -> Result<Monitor, Unsound> {
    let held = held(book)?;
    let until = asked.until.unwrap_or(i64::MAX);
    let prices = Prices::new(book, history, asked.like, until);
    let mut assets: BTreeMap<String, Asset> = BTreeMap::new();
    for (collateral, debt) in held.pairs.keys() {
        for name in [collateral, debt] {
            assets.entry(name.clone()).or_insert_with(|| Asset::new(name, &prices));
        }
    }
    let mut pairs: Vec<Correlated> = held
        .pairs
        .iter()
        .map(|((collateral, debt), backed)| Correlated {
            collateral: collateral.clone(),
            debt: debt.clone(),
            backed: backed.clone(),
            seen: together(&assets[collateral], &assets[debt], collateral, debt),
        })
        .collect();
    pairs.sort_by(|a, b| most(b).cmp(&most(a)).then((&a.collateral, &a.debt).cmp(&(&b.collateral, &b.debt))));
    let (pegs, no_basis) = pegs::pegs(book, &held, &prices, until);
    let (whole, mut alarms) = whole(&assets, &pegs);
    for pair in &pairs {
        let Ok(seen) = &pair.seen else { continue };
        let who = || Who::Pair(pair.collateral.clone(), pair.debt.clone());
        alarms.extend(seen.alarms.iter().map(|alarm| told(&seen.times, who(), alarm)));
    }
    alarms.retain(|told| asked.since.is_none_or(|since| told.time >= since));
    alarms.sort_by_key(|told| told.time);
    let quotes = book.graph.quotes(book.at);
    let readings: Vec<_> = book.markets.iter().map(|listed| book.readings(listed, &quotes)).collect();
    Ok(Monitor {
        identity: identity(book, book.at, &readings),
        history: history.digest().to_string(),
        pairs,
        whole,
        alarms,
        pegs,
        no_basis,
        unvalued: held.unknown,
    })
}

fn most(pair: &Correlated) -> plimsoll_core::U256 {
    pair.backed.iter().map(|backed| backed.debt).max().unwrap_or(plimsoll_core::U256::ZERO)
}

fn told(times: &[i64], who: Who, alarm: &Alarm) -> Told {
    let news = match alarm.broke {
        Broke::Correlation => News::Correlation(alarm.slow, alarm.fast, alarm.beyond),
        Broke::Apart => News::Apart(alarm.fast, alarm.beyond),
    };
    Told { time: times[alarm.row], who, news }
}

/// When each hour ends \[s\], and something of it.
type Hours = Vec<(i64, f64)>;

/// An asset's hours.
enum Asset {
    Unit,
    Missing,
    NotHourly,
    /// It never moved.
    Still,
    /// The name of its series, when each hour ends, the return of each, and the same made steady.
    Hours {
        series: String,
        returns: Hours,
        steady: Hours,
    },
}

impl Asset {
    fn new(name: &str, prices: &Prices<'_>) -> Asset {
        if prices.is_unit(name) {
            return Asset::Unit;
        }
        let Some(series) = prices.series(name) else { return Asset::Missing };
        let Some(bars) = prices.hours(series) else { return Asset::NotHourly };
        let returns: Hours = bars.returns().iter().map(|one| (one.time + HOUR, one.close)).collect();
        let plain: Vec<f64> = returns.iter().map(|(_, value)| *value).collect();
        let times = returns.iter().map(|(time, _)| *time);
        let steady = match steady(&plain, &HOURS) {
            Err(Unfit::Still(_)) => return Asset::Still,
            // Too few hours have none.
            steady => steady.unwrap_or_default(),
        };
        let steady = times.zip(steady).filter(|(_, value)| value.is_finite()).collect();
        Asset::Hours { series: series.name(), returns, steady }
    }
}

fn together(first: &Asset, second: &Asset, collateral: &str, debt: &str) -> Result<Together, Blank> {
    let of = |is: fn(&Asset) -> bool| -> Vec<String> {
        let both = [(first, collateral), (second, debt)];
        both.iter().filter(|(asset, _)| is(asset)).map(|(_, name)| (*name).to_string()).collect()
    };
    if collateral == debt {
        return Err(Blank::Same);
    }
    if let Some(unit) = of(|asset| matches!(asset, Asset::Unit)).pop() {
        return Err(Blank::Unit(unit));
    }
    let missing = of(|asset| matches!(asset, Asset::Missing));
    if !missing.is_empty() {
        return Err(Blank::NoSeries(missing));
    }
    if !of(|asset| matches!(asset, Asset::Still)).is_empty() {
        return Err(Blank::Still);
    }
    let (
        Asset::Hours { series: one, returns, steady },
        Asset::Hours { series: other, returns: returns2, steady: steady2 },
    ) = (first, second)
    else {
        return Err(Blank::NotHourly(of(|asset| matches!(asset, Asset::NotHourly))));
    };
    if one == other {
        return Err(Blank::Same);
    }
    // Returns are known from the first hour on, and steady ones a little later: rows are those that all four have.
    let rows = aligned(&[returns.clone(), returns2.clone(), steady.clone(), steady2.clone()]);
    let (times, [a, b, u, v]) = (rows.times, [0, 1, 2, 3].map(|at: usize| rows.returns[at].as_slice()));
    if times.len() < HOURS.fast + HOURS.least {
        return Err(Blank::TooShort(times.len()));
    }
    let two = Two { times: &times, returns: [a, b], steady: [u, v] };
    let watched = watch(two, &HOURS).map_err(|why| Blank::Unfit(why.to_string()))?;
    let last = |list: &[f64]| list[list.len().saturating_sub(WRONG_WAY)..].to_vec();
    let rolling = banded([a, b], &HOURS, CONFIDENCE).ok().flatten();
    let look =
        looks(&times, &[a, b], HOURS.fast, HOURS.block, YEAR).ok().and_then(|looks| looks.last().copied());
    let (fading, wrong_way) = (fading(a, b), wrong_way(&last(a), &last(b)).ok());
    let (readings, alarms) = (watched.readings, watched.alarms);
    Ok(Together { times, rolling, fading, wrong_way, look, readings, alarms })
}

/// The correlation of which a row of the moving window's length ago counts half.
fn fading(first: &[f64], second: &[f64]) -> Option<f64> {
    let mut fading = Fading::new(2, 0.5_f64.powf(1.0 / HOURS.fast as f64)).ok()?;
    for (a, b) in first.iter().zip(second) {
        fading.push(&[*a, *b]).ok()?;
    }
    fading.correlation(0, 1)
}

/// An asset that may count in the whole: its name, returns, and these made steady.
type Counts<'a> = (&'a String, &'a Hours, &'a Hours);

/// All assets that move and have enough of the history, as one; and what is told of them.
fn whole(assets: &BTreeMap<String, Asset>, pegs: &[Pegged]) -> (Whole, Vec<Told>) {
    let pegged: BTreeSet<&str> = pegs.iter().map(|peg| peg.series.as_str()).collect();
    let mut whole = Whole::default();
    let mut candidates: BTreeMap<&str, Counts<'_>> = BTreeMap::new();
    for (name, asset) in assets {
        let out = match asset {
            Asset::Unit => "prices are counted in it",
            Asset::Missing => "no series",
            Asset::NotHourly => "its bars are longer than an hour",
            Asset::Still => "it never moved",
            Asset::Hours { series, .. } if pegged.contains(series.as_str()) => "pegged",
            Asset::Hours { series, .. } if candidates.contains_key(series.as_str()) => {
                "another name of one that counts"
            }
            Asset::Hours { series, returns, steady } => {
                candidates.insert(series, (name, returns, steady));
                continue;
            }
        };
        whole.left_out.push((name.clone(), out.into()));
    }
    // What is listed late would leave next to nothing of the others.
    let longest = candidates.values().map(|(_, _, steady)| steady.len()).max().unwrap_or(0);
    let (kept, short): (Vec<_>, Vec<_>) =
        candidates.into_values().partition(|(_, _, steady)| 2 * steady.len() >= longest);
    whole
        .left_out
        .extend(short.iter().map(|(name, ..)| ((*name).clone(), "less than half of the history".into())));
    whole.assets = kept.iter().map(|(name, ..)| (*name).clone()).collect();
    if kept.len() < 2 {
        return (whole, Vec::new());
    }
    let of = |which: fn(&Counts<'_>) -> Hours| aligned(&kept.iter().map(which).collect::<Vec<_>>());
    let (plain, even) = (of(|(_, returns, _)| (*returns).clone()), of(|(_, _, steady)| (*steady).clone()));
    let (plain_rows, even_rows) = (slices(&plain.returns), slices(&even.returns));
    whole.looks = looks(&plain.times, &plain_rows, HOURS.fast, HOURS.block, YEAR).unwrap_or_default();
    let watched = watch_mean(&even.times, &even_rows, &HOURS).unwrap_or_default();
    let crisis = |look: Look| Told {
        time: look.time,
        who: Who::Book,
        news: News::Crisis(look.volatility, look.correlation),
    };
    let mut alarms: Vec<Told> = crises(&whole.looks).into_iter().map(crisis).collect();
    alarms.extend(watched.alarms.iter().map(|alarm| told(&even.times, Who::Book, alarm)));
    (whole.times, whole.readings) = (even.times, watched.readings);
    (whole, alarms)
}

fn slices(lists: &[Vec<f64>]) -> Vec<&[f64]> {
    lists.iter().map(Vec::as_slice).collect()
}
