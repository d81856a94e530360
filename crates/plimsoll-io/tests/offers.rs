//! Depth curves made of files of offers, and files of assumptions: what they say, and every way in which one can be wrong.

#![allow(clippy::expect_used)] // curves that cannot be made have failed the test

use plimsoll_core::{Decimal, Depth, HazardKind};
use plimsoll_io::assumed::{hazards, supplies};
use plimsoll_io::book::{File, FileBytes};
use plimsoll_io::depth::{Opened, make_of, read, write};

const OFFERS: &str = r#"format = 1
name = "x"
sources = ["nobody \"here\""]
recovers = "0.25"
any = true

[[gas]]
in = ["USD"]
amount = "12.5"

[[asset]]
names = ["WETH", "ETH"]
id = "0xAB"
decimals = 18

[[asset]]
names = ["USDC"]
id = "0xcd"
decimals = 6

[[asset]]
names = ["DAI"]

[[quotes]]
file = "quotes.csv"

[[pool]]
rule = "constant product"
assets = ["WETH", "DAI"]
reserves = ["100", "200000"]
fee = "0.003"

[[levels]]
asset = "ETH"
in = "DAI"
bids = [["1999", "5"], ["1990", "5"]]
asks = [["2001", "5"]]
"#;

/// Raw amounts, one with an exponent; a row of an asset that is not named; an id in other letters.
const QUOTES: &str = "sell,buy,sold,bought,lost\n0xab,0xcd,1e18,2000000000,0\n0xAB,0xCD,1.0e+19,19000000000,0.05\n0xab,0xff,1,1,0\n";

fn file(name: &str, text: &str) -> File {
    File { name: name.into(), bytes: FileBytes::Read(text.as_bytes().to_vec()) }
}

fn made(offers: &str, quotes: &str) -> Opened {
    make_of(file("offers.toml", offers), &|name| file(name, quotes))
}

fn number(text: &str) -> Decimal {
    text.parse().expect("a number")
}

fn points(depth: &Depth, asset: &str, against: &str) -> Vec<[String; 2]> {
    let curve = &depth.curves[depth.curve(asset, against).expect("a curve")];
    curve.points.iter().map(|point| point.map(|number| number.to_string())).collect()
}

#[test]
fn offers_become_curves_that_read_as_they_were_written() {
    let opened = made(OFFERS, QUOTES);
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    let depth = opened.depth.expect("curves");
    assert_eq!(points(&depth, "ETH", "USDC"), [["1", "1"], ["10", "9.5"]]);
    // The book is better than the pool for its first five, and the sum goes as far as both.
    let curve = &depth.curves[depth.curve("WETH", "DAI").expect("a curve")];
    assert_eq!(curve.points.last().map(|[sold, _]| *sold), Some(number("110")));
    // Dollars are sold for ether, too.
    assert!(depth.curve("DAI", "WETH").is_some());
    assert!(depth.curve("USDC", "WETH").is_none());
    // For whatever is owed.
    assert!(depth.curve("WETH", "PYUSD").is_some());
    let half =
        made(&OFFERS.replace("any = true", "any = true\nliquidity = \"0.5\""), QUOTES).depth.expect("curves");
    assert_eq!(points(&half, "ETH", "USDC"), [["0.5", "0.5"], ["5", "4.75"]]);
    assert_eq!(half.sources[1], "assumed: 0.5 of this liquidity is left");
    let again = read("depth.toml", &write(&depth));
    assert!(again.faults.is_empty(), "{}", again.faults.render(false));
    let same = |depth: &Depth| {
        let trimmed = |curve: &plimsoll_core::DepthCurve| {
            let points: Vec<[Decimal; 2]> =
                curve.points.iter().map(|point| point.map(Decimal::trimmed)).collect();
            (curve.assets.clone(), curve.against.clone(), curve.price.trimmed(), points)
        };
        (
            depth.sources.clone(),
            depth.gas.clone(),
            depth.recovers,
            depth.curves.iter().map(trimmed).collect::<Vec<_>>(),
        )
    };
    assert_eq!(again.depth.as_ref().map(same), Some(same(&depth)));
}

/// Without what was lost, the best price of all quotes is the first.
#[test]
fn quotes_without_a_loss_are_counted_from_the_best() {
    let quotes = "sell,buy,sold,bought\nWETH,USDC,1000000000000000000,2000000000\nWETH,USDC,2000000000000000000,3800000000\n";
    let depth = made(OFFERS, quotes).depth.expect("curves");
    assert_eq!(points(&depth, "WETH", "USDC"), [["1", "1"], ["2", "1.9"]]);
    let named =
        OFFERS.replace("file = \"quotes.csv\"", "file = \"q.csv\"\ncolumns = [\"a\", \"b\", \"c\", \"d\"]");
    let depth = made(&named, &quotes.replace("sell,buy,sold,bought", "a,b,c,d")).depth.expect("curves");
    assert_eq!(points(&depth, "WETH", "USDC"), [["1", "1"], ["2", "1.9"]]);
}

#[test]
fn every_fault_of_offers_is_told() {
    let cases = [
        ("rule = \"constant product\"", "rule = \"product\"", "PL0520"),
        ("rule = \"constant product\"", "rule = \"stableswap\"", "PL0510"),
        ("rule = \"constant product\"", "rule = \"constant product\"\namplification = 5", "PL0523"),
        ("assets = [\"WETH\", \"DAI\"]", "assets = [\"WETH\", \"FRAX\"]", "PL0553"),
        ("reserves = [\"100\", \"200000\"]", "reserves = [\"100\"]", "PL0515"),
        ("reserves = [\"100\", \"200000\"]", "reserves = [\"100\", \"0\"]", "PL0515"),
        ("fee = \"0.003\"", "fee = \"3\"", "PL0515"),
        ("asks = [[\"2001\", \"5\"]]", "asks = []", "PL0515"),
        ("asks = [[\"2001\", \"5\"]]", "asks = [[\"1999\", \"5\"]]", "PL0559"),
        ("asks = [[\"2001\", \"5\"]]", "asks = [[\"2001\"]]", "PL0511"),
        ("decimals = 6", "decimals = 60", "PL0515"),
        ("any = true", "all = true", "PL0509"),
        // One side alone is no order book, and a file has both.
        ("asks = [[\"2001\", \"5\"]]", "", "PL0515"),
        ("bids = [[\"1999\", \"5\"], [\"1990\", \"5\"]]", "file = \"quotes.csv\"", "PL0523"),
        ("bids = [[\"1999\", \"5\"], [\"1990\", \"5\"]]", "bids = [[\"1999\", \"0\"]]", "PL0515"),
        ("asks = [[\"2001\", \"5\"]]", "asks = [[\"2001\", \"0\"]]", "PL0515"),
    ];
    for (from, to, code) in cases {
        let text = OFFERS.replacen(from, to, 1);
        assert_ne!(text, OFFERS, "{from}");
        let opened = made(&text, QUOTES);
        assert_eq!(opened.depth, None, "{to}");
        let codes: Vec<&str> = opened.faults.list.iter().map(|fault| fault.code.name()).collect();
        assert!(codes.contains(&code), "{to}: {}", opened.faults.render(false));
    }
    for (from, to, code, line) in [
        ("19000000000,", "many,", "PL0513", Some(3)),
        ("0xAB,0xCD,1.0e+19,19000000000,0.05", "0xAB,0xCD,1.0e+19", "PL0533", Some(3)),
        ("sell,buy", "sold_by,buy", "PL0531", Some(1)),
        ("19000000000,0.05", "19000000000,1.05", "PL0515", Some(3)),
    ] {
        let opened = made(OFFERS, &QUOTES.replacen(from, to, 1));
        let fault = opened.faults.list.iter().find(|fault| fault.code.name() == code);
        let fault = fault.unwrap_or_else(|| panic!("{to}: {}", opened.faults.render(false)));
        assert_eq!(fault.place.map(|place| place.line), line, "{to}");
    }
}

/// The formula of a constant product is that of two assets.
#[test]
fn a_constant_product_has_two_assets() {
    let three = OFFERS
        .replace("assets = [\"WETH\", \"DAI\"]", "assets = [\"WETH\", \"DAI\", \"USDC\"]")
        .replace("\"200000\"]", "\"200000\", \"200000\"]");
    let faults = made(&three, QUOTES).faults;
    assert_eq!((faults.list[0].found.as_str(), faults.list[0].expected.as_str()), ("3 assets", "two assets"));
}

#[test]
fn assumptions_have_no_defaults() {
    let supply = "format = 1\n[[supply]]\nassets = [\"ETH\"]\ncirculating = \"120000000\"\n";
    let found = supplies(file("s.toml", supply)).rows.expect("rows");
    assert!(found[0].circulating == number("120000000") && !found[0].stable);
    assert!(supplies(file("s.toml", &supply.replace("circulating", "circulation"))).rows.is_none());
    let hazard = "format = 1\n[[hazard]]\nname = \"a\"\nkind = \"bridge\"\nassets = [\"x\"]\na_year = \"0.01\"\nloses = \"0.5\"\n";
    let found = hazards(file("h.toml", hazard)).rows.expect("rows");
    assert_eq!((found[0].kind, found[0].group.as_deref()), (HazardKind::Bridge, None));
    for line in [
        "name = \"a\"\n",
        "kind = \"bridge\"\n",
        "assets = [\"x\"]\n",
        "a_year = \"0.01\"\n",
        "loses = \"0.5\"\n",
    ] {
        let opened = hazards(file("h.toml", &hazard.replace(line, "")));
        assert!(opened.rows.is_none() && opened.faults.count() == 1, "{line}");
    }
    for (from, to) in [
        ("bridge", "bank"),
        ("0.01", "1001"),
        ("0.01", "0.0000000000000000001"),
        ("\"0.5\"", "\"1.5\""),
        ("\"0.5\"", "\"0.0000000000000000001\""),
        ("format = 1", "format = 2"),
    ] {
        let opened = hazards(file("h.toml", &hazard.replace(from, to)));
        assert!(opened.rows.is_none() && opened.faults.count() == 1, "{to}");
    }
}

/// The recorded prices of a stable pool, where they lie beside the repository: what one and ten thousand staked ether brought, to the unit.
#[test]
fn a_stable_pool_pays_what_the_recorded_pool_paid() {
    use plimsoll_core::U256;
    use plimsoll_core::depth::{Pool, Rule};
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/vectors/risk/curve_steth_pool_prices.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: ../shared/vectors/risk is not beside the repository");
        return;
    };
    let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rows = file["rows"].as_array().expect("rows");
    for row in rows {
        let raw = |name: &str| row[name].as_str().expect("a number").parse::<U256>().expect("a number");
        let fee = number("0.0004").scaled_amount(18).expect("18 digits");
        let pool =
            Pool { rule: Rule::StableSwap(U256::new(50)), reserves: vec![raw("eth"), raw("steth")], fee };
        for (sold, paid) in [("1", "out_eth_for_1_steth"), ("10000", "out_eth_for_10000_steth")] {
            let sold = number(sold).scaled_amount(18).expect("18 digits");
            assert_eq!(pool.pays(1, 0, sold), Some(raw(paid)), "{}", row["ts"]);
        }
    }
    assert!(rows.len() > 100, "{}", rows.len());
}
