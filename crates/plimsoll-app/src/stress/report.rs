//! `plimsoll stress --report`: the same answer as a page.

mod fallen;

use super::{Changed, Seen, WITH_SET, assumed, moved, sales};
use crate::check::{self, counted};
use crate::report::{Bar, Card, Kind, Page, Series, Table, bars, save, steps};
use crate::show;
use plimsoll::{Backing, Class, Curve, Impact, Jump, Lowest, Risk, Step, Stride, Tallies, Walk};
use plimsoll_core::{Book, Int, U256};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes the page; the exit code where it cannot be.
pub(super) fn write(
    path: &Path,
    book: &Book,
    seen: &Seen,
    changed: Option<Changed<'_>>,
    curve: Option<&Curve>,
    top: usize,
) -> Result<(), u8> {
    let at = show::time(book.at);
    let mut page = Page::new("Stress test", &format!("{} as of {at}", book.name));
    let worst = seen.jumps.iter().max_by_key(|jump| jump.after.liquidatable);
    if let Some(jump) = worst {
        cards(&mut page, jump, seen.depth.is_some());
    }
    overview(&mut page, &seen.jumps, changed);
    sold(&mut page, seen);
    for (at, jump) in seen.jumps[1..].iter().enumerate() {
        scenario(&mut page, book, jump, top);
        if let Some(walk) = seen.walks.get(at) {
            along_path(&mut page, walk);
        }
    }
    if let Some(changed) = changed {
        fallen::with_set(&mut page, book, &seen.jumps, changed, top);
    }
    if let Some(heat) = &seen.heat {
        super::heat::draw(&mut page, heat);
    }
    if let Some(curve) = curve {
        along(&mut page, book, curve);
    }
    for jump in &seen.jumps {
        health(&mut page, jump, top);
    }
    page.section("What kind of numbers these are", "");
    page.list(&kinds(seen.depth.is_some()));
    let mut foot = vec![check::origin(&seen.identity), format!("hash {}", seen.identity.hash)];
    foot.extend(changed.map(|changed| format!("with --set: hash {}", changed.seen.identity.hash)));
    save(path, &page.finish(&foot))
}

fn kinds(sold: bool) -> Vec<String> {
    let sales = "Sold into depth: by assumption. In the order given, along the curves given, at the market's price of the scenario.";
    let mut kinds = [
        "Counts, collateral, debt and what is seizable: exact, in the venues' own integers and rounding; cut where they are shown.",
        "Uncovered: exact. Debt of the liquidatable beyond each one's own collateral, before anybody acts.",
        "Bad debt if all act at once: by assumption. At the venue's price, worst account first, each by the call that seizes most. It is no bound: bonuses make bad debt, so another order, smaller calls or none may leave less.",
        "Unknown is never counted as healthy: a price that decides is missing, stale or at its bound, or the venue has no answer.",
    ]
    .map(String::from)
    .to_vec();
    kinds.extend(sold.then(|| sales.into()));
    kinds
}

/// What becomes of it where liquidators sell what they seize.
fn sold(page: &mut Page, seen: &Seen) {
    let Some(depth) = &seen.depth else { return };
    page.section(
        "Sold into depth",
        "Liquidators sell what they seize, and stay away where that does not pay.",
    );
    let header: Vec<String> = sales::HEADER
        .iter()
        .enumerate()
        .map(|(at, name)| format!("{}{name}", if at < 2 { "" } else { ">" }))
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = Table::new("", &header);
    for jump in &seen.jumps {
        sales::rows(&jump.scenario.called(), &jump.risks, |row| table.row(row));
    }
    page.table(&table);
    let dried = seen.jumps.iter().flat_map(|jump| {
        sales::dried(jump).into_iter().map(|line| format!("{}: {line}", jump.scenario.called()))
    });
    page.list(&sales::assumed(depth, &seen.unused).into_iter().chain(dried).collect::<Vec<_>>());
}

/// The steps of a path: bad debt so far in a picture, the rest in tables.
fn along_path(page: &mut Page, walk: &Walk) {
    for (title, strides, header) in sales::ways(walk) {
        let header: Vec<String> = header
            .iter()
            .map(|name| if name.is_empty() { String::new() } else { format!(">{name}") })
            .collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut table = Table::new(title, &header);
        for (number, stride) in (1..).zip(strides) {
            sales::steps_rows(number, stride, title == sales::SOLD, |row| table.row(row));
        }
        page.folded(&format!("As a path of {} steps: {title}", strides.len()), &table);
    }
    let mut currencies: BTreeMap<&str, u8> = BTreeMap::new();
    for risk in walk.at_once.iter().chain(&walk.sold).flat_map(|stride| &stride.risks) {
        let most = currencies.entry(&risk.currency).or_default();
        *most = risk.decimals.max(*most);
    }
    let last = walk.at_once.len();
    for (currency, decimals) in currencies {
        let line = |strides: &[Stride], of: fn(&Risk) -> Int| -> Vec<(Int, Int)> {
            let value = |stride: &Stride| {
                let risk = stride.risks.iter().find(|risk| risk.currency == currency)?;
                of(risk).mul(U256::pow10(decimals.saturating_sub(risk.decimals))?.into())
            };
            let found = strides.iter().map(|stride| value(stride).unwrap_or(Int::ZERO));
            let points = (1_u64..).zip(found).map(|(number, sum)| (Int::from(number), sum));
            std::iter::once((Int::ZERO, Int::ZERO)).chain(points).collect()
        };
        let mut series = vec![Series {
            name: "bad debt if all act at once, so far",
            points: line(&walk.at_once, |r| r.bad_debt),
        }];
        if !walk.sold.is_empty() {
            let points = line(&walk.sold, |risk| risk.sales.bad_debt);
            series.push(Series { name: "bad debt where collateral is sold, so far", points });
        }
        if series.iter().flat_map(|one| &one.points).all(|(_, sum)| sum.is_zero()) {
            page.text(&format!("No bad debt at any step, {currency}."));
            continue;
        }
        let each = last.div_ceil(12).max(1);
        let marks: Vec<(Int, String)> =
            (0..=last).step_by(each).map(|step| (Int::from(step as u64), step.to_string())).collect();
        let ends = [Int::ZERO, Int::from(last as u64)];
        let picture = steps(&format!("Bad debt step by step, {currency}"), ends, &marks, decimals, &series);
        let mut header = vec![">step"];
        let columns: Vec<String> = series.iter().map(|one| format!(">{}", one.name)).collect();
        header.extend(columns.iter().map(String::as_str));
        let mut table = Table::new("", &header);
        for at in 0..=last {
            let cells = series
                .iter()
                .map(|one| one.points.get(at).map_or_else(String::new, |(_, sum)| sales::up(*sum, decimals)));
            table.row(std::iter::once(at.to_string()).chain(cells));
        }
        page.picture(&picture, &table);
    }
}

/// Currencies whose money is shown large.
const FEW: usize = 2;

/// The scenario with the most liquidatable accounts.
fn cards(page: &mut Page, jump: &Jump, sold: bool) {
    let after = jump.after;
    let name = &jump.scenario.called();
    let mut cards = vec![
        Card::new(format!("liquidatable, {name}"), after.liquidatable.to_string(), Kind::Exact),
        Card::new("of accounts", after.accounts.to_string(), Kind::Exact),
    ];
    let kind = if after.unknown == 0 { Kind::Exact } else { Kind::Unknown };
    cards.push(Card::new("unknown accounts", after.unknown.to_string(), kind));
    // Of many currencies the table below tells better.
    for risk in jump.risks.iter().filter(|_| jump.risks.len() <= FEW) {
        let money = |value| format!("{} {}", show::amount(value, risk.decimals, 0), risk.currency);
        cards.push(Card::new("their collateral", money(risk.collateral[1]), Kind::Exact));
        cards.push(Card::new("seizable at once", money(risk.seizable), Kind::Exact));
        let up = |value| format!("{} {}", show::missing(value, risk.decimals, 0), risk.currency);
        cards.push(Card::new("bad debt if all act at once", up(risk.bad_debt), Kind::Assumed));
        if sold {
            cards.push(Card::new("bad debt, sold into depth", up(risk.sales.bad_debt), Kind::Assumed));
        }
    }
    page.cards(&cards);
}

const MONEY: [&str; 12] = [
    "",
    ">healthy",
    ">liquidatable",
    ">no debt",
    ">unknown",
    ">all",
    "",
    ">collateral before",
    ">after",
    ">seizable now",
    ">uncovered",
    ">bad debt if all act at once",
];

fn overview(page: &mut Page, jumps: &[Jump], changed: Option<Changed<'_>>) {
    page.section(
        "Scenarios",
        "Each from the book as it stands. Collateral is that of the liquidatable accounts.",
    );
    let mut table = Table::new("", &MONEY);
    for (place, jump) in jumps.iter().enumerate() {
        super::rows(&jump.scenario.called(), jump.after, &jump.risks, |row| table.row(row));
        if let Some(under) = changed.map(|changed| &changed.seen.jumps[place]) {
            super::rows(WITH_SET, under.after, &under.risks, |row| table.row(row));
        }
    }
    page.table(&table);
}

fn scenario(page: &mut Page, book: &Book, jump: &Jump, top: usize) {
    page.section(&format!("Scenario {}", jump.scenario.called()), &jump.scenario.title);
    let sources = jump.scenario.sources.iter().map(|source| format!("source: {source}"));
    page.list(&sources.chain(assumed(&jump.shocked)).collect::<Vec<_>>());
    let mut prices = Table::new("Prices that move", &["price", "kind", ">before", ">after", "in", ""]);
    moved(&jump.shocked).into_iter().for_each(|price| prices.row(price));
    page.table(&prices);
    let mut markets = Table::new("Markets, after", &MONEY);
    let touched = |impact: &&Impact| impact.after.accounts > 0;
    for impact in jump.markets.iter().filter(touched) {
        let risk = std::slice::from_ref(&impact.risk);
        super::rows(&impact.market, impact.after, risk, |row| markets.row(row));
    }
    page.table(&markets);
    if !jump.losses.is_empty() {
        let mut losses =
            Table::new(sales::LOSSES, &["market", "owner", "", ">has", ">loses", ">owes", ">unknown"]);
        sales::loss_rows(jump, top).into_iter().for_each(|row| losses.row(row));
        page.table(&losses);
    }
    fallen::below(page, book, jump, top);
}

/// The curve of each currency: from the end of its way down over today to the end of its way up.
fn along(page: &mut Page, book: &Book, curve: &Curve) {
    page.section(
        &format!("Collateral at risk along {}", super::curve::name(curve)),
        "Exact steps, one where each account's verdict flips; between two of them nothing happens.",
    );
    page.list(&assumed(&curve.said));
    let mut currencies: BTreeMap<&str, u8> = BTreeMap::new();
    for step in curve.now.iter().chain(&curve.down).chain(&curve.up) {
        currencies.insert(&step.currency, step.decimals);
    }
    for (currency, decimals) in currencies {
        let of = |steps: &[Step]| -> Vec<Step> {
            steps.iter().filter(|step| step.currency == currency).cloned().collect()
        };
        let (now, down, up) = (of(&curve.now), of(&curve.down), of(&curve.up));
        let today = now.last().map_or([Int::ZERO; 2], sums);
        // Walking down a sum holds from its step to the next; from left to right it holds up to its step.
        let mut points = vec![(Int::ZERO, down.last().map_or(today, sums))];
        for (at, step) in down.iter().enumerate().rev() {
            let nearer = at.checked_sub(1).and_then(|at| down.get(at)).map_or(today, sums);
            points.push((step.factor.into(), nearer));
        }
        let end = up.last().map_or(WHOLE, |step| step.factor).clamp(WHOLE, DRAWN);
        let drawn = up.iter().filter(|step| step.factor <= end);
        points.extend(drawn.map(|step| (step.factor.into(), sums(step))));
        let side = |which: usize| points.iter().map(|(x, y)| (*x, y[which])).collect();
        let series = [
            Series { name: "collateral of the liquidatable", points: side(0) },
            Series { name: "seizable by one call each", points: side(1) },
        ];
        let beyond = up.iter().filter(|step| step.factor > end).count() as u64;
        if beyond > 0 {
            page.text(&format!(
                "Beyond twice today's price, in the table alone: {}.",
                counted(beyond, "step")
            ));
        }
        let title = format!("At risk as the factor moves, {currency}");
        let ends = [Int::ZERO, end.into()];
        let picture = steps(&title, ends, &marks(end), decimals, &series);
        let header = ["move %", ">factor", "account", "market", "", ">collateral", ">seizable", ">accounts"];
        let mut table = Table::new("Today first, then downwards, then upwards", &header);
        for (way, step) in
            now.iter().map(|step| ("today", step)).chain(down.iter().chain(&up).map(|step| ("", step)))
        {
            let listed = &book.accounts[step.account];
            let money = |value| show::amount(value, decimals, 2);
            table.row([
                if way.is_empty() { super::curve::way(step.factor) } else { way.into() },
                show::exact(step.factor.into(), 8),
                listed.name.clone(),
                book.markets[listed.market].name.clone(),
                if step.joins { "joins".into() } else { "leaves".into() },
                money(step.sum.collateral),
                money(step.sum.seizable),
                step.accounts.to_string(),
            ]);
        }
        page.picture(&picture, &table);
    }
    for end in super::curve::ends(curve) {
        page.text(&format!("The curve {end}."));
    }
    if curve.unknown > 0 {
        page.text(&format!("In no step, as it is unknown: {}.", counted(curve.unknown, "account")));
    }
}

const WHOLE: U256 = U256::new(100_000_000);
/// Up to twice today's price is drawn: what people ask about is to the left.
const DRAWN: U256 = U256::new(200_000_000);

fn sums(step: &Step) -> [Int; 2] {
    [step.sum.collateral, step.sum.seizable]
}

/// Marks of factors from 0 to the end, as moves from today: every fifth of today's price.
fn marks(end: U256) -> Vec<(Int, String)> {
    let fifth = U256::new(20_000_000);
    let mut marks = Vec::new();
    let (mut at, mut percent) = (U256::ZERO, -100);
    while at <= end {
        let name = if percent == 0 { "today".into() } else { format!("{percent:+} %") };
        marks.push((at.into(), name));
        let Some(next) = at.add(fifth) else { break };
        (at, percent) = (next, percent + 20);
    }
    marks
}

/// How large a book is by health after a scenario, what backs the liquidatable, and whose accounts are worst.
fn health(page: &mut Page, jump: &Jump, top: usize) {
    page.section(
        &format!("Health by value, {}", jump.scenario.called()),
        "Collateral of the accounts that owe, by health at the prices that their venues would use: 1 is the line.",
    );
    let Tallies { by_health, at_risk, unvalued, owners, unknown, .. } = match jump.tallies() {
        Ok(tallies) => tallies,
        Err(why) => return page.text(&format!("Unknown: {why}.")),
    };
    let mut classes: Vec<(String, &Class)> = by_health.iter().map(|class| (named(class), class)).collect();
    classes.push(("unknown".into(), &unknown));
    let totals = classes.iter().flat_map(|(_, class)| &class.totals);
    let currencies: BTreeMap<&str, u8> =
        totals.map(|total| (total.currency.as_str(), total.decimals)).collect();
    for (currency, decimals) in currencies {
        let mut table =
            Table::new("", &["health", ">accounts", &format!(">collateral, {currency}"), ">debt"]);
        let mut all = Vec::new();
        for (name, class) in &classes {
            let found = class.totals.iter().find(|total| total.currency == currency);
            let (count, collateral, debt) = found
                .map_or((0, Int::ZERO, Int::ZERO), |total| (total.accounts, total.collateral, total.debt));
            let money = |value| show::amount(value, decimals, 2);
            table.row([name.clone(), count.to_string(), money(collateral), money(debt)]);
            all.push(Bar { label: name.clone(), value: collateral, note: counted(count, "account") });
        }
        page.picture(&bars(&format!("Collateral by health, {currency}"), &all), &table);
    }
    let valued = |class: &Class| class.totals.iter().map(|total| total.accounts).sum::<u64>();
    let without: u64 = classes.iter().map(|(_, class)| class.accounts - valued(class)).sum();
    if without > 0 {
        page.text(&format!("In no bar, as the venue has no answer: {}.", counted(without, "account")));
    }
    if !at_risk.is_empty() {
        let mut table = Table::new("What backs the liquidatable", &["asset", ">positions", ">value", ""]);
        for Backing { currency, decimals, asset, positions, value } in &at_risk {
            let value = show::amount(*value, *decimals, 2);
            table.row([asset.clone(), positions.to_string(), value, currency.clone()]);
        }
        page.table(&table);
    }
    if unvalued > 0 {
        page.text(&format!("In no sum, as the venue cannot value it: {}.", counted(unvalued, "position")));
    }
    let mut table = Table::new(
        "The least healthy account of each owner",
        &["owner", "account", "market", ">health", ">unknown"],
    );
    let book = &jump.shocked.book;
    for Lowest { owner, account, health, unknown } in owners.iter().take(top) {
        let listed = account.map(|account| &book.accounts[account]);
        let cell = |of: fn(&plimsoll_core::ListedAccount, &Book) -> String| {
            listed.map_or_else(|| "-".into(), |it| of(it, book))
        };
        table.row([
            owner.clone(),
            cell(|listed, _| listed.name.clone()),
            cell(|listed, book| book.markets[listed.market].name.clone()),
            health.map_or_else(|| "unknown".into(), |health| health.to_string()),
            unknown.to_string(),
        ]);
    }
    page.table(&table);
    if owners.len() > top {
        page.text(&format!("{top} of {} shown.", counted(owners.len() as u64, "owner")));
    }
}

/// A class of health in words.
fn named(class: &Class) -> String {
    match (&class.from, &class.below) {
        (Some(from), Some(below)) => format!("{from} to {below}"),
        (Some(from), None) => format!("{from} and more"),
        (None, Some(below)) => format!("below {below}"),
        (None, None) => "all".into(),
    }
}
