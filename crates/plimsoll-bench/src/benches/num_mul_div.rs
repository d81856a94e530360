//! `x * y / d` on checked 256-bit integers: nanoseconds an operation, and whether it is ever wrong.
//!
//! **Cases** by divisor: what venues divide by (ray, token units, basis points), prepared once; and a divisor that is
//! met once (a debt), not prepared. Factors are as wide as the venues' are. **Baseline** `ruint`: the same with the
//! big-integer crate's own checked product and division, in turn in this process; every result is compared.
//!
//! The property [`PROPERTY`] compares every rounding on random and awkward numbers of all widths; its figure is the
//! number of results that differ.

use crate::line::{Better, Line, isa};
use crate::measure::in_turn;
use crate::random::Random;
use crate::registry::{Context, Trouble};
use plimsoll_core::{BPS, Divisor, RAY, Rounding, U256, WAD};
use ruint::aliases::U256 as Word;
use std::hint::black_box;

pub(crate) const NAME: &str = "num_mul_div";
pub(crate) const PROPERTY: &str = "num_division";

struct Case {
    name: &'static str,
    divisor: Divisor,
    rounding: Rounding,
    /// Widest first and second factor (bits).
    widths: (u32, u32),
}

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let cases = [
        Case {
            name: "scaled x index / 1e27, half up",
            divisor: RAY,
            rounding: Rounding::HalfUp,
            widths: (90, 91),
        },
        Case { name: "scaled x index / 1e27, up", divisor: RAY, rounding: Rounding::Up, widths: (90, 91) },
        Case {
            name: "balance x price / 1e18, down",
            divisor: WAD,
            rounding: Rounding::Down,
            widths: (90, 44),
        },
        Case {
            name: "value x weight / 1e4, half up",
            divisor: BPS,
            rounding: Rounding::HalfUp,
            widths: (60, 14),
        },
        Case {
            name: "backing x 1e18 / debt, half up, not prepared",
            divisor: Divisor::from(U256::new(1_234_567_890_123)),
            rounding: Rounding::HalfUp,
            widths: (60, 60),
        },
    ];
    for case in &cases {
        for seed in context.seeds() {
            measure(context, case, seed, emit)?;
        }
    }
    Ok(())
}

fn measure(context: &Context, case: &Case, seed: u64, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let size = context.sized(100, 2_000, 100_000);
    let mut random = Random::new(seed);
    let pairs: Vec<(U256, U256)> = (0..size)
        .map(|_| {
            let mut factor = |width: u32| U256::new(random.double_word() >> (128 - width));
            (factor(case.widths.0), factor(case.widths.1))
        })
        .collect();
    let words: Vec<(Word, Word)> = pairs.iter().map(|(x, y)| (word(*x), word(*y))).collect();
    let (divisor, rounding) = (case.divisor, case.rounding);
    let by = word(divisor.value());
    let same = |&((x, y), (wx, wy)): &(&(U256, U256), &(Word, Word))| {
        x.mul_div(*y, divisor, rounding).map(word) == theirs(*wx, *wy, by, rounding)
    };
    let agreed = pairs.iter().zip(&words).filter(same).count() as u64;

    let rounds = (10_000 / size).max(1);
    let mut ours = || {
        for (x, y) in (0..rounds).flat_map(|_| &pairs) {
            let _ = black_box(x.mul_div(*y, *black_box(&divisor), rounding));
        }
    };
    let mut ruint = || {
        for (x, y) in (0..rounds).flat_map(|_| &words) {
            let _ = black_box(theirs(*x, *y, *black_box(&by), rounding));
        }
    };
    let [our_time, their_time] = in_turn(context.runs(), (size * rounds) as u64, [&mut ours, &mut ruint]);
    let n = size as u64;
    emit(Line {
        bench: NAME,
        case: case.name.into(),
        value: our_time.median,
        unit: "ns/operation",
        better: Better::Lower,
        baseline: "ruint".into(),
        baseline_value: their_time.median,
        agreed,
        checked: n,
        runs: our_time.runs,
        spread: our_time.spread,
        threads: 1,
        isa: isa(),
        n,
        sample: n,
        seed,
    });
    if agreed == n { Ok(()) } else { Err(Trouble::Wrong(format!("{}: {agreed} of {n} agree", case.name))) }
}

/// The same with nothing prepared.
fn theirs(x: Word, y: Word, by: Word, rounding: Rounding) -> Option<Word> {
    let product = x.checked_mul(y)?;
    if by.is_zero() {
        return None;
    }
    match rounding {
        Rounding::Down | Rounding::TowardZero => Some(product / by),
        Rounding::HalfUp => Some(product.checked_add(by >> 1)? / by),
        Rounding::Up => Some(product.div_ceil(by)),
        Rounding::Exact => (product % by).is_zero().then(|| product / by),
    }
}

fn word(value: U256) -> Word {
    Word::from_le_bytes(value.to_le_bytes())
}

const ROUNDINGS: [Rounding; 5] =
    [Rounding::Exact, Rounding::Down, Rounding::Up, Rounding::HalfUp, Rounding::TowardZero];

pub(crate) fn run_property(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let size = context.sized(5_000_u64, 500_000, 5_000_000);
    for seed in context.seeds() {
        let mut random = Random::new(seed);
        let (mut wrong, mut first) = (0_u64, None);
        for _ in 0..size {
            let (x, y, by) = (awkward(&mut random), awkward(&mut random), awkward(&mut random));
            for rounding in ROUNDINGS {
                let expected = theirs(word(x), word(y), word(by), rounding);
                let prepared = x.mul_div(y, Divisor::of(by), rounding).map(word);
                let unprepared = x.mul_div(y, by, rounding).map(word);
                if prepared != expected || unprepared != expected {
                    wrong += 1;
                    first.get_or_insert(format!("{x} x {y} / {by}, {}, seed {seed}", rounding.name()));
                }
            }
        }
        let checked = size * ROUNDINGS.len() as u64;
        emit(Line {
            bench: PROPERTY,
            case: "five roundings, prepared and not".into(),
            value: wrong as f64,
            unit: "mismatches",
            better: Better::Lower,
            baseline: "ruint".into(),
            baseline_value: 0.0,
            agreed: checked - wrong,
            checked,
            runs: 1,
            spread: 0.0,
            threads: 1,
            isa: isa(),
            n: checked,
            sample: checked,
            seed,
        });
        if let Some(first) = first {
            return Err(Trouble::Wrong(first));
        }
    }
    Ok(())
}

/// Of any width, and often next to a power of two or of ten, where division goes wrong if it does.
fn awkward(random: &mut Random) -> U256 {
    let words = [random.word(), random.word(), random.word(), random.word()];
    let mut bytes = [0; 32];
    for (place, word) in bytes.chunks_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    let shift = random.below(257) as usize;
    let any = Word::from_le_bytes(bytes).checked_shr(shift).unwrap_or_default();
    let near = |value: U256, random: &mut Random| match random.below(3) {
        0 => value.sub_or_zero(U256::ONE),
        1 => value,
        _ => value.add(U256::ONE).unwrap_or(value),
    };
    match random.below(4) {
        0 => near(U256::pow10(random.below(78) as u8).unwrap_or(U256::MAX), random),
        1 => near(U256::ZERO.with_bit(random.below(256) as usize, true), random),
        _ => U256::from_le_bytes(any.to_le_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Scale;

    #[test]
    fn both_forms_run_and_agree() {
        let context = Context { scale: Scale::Quick, seed: 3, child_peers: false, data: None };
        let mut lines = Vec::new();
        run(&context, &mut |line| lines.push(line)).expect("measured");
        run_property(&context, &mut |line| lines.push(line)).expect("compared");
        assert_eq!(lines.len(), 6);
        assert!(lines.iter().all(Line::agrees));
    }
}
