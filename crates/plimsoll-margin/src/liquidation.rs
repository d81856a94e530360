//! How much is closed, at what fee, and what may never be refused.
//!
//! # Sizing
//! Closing x of a position at price p frees x p m of requirement and costs x p f of fee: headroom rises by x p (m - f). The least x that reaches a target is
//! ceil((target - headroom) / (p (m - f))), in lots rounded up: [`lots_to_restore`]. Where requirement is no line in x (size premiums,
//! tiers), [`least`] finds it by bisection of whole numbers, of anything that once reached stays so.
//!
//! # Fee
//! At most what would be left: [`fee`] never makes equity negative that was not, so that no insurance is ever needed to pay a liquidator.
//!
//! # Never block an action that reduces risk
//! An account is a list of buckets, each with a backing B and a requirement R >= 0. While a bucket is below its line (B < R), an action may do to it
//! whatever keeps R' <= R and B' >= min(B, B R' / R) ([`Bucket::no_worse`], as a cross product; where R is 0, B' >= B). Whatever satisfies this is allowed, always.
//!
//! 1. *It is enough.* Where B >= 0 it says B' / R' >= B / R: health does not fall, and the shortfall R' - B' <= (R - B) R' / R does not grow. Where B < 0 it
//!    says B' >= B: what is missing does not grow, and neither does the requirement.
//! 2. *It cannot be gone around.* It is transitive. Let B' >= min(B, B R'/R) and B'' >= min(B', B' R''/R'), R'' <= R' <= R. If B >= 0, then B' >= B R'/R >= 0 and
//!    B'' >= B' R''/R' >= B R''/R. If B < 0, then B' >= B, and B'' is at least B' or at least 0. So no order of allowed actions does
//!    what one of them may not.
//! 3. *It blocks nothing that reduces risk.* Closing any part at no worse than the price it is valued at, at no fee, leaves B and lowers R: B >= min(B, B R'/R)
//!    because R' <= R. A fee of up to B (1 - R'/R) is as good. Paying in, repaying and cancelling orders raise B or lower R.
//! 4. *A bucket that an action does not touch is not asked*, so a price that is missing there blocks nothing; and where a bucket is touched, an action that makes
//!    it no worse at every price ([`crate::cross::Account::improves_on`]) needs none at all.
//!
//! dYdX's rule is this one for a single bucket with B >= 0; below 0 it asks B to rise as R falls, and so refuses to close at the mark.

use crate::fixed::mul_div;
use plimsoll_core::{Int, Rounding};

/// The least number of lots to close so that headroom reaches `target`, at most `held`: each lot frees `freed` and costs `cost`. `None` where a number does not fit
/// and where no number of lots reaches it: because closing costs what it frees, or because not even all of them are enough.
#[must_use]
pub fn lots_to_restore(headroom: i128, target: i128, freed: i128, cost: i128, held: i128) -> Option<i128> {
    let missing = target.checked_sub(headroom)?;
    if missing <= 0 {
        return Some(0);
    }
    let gained = freed.checked_sub(cost)?;
    if gained <= 0 {
        return None;
    }
    let lots = mul_div(missing, 1, gained, Rounding::Up)?;
    (lots <= held).then_some(lots)
}

/// The least whole number from 0 to `most` at which `reached` holds, where it goes on holding from there; `None` if it does not even at `most`. It is asked at
/// most 128 times.
pub fn least(most: u128, mut reached: impl FnMut(u128) -> bool) -> Option<u128> {
    if !reached(most) {
        return None;
    }
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low) / 2;
        if reached(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(high)
}

/// The fee of closing something of this `notional`: `rate` millionths of it, but never more than the equity that is left.
#[must_use]
pub fn fee(notional: i128, rate: u32, equity: i128) -> Option<i128> {
    let whole = mul_div(notional.checked_abs()?, rate.into(), 1_000_000, Rounding::Down)?;
    Some(whole.min(equity.max(0)))
}

/// The price of a position at which the whole account is worth nothing, rounded to the side on which it is not below: `equity` is the account's at `price`, in
/// base unit x price. `None` where no price that is not negative is one.
#[must_use]
pub fn bankruptcy_price(price: i128, base: i128, equity: i128) -> Option<i128> {
    // equity + base (x - price) = 0.
    // The price of a short one is rounded down, of a long one up; what is taken off, the other way.
    let rounding = if base < 0 { Rounding::Up } else { Rounding::Down };
    let found = price.checked_sub(mul_div(equity, 1, base, rounding)?)?;
    (found >= 0).then_some(found)
}

/// What backs a bucket and what is asked of it, in one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What counts.
    pub backing: Int,
    /// What is asked; not negative.
    pub requirement: Int,
}

impl Bucket {
    /// Whether it is at or above its line.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.backing >= self.requirement
    }

    /// Whether `after` is no worse by the rule of the header.
    #[must_use]
    pub fn no_worse(&self, after: &Bucket) -> bool {
        if after.requirement.is_negative() || after.requirement > self.requirement {
            return false;
        }
        // B' >= B, or B' R >= B R'.
        after.backing >= self.backing
            || (!self.backing.is_negative()
                && !self.requirement.is_zero()
                && after.backing.mul_wide(self.requirement) >= self.backing.mul_wide(after.requirement))
    }
}

/// Whether an action may be done, from the buckets that it touches, before and after: each must stand above its line afterwards, or have been below it and be no
/// worse.
#[must_use]
pub fn may_be_done(touched: &[(Bucket, Bucket)]) -> bool {
    touched.iter().all(|(before, after)| after.is_kept() || (!before.is_kept() && before.no_worse(after)))
}
