//! A book as files: a folder, or one JSON file. `docs/book-format.md` describes both.
//!
//! [`open`] reads either and gives what is sound together with every fault. An account of which one row is faulty is
//! left out whole, and so is every account of a faulty market: a part of a position is not a position. Where a row
//! does not say clearly whose it is, whoever it may belong to is left out: every account of the market, where nobody
//! can tell. A price that is faulty or stands twice is unknown.

mod aave_v3;
mod aave_v4;
mod compound_v3;
mod convert;
mod cross;
mod demo;
mod feeds;
pub(crate) mod files;
mod funds;
mod head;
pub mod import;
mod liquity_v2;
mod margin;
mod markets;
mod maker;
mod models;
mod morpho_blue;
mod portfolio;
mod positions;
mod prices;
pub(crate) mod rows;
mod schedules;
pub(crate) mod seen;
mod stream;
mod totals;
mod venue;
mod vols;
mod write;

pub use convert::{ConvertError, Order, convert, convert_files};
pub use demo::{ACCOUNTS_MAX, ACCOUNTS_MIN, Made, PARQUET_FROM, demo};
pub use files::{File, FileBytes, SIZE_MAX, regular};
pub use funds::{OpenedFunds, read_funds};
pub use models::{MarginModel, OpenedModel};
pub use prices::DERIVED_MAX;
pub use stream::{Stream, Unsteady, stream};
pub use write::{WriteError, Written, write, write_json};

use crate::fault::{Faults, Log, Source};
use crate::tree::{Fields, list, read_json, read_toml};
use head::Head;
use plimsoll_core::{Book, Graph, Time};
use positions::{Place, Positions};
use prices::Prices;
use std::path::Path;
use vols::Surfaces;

/// The names of all venues that a book's markets can be of.
#[cfg(test)]
pub(crate) fn venue_names() -> impl Iterator<Item = &'static str> {
    venue::VENUES.iter().map(|venue| venue.name)
}

/// What was made of the files of a book.
pub struct Opened {
    /// All that is sound.
    pub book: Book,
    /// Everything that is not.
    pub faults: Faults,
    /// The accounts that were left out, because a row of theirs or their market is faulty.
    pub left_out: LeftOut,
}

/// Accounts that are kept by name; more are counted.
pub const LEFT_OUT_MAX: usize = 1000;

/// Who was left out of a book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The first [`LEFT_OUT_MAX`] accounts, each as `MARKET:NAME`.
    pub accounts: Vec<String>,
    /// How many more there were.
    pub beyond: u64,
    /// Markets of which every account was left out: a row may be of any of them.
    pub markets: Vec<String>,
}

impl LeftOut {
    /// How many accounts were left out.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.accounts.len() as u64 + self.beyond
    }

    fn push(&mut self, account: String) {
        if self.accounts.len() < LEFT_OUT_MAX {
            self.accounts.push(account);
        } else {
            self.beyond += 1;
        }
    }
}

/// Opens the book at a path: a folder with a `book.toml`, or one `.json` file.
#[must_use]
pub fn open(path: &Path) -> Opened {
    read(files::list(path))
}

/// Reads a book from its files: either all files of a folder, with names relative to it, or a single JSON file.
#[must_use]
pub fn read(files: Vec<File>) -> Opened {
    let mut log = Log::default();
    let sources = files::texts(files, &mut log);
    let (book, left_out) = of_sources(&sources, &mut log);
    Opened { book, faults: log.finish(&sources), left_out }
}

/// What is sound of a book, and how many accounts are not.
fn of_sources(sources: &[Source], log: &mut Log) -> (Book, LeftOut) {
    let parts = match sources.iter().position(|source| source.name == "book.toml") {
        Some(at) => folder(at, sources, log),
        None => one_file(sources, log),
    };
    parts.unwrap_or_else(|| (empty(), LeftOut::default()))
}

fn empty() -> Book {
    Book {
        name: String::new(),
        at: Time(0),
        graph: Graph::default(),
        markets: Vec::new(),
        accounts: Vec::new(),
    }
}

fn folder(head: usize, sources: &[Source], log: &mut Log) -> Option<(Book, LeftOut)> {
    let Frame { head, prices, places, wirings, sound } = frame(head, sources, log)?;
    let mut positions = Positions::new(&places);
    let mut whole = false;
    if let Some((id, source)) = files::table("positions", sources, log) {
        whole = rows::of_table(source, id, positions::COLUMNS, log, |record, sound, log| {
            positions.read(record, sound, &places, log);
        });
    }
    if !(whole && sound) {
        positions.spoil();
    }
    Some(assemble(head, prices, places, wirings, positions, log))
}

/// A book without its accounts.
struct Frame {
    head: Head,
    prices: Prices,
    places: Vec<Place>,
    wirings: Vec<markets::Wiring>,
    /// Whether each field of the head stands once; if not, nothing of the book is to be relied upon.
    sound: bool,
}

fn frame(head: usize, sources: &[Source], log: &mut Log) -> Option<Frame> {
    if sources[head].unread {
        return None;
    }
    // What is told of a text that can be read all the same is a name that stands twice.
    let node = read_toml(&sources[head], head as u16, log)?;
    let sound = log.count() == 0 || !log.tells_twice(head as u16);
    let mut fields = Fields::of(&node, log)?;
    let head = head::read(&mut fields, log);
    let derived = fields.take("price").and_then(|node| list(node, log)).unwrap_or(&[]);
    let surfaces = fields.take("vol_surface").map_or(Some(&[][..]), |node| list(node, log));
    fields.finish(log);
    let head = head?;

    let mut prices = Prices::new();
    prices.complete = files::table("feeds", sources, log).is_some_and(|(id, source)| {
        rows::of_table(source, id, feeds::COLUMNS, log, |record, sound, log| {
            feeds::read(record, sound, &mut prices, log);
        })
    });
    prices::read(derived, &mut prices, log);
    let mut surfaces = Surfaces::heads(surfaces, log);
    surfaces.table(sources, log);
    if !sound {
        surfaces.spoil();
    }
    surfaces.finish(&mut prices.graph);

    let mut listed = Vec::new();
    for (id, source) in sources.iter().enumerate() {
        let Some((name, format)) = files::market_of(&source.name) else { continue };
        let id = id as u16;
        let before = log.count();
        let node = match format {
            _ if source.unread => None,
            files::Format::Toml => read_toml(source, id, log),
            files::Format::Json => read_json(source, id, log),
        };
        listed.push(markets::Listed::in_file(name, (id, source), node, log.count() == before));
    }
    let (places, wirings) = markets::read(&listed, &head, &mut prices, log);
    Some(Frame { head, prices, places, wirings, sound })
}

fn one_file(sources: &[Source], log: &mut Log) -> Option<(Book, LeftOut)> {
    let [source] = sources else {
        files::missing("book.toml", sources, log);
        return None;
    };
    if source.unread {
        return None;
    }
    let node = read_json(source, 0, log)?;
    let mut fields = Fields::of(&node, log)?;
    let head = head::read(&mut fields, log);
    let derived = fields.take("prices").and_then(|node| list(node, log)).unwrap_or(&[]);
    let surfaces = fields.take("vol_surfaces");
    let points = if surfaces.is_some() { fields.need("vols", log) } else { fields.take("vols") };
    let points = points.and_then(|node| list(node, log)).unwrap_or(&[]);
    let surfaces = surfaces.map_or(Some(&[][..]), |node| list(node, log));
    let mut part = |name| fields.need(name, log).and_then(|node| list(node, log));
    let (markets, positions_list, feeds_list) = (part("markets"), part("positions"), part("feeds"));
    let sound = !fields.repeats();
    fields.finish(log);
    let head = head?;

    let mut prices = Prices::new();
    prices.complete = rows::of_list(feeds_list.unwrap_or(&[]), feeds::COLUMNS, log, |record, sound, log| {
        feeds::read(record, sound, &mut prices, log);
    });
    prices.complete &= feeds_list.is_some();
    prices::read(derived, &mut prices, log);
    let mut surfaces = Surfaces::heads(surfaces, log);
    surfaces.list(points, log);
    if !sound {
        surfaces.spoil();
    }
    surfaces.finish(&mut prices.graph);
    let listed: Vec<_> = markets.unwrap_or(&[]).iter().map(markets::Listed::in_list).collect();
    let (places, wirings) = markets::read(&listed, &head, &mut prices, log);
    let mut positions = Positions::new(&places);
    let rows = positions_list.unwrap_or(&[]);
    let whole = rows::of_list(rows, positions::COLUMNS, log, |record, sound, log| {
        positions.read(record, sound, &places, log);
    });
    if !(whole && sound) {
        positions.spoil();
    }
    Some(assemble(head, prices, places, wirings, positions, log))
}

/// Puts the parts together; markets that cannot be are not in the book, and accounts are numbered.
fn assemble(
    head: Head,
    prices: Prices,
    mut places: Vec<Place>,
    wirings: Vec<markets::Wiring>,
    positions: Positions,
    log: &mut Log,
) -> (Book, LeftOut) {
    let (mut accounts, left_out) = positions.finish(&mut places, log);
    for (number, place) in places.iter_mut().enumerate() {
        if let Some(desk) = &mut place.desk {
            desk.link(&mut accounts, number, log);
        }
    }
    let mut numbers = Vec::new();
    let mut markets = Vec::new();
    for (number, (place, wiring)) in places.into_iter().zip(wirings).enumerate() {
        numbers.push(markets.len());
        markets.extend(markets::list(number, place, wiring, &accounts, log));
    }
    for account in &mut accounts {
        account.market = numbers[account.market];
    }
    (Book { name: head.name, at: head.at, graph: prices.graph, markets, accounts }, left_out)
}
