//! `plimsoll whatif`: before and after.

use crate::args::WhatifArgs;
use crate::ask::{refusal_json, refuse, tokens, told};
use crate::check::{columns, counted, provenance_json, shown_cells, shown_json, total_json, unsummed};
use crate::outlook::shown;
use crate::show::{errln, outln};
use crate::{exit, explain, show};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use plimsoll::{Change, Check, Did, Ladder, Lookout, Row, Severity, Standpoint, Tier, WhatIf, WhatIfAll};
use plimsoll_core::{Book, Int, Refusal, Unit};
use plimsoll_io::book::{File, FileBytes, read, write};
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::path::Path;

pub(crate) fn run(args: &WhatifArgs) -> u8 {
    let book = match crate::check::open(&args.book, false) {
        Ok((book, _)) => book,
        Err(code) => return code,
    };
    let steps = &args.steps.0;
    if steps.is_empty() {
        errln!(
            "plimsoll: found no change, expected one or more such as --price 'ETH/USD=-20%' (--help lists them)"
        );
        return exit::USAGE;
    }
    let changes: Vec<Change> = steps.iter().map(|(_, change)| change.clone()).collect();
    let (code, refused) = match &args.account {
        Some(name) => {
            let asked = plimsoll::account(&book, name)
                .and_then(|account| plimsoll::whatif(&book, account, &changes, &Ladder::default()));
            let answer = match asked {
                Ok(answer) => answer,
                Err(why) => return refuse(&why),
            };
            if let Err(code) = ready(args, &changes, &answer.book, answer.refused.is_some()) {
                return code;
            }
            if args.json {
                outln!("{:#}", as_json(&book, steps, &answer));
            } else {
                print(&book, steps, &answer);
            }
            let seen = &answer.after.seen;
            (explain::code(&seen.liquidation, seen.coming.as_ref()), answer.refused)
        }
        None => {
            let answer = match plimsoll::whatif_all(&book, &changes, &Ladder::default()) {
                Ok(answer) => answer,
                Err(why) => return refuse(&why),
            };
            if let Err(code) = ready(args, &changes, &answer.book, answer.refused.is_some()) {
                return code;
            }
            if args.json {
                outln!("{:#}", all_as_json(&book, steps, &answer));
            } else {
                print_all(&book, steps, &answer);
            }
            let code = match answer.after.seen.severity() {
                Severity::Calm => exit::CALM,
                Severity::Unknown => exit::UNKNOWN,
                Severity::Unhealthy => exit::UNHEALTHY,
            };
            (code, answer.refused)
        }
    };
    if refused.is_some() { exit::FAULTY } else { code }
}

/// Before anything is printed: the changes make a book that can be, and it is written where that is asked.
fn ready(args: &WhatifArgs, changes: &[Change], after: &Book, refused: bool) -> Result<(), u8> {
    possible(changes, after)?;
    match args.out.as_deref().filter(|_| !refused) {
        Some(folder) => save(after, folder).ok_or(exit::FAULTY),
        None => Ok(()),
    }
}

/// Refuses parameters that no book could say, such as a loan-to-value above the threshold: the changed book is
/// written and read, and its faults are told.
pub(crate) fn possible(changes: &[Change], after: &Book) -> Result<(), u8> {
    if !changes.iter().any(|change| matches!(change, Change::Set { .. })) {
        return Ok(());
    }
    // What no file can say for another reason is no fault of the change.
    let Ok(written) = write(after) else { return Ok(()) };
    let file = |(name, bytes)| File { name, bytes: FileBytes::Read(bytes) };
    let opened = read(written.files.into_iter().map(file).collect());
    if opened.faults.is_empty() {
        return Ok(());
    }
    errln!("plimsoll: --set: no market can be like this; in the book as it would be:");
    show::tell(format_args!("{}", opened.faults.render(std::io::stderr().is_terminal())));
    Err(exit::FAULTY)
}

fn save(book: &Book, folder: &Path) -> Option<()> {
    let saved = write(book).and_then(|written| written.save(folder));
    saved.map_err(|error| errln!("plimsoll: --out {}: {error}", folder.display())).ok()
}

// ---- tables --------------------------------------------------------------------------------------------------------

pub(crate) fn table(header: &[&str], right: core::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for column in right {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn print(book: &Book, steps: &[(String, Change)], answer: &WhatIf) {
    let listed = &book.accounts[answer.before.seen.account];
    outln!("account  {} of {}, in {}\n", listed.name, listed.owner, book.markets[listed.market].name);
    let mut done = table(&["", "step", "health", "does"], 2..3);
    let mut number = 0;
    let health =
        |row: &Row| row.health.map_or_else(|| row.tier.name().to_string(), |health| health.to_string());
    for ((words, _), (did, row)) in steps.iter().zip(&answer.done) {
        number += 1;
        done.add_row([number.to_string(), words.clone(), health(row), effect(did)]);
    }
    outln!("{}", done.trim_fmt());
    let unit = answer.before.seen.borrowing.own.ok().map(|own| own.unit);
    print_refused(steps, answer.done.len(), answer.refused.as_ref(), unit);
    outln!();
    let mut numbers = table(&["", "before", "after"], 1..3);
    let points = [(book, &answer.before), (&answer.book, &answer.after)];
    let [before, after] = points.map(|(book, point)| {
        shown(ahead(book).as_ref(), &point.seen).map_or_else(Vec::new, |shown| shown_cells(book, &shown))
    });
    for ((name, before), after) in columns().iter().zip(before).zip(after).skip(2) {
        if *name == "note" && before.is_empty() && after.is_empty() {
            continue;
        }
        let same = before == after;
        numbers.add_row([(*name).to_string(), before, if same { "=".into() } else { after }]);
    }
    outln!("{}", numbers.trim_fmt());
    outln!();
    print_points(&answer.before, &answer.after);
}

fn print_refused(steps: &[(String, Change)], done: usize, refused: Option<&Refusal>, unit: Option<Unit>) {
    if let Some(refusal) = refused {
        let words_of = steps.get(done).map_or("", |(words, _)| words);
        outln!("step {} is refused: {words_of}: {}", done + 1, told(refusal, unit));
        let left = steps.len().saturating_sub(done + 1) as u64;
        if left > 0 {
            outln!("{} after it not tried", counted(left, "step"));
        }
    }
}

fn print_points<Seen>(before: &Standpoint<Seen>, after: &Standpoint<Seen>) {
    for (word, point) in [("before", before), ("after ", after)] {
        let identity = &point.identity;
        outln!("{word}  {} · hash {}", show::time(identity.at), &identity.hash[..16]);
    }
    outln!("book {} · plimsoll {} · every number is exact", before.identity.book, before.identity.program);
}

/// What a step did, in a line.
fn effect(did: &Did) -> String {
    match did {
        Did::Acted { moved, held, terms } => {
            let mut parts: Vec<String> = Vec::new();
            for it in moved {
                for (word, raw) in [("pays", it.paid), ("receives", it.received)] {
                    if raw != plimsoll_core::U256::ZERO {
                        parts.push(format!("{word} {} {}", tokens(raw, it.decimals), it.asset));
                    }
                }
            }
            parts.extend(held.iter().map(|held| {
                let change = if held.finer {
                    let sign = if held.change.is_negative() { "" } else { "+" };
                    format!("{sign}{}", show::exact(held.change, held.decimals))
                } else {
                    signed(held.change)
                };
                format!("{change} {}", held.instrument)
            }));
            parts.extend(terms.iter().map(|(name, value)| format!("{name} = {value}")));
            if parts.is_empty() { "changes nothing".into() } else { parts.join(", ") }
        }
        Did::Priced { unit, from, to, .. } => {
            let from = from.map_or_else(|| "none".into(), |price| price.trimmed().to_string());
            format!("{from} -> {to} {unit}")
        }
        Did::Set { from, to, unit, .. } => format!("{from} -> {to} {unit}").trim_end().to_string(),
        Did::Waited { from, to } => format!("{} -> {}", show::time(*from), show::time(*to)),
    }
}

fn signed(change: Int) -> String {
    if change.is_negative() { change.to_string() } else { format!("+{change}") }
}

fn print_all(book: &Book, steps: &[(String, Change)], answer: &WhatIfAll) {
    let mut done = table(&["", "step", "does"], 0..0);
    let mut number = 0;
    for ((words, _), did) in steps.iter().zip(&answer.done) {
        number += 1;
        done.add_row([number.to_string(), words.clone(), effect(did)]);
    }
    outln!("{}", done.trim_fmt());
    print_refused(steps, answer.done.len(), answer.refused.as_ref(), None);
    outln!("\n{} in another tier", counted(answer.moved.len() as u64, "account"));
    if !answer.moved.is_empty() {
        let header =
            ["account", "market", "before", "after", "health before", "health after", "collateral", "debt"];
        let mut moved = table(&header, 4..8);
        let health = |row: &Row| row.health.map_or_else(|| "-".into(), |health| health.to_string());
        for (before, after) in &answer.moved {
            let listed = &book.accounts[after.account];
            let own = after.liquidation.own.ok();
            let money = |value: Option<Int>| {
                let unit = own.map_or(0, |a| a.unit.decimals);
                value.map_or_else(|| "-".into(), |value| show::amount(value, unit, 2))
            };
            moved.add_row([
                listed.name.clone(),
                book.markets[listed.market].name.clone(),
                before.tier.name().into(),
                after.tier.name().into(),
                health(before),
                health(after),
                money(own.map(|a| a.collateral)),
                money(own.map(|a| a.debt)),
            ]);
        }
        outln!("{}", moved.trim_fmt());
    }
    for row in &answer.after.seen.rows {
        if let Some(coming) = &row.coming {
            let words = crate::outlook::arriving(answer.book.at, coming);
            outln!("COMING: {}: {words}", explain::full_name(&answer.book, row.account));
        }
    }
    outln!();
    print_tiers(answer);
    print_totals(&answer.before.seen, &answer.after.seen);
    outln!();
    print_points(&answer.before, &answer.after);
}

fn print_tiers(answer: &WhatIfAll) {
    let mut tiers = table(&["tier", "before", "after", "in", "out"], 1..5);
    let count = |check: &Check, tier: Tier| check.tiers.get(&tier).copied().unwrap_or(0);
    for tier in Tier::ALL.into_iter().rev() {
        let (before, after) = (count(&answer.before.seen, tier), count(&answer.after.seen, tier));
        if before + after > 0 {
            let (into, out) = answer.into_and_out_of(tier);
            tiers.add_row([
                tier.name().to_string(),
                before.to_string(),
                after.to_string(),
                into.to_string(),
                out.to_string(),
            ]);
        }
    }
    outln!("{}", tiers.trim_fmt());
}

fn print_totals(before: &Check, after: &Check) {
    let mut totals = table(&["", "", "before", "after"], 2..4);
    for total in &after.totals {
        let same =
            |other: &&plimsoll::Total| (&other.currency, other.decimals) == (&total.currency, total.decimals);
        let Some(was) = before.totals.iter().find(same) else { continue };
        for (name, before, after) in [
            ("collateral", was.collateral, total.collateral),
            ("debt", was.debt, total.debt),
            ("collateral liquidatable", was.collateral_liquidatable, total.collateral_liquidatable),
            ("debt liquidatable", was.debt_liquidatable, total.debt_liquidatable),
            ("uncovered", was.uncovered, total.uncovered),
        ] {
            if before != after {
                let missing = name == "uncovered";
                let shown = if missing { show::missing } else { show::amount };
                let show = |value: Int| shown(value, total.decimals, 2);
                totals.add_row([total.currency.clone(), name.into(), show(before), show(after)]);
            }
        }
    }
    if totals.row_count() > 0 {
        outln!("{}", totals.trim_fmt());
    }
    let [was, is] = [before, after].map(|check| unsummed(check.rows.len() as u64, &check.totals));
    if was + is > 0 {
        outln!("in no sum, as the venue has no answer: before {}, after {is}", counted(was, "account"));
    }
}

/// What stands ahead of a book's accounts; both books were judged at their own times before.
fn ahead(book: &Book) -> Option<Lookout<'_>> {
    Lookout::new(book, book.at).ok()
}

// ---- JSON ----------------------------------------------------------------------------------------------------------

fn as_json(book: &Book, steps: &[(String, Change)], answer: &WhatIf) -> Value {
    let account =
        |book: &Book, row: &Row| shown(ahead(book).as_ref(), row).map(|shown| shown_json(book, &shown));
    let point = |book: &Book, point: &Standpoint<Row>| {
        json!({
            "provenance": provenance_json(&point.identity),
            "account": account(book, &point.seen),
        })
    };
    let done = steps.iter().zip(&answer.done).map(|((words, _), (did, row))| {
        json!({
            "step": words,
            "did": did_json(did),
            "health": row.health.map(|health| health.digits(0, 18)),
            "tier": row.tier.name(),
        })
    });
    json!({
        "format": 1,
        "before": point(book, &answer.before),
        "steps": done.collect::<Vec<_>>(),
        "refused": refused_json(steps, answer.done.len(), answer.refused.as_ref()),
        "after": point(&answer.book, &answer.after),
    })
}

fn all_as_json(book: &Book, steps: &[(String, Change)], answer: &WhatIfAll) -> Value {
    let point = |point: &Standpoint<Check>| {
        let tiers = point.seen.tiers.iter().map(|(tier, count)| (tier.name().to_string(), json!(count)));
        json!({
            "provenance": provenance_json(&point.identity),
            "tiers": tiers.collect::<serde_json::Map<_, _>>(),
            "totals": point.seen.totals.iter().map(total_json).collect::<Vec<_>>(),
            "coming": point.seen.coming,
            "unsummed": unsummed(point.seen.rows.len() as u64, &point.seen.totals),
        })
    };
    let done =
        steps.iter().zip(&answer.done).map(|((words, _), did)| json!({"step": words, "did": did_json(did)}));
    let [before, after] = [book, &answer.book].map(|book| (book, ahead(book)));
    let moved = answer.moved.iter().map(|(was, is)| {
        let side = |(book, ahead): &(&Book, Option<Lookout<'_>>), row: &Row| {
            shown(ahead.as_ref(), row).map(|shown| shown_json(book, &shown))
        };
        json!({"before": side(&before, was), "after": side(&after, is)})
    });
    let coming = answer.after.seen.rows.iter().filter_map(|row| {
        let mut json = crate::outlook::arriving_json(row.coming.as_ref()?);
        json["account"] = explain::full_name(&answer.book, row.account).into();
        Some(json)
    });
    json!({
        "format": 1,
        "before": point(&answer.before),
        "steps": done.collect::<Vec<_>>(),
        "refused": refused_json(steps, answer.done.len(), answer.refused.as_ref()),
        "after": point(&answer.after),
        "coming": coming.collect::<Vec<_>>(),
        "accounts": moved.collect::<Vec<_>>(),
    })
}

fn refused_json(steps: &[(String, Change)], done: usize, refused: Option<&Refusal>) -> Value {
    match refused {
        Some(refusal) => {
            json!({"step": steps.get(done).map(|(words, _)| words), "refusal": refusal_json(refusal)})
        }
        None => Value::Null,
    }
}

fn did_json(did: &Did) -> Value {
    match did {
        Did::Acted { moved, held, terms } => json!({
            "kind": "action",
            "wallet": moved.iter().map(|it| json!({
                "asset": it.asset,
                "decimals": it.decimals,
                "paid": it.paid.to_string(),
                "received": it.received.to_string(),
            })).collect::<Vec<_>>(),
            "holdings": held.iter().map(|held| json!({
                "instrument": held.instrument,
                "change": held.change.to_string(),
            })).collect::<Vec<_>>(),
            "terms": terms.iter().map(|(name, value)| json!({"name": name, "value": value.to_string()}))
                .collect::<Vec<_>>(),
        }),
        Did::Priced { name, unit, from, to } => json!({
            "kind": "price",
            "price": name,
            "unit": unit.to_string(),
            "from": from.map(|price| price.to_string()),
            "to": to.to_string(),
        }),
        Did::Set { number, unit, from, to } => json!({
            "kind": "number",
            "number": number,
            "unit": unit.name,
            "from": from.to_string(),
            "to": to.to_string(),
        }),
        Did::Waited { from, to } => json!({"kind": "time", "from": from.0, "to": to.0}),
    }
}
