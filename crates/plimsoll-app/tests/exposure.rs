//! `plimsoll exposure`, and what other commands say of prices that see no market, as a shell runs them.
//!
//! Figures of `examples/wrapped` are those of `crates/plimsoll/tests/exposure.rs`, by Python's whole numbers.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::{Book, root};
use serde_json::Value;
use std::process::Command;

fn run(args: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let output = command.args(args).current_dir(root()).output().expect("plimsoll runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output.status.code().expect("an exit code"))
}

fn json(args: &[&str]) -> Value {
    let (text, _) = run(args);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}\n{text}"))
}

/// Columns of a table stand apart by spaces that depend on the rows.
fn has(text: &str, parts: &[&str]) -> bool {
    text.lines().any(|line| {
        let mut rest = line;
        parts.iter().all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    })
}

#[test]
fn an_account_is_told_by_what_carries_and_moves_it() {
    let (text, code) = run(&["exposure", "examples/wrapped", "--account", "cleo-vault"]);
    assert_eq!(code, 0, "{text}");
    let carried = ["yPOOL", "collateral", "4 217 911.31", "ETH/USD 2 108 955.65, USDC/USD 2 108 955.65"];
    assert!(has(&text, &carried), "{text}");
    assert!(has(&text, &["yPOOL", "partly", " 3 ", "most of USDC"]), "{text}");
    assert!(has(&text, &["most of the collateral hangs on ETH/USD: 54.12 %"]), "{text}");
    let (text, code) = run(&["exposure", "examples/wrapped"]);
    assert_eq!(code, 0, "{text}");
    // sUSDe of bela and USDe of dora.
    assert!(has(&text, &["at prices that see no market: collateral 1 698 079.99"]), "{text}");
    let answer = json(&["exposure", "examples/wrapped", "--owner", "cleo", "--json"]);
    let positions = answer["positions"].as_array().expect("positions");
    assert_eq!((positions.len(), &answer["accounts"]), (5, &Value::from(2)));
    let number = |value: &Value| value.as_str().expect("a text").parse::<i128>().expect("digits");
    for position in positions {
        let sources = position["sources"].as_array().expect("sources");
        let sum = sources.iter().map(|source| number(&source["carries"])).sum::<i128>();
        assert_eq!(sum, number(&position["value"]), "{position}");
    }
    assert_eq!(run(&["exposure", "examples/wrapped", "--owner", "cloe"]).1, 2);
    assert_eq!(run(&["exposure", "examples/wrapped", "--account", "cleo"]).1, 2);
}

#[test]
fn collateral_that_sees_no_market_is_told_by_check() {
    let (text, _) = run(&["check", "examples/wrapped"]);
    let dora = "USDe is at a hard-coded price (USDe at par), and worth 38 500.00 below that at USDe/USD";
    assert!(has(&text, &["dora", dora]), "{text}");
    assert!(has(&text, &["bela", "sUSDe follows an exchange rate only (sUSDe/USD)"]), "{text}");
    assert!(has(&text, &["USDe 1.00000000 USD (constant, hard-coded: sees no market)"]), "{text}");
    assert!(!has(&text, &["anna", "exchange rate"]), "{text}");
    let answer = json(&["check", "examples/wrapped", "--json"]);
    let accounts = answer["accounts"].as_array().expect("accounts");
    let dora = accounts.iter().find(|account| account["account"] == "dora").expect("dora");
    let blind = &dora["outlook"]["blind"][0];
    assert_eq!((&blind["sees"], &blind["asset"]), (&"hard-coded".into(), &"USDe".into()));
    assert_eq!(blind["at_market"]["difference"], "-3850000000000");
}

/// A pool by its reserves is told as what anybody may move; a stale feed says so, and the exit code with it.
#[test]
fn what_may_be_moved_or_doubted_is_told() {
    let book = Book::changed("exposure", "wrapped", |name, text| match name {
        "book.toml" => text.replace("value = \"fair\"", "value = \"reserves\""),
        "feeds.csv" => text.replace(
            "USDC in the pool,redemption,46590001.123456,USDC,made up,2025-10-10T21",
            "USDC in the pool,redemption,46590001.123456,USDC,made up,2025-10-10T19",
        ),
        _ => text,
    });
    let (text, code) = run(&["exposure", &book.0.display().to_string()]);
    assert_eq!(code, 4, "{text}");
    assert!(has(&text, &["MANIPULABLE  POOL by whoever trades in the pool behind pool/USD"]), "{text}");
    assert!(has(&text, &["USDC in the pool", "rate", "STALE"]), "{text}");
}

/// What spokes share: the core hub's dollars an hour after its state, by Python's whole numbers from the example's files.
#[test]
fn a_pool_is_told_with_all_who_share_it() {
    let answer = json(&["exposure", "examples/hubs", "--json"]);
    let pools = answer["pools"].as_array().expect("pools");
    let pool = pools.iter().find(|pool| pool["pool"] == "core/USDC").expect("the core hub's dollars");
    let figures = |of: &Value| {
        let all = of["figures"].as_array().expect("figures").iter();
        all.map(|one| one["value"].as_str().expect("a text").to_string()).collect::<Vec<_>>()
    };
    assert_eq!(figures(pool), ["11578091094434", "7250959241565", "977524473", "0", "4326158450000"]);
    let members = pool["members"].as_array().expect("members");
    let names: Vec<_> = members.iter().map(|one| one["name"].as_str()).collect();
    assert_eq!(names, [Some("main"), Some("stakers"), Some("fee receiver")]);
    assert_eq!(figures(&members[0]), ["11569037059427", "6811754779828", "977524473", "0"]);
    assert_eq!(figures(&members[1])[..2], ["0", "439204461738"]);
    assert_eq!(figures(&members[2]), ["9054029003"]);
    let (text, _) = run(&["exposure", "examples/hubs"]);
    assert!(
        has(&text, &["hubs core/USDC", "all", "11 578 091.09", "7 250 959.24", "977.52", "4 326 158.45"]),
        "{text}"
    );
    assert!(has(&text, &["fee receiver", "9 054.02", "0.0"]), "{text}");
    // Of one owner nothing is said of pools.
    assert_eq!(
        json(&["exposure", "examples/hubs", "--account", "risky", "--json"])["pools"],
        Value::Array(vec![])
    );
}
