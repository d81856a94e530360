//! The books add up: accounts, spokes, hubs.

use crate::seen;
use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{Market as _, Party};
use plimsoll_venues::aave_v4::{debt, premium_offset, premium_shares, receipt};
use proptest::prelude::*;

/// What accounts have is what their spokes have of their hubs, share by share; what spokes have is what hubs have; and the
/// tokens are there. `dust` is how many liquidations may have left a share with nobody.
pub(crate) fn adds_up(world: &World, dust: usize) -> Checked {
    let market = &world.market;
    let term = |name: fn(usize) -> plimsoll_core::TermId, place: usize| -> BigInt {
        world.accounts.iter().map(|account| signed(account.term(name(place)))).sum()
    };
    for (place, reserve) in market.reserves().iter().enumerate() {
        let link = &reserve.link;
        let over = z(link.added_shares) - all_of(world, receipt(place));
        prop_assert!(over >= BigInt::ZERO && over <= BigInt::from(dust), "{over}");
        prop_assert_eq!(all_of(world, debt(place)), z(link.drawn_shares));
        prop_assert_eq!(term(premium_shares, place), z(link.premium_shares));
        prop_assert_eq!(term(premium_offset, place), signed(link.premium_offset));
    }
    for (number, asset) in market.assets().iter().enumerate() {
        let own = || market.reserves().iter().enumerate().filter(|(_, reserve)| reserve.asset == number);
        let sum = |of: fn(&plimsoll_venues::aave_v4::Link) -> BigInt| -> BigInt {
            own().map(|(_, reserve)| of(&reserve.link)).sum()
        };
        let state = &asset.state;
        prop_assert_eq!(sum(|link| z(link.added_shares)) + z(state.fee_shares), z(state.added_shares));
        prop_assert_eq!(sum(|link| z(link.drawn_shares)), z(state.drawn_shares));
        prop_assert_eq!(sum(|link| z(link.premium_shares)), z(state.premium_shares));
        prop_assert_eq!(sum(|link| signed(link.premium_offset)), signed(state.premium_offset));
        prop_assert_eq!(sum(|link| z(link.deficit)), z(state.deficit));
        let flowed: BigInt = own()
            .map(|(place, _)| all_of(world, receipt(place)) + &world.treasury[receipt(place).index()])
            .sum();
        prop_assert_eq!(flowed, z(state.added_shares));
        let cash: BigInt = own().map(|(place, _)| &world.pool[3 * place]).sum();
        prop_assert_eq!(cash, z(state.liquidity) + z(state.swept));
        // The price of a share never falls below one: losses stay owed, and roundings are the suppliers'.
        let views = asset.views(plimsoll_core::Time(world.at)).unwrap();
        prop_assert!(views.added_assets >= state.added_shares, "{number}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn liquidation_conserves_quantities(ops in ops()) {
        let mut liquidations = 0;
        live(&ops, |_, after, _, outcome| {
            let Ok(Some(done)) = outcome else { return Ok(()) };
            if let Some(it) = &done.liquidation {
                liquidations += 1;
                seen::liquidations(1);
                let told = done.effects.liquidated.as_ref().unwrap();
                prop_assert_eq!((told.repaid, told.seized), (it.paid, it.seized));
                prop_assert!(it.to_liquidator <= it.shares);
            }
            adds_up(after, liquidations)
        })?;
    }

    /// What a liquidation costs the keeper never is worth more than he gets beyond the debt's rounding, and nobody pays twice.
    #[test]
    fn flows_balance(ops in ops()) {
        live(&ops, |_, _, _, outcome| {
            let Ok(Some(done)) = outcome else { return Ok(()) };
            for token in tokens() {
                let outside = done.effects.flows.iter().filter(|flow| flow.instrument == token);
                for flow in outside {
                    let ends = [flow.from, flow.to];
                    prop_assert!(ends.contains(&Party::Pool));
                    prop_assert!(ends.iter().any(|end| matches!(end, Party::Wallet(_))));
                }
            }
            Ok(())
        })?;
    }

    /// A refused call changes nothing, and a call done twice from the same world says the same.
    #[test]
    fn a_refused_call_changes_nothing(ops in ops()) {
        live(&ops, |before, after, op, outcome| {
            let mut again = before.clone();
            prop_assert_eq!(&play(&mut again, op), outcome);
            if outcome.is_err() {
                let (mut one, mut other) = (Vec::new(), Vec::new());
                before.market.encode(&mut one);
                after.market.encode(&mut other);
                prop_assert_eq!(one, other);
                prop_assert_eq!(&before.accounts, &after.accounts);
            }
            Ok(())
        })?;
    }
}
