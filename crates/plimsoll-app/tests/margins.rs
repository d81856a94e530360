//! `plimsoll margins` on made-up history, as a shell runs it.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // a test that cannot run the program has failed; prices are made up

mod scratch;

use scratch::{Book, root};
use serde_json::Value;
use std::fmt::Write;
use std::process::{Command, Output};

/// Closes of so many days that tremble by a fixed sequence, with a crash in the middle of them.
fn history(name: &str) -> Book {
    let mut text = String::from("ts,close\n");
    let (mut price, mut state) = (1000.0_f64, 7_u64);
    for day in 0..800_u64 {
        let _ = writeln!(text, "{},{price:.6}", 1_577_836_800 + day * 86_400);
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let uniform = (state >> 40) as f64 / f64::from(1 << 24) - 0.5;
        let crash = if day == 650 { -0.3 } else { 0.0 };
        price *= (0.1 * uniform + crash).exp();
    }
    Book::new(name, &[("ABC.csv", text)])
}

fn margins(history: &Book, rest: &[&str]) -> Output {
    let path = history.0.display().to_string();
    let args = [&["margins", "--history", &path, "--assets", "abc"], rest].concat();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).current_dir(root()).output().expect("plimsoll runs")
}

fn json(history: &Book, rest: &[&str]) -> Value {
    let output = margins(history, &[rest, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn found<'v>(answer: &'v Value, side: &str, tool: &str) -> &'v Value {
    let mut all = answer["schedules"].as_array().expect("schedules").iter();
    all.find(|one| one["side"] == side && one["tool"] == tool).expect("a schedule")
}

#[test]
fn margins_say_what_they_did_and_a_limit_what_it_adds() {
    let history = history("margins");
    let answer = json(&history, &["--rise", "0.02"]);
    let [base, floor] = ["base", "floor"].map(|tool| found(&answer, "held", tool));
    let numbers = |value: &Value| {
        value.as_array().expect("numbers").iter().map(|n| n.as_f64().expect("a number")).collect::<Vec<f64>>()
    };
    let (plain, floored) = (numbers(&base["margins_share"]), numbers(&floor["margins_share"]));
    // 799 returns, the first 500 before any margin; one margin more is in force for the days to come.
    assert_eq!((plain.len(), base["days"].as_u64()), (300, Some(298)));
    assert!(plain.iter().zip(&floored).all(|(base, floor)| floor >= base));
    assert!(
        floor["report"]["peak_to_trough_ratio"].as_f64() < base["report"]["peak_to_trough_ratio"].as_f64()
    );
    // Two days lose the 30 % of the crash, and nothing before foresaw it: the day of it and the day before are breaches.
    assert!(base["report"]["breaches"].as_u64() >= Some(2));
    for one in answer["schedules"].as_array().expect("schedules") {
        let (free, limited) = (numbers(&one["margins_share"]), numbers(&one["limited"]["margins_share"]));
        assert!(limited.windows(2).all(|two| two[1] <= two[0] * 1.02 * (1.0 + 1e-12)));
        assert!(limited.iter().zip(&free).all(|(limited, free)| limited <= free));
        let [before, after] =
            [&one["report"], &one["limited"]["report"]].map(|did| did["breaches"].as_u64().expect("a count"));
        let added = one["limited"]["breaches_added"].as_array().expect("breaches").len() as u64;
        assert_eq!(before + added, after);
    }
    let text = String::from_utf8_lossy(&margins(&history, &["--rise", "0.02"]).stdout).into_owned();
    assert!(text.contains("rises of at most 2.00 % a day add"), "{text}");
}

#[test]
fn the_file_has_every_margin_rounded_up_from_when_it_changes() {
    let history = history("margins-file");
    let out = history.0.join("margins.toml");
    let path = out.display().to_string();
    let answer = json(&history, &["--out", &path, "--tool", "stressed", "--days", "1", "--measure", "var"]);
    let text = std::fs::read_to_string(&out).expect("written");
    assert!(text.contains("asset = \"abc\"") && text.contains("tool = \"stressed\""), "{text}");
    let stressed = found(&answer, "held", "stressed");
    let held = text.split("[[margin]]").nth(1).expect("a schedule");
    let mut steps = held.lines().filter_map(|line| {
        let (at, part) = line.trim().strip_prefix('[')?.split_once(", \"")?;
        Some((at.parse::<i64>().ok()?, part.trim_end_matches("\"],").parse::<f64>().ok()?))
    });
    let mut now = steps.next().expect("a first step");
    let mut next = steps.next();
    let from = stressed["from_s"].as_array().expect("times");
    for (at, margin) in from.iter().zip(stressed["margins_share"].as_array().expect("margins")) {
        let (at, margin) = (at.as_i64().expect("a time"), margin.as_f64().expect("a number"));
        if next.is_some_and(|(next, _)| next == at) {
            now = next.expect("it is there");
            next = steps.next();
        }
        assert!(now.1 >= margin - 1e-9 && now.1 < margin + 1.001e-4, "{at}: {} for {margin}", now.1);
    }
    assert_eq!(next, None);
}

/// A file that is written again is another file: whoever reads the older one reads it to its end.
#[test]
fn a_file_is_whole_or_not_there() {
    let history = history("margins-whole");
    let [out, older] = ["margins.toml", "older.toml"].map(|name| history.0.join(name));
    let path = out.display().to_string();
    let write = |tool: &str| margins(&history, &["--out", &path, "--tool", tool]).status.code();
    assert_eq!(write("base"), Some(0));
    std::fs::hard_link(&out, &older).expect("a second name");
    assert_eq!(write("floor"), Some(0));
    let [out, older] = [&out, &older].map(|path| std::fs::read_to_string(path).expect("a file"));
    assert!(out.contains("tool = \"floor\"") && older.contains("tool = \"base\""), "{older}");
    // What cannot be written beside leaves what was there.
    std::fs::create_dir(history.0.join("margins.toml.part")).expect("a folder");
    assert_eq!(write("stressed"), Some(5));
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), out);
}

#[test]
fn what_cannot_be_estimated_is_told() {
    let history = history("margins-told");
    let output = margins(&history, &["--assets", "XYZ"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not estimable: history has no such series"));
    let short = Book::new("margins-short", &[("ABC.csv", "ts,close\n0,1\n86400,2\n172800,1\n".into())]);
    let output = margins(&short, &[]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected at least"));
    assert_eq!(
        margins(&Book::new("margins-none", &[("ABC.csv", "ts,close\n0,x\n".into())]), &[]).status.code(),
        Some(3)
    );
}
