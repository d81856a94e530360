//! Properties 1 to 12: the books add up.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{Action, Amount, InstrumentId, Market as _, Party, Refusal, U256};
use plimsoll_venues::morpho_blue::{BORROW, COLLATERAL, LOAN, SUPPLY};
use proptest::prelude::*;

fn sum(world: &World, instrument: InstrumentId) -> BigInt {
    (0..PEOPLE).map(|who| z(world.held(who, instrument))).sum()
}

proptest! {
    #![proptest_config(cases(60))]

    /// Shares add up exactly; what people owe is what all shares are worth, each rounded up by less than one unit.
    #[test]
    fn p01_debts_add_up_to_the_pool(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let state = turn.after.state();
            prop_assert_eq!(sum(&turn.after, BORROW), z(state.borrow.shares));
            let exact = q(state.borrow.shares) * share_price(state.borrow);
            let owed: BigInt = (0..PEOPLE).map(|who| signed(turn.after.assess(who).debt)).sum();
            let owed = Q::from_integer(owed);
            prop_assert!(owed >= exact && owed < exact + n(PEOPLE as i64));
            Ok(())
        })?;
    }

    /// As 1, rounded down; and what people can take out is never more than the pool owns.
    #[test]
    fn p02_supplies_add_up_to_the_pool(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let stored = turn.after.market.state();
            prop_assert_eq!(sum(&turn.after, SUPPLY) + z(stored.treasury_shares), z(stored.supply.shares));
            let claims: BigInt = (0..PEOPLE).map(|who| z(turn.after.supplied(who))).sum();
            prop_assert!(claims <= z(turn.after.state().supply.assets));
            Ok(())
        })?;
    }

    /// The collateral that people posted is the collateral that the contract holds.
    #[test]
    fn p03_posted_collateral_is_there(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            prop_assert_eq!(sum(&turn.after, COLLATERAL), turn.after.cash[1].clone());
            Ok(())
        })?;
    }

    /// What suppliers own is covered by debts and cash, and what lies on top never shrinks.
    #[test]
    fn p04_supply_is_covered_by_debt_and_cash(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let spare = |world: &World| {
                let state = world.state();
                world.cash[0].clone() + z(state.borrow.assets) - z(state.supply.assets)
            };
            prop_assert!(spare(&turn.before) >= BigInt::ZERO && spare(&turn.after) >= spare(&turn.before));
            Ok(())
        })?;
    }

    #[test]
    fn p05_borrowed_is_at_most_supplied(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let state = turn.after.state();
            prop_assert!(state.borrow.assets <= state.supply.assets);
            prop_assert!(z(state.supply.assets) - z(state.borrow.assets) <= turn.after.cash[0]);
            Ok(())
        })?;
    }

    #[test]
    fn p06_no_pool_debt_is_nobody_in_debt(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let nobody = (0..PEOPLE).all(|who| turn.after.held(who, BORROW) == U256::ZERO);
            prop_assert_eq!(turn.after.state().borrow.shares == U256::ZERO, nobody);
            Ok(())
        })?;
    }

    /// When everybody has paid, everybody gets everything, but for the debt of the virtual shares, which nobody pays.
    #[test]
    fn p10_everything_can_be_claimed(setup in setup(), ops in ops()) {
        let mut world = live(setup, &ops, |_| Ok(()))?;
        for who in 0..PEOPLE {
            if world.held(who, BORROW) != U256::ZERO {
                let all = Action::Repay { debt: BORROW, amount: Amount::All };
                let repaid = world.action(who, who, all);
                prop_assert!(repaid.is_ok());
            }
        }
        for who in 0..PEOPLE {
            if world.held(who, COLLATERAL) != U256::ZERO {
                let all = Action::Withdraw { from: COLLATERAL, amount: Amount::All };
                prop_assert!(world.action(who, who, all).is_ok());
            }
            match world.action(who, who, Action::Withdraw { from: SUPPLY, amount: Amount::All }) {
                Ok(_) | Err(Refusal::NothingHeld(SUPPLY)) => {}
                Err(Refusal::InsufficientCash { held, asked }) => {
                    let unpaid = world.state().borrow;
                    prop_assert_eq!(unpaid.shares, U256::ZERO);
                    prop_assert!(z(asked) - z(held) <= z(unpaid.assets));
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }

    /// A call to one market changes no byte of another, and reads none.
    #[test]
    fn p12_markets_are_independent(setup in setup(), other in setup(), ops in ops()) {
        let bystander = World::new(other).market;
        let (mut before, mut after) = (Vec::new(), Vec::new());
        bystander.encode(&mut before);
        live(setup, &ops, |turn| {
            let Some(call) = &turn.call else { return Ok(()) };
            let mut bytes = (Vec::new(), Vec::new());
            turn.before.market.encode(&mut bytes.0);
            let mut again = turn.before.clone();
            prop_assert_eq!(&again.call(call), &turn.outcome);
            if turn.outcome.is_err() {
                again.market.encode(&mut bytes.1);
                prop_assert_eq!(&bytes.0, &bytes.1);
            }
            Ok(())
        })?;
        bystander.encode(&mut after);
        prop_assert_eq!(before, after);
    }

    /// Every token that leaves somebody reaches somebody, and a receipt or debt changes only by minting, burning or
    /// loss; holdings change by flows alone.
    #[test]
    fn flows_balance(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let Ok(effects) = &turn.outcome else { return Ok(()) };
            for flow in &effects.flows {
                let token = flow.instrument.0 < SUPPLY.0;
                let outside = [Party::Mint, Party::Burn, Party::Loss];
                prop_assert!(flow.amount != U256::ZERO);
                prop_assert_eq!(token, !outside.contains(&flow.from) && !outside.contains(&flow.to));
                prop_assert!(flow.to != Party::Loss || flow.instrument == BORROW);
            }
            if let Some(call) = &turn.call {
                let (wallet, pool) = (Party::Wallet(call.actor), Party::Pool);
                let gave = effects.net(wallet, LOAN).unwrap();
                prop_assert_eq!(gave.neg(), effects.net(pool, LOAN).unwrap());
            }
            Ok(())
        })?;
    }
}
