//! Properties 13 to 25: who may do what to whose health.

use crate::world::*;
use plimsoll_core::{
    Account, AccountId, Action, Amount, Call, Feeds, Int, Lens, Market as _, Reading, Refusal, Silent, Test,
    U256, Verdict, Why,
};
use plimsoll_venues::morpho_blue::{BORROW, COLLATERAL, LOAN, SUPPLY};
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(60))]

    /// At one price and one time no call takes any healthy account below the line: not its own, not another's.
    #[test]
    fn p13_no_call_makes_a_healthy_account_unhealthy(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            if turn.call.is_some() {
                for who in 0..PEOPLE {
                    prop_assert!(turn.before.unhealthy(who) || !turn.after.unhealthy(who), "account {who}");
                }
            }
            Ok(())
        })?;
    }

    /// By exact health, value / debt: supplying and withdrawing leave it, posting and repaying never lower it,
    /// borrowing and taking collateral out never raise it.
    #[test]
    fn p14_calls_move_health_in_their_own_direction(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let (Some(who), true) = (turn.op.subject(), turn.done()) else { return Ok(()) };
            // value / debt compared without dividing: before <=> after
            let (before, after) = (&turn.before, &turn.after);
            let left = before.value(who) * after.debt(who);
            let right = after.value(who) * before.debt(who);
            match turn.op {
                Op::Supply { .. } | Op::Withdraw { .. } => prop_assert_eq!(left, right),
                // One unit is left at least in a pool that still has shares: see 44.
                Op::Repay { .. } if after.state().borrow.assets == U256::ZERO => {}
                Op::Post { .. } | Op::Repay { .. } => prop_assert!(left <= right),
                Op::Borrow { .. } | Op::Unpost { .. } => prop_assert!(left >= right),
                _ => {}
            }
            Ok(())
        })?;
    }

    /// A call about one account changes no holding of another (but for the fee recipient's new shares), and what the
    /// other owes never rises by it.
    #[test]
    fn p16_a_call_leaves_other_accounts_alone(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            if !turn.done() {
                return Ok(());
            }
            for who in (0..PEOPLE).filter(|who| Some(*who) != turn.op.subject()) {
                for instrument in [BORROW, COLLATERAL] {
                    prop_assert_eq!(turn.before.held(who, instrument), turn.after.held(who, instrument));
                }
                let (before, after) = (turn.before.held(who, SUPPLY), turn.after.held(who, SUPPLY));
                let recipient = turn.before.market.state().fee_recipient == Some(AccountId(who));
                prop_assert!(before == after || (recipient && before < after));
                prop_assert!(turn.after.assess(who).debt <= turn.before.assess(who).debt);
                if !turn.bad_debt() {
                    prop_assert!(turn.after.supplied(who) >= turn.before.supplied(who));
                }
            }
            Ok(())
        })?;
    }

    /// Somebody else's supply, collateral or repayment never worsens the account that receives it.
    #[test]
    fn p17_a_gift_never_lowers_health(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            if let (true, Op::Supply { to, .. } | Op::Post { to, .. } | Op::Repay { to, .. }) = (turn.done(), turn.op) {
                let (before, after) = (turn.before.assess(to), turn.after.assess(to));
                prop_assert!(after.backing >= before.backing && after.requirement <= before.requirement);
            }
            Ok(())
        })?;
    }

    #[test]
    fn p15_p18_an_unhealthy_account_cannot_borrow_or_take_collateral(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            if let Op::Borrow { by, .. } | Op::Unpost { by, .. } = turn.op {
                prop_assert!(!(turn.done() && turn.before.unhealthy(by)));
                prop_assert!(!(turn.done() && turn.after.unhealthy(by)));
            }
            Ok(())
        })?;
    }

    /// Whoever owes nothing takes all collateral out, and whoever owes pays all back, with the oracle dead.
    #[test]
    fn p19_leaving_and_repaying_need_no_price(setup in setup(), ops in ops()) {
        let world = live(setup, &ops, |_| Ok(()))?;
        let dead = [Reading::unknown(None, Why::Missing)];
        let act = |who: u64, action: Action| {
            let call = Call { actor: AccountId(who), account: AccountId(who), at: world.at, action };
            world.market.act(&call, &world.accounts, Feeds { readings: &dead }, &mut Silent)
        };
        for who in 0..PEOPLE {
            let out = act(who, Action::Withdraw { from: COLLATERAL, amount: Amount::All });
            if world.held(who, BORROW) != U256::ZERO {
                prop_assert_eq!(out, Err(Refusal::PriceUnknown { slot: 0, why: Why::Missing }));
                let repaid = act(who, Action::Repay { debt: BORROW, amount: Amount::All });
                prop_assert!(repaid.is_ok());
            } else if world.held(who, COLLATERAL) == U256::ZERO {
                prop_assert_eq!(out, Err(Refusal::NothingHeld(COLLATERAL)));
            } else {
                prop_assert!(out.is_ok());
            }
        }
    }

    /// Morpho has one line: what may be borrowed is what may not be liquidated.
    #[test]
    fn p20_the_borrow_line_is_the_liquidation_line(setup in setup(), ops in ops()) {
        let world = live(setup, &ops, |_| Ok(()))?;
        let readings = [Reading::certain(world.price)];
        let quoted = world.market.at(Feeds { readings: &readings }, Lens::Action, world.at).unwrap();
        for account in &world.accounts {
            let line = quoted.verdict(account, Test::Liquidation);
            for test in [Test::Borrow, Test::Fill, Test::LiquidationEnd] {
                prop_assert_eq!(quoted.verdict(account, test), line);
            }
        }
    }

    /// The headroom of k times the position is k times its headroom, within k times the slack.
    #[test]
    fn p22_headroom_scales_with_the_position(setup in setup(), ops in ops(), k in 1..1000u16) {
        let world = live(setup, &ops, |_| Ok(()))?;
        let readings = [Reading::certain(world.price)];
        let quoted = world.market.at(Feeds { readings: &readings }, Lens::Action, world.at).unwrap();
        for who in 0..PEOPLE {
            let one = world.account(who);
            let mut many = Account::new(one.id);
            for instrument in [COLLATERAL, BORROW] {
                many.set(instrument, one.quantity(instrument).mul(Int::new(k.into())).unwrap());
            }
            let headroom = |account: &Account| {
                let line = quoted.verdict(account, Test::Liquidation).unwrap();
                signed(line.backing) - signed(line.requirement)
            };
            let off = headroom(&many) - headroom(one) * k;
            prop_assert!(off.magnitude() <= &num_bigint::BigUint::from(3 * u32::from(k)));
        }
    }

    /// In whatever order an account is put together, it is the same account.
    #[test]
    fn p23_order_of_holdings_does_not_matter(supply in 1..u64::MAX, posted in 1..u64::MAX, owed in 1..u64::MAX) {
        let parts = [(SUPPLY, supply), (COLLATERAL, posted), (BORROW, owed)];
        let build = |order: [usize; 3]| {
            order.iter().fold(Account::new(AccountId(0)), |account, &at| {
                account.with(parts[at].0, Int::from(parts[at].1))
            })
        };
        for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            prop_assert_eq!(build(order), build([0, 1, 2]));
        }
    }

    /// Without debt there is no health, whatever is held and whatever the price; with debt a dead price is told.
    #[test]
    fn p24_p25_no_debt_is_a_verdict_that_no_price_can_block(
        supply in 0..u128::MAX, posted in 0..u128::MAX, price in any::<[u8; 32]>(),
    ) {
        let world = World::new(Setup { irm: plimsoll_venues::morpho_blue::Irm::Zero, ..SETUP });
        let account = Account::new(AccountId(0))
            .with(SUPPLY, u(supply).into())
            .with(COLLATERAL, u(posted).into());
        let price = Reading::certain(U256::from_le_bytes(price));
        for reading in [price, Reading::unknown(None, Why::Stale)] {
            let quoted = world.market.at(Feeds { readings: &[reading] }, Lens::Action, world.at).unwrap();
            let line = quoted.verdict(&account, Test::Liquidation).unwrap();
            prop_assert_eq!((line.verdict, line.debt), (Verdict::NoDebt, Int::ZERO));
            prop_assert!(quoted.figures(&account).unwrap().iter().all(|figure| figure.name != "healthFactor"));
        }
        let owing = account.with(BORROW, Int::ONE);
        let quoted = world.market.at(Feeds { readings: &[] }, Lens::Action, world.at).unwrap();
        let unknown = Err(Refusal::PriceUnknown { slot: 0, why: Why::Missing });
        prop_assert_eq!(quoted.verdict(&owing, Test::Liquidation), unknown);
    }
}

pub(crate) const SETUP: Setup = Setup {
    lltv: 860_000_000_000_000_000,
    irm: plimsoll_venues::morpho_blue::Irm::AdaptiveCurve,
    fee: 0,
    fee_to_account: false,
    loan_power: 12,
    collateral_power: 21,
    worth: 2000,
};

/// A token outside the market is no holding of it, and neither is a negative or an oversized one.
#[test]
fn an_account_that_contradicts_itself_is_refused() {
    let world = World::new(SETUP);
    let quoted = world.market.at(Feeds { readings: &[] }, Lens::View, world.at).unwrap();
    let holding = |instrument, quantity| Account::new(AccountId(0)).with(instrument, quantity);
    let beyond = Int::from(U256::ZERO.with_bit(128, true));
    for (account, refusal) in [
        (holding(LOAN, Int::ONE), Refusal::NoSuchInstrument(LOAN)),
        (
            holding(BORROW, Int::new(-1)),
            Refusal::InconsistentAccount("a holding that is negative or beyond 128 bits"),
        ),
        (
            holding(COLLATERAL, beyond),
            Refusal::InconsistentAccount("a holding that is negative or beyond 128 bits"),
        ),
    ] {
        assert_eq!(quoted.verdict(&account, Test::Liquidation), Err(refusal));
    }
}
