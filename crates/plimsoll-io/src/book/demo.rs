//! A made-up book of any size at five venues: `plimsoll demo`. `docs/demo.md` says what is in it and where its shapes are
//! from.
//!
//! Rules and prices are a book without positions (the folder `demo`). People are drawn twice, each from a stream of its own:
//! once to add up what markets must have, once to be written, so that memory does not grow with the book. Everything is
//! integers: the same number and seed give the same bytes on any machine.

mod draw;
mod people;

use crate::book::files::{self, File, FileBytes};
use crate::book::positions::decimals;
use crate::book::venue::{Desk, Posting, SIDES, Side};
use crate::book::write::{WriteError, Written, market_file};
use crate::book::{Frame, frame};
use crate::export::{Form, Table};
use crate::fault::{Log, Span};
use crate::table::Cell;
use draw::Draw;
use people::{AAVE, COMPOUND, Holder, MORPHO_WBTC, MORPHO_WSTETH, Part};
use plimsoll_core::{Book, InstrumentId, ListedMarket, Quote, Rounding, U256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The fewest accounts that a demo book has: one of each venue's, and the vaults.
pub const ACCOUNTS_MIN: u64 = 10;
/// The most, by the rows that a book may have.
pub const ACCOUNTS_MAX: u64 = 20_000_000;
/// From so many accounts on positions are Parquet.
pub const PARQUET_FROM: u64 = 100_000;

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Accounts.
    pub accounts: u64,
    /// People, who have one account or several.
    pub people: u64,
    /// Rows of positions.
    pub rows: u64,
    /// How the positions are written.
    pub form: Form,
}

const HEAD: &str = include_str!("demo/book.toml");
const FEEDS: &str = include_str!("demo/feeds.csv");
/// Every market without positions, in the order of names.
const MARKETS: [(&str, &str); 6] = [
    ("aave-core", include_str!("demo/markets/aave-core.toml")),
    ("compound-usdc", include_str!("demo/markets/compound-usdc.toml")),
    ("liquity-bold", include_str!("demo/markets/liquity-bold.toml")),
    ("maker-eth-a", include_str!("demo/markets/maker-eth-a.toml")),
    ("morpho-wbtc-usdc", include_str!("demo/markets/morpho-wbtc-usdc.toml")),
    ("morpho-wsteth-weth", include_str!("demo/markets/morpho-wsteth-weth.toml")),
];

/// What is lent there, and so must be supplied by somebody.
const LENT: [(usize, &str); 6] = [
    (AAVE, "WETH"),
    (AAVE, "USDC"),
    (AAVE, "USDT"),
    (COMPOUND, "USDC"),
    (MORPHO_WBTC, "USDC"),
    (MORPHO_WSTETH, "WETH"),
];
/// Supplies, in each market that lends, what savers do not. Behind all addresses in the order of names.
const VAULT: &str = "vault";
/// How many markets that is.
const VAULTS: u64 = 4;
/// Of what is supplied so much is lent, where the vault supplies any of it (%).
const LENT_PERCENT: u64 = 85;

const COLUMNS: [&str; 8] = ["account", "market", "kind", "asset", "quantity", "unit", "owner", "mode"];

/// Writes a book of so many accounts into a folder that is new or empty. From [`PARQUET_FROM`] accounts on its positions
/// are Parquet.
///
/// # Errors
/// When the folder has something in it or the system refuses; [`WriteError::Unsayable`] for a number of accounts that is
/// not from [`ACCOUNTS_MIN`] to [`ACCOUNTS_MAX`].
pub fn demo(accounts: u64, seed: u64, folder: &Path) -> Result<Made, WriteError> {
    if !(ACCOUNTS_MIN..=ACCOUNTS_MAX).contains(&accounts) {
        let range = format!("from {ACCOUNTS_MIN} to {ACCOUNTS_MAX}");
        return Err(WriteError::Unsayable(format!("{accounts} accounts, expected {range}")));
    }
    let mut shop = Shop::open()?;
    let people = each(accounts, seed, &mut |_, holder| {
        holder.parts.iter().try_for_each(|part| {
            let row = shop.row(holder.market, part)?;
            shop.add(holder.market, &row)
        })
    })?;
    let vaults = shop.vaults()?;
    vaults.iter().try_for_each(|(market, row)| shop.add(*market, row))?;
    let head = [("book.toml", HEAD), ("feeds.csv", FEEDS)].map(|(name, text)| (name.into(), text.into()));
    let mut written = Written { files: head.into() };
    written.files.extend(shop.markets()?);
    written.save(folder)?;

    let form = if accounts < PARQUET_FROM { Form::Csv } else { Form::Parquet };
    let path = folder.join(format!("positions.{}", form.extension()));
    let file = fs::File::create_new(&path).map_err(|error| failed(&path, &error))?;
    let mut table = Table::new(form, file, &COLUMNS)?;
    let mut rows = 0;
    let mut put = |row: &Row, market: usize, [name, owner, mode]: [&str; 3]| {
        let &Row { side, asset, stored, unit, .. } = row;
        rows += 1;
        table.row(&[name, MARKETS[market].0, word(side), asset, &stored.to_string(), unit, owner, mode])
    };
    each(accounts, seed, &mut |number, holder| {
        let (name, owner) = (name(number, people, seed), owner(number));
        holder.parts.iter().try_for_each(|part| {
            put(&shop.row(holder.market, part)?, holder.market, [&name, &owner, &holder.mode])
        })
    })?;
    vaults.iter().try_for_each(|(market, row)| put(row, *market, [VAULT, "", ""]))?;
    table.finish()?.sync_all().map_err(|error| failed(&path, &error))?;
    Ok(Made { accounts, people, rows, form })
}

fn failed(path: &Path, error: &std::io::Error) -> WriteError {
    WriteError::Failed(format!("{}: {error}", path.display()))
}

/// A number of the template or of the draw that does not fit: a mistake of ours.
fn beyond() -> WriteError {
    WriteError::Unsayable("a number of the demo book".into())
}

fn word(side: Side) -> &'static str {
    SIDES.iter().find(|(_, known)| *known == side).map_or("", |(word, _)| word)
}

/// Every account but the vaults', in order, with its person's number; how many people there are.
fn each(
    accounts: u64,
    seed: u64,
    see: &mut dyn FnMut(u64, &Holder) -> Result<(), WriteError>,
) -> Result<u64, WriteError> {
    let mut left = accounts - VAULTS;
    let mut number = 0;
    while left > 0 {
        for holder in people::person(seed, number).iter().take(left as usize) {
            see(number, holder)?;
            left -= 1;
        }
        number += 1;
    }
    Ok(number)
}

/// Like an address; names are in order.
fn name(number: u64, people: u64, seed: u64) -> String {
    let step = u64::MAX / people.max(1);
    // Another stream than the person's own.
    let mut draw = Draw::of(!seed, number);
    let first = number * step + draw.below(step);
    format!("0x{first:016x}{:016x}{:08x}", draw.word(), draw.word() as u32)
}

/// Two of fifty people are one fund, which has several addresses; of all others the account's name is the owner's.
fn owner(number: u64) -> String {
    if number % 50 < 2 { format!("fund {}", number / 50 + 1) } else { String::new() }
}

/// A holding in the venue's own integers.
struct Row {
    side: Side,
    asset: &'static str,
    raw: U256,
    stored: U256,
    unit: &'static str,
}

/// How a kind and asset of a market is counted.
struct Line {
    side: Side,
    asset: &'static str,
    instrument: InstrumentId,
    unit: &'static str,
    /// Raw tokens of so many millionths of a dollar: times the first, over the second (the price, of 8 digits).
    tokens: [U256; 2],
}

/// The template's markets while accounts come, and what they add up to.
struct Shop {
    desks: Vec<Box<dyn Desk>>,
    /// Each market's, as far as they were asked for.
    lines: Vec<Vec<Line>>,
    /// The template without its markets' positions.
    book: Book,
    quotes: Vec<Quote>,
    /// Raw tokens and the venue's integers, by market and instrument.
    sums: BTreeMap<(usize, InstrumentId), [U256; 2]>,
}

impl Shop {
    fn open() -> Result<Shop, WriteError> {
        let files = [("book.toml".to_string(), HEAD), ("feeds.csv".into(), FEEDS)].into_iter();
        let markets = MARKETS.iter().map(|(name, text)| (format!("markets/{name}.toml"), *text));
        let files = files.chain(markets);
        let files = files.map(|(name, text)| File { name, bytes: FileBytes::Read(text.into()) }).collect();
        let mut log = Log::default();
        let sources = files::texts(files, &mut log);
        let Frame { head, prices, places, wirings, .. } = frame(0, &sources, &mut log).ok_or_else(beyond)?;
        let mut shop = Shop {
            desks: Vec::new(),
            lines: Vec::new(),
            quotes: prices.graph.quotes(head.at),
            book: Book {
                name: head.name,
                at: head.at,
                graph: prices.graph,
                markets: Vec::new(),
                accounts: Vec::new(),
            },
            sums: BTreeMap::new(),
        };
        for (place, wiring) in places.into_iter().zip(wirings) {
            let desk = place.desk.ok_or_else(beyond)?;
            let market = desk.market().boxed_clone();
            shop.book.markets.push(ListedMarket { name: place.name, market, wiring: wiring.prices });
            shop.desks.push(desk);
            shop.lines.push(Vec::new());
        }
        Ok(shop)
    }

    /// What is worth so many millionths of a dollar: cut down to raw tokens, of which there is one at least, and recorded as
    /// the venue would.
    fn row(&mut self, market: usize, part: &Part) -> Result<Row, WriteError> {
        let Line { tokens: [times, over], .. } = self.line(market, part.side, part.asset)?;
        let raw = U256::from(part.micros).mul_div(*times, *over, Rounding::Down).ok_or_else(beyond)?;
        self.recorded(market, part.side, part.asset, raw.max(U256::ONE))
    }

    fn recorded(
        &mut self,
        market: usize,
        side: Side,
        asset: &'static str,
        raw: U256,
    ) -> Result<Row, WriteError> {
        let &Line { instrument, unit, .. } = self.line(market, side, asset)?;
        let stored = self.desks[market].convert(instrument, raw).ok_or_else(beyond)?;
        Ok(Row { side, asset, raw, stored, unit })
    }

    fn line(&mut self, market: usize, side: Side, asset: &'static str) -> Result<&Line, WriteError> {
        let is = |line: &Line| line.side == side && line.asset == asset;
        let at = match self.lines[market].iter().position(is) {
            Some(at) => at,
            None => {
                let line = self.new_line(market, side, asset).ok_or_else(beyond)?;
                self.lines[market].push(line);
                self.lines[market].len() - 1
            }
        };
        Ok(&self.lines[market][at])
    }

    fn new_line(&self, market: usize, side: Side, asset: &'static str) -> Option<Line> {
        let desk = &*self.desks[market];
        let span = Span { source: 0, start: 0, end: 0 };
        let [kind, cell] = [word(side), asset].map(|text| Cell { text: text.into(), span });
        let posting = Posting { side, kind: &kind, asset: &cell, as_collateral: None, mode: "" };
        let instrument = desk.instrument(&posting, &mut Log::default())?;
        // What no feed prices is a dollar.
        let price = match self.book.graph.find(&format!("{asset}/USD")) {
            Some(id) => self.quotes.get(id.0 as usize)?.value?.scaled_amount(8).ok()?,
            None => U256::pow10(8)?,
        };
        let tokens = [U256::pow10(decimals(desk, instrument) + 2)?, price];
        let unit = desk.stored(instrument).unwrap_or("raw");
        Some(Line { side, asset, instrument, unit, tokens })
    }

    fn add(&mut self, market: usize, row: &Row) -> Result<(), WriteError> {
        let Line { instrument, .. } = *self.line(market, row.side, row.asset)?;
        let [raw, stored] = self.sums.entry((market, instrument)).or_default();
        *raw = raw.add(row.raw).ok_or_else(beyond)?;
        *stored = stored.add(row.stored).ok_or_else(beyond)?;
        Ok(())
    }

    /// What the vault must supply so that savers and it together lend no more than [`LENT_PERCENT`]; one token at least.
    fn vaults(&mut self) -> Result<Vec<(usize, Row)>, WriteError> {
        let mut rows = Vec::new();
        for (market, asset) in LENT {
            let mut sum = |side| -> Result<U256, WriteError> {
                let Line { instrument, .. } = *self.line(market, side, asset)?;
                Ok(self.sums.get(&(market, instrument)).map_or(U256::ZERO, |[raw, _]| *raw))
            };
            let [supplied, lent] = [sum(Side::Supply)?, sum(Side::Debt)?];
            let hundred = U256::from(100_u64);
            let needed = lent.mul_div(hundred, U256::from(LENT_PERCENT), Rounding::Up).ok_or_else(beyond)?;
            let Line { instrument, .. } = *self.line(market, Side::Supply, asset)?;
            let one = U256::pow10(decimals(&*self.desks[market], instrument)).ok_or_else(beyond)?;
            let raw = needed.sub_or_zero(supplied).max(one);
            rows.push((market, self.recorded(market, Side::Supply, asset, raw)?));
        }
        Ok(rows)
    }

    /// The markets' files, with totals that are those of the accounts; as they stand where totals follow from the accounts.
    fn markets(&mut self) -> Result<Vec<(String, Vec<u8>)>, WriteError> {
        let mut files = Vec::new();
        for (market, (name, text)) in MARKETS.iter().enumerate() {
            let own = self.sums.range((market, InstrumentId(0))..(market + 1, InstrumentId(0)));
            let sums: Vec<_> = own.map(|((_, instrument), [_, stored])| (*instrument, *stored)).collect();
            let bytes = match self.desks[market].cover(&sums) {
                Some(()) => {
                    self.book.markets[market].market = self.desks[market].market().boxed_clone();
                    market_file(&self.book.markets[market], &self.book)?
                }
                None => text.as_bytes().to_vec(),
            };
            files.push((format!("markets/{name}.toml"), bytes));
        }
        Ok(files)
    }
}
