//! `plimsoll restore`: the way back, asset by asset.

use crate::args::RestoreArgs;
use crate::ask::{
    changed, coming_json, health_words, print_foot, print_head, refusal_json, renewed_json, tell, tokens,
    unknown_health, words,
};
use crate::check::{judgement_json, provenance_json};
use crate::show::{errln, outln};
use crate::whatif::table;
use crate::{exit, show};
use plimsoll::{Binds, Enough, Hindrance, Ratio, Restore, Way, restore};
use plimsoll_core::{Book, U256, Verdict};
use serde_json::{Value, json};

pub(crate) fn run(args: &RestoreArgs) -> u8 {
    let to = match (&args.with, args.to) {
        (Some(with), _) => return crate::portfolio::split_run(args, with),
        (None, Some(to)) => to,
        (None, None) => return exit::USAGE,
    };
    let (book, account) = match changed(&args.book, &args.account, &args.first) {
        Ok(changed) => changed,
        Err(code) => return code,
    };
    let seconds = match &args.by {
        None => args.within,
        Some(text) => {
            let Some(by) = crate::check::time_of(&book, Some(text)) else { return exit::USAGE };
            let Some(seconds) = by.since(book.at) else {
                errln!("plimsoll: --by {text}: found a time before {}", show::time(book.at));
                return exit::USAGE;
            };
            seconds
        }
    };
    tell(
        restore(&book, account, to, seconds),
        |answer| &answer.judgement,
        |answer| {
            if args.json {
                outln!("{:#}", as_json(&book, answer));
            } else {
                print(&book, answer);
            }
        },
    )
}

fn print(book: &Book, answer: &Restore) {
    print_head(book, answer.account, &answer.judgement);
    outln!("health   {}, to be {}\n", health_words(&answer.judgement, answer.health), answer.target);
    let by = format!("holds until {}", show::time(answer.by));
    let mut ways = table(&["", "asset", "at once", &by, "health then"], 2..4);
    let ends = answer.deposits.iter().chain(&answer.repayments).flat_map(|way| [&way.now, &way.by]);
    let unproven = ends.flatten().any(|enough| !is_least(enough));
    let mut uncounted = Vec::new();
    let mut impossible = Vec::new();
    for (word, list) in [("deposit", &answer.deposits), ("repay", &answer.repayments)] {
        for Way { name, decimals, now, by, .. } in list {
            match (now, by) {
                (Ok(now), by) => {
                    let (later, then) = match by {
                        Ok(by) => (amount(by, *decimals), health(by.health)),
                        Err(why) => {
                            let kind = if is_unknown(why) { "unknown" } else { "impossible" };
                            (format!("{kind}: {}", hindrance(why, name, *decimals)), "-".into())
                        }
                    };
                    ways.add_row([word.into(), name.clone(), amount(now, *decimals), later, then]);
                }
                (Err(Hindrance::NotCounted), _) => uncounted.push(name.clone()),
                (Err(why), _) => {
                    let kind = if is_unknown(why) { "unknown" } else { "impossible" };
                    impossible.push(format!("{word} {name}: {kind}: {}", hindrance(why, name, *decimals)));
                }
            }
        }
    }
    let owes_nothing = matches!(answer.judgement.own, Ok(own) if own.verdict == Verdict::NoDebt);
    if owes_nothing {
        outln!("nothing is owed: nothing is needed");
    } else if ways.row_count() > 0 {
        outln!("{}", ways.trim_fmt());
    }
    if unproven {
        outln!("not proven: the amount will do; that none between it and the other will is not proven");
    }
    for line in impossible {
        outln!("{line}");
    }
    for way in &answer.repayments {
        for (account, raw) in &way.own {
            let name = &book.accounts[*account].name;
            outln!("the owner holds {} {} as {name}", tokens(*raw, way.decimals), way.asset);
        }
    }
    if !uncounted.is_empty() {
        outln!("no collateral of this account: {}", uncounted.join(", "));
    }
    print_foot(&answer.identity);
}

fn health(ratio: Option<Ratio>) -> String {
    ratio.map_or_else(|| "no debt".into(), |ratio| ratio.to_string())
}

/// An amount; where it is not proven to be the least, how far that is.
pub(crate) fn amount(enough: &Enough, decimals: u8) -> String {
    if enough.amount == U256::ZERO && !enough.all {
        return "nothing".into();
    }
    let all = if enough.all { "all: " } else { "" };
    let open = if is_least(enough) {
        String::new()
    } else {
        format!(" (not proven: at least {})", tokens(enough.no_less_than, decimals))
    };
    format!("{all}{}{open}", tokens(enough.amount, decimals))
}

/// Whether it is proven that no smaller amount will do.
fn is_least(enough: &Enough) -> bool {
    enough.no_less_than == enough.amount
}

/// The word for programs: an amount that is the least, or one that will do while the least may be less.
pub(crate) fn kind(enough: &Enough) -> &'static str {
    if is_least(enough) { "exact" } else { "bound" }
}

/// Whether nothing can be computed, which is not the same as that nothing will do.
fn is_unknown(why: &Hindrance) -> bool {
    matches!(why, Hindrance::Refused { most: U256::ZERO, refusal } if Binds::of(Some(refusal)) == Binds::World)
}

fn hindrance(why: &Hindrance, name: &str, decimals: u8) -> String {
    match why {
        Hindrance::Refused { most, refusal } if *most == U256::ZERO => words(refusal),
        Hindrance::Refused { most, refusal } => {
            format!("more than {} {name}: {}", tokens(*most, decimals), words(refusal))
        }
        Hindrance::NotCounted => "it does not count as collateral of this account".into(),
        Hindrance::NotEnough { health: reached } => {
            format!("all of it brings health to {} only", health(*reached))
        }
    }
}

pub(crate) fn as_json(book: &Book, answer: &Restore) -> Value {
    let listed = &book.accounts[answer.account];
    json!({
        "format": 1,
        "provenance": provenance_json(&answer.identity),
        "account": listed.name,
        "market": book.markets[listed.market].name,
        "judgement": judgement_json(&answer.judgement),
        "coming": coming_json(book, answer.account),
        "renewed": renewed_json(book, answer.account),
        "health": answer.health.map(|health| health.digits(0, 18)),
        "health_unknown": unknown_health(&answer.judgement).as_ref().map(refusal_json),
        "to": answer.target.to_string(),
        "now": answer.now.0,
        "by": answer.by.0,
        "deposits": answer.deposits.iter().map(|way| way_json(book, way)).collect::<Vec<_>>(),
        "repayments": answer.repayments.iter().map(|way| way_json(book, way)).collect::<Vec<_>>(),
    })
}

fn way_json(book: &Book, way: &Way) -> Value {
    json!({
        "asset": way.asset,
        "name": way.name,
        "decimals": way.decimals,
        "own": way.own.iter().map(|(account, raw)| json!({
            "account": book.accounts[*account].name,
            "amount": raw.to_string(),
        })).collect::<Vec<_>>(),
        "now": outcome_json(&way.now),
        "by": outcome_json(&way.by),
    })
}

fn outcome_json(outcome: &Result<Enough, Hindrance>) -> Value {
    match outcome {
        Ok(enough) => json!({
            "possible": true,
            "amount": enough.amount.to_string(),
            "all": enough.all,
            "no_less_than": enough.no_less_than.to_string(),
            "kind": kind(enough),
            "health": enough.health.map(|health| health.digits(0, 18)),
        }),
        Err(why @ Hindrance::Refused { refusal, .. }) if is_unknown(why) => {
            json!({"possible": null, "why": "unknown", "refusal": refusal_json(refusal)})
        }
        Err(Hindrance::Refused { most, refusal }) => {
            json!({"possible": false, "why": "refused", "most": most.to_string(), "refusal": refusal_json(refusal)})
        }
        Err(Hindrance::NotCounted) => json!({"possible": false, "why": "not counted as collateral"}),
        Err(Hindrance::NotEnough { health }) => json!({
            "possible": false,
            "why": "all of it is not enough",
            "health": health.map(|health| health.digits(0, 18)),
        }),
    }
}
