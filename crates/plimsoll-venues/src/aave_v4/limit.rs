//! A spoke's limit of premium shares over all amounts between two, for loans and repayments.
//!
//! Let d be what the account owes in a reserve after the call (drawn shares), r the risk premium that its premium shares are
//! made by, C and B the drawn and the premium shares of everybody else in the spoke, and m the limit (bps). The hub refuses
//! where B + ce(d x r / 1e4) > ce((C + d) x m / 1e4). That is no matter of more or less: where r < m a larger loan may bring the
//! spoke back within its limit, where r > m a larger repayment.
//!
//! Between two amounts d lies between its ends. A repayment leaves r as it is; a loan never lowers it, as the safest
//! collaterals cover a debt first, so that r is at least that of the smaller loan. Refused is therefore all between where
//! 1e4 x B + d x r >= (C + d) x m + 1e4 at both ends of d, with the least r: the inequality is linear in d, and a ceiling adds less than
//! one. Where d is the same at both ends, the refusal itself is asked.
//!
//! A loan of an asset of which the account has collateral moves the value of that by its roundings, so that of it nothing is proven.

use super::turn::Turn;
use super::{Market, NO_THRESHOLD, RISK_PREMIUM};
use plimsoll_core::Rounding::Up;
use plimsoll_core::{Accounts, Action, BPS, Call, Feeds, Refusal, Silent, U256};

/// [`plimsoll_core::Market::refuses_between`]; `None` where nothing can be said.
pub(super) fn refuses(
    market: &Market,
    calls: [&Call; 2],
    accounts: &dyn Accounts,
    feeds: Feeds<'_>,
) -> Option<bool> {
    if calls[0].at != calls[1].at {
        return None;
    }
    let (t, other) = (&mut Silent, &mut Silent);
    let low = ended(market, calls[0], accounts, feeds, t).ok()?;
    let high = ended(market, calls[1], accounts, feeds, other).ok()?;
    let risk = low.user.risk_premium.min(high.user.risk_premium);
    let place = match calls[0].action {
        Action::Repay { debt, .. } => Some(debt.index() / 3),
        Action::Borrow { debt, .. } => {
            let asset = |place: usize| market.reserves[place].asset;
            let lent = asset(debt.index() / 3);
            let mut held = low.user.positions.iter().enumerate();
            let stored = accounts.get(calls[0].account)?.term(RISK_PREMIUM);
            // Without a premium before and after nobody asks after the limit.
            if (risk == 0 && stored.is_zero())
                || held.any(|(place, position)| position.counts && asset(place) == lent)
            {
                return None;
            }
            None
        }
        _ => return None,
    };
    let asked = |at: &usize| place.map_or(low.user.positions[*at].owes, |place| place == *at);
    let mut refused = (0..market.reserves.len()).filter(asked).map(|at| {
        let (link, position) = (&low.links[at], &low.user.positions[at]);
        let others = Others {
            drawn: link.drawn_shares.sub(position.drawn)?,
            premium: link.premium_shares.sub(position.premium_shares)?,
            limit: link.risk_premium_threshold,
        };
        others.refuse([position.drawn, high.user.positions[at].drawn], risk)
    });
    refused.find(|refused| *refused != Some(false)).unwrap_or(Some(false))
}

/// A call that was made where nobody asks after the limit.
fn ended<'a>(
    market: &'a Market,
    call: &'a Call,
    accounts: &dyn Accounts,
    feeds: Feeds<'_>,
    t: &'a mut Silent,
) -> Result<Turn<'a, Silent>, Refusal> {
    let mut turn = Turn::new(market, call, accounts, feeds, t)?;
    turn.limited = false;
    turn.run()?;
    Ok(turn)
}

/// All others of a spoke in one reserve.
struct Others {
    drawn: U256,
    premium: U256,
    /// The spoke's limit (bps).
    limit: u32,
}

impl Others {
    /// Whether the hub refuses all that the account may owe between two (drawn shares), at a risk premium or above.
    fn refuse(&self, owed: [U256; 2], risk: u32) -> Option<bool> {
        if self.limit == NO_THRESHOLD {
            return Some(false);
        }
        let [risk, limit] = [risk, self.limit].map(|bps| U256::from(u64::from(bps)));
        if owed[0] == owed[1] {
            let premium = self.premium.add(owed[0].mul_div(risk, BPS, Up)?)?;
            return Some(premium > self.drawn.add(owed[0])?.mul_div(limit, BPS, Up)?);
        }
        let mut both = true;
        for owed in owed {
            let premium = self.premium.mul(BPS.value())?.add(owed.mul(risk)?)?;
            both &= premium >= self.drawn.add(owed)?.mul(limit)?.add(BPS.value())?;
        }
        Some(both)
    }
}
