//! TOML to a [`Node`]; the syntax is the `toml` crate's.

use super::{Entry, Node, Value};
use crate::fault::{Code, Log, Source, Span};
use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

pub(super) fn read(source: &Source, id: u16, log: &mut Log) -> Option<Node> {
    let text = source.text.as_str();
    if text.contains('\0') {
        let at = text.find('\0').unwrap_or(0) as u32;
        log.at(Code::Control, Span { source: id, start: at, end: at + 1 }, "a NUL", "text");
        return None;
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let range = error.span().unwrap_or(0..text.len());
        let span = span(id, text, range);
        let message = error.message();
        let (code, found) = match message {
            "duplicate key" => (Code::DuplicateKey, "this key again"),
            // "recursion limit" of keys, "max recursion depth met" of values
            _ if message.contains("recursion") => (Code::TooDeep, "a value deeper than that"),
            _ => (Code::Toml, message),
        };
        let expected = match code {
            Code::DuplicateKey => "each key once",
            Code::TooDeep => "at most 80 levels",
            _ => "TOML",
        };
        log.at(code, span, found, expected);
    }
    // A document with broken syntax is not read on: what recovery guessed would only add noise. A repeated key
    // does not hide the others.
    let sound = errors.iter().all(|error| error.message() == "duplicate key");
    let whole = table.span();
    sound.then(|| Node { span: span(id, text, whole), value: table_value(id, text, table.get_ref()) })
}

/// A range as a span that begins and ends between characters, within the text.
fn span(id: u16, text: &str, range: std::ops::Range<usize>) -> Span {
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (start, end) = (floor(range.start), floor(range.end));
    Span { source: id, start: start as u32, end: end.max(start) as u32 }
}

fn table_value(id: u16, text: &str, table: &DeTable<'_>) -> Value {
    let entries = table.iter().map(|(key, value)| Entry {
        key: key.get_ref().to_string(),
        key_span: span(id, text, key.span()),
        again: false,
        value: node(id, text, value),
    });
    let mut entries: Vec<Entry> = entries.collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    Value::Table(entries)
}

fn node(id: u16, text: &str, value: &Spanned<DeValue<'_>>) -> Node {
    let range = value.span();
    let as_written = || text.get(range.clone()).unwrap_or("").to_string();
    let inner = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => {
            Value::Number(number.as_str().trim_start_matches('+').to_string())
        }
        // Other radices and everything with a point or exponent: kept as written, refused where it is read.
        DeValue::Integer(_) | DeValue::Float(_) => Value::Number(as_written()),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        // TOML's own dates are RFC 3339 but for a space in the middle.
        DeValue::Datetime(_) => Value::Text(as_written().replace(' ', "T")),
        DeValue::Array(nodes) => Value::List(nodes.iter().map(|value| node(id, text, value)).collect()),
        DeValue::Table(table) => table_value(id, text, table),
    };
    Node { span: span(id, text, range), value: inner }
}
