//! Accounts that together hold more than their market says exists: told at every venue that keeps a total, read whole or
//! account by account.
#![allow(clippy::unwrap_used)]

mod common;

use common::{files, held, sound, total};
use plimsoll_core::{Book, Cell, InstrumentId, U256};
use plimsoll_io::book::{self, Opened, Order, Unsteady};
use plimsoll_io::export::Form;
use std::path::{Path, PathBuf};

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

fn example(name: &str) -> Book {
    sound(book::open(&root(name)))
}

/// The book with a number of a market set, written and read again.
fn again(book: &Book, market: usize, cell: Cell, value: U256) -> Opened {
    let mut book = book.clone();
    book.markets[market].market.set(cell, Some(value.into())).unwrap();
    book::read(files(&book::write(&book).unwrap()))
}

/// As much as there is may be held, and one unit more not.
#[test]
fn no_more_is_held_than_there_is() {
    let mut seen = Vec::new();
    for name in ["compound_v3", "crash", "lending", "loopers", "maker", "treasury"] {
        let book = example(name);
        for (number, listed) in book.markets.iter().enumerate() {
            let market = &listed.market;
            for (id, instrument) in (0..).map(InstrumentId).zip(market.instruments()) {
                let (Some((cell, known, beside)), held) = (total(&**market, id), held(&book, number, id))
                else {
                    continue;
                };
                if held == U256::ZERO {
                    continue;
                }
                let least = held.add(beside).unwrap();
                let full = again(&book, number, cell, least);
                assert!(full.faults.is_empty(), "{name} {known}: {}", full.faults.render(false));
                let short = again(&book, number, cell, least.sub(U256::ONE).unwrap());
                let told: Vec<_> = short.faults.list.iter().filter(|it| it.code.name() == "PL0581").collect();
                assert_eq!(told.len(), 1, "{name} {known}: {}", short.faults.render(false));
                let all = held.sub(U256::ONE).unwrap();
                assert_eq!(told[0].file, format!("markets/{}.toml", listed.name));
                assert!(told[0].found.starts_with(&format!("{held} (")), "{}", told[0].found);
                assert!(told[0].found.contains(&instrument.name), "{}", told[0].found);
                // The account with the most of it is named, with how much.
                let own = book.accounts.iter().filter(|one| one.market == number);
                let most = own.clone().map(|one| one.account.quantity(id).magnitude()).max().unwrap();
                let of = |one: &&plimsoll_core::ListedAccount| one.account.quantity(id).magnitude() == most;
                let tails = own.filter(of).map(|one| format!(", of which {most} in \"{}\"", one.name));
                assert!(tails.into_iter().any(|tail| told[0].found.ends_with(&tail)), "{}", told[0].found);
                assert_eq!(
                    told[0].expected,
                    format!("at most {all}, which is all that the market itself says exists")
                );
                // Nobody of that market is judged, and everybody of the others.
                let of = book.accounts.iter().filter(|one| one.market == number).count();
                assert_eq!(short.left_out.count(), of as u64);
                assert_eq!(short.book.accounts.len(), book.accounts.len() - of);
                assert!(short.book.markets.iter().all(|market| market.name != listed.name));
                seen.push(format!("{} {known}", market.venue().0));
            }
        }
    }
    seen.sort();
    seen.dedup();
    let expected = [
        "aave_v3 scaled_debt",
        "aave_v3 scaled_supply",
        "aave_v4 added_shares",
        "aave_v4 drawn_shares",
        "compound_v3 total_borrow_base",
        "compound_v3 total_supply",
        "compound_v3 total_supply_base",
        "maker debt",
        "maker total_art",
        "morpho_blue total_borrow_shares",
        "morpho_blue total_supply_shares",
    ];
    assert_eq!(seen, expected);
}

/// A number of a market by its object and name.
fn number(book: &Book, object: u64, name: &str) -> (Cell, plimsoll_core::Int) {
    let mut found = None;
    book.markets[0].market.visit(&mut |cell, known, _, value| {
        if cell.object == object && known == name {
            found = Some((cell, value));
        }
    });
    found.unwrap()
}

/// The spokes of Aave v4 have no more together than their hub asset says, and accounts no more premium than their reserve: at the sums all is
/// well, and a unit below them the fault names both.
#[test]
fn hubs_spokes_and_premiums_add_up() {
    let one = plimsoll_core::Int::ONE;
    // All of them are listed, so that the sums of this book are the totals.
    let book = example("hubs");
    // Hub asset 1 is the core hub's USDC, reserve 1 what `main` offers of it.
    let cases = [
        (
            1,
            "added_shares",
            one.neg(),
            "PL0578",
            "added_shares, those of the fee receiver too, of 11509000000000",
        ),
        (1, "drawn_shares", one.neg(), "PL0578", "drawn_shares of 7099000000000"),
        (1, "premium_shares", one.neg(), "PL0578", "premium_shares of 100345000000"),
        (1, "premium_offset_ray", one, "PL0578", "premium owed (raw x 10^27) of"),
        (2_001, "deficit_ray", one, "PL0578", "deficit_ray of 1 in the spokes of core/USDC"),
        (2_001, "premium_shares", one.neg(), "PL0581", "100345000000 (shares) of premium of USDC"),
        (
            2_001,
            "premium_offset_ray",
            one,
            "PL0581",
            "(raw x 10^27) owed as premium of USDC in all accounts of hubs",
        ),
    ];
    for (object, name, more, code, found) in cases {
        let mut book = book.clone();
        let (cell, value) = number(&book, object, name);
        book.markets[0].market.set(cell, Some(value.add(more).unwrap())).unwrap();
        let opened = book::read(files(&book::write(&book).unwrap()));
        let told =
            opened.faults.list.iter().find(|fault| fault.code.name() == code && fault.found.contains(found));
        let told = told.unwrap_or_else(|| panic!("{object} {name}: {}", opened.faults.render(false)));
        assert_eq!(told.file, "markets/hubs.toml");
        assert!(opened.book.accounts.is_empty());
    }
}

/// Read account by account it is known at the end: the last accounts are refused, and the whole reader tells it.
#[test]
fn a_stream_ends_in_the_same_fault() {
    let whole = root("lending");
    let mut written = book::convert(&whole, Form::Parquet, Order::ByAccount).unwrap();
    let folder = Folder(std::env::temp_dir().join(format!("plimsoll-totals-{}", std::process::id())));
    for (less, ends) in [(false, Ok(())), (true, Err(Unsteady::Faulty))] {
        if less {
            let name = written.files.iter().position(|(name, _)| name.starts_with("markets/")).unwrap();
            let text = String::from_utf8(written.files[name].1.clone()).unwrap();
            let at = text.find("scaled_debt = \"").unwrap();
            let rest = &text[at..];
            let line = &rest[..rest.find('\n').unwrap()];
            written.files[name].1 = text.replacen(line, "scaled_debt = \"1\"", 1).into_bytes();
            std::fs::remove_dir_all(&folder.0).unwrap();
        }
        written.save(&folder.0).unwrap();
        let mut stream = book::stream(&folder.0).unwrap();
        let mut chunk = Vec::new();
        let end = loop {
            match stream.next(&mut chunk) {
                Ok(()) if chunk.is_empty() => break Ok(()),
                Ok(()) => {}
                Err(unsteady) => break Err(unsteady),
            }
        };
        assert_eq!(end, ends);
        let faults = book::open(&folder.0).faults;
        let told: Vec<&str> = faults.list.iter().map(|fault| fault.code.name()).collect();
        assert_eq!(told, if less { vec!["PL0581"] } else { vec![] });
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // of no account when the test has failed
    }
}
