//! What raw amounts are worth in a market's currency, in 10^-18 of it.

use plimsoll_core::{
    Account, AccountId, Decimal, Feeds, InstrumentId, Kind, Lens, Market, Reading, Rounding, Time, U256,
};

/// A price of a whole token: a whole number, and its digits after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Price(pub(crate) U256, pub(crate) u8);

/// The currency that a market's prices are counted in.
pub(crate) fn currency(market: &dyn Market) -> String {
    market.slots().first().map_or_else(String::new, |slot| slot.currency.clone())
}

/// The price of an asset at a market's readings: its slot's, one of its currency itself, else what the venue counts a whole token at.
pub(crate) fn price(market: &dyn Market, readings: &[Reading], at: Time, asset: &str) -> Option<Price> {
    let slots = market.slots();
    if let Some(slot) = slots.iter().position(|slot| slot.asset == asset) {
        return Some(Price(readings.get(slot)?.value?, slots[slot].decimals));
    }
    if asset == currency(market) {
        return Some(Price(U256::ONE, 0));
    }
    let quoted = market.at(Feeds { readings }, Lens::Action, at).ok()?;
    let instruments = (0..).zip(market.instruments());
    instruments.filter(|(_, i)| i.kind == Kind::Asset && i.asset == asset).find_map(|(id, i)| {
        let one =
            Account::new(AccountId(u64::MAX - 64)).with(InstrumentId(id), U256::pow10(i.decimals)?.into());
        let value = quoted.balance(&one, InstrumentId(id)).ok()?.value?;
        let unit = quoted.verdict(&one, plimsoll_core::Test::Borrow).ok()?.unit;
        // Without its zeros: an amount of 45 digits times a price of as many fits no 256 bits.
        let short = Decimal { mantissa: value.into(), decimals: unit.decimals }.trimmed();
        Some(Price(short.mantissa.to_u256()?, short.decimals))
    })
}

/// The value of an amount that counts 10^-`token`.
pub(crate) fn value(raw: U256, token: u8, Price(whole, digits): Price, rounding: Rounding) -> Option<U256> {
    let down = U256::pow10(token)?.mul(U256::pow10(digits)?)?;
    let up = U256::pow10(18)?;
    raw.mul(whole)?.mul_div_wide(up, down, rounding)
}

/// An amount that counts 10^-`from` in units of 10^-`to`.
pub(crate) fn rescale(raw: U256, from: u8, to: u8, rounding: Rounding) -> Option<U256> {
    match to.checked_sub(from) {
        Some(finer) => raw.mul(U256::pow10(finer)?),
        None => raw.div(U256::pow10(from - to)?, rounding),
    }
}
