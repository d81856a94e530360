//! `docs/numbers.md` lists every number that `--set` knows, and none that it does not.
#![allow(clippy::unwrap_used)]

mod common;

use common::sound;
use plimsoll_io::book;
use std::collections::BTreeMap;
use std::path::Path;

/// What markets of all venues show, and what their cells pack: name and unit, in the order in which they come.
fn shown() -> BTreeMap<&'static str, Vec<(&'static str, &'static str)>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for name in [
        "compound_v3",
        "crash",
        "hubs",
        "lending",
        "liquity",
        "loopers",
        "maker",
        "margin",
        "options",
        "treasury",
    ] {
        for listed in sound(book::open(&examples.join(name))).markets {
            let rows = all.entry(listed.market.venue().0).or_default();
            let mut see = |name, unit| {
                if !rows.contains(&(name, unit)) {
                    rows.push((name, unit));
                }
            };
            listed.market.visit(&mut |cell, name, unit, _| {
                see(name, unit.name);
                listed.market.parts(cell).iter().for_each(|part| see(part.name, part.unit.name));
            });
        }
    }
    all
}

#[test]
fn every_number_is_listed() {
    let page = include_str!("../../../docs/numbers.md");
    let mut listed: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut venue = "";
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            venue = name.trim_matches('`');
        }
        if let Some(row) = line.strip_prefix("| `") {
            let (name, unit) = row.trim_end_matches('|').split_once("` |").unwrap();
            listed.entry(venue).or_default().push((name, unit.trim()));
        }
    }
    for (venue, mut rows) in shown() {
        let mut found = listed.remove(venue).unwrap_or_default();
        let text: Vec<String> = rows.iter().map(|(name, unit)| format!("| `{name}` | {unit} |")).collect();
        rows.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, rows, "the rows of `{venue}` are\n{}", text.join("\n"));
    }
    assert!(listed.is_empty(), "{listed:?}");
}
