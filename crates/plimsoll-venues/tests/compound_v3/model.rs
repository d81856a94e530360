//! The market a second time, in unbounded signed integers and one signed principal: the formulas of the contract and
//! nothing else. It refuses only what a rule refuses, and overflows never.

use crate::world::*;
use num_bigint::{BigInt, Sign};
use plimsoll_venues::compound_v3::{Market, Rates};

pub(crate) fn down(x: BigInt, by: BigInt) -> BigInt {
    assert!(!x.is_negative() && by.is_positive());
    x / by
}

/// What `num_bigint` itself leaves to another crate.
trait Signs {
    fn is_negative(&self) -> bool;
    fn is_positive(&self) -> bool;
    fn abs(&self) -> BigInt;
}

impl Signs for BigInt {
    fn is_negative(&self) -> bool {
        self.sign() == Sign::Minus
    }
    fn is_positive(&self) -> bool {
        self.sign() == Sign::Plus
    }
    fn abs(&self) -> BigInt {
        self.magnitude().clone().into()
    }
}

fn up(x: BigInt, by: BigInt) -> BigInt {
    down(x + &by - 1, by)
}

fn ix() -> BigInt {
    big(INDEX_ONE)
}

pub(crate) fn one() -> BigInt {
    big(10u128.pow(18))
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) principal: BigInt,
    pub(crate) index: BigInt,
    pub(crate) accrued: BigInt,
    pub(crate) posted: Vec<BigInt>,
}

/// Why the contract reverts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revert {
    NotCollateralized,
    BorrowTooSmall,
    NotLiquidatable,
    NoSelfTransfer,
    NotForSale,
    InsufficientReserves,
    SupplyCapExceeded,
    NoCash,
    Underflow,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) supply_index: BigInt,
    pub(crate) borrow_index: BigInt,
    pub(crate) tracking: [BigInt; 2],
    pub(crate) totals: [BigInt; 2],
    pub(crate) time: u64,
    pub(crate) cash: BigInt,
    pub(crate) posted: Vec<BigInt>,
    pub(crate) reserves: Vec<BigInt>,
    pub(crate) users: Vec<User>,
}

/// What a call is given: the market's rules, the prices, the time.
pub(crate) struct Around<'a> {
    pub(crate) market: &'a Market,
    pub(crate) prices: Vec<BigInt>,
    pub(crate) at: u64,
}

impl Around<'_> {
    fn base_scale(&self) -> BigInt {
        big(10).pow(self.market.rules().base_decimals.into())
    }

    fn scale(&self, asset: usize) -> BigInt {
        big(10).pow(self.market.assets()[asset].rules.decimals.into())
    }
}

fn rate(rates: &Rates, used: &BigInt) -> BigInt {
    let [kink, low, high, base] = [rates.kink, rates.slope_low, rates.slope_high, rates.base].map(z);
    if *used <= kink {
        return base + down(low * used, one());
    }
    base + down(low * &kink, one()) + down(high * (used - kink), one())
}

impl Model {
    pub(crate) fn of(world: &World) -> Model {
        let state = world.market.state();
        let user = |who: u64| User {
            principal: world.principal(who),
            index: signed(world.account(who).term(plimsoll_venues::compound_v3::TRACKING_INDEX)),
            accrued: signed(world.account(who).term(plimsoll_venues::compound_v3::TRACKING_ACCRUED)),
            posted: world.posted(who).into_iter().map(z).collect(),
        };
        Model {
            supply_index: z(state.base_supply_index),
            borrow_index: z(state.base_borrow_index),
            tracking: [z(state.tracking_supply_index), z(state.tracking_borrow_index)],
            totals: [z(state.total_supply_base), z(state.total_borrow_base)],
            time: state.last_accrual_time,
            cash: z(state.base_balance),
            posted: world.market.assets().iter().map(|asset| z(asset.totals.total_supply)).collect(),
            reserves: world.market.assets().iter().map(|asset| z(asset.totals.reserves)).collect(),
            users: (0..PEOPLE).map(user).collect(),
        }
    }

    pub(crate) fn present(&self, principal: &BigInt) -> BigInt {
        if principal.is_negative() {
            return -down(-principal * &self.borrow_index, ix());
        }
        down(principal * &self.supply_index, ix())
    }

    fn principal(&self, value: &BigInt) -> BigInt {
        if value.is_negative() {
            return -up(-value * ix(), self.borrow_index.clone());
        }
        down(value * ix(), self.supply_index.clone())
    }

    pub(crate) fn accrue(&mut self, around: &Around<'_>) {
        let seconds = BigInt::from(around.at - self.time);
        let (supplied, borrowed) = (self.present(&self.totals[0]), -self.present(&-&self.totals[1]));
        let used = if supplied == BigInt::ZERO { BigInt::ZERO } else { down(borrowed * one(), supplied) };
        let rules = around.market.rules();
        for (index, rates) in
            [(&mut self.supply_index, &rules.supply), (&mut self.borrow_index, &rules.borrow)]
        {
            *index += down(&*index * (rate(rates, &used) * &seconds), one());
        }
        let speeds = [rules.base_tracking_supply_speed, rules.base_tracking_borrow_speed].map(z);
        for ((index, total), speed) in self.tracking.iter_mut().zip(&self.totals).zip(speeds) {
            if *total >= z(rules.base_min_for_rewards) {
                *index += down(speed * &seconds * around.base_scale(), total.clone());
            }
        }
        self.time = around.at;
    }

    pub(crate) fn touch(&mut self, around: &Around<'_>, who: usize, principal: BigInt) {
        let user = &mut self.users[who];
        let side = usize::from(user.principal.is_negative());
        let growth = &self.tracking[side] - &user.index;
        let scale = z(around.market.rules().tracking_index_scale);
        user.accrued += down(down(user.principal.abs() * growth, scale), around.base_scale() / 1_000_000);
        user.index = self.tracking[usize::from(principal.is_negative())].clone();
        user.principal = principal;
    }

    /// Backing on a line, and what it is asked for.
    pub(crate) fn line(&self, around: &Around<'_>, who: usize, borrow: bool) -> [BigInt; 2] {
        let user = &self.users[who];
        let owed = -self.present(&user.principal.clone().min(BigInt::ZERO));
        let asked = down(owed * &around.prices[0], around.base_scale());
        let counted = user.posted.iter().enumerate().map(|(asset, posted)| {
            let rules = &around.market.assets()[asset].rules;
            let factor = z(if borrow { rules.borrow_factor } else { rules.liquidate_factor });
            down(down(posted * &around.prices[asset + 1], around.scale(asset)) * factor, one())
        });
        [counted.sum(), asked]
    }

    fn collateralized(&self, around: &Around<'_>, who: usize) -> Result<(), Revert> {
        let [backing, asked] = self.line(around, who, true);
        if backing < asked { Err(Revert::NotCollateralized) } else { Ok(()) }
    }

    /// One change of principal, and what it does to the totals.
    fn change(&mut self, around: &Around<'_>, who: usize, amount: BigInt) -> [BigInt; 2] {
        let old = self.users[who].principal.clone();
        let new = self.principal(&(self.present(&old) + &amount));
        let none = BigInt::ZERO;
        // Zero counts as a supply or a withdrawal alike: both leave the totals where rounding goes astray.
        let parts = |principal: &BigInt| [principal.max(&none).clone(), (-principal).max(none.clone())];
        let ([s0, b0], [s1, b1]) = (parts(&old), parts(&new));
        self.touch(around, who, new);
        [s1 - s0, b1 - b0]
    }

    fn settle(&mut self, changes: &[[BigInt; 2]]) -> Result<(), Revert> {
        for side in 0..2 {
            for change in changes {
                self.totals[side] += &change[side];
            }
            if self.totals[side].is_negative() {
                return Err(Revert::Underflow);
            }
        }
        Ok(())
    }

    /// `amount` of `None` is all that is owed.
    pub(crate) fn supply(
        &mut self,
        around: &Around<'_>,
        who: usize,
        amount: Option<BigInt>,
    ) -> Result<(), Revert> {
        self.accrue(around);
        let old = self.users[who].principal.clone();
        let amount = amount.unwrap_or_else(|| -self.present(&old.clone().min(BigInt::ZERO)));
        let change = self.change(around, who, amount.clone());
        // Against the direction of the call: nothing is repaid or supplied.
        let astray = self.users[who].principal < old;
        self.settle(if astray { &[] } else { std::slice::from_ref(&change) })?;
        self.cash += amount;
        Ok(())
    }

    fn may_owe(&self, around: &Around<'_>, who: usize, balance: &BigInt) -> Result<(), Revert> {
        if !balance.is_negative() {
            return Ok(());
        }
        if -balance < z(around.market.rules().base_borrow_min) {
            return Err(Revert::BorrowTooSmall);
        }
        self.collateralized(around, who)
    }

    /// `amount` of `None` is all that is supplied.
    pub(crate) fn withdraw(
        &mut self,
        around: &Around<'_>,
        who: usize,
        amount: Option<BigInt>,
    ) -> Result<(), Revert> {
        self.accrue(around);
        let before = self.present(&self.users[who].principal);
        let amount = amount.unwrap_or_else(|| before.clone().max(BigInt::ZERO));
        let change = self.change(around, who, -&amount);
        self.settle(&[change])?;
        self.may_owe(around, who, &(before - &amount))?;
        self.cash -= amount;
        if self.cash.is_negative() { Err(Revert::NoCash) } else { Ok(()) }
    }

    pub(crate) fn transfer(
        &mut self,
        around: &Around<'_>,
        [from, to]: [usize; 2],
        amount: Option<BigInt>,
    ) -> Result<(), Revert> {
        if from == to {
            return Err(Revert::NoSelfTransfer);
        }
        self.accrue(around);
        let before = self.present(&self.users[from].principal);
        let amount = amount.unwrap_or_else(|| before.clone().max(BigInt::ZERO));
        let old = self.users[to].principal.clone();
        let gone = self.change(around, from, -&amount);
        let come = self.change(around, to, amount.clone());
        let astray = self.users[to].principal < old;
        let changes = [gone, come];
        self.settle(if astray { &changes[..1] } else { &changes })?;
        self.may_owe(around, from, &(before - amount))
    }

    pub(crate) fn post(
        &mut self,
        around: &Around<'_>,
        who: usize,
        asset: usize,
        amount: BigInt,
    ) -> Result<(), Revert> {
        self.posted[asset] += &amount;
        self.users[who].posted[asset] += amount;
        let cap = z(around.market.assets()[asset].rules.supply_cap);
        if self.posted[asset] > cap { Err(Revert::SupplyCapExceeded) } else { Ok(()) }
    }

    pub(crate) fn unpost(
        &mut self,
        around: &Around<'_>,
        who: usize,
        asset: usize,
        amount: BigInt,
    ) -> Result<(), Revert> {
        self.posted[asset] -= &amount;
        self.users[who].posted[asset] -= amount;
        if self.users[who].posted[asset].is_negative() {
            return Err(Revert::Underflow);
        }
        self.collateralized(around, who)
    }

    pub(crate) fn send_collateral(
        &mut self,
        around: &Around<'_>,
        [from, to]: [usize; 2],
        asset: usize,
        amount: BigInt,
    ) -> Result<(), Revert> {
        if from == to {
            return Err(Revert::NoSelfTransfer);
        }
        self.users[from].posted[asset] -= &amount;
        self.users[to].posted[asset] += amount;
        if self.users[from].posted[asset].is_negative() {
            return Err(Revert::Underflow);
        }
        self.collateralized(around, from)
    }

    pub(crate) fn absorb(&mut self, around: &Around<'_>, accounts: &[usize]) -> Result<(), Revert> {
        self.accrue(around);
        for &who in accounts {
            let [backing, asked] = self.line(around, who, false);
            if backing >= asked {
                return Err(Revert::NotLiquidatable);
            }
            let mut credit = BigInt::ZERO;
            for asset in 0..self.posted.len() {
                let seized = std::mem::take(&mut self.users[who].posted[asset]);
                self.posted[asset] -= &seized;
                self.reserves[asset] += &seized;
                let value = down(seized * &around.prices[asset + 1], around.scale(asset));
                credit += down(value * z(around.market.assets()[asset].rules.liquidation_factor), one());
            }
            let old = self.present(&self.users[who].principal);
            let covered = down(credit * around.base_scale(), around.prices[0].clone());
            let new = self.principal(&(old + covered).max(BigInt::ZERO));
            self.totals[1] += &self.users[who].principal;
            self.totals[0] += &new;
            self.touch(around, who, new);
        }
        Ok(())
    }

    pub(crate) fn reserves(&self) -> BigInt {
        &self.cash - self.present(&self.totals[0]) - self.present(&-&self.totals[1])
    }

    pub(crate) fn quote(around: &Around<'_>, asset: usize, pay: &BigInt) -> BigInt {
        let front = z(around.market.rules().store_front_price_factor);
        let factor = z(around.market.assets()[asset].rules.liquidation_factor);
        let discount = down(front * (one() - factor), one());
        let reduced = down(&around.prices[asset + 1] * (one() - discount), one());
        down(down(&around.prices[0] * pay * around.scale(asset), reduced), around.base_scale())
    }

    pub(crate) fn buy(&mut self, around: &Around<'_>, asset: usize, pay: BigInt) -> Result<(), Revert> {
        let mut accrued = self.clone();
        accrued.accrue(around);
        // `getReserves` is signed; below zero is below every target.
        if accrued.reserves() >= z(around.market.rules().target_reserves) {
            return Err(Revert::NotForSale);
        }
        let amount = Model::quote(around, asset, &pay);
        if amount > self.reserves[asset] {
            return Err(Revert::InsufficientReserves);
        }
        self.reserves[asset] -= amount;
        self.cash += pay;
        Ok(())
    }
}
