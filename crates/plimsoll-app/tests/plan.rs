//! `plimsoll plan` and `plimsoll policy test` as a shell runs them.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::{Book, root};
use serde_json::Value;
use std::fmt::Write;
use std::process::{Command, Output};

fn plimsoll(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).current_dir(root()).output().expect("plimsoll runs")
}

fn json(args: &[&str]) -> Value {
    serde_json::from_slice(&plimsoll(args).stdout).expect("JSON")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const ALICE: [&str; 5] = ["plan", "examples/treasury", "alice", "--target", "2"];

fn alice<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&ALICE[..], rest].concat()
}

/// What is printed is what JSON says, and a recorded plan holds on the book that it was made for and not on one whose price fell.
#[test]
fn a_recorded_plan_is_done_again() {
    let wallet = ["--wallet", "10000 USDC"];
    let output = plimsoll(&alice(&[&wallet[..], &["--json"]].concat()));
    assert_eq!(output.status.code(), Some(0));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let step = &answer["plan"]["steps"][0];
    assert_eq!((&step["do"], &step["amount"]), (&"repay".into(), &"8624406328".into()));
    assert_eq!(answer["plan"]["kind"], "exact");
    let folder =
        Book::new("plan-again", &[("plan.json", text(&output.stdout)), ("none.json", "{}".to_string())]);
    let path = folder.0.join("plan.json").display().to_string();
    let again = json(&alice(&[&wallet[..], &["--check", &path, "--json"]].concat()));
    assert_eq!((&again["holds"], &again["done"]), (&true.into(), &1.into()), "{again}");
    assert_eq!(again["differences"], serde_json::json!([]));
    let fallen = plimsoll(&alice(&[&wallet[..], &["--check", &path, "--price", "ETH/USD=-3%"]].concat()));
    assert_eq!(fallen.status.code(), Some(1));
    assert!(text(&fallen.stdout).contains("PL0691"), "{}", text(&fallen.stdout));
    let none = folder.0.join("none.json").display().to_string();
    let faulty = plimsoll(&alice(&["--check", &none]));
    assert_eq!(faulty.status.code(), Some(3));
    assert!(text(&faulty.stderr).contains("PL0692"), "{}", text(&faulty.stderr));
}

/// 1 where there is no plan, 2 for what cannot be meant, 3 for a faulty wallet, 4 where an account is unknown.
#[test]
fn exit_codes_say_what_came_of_it() {
    let code = |args: &[&str]| plimsoll(args).status.code();
    assert_eq!(code(&alice(&["--wallet", "100 USDC"])), Some(1));
    assert_eq!(code(&alice(&["--wallet", "100 USDD"])), Some(2));
    assert_eq!(code(&alice(&["--wallet", "no-such-file"])), Some(2));
    assert_eq!(code(&["plan", "examples/treasury", "--owner", "Nobody", "--target", "2"]), Some(2));
    let folder =
        Book::new("plan-wallet", &[("wallet.toml", "format = 1\n[[held]]\nasset = \"USDC\"\n".to_string())]);
    let path = folder.0.join("wallet.toml").display().to_string();
    let faulty = plimsoll(&alice(&["--wallet", &path]));
    assert_eq!(faulty.status.code(), Some(3));
    assert!(text(&faulty.stderr).contains("wallet.toml:2"), "{}", text(&faulty.stderr));
    assert_eq!(code(&["plan", "examples/compound_v3", "uni-needed", "--target", "1.5"]), Some(4));
}

/// A policy on made-up history, its table and its JSON.
#[test]
fn a_policy_is_tried() {
    let mut closes = String::from("ts,open,high,low,close\n");
    for (hour, price) in [100, 100, 100, 80, 60, 60, 60].iter().enumerate() {
        let before = if hour == 0 { 100 } else { [100, 100, 100, 80, 60, 60, 60][hour - 1] };
        let (low, high) = (before.min(*price), before.max(*price));
        let _ = writeln!(closes, "{},{before},{high},{low},{price}", 1_577_836_800 + hour * 3600);
    }
    let history = Book::new("policy-history", &[("ETH.csv", closes)]);
    let path = history.0.display().to_string();
    let args = [
        "policy",
        "test",
        "examples/treasury",
        "--policy",
        "examples/plan/keep.toml",
        "--history",
        &path,
        "--hold",
        "USDC",
    ];
    let answer = json(&[&args[..], &["--json", "--frontier"]].concat());
    assert_eq!(answer["provenance"]["kind"], "estimate");
    let tried = answer["tried"].as_array().expect("rows");
    assert!(tried.len() > 10, "{}", tried.len());
    assert_eq!(
        (&tried[0]["what"], &tried[1]["what"], &tried[2]["what"]),
        (&"nothing".into(), &"buffer".into(), &"policy".into())
    );
    assert!(tried.iter().any(|one| one["efficient"] == true));
    let shown = text(&plimsoll(&args).stdout);
    assert!(shown.contains("policy 1.200 -> 1.500") && shown.contains("too late"), "{shown}");
}
