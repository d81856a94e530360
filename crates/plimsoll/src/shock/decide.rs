//! What becomes of a price by the moves of assets.

use super::moves::{CHAIN_MAX, Moves};
use super::one_move::{Base, Move};
use super::part::Part;
use plimsoll_core::{Decimal, FeedKind, Int, Observation, Origin, PriceId, Scale, VOL_UNIT};

/// What becomes of a price.
#[derive(Clone, Debug)]
pub(super) enum Decided {
    Times(Part),
    Exactly(Decimal),
    /// Nothing is said of this asset.
    Unsaid(String),
    /// Something is said of what is priced, which cannot be counted for want of this asset's move or price.
    Uncounted(String),
    /// It moves from what was written down, to where nobody knows.
    Lost,
}

impl Decided {
    /// Whether it is known what becomes of the price.
    pub(super) const fn is_known(&self) -> bool {
        matches!(self, Decided::Times(_) | Decided::Exactly(_))
    }
}

impl Moves<'_> {
    pub(super) fn decide(&self, id: PriceId) -> Decided {
        self.decide_as(id, |kind| kind)
    }

    /// The same where an oracle follows the market, and with it what was written down.
    pub(super) fn decide_sale(&self, id: PriceId) -> Decided {
        let heard = (!self.hangs.contains(&id)).then(|| self.heard.borrow().clone());
        let decided = self.decided_sale(id);
        heard.map(|heard| self.heard.replace(heard));
        decided
    }

    fn decided_sale(&self, id: PriceId) -> Decided {
        let decided =
            self.decide_as(id, |kind| if kind == FeedKind::Oracle { FeedKind::Market } else { kind });
        let Some(price) = self.book.graph.price(id) else { return decided };
        let sees = matches!(&price.origin, Origin::Feed(feed) if feed.kind != FeedKind::Redemption);
        let names = self.names(id);
        let same = |name: &String| self.same.are(name, &price.unit.currency);
        let unmoved = self.quotes.get(id.0 as usize).is_none_or(|quote| quote.value.is_none());
        if decided.is_known() || sees || unmoved || names.iter().any(same) {
            return decided;
        }
        let heard = self.heard.borrow().clone();
        let sold = self.sold(id, &price.origin, &names);
        if let Some(sold) = sold {
            return sold;
        }
        self.heard.replace(heard);
        match decided {
            // What an issuer pays stands beside a price, whatever is held.
            Decided::Uncounted(whose) => Decided::Unsaid(whose),
            decided => decided,
        }
    }

    /// What a sale fetches that goes by no feed of an oracle or a market; `None` where nothing is said of it.
    fn sold(&self, id: PriceId, origin: &Origin, names: &[String]) -> Option<Decided> {
        let kind = FeedKind::Market;
        let found = |name| self.find(kind, name).filter(|found| found.said);
        let (name, found) = names.iter().find_map(|name| Some((name, found(name)?)))?;
        let by_move = || self.by_move(id, [kind; 2], Scale::Decimal, name, found);
        match (origin, found.base) {
            // What is built on a price of the asset's own follows that.
            (origin, Base::Value(_)) if origin.is_leaf() || !self.has_own(id, names) => Some(by_move()),
            // A part of what nobody observed is no price.
            (Origin::Constant(_), Base::Times(_)) => Some(match by_move() {
                Decided::Times(part) if !part.times.is_one() => Decided::Lost,
                decided => decided,
            }),
            _ => None,
        }
    }

    /// Whether a price is built on an oracle's or a market's feed of an asset of these names.
    fn has_own(&self, id: PriceId, names: &[String]) -> bool {
        self.book.graph.leaves(id).into_iter().any(|leaf| {
            let sees = matches!(self.book.graph.origin(leaf), Some(Origin::Feed(feed)) if feed.kind != FeedKind::Redemption);
            sees && self.names(leaf).iter().any(|name| names.contains(name))
        })
    }

    fn decide_as(&self, id: PriceId, as_kind: impl Fn(FeedKind) -> FeedKind) -> Decided {
        // A price without a value moves nowhere, whatever is said of it, and nobody hears of one that nothing hangs on.
        let unmoved = !self.is_priced(id) || !self.hangs.contains(&id);
        let heard = unmoved.then(|| self.heard.borrow().clone());
        let decided = self.decided(id, as_kind);
        if let Some(heard) = heard {
            self.heard.replace(heard);
        }
        decided
    }

    fn decided(&self, id: PriceId, as_kind: impl Fn(FeedKind) -> FeedKind) -> Decided {
        let Some(price) = self.book.graph.price(id) else { return Decided::Unsaid(String::new()) };
        let uncounted = |whose: &String| Decided::Uncounted(whose.clone());
        let named = self.prices.get(&price.name);
        if let Some(Move { said: false, wrong, .. }) = named {
            return match self.by_asset(id, as_kind) {
                Decided::Times(part) => {
                    part.by(Part::exact(*wrong)).map_or_else(|| uncounted(&price.name), Decided::Times)
                }
                Decided::Exactly(value) => {
                    value.times(wrong.times).map_or_else(|| uncounted(&price.name), Decided::Exactly)
                }
                other => other,
            };
        }
        if let Some(named) = named {
            return match (named.base, named.wrong) {
                (Base::Times(_), _) => named.part().map_or_else(|| uncounted(&price.name), Decided::Times),
                (Base::Value(value), wrong) => {
                    value.times(wrong.times).map_or_else(|| uncounted(&price.name), Decided::Exactly)
                }
            };
        }
        self.by_asset(id, as_kind)
    }

    /// What becomes of a price by what is said of its asset.
    fn by_asset(&self, id: PriceId, as_kind: impl Fn(FeedKind) -> FeedKind) -> Decided {
        let Some(price) = self.book.graph.price(id) else { return Decided::Unsaid(String::new()) };
        let Origin::Feed(Observation { kind: base, scale, .. }) = &price.origin else {
            return Decided::Unsaid(price.name.clone());
        };
        let kind = as_kind(*base);
        let names = self.names(id);
        let Some((name, found)) = names.iter().find_map(|name| Some((name, self.find(kind, name)?))) else {
            return Decided::Unsaid(names.first().unwrap_or(&price.name).clone());
        };
        if !found.said {
            return Decided::Unsaid(name.clone());
        }
        self.by_move(id, [kind, *base], *scale, name, found)
    }

    /// What becomes of a price of an asset that moves so.
    fn by_move(
        &self,
        id: PriceId,
        [kind, base]: [FeedKind; 2],
        scale: Scale,
        name: &String,
        found: &Move,
    ) -> Decided {
        let Some(price) = self.book.graph.price(id) else { return Decided::Unsaid(name.clone()) };
        let uncounted = |whose: &String| Decided::Uncounted(whose.clone());
        let currency = &price.unit.currency;
        // A volatility is a number, in whatever it is said.
        let counted =
            currency == VOL_UNIT || found.currency.iter().any(|counted| self.same.are(counted, currency));
        if found.frozen {
            return found.part().map_or_else(|| uncounted(name), Decided::Times);
        }
        match (found.base, counted) {
            (Base::Value(value), true) if scale == Scale::Decimal => {
                value.times(found.wrong.times).map_or_else(|| uncounted(name), Decided::Exactly)
            }
            (Base::Times(_), true) => found.part().map_or_else(|| uncounted(name), Decided::Times),
            _ => {
                let over = |own: Part, kinds: [FeedKind; 2]| {
                    let counted = self.counting(kinds, currency, CHAIN_MAX)?;
                    own.by(counted.inverse()).ok_or_else(|| name.clone())
                };
                // A feed in another currency than the value is said in goes to that value, whatever other feeds say of the asset: all
                // that is asked is what the one currency is worth in the other, on the market where a sale is asked about.
                let through = || {
                    let own = self.quotes.get(id.0 as usize)?.value.filter(|own| own.mantissa > Int::ZERO)?;
                    let counted = self.rate(kind, &found.currency, currency)?;
                    Part::of(id, own, false).by(counted.inverse())
                };
                let to_value = matches!(found.base, Base::Value(_)) && scale == Scale::Decimal;
                let own = |kinds: [FeedKind; 2], old: &dyn Fn() -> Option<Part>| {
                    let own = self.moved(kinds, found, old, CHAIN_MAX);
                    over(own.map_err(|whose| whose.unwrap_or_else(|| name.clone()))?, kinds)
                };
                // Else by what other feeds of its kind said of the asset.
                let kinds = [kind, base];
                let part = if to_value {
                    let direct = || self.old_in(base, name, &found.currency).flatten();
                    own([kind, kind], &through).or_else(|_| own(kinds, &direct))
                } else {
                    self.dollars(kind, base, name, CHAIN_MAX).and_then(|own| over(own, kinds))
                };
                part.map_or_else(Decided::Uncounted, Decided::Times)
            }
        }
    }
}
