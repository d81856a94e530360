//! Properties 13 to 26: who is healthy stays so, and by whom it changes.

use crate::model::{Model, big, signed, wide};
use crate::scenes::{BORROWER, OTHER, USDC, WETH, plain};
use crate::tape::{Tape, check};
use crate::world::{Data, OPEN, ORDINARY, Shape, Step, WILD, World, data, u, walk};
use num_bigint::BigInt;
use plimsoll_core::{
    Account, AccountId, Action, Amount, Certainty, Compiled, Form, InstrumentId, Int, Lens, Market, Nodes,
    Question, Reading, Refusal, Standing, Test, U256, Verdict, Why,
};
use plimsoll_venues::aave_v3::{Configuration, E_MODE, PoolSpec, Revision, USER_CONFIG, debt, receipt};

const STEPS: u64 = 12;
const ONE: U256 = plimsoll_core::WAD.value();

/// The numbers of an account before and after a step; `None` where 256 bits do not hold them.
fn around(step: &Step<'_>, id: AccountId) -> Option<(Data, Data)> {
    let of = |world: &World| world.quoted().figures(world.account(id)).ok().map(|figures| data(&figures));
    Some((of(step.before)?, of(step.after)?))
}

/// How far health can fall by an average threshold that is cut to whole basis points (up to 3.4) or by the last
/// unit of a rounding that goes to the nearest; from 3.5 on not at all.
fn dip(world: &World, id: AccountId) -> BigInt {
    dip_of(world, id, Test::Liquidation)
}

fn dip_of(world: &World, id: AccountId, test: Test) -> BigInt {
    if world.revision() >= Revision::V3_5 {
        return BigInt::default();
    }
    let account = world.account(id);
    let question = Question { test, lens: Lens::Action, at: world.at };
    let Ok(Compiled::Rows(rows)) = world.pool.compile(account, question) else { return BigInt::default() };
    let quoted = world.quoted();
    let slack = rows[0].slack(&Nodes { values: quoted.nodes() }).expect("known nodes");
    wide(slack) / BigInt::from(big(rows[0].scale))
}

/// Backing less requirement, as the market says.
fn headroom(world: &World, id: AccountId) -> BigInt {
    let answer = world.quoted().verdict(world.account(id), Test::Liquidation).expect("a verdict");
    signed(answer.backing) - signed(answer.requirement)
}

/// Whatever anybody does, nobody who was healthy is unhealthy afterwards. Up to 3.4 a deposit may lower the average
/// threshold by a basis point, and a loan is rounded to the nearest when asked for, minted and read: then by at most
/// the declared slack of each.
#[test]
fn p13_no_op_makes_healthy_unhealthy() {
    check("p13", 3_000, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            let mut cases = 0;
            // 3.0 and 3.1 do not ask for health when a first category is entered.
            let entered = step.before.account(step.call.account).term(E_MODE).is_zero()
                && matches!(step.call.action, Action::SetTerm { .. });
            let asked = step.before.revision() >= Revision::V3_2 || !entered;
            for account in step.before.accounts.iter().filter(|_| step.succeeded() && asked) {
                let before = step.before.verdict(account.id);
                let after = step.after.verdict(account.id);
                if before != Verdict::Unhealthy && after == Verdict::Unhealthy {
                    let short = -headroom(step.after, account.id);
                    if short > dip(step.after, account.id) * 4 {
                        return Err(format!("{:?}: {before:?}, then short by {short}", account.id));
                    }
                }
                cases += u64::from(before != Verdict::Unhealthy);
            }
            Ok(cases)
        })
    });
}

/// Deposits, repayments and switching collateral on never lower health; withdrawals, loans and switching off never
/// raise it; interest brought up to the moment does nothing. From 3.5 on to the last unit.
#[test]
fn p14_only_listed_ops_raise_or_lower_health() {
    check("p14", 3_000, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            let id = step.call.account;
            let Some((before, after)) = around(step, id).filter(|_| step.succeeded()) else { return Ok(0) };
            let exact = step.before.revision() >= Revision::V3_5;
            let wrong = match step.call.action {
                Action::Accrue => after != before,
                Action::Repay { .. } => exact && after.health < before.health,
                Action::Deposit { .. } | Action::UseAsCollateral { on: true, .. } => {
                    exact && after.health < before.health
                }
                Action::Withdraw { .. }
                | Action::Borrow { .. }
                | Action::UseAsCollateral { on: false, .. } => exact && after.health > before.health,
                _ => return Ok(0),
            };
            if wrong { Err(format!("{before:?} to {after:?}")) } else { Ok(1) }
        })
    });
}

/// Below the line nobody borrows, and nothing leaves unless the account is above it afterwards.
#[test]
fn p15_below_the_line_only_listed_ops_succeed() {
    check("p15", 3_000, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            let id = step.call.account;
            if step.before.verdict(id) != Verdict::Unhealthy {
                return Ok(0);
            }
            let counted = |instrument: InstrumentId| step.before.bits(id, instrument.index() / 3).1;
            let forbidden = match step.call.action {
                Action::Borrow { .. } => true,
                Action::Withdraw { from, .. } => counted(from),
                Action::UseAsCollateral { instrument, on: false } => counted(instrument),
                _ => return Ok(1),
            };
            let saved = step.after.verdict(id) != Verdict::Unhealthy;
            if forbidden && step.succeeded() && !saved { Err("it went through".into()) } else { Ok(1) }
        })
    });
}

#[test]
fn p16_nobody_else_is_touched() {
    check("p16", 2_000, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            let mut cases = 0;
            for account in step.before.accounts.iter().filter(|_| step.succeeded()) {
                if account.id == step.call.account || account.id == step.call.actor {
                    continue;
                }
                let same = around(step, account.id).is_none_or(|(before, after)| before == after);
                if !same || step.after.account(account.id) != account {
                    return Err(format!("{:?} changed", account.id));
                }
                cases += 1;
            }
            Ok(cases)
        })
    });
}

#[test]
fn p17_a_gift_never_lowers_health() {
    check("p17", 2_000, |tape| {
        walk(tape, OPEN, STEPS, |step| {
            let gift = matches!(step.call.action, Action::Deposit { .. } | Action::Repay { .. });
            let id = step.call.account;
            let Some((before, after)) = around(step, id).filter(|_| gift && step.succeeded()) else {
                return Ok(0);
            };
            if after.health >= before.health || before.debt == U256::ZERO {
                return Ok(1);
            }
            let lost = headroom(step.before, id) - headroom(step.after, id);
            let allowed = dip(step.after, id) + dip(step.before, id);
            if lost <= allowed { Ok(1) } else { Err(format!("{before:?} to {after:?}, allowed {allowed}")) }
        })
    });
}

/// A loan never leaves more debt than the loan-to-value carries, and never goes to who is below the line.
#[test]
fn p18_unhealthy_accounts_cannot_borrow_or_withdraw_collateral() {
    check("p18", 3_000, |tape| {
        walk(tape, ORDINARY, STEPS, |step| {
            let id = step.call.account;
            let (Action::Borrow { .. }, true) = (&step.call.action, step.succeeded()) else { return Ok(0) };
            let Some((before, after)) = around(step, id) else { return Ok(0) };
            if before.health < ONE {
                return Err(format!("borrowed at {}", before.health));
            }
            // Collateral needed is debt / ltv rounded: the debt may exceed collateral x ltv by less than one unit,
            // and up to 3.4 by rounding to the nearest: of the debt before and after and of what is minted.
            let carried = BigInt::from(big(after.collateral) * big(after.ltv));
            let debt = BigInt::from(big(after.debt) * 10_000u32);
            let margin = (dip_of(step.after, id, Test::Borrow) * 4 + 1) * 10_000;
            if debt > carried + margin { Err(format!("{after:?}")) } else { Ok(1) }
        })
    });
}

/// Who owes nothing can take everything out, who owes can pay all of it: both without any price.
#[test]
fn p19_leaving_and_paying_need_no_price() {
    check("p19", 3_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let mut world = World::random(tape, revision, OPEN);
        world.drift(tape);
        world.readings.fill(Reading::unknown(None, Why::Missing));
        let mut cases = 0;
        for account in &world.accounts {
            let id = account.id.0;
            let owes = (0..world.reserves()).any(|i| world.bits(account.id, i).0);
            for i in 0..world.reserves() {
                let paid = Action::Repay { debt: debt(i), amount: Amount::All };
                if !account.quantity(debt(i)).is_zero() {
                    world.then(id, id, paid).map_err(|why| format!("repay {i}: {why}"))?;
                    cases += 1;
                }
                let raw = world.quoted().balance(account, receipt(i)).expect("a balance").raw;
                let cash = world.state(i).cash;
                if !owes && raw != U256::ZERO && raw <= cash {
                    let action = Action::Withdraw { from: receipt(i), amount: Amount::All };
                    world.then(id, id, action).map_err(|why| format!("withdraw {i}: {why}"))?;
                    cases += 1;
                }
            }
        }
        Ok(cases)
    });
}

/// What may be borrowed against a collateral is never more than what it carries before liquidation.
#[test]
fn p20_loan_to_value_is_at_most_the_threshold() {
    check("p20", 3_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let world = World::random(tape, revision, WILD);
        for account in &world.accounts {
            let Ok(figures) = world.quoted().figures(account) else { continue };
            let Data { ltv, threshold, .. } = data(&figures);
            if ltv > threshold {
                return Err(format!("{revision:?}: {ltv} above {threshold} for {account:?}"));
            }
        }
        Ok(4)
    });
}

fn form(world: &World, account: &Account) -> Option<Form> {
    let question = Question { test: Test::Liquidation, lens: Lens::Action, at: world.at };
    match world.pool.compile(account, question).expect("an account of this pool") {
        Compiled::Rows(rows) => rows.into_iter().next(),
        Compiled::NoDebt | Compiled::Opaque => None,
    }
}

/// Raising a price that an account is only long in: the exact headroom falls by no more than the slack of both ends.
#[test]
fn p21_health_dips_by_no_more_than_the_slack() {
    check("p21", 4_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let world = World::random(tape, revision, WILD);
        let slot = tape.below(world.reserves() as u64) as usize;
        let mut risen = world.clone();
        let rise = if tape.once_in(2) { u(1) } else { u(tape.magnitude(10)) };
        risen.readings[slot] = Reading::certain(world.price(slot).add(rise).expect("256 bits"));
        let mut cases = 0;
        for account in world.accounts.iter().filter(|account| !world.bits(account.id, slot).0) {
            let Some(form) = form(&world, account) else { continue };
            let of = |world: &World| {
                let quoted = world.quoted();
                let answer = quoted.verdict(account, Test::Liquidation).ok()?;
                let slack = form.slack(&Nodes { values: quoted.nodes() }).ok()?;
                let headroom = signed(answer.backing) - signed(answer.requirement);
                Some((headroom * BigInt::from(big(form.scale)), wide(slack)))
            };
            let (Some((before, slack)), Some((after, slack_after))) = (of(&world), of(&risen)) else {
                continue;
            };
            if &before - &after > slack + slack_after {
                return Err(format!("{revision:?}: {before} to {after} for {account:?}"));
            }
            cases += 1;
        }
        Ok(cases + 1)
    });
}

/// All amounts, or all prices, times k: the row is k times as high, to the last digit; the exact headroom within the
/// slack; and the health itself is the same where nothing is rounded.
#[test]
fn p22_health_is_homogeneous() {
    check("p22", 3_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let world = World::random(tape, revision, ORDINARY);
        let k = tape.between(2, 1_000);
        let mut dearer = world.clone();
        for reading in &mut dearer.readings {
            let price = reading.value.expect("a price").mul(u(k.into())).expect("256 bits");
            *reading = Reading::certain(price);
        }
        let mut cases = 0;
        for account in &world.accounts {
            let mut larger = account.clone();
            for holding in account.holdings() {
                larger.set(holding.instrument, holding.quantity.mul(Int::from(k)).expect("256 bits"));
            }
            let Some(plain) = form(&world, account) else { continue };
            let scaled = form(&world, &larger).expect("it owes as well");
            let quoted = world.quoted();
            let quoted_dearer = dearer.quoted();
            let row =
                |form: &Form, nodes: &[_]| wide(form.row(&Nodes { values: nodes }).expect("known nodes"));
            let expected = row(&plain, quoted.nodes()) * k;
            let found = [row(&scaled, quoted.nodes()), row(&plain, quoted_dearer.nodes())];
            if found != [expected.clone(), expected] {
                return Err(format!("{revision:?}: {found:?}"));
            }
            cases += 2;
        }
        Ok(cases + 1)
    });
    for revision in Revision::ALL {
        let world = plain(revision).owing(BORROWER, USDC, 8_123);
        let thousand = plain(revision).holding(BORROWER, WETH, 9_990, true).owing(BORROWER, USDC, 8_123_000);
        let dear = world.clone().priced(WETH, 7 * 2_000 * 100_000_000).priced(USDC, 7 * 100_000_000);
        let health = |world: &World| world.data(AccountId(BORROWER)).health;
        assert_eq!([health(&thousand), health(&dear)], [health(&world); 2], "{revision:?}");
    }
}

/// The order of reserves, of accounts and of what was put in first changes nothing but names.
#[test]
fn p23_order_does_not_matter() {
    check("p23", 2_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let world = World::random(tape, revision, WILD);
        let turned = reversed(&world);
        for (account, other) in world.accounts.iter().zip(&turned.accounts) {
            let (one, two) = (world.quoted().figures(account), turned.quoted().figures(other));
            if one != two {
                return Err(format!("{revision:?}: {one:?} and {two:?}"));
            }
            let mut backward = Account::new(account.id);
            for holding in account.holdings().iter().rev() {
                backward.set(holding.instrument, holding.quantity);
            }
            for &(term, value) in account.terms().iter().rev() {
                backward.set_term(term, value);
            }
            if backward != *account {
                return Err("put in backward".into());
            }
        }
        let call = world.random_call(tape);
        let mut shuffled = world.clone();
        shuffled.accounts.reverse();
        if world.act(&call) != shuffled.act(&call) {
            return Err(format!("{revision:?}: {call:?}"));
        }
        Ok(world.accounts.len() as u64)
    });
}

/// A word of `n` fields with the fields in reverse order.
fn turn(n: usize, word: U256, width: usize) -> U256 {
    let mut turned = U256::ZERO;
    for bit in (0..n * width).filter(|&bit| word.bit(bit)) {
        turned = turned.with_bit((n - 1 - bit / width) * width + bit % width, true);
    }
    turned
}

/// The same pool and accounts with the reserves in reverse order.
fn reversed(world: &World) -> World {
    let n = world.reserves();
    let mut reserves = world.pool.reserves().to_vec();
    reserves.reverse();
    let mut modes = world.pool.modes().to_vec();
    for mode in &mut modes {
        for word in [&mut mode.collateral, &mut mode.borrowable, &mut mode.ltv_zero] {
            *word = turn(n, *word, 1);
        }
    }
    let mut turned = world.clone();
    let currency = world.pool.currency().to_string();
    let spec = PoolSpec { revision: world.revision(), currency, reserves, modes };
    turned.pool = plimsoll_venues::aave_v3::Pool::new(spec).expect("a pool");
    turned.readings[..n].reverse();
    for account in &mut turned.accounts {
        let old = std::mem::replace(account, Account::new(account.id));
        for holding in old.holdings() {
            let (reserve, role) = (holding.instrument.index() / 3, holding.instrument.0 % 3);
            account.set(InstrumentId(3 * (n - 1 - reserve) as u32 + role), holding.quantity);
        }
        account.set_term(E_MODE, old.term(E_MODE));
        account.set_term(USER_CONFIG, turn(n, old.term(USER_CONFIG).magnitude(), 2).into());
    }
    turned
}

/// A flag without a balance, a balance without a flag, and an asset of which nothing is held: none needs a price.
#[test]
fn p24_zero_balance_with_dead_price_blocks_nothing() {
    check("p24", 2_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let shape = Shape { rules: false, ..WILD };
        let mut world = World::random(tape, revision, shape);
        let dead = tape.below(world.reserves() as u64) as usize;
        for account in &mut world.accounts {
            account.set(debt(dead), Int::ZERO);
            account.set(receipt(dead), Int::ZERO);
            let word = account.term(USER_CONFIG).magnitude();
            let with = word.with_bit(2 * dead + 1, tape.once_in(2)).with_bit(2 * dead, tape.once_in(3));
            account.set_term(USER_CONFIG, with.into());
        }
        let alive: Vec<_> = world.accounts.iter().map(|account| world.quoted().figures(account)).collect();
        world.readings[dead] = Reading::unknown(None, Why::Stale);
        let standing = Standing::new(&world.pool, &world.readings, Lens::Action, world.at).expect("a time");
        for (account, alive) in world.accounts.iter().zip(alive) {
            let judged = standing.judge(account, Test::Liquidation);
            if world.quoted().figures(account) != alive
                || !matches!(judged.certainty, Certainty::Certain | Certainty::NoDebt)
            {
                return Err(format!("{revision:?}: {judged:?} of {account:?}"));
            }
        }
        Ok(world.accounts.len() as u64)
    });
}

/// Who owes nothing has no health: a verdict of its own, a form of its own, and 2^256 - 1 only in the getter's words.
#[test]
fn p25_no_debt_is_a_value_of_its_own() {
    check("p25", 2_000, |tape| {
        let revision = tape.pick(&Revision::ALL);
        let world = World::random(tape, revision, WILD);
        let mut cases = 0;
        for account in &world.accounts {
            let owes = account.holdings().iter().any(|holding| holding.instrument.0 % 3 == 2);
            for test in [Test::Liquidation, Test::Borrow] {
                let Ok(answer) = world.quoted().verdict(account, test) else { continue };
                if (answer.verdict == Verdict::NoDebt) == owes {
                    return Err(format!("{revision:?} {test:?}: {answer:?} of {account:?}"));
                }
            }
            let Ok(figures) = world.quoted().figures(account) else { continue };
            let Data { health, debt, .. } = data(&figures);
            if (health == U256::MAX) != (debt == U256::ZERO) {
                return Err(format!("{revision:?}: health {health} of debt {debt}"));
            }
            cases += 1;
        }
        Ok(cases + 1)
    });
}

/// Changing the category leaves health at 1 or above (3.0 and 3.1 ask only when one is left), and only the category's own
/// assets weigh as the category says.
#[test]
fn p26_category_switch_leaves_health_above_the_line() {
    check("p26", 4_000, |tape: &mut Tape<'_>| {
        walk(tape, ORDINARY, STEPS, |step| {
            let (Action::SetTerm { term: E_MODE, value }, true) = (&step.call.action, step.succeeded())
            else {
                return Ok(0);
            };
            let id = step.call.account;
            let before = step.before.account(id).term(E_MODE);
            let asked = step.before.revision() >= Revision::V3_2 || !before.is_zero();
            let after = step.after.account(id);
            if asked && before != *value && step.after.verdict(id) == Verdict::Unhealthy {
                return Err("below the line".into());
            }
            let model = Model::of(step.after);
            let found = model.account(after);
            let threshold = crate::model::average(&found, 1);
            if big(step.after.data(id).threshold) != threshold || after.term(E_MODE) != *value {
                return Err(format!("threshold {threshold} expected"));
            }
            Ok(1)
        })
    });
}

/// A loan of nothing by nobody: the getter's numbers for an account that the pool never saw.
#[test]
fn an_empty_account_is_all_zeros() {
    for revision in Revision::ALL {
        let found = plain(revision).data(AccountId(3));
        let zero = U256::ZERO;
        let expected = Data {
            collateral: zero,
            debt: zero,
            available: zero,
            threshold: zero,
            ltv: zero,
            health: U256::MAX,
        };
        assert_eq!(found, expected);
    }
    let world = plain(Revision::V3_5);
    assert_eq!(world.then(OTHER, OTHER, Action::Accrue).map(|after| after.at), Ok(world.at));
    let frozen = plain(Revision::V3_5).set(WETH, Configuration::FROZEN, 1);
    let deposit = Action::Deposit { into: receipt(WETH), amount: Amount::Assets(u(1)) };
    assert_eq!(frozen.then(OTHER, OTHER, deposit).err(), Some(Refusal::Frozen(InstrumentId(0))));
}
