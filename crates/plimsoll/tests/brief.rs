//! What changed between two books: the parts add exactly to the change, and each cause alone gives only its own part.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{Dice, Plain, example, place, plain};
use plimsoll::{
    AccountChange, Amounts, Brief, Cause, Change, Compared, Ladder, Misasked, NewPrice, Stake, Standstill,
    Sum, SumChange, Tier, Untold, brief, check, whatif, whatif_all,
};
use plimsoll_core::{
    Book, Cell, Decimal, InstrumentId, Int, Kind, Nature, Observation, Origin, PriceId, Time, U256,
};
use std::collections::BTreeMap;

const BOOKS: [&str; 6] = ["treasury", "lending", "compound_v3", "liquity", "maker", "crash"];
const DAY: u64 = 86_400;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

#[track_caller]
fn compare(older: &Book, newer: &Book) -> Brief {
    let asked = Compared { ladder: Ladder::default(), owner: None, top: usize::MAX };
    brief(older, newer, &asked).unwrap_or_else(|why| panic!("{why}"))
}

/// Everybody of either book.
fn everybody(found: &Brief) -> Vec<&AccountChange> {
    let gone = found.moved.iter().filter(|one| one.places[1].is_none());
    found.worst.iter().chain(gone).collect()
}

fn of<'b>(found: &'b Brief, name: &str) -> &'b AccountChange {
    everybody(found).into_iter().find(|one| one.name == name).expect("the account")
}

const NOTHING: Amounts =
    Amounts { collateral: Int::ZERO, debt: Int::ZERO, headroom: Int::ZERO, uncovered: Int::ZERO };

fn numbers(amounts: &Amounts) -> [Int; 4] {
    [amounts.collateral, amounts.debt, amounts.headroom, amounts.uncovered]
}

fn plus(x: [Int; 4], y: [Int; 4]) -> [Int; 4] {
    [0, 1, 2, 3].map(|at: usize| x[at].add(y[at]).expect("within 256 bits"))
}

fn less(x: [Int; 4], y: [Int; 4]) -> [Int; 4] {
    plus(x, y.map(Int::neg))
}

/// What `check` says of each account of a book, by its place: collateral, debt, headroom and uncovered debt in units of so many
/// decimals.
fn checked(book: &Book, decimals: impl Fn(usize) -> u8) -> Vec<Option<[Int; 4]>> {
    let answer = check(book, book.at, &Ladder::default()).expect("a book");
    let mut all = vec![None; book.accounts.len()];
    for row in &answer.rows {
        let (Ok(line), Ok(loans)) = (row.liquidation.own, row.borrowing.own) else { continue };
        let to = decimals(book.accounts[row.account].market);
        let scale = |value: Int, from: u8| {
            value.mul(Int::from(U256::pow10(to - from).expect("few digits"))).expect("within 256 bits")
        };
        let collateral = scale(loans.collateral, loans.unit.decimals);
        let debt = scale(loans.debt, loans.unit.decimals);
        let headroom = line.backing.sub(line.requirement).expect("within 256 bits");
        let uncovered = debt.sub(collateral).expect("within 256 bits").max(Int::ZERO);
        all[row.account] = Some([collateral, debt, scale(headroom, line.unit.decimals), uncovered]);
    }
    all
}

/// Holds the laws of any answer: ends are what `check` says, parts add to the change, sums are those of the accounts.
#[track_caller]
fn lawful(older: &Book, newer: &Book, about: &str) -> Brief {
    let found = compare(older, newer);
    let decimals = |book: &Book, market: usize| {
        let name = &book.markets[market].name;
        found.markets.iter().find(|one| one.name == *name && !one.replaced).expect("a market").sum.decimals
    };
    let ends =
        [checked(older, |market| decimals(older, market)), checked(newer, |market| decimals(newer, market))];
    let mut sums: BTreeMap<usize, [[Int; 4]; 7]> = BTreeMap::new();
    let mut listed = [0, 0];
    for one in everybody(&found) {
        let change = &one.change;
        let told = [change.before, change.after];
        for end in 0..2 {
            let expected = one.places[end].map_or(Some([Int::ZERO; 4]), |place| ends[end][place]);
            listed[end] += usize::from(one.places[end].is_some());
            if let Some(told) = &told[end] {
                assert_eq!(Some(numbers(told)), expected, "{about}: {} at end {end}", one.name);
            }
        }
        let known = |amounts: &Option<Amounts>| numbers(&amounts.unwrap_or(NOTHING));
        let mut sum = numbers(&change.unsplit);
        for part in &change.parts {
            sum = plus(sum, known(part));
        }
        assert_eq!(sum, less(known(&change.after), known(&change.before)), "{about}: {}", one.name);
        if change.is_whole() {
            assert_eq!(change.unsplit, NOTHING, "{about}: {}", one.name);
            assert_eq!(change.untold, None, "{about}: {}", one.name);
        } else {
            assert!(change.untold.is_some(), "{about}: {}", one.name);
        }
        let into = sums.entry(one.market).or_insert([[Int::ZERO; 4]; 7]);
        let [own, interest, rules, prices] = &change.parts;
        let all = [&change.before, &change.after, own, interest, rules, prices];
        for (sum, amounts) in into.iter_mut().zip(all) {
            *sum = plus(*sum, known(amounts));
        }
        into[6] = plus(into[6], numbers(&change.unsplit));
    }
    assert_eq!(listed, [older.accounts.len(), newer.accounts.len()], "{about}");
    for (at, market) in found.markets.iter().enumerate() {
        let SumChange { before, after, parts: [own, interest, rules, prices], unsplit, .. } = &market.sum;
        let told = [before, after, own, interest, rules, prices, unsplit].map(numbers);
        assert_eq!(told, sums.get(&at).copied().unwrap_or([[Int::ZERO; 4]; 7]), "{about}: {}", market.name);
    }
    for sum in &found.sums {
        let change = sum.parts.iter().fold(numbers(&sum.unsplit), |all, part| plus(all, numbers(part)));
        assert_eq!(change, less(numbers(&sum.after), numbers(&sum.before)), "{about}: {}", sum.currency);
    }
    let tiers = |end: usize| found.tiers[end].values().sum::<u64>() as usize;
    assert_eq!([tiers(0), tiers(1)], listed, "{about}");
    let all = found.transitions.values().sum::<u64>() as usize;
    assert_eq!(all, everybody(&found).len(), "{about}");
    found
}

/// Only this part of every account's change is not nothing; how many accounts it is anything of.
#[track_caller]
fn only(found: &Brief, cause: Cause, about: &str) -> usize {
    let mut changed = 0;
    for one in everybody(found) {
        for (other, part) in Cause::ALL.iter().zip(&one.change.parts) {
            if *other != cause {
                assert_eq!(part.unwrap_or(NOTHING), NOTHING, "{about}: {} by {}", one.name, other.name());
            } else {
                changed += usize::from(part.is_some_and(|part| part != NOTHING));
            }
        }
        assert!(
            one.change.is_whole() || one.change.before.is_none() || one.change.after.is_none(),
            "{about}: {}",
            one.name
        );
    }
    changed
}

fn done(book: &Book, changes: &[Change]) -> Book {
    let answer = whatif_all(book, changes, &Ladder::default()).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(answer.refused, None);
    answer.book
}

/// What one account's actions make of a book; `None` where they are refused or cannot be meant.
fn acted(book: &Book, account: usize, changes: &[Change]) -> Option<Book> {
    let answer = whatif(book, account, changes, &Ladder::default()).ok()?;
    answer.refused.is_none().then_some(answer.book)
}

fn stake(sum: &str, asset: &str) -> Stake {
    Stake { sum: Sum::Exactly(decimal(sum)), asset: asset.into() }
}

/// Every price that somebody observes, so many per cent higher.
fn moved(book: &Book, percent: &str) -> Book {
    let mut next = book.clone();
    for (at, price) in book.graph.prices().iter().enumerate() {
        let Origin::Feed(Observation { price: Some(_), .. }) = &price.origin else { continue };
        let name = book.graph.prices()[at].name.clone();
        let to = NewPrice::Percent(decimal(percent));
        if let Ok(answer) = whatif_all(&next, &[Change::Price { name, to }], &Ladder::default()) {
            next = answer.book;
        }
    }
    next
}

/// Rules of the venues that decide where accounts stand, set otherwise.
fn amended(book: &Book) -> (Book, usize) {
    const WEIGHTS: [&str; 6] =
        ["liquidation_threshold", "lltv", "liquidate_collateral_factor", "mat", "mcr", "ltv"];
    let (mut next, mut changed) = (book.clone(), 0);
    for listed in &mut next.markets {
        let mut cells = Vec::new();
        listed.market.visit(&mut |cell, name, _, value| {
            let parts = listed.market.parts(cell).iter().find(|part| part.name == "liquidation_threshold");
            if let Some(part) = parts {
                let word = value.magnitude();
                let field = word.field(part.at, part.width) * 97 / 100;
                cells.push((cell, word.with_field(part.at, part.width, field).map(Int::from)));
            } else if WEIGHTS.contains(&name) {
                // A step of the fourth digit, in which factors are stored.
                let step = if value < Int::new(100_000) { Int::ONE } else { Int::new(100_000_000_000_000) };
                let fewer = value.sub(step.mul(Int::new(100)).expect("small")).filter(|_| name != "ltv");
                cells.push((cell, fewer));
            }
        });
        for (cell, value) in cells {
            changed += usize::from(value.is_some() && listed.market.set(cell, value).is_ok());
        }
    }
    (next, changed)
}

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

/// Of the crash nobody pays interest, and at Maker a queued price may come with time, which is a price.
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
            assert_eq!(only(&found, Cause::Interest, name) > 0, name != "crash", "{name}");
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
    let mut dice = Dice(0x0b51_ef);
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

/// The book without its account of a place, where nothing else names accounts by their numbers.
fn without(book: &Book, gone: usize) -> Book {
    let named = book.markets.iter().any(|listed| ["liquity_v2", "maker"].contains(&listed.market.venue().0));
    let mut next = book.clone();
    if named {
        return next;
    }
    next.accounts.remove(gone);
    for (place, listed) in next.accounts.iter_mut().enumerate() {
        listed.account.id = plimsoll_core::AccountId(place as u64);
    }
    next
}

#[test]
fn who_came_and_who_is_gone_is_told() {
    let book = example("treasury");
    let gone = place(&book, "alice");
    let (fewer, more) = (without(&book, gone), book.clone());
    let left = lawful(&book, &fewer, "gone");
    let alice = of(&left, "alice");
    assert_eq!(alice.tiers, [Some(Tier::High), None]);
    assert_eq!(left.transitions[&[Some(Tier::High), None]], 1);
    let own = alice.change.parts[0].expect("all of it");
    assert_eq!(Some(NOTHING), alice.change.after);
    assert_eq!(numbers(&own), numbers(&alice.change.before.expect("its worth")).map(Int::neg));
    let came = lawful(&fewer, &more, "came");
    let alice = of(&came, "alice");
    assert_eq!(alice.tiers, [None, Some(Tier::High)]);
    assert_eq!(alice.change.parts[0], alice.change.after);
    assert_eq!(came.found[0], 1);
}

#[test]
fn a_market_of_one_book_alone_is_not_split() {
    let book = example("treasury");
    let mut fewer = book.clone();
    let market = fewer.markets.iter().position(|one| one.name == "morpho-wsteth-usdc").expect("the market");
    assert_eq!(market + 1, fewer.markets.len());
    fewer.markets.pop();
    fewer.accounts.retain(|listed| listed.market != market);
    for (place, listed) in fewer.accounts.iter_mut().enumerate() {
        listed.account.id = plimsoll_core::AccountId(place as u64);
    }
    for (older, newer) in [(&book, &fewer), (&fewer, &book)] {
        let found = lawful(older, newer, "a market comes or goes");
        let one = of(&found, "acme-usdc");
        assert_eq!(one.change.untold, Some(Untold::OneBook));
        assert_eq!(one.change.parts, [None; 4]);
        assert_ne!(one.change.unsplit, NOTHING);
        let [before, after] = [older, newer].map(|book| book.markets.len() > market);
        let told = found.markets.iter().find(|one| one.name == "morpho-wsteth-usdc").expect("the market");
        assert_eq!([told.before.is_some(), told.after.is_some()], [before, after]);
        assert!(!told.replaced);
    }
}

/// Another release of the same pool counts by other rules: what that changes is told as parameters.
#[test]
fn another_revision_is_another_rule() {
    let ray = "1000000000000000000000000000";
    // An index that does not divide: the releases round debts otherwise.
    let index = "1000000000000000000000000037";
    let reserve = |threshold, borrow_index| Plain {
        decimals: 6,
        price: 4_321_0000_0001,
        threshold,
        bonus: 10_500,
        borrow_index,
        rest: "",
    };
    let of = |revision| {
        let rows = [("supply", 0, 700_000_000_001), ("debt", 1, 300_000_000_001)];
        plain(revision, &[reserve(8123, ray), reserve(7000, index)], &rows)
    };
    let (older, newer) = (of("3.4"), of("3.5"));
    let found = lawful(&older, &newer, "two releases");
    let [_, Some(after)] = [&found.markets[0].before, &found.markets[0].after] else { panic!("the market") };
    assert_eq!(after.revision, "3.5");
    let one = everybody(&found)[0];
    assert_eq!([one.change.parts[0], one.change.parts[1], one.change.parts[3]], [Some(NOTHING); 3]);
    assert_ne!(one.change.parts[2], Some(NOTHING));
    assert_eq!(one.change.parts[2], one.change.change());
}

#[test]
fn the_older_book_comes_first() {
    let book = example("treasury");
    let later = done(&book, &[Change::After(1)]);
    let asked = Compared { ladder: Ladder::default(), owner: None, top: 1 };
    let refused = brief(&later, &book, &asked).expect_err("the wrong order");
    assert_eq!(refused, Misasked::Order { older: Time(book.at.0 + 1), newer: book.at });
}

/// Feeds that stand still while others move, those that nobody observes, and those that are read anew.
#[test]
fn feeds_that_do_not_move_are_told() {
    let book = example("treasury");
    let later = done(&book, &[Change::After(3600)]);
    let price = Change::Price { name: "ETH/USD".into(), to: NewPrice::Percent(decimal("-1")) };
    let mut newer = done(&later, &[price]);
    let usdc = newer.graph.find("USDC/USD").expect("a feed");
    let Some(Origin::Feed(again)) = newer.graph.price(usdc).map(|it| it.origin.clone()) else {
        panic!("a feed")
    };
    newer.graph.observe(usdc, Observation { observed_at: Some(newer.at), ..again }).expect("a feed");
    let found = compare(&book, &newer);
    let standstill = |name: &str| {
        found.feeds.iter().find(|feed| feed.name == name).unwrap_or_else(|| panic!("{name}")).standstill
    };
    assert_eq!(standstill("ETH/USD"), None);
    assert_eq!(standstill("USDC/USD"), Some(Standstill::SameAgain));
    assert_eq!(standstill("wstETH/stETH rate"), Some(Standstill::Unobserved));
    // Nothing moved but the clock: nobody is blamed.
    assert!(compare(&book, &later).feeds.iter().all(|feed| feed.standstill.is_none()));
}

/// A market that reads another feed reads it under another rule; the rest of the change is the feed's.
#[test]
fn another_feed_is_another_rule() {
    let book = example("treasury");
    let mut newer = moved(&book, "-2");
    let (market, slot) = (0, 0);
    let asset = newer.markets[market].market.slots()[slot].asset.clone();
    let was = newer.markets[market].wiring[slot].expect("wired");
    let other =
        newer.markets[market].wiring.iter().flatten().find(|id| **id != was).copied().expect("another feed");
    newer.markets[market].wiring[slot] = Some(other);
    let found = lawful(&book, &newer, "rewired");
    let [rewired] = &found.markets[market].rewired[..] else { panic!("{:?}", found.markets[market].rewired) };
    let name = |id: PriceId| newer.graph.price(id).map(|price| price.name.clone());
    assert_eq!((&rewired.asset, &rewired.from, &rewired.to), (&asset, &name(was), &name(other)));
    let parts = found.markets[market].sum.parts;
    assert_eq!([parts[0], parts[1]], [NOTHING; 2]);
    assert!(parts[2] != NOTHING && parts[3] != NOTHING);
}

/// Where a world between has no price, the parts beside it are not told, and the whole change still is.
#[test]
fn what_cannot_be_valued_is_not_split() {
    let book = example("treasury");
    let mut older = book.clone();
    let rate = older.graph.find("wstETH/stETH rate").expect("a feed");
    let Some(Origin::Feed(feed)) = older.graph.price(rate).map(|it| it.origin.clone()) else {
        panic!("a feed")
    };
    older.graph.observe(rate, Observation { price: None, ..feed }).expect("a feed");
    let found = lawful(&older, &book, "no older price");
    let one = of(&found, "acme-loop");
    assert_eq!((one.change.before, one.change.parts), (None, [None; 4]));
    assert!(matches!(one.change.untold, Some(Untold::Refused(_))));
    assert_eq!(Some(one.change.unsplit), one.change.after);
    assert_eq!(one.tiers[0], Some(Tier::Unknown));
    // Who has nothing to do with it is split all the same.
    assert!(of(&found, "alice").change.is_whole());
}

/// One owner's accounts: each with its own health, sums of currencies, and nothing of anybody else.
#[test]
fn an_owners_accounts_stand_side_by_side() {
    let book = example("treasury");
    let newer = moved(&done(&book, &[Change::After(DAY)]), "-4");
    let asked = Compared { ladder: Ladder::default(), owner: Some("Acme treasury"), top: usize::MAX };
    let found = brief(&book, &newer, &asked).expect("an answer");
    let names: Vec<&str> = found.worst.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["acme-loop", "acme-usdc"]);
    let [owner] = &found.owners[..] else { panic!("{} owners", found.owners.len()) };
    assert_eq!(
        (owner.owner.as_str(), owner.accounts, owner.worst.name.as_str()),
        ("Acme treasury", [2, 2], "acme-loop")
    );
    assert_eq!(owner.sums, found.sums);
    assert_eq!(found.sums.len(), 2, "two currencies");
    let whole = compare(&book, &newer);
    assert_eq!(found.severity, whole.severity);
    for one in &found.worst {
        assert_eq!(one.change, of(&whole, &one.name).change);
    }
}

/// The list is cut, and the rest is what the whole lacks without it.
#[test]
fn the_rest_is_the_whole_without_the_worst() {
    let book = example("lending");
    let newer = moved(&done(&book, &[Change::After(DAY)]), "-11");
    let asked = Compared { ladder: Ladder::default(), owner: None, top: 7 };
    let (cut, whole) = (brief(&book, &newer, &asked).expect("an answer"), compare(&book, &newer));
    assert_eq!((cut.worst.len(), cut.moved.len()), (7, 7));
    assert_eq!(cut.found, [whole.moved.len() as u64, whole.coming.len() as u64]);
    assert_eq!((&cut.sums, &cut.tiers, &cut.transitions), (&whole.sums, &whole.tiers, &whole.transitions));
    let names =
        |list: &[AccountChange]| list.iter().map(|one| (one.market, one.name.clone())).collect::<Vec<_>>();
    assert_eq!(names(&cut.worst), names(&whole.worst)[..7]);
    let count = |sums: &[SumChange]| sums.iter().map(|sum| sum.accounts[1] + sum.unvalued[1]).sum::<u64>();
    assert_eq!(count(&cut.rest) + 7, count(&cut.sums));
    assert_eq!(count(&whole.rest), 0);
}

/// Every number of every market of the examples says what it is, and those that decide who is liquidated are rules.
#[test]
fn rules_are_rules_and_totals_are_state() {
    let mut seen: BTreeMap<&str, BTreeMap<String, Nature>> = BTreeMap::new();
    for name in BOOKS {
        for listed in &example(name).markets {
            let of = seen.entry(listed.market.venue().0).or_default();
            listed.market.visit(&mut |cell, name, _, _| {
                let nature = listed.market.nature(cell);
                let known = of.insert(format!("{name} {}", cell.object.min(1)), nature);
                assert!(known.is_none_or(|known| known == nature), "{name}");
            });
        }
    }
    let nature = |venue: &str, name: &str| {
        let mut of = seen[venue].iter().filter(|(known, _)| known.split(' ').next() == Some(name));
        *of.next().unwrap_or_else(|| panic!("{venue}: {name}")).1
    };
    let expected: [(&str, Nature, &[&str]); 13] = [
        (
            "aave_v3",
            Nature::Rule,
            &["configuration", "slope2", "grace_until", "liquidation_threshold", "own_price"],
        ),
        ("aave_v3", Nature::State, &["liquidity_index", "variable_borrow_rate", "last_update", "deficit"]),
        ("morpho_blue", Nature::Rule, &["lltv", "irm", "fee"]),
        ("morpho_blue", Nature::State, &["total_borrow_assets", "rate_at_target", "last_update"]),
        (
            "compound_v3",
            Nature::Rule,
            &["pause_flags", "borrow_kink", "supply_cap", "liquidate_collateral_factor"],
        ),
        ("compound_v3", Nature::State, &["base_borrow_index", "total_supply", "reserves", "base_balance"]),
        ("maker", Nature::Rule, &["mat", "duty", "line", "hop", "beg"]),
        ("maker", Nature::State, &["rate", "rho", "total_art", "dirt", "chost"]),
        ("maker", Nature::Price, &["spot", "current_price", "next_price", "next_valid", "poked"]),
        ("liquity_v2", Nature::Rule, &["ccr", "mcr", "scr", "penalty_redistribution"]),
        ("liquity_v2", Nature::State, &["recorded_debt", "redistributed_debt", "shutdown_time", "deposits"]),
        ("liquity_v2", Nature::State, &["base_rate", "supply", "router"]),
        ("liquity_v2", Nature::State, &["min_rate", "shares", "fee"]),
    ];
    for (venue, is, names) in expected {
        for name in names {
            assert_eq!(nature(venue, name), is, "{venue}: {name}");
        }
    }
}
