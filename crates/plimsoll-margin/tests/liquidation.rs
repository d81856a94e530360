//! Sizing, fees, and the rule of what is never refused.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Random, random_account};
use plimsoll_core::Int;
use plimsoll_margin::cross::{Account, Asset, Perp, Tier, WEIGHT};
use plimsoll_margin::liquidation::{Bucket, bankruptcy_price, fee, least, lots_to_restore, may_be_done};

/// What is closed reaches the target, one lot less does not, and bisection finds the same.
#[test]
fn sizing_restores_the_target_and_no_more() {
    let mut random = Random(1);
    for _ in 0..50_000 {
        let (headroom, target) = (random.within(-500, 100), random.within(0, 100));
        let (freed, cost, held) = (random.within(0, 30), random.within(0, 12), random.within(0, 80));
        let after = |lots: i128| headroom + lots * (freed - cost);
        let found = lots_to_restore(headroom, target, freed, cost, held);
        if headroom >= target {
            assert_eq!(found, Some(0));
            continue;
        }
        let searched =
            (freed > cost).then(|| least(held.unsigned_abs(), |lots| after(lots as i128) >= target));
        match (found, searched) {
            (None, None) => assert!(freed <= cost),
            (Some(lots), Some(Some(searched))) => {
                assert_eq!(lots, searched as i128);
                assert!(after(lots) >= target && (lots == 0 || after(lots - 1) < target));
            }
            // Not even all of it is enough.
            (None, Some(None)) => assert!(after(held) < target),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(least(u128::MAX, |x| x >= 77), Some(77));
    assert_eq!(least(5, |_| false), None);
}

#[test]
fn a_fee_bankrupts_nobody() {
    let mut random = Random(2);
    for _ in 0..50_000 {
        let (notional, equity) = (random.within(-1_000, 1_000), random.within(-50, 50));
        let rate = random.within(0, 200_000) as u32;
        let fee = fee(notional, rate, equity).unwrap();
        assert!(fee >= 0 && fee <= notional.abs() * i128::from(rate) / 1_000_000);
        assert!(equity - fee >= equity.min(0));
    }
}

/// At the price found equity is not below zero, and one unit on it is.
#[test]
fn at_the_bankruptcy_price_equity_is_nothing() {
    let mut random = Random(3);
    let mut found = 0;
    for _ in 0..50_000 {
        let (price, base, equity) = (random.within(1, 300), random.within(-9, 9), random.within(-200, 900));
        if base == 0 {
            assert_eq!(bankruptcy_price(price, base, equity), None);
            continue;
        }
        let worth = |x: i128| equity + base * (x - price);
        match bankruptcy_price(price, base, equity) {
            Some(x) => {
                assert!(worth(x) >= 0 && worth(x - base.signum()) < 0, "{price} {base} {equity} {x}");
                found += 1;
            }
            None => assert!(base > 0 && worth(0) > 0 || base < 0 && worth(0) < 0),
        }
    }
    assert!(found > 20_000);
}

fn bucket(backing: i128, requirement: i128) -> Bucket {
    Bucket { backing: Int::new(backing), requirement: Int::new(requirement) }
}

/// All small buckets: the rule is transitive, lets health fall nowhere and shortfalls grow nowhere.
#[test]
fn what_is_allowed_step_by_step_is_allowed_at_once() {
    let range =
        || (-6..=8_i128).flat_map(|backing| (0..=7_i128).map(move |requirement| (backing, requirement)));
    for (b, r) in range().filter(|(b, r)| b < r) {
        let before = bucket(b, r);
        for (b1, r1) in range() {
            let after = bucket(b1, r1);
            if !before.no_worse(&after) {
                continue;
            }
            assert!(
                r1 <= r && (r1 - b1).max(0) <= r - b.min(0) && (b < 0 || b1 * r >= b * r1) && b1 >= b.min(0)
            );
            for (b2, r2) in range() {
                let last = bucket(b2, r2);
                if after.no_worse(&last) {
                    assert!(before.no_worse(&last), "{before:?} {after:?} {last:?}");
                }
            }
        }
    }
}

/// Any part closed at the price it is valued at, with any fee up to what keeps health, is allowed: from every bucket that is below its line, bankrupt ones too.
#[test]
fn no_action_that_reduces_risk_is_blocked() {
    let mut random = Random(4);
    for _ in 0..50_000 {
        let requirement = random.within(1, 1_000);
        let backing = random.within(-300, requirement - 1);
        let before = bucket(backing, requirement);
        let left = random.within(0, requirement);
        let most = backing.max(0) * (requirement - left) / requirement;
        for fee in [0, most, random.within(0, most)] {
            assert!(may_be_done(&[(before, bucket(backing - fee, left))]), "{before:?} {left} {fee}");
        }
        // One unit more of fee, or of requirement, is refused where the account stays below its line.
        let worse = bucket(backing - most - 1, left);
        assert!(!may_be_done(&[(before, worse)]));
        assert!(!may_be_done(&[(before, bucket(backing, requirement + 1))]));
        // Another bucket in order must stay so.
        let kept = bucket(requirement, requirement);
        assert!(may_be_done(&[(before, bucket(backing, left)), (kept, kept)]));
        assert!(!may_be_done(&[
            (before, bucket(backing, left)),
            (kept, bucket(requirement - 1, requirement))
        ]));
    }
}

/// Paying in and cancelling orders need no price: at every price the account is no worse.
#[test]
fn a_missing_price_blocks_no_payment_and_no_cancellation() {
    let mut random = Random(6);
    for _ in 0..20_000 {
        let small = random_account(&mut random);
        small.with(|account, path| {
            let mut assets = account.assets.to_vec();
            assets[0].held += random.within(0, 9);
            let perps: Vec<Perp<'_>> = account
                .perps
                .iter()
                .map(|perp| Perp {
                    bids: random.within(0, perp.bids),
                    asks: random.within(0, perp.asks),
                    ..*perp
                })
                .collect();
            let after = Account { assets: &assets, perps: &perps, ..*account };
            assert!(after.improves_on(account));
            for _ in 0..5 {
                let prices: Vec<i128> = path.from.iter().map(|_| random.within(0, 200)).collect();
                assert!(
                    after.headroom(&prices).unwrap() >= account.headroom(&prices).unwrap(),
                    "{small:?} {prices:?}"
                );
            }
            // One unit less of anything held is not.
            assets[0].held = account.assets[0].held - 1;
            assert!(!Account { assets: &assets, ..*account }.improves_on(account));
        });
    }
}

/// Fewer orders are no worse; orders that are no number of orders are not fewer.
#[test]
fn negative_orders_improve_on_nothing() {
    let perp = Perp {
        base: 5,
        bids: 0,
        asks: 0,
        quote: 0,
        price: 0,
        settles_in: 0,
        long: &[],
        short: &[],
        profit_weight: WEIGHT,
    };
    let assets = [Asset { held: 0, price: 0, asset_weight: WEIGHT, liability_weight: WEIGHT }];
    let with = |perp: Perp<'static>| [perp];
    let [before, bids, asks] =
        [with(perp), with(Perp { bids: -10, ..perp }), with(Perp { asks: -10, ..perp })];
    let account = |perps| Account { assets: &assets, perps, unit: 1 };
    assert!(account(&before).improves_on(&account(&before)));
    assert!(!account(&bids).improves_on(&account(&before)));
    assert!(!account(&asks).improves_on(&account(&before)));
}

/// A deduction below zero asks something of nothing, at one side of zero only: headroom would not be concave there.
#[test]
fn a_deduction_below_zero_is_not_sound() {
    let assets = [Asset { held: 0, price: 0, asset_weight: WEIGHT, liability_weight: WEIGHT }];
    let sound = |deduction, short: bool| {
        let tiers = [Tier { rate: 50_000, deduction }];
        let (long, short): (&[Tier], &[Tier]) = if short { (&[], &tiers) } else { (&tiers, &[]) };
        let perp = Perp {
            base: 0,
            bids: 0,
            asks: 0,
            quote: 0,
            price: 0,
            settles_in: 0,
            long,
            short,
            profit_weight: WEIGHT,
        };
        Account { assets: &assets, perps: &[perp], unit: 1 }.is_sound(1)
    };
    assert!(sound(0, false) && sound(3, true));
    assert!(!sound(-1, false) && !sound(-1, true));
}
