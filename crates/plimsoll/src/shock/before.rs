//! What the book's feeds say of assets before a shock: what a value that a scenario names is a move from.

use super::moves::{DOLLAR, Moves};
use super::names;
use super::one_move::{Base, Move};
use super::part::Part;
use plimsoll_core::{Decimal, FeedKind, Int, Origin, PriceId, Scale};

impl Moves<'_> {
    /// The price of an asset before the shock in one of these currencies; the outer `None` where the book has no such feed.
    pub(super) fn old_in(&self, base: FeedKind, name: &str, currency: &[String]) -> Option<Option<Part>> {
        let names = [name.to_string()];
        let seen = self.seen(base, &names, |counted| currency.iter().any(|name| name == counted));
        self.agreed(&seen, false)
    }

    /// The same by way of a third currency where the book has no such feed.
    pub(super) fn old(&self, base: FeedKind, name: &str, currency: &[String]) -> Option<Part> {
        if let Some(found) = self.old_in(base, name, currency) {
            return found;
        }
        let names = [name.to_string()];
        let mut own = self.seen(base, &names, |_| true).into_iter();
        own.find_map(|(id, _)| {
            let third = &self.book.graph.price(id)?.unit.currency;
            let [of, by] = [&names[..], currency]
                .map(|names| self.agreed(&self.seen(base, names, |it| it == third), false));
            of??.by(by??.inverse())
        })
    }

    /// What one of a currency is worth in another: by a feed of the one in the other, or of the other in the one, or of both in
    /// dollars. Its doubt is that of after the shock: what is counted by it is a multiple of what it is then.
    pub(super) fn rate(&self, base: FeedKind, of: &[String], counted_in: &str) -> Option<Part> {
        let seen = |of: &[String], counted_in: &[String]| {
            let seen = self.seen(base, of, |counted| counted_in.iter().any(|name| name == counted));
            self.agreed(&seen, true)
        };
        let (other, dollar) = ([counted_in.to_string()], [DOLLAR.to_string()]);
        if let Some(found) = seen(of, &other) {
            return found;
        }
        if let Some(found) = seen(&other, of) {
            return found.map(Part::inverse);
        }
        seen(of, &dollar)??.by(seen(&other, &dollar)??.inverse())
    }

    /// The price that all of these feeds agree on, by a certain one if there is any; where they do not, nobody knows which one is
    /// meant. `None` of no feed.
    fn agreed(&self, seen: &[(PriceId, Decimal)], after: bool) -> Option<Option<Part>> {
        let (id, first) = seen.iter().min_by_key(|(id, _)| self.quotes[id.0 as usize].doubt.is_some())?;
        let agree = seen.iter().all(|(_, value)| value.trimmed() == first.trimmed());
        Some(agree.then(|| Part::of(*id, *first, after)))
    }

    /// What feeds say of an asset of these names before the shock: of the kind asked about, which for what is sold or redeemed an
    /// oracle stands in for. What an oracle says is measured from no other kind.
    fn seen(
        &self,
        base: FeedKind,
        names: &[String],
        counted: impl Fn(&str) -> bool,
    ) -> Vec<(PriceId, Decimal)> {
        let same = |per: &String| names.iter().any(|name| self.same.are(name, per));
        let seen = |wanted: FeedKind| -> Vec<(PriceId, Decimal)> {
            let prices = self.book.graph.prices().iter().zip(self.quotes).zip(0..);
            let of = prices.filter(|((price, _), _)| match &price.origin {
                Origin::Feed(feed) => {
                    feed.scale == Scale::Decimal
                        && feed.kind == wanted
                        && price.unit.per.as_ref().is_some_and(same)
                        && counted(&price.unit.currency)
                }
                _ => false,
            });
            let of = of.filter_map(|((_, quote), at)| Some((PriceId(at), quote.value?)));
            of.filter(|(_, value)| value.mantissa > Int::ZERO).collect()
        };
        let of_kind = seen(base);
        if of_kind.is_empty() && base != FeedKind::Oracle { seen(FeedKind::Oracle) } else { of_kind }
    }

    /// Whether a price has a value.
    pub(super) fn is_priced(&self, id: PriceId) -> bool {
        self.quotes.get(id.0 as usize).is_some_and(|quote| quote.value.is_some())
    }

    /// Whether the book has a price of a sale, also a doubtful one, of what a feed prices.
    pub(super) fn is_sold(&self, id: PriceId) -> bool {
        !self.sales_of(&names(self.book, id)).is_empty()
    }

    /// The feeds of what a sale fetches of an asset of these names, in whatever they count.
    pub(super) fn sales_of(&self, names: &[String]) -> Vec<PriceId> {
        let same = |per: &String| names.iter().any(|name| self.same.are(name, per));
        let prices = (0..).map(PriceId).zip(self.book.graph.prices());
        let sold = prices.filter(|(_, sale)| {
            matches!(&sale.origin, Origin::Feed(feed) if feed.kind == FeedKind::Market && feed.scale == Scale::Decimal)
                && sale.unit.per.as_ref().is_some_and(same)
        });
        sold.map(|(id, _)| id).collect()
    }

    /// What an asset's value is counted in by the scenario.
    pub(super) fn counted_in(&self, name: &str) -> Option<&str> {
        let found = self.assets.iter().filter_map(|moves| moves.get(self.same.of(name)));
        let valued = |found: &&Move| matches!(found.base, Base::Value(_));
        found.filter(valued).find_map(|found| found.currency.first().map(String::as_str))
    }
}
