//! What changed of the markets themselves: rules, revisions, and which feed they read.

use super::amounts::{SumChange, Untold};
use super::worlds::Side;
use crate::ask::numbers;
use crate::check::MarketInfo;
use plimsoll_core::{Int, Nature, Unit};
use std::collections::BTreeMap;

/// A market of either book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketChange {
    /// Its name.
    pub name: String,
    /// As it was, where the older book has it.
    pub before: Option<MarketInfo>,
    /// As it is, where the newer one has it.
    pub after: Option<MarketInfo>,
    /// The other book has a market of this name, but of another venue or currency: it is another one.
    pub replaced: bool,
    /// Numbers that somebody decided, and decided anew. Another revision is seen from `before` and `after`.
    pub rules: Vec<RuleChange>,
    /// What it reads from another feed than before.
    pub rewired: Vec<Rewired>,
    /// Assets that it reads no feed for.
    pub unwired: Vec<String>,
    /// Why a change cannot be split in it.
    pub untold: Option<Untold>,
    /// Sums over its accounts.
    pub sum: SumChange,
}

/// A rule that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleChange {
    /// Where it stands: `MARKET/OBJECT/NUMBER`.
    pub number: String,
    /// What it counts.
    pub unit: Unit,
    /// What it was; `None` where there was none.
    pub from: Option<Int>,
    /// What it is.
    pub to: Option<Int>,
}

/// A price that is read from another feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewired {
    /// What is priced.
    pub asset: String,
    /// The name of the price before, where one was named.
    pub from: Option<String>,
    /// And after.
    pub to: Option<String>,
}

/// A number, and whether it packs others that are told by their own names.
#[derive(Clone, Copy)]
struct Rule {
    value: Int,
    unit: Unit,
    packs: bool,
}

fn rules_of(side: Side<'_>) -> BTreeMap<String, Rule> {
    let listed = side.listed();
    let all = numbers(listed).into_iter();
    let rules = all.filter(|named| listed.market.nature(named.number.cell) == Nature::Rule);
    let rule = |named: &crate::ask::Named| Rule {
        value: named.number.value(),
        unit: named.number.unit,
        packs: named.number.part.is_none() && !listed.market.parts(named.number.cell).is_empty(),
    };
    rules.map(|named| (named.path(&listed.name), rule(&named))).collect()
}

/// Rules that differ, by their paths.
pub(super) fn rules(older: Side<'_>, newer: Side<'_>) -> Vec<RuleChange> {
    let (before, after) = (rules_of(older), rules_of(newer));
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    let change = |path: &String| {
        let [from, to] = [before.get(path), after.get(path)];
        let rule = from.or(to)?;
        let same = from.map(|rule| rule.value) == to.map(|rule| rule.value);
        let [from, to] = [from, to].map(|rule| rule.map(|rule| rule.value));
        let change = RuleChange { number: path.clone(), unit: rule.unit, from, to };
        (!same).then_some((change, rule.packs))
    };
    let changes: Vec<(RuleChange, bool)> = paths.into_iter().filter_map(change).collect();
    // A packed word says nothing that its numbers do not, where they say anything.
    let object = |path: &str| path.rsplit_once('/').map(|(object, _)| object.to_string());
    let said = |word: &RuleChange| {
        let mut others = changes.iter().filter(|(_, packs)| !packs);
        others.any(|(other, _)| object(&other.number) == object(&word.number))
    };
    changes
        .iter()
        .filter(|(change, packs)| !packs || !said(change))
        .map(|(change, _)| change.clone())
        .collect()
}

/// Prices that are read from another feed.
pub(super) fn rewired(older: Side<'_>, newer: Side<'_>) -> Vec<Rewired> {
    let slots = newer.market().slots().iter().enumerate();
    let change = |(slot, spec): (usize, &plimsoll_core::PriceSlot)| {
        let before = older.market().slots().iter().position(|one| one.asset == spec.asset)?;
        let [from, to] = [older.feed(before), newer.feed(slot)];
        let [from_name, to_name] = [from, to].map(|name| name.map(String::from));
        (from != to).then(|| Rewired { asset: spec.asset.clone(), from: from_name, to: to_name })
    };
    slots.filter_map(change).collect()
}

/// Assets that a market reads no feed for.
pub(super) fn unwired(side: Side<'_>) -> Vec<String> {
    let slots = side.market().slots().iter().enumerate();
    let unwired = slots.filter(|(slot, _)| side.feed(*slot).is_none());
    unwired.map(|(_, spec)| spec.asset.clone()).collect()
}
