//! Books made of what was recorded from the contracts: they are read, answer what the contracts answered, and come
//! back the same.

mod common;

use common::recorded::{aave_book, load, recorded};
use common::{all_of, file, files, sound};
use plimsoll_core::{Book, Lens};
use plimsoll_io::book;
use serde_json::Value;

fn read(value: &Value) -> Book {
    sound(book::read(vec![file("book.json", value.to_string())]))
}

/// Each account's figures as its market's getter returns them.
fn figures(book: &Book, name: &str) -> Vec<(String, String)> {
    let quotes = book.graph.quotes(book.at);
    let account = book.accounts.iter().find(|account| account.name == name).expect("the account");
    let market = &book.markets[account.market];
    let readings = book.readings(market, &quotes);
    let feeds = plimsoll_core::Feeds { readings: &readings };
    let quoted = market.market.at(feeds, Lens::View, book.at).expect("a quoted market");
    let figures = quoted.figures(&account.account).expect("figures");
    figures.into_iter().map(|figure| (figure.name.to_string(), figure.value.to_string())).collect()
}

#[test]
fn recorded_pools_answer_through_files_as_they_did_on_chain() {
    let mut compared = 0;
    for path in recorded("aave_v3", "_accounts.json.gz") {
        let document = load(&path);
        for number in 0..document["markets"].as_array().expect("markets").len() {
            let (json, recorded) = aave_book(&document, number);
            let book = read(&json);
            for (name, out) in &recorded {
                for (figure, value) in figures(&book, name) {
                    assert_eq!(
                        Value::String(value),
                        out[&figure],
                        "{} {number} {name} {figure}",
                        path.display()
                    );
                    compared += 1;
                }
            }
            let written = book::write(&book).expect("it can be written");
            assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&book), "{}", path.display());
        }
    }
    assert!(compared > 1000, "{compared}");
}
