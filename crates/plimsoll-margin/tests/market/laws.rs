//! What is computed, by lines, rows, boxes and bytes.

use crate::world::{NOW, Random, account, difference, headroom, int, market, prices, readings, stand};
use num_bigint::BigInt;
use plimsoll_core::num::Wide;
use plimsoll_core::{
    Account, AccountId, Compiled, Feeds, Form, Int, Lens, Market as _, Nodes, Operation, Question, Reading,
    Screen, Step, Subject, Test, Trace, U256, Venue as _, Verdict, screen,
};
use plimsoll_margin::boundary::{Crossing, Path, first_crossing};
use plimsoll_margin::cross;
use plimsoll_margin::market::{Cross, INITIAL, MAINTENANCE, Market, asks, bids, held, owed};

const LINES: [(Test, usize); 2] = [(Test::Borrow, INITIAL), (Test::Liquidation, MAINTENANCE)];

fn question(test: Test) -> Question {
    Question { test, lens: Lens::Action, at: NOW }
}

#[test]
fn headroom_is_that_of_the_definition() {
    let mut random = Random(20_261_128);
    let (mut unhealthy, mut near) = (0, 0);
    for case in 0..4_000 {
        let market = market(&mut random, case % 2 == 0);
        let prices = prices(&mut random);
        let account = account(&mut random, &market, &prices);
        for (test, line) in LINES {
            let seen = stand(&market, &prices, |quoted| quoted.verdict(&account, test)).unwrap();
            let expected = headroom(&market, &account, &prices, line);
            assert_eq!(difference(&seen), expected, "{case} {test:?} {account:?}");
            assert!(!seen.requirement.is_negative(), "{case}");
            if seen.verdict != Verdict::NoDebt {
                let below = seen.verdict == Verdict::Unhealthy;
                assert_eq!(below, expected < BigInt::ZERO, "{case}");
                unhealthy += usize::from(below);
                near += usize::from(expected.magnitude() < BigInt::from(10).pow(30).magnitude());
            }
        }
    }
    assert!(unhealthy > 1_000 && near > 100, "{unhealthy} {near}");
}

fn wide(value: Wide) -> BigInt {
    value.to_int().map(|value| value.to_string().parse().unwrap()).unwrap()
}

/// Laws 1 and 2: the least of the rows is the headroom, to the unit; and each full value is the assessment's.
#[test]
fn rows_are_exact_and_the_screen_misses_nobody() {
    let mut random = Random(7);
    let (mut rows_seen, mut hinges, mut opaque, mut clear) = (0, 0, 0, 0);
    for case in 0..4_000 {
        let market = market(&mut random, case % 4 == 0);
        let at = prices(&mut random);
        let account = account(&mut random, &market, &at);
        for (test, line) in LINES {
            let compiled = market.compile(&account, question(test)).unwrap();
            let rows = match &compiled {
                Compiled::Rows(rows) => rows,
                Compiled::Opaque => {
                    opaque += 1;
                    continue;
                }
                Compiled::NoDebt => continue,
            };
            for at in [at.clone(), prices(&mut random)] {
                let expected = headroom(&market, &account, &at, line);
                let seen = stand(&market, &at, |quoted| {
                    let nodes = Nodes { values: quoted.nodes() };
                    let of = |form: &Form| wide(form.row(&nodes).unwrap());
                    assert_eq!(
                        rows.iter().map(of).min(),
                        Some(expected.clone()),
                        "{case} {test:?} {account:?}"
                    );
                    let seen = quoted.verdict(&account, test).unwrap();
                    for form in rows {
                        assert_eq!(form.slack(&nodes), Ok(Wide::ZERO));
                        assert_eq!(
                            form.collateral.at(&nodes).unwrap(),
                            Wide::from(seen.collateral),
                            "{case}"
                        );
                        assert_eq!(form.debt.at(&nodes).unwrap(), Wide::from(seen.debt), "{case}");
                        assert!(!form.requirement.at(&nodes).unwrap().is_negative(), "{case}");
                    }
                    // One of the rows has both sides of the assessment, so that every level of health is screened as the line is.
                    assert!(
                        rows.iter().any(|form| {
                            let backing = form.row(&nodes).unwrap().add(form.requirement.at(&nodes).unwrap());
                            backing == Some(Wide::from(seen.backing))
                                && form.requirement.at(&nodes).unwrap() == Wide::from(seen.requirement)
                        }),
                        "{case} {test:?} {account:?}"
                    );
                    let screened = screen(&compiled, &nodes, market.epoch());
                    if seen.verdict == Verdict::Unhealthy {
                        assert_eq!(screened, Screen::Candidate, "{case}");
                    }
                    clear += usize::from(screened == Screen::Clear);
                    seen
                });
                assert_ne!(seen.verdict, Verdict::NoDebt, "{case}");
            }
            rows_seen += rows.len();
            hinges += rows.iter().map(|row| row.hinges.len()).sum::<usize>();
        }
    }
    assert!(
        rows_seen > 8_000 && hinges > 4_000 && opaque > 300 && clear > 1_000,
        "{rows_seen} {hinges} {opaque} {clear}"
    );
}

/// The same account with some of it more.
fn higher(random: &mut Random, account: &Account, market: &Market) -> Account {
    let mut high = account.clone();
    for id in 0..market.instruments().len() as u32 {
        let id = plimsoll_core::InstrumentId(id);
        let kind = market.instruments()[id.index()].kind;
        if kind != plimsoll_core::Kind::Asset && random.chance(3) {
            let more = int(random.within(0, 400_000_000) as i128);
            high.set(id, account.quantity(id).add(more).unwrap());
        }
    }
    high
}

/// Somewhere between, the ends included.
fn some(random: &mut Random, low: Int, high: Int) -> Int {
    let width = high.sub(low).unwrap().to_u64().unwrap();
    low.add(int(random.within(0, width.max(1)).min(width) as i128)).unwrap()
}

#[test]
fn no_point_of_a_box_contradicts_it() {
    let mut random = Random(99);
    let (mut settled, mut points) = (0, 0);
    for case in 0..3_000 {
        let market = market(&mut random, case % 2 == 0);
        let at = prices(&mut random);
        let low = account(&mut random, &market, &at);
        let high = if random.chance(2) { low.clone() } else { higher(&mut random, &low, &market) };
        let ends: Vec<[Int; 2]> = at
            .iter()
            .map(|price| {
                let room = if random.chance(3) { 0 } else { random.within(0, 40_000) };
                [*price, price.add(int(room.into())).unwrap()]
            })
            .collect();
        let boxed: Vec<Reading> = ends
            .iter()
            .map(|[low, high]| {
                let [low, high] = [*low, *high].map(|end| end.to_u256().unwrap());
                Reading { value: Some(low), doubt: None, low, high: Some(high) }
            })
            .collect();
        for (test, _) in LINES {
            let range =
                stand(&market, &at, |quoted| quoted.over(&low, &high, test, Feeds { readings: &boxed }));
            let range = range.unwrap();
            settled += usize::from(range.verdict.is_some());
            for _ in 0..6 {
                let mut inner = low.clone();
                for id in 0..market.instruments().len() as u32 {
                    let id = plimsoll_core::InstrumentId(id);
                    inner.set(id, some(&mut random, low.quantity(id), high.quantity(id)));
                }
                let prices: Vec<Int> =
                    ends.iter().map(|[low, high]| some(&mut random, *low, *high)).collect();
                let seen = stand(&market, &prices, |quoted| quoted.verdict(&inner, test)).unwrap();
                points += 1;
                if let Some(verdict) = range.verdict {
                    assert_eq!(seen.verdict, verdict, "{case} {test:?} {low:?} {high:?} {inner:?}");
                }
                for ([least, most], value) in
                    [(range.backing, seen.backing), (range.requirement, seen.requirement)]
                {
                    assert!(least <= value && value <= most, "{case} {test:?} {inner:?} {prices:?}");
                }
            }
        }
        // A box that is a point says exactly what the market says there.
        for (test, _) in LINES {
            let point = readings(&at);
            let (range, seen) = stand(&market, &at, |quoted| {
                (quoted.over(&low, &low, test, Feeds { readings: &point }), quoted.verdict(&low, test))
            });
            let (range, seen) = (range.unwrap(), seen.unwrap());
            assert_eq!(range.verdict, Some(seen.verdict), "{case} {test:?} {low:?}");
            assert_eq!(
                (range.backing, range.requirement),
                ([seen.backing; 2], [seen.requirement; 2]),
                "{case}"
            );
        }
    }
    assert!(settled > 1_500 && points > 30_000, "{settled} {points}");
}

/// Law 4.
#[test]
fn law_4_a_rising_price_of_what_is_only_held_hurts_nobody() {
    let mut random = Random(4);
    for case in 0..2_000 {
        let market = market(&mut random, false);
        let mut at = prices(&mut random);
        let account = account(&mut random, &market, &at);
        let asset = random.within(1, 2) as usize;
        if account.quantity(held(asset)).is_zero() {
            continue;
        }
        let before = LINES.map(|(_, line)| headroom(&market, &account, &at, line));
        at[asset - 1] = at[asset - 1].add(int(random.within(1, 900_000) as i128)).unwrap();
        for ((test, _), before) in LINES.iter().zip(before) {
            let after = stand(&market, &at, |quoted| quoted.verdict(&account, *test)).unwrap();
            assert!(difference(&after) >= before, "{case}");
        }
    }
}

/// 375 p = 30,000 when all of SOL falls, and 285 p = 21,000 when the perp alone does: the market's verdict flips where `boundary` says.
#[test]
fn the_two_liquidation_prices_are_the_boundaries() {
    let market = crate::actions::desk();
    let account = crate::actions::joint(&market);
    let unhealthy = |sol: i128, index: i128| {
        let prices = [int(sol), int(index)];
        stand(&market, &prices, |quoted| quoted.verdict(&account, Test::Liquidation)).unwrap().verdict
            == Verdict::Unhealthy
    };
    assert!(!unhealthy(80_000_000, 80_000_000) && unhealthy(79_999_999, 79_999_999));
    assert!(!unhealthy(100_000_000, 73_684_211) && unhealthy(100_000_000, 73_684_210));
    let assets = [
        cross::Asset { held: 0, price: 2, asset_weight: 1_000_000, liability_weight: 1_000_000 },
        cross::Asset { held: 100_000_000_000, price: 0, asset_weight: 900_000, liability_weight: 1_100_000 },
    ];
    let tier = [cross::Tier { rate: 50_000, deduction: 0 }];
    let perps = [cross::Perp {
        base: 300_000_000_000,
        bids: 0,
        asks: 0,
        quote: -30_000_000_000_000,
        price: 1,
        settles_in: 0,
        long: &tier,
        short: &tier,
        profit_weight: 1_000_000,
    }];
    let same = cross::Account { assets: &assets, perps: &perps, unit: 1_000_000 };
    let from = [100_000_000, 100_000_000, 1_000_000];
    for (step, at) in [([-1, -1, 0], 20_000_001), ([0, -1, 0], 26_315_790)] {
        let path = Path { from: &from, step: &step, steps: 100_000_000 };
        assert_eq!(first_crossing(&same, &path), Some(Crossing::At(at)));
        let [sol, index] = [from[0] + step[0] * at, from[1] + step[1] * at];
        assert!(unhealthy(sol, index) && !unhealthy(sol - step[0], index - step[1]));
    }
}

#[derive(Default)]
struct Told(Vec<Step>);

impl Trace for Told {
    fn listens(&self) -> bool {
        true
    }
    fn about(&mut self, _: Subject) {}
    fn step(&mut self, step: Step) {
        self.0.push(step);
    }
}

#[test]
fn every_step_recomputes_and_tracing_changes_nothing() {
    let mut random = Random(31);
    let mut steps = 0;
    for case in 0..300 {
        let market = market(&mut random, case % 2 == 0);
        let at = prices(&mut random);
        let account = account(&mut random, &market, &at);
        for (test, _) in LINES {
            let mut told = Told::default();
            let (traced, plain) = stand(&market, &at, |quoted| {
                (quoted.assess(&account, test, &mut told).unwrap(), quoted.verdict(&account, test).unwrap())
            });
            assert_eq!(traced, plain);
            for step in &told.0 {
                if step.operation != Operation::Given {
                    assert_eq!(step.recompute(), Some(step.value), "{step:?}");
                    steps += 1;
                }
            }
        }
    }
    assert!(steps > 5_000, "{steps}");
}

#[test]
fn an_encoded_market_opens_and_says_the_same() {
    let mut random = Random(12);
    for case in 0..40 {
        let market = market(&mut random, case % 2 == 0);
        let mut bytes = Vec::new();
        market.encode(&mut bytes);
        let opened = Cross.open(&bytes).unwrap();
        let mut again = Vec::new();
        opened.encode(&mut again);
        assert_eq!(bytes, again);
        let at = prices(&mut random);
        let account = account(&mut random, &market, &at);
        let readings = readings(&at);
        let seen = opened.at(Feeds { readings: &readings }, Lens::Action, NOW).unwrap();
        let here = stand(&market, &at, |quoted| quoted.verdict(&account, Test::Liquidation));
        assert_eq!(seen.verdict(&account, Test::Liquidation), here);
        bytes.truncate(bytes.len() - 1);
        assert!(Cross.open(&bytes).is_err());
    }
}

/// A value that breaks a rule is no value, and every other moves the epoch.
#[test]
fn cells_keep_the_rules_of_a_market() {
    let mut random = Random(5);
    let market = market(&mut random, false);
    let mut cells = Vec::new();
    market.visit(&mut |cell, name, _, value| cells.push((cell, name, value)));
    for (cell, name, value) in &cells {
        let mut same = market.clone();
        same.set(*cell, Some(*value)).unwrap();
        assert_eq!(same.spec(), market.spec(), "{name}");
        assert!(
            same.set(*cell, None).is_err() && same.set(*cell, Some(Int::from(U256::MAX))).is_err(),
            "{name}"
        );
        assert_eq!(same.spec(), market.spec(), "{name}");
    }
    let find = |name: &str| cells.iter().find(|(_, found, _)| *found == name).unwrap().0;
    let mut changed = market.clone();
    assert!(changed.set(find("asset_weight"), Some(int(1_000_001))).is_err());
    assert!(changed.set(find("liability_weight"), Some(int(999_999))).is_err());
    assert!(changed.set(find("rate"), Some(Int::ZERO)).is_err());
    changed.set(find("liquidation_fee"), Some(int(1))).unwrap();
    assert_eq!((changed.spec().perps[0].fee, changed.epoch()), (1, market.epoch() + 1));
}

#[test]
fn an_account_that_is_none_is_refused() {
    let mut random = Random(6);
    let market = market(&mut random, false);
    let at = prices(&mut random);
    let empty = || Account::new(AccountId(1));
    let bad = [
        empty().with(held(0), int(-1)),
        empty().with(owed(1), int(-1)),
        empty().with(held(0), Int::from(U256::MAX)),
        empty().with(plimsoll_core::InstrumentId(0), int(1)),
        empty().with(plimsoll_core::InstrumentId(99), int(1)),
        empty().with_term(bids(0), int(-1)),
        empty().with_term(asks(3), int(1)),
    ];
    for account in &bad {
        let seen = stand(&market, &at, |quoted| quoted.verdict(account, Test::Liquidation));
        assert!(seen.is_err(), "{account:?}");
        assert!(market.compile(account, question(Test::Liquidation)).is_err(), "{account:?}");
    }
}
