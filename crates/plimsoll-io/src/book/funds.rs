//! What stands behind accounts that are worth less than nothing: funds, and who is next. `docs/book-format.md` describes the file.

use crate::book::margin::number;
use crate::book::{File, FileBytes};
use crate::fault::{Code, Faults, Log, Source, nearest, quoted};
use crate::fields::{few, names};
use crate::scalar;
use crate::tree::{Fields, Node, read_toml, text};
use plimsoll_core::{Book, InstrumentId, ListedMarket};
use plimsoll_margin::ruin::{DIGITS, Fund, Last, Rules};

const LASTS: &[(&str, Last)] = &[("deleverage", Last::Deleverage), ("socialise", Last::Socialise)];

/// What was made of a file of funds.
pub struct OpenedFunds {
    /// The rules, if the file is sound.
    pub rules: Option<Rules>,
    /// What is not sound.
    pub faults: Faults,
}

/// Reads what stands behind the accounts of a book.
#[must_use]
pub fn read_funds(file: File, book: &Book) -> OpenedFunds {
    let mut log = Log::default();
    let words = match file.bytes {
        FileBytes::Read(bytes) => String::from_utf8(bytes)
            .map_err(|_| (Code::NotUtf8, "other bytes".to_string(), "UTF-8 text".to_string())),
        FileBytes::TooLarge(size, most) => {
            Err((Code::TooLarge, format!("{size} bytes"), format!("at most {most}")))
        }
        FileBytes::Failed(why) => Err((Code::Unreadable, why, "a file that can be read".to_string())),
    };
    let words = match words {
        Ok(words) => words,
        Err((code, found, expected)) => {
            log.file(code, &file.name, found, expected);
            return OpenedFunds { rules: None, faults: log.finish(&[]) };
        }
    };
    let source = Source::new(file.name, words.strip_prefix('\u{feff}').unwrap_or(&words));
    let rules = read_toml(&source, 0, &mut log).and_then(|node| {
        let mut fields = Fields::of(&node, &mut log)?;
        let rules = rules(&mut fields, book, &mut log);
        fields.finish(&mut log);
        rules
    });
    let faults = log.finish(&[source]);
    OpenedFunds { rules: rules.filter(|_| faults.is_empty()), faults }
}

fn rules(fields: &mut Fields<'_>, book: &Book, log: &mut Log) -> Option<Rules> {
    crate::fields::format(fields, log)?;
    let mut rules = Rules::default();
    for node in fields.take("fund").and_then(|node| few(node, log)).unwrap_or(&[]) {
        rules.funds.extend(fund(node, book, log));
    }
    for node in fields.take("last").and_then(|node| few(node, log)).unwrap_or(&[]) {
        let Some(mut fields) = Fields::of(node, log) else { continue };
        let found = market(&mut fields, book, log);
        let by =
            fields.need("by", log).and_then(|node| scalar::word(text(node, log)?, node.span, LASTS, log));
        fields.finish(log);
        if let Some((listed, by)) = found.zip(by) {
            if rules.last.iter().any(|(name, _)| *name == listed.name) {
                log.at(Code::DuplicateName, node.span, quoted(&listed.name), "each market once");
            }
            rules.last.push((listed.name.clone(), by));
        }
    }
    Some(rules)
}

fn fund(node: &Node, book: &Book, log: &mut Log) -> Option<Fund> {
    let mut fields = Fields::of(node, log)?;
    let listed = market(&mut fields, book, log);
    let amount = fields.need("amount", log).and_then(|node| {
        let raw = number(node, DIGITS, log)?.to_u128();
        if raw.is_none() {
            log.at(Code::OutOfRange, node.span, "a larger amount", "less than 3 x 10^20 of the currency");
        }
        raw
    });
    let contracts = match fields.take("contracts") {
        None => Some(Vec::new()),
        Some(node) => names(node, log).and_then(|all| {
            let listed = listed?;
            let derivatives = derivatives(listed);
            let unknown = all.iter().find(|name| !derivatives.contains(&name.as_str()));
            if let Some(unknown) = unknown {
                let fault =
                    log.at(Code::UnknownAsset, node.span, quoted(unknown), "a contract of the market");
                if let Some(near) = nearest(unknown, derivatives) {
                    fault.help(format!("did you mean `{near}`?"));
                }
                return None;
            }
            Some(all)
        }),
    };
    fields.finish(log);
    Some(Fund { market: listed?.name.clone(), contracts: contracts?, amount: amount? })
}

fn derivatives(listed: &ListedMarket) -> Vec<&str> {
    let market = &listed.market;
    let all = (0..).map(InstrumentId).zip(market.instruments());
    all.filter(|(id, _)| market.traded(*id).is_some()).map(|(_, spec)| spec.name.as_str()).collect()
}

/// A market of the book that has contracts.
fn market<'b>(fields: &mut Fields<'_>, book: &'b Book, log: &mut Log) -> Option<&'b ListedMarket> {
    let node = fields.need("market", log)?;
    let word = text(node, log)?;
    let known = || book.markets.iter().filter(|listed| !derivatives(listed).is_empty());
    let found = known().find(|listed| listed.name == word);
    if found.is_none() {
        let fault =
            log.at(Code::UnknownMarket, node.span, quoted(word), "a market of the book with contracts");
        if let Some(near) = nearest(word, known().map(|listed| listed.name.as_str())) {
            fault.help(format!("did you mean `{near}`?"));
        }
    }
    found
}
