//! What is not known, or dead already, in the answers of the commands: it is said, and never a zero or a danger.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// The treasury's book with its feeds and positions changed; gone when it is dropped.
struct Book(PathBuf);

impl Book {
    fn new(name: &str, feeds: impl Fn(String) -> String, positions: impl Fn(String) -> String) -> Book {
        let folder = std::env::temp_dir().join(format!("plimsoll-unknown-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder); // of a run that was killed
        std::fs::create_dir_all(folder.join("markets")).expect("a folder");
        let from = root().join("examples/treasury");
        for market in std::fs::read_dir(from.join("markets")).expect("markets") {
            let market = market.expect("an entry");
            std::fs::copy(market.path(), folder.join("markets").join(market.file_name())).expect("a copy");
        }
        std::fs::copy(from.join("book.toml"), folder.join("book.toml")).expect("a copy");
        let text = |name: &str| std::fs::read_to_string(from.join(name)).expect("a file");
        std::fs::write(folder.join("feeds.csv"), feeds(text("feeds.csv"))).expect("written");
        std::fs::write(folder.join("positions.csv"), positions(text("positions.csv"))).expect("written");
        Book(folder)
    }

    fn run(&self, command: &str, rest: &[&str]) -> Output {
        let path = self.0.display().to_string();
        let args = [&[command, &path], rest].concat();
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(args).current_dir(root()).output().expect("plimsoll runs")
    }

    fn text(&self, command: &str, rest: &[&str]) -> String {
        String::from_utf8_lossy(&self.run(command, rest).stdout).into_owned()
    }

    fn told(&self, command: &str, rest: &[&str]) -> String {
        String::from_utf8_lossy(&self.run(command, rest).stderr).into_owned()
    }

    fn json(&self, command: &str, rest: &[&str]) -> Value {
        let text = self.text(command, &[rest, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command} {rest:?}: {error}\n{text}"))
    }

    fn code(&self, command: &str, rest: &[&str]) -> i32 {
        self.run(command, rest).status.code().expect("an exit code")
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn same(text: String) -> String {
    text
}

fn without_ether(feeds: String) -> String {
    feeds.replace("oracle,4312.57000000", "oracle,")
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|it| it["account"].as_str().expect("an account")).collect()
}

/// A health that nobody knows was "no debt".
#[test]
fn a_health_that_is_not_known_is_not_no_debt() {
    let book = Book::new("restore", without_ether, same);
    let told = book.text("restore", &["alice", "--to", "1.5"]);
    assert!(
        told.contains("health   unknown: a price that this needs is missing [PL0201], to be 1.5"),
        "{told}"
    );
    assert!(!told.contains("no debt") && !told.contains("impossible"), "{told}");
    assert!(told.contains("UNKNOWN  a price is missing: the venue has no answer"), "{told}");
    let answer = book.json("restore", &["alice", "--to", "1.5"]);
    assert_eq!((&answer["health"], &answer["health_unknown"]["code"]), (&Value::Null, &"PL0201".into()));
    assert_eq!(answer["repayments"][0]["now"]["why"], "unknown");
    assert_eq!(book.code("restore", &["alice", "--to", "1.5"]), 4);
    let lender = book.json("restore", &["lender", "--to", "1.5"]);
    assert_eq!((&lender["health"], &lender["health_unknown"]), (&Value::Null, &Value::Null));
    assert!(book.text("restore", &["lender", "--to", "1.5"]).contains("health   no debt, to be 1.5"));
}

/// An exact zero stood where nothing can be computed.
#[test]
fn an_amount_that_is_not_known_is_no_zero() {
    let book = Book::new("limits", without_ether, same);
    let answer = book.json("max", &["alice"]);
    let mut amounts = 0;
    for most in ["withdraw", "borrow"].iter().flat_map(|side| answer[side].as_array().expect("a list")) {
        amounts += 1;
        assert_eq!((&most["amount"], &most["no_more_than"]), (&Value::Null, &Value::Null), "{most}");
        assert_eq!((&most["kind"], &most["one_unit_more"]["code"]), (&"unknown".into(), &"PL0201".into()));
    }
    assert!(amounts > 2, "{answer}");
    let told = book.text("max", &["alice"]);
    assert!(told.contains("withdraw  WETH    unknown") && !told.contains("0.000"), "{told}");
    let answer = book.json("explain", &["alice"]);
    for allowance in
        ["withdrawable", "borrowable"].iter().flat_map(|side| answer[side].as_array().expect("a list"))
    {
        assert_eq!((&allowance["amount"], &allowance["because"]["code"]), (&Value::Null, &"PL0201".into()));
    }
    let told = book.text("explain", &["alice"]);
    assert!(told.contains("  unknown: WETH (a price that this needs is missing [PL0201])"), "{told}");
    let holding = &book.json("outlook", &["alice"])["outlook"]["holdings"][0];
    assert_eq!(holding["withdrawable"], Value::Null);
    assert_eq!(holding["withdrawable_unknown"]["code"], "PL0201");
    assert!(
        book.text("outlook", &["alice"]).contains("unknown: a price that this needs is missing [PL0201]")
    );
    // What is refused whatever a price is, is nothing and not unknown; and who owes nothing may go.
    let sound = Book::new("limits-sound", same, same);
    assert_eq!(sound.json("max", &["alice"])["withdraw"][0]["kind"], "exact");
    assert_eq!(book.json("max", &["lender"])["withdraw"][0]["all"], true);
}
