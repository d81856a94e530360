//! Scenario models that ship, one file a model; and systems whose rule this one is not, by name with the reason.

use super::model;
use crate::fault::{Code, Log, Source, Span, nearest, quoted};
use crate::tree::{Fields, read_toml};
use plimsoll_margin::portfolio::Model;

const PRESETS: &[(&str, &str)] = &[("desk", include_str!("presets/desk.toml"))];

/// Systems that people ask for, and what stands between their rule and this one.
const OTHERS: &[(&str, &str)] = &[
    ("derive_pmrm_2", "it discounts an expiry by the sign of its worth, and it skews volatilities by strike"),
    ("span", "it credits spreads in the order of a table"),
    ("deribit", "its exact formulas are not public"),
    ("paradex", "it asks a part of the hedged delta beside the scenarios"),
];

/// The names of those that ship.
pub(in crate::book) fn presets() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// A preset by its name.
pub(in crate::book) fn preset(word: &str) -> Option<Model> {
    PRESETS.iter().find(|(name, _)| *name == word).and_then(|(name, text)| parse(name, text))
}

/// Why no model of this kind is what a name stands for.
pub(in crate::book) fn other(word: &str) -> Option<&'static str> {
    OTHERS.iter().find(|(other, _)| *other == word).map(|(_, why)| *why)
}

/// A preset by its name, or a fault where the name stands.
pub(super) fn find(word: &str, span: Span, log: &mut Log) -> Option<Model> {
    if let Some(model) = preset(word) {
        return Some(model);
    }
    let known: Vec<&str> = presets().collect();
    let fault = log.at(Code::UnknownWord, span, quoted(word), format!("one of {}", known.join(", ")));
    if let Some(why) = other(word) {
        fault.help(format!("no model of this kind is {word}: {why}"));
    } else if let Some(near) = nearest(word, known) {
        fault.help(format!("did you mean `{near}`?"));
    }
    None
}

/// A file that ships; what is wrong with it a test would see.
fn parse(name: &str, text: &str) -> Option<Model> {
    let source = Source::new(name, text);
    let mut log = Log::default();
    let node = read_toml(&source, 0, &mut log)?;
    let mut fields = Fields::of(&node, &mut log)?;
    let _ = fields.take("venue");
    model::read(&mut fields, &mut log)
}
