//! Where the lines of a market's collateral should stand: from prices that were, depth that was measured, and what people owe.
//!
//! Floats estimate here; whom a change of parameters would touch is asked of the venue's integers.

#![allow(clippy::float_arithmetic)] // estimates of losses that may come: no account is judged by them

pub(crate) mod gates;
pub(crate) mod hazards;
pub(crate) mod margins;
pub(crate) mod stand;
pub(crate) mod touched;

use crate::ask::Misasked;
use crate::identity::Identity;
use crate::shock::known_as;
use crate::stress::{Stress, readings, standings};
use crate::survey::currency;
use gates::Gate;
use hazards::Struck;
use plimsoll_core::{Book, Depth, DepthCurve, Hazard, Kind, Supply};
use plimsoll_risk::Unfit;
use plimsoll_risk::history::{History, Series};
use plimsoll_risk::liquidation::{Depth as Sales, Terms};
use plimsoll_risk::smart_ltv::SmartLtv;
use plimsoll_risk::threshold::{Appetite, Cap, Given, Line, extreme_drop, step};
use plimsoll_risk::volatility::{annual, parkinson};
use plimsoll_risk::windows::Windows;
use stand::{Rules, Stand, real};
use std::collections::{BTreeMap, BTreeSet};
use touched::Touched;

/// The fund that absorbs losses, where nobody says how large it is (dollars): a thousandth of it is 400,000.
pub const FUND: f64 = 400e6;
/// The part of the fund that may be lost in a day.
const TOLERATED: f64 = 1e-3;
/// How many volatilities SmartLTV is confident of, as its authors test it.
const CONFIDENCE: f64 = 3.0;
/// Days of the range that SmartLTV reads.
const RANGE: usize = 30;
/// One call may repay this part of a debt, and all of it below this health.
const CLOSE: (f64, f64) = (0.5, 0.95);

/// Why something of an asset cannot be estimated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotEstimable {
    /// Which asset.
    pub asset: String,
    /// Why, in words.
    pub why: String,
}

impl core::fmt::Display for NotEstimable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: not estimable: {}", self.asset, self.why)
    }
}

impl std::error::Error for NotEstimable {}

/// What lines are set from.
#[derive(Clone, Copy)]
pub struct Calibrating<'a> {
    /// Prices that were; only those before the book's time are looked at.
    pub history: &'a History,
    /// What selling brings.
    pub depth: &'a Depth,
    /// The fund that absorbs losses (dollars); [`FUND`] where nobody says.
    pub fund: Option<f64>,
    /// How much circulates.
    pub supplies: &'a [Supply],
    /// What may fail at once; not assessed where nobody says.
    pub hazards: Option<&'a [Hazard]>,
    /// Assets that are worth a dollar by assumption.
    pub hold: &'a [String],
    /// Assets that move as another's series does.
    pub like: &'a [(String, String)],
    /// Only this market.
    pub market: Option<&'a str>,
    /// Only this collateral.
    pub asset: Option<&'a str>,
}

/// Where lines should stand.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// The book.
    pub identity: Identity,
    /// The loss of a day that is tolerated (dollars).
    pub tolerated: f64,
    /// Each collateral of each market.
    pub all: Vec<Calibrated>,
}

/// One collateral of one market.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// The market's name.
    pub market: String,
    /// The collateral.
    pub asset: String,
    /// What the market counts in.
    pub currency: String,
    /// What stands against it.
    pub stand: Stand,
    /// The market's own numbers.
    pub rules: Rules,
    /// What strikes it beyond prices; `None` where nobody said what may.
    pub hazards: Option<Struck>,
    /// The lines; or why there are none, and then the LTV is 0.
    pub found: Result<Observed, NotEstimable>,
}

/// What was found of a collateral.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The series.
    pub series: String,
    /// Its price at the last bar before the book's time, in the market's currency.
    pub price: f64,
    /// When the first and the last bar open \[s\].
    pub span: (i64, i64),
    /// Days that lines were tried on, how many a gap made unusable, and whether their lows are known.
    pub days: (usize, usize, bool),
    /// Volatility of a year: now, and the one that a hundredth of days exceeds with the day that set it \[s\].
    pub volatility: (f64, f64, i64),
    /// What can be sold so that the bonus pays for the loss (the market's currency).
    pub liquidity: f64,
    /// The bonus that liquidators were given.
    pub bonus: f64,
    /// What was assumed, in words.
    pub assumed: Vec<String>,
    /// Whether it may be collateral.
    pub gates: Vec<Gate>,
    /// SmartLTV beside it; `None` where its inputs are missing.
    pub smart: Option<f64>,
    /// For each appetite.
    pub columns: Vec<Column>,
}

impl Observed {
    /// Every gate passes.
    #[must_use]
    pub fn eligible(&self) -> bool {
        self.gates.iter().all(Gate::passes)
    }
}

/// What an appetite asks.
#[derive(Clone, Debug)]
pub struct Column {
    /// The appetite.
    pub appetite: Appetite,
    /// The line that it would have, all at once and whatever the gates say.
    pub line: Line,
    /// The bonus that pays for a bar's fall and the largest lot.
    pub bonus: f64,
    /// What one call should repay.
    pub close: f64,
    /// The part of the price that is not counted.
    pub haircut: f64,
    /// The caps, and the drop that they withstand.
    pub cap: Cap,
    /// See `cap`.
    pub drop: f64,
    /// The next step toward the line: threshold and LTV; an LTV of 0 is at once.
    pub next: (f64, f64),
    /// The line on all days as they were.
    pub replayed: Replayed,
    /// Whom the step would touch; why nobody can say, where that is so.
    pub touched: Result<Touched, String>,
}

/// What a line would have done on days as they were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replayed {
    /// Days.
    pub days: usize,
    /// Days on which more than what is tolerated was left uncovered.
    pub over: usize,
    /// The largest loss of a day (money), and the day \[s\].
    pub worst: (f64, i64),
}

/// Where the lines of a book's collaterals should stand.
///
/// # Errors
/// When there is no such market or collateral, or a market cannot stand.
pub fn calibrate(book: &Book, with: &Calibrating<'_>) -> Result<Calibration, Misasked> {
    let readings = readings(book);
    let standings = standings(book, &readings)?;
    let stress = Stress::new(book)?;
    let before = stress.stand()?;
    let names = known_as(book);
    let fund = with.fund.unwrap_or(FUND);
    let mut all = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (m, listed) in book.markets.iter().enumerate() {
        if with.market.is_some_and(|market| market != listed.name) {
            continue;
        }
        let mut stands = stand::stands(book, m, &standings[m]);
        let mut collaterals: BTreeSet<String> = stands.keys().cloned().collect();
        // Who asks for one that nobody borrows against yet is answered, too.
        let lists = |asset: &str| {
            let mut held = listed.market.instruments().iter().filter(|one| one.kind == Kind::Receipt);
            held.any(|one| one.asset == asset)
        };
        collaterals.extend(with.asset.filter(|asset| lists(asset)).map(String::from));
        known.extend(collaterals.iter().cloned());
        for asset in collaterals.iter().filter(|asset| with.asset.is_none_or(|only| only == *asset)) {
            let stand = stands.remove(asset).unwrap_or_default();
            let one = One { book, with, market: m, asset, names: &names, tolerated: fund * TOLERATED };
            let rules = stand::rules(book, m, asset);
            let found = one.found(&stand, &rules, &before);
            let hazards =
                with.hazards.map(|hazards| hazards::struck(book, m, asset, &one.known(asset), hazards));
            let (market, currency) = (listed.name.clone(), currency(&*listed.market));
            all.push(Calibrated { market, asset: asset.clone(), currency, stand, rules, hazards, found });
        }
    }
    if let Some(market) = with.market.filter(|_| all.is_empty())
        && !book.markets.iter().any(|listed| listed.name == market)
    {
        let known = book.markets.iter().map(|listed| listed.name.clone()).collect();
        return Err(Misasked::NoSuch { what: "existing market".into(), found: market.into(), known });
    }
    if let Some(asset) = with.asset.filter(|_| all.is_empty()) {
        let (what, known) = ("asset that is collateral in the book".into(), known.into_iter().collect());
        return Err(Misasked::NoSuch { what, found: asset.into(), known });
    }
    Ok(Calibration { identity: stress.identity, tolerated: fund * TOLERATED, all })
}

/// One collateral that lines are looked for.
struct One<'a> {
    book: &'a Book,
    with: &'a Calibrating<'a>,
    market: usize,
    asset: &'a str,
    names: &'a BTreeMap<String, BTreeSet<String>>,
    tolerated: f64,
}

impl One<'_> {
    /// All names that the book has of an asset, its own first.
    fn called(&self, asset: &str) -> Vec<String> {
        let others = self.names.get(asset).into_iter().flatten().cloned();
        std::iter::once(asset.to_string()).chain(others).collect()
    }

    /// The same, and what whoever asks says that it moves as.
    fn known(&self, asset: &str) -> Vec<String> {
        let like = self.with.like.iter().filter(|(name, _)| name == asset).map(|(_, like)| like.clone());
        like.chain(self.called(asset)).collect()
    }

    fn dollar(&self, asset: &str) -> bool {
        let quote = self.with.history.quote();
        self.known(asset).iter().any(|name| name == quote || self.with.hold.contains(name))
    }

    /// The series of an asset in a currency; `None` for the history's own.
    fn series(&self, asset: &str, currency: Option<&str>) -> Option<&Series> {
        let history = self.with.history;
        let bases = self.known(asset);
        match currency {
            None => bases.iter().find_map(|base| history.series(base)),
            Some(currency) => {
                let counted = self.known(currency);
                let all =
                    bases.iter().flat_map(|base| counted.iter().map(move |quote| format!("{base}-{quote}")));
                all.into_iter().find_map(|name| history.series(&name))
            }
        }
    }

    fn found(
        &self,
        stand: &Stand,
        rules: &Rules,
        before: &crate::stress::Jump,
    ) -> Result<Observed, NotEstimable> {
        let none = |why: String| NotEstimable { asset: self.asset.into(), why };
        let unfit = |why: Unfit| none(why.to_string());
        let until = i64::try_from(self.book.at.0).unwrap_or(i64::MAX);
        let listed = &self.book.markets[self.market];
        let currency = currency(&*listed.market);
        let mut assumed = Vec::new();
        // What the tolerated loss is in the market's currency.
        let (series, dollars) = if self.dollar(&currency) {
            if currency != self.with.history.quote() {
                assumed.push(format!("{currency} is worth one {}", self.with.history.quote()));
            }
            (self.series(self.asset, None), 1.0)
        } else {
            let own = self
                .series(&currency, None)
                .and_then(|series| series.until(until).bars.bars().last().copied());
            let own = own.ok_or_else(|| {
                none(format!("history has no price of {currency}, which the market counts in"))
            })?;
            (self.series(self.asset, Some(&currency)), own.close)
        };
        let series = series.ok_or_else(|| none(format!("history has no series of it in {currency}")))?;
        if !self.asset.eq_ignore_ascii_case(&series.base) {
            assumed.push(format!("{} moves as {}", self.asset, series.name()));
        }
        let windows = Windows::new(series, until).map_err(unfit)?;
        let sold = self.called(self.asset);
        let curve = stand
            .owed
            .iter()
            .flat_map(|owed| self.called(owed))
            .find_map(|owed| sold.iter().find_map(|asset| self.with.depth.curve(asset, &owed)));
        // Where nothing is owed yet, a curve for whatever is.
        let any = || sold.iter().find_map(|asset| self.with.depth.curve(asset, ""));
        let curve = curve.or_else(|| any().filter(|_| stand.owed.is_empty()));
        let curve = curve.ok_or_else(|| {
            let owed = if stand.owed.is_empty() { "anything".into() } else { stand.owed.join(" or ") };
            none(format!("the depth has no curve of it for {owed}"))
        })?;
        let sales = sales(&self.with.depth.curves[curve]).map_err(unfit)?;
        assumed.push(format!("depth: {}", self.with.depth.name));
        assumed.push(format!(
            "one call repays {} of a debt, and below a health of {} all of it",
            CLOSE.0, CLOSE.1
        ));
        let mut terms = Terms { threshold: 1.0, bonus: 0.0, close: CLOSE.0, full_below: CLOSE.1 };
        let tolerated = self.tolerated / dollars;
        let debt = stand.debt.max(f64::MIN_POSITIVE);
        let usage = if stand.usage.is_empty() { vec![(1.0, 1.0)] } else { stand.usage.clone() };
        let lot = CLOSE.0 * stand.largest;
        let mut given = Given { windows: &windows, depth: &sales, tolerated, debt, usage, lot, terms };
        terms.bonus = match rules.bonus {
            Some(bonus) => bonus,
            None => {
                assumed.push("the market does not tell its bonus: what pays for a bar's fall and the largest lot (moderate)".into());
                given.bonus(Appetite::Moderate).map_err(unfit)?
            }
        };
        if !terms.bonus.is_finite() {
            return Err(none("no bonus pays for selling the largest lot".into()));
        }
        given.terms = terms;
        let liquidity = given.liquidity();
        if stand.debt <= 0.0 {
            let who = if stand.unknown > 0 { "nobody of whom the venue has an answer" } else { "nobody" };
            assumed.push(format!(
                "{who} owes against it: as much debt as can be sold within the bonus is assumed"
            ));
            given.debt = liquidity.max(f64::MIN_POSITIVE);
        }
        if !windows.ranged {
            assumed.push("only closes are known, which hide how low prices went".into());
        }
        let asked = gates::Asked {
            book: self.book,
            history: self.with.history,
            windows: &windows,
            hold: self.with.hold,
            asset: self.asset,
            called: &sold,
            series: &|name| self.series(name, None).map(Series::name),
            owed: &stand.owed,
            debt: given.debt,
            liquidity,
            market: self.market,
        };
        let gates = gates::gates(&asked);
        let emergency = !gates.iter().all(Gate::passes);
        let circulating = self.supply();
        let value = circulating.map(|(units, _)| units * windows.price * dollars);
        let drop = extreme_drop(value, circulating.is_some_and(|(_, stable)| stable));
        let column = |appetite: Appetite| -> Result<Column, Unfit> {
            let line = given.line(appetite)?;
            let cap = given.cap(appetite, &line, drop, circulating.map(|(units, _)| units))?;
            let now =
                |told: &Option<stand::Stated>, target: f64| told.as_ref().map_or(target, |told| told.value);
            let threshold = step(now(&rules.threshold, line.threshold), line.threshold, false);
            let ltv = step(now(&rules.ltv, line.ltv), line.ltv, emergency || line.ltv <= 0.0);
            Ok(Column {
                appetite,
                bonus: given.bonus(appetite)?,
                close: given.close(appetite, line.threshold)?,
                haircut: given.haircut(appetite)?,
                replayed: replayed(&given, &line),
                touched: touched::touched(self.book, before, rules, threshold, ltv),
                next: (threshold, ltv),
                line,
                cap,
                drop,
            })
        };
        let columns = Appetite::ALL.into_iter().map(column).collect::<Result<Vec<_>, _>>().map_err(unfit)?;
        Ok(Observed {
            series: series.name(),
            price: windows.price,
            span: windows.span,
            days: (windows.all.len(), windows.torn, windows.ranged),
            volatility: (
                annual(windows.now * windows.now, 365.0),
                annual(windows.wild.0 * windows.wild.0, 365.0),
                windows.wild.1,
            ),
            liquidity,
            bonus: terms.bonus,
            assumed,
            gates,
            smart: smart(&series.until(until), liquidity, given.debt, terms.bonus),
            columns,
        })
    }

    /// What circulates of the asset, and whether it is meant to keep its value.
    fn supply(&self) -> Option<(f64, bool)> {
        let names = self.called(self.asset);
        let own =
            self.with.supplies.iter().find(|supply| supply.assets.iter().any(|name| names.contains(name)));
        own.map(|supply| (real(supply.circulating.mantissa, supply.circulating.decimals), supply.stable))
    }
}

/// A depth curve at a price of one.
fn sales(curve: &DepthCurve) -> Result<Sales, Unfit> {
    let price = real(curve.price.mantissa, curve.price.decimals);
    let point = |[sold, brings]: &[plimsoll_core::Decimal; 2]| {
        [real(sold.mantissa, sold.decimals), real(brings.mantissa, brings.decimals) / price]
    };
    Sales::new(curve.points.iter().map(point).collect())
}

/// What SmartLTV would say: with the range of the last days, what can be sold within the bonus, and the debt as its cap.
fn smart(series: &Series, liquidity: f64, cap: f64, bonus: f64) -> Option<f64> {
    let days = series.days();
    let last = &days[days.len().saturating_sub(RANGE)..];
    let (highs, lows): (Vec<f64>, Vec<f64>) = last.iter().map(|day| (day.high, day.low)).unzip();
    let volatility = parkinson(&highs, &lows).ok()?;
    SmartLtv { liquidity, volatility, cap, bonus, confidence: CONFIDENCE }.ratio().ok()
}

fn replayed(given: &Given<'_>, line: &Line) -> Replayed {
    let mut with = given.clone();
    with.debt = line.debt.max(f64::MIN_POSITIVE);
    let losses = if line.ltv > 0.0 {
        with.losses(&with.windows.paths(None), line.threshold, line.ltv).0
    } else {
        vec![0.0; given.windows.all.len()]
    };
    let over = losses.iter().filter(|loss| **loss > given.tolerated).count();
    let worst = losses.iter().zip(&given.windows.all).max_by(|a, b| a.0.total_cmp(b.0));
    let worst = worst.map_or((0.0, 0), |(loss, window)| (*loss, window.from));
    Replayed { days: losses.len(), over, worst }
}
