//! `plimsoll buffer`: the least health that keeps the chance of liquidation under a limit, and what brings it about.

#![allow(clippy::float_arithmetic)] // chances are estimates; what is shown of them decides nothing

use crate::args::BufferArgs;
use crate::ask::{print_foot, refuse, tokens};
use crate::check::provenance_json;
use crate::exit;
use crate::risk::{chance_words, money, opened, percent, range_words, setting, stands_words};
use crate::show::outln;
use crate::whatif::table;
use plimsoll::{Buffer, BufferAsk, BufferWay as Way, ChanceSetting, ChanceStands, Need, Policy, buffer};
use plimsoll_core::Book;
use serde_json::{Value, json};

pub(crate) fn run(args: &BufferArgs) -> u8 {
    let (book, history) = match opened(&args.book, &args.history) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let account = match plimsoll::account(&book, &args.account) {
        Ok(account) => account,
        Err(why) => return refuse(&why),
    };
    let ask = BufferAsk {
        limits: args.chance.iter().map(|percent| percent / 100.0).collect(),
        policy: args.policy,
        carry: args.carry.map(|percent| percent / 100.0),
    };
    let setting = setting(&args.history, &args.days);
    let answer = match buffer(&book, &history, &setting, account, &ask) {
        Ok(answer) => answer,
        Err(why) => return refuse(&why),
    };
    if args.json {
        outln!("{:#}", as_json(&book, &answer, &setting));
    } else {
        print(&book, &answer, &ask, &setting);
    }
    match answer.chances.stands {
        ChanceStands::Below => exit::UNHEALTHY,
        ChanceStands::Unknown(_) => exit::UNKNOWN,
        _ => exit::CALM,
    }
}

/// `trigger=1.2,target=1.5,delay=2h,gas=50`.
pub(crate) fn policy(text: &str) -> Result<Policy, String> {
    let example = "expected such as trigger=1.2,target=1.5,delay=2h,gas=50";
    let (mut trigger, mut target, mut gas, mut delay) = (None, None, None, None);
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=').ok_or(example)?;
        let number = || value.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
        match name {
            "trigger" => trigger = Some(number().ok_or(example)?),
            "target" => target = Some(number().ok_or(example)?),
            "gas" => gas = Some(number().ok_or(example)?),
            "delay" => delay = Some(crate::history::seconds(value)?),
            _ => return Err(format!("found `{name}`, {example}")),
        }
    }
    // No top-up is instant or free because nobody said otherwise.
    let needed = |name: &str| format!("found no `{name}`, {example}");
    Ok(Policy {
        trigger: trigger.ok_or_else(|| needed("trigger"))?,
        target: target.ok_or_else(|| needed("target"))?,
        delay: delay.ok_or_else(|| needed("delay"))?,
        gas: gas.ok_or_else(|| needed("gas"))?,
    })
}

/// A chance in percent, between 0 and 100.
pub(crate) fn share(text: &str) -> Result<f64, &'static str> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|percent| *percent > 0.0 && *percent < 100.0)
        .ok_or("expected a chance in percent, such as 0.1")
}

fn print(book: &Book, answer: &Buffer, ask: &BufferAsk, setting: &ChanceSetting) {
    let listed = &book.accounts[answer.chances.account];
    outln!("account  {} of {}, in {}", listed.name, listed.owner, book.markets[listed.market].name);
    if !answer.estimated() {
        outln!("{}", stands_words(&answer.chances.stands));
        print_foot(&answer.identity);
        return;
    }
    let health = answer.chances.health.unwrap_or(f64::NAN);
    outln!("health   {health:.4}, moved by {}", answer.chances.drivers.join(", "));
    for (horizon, days) in answer.days.iter().enumerate() {
        outln!("chance   {} by {days} days, over models", range_words(&answer.chances.models, horizon));
    }
    outln!();
    let header = [
        "chance under",
        "by",
        "model",
        "health",
        "repay",
        "or deposit",
        "capital",
        "cost",
        "expected to spare",
    ];
    let mut rows = table(&header, 3..9);
    let mut needs: Vec<&Need> = answer.needs.iter().collect();
    needs.sort_by(|x, y| x.days.cmp(&y.days).then(y.limit.total_cmp(&x.limit)));
    for need in needs {
        rows.add_row(row(answer, need, health));
    }
    outln!("{}", rows.trim_fmt());
    if let Some((carry, own)) = answer.carry {
        let whose = if own { ", what its own debt costs it" } else { "" };
        outln!("capital costs {} a year{whose}", percent(carry));
    }
    if let Some(penalty) = answer.penalty {
        outln!("one call of a keeper where it has just crossed gains {} {}", money(penalty), answer.currency);
    }
    if let (Some(policy), Some(Policy { delay, gas, .. })) = (&answer.policy, ask.policy) {
        outln!(
            "\nthe policy, on the paths of history; a call arrives after {delay} s, counted up to whole looks of {} s, and costs {} {}:",
            setting.look,
            money(gas),
            answer.currency
        );
        let header = ["by", "too late", "without it", "top-ups", "repaid, mean", "gas, mean"];
        let mut rows = table(&header, 1..6);
        for one in policy {
            let words = |estimate| chance_words(&plimsoll::Chance { estimate, closed: false });
            rows.add_row([
                format!("{} d", one.days),
                words(one.late),
                words(one.without),
                format!("{:.3}", one.top_ups),
                format!("{} {}", money(one.repaid), answer.currency),
                format!("{} {}", money(one.gas), answer.currency),
            ]);
        }
        outln!("{}", rows.trim_fmt());
    }
    print_foot(&answer.identity);
}

fn row(answer: &Buffer, need: &Need, today: f64) -> Vec<String> {
    let first = |ways: &[Way]| {
        let told = ways.iter().find_map(|way| Some((way, way.enough.as_ref().ok()?)));
        told.map_or_else(
            || "-".to_string(),
            |(way, enough)| format!("{} {}", tokens(enough.amount, way.decimals), way.asset),
        )
    };
    let value = |value: Option<f64>| {
        value.map_or_else(|| "-".into(), |value| format!("{} {}", money(value), answer.currency))
    };
    let (health, repay, deposit) = match (&need.health, &need.ways) {
        (Err(why), _) => (format!("not estimable: {why}"), "-".into(), "-".into()),
        (Ok(health), None) if *health <= today => {
            (format!("{health:.4}"), "nothing".into(), "nothing".into())
        }
        (Ok(health), None) => (format!("{health:.4}"), "-".into(), "-".into()),
        (Ok(health), Some(ways)) => (format!("{health:.4}"), first(&ways.repayments), first(&ways.deposits)),
    };
    vec![
        percent(need.limit),
        format!("{} d", need.days),
        need.kind.name().into(),
        health,
        repay,
        deposit,
        value(need.capital),
        value(need.cost),
        value(need.benefit),
    ]
}

fn as_json(book: &Book, answer: &Buffer, setting: &ChanceSetting) -> Value {
    let listed = &book.accounts[answer.chances.account];
    let mut provenance = provenance_json(&answer.identity);
    provenance["kind"] = "estimated".into();
    let way = |way: &Way| match &way.enough {
        Ok(enough) => {
            json!({"asset": way.asset, "amount": tokens(enough.amount, way.decimals), "all": enough.all})
        }
        Err(_) => json!({"asset": way.asset, "amount": null, "all": false}),
    };
    let need = |need: &Need| {
        json!({
            "model": need.kind.name(),
            "days": need.days,
            "chance_limit_share": need.limit,
            "health": need.health.as_ref().ok(),
            "not_estimable": need.health.as_ref().err(),
            "repayments": need.ways.as_ref().map(|ways| ways.repayments.iter().map(way).collect::<Vec<_>>()),
            "deposits": need.ways.as_ref().map(|ways| ways.deposits.iter().map(way).collect::<Vec<_>>()),
            "capital": need.capital,
            "cost": need.cost,
            "spared_mean": need.benefit,
        })
    };
    let policy = answer.policy.as_ref().map(|policy| {
        let one = |one: &plimsoll::PolicyChance| {
            json!({
                "days": one.days,
                "late_share": one.late.chance,
                "late_standard_error": one.late.error,
                "without_share": one.without.chance,
                "without_standard_error": one.without.error,
                "top_ups_mean": one.top_ups,
                "repaid_mean": one.repaid,
                "gas_mean": one.gas,
            })
        };
        policy.iter().map(one).collect::<Vec<_>>()
    });
    json!({
        "format": 1,
        "provenance": provenance,
        "account": listed.name,
        "owner": listed.owner,
        "market": book.markets[listed.market].name,
        "stands": stands_words(&answer.chances.stands),
        "health": answer.chances.health,
        "series": answer.chances.drivers,
        "look_seconds": setting.look,
        "paths": setting.paths,
        "seed": setting.seed,
        "currency": answer.currency,
        "carry_share_a_year": answer.carry.map(|(carry, _)| carry),
        "penalty": answer.penalty,
        "needs": answer.needs.iter().map(need).collect::<Vec<_>>(),
        "policy": policy,
    })
}
