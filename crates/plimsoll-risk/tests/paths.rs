//! Drawn paths against every closed form: no estimate further off than chance allows, and errors as large as they are said to be.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_risk::Matrix;
use plimsoll_risk::Student;
use plimsoll_risk::passage::diffusion::Diffusion;
use plimsoll_risk::passage::kou::Kou;
use plimsoll_risk::passage::looks;
use plimsoll_risk::paths::{Draw, Estimate, Filtered, Form, Gaussian, Model, Plan, Watch, chance, jumps};
use plimsoll_risk::points::{SOBOL_DIMENSIONS, Sobol, halton};

/// Fixed before any result was seen: the number of the issue that asked for this.
const SEED: u64 = 6;

const DAY: f64 = 1.0 / 365.0;

fn gaussian(volatilities: &[f64], correlation: f64, growth: f64, step: f64) -> Gaussian {
    let mut covariance = Matrix::zero(volatilities.len());
    for i in 0..volatilities.len() {
        for j in 0..=i {
            let rho = if i == j { 1.0 } else { correlation };
            covariance.set_both(i, j, rho * volatilities[i] * volatilities[j] * step);
        }
    }
    Gaussian::new(covariance, &vec![growth * step; volatilities.len()]).expect("a model")
}

fn plan(case: u64, paths: u64, steps: u32, watch: Watch) -> Plan {
    Plan { paths, steps, seed: SEED * 1_000_000 + case, watch, draw: Draw::Random }
}

/// How far off, in standard errors; `None` where fewer than 50 paths are expected to cross, or not to: an estimate of so few is not normal.
fn off(found: &Estimate, expected: f64) -> Option<f64> {
    let fewest = 50.0 / found.samples as f64;
    (fewest..1.0 - fewest).contains(&expected).then(|| (found.chance - expected) / found.error)
}

/// Largest and mean square over all cases.
fn judge(name: &str, offs: &[f64]) {
    let largest = offs.iter().map(|z| z.abs()).fold(0.0, f64::max);
    let mean = offs.iter().map(|z| z * z).sum::<f64>() / offs.len() as f64;
    println!("{name}: {} cases, largest |z| {largest:.2}, mean z² {mean:.3}", offs.len());
    assert!(offs.len() >= 500, "{name}: only {} cases", offs.len());
    assert!(largest <= 4.5 && (0.85..=1.15).contains(&mean), "{name}: {largest} {mean}");
}

/// One asset against a debt that stands still, watched all the time: 0.85 to 1.15 is three deviations of a mean of so many squares.
#[test]
fn one_asset_watched_always() {
    let (mut offs, mut case) = (Vec::new(), 0);
    for line in [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95] {
        for sigma in [0.3, 0.5, 0.6, 0.9, 1.2, 1.5] {
            for growth in [-0.5, 0.0, 0.5] {
                for years in [DAY, 3.0 * DAY, 7.0 * DAY, 30.0 * DAY, 90.0 * DAY, 1.0] {
                    case += 1;
                    let model = Model::Gaussian(gaussian(&[sigma], 0.0, growth, years / 4.0));
                    let form = Form { weights: vec![1.0], constant: -line };
                    let found =
                        chance(&form, &model, &plan(case, 4_000, 4, Watch::Always)).expect("an estimate");
                    let expected =
                        Diffusion::of_price(sigma, growth).falls_to(line, years).expect("a chance");
                    offs.extend(off(&found, expected));
                }
            }
        }
    }
    judge("one asset", &offs);
}

/// Collateral and debt both move, watched all the time.
#[test]
fn two_assets_watched_always() {
    let (mut offs, mut case) = (Vec::new(), 10_000);
    for (collateral, debt) in [(0.8, 0.05), (0.8, 0.6), (0.9, 0.9), (0.4, 1.0), (1.5, 0.3)] {
        for rho in [-0.6, -0.3, 0.0, 0.3, 0.5, 0.7, 0.9] {
            for health in [1.05, 1.1, 1.25, 1.5, 2.0] {
                for years in [DAY, 7.0 * DAY, 30.0 * DAY, 90.0 * DAY, 1.0] {
                    case += 1;
                    let model = Model::Gaussian(gaussian(&[collateral, debt], rho, 0.0, years / 3.0));
                    let form = Form { weights: vec![health, -1.0], constant: 0.0 };
                    let found =
                        chance(&form, &model, &plan(case, 4_000, 3, Watch::Always)).expect("an estimate");
                    let process = Diffusion::of_ratio(collateral, debt, rho).expect("a process");
                    offs.extend(off(&found, process.falls_to(1.0 / health, years).expect("a chance")));
                }
            }
        }
    }
    judge("two assets", &offs);
}

/// Somebody looks a few times.
#[test]
fn looks_now_and_then() {
    let (mut offs, mut case) = (Vec::new(), 20_000);
    for line in [0.7, 0.75, 0.8, 0.85, 0.9, 0.95] {
        for sigma in [0.4, 0.6, 0.9, 1.2, 1.5] {
            for growth in [-0.4, 0.0, 0.4] {
                for (years, count) in [
                    (DAY, 12),
                    (7.0 * DAY, 7),
                    (30.0 * DAY, 5),
                    (30.0 * DAY, 15),
                    (0.5, 6),
                    (1.0, 3),
                    (1.0, 12),
                ] {
                    case += 1;
                    let model = Model::Gaussian(gaussian(&[sigma], 0.0, growth, years / f64::from(count)));
                    let form = Form { weights: vec![1.0], constant: -line };
                    let found =
                        chance(&form, &model, &plan(case, 4_000, count, Watch::Steps)).expect("an estimate");
                    let process = Diffusion::of_price(sigma, growth);
                    offs.extend(off(
                        &found,
                        looks::falls_to(&process, line, years, count).expect("a chance"),
                    ));
                }
            }
        }
    }
    judge("looks", &offs);
}

/// Jumps: from jump to jump, nothing cut into steps.
#[test]
fn jumps_of_kou() {
    let (mut offs, mut case) = (Vec::new(), 30_000);
    for line in [0.75, 0.8, 0.9] {
        for sigma in [0.4, 0.9] {
            for jumps in [3.0, 20.0, 50.0] {
                for upward in [0.3, 0.5, 0.7] {
                    for (mean_up, mean_down) in [(0.02, 0.06), (0.05, 0.02), (0.04, 0.04)] {
                        for years in [7.0 * DAY, 30.0 * DAY, 90.0 * DAY, 1.0] {
                            case += 1;
                            let process =
                                Kou { volatility: sigma, log_drift: 0.1, jumps, upward, mean_up, mean_down };
                            let found =
                                jumps::falls_to(&process, line, years, 4_000, SEED * 1_000_000 + case);
                            let expected = process.falls_to(line, years).expect("a chance");
                            offs.extend(off(&found.expect("an estimate"), expected));
                        }
                    }
                }
            }
        }
    }
    judge("jumps", &offs);
}

/// Four times the paths, half the error.
#[test]
fn the_error_shrinks_as_it_says() {
    let model = Model::Gaussian(gaussian(&[0.8, 0.5, 0.3], 0.5, 0.0, DAY));
    let form = Form { weights: vec![0.7, 0.6, -0.4], constant: -0.7 };
    let error =
        |paths| chance(&form, &model, &plan(40_000, paths, 7, Watch::Always)).expect("an estimate").error;
    let ratio = error(4_000) / error(16_000);
    assert!((ratio - 2.0).abs() < 0.1, "{ratio}");
}

/// Antithetic pairs and even points estimate the same chance, the latter with a quarter of the error.
#[test]
fn better_points_find_the_same() {
    let model = Model::Gaussian(gaussian(&[0.8, 0.6], 0.5, 0.0, 10.0 * DAY));
    let form = Form { weights: vec![1.25, -1.0], constant: 0.0 };
    let expected =
        Diffusion::of_ratio(0.8, 0.6, 0.5).and_then(|of| of.falls_to(0.8, 30.0 * DAY)).expect("a chance");
    let mut errors = Vec::new();
    for draw in [Draw::Random, Draw::Antithetic, Draw::Sobol { shifts: 16 }] {
        let plan = Plan { draw, ..plan(50_000, 65_536, 3, Watch::Always) };
        let found = chance(&form, &model, &plan).expect("an estimate");
        assert!(((found.chance - expected) / found.error).abs() < 4.5, "{draw:?} {found:?} {expected}");
        errors.push(found.error);
    }
    assert!(errors[1] < errors[0] && errors[2] < 0.3 * errors[0], "{errors:?}");
}

/// One step of Student returns is a Student; many steps of history that only knows up and down are a walk, counted in full.
#[test]
fn other_models_by_counting() {
    let nu = 4.0;
    let step = 0.05_f64;
    let model = Model::student(gaussian(&[1.0], 0.0, 0.0, step * step), nu).expect("a model");
    let form = Form { weights: vec![1.0], constant: -0.93 };
    let found = chance(&form, &model, &plan(60_000, 400_000, 1, Watch::Steps)).expect("an estimate");
    let scale = step * ((nu - 2.0) / nu).sqrt();
    let expected = Student::new(nu).below((0.93_f64.ln() + 0.5 * step * step) / scale);
    assert!(off(&found, expected).expect("not at an end").abs() < 4.5, "{found:?} {expected}");

    // Returns of plus and minus one size: every standardised return is one up or down, and the variance stays.
    let returns: Vec<f64> = (0..600).map(|i| if i % 2 == 0 { 0.02 } else { -0.02 }).collect();
    let model = Model::Filtered(Filtered::new(&[returns], 500, 0.94).expect("a model"));
    // Five steps down reach this line, and only because the logarithm drifts by half a variance.
    let line = 0.9044_f64;
    let form = Form { weights: vec![1.0], constant: -line };
    let steps = 20_u32;
    let found = chance(&form, &model, &plan(70_000, 100_000, steps, Watch::Steps)).expect("an estimate");
    let mut crossed = 0_u32;
    for way in 0..1_u32 << steps {
        let mut logarithm = 0.0;
        for i in 0..steps {
            logarithm += if way >> i & 1 == 1 { 0.02 } else { -0.02 } - 0.5 * 0.02 * 0.02;
            if logarithm <= line.ln() {
                crossed += 1;
                break;
            }
        }
    }
    let expected = f64::from(crossed) / f64::from(1_u32 << steps);
    assert!(off(&found, expected).expect("not at an end").abs() < 4.5, "{found:?} {expected}");
}

/// The error of what hardly a path shows: within 4.5 of them lies the closed form, whichever way paths are drawn, and where none crossed it
/// is the chance of one path.
#[test]
fn what_is_too_rare_for_the_paths_is_not_told_as_certain() {
    let model = Model::Gaussian(gaussian(&[0.3], 0.0, 0.0, DAY));
    let form = Form { weights: vec![1.0], constant: -0.93 };
    let expected = Diffusion::of_price(0.3, 0.0).falls_to(0.93, DAY).expect("a chance");
    assert!((3.9e-6..4.0e-6).contains(&expected), "{expected}");
    for draw in [Draw::Random, Draw::Antithetic, Draw::Sobol { shifts: 8 }] {
        for (case, paths) in (80_000..80_020).zip([200, 2_000].into_iter().cycle()) {
            let always = Plan { draw, ..plan(case, paths, 1, Watch::Always) };
            let found = chance(&form, &model, &always).expect("an estimate");
            assert!(((found.chance - expected) / found.error).abs() < 4.5, "{draw:?} {found:?}");
        }
        let far = Form { weights: vec![1.0], constant: -1e-9 };
        let found = chance(&far, &model, &Plan { draw, ..plan(0, 8_000, 1, Watch::Steps) });
        let found = found.expect("an estimate");
        assert!(found.chance <= 0.0 && (found.error * 8_000.0 - 1.0).abs() < 1e-12, "{draw:?} {found:?}");
    }
    // And so where none stays above.
    let sinking = Model::Gaussian(gaussian(&[0.3], 0.0, -1_000.0, DAY));
    let found = chance(&form, &sinking, &plan(0, 200, 1, Watch::Always)).expect("an estimate");
    assert!(found.chance >= 1.0 && (found.error * 200.0 - 1.0).abs() < 1e-12, "{found:?}");
}

/// One sample has no standard error: two paths, and two pairs, are the least.
#[test]
fn one_sample_is_no_estimate() {
    let model = Model::Gaussian(gaussian(&[0.5], 0.0, 0.0, DAY));
    let form = Form { weights: vec![1.0], constant: -0.9 };
    for (draw, least) in [(Draw::Random, 2), (Draw::Antithetic, 4)] {
        let of = |paths| chance(&form, &model, &Plan { draw, ..plan(0, paths, 5, Watch::Always) });
        for fewer in 0..least {
            let refused = of(fewer).expect_err("too few").to_string();
            assert!(refused.contains("paths") && refused.contains(&format!("at least {least}")), "{refused}");
        }
        assert!(of(least).expect("an estimate").error > 0.0);
    }
}

#[test]
fn what_is_not_for_a_model_is_refused() {
    let model = Model::student(gaussian(&[0.5], 0.0, 0.0, DAY), 4.0).expect("a model");
    let form = Form { weights: vec![1.0], constant: -0.9 };
    assert!(chance(&form, &model, &plan(0, 100, 5, Watch::Always)).is_err());
    assert!(
        chance(&form, &model, &Plan { draw: Draw::Antithetic, ..plan(0, 100, 5, Watch::Steps) }).is_err()
    );
    let gauss = Model::Gaussian(gaussian(&[0.5], 0.0, 0.0, DAY));
    assert!(chance(&form, &gauss, &plan(0, 100, 0, Watch::Steps)).is_err());
    let many = Plan { draw: Draw::Sobol { shifts: 16 }, ..plan(0, 1_600, 161, Watch::Steps) };
    assert!(chance(&form, &gauss, &many).is_err());
    assert!(
        chance(&Form { weights: vec![1.0, 1.0], constant: 0.0 }, &gauss, &plan(0, 100, 5, Watch::Steps))
            .is_err()
    );
    // Below the line already; and never seen to cross is not never.
    let under = Form { weights: vec![1.0], constant: -1.1 };
    assert!(chance(&under, &gauss, &plan(0, 100, 5, Watch::Steps)).expect("an estimate").chance >= 1.0);
    let far = Form { weights: vec![1.0], constant: -1e-9 };
    let found = chance(&far, &gauss, &plan(0, 100, 5, Watch::Steps)).expect("an estimate");
    assert!(found.chance <= 0.0 && found.error > 0.0);
}

/// What is no number is not told as safe: prices too great or too small for one, nothing against nothing, degrees of freedom without a variance.
#[test]
fn what_is_no_number_is_not_safe() {
    let against = Form { weights: vec![1.25, -1.0], constant: 0.0 };
    for growth in [1e6, -1e6] {
        let model = Model::Gaussian(gaussian(&[0.5, 0.5], 0.0, growth, DAY));
        let found = chance(&against, &model, &plan(0, 100, 5, Watch::Always)).expect("an estimate");
        assert!(found.chance >= 1.0, "{growth} {found:?}");
    }
    let one = || gaussian(&[0.5], 0.0, 0.0, DAY);
    for (constant, expected) in [(0.0, 1.0), (-0.0, 1.0), (1.0, 0.0)] {
        let form = Form { weights: vec![0.0], constant };
        let found = chance(&form, &Model::Gaussian(one()), &plan(0, 100, 5, Watch::Steps));
        assert!((found.expect("an estimate").chance - expected).abs() <= 0.0, "{constant}");
    }
    let form = Form { weights: vec![1.0], constant: -0.9 };
    for nu in [2.0, f64::NAN] {
        assert!(Model::student(one(), nu).is_err());
        let unmade = Model::Student { of: one(), nu };
        assert!(chance(&form, &unmade, &plan(0, 100, 5, Watch::Steps)).is_err());
    }
}

/// Every coordinate of the first 2^k points lies once in each of 2^k cells, in every dimension; and Halton's in its base.
#[test]
fn points_are_even_in_every_dimension() {
    let sobol = Sobol::new(SOBOL_DIMENSIONS).expect("points");
    for dimension in 0..SOBOL_DIMENSIONS {
        let mut seen = [false; 256];
        for index in 0..256 {
            let cell = (sobol.at(index, dimension) * 256.0) as usize;
            assert!(!seen[cell], "dimension {dimension}");
            seen[cell] = true;
        }
    }
    let mut cells: Vec<u64> = (0..125).map(|index| (halton(index, 5) * 125.0 + 1e-9) as u64).collect();
    cells.sort_unstable();
    assert!(cells.iter().zip(0..).all(|(cell, index)| *cell == index));
    assert!(Sobol::new(0).is_err() && Sobol::new(SOBOL_DIMENSIONS + 1).is_err());
}
