//! Conservation: every unit seized, paid, burned, shared out or left over adds up, and the market's totals move as
//! accounts do.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{AccountId, Accounts as _, Effects, Int, Market as _, Party, U256};
use plimsoll_venues::liquity_v2::{
    BATCH, BOLD, DEBT, NEXT, PREVIOUS, RATE, SHARES, STAKE, STATUS, Status, collateral, deposit, gain,
    surplus, token,
};
use proptest::prelude::*;

fn sum(values: impl IntoIterator<Item = U256>) -> BigInt {
    values.into_iter().map(z).sum()
}

/// What the contracts hold of tokens is what they say they hold.
fn tokens_add_up(world: &World) -> Checked {
    let open: u64 = world.market.branches().iter().map(|branch| branch.troves).sum();
    for (number, branch) in world.market.branches().iter().enumerate() {
        // Reserves for gas are in the first branch's token.
        let reserves =
            if number == 0 { BigInt::from(37_500_000_000_000_000u64) * open } else { BigInt::ZERO };
        let kept = sum([branch.active_collateral, branch.default_collateral, branch.surplus]);
        prop_assert_eq!(world.held(Party::Pool, token(number)), kept + reserves);
        prop_assert_eq!(world.held(Party::StabilityPool, token(number)), z(branch.pool_collateral));
        prop_assert_eq!(world.held(Party::Pool, collateral(number)), z(branch.default_collateral));
    }
    Ok(())
}

/// All BOLD is somewhere, and all of it is somebody's debt.
fn bold_adds_up(world: &World) -> Checked {
    let system = world.market.system();
    let pools = world.market.branches().iter();
    let pools = sum(pools.flat_map(|branch| [branch.deposits, branch.yield_owed, branch.yield_pending]));
    prop_assert_eq!(&world.held(Party::StabilityPool, BOLD), &pools);
    prop_assert_eq!(world.held(Party::Treasury, BOLD), z(system.router));
    let people: BigInt = (0..PEOPLE).map(|number| signed(world.account(person(number)).quantity(BOLD))).sum();
    let outside = world.held(Party::Wallet(KEEPER), BOLD);
    prop_assert_eq!(&z(system.listed), &people);
    prop_assert_eq!(z(system.unlisted(world.market.branches())), outside.clone());
    prop_assert_eq!(people + outside + pools + z(system.router), z(system.supply));
    let debts = world.market.branches().iter().flat_map(|branch| [branch.recorded_debt, branch.default_debt]);
    prop_assert_eq!(sum(debts), z(system.supply));
    let redistributed = world.market.branches().iter().map(|branch| branch.default_debt);
    prop_assert_eq!(world.held(Party::Pool, DEBT), sum(redistributed));
    Ok(())
}

/// A branch's sums are the sums of its troves; of debts they are never less, and by no more than rounding.
fn branches_add_up(world: &World, calls: u64) -> Checked {
    for (number, branch) in world.market.branches().iter().enumerate() {
        let open = world.open(number);
        prop_assert_eq!(open.len() as u64, branch.troves);
        let recorded = open.iter().map(|(account, _)| account.quantity(collateral(number)).magnitude());
        prop_assert_eq!(sum(recorded), z(branch.active_collateral));
        prop_assert_eq!(
            sum(open.iter().map(|(account, _)| account.term(STAKE).magnitude())),
            z(branch.total_stakes)
        );
        let gains = sum(open.iter().map(|(_, now)| now.redistributed_collateral));
        prop_assert!(gains <= z(branch.default_collateral));
        let owed = sum(open.iter().map(|(_, now)| now.debt));
        let entire = z(branch.entire_debt(world.at).unwrap());
        prop_assert!(owed <= entire, "{owed} {entire}");
        // One unit for each interest that is rounded up, a few for each trove; redistribution loses no more than
        // a stake's worth of an 10^-18, and shares no more than a share's worth of debt.
        let worst = BigInt::from(calls + 1) * BigInt::from(10u64.pow(12));
        prop_assert!(&entire - &owed < worst, "{entire} {owed}");

        let mut weighted = BigInt::ZERO;
        for (account, _) in &open {
            weighted += signed(account.quantity(DEBT)) * signed(account.term(RATE));
        }
        for (_, manager, batch) in world.market.batches().filter(|(of, _, _)| *of == number) {
            weighted += z(batch.debt) * z(batch.rate);
            let member = |account: &plimsoll_core::Account| account.term(BATCH) == Int::from(manager.0 + 1);
            let members: Vec<_> = open.iter().filter(|(account, _)| member(account)).collect();
            let shares = members.iter().map(|(account, _)| account.quantity(SHARES).magnitude());
            prop_assert_eq!(sum(shares), z(batch.shares));
            let held = members.iter().map(|(account, _)| account.quantity(collateral(number)).magnitude());
            prop_assert_eq!(sum(held), z(batch.collateral));
        }
        prop_assert_eq!(weighted, z(branch.weighted_debt));
        let claims = (0..PEOPLE).map(|one| world.account(person(one)).quantity(surplus(number)).magnitude());
        prop_assert_eq!(sum(claims), z(branch.surplus));
    }
    Ok(())
}

/// Depositors together can claim no more than their pool has.
fn pools_cover_deposits(world: &World) -> Checked {
    for (number, branch) in world.market.branches().iter().enumerate() {
        let mut claims = [BigInt::ZERO, BigInt::ZERO, BigInt::ZERO];
        for one in 0..PEOPLE {
            let account = world.account(depositor(number, one));
            let now = world.market.deposit(&account, number, world.at).unwrap();
            claims[0] += z(now.compounded);
            claims[1] += z(now.yield_gain);
            claims[2] += z(now.collateral_gain) + signed(account.quantity(gain(number)));
            prop_assert!(now.compounded <= account.quantity(deposit(number)).magnitude());
            prop_assert!(now.yield_with_pending >= now.yield_gain || branch.deposits < whole(1));
        }
        prop_assert!(claims[0] <= z(branch.deposits));
        prop_assert!(claims[1] <= z(branch.yield_owed));
        prop_assert!(claims[2] <= z(branch.pool_collateral));
    }
    Ok(())
}

/// The list holds every active trove once, highest rate first, each batch in one piece.
fn the_list_is_sorted(world: &World) -> Checked {
    for (number, branch) in world.market.branches().iter().enumerate() {
        let mut listed = Vec::new();
        let (mut next, mut last) = (branch.head, 0);
        while next != 0 {
            let account = world.people.get(AccountId(next - 1)).unwrap();
            prop_assert_eq!(account.term(PREVIOUS), Int::from(last));
            prop_assert_eq!(account.term(STATUS), Int::from(Status::Active as u64));
            listed.push(account.clone());
            (last, next) = (next, account.term(NEXT).to_u64().unwrap());
            prop_assert!(listed.len() as u64 <= branch.troves);
        }
        prop_assert_eq!(branch.tail, last);
        let batch = |account: &plimsoll_core::Account| account.term(BATCH).to_u64().unwrap();
        let rate = |account: &plimsoll_core::Account| {
            let of = world.market.batches().find(|(b, id, _)| *b == number && id.0 + 1 == batch(account));
            of.map_or(account.term(RATE).magnitude(), |(_, _, batch)| batch.rate)
        };
        prop_assert!(listed.windows(2).all(|pair| rate(&pair[0]) >= rate(&pair[1])));
        let mut batches: Vec<u64> = listed.iter().map(batch).filter(|batch| *batch != 0).collect();
        let places: Vec<u64> = listed.iter().map(batch).collect();
        batches.dedup();
        let pieces = |one: u64| {
            let inside: Vec<usize> =
                places.iter().enumerate().filter(|(_, b)| **b == one).map(|(at, _)| at).collect();
            inside.last().map_or(0, |last| last + 1 - inside[0]) == inside.len()
        };
        prop_assert!(batches.iter().all(|one| pieces(*one)));
        for (_, manager, batch_state) in world.market.batches().filter(|(of, _, _)| *of == number) {
            let ends = listed.iter().filter(|account| batch(account) == manager.0 + 1);
            let ends: Vec<u64> = ends.map(|account| account.id.0 + 1).collect();
            prop_assert_eq!(batch_state.head, ends.first().copied().unwrap_or(0));
            prop_assert_eq!(batch_state.tail, ends.last().copied().unwrap_or(0));
        }
        let active =
            world.open(number).iter().filter(|(account, _)| account.term(STATUS) == Int::ONE).count();
        prop_assert_eq!(active, listed.len());
    }
    Ok(())
}

fn everything_adds_up(world: &World, calls: u64) -> Checked {
    for account in world.people.0.values() {
        prop_assert!(account.holdings().iter().all(|holding| !holding.quantity.is_negative()));
    }
    tokens_add_up(world)?;
    bold_adds_up(world)?;
    branches_add_up(world, calls)?;
    pools_cover_deposits(world)?;
    the_list_is_sorted(world)
}

/// What left a trove, by the flows: to the pool or whoever liquidates, to other troves, to its owner.
fn taken(effects: &Effects, id: AccountId, branch: usize) -> BigInt {
    let out = effects
        .flows
        .iter()
        .filter(|flow| flow.from == Party::Account(id) && flow.instrument == collateral(branch));
    out.map(|flow| z(flow.amount)).sum()
}

proptest! {
    #![proptest_config(cases(60))]

    /// Whatever is done, in whatever order.
    #[test]
    fn everything_adds_up_over_random_lives(ops in ops(45), storied: bool) {
        let mut world = if storied { World::storied() } else { World::begun() };
        everything_adds_up(&world, 20)?;
        for (calls, op) in (21..).zip(ops) {
            let before = world.clone();
            match world.step(op) {
                Some(Ok(_)) => everything_adds_up(&world, calls)?,
                Some(Err(_)) => {
                    let (mut one, mut other) = (Vec::new(), Vec::new());
                    before.market.encode(&mut one);
                    world.market.encode(&mut other);
                    prop_assert_eq!(one, other);
                }
                None => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    /// A fall, and the liquidation of some troves by a pool that covers all, some or none of their debt.
    #[test]
    fn liquidation_conserves_quantities(
        helds in prop::array::uniform5(10..1000u128),
        ratios in prop::array::uniform5(1600..4000u128),
        staked in prop_oneof![Just(0u16), 1..=1000u16],
        fall in 200..1000u128,
        who in 1..32u8,
        branch in 0..2usize,
    ) {
        let mut world = World::new();
        world.register(branch, 0, [wad(45), wad(10)]).unwrap();
        for (number, (held, ratio)) in (0..).zip(helds.into_iter().zip(ratios)) {
            let worth = z(whole(held)) * z(world.prices[branch]) / z(whole(1));
            let lent: U256 = (worth * 1000u32 / ratio).to_string().parse().unwrap();
            let opened = if number == 3 {
                world.open_in_batch(branch, number, 0, [whole(held), lent])
            } else {
                world.open_trove(branch, number, [whole(held), lent, wad(50)])
            };
            prop_assume!(opened.is_ok());
        }
        let purse = world.account(person(0)).quantity(BOLD).magnitude();
        let amount = purse.mul_div_wide(u(staked.into()), u(1000), plimsoll_core::Rounding::Down).unwrap();
        if amount != U256::ZERO {
            world.stake(branch, 0, amount).unwrap();
        }
        world.at.0 += 40 * DAY;
        world.prices[branch] = world.prices[branch].mul_div(u(fall), u(1000), plimsoll_core::Rounding::Down).unwrap();
        let before = world.clone();
        let named: Vec<AccountId> = (0..5).filter(|bit| who >> bit & 1 == 1).map(|n| trove(branch, n)).collect();
        let Ok(effects) = world.liquidate(named.clone()) else { return Ok(()) };
        everything_adds_up(&world, 10)?;

        let gone: Vec<AccountId> = named.into_iter().filter(|id| world.now(*id).is_none()).collect();
        crate::seen::liquidations(gone.len());
        let mut owed = BigInt::ZERO;
        for id in &gone {
            let now = before.now(*id).unwrap();
            // Below MCR, by the comparison without a division.
            prop_assert!(z(now.collateral) * z(before.prices[branch]) < z(now.debt) * z(before.branch(branch).rules.mcr));
            prop_assert_eq!(taken(&effects, *id, branch), z(now.collateral));
            prop_assert!(world.account(*id).holdings().is_empty());
            owed += z(now.debt);
        }
        let flow = |instrument, from: Option<Party>, to: Option<Party>| -> BigInt {
            let some = effects.flows.iter().filter(|f| f.instrument == instrument);
            let some = some.filter(|f| from.is_none_or(|p| f.from == p) && to.is_none_or(|p| f.to == p));
            some.map(|f| z(f.amount)).sum()
        };
        let offset = flow(BOLD, Some(Party::StabilityPool), Some(Party::Burn));
        let redistributed = flow(DEBT, None, Some(Party::Pool));
        prop_assert_eq!(&offset + &redistributed, owed);
        let seized: BigInt = gone.iter().map(|id| z(before.now(*id).unwrap().collateral)).sum();
        let to_pool = flow(token(branch), None, Some(Party::StabilityPool));
        let reserves = if branch == 0 { BigInt::from(37_500_000_000_000_000u64) * gone.len() } else { BigInt::ZERO };
        let reward = flow(token(branch), None, Some(Party::Keeper)) - reserves;
        let shared = flow(collateral(branch), None, Some(Party::Pool));
        let left = flow(surplus(branch), Some(Party::Mint), None);
        prop_assert_eq!(&to_pool + &reward + &shared + &left, seized.clone());
        // No more is seized than debt and penalty: 105 % by the pool, 110 or 120 % by the others.
        let price = z(before.prices[branch]);
        prop_assert!(&to_pool * &price * 100u32 <= &offset * z(whole(105)));
        let penalty = 100 + z(before.branch(branch).rules.penalty_redistribution) / z(wad(10));
        prop_assert!(&shared * &price * 100u32 <= &redistributed * z(whole(1)) * penalty);
        prop_assert!(&reward * 200u32 <= seized && reward <= z(whole(2)) * gone.len());
        // At least one BOLD stays in the pool, or all that was there.
        let kept = world.branch(branch).deposits;
        prop_assert!(kept >= whole(1) || kept == before.branch(branch).deposits);
    }
}
