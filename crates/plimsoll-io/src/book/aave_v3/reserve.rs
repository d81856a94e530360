//! One reserve: its configuration by name or as the word on chain, its rate curve, its state.

use super::{WHOLE, check_weights, head, not_in};
use crate::book::head as book_head;
use crate::fault::{Code, Log, Span, quoted};
use crate::scalar;
use crate::tree::{Fields, Node, flag, text};
use plimsoll_core::{RAY, Time, U256};
use plimsoll_venues::aave_v3::{Bits, Configuration, RateCurve, Reserve, Revision, State};

/// A field of the configuration word.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) bits: Bits,
    pub(super) kind: NamedKind,
    /// The revisions that have it, both included.
    pub(super) revisions: (Revision, Revision),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedKind {
    /// Must be given.
    Needed,
    /// Zero where it is not given.
    Number,
    /// A flag, and what it is where it is not given.
    Flag(bool),
}

const ALWAYS: (Revision, Revision) = (Revision::V3_0, Revision::V3_7);
const UP_TO_3_6: (Revision, Revision) = (Revision::V3_0, Revision::V3_6);

const fn named(name: &'static str, bits: Bits, kind: NamedKind, revisions: (Revision, Revision)) -> Named {
    Named { name, bits, kind, revisions }
}

/// Every part of the word that has a name in files.
pub(super) const NAMED: &[Named] = &[
    named("decimals", Configuration::DECIMALS, NamedKind::Needed, ALWAYS),
    named("ltv", Configuration::LTV, NamedKind::Needed, ALWAYS),
    named("liquidation_threshold", Configuration::THRESHOLD, NamedKind::Needed, ALWAYS),
    named("liquidation_bonus", Configuration::BONUS, NamedKind::Needed, ALWAYS),
    named("liquidation_protocol_fee", Configuration::PROTOCOL_FEE, NamedKind::Number, ALWAYS),
    named("reserve_factor", Configuration::RESERVE_FACTOR, NamedKind::Number, ALWAYS),
    named("active", Configuration::ACTIVE, NamedKind::Flag(true), ALWAYS),
    named("frozen", Configuration::FROZEN, NamedKind::Flag(false), ALWAYS),
    named("paused", Configuration::PAUSED, NamedKind::Flag(false), ALWAYS),
    named("borrowing", Configuration::BORROWING, NamedKind::Flag(true), ALWAYS),
    named("borrow_cap", Configuration::BORROW_CAP, NamedKind::Number, ALWAYS),
    named("supply_cap", Configuration::SUPPLY_CAP, NamedKind::Number, ALWAYS),
    named("debt_ceiling", Configuration::DEBT_CEILING, NamedKind::Number, UP_TO_3_6),
    named("siloed", Configuration::SILOED, NamedKind::Flag(false), UP_TO_3_6),
    named(
        "borrowable_in_isolation",
        Configuration::BORROWABLE_IN_ISOLATION,
        NamedKind::Flag(false),
        UP_TO_3_6,
    ),
    named("emode", Configuration::EMODE, NamedKind::Number, (Revision::V3_0, Revision::V3_1)),
    named(
        "virtual_accounting",
        Configuration::VIRTUAL_ACCOUNTING,
        NamedKind::Flag(true),
        (Revision::V3_1, Revision::V3_3),
    ),
];

type Wire = Option<(String, Span)>;

pub(super) fn read(node: &Node, revision: Revision, at: Time, log: &mut Log) -> Option<(Reserve, Wire)> {
    let mut fields = Fields::of(node, log)?;
    let symbol = fields.need("asset", log);
    let symbol = symbol.and_then(|node| scalar::name(text(node, log)?, node.span, log));
    let wire = fields.take("feed").and_then(|node| Some((text(node, log)?.to_string(), node.span)));
    let configuration = configuration(&mut fields, revision, log);
    let curve = fields.take("rates");
    let curve = match curve {
        Some(node) => curve_of(node, log),
        // Without a curve nothing is earned or paid.
        None => Some(RateCurve { optimal: 8000, base: 0, slope1: 0, slope2: 0 }),
    };
    let grace = match fields.take("grace_until") {
        Some(node) if revision < Revision::V3_1 => {
            not_in(node, "grace_until", revision, "grace periods from 3.1 on", log);
            Some(Time(0))
        }
        Some(node) => book_head::time(node, log),
        None => Some(Time(0)),
    };
    let state = match fields.take("state") {
        Some(node) => state(node, revision, at, log),
        None => Some(fresh(at)),
    };
    fields.finish(log);
    let symbol = symbol?.to_string();
    let (configuration, curve, grace_until) = (configuration?, curve?, grace?);
    Some((Reserve { symbol, configuration, curve, grace_until, state: state? }, wire))
}

/// A reserve in which nothing has happened yet.
fn fresh(at: Time) -> State {
    State {
        liquidity_index: RAY.value(),
        variable_borrow_index: RAY.value(),
        liquidity_rate: U256::ZERO,
        variable_borrow_rate: U256::ZERO,
        last_update: at,
        accrued_to_treasury: U256::ZERO,
        scaled_supply: U256::ZERO,
        scaled_debt: U256::ZERO,
        cash: U256::ZERO,
        virtual_balance: U256::ZERO,
        deficit: U256::ZERO,
        isolation_debt: U256::ZERO,
    }
}

fn configuration(fields: &mut Fields<'_>, revision: Revision, log: &mut Log) -> Option<Configuration> {
    let given: Vec<Option<&Node>> = NAMED.iter().map(|named| fields.take(named.name)).collect();
    let Some(word) = fields.take("configuration") else {
        return by_name(&given, fields.span, revision, log);
    };
    if let Some((named, Some(node))) = NAMED.iter().zip(&given).find(|(_, node)| node.is_some()) {
        let expected = "either `configuration` or the fields that it holds";
        log.at(Code::Exclusive, node.span, format!("`{}` beside `configuration`", named.name), expected);
        return None;
    }
    let configuration = Configuration(scalar::whole(word, 256, log)?);
    check(configuration, &[Some(word); NAMED.len()], word.span, log).then_some(configuration)
}

fn by_name(given: &[Option<&Node>], span: Span, revision: Revision, log: &mut Log) -> Option<Configuration> {
    let mut word = Some(Configuration::default());
    for (named, node) in NAMED.iter().zip(given) {
        let (first, last) = named.revisions;
        let has = (first..=last).contains(&revision);
        let value = match (named.kind, node) {
            (_, Some(node)) if !has => {
                let has = format!("`{}` in {} to {}", named.name, first.name(), last.name());
                not_in(node, named.name, revision, &has, log);
                None
            }
            (NamedKind::Needed, None) => {
                log.at(Code::MissingField, head(span), "nothing", format!("a field `{}`", named.name));
                None
            }
            (NamedKind::Flag(default), None) => Some(u64::from(default && has)),
            (NamedKind::Number, None) => Some(0),
            (NamedKind::Flag(_), Some(node)) => flag(node, log).map(u64::from),
            (NamedKind::Needed | NamedKind::Number, Some(node)) => {
                scalar::between(node, 0, (1 << named.bits.width) - 1, log)
            }
        };
        word = match (word, value) {
            (Some(word), Some(value)) => word.with(named.bits, value),
            _ => None,
        };
    }
    word.filter(|word| check(*word, given, head(span), log))
}

/// What no pool accepts, whichever way the word was written; `true` when it is sound.
fn check(word: Configuration, nodes: &[Option<&Node>], span: Span, log: &mut Log) -> bool {
    let before = log.count();
    let at = |name: &str| {
        let place = NAMED.iter().position(|named| named.name == name);
        place.and_then(|place| *nodes.get(place)?).map_or(span, |node| node.span)
    };
    let decimals = word.decimals();
    if decimals > 38 {
        log.at(Code::Decimals, at("decimals"), decimals.to_string(), "0 to 38 decimals");
    }
    for (name, bits) in [
        ("ltv", Configuration::LTV),
        ("liquidation_threshold", Configuration::THRESHOLD),
        ("liquidation_protocol_fee", Configuration::PROTOCOL_FEE),
        ("reserve_factor", Configuration::RESERVE_FACTOR),
    ] {
        let value = word.get(bits);
        if value > WHOLE {
            log.at(Code::OutOfRange, at(name), format!("{name} {value}"), "at most 10000 basis points");
        }
    }
    let weights = [Configuration::LTV, Configuration::THRESHOLD, Configuration::BONUS].map(|b| word.get(b));
    let spans = ["ltv", "liquidation_threshold", "liquidation_bonus"].map(at);
    check_weights(weights, spans, log);
    log.count() == before
}

fn curve_of(node: &Node, log: &mut Log) -> Option<RateCurve> {
    let mut fields = Fields::of(node, log)?;
    let mut bps = |name, log: &mut Log| {
        let node = fields.need(name, log)?;
        Some((scalar::between(node, 0, u64::from(u32::MAX), log)? as u32, node.span))
    };
    let (optimal, base) = (bps("optimal", log), bps("base", log));
    let (slope1, slope2) = (bps("slope1", log), bps("slope2", log));
    fields.finish(log);
    let (optimal, span) = optimal?;
    if optimal == 0 || u64::from(optimal) >= WHOLE {
        log.at(Code::Curve, span, optimal.to_string(), "an optimal utilisation from 1 to 9999 basis points");
        return None;
    }
    Some(RateCurve { optimal, base: base?.0, slope1: slope1?.0, slope2: slope2?.0 })
}

fn state(node: &Node, revision: Revision, at: Time, log: &mut Log) -> Option<State> {
    let mut fields = Fields::of(node, log)?;
    let mut index = |name, log: &mut Log| {
        let node = fields.need(name, log)?;
        let index = scalar::whole(node, 128, log)?;
        if index < RAY.value() {
            let fault =
                log.at(Code::Index, node.span, quoted(&index.to_string()), "at least 10^27, which is one");
            fault.help("an index has 27 digits after its first");
            return None;
        }
        Some(index)
    };
    let (liquidity_index, variable_borrow_index) =
        (index("liquidity_index", log), index("variable_borrow_index", log));
    let last_update = fields.need("last_update", log).and_then(|node| {
        let time = book_head::time(node, log)?;
        if time > at {
            log.at(Code::Future, node.span, time.0.to_string(), format!("a time up to the book's, {}", at.0));
            return None;
        }
        Some(time)
    });
    let mut number = |name, needed, bits, log: &mut Log| {
        let node = if needed { fields.need(name, log) } else { fields.take(name) };
        match node {
            Some(node) => scalar::whole(node, bits, log),
            None => (!needed).then_some(U256::ZERO),
        }
    };
    let (liquidity_rate, variable_borrow_rate) =
        (number("liquidity_rate", true, 128, log), number("variable_borrow_rate", true, 128, log));
    let (scaled_supply, scaled_debt) =
        (number("scaled_supply", true, 256, log), number("scaled_debt", true, 256, log));
    let accrued_to_treasury = number("accrued_to_treasury", false, 128, log);
    let mut within = |name: &'static str, bits, from: Revision, to: Revision, log: &mut Log| {
        let node = fields.take(name);
        match node {
            Some(node) if !(from..=to).contains(&revision) => {
                let has = format!("`{name}` in {} to {}", from.name(), to.name());
                not_in(node, name, revision, &has, log);
                None
            }
            Some(node) => scalar::whole(node, bits, log).map(Some),
            None => Some(None),
        }
    };
    let cash = within("cash", 256, Revision::V3_0, Revision::V3_7, log);
    let virtual_balance = within("virtual_balance", 128, Revision::V3_1, Revision::V3_7, log);
    let deficit = within("deficit", 128, Revision::V3_3, Revision::V3_7, log);
    let isolation_debt = within("isolation_debt", 128, Revision::V3_0, Revision::V3_6, log);
    fields.finish(log);
    let (cash, virtual_balance) = (cash?, virtual_balance?);
    // One of the two is often all that is known, and they differ only by gifts.
    let (cash, virtual_balance) = match (cash, virtual_balance) {
        (Some(cash), Some(counted)) => (cash, counted),
        (Some(cash), None) if revision == Revision::V3_0 => (cash, U256::ZERO),
        (Some(one), None) | (None, Some(one)) => (one, one),
        (None, None) => (U256::ZERO, U256::ZERO),
    };
    if virtual_balance.bit_len() > 128 {
        log.at(Code::OutOfRange, head(node.span), cash.to_string(), "a virtual balance below 2^128");
        return None;
    }
    Some(State {
        liquidity_index: liquidity_index?,
        variable_borrow_index: variable_borrow_index?,
        liquidity_rate: liquidity_rate?,
        variable_borrow_rate: variable_borrow_rate?,
        last_update: last_update?,
        accrued_to_treasury: accrued_to_treasury?,
        scaled_supply: scaled_supply?,
        scaled_debt: scaled_debt?,
        cash,
        virtual_balance,
        deficit: deficit?.unwrap_or_default(),
        isolation_debt: isolation_debt?.unwrap_or_default(),
    })
}
