//! Every unit that is seized, paid, burned, written off or left over adds up, after every call of random lives.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{Effects, InstrumentId, Party, U256};
use plimsoll_venues::maker::{ART, DAI, GEM, INK, Revision, VAT_DAI};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;

fn sum(world: &World, instrument: InstrumentId) -> BigInt {
    (0..PEOPLE).map(|who| z(world.held(who, instrument))).sum()
}

/// What must hold of every state that calls have led to.
fn balanced(world: &World) -> Result<(), TestCaseError> {
    let (state, rules) = (world.market.state(), world.market.parameters());
    // The vat's own: all debt is the vaults' or the system's, and all Dai is somebody's.
    prop_assert_eq!(z(state.debt), z(state.vice) + z(state.total_art) * z(state.rate));
    prop_assert_eq!(state.vice, state.vow_sin);
    // What keepers brought in tokens came from elsewhere: the pool of the adapter counts it negative.
    prop_assert_eq!(z(state.debt), sum(world, VAT_DAI) + z(state.vow_dai) + &world.pool[1]);
    prop_assert_eq!(sum(world, ART), z(state.total_art));

    // Collateral: locked, unlocked and on auction is what was brought.
    let lots: BigInt = world.market.auctions().map(|(_, auction)| z(auction.lot)).sum();
    prop_assert_eq!(&lots, &world.lots);
    prop_assert_eq!(&sum(world, INK), &world.pool[0]);
    prop_assert_eq!(sum(world, INK) + sum(world, GEM) + lots, world.brought.clone());

    // On auction, with the penalty.
    let tabs: BigInt = world.market.auctions().map(|(_, auction)| z(auction.tab)).sum();
    match world.market.revision() {
        Revision::V1_0 => prop_assert_eq!(state.total_dirt, U256::ZERO),
        Revision::V1_2 => {
            prop_assert_eq!(&tabs, &z(state.total_dirt));
            prop_assert!(tabs <= z(rules.english.most));
        }
        Revision::V2_0 => prop_assert!(tabs == z(state.total_dirt) && tabs == z(state.dirt)),
    }
    let mut places: Vec<u64> = world.market.auctions().map(|(_, auction)| auction.pos).collect();
    places.sort_unstable();
    prop_assert_eq!(places, (0..world.market.auctions().count() as u64).collect::<Vec<_>>());
    Ok(())
}

/// What each auction has brought and given so far (rad, wad).
#[derive(Default)]
struct Book {
    tab: BigInt,
    lot: BigInt,
    paid: BigInt,
    given: BigInt,
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn liquidation_conserves_quantities((revision, rules, ops) in life()) {
        let mut world = begin(revision, rules);
        balanced(&world)?;
        let mut books = BTreeMap::<u64, Book>::new();
        for op in ops {
            let before = world.clone();
            let op = world.aimed(op);
            let outcome = world.step(op);
            let Ok(Some(effects)) = outcome else {
                // Refused: nothing changed. Time and price are the world's.
                prop_assert_eq!(&world.accounts, &before.accounts);
                prop_assert_eq!(world.market.state(), before.market.state());
                continue;
            };
            flows_are_of_their_kind(&effects)?;
            totals_move_as_accounts_do(&before, &world, &effects)?;
            balanced(&world)?;
            follow(&mut books, op, &before, &world, &effects)?;
        }
    }
}

/// Tokens go from purse to purse; locked collateral and debt come into being and cease, and Dai in the vat may do either.
fn flows_are_of_their_kind(effects: &Effects) -> Result<(), TestCaseError> {
    for flow in &effects.flows {
        let outside = [Party::Mint, Party::Burn];
        let made = outside.contains(&flow.from) || outside.contains(&flow.to);
        prop_assert!(flow.amount != U256::ZERO && flow.from != flow.to);
        match flow.instrument {
            GEM => prop_assert!(!made),
            INK | ART | DAI => {
                let forked = matches!((flow.from, flow.to), (Party::Account(_), Party::Account(_)));
                prop_assert!(made || forked, "{flow:?}");
            }
            _ => {}
        }
        prop_assert!(flow.from != Party::Loss && flow.to != Party::Loss);
    }
    Ok(())
}

fn totals_move_as_accounts_do(before: &World, after: &World, effects: &Effects) -> Result<(), TestCaseError> {
    for instrument in [GEM, INK, ART, VAT_DAI] {
        let net: BigInt = (0..PEOPLE)
            .map(|who| {
                signed(effects.net(Party::Account(plimsoll_core::AccountId(who)), instrument).unwrap())
            })
            .sum();
        prop_assert_eq!(sum(after, instrument) - sum(before, instrument), net);
    }
    let earned = signed(effects.net(Party::Treasury, VAT_DAI).unwrap());
    let (was, is) = (before.market.state(), after.market.state());
    prop_assert_eq!(z(is.vow_dai) - z(was.vow_dai), earned);
    // New Dai is new debt, of vaults or of the system.
    let made = signed(effects.net(Party::Mint, VAT_DAI).unwrap());
    let burned = signed(effects.net(Party::Burn, VAT_DAI).unwrap());
    prop_assert_eq!(z(is.debt) - z(was.debt), -made - burned);
    Ok(())
}

/// Each auction: collateral in is collateral out and what is left; what is paid and what is left is the debt with the
/// penalty, until it ends.
fn follow(
    books: &mut BTreeMap<u64, Book>,
    op: Op,
    before: &World,
    after: &World,
    effects: &Effects,
) -> Result<(), TestCaseError> {
    let state = after.market.state();
    if let Op::Bark { who } = op {
        crate::seen::liquidations(1);
        let number = state.kicks;
        let auction = after.market.auction(number).unwrap();
        let seized = z(before.held(who, INK)) - z(after.held(who, INK));
        prop_assert_eq!(&z(auction.lot), &seized);
        prop_assert_eq!(z(effects.liquidated.as_ref().unwrap().seized), seized);
        let art = z(before.held(who, ART)) - z(after.held(who, ART));
        let due = art * z(before.market.state().rate);
        let reward = -signed(effects.net(Party::Mint, VAT_DAI).unwrap());
        prop_assert_eq!(z(state.vow_sin) - z(before.market.state().vow_sin), &due + &reward);
        let scale = if after.market.revision() == Revision::V1_0 { 27 } else { 18 };
        let tab = due * z(after.market.parameters().chop) / BigInt::from(10).pow(scale);
        prop_assert_eq!(&z(auction.tab), &tab);
        books.insert(number, Book { tab, lot: z(auction.lot), ..Book::default() });
    }
    for flow in &effects.flows {
        if let (GEM, Party::Auction(number)) = (flow.instrument, flow.from) {
            books.get_mut(&number).unwrap().given += z(flow.amount);
        }
    }
    if let Op::Take { .. } | Op::Tend { .. } = op {
        let number = touched(before, after);
        let paid = signed(effects.net(Party::Treasury, VAT_DAI).unwrap());
        let book = books.get_mut(&number).unwrap();
        book.paid += &paid;
        prop_assert!(book.paid <= book.tab);
        if let Op::Take { .. } = op {
            let done = effects.liquidated.as_ref().unwrap();
            // Tokens, rounded up.
            prop_assert_eq!(z(done.repaid), (paid + z(ray(1)) - 1u8) / z(ray(1)));
        }
    }
    for (number, book) in books.iter() {
        let dutch = after.market.revision() == Revision::V2_0;
        match after.market.auction(*number) {
            Some(auction) => {
                prop_assert_eq!(&book.given + z(auction.lot), book.lot.clone());
                let open = if dutch { &book.paid + z(auction.tab) } else { z(auction.tab) };
                prop_assert_eq!(&open, &book.tab);
                prop_assert!(dutch || z(auction.bid) == book.paid);
            }
            None => prop_assert_eq!(&book.given, &book.lot),
        }
    }
    Ok(())
}

/// The one auction that a call changed.
fn touched(before: &World, after: &World) -> u64 {
    let mut changed = before.market.auctions().filter(|(number, was)| {
        after.market.auction(*number).is_none_or(|is| (is.tab, is.lot, is.bid) != (was.tab, was.lot, was.bid))
    });
    // Buying nothing changes nothing: any will do, nothing was paid.
    changed.next().or(before.market.auctions().next()).unwrap().0
}

/// The random lives reach everything that the property above speaks of.
#[test]
fn the_population_is_lively() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeMap::<String, u32>::new();
    for _ in 0..1_500 {
        let (revision, rules, ops) = life().new_tree(&mut runner).unwrap().current();
        let mut world = begin(revision, rules);
        for op in ops {
            let running = world.market.auctions().count();
            let op = world.aimed(op);
            let Ok(Some(effects)) = world.step(op) else { continue };
            let name = format!("{op:?}");
            let name = name.split([' ', '(']).next().unwrap().to_string();
            let ended = world.market.auctions().count() < running;
            let short = effects.liquidated.is_some_and(|done| !done.bad_debt.is_empty());
            if ended {
                *seen.entry(format!("{name} ended{}", if short { " short" } else { "" })).or_default() += 1;
            }
            *seen.entry(name).or_default() += 1;
        }
    }
    println!("{seen:?}");
    for what in [
        "Lock",
        "Free",
        "Draw",
        "Wipe",
        "WipeAll",
        "Frob",
        "Fork",
        "Exit",
        "Drip",
        "Poke",
        "PokeOracle",
        "Bark",
        "Take",
        "Redo",
        "Yank",
        "Upchost",
        "Tend",
        "Dent",
        "Deal",
        "Take ended",
        "Deal ended",
        "Deal ended short",
    ] {
        assert!(seen.get(what).is_some_and(|times| *times >= 30), "{what}: {seen:?}");
    }
    assert!(seen.get("Take ended short").is_some_and(|times| *times >= 10), "{seen:?}");
}
