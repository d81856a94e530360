//! What `plimsoll stress` says to programs; `docs/output.md` tells of each field.

use super::Seen;
use crate::check::provenance_json;
use plimsoll::{
    Along, Below, Class, Counts, Curve, HeatMap, Impact, Jump, Loss, Ratio, Risk, Sales, Shocked, Stays,
    Step, Stride, Tallies, Walk,
};
use plimsoll_core::{Book, Depth, FeedKind, Int, U256};
use serde_json::{Value, json};

pub(super) fn answer(book: &Book, seen: &Seen) -> Value {
    let mut answer = json!({
        "format": 1,
        "provenance": provenance_json(&seen.identity),
        "scenarios": scenarios(book, seen),
    });
    if let Some(depth) = &seen.depth {
        answer["depth"] = depth_json(depth);
        answer["depth"]["without_effect"] = seen.unused.clone().into();
    }
    if let Some(heat) = &seen.heat {
        answer["heatmap"] = heat_json(heat);
    }
    answer
}

/// Which liquidations were played: what was not is null, or not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Played {
    AtOnce,
    Sold,
    Both,
}

fn scenarios(book: &Book, seen: &Seen) -> Vec<Value> {
    let played = if seen.depth.is_some() { Played::Both } else { Played::AtOnce };
    let mut scenarios: Vec<Value> = seen.jumps.iter().map(|jump| jump_json(book, jump, played)).collect();
    for (scenario, walk) in scenarios.iter_mut().skip(1).zip(&seen.walks) {
        scenario["path"] = walk_json(walk);
    }
    scenarios
}

fn depth_json(depth: &Depth) -> Value {
    json!({
        "name": depth.name,
        "sources": depth.sources,
        "recovers": depth.recovers.to_string(),
        "gas": depth.gas.iter().map(|gas| json!({
            "in": gas.currency,
            "amount": gas.amount.to_string(),
        })).collect::<Vec<_>>(),
    })
}

fn walk_json(walk: &Walk) -> Value {
    let steps = |strides: &[Stride], played: Played| {
        strides.iter().map(|stride| json!({
            "found": counts_json(stride.found),
            "left": counts_json(stride.left),
            "risks": stride.risks.iter().map(|risk| risk_json(risk, played)).collect::<Vec<_>>(),
            "markets": stride.markets.iter().map(|impact| impact_json(impact, played)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>()
    };
    let sold = Some(&walk.sold).filter(|strides| !strides.is_empty());
    json!({
        "at_once": steps(&walk.at_once, Played::AtOnce),
        "sold": sold.map(|strides| steps(strides, Played::Sold)),
    })
}

fn heat_json(map: &HeatMap) -> Value {
    let axis = |at: usize| {
        json!({
            "asset": map.axes[at].asset,
            "in": map.axes[at].currency,
            "percent": map.moves[at].iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    let cells = map.cells.iter().map(|row| {
        row.iter()
            .map(|cell| {
                json!({
                    "after": counts_json(cell.after),
                    "risks": cell.risks.iter().map(|risk| risk_json(risk, Played::AtOnce)).collect::<Vec<_>>(),
                })
            })
            .collect::<Vec<_>>()
    });
    json!({"along": axis(0), "down": axis(1), "rows": cells.collect::<Vec<_>>()})
}

fn loss_json(loss: &Loss) -> Value {
    json!({
        "market": loss.market,
        "owner": loss.owner,
        "currency": loss.currency,
        "decimals": loss.decimals,
        "accounts": loss.accounts,
        "holds": loss.held.to_string(),
        "loses": loss.lost.to_string(),
        "owes": loss.owed.to_string(),
        "unvalued": loss.unvalued,
    })
}

fn sales_json(sales: &Sales) -> Value {
    let left = |why: Stays| {
        let left = sales.left_for(why);
        let money = |value: Int| value.to_string();
        json!({"accounts": left.accounts, "collateral": money(left.collateral), "debt": money(left.debt)})
    };
    json!({
        "calls": sales.calls,
        "sold": sales.sold.to_string(),
        "brought": sales.brought.to_string(),
        "gas": sales.gas.to_string(),
        "bad_debt": sales.bad_debt.to_string(),
        "does_not_pay": left(Stays::Away),
        "beyond_the_data": left(Stays::Beyond),
        "no_curve": left(Stays::NoCurve),
        "refused": left(Stays::Refused),
        "no_price": left(Stays::Unpriced),
    })
}

/// The same under other parameters, and who is liquidatable only there.
pub(super) fn under(book: &Book, set: &[&str], under: &Seen, without: &[Jump]) -> Value {
    let identity = &under.identity;
    let all = scenarios(book, under).into_iter();
    let scenarios = all.zip(under.jumps.iter().zip(without)).map(|(mut answer, (under, without))| {
        answer["only_under_set"] = below_json(book, under, under.not_in(without)).into();
        answer["only_without_set"] = below_json(book, without, without.not_in(under)).into();
        answer
    });
    json!({
        "set": set,
        "provenance": provenance_json(identity),
        "scenarios": scenarios.collect::<Vec<_>>(),
    })
}

fn jump_json(book: &Book, jump: &Jump, played: Played) -> Value {
    let shocked = &jump.shocked;
    let mut answer = with_assumed(
        shocked,
        json!({
            "name": jump.scenario.name,
            "parameters": jump.scenario.parameters.iter().map(|(name, value)| json!({
                "name": name,
                "value": value,
            })).collect::<Vec<_>>(),
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
            "market_moves": shocked.market.iter().map(|moved| json!({
                "price": moved.name,
                "unit": moved.unit.to_string(),
                "before": moved.from.to_string(),
                "after": moved.to.to_string(),
            })).collect::<Vec<_>>(),
            "before": counts_json(jump.before),
            "after": counts_json(jump.after),
            "risks": jump.risks.iter().map(|risk| risk_json(risk, played)).collect::<Vec<_>>(),
            "markets": jump.markets.iter().map(|impact| impact_json(impact, played)).collect::<Vec<_>>(),
            "newly_liquidatable": below_json(book, jump, jump.fallen()),
        }),
    );
    answer["tallies"] = match jump.tallies() {
        Ok(tallies) => tallies_json(book, &tallies),
        Err(why) => json!({"unknown_because": why.to_string()}),
    };
    if !jump.losses.is_empty() {
        answer["losses"] = jump.losses.iter().map(loss_json).collect();
    }
    answer
}

fn tallies_json(book: &Book, tallies: &Tallies) -> Value {
    let class = |class: &Class| {
        json!({
            "from": class.from.map(|edge| edge.to_string()),
            "below": class.below.map(|edge| edge.to_string()),
            "accounts": class.accounts,
            "totals": class.totals.iter().map(|total| json!({
                "currency": total.currency,
                "decimals": total.decimals,
                "accounts": total.accounts,
                "collateral": total.collateral.to_string(),
                "debt": total.debt.to_string(),
                "uncovered": total.uncovered.to_string(),
            })).collect::<Vec<_>>(),
        })
    };
    json!({
        "by_health": tallies.by_health.iter().map(class).collect::<Vec<_>>(),
        "unknown": class(&tallies.unknown),
        "no_debt": tallies.no_debt,
        "at_risk": tallies.at_risk.iter().map(|at_risk| json!({
            "currency": at_risk.currency,
            "decimals": at_risk.decimals,
            "asset": at_risk.asset,
            "positions": at_risk.positions,
            "value": at_risk.value.to_string(),
        })).collect::<Vec<_>>(),
        "unvalued_positions": tallies.unvalued,
        "owners": tallies.owners.iter().map(|lowest| json!({
            "owner": lowest.owner,
            "account": lowest.account.map(|account| &book.accounts[account].name),
            "market": lowest.account.map(|account| &book.markets[book.accounts[account].market].name),
            "health": lowest.health.map(|health| health.to_string()),
            "unknown": lowest.unknown,
        })).collect::<Vec<_>>(),
    })
}

/// What stands still or moves by somebody's word, and what was said in vain.
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
        "overridden": shocked.overridden,
        "without_effect": shocked.without_effect,
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
            "ends": curve.ends.iter().map(|end| json!({
                "market": end.market,
                "factor": factor(end.factor),
                "price": end.price,
            })).collect::<Vec<_>>(),
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

fn impact_json(impact: &Impact, played: Played) -> Value {
    json!({
        "market": impact.market,
        "before": counts_json(impact.before),
        "after": counts_json(impact.after),
        "risk": risk_json(&impact.risk, played),
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

fn risk_json(risk: &Risk, played: Played) -> Value {
    let at_once = |value: Int| (played != Played::Sold).then(|| value.to_string());
    let mut answer = json!({
        "currency": risk.currency,
        "decimals": risk.decimals,
        "collateral_liquidatable_before": risk.collateral[0].to_string(),
        "collateral_liquidatable_after": risk.collateral[1].to_string(),
        "debt_liquidatable_before": risk.debt[0].to_string(),
        "debt_liquidatable_after": risk.debt[1].to_string(),
        "uncovered_before": risk.uncovered[0].to_string(),
        "uncovered_after": risk.uncovered[1].to_string(),
        "seizable_now": at_once(risk.seizable),
        "bad_debt_at_once": at_once(risk.bad_debt),
    });
    if played != Played::AtOnce {
        answer["sales"] = sales_json(&risk.sales);
    }
    answer
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
