//! Whether an asset may be collateral at all: gates that each pass or fail. Any that fails, or of which nothing is known, is enough; none
//! makes up for another.

use crate::monitor::pegs::near_one;
use plimsoll_core::{Book, Quote, Sight, Why};
use plimsoll_risk::extremes;
use plimsoll_risk::history::{History, Series};
use plimsoll_risk::rank::lower_tail;
use plimsoll_risk::volatility::annual;
use plimsoll_risk::windows::Windows;

/// A gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// What is looked at.
    pub name: &'static str,
    /// What was found, in `unit`; `None` where nothing is known.
    pub figure: Option<f64>,
    /// What it may be at most, or at least where `least` is set.
    pub limit: f64,
    /// The limit is a least and no most.
    pub least: bool,
    /// What figure and limit count.
    pub unit: &'static str,
    /// From what, or why nothing is known.
    pub because: String,
}

impl Gate {
    /// It passes; what is unknown does not.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.figure.is_some_and(|figure| if self.least { figure >= self.limit } else { figure <= self.limit })
    }

    /// How near it is to its limit: above one it fails, and the largest of all binds. Unknown is beyond all.
    #[must_use]
    pub fn pressure(&self) -> f64 {
        match self.figure {
            None => f64::INFINITY,
            Some(figure) if self.least => self.limit / figure.max(f64::MIN_POSITIVE),
            Some(figure) => figure / self.limit,
        }
    }
}

/// Fewer daily returns are no history.
const HISTORY: f64 = 365.0;
/// The wildest volatility of a year, as a part of one.
const VOLATILITY: f64 = 2.5;
/// The heaviest tail: beyond it the variance is not finite.
const TAIL: f64 = 0.5;
/// Losses of so many hundredths are the tail.
const ABOVE: f64 = 0.95;
/// Debt may be so many times what can be sold within the bonus.
const LIQUIDITY: f64 = 10.0;
/// How often, at most, the worst days of the collateral are the best of what is owed.
const WRONG_WAY: f64 = 0.3;
/// The part of days on which both are extreme.
const EXTREME: f64 = 0.05;
/// How far from its peg a pegged asset may have been within its history.
const PEG: f64 = 0.1;
/// The oldest that an oracle's price may be \[s\].
const AGE: f64 = 86_400.0;

/// What a gate is asked about.
pub(super) struct Asked<'a> {
    pub(super) book: &'a Book,
    pub(super) history: &'a History,
    pub(super) windows: &'a Windows,
    pub(super) hold: &'a [String],
    pub(super) asset: &'a str,
    /// The asset's own names.
    pub(super) called: &'a [String],
    /// Series of an asset: its own, or that of another name.
    pub(super) series: &'a dyn Fn(&str) -> Option<String>,
    pub(super) owed: &'a [String],
    pub(super) debt: f64,
    pub(super) liquidity: f64,
    pub(super) market: usize,
}

/// All gates.
pub(super) fn gates(asked: &Asked<'_>) -> Vec<Gate> {
    let Asked { windows, .. } = asked;
    let returns = windows.returns.len() as f64;
    let most = |name, figure, limit, unit, because| Gate { name, figure, limit, least: false, unit, because };
    let wild = annual(windows.wild.0 * windows.wild.0, 365.0);
    let losses: Vec<f64> = windows.returns.iter().map(|r| -r).collect();
    let tail = extremes::quantile(&losses, ABOVE).and_then(|line| extremes::fit(&losses, line));
    let (tail, of_tail) = match tail {
        Ok(tail) => (Some(tail.xi), "of a generalised Pareto fit to the worst twentieth of days".into()),
        Err(why) => (None, why.to_string()),
    };
    let mut gates = vec![
        Gate {
            name: "history",
            figure: Some(returns),
            limit: HISTORY,
            least: true,
            unit: "daily returns",
            because: "before the book's time".into(),
        },
        most(
            "volatility",
            Some(wild),
            VOLATILITY,
            "a year",
            "that one day in a hundred exceeds, EWMA 0.94".into(),
        ),
        most("tail index", tail, TAIL, "", of_tail),
        most(
            "debt to liquidity",
            (asked.liquidity > 0.0).then(|| asked.debt / asked.liquidity),
            LIQUIDITY,
            "times",
            "debt over what can be sold so that the bonus pays for the loss".into(),
        ),
    ];
    gates.extend(asked.owed.iter().map(|owed| wrong_way(asked, owed)));
    gates.extend(pegs(asked));
    gates.push(oracle(asked));
    gates
}

/// How often the collateral's worst days are the best days of what is owed.
fn wrong_way(asked: &Asked<'_>, owed: &str) -> Gate {
    let gate = |figure, because| Gate {
        name: "wrong way",
        figure,
        limit: WRONG_WAY,
        least: false,
        unit: "of the worst days",
        because,
    };
    let is_held = asked.hold.iter().any(|name| name == owed);
    if is_held || owed == asked.asset {
        let why = if is_held { "held at its price by assumption" } else { "the same asset" };
        return gate(Some(0.0), format!("{owed}: {why}"));
    }
    let daily = |name: &str| {
        let series = asked.history.series(&(asked.series)(name)?)?;
        Some(series.until(until(asked.book)).daily_returns())
    };
    let (Some(own), Some(other)) = (daily(asked.asset), daily(owed)) else {
        return gate(None, format!("{owed}: history has no such series, and it is not held"));
    };
    let both = plimsoll_risk::history::aligned(&[own, other]);
    let gains: Vec<f64> = both.returns[1].iter().map(|r| -r).collect();
    match lower_tail(&both.returns[0], &gains, EXTREME) {
        Ok(found) => {
            gate(Some(found), format!("{owed}: days on which both are extreme, at a level of {EXTREME}"))
        }
        Err(why) => gate(None, format!("{owed}: {why}")),
    }
}

/// The book's time, as history has it \[s\].
fn until(book: &Book) -> i64 {
    i64::try_from(book.at.0).unwrap_or(i64::MAX)
}

/// How far the asset was from what it is pegged to, for each basis of its own that history has. A price that is not near one on most bars
/// is no peg, but a pair of two coins; and what the asset is said to move as is another's.
fn pegs(asked: &Asked<'_>) -> Vec<Gate> {
    let (history, until) = (asked.history, until(asked.book));
    let own = |base: &str| asked.called.iter().any(|name| name.eq_ignore_ascii_case(base));
    let all = history.all().iter().filter(|series| own(&series.base) && series.quote != history.quote());
    let gate = |basis: &Series| {
        let known = basis.until(until);
        let furthest = known.bars.bars().iter().map(|bar| (bar.low - 1.0).abs().max((bar.high - 1.0).abs()));
        Gate {
            name: "peg",
            figure: furthest.reduce(f64::max),
            limit: PEG,
            least: false,
            unit: "of one",
            because: format!("the furthest that {} was from one", basis.name()),
        }
    };
    all.filter(|series| near_one(series, until)).map(gate).collect()
}

/// Whether the venue's price can be believed: it is there, fresh, and a market moves it.
fn oracle(asked: &Asked<'_>) -> Gate {
    let gate = |figure, because: String| Gate {
        name: "oracle",
        figure,
        limit: AGE,
        least: false,
        unit: "s old",
        because,
    };
    let listed = &asked.book.markets[asked.market];
    let quotes: Vec<Quote> = asked.book.graph.quotes(asked.book.at);
    let slot = listed.market.slots().iter().position(|slot| slot.asset == asked.asset);
    let Some(id) = slot.and_then(|slot| listed.wiring.get(slot).copied().flatten()) else {
        return gate(None, "the market reads no price of it".into());
    };
    let (quote, name) =
        (&quotes[id.0 as usize], asked.book.graph.price(id).map_or("", |price| price.name.as_str()));
    if let Some(why) = quote.doubt {
        return gate(None, format!("{name}: {}", doubt(why)));
    }
    match asked.book.graph.look(&quotes, id, asked.book.at).map(|look| look.sight) {
        Some(Sight::Whole | Sight::Partial) => {}
        Some(Sight::Rate) => return gate(None, format!("{name}: exchange rates move it and no market does")),
        Some(Sight::Fixed) => return gate(None, format!("{name}: it is hard-coded")),
        None => return gate(None, format!("{name}: what moves it cannot be told")),
    }
    match quote.observed_at {
        Some(at) => {
            let age = asked.book.at.0.saturating_sub(at.0) as f64;
            gate(Some(age), format!("{name}: the age of its oldest leg"))
        }
        None => gate(None, format!("{name}: when it was observed is not known")),
    }
}

fn doubt(why: Why) -> String {
    format!("the price is {why}")
}
