//! Books of a few rows, scenarios on them, and what their sales fetch.

use super::sound;
use plimsoll::{Jump, Said, Sales, Shocked, Stress, shocked};
use plimsoll_core::{
    Book, Decimal, Depth, DepthCurve, FeedKind, How, Int, Quote, Rounding, Scenario, Shock, Target, U256,
};
use plimsoll_io::book::{self, File, FileBytes};
use serde_json::{Value, json};

pub(crate) const AT: &str = "2025-10-10T12:00:00Z";
pub(crate) const RAY: &str = "1000000000000000000000000000";
pub(crate) const BOTH: [FeedKind; 2] = [FeedKind::Oracle, FeedKind::Market];

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

pub(crate) fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

pub(crate) fn feed(name: &str, kind: &str, price: &str, unit: &str) -> Value {
    json!({"feed": name, "kind": kind, "price": price, "unit": unit, "source": "test",
        "observed_at": "2025-10-10T11:55:00Z", "max_age": "24h", "confidence": "", "floor": "", "ceiling": ""})
}

/// A feed of which some fields are others.
pub(crate) fn but(mut feed: Value, fields: &[(&str, &str)]) -> Value {
    fields.iter().for_each(|(name, value)| feed[*name] = json!(value));
    feed
}

/// A pool of reserves, of which a million millions are supplied: asset, feed, decimals, threshold.
pub(crate) fn pool(name: &str, reserves: &[(&str, &str, u32, u32)]) -> Value {
    let reserve = |(asset, feed, decimals, threshold): &(&str, &str, u32, u32)| {
        let supply = (10_u128.pow(9 + decimals)).to_string();
        let debt = (10_u128.pow(8 + decimals)).to_string();
        let cash = (9 * 10_u128.pow(8 + decimals)).to_string();
        json!({"asset": asset, "feed": feed, "decimals": decimals, "ltv": threshold - 500,
            "liquidation_threshold": threshold, "liquidation_bonus": 10500, "liquidation_protocol_fee": 0,
            "state": {"liquidity_index": RAY, "variable_borrow_index": RAY, "liquidity_rate": "0",
                "variable_borrow_rate": "0", "last_update": AT, "scaled_supply": supply, "scaled_debt": debt,
                "accrued_to_treasury": "0", "virtual_balance": cash}})
    };
    let reserves: Vec<Value> = reserves.iter().map(reserve).collect();
    json!({"name": name, "venue": "aave_v3", "revision": "3.5", "currency": "USD", "reserves": reserves})
}

/// A pair that lends USDC.
pub(crate) fn pair(name: &str, collateral: &str, feed: &str) -> Value {
    json!({"name": name, "venue": "morpho_blue", "revision": "1.0", "loan": {"asset": "USDC", "decimals": 6},
        "collateral": {"asset": collateral, "decimals": 18}, "lltv": "860000000000000000", "irm": "none", "fee": "0",
        "feed": feed, "state": {"total_supply_assets": "10000000000000", "total_supply_shares": "10000000000000000000",
            "total_borrow_assets": "9000000000000", "total_borrow_shares": "9000000000000000000", "last_update": AT}})
}

/// An account with collateral and a debt of USDC.
pub(crate) fn owes(market: &str, collateral: &str, held: &str, owed: &str) -> [Value; 2] {
    let row = |kind: &str, asset: &str, quantity: &str| {
        json!({"account": format!("a-{market}-{collateral}"), "market": market, "kind": kind, "asset": asset,
            "quantity": quantity, "unit": "token"})
    };
    [row("collateral", collateral, held), row("debt", "USDC", owed)]
}

pub(crate) fn book_of(
    feeds: &[Value],
    prices: &[Value],
    markets: &[Value],
    positions: &[[Value; 2]],
) -> Book {
    let positions: Vec<&Value> = positions.iter().flatten().collect();
    let text = json!({"format": 1, "name": "hand", "at": AT, "prices": prices, "feeds": feeds, "markets": markets,
        "positions": positions});
    let file = File { name: "hand.json".into(), bytes: FileBytes::Read(text.to_string().into_bytes()) };
    sound(book::read(vec![file]))
}

pub(crate) fn said(asset: &str, kinds: &[FeedKind], how: How, currency: &[&str]) -> Shock {
    let target = Target::Assets { assets: texts(&[asset]), currency: texts(currency), kinds: kinds.to_vec() };
    Shock { target, how, liquidity: None }
}

pub(crate) fn to(asset: &str, kinds: &[FeedKind], value: &str, currency: &str) -> Shock {
    said(asset, kinds, How::Value(decimal(value)), &[currency])
}

pub(crate) fn times(asset: &str, kinds: &[FeedKind], factor: &str) -> Shock {
    said(asset, kinds, How::Factor(decimal(factor)), &["USD"])
}

pub(crate) fn scenario(hold: &[&str], shocks: Vec<Shock>) -> Scenario {
    Scenario::of_prices("test", texts(hold), shocks)
}

pub(crate) fn done(book: &Book, scenario: &Scenario) -> Shocked {
    shocked(book, scenario, &Said::default()).unwrap_or_else(|why| panic!("{why}"))
}

/// Endless depth at the price, and gas for nothing.
pub(crate) fn jump(book: &Book, assets: &[&str], scenario: &Scenario) -> Jump {
    let curve = |asset: &&str| DepthCurve {
        assets: texts(&[asset]),
        against: Vec::new(),
        price: decimal("1"),
        points: vec![["1000000000", "1000000000"].map(decimal)],
    };
    let (name, sources, recovers) = ("test".into(), Vec::new(), decimal("0"));
    let curves = assets.iter().map(curve).collect();
    let depth = Depth { name, sources, curves, gas: Vec::new(), recovers };
    let stress = Stress::new(book).expect("a book").sold_into(depth).expect("no gas");
    stress.jump(scenario, &Said::default()).unwrap_or_else(|why| panic!("{why}"))
}

/// The sales of a market, and a sum of them in hundredths of its currency.
pub(crate) fn sales(jump: &Jump, market: &str) -> Sales {
    jump.markets.iter().find(|impact| impact.market == market).expect("the market").risk.sales.clone()
}

pub(crate) fn cents(jump: &Jump, market: &str, sum: Int) -> String {
    let impact = jump.markets.iter().find(|impact| impact.market == market).expect("the market");
    let unit = U256::pow10(impact.risk.decimals).expect("small");
    let cents = sum.magnitude().mul_div_wide(U256::new(100), unit, Rounding::HalfUp).expect("small");
    cents.to_string()
}

pub(crate) fn price_in(graph: &plimsoll_core::Graph, book: &Book, name: &str) -> Quote {
    graph.quotes(book.at)[graph.find(name).expect("a price").0 as usize]
}

pub(crate) fn dollars() -> Value {
    feed("USDC/USD", "oracle", "1.00000000", "USD/USDC")
}
