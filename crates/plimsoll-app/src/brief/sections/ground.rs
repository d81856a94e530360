//! What accounts stand on: the markets, and the feeds that those rest on.

use super::{Section, Told, changed, untold};
use crate::check::{counted, kept};
use crate::{outlook, show};
use plimsoll::{Amounts, FeedChange, MarketChange, Standstill};
use plimsoll_core::{Decimal, Int, Rounding};

pub(super) fn markets(told: &Told<'_>) -> Section {
    let columns =
        ["market", "venue", "state of", "", ">collateral", ">change", ">debt", ">change", ">accounts"];
    let mut section = Section::new("Markets", "", &columns);
    for market in &told.answer.markets {
        let info = market.after.as_ref().or(market.before.as_ref());
        let (venue, state) = info.map_or_else(Default::default, |info| {
            (format!("{} {}", info.venue, info.revision), show::time(info.updated))
        });
        let sum = &market.sum;
        let change = sum.change().filter(|_| sum.uncompared_accounts == 0);
        let now = sum.valued()[1];
        let mut row = vec![market.name.clone(), venue, state, sum.currency.clone()];
        for of in [|amounts: &Amounts| amounts.collateral, |amounts: &Amounts| amounts.debt] {
            let now = now.as_ref().map(of);
            let money = now.map(|it| show::amount(it, sum.decimals, 2));
            row.push(show::summed(money, sum.accounts[1], sum.unvalued[1]));
            row.push(changed(sum, change.as_ref().map(of)));
        }
        row.push((sum.accounts[1] + sum.unvalued[1]).to_string());
        section.rows.push(row);
        section.lines.extend(market_lines(market));
    }
    section
}

/// What changed of a market itself.
fn market_lines(market: &MarketChange) -> Vec<String> {
    let name = &market.name;
    let mut lines = Vec::new();
    match (&market.before, &market.after) {
        _ if market.replaced => lines.push(format!(
            "{name}: another market of this name is in the other book, of another venue or currency; nothing is compared"
        )),
        (None, _) => lines.push(format!("{name}: not in the older book")),
        (_, None) => lines.push(format!("{name}: not in the newer book")),
        (Some(before), Some(after)) => {
            if before.revision != after.revision {
                lines.push(format!("{name}: revision {} -> {}", before.revision, after.revision));
            }
            if before.kept != after.kept {
                let [was, is] = [&before.kept, &after.kept].map(|it| kept(it).unwrap_or_default());
                let was = was.trim().trim_start_matches("the venue keeps: ").to_string();
                lines.push(format!("{name}: {}; before {was}", is.trim()));
            }
        }
    }
    lines.extend(
        market
            .after
            .iter()
            .filter(|info| !info.auctions.is_empty())
            .map(|info| format!("{name}: {} running", counted(info.auctions.len() as u64, "auction"))),
    );
    for rule in &market.rules {
        let value = |value: Option<Int>| {
            value.map_or_else(|| "none".into(), |it| show::exact(it, rule.unit.decimals))
        };
        let unit = rule.unit.name;
        let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
        lines.push(format!("{}: {} -> {}{unit}", rule.number, value(rule.from), value(rule.to)));
    }
    for wire in &market.rewired {
        let feed = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".into());
        lines.push(format!(
            "{name}: {} is read from {} and no longer from {}",
            wire.asset,
            feed(&wire.to),
            feed(&wire.from)
        ));
    }
    if !market.unwired.is_empty() {
        lines.push(format!("{name}: NO FEED of {}", market.unwired.join(", ")));
    }
    lines
        .extend(market.untold.map(|why| format!("{name}: changes cannot be split in full: {}", untold(why))));
    lines
}

pub(super) fn feeds(told: &Told<'_>) -> Section {
    let columns = ["feed", "kind", ">before", ">now", ">move", ">age", "", "read by"];
    let mut section = Section::new("Feeds", "what the markets rest on", &columns);
    for feed in &told.answer.feeds {
        let [before, after] =
            feed.values.map(|value| value.map_or_else(|| "none".into(), |value| value.to_string()));
        let age = feed.age.map_or_else(|| "-".into(), show::age);
        let way = match (feed.moved(), way(feed.values)) {
            (Some(false), _) => "0".into(),
            (_, way) => way.map_or_else(|| "-".into(), outlook::percent),
        };
        let markets = feed.markets.join(", ");
        section.rows.push(vec![
            feed.name.clone(),
            feed.kind.into(),
            before,
            after,
            way,
            age,
            feed_words(feed).join("; "),
            markets,
        ]);
    }
    section
}

/// What is to be known of a feed.
pub(crate) fn feed_words(feed: &FeedChange) -> Vec<String> {
    let mut told = Vec::new();
    told.extend(feed.doubt.map(|why| why.to_string().to_uppercase()));
    if feed.is_constant() {
        told.push("HARD-CODED: it follows no market".into());
    }
    match feed.standstill {
        Some(Standstill::SameAgain) => {
            told.push("did not move while others did, though observed again".into())
        }
        Some(Standstill::Unobserved) => {
            told.push("did not move while others did: not observed since the older book".into());
        }
        None => {}
    }
    if feed.values[0].is_none() && feed.values[1].is_some() {
        told.push("no price of it in the older book".into());
    }
    told
}

/// By how much a price moved (1e-6 parts of the older, cut toward zero).
pub(crate) fn way([from, to]: [Option<Decimal>; 2]) -> Option<Int> {
    let (from, to) = (from?, to?);
    let decimals = from.decimals.max(to.decimals);
    let (from, to) = (from.scaled(decimals).ok()?, to.scaled(decimals).ok()?);
    to.sub(from)?.mul(Int::new(1_000_000))?.div(from, Rounding::TowardZero)
}
