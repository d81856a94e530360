//! A document as a tree that remembers where each value stands: one type for TOML and JSON.
//!
//! Numbers keep their digits; nothing is ever a float. A table hands its values out by name and
//! knows in the end which names nobody asked for.

mod json;
mod toml;

use crate::fault::{Code, Log, Source, Span, nearest, quoted};

/// A tree deeper than this is refused.
pub const DEPTH_MAX: usize = 128;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where.
    pub span: Span,
    /// What.
    pub value: Value,
}

/// A value of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// JSON's null.
    Null,
    /// True or false.
    Flag(bool),
    /// A number as it is written, with all its digits.
    Number(String),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Values by name, in the order of the file.
    Table(Vec<Entry>),
}

/// A named value of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub key: String,
    /// Where the name stands.
    pub key_span: Span,
    /// The table has this name before: nobody knows which of the two is meant.
    pub again: bool,
    /// The value.
    pub value: Node,
}

impl Node {
    /// Whether a name stands twice in a table, here or further inside.
    #[must_use]
    pub(crate) fn repeats(&self) -> bool {
        match &self.value {
            Value::List(nodes) => nodes.iter().any(Node::repeats),
            Value::Table(entries) => entries.iter().any(|entry| entry.again || entry.value.repeats()),
            _ => false,
        }
    }
}

impl Value {
    /// What kind of value it is, for people.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Flag(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// Reads TOML. All syntax errors and repeated keys are told; `None` when nothing can be made of the text.
pub(crate) fn read_toml(source: &Source, id: u16, log: &mut Log) -> Option<Node> {
    toml::read(source, id, log)
}

/// Reads strict JSON (RFC 8259). The first syntax error ends it; repeated keys are told, and marked.
pub(crate) fn read_json(source: &Source, id: u16, log: &mut Log) -> Option<Node> {
    json::read(&source.text, id, log)
}

/// A table that is being read.
pub(crate) struct Fields<'t> {
    /// The whole table.
    pub(crate) span: Span,
    entries: &'t [Entry],
    used: Vec<bool>,
    known: Vec<&'static str>,
}

impl<'t> Fields<'t> {
    /// Reads a node that must be a table.
    pub(crate) fn of(node: &'t Node, log: &mut Log) -> Option<Fields<'t>> {
        match &node.value {
            Value::Table(entries) => {
                Some(Fields { span: node.span, entries, used: vec![false; entries.len()], known: Vec::new() })
            }
            other => {
                log.at(Code::WrongKind, node.span, other.kind(), "a table");
                None
            }
        }
    }

    /// The value of a name, if it is there.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<&'t Node> {
        self.known.push(name);
        let at = self.entries.iter().position(|entry| entry.key == name)?;
        self.used[at] = true;
        Some(&self.entries[at].value)
    }

    /// Whether a name is there, without taking its value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == name)
    }

    /// The value of a name that must be there.
    pub(crate) fn need(&mut self, name: &'static str, log: &mut Log) -> Option<&'t Node> {
        let found = self.take(name);
        if found.is_none() {
            log.at(Code::MissingField, self.head(), "nothing", format!("a field `{name}`"));
        }
        found
    }

    /// Whether a name of the table itself stands twice.
    pub(crate) fn repeats(&self) -> bool {
        self.entries.iter().any(|entry| entry.again)
    }

    /// Where to point when something is missing: the table's first character.
    fn head(&self) -> Span {
        Span { end: self.span.end.min(self.span.start + 1), ..self.span }
    }

    /// Tells the names that nobody asked for.
    pub(crate) fn finish(self, log: &mut Log) {
        let unasked = self.entries.iter().zip(&self.used).filter(|(entry, used)| !**used && !entry.again);
        for (entry, _) in unasked {
            let fault = log.at(Code::UnknownField, entry.key_span, quoted(&entry.key), "a known field");
            if let Some(near) = nearest(&entry.key, self.known.iter().copied()) {
                fault.help(format!("did you mean `{near}`?"));
            } else {
                fault.help(format!("known are {}", self.known.join(", ")));
            }
        }
    }
}

/// A text.
pub(crate) fn text<'t>(node: &'t Node, log: &mut Log) -> Option<&'t str> {
    match &node.value {
        Value::Text(text) => Some(text),
        other => {
            log.at(Code::WrongKind, node.span, other.kind(), "a text");
            None
        }
    }
}

/// True or false.
pub(crate) fn flag(node: &Node, log: &mut Log) -> Option<bool> {
    match &node.value {
        Value::Flag(flag) => Some(*flag),
        other => {
            log.at(Code::WrongKind, node.span, other.kind(), "true or false");
            None
        }
    }
}

/// A list.
pub(crate) fn list<'t>(node: &'t Node, log: &mut Log) -> Option<&'t [Node]> {
    match &node.value {
        Value::List(nodes) => Some(nodes),
        other => {
            log.at(Code::WrongKind, node.span, other.kind(), "a list");
            None
        }
    }
}

/// The digits of a whole number: bare, or as a text where a bare one would not survive other programs.
pub(crate) fn digits<'t>(node: &'t Node, log: &mut Log) -> Option<&'t str> {
    match &node.value {
        Value::Number(digits) | Value::Text(digits) => Some(digits),
        other => {
            log.at(Code::WrongKind, node.span, other.kind(), "a whole number");
            None
        }
    }
}
