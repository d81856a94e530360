//! `plimsoll brief --report`: the same answer as a page.

use super::Told;
use super::sections::{feed_words, foot, heading, sections};
use crate::report::{Card, Kind, Page, Table, save};
use crate::show;
use plimsoll::{Standstill, Tier};
use plimsoll_core::Int;
use std::path::Path;

/// Writes the page; the exit code where it cannot be.
pub(super) fn write(path: &Path, told: &Told<'_>) -> Result<(), u8> {
    let mut page = Page::new("Brief", &heading(told));
    cards(&mut page, told);
    for section in sections(told) {
        page.section(&section.title, &section.lead);
        if !section.rows.is_empty() {
            let mut table = Table::new("", &section.columns);
            section.rows.into_iter().for_each(|row| table.row(row));
            page.table(&table);
        }
        page.list(&section.lines);
    }
    let mut foot = foot(told);
    foot.extend(told.answer.identities.iter().map(|identity| format!("hash {}", identity.hash)));
    save(path, &page.finish(&foot))
}

/// What is looked at first.
fn cards(page: &mut Page, told: &Told<'_>) {
    let answer = told.answer;
    let tier = |end: usize, tier: Tier| answer.tiers[end].get(&tier).copied().unwrap_or(0);
    let count = |which: Tier| {
        let [before, after] = [tier(0, which), tier(1, which)];
        if before == after { after.to_string() } else { format!("{before} → {after}") }
    };
    let mut cards = vec![
        Card::new("liquidatable", count(Tier::Liquidatable), Kind::Exact),
        Card::new("critical", count(Tier::Critical), Kind::Exact),
    ];
    let kind = if tier(1, Tier::Unknown) == 0 { Kind::Exact } else { Kind::Unknown };
    cards.push(Card::new("unknown", count(Tier::Unknown), kind));
    for sum in &answer.sums {
        let now = sum.valued()[1];
        let [valued, unvalued] = [sum.accounts[1], sum.unvalued[1]];
        let card = |name: &str, value: Option<Int>, shown: fn(Int, u8, u8) -> String| {
            let money = value.map(|it| format!("{} {}", shown(it, sum.decimals, 0), sum.currency));
            let kind = if money.is_some() && unvalued == 0 { Kind::Exact } else { Kind::Unknown };
            Card::new(name, show::summed(money, valued, unvalued), kind)
        };
        cards.push(card("collateral", now.map(|now| now.collateral), show::amount));
        cards.push(card("debt", now.map(|now| now.debt), show::amount));
        cards.push(card("bad debt", now.map(|now| now.uncovered), show::missing));
    }
    // A feed that says the same again may well be right.
    let odd = answer
        .feeds
        .iter()
        .filter(|feed| !feed_words(feed).is_empty() && feed.standstill != Some(Standstill::SameAgain));
    cards.push(Card::new("feeds to look at", odd.count().to_string(), Kind::Exact));
    page.cards(&cards);
}
