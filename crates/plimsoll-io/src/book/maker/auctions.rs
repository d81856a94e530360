//! Running auctions of a market, in the order of the contract's list.

use super::{Numbers, number, past};
use crate::book::head;
use crate::book::venue::Names;
use crate::book::write::{list, table, text as write_text};
use crate::fault::{Log, Span};
use crate::scalar;
use crate::tree::{self, Fields, Node, Value, text};
use plimsoll_core::{Int, Time, U256};
use plimsoll_venues::maker::{Auction, Revision};

/// An auction, and the accounts that it names: field, name, where.
pub(super) struct Drafted {
    pub(super) number: u64,
    pub(super) auction: Auction,
    pub(super) named: Vec<(&'static str, String, Span)>,
    pub(super) span: Span,
}

pub(super) fn read(node: &Node, revision: Revision, at: Time, log: &mut Log) -> Option<Vec<Drafted>> {
    let drafts = (0..).zip(tree::list(node, log)?);
    // All are read, so that everything that is wrong is told.
    let drafts: Vec<Option<Drafted>> = drafts.map(|(pos, node)| one(node, pos, revision, at, log)).collect();
    drafts.into_iter().collect()
}

fn one(node: &Node, pos: u64, revision: Revision, at: Time, log: &mut Log) -> Option<Drafted> {
    let mut fields = Fields::of(node, log)?;
    let number = fields.need("number", log).map(|node| (scalar::between(node, 1, u64::MAX, log), node.span));
    let usr = fields.need("usr", log).and_then(|node| Some(("usr", text(node, log)?.to_string(), node.span)));
    let mut whole = |name, log: &mut Log| {
        let node = fields.need(name, log)?;
        scalar::whole(node, 256, log)
    };
    let (tab, lot) = (whole("tab", log), whole("lot", log));
    let mut auction = Auction { pos, ..Auction::default() };
    let mut named = Vec::from_iter(usr);
    let whose = named.len();
    if revision == Revision::V2_0 {
        let top = whole("top", log);
        let tic = fields.need("tic", log).and_then(|node| past(node, at, log));
        fields.finish(log);
        (auction.top, auction.tic) = (top?, tic?);
    } else {
        // Before the first bid there is none, nobody, and no time.
        let bid = fields.take("bid").map_or(Some(U256::ZERO), |node| scalar::whole(node, 256, log));
        if let Some(node) = fields.take("guy") {
            named.push(("guy", text(node, log)?.to_string(), node.span));
        }
        let tic = fields.take("tic").map_or(Some(Time(0)), |node| head::time(node, log));
        let end = fields.need("end", log).and_then(|node| head::time(node, log));
        fields.finish(log);
        (auction.bid, auction.tic, auction.end) = (bid?, tic?.0, end?.0);
    }
    (auction.tab, auction.lot) = (tab?, lot?);
    let (number, span) = number?;
    if whose == 0 {
        return None;
    }
    Some(Drafted { number: number?, auction, named, span })
}

pub(super) fn write(running: &[(u64, Numbers)], revision: Revision, names: &Names<'_>) -> Option<Value> {
    let mut rows: Vec<&(u64, Numbers)> = running.iter().collect();
    rows.sort_by_key(|(_, row)| row.get("pos").copied());
    let mut auctions = Vec::new();
    for (number, row) in rows {
        auctions.push(table(write_one(*number, row, revision, names)?));
    }
    Some(list(auctions))
}

fn write_one(
    auction: u64,
    row: &Numbers,
    revision: Revision,
    names: &Names<'_>,
) -> Option<Vec<(&'static str, Value)>> {
    let account = |field: &str| {
        let id = row.get(field)?.to_u64()?;
        Some(write_text((names.account)(id)?))
    };
    let mut fields = vec![
        ("number", Value::Number(auction.to_string())),
        ("usr", account("usr")?),
        number(row, "tab")?,
        number(row, "lot")?,
    ];
    let is_zero = |name: &str| row.get(name).is_some_and(|value| value.is_zero());
    if revision == Revision::V2_0 {
        let bids = is_zero("bid") && is_zero("end") && row.get("guy") == Some(&Int::new(-1));
        fields.extend([number(row, "tic")?, number(row, "top")?]);
        return bids.then_some(fields);
    }
    fields.push(number(row, "bid")?);
    if row.get("guy") != Some(&Int::new(-1)) {
        fields.push(("guy", account("guy")?));
    }
    fields.extend([number(row, "tic")?, number(row, "end")?]);
    is_zero("top").then_some(fields)
}
