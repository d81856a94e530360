//! Prices and schedules against what their laws say.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_core::U256;
use plimsoll_sim::almgren_chriss::Sale;
use plimsoll_sim::prices::{Drawn, Motion, Paths, Tick, YEAR};
use plimsoll_sim::square_root;

/// Cost and variance of the closed form are the sums over slices that the paper begins with: spread, half of the permanent impact, temporary impact
/// of each slice; the variance of what is held between them.
#[test]
fn a_schedules_closed_form_is_its_sum_over_slices() {
    let sale = Sale {
        units: 1e6,
        days: 5.0,
        slices: 5,
        sigma: 0.95,
        spread: 0.0625,
        permanent: 2.5e-7,
        temporary: 2.5e-6,
    };
    for aversion in [1e-8, 1e-7, 1e-6, 1e-5] {
        let found = sale.schedule(aversion).expect("a schedule");
        let sold: f64 = found.sold.iter().sum();
        assert!((sold - 1e6).abs() < 1e-6, "{sold}");
        for (slice, sold) in found.sold.iter().enumerate() {
            assert!((found.held[slice] - found.held[slice + 1] - sold).abs() < 1e-6);
        }
        let eta = 2.5e-6 - 2.5e-7 / 2.0;
        let squares: f64 = found.sold.iter().map(|sold| sold * sold).sum();
        let cost = 2.5e-7 / 2.0 * 1e12 + 0.0625 * 1e6 + eta * squares;
        let held: f64 = found.held[1..].iter().map(|held| held * held).sum();
        let variance = 0.95 * 0.95 * held;
        assert!((found.cost / cost - 1.0).abs() < 1e-9, "{} {cost}", found.cost);
        assert!((found.variance / variance - 1.0).abs() < 1e-9, "{} {variance}", found.variance);
    }
    // Sold evenly it costs more to whoever minds, and whoever hardly minds sells nearly evenly.
    let calm = sale.schedule(1e-12).expect("a schedule");
    assert!(calm.sold.iter().all(|sold| (sold - 2e5).abs() < 100.0), "{:?}", calm.sold);
    assert_eq!(
        Sale { permanent: 6e-6, ..sale }.schedule(1e-6),
        None,
        "permanent impact within a slice beyond the temporary one"
    );
    assert_eq!(Sale { slices: 0, ..sale }.schedule(1e-6), None);
    assert_eq!(sale.schedule(f64::NAN), None);
}

/// A third of a bar apart: open, the extreme against its direction, the other, close.
#[test]
fn bars_are_walked_through_their_lows_and_highs() {
    let bars = [vec![[1.0, 1.2, 0.5, 0.8], [0.8, 1.0, 0.7, 0.9]]];
    let Some(Paths::Given(ticks)) = Paths::bars(&bars, 3600) else { panic!("ticks") };
    let seen: Vec<(u64, i64)> =
        ticks.iter().map(|tick| (tick.after, (tick.logs[0].exp() * 1000.0).round() as i64)).collect();
    let first = [(0, 1000), (900, 1200), (1800, 500), (3599, 800)];
    let second = [(3600, 800), (4500, 700), (5400, 1000), (7199, 900)];
    assert_eq!(seen, [first, second].concat());
    assert_eq!(Paths::bars(&[vec![[1.0, 0.9, 0.5, 0.8]]], 3600), None, "a high below the open");
    assert_eq!(Paths::bars(&[vec![[1.0; 4]], vec![]], 3600), None);
}

#[test]
fn points_have_straight_lines_of_logarithms_between() {
    let way = [Tick { after: 0, logs: vec![0.0] }, Tick { after: 600, logs: vec![-1.0] }];
    let Some(Paths::Given(ticks)) = Paths::points(&way, 4, 300) else { panic!("ticks") };
    let logs: Vec<f64> = ticks.iter().map(|tick| tick.logs[0]).collect();
    assert_eq!(logs, [0.0, -0.5, -1.0, -1.0, -1.0]);
}

/// Mean and variance of what is drawn, each within four standard errors; and how often a jump comes.
#[test]
fn drawn_prices_have_the_moments_of_their_law() {
    let drawn = |jumps: f64, motion: Motion| {
        Paths::Drawn(Drawn {
            steps: 100,
            seconds: 3600,
            way: Vec::new(),
            each: vec![motion; 2],
            together: 0.6,
            jumps,
        })
    };
    let runs = 4000_u64;
    let ends = |paths: &Paths| -> Vec<[f64; 2]> {
        (0..runs)
            .map(|run| {
                let ticks = paths.run(3, run);
                let logs = &ticks.last().expect("a tick").logs;
                [logs[0], logs[1]]
            })
            .collect()
    };
    let n = runs as f64;
    let moments = |of: &dyn Fn(&[f64; 2]) -> f64, ends: &[[f64; 2]]| {
        let mean = ends.iter().map(of).sum::<f64>() / n;
        (mean, ends.iter().map(|end| (of(end) - mean).powi(2)).sum::<f64>() / n)
    };
    let time = 100.0 * 3600.0 / YEAR;
    let sigma = 0.8;
    let diffusion = ends(&drawn(0.0, Motion { volatility: sigma, ..Motion::default() }));
    let (mean, variance) = moments(&|end| end[0], &diffusion);
    let expected = sigma * sigma * time;
    assert!((mean + expected / 2.0).abs() < 4.0 * (expected / n).sqrt(), "{mean}");
    assert!((variance / expected - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{variance}");
    let both =
        diffusion.iter().map(|end| (end[0] + expected / 2.0) * (end[1] + expected / 2.0)).sum::<f64>() / n;
    assert!((both / expected - 0.6).abs() < 4.0 * ((1.0 + 0.36) / n).sqrt(), "{both}");
    // Jumps alone, of one size: their count is that of steps with one.
    let jumps = ends(&drawn(50.0, Motion { jump: -0.1, ..Motion::default() }));
    let (mean, _) = moments(&|end| end[0], &jumps);
    let chance = 1.0 - (-50.0 * 3600.0 / YEAR).exp();
    let expected = -0.1 * 100.0 * chance;
    assert!((mean - expected).abs() < 4.0 * 0.1 * (100.0 * chance / n).sqrt(), "{mean} {expected}");
    assert!(jumps.iter().all(|end| (end[0] - end[1]).abs() < 1e-12), "all jump at once");
}

/// A day's volume loses `impact` on its last unit and two thirds of it in all; a quarter of it half of that.
#[test]
fn a_square_root_law_loses_two_thirds_of_its_last_unit() {
    let points = square_root(0.1, 1000.0, 1000.0, 2.0).expect("a curve");
    let one = 1e18;
    let float = |of: U256| of.to_u128().expect("small") as f64 / one;
    let [sold, brings] = points[31];
    assert!((float(sold) - 1000.0).abs() < 1e-6 && (float(brings) - 2000.0 * (1.0 - 0.2 / 3.0)).abs() < 1e-5);
    let [sold, brings] = points[27];
    assert!((float(sold) - 250.0).abs() < 1e-6 && (float(brings) - 500.0 * (1.0 - 0.1 / 3.0)).abs() < 1e-5);
    assert!(points.windows(2).all(|pair| pair[0][0] < pair[1][0] && pair[0][1] < pair[1][1]));
    assert_eq!(square_root(0.1, 1000.0, 1e6, 2.0), None, "the last unit would lose more than everything");
}
