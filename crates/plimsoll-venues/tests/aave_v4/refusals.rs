//! Every refusal by name, in the contracts' order of checks.

use crate::world::*;
use plimsoll_core::{Action, Amount, Int, Receive, Refusal, U256};
use plimsoll_venues::aave_v4::{HALTED, HubCall, SHARES, Spec, SpecError, debt, receipt, token};

/// A world in which person 0 has 10 ether that count and owes 10,000 USDC, with one number set.
fn with(object: u64, name: &str, value: i128) -> World {
    let mut world = borrowed();
    set(&mut world, object, name, value);
    world
}

fn set(world: &mut World, object: u64, name: &str, value: i128) {
    world.set(object, name, Int::new(value)).unwrap();
}

fn borrowed() -> World {
    let mut world = World::new();
    world.supply(1, 1, 50_000_000_000).unwrap();
    world.supply(0, 0, 10 * WAD).unwrap();
    world.use_it(0, 0, true).unwrap();
    world.borrow(0, 1, 10_000_000_000).unwrap();
    world
}

const WETH: u64 = 2_000;
const USDC: u64 = 2_001;

fn why<Done>(outcome: Result<Done, Refusal>) -> Refusal {
    outcome.err().expect("refused")
}

#[test]
fn what_users_are_refused() {
    let paused = |object| with(object, "flags", 13);
    let frozen = |object| with(object, "flags", 14);
    assert_eq!(why(paused(WETH).supply(0, 0, 1)), Refusal::Paused(token(0)));
    assert_eq!(why(paused(WETH).withdraw(0, 0, 1)), Refusal::Paused(token(0)));
    assert_eq!(why(paused(USDC).borrow(0, 1, 1)), Refusal::Paused(token(1)));
    assert_eq!(why(paused(USDC).repay(0, 1, Amount::All)), Refusal::Paused(token(1)));
    assert_eq!(why(paused(WETH).use_it(0, 0, false)), Refusal::Paused(token(0)));
    // What is so already needs no leave.
    assert!(paused(WETH).use_it(0, 0, true).is_ok());
    assert_eq!(why(frozen(WETH).supply(0, 0, 1)), Refusal::Frozen(token(0)));
    assert_eq!(why(frozen(USDC).borrow(0, 1, 1)), Refusal::Frozen(token(1)));
    assert_eq!(why(frozen(USDC).use_it(0, 1, true)), Refusal::Frozen(token(1)));
    assert!(frozen(WETH).withdraw(0, 0, 1).is_ok() && frozen(USDC).repay(0, 1, Amount::All).is_ok());
    assert_eq!(why(with(USDC, "flags", 8).borrow(0, 1, 1)), Refusal::NotBorrowable(debt(1)));
    assert_eq!(why(borrowed().supply(0, 0, 0)), Refusal::AmountZero);
    assert_eq!(why(borrowed().borrow(0, 1, 0)), Refusal::AmountZero);
    assert_eq!(why(borrowed().withdraw(0, 0, 0)), Refusal::AmountZero);
    assert_eq!(why(borrowed().repay(0, 1, Amount::Assets(U256::ZERO))), Refusal::AmountZero);
    assert_eq!(why(borrowed().withdraw(0, 1, 1)), Refusal::NothingHeld(receipt(1)));
    assert_eq!(why(borrowed().repay(0, 0, Amount::All)), Refusal::NothingOwed(debt(0)));
    assert_eq!(why(borrowed().borrow(0, 1, 10_000_000_000)), Refusal::WouldBeUnhealthy);
    assert_eq!(why(borrowed().withdraw(0, 0, 5 * WAD)), Refusal::WouldBeUnhealthy);
    assert_eq!(why(borrowed().use_it(0, 0, false)), Refusal::WouldBeUnhealthy);
    let (held, asked) = (u(40_000_000_000), u(40_000_000_001));
    assert_eq!(why(borrowed().borrow(0, 1, 40_000_000_001)), Refusal::InsufficientCash { held, asked });
    assert_eq!(why(borrowed().supply(0, 4, 1)), Refusal::AnotherAccount(receipt(4)));
    assert_eq!(why(borrowed().call(0, 0, Action::Accrue)), Refusal::NotAtThisVenue);
    let deposit = Action::Deposit { into: receipt(0), amount: Amount::Assets(u(1)) };
    assert_eq!(why(borrowed().call(1, 0, deposit)), Refusal::NoConsent("acting for another account"));
    let deposit = Action::Deposit { into: debt(0), amount: Amount::Assets(u(1)) };
    assert_eq!(why(borrowed().call(0, 0, deposit)), Refusal::NoSuchInstrument(debt(0)));
}

/// The hub's word comes after the spoke's: caps to the unit, spokes that are not in use or halted.
#[test]
fn what_hubs_refuse() {
    let halted = |object| with(object, "halted", 1);
    assert_eq!(why(halted(WETH).supply(0, 0, 1)), Refusal::ActionPaused(HALTED));
    assert_eq!(why(halted(WETH).withdraw(0, 0, 1)), Refusal::ActionPaused(HALTED));
    assert_eq!(why(halted(USDC).borrow(0, 1, 1)), Refusal::ActionPaused(HALTED));
    assert_eq!(why(halted(USDC).repay(0, 1, Amount::All)), Refusal::ActionPaused(HALTED));
    let out = |object| with(object, "active", 0);
    assert_eq!(why(out(WETH).supply(0, 0, 1)), Refusal::Inactive(token(0)));
    assert_eq!(why(out(USDC).repay(0, 1, Amount::All)), Refusal::Inactive(token(1)));
    // 10 ether are in: a cap of 11 takes one more, and not a unit beyond.
    assert!(with(WETH, "add_cap", 11).supply(0, 0, WAD).is_ok());
    assert_eq!(why(with(WETH, "add_cap", 11).supply(0, 0, WAD + 1)), Refusal::SupplyCap(receipt(0)));
    assert!(with(USDC, "draw_cap", 10_001).borrow(0, 1, 1_000_000).is_ok());
    assert_eq!(why(with(USDC, "draw_cap", 10_001).borrow(0, 1, 1_000_001)), Refusal::BorrowCap(debt(1)));
    // A deficit of the spoke, raised to a unit, counts against its cap.
    let mut world = with(USDC, "draw_cap", 10_001);
    set(&mut world, USDC, "deficit_ray", 1);
    assert!(world.clone().borrow(0, 1, 999_999).is_ok());
    assert_eq!(why(world.borrow(0, 1, 1_000_000)), Refusal::BorrowCap(debt(1)));
    assert_eq!(
        why(with(0, "liquidity", 5).withdraw(0, 0, 6)),
        Refusal::InsufficientCash { held: u(5), asked: u(6) }
    );
    // A share that is worth two units: one unit is none.
    let mut world = borrowed();
    set(&mut world, 3, "liquidity", 1_000_000);
    assert_eq!(why(world.supply(2, 3, 1)), Refusal::NoShares);
    assert!(world.supply(2, 3, 2).is_ok());
}

/// Only so many on each side, and only so much premium through one spoke.
#[test]
fn what_spokes_limit() {
    let mut world = with(1_000, "max_user_reserves", 1);
    world.supply(0, 1, 1_000_000).unwrap();
    assert_eq!(why(world.use_it(0, 1, true)), Refusal::TooManyReserves { most: 1 });
    world.supply(1, 0, WAD).unwrap();
    assert_eq!(why(world.borrow(0, 0, 1)), Refusal::TooManyReserves { most: 1 });
    // A second loan of the same is no second debt.
    assert!(world.borrow(0, 1, 1).is_ok());
    // Ether has no risk: USDC as the only collateral makes a premium of 5 %.
    let mut world = with(WETH, "risk_premium_threshold", 400);
    world.use_it(1, 1, true).unwrap();
    assert_eq!(why(world.borrow(1, 0, WAD)), Refusal::RiskPremiumLimit(debt(0)));
    set(&mut world, WETH, "risk_premium_threshold", 500);
    assert!(world.borrow(1, 0, WAD).is_ok());
}

#[test]
fn what_liquidators_are_refused() {
    let unhealthy = |object: u64, name: &str, value: i128| {
        let mut world = borrowed();
        set(&mut world, object, name, value);
        world.prices[0] = u(120_000_000_000);
        world
    };
    let plain = || unhealthy(WETH, "flags", 12);
    let take =
        |mut world: World, reserves, receive| why(world.liquidate([1, 0], reserves, Amount::All, receive));
    let asset = Receive::Asset;
    assert!(plain().liquidate([1, 0], [0, 1], Amount::All, asset).is_ok());
    assert_eq!(why(plain().liquidate([0, 0], [0, 1], Amount::All, asset)), Refusal::SelfLiquidation);
    let nothing = Amount::Assets(U256::ZERO);
    assert_eq!(why(plain().liquidate([1, 0], [0, 1], nothing, asset)), Refusal::AmountZero);
    assert_eq!(take(unhealthy(WETH, "flags", 13), [0, 1], asset), Refusal::Paused(token(0)));
    assert_eq!(take(unhealthy(USDC, "flags", 13), [0, 1], asset), Refusal::Paused(token(1)));
    assert_eq!(take(plain(), [1, 1], asset), Refusal::NothingHeld(receipt(1)));
    assert_eq!(take(plain(), [0, 0], asset), Refusal::NothingOwed(debt(0)));
    assert_eq!(take(borrowed(), [0, 1], asset), Refusal::NotLiquidatable);
    let mut world = plain();
    world.supply(0, 1, 1_000_000).unwrap();
    assert_eq!(take(world, [1, 1], asset), Refusal::NotSeizable(receipt(1)));
    assert_eq!(take(unhealthy(WETH, "flags", 14), [0, 1], Receive::Receipt), Refusal::ActionPaused(SHARES));
    assert_eq!(take(unhealthy(WETH, "flags", 4), [0, 1], Receive::Receipt), Refusal::ActionPaused(SHARES));
    // Frozen collateral is still paid out, and a halted one goes as shares.
    assert!(unhealthy(WETH, "flags", 14).liquidate([1, 0], [0, 1], Amount::All, asset).is_ok());
    assert_eq!(take(unhealthy(WETH, "halted", 1), [0, 1], asset), Refusal::ActionPaused(HALTED));
    assert!(unhealthy(WETH, "halted", 1).liquidate([1, 0], [0, 1], Amount::All, Receive::Receipt).is_ok());
    assert_eq!(take(unhealthy(USDC, "halted", 1), [0, 1], asset), Refusal::ActionPaused(HALTED));
    let most = Amount::Assets(u(9_500_000_000));
    let mut world = plain();
    // A health of 0.81 asks for 9,411 of 10,000, and 589 would be dust.
    world.prices[0] = u(108_000_000_000);
    assert_eq!(why(world.liquidate([1, 0], [0, 1], most, asset)), Refusal::LeavesDust);
    assert!(world.liquidate([1, 0], [0, 1], Amount::Assets(u(10_000_000_000)), asset).is_ok());
}

#[test]
fn what_a_hub_refuses_itself() {
    let mut world = borrowed();
    assert_eq!(why(world.hub(0, HubCall::Sweep(U256::ZERO))), Refusal::AmountZero);
    let (held, asked) = (u(10 * WAD), u(10 * WAD + 1));
    assert_eq!(why(world.hub(0, HubCall::Sweep(asked))), Refusal::InsufficientCash { held, asked });
    assert_eq!(why(world.hub(0, HubCall::EliminateDeficit(U256::ONE))), Refusal::AmountZero);
    assert!(matches!(why(world.hub(0, HubCall::Reclaim(U256::ONE))), Refusal::Overflow(_)));
    assert_eq!(why(world.hub(6, HubCall::MintFeeShares)), Refusal::NoSuchInstrument(token(6)));
}

/// What no contract holds is no market.
#[test]
fn what_no_market_is() {
    let broken = |change: fn(&mut Spec)| {
        let mut spec = spec();
        change(&mut spec);
        plimsoll_venues::aave_v4::Market::new(spec).err()
    };
    assert_eq!(broken(|_| {}), None);
    let name = |name: &str| name.to_string();
    assert_eq!(broken(|s| s.assets[0].decimals = 19), Some(SpecError::Number(name("core/WETH"))));
    assert_eq!(
        broken(|s| s.assets[0].curve.optimal_usage = 10_000),
        Some(SpecError::Number(name("core/WETH")))
    );
    assert_eq!(
        broken(|s| s.assets[1].state.drawn_index = u(RAY - 1)),
        Some(SpecError::Number(name("core/USDC")))
    );
    assert_eq!(
        broken(|s| s.spokes[1].liquidation.target_health = u(WAD - 1)),
        Some(SpecError::Number(name("prime")))
    );
    assert_eq!(
        broken(|s| s.reserves[2].configurations[0].1.collateral_factor = 9_091),
        Some(SpecError::Number(name("WBTC")))
    );
    assert_eq!(broken(|s| s.reserves[2].configurations[0].1.collateral_factor = 9_090), None);
    assert_eq!(broken(|s| s.reserves[0].newest = 2), Some(SpecError::Lost(name("WETH"))));
    assert_eq!(broken(|s| s.reserves[0].spoke = 2), Some(SpecError::Lost(name("WETH"))));
    assert_eq!(broken(|s| s.reserves[1].name = "WETH".into()), Some(SpecError::Twice(name("WETH"))));
    assert_eq!(broken(|s| s.reserves[4].spoke = 0), Some(SpecError::Twice(name("WETH prime"))));
    assert_eq!(broken(|s| s.assets[3].hub = "core".into()), Some(SpecError::Twice(name("core/USDC"))));
}
