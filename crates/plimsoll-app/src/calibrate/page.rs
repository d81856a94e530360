//! `plimsoll calibrate --report`: the same answer as a page.

use super::words;
use crate::check;
use crate::figures::{parts, percent};
use crate::report::{Bar, Page, Table, bars, save};
use plimsoll::{Calibrated, Calibration, Observed};
use plimsoll_core::Book;
use plimsoll_risk::history::History;
use std::path::Path;

/// Writes the page; the exit code where it cannot be.
pub(super) fn write(
    path: &Path,
    book: &Book,
    found: &Calibration,
    history: &History,
    by_default: bool,
    top: usize,
) -> Result<(), u8> {
    let mut page = Page::new("Calibration", &words::tolerated(found.tolerated, by_default));
    for one in &found.all {
        page.section(&format!("{} in {}", one.asset, one.market), &words::stands(one));
        let seen = match &one.found {
            Ok(seen) => seen,
            Err(why) => {
                page.text(&format!("{why}; LTV 0"));
                page.list(&words::hazards(one));
                continue;
            }
        };
        let mut rows = Table::new("Lines, caps and steps", &numbers(&words::HEADER));
        words::rows(one, seen, found.tolerated).into_iter().for_each(|row| rows.row(row));
        page.table(&rows);
        at_a_glance(&mut page, one, seen);
        page.text(&words::eligible(seen));
        let mut gates = Table::new("Gates", &words::GATES);
        words::gates(seen).into_iter().for_each(|row| gates.row(row));
        page.table(&gates);
        page.list(&words::hazards(one));
        page.list(&words::from(seen));
        page.list(&words::because(one, seen));
        for column in &seen.columns {
            let Ok(touched) = &column.touched else { continue };
            let name = words::name(column.appetite);
            let mut table = Table::new(&touched.set.join(", "), &["account", ">health before", ">after"]);
            for (account, before, after) in touched.accounts.iter().take(top) {
                let health =
                    |health: &Option<plimsoll::Ratio>| health.map_or_else(|| "-".into(), |h| h.to_string());
                table.row([book.accounts[*account].name.clone(), health(before), health(after)]);
            }
            let count = check::counted(touched.accounts.len() as u64, "account");
            page.folded(&format!("{name}: {count} newly liquidatable after the step"), &table);
        }
    }
    let foot = [
        check::origin(&found.identity),
        format!("hash {}", found.identity.hash),
        format!("history {}", history.digest()),
    ];
    save(path, &page.finish(&foot))
}

/// Where each line stands, side by side: the market's own, SmartLTV's and each column's.
fn at_a_glance(page: &mut Page, one: &Calibrated, seen: &Observed) {
    let stated = |stated: &Option<plimsoll::Stated>| stated.as_ref().map(|stated| stated.value);
    let columns = |of: fn(&plimsoll::Column) -> f64| {
        let named =
            move |column: &plimsoll::Column| (words::name(column.appetite).to_string(), Some(of(column)));
        seen.columns.iter().map(named).collect::<Vec<_>>()
    };
    let mut thresholds = vec![("now".to_string(), stated(&one.rules.threshold))];
    thresholds.extend(columns(|column| column.line.threshold));
    let mut ltvs = vec![("now".to_string(), stated(&one.rules.ltv)), ("SmartLTV".into(), seen.smart)];
    ltvs.extend(columns(|column| column.line.ltv));
    for (title, lines) in
        [("Liquidation threshold, % of the collateral's value", thresholds), ("LTV, likewise", ltvs)]
    {
        let mut table = Table::new("", &["line", ">%"]);
        let mut all = Vec::new();
        for (label, share) in lines {
            let note = share.map_or_else(|| "not told".into(), percent);
            table.row([label.clone(), note.clone()]);
            all.push(Bar { label, value: parts(share.unwrap_or(0.0)), note });
        }
        page.picture(&bars(title, &all), &table);
    }
}

fn numbers<'t>(header: &[&'t str; 5]) -> [&'t str; 5] {
    let mut named = *header;
    for (name, right) in named.iter_mut().zip(["", ">now", ">aggressive", ">moderate", ">conservative"]) {
        *name = right;
    }
    named
}
