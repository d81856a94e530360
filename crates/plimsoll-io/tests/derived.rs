//! Prices of capped rates, pools and vaults in files: read, written back, and refused where they cannot be.

mod common;

use common::{all_of, file, files, sound};
use plimsoll_core::{Book, Origin};
use plimsoll_io::book;
use std::path::Path;

fn example() -> Book {
    sound(book::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/wrapped")))
}

fn edited(from: &str, to: &str) -> book::Opened {
    let written = book::write(&example()).expect("it can be written");
    let mut parts = files(&written);
    let head = parts.iter_mut().find(|part| part.name == "book.toml").expect("a head");
    let book::FileBytes::Read(bytes) = &head.bytes else { panic!("bytes") };
    let text = String::from_utf8(bytes.clone()).expect("text");
    assert!(text.contains(from), "{from:?} is not in\n{text}");
    *head = file("book.toml", text.replacen(from, to, 1));
    book::read(parts)
}

#[test]
fn every_kind_of_price_comes_back_from_both_forms() {
    let book = example();
    let has = |is: fn(&Origin) -> bool| book.graph.prices().iter().any(|price| is(&price.origin));
    assert!(has(|origin| matches!(origin, Origin::MulDiv { .. })));
    assert!(has(|origin| matches!(origin, Origin::RateCap(_))));
    assert!(has(|origin| matches!(origin, Origin::PoolShare(_))));
    assert!(has(|origin| matches!(origin, Origin::VaultShare(_))));
    let written = book::write(&book).expect("it can be written");
    assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&book));
    let json = book::write_json(&book).expect("it can be written");
    assert_eq!(all_of(&sound(book::read(vec![file("book.json", json)]))), all_of(&book));
}

/// Each edit of the written example, and the one fault it has; what stands on the price is then not told again.
#[test]
fn what_cannot_be_is_told_where_it_stands() {
    let cases = [
        ("snapshot_ratio = \"1.2103421", "snapshot_ratio = \"0", "PL0515"),
        ("snapshot_ratio = \"1.2103421", "snapshot_ratio = \"0.00000000000000000012103421", "PL0517"),
        ("snapshot_ratio = \"1.2103421", "snapshot_ratio = \"21103421103421.2103421", "PL0515"),
        ("yearly_growth = 968", "yearly_growth = 65536", "PL0515"),
        ("yearly_growth = 968", "yearly_growth = -1", "PL0516"),
        ("snapshot_time = \"2025-07-10", "snapshot_time = \"2025-13-10", "PL0518"),
        ("snapshot_time", "snapshot_tiem", "PL0510 PL0509"),
        ("decimals = 18\n\n", "decimals = 25\n\n", "PL0515"),
        ("decimals = 18\n\n", "decimals = 7\n\n", "PL0515"),
        ("decimals = 18\n\n", "decimals = 18\nrounding = \"down\"\n\n", "PL0523"),
        ("value = \"fair\"", "value = \"fairer\"", "PL0520"),
        ("prices = [\"ETH/USD\", \"USDC/USD, capped\"]", "prices = [\"ETH/USD\"]", "PL0515"),
        (
            "prices = [\"ETH/USD\", \"USDC/USD, capped\"]",
            "prices = [\"USDC/USD, capped\", \"ETH/USD\"]",
            "PL0544",
        ),
        ("supply = \"POOL shares\"", "supply = \"POOL share\"", "PL0541"),
        ("supply = \"POOL shares\"", "supply = \"yPOOL/USD\"", "PL0542 PL0542"),
        ("assets = \"USDe in sUSDe\"", "assets = \"ETH/USD\"", "PL0544"),
        ("share_decimals = 18", "share_decimals = 39", "PL0515"),
        ("share_decimals = 18", "share_decimals = 14", "PL0517"),
        ("virtual_shares = \"1\"", "virtual_shares = \"-1\"", "PL0516"),
        ("times = \"pool/USD\"", "times = \"USDC/USD\"", "PL0544"),
        ("mul_div = {", "least = [\"pool/USD\"]\nmul_div = {", "PL0523"),
    ];
    let mut wrong = String::new();
    for (from, to, expected) in cases {
        let opened = edited(from, to);
        let told: Vec<&str> = opened.faults.list.iter().map(|fault| fault.code.name()).collect();
        if told.join(" ") != expected {
            wrong += &format!("{to}: expected {expected}, found\n{}", opened.faults.render(false));
        }
        assert!(opened.faults.list.iter().all(|fault| fault.place.is_some()), "{to} is told without a place");
    }
    assert!(wrong.is_empty(), "{wrong}");
}
