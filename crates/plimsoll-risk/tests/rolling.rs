//! Correlations row by row against those of the whole window, and bands against how often they hold the truth.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_risk::rank::pearson;
use plimsoll_risk::rolling::{Fading, Rolling, band};
use plimsoll_risk::stream::Stream;
use plimsoll_risk::volatility::{ewma, ewma_covariance};

/// Rows of three assets with one common factor, of which the third stands far from zero.
fn rows(seed: u64, n: usize) -> Vec<[f64; 3]> {
    let mut stream = Stream::new(seed, 0);
    let mut row = || {
        let common = stream.normal();
        [common + stream.normal(), common - 2.0 * stream.normal(), 5.0 - common + 0.5 * stream.normal()]
    };
    (0..n).map(|_| row()).collect()
}

#[test]
fn every_step_is_that_of_its_window() {
    let rows = rows(1, 700);
    let mut rolling = Rolling::new(3, 60).expect("correlations");
    for (now, row) in rows.iter().enumerate() {
        rolling.push(row).expect("a row");
        let past = &rows[(now + 1).saturating_sub(60)..=now];
        assert_eq!(rolling.rows(), past.len());
        for (i, j) in [(0, 1), (2, 0), (1, 2)] {
            let series = |asset: usize| past.iter().map(|row| row[asset]).collect::<Vec<f64>>();
            match rolling.correlation(i, j) {
                Some(found) => {
                    let expected = pearson(&series(i), &series(j)).expect("they move");
                    assert!((found - expected).abs() < 1e-11, "{now}: {found} {expected}");
                }
                None => assert!(past.len() < 4),
            }
        }
    }
    assert!(rolling.push(&[1.0]).is_err() && rolling.push(&[1.0, f64::NAN, 0.0]).is_err());
    assert!(Rolling::new(3, 3).is_err() && rolling.correlation(0, 3).is_none());
}

#[test]
fn what_does_not_move_has_no_correlation() {
    let mut rolling = Rolling::new(2, 10).expect("correlations");
    let mut fading = Fading::new(2, 0.9).expect("correlations");
    for step in 0..25 {
        let row = [0.1 + f64::from(step % 3), 0.0];
        rolling.push(&[row[0], 0.123]).expect("a row");
        fading.push(&row).expect("a row");
    }
    assert_eq!((rolling.correlation(0, 1), fading.correlation(0, 1)), (None, None));
}

/// After many rows the start of either no longer counts: fading correlations are those of EWMA.
#[test]
fn fading_is_ewma() {
    let rows = rows(2, 900);
    let mut fading = Fading::new(3, 0.94).expect("correlations");
    for row in &rows {
        fading.push(row).expect("a row");
    }
    let series = |asset: usize| rows.iter().map(|row| row[asset]).collect::<Vec<f64>>();
    let last = |list: Vec<f64>| list[list.len() - 1];
    let (x, y) = (series(0), series(1));
    let both = last(ewma_covariance(&x, &y, 0.94).expect("covariances"));
    let expected =
        both / (last(ewma(&x, 0.94).expect("variances")) * last(ewma(&y, 0.94).expect("variances"))).sqrt();
    assert!((fading.correlation(1, 0).expect("they move") - expected).abs() < 1e-12);
    assert!((fading.rows() - 1.94 / 0.06).abs() < 1e-9);
    // Of few rows: the square of the sum of weights over the sum of their squares.
    let mut few = Fading::new(3, 0.5).expect("correlations");
    for row in &rows[..3] {
        few.push(row).expect("a row");
    }
    let weights = [0.125, 0.25, 0.5_f64];
    let expected = weights.iter().sum::<f64>().powi(2) / weights.iter().map(|w| w * w).sum::<f64>();
    assert!((few.rows() - expected).abs() < 1e-12);
}

/// Nineteen bands of twenty hold the truth, within four standard deviations of so many.
#[test]
fn bands_hold_the_truth_as_often_as_they_say() {
    let truth = 1.0 / (2.0 * 5.0_f64).sqrt();
    let (mut held, count) = (0, 4_000);
    for seed in 0..count {
        let mut rolling = Rolling::new(3, 50).expect("correlations");
        for row in rows(1_000 + seed, 50) {
            rolling.push(&row).expect("a row");
        }
        let (low, high) = band(rolling.correlation(0, 1).expect("they move"), 50.0, 0.95).expect("a band");
        held += i32::from(low < truth && truth < high);
    }
    let (expected, deviation) = (0.95 * count as f64, (0.95 * 0.05 * count as f64).sqrt());
    assert!((f64::from(held) - expected).abs() < 4.0 * deviation, "{held}");
    assert_eq!(band(1.0, 10.0, 0.95), Ok((1.0, 1.0)));
    assert!(band(0.5, 3.0, 0.95).is_err() && band(1.5, 10.0, 0.95).is_err());
}
