//! `plimsoll risk --report`: the same answer as a page, with the fan of health and chances by horizon.

use super::{about, assumptions, by_horizon, chance_words, each_loss, percent, range_words, stands_words};
use crate::check;
use crate::figures::parts;
use crate::report::{Bar, Card, Kind, Page, Series, Table, bars, save, steps};
use crate::show;
use plimsoll::{AccountChance, ChanceSetting, ChanceStands, Chances};
use plimsoll_core::{Book, Int};
use std::path::Path;

/// Writes the page; the exit code where it cannot be.
pub(super) fn write(path: &Path, book: &Book, answer: &Chances, setting: &ChanceSetting) -> Result<(), u8> {
    let at = show::time(book.at);
    let mut page = Page::new("Chances of liquidation", &format!("{} as of {at}", book.name));
    let counts = answer.counts;
    page.cards(&[
        Card::new("accounts", counts.accounts.to_string(), Kind::Exact),
        Card::new("below the line now", counts.below.to_string(), Kind::Exact),
        Card::new("with a chance", counts.estimated.to_string(), Kind::Assumed),
        Card::new("not estimable", counts.unknown.to_string(), Kind::Unknown),
    ]);
    accounts(&mut page, book, answer);
    if !answer.books.is_empty() {
        whole(&mut page, answer);
    }
    for one in answer.accounts.iter().filter(|one| one.stands == ChanceStands::Estimated).take(CLOSELY) {
        closely(&mut page, book, answer, one);
    }
    page.section(
        "What kind of numbers these are",
        "Estimates. A chance is a range over models, and none of them is the truth.",
    );
    page.list(&assumptions(answer, setting));
    let foot = [
        check::origin(&answer.identity),
        format!("hash {}", answer.identity.hash),
        format!("history {}", answer.history),
    ];
    save(path, &page.finish(&foot))
}

/// So many accounts are shown with pictures.
const CLOSELY: usize = 5;

fn accounts(page: &mut Page, book: &Book, answer: &Chances) {
    page.section("Accounts", "The chance to be liquidatable at one look or more by each horizon, from the least to the greatest over models.");
    let days: Vec<String> = answer.days.iter().map(|day| format!(">{day} d")).collect();
    let mut header = vec!["account", "market", ">health", "moves with"];
    header.extend(days.iter().map(String::as_str));
    let mut table = Table::new("", &header);
    for one in &answer.accounts {
        let listed = &book.accounts[one.account];
        let health = one.health.map_or_else(|| "-".into(), |health| format!("{health:.4}"));
        let mut row = vec![
            listed.name.clone(),
            book.markets[listed.market].name.clone(),
            health,
            one.drivers.join(", "),
        ];
        match &one.stands {
            ChanceStands::Estimated => {
                row.extend((0..answer.days.len()).map(|horizon| range_words(&one.models, horizon)));
            }
            other => row.push(stands_words(other)),
        }
        table.row(row);
    }
    page.table(&table);
}

fn whole(page: &mut Page, answer: &Chances) {
    page.section(
        "The whole book",
        "Collateral of those who cross, and their debt beyond it, each at the look at which it crosses; paths are shared by all accounts. Accounts below the line now and those not estimable are in no sum.",
    );
    let header = [
        "model",
        "in",
        ">by",
        ">liquidated, mean",
        ">95 %",
        ">99 %",
        ">bad debt, mean",
        ">VaR 95 %",
        ">VaR 99 %",
        ">ES 99 %",
    ];
    let mut table = Table::new("", &header);
    for (kind, book) in &answer.books {
        match book {
            Ok(book) => each_loss(book, &answer.days, |cells| {
                table.row(std::iter::once(kind.name().to_string()).chain(cells));
            }),
            Err(why) => table.row([kind.name().to_string(), format!("not estimable: {why}")]),
        }
    }
    page.table(&table);
}

fn closely(page: &mut Page, book: &Book, answer: &Chances, one: &AccountChance) {
    let listed = &book.accounts[one.account];
    page.section(
        &listed.name,
        &format!("{}; moves with {}", book.markets[listed.market].name, one.drivers.join(", ")),
    );
    for (horizon, day) in answer.days.iter().enumerate() {
        let chances = by_horizon(&one.models, horizon);
        if chances.iter().all(|chance| chance.estimate.chance <= 0.0) {
            continue;
        }
        let known = one
            .models
            .iter()
            .filter_map(|model| Some((model.kind, model.chances.as_ref().ok()?.get(horizon)?)));
        let mut table = Table::new("", &["model", ">chance", ""]);
        let mut all = Vec::new();
        for (kind, chance) in known {
            table.row([kind.name().to_string(), chance_words(chance), about(answer, kind).to_string()]);
            all.push(Bar {
                label: kind.name().into(),
                value: parts(chance.estimate.chance),
                note: if chance.beyond() {
                    "beyond the data".into()
                } else {
                    percent(chance.estimate.chance)
                },
            });
        }
        page.picture(&bars(&format!("Chance by {day} days, by model"), &all), &table);
    }
    let Some(fan) = one.models.iter().map(|model| &model.fan).find(|fan| !fan.is_empty()) else { return };
    let names = ["5 %", "25 %", "half", "75 %", "95 %"];
    let line = |at: usize| {
        let days = (1_u64..).zip(fan).map(|(day, health)| (Int::from(day), parts(health[at])));
        let today = (Int::ZERO, parts(one.health.unwrap_or(0.0)));
        std::iter::once(today).chain(days).collect()
    };
    let series: Vec<Series<'_>> =
        names.iter().enumerate().map(|(at, name)| Series { name, points: line(at) }).collect();
    let last = fan.len() as u64;
    let each = (last / 10).max(1) as usize;
    let marks: Vec<(Int, String)> =
        (0..=last).step_by(each).map(|day| (Int::from(day), day.to_string())).collect();
    let picture = steps(
        "Health at the end of each day: five quantiles of the paths of history",
        [Int::ZERO, Int::from(last)],
        &marks,
        4,
        &series,
    );
    let mut table = Table::new("", &[">day", ">5 %", ">25 %", ">half", ">75 %", ">95 %"]);
    for (day, health) in (1..).zip(fan) {
        let cells = health.iter().map(|health| format!("{health:.4}"));
        table.row(std::iter::once(day.to_string()).chain(cells));
    }
    page.picture(&picture, &table);
}
