//! One new row of the returns of 22 assets: all their correlations over the last 720 rows, microseconds a row.

use super::{Figure, ask, bytes, name, numbers, passes};
use crate::line::Line;
use crate::measure::cpu_in_turn;
use crate::registry::{Context, Trouble};
use plimsoll_risk::rolling::Rolling;
use plimsoll_risk::stream::Stream;
use serde_json::json;
use std::hint::black_box;

pub(crate) const NAME: &str = "correlation_update";

const ASSETS: usize = 22;
const WINDOW: usize = 720;
/// What a row may take (us).
const GOAL: f64 = 20.0;
/// Rows of which the baselines take the correlations.
const SAMPLE: usize = 40;
/// As near as correlations are that were summed in another order.
const NEAR: f64 = 1e-9;

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let updates = context.sized(500, 20_000, 20_000);
    for seed in context.seeds() {
        let returns = returns(WINDOW + updates, seed);
        let rows: Vec<&[f64]> = returns.chunks(ASSETS).collect();
        let mut rolling = Rolling::new(ASSETS, WINDOW).map_err(wrong)?;
        for row in &rows[..WINDOW] {
            rolling.push(row).map_err(wrong)?;
        }
        let (mut ended, mut failed, mut scratch) = (rolling.clone(), None, Vec::new());
        let mut all = vec![0.0; ASSETS * ASSETS];
        let [mut ours, mut plain] = cpu_in_turn(
            context.sized(3, 11, 11),
            1,
            [
                &mut || {
                    ended = rolling.clone();
                    for row in &rows[WINDOW..] {
                        failed = ended.push(black_box(row)).err().or(failed.take());
                        correlations(&ended, &mut all);
                        black_box(&all);
                    }
                },
                &mut || {
                    for end in rows.len() - SAMPLE + 1..=rows.len() {
                        scratch = from_scratch(black_box(&rows[end - WINDOW..end]));
                    }
                },
            ],
        );
        if let Some(unfit) = failed {
            return Err(wrong(unfit));
        }
        ours.median /= 1e3 * updates as f64;
        plain.median /= 1e3 * SAMPLE as f64;
        let case = format!(
            "{ASSETS} assets, {WINDOW} rows, all {} correlations after each row",
            ASSETS * (ASSETS - 1) / 2
        );
        let figure = Figure { bench: NAME, case, ours, unit: "us", n: updates as u64, seed };
        let last = &rows[rows.len() - WINDOW - SAMPLE + 1..];
        let input = json!({ "what": "correlation", "passes": 11, "assets": ASSETS, "window": WINDOW, "updates": SAMPLE });
        let answer = ask(context, &input, &[("returns.bin", bytes(&last.concat()))]);
        let theirs = answer.as_ref().map_or((f64::NAN, [0, 0]), |answer| {
            let each = answer["answers"].as_array().into_iter().flatten();
            let agreed = each.clone().filter(|theirs| near(&numbers(theirs), &all)).count() as u64;
            (passes(answer).median / 1e3 / SAMPLE as f64, [agreed, each.count() as u64])
        });
        emit(figure.beside(&name(answer.as_ref()), theirs.0, theirs.1, SAMPLE as u64));
        let agreed = [u64::from(near(&scratch, &all)), 1];
        emit(figure.beside("plain loop, the window summed anew", plain.median, agreed, SAMPLE as u64));
        emit(figure.beside("goal", GOAL, agreed, updates as u64));
    }
    Ok(())
}

fn wrong(why: impl std::fmt::Display) -> Trouble {
    Trouble::Wrong(why.to_string())
}

fn near(one: &[f64], other: &[f64]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(x, y)| (x - y).abs() < NEAR)
}

/// Hourly returns with a common factor.
fn returns(rows: usize, seed: u64) -> Vec<f64> {
    let mut stream = Stream::new(seed, 0);
    let row = |_| {
        let common = stream.normal();
        std::array::from_fn::<f64, ASSETS, _>(|asset| {
            0.01 * (common + (0.3 + 0.05 * asset as f64) * stream.normal())
        })
    };
    (0..rows).flat_map(row).collect()
}

fn correlations(rolling: &Rolling, into: &mut [f64]) {
    for i in 0..ASSETS {
        for j in 0..i {
            let r = rolling.correlation(i, j).unwrap_or(f64::NAN);
            (into[i * ASSETS + j], into[j * ASSETS + i]) = (r, r);
        }
        into[i * ASSETS + i] = 1.0;
    }
}

/// As one writes it down.
fn from_scratch(rows: &[&[f64]]) -> Vec<f64> {
    let n = rows.len() as f64;
    let mut means = [0.0; ASSETS];
    for row in rows {
        for (mean, x) in means.iter_mut().zip(*row) {
            *mean += x / n;
        }
    }
    let mut products = vec![0.0; ASSETS * ASSETS];
    for row in rows {
        for i in 0..ASSETS {
            let x = row[i] - means[i];
            for j in 0..=i {
                products[i * ASSETS + j] += x * (row[j] - means[j]);
            }
        }
    }
    let mut all = vec![1.0; ASSETS * ASSETS];
    for i in 0..ASSETS {
        for j in 0..i {
            let r = products[i * ASSETS + j] / (products[i * ASSETS + i] * products[j * ASSETS + j]).sqrt();
            (all[i * ASSETS + j], all[j * ASSETS + i]) = (r, r);
        }
    }
    all
}
