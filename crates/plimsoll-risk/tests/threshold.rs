//! Lines and caps: liquidations by hand, and laws.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_risk::bars::{Bar, Bars};
use plimsoll_risk::history::Series;
use plimsoll_risk::liquidation::{Account, Depth, Terms, play};
use plimsoll_risk::stream::Stream;
use plimsoll_risk::threshold::{Appetite, Binds, GRID, Given, extreme_drop, step};
use plimsoll_risk::windows::Windows;

fn near(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "found {found}, expected {expected}");
}

const TERMS: Terms = Terms { threshold: 0.85, bonus: 0.05, close: 0.5, full_below: 0.95 };

/// No sale loses anything up to a thousand.
fn deep() -> Depth {
    Depth::new(vec![[1000.0, 1000.0]]).expect("a curve")
}

#[test]
fn a_curve_is_a_line_that_ends() {
    let curve = Depth::new(vec![[10.0, 9.5], [20.0, 18.0], [30.0, 18.0]]).expect("a curve");
    for (sold, brings) in [(0.0, 0.0), (5.0, 4.75), (15.0, 13.75), (25.0, 18.0), (99.0, 18.0)] {
        near(curve.brings(sold), brings, 1e-12);
    }
    // At a loss of 10 % the second point holds; at 7.5 % a place between the first two: 9.5 + 0.85 (s - 10) = 0.925 s.
    near(curve.at_loss(0.1), 20.0, 1e-9);
    near(curve.at_loss(0.075), 13.333_333_333, 1e-6);
    near(curve.at_loss(0.04), 0.0, 1e-12);
    // A point that is next to the line itself, where the slope is the part that is kept: nothing before it holds.
    let on_it = Depth::new(vec![[542.229_915_861_187_6, 477.162_325_957_845_04]]).expect("a curve");
    near(on_it.at_loss(0.12), 0.0, 0.0);
    for wrong in [
        vec![],
        vec![[0.0, 0.0]],
        vec![[2.0, 3.0]],
        vec![[1.0, 1.0], [1.0, 1.0]],
        vec![[1.0, 1.0], [2.0, 0.5]],
    ] {
        assert!(Depth::new(wrong.clone()).is_err(), "{wrong:?}");
    }
}

#[test]
fn one_call_after_the_other_by_hand() {
    let one = |price: f64, depth: &Depth, terms: &Terms| {
        let mut accounts = [Account { held: 10.0, owed: 800.0 }];
        (play(&[100.0, price], &mut accounts, terms, depth), accounts[0])
    };
    // At 90: health 0.956, so half: 400 repaid, 4.667 seized; 480 left against 400 is healthy again.
    let (played, left) = one(90.0, &deep(), &TERMS);
    near(played.repaid, 400.0, 1e-9);
    near(played.sold, 400.0 * 1.05 / 90.0, 1e-9);
    near(left.owed, 400.0, 1e-9);
    near(played.bad_debt, 0.0, 1e-12);
    // At 60 everything goes, and 800 - 600/1.05 stay.
    let (played, left) = one(60.0, &deep(), &TERMS);
    near(played.bad_debt, 800.0 - 600.0 / 1.05, 1e-9);
    near(left.held, 0.0, 1e-12);
    // The curve loses 8 % from the first unit on: the bonus of 5 % does not pay, nobody acts, and at 70 a hundred is uncovered.
    let poor = Depth::new(vec![[1000.0, 920.0]]).expect("a curve");
    let (played, left) = one(70.0, &poor, &TERMS);
    near(played.repaid, 0.0, 1e-12);
    near(left.owed, 800.0, 1e-12);
    near(played.bad_debt, 100.0, 1e-9);
    // It takes two and no more: halves are tried down to a 64th. Of 800 at 84 (full) a quarter is 2.5 units, an eighth 1.25.
    let short = Depth::new(vec![[2.0, 2.0]]).expect("a curve");
    let (played, _) = one(84.0, &short, &TERMS);
    assert!(played.beyond && played.sold <= 2.0 && played.sold > 1.25, "{played:?}");
}

/// Worse prices, a shallower curve and more debt leave no less uncovered, when nobody can act.
#[test]
fn nothing_is_uncovered_above_the_line() {
    let mut accounts = [Account { held: 10.0, owed: 849.0 }, Account { held: 1.0, owed: 1.0 }];
    let played = play(&[100.0; 24], &mut accounts, &TERMS, &deep());
    near(played.repaid + played.bad_debt + played.sold, 0.0, 0.0);
}

/// Hourly bars of so many days, with a crash of a third within five hours on some of them.
fn series(days: usize, crashes: &[usize]) -> Series {
    let mut stream = Stream::new(11, 0);
    let mut bars = Vec::new();
    let mut price = 1000.0_f64;
    for hour in 0..days * 24 {
        let crash = crashes.contains(&(hour / 24)) && (5..10).contains(&(hour % 24));
        let open = price;
        price *= (0.004 * stream.normal() + if crash { -0.08 } else { 0.0 }).exp();
        let low = open.min(price) * 0.999;
        bars.push(Bar { time: hour as i64 * 3600, open, high: open.max(price) * 1.001, low, close: price });
    }
    let bars = Bars::new(3600, bars).expect("bars");
    Series { base: "A".into(), quote: "USD".into(), bars, ranged: true }
}

#[test]
fn nothing_after_the_date_is_looked_at() {
    let (calm, wild) = (series(200, &[]), series(200, &[150]));
    let at = 150 * 86_400;
    let [one, two] = [&calm, &wild].map(|series| Windows::new(series, at).expect("windows"));
    assert_eq!(one, two);
    let later = [&calm, &wild].map(|series| Windows::new(series, at + 2 * 86_400).expect("windows"));
    assert_ne!(later[0], later[1]);
    // Windows begin when their price is known, are a day long, and have the volatility of the day before.
    let first = &one.all[0];
    assert_eq!(first.lows.len(), 24);
    let bar = calm.bars.bars().iter().find(|bar| bar.time + 3600 == first.from).expect("its bar");
    let next = calm.bars.bars().iter().find(|bar| bar.time == first.from).expect("the next");
    near(first.lows[0], (next.low / bar.close).ln(), 1e-12);
    let falls = one.falls(first.volatility);
    let lowest = first.lows.iter().copied().fold(0.0, f64::min);
    near(falls[0], 1.0 - lowest.exp(), 1e-12);
    let gappy = Series {
        bars: Bars::new(
            3600,
            calm.bars.bars().iter().filter(|bar| bar.time != 100 * 86_400).copied().collect(),
        )
        .expect("bars"),
        ..calm
    };
    let torn = Windows::new(&gappy, at).expect("windows");
    assert!(
        torn.torn >= 4 && torn.all.len() + torn.torn <= one.all.len(),
        "{} {}",
        torn.torn,
        torn.all.len()
    );
}

/// The line holds the loss and the next does not; who tolerates more has a line and a cap that are no lower.
#[test]
fn a_line_holds_and_half_a_point_more_does_not() {
    let series = series(400, &[100, 180, 260, 300, 350]);
    let windows = Windows::new(&series, i64::MAX).expect("windows");
    let depth = Depth::new(
        (1..=40)
            .map(|n| {
                let x = 50.0 * f64::from(n);
                [x, x * (1.0 - 0.004 * f64::from(n))]
            })
            .collect(),
    )
    .expect("a curve");
    let given = |tolerated: f64| Given {
        windows: &windows,
        depth: &depth,
        tolerated,
        debt: 300_000.0,
        usage: vec![(1.0, 0.5), (0.6, 0.5)],
        lot: 20_000.0,
        terms: Terms { threshold: 1.0, ..TERMS },
    };
    for appetite in Appetite::ALL {
        let (mut before, mut cap_before) = (0.0, 0.0);
        for tolerated in [100.0, 2_000.0, 20_000.0, 200_000.0] {
            let given = given(tolerated);
            let line = given.line(appetite).expect("a line");
            assert!(line.loss <= tolerated && line.threshold >= before, "{appetite:?} {tolerated}: {line:?}");
            if let Some((next, _)) = line.next {
                assert!(next > tolerated, "{line:?}");
            }
            assert!(line.threshold < 1.0 / 1.05 && line.ltv <= line.threshold);
            // Recomputed from its definition.
            if appetite != Appetite::Conservative && line.threshold > 0.0 {
                let paths = windows.paths(Some(appetite.volatility(&windows)));
                let (losses, _) = given.losses(&paths, line.threshold, line.ltv);
                near(appetite.measure(&losses).expect("a measure").0, line.loss, 1e-9);
                let up = line.threshold + GRID;
                let pays = given.bonus(appetite).expect("a bonus").max(0.05);
                assert!(line.threshold * (1.0 + pays) <= 1.0);
                if up * (1.0 + pays) < 1.0 {
                    let (losses, _) = given.losses(&paths, up, up * (1.0 - line.gap.0));
                    assert!(appetite.measure(&losses).expect("a measure").0 > tolerated);
                }
            }
            // Without a line no cap is tried.
            let none = plimsoll_risk::threshold::Line { threshold: 0.0, ltv: 0.0, ..line };
            assert_eq!(given.cap(appetite, &none, 0.35, None).expect("a cap").binds, Binds::NoLine);
            before = line.threshold;
            let fixed = plimsoll_risk::threshold::Line { threshold: 0.7, ltv: 0.6, ..line };
            let cap = given.cap(appetite, &fixed, 0.35, None).expect("a cap");
            assert!(cap.debt >= cap_before * 0.998, "{appetite:?} {tolerated}: {cap:?} after {cap_before}");
            cap_before = cap.debt;
            let half = given.cap(appetite, &fixed, 0.35, Some(cap.supply)).expect("a cap");
            if cap.supply > 0.0 {
                assert_eq!(half.binds, Binds::Circulating);
                near(half.supply, 0.5 * cap.supply, 1e-9);
            }
        }
    }
}

#[test]
fn steps_and_drops() {
    near(step(0.8, 0.7, false), 0.77, 1e-12);
    near(step(0.8, 0.81, false), 0.81, 1e-12);
    near(step(0.5, 0.9, false), 0.53, 1e-12);
    near(step(0.8, 0.7, true), 0.0, 0.0);
    for (value, stable, drop) in [
        (None, false, 0.5),
        (Some(1e9), false, 0.5),
        (Some(2e9), false, 0.35),
        (Some(20e9), false, 0.35),
        (Some(21e9), false, 0.15),
        (Some(1e6), true, 0.15),
    ] {
        near(extreme_drop(value, stable), drop, 0.0);
    }
}
