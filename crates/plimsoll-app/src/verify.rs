//! `plimsoll verify`: recorded answers of venues, and published figures of risk methods, against ours.

mod risk;

use crate::args::VerifyArgs;
use crate::exit;
use crate::show::{errln, outln};
use plimsoll_io::vectors::{Checked, Found, Outcome, Tally, check_with, tally, to_the_last_unit};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Differences shown of one file.
const SHOWN: usize = 10;

#[derive(Serialize)]
struct FileLine<'a> {
    file: String,
    schema: &'a str,
    checked: u64,
    mismatched: u64,
    skipped: u64,
    /// Of the integers that need only be near: how many are equal, and how many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    equal_of_near: Option<(u64, u64)>,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct Difference {
    record: String,
    leaf: String,
    outcome: &'static str,
    expected: Option<String>,
    found: Option<String>,
}

pub(crate) fn run(args: &VerifyArgs) -> u8 {
    if let Some(missing) = args.data.iter().find(|dir| !dir.is_dir()) {
        errln!("plimsoll: --data {}: no such folder", missing.display());
        return exit::USAGE;
    }
    let mut total = Tally::default();
    let mut unreadable = false;
    for file in &args.files {
        match read(file, &args.data) {
            Ok(checked) => {
                let counts = tally(&checked);
                total = total.plus(counts);
                print(file, &checked, counts, args.json);
            }
            Err(what) => {
                unreadable = true;
                errln!("plimsoll: {}:{what}", file.display());
            }
        }
    }
    outln!("{}", line(total));
    match (unreadable, total.mismatched + total.skipped) {
        (true, _) => exit::FAULTY,
        (false, 0) => exit::CALM,
        (false, _) => exit::UNHEALTHY,
    }
}

fn line(counts: Tally) -> String {
    format!("checked {}, mismatched {}, skipped {}", counts.checked, counts.mismatched, counts.skipped)
}

fn read(file: &Path, data: &[PathBuf]) -> Result<Checked, String> {
    let bytes = plimsoll_io::book::regular(file).and_then(|()| std::fs::read(file));
    let bytes = bytes.map_err(|error| format!(" {error}"))?;
    let folders = risk::Folders::of(file, data);
    check_with(&bytes, &|schema| risk::decoder(schema, &folders)).map_err(|fault| fault.to_string())
}

fn print(file: &Path, checked: &Checked, counts: Tally, json: bool) {
    let differences = differences(checked);
    let near = to_the_last_unit(checked);
    if json {
        let line = FileLine {
            file: file.display().to_string(),
            schema: &checked.schema,
            checked: counts.checked,
            mismatched: counts.mismatched,
            skipped: counts.skipped,
            equal_of_near: near,
            differences,
        };
        outln!("{}", serde_json::to_string(&line).unwrap_or_default());
        return;
    }
    let near = near.map_or(String::new(), |(equal, all)| {
        format!("; of {all} integers that need only be near, {equal} are equal")
    });
    outln!("{}: {}{near}", file.display(), line(counts));
    for difference in differences {
        let Difference { record, leaf, outcome, expected, found } = difference;
        let expected = expected.as_deref().unwrap_or("no such leaf");
        let found = found.as_deref().unwrap_or("nothing");
        outln!("  {record} {leaf}: {outcome}: expected {expected}, found {found}");
    }
}

fn differences(checked: &Checked) -> Vec<Difference> {
    if !checked.known {
        let schema = match checked.schema.as_str() {
            "" => "none",
            schema => schema,
        };
        return vec![Difference {
            record: "the file".into(),
            leaf: "schema".into(),
            outcome: "skipped",
            expected: Some("a schema that this version knows".into()),
            found: Some(schema.into()),
        }];
    }
    let mut all = Vec::new();
    for record in &checked.records {
        if let Some(fault) = &record.fault {
            all.push(Difference {
                record: record.path.clone(),
                leaf: "inputs".into(),
                outcome: "skipped",
                expected: None,
                found: Some(fault.to_string()),
            });
        }
        for (leaf, outcome) in record.differences() {
            let found = match &leaf.found {
                Found::Value(value) | Found::Judged { value, .. } => Some(value.clone()),
                Found::Near { value, .. } => Some(value.to_string()),
                Found::Refused(refusal) | Found::RefusedAs(refusal, _) => {
                    Some(format!("refused {}: {refusal}", refusal.code()))
                }
                Found::Absent => Some("no such leaf".into()),
                Found::NotComputed => None,
            };
            all.push(Difference {
                record: record.path.clone(),
                leaf: leaf.path.clone(),
                outcome: if outcome == Outcome::Skipped { "skipped" } else { "mismatched" },
                expected: leaf.expected.clone(),
                found,
            });
            if all.len() >= SHOWN {
                return all;
            }
        }
    }
    all
}
