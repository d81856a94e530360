//! Markets: `markets/NAME.toml`, or the list `markets` of a one-file book.

use crate::book::head::Head;
use crate::book::positions::Place;
use crate::book::prices::Prices;
use crate::book::venue::{Decoded, Setting, VENUES, VenueFile};
use crate::fault::{Code, Log, Source, Span, nearest, quoted};
use crate::scalar;
use crate::tree::{Fields, Node, text};
use plimsoll_core::{Int, ListedAccount, ListedMarket, PriceId};
use std::borrow::Cow;
use std::collections::HashMap;

/// A market as the files have it.
pub(super) struct Listed<'t> {
    /// The file's name; in a one-file book the market says its own.
    file: Option<(&'t str, Span)>,
    node: Option<Cow<'t, Node>>,
    /// Whether each of its fields stands once.
    sound: bool,
}

impl<'t> Listed<'t> {
    pub(super) fn in_file(
        name: &'t str,
        (id, source): (u16, &Source),
        node: Option<Node>,
        sound: bool,
    ) -> Listed<'t> {
        let end = source.text.chars().next().map_or(0, char::len_utf8) as u32;
        Listed { file: Some((name, Span { source: id, start: 0, end })), node: node.map(Cow::Owned), sound }
    }

    pub(super) fn in_list(node: &'t Node) -> Listed<'t> {
        Listed { file: None, node: Some(Cow::Borrowed(node)), sound: !node.repeats() }
    }
}

/// What a market is wired to.
#[derive(Default)]
pub(super) struct Wiring {
    pub(super) prices: Vec<Option<PriceId>>,
    accounts: Vec<(plimsoll_core::Cell, String, Span)>,
    /// Its accounts name each other.
    whole: bool,
}

impl Wiring {
    /// Whether the market cannot be understood without its accounts.
    pub(super) fn names_an_account(&self) -> bool {
        !self.accounts.is_empty() || self.whole
    }
}

/// Reads all markets. Each that has a name has a place, sound or not, so that positions in it are understood.
pub(super) fn read(
    listed: &[Listed<'_>],
    head: &Head,
    prices: &mut Prices,
    log: &mut Log,
) -> (Vec<Place>, Vec<Wiring>) {
    let mut names = HashMap::new();
    let (mut places, mut wirings): (Vec<Place>, Vec<Wiring>) = (Vec::new(), Vec::new());
    for market in listed {
        let Some((name, decoded)) = one(market, head, log) else { continue };
        if let Some(&first) = names.get(&name.text) {
            log.at(Code::DuplicateName, name.span, quoted(&name.text), "a name that no other market has");
            // Nobody knows which of the two its accounts are in.
            let first: &mut Place = &mut places[first];
            first.desk = None;
            continue;
        }
        names.insert(name.text.clone(), places.len());
        let (desk, wiring) = match decoded {
            None => (None, Wiring::default()),
            Some(Decoded { desk, wires, accounts, vols }) => {
                let assets = desk.market().instruments();
                let slots = desk.market().slots().iter().zip(wires);
                let wired = slots.map(|(slot, wire)| {
                    wire.and_then(|(name, span)| prices.wire(&name, span, (slot, assets), log))
                });
                let mut wired: Vec<Option<PriceId>> = wired.collect();
                for vol in &vols {
                    if let Some(place) = wired.get_mut(vol.slot) {
                        *place = prices.wire_vol(vol, log);
                    }
                }
                let prices = wired;
                let whole = desk.needs_accounts();
                (Some(desk), Wiring { prices, accounts, whole })
            }
        };
        places.push(Place { name: name.text, span: name.span, desk });
        wirings.push(wiring);
    }
    (places, wirings)
}

struct Name {
    text: String,
    span: Span,
}

/// One market's name, and the market if it can be.
fn one(market: &Listed<'_>, head: &Head, log: &mut Log) -> Option<(Name, Option<Decoded>)> {
    let Some(node) = &market.node else {
        // The file is not even TOML or JSON, which is told; its name still stands.
        let (name, span) = market.file?;
        return Some((Name { text: name.to_string(), span }, None));
    };
    let mut fields = Fields::of(node, log)?;
    let name = match market.file {
        Some((name, span)) => scalar::market_name(name, span, log).map(|name| (name.to_string(), span)),
        None => fields.need("name", log).and_then(|node| {
            let name = scalar::market_name(text(node, log)?, node.span, log)?;
            Some((name.to_string(), node.span))
        }),
    };
    let venue = fields.need("venue", log).and_then(|node| venue(node, log));
    let revision = fields.need("revision", log);
    let decoded = venue.and_then(|venue| {
        let revision = revision.and_then(|node| self::revision(node, venue, log));
        // Without a revision the fields have no meaning, and telling which are unknown would be guessing.
        let setting = Setting { at: head.at, revision: revision? };
        let before = log.count();
        let decoded = (venue.read)(&mut fields, &setting, log);
        fields.finish(log);
        decoded.filter(|_| log.count() == before && market.sound)
    });
    let (text, span) = name?;
    Some((Name { text, span }, decoded))
}

fn venue(node: &Node, log: &mut Log) -> Option<&'static VenueFile> {
    let name = text(node, log)?;
    let found = VENUES.iter().find(|venue| venue.name == name);
    if found.is_none() {
        let known: Vec<&str> = VENUES.iter().map(|venue| venue.name).collect();
        let fault =
            log.at(Code::UnknownVenue, node.span, quoted(name), format!("one of {}", known.join(", ")));
        if let Some(near) = nearest(name, known) {
            fault.help(format!("did you mean `{near}`?"));
        }
    }
    found
}

fn revision(node: &Node, venue: &VenueFile, log: &mut Log) -> Option<usize> {
    let name = text(node, log)?;
    let found = venue.revisions.iter().position(|revision| *revision == name);
    if found.is_none() {
        let expected = format!("one of {}", venue.revisions.join(", "));
        log.at(Code::UnknownRevision, node.span, quoted(name), expected);
    }
    found
}

/// The market as the book lists it. Cells that hold an account's number are filled in, now that there are numbers.
pub(super) fn list(
    number: usize,
    place: Place,
    wiring: Wiring,
    accounts: &[ListedAccount],
    log: &mut Log,
) -> Option<ListedMarket> {
    let mut market = place.desk?.release();
    for (cell, name, span) in wiring.accounts {
        let found = accounts.iter().find(|account| account.market == number && account.name == name);
        match found {
            Some(account) => {
                if let Err(refusal) = market.set(cell, Some(Int::from(account.account.id.0))) {
                    log.at(Code::MarketRefused, span, refusal.to_string(), "an account that can stand here");
                }
            }
            None => {
                log.at(Code::UnknownAccount, span, quoted(&name), "an account of this market");
            }
        }
    }
    Some(ListedMarket { name: place.name, market, wiring: wiring.prices })
}
