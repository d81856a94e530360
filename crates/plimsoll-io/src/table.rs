//! CSV with the exact place of every cell; the syntax is `csv-core`'s, made strict about quotation marks.

use crate::fault::{Code, Log, Source, Span, nearest, quoted};
use csv_core::{ReadFieldResult, Reader};
use std::borrow::Cow;

/// A cell longer than this \[bytes\] is refused.
pub const CELL_MAX: usize = 64 * 1024;
/// More columns than this are refused.
pub const COLUMNS_MAX: usize = 1024;

/// A cell of a table, or a value of a one-file book: a text and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Cell<'s> {
    pub(crate) text: Cow<'s, str>,
    pub(crate) span: Span,
}

/// A row of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row<'s> {
    pub(crate) cells: Vec<Cell<'s>>,
}

/// Reads a table row by row, the header included.
pub(crate) struct Rows<'s> {
    source: &'s Source,
    id: u16,
    reader: Reader,
    at: usize,
    done: bool,
    /// A quotation mark out of place has taken whole lines with it.
    pub(crate) torn: bool,
}

impl<'s> Rows<'s> {
    /// Begins at the top; `delimiter` is a comma but in imports.
    pub(crate) fn new(source: &'s Source, id: u16, delimiter: u8) -> Rows<'s> {
        let reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Rows { source, id, reader, at: 0, done: false, torn: false }
    }

    /// The next row, in place of the last; `false` after the last one. Lines with nothing on them are no rows.
    pub(crate) fn next(&mut self, row: &mut Row<'s>, log: &mut Log) -> bool {
        row.cells.clear();
        let text = self.source.text.as_str();
        while matches!(text.as_bytes().get(self.at), Some(b'\n' | b'\r')) {
            // The parser skips these, too; here they would become part of the first cell's place.
            self.skip_byte();
        }
        if self.done || self.at >= text.len() {
            return false;
        }
        loop {
            let Some((cell, last)) = self.cell(log) else { return !row.cells.is_empty() };
            match row.cells.len() {
                0..COLUMNS_MAX => row.cells.push(cell),
                // Told once for the row; the rest of it is read over.
                COLUMNS_MAX => {
                    let expected = format!("at most {COLUMNS_MAX} cells in a row");
                    log.at(Code::TooLarge, cell.span, "one more cell", expected);
                    row.cells.push(cell);
                }
                _ => {}
            }
            if last {
                return true;
            }
        }
    }

    fn skip_byte(&mut self) {
        let mut nothing = [0; 8];
        self.reader.read_field(&self.source.text.as_bytes()[self.at..=self.at], &mut nothing);
        self.at += 1;
    }

    fn cell(&mut self, log: &mut Log) -> Option<(Cell<'s>, bool)> {
        let text = self.source.text.as_str();
        let start = self.at;
        let mut buffer = [0; 4096];
        let (mut unquoted, mut length) = (Vec::new(), 0);
        let last = loop {
            let (result, read, written) = self.reader.read_field(&text.as_bytes()[self.at..], &mut buffer);
            self.at += read;
            length += written;
            if length <= CELL_MAX {
                unquoted.extend_from_slice(&buffer[..written]);
            }
            match result {
                ReadFieldResult::OutputFull => {}
                // The parser wants to be told of the end with an empty input.
                ReadFieldResult::InputEmpty if self.at >= text.len() && read > 0 => {}
                ReadFieldResult::InputEmpty | ReadFieldResult::End => {
                    self.done = true;
                    break true;
                }
                ReadFieldResult::Field { record_end } => break record_end,
            }
        };
        if self.done && start >= text.len() {
            return None;
        }
        let ended = text[start..self.at].ends_with(['\n', '\r']) || !last;
        let end = if ended && self.at > start { self.at - 1 } else { self.at };
        let raw = text[start..end].strip_suffix('\r').unwrap_or(&text[start..end]);
        let span = Span { source: self.id, start: start as u32, end: (start + raw.len()) as u32 };
        if length > CELL_MAX {
            let found = format!("a cell of {length} bytes");
            log.at(Code::TooLarge, span, found, format!("at most {CELL_MAX} bytes"));
            return Some((Cell { text: Cow::Borrowed(""), span }, last));
        }
        let cell = match check_quotes(raw) {
            Ok(false) => Cow::Borrowed(raw),
            Ok(true) => Cow::Owned(String::from_utf8_lossy(&unquoted).into_owned()),
            Err(expected) => {
                log.at(Code::Quote, span, quoted(raw), expected);
                self.torn |= raw.contains('\n');
                Cow::Borrowed(raw)
            }
        };
        Some((Cell { text: cell, span }, last))
    }
}

/// Whether a cell is quoted; an error when its quotation marks do not stand as RFC 4180 wants them.
fn check_quotes(raw: &str) -> Result<bool, &'static str> {
    let Some(inside) = raw.strip_prefix('"') else {
        return if raw.contains('"') { Err("quotation marks around the whole cell") } else { Ok(false) };
    };
    let Some(inside) = inside.strip_suffix('"') else { return Err("a closing quotation mark") };
    let mut marks = inside.bytes().peekable();
    while let Some(byte) = marks.next() {
        if byte == b'"' && marks.next_if_eq(&b'"').is_none() {
            return Err("a quotation mark inside quotation marks to be doubled");
        }
    }
    Ok(true)
}

/// A column that a table may have.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) needed: bool,
    /// What a cell stands for: the types that a Parquet column may have.
    pub(crate) holds: Holds,
}

/// What a cell stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A name or a word.
    Text,
    /// An exact number.
    Amount,
    /// A number of history, which may be a float.
    Real,
    /// A time.
    Time,
    /// Seconds.
    Duration,
    /// Yes or no.
    Flag,
}

/// For each column, where in a row it stands.
pub(crate) type Header = Vec<Option<usize>>;

/// Reads the header row against the columns that a table may have.
pub(crate) fn header(row: &Row<'_>, columns: &[Column], log: &mut Log) -> Header {
    let (Some(first), Some(end)) = (row.cells.first(), row.cells.last()) else {
        return vec![None; columns.len()];
    };
    let whole = Span { end: end.span.end, ..first.span };
    place_columns(row.cells.iter().map(|cell| (&*cell.text, cell.span)), whole, columns, log)
}

/// Finds each known column among the names of a table's columns.
pub(crate) fn place_columns<'n>(
    names: impl Iterator<Item = (&'n str, Span)>,
    whole: Span,
    columns: &[Column],
    log: &mut Log,
) -> Header {
    let mut places: Header = vec![None; columns.len()];
    for (at, (name, span)) in names.enumerate() {
        match columns.iter().position(|column| column.name == name) {
            Some(column) if places[column].is_some() => {
                log.at(Code::DuplicateColumn, span, quoted(name), "each column once");
            }
            Some(column) => places[column] = Some(at),
            None => {
                let fault = log.at(Code::UnknownColumn, span, quoted(name), "a known column");
                match nearest(name, columns.iter().map(|column| column.name)) {
                    Some(near) => fault.help(format!("did you mean `{near}`?")),
                    None => {
                        let known: Vec<&str> = columns.iter().map(|column| column.name).collect();
                        fault.help(format!("known are {}", known.join(", ")));
                    }
                }
            }
        }
    }
    let missing = columns.iter().zip(&places).filter(|(column, place)| column.needed && place.is_none());
    let missing: Vec<String> = missing.map(|(column, _)| format!("no `{}`", column.name)).collect();
    if !missing.is_empty() {
        let needed: Vec<&str> = columns.iter().filter(|column| column.needed).map(|c| c.name).collect();
        let expected = format!("the columns {}", needed.join(", "));
        log.at(Code::MissingColumn, whole, missing.join(", "), expected);
    }
    places
}
