//! What is on its way to a venue that delays its prices is told by every question, and is not calm.
//!
//! Ada's vault of the crash: 100 WETH and 200,000 DAI at 145 %, so that 2,900 is its line; 3,000 are in force and queued
//! since 12:00, and the oracle takes a price an hour.

#![allow(clippy::expect_used)] // a program that cannot be run has failed the test

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

const BOOK: &str = "examples/crash";
const ADA: &str = "maker-eth-a:ada";
/// The feed is let in behind the queue at 13:00 and in front of it at 14:00.
const TOLD: &str = "BELOW ITS LINE at the feed of now, 2700.000000000000000000: liquidatable from \
                    2025-10-10T14:00:00Z on, when the venue's oracle has taken it";
const FROM: u64 = 1_760_104_800;

fn plimsoll(args: &[&str]) -> Output {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).current_dir(root).output().expect("it runs")
}

fn text(args: &[&str]) -> (String, i32) {
    let output = plimsoll(args);
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code().expect("a code"))
}

fn json(args: &[&str]) -> Value {
    serde_json::from_slice(&plimsoll(args).stdout).expect("JSON")
}

/// The book with ether at 2,700, as a folder of its own.
fn fallen() -> String {
    let folder = std::env::temp_dir().join(format!("plimsoll-coming-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let path = folder.display().to_string();
    let (_, code) = text(&["whatif", BOOK, "--price", "WETH/USD=-10%", "--out", &path]);
    assert_eq!(code, 1);
    path
}

#[test]
fn every_question_tells_what_the_oracle_has_not_taken_yet() {
    let book = fallen();
    let (all, code) = text(&["whatif", BOOK, "--price", "WETH/USD=-10%"]);
    assert!(all.contains(&format!("COMING: {ADA}: {TOLD}")) && code == 1, "{all}");
    // At 2,910 she stays above it.
    let (all, code) = text(&["whatif", BOOK, "--price", "WETH/USD=-3%"]);
    assert!(!all.contains("COMING") && code == 0, "{all}");
    for (args, expected) in [
        (vec!["check", &book], 1),
        (vec!["explain", &book, ADA], 1),
        (vec!["outlook", &book, ADA], 1),
        (vec!["portfolio", &book, "Ada"], 1),
        (vec!["whatif", BOOK, ADA, "--price", "WETH/USD=-10%"], 1),
        (vec!["restore", &book, ADA, "--to", "1.5"], 0),
        (vec!["max", &book, ADA], 0),
        (vec!["liquidate", &book, ADA], 0),
    ] {
        let (told, code) = text(&args);
        assert!(told.contains(TOLD) && code == expected, "{args:?} {code} {told}");
        let value = json(&[&args[..], &["--json"]].concat());
        let found = match args[0] {
            "check" | "portfolio" => value["accounts"]
                .as_array()
                .expect("accounts")
                .iter()
                .find(|it| it["market"] == "maker-eth-a")
                .expect("hers")["coming"]
                .clone(),
            "whatif" => value["after"]["account"]["coming"].clone(),
            "explain" => value["shown"]["coming"].clone(),
            _ => value["coming"].clone(),
        };
        assert_eq!((&found["of"], &found["from"]), (&"feed".into(), &FROM.into()), "{args:?} {value}");
        assert_eq!(
            (&found["price"], &found["verdict"]),
            (&"2700000000000000000000".into(), &"unhealthy".into())
        );
    }
    let (totals, code) = text(&["check", &book, "--totals"]);
    assert!(
        totals.contains("above the line, and below it by a price on its way to the venue: 1 account")
            && code == 1
    );
    let (csv, code) = text(&["check", &book, "--csv"]);
    let hers = csv.lines().find(|line| line.contains("maker-eth-a")).expect("a row");
    assert!(hers.ends_with(",2025-10-10T14:00:00Z") && code == 1, "{csv}");
    std::fs::remove_dir_all(&book).expect("its own folder");
}

/// Two hops on the price counts, and a price of which nobody has told us since is unknown, not safe.
#[test]
fn two_hops_on_the_feed_decides_and_is_unknown_where_it_is_stale() {
    let tier = |wait: &str| {
        let value = json(&["whatif", BOOK, ADA, "--after", wait, "--price", "WETH/USD=-10%", "--json"]);
        value["after"]["account"]["tier"].clone()
    };
    assert_eq!((tier("119m"), tier("120m")), ("critical".into(), "liquidatable".into()));
    // A month on, nothing new having been told, and a feed that is an hour old at most.
    let check = json(&["check", "examples/maker", "--at", "2021-09-10T12:25:00Z", "--json"]);
    let of = |name: &str| {
        let accounts = check["accounts"].as_array().expect("accounts");
        accounts.iter().find(|it| it["account"] == name && it["market"] == "eth-a").expect("a row")["tier"]
            .clone()
    };
    assert_eq!([of("aurora"), of("borealis"), of("delta")], ["unknown"; 3].map(Value::from));
    // The queued price alone decides: whatever the feed is, it is lost.
    assert_eq!(of("cassia"), "liquidatable");
}

/// `Dog.bark` needs no poke where the spot that is stored is low enough.
#[test]
fn a_low_spot_that_is_stored_is_enough() {
    let set = ["--set", "maker-eth-a/spot=1999999999999999999999999999999"];
    let (told, code) = text(&[&["liquidate", BOOK, ADA][..], &set].concat());
    assert!(told.contains(" bark ") && code == 1, "{told}");
    // 13 % on 200,000 DAI, a thousandth of it and 250 for the keeper, as the venue counts DAI; her 100 WETH less the debt.
    assert!(
        told.contains("476.000000000000000000 DAI") && told.contains("476.00  DAI as the venue counts it"),
        "{told}"
    );
    assert!(told.contains("the owner had "), "{told}");
    let value = json(&[&["whatif", BOOK, ADA][..], &set, &["--json"]].concat());
    assert_eq!(value["after"]["account"]["tier"], "liquidatable");
    assert_eq!(value["after"]["account"]["liquidation"]["venue"]["executable"], true);
}
