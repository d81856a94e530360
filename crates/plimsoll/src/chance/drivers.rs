//! Which series of history moves each observed price, and what stands still and why.

use crate::shock::{Said, known_as, names};
use plimsoll_core::{Book, FeedKind, Origin, PriceId};
use plimsoll_risk::history::{History, Series};
use std::collections::{BTreeMap, BTreeSet};

/// A series and its exponent: the price moves by its factor to this power.
pub(crate) type Powers = Vec<(usize, f64)>;

/// What a leaf of the prices does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Moves {
    /// It moves with these series.
    With(Powers),
    /// It stands still.
    Still(Still),
    /// No series says what it does: the asset that is missing.
    Unknown(String),
}

/// Why a price stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Still {
    /// It was said so, by `--hold`.
    Held,
    /// It is a constant of the book: blind to any market.
    Constant,
    /// It is what a pool or a vault holds, or its shares.
    Amount,
    /// It is what an issuer pays for a share, of which there is no series.
    Rate,
}

impl Still {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Still::Held => "held",
            Still::Constant => "constant",
            Still::Amount => "amount",
            Still::Rate => "rate",
        }
    }
}

/// Series as they are needed, and what they move.
pub(crate) struct Drivers<'a> {
    book: &'a Book,
    history: &'a History,
    said: &'a Said,
    known_as: BTreeMap<String, BTreeSet<String>>,
    amounts: BTreeSet<PriceId>,
    /// The series that something moves with, in the order in which they were met.
    pub(crate) series: Vec<&'a Series>,
}

/// A price may be counted in an asset that is counted in another, and so on.
const CHAIN_MAX: u8 = 4;

impl<'a> Drivers<'a> {
    pub(crate) fn new(book: &'a Book, history: &'a History, said: &'a Said) -> Drivers<'a> {
        let (known_as, amounts) = (known_as(book), book.graph.amounts());
        Drivers { book, history, said, known_as, amounts, series: Vec::new() }
    }

    /// What a leaf does.
    pub(crate) fn leaf(&mut self, id: PriceId) -> Moves {
        let Some(price) = self.book.graph.price(id) else { return Moves::Unknown("?".into()) };
        let feed = match &price.origin {
            Origin::Feed(feed) => feed,
            _ => return Moves::Still(Still::Constant),
        };
        if self.amounts.contains(&id) {
            return Moves::Still(Still::Amount);
        }
        let named = names(self.book, id);
        let currency = price.unit.currency.clone();
        let names: BTreeSet<String> = named.iter().flat_map(|name| self.names(name)).collect();
        // What is held stands still in dollars: where a feed counts it in something else it moves against that.
        let held = names.iter().any(|name| self.said.hold.contains(name));
        let mapped = names.iter().any(|name| self.said.map.iter().any(|mapping| mapping.asset == *name));
        // A series of this very pair goes before what two prices in dollars say of it.
        if !mapped && !held {
            for name in &names {
                for counted in self.names(&currency) {
                    if let Some(series) = self.history.series(&format!("{name}-{counted}")) {
                        return Moves::With(vec![(self.place(series), 1.0)]);
                    }
                }
            }
        }
        let own = match held {
            true => Some(Vec::new()),
            false => named.iter().find_map(|name| self.dollars(name, CHAIN_MAX).ok()),
        };
        let missing = || named.first().cloned().unwrap_or_else(|| price.name.clone());
        match own {
            // What an issuer pays moves only as it grows, unless history says otherwise.
            None if feed.kind == FeedKind::Redemption => Moves::Still(Still::Rate),
            _ if feed.kind == FeedKind::Redemption && !mapped && !held => Moves::Still(Still::Rate),
            None => Moves::Unknown(missing()),
            Some(own) => match self.dollars(&currency, CHAIN_MAX) {
                Err(asset) => Moves::Unknown(asset),
                Ok(counted) => match less(own, counted) {
                    powers if held && powers.is_empty() => Moves::Still(Still::Held),
                    powers => Moves::With(powers),
                },
            },
        }
    }

    /// An asset's own name and the others that the book has for it.
    fn names(&self, name: &str) -> Vec<String> {
        let others = self.known_as.get(name).into_iter().flatten().cloned();
        [name.to_string()].into_iter().chain(others).collect()
    }

    /// What moves an asset's price in the history's own quote; the asset of which nothing is known.
    fn dollars(&mut self, name: &str, chain: u8) -> Result<Powers, String> {
        let missing = || Err(name.to_string());
        let Some(next) = chain.checked_sub(1) else { return missing() };
        let names = self.names(name);
        let said = self.said;
        if name.eq_ignore_ascii_case(self.history.quote())
            || names.iter().any(|name| said.hold.contains(name))
        {
            return Ok(Vec::new());
        }
        if let Some(mapping) = said.map.iter().find(|mapping| names.contains(&mapping.asset)) {
            let like = self.dollars(&mapping.like, next)?;
            let times = super::float(mapping.times);
            return Ok(like.into_iter().map(|(series, power)| (series, power * times)).collect());
        }
        let history = self.history;
        if let Some(series) = names.iter().find_map(|name| history.series(name)) {
            let own = vec![(self.place(series), 1.0)];
            // A mapping may name a basis itself.
            return if series.quote == history.quote() { Ok(own) } else { self.counted(own, series, next) };
        }
        let basis = |name: &String| {
            history
                .all()
                .iter()
                .find(|one| one.base.eq_ignore_ascii_case(name) && one.quote != history.quote())
        };
        match names.iter().find_map(basis) {
            Some(series) => {
                let own = vec![(self.place(series), 1.0)];
                self.counted(own, series, next)
            }
            None => missing(),
        }
    }

    /// A basis times what it is counted in.
    fn counted(&mut self, own: Powers, series: &'a Series, chain: u8) -> Result<Powers, String> {
        let mut powers = own;
        for (series, power) in self.dollars(&series.quote, chain)? {
            add(&mut powers, series, power);
        }
        Ok(powers)
    }

    fn place(&mut self, series: &'a Series) -> usize {
        let known = self.series.iter().position(|other| std::ptr::eq(*other, series));
        known.unwrap_or_else(|| {
            self.series.push(series);
            self.series.len() - 1
        })
    }
}

fn add(powers: &mut Powers, series: usize, power: f64) {
    match powers.iter_mut().find(|(known, _)| *known == series) {
        Some((_, sum)) => *sum += power,
        None => powers.push((series, power)),
    }
}

/// A price over what it is counted in. What moves both by the same moves neither.
fn less(own: Powers, counted: Powers) -> Powers {
    let mut powers = own;
    for (series, power) in counted {
        add(&mut powers, series, -power);
    }
    powers.retain(|(_, power)| power.abs() > 1e-12);
    powers
}
