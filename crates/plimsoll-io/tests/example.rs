//! The example book: it is sound, and it comes back the same from each of its forms.

mod common;

use common::{all_of, file, files, sound};
use plimsoll_core::Book;
use plimsoll_io::book;
use std::path::Path;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/treasury");

fn example() -> Book {
    sound(book::open(Path::new(EXAMPLE)))
}

#[test]
fn the_example_is_sound_and_complete() {
    let book = example();
    assert_eq!((book.markets.len(), book.accounts.len(), book.graph.prices().len()), (2, 5, 7));
    let acme: Vec<&str> = book
        .accounts
        .iter()
        .filter(|account| account.owner == "Acme treasury")
        .map(|account| account.name.as_str())
        .collect();
    assert_eq!(acme, ["acme-loop", "acme-usdc"]);
}

#[test]
fn a_book_comes_back_from_its_folder() {
    let book = example();
    let written = book::write(&book).expect("the example can be written");
    assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&book));
    // What is written twice is written alike.
    let again = book::write(&sound(book::read(files(&written)))).expect("it can be written again");
    assert_eq!(again, written);
}

#[test]
fn a_book_comes_back_from_one_file() {
    let book = example();
    let json = book::write_json(&book).expect("the example can be written");
    assert_eq!(all_of(&sound(book::read(vec![file("book.json", json)]))), all_of(&book));
}

#[test]
fn a_saved_book_is_opened_and_never_overwritten() {
    let folder = std::env::temp_dir().join(format!("plimsoll-example-{}", std::process::id()));
    let book = example();
    let written = book::write(&book).expect("the example can be written");
    written.save(&folder).expect("the folder is new");
    assert_eq!(all_of(&sound(book::open(&folder))), all_of(&book));
    assert!(matches!(written.save(&folder), Err(book::WriteError::Exists(_))));
    std::fs::remove_dir_all(&folder).expect("the folder is there");
}
