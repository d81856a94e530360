//! Corners that no recording reaches, each computed by hand from the description: four named in the rules, and some beside.

use crate::world::*;
use plimsoll_core::{Account, Action, Amount, Feeds, Int, Market as _, Mechanism, Refusal, U256};
use plimsoll_venues::liquity_v2::{
    BOLD, DEBT, LAST_CHANGE, MIN_DEBT, Parameters, RATE, SHARES, STATUS, Status, collateral, deposit,
};

fn rate(thousandths: u128) -> Action {
    Action::SetTerm { term: RATE, value: wad(thousandths).into() }
}

/// Two troves of one branch: 10 WETH each, 15 000 BOLD at 2000 a piece, rates of 1 and 2 %.
fn pair() -> World {
    let mut world = World::new();
    for (number, rate) in [(0, 10), (1, 20)] {
        world.open_trove(0, number, [whole(10), whole(9_000), wad(rate)]).unwrap();
    }
    world
}

// ---- redemption passes over what is worth less than its debt ---------------------------------------------------

/// The trove of the lowest rate is at 99.9…% and one unit of the price above at 100 %: passed over, then taken first.
#[test]
fn redemption_passes_over_a_trove_below_100_percent() {
    let mut world = World::new();
    // The low one has little collateral for its debt, the other carries the branch above its SCR.
    world.open_trove(0, 1, [whole(100), whole(20_000), wad(20)]).unwrap();
    world.open_trove(0, 0, [whole(6), whole(9_000), wad(10)]).unwrap();
    let now = world.now(trove(0, 0)).unwrap();
    // 100 %: collateral * price / debt >= 10^18, so the price is at least debt * 10^18 / collateral, rounded up.
    let even = now.debt.mul_div_wide(whole(1), now.collateral, plimsoll_core::Rounding::Up).unwrap();
    let mut below = world.clone();
    below.prices[0] = even.sub(u(1)).unwrap();
    world.prices[0] = even;
    for (world, first) in [(&mut below, trove(0, 1)), (&mut world, trove(0, 0))] {
        let queues = world.market.queues(&world.people, Feeds { readings: &world.readings() }, world.at);
        assert_eq!(queues[0].as_ref().unwrap()[0].account, first);
        let before = world.account(first);
        world.redeem(person(1), whole(1_000)).unwrap();
        for number in 0..2 {
            let touched = world.account(trove(0, number)).quantity(DEBT) != before.quantity(DEBT);
            assert!(touched || trove(0, number) != first);
        }
        // At one price the first of the queue pays, at the other it is the second that does.
        let debts = [0, 1].map(|number| world.now(trove(0, number)).unwrap().debt);
        let full = debts[0] == now.debt;
        assert_eq!(full, first == trove(0, 1));
    }
}

// ---- the cooldown ends at seven days exactly -------------------------------------------------------------------

/// A second before seven days a new rate costs a fee; at seven days it costs nothing.
#[test]
fn a_rate_is_free_at_seven_days_exactly() {
    for (seconds, free) in [(7 * DAY - 1, false), (7 * DAY, true), (7 * DAY + 1, true)] {
        let mut world = pair();
        world.at.0 += seconds;
        let before = world.now(trove(0, 0)).unwrap().debt;
        world.act(person(0), trove(0, 0), rate(30)).unwrap();
        let after = world.now(trove(0, 0)).unwrap().debt;
        assert_eq!(after == before, free, "{seconds}");
        if !free {
            // Seven days at the branch's average rate, which lies between 2 and 3 %.
            let fee = after.sub(before).unwrap();
            let of = |rate: u128| z(before) * rate * 7u32 / 365_000u32;
            assert!(of(20) < z(fee) && z(fee) < of(30), "{fee}");
        }
        assert_eq!(world.account(trove(0, 0)).term(LAST_CHANGE), Int::from(START + seconds));
    }
}

/// The same of a batch: of its own last change, and of a trove that leaves it.
#[test]
fn a_batch_has_the_same_cooldown() {
    use plimsoll_core::Manage;
    for (seconds, free) in [(7 * DAY - 1, false), (7 * DAY, true)] {
        let mut world = pair();
        world.register(0, 2, [wad(30), wad(0)]).unwrap();
        world.open_in_batch(0, 2, 2, [whole(10), whole(9_000)]).unwrap();
        world.at.0 += seconds;
        let mut leaving = world.clone();
        let before = world.now(trove(0, 2)).unwrap().debt;
        let manage = Action::ManageGroup { branch: collateral(0), what: Manage::Rate(wad(40)) };
        world.act(person(2), person(2), manage).unwrap();
        assert_eq!(world.now(trove(0, 2)).unwrap().debt == before, free, "{seconds}");
        leaving.act(person(2), trove(0, 2), Action::LeaveGroup { rate: wad(40) }).unwrap();
        assert_eq!(leaving.now(trove(0, 2)).unwrap().debt == before, free, "{seconds}");
        assert!(leaving.account(trove(0, 2)).quantity(SHARES).is_zero());
    }
}

// ---- yield waits while there is less than one BOLD to share it on ----------------------------------------------

/// With 0 < deposits < 1 BOLD yield is parked; with one BOLD it is shared out, all that waited at once.
#[test]
fn yield_is_parked_below_one_bold_of_deposits() {
    let mut world = pair();
    let parked = |world: &World| (world.branch(0).yield_pending, world.branch(0).yield_owed);
    // Upfront fees were minted with an empty pool: all of it waits.
    let first = parked(&world).0;
    assert!(first > U256::ZERO && parked(&world).1 == U256::ZERO);
    world.stake(0, 0, whole(1).sub(u(1)).unwrap()).unwrap();
    assert_eq!(parked(&world), (first, U256::ZERO));
    world.at.0 += 30 * DAY;
    world.act(KEEPER, trove(0, 0), Action::ApplyPending).unwrap();
    let (waiting, owed) = parked(&world);
    assert!(waiting > first && owed == U256::ZERO);
    assert_eq!(world.market.scale(0, 0).interest, U256::ZERO);
    let now = world.market.deposit(&world.account(depositor(0, 0)), 0, world.at).unwrap();
    assert_eq!((now.yield_gain, now.yield_with_pending), (U256::ZERO, U256::ZERO));
    // One unit more makes one BOLD: what waited is owed, floor(P * yield / deposits) for each unit of P.
    world.stake(0, 0, u(1)).unwrap();
    let (left, owed) = parked(&world);
    assert_eq!((left, owed), (U256::ZERO, waiting));
    let each = z(u(10u128.pow(36))) * z(waiting) / z(whole(1));
    assert_eq!(z(world.market.scale(0, 0).interest), each);
    // All of it is this depositor's, who came before it was shared out.
    let now = world.market.deposit(&world.account(depositor(0, 0)), 0, world.at).unwrap();
    assert_eq!(now.yield_gain, waiting);
}

/// An offset leaves one BOLD in the pool, or what is there where that is less.
#[test]
fn an_offset_leaves_one_bold_in_the_pool() {
    for (staked, left) in [
        (u(5), u(5)),
        (whole(1), whole(1)),
        (whole(1).add(u(3)).unwrap(), whole(1)),
        (whole(8_000), whole(1)),
    ] {
        let mut world = pair();
        world.open_trove(0, 2, [whole(50), whole(9_000), wad(20)]).unwrap();
        world.stake(0, 0, staked).unwrap();
        world.prices[0] = whole(950);
        world.liquidate(vec![trove(0, 1)]).unwrap();
        assert_eq!(world.branch(0).deposits, left);
    }
}

// ---- the branch at its critical ratio exactly ------------------------------------------------------------------

/// A loan after which the branch is at CCR to the last digit is given; one unit less of collateral, and it is not.
#[test]
fn a_branch_may_stand_at_ccr_exactly() {
    // With a rate there is a fee, which would be in the way of a round ratio: the price is made to fit instead.
    let build = |held: U256, price: U256| {
        let mut world = World::new();
        world.prices[0] = price;
        world.open_trove(0, 0, [held, whole(9_000), wad(5)]).map(|_| world)
    };
    let probe = build(whole(10), whole(2000)).unwrap();
    let debt = probe.now(trove(0, 0)).unwrap().debt;
    // floor(collateral * price / debt) = 1.5 * 10^18 exactly, of a price of 1000: collateral = ceil(1.5 debt / 1000).
    let ccr = wad(1500);
    let held = debt.mul_div_wide(ccr, whole(1000), plimsoll_core::Rounding::Up).unwrap();
    let world = build(held, whole(1000)).unwrap();
    assert_eq!(world.branch(0).tcr(whole(1000), world.at).unwrap(), ccr);
    let less = build(held.sub(u(1)).unwrap(), whole(1000)).err();
    assert!(matches!(less, Some(Refusal::BranchBelowCcr { ratio, least }) if ratio < ccr && least == ccr));
}

/// At CCR exactly the branch is not below it: a withdrawal is judged by where it leads, not by the repayment with it.
#[test]
fn at_ccr_exactly_the_branch_is_not_below_it() {
    let mut world = pair();
    let (held, owed) =
        (world.branch(0).entire_collateral().unwrap(), world.branch(0).entire_debt(world.at).unwrap());
    let ccr = wad(1500);
    let even = owed.mul_div_wide(ccr, held, plimsoll_core::Rounding::Up).unwrap();
    let withdraw = Action::Adjust {
        collateral: (collateral(0), Int::new(-1)),
        debt: (DEBT, Int::ZERO),
        collateral_party: person(0),
        debt_party: person(0),
    };
    world.prices[0] = even;
    assert_eq!(world.branch(0).tcr(even, world.at).unwrap(), ccr);
    let outcome = world.act(person(0), trove(0, 0), withdraw.clone());
    // The price is rounded up, so one unit of collateral may still be spared; what counts is that no repayment is asked.
    assert!(outcome.is_ok() || matches!(outcome, Err(Refusal::BranchBelowCcr { .. })), "{outcome:?}");
    world.prices[0] = even.sub(u(1)).unwrap();
    assert!(world.branch(0).tcr(world.prices[0], world.at).unwrap() < ccr);
    assert_eq!(world.act(person(0), trove(0, 0), withdraw), Err(Refusal::RepaymentTooSmall));
}

// ---- beside those ------------------------------------------------------------------------------------------------

/// Troves of one rate are redeemed last in, first out.
#[test]
fn of_equal_rates_the_newcomer_is_redeemed_first() {
    let mut world = World::new();
    for number in 0..3 {
        world.open_trove(0, number, [whole(10), whole(3_000), wad(30)]).unwrap();
    }
    let queues = world.market.queues(&world.people, Feeds { readings: &world.readings() }, world.at);
    let order: Vec<_> = queues[0].as_ref().unwrap().iter().map(|one| one.account).collect();
    assert_eq!(order, [trove(0, 2), trove(0, 1), trove(0, 0)]);
    world.redeem(person(2), whole(1_500)).unwrap();
    // 3000 and a fee less 1500 is below 2000: out of the list, and first the next time.
    let account = world.account(trove(0, 2));
    assert_eq!(account.term(STATUS), Int::from(Status::Zombie as u64));
    assert_eq!(world.branch(0).last_zombie, trove(0, 2).0 + 1);
    let rest = world.now(trove(0, 2)).unwrap().debt;
    world.redeem(person(1), rest.add(whole(10)).unwrap()).unwrap();
    assert_eq!(world.branch(0).last_zombie, 0);
    assert_eq!(world.now(trove(0, 2)).unwrap().debt, U256::ZERO);
    assert!(world.now(trove(0, 1)).unwrap().debt < world.now(trove(0, 0)).unwrap().debt);
}

/// A repayment stops at 2000 BOLD, and at 2000 BOLD there is nothing to repay but by closing.
#[test]
fn repaying_stops_at_the_minimum() {
    let mut world = pair();
    world.endow(whole(10_000));
    world
        .act(KEEPER, trove(0, 0), Action::Repay { debt: DEBT, amount: Amount::Assets(whole(9_000)) })
        .unwrap();
    assert_eq!(world.now(trove(0, 0)).unwrap().debt, MIN_DEBT);
    let again = world.act(KEEPER, trove(0, 0), Action::Repay { debt: DEBT, amount: Amount::All });
    assert_eq!(again, Err(Refusal::DebtAtMinimum));
    assert!(matches!(world.act(KEEPER, trove(0, 0), Action::Close), Err(Refusal::NoConsent(_))));
    world.act(trove(0, 0), trove(0, 0), Action::Close).unwrap();
    assert!(world.account(trove(0, 0)).holdings().is_empty());
}

/// Everybody whom the market does not know has together what is in no account, no pool and not with the router.
#[test]
fn strangers_pay_what_is_left() {
    let mut world = pair();
    let repay = |tokens| Action::Repay { debt: DEBT, amount: Amount::Assets(whole(tokens)) };
    let all = world.act(KEEPER, trove(0, 0), repay(1));
    assert_eq!(all, Err(Refusal::BalanceTooLow { held: U256::ZERO, asked: whole(1) }));
    let action =
        |tokens| Action::Transfer { instrument: BOLD, to: KEEPER, amount: Amount::Assets(whole(tokens)) };
    world.act(person(0), person(0), action(100)).unwrap();
    assert_eq!(world.act(KEEPER, trove(0, 0), repay(101)).unwrap_err().code(), "PL0169");
    world.act(KEEPER, trove(0, 0), repay(60)).unwrap();
    world.act(trove(0, 1), trove(0, 1), repay(40)).unwrap();
    assert_eq!(world.act(KEEPER, trove(0, 0), repay(1)).unwrap_err().code(), "PL0169");
}

/// Anybody may put in and repay; everything else is the owner's, who pays with an account of his own.
#[test]
fn a_trove_is_its_owners() {
    let mut world = pair();
    let (id, other) = (trove(0, 0), person(1));
    let assets = |tokens| Amount::Assets(whole(tokens));
    world.act(other, id, Action::Deposit { into: collateral(0), amount: assets(1) }).unwrap();
    world.act(other, id, Action::Repay { debt: DEBT, amount: assets(1) }).unwrap();
    world.act(other, id, Action::ApplyPending).unwrap();
    let owners = [
        Action::Withdraw { from: collateral(0), amount: assets(1) },
        Action::Borrow { debt: DEBT, amount: assets(1) },
        Action::SetTerm { term: plimsoll_venues::liquity_v2::RATE, value: wad(77).into() },
        Action::Close,
    ];
    for action in owners {
        assert!(matches!(world.act(other, id, action), Err(Refusal::NoConsent(_))));
    }
    world.act(person(0), id, Action::Withdraw { from: collateral(0), amount: assets(1) }).unwrap();
}

/// A purse pays what it has.
#[test]
fn a_purse_pays_what_it_has() {
    let mut world = pair();
    let had = world.account(person(0)).quantity(BOLD);
    assert_eq!(had, Int::from(whole(9_000)));
    let action = Action::Repay { debt: DEBT, amount: Amount::Assets(whole(5_000)) };
    world.act(person(0), trove(0, 0), action.clone()).unwrap();
    assert_eq!(world.account(person(0)).quantity(BOLD), Int::from(whole(4_000)));
    world
        .act(
            person(0),
            person(0),
            Action::Transfer { instrument: BOLD, to: person(1), amount: Amount::Assets(whole(3_500)) },
        )
        .unwrap();
    let poor = world.act(person(0), trove(0, 1), action);
    assert_eq!(poor, Err(Refusal::BalanceTooLow { held: whole(500), asked: whole(5_000) }));
}

/// `whatif` and its like put calls in the trove's own name: they go the way of `adjustTrove`, fee included.
#[test]
fn one_sided_calls_in_the_troves_own_name_are_adjustments() {
    let mut world = pair();
    let id = trove(0, 1);
    let before = world.now(id).unwrap();
    world.act(id, id, Action::Deposit { into: collateral(0), amount: Amount::Assets(whole(1)) }).unwrap();
    world.act(id, id, Action::Borrow { debt: DEBT, amount: Amount::Assets(whole(100)) }).unwrap();
    let after = world.now(id).unwrap();
    assert_eq!(after.collateral, before.collateral.add(whole(1)).unwrap());
    let fee = after.debt.sub(before.debt).unwrap().sub(whole(100)).unwrap();
    // Seven days at an average between 1 and 2 % of 100 BOLD.
    assert!(
        z(fee) > z(whole(100)) * 10u32 * 7u32 / 365_000u32
            && z(fee) < z(whole(100)) * 20u32 * 7u32 / 365_000u32
    );
    world.act(id, id, Action::Withdraw { from: collateral(0), amount: Amount::Assets(whole(2)) }).unwrap();
    assert_eq!(world.now(id).unwrap().collateral, before.collateral.sub(whole(1)).unwrap());
}

/// The price falls so far that the second branch can be shut down; interest stops there, and urgent redemption begins.
#[test]
fn a_shutdown_stops_interest_and_opens_urgent_redemption() {
    let mut world = pair();
    world.at.0 += 100 * DAY;
    let rules: Parameters = world.branch(0).rules;
    let owed = world.branch(0).entire_debt(world.at).unwrap();
    let held = world.branch(0).entire_collateral().unwrap();
    // TCR = SCR exactly may stay, one unit of the price below may not.
    let even = owed.mul_div_wide(rules.scr, held, plimsoll_core::Rounding::Up).unwrap();
    let shut = Action::ShutDown { branch: collateral(0) };
    world.prices[0] = even;
    assert!(matches!(world.act(KEEPER, KEEPER, shut.clone()), Err(Refusal::BranchAboveScr { .. })));
    world.prices[0] = even.sub(u(1)).unwrap();
    world.act(KEEPER, KEEPER, shut).unwrap();
    let debt = world.now(trove(0, 0)).unwrap().debt;
    world.at.0 += 100 * DAY;
    assert_eq!(world.now(trove(0, 0)).unwrap().debt, debt);
    let urgent = Action::Liquidate(Mechanism::RedeemUrgently {
        collateral: collateral(0),
        amount: whole(1_000),
        accounts: vec![trove(0, 0)],
    });
    let before = world.account(trove(0, 0)).quantity(collateral(0)).magnitude();
    world.act(person(1), person(1), urgent).unwrap();
    let after = world.account(trove(0, 0)).quantity(collateral(0)).magnitude();
    let paid = z(whole(1_000)) * z(wad(1020)) / z(world.prices[0]);
    assert_eq!(z(before) - z(after), paid);
    assert_eq!(world.now(trove(0, 0)).unwrap().debt, debt.sub(whole(1_000)).unwrap());
    // And nothing is lent there any more.
    let more = world.act(person(0), trove(0, 0), Action::Borrow { debt: DEBT, amount: Amount::Assets(u(1)) });
    assert_eq!(more, Err(Refusal::BranchShutDown));
}

/// A trove of a deposit-only account is none, and its deposit counts as nobody's collateral.
#[test]
fn a_person_owes_nothing() {
    let world = World::begun();
    let seen =
        world.quoted().verdict(&world.account(depositor(0, 1)), plimsoll_core::Test::Liquidation).unwrap();
    assert_eq!(seen.verdict, plimsoll_core::Verdict::NoDebt);
    let balance = world.quoted().balance(&world.account(depositor(0, 1)), deposit(0)).unwrap();
    assert_eq!(balance.raw, whole(9_000));
    let figures = world.quoted().figures(&world.account(depositor(0, 1))).unwrap();
    assert!(figures.iter().any(|figure| figure.name == "getDepositorYieldGainWithPending"));
    let strange = Account::new(KEEPER).with(DEBT, Int::ONE);
    assert!(world.quoted().verdict(&strange, plimsoll_core::Test::Liquidation).is_err());
}
