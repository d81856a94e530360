//! Before an order goes in: against scans of every size by an evaluator that shares nothing with the crate's.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Random, SmallAccount, random_account};
use plimsoll_core::Int;
use plimsoll_margin::cross::{Account, Asset, Perp, Tier, WEIGHT};
use plimsoll_margin::pretrade::{
    Order, Side, free_margin, largest_order, largest_withdrawal, order, withdrawal,
};

const MOST: i128 = 60;

/// Headroom at every size up to the most, and the greatest that is at or above zero or, of an order, no lower than before. Nothing below it may be refused.
fn scanned(mut headroom: impl FnMut(i128) -> i128, lot: i128, order: bool) -> (Vec<i128>, i128) {
    let all: Vec<i128> = (0..=MOST).map(|lots| headroom(lots * lot)).collect();
    let may: Vec<bool> = all.iter().map(|after| *after >= 0 || (order && *after >= all[0])).collect();
    let greatest = may.iter().rposition(|may| *may).unwrap_or(0);
    assert!(may[..greatest].iter().all(|may| *may));
    (all, greatest as i128)
}

fn orders(small: &mut SmallAccount, perp: usize, side: Side) -> &mut i128 {
    let perp = &mut small.perps[perp];
    if side == Side::Bid { &mut perp.bids } else { &mut perp.asks }
}

#[test]
fn the_largest_order_goes_in_and_one_lot_more_does_not() {
    let mut random = Random(71);
    let (mut between, mut below, mut closing) = (0, 0, 0);
    for number in 0..6_000 {
        let mut small = random_account(&mut random);
        for perp in 0..small.perps.len() {
            for side in [Side::Bid, Side::Ask] {
                let lot = random.within(1, 3);
                let kept = *orders(&mut small, perp, side);
                let (all, greatest) = scanned(
                    |size| {
                        *orders(&mut small, perp, side) = kept + size;
                        small.headroom(0)
                    },
                    lot,
                    true,
                );
                *orders(&mut small, perp, side) = kept;
                small.with(|account, path| {
                    let found = largest_order(account, path.from, (perp, side), lot, MOST);
                    assert_eq!(found, Some(greatest), "{number} {perp} {side:?} {lot} {small:?}");
                    for lots in [0, greatest, (greatest + 1).min(MOST)] {
                        let impact =
                            order(account, path.from, Order { perp, side, size: lots * lot }).unwrap();
                        assert_eq!(
                            (impact.before, impact.after),
                            (Int::new(all[0]), Int::new(all[lots as usize]))
                        );
                        assert_eq!(impact.may_go_in(), lots <= greatest);
                    }
                });
                between += u32::from(greatest > 0 && greatest < MOST);
                below += u32::from(all[0] < 0 && greatest == 0);
                closing += u32::from(all[0] < 0 && greatest > 0);
            }
        }
    }
    assert!(between > 2_000 && below > 500 && closing > 300, "{between} {below} {closing}");
}

#[test]
fn the_largest_withdrawal_leaves_the_line_and_one_unit_more_does_not() {
    let mut random = Random(72);
    let mut between = 0;
    for number in 0..6_000 {
        let mut small = random_account(&mut random);
        for asset in 0..small.assets.len() {
            let kept = small.assets[asset].0;
            let (all, greatest) = scanned(
                |amount| {
                    small.assets[asset].0 = kept - amount;
                    small.headroom(0)
                },
                1,
                false,
            );
            small.assets[asset].0 = kept;
            small.with(|account, path| {
                let found = largest_withdrawal(account, path.from, asset, MOST);
                assert_eq!(found, Some(greatest), "{number} {asset} {small:?}");
                let after = withdrawal(account, path.from, asset, greatest).unwrap();
                assert_eq!(after.after, Int::new(all[greatest as usize]));
                assert_eq!(after.may_go_out(), all[0] >= 0);
                if all[0] >= 0 {
                    let one = 1_000_000_000_000_000_000 * account.unit * account.unit;
                    assert_eq!(free_margin(account, path.from), Some(all[0] / one));
                } else {
                    assert_eq!(free_margin(account, path.from), Some(0));
                }
            });
            between += u32::from(greatest > 0 && greatest < MOST);
        }
    }
    assert!(between > 2_000, "{between}");
}

/// 1,000 in cash at a price of 100 and a rate of 10 %: each base asks 10, so that 100 go in and 101 do not. Long 100, as much may be sold as turns the
/// account to short 100: the other side is 100 already.
#[test]
fn room_is_counted_once() {
    let tiers = [Tier { rate: 100_000, deduction: 0 }];
    let cash = [Asset { held: 1_000, price: 0, asset_weight: WEIGHT, liability_weight: WEIGHT }];
    let flat = Perp {
        base: 0,
        bids: 0,
        asks: 0,
        quote: 0,
        price: 1,
        settles_in: 0,
        long: &tiers,
        short: &tiers,
        profit_weight: WEIGHT,
    };
    let largest = |perp: Perp<'_>, side| {
        let account = Account { assets: &cash, perps: &[perp], unit: 1 };
        largest_order(&account, &[1, 100], (0, side), 1, 1_000)
    };
    assert_eq!(largest(flat, Side::Bid), Some(100));
    assert_eq!(largest(Perp { asks: 100, ..flat }, Side::Bid), Some(100));
    let long = Perp { base: 100, quote: -10_000, ..flat };
    assert_eq!((largest(long, Side::Bid), largest(long, Side::Ask)), (Some(0), Some(200)));
    // 500 have been lost: below the line what closes may go in, and as much more as asks no more.
    let lost = Perp { quote: -10_500, ..long };
    assert_eq!((largest(lost, Side::Bid), largest(lost, Side::Ask)), (Some(0), Some(200)));
}

#[test]
fn what_is_asked_in_vain_is_none() {
    let cash = [Asset { held: 5, price: 0, asset_weight: WEIGHT, liability_weight: WEIGHT }];
    let account = Account { assets: &cash, perps: &[], unit: 1 };
    let bid = Order { perp: 0, side: Side::Bid, size: 1 };
    assert_eq!(order(&account, &[1], bid), None);
    assert_eq!(withdrawal(&account, &[1], 1, 1), None);
    assert_eq!((withdrawal(&account, &[-1], 0, 1), free_margin(&account, &[-1])), (None, None));
    assert_eq!((withdrawal(&account, &[1], 0, -1), largest_withdrawal(&account, &[1], 0, -1)), (None, None));
    assert_eq!(largest_withdrawal(&account, &[1], 0, i128::MAX), Some(5));
    let perp = Perp {
        base: i128::MAX - 1,
        bids: 0,
        asks: 0,
        quote: 0,
        price: 1,
        settles_in: 0,
        long: &[],
        short: &[],
        profit_weight: WEIGHT,
    };
    let account = Account { assets: &cash, perps: &[perp], unit: 1 };
    assert_eq!(order(&account, &[1, 1], Order { size: -1, ..bid }), None);
    assert_eq!(order(&account, &[1, 1], Order { size: 2, ..bid }), None);
    // What does not fit is not allowed.
    assert_eq!(largest_order(&account, &[1, 1], (0, Side::Bid), 1, i128::MAX), Some(1));
    assert_eq!(largest_order(&account, &[1, 1], (0, Side::Bid), 0, 9), None);
    let unsound = Account { unit: 0, ..account };
    assert_eq!(order(&unsound, &[1, 1], bid), None);
}
