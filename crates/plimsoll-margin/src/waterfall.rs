//! Who bears a loss that an account cannot: the funds in their order, then counterparties or everybody with a position.
//!
//! account -> its bucket's own fund -> the shared fund -> auto-deleveraging, or socialised over open positions. A later stage is asked only where the earlier
//! is empty, and what all of them bear adds to the loss, to the unit.
//!
//! # Auto-deleveraging
//! Positions on the other side are closed against the bankrupt one at its bankruptcy price, in the order of profit x leverage:
//!
//! ```text
//! long: mark / entry x notional / value        short: entry / mark x notional / value
//! ```
//!
//! compared by cross-multiplication, so that no quotient is rounded; an account worth nothing or less goes first, equals by their number. As many lots are closed
//! as the bankrupt account has left, and not one more: only the last may be closed in part. The order is a function of the state alone, so that anybody can be
//! shown how many lots stand before his ([`lots_before`]).
//!
//! # Socialised loss
//! By open position, whichever side: share(k) = floor(loss x sum up to k / total) - floor(loss x sum before k / total). Each is within one unit of its part, they add to the loss, and who
//! has no position bears nothing.

use core::cmp::Ordering;
use plimsoll_core::num::Wide;
use plimsoll_core::{Int, Rounding, U256};

/// What each stage bears of a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Borne {
    /// The account's own equity.
    pub account: u128,
    /// The fund of its bucket.
    pub bucket: u128,
    /// The fund of all.
    pub shared: u128,
    /// What is left for counterparties or everybody.
    pub others: u128,
}

/// Splits a loss over the stages.
#[must_use]
pub fn split(loss: u128, account: u128, bucket: u128, shared: u128) -> Borne {
    let mut left = loss;
    let mut take = |fund: u128| {
        let taken = left.min(fund);
        left -= taken;
        taken
    };
    let (account, bucket, shared) = (take(account), take(bucket), take(shared));
    Borne { account, bucket, shared, others: left }
}

/// A position that may be closed against a bankrupt one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counterparty {
    /// Whose; equals are ordered by it.
    pub account: u64,
    /// Lots, short where negative.
    pub lots: i128,
    /// The price at which it was entered, positive.
    pub entry: u128,
    /// What the account is worth.
    pub value: i128,
}

impl Counterparty {
    /// The score's two sides at a mark price: above and below.
    fn score(&self, mark: u128) -> (U256, U256) {
        let (over, under) = if self.lots < 0 { (self.entry, mark) } else { (mark, self.entry) };
        let size = U256::new(self.lots.unsigned_abs());
        // notional = lots x mark, of which the mark is common to all.
        (
            product(U256::new(over), size),
            product(U256::new(under), U256::new(self.value.max(0).unsigned_abs())),
        )
    }

    /// Who is closed first: `Less` is before.
    #[must_use]
    pub fn order(&self, other: &Counterparty, mark: u128) -> Ordering {
        let ((mine, my_base), (others, others_base)) = (self.score(mark), other.score(mark));
        let (left, right) =
            (Wide::product(mine.into(), others_base.into()), Wide::product(others.into(), my_base.into()));
        // A score over nothing is above every other.
        let by_score = match (my_base == U256::ZERO, others_base == U256::ZERO) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => right.cmp(&left),
        };
        by_score.then(self.account.cmp(&other.account))
    }
}

/// The product of two numbers of 128 bits, which always fits.
fn product(x: U256, y: U256) -> U256 {
    x.mul(y).unwrap_or(U256::MAX)
}

/// Orders counterparties and closes up to `lots` of the bankrupt position, which is short where negative, against those on the other side. What is closed of each
/// stands in `closed`, in the new order; the sum is returned: all that was asked, or all that the other side has. `None` where lengths disagree.
#[must_use]
pub fn deleverage(lots: i128, mark: u128, others: &mut [Counterparty], closed: &mut [u128]) -> Option<u128> {
    if others.len() != closed.len() {
        return None;
    }
    others.sort_unstable_by(|one, other| one.order(other, mark));
    let mut left = lots.unsigned_abs();
    for (other, closed) in others.iter().zip(closed.iter_mut()) {
        *closed = if stands_against(other, lots) { left.min(other.lots.unsigned_abs()) } else { 0 };
        left -= *closed;
    }
    Some(lots.unsigned_abs() - left)
}

/// How many lots stand before the first of `account`'s, if a position like `lots` went bankrupt, however many of them it takes;
/// `None` where it has no position on the other side.
#[must_use]
pub fn lots_before(account: u64, lots: i128, mark: u128, others: &[Counterparty]) -> Option<u128> {
    let mine = others.iter().find(|other| other.account == account && stands_against(other, lots))?;
    let mut before = others
        .iter()
        .filter(|other| stands_against(other, lots) && other.order(mine, mark) == Ordering::Less);
    before.try_fold(0_u128, |sum, other| sum.checked_add(other.lots.unsigned_abs()))
}

fn stands_against(other: &Counterparty, lots: i128) -> bool {
    other.lots.signum() * lots.signum() < 0
}

/// Shares a loss over open positions, in their order; `shares` gets what each bears. `None` where lengths disagree or a number does not fit, and where nobody has
/// a position: then there is nobody to bear it.
#[must_use]
pub fn socialise(loss: u128, positions: &[i128], shares: &mut [u128]) -> Option<()> {
    if positions.len() != shares.len() {
        return None;
    }
    let total = positions.iter().try_fold(0_u128, |sum, lots| sum.checked_add(lots.unsigned_abs()))?;
    if total == 0 {
        shares.fill(0);
        return (loss == 0).then_some(());
    }
    let up_to =
        |sum: u128| U256::new(loss).mul_div(U256::new(sum), U256::new(total), Rounding::Down)?.to_u128();
    let (mut sum, mut borne) = (0, 0);
    for (lots, share) in positions.iter().zip(shares.iter_mut()) {
        sum += lots.unsigned_abs();
        let next = up_to(sum)?;
        *share = next - borne;
        borne = next;
    }
    Some(())
}

/// A level of a depth curve: how much can be closed at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The price.
    pub price: u128,
    /// How much.
    pub size: u128,
}

/// What of a position's profit counts as collateral or may be paid out: what closing it into the other side of the market would leave, at most the marked profit, at
/// most `weight` millionths of either, and nothing of what the curve does not take or of a profit that is none. `depth` is best first, without the orders of
/// whoever is asked about. `quote` is what was paid for it, negative for a long one. What his own orders did to the mark is not there when he closes, and so
/// is worth nothing here.
#[must_use]
pub fn profit_that_counts(base: i128, quote: i128, mark: u128, depth: &[Level], weight: u32) -> Option<u128> {
    let (mut left, mut fetched) = (base.unsigned_abs(), Int::ZERO);
    for level in depth {
        let size = left.min(level.size);
        fetched = fetched
            .add(Int::new(i128::try_from(size).ok()?).mul(Int::new(i128::try_from(level.price).ok()?))?)?;
        left -= size;
    }
    if left > 0 && base < 0 {
        return Some(0); // nobody sells what would have to be bought back
    }
    // What of a long position the curve does not take fetches nothing.
    let signed = if base < 0 { fetched.neg() } else { fetched };
    let closed = signed.add(Int::new(quote))?;
    let marked = Int::new(base).mul(Int::new(i128::try_from(mark).ok()?))?.add(Int::new(quote))?;
    let profit = closed.min(marked).to_u256().unwrap_or(U256::ZERO);
    profit.mul_div(U256::from(weight), U256::from(1_000_000_u32), Rounding::Down)?.to_u128()
}
