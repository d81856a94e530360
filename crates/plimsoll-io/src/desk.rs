//! What people decide about an engine, as a file: `docs/engine.md` describes it.
//!
//! It is read against the book that the engine begins with, so that a market, a feed or an asset that is misspelt is told by its
//! line. Parts of one are millionths, times nanoseconds, values millionths of the currency.

mod parts;

pub use parts::{FeedRule, Limits, Margin, Policy};
pub(crate) use parts::{depth, feed, limits, margin, people, policy};

use crate::book::{File, files};
use crate::depth::head;
use crate::fault::{Code, Faults, Log, Span, nearest, quoted};
use crate::fields::{few, named, names, once};
use crate::tree::{Fields, Node, read_toml};
pub(crate) use parts::whole_part;
use parts::{count, part_of, span_of};
use plimsoll_core::{Book, Origin};

/// What flips within this time flips at once, where nothing is said (ns).
const FLIPS_WITHIN: u64 = 60_000_000_000;

/// All that a configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// Who is a person: two or more.
    pub people: Vec<String>,
    /// What values are counted in.
    pub currency: String,
    /// Markets that count in another currency, each with the price of that.
    pub worth: Vec<(String, String)>,
    /// The policies; each market has one for accounts without a group.
    pub policies: Vec<Policy>,
    /// Caps on actions.
    pub limits: Limits,
    /// So often may a strategy act on one account …
    pub repeats: u32,
    /// … within this time (ns).
    pub window: u64,
    /// How far a price may be from the feed (millionths).
    pub collar: u64,
    /// Accounts, and collateral, that may flip at once (millionths of all), and how many accounts always may.
    pub breaker: [u64; 3],
    /// How long feeds that came back must have been back (ns).
    pub grace: u64,
    /// What the market takes of an asset in 60 s (value).
    pub depths: Vec<(String, u128)>,
    /// Markets that are kept elsewhere.
    pub followed: Vec<String>,
    /// So long an account of such a market counts as seen (ns).
    pub sight: u64,
    /// So long answers are kept (ns).
    pub memory: u64,
    /// An intent that is out for longer is told to be late (ns).
    pub late: u64,
    /// What is taken for a feed where neither the book nor [`Desk::feeds`] says anything.
    pub usual: Usual,
    /// What is said of single feeds.
    pub feeds: Vec<FeedRule>,
    /// How far the clock may be off (ns).
    pub clock: Option<u64>,
    /// How far apart prices may be observed that somebody is liquidated on (ns).
    pub skew: Option<u64>,
    /// What flips within this time of each other flips at once (ns).
    pub flips_within: u64,
    /// Who may say prices; nobody named: anybody.
    pub sources: Vec<Voice>,
    /// The strategies that there are; none named: any.
    pub strategies: Vec<String>,
}

/// A source that may be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// Its name.
    pub source: String,
    /// What it fails together with.
    pub origin: String,
    /// Who may speak for it; nobody named: anybody.
    pub by: Vec<String>,
}

/// What is taken for a feed of which nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// How old what a source said may be (ns).
    pub max_age: u64,
    /// How unsure a source may be (millionths).
    pub confidence: u64,
    /// What a jump is (millionths).
    pub jump: u64,
    /// How many origins must speak.
    pub quorum: u32,
    /// How many must have jumped.
    pub jump_quorum: u32,
}

/// What was made of a configuration.
#[derive(Clone, Debug)]
pub struct Opened {
    /// It; `None` where anything of it is faulty.
    pub desk: Option<Desk>,
    /// Everything that is wrong.
    pub faults: Faults,
}

/// Reads a configuration for an engine that begins with a book.
#[must_use]
pub fn read(file: File, book: &Book) -> Opened {
    let mut log = Log::default();
    let sources = files::texts(vec![file], &mut log);
    let source = sources.first().filter(|source| !source.unread);
    let desk = source.and_then(|source| read_toml(source, 0, &mut log)).and_then(|node| {
        let mut fields = Fields::of(&node, &mut log)?;
        let desk = whole(&mut fields, book, &mut log);
        fields.finish(&mut log);
        desk
    });
    let faults = once(log.finish(&sources));
    Opened { desk: desk.filter(|_| faults.is_empty()), faults }
}

fn whole(fields: &mut Fields<'_>, book: &Book, log: &mut Log) -> Option<Desk> {
    let top = head(fields.span);
    let format = crate::fields::format(fields, log);
    let people = fields.need("people", log).and_then(|node| people(node, log));
    let currency = fields.need("currency", log).and_then(|node| named(node, log));
    let collar = fields.need("collar", log).and_then(|node| whole_part(node, log));
    let grace = fields.need("grace", log).and_then(|node| span_of(node, log));
    let sight = fields.take("sight");
    let memory = fields.need("memory", log).and_then(|node| span_of(node, log));
    let late = fields.need("late", log).and_then(|node| span_of(node, log));
    let limits = fields.need("limits", log).and_then(|node| limits(node, log));
    let throttle = fields.need("throttle", log).and_then(|node| {
        let mut fields = Fields::of(node, log)?;
        let repeats = fields.need("repeats", log).and_then(|node| count(node, 1, log));
        let window = fields.need("window", log).and_then(|node| span_of(node, log));
        fields.finish(log);
        Some((repeats?, window?))
    });
    let breaker = fields.need("breaker", log).and_then(|node| {
        let mut fields = Fields::of(node, log)?;
        let accounts = fields.need("accounts", log).and_then(|node| whole_part(node, log));
        let value = fields.need("value", log).and_then(|node| whole_part(node, log));
        let least = fields.need("least", log).and_then(|node| count(node, 0, log));
        let window = fields.take("window").map_or(Some(FLIPS_WITHIN), |node| span_of(node, log));
        fields.finish(log);
        Some(([accounts?, value?, least?.into()], window?))
    });
    let clock = fields.take("clock").map_or(Some(None), |node| span_of(node, log).map(Some));
    let skew = fields.take("skew").map_or(Some(None), |node| span_of(node, log).map(Some));
    let strategies = fields.take("strategies").map_or(Some(Vec::new()), |node| names(node, log));
    let sources = rows(fields.take("source"), log, |node, log| {
        let mut fields = Fields::of(node, log)?;
        let source = fields.need("source", log).and_then(|node| named(node, log));
        let origin = fields.take("origin").map_or(Some(None), |node| named(node, log).map(Some));
        let by = fields.take("by").map_or(Some(Vec::new()), |node| names(node, log));
        fields.finish(log);
        let source = source?;
        let origin = origin?.unwrap_or_else(|| source.clone());
        Some((source.clone(), Voice { source, origin, by: by? }))
    });
    let usual = fields.need("feeds", log).and_then(|node| usual(node, log));
    let policies = rows(fields.need("policy", log), log, |node, log| {
        policy(node, book, log).map(|policy| ((policy.market.clone(), policy.group.clone()), policy))
    });
    let depths = rows(fields.take("depth"), log, |node, log| {
        depth(node, book, log).map(|(asset, value)| (asset.clone(), (asset, value)))
    });
    let feeds = rows(fields.take("feed"), log, |node, log| {
        feed(node, book, log).map(|rule| (rule.feed.clone(), rule))
    });
    let worth = rows(fields.take("worth"), log, |node, log| {
        let mut fields = Fields::of(node, log)?;
        let market = fields.need("market", log).and_then(|node| known_market(node, book, log));
        let price = fields.need("price", log).and_then(|node| known_price(node, book, false, log));
        fields.finish(log);
        let (market, price) = (market?, price?);
        Some((market.clone(), (market, price)))
    });
    let followed: Option<Vec<String>> = fields.take("followed").map_or(Some(Vec::new()), |node| {
        few(node, log)?.iter().map(|node| known_market(node, book, log)).collect()
    });
    let sight = match (sight, &followed) {
        (Some(node), _) => span_of(node, log),
        (None, Some(followed)) if !followed.is_empty() => {
            let expected = "a field `sight`: how long an account of a followed market counts as seen";
            log.at(Code::MissingField, top, "nothing", expected);
            None
        }
        (None, _) => Some(0),
    };
    format?;
    let desk = Desk {
        people: people?,
        currency: currency?,
        worth: worth?,
        policies: policies?,
        limits: limits?,
        repeats: throttle?.0,
        window: throttle?.1,
        collar: collar?,
        breaker: breaker?.0,
        flips_within: breaker?.1,
        clock: clock?,
        skew: skew?,
        sources: sources?,
        strategies: strategies?,
        grace: grace?,
        depths: depths?,
        followed: followed?,
        sight: sight?,
        memory: memory?,
        late: late?,
        usual: usual?,
        feeds: feeds?,
    };
    fits(&desk, book, top, log).then_some(desk)
}

/// Whether every market of the book has what it needs.
fn fits(desk: &Desk, book: &Book, top: Span, log: &mut Log) -> bool {
    let before = log.count();
    for listed in &book.markets {
        let name = &listed.name;
        if !desk.policies.iter().any(|policy| policy.market == *name && policy.group.is_empty()) {
            let expected = format!("a [[policy]] of {} without a group", quoted(name));
            log.at(Code::MissingField, top, "none", expected);
        }
        let currency = listed.market.slots().first().map_or(&desk.currency, |slot| &slot.currency);
        if *currency != desk.currency && !desk.worth.iter().any(|(market, _)| market == name) {
            let found = format!("{}, which counts in {currency}", quoted(name));
            log.at(
                Code::Currency,
                top,
                found,
                format!("a [[worth]] that says what that is in {}", desk.currency),
            );
        }
    }
    log.count() == before
}

/// Rows of a list of tables, each under a name of its own.
fn rows<K: PartialEq, T>(
    node: Option<&Node>,
    log: &mut Log,
    mut read: impl FnMut(&Node, &mut Log) -> Option<(K, T)>,
) -> Option<Vec<T>> {
    let (mut keys, mut all, mut sound): (Vec<K>, Vec<T>, bool) = (Vec::new(), Vec::new(), true);
    let Some(node) = node else { return Some(all) };
    for node in few(node, log)? {
        match read(node, log) {
            Some((key, _)) if keys.contains(&key) => {
                log.at(Code::DuplicateName, head(node.span), "a second table for the same", "one");
                sound = false;
            }
            Some((key, row)) => {
                keys.push(key);
                all.push(row);
            }
            None => sound = false,
        }
    }
    sound.then_some(all)
}

fn usual(node: &Node, log: &mut Log) -> Option<Usual> {
    let mut fields = Fields::of(node, log)?;
    let max_age = fields.need("max_age", log).and_then(|node| span_of(node, log));
    let confidence = fields.need("confidence", log).and_then(|node| whole_part(node, log));
    let jump = fields.need("jump", log).and_then(|node| part_of(node, log));
    let quorum = fields.need("quorum", log).and_then(|node| count(node, 1, log));
    let jump_quorum = fields.need("jump_quorum", log);
    fields.finish(log);
    let quorum = quorum?;
    let jump_quorum = jump_quorum.and_then(|node| count(node, quorum, log));
    Some(Usual { max_age: max_age?, confidence: confidence?, jump: jump?, quorum, jump_quorum: jump_quorum? })
}

/// One of the names that there are.
pub(crate) fn known<'n>(
    node: &Node,
    code: Code,
    what: &str,
    names: impl Iterator<Item = &'n str>,
    log: &mut Log,
) -> Option<String> {
    let name = named(node, log)?;
    let names: Vec<&str> = names.collect();
    if names.contains(&name.as_str()) {
        return Some(name);
    }
    let fault = log.at(code, node.span, quoted(&name), what.to_string());
    if let Some(near) = nearest(&name, names) {
        fault.help(format!("did you mean `{near}`?"));
    }
    None
}

pub(crate) fn known_market(node: &Node, book: &Book, log: &mut Log) -> Option<String> {
    let names = book.markets.iter().map(|listed| listed.name.as_str());
    known(node, Code::UnknownMarket, "a market of the book", names, log)
}

/// A price of the book; of those only that are heard, where that is asked for.
pub(crate) fn known_price(node: &Node, book: &Book, heard: bool, log: &mut Log) -> Option<String> {
    let prices = book.graph.prices().iter();
    let fit = prices.filter(|price| !heard || matches!(price.origin, Origin::Feed(_)));
    let what = if heard { "a feed of the book" } else { "a price of the book" };
    known(node, Code::NoSuchPrice, what, fit.map(|price| price.name.as_str()), log)
}
