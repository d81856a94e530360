//! `plimsoll calibrate --parquet`: one row for each market, collateral and column. `docs/output.md` describes the columns.

use super::words::{binds, name};
use crate::exit;
use crate::part::Part;
use crate::show::errln;
use plimsoll::{Calibrated, Calibration, Column, Observed};
use plimsoll_io::book::WriteError;
use plimsoll_io::export::{Form, Table};
use plimsoll_risk::history::History;
use std::fs::File;
use std::path::Path;

const COLUMNS: [&str; 17] = [
    "market",
    "asset",
    "currency",
    "column",
    "eligible",
    "threshold_share",
    "ltv_share",
    "bonus_share",
    "close_factor_share",
    "haircut_share",
    "supply_cap_tokens",
    "borrow_cap",
    "cap_bound_by",
    "next_threshold_share",
    "next_ltv_share",
    "loss",
    "newly_liquidatable",
];

/// Writes the table; the exit code where it cannot be.
pub(super) fn write(path: &Path, found: &Calibration, history: &History) -> Result<(), u8> {
    written(path, found, history).map_err(|error| {
        errln!("plimsoll: {}: {error}", path.display());
        exit::UNWRITTEN
    })
}

fn written(path: &Path, found: &Calibration, history: &History) -> Result<(), WriteError> {
    let part = Part::new(path);
    let file = File::create(&part.path).map_err(|error| WriteError::Failed(error.to_string()))?;
    let mut table = Table::new(Form::Parquet, file, &COLUMNS)?;
    for one in &found.all {
        let Ok(seen) = &one.found else { continue };
        seen.columns.iter().try_for_each(|column| table.row(&cells(one, seen, column)))?;
    }
    table.note("plimsoll.book", &found.identity.book);
    table.note("plimsoll.book_hash", &found.identity.hash);
    table.note("plimsoll.at", &found.identity.at.0.to_string());
    table.note("plimsoll.history", history.digest());
    table.note("plimsoll.program", &format!("plimsoll {}", found.identity.program));
    table.finish()?;
    part.keep()
}

fn cells(one: &Calibrated, seen: &Observed, column: &Column) -> [String; 17] {
    let line = &column.line;
    let number = |value: f64| if value.is_finite() { value.to_string() } else { String::new() };
    [
        one.market.clone(),
        one.asset.clone(),
        one.currency.clone(),
        name(column.appetite).into(),
        if seen.eligible() { "yes" } else { "no" }.into(),
        number(line.threshold),
        number(line.ltv),
        number(column.bonus),
        number(column.close),
        number(column.haircut),
        number(column.cap.supply),
        number(column.cap.debt),
        binds(column).into(),
        number(column.next.0),
        number(column.next.1),
        number(line.loss),
        column.touched.as_ref().map_or_else(|_| String::new(), |touched| touched.accounts.len().to_string()),
    ]
}
