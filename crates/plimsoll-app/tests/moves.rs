//! What `plimsoll stress` says of prices: values counted in another asset, moves of the market alone, what is held.

#![allow(clippy::expect_used)] // a test that cannot run the program has failed

mod scratch;

use scratch::Book;
use serde_json::{Value, json};

/// The treasury, whose stETH is quoted in dollars, as an oracle usually does; and with feeds more.
fn in_dollars(name: &str, more: &str) -> Book {
    Book::changed(name, "treasury", |file, text| match file {
        "feeds.csv" => {
            let text = text.replace("ETH/wstETH", "stETH/wstETH");
            let (before, _) = text.split_once("stETH/ETH,market").expect("its last feed");
            format!("{before}stETH/USD,oracle,4300,USD/stETH,Chainlink,2025-10-10T11:59:47Z,1h,,,\n{more}")
        }
        "book.toml" => text.replace("rate\", \"ETH/USD\"", "rate\", \"stETH/USD\""),
        _ => text,
    })
}

fn prices(answer: &Value, field: &str) -> Value {
    let rows = answer["scenarios"][1][field].as_array().expect("rows");
    rows.iter().map(|row| json!([row["price"], row["before"], row["after"]])).collect()
}

const PEAK: [&str; 2] = ["--scenario", "2022-06-3ac-peak"];

/// The lowest price of stETH is known in ether. 4312.57 x 0.489, and 0.939 of that; what stands above it has no part in it.
#[test]
fn a_value_in_another_asset_is_counted_by_the_dollars_of_both() {
    let book = in_dollars("quoted-in-dollars", "");
    let expected =
        json!([["ETH/USD", "4312.57000000", "2108.84673"], ["stETH/USD", "4300", "1980.20707947"]]);
    assert_eq!(prices(&book.json("stress", &PEAK), "prices"), expected);
    // A second market of stETH that is dearer goes to the same.
    let dearer = "stETH/USD sale,market,4310,USD/stETH,an exchange,2025-10-10T11:59:47Z,1h,,,\n";
    let sold = prices(&in_dollars("sold-in-dollars", dearer).json("stress", &PEAK), "prices");
    assert_eq!(sold[2], json!(["stETH/USD sale", "4310", "1980.20707947"]));
}

/// Of two prices of ether nobody knows which one is meant: refused, with what to write, which is then answered.
#[test]
fn which_price_a_value_is_counted_by_is_not_guessed() {
    let other = "ETH/USD other,oracle,4300,USD/ETH,another,2025-10-10T11:59:47Z,1h,,,\n";
    let book = in_dollars("two-prices-of-ether", other);
    assert_eq!(book.code("stress", &PEAK), 2);
    let told = book.told("stress", &PEAK);
    assert!(told.contains("it is said in ETH") && told.contains("--map stETH=ETH lets"), "{told}");
    let answer = book.json("stress", &[&PEAK[..], &["--map", "stETH=ETH"]].concat());
    assert_eq!(prices(&answer, "prices")[1], json!(["stETH/USD", "4300", "2102.7"]));
}

const FROZEN: [&str; 4] = ["--scenario", "oracle-frozen:asset=ETH,percent=-30", "--hold", "USDC"];

/// The oracle stands and sales are at 4312.57 x 0.7: on the terminal, for programs, on the page.
#[test]
fn moves_of_the_market_alone_are_told() {
    let book = Book::changed("market-alone", "treasury", |_, text| text);
    let answer = book.json("stress", &FROZEN);
    assert_eq!(prices(&answer, "prices"), json!([]));
    assert_eq!(prices(&answer, "market_moves"), json!([["ETH/USD", "4312.57000000", "3018.799"]]));
    let page = book.0.join("page.html").display().to_string();
    let text = book.text("stress", &[&FROZEN[..], &["--report", &page]].concat());
    let html = std::fs::read_to_string(&page).expect("a page");
    for told in [&text, &html] {
        assert!(
            told.contains("3018.799") && told.contains("sales alone: the oracle does not follow"),
            "{told}"
        );
    }
    // Both move alike: no move of its own.
    let both = book.json("stress", &["--scenario", "one-asset:asset=ETH,percent=-30", "--hold", "USDC"]);
    assert_eq!(prices(&both, "market_moves"), json!([]));
}

/// Where the book has a price of sales, that is what moves.
#[test]
fn a_price_of_sales_is_the_markets() {
    let book = Book::example("treasury", "feeds.csv", |text| {
        format!("{text}ETH sale,market,4310,USD/ETH,an exchange,2025-10-10T11:59:47Z,1h,,,\n")
    });
    let answer = book.json("stress", &FROZEN);
    assert_eq!(prices(&answer, "prices"), json!([["ETH sale", "4310", "3017"]]));
    assert_eq!(prices(&answer, "market_moves"), json!([]));
}

/// A bound holds the oracle and not the market: 4312.57 x 0.489 is below it.
#[test]
fn the_market_goes_past_an_oracles_bound() {
    let book = Book::example("treasury", "feeds.csv", |text| {
        text.replace("ETH/USD,2025-10-10T11:48:23Z,1h,,,", "ETH/USD,2025-10-10T11:48:23Z,1h,,3000,")
    });
    let answer = book.json("stress", &["--scenario", "one-asset:asset=ETH,percent=-51.1", "--hold", "USDC"]);
    assert_eq!(prices(&answer, "prices"), json!([["ETH/USD", "4312.57000000", "3000"]]));
    assert_eq!(prices(&answer, "market_moves"), json!([["ETH/USD", "4312.57000000", "2108.84673"]]));
}

/// What is held is the price in dollars, and who is asked to hold is told so: stETH in ether doubles as ether halves.
#[test]
fn held_is_the_price_in_dollars() {
    let halves = ["--scenario", "one-asset:asset=ETH,percent=-50", "--hold", "USDC"];
    let book = Book::changed("held-in-dollars", "treasury", |file, text| match file {
        "feeds.csv" => text
            .replace("stETH/ETH,market,0.99962", "stETH/ETH,market,0.75")
            .replace("rate,redemption,1.215303844905127633,ETH/", "rate,redemption,1.2,stETH/"),
        "book.toml" => text.replace("rate\", \"ETH/USD\"", "rate\", \"stETH/ETH\", \"ETH/USD\""),
        _ => text,
    });
    let told = book.told("stress", &halves);
    assert!(
        told.contains("--hold (its price in USD stands, whatever its feed counts in) or --map:\n  stETH ("),
        "{told}"
    );
    let answer = book.json("stress", &[&halves[..], &["--hold", "stETH"]].concat());
    assert_eq!(prices(&answer, "prices")[1], json!(["stETH/ETH", "0.75", "1.5"]));
}

/// A loop of wstETH against WETH hangs on one feed twice: what a row proves of each price alone leaves it unknown wherever the feed
/// is. Its health is 0.988 at both ends; with the rate as it is 1.026, of which nothing is said.
#[test]
fn unhealthy_at_both_ends_is_told_beside_the_unknown() {
    let book = |name: &str, rate: &'static str| {
        Book::changed(name, "treasury", move |file, text| match file {
            "feeds.csv" => text
                .replace("ETH/USD,2025-10-10T11:48:23Z,1h,,,", "ETH/USD,2025-10-10T11:48:23Z,1h,100,,")
                .replace("1.215303844905127633", rate),
            _ => text,
        })
    };
    for (rate, told) in [("1.17", json!("ETH/USD")), ("1.215303844905127633", Value::Null)] {
        let book = book(&format!("both-ends-{rate}"), rate);
        let answer = book.json("check", &[]);
        let rows = answer["accounts"].as_array().expect("rows");
        let loops = rows.iter().find(|row| row["account"] == "acme-loop").expect("the loop");
        assert_eq!((&loops["tier"], &loops["unhealthy_at_both_ends_of"]), (&json!("unknown"), &told));
        let text = book.text("check", &[]);
        assert_eq!(text.contains("unhealthy at both ends of what ETH/USD may be"), !told.is_null(), "{text}");
        // What a doubt does not decide is no matter of it.
        assert!(
            rows.iter().all(|row| row["tier"] == "unknown" || row["unhealthy_at_both_ends_of"].is_null())
        );
    }
}
