//! What the book's feeds say of assets before a shock: what a value that a scenario names is a move from.

use super::moves::{Base, DOLLAR, Move, Moves};
use super::names;
use super::part::Part;
use plimsoll_core::{Decimal, FeedKind, Int, Origin, PriceId, Scale};

impl Moves<'_> {
    /// The price of an asset before the shock; one of the kind asked about, if there is one.
    pub(super) fn old(&self, kind: FeedKind, name: &str, currency: &[String]) -> Option<Part> {
        let names = [name.to_string()];
        let found = self.seen(kind, &names, |counted| currency.iter().any(|name| name == counted));
        found.first().map(|(id, value)| Part::of(*id, *value))
    }

    /// The same by way of a third currency in which the book has one price of each.
    pub(super) fn old_through(&self, kind: FeedKind, name: &str, currency: &[String]) -> Option<Part> {
        let names = [name.to_string()];
        let mut own = self.seen(kind, &names, |_| true).into_iter();
        own.find_map(|(id, _)| {
            let third = &self.book.graph.price(id)?.unit.currency;
            self.only(kind, &names, third)?.by(self.only(kind, currency, third)?.inverse())
        })
    }

    /// The price that all feeds agree on of an asset of these names; where they do not, nobody knows which one is meant. It is that of a
    /// certain one, if there is any.
    pub(super) fn only(&self, kind: FeedKind, names: &[String], currency: &str) -> Option<Part> {
        let seen = self.seen(kind, names, |counted| counted == currency);
        let (id, first) = seen.iter().min_by_key(|(id, _)| self.quotes[id.0 as usize].doubt.is_some())?;
        seen.iter().all(|(_, value)| value.trimmed() == first.trimmed()).then(|| Part::of(*id, *first))
    }

    /// What feeds say of an asset of these names before the shock: of the kind asked about, else of any.
    fn seen(
        &self,
        kind: FeedKind,
        names: &[String],
        counted: impl Fn(&str) -> bool,
    ) -> Vec<(PriceId, Decimal)> {
        let same = |per: &String| {
            names.contains(per)
                || names.iter().any(|name| self.known_as.get(name).is_some_and(|others| others.contains(per)))
        };
        let seen = |wanted: Option<FeedKind>| -> Vec<(PriceId, Decimal)> {
            let prices = self.book.graph.prices().iter().zip(self.quotes).zip(0..);
            let of = prices.filter(|((price, _), _)| match &price.origin {
                Origin::Feed(feed) => {
                    feed.scale == Scale::Decimal
                        && wanted.is_none_or(|kind| feed.kind == kind)
                        && price.unit.per.as_ref().is_some_and(same)
                        && counted(&price.unit.currency)
                }
                _ => false,
            });
            let of = of.filter_map(|((_, quote), at)| Some((PriceId(at), quote.value?)));
            of.filter(|(_, value)| value.mantissa > Int::ZERO).collect()
        };
        let of_kind = seen(Some(kind));
        if of_kind.is_empty() { seen(None) } else { of_kind }
    }

    /// Whether the book has a price of a sale, also a doubtful one, of what a feed prices.
    pub(super) fn is_sold(&self, id: PriceId) -> bool {
        let names = names(self.book, id);
        let Some(price) = self.book.graph.price(id) else { return false };
        let same = |wanted: &str, name: &str| {
            wanted == name || self.known_as.get(wanted).is_some_and(|others| others.contains(name))
        };
        self.book.graph.prices().iter().any(|sale| {
            matches!(&sale.origin, Origin::Feed(feed) if feed.kind == FeedKind::Market && feed.scale == Scale::Decimal)
                && same(&price.unit.currency, &sale.unit.currency)
                && sale.unit.per.as_ref().is_some_and(|per| names.iter().any(|name| same(name, per)))
        })
    }

    /// What an asset's value is counted in by the scenario, where that is no dollar.
    pub(super) fn counted_in(&self, name: &str) -> Option<&str> {
        let found = self.assets.iter().filter_map(|moves| moves.get(self.same.of(name)));
        let valued = |found: &&Move| {
            matches!(found.base, Base::Value(_)) && !found.currency.iter().any(|name| name == DOLLAR)
        };
        found.filter(valued).find_map(|found| found.currency.first().map(String::as_str))
    }
}
