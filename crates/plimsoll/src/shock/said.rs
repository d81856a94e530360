//! What a scenario says that a sale of an asset fetches, where a market reads another asset's feed for it and the book has no price of its
//! own that could move: a lender that takes a stable for as good as another.

use super::moves::Moves;
use super::one_move::{Base, Move};
use super::sale::is_anothers;
use crate::ask::Misasked;
use plimsoll_core::{Decimal, FeedKind, Graph, Observation, Origin, Price, PriceId, PriceUnit, Scale};
use std::collections::BTreeSet;

/// Digits of a price that no market reads.
pub(super) const DIGITS: u8 = 18;

/// A price of a sale that the scenario alone says.
#[derive(Clone, Debug)]
pub(super) struct SaidSale {
    /// Its place among the prices of sales.
    pub(super) id: PriceId,
    /// What the market read for the asset, where that is counted alike: where a path begins. Else the price holds from the first step on.
    pub(super) from: Option<Decimal>,
}

/// Adds them to the prices of sales. A part of what nobody observed is no price: what is sold at none is told.
pub(super) fn said_sales(
    book: &plimsoll_core::Book,
    moves: &Moves<'_>,
    sales: &mut Graph,
) -> Result<Vec<SaidSale>, Misasked> {
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
    let slots = book.markets.iter().flat_map(|listed| listed.market.slots().iter().zip(&listed.wiring));
    for (slot, id) in slots.filter_map(|(slot, wired)| Some((slot, (*wired)?))) {
        let asset = &slot.asset;
        let own = |id: PriceId| {
            let price = book.graph.price(id);
            let of_it =
                price.and_then(|price| price.unit.per.as_ref()).is_some_and(|per| moves.same.are(per, asset));
            of_it && moves.is_feed(id)
        };
        let has_own = || (0..book.graph.prices().len()).any(|at| own(PriceId(at as u32)));
        if !is_anothers(book, &moves.same, id, asset) || known.contains(asset) || has_own() {
            continue;
        }
        let Some(Move { base, wrong, currency, .. }) =
            moves.find(FeedKind::Market, asset).filter(|found| found.said)
        else {
            continue;
        };
        let counted = match currency.first() {
            Some(counted) => counted.clone(),
            None => continue,
        };
        let price = match base {
            Base::Value(value) => value.times(wrong.times),
            Base::Times(times) if times.is_one() && wrong.is_one() => continue,
            Base::Times(_) => None,
        };
        let wired = book.graph.price(id).map(|price| &price.unit.currency);
        let alike = wired.is_some_and(|wired| currency.iter().any(|counted| moves.same.are(counted, wired)));
        let from = moves.quotes.get(id.0 as usize).and_then(|quote| quote.value).filter(|_| alike);
        let origin = Origin::Feed(Observation {
            kind: FeedKind::Market,
            price,
            scale: Scale::Decimal,
            source: "scenario".into(),
            observed_at: None,
            max_age: None,
            confidence: None,
            floor: None,
            ceiling: None,
        });
        let unit = PriceUnit { currency: counted, per: Some(asset.clone()) };
        let price = Price { name: format!("a sale of {asset}, as the scenario says"), unit, origin };
        let id = sales.add(price).map_err(|_| Misasked::NoPrice {
            price: asset.clone(),
            found: "a price of the book of the same name as what the scenario says of a sale".into(),
            expected: "another name".into(),
        })?;
        known.insert(asset.clone());
        found.push(SaidSale { id, from });
    }
    Ok(found)
}
