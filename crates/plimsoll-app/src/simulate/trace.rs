//! One run, event by event, and any account of it explained at any moment.

use super::json::provenance;
use crate::args::SimulateArgs;
use crate::ask::{print_foot, refuse};
use crate::exit;
use crate::show::{amount, exact, outln};
use plimsoll::Simulation;
use plimsoll_core::U256;
use plimsoll_sim::outcome::{Event, What};
use serde_json::{Value, json};

pub(super) fn print(
    simulation: &Simulation,
    args: &SimulateArgs,
    run: u64,
) -> Result<u8, plimsoll::Misasked> {
    if let Some((name, after)) = &args.explain {
        let book = simulation.at(run, *after)?;
        return Ok(match plimsoll::account(&book, name) {
            Ok(account) => crate::explain::told(&book, account, args.json),
            Err(why) => refuse(&why),
        });
    }
    let (_, events) = simulation.trace(run)?;
    if args.json {
        let events: Vec<Value> = events.iter().map(|event| as_json(simulation, event)).collect();
        let all = json!({
            "format": 1,
            "provenance": provenance(&simulation.identity),
            "seed": simulation.plan.seed,
            "run": run,
            "events": events,
        });
        outln!("{all:#}");
        return Ok(exit::CALM);
    }
    for event in &events {
        outln!("{:>8} s  {}", event.after, words(simulation, event));
    }
    outln!("\nto see an account as it stood: --explain ACCOUNT@SECONDS");
    print_foot(&simulation.identity);
    Ok(exit::CALM)
}

fn account(simulation: &Simulation, place: u32) -> String {
    crate::explain::full_name(simulation.book(), place as usize)
}

fn price(simulation: &Simulation, id: plimsoll_core::PriceId) -> String {
    simulation.book().graph.price(id).map_or_else(|| "?".into(), |price| price.name.clone())
}

fn percent(factor: u128) -> String {
    amount(U256::new(factor).into(), 13, 3) + " %"
}

fn words(simulation: &Simulation, event: &Event) -> String {
    let lots = |all: &[(String, U256, u8)]| {
        let all = all
            .iter()
            .map(|(asset, raw, decimals)| format!("{} {asset}", amount((*raw).into(), *decimals, 6)));
        all.collect::<Vec<_>>().join(", ")
    };
    match &event.what {
        What::Published(id, factor) => {
            format!("price    {} is at {} of the start", price(simulation, *id), percent(*factor))
        }
        What::Fell(place) => format!("fell     {} is below its line", account(simulation, *place)),
        What::Rose(place) => format!("rose     {} is not below its line", account(simulation, *place)),
        What::Liquidated(call) => {
            let keeper = simulation.plan.keepers.get(call.keeper).map_or("?", |keeper| &keeper.name);
            let done = match (call.received.is_empty(), call.paid.is_empty()) {
                (true, true) => format!("lets the venue take over {}", account(simulation, call.account)),
                (_, true) => {
                    format!("takes {} of {}", lots(&call.received), account(simulation, call.account))
                }
                _ => format!(
                    "takes {} of {} for {}",
                    lots(&call.received),
                    account(simulation, call.account),
                    lots(&call.paid)
                ),
            };
            format!(
                "keeper   {keeper} {done}: brought {}, profit {}{}",
                amount(call.brought, 18, 2),
                amount(call.profit, 18, 2),
                if call.written_off.is_zero() {
                    String::new()
                } else {
                    format!(", written off {}", amount(call.written_off, 18, 2))
                },
            )
        }
        What::Rescued(place, true) => format!("borrower {} pays in", account(simulation, *place)),
        What::Rescued(place, false) => format!("borrower {} pays back", account(simulation, *place)),
        What::Arbitraged(pool, from, put, got) => {
            let amm = &simulation.plan.pools[*pool];
            let [into, out] = [&amm.assets[*from], &amm.assets[1 - from]];
            format!(
                "pool     {}: {} {into} in, {} {out} out",
                amm.name,
                amount((*put).into(), 18, 6),
                amount((*got).into(), 18, 6)
            )
        }
    }
}

fn as_json(simulation: &Simulation, event: &Event) -> Value {
    let lots = |all: &[(String, U256, u8)]| {
        let all = all
            .iter()
            .map(|(asset, raw, decimals)| json!({"asset": asset, "amount": exact((*raw).into(), *decimals)}));
        all.collect::<Vec<_>>()
    };
    let what = match &event.what {
        What::Published(id, factor) => {
            json!({"kind": "published", "price": price(simulation, *id), "factor": exact(U256::new(*factor).into(), 15)})
        }
        What::Fell(place) => json!({"kind": "fell", "account": account(simulation, *place)}),
        What::Rose(place) => json!({"kind": "rose", "account": account(simulation, *place)}),
        What::Liquidated(call) => json!({
            "kind": "liquidated",
            "account": account(simulation, call.account),
            "keeper": simulation.plan.keepers.get(call.keeper).map(|keeper| &keeper.name),
            "paid": lots(&call.paid),
            "received": lots(&call.received),
            "brought": exact(call.brought, 18),
            "profit": exact(call.profit, 18),
            "written_off": exact(call.written_off, 18),
        }),
        What::Rescued(place, paid_in) => {
            json!({"kind": "rescued", "account": account(simulation, *place), "paid_in": paid_in})
        }
        What::Arbitraged(pool, from, put, got) => {
            let amm = &simulation.plan.pools[*pool];
            json!({
                "kind": "arbitraged",
                "pool": amm.name,
                "in": {"asset": amm.assets[*from], "amount": exact((*put).into(), 18)},
                "out": {"asset": amm.assets[1 - from], "amount": exact((*got).into(), 18)},
            })
        }
    };
    let mut what = what;
    what["after_seconds"] = event.after.into();
    what
}
