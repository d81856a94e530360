//! Alarms on made-up prices: how often they come for nothing, and whether a break is told, once. Pegs, regimes and wrong-way risk by hand.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_risk::bars::Bar;
use plimsoll_risk::copula::tail_dependence;
use plimsoll_risk::peg::peg;
use plimsoll_risk::regime::{Regime, crises, looks};
use plimsoll_risk::rolling::band;
use plimsoll_risk::stream::Stream;
use plimsoll_risk::watch::{Broke, HOURS, Two, Watched, banded, steady, watch, watch_mean};
use plimsoll_risk::wrong_way::wrong_way;

/// Hourly returns of assets with a common factor: a t copula with Student margins (one chi-squared for all, `nu` degrees of freedom) of
/// this correlation, times volatilities of their own that cluster as GARCH(1,1) has it, with the persistence that hours have.
fn hours(
    seed: u64,
    assets: usize,
    count: usize,
    nu: f64,
    correlation: impl Fn(usize) -> f64,
) -> Vec<Vec<f64>> {
    let (alpha, beta) = (0.06, 0.93);
    let mut stream = Stream::new(seed, 0);
    let mut variances = vec![1.0; assets];
    let mut all = vec![Vec::with_capacity(count); assets];
    for hour in 0..count {
        let rho = correlation(hour);
        let common = stream.normal();
        let scale = ((nu - 2.0) / nu / stream.chi_squared_mean(nu)).sqrt();
        for (variance, list) in variances.iter_mut().zip(&mut all) {
            let own = rho.abs().sqrt() * common + (1.0 - rho.abs()).sqrt() * stream.normal();
            let value = own * scale * f64::sqrt(*variance);
            // Of unlimited Student moves a hundred in a row would leave no finite variance.
            *variance = 1.0 - alpha - beta + alpha * (value * value).min(100.0) + beta * *variance;
            list.push(0.006 * value);
        }
    }
    all
}

fn times(count: usize) -> Vec<i64> {
    (1..=count as i64).map(|hour| 3600 * hour).collect()
}

/// Leaves out the hours before volatilities are known.
fn known(returns: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let steady = steady(returns, &HOURS).expect("returns");
    (returns[30..].to_vec(), steady[30..].to_vec())
}

fn watched(returns: &[Vec<f64>]) -> Watched {
    let ((a, u), (b, v)) = (known(&returns[0]), known(&returns[1]));
    let two = Two { times: &times(a.len()), returns: [&a, &b], steady: [&u, &v] };
    watch(two, &HOURS).expect("watched")
}

const YEAR: usize = 8_766;

/// Of prices whose correlation never changes, fat in the tails and wild in clusters: how many alarms a year. The figures stand in
/// `docs/correlations.md`.
#[test]
fn constant_correlations_seldom_alarm() {
    let mut seed = 0;
    let (mut all, mut span) = ([0, 0], 0.0);
    for nu in [3.0, 5.0] {
        for rho in [0.0, 0.5, 0.85] {
            let (mut counts, mut years) = ([0, 0], 0.0);
            for _ in 0..8 {
                seed += 1;
                let found = watched(&hours(seed, 2, 2 * YEAR, nu, |_| rho));
                found.alarms.iter().for_each(|alarm| counts[alarm.broke as usize] += 1);
                years += found.readings.len() as f64 / YEAR as f64;
            }
            println!("nu {nu}, correlation {rho}: {counts:?} broken and apart in {years:.0} years");
            all = [all[0] + counts[0], all[1] + counts[1]];
            span += years;
        }
    }
    let rates = all.map(|count| f64::from(count) / span);
    println!("pairs: {all:?} in {span:.0} years, {:.2} and {:.2} a year", rates[0], rates[1]);
    assert!(rates[0] + rates[1] < 1.0, "{rates:?}");
    let (mut alarms, mut years) = (0, 0.0);
    for seed in 100..116 {
        let all: Vec<Vec<f64>> =
            hours(seed, 5, 2 * YEAR, 4.0, |_| 0.6).iter().map(|one| known(one).1).collect();
        let lists: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
        let found = watch_mean(&times(lists[0].len()), &lists, &HOURS).expect("watched");
        alarms += found.alarms.len();
        years += found.readings.len() as f64 / YEAR as f64;
    }
    let rate = alarms as f64 / years;
    println!("means: {alarms} alarms in {years:.0} years, {rate:.2} a year");
    assert!(rate < 4.0, "{rate}");
}

/// A correlation that falls from 0.85 to 0.2 and stays there is told within a week and a half, once, and as a fall.
#[test]
fn a_break_is_told_once() {
    let mut told = 0;
    for seed in 500..520 {
        let at = 5_000;
        let found = watched(&hours(seed, 2, at + 1_000, 4.0, |hour| if hour < at { 0.85 } else { 0.2 }));
        let after =
            found.alarms.iter().filter(|alarm| alarm.broke == Broke::Correlation && alarm.row + 30 >= at);
        let after: Vec<_> = after.collect();
        assert!(after.len() <= 1, "{after:?}");
        for alarm in after {
            assert!(alarm.fast < alarm.slow && alarm.beyond < -HOURS.broken);
            told += usize::from(alarm.row + 30 <= at + 250);
        }
    }
    assert!(told >= 18, "{told} of 20 told");
}

/// One that moves a hundred times as far as the other can explain has parted from it, whatever the ranks say.
#[test]
fn a_collapse_is_a_parting() {
    let mut all = hours(77, 2, 6_000, 4.0, |_| 0.7);
    for (hour, value) in all[1].iter_mut().enumerate().skip(5_000).take(60) {
        *value = if hour % 3 == 0 { 0.1 } else { -0.2 };
    }
    let found = watched(&all);
    let apart = found.alarms.iter().filter(|alarm| alarm.broke == Broke::Apart && alarm.row + 30 >= 5_000);
    let apart: Vec<_> = apart.collect();
    assert_eq!(apart.len(), 1, "{apart:?}");
    assert!(apart[0].row + 30 < 5_060 && apart[0].fast > 5.0, "{apart:?}");
}

/// The statistic by brute force: Fisher's z of both windows, over the error from means of whole days, over how far it went.
#[test]
fn the_statistic_is_what_it_says() {
    let all = hours(9, 2, 2_000, 5.0, |_| 0.5);
    let found = watched(&all);
    let (u, v) = (known(&all[0]).1, known(&all[1]).1);
    let mut past: Vec<f64> = Vec::new();
    for reading in &found.readings {
        let end = reading.row + 1;
        let middle = end - 168;
        let start = middle.saturating_sub(2_160);
        let means = |from: usize, to: usize| {
            let n = (to - from) as f64;
            let sum = |f: &dyn Fn(usize) -> f64| (from..to).map(f).sum::<f64>() / n;
            [sum(&|i| u[i] * v[i]), sum(&|i| u[i] * u[i]), sum(&|i| v[i] * v[i])]
        };
        let r = |[ab, aa, bb]: [f64; 3]| ab / (aa * bb).sqrt();
        let (fast, slow) = (means(middle, end), means(start, middle));
        let (r0, r1) = (r(slow), r(fast));
        // What a row does to z: (xy - r (x² + y²) / 2) / (1 - r²), in units of the slow window's volatilities.
        let does = |i: usize| {
            let (x, y) = (u[i] / slow[1].sqrt(), v[i] / slow[2].sqrt());
            (x * y - r0 * (x * x + y * y) / 2.0) / (1.0 - r0 * r0)
        };
        let blocks: Vec<f64> = (start.div_ceil(24)..middle / 24)
            .map(|block| (24 * block..24 * block + 24).map(does).sum::<f64>() / 24.0)
            .collect();
        let mean = blocks.iter().sum::<f64>() / blocks.len() as f64;
        let spread = blocks.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (blocks.len() - 1) as f64;
        let error = (24.0 * spread * (1.0 / 168.0 + 1.0 / (middle - start) as f64)).sqrt();
        let errors = (r1.atanh() - r0.atanh()) / error;
        assert!((reading.fast - r1).abs() < 1e-9 && (reading.slow - r0).abs() < 1e-9);
        assert!((reading.errors - errors).abs() < 1e-6, "{} {errors}", reading.errors);
        let known = &past[..(past.len() + 1).saturating_sub(168)];
        let squares: f64 = known.iter().map(|x| (x * x).min(25.0)).sum();
        let went = ((1_440.0 * 1.5 * 1.5 + squares) / (1_440.0 + known.len() as f64)).sqrt();
        assert!((reading.beyond - errors / went).abs() < 1e-6);
        past.push(errors);
    }
    assert_eq!(found.readings.len(), 2_000 - 30 - 168 - 720 + 1);
}

/// Of two assets the mean of all correlations is their correlation.
#[test]
fn the_mean_of_one_pair_is_the_pair() {
    let all = hours(21, 2, 3_000, 4.0, |hour| if hour < 2_000 { 0.7 } else { 0.1 });
    let pair = watched(&all);
    let (u, v) = (known(&all[0]).1, known(&all[1]).1);
    let mean = watch_mean(&times(u.len()), &[&u, &v], &HOURS).expect("watched");
    assert_eq!(pair.readings.len(), mean.readings.len());
    for (one, other) in pair.readings.iter().zip(&mean.readings) {
        assert!((one.fast - other.fast).abs() < 1e-9 && (one.slow - other.slow).abs() < 1e-9);
    }
    // Errors are taken once a day there.
    let daily = pair.readings.iter().zip(&mean.readings).filter(|(one, _)| (one.row + 1) % 24 == 0);
    let mut seen = 0;
    for (one, other) in daily {
        seen += 1;
        assert!((one.errors - other.errors).abs() < 1e-6, "{} {}", one.errors, other.errors);
    }
    assert!(seen > 50);
}

/// With fat tails and clusters, Fisher's band holds the truth far too seldom; this one about as often as it says.
#[test]
fn bands_hold_in_fat_tails() {
    let (mut held, mut fisher, count) = (0, 0, 400);
    for seed in 0..count {
        let all = hours(2_000 + seed, 2, 2_400, 4.0, |_| 0.6);
        let it = banded([&all[0], &all[1]], &HOURS, 0.95).expect("a band").expect("moves");
        held += i32::from(it.low < 0.6 && 0.6 < it.high);
        let (low, high) = band(it.correlation, 168.0, 0.95).expect("a band");
        fisher += i32::from(low < 0.6 && 0.6 < high);
    }
    println!("the band holds in {held} of {count}, Fisher's in {fisher}");
    assert!(held >= 352, "{held}");
    assert!(fisher < held - 40, "{fisher} {held}");
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let flat = vec![0.0; 100];
    assert!(steady(&flat, &HOURS).is_err() && steady(&flat[..20], &HOURS).is_err());
    let one = vec![0.1; 100];
    let two = Two { times: &times(99), returns: [&one, &one], steady: [&one, &one] };
    assert!(watch(two, &HOURS).is_err());
    let two = Two { times: &times(100), returns: [&one, &one], steady: [&one, &one] };
    assert_eq!(watch(two, &HOURS).expect("too short"), Watched::default());
    assert!(watch_mean(&times(100), &[&one], &HOURS).is_err());
}

#[test]
fn a_crisis_is_wild_and_together() {
    // A year of quiet, then a week that is wild and apart, quiet again, and a week that is wild as one.
    let count = 24 * 500;
    let mut all = hours(3, 4, count, 8.0, |_| 0.5);
    let mut stream = Stream::new(4, 0);
    for hour in 24 * 400..24 * 407 {
        all.iter_mut().for_each(|list| list[hour] = 0.05 * stream.normal());
    }
    for hour in 24 * 450..24 * 457 {
        let common = stream.normal();
        all.iter_mut().for_each(|list| list[hour] = 0.05 * (common + 0.2 * stream.normal()));
    }
    let lists: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
    let found = looks(&times(count), &lists, 168, 24, 8_766.0).expect("looks");
    let at = |day: usize| found.iter().find(|look| look.time >= 86_400 * day as i64).expect("a look");
    assert_eq!(at(406).regime, Some(Regime::Stressed), "{:?}", at(406));
    assert_eq!(at(456).regime, Some(Regime::Crisis), "{:?}", at(456));
    assert_eq!(crises(&found).iter().filter(|look| look.time > 86_400 * 400).count(), 1);
    assert_eq!(found[10].regime, None);
    // Volatility of the last: the root of the mean square, a year.
    let last = found.last().expect("a look");
    let end = (last.time / 3600) as usize;
    let squares: f64 = lists.iter().flat_map(|list| &list[end - 168..end]).map(|r| r * r).sum();
    assert!((last.volatility - (squares / (4.0 * 168.0) * 8_766.0).sqrt()).abs() < 1e-12);
}

#[test]
fn time_below_a_peg_is_counted() {
    let closes = [1.0, 0.996, 0.985, 0.985, 1.0, 0.98, 0.94, 0.97];
    let bar = |(hour, close): (usize, &f64)| Bar {
        time: 3600 * hour as i64 + if hour > 6 { 3600 } else { 0 },
        open: *close,
        high: *close,
        low: *close,
        close: *close,
    };
    let bars: Vec<Bar> = closes.iter().enumerate().map(bar).collect();
    let found = peg(&bars, 3600, 1.0).expect("a peg");
    let below: Vec<(f64, i64, i64)> =
        found.below.iter().map(|it| (it.line, it.seconds / 3600, it.longest / 3600)).collect();
    assert_eq!(below, [(0.995, 5, 2), (0.99, 5, 2), (0.98, 2, 1), (0.95, 1, 1), (0.9, 0, 0)]);
    assert_eq!(found.below[1].first, Some(3 * 3600));
    assert!((found.now + 0.03).abs() < 1e-12 && (found.lowest.0 + 0.06).abs() < 1e-12);
    assert_eq!((found.lowest.1, found.time), (7 * 3600, 9 * 3600));
    assert_eq!((found.speed, found.fastest), (None, None));
    // A day later the price is three hundredths lower than it was.
    let mut later = bars;
    later.push(Bar { time: 86_400, open: 0.97, high: 0.97, low: 0.97, close: 0.97 });
    let found = peg(&later, 3600, 1.0).expect("a peg");
    assert!((found.speed.expect("a day") + 0.03).abs() < 1e-12);
    assert_eq!(found.fastest.map(|(_, when)| when), Some(90_000));
    // Against a rate of 1.1 everything is a tenth lower.
    assert!((peg(&later, 3600, 1.1).expect("a peg").now - (0.97 / 1.1 - 1.0)).abs() < 1e-12);
    assert!(peg(&[], 3600, 1.0).is_err() && peg(&later, 3600, 0.0).is_err());
}

/// Debt that rises when the collateral falls: the tail dependence of the copula that the two were drawn from.
#[test]
fn wrong_way_risk_is_that_of_the_copula() {
    let all = hours(11, 2, 8_760, 3.0, |_| 0.7);
    let short: Vec<f64> = all[1].iter().map(|r| -r).collect();
    let wrong = wrong_way(&all[0], &short).expect("a score");
    let truth = tail_dependence(0.7, 3.0).expect("a copula");
    let fitted = wrong.fitted.expect("a fit");
    // Volatilities of their own that cluster make ranks a little less alike than the copula of one hour.
    assert!((fitted - truth).abs() < 0.12, "{fitted} {truth}");
    assert!(wrong.seen > 0.3, "{wrong:?}");
    // Owed in what falls too, it is the other way: there is next to none.
    let right = wrong_way(&all[0], &all[1]).expect("a score");
    assert!(right.seen < 0.05 && right.rows == 8_760, "{right:?}");
}
