//! A trove of a later day as it could stand in an earlier state: what its owner did since stays, interest and
//! redistributions that came since go.
//!
//! A touch writes interest into the recorded debt and takes over what was redistributed, so the recorded numbers of two
//! days differ by more than was done. With `was` the trove of the earlier day, and everything floored as the contract
//! floors it:
//!
//! ```text
//! by itself to t    = interest(was, t) + floor(was.stake * (L(t) - was.snapshot) / 10^18)
//! put back          = later.recorded - by itself to the touch + by itself to the earlier day
//! ```
//!
//! Of several touches between the two days the first alone is undone to the unit; what the owner did meanwhile to the debt
//! that bears interest counts with what he did. In a batch debt is shares, which no interest changes: only debt that it
//! takes over of a redistribution counts with what was done, and, of a trove that joined or left a batch in between, interest
//! up to that day.

use super::arith::{add, interest_of, mul, share, sub};
use super::position::{BAD_TERM, LAST_UPDATE, SNAPSHOT_COLLATERAL, SNAPSHOT_DEBT, Trove, is_trove};
use super::state::Branch;
use super::{DEBT, Market, ONE, collateral};
use plimsoll_core::{Account, Refusal, Time, U256};

/// [`plimsoll_core::Market::put_back`].
pub(super) fn put_back(
    market: &Market,
    later: &Account,
    was: Option<&Account>,
    at: Time,
) -> Result<Option<Account>, Refusal> {
    if !is_trove(later) {
        return Ok(None);
    }
    let trove = Trove::of(later, market)?;
    let was = was.filter(|was| is_trove(was)).map(|was| Trove::of(was, market)).transpose()?;
    let was = was.filter(|was| was.is_open() && was.branch == trove.branch);
    if !trove.is_open() || was.is_some_and(|was| stamps(&was) == stamps(&trove)) {
        return Ok(None);
    }
    let branch = market.branches.get(trove.branch).ok_or(BAD_TERM)?;
    let here = [branch.redistributed_collateral, branch.redistributed_debt];
    let (mut coll, mut debt) = (trove.collateral, trove.debt);
    if let Some(was) = was {
        let touch = [trove.snapshot_collateral, trove.snapshot_debt];
        let [coll_then, debt_then] = gains(&was, touch)?;
        let [coll_here, debt_here] = gains(&was, here)?;
        coll = sub(add(coll, coll_here, COLL)?, coll_then, COLL)?;
        if was.batch.is_none() && trove.batch.is_none() {
            let interest_then = interest(branch, &was, Time(trove.last_update))?;
            let interest_here = interest(branch, &was, at)?;
            let owed = add(add(debt, debt_here, OWED)?, interest_here, OWED)?;
            debt = sub(sub(owed, debt_then, OWED)?, interest_then, OWED)?;
        }
    }
    let mut back = later.clone();
    back.set(collateral(trove.branch), coll.into());
    back.set_term(SNAPSHOT_COLLATERAL, here[0].into());
    back.set_term(SNAPSHOT_DEBT, here[1].into());
    if trove.batch.is_none() {
        back.set(DEBT, debt.into());
        back.set_term(LAST_UPDATE, branch.clock(at).into());
    }
    Ok(Some(back))
}

const COLL: &str = "collateral, put back";
const OWED: &str = "debt, put back";

/// What a touch changes.
fn stamps(trove: &Trove) -> (u64, U256, U256, Option<plimsoll_core::AccountId>) {
    (trove.last_update, trove.snapshot_collateral, trove.snapshot_debt, trove.batch)
}

/// Collateral and debt that were redistributed to a trove until the sums stood at this.
fn gains(trove: &Trove, sums: [U256; 2]) -> Result<[U256; 2], Refusal> {
    let [coll, debt] = sums;
    let since = |sum: U256, snapshot: U256| sum.sub(snapshot).ok_or(BAD_TERM);
    let gain = |sum: U256| share(trove.stake, sum, ONE, "stake * redistributed for one");
    Ok([gain(since(coll, trove.snapshot_collateral)?)?, gain(since(debt, trove.snapshot_debt)?)?])
}

/// Interest of a trove from its last update to a time.
fn interest(branch: &Branch, trove: &Trove, to: Time) -> Result<U256, Refusal> {
    let weighted = mul(trove.debt, trove.rate, "recorded debt * rate")?;
    interest_of(weighted, branch.seconds(trove.last_update, to)?)
}
