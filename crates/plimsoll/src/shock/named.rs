//! What a book calls its assets, and which names a scenario takes for one asset.

use super::moves::DOLLAR;
use crate::ask::Misasked;
use crate::shock::Said;
use plimsoll_core::{Book, Decimal, Int, Origin, PriceId, Scenario, Target};
use std::collections::{BTreeMap, BTreeSet};

/// Other names of assets.
pub(crate) type KnownAs = BTreeMap<String, BTreeSet<String>>;

/// What a feed prices: as its unit says, or as the markets that read it call it.
pub(crate) fn names(book: &Book, id: PriceId) -> Vec<String> {
    let per = book.graph.price(id).and_then(|price| price.unit.per.clone());
    per.map_or_else(|| wired(book, id), |per| vec![per])
}

/// What markets that read a feed as it is call the asset.
pub(crate) fn wired(book: &Book, id: PriceId) -> Vec<String> {
    let slots = book.markets.iter().flat_map(|listed| listed.market.slots().iter().zip(&listed.wiring));
    let mut names: Vec<String> =
        slots.filter(|(_, wired)| **wired == Some(id)).map(|(slot, _)| slot.asset.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// Refuses a name that no market or price of the book has for an asset.
///
/// # Errors
/// Of the first such name, with those that there are.
pub fn known_assets<'n>(book: &Book, names: impl Iterator<Item = &'n String>) -> Result<(), Misasked> {
    let mut known: BTreeSet<String> = known_as(book).into_keys().collect();
    for listed in &book.markets {
        known.extend(listed.market.instruments().iter().map(|i| i.asset.clone()));
        known.extend(listed.market.slots().iter().map(|slot| slot.asset.clone()));
    }
    for price in book.graph.prices() {
        known.insert(price.unit.currency.clone());
        known.extend(price.unit.per.clone());
    }
    for name in names {
        if !known.contains(name) {
            let (what, found) = ("asset of the book".into(), name.clone());
            return Err(Misasked::NoSuch { what, found, known: known.into_iter().collect() });
        }
    }
    Ok(())
}

/// The other names of assets: what a market wires to a feed of another, and what the book says is worth exactly one of another.
pub(crate) fn known_as(book: &Book) -> KnownAs {
    let mut known = KnownAs::new();
    for (at, price) in book.graph.prices().iter().enumerate() {
        let Some(per) = &price.unit.per else { continue };
        let names = match &price.origin {
            Origin::Feed(_) => wired(book, PriceId(at as u32)),
            // A dollar's parity is an assumption of who wrote it down, and what a scenario may be about.
            Origin::Constant(value) if value.trimmed() == Decimal::whole(Int::ONE) => {
                vec![price.unit.currency.clone()]
            }
            _ => continue,
        };
        for name in names.into_iter().filter(|name| name != per && name != DOLLAR) {
            known.entry(per.clone()).or_default().insert(name.clone());
            known.entry(name).or_default().insert(per.clone());
        }
    }
    known
}

/// Which names are one asset in a scenario: what is said of one is said of all.
///
/// Two names that the book has for one price are one asset, unless they are told apart: by a feed of each, by a scenario that
/// counts the one in the other, or because the one is held where the other moves.
#[derive(Clone, Debug)]
pub(crate) struct Same {
    /// The name that stands for each.
    first: BTreeMap<String, String>,
}

impl Same {
    pub(super) fn new(book: &Book, known: &KnownAs, scenario: &Scenario, said: &Said) -> Same {
        let apart = Apart::new(book, scenario, said);
        Same::unless(known, |x, y| apart.are(x, y))
    }

    /// Where no scenario says anything: what has a feed of its own is an asset of its own.
    pub(crate) fn of_book(book: &Book) -> Same {
        let fed = fed(book);
        Same::unless(&known_as(book), |x, y| fed.contains(x) && fed.contains(y))
    }

    fn unless(known: &KnownAs, apart: impl Fn(&str, &str) -> bool) -> Same {
        let mut all: BTreeMap<&String, BTreeSet<&String>> =
            known.keys().map(|name| (name, BTreeSet::from([name]))).collect();
        let mut first: BTreeMap<&String, &String> = known.keys().map(|name| (name, name)).collect();
        for (one, others) in known {
            for other in others {
                let (kept, gone) = (first[one], first[other]);
                // Nor by way of a third name do two become one that are told apart.
                let told = all[kept].iter().any(|x| all[gone].iter().any(|y| apart(x, y)));
                if kept != gone && !told {
                    let more = all.remove(gone).unwrap_or_default();
                    more.iter().for_each(|name| _ = first.insert(*name, kept));
                    all.entry(kept).or_default().extend(more);
                }
            }
        }
        Same { first: first.into_iter().map(|(name, of)| (name.clone(), of.clone())).collect() }
    }

    /// Whether two names are of one asset.
    pub(crate) fn are(&self, x: &str, y: &str) -> bool {
        self.of(x) == self.of(y)
    }

    /// All other names of an asset.
    pub(crate) fn others(&self, name: &str) -> impl Iterator<Item = &String> {
        let of = self.of(name).to_string();
        self.first.iter().filter(move |(_, first)| **first == of).map(|(name, _)| name)
    }

    /// The name that stands for all of an asset's.
    pub(super) fn of<'n>(&'n self, name: &'n str) -> &'n str {
        self.first.get(name).map_or(name, String::as_str)
    }
}

/// What tells two names apart.
struct Apart<'a> {
    /// Assets with a feed under their own name.
    fed: BTreeSet<&'a str>,
    /// Assets, and what they are counted in.
    counted: Vec<(&'a [String], &'a [String])>,
    moved: BTreeSet<&'a str>,
    /// By the scenario, and by whoever asks.
    held: [BTreeSet<&'a str>; 2],
}

impl<'a> Apart<'a> {
    fn new(book: &'a Book, scenario: &'a Scenario, said: &'a Said) -> Apart<'a> {
        let counted = scenario.shocks.iter().filter_map(|shock| match &shock.target {
            Target::Assets { assets, currency, .. } => Some((&assets[..], &currency[..])),
            _ => None,
        });
        let counted: Vec<_> = counted.collect();
        let mapped = said.map.iter().map(|mapping| mapping.asset.as_str());
        let shocked = counted.iter().flat_map(|(assets, _)| *assets).map(String::as_str);
        Apart {
            fed: fed(book),
            moved: shocked.chain(mapped).collect(),
            counted,
            held: [&scenario.hold, &said.hold].map(|names| names.iter().map(String::as_str).collect()),
        }
    }

    fn are(&self, x: &str, y: &str) -> bool {
        let has = |names: &[String], name: &str| names.iter().any(|it| it == name);
        let counted = |x, y| self.counted.iter().any(|(assets, of)| has(assets, x) && has(of, y));
        let [file, asked] = &self.held;
        // A shock of what the scenario holds replaces its word; whoever asks has the last one.
        let held = |x: &str, y: &str| {
            let stands = asked.contains(x) || (file.contains(x) && !self.moved.contains(x));
            stands && self.moved.contains(y) && !asked.contains(y)
        };
        (self.fed.contains(x) && self.fed.contains(y))
            || counted(x, y)
            || counted(y, x)
            || held(x, y)
            || held(y, x)
    }
}

/// Assets with a feed under their own name.
fn fed(book: &Book) -> BTreeSet<&str> {
    let feeds = book.graph.prices().iter().filter(|price| matches!(price.origin, Origin::Feed(_)));
    feeds.filter_map(|price| price.unit.per.as_deref()).collect()
}

/// Refuses two words of whoever asks on one asset.
pub(super) fn agree(book: &Book, known: &KnownAs, said: &Said) -> Result<(), Misasked> {
    let fed = fed(book);
    let one = |x: &str, y: &str| {
        let both = fed.contains(x) && fed.contains(y);
        x == y || (!both && known.get(x).is_some_and(|others| others.contains(y)))
    };
    for (at, mapping) in said.map.iter().enumerate() {
        let refuse = |other: String| {
            let found = format!("--map {}={}*{} and {other}", mapping.asset, mapping.like, mapping.times);
            Err(Misasked::NoPrice { price: mapping.asset.clone(), found, expected: "one of them".into() })
        };
        if let Some(held) = said.hold.iter().find(|held| one(held, &mapping.asset)) {
            return refuse(format!("--hold {held}"));
        }
        let other = said.map[..at].iter().find(|other| {
            one(&other.asset, &mapping.asset)
                && (&other.like, other.times.trimmed()) != (&mapping.like, mapping.times.trimmed())
        });
        if let Some(other) = other {
            return refuse(format!("--map {}={}*{}", other.asset, other.like, other.times));
        }
    }
    Ok(())
}
