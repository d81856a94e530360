//! One book in its several forms, and one answer in its several forms: they say the same.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that cannot run the program has failed

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn plimsoll(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).output().expect("plimsoll runs")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn example(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name).display().to_string()
}

/// A new folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-forms-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder); // of a run that was killed
    std::fs::create_dir(&folder).expect("a new folder");
    folder
}

fn convert(book: &str, to: &Path, rest: &[&str]) -> String {
    let out = to.display().to_string();
    let output = plimsoll(&[&["convert", book, "--out", &out], rest].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

#[test]
fn check_answers_the_same_from_both_forms() {
    for (name, code) in [("treasury", 0), ("lending", 0)] {
        let folder = folder(name);
        let packed = convert(&example(name), &folder.join("packed"), &["--to", "parquet"]);
        let back = convert(&packed, &folder.join("back"), &["--to", "csv"]);
        let answers = [example(name), packed, back].map(|book| {
            let output = plimsoll(&["check", &book, "--json"]);
            assert_eq!(output.status.code(), Some(code));
            json(&output)
        });
        assert_eq!(answers[0], answers[1], "{name}");
        assert_eq!(answers[0], answers[2], "{name}");
        std::fs::remove_dir_all(folder).expect("the folder is there");
    }
}

/// A book that is judged while it is read, and the same read whole: every row, every sum and the hash are equal.
#[test]
fn a_book_is_judged_alike_account_by_account_and_whole() {
    let folder = folder("stream");
    let streamed = convert(&example("lending"), &folder.join("streamed"), &["--to", "parquet", "--sort"]);
    let whole = convert(&streamed, &folder.join("whole"), &["--to", "csv"]);
    for at in ["2027-03-05T20:13:58Z", "2027-03-09T00:00:00Z"] {
        let at = ["--at", at];
        let csv = [&streamed, &whole].map(|book| plimsoll(&[&["check", book, "--csv"], &at[..]].concat()));
        assert_eq!(text(&csv[0]), text(&csv[1]));
        assert_eq!(text(&csv[0]).lines().count(), 362);
        assert_eq!(csv[0].stderr, csv[1].stderr);
        let totals = plimsoll(&[&["check", &streamed, "--totals", "--json"], &at[..]].concat());
        let check = plimsoll(&[&["check", &whole, "--json"], &at[..]].concat());
        assert_eq!(totals.status, check.status);
        let (totals, mut check) = (json(&totals), json(&check));
        assert_eq!(check.as_object_mut().unwrap().remove("accounts").unwrap().as_array().unwrap().len(), 361);
        assert_eq!(totals, check);
    }
    std::fs::remove_dir_all(folder).expect("the folder is there");
}

/// What a row of the CSV says is what `--json` says of the account.
#[test]
fn a_row_of_csv_is_what_json_says() {
    csv_against_json(&[]);
    // Tiers that begin elsewhere begin there in every form.
    csv_against_json(&["--tiers", "3,1.1,1.05"]);
}

fn csv_against_json(rest: &[&str]) {
    let ask = |form: &str| {
        let args = ["check", &example("lending"), form].map(str::to_string);
        args.into_iter().chain(rest.iter().map(ToString::to_string)).collect::<Vec<_>>()
    };
    let run = |form| plimsoll(&ask(form).iter().map(String::as_str).collect::<Vec<_>>());
    let csv = text(&run("--csv"));
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().expect("a header");
    let rows: BTreeMap<(String, String), BTreeMap<&str, &str>> = lines
        .map(|cells| {
            let row: BTreeMap<&str, &str> = names.iter().copied().zip(cells).collect();
            ((row["market"].to_string(), row["account"].to_string()), row)
        })
        .collect();
    let answer = json(&run("--json"));
    let accounts = answer["accounts"].as_array().expect("accounts");
    assert_eq!((rows.len(), accounts.len()), (361, 361));
    for account in accounts {
        let said = |value: &Value| value.as_str().unwrap_or("").to_string();
        let row = &rows[&(said(&account["market"]), said(&account["account"]))];
        assert_eq!(row["tier"], said(&account["tier"]));
        assert_eq!(row["health"], said(&account["health"]["shown"]));
        assert_eq!(row["ratio"], said(&account["collateralization_ratio"]["shown"]));
        assert_eq!(row["buffer"], said(&account["buffer_points"]));
        let venue = &account["liquidation"]["venue"];
        // The same digits, with a point in them.
        let digits = |cell: &str| cell.replace('.', "").trim_start_matches('0').to_string();
        for name in ["backing", "requirement", "collateral", "debt"] {
            assert_eq!(digits(row[name]), digits(&said(&venue[name])), "{name} of {}", row["account"]);
        }
    }
}

#[test]
fn a_parquet_file_of_results_is_there_whole_or_not_at_all() {
    let folder = folder("results");
    let file = folder.join("results.parquet");
    let path = file.display().to_string();
    let output = plimsoll(&["check", &example("lending"), "--parquet", &path]);
    assert_eq!(output.status.code(), Some(0));
    let bytes = std::fs::read(&file).expect("the results");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let again = plimsoll(&["check", &example("lending"), "--parquet", &path]);
    assert_eq!((again.status.code(), std::fs::read(&file).expect("the results")), (Some(0), bytes));
    let nowhere = folder.join("no/results.parquet").display().to_string();
    assert_eq!(plimsoll(&["check", &example("lending"), "--parquet", &nowhere]).status.code(), Some(5));
    // A faulty book has no results, and no part of them stays behind.
    let broken = folder.join("broken");
    convert(&example("treasury"), &broken, &["--to", "csv"]);
    let positions = std::fs::read_to_string(broken.join("positions.csv")).expect("the positions");
    std::fs::write(broken.join("positions.csv"), positions.replace("31000", "3e4")).expect("written");
    let other = folder.join("other.parquet");
    let args = ["check", &broken.display().to_string(), "--parquet", &other.display().to_string()];
    assert_eq!(plimsoll(&args).status.code(), Some(3));
    assert!(!other.exists() && !folder.join("other.parquet.part").exists());
    std::fs::remove_dir_all(folder).expect("the folder is there");
}

/// Nothing of progress is seen where stderr is no terminal.
#[test]
fn no_counter_is_shown_in_a_file() {
    let output = plimsoll(&["check", &example("lending"), "--totals"]);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
