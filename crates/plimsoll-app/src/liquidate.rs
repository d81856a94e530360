//! `plimsoll liquidate`: every debt with every collateral, best first.

mod transaction;

use crate::args::LiquidateArgs;
use crate::ask::{
    after, coming_json, opened, print_foot, print_head, refusal_json, renewed_json, tell, tokens, words,
};
use crate::check::{judgement_json, provenance_json};
use crate::show;
use crate::show::{errln, outln};
use crate::whatif::table;
use plimsoll::{
    Claim, Dealt, Forced, Liquidate, Moved, Pair, PricedBy, Sale, Side, liquidate, unmoved, written_off,
};
use plimsoll_core::{Amount, Book, Int, Liquidated, Lot, Market, Mechanism, Receive, Rounding, U256};
use serde_json::{Value, json};

pub(crate) fn run(args: &LiquidateArgs) -> u8 {
    let (before, account) = match opened(&args.book, None, &args.account) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let book = match after(before.clone(), Some(account), &args.first) {
        Ok(book) => book,
        Err(code) => return code,
    };
    if args.intent.transaction_from.is_none() && !args.intent.rpc.rpc.is_empty() {
        errln!("plimsoll: --rpc: nothing is asked of a chain without --transaction-from");
        return crate::exit::USAGE;
    }
    let mut failed = None;
    let code = tell(
        liquidate(&book, account, args.gas),
        |answer| &answer.judgement,
        |answer| {
            let mut unmoved = unmoved(&before, &book, account);
            unmoved.retain(|(_, feed)| prices(answer).any(|by| *by == PricedBy::Market(feed.clone())));
            let transaction = transaction::of(args, &book, answer);
            let transaction = transaction.map_err(|code| failed = Some(code)).ok().flatten();
            if args.json {
                let mut json = as_json(&book, answer, &unmoved);
                if let Some(transaction) = &transaction {
                    json["transaction"] = transaction.json();
                }
                outln!("{json:#}");
            } else {
                print(&book, answer, &unmoved);
                if let Some(transaction) = &transaction {
                    transaction.print();
                }
            }
        },
    );
    failed.unwrap_or(code)
}

/// Every price that a profit of the answer rests on.
fn prices(answer: &Liquidate) -> impl Iterator<Item = &PricedBy> {
    let sales = answer.pairs.iter().filter_map(|pair| pair.outcome.as_ref().ok());
    let forced = answer.forced.iter().flat_map(|forced| std::iter::once(forced).chain(&forced.then));
    let dealt = forced.filter_map(|forced| forced.outcome.as_ref().ok());
    let dealt = dealt.flat_map(|dealt| dealt.priced.iter().map(|(_, by)| by));
    sales.flat_map(|sale| [&sale.collateral_priced, &sale.debt_priced]).chain(dealt)
}

/// What is to be known of a sale at a price that a change left behind.
fn as_before(asset: &str) -> String {
    format!("market price of {asset} as before the change")
}

fn print(book: &Book, answer: &Liquidate, unmoved: &[(String, String)]) {
    print_head(book, answer.account, &answer.judgement);
    for (asset, feed) in unmoved {
        outln!(
            "NOTE     {}: the venue's price moved, {feed} did not, and sales are valued at it",
            as_before(asset)
        );
    }
    outln!();
    if answer.pairs.is_empty() && answer.forced.is_empty() {
        outln!("not executable: the account has no debt, or nothing that could be seized");
    }
    let market = market_of(book, answer);
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
                    debt.name.clone(),
                    tokens(sale.does.seized, collateral.decimals),
                    collateral.name.clone(),
                    tokens(sale.does.fee, collateral.decimals),
                    money(sale.profit),
                    priced(sale),
                    sale.health_after.map_or_else(|| "no debt".into(), |health| health.to_string()),
                    note(market, pair, sale, unmoved),
                ]);
            }
            Err(refusal) => {
                // Where it is for something else that the account has, whose it is.
                let spec = refusal.instrument().and_then(|id| market.instruments().get(id.index()));
                let other = spec.map(|spec| &spec.asset);
                let other = other.filter(|asset| ![&debt.asset, &collateral.asset].contains(asset));
                let whose = other.map_or_else(|| " ".to_string(), |asset| format!(" {asset}: "));
                refused.push(format!(
                    "{} for {}: not executable:{whose}{}",
                    debt.name,
                    collateral.name,
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
    let accepted = print_forced(answer);
    if sales.row_count() > 0 || accepted {
        outln!("\nprofit in {}, after gas of {}", answer.currency, money(answer.gas));
    }
    print_foot(&answer.identity);
}

/// The calls of venues that force in other ways; whether the market accepts one.
fn print_forced(answer: &Liquidate) -> bool {
    let mut calls = table(&["call", "pays", "receives", "profit", "priced", "health after", "note"], 3..4);
    let mut refused = Vec::new();
    let all = answer.forced.iter().flat_map(|forced| {
        let then = forced.then.iter().map(|then| (format!("  then {}", call(then)), then));
        std::iter::once((call(forced), forced)).chain(then)
    });
    for (name, forced) in all {
        match &forced.outcome {
            Ok(dealt) => {
                let side = |amount: fn(&Moved) -> U256| {
                    let moved = dealt.moved.iter().filter(|it| amount(it) != U256::ZERO);
                    let parts: Vec<String> =
                        moved.map(|it| format!("{} {}", coins(amount(it), it.decimals), it.asset)).collect();
                    if parts.is_empty() { "nothing".to_string() } else { parts.join(" and ") }
                };
                calls.add_row([
                    name,
                    side(|it| it.paid),
                    side(|it| it.received),
                    dealt.profit.map_or_else(
                        || "unknown".into(),
                        |profit| show::amount(profit, answer.unit.decimals, 2),
                    ),
                    forced_priced(dealt),
                    dealt.health_after.map_or_else(|| "no debt".into(), |health| health.to_string()),
                    closes(forced, dealt),
                ]);
            }
            Err(refusal) => refused.push(format!("{}: not executable: {}", name.trim(), words(refusal))),
        }
    }
    if calls.row_count() > 0 {
        outln!("{}", calls.trim_fmt());
    }
    for line in &refused {
        outln!("{line}");
    }
    for forced in &answer.forced {
        if let (Mechanism::Batch { .. } | Mechanism::Absorb { .. } | Mechanism::Bark, Ok(dealt)) =
            (&forced.call, &forced.outcome)
        {
            let whose = match forced.call {
                Mechanism::Absorb { .. } => "lenders' (first their reserves')",
                Mechanism::Bark => "system's (its surplus first)",
                _ => "others' (the pool's or other borrowers')",
            };
            print_loss(answer, dealt, whose);
            if forced.call == Mechanism::Bark {
                outln!("all of it went on auction: what the auction does not need to sell comes back");
            }
        }
    }
    calls.row_count() > 0
}

/// How much of a position is closed, and whether it pays.
fn closes(forced: &Forced, dealt: &Dealt) -> String {
    let closes = forced.reduces.as_ref().filter(|_| dealt.closes.is_empty());
    let closes = closes
        .map(|(position, decimals)| format!("closes {} {position}", tokens(dealt.does.seized, *decimals)));
    let each = dealt.closes.iter().map(|one| {
        let (size, position) = (tokens(one.size.magnitude(), one.decimals), &one.position);
        let at = one.price.map_or_else(String::new, |price| format!(" at {}", price.trimmed()));
        let broke =
            one.bankruptcy.map_or_else(String::new, |price| format!(" (bankrupt at {})", price.trimmed()));
        format!("closes {size} {position}{at}{broke}")
    });
    let closes = closes.into_iter().chain(each);
    let loses = dealt.profit.is_none_or(|profit| profit <= Int::ZERO).then(|| "does not pay".to_string());
    closes.chain(loses).collect::<Vec<_>>().join("; ")
}

/// What a liquidation that sells nothing costs the owner, and what he may claim of it.
fn print_loss(answer: &Liquidate, dealt: &Dealt, whose: &str) {
    let money = |value| show::amount(value, answer.unit.decimals, 2);
    let claim = |claim: &Claim| format!("{} {}", tokens(claim.amount, claim.decimals), claim.asset);
    let claims: Vec<String> = dealt.claims.iter().map(claim).collect();
    let claims = if claims.is_empty() { "nothing".to_string() } else { claims.join(" and ") };
    let lost = dealt.equity.and_then(|[before, after]| Some((before, before.sub(after)?)));
    match lost {
        Some((before, _)) if before.is_negative() => outln!(
            "the debt exceeded the collateral by {} {}: the owner loses nothing more, and what is missing is the {} loss; \
             left to be claimed: {claims}",
            money(before.neg()),
            answer.currency,
            whose,
        ),
        Some((before, lost)) => outln!(
            "the owner had {} {} above the debt and loses {} of it; left to be claimed: {claims}",
            money(before),
            answer.currency,
            money(lost)
        ),
        None if dealt.claims.is_empty() => {
            outln!("what the owner loses, and what is left to him, is unknown")
        }
        None => outln!("what the owner loses is unknown; left to be claimed: {claims}"),
    }
}

/// An amount of tokens, cut after 18 digits: what a vat keeps finer than that no wallet can hold.
fn coins(raw: U256, decimals: u8) -> String {
    const DIGITS: u8 = 18;
    let finer = U256::pow10(decimals.saturating_sub(DIGITS));
    match finer.and_then(|finer| raw.div(finer, Rounding::Down)) {
        Some(cut) => tokens(cut, decimals.min(DIGITS)),
        None => tokens(raw, decimals),
    }
}

/// A forcing call in words.
fn call(forced: &Forced) -> String {
    if let Some((position, _)) = &forced.reduces {
        return format!("reduce {position}");
    }
    match &forced.call {
        Mechanism::Absorb { .. } => "absorb".into(),
        Mechanism::BuyReserve { .. } => "buy from reserves".into(),
        Mechanism::Bark => "bark".into(),
        Mechanism::Take { auction, .. } => format!("take auction {auction}"),
        Mechanism::Redo { auction } => format!("redo auction {auction}"),
        Mechanism::Deal { auction } => format!("deal auction {auction}"),
        Mechanism::Batch { .. } => "liquidate".into(),
        Mechanism::Redeem { .. } => "redeem".into(),
        Mechanism::Unwind => "unwind".into(),
        other => format!("{other:?}"),
    }
}

fn forced_priced(dealt: &Dealt) -> String {
    let mut words: Vec<String> = dealt
        .priced
        .iter()
        .map(|(asset, by)| match by {
            PricedBy::Market(feed) => format!("{asset} at {feed}"),
            PricedBy::Oracle => format!("{asset} at oracle price"),
            PricedBy::Venue => format!("{asset} as the venue counts it"),
            PricedBy::Currency => String::new(),
        })
        .filter(|word| !word.is_empty())
        .collect();
    words.dedup();
    words.join(", ")
}

/// Which prices the profit rests on.
fn priced(sale: &Sale) -> String {
    let [collateral, debt] = [&sale.collateral_priced, &sale.debt_priced].map(|by| match by {
        PricedBy::Market(feed) => format!("at {feed}"),
        PricedBy::Oracle => "at oracle price".into(),
        PricedBy::Venue => "as the venue counts it".into(),
        PricedBy::Currency => String::new(),
    });
    match (collateral.is_empty(), debt.is_empty(), collateral == debt) {
        (_, true, _) | (_, _, true) => collateral,
        (true, ..) => debt,
        _ => format!("{collateral}, repaid {debt}"),
    }
}

fn note(market: &dyn Market, pair: &Pair, sale: &Sale, unmoved: &[(String, String)]) -> String {
    let mut notes = Vec::new();
    if !sale.pays() {
        notes.push("does not pay".to_string());
    }
    let sold = [&pair.collateral.asset, &pair.debt.asset];
    notes
        .extend(unmoved.iter().filter(|(asset, _)| sold.contains(&asset)).map(|(asset, _)| as_before(asset)));
    if sale.receive == Receive::Receipt {
        notes.push("as receipts: the pool does not pay the asset out now".into());
    }
    if !sale.proven {
        notes.push("not proven to be the most".into());
    }
    let lost = written_off(market, &sale.does);
    let lost: Vec<String> =
        lost.iter().map(|(debt, raw)| format!("{} {}", tokens(*raw, debt.decimals), debt.name)).collect();
    if !lost.is_empty() {
        notes.push(format!("leaves bad debt of {}", lost.join(" and ")));
    }
    notes.join("; ")
}

fn market_of<'b>(book: &'b Book, answer: &Liquidate) -> &'b dyn Market {
    &*book.markets[book.accounts[answer.account].market].market
}

/// What is written off of each debt.
fn lost_json(market: &dyn Market, does: &Liquidated) -> Vec<Value> {
    let one = |(debt, raw): &(Side, U256)| {
        let instrument = market.instruments().get(debt.instrument.index()).map(|it| it.name.as_str());
        json!({
            "instrument": instrument,
            "asset": debt.asset,
            "name": debt.name,
            "raw": raw.to_string(),
            "decimals": debt.decimals,
        })
    };
    written_off(market, does).iter().map(one).collect()
}

fn as_json(book: &Book, answer: &Liquidate, unmoved: &[(String, String)]) -> Value {
    let listed = &book.accounts[answer.account];
    let market = market_of(book, answer);
    json!({
        "format": 1,
        "provenance": provenance_json(&answer.identity),
        "account": listed.name,
        "market": book.markets[listed.market].name,
        "judgement": judgement_json(&answer.judgement),
        "coming": coming_json(book, answer.account),
        "renewed": renewed_json(book, answer.account),
        "currency": answer.currency,
        "decimals": answer.unit.decimals,
        "gas": answer.gas.to_string(),
        "unmoved": unmoved.iter().map(|(asset, feed)| json!({
            "asset": asset,
            "feed": feed,
            "note": as_before(asset),
        })).collect::<Vec<_>>(),
        "pairs": answer.pairs.iter().map(|pair| pair_json(market, pair)).collect::<Vec<_>>(),
        "forced": answer.forced.iter().map(|forced| forced_json(market, forced)).collect::<Vec<_>>(),
    })
}

fn forced_json(market: &dyn Market, forced: &Forced) -> Value {
    json!({
        "call": call(forced),
        "does": forced.outcome.as_ref().ok().map(|dealt| json!({
            "repaid": dealt.does.repaid.to_string(),
            "seized": dealt.does.seized.to_string(),
            "fee": dealt.does.fee.to_string(),
            "bad_debt": lost_json(market, &dealt.does),
            "wallet": dealt.moved.iter().map(|it| json!({
                "asset": it.asset,
                "decimals": it.decimals,
                "paid": it.paid.to_string(),
                "received": it.received.to_string(),
            })).collect::<Vec<_>>(),
            "received_value": dealt.received.map(|value| value.to_string()),
            "paid_value": dealt.cost.map(|value| value.to_string()),
            "profit": dealt.profit.map(|value| value.to_string()),
            "priced": dealt.priced.iter().map(|(asset, by)| json!({"asset": asset, "by": by_json(by)}))
                .collect::<Vec<_>>(),
            "health_after": dealt.health_after.map(|health| health.digits(0, 18)),
            "equity": dealt.equity.map(|both| both.map(|value| value.to_string())),
            "closes": dealt.closes.iter().map(|one| json!({
                "position": one.position,
                "decimals": one.decimals,
                "size": one.size.to_string(),
                "price": one.price.map(|price| price.trimmed().to_string()),
                "bankruptcy_price": one.bankruptcy.map(|price| price.trimmed().to_string()),
            })).collect::<Vec<_>>(),
            "claims": dealt.claims.iter().map(|claim| json!({
                "asset": claim.asset,
                "decimals": claim.decimals,
                "amount": claim.amount.to_string(),
            })).collect::<Vec<_>>(),
        })),
        "refusal": forced.outcome.as_ref().err().map(refusal_json),
        "then": forced.then.iter().map(|then| forced_json(market, then)).collect::<Vec<_>>(),
    })
}

fn by_json(by: &PricedBy) -> Value {
    match by {
        PricedBy::Market(feed) => json!({"kind": "market", "feed": feed}),
        PricedBy::Oracle => json!({"kind": "oracle"}),
        PricedBy::Venue => json!({"kind": "venue"}),
        PricedBy::Currency => json!({"kind": "currency"}),
    }
}

fn pair_json(market: &dyn Market, pair: &Pair) -> Value {
    let Pair { debt, collateral, outcome } = pair;
    let side = |side: &Side| json!({"asset": side.asset, "name": side.name, "decimals": side.decimals});
    json!({
        "debt": side(debt),
        "collateral": side(collateral),
        "sale": outcome.as_ref().ok().map(|sale| sale_json(market, sale)),
        "refusal": outcome.as_ref().err().map(refusal_json),
    })
}

fn sale_json(market: &dyn Market, sale: &Sale) -> Value {
    let lot = match sale.lot {
        Lot::Repay(Amount::All) => json!({"repay": "all"}),
        Lot::Repay(Amount::Assets(raw)) => json!({"repay": raw.to_string()}),
        Lot::Repay(Amount::Shares(shares)) => json!({"repay_shares": shares.to_string()}),
        Lot::Seize(raw) => json!({"seize": raw.to_string()}),
    };
    json!({
        "ask": lot,
        "kind": if sale.proven { "exact" } else { "bound" },
        "receive": if sale.receive == Receive::Asset { "asset" } else { "receipt" },
        "repaid": sale.does.repaid.to_string(),
        "seized": sale.does.seized.to_string(),
        "fee": sale.does.fee.to_string(),
        "bad_debt": lost_json(market, &sale.does),
        "received_value": sale.received.to_string(),
        "repaid_value": sale.cost.to_string(),
        "profit": sale.profit.to_string(),
        "pays": sale.pays(),
        "collateral_priced": by_json(&sale.collateral_priced),
        "debt_priced": by_json(&sale.debt_priced),
        "health_after": sale.health_after.map(|health| health.digits(0, 18)),
    })
}
