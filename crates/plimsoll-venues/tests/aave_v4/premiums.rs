//! What a premium costs a year, and which swaps of a collateral would lower it; by hand.

use crate::world::*;
use plimsoll_core::{Feeds, InstrumentId, Int, Lens, Market as _, Premium, Time, U256};
use plimsoll_venues::aave_v4::{RISK_PREMIUM, Spec, premium_offset, premium_shares, receipt};

const WETH: InstrumentId = receipt(0);
const USDC: InstrumentId = receipt(1);
const WBTC: InstrumentId = receipt(2);
const SIDE: InstrumentId = receipt(3);

fn premium(world: &World, who: usize) -> Option<Premium> {
    let readings = readings(&world.prices);
    let quoted = world.market.at(Feeds { readings: &readings }, Lens::Action, Time(world.at)).unwrap();
    quoted.premium(&world.accounts[who]).unwrap()
}

/// From where swaps go where, with the premium that each would leave.
fn swaps(world: &World) -> Vec<(InstrumentId, InstrumentId, u64)> {
    let told = premium(world, 0).unwrap().swaps;
    told.iter().map(|swap| (swap.from, swap.to, swap.premium.to_u64().unwrap())).collect()
}

/// So many dollars of `core` (drawn shares) are owed through `main`; people of `prime` supplied them and as much again.
fn lent(drawn: u128) -> Spec {
    let mut spec = spec();
    let state = &mut spec.assets[1].state;
    (state.drawn_shares, state.liquidity, state.added_shares) = (u(drawn), u(drawn), u(2 * drawn));
    state.drawn_rate = u(RAY / 10);
    spec.reserves[1].link.drawn_shares = u(drawn);
    spec.reserves[5].link.added_shares = u(2 * drawn);
    spec
}

/// So much of what a reserve takes lies in its hub, in so many shares.
fn supplied(spec: &mut Spec, place: usize, amount: u128, shares: u128) {
    let reserve = &mut spec.reserves[place];
    let state = &mut spec.assets[reserve.asset].state;
    (state.liquidity, state.added_shares, reserve.link.added_shares) = (u(amount), u(shares), u(shares));
}

/// 110 USDC and a bit against bitcoin, at an index of 1.1 and a rate of 110 %: what is paid on 15,000,001 premium shares, and
/// what the 20 % of bitcoin would be, each step raised.
#[test]
fn a_year_of_premium_is_raised_in_every_step() {
    let mut spec = lent(100_000_001);
    supplied(&mut spec, 2, 10u128.pow(10), 10u128.pow(10));
    let rate = u(RAY / 10 * 11);
    let offset = Int::from(u(15_000_001).mul(rate).unwrap());
    let state = &mut spec.assets[1].state;
    (state.drawn_index, state.drawn_rate) = (rate, rate);
    (state.premium_shares, state.premium_offset) = (u(15_000_001), offset);
    let link = &mut spec.reserves[1].link;
    (link.premium_shares, link.premium_offset) = (u(15_000_001), offset);
    let mut world = World::of(spec);
    let account = world.give(0, &[(2, 400_000)], &[(1, 100_000_001)]);
    account.set_term(RISK_PREMIUM, Int::new(1_500));
    account.set_term(premium_shares(1), Int::new(15_000_001));
    account.set_term(premium_offset(1), offset);
    let told = premium(&world, 0).unwrap();
    // 16,500,001.1 raised, x 1.1 = 18,150,002.2 raised. A raw unit at 1 USD is a value of 1e20, and 1e4 of that.
    assert_eq!((told.paid, z(told.cost)), (u(1_500), big(18_150_003) * big(10).pow(24)));
    // 20,000,000.2 raised, x 1.1 = 22,000,001.1 raised, x 1.1 = 24,200,002.2 raised.
    assert_eq!((told.next, z(told.cost_next)), (u(2_000), big(24_200_003) * big(10).pow(24)));
    // Every other reserve of the spoke bears less: ether nothing, dollars 5 %, those of the other hub 12 %.
    assert_eq!(swaps(&world), [(WBTC, WETH, 0), (WBTC, USDC, 500), (WBTC, SIDE, 1_200)]);
    assert_eq!(premium(&world, 1), None);
}

/// 75 USDC against 200,000.9 raw units of bitcoin, of which the bit is cut and the rest is 100 USD. At a factor of 75 % ether or
/// dollars for it carry the debt exactly; at 70 % the other hub's dollars do not.
#[test]
fn a_swap_carries_the_debt_and_fits_to_the_unit() {
    let with = |price: u64, cap: u64| {
        let mut spec = lent(75_000_000);
        supplied(&mut spec, 2, 11 * 10u128.pow(9) - 1_000_000, 10u128.pow(10) - 1_000_000);
        let mut world = World::of(spec);
        world.prices[2] = U256::from(price);
        world.give(0, &[(2, 181_819)], &[(1, 75_000_000)]);
        world.set(2_001, "add_cap", cap).unwrap();
        swaps(&world)
    };
    let both = [(WBTC, WETH, 0), (WBTC, USDC, 500)];
    assert_eq!(with(5_000_000_000_000, 100), both);
    assert_eq!(with(4_999_999_999_999, 100), []);
    // A bit more than 100 USD buys 100,000,000 whole raw units, which is all that fits below the cap.
    assert_eq!(with(5_000_000_000_001, 100), both);
    assert_eq!(with(5_000_000_000_001, 99), both[..1]);
}

/// 100 USD of bitcoin (20 %) and of the other hub's dollars (12 %) for a debt of 120: what is swapped goes, the other stays and
/// covers 20 of it.
#[test]
fn a_swap_leaves_the_other_collaterals() {
    let mut spec = lent(120_000_000);
    supplied(&mut spec, 2, 10u128.pow(10), 10u128.pow(10));
    supplied(&mut spec, 3, 10u128.pow(12), 10u128.pow(12));
    let owing = |spec: Spec| {
        let mut world = World::of(spec);
        world.prices[2] = u(5_000_000_000_000);
        world.give(0, &[(2, 200_000), (3, 100_000_000)], &[(1, 120_000_000)]);
        world
    };
    // 1,200 x 20 / 120; 2,000 x 20 / 120, raised; (500 x 100 + 1,200 x 20) / 120, raised.
    let expected = [(WBTC, WETH, 200), (SIDE, WETH, 334), (WBTC, USDC, 617)];
    assert_eq!(swaps(&owing(spec.clone())), expected);
    // Dollars that bear 20 % too and do not count by the newest version: swapping them takes nothing of bitcoin away, and
    // without bitcoin nothing would carry the debt.
    spec.reserves[3].collateral_risk = 2_000;
    spec.reserves[3].configurations.push((1, version(0, 10_700, 0)));
    spec.reserves[3].newest = 1;
    // (2,000 x 20) / 120, and (500 x 100 + 2,000 x 20) / 120; both raised.
    assert_eq!(swaps(&owing(spec)), [(SIDE, WETH, 334), (SIDE, USDC, 750)]);
}
