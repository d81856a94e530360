//! A crash played on one position at six venues: what is found, who is found, and that nothing comes to be or is lost.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_core::depth::{Pool, Rule};
use plimsoll_core::{Book, Int, Lens, PriceId, Rounding, Standing, Test, U256, Verdict};
use plimsoll_sim::Holder;
use plimsoll_sim::outcome::{Event, Outcome, What};
use plimsoll_sim::plan::{Amm, Borrowers, Curve, Gas, Keeper, Leaf, ONE, Oracle, Plan, Policy};
use plimsoll_sim::play::Run;
use plimsoll_sim::prices::{Drawn, Motion, Paths, Tick};
use std::collections::BTreeSet;
use std::path::Path;

fn book() -> Book {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/crash");
    let opened = plimsoll_io::book::open(&path);
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    opened.book
}

fn raw(whole: u64) -> U256 {
    U256::from(whole).mul(ONE).expect("fits")
}

fn money(whole: i128) -> Int {
    Int::new(whole).mul(Int::from(ONE)).expect("fits")
}

fn price(book: &Book, name: &str) -> PriceId {
    book.graph.find(name).expect("a price")
}

/// A curve on which every sale brings this part of the price, up to 10,000.
fn flat(bps: u64) -> Curve {
    Curve {
        assets: vec!["WETH".into()],
        against: Vec::new(),
        driver: Some(0),
        price: ONE,
        points: vec![[raw(10_000), raw(bps)]],
        half_life: 0,
        withdraws: 0,
        spills: 0,
    }
}

fn keeper(name: &str) -> Keeper {
    Keeper { name: name.into(), capital: None, least: U256::ZERO, gas_most: None, calls: 100, awake: 10_000 }
}

/// Ether goes through these prices, a minute apart; sales lose nothing, one keeper is always there.
fn plan(book: &Book, prices: &[f64]) -> Plan {
    let tick = |(at, price): (usize, &f64)| Tick { after: at as u64 * 60, logs: vec![(price / 3000.0).ln()] };
    Plan {
        drivers: vec!["ETH".into()],
        leaves: vec![Leaf {
            id: price(book, "WETH/USD"),
            powers: vec![(0, 1.0)],
            digits: 8,
            oracle: Some(Oracle::default()),
        }],
        paths: Paths::Given(prices.iter().enumerate().map(tick).collect()),
        curves: vec![flat(10_000)],
        pools: Vec::new(),
        keepers: vec![keeper("one")],
        gas: Gas { calm: U256::ZERO, surge: 0 },
        borrowers: Vec::new(),
        discounts: Vec::new(),
        units: Vec::new(),
        nobody: false,
        seed: 1,
    }
}

/// Only these accounts are in the book, under their market and name.
fn only(book: &Book, keep: &[(&str, &str)]) -> Book {
    let mut less = book.clone();
    for listed in &mut less.accounts {
        let market = book.markets[listed.market].name.as_str();
        if !keep.contains(&(market, listed.name.as_str())) {
            listed.account = plimsoll_core::Account::new(listed.account.id);
        }
    }
    less
}

fn run(book: &Book, plan: &Plan) -> (Outcome, Vec<Event>) {
    Run::new(book, plan, 0).expect("a run").traced().finish().expect("an end")
}

/// Everybody whom his venue's own integers find below the line at the book's prices.
fn below(book: &Book) -> BTreeSet<u32> {
    let quotes = book.graph.quotes(book.at);
    let mut found = BTreeSet::new();
    for (number, listed) in book.markets.iter().enumerate() {
        let readings = book.readings(listed, &quotes);
        let standing = Standing::new(&*listed.market, &readings, Lens::Action, book.at).expect("stands");
        for (place, account) in (0..).zip(&book.accounts) {
            if account.market == number {
                let seen = standing.quoted().verdict(&account.account, Test::Liquidation).expect("a verdict");
                if seen.verdict == Verdict::Unhealthy {
                    found.insert(place);
                }
            }
        }
    }
    found
}

const FALL: [f64; 9] = [3000.0, 2800.0, 2500.0, 2400.0, 2300.0, 2100.0, 1800.0, 1500.0, 1700.0];

/// 100 WETH against 200,000 USDC at 2,400: 240,000 x 0.83 is 199,200. The close factor is a half, the bonus 5 % of which the venue takes a tenth:
/// 100,000 are repaid, 43.75 WETH seized, and 43.5416 of them go to the keeper, who gets 104,500 for them.
#[test]
fn a_liquidation_is_that_of_the_contract_by_hand() {
    let whole = book();
    let book = only(&whole, &[("aave-core", "ada"), ("aave-core", "lender")]);
    let plan = plan(&book, &[3000.0, 2400.0]);
    let (outcome, events) = run(&book, &plan);
    let sums = &outcome.sums["USD"];
    assert_eq!((outcome.calls, outcome.fell, outcome.left), (1, 1, 0));
    assert_eq!(sums.repaid, money(100_000));
    // 43.5416 recurring WETH, cut to its digits.
    let off = money(104_500).sub(sums.seized).expect("fits");
    assert!(off >= Int::ZERO && off < Int::new(10_000), "{off}");
    assert_eq!(sums.profit, sums.seized.sub(money(100_000)).expect("fits"));
    assert_eq!((sums.bad_debt, sums.cost), (Int::ZERO, sums.profit));
    let what: Vec<&What> = events.iter().map(|event| &event.what).collect();
    let [What::Published(..), What::Fell(ada), What::Liquidated(call), What::Rose(_)] = what[..] else {
        panic!("{what:?}")
    };
    assert_eq!((call.account, call.keeper), (*ada, 0));
    assert_eq!(call.paid, [("USDC".to_string(), U256::new(100_000_000_000), 6)]);
}

#[test]
fn who_is_below_is_whom_judging_everybody_finds() {
    let book = book();
    let mut plan = plan(&book, &FALL);
    // Nobody acts: the set is that of prices alone. Then with keepers, whose every call changes accounts and markets.
    for nobody in [true, false] {
        plan.nobody = nobody;
        let mut run = Run::new(&book, &plan, 0).expect("a run").traced();
        let (mut stands, mut seen, mut fell) = (BTreeSet::new(), 0, 0);
        while run.step().expect("a step") {
            for event in &run.events()[seen..] {
                match event.what {
                    What::Fell(place) => {
                        fell += 1;
                        assert!(stands.insert(place));
                    }
                    What::Rose(place) => assert!(stands.remove(&place)),
                    _ => {}
                }
            }
            seen = run.events().len();
            assert_eq!(stands, below(run.book()), "nobody acts: {nobody}");
        }
        assert!(fell >= 6, "{fell}");
    }
}

/// Pools, keepers, borrowers, arbitrageurs and venues: what one gives another has.
fn busy(book: &Book) -> Plan {
    let eth = price(book, "WETH/USD");
    let mut plan = plan(book, &[]);
    let each = vec![Motion { volatility: 2.0, jump: -0.1, spread: 0.1 }];
    plan.paths = Paths::Drawn(Drawn {
        steps: 120,
        seconds: 300,
        way: vec![Tick { after: 18_000, logs: vec![-0.35] }],
        each,
        together: 0.0,
        jumps: 700.0,
    });
    plan.curves[0] = Curve {
        half_life: 3600,
        withdraws: 5_000,
        spills: 5_000,
        points: vec![[raw(50), raw(49)], [raw(5_000), raw(3_500)]],
        ..flat(10_000)
    };
    plan.pools = vec![Amm {
        name: "WETH/USDC".into(),
        assets: ["WETH".into(), "USDC".into()],
        prices: [eth, price(book, "USDC/USD")],
        pool: Pool {
            rule: Rule::ConstantProduct,
            reserves: vec![raw(2_000), raw(6_000_000)],
            fee: U256::new(3_000_000_000_000_000),
        },
        latency: 600,
    }];
    plan.keepers = vec![
        Keeper { capital: Some(raw(30_000)), awake: 7_000, ..keeper("small") },
        Keeper { least: raw(50), gas_most: Some(60_000), ..keeper("choosy") },
    ];
    plan.gas = Gas { calm: raw(10), surge: 300_000 };
    let who = Borrowers {
        policy: Policy::TopUp,
        share: 3_000,
        trigger: 11_000,
        target: 13_000,
        delay: 600,
        times: 2,
    };
    plan.borrowers = vec![who, Borrowers { policy: Policy::Repay, trigger: 10_500, ..who }];
    plan
}

/// The cash that a pool of Aave keeps by itself.
fn cash(book: &Book, market: &str, name: &str) -> Vec<Int> {
    let listed = book.markets.iter().find(|listed| listed.name == market).expect("a market");
    let mut found = Vec::new();
    listed.market.visit(&mut |_, cell, _, value| {
        if cell == name {
            found.push(value);
        }
    });
    found
}

#[test]
fn every_token_is_conserved_at_every_step() {
    let book = book();
    let (mut calls, mut rescues, mut swaps) = (0, 0, 0);
    let market = book.markets.iter().position(|listed| listed.name == "aave-core").expect("a market");
    for seed in 0..6 {
        let plan = Plan { seed, ..busy(&book) };
        let mut run = Run::new(&book, &plan, seed).expect("a run").traced();
        let before = cash(&book, "aave-core", "virtual_balance");
        assert_eq!(before.len(), 2);
        while run.step().expect("a step") {
            assert_eq!(run.ledger().unbalanced(), None);
            // What the pool itself says of its cash is what wallets gave and took: reserves are WETH and USDC, in this order.
            let now = cash(run.book(), "aave-core", "virtual_balance");
            for ((was, is), token) in before.iter().zip(&now).zip(["WETH", "USDC"]) {
                assert_eq!(is.sub(*was), Some(run.ledger().held(token, Holder::Market(market))), "{token}");
            }
            // And what the pool of two has more is what was sold into it and what arbitrageurs brought.
            for (side, token, digits) in [(0, "WETH", 18_u8), (1, "USDC", 6)] {
                let scale = U256::pow10(18 - digits).expect("fits");
                let sold = run.ledger().held(token, Holder::Pool(0)).mul(scale.into()).expect("fits");
                let brought = run.ledger().held(&format!("{token} [1e18]"), Holder::Pool(0));
                let told = sold.add(brought).expect("fits");
                let is = Int::from(run.pools()[0].pool.reserves[side]);
                let grown = is.sub(plan.pools[0].pool.reserves[side].into()).expect("fits");
                // What a keeper receives is cut to the token's digits: the pool keeps less than a unit of each sale.
                let off = told.sub(grown).expect("fits");
                let sales =
                    run.events().iter().filter(|event| matches!(event.what, What::Liquidated(_))).count();
                let most = Int::from(scale.mul(U256::from(sales as u64)).expect("fits"));
                assert!(off >= Int::ZERO && off <= most, "{token}: {off}");
            }
        }
        let of = |kind: fn(&What) -> bool| run.events().iter().filter(|event| kind(&event.what)).count();
        calls += of(|what| matches!(what, What::Liquidated(_)));
        rescues += of(|what| matches!(what, What::Rescued(..)));
        swaps += of(|what| matches!(what, What::Arbitraged(..)));
    }
    assert!(calls > 10 && rescues > 2 && swaps > 10, "{calls} {rescues} {swaps}");
}

#[test]
fn same_seed_same_bytes_for_any_number_of_threads() {
    let book = book();
    let plan = busy(&book);
    let told = |threads| {
        let outcomes = plimsoll_sim::many::play(&book, &plan, 24, threads, &|_| ()).expect("outcomes");
        format!("{outcomes:?}")
    };
    let one = told(1);
    assert_eq!(one, told(2));
    assert_eq!(one, told(3));
    // Run 7 alone is run 7 among others, and another seed is another world.
    let (alone, _) = Run::new(&book, &plan, 7).expect("a run").finish().expect("an end");
    assert!(one.contains(&format!("{alone:?}")));
    let other = Plan { seed: 2, ..plan.clone() };
    assert_ne!(
        one,
        format!("{:?}", plimsoll_sim::many::play(&book, &other, 24, 2, &|_| ()).expect("outcomes"))
    );
}

#[test]
fn nobody_sells_where_it_does_not_pay_or_nobody_knows() {
    let whole = book();
    let book = only(&whole, &[("aave-core", "ada"), ("aave-core", "lender")]);
    let base = plan(&book, &[3000.0, 2400.0, 2400.0]);
    // The bonus is 5 %, of which a tenth goes to the venue: 4.5 % on what is repaid, 4.3 % of what is sold.
    for (bps, calls) in [(9_600, 1), (9_560, 0)] {
        let (outcome, _) = run(&book, &Plan { curves: vec![flat(bps)], ..base.clone() });
        assert_eq!(outcome.calls, calls, "{bps}");
        assert_eq!(outcome.passed.unprofitable, 2 * (1 - calls));
    }
    let little = Curve { points: vec![[raw(1), raw(1)]], ..flat(10_000) };
    let (outcome, _) = run(
        &book,
        &Plan {
            curves: vec![Curve {
                points: vec![[U256::new(10_000_000_000_000_000), U256::new(10_000_000_000_000_000)]],
                ..little
            }],
            ..base.clone()
        },
    );
    assert_eq!(
        (outcome.calls, outcome.passed.unsold > 0),
        (0, true),
        "a 64th of what can be seized is beyond the data"
    );
    let (outcome, _) = run(&book, &Plan { curves: Vec::new(), ..base.clone() });
    assert_eq!((outcome.calls, outcome.passed.unsold > 0, outcome.left), (0, true, 1));
    // Who has 30,000 takes a quarter of what the venue would let him, and again.
    let poor = Keeper { capital: Some(raw(30_000)), ..keeper("poor") };
    let (outcome, events) = run(&book, &Plan { keepers: vec![poor], ..base.clone() });
    let first = events.iter().find_map(|event| match &event.what {
        What::Liquidated(call) => Some(call.paid[0].1),
        _ => None,
    });
    assert_eq!(first, Some(U256::new(25_000_000_000)));
    assert!(outcome.calls >= 1);
    // Nobody is there, and gas is dearer than he pays.
    let away = Keeper { awake: 0, ..keeper("away") };
    let (outcome, _) = run(&book, &Plan { keepers: vec![away], ..base.clone() });
    assert_eq!((outcome.calls, outcome.passed.nobody), (0, 2));
    let thrifty = Keeper { gas_most: Some(15_000), ..keeper("thrifty") };
    // A fifth fell within the hour: gas is 1 + 0.2 x 10 times the calm one.
    let (outcome, _) =
        run(&book, &Plan { keepers: vec![thrifty], gas: Gas { calm: raw(1), surge: 100_000 }, ..base });
    assert_eq!((outcome.calls, outcome.passed.nobody), (0, 2));
}

#[test]
fn a_delay_moves_the_fall_and_a_frozen_feed_hides_it() {
    let book = book();
    let first = |oracle: Oracle| {
        let mut plan = plan(&book, &[3000.0, 2400.0, 2400.0, 2400.0, 2400.0]);
        plan.leaves[0].oracle = Some(oracle);
        let (outcome, events) = run(&book, &plan);
        let fell = events.iter().find(|event| matches!(event.what, What::Fell(_))).map(|event| event.after);
        (fell, outcome.fell > 0)
    };
    assert_eq!(first(Oracle::default()), (Some(60), true));
    assert_eq!(first(Oracle { delay: 120, ..Oracle::default() }), (Some(180), true));
    assert_eq!(first(Oracle { frozen: Some(60), ..Oracle::default() }), (None, false));
}

#[test]
fn who_pays_in_or_back_in_time_is_not_liquidated() {
    let whole = book();
    let book = only(&whole, &[("aave-core", "ada"), ("aave-core", "lender")]);
    let mut base = plan(&book, &[3000.0, 2600.0, 2600.0, 2400.0, 2400.0]);
    // At 2,600 health is 1.079.
    let who = Borrowers {
        policy: Policy::Repay,
        share: 10_000,
        trigger: 11_000,
        target: 12_000,
        delay: 60,
        times: 1,
    };
    for policy in [Policy::Repay, Policy::TopUp] {
        base.borrowers = vec![Borrowers { policy, ..who }];
        let (outcome, _) = run(&book, &base);
        assert_eq!((outcome.rescues, outcome.calls, outcome.fell), (1, 0, 0), "{policy:?}");
        // To 1.2 at 2,600: 215,800 / 1.2 is 179,833 1/3, so 20,166 2/3 are paid back; or 240,000 / (0.83 x 2,600) WETH are needed,
        // which is 11.214 more: 29,156.63.
        let rescued = outcome.sums["USD"].rescued;
        let expected = if policy == Policy::Repay { 20_166 } else { 29_156 };
        assert_eq!(rescued.div(Int::from(ONE), Rounding::Down), Some(Int::new(expected)), "{policy:?}");
    }
    // Two minutes later is too late, and whoever sleeps is liquidated.
    base.borrowers = vec![Borrowers { delay: 600, ..who }];
    let (late, _) = run(&book, &base);
    assert_eq!((late.rescues, late.calls), (0, 1));
    base.borrowers = vec![Borrowers { share: 0, ..who }];
    assert_eq!(run(&book, &base).0.rescues, 0);
}

/// The market sells ether a tenth below what the oracle says: the keeper gets 4.5 % more than he pays by the oracle, and stays away; what is
/// uncovered is counted at the market's price.
#[test]
fn a_market_below_the_oracle_is_what_a_sale_fetches() {
    let whole = book();
    let book = only(&whole, &[("aave-core", "ada"), ("aave-core", "lender")]);
    let mut plan = plan(&book, &[3000.0, 2400.0]);
    plan.drivers.push("discount".into());
    plan.discounts = vec![(vec!["WETH".into()], 1)];
    let Paths::Given(ticks) = &mut plan.paths else { panic!("points") };
    for tick in ticks.iter_mut() {
        tick.logs.push(0.0);
    }
    assert_eq!(run(&book, &plan).0.calls, 1);
    let Paths::Given(ticks) = &mut plan.paths else { panic!("points") };
    ticks[1].logs[1] = 0.9_f64.ln();
    let (outcome, _) = run(&book, &plan);
    assert_eq!((outcome.calls, outcome.passed.unprofitable, outcome.sums["USD"].bad_debt), (0, 1, Int::ZERO));
    // At 2,400 x 0.8 = 1,920 her 100 WETH are worth 192,000 where she owes 200,000.
    let Paths::Given(ticks) = &mut plan.paths else { panic!("points") };
    ticks[1].logs[1] = 0.8_f64.ln();
    let lost = run(&book, &plan).0.sums["USD"].bad_debt;
    let off = lost.sub(money(8_000)).expect("fits");
    assert!(off >= Int::ZERO && off < Int::from(ONE), "{lost}");
}

/// Thresholds are in one currency and counted in each market's own.
#[test]
fn what_keepers_ask_is_counted_in_the_markets_currency() {
    let whole = book();
    let book = only(&whole, &[("aave-core", "ada"), ("aave-core", "lender")]);
    // 104,500 less 100,000 is earned: 4,499 are enough, 4,501 not; where a dollar of the market is worth two, 9,001 not.
    let earns = |least: u64, unit: u64| {
        let mut plan = plan(&book, &[3000.0, 2400.0]);
        plan.keepers[0].least = raw(least);
        plan.units = vec![("USD".into(), raw(unit))];
        run(&book, &plan).0.calls
    };
    assert_eq!([earns(4_499, 1), earns(4_501, 1), earns(8_998, 2), earns(9_001, 2)], [1, 0, 1, 0]);
}

/// The market reads the price that it keeps, the position goes into an auction, and as soon as that asks little enough somebody buys it: all by
/// the venue's own calls.
#[test]
fn an_auction_is_begun_and_bought_by_the_venues_own_calls() {
    let whole = book();
    let book = only(&whole, &[("maker-eth-a", "ada")]);
    let mut prices = vec![3000.0];
    prices.extend([2700.0; 400]);
    let (outcome, events) = run(&book, &plan(&book, &prices));
    let calls: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Liquidated(call) => Some((event.after, call)),
            _ => None,
        })
        .collect();
    let [(begun, bark), .., (bought, take)] = calls.as_slice() else { panic!("{outcome:?} {events:?}") };
    assert!(
        bark.paid.is_empty()
            && take.received.iter().any(|(asset, raw, _)| asset == "WETH" && *raw > U256::ZERO)
    );
    assert!(bought > begun, "an auction begins above the price");
    assert!(take.profit >= Int::ZERO && outcome.left == 0);
}

/// What liquidations do to the price: the same path with sales that press on it and with nobody who sells.
#[test]
fn what_sales_press_on_is_a_fall_of_its_own() {
    let book = book();
    let mut plan = plan(&book, &FALL);
    plan.curves = vec![Curve {
        points: vec![[raw(100), raw(99)], [raw(5_000), raw(3_500)]],
        spills: 10_000,
        ..flat(10_000)
    }];
    let (played, _) = run(&book, &plan);
    let (alone, _) = run(&book, &Plan { nobody: true, ..plan.clone() });
    assert!(played.calls > 0 && played.impact[0] > U256::ZERO && played.lowest[0] < played.lowest_alone[0]);
    assert_eq!((alone.calls, alone.impact[0]), (0, U256::ZERO));
    assert_eq!(alone.lowest[0], played.lowest_alone[0]);
}

/// A pool of 2,000 WETH and 6,000,000 USDC while ether goes to 2,430: x^2 = k / p, so that 2,222.2 WETH are in it and 5,400,000 USDC.
#[test]
fn an_arbitrageur_brings_a_pool_to_the_market() {
    let book = book();
    let mut plan = plan(&book, &[3000.0, 2430.0]);
    plan.nobody = true;
    plan.pools = busy(&book).pools;
    plan.pools[0].pool.fee = U256::ZERO;
    plan.pools[0].latency = 60;
    let mut run = Run::new(&book, &plan, 0).expect("a run");
    while run.step().expect("a step") {}
    let found = run.pools()[0].pool.reserves.clone();
    let near = |found: U256, expected: u64| {
        let off = found.sub_or_zero(raw(expected)).max(raw(expected).sub_or_zero(found));
        assert!(off < raw(1), "{found}");
    };
    near(found[0], 2_222);
    near(found[1], 5_400_000);
}
