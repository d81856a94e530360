//! What a book says of itself.

use crate::fault::{Code, Log};
use crate::scalar;
use crate::tree::{Fields, Node, Value, text};
use plimsoll_core::Time;

/// The format that this crate reads and writes.
pub(super) const FORMAT: u64 = 1;

pub(super) struct Head {
    pub(super) name: String,
    pub(super) at: Time,
}

/// `None` when the format is another, or the book has no time: then nothing in it has a meaning.
pub(super) fn read(fields: &mut Fields<'_>, log: &mut Log) -> Option<Head> {
    let format = fields.need("format", log).and_then(|node| format(node, log));
    let name = fields.need("name", log);
    let name = name.and_then(|node| scalar::name(text(node, log)?, node.span, log));
    let at = fields.need("at", log).and_then(|node| time(node, log));
    format?;
    Some(Head { name: name.unwrap_or_default().to_string(), at: at? })
}

fn format(node: &Node, log: &mut Log) -> Option<()> {
    let found = match &node.value {
        Value::Number(number) if *number == FORMAT.to_string() => return Some(()),
        Value::Number(number) => number.clone(),
        other => other.kind().to_string(),
    };
    log.at(Code::Format, node.span, found, "format 1").help("a later version of the program may read it");
    None
}

/// Seconds as a number, or a time as a text.
pub(super) fn time(node: &Node, log: &mut Log) -> Option<Time> {
    match &node.value {
        Value::Number(text) | Value::Text(text) => scalar::time(text, node.span, log),
        other => {
            log.at(Code::WrongKind, node.span, other.kind(), "a time");
            None
        }
    }
}
