//! One reserve: interest, indices, treasury, rates. `ReserveLogic.sol`, `MathUtils.sol`,
//! `DefaultReserveInterestRateStrategy.sol` and `…V2.sol`.

use super::{Configuration, Revision};
use plimsoll_core::{Arithmetic, Divisor, RAY, Refusal, Rounding, Time, Trace, U256, Unit, YEAR};

/// What changes in a reserve when somebody acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Underlying per scaled receipt at the last update (ray).
    pub liquidity_index: U256,
    /// Debt per scaled debt at the last update (ray).
    pub variable_borrow_index: U256,
    /// What suppliers earn a year since then (ray).
    pub liquidity_rate: U256,
    /// What borrowers pay a year since then (ray).
    pub variable_borrow_rate: U256,
    /// The last update.
    pub last_update: Time,
    /// The treasury's receipts not minted yet (scaled).
    pub accrued_to_treasury: U256,
    /// All receipts (scaled).
    pub scaled_supply: U256,
    /// All debt (scaled).
    pub scaled_debt: U256,
    /// Underlying tokens that the pool holds (raw).
    pub cash: U256,
    /// Underlying tokens that the pool counts, from 3.1 on (raw).
    pub virtual_balance: U256,
    /// Bad debt nobody has covered, from 3.3 on (raw).
    pub deficit: U256,
    /// Debt carried by this collateral in isolation, up to 3.6 (0.01 of the base currency).
    pub isolation_debt: U256,
}

/// The interest-rate curve (bps).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateCurve {
    /// Utilisation at the kink (bps).
    pub optimal: u32,
    /// Rate at no utilisation (bps).
    pub base: u32,
    /// Added up to the kink (bps).
    pub slope1: u32,
    /// Added from the kink to full utilisation (bps).
    pub slope2: u32,
}

const ONE: U256 = RAY.value();
const TWO: Divisor = Divisor::of(U256::new(2));
const SIX: Divisor = Divisor::of(U256::new(6));
const YEAR_SQUARED: Divisor = Divisor::of(U256::new(31_536_000 * 31_536_000));
const BPS: Divisor = plimsoll_core::BPS;
/// One basis point in ray.
const BPS_RAY: U256 = U256::new(100_000_000_000_000_000_000_000);
/// `wadToRay`, by which the overall rate of 3.0 and 3.1 weighs.
const WAD_TO_RAY: U256 = U256::new(1_000_000_000);

impl State {
    /// Of a reserve that nobody has used: indices one, everything else nothing.
    pub(super) const fn blank() -> State {
        State {
            liquidity_index: ONE,
            variable_borrow_index: ONE,
            liquidity_rate: U256::ZERO,
            variable_borrow_rate: U256::ZERO,
            last_update: Time(0),
            accrued_to_treasury: U256::ZERO,
            scaled_supply: U256::ZERO,
            scaled_debt: U256::ZERO,
            cash: U256::ZERO,
            virtual_balance: U256::ZERO,
            deficit: U256::ZERO,
            isolation_debt: U256::ZERO,
        }
    }

    /// Seconds since the last update.
    ///
    /// # Errors
    /// When the time is before it.
    fn elapsed(&self, at: Time) -> Result<u64, Refusal> {
        at.since(self.last_update).ok_or(Refusal::ClockWentBack { state: self.last_update, asked: at })
    }

    /// Whether every amount fits where the contract stores it (`toUint128`).
    ///
    /// # Errors
    /// [`Refusal::Overflow`], where the contract reverts.
    pub(super) fn fits_storage(&self) -> Result<(), Refusal> {
        fits_u128("accrued to treasury", self.accrued_to_treasury)?;
        fits_u128("virtual balance", self.virtual_balance)?;
        fits_u128("deficit", self.deficit)?;
        fits_u128("isolated debt", self.isolation_debt)?;
        Ok(())
    }

    /// Underlying per scaled receipt at a time (`ReserveLogic.getNormalizedIncome`) (ray).
    ///
    /// # Errors
    /// When the time is before the last update, or 256 bits do not hold the index.
    pub fn income_index<T: Trace + ?Sized>(&self, t: &mut T, at: Time) -> Result<U256, Refusal> {
        let elapsed = self.elapsed(at)?;
        if elapsed == 0 {
            t.given("income index, stored", self.liquidity_index, Unit::RAY);
            return Ok(self.liquidity_index);
        }
        let seconds = U256::from(elapsed);
        let interest = t.mul_div(
            "interest = liquidity rate x seconds / year",
            self.liquidity_rate,
            seconds,
            YEAR,
            Rounding::Down,
            Unit::RAY,
        )?;
        let factor = t.add("factor = 1 + interest", ONE, interest, Unit::RAY)?;
        t.mul_div(
            "income index = factor x stored index / 1e27",
            factor,
            self.liquidity_index,
            RAY,
            Rounding::HalfUp,
            Unit::RAY,
        )
    }

    /// Debt per scaled debt at a time (`ReserveLogic.getNormalizedDebt`) (ray).
    ///
    /// # Errors
    /// When the time is before the last update, or 256 bits do not hold the index.
    pub fn debt_index<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        revision: Revision,
        at: Time,
    ) -> Result<U256, Refusal> {
        let elapsed = self.elapsed(at)?;
        if elapsed == 0 {
            t.given("debt index, stored", self.variable_borrow_index, Unit::RAY);
            return Ok(self.variable_borrow_index);
        }
        let factor = if revision >= Revision::V3_4 {
            taylor(t, self.variable_borrow_rate, elapsed)?
        } else {
            binomial(t, self.variable_borrow_rate, elapsed)?
        };
        t.mul_div(
            "debt index = factor x stored index / 1e27",
            factor,
            self.variable_borrow_index,
            RAY,
            Rounding::HalfUp,
            Unit::RAY,
        )
    }

    /// Brings both indices and the treasury's claim to a time (`ReserveLogic.updateState`). Returns what the
    /// treasury gained (scaled).
    ///
    /// # Errors
    /// As the indices.
    pub(super) fn accrue<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        revision: Revision,
        configuration: Configuration,
        at: Time,
    ) -> Result<U256, Refusal> {
        if self.elapsed(at)? == 0 {
            return Ok(U256::ZERO);
        }
        let old = self.variable_borrow_index;
        if self.liquidity_rate != U256::ZERO {
            self.liquidity_index = fits_u128("liquidity index", self.income_index(t, at)?)?;
        }
        if self.scaled_debt != U256::ZERO {
            self.variable_borrow_index =
                fits_u128("variable borrow index", self.debt_index(t, revision, at)?)?;
        }
        self.last_update = at;
        let gained = self.treasury_gain(t, revision, configuration, old)?;
        self.accrued_to_treasury =
            t.add("accrued to treasury = accrued + gained", self.accrued_to_treasury, gained, Unit::NUMBER)?;
        Ok(gained)
    }

    /// The treasury's share of the interest between two debt indices (`ReserveLogic._accrueToTreasury`) (scaled).
    fn treasury_gain<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        revision: Revision,
        configuration: Configuration,
        old_index: U256,
    ) -> Result<U256, Refusal> {
        let share = configuration.get(Configuration::RESERVE_FACTOR);
        if share == 0 {
            return Ok(U256::ZERO);
        }
        let new_index = self.variable_borrow_index;
        let directional = revision >= Revision::V3_5;
        let accrued = if directional {
            let growth = t.sub("index growth = new - old", new_index, old_index, Unit::RAY)?;
            let formula = "accrued interest = scaled debt x index growth / 1e27";
            t.mul_div(formula, self.scaled_debt, growth, RAY, Rounding::Down, Unit::NUMBER)?
        } else {
            let formula = "debt at new index = scaled debt x new / 1e27";
            let after =
                t.mul_div(formula, self.scaled_debt, new_index, RAY, Rounding::HalfUp, Unit::NUMBER)?;
            let formula = "debt at old index = scaled debt x old / 1e27";
            let before =
                t.mul_div(formula, self.scaled_debt, old_index, RAY, Rounding::HalfUp, Unit::NUMBER)?;
            t.sub("accrued interest = after - before", after, before, Unit::NUMBER)?
        };
        let formula = "treasury share = accrued x reserve factor / 1e4";
        let part = t.mul_div(formula, accrued, U256::from(share), BPS, Rounding::HalfUp, Unit::NUMBER)?;
        let rounding = if directional { Rounding::Down } else { Rounding::HalfUp };
        let formula = "treasury gain = share x 1e27 / liquidity index";
        t.mul_div(formula, part, ONE, self.liquidity_index, rounding, Unit::NUMBER)
    }

    /// New rates after `added` came into the pool and `taken` is about to leave it
    /// (`ReserveLogic.updateInterestRatesAndVirtualBalance`).
    ///
    /// # Errors
    /// [`Refusal::InsufficientCash`] when more is taken than is there.
    pub(super) fn update_rates<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        revision: Revision,
        configuration: Configuration,
        curve: &RateCurve,
        added: U256,
        taken: U256,
    ) -> Result<(), Refusal> {
        let virtual_accounting =
            revision >= Revision::V3_4 || configuration.is(Configuration::VIRTUAL_ACCOUNTING);
        let held = if revision >= Revision::V3_1 { self.virtual_balance } else { self.cash };
        let debt = t.mul_div(
            "reserve debt = scaled debt x debt index / 1e27",
            self.scaled_debt,
            self.variable_borrow_index,
            RAY,
            revision.debt_balance(),
            Unit::NUMBER,
        )?;
        if revision >= Revision::V3_1 && !virtual_accounting {
            self.liquidity_rate = U256::ZERO;
            self.variable_borrow_rate = of_bps(curve.base);
            return Ok(());
        }
        let before = t.add("available = held + added", held, added, Unit::NUMBER)?;
        let available = before.sub(taken).ok_or(Refusal::InsufficientCash { held: before, asked: taken })?;
        let unbacked = if revision >= Revision::V3_3 { self.deficit } else { U256::ZERO };
        let rates = curve.rates(t, revision, configuration, available, debt, unbacked)?;
        self.liquidity_rate = fits_u128("liquidity rate", rates.liquidity)?;
        self.variable_borrow_rate = fits_u128("variable borrow rate", rates.borrow)?;
        if revision >= Revision::V3_1 {
            self.virtual_balance = available;
        }
        Ok(())
    }
}

struct Rates {
    liquidity: U256,
    borrow: U256,
}

impl RateCurve {
    /// Both rates at a utilisation (`calculateInterestRates`) (ray).
    fn rates<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        revision: Revision,
        configuration: Configuration,
        available: U256,
        debt: U256,
        unbacked: U256,
    ) -> Result<Rates, Refusal> {
        let (optimal, base) = (of_bps(self.optimal), of_bps(self.base));
        let (slope1, slope2) = (of_bps(self.slope1), of_bps(self.slope2));
        if debt == U256::ZERO {
            return Ok(Rates { liquidity: U256::ZERO, borrow: base });
        }
        let total = t.add("funds = available + debt", available, debt, Unit::NUMBER)?;
        let formula = "utilisation = debt x 1e27 / funds";
        let utilisation = t.mul_div(formula, debt, ONE, total, Rounding::HalfUp, Unit::RAY)?;
        let backed = t.add("funds and deficit = funds + deficit", total, unbacked, Unit::NUMBER)?;
        let formula = "supply utilisation = debt x 1e27 / funds and deficit";
        let supply_utilisation = t.mul_div(formula, debt, ONE, backed, Rounding::HalfUp, Unit::RAY)?;
        let borrow = if utilisation > optimal {
            let over = t.sub("excess = utilisation - optimal", utilisation, optimal, Unit::RAY)?;
            let room = t.sub("room = 1 - optimal", ONE, optimal, Unit::RAY)?;
            let formula = "excess ratio = excess x 1e27 / room";
            let ratio = t.mul_div(formula, over, ONE, room, Rounding::HalfUp, Unit::RAY)?;
            let formula = "steep part = slope2 x excess ratio / 1e27";
            let steep = t.mul_div(formula, slope2, ratio, RAY, Rounding::HalfUp, Unit::RAY)?;
            let kink = t.add("rate at the kink = base + slope1", base, slope1, Unit::RAY)?;
            t.add("borrow rate = rate at the kink + steep part", kink, steep, Unit::RAY)?
        } else {
            let formula = "slope = slope1 x utilisation / 1e27";
            let slope = t.mul_div(formula, slope1, utilisation, RAY, Rounding::HalfUp, Unit::RAY)?;
            let formula = "flat part = slope x 1e27 / optimal";
            let flat = t.mul_div(formula, slope, ONE, optimal, Rounding::HalfUp, Unit::RAY)?;
            t.add("borrow rate = base + flat part", base, flat, Unit::RAY)?
        };
        // 3.0 and 3.1 weigh the variable rate with the debt, though there is only one kind of debt left.
        let overall = if revision <= Revision::V3_1 {
            let weight = t.mul("weight = debt x 1e9", debt, WAD_TO_RAY, Unit::RAY)?;
            let formula = "weighted = weight x borrow rate / 1e27";
            let weighted = t.mul_div(formula, weight, borrow, RAY, Rounding::HalfUp, Unit::RAY)?;
            let formula = "overall rate = weighted x 1e27 / weight";
            t.mul_div(formula, weighted, ONE, weight, Rounding::HalfUp, Unit::RAY)?
        } else {
            borrow
        };
        let formula = "earned = overall rate x supply utilisation / 1e27";
        let earned = t.mul_div(formula, overall, supply_utilisation, RAY, Rounding::HalfUp, Unit::RAY)?;
        let factor = U256::from(configuration.get(Configuration::RESERVE_FACTOR));
        let left = BPS.value().sub(factor).ok_or(Refusal::Overflow("1e4 - reserve factor"))?;
        let formula = "liquidity rate = earned x (1e4 - reserve factor) / 1e4";
        let liquidity = t.mul_div(formula, earned, left, BPS, Rounding::HalfUp, Unit::RAY)?;
        Ok(Rates { liquidity, borrow })
    }
}

/// Compounding of 3.0 to 3.3: three terms of the binomial series (`MathUtils.calculateCompoundedInterest`) (ray).
fn binomial<T: Trace + ?Sized>(t: &mut T, rate: U256, elapsed: u64) -> Result<U256, Refusal> {
    let seconds = U256::from(elapsed);
    let less_one = U256::from(elapsed - 1);
    let less_two = U256::from(elapsed.saturating_sub(2));
    let formula = "rate squared = rate x rate / 1e27";
    let squared = t.mul_div(formula, rate, rate, RAY, Rounding::HalfUp, Unit::RAY)?;
    let formula = "power two = rate squared / year^2";
    let power2 = t.mul_div(formula, squared, U256::ONE, YEAR_SQUARED, Rounding::Down, Unit::RAY)?;
    let formula = "cubed = power two x rate / 1e27";
    let cubed = t.mul_div(formula, power2, rate, RAY, Rounding::HalfUp, Unit::RAY)?;
    let formula = "power three = cubed / year";
    let power3 = t.mul_div(formula, cubed, U256::ONE, YEAR, Rounding::Down, Unit::RAY)?;
    let pairs = t.mul("pairs = n x (n - 1)", seconds, less_one, Unit::NUMBER)?;
    let triples = t.mul("triples = pairs x (n - 2)", pairs, less_two, Unit::NUMBER)?;
    let formula = "second term = pairs x power two / 2";
    let second = t.mul_div(formula, pairs, power2, TWO, Rounding::Down, Unit::RAY)?;
    let formula = "third term = triples x power three / 6";
    let third = t.mul_div(formula, triples, power3, SIX, Rounding::Down, Unit::RAY)?;
    let formula = "first term = rate x n / year";
    let first = t.mul_div(formula, rate, seconds, YEAR, Rounding::Down, Unit::RAY)?;
    let sum = t.add("1 + first term", ONE, first, Unit::RAY)?;
    let sum = t.add("… + second term", sum, second, Unit::RAY)?;
    t.add("factor = … + third term", sum, third, Unit::RAY)
}

/// Compounding from 3.4 on: three terms of the exponential series (`MathUtils.calculateCompoundedInterest`) (ray).
fn taylor<T: Trace + ?Sized>(t: &mut T, rate: U256, elapsed: u64) -> Result<U256, Refusal> {
    let seconds = U256::from(elapsed);
    let x = t.mul_div("x = rate x n / year", rate, seconds, YEAR, Rounding::Down, Unit::RAY)?;
    let sixth = t.mul_div("x / 6", x, U256::ONE, SIX, Rounding::Down, Unit::RAY)?;
    let half = t.mul_div("x / 2", x, U256::ONE, TWO, Rounding::Down, Unit::RAY)?;
    let formula = "cubic = x x (x / 6) / 1e27";
    let cubic = t.mul_div(formula, x, sixth, RAY, Rounding::HalfUp, Unit::RAY)?;
    let inner = t.add("inner = x / 2 + cubic", half, cubic, Unit::RAY)?;
    let formula = "curve = x x inner / 1e27";
    let curve = t.mul_div(formula, x, inner, RAY, Rounding::HalfUp, Unit::RAY)?;
    let sum = t.add("1 + x", ONE, x, Unit::RAY)?;
    t.add("factor = 1 + x + curve", sum, curve, Unit::RAY)
}

/// Basis points as a ray; a `u32` of them always fits.
fn of_bps(bps: u32) -> U256 {
    BPS_RAY.mul(U256::from(bps)).unwrap_or(U256::MAX)
}

/// Indices and rates are stored in 128 bits (`toUint128`).
fn fits_u128(what: &'static str, value: U256) -> Result<U256, Refusal> {
    if value.bit_len() <= 128 { Ok(value) } else { Err(Refusal::Overflow(what)) }
}
