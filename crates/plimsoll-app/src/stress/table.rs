//! `plimsoll stress --parquet`: one row for each liquidatable account of each scenario. `docs/output.md` describes the columns.

use super::{Changed, Seen};
use crate::exit;
use crate::part::Part;
use crate::show::{self, errln};
use plimsoll::{Below, Jump, Ratio};
use plimsoll_core::{Book, Int};
use plimsoll_io::book::WriteError;
use plimsoll_io::export::{Form, Table};
use std::fs::File;
use std::path::Path;

const COLUMNS: [&str; 11] = [
    "scenario",
    "with_set",
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
pub(super) fn write(path: &Path, book: &Book, seen: &Seen, changed: Option<Changed<'_>>) -> Result<(), u8> {
    written(path, book, seen, changed).map_err(|error| {
        errln!("plimsoll: {}: {error}", path.display());
        exit::UNWRITTEN
    })
}

fn written(path: &Path, book: &Book, seen: &Seen, changed: Option<Changed<'_>>) -> Result<(), WriteError> {
    let part = Part::new(path);
    let file = File::create(&part.path).map_err(|error| WriteError::Failed(error.to_string()))?;
    let mut table = Table::new(Form::Parquet, file, &COLUMNS)?;
    for (seen, with_set) in [(Some(seen), "no"), (changed.map(|it| it.seen), "yes")] {
        for jump in seen.iter().flat_map(|seen| &seen.jumps) {
            jump.below.iter().try_for_each(|below| table.row(&cells(book, jump, with_set, below)))?;
        }
    }
    table.note("plimsoll.book", &seen.identity.book);
    table.note("plimsoll.book_hash", &seen.identity.hash);
    table.note("plimsoll.at", &seen.identity.at.0.to_string());
    table.note("plimsoll.program", &format!("plimsoll {}", seen.identity.program));
    if let Some(changed) = changed {
        table.note("plimsoll.set", &changed.set.join("\n"));
        table.note("plimsoll.with_set_book_hash", &changed.seen.identity.hash);
    }
    table.finish()?;
    part.keep()
}

fn cells(book: &Book, jump: &Jump, with_set: &str, below: &Below) -> [String; 11] {
    let listed = &book.accounts[below.account];
    let risk = &jump.markets[listed.market].risk;
    let health =
        |health: &Option<Ratio>| health.as_ref().map_or_else(String::new, |health| health.digits(0, 18));
    let money =
        |value: Option<Int>| value.map_or_else(String::new, |value| show::exact(value, risk.decimals));
    [
        jump.scenario.called(),
        with_set.into(),
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
