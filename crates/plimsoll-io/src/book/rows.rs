//! One row of a list, whether it stands in a CSV file, in a Parquet file or in a one-file book: named texts with their
//! places.

use crate::columnar::{Batch, Sheet};
use crate::fault::{Code, Log, Packed, Source, Span, nearest, quoted};
use crate::table::{CELL_MAX, Cell, Column, Header, Row, Rows, header};
use crate::tree::{Entry, Node, Value};
use std::borrow::Cow;

/// More columns than any list has.
const WIDTH: usize = 10;

/// One row. A cell that is empty is not there.
pub(crate) struct Record<'r> {
    /// The row as a whole: where to point when something is missing.
    pub(crate) span: Span,
    columns: &'static [Column],
    cells: Cells<'r>,
    /// More or fewer cells than the header has: no cell is sure to be where it seems.
    pub(crate) shift: Option<Shift<'r>>,
}

enum Cells<'r> {
    /// Known columns in their order.
    Listed(&'r [Option<Cell<'r>>; WIDTH]),
    /// A row of some, and where each known column stands in the file. A cell that is missing has a place all the same.
    Packed { batch: &'r Batch, row: usize, places: &'r [Option<usize>] },
}

/// The cells of a row as the file has them, and how many there should be.
pub(crate) struct Shift<'r> {
    cells: Vec<Cell<'r>>,
    places: &'r [Option<usize>],
    width: usize,
}

impl Shift<'_> {
    /// Whatever may stand in a column: the cells that may have come there, alone or, where a separator inside a cell
    /// made two of one, put together again.
    pub(crate) fn may_be(&self, column: usize) -> Vec<String> {
        let Some(place) = self.places[column] else { return Vec::new() };
        let surplus = self.cells.len().saturating_sub(self.width).min(SURPLUS_MAX);
        let shortage = self.width.saturating_sub(self.cells.len());
        let mut texts = Vec::new();
        for first in place.saturating_sub(shortage)..=place + surplus {
            for last in first..=first + surplus {
                let Some(run) = self.cells.get(first..=last) else { continue };
                texts.push(run.iter().map(|cell| &*cell.text).collect::<String>());
            }
            // A row with another separator is one cell.
            let cell = self.cells.get(first).map_or("", |cell| &*cell.text);
            texts.extend(cell.split([';', '\t', '|']).map(str::to_string));
        }
        texts
    }

    /// Whether the second column stands next to the first, so that what is in its place bounds the first.
    pub(crate) fn adjacent(&self, [first, second]: [usize; 2]) -> bool {
        self.places[first].is_some_and(|place| self.places[second] == Some(place + 1))
    }
}

/// A row with more cells than this too many is not put together again.
const SURPLUS_MAX: usize = 8;

impl<'r> Record<'r> {
    /// One row of some rows of a Parquet file.
    #[inline]
    pub(crate) fn packed(
        batch: &'r Batch,
        row: usize,
        (id, places): (u16, &'r Header),
        columns: &'static [Column],
    ) -> Record<'r> {
        let span = Span { source: id, start: batch.number(row), end: Span::NONE };
        Record { span, columns, cells: Cells::Packed { batch, row, places }, shift: None }
    }

    /// The text of a column, if the row has any.
    #[inline]
    pub(crate) fn get(&self, column: usize) -> Option<Cell<'_>> {
        let text = self.text(column);
        (!text.is_empty()).then(|| Cell { text: Cow::Borrowed(text), span: self.span_of(column) })
    }

    /// The text of a column; empty where the row has none.
    #[inline]
    pub(crate) fn text(&self, column: usize) -> &str {
        match &self.cells {
            Cells::Listed(cells) => cells[column].as_ref().map_or("", |cell| &*cell.text),
            Cells::Packed { batch, row, .. } => batch.text(column, *row),
        }
    }

    /// Something that only equal texts of a column have in common, where there is such a thing at hand.
    #[inline]
    pub(crate) fn key(&self, column: usize) -> Option<u128> {
        match &self.cells {
            Cells::Listed(_) => None,
            Cells::Packed { batch, row, .. } => batch.key(column, *row),
        }
    }

    fn span_of(&self, column: usize) -> Span {
        match &self.cells {
            Cells::Listed(cells) => cells[column].as_ref().map_or(self.span, |cell| cell.span),
            Cells::Packed { places, .. } => {
                places[column].map_or(self.span, |place| Span { end: place as u32, ..self.span })
            }
        }
    }

    /// The text of a column that must have one.
    pub(crate) fn need(&self, column: usize, log: &mut Log) -> Option<Cell<'_>> {
        let cell = self.get(column);
        if cell.is_none() {
            let name = self.columns[column].name;
            log.at(Code::MissingField, self.span_of(column), "nothing", format!("a `{name}`"));
        }
        cell
    }
}

/// Reads a CSV or Parquet file. `each` is given every row, and whether all its cells are where they seem (a fault is
/// told already). `false` when rows are missing: the header is not sound, a quotation mark never closes, or a part of
/// a Parquet file cannot be decoded.
pub(crate) fn of_table(
    source: &Source,
    id: u16,
    columns: &'static [Column],
    log: &mut Log,
    mut each: impl FnMut(&Record<'_>, bool, &mut Log),
) -> bool {
    if source.unread {
        return false;
    }
    match &source.packed {
        Some(packed) => of_sheet((source, packed, id), columns, log, each),
        None => of_text(source, id, columns, log, &mut each),
    }
}

fn of_sheet(
    (source, packed, id): (&Source, &Packed, u16),
    columns: &'static [Column],
    log: &mut Log,
    mut each: impl FnMut(&Record<'_>, bool, &mut Log),
) -> bool {
    let named = |names| drop(packed.columns.set(names));
    let Some(mut sheet) = Sheet::open(&packed.input, (&source.name, id), columns, named, log) else {
        return false;
    };
    while let Some(batch) = sheet.next(log) {
        for row in 0..batch.rows {
            let record = Record::packed(&batch, row, (id, &sheet.places), columns);
            let sound = !batch.long || !tell_long(&batch, &record, row, log);
            each(&record, sound, log);
        }
    }
    !sheet.torn
}

/// Tells the cells of a row that are too long, which are not there; whether there are any.
fn tell_long(batch: &Batch, record: &Record<'_>, row: usize, log: &mut Log) -> bool {
    let before = log.count();
    for column in 0..record.columns.len() {
        if let Some(length) = batch.too_long(column, row) {
            let expected = format!("at most {CELL_MAX}");
            log.at(Code::TooLarge, record.span_of(column), format!("a text of {length} bytes"), expected);
        }
    }
    log.count() != before
}

fn of_text(
    source: &Source,
    id: u16,
    columns: &'static [Column],
    log: &mut Log,
    each: &mut impl FnMut(&Record<'_>, bool, &mut Log),
) -> bool {
    let mut rows = Rows::new(source, id, b',');
    let mut row = Row::default();
    if !rows.next(&mut row, log) {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        log.file(Code::MissingColumn, &source.name, "no header", format!("the columns {}", names.join(",")));
        return false;
    }
    let before = log.count();
    let places = header(&row, columns, log);
    let width = row.cells.len();
    // Without a sound header no cell can be trusted to be what it seems.
    if log.count() != before {
        return false;
    }
    loop {
        let before = log.count();
        if !rows.next(&mut row, log) {
            return true;
        }
        let fits = row.cells.len() == width && log.count() == before;
        let (cells, span) = listed(&row, &places);
        let shifted = row.cells.len() != width;
        let shift = shifted.then(|| Shift { cells: row.cells.clone(), places: &places, width });
        let record = Record { span, columns, cells: Cells::Listed(&cells), shift };
        // A quotation mark out of place takes cells with it; that is told already.
        if !fits && log.count() == before {
            let found = format!("{} cells", row.cells.len());
            log.at(Code::RowLength, record.span, found, format!("{width} cells, as in the header"));
        }
        each(&record, fits, log);
        // From here on no line is sure to be a row.
        if rows.torn {
            return false;
        }
    }
}

fn listed<'s>(row: &Row<'s>, places: &Header) -> ([Option<Cell<'s>>; WIDTH], Span) {
    let (first, last) = (row.cells.first().map(|c| c.span), row.cells.last().map(|c| c.span));
    let nowhere = Span { source: 0, start: 0, end: 0 };
    let span = Span { end: last.unwrap_or(nowhere).end, ..first.unwrap_or(nowhere) };
    let mut cells = [const { None }; WIDTH];
    for (cell, place) in cells.iter_mut().zip(places) {
        *cell = place.and_then(|at| row.cells.get(at)).filter(|cell| !cell.text.is_empty()).cloned();
    }
    (cells, span)
}

/// Reads a list of tables, each a row. `each` as in [`of_table`]; a row with faulty fields is told as not right.
/// `false` when rows are missing: something in the list is no table.
pub(crate) fn of_list(
    nodes: &[Node],
    columns: &'static [Column],
    log: &mut Log,
    mut each: impl FnMut(&Record<'_>, bool, &mut Log),
) -> bool {
    let mut whole = true;
    for node in nodes {
        let Value::Table(entries) = &node.value else {
            log.at(Code::WrongKind, node.span, node.value.kind(), "a table");
            whole = false;
            continue;
        };
        let before = log.count();
        let mut cells = [const { None }; WIDTH];
        for entry in entries.iter().filter(|entry| !entry.again) {
            match columns.iter().position(|column| column.name == entry.key) {
                Some(column) => cells[column] = cell(&entry.value, log),
                None => unknown(entry, columns, log),
            }
        }
        let head = Span { end: node.span.end.min(node.span.start + 1), ..node.span };
        let sound = log.count() == before && !node.repeats();
        // Of a name that stands twice neither is the one.
        for entry in entries.iter().filter(|entry| entry.again) {
            if let Some(column) = columns.iter().position(|column| column.name == entry.key) {
                cells[column] = None;
            }
        }
        each(&Record { span: head, columns, cells: Cells::Listed(&cells), shift: None }, sound, log);
    }
    whole
}

fn cell<'t>(node: &'t Node, log: &mut Log) -> Option<Cell<'t>> {
    match &node.value {
        Value::Text(text) if text.is_empty() => None,
        Value::Text(text) => Some(Cell { text: Cow::Borrowed(text), span: node.span }),
        Value::Null => None,
        other => {
            log.at(Code::WrongKind, node.span, other.kind(), "a text in quotation marks")
                .help("numbers are written as texts, because programs round bare ones");
            None
        }
    }
}

fn unknown(entry: &Entry, columns: &[Column], log: &mut Log) {
    let known = columns.iter().map(|column| column.name);
    let fault = log.at(Code::UnknownField, entry.key_span, quoted(&entry.key), "a known field");
    match nearest(&entry.key, known.clone()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("known are {}", known.collect::<Vec<_>>().join(", "))),
    }
}
