//! An engine's beginning, from a book as files have it.

use crate::Stamp;
use crate::config::{Config, Founding, Place, Source};
use crate::feed::Rule;
use crate::record::{Command, Position};
use plimsoll_core::{Book, Origin, Scale, U256};

/// What is taken for a feed whose book says nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usual {
    /// A source that has been silent for longer says nothing, where the book has no limit of its own (ns).
    pub max_age: Stamp,
    /// So many origins must speak.
    pub quorum: usize,
    /// So many must have jumped for a jump to be believed.
    pub jump_quorum: usize,
    /// What a jump is (millionths).
    pub jump: u64,
}

/// A second in nanoseconds.
const SECOND: Stamp = 1_000_000_000;
/// So many digits a price has where no slot says fewer.
const DIGITS: u8 = 18;

/// What an engine is founded on: markets and prices of a book, each price that was observed as a feed that is heard.
#[must_use]
pub fn founding(book: &Book, config: Config, usual: &Usual) -> Founding {
    let markets = book.markets.iter().map(|listed| {
        let mut market = Vec::new();
        listed.market.encode(&mut market);
        Place { name: listed.name.clone(), market, wiring: listed.wiring.clone() }
    });
    Founding {
        program: String::new(),
        book: book.name.clone(),
        at: book.at.0.saturating_mul(SECOND),
        graph: book.graph.clone(),
        markets: markets.collect(),
        sources: sources(book, usual),
        config,
    }
}

fn sources(book: &Book, usual: &Usual) -> Vec<Source> {
    let mut sources = Vec::new();
    for (id, price) in (0..).zip(book.graph.prices()) {
        let Origin::Feed(observed) = &price.origin else { continue };
        // A slot takes no more digits than it has.
        let wired = book.markets.iter().flat_map(|listed| listed.market.slots().iter().zip(&listed.wiring));
        let slots = wired.filter(|(_, wired)| wired.is_some_and(|wired| wired.0 == id));
        let decimals = match observed.scale {
            Scale::Raw => 0,
            Scale::Decimal => slots.map(|(slot, _)| slot.decimals).min().unwrap_or(DIGITS).min(DIGITS),
        };
        let raw = |bound: Option<plimsoll_core::Decimal>| bound?.scaled_amount(decimals).ok()?.to_u128();
        let rule = Rule {
            max_age: observed.max_age.map_or(usual.max_age, |age| age.saturating_mul(SECOND)),
            max_ahead: SECOND,
            floor: raw(observed.floor).unwrap_or(0),
            ceiling: raw(observed.ceiling).unwrap_or(u128::MAX),
            confidence: 1_000_000,
            jump: usual.jump,
            quorum: usual.quorum,
            jump_quorum: usual.jump_quorum,
        };
        sources.push(Source { price: price.name.clone(), decimals, rule });
    }
    sources
}

/// The accounts of a book, as commands of at most so many each.
#[must_use]
pub fn positions(book: &Book, most: usize) -> Vec<Command> {
    let mut commands = Vec::new();
    for (number, listed) in book.markets.iter().enumerate() {
        let of_market = book.accounts.iter().filter(|account| account.market == number);
        let all: Vec<Position> = of_market
            .map(|account| Position {
                account: account.name.clone(),
                owner: account.owner.clone(),
                group: String::new(),
                holds: account.account.clone(),
            })
            .collect();
        for positions in all.chunks(most.max(1)) {
            commands.push(Command::Positions { market: listed.name.clone(), positions: positions.to_vec() });
        }
    }
    commands
}

/// The prices of a book as it has them, as quotes of one source: of each feed that has one, in its digits.
#[must_use]
pub fn quotes(book: &Book, sources: &[Source], source: &str, observed: Stamp) -> Vec<Command> {
    let quote = |of: &Source| {
        let id = book.graph.find(&of.price)?;
        let Some(Origin::Feed(seen)) = book.graph.origin(id) else { return None };
        let value: U256 = seen.price?.scaled_amount(of.decimals).ok()?;
        let (source, origin, value) = (source.to_string(), source.to_string(), value.to_u128()?);
        Some(Command::Quote {
            feed: of.price.clone(),
            quote: crate::feed::Quote { source, origin, value, unsure: 0, observed },
        })
    };
    sources.iter().filter_map(quote).collect()
}
