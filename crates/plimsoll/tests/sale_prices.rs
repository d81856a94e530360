//! From which price a shock is counted, and at which price what is seized is sold.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::hand::{
    BOTH, book_of, but, cents, decimal, dollars, done, feed, jump, owes, pair, pool, price_in, said, sales,
    scenario, texts, times, to,
};
use common::rewritten;
use plimsoll::{Jump, Misasked, Said, Stays, Stress, shocked};
use plimsoll_core::{Book, Decimal, How, Scenario, Shock, Target, U256, Why};
use serde_json::{Value, json};

/// stETH at 0.9 ETH on the market alone. Of one price of ether sales are at 0.9 x 2000; of two, 4000 and 3999, nobody knows which is
/// meant, although the oracles of both move as they are said to.
#[test]
fn what_is_said_of_the_market_alone_and_cannot_be_counted_is_refused() {
    let hand = |weth: &str| {
        let feeds = [
            feed("ETH/USD", "oracle", "4000", "USD/ETH"),
            feed("WETH/USD", "oracle", weth, "USD/WETH"),
            feed("stETH/USD", "oracle", "3990", "USD/stETH"),
            dollars(),
        ];
        let core = pool(
            "core",
            &[("ETH", "ETH/USD", 18, 8000), ("stETH", "stETH/USD", 18, 8000), ("USDC", "USDC/USD", 6, 8000)],
        );
        let other = pool("other", &[("WETH", "WETH/USD", 18, 8000), ("USDC", "USDC/USD", 6, 8000)]);
        let accounts = [owes("core", "stETH", "10", "32500"), owes("other", "WETH", "10", "10000")];
        book_of(&feeds, &[], &[core, other], &accounts)
    };
    let shocks = || {
        let half = |asset: &str| times(asset, &BOTH, "0.5");
        let ether = ["ETH", "WETH"];
        let market = said("stETH", &BOTH[1..], How::Value(decimal("0.9")), &ether);
        vec![half("ETH"), half("WETH"), market]
    };
    let scenario = scenario(&["USDC", "stETH"], shocks());
    let jump = jump(&hand("4000"), &["stETH"], &scenario);
    // 32 500 - 10 x 1800
    assert_eq!(cents(&jump, "core", sales(&jump, "core").bad_debt), "1450000");
    // The file holds stETH, whose oracle stands.
    assert!(jump.shocked.held.contains(&"stETH".to_string()), "{:?}", jump.shocked.held);
    let Err(Misasked::Unsaid { missing, .. }) = shocked(&hand("3999"), &scenario, &Said::default()) else {
        panic!("nobody knows which ether is meant")
    };
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(missing[0].0, "stETH");
    assert!(missing[0].1.contains("a sale of stETH") && missing[0].1.contains("said in ETH"), "{missing:?}");
    // Counted in something of which nothing is said.
    let euros = Scenario {
        shocks: vec![
            times("ETH", &BOTH, "0.5"),
            times("WETH", &BOTH, "0.5"),
            to("stETH", &BOTH[1..], "2000", "EUR"),
        ],
        ..scenario
    };
    assert!(matches!(shocked(&hand("4000"), &euros, &Said::default()), Err(Misasked::Unsaid { .. })));
}

/// An oracle that is made of the market's feed moves with it, although the file holds the asset.
#[test]
fn what_is_said_of_the_market_moves_an_oracle_that_is_made_of_it() {
    let feeds = [
        feed("ETH/USD", "oracle", "4000", "USD/ETH"),
        feed("stETH/ETH", "market", "0.99", "ETH/stETH"),
        dollars(),
    ];
    let built = json!({"name": "stETH/USD", "unit": "USD/stETH", "product": ["stETH/ETH", "ETH/USD"], "decimals": 8, "rounding": "down"});
    let core = pool("core", &[("stETH", "stETH/USD", 18, 8000), ("USDC", "USDC/USD", 6, 8000)]);
    let book = book_of(&feeds, &[built], &[core], &[owes("core", "stETH", "10", "20000")]);
    let shock = to("stETH", &BOTH[1..], "0.9", "ETH");
    let end = done(&book, &scenario(&["USDC", "ETH", "stETH"], vec![shock]));
    assert_eq!(
        price_in(&end.book.graph, &book, "stETH/USD").value.map(Decimal::trimmed),
        Some(decimal("3600"))
    );
}

fn xusd(market_feed: &str) -> Book {
    let feeds = [
        feed("xUSD/USD", "oracle", "1.26", "USD/xUSD"),
        dollars(),
        feed("xUSD/USDC", "oracle", "1.26", "USDC/xUSD"),
        feed("xm", "market", market_feed, "USD/xUSD"),
    ];
    let core = pool("core", &[("xUSD", "xUSD/USD", 18, 8600), ("USDC", "USDC/USD", 6, 8000)]);
    let accounts = [owes("core", "xUSD", "100000", "109000"), owes("pair", "xUSD", "100000", "109000")];
    book_of(&feeds, &[], &[core, pair("pair", "xUSD", "xUSD/USDC")], &accounts)
}

/// To 0.26 dollars goes a price in USDC too, whatever the market said before: 1.26 is not multiplied by 0.26 / 0.30.
#[test]
fn a_value_is_no_part_of_what_another_feed_said() {
    let book = xusd("0.30");
    let scenario = scenario(&["USDC"], vec![to("xUSD", &BOTH, "0.26", "USD")]);
    let end = done(&book, &scenario);
    for graph in [&end.book.graph, &end.sales] {
        for name in ["xUSD/USD", "xUSD/USDC", "xm"] {
            assert_eq!(price_in(graph, &book, name).value, Some(decimal("0.26")), "{name}");
        }
    }
    assert_eq!(end.market, Vec::new());
    let jump = jump(&book, &["xUSD"], &scenario);
    // All of 100 000 are seized in the pair and sold at 0.26.
    assert_eq!(cents(&jump, "pair", sales(&jump, "pair").sold), "2600000");
}

/// A feed of the market in dollars says what a sale fetches in USDC, too: as it stands 0.30, which pays nobody. Where it is too old
/// nothing is sold in either market.
#[test]
fn a_price_of_a_sale_counts_in_every_currency() {
    let still = scenario(&[], Vec::new());
    let book = xusd("0.30");
    let jump_of = |book: &Book| {
        // 126 000 x 0.86 is 108 360.
        jump(book, &["xUSD", "ETH"], &still)
    };
    let found = jump_of(&book);
    for market in ["core", "pair"] {
        let sales = sales(&found, market);
        assert_eq!((sales.calls, sales.left_for(Stays::Away).accounts), (0, 1), "{market}: {sales:?}");
        // 109 000 - 30 000
        assert_eq!(cents(&found, market, sales.bad_debt), "7900000", "{market}");
    }
    let ether = |market: Value, usdc: Option<Value>| {
        let mut feeds = vec![
            feed("ETH/USD", "oracle", "4000", "USD/ETH"),
            dollars(),
            feed("ETH/USDC", "oracle", "4000", "USDC/ETH"),
            market,
        ];
        feeds.extend(usdc);
        let core = pool("core", &[("ETH", "ETH/USD", 18, 8000), ("USDC", "USDC/USD", 6, 8000)]);
        let accounts = [owes("core", "ETH", "10", "33000"), owes("pair", "ETH", "10", "35000")];
        book_of(&feeds, &[], &[core, pair("pair", "ETH", "ETH/USDC")], &accounts)
    };
    let fresh = feed("em", "market", "3900", "USD/ETH");
    let old = but(fresh.clone(), &[("observed_at", "2025-10-01T00:00:00Z")]);
    let found = jump_of(&ether(old, None));
    for market in ["core", "pair"] {
        let sales = sales(&found, market);
        assert_eq!((sales.calls, sales.left_for(Stays::Unpriced).accounts), (0, 1), "{market}: {sales:?}");
    }
    let found = jump_of(&ether(fresh.clone(), None));
    let sold = |found: &Jump| cents(found, "pair", sales(found, "pair").sold);
    let at_3900 = sold(&found);
    assert!(sales(&found, "core").calls > 0 && sales(&found, "pair").calls > 0);
    // Where USDC is sold for 1.01 a sale brings the fewer of them.
    let dearer = feed("um", "market", "1.01", "USD/USDC");
    let fewer = sold(&jump_of(&ether(fresh, Some(dearer))));
    let parts = |text: &str| text.parse::<u64>().expect("cents");
    assert_eq!(parts(&at_3900) * 100 / 101 / 100, parts(&fewer) / 100, "{at_3900} {fewer}");
}

/// The oracle is a constant of 1.26: where the scenario says what a sale fetches it is that, where it says a part nobody knows of what.
#[test]
fn a_constant_is_no_price_of_a_sale_under_shock() {
    let hand = |more: &[Value]| {
        let feeds = [&[dollars()], more].concat();
        let par = json!({"name": "xUSD at par", "unit": "USD/xUSD", "constant": "1.26000000"});
        let core = pool("core", &[("xUSD", "xUSD at par", 18, 8500), ("USDC", "USDC/USD", 6, 8000)]);
        book_of(&feeds, &[par], &[core], &[owes("core", "xUSD", "100000", "108000")])
    };
    let market = &BOTH[1..];
    let value = scenario(&["USDC"], vec![to("xUSD", market, "0.26", "USD")]);
    let part = scenario(&["USDC"], vec![times("xUSD", market, "0.2")]);
    let alone = jump(&hand(&[]), &["xUSD"], &value);
    let found = sales(&alone, "core");
    assert_eq!((found.calls, found.left_for(Stays::Away).accounts), (0, 1), "{found:?}");
    assert_eq!(cents(&alone, "core", found.bad_debt), "8200000");
    // It is told, and not as said in vain.
    let told = &alone.shocked.market[0];
    assert_eq!((told.name.as_str(), told.to), ("xUSD at par", decimal("0.26")));
    assert_eq!(alone.shocked.without_effect, Vec::<String>::new());
    let lost = sales(&jump(&hand(&[]), &["xUSD"], &part), "core");
    assert_eq!((lost.calls, lost.left_for(Stays::Unpriced).accounts), (0, 1), "{lost:?}");
    // It is collateral, too, and that falls.
    let target = Target::Collateral { kinds: BOTH.to_vec() };
    let all = Shock { target, how: How::Factor(decimal("0.6")), liquidity: None };
    let all = sales(&jump(&hand(&[]), &["xUSD"], &scenario(&["USDC"], vec![all])), "core");
    assert_eq!((all.calls, all.left_for(Stays::Unpriced).accounts), (0, 1), "{all:?}");
    // Of an oracle's feed a part is known, though the venue reads the constant: 0.2 x 1.2.
    let seen = jump(&hand(&[feed("xo", "oracle", "1.20", "USD/xUSD")]), &["xUSD"], &part);
    assert_eq!(cents(&seen, "core", sales(&seen, "core").bad_debt), "8400000");
    // Of a market's feed a part is known: 0.2 x 1.25.
    let fed = jump(&hand(&[feed("xm", "market", "1.25", "USD/xUSD")]), &["xUSD"], &part);
    assert_eq!(cents(&fed, "core", sales(&fed, "core").bad_debt), "8300000");
    // What does not move is worth what it was.
    let held = jump(&hand(&[]), &["xUSD"], &scenario(&["USDC", "xUSD"], vec![times("USDC", market, "1")]));
    assert_eq!(
        price_in(&held.shocked.sales, &hand(&[]), "xUSD at par").value.map(Decimal::trimmed),
        Some(decimal("1.26"))
    );
}

/// USDe counts at par and is sold at 0.65; a share of its vault is sold at so many times that.
#[test]
fn what_is_wrapped_is_sold_at_the_market_of_what_it_wraps() {
    let book = rewritten("wrapped", |_, text| text.replace("debt,USDC,850000,", "debt,USDC,920000,"));
    let hold = ["ETH", "USDC", "sUSDe"];
    let found = jump(&book, &["sUSDe"], &scenario(&hold, vec![to("USDe", &BOTH[1..], "0.65", "USD")]));
    let sales = sales(&found, "lending");
    assert_eq!((sales.calls, sales.left_for(Stays::Away).accounts), (0, 1), "{sales:?}");
    // 920 000 x 0.99981512 - 1 000 000 x 1.19807... x 0.65
    assert_eq!(cents(&found, "lending", sales.bad_debt), "14107792");
}

/// A cap of the venue's holds its oracle and not the market: 36 000 USDC cost 39 600, and the ether that is seized brings less.
#[test]
fn a_cap_holds_no_sale() {
    let capped = json!({"name": "most", "unit": "USD/USDC", "constant": "1.04"});
    let least = json!({"name": "USDC capped", "unit": "USD/USDC", "least": ["USDC/USD", "most"]});
    let of = |price: &str| {
        let feeds = [feed("ETH/USD", "oracle", "4000", "USD/ETH"), dollars()];
        let core = pool("core", &[("ETH", "ETH/USD", 18, 8000), ("USDC", price, 6, 8000)]);
        let book =
            book_of(&feeds, &[capped.clone(), least.clone()], &[core], &[owes("core", "ETH", "10", "36000")]);
        let jump = jump(&book, &["ETH"], &scenario(&["ETH"], vec![to("USDC", &BOTH, "1.10", "USD")]));
        // The cap is no price of anything.
        assert_eq!(jump.shocked.market, Vec::new());
        sales(&jump, "core")
    };
    let found = of("USDC capped");
    assert_eq!((found.calls, found.left_for(Stays::Away).accounts), (0, 1), "{found:?}");
}

fn staked(more: &[Value], ether: &[(&str, &str)], steth: &[(&str, &str)]) -> Book {
    let feeds = [
        &[
            but(feed("ETH/USD", "oracle", "4000", "USD/ETH"), ether),
            but(feed("stETH/USD", "oracle", "3990", "USD/stETH"), steth),
            dollars(),
        ],
        more,
    ]
    .concat();
    let core = pool(
        "core",
        &[("ETH", "ETH/USD", 18, 8000), ("stETH", "stETH/USD", 18, 8000), ("USDC", "USDC/USD", 6, 8000)],
    );
    book_of(&feeds, &[], &[core], &[owes("core", "stETH", "10", "10000"), owes("core", "ETH", "10", "10000")])
}

/// 0.95 ETH, half of 4000 each, is 1900 dollars: whatever an issuer pays, and whatever a market says or said once.
#[test]
fn an_oracles_value_is_measured_by_oracles_alone() {
    let scenario =
        scenario(&["USDC"], vec![times("ETH", &BOTH, "0.5"), to("stETH", &BOTH[..1], "0.95", "ETH")]);
    let sold = feed("stETH mkt", "market", "0.99", "ETH/stETH");
    let old = but(sold.clone(), &[("observed_at", "2025-01-10T11:55:00Z")]);
    let rate = feed("stETH rate", "redemption", "1.05", "ETH/stETH");
    let other = feed("stETH/ETH", "oracle", "0.98", "ETH/stETH");
    for more in [&[][..], &[rate], &[sold], &[old], &[other]] {
        let book = staked(more, &[], &[]);
        let seen = price_in(&done(&book, &scenario).book.graph, &book, "stETH/USD");
        assert_eq!((seen.value, seen.doubt), (Some(decimal("1900")), None), "{more:?}");
    }
}

/// stETH at 0.9 of an ether that is then at 2000 +- 100 is 1800 +- 90, as where the book has it in ether and multiplies.
#[test]
fn a_value_is_as_wide_as_what_it_is_counted_in_is_after_the_shock() {
    let book = staked(&[], &[("confidence", "100")], &[]);
    let shocks = vec![times("ETH", &BOTH, "0.5"), to("stETH", &BOTH, "0.9", "ETH")];
    let end = done(&book, &scenario(&["USDC"], shocks));
    let seen = price_in(&end.book.graph, &book, "stETH/USD");
    assert_eq!((seen.value, seen.low.trimmed()), (Some(decimal("1800")), decimal("1710")));
    assert_eq!(seen.high.map(Decimal::trimmed), Some(decimal("1890")));
}

/// At its floor the truth may be anything below, beyond it anything at all; so it is after a move, but for one to a price that is said.
#[test]
fn what_a_bound_leaves_unknown_stays_unknown() {
    let moved = |bounds: &[(&str, &str)], shock: Shock| {
        let book = staked(&[], bounds, &[]);
        let end = done(&book, &scenario(&["USDC", "stETH"], vec![shock]));
        [&end.book.graph, &end.sales].map(|graph| price_in(graph, &book, "ETH/USD"))
    };
    let zero = decimal("0");
    let up = || times("ETH", &BOTH, "1.01");
    let down = || times("ETH", &BOTH, "0.99");
    for (bounds, shock, value, low, high) in [
        (("floor", "4000"), up(), "4040", "0", Some("4040")),
        (("floor", "3999"), up(), "4040", "4040", Some("4040")),
        (("floor", "4010"), up(), "4040", "0", None),
        (("ceiling", "4000"), down(), "3960", "3960", None),
        (("ceiling", "3990"), down(), "3960", "0", None),
        (("ceiling", "4000"), to("ETH", &BOTH, "3960", "USD"), "3960", "3960", Some("3960")),
    ] {
        for seen in moved(&[bounds], shock.clone()) {
            assert_eq!(seen.value, Some(decimal(value)), "{bounds:?}");
            let low = if low == "0" { zero } else { decimal(low) };
            assert_eq!(
                (seen.low.trimmed(), seen.high.map(Decimal::trimmed)),
                (low, high.map(decimal)),
                "{bounds:?}"
            );
        }
    }
    // On the way, too: half of the way up it is as unknown.
    let book = staked(&[], &[("floor", "4000")], &[]);
    let stress = Stress::new(&book).expect("a book");
    let walk = stress.walk(&scenario(&["USDC", "stETH"], vec![up()]), &Said::default(), 2).expect("a path");
    let unknown: Vec<u64> = walk.at_once.iter().map(|stride| stride.found.unknown).collect();
    assert_eq!(unknown, [1, 1]);
}

/// A market's feed goes no further than its bound, and is doubtful there: nothing is sold.
#[test]
fn a_bound_of_the_market_holds_sales() {
    let floor = |floor: &str| {
        let market = but(feed("em", "market", "3990", "USD/ETH"), &[("floor", floor)]);
        let feeds = [feed("ETH/USD", "oracle", "4000", "USD/ETH"), dollars(), market];
        let core = pool("core", &[("ETH", "ETH/USD", 18, 8000), ("USDC", "USDC/USD", 6, 8000)]);
        let book = book_of(&feeds, &[], &[core], &[owes("core", "ETH", "10", "17000")]);
        let jump = jump(&book, &["ETH"], &scenario(&["USDC"], vec![times("ETH", &BOTH, "0.5")]));
        let seen = price_in(&jump.shocked.sales, &book, "em");
        let sales = sales(&jump, "core");
        (
            seen.value.map(|value| value.to_string()),
            seen.doubt,
            sales.calls > 0,
            sales.left_for(Stays::Unpriced).accounts,
        )
    };
    assert_eq!(floor("1000"), (Some("1995".into()), None, true, 0));
    assert_eq!(floor("3000"), (Some("3000".into()), Some(Why::AtBound), false, 1));
    assert_eq!(floor("3990"), (Some("3990".into()), Some(Why::AtBound), false, 1));
}

/// A pool with five ether of cash pays out five, though whoever wants more may have a receipt: 5 x 2500 are sold.
#[test]
fn what_little_cash_lets_through_is_sold() {
    let feeds = [feed("ETH/USD", "oracle", "2500", "USD/ETH"), dollars()];
    let mut core = pool("core", &[("ETH", "ETH/USD", 18, 8000), ("USDC", "USDC/USD", 6, 8000)]);
    core["reserves"][0]["state"]["virtual_balance"] = json!("5000000000000000000");
    let book = book_of(&feeds, &[], &[core], &[owes("core", "ETH", "100", "202000")]);
    let jump = jump(&book, &["ETH"], &scenario(&[], Vec::new()));
    let sales = sales(&jump, "core");
    assert_eq!((sales.calls, sales.left_for(Stays::Refused).accounts), (1, 1), "{sales:?}");
    assert_eq!(cents(&jump, "core", sales.sold), "1250000");
}

/// A coin at 0.00000123 has no digit left at 0.0081 of it. A pool that does not list it goes on, down to where 4000 x 0.8 of ether is 1.
#[test]
fn a_curve_ends_where_a_price_does_that_its_market_reads() {
    let feeds = [
        feed("ETH/USD", "oracle", "4000.00000000", "USD/ETH"),
        feed("SH/USD", "oracle", "0.00000123", "USD/SH"),
        dollars(),
    ];
    let core = pool("core", &[("SH", "SH/USD", 18, 8000), ("USDC", "USDC/USD", 6, 8000)]);
    let other = pool("other", &[("ETH", "ETH/USD", 18, 8000), ("USDC", "USDC/USD", 6, 8000)]);
    let accounts = [owes("core", "SH", "100000000", "7"), owes("other", "ETH", "1", "1")];
    let book = book_of(&feeds, &[], &[core, other], &accounts);
    let said = Said { hold: texts(&["USDC"]), map: Vec::new() };
    let curve = plimsoll::curve(&book, plimsoll::Along::Collateral, &[], &said).expect("a curve");
    let below = |end: &&plimsoll::End| end.factor < U256::new(100_000_000);
    let ends: Vec<&str> = curve.ends.iter().filter(below).map(|end| end.market.as_str()).collect();
    assert_eq!(ends.first(), Some(&"core"));
    assert!(
        curve.ends.iter().filter(below).all(|end| (end.market == "core") == (end.price == "SH/USD")),
        "{:?}",
        curve.ends
    );
    let of_other = curve.down.iter().find(|step| book.accounts[step.account].name == "a-other-ETH");
    assert_eq!(of_other.map(|step| step.factor), Some(U256::new(31_249)));
}
