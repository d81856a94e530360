//! Aave v4 as people read it: what newer parameters will do is told by every question, and reserves go by their names.

#![allow(clippy::expect_used)] // a program that cannot be run has failed the test

mod scratch;

use scratch::Book;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

const BOOK: &str = "examples/hubs";
const OLD: &str = "old-version";
/// 100 WETH count 80 % under the newest version and 82 % under its own: 1.0197 x 80 / 82.
const TOLD: &str = "judged by older parameters: a loan or a withdrawal of collateral would be judged by the newest, under which \
                    healthFactor is 0.994";

fn plimsoll(args: &[&str]) -> Output {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).current_dir(root).output().expect("it runs")
}

fn text(args: &[&str]) -> String {
    String::from_utf8_lossy(&plimsoll(args).stdout).into_owned()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_slice(&plimsoll(args).stdout).expect("JSON")
}

#[test]
fn every_question_tells_of_newer_parameters() {
    for args in [
        vec!["check", BOOK],
        vec!["explain", BOOK, OLD],
        vec!["outlook", BOOK, OLD],
        vec!["portfolio", BOOK, OLD],
        vec!["restore", BOOK, OLD, "--to", "1.5"],
        vec!["max", BOOK, OLD],
        vec!["liquidate", BOOK, OLD],
        vec!["brief", BOOK, "--since", BOOK],
    ] {
        let all = text(&args);
        assert!(all.contains(TOLD) && all.contains("and be refused"), "{args:?}: {all}");
    }
    for args in [
        vec!["outlook", BOOK, OLD, "--json"],
        vec!["restore", BOOK, OLD, "--to", "1.5", "--json"],
        vec!["max", BOOK, OLD, "--json"],
        vec!["liquidate", BOOK, OLD, "--json"],
    ] {
        let answer = json(&args);
        assert_eq!(answer["renewed"]["verdict"], "unhealthy", "{args:?}: {answer:#}");
        assert!(
            answer["renewed"]["value"].as_str().is_some_and(|value| value.starts_with("994")),
            "{args:?}"
        );
    }
    let mixed = json(&["max", BOOK, "mixed", "--json"]);
    assert_eq!(mixed["renewed"], Value::Null);
    let since = json(&["brief", BOOK, "--since", BOOK, "--json"]);
    let worst = since["worst"].as_array().expect("a list");
    let old = worst.iter().find(|one| one["account"] == OLD).expect("among the worst");
    assert_eq!(old["renewed"]["verdict"], "unhealthy");
    // Who owes nothing has no health to speak of, and no number stands for that.
    let all = text(&["whatif", BOOK, OLD, "--repay", "all USDC"]);
    assert!(!all.contains("115 792 089") && all.contains("(no debt)"), "{all}");
}

#[test]
fn reserves_go_by_their_names() {
    let all = text(&["max", BOOK, "mixed"]);
    for name in ["USDC prime", "USDC stakers", "WETH stakers"] {
        assert!(all.lines().any(|line| line.contains("borrow") && line.contains(name)), "{name}: {all}");
    }
    assert!(all.contains("a position there is another account [PL0193]"), "{all}");
    let sold = json(&["liquidate", BOOK, "under-water", "--json"]);
    let pair = &sold["pairs"][0];
    assert_eq!((&pair["debt"]["asset"], &pair["debt"]["name"]), (&"USDC".into(), &"USDC".into()));
    let desk = json(&["restore", BOOK, "bitcoin-desk", "--to", "2", "--json"]);
    let names: Vec<&str> = desk["repayments"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|way| way["name"].as_str())
        .collect();
    assert_eq!(names, ["WETH", "USDC prime"]);
    let prices = text(&["check", BOOK]);
    assert!(prices.contains("\n  USDC prime 1") && prices.contains("\n  WETH stakers 2500"), "{prices}");
}

/// Every debt that a sale writes off is told with its name and in whole units, and the page says how JSON tells it.
#[test]
fn every_debt_that_is_written_off_is_named() {
    let args = ["liquidate", BOOK, "bitcoin-desk", "--price", "BTC/USD=30000"];
    let all = text(&args);
    let answer = json(&[&args[..], &["--json"]].concat());
    let pairs = answer["pairs"].as_array().expect("pairs");
    let sales = pairs.iter().map(|pair| &pair["sale"]).filter(|sale| !sale.is_null());
    let mut most = 0;
    for sale in sales {
        let lost = sale["bad_debt"].as_array().expect("a list");
        most = most.max(lost.len());
        for debt in lost {
            let decimals = debt["decimals"].as_u64().expect("a number");
            let raw: f64 = debt["raw"].as_str().and_then(|raw| raw.parse().ok()).expect("a number");
            let whole = raw / 10f64.powi(i32::try_from(decimals).expect("small"));
            let whole = format!("{}", whole.trunc());
            let name = debt["name"].as_str().expect("a name");
            let told = all.lines().filter_map(|line| line.split_once("leaves bad debt of "));
            let told = told.flat_map(|(_, told)| told.split(" and "));
            let mut told = told.filter(|told| told.trim().ends_with(name));
            assert!(told.any(|told| told.replace(' ', "").starts_with(&whole)), "{debt} {all}");
            assert!(debt["instrument"].is_string() && debt["asset"].is_string(), "{debt}");
        }
    }
    assert_eq!(most, 2, "{all}");
    let page = include_str!("../../../docs/output.md");
    let row = page.split_once("`bad_debt[]`: ").expect("the page").1;
    for field in ["instrument", "asset", "name", "raw", "decimals"] {
        assert!(row[..row.len().min(200)].contains(&format!("`{field}`")), "{field}");
    }
}

/// Whoever pays a premium pays another one on all debts after a liquidation: one that is inactive closes it, and is named.
#[test]
fn what_closes_a_liquidation_is_named() {
    let book = Book::changed("inactive-debt", "hubs", |file, text| match file {
        "feeds.csv" => text.replace("BTC/USD,oracle,91000", "BTC/USD,oracle,60000"),
        "markets/hubs.toml" => {
            let first = "asset = \"WETH\"\nfeed = \"ETH/USD\"\n";
            text.replacen(first, &format!("{first}active = false\n"), 1)
        }
        _ => text,
    });
    let told = book.text("liquidate", &["bitcoin-desk"]);
    assert!(told.contains("USDC prime for WBTC: not executable: WETH: the asset is not active"), "{told}");
}
