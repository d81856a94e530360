//! The questions at a venue with one balance for claim and debt, whose line of borrowing decides what may be withdrawn,
//! and which makes no small loans.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{act, after, example, place, readings};
use plimsoll::{Binds, max, restore};
use plimsoll_core::{
    Account, Action, Amount, Assessment, Book, Decimal, Feeds, Int, Kind, Lens, Refusal, Test, U256, Verdict,
};

/// Every limit is accepted now and at the next block, one unit more is not, and none is left unproven.
#[test]
fn the_most_is_executable_and_proven() {
    let book = example("compound_v3");
    let mut proven = 0;
    for account in 0..book.accounts.len() {
        let answer = max(&book, account, 12).expect("an answer");
        let borrow = answer.borrow.iter().map(|most| (true, most));
        for (borrow, most) in borrow.chain(answer.withdraw.iter().map(|most| (false, most))) {
            let (name, instrument) = (&book.accounts[account].name, most.limit.instrument);
            let takes = |amount: Amount| {
                [answer.now, answer.until].iter().all(|at| {
                    let withdraw = Action::Withdraw { from: instrument, amount };
                    let action = if borrow { Action::Borrow { debt: instrument, amount } } else { withdraw };
                    act(&book, account, *at, action).is_ok()
                })
            };
            if most.limit.because.is_none() {
                assert!(takes(Amount::All), "{name} {most:?}");
                continue;
            }
            let amount = most.limit.amount;
            assert!(amount == U256::ZERO || takes(Amount::Assets(amount)), "{name} {most:?}");
            let more = amount.add(U256::ONE).expect("256 bits");
            assert!(!takes(Amount::Assets(more)), "{name} {most:?}");
            assert_eq!(most.limit.no_more_than, amount, "{name} {most:?}");
            proven += 1;
        }
    }
    assert!(proven > 10, "{proven}");
}

/// A loan by who has a balance begins with it, and what exceeds it must be of the least size: the most that a lender
/// without collateral can borrow is what he has.
#[test]
fn the_most_is_found_below_a_loan_that_is_too_small() {
    let book = example("compound_v3");
    let answer = max(&book, place(&book, "lender"), 12).expect("an answer");
    let [borrow] = answer.borrow.as_slice() else { panic!("{:?}", answer.borrow) };
    assert_eq!(borrow.limit.amount, U256::new(2_499_999_999_999));
    assert!(matches!(borrow.limit.because, Some(Refusal::BorrowTooSmall { .. })), "{:?}", borrow.limit);
    // And one of the least size has no collateral: that is what stands in the way.
    assert!(matches!(borrow.limit.beyond, Some(Refusal::OverCapacity { .. })), "{:?}", borrow.limit);
    assert_eq!(borrow.binds, Binds::Health);
    // Whoever has nothing at all is told the same of the first unit, and not of some larger loan.
    let mut book = book;
    let idle = place(&book, "idle-collateral");
    book.accounts[idle].account = Account::new(book.accounts[idle].account.id);
    let answer = max(&book, idle, 12).expect("an answer");
    let [borrow] = answer.borrow.as_slice() else { panic!("{:?}", answer.borrow) };
    assert_eq!(borrow.limit.amount, U256::ZERO);
    let least = U256::new(100_000_000);
    assert_eq!(borrow.limit.because, Some(Refusal::BorrowTooSmall { owed: U256::ONE, least }));
    assert!(matches!(borrow.limit.beyond, Some(Refusal::OverCapacity { .. })), "{:?}", borrow.limit);
}

fn seen(book: &Book, account: usize, action: Action) -> Option<Assessment> {
    let effects = act(book, account, book.at, action).ok()?;
    let next = after(book, book.accounts[account].market, book.at, &effects);
    let readings = readings(&next, next.accounts[account].market, next.at);
    let market = &next.markets[next.accounts[account].market].market;
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, next.at).ok()?;
    quoted.verdict(&next.accounts[account].account, Test::Liquidation).ok()
}

/// A deposit of the base token pays the debt: it is the repayment, and told once; and every way is the least that will do.
#[test]
fn a_deposit_that_pays_the_debt_is_proven_to_be_the_least() {
    let book = example("compound_v3");
    let target = Decimal { mantissa: Int::new(14), decimals: 1 };
    let reaches = |seen: &Assessment| {
        seen.verdict == Verdict::NoDebt
            || seen.backing.mul_wide(Int::new(10)) >= seen.requirement.mul_wide(Int::new(14))
    };
    for name in ["near-the-line", "comp-farmer", "late-by-a-block", "steth-carry", "wsteth-loop"] {
        let account = place(&book, name);
        let answer = restore(&book, account, target, 600).expect("an answer");
        let ways = answer.deposits.iter().map(|way| (Kind::Receipt, way));
        let mut base = Vec::new();
        for (kind, way) in ways.chain(answer.repayments.iter().map(|way| (Kind::Debt, way))) {
            let Ok(enough) = way.now else { continue };
            let action = |amount: U256| match kind {
                Kind::Debt => Action::Repay { debt: way.instrument, amount: Amount::Assets(amount) },
                _ => Action::Deposit { into: way.instrument, amount: Amount::Assets(amount) },
            };
            assert_eq!(enough.no_less_than, enough.amount, "{name} {way:?}");
            assert!(seen(&book, account, action(enough.amount)).is_some_and(|seen| reaches(&seen)), "{name}");
            let less = enough.amount.sub(U256::ONE).expect("an amount");
            assert!(seen(&book, account, action(less)).is_some_and(|seen| !reaches(&seen)), "{name} {way:?}");
            if way.by.is_ok_and(|by| by.no_less_than != by.amount) {
                panic!("{name} {way:?}");
            }
            let owed = book.markets[book.accounts[account].market].market.slots()[0].asset.clone();
            base.extend((way.asset == owed).then_some(enough.amount));
        }
        // One call under two names is one way.
        assert_eq!(base.len(), 1, "{name}");
        assert!(answer.repayments.iter().any(|way| way.now.is_ok_and(|now| now.amount == base[0])), "{name}");
    }
}
