//! What is proposed: one part of a configuration, in the words of its file, or rules of a market.

use super::command::sets;
use crate::desk::{self, FeedRule, Limits, Margin, Policy, whole_part};
use crate::fault::Log;
use crate::fields::one;
use crate::tree::Fields;
use plimsoll_core::Book;

/// A change that two people agree on.
#[derive(Clone, Debug)]
pub enum Proposed {
    /// Rules of a market: each as `--set` has it.
    Rules(Vec<String>),
    /// When a feed is believed.
    Feed(FeedRule),
    /// A policy.
    Policy(Policy),
    /// Caps on actions.
    Limits(Limits),
    /// What the market takes of an asset in 60 s.
    Depth(String, u128),
    /// How far a price may be from the feed (millionths).
    Collar(u64),
    /// Who is a person.
    People(Vec<String>),
    /// What calls are made at, by a margin.
    Margin(Margin),
}

pub(super) fn propose(fields: &mut Fields<'_>, book: &Book, log: &mut Log) -> Option<Proposed> {
    let parts = ["rules", "feed", "policy", "limits", "depth", "collar", "people", "margin"];
    let (what, node) = one(fields, parts, log)?;
    Some(match what {
        "rules" => Proposed::Rules(sets(node, log)?),
        "feed" => Proposed::Feed(desk::feed(node, book, log)?),
        "policy" => Proposed::Policy(desk::policy(node, book, log)?),
        "limits" => Proposed::Limits(desk::limits(node, log)?),
        "depth" => desk::depth(node, book, log).map(|(asset, value)| Proposed::Depth(asset, value))?,
        "collar" => Proposed::Collar(whole_part(node, log)?),
        "margin" => Proposed::Margin(desk::margin(node, book, log)?),
        _ => Proposed::People(desk::people(node, log)?),
    })
}
