//! `plimsoll correlations --parquet`: every hour's correlation of every pair. `docs/output.md` describes the columns.

use crate::exit;
use crate::part::Part;
use crate::show::errln;
use plimsoll::Monitor;
use plimsoll_io::book::WriteError;
use plimsoll_io::export::{Form, Table};
use std::fs::File;
use std::path::Path;

const COLUMNS: [&str; 7] =
    ["time_s", "collateral", "debt", "correlation", "correlation_before", "standard_errors", "beyond_usual"];

/// Writes the table; the exit code where it cannot be.
pub(super) fn write(path: &Path, answer: &Monitor) -> Result<(), u8> {
    written(path, answer).map_err(|error| {
        errln!("plimsoll: {}: {error}", path.display());
        exit::UNWRITTEN
    })
}

fn written(path: &Path, answer: &Monitor) -> Result<(), WriteError> {
    let part = Part::new(path);
    let file = File::create(&part.path).map_err(|error| WriteError::Failed(error.to_string()))?;
    let mut table = Table::new(Form::Parquet, file, &COLUMNS)?;
    for pair in &answer.pairs {
        let Ok(seen) = &pair.seen else { continue };
        for reading in &seen.readings {
            table.row(&[
                seen.times[reading.row].to_string(),
                pair.collateral.clone(),
                pair.debt.clone(),
                reading.fast.to_string(),
                reading.slow.to_string(),
                reading.errors.to_string(),
                reading.beyond.to_string(),
            ])?;
        }
    }
    table.note("plimsoll.book", &answer.identity.book);
    table.note("plimsoll.book_hash", &answer.identity.hash);
    table.note("plimsoll.history", &answer.history);
    table.note("plimsoll.program", &format!("plimsoll {}", answer.identity.program));
    table.finish()?;
    part.keep()
}
