//! Tables to files, row by row: CSV or Parquet, the same bytes for the same rows.
//!
//! Every cell is a text, in Parquet too: amounts have up to 78 digits, and what is rounded nowhere can be compared.

use crate::book::WriteError;
use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_writer::ArrowWriterOptions;
use ::parquet::basic::Compression;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use arrow_array::builder::LargeStringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use std::io::{BufWriter, ErrorKind, Write};
use std::sync::Arc;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text, comma separated, as RFC 4180 has it, with bare line feeds.
    Csv,
    /// Columns, compressed.
    Parquet,
}

impl Form {
    /// The ending of such a file's name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Form::Csv => "csv",
            Form::Parquet => "parquet",
        }
    }
}

/// Rows of a Parquet row group: few enough to be decoded at once by anybody.
const GROUP_ROWS: usize = 131_072;
/// Rows that are handed to the encoder together.
const BATCH_ROWS: usize = 8192;
/// A column whose distinct texts of a row group take more than this \[bytes\] is written plain.
const DICTIONARY_MAX: usize = 8 << 20;

/// A table that is being written.
pub struct Table<W: Write + Send>(Inner<W>);

enum Inner<W: Write + Send> {
    Csv(BufWriter<W>),
    Parquet(Box<Packing<W>>),
}

struct Packing<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: Arc<Schema>,
    columns: Vec<LargeStringBuilder>,
    rows: usize,
}

fn failed(error: impl ToString) -> WriteError {
    WriteError::Failed(error.to_string())
}

fn refused(error: &std::io::Error) -> WriteError {
    if error.kind() == ErrorKind::BrokenPipe { WriteError::Gone } else { failed(error) }
}

impl<W: Write + Send> Table<W> {
    /// Begins a table with its columns' names.
    ///
    /// # Errors
    /// [`WriteError::Failed`] when `out` does not take it.
    pub fn new(form: Form, out: W, names: &[&str]) -> Result<Table<W>, WriteError> {
        if form == Form::Csv {
            let mut table = Table(Inner::Csv(BufWriter::new(out)));
            table.row(names)?;
            return Ok(table);
        }
        let fields: Vec<Field> =
            names.iter().map(|name| Field::new(*name, DataType::LargeUtf8, true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            // Without a version, so that the next one writes the same bytes.
            .set_created_by("plimsoll".into())
            .set_compression(Compression::SNAPPY)
            .set_dictionary_page_size_limit(DICTIONARY_MAX)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .build();
        // A reader of Arrow's own would see large texts, which are a matter of this memory and not of the file.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(out, Arc::clone(&schema), options).map_err(failed)?;
        let columns = names.iter().map(|_| LargeStringBuilder::new()).collect();
        Ok(Table(Inner::Parquet(Box::new(Packing { writer, schema, columns, rows: 0 }))))
    }

    /// Writes a row; an empty cell is a missing one.
    ///
    /// # Errors
    /// [`WriteError::Failed`] when `out` does not take it.
    pub fn row<C: AsRef<str>>(&mut self, cells: &[C]) -> Result<(), WriteError> {
        match &mut self.0 {
            Inner::Csv(out) => csv_row(cells, out).map_err(|error| refused(&error)),
            Inner::Parquet(packing) => packing.row(cells),
        }
    }

    /// Says something of the table as a whole; CSV has no place for it.
    pub fn note(&mut self, key: &str, value: &str) {
        if let Inner::Parquet(packing) = &mut self.0 {
            packing.writer.append_key_value_metadata(KeyValue::new(key.to_string(), value.to_string()));
        }
    }

    /// Ends the table; what it was written to.
    ///
    /// # Errors
    /// [`WriteError::Failed`] when `out` does not take the rest.
    pub fn finish(self) -> Result<W, WriteError> {
        match self.0 {
            Inner::Csv(out) => out.into_inner().map_err(|error| refused(error.error())),
            Inner::Parquet(mut packing) => {
                packing.flush()?;
                packing.writer.into_inner().map_err(failed)
            }
        }
    }
}

impl<W: Write + Send> Packing<W> {
    fn row<C: AsRef<str>>(&mut self, cells: &[C]) -> Result<(), WriteError> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            match cell.as_ref() {
                "" => column.append_null(),
                text => column.append_value(text),
            }
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let columns = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(failed)?;
        self.writer.write(&batch).map_err(failed)
    }
}

/// A line of CSV; cells are quoted where they must be.
fn csv_row<C: AsRef<str>>(cells: &[C], out: &mut impl Write) -> std::io::Result<()> {
    for (at, cell) in cells.iter().enumerate() {
        let cell = cell.as_ref();
        if at > 0 {
            out.write_all(b",")?;
        }
        if cell.contains(['"', ',', '\n', '\r']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}
