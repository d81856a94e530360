//! Properties 50 to 55: the last unit, and who gets it.

use crate::model::{Model, big, divide, ray};
use crate::scenes::{BORROWER, OTHER, USDC, WETH, plain};
use crate::tape::{Tape, check};
use crate::world::{OPEN, World, u, walk};
use num_bigint::{BigInt, BigUint};
use plimsoll_core::{AccountId, Action, Amount, Int, Party, RAY, Refusal, Time, U256};
use plimsoll_venues::aave_v3::{Revision, debt, receipt};

fn assets(amount: U256) -> Amount {
    Amount::Assets(amount)
}

fn deposit(reserve: usize, amount: U256) -> Action {
    Action::Deposit { into: receipt(reserve), amount: assets(amount) }
}

fn withdraw(reserve: usize, amount: Amount) -> Action {
    Action::Withdraw { from: receipt(reserve), amount }
}

fn withdraw_some(reserve: usize, amount: U256) -> Action {
    withdraw(reserve, assets(amount))
}

fn repay_some(reserve: usize, amount: U256) -> Action {
    repay(reserve, assets(amount))
}

fn borrow(reserve: usize, amount: U256) -> Action {
    Action::Borrow { debt: debt(reserve), amount: assets(amount) }
}

fn repay(reserve: usize, amount: Amount) -> Action {
    Action::Repay { debt: debt(reserve), amount }
}

/// What the actor of all this is up by in a reserve's asset, counting what it could still take out and must still
/// pay back.
fn profit(before: &World, after: &World, id: u64, reserve: usize) -> BigInt {
    let worth = |world: &World| {
        let account = world.account(AccountId(id));
        let quoted = world.quoted();
        let raw = |instrument| BigInt::from(big(quoted.balance(account, instrument).expect("a balance").raw));
        raw(receipt(reserve)) - raw(debt(reserve)) - BigInt::from(big(world.state(reserve).cash))
    };
    worth(after) - worth(before)
}

/// From 3.5 nothing; before, half a unit at the index and half a unit for each rounding to the nearest.
fn most(world: &World, reserve: usize, roundings: u32) -> BigInt {
    if world.revision() >= Revision::V3_5 {
        return BigInt::default();
    }
    let state = world.state(reserve);
    let index = big(state.liquidity_index).max(big(state.variable_borrow_index));
    BigInt::from((index + ray()) * roundings / (ray() * 2u32)) + 1
}

/// A plain pool with any indices, where account 1 may borrow freely.
fn worn(tape: &mut Tape<'_>, revision: Revision) -> World {
    let one = RAY.value();
    let indices: Vec<U256> = (0..6).map(|_| one.add(u(tape.magnitude(28))).expect("256 bits")).collect();
    let mut world = plain(revision);
    for pair in indices.chunks(2).enumerate() {
        world = world.rebuilt(|spec| {
            let state = &mut spec.reserves[pair.0].state;
            [state.liquidity_index, state.variable_borrow_index] = [pair.1[0], pair.1[1]];
            let claims = state.scaled_supply.mul_div_wide(pair.1[0], one, plimsoll_core::Rounding::Up);
            state.cash = claims.expect("256 bits");
            state.virtual_balance = state.cash;
        });
    }
    world
}

#[test]
fn p50_round_trips_never_profit() {
    check("p50", 6_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let world = worn(tape, revision);
        let reserve = tape.pick(&[WETH, USDC]);
        let amount = u(tape.magnitude(10));
        let mut cases = 0;
        let trips = [
            (deposit(reserve, amount), withdraw(reserve, assets(amount))),
            (deposit(reserve, amount), withdraw(reserve, Amount::All)),
            (borrow(reserve, amount), repay(reserve, assets(amount))),
            (borrow(reserve, amount), repay(reserve, Amount::All)),
        ];
        for (out, back) in trips {
            let Ok(there) = world.then(1, 1, out.clone()) else { continue };
            let here = there.then(1, 1, back.clone()).unwrap_or(there);
            let gained = profit(&world, &here, BORROWER, reserve);
            if gained > most(&world, reserve, 4) {
                return Err(format!("{revision:?}: {gained} of {amount} by {out:?}, {back:?}"));
            }
            cases += 1;
        }
        Ok(cases)
    });
}

#[test]
fn p51_splitting_an_action_does_not_profit() {
    check("p51", 6_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let world = worn(tape, revision).owing(BORROWER, USDC, 100);
        let reserve = tape.pick(&[WETH, USDC]);
        let (x, y) = (u(tape.magnitude(9)), u(tape.magnitude(9)));
        let sum = x.add(y).expect("256 bits");
        let make: [fn(usize, U256) -> Action; 4] = [deposit, withdraw_some, borrow, repay_some];
        let mut cases = 0;
        for action in make {
            let step = |world: &World, amount| world.then(1, 1, action(reserve, amount));
            let split = step(&world, x).and_then(|world| step(&world, y));
            let (Ok(split), Ok(whole)) = (split, step(&world, sum)) else { continue };
            let gained = profit(&whole, &split, BORROWER, reserve);
            // Two positions of one account: the reading of each floors or ceils once.
            let bound =
                most(&world, reserve, 6) + i32::from(revision >= Revision::V3_5 && gained <= BigInt::from(0));
            if gained > bound {
                return Err(format!("{revision:?}: {gained} by {:?} and {y}", action(reserve, x)));
            }
            cases += 1;
        }
        Ok(cases)
    });
}

/// Every scaled amount that is minted or burned is the amount over the index, rounded as the description's table says.
#[test]
fn p52_every_rounding_goes_the_stated_way() {
    check("p52", 4_000, |tape| {
        walk(tape, OPEN, 12, |step| {
            let Ok(effects) = step.outcome else { return Ok(0) };
            let model = Model::of(step.before);
            let rules = &model.rules;
            let party = Party::Account(step.call.account);
            let net = |instrument| effects.net(party, instrument).expect("256 bits");
            let held =
                |instrument| big(step.before.account(step.call.account).quantity(instrument).magnitude());
            let paid = |reserve: usize| {
                big(effects
                    .net(Party::Pool, plimsoll_venues::aave_v3::asset(reserve))
                    .expect("256 bits")
                    .magnitude())
            };
            // A reserve without debt does not accrue its debt index.
            let debt_index = |i: usize| match step.before.state(i) {
                state if state.scaled_debt == U256::ZERO => big(state.variable_borrow_index),
                _ => model.debt_index[i].clone(),
            };
            let scaled = |raw: BigUint, index: &BigUint, to| divide(&(raw * ray()), index, to);
            let (found, expected) = match step.call.action {
                Action::Deposit { into, .. } => {
                    let i = into.index() / 3;
                    (net(into), scaled(paid(i), &model.income[i], rules.receipt_mint))
                }
                Action::Withdraw { from, amount } => {
                    let i = from.index() / 3;
                    let all = amount == Amount::All && rules.revision >= Revision::V3_5;
                    let burned = scaled(paid(i), &model.income[i], rules.receipt_burn);
                    (net(from).neg(), if all { held(from) } else { burned })
                }
                Action::Borrow { debt, .. } => {
                    let i = debt.index() / 3;
                    (net(debt), scaled(paid(i), &debt_index(i), rules.debt_mint))
                }
                Action::Repay { debt, .. } => {
                    let i = debt.index() / 3;
                    (net(debt).neg(), scaled(paid(i), &debt_index(i), rules.debt_burn).min(held(debt)))
                }
                _ => return Ok(0),
            };
            let found = big(found.to_u256().expect("not negative"));
            if found == expected { Ok(1) } else { Err(format!("{found}, expected {expected}")) }
        })
    });
}

/// Ten thousand actions with 0 to 32 units: from 3.5 on nothing is ever won, before at most the stated rounding each.
#[test]
fn p53_small_amounts_do_not_add_up() {
    check("p53", 8, |tape| {
        let mut cases = 0;
        for revision in Revision::ALL {
            let start = worn(tape, revision);
            let mut world = start.clone();
            let mut done = 0;
            for _ in 0..1_250 {
                let amount = u(tape.below(33).into());
                let action = match tape.below(6) {
                    0 => deposit(USDC, amount),
                    1 => withdraw(USDC, assets(amount)),
                    2 => borrow(USDC, amount),
                    3 => repay(USDC, assets(amount)),
                    4 => repay(USDC, Amount::All),
                    _ => withdraw(USDC, Amount::All),
                };
                if let Ok(after) = world.then(BORROWER, BORROWER, action) {
                    world = after;
                    done += 1;
                }
            }
            let gained = profit(&start, &world, BORROWER, USDC);
            if gained > most(&start, USDC, 2 * done + 2) {
                return Err(format!("{revision:?}: {gained} in {done} actions"));
            }
            cases += u64::from(done);
        }
        Ok(cases)
    });
}

/// "All" is all at the moment it happens: interest of any time in between leaves nothing behind.
#[test]
fn p55_all_is_executable_at_the_next_instant() {
    check("p55", 4_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let mut world = worn(tape, revision).owing_raw(BORROWER, USDC, u(tape.magnitude(9)));
        world = world.then(OTHER, OTHER, deposit(USDC, u(1_000_000))).expect("a deposit");
        world.at = Time(world.at.0 + tape.pick(&[0, 1, 12, 86_400, 31_536_000]));
        let paid =
            world.then(BORROWER, BORROWER, repay(USDC, Amount::All)).map_err(|why| format!("{why:?}"))?;
        let left =
            paid.then(BORROWER, BORROWER, withdraw(WETH, Amount::All)).map_err(|why| format!("{why:?}"))?;
        let id = AccountId(BORROWER);
        let account = left.account(id);
        let empty = account.quantity(debt(USDC)) == Int::ZERO && account.quantity(receipt(WETH)) == Int::ZERO;
        if empty && !left.bits(id, USDC).0 && !left.bits(id, WETH).1 {
            Ok(1)
        } else {
            Err(format!("{revision:?}: {account:?}"))
        }
    });
}

/// More than there is cannot be taken: one unit above the balance is refused, the balance is not.
#[test]
fn the_balance_is_the_most_that_can_be_withdrawn() {
    for revision in Revision::ALL {
        let world = plain(revision);
        let held = u(10u128.pow(19));
        assert!(world.then(1, 1, withdraw(WETH, assets(held))).is_ok());
        let asked = held.add(U256::ONE).expect("256 bits");
        let refusal = Refusal::AmountTooLarge { held, asked };
        assert_eq!(world.then(1, 1, withdraw(WETH, assets(asked))).err(), Some(refusal), "{revision:?}");
    }
}
