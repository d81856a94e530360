//! Each cause alone, four of them worked by hand, and all of them at once.

use crate::common::{Dice, Plain, example, plain};
use crate::laws::*;
use plimsoll::{AccountChange, Brief, Cause, Change, NewPrice};
use plimsoll_core::{Cell, Decimal, InstrumentId, Int, Kind, U256};
use std::collections::BTreeMap;

#[test]
fn a_book_against_itself_has_not_changed() {
    for name in BOOKS {
        let book = example(name);
        let found = lawful(&book, &book, name);
        assert_eq!(found.identities[0], found.identities[1]);
        assert_eq!(found.moved.len(), 0, "{name}");
        assert!(found.transitions.keys().all(|[before, after]| before == after), "{name}");
        assert!(found.sums.iter().all(|sum| sum.change() == Some(NOTHING)), "{name}");
        assert!(found.markets.iter().all(|one| one.rules.is_empty() && one.rewired.is_empty()), "{name}");
        assert!(found.feeds.iter().all(|feed| feed.standstill.is_none()), "{name}: nothing else moved");
        for cause in Cause::ALL {
            assert_eq!(only(&found, cause, name), 0);
        }
    }
}

#[test]
fn prices_alone_are_told_as_prices() {
    for name in BOOKS {
        let book = example(name);
        let next = moved(&book, "-7.5");
        let found = lawful(&book, &next, name);
        assert!(only(&found, Cause::Prices, name) > 0, "{name}");
        assert!(found.feeds.iter().any(|feed| feed.moved() == Some(true)), "{name}");
    }
}

#[test]
fn rules_alone_are_told_as_parameters() {
    for name in BOOKS {
        let book = example(name);
        let (next, changed) = amended(&book);
        assert!(changed >= book.markets.len(), "{name}: {changed} rules changed");
        let found = lawful(&book, &next, name);
        assert!(only(&found, Cause::Rules, name) > 0, "{name}");
        assert!(found.markets.iter().all(|market| !market.rules.is_empty()), "{name}");
    }
}

/// Of the crash and at a market of perps nobody pays interest, and at Maker a queued price may come with time, which is a price.
#[test]
fn time_alone_is_told_as_interest() {
    for name in BOOKS {
        let book = example(name);
        let next = done(&book, &[Change::After(40 * DAY)]);
        let found = lawful(&book, &next, name);
        if name == "maker" {
            let (mut interest, mut others) = (0, 0);
            for one in everybody(&found) {
                let [own, of_time, rules, _] = one.change.parts;
                interest += usize::from(of_time.is_some_and(|part| !part.debt.is_zero()));
                others += usize::from(own != Some(NOTHING) || rules != Some(NOTHING));
                assert_eq!(of_time.map(|part| part.collateral), Some(Int::ZERO), "{}", one.name);
            }
            assert_eq!(others, 0);
            assert!(interest > 0);
        } else {
            assert_eq!(
                only(&found, Cause::Interest, name) > 0,
                !["crash", "margin"].contains(&name),
                "{name}"
            );
        }
    }
}

/// A deposit at the book's own second: of nobody but who acts is anything told, and of him only what he did.
#[test]
fn a_deposit_alone_is_told_as_an_action() {
    let mut tried = 0;
    for name in BOOKS {
        let book = example(name);
        for account in (0..book.accounts.len()).step_by(1 + book.accounts.len() / 24) {
            let listed = &book.accounts[account];
            let market = &book.markets[listed.market].market;
            let held = listed.account.holdings().iter().filter_map(|held| {
                let instrument = market.instruments().get(held.instrument.index())?;
                (instrument.kind == Kind::Receipt).then(|| instrument.name.clone())
            });
            for asset in held.collect::<Vec<_>>() {
                let Some(next) = acted(&book, account, &[Change::Deposit(stake("0.125", &asset))]) else {
                    continue;
                };
                let found = lawful(&book, &next, name);
                let actor = of_place(&found, account);
                if actor.change.before.is_none() {
                    // Something that it holds has no price.
                    continue;
                }
                let [own, interest, rest @ ..] = actor.change.parts;
                assert_eq!(rest, [Some(NOTHING); 2], "{name}: {} {asset}", actor.name);
                // A batch that is touched is floored anew: four units at most, of 18 digits where sums have 36.
                let floors = U256::new(u128::from(shared(&listed.account)) * 4_000_000_000_000_000_000);
                let interest = interest.expect("a part");
                assert!(interest.debt.magnitude() <= floors, "{name}: {} {asset}", actor.name);
                assert!(own.expect("a part").debt.magnitude() <= floors, "{name}: {} {asset}", actor.name);
                assert_eq!(interest.collateral, Int::ZERO, "{name}: {} {asset}", actor.name);
                tried += usize::from(own.is_some_and(|own| !own.collateral.is_negative() && own != NOTHING));
                let others = everybody(&found).into_iter().filter(|one| one.places[1] != Some(account));
                for other in others {
                    let [own, _, rules, prices] = other.change.parts;
                    // Whose debt is in the same pool may owe a unit of rounding more or less.
                    for part in [own, rules, prices] {
                        assert_eq!(part.unwrap_or(NOTHING), NOTHING, "{name}: {}", other.name);
                    }
                }
            }
        }
    }
    assert!(tried >= 40, "{tried} deposits");
}

/// Whether an account is a trove in a batch.
fn shared(account: &plimsoll_core::Account) -> bool {
    let shares = account.terms().iter().find(|(term, _)| *term == plimsoll_venues::liquity_v2::BATCH);
    shares.is_some() && !account.quantity(plimsoll_venues::liquity_v2::SHARES).is_zero()
}

#[track_caller]
fn of_place(found: &Brief, place: usize) -> &AccountChange {
    found.worst.iter().find(|one| one.places[1] == Some(place)).expect("the account")
}

/// A trove's touch writes interest into its debt: what was done to it is still the deposit alone, and interest is what it is
/// without the deposit.
#[test]
fn a_touch_is_no_action_of_its_own() {
    let book = example("liquity");
    let mut tried = 0;
    for account in 0..book.accounts.len() {
        let waited = done(&book, &[Change::After(23 * DAY)]);
        let name = &book.accounts[account].name;
        let branch = book.markets[0].market.instruments().iter().filter(|one| one.kind == Kind::Receipt);
        for asset in branch.map(|one| one.name.clone()).filter(|name| name.ends_with("collateral")) {
            let Some(next) =
                acted(&book, account, &[Change::After(23 * DAY), Change::Deposit(stake("0.5", &asset))])
            else {
                continue;
            };
            let (with, without) = (lawful(&book, &next, name), lawful(&book, &waited, name));
            let [own, interest, rules, prices] = of_place(&with, account).change.parts;
            let [_, alone, ..] = of_place(&without, account).change.parts;
            if !shared(&book.accounts[account].account) {
                assert_eq!(interest.map(|part| part.debt), alone.map(|part| part.debt), "{name}");
                assert_eq!(own.map(|part| part.debt), Some(Int::ZERO), "{name}");
            }
            assert!(own.is_some_and(|own| own.collateral > Int::ZERO), "{name}");
            assert_eq!([rules, prices], [Some(NOTHING); 2], "{name}");
            tried += 1;
        }
    }
    assert!(tried >= 6, "{tried} troves");
}

/// Worked by hand, in dollars of 12 digits: 1,000 tokens at 200.00, of which 80 % carry a debt of 50,000 dollars. Then 100 tokens
/// come in, 4,000 dollars are borrowed; what is supplied grows by 10 % and debt by 20 %; the threshold falls to 75 %, and the
/// price to 190.00.
#[test]
fn four_causes_worked_by_hand() {
    let ray = "1000000000000000000000000000";
    let reserve = |price, threshold| Plain {
        decimals: 6,
        price,
        threshold,
        bonus: 10_500,
        borrow_index: ray,
        rest: "",
    };
    let reserves = [reserve(200_0000_0000, 8000), reserve(1_0000_0000, 8000)];
    let whole = 1_000_000;
    let book = plain("3.5", &reserves, &[("supply", 0, 1000 * whole), ("debt", 1, 50_000 * whole)]);
    let mut next = book.clone();
    let [tokens, dollars] = [0, 1].map(|reserve: u32| [3 * reserve + 1, 3 * reserve + 2].map(InstrumentId));
    let account = &mut next.accounts[0].account;
    account.set(tokens[0], Int::from(1100 * whole));
    account.set(dollars[1], Int::from(54_000 * whole));
    let market = &mut next.markets[0].market;
    let mut cells: BTreeMap<(u64, &str), Cell> = BTreeMap::new();
    market.visit(&mut |cell, name, _, _| {
        cells.insert((cell.object, name), cell);
    });
    let times = |ray: &str, percent: i128| {
        let ray: Decimal = decimal(ray);
        ray.mantissa
            .mul(Int::new(percent))
            .and_then(|it| it.div(Int::new(100), plimsoll_core::Rounding::Exact))
    };
    market.set(cells[&(0, "liquidity_index")], times(ray, 110)).expect("an index");
    market.set(cells[&(1, "variable_borrow_index")], times(ray, 120)).expect("an index");
    let set = Change::Set { number: "pool/A0/liquidation_threshold".into(), value: Int::new(7500) };
    let price = Change::Price { name: "F0".into(), to: NewPrice::Exactly(decimal("19000000000")) };
    let next = done(&next, &[set, price]);
    let found = lawful(&book, &next, "by hand");
    let change = of(&found, "u").change;
    let usd = |dollars: i128| Int::new(dollars * 1_000_000_000_000);
    let told = change.parts.map(|part| part.map(|part| [part.collateral, part.debt, part.headroom]));
    let expected = [
        // 100 tokens of 200, 80 % of which carry; 4,000 more are owed
        [usd(20_000), usd(4_000), usd(16_000 - 4_000)],
        // 110 tokens more; a fifth of 54,000
        [usd(22_000), usd(10_800), usd(17_600 - 10_800)],
        // 5 % of 1,210 tokens of 200
        [usd(0), usd(0), usd(-12_100)],
        // 10 dollars less for each of 1,210 tokens, 75 % of which carry
        [usd(-12_100), usd(0), usd(-9_075)],
    ];
    assert_eq!(told, expected.map(Some));
    assert_eq!(change.before.map(|it| it.headroom), Some(usd(160_000 - 50_000)));
    assert_eq!(change.after.map(|it| it.headroom), Some(usd(172_425 - 64_800)));
    let [rule] = &found.markets[0].rules[..] else { panic!("{:?}", found.markets[0].rules) };
    assert_eq!(rule.number, "pool/A0/liquidation_threshold");
    assert_eq!([rule.from, rule.to], [Some(Int::new(8000)), Some(Int::new(7500))]);
}

/// Everything at once, many times, on every example book.
#[test]
fn parts_add_to_the_change_whatever_happened() {
    let mut dice = Dice(0x000b_51ef);
    let (mut whole, mut all) = (0, 0);
    for round in 0..40 {
        let name = dice.pick(&BOOKS);
        let older = example(name);
        let mut newer = older.clone();
        if dice.below(4) > 0 {
            newer = done(&newer, &[Change::After(dice.below(50 * DAY))]);
        }
        for _ in 0..dice.below(6) {
            let account = dice.below(newer.accounts.len() as u64) as usize;
            let market = newer.accounts[account].market;
            let kind = *dice.pick(&[Kind::Receipt, Kind::Debt]);
            let of_kind: Vec<String> = newer.markets[market]
                .market
                .instruments()
                .iter()
                .filter(|one| one.kind == kind)
                .map(|one| one.name.clone())
                .collect();
            let what =
                stake(dice.pick::<&str>(&["0.01", "0.7", "25", "3000"]), dice.pick::<String>(&of_kind));
            let change = match (kind, dice.below(2)) {
                (Kind::Receipt, 0) => Change::Deposit(what),
                (Kind::Receipt, _) => Change::Withdraw(what),
                (_, 0) => Change::Borrow(what),
                _ => Change::Repay(what),
            };
            if let Some(next) = acted(&newer, account, &[change, Change::After(dice.below(DAY))]) {
                newer = next;
            }
        }
        if dice.below(2) == 0 {
            newer = amended(&newer).0;
        }
        if dice.below(4) > 0 {
            newer = moved(&newer, dice.pick::<&str>(&["-30", "-3.25", "0.5", "12"]));
        }
        if dice.below(3) == 0 {
            // Somebody is gone.
            let gone = dice.below(newer.accounts.len() as u64) as usize;
            newer = without(&newer, gone);
        }
        let found = lawful(&older, &newer, &format!("{name}, round {round}"));
        all += everybody(&found).len();
        whole += everybody(&found).iter().filter(|one| one.change.is_whole()).count();
    }
    assert!(whole * 100 > all * 95, "{whole} of {all} changes are split in full");
}
