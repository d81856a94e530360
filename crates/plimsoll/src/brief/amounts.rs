//! What an account comes to, and how a change of it is split.

use crate::check::Tier;
use plimsoll_core::{Int, Refusal, U256};

/// What an account comes to in one world, in one unit of its market's currency: amounts that add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// All collateral at full value.
    pub collateral: Int,
    /// All debt.
    pub debt: Int,
    /// What counts for it less what its venue asks, by the line of liquidation; negative is a shortfall.
    pub headroom: Int,
    /// Debt that exceeds the collateral at full value: bad debt, if nothing changes.
    pub uncovered: Int,
}

impl Amounts {
    /// Collateral less debt; `None` beyond 256 bits.
    #[must_use]
    pub fn equity(&self) -> Option<Int> {
        self.collateral.sub(self.debt)
    }

    pub(super) fn plus(&self, other: &Amounts) -> Option<Amounts> {
        self.each(other, Int::add)
    }

    pub(super) fn less(&self, other: &Amounts) -> Option<Amounts> {
        self.each(other, Int::sub)
    }

    /// The same in a unit of so many more decimals.
    pub(super) fn finer(&self, by: Int) -> Option<Amounts> {
        self.each(&Amounts { collateral: by, debt: by, headroom: by, uncovered: by }, Int::mul)
    }

    fn each(&self, other: &Amounts, of: fn(Int, Int) -> Option<Int>) -> Option<Amounts> {
        Some(Amounts {
            collateral: of(self.collateral, other.collateral)?,
            debt: of(self.debt, other.debt)?,
            headroom: of(self.headroom, other.headroom)?,
            uncovered: of(self.uncovered, other.uncovered)?,
        })
    }
}

/// Why a change is split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// What was done to the account: deposits, loans, repayments, its mode; and liquidations and redemptions of it.
    Actions,
    /// Interest and fees, and what else time and others make of the market's state.
    Interest,
    /// Other rules: parameters, revision, which feed a market reads.
    Rules,
    /// Other prices: of feeds, and those that a venue keeps itself.
    Prices,
}

impl Cause {
    /// All of them, in the order in which a change is split.
    pub const ALL: [Cause; 4] = [Cause::Actions, Cause::Interest, Cause::Rules, Cause::Prices];

    /// The words that people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Actions => "own actions",
            Cause::Interest => "interest",
            Cause::Rules => "parameters",
            Cause::Prices => "prices",
        }
    }
}

/// Why a change, or a part of it, cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// The venue has no answer in one of the worlds between.
    Refused(Refusal),
    /// The market lists other things in the older book, or the same in another order.
    Layout,
    /// The market is in one of the books alone.
    OneBook,
    /// 256 bits do not hold it.
    TooGreat,
}

/// A change of an account, in parts.
///
/// Invariant: where both ends are known, the parts that are known and `unsplit` add to `after - before`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    /// In the older book; nothing where it is not listed there, `None` where the venue cannot value it.
    pub before: Option<Amounts>,
    /// In the newer book, likewise.
    pub after: Option<Amounts>,
    /// What each [`Cause`] adds, in their order; `None` where a world on one side of it cannot be valued.
    pub parts: [Option<Amounts>; 4],
    /// The rest of the change, of which no cause can be told; `None` where one of the ends is not known.
    pub unsplit: Option<Amounts>,
    /// Why parts are missing.
    pub untold: Option<Untold>,
}

impl Attribution {
    /// From what an account comes to in the older world, with the newer quantities, in the newer state, under the newer
    /// rules, and at the newer prices.
    pub(super) fn of(worlds: [Result<Amounts, Untold>; 5]) -> Attribution {
        let [before, .., after] = worlds;
        let (before, after) = (before.ok(), after.ok());
        let untold = worlds.iter().find_map(|world| world.err());
        let mut parts = [None; 4];
        for (part, ends) in parts.iter_mut().zip(worlds.windows(2)) {
            if let [Ok(from), Ok(to)] = ends {
                *part = to.less(from);
            }
        }
        let Some((was, is)) = before.zip(after) else {
            return Attribution { before, after, parts, unsplit: None, untold };
        };
        let mut unsplit = is.less(&was);
        for part in parts.iter().flatten() {
            unsplit = unsplit.and_then(|rest| rest.less(part));
        }
        match unsplit {
            Some(_) => Attribution { before, after, parts, unsplit, untold },
            None => Attribution { untold: Some(Untold::TooGreat), ..Attribution::default() },
        }
    }

    /// What changed, where both ends are known.
    #[must_use]
    pub fn change(&self) -> Option<Amounts> {
        self.after?.less(&self.before?)
    }

    /// Whether every part is known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.parts.iter().all(Option::is_some)
    }
}

/// Sums over accounts in one currency and unit, and how they changed.
///
/// Invariant: `after - before` is the sum of the parts and of `unsplit`, all of the same accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SumChange {
    /// The currency.
    pub currency: String,
    /// Digits of the sums after the point.
    pub decimals: u8,
    /// Accounts that are listed and that the venue can value, before and after.
    pub accounts: [u64; 2],
    /// Accounts that are listed and that the venue cannot value, before and after: in no sum.
    pub unvalued: [u64; 2],
    /// Debt of the accounts whose tier is unknown, before and after.
    pub unknown: [Int; 2],
    /// Before, of the accounts that can be compared: whoever is listed in both books is valued in both.
    pub before: Amounts,
    /// After, of the same accounts.
    pub after: Amounts,
    /// Before and after, of the accounts that the venue values in one book and cannot value in the other: in no change.
    pub uncompared: [Amounts; 2],
    /// How many those are.
    pub uncompared_accounts: u64,
    /// What each cause adds, where it can be told.
    pub parts: [Amounts; 4],
    /// The rest of the change.
    pub unsplit: Amounts,
    /// Accounts of which some part cannot be told.
    pub unsplit_accounts: u64,
}

impl SumChange {
    /// Adds an account of these tiers before and after; `None` where it is not listed. One that 256 bits do not hold is one
    /// that is not valued.
    pub(super) fn add(&mut self, tiers: [Option<Tier>; 2], split: &Attribution) {
        let ends = [split.before, split.after];
        // What is not listed has nothing, and that is known.
        let one_end = split.before.is_some() != split.after.is_some();
        let added = || {
            let mut sum = self.clone();
            if let [Some(before), Some(after)] = &ends {
                sum.before = sum.before.plus(before)?;
                sum.after = sum.after.plus(after)?;
                sum.unsplit = sum.unsplit.plus(&split.unsplit?)?;
                for (place, part) in sum.parts.iter_mut().zip(&split.parts) {
                    *place = place.plus(&part.unwrap_or_default())?;
                }
            } else {
                for (place, end) in sum.uncompared.iter_mut().zip(ends) {
                    *place = place.plus(&end.unwrap_or_default())?;
                }
            }
            let debts = ends.map(|end| end.map_or(Int::ZERO, |end| end.debt));
            for end in (0..2).filter(|end| tiers[*end] == Some(Tier::Unknown)) {
                sum.unknown[end] = sum.unknown[end].add(debts[end])?;
            }
            Some(sum)
        };
        let sum = added();
        let fits = sum.is_some();
        if let Some(sum) = sum {
            *self = sum;
        }
        for (side, end) in ends.into_iter().enumerate() {
            if tiers[side].is_some() {
                let counts = if fits && end.is_some() { &mut self.accounts } else { &mut self.unvalued };
                counts[side] += 1;
            }
        }
        self.uncompared_accounts += u64::from(fits && one_end);
        self.unsplit_accounts += u64::from(!fits || !split.is_whole());
    }

    /// The first in the unit of both, and the second of a coarser unit.
    pub(super) fn plus(&self, other: &SumChange, [one, by]: [Int; 2]) -> Option<SumChange> {
        let both = |x: &Amounts, y: &Amounts| x.finer(one)?.plus(&y.finer(by)?);
        let two = |x: [u64; 2], y: [u64; 2]| [x[0] + y[0], x[1] + y[1]];
        let mut unknown = self.unknown;
        for (debt, more) in unknown.iter_mut().zip(other.unknown) {
            *debt = debt.mul(one)?.add(more.mul(by)?)?;
        }
        let (mut parts, mut uncompared) = (self.parts, self.uncompared);
        let own = parts.iter_mut().chain(&mut uncompared);
        for (sum, more) in own.zip(other.parts.iter().chain(&other.uncompared)) {
            *sum = both(sum, more)?;
        }
        Some(SumChange {
            currency: self.currency.clone(),
            decimals: self.decimals,
            accounts: two(self.accounts, other.accounts),
            unvalued: two(self.unvalued, other.unvalued),
            unknown,
            before: both(&self.before, &other.before)?,
            after: both(&self.after, &other.after)?,
            uncompared,
            uncompared_accounts: self.uncompared_accounts + other.uncompared_accounts,
            parts,
            unsplit: both(&self.unsplit, &other.unsplit)?,
            unsplit_accounts: self.unsplit_accounts + other.unsplit_accounts,
        })
    }

    /// What changed of the accounts that can be compared; `None` beyond 256 bits.
    #[must_use]
    pub fn change(&self) -> Option<Amounts> {
        self.after.less(&self.before)
    }

    /// Before and after, of all accounts that can be valued; `None` beyond 256 bits.
    #[must_use]
    pub fn valued(&self) -> [Option<Amounts>; 2] {
        [self.before.plus(&self.uncompared[0]), self.after.plus(&self.uncompared[1])]
    }
}

/// A number of so many decimals in a unit of at least as many; `None` beyond 256 bits.
pub(crate) fn scaled(value: Int, from: u8, to: u8) -> Option<Int> {
    value.mul(Int::from(U256::pow10(to.checked_sub(from)?)?))
}
