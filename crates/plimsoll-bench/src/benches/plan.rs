//! Plans for a portfolio, and policies on history.
//!
//! **Data.** `plan`: the demo book ([`plimsoll_io::book::demo`]), one owner with an account at each of its five venues, each brought from a
//! health below the target to it, out of a wallet of three assets and curves for every asset. `policy_backtest`: a thousand accounts of
//! the demo book along made-up hourly bars of five years, with lows and highs, seeded.
//!
//! **Answers.** `plan`: the whole question, from the book to a proven plan; what agrees are the plans that, done again step by step, do what
//! they say. `policy_backtest`: a policy beside nothing and a buffer; what agrees is that doing it again says the same, and that the
//! policy is liquidated no more often than nothing.
//!
//! **Baselines.** The goals that were set: 20 ms and 10 s. They are figures and not programs.
//!
//! `plans` is a property: the library's own test of random accounts of all venues, on a hundred thousand of them in a soak.

use crate::line::{Better, Line, isa};
use crate::measure::{Timing, cpu_in_turn};
use crate::random::Random;
use crate::registry::{Context, Trouble};
use plimsoll::{
    PlanAsk, Planned, PolicyKind, PolicyRule, PolicySetting, PolicySource, PolicyTest, Said, plan,
    policy_test,
};
use plimsoll_core::{Book, Decimal, Depth, DepthCurve, Gas, Int, Lens, Standing, Test, Verdict};
use plimsoll_io::book::open;
use plimsoll_risk::bars::{Bar, Bars};
use plimsoll_risk::history::{History, Series};
use std::path::Path;
use std::process::Command;

pub(crate) const PLAN: &str = "plan";
pub(crate) const POLICY: &str = "policy_backtest";
pub(crate) const PLANS: &str = "plans";

/// Accounts of the demo book that is planned in.
const ACCOUNTS: u64 = 2_000;
/// Health to be reached.
const TARGET: &str = "2.2";

fn no_data(what: impl Into<String>) -> Trouble {
    Trouble::NoData(what.into())
}

fn decimal(text: &str) -> Result<Decimal, Trouble> {
    text.parse().map_err(|_| no_data(text))
}

pub(crate) fn run_plan(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    for seed in context.seeds() {
        let mut book = demo(ACCOUNTS, seed)?;
        let (mut random, mut asks) = (Random::new(seed), Vec::new());
        let depth = depth(&book)?;
        for number in 0..context.sized(2, 20, 100) {
            asks.push(portfolio(&mut book, &mut random, number)?);
        }
        let asks: Vec<PlanAsk<'_>> = asks
            .into_iter()
            .map(|accounts| {
                Ok(PlanAsk {
                    accounts,
                    target: decimal(TARGET)?,
                    wallet: vec![
                        ("USDC".into(), decimal("3000000")?),
                        ("WETH".into(), decimal("400")?),
                        ("DAI".into(), decimal("900000")?),
                    ],
                    depth: Some(&depth),
                    gas: Some(decimal("5")?),
                    currency: "USD".into(),
                    carry: decimal("0")?,
                    floor: decimal("1.01")?,
                })
            })
            .collect::<Result<_, Trouble>>()?;
        let mut answers: Vec<Option<Planned>> = Vec::new();
        let mut all = || answers = asks.iter().map(|ask| plan(&book, ask).ok()).collect();
        let [timing] = cpu_in_turn(context.sized(1, 5, 5), asks.len() as u64, [&mut all]);
        let (mut agreed, mut checked, mut steps, mut short) = (0, 0, 0, 0);
        for (ask, answer) in asks.iter().zip(&answers) {
            let answer =
                answer.as_ref().ok_or_else(|| Trouble::Wrong("a portfolio was not answered".into()))?;
            let Ok(found) = &answer.outcome else {
                short += 1;
                continue;
            };
            checked += 1;
            steps += found.steps.len();
            let again = found.replay(&book, ask, true).map_err(|why| Trouble::Wrong(why.to_string()))?;
            agreed += u64::from(again.broken.is_none());
        }
        let case = format!(
            "five venues, {} portfolios, {:.1} steps each, {short} without a plan",
            asks.len(),
            steps as f64 / checked.max(1) as f64
        );
        let n = asks.len() as u64;
        emit(line(PLAN, case, timing, 1e-6, "ms", 20.0, [agreed, checked], n, seed));
    }
    Ok(())
}

pub(crate) fn run_policy(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    for seed in context.seeds() {
        let accounts = context.sized(200, 1_400, 1_400);
        let mut book = demo(accounts, seed)?;
        let most = context.sized(100, 1_000, 1_000);
        keep(&mut book, most);
        let hours = context.sized(24 * 90, 24 * 365 * 5, 24 * 365 * 5);
        let history = history(&book, hours, seed)?;
        let rule = rule()?;
        let setting = PolicySetting {
            said: Said { hold: dollars(&book), map: Vec::new() },
            restart: 90 * 86_400,
            ..PolicySetting::default()
        };
        let ask =
            || policy_test(&book, &history, &rule, &setting).map_err(|why| Trouble::Wrong(why.to_string()));
        let mut answer = Err(no_data("nothing was tried"));
        let [timing] = cpu_in_turn(context.sized(1, 3, 3), 1, [&mut || answer = ask()]);
        let (answer, again) = (answer?, ask()?);
        let struck = |kind: PolicyKind| -> u64 {
            let of_kind = answer.tried.iter().filter(|tried| tried.kind == kind);
            of_kind.flat_map(|tried| &tried.sums).map(|(_, sums)| sums.struck).sum()
        };
        let saves = struck(PolicyKind::Policy) <= struck(PolicyKind::Nothing);
        let agreed = u64::from(again.tried == answer.tried) + u64::from(saves);
        let PolicyTest { followed, bars, .. } = &answer;
        let case = format!(
            "{followed} accounts, {} hourly bars, begun {} times: {} runs struck without, {} with",
            bars.1,
            answer.runs,
            struck(PolicyKind::Nothing),
            struck(PolicyKind::Policy)
        );
        emit(line(POLICY, case, timing, 1e-9, "s", 10.0, [agreed, 2], *followed as u64, seed));
    }
    Ok(())
}

/// Runs the library's test on so many cases.
pub(crate) fn run_plans(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    for seed in context.seeds() {
        let cases: u64 = context.sized(200, 1_000, 100_000);
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let said = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["test", "--quiet", "--locked", "-p", "plimsoll", "--test", "plan"])
            .args(["a_plan_reaches_its_target_and_no_smaller_last_step_does", "--", "--nocapture"])
            .env("PLIMSOLL_CASES", cases.to_string())
            .env("PLIMSOLL_SEED", seed.to_string())
            .current_dir(workspace)
            .output()
            .map_err(|error| Trouble::NoBaseline { baseline: "cargo test", why: error.to_string() })?;
        let text =
            String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
        let seen = seen(&text);
        let sound = said.status.success() && seen >= cases;
        let timing = Timing { median: f64::from(u8::from(!sound)), spread: 0.0, runs: 1 };
        let case = format!("{seen} random accounts of all venues, planned and walked");
        let agreed = [if sound { seen } else { 0 }, seen.max(1)];
        emit(line(PLANS, case, timing, 1.0, "failures", 0.0, agreed, seen, seed));
        if !sound {
            return Err(Trouble::Wrong(text));
        }
    }
    Ok(())
}

/// The last count that was told.
fn seen(said: &str) -> u64 {
    said.lines()
        .filter_map(|line| line.strip_suffix(" questions were answered")?.parse().ok())
        .max()
        .unwrap_or(0)
}

#[allow(clippy::too_many_arguments)] // the keys of a line, each once
fn line(
    bench: &'static str,
    case: String,
    timing: Timing,
    unit: f64,
    name: &'static str,
    goal: f64,
    [agreed, checked]: [u64; 2],
    n: u64,
    seed: u64,
) -> Line {
    Line {
        bench,
        case,
        value: timing.median * unit,
        unit: name,
        better: Better::Lower,
        baseline: "goal".into(),
        baseline_value: goal,
        agreed,
        checked,
        runs: timing.runs,
        spread: timing.spread,
        threads: 1,
        isa: isa(),
        n,
        sample: n,
        seed,
    }
}

fn demo(accounts: u64, seed: u64) -> Result<Book, Trouble> {
    let opened = open(&super::stress_exact::data::written(accounts, seed)?);
    if opened.faults.is_empty() { Ok(opened.book) } else { Err(no_data(opened.faults.render(false))) }
}

/// One owner with an account of each venue that owes, is above its line and below the target.
fn portfolio(book: &mut Book, random: &mut Random, number: u64) -> Result<Vec<usize>, Trouble> {
    let quotes = book.graph.quotes(book.at);
    let mut mine = Vec::new();
    let mut venues = Vec::new();
    for (m, listed) in book.markets.iter().enumerate() {
        let venue = listed.market.venue().0;
        if venues.contains(&venue) {
            continue;
        }
        let readings = book.readings(listed, &quotes);
        let standing = Standing::new(&*listed.market, &readings, Lens::Action, book.at)?;
        let places: Vec<usize> =
            (0..book.accounts.len()).filter(|place| book.accounts[*place].market == m).collect();
        let from = random.below(places.len().max(1) as u64) as usize;
        let fits = |place: &&usize| {
            let judged = standing.judge(&book.accounts[**place].account, Test::Liquidation);
            judged.own.is_ok_and(|seen| {
                let times = |number: Int, by: i128| number.mul(Int::new(by));
                seen.verdict == Verdict::Healthy
                    && times(seen.backing, 10) > times(seen.requirement, 11)
                    && times(seen.backing, 10) < times(seen.requirement, 20)
                    && seen.debt > Int::new(1000)
            })
        };
        if let Some(place) = places[from..].iter().chain(&places[..from]).find(fits) {
            venues.push(venue);
            mine.push(*place);
        }
    }
    let owner = format!("portfolio {number}");
    for place in &mine {
        book.accounts[*place].owner.clone_from(&owner);
    }
    if mine.len() < 5 {
        return Err(no_data(format!("an account to be helped at each of five venues, found {}", mine.len())));
    }
    Ok(mine)
}

/// A curve for every asset.
fn depth(book: &Book) -> Result<Depth, Trouble> {
    let mut names: Vec<String> = Vec::new();
    for spec in book.markets.iter().flat_map(|listed| listed.market.instruments()) {
        if !names.contains(&spec.asset) {
            names.push(spec.asset.clone());
        }
    }
    let points = [["1000", "999"], ["100000", "99000"], ["10000000", "9000000"]];
    let mut curves = Vec::new();
    for name in names {
        let points = points.iter().map(|[sold, got]| Ok([decimal(sold)?, decimal(got)?]));
        let points = points.collect::<Result<Vec<_>, Trouble>>()?;
        curves.push(DepthCurve { assets: vec![name], against: Vec::new(), price: decimal("1")?, points });
    }
    let gas = vec![Gas { currency: vec!["USD".into()], amount: decimal("5")? }];
    Ok(Depth { name: "bench".into(), sources: Vec::new(), curves, gas, recovers: decimal("0")? })
}

/// The first accounts that owe something.
fn keep(book: &mut Book, most: usize) {
    let quotes = book.graph.quotes(book.at);
    let mut kept = 0;
    let mut owes = vec![false; book.accounts.len()];
    for (m, listed) in book.markets.iter().enumerate() {
        let readings = book.readings(listed, &quotes);
        let Ok(standing) = Standing::new(&*listed.market, &readings, Lens::Action, book.at) else { continue };
        for (place, account) in book.accounts.iter().enumerate().filter(|(_, account)| account.market == m) {
            let judged = standing.judge(&account.account, Test::Liquidation);
            owes[place] = judged.verdict() == Some(Verdict::Healthy);
        }
    }
    let mut owes = owes.into_iter();
    book.accounts.retain(|_| {
        let keeps = owes.next() == Some(true) && kept < most;
        kept += usize::from(keeps);
        keeps
    });
    for (place, listed) in (0..).zip(&mut book.accounts) {
        listed.account.id = plimsoll_core::AccountId(place);
    }
}

const STABLE: [&str; 8] = ["USDC", "USDT", "DAI", "USDS", "GHO", "USDe", "sUSDe", "BOLD"];

/// Dollars that the book knows.
fn dollars(book: &Book) -> Vec<String> {
    let known = |name: &&&str| {
        let mut all = book.markets.iter().flat_map(|listed| listed.market.instruments());
        all.any(|spec| spec.asset == ***name)
    };
    STABLE.iter().filter(known).map(|name| (*name).to_string()).collect()
}

/// Hourly bars of everything else that the book prices: one factor, and a little of its own.
fn history(book: &Book, hours: u64, seed: u64) -> Result<History, Trouble> {
    let mut names: Vec<String> = Vec::new();
    for price in book.graph.prices() {
        for name in [price.unit.per.clone(), Some(price.unit.currency.clone())].into_iter().flatten() {
            if name != "USD" && !STABLE.contains(&name.as_str()) && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let mut random = Random::new(seed ^ 0x9e37);
    let end = i64::try_from(book.at.0).unwrap_or(0).div_euclid(86_400) * 86_400;
    let start = end - i64::try_from(hours).unwrap_or(0) * 3600;
    let mut prices = vec![100.0_f64; names.len()];
    let mut bars: Vec<Vec<Bar>> = vec![Vec::new(); names.len()];
    for hour in 0..i64::try_from(hours).unwrap_or(0) {
        let factor = 0.0065 * random.normal();
        for (price, bars) in prices.iter_mut().zip(&mut bars) {
            let open = *price;
            *price *= (factor + 0.0025 * random.normal() - 0.00002).exp();
            let room = 1.0 + 0.004 * random.unit();
            let (low, high) = (open.min(*price) / room, open.max(*price) * room);
            bars.push(Bar { time: start + hour * 3600, open, high, low, close: *price });
        }
    }
    let mut series = Vec::new();
    for (name, bars) in names.into_iter().zip(bars) {
        let bars = Bars::new(3600, bars).map_err(|unfit| no_data(unfit.to_string()))?;
        series.push(Series { base: name.to_uppercase(), quote: "USD".into(), bars, ranged: true });
    }
    Ok(History::new("USD".into(), series, Vec::new(), "0".repeat(64)))
}

fn rule() -> Result<PolicyRule, Trouble> {
    Ok(PolicyRule {
        name: "bench".into(),
        trigger_below: decimal("1.2")?,
        restore_to: decimal("1.5")?,
        trigger_above: Some(decimal("3")?),
        target: Some(decimal("2")?),
        prices: Vec::new(),
        sources: vec![PolicySource::Wallet(decimal("50000")?), PolicySource::Collateral(decimal("0.003")?)],
        delay: 3600,
        cool_down: 6 * 3600,
        gas: decimal("10")?,
        gas_series: None,
        gas_cap: None,
        size_cap: None,
        leave_below: Some(decimal("1.05")?),
        carry: decimal("0.05")?,
        penalty: decimal("0.05")?,
        close: decimal("0.5")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Scale;

    #[test]
    fn small_ones_are_measured_and_agree() {
        let context = Context { scale: Scale::Quick, seed: 1, child_peers: false, data: None };
        for run in [run_plan, run_policy] {
            let mut lines = Vec::new();
            assert_eq!(run(&context, &mut |line| lines.push(line)), Ok(()));
            assert!(lines.iter().all(Line::agrees), "{lines:?}");
        }
        assert_eq!(seen("running 1 test\n200 questions were answered\nok"), 200);
    }
}
