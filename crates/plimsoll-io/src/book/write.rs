//! Books back to files. What is written reads back to the same book, or is refused.

mod derived;
mod json;
mod surfaces;
mod toml;

use crate::book::head::FORMAT;
use crate::book::venue::{LEGS, LegRow, Named, Names, Position, SIDES, Side, VENUES, VenueFile};
use crate::book::{feeds, liquity_v2, positions, vols};
use crate::export::{Form, Table};
use crate::fault::{Log, Span};
use crate::scalar;
use crate::table::Column;
use crate::tree::{Entry, Node, Value};
use plimsoll_core::{Book, Int, ListedAccount, ListedMarket, Observation, Origin, Price, Scale};
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::Path;

/// The files of a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Name within the book's folder, with `/` between folders; bytes.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Why a book is not written.
#[derive(Debug)]
pub enum WriteError {
    /// No file can say this; names it.
    Unsayable(String),
    /// The folder is there and has something in it.
    Exists(String),
    /// The system's refusal.
    Failed(String),
    /// The reader of a pipe went away.
    Gone,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Unsayable(what) => write!(f, "a book file cannot say {what}"),
            WriteError::Exists(path) => write!(f, "{path} is there already, expected an empty or new folder"),
            WriteError::Failed(error) => f.write_str(error),
            WriteError::Gone => f.write_str("nobody reads any more"),
        }
    }
}

impl std::error::Error for WriteError {}

impl Written {
    /// Writes the files into a folder that is new or empty.
    ///
    /// # Errors
    /// When the folder has something in it, or the system refuses.
    pub fn save(&self, folder: &Path) -> Result<(), WriteError> {
        let failed = |error: std::io::Error| WriteError::Failed(format!("{}: {error}", folder.display()));
        if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(WriteError::Exists(folder.display().to_string()));
        }
        fs::create_dir_all(folder.join("markets")).map_err(failed)?;
        for (name, bytes) in &self.files {
            let mut file = fs::File::create_new(folder.join(name)).map_err(failed)?;
            file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        Ok(())
    }
}

/// The book as a folder's files.
///
/// # Errors
/// [`WriteError::Unsayable`] for what the format has no words for: a name that is none, a market of a venue without
/// files, an account that contradicts itself.
pub fn write(book: &Book) -> Result<Written, WriteError> {
    let parts = Parts::of(book)?;
    let mut head = parts.head;
    if !parts.prices.is_empty() {
        head.push(("price", list(parts.prices)));
    }
    let surfaces = !parts.surfaces.is_empty();
    if surfaces {
        head.push(("vol_surface", list(parts.surfaces)));
    }
    let mut files = vec![("book.toml".to_string(), toml::print(&table(head)).into_bytes())];
    for (name, fields) in parts.markets {
        files.push((format!("markets/{name}.toml"), toml::print(&table(fields)).into_bytes()));
    }
    files.push(("feeds.csv".into(), csv(feeds::COLUMNS, &parts.feeds)?));
    if surfaces {
        files.push(("vols.csv".into(), csv(vols::COLUMNS, &parts.vols)?));
    }
    files.push(("positions.csv".into(), csv(positions::COLUMNS, &parts.positions)?));
    Ok(Written { files })
}

/// The book as one JSON file.
///
/// # Errors
/// As [`write()`].
pub fn write_json(book: &Book) -> Result<String, WriteError> {
    let parts = Parts::of(book)?;
    let rows = |columns: &[Column], rows: Vec<Vec<String>>| {
        let names: Vec<&'static str> = columns.iter().map(|column| column.name).collect();
        list(rows.into_iter().map(|row| {
            let cells = names.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            table(cells.map(|(name, cell)| (*name, Value::Text(cell))).collect())
        }))
    };
    let markets = parts.markets.into_iter().map(|(name, mut fields)| {
        fields.insert(0, ("name", Value::Text(name)));
        table(fields)
    });
    let mut fields = parts.head;
    fields.push(("prices", list(parts.prices)));
    fields.push(("feeds", rows(feeds::COLUMNS, parts.feeds)));
    if !parts.surfaces.is_empty() {
        fields.push(("vol_surfaces", list(parts.surfaces)));
        fields.push(("vols", rows(vols::COLUMNS, parts.vols)));
    }
    fields.push(("markets", list(markets)));
    fields.push(("positions", rows(positions::COLUMNS, parts.positions)));
    Ok(json::print(&table(fields)))
}

struct Parts {
    head: Vec<(&'static str, Value)>,
    prices: Vec<Value>,
    markets: Vec<(String, Vec<(&'static str, Value)>)>,
    feeds: Vec<Vec<String>>,
    surfaces: Vec<Value>,
    vols: Vec<Vec<String>>,
    positions: Vec<Vec<String>>,
}

impl Parts {
    fn of(book: &Book) -> Result<Parts, WriteError> {
        let head = vec![
            ("format", Value::Number(FORMAT.to_string())),
            ("name", text(name(&book.name)?)),
            ("at", Value::Text(crate::time::show(book.at))),
        ];
        let (mut feeds, mut prices) = (Vec::new(), Vec::new());
        for price in book.graph.prices() {
            match &price.origin {
                // The surface says it, and the market that it reads it.
                Origin::Feed(_) if book.graph.is_vol(price) => {}
                Origin::Feed(observation) => feeds.push(feed(price, observation)?),
                _ => prices.push(derived::fields(price, &book.graph)?),
            }
        }
        let mut markets = Vec::new();
        for market in &book.markets {
            markets.push((market_name(&market.name)?.to_string(), market_fields(market, book)?));
        }
        let mut positions = Vec::new();
        for account in &book.accounts {
            rows_of(account, book, &mut positions)?;
        }
        let surfaces = book.graph.surfaces();
        let vols = surfaces.iter().flat_map(surfaces::rows).collect::<Result<Vec<_>, _>>()?;
        let surfaces = surfaces.iter().map(surfaces::fields).collect::<Result<Vec<_>, _>>()?;
        Ok(Parts { head, prices, markets, feeds, surfaces, vols, positions })
    }
}

const NOWHERE: Span = Span { source: 0, start: 0, end: 0 };

fn unsayable(what: impl Into<String>) -> WriteError {
    WriteError::Unsayable(what.into())
}

/// A name, if it reads back.
fn name(text: &str) -> Result<&str, WriteError> {
    let mut log = Log::default();
    scalar::name(text, NOWHERE, &mut log).ok_or_else(|| unsayable(format!("the name {text:?}")))
}

fn market_name(text: &str) -> Result<&str, WriteError> {
    let mut log = Log::default();
    scalar::market_name(text, NOWHERE, &mut log).ok_or_else(|| unsayable(format!("the market name {text:?}")))
}

fn feed(price: &Price, observation: &Observation) -> Result<Vec<String>, WriteError> {
    let number = |number: Option<plimsoll_core::Decimal>| number.map_or(String::new(), |n| n.to_string());
    let suffix = if observation.scale == Scale::Raw { " raw" } else { "" };
    Ok(vec![
        name(&price.name)?.to_string(),
        observation.kind.name().to_string(),
        number(observation.price),
        format!("{}{suffix}", price.unit),
        name(&observation.source)?.to_string(),
        observation.observed_at.map_or(String::new(), crate::time::show),
        observation.max_age.map_or(String::new(), |seconds| seconds.to_string()),
        number(observation.confidence),
        number(observation.floor),
        number(observation.ceiling),
    ])
}

fn venue(market: &ListedMarket) -> Result<&'static VenueFile, WriteError> {
    let (name, _) = market.market.venue();
    let found = VENUES.iter().find(|venue| venue.name == name);
    found.ok_or_else(|| unsayable(format!("a market of {name}")))
}

/// A market's venue, and the fields that are the venue's own.
pub(super) fn own_fields(
    market: &ListedMarket,
    book: &Book,
) -> Result<(&'static VenueFile, Named), WriteError> {
    let venue = venue(market)?;
    let slots = 0..market.market.slots().len();
    let prices = slots.map(|slot| {
        let id = market.wiring.get(slot).copied().flatten()?;
        book.graph.price(id).map(|price| price.name.as_str())
    });
    let account = |id: u64| {
        let account = usize::try_from(id).ok().and_then(|id| book.accounts.get(id))?;
        Some(account.name.as_str())
    };
    let names = Names { prices: prices.collect(), account: &account };
    let own = (venue.write)(&*market.market, &names);
    let own = own.ok_or_else(|| unsayable(format!("all of the market {}", market.name)))?;
    Ok((venue, own))
}

/// A market's file.
pub(super) fn market_file(market: &ListedMarket, book: &Book) -> Result<Vec<u8>, WriteError> {
    Ok(toml::print(&table(market_fields(market, book)?)).into_bytes())
}

fn market_fields(market: &ListedMarket, book: &Book) -> Result<Named, WriteError> {
    let (venue, own) = own_fields(market, book)?;
    let mut fields = vec![("venue", text(venue.name)), ("revision", text(market.market.venue().1))];
    fields.extend(own);
    Ok(fields)
}

fn rows_of(account: &ListedAccount, book: &Book, rows: &mut Vec<Vec<String>>) -> Result<(), WriteError> {
    let market = book.markets.get(account.market).ok_or_else(|| unsayable("an account without a market"))?;
    let positions = (venue(market)?.positions)(&*market.market, &account.account);
    let positions = positions
        .ok_or_else(|| unsayable(format!("all of the account {} of {}", account.name, market.name)))?;
    let (name, owner) = (self::name(&account.name)?, self::name(&account.owner)?);
    let owner = if owner == name { "" } else { owner };
    let mode = positions.mode.as_deref().map_or(Ok(String::new()), |mode| named_mode(mode, account, book))?;
    let mut row = |kind: &str, asset: &str, amount: [String; 2], as_collateral: &str| {
        let [quantity, unit] = amount;
        let asset = self::name(asset)?.to_string();
        let head = [name.to_string(), market.name.clone(), kind.to_string(), asset, quantity, unit];
        let tail = [owner.to_string(), as_collateral.to_string(), mode.clone()];
        rows.push(head.into_iter().chain(tail).collect());
        Ok(())
    };
    for Position { side, asset, quantity, unit, as_collateral } in positions.rows {
        let flag = as_collateral.map_or("", |yes| if yes { "yes" } else { "no" });
        row(word(side), &asset, [quantity.to_string(), unit.to_string()], flag)?;
    }
    for LegRow { leg, asset, quantity } in positions.legs {
        let word = LEGS.iter().find(|(_, known)| *known == leg).map_or("", |(word, _)| word);
        row(word, &asset, [quantity.to_string(), "raw".to_string()], "")?;
    }
    Ok(())
}

/// A mode with names where it has numbers of accounts.
fn named_mode(mode: &str, account: &ListedAccount, book: &Book) -> Result<String, WriteError> {
    let part = |part: &str| {
        let Some((key, id)) = part.split_once("=#") else { return Ok(part.to_string()) };
        let other = id.parse().ok().and_then(|id: usize| book.accounts.get(id));
        let other = other.filter(|other| other.market == account.market);
        let other = other.ok_or_else(|| unsayable(format!("whom {} means by {part}", account.name)))?;
        Ok(format!("{key}={}", liquity_v2::escaped(name(&other.name)?)))
    };
    mode.split("; ").map(part).collect::<Result<Vec<_>, _>>().map(|parts| parts.join("; "))
}

fn word(side: Side) -> &'static str {
    SIDES.iter().find(|(_, known)| *known == side).map_or("", |(word, _)| word)
}

fn csv(columns: &[Column], rows: &[Vec<String>]) -> Result<Vec<u8>, WriteError> {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let mut out = Table::new(Form::Csv, Vec::new(), &names)?;
    rows.iter().try_for_each(|row| out.row(row))?;
    out.finish()
}

/// A table value that stands nowhere yet.
pub(super) fn table(fields: Vec<(&'static str, Value)>) -> Value {
    let entry = |(key, value): (&str, Value)| Entry {
        again: false,
        key: key.to_string(),
        key_span: NOWHERE,
        value: Node { span: NOWHERE, value },
    };
    Value::Table(fields.into_iter().map(entry).collect())
}

pub(super) fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::List(values.into_iter().map(|value| Node { span: NOWHERE, value }).collect())
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_string())
}

pub(super) fn number(number: &Int) -> Value {
    Value::Number(number.to_string())
}

pub(super) fn flag(flag: bool) -> Value {
    Value::Flag(flag)
}
