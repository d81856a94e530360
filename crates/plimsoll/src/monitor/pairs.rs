//! Which collateral stands behind which debt, and for how much: looked through to what carries the value.

use crate::exposure::{Desk, Exposed, Source, Stands};
use crate::shock::names;
use crate::survey::Unsound;
use plimsoll_core::{Book, InstrumentId, Int, Refusal, Rounding, U256};
use std::collections::{BTreeMap, BTreeSet};

/// So much debt, in a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backed {
    /// The currency.
    pub currency: String,
    /// How much (10^-8): of each account's debt, split over its collateral in proportion, cut.
    pub debt: U256,
}

/// Digits after the point of values here: markets of one currency count it in different units.
pub const DIGITS: u8 = 8;

/// Everything of a book by what carries it: collateral, then debt.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) pairs: BTreeMap<(String, String), Vec<Backed>>,
    /// Positions that lack a value or a price: in no pair, as is the debt of accounts without collateral.
    pub(super) unknown: Vec<(usize, InstrumentId, Refusal)>,
    /// What moves a value without carrying any: the rates and bases on the way, by asset and what it is counted in.
    pub(super) rates: BTreeSet<(String, String)>,
    /// Every asset that is held as collateral or owed, as its market calls it.
    pub(super) assets: BTreeSet<String>,
}

pub(super) fn held(book: &Book) -> Result<Held, Unsound> {
    let quotes = book.graph.quotes(book.at);
    let mut desks = Vec::new();
    for listed in &book.markets {
        desks.push(Desk::new(book, listed, &quotes).map_err(|why| (listed.name.clone(), why))?);
    }
    let mut all = Held::default();
    for (place, listed) in book.accounts.iter().enumerate() {
        let desk = &desks[listed.market];
        let (mut backs, mut owed) = (BTreeMap::new(), BTreeMap::new());
        for holding in listed.account.holdings() {
            match desk.exposed(place, &listed.account, holding.instrument) {
                Ok(exposed) => {
                    let side = match exposed.stands {
                        Stands::Collateral => &mut backs,
                        Stands::Debt => &mut owed,
                        Stands::Beside => continue,
                    };
                    all.rates(book, &exposed);
                    let spec = desk.listed.market.instruments().get(holding.instrument.index());
                    all.assets.extend(spec.map(|spec| spec.asset.clone()));
                    carried(book, desk, &exposed, side);
                }
                Err(why) => all.unknown.push((place, holding.instrument, why)),
            }
        }
        let Some(whole) = backs.values().try_fold(U256::ZERO, |sum, value: &U256| sum.add(*value)) else {
            continue;
        };
        for (debt, value) in &owed {
            for (collateral, part) in &backs {
                // Of no collateral nothing is backed.
                let Some(part) = value.mul_div_wide(*part, whole, Rounding::Down) else { continue };
                let pair = all.pairs.entry((collateral.clone(), debt.clone())).or_default();
                add(pair, desk, part);
            }
        }
    }
    for pair in all.pairs.values_mut() {
        pair.retain(|backed| backed.debt != U256::ZERO);
    }
    all.pairs.retain(|_, backed| !backed.is_empty());
    Ok(all)
}

/// Adds a position's value to the assets that carry it.
fn carried(book: &Book, desk: &Desk<'_>, exposed: &Exposed, side: &mut BTreeMap<String, U256>) {
    for pull in &exposed.pulls {
        let Some(value) = pull.carries.to_u256().filter(|value| *value != U256::ZERO) else { continue };
        let own = || {
            let spec = desk.listed.market.instruments().get(exposed.instrument.index());
            spec.map_or_else(String::new, |spec| spec.asset.clone())
        };
        let name = match pull.source {
            Source::Price(id) => names(book, id).into_iter().next().unwrap_or_else(own),
            Source::Currency => desk.currency.clone(),
            Source::Venue => own(),
        };
        let sum = side.entry(name).or_default();
        *sum = sum.add(value).unwrap_or(*sum);
    }
}

fn add(pair: &mut Vec<Backed>, desk: &Desk<'_>, debt: U256) {
    let cut = |power: U256, times: U256| debt.mul_div_wide(times, power, Rounding::Down);
    let power = |digits: u8| U256::pow10(digits).unwrap_or(U256::MAX);
    let Some(debt) = cut(power(desk.decimals), power(DIGITS)) else { return };
    match pair.iter_mut().find(|backed| backed.currency == desk.currency) {
        Some(backed) => backed.debt = backed.debt.add(debt).unwrap_or(backed.debt),
        None => pair.push(Backed { currency: desk.currency.clone(), debt }),
    }
}

impl Held {
    /// What moves a value and carries none of it: `stETH/ETH`.
    fn rates(&mut self, book: &Book, exposed: &Exposed) {
        for pull in exposed.pulls.iter().filter(|pull| pull.carries == Int::ZERO) {
            let Source::Price(id) = pull.source else { continue };
            let Some(price) = book.graph.price(id) else { continue };
            for name in names(book, id) {
                self.rates.insert((name, price.unit.currency.clone()));
            }
        }
    }
}
