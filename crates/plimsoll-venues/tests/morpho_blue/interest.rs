//! Properties 43 to 48 and 55: interest and time.

use crate::health::SETUP;
use crate::world::*;
use plimsoll_core::{AccountId, Action, Amount, Call, Effects, Refusal, Time, U256};
use plimsoll_venues::morpho_blue::{BORROW, Irm, MAX_FEE, Market, Parameters, Pool, SUPPLY, State};
use proptest::prelude::*;

const SECONDS_A_YEAR: u64 = 31_536_000;

/// A market with these totals, last updated at [`START`].
fn market(irm: Irm, supply: u128, borrow: u128, rate_at_target: u128) -> Market {
    let parameters = Parameters { loan_decimals: 6, collateral_decimals: 18, lltv: u(SETUP.lltv), irm };
    let pool = |assets: u128| Pool { assets: u(assets), shares: u(assets).mul(u(1_000_000)).unwrap() };
    let state = State {
        supply: pool(supply),
        borrow: pool(borrow),
        rate_at_target: u(rate_at_target),
        ..state(START)
    };
    Market::new(["USDC", "WETH"], parameters, state).unwrap()
}

fn later(market: &Market, seconds: u64) -> Market {
    let (state, _) = market.accrued(Time(market.state().last_update + seconds)).unwrap();
    Market::new(["USDC", "WETH"], *market.parameters(), state).unwrap()
}

/// What property 44 says of one turn.
fn keeps_its_worth(turn: &Turn) -> Checked {
    let (before, after) = (turn.before.state(), turn.after.state());
    if let Op::Wait(_) = turn.op {
        // Two accruals that begin at one stored state may differ by the floor of the fee's shares: the earlier one may
        // have left out nearly a share that the later one gives, and its suppliers look richer by that.
        let floored = Pool { shares: before.supply.shares.add(u(1)).unwrap(), ..before.supply };
        prop_assert!(share_price(after.supply) >= share_price(floored));
        prop_assert!(share_price(after.borrow) >= share_price(before.borrow));
        // One after another, as calls make them, nothing is lost at all.
        let mut accrued = turn.before.clone();
        accrued.step(Op::Accrue { by: 0 });
        prop_assert!(share_price(accrued.step(turn.op).after.state().supply) >= share_price(before.supply));
        return Ok(());
    }
    if !turn.bad_debt() {
        prop_assert!(share_price(after.supply) >= share_price(before.supply));
    }
    if after.borrow.assets != U256::ZERO {
        prop_assert!(share_price(after.borrow) <= share_price(before.borrow));
    }
    Ok(())
}

/// A population whose two waits in a row made the later view of the share stand below the earlier one.
#[test]
fn p44_one_floor_of_the_fee_between_two_views() {
    let (lltv, fee) = (915_000_000_000_000_000, 250_000_000_000_000_000);
    let setup = Setup {
        lltv,
        irm: Irm::AdaptiveCurve,
        fee,
        fee_to_account: false,
        loan_power: 9,
        collateral_power: 1,
        worth: 3411,
    };
    let supply = |size| Op::Supply { by: 0, to: 0, size };
    let ops = [
        Op::Borrow { by: 1, size: Size::Shares(442) },
        Op::Wait(1),
        Op::Repay { by: 0, to: 0, size: Size::Part(404) },
        supply(Size::All),
        supply(Size::All),
        Op::Price(900),
        Op::Wait(54),
        Op::Wait(3),
        supply(Size::Few(0)),
        supply(Size::Few(0)),
    ];
    let mut lower = 0;
    live(setup, &ops, |turn| {
        let later = share_price(turn.after.state().supply);
        lower += u32::from(later < share_price(turn.before.state().supply));
        keeps_its_worth(turn)
    })
    .unwrap();
    assert_eq!(lower, 1, "the case that this is about");
}

proptest! {
    #![proptest_config(cases(60))]

    /// Bringing interest up to date first changes nothing of what a call then does in the same second.
    #[test]
    fn p43_accruing_first_changes_no_call(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let Some(call) = &turn.call else { return Ok(()) };
            if matches!(call.action, Action::Accrue | Action::Deposit { into: plimsoll_venues::morpho_blue::COLLATERAL, .. }) {
                return Ok(()); // posting collateral is the one call that does not accrue
            }
            let mut accrued = turn.before.clone();
            let first = accrued.action(0, 0, Action::Accrue).unwrap();
            let again = accrued.action(0, 0, Action::Accrue);
            prop_assert_eq!(again, Ok(Effects::default()));
            match (&turn.outcome, accrued.call(call)) {
                (Ok(at_once), Ok(then)) => {
                    let flows: Vec<_> = first.flows.iter().chain(&then.flows).copied().collect();
                    prop_assert_eq!(&at_once.flows, &flows);
                    prop_assert_eq!(turn.after.market.state(), accrued.market.state());
                }
                (Err(at_once), Err(then)) => prop_assert_eq!(*at_once, then),
                (at_once, then) => prop_assert!(false, "{at_once:?} {then:?}"),
            }
            Ok(())
        })?;
    }

    /// A supply share never loses worth but by bad debt. A borrow share gains only by time, but where a repayment
    /// empties the pool to below one unit: the total then stops at zero, and the virtual unit stands for it.
    #[test]
    fn p44_shares_keep_their_worth(setup in setup(), ops in ops()) {
        live(setup, &ops, keeps_its_worth)?;
    }

    /// Suppliers gain exactly what borrowers owe more; with the fee taken off, those who hold shares gain no more.
    #[test]
    fn p45_suppliers_earn_at_most_what_borrowers_pay(setup in setup(), ops in ops(), seconds in 1..3_000_000u32) {
        let mut world = live(setup, &ops, |_| Ok(()))?;
        // One accrual after another. Two that begin at one stored state may differ by the floor of the fee's shares.
        world.step(Op::Accrue { by: 0 });
        let turn = world.step(Op::Wait(seconds));
        let (before, after) = (turn.before.state(), turn.after.state());
        let paid = z(after.borrow.assets) - z(before.borrow.assets);
        prop_assert_eq!(z(after.supply.assets) - z(before.supply.assets), paid.clone());
        let earned = q(before.supply.shares) * (share_price(after.supply) - share_price(before.supply));
        prop_assert!(earned <= Q::from_integer(paid));
    }

    /// The clock of a market goes forward only; a call from the past is refused and changes nothing.
    #[test]
    fn p46_no_time_travel(setup in setup(), ops in ops(), back in 1..1_000_000u64) {
        let world = live(setup, &ops, |turn| {
            let (before, after) = (turn.before.market.state(), turn.after.market.state());
            prop_assert!(before.last_update <= after.last_update && after.last_update <= turn.after.at.0);
            Ok(())
        })?;
        let last = world.market.state().last_update;
        let mut past = world.clone();
        past.at = Time(last - back);
        let refusal = Refusal::ClockWentBack { state: Time(last), asked: past.at };
        for action in [Action::Accrue, Action::Repay { debt: BORROW, amount: Amount::All }] {
            let call = Call { actor: AccountId(1), account: AccountId(1), at: past.at, action };
            let refused = past.call(&call).is_err_and(|refused| {
                refused == refusal || refused == Refusal::NothingOwed(BORROW)
            });
            prop_assert!(refused);
        }
        prop_assert_eq!(past.market.state(), world.market.state());
    }

    /// Two accruals never give less than one over the same time, but for their floors: with x = rate * seconds, the
    /// product (1 + x + x^2/2 + x^3/6)(1 + y + ...) contains every term of the single one, and utilisation only rises.
    /// Each accrual floors growth by less than 3 wei and interest by less than a unit.
    #[test]
    fn p47_accruing_in_two_steps_compounds(
        supply in 1..=10u128.pow(30), used in 0..=1000u128, first in 0..3_000_000u64, second in 0..3_000_000u64,
    ) {
        let market = market(Irm::Utilisation, supply, supply / 1000 * used, 0);
        let split = later(&later(&market, first), second);
        let once = later(&market, first + second);
        let floors = n(2) * (n(1) + n(3) * q(split.state().borrow.assets) / ten(18));
        prop_assert!(q(split.state().borrow.assets) + floors >= q(once.state().borrow.assets));
        // Without a rate model nothing but the clock moves, in however many steps.
        let idle = market_without_rate(supply, used);
        let (split, once) = (later(&later(&idle, first), second), later(&idle, first + second));
        prop_assert_eq!(split.state(), once.state());
    }

    /// The adaptive model's rate at target stays between 0.1 % and 200 % a year, and the borrow rate between a quarter
    /// and four times of that.
    #[test]
    fn p48_rates_and_fees_stay_within_bounds(
        supply in 0..=10u128.pow(30), used in 0..=1000u128, rate in 31_709_791..=63_419_583_967u128,
        seconds in 1..400_000_000u64,
    ) {
        let market = market(Irm::AdaptiveCurve, supply, supply / 1000 * used, rate);
        let (state, interest) = market.accrued(Time(START + seconds)).unwrap();
        let (low, high) = (10u128.pow(15) / 31_536_000, 2 * 10u128.pow(18) / 31_536_000);
        prop_assert!(state.rate_at_target >= u(low) && state.rate_at_target <= u(high));
        let rate = interest.unwrap().rate;
        prop_assert!(rate >= u(low / 4 - 1) && rate <= u(4 * high));
    }

    /// Interest by exact rationals: never above the three-term series, and below it by less than its floors.
    #[test]
    fn p52_interest_is_the_series_rounded_down(
        supply in 1..=10u128.pow(30), used in 1..=1000u128, seconds in 1..100_000_000u64,
    ) {
        let borrow = supply / 1000 * used;
        let market = market(Irm::Utilisation, supply, borrow, 0);
        let (_, interest) = market.accrued(Time(START + seconds)).unwrap();
        let interest = interest.unwrap();
        // floor(floor(borrow / supply) / year), in wad
        let rate = (q(u(borrow)) * ten(18) / q(u(supply))).floor() / n(SECONDS_A_YEAR as i64);
        prop_assert_eq!(q(interest.rate), rate.floor());
        let x = rate.floor() * n(seconds as i64) / ten(18);
        let series = &x + &x * &x / n(2) + &x * &x * &x / n(6);
        let exact = q(u(borrow)) * series;
        // x2 loses less than one wei, x3 less than 1 + x / 3 of them.
        let floors = n(1) + q(u(borrow)) * (n(2) + x) / ten(18);
        prop_assert!(q(interest.interest) <= exact && q(interest.interest) + floors > exact);
    }

    /// The fee's shares are worth the fee, less the floors of the fee (a unit) and of the shares (a share): not more, so
    /// the new shares take nothing from the suppliers but the fee.
    #[test]
    fn p52_fee_shares_are_worth_the_fee(setup in setup(), ops in ops(), seconds in 1..3_000_000u32) {
        let mut world = live(setup, &ops, |_| Ok(()))?;
        world.action(0, 0, Action::Accrue).unwrap();
        world.step(Op::Wait(seconds));
        let (after, interest) = world.market.accrued(world.at).unwrap();
        let Some(interest) = interest else { return Ok(()) };
        let share = share_price(after.supply);
        let worth = q(interest.fee_shares) * &share;
        let fee = q(interest.interest) * q(after.fee) / ten(18);
        prop_assert!(worth <= fee && fee < worth + n(1) + share);
        prop_assert_eq!(z(after.supply.shares) - z(world.market.state().supply.shares), z(interest.fee_shares));
    }

    /// The fee recipient's own call already finds the new shares: "all" includes them, and so does what it is told it
    /// owns.
    #[test]
    fn the_fee_recipient_owns_the_fee_at_once(setup in setup(), ops in ops(), seconds in 1..3_000_000u32) {
        let mut world = live(Setup { fee_to_account: true, ..setup }, &ops, |_| Ok(()))?;
        world.step(Op::Wait(seconds));
        let recipient = PEOPLE - 1;
        let mut accrued = world.clone();
        accrued.action(0, 0, Action::Accrue).unwrap();
        prop_assert_eq!(world.supplied(recipient), accrued.supplied(recipient));
        let all = || Action::Withdraw { from: SUPPLY, amount: Amount::All };
        let (at_once, later) = (world.action(recipient, recipient, all()), accrued.action(recipient, recipient, all()));
        prop_assert_eq!(at_once.is_ok(), later.is_ok());
        if at_once.is_ok() {
            prop_assert_eq!(world.held(recipient, SUPPLY), U256::ZERO);
            prop_assert_eq!(world.market.state(), accrued.market.state());
        }
    }

    /// "All" means all whenever the call is mined: repaying and withdrawing everything does not miss the interest
    /// of the time in between.
    #[test]
    fn p55_all_is_still_all_later(setup in setup(), ops in ops(), seconds in 1..3_000_000u32) {
        let mut world = live(setup, &ops, |_| Ok(()))?;
        world.step(Op::Wait(seconds));
        for who in 0..PEOPLE {
            if world.held(who, BORROW) != U256::ZERO {
                let all = Action::Repay { debt: BORROW, amount: Amount::All };
                prop_assert!(world.action(who, who, all).is_ok());
                prop_assert_eq!(world.held(who, BORROW), U256::ZERO);
            }
        }
        if world.held(0, SUPPLY) != U256::ZERO
            && world.action(0, 0, Action::Withdraw { from: SUPPLY, amount: Amount::All }).is_ok()
        {
            prop_assert_eq!(world.held(0, SUPPLY), U256::ZERO);
        }
    }
}

fn market_without_rate(supply: u128, used: u128) -> Market {
    market(Irm::Zero, supply, supply / 1000 * used, 0)
}

/// From the model's description: at the target (90 %) the rate is the rate at target and does not move; at 100 % it is
/// four times that, empty a quarter; the first call answers with 4 % a year.
#[test]
fn the_curve_at_its_corners() {
    let target = 1_268_391_679; // 4 % a year
    let supply = 10u128.pow(24);
    let rate = |borrow, seconds, at_target| {
        let market = market(Irm::AdaptiveCurve, supply, borrow, at_target);
        let (state, interest) = market.accrued(Time(START + seconds)).unwrap();
        (interest.unwrap().rate.to_u128().unwrap(), state.rate_at_target.to_u128().unwrap())
    };
    assert_eq!(rate(supply / 10 * 9, 1_000_000, target), (target, target));
    assert_eq!(rate(supply, 1, 0), (4 * target, target));
    assert_eq!(rate(0, 1, 0), (target / 4, target));
    // 50 a year at full error: after a fifth of a year the rate has grown e^10 times and stands at its bound; after
    // five days e^(50 * 5 / 365) = 1.98 times.
    assert_eq!(rate(supply, SECONDS_A_YEAR / 5, target).1, 63_419_583_967);
    let five_days = rate(supply, 5 * 86_400, target).1;
    assert!(five_days > target * 19 / 10 && five_days < target * 21 / 10);
    assert_eq!(rate(0, SECONDS_A_YEAR, target).1, 31_709_791);
}

#[test]
fn p48_a_fee_above_the_maximum_is_no_market() {
    let market = market(Irm::Zero, 1, 0, 0);
    let with = |fee| Market::new(["A", "B"], *market.parameters(), State { fee, ..*market.state() });
    assert!(with(MAX_FEE).is_ok());
    assert_eq!(with(MAX_FEE.add(U256::ONE).unwrap()).err(), Some(Refusal::NoSuchCell));
}
