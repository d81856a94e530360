//! Counts of many worlds at once: each is that of judging everybody in it.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{Dice, example, readings};
use plimsoll::{Counts, Stress};
use plimsoll_core::{Book, Int, Lens, Market, Reading, Rounding, Standing, Test, U256, Verdict, Why};

const BOOKS: [&str; 8] =
    ["treasury", "lending", "compound_v3", "liquity", "maker", "hubs", "crash", "margin"];

type World = Vec<Vec<Reading>>;

/// Every account judged, at the markets as scenarios find them.
fn everybody(book: &Book, world: &World) -> Counts {
    let undelayed: Vec<Option<Box<dyn Market>>> =
        book.markets.iter().map(|listed| listed.market.undelayed()).collect();
    let stand = |m: usize| {
        let market = undelayed[m].as_deref().unwrap_or(&*book.markets[m].market);
        Standing::new(market, &world[m], Lens::Action, book.at).expect("it stands")
    };
    let standings: Vec<Standing<'_>> = (0..book.markets.len()).map(stand).collect();
    let mut counts = Counts::default();
    for listed in &book.accounts {
        counts.accounts += 1;
        *match standings[listed.market].judge(&listed.account, Test::Liquidation).verdict() {
            Some(Verdict::Healthy) => &mut counts.healthy,
            Some(Verdict::Unhealthy) => &mut counts.liquidatable,
            Some(Verdict::NoDebt) => &mut counts.no_debt,
            None => &mut counts.unknown,
        } += 1;
    }
    counts
}

/// Prices between a fifth and thrice today's; now and then one that is missing, doubtful, or far away.
fn world(book: &Book, dice: &mut Dice) -> World {
    let move_one = |reading: &Reading, highest: U256, dice: &mut Dice| {
        let Some(value) = reading.value else { return *reading };
        let times = |by: u64, over: u64| {
            let moved = value.mul_div_wide(U256::from(by), U256::from(over), Rounding::Down);
            moved.map_or(highest, |moved| moved.min(highest)).max(U256::ONE)
        };
        match dice.below(60) {
            0 => Reading::unknown(None, Why::Missing),
            1 => Reading::unknown(Some(times(1, 1)), Why::Stale),
            2 => Reading::certain(times(1 << 40, 1)),
            3 => Reading::certain(times(1, 1 << 40)),
            _ => Reading::certain(times(200 + dice.below(2800), 1000)),
        }
    };
    let markets = book.markets.iter().enumerate();
    markets
        .map(|(m, listed)| {
            let slots = listed.market.slots().iter().zip(readings(book, m, book.at));
            slots.map(|(slot, reading)| move_one(&reading, slot.highest, dice)).collect()
        })
        .collect()
}

/// A26
#[test]
fn counts_are_those_of_judging_everybody() {
    let mut dice = Dice(11);
    let (mut unknown, mut liquidatable, mut judged, mut pairs) = (0, 0, 0, 0);
    for (name, bits) in BOOKS.iter().flat_map(|name| [0, 60, 100, 140, 180, 220].map(|bits| (name, bits))) {
        let mut book = example(name);
        // Numbers up to and beyond what fits: some revert, some only where prices rise.
        for listed in book.accounts.iter_mut().step_by(3).filter(|_| bits > 0) {
            for holding in listed.account.holdings().to_vec() {
                let factor = U256::ZERO.with_bit(bits, true);
                let more = holding.quantity.magnitude().mul(factor).unwrap_or(factor);
                let more = Int::from_parts(holding.quantity.is_negative(), more);
                listed.account.set(holding.instrument, more);
            }
        }
        let stress = Stress::new(&book).expect("it stands");
        let worlds: Vec<World> = (0..24).map(|_| world(&book, &mut dice)).collect();
        let counted = stress.counts(&worlds).expect("counted");
        for (number, (world, counts)) in worlds.iter().zip(&counted.counts).enumerate() {
            let expected = everybody(&book, world);
            assert_eq!(*counts, expected, "{name} {bits} world {number}");
            (unknown, liquidatable) = (unknown + expected.unknown, liquidatable + expected.liquidatable);
            pairs += expected.accounts;
        }
        judged += counted.judged;
    }
    assert!(unknown > 500 && liquidatable > 2000, "{unknown} {liquidatable}");
    assert!(judged < pairs * 9 / 10, "{judged} of {pairs} were judged: nothing was screened");
}
