//! What a stress test adds up: accounts by verdict, money at risk, and what became of it.

use core::ops::AddAssign;
use plimsoll_core::{Int, Verdict};

/// How many accounts are what. The first is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub accounts: u64,
    /// Above the line for sure.
    pub healthy: u64,
    /// Below it for sure.
    pub liquidatable: u64,
    /// Nothing is owed.
    pub no_debt: u64,
    /// It cannot be told.
    pub unknown: u64,
}

impl Counts {
    /// One account more, of a verdict; none where it cannot be told.
    pub fn count(&mut self, verdict: Option<Verdict>) {
        self.accounts += 1;
        *match verdict {
            Some(Verdict::Healthy) => &mut self.healthy,
            Some(Verdict::Unhealthy) => &mut self.liquidatable,
            Some(Verdict::NoDebt) => &mut self.no_debt,
            None => &mut self.unknown,
        } += 1;
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.accounts += other.accounts;
        self.healthy += other.healthy;
        self.liquidatable += other.liquidatable;
        self.no_debt += other.no_debt;
        self.unknown += other.unknown;
    }
}

/// Money at risk, in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Risk {
    /// The currency.
    pub currency: String,
    /// Decimals of the sums.
    pub decimals: u8,
    /// Collateral of the liquidatable accounts, before and after the shock, each at its own prices.
    pub collateral: [Int; 2],
    /// Debt of the liquidatable accounts, likewise.
    pub debt: [Int; 2],
    /// Collateral that one call for each liquidatable account can seize after the shock, at the venue's prices.
    pub seizable: Int,
    /// Debt of these accounts beyond each one's own collateral, before and after the shock: what is uncovered before anybody acts.
    pub uncovered: [Int; 2],
    /// Debt that is left uncovered if all act at once, at the venue's prices: worst account first, of each the call that seizes
    /// most. It is no bound: bonuses make bad debt, so that another order, smaller calls or none may leave less.
    pub bad_debt: Int,
    /// What becomes of it where seized collateral is sold into depth; nothing where no depth was given.
    pub sales: Sales,
}

impl Risk {
    pub(super) fn plus(&self, other: &Risk, [one, by]: [Int; 2]) -> Option<Risk> {
        let add = |x: Int, y: Int| x.mul(one)?.add(y.mul(by)?);
        let both = |x: [Int; 2], y: [Int; 2]| Some([add(x[0], y[0])?, add(x[1], y[1])?]);
        let mut left = [Left::default(); Stays::ALL.len()];
        for (sum, (x, y)) in left.iter_mut().zip(self.sales.left.iter().zip(&other.sales.left)) {
            let accounts = x.accounts + y.accounts;
            *sum =
                Left { accounts, collateral: add(x.collateral, y.collateral)?, debt: add(x.debt, y.debt)? };
        }
        Some(Risk {
            currency: self.currency.clone(),
            decimals: self.decimals,
            collateral: both(self.collateral, other.collateral)?,
            debt: both(self.debt, other.debt)?,
            uncovered: both(self.uncovered, other.uncovered)?,
            seizable: add(self.seizable, other.seizable)?,
            bad_debt: add(self.bad_debt, other.bad_debt)?,
            sales: Sales {
                calls: self.sales.calls + other.sales.calls,
                sold: add(self.sales.sold, other.sales.sold)?,
                brought: add(self.sales.brought, other.sales.brought)?,
                gas: add(self.sales.gas, other.sales.gas)?,
                bad_debt: add(self.sales.bad_debt, other.sales.bad_debt)?,
                left,
            },
        })
    }
}

/// What sales of seized collateral bring, and what nobody liquidates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sales {
    /// Calls that liquidators made, as they paid.
    pub calls: u64,
    /// What was sold, at the market's price before any of it is sold (rounded down).
    pub sold: Int,
    /// What that brought: each sale the difference of two places on its curve, each rounded down.
    pub brought: Int,
    /// What the calls cost (rounded up).
    pub gas: Int,
    /// Debt that nobody covers: what was written off, what sales left uncovered where the venue itself sells, and debt
    /// beyond collateral, at the market's price, of what is left below its line or without collateral. What is not sold counts
    /// as owed, and pays no bonus: this may be below [`Risk::bad_debt`].
    pub bad_debt: Int,
    /// Accounts that are left below their line, by [`Stays`].
    pub left: [Left; Stays::ALL.len()],
}

impl Sales {
    /// What is left below its line for one reason.
    #[must_use]
    pub fn left_for(&self, why: Stays) -> Left {
        self.left[why as usize]
    }
}

/// Accounts that are left below their line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// How many.
    pub accounts: u64,
    /// Their collateral, at the venue's prices.
    pub collateral: Int,
    /// Their debt, likewise.
    pub debt: Int,
}

/// Why nobody liquidates an account any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stays {
    /// It would not pay: the bonus is less than impact and gas.
    Away,
    /// What would be sold is beyond the data.
    Beyond,
    /// There is no curve for what would be sold.
    NoCurve,
    /// The venue refuses every call: paused, no cash, or the market failed.
    Refused,
    /// The market's price of what would be sold or repaid is not known.
    Unpriced,
}

impl Stays {
    /// All reasons, in the order of [`Sales::left`].
    pub const ALL: [Stays; 5] = [Stays::Away, Stays::Beyond, Stays::NoCurve, Stays::Refused, Stays::Unpriced];
}

/// A market before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    /// Its name.
    pub market: String,
    /// Its accounts before.
    pub before: Counts,
    /// And after.
    pub after: Counts,
    /// Money at risk.
    pub risk: Risk,
    /// Liquidatable accounts, before and after, that the venue cannot value, or whose sums do not fit: in no sum.
    pub unsummed: [u64; 2],
    /// Accounts whose liquidation was not played to its end: after so many calls it was not over.
    pub unplayed: u64,
}

impl Impact {
    /// Adds a liquidatable account's collateral and debt, before or after; they come with their decimals.
    pub(super) fn add(&mut self, when: usize, worth: Option<([Int; 2], u8)>) {
        let Risk { collateral, debt, uncovered, decimals, .. } = &mut self.risk;
        let sums = worth.and_then(|([held, owed], unit)| {
            *decimals = unit;
            let beyond = owed.sub(held)?.max(Int::ZERO);
            Some((collateral[when].add(held)?, debt[when].add(owed)?, uncovered[when].add(beyond)?))
        });
        match sums {
            Some(sums) => (collateral[when], debt[when], uncovered[when]) = sums,
            None => self.unsummed[when] += 1,
        }
    }
}

/// What a holder loses in a market that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The market.
    pub market: String,
    /// The owner.
    pub owner: String,
    /// The currency.
    pub currency: String,
    /// Decimals of the amounts.
    pub decimals: u8,
    /// How many accounts.
    pub accounts: u64,
    /// What he has there, at the venue's prices after the shock.
    pub held: Int,
    /// What he loses of it (rounded up).
    pub lost: Int,
    /// What he owes there, which he goes on owing.
    pub owed: Int,
    /// Accounts that the venue cannot value: in no sum.
    pub unvalued: u64,
}
