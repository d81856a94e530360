//! The model of liquidations that lines are set by, beside the venue's own integers; and what lines are set from.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // a book that cannot be read has failed the test

mod common;

use common::{example, place};
use plimsoll::{
    Calibrated, Calibrating, Change, Gate, Jump, Ladder, Observed, Said, Stress, calibrate, whatif_all,
};
use plimsoll_core::{
    AccountId, Book, Decimal, Depth, DepthCurve, FeedKind, How, Int, Observation, Origin, Scenario, Shock,
    Target,
};
use plimsoll_risk::bars::{Bar, Bars};
use plimsoll_risk::history::{History, Series};
use plimsoll_risk::liquidation::{Account, Depth as Sales, Terms, play};

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

fn real(value: Int, decimals: u8) -> f64 {
    Decimal { mantissa: value, decimals }.to_string().parse().expect("a number")
}

/// One account of the treasury: wstETH against USDC, with a threshold of 86 % and a bonus of 1 / (1 - 0.3 x 0.14) - 1.
fn alone() -> Book {
    let mut book = example("treasury");
    let at = place(&book, "acme-usdc");
    book.accounts = vec![book.accounts[at].clone()];
    book.accounts[0].account.id = AccountId(0);
    book
}

fn fallen(book: &Book, factor: &str, points: &[[&str; 2]]) -> Jump {
    let curve = DepthCurve {
        assets: texts(&["wstETH"]),
        against: Vec::new(),
        price: decimal("1"),
        points: points.iter().map(|pair| pair.map(decimal)).collect(),
    };
    let (name, sources, gas, recovers) = ("test".into(), Vec::new(), Vec::new(), decimal("0"));
    let depth = Depth { name, sources, curves: vec![curve], gas, recovers };
    let kinds = vec![FeedKind::Oracle, FeedKind::Market];
    let target = Target::Assets { assets: texts(&["ETH"]), currency: texts(&["USD"]), kinds };
    let shock = Shock { target, how: How::Factor(decimal(factor)), liquidity: None };
    let scenario = Scenario::of_prices("fall", texts(&["USDC"]), vec![shock]);
    let stress = Stress::new(book).expect("a book").sold_into(depth).expect("free calls");
    stress.jump(&scenario, &Said::default()).unwrap_or_else(|why| panic!("{why}"))
}

#[test]
fn the_model_leaves_what_the_venues_integers_leave() {
    let book = alone();
    let curves: [&[[&str; 2]]; 4] = [
        &[["1000000", "1000000"]],
        &[["100", "100"], ["600", "585"], ["1200", "1140"], ["3000", "2600"]],
        // From the first unit on the bonus does not pay, or only for a part.
        &[["3000", "2800"]],
        &[["200", "199"], ["400", "380"], ["3000", "1500"]],
    ];
    let mut seen = [0; 3];
    for factor in ["0.89", "0.85", "0.8", "0.75", "0.7", "0.6", "0.45"] {
        for points in curves {
            let jump = fallen(&book, factor, points);
            let below = jump.below.first().expect("it falls");
            let risk = &jump.risks[0];
            let money = |value: Int| real(value, risk.decimals);
            // In money at the price after the fall.
            let after = &jump.shocked.book;
            let id = after.graph.find("wstETH/USD").expect("a price");
            let quote = after.graph.quotes(after.at)[id.0 as usize].value.expect("known");
            let price = real(quote.mantissa, quote.decimals);
            let number = |text: &str| text.parse::<f64>().expect("a number");
            let points = points.iter().map(|[sold, brings]| [number(sold) * price, number(brings) * price]);
            let depth = Sales::new(points.collect()).expect("a curve");
            let held = money(below.collateral.expect("valued"));
            let mut accounts = [Account { held, owed: money(below.debt.expect("valued")) }];
            let terms =
                Terms { threshold: 0.86, bonus: 1.0 / (1.0 - 0.3 * 0.14) - 1.0, close: 1.0, full_below: 0.0 };
            let played = play(&[1.0], &mut accounts, &terms, &depth);
            let near = |what: &str, found: f64, expected: Int| {
                let expected = money(expected);
                let within = 2e-6 * held;
                assert!((found - expected).abs() < within, "{factor} {what}: {found}, the venue {expected}");
            };
            near("sold", played.sold, risk.sales.sold);
            near("bad debt", played.bad_debt, risk.sales.bad_debt);
            seen[0] += usize::from(played.sold > 0.0);
            seen[1] += usize::from(played.bad_debt > 0.0);
            seen[2] += usize::from(accounts[0].owed > 0.0 && accounts[0].held > 0.0);
        }
    }
    assert!(seen.iter().all(|cases| *cases >= 4), "{seen:?}");
}

/// Bars of six hours in the 80 days before the treasury's time, each a close that is so many times the first.
fn series(base: &str, quote: &str, first: f64, times: impl Fn(i64) -> f64) -> Series {
    let bar = |at: i64| {
        let close = first * times(at);
        Bar { time: 1_760_097_600 + 21_600 * (at - 320), open: close, high: close, low: close, close }
    };
    let bars = Bars::new(21_600, (0..320).map(bar).collect()).expect("bars");
    Series { base: base.into(), quote: quote.into(), bars, ranged: true }
}

/// Ether that trembles by 2 % and less, and further series.
fn history(further: Vec<Series>) -> History {
    let trembles = |at: i64| 1.0 + 0.001 * (at * at % 19) as f64;
    let all = std::iter::once(series("ETH", "USD", 4000.0, trembles)).chain(further).collect();
    History::new("USD".into(), all, Vec::new(), String::new())
}

fn calibrated(
    book: &Book,
    history: &History,
    asset: Option<&str>,
    like: &[(String, String)],
) -> Vec<Calibrated> {
    let curve = DepthCurve {
        assets: texts(&["WETH", "ETH", "wstETH"]),
        against: Vec::new(),
        price: decimal("1"),
        points: vec![[decimal("1000"), decimal("990")], [decimal("20000"), decimal("18000")]],
    };
    let (name, sources, gas, recovers) = ("test".into(), Vec::new(), Vec::new(), decimal("0"));
    let depth = Depth { name, sources, curves: vec![curve], gas, recovers };
    let hold = texts(&["USDC"]);
    let (fund, supplies, hazards, market) = (None, &[][..], None, Some("aave-core"));
    let with =
        Calibrating { history, depth: &depth, fund, supplies, hazards, hold: &hold, like, market, asset };
    calibrate(book, &with).unwrap_or_else(|why| panic!("{why:?}")).all
}

fn found(all: &[Calibrated]) -> &Observed {
    all[0].found.as_ref().unwrap_or_else(|why| panic!("{why}"))
}

fn pegs(seen: &Observed) -> Vec<&Gate> {
    seen.gates.iter().filter(|gate| gate.name == "peg").collect()
}

/// A pair of two coins is no peg, and what an asset is mapped to does not hide its own.
#[test]
fn a_peg_is_the_assets_own_and_near_one() {
    let book = example("treasury");
    let trembles = |at: i64| 1.0 + 0.001 * (at * at % 7) as f64;
    let cross = history(vec![series("ETH", "BTC", 0.035, trembles)]);
    assert_eq!(pegs(found(&calibrated(&book, &cross, Some("WETH"), &[]))), Vec::<&Gate>::new());
    // It stood at one and fell to 0.85 for a day.
    let broke = |at: i64| if (100..104).contains(&at) { 0.85 } else { 1.0 };
    let own = history(vec![series("WSTETH", "ETH", 1.0, broke)]);
    let like = [("wstETH".to_string(), "ETH".to_string())];
    let all = calibrated(&book, &own, Some("wstETH"), &like);
    let peg = pegs(found(&all));
    assert_eq!(peg.len(), 1, "{peg:?}");
    assert!((peg[0].figure.expect("known") - 0.15).abs() < 1e-12 && !peg[0].passes(), "{peg:?}");
}

/// An LTV of 0 is a number, and a step from it is no larger than any other.
#[test]
fn a_number_that_is_zero_is_one() {
    let book = example("treasury");
    let change = Change::Set { number: "aave-core/WETH/ltv".into(), value: Int::ZERO };
    let frozen =
        whatif_all(&book, &[change], &Ladder::default()).unwrap_or_else(|why| panic!("{why:?}")).book;
    let all = calibrated(&frozen, &history(Vec::new()), Some("WETH"), &[]);
    assert_eq!(all[0].rules.ltv.as_ref().map(|told| told.value), Some(0.0));
    for column in &found(&all).columns {
        assert!(column.next.1 <= 0.03 + 1e-12, "{:?}", column.next);
    }
}

/// Whose collateral has no price is counted, and the collateral is listed.
#[test]
fn collateral_without_a_price_is_not_left_out() {
    let mut book = example("treasury");
    let ether = book.graph.find("ETH/USD").expect("a price");
    let Some(Origin::Feed(feed)) = book.graph.origin(ether).cloned() else { panic!("no feed") };
    book.graph.observe(ether, Observation { price: None, ..feed }).expect("a feed");
    let all = calibrated(&book, &history(Vec::new()), None, &[]);
    let unknown: Vec<(&str, u64, u64)> =
        all.iter().map(|one| (one.asset.as_str(), one.stand.accounts, one.stand.unknown)).collect();
    // Alice; Bob and the loop.
    assert_eq!(unknown, [("WETH", 0, 1), ("wstETH", 0, 2)]);
}
