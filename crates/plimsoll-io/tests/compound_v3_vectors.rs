//! Compound v3 against what Comet answered: the files kept under `vectors/`, and any folder named by
//! `PLIMSOLL_VECTORS` beside them.
#![allow(clippy::unwrap_used)]

use plimsoll_io::vectors::{Checked, Leaf, Outcome, check, tally};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

fn unpacked(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*bytes).read_to_end(&mut unpacked).unwrap();
    unpacked
}

fn files() -> Vec<Vec<u8>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let other = std::env::var_os("PLIMSOLL_VECTORS").map(PathBuf::from);
    let folders = [Some(own), other].into_iter().flatten();
    let paths =
        folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let comet = paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("comet"));
    comet.map(|path| unpacked(&path)).collect()
}

#[test]
fn vectors_match_chain() {
    let files = files();
    assert!(!files.is_empty());
    for bytes in files {
        let file = check(&bytes).unwrap();
        for record in &file.records {
            for (leaf, outcome) in record.differences().take(8) {
                println!("{}: {} {outcome:?}: {:?} {:?}", record.path, leaf.path, leaf.expected, leaf.found);
            }
        }
        let tally = tally(&file);
        assert!(file.known && tally.checked > 6_000, "{tally:?}");
        assert_eq!((tally.mismatched, tally.skipped), (0, 0));
    }
}

/// Whatever digit of whatever answer is wrong in the file, exactly that leaf is a mismatch.
#[test]
fn a_wrong_digit_is_seen() {
    let file = check(&files()[0]).unwrap();
    let mut seen = 0;
    for list in ["markets[0]", "rates[0]", "quotes[0]", "accounts[0]", "accrual[0]"] {
        let record = file.records.iter().find(|record| record.path == list).unwrap();
        for at in 0..record.leaves.len() {
            let mut wrong = record.clone();
            wrong.leaves[at].expected.as_mut().unwrap().push('0');
            let different: Vec<Outcome> = wrong.differences().map(|(_, outcome)| outcome).collect();
            assert_eq!(different, [Outcome::Different], "{list}: {}", record.leaves[at].path);
            seen += 1;
        }
    }
    assert!(seen > 700, "{seen}");
}

/// The getter counts with stored indices, and `absorb` accrues first: these accounts are not liquidatable, and are
/// absorbed all the same. Nothing that the file says of the two is taken from one for the other.
#[test]
fn accounts_that_the_getter_calls_safe_are_absorbed() {
    let bytes = &files()[0];
    let value: Value = serde_json::from_slice(bytes).unwrap();
    let late =
        |case: &Value| case["views"]["isLiquidatable"] == false && case["absorb"].get("error").is_none();
    let accounts = value["accounts"].as_array().unwrap();
    let places: Vec<usize> = (0..accounts.len()).filter(|place| late(&accounts[*place])).collect();
    assert!(places.len() >= 13, "{}", places.len());
    let file = check(bytes).unwrap();
    for place in places {
        let record = file.records.iter().find(|it| it.path == format!("accounts[{place}]")).unwrap();
        for path in ["views.isLiquidatable", "absorb.basePaidOut", "absorb.totals.totalBorrowBase"] {
            let leaf = record.leaves.iter().find(|leaf| leaf.path == path).unwrap();
            assert_eq!(record.outcome(leaf), Outcome::Equal, "{place}: {path}");
        }
    }
}

/// The arithmetic panic of a debt above the market's total, in each spelling, as recordings have had it.
#[test]
fn a_debt_above_the_total_is_a_panic() {
    let mut value: Value = serde_json::from_slice(&files()[0]).unwrap();
    let accounts = value["accounts"].as_array_mut().unwrap();
    let absorbed = accounts.iter().position(|case| case["absorb"].get("error").is_none()).unwrap();
    let mut case = accounts[absorbed].clone();
    // One less than the account owes: the getters that look at totals say something else then, and are left out.
    let owed: u128 = case["principal"].as_str().unwrap().trim_start_matches('-').parse().unwrap();
    case["totals"]["totalBorrowBase"] = (owed - 1).to_string().into();
    case["totals"]["lastAccrualTime"] = case["now"].clone();
    let raw = "0x4e487b710000000000000000000000000000000000000000000000000000000000000011";
    for spelled in [raw, "panic 0x11", "Panic 0x11", "Panic(0x11)"] {
        case["absorb"] = serde_json::json!({ "error": spelled });
        accounts.truncate(0);
        accounts.push(case.clone());
        let text = serde_json::json!({
            "schema": "compound-v3/all", "markets": value_markets(), "accounts": accounts,
            "rates": [], "quotes": [], "accrual": [],
        });
        let file = check(text.to_string().as_bytes()).unwrap();
        let error = error_of(&file);
        assert_eq!(error, Some(Outcome::Equal), "{spelled}");
    }
}

fn value_markets() -> Value {
    let value: Value = serde_json::from_slice(&files()[0]).unwrap();
    value["markets"].clone()
}

fn error_of(file: &Checked) -> Option<Outcome> {
    let record = file.records.iter().find(|record| record.path == "accounts[0]")?;
    let leaf = record.leaves.iter().find(|leaf| leaf.path == "absorb.error")?;
    Some(record.outcome(leaf))
}

/// The contract's errors, and the token's.
const WORDS: &[&str] = &[
    "NotLiquidatable",
    "NotCollateralized",
    "BorrowTooSmall",
    "SupplyCapExceeded",
    "Paused",
    "NoSelfTransfer",
    "NotForSale",
    "BadPrice",
    "BadAsset",
    "ERC20: transfer amount exceeds balance",
    "InsufficientReserves",
    "InvalidUInt64",
    "InvalidUInt104",
    "InvalidUInt128",
    "InvalidInt104",
    "InvalidInt256",
    "TimestampTooLarge",
    "panic 0x11",
    "panic 0x12",
];

/// Where a recorded call was refused, exactly the recorded word is equalled: no other of the contract, and not success.
#[test]
fn one_word_for_each_refusal() {
    let file = check(&files()[0]).unwrap();
    let mut refused = 0;
    for record in &file.records {
        for leaf in record.leaves.iter().filter(|leaf| leaf.path.ends_with("error")) {
            let said = leaf.expected.as_deref().unwrap();
            assert_eq!(record.outcome(leaf), Outcome::Equal, "{}: {said}", record.path);
            for other in WORDS.iter().chain(&["null"]).filter(|other| **other != said) {
                let swapped = Leaf { expected: Some((*other).into()), ..leaf.clone() };
                assert_eq!(record.outcome(&swapped), Outcome::Different, "{said} as {other}");
            }
            refused += u32::from(said != "null");
        }
    }
    assert!(refused > 100, "{refused}");
}
