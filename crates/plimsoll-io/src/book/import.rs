//! A spreadsheet of positions as a book: `docs/import.md` has a worked command.
//!
//! Each row becomes an account of a market that a template gives: a book with the venue's rules and prices, and no
//! positions that matter. A column map says which column is what. Nothing is rounded unless that is allowed, and
//! then it is counted.

mod classes;
mod map;
mod number;

pub use map::{Map, MapError};
pub use number::Rounded;

use crate::book::positions::{Place, list_accounts};
use crate::book::venue::{Decoded, Desk, Posting, Setting, Side, VENUES, VenueFile};
use crate::book::{self, files, totals};
use crate::fault::{Code, Faults, Log, Source, Span, quoted};
use crate::scalar;
use crate::table::{Cell, Row, Rows};
use crate::tree::{Fields, Node, Value};
use classes::{Class, Classes};
use map::{Amount, Columns};
use number::Rounder;
use plimsoll_core::{
    Account, AccountId, Book, InstrumentId, Int, ListedAccount, ListedMarket, Rounding, U256,
};
use std::collections::{BTreeMap, HashSet};

/// What to import, and how.
pub struct Request<'r> {
    /// The table's file: CSV, or gzipped CSV under a name that ends in `.gz`.
    pub table: book::File,
    /// Which column is what.
    pub map: &'r Map,
    /// The rules and prices.
    pub template: Book,
    /// Which of the template's markets; `None` where it has only one.
    pub market: Option<&'r str>,
    /// Which way digits go that a token does not have; `None` refuses them.
    pub rounding: Option<Rounding>,
}

/// What became of a spreadsheet.
pub struct Imported {
    /// All accounts whose rows are sound, at the template's time and prices.
    pub book: Book,
    /// Everything else.
    pub faults: Faults,
    /// How many rows were left out.
    pub left_out: u64,
    /// How many rows there were.
    pub rows: u64,
    /// What was rounded.
    pub rounded: Rounded,
    /// How many classes of collateral were made, by threshold.
    pub classes: usize,
    /// How many cells of debts were empty and taken for no debt.
    pub empty_debts: u64,
}

/// Imports a table.
#[must_use]
pub fn import(request: Request<'_>) -> Imported {
    let mut log = Log::default();
    let mut sources = Vec::new();
    let mut rounder = Rounder::new(request.rounding);
    sources.extend(text(request.table, &mut log));
    let done = sources.first().and_then(|source: &Source| {
        let mut template = request.template;
        let market = choose(&mut template, request.market, &mut log)?;
        table(source, request.map, template, market, &mut rounder, &mut log)
    });
    let done = done.unwrap_or_else(|| Done {
        book: book::empty(),
        rows: 0,
        left_out: 0,
        classes: 0,
        empty_debts: 0,
    });
    let Done { book, rows, left_out, classes, empty_debts } = done;
    let (faults, rounded) = (log.finish(&sources), rounder.done());
    Imported { book, faults, left_out, rows, rounded, classes, empty_debts }
}

struct Done {
    book: Book,
    rows: u64,
    left_out: u64,
    classes: usize,
    empty_debts: u64,
}

/// The table's text, unpacked.
fn text(file: book::File, log: &mut Log) -> Option<Source> {
    let file = files::unpacked(file, book::SIZE_MAX);
    files::texts(vec![file], log).pop().filter(|source| !source.unread)
}

/// Takes the market that rows go to out of the template.
fn choose(template: &mut Book, name: Option<&str>, log: &mut Log) -> Option<ListedMarket> {
    let names: Vec<&str> = template.markets.iter().map(|market| market.name.as_str()).collect();
    let at = match name {
        Some(name) => names.iter().position(|known| *known == name),
        None => (names.len() == 1).then_some(0),
    };
    let Some(at) = at else {
        let found = name.map_or_else(|| format!("{} markets", names.len()), quoted);
        let expected = format!("one of the template's markets: {}", names.join(", "));
        log.file(Code::NoTemplate, "the template", found, expected);
        return None;
    };
    Some(template.markets.swap_remove(at))
}

fn table(
    source: &Source,
    map: &Map,
    template: Book,
    market: ListedMarket,
    rounder: &mut Rounder,
    log: &mut Log,
) -> Option<Done> {
    let delimiter = delimiter(source.text.lines().next().unwrap_or(""));
    let mut rows = Rows::new(source, 0, delimiter);
    let mut row = Row::default();
    if !rows.next(&mut row, log) {
        log.file(Code::MissingColumn, &source.name, "no header", "a row of column names");
        return None;
    }
    let columns = map.columns(&row, log)?;
    let width = row.cells.len();

    // First the classes, because each has its place in a market before accounts can be in it.
    let classes = classes::collect(source, delimiter, &columns, log)?;
    let (venue, fields) = taken_apart(&market, &template, log)?;
    let (markets, classes) = classes::markets(&fields, &classes, &columns, log)?;
    let mut places = Vec::new();
    let mut wirings = Vec::new();
    for (number, fields) in markets.into_iter().enumerate() {
        let name = if number == 0 { market.name.clone() } else { format!("{}-{}", market.name, number + 1) };
        let decoded = put_together(venue, &market, fields, &template, log)?;
        if decoded.desk.needs_accounts() {
            let found = format!("{}, a market of {}", quoted(&market.name), market.market.venue().0);
            let expected = "a market whose accounts a table of amounts can say; this one's name each other";
            log.file(Code::NoTemplate, "the template", found, expected);
            return None;
        }
        // The template's accounts are not taken over: whoever stood first in the table would be taken for them.
        if let Some((_, name, _)) = decoded.accounts.first() {
            let found = format!("{}, which names the account {}", quoted(&market.name), quoted(name));
            let expected = "a market without what is of one account, such as an auction";
            log.file(Code::NoTemplate, "the template", found, expected);
            return None;
        }
        wirings.push(wiring(&decoded, &template));
        // Totals are made to fit what is imported: nothing about them is ever told.
        let span = Span { source: 0, start: 0, end: 0 };
        places.push(Place { name, span, desk: Some(decoded.desk) });
    }

    if !listed_assets(&columns, &places, log) {
        return None;
    }
    let (seen, twice, accounts) = (HashSet::new(), HashSet::new(), Vec::new());
    let mut importer = Importer { columns, classes, seen, twice, accounts, empty_debts: 0, rounder };
    let mut count = 0;
    while !rows.torn {
        let before = log.count();
        if !rows.next(&mut row, log) {
            break;
        }
        count += 1;
        let whole = log.count() == before;
        if whole && row.cells.len() == width {
            importer.row(&row, &places, log);
        } else if whole {
            let found = format!("{} cells", row.cells.len());
            log.at(Code::RowLength, span_of(&row), found, format!("{width} cells, as in the header"));
        }
    }
    let Importer { mut accounts, classes, twice, empty_debts, .. } = importer;
    // Which of two rows is true nobody knows.
    accounts.retain(|listed| !twice.contains(&listed.name));
    // Behind a quotation mark that never closes no line is sure to be a row.
    let accounts = if rows.torn { Vec::new() } else { accounts };
    let left_out = count - accounts.len() as u64;
    if places
        .iter_mut()
        .zip(sums(&accounts))
        .any(|(place, sums)| place.desk.as_mut().is_some_and(|desk| desk.cover(&sums).is_none()))
        || !covered_beside(&mut places, &accounts)
    {
        let found = "totals that are too large";
        log.file(Code::OutOfRange, &source.name, found, "amounts that together fit the market");
        return None;
    }
    let listed = places.into_iter().zip(wirings).filter_map(|(place, wiring)| {
        let market = place.desk?.release();
        Some(ListedMarket { name: place.name, market, wiring })
    });
    let name = source.name.split('.').next().unwrap_or("import").to_string();
    let mut book = Book { name, markets: listed.collect(), accounts: Vec::new(), ..template };
    book.accounts = list_accounts(accounts);
    Some(Done { book, rows: count, left_out, classes: classes.len(), empty_debts })
}

/// Whether the market lists every asset that the map names. One that it does not is told here, once, and not of each row.
fn listed_assets(columns: &Columns, places: &[Place], log: &mut Log) -> bool {
    let Some(Place { desk: Some(desk), .. }) = places.first() else { return false };
    let before = log.count();
    let mut told: Vec<&str> = Vec::new();
    // The assets of classes are made of listed ones.
    for amount in columns.amounts.iter().filter(|amount| !amount.classed) {
        let nowhere = Span { source: 0, start: 0, end: 0 };
        let [kind, asset] =
            [amount.kind, &amount.asset].map(|text| Cell { text: text.into(), span: nowhere });
        let posting =
            Posting { side: amount.side, kind: &kind, asset: &asset, as_collateral: None, mode: "" };
        let mut own = Log::default();
        if desk.instrument(&posting, &mut own).is_some() || told.contains(&amount.asset.as_str()) {
            continue;
        }
        told.push(&amount.asset);
        for fault in own.finish(&[]).list {
            let at_map = log.file(fault.code, "the map", fault.found, fault.expected);
            if let Some(help) = fault.help {
                at_map.help(help);
            }
        }
    }
    log.count() == before
}

/// Makes totals at least what accounts have beside their holdings; whether they fit the markets.
fn covered_beside(places: &mut [Place], accounts: &[ListedAccount]) -> bool {
    places.iter_mut().enumerate().all(|(number, place)| {
        let Some(desk) = &mut place.desk else { return true };
        let own = accounts.iter().filter(|listed| listed.market == number).map(|listed| &listed.account);
        totals::beside(&**desk, own).is_some_and(|sums| desk.cover_beside(&sums).is_some())
    })
}

/// For each market, what its accounts hold together. A sum beyond 256 bits is the largest number, which fits nothing.
fn sums(accounts: &[ListedAccount]) -> Vec<Vec<(InstrumentId, U256)>> {
    let mut markets: Vec<BTreeMap<InstrumentId, U256>> = Vec::new();
    for listed in accounts {
        markets.resize_with(markets.len().max(listed.market + 1), BTreeMap::new);
        for holding in listed.account.holdings() {
            let sum = markets[listed.market].entry(holding.instrument).or_default();
            *sum = sum.add(holding.quantity.magnitude()).unwrap_or(U256::MAX);
        }
    }
    markets.into_iter().map(|sums| sums.into_iter().collect()).collect()
}

fn span_of(row: &Row<'_>) -> Span {
    let nowhere = Span { source: 0, start: 0, end: 0 };
    let first = row.cells.first().map_or(nowhere, |cell| cell.span);
    Span { end: row.cells.last().map_or(nowhere, |cell| cell.span).end, ..first }
}

/// The separator that the header has most of.
fn delimiter(header: &str) -> u8 {
    let count = |separator: u8| header.bytes().filter(|byte| *byte == separator).count();
    // Of equals the last one wins: a comma.
    b"\t;,".iter().copied().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

/// A market as the fields of its file.
fn taken_apart(
    market: &ListedMarket,
    template: &Book,
    log: &mut Log,
) -> Option<(&'static VenueFile, book::venue::Named)> {
    match book::write::own_fields(market, template) {
        Ok(parts) => Some(parts),
        Err(error) => {
            log.file(Code::NoTemplate, "the template", error.to_string(), "a market that a file can say");
            None
        }
    }
}

fn put_together(
    venue: &'static VenueFile,
    market: &ListedMarket,
    fields: Value,
    template: &Book,
    log: &mut Log,
) -> Option<Decoded> {
    let name = market.market.venue().1;
    let revision = VENUES.iter().find(|known| known.name == venue.name)?;
    let revision = revision.revisions.iter().position(|known| *known == name)?;
    let node = Node { span: Span { source: 0, start: 0, end: 0 }, value: fields };
    // What is wrong with a class has no place in any file of the user's: it is told of the template.
    let mut own = Log::default();
    let mut fields = Fields::of(&node, &mut own)?;
    let decoded = (venue.read)(&mut fields, &Setting { at: template.at, revision }, &mut own);
    let faults = own.finish(&[]).list;
    if let Some(fault) = faults.first() {
        let found = format!("with the classes of the table, {}: {}", fault.code.title(), fault.found);
        log.file(Code::NoTemplate, "the template", found, fault.expected.clone());
        return None;
    }
    decoded
}

fn wiring(decoded: &Decoded, template: &Book) -> Vec<Option<plimsoll_core::PriceId>> {
    let wires = decoded.wires.iter();
    wires.map(|wire| wire.as_ref().and_then(|(name, _)| template.graph.find(name))).collect()
}

struct Importer<'r> {
    columns: Columns,
    classes: Classes,
    seen: HashSet<String>,
    /// Names that stand in several rows.
    twice: HashSet<String>,
    accounts: Vec<ListedAccount>,
    empty_debts: u64,
    rounder: &'r mut Rounder,
}

impl Importer<'_> {
    /// Adds the account of one row, unless anything about the row is wrong.
    fn row(&mut self, row: &Row<'_>, places: &[Place], log: &mut Log) {
        let before = log.count();
        let account = &row.cells[self.columns.account];
        let Some(name) = scalar::name(&account.text, account.span, log) else { return };
        if !self.seen.insert(name.to_string()) {
            log.at(Code::DuplicateName, account.span, quoted(name), "each account in one row");
            self.twice.insert(name.to_string());
            return;
        }
        let owner = self.columns.owner.map(|at| &row.cells[at]).filter(|cell| !cell.text.is_empty());
        let owner = owner.map_or(Some(name), |cell| scalar::name(&cell.text, cell.span, log));
        let class = classes::of(row, &self.columns, log);
        let market = class.map_or(0, |class| self.classes.market(class));
        let Some(Place { desk: Some(desk), .. }) = places.get(market) else { return };
        let mut listed = Account::new(AccountId(0));
        let mode = self.columns.mode.map(|at| &row.cells[at]).filter(|cell| !cell.text.is_empty());
        if let Some(mode) = mode {
            desk.mode(&mut listed, mode, log);
        }
        let said = mode.map_or("", |mode| &*mode.text);
        for amount in &self.columns.amounts {
            let cell = &row.cells[amount.column];
            self.empty_debts += u64::from(amount.side == Side::Debt && cell.text.is_empty());
            hold(&mut listed, amount, (class, said), cell, &**desk, self.rounder, log);
        }
        if let Some(mode) = mode.filter(|_| log.count() == before) {
            desk.settle(&listed, mode.span, log);
        }
        let (name, owner) = (name.to_string(), owner.unwrap_or_default().to_string());
        if log.count() == before {
            self.accounts.push(ListedAccount { name, owner, market, account: listed });
        }
    }
}

/// Adds what one cell says to an account; an empty or zero cell is no holding.
fn hold(
    account: &mut Account,
    amount: &Amount,
    (class, mode): (Option<Class>, &str),
    cell: &Cell<'_>,
    desk: &dyn Desk,
    rounder: &mut Rounder,
    log: &mut Log,
) {
    if cell.text.is_empty() {
        return;
    }
    let asset = match class.filter(|_| amount.classed) {
        Some(class) => class.asset(&amount.asset),
        None => amount.asset.clone(),
    };
    let asset = Cell { text: asset.into(), span: cell.span };
    let kind = Cell { text: amount.kind.into(), span: cell.span };
    let posting = Posting { side: amount.side, kind: &kind, asset: &asset, as_collateral: None, mode };
    let Some(instrument) = desk.instrument(&posting, log) else { return };
    let Some(stored) = rounder.stored(cell, &amount.unit, instrument, desk, log) else { return };
    if stored == U256::ZERO {
        return;
    }
    let sum = account.quantity(instrument).add(Int::from(stored));
    match sum.filter(|sum| sum.magnitude().bit_len() <= 128) {
        Some(sum) => account.set(instrument, sum),
        None => {
            log.at(Code::OutOfRange, cell.span, quoted(&cell.text), "amounts that together fit 128 bits");
            return;
        }
    }
    desk.mark(account, &posting, instrument, log);
}
