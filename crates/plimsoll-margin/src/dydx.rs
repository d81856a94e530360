//! dYdX v4: additive risk, requirements that grow with the open interest, and the rule of what an account under water may still do.
//!
//! Source: `protocol/lib/margin/risk.go`, `x/perpetuals/types/liquidity_tier.go`, `x/subaccounts/lib/updates.go`, `x/clob/keeper/liquidations.go`. Units:
//! quote quantums (10^-6), parts per million.
//!
//! - Requirement: initial = ceil(|notional| x IMF / 10^6), maintenance = ceil(ceil(|notional| x base IMF / 10^6) x fraction / 10^6).
//! - IMF by open interest O in quote: base up to the lower cap, 1 from the upper cap on, between them
//!   base + floor((1 - base) (O - lower) / (upper - lower)); base where there are no caps, which an upper cap of 0 also says.
//! - An account may be liquidated where maintenance > 0 and maintenance > net collateral. Two accounts are compared by cross-multiplication of
//!   collateral and maintenance, never by a quotient.
//! - **Bankruptcy price** of a part: quote = -(change of notional) - floor(collateral x |change of maintenance| / maintenance): bought or sold for it,
//!   the part takes its share of the collateral along, and no insurance is needed.
//! - **Fillable price**: (notional - spread x maintenance of the position) / size, where the spread grows with how far collateral is below maintenance:
//!   multiplier x clamp(adjustment x (1 - collateral / maintenance), 0, 1).
//! - Fee = min(most x |quote|, quote - quote at the bankruptcy price): never what would need insurance.

use plimsoll_core::num::Wide;
use plimsoll_core::{Int, Rounding, U256};

/// One, in parts per million.
pub const MILLION: u32 = 1_000_000;

/// Where the open interest begins to raise the requirement, and where it asks all (quote).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// The base requirement holds up to here.
    pub lower: U256,
    /// From here on everything is asked.
    pub upper: U256,
}

/// The initial margin fraction at this open interest, in parts per million; `None` where a number does not fit.
#[must_use]
pub fn initial_fraction(base: u32, open_interest: U256, caps: Option<Caps>) -> Option<u32> {
    let Some(Caps { lower, upper }) = caps else { return Some(base) };
    if upper == U256::ZERO || open_interest <= lower {
        return Some(base);
    }
    if open_interest >= upper {
        return Some(base.max(MILLION));
    }
    let rest = U256::from(MILLION.checked_sub(base)?);
    let more = rest.mul_div_wide(open_interest.sub(lower)?, upper.sub(lower)?, Rounding::Down)?;
    base.checked_add(u32::try_from(more.to_u64()?).ok()?)
}

/// ceil(|notional| x fraction / 10^6).
#[must_use]
pub fn share(notional: Int, fraction: u32) -> Option<U256> {
    notional.magnitude().mul_div_wide(U256::from(fraction), U256::from(MILLION), Rounding::Up)
}

/// What an account has and what is asked of it, in quote. The sum of two risks is that of both positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Risk {
    /// Net collateral.
    pub collateral: Int,
    /// Initial margin.
    pub initial: U256,
    /// Maintenance margin.
    pub maintenance: U256,
}

/// A market's parameters, in parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Initial margin, before the open interest.
    pub initial: u32,
    /// Maintenance as a part of it.
    pub maintenance: u32,
}

impl Risk {
    /// The risk of a position of this notional; `own` is an initial fraction that the user chose, which raises the initial margin alone.
    #[must_use]
    pub fn of(notional: Int, tier: Tier, open_interest: U256, caps: Option<Caps>, own: u32) -> Option<Risk> {
        let fraction = initial_fraction(tier.initial, open_interest, caps)?.max(own);
        let base = Int::from(share(notional, tier.initial)?);
        Some(Risk {
            collateral: notional,
            initial: share(notional, fraction)?,
            maintenance: share(base, tier.maintenance)?,
        })
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Risk) -> Option<Risk> {
        Some(Risk {
            collateral: self.collateral.add(other.collateral)?,
            initial: self.initial.add(other.initial)?,
            maintenance: self.maintenance.add(other.maintenance)?,
        })
    }

    /// Whether what new positions need is there.
    #[must_use]
    pub fn is_initially_collateralised(&self) -> bool {
        Int::from(self.initial) <= self.collateral
    }

    /// Whether a liquidation may begin.
    #[must_use]
    pub fn may_be_liquidated(&self) -> bool {
        self.maintenance != U256::ZERO && Int::from(self.maintenance) > self.collateral
    }

    /// Collateral / maintenance of `self` against that of `other`, as a cross product. With equal ratios, or where both have no maintenance, the
    /// larger collateral is the better.
    #[must_use]
    pub fn compare(&self, other: &Risk) -> core::cmp::Ordering {
        let (mine, others) = (
            self.collateral.mul_wide(other.maintenance.into()),
            other.collateral.mul_wide(self.maintenance.into()),
        );
        mine.cmp(&others).then_with(|| self.collateral.cmp(&other.collateral))
    }
}

/// What an update of an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The account stands above its initial margin afterwards.
    Collateralised,
    /// It does not, but is no worse by any measure.
    NoWorse,
    /// It was under its initial margin, or comes to be, and would be worse.
    Refused,
}

/// Whether an update may be done. Under the initial margin, maintenance must not rise, and collateral / maintenance must not fall; where nothing
/// is asked any more, collateral must not fall.
#[must_use]
pub fn transition(before: &Risk, after: &Risk) -> Transition {
    if after.is_initially_collateralised() {
        return Transition::Collateralised;
    }
    // What was in order may not be put out of order.
    let was = before.is_initially_collateralised();
    let no_worse = if after.maintenance == U256::ZERO || before.maintenance == U256::ZERO {
        after.maintenance <= before.maintenance && after.collateral >= before.collateral
    } else {
        let rose = after.collateral.mul_wide(before.maintenance.into());
        after.maintenance <= before.maintenance
            && rose >= before.collateral.mul_wide(after.maintenance.into())
    };
    if no_worse && !was { Transition::NoWorse } else { Transition::Refused }
}

/// The quote for which a part of a position changes hands at its bankruptcy price: `notional` and `maintenance` are how both change for the account by
/// it. `None` unless the account has maintenance.
#[must_use]
pub fn bankruptcy_quote(account: &Risk, notional: Int, maintenance: Int) -> Option<Int> {
    let product = account.collateral.mul_wide(Int::from(maintenance.magnitude()));
    notional.neg().sub(product.div_down(account.maintenance)?)
}

/// The fillable price of a position as a fraction: quote above, size below. `adjustment` and `multiplier` are in parts per million.
/// `None` where a number does not fit or the account has no maintenance.
#[must_use]
pub fn fillable(
    account: &Risk,
    notional: Int,
    position_maintenance: U256,
    size: Int,
    adjustment: u32,
    multiplier: u32,
) -> Option<(Wide, Wide)> {
    let asked = Int::from(account.maintenance);
    let million = U256::from(MILLION);
    // adjustment x (1 - collateral / asked) between 0 and 1, over asked x 10^6.
    let below = asked.mul_wide(million.into());
    let spread = asked.sub(account.collateral)?.mul_wide(Int::from(u64::from(adjustment)));
    let spread = spread.max(Wide::ZERO).min(below);
    if account.maintenance == U256::ZERO {
        return None;
    }
    // notional - spread x multiplier x maintenance, all over asked x 10^12.
    let spread = spread.mul(U256::from(multiplier))?.mul(position_maintenance)?;
    let whole = notional.mul_wide(asked).mul(million)?.mul(million)?;
    let size = size.mul_wide(asked).mul(million)?.mul(million)?;
    Some((whole.sub(spread)?, size))
}

/// The fee of a liquidation filled for `filled` quote, where `bankrupt` is the quote at the bankruptcy price: at most `most` parts per million of
/// what is filled, and never more than what lies between.
#[must_use]
pub fn fee(filled: Int, bankrupt: Int, most: u32) -> Option<U256> {
    let room = filled.sub(bankrupt)?.to_u256().unwrap_or(U256::ZERO);
    let fee = filled.magnitude().mul_div_wide(U256::from(most), U256::from(MILLION), Rounding::Down)?;
    Some(fee.min(room))
}
