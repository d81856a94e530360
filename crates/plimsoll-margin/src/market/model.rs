//! What a cross market's rules would be under other numbers: weights of assets and what is asked of perps, by name.

use super::{Asked, Market, Spec, SpecError, Tier, Weights};
use alloc::string::String;
use alloc::vec::Vec;
use plimsoll_core::U256;

/// Other numbers of one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRule {
    /// Which.
    pub name: String,
    /// Its weights on both lines.
    pub weights: [Weights; 2],
    /// No more value of one account counts (currency, in this many decimals); `None` keeps what the market has.
    pub cap: Option<(U256, u8)>,
}

/// Other numbers of one perp. Tiers are in raw units of an asset of so many decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerpRule {
    /// Which.
    pub name: String,
    /// What both lines ask; `None` keeps what the market has.
    pub tiers: [Option<Vec<Tier>>; 2],
    /// What counts of a profit on both lines (millionths).
    pub profit: [Option<u32>; 2],
}

/// A cross model. What it does not name stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Decimals in which tiers and caps are counted.
    pub decimals: u8,
    /// Assets.
    pub assets: Vec<AssetRule>,
    /// Perps.
    pub perps: Vec<PerpRule>,
}

/// The same amount in other decimals, if it has them.
fn scaled(amount: U256, from: u8, to: u8) -> Option<U256> {
    if to >= from {
        return amount.mul(U256::pow10(to - from)?);
    }
    let unit = U256::pow10(from - to)?;
    let whole = amount.div(unit, plimsoll_core::Rounding::Down)?;
    (whole.mul(unit)? == amount).then_some(whole)
}

impl Market {
    /// The market that another one is, if it is one of this venue: for whoever has a book's markets and needs this one's rules.
    #[must_use]
    pub fn of(market: &dyn plimsoll_core::Market) -> Option<Market> {
        if market.venue() != (super::NAME, super::REVISIONS[0]) {
            return None;
        }
        let mut bytes = Vec::new();
        market.encode(&mut bytes);
        super::decoded(&bytes).ok()
    }

    /// The same market under a model.
    ///
    /// # Errors
    /// As [`Market::new`]; where a tier or cap is finer than the market's own numbers, and where the model names what the market does not list.
    pub fn under(&self, model: &Model) -> Result<Market, SpecError> {
        let mut spec: Spec = self.spec.clone();
        let unlisted = |what, place| SpecError { what, place };
        for (place, rule) in model.assets.iter().enumerate() {
            let asset = spec.assets.iter_mut().find(|asset| asset.name == rule.name);
            let asset = asset.ok_or(unlisted("an asset that is not listed", place))?;
            asset.weights = rule.weights;
            if let Some((cap, decimals)) = rule.cap {
                let fits = scaled(cap, decimals, self.spec.price_decimals);
                asset.cap = fits.ok_or(unlisted("collateral_cap", place))?;
            }
        }
        for (place, rule) in model.perps.iter().enumerate() {
            let perp = spec.perps.iter_mut().find(|perp| perp.name == rule.name);
            let perp = perp.ok_or(unlisted("a perp that is not listed", place))?;
            let decimals = self.spec.assets[perp.settles_in].decimals;
            for line in 0..2 {
                if let Some(tiers) = &rule.tiers[line] {
                    let tier = |tier: &Tier| {
                        Some(Tier { from: scaled(tier.from, model.decimals, decimals)?, rate: tier.rate })
                    };
                    let tiers = tiers.iter().map(tier).collect::<Option<Vec<_>>>();
                    perp.asked[line] =
                        Asked { tiers: tiers.ok_or(unlisted("tiers", place))?, ..perp.asked[line].clone() };
                }
                if let Some(profit) = rule.profit[line] {
                    perp.asked[line].profit = profit;
                }
            }
        }
        let market = Market::new(spec)?;
        Ok(Market { epoch: self.epoch, ..market })
    }
}
