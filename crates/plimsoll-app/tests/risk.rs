//! `plimsoll risk` and `plimsoll buffer`, as a shell runs them: what is printed, what programs read, and exit codes. History is made up from a
//! fixed seed; where the real borrowers of June 2023 lie beside the project, they are asked too.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // a test that cannot run the program has failed; prices of history are floats

use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn plimsoll(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(args)
        .current_dir(root())
        .output()
        .expect("plimsoll runs")
}

fn code(args: &[&str]) -> i32 {
    plimsoll(args).status.code().expect("an exit code")
}

fn text(args: &[&str]) -> String {
    String::from_utf8_lossy(&plimsoll(args).stdout).into_owned()
}

fn json(args: &[&str]) -> Value {
    let output = plimsoll(&[args, &["--json"]].concat());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}\n{told}"))
}

/// A folder for this test alone.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-risk-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Six-hourly bars of 540 days before 2025-10-10, a walk of about 4 % a day with wild days.
fn history(name: &str, assets: &[&str]) -> PathBuf {
    let folder = folder(name);
    for (at, asset) in assets.iter().enumerate() {
        let mut state = 6 + at as u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5
        };
        let (mut price, mut rows) = (4000.0_f64, String::from("ts,open,high,low,close\n"));
        for bar in 0..540 * 4_i64 {
            let wild = if bar / 4 % 31 == 0 { 3.0 } else { 1.0 };
            let open = price;
            price *= 1.0 + 0.035 * wild * (random() + random());
            let (high, low) = (open.max(price) * 1.004, open.min(price) * 0.996);
            let time = 1_760_054_400 - 540 * 86_400 + bar * 21_600;
            writeln!(rows, "{time},{open},{high},{low},{price}").expect("a text");
        }
        fs::write(folder.join(format!("{asset}.csv")), rows).expect("a file");
    }
    folder
}

fn path(folder: &Path) -> &str {
    folder.to_str().expect("a path")
}

const FAST: [&str; 4] = ["--paths", "300", "--looks", "6h"];

#[test]
fn exit_codes_and_words() {
    let history = history("codes", &["ETH"]);
    let with = |more: &[&str]| {
        let own: Vec<String> = more.iter().map(|it| (*it).to_string()).collect();
        let fixed = ["risk", "examples/treasury", "--history", path(&history)];
        fixed.iter().chain(&FAST).map(|it| (*it).to_string()).chain(own).collect::<Vec<_>>()
    };
    let run = |more: &[&str]| {
        let args = with(more);
        code(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert_eq!(run(&["--account", "alice", "--hold", "USDC"]), 0);
    // Without USDC's series, and without its standing still, nothing is known of who owes it.
    assert_eq!(run(&["--account", "alice"]), 4);
    assert_eq!(run(&["--account", "nobody"]), 2);
    assert_eq!(run(&["--owner", "nobody"]), 2);
    assert_eq!(run(&["--days", "7,1"]), 2);
    assert_eq!(run(&["--looks", "7h"]), 2);
    assert_eq!(run(&["--paths", "1"]), 2);
    assert_eq!(run(&["--map", "WETH"]), 2);
    // What nothing moves is not estimable.
    let still = ["--hold", "USDC", "--hold", "ETH", "--hold", "stETH", "--hold", "wstETH"];
    assert_eq!(run(&[&["--account", "alice"], &still[..]].concat()), 4);
    // The loop on a rate that stands still is not estimable, in the whole book either.
    assert_eq!(run(&["--hold", "USDC"]), 4);
    let nowhere = folder("nowhere");
    assert_eq!(code(&["risk", "examples/treasury", "--history", path(&nowhere)]), 3);
    fs::write(nowhere.join("ETH.csv"), "ts,close\n0,1\n60,x\n").expect("a file");
    assert_eq!(code(&["risk", "examples/treasury", "--history", path(&nowhere)]), 3);
    let args = with(&["--account", "alice", "--hold", "USDC"]);
    let said = text(&args.iter().map(String::as_str).collect::<Vec<_>>());
    for words in [
        "history",
        "t copula",
        "jumps",
        "no fat tails",
        "stressed",
        "severe",
        "±",
        "held, as was said: USDC/USD",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    for folder in [&history, &nowhere] {
        fs::remove_dir_all(folder).expect("a folder");
    }
}

#[test]
fn programs_read_ranges_errors_and_losses() {
    let history = history("json", &["ETH"]);
    let out = folder("out");
    let page = out.join("page.html");
    let table = out.join("rows.parquet");
    let fixed = ["risk", "examples/treasury", "--history", path(&history), "--hold", "USDC"];
    let args = [&fixed[..], &FAST, &["--report", path(&page), "--parquet", path(&table)]].concat();
    let answer = json(&args);
    assert_eq!(answer["format"], 1);
    assert_eq!(answer["history"]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(answer["history"]["series"], serde_json::json!(["ETH-USD"]));
    let counts = &answer["counts"];
    let sum = ["estimated", "below", "no_debt", "not_estimable"]
        .iter()
        .map(|name| counts[*name].as_u64().expect("a count"));
    assert_eq!(counts["accounts"].as_u64(), Some(sum.sum()));
    let alice = answer["accounts"].as_array().expect("accounts").iter().find(|one| one["account"] == "alice");
    let alice = alice.expect("alice");
    assert_eq!(alice["models"].as_array().map(Vec::len), Some(6));
    for range in alice["range"].as_array().expect("ranges") {
        assert!(range["low_share"].as_f64() <= range["high_share"].as_f64());
    }
    for model in alice["models"].as_array().expect("models") {
        for chance in model["chances"].as_array().expect("chances") {
            let closed = chance["closed_form"].as_bool().expect("a flag");
            let error = chance["standard_error"].as_f64().expect("an error");
            assert_eq!(closed, error <= 0.0, "{chance}");
        }
    }
    let losses = answer["books"][0]["losses"].as_array().expect("losses");
    for loss in losses {
        let of = |name: &str| loss[name].as_f64().expect("a number");
        assert!(of("liquidated_95") <= of("liquidated_99") && of("bad_debt_var_95") <= of("bad_debt_var_99"));
        assert!(of("bad_debt_var_99") <= of("bad_debt_es_99") + 1e-9, "{loss}");
    }
    let html = fs::read_to_string(&page).expect("a page");
    assert!(
        html.contains("Health at the end of each day") && html.contains("<svg") && !html.contains("<script")
    );
    assert!(fs::metadata(&table).expect("a table").len() > 100);
    // Twice the same.
    assert_eq!(answer, json(&args));
    fs::remove_dir_all(&history).expect("a folder");
    fs::remove_dir_all(&out).expect("a folder");
}

#[test]
fn a_buffer_is_told_with_amounts_and_its_policy() {
    let history = history("buffer", &["ETH"]);
    let fixed = ["buffer", "examples/treasury", "alice", "--history", path(&history), "--hold", "USDC"];
    let policy = ["--policy", "trigger=1.1,target=1.6,delay=6h,gas=25", "--chance", "5,1"];
    let paths = ["--paths", "1500", "--looks", "6h"];
    let answer = json(&[&fixed[..], &policy, &paths].concat());
    let needs = answer["needs"].as_array().expect("needs");
    assert_eq!(needs.len(), 6 * 2 * 2);
    for need in needs {
        assert!(need["health"].as_f64().is_some_and(|health| health >= 1.0), "{need}");
    }
    assert!(
        needs
            .iter()
            .any(|need| need["repayments"][0]["asset"] == "USDC" && need["capital"].as_f64() > Some(0.0))
    );
    assert!(answer["policy"][1]["late_share"].as_f64() <= answer["policy"][1]["without_share"].as_f64());
    let words = text(&[&fixed[..], &policy, &paths].concat());
    assert!(words.contains("arrives after 21600 s") && words.contains("costs 25.00 USD"), "{words}");
    // A call is not instant, and not free, because nobody said what it is.
    for (lacking, of) in [("gas", "delay=6h"), ("delay", "gas=25")] {
        let policy = format!("trigger=1.1,target=1.6,{of}");
        let output = plimsoll(&[&fixed[..], &["--policy", &policy]].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("found no `{lacking}`")));
    }
    let still = ["--hold", "ETH", "--hold", "stETH", "--hold", "wstETH"];
    assert_eq!(code(&[&fixed[..], &still].concat()), 4);
    // Too few paths for a tenth of a percent: said, and not made up.
    let few = text(&[&fixed[..], &["--chance", "0.1"], &paths].concat());
    assert!(few.contains("10000 would"), "{few}");
    assert_eq!(code(&[&fixed[..], &["--policy", "trigger=1.5,target=1.2,delay=6h,gas=25"]].concat()), 2);
    assert_eq!(code(&[&fixed[..], &["--chance", "0"]].concat()), 2);
    assert_eq!(code(&["buffer", "examples/treasury", "acme-loop", "--history", path(&history)]), 4);
    fs::remove_dir_all(&history).expect("a folder");
}

/// Of closes alone no low is seen, and the answer says so instead of speaking of lows and highs.
#[test]
fn closes_alone_are_said_to_be_such() {
    let history = history("closes", &["ETH"]);
    let fixed =
        ["risk", "examples/treasury", "--history", path(&history), "--hold", "USDC", "--account", "alice"];
    let args = [&fixed[..], &FAST].concat();
    let ranged = text(&args);
    assert!(ranged.contains("with their lows and highs") && !ranged.contains("closes alone"), "{ranged}");
    let whole = fs::read_to_string(history.join("ETH.csv")).expect("a file");
    let mut closes = String::new();
    for line in whole.lines() {
        let cells: Vec<&str> = line.split(',').collect();
        writeln!(closes, "{},{}", cells[0], cells[4]).expect("a text");
    }
    fs::write(history.join("ETH.csv"), closes).expect("a file");
    let alone = text(&args);
    assert!(!alone.contains("their lows and highs"), "{alone}");
    assert!(alone.contains("closes alone, without lows and highs: ETH-USD"), "{alone}");
    fs::remove_dir_all(&history).expect("a folder");
}

// ---- real borrowers ------------------------------------------------------------------------------------------------

/// A file of the shared data, if this is where the project is tested with them.
fn real(name: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(name);
    path.exists().then_some(path)
}

/// A template for borrowers of something worth so many dollars against staked ether.
fn template(folder: &Path, owed: &str, price: &str) {
    fs::create_dir_all(folder.join("markets")).expect("a folder");
    let book = "format = 1\nname = \"Borrowers\"\nat = \"2023-06-01T00:00:00Z\"\n[[price]]\nname = \"stETH/USD\"\nunit = \"USD/stETH\"\n\
                product = [\"stETH/ETH\", \"ETH/USD\"]\ndecimals = 8\nrounding = \"down\"\n";
    let mut feeds = "feed,kind,price,unit,source,observed_at,max_age,confidence\n\
                 ETH/USD,oracle,1862.00,USD/ETH,round,2023-06-01T00:00:00Z,1h,\n\
                 stETH/ETH,oracle,1.00000000,ETH/stETH,round,2023-06-01T00:00:00Z,1h,\n"
        .to_string();
    let feed = if price.is_empty() { "ETH/USD".to_string() } else { format!("{owed}/USD") };
    if !price.is_empty() {
        feeds += &format!(
            "{feed},oracle,{price},USD/{owed},an ether's worth of dollars,2023-06-01T00:00:00Z,1h,\n"
        );
    }
    let reserve = |asset: &str, feed: &str, terms: &str| {
        format!("[[reserves]]\nasset = \"{asset}\"\nfeed = \"{feed}\"\ndecimals = 18\n{terms}\n")
    };
    let market = "venue = \"aave_v3\"\nrevision = \"3.5\"\ncurrency = \"USD\"\n".to_string()
        + &reserve(
            "STETH",
            "stETH/USD",
            "ltv = 7200\nliquidation_threshold = 8300\nliquidation_bonus = 10500",
        )
        + &reserve(owed, &feed, "ltv = 0\nliquidation_threshold = 0\nliquidation_bonus = 0");
    let files = [
        ("book.toml", book),
        ("feeds.csv", &feeds),
        ("markets/steth.toml", &market),
        ("positions.csv", "account,market,kind,asset,quantity,unit\n"),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("a file");
    }
}

/// Every one of the 646 borrowers of stables has a chance from the history until June 2023; the loopers have none without a basis series.
#[test]
fn real_borrowers_have_chances() {
    let tables =
        ["aave_steth_positions_b21_debt_stables_2023-06.csv.gz", "aave_steth_positions_b1_2023-06.csv.gz"];
    let series = ["eth_usdt_1h_2019-12_2025-11.csv.gz", "btc_usdt_1h_2019-12_2025-12.csv.gz"];
    let (Some(stables), Some(loops), Some(eth), Some(btc)) =
        (real(tables[0]), real(tables[1]), real(series[0]), real(series[1]))
    else {
        println!("SKIPPED: the real borrowers and prices of ../shared/data are not here");
        return;
    };
    let folder = folder("real");
    let history = folder.join("history");
    fs::create_dir_all(&history).expect("a folder");
    fs::copy(eth, history.join("ETH.csv.gz")).expect("a file");
    fs::copy(btc, history.join("BTC.csv.gz")).expect("a file");
    let import = |table: &Path, owed: &str, price: &str, name: &str| {
        let (from, out) = (folder.join(format!("template-{name}")), folder.join(name));
        template(&from, owed, price);
        let map =
            format!("account=user,collateral.STETH=collateral,debt.{owed}=debt,threshold=threshold,ltv=ltv");
        let args = [
            "import",
            "csv",
            path(table),
            "--map",
            &map,
            "--market",
            path(&from),
            "--round",
            "down",
            "--out",
            path(&out),
        ];
        assert_eq!(code(&args), 0, "{}", String::from_utf8_lossy(&plimsoll(&args).stderr));
        out
    };
    let book = import(&stables, "DOLLARS", "1862.00", "stables");
    let fixed =
        ["--history", path(&history), "--days", "7", "--paths", "200", "--looks", "6h", "--top", "1000"];
    let answer =
        json(&[&["risk", path(&book), "--hold", "DOLLARS", "--map", "stETH=ETH"], &fixed[..]].concat());
    let counts = &answer["counts"];
    println!("borrowers of stables: {counts}");
    assert_eq!(counts["accounts"], 646);
    assert_eq!(counts["not_estimable"], 0);
    // Their health is that of the table, which has it in plain floats.
    let accounts = answer["accounts"].as_array().expect("accounts");
    assert!(
        accounts
            .iter()
            .filter(|one| one["stands"] == "estimated")
            .all(|one| one["health"].as_f64() >= Some(1.0))
    );
    let book = import(&loops, "WETH", "", "loops");
    let answer = json(&[&["risk", path(&book)], &fixed[..]].concat());
    println!("loopers without a basis series: {}", answer["counts"]);
    assert_eq!(answer["counts"]["accounts"], 271);
    assert_eq!(answer["counts"]["estimated"], 0);
    fs::remove_dir_all(&folder).expect("a folder");
}
