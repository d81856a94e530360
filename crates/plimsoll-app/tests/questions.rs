//! The commands that ask about an account, as a shell runs them: what is printed, and exit codes.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::{Book, root};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

fn plimsoll(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).current_dir(root()).output().expect("plimsoll runs")
}

fn code(args: &[&str]) -> i32 {
    plimsoll(args).status.code().expect("an exit code")
}

fn json(args: &[&str]) -> Value {
    let output = plimsoll(args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}\n{text}\n{told}"))
}

/// A folder that is not there yet.
fn fresh(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// 70, between two runs of the program with files between them.
#[test]
fn what_whatif_prints_is_what_check_prints_of_the_book_that_it_writes() {
    let cases: [&[&str]; 4] = [
        &["examples/treasury", "alice", "--borrow", "5000 USDC", "--price", "ETH/USD=-20%", "--after", "30m"],
        &["examples/treasury", "acme-usdc", "--repay", "1000000 USDC", "--withdraw", "10 wstETH"],
        &["examples/lending", "0x04ad0b00", "--price", "WETH/USD=-1%", "--after", "9h"],
        &[
            "examples/treasury",
            "bob",
            "--set",
            "aave-core/wstETH/liquidation_threshold=8000",
            "--after",
            "1d",
        ],
    ];
    for (n, case) in cases.into_iter().enumerate() {
        let folder = fresh(&format!("whatif-{n}"));
        let out = folder.display().to_string();
        let mut args = vec!["whatif"];
        args.extend(case);
        args.extend(["--json", "--out", &out]);
        let answer = json(&args);
        assert_eq!(answer["refused"], Value::Null, "{case:?}");
        let looked = json(&["check", &out, "--json"]);
        let rows = looked["accounts"].as_array().expect("accounts");
        let row = rows.iter().find(|row| row["account"] == case[1]).expect("the account's row");
        assert_eq!(answer["after"]["account"].to_string(), row.to_string(), "{case:?}");
        // The hash has the market's epoch in it, which counts changes of parameters; files begin anew.
        if !case.contains(&"--set") {
            let hash = |answer: &Value| answer["provenance"]["book_hash"].clone();
            assert_eq!(hash(&answer["after"]), hash(&looked), "{case:?}");
        }
        std::fs::remove_dir_all(&folder).expect("the folder was written");
    }
}

#[test]
fn whatif_of_a_whole_book_counts_who_moves() {
    let all = json(&["whatif", "examples/treasury", "--price", "ETH/USD=-30%", "--json"]);
    let names: Vec<&Value> =
        all["accounts"].as_array().expect("accounts").iter().map(|pair| &pair["after"]["account"]).collect();
    assert_eq!(names, ["acme-usdc", "alice"]);
    assert_eq!(all["before"]["tiers"]["critical"], 2);
    assert_eq!(all["after"]["tiers"]["liquidatable"], 1);
}

#[test]
fn exit_codes_say_how_it_ends() {
    let cases: [(&[&str], i32); 41] = [
        (&["whatif", "examples/treasury", "alice", "--deposit", "1 WETH"], 0),
        (&["whatif", "examples/treasury", "alice", "--price", "ETH/USD=-40%"], 1),
        (&["whatif", "examples/treasury", "--price", "ETH/USD=-40%"], 1),
        (&["whatif", "examples/treasury", "alice"], 2),
        (&["whatif", "examples/treasury", "alic", "--deposit", "1 WETH"], 2),
        (&["whatif", "examples/treasury", "alice", "--deposit", "1 WTEH"], 2),
        (&["whatif", "examples/treasury", "alice", "--deposit", "-1 WETH"], 2),
        (&["whatif", "examples/treasury", "alice", "--deposit", "1WETH"], 2),
        (&["whatif", "examples/treasury", "--deposit", "1 WETH"], 2),
        (&["whatif", "examples/treasury", "alice", "--borrow", "1000000 USDC"], 3),
        (&["whatif", "examples/treasury", "alice", "--set", "aave-core/WETH/liquidation_threshold=8000"], 3),
        (&["whatif", "examples/treasury", "alice", "--after", "3d"], 4),
        (&["liquidate", "examples/treasury", "alice"], 0),
        (&["liquidate", "examples/treasury", "alice", "--price", "ETH/USD=-35%"], 1),
        (&["liquidate", "examples/treasury", "alice", "--gas", "-1"], 2),
        (&["liquidate", "examples/treasury", "alice", "--borrow", "1000000 USDC"], 3),
        (&["liquidate", "examples/treasury", "alice", "--after", "3d"], 4),
        (&["restore", "examples/treasury", "alice", "--to", "2"], 0),
        (&["restore", "examples/treasury", "alice", "--to", "2", "--price", "ETH/USD=-35%"], 1),
        (&["restore", "examples/treasury", "alice"], 2),
        (&["restore", "examples/treasury", "alice", "--to", "0"], 2),
        (&["restore", "examples/treasury", "alice", "--to", "2", "--by", "2025-10-10T11:00:00Z"], 2),
        (&["restore", "examples/treasury", "alice", "--to", "2", "--after", "3d"], 4),
        (&["max", "examples/treasury", "alice"], 0),
        (&["max", "examples/treasury", "alice", "--after", "a while"], 2),
        (&["max", "examples/treasury", "alise"], 2),
        (&["max", "examples/treasury", "alice", "--at", "2025-10-10T00:00:00Z"], 3),
        (&["max", "examples/treasury", "alice", "--at", "2025-10-12T12:00:00Z"], 4),
        (&["check", "examples/treasury", "--owner", "Acme"], 2),
        (&["check", "examples/treasury", "--market", "aave"], 2),
        (&["check", "examples/treasury", "--tier", "fine"], 2),
        (&["check", "examples/treasury", "--csv", "--tier", "high"], 0),
        (&["check", "examples/treasury", "--totals", "--owner", "Acme treasury"], 2),
        (&["check", "examples/treasury", "--parquet", "none.parquet", "--top", "3"], 2),
        (&["check", "examples/treasury", "--csv", "--tiers", "1,2,3"], 2),
        (&["restore", "examples/treasury", "Acme treasury", "--with", "1000 USDC"], 0),
        (&["restore", "examples/treasury", "Acme treasury", "--with", "1000 USDC", "--after", "2d"], 4),
        (
            &[
                "restore",
                "examples/treasury",
                "Acme treasury",
                "--with",
                "1000 USDC",
                "--price",
                "ETH/USD=-20%",
            ],
            1,
        ),
        (&["restore", "examples/treasury", "Acme treasury", "--with", "1000 USDC", "--deposit", "1 WETH"], 2),
        (&["portfolio", "examples/treasury", "Acme treasury"], 0),
        (&["portfolio", "examples/treasury", "Acme treasury", "--at", "2025-10-12T12:00:00Z"], 4),
    ];
    for (args, expected) in cases {
        assert_eq!(code(args), expected, "{args:?}");
    }
}

#[test]
fn a_misspelt_name_is_suggested() {
    for (args, near) in [
        (["whatif", "examples/treasury", "alise", "--deposit", "1 WETH"], "alice"),
        (["whatif", "examples/treasury", "alice", "--deposit", "1 WTEH"], "WETH"),
        (["whatif", "examples/treasury", "alice", "--price", "ETH/USDT=1"], "ETH/USD"),
        (
            ["whatif", "examples/treasury", "alice", "--set", "aave-core/WETH/suply_cap=1"],
            "aave-core/WETH/supply_cap",
        ),
        (["explain", "examples/treasury", "alise", "--at", "1760097600"], "alice"),
        (["check", "examples/treasury", "--json", "--owner", "Acme tresury"], "Acme treasury"),
        (["check", "examples/treasury", "--json", "--market", "aave-cor"], "aave-core"),
    ] {
        let told = plimsoll(&args);
        let told = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(told.contains(&format!("did you mean `{near}`?")), "{args:?}: {told}");
    }
}

#[test]
fn max_is_told_in_raw_units_with_what_binds() {
    let answer = json(&["max", "examples/treasury", "bob", "--json"]);
    let withdraw = answer["withdraw"].as_array().expect("a list");
    assert_eq!(withdraw[1]["asset"], "USDC");
    assert_eq!(
        (&withdraw[1]["all"], &withdraw[1]["binds"]),
        (&Value::Bool(true), &"all that is held".into())
    );
    assert_eq!(withdraw[0]["one_unit_more"]["code"], "PL0106");
    assert_eq!(withdraw[0]["kind"], "exact");
    assert_eq!(answer["accepted_to"].as_u64(), answer["accepted_from"].as_u64().map(|at| at + 12));
    for most in withdraw.iter().chain(answer["borrow"].as_array().expect("a list")) {
        assert!(most["amount"].as_str().is_some_and(|raw| raw.bytes().all(|b| b.is_ascii_digit())), "{most}");
    }
}

#[test]
fn liquidate_tells_both_sides_or_why_not() {
    let healthy = json(&["liquidate", "examples/treasury", "alice", "--json"]);
    assert_eq!(healthy["pairs"][0]["sale"], Value::Null);
    assert_eq!(healthy["pairs"][0]["refusal"]["code"], "PL0101");
    let fallen =
        ["liquidate", "examples/treasury", "alice", "--price", "ETH/USD=-35%", "--gas", "12.5", "--json"];
    let sale = &json(&fallen)["pairs"][0]["sale"];
    assert_eq!((&sale["ask"]["repay"], &sale["receive"]), (&"all".into(), &"asset".into()));
    assert_eq!(sale["repaid"], "31000000001");
    assert_eq!((&sale["pays"], &sale["collateral_priced"]["kind"]), (&Value::Bool(true), &"oracle".into()));
}

#[test]
fn restore_tells_amounts_for_now_and_by_then_or_why_not() {
    let answer = json(&["restore", "examples/treasury", "bob", "--to", "2", "--within", "1h", "--json"]);
    assert_eq!(answer["by"].as_u64(), answer["now"].as_u64().map(|now| now + 3600));
    let raw =
        |value: &Value| value["amount"].as_str().and_then(|raw| raw.parse::<u128>().ok()).expect("an amount");
    let weth = &answer["deposits"][0];
    assert_eq!((&weth["asset"], &weth["now"]["kind"]), (&"WETH".into(), &"exact".into()));
    assert!(raw(&weth["now"]) < raw(&weth["by"]));
    let usdc = &answer["deposits"][2];
    assert_eq!(
        (&usdc["now"]["possible"], &usdc["now"]["why"]),
        (&Value::Bool(false), &"not counted as collateral".into())
    );
    // Doing what is advised reaches it; 70 and 71 together.
    let amount = plimsoll_core::Decimal {
        mantissa: plimsoll_core::Int::from(plimsoll_core::U256::new(raw(&weth["now"]))),
        decimals: 18,
    };
    let done =
        json(&["whatif", "examples/treasury", "bob", "--deposit", &format!("{amount} WETH"), "--json"]);
    let health = |row: &Value| row["health"]["shown"].as_str().map(str::to_string).expect("a health");
    assert!(health(&done["after"]["account"]).starts_with("2.0000000000"), "{}", done["after"]["account"]);
}

/// A Morpho market counts in two tokens: 200 000 USDC once were shown as 0.2, and others with no point at all.
#[test]
fn every_step_is_shown_in_its_own_decimals() {
    let answer = json(&["explain", "examples/treasury", "acme-usdc", "--json"]);
    let sections = answer["liquidation"]["sections"].as_array().expect("sections");
    let steps: Vec<&Value> =
        sections.iter().flat_map(|section| section["steps"].as_array().expect("steps")).collect();
    let of = |name: &str| {
        let step = steps.iter().find(|step| step["formula"].as_str().is_some_and(|f| f.starts_with(name)));
        let step = step.unwrap_or_else(|| panic!("{name}"));
        (step["unit"].as_str().expect("a unit"), step["decimals"].as_u64().expect("decimals"))
    };
    for name in ["owed", "value", "maxBorrow", "borrow assets", "interest"] {
        assert_eq!(of(name), ("raw", 6), "{name}");
    }
    let own = answer["own"].as_array().expect("figures");
    let of = |name: &str| own.iter().find(|f| f["name"] == name).map(|f| f["decimals"].as_u64());
    assert_eq!((of("collateral"), of("maxBorrow")), (Some(Some(18)), Some(Some(6))));
    let text = plimsoll(&["explain", "examples/treasury", "acme-usdc"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("= 6100000000001 (6100000.000001 tokens)   [rounded up]"), "{text}");
    assert!(text.contains("collateral = 1500000000000000000000 (1500.000000000000000000 tokens)"), "{text}");
    // Aave: raw units of the reserve at hand.
    let answer = json(&["explain", "examples/treasury", "bob", "--json"]);
    for section in answer["liquidation"]["sections"].as_array().expect("sections") {
        let decimals =
            if section["about"].as_str().is_some_and(|about| about.contains("USDC")) { 6 } else { 18 };
        for step in section["steps"].as_array().expect("steps").iter().filter(|step| step["unit"] == "raw") {
            assert_eq!(step["decimals"], decimals, "{step}");
        }
    }
}

/// The treasury's book with its positions changed.
fn treasury(name: &str, change: impl Fn(String) -> String) -> Book {
    Book::changed(name, "treasury", |file, text| if file == "positions.csv" { change(text) } else { text })
}

fn text(args: &[&str]) -> String {
    String::from_utf8_lossy(&plimsoll(args).stdout).into_owned()
}

/// Who owes and has no collateral was "not below the liquidation line" and liquidatable in one line.
#[test]
fn a_debt_without_collateral_has_nothing_to_seize() {
    let book = treasury("naked", |text| text + "naked,aave-core,debt,USDC,5,token,,,\n");
    let told = text(&["check", &book.0.display().to_string()]);
    let line = told.lines().find(|line| line.starts_with(" naked")).expect("a row");
    assert!(line.contains("liquidatable") && line.contains("nothing to seize [PL0129]"), "{line}");
    assert!(!told.contains("PL0101"), "{told}");
}

/// Where each price came from, and what `check` shows, as steps.
#[test]
fn explain_begins_at_the_feeds_and_ends_at_what_check_shows() {
    let told = text(&["explain", "examples/treasury", "acme-usdc"]);
    for line in [
        "  wstETH: 5241082902420000000000000000 (5241.082902420000000000000000 USDC), from ",
        "    ETH/USD = 4312.57000000 USD/ETH (oracle, says ",
        "  ratio = collateral / debt",
        "  minimum = collateral / backing",
        "  buffer = ratio - minimum",
        "  excess = backing - requirement",
        "  available = backing - requirement of the line of borrowing, at least 0",
        "  tier = critical",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let answer = json(&["explain", "examples/treasury", "acme-usdc", "--json"]);
    let prices = answer["prices"].as_array().expect("prices");
    let names: Vec<&str> = prices.iter().map(|price| price["name"].as_str().expect("a name")).collect();
    for price in prices {
        for leg in price["legs"].as_array().expect("legs") {
            assert!(names.contains(&leg.as_str().expect("a name")), "{leg} is shown");
        }
        let observed = ["oracle", "market", "redemption"].contains(&price["kind"].as_str().expect("a kind"));
        assert_eq!(price["source"].is_string(), observed, "{price}");
    }
    assert_eq!(answer["shown"]["tier"], "critical");
}

/// Amounts that hang on a stale price stood there without a mark.
#[test]
fn amounts_in_doubt_are_marked() {
    let args = ["explain", "examples/treasury", "alice", "--at", "2025-10-12T12:00:00Z"];
    let told = text(&args);
    let line =
        told.lines().find(|line| line.contains(" WETH (") && line.contains("unit more")).expect("an amount");
    assert!(line.contains("IN DOUBT: a price is stale"), "{line}");
    let answer = json(&[&args[..], &["--json"]].concat());
    assert_eq!(answer["withdrawable"][0]["doubt"], "stale");
    assert!(!text(&args[..3]).contains("IN DOUBT"));
}

/// The split of a sum was of the book as it stands, whatever changes were asked for, and hung on stale prices unmarked.
#[test]
fn a_split_follows_the_changes_and_marks_doubt() {
    let ask = |rest: &[&str]| {
        let args = ["restore", "examples/treasury", "Acme treasury", "--with", "1000000 USDC"];
        [&args, rest].concat().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let told = |rest: &[&str]| text(&ask(rest).iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!told(&[]).contains("DOUBT"));
    let doubtful = told(&["--after", "2d"]);
    assert!(doubtful.contains("DOUBT  aave-core:acme-loop: a price is stale"), "{doubtful}");
    assert!(doubtful.contains("DOUBT  morpho-wsteth-usdc:acme-usdc: a price is stale"), "{doubtful}");
    let parts = |text: String| text.split("\n\nwith").next().map(str::to_string);
    assert_ne!(parts(told(&["--price", "ETH/USD=-5%"])), parts(told(&[])));
    let portfolio =
        text(&["portfolio", "examples/treasury", "Acme treasury", "--at", "2025-10-12T12:00:00Z"]);
    assert!(portfolio.contains("DOUBT  aave-core:acme-loop: a price is stale"), "{portfolio}");
}

#[test]
fn explain_keeps_going_and_names_who_is_left_out() {
    let book = treasury("explain", |text| text.replace("bob,aave-core,debt", " bob,aave-core,debt"));
    let path = book.0.display().to_string();
    assert_eq!(code(&["explain", &path, "alice"]), 3);
    assert_eq!(code(&["explain", &path, "alice", "--keep-going"]), 3);
    let told = text(&["explain", &path, "alice", "--keep-going"]);
    assert!(told.contains("verdict: healthy") && told.contains("FAULTY BOOK: 1 fault"), "{told}");
    let told = plimsoll(&["explain", &path, "bob", "--keep-going"]);
    assert_eq!(told.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&told.stderr).contains("bob is left out"));
    let told = plimsoll(&["explain", "examples/treasury", "ALICE"]);
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains("[PL0403]") && told.contains("did you mean `alice`?"), "{told}");
}

/// The buffer was the difference of two cut numbers: above the truth as often as not.
#[test]
fn a_buffer_is_cut_downward_and_money_has_its_unit() {
    let answer = json(&["check", "examples/lending", "--json"]);
    let mut checked = 0;
    for row in answer["accounts"].as_array().expect("accounts") {
        let part = |of: &str, which: &str| -> Option<i128> { row[of][which].as_str()?.parse().ok() };
        let parts = || {
            let (n, d) = (
                part("collateralization_ratio", "numerator")?,
                part("collateralization_ratio", "denominator")?,
            );
            let (p, q) = (part("minimum_ratio", "numerator")?, part("minimum_ratio", "denominator")?);
            let over = n.checked_mul(q)?.checked_sub(p.checked_mul(d)?)?.checked_mul(1_000_000)?;
            Some(over.div_euclid(d.checked_mul(q)?))
        };
        let Some(points) = parts() else { continue };
        let sign = if points < 0 { "-" } else { "" };
        let shown = format!("{sign}{}.{:04}", points.abs() / 10_000, points.abs() % 10_000);
        assert_eq!(row["buffer_points"], shown.as_str(), "{row}");
        checked += 1;
        assert!(row["excess_decimals"].is_u64() && row["excess_unit"].is_string(), "{row}");
        assert!(row["available_decimals"].is_u64() && row["available_unit"].is_string(), "{row}");
    }
    assert!(checked > 50, "{checked}");
}

fn fields(value: &Value, found: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                found.insert(name.clone());
                // The names in it are the tiers'.
                if name != "tiers" {
                    fields(value, found);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

#[test]
fn every_field_of_json_is_described() {
    let docs = std::fs::read_to_string(root().join("docs/output.md")).expect("docs/output.md");
    let mut found = std::collections::BTreeSet::new();
    let faulty = treasury("fields", |text| text.replace("bob,aave-core,debt", " bob,aave-core,debt"));
    fields(&json(&["check", &faulty.0.display().to_string(), "--keep-going", "--json"]), &mut found);
    for account in ["alice", "acme-loop", "acme-usdc", "lender"] {
        fields(&json(&["explain", "examples/treasury", account, "--json"]), &mut found);
    }
    let book = "examples/treasury";
    let asked: [&[&str]; 11] = [
        &["check", book, "--at", "2025-10-12T12:00:00Z"],
        &["outlook", book, "acme-usdc", "--together", "ETH/USD"],
        &["whatif", book, "alice", "--borrow", "5000 USDC", "--price", "ETH/USD=-20%", "--after", "1h"],
        &["whatif", book, "alice", "--borrow", "5000000 USDC"],
        &["whatif", book, "--price", "ETH/USD=-40%"],
        &["max", book, "alice"],
        &["liquidate", book, "alice", "--price", "ETH/USD=-35%"],
        &["liquidate", book, "alice"],
        &["restore", book, "alice", "--to", "1.2", "--price", "ETH/USD=-35%"],
        &["restore", book, "Acme treasury", "--with", "1000000 USDC"],
        &["portfolio", book, "Acme treasury"],
    ];
    for args in asked {
        fields(&json(&[args, &["--json"]].concat()), &mut found);
    }
    let unsaid: Vec<&String> = found
        .iter()
        .filter(|name| !docs.contains(&format!("`{name}`")) && !docs.contains(&format!("`{name}[]`")))
        .collect();
    assert!(unsaid.is_empty(), "{unsaid:?}");
}

/// Maker's vault that is healthy by the price in force and below the line by its feed: nothing is "healthy again", and the
/// prices that the venue keeps are shown beside the feed.
#[test]
fn a_delayed_oracle_is_told_with_what_it_keeps() {
    let text = |args: &[&str]| String::from_utf8_lossy(&plimsoll(args).stdout).into_owned();
    let kept = "the venue keeps: spot 2100.000000000000000000000000000, current_price 3150.000000000000000000, \
                next_price 2905.500000000000000000";
    let check = text(&["check", "examples/maker"]);
    assert!(check.contains(kept), "{check}");
    assert!(check.contains("the venue keeps: spot 73.333333333333333333333333333\n"), "{check}");
    let of = |name: &str| check.lines().find(|line| line.contains(name)).expect("a row").to_string();
    assert!(of("cassia").contains("LOST at the feed of now; saved by ETH/USD +4.47 %"), "{check}");
    assert!(of("frost").contains(" healthy at ETH/USD 2020 +2.27 %"), "{check}");
    let explained = text(&["explain", "examples/maker", "cassia"]);
    assert!(explained.contains(kept), "{explained}");
    let outlook = text(&["outlook", "examples/maker", "cassia"]);
    assert!(outlook.contains("lost, unless at") && !outlook.contains("again"), "{outlook}");
    assert!(outlook.contains("is lost when the venue has taken them"), "{outlook}");
    assert!(outlook.contains("interest alone reaches the line: 2023-08-0"), "{outlook}");
    let outlook = text(&["outlook", "examples/maker", "frost"]);
    assert!(outlook.contains("healthy again at") && !outlook.contains("stays"), "{outlook}");
    let value = json(&["check", "examples/maker", "--json"]);
    let names: Vec<&str> = value["markets"][1]["kept"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|figure| figure["name"].as_str())
        .collect();
    assert_eq!(names, ["spot", "current_price", "next_price"]);
}

/// Dai in Maker's vat is Dai, in 45 digits; what is no token stays in the venue's own integers.
#[test]
fn dai_in_the_vat_is_shown_in_dai() {
    let args = ["whatif", "examples/maker", "aurora", "--borrow", "100.5 DAI"];
    let text = String::from_utf8_lossy(&plimsoll(&args).stdout).into_owned();
    assert!(text.contains("receives 100.500000000000000000 DAI, +0.000000000000000000"), "{text}");
    assert!(text.contains(" DAI in the vat, +95601676926902414309 DAI debt"), "{text}");
}

/// At Compound a loan below the least is no loan, and the text says what stands in the way of a larger one.
#[test]
fn a_hole_in_what_may_be_borrowed_names_both_sides() {
    let value = json(&["max", "examples/compound_v3", "lender", "--json"]);
    let borrow = &value["borrow"][0];
    assert_eq!(
        (borrow["one_unit_more"]["code"].as_str(), borrow["beyond"]["code"].as_str()),
        (Some("PL0130"), Some("PL0107"))
    );
    assert_eq!(borrow["binds"], "health");
    let text =
        String::from_utf8_lossy(&plimsoll(&["max", "examples/compound_v3", "lender"]).stdout).into_owned();
    assert!(text.contains("[PL0130]; and of a larger loan: debt of"), "{text}");
}

/// An absorption pays nobody, and costs the owner what is told.
#[test]
fn an_absorption_is_told_with_its_cost() {
    let args = ["liquidate", "examples/compound_v3", "late-by-a-block"];
    let text = String::from_utf8_lossy(&plimsoll(&args).stdout).into_owned();
    let told =
        "the owner had 125 999.50 USD above the debt and loses 63 000.00 of it; left to be claimed: 62999.49";
    assert!(text.contains(told), "{text}");
    let text = plimsoll(&["restore", "examples/compound_v3", "comp-farmer", "--to", "1.1"]).stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(text.matches(" USDC ").count(), 1, "{text}");
}

/// A scaled balance has 120 bits from 3.4 on and 128 before: 2 x 10^36 seized at once are more than the one and less than the other.
#[test]
fn a_call_that_a_token_has_no_room_for_says_how_much_it_has() {
    let reserve = |asset: &str, decimals: u8, [supply, debt, cash]: [&str; 3]| {
        let one = "1000000000000000000000000000";
        format!(
            "[[reserves]]\nasset = \"{asset}\"\nfeed = \"{asset}\"\ndecimals = {decimals}\nltv = 5000\nliquidation_threshold = 8000\n\
             liquidation_bonus = 10500\n[reserves.state]\nliquidity_index = \"{one}\"\nvariable_borrow_index = \"{one}\"\n\
             liquidity_rate = 0\nvariable_borrow_rate = 0\nlast_update = 1700000000\nscaled_supply = \"{supply}\"\n\
             scaled_debt = \"{debt}\"\nvirtual_balance = \"{cash}\"\n"
        )
    };
    let [held, owed, lent, left] = [("2", 36), ("8", 27), ("80", 27), ("72", 27)]
        .map(|(digits, zeros)| format!("{digits}{}", "0".repeat(zeros)));
    for (revision, bits) in [("3.5", Some(120)), ("3.3", None)] {
        let market = format!(
            "venue = \"aave_v3\"\nrevision = \"{revision}\"\ncurrency = \"USD\"\n{}{}",
            reserve("WETH", 18, [&held, "0", &held]),
            reserve("USDC", 6, [&lent, &owed, &left]),
        );
        let feeds = "feed,kind,price,unit,source,observed_at,max_age,confidence\nWETH,oracle,3000,USD/WETH,test,,,\n\
                     USDC,oracle,1,USD/USDC,test,,,\n";
        let rows = format!(
            "account,market,kind,asset,quantity,unit\ngiant,aave,collateral,WETH,{held},raw\ngiant,aave,debt,USDC,{owed},raw\n"
        );
        let files = [
            ("book.toml", "format = 1\nname = \"giants\"\nat = 1700000000\n".to_string()),
            ("feeds.csv", feeds.to_string()),
            ("positions.csv", rows),
            ("markets/aave.toml", market),
        ];
        let book = Book::new(&format!("giants-{revision}"), &files);
        let text = book.text("liquidate", &["giant"]);
        let told = bits.map(|bits| format!("in a token's {bits} bits [PL0301]"));
        assert_eq!(text.contains("[PL0301]"), told.is_some(), "{text}");
        assert!(told.is_none_or(|told| text.contains(&told)), "{text}");
    }
}
