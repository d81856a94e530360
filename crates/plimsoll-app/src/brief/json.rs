//! What a brief says to programs; `docs/output.md` tells of each field.

use super::Told;
use super::sections::{untold, way};
use crate::ask::refusal_json;
use crate::check::{figures_json, provenance_json};
use crate::{outlook, show};
use plimsoll::{
    AccountChange, Amounts, Attribution, FeedChange, MarketChange, MarketInfo, OwnerChange, Ratio,
    Standstill, SumChange, Tier, Untold,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) fn answer(told: &Told<'_>) -> Value {
    let brief = told.answer;
    let [was, is] = &brief.identities;
    let mut provenance = provenance_json(is);
    provenance["accounts"] = brief.accounts.into();
    let moves = brief.transitions.iter().map(|([before, after], count)| {
        json!({"before": before.map(Tier::name), "after": after.map(Tier::name), "accounts": count})
    });
    let accounts = |list: &[AccountChange]| list.iter().map(|one| account(told, one)).collect::<Vec<_>>();
    json!({
        "format": 1,
        "provenance": provenance,
        "since": provenance_json(was),
        "owner": told.owner,
        "tiers": {"before": tiers(&brief.tiers[0]), "after": tiers(&brief.tiers[1])},
        "transitions": moves.collect::<Vec<_>>(),
        "totals": brief.sums.iter().map(sum).collect::<Vec<_>>(),
        "worst": brief.worst.iter().map(|one| ahead(told, one)).collect::<Vec<_>>(),
        "rest": brief.rest.iter().map(sum).collect::<Vec<_>>(),
        "moved": accounts(&brief.moved),
        "moved_count": brief.found[0],
        "coming": accounts(&brief.coming),
        "coming_count": brief.found[1],
        "owners": brief.owners.iter().map(|one| owner(told, one)).collect::<Vec<_>>(),
        "owner_count": brief.several,
        "markets": brief.markets.iter().map(market).collect::<Vec<_>>(),
        "feeds": brief.feeds.iter().map(feed).collect::<Vec<_>>(),
    })
}

fn tiers(tiers: &BTreeMap<Tier, u64>) -> Value {
    let counts = tiers.iter().map(|(tier, count)| (tier.name().to_string(), json!(count)));
    Value::Object(counts.collect::<Map<_, _>>())
}

fn account(told: &Told<'_>, one: &AccountChange) -> Value {
    let market = &told.answer.markets[one.market];
    let health = one.health.map(|health| health.map(|health: Ratio| health.digits(0, 18)));
    json!({
        "account": one.name,
        "owner": one.owner,
        "market": market.name,
        "tier": {"before": one.tiers[0].map(Tier::name), "after": one.tiers[1].map(Tier::name)},
        "health": {"before": health[0], "after": health[1]},
        "currency": market.sum.currency,
        "decimals": market.sum.decimals,
        "change": change(&one.change),
        "coming": one.coming.as_ref().map(outlook::arriving_json),
        "renewed": one.renewed.as_ref().map(crate::check::renewed_json),
    })
}

/// An account with what is ahead of it.
fn ahead(told: &Told<'_>, one: &AccountChange) -> Value {
    let mut json = account(told, one);
    if let (Some(place), Some((outlook, _))) = (one.places[1], told.ahead(one)) {
        json["outlook"] = outlook::as_json(told.newer, place, &outlook);
    }
    json
}

fn amounts(amounts: &Amounts) -> Value {
    json!({
        "collateral": amounts.collateral.to_string(),
        "debt": amounts.debt.to_string(),
        "headroom": amounts.headroom.to_string(),
        "uncovered": amounts.uncovered.to_string(),
    })
}

fn change(change: &Attribution) -> Value {
    let told = |part: &Option<Amounts>| part.as_ref().map(amounts);
    let [own, interest, rules, prices] = change.parts.each_ref().map(told);
    json!({
        "before": told(&change.before),
        "after": told(&change.after),
        "own_actions": own,
        "interest": interest,
        "parameters": rules,
        "prices": prices,
        "not_split": told(&change.unsplit),
        "not_split_because": change.untold.map(because),
    })
}

fn because(why: Untold) -> Value {
    match why {
        Untold::Refused(refusal) => refusal_json(&refusal),
        other => json!({"code": null, "message": untold(other)}),
    }
}

fn sum(sum: &SumChange) -> Value {
    let [own, interest, rules, prices] = sum.parts.each_ref().map(amounts);
    json!({
        "currency": sum.currency,
        "decimals": sum.decimals,
        "accounts": {"before": sum.accounts[0], "after": sum.accounts[1]},
        "unsummed": {"before": sum.unvalued[0], "after": sum.unvalued[1]},
        "unknown_debt": {"before": sum.unknown[0].to_string(), "after": sum.unknown[1].to_string()},
        "before": amounts(&sum.before),
        "after": amounts(&sum.after),
        "not_compared": {"before": amounts(&sum.uncompared[0]), "after": amounts(&sum.uncompared[1])},
        "not_compared_accounts": sum.uncompared_accounts,
        "own_actions": own,
        "interest": interest,
        "parameters": rules,
        "prices": prices,
        "not_split": amounts(&sum.unsplit),
        "not_split_accounts": sum.unsplit_accounts,
    })
}

fn owner(told: &Told<'_>, one: &OwnerChange) -> Value {
    json!({
        "owner": one.owner,
        "accounts": {"before": one.accounts[0], "after": one.accounts[1]},
        "unknown": one.unknown,
        "worst": account(told, &one.worst),
        "totals": one.sums.iter().map(sum).collect::<Vec<_>>(),
    })
}

fn market(market: &MarketChange) -> Value {
    let state = |info: &Option<MarketInfo>| {
        info.as_ref().map(|info| {
            json!({
                "venue": info.venue,
                "revision": info.revision,
                "state_at": info.updated.0,
                "kept": figures_json(&info.kept),
                "auctions": info.auctions.len(),
            })
        })
    };
    json!({
        "name": market.name,
        "before": state(&market.before),
        "after": state(&market.after),
        "replaced": market.replaced,
        "parameters": market.rules.iter().map(|rule| json!({
            "number": rule.number,
            "unit": rule.unit.name,
            "decimals": rule.unit.decimals,
            "before": rule.from.map(|value| value.to_string()),
            "after": rule.to.map(|value| value.to_string()),
        })).collect::<Vec<_>>(),
        "rewired": market.rewired.iter().map(|wire| json!({
            "asset": wire.asset,
            "before": wire.from,
            "after": wire.to,
        })).collect::<Vec<_>>(),
        "without_feed": market.unwired,
        "not_split_because": market.untold.map(because),
        "total": sum(&market.sum),
    })
}

fn feed(feed: &FeedChange) -> Value {
    let values = feed.values.map(|value| value.map(|value| value.to_string()));
    json!({
        "feed": feed.name,
        "kind": feed.kind,
        "unit": feed.unit.to_string(),
        "markets": feed.markets,
        "before": values[0],
        "after": values[1],
        "moved": way(feed.values).map(|parts| show::exact(parts, 6)),
        "observed_before": feed.observed[0].map(|time| time.0),
        "observed_after": feed.observed[1].map(|time| time.0),
        "age": feed.age,
        "doubt": feed.doubt.map(|why| why.to_string()),
        "hard_coded": feed.is_constant(),
        "did_not_move": feed.standstill.map(|it| match it {
            Standstill::SameAgain => "observed again",
            Standstill::Unobserved => "not observed",
        }),
    })
}
