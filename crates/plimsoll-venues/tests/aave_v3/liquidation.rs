//! Properties 27 to 42: who can be liquidated, for how much, and what is left.

use crate::model::{Found, Model, average, big, divide, n, ten, wad, zero};
use crate::scenes::{BORROWER, OTHER, USDC, WBTC, WETH, plain};
use crate::tape::check;
use crate::world::{OPEN, ORDINARY, Shape, Step, WILD, World, hunt, u, walk};
use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use plimsoll_core::{
    AccountId, Action, Amount, InstrumentId, Liquidated, Lot, Market, Mechanism, Receive, Refusal, Time,
    U256, Verdict,
};
use plimsoll_venues::aave_v3::{Configuration, Revision, debt, receipt};

const STEPS: u64 = 8;

pub(crate) fn liquidate(repay: usize, seize: usize, amount: Amount) -> Action {
    let (repay, seize) = (debt(repay), receipt(seize));
    Action::Liquidate(Mechanism::Discount { repay, seize, lot: Lot::Repay(amount), receive: Receive::Asset })
}

fn done<'s>(step: &'s Step<'_>) -> Option<&'s Liquidated> {
    step.outcome.as_ref().ok()?.liquidated.as_ref()
}

/// The account before, as the description counts it, with the model it is counted by.
fn counted<'w>(step: &Step<'w>) -> (Model<'w>, Found) {
    let model = Model::of(step.before);
    let found = model.account(step.before.account(step.call.account));
    (model, found)
}

fn ratio(of: &BigUint, by: &BigUint) -> BigRational {
    BigRational::new(of.clone().into(), by.clone().into())
}

/// Price of one raw unit of a reserve as the liquidation takes it [base], exact. Up to 3.1 a category's own price
/// holds for its collateral, and for whatever debt an account in it has.
fn unit_price(step: &Step<'_>, model: &Model<'_>, reserve: usize, is_debt: bool) -> BigRational {
    let account = step.before.account(step.call.account);
    let own = model.mode(account).and_then(|(_, mode)| mode.price_slot);
    let old = step.before.revision() <= Revision::V3_1;
    let slot = if is_debt && old { own.unwrap_or(reserve) } else { model.slot(account, reserve) };
    ratio(&model.price(slot), &ten(step.before.decimals(reserve)))
}

/// 10 000 and the bonus [bps].
fn bonus(step: &Step<'_>, model: &Model<'_>, seized: usize) -> BigRational {
    let mode =
        model.mode(step.before.account(step.call.account)).filter(|(_, mode)| model.in_mode(mode, seized));
    let own = step.before.pool.reserves()[seized].configuration.get(Configuration::BONUS);
    let bps = mode.map_or(own, |(_, mode)| mode.bonus.into());
    ratio(&n(bps.into()), &n(10_000))
}

fn whole(value: U256) -> BigRational {
    BigRational::from(BigInt::from(big(value)))
}

fn one() -> BigRational {
    BigRational::from(BigInt::from(1))
}

/// Nobody at 1 or above is liquidated; nobody below is told that he is not.
#[test]
fn p27_only_unhealthy_accounts_are_liquidated() {
    check("p27", 3_000, |tape| {
        hunt(tape, ORDINARY, STEPS, |step| {
            let (model, found) = counted(step);
            let below = model.health(&found).is_some_and(|health| health < wad());
            match (step.outcome, below) {
                (Ok(_), false) => Err(format!("liquidated at {:?}", model.health(&found))),
                (Err(Refusal::NotLiquidatable), true) => Err("refused below the line".into()),
                _ => Ok(1),
            }
        })
    });
}

/// Paused, or inside a grace period (from 3.1), on either side: no liquidation. The grace period's last second is in.
#[test]
fn p28_none_while_paused_or_in_grace() {
    check("p28", 1_000, |tape| {
        let side = tape.pick(&[WETH, USDC]);
        let revision = tape.pick(&Revision::ALL);
        let world = plain(revision).owing(BORROWER, USDC, 16_501);
        let offset = tape.below(3);
        let until = Time(world.at.0 + offset - 1);
        let graced = world.clone().rebuilt(|spec| spec.reserves[side].grace_until = until);
        let found = graced.then(OTHER, BORROWER, liquidate(USDC, WETH, Amount::All)).err();
        let held = (revision >= Revision::V3_1 && offset >= 1).then_some(Refusal::GracePeriod { until });
        let paused = world.set(side, Configuration::PAUSED, 1);
        let refused = paused.then(OTHER, BORROWER, liquidate(USDC, WETH, Amount::All)).err();
        let asset = plimsoll_venues::aave_v3::asset(side);
        let judged = |world: &World| {
            world.quoted().verdict(world.account(AccountId(1)), plimsoll_core::Test::Liquidation)
        };
        let executable = [&graced, &paused].map(|world| judged(world).expect("a verdict").executable.err());
        if found == held && refused == Some(Refusal::Paused(asset)) && executable == [held, refused] {
            Ok(2)
        } else {
            Err(format!("{revision:?}: {found:?} for {held:?}, {refused:?}, {executable:?}"))
        }
    });
}

/// "Executable" once overlooked that up to 3.5 a threshold of zero cannot be seized. It is told exactly where some pair of
/// a collateral and a debt is not refused for what the two reserves are.
#[test]
fn p28_executable_is_where_some_pair_can_be_liquidated() {
    check("p28 executable", 1_500, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let mut world = plain(revision).holding(BORROWER, WBTC, 1, true).owing(BORROWER, USDC, 60_000);
        for reserve in [WETH, USDC, WBTC] {
            world = match tape.below(6) {
                1 => world.set(reserve, Configuration::PAUSED, 1),
                2 => world.set(reserve, Configuration::ACTIVE, 0),
                3 => world.clone().rebuilt(|spec| spec.reserves[reserve].grace_until = world.at),
                4 | 5 => world.set(reserve, Configuration::LTV, 0).set(reserve, Configuration::THRESHOLD, 0),
                _ => world,
            };
        }
        let judged =
            world.quoted().verdict(world.account(AccountId(BORROWER)), plimsoll_core::Test::Liquidation);
        let executable = judged.expect("a verdict").executable;
        let refusals = [WETH, WBTC]
            .map(|collateral| world.then(OTHER, BORROWER, liquidate(USDC, collateral, Amount::All)).err());
        let stands_in_the_way = |refusal: &Option<Refusal>| {
            matches!(
                refusal,
                Some(
                    Refusal::Paused(_)
                        | Refusal::Inactive(_)
                        | Refusal::GracePeriod { .. }
                        | Refusal::NotSeizable(_)
                )
            )
        };
        let possible = !refusals.iter().all(stands_in_the_way);
        if executable.is_ok() == possible { Ok(1) } else { Err(format!("{executable:?} {refusals:?}")) }
    });
}

/// More than half only at a health of 0.95 or below, or (from 3.3) where the position is small. What half is of
/// changed with 3.3: of the reserve's debt before, of all debt since.
#[test]
fn p29_more_than_half_only_when_deep_or_small() {
    check("p29", 3_000, |tape| {
        hunt(tape, OPEN, STEPS, |step| {
            let (Some(done), Some((seized, repaid))) = (done(step), step.liquidation()) else { return Ok(0) };
            let (model, found) = counted(step);
            let health = model.health(&found).expect("a debt");
            if health <= n(950_000_000_000_000_000) {
                return Ok(1);
            }
            let account = step.before.account(step.call.account);
            let owed = model.debt_balance(repaid, &big(account.quantity(debt(repaid)).magnitude()));
            let repaid_raw = big(done.repaid);
            if step.before.revision() <= Revision::V3_2 {
                let half = divide(&owed, &n(2), crate::model::To::Half);
                return if repaid_raw > half { Err(format!("{repaid_raw} of {owed}")) } else { Ok(1) };
            }
            let held = model.receipt_balance(seized, &big(account.quantity(receipt(seized)).magnitude()));
            let value = |raw: &BigUint, reserve: usize, is_debt| {
                BigRational::from(BigInt::from(raw.clone())) * unit_price(step, &model, reserve, is_debt)
            };
            let line = BigRational::from(BigInt::from(2_000u64 * 100_000_000));
            let small = value(&held, seized, false) < line || value(&owed, repaid, true) < line;
            let half = BigRational::new(BigInt::from(found.debt.clone()) + 1, 2.into());
            if !small && value(&repaid_raw, repaid, true) > half {
                return Err(format!("{repaid_raw} at health {health}, all debt {}", found.debt));
            }
            Ok(1)
        })
    });
}

/// From 3.3: all of one side is used, or both keep at least 1 000.
#[test]
fn p30_no_dust_is_left() {
    check("p30", 3_000, |tape| {
        hunt(tape, OPEN, STEPS, |step| {
            let (Some(done), Some((seized, repaid))) = (done(step), step.liquidation()) else { return Ok(0) };
            if step.before.revision() < Revision::V3_3 {
                return Ok(0);
            }
            let (model, _) = counted(step);
            let account = step.before.account(step.call.account);
            let owed = model.debt_balance(repaid, &big(account.quantity(debt(repaid)).magnitude()));
            let held = model.receipt_balance(seized, &big(account.quantity(receipt(seized)).magnitude()));
            let (debt_left, held_left) = (&owed - big(done.repaid), &held - big(done.seized));
            if debt_left == zero() || held_left == zero() {
                return Ok(1);
            }
            let line = BigRational::from(BigInt::from(1_000u64 * 100_000_000));
            let value = |raw: BigUint, price| BigRational::from(BigInt::from(raw)) * price;
            // The debt's value is rounded up from 3.5 on.
            let debt_value = value(debt_left, unit_price(step, &model, repaid, true)) + one();
            let held_value = value(held_left, unit_price(step, &model, seized, false));
            if debt_value > line && held_value >= line {
                Ok(1)
            } else {
                Err(format!("{debt_value}, {held_value}"))
            }
        })
    });
}

/// What is seized is worth what was repaid and at most the bonus more, to the rounding of both amounts.
///
/// With x the collateral that the debt repaid is worth: up to the last unit x * bonus, floored and rounded; where the
/// collateral was the limit, the debt that it is worth over the bonus, likewise.
#[test]
fn p31_seized_is_worth_repaid_and_at_most_the_bonus() {
    check("p31", 3_000, |tape| {
        hunt(tape, ORDINARY, STEPS, |step| {
            let (Some(done), Some((seized, repaid))) = (done(step), step.liquidation()) else { return Ok(0) };
            let (model, _) = counted(step);
            let bonus = bonus(step, &model, seized);
            let collateral = unit_price(step, &model, seized, false);
            let owed = unit_price(step, &model, repaid, true);
            let worth = whole(done.repaid) * &owed * &bonus;
            let taken = whole(done.seized) * &collateral;
            let unit = (&collateral + &owed) * (&bonus + one());
            let close = taken <= &worth + &unit && &taken + &unit >= worth;
            let at_least = &taken + &unit >= whole(done.repaid) * &owed;
            let fee = step.before.pool.reserves()[seized].configuration.get(Configuration::PROTOCOL_FEE);
            let gained = &taken - &taken / &bonus;
            let share = gained * ratio(&n(fee.into()), &n(10_000));
            let off = whole(done.fee) * &collateral - share;
            let fee_close = off <= &collateral * (one() + one()) && -off <= &collateral * (one() + one());
            if close && at_least && fee_close { Ok(1) } else { Err(format!("{done:?}: {worth} for {taken}")) }
        })
    });
}

/// With debt below collateral over bonus, a partial liquidation lowers debt over collateral and writes nothing off.
#[test]
fn p32_partial_liquidation_improves_and_makes_no_bad_debt() {
    check("p32", 3_000, |tape| {
        hunt(tape, OPEN, STEPS, |step| {
            let (Some(done), Some((seized, repaid))) = (done(step), step.liquidation()) else { return Ok(0) };
            let (model, before) = counted(step);
            let bonus = bonus(step, &model, seized);
            let unit =
                unit_price(step, &model, seized, false) + unit_price(step, &model, repaid, true) + one();
            let margin = unit * (&bonus + one()) * BigRational::from(BigInt::from(4));
            let real = |of: &BigUint| BigRational::from(BigInt::from(of.clone()));
            let (collateral, debt) = (real(&before.collateral), real(&before.debt));
            if collateral <= &debt * &bonus + &margin {
                return Ok(0);
            }
            let after_model = Model::of(step.after);
            let after = after_model.account(step.after.account(step.call.account));
            let worse = real(&after.debt) * &collateral
                > real(&after.collateral) * &debt + &margin * (&collateral + &debt);
            if !done.bad_debt.is_empty() || worse {
                return Err(format!("{before:?} to {after:?}: {done:?}"));
            }
            Ok(1)
        })
    });
}

/// Liquidated again and again, an account ends healthy, without debt, or with collateral that is dust; in a bounded
/// number of steps, and always some liquidation goes through.
#[test]
fn p33_repeated_liquidation_ends() {
    check("p33", 1_500, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let mut world = World::random(tape, revision, OPEN);
        world.drift(tape);
        for i in 0..world.reserves() {
            // Nobody is held up for want of cash.
            world = world.rebuilt(|spec| {
                let state = &mut spec.reserves[i].state;
                state.cash = u(1 << 100);
                state.virtual_balance = state.cash;
            });
        }
        let mut ended = 0;
        for id in 1..=4 {
            let mut steps = 0;
            while world.verdict(AccountId(id)) == Verdict::Unhealthy {
                if world.data(AccountId(id)).collateral < dust(&world, id) {
                    break;
                }
                match one_liquidation(&world, id) {
                    Some(after) => world = after,
                    None => return Err(format!("{revision:?}: stuck: {:?}", world.account(AccountId(id)))),
                }
                steps += 1;
                if steps > 64 {
                    return Err(format!("{revision:?}: no end: {:?}", world.account(AccountId(id))));
                }
            }
            ended += u64::from(steps > 0);
        }
        Ok(ended + 1)
    });
}

/// A cent, and four raw units of the dearest debt: less than that buys no whole unit of debt.
fn dust(world: &World, id: u64) -> U256 {
    let owed = (0..world.reserves()).filter(|&i| world.bits(AccountId(id), i).0);
    let unit = |i: usize| {
        let price = world.readings.iter().filter_map(|reading| reading.value).max().expect("a price");
        price.div(crate::world::ten_to(world.decimals(i)), plimsoll_core::Rounding::Up).expect("not zero")
    };
    let dearest = owed.map(unit).max().unwrap_or(U256::ZERO);
    dearest.mul(u(4)).and_then(|four| four.add(u(1_000_000))).expect("256 bits")
}

/// Any liquidation of an account that goes through, whole debts before parts.
fn one_liquidation(world: &World, id: u64) -> Option<World> {
    let account = world.account(AccountId(id));
    let pairs = || {
        let reserves = 0..world.reserves();
        reserves.clone().flat_map(move |repay| reserves.clone().map(move |seize| (repay, seize)))
    };
    let owed = |i: usize| world.quoted().balance(account, debt(i)).expect("a balance").raw;
    (1..=4).find_map(|part| {
        pairs().find_map(|(repay, seize)| {
            let some = owed(repay).div(u(part), plimsoll_core::Rounding::Down).expect("not zero");
            let amount = if part == 1 { Amount::All } else { Amount::Assets(some) };
            world.then(1 + id % 4, id, liquidate(repay, seize, amount)).ok()
        })
    })
}

/// From 3.3: whoever has no collateral left owes nothing either; what he owed is the reserves' deficit.
#[test]
fn p34_debt_without_collateral_is_recorded() {
    check("p34", 4_000, |tape| {
        hunt(tape, OPEN, STEPS, |step| {
            let (Some(done), true) = (done(step), step.before.revision() >= Revision::V3_3) else {
                return Ok(0);
            };
            let account = step.after.account(step.call.account);
            let counted = (0..step.after.reserves())
                .filter(|&i| step.after.bits(account.id, i).1)
                .any(|i| !account.quantity(receipt(i)).is_zero());
            let owes = account.holdings().iter().any(|holding| holding.instrument.0 % 3 == 2);
            let threshold =
                |i: usize| step.after.pool.reserves()[i].configuration.get(Configuration::THRESHOLD);
            let (seized, _) = step.liquidation().expect("a liquidation");
            if !counted && owes && threshold(seized) != 0 {
                return Err(format!("{account:?} after {done:?}"));
            }
            Ok(1)
        })
    });
}

/// A deficit grows by what was written off, at most what was owed and not repaid, and never falls.
#[test]
fn p35_deficit_grows_by_what_was_written_off() {
    check("p35", 3_000, |tape| {
        walk_and_hunt(tape, |step| {
            let written = |i: usize| {
                let of = |l: &Liquidated| l.bad_debt.iter().find(|(id, _)| *id == debt(i)).map(|(_, x)| *x);
                done(step).and_then(of).unwrap_or(U256::ZERO)
            };
            let model = Model::of(step.before);
            for i in 0..step.before.reserves() {
                let (before, after) = (step.before.state(i).deficit, step.after.state(i).deficit);
                if before.add(written(i)) != Some(after) {
                    return Err(format!("reserve {i}: {before} and {} make {after}", written(i)));
                }
                let scaled = step.before.account(step.call.account).quantity(debt(i)).magnitude();
                let owed = model.debt_balance(i, &big(scaled));
                let repaid =
                    step.liquidation().filter(|&(_, repaid)| repaid == i).and(done(step)).map(|l| l.repaid);
                let left = owed - big(repaid.unwrap_or(U256::ZERO)).min(model.debt_balance(i, &big(scaled)));
                let all = written(i) == U256::ZERO || big(written(i)) == left;
                if !all || (after != before && step.before.revision() < Revision::V3_3) {
                    return Err(format!("reserve {i}: {} of {left}", written(i)));
                }
            }
            Ok(u64::from(step.succeeded()))
        })
    });
}

fn walk_and_hunt(
    tape: &mut crate::tape::Tape<'_>,
    see: impl Fn(&Step<'_>) -> Result<u64, String>,
) -> Result<u64, String> {
    if tape.once_in(2) { walk(tape, OPEN, STEPS, see) } else { hunt(tape, OPEN, STEPS, see) }
}

/// Whatever the account looks like, however deep under water, the answer is an answer and never an underflow.
#[test]
fn p42_underwater_accounts_do_not_underflow() {
    let shape = Shape { decimals: &[18, 6, 8], rules: false, ..WILD };
    check("p42", 3_000, |tape| {
        hunt(tape, shape, STEPS, |step| match step.outcome {
            Err(Refusal::Overflow(_) | Refusal::DivisionByZero(_)) => Err("no answer".into()),
            _ => Ok(1),
        })
    });
    // Collateral of nothing against debt: nothing can be seized, and the answer says so.
    for revision in Revision::ALL {
        let world = plain(revision).owing(3, USDC, 1_000);
        let refusal = world.then(OTHER, 3, liquidate(USDC, WETH, Amount::All)).err();
        assert_eq!(refusal, Some(Refusal::NotSeizable(receipt(WETH))), "{revision:?}");
    }
}

/// The bad-debt case by hand (3.3 and later): 10 WETH at 1 000 against 20 000 USDC and 1 WBTC, bonus 5 %, no fee.
/// All WETH pays 10 000 / 1.05 = 9 523.809523 USDC (from 3.5 the last digit is rounded up); the rest is deficit.
#[test]
fn bad_debt_is_written_off_reserve_by_reserve() {
    for revision in Revision::ALL {
        let world = plain(revision)
            .set(WETH, Configuration::PROTOCOL_FEE, 0)
            .owing(BORROWER, USDC, 20_000)
            .owing(BORROWER, WBTC, 1)
            .priced(WETH, 1_000 * 100_000_000);
        let after = world.then(OTHER, BORROWER, liquidate(USDC, WETH, Amount::All)).expect("a liquidation");
        let repaid: u128 = 9_523_809_524; // 10 000 / 1.05, to the nearest and up the same
        let (usdc, wbtc) = (20_000_000_000 - repaid, 100_000_000);
        let written = revision >= Revision::V3_3;
        let expect = |amount: u128| if written { u(amount) } else { U256::ZERO };
        assert_eq!(after.state(USDC).deficit, expect(usdc), "{revision:?}");
        assert_eq!(after.state(WBTC).deficit, expect(wbtc), "{revision:?}");
        let left = after.account(AccountId(BORROWER)).quantity(debt(USDC)).magnitude();
        assert_eq!(left, if written { U256::ZERO } else { u(usdc) }, "{revision:?}");
        let health = average(&Model::of(&after).account(after.account(AccountId(BORROWER))), 1);
        assert_eq!(health, zero(), "{revision:?}");
        assert_eq!(after.pool.instruments()[debt(WBTC).index()].name, "debt WBTC");
        let _: InstrumentId = debt(WBTC);
    }
}
