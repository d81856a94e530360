//! Prices that no market moves: what is hard-coded or follows an exchange rate only, and what it would be worth at the
//! market's price where the book has one.

use crate::ask::asset_decimals;
use crate::survey::currency;
use crate::worth::Worth;
use plimsoll_core::{
    Account, Book, Decimal, FeedKind, InstrumentId, Int, Kind, ListedMarket, Look, Origin, PriceId, Quote,
    Quoted, Reading, Rounding, Scale, Sight, Time, U256,
};

/// A holding that counts as collateral at a price that no market moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    /// The asset.
    pub asset: String,
    /// The price that its market acts on.
    pub price: PriceId,
    /// What that sees: [`Sight::Fixed`] or [`Sight::Rate`].
    pub sight: Sight,
    /// What the holding is worth at the venue's price (account unit).
    pub value: U256,
    /// Digits after the point of values.
    pub decimals: u8,
    /// What it is worth at the market's price; `None` where the book has none without doubt.
    pub at_market: Option<AtMarket>,
}

/// A value at a market's price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtMarket {
    /// The feed, of kind `market`.
    pub price: PriceId,
    /// The value there, rounded down (account unit).
    pub value: U256,
    /// By how much more that is than at the venue's price; negative where the venue's price is too high.
    pub difference: Int,
}

/// What every price slot of a market sees; `None` of one without a price, or that cannot be looked through.
pub(crate) fn looks(book: &Book, listed: &ListedMarket, quotes: &[Quote], at: Time) -> Vec<Option<Look>> {
    let look = |wired: &Option<PriceId>| book.graph.look(quotes, (*wired)?, at);
    listed.wiring.iter().map(look).collect()
}

/// A market's feed of what a sale of an asset fetches, without doubt, in the market's currency.
pub(crate) fn market_price(
    book: &Book,
    listed: &ListedMarket,
    quotes: &[Quote],
    asset: &str,
) -> Option<(PriceId, Decimal)> {
    let currency = currency(&*listed.market);
    let prices = (0..).zip(book.graph.prices()).zip(quotes);
    let of = prices.filter(|((_, price), quote)| {
        let Origin::Feed(feed) = &price.origin else { return false };
        let sale = feed.kind == FeedKind::Market && feed.scale == Scale::Decimal;
        let named = price.unit.currency == currency && price.unit.per.as_deref() == Some(asset);
        sale && named && quote.doubt.is_none()
    });
    of.filter_map(|((id, _), quote)| Some((PriceId(id), quote.value?))).next()
}

/// A market in which values at the market's prices are asked for.
pub(crate) struct Blinds<'b> {
    pub(crate) book: &'b Book,
    pub(crate) listed: &'b ListedMarket,
    pub(crate) quotes: &'b [Quote],
    pub(crate) readings: &'b [Reading],
    /// Decimals of the account unit.
    pub(crate) decimals: u8,
}

impl Blinds<'_> {
    /// What so many raw units of an asset are worth at the market's price, against what they count for.
    pub(crate) fn at_market(&self, asset: &str, raw: U256, value: U256) -> Option<AtMarket> {
        let Blinds { book, listed, quotes, readings, decimals } = *self;
        let (price, one) = market_price(book, listed, quotes, asset)?;
        let token = asset_decimals(&*listed.market, asset)?;
        let worth = Worth { book, listed, readings, decimals };
        let there = worth.value_of(raw, token, one, Rounding::Down)?;
        let difference = Int::from(there).sub(value.into())?;
        Some(AtMarket { price, value: there, difference })
    }

    /// The holdings of an account that count as collateral at a blind price.
    pub(crate) fn of(&self, account: &Account, now: &dyn Quoted, looks: &[Option<Look>]) -> Vec<Blind> {
        let market = &*self.listed.market;
        let mut found = Vec::new();
        for holding in account.holdings() {
            let id = holding.instrument;
            let Some((slot, sight)) = blind_slot(self.listed, looks, id) else { continue };
            let counts = market.counting(account, id).is_ok_and(|counting| counting.weight.is_some());
            let (true, Some(price), Ok(balance)) =
                (counts, self.listed.wiring[slot], now.balance(account, id))
            else {
                continue;
            };
            let (asset, Some(value)) = (&market.slots()[slot].asset, balance.value) else { continue };
            let at_market = self.at_market(asset, balance.raw, value);
            let (asset, decimals) = (asset.clone(), self.decimals);
            found.push(Blind { asset, price, sight, value, decimals, at_market });
        }
        found
    }
}

/// The slot of a receipt's asset, if its price is blind.
fn blind_slot(listed: &ListedMarket, looks: &[Option<Look>], id: InstrumentId) -> Option<(usize, Sight)> {
    let instrument = listed.market.instruments().get(id.index())?;
    let receipt = matches!(instrument.kind, Kind::Receipt | Kind::Asset);
    let slot = listed.market.slots().iter().position(|slot| slot.asset == instrument.asset)?;
    let sight = looks.get(slot)?.as_ref()?.sight;
    (receipt && sight.is_blind()).then_some((slot, sight))
}
