//! Commands and events as JSON: names for places, exact decimal texts for money, RFC 3339 for times.

use super::actions;
use super::hex;
use plimsoll::Ratio;
use plimsoll_core::{Decimal, InstrumentId, Int, ListedMarket, U256};
use plimsoll_engine::Stamp;
use plimsoll_engine::calls::Event as Life;
use plimsoll_engine::config::{Change, Config, Founding, Level, Terms};
use plimsoll_engine::feed::{Quote, Rule, State as FeedState};
use plimsoll_engine::guard::{Act, Flips, Limits, Scope};
use plimsoll_engine::record::{Alert, Command, Event, Grounds, Impact, Outcome, Prices, Release, Word};
use plimsoll_engine::state::State;
use plimsoll_io::time::show_stamp;
use serde_json::{Value, json};

/// Digits of values that guards count in.
const DIGITS: u8 = 6;

/// A raw number with so many digits behind the point.
pub(crate) fn decimal(raw: u128, decimals: u8) -> String {
    Decimal { mantissa: Int::from(U256::from(raw)), decimals }.trimmed().to_string()
}

/// A value in the engine's currency; what is beyond every number is unknown.
pub(crate) fn value(raw: u128) -> Value {
    if raw == u128::MAX { Value::Null } else { json!(decimal(raw, DIGITS)) }
}

/// A level as a decimal.
pub(crate) fn level((num, den): Level) -> String {
    let places = den.to_string().len() as u8 - 1;
    if 10_u32.checked_pow(places.into()) == Some(den) {
        decimal(num.into(), places)
    } else {
        format!("{num}/{den}")
    }
}

/// A duration in seconds.
/// Signed nanoseconds as seconds.
pub(crate) fn nanoseconds(offset: i64) -> String {
    let shown = decimal(offset.unsigned_abs().into(), 9);
    if offset < 0 { format!("-{shown}") } else { shown }
}

fn seconds(stamp: Stamp) -> String {
    decimal(stamp.into(), 9)
}

fn market(state: &State, place: u32) -> Option<&ListedMarket> {
    state.book.markets.get(place as usize)
}

fn of_market<'s>(state: &'s State, name: &str) -> Option<&'s ListedMarket> {
    market(state, state.market(name)?)
}

/// The asset of an instrument.
pub(crate) fn asset(listed: &ListedMarket, id: InstrumentId) -> Option<&str> {
    listed.market.instruments().get(id.index()).map(|one| one.asset.as_str())
}

/// The digits of a market's price of an asset; `None` where it has none.
pub(crate) fn digits(listed: &ListedMarket, asset: &str) -> Option<u8> {
    listed.market.slots().iter().find(|slot| slot.asset == asset).map(|slot| slot.decimals)
}

/// What a command is called.
pub(crate) const fn kind(command: &Command) -> &'static str {
    match command {
        Command::Tick => "tick",
        Command::Quote { .. } => "quote",
        Command::Positions { .. } => "positions",
        Command::Cells { .. } => "cells",
        Command::Act { .. } => "act",
        Command::Intend { .. } => "intend",
        Command::Send { .. } => "send",
        Command::Resolve { .. } => "resolve",
        Command::Impair { .. } => "impair",
        Command::Trust { .. } => "trust",
        Command::Confirm { .. } => "confirm",
        Command::Kill { .. } => "kill",
        Command::Release(_) => "release",
        Command::Propose(_) => "propose",
        Command::Approve { .. } => "approve",
        Command::Reject { .. } => "reject",
        Command::Delivered { .. } => "delivered",
        Command::Start => "start",
        Command::Clock { .. } => "clock",
    }
}

/// What was asked.
pub(super) fn command(state: &State, command: &Command) -> Value {
    match command {
        Command::Tick | Command::Start => json!({}),
        Command::Clock { offset, source } => json!({"offset_ns": offset.to_string(), "source": source}),
        Command::Quote { feed, quote } => json!({"feed": feed, "quote": self::quote(state, feed, quote)}),
        Command::Positions { market, positions } => {
            let listed = of_market(state, market);
            let rows = positions.iter().map(|position| {
                let mut row =
                    listed.map_or_else(|| json!({}), |listed| actions::holds(listed, &position.holds));
                row["account"] = json!(position.account);
                row["owner"] = json!(position.owner);
                row["group"] = json!(position.group);
                row
            });
            json!({"market": market, "accounts": rows.collect::<Vec<_>>()})
        }
        Command::Cells { market, cells } => {
            json!({"market": market, "cells": self::cells(state, market, cells)})
        }
        Command::Act { market, steps } => {
            let listed = of_market(state, market);
            let steps = steps.iter().map(|step| {
                let action = listed.map(|listed| actions::action(listed, &step.action));
                json!({"actor": step.actor, "account": step.account, "action": action})
            });
            json!({"market": market, "steps": steps.collect::<Vec<_>>()})
        }
        Command::Intend { market, account, action, strategy, price } => {
            let listed = of_market(state, market);
            let sold = listed.zip(actions::sold(action)).and_then(|(listed, sold)| asset(listed, sold));
            let digits = listed.zip(sold).and_then(|(listed, asset)| self::digits(listed, asset));
            let price = price.zip(digits).map(|(price, decimals)| decimal(price, decimals));
            let action = listed.map(|listed| actions::action(listed, action));
            json!({"market": market, "account": account, "action": action, "strategy": strategy, "price": price})
        }
        Command::Send { intent, external } => json!({"intent": intent, "external_id": external}),
        Command::Resolve { intent, outcome } => json!({"intent": intent, "outcome": self::outcome(outcome)}),
        Command::Impair { feed, reason } => json!({"feed": feed, "reason": reason}),
        Command::Trust { feed } | Command::Confirm { feed } => json!({"feed": feed}),
        Command::Kill { scope, reason } => json!({"scope": self::scope(scope), "reason": reason}),
        Command::Release(what) => release(what),
        Command::Propose(change) => self::change(state, change),
        Command::Approve { proposal } | Command::Reject { proposal } => json!({"proposal": proposal}),
        Command::Delivered { alert, to } => {
            json!({"alert": alert, "to": to.as_ref().ok(), "failed": to.as_ref().err()})
        }
    }
}

/// What happened.
pub(super) fn event(state: &State, prices: &[Prices], event: &Event) -> Value {
    match event {
        Event::Account { place, holds, market, .. } => {
            let listed = self::market(state, *market);
            let mut row = listed.map_or_else(|| json!({}), |listed| actions::holds(listed, holds));
            row["event"] = json!("account");
            row["account"] = json!(state.called(*place));
            row
        }
        Event::Seen { places, .. } => {
            let accounts: Vec<String> = places.iter().map(|place| state.called(*place)).collect();
            json!({"event": "seen", "accounts": accounts})
        }
        Event::Cells { market, cells, rules } => {
            let listed = self::market(state, *market);
            let numbers = listed.map(|listed| actions::cells(listed, cells));
            json!({"event": "cells", "market": listed.map(|listed| &listed.name), "cells": numbers, "rules": rules})
        }
        Event::Heard { feed, quote } => {
            json!({"event": "heard", "feed": feed, "quote": self::quote(state, feed, quote)})
        }
        Event::Turned { feed, state: is, value } => {
            let decimals = state.feeds.get(feed).map_or(0, |heard| heard.decimals);
            let price = value.map(|value| decimal(value, decimals));
            json!({"event": "turned", "feed": feed, "state": feed_state(is, decimals), "price": price})
        }
        Event::Word { feed, word } => match word {
            Word::Impaired(by, why) => json!({"event": "impaired", "feed": feed, "by": by, "why": why}),
            Word::Trusted => json!({"event": "trusted", "feed": feed}),
            Word::Confirmed => json!({"event": "confirmed", "feed": feed}),
        },
        Event::Lived { place, what, grounds } => {
            let grounds = grounds.as_ref().map(|grounds| self::grounds(state, prices, grounds));
            lived(state, *place, what, grounds)
        }
        Event::Intended { intent, act, place, action, grounds } => {
            let listed = of_market(state, &act.market);
            // Above the venue's line only a call that passed lets anybody act.
            let threshold = match state.terms(*place) {
                Some(terms) if grounds.healthy => level(terms.call),
                _ => "1".into(),
            };
            json!({
                "event": "intended",
                "intent": intent,
                "account": state.called(*place),
                "action": listed.map(|listed| actions::action(listed, action)),
                "act": self::act(state, act),
                "limits": limits(&state.config.limits),
                "used": used(state, act),
                "threshold": threshold,
                "grounds": self::grounds(state, prices, grounds),
            })
        }
        Event::Sent { intent, external } => {
            json!({"event": "sent", "intent": intent, "external_id": external})
        }
        Event::Resolved { intent, outcome } => {
            json!({"event": "resolved", "intent": intent, "outcome": self::outcome(outcome)})
        }
        Event::Killed { scope, kill } => {
            json!({"event": "killed", "scope": self::scope(scope), "by": kill.by, "reason": kill.reason})
        }
        Event::Released(what) => {
            let mut row = release(what);
            row["event"] = json!("released");
            row
        }
        Event::Tripped(flips) => json!({"event": "breaker tripped", "flips": self::flips(flips)}),
        Event::Proposed { proposal, by, change, impact } => json!({
            "event": "proposed",
            "proposal": proposal,
            "by": by,
            "change": self::change(state, change),
            "impact": self::impact(impact),
        }),
        Event::Closed { proposal, by, agreed, impact } => json!({
            "event": if *agreed { "approved" } else { "rejected" },
            "proposal": proposal,
            "by": by,
            "impact": impact.as_ref().map(self::impact),
        }),
        Event::Changed(change) => json!({"event": "changed", "change": self::change(state, change)}),
        Event::Alert { alert, of } => {
            let mut row = self::alert(of);
            (row["event"], row["alert"]) = (json!("alert"), json!(alert));
            row
        }
        Event::Told { alert, to } => {
            json!({"event": "told", "alert": alert, "to": to.as_ref().ok(), "failed": to.as_ref().err()})
        }
        Event::Started => json!({"event": "started"}),
        Event::Compared { offset, source } => {
            json!({"event": "clock compared", "offset_ns": offset.to_string(), "source": source})
        }
        Event::Over(of) => {
            let mut row = self::alert(of);
            row["event"] = json!("over");
            row
        }
        Event::Flipped(places) => {
            let accounts: Vec<String> = places.iter().map(|place| state.called(*place)).collect();
            json!({"event": "flipped", "accounts": accounts})
        }
    }
}

/// Something in an account's life, with the level that it was compared with.
fn lived(state: &State, place: u32, what: &Life, grounds: Option<Value>) -> Value {
    let terms = state.terms(place);
    let (decision, threshold) = decision(what, terms);
    let mut row = json!({
        "event": "account's life",
        "account": state.called(place),
        "decision": decision,
        "threshold": threshold,
        "grounds": grounds,
    });
    match what {
        Life::Called { deadline, missing } => {
            row["deadline"] = json!(show_stamp(*deadline));
            row["missing"] = value(*missing);
        }
        Life::PartlyMet { missing } | Life::Widened { missing } | Life::Moved { missing } => {
            row["missing"] = value(*missing);
        }
        Life::Intended { intent } => row["intent"] = json!(intent),
        _ => {}
    }
    row
}

/// What was decided, and the level that decided it.
pub(super) fn decision(what: &Life, terms: Option<&Terms>) -> (&'static str, Option<String>) {
    let warning = || terms.map(|terms| level(terms.warning));
    let call = || terms.map(|terms| level(terms.call));
    let line = || Some("1".to_string());
    match what {
        Life::Warned => ("warned", warning()),
        Life::Cleared => ("no longer warned", warning()),
        Life::Called { .. } => ("called", call()),
        Life::PartlyMet { .. } => ("call partly met", call()),
        Life::Moved { .. } => ("call moved by prices", call()),
        Life::Widened { .. } => ("call widened by its owner", call()),
        Life::Settled => ("above its call again", call()),
        Life::Met => ("call met", call()),
        Life::Withdrawn => ("call withdrawn", call()),
        Life::Escalated => ("call escalated", call()),
        Life::Overdue => ("call overdue", call()),
        Life::BelowLine => ("below the line", line()),
        Life::Recovered => ("above the line again", line()),
        Life::BecameBad => ("bad debt", line()),
        Life::Intended { .. } => ("liquidation intended", None),
        Life::Abandoned => ("liquidation abandoned", None),
        Life::Liquidated => ("liquidated", None),
        Life::Closed => ("closed", None),
    }
}

/// What stood behind a decision: the venue's two numbers, and every price with its state and sources.
fn grounds(state: &State, prices: &[Prices], grounds: &Grounds) -> Value {
    let Grounds { backing, requirement, decimals, healthy, prices: at } = grounds;
    let prices = prices.get(*at as usize).map(Vec::as_slice).unwrap_or_default();
    let exact = |mantissa: &Int| Decimal { mantissa: *mantissa, decimals: *decimals }.trimmed().to_string();
    let prices = prices.iter().map(|(feed, price)| {
        let heard = state.feeds.get(feed);
        let sources = heard.map(|heard| {
            let quotes = heard.feed.quotes();
            quotes.iter().map(|quote| self::quote(state, feed, quote)).collect::<Vec<_>>()
        });
        json!({
            "feed": feed,
            "price": price.map(|price| price.trimmed().to_string()),
            "state": heard.map(|heard| feed_state(&heard.state, heard.decimals)),
            "sources": sources,
        })
    });
    json!({
        "backing": exact(backing),
        "requirement": exact(requirement),
        "health": Ratio::of(*backing, *requirement).map(|ratio| ratio.to_string()),
        "healthy": healthy,
        "prices": prices.collect::<Vec<_>>(),
    })
}

fn quote(state: &State, feed: &str, quote: &Quote) -> Value {
    let decimals = state.feeds.get(feed).map_or(0, |heard| heard.decimals);
    json!({
        "source": quote.source,
        "origin": quote.origin,
        "price": decimal(quote.value, decimals),
        "unsure": decimal(quote.unsure, decimals),
        "observed": show_stamp(quote.observed),
    })
}

/// What a feed is worth.
pub(crate) fn feed_state(state: &FeedState, decimals: u8) -> Value {
    match state {
        FeedState::Fresh => json!("fresh"),
        FeedState::Stale => json!("stale"),
        FeedState::Degraded { origins, quorum } => {
            json!({"degraded": {"origins": origins, "quorum": quorum}})
        }
        FeedState::OutOfBounds { value } => json!({"out_of_bounds": decimal(*value, decimals)}),
        FeedState::Jumped { from, to, origins } => {
            json!({"jumped": {"from": decimal(*from, decimals), "to": decimal(*to, decimals), "origins": origins}})
        }
        FeedState::Impaired { by, reason } => json!({"impaired": {"by": by, "reason": reason}}),
        FeedState::Apart { agree, origins } => json!({"apart": {"agree": agree, "origins": origins}}),
    }
}

fn act(state: &State, act: &Act) -> Value {
    let digits = of_market(state, &act.market).and_then(|listed| self::digits(listed, &act.asset));
    let [price, reference] = act.prices.map(|price| digits.map(|decimals| decimal(price, decimals)));
    json!({
        "strategy": act.strategy,
        "asset": act.asset,
        "others": act.others.iter().map(|(asset, part)| {
            json!({"asset": asset, "of_depth": decimal((*part).into(), DIGITS)})
        }).collect::<Vec<_>>(),
        "value": value(act.value),
        "of_depth": decimal(act.of_depth.into(), DIGITS),
        "price": price,
        "reference": reference,
        "currency": state.config.currency,
        "needs": act.needs,
    })
}

/// What counted against each cap before an action and after it: the state is the one after.
fn used(state: &State, act: &Act) -> Value {
    let after = state.guards.caps.used(act, state.now);
    let own = [act.of_depth.into(), 1, act.value, act.value, act.value];
    let shown = |at: usize, raw: u128| match at {
        0 => json!(decimal(raw, DIGITS)),
        1 => json!(raw.to_string()),
        _ => value(raw),
    };
    let mut row = json!({});
    for (at, name) in ["of_depth", "actions", "account", "strategy", "all"].into_iter().enumerate() {
        row[name] = json!([shown(at, after[at].saturating_sub(own[at])), shown(at, after[at])]);
    }
    row
}

fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Carried => json!("carried out"),
        Outcome::Abandoned { why } => json!({"abandoned": why}),
    }
}

fn scope(scope: &Scope) -> Value {
    json!(scope.to_string())
}

fn release(what: &Release) -> Value {
    match what {
        Release::Kill(scope) => json!({"scope": self::scope(scope)}),
        Release::Breaker => json!({"breaker": true}),
        Release::Strategy(strategy) => json!({"strategy": strategy}),
    }
}

fn flips(flips: &Flips) -> Value {
    let Flips { accounts: [accounts, of_accounts], value: [part, whole] } = flips;
    json!({"accounts": accounts, "of_accounts": of_accounts, "value": value(*part), "of_value": value(*whole)})
}

/// Whom a change would touch.
pub(crate) fn impact(impact: &Impact) -> Value {
    json!({
        "below_line": flips(&impact.flips),
        "called": impact.called,
        "unknown": impact.unknown,
        "recovered": impact.recovered,
        "escalated": impact.escalated,
        "not_judged": impact.unjudged,
        "first": impact.first,
        "first_called": impact.first_called,
        "first_unknown": impact.first_unknown,
    })
}

/// What somebody is to be told.
pub(crate) fn alert(alert: &Alert) -> Value {
    match alert {
        Alert::Account { account, what } => json!({"of": "account", "account": account, "what": what}),
        Alert::Feed { feed, fresh } => json!({"of": "feed", "feed": feed, "fresh": fresh}),
        Alert::Breaker => json!({"of": "breaker"}),
        Alert::Killed(scope) => json!({"of": "kill", "scope": self::scope(scope)}),
        Alert::Throttled(strategy) => json!({"of": "throttle", "strategy": strategy}),
        Alert::Deviates { feed, origin } => json!({"of": "deviation", "feed": feed, "origin": origin}),
        Alert::Late(intent) => json!({"of": "late intent", "intent": intent}),
        Alert::Outstanding(intent) => json!({"of": "outstanding intent", "intent": intent}),
        Alert::Clock => json!({"of": "clock"}),
        Alert::Unmeasured => json!({"of": "clock not compared"}),
        Alert::Unseen { market, accounts } => {
            json!({"of": "unseen", "market": market, "accounts": accounts})
        }
    }
}

pub(super) fn cells(state: &State, market: &str, cells: &[(plimsoll_core::Cell, Option<Int>)]) -> Value {
    of_market(state, market).map_or(Value::Null, |listed| actions::cells(listed, cells))
}

fn change(state: &State, change: &Change) -> Value {
    match change {
        Change::Rules { market, cells } => {
            json!({"of": "rules", "market": market, "cells": self::cells(state, market, cells)})
        }
        Change::Prices(graph) => json!({"of": "prices", "prices": graph.prices().len()}),
        Change::Source(source) => {
            json!({"of": "feed", "feed": source.price, "rule": rule(&source.rule, source.decimals)})
        }
        Change::Terms((market, group), terms) => {
            let mut row = self::terms(terms);
            (row["of"], row["market"], row["group"]) = (json!("policy"), json!(market), json!(group));
            row
        }
        Change::Limits(limits) => json!({"of": "limits", "limits": self::limits(limits)}),
        Change::Depth(asset, depth) => json!({"of": "depth", "asset": asset, "value": value(*depth)}),
        Change::Collar(collar) => json!({"of": "collar", "collar": decimal((*collar).into(), DIGITS)}),
        Change::People(people) => json!({"of": "people", "people": people}),
    }
}

fn terms(terms: &Terms) -> Value {
    json!({
        "warning": level(terms.warning),
        "call": level(terms.call),
        "grace_s": seconds(terms.policy.grace),
        "escalates": terms.policy.escalates,
    })
}

/// Caps on actions.
pub(crate) fn limits(limits: &Limits) -> Value {
    json!({
        "action": value(limits.action),
        "account": value(limits.account),
        "strategy": value(limits.strategy),
        "all": value(limits.all),
        "actions": limits.actions,
        "of_depth": decimal(limits.of_depth.into(), DIGITS),
    })
}

/// When a feed is believed.
pub(crate) fn rule(rule: &Rule, decimals: u8) -> Value {
    let bound = |raw: u128| (raw != 0 && raw != u128::MAX).then(|| decimal(raw, decimals));
    json!({
        "max_age_s": seconds(rule.max_age),
        "floor": bound(rule.floor),
        "ceiling": bound(rule.ceiling),
        "confidence": decimal(rule.confidence.into(), DIGITS),
        "jump": decimal(rule.jump.into(), DIGITS),
        "quorum": rule.quorum,
        "jump_quorum": rule.jump_quorum,
    })
}

/// A configuration.
pub(crate) fn config(config: &Config) -> Value {
    let policies = config.terms.iter().map(|((market, group), terms)| {
        let mut row = self::terms(terms);
        (row["market"], row["group"]) = (json!(market), json!(group));
        row
    });
    let depths = config.depths.iter().map(|(asset, depth)| json!({"asset": asset, "value": value(*depth)}));
    json!({
        "people": config.people,
        "currency": config.currency,
        "worth": config.worth,
        "policies": policies.collect::<Vec<_>>(),
        "limits": limits(&config.limits),
        "repeats": config.repeats,
        "window_s": seconds(config.window),
        "collar": decimal(config.collar.into(), DIGITS),
        "breaker": {
            "accounts": decimal(config.flips.into(), DIGITS),
            "value": decimal(config.flips_value.into(), DIGITS),
            "least": config.flips_least,
            "window_s": seconds(config.flips_within),
        },
        "clock_s": config.clock.map(seconds),
        "skew_s": config.skew.map(seconds),
        "strategies": config.strategies,
        "sources": config.sources.iter().map(|(source, voice)| {
            json!({"source": source, "origin": voice.origin, "by": voice.by})
        }).collect::<Vec<_>>(),
        "grace_s": seconds(config.grace),
        "depths": depths.collect::<Vec<_>>(),
        "followed": config.followed,
        "sight_s": seconds(config.sight),
        "memory_s": seconds(config.memory),
        "late_s": seconds(config.late),
    })
}

/// What an engine was founded on. Markets stand there by the hash of their bytes.
pub(super) fn founding(founding: &Founding, state: &State) -> Value {
    use sha2::{Digest, Sha256};
    let markets = founding.markets.iter().map(|place| {
        let listed = state.book.markets.iter().find(|listed| listed.name == place.name);
        let venue = listed.map(|listed| listed.market.venue());
        json!({
            "market": place.name,
            "venue": venue.map(|(venue, _)| venue),
            "revision": venue.map(|(_, revision)| revision),
            "sha256": hex(&Sha256::digest(&place.market)),
        })
    });
    let feeds = founding.sources.iter().map(|source| {
        json!({"feed": source.price, "decimals": source.decimals, "rule": rule(&source.rule, source.decimals)})
    });
    json!({
        "book": founding.book,
        "markets": markets.collect::<Vec<_>>(),
        "feeds": feeds.collect::<Vec<_>>(),
        "config": config(&founding.config),
    })
}
