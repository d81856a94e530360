//! `plimsoll correlations` and `plimsoll backtest` as a shell runs them, on made-up prices.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // a test that cannot run the program has failed; prices are floats

mod scratch;

use plimsoll_risk::stream::Stream;
use scratch::{Book, root};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

fn run(args: &[&str]) -> (String, String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let output = command.args(args).current_dir(root()).output().expect("plimsoll runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code().expect("an exit code"))
}

fn json(args: &[&str]) -> Value {
    let (text, told, _) = run(&[args, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}\n{text}{told}"))
}

/// Hourly closes of half a year: WETH and LINK go together until LINK parts in the last month; USDC is a dollar but for one day.
fn hourly(name: &str) -> Book {
    let mut stream = Stream::new(5, 0);
    let mut text = "ts,WETH,LINK,USDC\n".to_string();
    let (mut eth, mut link) = (2_000.0, 10.0);
    for hour in 0..4_400_i64 {
        let (common, own) = (stream.normal(), stream.normal());
        eth *= (0.006 * common).exp();
        link *= (0.007 * if hour < 3_700 { 0.9 * common + 0.3 * own } else { own }).exp();
        let usdc = if (4_000..4_024).contains(&hour) { 0.93 } else { 1.0 + 0.0004 * stream.normal() };
        writeln!(text, "{},{eth:.4},{link:.6},{usdc:.6}", 1_600_000_000 / 3_600 * 3_600 + 3_600 * hour)
            .expect("a text");
    }
    Book::new(name, &[("panel.csv", text)])
}

fn path(book: &Book) -> String {
    // The folder for markets is none of a history.
    book.0.display().to_string()
}

#[test]
fn pairs_alarms_and_pegs_are_told() {
    let history = hourly("correlations");
    let dir = path(&history);
    let asked = ["correlations", "examples/lending", "--history", &dir];
    let (text, told, code) = run(&asked);
    // Much of the book has no series: it says so, and the exit code does.
    assert_eq!(code, 4, "{text}{told}");
    assert!(text.contains("UNKNOWN  how ") && text.contains("no such series in the history"), "{text}");
    // Both are known up to the last hour of the panel.
    assert!(text.contains("until") && text.contains("2021-03-15"), "{text}");
    let answer = json(&asked);
    assert_eq!(answer["provenance"]["kind"], "estimate");
    assert_eq!(answer["provenance"]["history_sha256"].as_str().map(str::len), Some(64));
    let list = |name: &str| answer[name].as_array().expect("a list").clone();
    let pair = |collateral: &str, debt: &str| {
        let found =
            list("pairs").into_iter().find(|one| one["collateral"] == collateral && one["debt"] == debt);
        found.unwrap_or_else(|| panic!("no pair {collateral} for {debt}: {text}"))
    };
    let seen = pair("WETH", "LINK");
    let number = |value: &Value| value.as_f64().expect("a number");
    let (low, now, high) = (
        number(&seen["week"]["low_95"]),
        number(&seen["week"]["correlation"]),
        number(&seen["week"]["high_95"]),
    );
    assert!(low < now && now < high && now.abs() < 0.5, "{seen}");
    assert!(
        list("pairs").iter().all(|one| one["week"].is_object() != one["not_estimable"].is_string()),
        "{answer}"
    );
    let alarms = list("alarms");
    assert!(
        alarms.iter().any(|alarm| alarm["debt"] == "LINK" && number(&alarm["to"]) < number(&alarm["from"])),
        "{alarms:?}"
    );
    let times: Vec<i64> = alarms.iter().map(|alarm| alarm["time_s"].as_i64().expect("a time")).collect();
    assert!(times.is_sorted());
    let pegs = list("pegs");
    let usdc = pegs.iter().find(|peg| peg["series"] == "USDC-USD").expect("a peg");
    let below =
        usdc["peg"]["below"].as_array().expect("lines").iter().find(|it| it["line"] == 0.95).expect("a line");
    assert_eq!((&below["time_below_s"], &below["longest_s"]), (&Value::from(86_400), &Value::from(86_400)));
    // Until LINK parts nothing is said of it.
    let early = json(&[&asked[..], &["--until", "2021-01-01"]].concat());
    let early = early["alarms"].as_array().expect("a list").clone();
    assert!(early.iter().all(|alarm| alarm["debt"] != "LINK"), "{early:?}");
}

#[test]
fn pages_and_tables_are_written() {
    let history = hourly("correlations-page");
    let dir = path(&history);
    let (page, table) = (history.0.join("page.html"), history.0.join("rows.parquet"));
    let words = |path: &Path| path.display().to_string();
    let asked = ["correlations", "examples/lending", "--history", &dir];
    let (_, told, code) =
        run(&[&asked[..], &["--report", &words(&page), "--parquet", &words(&table)]].concat());
    assert_eq!(code, 4, "{told}");
    let page = std::fs::read_to_string(page).expect("a page");
    for part in ["<!doctype html>", "Correlation of the last week", "WETH for LINK", "class=\"mark\"", "Pegs"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(std::fs::read(&table).expect("a table").starts_with(b"PAR1"));
}

#[test]
fn what_cannot_be_asked_is_told() {
    let history = hourly("correlations-wrong");
    let dir = path(&history);
    let asked = ["correlations", "examples/lending", "--history", &dir];
    let with = |more: &[&str]| run(&[&asked[..], more].concat());
    let (_, told, code) = with(&["--since", "yesterday"]);
    assert!(code == 2 && told.contains("--since yesterday"), "{told}");
    let (_, told, code) = with(&["--map", "WBTC=WETH*2"]);
    assert!(code == 2 && told.contains("expected none"), "{told}");
    let (_, told, code) = run(&["correlations", "examples/lending", "--history", "/nonexistent"]);
    assert!(code == 3 && told.contains("/nonexistent"), "{told}");
}

/// Daily closes, calm and wild by turns of half a year, with fat tails.
fn daily(name: &str) -> Book {
    let mut stream = Stream::new(8, 0);
    let mut text = "ts,AAA,BBB\n".to_string();
    let (mut a, mut b, mut variance) = (100.0, 50.0, 1.0_f64);
    for day in 0..2_600_i64 {
        let heavy = stream.normal() * (0.5 / stream.chi_squared_mean(4.0)).sqrt();
        let value = heavy * variance.sqrt();
        variance = 0.02 + 0.06 * (value * value).min(60.0) + 0.92 * variance;
        a *= (0.03 * value).exp();
        b *= (0.02 * stream.normal()).exp();
        writeln!(text, "{},{a:.8},{b:.8}", 86_400 * (15_000 + day)).expect("a text");
    }
    Book::new(name, &[("panel.csv", text)])
}

#[test]
fn forecasts_are_judged_in_words() {
    let history = daily("backtest");
    let dir = path(&history);
    let asked = ["backtest", "--history", &dir];
    let (text, told, code) = run(&asked);
    assert_eq!(code, 0, "{text}{told}");
    let answer = json(&asked);
    let series = answer["series"].as_array().expect("series");
    assert_eq!(series.len(), 2);
    let mut rejected = 0;
    for one in series {
        for method in one["methods"].as_array().expect("methods") {
            let p = |test: &str| method[test]["p"].as_f64().expect("a number");
            let passes = p("kupiec") >= 0.05 && p("christoffersen") >= 0.05;
            assert_eq!(method["passes"], passes, "{method}");
            let verdict = method["verdict"].as_str().expect("words");
            assert_eq!(verdict.starts_with("REJECTED"), !passes, "{verdict}");
            assert!(text.contains(verdict), "{verdict}");
            rejected += usize::from(!passes);
        }
    }
    // Fat tails are not normal: the normal forecast of AAA is exceeded too often.
    let normal = &series[0]["methods"][2];
    assert!(normal["method"] == "EWMA normal" && normal["passes"] == false && rejected < 6, "{normal}");
    let page = history.0.join("page.html");
    let (_, _, code) = run(&[&asked[..], &["--report", &page.display().to_string()]].concat());
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(code == 0 && page.contains("EWMA normal: REJECTED") && page.contains("class=\"mark\""));
    let (_, told, code) = run(&["backtest", "--history", &dir, "--assets", "CCC"]);
    assert!(code == 4 && told.contains("CCC: no such series"), "{told}");
    let (_, told, code) = run(&["backtest", "--history", &dir, "--window", "5000"]);
    assert!(code == 4 && told.contains("AAA-USD"), "{told}");
}

/// A misspelt asset, a confidence that is none and times the wrong way round are wrong usage, whichever command is asked; where nothing was
/// looked at, no alarm is not calm.
#[test]
fn what_is_asked_in_vain_is_refused() {
    let history = hourly("in-vain");
    let dir = path(&history);
    let depth = history.0.join("depth.toml").display().to_string();
    std::fs::write(
        &depth,
        "format = 1\nname = \"d\"\nsources = [\"made up\"]\n[[depth]]\nassets = [\"WETH\"]\nimpact = [[\"50\", \"0.01\"]]\n",
    )
    .expect("a file");
    let book = "examples/lending";
    let of_book = |command: &'static str| vec![command, book, "--history", &dir];
    let calibrate = [of_book("calibrate"), vec!["--depth", &depth]].concat();
    for (asked, words) in [
        ([of_book("correlations"), vec!["--map", "NIX=WETH"]].concat(), "found `NIX`, expected"),
        ([of_book("risk"), vec!["--map", "NIX=WETH"]].concat(), "found `NIX`, expected"),
        ([of_book("risk"), vec!["--hold", "NIX"]].concat(), "found `NIX`, expected"),
        ([calibrate.clone(), vec!["--hold", "NIX"]].concat(), "found `NIX`, expected"),
        ([of_book("correlations"), vec!["--map", "LINK=WETH*1.3"]].concat(), "found a factor"),
        ([calibrate, vec!["--map", "LINK=WETH*1.3"]].concat(), "found a factor"),
        (
            [of_book("correlations"), vec!["--since", "2026-01-01", "--until", "2025-01-01"]].concat(),
            "expected a time before --until",
        ),
        (vec!["backtest", "--history", &dir, "--level", "1.5"], "expected a number between 0 and 1"),
        (
            vec!["margins", "--history", &dir, "--assets", "WETH", "--level", "nan"],
            "expected a number between 0 and 1",
        ),
    ] {
        let (text, told, code) = run(&asked);
        assert!(code == 2 && text.is_empty() && told.contains(words), "{asked:?} {code}: {text}{told}");
    }
    // A factor of one is none.
    let (_, told, code) = run(&[of_book("correlations"), vec!["--map", "LINK=WETH*1.0"]].concat());
    assert_eq!(code, 4, "{told}");
    let (_, told, code) = run(&[of_book("correlations"), vec!["--since", "2030-01-01"]].concat());
    assert!(
        code == 4 && told.contains("nothing was looked at: the history ends at 2021-03-"),
        "{code}: {told}"
    );
}
