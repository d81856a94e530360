//! The demo book: the same bytes for the same seed, sound for the reader, and made up of what `docs/demo.md` says.

#![allow(clippy::expect_used)] // a test that cannot write has failed

use plimsoll_core::{Account, Int, ListedAccount};
use plimsoll_io::book::{ACCOUNTS_MAX, ACCOUNTS_MIN, PARQUET_FROM, demo, open};
use plimsoll_io::export::Form;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A folder that is gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("plimsoll-demo-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path); // of a run that was killed
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // of no account when the test has failed
    }
}

/// All files below a folder, by their names.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            all.extend(files(&entry));
        } else {
            all.insert(entry.clone(), std::fs::read(&entry).expect("a file"));
        }
    }
    all
}

fn bytes(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let relative = |path: PathBuf| path.strip_prefix(folder).expect("below it").to_path_buf();
    files(folder).into_iter().map(|(path, bytes)| (relative(path), bytes)).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let [one, two, other] = ["one", "two", "other"].map(Folder::new);
    demo(500, 9, &one.0).expect("written");
    demo(500, 9, &two.0).expect("written");
    demo(500, 10, &other.0).expect("written");
    assert_eq!(bytes(&one.0), bytes(&two.0));
    assert_ne!(bytes(&one.0), bytes(&other.0));
    assert!(demo(500, 9, &one.0).is_err(), "a folder that has something in it");
}

#[test]
fn any_size_is_read_without_a_fault() {
    for (accounts, seed) in [(ACCOUNTS_MIN, 1), (11, 2), (57, 3), (3000, 4)] {
        let folder = Folder::new(&format!("size-{accounts}"));
        let made = demo(accounts, seed, &folder.0).expect("written");
        let opened = open(&folder.0);
        assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
        assert_eq!((opened.book.accounts.len() as u64, made.form), (accounts, Form::Csv));
    }
    for accounts in [ACCOUNTS_MIN - 1, ACCOUNTS_MAX + 1] {
        assert!(demo(accounts, 1, &Folder::new("refused").0).is_err());
    }
}

#[test]
fn a_large_one_is_parquet() {
    let folder = Folder::new("large");
    let made = demo(PARQUET_FROM, 1, &folder.0).expect("written");
    assert_eq!(made.form, Form::Parquet);
    let opened = open(&folder.0);
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    assert_eq!(opened.book.accounts.len() as u64, PARQUET_FROM);
    shares_are_as_documented(&opened.book.accounts, &opened.book);
}

/// The shares of `docs/demo.md`, of the accounts as they were read.
fn shares_are_as_documented(accounts: &[ListedAccount], book: &plimsoll_core::Book) {
    let market = |listed: &ListedAccount| book.markets[listed.market].name.as_str();
    let kinds = |account: &Account, listed: &ListedAccount| {
        let instruments = book.markets[listed.market].market.instruments();
        let of = |kind| {
            let held = account.holdings().iter().filter(move |holding| {
                let instrument = &instruments[holding.instrument.index()];
                instrument.kind == kind && holding.quantity > Int::ZERO
            });
            held.map(|holding| instruments[holding.instrument.index()].asset.clone()).collect::<Vec<_>>()
        };
        (of(plimsoll_core::Kind::Receipt), of(plimsoll_core::Kind::Debt))
    };
    let (mut savers, mut loopers, mut several, mut owners) = (0, 0, 0, BTreeMap::<&str, u64>::new());
    let mut people: BTreeMap<&str, usize> = BTreeMap::new();
    let mut venues: BTreeMap<&str, u64> = BTreeMap::new();
    for listed in accounts {
        let (held, owed) = kinds(&listed.account, listed);
        savers += u64::from(owed.is_empty());
        loopers += u64::from(held == ["wstETH"] && owed == ["WETH"]);
        several += u64::from(held.len() + owed.len() > 2);
        *venues.entry(market(listed)).or_default() += 1;
        *owners.entry(&listed.owner).or_default() += 1;
        *people.entry(&listed.name).or_default() += 1;
    }
    let many = owners.values().filter(|accounts| **accounts > 1).count() as u64;
    let within = |found: u64, of: usize, thousandths: u64, what: &str| {
        let expected = of as u64 * thousandths / 1000;
        assert!(found.abs_diff(expected) * 8 < expected, "{found} {what}, expected about {expected}");
    };
    let all = accounts.len();
    within(savers, all, 140, "savers");
    within(loopers, all, 120, "loopers");
    within(several, all, 160, "of several legs");
    within(many, owners.len(), 170, "owners of several accounts");
    for (count, thousandths) in [(1, 854), (2, 116), (3, 25), (4, 4)] {
        let with = people.values().filter(|accounts| **accounts == count).count() as u64;
        within(with, people.len(), thousandths, &format!("people of {count} accounts"));
    }
    for (market, percent) in [
        ("aave-core", 50),
        ("compound-usdc", 18),
        ("liquity-bold", 9),
        ("maker-eth-a", 6),
        ("morpho-wbtc-usdc", 12),
        ("morpho-wsteth-weth", 5),
    ] {
        within(venues[market], all, percent * 10, market);
    }
}
