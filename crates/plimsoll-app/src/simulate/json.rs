//! The same for programs: amounts as exact decimals of dollars, shares as decimals.

use super::Answer;
use crate::show::exact;
use plimsoll::{Identity, Simulation, Swept};
use plimsoll_core::{Crash, Decimal, Int};
use plimsoll_sim::outcome::{CONFIDENCE, Distribution, PARTS, Quantile};
use serde_json::{Value, json};

pub(super) fn library(all: impl Iterator<Item = Crash>) -> Value {
    let crashes = all.map(|crash| {
        json!({
            "name": crash.name,
            "title": crash.title,
            "sources": crash.sources,
            "steps": crash.steps,
            "step_seconds": crash.step,
        })
    });
    json!({"format": 1, "crashes": crashes.collect::<Vec<_>>()})
}

pub(super) fn provenance(identity: &Identity) -> Value {
    json!({
        "kind": "estimate",
        "book": identity.book,
        "hash": identity.hash,
        "at": crate::show::time(identity.at),
        "program": identity.program,
    })
}

fn quantile(of: &Quantile, part: f64, decimals: u8) -> Value {
    let end = |end: Option<Int>| end.map(|end| exact(end, decimals));
    json!({
        "part": part,
        "value": exact(of.value, decimals),
        "confidence": CONFIDENCE,
        "low": end(of.low),
        "high": end(of.high),
    })
}

fn distribution(of: &Distribution, decimals: u8) -> Value {
    let quantiles = of.quantiles.iter().zip(PARTS).map(|(it, part)| quantile(it, part, decimals));
    json!({
        "runs": of.runs,
        "runs_above_zero": of.above_zero,
        "mean": of.mean.map(|mean| exact(mean, decimals)),
        "least": exact(of.ends[0], decimals),
        "most": exact(of.ends[1], decimals),
        "quantiles": quantiles.collect::<Vec<_>>(),
    })
}

/// What was given, and what of the book does not follow it.
fn given(simulation: &Simulation) -> Value {
    let stated = simulation.stated.iter().map(|it| {
        json!({
            "of": it.of,
            "name": it.name,
            "value": it.value,
            "kind": if it.measured.is_some() { "measured" } else { "assumed" },
            "measured": it.measured,
        })
    });
    let still = simulation.still.iter().map(|(name, why)| json!({"price": name, "why": why.name()}));
    json!({
        "seed": simulation.plan.seed,
        "parameters": stated.collect::<Vec<_>>(),
        "stand_still": still.collect::<Vec<_>>(),
        "without_effect": simulation.without_effect,
        "without_price_in_usd": simulation.unpriced,
    })
}

pub(super) fn answer(answer: &Answer<'_>) -> Value {
    let Answer { simulation, crash, deep, outcomes, figures, counts, drivers } = answer;
    let named = |all: &[(&'static str, Distribution)], decimals: u8| {
        let all = all.iter().map(|(name, of)| (name.replace([' ', '\''], "_"), distribution(of, decimals)));
        Value::Object(all.collect())
    };
    let prices = simulation.plan.drivers.iter().zip(drivers).map(|(name, [lowest, alone, impact])| {
        json!({
            "asset": name,
            "lowest": distribution(lowest, 18),
            "lowest_without_sales": distribution(alone, 18),
            "pressed_down": distribution(impact, 18),
        })
    });
    let runs = outcomes.iter().map(|run| {
        let sums = run.sums.iter().map(|(currency, sums)| {
            let sums = json!({
                "bad_debt": exact(sums.bad_debt, 18),
                "written_off": exact(sums.written_off, 18),
                "repaid": exact(sums.repaid, 18),
                "seized": exact(sums.seized, 18),
                "cost": exact(sums.cost, 18),
                "profit": exact(sums.profit, 18),
                "gas": exact(sums.gas, 18),
                "rescued": exact(sums.rescued, 18),
            });
            (currency.clone(), sums)
        });
        let passed = json!({
            "nobody": run.passed.nobody,
            "unprofitable": run.passed.unprofitable,
            "capital": run.passed.capital,
            "unsold": run.passed.unsold,
            "refused": run.passed.refused,
        });
        json!({
            "run": run.run,
            "by_currency": Value::Object(sums.collect()),
            "calls": run.calls,
            "fell": run.fell,
            "left": run.left,
            "clearing_seconds": run.clearing,
            "uncleared": run.uncleared,
            "passed": passed,
            "rescues": run.rescues,
            "rescues_refused": run.rescues_refused,
            "arbitrages": run.arbitrages,
            "unknown": run.unknown,
        })
    });
    json!({
        "format": 1,
        "provenance": provenance(&simulation.identity),
        "crash": {"name": crash.name, "title": crash.title, "sources": crash.sources, "steps": crash.steps, "step_seconds": crash.step},
        "depth": deep,
        "given": given(simulation),
        "usd": named(figures, 18),
        "counts": named(counts, 0),
        "prices": prices.collect::<Vec<_>>(),
        "runs": runs.collect::<Vec<_>>(),
    })
}

fn tries(found: &[Swept]) -> Value {
    let rows = found.iter().map(|it| {
        json!({
            "value": it.value.trimmed().to_string(),
            "fell": it.fell,
            "bad_debt": distribution(&it.bad_debt, 18),
            "profit": distribution(&it.profit, 18),
        })
    });
    Value::Array(rows.collect())
}

pub(super) fn swept(simulation: &Simulation, name: &str, found: &[Swept]) -> Value {
    json!({
        "format": 1,
        "provenance": provenance(&simulation.identity),
        "given": given(simulation),
        "swept": name,
        "values": tries(found),
    })
}

pub(super) fn reversed(
    simulation: &Simulation,
    what: &str,
    most: Decimal,
    found: Option<Decimal>,
    all: &[Swept],
) -> Value {
    json!({
        "format": 1,
        "provenance": provenance(&simulation.identity),
        "given": given(simulation),
        "reverse": what,
        "most": most.to_string(),
        "found": found.map(|found| found.to_string()),
        "tries": tries(all),
    })
}
