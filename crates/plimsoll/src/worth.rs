//! What amounts of assets are worth to somebody who trades them: at a market's price where the book has one.

use crate::ask::asset_decimals;
use crate::blind::market_price;
use crate::survey::currency;
use plimsoll_core::{
    Account, AccountId, Book, Decimal, Feeds, InstrumentId, Int, Kind, Lens, ListedMarket, Market, Reading,
    Rounding, U256,
};

/// Where a price comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PricedBy {
    /// A feed of the book that says what a sale fetches.
    Market(String),
    /// The oracle that the venue acts on: nothing in the book says what a sale fetches.
    Oracle,
    /// What the venue itself counts it at: a stablecoin at par.
    Venue,
    /// It is the currency itself.
    Currency,
}

/// Prices in a market's currency.
pub(crate) struct Worth<'b> {
    pub(crate) book: &'b Book,
    pub(crate) listed: &'b ListedMarket,
    pub(crate) readings: &'b [Reading],
    /// Decimals of the unit that values are counted in.
    pub(crate) decimals: u8,
}

impl Worth<'_> {
    fn market(&self) -> &dyn Market {
        &*self.listed.market
    }

    /// The price of a whole token; `None` where there is none.
    pub(crate) fn price(&self, asset: &str) -> Option<(Decimal, PricedBy)> {
        // A doubtful price of a sale is none: the oracle's stands in, and is named.
        let quotes = self.book.graph.quotes(self.book.at);
        if let Some((id, value)) = market_price(self.book, self.listed, &quotes, asset) {
            let name = self.book.graph.price(id).map_or_else(String::new, |price| price.name.clone());
            return Some((value, PricedBy::Market(name)));
        }
        self.at_oracle(asset)
    }

    /// The price of a whole token as the venue sees it; `None` where there is none.
    pub(crate) fn at_oracle(&self, asset: &str) -> Option<(Decimal, PricedBy)> {
        let slot = self.market().slots().iter().position(|slot| slot.asset == asset);
        if let Some(slot) = slot {
            let decimals = self.market().slots()[slot].decimals;
            let mantissa = Int::from(self.readings.get(slot)?.value?);
            return Some((Decimal { mantissa, decimals }, PricedBy::Oracle));
        }
        if asset == currency(self.market()) {
            return Some((Decimal::whole(Int::ONE), PricedBy::Currency));
        }
        Some((self.at_the_venue(asset)?, PricedBy::Venue))
    }

    /// What the venue says that one whole token is worth, where no price slot stands for it.
    fn at_the_venue(&self, asset: &str) -> Option<Decimal> {
        let quoted = self.market().at(Feeds { readings: self.readings }, Lens::Action, self.book.at).ok()?;
        // Some venues value a coin only as they keep it themselves, such as Dai in the vat.
        let instruments = (0..).zip(self.market().instruments());
        let value =
            instruments.filter(|(_, i)| i.kind == Kind::Asset && i.asset == asset).find_map(|(id, i)| {
                let id = InstrumentId(id);
                let one = Account::new(AccountId(u64::MAX)).with(id, U256::pow10(i.decimals)?.into());
                quoted.balance(&one, id).ok()?.value
            })?;
        Some(Decimal { mantissa: value.into(), decimals: self.decimals }.trimmed())
    }

    /// The value of a raw amount; `None` without a price or beyond 256 bits.
    pub(crate) fn value(&self, asset: &str, raw: U256, price: Decimal, rounding: Rounding) -> Option<U256> {
        self.value_of(raw, asset_decimals(self.market(), asset)?, price, rounding)
    }

    /// The same of an amount that counts 10^-`token`.
    pub(crate) fn value_of(&self, raw: U256, token: u8, price: Decimal, rounding: Rounding) -> Option<U256> {
        let (up, down) =
            (U256::pow10(self.decimals)?, U256::pow10(token)?.mul(U256::pow10(price.decimals)?)?);
        raw.mul(price.mantissa.to_u256()?)?.mul_div_wide(up, down, rounding)
    }
}
