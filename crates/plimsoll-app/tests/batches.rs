//! The commands on the example book of a venue with troves, batches and stability pools, as a shell runs them. Expected
//! numbers are computed from the book's own by the rules, beside each.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

use serde_json::Value;
use std::path::Path;
use std::process::Command;

const BOOK: &str = "examples/liquity";

fn printed(args: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).current_dir(root).output();
    String::from_utf8(output.expect("plimsoll runs").stdout).expect("UTF-8")
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&printed(&[args, &["--json"]].concat())).expect("JSON")
}

/// Three quarters of what a branch's troves pay in a year go to its pool, in which each of the two is alone: of
/// 1478.561... BOLD (weighted debt 1478561485343496811865320000000000000000), and of 2753.988....
#[test]
fn a_deposit_in_a_stability_pool_earns_its_interest() {
    let pool = printed(&["portfolio", BOOK, "emil"]);
    assert!(pool.contains("nobody acting: earns 1 108.92, pays 0.00"), "{pool}");
    let pool = printed(&["outlook", BOOK, "dora-pool"]);
    assert!(pool.contains("nobody acting: earns 2 065.49, pays 0.00"), "{pool}");
}

/// Terms that are accounts, branches and statuses are told by name.
#[test]
fn terms_are_told_by_name() {
    let explained = printed(&["explain", BOOK, "carl-weth"]);
    for line in [
        "batch = 2 (bert)",
        "branch = 1 (WETH)",
        "status = 1 (active)",
        "owner = 1 (anna)",
        "previous = 4 (bert-weth)",
        "next = 3 (anna-weth)",
        "stake = 10000000000000000000\n",
    ] {
        assert!(explained.contains(&format!("term     {line}")), "{line}: {explained}");
    }
}

/// Ida: 2 rETH at 1655.4 are 3310.80, her debt with interest is 2817.96, and 120 % of that is more than she has: all goes.
/// Dora, after a fall of 17 %: 9584.01 against 8061.27; the pool pays 3999 of it, the other troves take 4062.27 over for
/// 120 %, and of 6 wstETH 0.304608787382340583 are left, worth 486.56.
#[test]
fn a_liquidation_says_what_the_owner_loses() {
    let ida = printed(&["liquidate", BOOK, "ida-reth"]);
    let said = "the owner had 492.83 USD above the debt and loses 492.83 of it; left to be claimed: nothing";
    assert!(ida.contains(said), "{ida}");
    let fall = ["liquidate", BOOK, "dora-wsteth", "--price", "wstETH/USD=-17%"];
    let dora = printed(&fall);
    let said = "the owner had 1 522.73 USD above the debt and loses 1 036.17 of it; left to be claimed: \
        0.304608787382340583 wstETH surplus";
    assert!(dora.contains(said), "{dora}");
    let does = &json(&fall)["forced"][0]["does"];
    assert_eq!(does["claims"][0]["amount"], "304608787382340583");
    assert_eq!(does["claims"][0]["asset"], "wstETH surplus");
}

/// What the owner holds of the debt's own asset stands beside the way back.
#[test]
fn the_owners_own_tokens_stand_beside_a_repayment() {
    let back = ["restore", BOOK, "anna-weth", "--to", "1.5"];
    assert!(printed(&back).contains("the owner holds 86750.000000000000000000 BOLD as anna\n"));
    let own = &json(&back)["repayments"][0]["own"];
    assert_eq!((&own[0]["account"], &own[0]["amount"]), (&"anna".into(), &"86750000000000000000000".into()));
}

/// A debt that two instruments stand for is one row; who owes nothing needs nothing.
#[test]
fn nothing_is_said_twice_of_who_owes_nothing() {
    let most = printed(&["max", BOOK, "anna"]);
    assert_eq!(most.matches(" borrow ").count(), 1, "{most}");
    let back = printed(&["restore", BOOK, "anna", "--to", "1.5"]);
    assert!(back.contains("nothing is owed: nothing is needed") && !back.contains("surplus"), "{back}");
}
