//! The recorded answers of Aave v4 kept under `vectors/`, and of any folder named by `PLIMSOLL_VECTORS` beside them: every
//! leaf is compared, hub events in order and the whole state after included, and none is passed over.
#![allow(clippy::unwrap_used)]

use plimsoll_io::vectors::{Tally, check, tally};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let other = std::env::var_os("PLIMSOLL_VECTORS").map(PathBuf::from);
    let folders = [Some(own), other].into_iter().flatten();
    let entries = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("aave_v4")).collect();
    files.sort();
    files
}

#[test]
fn vectors_match_chain() {
    assert!(files().len() >= 3);
    for path in files() {
        let file = check(&std::fs::read(&path).unwrap()).unwrap();
        let Tally { checked, mismatched, skipped } = tally(&file);
        println!("{}: checked {checked}, mismatched {mismatched}, skipped {skipped}", path.display());
        for record in &file.records {
            if let Some(fault) = &record.fault {
                println!("  {}: {fault}", record.path);
            }
            for (leaf, outcome) in record.differences().take(8) {
                println!(
                    "  {}: {} {outcome:?}: {:?} {:?}",
                    record.path, leaf.path, leaf.expected, leaf.found
                );
            }
        }
        assert!(file.known && checked > 0);
        assert_eq!((mismatched, skipped), (0, 0), "{}", path.display());
    }
}

fn unpacked(part: &str) -> Value {
    let path = files().into_iter().find(|path| path.to_string_lossy().contains(part)).unwrap();
    let mut bytes = Vec::new();
    let packed = std::fs::read(path).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*packed), &mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn count(file: &Value) -> Tally {
    tally(&check(&serde_json::to_vec(file).unwrap()).unwrap())
}

/// One event less, one more, two in another order, another version, a number of the state after: each is a mismatch.
#[test]
fn what_is_changed_in_a_file_is_seen() {
    let mut file = unpacked("liquidations");
    let cases = file["liquidations"].as_array_mut().unwrap();
    let case =
        cases.iter().find(|case| case["ok"] == true && case["hubEvents"].as_array().unwrap().len() >= 3);
    let case = case.unwrap().clone();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = case.clone();
        change(&mut changed);
        let mut file = file.clone();
        file["liquidations"] = Value::Array(vec![changed]);
        count(&file)
    };
    let unchanged = with(&|_| {});
    assert_eq!((unchanged.mismatched, unchanged.skipped), (0, 0));
    let events = |case: &mut Value, change: &dyn Fn(&mut Vec<Value>)| {
        change(case["hubEvents"].as_array_mut().unwrap())
    };
    assert!(with(&|case| events(case, &|events| drop(events.pop()))).mismatched > 0);
    assert!(with(&|case| events(case, &|events| events.push(events[0].clone()))).skipped > 0);
    assert!(with(&|case| events(case, &|events| events.swap(0, 1))).mismatched > 0);
    let number = |case: &mut Value, path: &str| {
        let place = case.pointer_mut(path).unwrap();
        *place = Value::String(format!("{}1", place.as_str().unwrap()));
    };
    for path in
        ["/after/reserves/0/asset/liquidity", "/after/reserves/0/spoke/drawnShares", "/after/user/map"]
    {
        let seen = with(&|case| number(case, path));
        assert_eq!((seen.mismatched, seen.skipped), (1, 0), "{path}");
    }
}
