//! What is called available is what `max` finds: where a whole branch decides, its own line says too much.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{act, example};
use plimsoll::{Ladder, NEXT_BLOCK, check, max};
use plimsoll_core::{Action, Amount, Book, Decimal, Origin, U256};

/// The book with every oracle price of it times so many thousandths.
fn moved(name: &str, thousandths: u64) -> Book {
    let mut book = example(name);
    let mut graph = plimsoll_core::Graph::default();
    for price in book.graph.prices() {
        let mut price = price.clone();
        if let Origin::Feed(feed) = &mut price.origin {
            let factor = Decimal { mantissa: thousandths.into(), decimals: 3 };
            feed.price = feed.price.map(|value| value.times(factor).expect("256 bits").cut(8));
        }
        graph.add(price).expect("the same graph");
    }
    book.graph = graph;
    book
}

/// 100 % of a zombie's collateral once was available, and nothing of CCR was known where the branch was above it still.
#[test]
fn available_is_what_max_finds_at_every_price() {
    let (mut some, mut nothing) = (0, 0);
    for name in ["liquity", "crash"] {
        for thousandths in [1_000, 400, 550, 700, 800, 850, 900, 950, 1_050, 1_200, 2_000] {
            let book = moved(name, thousandths);
            let answer = check(&book, book.at, &Ladder::default()).expect("an answer");
            for row in &answer.rows {
                let listed = &book.accounts[row.account];
                let market = &book.markets[listed.market].market;
                let Some(debt) = market.asked() else { continue };
                let case = || format!("{name} x{thousandths}: {} {:?}", listed.name, row.available);
                let available = row.available.and_then(plimsoll_core::Int::to_u256).expect("a price");
                let most = max(&book, row.account, NEXT_BLOCK).expect("an answer");
                let lent = most.borrow.iter().map(|most| most.limit.amount).max().unwrap_or(U256::ZERO);
                assert_eq!(available, lent, "{}", case());
                // By the venue itself: so much is lent, and a unit more is not.
                let ask = |amount| {
                    let action = Action::Borrow { debt, amount: Amount::Assets(amount) };
                    let at = [book.at, book.at.plus(NEXT_BLOCK)];
                    at.into_iter().all(|at| act(&book, row.account, at, action.clone()).is_ok())
                };
                assert!(available == U256::ZERO || ask(available), "{}", case());
                assert!(!ask(available.add(U256::ONE).expect("256 bits")), "{}", case());
                *(if available == U256::ZERO { &mut nothing } else { &mut some }) += 1;
            }
        }
    }
    assert!(some > 30 && nothing > 60, "{some} {nothing}");
}

/// Whoever owes nothing and is not in the list is lent nothing, and is told why.
#[test]
fn a_zombie_is_lent_nothing() {
    let book = example("liquity");
    let answer = check(&book, book.at, &Ladder::default()).expect("an answer");
    let row = answer.rows.iter().find(|row| book.accounts[row.account].name == "gina-weth").expect("gina");
    assert_eq!(row.available, Some(plimsoll_core::Int::ZERO));
    assert_eq!(row.available_because.map(|why| why.code()), Some("PL0177"));
}
