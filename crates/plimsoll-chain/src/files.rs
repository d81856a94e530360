//! What was read of a chain, as the files of a book.
//!
//! The files are written as a person would write them, read by the reader of books, and what it made of them is written as it
//! always writes. So whatever contradicts itself is found here, and the bytes are those of any book with this in it.

use crate::abi::Address;
use crate::error::ChainError;
use crate::rpc::Block;
use plimsoll_core::U256;
use plimsoll_io::book::{self, ConvertError, File, FileBytes, Order, Written};
use plimsoll_io::export::Form;
use serde_json::{Value as Json, json};
use std::fmt::Write;

/// The file that says which block of which chain a book is of, and where its markets are.
pub const ORIGIN: &str = "chain.json";

/// A price that a market acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Its name in the book.
    pub name: String,
    /// The oracle's integer; `None` where it has none.
    pub price: Option<U256>,
    /// What the integer counts.
    pub decimals: usize,
    /// `USD/WETH`.
    pub unit: String,
    /// The contract that says so.
    pub source: Address,
    /// When it was observed (s).
    pub observed_at: u64,
}

/// A holding of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose.
    pub account: Address,
    /// `supply`, `collateral`, `debt`.
    pub kind: &'static str,
    /// The asset's name in the market.
    pub asset: String,
    /// In the unit.
    pub quantity: U256,
    /// `scaled`, `shares`, `raw`.
    pub unit: &'static str,
    /// Whether it counts as collateral, at Aave.
    pub as_collateral: Option<bool>,
    /// The account's mode.
    pub mode: String,
}

/// A market with all that was read of it.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name in the book.
    pub name: String,
    /// Its file.
    pub market: Json,
    /// Its prices.
    pub feeds: Vec<Feed>,
    /// What stands of it in `chain.json`.
    pub origin: Json,
    /// Its accounts, by address.
    pub rows: Vec<Row>,
    /// What a person should know of it.
    pub notes: Vec<String>,
}

/// The files of a book of a block; `whole` where all accounts of its markets are in it.
///
/// # Errors
/// When the reader of books refuses what was read.
pub fn written(block: &Block, parts: &[Part], whole: bool, form: Form) -> Result<Written, ChainError> {
    let head = format!(
        "format = 1\nname = \"chain {}, block {}, {}\"\nat = {}\n",
        block.chain, block.number, block.hash, block.time
    );
    let mut files = vec![text("book.toml", head)];
    let mut feeds = String::from("feed,kind,price,unit,source,observed_at,max_age,confidence\n");
    for feed in parts.iter().flat_map(|part| &part.feeds) {
        let price = feed.price.map_or_else(String::new, |price| decimal(price, feed.decimals));
        let Feed { name, unit, source, observed_at, .. } = feed;
        let _ = writeln!(feeds, "{name},oracle,{price},{unit},{source},{observed_at},,");
    }
    files.push(text("feeds.csv", feeds));
    for part in parts {
        files.push(text(&format!("markets/{}.json", part.name), part.market.to_string()));
    }
    files.push(text("positions.csv", positions(parts)));
    let opened = book::read(files);
    if let Some(fault) = opened.faults.list.first() {
        let more = opened.faults.list.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
        return Err(ChainError::NoBook(format!("{fault}{more}")));
    }
    let refused = |why: &dyn std::fmt::Display| ChainError::NoBook(why.to_string());
    let mut written = book::write(&opened.book).map_err(|error| refused(&error))?;
    if form != Form::Csv {
        let file = |(name, bytes)| File { name, bytes: FileBytes::Read(bytes) };
        let files = written.files.into_iter().map(file).collect();
        written = book::convert_files(files, form, Order::Kept).map_err(|error| match error {
            ConvertError::Faulty(faults, _) => {
                ChainError::NoBook(faults.list.first().map_or_else(String::new, ToString::to_string))
            }
            ConvertError::Write(error) => refused(&error),
        })?;
    }
    written.files.push((ORIGIN.into(), origin(block, parts, whole).into_bytes()));
    Ok(written)
}

fn text(name: &str, text: String) -> File {
    File { name: name.into(), bytes: FileBytes::Read(text.into_bytes()) }
}

/// All holdings by account, so that a book of any size can be read account by account.
fn positions(parts: &[Part]) -> String {
    let mut all: Vec<(Address, usize, &Row)> = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        all.extend(part.rows.iter().map(|row| (row.account, place, row)));
    }
    all.sort_by_key(|(account, place, _)| (*account, *place));
    let mut out = String::from("account,market,kind,asset,quantity,unit,as_collateral,mode\n");
    for (_, place, row) in all {
        let Row { account, kind, asset, quantity, unit, mode, .. } = row;
        let as_collateral = match row.as_collateral {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        let market = &parts[place].name;
        let _ = writeln!(out, "{account},{market},{kind},{asset},{quantity},{unit},{as_collateral},{mode}");
    }
    out
}

fn origin(block: &Block, parts: &[Part], whole: bool) -> String {
    let markets: serde_json::Map<String, Json> =
        parts.iter().map(|part| (part.name.clone(), part.origin.clone())).collect();
    let origin = json!({
        "format": 1,
        "chain": block.chain,
        "block": block.number,
        "block_hash": block.hash,
        "time": block.time,
        "whole": whole,
        "markets": markets,
    });
    format!("{origin:#}\n")
}

/// An integer with so many digits after the point, all of them.
pub(crate) fn decimal(number: U256, decimals: usize) -> String {
    let digits = number.to_string();
    if decimals == 0 {
        return digits;
    }
    let digits = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    format!("{whole}.{fraction}")
}
