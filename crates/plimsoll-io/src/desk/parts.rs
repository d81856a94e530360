//! The parts of a configuration that can be changed one by one later: each reads alike in the file and in a proposal.

use super::{known, known_market, known_price};
use crate::depth::head;
use crate::fault::{Code, Log, Span, quoted};
use crate::fields::{named, names};
use crate::scalar;
use crate::tree::{Fields, Node, digits, flag, text};
use plimsoll_core::{Book, Decimal};

/// A second in nanoseconds.
const SECOND: u64 = 1_000_000_000;
/// Digits of parts and of values.
const DIGITS: u8 = 6;

/// The levels of a group of accounts, and what its owners are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The market.
    pub market: String,
    /// The group of its accounts; empty for all who have no policy of their own.
    pub group: String,
    /// Below this multiple of the requirement an account is warned: a fraction.
    pub warning: (u32, u32),
    /// Below this it is called.
    pub call: (u32, u32),
    /// From the call to its deadline (ns).
    pub grace: u64,
    /// Whether it is liquidated then.
    pub escalates: bool,
}

/// Caps on actions. A window is any 60 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// On one action (value).
    pub action: u128,
    /// On one account in a window (value).
    pub account: u128,
    /// On one strategy in a window (value).
    pub strategy: u128,
    /// On everything in a window (value).
    pub all: u128,
    /// How many actions in a window.
    pub actions: u32,
    /// Of an asset's depth in a window (millionths).
    pub of_depth: u64,
}

/// When a feed is believed; what is not said stays as the book, or the usual rule, has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRule {
    /// Which.
    pub feed: String,
    /// How old what a source said may be (ns).
    pub max_age: Option<u64>,
    /// At this price and below it has failed.
    pub floor: Option<Decimal>,
    /// At this price and above.
    pub ceiling: Option<Decimal>,
    /// How unsure a source may be (millionths).
    pub confidence: Option<u64>,
    /// What a jump is (millionths).
    pub jump: Option<u64>,
    /// How many origins must speak.
    pub quorum: Option<u32>,
    /// How many must have jumped.
    pub jump_quorum: Option<u32>,
}

/// Two or more people by name.
pub(crate) fn people(node: &Node, log: &mut Log) -> Option<Vec<String>> {
    let mut people = names(node, log)?;
    people.sort();
    people.dedup();
    let mut alike: Vec<String> = people.iter().map(|name| name.to_lowercase()).collect();
    alike.sort();
    if let Some(pair) = alike.windows(2).find(|pair| pair[0] == pair[1]) {
        let found = format!("{} twice, in small and capital letters", quoted(&pair[0]));
        log.at(Code::DuplicateName, node.span, found, "names that nobody takes for one another");
        return None;
    }
    if people.len() < 2 {
        log.at(
            Code::OutOfRange,
            node.span,
            "one person",
            "two or more people: what one proposes another approves",
        );
        return None;
    }
    Some(people)
}

/// The levels of a group as they follow from a margin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Margin {
    /// The market.
    pub market: String,
    /// The group of its accounts; empty for all who have no policy of their own.
    pub group: String,
    /// Below this an account is called: who loses the margin then is still not below the line.
    pub call: (u32, u32),
}

/// The level of calls that a margin asks for, of a market's accounts or a group of them.
pub(crate) fn margin(node: &Node, book: &Book, log: &mut Log) -> Option<Margin> {
    let mut fields = Fields::of(node, log)?;
    let market = fields.need("market", log).and_then(|node| known_market(node, book, log));
    let group = fields.take("group").map_or(Some(String::new()), |node| named(node, log));
    let call = of_margin(&mut fields, log);
    fields.finish(log);
    Some(Margin { market: market?, group: group?, call: call?? })
}

/// `margin` and `side` as a level: who holds may lose the part m of what backs him, and is left above the line from `1 / (1 - m)` on; who
/// owes may owe the part m more, and is from `1 + m` on. Raised to six digits.
#[allow(clippy::option_option)] // none where it is faulty, and where it is not said
fn of_margin(fields: &mut Fields<'_>, log: &mut Log) -> Option<Option<(u32, u32)>> {
    let (margin, side) = (fields.take("margin"), fields.take("side"));
    let Some(node) = margin else {
        if let Some(side) = side {
            log.at(Code::Exclusive, side.span, "`side`", "a `margin` beside it");
            return None;
        }
        return Some(None);
    };
    let part = whole_part(node, log)?;
    let owed = match side.map(|side| text(side, log)) {
        None => false,
        Some(words) => match words? {
            "held" => false,
            "owed" => true,
            other => {
                log.at(Code::UnknownWord, side?.span, quoted(other), "held, or owed");
                return None;
            }
        },
    };
    let level = if owed {
        1_000_000 + part
    } else {
        let left = 1_000_000 - part;
        if left == 0 {
            log.at(Code::OutOfRange, node.span, "1", "a margin below 1");
            return None;
        }
        1_000_000_000_000_u64.div_ceil(left)
    };
    let level = u32::try_from(level).ok();
    if level.is_none() {
        log.at(Code::OutOfRange, node.span, "a margin so near to 1", "one whose level is at most 4,294");
    }
    level.map(|level| Some((level, 1_000_000)))
}

/// A policy of a market of the book.
pub(crate) fn policy(node: &Node, book: &Book, log: &mut Log) -> Option<Policy> {
    let mut fields = Fields::of(node, log)?;
    let market = fields.need("market", log).and_then(|node| known_market(node, book, log));
    let group = fields.take("group").map_or(Some(String::new()), |node| named(node, log));
    let warning = fields.need("warning", log);
    let margin = of_margin(&mut fields, log);
    let call = if matches!(margin, Some(None)) { fields.need("call", log) } else { fields.take("call") };
    let grace = fields.need("grace", log).and_then(|node| span_of(node, log));
    let escalates = fields.need("escalates", log).and_then(|node| flag(node, log));
    fields.finish(log);
    let (at, said) = (call.map(|node| node.span), call.map(|node| level(node, log)));
    let (warned_at, warning) = (warning.map(|node| node.span), warning.and_then(|node| level(node, log)));
    let at_least = |(num, den): (u32, u32), (than, of): (u32, u32)| {
        u64::from(num) * u64::from(of) >= u64::from(than) * u64::from(den)
    };
    // What a margin asks, and no less than what is said.
    let call = match (margin?, said) {
        (None, said) => said??,
        (Some(margin), None) => margin,
        (Some(margin), Some(said)) => {
            let said = said?;
            if at_least(said, margin) { said } else { margin }
        }
    };
    let (at, warning) = (at.or(warned_at), warning?);
    let least = shown(call);
    let mut sound = true;
    for (holds, at, expected) in [
        (at_least(call, (1, 1)), at, "1 or more: the line itself".into()),
        (at_least(warning, call), warned_at, format!("{least}, the level of calls, or more")),
    ] {
        if !holds {
            log.at(Code::OutOfRange, at?, "a level below that", expected);
            sound = false;
        }
    }
    let policy =
        Policy { market: market?, group: group?, warning, call, grace: grace?, escalates: escalates? };
    sound.then_some(policy)
}

/// A level as people write it.
fn shown((num, den): (u32, u32)) -> String {
    let mantissa = plimsoll_core::Int::from(u64::from(num));
    let decimals = u8::try_from(den.checked_ilog10().unwrap_or(0)).unwrap_or(0);
    Decimal { mantissa, decimals }.trimmed().to_string()
}

/// A level such as 1.1, as a fraction.
fn level(node: &Node, log: &mut Log) -> Option<(u32, u32)> {
    let words = digits(node, log)?;
    let level = scalar::amount(words, node.span, log)?.trimmed();
    let parts = level.mantissa.to_u64().and_then(|num| u32::try_from(num).ok());
    let parts = parts.zip(10_u32.checked_pow(level.decimals.into())).filter(|(num, _)| *num > 0);
    if parts.is_none() {
        log.at(Code::OutOfRange, node.span, quoted(words), "a level such as 1.1, of at most nine digits");
    }
    parts
}

/// Caps, all of them: one that is left out would let nothing through, or everything.
pub(crate) fn limits(node: &Node, log: &mut Log) -> Option<Limits> {
    let mut fields = Fields::of(node, log)?;
    let action = fields.need("action", log).and_then(|node| value(node, log));
    let account = fields.need("account", log).and_then(|node| value(node, log));
    let strategy = fields.need("strategy", log).and_then(|node| value(node, log));
    let all = fields.need("all", log).and_then(|node| value(node, log));
    let actions = fields.need("actions", log).and_then(|node| count(node, 0, log));
    let of_depth = fields.need("of_depth", log).and_then(|node| whole_part(node, log));
    fields.finish(log);
    let (action, account, strategy, all) = (action?, account?, strategy?, all?);
    Some(Limits { action, account, strategy, all, actions: actions?, of_depth: of_depth? })
}

/// What the market takes of an asset.
pub(crate) fn depth(node: &Node, book: &Book, log: &mut Log) -> Option<(String, u128)> {
    let mut fields = Fields::of(node, log)?;
    let assets = book.markets.iter().flat_map(|listed| listed.market.instruments());
    let assets = assets.map(|instrument| instrument.asset.as_str());
    let asset = fields
        .need("asset", log)
        .and_then(|node| known(node, Code::UnknownAsset, "an asset of the book's markets", assets, log));
    let value = fields.need("value", log).and_then(|node| self::value(node, log));
    fields.finish(log);
    asset.zip(value)
}

/// What is said of a feed of the book.
pub(crate) fn feed(node: &Node, book: &Book, log: &mut Log) -> Option<FeedRule> {
    let mut fields = Fields::of(node, log)?;
    let before = log.count();
    let feed = fields.need("feed", log).and_then(|node| known_price(node, book, true, log));
    let max_age = fields.take("max_age").and_then(|node| span_of(node, log));
    let mut price = |name| {
        let node = fields.take(name)?;
        Some((scalar::amount(digits(node, log)?, node.span, log)?, node.span))
    };
    let (floor, ceiling) = (price("floor"), price("ceiling"));
    let confidence = fields.take("confidence").and_then(|node| whole_part(node, log));
    let jump = fields.take("jump").and_then(|node| part_of(node, log));
    let quorum = fields.take("quorum").and_then(|node| count(node, 1, log));
    let jump_quorum = fields.take("jump_quorum").and_then(|node| count(node, quorum.unwrap_or(1), log));
    let top: Span = head(fields.span);
    fields.finish(log);
    if let (Some((low, _)), Some((high, at))) = (floor, ceiling)
        && low.scaled(18).ok() >= high.scaled(18).ok()
    {
        log.at(Code::Bounds, at, high.to_string(), format!("more than the floor {low}"));
    }
    if let (Some(quorum), None) = (quorum, jump_quorum) {
        let expected = "a `jump_quorum` beside a `quorum`";
        log.at(Code::MissingField, top, format!("a quorum of {quorum} alone"), expected);
    }
    let (floor, ceiling) = (floor.map(|(low, _)| low), ceiling.map(|(high, _)| high));
    let rule = FeedRule { feed: feed?, max_age, floor, ceiling, confidence, jump, quorum, jump_quorum };
    (log.count() == before).then_some(rule)
}

/// A value from zero up, in millionths.
fn value(node: &Node, log: &mut Log) -> Option<u128> {
    millionths(node, u128::MAX, "a value of at most six digits behind the point", log)
}

/// A part from 0 to 1, in millionths.
pub(crate) fn whole_part(node: &Node, log: &mut Log) -> Option<u64> {
    let part = millionths(node, 1_000_000, "a part from 0 to 1 of at most six digits", log)?;
    u64::try_from(part).ok()
}

/// A part from zero up, in millionths: what a jump is may be more than all.
pub(crate) fn part_of(node: &Node, log: &mut Log) -> Option<u64> {
    let most = u128::from(u32::MAX);
    let part = millionths(node, most, "a part such as 0.25, of at most six digits", log)?;
    u64::try_from(part).ok()
}

fn millionths(node: &Node, most: u128, expected: &str, log: &mut Log) -> Option<u128> {
    let words = digits(node, log)?;
    let number = scalar::amount(words, node.span, log)?;
    let scaled = number.scaled_amount(DIGITS).ok().and_then(|scaled| scaled.to_u128());
    let scaled = scaled.filter(|scaled| *scaled <= most);
    if scaled.is_none() {
        log.at(Code::OutOfRange, node.span, quoted(words), expected);
    }
    scaled
}

/// A whole number of 32 bits.
pub(crate) fn count(node: &Node, least: u32, log: &mut Log) -> Option<u32> {
    let count = scalar::between(node, least.into(), u32::MAX.into(), log)?;
    u32::try_from(count).ok()
}

/// A duration in nanoseconds, whole milliseconds or more: at most three hundred years.
pub(crate) fn span_of(node: &Node, log: &mut Log) -> Option<u64> {
    let words = digits(node, log)?;
    let thousandths =
        words.strip_suffix("ms").filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(count) = thousandths.and_then(|count| count.parse::<u32>().ok()) {
        return Some(u64::from(count) * 1_000_000);
    }
    let seconds = scalar::duration(words, node.span, log)?;
    let stamp = seconds.checked_mul(SECOND).filter(|_| seconds < 10_000_000_000);
    if stamp.is_none() {
        log.at(Code::OutOfRange, node.span, quoted(words), "a shorter time");
    }
    stamp
}
