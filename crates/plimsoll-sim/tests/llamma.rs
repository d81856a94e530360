//! LLAMMA beyond its recorded steps: what goes in and out adds up, and nobody gains by going round.

#![allow(clippy::expect_used)]

use plimsoll_core::U256;
use plimsoll_sim::llamma::{Edges, Pool, Refused, Side, Terms};

const ONE: u128 = 1_000_000_000_000_000_000;

fn raw(whole: u128) -> U256 {
    U256::new(whole).mul(U256::new(ONE)).expect("fits")
}

fn terms(fee: u128, edges: Edges) -> Terms {
    Terms { a: 100, base: raw(2000), fee: U256::new(fee), admin: U256::new(ONE / 2), edges }
}

fn pool(fee: u128) -> Pool {
    let mut pool = Pool::new(terms(fee, Edges::Exact), raw(2000), 0).expect("a pool");
    pool.deposit(1, raw(10), 1, 10).expect("a deposit");
    pool.deposit(2, raw(7), 4, 23).expect("a deposit");
    pool
}

/// Numbers without a pattern that matters (Knuth's multiplier).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[test]
fn llamma_conserves_both_tokens_at_every_trade() {
    let mut numbers = Numbers(7);
    for fee in [0, 6_000_000_000_000_000] {
        let mut pool = pool(fee);
        let [mut stable, mut collateral] = pool.reserves().expect("sums");
        assert_eq!([stable, collateral], [U256::ZERO, raw(17)]);
        let (mut trades, mut at) = (0, 0);
        for _ in 0..600 {
            at += 30 + numbers.next(600);
            pool.observe(raw(1500 + u128::from(numbers.next(700))), at).expect("a price");
            let side = if numbers.next(2) == 0 { Side::Stable } else { Side::Collateral };
            let scale = if side == Side::Stable { 2_000 } else { 1 };
            let offered = U256::new(u128::from(numbers.next(1_000_000)) * 3_000_000_000_000 * scale);
            let done = pool.swap(side, offered).expect("a trade");
            assert!(done.put <= offered && done.fee <= done.put);
            trades += u32::from(done.put != U256::ZERO);
            let (into, from) = if side == Side::Stable {
                (&mut stable, &mut collateral)
            } else {
                (&mut collateral, &mut stable)
            };
            *into = into.add(done.put).expect("fits");
            *from = from.sub(done.got).expect("never more than there is");
            assert_eq!(pool.reserves(), Some([stable, collateral]));
            // Both depositors together own no more than the pool holds.
            let [mine, yours] = [1, 2].map(|who| pool.held(who).expect("fits"));
            for (held, (mine, yours)) in [stable, collateral].iter().zip(mine.iter().zip(yours)) {
                // A share counts one unit more than its band has: at most one a band and owner.
                assert!(mine.add(yours).expect("fits") <= held.add(U256::new(40)).expect("fits"));
            }
        }
        assert!(trades > 200, "{trades}");
    }
}

#[test]
fn going_there_and_back_earns_nothing() {
    for fee in [0, 3_000_000_000_000_000] {
        let mut pool = pool(fee);
        pool.observe(raw(1900), 1000).expect("a price");
        let there = pool.swap(Side::Stable, raw(5000)).expect("a trade");
        assert!(there.got > U256::ZERO);
        let back = pool.swap(Side::Collateral, there.got).expect("a trade");
        assert!(back.got <= there.put, "{} of {}", back.got, there.put);
    }
}

#[test]
fn a_pool_is_brought_to_the_price_that_is_asked_for() {
    for price in [1990, 1950, 1900, 1840, 1700] {
        let mut pool = pool(0);
        pool.observe(raw(price), 100_000).expect("a price");
        let (offered, side) = pool.towards(raw(price)).expect("a trade");
        pool.swap(side, offered).expect("a trade");
        let found = pool.price().expect("a price");
        let off = found.sub_or_zero(raw(price)).max(raw(price).sub_or_zero(found));
        // Bands end at 1 - 0.99^n: outside of them the pool has no price of its own.
        assert!(off < raw(3), "{price}: {found}");
    }
}

#[test]
fn edges_in_whole_numbers_and_as_floats_are_near() {
    let pools =
        [Edges::Exact, Edges::Doubles].map(|edges| Pool::new(terms(0, edges), raw(2000), 0).expect("a pool"));
    // 2000 x 0.99 and 2000 x 0.99^2 by hand.
    assert_eq!(pools[0].edge(1), Some(raw(1980)));
    assert_eq!(pools[0].edge(2), Some(U256::new(1_960_200_000_000_000_000_000)));
    for band in -200..=1000 {
        let [exact, float] = [0, 1].map(|at: usize| pools[at].edge(band).expect("an edge"));
        let off = exact.sub_or_zero(float).max(float.sub_or_zero(exact));
        // 99/100 as a float is off by at most 2^-54 of itself, its power by as much for each band; and three roundings.
        let parts = U256::new(u128::from(i64::unsigned_abs(band)) + 6);
        let within = exact.mul_div(parts, U256::new(1 << 54), plimsoll_core::Rounding::Up).expect("fits");
        assert!(off <= within, "{band}: {exact} and {float}");
    }
}

#[test]
fn a_step_of_the_oracle_costs_a_fee_that_wears_off() {
    let mut pool = pool(0);
    pool.observe(raw(1800), 0).expect("a price");
    // 1 - 0.9^3 = 0.271, and half of it a minute later where the price stands.
    assert_eq!(pool.fee(), U256::new(271_000_000_000_000_000));
    pool.observe(raw(1800), 60).expect("a price");
    assert_eq!(pool.fee(), U256::new(135_500_000_000_000_000));
    pool.observe(raw(1800), 180).expect("a price");
    assert_eq!(pool.fee(), U256::ZERO);
    // No step is followed further than by a quarter.
    pool.observe(raw(100), 181).expect("a price");
    assert_eq!(pool.oracle(), raw(1440));
}

#[test]
fn what_is_no_deposit_is_refused() {
    let mut pool = pool(0);
    assert_eq!(pool.deposit(1, raw(1), 1, 4), Err(Refused::Deposited));
    assert_eq!(pool.deposit(3, raw(1), 1, 51), Err(Refused::Bands));
    assert_eq!(pool.deposit(3, raw(1), 4, 3), Err(Refused::Bands));
    assert_eq!(pool.deposit(3, U256::new(100), 1, 1), Err(Refused::Deposit));
    assert_eq!(pool.observe(U256::ZERO, 1), Err(Refused::Price));
    pool.observe(raw(1900), 1000).expect("a price");
    pool.swap(Side::Stable, raw(1000)).expect("a trade");
    assert_eq!(pool.deposit(3, raw(1), 1, 4), Err(Refused::Bands));
    let zero = Terms { a: 1, ..terms(0, Edges::Exact) };
    assert_eq!(Pool::new(zero, raw(2000), 0), Err(Refused::Terms));
}
