//! `plimsoll calibrate --json`. `docs/output.md` describes the fields.

use super::words::{binds, name};
use plimsoll::{Calibrated, Calibration, Column, Event, Gate, Observed, Ratio, Stated, Touched};
use plimsoll_core::Book;
use plimsoll_risk::history::History;
use serde_json::{Value, json};

pub(super) fn answer(book: &Book, found: &Calibration, history: &History) -> Value {
    let identity = &found.identity;
    json!({
        "format": 1,
        "provenance": {
            "book": identity.book,
            "book_hash": identity.hash,
            "at": identity.at.0,
            "history": history.digest(),
            "program": identity.program,
            "kind": "estimate",
        },
        "tolerated_usd": found.tolerated,
        "collaterals": found.all.iter().map(|one| collateral(book, one)).collect::<Vec<_>>(),
    })
}

fn collateral(book: &Book, one: &Calibrated) -> Value {
    let told = |told: &Option<Stated>| {
        told.as_ref().map_or(Value::Null, |told| json!({"number": told.path, "value": told.value}))
    };
    let hazards = one.hazards.as_ref().map(|struck| {
        let event = |event: &Event| {
            json!({
                "name": event.name,
                "intensity_per_year": event.a_year,
                "loss_share": event.loses,
            })
        };
        json!({
            "expected_loss_share_per_year": struck.expected,
            "events": struck.events.iter().map(event).collect::<Vec<_>>(),
        })
    });
    json!({
        "market": one.market,
        "asset": one.asset,
        "currency": one.currency,
        "accounts": one.stand.accounts,
        "accounts_unknown": one.stand.unknown,
        "collateral": one.stand.collateral,
        "debt": one.stand.debt,
        "largest_debt": one.stand.largest,
        "owed": one.stand.owed,
        "now": {
            "threshold_share": told(&one.rules.threshold),
            "ltv_share": told(&one.rules.ltv),
            "bonus_share": one.rules.bonus,
            "supply_cap": told(&one.rules.supply_cap),
        },
        "hazards": hazards,
        "not_estimable": one.found.as_ref().err().map(|why| why.why.clone()),
        "found": one.found.as_ref().ok().map(|seen| seen_json(book, seen)),
    })
}

fn seen_json(book: &Book, seen: &Observed) -> Value {
    let gate = |gate: &Gate| {
        json!({
            "name": gate.name,
            "figure": gate.figure,
            "limit": gate.limit,
            "limit_is": if gate.least { "least" } else { "most" },
            "unit": gate.unit,
            "passes": gate.passes(),
            "because": gate.because,
        })
    };
    json!({
        "series": seen.series,
        "price": seen.price,
        "first_bar_s": seen.span.0,
        "last_bar_s": seen.span.1,
        "windows": seen.days.0,
        "windows_torn": seen.days.1,
        "lows_known": seen.days.2,
        "volatility_now_per_year": seen.volatility.0,
        "volatility_p99_per_year": seen.volatility.1,
        "volatility_p99_set_by_s": seen.volatility.2,
        "liquidity": seen.liquidity,
        "bonus_share": seen.bonus,
        "assumed": seen.assumed,
        "eligible": seen.eligible(),
        "gates": seen.gates.iter().map(gate).collect::<Vec<_>>(),
        "smart_ltv_share": seen.smart,
        "columns": seen.columns.iter().map(|column| column_json(book, column)).collect::<Vec<_>>(),
    })
}

fn column_json(book: &Book, column: &Column) -> Value {
    let line = &column.line;
    let touched = match &column.touched {
        Ok(touched) => touched_json(book, touched),
        Err(why) => json!({"unknown_because": why}),
    };
    json!({
        "column": name(column.appetite),
        "threshold_share": line.threshold,
        "ltv_share": line.ltv,
        "gap_share": line.gap.0,
        "gap_set_by_s": line.gap.1,
        "bonus_share": column.bonus.is_finite().then_some(column.bonus),
        "close_factor_share": column.close,
        "haircut_share": column.haircut,
        "initial_margin_share": crate::figures::rest(line.ltv),
        "maintenance_margin_share": crate::figures::rest(line.threshold),
        "supply_cap_tokens": column.cap.supply,
        "borrow_cap": column.cap.debt,
        "cap_bound_by": binds(column),
        "extreme_drop_share": column.drop,
        "debt_assumed": line.debt,
        "loss": line.loss,
        "next_line_loss": line.next.map(|(loss, _)| loss),
        "next_line_set_by_s": line.next.map(|(_, at)| at),
        "windows_beyond_depth": line.beyond,
        "next_step": {"threshold_share": column.next.0, "ltv_share": column.next.1},
        "replayed": {
            "windows": column.replayed.days,
            "above_tolerated": column.replayed.over,
            "worst_loss": column.replayed.worst.0,
            "worst_s": column.replayed.worst.1,
        },
        "touched": touched,
    })
}

fn touched_json(book: &Book, touched: &Touched) -> Value {
    let health = |health: &Option<Ratio>| health.map(|health| health.digits(0, 18));
    let account = |(place, before, after): &(usize, Option<Ratio>, Option<Ratio>)| {
        let listed = &book.accounts[*place];
        json!({
            "account": listed.name,
            "market": book.markets[listed.market].name,
            "health_before": health(before),
            "health_after": health(after),
        })
    };
    json!({
        "set": touched.set,
        "book_hash": touched.hash,
        "accounts": touched.accounts.iter().map(account).collect::<Vec<_>>(),
    })
}
