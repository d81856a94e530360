//! Properties 1 to 12: the books add up.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{InstrumentId, Market as _, Party};
use plimsoll_venues::compound_v3::{BASE, DEBT, SUPPLY, collateral, token};
use proptest::prelude::*;

fn sum(world: &World, instrument: InstrumentId) -> BigInt {
    (0..PEOPLE).map(|who| z(world.held(who, instrument))).sum()
}

/// Everybody's principals and the market's own are the totals; everybody's collateral is the total and the market's own
/// the reserves; and the tokens are there.
pub(crate) fn adds_up(world: &World) -> Checked {
    let state = world.market.state();
    let own = |instrument: InstrumentId| world.treasury[instrument.index()].clone();
    prop_assert_eq!(sum(world, SUPPLY) + own(SUPPLY), z(state.total_supply_base));
    prop_assert_eq!(sum(world, DEBT) + own(DEBT), z(state.total_borrow_base));
    prop_assert_eq!(&world.cash[0], &z(state.base_balance));
    for (place, asset) in world.market.assets().iter().enumerate() {
        let receipt = collateral(place);
        prop_assert_eq!(sum(world, receipt), z(asset.totals.total_supply));
        prop_assert_eq!(own(receipt), z(asset.totals.reserves));
        let all = z(asset.totals.total_supply) + z(asset.totals.reserves);
        prop_assert_eq!(&world.cash[place + 1], &all);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn p01_p02_p03_totals_are_what_accounts_hold(ops in ops()) {
        live(&ops, |turn| adds_up(&turn.after))?;
    }

    /// No account has a balance on both sides, and what a market keeps for nobody is dust: a unit at most for each call,
    /// and never of debts.
    #[test]
    fn p08_one_principal_has_one_sign(ops in ops()) {
        let mut calls = 0;
        live(&ops, |turn| {
            calls += 1;
            for who in 0..PEOPLE {
                let both = [SUPPLY, DEBT].map(|side| turn.after.held(who, side));
                prop_assert!(both.contains(&plimsoll_core::U256::ZERO));
            }
            prop_assert_eq!(&turn.after.treasury[DEBT.index()], &BigInt::ZERO);
            let dust = &turn.after.treasury[SUPPLY.index()];
            prop_assert!(*dust >= BigInt::ZERO && *dust <= BigInt::from(calls));
            Ok(())
        })?;
    }

    /// A call to one market changes no byte of another, reads none, and changes nothing where it is refused.
    #[test]
    fn p12_a_refused_call_changes_nothing(ops in ops()) {
        live(&ops, |turn| {
            let Some(call) = &turn.call else { return Ok(()) };
            let mut again = turn.before.clone();
            prop_assert_eq!(&again.call(call), &turn.outcome);
            if turn.outcome.is_err() {
                let (mut before, mut after) = (Vec::new(), Vec::new());
                turn.before.market.encode(&mut before);
                again.market.encode(&mut after);
                prop_assert_eq!(before, after);
            }
            Ok(())
        })?;
    }

    /// Every token that leaves somebody reaches somebody, and a receipt or debt changes only by minting, burning, or
    /// between an account and the market's own.
    #[test]
    fn flows_balance(ops in ops()) {
        live(&ops, |turn| {
            let (Ok(effects), Some(call)) = (&turn.outcome, &turn.call) else { return Ok(()) };
            let assets = turn.after.market.assets().len();
            let tokens: Vec<InstrumentId> = [BASE].into_iter().chain((0..assets).map(token)).collect();
            for flow in &effects.flows {
                prop_assert!(flow.amount != plimsoll_core::U256::ZERO);
                let outside = [Party::Wallet(call.actor), Party::Pool];
                let is_token = tokens.contains(&flow.instrument);
                prop_assert_eq!(is_token, outside.contains(&flow.from) && outside.contains(&flow.to));
            }
            for token in tokens {
                let gave = effects.net(Party::Wallet(call.actor), token).unwrap();
                prop_assert_eq!(gave.neg(), effects.net(Party::Pool, token).unwrap());
            }
            Ok(())
        })?;
    }

    /// Nobody is taken below the line of borrowing by a call of his own that the line stands before.
    #[test]
    fn p13_no_call_of_its_own_makes_an_account_unhealthy(ops in ops()) {
        use plimsoll_core::{Action, Lens, Test, Verdict};
        live(&ops, |turn| {
            let (Ok(_), Some(call)) = (&turn.outcome, &turn.call) else { return Ok(()) };
            let lens = match call.action {
                Action::Borrow { .. } | Action::Withdraw { from: SUPPLY, .. } => Lens::Action,
                Action::Withdraw { .. } => Lens::View,
                _ => return Ok(()),
            };
            let line = turn.after.assess(call.account.0, Test::Borrow, lens).unwrap();
            prop_assert!(line.verdict != Verdict::Unhealthy);
            Ok(())
        })?;
    }

    /// What the reserves are worth never falls by an owner's own call by more than cut units; what is bought raises them.
    #[test]
    fn p04_calls_of_owners_take_nothing_from_the_reserves(ops in ops()) {
        use plimsoll_core::{Action, Mechanism};
        live(&ops, |turn| {
            let (Ok(_), Some(call)) = (&turn.outcome, &turn.call) else { return Ok(()) };
            let reserves = |world: &World| {
                signed(world.market.projected(world.at).unwrap().reserves().unwrap())
            };
            let gain = reserves(&turn.after) - reserves(&turn.before);
            match &call.action {
                Action::Liquidate(Mechanism::Absorb { .. }) => {}
                Action::Liquidate(Mechanism::BuyReserve { pay, .. }) => prop_assert_eq!(gain, z(*pay)),
                // Two present values of totals, each cut by less than a unit.
                _ => prop_assert!(gain >= BigInt::from(-2), "{gain}"),
            }
            Ok(())
        })?;
    }
}
