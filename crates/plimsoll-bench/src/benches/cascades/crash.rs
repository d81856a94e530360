//! `crash_100k`: a demo book of 100,000 accounts at five venues through 43,200 ticks of a minute: thirty days in which ether falls by a third, with
//! diffusion and jumps on top; seed 1. Every venue has feeds of its own for each asset, as deployments have, so that more than a dozen move at
//! each tick. Four keepers, a tenth of the borrowers with policies, depth that recovers and withdraws. The book is read and the index built before
//! the clock starts.
//!
//! **Baseline** `goal`: 10 s on one core. `agrees`: everybody whom judging all accounts finds below the line at the end is below it in the
//! simulation, and nobody else is; one check for each account.

use crate::benches::stress_exact::data::written;
use crate::line::{Better, Line, isa};
use crate::measure::thread_nanoseconds;
use crate::registry::{Context, Trouble};
use plimsoll_core::{Book, FeedKind, Lens, Origin, Price, PriceId, Standing, Test, U256, Verdict};
use plimsoll_sim::outcome::Outcome;
use plimsoll_sim::plan::{Borrowers, Curve, Gas, Keeper, Leaf, ONE, Oracle, Plan, Policy};
use plimsoll_sim::play::Run;
use plimsoll_sim::prices::{Drawn, Motion, Paths, Tick};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const CRASH: &str = "crash_100k";

/// Seconds on one core.
const GOAL: f64 = 10.0;
/// Drivers: name of the feed, volatility a year, mean of a jump's logarithm.
const DRIVERS: [(&str, f64, f64); 5] = [
    ("WETH/USD", 0.8, -0.04),
    ("WBTC/USD", 0.6, -0.03),
    ("USDC/USD", 0.004, 0.0),
    ("USDT/USD", 0.004, 0.0),
    ("stETH/WETH", 0.01, -0.002),
];

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let accounts = context.sized(5_000, 100_000, 100_000);
    let steps = context.sized(2_000, 43_200, 43_200);
    for seed in context.seeds() {
        let folder = written(accounts, seed)?;
        let opened = plimsoll_io::book::open(&folder);
        if !opened.faults.is_empty() {
            return Err(Trouble::NoData(opened.faults.render(false)));
        }
        let mut book = opened.book;
        let leaves = own_feeds(&mut book)?;
        let feeds = leaves.len();
        let plan = plan(leaves, steps, seed);
        let wrong = |why: plimsoll_sim::Unplayable| Trouble::Wrong(why.to_string());
        let mut run = Run::new(&book, &plan, 0).map_err(wrong)?;
        let begun = thread_nanoseconds()
            .ok_or_else(|| Trouble::NoData("the system does not tell CPU time".into()))?;
        while run.step().map_err(wrong)? {}
        let ended = thread_nanoseconds().unwrap_or(f64::NAN);
        let seconds = (ended - begun) / 1e9;
        let (agreed, checked) = agrees(&run)?;
        let touched = run.touched();
        let outcome = run.outcome();
        eprintln!("{}", told(outcome, touched, steps, accounts, seconds));
        emit(Line {
            bench: CRASH,
            case: format!(
                "{accounts} accounts x {steps} ticks, {feeds} feeds, {} calls, {} borrowers acted",
                outcome.calls, outcome.rescues
            ),
            value: seconds,
            unit: "s",
            better: Better::Lower,
            baseline: "goal".into(),
            baseline_value: GOAL,
            agreed,
            checked,
            runs: 1,
            spread: 0.0,
            threads: 1,
            isa: isa(),
            n: accounts * u64::from(steps),
            sample: accounts * u64::from(steps),
            seed,
        });
        if agreed != checked {
            return Err(Trouble::Wrong(format!("{agreed} of {checked} accounts stand where they are")));
        }
    }
    Ok(())
}

fn told(outcome: &Outcome, touched: u64, steps: u32, accounts: u64, seconds: f64) -> String {
    let rate = accounts as f64 * f64::from(steps) / seconds;
    format!(
        "{} fell, {} calls, {} borrowers acted; {touched} looks by the index, {rate:.2e} account-ticks a second",
        outcome.fell, outcome.calls, outcome.rescues
    )
}

/// A copy of every price for each market that reads it, and what moves each of the copies that are feeds.
fn own_feeds(book: &mut Book) -> Result<Vec<Leaf>, Trouble> {
    let mut leaves = Vec::new();
    for market in 0..book.markets.len() {
        let mut copies: BTreeMap<PriceId, PriceId> = BTreeMap::new();
        for slot in 0..book.markets[market].wiring.len() {
            if let Some(id) = book.markets[market].wiring[slot] {
                let copy = copied(book, market, id, &mut copies, &mut leaves)?;
                book.markets[market].wiring[slot] = Some(copy);
            }
        }
    }
    Ok(leaves)
}

fn copied(
    book: &mut Book,
    market: usize,
    id: PriceId,
    copies: &mut BTreeMap<PriceId, PriceId>,
    leaves: &mut Vec<Leaf>,
) -> Result<PriceId, Trouble> {
    if let Some(copy) = copies.get(&id) {
        return Ok(*copy);
    }
    let price =
        book.graph.price(id).cloned().ok_or_else(|| Trouble::NoData("a price that is not there".into()))?;
    for leg in price.origin.legs() {
        copied(book, market, leg, copies, leaves)?;
    }
    let name = format!("{} of {}", price.name, book.markets[market].name);
    let origin = price.origin.on(|leg| copies.get(&leg).copied().unwrap_or(leg));
    let moves = matches!(&origin, Origin::Feed(feed) if feed.kind != FeedKind::Redemption);
    let added = book.graph.add(Price { name, unit: price.unit.clone(), origin });
    let copy = added.map_err(|error| Trouble::NoData(error.to_string()))?;
    copies.insert(id, copy);
    let driver = DRIVERS.iter().position(|(name, ..)| *name == price.name).filter(|_| moves);
    if let Some(driver) = driver {
        // Each venue's feed has a heartbeat and a threshold of its own.
        let oracle = Oracle { heartbeat: 60, delay: 12 * market as u64, ..Oracle::default() };
        leaves.push(Leaf { id: copy, powers: vec![(driver, 1.0)], digits: 8, oracle: Some(oracle) });
    }
    Ok(copy)
}

fn whole(of: u64) -> U256 {
    U256::from(of).mul(ONE).unwrap_or(ONE)
}

fn plan(leaves: Vec<Leaf>, steps: u32, seed: u64) -> Plan {
    let each = DRIVERS.iter().map(|(_, volatility, jump)| Motion {
        volatility: *volatility,
        jump: *jump,
        spread: jump.abs(),
    });
    let end = u64::from(steps) * 60;
    let fall =
        |at: u64, ether: f64, bitcoin: f64| Tick { after: at, logs: vec![ether, bitcoin, 0.0, 0.0, -0.01] };
    let curve = |assets: &[&str], driver: usize, points: &[[u64; 2]]| Curve {
        assets: assets.iter().map(|name| (*name).to_string()).collect(),
        against: Vec::new(),
        driver: Some(driver),
        price: ONE,
        points: points.iter().map(|[sold, brings]| [whole(*sold), whole(*brings)]).collect(),
        half_life: 1800,
        withdraws: 5_000,
        spills: 1_000,
    };
    let keeper = |name: &str, capital: Option<u64>, least: u64, awake: u64| Keeper {
        name: name.into(),
        capital: capital.map(whole),
        least: whole(least),
        gas_most: None,
        calls: 20,
        awake,
    };
    let who = Borrowers {
        policy: Policy::Repay,
        share: 500,
        trigger: 10_500,
        target: 12_500,
        delay: 1200,
        times: 3,
    };
    Plan {
        drivers: DRIVERS.iter().map(|(name, ..)| (*name).to_string()).collect(),
        leaves,
        paths: Paths::Drawn(Drawn {
            steps,
            seconds: 60,
            way: vec![fall(end / 3, -0.1, -0.08), fall(end / 2, -0.45, -0.35), fall(end, -0.4, -0.3)],
            each: each.collect(),
            together: 0.7,
            jumps: 100.0,
        }),
        curves: vec![
            curve(
                &["WETH", "ETH", "wstETH", "stETH"],
                0,
                &[[1_000, 995], [10_000, 9_800], [500_000, 400_000]],
            ),
            curve(&["WBTC", "BTC"], 1, &[[100, 99], [1_000, 980], [50_000, 40_000]]),
            curve(&["USDC", "USDT", "DAI"], 2, &[[100_000_000, 99_900_000], [10_000_000_000, 9_000_000_000]]),
        ],
        pools: Vec::new(),
        keepers: vec![
            keeper("flash", None, 20, 9_000),
            keeper("large", Some(2_000_000), 5, 8_000),
            keeper("small", Some(50_000), 1, 6_000),
            keeper("night", Some(500_000), 0, 3_000),
        ],
        gas: Gas { calm: whole(5), surge: 200_000 },
        borrowers: vec![
            who,
            Borrowers { policy: Policy::TopUp, trigger: 11_000, target: 13_000, delay: 3600, ..who },
        ],
        discounts: Vec::new(),
        units: Vec::new(),
        nobody: false,
        seed,
    }
}

/// Accounts that stand, at the end, where judging everybody finds them; and all.
fn agrees(run: &Run<'_>) -> Result<(u64, u64), Trouble> {
    let book = run.book();
    let quotes = book.graph.quotes(book.at);
    let below: BTreeSet<u32> = run.below().collect();
    let (mut agreed, mut checked) = (0, 0);
    let mut readings = Vec::new();
    for listed in &book.markets {
        let seen = book.readings(listed, &quotes).into_iter();
        readings
            .push(seen.map(|it| it.value.map_or(it, plimsoll_core::Reading::certain)).collect::<Vec<_>>());
    }
    let mut standings = Vec::new();
    for (listed, readings) in book.markets.iter().zip(&readings) {
        standings.push(Standing::new(&*listed.market, readings, Lens::Action, book.at)?);
    }
    for (place, listed) in (0..).zip(&book.accounts) {
        let verdict = standings[listed.market].quoted().verdict(&listed.account, Test::Liquidation);
        let is = verdict.is_ok_and(|seen| seen.verdict == Verdict::Unhealthy);
        checked += 1;
        agreed += u64::from(is == below.contains(&place));
    }
    Ok((agreed, checked))
}
