//! 12 March 2020, ten minutes at a time: which vaults of Maker a bot would have kept, by its trigger, its delay and what it would pay for gas.
//!
//! The prices and gas prices of the day are not part of the project. Where `PLIMSOLL_DATA` names a folder with `eth_03-12-2020.json.gz` and
//! `gas_03-12-2020.json.gz` (of BerkeleyBlockchain/stablesims, `feeds/`), the table of `docs/policy.md` is computed anew and must be the same; else nothing is tried, which is said.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // an experiment on a history: estimates

use flate2::read::GzDecoder;
use plimsoll::{PolicyKind, PolicyRule, PolicySetting, PolicySource, PolicySums, Said, policy_test};
use plimsoll_core::{Book, Decimal};
use plimsoll_io::book::{File, FileBytes};
use plimsoll_risk::bars::{Bar, Bars};
use plimsoll_risk::history::{History, Series};
use std::path::Path;

/// The close of the first ten minutes.
const FIRST: f64 = 194.52;
const VAULTS: usize = 1000;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn json(folder: &Path, name: &str) -> serde_json::Value {
    let file = std::fs::File::open(folder.join(name)).expect("a file of the data");
    serde_json::from_reader(GzDecoder::new(file)).expect("JSON")
}

/// Midnight of the day.
const DAY: i64 = 1_583_971_200;

fn history(folder: &Path) -> History {
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let prices = json(folder, "eth_03-12-2020.json.gz");
    let bar = |(at, row): (usize, &serde_json::Value)| Bar {
        time: DAY + 600 * at as i64,
        open: number(&row["price_open"]),
        high: number(&row["price_high"]),
        low: number(&row["price_low"]),
        close: number(&row["price_close"]),
    };
    let eth: Vec<Bar> = prices.as_array().expect("rows").iter().enumerate().map(bar).collect();
    let gas = json(folder, "gas_03-12-2020.json.gz");
    let paid = |(at, row): (usize, &serde_json::Value)| {
        let close = number(&row["60.0 Perc"]) / 1e9;
        Bar { time: DAY + 600 * at as i64, open: close, high: close, low: close, close }
    };
    let gas: Vec<Bar> = gas["data"].as_array().expect("rows").iter().enumerate().map(paid).collect();
    let series = |base: &str, bars: Vec<Bar>, ranged| Series {
        base: base.into(),
        quote: "USD".into(),
        bars: Bars::new(600, bars).expect("bars"),
        ranged,
    };
    let series = vec![series("ETH", eth, true), series("GAS", gas, false)];
    History::new("USD".into(), series, Vec::new(), "0".repeat(64))
}

/// Vaults of Maker as it was, with collateral of 155 to 400 % of their debt, evenly: of four of them three owe 20,000 Dai and one 100.
fn book() -> Book {
    let (mut positions, mut owed) = ("account,market,kind,asset,quantity,unit\n".to_string(), 0_u64);
    for at in 0..VAULTS {
        let ratio = 1.55 + (4.0 - 1.55) * (at as f64 + 0.5) / VAULTS as f64;
        let debt = if at % 4 == 0 { 100_u64 } else { 20_000 };
        owed += debt;
        let ether = debt as f64 * ratio / FIRST;
        positions +=
            &format!("v{at},eth-a,collateral,ETH,{ether:.12},token\nv{at},eth-a,debt,DAI,{debt},token\n");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/maker/markets/eth-a-2020.toml");
    let market = std::fs::read_to_string(path).expect("the example");
    let market = market.split("[[auctions]]").next().expect("all before the auction");
    let zeros = |digits: usize| "0".repeat(digits);
    let line = |line: &str| -> String {
        let name = line.split(" = ").next().unwrap_or(line);
        match name {
            "feed" => "feed = \"ETH/USD\"".into(),
            "total_art" => format!("total_art = \"{owed}{}\"", zeros(18)),
            "rate" => format!("rate = \"1{}\"", zeros(27)),
            "spot" => format!("spot = \"12968{}\"", zeros(25)),
            "rho" => "rho = \"2020-03-12T00:00:00Z\"".into(),
            "debt" => format!("debt = \"{}{}\"", owed + 4000, zeros(45)),
            "kicks" => "kicks = 0".into(),
            _ => line.into(),
        }
    };
    let market: Vec<String> = market.lines().map(line).collect();
    let feeds = "feed,kind,price,unit,source,observed_at,max_age,confidence\n\
        ETH/USD,oracle,194.52,USD/ETH,file,2020-03-12T00:10:00Z,1h,\n";
    let head = "format = 1\nname = \"Black Thursday\"\nat = \"2020-03-12T00:10:00Z\"\n";
    let files = [
        ("book.toml", head.to_string()),
        ("feeds.csv", feeds.to_string()),
        ("positions.csv", positions),
        ("markets/eth-a.toml", market.join("\n") + "\n"),
    ];
    let file =
        |(name, text): (&str, String)| File { name: name.into(), bytes: FileBytes::Read(text.into_bytes()) };
    let opened = plimsoll_io::book::read(files.into_iter().map(file).collect());
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    opened.book
}

/// A bot that sells collateral below a ratio up to another; health is the ratio over 150 %. A call costs 10 dollars at the day's median of 66 gwei.
fn rule(below: f64, to: f64, delay: u64, cap: Option<&str>) -> PolicyRule {
    let health = |ratio: f64| decimal(&format!("{:.4}", ratio / 150.0));
    PolicyRule {
        name: "bot".into(),
        trigger_below: health(below),
        restore_to: health(to),
        trigger_above: None,
        target: None,
        prices: Vec::new(),
        sources: vec![PolicySource::Collateral(decimal("0.01"))],
        delay,
        cool_down: 0,
        gas: decimal("10"),
        gas_series: Some("GAS".into()),
        gas_cap: cap.map(decimal),
        size_cap: None,
        leave_below: None,
        carry: decimal("0"),
        penalty: decimal("0.13"),
        close: decimal("1"),
    }
}

#[test]
fn black_thursday_is_what_the_page_says() {
    let Some(folder) = std::env::var_os("PLIMSOLL_DATA") else {
        println!("not tried: PLIMSOLL_DATA names no folder with the prices of the day");
        return;
    };
    let (book, history) = (book(), history(Path::new(&folder)));
    let page = include_str!("../../../docs/policy.md");
    let said = Said { hold: vec!["DAI".into()], map: Vec::new() };
    let setting = PolicySetting { said, ..PolicySetting::default() };
    let mut rows = Vec::new();
    for (below, to) in [(160.0, 180.0), (170.0, 200.0), (200.0, 250.0)] {
        let mut row = format!("| {below} % to {to} % |");
        for (delay, cap) in [(0, None), (1200, None), (3600, None), (0, Some("4.5"))] {
            let test =
                policy_test(&book, &history, &rule(below, to, delay, cap), &setting).expect("an answer");
            let of = |kind: PolicyKind| -> PolicySums {
                test.tried.iter().find(|tried| tried.kind == kind).expect("a rule").sums[0].1
            };
            let (without, with) = (of(PolicyKind::Nothing).struck, of(PolicyKind::Policy).struck);
            assert_eq!((test.followed, without), (VAULTS, 546));
            row += &format!(" {} % |", (without - with.min(without)) * 100 / without);
        }
        rows.push(row);
    }
    for row in rows {
        assert!(page.contains(&row), "docs/policy.md does not say: {row}");
        println!("{row}");
    }
}
