//! What `plimsoll stress` says to programs; `docs/output.md` tells of each field.

use crate::check::provenance_json;
use plimsoll::{Below, Counts, Identity, Impact, Jump, Ratio, Risk};
use plimsoll_core::{Book, FeedKind};
use serde_json::{Value, json};

pub(super) fn answer(book: &Book, identity: &Identity, jumps: &[Jump]) -> Value {
    json!({
        "format": 1,
        "provenance": provenance_json(identity),
        "scenarios": jumps.iter().map(|jump| jump_json(book, jump)).collect::<Vec<_>>(),
    })
}

fn jump_json(book: &Book, jump: &Jump) -> Value {
    let shocked = &jump.shocked;
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
        "before": counts_json(jump.before),
        "after": counts_json(jump.after),
        "risks": jump.risks.iter().map(risk_json).collect::<Vec<_>>(),
        "markets": jump.markets.iter().map(impact_json).collect::<Vec<_>>(),
        "newly_liquidatable": below_json(book, jump, jump.fallen()),
    })
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

pub(super) fn below_json<'j>(book: &Book, jump: &Jump, below: impl Iterator<Item = &'j Below>) -> Vec<Value> {
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
