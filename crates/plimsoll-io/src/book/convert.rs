//! A book in another form: its tables cell by cell, everything else as it is.

use crate::book::write::{WriteError, Written, write};
use crate::book::{self, File, FileBytes, LeftOut, feeds, files, positions, rows, vols};
use crate::export::{Form, Table};
use crate::fault::{Faults, Log, Source};
use crate::table::{Column, Row, Rows};
use arrow_array::builder::LargeStringBuilder;
use arrow_array::{Array, LargeStringArray};
use std::path::Path;

/// In which order the rows of positions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they stand.
    Kept,
    /// By the account's name, byte by byte; the rows of one name as they stand. Such a Parquet file can be read
    /// account by account ([`crate::book::stream`]). The book's hash is another: accounts have another order.
    ByAccount,
}

/// Why a book is not converted.
#[derive(Debug)]
pub enum ConvertError {
    /// It is not sound; who would be left out.
    Faulty(Faults, LeftOut),
    /// It cannot be written.
    Write(WriteError),
}

/// The book at a path with its tables in this form. A book that is a folder keeps its other files as
/// they are and every cell of its tables; a one-file book becomes a folder as [`write()`] makes it.
///
/// # Errors
/// When anything in the book is faulty, or it cannot be written.
pub fn convert(path: &Path, form: Form, order: Order) -> Result<Written, ConvertError> {
    convert_files(files::list(path), form, order)
}

/// [`convert`] of files that were read already.
///
/// # Errors
/// As [`convert`].
pub fn convert_files(files: Vec<File>, form: Form, order: Order) -> Result<Written, ConvertError> {
    let mut log = Log::default();
    let sources = files::texts(files, &mut log);
    let (book, left_out) = book::of_sources(&sources, &mut log);
    let faults = log.finish(&sources);
    if !faults.is_empty() {
        return Err(ConvertError::Faulty(faults, left_out));
    }
    if !sources.iter().any(|source| source.name == "book.toml") {
        let written = write(&book).map_err(ConvertError::Write)?;
        let file = |(name, bytes)| File { name, bytes: FileBytes::Read(bytes) };
        return convert_files(written.files.into_iter().map(file).collect(), form, order);
    }
    let mut written = Written { files: Vec::new() };
    for (id, source) in sources.iter().enumerate() {
        let stem = source.name.split_once('.').map_or("", |(stem, _)| stem);
        let columns = match stem {
            "feeds" => feeds::COLUMNS,
            "positions" => positions::COLUMNS,
            "vols" => vols::COLUMNS,
            _ => {
                written.files.push((source.name.clone(), source.text.clone().into_bytes()));
                continue;
            }
        };
        let order = if stem == "positions" { order } else { Order::Kept };
        let bytes = table((source, id as u16), columns, form, order).map_err(ConvertError::Write)?;
        written.files.push((format!("{stem}.{}", form.extension()), bytes));
    }
    Ok(written)
}

/// A table's cells in this form. The table is known to be sound.
fn table(
    (source, id): (&Source, u16),
    columns: &'static [Column],
    form: Form,
    order: Order,
) -> Result<Vec<u8>, WriteError> {
    let names = names(source, id);
    let known = |name: &String| columns.iter().position(|column| column.name == name);
    let places: Vec<usize> = names.iter().filter_map(known).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut out = Table::new(form, Vec::new(), &names)?;
    let mut log = Log::default();
    if order == Order::Kept {
        let mut result = Ok(());
        rows::of_table(source, id, columns, &mut log, |record, _, _| {
            let cells: Vec<&str> = places.iter().map(|place| record.text(*place)).collect();
            if result.is_ok() {
                result = out.row(&cells);
            }
        });
        result?;
        return out.finish();
    }
    let mut cells: Vec<LargeStringBuilder> = places.iter().map(|_| LargeStringBuilder::new()).collect();
    rows::of_table(source, id, columns, &mut log, |record, _, _| {
        for (cells, place) in cells.iter_mut().zip(&places) {
            cells.append_value(record.text(*place));
        }
    });
    let cells: Vec<LargeStringArray> = cells.iter_mut().map(LargeStringBuilder::finish).collect();
    let account = places.iter().position(|place| *place == positions::ACCOUNT).and_then(|at| cells.get(at));
    let mut order: Vec<usize> = (0..account.map_or(0, Array::len)).collect();
    if let Some(account) = account {
        order.sort_by(|x, y| account.value(*x).cmp(account.value(*y)));
    }
    for row in order {
        let cells: Vec<&str> = cells.iter().map(|cells| cells.value(row)).collect();
        out.row(&cells)?;
    }
    out.finish()
}

/// The columns of a sound table, in its own order.
fn names(source: &Source, id: u16) -> Vec<String> {
    if let Some(packed) = &source.packed {
        return packed.columns.get().cloned().unwrap_or_default();
    }
    let mut row = Row::default();
    Rows::new(source, id, b',').next(&mut row, &mut Log::default());
    row.cells.iter().map(|cell| cell.text.to_string()).collect()
}
