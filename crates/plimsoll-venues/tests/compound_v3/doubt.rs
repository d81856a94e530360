//! What is missing or doubtful: the contract's sum stops, and behind that point no price is asked for.

use crate::laws::{Any, anything, bits, quote};
use crate::world::*;
use plimsoll_core::{
    Account, AccountId, Certainty, Feeds, Int, Lens, Market as _, Reading, Refusal, Rounding, Standing, Test,
    Time, U256, Verdict, Why,
};
use plimsoll_venues::compound_v3::{DEBT, SUPPLY, collateral, slot};
use proptest::prelude::*;

fn missing(prices: &[U256], slots: &[usize]) -> Vec<Reading> {
    let mut readings = readings(prices);
    for &slot in slots {
        readings[slot] = Reading::unknown(None, Why::Missing);
    }
    readings
}

/// 10 WETH at 3,000 carry 27,000 at a factor of 0.9; the rest is behind them.
fn borrower(owed: i128) -> Account {
    Account::new(AccountId(0))
        .with(DEBT, Int::new(owed * 1_000_000))
        .with(collateral(0), Int::new(10 * 10i128.pow(18)))
        .with(collateral(1), Int::new(100_000_000))
        .with(collateral(2), Int::new(100 * 10i128.pow(18)))
}

#[test]
fn a_price_behind_the_stop_is_not_needed() {
    let world = World::new();
    let verdict = |account: &Account, slots: &[usize], test| {
        let readings = missing(&world.prices, slots);
        let quoted = world.market.at(Feeds { readings: &readings }, Lens::Action, world.at).unwrap();
        quoted.verdict(account, test).map(|line| (line.verdict, line.backing))
    };
    let needs = |slot| Err(Refusal::PriceUnknown { slot, why: Why::Missing });
    let healthy = |backing: i128| Ok((Verdict::Healthy, Int::new(backing * 100_000_000)));
    // 27,000: the first asset covers it to the last unit, and what is not known is not counted.
    let covered = borrower(27_000);
    assert_eq!(verdict(&covered, &[slot(1), slot(2)], Test::Liquidation), healthy(27_000));
    assert_eq!(verdict(&covered, &[slot(1)], Test::Liquidation), healthy(27_000 + 3_500));
    assert_eq!(verdict(&covered, &[], Test::Liquidation), healthy(27_000 + 51_000 + 3_500));
    // One unit of value more, and the next price is asked for; by the line of borrowing it is in any case.
    let mut more = covered.clone();
    more.set(DEBT, Int::new(27_000_000_001));
    assert_eq!(verdict(&more, &[slot(1), slot(2)], Test::Liquidation), needs(slot(1)));
    assert_eq!(verdict(&more, &[slot(2)], Test::Liquidation), healthy(27_000 + 51_000));
    assert_eq!(verdict(&covered, &[slot(1), slot(2)], Test::Borrow), needs(slot(1)));
    // Before the stop, and the base token's own, every price is needed; without debt none is.
    assert_eq!(verdict(&covered, &[slot(0)], Test::Liquidation), needs(slot(0)));
    assert_eq!(verdict(&covered, &[0], Test::Liquidation), needs(0));
    let mut free = covered.clone();
    free.set(DEBT, Int::ZERO);
    assert_eq!(verdict(&free, &[0, 1, 2, 3], Test::Liquidation), Ok((Verdict::NoDebt, Int::ZERO)));
    free.set(SUPPLY, Int::new(5));
    assert_eq!(
        verdict(&free, &[0, 1], Test::Liquidation),
        Ok((Verdict::NoDebt, Int::new(54_500 * 100_000_000)))
    );
    // An asset that is not held is not asked for, wherever it stands.
    let mut other = covered;
    other.set(collateral(0), Int::ZERO);
    assert_eq!(verdict(&other, &[slot(0), slot(2)], Test::Liquidation), healthy(51_000));
}

/// A holding that overflows behind the stop harms nobody; before it the contract reverts.
#[test]
fn an_overflow_behind_the_stop_is_not_met() {
    let world = World::new();
    let account = borrower(27_000);
    let verdict = |slot: usize| {
        let mut prices = world.prices.clone();
        prices[slot] = U256::MAX;
        let quoted = quote(&world.market, &prices, Lens::Action, 0).unwrap();
        quoted.verdict(&account, Test::Liquidation).map(|line| line.verdict)
    };
    assert_eq!(verdict(slot(1)), Ok(Verdict::Healthy));
    assert_eq!(verdict(slot(0)), Err(Refusal::Overflow("value = balance * price / unit")));
    assert_eq!(verdict(0), Err(Refusal::Overflow("a number within 255 bits and a sign")));
}

/// Whatever the missing price is, the account is safe by the others: it is told so, beside the venue's own answer.
#[test]
fn a_missing_price_that_is_not_needed_leaves_the_account_safe() {
    let world = World::new();
    let readings = missing(&world.prices, &[slot(2)]);
    let standing = Standing::new(&world.market, &readings, Lens::Action, world.at).unwrap();
    let judgement = standing.judge(&borrower(27_000), Test::Liquidation);
    assert_eq!(judgement.own.map(|line| line.verdict), Ok(Verdict::Healthy));
    assert!(
        matches!(judgement.certainty, Certainty::Safe { why: Why::Missing, at_least } if at_least >= 288)
    );
    // One that is needed leaves it open, or as bad as it is.
    let judgement = standing.judge(&borrower(80_000), Test::Liquidation);
    assert_eq!(judgement.certainty, Certainty::Undetermined(Why::Missing));
    assert_eq!(judgement.verdict(), None);
}

proptest! {
    #![proptest_config(cases(1000))]

    /// What is said of an account under doubtful prices holds at every price that they may have.
    #[test]
    fn what_is_said_under_doubt_holds_at_every_price(
        any in anything(),
        doubtful in prop::array::uniform6(prop::option::of((bits(100), prop::option::of(bits(100))))),
        draws in prop::collection::vec((0..4u8, prop::array::uniform6(any::<u64>())), 8),
    ) {
        let Any { market, account, prices } = &any;
        let readings: Vec<Reading> = prices.iter().zip(doubtful).map(|(price, doubt)| match doubt {
            None => Reading::certain(*price),
            Some((below, above)) => Reading {
                value: Some(*price),
                doubt: Some(Why::Stale),
                low: price.sub_or_zero(below),
                high: above.and_then(|above| price.add(above)),
            },
        }).collect();
        let Ok(standing) = Standing::new(market, &readings, Lens::Action, Time(START)) else { return Ok(()) };
        let judgement = standing.judge(account, Test::Liquidation);
        for (kind, words) in draws {
            let at: Vec<U256> = readings.iter().zip(words).enumerate().map(|(slot, (reading, word))| {
                let high = reading.high.unwrap_or(market.slots()[slot].highest).max(reading.low);
                let width = high.sub(reading.low).unwrap();
                let within = match kind {
                    0 => U256::ZERO,
                    1 => width,
                    2 => if word % 2 == 0 { width } else { U256::ZERO },
                    _ => width.mul_div_wide(u(word.into()), u(u64::MAX.into()), Rounding::Down).unwrap(),
                };
                reading.low.add(within).unwrap()
            }).collect();
            let quoted = quote(market, &at, Lens::Action, 0).unwrap();
            let Ok(exact) = quoted.verdict(account, Test::Liquidation) else { continue };
            if let Some(verdict) = judgement.verdict() {
                prop_assert_eq!(verdict, exact.verdict);
            }
            if let Certainty::Safe { at_least, .. } = judgement.certainty
                && signed(exact.backing) == crate::laws::full(&Any { prices: at.clone(), ..any.clone() }, Test::Liquidation)
            {
                let backing = exact.backing.mul_wide(Int::new(100));
                prop_assert!(backing >= exact.requirement.mul_wide(Int::from(at_least)), "{at_least} {exact:?}");
            }
        }
    }
}
