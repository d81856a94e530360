//! `plimsoll liquidate`: every debt with every collateral, best first.

use crate::args::LiquidateArgs;
use crate::ask::{changed, print_foot, print_head, refusal_json, tell, tokens, words};
use crate::check::{judgement_json, provenance_json};
use crate::show;
use crate::show::outln;
use crate::whatif::table;
use plimsoll::{Liquidate, Pair, PricedBy, Sale, liquidate};
use plimsoll_core::{Amount, Book, Lot, Receive, U256};
use serde_json::{Value, json};

pub(crate) fn run(args: &LiquidateArgs) -> u8 {
    let (book, account) = match changed(&args.book, &args.account, &args.first) {
        Ok(changed) => changed,
        Err(code) => return code,
    };
    tell(
        liquidate(&book, account, args.gas),
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

fn print(book: &Book, answer: &Liquidate) {
    print_head(book, answer.account, &answer.judgement);
    outln!();
    if answer.pairs.is_empty() {
        outln!("not executable: the account has no debt, or nothing that could be seized");
    }
    let money = |value| show::amount(value, answer.unit.decimals, 2);
    let mut sales =
        table(&["repay", "", "seize", "", "fee", "profit", "priced", "health after", "note"], 0..1);
    let mut refused = Vec::new();
    for pair in &answer.pairs {
        let Pair { debt, collateral, outcome } = pair;
        match outcome {
            Ok(sale) => {
                sales.add_row([
                    tokens(sale.does.repaid, debt.decimals),
                    debt.asset.clone(),
                    tokens(sale.does.seized, collateral.decimals),
                    collateral.asset.clone(),
                    tokens(sale.does.fee, collateral.decimals),
                    money(sale.profit),
                    priced(sale),
                    sale.health_after.map_or_else(|| "no debt".into(), |health| health.to_string()),
                    note(pair, sale),
                ]);
            }
            Err(refusal) => {
                refused.push(format!(
                    "{} for {}: not executable: {}",
                    debt.asset,
                    collateral.asset,
                    words(refusal)
                ));
            }
        }
    }
    if sales.row_count() > 0 {
        outln!("{}", sales.trim_fmt());
    }
    for line in refused {
        outln!("{line}");
    }
    if sales.row_count() > 0 {
        outln!("\nprofit in {}, after gas of {}", answer.currency, money(answer.gas));
    }
    print_foot(&answer.identity);
}

/// Which prices the profit rests on.
fn priced(sale: &Sale) -> String {
    let [collateral, debt] = [&sale.collateral_priced, &sale.debt_priced].map(|by| match by {
        PricedBy::Market(feed) => format!("at {feed}"),
        PricedBy::Oracle => "at oracle price".into(),
        PricedBy::Currency => String::new(),
    });
    match (collateral.is_empty(), debt.is_empty(), collateral == debt) {
        (_, true, _) | (_, _, true) => collateral,
        (true, ..) => debt,
        _ => format!("{collateral}, repaid {debt}"),
    }
}

fn note(pair: &Pair, sale: &Sale) -> String {
    let mut notes = Vec::new();
    if !sale.pays() {
        notes.push("does not pay".to_string());
    }
    if sale.receive == Receive::Receipt {
        notes.push("as receipts: the pool cannot pay the asset out".into());
    }
    let lost = sale.does.bad_debt.iter().filter(|(_, amount)| *amount != U256::ZERO).count() as u64;
    if lost > 0 {
        let here = sale.does.bad_debt.iter().find(|(id, _)| *id == pair.debt.instrument);
        let amount =
            here.map(|(_, raw)| format!(" of {} {}", tokens(*raw, pair.debt.decimals), pair.debt.asset));
        notes.push(format!("leaves bad debt{}", amount.unwrap_or_default()));
    }
    notes.join("; ")
}

fn as_json(book: &Book, answer: &Liquidate) -> Value {
    let listed = &book.accounts[answer.account];
    json!({
        "format": 1,
        "provenance": provenance_json(&answer.identity),
        "account": listed.name,
        "market": book.markets[listed.market].name,
        "judgement": judgement_json(&answer.judgement),
        "currency": answer.currency,
        "decimals": answer.unit.decimals,
        "gas": answer.gas.to_string(),
        "pairs": answer.pairs.iter().map(pair_json).collect::<Vec<_>>(),
    })
}

fn pair_json(pair: &Pair) -> Value {
    let Pair { debt, collateral, outcome } = pair;
    let side = |side: &plimsoll::Side| json!({"asset": side.asset, "decimals": side.decimals});
    json!({
        "debt": side(debt),
        "collateral": side(collateral),
        "sale": outcome.as_ref().ok().map(sale_json),
        "refusal": outcome.as_ref().err().map(refusal_json),
    })
}

fn sale_json(sale: &Sale) -> Value {
    let by = |by: &PricedBy| match by {
        PricedBy::Market(feed) => json!({"kind": "market", "feed": feed}),
        PricedBy::Oracle => json!({"kind": "oracle"}),
        PricedBy::Currency => json!({"kind": "currency"}),
    };
    let lot = match sale.lot {
        Lot::Repay(Amount::All) => json!({"repay": "all"}),
        Lot::Repay(Amount::Assets(raw)) => json!({"repay": raw.to_string()}),
        Lot::Repay(Amount::Shares(shares)) => json!({"repay_shares": shares.to_string()}),
        Lot::Seize(raw) => json!({"seize": raw.to_string()}),
    };
    let lost = sale.does.bad_debt.iter().map(|(_, raw)| raw.to_string());
    json!({
        "ask": lot,
        "receive": if sale.receive == Receive::Asset { "asset" } else { "receipt" },
        "repaid": sale.does.repaid.to_string(),
        "seized": sale.does.seized.to_string(),
        "fee": sale.does.fee.to_string(),
        "bad_debt": lost.collect::<Vec<_>>(),
        "received_value": sale.received.to_string(),
        "repaid_value": sale.cost.to_string(),
        "profit": sale.profit.to_string(),
        "pays": sale.pays(),
        "collateral_priced": by(&sale.collateral_priced),
        "debt_priced": by(&sale.debt_priced),
        "health_after": sale.health_after.map(|health| health.digits(0, 18)),
    })
}
