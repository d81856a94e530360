//! The reference vectors kept under `vectors/`, and any folder named by `PLIMSOLL_VECTORS` beside them.
#![allow(clippy::unwrap_used)]

use plimsoll_io::vectors::{Checked, Outcome, Tally, check, tally};
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

/// Every leaf of every Morpho file is compared, and equal.
#[test]
fn vectors_match_chain() {
    let files = files("morpho_");
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
    let path = &files("morpho_liquidations")[0];
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
