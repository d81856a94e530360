//! Volatility, tails, losses and their tests: against definitions, published tables and simulated truth.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_risk::backtest::{Zone, accepted, backtest, basel, kupiec};
use plimsoll_risk::extremes::{fit, hill, quantile};
use plimsoll_risk::garch::{Kind, Start, fit as garch};
use plimsoll_risk::hawkes::{self, Hawkes};
use plimsoll_risk::loss::{AtRisk, Method, historical, normal, rolling, student};
use plimsoll_risk::margin::{Base, Costs, Measure, Tool, largest_rise, limited, margins, procyclicality};
use plimsoll_risk::smart_ltv::SmartLtv;
use plimsoll_risk::stream::Stream;
use plimsoll_risk::volatility::{ewma, parkinson, smart_ltv_range};

fn near(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "found {found}, expected {expected}");
}

fn normals(seed: u64, n: usize, scale: f64) -> Vec<f64> {
    let mut stream = Stream::new(seed, 0);
    (0..n).map(|_| scale * stream.normal()).collect()
}

#[test]
fn ewma_is_the_weighted_sum_it_says() {
    let returns = normals(1, 50, 0.02);
    let found = ewma(&returns, 0.9).expect("variances");
    assert_eq!(found.len(), 51);
    let seed: f64 = returns[..30].iter().map(|r| r * r).sum::<f64>() / 30.0;
    let old: f64 = returns.iter().rev().zip(0..).map(|(r, age)| 0.1 * 0.9_f64.powi(age) * r * r).sum();
    near(found[50], 0.9_f64.powi(50) * seed + old, 1e-15);
    assert!(ewma(&returns[..29], 0.9).is_err() && ewma(&returns, 1.0).is_err());
}

/// A range of e in every bar: the textbook has sqrt(1/(4 ln 2)), their code sqrt(2) times that.
#[test]
fn two_ranges_of_one_name() {
    let (highs, lows) = ([std::f64::consts::E; 7], [1.0; 7]);
    near(parkinson(&highs, &lows).expect("a volatility"), 0.600_561_204_393_224_9, 1e-12);
    near(smart_ltv_range(&highs, &lows).expect("a number"), 0.849_321_800_288_019, 1e-12);
    assert!(parkinson(&lows, &highs).is_err());
}

/// The test in the SmartLTV repository: 0.82444657, and 0 beyond the largest exponent.
#[test]
fn smart_ltv_as_its_authors_test_it() {
    let rule = SmartLtv { liquidity: 1e6, volatility: 0.1, cap: 2e5, bonus: 0.05, confidence: 3.0 };
    near(rule.ratio().expect("a ratio"), 0.824_446_57, 1e-8);
    let far = SmartLtv { liquidity: 1e7, volatility: 9.99, cap: 1e7, bonus: 0.19, confidence: 4.9 };
    assert!(far.ratio().expect("a ratio") <= 0.0);
    assert!(SmartLtv { cap: 0.0, ..rule }.ratio().is_err());
}

/// Kupiec 1995, table 3: how many exceedances a test at 5 % accepts.
#[test]
fn kupiecs_regions() {
    for (steps, level, least, most) in
        [(255, 0.99, 1, 6), (255, 0.95, 7, 20), (510, 0.99, 2, 10), (1000, 0.99, 5, 16), (1000, 0.95, 38, 64)]
    {
        assert_eq!(accepted(steps, level).expect("a region"), (least, most), "{steps} {level}");
    }
    assert!(kupiec(3, 2, 0.99).is_err());
}

/// Basel Committee 1996, table 2: cumulative probabilities for 250 days at 99 %, to a tenth of a per cent below each count.
#[test]
fn the_zones_of_basel() {
    for (exceeded, at_most, zone) in [
        (0, 0.0811, Zone::Green),
        (1, 0.2858, Zone::Green),
        (4, 0.8922, Zone::Green),
        (5, 0.9588, Zone::Yellow),
        (9, 0.9997, Zone::Yellow),
        (10, 0.9999, Zone::Red),
    ] {
        let (found, is) = basel(exceeded, 250, 0.99).expect("a zone");
        near(found, at_most, 1e-4);
        assert_eq!(is, zone, "{exceeded}");
    }
}

/// Counts of a day's pairs for which both likelihood ratios are known from the files of measured figures: bitcoin, 1629 days.
#[test]
fn likelihood_ratios_of_measured_counts() {
    // 18 exceedances of which two follow each other; steps 0 and 1, and then every 100th.
    let mut losses = vec![0.0; 1629];
    losses[10] = 2.0;
    for i in 0..17 {
        losses[11 + 90 * i] = 2.0;
    }
    let forecasts = vec![AtRisk { value: 1.0, shortfall: 1.5 }; 1629];
    let found = backtest(&losses, &forecasts, 0.99).expect("a test");
    assert_eq!(found.pairs, [1593, 17, 17, 1]);
    near(found.coverage.statistic, 0.175_345_866_325_445_7, 1e-7);
    near(found.coverage.p, 0.675_403_817_436_758_5, 1e-7);
    near(found.independence.statistic, 1.700_354_426_570_726_2, 1e-9);
    near(found.conditional.p, 0.391_468_530_531_179_2, 1e-7);
    // 18 losses of 2 over a shortfall of 1.5, of 16.29 expected.
    near(found.shortfall, 1.0 - 18.0 * (2.0 / 1.5) / 16.29, 1e-12);
}

#[test]
fn quantiles_and_shortfalls_of_known_laws() {
    let losses: Vec<f64> = (1..=500).map(f64::from).collect();
    let found = historical(&losses, 0.99).expect("a loss");
    assert_eq!((found.value, found.shortfall), (496.0, 498.0));
    near(quantile(&[1.0, 2.0, 4.0], 0.75).expect("a quantile"), 3.0, 1e-15);
    // The normal's at 97.5 %: 1.959964 and 2.337803; a Student's with many degrees of freedom is the same.
    let of = normal(1.0, 0.975).expect("a loss");
    near(of.value, 1.959_963_984_540_054, 1e-14);
    near(of.shortfall, 2.337_802_792_201_402, 1e-12);
    let many = student(1.0, 1e7, 0.975).expect("a loss");
    near(many.value, of.value, 1e-6);
    near(many.shortfall, of.shortfall, 1e-6);
    // The shortfall is the mean of the quantiles beyond; by midpoints, but for what no midpoint sees of the tail.
    let of = student(0.3, 5.0, 0.99).expect("a loss");
    let mean = (0..20_000)
        .map(|i| student(0.3, 5.0, 0.99 + 0.01 * (f64::from(i) + 0.5) / 20_000.0).expect("a loss").value)
        .sum::<f64>()
        / 20_000.0;
    near(of.shortfall, mean, 1e-4);
    assert!(student(1.0, 2.0, 0.99).is_err() && normal(1.0, 1.0).is_err());
}

/// Of returns that are normal with one volatility, each method is exceeded as often as it says, within four standard deviations.
#[test]
fn coverage_of_simulated_returns() {
    let returns = normals(2, 20_500, 0.03);
    let losses: Vec<f64> = returns[500..].iter().map(|r| -r).collect();
    for (method, level) in [
        (Method::Historical, 0.99),
        (Method::Filtered { decay: 0.94 }, 0.99),
        (Method::Filtered { decay: 0.94 }, 0.975),
        (Method::EwmaNormal { decay: 0.99 }, 0.975),
    ] {
        let forecasts = rolling(&returns, 500, level, method).expect("forecasts");
        let found = backtest(&losses, &forecasts, level).expect("a test");
        let (expected, n) = (20_000.0 * (1.0 - level), found.exceeded.len() as f64);
        // A window of 500 foresees its own quantile with an error that adds to the count's.
        assert!((n - expected).abs() < 4.0 * expected.sqrt() + 0.15 * expected, "{method:?}: {n} {expected}");
    }
    assert!(rolling(&returns[..500], 500, 0.99, Method::Historical).is_err());
}

/// Exact quantiles of a generalised Pareto in the place of a sample: the fit finds shape and scale, and the formula its quantiles.
#[test]
fn a_tail_is_found_again() {
    let (xi, beta) = (0.25, 0.02);
    let excess = |u: f64| beta / xi * ((1.0 - u).powf(-xi) - 1.0);
    let losses: Vec<f64> = (0..4_000).map(|i| 0.05 + excess((f64::from(i) + 0.5) / 4_000.0)).collect();
    let mut all = vec![0.01; 36_000];
    all.extend(&losses);
    let tail = fit(&all, 0.05).expect("a tail");
    assert_eq!((tail.exceeding, tail.losses), (4_000, 40_000));
    near(tail.xi, xi, 0.01);
    near(tail.beta, beta, 2e-4);
    near(tail.value_at_risk(0.999).expect("a loss"), 0.05 + excess(0.99), 2e-3);
    // Above the threshold the mean excess is linear: ES = (VaR + beta - xi u) / (1 - xi).
    let at = tail.value_at_risk(0.999).expect("a loss");
    near(tail.expected_shortfall(0.999).expect("a loss"), (at + beta - xi * 0.05) / (1.0 - xi), 2e-3);
    assert!(tail.value_at_risk(0.5).is_err() && fit(&all[..100], 0.05).is_err());
    let pareto: Vec<f64> =
        (0..2_000).map(|i| (1.0 - (f64::from(i) + 0.5) / 2_000.0).powf(-1.0 / 3.0)).collect();
    near(hill(&pareto, 500).expect("an index"), 3.0, 0.02);
}

/// The likelihood in one pass is the intensity at each event and its integral, event by event.
#[test]
fn hawkes_is_its_definition() {
    let times = [0.0, 0.4, 0.5, 2.0, 2.05, 2.1, 7.0];
    let process = Hawkes { mu: 0.3, branching: 0.6, decay: 2.0 };
    let kernel = |wait: f64| process.branching * process.decay * (-process.decay * wait).exp();
    let intensity = |i: usize| process.mu + times[..i].iter().map(|t| kernel(times[i] - t)).sum::<f64>();
    let integral: f64 =
        times.iter().map(|t| process.branching * (1.0 - (-process.decay * (8.0 - t)).exp())).sum();
    let expected: f64 =
        (0..times.len()).map(|i| intensity(i).ln()).sum::<f64>() - 8.0 * process.mu - integral;
    near(process.log_likelihood(&times, 8.0).expect("a likelihood"), expected, 1e-12);
    assert!(
        process.log_likelihood(&times, 6.0).is_err() && process.log_likelihood(&[1.0, 1.0], 2.0).is_err()
    );
}

/// A cluster process drawn from its definition (every event has its own children): the fit finds it again.
#[test]
fn a_cluster_process_is_found_again() {
    let truth = Hawkes { mu: 0.2, branching: 0.7, decay: 3.0 };
    let until = 6_000.0;
    let mut stream = Stream::new(9, 0);
    let (mut open, mut times, mut now) = (Vec::new(), Vec::new(), 0.0);
    loop {
        now += stream.exponential() / truth.mu;
        if now > until {
            break;
        }
        open.push(now);
    }
    while let Some(event) = open.pop() {
        times.push(event);
        // A Poisson number of children: exponential waits within a length of `branching`.
        let mut room = stream.exponential();
        while room < truth.branching {
            let child = event + stream.exponential() / truth.decay;
            if child <= until {
                open.push(child);
            }
            room += stream.exponential();
        }
    }
    times.sort_by(f64::total_cmp);
    let found = hawkes::fit(&times, until).expect("a fit");
    near(found.process.branching, truth.branching, 0.05);
    near(found.process.mu, truth.mu, 0.03);
    near(found.process.decay, truth.decay, 0.4);
    assert!(found.log_likelihood > found.poisson + 100.0);
}

/// A GARCH path with known parameters: each estimate lies within four of its own standard errors, and no step to a side is likelier.
#[test]
fn garch_is_found_again() {
    let (mu, omega, alpha, gamma, beta) = (0.05, 0.1, 0.05, 0.1, 0.83);
    let mut stream = Stream::new(4, 0);
    let mut h = 1.0;
    let mut next = || {
        let e = f64::sqrt(h) * stream.normal();
        h = omega + (alpha + if e < 0.0 { gamma } else { 0.0 }) * e * e + beta * h;
        mu + e
    };
    let returns: Vec<f64> = (0..6_000).map(|_| next()).collect();
    let found = garch(&returns, Kind { leverage: true, student: false }, Start::MeanSquare).expect("a fit");
    let p = found.parameters;
    let errors = found.errors.as_ref().expect("errors");
    for ((found, truth), error) in
        [p.mu, p.omega, p.alpha, p.gamma, p.beta].into_iter().zip([mu, omega, alpha, gamma, beta]).zip(errors)
    {
        assert!((found - truth).abs() < 4.0 * error, "{found} {truth} {error}");
    }
    let robust = found.robust_errors.as_ref().expect("errors");
    for (a, b) in errors.iter().zip(robust) {
        assert!((a / b - 1.0).abs() < 0.2, "normal errors, so both agree: {a} {b}");
    }
    let forecast = found.forecast(400);
    near(forecast[399], p.omega / (1.0 - found.persistence()), 0.02);
    assert_eq!(found.variances.len(), 6_001);
    let normal = garch(&returns, Kind { leverage: false, student: false }, Start::MeanSquare).expect("a fit");
    assert!(normal.log_likelihood < found.log_likelihood - 10.0);
    assert!(garch(&[0.0; 200], Kind { leverage: false, student: true }, Start::Weighted).is_err());
}

const BASE: Base = Base {
    level: 0.99,
    window: 500,
    decay: 0.94,
    horizon: 1,
    measure: Measure::Value,
    costs: Costs::Logarithm,
};

/// The three tools never charge less than the base, and the buffer never more than a quarter above it.
#[test]
fn tools_against_procyclicality() {
    let mut returns = normals(6, 900, 0.02);
    for r in &mut returns[700..720] {
        *r *= 5.0;
    }
    let base = BASE;
    let of = |tool| margins(&returns, base, tool).expect("margins");
    let (plain, floor, stressed, buffer) =
        (of(Tool::Base), of(Tool::Floor), of(Tool::Stressed), of(Tool::Buffer));
    for i in 0..plain.len() {
        assert!(floor[i] >= plain[i] && stressed[i] >= plain[i] && buffer[i] >= plain[i]);
        assert!(buffer[i] <= 1.25 * plain[i] + 1e-15);
    }
    let losses: Vec<f64> = returns[500..].iter().map(|r| -r).collect();
    let did = |margins: &[f64]| procyclicality(margins, &losses).expect("a report");
    assert!(did(&floor).peak_to_trough < did(&plain).peak_to_trough);
    assert!(did(&floor).mean > did(&plain).mean && did(&floor).breaches <= did(&plain).breaches);
}

/// Over one step the base is the filtered forecast of `loss`; over two, with a volatility that stands still, what two returns in a row
/// lose, in the share that who holds, or owes, loses.
#[test]
fn margins_over_a_horizon() {
    let returns = normals(8, 700, 0.02);
    let value = margins(&returns, BASE, Tool::Base).expect("margins");
    let shortfall =
        margins(&returns, Base { measure: Measure::Shortfall, ..BASE }, Tool::Base).expect("margins");
    let expected = rolling(&returns, 500, 0.99, Method::Filtered { decay: 0.94 }).expect("forecasts");
    for ((value, shortfall), expected) in value.iter().zip(&shortfall).zip(&expected) {
        near(*value, expected.value, 1e-15);
        near(*shortfall, expected.shortfall, 1e-15);
    }
    // A decay of nearly one: every volatility is the first.
    let still = Base { decay: 1.0 - 1e-14, horizon: 2, measure: Measure::Shortfall, ..BASE };
    for (costs, share) in [
        (Costs::Held, (|r: f64| 1.0 - r.exp()) as fn(f64) -> f64),
        (Costs::Owed, |r| r.exp() - 1.0),
        (Costs::Logarithm, |r| -r),
    ] {
        let found = margins(&returns, Base { costs, ..still }, Tool::Base).expect("margins");
        for (step, found) in found.iter().enumerate() {
            let past = &returns[step..step + 500];
            let mut losses: Vec<f64> = past.windows(2).map(|two| share(two[0] + two[1])).collect();
            losses.sort_by(|a, b| b.total_cmp(a));
            near(*found, losses[..5].iter().sum::<f64>() / 5.0, 1e-12);
        }
    }
    // What comes is not looked at: neither the return of the step itself nor, over two steps, of the next.
    let mut other = returns.clone();
    other[699] = 0.5;
    other[698] = -0.5;
    for tool in [Tool::Base, Tool::Floor, Tool::Stressed, Tool::Buffer] {
        let base = Base { horizon: 2, ..BASE };
        let [one, two] = [&returns, &other].map(|series| margins(series, base, tool).expect("margins"));
        assert_eq!(
            one[..199].iter().map(|m| m.to_bits()).collect::<Vec<_>>(),
            two[..199].iter().map(|m| m.to_bits()).collect::<Vec<_>>()
        );
        assert!(two[199] > one[199], "{tool:?}: and what has come is");
    }
    assert!(margins(&returns, Base { horizon: 0, ..BASE }, Tool::Base).is_err());
    assert!(margins(&returns, Base { horizon: 501, ..BASE }, Tool::Base).is_err());
}

/// A limit on rises: never above what was asked for, never a larger rise than said, and free to fall.
#[test]
fn rises_are_limited_and_falls_are_not() {
    let found = limited(&[0.1, 0.2, 0.05, 0.052, 0.3], 0.1).expect("margins");
    for (found, expected) in found.iter().zip([0.1, 0.11, 0.05, 0.052, 0.0572]) {
        near(*found, expected, 1e-15);
    }
    near(largest_rise(&found, 1).expect("a rise"), 0.1, 1e-12);
    near(largest_rise(&found, 2).expect("a rise"), 0.144, 1e-12);
    assert_eq!(largest_rise(&found, 5), None);
    assert!(limited(&found, -0.1).is_err());
}
