//! Commands to an engine as JSON lines: `docs/engine.md` describes them.
//!
//! Money is never a number of JSON: programs round those. Names of markets, feeds and accounts are looked up, so that one that is misspelt
//! is told by its place and never reaches the engine.

mod command;
mod propose;

use crate::fault::{Code, Faults, Log, Source, Span};
use crate::tree::{Fields, Node, Value, read_json, text};
use plimsoll_core::{Book, Decimal, ListedAccount};

pub use propose::Proposed;

/// A line longer than this (bytes) is refused.
pub const LINE_MAX: usize = 4 << 20;

/// One command as it was said.
pub struct Line {
    /// The client's own id.
    pub id: String,
    /// Who asks.
    pub by: String,
    /// The key or session that he came by; empty for none.
    pub key: String,
    /// When, where it was said (ns).
    pub at: Option<u64>,
    /// What.
    pub said: Said,
}

/// What is asked.
pub enum Said {
    /// Time passes.
    Tick,
    /// A source says a price.
    Quote {
        /// Of which feed.
        feed: String,
        /// The source.
        source: String,
        /// What it fails together with.
        origin: String,
        /// The price.
        price: Decimal,
        /// How unsure the source is, where it says so.
        unsure: Option<Decimal>,
        /// When it was observed (ns); the line's time where it is not said.
        observed: Option<u64>,
    },
    /// Accounts are so.
    Positions {
        /// The market's place.
        market: usize,
        /// With what they hold.
        accounts: Vec<ListedAccount>,
        /// Accounts that hold nothing any more.
        gone: Vec<String>,
        /// Their group, where it is said.
        group: Option<String>,
    },
    /// Numbers of a market are so: each as `--set` has it.
    Cells(Vec<String>),
    /// Owners act.
    Act {
        /// The market's place.
        market: usize,
        /// In order.
        steps: Vec<Step>,
    },
    /// Somebody wants to act on an account that is liquidatable.
    Intend {
        /// The market's place.
        market: usize,
        /// On whom.
        account: String,
        /// By which rule.
        strategy: String,
        /// The price that it would be done at.
        price: Option<Decimal>,
        /// What.
        force: Force,
    },
    /// An intent was sent.
    Send {
        /// Which.
        intent: u64,
        /// Its number there.
        external: String,
    },
    /// What became of an intent.
    Resolve {
        /// Which.
        intent: u64,
        /// Why it was abandoned; `None` where it was carried out.
        abandoned: Option<String>,
    },
    /// A feed is not to be believed.
    Impair {
        /// Which.
        feed: String,
        /// Why.
        reason: String,
    },
    /// It is again.
    Trust(String),
    /// What it says now is right.
    Confirm(String),
    /// Stop.
    Kill {
        /// What.
        scope: Scope,
        /// Why.
        reason: String,
    },
    /// Go on.
    Release(Release),
    /// Somebody would change something.
    Propose(Proposed),
    /// Another one agrees.
    Approve(u64),
    /// Or does not.
    Reject(u64),
    /// An alert arrived, or did not.
    Delivered {
        /// Which.
        alert: u64,
        /// Where to, or why not.
        to: Result<String, String>,
    },
    /// The clock was compared with a better one.
    Clock {
        /// How far it is ahead (ns).
        offset: i64,
        /// With what.
        source: String,
    },
}

/// One action of an owner: a word of `whatif` with what stands behind it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Who acts; the account itself where nobody is named.
    pub actor: String,
    /// On whose account.
    pub account: String,
    /// The word, such as `deposit`.
    pub what: &'static str,
    /// What stands behind it, such as `1.5 SOL`.
    pub words: String,
}

/// How an account is forced, as it was said.
#[derive(Clone, Debug)]
pub enum Force {
    /// `300 SOL-PERP`.
    Reduce(String),
    /// `1000 USDC`, and what is seized for it.
    Repay(String, String),
    /// The venue takes it over.
    Absorb,
    /// It is put up for auction.
    Bark,
    /// It is offset against the stability pool.
    Offset,
}

/// What a kill switch stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// A market.
    Market(String),
    /// A strategy.
    Strategy(String),
    /// An account.
    Account(String),
    /// An asset.
    Asset(String),
}

/// What is let go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// What a kill switch stopped.
    Kill(Scope),
    /// The breaker.
    Breaker,
    /// A strategy that repeated itself.
    Strategy(String),
}

/// What the reader is told of the engine as it stands.
pub struct Known<'k> {
    /// Its book.
    pub book: &'k Book,
    /// Whose an account of a market (its place) is, where there is such an account.
    pub owner: &'k dyn Fn(usize, &str) -> Option<String>,
}

/// Reads the line of a number in a file of some name.
///
/// # Errors
/// Everything that is wrong with it, and its id where that can be read all the same.
pub fn read(
    name: &str,
    number: u32,
    line: &str,
    known: &Known<'_>,
) -> Result<Line, (Option<String>, Faults)> {
    let source = Source::new(name, line);
    let mut log = Log::default();
    let node = if line.len() > LINE_MAX {
        log.file(Code::TooLarge, name, format!("{} bytes", line.len()), format!("at most {LINE_MAX}"));
        None
    } else {
        read_json(&source, 0, &mut log)
    };
    let id = node.as_ref().and_then(id_of);
    let line = node.and_then(|node| {
        bare(&node, "", &mut log);
        let fields = Fields::of(&node, &mut log)?;
        command::read(fields, known, &mut log)
    });
    let mut faults = crate::fields::once(log.finish(&[source]));
    for place in faults.list.iter_mut().filter_map(|fault| fault.place.as_mut()) {
        place.line = number;
    }
    line.filter(|_| faults.is_empty()).ok_or((id, faults))
}

/// The id of a line of which something else is wrong.
fn id_of(node: &Node) -> Option<String> {
    let Value::Table(entries) = &node.value else { return None };
    let mut ids = entries.iter().filter(|entry| entry.key == "id");
    match (ids.next().map(|entry| &entry.value.value), ids.next()) {
        (Some(Value::Text(id)), None) => Some(id.clone()),
        _ => None,
    }
}

/// What may be a number of JSON: what counts things or is a time.
const COUNTS: [&str; 10] =
    ["at", "observed", "intent", "proposal", "alert", "actions", "quorum", "jump_quorum", "least", "repeats"];

/// Tells every bare number that would be money or a part.
fn bare(node: &Node, key: &str, log: &mut Log) {
    match &node.value {
        Value::Number(_) if !COUNTS.contains(&key) => {
            log.at(Code::WrongKind, node.span, "a number", "a text in quotation marks")
                .help("amounts and prices are written as texts, because programs round bare numbers");
        }
        Value::List(nodes) => nodes.iter().for_each(|node| bare(node, key, log)),
        Value::Table(entries) => entries.iter().for_each(|entry| bare(&entry.value, &entry.key, log)),
        _ => {}
    }
}

/// A text of one line that people read; anything but empty.
fn words(node: &Node, log: &mut Log) -> Option<String> {
    let words = crate::fields::line(node, log)?;
    if words.trim().is_empty() {
        log.at(Code::OutOfRange, node.span, "nothing", "some words");
        return None;
    }
    Some(words.to_string())
}

/// A time in nanoseconds.
fn stamp(node: &Node, log: &mut Log) -> Option<u64> {
    let found = match &node.value {
        Value::Number(digits) => digits,
        _ => text(node, log)?,
    };
    let stamp = crate::time::parse_stamp(found);
    if stamp.is_none() {
        let expected = "a time such as 2026-06-01T12:00:00.5Z, or nanoseconds since 1970";
        log.at(Code::NotATime, node.span, crate::fault::quoted(found), expected);
    }
    stamp
}

/// The first character of what is pointed at as a whole.
fn head(span: Span) -> Span {
    Span { end: span.end.min(span.start + 1), ..span }
}
