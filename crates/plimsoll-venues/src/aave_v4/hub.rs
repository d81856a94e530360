//! One asset of a hub: interest, the price of its shares, its rate. `AssetLogic.sol`, `SharesMath.sol`, `Premium.sol`
//! and `AssetInterestRateStrategy.sol`.

use super::{AssetState, Curve, HubAsset};
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{
    Arithmetic, BPS, Int, Operation, RAY, Refusal, Rounding, Silent, Step, Time, Trace, U256, Unit, YEAR,
};

const ONE: U256 = RAY.value();
/// A basis point as a ray.
const BPS_RAY: U256 = U256::new(100_000_000_000_000_000_000_000);
/// What the hub counts beside what there is, of shares and of assets: the first supplier cannot move the price.
pub(super) const VIRTUAL: U256 = U256::new(1_000_000);

/// What [`Refusal::Overflow`] names where premium shares stand for less than their offset
/// (`SafeCastOverflowedIntToUint`).
pub const NEGATIVE_PREMIUM: &str = "premium = premium shares x index - offset";
/// What [`Refusal::Overflow`] names where a number outgrows its place (`SafeCastOverflowedUintDowncast`).
pub const TOO_WIDE: &str = "a number of the hub within its bits";

/// Raw units times 1e27.
pub(super) const fn fine(decimals: u8) -> Unit {
    Unit::raw(decimals + 27)
}

/// `x * y / by` with 512 bits for the product, told as the other steps are.
///
/// # Errors
/// [`Refusal::Overflow`] or [`Refusal::DivisionByZero`], naming the formula.
pub(super) fn wide<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    [x, y, by]: [U256; 3],
    rounding: Rounding,
    unit: Unit,
) -> Result<U256, Refusal> {
    let Some(value) = x.mul_div_wide(y, by, rounding) else {
        let zero = by == U256::ZERO;
        return Err(if zero { Refusal::DivisionByZero(formula) } else { Refusal::Overflow(formula) });
    };
    if t.listens() {
        let operation = Operation::MulDiv { x: x.into(), y: y.into(), by: by.into() };
        t.step(Step { formula, operation, rounding, value: value.into(), unit });
    }
    Ok(value)
}

/// What premium shares owe beyond their offset (raw x ray) (`Premium.calculatePremiumRay`).
pub(super) fn premium<T: Trace + ?Sized>(
    t: &mut T,
    shares: U256,
    offset: Int,
    index: U256,
    decimals: u8,
) -> Result<U256, Refusal> {
    let unit = fine(decimals);
    let grown = t.mul("gross premium = premium shares x index", shares, index, unit)?;
    match offset.is_negative() {
        true => t.add("premium = gross premium + offset below zero", grown, offset.magnitude(), unit),
        false => t.sub(NEGATIVE_PREMIUM, grown, offset.magnitude(), unit),
    }
}

/// All suppliers of an asset together: what they own and in how many shares, both with their virtual part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pot {
    /// Raw.
    pub(super) assets: U256,
    /// Shares.
    pub(super) shares: U256,
    pub(super) decimals: u8,
}

impl Pot {
    /// `SharesMath.toAssets`.
    pub(super) fn assets_of<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        shares: U256,
        rounding: Rounding,
    ) -> Result<U256, Refusal> {
        let formula = "amount = shares x (supplied assets + 1e6) / (supplied shares + 1e6)";
        t.mul_div(formula, shares, self.assets, self.shares, rounding, Unit::raw(self.decimals))
    }

    /// `SharesMath.toShares`.
    pub(super) fn shares_of<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        amount: U256,
        rounding: Rounding,
    ) -> Result<U256, Refusal> {
        let formula = "shares = amount x (supplied shares + 1e6) / (supplied assets + 1e6)";
        t.mul_div(formula, amount, self.shares, self.assets, rounding, Unit::shares(self.decimals))
    }

    /// What a share is worth, floored (ray).
    pub(super) fn price(&self) -> Option<U256> {
        self.assets.mul_div_wide(ONE, self.shares, Down)
    }
}

/// What drawn shares owe, rounded up (raw): `rayMulUp`.
pub(super) fn drawn<T: Trace + ?Sized>(
    t: &mut T,
    shares: U256,
    index: U256,
    decimals: u8,
) -> Result<U256, Refusal> {
    let formula = "drawn = drawn shares x index / 1e27";
    t.mul_div(formula, shares, index, RAY, Up, Unit::raw(decimals))
}

/// Drawn shares for an amount: `rayDivUp` where they are owed, `rayDivDown` where they are paid.
pub(super) fn drawn_shares<T: Trace + ?Sized>(
    t: &mut T,
    amount: U256,
    index: U256,
    rounding: Rounding,
    decimals: u8,
) -> Result<U256, Refusal> {
    let formula = "drawn shares = amount x 1e27 / index";
    t.mul_div(formula, amount, ONE, index, rounding, Unit::shares(decimals))
}

/// Whole raw units of a finer amount: `fromRayUp`.
pub(super) fn whole<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    fine: U256,
    decimals: u8,
) -> Result<U256, Refusal> {
    t.mul_div(formula, fine, U256::ONE, RAY, Up, Unit::raw(decimals))
}

/// What a hub's views say of an asset at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetViews {
    /// What a drawn share owes (ray).
    pub drawn_index: U256,
    /// What all suppliers own (raw).
    pub added_assets: U256,
    /// What all borrowers drew, with interest, rounded up (raw).
    pub drawn: U256,
    /// What they owe as premium (raw x ray).
    pub premium: U256,
    /// Fees, minted or not (raw).
    pub fees: U256,
    /// The rate that the next change would set (ray a year).
    pub drawn_rate: U256,
    pot: Pot,
}

impl AssetViews {
    /// Shares for an amount of the asset: `previewAddByAssets` down, `previewRemoveByAssets` up.
    ///
    /// # Errors
    /// [`Refusal::Overflow`].
    pub fn shares_of(&self, amount: U256, rounding: Rounding) -> Result<U256, Refusal> {
        self.pot.shares_of(&mut Silent, amount, rounding)
    }

    /// The asset for shares: `previewRemoveByShares` down, `previewAddByShares` up.
    ///
    /// # Errors
    /// [`Refusal::Overflow`].
    pub fn assets_of(&self, shares: U256, rounding: Rounding) -> Result<U256, Refusal> {
        self.pot.assets_of(&mut Silent, shares, rounding)
    }

    /// Drawn shares for an amount: `previewDrawByAssets` up, `previewRestoreByAssets` down.
    ///
    /// # Errors
    /// [`Refusal::Overflow`].
    pub fn drawn_shares_of(&self, amount: U256, rounding: Rounding) -> Result<U256, Refusal> {
        drawn_shares(&mut Silent, amount, self.drawn_index, rounding, self.pot.decimals)
    }

    /// The asset for drawn shares: `previewDrawByShares` down, `previewRestoreByShares` up.
    ///
    /// # Errors
    /// [`Refusal::Overflow`].
    pub fn drawn_of(&self, shares: U256, rounding: Rounding) -> Result<U256, Refusal> {
        let amount = shares.mul_div(self.drawn_index, RAY, rounding);
        amount.ok_or(Refusal::Overflow("drawn = drawn shares x index / 1e27"))
    }
}

impl HubAsset {
    /// What the hub's views answer at a time.
    ///
    /// # Errors
    /// [`Refusal::ClockWentBack`] before its state, [`Refusal::Overflow`] where the contract would revert.
    pub fn views(&self, at: Time) -> Result<AssetViews, Refusal> {
        let (t, state) = (&mut Silent, &self.state);
        let index = self.index(t, at)?;
        let added = self.added_assets(t, index)?;
        let unrealized = self.unrealized_fees(t, index)?;
        let drawn = drawn(t, state.drawn_shares, index, self.decimals)?;
        Ok(AssetViews {
            drawn_index: index,
            added_assets: added,
            drawn,
            premium: premium(t, state.premium_shares, state.premium_offset, index, self.decimals)?,
            fees: t.add("fees", state.realized_fees, unrealized, Unit::raw(self.decimals))?,
            drawn_rate: self.rate(t, drawn)?,
            pot: self.pot(t, index)?,
        })
    }

    /// The drawn index with interest to a time (ray) (`getDrawnIndex`): linear since the last change, and still while
    /// nobody owes.
    pub(super) fn index<T: Trace + ?Sized>(&self, t: &mut T, at: Time) -> Result<U256, Refusal> {
        let AssetState { drawn_index, drawn_rate, last_update, .. } = self.state;
        let since = at.since(Time(last_update));
        let elapsed = since.ok_or(Refusal::ClockWentBack { state: Time(last_update), asked: at })?;
        t.given("drawn index, as it is stored", drawn_index, Unit::RAY);
        let idle = self.state.drawn_shares == U256::ZERO && self.state.premium_shares == U256::ZERO;
        if elapsed == 0 || idle {
            return Ok(drawn_index);
        }
        let formula = "interest = drawn rate x seconds / year";
        let interest = t.mul_div(formula, drawn_rate, U256::from(elapsed), YEAR, Down, Unit::RAY)?;
        let factor = t.add("factor = 1 + interest", ONE, interest, Unit::RAY)?;
        t.mul_div("index = drawn index x factor / 1e27", drawn_index, factor, RAY, Up, Unit::RAY)
    }

    /// Everything owed, the deficit included, rounded up once (raw).
    fn owed<T: Trace + ?Sized>(&self, t: &mut T, index: U256) -> Result<U256, Refusal> {
        let (state, unit) = (&self.state, fine(self.decimals));
        let drawn = t.mul("drawn by all = drawn shares x index", state.drawn_shares, index, unit)?;
        let premium = premium(t, state.premium_shares, state.premium_offset, index, self.decimals)?;
        let owed = t.add("owed = drawn + premium", drawn, premium, unit)?;
        let owed = t.add("owed, with the deficit", owed, state.deficit, unit)?;
        whole(t, "owed = owed / 1e27", owed, self.decimals)
    }

    /// Fees of the interest that is not stored yet (raw) (`getUnrealizedFees`): of a difference of two rounded sums.
    fn unrealized_fees<T: Trace + ?Sized>(&self, t: &mut T, index: U256) -> Result<U256, Refusal> {
        let AssetState { drawn_index, liquidity_fee, .. } = self.state;
        if index == drawn_index || liquidity_fee == 0 {
            return Ok(U256::ZERO);
        }
        let unit = Unit::raw(self.decimals);
        let (now, before) = (self.owed(t, index)?, self.owed(t, drawn_index)?);
        let grown = t.sub("interest = owed now - owed then", now, before, unit)?;
        let fee = U256::from(u64::from(liquidity_fee));
        t.mul_div("fees not yet stored = interest x fee / 1e4", grown, fee, BPS, Down, unit)
    }

    /// What all suppliers own (raw) (`totalAddedAssets`).
    pub(super) fn added_assets<T: Trace + ?Sized>(&self, t: &mut T, index: U256) -> Result<U256, Refusal> {
        let (state, unit) = (&self.state, Unit::raw(self.decimals));
        let held = t.add("held = liquidity + swept", state.liquidity, state.swept, unit)?;
        let owed = self.owed(t, index)?;
        let all = t.add("held and owed", held, owed, unit)?;
        let all = t.sub("less fees that are stored", all, state.realized_fees, unit)?;
        let fees = self.unrealized_fees(t, index)?;
        t.sub("supplied assets = held and owed less fees", all, fees, unit)
    }

    pub(super) fn pot<T: Trace + ?Sized>(&self, t: &mut T, index: U256) -> Result<Pot, Refusal> {
        let decimals = self.decimals;
        let added = self.added_assets(t, index)?;
        let assets = t.add("supplied assets + 1e6", added, VIRTUAL, Unit::raw(decimals))?;
        let shares =
            t.add("supplied shares + 1e6", self.state.added_shares, VIRTUAL, Unit::shares(decimals))?;
        Ok(Pot { assets, shares, decimals })
    }

    /// Interest to a time becomes the asset's own record (`accrue`): fees first, by the index that was.
    pub(super) fn accrue<T: Trace + ?Sized>(&mut self, t: &mut T, at: Time) -> Result<(), Refusal> {
        let index = self.index(t, at)?;
        let fees = self.unrealized_fees(t, index)?;
        let state = &mut self.state;
        state.realized_fees = t.add("fees", state.realized_fees, fees, Unit::raw(self.decimals))?;
        if state.realized_fees.bit_len() > 120 || index.bit_len() > 120 {
            return Err(Refusal::Overflow(TOO_WIDE));
        }
        state.drawn_index = index;
        state.last_update = at.0;
        Ok(())
    }

    /// Sets the rate by what is lent now; every call ends so (`updateDrawnRate`).
    pub(super) fn set_rate<T: Trace + ?Sized>(&mut self, t: &mut T) -> Result<(), Refusal> {
        let drawn = drawn(t, self.state.drawn_shares, self.state.drawn_index, self.decimals)?;
        let rate = self.rate(t, drawn)?;
        if rate.bit_len() > 96 {
            return Err(Refusal::Overflow(TOO_WIDE));
        }
        self.state.drawn_rate = rate;
        Ok(())
    }

    /// The rate of the curve (ray a year) (`calculateInterestRate`). Premium and deficit are not in it.
    fn rate<T: Trace + ?Sized>(&self, t: &mut T, drawn: U256) -> Result<U256, Refusal> {
        fn of_bps(bps: u64) -> U256 {
            BPS_RAY.mul(U256::from(bps)).unwrap_or(U256::MAX)
        }
        let Curve { optimal_usage, base_rate, growth_before, growth_after } = self.curve;
        let base = of_bps(base_rate.into());
        if drawn == U256::ZERO {
            return Ok(base);
        }
        let (state, unit, ray) = (&self.state, Unit::raw(self.decimals), Unit::RAY);
        let all = t.add("liquidity + drawn", state.liquidity, drawn, unit)?;
        let all = t.add("liquidity + drawn + swept", all, state.swept, unit)?;
        let usage = t.mul_div("usage = drawn x 1e27 / all", drawn, ONE, all, Up, ray)?;
        let optimal = of_bps(optimal_usage.into());
        let before = of_bps(growth_before.into());
        if usage <= optimal {
            let part = t.mul_div("growth x usage / 1e27", before, usage, RAY, Up, ray)?;
            let part = t.mul_div("growth to here = … x 1e27 / optimal usage", part, ONE, optimal, Up, ray)?;
            return t.add("rate = base + growth to here", base, part, ray);
        }
        let over = t.sub("usage beyond optimal", usage, optimal, ray)?;
        let room = t.sub("1 - optimal usage", ONE, optimal, ray)?;
        let part =
            t.mul_div("growth beyond x usage / 1e27", of_bps(growth_after.into()), over, RAY, Up, ray)?;
        let part = t.mul_div("growth beyond = … x 1e27 / room", part, ONE, room, Up, ray)?;
        let rate = t.add("rate = base + growth before", base, before, ray)?;
        t.add("rate, with growth beyond", rate, part, ray)
    }
}
