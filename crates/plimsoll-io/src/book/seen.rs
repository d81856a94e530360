//! Rows of positions that come after the book: the same rows, for a market as it stands by then.

use crate::book::positions::{self, Place, Positions};
use crate::book::rows;
use crate::book::venue::Setting;
use crate::book::write::{own_fields, table};
use crate::fault::{Code, Log, Span};
use crate::tree::{Entry, Fields, Node, Value};
use plimsoll_core::{Book, ListedAccount};

/// The accounts that rows are of, in a market of a book. A row may leave its market out. `None` where anything of them is faulty:
/// a part of what was seen is not what was seen. An account whose rows
/// say no owner keeps the one that it has.
pub(crate) fn seen(
    book: &Book,
    market: usize,
    list: &Node,
    owner: &dyn Fn(&str) -> Option<String>,
    log: &mut Log,
) -> Option<Vec<ListedAccount>> {
    let before = log.count();
    let listed = &book.markets[market];
    let unsayable = |log: &mut Log, why: String| {
        let expected = "a market whose positions can be said in rows";
        log.at(Code::MarketRefused, list.span, why, expected);
    };
    let fields = own_fields(listed, book).map_err(|error| unsayable(log, error.to_string())).ok();
    let (venue, own) = fields?;
    let revision = venue.revisions.iter().position(|revision| *revision == listed.market.venue().1)?;
    let node = Node { span: list.span, value: table(own) };
    let decoded = (venue.read)(&mut Fields::of(&node, log)?, &Setting { at: book.at, revision }, log)?;
    let desk = decoded.desk;
    if desk.needs_accounts() {
        unsayable(log, format!("{}, whose accounts stand in an order", listed.name));
        return None;
    }
    let named = with_market(crate::tree::list(list, log)?, &listed.name);
    let places = vec![Place { name: listed.name.clone(), span: list.span, desk: Some(desk) }];
    let mut read = Positions::new(&places);
    let mut owned = Vec::new();
    rows::of_list(&named, positions::COLUMNS, log, |record, sound, log| {
        if let (Some(account), Some(_)) = (record.get(positions::ACCOUNT), record.get(positions::OWNER)) {
            owned.push(account.text.to_string());
        }
        read.read(record, sound, &places, log);
    });
    read.settle(&places, log);
    if log.count() != before {
        return None;
    }
    // What all hold together is not asked: these are facts about some of them.
    let mut accounts = read.sound();
    for account in &mut accounts {
        account.market = market;
        if !owned.contains(&account.name)
            && let Some(owner) = owner(&account.name)
        {
            account.owner = owner;
        }
    }
    Some(accounts)
}

/// Rows that say their market, where they did not.
fn with_market(rows: &[Node], market: &str) -> Vec<Node> {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        let span = Span { end: row.span.end.min(row.span.start + 1), ..row.span };
        if let Value::Table(entries) = &mut row.value
            && !entries.iter().any(|entry| entry.key == "market")
        {
            let value = Node { span, value: Value::Text(market.into()) };
            entries.push(Entry { key: "market".into(), key_span: span, again: false, value });
        }
    }
    rows
}
