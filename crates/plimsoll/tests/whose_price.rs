//! Whose price is whose: which names are one asset, what a shock of the one says of the other, and at whose price a sale is.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::example;
use common::hand::{
    AT, BOTH, RAY, book_of, cents, decimal, dollars, done, feed, jump, owes, pair, pool, price_in, said,
    sales, scenario, texts, times, to,
};
use plimsoll::{Ladder, Mapping, Misasked, Said, Stays, Stress, check, shocked};
use plimsoll_core::{Book, Decimal, Failure, FeedKind, How, Scenario, Shock, Target};
use serde_json::{Value, json};

const MARKET: &[FeedKind] = &[FeedKind::Market];
const ORACLE: &[FeedKind] = &[FeedKind::Oracle];

fn row(account: &str, market: &str, kind: &str, asset: &str, quantity: &str) -> Value {
    json!({"account": account, "market": market, "kind": kind, "asset": asset, "quantity": quantity, "unit": "token"})
}

fn ether(price: &str) -> Value {
    feed("ETH/USD", "oracle", price, "USD/ETH")
}

/// Ether halves, and the dollar of the debt stands.
fn halves(more: Vec<Shock>) -> Scenario {
    let assets = texts(&["ETH", "WETH"]);
    let target = Target::Assets { assets, currency: texts(&["USD"]), kinds: BOTH.to_vec() };
    let half = Shock { target, how: How::Factor(decimal("0.5")), liquidity: None };
    scenario(&["USDC"], [vec![half], more].concat())
}

fn unsaid(book: &Book, scenario: &Scenario) -> Vec<String> {
    match shocked(book, scenario, &Said::default()) {
        Err(Misasked::Unsaid { missing, .. }) => missing.into_iter().map(|(asset, _)| asset).collect(),
        Ok(_) => panic!("nothing stands still by silence"),
        Err(why) => panic!("{why}"),
    }
}

/// USDC and USDT have a feed each, and a pair takes them for equal. What is said of the one says nothing of the other.
#[test]
fn two_with_feeds_of_their_own_are_two() {
    let feeds = [dollars(), feed("USDT/USD", "oracle", "1.0001", "USD/USDT")];
    let par = json!({"name": "one for one", "unit": "USDC/USDT", "constant": "1.00"});
    let core = pool("core", &[("USDC", "USDC/USD", 6, 7800), ("USDT", "USDT/USD", 6, 7800)]);
    let accounts = [owes("core", "USDT", "1000", "700"), owes("pair", "USDT", "1000", "700")];
    let book = book_of(&feeds, &[par], &[core, pair("pair", "USDT", "one for one")], &accounts);
    let scenario = scenario(&[], vec![to("USDC", &BOTH, "0.87", "USD")]);
    assert_eq!(unsaid(&book, &scenario), ["USDT"]);
    let said = Said { hold: texts(&["USDT"]), map: Vec::new() };
    let moved = shocked(&book, &scenario, &said).unwrap_or_else(|why| panic!("{why}")).moved;
    assert_eq!(moved.iter().map(|moved| moved.name.as_str()).collect::<Vec<_>>(), ["USDC/USD"]);
}

/// A lender wrote down that xUSD is one USDC, and everybody who sells it gets 0.26: 870 000 - 260 000 are lost. Written down as 1.0001
/// or as 1, it is no price of a sale.
#[test]
fn what_is_written_down_at_one_is_sold_at_what_the_scenario_says() {
    for written in ["1", "1.0001"] {
        let par = json!({"name": "xUSD at par", "unit": "USDC/xUSD", "constant": written});
        let market = pair("pair", "xUSD", "xUSD at par");
        let book = book_of(&[dollars()], &[par], &[market], &[owes("pair", "xUSD", "1000000", "870000")]);
        let jump = jump(&book, &["xUSD"], &scenario(&["USDC"], vec![to("xUSD", MARKET, "0.26", "USD")]));
        let found = sales(&jump, "pair");
        assert_eq!((found.calls, found.left_for(Stays::Away).accounts), (0, 1), "{written}: {found:?}");
        assert_eq!(cents(&jump, "pair", found.bad_debt), "61000000", "{written}");
        assert!(jump.shocked.without_effect.is_empty(), "{:?}", jump.shocked.without_effect);
    }
}

/// Staked ether by its rate and the price of ether, and a feed of what a sale of it fetches.
fn wrapped(more: &[Value]) -> Book {
    let rate = feed("wst rate", "redemption", "1.2", "ETH/wstETH");
    let feeds = [&[ether("4000"), dollars(), rate], more].concat();
    let price = json!({"name": "wstETH/USD", "unit": "USD/wstETH", "product": ["wst rate", "ETH/USD"],
        "decimals": 8, "rounding": "down"});
    let core = pool("core", &[("wstETH", "wstETH/USD", 18, 8100), ("USDC", "USDC/USD", 6, 7800)]);
    book_of(&feeds, &[price], &[core], &[owes("core", "wstETH", "100", "300000")])
}

/// A feed of the market of which nothing is said does not stand: it is asked for, and whoever says it alike gets it alike.
#[test]
fn a_price_of_a_sale_of_which_nothing_is_said_is_asked_for() {
    let book = wrapped(&[feed("wst dex", "market", "4800", "USD/wstETH")]);
    assert_eq!(unsaid(&book, &halves(Vec::new())), ["wstETH"]);
    let like = Mapping { asset: "wstETH".into(), like: "ETH".into(), times: decimal("1") };
    let said = Said { hold: Vec::new(), map: vec![like] };
    let mapped = shocked(&book, &halves(Vec::new()), &said).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(price_in(&mapped.sales, &book, "wst dex").value, Some(decimal("2400")));
    let target = Target::Collateral { kinds: BOTH.to_vec() };
    let all = Shock { target, how: How::Factor(decimal("0.5")), liquidity: None };
    let all = done(&book, &scenario(&["USDC"], vec![all]));
    assert_eq!(price_in(&all.sales, &book, "wst dex").value, Some(decimal("2400")));
    // Named one by one, a price is one of those that are asked for.
    let target = Target::Prices(texts(&["ETH/USD"]));
    let one = Shock { target, how: How::Factor(decimal("0.5")), liquidity: None };
    assert_eq!(unsaid(&book, &scenario(&["USDC"], vec![one])), ["wstETH"]);
    // Of whose oracle alone something is said, the market stands.
    let stands = done(&book, &halves(vec![times("wstETH", ORACLE, "0.5")]));
    assert_eq!(price_in(&stands.sales, &book, "wst dex").value, Some(decimal("4800")));
}

/// Of two feeds of the market that differ nobody knows which one a sale is at; their order decides nothing.
#[test]
fn feeds_that_differ_sell_nothing() {
    let of = |prices: [&str; 2]| {
        let dex = |name: &str, price: &str| feed(name, "market", price, "USD/ETH");
        let feeds = [ether("4000"), dollars(), dex("a", prices[0]), dex("b", prices[1])];
        let core = pool("core", &[("ETH", "ETH/USD", 18, 8300), ("USDC", "USDC/USD", 6, 7800)]);
        let book = book_of(&feeds, &[], &[core], &[owes("core", "ETH", "100", "340000")]);
        let found = sales(&jump(&book, &["ETH"], &halves(Vec::new())), "core");
        (found.calls, found.left_for(Stays::Unpriced).accounts)
    };
    assert_eq!(of(["4000", "3000"]), (0, 1));
    assert_eq!(of(["3000", "4000"]), (0, 1));
    assert_ne!(of(["4000", "4000.0"]).0, 0);
}

/// A market reads ether's feed for stETH, another stETH's own: both sell it at 0.7 ETH, 1400, which pays nobody.
#[test]
fn what_has_anothers_oracle_is_sold_at_its_own_price() {
    let feeds = [ether("4000"), dollars(), feed("stETH/USD", "oracle", "4000", "USD/stETH")];
    let market =
        |name: &str, feed: &str| pool(name, &[("stETH", feed, 18, 8100), ("USDC", "USDC/USD", 6, 7800)]);
    let accounts = ["mA", "mB"].map(|market| owes(market, "stETH", "100", "300000"));
    let book = book_of(&feeds, &[], &[market("mA", "ETH/USD"), market("mB", "stETH/USD")], &accounts);
    let jump = jump(&book, &["stETH"], &halves(vec![to("stETH", &BOTH, "0.7", "ETH")]));
    let found = sales(&jump, "mA");
    assert_eq!((found.calls, found.left_for(Stays::Away).accounts), (0, 1), "{found:?}");
    // 300 000 - 140 000
    assert_eq!(cents(&jump, "mA", found.bad_debt), "16000000");
    // In the other market the oracle has it, too: 114 000 are owed beyond 1400 x 100 x 0.81 and all is sold: 300 000 - 140 000 / 1.05.
    assert_eq!(cents(&jump, "mB", sales(&jump, "mB").bad_debt), "16666667");
}

/// USDe counts as USDT does, no feed of the book is its own, and it sells at 0.65: 910 - 650.
#[test]
fn what_the_scenario_alone_prices_is_sold_at_that() {
    let feeds = [dollars(), feed("USDT/USD", "oracle", "1.00", "USD/USDT")];
    let core = pool("core", &[("USDe", "USDT/USD", 18, 9000), ("USDC", "USDC/USD", 6, 7800)]);
    let book = book_of(&feeds, &[], &[core], &[owes("core", "USDe", "1000", "910")]);
    let hold = ["USDC", "USDT"];
    let jump1 = jump(&book, &["USDe"], &scenario(&hold, vec![to("USDe", &BOTH, "0.65", "USD")]));
    let found = sales(&jump1, "core");
    assert_eq!((found.calls, found.left_for(Stays::Away).accounts), (0, 1), "{found:?}");
    assert_eq!(cents(&jump1, "core", found.bad_debt), "26000");
    assert_eq!(jump1.shocked.without_effect, Vec::<String>::new());
    // A part of what nobody observed is no price.
    let part = jump(&book, &["USDe"], &scenario(&hold, vec![times("USDe", MARKET, "0.65")]));
    assert_eq!(sales(&part, "core").left_for(Stays::Unpriced).accounts, 1);
}

/// stETH in ether and ether in dollars make its oracle.
fn staked() -> Book {
    let feeds = [ether("4000"), dollars(), feed("stETH/ETH", "oracle", "0.999", "ETH/stETH")];
    let price = json!({"name": "stETH/USD", "unit": "USD/stETH", "product": ["stETH/ETH", "ETH/USD"],
        "decimals": 8, "rounding": "down"});
    let core = pool("core", &[("stETH", "stETH/USD", 18, 8100), ("USDC", "USDC/USD", 6, 7800)]);
    book_of(&feeds, &[price], &[core], &[owes("core", "stETH", "100", "300000")])
}

/// A feed that has stopped says what it said, in whatever it counts: 0.999 ETH. Wrong by a tenth on top it says 1.0989; and by how much a
/// feed is wrong says nothing of what it would be.
#[test]
fn a_frozen_feed_keeps_what_it_said() {
    let book = staked();
    let frozen = || said("stETH", ORACLE, How::Frozen, &["USD"]);
    let wrong = || said("stETH", ORACLE, How::Wrong(decimal("1.1")), &["USD"]);
    let price = |shocks: Vec<Shock>, name: &str| {
        let end = done(&book, &halves(shocks));
        price_in(&end.book.graph, &book, name).value.map(Decimal::trimmed)
    };
    assert_eq!(price(vec![frozen()], "stETH/ETH"), Some(decimal("0.999")));
    assert_eq!(price(vec![frozen()], "stETH/USD"), Some(decimal("1998")));
    assert_eq!(price(vec![frozen(), wrong()], "stETH/ETH"), Some(decimal("1.0989")));
    assert_eq!(unsaid(&book, &halves(vec![wrong()])), ["stETH"]);
}

/// What is held in dollars and falls in USDC, of which nothing moves, is not held.
#[test]
fn what_is_held_falls_in_no_currency() {
    let rate = feed("wst rate", "redemption", "1.2", "ETH/wstETH");
    let price = json!({"name": "wstETH/USDC", "unit": "USDC/wstETH", "decimals": 8, "rounding": "down",
        "mul_div": {"of": "wst rate", "times": "ETH/USD", "over": "USDC/USD"}});
    let market = pair("pair", "wstETH", "wstETH/USDC");
    let feeds = [ether("4000"), dollars(), rate];
    let book = book_of(&feeds, &[price], &[market], &[owes("pair", "wstETH", "100", "300000")]);
    let said = Said { hold: texts(&["wstETH"]), map: Vec::new() };
    let answer = shocked(&book, &halves(Vec::new()), &said);
    assert!(matches!(answer, Err(Misasked::NoPrice { .. })), "{:?}", answer.err());
    // Where the dollar of the price moves and nothing else does, it is.
    let usdc = scenario(&["ETH", "wstETH"], vec![to("USDC", &BOTH, "0.5", "USD")]);
    let moved = done(&book, &usdc);
    let price = price_in(&moved.book.graph, &book, "wstETH/USDC").value;
    assert_eq!(price.map(Decimal::trimmed), Some(decimal("9600")));
}

/// The issuer's rate is 2, and the oracle lets it count for little more than 1.2: a sale is at 2 x 2000.
#[test]
fn a_cap_of_a_rate_holds_no_sale() {
    let feeds = [ether("4000"), dollars(), feed("wst rate", "redemption", "2", "ETH/wstETH")];
    let cap = json!({"of": "wst rate", "snapshot_ratio": "1.2", "snapshot_time": "2025-10-09T00:00:00Z",
        "yearly_growth": 968});
    let capped = json!({"name": "rate, capped", "unit": "ETH/wstETH", "rate_cap": cap, "decimals": 18});
    let price = json!({"name": "wstETH/USD", "unit": "USD/wstETH", "product": ["rate, capped", "ETH/USD"],
        "decimals": 8, "rounding": "down"});
    let core = pool("core", &[("wstETH", "wstETH/USD", 18, 8100), ("USDC", "USDC/USD", 6, 7800)]);
    let book = book_of(&feeds, &[capped, price], &[core], &[owes("core", "wstETH", "100", "300000")]);
    let jump = jump(&book, &["wstETH"], &halves(Vec::new()));
    // All of it is seized: it is worth 240 000 to the venue, and 300 000 are owed.
    assert_eq!(cents(&jump, "core", sales(&jump, "core").sold), "40000000");
}

/// A discount of a feed that no price and no sale hangs on is told as said in vain.
#[test]
fn what_nothing_hangs_on_is_said_in_vain() {
    let book = wrapped(&[feed("stETH pool", "market", "0.999", "ETH/stETH")]);
    let end = done(&book, &halves(vec![to("stETH", MARKET, "0.939", "ETH")]));
    assert_eq!(end.without_effect, ["stETH"]);
    let read = done(&staked(), &halves(vec![to("stETH", &BOTH, "0.939", "ETH")]));
    assert_eq!(read.without_effect, Vec::<String>::new());
}

/// A margin desk takes USDe at par, and its market is at 0.65: 880 dollars of SOL are owed, and 650 are there.
#[test]
fn what_counts_at_par_is_sold_at_its_market() {
    let asset = |asset: &str, weights: [&str; 2], more: Value| {
        let mut asset = json!({"asset": asset, "decimals": 9, "asset_weight": weights[0],
            "liability_weight": weights[1], "lends": true, "liquidation_bonus": "0.02"});
        for (name, value) in more.as_object().expect("fields") {
            asset[name] = value.clone();
        }
        asset
    };
    let assets = [
        asset("USDe", ["0.95", "1.05"], json!({"at_par": true})),
        asset("SOL", ["0.9", "1.1"], json!({"feed": "SOL/USD"})),
    ];
    let desk =
        json!({"name": "desk", "venue": "cross", "revision": "1", "currency": "USD", "assets": assets});
    let feeds =
        [feed("SOL/USD", "oracle", "100", "USD/SOL"), feed("USDe dex", "market", "0.999", "USD/USDe")];
    let accounts = [
        [row("a", "desk", "supply", "USDe", "1000"), row("a", "desk", "debt", "SOL", "8.8")],
        [row("s", "desk", "supply", "SOL", "1000"), row("s", "desk", "supply", "USDe", "1")],
    ];
    let book = book_of(&feeds, &[], &[desk], &accounts);
    let jump = jump(&book, &["USDe"], &scenario(&["SOL"], vec![to("USDe", &BOTH, "0.65", "USD")]));
    let found = sales(&jump, "desk");
    assert_eq!((found.calls, found.left_for(Stays::Away).accounts), (0, 1), "{found:?}");
    assert_eq!(cents(&jump, "desk", found.bad_debt), "23000");
}

/// A category prices stETH as ether (Aave 3.0), and 1400 is what it sells for: 192 000 - 140 000 are uncovered.
#[test]
fn a_price_of_a_category_is_no_price_of_a_sale() {
    let reserve = |asset: &str, feed: &str, decimals: u32| {
        json!({"asset": asset, "feed": feed, "decimals": decimals, "ltv": 7800, "liquidation_threshold": 8100,
            "liquidation_bonus": 10500, "liquidation_protocol_fee": 0, "emode": 1,
            "state": {"liquidity_index": RAY, "variable_borrow_index": RAY, "liquidity_rate": "0",
                "variable_borrow_rate": "0", "last_update": AT, "scaled_supply": "10000000000000000000000000",
                "scaled_debt": "9000000000000000000000000", "cash": "1000000000000000000000000"}})
    };
    let mode = json!({"id": 1, "label": "ETH", "ltv": 9300, "liquidation_threshold": 9500,
        "liquidation_bonus": 10100, "feed": "ETH/USD"});
    let reserves = [reserve("WETH", "ETH/USD", 18), reserve("stETH", "stETH/USD", 18)];
    let core = json!({"name": "core", "venue": "aave_v3", "revision": "3.0", "currency": "USD",
        "reserves": reserves, "emodes": [mode]});
    let feeds = [ether("4000"), feed("stETH/USD", "oracle", "4000", "USD/stETH")];
    let mut account =
        [row("a", "core", "collateral", "stETH", "100"), row("a", "core", "debt", "WETH", "96")];
    account.iter_mut().for_each(|row| row["mode"] = json!("emode=1"));
    let book = book_of(&feeds, &[], &[core], &[account]);
    let jump = jump(&book, &["stETH"], &halves(vec![to("stETH", &BOTH, "0.7", "ETH")]));
    let found = sales(&jump, "core");
    assert_eq!((found.calls, found.left_for(Stays::Away).accounts), (0, 1), "{found:?}");
    assert_eq!(cents(&jump, "core", found.bad_debt), "5200000");
}

/// Who is below zero is worst: before those with a health, whatever it is.
#[test]
fn backing_below_zero_is_worst() {
    let book = example("margin");
    let judged = check(&book, book.at, &Ladder::default()).expect("it stands");
    let first = judged.rows.first().expect("a row");
    assert!(first.health.is_none(), "{first:?}");
    assert_eq!(book.accounts[first.account].name, "sunk");
}

/// A market that fails takes what is in a vat with it, and of positions what they have gained: not their size.
#[test]
fn what_fails_takes_coins_in_a_vat_and_gains_of_positions() {
    let lost = |name: &str, market: &str| {
        let book = example(name);
        let failure = Failure { markets: texts(&[market]), pays: decimal("0.5") };
        let scenario =
            Scenario { failures: vec![failure], ..Scenario::of_prices("fails", Vec::new(), Vec::new()) };
        let stress = Stress::new(&book).expect("a book");
        let jump = stress.jump(&scenario, &Said::default()).unwrap_or_else(|why| panic!("{why}"));
        jump.losses
    };
    let vat = lost("maker", "eth-a");
    let keeper = vat.iter().find(|loss| loss.owner == "keeper").expect("the keeper");
    let whole = |loss: &plimsoll::Loss, value: plimsoll_core::Int| {
        Decimal { mantissa: value, decimals: loss.decimals }.trimmed().to_string()
    };
    assert_eq!((whole(keeper, keeper.held), whole(keeper, keeper.lost)), ("250000".into(), "125000".into()));
    let desk = lost("margin", "desk");
    let carry = desk.iter().find(|loss| loss.owner == "carry").expect("carry");
    // 60 000 + 15 x 90 000 - 1 340 000, 45 x 100 and 500; 1.5 x 90 000 - 134 000 and 12 000 - 100 x 100 are owed.
    let sums = (whole(carry, carry.held), whole(carry, carry.owed), carry.unvalued);
    assert_eq!(sums, ("75000".into(), "3000".into(), 0));
}
