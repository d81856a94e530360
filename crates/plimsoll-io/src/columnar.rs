//! Parquet: the same tables as CSV, column by column, and every fault located by row and column.
//!
//! The decoder is the `parquet` crate's. Before it sees anything of a file, the footer and every page's header are
//! looked through here, because the decoder believes the lengths that they declare; what is too long or of another
//! kind is refused by name. What it stumbles over all the same is caught ([`decoding`]). Texts are not copied out of their pages, so that a short file cannot become a long table.

mod contained;
mod input;
mod pages;
mod texts;
mod thrift;

pub use contained::decoding;
pub(crate) use input::Input;

use crate::fault::{Code, Log, Span};
use crate::table::{CELL_MAX, COLUMNS_MAX, Column, Header, place_columns};
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::file::reader::Length;
use arrow_array::RecordBatch;
use contained::contained;
use std::sync::Arc;
use texts::Texts;

/// A table of more rows than this is refused.
pub const ROWS_MAX: u64 = 100_000_000;
/// A footer longer than this \[bytes\] is refused.
const FOOTER_MAX: u64 = 8 << 20;
/// More row groups than this are refused.
const GROUPS_MAX: u64 = 32_767;
/// Rows that are decoded at a time.
const BATCH: usize = 8192;
/// A decoder's message is cut after so many characters.
const MESSAGE_MAX: usize = 160;

/// The file's magic, at both its ends.
const MAGIC: &[u8; 4] = b"PAR1";

/// A Parquet table that is being read.
pub(crate) struct Sheet {
    input: Input,
    metadata: ArrowReaderMetadata,
    /// For each known column, which of the file's it is.
    pub(crate) places: Header,
    /// Rows by the file's own count.
    pub(crate) rows: u64,
    /// Which of the sources.
    id: u16,
    next_group: usize,
    open: Option<Group>,
    /// The first row of the group that comes next.
    next_row: u64,
    /// Rows are missing.
    pub(crate) torn: bool,
}

/// A row group that is being read.
struct Group {
    reader: ParquetRecordBatchReader,
    /// The next row, and the one after the group's last.
    row: u64,
    end: u64,
}

/// Some rows.
pub(crate) struct Batch {
    /// The place of the first in the file, from 0.
    first: u64,
    /// How many.
    pub(crate) rows: usize,
    /// Whether any text is longer than a cell may be.
    pub(crate) long: bool,
    columns: Vec<Texts>,
}

impl Batch {
    /// The text of a known column in a row; empty when there is none, or it is too long.
    #[inline]
    pub(crate) fn text(&self, column: usize, row: usize) -> &str {
        let text = self.columns[column].get(row);
        if text.len() > CELL_MAX { "" } else { text }
    }

    /// Something that only equal texts of a column have in common, where there is such a thing at hand.
    #[inline]
    pub(crate) fn key(&self, column: usize, row: usize) -> Option<u128> {
        self.columns[column].key(row)
    }

    /// The length of a text that is longer than a cell may be \[bytes\].
    pub(crate) fn too_long(&self, column: usize, row: usize) -> Option<usize> {
        let length = self.columns[column].get(row).len();
        (length > CELL_MAX).then_some(length)
    }

    /// The row's number in the file, from 0.
    #[inline]
    pub(crate) fn number(&self, row: usize) -> u32 {
        (self.first + row as u64) as u32
    }
}

impl Sheet {
    /// Opens a table that may have these columns. `None` when no row of it can be read, which is told. `named` is
    /// given the names of the file's columns, for places to be told by.
    pub(crate) fn open(
        input: &Input,
        (name, id): (&str, u16),
        columns: &[Column],
        named: impl FnOnce(Vec<String>),
        log: &mut Log,
    ) -> Option<Sheet> {
        let metadata = metadata(input).map_err(|[found, expected]| {
            log.file(Code::NotParquet, name, found, expected);
        });
        let metadata = metadata.ok()?;
        let rows = metadata.metadata().row_groups().iter().map(|group| group.num_rows());
        let rows = rows.map(u64::try_from).try_fold(0_u64, |sum, rows| sum.checked_add(rows.ok()?));
        let Some(rows) = rows.filter(|rows| *rows <= ROWS_MAX) else {
            let found = rows.map_or("a number of rows that cannot be".into(), |rows| format!("{rows} rows"));
            log.file(Code::TooLarge, name, found, format!("at most {ROWS_MAX}"));
            return None;
        };
        let before = log.count();
        let fields: Vec<String> =
            metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
        named(fields.clone());
        let at = |column: usize| Span { source: id, start: Span::NONE, end: column as u32 };
        let cells = fields.iter().enumerate().map(|(column, name)| (name.as_str(), at(column)));
        let places = place_columns(cells, Span { end: Span::NONE, ..at(0) }, columns, log);
        for (column, place) in columns.iter().zip(&places) {
            let Some(place) = *place else { continue };
            if let Err(unfit) = texts::fits(metadata.schema().field(place).data_type(), column.holds) {
                let fault = log.at(Code::ColumnType, at(place), unfit.found, unfit.expected);
                if let Some(help) = unfit.help {
                    fault.help(help);
                }
            }
        }
        if log.count() != before {
            return None;
        }
        let views = ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_schema(Arc::new(texts::as_views(&metadata)));
        let metadata = contained(|| ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), views))
            .map_err(|error| {
                log.file(Code::NotParquet, name, message(&error), "columns of texts and numbers");
            });
        let metadata = metadata.ok()?;
        let input = input.clone();
        Some(Sheet { input, metadata, places, rows, id, next_group: 0, open: None, next_row: 0, torn: false })
    }

    /// The next rows, until there are no more. A row group that cannot be decoded is told; those after it are read.
    pub(crate) fn next(&mut self, log: &mut Log) -> Option<Batch> {
        loop {
            if let Some(group) = &mut self.open {
                match next_batch(&mut group.reader) {
                    Ok(Some(batch)) if batch.num_rows() as u64 <= group.end - group.row => {
                        let (first, rows) = (group.row, batch.num_rows());
                        group.row += rows as u64;
                        let column = |place: &Option<usize>| match place {
                            Some(at) => Texts::of(batch.column(*at)),
                            None => Texts::Absent,
                        };
                        let columns: Vec<Texts> = self.places.iter().map(column).collect();
                        let long = columns.iter().any(|texts| texts.longest() > CELL_MAX);
                        return Some(Batch { first, rows, long, columns });
                    }
                    Ok(None) if group.row == group.end => self.open = None,
                    _ => self.tell_broken(log),
                }
            } else if !self.open_next(log)? {
                self.torn = true;
            }
        }
    }

    /// Opens the next row group; `None` when there is none, `false` when it cannot be read, which is told.
    fn open_next(&mut self, log: &mut Log) -> Option<bool> {
        let number = self.next_group;
        let group = self.metadata.metadata().row_groups().get(number)?;
        let (row, end) = (self.next_row, self.next_row + group.num_rows() as u64);
        (self.next_group, self.next_row) = (number + 1, end);
        let mut sound = true;
        for (column, chunk) in group.columns().iter().enumerate() {
            if let Err([found, expected]) = pages::check(&self.input, chunk, end - row) {
                let span = Span { source: self.id, start: row as u32, end: column as u32 };
                log.at(Code::NotParquet, span, found, expected);
                sound = false;
            }
        }
        if !sound {
            return Some(false);
        }
        match self.reader(number, ProjectionMask::all()) {
            Ok(reader) => self.open = Some(Group { reader, row, end }),
            Err(error) => {
                let span = Span { source: self.id, start: row as u32, end: Span::NONE };
                log.at(Code::NotParquet, span, message(&error), "a row group that can be decoded");
                return Some(false);
            }
        }
        Some(true)
    }

    fn reader(
        &self,
        group: usize,
        columns: ProjectionMask,
    ) -> ::parquet::errors::Result<ParquetRecordBatchReader> {
        contained(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.input.clone(), self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(columns)
                .with_batch_size(BATCH)
                .build()
        })
    }

    /// The open row group cannot be decoded on: finds out from which rows and in which columns.
    fn tell_broken(&mut self, log: &mut Log) {
        self.torn = true;
        let Some(Group { row, end, .. }) = self.open.take() else { return };
        let group = self.next_group - 1;
        let first = self.next_row - self.metadata.metadata().row_group(group).num_rows() as u64;
        let before = log.count();
        for column in 0..self.metadata.schema().fields().len() {
            let alone = ProjectionMask::roots(self.metadata.parquet_schema(), [column]);
            let (mut at, mut why) = (first, None);
            match self.reader(group, alone) {
                Ok(mut reader) => loop {
                    match next_batch(&mut reader) {
                        Ok(Some(batch)) => at += batch.num_rows() as u64,
                        Ok(None) => break,
                        Err(error) => {
                            why = Some(error.to_string());
                            break;
                        }
                    }
                },
                Err(error) => why = Some(error.to_string()),
            }
            if why.is_none() && at == end {
                continue;
            }
            let found = why.map_or_else(|| format!("{} rows", at - first), |why| message(&why));
            let span = Span { source: self.id, start: at.min(end) as u32, end: column as u32 };
            log.at(Code::NotParquet, span, found, format!("{} rows that can be decoded", end - first));
        }
        if log.count() == before {
            let span = Span { source: self.id, start: row as u32, end: Span::NONE };
            log.at(Code::NotParquet, span, "rows that cannot be decoded", format!("{} rows", end - first));
        }
    }
}

/// The next rows of a row group; `None` after the last.
fn next_batch(reader: &mut ParquetRecordBatchReader) -> ::parquet::errors::Result<Option<RecordBatch>> {
    contained(|| Ok(reader.next().transpose()?))
}

/// The footer, once it was looked through.
fn metadata(input: &Input) -> Result<ArrowReaderMetadata, [String; 2]> {
    let wrong = |found: &str| Err([found.to_string(), "a Parquet file".to_string()]);
    let length = input.len();
    if length < 12 {
        return wrong(&format!("{length} bytes"));
    }
    let tail = input.window(length - 8, 8).unwrap_or_default();
    let begins = input.window(0, 4).is_ok_and(|head| *head == MAGIC[..]);
    if !begins || tail.get(4..) != Some(&MAGIC[..]) {
        let found =
            if begins { "a beginning without its end" } else { "a file that does not begin with PAR1" };
        return wrong(found);
    }
    let footer = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if footer > (length - 12).min(FOOTER_MAX) {
        return wrong(&format!("a footer of {footer} bytes"));
    }
    let bytes = input.window(length - 8 - footer, footer).unwrap_or_default();
    let declared =
        thrift::footer(&bytes).map_err(|wrong| [wrong.into(), "a footer that can be read".to_string()])?;
    if declared.schema_elements > COLUMNS_MAX as u64 + 1 || declared.row_groups > GROUPS_MAX {
        let thrift::Footer { schema_elements, row_groups } = declared;
        let found = format!("{schema_elements} columns and {row_groups} row groups");
        return Err([found, format!("at most {COLUMNS_MAX} and {GROUPS_MAX}")]);
    }
    // What Arrow adds to a file's schema is a view of it and not needed.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    contained(|| ArrowReaderMetadata::load(input, options))
        .map_err(|error| [message(&error), "a footer that can be read".to_string()])
}

/// A decoder's message on one line, cut where it becomes long.
fn message(error: &dyn ToString) -> String {
    let text = error.to_string();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MESSAGE_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
