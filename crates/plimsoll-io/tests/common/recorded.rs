//! Books made of what was recorded from the contracts.
#![allow(dead_code, clippy::expect_used)] // each test file uses some of it

use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Vector files of a beginning and an end.
pub(crate) fn recorded(prefix: &str, suffix: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let names = std::fs::read_dir(folder).expect("the vectors").map(|entry| entry.expect("an entry").path());
    let wanted = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(prefix) && name.ends_with(suffix)
    };
    let mut paths: Vec<PathBuf> = names.filter(wanted).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

pub(crate) fn load(path: &Path) -> Value {
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("a vector file");
    GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    serde_json::from_str(&text).expect("JSON")
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The book that one market of a file of accounts is, and the accounts' recorded figures.
pub(crate) fn aave_book(document: &Value, number: usize) -> (Value, Vec<(String, Value)>) {
    let revision = text(&document["revision"]);
    let market = &document["markets"][number];
    let at = market["timestamp"].as_u64().or_else(|| text(&market["timestamp"]).parse().ok());
    let symbols = document["meta"]["reserves"].as_array().expect("reserves");
    let symbol = |i: usize| text(&symbols[i]["sym"]).to_string();
    let (mut feeds, mut reserves) = (Vec::new(), Vec::new());
    let feed = |name: &str, price: &Value| json!({"feed": name, "kind": "oracle", "price": price, "unit": "USD raw", "source": "recorded"});
    for (i, meta) in symbols.iter().enumerate() {
        let reserve = market["reserves"].as_array().expect("reserves").iter().find(|r| r["i"] == i);
        let reserve = reserve.expect("every reserve is recorded");
        let mut state = Map::new();
        for (name, from) in [
            ("liquidity_index", "liquidityIndex"),
            ("variable_borrow_index", "variableBorrowIndex"),
            ("liquidity_rate", "liquidityRate"),
            ("variable_borrow_rate", "variableBorrowRate"),
            ("last_update", "lastUpdate"),
            ("scaled_supply", "scaledATokenSupply"),
            ("scaled_debt", "scaledVariableDebt"),
            ("accrued_to_treasury", "accruedToTreasury"),
            ("cash", "underlyingInAToken"),
            ("virtual_balance", "virtualBalance"),
            ("deficit", "deficit"),
            ("isolation_debt", "isolationModeTotalDebt"),
        ] {
            let gone = from == "isolationModeTotalDebt" && revision == "3.7";
            let early = from == "virtualBalance" && revision == "3.0"
                || from == "deficit" && matches!(revision, "3.0" | "3.1" | "3.2");
            if let Some(value) = reserve.get(from).filter(|_| !gone && !early) {
                state.insert(name.to_string(), value.clone());
            }
        }
        feeds.push(feed(&symbol(i), &reserve["price"]));
        reserves.push(json!({
            "asset": symbol(i), "feed": symbol(i), "configuration": reserve["config"],
            "rates": meta["irParamsBps"], "state": state,
        }));
    }
    let bits = |word: &Value| -> Vec<String> {
        let word: u128 = text(word).parse().expect("a bitmap");
        (0..symbols.len()).filter(|i| word >> i & 1 == 1).map(symbol).collect()
    };
    let mut modes = Vec::new();
    for mode in market["emodes"].as_array().expect("e-modes") {
        let mut own = Map::new();
        for (name, from) in [
            ("id", "id"),
            ("ltv", "ltv"),
            ("liquidation_threshold", "liquidationThreshold"),
            ("liquidation_bonus", "liquidationBonus"),
            ("isolated", "isolated"),
        ] {
            own.extend(mode.get(from).map(|value| (name.to_string(), value.clone())));
        }
        for (name, from) in [
            ("collateral", "collateralBitmap"),
            ("borrowable", "borrowableBitmap"),
            ("ltv_zero", "ltvzeroBitmap"),
        ] {
            own.extend(mode.get(from).map(|word| (name.to_string(), json!(bits(word)))));
        }
        if let Some(price) = mode.get("price").filter(|price| **price != "0") {
            let name = format!("e-mode {}", mode["id"]);
            feeds.push(feed(&name, price));
            own.insert("feed".into(), json!(name));
        }
        modes.push(Value::Object(own));
    }
    let (mut positions, mut figures) = (Vec::new(), Vec::new());
    for (n, account) in document["accounts"].as_array().expect("accounts").iter().enumerate() {
        if account["market"] != number {
            continue;
        }
        let name = format!("account {n}");
        let config: u128 = text(&account["userConfig"]).parse().expect("a bitmap");
        let before = positions.len();
        for i in 0..symbols.len() {
            let held = |which: &str| account[which].get(i.to_string()).map_or("0", text).to_string();
            let mode = format!("emode={}", text(&account["eMode"]));
            let mut row = |kind: &str, quantity: String, as_collateral: &str| {
                positions.push(json!({"account": name, "market": "pool", "kind": kind, "asset": symbol(i),
                    "quantity": quantity, "unit": "scaled", "as_collateral": as_collateral, "mode": mode}));
            };
            match (config >> (2 * i + 1) & 1 == 1, held("a")) {
                (true, held) => row("collateral", held, ""),
                (false, held) if held != "0" => row("supply", held, "no"),
                _ => {}
            }
            if config >> (2 * i) & 1 == 1 {
                row("debt", held("d"), "");
            }
        }
        if positions.len() > before {
            figures.push((name, account["out"].clone()));
        }
    }
    let pool = json!({"name": "pool", "venue": "aave_v3", "revision": revision, "currency": "USD",
        "reserves": reserves, "emodes": modes});
    let book = json!({"format": 1, "name": "recorded", "at": at, "feeds": feeds, "markets": [pool],
        "positions": positions});
    (book, figures)
}
