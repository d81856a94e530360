//! `plimsoll brief`, as a shell runs it: what is printed, what programs and browsers read, and exit codes.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::{Book, root};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

const NOW: &str = "examples/treasury";
const BEFORE: &str = "examples/treasury-before";

fn plimsoll(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(args)
        .current_dir(root())
        .output()
        .expect("plimsoll runs")
}

fn brief(args: &[&str]) -> Output {
    plimsoll(&[&["brief"], args].concat())
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(args: &[&str]) -> Value {
    let output = brief(&[args, &["--json"]].concat());
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{args:?}: {error}\n{}", told(&output)))
}

/// A new folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-brief-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder); // of a run that was killed
    std::fs::create_dir(&folder).expect("a new folder");
    folder
}

#[test]
fn exit_codes_are_those_of_check_of_the_newer_book() {
    let cases: [(&[&str], i32); 8] = [
        (&[NOW, "--since", BEFORE], 0),
        (&[NOW, "--since", BEFORE, "--owner", "Acme treasury"], 0),
        (&[NOW, "--since", NOW], 0),
        (&["examples/compound_v3", "--since", "examples/compound_v3", "--owner", "Acme treasury"], 1),
        (&[BEFORE, "--since", NOW], 2),
        (&[NOW, "--since", BEFORE, "--owner", "Acme tresury"], 2),
        (&[NOW], 2),
        (&[NOW, "--since", "examples/nowhere"], 3),
    ];
    for (args, expected) in cases {
        let output = brief(args);
        assert_eq!(output.status.code(), Some(expected), "{args:?} {}", told(&output));
    }
}

#[test]
fn books_in_the_wrong_order_are_told_with_their_places() {
    let output = brief(&[BEFORE, "--since", NOW]);
    assert_eq!(
        told(&output).trim(),
        "plimsoll: --since examples/treasury: found a book of 2025-10-10T12:00:00Z, expected one of \
         2025-10-09T12:00:00Z or before, the time of examples/treasury-before [PL0202]"
    );
    let near = told(&brief(&[NOW, "--since", BEFORE, "--owner", "Acme tresury"]));
    assert!(near.contains("did you mean `Acme treasury`?"), "{near}");
}

fn number(value: &Value) -> i128 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value}"))
}

/// Parts and what is not split add to the change, and what `check` says of both books are its ends.
#[test]
fn the_parts_add_in_what_programs_read() {
    let found = json(&[NOW, "--since", BEFORE]);
    let check = |book: &str| -> Value {
        serde_json::from_slice(&plimsoll(&["check", book, "--json"]).stdout).expect("JSON")
    };
    let ends = [check(BEFORE), check(NOW)];
    assert_eq!(
        found["since"],
        ends[0]["provenance"].as_object().map(|of| without(of, &["accounts", "unknown"])).expect("it")
    );
    assert_eq!(found["tiers"]["before"], ends[0]["tiers"]);
    assert_eq!(found["tiers"]["after"], ends[1]["tiers"]);
    const PARTS: [&str; 5] = ["own_actions", "interest", "parameters", "prices", "not_split"];
    let adds = |of: &Value| {
        for amount in ["collateral", "debt", "headroom", "uncovered"] {
            let parts: i128 = PARTS.iter().map(|part| number(&of[part][amount])).sum();
            assert_eq!(
                parts,
                number(&of["after"][amount]) - number(&of["before"][amount]),
                "{amount} of {of}"
            );
        }
    };
    let list = |name: &str| found[name].as_array().expect("a list").clone();
    list("totals").iter().for_each(adds);
    let worst = list("worst");
    assert_eq!(worst.len(), 5);
    for account in &worst {
        adds(&account["change"]);
        let twin = |end: &Value| {
            let all = end["accounts"].as_array().expect("a list").clone();
            all.into_iter().find(|one| one["account"] == account["account"]).expect("the account")
        };
        assert_eq!(account["tier"]["before"], twin(&ends[0])["tier"]);
        assert_eq!(account["tier"]["after"], twin(&ends[1])["tier"]);
        assert_eq!(account["outlook"]["interest_alone"], twin(&ends[1])["outlook"]["interest_alone"]);
    }
    // Who acted, and who did not.
    let own = |name: &str| {
        let one = worst.iter().find(|one| one["account"] == name).expect("the account");
        number(&one["change"]["own_actions"]["debt"])
    };
    assert!(own("alice") > 0 && own("acme-loop") < 0);
    assert_eq!([own("bob"), own("acme-usdc"), own("lender")], [0; 3]);
    let rules = found["markets"][0]["parameters"].as_array().expect("a list");
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["number"], "aave-core/WETH/liquidation_threshold");
    assert_eq!([&rules[0]["before"], &rules[0]["after"]], ["8250", "8300"]);
}

fn without(of: &serde_json::Map<String, Value>, names: &[&str]) -> Value {
    Value::Object(
        of.iter()
            .filter(|(name, _)| !names.contains(&name.as_str()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
    )
}

#[test]
fn an_owner_sees_only_their_own() {
    let found = json(&[NOW, "--since", BEFORE, "--owner", "Acme treasury"]);
    let names: Vec<&str> =
        found["worst"].as_array().expect("a list").iter().filter_map(|one| one["account"].as_str()).collect();
    assert_eq!(names, ["acme-loop", "acme-usdc"]);
    assert_eq!(found["moved"].as_array().map(Vec::len), Some(0));
    assert_eq!(found["owners"][0]["owner"], "Acme treasury");
    let shown = text(&brief(&[NOW, "--since", BEFORE, "--owner", "Acme treasury"]));
    assert!(shown.contains("acme-loop") && !shown.contains("alice"), "{shown}");
}

#[test]
fn what_is_odd_about_feeds_is_told() {
    let shown = text(&brief(&[NOW, "--since", BEFORE]));
    for words in [
        "HARD-CODED: it follows no market",
        "did not move while others did, though observed again",
        "aave-core/WETH/liquidation_threshold: 0.8250 -> 0.8300 (bps)",
        "moderate -> high",
    ] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
}

/// The page needs nothing beside it, and has what the terminal has.
#[test]
fn the_page_says_what_the_terminal_says() {
    let folder = folder("page");
    let file = folder.join("brief.html").display().to_string();
    let output = brief(&[NOW, "--since", BEFORE, "--report", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let page = std::fs::read_to_string(&file).expect("the page");
    for outside in ["http:", "https:", "src=", "href=", "<script", "<link", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let json = json(&[NOW, "--since", BEFORE]);
    for words in [
        "acme-loop",
        "moderate -&gt; high",
        "HARD-CODED",
        "own actions",
        json["since"]["book_hash"].as_str().expect("a hash"),
        json["provenance"]["book_hash"].as_str().expect("a hash"),
    ] {
        assert!(page.contains(words), "{words}");
    }
    let unwritten = brief(&[NOW, "--since", BEFORE, "--report", "/nowhere/at/all.html"]);
    assert_eq!(unwritten.status.code(), Some(5));
    std::fs::remove_dir_all(folder).expect("the folder is there");
}

/// What a delayed oracle has on its way is told, and the exit code knows it.
#[test]
fn what_is_on_its_way_is_told() {
    let (now, then) = ("examples/crash", folder("coming"));
    let later = then.join("later").display().to_string();
    let changes = ["--price", "WETH/USD=-10%", "--after", "10m", "--out", &later];
    let made = plimsoll(&[&["whatif", now], &changes[..]].concat());
    assert!(made.status.code().is_some_and(|code| code < 2), "{}", told(&made));
    let check: Value = serde_json::from_slice(&plimsoll(&["check", &later, "--json"]).stdout).expect("JSON");
    let found = json(&[&later, "--since", now]);
    assert_eq!(found["coming_count"], check["coming"]);
    assert!(check["coming"].as_u64().is_some_and(|count| count > 0), "{}", check["coming"]);
    assert_eq!(found["coming"][0]["coming"]["of"], "feed");
    let shown = text(&brief(&[&later, "--since", now]));
    assert!(shown.contains("BELOW ITS LINE at the feed of now"), "{shown}");
    std::fs::remove_dir_all(then).expect("the folder is there");
}

/// What had no price in the older book and has one now did not change by what it is worth: its change is unknown, in the
/// totals it stands apart, and all three say so.
#[test]
fn what_is_valued_in_one_book_alone_is_in_no_change() {
    let folder = folder("unpriced");
    let older = Book::changed("brief-unpriced", "treasury-before", |_, text| {
        text.replace("1.215207311840096518", "")
    });
    let (older, page) = (older.0.display().to_string(), folder.join("brief.html").display().to_string());
    let found = json(&[NOW, "--since", &older]);
    let one = found["worst"].as_array().expect("a list").iter().find(|one| one["account"] == "acme-loop");
    let change = &one.expect("the account")["change"];
    assert_eq!([&change["before"], &change["not_split"]], [&Value::Null; 2]);
    assert!(change["after"].is_object());
    let mut apart = 0;
    for total in found["totals"].as_array().expect("a list") {
        apart += total["not_compared_accounts"].as_u64().expect("a count");
        for amount in ["collateral", "debt"] {
            assert_eq!(number(&total["not_compared"]["before"][amount]), 0, "{total}");
        }
    }
    assert!(apart > 0, "{}", found["totals"]);
    let shown = text(&brief(&[NOW, "--since", &older, "--report", &page]));
    let page = std::fs::read_to_string(&page).expect("the page");
    for words in ["debt, not compared", "in no change, as the venue has no answer in one of the books"] {
        assert!(shown.contains(words), "{words}\n{shown}");
        assert!(page.contains(words), "{words}");
    }
    std::fs::remove_dir_all(folder).expect("the folder is there");
}
