//! The same for programs.

use super::{doubt, instrument, kind, side, source};
use crate::ask::refusal_json;
use crate::check::provenance_json;
use crate::outlook::name;
use crate::show;
use plimsoll::{AtMarket, Blind, Exposed, Exposure, Source, Stands, Sums, Wired};
use plimsoll_core::{Book, Figure, Quote, Sight};
use serde_json::{Value, json};

pub(super) fn of(book: &Book, answer: &Exposure, quotes: &[Quote]) -> Value {
    json!({
        "format": 1,
        "provenance": provenance_json(&answer.identity),
        "accounts": answer.accounts,
        "positions": answer.held.iter().map(|exposed| position(book, exposed)).collect::<Vec<_>>(),
        "unknown": answer.unknown.iter().map(|(account, id, why)| {
            let listed = &book.accounts[*account];
            let market = &book.markets[listed.market];
            json!({
                "account": listed.name,
                "market": market.name,
                "instrument": market.market.instruments().get(id.index()).map(|one| one.name.clone()),
                "refusal": refusal_json(why),
            })
        }).collect::<Vec<_>>(),
        "sums": answer.sums.iter().map(|sums| self::sums(book, sums, quotes)).collect::<Vec<_>>(),
        "prices": answer.seen.iter().map(|seen| price(book, seen)).collect::<Vec<_>>(),
        "pools": answer.pools.iter().map(|(market, pool)| json!({
            "market": book.markets[*market].name,
            "pool": pool.name,
            "figures": figures(&pool.figures),
            "members": pool.members.iter().map(|member| json!({
                "name": member.name,
                "figures": figures(&member.figures),
                "shares": member.bears[1].to_string(),
                "of_shares": member.bears[0].to_string(),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn figures(figures: &[Figure]) -> Value {
    let one = |figure: &Figure| json!({"name": figure.name, "value": figure.value.to_string(), "decimals": figure.unit.decimals});
    figures.iter().map(one).collect()
}

fn position(book: &Book, exposed: &Exposed) -> Value {
    let listed = &book.accounts[exposed.account];
    json!({
        "account": listed.name,
        "owner": listed.owner,
        "market": book.markets[listed.market].name,
        "asset": instrument(book, exposed),
        "side": side(exposed.stands),
        "value": exposed.value.to_string(),
        "decimals": exposed.decimals,
        "sources": exposed.pulls.iter().map(|pull| json!({
            "source": source(book, pull.source),
            "kind": kind(book, pull.source),
            "carries": pull.carries.to_string(),
            "moves": pull.moves.to_string(),
        })).collect::<Vec<_>>(),
        "at_market": exposed.at_market.as_ref().map(|at| at_market(book, at)),
    })
}

fn at_market(book: &Book, at: &AtMarket) -> Value {
    json!({
        "price": name(book, at.price),
        "value": at.value.to_string(),
        "difference": at.difference.to_string(),
    })
}

fn sums(book: &Book, sums: &Sums, quotes: &[Quote]) -> Value {
    let sides = [Stands::Collateral, Stands::Beside, Stands::Debt];
    let by_side = |values: [String; 3]| {
        let mut object = json!({});
        for (stands, value) in sides.into_iter().zip(values) {
            object[side(stands)] = json!(value);
        }
        object
    };
    json!({
        "currency": sums.currency,
        "decimals": sums.decimals,
        "values": by_side(sums.values.map(|value| value.to_string())),
        "blind": by_side(sums.blind.map(|value| value.to_string())),
        "largest": sums.largest().map(|(from, share)| json!({
            "source": source(book, from),
            "share": share.digits(0, 18),
        })),
        "sources": sums.sources.iter().map(|(from, sides)| json!({
            "source": source(book, *from),
            "kind": kind(book, *from),
            "doubt": match from {
                Source::Price(id) => doubt(quotes, *id),
                Source::Currency | Source::Venue => None,
            },
            "carries": by_side(sides.map(|(carries, _)| carries.to_string())),
            "moves": by_side(sides.map(|(_, moves)| moves.to_string())),
        })).collect::<Vec<_>>(),
    })
}

fn price(book: &Book, seen: &Wired) -> Value {
    let names = |ids: &[plimsoll_core::PriceId]| -> Vec<String> {
        ids.iter().map(|id| name(book, *id).to_string()).collect()
    };
    json!({
        "asset": seen.asset,
        "market": book.markets[seen.market].name,
        "price": name(book, seen.price),
        "sees": seen.sight().map(Sight::name),
        "depth": seen.look.as_ref().map(|look| look.depth),
        "leaves": seen.look.as_ref().map(|look| look.leaves.iter().map(|leaf| json!({
            "source": name(book, leaf.id),
            "kind": kind(book, Source::Price(leaf.id)),
            "weight": show::exact(leaf.weight, 18),
            "share": show::exact(leaf.share, 18),
        })).collect::<Vec<_>>()),
        "idle": seen.look.as_ref().map(|look| names(&look.idle)),
        "manipulable": seen.look.as_ref().map(|look| names(&look.manipulable)),
        "sale": seen.sale.map(|(id, value)| json!({"price": name(book, id), "value": value.to_string()})),
    })
}

/// Collateral of an account at a price that sees no market.
pub(crate) fn blind_json(book: &Book, blind: &Blind) -> Value {
    json!({
        "asset": blind.asset,
        "price": name(book, blind.price),
        "sees": blind.sight.name(),
        "value": blind.value.to_string(),
        "decimals": blind.decimals,
        "at_market": blind.at_market.as_ref().map(|at| at_market(book, at)),
    })
}
