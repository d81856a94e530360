//! The boundary against a scan of every step, in plain integers of another evaluator.

#![allow(clippy::unwrap_used)]

use plimsoll_core::Int;
use plimsoll_margin::boundary::{Crossing, Feed, Moves, Path, first_crossing, liquidation_price};
use plimsoll_margin::cross::{Account, Asset, Perp, Tier, WEIGHT};

mod common;
use common::{Random, SmallAccount, random_account};

/// 10^5 accounts; `plimsoll-bench soak margin_boundary` does ten times as many.
#[test]
fn the_boundary_is_that_of_a_scan() {
    let mut random = Random(20_261_127);
    let (mut crossed, mut quadratic, mut never) = (0, 0, 0);
    for number in 0..100_000 {
        let small = random_account(&mut random);
        let found = small.with(|account, path| {
            // The two evaluators agree where the path begins.
            assert_eq!(account.headroom(path.from), Some(Int::new(small.headroom(0))), "{number}");
            first_crossing(account, path).unwrap()
        });
        let scanned = small.scan();
        assert_eq!(found, scanned, "{number}: {small:?}");
        match found {
            Crossing::At(_) => crossed += 1,
            Crossing::NotUpTo(_) => never += 1,
            Crossing::Already => {}
        }
        quadratic += usize::from(small.bends() && matches!(found, Crossing::At(_)));
    }
    assert!(crossed > 20_000 && quadratic > 3_000 && never > 5_000, "{crossed} {quadratic} {never}");
}

const UNIT: i128 = 1_000_000;

/// 100 SOL at weight 0.9, 300 SOL-perp long at 0.95, bought for 30,000: together 375 p = 30,000, so p = 80; with the collateral held
/// at 100: 285 p = 21,000, so p = 73.684.
#[test]
fn same_asset_collateral_moves_along() {
    let long = [Tier { rate: 50_000, deduction: 0 }];
    let dollars = Asset { held: 0, price: 0, asset_weight: WEIGHT, liability_weight: WEIGHT };
    let sol = Asset { held: 100, price: 1, asset_weight: 900_000, liability_weight: 1_100_000 };
    let perp = Perp {
        base: 300,
        bids: 0,
        asks: 0,
        quote: -30_000,
        price: 2,
        settles_in: 0,
        long: &long,
        short: &long,
        profit_weight: WEIGHT,
    };
    let account = Account { assets: &[dollars, sol], perps: &[perp], unit: UNIT };
    let feeds = [(1, 0), (100, 1), (100, 1)].map(|(price, asset)| Feed { price: price * UNIT, asset });
    let (mut from, mut step) = ([0; 3], [0; 3]);
    let mut price = |moves| {
        let room = [&mut from[..], &mut step[..]];
        let found = liquidation_price(&account, &feeds, 2, moves, None, room).unwrap();
        assert_eq!(found.moves, moves);
        found.price
    };
    // At 80 headroom is 0, which is kept; one unit below it is not.
    assert_eq!(price(Moves::Together), Some(80 * UNIT - 1));
    // 73.684210..., rounded to the side that is below.
    assert_eq!(price(Moves::Alone), Some(73_684_210));
    // Nothing above kills a long position.
    let room = [&mut from[..], &mut step[..]];
    let up = liquidation_price(&account, &feeds, 2, Moves::Together, Some(10_000 * UNIT), room).unwrap();
    assert_eq!(up.price, None);
}

/// A short with tiers: 0 to 150 at 1/80, above at 1/40: at a notional of x >= 150 it asks x/40 - 150 (1/40 - 1/80).
#[test]
fn tiers_bend_the_boundary() {
    let tiers = [Tier { rate: 12_500, deduction: 0 }, Tier { rate: 25_000, deduction: 2 }];
    // Deduction 150 / 80 = 1.875 is no whole quote unit; 160 / 80 = 2 is: the edge is at 160.
    let cash = Asset { held: 0, price: 0, asset_weight: WEIGHT, liability_weight: WEIGHT };
    let perp = Perp {
        base: -1,
        bids: 0,
        asks: 0,
        quote: 300,
        price: 1,
        settles_in: 0,
        long: &tiers,
        short: &tiers,
        profit_weight: WEIGHT,
    };
    let account = Account { assets: &[cash], perps: &[perp], unit: UNIT };
    let path = Path { from: &[UNIT, 100 * UNIT], step: &[0, 1], steps: 1_000 * UNIT };
    // 300 - p - (p/40 - 2) = 0: p = 302 / 1.025 = 294.634146..., the first unit above.
    assert_eq!(first_crossing(&account, &path), Some(Crossing::At(294_634_147 - 100 * UNIT)));
}

/// A perp that settles in what it is on: its profit is worth p^2. 10 long at quote -1,000 SOL... bought where SOL was 100 dollars and 100 SOL a unit.
#[test]
fn a_product_of_two_prices_is_solved_exactly() {
    let none: [Tier; 0] = [];
    let sol = Asset { held: 0, price: 0, asset_weight: WEIGHT, liability_weight: WEIGHT };
    let dollars = Asset { held: -900, price: 2, asset_weight: WEIGHT, liability_weight: WEIGHT };
    let perp = Perp {
        base: 1,
        bids: 0,
        asks: 0,
        quote: 0,
        price: 1,
        settles_in: 0,
        long: &none,
        short: &none,
        profit_weight: WEIGHT,
    };
    let account = Account { assets: &[sol, dollars], perps: &[perp], unit: 1_000 };
    // p x p >= 900 dollars down to p = 30.000: kept there, gone one step below.
    let path = Path { from: &[100_000, 100_000, 1_000], step: &[-1, -1, 0], steps: 100_000 };
    assert_eq!(first_crossing(&account, &path), Some(Crossing::At(70_001)));
}

#[test]
fn paths_that_are_none_are_refused() {
    let account = Account { assets: &[], perps: &[], unit: 1 };
    let path = |from, step| Path { from, step, steps: 5 };
    assert_eq!(first_crossing(&account, &path(&[1], &[])), None);
    assert_eq!(first_crossing(&account, &path(&[-1], &[1])), None);
    assert_eq!(first_crossing(&account, &path(&[3], &[-1])), Some(Crossing::NotUpTo(3)));
    let endless = Path { from: &[3], step: &[0], steps: i128::MAX };
    assert_eq!(first_crossing(&account, &endless), Some(Crossing::NotUpTo(i128::MAX)));
    let owed = Asset { held: -1, price: 0, asset_weight: 1, liability_weight: 1 };
    let account = Account { assets: &[owed], perps: &[], unit: 1 };
    assert_eq!(first_crossing(&account, &path(&[3], &[-1])), Some(Crossing::Already));
    assert_eq!(first_crossing(&account, &path(&[i128::MAX], &[i128::MIN])), None);
}

/// One step below zero is no path: an account that is under water now must not be told that nothing on it is.
#[test]
fn a_path_that_goes_back_is_refused() {
    let owed = Asset { held: -1, price: 0, asset_weight: 1, liability_weight: 1 };
    let account = Account { assets: &[owed], perps: &[], unit: 1 };
    assert_eq!(first_crossing(&account, &Path { from: &[3], step: &[0], steps: -1 }), None);
    let (mut from, mut step) = ([0; 1], [0; 1]);
    let mut up_to = |most| {
        let room = [&mut from[..], &mut step[..]];
        liquidation_price(&account, &[Feed { price: 3, asset: 0 }], 0, Moves::Alone, Some(most), room)
    };
    assert_eq!(up_to(2), None);
    assert_eq!(up_to(3).unwrap().price, Some(3));
}

/// Two prices of one asset, 100 and 40, fall together: the lower is at 0 when the other is at 60, and a long one that dies at 29 is not looked at from there on.
#[test]
fn what_was_not_looked_at_is_no_answer() {
    let none: [Tier; 0] = [];
    let cash = Asset { held: 0, price: 0, asset_weight: WEIGHT, liability_weight: WEIGHT };
    let long = |quote| Perp {
        base: 1,
        bids: 0,
        asks: 0,
        quote,
        price: 1,
        settles_in: 0,
        long: &none,
        short: &none,
        profit_weight: WEIGHT,
    };
    let feeds = [(1, 0), (100, 1), (40, 1)].map(|(price, asset)| Feed { price, asset });
    let (mut from, mut step) = ([0; 3], [0; 3]);
    let mut price = |quote, moves| {
        let account = Account { assets: &[cash], perps: &[long(quote)], unit: 1 };
        let room = [&mut from[..], &mut step[..]];
        liquidation_price(&account, &feeds, 1, moves, None, room).map(|found| found.price)
    };
    assert_eq!(price(-30, Moves::Alone), Some(Some(29)));
    assert_eq!(price(-30, Moves::Together), None);
    // From 61 on the path is whole, and a price on it is an answer.
    assert_eq!(price(-70, Moves::Together), Some(Some(69)));
    assert_eq!(price(0, Moves::Alone), Some(None));
}

#[test]
fn small_accounts_are_what_they_say() {
    let mut random = Random(5);
    let kinds: Vec<SmallAccount> = (0..1_000).map(|_| random_account(&mut random)).collect();
    assert!(kinds.iter().filter(|account| account.bends()).count() > 200);
}
