//! Books with positions, as a shell asks about them: cross margin, portfolio margin, and what another model would ask.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn plimsoll(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).current_dir(root()).output().expect("plimsoll runs")
}

/// What is printed, and the exit code.
fn text(args: &[&str]) -> (String, i32) {
    let output = plimsoll(args);
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (told, output.status.code().expect("an exit code"))
}

fn json(args: &[&str]) -> Value {
    let (told, _) = text(args);
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{args:?}: {error}\n{told}"))
}

fn row<'j>(rows: &'j Value, key: &str, name: &str) -> &'j Value {
    rows.as_array().expect("rows").iter().find(|row| row[key] == name).expect("a row of the name")
}

/// A number of `values/*.py` in units of 10^-18, cut.
fn units(number: &str) -> i128 {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    format!("{whole}{:0<18.18}", part).parse().expect("a number")
}

fn near(seen: &Value, said: i128, what: &str) {
    let seen: i128 = seen.as_str().expect("a text").parse().expect("a number");
    assert!((seen - said).abs() < 10_000_000_000, "{what}: {seen} and not {said}");
}

/// The liquidation prices that the rules document has for 100 SOL at 0.9 and 300 SOL-PERP long, bought for 30,000, at 5 %: all of SOL, 80.00; the perp's price
/// alone, 73.684.
#[test]
fn a_cross_account_dies_at_80_and_not_at_73_684() {
    let (told, code) = text(&["outlook", "examples/margin", "joint"]);
    assert_eq!(code, 0, "{told}");
    let line = |start: &str| {
        let found = told.lines().find(|line| line.trim_start().starts_with(start));
        found.unwrap_or_else(|| panic!("{start}: {told}"))
    };
    assert!(line("SOL/USD").contains("79.99999999"), "{told}");
    assert!(told.contains("73.68421052"), "{told}");
    // The same asked of the book with SOL at either side of the line.
    for (price, code) in [("SOL/USD=80", 0), ("SOL/USD=79.99999999", 1)] {
        let (told, found) = text(&["whatif", "examples/margin", "joint", "--price", price]);
        assert_eq!(found, code, "{told}");
    }
    let (told, code) = text(&["check", "examples/margin"]);
    // `under` and `sunk` are below their lines.
    assert_eq!(code, 1, "{told}");
}

/// What an order that is too large lacks is said in dollars, not in 52 digits: 900 SOL more asks 10 % of 120,000 against 8,000.
#[test]
fn a_refused_order_is_told_in_whole_units() {
    let (told, code) = text(&["whatif", "examples/margin", "joint", "--fill", "900 SOL-PERP@100"]);
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("PL0107"), "{told}");
    // 1,200 SOL-PERP at 100 ask 10 %; 100 SOL count 8,000 and the position's profit is nothing.
    let refused = told.lines().find(|line| line.contains("PL0107")).expect("the step");
    let plain = refused.replace(['_', ',', ' '], "");
    assert!(plain.contains("debtof12000.00wherethecollateralcarries8000.00"), "{told}");
}

#[test]
fn check_and_explain_say_what_scenarios_ask() {
    let (told, code) = text(&["check", "examples/options"]);
    assert_eq!(code, 1, "{told}");
    // 76,988.41413... and 61,590.73130..., raised, and the loss of 2020-03-12: values/portfolio.txt of the io tests.
    let note = "asked 76 988.42 initially and 61 590.74 to be kept, by BTC +500 %, vol up; the worst days on record lose 123 644.17";
    assert!(told.contains(note), "{told}");
    let (told, code) = text(&["explain", "examples/options", "condor"]);
    assert_eq!(code, 0, "{told}");
    let binds: Vec<&str> = told.lines().filter(|line| line.trim_end().ends_with("binds")).collect();
    assert!(matches!(binds.as_slice(), [line] if line.contains("-16 %, vol down")), "{binds:?}");
    assert_eq!(told.lines().filter(|line| line.contains(" %, vol ")).count(), 35, "{told}");
    let all = json(&["check", "examples/options", "--json"]);
    let sheet = &row(&all["accounts"], "account", "covered")["scenarios"];
    near(&sheet["initial"], units("61205.973295109"), "covered");
    assert_eq!(sheet["underlyings"][0]["binding"], "-16 %, vol up");
}

/// A fill moves base and quote, and the account is judged by both lines: five more straddles do not go in, closing some does.
#[test]
fn an_order_goes_in_where_it_lowers_risk() {
    let fill = |order: &str| text(&["whatif", "examples/options", "straddles", "--fill", order]);
    let (told, code) = fill("-1 BTC-26JUN26-90000-C@5000");
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("PL0107"), "{told}");
    let (told, code) = fill("1 BTC-26JUN26-90000-C@5000");
    assert_eq!(code, 0, "{told}");
    // At 20 % less the puts are deep in the money and the account is lost.
    let (told, code) = text(&[
        "whatif",
        "examples/options",
        "straddles",
        "--price",
        "BTC/USD=-20%",
        "--price",
        "BTC-26JUN26 mark=-20%",
        "--price",
        "BTC-PERP mark=-20%",
    ]);
    assert_eq!(code, 1, "{told}");
    // A volatility is a price like others: at twice of it the options that were sold cost too much.
    let vol = "btc-vols 2026-06-26T08:00:00Z 90000=+100%";
    let (told, code) = text(&["whatif", "examples/options", "straddles", "--price", vol]);
    assert_eq!(code, 1, "{told}");
}

/// The boundary that is found by search flips where it says: one step further the account is another.
#[test]
fn a_liquidation_price_of_options_is_where_the_verdict_flips() {
    let found = json(&["outlook", "examples/options", "straddles", "--json"]);
    let mut flips = 0;
    for factor in found["outlook"]["factors"].as_array().expect("factors") {
        let feed = factor["feed"].as_str().expect("a name");
        let decimals = factor["price"]["decimals"].as_u64().expect("decimals") as usize;
        for (side, back) in [("down", 1), ("up", -1)] {
            let Some(first) = factor["price"][side]["first"].as_str() else { continue };
            let first: i128 = first.parse().expect("a number");
            // At the first point it is lost, one step nearer it is not.
            for (point, expected) in [(first, 1), (first + back, 0)] {
                let digits = format!("{point:0>width$}", width = decimals + 1);
                let (whole, part) = digits.split_at(digits.len() - decimals);
                let price = format!("{feed}={whole}.{part}");
                let (told, code) = text(&["whatif", "examples/options", "straddles", "--price", &price]);
                assert_eq!(code, expected, "{price}\n{told}");
            }
            flips += 1;
        }
    }
    assert!(flips >= 4, "{found:#}");
}

/// Both models against values/*.txt, which another evaluator made; the wider one's on clients as sums of their accounts.
#[test]
fn another_model_is_compared_client_by_client() {
    let args = [
        "margin",
        "compare",
        "examples/options",
        "--model",
        "desk",
        "--model",
        "examples/options/models/wider.toml",
    ];
    let (told, code) = text(&args);
    assert_eq!(code, 1, "{told}");
    let answer = json(&[&args[..], &["--json"]].concat());
    let owners = [
        ("volatility", ["straddles", "wings"]),
        ("income", ["condor", "covered"]),
        ("basis", ["carry", "calendar"]),
        ("pairs", ["crossed", "crossed"]),
        ("patient", ["holder", "borrower"]),
    ];
    let models = [
        ("a", include_str!("../../plimsoll-io/tests/values/portfolio.txt")),
        ("b", include_str!("values/wider.txt")),
    ];
    for (owner, accounts) in owners {
        let client = row(&answer["clients"], "owner", owner);
        for (side, values) in models {
            let of = |name: &str, column: usize| {
                let line = values.lines().find(|line| line.starts_with(&format!("{name} "))).expect("a line");
                units(line.split(' ').nth(column).expect("a column"))
            };
            let [one, other] = accounts;
            let sum = |column: usize| of(one, column) + if one == other { 0 } else { of(other, column) };
            near(&client[side]["initial"], sum(2), owner);
            near(&client[side]["maintenance"], sum(3), owner);
            near(&client[side]["loss_on_worst_days"], sum(4), owner);
            // Called: equity below what is to be kept.
            let called: Vec<&str> = accounts.into_iter().filter(|name| of(name, 1) < of(name, 3)).collect();
            assert_eq!(client[side]["called"], serde_json::json!(called), "{owner} {side}");
        }
        let names = |list: &Value| list.as_array().expect("names").clone();
        let (before, after) = (names(&client["a"]["called"]), names(&client["b"]["called"]));
        let new: Vec<Value> = after.iter().filter(|name| !before.contains(name)).cloned().collect();
        assert_eq!(names(&client["new_calls"]), new, "{owner}");
    }
}

#[test]
fn a_model_that_is_none_is_told() {
    let compare =
        |model: &str| text(&["margin", "compare", "examples/options", "--model", "desk", "--model", model]);
    let (told, code) = compare("span");
    assert!(code == 2 && told.contains("it credits spreads"), "{told}");
    let (told, code) = compare("examples/options/markets/desk.toml");
    assert!(code == 3 && told.contains("PL0509"), "{told}");
    let (told, code) = text(&["margin", "compare", "examples/options", "--model", "desk"]);
    assert!(code == 2 && told.contains("expected two"), "{told}");
    let (told, code) = text(&["margin", "compare", "examples/lending", "--model", "desk", "--model", "desk"]);
    assert!(code == 2 && told.contains("venues portfolio and cross"), "{told}");
    let (told, code) = text(&["margin", "compare", "examples/options", "--model", "desk", "--model", "desk"]);
    assert!(code == 0 && told.contains("0 accounts newly called"), "{told}");
}

fn number(value: &Value) -> i128 {
    value.as_str().expect("a text").parse().expect("a number")
}

/// The value of a figure of this name, wherever it stands first.
fn figure<'v>(seen: &'v Value, name: &str) -> Option<&'v Value> {
    match seen {
        Value::Object(fields) if fields.get("name").is_some_and(|known| known == name) => fields.get("value"),
        Value::Object(fields) => fields.values().find_map(|value| figure(value, name)),
        Value::Array(all) => all.iter().find_map(|value| figure(value, name)),
        _ => None,
    }
}

/// `wings` has sold three calls: what closes is bought at its price by a fill, which leaves the account above its initial line; a lot less does not.
#[test]
fn a_liquidation_of_options_closes_no_lot_too_many() {
    let told = json(&["liquidate", "examples/options", "wings", "--json"]);
    let [reduce] = told["forced"].as_array().expect("calls").as_slice() else { panic!("{told:#}") };
    assert_eq!(reduce["call"], "reduce BTC-26JUN26-120000-C", "{told:#}");
    let closes = &reduce["does"]["closes"][0];
    // Short: below zero. One lot is 0.1, 10,000,000 raw.
    let lots = -number(&closes["size"]) / 10_000_000;
    assert!((1..30).contains(&lots), "{closes:#}");
    let free = |lots: i128| {
        let price = closes["price"].as_str().expect("a price");
        let fill = format!("{}.{} BTC-26JUN26-120000-C@{price}", lots / 10, lots % 10);
        let seen = json(&["whatif", "examples/options", "wings", "--fill", &fill, "--json"]);
        number(figure(&seen["after"], "freeInitial").expect("a figure"))
    };
    // The fee, 0.2 % of the forward, is asked of nobody who trades himself.
    let fee = |lots: i128| lots * 18_090_000_000_000_000_000;
    assert!(free(lots) >= fee(lots) - 1_000_000_000_000_000, "{lots}");
    assert!(free(lots - 1) < fee(lots - 1) + 1_000_000_000_000_000, "{lots}");
}

/// With a cash position cut, `condor` is liquidated: what is bought to cover something is not closed alone, and `unwind` closes wings and body together.
#[test]
fn a_condor_is_unwound_and_its_wings_are_not_sold_alone() {
    let scratch = scratch(
        "condor",
        &[("positions.csv", "condor,desk,supply,USD,30000", "condor,desk,supply,USD,22000")],
    );
    let book = scratch.to_str().expect("a path");
    let told = json(&["liquidate", book, "condor", "--json"]);
    let calls = told["forced"].as_array().expect("calls");
    assert_eq!(calls[0]["call"], "unwind", "{told:#}");
    assert!(calls[0]["does"]["closes"].as_array().is_some_and(|closes| !closes.is_empty()), "{told:#}");
    let (words, _) = text(&["liquidate", book, "condor"]);
    assert!(words.contains("unwind") && words.contains("bankrupt at"), "{words}");
    // A wing that was bought covers what was sold.
    let wing = row(&told["forced"], "call", "reduce BTC-26JUN26-80000-P");
    assert_eq!(wing["refusal"]["code"], "PL0720", "{wing:#}");
    std::fs::remove_dir_all(&scratch).expect("removed");
}

/// The largest order goes in, and one lot more does not.
#[test]
fn the_largest_order_of_an_option_goes_in() {
    let told = json(&["max", "examples/options", "covered", "--json"]);
    let mut asked = 0;
    for (side, sign, more) in [("buy", "", 1), ("sell", "-", 1)] {
        for one in told[side].as_array().expect("orders") {
            let name = one["asset"].as_str().expect("a name");
            if !name.starts_with("BTC-26JUN26-") {
                continue;
            }
            let raw = number(&one["amount"]);
            assert_eq!(raw % 10_000_000, 0, "{one:#}");
            let fill = |raw: i128| {
                let order = format!("{sign}{}.{} {name}", raw / 100_000_000, raw / 10_000_000 % 10);
                text(&["whatif", "examples/options", "covered", "--fill", &order]).1
            };
            if raw > 0 {
                assert_eq!(fill(raw), 0, "{side} {name} {raw}");
            }
            assert_eq!(fill(raw + more * 10_000_000), 3, "{side} {name} {raw}");
            asked += 1;
        }
    }
    assert!(asked >= 10, "{told:#}");
}

/// A price is in the currency: one call at 5,000 costs 5,000 dollars. It once cost 0.00005.
#[test]
fn an_option_is_paid_at_the_price_that_was_said() {
    let (told, code) = text(&[
        "whatif",
        "examples/options",
        "holder",
        "--deposit",
        "5000 USD",
        "--fill",
        "1 BTC-26JUN26-90000-C@5000",
    ]);
    assert_eq!(code, 0, "{told}");
    assert!(told.replace(['_', ' ', ','], "").contains("5000.000000"), "{told}");
}

/// By hand: `sunk` misses 1,500, of which the contract's fund bears 300 and the shared one 700; the 500 left are a third of 10,000 lots, raised, of `hedged`.
#[test]
fn a_waterfall_and_its_order_are_shown() {
    let args = ["margin", "waterfall", "examples/margin", "--funds", "examples/margin/funds.toml"];
    let (told, code) = text(&args);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("hedged: 33.34 closed, gives 500.00"), "{told}");
    assert!(told.contains("closing it at 115 would leave nothing missing"), "{told}");
    let all = json(&[&args[..], &["--json"]].concat());
    let one = row(&all["ruined"], "account", "sunk");
    assert_eq!(number(&one["loss"]), 1_500_000_000_000_000_000_000);
    let (told, code) = text(&["margin", "waterfall", "examples/margin", "--price", "SOL/USD=125"]);
    assert_eq!(code, 0, "{told}");
    let (told, code) = text(&["margin", "adl", "examples/margin", "--account", "joint"]);
    assert!(code == 0 && told.contains("joint") && !told.contains("hedged"), "{told}");
    let all = json(&["margin", "adl", "examples/margin", "--json"]);
    let sol = row(&all["contracts"], "contract", "SOL-PERP");
    assert_eq!(sol["long"][0]["lots_before"], "0", "{sol:#}");
}

/// Cross models: by hand, `joint` is asked 3,000 of 300 SOL-PERP and 2,000 of 100 SOL at 0.8; under the wider one 20 % of 30,000 and 5 % more of 10,000, and
/// 2,500. At maintenance 1,500 and 1,000; then 3,000, 250 and 1,500.
#[test]
fn cross_models_are_compared_client_by_client() {
    let wider = "examples/margin/models/wider.toml";
    let args = ["margin", "compare", "examples/margin", "--model", "book", "--model", wider];
    let (told, _) = text(&args);
    assert!(told.contains("BTC-PERP tier 2, 10 %"), "{told}");
    let all = json(&[&args[..], &["--json"]].concat());
    let desk = row(&all["clients"], "owner", "desk");
    // `alone` is asked as `joint` under the book, 2,500 for its SOL under the other; `hedged` has 400 SOL and 380 SOL-PERP short, which lost 1,000.
    let dollars = |number: i128| number * 1_000_000_000_000_000_000;
    assert_eq!(number(&desk["a"]["initial"]), dollars(5_000 + 5_000 + 8_000 + 3_800));
    assert_eq!(number(&desk["b"]["initial"]), dollars(6_500 + 2_500 + 3_000 + 2_500 + 10_000 + 7_600 + 900));
    assert_eq!(number(&desk["a"]["maintenance"]), dollars(2_500 + 2_500 + 4_000 + 1_900));
    assert_eq!(
        number(&desk["b"]["maintenance"]),
        dollars(3_250 + 1_500 + 1_500 + 1_500 + 6_000 + 3_800 + 450)
    );
    assert_eq!(desk["b"]["binding"]["scenario"], "weight of 75 %", "{desk:#}");
    let (told, code) = text(&["margin", "compare", "examples/margin", "--model", "book", "--model", "book"]);
    assert!(code == 0 && told.contains("0 accounts newly called"), "{told}");
    let (told, code) = text(&["margin", "compare", "examples/margin", "--model", "book", "--model", "desk"]);
    assert!(code == 2 && told.contains("venues portfolio and cross"), "{told}");
}

/// Margins that change with time, from a file as `plimsoll margins --out` writes it: by hand, `joint` is asked 30 % of 30,000 dollars instead of 10 %, and half of that is to be
/// kept: its 9,000 of collateral still carry 4,500. At 61 % and 9,150 it is called, and the comparison lists it.
#[test]
fn a_scheduled_successor_lists_new_calls() {
    let scratch = std::env::temp_dir().join(format!("plimsoll-successor-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a folder");
    let path = scratch.join("margins.toml");
    let compare = |rows: &str, head: &str| {
        let file = format!(
            "format = 1\nname = \"margins\"\nsources = [\"made up\"]\nabout = \"a test\"\n{head}\n[[margin]]\nasset = \"SOL\"\nside = \"held\"\ntool = \"floor\"\nfrom = {rows}\n"
        );
        std::fs::write(&path, file).expect("written");
        let model = path.to_str().expect("a path");
        json(&["margin", "compare", "examples/margin", "--model", "book", "--model", model, "--json"])
    };
    // The book is of 2026-06-01T12:00:00Z, which is 1780315200.
    let dollars = |number: i128| number * 1_000_000_000_000_000_000;
    let names = |told: &Value| row(&told["clients"], "owner", "desk")["new_calls"].to_string();
    let told = compare("[[1780000000, \"0.3\"], [1780315201, \"0.9\"]]", "");
    let desk = row(&told["clients"], "owner", "desk");
    // 2,000 + 9,000 twice (SOL-PERP and SOL-ALONE), and 8,000 + 11,400 of `hedged`.
    assert_eq!(number(&desk["b"]["initial"]), dollars(11_000 + 11_000 + 19_400), "{desk:#}");
    assert_eq!(number(&desk["b"]["maintenance"]), dollars(5_500 + 5_500 + 9_700), "{desk:#}");
    assert_eq!(names(&told), "[]");
    let told = compare("[[1780000000, \"0.61\"]]", "");
    assert_eq!(names(&told), "[\"joint\",\"alone\"]", "{told:#}");
    // A step of at most a tenth: 33 %, and all of it is kept.
    let told = compare("[[1780000000, \"0.3\"], [1780000001, \"0.61\"]]", "step = \"0.1\"\nkeeps = \"1\"");
    let desk = row(&told["clients"], "owner", "desk");
    assert_eq!(number(&desk["b"]["initial"]), dollars(11_900 + 11_900 + 20_540), "{desk:#}");
    assert_eq!(names(&told), "[\"joint\",\"alone\"]", "{told:#}");
    let (told, code) = text(&[
        "margin",
        "compare",
        "examples/margin",
        "--model",
        "book",
        "--model",
        "examples/margin/funds.toml",
    ]);
    assert!(code == 3 && told.contains("PL0510"), "{told}");
    std::fs::remove_dir_all(&scratch).expect("removed");
}

/// The example's bitcoin has a margin from September on: scenarios then fall by 18 % at the furthest, and `explain` says which row it is.
#[test]
fn the_row_in_force_is_explained() {
    let (told, _) = text(&["explain", "examples/options", "calendar"]);
    assert!(told.contains("-16 %, vol") && !told.contains("by the schedule"), "{told}");
    // The same rows a few months earlier: 18 %, and then no more than a tenth above it.
    let scratch = scratch(
        "row",
        &[
            ("markets/desk.toml", "2026-09-01", "2026-05-01"),
            ("markets/desk.toml", "2026-10-01", "2026-05-02"),
        ],
    );
    let (told, _) = text(&["explain", scratch.to_str().expect("a path"), "condor"]);
    assert!(told.contains("-19.8 %, vol down") && told.contains("+16 %, vol up"), "{told}");
    assert!(told.contains("furthest fall by the schedule"), "{told}");
    std::fs::remove_dir_all(&scratch).expect("removed");
}

/// The example with options, some words of some files put for others.
fn scratch(name: &str, changes: &[(&str, &str, &str)]) -> PathBuf {
    let to = std::env::temp_dir().join(format!("plimsoll-{name}-{}", std::process::id()));
    std::fs::create_dir_all(to.join("markets")).expect("a folder");
    let from = root().join("examples/options");
    for file in ["book.toml", "feeds.csv", "vols.csv", "positions.csv", "markets/desk.toml"] {
        let mut words = std::fs::read_to_string(from.join(file)).expect("words");
        for (_, old, new) in changes.iter().filter(|(changed, ..)| *changed == file) {
            assert!(words.contains(old), "{old}");
            words = words.replace(old, new);
        }
        std::fs::write(to.join(file), words).expect("written");
    }
    to
}

/// By a pencil: 0.52 a year of the option nearest to 90,450 over the root of 365 are 2.7218 % a day, and a fall of 5.85 % is 2.15 of them.
#[test]
fn what_kills_first_is_told_in_standard_deviations() {
    let (told, _) = text(&["outlook", "examples/options", "condor"]);
    assert!(told.contains("2.7219 % a day, btc-vols 2026-06-26T08:00:00Z 90000, 0.52 a year"), "{told}");
    assert!(told.contains("first in standard deviations of a day: BTC-26JUN26 mark up, 1.91"), "{told}");
    let all = json(&["outlook", "examples/options", "condor", "--json"]);
    let mark = row(&all["deviations"], "feed", "BTC-26JUN26 mark");
    assert_eq!(
        (mark["day"].as_str(), mark["down"].as_str(), mark["up"].as_str()),
        (Some("0.027219"), Some("2.15"), Some("1.91"))
    );
    // Nothing is known of what has no surface: no number, and not a zero.
    let (told, _) = text(&["outlook", "examples/margin", "joint"]);
    assert!(!told.contains("standard deviations"), "{told}");
    // By history: 100 days of a rise of 1 % and a fall of 1 % in turn.
    let scratch = std::env::temp_dir().join(format!("plimsoll-history-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a folder");
    let mut rows = String::from("ts,close\n");
    let (mut at, mut price) = (1_771_000_000_u64 / 86_400 * 86_400, 100.0_f64);
    for day in 0..100 {
        rows += &format!("{at},{price:.6}\n");
        at += 86_400;
        price = if day % 2 == 0 { 101.0 } else { 100.0 };
    }
    std::fs::write(scratch.join("SOL.csv"), rows).expect("written");
    let folder = scratch.to_str().expect("a path");
    let (told, code) = text(&["outlook", "examples/margin", "joint", "--history", folder]);
    assert_eq!(code, 0, "{told}");
    // ln(1.01) is 0.995 % whichever way: 20 % are 20.09 of them.
    assert!(
        told.contains("SOL history, EWMA 0.94 of 99 days")
            && told.contains("first in standard deviations of a day: SOL/USD down, 20.09"),
        "{told}"
    );
    std::fs::remove_dir_all(&scratch).expect("removed");
}

/// A shock to bitcoin moves spot, perp and forwards; of volatilities a scenario must say what becomes, or nothing is told. Who falls is who `check` finds at those prices.
#[test]
fn a_shock_moves_what_hangs_on_a_price_and_assumes_nothing_of_volatilities() {
    let shock = "one-asset:asset=BTC,percent=-20";
    let (told, code) = text(&["stress", "examples/options", "--scenario", shock, "--hold", "ETH"]);
    assert!(code == 2 && told.contains("BTC vol") && told.contains("ETH vol"), "{told}");
    let held = ["--hold", "ETH", "--hold", "BTC vol", "--hold", "ETH vol"];
    let args = [&["stress", "examples/options", "--scenario", shock], &held[..]].concat();
    let (told, code) = text(&args);
    assert_eq!(code, 1, "{told}");
    for moved in ["BTC/USD", "BTC-PERP mark", "BTC-26JUN26 mark", "BTC-25SEP26 mark"] {
        assert!(told.lines().any(|line| line.trim_start().starts_with(moved)), "{moved}: {told}");
    }
    let mut whatif = vec!["whatif", "examples/options"];
    let prices = ["BTC/USD", "BTC-PERP mark", "BTC-26JUN26 mark", "BTC-25SEP26 mark"]
        .map(|name| format!("{name}=-20%"));
    for price in &prices {
        whatif.extend(["--price", price]);
    }
    let (found, _) = text(&whatif);
    for fallen in ["straddles", "condor", "crossed"] {
        assert!(told.contains(fallen) && found.contains(fallen), "{fallen}: {told}\n{found}");
    }
}

/// What `restore` names brings the health that was asked for, and one raw unit less does not.
#[test]
fn what_restores_a_margin_account_is_enough_and_no_more() {
    for (book, account, asset) in [("examples/options", "wings", "USD"), ("examples/margin", "under", "USDC")]
    {
        let all = json(&["restore", book, account, "--to", "1.2", "--json"]);
        let (amount, decimals) = deposit(&all, asset).unwrap_or_else(|| panic!("{all:#}"));
        let health = |raw: i128| {
            let digits = format!("{raw:0>width$}", width = decimals + 1);
            let (whole, part) = digits.split_at(digits.len() - decimals);
            let deposit = format!("{whole}.{part} {asset}");
            let seen = json(&["whatif", book, account, "--deposit", &deposit, "--json"]);
            number(figure(&seen["after"], "health").expect("a figure"))
        };
        assert!(health(amount) >= 1_200_000_000_000_000_000, "{book}");
        assert!(health(amount - 1) < 1_200_000_000_000_000_000, "{book}");
    }
}

/// The amount of a deposit of an asset at once (raw), and the asset's decimals.
fn deposit(seen: &Value, asset: &str) -> Option<(i128, usize)> {
    match seen {
        Value::Object(fields) if fields.get("asset").is_some_and(|known| known == asset) => {
            let amount =
                fields.get("amount").or_else(|| fields.get("now")).or_else(|| fields.get("at_once"))?;
            let amount = amount.as_str().or_else(|| amount["amount"].as_str())?;
            Some((amount.parse().ok()?, fields.get("decimals")?.as_u64()? as usize))
        }
        Value::Object(fields) => fields.values().find_map(|value| deposit(value, asset)),
        Value::Array(all) => all.iter().find_map(|value| deposit(value, asset)),
        _ => None,
    }
}
