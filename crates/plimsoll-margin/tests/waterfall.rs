//! Properties 72 to 77 of margin accounts and their waterfall, each over random markets.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Random, random_account};
use plimsoll_core::U256;
use plimsoll_margin::cross::{Account, Asset, Perp};
use plimsoll_margin::hyperliquid::{Tier, Tiers};
use plimsoll_margin::waterfall::{
    Counterparty, Level, deleverage, lots_before, profit_that_counts, socialise, split,
};

/// Headroom is collateral at its weights with profit and loss, less what is asked; what is asked is not negative, and more collateral never makes it worse, at any
/// price.
#[test]
fn p72_more_collateral_never_worsens() {
    let mut random = Random(72);
    for _ in 0..20_000 {
        let small = random_account(&mut random);
        small.with(|account, path| {
            let before = account.headroom(path.from).unwrap();
            let place = random.within(0, account.assets.len() as i128 - 1) as usize;
            let mut assets: Vec<Asset> = account.assets.to_vec();
            assets[place].held += random.within(0, 50);
            let more = Account { assets: &assets, ..*account };
            assert!(more.improves_on(account));
            assert!(more.headroom(path.from).unwrap() >= before);
            // Without tiers nothing is asked; with them no less than nothing.
            let bare: Vec<Perp<'_>> =
                account.perps.iter().map(|perp| Perp { long: &[], short: &[], ..*perp }).collect();
            let free = Account { perps: &bare, ..*account };
            assert!(free.headroom(path.from).unwrap() >= before);
        });
    }
}

/// What is asked never falls with the notional, has no jump where tiers meet, and is the greatest of their lines.
#[test]
fn p73_maintenance_is_continuous_and_rises() {
    let mut random = Random(73);
    for _ in 0..500 {
        let mut tiers = vec![Tier { lower: 0, leverage: random.within(20, 100) as u32 }];
        for _ in 0..random.within(0, 4) {
            let last = tiers[tiers.len() - 1];
            let lower = last.lower + random.within(1, 500) as u128;
            let leverage = last.leverage - random.within(1, 5) as u32;
            if leverage > 0 {
                tiers.push(Tier { lower, leverage });
            }
        }
        let found = Tiers::new(&tiers).unwrap();
        let (mut last, mut steepest) = (U256::ZERO, U256::ZERO);
        for notional in 0..2_500_u128 {
            let now = found.maintenance(U256::new(notional)).unwrap();
            // By tiers: what lies in each, at its rate.
            let by_tiers = tiers.iter().enumerate().fold(U256::ZERO, |sum, (place, tier)| {
                let upper = tiers.get(place + 1).map_or(u128::MAX, |next| next.lower);
                let inside = notional.min(upper).saturating_sub(tier.lower);
                let rate =
                    found.denominator().div(U256::from(2 * tier.leverage), plimsoll_core::Rounding::Exact);
                sum.add(U256::new(inside).mul(rate.unwrap()).unwrap()).unwrap()
            });
            assert_eq!(now, by_tiers, "{tiers:?} {notional}");
            // A step of one asks one step's rate and no more: no jump; and never less than the step before: convex.
            let step = now.sub(last).unwrap();
            assert!(notional == 0 || step >= steepest, "{tiers:?} {notional}");
            (last, steepest) = (now, if notional == 0 { U256::ZERO } else { step });
        }
        assert!(steepest <= found.lines()[tiers.len() - 1].0);
    }
}

/// A later stage bears only where the earlier is empty; all of them bear the loss, to the unit.
#[test]
fn p74_stages_in_their_order_bear_the_loss() {
    let mut random = Random(74);
    for _ in 0..100_000 {
        let mut amount = || random.within(0, 40) as u128;
        let (loss, account, bucket, shared) = (amount(), amount(), amount(), amount());
        let borne = split(loss, account, bucket, shared);
        assert_eq!(borne.account + borne.bucket + borne.shared + borne.others, loss);
        assert!(borne.account <= account && borne.bucket <= bucket && borne.shared <= shared);
        assert!(borne.bucket == 0 || borne.account == account);
        assert!(borne.shared == 0 || borne.bucket == bucket);
        assert!(borne.others == 0 || borne.shared == shared);
    }
}

fn market(random: &mut Random) -> (i128, u128, Vec<Counterparty>) {
    let others = (0..random.within(0, 12)).map(|account| Counterparty {
        account: account as u64,
        lots: random.within(-20, 20),
        entry: random.within(1, 30) as u128,
        value: random.within(-3, 60),
    });
    let others = others.collect();
    let lots = if random.next().is_multiple_of(2) { random.within(1, 90) } else { -random.within(1, 90) };
    (lots, random.within(1, 30) as u128, others)
}

/// As many lots as are needed and there are, of the other side alone, in an order that does not depend on how they were listed; who has no position loses nothing.
#[test]
fn p75_no_more_is_deleveraged_than_needed() {
    let mut random = Random(75);
    for _ in 0..20_000 {
        let (lots, mark, mut others) = market(&mut random);
        let listed = others.clone();
        let mut closed = vec![0; others.len()];
        let sum = deleverage(lots, mark, &mut others, &mut closed).unwrap();
        let opposite = |other: &&Counterparty| other.lots.signum() == -lots.signum();
        let there: u128 = others.iter().filter(opposite).map(|other| other.lots.unsigned_abs()).sum();
        assert_eq!(sum, lots.unsigned_abs().min(there));
        assert_eq!(sum, closed.iter().sum::<u128>());
        let mut parts = 0;
        for (place, (other, closed)) in others.iter().zip(&closed).enumerate() {
            let whole = if opposite(&other) { other.lots.unsigned_abs() } else { 0 };
            assert!(*closed <= whole);
            parts += usize::from(*closed > 0 && *closed < whole);
            // The score in plain fractions: profit x leverage, the greater first.
            if let Some(next) = others.get(place + 1) {
                assert!(goes_before(other, next, mark), "{other:?} {next:?} {mark}");
            }
            // What was shown beforehand is what happened.
            let before = lots_before(other.account, lots, mark, &listed);
            let ahead: u128 =
                others[..place].iter().filter(opposite).map(|other| other.lots.unsigned_abs()).sum();
            assert_eq!(before, opposite(&other).then_some(ahead));
        }
        assert!(parts <= 1);
        let mut turned: Vec<Counterparty> = listed.into_iter().rev().collect();
        let mut again = vec![0; turned.len()];
        assert_eq!(deleverage(lots, mark, &mut turned, &mut again), Some(sum));
        assert_eq!((turned, again), (others, closed));
    }
}

/// The order by fractions: (long ? mark / entry : entry / mark) x |lots| mark / value, nothing or less first.
fn goes_before(one: &Counterparty, other: &Counterparty, mark: u128) -> bool {
    let score = |of: &Counterparty| {
        let (over, under) = if of.lots < 0 { (of.entry, mark) } else { (mark, of.entry) };
        (over * of.lots.unsigned_abs() * mark, under * of.value.max(0) as u128)
    };
    let ((a, b), (c, d)) = (score(one), score(other));
    match (b == 0, d == 0) {
        (true, false) => true,
        (false, true) => false,
        (true, true) => one.account < other.account,
        (false, false) => a * d > c * b || (a * d == c * b && one.account < other.account),
    }
}

/// The whole open interest of one side in one liquidation, and nobody left to bear it: an answer, and the loss is shared to the unit.
#[test]
fn p76_the_whole_open_interest_goes_in_one_liquidation() {
    let mut random = Random(76);
    for _ in 0..20_000 {
        let (_, mark, mut others) = market(&mut random);
        let long: u128 = others.iter().map(|other| other.lots.max(0).unsigned_abs()).sum();
        let mut closed = vec![0; others.len()];
        assert_eq!(deleverage(-(long as i128), mark, &mut others, &mut closed), Some(long));
        assert!(
            others.iter().zip(&closed).all(|(other, closed)| *closed == other.lots.max(0).unsigned_abs())
        );
        // And beyond it: what is there.
        assert_eq!(deleverage(-(long as i128) - 5, mark, &mut others, &mut closed), Some(long));
        let positions: Vec<i128> = others.iter().map(|other| other.lots).collect();
        let mut shares = vec![0; positions.len()];
        let loss = random.within(0, 1_000) as u128;
        let total: u128 = positions.iter().map(|lots| lots.unsigned_abs()).sum();
        let shared = socialise(loss, &positions, &mut shares);
        if total == 0 {
            // Nobody has a position: the caller is told, and nobody pays.
            assert_eq!(shared, (loss == 0).then_some(()));
            continue;
        }
        assert_eq!(shares.iter().sum::<u128>(), loss);
        for (lots, share) in positions.iter().zip(&shares) {
            let (part, share) = (loss * lots.unsigned_abs(), share * total);
            assert!(share < part + total && part < share + total, "{positions:?} {shares:?}");
            assert!(*lots != 0 || share == 0);
        }
    }
}

/// Whoever buys into a curve, marks what he has at the last price paid and asks for his profit, gets none: selling it again fetches what was bid before he came.
#[test]
fn p77_profit_of_ones_own_impact_is_worth_nothing() {
    let mut random = Random(77);
    let mut pumped = 0;
    for _ in 0..20_000 {
        let middle = random.within(20, 60) as u128;
        let mut side = |up: bool| {
            let mut price = middle;
            let levels = (0..random.within(1, 8)).map(|_| {
                let step = random.within(1, 9) as u128;
                price = if up { price + step } else { price.saturating_sub(step) };
                Level { price, size: random.within(1, 9) as u128 }
            });
            levels.collect::<Vec<_>>()
        };
        let (asks, bids) = (side(true), side(false));
        let size = random.within(1, 60) as u128;
        for (own, back, long) in [(&asks, &bids, true), (&bids, &asks, false)] {
            let (mut left, mut quote, mut mark) = (size, 0_i128, middle);
            for level in own.iter() {
                let taken = left.min(level.size);
                quote += (taken * level.price) as i128;
                left -= taken;
                mark = if taken > 0 { level.price } else { mark };
            }
            let (base, quote) = ((size - left) as i128, -quote);
            let (base, quote) = if long { (base, quote) } else { (-base, -quote) };
            pumped += usize::from(base * mark as i128 + quote > 0);
            assert_eq!(profit_that_counts(base, quote, mark, back, 1_000_000), Some(0));
        }
        // A profit that the market made, and can pay, counts by its weight.
        let bought = -(middle as i128) / 2;
        let bid = [Level { price: middle, size: 1 }];
        let counts = profit_that_counts(1, bought, middle, &bid, 500_000);
        assert_eq!(counts, Some((middle - bought.unsigned_abs()) / 2));
    }
    assert!(pumped > 10_000, "{pumped}");
    let nobody: [Level; 0] = [];
    assert_eq!(profit_that_counts(-1, 100, 5, &nobody, 1_000_000), Some(0));
    assert_eq!(profit_that_counts(i128::MIN, 0, u128::MAX, &nobody, 1), Some(0));
}
