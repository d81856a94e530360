//! Market incidents as scripted scenarios: with the guard off the loss happens, with it on it does not. What each leaves out is said beside it.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_core::{Account, Book, Int, PriceId, U256};
use plimsoll_sim::outcome::{Outcome, Sums};
use plimsoll_sim::plan::{Curve, Gas, Keeper, Leaf, ONE, Oracle, Plan};
use plimsoll_sim::play::Run;
use plimsoll_sim::prices::{Paths, Tick};
use std::path::Path;

/// Aave alone, of the example: 100 WETH against 200,000 USDC, and another at 300 against 300,000, with ether at 3,000.
fn book() -> Book {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/crash");
    let opened = plimsoll_io::book::open(&path);
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    let mut book = opened.book;
    let aave = book.markets.iter().position(|listed| listed.name == "aave-core").expect("a market");
    for listed in book.accounts.iter_mut().filter(|listed| listed.market != aave) {
        listed.account = Account::new(listed.account.id);
    }
    book
}

fn raw(whole: u64) -> U256 {
    U256::from(whole).mul(ONE).expect("fits")
}

fn price(book: &Book, name: &str) -> PriceId {
    book.graph.find(name).expect("a price")
}

fn keeper() -> Keeper {
    Keeper { name: "one".into(), capital: None, least: U256::ZERO, gas_most: None, calls: 100, awake: 10_000 }
}

/// Ether goes through these parts of its price, a minute apart.
fn plan(book: &Book, way: &[f64]) -> Plan {
    let tick = |(at, part): (usize, &f64)| Tick { after: at as u64 * 60, logs: vec![part.ln()] };
    Plan {
        drivers: vec!["ETH".into()],
        leaves: vec![Leaf {
            id: price(book, "WETH/USD"),
            powers: vec![(0, 1.0)],
            digits: 8,
            oracle: Some(Oracle::default()),
        }],
        paths: Paths::Given(way.iter().enumerate().map(tick).collect()),
        curves: vec![Curve {
            assets: vec!["WETH".into()],
            against: Vec::new(),
            driver: Some(0),
            price: ONE,
            points: vec![[raw(100), raw(99)], [raw(1_000), raw(950)]],
            half_life: 600,
            withdraws: 0,
            spills: 5_000,
        }],
        pools: Vec::new(),
        keepers: vec![keeper()],
        gas: Gas { calm: raw(20), surge: 0 },
        borrowers: Vec::new(),
        discounts: Vec::new(),
        units: Vec::new(),
        nobody: false,
        seed: 1,
    }
}

fn played(book: &Book, plan: &Plan) -> Outcome {
    Run::new(book, plan, 0).expect("a run").finish().expect("an end").0
}

fn usd(outcome: &Outcome) -> Sums {
    outcome.sums["USD"].clone()
}

fn straight(from: f64, to: f64, steps: usize) -> Vec<f64> {
    (0..=steps).map(|step| from + (to - from) * step as f64 / steps as f64).collect()
}

/// F1, 2020-03-12: gas at twenty times, keepers who send at a fixed price are not there, and nobody is until debt is beyond collateral.
/// Guard: a fee that escalates. Left out: auctions, and what a bid of zero takes.
#[test]
fn f1_keepers_who_send_at_a_fixed_price_are_not_there() {
    let book = book();
    let mut plan = plan(&book, &straight(1.0, 0.5, 60));
    plan.gas.surge = 400_000;
    plan.keepers[0].gas_most = Some(20_000);
    let fixed = played(&book, &plan);
    plan.keepers[0].gas_most = None;
    let escalating = played(&book, &plan);
    // At 1,500 her 100 WETH are worth 150,000 against 200,000.
    assert!(fixed.calls == 0 && fixed.passed.nobody > 0 && usd(&fixed).bad_debt > Int::ZERO, "{fixed:?}");
    assert!(escalating.calls > 0 && usd(&escalating).bad_debt.is_zero(), "{escalating:?}");
}

/// F5, 2022-11 (CRV at Aave): a position larger than what buyers take. Bad debt grows with the size of the book beside its markets, and a
/// position that they take whole leaves none. Guard: a limit on the position by the depth.
#[test]
fn f5_a_position_larger_than_its_market_leaves_debt_and_a_smaller_none() {
    let book = book();
    let lost = |share: u64| {
        let mut plan = plan(&book, &straight(1.0, 0.55, 60));
        for [sold, brings] in &mut plan.curves[0].points {
            *sold = sold
                .mul(U256::from(share))
                .and_then(|it| it.div(U256::new(100), plimsoll_core::Rounding::Down))
                .expect("fits");
            *brings = brings
                .mul(U256::from(share))
                .and_then(|it| it.div(U256::new(100), plimsoll_core::Rounding::Down))
                .expect("fits");
        }
        plan.curves[0].half_life = 0;
        usd(&played(&book, &plan)).bad_debt
    };
    let by_depth = [300, 30, 3].map(lost);
    assert!(by_depth[0].is_zero(), "{by_depth:?}");
    assert!(by_depth[0] <= by_depth[1] && by_depth[1] < by_depth[2], "{by_depth:?}");
}

/// F6, 2022-06 (Solend): one account's liquidation dumped at once. Guard: slices, with time between for buyers to come back. Left out: the vote
/// to take the account over.
#[test]
fn f6_slices_press_the_price_less_than_one_dump() {
    let book = book();
    let mut way = vec![1.0];
    way.extend(std::iter::repeat_n(0.79, 120));
    let mut plan = plan(&book, &way);
    // Its curve is steep at once: 40 WETH lose 4 % on the last one.
    plan.curves[0].points = vec![[raw(10), U256::new(9_950_000_000_000_000_000)], [raw(60), raw(58)]];
    plan.curves[0].half_life = 300;
    let dumped = played(&book, &plan);
    plan.keepers[0].capital = Some(raw(10_000));
    plan.keepers[0].calls = 1;
    let sliced = played(&book, &plan);
    assert!(dumped.calls == 1 && sliced.calls > 3, "{} {}", dumped.calls, sliced.calls);
    assert!(sliced.impact[0] < dumped.impact[0], "{} {}", sliced.impact[0], dumped.impact[0]);
    assert!(usd(&sliced).bad_debt.is_zero() && sliced.left == 0);
}

/// F14, 2025-10-10 (USDe at one exchange): the oracle reads 0.65 of the price for forty minutes while the market stands. With the guard off
/// healthy accounts are liquidated, and that costs them; a cap on each step leaves everybody alone. Left out: who was paid back later.
#[test]
fn f14_one_venues_print_liquidates_nobody_where_a_cap_is_between() {
    let book = book();
    let mut plan = plan(&book, &vec![1.0; 121]);
    let wrong = Oracle { wrong: Some([600, 3_000, 6_500]), ..Oracle::default() };
    plan.leaves[0].oracle = Some(wrong);
    let raw_print = played(&book, &plan);
    assert!(raw_print.calls > 0 && usd(&raw_print).cost > Int::ZERO, "{raw_print:?}");
    // A step of at most 20 bps a minute: forty minutes take 7.7 %, and she is liquidated below 0.8032.
    plan.leaves[0].oracle = Some(Oracle { cap: 20, ..wrong });
    let capped = played(&book, &plan);
    assert_eq!((capped.calls, capped.fell, usd(&capped).cost), (0, 0, Int::ZERO));
    // And a real fall is still followed, later: to a half within an hour, and standing there for ten.
    let mut way = straight(1.0, 0.5, 60);
    way.extend(std::iter::repeat_n(0.5, 600));
    let real = Paths::Given(
        way.iter()
            .enumerate()
            .map(|(at, part)| Tick { after: at as u64 * 60, logs: vec![part.ln()] })
            .collect(),
    );
    plan.paths = real;
    plan.leaves[0].oracle = Some(Oracle { cap: 20, ..Oracle::default() });
    assert!(played(&book, &plan).fell > 0, "a guard that hides a fall is none");
}

/// F7, 2022-05 (LUNA at Venus): a feed stands still while the market goes on. Its venue finds everybody healthy, nobody is liquidated, and
/// debt grows beyond collateral; with a feed that follows nothing is lost. Left out: new loans against the dead price.
#[test]
fn f7_a_feed_that_stands_still_hides_the_loss() {
    let book = book();
    let mut plan = plan(&book, &straight(1.0, 0.5, 60));
    plan.leaves[0].oracle = Some(Oracle { frozen: Some(600), ..Oracle::default() });
    let frozen = played(&book, &plan);
    assert_eq!((frozen.fell, frozen.calls), (0, 0));
    assert!(usd(&frozen).bad_debt > Int::ZERO);
    plan.leaves[0].oracle = Some(Oracle::default());
    let live = played(&book, &plan);
    assert!(live.calls > 0 && usd(&live).bad_debt.is_zero());
}

/// F23 (Aave on Polygon): collateral and debt fall together, and the debt's feed is eleven minutes behind. Nothing is wrong with the account, and
/// it is liquidated; with both feeds alike it is not.
#[test]
fn f23_legs_of_different_times_liquidate_an_account_that_is_well() {
    let book = book();
    let way: Vec<f64> = std::iter::once(1.0).chain(std::iter::repeat_n(0.78, 30)).collect();
    let mut plan = plan(&book, &way);
    plan.leaves.push(Leaf { id: price(&book, "USDC/USD"), ..plan.leaves[0].clone() });
    plan.leaves[1].oracle = Some(Oracle { delay: 660, ..Oracle::default() });
    let apart = played(&book, &plan);
    assert!(apart.fell > 0 && apart.calls > 0, "{apart:?}");
    for delay in [0, 660] {
        for leaf in &mut plan.leaves {
            leaf.oracle = Some(Oracle { delay, ..Oracle::default() });
        }
        let together = played(&book, &plan);
        assert_eq!((together.fell, together.calls), (0, 0), "both {delay} s late");
    }
}
