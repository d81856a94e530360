//! What time makes of a hub asset, and the bits that its numbers have; by hand.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{Amount, Int, Refusal, Time, U256};
use plimsoll_venues::aave_v4::{Curve, HubCall, Spec, TOO_WIDE};

const YEAR: u128 = 31_536_000;
/// An index, a rate a year and a time that no product of them divides.
const INDEX: u128 = RAY / 10 * 11 + 1;
const RATE: u128 = RAY / 10 + 1;
const SECONDS: u64 = 1_000_003;

/// The asset of USDC (number 1) with something in every place.
fn busy() -> Spec {
    let mut spec = spec();
    let state = &mut spec.assets[1].state;
    (state.drawn_index, state.drawn_rate) = (u(INDEX), u(RATE));
    (state.liquidity, state.swept, state.realized_fees) = (u(500_000), u(1_000), u(7));
    (state.added_shares, state.drawn_shares, state.premium_shares) = (u(1_234_567), u(1_000_003), u(50_001));
    // 12 units and a bit are owed as premium.
    let grown = u(50_001).mul(u(INDEX)).unwrap();
    state.premium_offset = Int::from(grown.sub(u(12 * RAY + 5)).unwrap());
    state.deficit = u(3 * RAY + 1);
    spec
}

/// Interest is cut and the index raised; a fee is a cut part of the difference of two raised sums.
#[test]
fn interest_goes_to_suppliers_and_fees() {
    let (ray, seconds) = (big(RAY), big(SECONDS.into()));
    let interest = fl(big(RATE) * &seconds, big(YEAR));
    let index = ce(big(INDEX) * (&ray + &interest), &ray);
    assert!(big(RATE) * seconds % YEAR != BigInt::ZERO && big(INDEX) * &interest % &ray != BigInt::ZERO);
    let owed = |index: &BigInt| {
        let premium = big(50_001) * (index - big(INDEX)) + big(12 * RAY + 5);
        ce(big(1_000_003) * index + premium + big(3 * RAY + 1), &ray)
    };
    let grown = owed(&index) - owed(&big(INDEX));
    let fee = fl(&grown * 1_000, big(10_000));
    assert!(fee > BigInt::ZERO && &grown * 1_000 % 10_000 != BigInt::ZERO);
    let at = |spec: &Spec, seconds: u64| spec.assets[1].views(Time(START + seconds)).unwrap();
    let spec = busy();
    let now = at(&spec, 0);
    assert_eq!((z(now.drawn_index), z(now.fees)), (big(INDEX), big(7)));
    assert_eq!(z(now.added_assets), big(501_000 - 7) + owed(&big(INDEX)));
    let then = at(&spec, SECONDS);
    assert_eq!(z(then.drawn_index), index);
    assert_eq!(z(then.fees), big(7) + &fee);
    assert_eq!(z(then.added_assets), big(501_000 - 7) + owed(&index) - fee);
    // Without a fee all of it is the suppliers'.
    let mut free = busy();
    free.assets[1].state.liquidity_fee = 0;
    let then = at(&free, SECONDS);
    assert_eq!((z(then.fees), z(then.added_assets)), (big(7), big(501_000 - 7) + owed(&index)));
}

/// A number of so many bits, all of them set.
fn bits(count: usize) -> U256 {
    U256::ZERO.with_bit(count, true).sub(U256::ONE).unwrap()
}

/// Amounts, fees and indices have 120 bits, rates 96: what needs all of them is taken, and what needs one more is not.
#[test]
fn numbers_keep_their_bits() {
    let wide = Some(Refusal::Overflow(TOO_WIDE));
    let most = (1 << 120) - 1;
    let mut world = World::new();
    assert!(world.supply(1, 0, most).is_ok());
    assert_eq!(world.supply(1, 0, 1).err(), wide);
    // Every call of a hub stores index and fees; these are as wide as they may be.
    let swept = |change: fn(&mut Spec), seconds: u64| {
        let mut spec = spec();
        spec.assets[1].state.liquidity = bits(120);
        change(&mut spec);
        let mut world = World::of(spec);
        world.at += seconds;
        world.hub(1, HubCall::Sweep(U256::ONE)).err()
    };
    let fees = |s: &mut Spec| s.assets[1].state.realized_fees = bits(120);
    assert_eq!(swept(fees, 0), None);
    let index = |s: &mut Spec| {
        (s.assets[1].state.drawn_index, s.assets[1].state.drawn_shares) = (bits(120), U256::ONE);
        s.assets[1].state.drawn_rate = u(RAY);
    };
    assert_eq!((swept(index, 0), swept(index, 1_000)), (None, wide));
    // 40 times and 80 times what is owed a year: 4e28 has 96 bits, 8e28 has 97.
    let rate = |base_rate: u32| {
        let curve = Curve { optimal_usage: 9_000, base_rate, growth_before: 0, growth_after: 0 };
        World::new().hub(1, HubCall::SetCurve(curve)).err()
    };
    assert_eq!((rate(400_000), rate(800_000)), (None, Some(Refusal::Overflow(TOO_WIDE))));
}

/// The ends of what a cell takes, and the first beyond them.
#[test]
fn cells_hold_their_bits() {
    let one = Int::ONE;
    let (wad, ray) = (Int::from(u(WAD)), Int::from(u(RAY)));
    let wide = |count: usize| Int::from(bits(count));
    for (object, name, last, beyond) in [
        (1, "drawn_index", wide(120), wide(120).add(one)),
        (1, "drawn_index", ray, ray.sub(one)),
        (1_000, "target_health_factor", wide(128), wide(128).add(one)),
        (1_000, "target_health_factor", wad, wad.sub(one)),
        (1_000, "health_factor_for_max_bonus", wad.sub(one).unwrap(), Some(wad)),
        (2_001, "premium_offset_ray", wide(199), wide(199).add(one)),
        (2_001, "premium_offset_ray", wide(199).neg(), wide(199).add(one).map(Int::neg)),
        ((1 << 32) * 3, "liquidation_fee", Int::new(10_000), Some(Int::new(10_001))),
        // At a factor of 70 % a bonus of 142.84 % makes 99.988 %, raised 99.99 %, and one of 142.85 % raised is all.
        ((1 << 32) * 3, "max_liquidation_bonus", Int::new(14_284), Some(Int::new(14_285))),
        ((1 << 32) * 3, "max_liquidation_bonus", Int::new(10_000), Some(Int::new(9_999))),
    ] {
        let mut world = World::new();
        assert_eq!(world.set(object, name, last), Ok(()), "{name} {last}");
        assert_eq!(world.set(object, name, beyond.unwrap()), Err(Refusal::NoSuchCell), "{name}");
    }
}

/// 10.5 units are owed as premium. Eleven pay all of it and ten leave half a unit; the loan itself stays whole.
#[test]
fn a_premium_is_paid_in_whole_units() {
    let premium = 10 * RAY + RAY / 2;
    let paid = |amount: u128| {
        let mut spec = spec();
        let offset = Int::from(u(100).mul(u(RAY)).unwrap()).sub(u(premium).into()).unwrap();
        let state = &mut spec.assets[1].state;
        (state.drawn_shares, state.premium_shares, state.premium_offset) = (u(1_000), u(100), offset);
        let link = &mut spec.reserves[1].link;
        (link.drawn_shares, link.premium_shares, link.premium_offset) = (u(1_000), u(100), offset);
        let mut world = World::of(spec);
        let account = world.give(0, &[], &[(1, 1_000)]);
        account.set_term(plimsoll_venues::aave_v4::premium_shares(1), Int::new(100));
        account.set_term(plimsoll_venues::aave_v4::premium_offset(1), offset);
        let answer = world.repay(0, 1, Amount::Assets(u(amount))).unwrap().answer;
        (answer, z(world.market.assets()[1].views(Time(START)).unwrap().premium))
    };
    assert_eq!(paid(10), (vec![U256::ZERO, u(10)], big(RAY / 2)));
    assert_eq!(paid(11), (vec![U256::ZERO, u(11)], BigInt::ZERO));
    assert_eq!(paid(12), (vec![U256::ONE, u(12)], BigInt::ZERO));
}
