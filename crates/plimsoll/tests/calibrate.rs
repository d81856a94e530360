//! The model of liquidations that lines are set by, beside the venue's own integers.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // a book that cannot be read has failed the test

mod common;

use common::{example, place};
use plimsoll::{Jump, Said, Stress};
use plimsoll_core::{
    AccountId, Book, Decimal, Depth, DepthCurve, FeedKind, How, Int, Scenario, Shock, Target,
};
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
