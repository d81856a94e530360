//! `plimsoll risk --json`. `docs/output.md` describes the fields.

use super::about;
use crate::check::provenance_json;
use plimsoll::{AccountChance, BookChance, Chance, ChanceSetting, ChanceStands, Chances, ModelChance};
use plimsoll_core::Book;
use serde_json::{Value, json};

pub(super) fn answer(book: &Book, answer: &Chances, setting: &ChanceSetting) -> Value {
    let mut provenance = provenance_json(&answer.identity);
    provenance["kind"] = "estimated".into();
    json!({
        "format": 1,
        "provenance": provenance,
        "history": {
            "sha256": answer.history,
            "series": answer.series,
            "cannot_serve": answer.useless,
            "first_day": answer.window.map(|window| window[0]),
            "last_day": answer.window.map(|window| window[1]),
            "incomplete_days": answer.broken,
            "window_days": setting.window,
            "decay": setting.decay,
        },
        "look_seconds": setting.look,
        "paths": answer.paths,
        "seed": setting.seed,
        "days": answer.days,
        "still": answer.still.iter().map(|(price, why)| json!({"price": price, "why": why.name()})).collect::<Vec<_>>(),
        "accounts": answer.accounts.iter().map(|one| account(book, answer, one)).collect::<Vec<_>>(),
        "counts": {
            "accounts": answer.counts.accounts,
            "estimated": answer.counts.estimated,
            "below": answer.counts.below,
            "no_debt": answer.counts.no_debt,
            "not_estimable": answer.counts.unknown,
        },
        "books": answer.books.iter().map(|(kind, told)| match told {
            Ok(told) => json!({"model": kind.name(), "losses": losses(told, &answer.days), "not_estimable": null}),
            Err(why) => json!({"model": kind.name(), "losses": null, "not_estimable": why}),
        }).collect::<Vec<_>>(),
    })
}

fn account(book: &Book, answer: &Chances, one: &AccountChance) -> Value {
    let listed = &book.accounts[one.account];
    let (stands, why) = match &one.stands {
        ChanceStands::Estimated => ("estimated", None),
        ChanceStands::Below => ("below", None),
        ChanceStands::NoDebt => ("no_debt", None),
        ChanceStands::Unknown(why) => ("not_estimable", Some(why)),
    };
    let ranges = answer.days.iter().enumerate().map(|(horizon, day)| {
        let range = super::range(&one.models, horizon);
        json!({"days": day, "low_share": range.map(|range| range[0]), "high_share": range.map(|range| range[1])})
    });
    json!({
        "account": listed.name,
        "owner": listed.owner,
        "market": book.markets[listed.market].name,
        "stands": stands,
        "not_estimable": why,
        "health": one.health,
        "series": one.drivers,
        "range": if one.models.is_empty() { Value::Null } else { ranges.collect() },
        "models": one.models.iter().map(|one| model(answer, one)).collect::<Vec<_>>(),
    })
}

fn model(answer: &Chances, one: &ModelChance) -> Value {
    let chances = one.chances.as_ref().map(|chances| {
        answer.days.iter().zip(chances).map(|(day, chance)| self::chance(*day, chance)).collect::<Vec<_>>()
    });
    json!({
        "model": one.kind.name(),
        "about": about(answer, one.kind),
        "chances": chances.as_ref().ok(),
        "not_estimable": chances.as_ref().err(),
        "fan": one.fan.iter().zip(1..).map(|(health, day)| json!({"day": day, "health": health})).collect::<Vec<Value>>(),
    })
}

fn chance(day: u32, chance: &Chance) -> Value {
    json!({
        "days": day,
        "share": chance.estimate.chance,
        "standard_error": chance.estimate.error,
        "closed_form": chance.closed,
        "below_share": chance.beyond().then(|| chance.bound()),
    })
}

fn losses(told: &BookChance, days: &[u32]) -> Value {
    let each = told.losses.iter().flat_map(|(currency, losses)| {
        days.iter().zip(losses).map(move |(day, loss)| {
            json!({
                "currency": currency,
                "days": day,
                "liquidated_mean": loss.liquidated[0],
                "liquidated_95": loss.liquidated[1],
                "liquidated_99": loss.liquidated[2],
                "bad_debt_mean": loss.bad_debt[0],
                "bad_debt_var_95": loss.bad_debt[1],
                "bad_debt_var_99": loss.bad_debt[2],
                "bad_debt_es_99": loss.shortfall,
            })
        })
    });
    each.collect()
}
