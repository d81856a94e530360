//! `plimsoll max`: the most that goes, and what stands in the way of more.

use crate::args::MaxArgs;
use crate::ask::{
    coming_json, opened, print_foot, print_head, refusal_json, renewed_json, tell, tokens, told,
};
use crate::check::{judgement_json, provenance_json};
use crate::show;
use crate::show::outln;
use crate::whatif::table;
use plimsoll::{Max, Most, max};
use plimsoll_core::{Book, Refusal, U256};
use serde_json::{Value, json};

pub(crate) fn run(args: &MaxArgs) -> u8 {
    let (book, account) = match opened(&args.book, args.at.as_deref(), &args.account) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    tell(
        max(&book, account, args.after),
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

fn print(book: &Book, answer: &Max) {
    print_head(book, answer.account, &answer.judgement);
    outln!("accepted at {} and at {}\n", show::time(answer.now), show::time(answer.until));
    let mut most = table(&["", "asset", "most", "binds", "one unit more"], 2..3);
    let unit = answer.judgement.own.ok().map(|own| own.unit);
    let one_more = |refusal: &Refusal| told(refusal, unit);
    let lists = [
        ("withdraw", &answer.withdraw),
        ("borrow", &answer.borrow),
        ("buy", &answer.buy),
        ("sell", &answer.sell),
    ];
    for (word, list) in lists {
        for Most { name, decimals, limit, binds, .. } in list {
            let all = if limit.because.is_none() { "all: " } else { "" };
            let amount = match limit.is_unknown() {
                true => "unknown".into(),
                false => format!("{all}{}", tokens(limit.amount, *decimals)),
            };
            let because = limit.because.as_ref().map_or_else(String::new, one_more);
            let beyond = limit
                .beyond
                .as_ref()
                .map_or_else(String::new, |why| format!("; and of a larger loan: {}", one_more(why)));
            let open = if limit.no_more_than == limit.amount {
                String::new()
            } else {
                format!("; not proven to be refused up to {}", tokens(limit.no_more_than, *decimals))
            };
            most.add_row([
                word.into(),
                name.clone(),
                amount,
                binds.name().into(),
                format!("{because}{beyond}{open}"),
            ]);
        }
    }
    outln!("{}", most.trim_fmt());
    print_foot(&answer.identity);
}

fn as_json(book: &Book, answer: &Max) -> Value {
    let listed = &book.accounts[answer.account];
    json!({
        "format": 1,
        "provenance": provenance_json(&answer.identity),
        "account": listed.name,
        "market": book.markets[listed.market].name,
        "judgement": judgement_json(&answer.judgement),
        "coming": coming_json(book, answer.account),
        "renewed": renewed_json(book, answer.account),
        "accepted_from": answer.now.0,
        "accepted_to": answer.until.0,
        "withdraw": answer.withdraw.iter().map(most_json).collect::<Vec<_>>(),
        "borrow": answer.borrow.iter().map(most_json).collect::<Vec<_>>(),
        "buy": answer.buy.iter().map(most_json).collect::<Vec<_>>(),
        "sell": answer.sell.iter().map(most_json).collect::<Vec<_>>(),
    })
}

fn most_json(most: &Most) -> Value {
    let Most { asset, name, decimals, limit, binds } = most;
    let known = |amount: U256| (!limit.is_unknown()).then(|| amount.to_string());
    json!({
        "asset": asset,
        "name": name,
        "decimals": decimals,
        "amount": known(limit.amount),
        "all": limit.because.is_none() && limit.amount != U256::ZERO,
        "binds": binds.name(),
        "one_unit_more": limit.because.as_ref().map(refusal_json),
        "beyond": limit.beyond.as_ref().map(refusal_json),
        "no_more_than": known(limit.no_more_than),
        "kind": match limit {
            limit if limit.is_unknown() => "unknown",
            limit if limit.no_more_than == limit.amount => "exact",
            _ => "bound",
        },
    })
}
