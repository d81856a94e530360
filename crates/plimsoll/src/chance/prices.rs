//! The price graph in floats: the same rules as the exact one, without its roundings, fast enough for millions of worlds.

use super::drivers::{Moves, Powers};
use super::{float, ten_to};
use plimsoll_core::{Book, Origin, PoolValue, PriceId, Quote, U256};
use plimsoll_risk::exp;

/// The prices that are needed, legs before what is built on them.
pub(super) struct Twin {
    rules: Vec<Rule>,
    /// Of each price of the book, its place among the rules.
    places: Vec<Option<usize>>,
}

enum Rule {
    Still(f64),
    Moves {
        today: f64,
        powers: Powers,
        floor: f64,
        ceiling: f64,
    },
    Product(Vec<usize>),
    /// `of * times / over`.
    MulDiv([usize; 2], usize),
    Quotient(usize, usize),
    /// The least of a leg and a bound.
    Capped(usize, f64),
    Fair([usize; 5]),
    Reserves([usize; 5]),
    Vault([usize; 2], [f64; 4]),
    Least(Vec<usize>),
    Greatest(Vec<usize>),
}

impl Twin {
    /// The prices below these. `None` of a price whose leaf does not move by anything known; then what is built on it has none either.
    pub(super) fn new(book: &Book, quotes: &[Quote], moves: &[Option<Moves>]) -> Twin {
        let mut twin = Twin { rules: Vec::new(), places: vec![None; quotes.len()] };
        for (at, price) in book.graph.prices().iter().enumerate() {
            let rule = match (&price.origin, &moves[at]) {
                (_, None) => None,
                (Origin::Feed(feed), Some(Moves::With(powers))) => {
                    quotes[at].value.map(|today| Rule::Moves {
                        today: float(today),
                        powers: powers.clone(),
                        floor: feed.floor.map_or(0.0, float),
                        ceiling: feed.ceiling.map_or(f64::INFINITY, float),
                    })
                }
                (Origin::Feed(_) | Origin::Constant(_), Some(Moves::Still(_))) => {
                    quotes[at].value.map(|today| Rule::Still(float(today)))
                }
                (Origin::Feed(_) | Origin::Constant(_), Some(_)) => None,
                (derived, Some(_)) => twin.derived(derived, book),
            };
            if let Some(rule) = rule {
                twin.places[at] = Some(twin.rules.len());
                twin.rules.push(rule);
            }
        }
        twin
    }

    fn derived(&self, origin: &Origin, book: &Book) -> Option<Rule> {
        let at = |id: &PriceId| self.places[id.0 as usize];
        let all = |ids: &[PriceId]| ids.iter().map(at).collect::<Option<Vec<usize>>>();
        Some(match origin {
            Origin::Feed(_) | Origin::Constant(_) => return None,
            Origin::Product { legs, .. } => Rule::Product(all(legs)?),
            Origin::Quotient { of, by, .. } => Rule::Quotient(at(of)?, at(by)?),
            Origin::MulDiv { of, times, over, .. } => Rule::MulDiv([at(of)?, at(times)?], at(over)?),
            Origin::RateCap(cap) => Rule::Capped(at(&cap.of)?, float(cap.highest(book.at)?)),
            Origin::PoolShare(pool) => {
                let [r, s] = pool.reserves;
                let [p, q] = pool.prices;
                let legs: [usize; 5] = all(&[r, p, s, q, pool.supply])?.try_into().ok()?;
                match pool.value {
                    PoolValue::Fair => Rule::Fair(legs),
                    PoolValue::Reserves => Rule::Reserves(legs),
                }
            }
            Origin::VaultShare(vault) => {
                let raw = |number: U256| number.to_string().parse::<f64>().ok();
                let numbers = [
                    ten_to(vault.asset_decimals),
                    raw(vault.virtual_assets)?,
                    ten_to(vault.share_decimals),
                    raw(vault.virtual_shares)?,
                ];
                Rule::Vault([at(&vault.assets)?, at(&vault.supply)?], numbers)
            }
            Origin::Least { legs } => Rule::Least(all(legs)?),
            Origin::Greatest { legs } => Rule::Greatest(all(legs)?),
        })
    }

    /// Gives series other places; one that has none moves nothing.
    pub(super) fn among(&mut self, of: &[Option<usize>]) {
        for rule in &mut self.rules {
            if let Rule::Moves { powers, .. } = rule {
                *powers = powers.iter().filter_map(|(series, power)| Some((of[*series]?, *power))).collect();
            }
        }
    }

    /// Every price that series move, and the powers.
    pub(super) fn leaves(&self) -> Vec<(usize, Powers)> {
        let of = |(at, place): (usize, &Option<usize>)| match place.map(|place| &self.rules[place]) {
            Some(Rule::Moves { powers, .. }) => Some((at, powers.clone())),
            _ => None,
        };
        self.places.iter().enumerate().filter_map(of).collect()
    }

    /// The place of a price; `None` where it is not known.
    pub(super) fn place(&self, id: PriceId) -> Option<usize> {
        self.places.get(id.0 as usize).copied().flatten()
    }

    /// All prices where series stand at these logarithms over today's.
    pub(super) fn values(&self, moved: &[f64], values: &mut Vec<f64>) {
        values.clear();
        for rule in &self.rules {
            let of = |legs: &[usize], start: f64, pick: fn(f64, f64) -> f64| {
                legs.iter().map(|leg| values[*leg]).fold(start, pick)
            };
            let value = match rule {
                Rule::Still(value) => *value,
                Rule::Moves { today, powers, floor, ceiling } => {
                    let log: f64 = powers.iter().map(|(series, power)| power * moved[*series]).sum();
                    (today * exp(log)).clamp(*floor, *ceiling)
                }
                Rule::Product(legs) => legs.iter().map(|leg| values[*leg]).product(),
                Rule::MulDiv([a, b], over) => values[*a] * values[*b] / values[*over],
                Rule::Quotient(of, by) => values[*of] / values[*by],
                Rule::Capped(leg, most) => values[*leg].min(*most),
                Rule::Fair([r, p, s, q, n]) => {
                    2.0 * (values[*r] * values[*p] * values[*s] * values[*q]).sqrt() / values[*n]
                }
                Rule::Reserves([r, p, s, q, n]) => {
                    (values[*r] * values[*p] + values[*s] * values[*q]) / values[*n]
                }
                Rule::Vault([assets, supply], [unit, more, shares, virtuals]) => {
                    (values[*assets] * unit + more) / (values[*supply] * shares + virtuals) * shares / unit
                }
                Rule::Least(legs) => of(legs, f64::INFINITY, f64::min),
                Rule::Greatest(legs) => of(legs, 0.0, f64::max),
            };
            values.push(value);
        }
    }
}
