//! One account of five assets: how likely its line is to be crossed within thirty days, somebody looking once a day.

use super::{Figure, Prices, ask, name, numbers, passes};
use crate::line::Line;
use crate::measure::cpu_in_turn;
use crate::registry::{Context, Trouble};
use plimsoll_risk::paths::{Draw, Form, Model, Plan, Watch, chance};
use plimsoll_risk::stream::Stream;
use serde_json::{Value, json};
use std::hint::black_box;

pub(crate) const NAME: &str = "pliq_account";

const STEPS: u32 = 30;
const VOLATILITIES: [f64; 5] = [0.8, 0.6, 1.1, 0.7, 0.05];
const CORRELATION: f64 = 0.5;
/// Three held, two owed; health 1.35.
const WEIGHTS: [f64; 5] = [0.6, 0.5, 0.25, -0.3, -0.7];
/// What it may take (ms).
const GOAL: f64 = 100.0;

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let paths = context.sized(2_000, 100_000, 100_000);
    let prices = Prices::new(&VOLATILITIES, CORRELATION).map_err(Trouble::NoData)?;
    let form = Form { weights: WEIGHTS.to_vec(), constant: 0.0 };
    let model = Model::Gaussian(prices.model.clone());
    for seed in context.seeds() {
        let plan = Plan { paths, steps: STEPS, seed, watch: Watch::Steps, draw: Draw::Random };
        let (mut found, mut crossed) = (chance(&form, &model, &plan), 0);
        // One item: nanoseconds of a whole pass.
        let [ours, plain] = cpu_in_turn(
            context.sized(3, 11, 11),
            1,
            [&mut || found = chance(black_box(&form), black_box(&model), &plan), &mut || {
                crossed = (0..paths).filter(|path| crosses(&prices, black_box(*path), seed)).count()
            }],
        );
        let found = found.map_err(|unfit| Trouble::Wrong(unfit.to_string()))?;
        let case = format!(
            "{paths} paths, {STEPS} daily steps, {} assets: {:.3} % +- {:.3} %",
            WEIGHTS.len(),
            100.0 * found.chance,
            100.0 * found.error
        );
        let mut ours = ours;
        ours.median /= 1e6;
        let items = paths * u64::from(STEPS);
        let figure = Figure { bench: NAME, case, ours, unit: "ms", n: items, seed };
        let input = json!({ "what": "account", "passes": 5, "paths": paths, "steps": STEPS, "factor": prices.factor,
            "drifts": prices.drifts, "weights": WEIGHTS, "constant": 0.0 });
        let answer = ask(context, &input, &[]);
        let theirs = answer.as_ref().map_or((f64::NAN, [0, 0]), |answer| {
            let agreed = each(answer).filter(|chance| {
                (chance / paths as f64 - found.chance).abs() < 4.5 * 2.0_f64.sqrt() * found.error
            });
            (passes(answer).median / 1e6, [agreed.count() as u64, each(answer).count() as u64])
        });
        emit(figure.beside(&name(answer.as_ref()), theirs.0, theirs.1, items));
        let same = (crossed as f64 / paths as f64 - found.chance).abs() < 0.5 / paths as f64;
        emit(figure.beside(
            "plain loop, one path at a time",
            plain.median / 1e6,
            [u64::from(same), 1],
            items,
        ));
        emit(figure.beside("goal", GOAL * paths as f64 / 100_000.0, [u64::from(same), 1], items));
    }
    Ok(())
}

/// What each pass of the peer says.
fn each(answer: &Value) -> impl Iterator<Item = f64> + '_ {
    answer["answers"].as_array().into_iter().flatten().filter_map(|answer| numbers(answer).first().copied())
}

/// Whether one path crosses, as one writes it down.
fn crosses(prices: &Prices, path: u64, seed: u64) -> bool {
    let mut stream = Stream::new(seed, path);
    let (mut logarithms, mut normals) = ([0.0; WEIGHTS.len()], [0.0; WEIGHTS.len()]);
    (0..STEPS).any(|_| {
        normals.fill_with(|| stream.normal());
        let moves = logarithms.iter_mut().zip(&prices.factor).zip(&prices.drifts);
        for ((logarithm, row), drift) in moves {
            *logarithm +=
                drift + row.iter().zip(&normals).map(|(factor, normal)| factor * normal).sum::<f64>();
        }
        let row = logarithms.iter().zip(WEIGHTS).map(|(logarithm, weight)| weight * logarithm.exp());
        row.sum::<f64>() <= 0.0
    })
}
