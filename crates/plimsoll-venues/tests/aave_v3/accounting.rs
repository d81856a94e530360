//! Properties 1 to 12: the books add up.

use crate::model::{To, big, divide, n, ray, ten, zero};
use crate::tape::check;
use crate::world::{OPEN, ORDINARY, Step, World, u, walk};
use num_bigint::{BigInt, BigUint};
use plimsoll_core::{Action, Amount, Int, Market, Receive, U256};
use plimsoll_venues::aave_v3::{Configuration, Revision, debt, receipt};
use std::cell::{Cell, RefCell};

const STEPS: u64 = 12;

fn total(world: &World, instrument: plimsoll_core::InstrumentId) -> U256 {
    let held = world.accounts.iter().map(|account| account.quantity(instrument).magnitude());
    held.fold(U256::ZERO, |sum, held| sum.add(held).expect("256 bits"))
}

#[test]
fn p01_debts_of_all_users_are_the_pools_debt() {
    check("p01", 1_500, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            for i in 0..step.after.reserves() {
                let (users, pool) = (total(step.after, debt(i)), step.after.state(i).scaled_debt);
                if users != pool {
                    return Err(format!("reserve {i}: users owe {users}, the pool says {pool}"));
                }
            }
            Ok(u64::from(step.succeeded()))
        })
    });
}

#[test]
fn p02_receipts_of_all_users_and_the_treasury_are_the_pools_supply() {
    check("p02", 1_500, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            for i in 0..step.after.reserves() {
                let users = total(step.after, receipt(i)).add(step.after.treasury[i]).expect("256 bits");
                if users != step.after.state(i).scaled_supply {
                    return Err(format!("reserve {i}: users hold {users}"));
                }
            }
            Ok(u64::from(step.succeeded()))
        })
    });
}

/// Cash, debt and deficit less what suppliers and the treasury may claim, in raw units x 1e27, at stored indices.
fn spare(world: &World, i: usize) -> BigInt {
    let state = world.state(i);
    let cash = if world.revision() >= Revision::V3_1 { state.virtual_balance } else { state.cash };
    let covered =
        (big(cash) + big(state.deficit)) * ray() + big(state.scaled_debt) * big(state.variable_borrow_index);
    let claims = (big(state.scaled_supply) + big(state.accrued_to_treasury)) * big(state.liquidity_index);
    BigInt::from(covered) - BigInt::from(claims)
}

/// One raw unit and a half for each rounding of an amount (up to 3.4 half an index each); what half a last digit of
/// an index is worth to everybody who holds it; and the interest on the raw unit by which the debt was rounded when
/// the rate was set.
fn spare_lost_at_most(before: &World, world: &World, i: usize) -> BigInt {
    let state = world.state(i);
    let grown = big(state.variable_borrow_index) - big(before.state(i).variable_borrow_index);
    let holders = big(state.scaled_supply) + big(state.scaled_debt) + big(state.accrued_to_treasury);
    let amounts = if world.revision() >= Revision::V3_5 {
        zero()
    } else {
        3u32 * (big(state.liquidity_index) + big(state.variable_borrow_index) + ray())
    };
    (holders + amounts + grown * 2u32).into()
}

/// Where an asset is seized for itself two releases do worse, and the pool is left out from there on: 3.0 sets rates
/// that do not yet see what was repaid, 3.5 and 3.6 count the treasury's gain twice.
fn spoiled(step: &Step<'_>) -> bool {
    let revision = matches!(step.before.revision(), Revision::V3_0 | Revision::V3_5 | Revision::V3_6);
    revision && step.succeeded() && step.liquidation().is_some_and(|(seized, repaid)| seized == repaid)
}

/// Liabilities to suppliers are covered, and no action eats into what covers them.
#[test]
fn p04_what_suppliers_may_claim_is_covered_and_stays_so() {
    check("p04", 1_500, |tape| {
        let spoilt = Cell::new(false);
        walk(tape, OPEN, STEPS, |step| {
            spoilt.set(spoilt.get() || spoiled(step));
            if spoilt.get() {
                return Ok(0);
            }
            for i in 0..step.after.reserves() {
                let (before, after) = (spare(step.before, i), spare(step.after, i));
                if &before - &after > spare_lost_at_most(step.before, step.after, i) {
                    return Err(format!(
                        "reserve {i}: {before} becomes {after}\n{:?}\n{:?}",
                        step.before.state(i),
                        step.after.state(i)
                    ));
                }
            }
            Ok(u64::from(step.succeeded()))
        })
    });
}

#[test]
fn p06_no_debt_in_total_exactly_when_nobody_owes() {
    check("p06", 1_000, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            for i in 0..step.after.reserves() {
                let nobody = step.after.accounts.iter().all(|a| a.quantity(debt(i)).is_zero());
                let nothing = step.after.state(i).scaled_debt == U256::ZERO;
                if nobody != nothing {
                    return Err(format!("reserve {i}: nobody owes: {nobody}"));
                }
            }
            Ok(u64::from(step.succeeded()))
        })
    });
}

/// After a deposit the supply, after a loan the debt is at most its cap. From 3.5 the test is on the balance itself;
/// before, on the balance before plus the amount, which may differ from it by the rounding of both.
#[test]
fn p07_caps_hold_after_every_increase() {
    check("p07", 3_000, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            let (i, field) = match step.call.action {
                Action::Deposit { into, .. } => (into.index() / 3, Configuration::SUPPLY_CAP),
                Action::Borrow { debt, .. } => (debt.index() / 3, Configuration::BORROW_CAP),
                _ => return Ok(0),
            };
            let state = step.after.state(i);
            let (scaled, index) = match field {
                Configuration::SUPPLY_CAP => {
                    (big(state.scaled_supply) + big(state.accrued_to_treasury), big(state.liquidity_index))
                }
                _ => (big(state.scaled_debt), big(state.variable_borrow_index)),
            };
            let cap = step.after.pool.reserves()[i].configuration.get(field);
            let cap = n(cap.into()) * ten(step.after.decimals(i));
            let old = step.after.revision() < Revision::V3_5;
            let margin = if old { &index * 2u32 + ray() } else { zero() };
            if step.succeeded() && cap != zero() && scaled * index >= (&cap + 1u32) * ray() + margin {
                return Err(format!("over the cap of {cap}"));
            }
            Ok(u64::from(cap != zero()))
        })
    });
}

/// Up to 3.3 the borrowing flag follows amounts, so that it can outlive a debt that rounds away; collateral's flag
/// can outlive its receipts wherever amounts decide (withdrawals up to 3.4, liquidations up to 3.6).
#[test]
fn p08_flags_agree_with_balances() {
    check("p08", 1_500, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            let revision = step.after.revision();
            for account in &step.after.accounts {
                for i in 0..step.after.reserves() {
                    let (owes, counts) = step.after.bits(account.id, i);
                    let debt_held = !account.quantity(debt(i)).is_zero();
                    if debt_held && !owes || (owes && !debt_held && revision >= Revision::V3_4) {
                        return Err(format!("account {:?}: reserve {i}: debt flag {owes}", account.id));
                    }
                    let held = !account.quantity(receipt(i)).is_zero();
                    if counts && !held && revision >= Revision::V3_7 {
                        return Err(format!(
                            "account {:?}: reserve {i}: collateral flag {counts}",
                            account.id
                        ));
                    }
                }
            }
            Ok(u64::from(step.succeeded()))
        })
    });
}

/// When everybody has paid, everybody can leave: the pool's cash is enough for the last one.
#[test]
fn p10_everything_that_can_be_claimed_can_be_taken_out() {
    check("p10", 1_500, |tape| {
        let mut cases = 0;
        let (spoilt, end) = (Cell::new(false), RefCell::new(None));
        walk(tape, OPEN, 6, |step| {
            spoilt.set(spoilt.get() || spoiled(step));
            *end.borrow_mut() = Some(step.after.clone());
            Ok(0)
        })?;
        let mut world = end.into_inner().expect("steps");
        if spoilt.get() {
            return Ok(0);
        }
        for i in 0..world.reserves() {
            for id in 1..=4 {
                let owes = world.bits(plimsoll_core::AccountId(id), i).0;
                let held = !world.account(plimsoll_core::AccountId(id)).quantity(debt(i)).is_zero();
                if owes && held {
                    let action = Action::Repay { debt: debt(i), amount: Amount::All };
                    world = world.then(id, id, action).map_err(|why| format!("repay {i}: {why}"))?;
                    cases += 1;
                }
            }
        }
        for i in 0..world.reserves() {
            if world.state(i).deficit != U256::ZERO {
                continue; // nobody has covered it yet
            }
            for id in 1..=4 {
                let account = world.account(plimsoll_core::AccountId(id));
                let held = world.quoted().balance(account, receipt(i)).expect("a balance").raw;
                if held != U256::ZERO {
                    let action = Action::Withdraw { from: receipt(i), amount: Amount::All };
                    world = world.then(id, id, action).map_err(|why| format!("withdraw {i}: {why}"))?;
                    cases += 1;
                }
            }
        }
        Ok(cases)
    });
}

/// An action changes numbers of the reserves that it names, and of no other; interest is of all, or of none.
#[test]
fn p12_an_action_changes_nothing_in_other_reserves() {
    check("p12", 1_500, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            let Ok(effects) = step.outcome else { return Ok(0) };
            let named: Vec<usize> = match &step.call.action {
                Action::Accrue => return Ok(0),
                Action::Deposit { into: it, .. }
                | Action::Withdraw { from: it, .. }
                | Action::Borrow { debt: it, .. }
                | Action::Repay { debt: it, .. } => vec![it.index() / 3],
                _ => match step.liquidation() {
                    Some((seized, repaid)) => {
                        let written = effects.liquidated.iter().flat_map(|l| &l.bad_debt);
                        let written = written.map(|(instrument, _)| instrument.index() / 3);
                        // A debt that is zero already is visited too when the rest is written off.
                        let flags =
                            (0..step.before.reserves()).filter(|&i| step.before.bits(step.call.account, i).0);
                        written.chain(flags).chain([seized, repaid]).collect()
                    }
                    None => vec![],
                },
            };
            for (cell, _) in &effects.cells {
                let i = cell.object as usize;
                // Debt carried in isolation belongs to the collateral, whoever is repaid.
                let ceiling = step.before.pool.reserves()[i].configuration.get(Configuration::DEBT_CEILING);
                if !named.contains(&i) && ceiling == 0 {
                    return Err(format!("{cell:?} of reserve {i}"));
                }
            }
            if effects.epoch_moved || step.after.pool.epoch() != step.before.pool.epoch() {
                return Err("the epoch moved".into());
            }
            Ok(1)
        })
    });
}

/// What a party gave, others received, to the unit; nothing comes from nowhere.
pub(crate) fn conserved(step: &Step<'_>) -> Result<(), String> {
    let Ok(effects) = step.outcome else { return Ok(()) };
    for i in 0..step.before.reserves() {
        let (state, after) = (step.before.state(i), step.after.state(i));
        let paid =
            effects.net(plimsoll_core::Party::Pool, plimsoll_venues::aave_v3::asset(i)).expect("256 bits");
        let cash = Int::from(after.cash).sub(state.cash.into()).expect("256 bits");
        let counted = Int::from(after.virtual_balance).sub(state.virtual_balance.into()).expect("256 bits");
        if cash != paid || (step.before.revision() >= Revision::V3_1 && counted != paid) {
            return Err(format!("reserve {i}: cash moved by {cash}, counted {counted}, flows say {paid}"));
        }
    }
    Ok(())
}

/// The liquidator's gain is the victim's loss less the fee; the pool's cash moves by what was paid; debt that goes
/// is paid or written off.
#[test]
fn liquidation_conserves_quantities() {
    check("liquidation_conserves_quantities", 3_000, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            conserved(step)?;
            let (Ok(effects), Some((seized, repaid))) = (step.outcome, step.liquidation()) else {
                return Ok(0);
            };
            crate::seen::liquidations(1);
            let done = effects.liquidated.as_ref().expect("what a liquidation did");
            let Action::Liquidate(plimsoll_core::Mechanism::Discount { receive, .. }) = step.call.action
            else {
                return Ok(0);
            };
            let (victim, actor) = (step.call.account, step.call.actor);
            let net = |party, instrument| effects.net(party, instrument).expect("256 bits");
            let (account, wallet) = (plimsoll_core::Party::Account, plimsoll_core::Party::Wallet);
            let lost = net(account(victim), receipt(seized)).neg();
            let fee = net(plimsoll_core::Party::Treasury, receipt(seized));
            let burned = net(plimsoll_core::Party::Burn, receipt(seized));
            let gained = net(account(actor), receipt(seized));
            if lost != fee.add(burned).and_then(|x| x.add(gained)).expect("256 bits") {
                return Err(format!("lost {lost}, fee {fee}, burned {burned}, gained {gained}"));
            }
            let received = done.seized.sub(done.fee).expect("a fee of what was seized");
            let mut expected = Int::from(done.repaid).neg();
            match receive {
                Receive::Receipt if burned != Int::ZERO => return Err("receipts burned".into()),
                Receive::Receipt => {}
                Receive::Asset if seized == repaid => {
                    expected = expected.add(received.into()).expect("256 bits");
                }
                Receive::Asset => {
                    let paid = net(wallet(actor), plimsoll_venues::aave_v3::asset(seized));
                    if paid != Int::from(received) || gained != Int::ZERO {
                        return Err(format!("paid {paid} of {received}, receipts {gained}"));
                    }
                }
            }
            if net(wallet(actor), plimsoll_venues::aave_v3::asset(repaid)) != expected {
                return Err(format!("the liquidator paid, expected {expected}"));
            }
            Ok(1)
        })
    });
}

/// What is burned for an amount is that amount, to the rounding of the description's table (property 52's cousin
/// for whole positions): the collateral's scaled loss is `received / index` and `fee / index`.
#[test]
fn seized_receipts_are_the_seized_amount_at_the_index() {
    check("seized_receipts", 2_000, |tape| {
        walk(tape, OPEN, STEPS, |step| {
            let (Ok(effects), Some((seized, _))) = (step.outcome, step.liquidation()) else { return Ok(0) };
            let done = effects.liquidated.as_ref().expect("what a liquidation did");
            let model = crate::model::Model::of(step.before);
            let to = model.rules.receipt_burn;
            let index = &model.income[seized];
            let scaled = |amount: &BigUint| divide(&(amount * ray()), index, to);
            let received = scaled(&big(done.seized.sub(done.fee).expect("a fee of what was seized")));
            let held = big(step.before.account(step.call.account).quantity(receipt(seized)).magnitude());
            let left = &held - &received;
            let fee = scaled(&big(done.fee)).min(left.clone());
            let after = big(step.after.account(step.call.account).quantity(receipt(seized)).magnitude());
            let expected: BigUint = left - fee;
            if after != expected || to == To::Floor {
                return Err(format!("{after} left, expected {expected}"));
            }
            Ok(1)
        })
    });
}

/// Amounts that are not amounts of an asset are refused where the contract has no such call.
#[test]
fn shares_are_no_amount_here() {
    let world = crate::scenes::plain(Revision::V3_7);
    let amount = Amount::Shares(u(1));
    for action in [
        Action::Deposit { into: receipt(0), amount },
        Action::Withdraw { from: receipt(0), amount },
        Action::Borrow { debt: debt(1), amount },
        Action::Repay { debt: debt(1), amount },
    ] {
        assert_eq!(world.then(1, 1, action).err(), Some(plimsoll_core::Refusal::NotAtThisVenue));
    }
}
