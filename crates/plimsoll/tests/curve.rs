//! The collateral-at-risk curve beside brute force: the scenario of the same factor, at each step and around it.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{Dice, example};
use plimsoll::{Along, Curve, Jump, Mapping, Misasked, Said, Step, Stress, curve, halving};
use plimsoll_core::{AccountId, Book, Decimal, How, Int, U256, Verdict};

const ONE: u64 = 100_000_000;

const HOLD: [&str; 11] =
    ["USDC", "USDT", "DAI", "USDS", "GHO", "BOLD", "EURC", "EURS", "UNI", "sUSDe", "MEME"];

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

/// The book after the scenario of a factor.
fn jump(stress: &Stress<'_>, along: &Along, hold: &[String], factor: u64) -> Jump {
    let mut scenario = halving(along, hold);
    scenario.shocks[0].how = How::Factor(Decimal { mantissa: Int::from(factor), decimals: 8 }.trimmed());
    stress.jump(&scenario, &Said::default()).expect("a jump")
}

fn steps(curve: &Curve) -> impl Iterator<Item = &Step> {
    curve.down.iter().chain(&curve.up)
}

fn small(number: U256) -> u64 {
    number.to_u64().expect("a small factor")
}

/// Where each account flips, no other than the scenario of that factor says, and one part in 1e8 before it nothing has.
fn compare(book: &Book, along: &Along, hold: &[String], most: usize) -> usize {
    let stress = Stress::new(book).expect("a book");
    let found = curve(book, along.clone(), hold, &Said::default()).expect("a curve");
    let today = jump(&stress, along, hold, ONE);
    let every = (steps(&found).count() / most).max(1);
    for step in steps(&found).step_by(every) {
        let first = small(step.factor);
        let before = if first < ONE { first + 1 } else { first - 1 };
        let [there, near] = [first, before].map(|factor| jump(&stress, along, hold, factor));
        let words = format!("{} {along:?} {step:?}", book.name);
        assert_eq!(near.verdicts()[step.account], today.verdicts()[step.account], "{words}");
        let expected = if step.joins { Verdict::Unhealthy } else { Verdict::Healthy };
        assert_eq!(there.verdicts()[step.account], Some(expected), "{words}");
        if let (true, Some(at)) = (step.joins, step.at) {
            let below = there.below.iter().find(|below| below.account == step.account).expect("it is below");
            let unit = there.markets[book.accounts[step.account].market].risk.decimals;
            let power = Int::from(U256::pow10(step.decimals - unit).expect("small"));
            assert_eq!(Some(at.collateral), below.collateral.and_then(|value| value.mul(power)), "{words}");
            assert!(at.seizable <= at.collateral && !at.seizable.is_negative(), "{words}");
        }
    }
    // In between nobody else has flipped: every account at any point.
    let mut dice = Dice(7);
    for _ in 0..30 {
        let factor = 1 + dice.below(2 * ONE);
        let side = if factor < ONE { &found.down } else { &found.up };
        let there = jump(&stress, along, hold, factor);
        for (account, verdict) in there.verdicts().iter().enumerate() {
            let Some(verdict) = verdict else { continue };
            let step = side.iter().find(|step| step.account == account);
            let gone =
                |point: U256| if factor < ONE { factor <= small(point) } else { U256::from(factor) >= point };
            let expected = match step {
                Some(step) if gone(step.factor) => match step.settled {
                    Some(settled) if gone(settled) => !step.joins,
                    _ => continue,
                },
                Some(step) => step.joins,
                None => today.verdicts()[account] != Some(Verdict::Unhealthy),
            };
            let healthy = *verdict != Verdict::Unhealthy;
            let unproven = found.unproven.iter().any(|(unproven, _)| *unproven == account);
            assert!(unproven || healthy == expected, "{} {along:?} {account} at {factor}", book.name);
        }
    }
    steps(&found).count()
}

#[test]
fn steps_are_where_the_scenario_of_that_factor_flips() {
    let mut all = 0;
    for name in ["treasury", "compound_v3", "liquity", "maker", "hubs", "crash", "lending", "margin"] {
        all += compare(&example(name), &Along::Collateral, &texts(&HOLD), 24);
    }
    assert!(all > 150, "{all} steps");
    // One asset that backs debts, is owed, and is what other prices are counted in.
    let mut rest = texts(&HOLD);
    rest.extend(texts(&["LINK", "AAVE", "SILO", "WBTC", "wstETH"]));
    let lending = example("lending");
    assert!(compare(&lending, &Along::Asset("WETH".into()), &rest, 24) > 50);
    let found = curve(&lending, Along::Asset("WETH".into()), &rest, &Said::default()).expect("a curve");
    assert_eq!(
        found.against,
        ["WBTC/WETH", "wstETH/WETH"]
            .iter()
            .filter(|name| lending.graph.find(name).is_some())
            .copied()
            .collect::<Vec<_>>()
    );
    assert!(
        found
            .down
            .iter()
            .any(|step| lending.markets[lending.accounts[step.account].market].name == "morpho-weth-usdc")
    );
    assert!(
        found
            .up
            .iter()
            .any(|step| lending.markets[lending.accounts[step.account].market].name == "morpho-wbtc-weth")
    );
}

/// The sums are those of the steps, and what is seizable is what a book of that account alone says.
#[test]
fn sums_run_along_the_steps() {
    let book = example("treasury");
    let hold = texts(&["USDC"]);
    let found = curve(&book, Along::Asset("ETH".into()), &hold, &Said::default()).expect("a curve");
    assert_eq!((found.with.as_slice(), found.now.len(), found.unknown), (&texts(&["ETH/USD"])[..], 0, 0));
    let lending =
        curve(&example("lending"), Along::Collateral, &texts(&HOLD), &Said::default()).expect("a curve");
    for side in [&lending.down, &lending.up, &found.down, &found.up] {
        let (mut sums, mut last) = (std::collections::BTreeMap::new(), None);
        for step in side {
            let (collateral, seizable) = sums.entry(&step.currency).or_insert((Int::ZERO, Int::ZERO));
            let at = step.at.expect("a value");
            let sign = if step.joins { Int::ONE } else { Int::new(-1) };
            *collateral = collateral.add(at.collateral.mul(sign).expect("small")).expect("small");
            *seizable = seizable.add(at.seizable.mul(sign).expect("small")).expect("small");
            assert_eq!((step.sum.collateral, step.sum.seizable), (*collateral, *seizable));
            assert!(last.is_none_or(|last| (step.factor <= last) == (step.factor < U256::from(ONE))));
            last = Some(step.factor);
        }
    }
    assert!(lending.down.len() > 50);
    for step in steps(&found) {
        let mut alone = book.clone();
        alone.accounts = vec![book.accounts[step.account].clone()];
        alone.accounts[0].account.id = AccountId(0);
        let stress = Stress::new(&alone).expect("a book");
        let there = jump(&stress, &found.along, &hold, small(step.factor));
        assert_eq!(there.risks[0].seizable, step.at.expect("a value").seizable, "{step:?}");
    }
    // docs: acme-usdc dies at ETH/USD -9.77 %, alice at -30.72 %.
    let falls: Vec<(usize, u64)> =
        found.down.iter().map(|step| (step.account, small(step.factor) / 10_000)).collect();
    let place = |name| common::place(&book, name);
    assert_eq!(falls[..2], [(place("acme-usdc"), 9022), (place("alice"), 6927)]);
}

/// A price of two units of its last digit has none below a half: the curve says that it ends there, and of whom. Of one unit it is
/// refused, with what helps.
#[test]
fn a_curve_says_where_it_ends() {
    let priced = |price: &str| {
        let mut book = example("treasury");
        let id = book.graph.find("USDC/USD").expect("a price");
        let Some(plimsoll_core::Origin::Feed(feed)) = book.graph.origin(id).cloned() else {
            panic!("a feed")
        };
        let price = Some(price.parse().expect("a number"));
        let feed = plimsoll_core::Observation { price, floor: None, ..feed };
        book.graph.observe(id, feed).expect("a price");
        book
    };
    let said = Said {
        hold: Vec::new(),
        map: vec![Mapping {
            asset: "USDC".into(),
            like: "ETH".into(),
            times: "1".parse().expect("a number"),
        }],
    };
    let along = |price: &str| curve(&priced(price), Along::Asset("ETH".into()), &[], &said);
    let found = along("0.00000002").expect("a curve");
    let down: Vec<_> = found.ends.iter().filter(|end| end.factor < U256::from(ONE)).collect();
    assert!(!down.is_empty());
    for end in down {
        // Two units times 0.5 are one, and times 0.49999999 none.
        assert_eq!((end.factor, end.price.as_str()), (U256::from(ONE / 2), "USDC/USD"), "{end:?}");
    }
    assert!(found.down.iter().all(|step| step.factor >= U256::from(ONE / 2)));
    let Err(Misasked::NoPrice { price, expected, .. }) = along("0.00000001") else { panic!("no half of it") };
    assert_eq!(price, "USDC/USD");
    assert!(expected.ends_with("without a --map of it, --hold USDC lets it stand"), "{expected}");
}

#[test]
fn what_has_no_single_factor_is_refused() {
    let book = example("treasury");
    let said = Said {
        hold: Vec::new(),
        map: vec![Mapping {
            asset: "USDC".into(),
            like: "ETH".into(),
            times: "0.5".parse().expect("a number"),
        }],
    };
    let eth = || Along::Asset("ETH".into());
    assert!(matches!(curve(&book, eth(), &[], &said), Err(Misasked::NoPrice { .. })));
    assert!(matches!(curve(&book, eth(), &[], &Said::default()), Err(Misasked::Unsaid { .. })));
    let nothing = curve(&book, Along::Asset("DOGE".into()), &texts(&["USDC", "ETH"]), &Said::default());
    assert!(matches!(nothing, Err(Misasked::NoSuch { .. })));
}
