//! What is wrong with a file, and exactly where.
//!
//! A fault has a stable code with a section in `docs/errors.md`, a place, what stands there and what was expected.
//! Reading collects faults and goes on: one bad row is not a bad file.

mod code;
mod near;

pub use code::Code;
pub use near::{nearest, nearest_price};

use crate::columnar::Input;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use std::cell::OnceCell;
use std::fmt;

/// Faults beyond this many are counted and not kept.
pub const FAULTS_MAX: usize = 1000;
/// What is quoted from a file is cut after so many characters.
const QUOTE_MAX: usize = 60;
/// The part of a line that is shown has at most so many characters on each side of the fault.
const CONTEXT_MAX: usize = 90;

/// A file's text, kept so that faults can point into it.
#[derive(Debug)]
pub struct Source {
    /// The file's name as people know it: relative to the book.
    pub name: String,
    /// Its text, without a byte-order mark; empty where the file is Parquet.
    pub text: String,
    lines: OnceCell<Vec<u32>>,
    /// It is there and cannot be read, which is told.
    pub(crate) unread: bool,
    /// What is in a Parquet file.
    pub(crate) packed: Option<Packed>,
}

/// A Parquet file's bytes, and the names of its columns once they are known.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) input: Input,
    pub(crate) columns: OnceCell<Vec<String>>,
}

impl Source {
    /// A text under a name. Texts end before 4 GiB; the readers refuse longer files.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        let (name, text, lines) = (name.into(), text.into(), OnceCell::new());
        Source { name, text, lines, unread: false, packed: None }
    }

    /// A Parquet file under a name.
    pub(crate) fn packed(name: String, input: Input) -> Source {
        let packed = Packed { input, columns: OnceCell::new() };
        Source { packed: Some(packed), ..Source::new(name, "") }
    }

    /// A file that is there and cannot be read.
    pub(crate) fn unread(name: String) -> Source {
        Source { unread: true, ..Source::new(name, "") }
    }

    /// Line and column, from 1, of a byte; columns are counted in characters.
    #[must_use]
    pub fn place(&self, byte: usize) -> Place {
        let starts = self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0).chain(ends.map(|(at, _)| at as u32 + 1)).collect()
        });
        let line = starts.partition_point(|start| *start as usize <= byte).max(1);
        let start = starts[line - 1] as usize;
        let before = self.text.get(start..byte).unwrap_or("");
        Place { line: line as u32, column: before.chars().count() as u32 + 1 }
    }

    /// The line around a span, cut to what fits a terminal, and the span within it.
    fn excerpt(&self, span: Span) -> Excerpt {
        let (start, end) = (span.start as usize, span.end as usize);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let before = &self.text[line_start..start];
        let cut = before.char_indices().rev().nth(CONTEXT_MAX - 1).map_or(0, |(at, _)| at);
        let marked = &self.text[start..end.clamp(start, line_end)];
        let marked = marked.char_indices().nth(QUOTE_MAX).map_or(marked, |(at, _)| &marked[..at]);
        let after = &self.text[start + marked.len()..line_end];
        let after = after.char_indices().nth(CONTEXT_MAX).map_or(after, |(at, _)| &after[..at]);
        let mut text = visible(&before[cut..]);
        let at = text.len();
        text.push_str(&visible(marked));
        let until = text.len();
        text.push_str(&visible(after));
        Excerpt { text, start: at, end: until, cut: cut > 0 }
    }
}

impl Packed {
    fn record(&self, span: Span) -> Record {
        let row = (span.start != Span::NONE).then(|| u64::from(span.start) + 1);
        let columns = self.columns.get();
        let column = columns.and_then(|columns| columns.get(span.end as usize));
        // What cannot stand in a message does not come in by a column's name either.
        let column = column.map(|name| visible(&name.chars().take(QUOTE_MAX).collect::<String>()));
        Record { row, column }
    }
}

/// A character that moves a terminal's cursor, turns its direction of writing or is not seen: it can make one text
/// look like another.
pub(crate) fn deceives(c: char) -> bool {
    let turns = matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // Of no width: a name with one of them looks like the name without.
    let hides = matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    turns || hides || c.is_control()
}

/// Text with nothing in it that deceives.
fn visible(text: &str) -> String {
    text.trim_end_matches('\r').chars().map(|c| if deceives(c) { '\u{fffd}' } else { c }).collect()
}

/// Which bytes of which source; in a Parquet file, which row and which column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which of the sources that are read together.
    pub source: u16,
    /// The first byte; the row, from 0, or [`Span::NONE`].
    pub start: u32,
    /// The byte after the last; the column, from 0, or [`Span::NONE`].
    pub end: u32,
}

impl Span {
    /// No row or no column of a Parquet file in particular.
    pub const NONE: u32 = u32::MAX;
}

/// Line and column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The character within the line, from 1.
    pub column: u32,
}

/// Where in a Parquet file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The row in the file, from 1; `None` where a column as a whole is meant.
    pub row: Option<u64>,
    /// The column's name; `None` where a row as a whole is meant.
    pub column: Option<String>,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.row, &self.column) {
            (Some(row), Some(column)) => write!(f, "row {row}, column {column}"),
            (Some(row), None) => write!(f, "row {row}"),
            (None, Some(column)) => write!(f, "column {column}"),
            (None, None) => f.write_str("columns"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    text: String,
    start: usize,
    end: usize,
    /// Something of the line is missing before it.
    cut: bool,
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stable code.
    pub code: Code,
    /// The file's name.
    pub file: String,
    /// Where in it; `None` when the file as a whole is meant, or it is Parquet.
    pub place: Option<Place>,
    /// Where in a Parquet file; `None` when the file as a whole is meant.
    pub record: Option<Record>,
    /// What stands there.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// What to do about it, where that can be said.
    pub help: Option<String>,
    excerpt: Option<Excerpt>,
}

impl Fault {
    /// The fault in the manner of rustc, with the line it stands in; `color` for a terminal.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let title = self.code.title();
        let label = format!("found {}, expected {}", self.found, self.expected);
        let mut group = match (&self.excerpt, self.place) {
            (Some(excerpt), Some(place)) => {
                let annotation =
                    AnnotationKind::Primary.span(excerpt.start..excerpt.end).label(label.as_str());
                let (line, column) = (place.line as usize, place.column as usize);
                let snippet = Snippet::source(excerpt.text.as_str()).line_start(line).annotation(annotation);
                let group = Level::ERROR.primary_title(title).id(self.code.name());
                if excerpt.cut {
                    // The snippet's own column would be that of the excerpt.
                    let origin = Origin::path(self.file.as_str()).line(line).char_column(column);
                    group.element(origin).element(snippet)
                } else {
                    group.element(snippet.path(self.file.as_str()))
                }
            }
            _ => {
                let at = self.record.as_ref().map_or_else(String::new, |record| format!(" {record}:"));
                let note = format!("{}:{at} {label}", self.file);
                Level::ERROR.primary_title(title).id(self.code.name()).element(Level::NOTE.message(note))
            }
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        if let Some(record) = &self.record {
            write!(f, " {record}:")?;
        }
        write!(f, " {}: found {}, expected {}", self.code.name(), self.found, self.expected)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// All faults that were found, in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The first [`FAULTS_MAX`] of them.
    pub list: Vec<Fault>,
    /// How many there were beyond those.
    pub beyond: u64,
}

impl Faults {
    /// No fault at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.beyond == 0
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.list.len() as u64 + self.beyond
    }

    /// All of them as [`Fault::render`] shows them.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let mut text: String = self.list.iter().map(|fault| fault.render(color) + "\n\n").collect();
        if self.beyond > 0 {
            text.push_str(&format!("... and {} more\n", self.beyond));
        }
        text
    }
}

/// Faults while files are still being read: places are bytes, and become lines at the end.
#[derive(Debug, Default)]
pub(crate) struct Log {
    list: Vec<(Where, Fault)>,
    beyond: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Where {
    Span(Span),
    File,
}

impl Log {
    /// Nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Something at a place is wrong.
    pub(crate) fn at(
        &mut self,
        code: Code,
        span: Span,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> &mut Log {
        self.push(Where::Span(span), code, String::new(), found.into(), expected.into())
    }

    /// A file as a whole is wrong.
    pub(crate) fn file(
        &mut self,
        code: Code,
        file: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> &mut Log {
        self.push(Where::File, code, file.to_string(), found.into(), expected.into())
    }

    /// Adds to the fault that was just told what to do about it.
    pub(crate) fn help(&mut self, help: impl Into<String>) {
        if self.beyond == 0
            && let Some((_, fault)) = self.list.last_mut()
        {
            fault.help = Some(visible(&help.into()));
        }
    }

    fn push(&mut self, at: Where, code: Code, file: String, found: String, expected: String) -> &mut Log {
        if self.list.len() < FAULTS_MAX {
            let (found, expected) = (visible(&found), visible(&expected));
            let (place, record, help, excerpt) = (None, None, None, None);
            let fault = Fault { code, file, place, record, found, expected, help, excerpt };
            self.list.push((at, fault));
        } else {
            self.beyond += 1;
        }
        self
    }

    /// Whether a name of this source is told to stand twice.
    pub(crate) fn tells_twice(&self, source: u16) -> bool {
        self.list.iter().any(|(at, fault)| {
            fault.code == Code::DuplicateKey && matches!(at, Where::Span(span) if span.source == source)
        })
    }

    /// How many faults so far: a caller sees whether a step added any.
    pub(crate) fn count(&self) -> u64 {
        self.list.len() as u64 + self.beyond
    }

    /// Turns bytes into lines and columns, and sorts by them.
    pub(crate) fn finish(self, sources: &[Source]) -> Faults {
        let mut list = self.list;
        let packed =
            |source: u16| sources.get(usize::from(source)).is_some_and(|source| source.packed.is_some());
        list.sort_by_key(|(at, _)| match at {
            Where::File => (0, 0, 0),
            // Of a Parquet file, what is not of a row comes first, and a row's cells in the order of its columns.
            Where::Span(span) if packed(span.source) => {
                (u32::from(span.source) + 1, span.start.wrapping_add(1), span.end.wrapping_add(1))
            }
            Where::Span(span) => (u32::from(span.source) + 1, span.start, 0),
        });
        let list = list.into_iter().map(|(at, mut fault)| {
            if let Where::Span(span) = at
                && let Some(source) = sources.get(usize::from(span.source))
            {
                fault.file.clone_from(&source.name);
                if let Some(packed) = &source.packed {
                    fault.record = Some(packed.record(span));
                } else {
                    fault.place = Some(source.place(span.start as usize));
                    fault.excerpt = Some(source.excerpt(span));
                }
            }
            fault
        });
        Faults { list: list.collect(), beyond: self.beyond }
    }
}

/// A text from a file, quoted so that it fits a line and a terminal.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted: String = text.chars().take(QUOTE_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTE_MAX).is_some() {
        quoted.push('…');
    }
    format!("\"{quoted}\"")
}
