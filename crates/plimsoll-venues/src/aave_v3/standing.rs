//! A pool at one time, with one set of prices: what is asked of accounts.

use super::user::{self, AccountData, Leg, account_data};
use super::{Pool, Revision, Role, liquidation, over};
use alloc::vec::Vec;
use plimsoll_core::{
    Account, Assessment, Balance, Feeds, Figure, InstrumentId, Int, Node, Quoted, Range, Reading, Refusal,
    Silent, Test, Time, Trace, U256, Unit, Verdict, Why,
};

/// A pool at one time, with one set of prices.
pub(super) struct At<'p> {
    pub(super) pool: &'p Pool,
    pub(super) at: Time,
    pub(super) readings: Vec<Reading>,
    pub(super) prices: Vec<Option<U256>>,
    pub(super) legs: Vec<Leg>,
    pub(super) nodes: Vec<Result<Node, Why>>,
}

impl At<'_> {
    #[inline(always)]
    fn data<T: Trace + ?Sized>(&self, t: &mut T, account: &Account) -> Result<AccountData, Refusal> {
        account_data(t, self.pool, &self.legs, &self.prices, account)
    }

    /// The indices behind the holdings, for a listener: the same functions that made `legs`.
    fn show_indices<T: Trace + ?Sized>(&self, t: &mut T, account: &Account) -> Result<(), Refusal> {
        let mut wanted = alloc::vec![false; self.pool.reserves.len()];
        for holding in account.holdings() {
            let (reserve, _) = self.pool.role(holding.instrument)?;
            wanted[reserve] = true;
        }
        let feeds = Feeds { readings: &self.readings };
        self.pool.legs_of(t, &wanted, feeds, self.at).map(|_| ())
    }

    #[inline(always)]
    fn assess_with<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        account: &Account,
        test: Test,
    ) -> Result<Assessment, Refusal> {
        if t.listens() {
            self.show_indices(t, account)?;
        }
        let data = self.data(t, account)?;
        match test {
            Test::Borrow | Test::Fill => {
                let capacity = data.capacity(t, self.pool)?;
                let verdict = match (data.owes, capacity >= data.debt) {
                    (false, _) => Verdict::NoDebt,
                    (true, true) => Verdict::Healthy,
                    (true, false) => Verdict::Unhealthy,
                };
                Ok(Assessment {
                    verdict,
                    backing: capacity.into(),
                    requirement: data.debt.into(),
                    collateral: data.collateral.into(),
                    debt: data.debt.into(),
                    unit: self.pool.base,
                    executable: Ok(()),
                })
            }
            Test::Liquidation | Test::LiquidationEnd => self.liquidation_line(t, account, &data),
        }
    }

    #[inline(always)]
    fn liquidation_line<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        account: &Account,
        data: &AccountData,
    ) -> Result<Assessment, Refusal> {
        let line = data.line(t, self.pool)?;
        let verdict = match (data.owes, data.is_healthy(t, self.pool, &line)?) {
            (false, _) => Verdict::NoDebt,
            (true, true) => Verdict::Healthy,
            (true, false) => Verdict::Unhealthy,
        };
        // All four numbers in the unit of the comparison.
        let fine = self.pool.revision >= Revision::V3_5;
        let factor = if fine { plimsoll_core::BPS.value() } else { U256::ONE };
        Ok(Assessment {
            verdict,
            backing: line.backing.into(),
            requirement: line.requirement.into(),
            collateral: scale_up(data.collateral, factor)?,
            debt: scale_up(data.debt, factor)?,
            unit: if fine { self.pool.fine_base() } else { self.pool.base },
            executable: if verdict == Verdict::Unhealthy {
                liquidation::executable(self.pool, account, self.at)
            } else {
                Ok(())
            },
        })
    }
}

impl Quoted for At<'_> {
    fn nodes(&self) -> &[Result<Node, Why>] {
        &self.nodes
    }

    fn assess(&self, account: &Account, test: Test, trace: &mut dyn Trace) -> Result<Assessment, Refusal> {
        self.assess_with(trace, account, test)
    }

    fn verdict(&self, account: &Account, test: Test) -> Result<Assessment, Refusal> {
        self.assess_with(&mut Silent, account, test)
    }

    fn over(&self, low: &Account, high: &Account, test: Test, feeds: Feeds<'_>) -> Result<Range, Refusal> {
        over::over(self.pool, &self.legs, [low, high], test, feeds)
    }

    /// What `Pool.getUserAccountData` returns.
    fn figures(&self, account: &Account) -> Result<Vec<Figure>, Refusal> {
        let t = &mut Silent;
        let data = self.data(t, account)?;
        let base = self.pool.base;
        let available = data.capacity(t, self.pool)?.sub_or_zero(data.debt);
        Ok(alloc::vec![
            figure("totalCollateralBase", data.collateral, base),
            figure("totalDebtBase", data.debt, base),
            figure("availableBorrowsBase", available, base),
            figure("currentLiquidationThreshold", data.average_threshold(t)?, Unit::BPS),
            figure("ltv", data.average_ltv(t)?, Unit::BPS),
            figure("healthFactor", data.health(t, self.pool)?, Unit::WAD),
        ])
    }

    fn balance(&self, account: &Account, instrument: InstrumentId) -> Result<Balance, Refusal> {
        let (reserve, role) = self.pool.role(instrument)?;
        let raw = user::held(self.pool, &self.legs, account, instrument)?;
        let leg = &self.legs[reserve];
        let rounding = match role {
            Role::Debt => self.pool.revision.debt_value(),
            Role::Asset | Role::Receipt => plimsoll_core::Rounding::Down,
        };
        let value = match leg.price {
            Some(price) => Some(
                raw.mul_div(price, leg.unit, rounding)
                    .ok_or(Refusal::Overflow("value = balance x price / 10^decimals"))?,
            ),
            None => None,
        };
        Ok(Balance { raw, value })
    }
}

fn scale_up(value: U256, factor: U256) -> Result<Int, Refusal> {
    value.mul(factor).map(Int::from).ok_or(Refusal::Overflow("value x 1e4"))
}

/// Price x index.
pub(super) fn node(index: U256, reading: &Reading) -> Result<Node, Why> {
    let price = reading.value.ok_or(reading.doubt.unwrap_or(Why::Missing))?;
    // An index has 128 bits and a price up to 96 that anybody asks about; beyond, the node is not usable.
    index.mul(price).map(|product| Node::exact(product.into())).ok_or(Why::AtBound)
}

fn figure(name: &'static str, value: U256, unit: Unit) -> Figure {
    Figure { name, value: value.into(), unit }
}
