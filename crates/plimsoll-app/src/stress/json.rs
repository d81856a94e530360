//! What `plimsoll stress` says to programs; `docs/output.md` tells of each field.

use crate::check::provenance_json;
use plimsoll::{Along, Below, Change, Counts, Curve, Identity, Impact, Jump, Ratio, Risk, Shocked, Step};
use plimsoll_core::{Book, FeedKind, U256};
use serde_json::{Value, json};

pub(super) fn answer(book: &Book, identity: &Identity, jumps: &[Jump]) -> Value {
    json!({
        "format": 1,
        "provenance": provenance_json(identity),
        "scenarios": jumps.iter().map(|jump| jump_json(book, jump)).collect::<Vec<_>>(),
    })
}

/// The same under other parameters, and who is liquidatable only there.
pub(super) fn under(
    book: &Book,
    set: &[(String, Change)],
    identity: &Identity,
    under: &[Jump],
    without: &[Jump],
) -> Value {
    let scenarios = under.iter().zip(without).map(|(under, without)| {
        let mut answer = jump_json(book, under);
        answer["only_under_set"] = below_json(book, under, under.not_in(without)).into();
        answer["only_without_set"] = below_json(book, without, without.not_in(under)).into();
        answer
    });
    json!({
        "set": set.iter().map(|(words, _)| words.trim_start_matches("set ")).collect::<Vec<_>>(),
        "provenance": provenance_json(identity),
        "scenarios": scenarios.collect::<Vec<_>>(),
    })
}

fn jump_json(book: &Book, jump: &Jump) -> Value {
    let shocked = &jump.shocked;
    with_assumed(
        shocked,
        json!({
            "name": jump.scenario.name,
            "title": jump.scenario.title,
            "sources": jump.scenario.sources,
            "prices": shocked.moved.iter().map(|moved| json!({
                "price": moved.name,
                "kind": moved.kind.map_or("derived", FeedKind::name),
                "unit": moved.unit.to_string(),
                "before": moved.from.to_string(),
                "after": moved.to.to_string(),
                "at_bound": moved.bound,
            })).collect::<Vec<_>>(),
            "before": counts_json(jump.before),
            "after": counts_json(jump.after),
            "risks": jump.risks.iter().map(risk_json).collect::<Vec<_>>(),
            "markets": jump.markets.iter().map(impact_json).collect::<Vec<_>>(),
            "newly_liquidatable": below_json(book, jump, jump.fallen()),
        }),
    )
}

/// What stands still or moves by somebody's word.
fn with_assumed(shocked: &Shocked, mut answer: Value) -> Value {
    let assumed = json!({
        "held": shocked.held,
        "mapped": shocked.mapped.iter().map(|mapping| json!({
            "asset": mapping.asset,
            "like": mapping.like,
            "times": mapping.times.to_string(),
        })).collect::<Vec<_>>(),
        "constant": shocked.constant.iter().map(|(market, asset, price)| json!({
            "market": market,
            "asset": asset,
            "price": price,
        })).collect::<Vec<_>>(),
        "undelayed": shocked.undelayed,
    });
    if let (Some(answer), Value::Object(assumed)) = (answer.as_object_mut(), assumed) {
        answer.extend(assumed);
    }
    answer
}

pub(super) fn curve(book: &Book, curve: &Curve) -> Value {
    let steps = |steps: &[Step]| steps.iter().map(|step| step_json(book, step)).collect::<Vec<_>>();
    let along = match &curve.along {
        Along::Collateral => Value::Null,
        Along::Asset(name) => json!(name),
    };
    with_assumed(
        &curve.said,
        json!({
            "asset": along,
            "with": curve.with,
            "against": curve.against,
            "now": steps(&curve.now),
            "down": steps(&curve.down),
            "up": steps(&curve.up),
            "unknown": curve.unknown,
            "unproven": curve.unproven.iter().map(|(account, from)| json!({
                "account": book.accounts[*account].name,
                "market": book.markets[book.accounts[*account].market].name,
                "from": factor(*from),
            })).collect::<Vec<_>>(),
        }),
    )
}

fn step_json(book: &Book, step: &Step) -> Value {
    let listed = &book.accounts[step.account];
    json!({
        "factor": factor(step.factor),
        "settled": step.settled.map(factor),
        "account": listed.name,
        "owner": listed.owner,
        "market": book.markets[listed.market].name,
        "joins": step.joins,
        "currency": step.currency,
        "decimals": step.decimals,
        "collateral": step.at.map(|at| at.collateral.to_string()),
        "seizable": step.at.map(|at| at.seizable.to_string()),
        "accounts": step.accounts,
        "collateral_sum": step.sum.collateral.to_string(),
        "seizable_sum": step.sum.seizable.to_string(),
    })
}

/// A factor as a decimal number, exact.
fn factor(parts: U256) -> String {
    crate::show::exact(parts.into(), 8)
}

fn impact_json(impact: &Impact) -> Value {
    json!({
        "market": impact.market,
        "before": counts_json(impact.before),
        "after": counts_json(impact.after),
        "risk": risk_json(&impact.risk),
        "unsummed_before": impact.unsummed[0],
        "unsummed_after": impact.unsummed[1],
        "unplayed": impact.unplayed,
    })
}

fn counts_json(counts: Counts) -> Value {
    let Counts { accounts, healthy, liquidatable, no_debt, unknown } = counts;
    json!({
        "accounts": accounts,
        "healthy": healthy,
        "liquidatable": liquidatable,
        "no_debt": no_debt,
        "unknown": unknown,
    })
}

fn risk_json(risk: &Risk) -> Value {
    json!({
        "currency": risk.currency,
        "decimals": risk.decimals,
        "collateral_liquidatable_before": risk.collateral[0].to_string(),
        "collateral_liquidatable_after": risk.collateral[1].to_string(),
        "debt_liquidatable_before": risk.debt[0].to_string(),
        "debt_liquidatable_after": risk.debt[1].to_string(),
        "seizable_now": risk.seizable.to_string(),
        "bad_debt_lower_bound": risk.bad_debt.to_string(),
    })
}

fn below_json<'j>(book: &Book, jump: &Jump, below: impl Iterator<Item = &'j Below>) -> Vec<Value> {
    let health = |health: Option<Ratio>| health.map(|health| health.digits(0, 18));
    let one = |below: &Below| {
        let listed = &book.accounts[below.account];
        json!({
            "account": listed.name,
            "owner": listed.owner,
            "market": book.markets[listed.market].name,
            "health_before": health(below.before),
            "health_after": health(below.after),
            "collateral": below.collateral.map(|value| value.to_string()),
            "debt": below.debt.map(|value| value.to_string()),
            "decimals": jump.markets[listed.market].risk.decimals,
        })
    };
    below.map(one).collect()
}
