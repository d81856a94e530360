//! The market beside its model: the same calls, the same state and the same refusals, whatever is done.

use crate::model::{Around, Model, Revert};
use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{Action, Amount, Mechanism, Refusal};
use plimsoll_venues::compound_v3::{DEBT, SUPPLY, collateral};
use proptest::prelude::*;

fn place(instrument: plimsoll_core::InstrumentId) -> Option<usize> {
    (0..3).find(|asset| collateral(*asset) == instrument)
}

/// The same call to the model.
fn done(model: &mut Model, turn: &Turn) -> Option<Result<(), Revert>> {
    let call = turn.call.as_ref()?;
    let prices = turn.before.prices.iter().copied().map(z).collect();
    let around = Around { market: &turn.before.market, prices, at: call.at.0 };
    let who = usize::try_from(call.account.0).unwrap();
    let base = |amount: Amount| match amount {
        Amount::Assets(amount) => Some(z(amount)),
        _ => None,
    };
    let of = |amount: Amount, asset: usize, model: &Model| match amount {
        Amount::Assets(amount) => z(amount),
        _ => model.users[who].posted[asset].clone(),
    };
    Some(match call.action {
        Action::Accrue => {
            model.accrue(&around);
            let principal = model.users[who].principal.clone();
            model.touch(&around, who, principal);
            Ok(())
        }
        Action::Deposit { into: SUPPLY, amount } | Action::Repay { debt: DEBT, amount } => {
            model.supply(&around, who, base(amount))
        }
        Action::Withdraw { from: SUPPLY, amount } | Action::Borrow { debt: DEBT, amount } => {
            model.withdraw(&around, who, base(amount))
        }
        Action::Transfer { instrument: SUPPLY, to, amount } => {
            model.transfer(&around, [who, usize::try_from(to.0).unwrap()], base(amount))
        }
        Action::Deposit { into, amount } => {
            let asset = place(into).unwrap();
            let amount = of(amount, asset, model);
            model.post(&around, who, asset, amount)
        }
        Action::Withdraw { from, amount } => {
            let asset = place(from).unwrap();
            let amount = of(amount, asset, model);
            model.unpost(&around, who, asset, amount)
        }
        Action::Transfer { instrument, to, amount } => {
            let asset = place(instrument).unwrap();
            let amount = of(amount, asset, model);
            model.send_collateral(&around, [who, usize::try_from(to.0).unwrap()], asset, amount)
        }
        Action::Liquidate(Mechanism::Absorb { ref accounts }) => {
            let accounts: Vec<usize> = accounts.iter().map(|id| usize::try_from(id.0).unwrap()).collect();
            model.absorb(&around, &accounts)
        }
        Action::Liquidate(Mechanism::BuyReserve { asset, pay }) => {
            model.buy(&around, place(asset).unwrap(), z(pay))
        }
        ref other => panic!("{other:?}"),
    })
}

fn same(refusal: Refusal, revert: Revert) -> bool {
    match revert {
        Revert::NotCollateralized => matches!(refusal, Refusal::OverCapacity { .. }),
        Revert::BorrowTooSmall => matches!(refusal, Refusal::BorrowTooSmall { .. }),
        Revert::NotLiquidatable => refusal == Refusal::NotLiquidatable,
        Revert::NoSelfTransfer => refusal == Refusal::SelfTransfer,
        Revert::NotForSale => matches!(refusal, Refusal::NotForSale { .. }),
        Revert::InsufficientReserves | Revert::NoCash => matches!(refusal, Refusal::InsufficientCash { .. }),
        Revert::SupplyCapExceeded => matches!(refusal, Refusal::SupplyCap(_)),
        Revert::Underflow => matches!(refusal, Refusal::AmountTooLarge { .. } | Refusal::Overflow(_)),
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn the_market_does_what_its_model_does(ops in ops()) {
        let mut refused = 0;
        live(&ops, |turn| {
            let mut model = Model::of(&turn.before);
            let Some(outcome) = done(&mut model, turn) else { return Ok(()) };
            match (&turn.outcome, outcome) {
                (Ok(_), Ok(())) => prop_assert_eq!(model, Model::of(&turn.after)),
                // "All" of nothing posted is no call of the contract's.
                (Err(Refusal::NothingHeld(_)), _) => {}
                (Err(refusal), Err(revert)) => {
                    refused += 1;
                    prop_assert!(same(*refusal, revert), "{refusal:?} {revert:?}");
                    prop_assert_eq!(Model::of(&turn.before), Model::of(&turn.after));
                }
                (ours, theirs) => prop_assert!(false, "{:?}: {ours:?} {theirs:?}", turn.call),
            }
            Ok(())
        })?;
        prop_assert!(refused < 40);
    }

    /// The line that decides, by either test and either lens, at any time.
    #[test]
    fn the_line_is_the_models_line(ops in ops(), seconds in 0..10_000_000u64) {
        let mut world = live(&ops, |_| Ok(()))?;
        world.at.0 += seconds;
        let prices: Vec<BigInt> = world.prices.iter().copied().map(z).collect();
        let around = Around { market: &world.market, prices, at: world.at.0 };
        let stored = Model::of(&world);
        let mut accrued = stored.clone();
        accrued.accrue(&around);
        for who in 0..PEOPLE {
            for (lens, model) in [(plimsoll_core::Lens::View, &stored), (plimsoll_core::Lens::Action, &accrued)] {
                for (test, borrow) in [(plimsoll_core::Test::Borrow, true), (plimsoll_core::Test::Liquidation, false)] {
                    let seen = world.assess(who, test, lens).unwrap();
                    let told = [signed(seen.backing), signed(seen.requirement)];
                    prop_assert_eq!(told, model.line(&around, usize::try_from(who).unwrap(), borrow));
                }
            }
            let principal = &stored.users[usize::try_from(who).unwrap()].principal;
            let present = accrued.present(principal);
            let balance = z(world.balance(who, SUPPLY)) - z(world.balance(who, DEBT));
            prop_assert_eq!(balance, present);
        }
    }
}
