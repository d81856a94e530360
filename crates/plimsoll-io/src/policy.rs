//! Policies of keeping accounts safe, as files: `docs/policy.md` describes them.
//!
//! A policy is read against the book that it is for, so that a price that is misspelt is told by its line.

use crate::book::{File, files};
use crate::fault::{Code, Faults, Log, nearest, quoted};
use crate::fields::{few, named, once, part};
use crate::scalar;
use crate::tree::{Fields, Node, digits, read_toml, text};
use plimsoll_core::{Book, Decimal, Int};

/// When somebody acts, with what, and within which limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// At this health and below somebody acts, …
    pub trigger_below: Decimal,
    /// … up to this.
    pub restore_to: Decimal,
    /// Above this health somebody borrows, …
    pub trigger_above: Option<Decimal>,
    /// … down to this.
    pub target: Option<Decimal>,
    /// At these prices and below somebody acts as well.
    pub prices: Vec<(String, Decimal)>,
    /// Where money comes from, in this order.
    pub sources: Vec<Source>,
    /// From the trigger to the action \[s\].
    pub delay: u64,
    /// No action within so long of the one before \[s\].
    pub cool_down: u64,
    /// What a call costs, in the market's currency.
    pub gas: Decimal,
    /// The series of history that the cost of a call moves with.
    pub gas_series: Option<String>,
    /// No call that costs more.
    pub gas_cap: Option<Decimal>,
    /// No action of more value.
    pub size_cap: Option<Decimal>,
    /// Who is not brought up to this is left alone.
    pub leave_below: Option<Decimal>,
    /// What money out of the wallet costs a year, as a share.
    pub carry: Decimal,
    /// What a liquidation takes of what it repays, as a share.
    pub penalty: Decimal,
    /// The part of the debt that a liquidation repays.
    pub close: Decimal,
}

/// Where money comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A wallet with so much for each account, in its market's currency.
    Wallet(Decimal),
    /// Collateral, sold at a loss of this share.
    Collateral(Decimal),
}

/// What was made of a policy's file.
#[derive(Clone, Debug)]
pub struct Opened {
    /// It; `None` where anything of it is faulty.
    pub policy: Option<Policy>,
    /// Everything that is wrong.
    pub faults: Faults,
}

/// Reads a policy for the accounts of a book.
#[must_use]
pub fn read(file: File, book: &Book) -> Opened {
    let mut log = Log::default();
    let sources = files::texts(vec![file], &mut log);
    let source = sources.first().filter(|source| !source.unread);
    let policy = source.and_then(|source| read_toml(source, 0, &mut log)).and_then(|node| {
        let mut fields = Fields::of(&node, &mut log)?;
        let policy = whole(&mut fields, book, &mut log);
        fields.finish(&mut log);
        policy
    });
    let faults = once(log.finish(&sources));
    Opened { policy: policy.filter(|_| faults.is_empty()), faults }
}

fn whole(fields: &mut Fields<'_>, book: &Book, log: &mut Log) -> Option<Policy> {
    let format = crate::fields::format(fields, log);
    let name = fields.need("name", log).and_then(|node| named(node, log));
    let below = fields.need("trigger_below", log).and_then(|node| level(node, log));
    let restore_node = fields.need("restore_to", log);
    let restore = restore_node.and_then(|node| level(node, log));
    let above_node = fields.take("trigger_above");
    let target_node = fields.take("target");
    if above_node.is_some() != target_node.is_some() {
        let (said, missing) =
            if above_node.is_some() { ("trigger_above", "target") } else { ("target", "trigger_above") };
        let node = above_node.or(target_node)?;
        log.at(
            Code::MissingField,
            node.span,
            format!("`{said}` alone"),
            format!("a field `{missing}` beside it"),
        );
    }
    let above = above_node.map_or(Some(None), |node| level(node, log).map(Some));
    let target = target_node.map_or(Some(None), |node| level(node, log).map(Some));
    if let (Some(low), Some(high), Some(node)) = (below, restore, restore_node)
        && !is_less(low, high)
    {
        log.at(Code::OutOfRange, node.span, high.to_string(), format!("more than trigger_below, {low}"));
    }
    if let (Some(low), Some(Some(high)), Some(node)) = (target.flatten(), above, target_node)
        && !is_less(low, high)
    {
        log.at(Code::OutOfRange, node.span, low.to_string(), format!("less than trigger_above, {high}"));
    }
    if let (Some(low), Some(Some(high)), Some(node)) = (below, target, target_node)
        && !is_less(low, high)
    {
        log.at(Code::OutOfRange, node.span, high.to_string(), format!("more than trigger_below, {low}"));
    }
    let delay = fields.need("delay", log).and_then(|node| time(node, log));
    let cool_down = fields.take("cool_down").map_or(Some(0), |node| time(node, log));
    let gas = fields.need("gas", log).and_then(|node| sum(node, log));
    let gas_series = fields.take("gas_series").map_or(Some(None), |node| named(node, log).map(Some));
    let gas_cap = fields.take("gas_cap").map_or(Some(None), |node| sum(node, log).map(Some));
    let size_cap = fields.take("size_cap").map_or(Some(None), |node| sum(node, log).map(Some));
    let leave_below = fields.take("leave_below").map_or(Some(None), |node| level(node, log).map(Some));
    let prices = fields
        .take("price")
        .map_or(Some(Vec::new()), |node| few(node, log)?.iter().map(|node| price(node, book, log)).collect());
    let sources = fields.need("source", log).and_then(|node| {
        let found = few(node, log)?;
        if found.is_empty() {
            log.at(Code::OutOfRange, node.span, "no source", "one or more");
        }
        found.iter().map(|node| source(node, log)).collect::<Option<Vec<Source>>>()
    });
    let costs = fields.need("costs", log).and_then(|node| {
        let mut fields = Fields::of(node, log)?;
        let carry = fields.need("carry", log).and_then(|node| part(node, log));
        let penalty = fields.need("penalty", log).and_then(|node| part(node, log));
        let close = fields.need("close", log).and_then(|node| part(node, log));
        fields.finish(log);
        Some((carry?, penalty?, close?))
    });
    format?;
    let (carry, penalty, close) = costs?;
    Some(Policy {
        name: name?,
        trigger_below: below?,
        restore_to: restore?,
        trigger_above: above?,
        target: target?,
        prices: prices?,
        sources: sources?,
        delay: delay?,
        cool_down: cool_down?,
        gas: gas?,
        gas_series: gas_series?,
        gas_cap: gas_cap?,
        size_cap: size_cap?,
        leave_below: leave_below?,
        carry,
        penalty,
        close,
    })
}

fn is_less(low: Decimal, high: Decimal) -> bool {
    let decimals = low.decimals.max(high.decimals);
    matches!((low.scaled(decimals), high.scaled(decimals)), (Ok(low), Ok(high)) if low < high)
}

/// A health from 1 up.
fn level(node: &Node, log: &mut Log) -> Option<Decimal> {
    let found = scalar::amount(digits(node, log)?, node.span, log)?;
    if is_less(found, Decimal::whole(Int::ONE)) {
        log.at(Code::OutOfRange, node.span, found.to_string(), "a health from 1 up: 1 is the line");
        return None;
    }
    Some(found)
}

fn sum(node: &Node, log: &mut Log) -> Option<Decimal> {
    scalar::amount(digits(node, log)?, node.span, log)
}

fn time(node: &Node, log: &mut Log) -> Option<u64> {
    scalar::duration(digits(node, log)?, node.span, log)
}

fn price(node: &Node, book: &Book, log: &mut Log) -> Option<(String, Decimal)> {
    let mut fields = Fields::of(node, log)?;
    let of = fields.need("of", log).and_then(|node| {
        let name = named(node, log)?;
        if book.graph.find(&name).is_none() {
            let known: Vec<&str> = book.graph.prices().iter().map(|price| price.name.as_str()).collect();
            let fault = log.at(Code::UnknownWord, node.span, quoted(&name), "a price of the book");
            if let Some(near) = nearest(&name, known) {
                fault.help(format!("did you mean `{near}`?"));
            }
            return None;
        }
        Some(name)
    });
    let below = fields.need("below", log).and_then(|node| sum(node, log));
    fields.finish(log);
    Some((of?, below?))
}

fn source(node: &Node, log: &mut Log) -> Option<Source> {
    let mut fields = Fields::of(node, log)?;
    let from = fields.need("from", log);
    let found = match from.and_then(|node| text(node, log)) {
        Some("wallet") => fields.need("amount", log).and_then(|node| sum(node, log)).map(Source::Wallet),
        Some("collateral") => {
            fields.need("loses", log).and_then(|node| part(node, log)).map(Source::Collateral)
        }
        Some(other) => {
            log.at(Code::UnknownWord, from?.span, quoted(other), "wallet, or collateral");
            None
        }
        None => None,
    };
    // What belongs to a source that is none is not told as well.
    if found.is_some() {
        fields.finish(log);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::FileBytes;
    use plimsoll_core::{Graph, Time};

    const SOUND: &str = "format = 1\nname = \"keep\"\ntrigger_below = \"1.2\"\nrestore_to = \"1.5\"\ndelay = \"1h\"\n\
        gas = \"12\"\n[[source]]\nfrom = \"wallet\"\namount = \"5000\"\n[costs]\ncarry = \"0.05\"\npenalty = \"0.05\"\nclose = \"0.5\"\n";

    fn opened(text: &str) -> Opened {
        let book = Book {
            name: "none".into(),
            at: Time(0),
            graph: Graph::default(),
            markets: Vec::new(),
            accounts: Vec::new(),
        };
        read(File { name: "policy.toml".into(), bytes: FileBytes::Read(text.as_bytes().to_vec()) }, &book)
    }

    #[track_caller]
    fn told(text: &str, expected: &[&str]) {
        let opened = opened(text);
        assert!(opened.policy.is_none(), "it was taken: {text}");
        let told = opened.faults.render(false);
        for words in expected {
            assert!(told.contains(words), "no `{words}` in: {told}");
        }
    }

    #[test]
    fn a_policy_is_read() {
        let opened = opened(SOUND);
        assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
        let policy = opened.policy.expect("a policy");
        assert_eq!((policy.delay, policy.cool_down, policy.prices.len()), (3600, 0, 0));
        assert_eq!(policy.sources, [Source::Wallet("5000".parse().expect("a decimal"))]);
    }

    #[test]
    fn what_is_wrong_with_a_policy_is_told_where_it_stands() {
        told(&SOUND.replace("restore_to", "restore_too"), &["policy.toml:4:1", "did you mean `restore_to`?"]);
        told(&SOUND.replace("\"1.5\"", "\"1.1\""), &["policy.toml:4:14", "more than trigger_below, 1.2"]);
        told(&SOUND.replace("\"1.2\"", "\"0.9\""), &["policy.toml:3:17", "a health from 1 up"]);
        told(&SOUND.replace("delay", "trigger_above = \"3\"\ndelay"), &["`target` beside it"]);
        told(&SOUND.replace("\"wallet\"", "\"purse\""), &["policy.toml:8:8", "wallet, or collateral"]);
        told(&SOUND.replace("\"0.5\"", "\"5\""), &["policy.toml:13:9"]);
        let price = "[[price]]\nof = \"ETH/USD\"\nbelow = \"1500\"\n";
        told(&SOUND.replace("[costs]", &format!("{price}[costs]")), &["a price of the book"]);
    }
}
