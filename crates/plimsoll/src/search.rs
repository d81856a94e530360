//! The first or the last amount that will do, over rules that need not be monotone.
//!
//! Some venues cut an average before they use it, so a little more may do where a little less does and something
//! between does not. A bisection alone then finds *a* boundary and not *the* boundary. Here a stretch of amounts is
//! left out only when it is proven that none of it will do; what is left is halved until single amounts are asked.

use plimsoll_core::{Refusal, Rounding, U256};

/// Amounts of which some will do.
pub(crate) trait Amounts {
    /// Whether this amount will do.
    fn will_do(&self, amount: U256) -> bool;

    /// Whether it is proven that no amount from `low` to `high`, both included, will do.
    fn none_of(&self, low: U256, high: U256) -> bool;
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// It will do, and its neighbour on the side of the search will not.
    pub(crate) amount: U256,
    /// Nothing on the far side of this will do. The amount itself, where the search was finished.
    pub(crate) proven: U256,
}

/// Why nothing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfound {
    /// None of the amounts will do.
    Nothing,
    /// The search had to be given up, and the end of it will not do; nothing below this will.
    GivenUp { proven: U256 },
}

/// So many questions are asked before a stretch is given up.
const BUDGET: u32 = 4_000;
/// After so many in a row without a proof none is expected: more than the halvings of any stretch come to.
const BARREN: u32 = 1_024;
/// So many amounts next to an unproven answer are asked one by one.
const NEAR: u64 = 64;

/// The least amount from `low` to `high` that will do.
pub(crate) fn first(amounts: &impl Amounts, low: U256, high: U256) -> Result<Found, Unfound> {
    let mut open = vec![(low, high)];
    if low > high {
        return Err(Unfound::Nothing);
    }
    let (mut left, mut barren) = (BUDGET, 0);
    while let Some((low, high)) = open.pop() {
        if left == 0 || barren == BARREN {
            let (_, last) = open.first().copied().unwrap_or((low, high));
            return bisected(amounts, low, last.max(high)).ok_or(Unfound::GivenUp { proven: low });
        }
        left -= 1;
        if amounts.none_of(low, high) {
            barren = 0;
            continue;
        }
        barren += 1;
        if amounts.will_do(low) {
            return Ok(Found { amount: low, proven: low });
        }
        let Some(next) = low.add(U256::ONE).filter(|next| *next <= high) else { continue };
        let middle = next.add(high.sub_or_zero(next).half()).unwrap_or(high);
        if let Some(upper) = middle.add(U256::ONE).filter(|upper| *upper <= high) {
            open.push((upper, high));
        }
        open.push((next, middle));
    }
    Err(Unfound::Nothing)
}

/// The greatest amount from `low` to `high` that will do; where the search was given up, nothing above `proven` will.
pub(crate) fn last(amounts: &impl Amounts, low: U256, high: U256) -> Result<Found, Unfound> {
    let mirror = Mirror { amounts, low, high };
    match first(&mirror, U256::ZERO, high.sub_or_zero(low)) {
        Ok(Found { amount, proven }) => {
            Ok(Found { amount: mirror.seen(amount), proven: mirror.seen(proven) })
        }
        Err(Unfound::GivenUp { proven }) => Err(Unfound::GivenUp { proven: mirror.seen(proven) }),
        Err(Unfound::Nothing) => Err(Unfound::Nothing),
    }
}

/// An accepted amount from `from` on, at most `most`, of which one unit more is not accepted or is above `most`: `from` itself where the next
/// is not accepted. Amounts in between are not all asked about.
pub(crate) fn onward(from: U256, most: U256, accepted: impl Fn(U256) -> bool) -> U256 {
    let (mut yes, mut step) = (from, U256::ONE);
    // Steps are doubled while they are accepted; from the first that is not on they are halved down to one unit.
    let mut growing = true;
    loop {
        let next = yes.add(step).filter(|next| *next <= most && accepted(*next));
        growing &= next.is_some();
        yes = next.unwrap_or(yes);
        step = match step.add(step).filter(|_| growing) {
            Some(double) => double,
            None if step == U256::ONE && next.is_none() => return yes,
            None => step.half().max(U256::ONE),
        };
    }
}

/// Whether a refusal of one amount says nothing of others: more may be accepted as well as less.
pub(crate) const fn either_way(why: &Refusal) -> bool {
    matches!(why, Refusal::RiskPremiumLimit(_))
}

/// The same amounts counted down from the highest.
struct Mirror<'a, A> {
    amounts: &'a A,
    low: U256,
    high: U256,
}

impl<A> Mirror<'_, A> {
    fn seen(&self, distance: U256) -> U256 {
        self.high.sub_or_zero(distance).max(self.low)
    }
}

impl<A: Amounts> Amounts for Mirror<'_, A> {
    fn will_do(&self, amount: U256) -> bool {
        self.amounts.will_do(self.seen(amount))
    }

    fn none_of(&self, low: U256, high: U256) -> bool {
        self.amounts.none_of(self.seen(high), self.seen(low))
    }
}

/// The largest amount that is accepted, what it comes to, and why one unit more is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Largest<T> {
    /// The amount and its outcome; `None` where nothing is accepted.
    pub(crate) accepted: Option<(U256, T)>,
    /// The refusal of one unit more, or of anything at all.
    pub(crate) because: Option<Refusal>,
    /// Where that is for being too small: why what would not be too small is refused as well.
    pub(crate) beyond: Option<Refusal>,
}

/// Doubles from one unit until a refusal, then halves the gap. Amounts that are too small are passed over, also where
/// smaller ones are accepted: a loan may begin with a balance and then have to be of a least size. Every other refusal
/// is taken to refuse all that is more.
pub(crate) fn largest<T>(ask: impl Fn(U256) -> Result<T, Refusal>) -> Largest<T> {
    let mut found = around(&ask);
    let more = found.accepted.as_ref().map_or(Some(U256::ONE), |(amount, _)| amount.add(U256::ONE));
    let refused = more.and_then(|more| ask(more).err());
    if let Some(Refusal::BorrowTooSmall { .. }) = refused {
        found.beyond = found.because.filter(|why| !matches!(why, Refusal::BorrowTooSmall { .. }));
        found.because = refused;
    }
    found
}

/// As [`largest`], with the last refusal that is not for being too small, where there is one.
fn around<T>(ask: impl Fn(U256) -> Result<T, Refusal>) -> Largest<T> {
    // Up to `small` it is too little or accepted, from `large` on it is refused.
    let (mut small, mut large) = (U256::ZERO, U256::MAX);
    let mut found = Largest { accepted: None, because: None, beyond: None };
    // What was too small, though less was accepted.
    let mut gap_above = None;
    let mut asked = U256::ONE;
    loop {
        match ask(asked) {
            Ok(outcome) => {
                small = asked;
                gap_above = None;
                found.accepted = Some((asked, outcome));
            }
            Err(why @ (Refusal::AmountZero | Refusal::BorrowTooSmall { .. })) => {
                small = asked;
                gap_above = gap_above.or(found.accepted.is_some().then_some(asked));
                found.because = found.because.or(Some(why));
            }
            Err(why) => {
                large = asked;
                found.because = Some(why);
            }
        }
        let Some(gap) = large.sub(small).filter(|gap| *gap > U256::ONE) else { break };
        let next = if large == U256::MAX { asked.add(asked) } else { small.add(gap.half()) };
        let Some(next) = next else { break };
        asked = next;
    }
    if let (Some(refused), Some((accepted, _))) = (gap_above, &found.accepted) {
        found.accepted = below(ask, *accepted, refused).or(found.accepted);
    }
    found
}

/// The largest that is accepted between an amount that is and one that is not.
fn below<T>(ask: impl Fn(U256) -> Result<T, Refusal>, accepted: U256, refused: U256) -> Option<(U256, T)> {
    let (mut yes, mut no) = (accepted, refused);
    while let Some(gap) = no.sub(yes).filter(|gap| *gap > U256::ONE) {
        let middle = yes.add(gap.half())?;
        if ask(middle).is_ok() {
            yes = middle;
        } else {
            no = middle;
        }
    }
    Some((yes, ask(yes).ok()?))
}

/// A boundary between `low` and `high`, with a look at its neighbourhood; nothing below `low` will do.
fn bisected(amounts: &impl Amounts, low: U256, high: U256) -> Option<Found> {
    let proven = low;
    let (mut no, mut yes) = (low, high);
    if amounts.will_do(low) {
        return Some(Found { amount: low, proven });
    }
    if !amounts.will_do(high) {
        return None;
    }
    while let Some(gap) = yes.sub(no).filter(|gap| *gap > U256::ONE) {
        let middle = no.add(gap.div(U256::new(2), Rounding::Down).unwrap_or(U256::ONE)).unwrap_or(yes);
        if amounts.will_do(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    for distance in (1..=NEAR).rev() {
        let near = yes.sub(U256::from(distance)).filter(|near| *near > proven);
        if let Some(near) = near.filter(|near| amounts.will_do(*near)) {
            return Some(Found { amount: near, proven });
        }
    }
    Some(Found { amount: yes, proven })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Amounts that will do by a rule; proofs see stretches of at most so many amounts.
    struct Rule {
        rule: fn(u128) -> bool,
        sight: u128,
    }

    fn small(amount: U256) -> u128 {
        amount.to_u128().unwrap_or(u128::MAX)
    }

    impl Amounts for Rule {
        fn will_do(&self, amount: U256) -> bool {
            (self.rule)(small(amount))
        }

        fn none_of(&self, low: U256, high: U256) -> bool {
            let (low, high) = (small(low), small(high));
            high - low < self.sight && !(low..=high).any(self.rule)
        }
    }

    #[test]
    fn the_first_and_the_last_are_found_where_there_are_holes() {
        let rules: [fn(u128) -> bool; 4] =
            [|x| x >= 700, |x| x >= 700 || (x > 500 && x % 37 == 1), |x| x == 1000 || x == 3, |x| x % 2 == 0];
        for (n, rule) in rules.into_iter().enumerate() {
            for sight in [0, 1, 16, 5000] {
                let amounts = Rule { rule, sight };
                let expected = (1..=1000).find(|&x| rule(x)).map(U256::new);
                let found = first(&amounts, U256::ONE, U256::new(1000)).expect("1000 will do");
                assert_eq!(
                    (Some(found.amount), found.proven),
                    (expected, found.amount),
                    "rule {n}, sight {sight}"
                );
                // The last before the first that is left out: the rules hold at 1000, their mirrors at 0.
                let expected = (0..1000).rev().find(|&x| !rule(x)).map(U256::new);
                let opposite = Not(Rule { rule, sight });
                let low = (0..1000).find(|&x| !rule(x)).map(U256::new);
                let found =
                    last(&opposite, low.unwrap_or(U256::ZERO), U256::new(1000)).expect("the lowest will do");
                assert_eq!(
                    (Some(found.amount), found.proven),
                    (expected, found.amount),
                    "rule {n}, sight {sight}"
                );
            }
        }
    }

    /// That none was found is not that there is none.
    #[test]
    fn a_search_that_is_given_up_proves_no_more_than_it_asked() {
        let no = |sight| Rule { rule: |_| false, sight };
        assert_eq!(first(&no(5000), U256::ONE, U256::new(4000)), Err(Unfound::Nothing));
        let Err(Unfound::GivenUp { proven }) = first(&no(0), U256::ONE, U256::new(1_000_000)) else {
            panic!("a million amounts were not asked")
        };
        assert!(proven > U256::ONE && proven <= U256::from(u64::from(BUDGET)), "{proven}");
    }

    /// From every amount of every rule: what is found is accepted, and one more is not.
    #[test]
    fn one_more_than_what_is_followed_to_is_not_accepted() {
        let rules: [fn(u128) -> bool; 5] =
            [|_| true, |_| false, |x| x < 77, |x| x % 37 != 1, |x| x % 2 == 0 || x > 200];
        for (n, rule) in rules.into_iter().enumerate() {
            for (from, most) in (0..=260).flat_map(|from| [(from, from), (from, 260), (from, 300)]) {
                let found = small(onward(U256::new(from), U256::new(most), |amount| rule(small(amount))));
                let here = format!("rule {n}, from {from} to {most}: {found}");
                assert!(from <= found && found <= most && (found == from || rule(found)), "{here}");
                assert!(found == most || !rule(found + 1), "{here}");
                let next = (from..most).find(|&x| !rule(x + 1)).unwrap_or(most);
                assert!(found >= next, "{here}");
            }
        }
    }

    struct Not(Rule);

    impl Amounts for Not {
        fn will_do(&self, amount: U256) -> bool {
            !self.0.will_do(amount)
        }

        fn none_of(&self, low: U256, high: U256) -> bool {
            let (low, high) = (small(low), small(high));
            high - low < self.0.sight && (low..=high).all(self.0.rule)
        }
    }

    /// A balance of so much, and loans beyond it of a least and a greatest size.
    #[test]
    fn the_largest_is_found_around_what_is_too_small() {
        let too_small = Refusal::BorrowTooSmall { owed: U256::ONE, least: U256::ONE };
        for balance in [0_u128, 1, 5, 500, 511, 512, 513] {
            for (least, most) in [(1, 0), (100, 0), (100, 100), (100, 7_000), (1, 3), (2_000, 90_000)] {
                let ask = |amount: U256| match small(amount) {
                    amount if amount <= balance => Ok(()),
                    amount if amount - balance < least => Err(too_small),
                    amount if amount - balance > most => Err(Refusal::NoBorrowingPower),
                    _ => Ok(()),
                };
                let expected = if most >= least { balance + most } else { balance };
                let found = largest(ask);
                let amount = found.accepted.map_or(0, |(amount, ())| small(amount));
                assert_eq!(amount, expected, "{balance} {least} {most}");
                let because = if most < least && least > 1 { too_small } else { Refusal::NoBorrowingPower };
                assert_eq!(found.because, Some(because), "{balance} {least} {most}");
                // Whoever has too little for the least loan is told that as well.
                let beyond = (because == too_small).then_some(Refusal::NoBorrowingPower);
                assert_eq!(found.beyond, beyond, "{balance} {least} {most}");
            }
        }
    }

    #[test]
    fn an_answer_that_is_not_proven_says_so() {
        let far = 1_u128 << 100;
        let blind = Rule { rule: |x| x >= (1 << 99) + 12_345, sight: 1 };
        let found = first(&blind, U256::ONE, U256::new(far)).expect("the highest will do");
        assert_eq!(found.amount, U256::new((1 << 99) + 12_345));
        assert!(found.proven < found.amount && found.proven > U256::ONE);
    }
}
