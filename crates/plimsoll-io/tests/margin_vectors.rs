//! The recorded answers of margin systems, and that a wrong one is seen.

#![allow(clippy::unwrap_used)]

use plimsoll_io::vectors::{Checked, Outcome, Tally, check, tally, to_the_last_unit};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Files of this beginning, of the project and of the folder that `PLIMSOLL_VECTORS` names.
fn files(prefix: &str) -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let other = std::env::var_os("PLIMSOLL_VECTORS").map(PathBuf::from);
    let mut files: Vec<PathBuf> = [Some(own), other]
        .into_iter()
        .flatten()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{prefix}");
    files
}

const PREFIXES: [&str; 5] = ["mango_", "derive_", "drift_", "dydx_", "span_"];

fn report(path: &Path, file: &Checked) {
    let Tally { checked, mismatched, skipped } = tally(file);
    println!("{}: checked {checked}, mismatched {mismatched}, skipped {skipped}", path.display());
    for record in &file.records {
        if let Some(fault) = &record.fault {
            println!("  {}: {fault}", record.path);
        }
        for (leaf, outcome) in record.differences().take(6) {
            println!("  {}: {} {outcome:?}: {:?} {:?}", record.path, leaf.path, leaf.expected, leaf.found);
        }
    }
}

#[test]
fn vectors_match_margin_systems() {
    for path in PREFIXES.into_iter().flat_map(files) {
        let file = check(&std::fs::read(&path).unwrap()).unwrap();
        report(&path, &file);
        let Tally { checked, mismatched, skipped } = tally(&file);
        assert!(file.known && checked > 0, "{}", path.display());
        assert_eq!((mismatched, skipped), (0, 0), "{}", path.display());
    }
}

/// The client's own order of multiplications, its cut toward zero and its reading of floats: nothing is near, all is equal.
#[test]
fn health_is_equal_to_the_bit() {
    for path in files("mango_") {
        let file = check(&std::fs::read(&path).unwrap()).unwrap();
        let (equal, all) = to_the_last_unit(&file).unwrap();
        println!("{}: {equal} of {all} equal to the bit", path.display());
        assert!(all > 0 && equal == all);
    }
}

fn unpacked(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap();
    serde_json::from_slice(&plimsoll_io::vectors::unpacked(&bytes).unwrap()).unwrap()
}

/// The case in the middle and, where cases may hold options, the one in the middle of those that do.
fn cases_to_spoil(file: &Value) -> Vec<Value> {
    let cases = file["cases"].as_array().unwrap();
    let has_options = |case: &&Value| {
        let options = case.pointer("/inputs/Scenario/Options");
        options.is_some_and(|options| !options.as_array().unwrap().is_empty())
    };
    let options: Vec<&Value> = cases.iter().filter(has_options).collect();
    let mut chosen = vec![&cases[cases.len() / 2]];
    chosen.extend(options.get(options.len() / 2).filter(|case| **case != chosen[0]));
    chosen.into_iter().cloned().collect()
}

/// Every number of the answers, spoilt in the ninth digit or by one, is a mismatch and the only one.
#[test]
fn a_wrong_answer_is_seen() {
    let mut spoilt = 0;
    for (prefix, outs) in [
        ("mango_", &["out"][..]),
        ("derive_pmrm2.", &["evm_1e18", "published"]),
        ("derive_pmrm2_params", &["published"]),
        ("drift_", &["out_liability", "out_asset"]),
        ("dydx_", &["expectedInitialMarginQuoteQuantums"]),
        ("span_", &["out"]),
    ] {
        let mut file = unpacked(&files(prefix)[0]);
        for case in cases_to_spoil(&file) {
            file["cases"] = Value::Array(vec![case]);
            for out in outs {
                spoilt += spoil_each(&file, prefix, out);
            }
        }
    }
    assert!(spoilt > 150, "{spoilt}");
}

/// Spoils one number of an answer after the other: how many there were.
fn spoil_each(file: &Value, prefix: &str, out: &str) -> usize {
    let mut places = Vec::new();
    numbers(&file["cases"][0][out], format!("/cases/0/{out}"), &mut places);
    let mut spoilt = 0;
    for place in places {
        let mut wrong = file.clone();
        let leaf = wrong.pointer_mut(&place).unwrap();
        let Some(other) = off(leaf) else { continue };
        *leaf = other;
        let checked = check(&serde_json::to_vec(&wrong).unwrap()).unwrap();
        let counts = tally(&checked);
        assert_eq!((counts.mismatched, counts.skipped), (1, 0), "{prefix}{place}");
        let seen = checked.records.iter().flat_map(|record| record.differences());
        assert!(seen.map(|(_, outcome)| outcome).eq([Outcome::Different]));
        spoilt += 1;
    }
    spoilt
}

/// A number a little beside: in the ninth digit, or by one where it is small.
fn off(leaf: &Value) -> Option<Value> {
    let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_string);
    let string = leaf.is_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
    if digits.contains('e') {
        return Some(Value::from(1.0));
    }
    let mut digits: Vec<u8> = digits.bytes().collect();
    let first = digits.iter().position(|digit| (b'1'..=b'9').contains(digit));
    let Some(first) = first else {
        return Some(if string { "9000000000000".into() } else { Value::from(9) });
    };
    let places: Vec<usize> = (first..digits.len()).filter(|at| digits[*at] != b'.').collect();
    let at = places[places.len().min(8) - 1];
    digits[at] = if digits[at] == b'9' { b'7' } else { digits[at] + 1 };
    let text = format!("{sign}{}", String::from_utf8(digits).unwrap());
    if string { Some(text.into()) } else { serde_json::from_str(&text).ok() }
}

fn numbers(value: &Value, path: String, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            (0..).zip(items).for_each(|(at, item)| numbers(item, format!("{path}/{at}"), all));
        }
        Value::Object(entries) => {
            entries.iter().for_each(|(key, entry)| numbers(entry, format!("{path}/{key}"), all));
        }
        _ => all.push(path),
    }
}
