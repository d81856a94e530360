//! Ranks, covariances and copulas against their definitions.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_risk::Student;
use plimsoll_risk::copula::{Ranked, tail_dependence};
use plimsoll_risk::covariance::{Panel, correlations, mean_correlation};
use plimsoll_risk::rank::{kendall, lower_tail, pearson, ranks, spearman};
use plimsoll_risk::stream::Stream;

/// Kendall's tau-b pair by pair, as it is defined.
fn brute_tau(x: &[f64], y: &[f64]) -> f64 {
    let (mut balance, mut in_x, mut in_y, mut all) = (0_i64, 0_i64, 0_i64, 0_i64);
    for i in 0..x.len() {
        for j in 0..i {
            let (dx, dy) = (x[i] - x[j], y[i] - y[j]);
            all += 1;
            in_x += i64::from(dx == 0.0);
            in_y += i64::from(dy == 0.0);
            balance += if dx * dy > 0.0 { 1 } else { -i64::from(dx * dy < 0.0) };
        }
    }
    balance as f64 / ((all - in_x) as f64 * (all - in_y) as f64).sqrt()
}

/// Lists of few values, so that ties are common, and zeros of both signs among them.
#[test]
fn kendalls_tau_is_that_of_all_pairs() {
    for seed in 0..300 {
        let mut stream = Stream::new(71, seed);
        let n = 2 + stream.below(60) as usize;
        let levels = 1 + stream.below(12);
        let mut list = || (0..n).map(|_| -(stream.below(levels) as f64 - 3.0)).collect::<Vec<f64>>();
        let (x, y) = (list(), list());
        match kendall(&x, &y) {
            Ok(tau) => assert!((tau - brute_tau(&x, &y)).abs() < 1e-14, "{x:?} {y:?}"),
            Err(_) => assert!(brute_tau(&x, &y).is_nan(), "{x:?} {y:?}"),
        }
    }
}

/// Spearman 1904: with ties, ranks are means; without them, one less six times the squared differences.
#[test]
fn ranks_are_means_where_values_are_tied() {
    assert_eq!(ranks(&[3.0, -0.0, 0.0, 9.0, 3.0, 3.0]), [4.0, 1.5, 1.5, 6.0, 4.0, 4.0]);
    let (x, y) = (
        [86.0, 97.0, 99.0, 100.0, 101.0, 103.0, 106.0, 110.0],
        [2.0, 20.0, 28.0, 27.0, 50.0, 29.0, 7.0, 17.0],
    );
    let squares: f64 = ranks(&x).iter().zip(ranks(&y)).map(|(a, b)| (a - b) * (a - b)).sum();
    let expected = 1.0 - 6.0 * squares / (8.0 * 63.0);
    assert!((spearman(&x, &y).expect("a correlation") - expected).abs() < 1e-15);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    assert!(pearson(&[1.0, 2.0], &[1.0]).is_err());
    assert!(pearson(&[1.0, 1.0], &[1.0, 2.0]).is_err());
    assert!(kendall(&[1.0, f64::NAN], &[1.0, 2.0]).is_err());
    assert!(lower_tail(&[1.0, 2.0], &[1.0, 2.0], 0.0).is_err());
}

fn panel(seed: u64, rows: usize, assets: usize) -> Vec<Vec<f64>> {
    let mut stream = Stream::new(seed, 0);
    let mut row = || {
        let common = stream.normal();
        (0..assets).map(|asset| common + (1.0 + asset as f64) * stream.normal()).collect()
    };
    (0..rows).map(|_| row()).collect()
}

/// The three distances of Ledoit and Wolf, each by its definition; and every shrunk matrix has a root although there are fewer rows than
/// assets.
#[test]
fn shrinkage_is_that_of_its_definition() {
    for (rows, assets) in [(5, 9), (40, 4), (300, 22)] {
        let data = panel(rows as u64, rows, assets);
        let panel = Panel::new(&data).expect("a panel");
        let sample = panel.covariance();
        let (n, p) = (rows as f64, assets as f64);
        let means: Vec<f64> = (0..assets).map(|j| data.iter().map(|row| row[j]).sum::<f64>() / n).collect();
        let mean = sample.trace() / p;
        let (mut apart, mut noise) = (0.0, 0.0);
        for i in 0..assets {
            for j in 0..assets {
                let target = if i == j { mean } else { 0.0 };
                apart += (sample.at(i, j) - target).powi(2);
                for row in &data {
                    noise += ((row[i] - means[i]) * (row[j] - means[j]) - sample.at(i, j)).powi(2);
                }
            }
        }
        let expected = (noise / (n * n)).min(apart) / apart;
        let shrunk = panel.ledoit_wolf();
        assert!((shrunk.shrinkage - expected).abs() < 1e-12, "{} {expected}", shrunk.shrinkage);
        for covariance in [&shrunk.covariance, &panel.oas().covariance] {
            let root = covariance.cholesky().expect("positive definite");
            for i in 0..assets {
                for j in 0..=i {
                    let product: f64 = (0..=j).map(|k| root.at(i, k) * root.at(j, k)).sum();
                    assert!((product - covariance.at(i, j)).abs() < 1e-9 * mean);
                }
            }
        }
    }
    assert!(Panel::new(&[vec![1.0]]).is_err() && Panel::new(&[vec![1.0, 2.0], vec![1.0]]).is_err());
}

#[test]
fn correlations_of_one_factor() {
    let panel = Panel::new(&panel(3, 20_000, 3)).expect("a panel");
    let found = correlations(&panel.covariance()).expect("they move");
    // Variances are 1 + (1 + asset)², covariances 1.
    for (i, j) in [(0, 1), (0, 2), (1, 2)] {
        let expected =
            1.0 / ((1.0 + f64::from(i + 1_i32).powi(2)) * (1.0 + f64::from(j + 1_i32).powi(2))).sqrt();
        assert!((found.at(i as usize, j as usize) - expected).abs() < 0.02);
    }
    assert!(mean_correlation(&found).expect("pairs") > 0.2);
}

/// For odd degrees of freedom the tail dependence has a closed form: these are fractions.
#[test]
fn tail_dependence_where_it_is_a_fraction() {
    for (nu, expected) in [(3.0, 0.3125), (5.0, 0.207_031_25)] {
        assert!((tail_dependence(0.5, nu).expect("a chance") - expected).abs() < 1e-15);
    }
    assert!(tail_dependence(1.0, 3.0).is_err() && tail_dependence(0.5, 0.0).is_err());
}

/// Pairs drawn from a t copula: the fit finds it again, and its likelihood is that of the densities' quotient.
#[test]
fn a_t_copula_is_found_again() {
    let (rho, nu) = (0.6_f64, 4.0);
    let mut stream = Stream::new(5, 0);
    let mut pair = || {
        let (a, b) = (stream.normal(), stream.normal());
        let scale = 1.0 / stream.chi_squared_mean(nu).sqrt();
        (scale * a, scale * (rho * a + (1.0 - rho * rho).sqrt() * b))
    };
    let (x, y): (Vec<f64>, Vec<f64>) = (0..4_000).map(|_| pair()).unzip();
    let ranked = Ranked::new(&x, &y).expect("pairs");
    let (best, by_tau) = (ranked.fit().expect("a fit"), ranked.fit_tau().expect("a fit"));
    assert!((best.rho - rho).abs() < 0.03 && (best.nu - nu).abs() < 0.8, "{best:?}");
    assert!(best.log_likelihood >= by_tau.log_likelihood);
    for (rho, nu) in [
        (best.rho + 0.01, best.nu),
        (best.rho - 0.01, best.nu),
        (best.rho, best.nu + 0.3),
        (best.rho, best.nu - 0.3),
    ] {
        assert!(ranked.log_likelihood(rho, nu).expect("a likelihood") < best.log_likelihood);
    }
    // Of few pairs, from the densities themselves.
    let (x, y) = (&x[..12], &y[..12]);
    let ranked = Ranked::new(x, y).expect("pairs");
    let one = Student::new(nu);
    let expected: f64 = ranks(x)
        .iter()
        .zip(ranks(y))
        .map(|(a, b)| {
            let (a, b) = (one.quantile(a / 13.0), one.quantile(b / 13.0));
            let rest = 1.0 - rho * rho;
            // The joint density of two: (1 + q/nu)^(-(nu+2)/2) / (2 pi sqrt(rest)).
            let joint = (1.0 + (a * a - 2.0 * rho * a * b + b * b) / (nu * rest)).powf(-0.5 * (nu + 2.0))
                / (2.0 * std::f64::consts::PI * rest.sqrt());
            joint.ln() - one.ln_density(a) - one.ln_density(b)
        })
        .sum();
    assert!((ranked.log_likelihood(rho, nu).expect("a likelihood") - expected).abs() < 1e-10);
}
