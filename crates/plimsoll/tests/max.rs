//! The most is what the venue accepts at the next block, and one unit more is refused.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{Dice, act, example, place, small};
use plimsoll::{Binds, Max, Most, max};
use plimsoll_core::{AccountId, Action, Amount, Book, Call, Feeds, Int, Kind, Refusal, Silent, Time, U256};
use plimsoll_venues::aave_v3::Revision;

fn action(borrow: bool, most: &Most, amount: Amount) -> Action {
    let instrument = most.limit.instrument;
    if borrow {
        Action::Borrow { debt: instrument, amount }
    } else {
        Action::Withdraw { from: instrument, amount }
    }
}

fn lines(answer: &Max) -> impl Iterator<Item = (bool, &Most)> {
    let withdraw = answer.withdraw.iter().map(|most| (false, most));
    answer.borrow.iter().map(|most| (true, most)).chain(withdraw)
}

/// Whether the venue takes an amount now and at the end of the time asked about: in the market as it stands, and in the
/// one that anybody's calls may have made of it by then, such as a drip and a poke.
fn accepted(book: &Book, answer: &Max, borrow: bool, most: &Most, amount: Amount) -> bool {
    let at = |at: Time| {
        [book, &called(book, answer.account, at)]
            .into_iter()
            .all(|book| act(book, answer.account, at, action(borrow, most, amount)).is_ok())
    };
    at(answer.now) && at(answer.until)
}

/// The book after the calls that anybody may put first in an account's market, by the market's own `act`.
fn called(book: &Book, account: usize, at: Time) -> Book {
    let mut book = book.clone();
    let market = book.accounts[account].market;
    let readings = book.readings(&book.markets[market], &book.graph.quotes(book.at));
    let feeds = Feeds { readings: &readings };
    for (at, action) in book.markets[market].market.prepared(feeds, at) {
        let (actor, account) = (AccountId(u64::MAX), book.accounts[account].account.id);
        let call = Call { actor, account, at, action };
        let done = book.markets[market].market.act(&call, &book, feeds, &mut Silent);
        if let Ok(effects) = done {
            book.markets[market].market.apply(&effects).expect("its own effects");
        }
    }
    book
}

/// 55
#[test]
fn the_most_is_executable_at_the_next_block_and_one_unit_more_is_not() {
    let (mut some, mut nothing, mut everything) = (0, 0, 0);
    for name in ["treasury", "lending", "maker"] {
        let book = example(name);
        for account in 0..book.accounts.len() {
            let answer = max(&book, account, 12).expect("an answer");
            assert_eq!(answer.until.0, book.at.0 + 12);
            for (borrow, most) in lines(&answer) {
                let case = || format!("{} {borrow} {most:?}", book.accounts[account].name);
                let amount = most.limit.amount;
                if most.limit.because.is_none() {
                    everything += 1;
                    assert!(accepted(&book, &answer, borrow, most, Amount::All), "{}", case());
                    assert_eq!(most.binds, Binds::Held);
                    continue;
                }
                if amount == U256::ZERO {
                    nothing += 1;
                } else {
                    some += 1;
                    assert!(accepted(&book, &answer, borrow, most, Amount::Assets(amount)), "{}", case());
                }
                let more = amount.add(U256::ONE).expect("256 bits");
                assert!(!accepted(&book, &answer, borrow, most, Amount::Assets(more)), "{}", case());
            }
        }
    }
    assert!(some > 500 && nothing > 500 && everything > 100, "{some} {nothing} {everything}");
}

/// Every amount near the answers of small accounts is tried, also those beyond the first refusal, and some far away.
#[test]
fn the_most_is_the_largest_of_all_amounts() {
    let mut dice = Dice(609);
    let (mut cases, mut beyond) = (0, 0);
    for round in 0..240 {
        let revision = Revision::ALL[round % 8];
        let book = if round % 5 == 4 {
            small::isolated(&mut dice, 130)
        } else {
            small::pool(&mut dice, revision, 110)
        };
        let answer = max(&book, 0, 12 * dice.below(1000)).expect("an answer");
        for (borrow, most) in lines(&answer) {
            let takes =
                |amount: u64| accepted(&book, &answer, borrow, most, Amount::Assets(U256::from(amount)));
            if most.limit.because.is_none() {
                continue;
            }
            let amount = most.limit.amount.to_u64().expect("small");
            let near = amount + 1..amount + 300;
            let far = (0..60).map(|_| amount + 300 + dice.below(60_000)).collect::<Vec<_>>();
            let larger = near.chain(far).find(|&amount| takes(amount));
            assert!(larger.is_none(), "{revision:?} {borrow} {larger:?} {most:?}");
            assert_eq!(most.limit.no_more_than, most.limit.amount, "{revision:?} {borrow} {most:?}");
            beyond +=
                u64::from((amount.saturating_sub(100)..amount).any(|amount| amount > 0 && !takes(amount)));
            cases += 1;
        }
    }
    assert!(cases > 600, "{cases}");
    assert!(beyond > 0, "{beyond} accounts had a hole below their most: the search beyond it was not tried");
}

/// What stands in the queue of a delayed oracle may be in force at the later time: a withdrawal that is said to be accepted
/// then is, though somebody has poked. Without that hour it may be larger.
#[test]
fn a_withdrawal_holds_at_the_price_that_is_queued() {
    let book = example("maker");
    let borealis = place(&book, "borealis");
    let withdrawn = |seconds| {
        let answer = max(&book, borealis, seconds).expect("an answer");
        let (_, most) = lines(&answer).find(|(borrow, _)| !borrow).expect("a vault");
        assert!(accepted(&book, &answer, false, most, Amount::Assets(most.limit.amount)));
        most.limit.amount
    };
    // 3,150 are in force until 13:00, 2,905.5 from then on; the book is of 12:25.
    let (before, from) = (withdrawn(2_099), withdrawn(2_100));
    // What is owed at 13:00, 150 % of it at 2,905.5 a piece: of 120 ETH 11.58 more than that.
    assert!(before > from, "{before} {from}");
}

#[test]
fn what_binds_is_said() {
    let names = [
        (None, Binds::Held),
        (Some(Refusal::WouldBeUnhealthy), Binds::Health),
        (Some(Refusal::NoBorrowingPower), Binds::Health),
        (Some(Refusal::InsufficientCash { held: U256::ONE, asked: U256::new(2) }), Binds::Cash),
        (Some(Refusal::BeyondReceipts { receipts: U256::ONE, lent: U256::new(2) }), Binds::Cash),
        (Some(Refusal::BorrowCap(plimsoll_core::InstrumentId(2))), Binds::Cap),
        (Some(Refusal::DebtCeiling(plimsoll_core::InstrumentId(1))), Binds::Ceiling),
        (Some(Refusal::RiskPremiumLimit(plimsoll_core::InstrumentId(2))), Binds::Premium),
        (Some(Refusal::Frozen(plimsoll_core::InstrumentId(0))), Binds::Rules),
        (Some(Refusal::PriceUnknown { slot: 0, why: plimsoll_core::Why::Missing }), Binds::World),
    ];
    for (because, binds) in names {
        assert_eq!(Binds::of(because.as_ref()), binds, "{because:?}");
    }
    // Each is met on recorded or small accounts.
    let mut seen = std::collections::BTreeSet::new();
    let mut dice = Dice(1);
    let mut look = |book: &Book| {
        for account in 0..book.accounts.len() {
            let answer = max(book, account, 12).expect("an answer");
            seen.extend(lines(&answer).map(|(_, most)| most.binds));
        }
    };
    look(&example("lending"));
    for round in 0..60 {
        look(&small::pool(&mut dice, Revision::ALL[round % 8], 300));
    }
    for binds in [Binds::Held, Binds::Health, Binds::Cash, Binds::Cap, Binds::Ceiling, Binds::Rules] {
        assert!(seen.contains(&binds), "nothing is bound by {}", binds.name());
    }
    // Debts are listed whether or not they can be had.
    let book = example("treasury");
    let kinds = book.markets[0].market.instruments().iter().filter(|i| i.kind == Kind::Debt).count();
    assert_eq!(max(&book, 0, 12).expect("an answer").borrow.len(), kinds);
}

/// What is said to be available is what a loan may be: it was too high by the ratio that the venue asks, stood there where no
/// loan can be made, and was without the upfront fee.
#[test]
fn available_is_what_may_be_borrowed_at_liquity() {
    let book = example("liquity");
    let row = |book: &Book, name: &str| {
        let answer = plimsoll::check(book, book.at, &plimsoll::Ladder::default()).expect("an answer");
        let place = place(book, name);
        answer.rows.into_iter().find(|row| row.account == place).and_then(|row| row.available)
    };
    // Below its critical ratio the branch lends nothing.
    assert_eq!(row(&book, "anna-weth"), Some(Int::ZERO));
    // At a higher price it lends.
    let higher = plimsoll::Change::Price {
        name: "WETH/USD".into(),
        to: plimsoll::NewPrice::Exactly("2585.25".parse().expect("a price")),
    };
    let book = plimsoll::whatif_all(&book, &[higher], &plimsoll::Ladder::default()).expect("an answer").book;
    let available = row(&book, "carl-weth").and_then(Int::to_u256).expect("a number");
    let borrow = max(&book, place(&book, "carl-weth"), 12).expect("an answer").borrow;
    let most = borrow.iter().map(|most| most.limit.amount).max().expect("a loan");
    assert!(most > U256::ZERO && available == most, "{available} {most}");
}
