//! What the legs of a price come to, in units.

use super::{
    Graph, GraphError, Observation, Origin, PoolShare, Price, PriceId, PriceUnit, Scale, VaultShare,
};
use alloc::string::ToString;
use alloc::vec::Vec;

impl Graph {
    /// The unit that a price's legs come to; of what is observed or assumed the one that it says.
    pub(super) fn found_unit(&self, price: &Price) -> Result<PriceUnit, GraphError> {
        Ok(match &price.origin {
            Origin::Feed(_) | Origin::Constant(_) => price.unit.clone(),
            Origin::Product { legs, .. } => {
                let units: Result<Vec<PriceUnit>, GraphError> =
                    legs.iter().map(|&leg| self.leg_unit(leg)).collect();
                multiply(&units?)
            }
            Origin::Quotient { of, by, .. } => over(&self.leg_unit(*of)?, self.leg_unit(*by)?)?,
            Origin::MulDiv { of, times, over: by, .. } => {
                over(&multiply(&[self.leg_unit(*of)?, self.leg_unit(*times)?]), self.leg_unit(*by)?)?
            }
            Origin::RateCap(cap) => self.leg_unit(cap.of)?,
            Origin::PoolShare(pool) => self.pool_unit(pool)?,
            Origin::VaultShare(VaultShare { assets, supply, .. }) => {
                let (assets, supply) = (self.amount_unit(*assets)?, self.amount_unit(*supply)?);
                PriceUnit { currency: assets, per: Some(supply) }
            }
            Origin::Least { legs } | Origin::Greatest { legs } => {
                let mut units = Vec::new();
                for &leg in legs {
                    units.push(self.leg_unit(leg)?);
                }
                match units.iter().find(|unit| unit.currency != price.unit.currency) {
                    Some(other) => other.clone(),
                    None => price.unit.clone(),
                }
            }
        })
    }

    /// Both assets are priced in one currency, each price is one of its asset, and the supply counts shares.
    fn pool_unit(&self, pool: &PoolShare) -> Result<PriceUnit, GraphError> {
        let currency = self.leg_unit(pool.prices[0])?.currency;
        for (reserve, price) in pool.reserves.into_iter().zip(pool.prices) {
            let (asset, unit) = (self.amount_unit(reserve)?, self.leg_unit(price)?);
            if unit.currency != currency || unit.per.as_ref().is_some_and(|per| *per != asset) {
                let expected = alloc::format!("{currency}/{asset}");
                return Err(GraphError::Unit { found: unit.to_string(), expected });
            }
        }
        Ok(PriceUnit { currency, per: Some(self.amount_unit(pool.supply)?) })
    }

    /// What an amount counts: an amount is of something, and not per something.
    fn amount_unit(&self, leg: PriceId) -> Result<alloc::string::String, GraphError> {
        let unit = self.leg_unit(leg)?;
        match unit.per {
            None => Ok(unit.currency),
            Some(_) => {
                let expected = alloc::format!("an amount of {}", unit.currency);
                Err(GraphError::Unit { found: unit.to_string(), expected })
            }
        }
    }

    fn leg_unit(&self, leg: PriceId) -> Result<PriceUnit, GraphError> {
        let price = self.price(leg).ok_or(GraphError::NoSuchLeg)?;
        match &price.origin {
            Origin::Feed(Observation { scale: Scale::Raw, .. }) => {
                Err(GraphError::RawLeg(price.name.clone()))
            }
            _ => Ok(price.unit.clone()),
        }
    }
}

/// One price in terms of another of the same currency.
fn over(of: &PriceUnit, by: PriceUnit) -> Result<PriceUnit, GraphError> {
    if of.currency != by.currency {
        let found = alloc::format!("{} over {}", of.currency, by.currency);
        return Err(GraphError::Unit { found, expected: of.currency.clone() });
    }
    Ok(PriceUnit { currency: by.per.unwrap_or_default(), per: of.per.clone() })
}

fn multiply(units: &[PriceUnit]) -> PriceUnit {
    let mut currencies: Vec<&str> = units.iter().map(|unit| unit.currency.as_str()).collect();
    let mut pers = Vec::new();
    for per in units.iter().filter_map(|unit| unit.per.as_deref()) {
        match currencies.iter().position(|currency| *currency == per) {
            Some(at) => {
                currencies.remove(at);
            }
            None => pers.push(per),
        }
    }
    // A leg that does not say what it prices is taken to price the currency of the leg before it.
    let unnamed = units.iter().skip(1).filter(|unit| unit.per.is_none()).count();
    let spare = unnamed.min(currencies.len().saturating_sub(1));
    currencies.drain(..spare);
    let per = if pers.is_empty() { None } else { Some(pers.join("*")) };
    PriceUnit { currency: currencies.join("*"), per }
}
