//! `plimsoll stress --parquet`: one row for each liquidatable account of each scenario. `docs/output.md` describes the columns.

use super::Seen;
use crate::exit;
use crate::show::{self, errln};
use crate::survey::Part;
use plimsoll::{Below, Jump, Ratio};
use plimsoll_core::{Book, Int};
use plimsoll_io::book::WriteError;
use plimsoll_io::export::{Form, Table};
use std::fs::File;
use std::path::Path;

const COLUMNS: [&str; 10] = [
    "scenario",
    "account",
    "owner",
    "market",
    "already",
    "health_before",
    "health_after",
    "currency",
    "collateral",
    "debt",
];

/// Writes the table; the exit code where it cannot be.
pub(super) fn write(path: &Path, book: &Book, seen: &Seen) -> Result<(), u8> {
    written(path, book, seen).map_err(|error| {
        errln!("plimsoll: {}: {error}", path.display());
        exit::UNWRITTEN
    })
}

fn written(path: &Path, book: &Book, seen: &Seen) -> Result<(), WriteError> {
    let part = Part::new(path);
    let file = File::create(&part.path).map_err(|error| WriteError::Failed(error.to_string()))?;
    let mut table = Table::new(Form::Parquet, file, &COLUMNS)?;
    for jump in &seen.jumps {
        jump.below.iter().try_for_each(|below| table.row(&cells(book, jump, below)))?;
    }
    table.note("plimsoll.book", &seen.identity.book);
    table.note("plimsoll.book_hash", &seen.identity.hash);
    table.note("plimsoll.at", &seen.identity.at.0.to_string());
    table.note("plimsoll.program", &format!("plimsoll {}", seen.identity.program));
    table.finish()?;
    part.keep()
}

fn cells(book: &Book, jump: &Jump, below: &Below) -> [String; 10] {
    let listed = &book.accounts[below.account];
    let risk = &jump.markets[listed.market].risk;
    let health =
        |health: &Option<Ratio>| health.as_ref().map_or_else(String::new, |health| health.digits(0, 18));
    let money =
        |value: Option<Int>| value.map_or_else(String::new, |value| show::exact(value, risk.decimals));
    [
        jump.scenario.name.clone(),
        listed.name.clone(),
        listed.owner.clone(),
        book.markets[listed.market].name.clone(),
        if below.already { "yes" } else { "no" }.into(),
        health(&below.before),
        health(&below.after),
        risk.currency.clone(),
        money(below.collateral),
        money(below.debt),
    ]
}
