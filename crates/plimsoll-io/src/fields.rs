//! What files of scenarios and of depth curves have in common.

use crate::fault::{Code, Fault, Faults, Log, Span, deceives, quoted};
use crate::scalar;
use crate::tree::{Fields, Node, digits, list, text};
use plimsoll_core::{Decimal, Int};

/// The format that this crate reads.
const FORMAT: &str = "1";
/// More shocks, names, points or parameters than this are refused.
pub(crate) const LIST_MAX: usize = 1000;
/// A title or source longer than this (bytes) is refused.
const LINE_MAX: usize = 2000;
/// A factor keeps at most so many digits after its point.
pub(crate) const DECIMALS_MAX: u8 = 18;

/// The field `format`.
pub(crate) fn format(fields: &mut Fields<'_>, log: &mut Log) -> Option<()> {
    let node = fields.need("format", log)?;
    let found = digits(node, log)?;
    if found != FORMAT {
        log.at(Code::Format, node.span, quoted(found), "format 1")
            .help("a later version of the program may read it");
    }
    (found == FORMAT).then_some(())
}

/// A field that is misspelt is told once: by its own place, and not also as missing.
pub(crate) fn once(mut faults: Faults) -> Faults {
    let meant: Vec<(u32, String)> = faults
        .list
        .iter()
        .filter(|fault| fault.code == Code::UnknownField)
        .filter_map(|fault| {
            let name = fault.help.as_ref()?.strip_prefix("did you mean `")?.strip_suffix("`?")?;
            Some((fault.place?.line, name.to_string()))
        })
        .collect();
    for (line, name) in meant {
        // Of several tables without it the one that the misspelt name stands in: the last that begins before it.
        let misses = |fault: &Fault| {
            let words = fault.expected.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            fault.code == Code::MissingField
                && fault.place.is_some_and(|place| place.line <= line)
                && words.into_iter().any(|word| word == name)
        };
        if let Some(at) = faults.list.iter().rposition(misses) {
            faults.list.remove(at);
        }
    }
    faults
}

/// A part of a whole: from 0 to 1.
pub(crate) fn part(node: &Node, log: &mut Log) -> Option<Decimal> {
    let words = digits(node, log)?;
    let part = scalar::amount(words, node.span, log)?.trimmed();
    let whole = part.scaled(DECIMALS_MAX).ok().zip(Decimal::whole(Int::ONE).scaled(DECIMALS_MAX).ok());
    if whole.is_some_and(|(part, one)| part <= one) {
        return Some(part);
    }
    let expected = format!("a part from 0 to 1 of at most {DECIMALS_MAX} digits");
    log.at(Code::OutOfRange, node.span, quoted(words), expected);
    None
}

/// The one field of several that is there.
pub(crate) fn one<'t, const N: usize>(
    fields: &mut Fields<'t>,
    names: [&'static str; N],
    log: &mut Log,
) -> Option<(&'static str, &'t Node)> {
    let given: Vec<(&'static str, &Node)> =
        names.into_iter().filter_map(|name| Some((name, fields.take(name)?))).collect();
    match given[..] {
        [one] => Some(one),
        [] => {
            let head = Span { end: fields.span.end.min(fields.span.start + 1), ..fields.span };
            log.at(Code::MissingField, head, "none of them", format!("one of {}", names.join(", ")));
            None
        }
        [_, (name, node), ..] => {
            let expected = format!("only one of {}", names.join(", "));
            log.at(Code::Exclusive, node.span, format!("also `{name}`"), expected);
            None
        }
    }
}

pub(crate) fn few<'t>(node: &'t Node, log: &mut Log) -> Option<&'t [Node]> {
    let nodes = list(node, log)?;
    if nodes.len() > LIST_MAX {
        log.at(Code::TooLarge, node.span, format!("{} entries", nodes.len()), format!("at most {LIST_MAX}"));
        return None;
    }
    Some(nodes)
}

/// A text that people read: nothing in it moves their cursor or hides.
pub(crate) fn line<'t>(node: &'t Node, log: &mut Log) -> Option<&'t str> {
    let words = text(node, log)?;
    if words.chars().any(deceives) {
        log.at(Code::Control, node.span, quoted(words), "a line of text without control characters");
        return None;
    }
    if words.len() > LINE_MAX {
        log.at(Code::TooLarge, node.span, format!("{} bytes", words.len()), format!("at most {LINE_MAX}"));
        return None;
    }
    Some(words)
}

pub(crate) fn named(node: &Node, log: &mut Log) -> Option<String> {
    scalar::name(text(node, log)?, node.span, log).map(str::to_string)
}

pub(crate) fn names(node: &Node, log: &mut Log) -> Option<Vec<String>> {
    let nodes = few(node, log)?;
    let names: Vec<Option<String>> = nodes.iter().map(|node| named(node, log)).collect();
    if names.is_empty() {
        log.at(Code::OutOfRange, node.span, "no name", "one or more names");
        return None;
    }
    names.into_iter().collect()
}
