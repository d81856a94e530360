//! The reference vectors kept under `vectors/`, and any folder named by `PLIMSOLL_VECTORS` beside them.
#![allow(clippy::unwrap_used)]

use plimsoll_core::{Account, AccountId, Feeds, Int, Lens, Market as _, Reading, Test, U256, Verdict};
use plimsoll_io::vectors::{Checked, Outcome, Tally, check, tally};
use plimsoll_venues::morpho_blue::{BORROW, COLLATERAL, Irm, Market, Parameters, Pool, State};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn files(prefix: &str) -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let other = std::env::var_os("PLIMSOLL_VECTORS").map(PathBuf::from);
    let folders = [Some(own), other].into_iter().flatten();
    let mut files: Vec<PathBuf> = folders
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix))
        .collect();
    files.sort();
    files
}

fn report(path: &Path, file: &Checked, tally: Tally) {
    let name = path.file_name().unwrap().to_string_lossy();
    let Tally { checked, mismatched, skipped } = tally;
    println!("{name}: {}: checked {checked}, mismatched {mismatched}, skipped {skipped}", file.schema);
    for record in &file.records {
        if let Some(fault) = &record.fault {
            println!("  {}: {fault}", record.path);
        }
        for (leaf, outcome) in record.differences().take(8) {
            println!("  {}: {} {outcome:?}: {:?} {:?}", record.path, leaf.path, leaf.expected, leaf.found);
        }
    }
}

/// Every leaf of every file of Morpho and Maker is compared, and equal.
#[test]
fn vectors_match_chain() {
    let of_venue = |prefix| {
        let found = files(prefix);
        assert!(!found.is_empty(), "{prefix}");
        found
    };
    for path in ["morpho_", "dss_"].into_iter().flat_map(of_venue) {
        let file = check(&std::fs::read(&path).unwrap()).unwrap();
        let tally = tally(&file);
        report(&path, &file, tally);
        assert!(file.known && tally.checked > 0, "{}", path.display());
        assert_eq!((tally.mismatched, tally.skipped), (0, 0), "{}", path.display());
    }
}

/// Every leaf of every Liquity file is compared, and equal: the whole state after every step of every scenario.
#[test]
fn vectors_match_chain_liquity_v2() {
    let files = files("bold_");
    assert!(!files.is_empty());
    for path in files {
        let file = check(&std::fs::read(&path).unwrap()).unwrap();
        let tally = tally(&file);
        report(&path, &file, tally);
        assert!(file.known && tally.checked > 0, "{}", path.display());
        assert_eq!((tally.mismatched, tally.skipped), (0, 0), "{}", path.display());
    }
}

/// Whatever digit of whatever answer is wrong in the file, exactly that leaf is a mismatch.
#[test]
fn a_wrong_digit_is_seen() {
    a_wrong_digit_is_seen_in(&files("morpho_liquidations")[0]);
    a_wrong_digit_is_seen_in(&files("dss_liquidations")[0]);
}

fn a_wrong_digit_is_seen_in(path: &Path) {
    let file = check(&std::fs::read(path).unwrap()).unwrap();
    let record = &file.records[0];
    let mut seen = 0;
    for at in 0..record.leaves.len() {
        let mut wrong = record.clone();
        wrong.leaves[at].expected.as_mut().unwrap().push('0');
        let different: Vec<Outcome> = wrong.differences().map(|(_, outcome)| outcome).collect();
        assert_eq!(different, [Outcome::Different], "{}", record.leaves[at].path);
        seen += 1;
    }
    assert!(seen >= 2);
}

/// A file of the project, unpacked, with the first case of each list.
fn first_cases(path: &Path) -> Value {
    first_cases_but(path, &[])
}

/// The same with some lists whole: those that the cases point into.
fn first_cases_but(path: &Path, whole: &[&str]) -> Value {
    let mut unpacked = Vec::new();
    let bytes = std::fs::read(path).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*bytes), &mut unpacked).unwrap();
    let mut file: Value = serde_json::from_slice(&unpacked).unwrap();
    for (name, list) in file.as_object_mut().unwrap() {
        if let Some(list) = list.as_array_mut().filter(|_| !whole.contains(&name.as_str())) {
            list.truncate(1);
        }
    }
    file
}

fn check_value(file: &Value) -> Checked {
    check(&serde_json::to_vec(file).unwrap()).unwrap()
}

/// Where every number of a value stands, as JSON pointers.
fn numbers(value: &Value, path: &str, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            (0..).zip(items).for_each(|(at, item)| numbers(item, &format!("{path}/{at}"), all));
        }
        Value::Object(entries) => {
            entries.iter().for_each(|(key, entry)| numbers(entry, &format!("{path}/{key}"), all));
        }
        Value::Number(_) => all.push(path.into()),
        Value::String(text) if text.parse::<U256>().is_ok() => all.push(path.into()),
        _ => {}
    }
}

/// `verify` once stopped at an accrual of a reserve that its file did not list. Whatever number of whatever file is
/// the number of nothing, or beyond every range, the file is compared to its end.
#[test]
fn a_number_that_points_nowhere_stops_nothing() {
    let mut tried = 0;
    for path in files("") {
        if path.extension().is_none_or(|extension| extension != "gz") {
            continue;
        }
        let file = first_cases(&path);
        let mut places = Vec::new();
        numbers(&file, "", &mut places);
        for place in places {
            let was = file.pointer(&place).unwrap();
            let wrong: [Value; 3] = match was {
                Value::Number(_) => [Value::from(10), Value::from(127), Value::from(u64::MAX)],
                _ => [Value::from("0"), Value::from("127"), Value::from(U256::MAX.to_string())],
            };
            for value in wrong {
                let mut wrong = file.clone();
                *wrong.pointer_mut(&place).unwrap() = value;
                // A fault of the file, of a record, or none; but an answer.
                let _ = check(&serde_json::to_vec(&wrong).unwrap());
                tried += 1;
            }
        }
    }
    assert!(tried > 5_000, "{tried}");
}

#[test]
fn an_accrual_of_a_reserve_that_is_not_listed_is_a_located_fault() {
    for path in files("aave_v3").into_iter().filter(|path| path.to_string_lossy().contains("accruals")) {
        let mut file = first_cases(&path);
        let listed = file["meta"]["reserves"].as_array().unwrap().len();
        for reserve in [listed, 127] {
            file["accruals"][0]["reserve"] = reserve.into();
            let checked = check_value(&file);
            let fault = checked.records[0].fault.as_ref().unwrap().to_string();
            let (path, found) = ("accruals[0].reserve", format!("{reserve}"));
            assert!(fault.contains(path) && fault.contains(&found), "{fault}");
            assert!(tally(&checked).skipped > 0);
        }
    }
}

fn verdict(market: &Market, account: &Account, price: U256) -> Verdict {
    let readings = [Reading::certain(price)];
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, market.updated()).unwrap();
    quoted.verdict(account, Test::Liquidation).unwrap().verdict
}

/// The recorded liquidation prices, found by bisection on the contract, are exact: the market's verdict there is the
/// recorded one, and one unit further it is the other.
#[test]
fn recorded_trigger_prices_are_the_last_ones() {
    let mut boundaries = 0;
    for path in files("morpho_positions") {
        let bytes = std::fs::read(path).unwrap();
        let mut text = String::new();
        if bytes.starts_with(&[0x1f]) {
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*bytes), &mut text).unwrap();
        } else {
            text = String::from_utf8(bytes).unwrap();
        }
        let file: Value = serde_json::from_str(&text).unwrap();
        let number = |value: &Value| -> U256 { value.as_str().unwrap().parse().unwrap() };
        for case in file["positions"].as_array().unwrap() {
            let up = match case["label"].as_str().unwrap() {
                "boundary: highest unhealthy price" => true,
                "boundary: lowest healthy price" => false,
                _ => continue,
            };
            let listed = &file["meta"]["markets"][case["market"].as_u64().unwrap() as usize];
            let after = &case["out"]["marketAfterAccrue"]; // accrued: nothing is left to the rate model
            let pool = |assets: &str, shares: &str| Pool {
                assets: number(&after[assets]),
                shares: number(&after[shares]),
            };
            let state = State {
                supply: pool("totalSupplyAssets", "totalSupplyShares"),
                borrow: pool("totalBorrowAssets", "totalBorrowShares"),
                last_update: number(&after["lastUpdate"]).to_u64().unwrap(),
                ..State::default()
            };
            let (lltv, irm) = (number(&listed["lltv"]), Irm::Zero);
            let parameters = Parameters { loan_decimals: 0, collateral_decimals: 0, lltv, irm };
            let market = Market::new(["loan", "collateral"], parameters, state).unwrap();
            let account = Account::new(AccountId(0))
                .with(BORROW, Int::from(number(&case["position"]["borrowShares"])))
                .with(COLLATERAL, Int::from(number(&case["position"]["collateral"])));
            let price = number(&case["price"]);
            let next = if up { price.add(U256::ONE) } else { price.sub(U256::ONE) };
            let (here, there) = if up {
                (Verdict::Unhealthy, Verdict::Healthy)
            } else {
                (Verdict::Healthy, Verdict::Unhealthy)
            };
            assert_eq!(
                (verdict(&market, &account, price), verdict(&market, &account, next.unwrap())),
                (here, there),
                "{}",
                case["label"]
            );
            boundaries += 1;
        }
    }
    assert!(boundaries >= 50);
}

/// Every object of a value by its kind of place, numbers of lists left out, each as the first pointer to one.
fn kinds_of_objects(value: &Value, pointer: &str, kind: &str, all: &mut BTreeMap<String, String>) {
    match value {
        Value::Array(items) => (0..).zip(items).for_each(|(at, item)| {
            kinds_of_objects(item, &format!("{pointer}/{at}"), &format!("{kind}[]"), all);
        }),
        Value::Object(entries) => {
            all.entry(kind.into()).or_insert_with(|| pointer.into());
            for (key, entry) in entries {
                kinds_of_objects(entry, &format!("{pointer}/{key}"), &format!("{kind}.{key}"), all);
            }
        }
        _ => {}
    }
}

/// Whether a file passes: everything in it is an input or was compared and is equal.
fn passes(file: &Value) -> bool {
    let Ok(checked) = check(&serde_json::to_vec(file).unwrap()) else { return false };
    let Tally { mismatched, skipped, .. } = tally(&checked);
    (mismatched, skipped) == (0, 0)
}

/// What says with what something was recorded, or what the recording's own model made of it, or what the contract answered beside published figures; and numbers that earlier
/// revisions of a venue do not have, zero where they do not stand.
const FREE: &[&str] = &[
    "protocol",
    "source",
    "version",
    "compiler",
    "evm",
    "seed",
    "section",
    "id",
    "label",
    "user",
    "kind",
    "note",
    "i",
    "decimals",
    "baseCurrencyUnit",
    "virtualShares",
    "virtualAssets",
    "withBatches",
    "liquidityBorrow",
    "liquidityLiquidate",
    "collateralReserves",
    "borrowableBitmap",
    "isolated",
    "ltvzeroBitmap",
    "deficit",
    "virtualBalance",
    "perpMarketIndex",
    "name",
    "upstream_disabled",
    "gas",
    "addPrecomputes",
    "margin_all_scenarios",
    "max_err_vs_published",
    "restated",
    "evm_1e18",
    "IM_PERP_PERCENT_NORMAL",
    "IM_OPTION_PERCENT_NORMAL",
    "StableConfidence",
    "LastEntryPrice",
    "FundingIndex",
    "SystemFundingIndex",
    "Name",
    "ConfidenceFactor",
    "ExiryTs",
    "MarkDiscount",
    "k",
    "k_star",
    "linear_mult_cap",
    "abs_mult_cap",
    "linear_multiplier",
    "abs_multiplier",
];

/// A12 for every kind of place: whatever is added anywhere is told, and so is whatever is missing, the state that a record
/// begins with and whole sections included. What may be added or missing is a label, named here.
#[test]
fn nothing_is_added_or_missing_in_silence() {
    let (mut added, mut missing, mut tried) = (Vec::new(), Vec::new(), 0);
    let margin = ["mango_", "derive_", "drift_", "dydx_", "span_"];
    for prefix in ["aave_v37_", "morpho_", "comet", "dss_", "bold_"].into_iter().chain(margin) {
        for path in files(prefix) {
            if path.extension().is_none_or(|extension| extension != "gz") {
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().replace(".json.gz", "");
            let mut file = first_cases_but(&path, &["branchParams"]);
            if let Some(steps) = file.pointer_mut("/scenarios/0/steps").and_then(Value::as_array_mut) {
                steps.truncate(8);
            }
            assert!(passes(&file), "{name}");
            let mut kinds = BTreeMap::new();
            kinds_of_objects(&file, "", "", &mut kinds);
            for (kind, pointer) in kinds {
                tried += 1;
                let mut more = file.clone();
                let object = more.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
                object.insert("unheard".into(), serde_json::json!({"of": ["1"]}));
                if passes(&more) {
                    added.push(format!("{name}{kind}"));
                }
                let keys: Vec<String> =
                    file.pointer(&pointer).unwrap().as_object().unwrap().keys().cloned().collect();
                for key in keys {
                    let mut less = file.clone();
                    less.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().remove(&key);
                    if passes(&less) {
                        missing.push(format!("{name}{kind}.{key}"));
                    }
                }
            }
        }
    }
    assert!(tried > 50, "{tried}");
    assert_eq!(added, [""; 0]);
    // A name that is free to be missing is so in whatever file it may stand.
    missing.retain(|place| !FREE.contains(&place.rsplit('.').next().unwrap()));
    assert_eq!(missing, [""; 0]);
}

/// A file in which nothing is compared does not pass, whatever its name for itself; nor does one without a section.
#[test]
fn a_file_without_answers_is_a_fault() {
    for prefix in ["morpho_positions", "comet", "dss_frob", "dss_liquidations", "bold_scenarios", "bold_pure"]
    {
        let mut file = first_cases(&files(prefix)[0]);
        for list in file.as_object_mut().unwrap().values_mut().filter_map(Value::as_array_mut) {
            list.clear();
        }
        let told = check(&serde_json::to_vec(&file).unwrap()).map(|_| ()).unwrap_err().to_string();
        assert_eq!(told, "the file: found no answer of a venue, expected one at least", "{prefix}");
    }
}

/// What JSON has a word of its own for is not the string of the same letters.
#[test]
fn a_string_is_no_null_and_no_truth() {
    let swap = |value: &Value| match value {
        Value::Null | Value::Bool(_) => Some(Value::from(value.to_string())),
        Value::Array(items) if items.is_empty() => Some(Value::from("[]")),
        Value::Object(entries) if entries.is_empty() => Some(Value::from("{}")),
        _ => None,
    };
    let mut tried = 0;
    for (prefix, places) in [
        ("comet", &["/accounts/0/views/isLiquidatable", "/quotes/0/error"][..]),
        ("dss_liquidations", &["/vectors/0/steps/0/error", "/vectors/0/steps/0/after/clip/active"]),
        (
            "bold_scenarios",
            &[
                "/scenarios/0/steps/0/error",
                "/scenarios/0/steps/0/events",
                "/scenarios/0/initial/branches/0/batches",
            ],
        ),
    ] {
        let file = first_cases(&files(prefix)[0]);
        for place in places {
            let Some(other) = file.pointer(place).and_then(swap) else { continue };
            let mut wrong = file.clone();
            *wrong.pointer_mut(place).unwrap() = other;
            let counts = tally(&check_value(&wrong));
            assert_eq!((counts.mismatched, counts.skipped), (1, 0), "{prefix} {place}");
            tried += 1;
        }
    }
    assert!(tried >= 5, "{tried}");
}
