//! `plimsoll simulate`, as a shell runs it.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::{Book, root};
use serde_json::Value;
use std::process::{Command, Output};

fn simulate(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("simulate").args(args).current_dir(root()).output().expect("plimsoll runs")
}

fn code(args: &[&str]) -> i32 {
    simulate(args).status.code().expect("an exit code")
}

fn told(args: &[&str]) -> String {
    String::from_utf8_lossy(&simulate(args).stderr).into_owned()
}

fn text(args: &[&str]) -> String {
    String::from_utf8_lossy(&simulate(args).stdout).into_owned()
}

fn json(args: &[&str]) -> Value {
    let text = text(&[args, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}\n{text}\n{}", told(args)))
}

const CRASH: &str = "examples/crash";
const FALLS: [&str; 9] =
    [CRASH, "--crash", "ether-falls", "--depth", "examples/depth.toml", "--runs", "40", "--seed", "7"];

/// A crash by hand: ether at 2,400 after a minute, one keeper, sales lose nothing.
const HAND: &str = r#"format = 1
name = "by-hand"
title = "A fifth in a minute"
sources = ["by hand"]
hold = ["USDC"]
steps = 1
step = "1m"
[[asset]]
names = ["ETH", "WETH"]
way = [["1m", "0.8"]]
[[keeper]]
name = "one"
awake = "1"
measured = "by hand"
"#;

const FLAT: &str = "format = 1\nname = \"flat\"\nsources = [\"by hand\"]\n[[depth]]\nassets = [\"WETH\"]\nimpact = [[\"1000\", \"0\"]]\n";

/// The example with Aave's two accounts of one borrower alone.
fn one(name: &str) -> Book {
    let keep = |text: String| {
        let head = text.lines().next().expect("a header").to_string();
        let rows = text
            .lines()
            .filter(|line| line.starts_with("ada,aave-core") || line.starts_with("lender,aave-core"));
        format!("{head}\n{}\n", rows.collect::<Vec<_>>().join("\n"))
    };
    let book = Book::changed(name, "crash", |file, text| match file {
        "positions.csv" => keep(text),
        _ => text,
    });
    for market in ["aave-v4", "compound-usdc", "liquity-bold", "maker-eth-a", "morpho-weth-usdc"] {
        std::fs::remove_file(book.0.join(format!("markets/{market}.toml"))).expect("removed");
    }
    book
}

#[test]
fn exit_codes_say_what_came_of_it() {
    let cases: [(&[&str], i32); 8] = [
        (&["--list"], 0),
        (&["--list", "--json"], 0),
        (&[CRASH], 2),
        (&[CRASH, "--crash", "ether-fall"], 2),
        (&[CRASH, "--crash", "nowhere.toml"], 3),
        (&[CRASH, "--crash", "ether-falls", "--hold", "WETHH"], 2),
        (&["examples/lending", "--crash", "ether-falls", "--runs", "1"], 2),
        (&[CRASH, "--crash", "ether-falls", "--sweep", "nothing=1"], 2),
    ];
    for (args, expected) in cases {
        assert_eq!(code(args), expected, "{args:?} {}", told(args));
    }
    assert!(told(&[CRASH, "--crash", "ether-fall"]).contains("did you mean `ether-falls`?"));
}

/// 43.5416 recurring WETH are sold at 2,400 where 100,000 USDC were repaid: 4,500 are left to the keeper, and that is what it cost her.
#[test]
fn what_is_told_is_the_contracts_liquidation() {
    let book = one("simulate-hand");
    let folder = book.0.display().to_string();
    // The book's folder may not have files that are not its own.
    let [crash, depth] = [("plimsoll-hand", HAND), ("plimsoll-flat", FLAT)].map(|(name, text)| {
        let path = std::env::temp_dir().join(format!("{name}-{}.toml", std::process::id()));
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    });
    let args = [folder.as_str(), "--crash", &crash, "--depth", &depth, "--runs", "3"];
    let answer = json(&args);
    let usd = &answer["runs"][0]["by_currency"]["USD"];
    assert_eq!(
        (usd["repaid"].as_str(), usd["bad_debt"].as_str()),
        (Some("100000.000000000000000000"), Some("0.000000000000000000"))
    );
    for (name, least, most) in
        [("seized", 104_499.999, 104_500.0), ("profit", 4_499.999, 4_500.0), ("cost", 4_499.999, 4_500.0)]
    {
        let found: f64 = usd[name].as_str().expect("a sum").parse().expect("a number");
        assert!((least..=most).contains(&found), "{name}: {found}");
    }
    assert_eq!((answer["runs"][0]["calls"].as_u64(), answer["runs"][0]["left"].as_u64()), (Some(1), Some(0)));
    let parameters = answer["given"]["parameters"].as_array().expect("parameters");
    let keeper =
        parameters.iter().find(|it| it["of"] == "keeper one" && it["name"] == "awake").expect("a keeper");
    assert_eq!((keeper["kind"].as_str(), keeper["measured"].as_str()), (Some("measured"), Some("by hand")));
    assert!(parameters.iter().any(|it| it["kind"] == "assumed"));
    let traced = text(&[&args[..], &["--trace", "0"]].concat());
    assert!(traced.contains("takes 43.541666 WETH of aave-core:ada for 100 000.000000 USDC"), "{traced}");
    // As she stood before: 3,000 a piece. And after: 56.25 WETH at 2,400 against 100,000.
    let before = text(&[&args[..], &["--trace", "0", "--explain", "aave-core:ada@0"]].concat());
    assert!(before.contains("1.245000"), "{before}");
    let after = text(&[&args[..], &["--trace", "0", "--explain", "aave-core:ada@60"]].concat());
    assert!(after.contains("healthFactor = 1120500"), "{after}");
    // Without depth nobody knows what a sale brings: nothing is done.
    let none = json(&args[..3]);
    assert_eq!((none["runs"][0]["calls"].as_u64(), none["depth"].as_bool()), (Some(0), Some(false)));
}

#[test]
fn the_same_seed_prints_the_same_on_any_number_of_threads() {
    let told = |threads| text(&[&FALLS[..], &["--json", "--threads", threads]].concat());
    let one = told("1");
    assert_eq!(one, told("2"));
    assert_eq!(one, told("3"));
    let other = FALLS.map(|word| if word == "7" { "8" } else { word });
    assert_ne!(one, text(&[&other[..], &["--json"]].concat()));
}

#[test]
fn intervals_stand_beside_quantiles_and_parameters_beside_figures() {
    let printed = text(&FALLS);
    for expected in [
        "VaR 95 %",
        "keepers' profit",
        "assumed",
        "measured: Chainlink",
        "lowest without what sales did",
        "to ?)",
        "hash",
    ] {
        assert!(printed.contains(expected), "{expected}: {printed}");
    }
    let answer = json(&FALLS);
    let var99 = &answer["usd"]["bad_debt"]["quantiles"][2];
    // Of 40 runs the 99th part of a hundred has no upper end.
    assert!(var99["high"].is_null() && var99["value"].is_string(), "{var99}");
    assert_eq!(answer["provenance"]["kind"], "estimate");
}

#[test]
fn more_pressure_and_more_of_the_fall_cost_more() {
    let swept = json(&[&FALLS[..], &["--sweep", "liquidity=0.01,100"]].concat());
    let lost = |at: usize| -> f64 {
        swept["values"][at]["bad_debt"]["mean"].as_str().expect("a mean").parse().expect("a number")
    };
    assert!(lost(0) > lost(1), "{} and {}", lost(0), lost(1));
    let reversed = json(&[&FALLS[..5], &["--runs", "10", "--reverse", "fall:100000"]].concat());
    assert!(reversed["tries"].as_array().is_some_and(|tries| tries.len() > 1), "{reversed}");
}

/// A faulty file says where, what was found, and what was expected.
#[test]
fn faults_of_a_crash_have_their_places() {
    let cases = [
        (HAND.replace("steps = 1", "steps = 0"), "steps"),
        (HAND.replace("[\"1m\", \"0.8\"]", "[\"1m\", \"0\"]"), "a number above 0"),
        (HAND.replace("awake = \"1\"", "awake = \"2\""), "a part from 0 to 1"),
        (HAND.replace("awake", "awke"), "did you mean `awake`?"),
        (
            HAND.replace("[\"1m\", \"0.8\"]", "[\"1m\", \"0.8\"], [\"1m\", \"0.7\"]"),
            "later than the point before",
        ),
        (
            format!(
                "{HAND}[[borrowers]]\npolicy = \"sleep\"\nshare = \"0.1\"\ntrigger = \"1.1\"\ntarget = \"1.2\"\n"
            ),
            "pay-in",
        ),
        (
            format!(
                "{HAND}[[borrowers]]\npolicy = \"pay-in\"\nshare = \"0.1\"\ntrigger = \"1\"\ntarget = \"1.2\"\n"
            ),
            "a health above 1",
        ),
    ];
    for (index, (words, expected)) in cases.iter().enumerate() {
        let path = std::env::temp_dir().join(format!("plimsoll-crash-{}-{index}.toml", std::process::id()));
        std::fs::write(&path, words).expect("written");
        let path = path.display().to_string();
        let args = [CRASH, "--crash", &path];
        assert_eq!(code(&args), 3, "{expected}");
        assert!(told(&args).contains(expected), "{expected}: {}", told(&args));
        let _ = std::fs::remove_file(&path);
    }
}
