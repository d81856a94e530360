//! What is said of accounts under doubtful prices holds at every price that they may have: verdicts at prices drawn
//! from the intervals, by the pool's own integers, beside what the judgement claims.

use crate::tape::{Tape, check};
use crate::world::{ORDINARY, Shape, WILD, World, u};
use plimsoll_core::{
    Assessment, Certainty, Int, Judgement, Lens, Market, Reading, Rounding, Standing, Test, U256, Why,
};
use plimsoll_venues::aave_v3::Revision;
use std::cell::Cell;

const TESTS: [Test; 2] = [Test::Liquidation, Test::Borrow];

/// A price that may be a little or much lower or higher, anything, or not there at all; one in three is certain.
fn doubted(tape: &mut Tape<'_>, price: U256) -> Reading {
    let near = 10u64.pow(tape.below(9) as u32);
    let part = |of: u64| price.mul_div(u(of.into()), u(near.into()), Rounding::Down).expect("256 bits");
    let low = match tape.below(4) {
        0 => return Reading::certain(price),
        1 => U256::ZERO,
        2 => price,
        _ => part(near - 1),
    };
    let high = match tape.below(5) {
        0 => None,
        1 => Some(part(2 * near)),
        2 => Some(price),
        _ => Some(part(near + 1)),
    };
    let value = if tape.once_in(5) { None } else { Some(price) };
    Reading { value, doubt: Some(Why::Stale), low, high }
}

/// A price inside of a reading's ends; the ends themselves often.
fn drawn(tape: &mut Tape<'_>, reading: &Reading, highest: U256) -> U256 {
    let high = reading.high.unwrap_or(highest);
    let width = high.sub(reading.low).expect("low is not above high");
    let within = match tape.below(5) {
        0 => U256::ZERO,
        1 => width,
        2 => width.min(u(tape.magnitude(4) - 1)),
        3 => width.min(reading.value.unwrap_or(high).sub_or_zero(reading.low)),
        _ => {
            let (part, of) = (u(tape.between(0, 1 << 40).into()), u(1 << 40));
            width.mul_div_wide(part, of, Rounding::Down).expect("a part")
        }
    };
    reading.low.add(within).expect("within")
}

/// Claims that were compared, by kind: safe, unsafe, without debt, certain.
type Counts = [Cell<u64>; 4];

fn holds(judgement: &Judgement, exact: &Assessment, counts: &Counts) -> Result<u64, String> {
    // Without a verdict nothing is claimed.
    let Some(verdict) = judgement.verdict() else { return Ok(0) };
    let (kind, at_least) = match judgement.certainty {
        Certainty::Safe { at_least, .. } => (0, at_least),
        Certainty::Unsafe(_) => (1, 0),
        Certainty::NoDebt => (2, 0),
        _ => (3, 0),
    };
    counts[kind].set(counts[kind].get() + 1);
    let covered = exact.backing.mul_wide(Int::new(100)) >= exact.requirement.mul_wide(Int::from(at_least));
    if verdict == exact.verdict && covered { Ok(1) } else { Err(format!("{judgement:?}, but {exact:?}")) }
}

fn scene(tape: &mut Tape<'_>, shape: Shape, counts: &Counts) -> Result<u64, String> {
    let revision = tape.pick(&Revision::ALL);
    let mut world = World::random(tape, revision, shape);
    world.drift(tape);
    let readings: Vec<Reading> =
        world.readings.iter().map(|reading| doubted(tape, reading.value.expect("a price"))).collect();
    let standing = Standing::new(&world.pool, &readings, Lens::Action, world.at).expect("it stands");
    let judge = |account| TESTS.map(|test| standing.judge(account, test));
    let judged: Vec<[Judgement; 2]> = world.accounts.iter().map(judge).collect();
    let mut cases = 0;
    for _ in 0..16 {
        let mut at = world.clone();
        for ((place, reading), slot) in at.readings.iter_mut().zip(&readings).zip(world.pool.slots()) {
            *place = Reading::certain(drawn(tape, reading, slot.highest));
        }
        let quoted = at.quoted();
        for (account, judged) in world.accounts.iter().zip(&judged) {
            for (test, judgement) in TESTS.into_iter().zip(judged) {
                // Where the contract has no answer nothing can contradict a claim.
                let Ok(exact) = quoted.verdict(account, test) else { continue };
                cases += holds(judgement, &exact, counts)
                    .map_err(|what| format!("{what}\n{revision:?} {test:?} {account:?} {:?}", at.readings))?;
            }
        }
    }
    Ok(cases)
}

#[test]
fn what_is_said_under_doubt_holds_at_every_price() {
    let counts = Counts::default();
    check("doubt", 3_000, |tape| {
        let shape = if tape.once_in(2) { WILD } else { ORDINARY };
        scene(tape, shape, &counts)
    });
    let counts = counts.map(Cell::into_inner);
    println!("safe, unsafe, no debt, certain: {counts:?}");
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
}
