//! What is known of prices after a scenario.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::example;
use plimsoll::{Mapping, Misasked, Said, shocked};
use plimsoll_core::{
    Book, Decimal, FeedKind, How, Observation, Origin, Price, PriceUnit, Quote, Scale, Scenario, Shock,
    Target, Time, Why,
};

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

/// An asset at so much of another.
fn at(asset: &str, value: &str, of: &str) -> Shock {
    let kinds = vec![FeedKind::Oracle, FeedKind::Market];
    let target = Target::Assets { assets: texts(&[asset]), currency: texts(&[of]), kinds };
    Shock { target, how: How::Value(decimal(value)), liquidity: None }
}

/// The treasury with a certain price of stETH in dollars, and with others of its feeds changed.
fn with_steth(change: impl Fn(&str, &mut Observation)) -> Book {
    let mut book = example("treasury");
    for name in ["ETH/USD", "stETH/ETH"] {
        let id = book.graph.find(name).expect("a price");
        let Some(Origin::Feed(feed)) = book.graph.origin(id) else { panic!("{name} is a feed") };
        let mut feed = feed.clone();
        change(name, &mut feed);
        book.graph.observe(id, feed).expect("a price");
    }
    let feed = Observation {
        kind: FeedKind::Oracle,
        price: Some(decimal("4000")),
        scale: Scale::Decimal,
        source: "test".into(),
        observed_at: Some(book.at),
        max_age: Some(3600),
        confidence: None,
        floor: None,
        ceiling: None,
    };
    let unit = PriceUnit::parse("USD/stETH").expect("a unit");
    book.graph
        .add(Price { name: "stETH/USD".into(), unit, origin: Origin::Feed(feed) })
        .expect("a price of its own");
    book
}

/// stETH in dollars after stETH went to a value in ether, as the venue's oracle and as a sale.
fn steth(book: &Book, value: &str, said: &Said) -> [Quote; 2] {
    let scenario = Scenario::of_prices("test", texts(&["ETH", "USDC"]), vec![at("stETH", value, "ETH")]);
    let done = shocked(book, &scenario, said).expect("said of everything");
    let id = book.graph.find("stETH/USD").expect("a price");
    [&done.book.graph, &done.sales].map(|graph| graph.quotes(book.at)[id.0 as usize])
}

fn bounds(quote: &Quote) -> (String, String) {
    (quote.low.trimmed().to_string(), quote.high.expect("a bound").trimmed().to_string())
}

/// stETH at 0.99 ETH is 0.99 times ether's price: as old, and as wide, as that is.
#[test]
fn a_value_counted_by_another_asset_is_as_doubtful_as_its_price() {
    let no_pool = |name: &str, feed: &mut Observation| {
        if name == "stETH/ETH" {
            feed.price = None;
        }
    };
    for seen in steth(&with_steth(no_pool), "0.99", &Said::default()) {
        // 0.99 x 4312.57
        assert_eq!((seen.value, seen.doubt), (Some(decimal("4269.4443")), None));
    }
    let old = |name: &str, feed: &mut Observation| {
        no_pool(name, feed);
        feed.observed_at = feed.observed_at.map(|_| Time(0));
    };
    for value in ["0.99", "0.5", "2"] {
        for seen in steth(&with_steth(old), value, &Said::default()) {
            assert!(seen.doubt.is_some() && seen.high.is_none(), "{value}: {seen:?}");
            assert!(seen.low.mantissa.is_zero(), "{value}: {seen:?}");
        }
    }
    let wide = |name: &str, feed: &mut Observation| {
        no_pool(name, feed);
        feed.confidence = (name == "ETH/USD").then(|| decimal("12.57"));
    };
    for seen in steth(&with_steth(wide), "0.99", &Said::default()) {
        // 0.99 x 4300 and 0.99 x 4325.14
        assert_eq!(seen.doubt, Some(Why::Confidence));
        assert_eq!(bounds(&seen), ("4257".into(), "4281.8886".into()));
    }
}

/// A price that the scenario's value leaves where it was, and one mapped to another that is doubtful.
#[test]
fn doubt_goes_along_where_the_price_stays_and_through_mappings() {
    let even = |name: &str, feed: &mut Observation| {
        if name == "stETH/ETH" {
            feed.price = None;
        } else {
            feed.price = Some(decimal("4000"));
            feed.confidence = Some(decimal("40"));
        }
    };
    let book = with_steth(even);
    for seen in steth(&book, "1", &Said::default()) {
        assert_eq!((seen.value, bounds(&seen)), (Some(decimal("4000")), ("3960".into(), "4040".into())));
    }
    // USDC as stETH, which went from 4000 to half of ether's 4000.
    let scenario = Scenario::of_prices("test", texts(&["ETH"]), vec![at("stETH", "0.5", "ETH")]);
    for (times, bounded) in [("1", true), ("0.5", false)] {
        let map = vec![Mapping { asset: "USDC".into(), like: "stETH".into(), times: decimal(times) }];
        let done = shocked(&book, &scenario, &Said { hold: Vec::new(), map }).expect("said of everything");
        let id = book.graph.find("USDC/USD").expect("a price");
        let seen = done.book.graph.quotes(book.at)[id.0 as usize];
        assert!(seen.doubt.is_some(), "{seen:?}");
        // 0.99981512 / 2 x (1 +- 1 %)
        let expected = ("0.4949084844".into(), "0.5049066356".into());
        assert_eq!(seen.high.map(|_| bounds(&seen)), bounded.then_some(expected));
    }
}

/// A value in dollars of what the book has in ether is divided by ether's price as it is then: by its lowest, for the highest.
#[test]
fn a_value_that_is_divided_by_a_doubtful_price_is_as_wide_as_its_inverse() {
    let wide = |name: &str, feed: &mut Observation| {
        if name == "ETH/USD" {
            feed.price = Some(decimal("4000"));
            feed.confidence = Some(decimal("500"));
        } else {
            (feed.price, feed.confidence) = (Some(decimal("0.99")), None);
        }
    };
    let book = with_steth(wide);
    let half = Shock { how: How::Factor(decimal("0.5")), ..at("ETH", "1", "USD") };
    let scenario = Scenario::of_prices("test", texts(&["USDC"]), vec![half, at("stETH", "1500", "USD")]);
    let done = shocked(&book, &scenario, &Said::default()).expect("said of everything");
    let id = book.graph.find("stETH/ETH").expect("a price");
    for graph in [&done.book.graph, &done.sales] {
        let seen = graph.quotes(book.at)[id.0 as usize];
        // 1500 / 2000, and 1500 / 1500 = 1: 0.25 more
        assert_eq!((seen.value, seen.doubt), (Some(decimal("0.75")), Some(Why::Confidence)));
        assert_eq!(bounds(&seen), ("0.5".into(), "1".into()));
    }
}

/// WETH is wired to the price of ETH: it cannot be held where that moves, and the refusal says by whose word and what to write.
#[test]
fn what_has_anothers_price_is_not_held_where_that_moves() {
    let book = example("treasury");
    let fall = |hold: &[&str]| Scenario::of_prices("a fall", texts(hold), vec![at("ETH", "3000", "USD")]);
    let said = |hold: &[&str]| Said { hold: texts(hold), map: Vec::new() };
    let refused = |scenario: &Scenario, said: &Said| match shocked(&book, scenario, said) {
        Err(Misasked::NoPrice { price, found, expected }) => (price, found, expected),
        other => panic!("{:?}", other.err()),
    };
    let found = "that WETH is held while ETH moves, whose price it has there";
    let expected = "both held (--hold ETH), or no --hold WETH";
    let words = |expected: &str| ("ETH/USD".to_string(), found.to_string(), expected.to_string());
    assert_eq!(refused(&fall(&["USDC"]), &said(&["WETH"])), words(expected));
    // What it says helps.
    assert!(shocked(&book, &fall(&["USDC"]), &said(&["WETH", "ETH"])).is_ok());
    assert!(shocked(&book, &fall(&["USDC"]), &said(&[])).is_ok());
    // Held by the scenario, which moves ETH.
    let held = fall(&["USDC", "WETH"]);
    assert_eq!(refused(&held, &said(&[])), words("both held (--hold ETH), or --map WETH=ETH"));
    let map =
        |asset: &str, like: &str| Mapping { asset: asset.into(), like: like.into(), times: decimal("1") };
    assert!(shocked(&book, &held, &Said { hold: Vec::new(), map: vec![map("WETH", "ETH")] }).is_ok());
    // Held by the scenario, while whoever asks lets ETH move as USDC.
    let usdc = Scenario::of_prices("usdc", texts(&["ETH", "WETH"]), vec![at("USDC", "0.9", "USD")]);
    let mut asked = Said { hold: Vec::new(), map: vec![map("ETH", "USDC")] };
    assert_eq!(refused(&usdc, &asked), words("both held (--hold ETH), or --map WETH=USDC*1"));
    asked.map.push(map("WETH", "USDC"));
    assert!(shocked(&book, &usdc, &asked).is_ok());
    // What is built on it is told so.
    let (_, found, expected) = refused(&fall(&["USDC"]), &said(&["wstETH"]));
    assert_eq!(found, "that wstETH is held while ETH moves, of which its price is built");
    assert_eq!(expected, "both held (--hold ETH), or no --hold wstETH");
}

/// Accounts with options hang on prices and volatilities of what they hold, of which each is asked; a volatility is a number.
#[test]
fn what_options_hang_on_is_asked_of() {
    let book = example("options");
    let fall = |hold: &[&str], more: Vec<Shock>| {
        let mut shocks = vec![Shock { how: How::Factor(decimal("0.7")), ..at("BTC", "1", "USD") }];
        shocks.extend(more);
        Scenario::of_prices("a fall", texts(hold), shocks)
    };
    let Err(Misasked::Unsaid { missing, .. }) =
        shocked(&book, &fall(&["USDC"], Vec::new()), &Said::default())
    else {
        panic!("much is not said")
    };
    let missing: Vec<&str> = missing.iter().map(|(asset, _)| asset.as_str()).collect();
    for name in ["ETH", "BTC vol", "ETH vol"] {
        assert!(missing.contains(&name), "{missing:?}");
    }
    let said = Said { hold: missing.iter().map(|name| (*name).to_string()).collect(), map: Vec::new() };
    let held = shocked(&book, &fall(&["USDC"], Vec::new()), &said).expect("said of everything");
    assert!(held.held.contains(&"BTC vol".to_string()), "{:?}", held.held);
    // To 0.9, without a word of the currency.
    let wild = shocked(
        &book,
        &fall(&["USDC"], vec![at("BTC vol", "0.9", "USD")]),
        &Said { hold: texts(&["ETH", "ETH vol"]), map: Vec::new() },
    );
    let wild = wild.expect("said of everything");
    let vols = wild.book.graph.prices().iter().zip(wild.book.graph.quotes(book.at));
    let vols: Vec<Decimal> = vols
        .filter(|(price, _)| price.name.starts_with("btc-vols"))
        .filter_map(|(_, quote)| quote.value)
        .collect();
    assert!(!vols.is_empty() && vols.iter().all(|vol| vol.trimmed() == decimal("0.9")), "{vols:?}");
    assert_eq!(wild.without_effect, Vec::<String>::new());
}
