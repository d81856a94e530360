//! The same for programs.

use super::words;
use crate::ask::refusal_json;
use crate::check::provenance_json;
use crate::show;
use plimsoll::{Correlated, DIGITS, Monitor, News, Pegged, Since, Told, Who};
use plimsoll_core::Book;
use plimsoll_risk::regime::Look;
use plimsoll_risk::watch::HOURS;
use serde_json::{Value, json};

pub(super) fn of(book: &Book, answer: &Monitor, asked: &Since<'_>) -> Value {
    let mut provenance = provenance_json(&answer.identity);
    provenance["kind"] = json!("estimate");
    provenance["history_sha256"] = json!(answer.history);
    json!({
        "format": 1,
        "provenance": provenance,
        "since_s": asked.since,
        "until_s": asked.until,
        "settings": {
            "window_hours": HOURS.fast,
            "before_hours": HOURS.slow,
            "least_hours": HOURS.least,
            "block_hours": HOURS.block,
            "half_life_hours": HOURS.half_life,
            "clip_volatilities": HOURS.clip,
            "broken_beyond": HOURS.broken,
            "apart_beyond": HOURS.apart,
            "mean_broken_beyond": HOURS.mean_broken,
            "quiet_s": HOURS.quiet,
        },
        "pairs": answer.pairs.iter().map(pair).collect::<Vec<_>>(),
        "book": {
            "assets": answer.whole.assets,
            "left_out": answer.whole.left_out.iter().map(|(name, why)| json!({"asset": name, "why": why})).collect::<Vec<_>>(),
            "now": answer.whole.looks.last().map(look),
        },
        "pegs": answer.pegs.iter().map(peg).collect::<Vec<_>>(),
        "bases_without_series": answer.no_basis,
        "unknown": answer.unvalued.iter().map(|(account, id, why)| {
            let listed = &book.accounts[*account];
            let market = &book.markets[listed.market];
            json!({
                "account": listed.name,
                "market": market.name,
                "instrument": market.market.instruments().get(id.index()).map(|one| one.name.clone()),
                "refusal": refusal_json(why),
            })
        }).collect::<Vec<_>>(),
        "alarms": answer.alarms.iter().map(alarm).collect::<Vec<_>>(),
    })
}

fn pair(pair: &Correlated) -> Value {
    let mut json = json!({
        "collateral": pair.collateral,
        "debt": pair.debt,
        "backs": pair.backed.iter().map(|backed| json!({
            "currency": backed.currency,
            "debt": show::exact(backed.debt.into(), DIGITS),
        })).collect::<Vec<_>>(),
    });
    match &pair.seen {
        Ok(seen) => {
            json["hours"] = json!(seen.times.len());
            json["known_until_s"] = json!(seen.times.last());
            json["week"] = json!(seen.rolling.map(|it| json!({
                "correlation": it.correlation,
                "low_95": it.low,
                "high_95": it.high,
            })));
            json["fading_correlation"] = json!(seen.fading);
            json["wrong_way"] = json!(seen.wrong_way.map(|it| json!({
                "worst_together": it.seen,
                "limit": it.fitted,
                "hours": it.rows,
            })));
            json["now"] = json!(seen.look.as_ref().map(look));
            json["alarms"] = json!(seen.alarms.len());
        }
        Err(blank) => json["not_estimable"] = json!(words::blank(blank)),
    }
    json
}

fn look(look: &Look) -> Value {
    json!({
        "time_s": look.time,
        "regime": look.regime.map(plimsoll_risk::regime::Regime::name),
        "volatility_a_year": look.volatility,
        "mean_correlation": look.correlation,
        "volatility_rank": look.ranks.map(|ranks| ranks.0),
        "correlation_rank": look.ranks.map(|ranks| ranks.1),
    })
}

fn peg(pegged: &Pegged) -> Value {
    json!({
        "series": pegged.series,
        "against": pegged.against,
        "reference": pegged.reference,
        "bar_s": pegged.step,
        "last_week_only": pegged.week,
        "peg": pegged.peg.as_ref().map(|peg| json!({
            "deviation": peg.now,
            "time_s": peg.time,
            "deviation_change_a_day": peg.speed,
            "lowest": {"deviation": peg.lowest.0, "time_s": peg.lowest.1},
            "highest": {"deviation": peg.highest.0, "time_s": peg.highest.1},
            "fastest_day": peg.fastest.map(|(fall, time)| json!({"change": fall, "time_s": time})),
            "below": peg.below.iter().map(|below| json!({
                "line": below.line,
                "bars": below.bars,
                "time_below_s": below.seconds,
                "longest_s": below.longest,
                "first_s": below.first,
            })).collect::<Vec<_>>(),
        })),
    })
}

fn alarm(told: &Told) -> Value {
    let (collateral, debt) = match &told.who {
        Who::Book => (None, None),
        Who::Pair(collateral, debt) => (Some(collateral), Some(debt)),
    };
    let mut json = json!({"time_s": told.time, "collateral": collateral, "debt": debt});
    let more = match told.news {
        News::Correlation(from, to, beyond) => {
            json!({"what": "correlation", "from": from, "to": to, "beyond_usual": beyond})
        }
        News::Apart(times, beyond) => {
            json!({"what": "apart", "unexplained_variance_times": times, "beyond_usual": beyond})
        }
        News::Crisis(volatility, correlation) => {
            json!({"what": "crisis", "volatility_a_year": volatility, "mean_correlation": correlation})
        }
    };
    if let (Some(json), Value::Object(more)) = (json.as_object_mut(), more) {
        json.extend(more);
    }
    json
}
