//! The rows of a file of history as points in time.

use super::plan::series_name;
use super::top;
use crate::book::rows::{self, Record};
use crate::fault::{Code, Log, Source, Span, quoted};
use crate::scalar;
use crate::table::{Cell, Column, Holds, Row, Rows};

const COLUMNS: &[Column] = &[
    Column { name: "ts", needed: true, holds: Holds::Time },
    Column { name: "close", needed: true, holds: Holds::Real },
    Column { name: "open", needed: false, holds: Holds::Real },
    Column { name: "high", needed: false, holds: Holds::Real },
    Column { name: "low", needed: false, holds: Holds::Real },
    Column { name: "volume", needed: false, holds: Holds::Real },
];

/// Where the columns stand in [`COLUMNS`].
const TS: usize = 0;
const CLOSE: usize = 1;
const OPEN: usize = 2;
const HIGH: usize = 3;
const LOW: usize = 4;
const VOLUME: usize = 5;

/// What a bar has beside its close.
const WHOLE: &str = "open, high and low, or none of them";

/// A bar, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// When it opens \[s, Unix\].
    pub(super) time: u64,
    pub(super) close: f64,
    /// Open, high, low; where they are known.
    pub(super) range: Option<[f64; 3]>,
    pub(super) span: Span,
}

impl Point {
    /// Two files say the same of a bar, as far as both say something.
    pub(super) fn agrees(&self, other: &Point) -> bool {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let ranges = self.range.zip(other.range);
        same(self.close, other.close)
            && ranges.is_none_or(|(a, b)| a.iter().zip(&b).all(|(a, b)| same(*a, *b)))
    }
}

/// Points of a file in the order of time; `None` when rows are missing.
pub(super) fn of_series(source: &Source, id: u16, log: &mut Log) -> Option<Vec<Point>> {
    let mut points: Vec<Point> = Vec::new();
    let (mut last, mut lacking) = (None, None);
    let whole = rows::of_table(source, id, COLUMNS, log, |record, sound, log| {
        // What the header lacks is told once, and not of each row.
        let lacks = *lacking.get_or_insert_with(|| part(source, id).is_some());
        if sound
            && !lacks
            && let Some(point) = point(record, &mut last, log)
        {
            points.push(point);
        }
    });
    if whole && let Some(part) = part(source, id) {
        match source.packed {
            Some(_) => log.file(Code::Contradiction, &source.name, part, WHOLE),
            None => log.at(Code::Contradiction, top(id), part, WHOLE),
        };
        return None;
    }
    whole.then_some(points)
}

/// Those of open, high and low that a header has, where it lacks another of them.
fn part(source: &Source, id: u16) -> Option<String> {
    let has = |name: &str| match &source.packed {
        Some(packed) => packed.columns.get().is_some_and(|columns| columns.iter().any(|it| it == name)),
        None => head(source, id).cells.iter().any(|cell| cell.text == name),
    };
    some([OPEN, HIGH, LOW].map(|column| has(COLUMNS[column].name)))
}

/// The names of those of open, high and low that are there, where another is not.
fn some(there: [bool; 3]) -> Option<String> {
    let names = [OPEN, HIGH, LOW].map(|column| COLUMNS[column].name);
    let those: Vec<&str> = names.into_iter().zip(there).filter_map(|(name, is)| is.then_some(name)).collect();
    (1..3).contains(&those.len()).then(|| format!("{} alone", those.join(" and ")))
}

/// The first row of a text.
fn head(source: &Source, id: u16) -> Row<'_> {
    let (mut silent, mut row) = (Log::default(), Row::default());
    Rows::new(source, id, b',').next(&mut row, &mut silent);
    row
}

fn point(record: &Record<'_>, last: &mut Option<u64>, log: &mut Log) -> Option<Point> {
    let time = time(&record.need(TS, log)?, last, log)?;
    let before = log.count();
    let mut number = |column: usize| record.get(column).map(|cell| price(&cell, log));
    let [close, open, high, low] = [CLOSE, OPEN, HIGH, LOW].map(&mut number);
    if let Some(cell) = record.get(VOLUME)
        && float(&cell.text).is_none_or(|volume| volume < 0.0)
    {
        log.at(Code::NotANumber, cell.span, quoted(&cell.text), "a volume from zero up");
    }
    // A row without a close is a bar that is missing.
    let (Some(Some(close)), true) = (close, log.count() == before) else { return None };
    // What is not said of a bar's open, high or low is not made up: a bar has them all, or is its close alone.
    if let Some(part) = some([open, high, low].map(|it| it.is_some())) {
        log.at(Code::Contradiction, record.span, part, WHOLE);
        return None;
    }
    let range = match [open, high, low] {
        [Some(Some(open)), Some(Some(high)), Some(Some(low))] => Some([open, high, low]),
        _ => None,
    };
    if let Some([open, high, low]) = range
        && (low > open.min(close) || high < open.max(close))
    {
        let found = format!("open {open}, high {high}, low {low}, close {close}");
        log.at(Code::Contradiction, record.span, found, "a low and a high around open and close");
        return None;
    }
    Some(Point { time, close, range, span: record.span })
}

/// Whether a table has a column for each asset: several beside its times, and none is a close.
pub(super) fn is_panel(source: &Source, id: u16) -> bool {
    if source.packed.is_some() {
        return false;
    }
    let row = head(source, id);
    let known = |cell: &&Cell<'_>| !COLUMNS.iter().any(|column| column.name == cell.text);
    row.cells.iter().all(|cell| cell.text != "close") && row.cells.iter().filter(known).count() > 1
}

/// A panel's series by their names, each with its points.
pub(super) type Found = Vec<((String, String), Vec<Point>)>;

/// Reads a panel; `None` when rows are missing.
pub(super) fn of_panel(source: &Source, id: u16, quote: &str, log: &mut Log) -> Option<Found> {
    if source.packed.is_some() {
        let expected = "a panel in CSV; a Parquet file has one series";
        log.file(Code::WrongKind, &source.name, "a panel in Parquet", expected);
        return None;
    }
    let mut rows = Rows::new(source, id, b',');
    let mut row = Row::default();
    let before = log.count();
    if !rows.next(&mut row, log) {
        log.file(Code::MissingColumn, &source.name, "no header", "a column ts and one for each asset");
        return None;
    }
    let width = row.cells.len();
    let ts = row.cells.iter().position(|cell| cell.text == COLUMNS[TS].name);
    let mut found: Found = Vec::new();
    for (at, cell) in row.cells.iter().enumerate().filter(|(at, _)| Some(*at) != ts) {
        let Some(name) = scalar::name(&cell.text, cell.span, log) else { continue };
        let name = series_name(name, quote);
        if found.iter().any(|(known, _)| *known == name) || row.cells[at].text == COLUMNS[TS].name {
            log.at(Code::DuplicateColumn, cell.span, quoted(&cell.text), "each column once");
        }
        found.push((name, Vec::new()));
    }
    let Some(ts) = ts else {
        log.at(Code::MissingColumn, top(id), "no `ts`", "a column ts and one for each asset");
        return None;
    };
    if log.count() != before {
        return None;
    }
    let mut last = None;
    loop {
        let before = log.count();
        if !rows.next(&mut row, log) {
            return Some(found);
        }
        if rows.torn {
            return None;
        }
        if log.count() != before {
            continue;
        }
        let first = row.cells[0].span;
        if row.cells.len() != width {
            let (count, expected) = (row.cells.len(), format!("{width} cells, as in the header"));
            log.at(Code::RowLength, first, format!("{count} cells"), expected);
            continue;
        }
        let Some(time) = time(&row.cells[ts], &mut last, log) else { continue };
        let columns = row.cells.iter().enumerate().filter(|(at, _)| *at != ts);
        for ((_, cell), (_, points)) in columns.zip(&mut found).filter(|((_, cell), _)| !cell.text.is_empty())
        {
            if let Some(close) = price(cell, log) {
                points.push(Point { time, close, range: None, span: cell.span });
            }
        }
    }
}

/// A time later than the row's before.
fn time(cell: &Cell<'_>, last: &mut Option<u64>, log: &mut Log) -> Option<u64> {
    let time = scalar::time(&cell.text, cell.span, log)?.0;
    if let Some(before) = last.filter(|before| time <= *before) {
        let expected = format!("a time after {before}, which is the row's before");
        log.at(Code::OutOfRange, cell.span, quoted(&cell.text), expected);
        return None;
    }
    *last = Some(time);
    Some(time)
}

/// A price above zero.
fn price(cell: &Cell<'_>, log: &mut Log) -> Option<f64> {
    let Some(number) = float(&cell.text) else {
        log.at(Code::NotANumber, cell.span, quoted(&cell.text), "a price such as 1234.5");
        return None;
    };
    // A price of zero or beyond these has no return.
    let sound = number > 1e-30 && number < 1e30;
    if !sound {
        log.at(Code::OutOfRange, cell.span, quoted(&cell.text), "a price above 10^-30 and below 10^30");
    }
    sound.then_some(number)
}

/// A number in plain or exponential notation.
fn float(text: &str) -> Option<f64> {
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    let number: f64 = text.bytes().all(plain).then(|| text.parse().ok())??;
    number.is_finite().then_some(number)
}
