//! How much of one way: the least that reaches the target, or the most that it takes.

use super::Binding;
use super::chain::{Sink, Source, Way};
use super::state::{State, Stop};
use plimsoll_core::num::Wide;
use plimsoll_core::{Int, Refusal, Rounding, U256};

/// A most that only rules bound is sought down to this part of it (2^-`n`).
const FINE: usize = 24;
/// So many amounts are asked about before a way is given up.
const BUDGET: u32 = 400;

/// What a way comes to.
pub(super) enum Settled<'g> {
    /// With this amount it reaches the target, and with one unit less it does not.
    Reaches(U256, State<'g>),
    /// All that it takes is too little.
    Falls(U256, State<'g>, Binding),
    /// It cannot be gone at all, or does not help.
    Not(Binding),
}

/// Goes a way as far as is needed.
pub(super) fn settle<'g>(state: &State<'g>, way: &Way, helped: usize) -> Settled<'g> {
    let upper = way.upper(state, helped);
    let held_by = match way {
        Way::Chain { source: Source::Wallet, .. } => Binding::Wallet,
        _ => Binding::Held,
    };
    if upper == U256::ZERO {
        return Settled::Not(held_by);
    }
    let (most, at_most, by) = match most(state, way, helped, upper) {
        Ok(found) => found,
        Err(why) => return Settled::Not(binding(why, held_by)),
    };
    let by = by.map_or_else(|| whole(way, &at_most, helped, held_by), |why| binding(why, held_by));
    if at_most.reaches(helped) {
        return match least(state, way, helped, most) {
            Some((amount, state)) => Settled::Reaches(amount, state),
            None => Settled::Reaches(most, at_most),
        };
    }
    // Where a position is traded more may be too much: the best lies in between.
    if super::chain::gain(state, &at_most, helped) != Some(true) {
        return match between(state, way, helped, most) {
            Some((amount, state)) if state.reaches(helped) => match least(&state, way, helped, amount) {
                Some(found) => Settled::Reaches(found.0, found.1),
                None => Settled::Reaches(amount, state),
            },
            _ => Settled::Not(Binding::NoBetter),
        };
    }
    Settled::Falls(most, at_most, by)
}

fn binding(why: Stop, held_by: Binding) -> Binding {
    match why {
        Stop::Refused(refusal) => Binding::Refused(refusal),
        Stop::Line(account) => Binding::Line(account),
        Stop::Gives(account) => Binding::Gives(account),
        Stop::Depth => Binding::Depth,
        Stop::Wallet => Binding::Wallet,
        Stop::Nothing => held_by,
    }
}

/// What bound a way of which all was taken.
fn whole(way: &Way, after: &State<'_>, helped: usize, held_by: Binding) -> Binding {
    match way {
        Way::Chain { source, of, sink: Sink::Repay(debt), .. } => {
            let paid_up = after.balance(helped, *debt) == Some(U256::ZERO);
            let left = matches!(source, Source::Wallet) && after.has(&of.0) != U256::ZERO;
            if paid_up || left { Binding::Owed } else { held_by }
        }
        _ => held_by,
    }
}

/// The most that a way takes up to an amount, where it stands then, and why not more; `None` where all of it is taken.
fn most<'g>(
    state: &State<'g>,
    way: &Way,
    helped: usize,
    upper: U256,
) -> Result<(U256, State<'g>, Option<Stop>), Stop> {
    let mut refused = match way.go(state, helped, upper) {
        Ok(after) => return Ok((upper, after, None)),
        Err(why) => why,
    };
    // From below: what is too small may be refused as well as what is too much.
    let (mut small, mut large) = (U256::ZERO, upper);
    let mut found: Option<(U256, State<'g>)> = None;
    let mut asked = match way {
        Way::Fill { lot, .. } => *lot,
        Way::Chain { .. } => start(way, upper),
    };
    for _ in 0..BUDGET {
        match way.go(state, helped, asked) {
            Ok(after) => {
                small = asked;
                found = Some((asked, after));
            }
            Err(why) => {
                let too_small = found.is_none() && is_too_small(&why);
                refused = if too_small { refused } else { why };
                *(if too_small { &mut small } else { &mut large }) = asked;
            }
        }
        let gap = large.sub_or_zero(small);
        let fine = found.is_some() && gap.bit_len() + FINE < small.bit_len();
        if gap <= U256::ONE || fine {
            break;
        }
        asked = match found {
            Some(_) if large == upper && upper == U256::MAX => small.add(small).unwrap_or(large),
            Some(_) => small.add(gap.half()).unwrap_or(large),
            // Nothing was taken yet: up from the least while it is too small, down while it is too much.
            None if large == upper && small != U256::ZERO => small.add(small).unwrap_or(large).min(large),
            None => small.add(gap.half()).unwrap_or(large),
        };
        if asked <= small || asked >= large {
            asked = small.add(gap.half()).unwrap_or(large);
        }
    }
    found.map(|(amount, after)| (amount, after, Some(refused))).ok_or(refused)
}

/// Where a search begins that has no end to begin at: a thousandth of a token, or of what there is.
fn start(way: &Way, upper: U256) -> U256 {
    let digits = match way {
        Way::Chain { of, .. } => of.1,
        Way::Fill { .. } => return U256::ONE,
    };
    let thousandth = U256::pow10(digits.saturating_sub(3)).unwrap_or(U256::ONE);
    if upper == U256::MAX { thousandth } else { upper.half().max(U256::ONE) }
}

fn is_too_small(why: &Stop) -> bool {
    matches!(
        why,
        Stop::Nothing
            | Stop::Refused(Refusal::AmountZero | Refusal::NoShares | Refusal::BorrowTooSmall { .. })
    )
}

/// The least amount that reaches the target, where the most does: interpolated, then stepped to from there.
fn least<'g>(state: &State<'g>, way: &Way, helped: usize, most: U256) -> Option<(U256, State<'g>)> {
    let unit = match way {
        Way::Fill { lot, .. } => *lot,
        Way::Chain { .. } => U256::ONE,
    };
    let reaches = |amount: U256| way.go(state, helped, amount).ok().filter(|after| after.reaches(helped));
    let (mut no, mut yes) = (U256::ZERO, most);
    let mut best = None;
    let mut guess = guess(state, way, helped, most).unwrap_or(most.half());
    let mut step = unit;
    for _ in 0..BUDGET {
        let gap = yes.sub_or_zero(no);
        if gap <= unit {
            break;
        }
        let last = yes.sub(unit).unwrap_or(no);
        guess = guess.max(no.add(unit).unwrap_or(yes)).min(last);
        if unit != U256::ONE {
            guess = guess.div(unit, Rounding::Down)?.mul(unit)?.max(no.add(unit)?);
        }
        match reaches(guess) {
            Some(after) => {
                (yes, best) = (guess, Some(after));
                guess = guess.sub(step).unwrap_or(no);
            }
            None => {
                no = guess;
                guess = guess.add(step).unwrap_or(yes);
            }
        }
        // Steps grow until both sides are known to be near; then the gap is halved.
        let both = no != U256::ZERO && yes != most;
        step = step.add(step).unwrap_or(step);
        if both || step > most.half() {
            guess = no.add(yes.sub_or_zero(no).half())?;
        }
    }
    match best {
        Some(after) => Some((yes, after)),
        None => reaches(most).map(|after| (most, after)),
    }
}

/// Where the target would be reached if the way there were a straight line.
fn guess(state: &State<'_>, way: &Way, helped: usize, most: U256) -> Option<U256> {
    let aim = state.ground.aim;
    let missing = aim.gap(&state.seen(helped).ok()?)?;
    let after = way.go(state, helped, most).ok()?;
    let seen = after.seen(helped).ok()?;
    let end = aim.gap(&seen)?;
    let all = end.sub(missing)?;
    let missing = missing.neg();
    // Both cut to the same number of bits, so that their quotient is a quotient of 256 bits.
    let shift = all.bits().max(missing.bits()).saturating_sub(200);
    let [part, whole] = [missing, all].map(|wide| shifted(wide, shift).and_then(Int::to_u256));
    most.mul_div_wide(part?, whole.filter(|whole| *whole != U256::ZERO)?, Rounding::Up)
}

/// A number without its last bits; `None` where even that does not fit.
pub(super) fn shifted(wide: Wide, shift: usize) -> Option<Int> {
    let (mut left, mut shift) = (wide, shift);
    while shift > 0 {
        let now = shift.min(200);
        left = Wide::product(left.div_down(U256::ZERO.with_bit(now, true))?, Int::ONE);
        shift -= now;
    }
    left.to_int()
}

/// The amount that leaves the account best, of one that grows and then falls: by thirds.
fn between<'g>(state: &State<'g>, way: &Way, helped: usize, most: U256) -> Option<(U256, State<'g>)> {
    let Way::Fill { lot, .. } = way else { return None };
    let gap = |amount: U256| {
        let after = way.go(state, helped, amount).ok()?;
        let seen = after.seen(helped).ok()?;
        Some((state.ground.aim.gap(&seen)?, after))
    };
    let (mut low, mut high) = (U256::ONE, most.div(*lot, Rounding::Down)?);
    while high.sub_or_zero(low) > U256::new(2) {
        let third = high.sub_or_zero(low).div(U256::new(3), Rounding::Down)?;
        let (left, right) = (low.add(third)?, high.sub(third)?);
        let (one, other) = (gap(left.mul(*lot)?), gap(right.mul(*lot)?));
        match (one, other) {
            (Some(one), Some(other)) if one.0 >= other.0 => high = right,
            (_, Some(_)) => low = left,
            (_, None) => high = right,
        }
    }
    let amount = low.mul(*lot)?;
    gap(amount).map(|(_, after)| (amount, after))
}
