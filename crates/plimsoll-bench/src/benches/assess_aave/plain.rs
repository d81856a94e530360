//! The obvious first version: 256-bit integers of the big-integer crate, checked, and the contract's lines one after
//! the other. A rival, on purpose without anything that makes ours fast; its indices are accrued once, as ours are.
//!
//! Written from the same rules as the venue file, but for nothing of it: where the two differ, one is wrong.

use super::population::Place;
use crate::registry::Trouble;
use plimsoll_core::{Account, Silent, Verdict};
use plimsoll_venues::aave_v3::{Configuration, E_MODE, Revision, USER_CONFIG, debt, receipt};
use ruint::aliases::U256;

/// A market with its users.
pub(crate) struct Book {
    revision: Revision,
    reserves: Vec<Reserve>,
    modes: Vec<Mode>,
    pub(crate) users: Vec<User>,
}

struct Reserve {
    ltv: U256,
    threshold: U256,
    /// 10^decimals.
    unit: U256,
    income: U256,
    debt_index: U256,
    price: U256,
    category: u64,
}

struct Mode {
    id: u64,
    threshold: U256,
    collateral: U256,
    price: Option<U256>,
}

/// An account as the contract stores it.
pub(crate) struct User {
    mode: u64,
    config: U256,
    /// Scaled receipts and scaled debt of each reserve that it has to do with.
    positions: Vec<(usize, U256, U256)>,
}

/// What the contract would say.
pub(crate) struct Answer {
    pub(crate) owes: bool,
    pub(crate) liquidatable: bool,
    collateral: U256,
    debt: U256,
    threshold_sum: U256,
    average_threshold: U256,
}

const RAY: U256 = U256::from_limbs([0x9fd0_803c_e800_0000, 0x033b_2e3c, 0, 0]);
const HALF_RAY: U256 = U256::from_limbs([0x4fe8_401e_7400_0000, 0x019d_971e, 0, 0]);
const WAD: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
const BPS: U256 = U256::from_limbs([10_000, 0, 0, 0]);

/// Ours to theirs.
fn word(value: plimsoll_core::U256) -> U256 {
    U256::from_le_bytes(value.to_le_bytes())
}

impl Book {
    pub(crate) fn of(place: &Place) -> Result<Book, Trouble> {
        let revision = place.pool.revision();
        let price = |slot: usize| place.readings.get(slot).and_then(|reading| reading.value).map(word);
        let mut reserves = Vec::new();
        for (slot, reserve) in place.pool.reserves().iter().enumerate() {
            let field = |bits| reserve.configuration.get(bits);
            reserves.push(Reserve {
                ltv: U256::from(field(Configuration::LTV)),
                threshold: U256::from(field(Configuration::THRESHOLD)),
                unit: U256::from(10).pow(U256::from(reserve.configuration.decimals())),
                income: word(reserve.state.income_index(&mut Silent, place.at)?),
                debt_index: word(reserve.state.debt_index(&mut Silent, revision, place.at)?),
                price: price(slot)
                    .ok_or_else(|| Trouble::NoData(format!("no price of {}", reserve.symbol)))?,
                category: field(Configuration::EMODE),
            });
        }
        let modes = place.pool.modes().iter().map(|mode| Mode {
            id: u64::from(mode.id),
            threshold: U256::from(mode.threshold),
            collateral: word(mode.collateral),
            price: mode.price_slot.and_then(price),
        });
        let users = place.accounts.iter().map(|account| user(account, reserves.len())).collect();
        Ok(Book { revision, modes: modes.collect(), reserves, users })
    }

    /// The verdict with another price of one reserve.
    pub(crate) fn at_price(
        &mut self,
        reserve: usize,
        price: plimsoll_core::U256,
        user: &User,
    ) -> Option<Verdict> {
        let before = std::mem::replace(&mut self.reserves.get_mut(reserve)?.price, word(price));
        let answer = self.assess(user);
        self.reserves[reserve].price = before;
        Some(match answer? {
            Answer { owes: false, .. } => Verdict::NoDebt,
            Answer { liquidatable: true, .. } => Verdict::Unhealthy,
            _ => Verdict::Healthy,
        })
    }

    /// An account as this version has it.
    pub(crate) fn user(&self, account: &Account) -> User {
        user(account, self.reserves.len())
    }

    /// `calculateUserAccountData` and the comparison; `None` where it would revert.
    pub(crate) fn assess(&self, user: &User) -> Option<Answer> {
        let directional = self.revision >= Revision::V3_5;
        let mode = self.modes.iter().find(|mode| mode.id == user.mode);
        let (mut collateral, mut debt, mut threshold_sum) = (U256::ZERO, U256::ZERO, U256::ZERO);
        let mut ltv_sum = U256::ZERO;
        let mut owes = false;
        for &(id, receipts, owed) in &user.positions {
            let reserve = &self.reserves[id];
            let mode = mode.filter(|mode| self.in_mode(mode, id));
            let price = mode.and_then(|mode| mode.price).unwrap_or(reserve.price);
            let unit = reserve.unit;
            let counted = !reserve.threshold.is_zero() || self.revision >= Revision::V3_6;
            if !receipts.is_zero() && user.config.bit(2 * id + 1) && counted {
                let product = receipts.checked_mul(reserve.income)?;
                let half = if directional { U256::ZERO } else { HALF_RAY };
                let balance = product.checked_add(half)? / RAY;
                let value = balance.checked_mul(price)? / unit;
                let threshold = mode.map_or(reserve.threshold, |mode| mode.threshold);
                collateral = collateral.checked_add(value)?;
                threshold_sum = threshold_sum.checked_add(value.checked_mul(threshold)?)?;
                ltv_sum = ltv_sum.checked_add(value.checked_mul(reserve.ltv)?)?;
            }
            if !owed.is_zero() && user.config.bit(2 * id) {
                owes = true;
                let product = owed.checked_mul(reserve.debt_index)?;
                let value = if directional {
                    product.div_ceil(RAY).checked_mul(price)?.div_ceil(unit)
                } else {
                    (product.checked_add(HALF_RAY)? / RAY).checked_mul(price)? / unit
                };
                debt = debt.checked_add(value)?;
            }
        }
        std::hint::black_box(ltv_sum);
        let average_threshold = if collateral.is_zero() { U256::ZERO } else { threshold_sum / collateral };
        let health = if debt.is_zero() {
            U256::MAX
        } else if directional {
            (threshold_sum.checked_mul(WAD)?.checked_add(debt / U256::from(2))? / debt) / BPS
        } else {
            let backing = percent(collateral, average_threshold)?;
            backing.checked_mul(WAD)?.checked_add(debt / U256::from(2))? / debt
        };
        let liquidatable = health < WAD;
        Some(Answer { owes, liquidatable, collateral, debt, threshold_sum, average_threshold })
    }

    /// Backing, requirement, collateral and debt in the unit in which our assessment compares.
    pub(crate) fn line_of(&self, answer: &Answer) -> [U256; 4] {
        if self.revision >= Revision::V3_5 {
            let [debt, collateral] = [answer.debt, answer.collateral].map(|value| value * BPS);
            return [answer.threshold_sum, debt, collateral, debt];
        }
        let backing = percent(answer.collateral, answer.average_threshold).unwrap_or_default();
        [backing, answer.debt, answer.collateral, answer.debt]
    }

    fn in_mode(&self, mode: &Mode, id: usize) -> bool {
        if self.revision <= Revision::V3_1 {
            return self.reserves[id].category == mode.id;
        }
        mode.collateral.bit(id)
    }
}

/// Collateral and debt of all accounts, and of those that may be liquidated.
#[derive(Default)]
pub(crate) struct Sums([U256; 4]);

impl Sums {
    pub(crate) fn add(&mut self, answer: Option<&Answer>) {
        let Some(&Answer { collateral, debt, .. }) = answer else { return };
        let lost = if answer.is_some_and(|answer| answer.owes && answer.liquidatable) {
            [collateral, debt]
        } else {
            [U256::ZERO; 2]
        };
        for (sum, value) in self.0.iter_mut().zip([collateral, debt, lost[0], lost[1]]) {
            *sum += value;
        }
    }

    pub(crate) fn printed(&self) -> [String; 4] {
        self.0.map(|sum| sum.to_string())
    }
}

fn percent(value: U256, weight: U256) -> Option<U256> {
    Some(value.checked_mul(weight)?.checked_add(U256::from(5_000))? / BPS)
}

fn user(account: &Account, reserves: usize) -> User {
    let held = |instrument| word(account.quantity(instrument).magnitude());
    let positions = (0..reserves).map(|id| (id, held(receipt(id)), held(debt(id))));
    User {
        mode: account.term(E_MODE).to_u64().unwrap_or(0),
        config: word(account.term(USER_CONFIG).magnitude()),
        positions: positions.filter(|(_, receipts, owed)| !receipts.is_zero() || !owed.is_zero()).collect(),
    }
}
