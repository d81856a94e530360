//! Utilisation, rates, indices, and what a principal stands for (`Comet.accrueInternal`, `CometCore.presentValue`).

use super::casts::{INT104, INT256, TIMESTAMP, UINT64, UINT104};
use super::cells::Numbers;
use super::{Market, Rates, State};
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{Arithmetic, Divisor, Int, Refusal, Silent, Subject, Time, Trace, U256, Unit, WAD};

/// 10^15: an index of one (`BASE_INDEX_SCALE`).
pub(super) const INDEX_ONE: Divisor = Divisor::of(U256::new(10u128.pow(15)));
/// What an index counts.
pub(super) const INDEX: Unit = Unit { name: "index", decimals: 15 };

/// Indices at a time, without anything else that an accrual changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accrued {
    /// Of principals above zero (10^15 is one).
    pub supply_index: U256,
    /// Of principals below zero (10^15 is one).
    pub borrow_index: U256,
}

/// The value where it fits so many bits; else the cast that refuses it.
pub(super) fn cast(value: U256, bits: usize, what: &'static str) -> Result<U256, Refusal> {
    if value.bit_len() <= bits { Ok(value) } else { Err(Refusal::Overflow(what)) }
}

/// `place += by` for a place of so many bits.
pub(super) fn grow(place: &mut U256, by: U256, bits: usize, formula: &'static str) -> Result<(), Refusal> {
    let sum = place.add(by).filter(|sum| sum.bit_len() <= bits);
    *place = sum.ok_or(Refusal::Overflow(formula))?;
    Ok(())
}

/// `place -= by`, which the contract refuses below zero.
pub(super) fn shrink(place: &mut U256, by: U256, formula: &'static str) -> Result<(), Refusal> {
    *place = place.sub(by).ok_or(Refusal::Overflow(formula))?;
    Ok(())
}

impl Rates {
    /// The rate at a utilisation (wad per second) (`getSupplyRate`, `getBorrowRate`): each term rounded down alone.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] where the contract reverts.
    pub fn at(&self, utilisation: U256) -> Result<U256, Refusal> {
        self.traced(&mut Silent, &BORROW, utilisation)
    }

    fn traced<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        words: &Words,
        utilisation: U256,
    ) -> Result<U256, Refusal> {
        let unit = Unit::WAD;
        let low = t.min("utilisation up to the kink", utilisation, self.kink, unit);
        let gentle = t.mul_div(words.gentle, self.slope_low, low, WAD, Down, unit)?;
        let mut rate = t.add(words.rate, self.base, gentle, unit)?;
        if utilisation > self.kink {
            let beyond = t.sub("utilisation beyond the kink", utilisation, self.kink, unit)?;
            let steep = t.mul_div(words.steep, self.slope_high, beyond, WAD, Down, unit)?;
            rate = t.add(words.steep_rate, rate, steep, unit)?;
        }
        cast(rate, 64, UINT64)
    }
}

/// The steps of one of the two indices.
struct Words {
    gentle: &'static str,
    rate: &'static str,
    steep: &'static str,
    steep_rate: &'static str,
    growing: &'static str,
    growth: &'static str,
    index: &'static str,
}

const SUPPLY: Words = Words {
    gentle: "low supply slope * utilisation up to the kink",
    rate: "supply rate = base + that",
    steep: "high supply slope * utilisation beyond the kink",
    steep_rate: "supply rate = base + both",
    growing: "supply rate * seconds",
    growth: "supply index * supply rate * seconds",
    index: "supply index = index + that",
};

const BORROW: Words = Words {
    gentle: "low borrow slope * utilisation up to the kink",
    rate: "borrow rate = base + that",
    steep: "high borrow slope * utilisation beyond the kink",
    steep_rate: "borrow rate = base + both",
    growing: "borrow rate * seconds",
    growth: "borrow index * borrow rate * seconds",
    index: "borrow index = index + that",
};

impl State {
    /// Borrowed over supplied (wad, rounded down), which may exceed one; zero without supply (`getUtilization`).
    ///
    /// # Errors
    /// Never for a state of a [`Market`].
    pub fn utilisation(&self) -> Result<U256, Refusal> {
        self.utilisation_traced(&mut Silent, Unit::NUMBER)
    }

    fn utilisation_traced<T: Trace + ?Sized>(&self, t: &mut T, unit: Unit) -> Result<U256, Refusal> {
        let supplied = self.present_supply(t, self.total_supply_base, unit)?;
        let borrowed = self.present_borrow(t, self.total_borrow_base, unit)?;
        if supplied == U256::ZERO {
            return Ok(U256::ZERO);
        }
        t.mul_div("utilisation = borrowed / supplied", borrowed, WAD.value(), supplied, Down, Unit::WAD)
    }

    /// `presentValueSupply` (raw, rounded down).
    pub(super) fn present_supply<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        principal: U256,
        unit: Unit,
    ) -> Result<U256, Refusal> {
        let formula = "supplied = principal * supply index / 1e15";
        t.mul_div(formula, principal, self.base_supply_index, INDEX_ONE, Down, unit)
    }

    /// `presentValueBorrow` (raw, rounded down).
    pub(super) fn present_borrow<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        principal: U256,
        unit: Unit,
    ) -> Result<U256, Refusal> {
        let formula = "owed = principal * borrow index / 1e15";
        t.mul_div(formula, principal, self.base_borrow_index, INDEX_ONE, Down, unit)
    }

    /// What a principal stands for (raw), toward zero (`presentValue`).
    pub(super) fn present<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        principal: Int,
        unit: Unit,
    ) -> Result<Int, Refusal> {
        let size = principal.magnitude();
        if principal.is_negative() {
            return Ok(Int::from_parts(true, self.present_borrow(t, size, unit)?));
        }
        Ok(self.present_supply(t, size, unit)?.into())
    }

    /// The principal that stands for an amount (raw): a claim rounded down, a debt up (`principalValue`).
    pub(super) fn principal<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        amount: Int,
        unit: Unit,
    ) -> Result<Int, Refusal> {
        let (size, one) = (amount.magnitude(), INDEX_ONE.value());
        let principal = if amount.is_negative() {
            let index = self.base_borrow_index;
            let formula = "principal = owed * 1e15 / borrow index";
            // The contract adds the index to the product before it divides.
            if size.mul(one).and_then(|product| product.add(index)).is_none() {
                return Err(Refusal::Overflow(formula));
            }
            t.mul_div(formula, size, one, index, Up, unit)?
        } else {
            let formula = "principal = supplied * 1e15 / supply index";
            t.mul_div(formula, size, one, self.base_supply_index, Down, unit)?
        };
        let principal = cast(cast(principal, 104, UINT104)?, 103, INT104)?;
        Ok(Int::from_parts(amount.is_negative(), principal))
    }

    /// `totalSupply` by the indices of this state (raw, rounded down).
    ///
    /// # Errors
    /// Never for a state of a [`Market`].
    pub fn supplied(&self) -> Result<U256, Refusal> {
        self.present_supply(&mut Silent, self.total_supply_base, Unit::NUMBER)
    }

    /// `totalBorrow` by the indices of this state (raw, rounded down).
    ///
    /// # Errors
    /// Never for a state of a [`Market`].
    pub fn borrowed(&self) -> Result<U256, Refusal> {
        self.present_borrow(&mut Silent, self.total_borrow_base, Unit::NUMBER)
    }

    /// `getReserves` by the indices of this state (raw): tokens held, less what is supplied, and what is owed.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] beyond 255 bits.
    pub fn reserves(&self) -> Result<Int, Refusal> {
        let less = Int::from(self.base_balance).sub(self.supplied()?.into());
        let reserves = less.and_then(|less| less.add(self.borrowed().ok()?.into()));
        reserves.filter(|reserves| reserves.magnitude().bit_len() <= 255).ok_or(Refusal::Overflow(INT256))
    }
}

impl Numbers {
    /// Seconds since the last accrual.
    pub(super) fn seconds_to(&self, at: Time) -> Result<u64, Refusal> {
        let state = Time(self.state.last_accrual_time);
        let seconds = at.since(state).ok_or(Refusal::ClockWentBack { state, asked: at })?;
        cast(U256::from(at.0), 40, TIMESTAMP)?;
        Ok(seconds)
    }

    /// The indices at a time (`accruedInterestIndices`).
    pub(super) fn indices<T: Trace + ?Sized>(&self, t: &mut T, at: Time) -> Result<Accrued, Refusal> {
        let Numbers { rules, state } = self;
        let mut accrued =
            Accrued { supply_index: state.base_supply_index, borrow_index: state.base_borrow_index };
        let seconds = U256::from(self.seconds_to(at)?);
        if seconds == U256::ZERO {
            return Ok(accrued);
        }
        t.about(Subject::Market);
        t.given("seconds since the last accrual", seconds, Unit::SECONDS);
        let used = state.utilisation_traced(t, Unit::raw(rules.base_decimals))?;
        let supply_rate = rules.supply.traced(t, &SUPPLY, used)?;
        let borrow_rate = rules.borrow.traced(t, &BORROW, used)?;
        for (index, rate, words) in [
            (&mut accrued.supply_index, supply_rate, &SUPPLY),
            (&mut accrued.borrow_index, borrow_rate, &BORROW),
        ] {
            let growing = t.mul(words.growing, rate, seconds, Unit::WAD)?;
            let growth = t.mul_div(words.growth, *index, growing, WAD, Down, INDEX)?;
            let sum = t.add(words.index, *index, cast(growth, 64, UINT64)?, INDEX)?;
            *index = cast(sum, 64, words.index)?;
        }
        Ok(accrued)
    }

    /// The state as `accrueInternal` leaves it.
    pub(super) fn accrue<T: Trace + ?Sized>(&self, t: &mut T, at: Time) -> Result<State, Refusal> {
        let Numbers { rules, mut state } = *self;
        let seconds = U256::from(self.seconds_to(at)?);
        if seconds == U256::ZERO {
            return Ok(state);
        }
        let Accrued { supply_index, borrow_index } = self.indices(t, at)?;
        (state.base_supply_index, state.base_borrow_index) = (supply_index, borrow_index);
        let scale = U256::pow10(rules.base_decimals).unwrap_or(U256::ONE);
        for (index, speed, total, words) in [
            (
                &mut state.tracking_supply_index,
                rules.base_tracking_supply_speed,
                state.total_supply_base,
                ["supply speed * seconds", "tracking of a unit supplied", "tracking supply index"],
            ),
            (
                &mut state.tracking_borrow_index,
                rules.base_tracking_borrow_speed,
                state.total_borrow_base,
                ["borrow speed * seconds", "tracking of a unit borrowed", "tracking borrow index"],
            ),
        ] {
            if total >= rules.base_min_for_rewards {
                let [paid, each, whole] = words;
                let paid = t.mul(paid, speed, seconds, Unit::NUMBER)?;
                let each = t.mul_div(each, paid, scale, total, Down, Unit::NUMBER)?;
                grow(index, cast(each, 64, UINT64)?, 64, whole)?;
            }
        }
        state.last_accrual_time = at.0;
        Ok(state)
    }
}

impl Market {
    /// The state as a call at this time would find it after its accrual.
    ///
    /// # Errors
    /// [`Refusal::ClockWentBack`]; [`Refusal::Overflow`] where the contract reverts.
    pub fn accrued(&self, at: Time) -> Result<State, Refusal> {
        self.numbers.accrue(&mut Silent, at)
    }

    /// The state with the indices of this time, and nothing else changed: what `balanceOf`, `totalSupply` and
    /// `getReserves` count with.
    ///
    /// # Errors
    /// As [`Market::accrued`].
    pub fn projected(&self, at: Time) -> Result<State, Refusal> {
        let Accrued { supply_index, borrow_index } = self.numbers.indices(&mut Silent, at)?;
        Ok(State { base_supply_index: supply_index, base_borrow_index: borrow_index, ..self.numbers.state })
    }
}
