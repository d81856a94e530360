//! The rules once more, written apart from the code under test: from the tables of the protocol's description, in
//! integers without limits, beside the same sums with no rounding at all.

use crate::world::World;
use num_bigint::{BigInt, BigUint};
use plimsoll_core::num::Wide;
use plimsoll_core::{Account, Int, Test, U256};
use plimsoll_venues::aave_v3::{Configuration, E_MODE, EMode, Revision, USER_CONFIG, debt, receipt};

/// Which way a division goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum To {
    Floor,
    Ceil,
    Half,
}

pub(crate) fn big(value: U256) -> BigUint {
    BigUint::from_bytes_le(&value.to_le_bytes())
}

pub(crate) fn signed(value: Int) -> BigInt {
    let magnitude = BigInt::from(big(value.magnitude()));
    if value.is_negative() { -magnitude } else { magnitude }
}

pub(crate) fn wide(value: Wide) -> BigInt {
    match value.to_int() {
        Some(value) => signed(value),
        None => value.to_string().parse().expect("an integer"),
    }
}

pub(crate) fn n(value: u128) -> BigUint {
    BigUint::from(value)
}

pub(crate) fn ten(power: u8) -> BigUint {
    n(10).pow(power.into())
}

pub(crate) fn ray() -> BigUint {
    ten(27)
}

pub(crate) fn wad() -> BigUint {
    ten(18)
}

pub(crate) fn divide(dividend: &BigUint, by: &BigUint, to: To) -> BigUint {
    match to {
        To::Floor => dividend / by,
        To::Ceil => (dividend + by - 1u32) / by,
        To::Half => (dividend + by / 2u32) / by,
    }
}

pub(crate) fn zero() -> BigUint {
    BigUint::default()
}

/// What the description's revision table says changed with 3.5.
pub(crate) struct Rules {
    pub(crate) revision: Revision,
    pub(crate) receipt_balance: To,
    pub(crate) debt_balance: To,
    pub(crate) debt_value: To,
    pub(crate) capacity: To,
    pub(crate) receipt_mint: To,
    pub(crate) receipt_burn: To,
    pub(crate) debt_mint: To,
    pub(crate) debt_burn: To,
}

impl Rules {
    pub(crate) fn of(revision: Revision) -> Rules {
        let new = revision >= Revision::V3_5;
        let pick = |then, now| if new { now } else { then };
        Rules {
            revision,
            receipt_balance: pick(To::Half, To::Floor),
            debt_balance: pick(To::Half, To::Ceil),
            debt_value: pick(To::Floor, To::Ceil),
            capacity: pick(To::Half, To::Floor),
            receipt_mint: pick(To::Half, To::Floor),
            receipt_burn: pick(To::Half, To::Ceil),
            debt_mint: pick(To::Half, To::Ceil),
            debt_burn: pick(To::Half, To::Floor),
        }
    }
}

/// A world's reserves at its time.
pub(crate) struct Model<'w> {
    pub(crate) world: &'w World,
    pub(crate) rules: Rules,
    /// Underlying per receipt and debt per scaled debt, by reserve [ray].
    pub(crate) income: Vec<BigUint>,
    pub(crate) debt_index: Vec<BigUint>,
    /// The finest decimals of the pool.
    pub(crate) finest: u8,
}

/// An account's numbers, exact and real.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) collateral: BigUint,
    pub(crate) debt: BigUint,
    /// Sums of value x weight: by loan-to-value, by threshold.
    pub(crate) weighed: [BigUint; 2],
    /// The real sums of the same, without rounding, in base x 1e-4 / (1e27 x 10^finest).
    pub(crate) real_weighed: [BigUint; 2],
    pub(crate) real_debt: BigUint,
    pub(crate) owes: bool,
}

pub(crate) fn compound(rules: &Rules, rate: &BigUint, seconds: u64) -> BigUint {
    let year = n(31_536_000);
    let mul = |x: &BigUint, y: &BigUint| divide(&(x * y), &ray(), To::Half);
    let x = rate * seconds / &year;
    if rules.revision >= Revision::V3_4 {
        let inner = &x / 2u32 + mul(&x, &(&x / 6u32));
        return ray() + &x + mul(&x, &inner);
    }
    let less_one = n(u128::from(seconds) - 1);
    let less_two = n(u128::from(seconds.saturating_sub(2)));
    let power2 = mul(rate, rate) / (&year * &year);
    let power3 = mul(&power2, rate) / &year;
    let second = n(seconds.into()) * &less_one * power2 / 2u32;
    let third = n(seconds.into()) * less_one * less_two * power3 / 6u32;
    ray() + x + second + third
}

impl<'w> Model<'w> {
    pub(crate) fn of(world: &'w World) -> Model<'w> {
        let rules = Rules::of(world.revision());
        let (mut income, mut debt_index) = (Vec::new(), Vec::new());
        for reserve in world.pool.reserves() {
            let state = &reserve.state;
            let seconds = world.at.0 - state.last_update.0;
            let (mut earned, mut owed) = (ray(), ray());
            if seconds != 0 {
                earned += big(state.liquidity_rate) * seconds / 31_536_000u32;
                owed = compound(&rules, &big(state.variable_borrow_rate), seconds);
            }
            income.push(divide(&(earned * big(state.liquidity_index)), &ray(), To::Half));
            debt_index.push(divide(&(owed * big(state.variable_borrow_index)), &ray(), To::Half));
        }
        let finest = (0..world.reserves()).map(|i| world.decimals(i)).max().unwrap_or(0);
        Model { world, rules, income, debt_index, finest }
    }

    pub(crate) fn mode(&self, account: &Account) -> Option<(usize, &EMode)> {
        let id = account.term(E_MODE).to_u64().expect("a small number");
        self.world.pool.modes().iter().enumerate().find(|(_, mode)| u64::from(mode.id) == id)
    }

    pub(crate) fn in_mode(&self, mode: &EMode, reserve: usize) -> bool {
        if self.rules.revision <= Revision::V3_1 {
            let configuration = self.world.pool.reserves()[reserve].configuration;
            return configuration.get(Configuration::EMODE) == u64::from(mode.id);
        }
        mode.collateral.bit(reserve)
    }

    /// The slot of the price that counts for a reserve in the account's mode.
    pub(crate) fn slot(&self, account: &Account, reserve: usize) -> usize {
        let Some((_, mode)) = self.mode(account).filter(|(_, mode)| self.in_mode(mode, reserve)) else {
            return reserve;
        };
        let own = self.rules.revision <= Revision::V3_1;
        mode.price_slot.filter(|_| own).unwrap_or(reserve)
    }

    /// Loan-to-value and threshold of a reserve in the account's mode [bps]; `None` where it does not count.
    fn weights(&self, account: &Account, reserve: usize) -> Option<[u64; 2]> {
        let revision = self.rules.revision;
        let configuration = self.world.pool.reserves()[reserve].configuration;
        let (ltv, threshold) =
            (configuration.get(Configuration::LTV), configuration.get(Configuration::THRESHOLD));
        if revision <= Revision::V3_5 && threshold == 0 {
            return None;
        }
        let Some((_, mode)) = self.mode(account) else { return Some([ltv, threshold]) };
        if !self.in_mode(mode, reserve) {
            return Some([if revision >= Revision::V3_7 && mode.isolated { 0 } else { ltv }, threshold]);
        }
        let none = if revision <= Revision::V3_5 { ltv == 0 } else { mode.ltv_zero.bit(reserve) };
        Some([if none { 0 } else { mode.ltv.into() }, mode.threshold.into()])
    }

    pub(crate) fn price(&self, slot: usize) -> BigUint {
        big(self.world.readings[slot].value.expect("a price"))
    }

    pub(crate) fn receipt_balance(&self, reserve: usize, scaled: &BigUint) -> BigUint {
        divide(&(scaled * &self.income[reserve]), &ray(), self.rules.receipt_balance)
    }

    pub(crate) fn debt_balance(&self, reserve: usize, scaled: &BigUint) -> BigUint {
        divide(&(scaled * &self.debt_index[reserve]), &ray(), self.rules.debt_balance)
    }

    pub(crate) fn account(&self, account: &Account) -> Found {
        let mut found = Found {
            collateral: zero(),
            debt: zero(),
            weighed: [zero(), zero()],
            real_weighed: [zero(), zero()],
            real_debt: zero(),
            owes: false,
        };
        let word = account.term(USER_CONFIG).magnitude();
        for i in 0..self.world.reserves() {
            let unit = ten(self.world.decimals(i));
            let level = ten(self.finest - self.world.decimals(i));
            let price = self.price(self.slot(account, i));
            let scaled = big(account.quantity(receipt(i)).magnitude());
            if let Some(weights) = self.weights(account, i).filter(|_| word.bit(2 * i + 1)) {
                let value = self.receipt_balance(i, &scaled) * &price / &unit;
                let real = &scaled * &self.income[i] * &price * &level;
                found.collateral += &value;
                for (k, weight) in weights.into_iter().enumerate() {
                    found.weighed[k] += &value * weight;
                    found.real_weighed[k] += &real * weight;
                }
            }
            let scaled = big(account.quantity(debt(i)).magnitude());
            if word.bit(2 * i) && scaled != zero() {
                found.owes = true;
                let value = divide(&(self.debt_balance(i, &scaled) * &price), &unit, self.rules.debt_value);
                found.debt += value;
                found.real_debt += scaled * &self.debt_index[i] * &price * &level;
            }
        }
        found
    }

    pub(crate) fn health(&self, found: &Found) -> Option<BigUint> {
        if found.debt == zero() {
            return None;
        }
        if self.rules.revision >= Revision::V3_5 {
            let ratio = divide(&(&found.weighed[1] * wad()), &found.debt, To::Half);
            return Some(ratio / 10_000u32);
        }
        Some(divide(&(self.backing(found) * wad()), &found.debt, To::Half))
    }

    /// Up to 3.4: collateral at the average threshold of whole basis points.
    fn backing(&self, found: &Found) -> BigUint {
        divide(&(&found.collateral * average(found, 1)), &n(10_000), To::Half)
    }

    pub(crate) fn capacity(&self, found: &Found) -> BigUint {
        divide(&(&found.collateral * average(found, 0)), &n(10_000), self.rules.capacity)
    }

    /// The two integers that the venue compares, and how many row units one unit of them has.
    pub(crate) fn line(&self, found: &Found, test: Test) -> (BigUint, BigUint, BigUint) {
        let fine = ray() * ten(self.finest);
        match test {
            Test::Borrow | Test::Fill => (self.capacity(found), found.debt.clone(), fine * 10_000u32),
            _ if self.rules.revision >= Revision::V3_5 => {
                (found.weighed[1].clone(), &found.debt * 10_000u32, fine)
            }
            _ => (self.backing(found), found.debt.clone(), fine * 10_000u32),
        }
    }

    /// The real headroom in row units: no rounding anywhere.
    pub(crate) fn row(&self, found: &Found, test: Test) -> BigInt {
        let which = usize::from(!matches!(test, Test::Borrow | Test::Fill));
        BigInt::from(found.real_weighed[which].clone()) - BigInt::from(&found.real_debt * 10_000u32)
    }
}

pub(crate) fn average(found: &Found, which: usize) -> BigUint {
    if found.collateral == zero() { zero() } else { &found.weighed[which] / &found.collateral }
}
