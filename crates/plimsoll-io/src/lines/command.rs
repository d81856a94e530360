//! One command of a line, by the word that it has under `do`.

use super::propose::propose;
use super::{Force, Known, Line, Release, Said, Scope, Step, head, stamp, words};
use crate::book::seen::seen;
use crate::desk::{known, known_market, known_price};
use crate::fault::{Code, Log, nearest, quoted};
use crate::fields::{few, named, one};
use crate::scalar;
use crate::tree::{Fields, Node, digits, flag, text};
use plimsoll_core::Decimal;

/// Every command.
const COMMANDS: [&str; 18] = [
    "tick",
    "quote",
    "positions",
    "cells",
    "act",
    "intend",
    "send",
    "resolve",
    "impair",
    "trust",
    "confirm",
    "kill",
    "release",
    "propose",
    "approve",
    "reject",
    "delivered",
    "clock",
];

/// What owners do, in the words of `whatif`.
const ACTIONS: [&str; 8] = ["deposit", "withdraw", "borrow", "repay", "fill", "use", "mode", "refresh"];

pub(super) fn read(mut fields: Fields<'_>, known: &Known<'_>, log: &mut Log) -> Option<Line> {
    let id = fields.need("id", log).and_then(|node| named(node, log));
    let by = fields.need("by", log).and_then(|node| named(node, log));
    let key = fields.take("key").map_or(Some(String::new()), |node| named(node, log));
    let at = fields.take("at").map_or(Some(None), |node| stamp(node, log).map(Some));
    let what = fields.need("do", log)?;
    let name = text(what, log)?;
    let Some(command) = COMMANDS.iter().find(|known| **known == name) else {
        let fault = log.at(Code::UnknownWord, what.span, quoted(name), "a command");
        match nearest(name, COMMANDS.iter().copied()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help(format!("known are {}", COMMANDS.join(", "))),
        }
        return None;
    };
    let said = said(command, &mut fields, known, log);
    fields.finish(log);
    Some(Line { id: id?, by: by?, key: key?, at: at?, said: said? })
}

fn said(command: &str, fields: &mut Fields<'_>, known: &Known<'_>, log: &mut Log) -> Option<Said> {
    let feed = |fields: &mut Fields<'_>, log: &mut Log| {
        fields.need("feed", log).and_then(|node| known_price(node, known.book, true, log))
    };
    let need_words = |fields: &mut Fields<'_>, name, log: &mut Log| {
        fields.need(name, log).and_then(|node| words(node, log))
    };
    Some(match command {
        "tick" => Said::Tick,
        "quote" => return quote(fields, known, log),
        "positions" => return positions(fields, known, log),
        "cells" => Said::Cells(fields.need("set", log).and_then(|node| sets(node, log))?),
        "act" => return act(fields, known, log),
        "intend" => return intend(fields, known, log),
        "send" => {
            let intent = number(fields, "intent", log);
            let external = need_words(fields, "external", log);
            Said::Send { intent: intent?, external: external? }
        }
        "resolve" => {
            let intent = number(fields, "intent", log);
            let (how, node) = one(fields, ["carried", "abandoned"], log)?;
            let abandoned = match how {
                "carried" => truth(node, log).map(|()| None),
                _ => words(node, log).map(Some),
            };
            Said::Resolve { intent: intent?, abandoned: abandoned? }
        }
        "impair" => {
            let (feed, reason) = (feed(fields, log), need_words(fields, "reason", log));
            Said::Impair { feed: feed?, reason: reason? }
        }
        "trust" => Said::Trust(feed(fields, log)?),
        "confirm" => Said::Confirm(feed(fields, log)?),
        "kill" => {
            let scope = fields.need("scope", log).and_then(|node| scope(node, known, log));
            let reason = need_words(fields, "reason", log);
            Said::Kill { scope: scope?, reason: reason? }
        }
        "release" => {
            let (what, node) = one(fields, ["scope", "breaker", "strategy"], log)?;
            Said::Release(match what {
                "scope" => Release::Kill(scope(node, known, log)?),
                "breaker" => truth(node, log).map(|()| Release::Breaker)?,
                _ => Release::Strategy(named(node, log)?),
            })
        }
        "propose" => Said::Propose(propose(fields, known.book, log)?),
        "approve" => Said::Approve(number(fields, "proposal", log)?),
        "reject" => Said::Reject(number(fields, "proposal", log)?),
        "clock" => {
            let offset = fields.need("offset_ns", log).and_then(|node| {
                let words = digits(node, log)?;
                let offset = words.parse::<i64>().ok();
                if offset.is_none() {
                    log.at(
                        Code::NotANumber,
                        node.span,
                        quoted(words),
                        "whole nanoseconds, such as \"-1200\"",
                    );
                }
                offset
            });
            let source = fields.need("source", log).and_then(|node| named(node, log));
            Said::Clock { offset: offset?, source: source? }
        }
        _ => {
            let alert = number(fields, "alert", log);
            let (how, node) = one(fields, ["to", "failed"], log)?;
            let words = words(node, log);
            Said::Delivered { alert: alert?, to: if how == "to" { Ok(words?) } else { Err(words?) } }
        }
    })
}

fn quote(fields: &mut Fields<'_>, known: &Known<'_>, log: &mut Log) -> Option<Said> {
    let feed = fields.need("feed", log).and_then(|node| known_price(node, known.book, true, log));
    let price = fields.need("price", log).and_then(|node| amount(node, log));
    let source = fields.need("source", log).and_then(|node| named(node, log));
    let origin = fields.take("origin").map_or(Some(None), |node| named(node, log).map(Some));
    let unsure = fields.take("unsure").map_or(Some(None), |node| amount(node, log).map(Some));
    let observed = fields.take("observed").map_or(Some(None), |node| stamp(node, log).map(Some));
    let source = source?;
    let origin = origin?.unwrap_or_else(|| source.clone());
    Some(Said::Quote { feed: feed?, source, origin, price: price?, unsure: unsure?, observed: observed? })
}

fn positions(fields: &mut Fields<'_>, known: &Known<'_>, log: &mut Log) -> Option<Said> {
    let market = market(fields, known, log);
    // The empty group is that of all who have no policy of their own.
    let group = fields.take("group").map_or(Some(None), |node| match text(node, log)? {
        "" => Some(Some(String::new())),
        _ => named(node, log).map(Some),
    });
    let rows = fields.take("rows");
    let gone = fields.take("gone").map(|node| (node.span, few(node, log)));
    if rows.is_none() && gone.is_none() {
        log.at(Code::MissingField, head(fields.span), "nothing", "a field `rows`, or `gone`");
        return None;
    }
    let market = market?;
    let owner = |name: &str| (known.owner)(market, name);
    let accounts = rows.map_or(Some(Vec::new()), |node| seen(known.book, market, node, &owner, log))?;
    let gone: Vec<String> = match gone {
        None => Vec::new(),
        Some((_, nodes)) => {
            nodes?.iter().map(|node| account(node, market, known, log)).collect::<Option<_>>()?
        }
    };
    if let Some(both) = accounts.iter().find(|listed| gone.contains(&listed.name)) {
        let expected = "rows of it, or that it is gone";
        log.at(Code::Contradiction, head(fields.span), quoted(&both.name), expected);
        return None;
    }
    Some(Said::Positions { market, accounts, gone, group: group? })
}

fn act(fields: &mut Fields<'_>, known: &Known<'_>, log: &mut Log) -> Option<Said> {
    let market = market(fields, known, log);
    let nodes = fields.need("steps", log).and_then(|node| few(node, log));
    let (market, nodes) = (market?, nodes?);
    let step = |node: &Node, log: &mut Log| {
        let mut fields = Fields::of(node, log)?;
        let account = fields.need("account", log).and_then(|node| account(node, market, known, log));
        let actor = fields.take("actor").map(|node| self::account(node, market, known, log));
        let what = one(&mut fields, ACTIONS, log);
        fields.finish(log);
        let (account, (what, said)) = (account?, what?);
        let actor = actor.map_or(Some(account.clone()), |actor| actor)?;
        Some(Step { actor, account, what, words: words(said, log)? })
    };
    let steps: Vec<Option<Step>> = nodes.iter().map(|node| step(node, log)).collect();
    if steps.is_empty() {
        log.at(Code::OutOfRange, head(fields.span), "no step", "one or more steps");
        return None;
    }
    Some(Said::Act { market, steps: steps.into_iter().collect::<Option<_>>()? })
}

fn intend(fields: &mut Fields<'_>, known: &Known<'_>, log: &mut Log) -> Option<Said> {
    let market = market(fields, known, log);
    let account = fields.need("account", log);
    let account = market.and_then(|market| self::account(account?, market, known, log));
    let strategy = fields.need("strategy", log).and_then(|node| named(node, log));
    let price = fields.take("price").map_or(Some(None), |node| amount(node, log).map(Some));
    let seize = fields.take("seize");
    let (how, node) = one(fields, ["reduce", "repay", "absorb", "bark", "offset"], log)?;
    let force = match how {
        "reduce" => Force::Reduce(words(node, log)?),
        "repay" => match seize {
            Some(seize) => Force::Repay(words(node, log)?, named(seize, log)?),
            None => {
                log.at(Code::MissingField, head(node.span), "nothing beside it", "a field `seize`");
                return None;
            }
        },
        _ => {
            truth(node, log)?;
            match how {
                "absorb" => Force::Absorb,
                "bark" => Force::Bark,
                _ => Force::Offset,
            }
        }
    };
    if let Some(seize) = seize.filter(|_| how != "repay") {
        log.at(Code::Exclusive, seize.span, "`seize`", format!("none beside `{how}`"));
        return None;
    }
    Some(Said::Intend { market: market?, account: account?, strategy: strategy?, price: price?, force })
}

/// `all`, or what is stopped and its name: `market desk`.
fn scope(node: &Node, known: &Known<'_>, log: &mut Log) -> Option<Scope> {
    let said = text(node, log)?;
    if said == "all" {
        return Some(Scope::All);
    }
    let (what, name) = said.split_once(' ').unwrap_or((said, ""));
    let name = name.to_string();
    let scope = match what {
        _ if name.trim().is_empty() => None,
        "market" if known.book.markets.iter().any(|listed| listed.name == name) => Some(Scope::Market(name)),
        "strategy" => Some(Scope::Strategy(name)),
        "account" => return account_of(node, &name, known, log).map(Scope::Account),
        "asset" => {
            let assets = known.book.markets.iter().flat_map(|listed| listed.market.instruments());
            let assets: Vec<&str> = assets.map(|instrument| instrument.asset.as_str()).collect();
            if !assets.contains(&name.as_str()) {
                let fault =
                    log.at(Code::UnknownAsset, node.span, quoted(&name), "an asset of the book's markets");
                if let Some(near) = nearest(&name, assets) {
                    fault.help(format!("did you mean `asset {near}`?"));
                }
                return None;
            }
            Some(Scope::Asset(name))
        }
        _ => None,
    };
    if scope.is_none() {
        let expected =
            "all, or one of `market desk`, `strategy reduce`, `account desk:joint` and `asset SOL`";
        log.at(Code::UnknownWord, node.span, quoted(said), expected);
    }
    scope
}

/// An account by its market and name, or by its name alone where one has it.
fn account_of(node: &Node, name: &str, engine: &Known<'_>, log: &mut Log) -> Option<String> {
    let markets = || (0..).zip(&engine.book.markets);
    let full = markets().find_map(|(number, listed)| {
        let account = name.strip_prefix(&listed.name)?.strip_prefix(':')?;
        (engine.owner)(number, account).map(|_| name.to_string())
    });
    if full.is_some() {
        return full;
    }
    let has = markets().filter(|(number, _)| (engine.owner)(*number, name).is_some());
    let found: Vec<String> = has.map(|(_, listed)| format!("{}:{name}", listed.name)).collect();
    match &found[..] {
        [one] => return Some(one.clone()),
        [] => {
            let all: Vec<String> = engine
                .book
                .accounts
                .iter()
                .map(|one| format!("{}:{}", engine.book.markets[one.market].name, one.name))
                .collect();
            let fault = log.at(
                Code::UnknownAccount,
                node.span,
                quoted(name),
                "an account, such as `account desk:joint`",
            );
            if let Some(near) = nearest(name, all.iter().map(String::as_str)) {
                fault.help(format!("did you mean `account {near}`?"));
            }
        }
        several => {
            let expected = format!("one of {}", several.join(", "));
            log.at(Code::UnknownAccount, node.span, quoted(name), expected);
        }
    }
    None
}

/// What is proposed as numbers, and what comes as cells: texts as `--set` has them.
pub(super) fn sets(node: &Node, log: &mut Log) -> Option<Vec<String>> {
    let sets: Vec<Option<String>> = few(node, log)?.iter().map(|node| words(node, log)).collect();
    if sets.is_empty() {
        log.at(
            Code::OutOfRange,
            node.span,
            "no number",
            "one or more, such as \"desk/SOL/asset_weight=900000\"",
        );
        return None;
    }
    sets.into_iter().collect()
}

fn market(fields: &mut Fields<'_>, known: &Known<'_>, log: &mut Log) -> Option<usize> {
    let name = fields.need("market", log).and_then(|node| known_market(node, known.book, log))?;
    known.book.markets.iter().position(|listed| listed.name == name)
}

fn account(node: &Node, market: usize, engine: &Known<'_>, log: &mut Log) -> Option<String> {
    let name = named(node, log)?;
    if (engine.owner)(market, &name).is_some() {
        return Some(name);
    }
    let of_market = engine.book.accounts.iter().filter(|listed| listed.market == market);
    known(node, Code::UnknownAccount, "an account of the market", of_market.map(|one| one.name.as_str()), log)
}

fn number(fields: &mut Fields<'_>, name: &'static str, log: &mut Log) -> Option<u64> {
    let node = fields.need(name, log)?;
    scalar::whole(node, 64, log)?.to_u64()
}

/// A price or an amount from zero up.
fn amount(node: &Node, log: &mut Log) -> Option<Decimal> {
    scalar::amount(digits(node, log)?, node.span, log)
}

/// What is only ever said where it is so.
fn truth(node: &Node, log: &mut Log) -> Option<()> {
    let said = flag(node, log)?;
    if !said {
        log.at(Code::OutOfRange, node.span, "false", "true, or the field left out");
    }
    said.then_some(())
}
