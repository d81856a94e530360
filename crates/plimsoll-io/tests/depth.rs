//! Depth curves as files: what they say, and every way in which one can be wrong.

#![allow(clippy::expect_used)] // curves that cannot be read have failed the test

use plimsoll_core::Decimal;
use plimsoll_io::depth::read;

const SOUND: &str = r#"format = 1
name = "x"
sources = ["nobody"]
recovers = "0.25"

[[gas]]
in = ["USD", "USDC"]
amount = "12.5"

[[depth]]
assets = ["WETH", "ETH"]
for = ["USDC"]
price = "2000"
received = [["10", "20000"], ["100", "190000"]]

[[depth]]
assets = ["WETH"]
impact = [["10", "0"], ["100", "0.05"]]
"#;

fn number(text: &str) -> Decimal {
    text.parse().expect("a number")
}

#[test]
fn curves_are_what_the_file_says() {
    let opened = read("x.toml", SOUND);
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    let depth = opened.depth.expect("sound");
    assert_eq!(depth.recovers, number("0.25"));
    assert_eq!(depth.gas_in("USDC"), Some(number("12.5")));
    assert_eq!(depth.gas_in("DAI"), None);
    // 100 sold at a loss of 5 % bring 95 at a price of one; 0.95 x 2000 x 100 is what the first says.
    let points: Vec<[Decimal; 2]> =
        depth.curves[1].points.iter().map(|pair| pair.map(Decimal::trimmed)).collect();
    assert_eq!(points, [[number("10"); 2], [number("100"), number("95")]]);
    assert_eq!(depth.curves[0].price, number("2000"));
    // Who is named goes before whoever it may be.
    let places =
        [("WETH", "USDC", Some(0)), ("ETH", "USDC", Some(0)), ("WETH", "DAI", Some(1)), ("ETH", "DAI", None)];
    for (asset, against, expected) in places {
        assert_eq!(depth.curve(asset, against), expected, "{asset} for {against}");
    }
}

#[test]
fn every_fault_is_told_where_it_stands() {
    let cases = [
        ("format = 1", "format = 3", "PL0512", 1),
        ("name = \"x\"", "nam = \"x\"", "PL0509", 2),
        ("recovers = \"0.25\"", "recovers = \"25\"", "PL0515", 4),
        ("amount = \"12.5\"", "amount = \"-1\"", "PL0516", 8),
        ("amount = \"12.5\"", "", "PL0510", 6),
        ("assets = [\"WETH\", \"ETH\"]", "", "PL0510", 10),
        ("price = \"2000\"", "", "PL0510", 14),
        ("price = \"2000\"", "price = \"0\"", "PL0515", 13),
        ("price = \"2000\"", "price = \"1900\"", "PL0515", 14),
        ("[\"10\", \"20000\"]", "[\"10\", \"ten\"]", "PL0513", 14),
        ("[\"10\", \"20000\"]", "[\"10\"]", "PL0511", 14),
        ("[\"10\", \"20000\"]", "[\"0\", \"0\"]", "PL0515", 14),
        ("[\"100\", \"190000\"]", "[\"10\", \"20000\"]", "PL0515", 14),
        ("[\"100\", \"190000\"]", "[\"100\", \"19000\"]", "PL0515", 14),
        ("[\"100\", \"190000\"]", "[\"10000000000000000000000000\", \"190000\"]", "PL0515", 14),
        ("[\"100\", \"190000\"]", "[\"100.0000000000000000001\", \"190000\"]", "PL0515", 14),
        ("received = [[\"10\", \"20000\"], [\"100\", \"190000\"]]", "received = []", "PL0515", 14),
        ("received", "recieved", "PL0509", 14),
        ("impact = [", "price = 1\nimpact = [", "PL0523", 18),
        ("[\"100\", \"0.05\"]", "[\"100\", \"1.05\"]", "PL0515", 18),
        ("[\"100\", \"0.05\"]", "[\"100\", \"0.95\"]", "PL0515", 18),
        ("assets = [\"WETH\"]", "assets = [\"WETH\"]\nfor = [\"DAI\", \"USDC\"]", "PL0540", 16),
    ];
    for (from, to, code, line) in cases {
        let text = SOUND.replacen(from, to, 1);
        assert_ne!(text, SOUND, "{from}");
        let opened = read("x.toml", &text);
        assert_eq!(opened.depth, None, "{to}");
        let fault = opened.faults.list.iter().find(|fault| fault.code.name() == code);
        let fault = fault.unwrap_or_else(|| panic!("{to}: {}", opened.faults.render(false)));
        assert_eq!(fault.place.map(|place| place.line), Some(line), "{to}: {fault}");
        assert_eq!(opened.faults.count(), 1, "one slip is told once: {}", opened.faults.render(false));
    }
}
