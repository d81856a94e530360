//! `check` asks more of the accounts that it shows, and of no others: what it says of those is what it says of them among all.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::{Book, root};
use serde_json::Value;
use std::process::Command;

const BOOKS: [&str; 8] =
    ["treasury", "lending", "compound_v3", "liquity", "maker", "hubs", "crash", "margin"];

fn check(book: &str, rest: &[&str]) -> String {
    let path = format!("examples/{book}");
    let args = [&["check", &path], rest].concat();
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).current_dir(root()).output();
    String::from_utf8(output.expect("plimsoll runs").stdout).expect("text")
}

fn json(book: &str, rest: &[&str]) -> Value {
    serde_json::from_str(&check(book, &[rest, &["--json"]].concat())).expect("JSON")
}

/// The accounts apart from the rest of an answer.
fn apart(mut answer: Value) -> (Vec<Value>, Value) {
    let accounts = answer["accounts"].take().as_array().expect("accounts").clone();
    (accounts, answer)
}

/// `critical` of an answer's accounts, in their order.
fn of<'a>(all: &'a [Value], field: &str, words: &[&str]) -> Vec<&'a Value> {
    all.iter().filter(|account| words.contains(&account[field].as_str().expect("a word"))).collect()
}

#[test]
fn who_is_shown_is_told_as_among_all() {
    let mut some = 0;
    for book in BOOKS {
        let (all, rest) = apart(json(book, &[]));
        let market = all[0]["market"].as_str().expect("a market");
        let owner = all[0]["owner"].as_str().expect("an owner");
        let expected: [(&[&str], Vec<&Value>); 5] = [
            (
                &["--tier", "critical,liquidatable,unknown"],
                of(&all, "tier", &["critical", "liquidatable", "unknown"]),
            ),
            (&["--tier", "no debt"], of(&all, "tier", &["no debt"])),
            (&["--market", market], of(&all, "market", &[market])),
            (&["--owner", owner], of(&all, "owner", &[owner])),
            (&["--top", "3"], all.iter().take(3).collect()),
        ];
        for (choice, expected) in expected {
            let (shown, same) = apart(json(book, choice));
            assert_eq!(shown.iter().collect::<Vec<_>>(), expected, "{book} {choice:?}");
            assert_eq!(same, rest, "{book} {choice:?}: sums are of all");
            some += usize::from(!shown.is_empty() && shown.len() < all.len());
        }
        for order in ["name", "debt", "distance"] {
            let (shown, same) = apart(json(book, &["--sort", order]));
            let sorted = |accounts: &[Value]| {
                let mut texts: Vec<String> = accounts.iter().map(Value::to_string).collect();
                texts.sort();
                texts
            };
            assert_eq!((sorted(&shown), same), (sorted(&all), rest.clone()), "{book} {order}");
        }
    }
    assert!(some > 15, "{some} choices chose");
}

#[test]
fn rows_that_are_chosen_are_those_among_all() {
    for book in BOOKS {
        let all = check(book, &["--csv"]);
        let mut lines = all.lines();
        let header = lines.next().expect("a header");
        let tier = header.split(',').position(|name| name == "tier").expect("a tier");
        for chosen in ["critical", "liquidatable", "no debt"] {
            let shown = check(book, &["--csv", "--tier", chosen]);
            let expected = lines.clone().filter(|line| line.split(',').nth(tier) == Some(chosen));
            let expected: Vec<&str> = std::iter::once(header).chain(expected).collect();
            assert_eq!(shown.lines().collect::<Vec<_>>(), expected, "{book} {chosen}");
        }
    }
}

/// An account's name may have a colon, also one that another account is called by: each has a name by which it is found.
#[test]
fn a_colon_in_a_name_hides_nobody() {
    let book = Book::changed("colons", "treasury", |file, text| match file {
        "positions.csv" => {
            text + "aave-core:alice,aave-core,collateral,WETH,5,token,,,\naave-core:zed,aave-core,supply,USDC,5,token,,,\n"
        }
        _ => text,
    });
    for (name, found) in [
        ("alice", "alice"),
        ("aave-core:alice", "alice"),
        ("aave-core:aave-core:alice", "aave-core:alice"),
        ("aave-core:zed", "aave-core:zed"),
        ("aave-core:aave-core:zed", "aave-core:zed"),
    ] {
        let text = book.text("outlook", &[name]);
        let told = book.told("outlook", &[name]);
        assert!(text.starts_with(&format!("account  {found} of ")), "{name}: {text}{told}");
    }
    assert_eq!(book.code("outlook", &["aave-core:zedd"]), 2);
}
