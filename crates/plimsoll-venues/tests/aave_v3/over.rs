//! Boxes of accounts and prices: what is said of all of them is true of each, and a point is the verdict itself.

use crate::tape::{Outcome, Tape, check};
use crate::world::{WILD, World, u};
use plimsoll_core::{
    Account, Assessment, Feeds, Lens, Market, Quoted, Range, Reading, Refusal, Rounding, Test, U256, Verdict,
};
use plimsoll_venues::aave_v3::{Revision, USER_CONFIG, debt, receipt};

const TESTS: [Test; 2] = [Test::Liquidation, Test::Borrow];

/// Up to `parts` ten-thousandths above.
fn raised(tape: &mut Tape<'_>, value: U256, parts: u64) -> U256 {
    let by = 10_000 + tape.below(parts + 1);
    value.mul_div(u(by.into()), u(10_000), Rounding::Up).expect("256 bits")
}

/// A number from one to another.
fn between(tape: &mut Tape<'_>, low: U256, high: U256) -> U256 {
    let width = high.sub(low).expect("ends in order");
    let part = u(tape.below(65).into());
    low.add(width.mul_div(part, u(64), Rounding::Down).expect("256 bits")).expect("256 bits")
}

fn a_market_at<'w>(world: &'w World, readings: &[Reading]) -> Box<dyn Quoted + 'w> {
    world.pool.at(Feeds { readings }, Lens::Action, world.at).expect("a pool that stands")
}

/// A world, one of its accounts, and a box around both.
fn in_a_box(
    tape: &mut Tape<'_>,
    widths: &[u64],
    see: &dyn Fn(&mut Tape<'_>, &Scene<'_>) -> Outcome,
) -> Outcome {
    let revision = tape.pick(&Revision::ALL);
    let world = World::random(tape, revision, WILD);
    let width = tape.pick(widths);
    let mut cases = 0;
    // Dust on both sides of one reserve at prices of next to nothing: where every unit that is cut decides.
    let dust = tape.once_in(2);
    for account in &world.accounts {
        let low = if dust { both_sides(tape, &world, account) } else { account.clone() };
        let (low, mut high) = (&low, low.clone());
        for holding in low.holdings().iter().filter(|_| !dust) {
            high.set(holding.instrument, raised(tape, holding.quantity.magnitude(), width).into());
        }
        let mut readings = world.readings.clone();
        for (slot, reading) in readings.iter_mut().enumerate() {
            if let Some(held) = low.holdings().first().filter(|_| dust && slot < world.reserves()) {
                // Worth a few units.
                let unit = crate::world::ten_to(world.decimals(slot));
                let few = unit.mul(u(tape.below(9).into())).expect("256 bits");
                *reading = Reading::certain(few.div(held.quantity.magnitude(), Rounding::Up).unwrap_or(unit));
            }
            reading.high = Some(raised(tape, reading.low, width));
        }
        for test in TESTS {
            let scene = Scene { world: &world, low, high: &high, readings: &readings, test };
            cases += see(tape, &scene).map_err(|what| format!("{what}\n{revision:?} {test:?} {low:?}"))?;
        }
    }
    Ok(cases)
}

/// The same account with next to nothing held and owed of one reserve, and nothing else.
fn both_sides(tape: &mut Tape<'_>, world: &World, account: &Account) -> Account {
    let reserve = tape.below(world.reserves() as u64) as usize;
    let word = U256::ZERO.with_bit(2 * reserve, true).with_bit(2 * reserve + 1, true);
    Account::new(account.id)
        .with(receipt(reserve), u(tape.magnitude(5)).into())
        .with(debt(reserve), u(tape.magnitude(5)).into())
        .with_term(USER_CONFIG, word.into())
}

struct Scene<'a> {
    world: &'a World,
    low: &'a Account,
    high: &'a Account,
    readings: &'a [Reading],
    test: Test,
}

impl Scene<'_> {
    fn over(&self) -> Result<Range, Refusal> {
        // The prices that the market itself stands at must not matter.
        let elsewhere = vec![Reading::certain(u(1)); self.readings.len()];
        let quoted = a_market_at(self.world, &elsewhere);
        quoted.over(self.low, self.high, self.test, Feeds { readings: self.readings })
    }

    /// The verdict on some account of the box at some prices of it.
    fn somewhere(&self, tape: &mut Tape<'_>) -> Result<Assessment, Refusal> {
        let mut account = self.high.clone();
        for holding in self.high.holdings() {
            let low = self.low.quantity(holding.instrument).magnitude();
            account.set(holding.instrument, between(tape, low, holding.quantity.magnitude()).into());
        }
        let price = |reading: &Reading, tape: &mut Tape<'_>| {
            Reading::certain(between(tape, reading.low, reading.high.expect("an end")))
        };
        let readings: Vec<Reading> = self.readings.iter().map(|reading| price(reading, tape)).collect();
        a_market_at(self.world, &readings).verdict(&account, self.test)
    }
}

#[test]
fn a_box_of_one_point_is_the_verdict() {
    check("a_box_of_one_point_is_the_verdict", 3_000, |tape| {
        in_a_box(tape, &[0], &|_, scene| {
            let verdict = a_market_at(scene.world, scene.readings).verdict(scene.low, scene.test);
            match (scene.over(), verdict) {
                (Ok(range), Ok(exact))
                    if range.verdict == Some(exact.verdict)
                        && range.backing == [exact.backing; 2]
                        && range.requirement == [exact.requirement; 2] =>
                {
                    Ok(1)
                }
                (Err(_), Err(_)) => Ok(1),
                (range, exact) => Err(format!("{range:?} for {exact:?}")),
            }
        })
    });
}

#[test]
fn no_point_of_a_box_contradicts_it() {
    check("no_point_of_a_box_contradicts_it", 3_000, |tape| {
        in_a_box(tape, &[1, 100, 3_000, 100_000, 100_000_000], &|tape, scene| {
            let Ok(range) = scene.over() else { return Ok(0) };
            for _ in 0..16 {
                // Where some point overflows, its box may not.
                let Ok(exact) = scene.somewhere(tape) else { continue };
                let inside = |[low, high]: [plimsoll_core::Int; 2], value| low <= value && value <= high;
                let told = range.verdict.is_none_or(|verdict| verdict == exact.verdict);
                let owes = exact.verdict != Verdict::NoDebt;
                let held =
                    inside(range.backing, exact.backing) && inside(range.requirement, exact.requirement);
                if !told || (owes && !held) {
                    return Err(format!("{range:?} for {exact:?}"));
                }
            }
            Ok(16)
        })
    });
}

/// Boxes are worth something: most narrow ones have one verdict.
#[test]
fn narrow_boxes_have_a_verdict() {
    let told = std::cell::Cell::new([0u32; 2]);
    check("narrow_boxes_have_a_verdict", 1_000, |tape| {
        in_a_box(tape, &[1], &|_, scene| {
            let [some, all] = told.get();
            told.set([some + u32::from(scene.over().is_ok_and(|range| range.verdict.is_some())), all + 1]);
            Ok(1)
        })
    });
    let [some, all] = told.get();
    assert!(some * 10 > all * 7, "{some} of {all}");
}
