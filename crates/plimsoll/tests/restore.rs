//! What restores a health does, and nothing smaller does.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;
#[path = "../../plimsoll-io/tests/common/recorded.rs"]
mod recorded;

use common::{Dice, act, example, place, readings, small};
use plimsoll::{Enough, Hindrance, Misasked, Restore, Way, restore};
use plimsoll_core::{
    Action, Amount, Book, Decimal, Feeds, Int, Kind, Lens, Refusal, Test, Time, U256, Verdict,
};
use plimsoll_venues::aave_v3::Revision;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// Up to 3.4 the average threshold is cut, so that the first units of a collateral that counts leave backing as it was.
/// Three of them were found by trying each by hand; the answer was that it is no collateral.
#[test]
fn the_first_units_of_a_collateral_may_add_nothing() {
    let reserve = |decimals, price, threshold, bonus, borrow_index| common::Plain {
        decimals,
        price,
        threshold,
        bonus,
        borrow_index,
        rest: "",
    };
    let reserves = [
        reserve(1, 10_890, 8_000, 10_145, "1110037445290344100857051233"),
        reserve(3, 13_442, 474, 10_217, "1323446370425813666372565223"),
        reserve(3, 2_869, 8_744, 10_215, "1000000000000000000000000000"),
    ];
    let book = common::plain("3.0", &reserves, &[("supply", 1, 9), ("debt", 2, 2)]);
    let answer = restore(&book, 0, decimal("1.4044"), 0).expect("an answer");
    let way = answer.deposits.iter().find(|way| way.asset == "A1").expect("a way");
    assert_eq!(way.now.as_ref().map(|enough| enough.amount), Ok(U256::new(3)));
}

/// Whether an amount, done and then looked at, reaches the target: by the market alone.
fn reaches(
    book: &Book,
    answer: &Restore,
    way: &Way,
    deposit: bool,
    amount: Amount,
    done: Time,
    seen: Time,
) -> bool {
    let account = &book.accounts[answer.account];
    let instrument = way.instrument;
    let action = if deposit {
        Action::Deposit { into: instrument, amount }
    } else {
        Action::Repay { debt: instrument, amount }
    };
    let Ok(effects) = act(book, answer.account, done, action) else { return false };
    let mut market = book.markets[account.market].market.boxed_clone();
    market.apply(&effects).expect("effects of its own");
    let after = effects.apply_to(&account.account).expect("256 bits");
    let readings = readings(book, account.market, done);
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, seen).expect("a market that stands");
    let Ok(found) = quoted.verdict(&after, Test::Liquidation) else { return false };
    // backing / requirement >= target, without dividing
    let (digits, power) = (answer.target.mantissa, U256::pow10(answer.target.decimals).expect("256 bits"));
    found.verdict == Verdict::NoDebt
        || found.backing.mul_wide(Int::from(power)) >= found.requirement.mul_wide(digits)
}

fn at_once(book: &Book, answer: &Restore, way: &Way, deposit: bool, amount: Amount) -> bool {
    reaches(book, answer, way, deposit, amount, answer.now, answer.now)
}

fn holds(book: &Book, answer: &Restore, way: &Way, deposit: bool, amount: Amount) -> bool {
    let moments = [(answer.now, answer.now), (answer.by, answer.by), (answer.now, answer.by)];
    moments.into_iter().all(|(done, seen)| reaches(book, answer, way, deposit, amount, done, seen))
}

fn ways(answer: &Restore) -> impl Iterator<Item = (bool, &Way)> {
    let deposits = answer.deposits.iter().map(|way| (true, way));
    deposits.chain(answer.repayments.iter().map(|way| (false, way)))
}

type Ask = fn(&Book, &Restore, &Way, bool, Amount) -> bool;

/// Amounts below an answer: its neighbourhood one by one, then the whole way down, denser near the answer.
fn below(dice: &mut Dice, amount: U256) -> Vec<U256> {
    let mut all: Vec<U256> = (1..=40_u64).map(|near| amount.sub_or_zero(U256::from(near))).collect();
    let mut step = U256::new(64);
    while step < amount {
        all.push(amount.sub_or_zero(step));
        let part = U256::from(1000 + dice.below(1000));
        step = step.mul_div(part, U256::from(900_u64), plimsoll_core::Rounding::Up).expect("256 bits");
    }
    all.retain(|amount| *amount != U256::ZERO);
    all
}

/// 71, and that nothing is impossible which is not.
fn check(dice: &mut Dice, book: &Book, answer: &Restore, count: &mut Count) {
    for (deposit, way) in ways(answer) {
        for (found, ask) in [(&way.now, at_once as Ask), (&way.by, holds as Ask)] {
            let try_one = |amount: U256| ask(book, answer, way, deposit, Amount::Assets(amount));
            let case = || format!("{} {deposit} {way:?}", book.accounts[answer.account].name);
            match found {
                Ok(Enough { amount, all: false, no_less_than, .. }) => {
                    assert_eq!(amount, no_less_than, "not proven: {}", case());
                    if *amount == U256::ZERO {
                        count.nothing += 1;
                        continue;
                    }
                    count.some += 1;
                    assert!(try_one(*amount), "it does not do: {}", case());
                    let smaller = below(dice, *amount).into_iter().find(|amount| try_one(*amount));
                    assert!(smaller.is_none(), "{smaller:?} does: {}", case());
                }
                Ok(Enough { all: true, amount, .. }) => {
                    count.all += 1;
                    assert!(ask(book, answer, way, deposit, Amount::All), "all does not do: {}", case());
                    let smaller = below(dice, *amount).into_iter().find(|amount| try_one(*amount));
                    assert!(smaller.is_none(), "{smaller:?} does: {}", case());
                }
                Err(why) => {
                    count.impossible += 1;
                    let whole = !deposit && ask(book, answer, way, deposit, Amount::All);
                    let mut amount = U256::ONE;
                    let mut does = whole;
                    while let Some(next) = amount.add(amount).filter(|next| next.bit_len() < 130) {
                        does |= try_one(amount);
                        amount = next.add(U256::from(dice.below(2))).expect("256 bits");
                    }
                    if let Hindrance::Refused { most, .. } = why {
                        does |= below(dice, most.add(U256::ONE).expect("256 bits")).into_iter().any(try_one);
                    }
                    assert!(!does, "it can be done: {why:?} {}", case());
                }
            }
        }
    }
}

#[derive(Debug, Default)]
struct Count {
    some: u64,
    all: u64,
    nothing: u64,
    impossible: u64,
}

/// 71
#[test]
fn advice_reaches_its_target_and_no_smaller_amount_does() {
    let mut dice = Dice(71);
    let mut count = Count::default();
    for name in ["treasury", "lending", "maker"] {
        let book = example(name);
        for account in 0..book.accounts.len() {
            if name == "lending" && account % 4 != 1 {
                continue;
            }
            let target = *dice.pick(&["1", "1.1", "1.25", "1.5", "2", "1.333333333333333333", "10"]);
            let seconds = *dice.pick(&[0, 12, 600, 86_400]);
            let answer = restore(&book, account, decimal(target), seconds).expect("an answer");
            check(&mut dice, &book, &answer, &mut count);
        }
    }
    assert!(count.some > 200 && count.nothing > 100 && count.impossible > 100, "{count:?}");
}

/// 71, on accounts that contracts of every revision held.
#[test]
fn advice_reaches_its_target_on_recorded_accounts() {
    let mut dice = Dice(3);
    let mut count = Count::default();
    for path in recorded::recorded("aave_v3", "_accounts.json.gz") {
        let document = recorded::load(&path);
        let (json, _) = recorded::aave_book(&document, 0);
        let file = plimsoll_io::book::File {
            name: "book.json".into(),
            bytes: plimsoll_io::book::FileBytes::Read(json.to_string().into_bytes()),
        };
        let book = common::sound(plimsoll_io::book::read(vec![file]));
        for account in (0..book.accounts.len()).step_by(9) {
            let target = *dice.pick(&["1", "1.05", "1.5", "3"]);
            let answer = restore(&book, account, decimal(target), 600).expect("an answer");
            check(&mut dice, &book, &answer, &mut count);
        }
    }
    assert!(count.some > 100, "{count:?}");
}

/// 71 on small accounts, where every amount below the answer is tried; up to 3.4 health is a sawtooth in it.
#[test]
fn advice_is_the_least_of_all_amounts_of_small_accounts() {
    let mut dice = Dice(714);
    let mut count = Count::default();
    let mut holes = 0;
    for round in 0..64 {
        let percent = 80 + dice.below(60);
        let book = if round % 8 == 7 {
            small::isolated(&mut dice, percent)
        } else {
            small::pool(&mut dice, Revision::ALL[round % 5], percent)
        };
        // A little to a good deal above where it stands.
        let stands =
            restore(&book, 0, decimal("1"), 0).expect("an answer").health.expect("something is owed");
        let stands = decimal(&stands.digits(0, 4)).mantissa;
        let above = stands.add(Int::from(1 + dice.below(2_000))).expect("256 bits");
        let target = Decimal { mantissa: above, decimals: 4 };
        let seconds = 1 + dice.below(200_000);
        let answer = restore(&book, 0, target, seconds).expect("an answer");
        check(&mut dice, &book, &answer, &mut count);
        for (deposit, way) in ways(&answer) {
            for (found, ask) in [(&way.now, at_once as Ask), (&way.by, holds as Ask)] {
                let Ok(Enough { amount, all: false, .. }) = found else { continue };
                let amount = amount.to_u64().expect("small");
                let does =
                    |amount: u64| ask(&book, &answer, way, deposit, Amount::Assets(U256::from(amount)));
                // All of them for a few, the last hundreds for the others.
                let from = if round < 5 { 1 } else { amount.saturating_sub(200).max(1) };
                let smaller = (from..amount).find(|&amount| does(amount));
                assert!(smaller.is_none(), "{smaller:?} does: {round} {way:?}");
                holes += u64::from((amount + 1..amount + 60).any(|more| !does(more)));
            }
        }
    }
    assert!(count.some > 250 && count.impossible > 20, "{count:?}");
    assert!(holes > 10, "{holes} answers had a hole above them: the sawtooth was not met");
}

#[test]
fn what_is_impossible_says_why() {
    let book = example("treasury");
    let ask = |book: &Book, name: &str, to: &str| {
        restore(book, place(book, name), decimal(to), 600).expect("an answer")
    };
    let of = |ways: &[Way], asset: &str| ways.iter().find(|way| way.asset == asset).expect("the asset").now;
    // Bob supplies dollars and does not use them as collateral.
    let bob = ask(&book, "bob", "2");
    assert_eq!(of(&bob.deposits, "USDC"), Err(Hindrance::NotCounted));
    // A lender's deposit at an isolated market secures nothing.
    let acme = ask(&book, "acme-usdc", "2");
    assert_eq!(of(&acme.deposits, "USDC"), Err(Hindrance::NotCounted));
    // A cap that is too near.
    let set = |number: &str, value: i128| {
        let change = plimsoll::Change::Set { number: number.into(), value: Int::new(value) };
        plimsoll::whatif_all(&book, &[change], &plimsoll::Ladder::default()).expect("an answer").book
    };
    let capped = set("aave-core/WETH/supply_cap", 2_316_239);
    match of(&ask(&capped, "alice", "5").deposits, "WETH") {
        Err(Hindrance::Refused { most, refusal: Refusal::SupplyCap(_) }) => {
            assert!(most > U256::new(1 << 40))
        }
        other => panic!("{other:?}"),
    }
    let paused = ask(&set("aave-core/USDC/paused", 1), "alice", "5");
    assert!(matches!(
        of(&paused.repayments, "USDC"),
        Err(Hindrance::Refused { refusal: Refusal::Paused(_), .. })
    ));
    // Of two debts, all of one may be too little: some small account shows it.
    let mut dice = Dice(2);
    let too_little = (0..40).any(|round| {
        let book = small::pool(&mut dice, Revision::ALL[round % 8], 110);
        let answer = restore(&book, 0, decimal("9"), 600).expect("an answer");
        answer.repayments.iter().any(|way| matches!(way.now, Err(Hindrance::NotEnough { health: Some(_) })))
    });
    assert!(too_little);
    for target in ["0", "-1"] {
        let found = restore(&book, 0, decimal(target), 600).err();
        assert!(matches!(found, Some(Misasked::NoTarget { .. })), "{target}");
    }
    let kinds = book.markets[0].market.instruments().iter().filter(|i| i.kind == Kind::Receipt).count();
    assert_eq!(bob.deposits.len(), kinds);
}

/// Paying back everything at an isolated market takes "all": no amount of assets names the last share.
#[test]
fn only_all_pays_the_last_share() {
    let book = example("treasury");
    let acme = restore(&book, place(&book, "acme-usdc"), decimal("1000000000000"), 600).expect("an answer");
    let repay = &acme.repayments[0];
    match repay.now {
        Ok(enough) => {
            assert!(at_once(&book, &acme, repay, false, Amount::All));
            assert!(enough.all || at_once(&book, &acme, repay, false, Amount::Assets(enough.amount)));
            assert_eq!(enough.health.is_none(), enough.all, "{enough:?}");
        }
        Err(why) => panic!("{why:?}"),
    }
}
