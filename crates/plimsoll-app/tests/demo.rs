//! `plimsoll demo`, and that every command takes what it writes.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::{Book, root};
use std::process::{Command, Output};

fn demo(accounts: &str, out: &std::path::Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let out = out.display().to_string();
    let args = ["demo", "--accounts", accounts, "--seed", "3", "--out", &out];
    command.args(args).current_dir(root()).output().expect("plimsoll runs")
}

/// A demo book that is gone when it is dropped.
fn made(accounts: &str, name: &str) -> Book {
    let book = Book::new(name, &[]);
    std::fs::remove_dir_all(&book.0).expect("an empty folder");
    let output = demo(accounts, &book.0);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    book
}

#[test]
fn what_cannot_be_written_is_told() {
    let book = made("20", "demo-twice");
    let again = demo("20", &book.0);
    assert_eq!(again.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    for accounts in ["9", "20000001", "many"] {
        assert_eq!(demo(accounts, &book.0.join("none")).status.code(), Some(2), "{accounts}");
    }
}

#[test]
fn every_command_takes_it() {
    let book = made("400", "demo-commands");
    let answer = book.json("check", &[]);
    let accounts = answer["accounts"].as_array().expect("accounts");
    assert_eq!(accounts.len(), 400);
    let tier = |name: &str| answer["tiers"][name].as_u64().unwrap_or(0);
    assert!(tier("unknown") == 0 && tier("no debt") > 20 && tier("critical") > 20, "{:?}", answer["tiers"]);
    // One borrower of each market.
    for market in answer["markets"].as_array().expect("markets") {
        let name = market["name"].as_str().expect("a name");
        let one =
            accounts.iter().find(|one| one["market"] == name && one["tier"] == "high").expect("an account");
        let account = format!("{name}:{}", one["account"].as_str().expect("a name"));
        for command in ["explain", "outlook", "max", "liquidate"] {
            let told = book.told(command, &[&account]);
            assert_eq!(book.code(command, &[&account]), 0, "{command} {account}: {told}");
        }
        assert_eq!(book.code("whatif", &[&account, "--after", "10m"]), 0, "whatif {account}");
        assert_eq!(book.code("restore", &[&account, "--to", "1.5"]), 0, "restore {account}");
    }
    let owner = accounts[0]["owner"].as_str().expect("an owner");
    for (command, rest) in [("portfolio", vec![owner]), ("check", vec!["--totals"])] {
        assert!([0, 1].contains(&book.code(command, &rest)), "{command}: {}", book.told(command, &rest));
    }
}

/// A scenario that ships needs no word of whoever asks: every asset is named by it or held.
#[test]
fn a_crash_is_done_to_it_without_a_word() {
    let book = made("400", "demo-crash");
    let answer = book.json("stress", &["--scenario", "2022-06-3ac-peak"]);
    let jumps = answer["scenarios"].as_array().expect("scenarios");
    let [before, after] = [0, 1].map(|at| jumps[at]["after"].clone());
    assert_eq!(after["accounts"], 400);
    assert_eq!(after["unknown"], 0);
    let liquidatable = |counts: &serde_json::Value| counts["liquidatable"].as_u64().expect("a count");
    assert!(liquidatable(&after) > 100 && liquidatable(&before) < 20, "{before} {after}");
}
