//! `plimsoll verify` on files of schema `risk/NAME`: the project's own, spoilt ones, and, where they lie beside the repository, the files that
//! need real data.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::{Book, root};
use serde_json::{Value, json};
use std::process::Command;

/// What it prints, and its exit code.
fn verify(args: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let output = command.arg("verify").args(args).current_dir(root()).output().expect("plimsoll runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text + &String::from_utf8_lossy(&output.stderr), output.status.code().expect("an exit code"))
}

fn own(prefix: &str) -> Vec<String> {
    let names =
        std::fs::read_dir(root().join("vectors")).expect("vectors").map(|entry| entry.expect("a file"));
    let mut names: Vec<String> = names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(prefix))
        .map(|name| format!("vectors/{name}"))
        .collect();
    names.sort();
    names
}

/// Checked, mismatched and skipped, from the last line.
fn counts(text: &str) -> [u64; 3] {
    let last = text.lines().rev().find(|line| line.starts_with("checked")).expect("a last line");
    let numbers: Vec<u64> = last.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().expect("three numbers")
}

#[test]
fn published_figures_of_risk_methods_are_met() {
    let files = own("risk_");
    assert!(files.len() >= 8, "{files:?}");
    let (text, code) = verify(&files.iter().map(String::as_str).collect::<Vec<_>>());
    let [checked, mismatched, skipped] = counts(&text);
    assert_eq!((mismatched, skipped, code), (0, 0, 0), "{text}");
    assert!(checked > 1_000, "{text}");
}

/// Small files by hand, each with one figure that is right and one that is beyond its tolerance.
#[test]
fn a_wrong_figure_is_seen() {
    let scratch = Book::new("verify_risk_wrong", &[]);
    let row = |ltv: f64| json!({"l": 1e6, "sigma": 0.1, "d": 2e5, "beta": 0.05, "clf": 3, "ltv": ltv});
    let right = 0.824_446_574_818_368_5;
    let cases = [
        (
            json!({"schema": "risk/smart-ltv", "formula": "", "rows": [row(right), row(right + 1e-10)]}),
            [2, 1, 0],
        ),
        (json!({"schema": "risk/sobol", "first_2_dim2": [[0.0, 0.0], [0.5, 0.500_000_1]]}), [4, 1, 0]),
        (
            json!({"schema": "risk/dependence", "t_copula_tail": [
            {"rho": 0.5, "nu": 3, "lambda": 0.3125}, {"rho": 0.5, "nu": 3, "lambda": 0.312_500_001}]}),
            [2, 1, 0],
        ),
        // What nobody asked about is skipped, by its name.
        (
            json!({"schema": "risk/dependence", "more": 1, "t_copula_tail": [
            {"rho": 0.5, "nu": 3, "lambda": 0.3125, "other": 2}]}),
            [1, 0, 2],
        ),
        (
            json!({"schema": "risk/var-es-backtest", "kupiec_regions_95pct_test": [
            {"T": 255, "p": 0.01, "accept_min": 1, "accept_max": 7}]}),
            [2, 1, 0],
        ),
        // An input that no method takes: refused, where the file has a figure.
        (
            json!({"schema": "risk/first-passage-two-asset", "rows": [{"sigma_coll": 0.8, "sigma_debt": 0.6, "rho": 1.5,
            "health": 1.25, "T": 0.02, "sigma_eff": 0.5, "prob": 0.1}]}),
            [2, 2, 0],
        ),
        // An input that is no number: the record is skipped, and the place told.
        (
            json!({"schema": "risk/first-passage-two-asset", "rows": [{"sigma_coll": "much", "sigma_debt": 0.6, "rho": 0.5,
            "health": 1.25, "T": 0.02, "sigma_eff": 0.5, "prob": 0.1}]}),
            [0, 0, 7],
        ),
    ];
    for (index, (file, expected)) in cases.iter().enumerate() {
        let path = scratch.0.join(format!("{index}.json"));
        std::fs::write(&path, file.to_string()).expect("written");
        let (text, code) = verify(&[&path.display().to_string()]);
        assert_eq!((counts(&text), code), (*expected, 1), "{text}");
    }
}

/// Without its data a file is not passed: every figure is skipped, and what is missing is named. With a folder that has them it is checked.
#[test]
fn missing_data_are_told() {
    let scratch = Book::new("verify_risk_missing", &[]);
    let mut lines = vec!["epoch_day,btc,eth".to_string()];
    // Prices that double and halve: every squared return is the same, and so is every variance.
    lines.extend((0..40).map(|day| format!("{},{},{}", 18_000 + day, 100 << (day % 2), 10 << (day % 2))));
    let square = std::f64::consts::LN_2.powi(2);
    let coin = json!({"var_first5": vec![square; 5], "var_last5": vec![square; 5], "max_ann_vol": (365.0 * square).sqrt(),
        "ann_vol_last": (365.0 * square).sqrt(), "argmax_day": 0});
    let file = json!({"schema": "risk/ewma", "lambda": 0.94, "btc": coin});
    let path = scratch.0.join("ewma.json");
    std::fs::write(&path, file.to_string()).expect("written");
    let name = path.display().to_string();
    let (text, code) = verify(&[&name]);
    assert_eq!((counts(&text), code), ([0, 0, 15], 1), "{text}");
    assert!(text.contains("daily_close_btc_eth.csv: found no such file"), "{text}");
    let data = scratch.0.join("elsewhere");
    std::fs::create_dir(&data).expect("a folder");
    std::fs::write(data.join("daily_close_btc_eth.csv"), lines.join("\n")).expect("written");
    let (text, _) = verify(&[&name, "--data", &data.display().to_string()]);
    assert_eq!(counts(&text), [13, 1, 0], "{text}");
    assert!(text.contains("argmax_day: mismatched: expected 0"), "{text}");
    std::fs::write(data.join("daily_close_btc_eth.csv"), "epoch_day,btc\n1,2\n3,x\n").expect("written");
    let (text, code) = verify(&[&name, "--data", &data.display().to_string()]);
    assert!(text.contains("line 3") && counts(&text)[2] == 15 && code == 1, "{text}");
}

/// Pools are compared to the unit, schedules to the last digits: one unit more is seen.
#[test]
fn a_pool_that_is_one_unit_off_is_seen() {
    let scratch = Book::new("verify_risk_pools", &[]);
    for (name, written, spoilt) in [
        ("risk_stable_swap", "947702345347226791", "947702345347226792"),
        ("risk_llamma", "17474516115598979659761", "17474516115598979659762"),
        ("risk_llamma", "\"1\":\"2038\"", "\"1\":\"2039\""),
        ("risk_almgren_chriss", "0.6070761632470627", "0.6070761632490627"),
    ] {
        let packed = std::fs::read(root().join("vectors").join(format!("{name}.json.gz"))).expect("a file");
        let text = plimsoll_io::vectors::unpacked(&packed).expect("unpacked").into_owned();
        let text = String::from_utf8(text).expect("text");
        assert!(text.contains(written), "{name}");
        let path = scratch.0.join("spoilt.json");
        std::fs::write(&path, text.replacen(written, spoilt, 1)).expect("written");
        let (told, code) = verify(&[&path.display().to_string()]);
        assert_eq!((counts(&told)[1], counts(&told)[2], code), (1, 0, 1), "{told}");
    }
}

/// Without the month that they were computed from, configurations of Risk DAO's simulator are skipped, and the table is named.
#[test]
fn a_cascade_without_its_month_is_skipped() {
    let scratch = Book::new("verify_risk_cascade", &[]);
    let row = json!({"volume_for_slippage_10_percents": 400, "collateral": 1_200_000.0, "collateral_liquidation_factor": 1,
        "liquidation_incentive": 0.1, "trade_every": 1800, "stability_pool_initial_balance_ratio": 0, "price_recovery_time": 1e-6,
        "cycle_trade_volume": 400, "max_drop": 0.1, "price_at_max_drop": 90, "max_drop_volume": 195,
        "open_volume": 0, "max_liquidation_volume": 600, "simulation volume": 600, "min_multiply_price_liquidation_factor": 0.81});
    let path = scratch.0.join("cascade.json");
    std::fs::write(&path, json!({"schema": "risk/riskdao-sim-eth", "rows": [row]}).to_string())
        .expect("written");
    let name = path.display().to_string();
    let (text, code) = verify(&[&name]);
    assert_eq!((counts(&text), code), ([0, 0, 15], 1), "{text}");
    assert!(
        text.contains("ethusdt_1m_liqs_binance_futures_2021-01_riskdao.csv: found no such file"),
        "{text}"
    );
    // 600 units at once: 401 are closed, one a minute after, and the price is lowest five minutes later.
    let mut lines = vec!["ask,bid,liq_long".to_string()];
    lines.extend(
        (0..40).map(|at| format!("{0},{0},{1}", if at == 5 { 90 } else { 100 }, if at == 0 { 3 } else { 0 })),
    );
    std::fs::write(scratch.0.join("ethusdt_1m_liqs_binance_futures_2021-01_riskdao.csv"), lines.join("\n"))
        .expect("written");
    let (text, code) = verify(&[&name]);
    assert_eq!((counts(&text), code), ([8, 0, 0], 0), "{text}");
}

/// Every file that needs real data, where those lie beside the repository.
#[test]
fn figures_from_real_data_are_met() {
    let folder = root().join("../shared/vectors/risk");
    if !folder.is_dir() {
        println!("skipped: no ../shared/vectors/risk beside the repository");
        return;
    }
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file: Value = serde_json::from_slice(&std::fs::read(&path).expect("bytes")).expect("JSON");
        let (text, code) = verify(&[&path.display().to_string()]);
        let schema = file["schema"].as_str().expect("a schema");
        if !schema.starts_with("risk/") {
            assert_eq!((counts(&text), code), ([0, 0, 1], 1), "{text}");
        } else {
            assert_eq!((&counts(&text)[1..], code), (&[0, 0][..], 0), "{text}");
            seen += 1;
        }
    }
    assert!(seen >= 15, "only {seen} were seen");
}
