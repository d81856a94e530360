//! `plimsoll stress --heatmap`: two prices that move at once.

use crate::report::{Heat, Page, Table, heatmap};
use crate::show::{self, outln};
use crate::whatif::table;
use plimsoll::{Axis, HeatCell, HeatMap};
use plimsoll_core::{Decimal, Int, U256};
use std::collections::BTreeMap;

/// More cells than this are more than somebody looks at.
const CELLS_MAX: u32 = 10_000;

/// `ETH:-60..0:13,stETH/ETH:-10..0:11`.
pub(crate) fn axes(text: &str) -> Result<[Axis; 2], String> {
    let axes: Vec<Axis> = text.split(',').map(axis).collect::<Result<_, _>>()?;
    let [x, y] = <[Axis; 2]>::try_from(axes)
        .map_err(|axes| format!("found {} axes, expected two, with a comma between", axes.len()))?;
    match x.points.checked_mul(y.points) {
        Some(cells) if cells <= CELLS_MAX => Ok([x, y]),
        _ => Err(format!("found {} times {} cells, expected at most {CELLS_MAX}", x.points, y.points)),
    }
}

fn axis(text: &str) -> Result<Axis, String> {
    let example =
        || format!("found `{text}`, expected an asset, its moves in percent and how many: ETH:-60..0:13");
    let mut parts = text.rsplitn(3, ':');
    let (Some(points), Some(range), Some(asset)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(example());
    };
    let (from, to) = range.split_once("..").ok_or_else(example)?;
    let number = |text: &str| text.parse::<Decimal>().map_err(|error| format!("found `{text}`: {error}"));
    let points: u32 = points.parse().map_err(|_| example())?;
    let (asset, currency) = asset.split_once('/').unwrap_or((asset, "USD"));
    if points == 0 || asset.is_empty() || currency.is_empty() {
        return Err(example());
    }
    let (asset, currency) = (asset.to_string(), currency.to_string());
    Ok(Axis { asset, currency, from: number(from)?, to: number(to)?, points })
}

/// An axis in words.
fn name(axis: &Axis) -> String {
    match axis.currency.as_str() {
        "USD" => format!("{}, %", axis.asset),
        currency => format!("{} in {currency}, %", axis.asset),
    }
}

pub(super) fn print(map: &HeatMap) {
    outln!("\nliquidatable accounts: {} along, {} down", name(&map.axes[0]), name(&map.axes[1]));
    let mut header = vec![String::new()];
    header.extend(map.moves[0].iter().map(ToString::to_string));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut rows = table(&header, 0..header.len());
    for (down, cells) in map.moves[1].iter().zip(&map.cells) {
        let mut row = vec![down.to_string()];
        row.extend(cells.iter().map(|cell| cell.after.liquidatable.to_string()));
        rows.add_row(row);
    }
    outln!("{}", rows.trim_fmt());
    let unknown = map.cells.iter().flatten().map(|cell| cell.after.unknown).max().unwrap_or(0);
    if unknown > 0 {
        outln!("up to {unknown} accounts of a cell are unknown, and in no count");
    }
    outln!("collateral, seizable and bad debt of each cell: --json, --report");
}

/// One picture for the counts, and for the collateral and bad debt of each currency.
pub(super) fn draw(page: &mut Page, map: &HeatMap) {
    let [x, y] = [0, 1].map(|at| name(&map.axes[at]));
    page.section(
        "Two prices at once",
        "Each cell is a jump of its own from today. Counts, collateral and what is seizable are exact; bad debt is what is left if all act at once, worst account first, and no bound.",
    );
    let unknown = map.cells.iter().flatten().map(|cell| cell.after.unknown).max().unwrap_or(0);
    if unknown > 0 {
        page.text(&format!("Up to {unknown} accounts of a cell are unknown, and in no count."));
    }
    let mut decimals: BTreeMap<&str, u8> = BTreeMap::new();
    for risk in map.cells.iter().flatten().flat_map(|cell| &cell.risks) {
        let most = decimals.entry(&risk.currency).or_default();
        *most = risk.decimals.max(*most);
    }
    let counts = |cell: &HeatCell| {
        let count = cell.after.liquidatable;
        Heat::Known(Int::from(count), count.to_string())
    };
    one(page, map, "Liquidatable accounts", [&x, &y], counts);
    for (currency, decimals) in decimals {
        let money = |cell: &HeatCell, of: fn(&plimsoll::Risk) -> Int| {
            let risk = cell.risks.iter().find(|risk| risk.currency == currency);
            // In one unit, which is the finest of all cells.
            let value = risk.map_or(Some(Int::ZERO), |risk| {
                of(risk).mul(U256::pow10(decimals.saturating_sub(risk.decimals))?.into())
            });
            match value {
                Some(value) => Heat::Known(value, crate::report::short(value.magnitude(), decimals)),
                None => Heat::Unknown("?".into()),
            }
        };
        let title = format!("Collateral of the liquidatable, {currency}");
        one(page, map, &title, [&x, &y], |cell| money(cell, |risk| risk.collateral[1]));
        let title = format!("Seizable at once, {currency}");
        one(page, map, &title, [&x, &y], |cell| money(cell, |risk| risk.seizable));
        let title = format!("Bad debt if all act at once, {currency}");
        one(page, map, &title, [&x, &y], |cell| money(cell, |risk| risk.bad_debt));
    }
    numbers(page, map);
}

fn one(page: &mut Page, map: &HeatMap, title: &str, axes: [&str; 2], of: impl Fn(&HeatCell) -> Heat) {
    let names = |at: usize| map.moves[at].iter().map(|way| cut(*way)).collect::<Vec<String>>();
    let cells: Vec<Vec<Heat>> = map.cells.iter().map(|row| row.iter().map(&of).collect()).collect();
    let (columns, rows) = (names(0), names(1));
    let mut header = vec![axes[1].to_string()];
    header.extend(columns.iter().map(|name| format!(">{name}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = Table::new(axes[0], &header);
    for (name, row) in rows.iter().zip(&cells) {
        let words = row.iter().map(|cell| match cell {
            Heat::Known(_, words) | Heat::Unknown(words) => words.clone(),
        });
        table.row(std::iter::once(name.clone()).chain(words));
    }
    page.picture(&heatmap(title, axes, &columns, &rows, &cells), &table);
}

/// A move with at most two digits, cut toward zero.
fn cut(way: Decimal) -> String {
    way.cut(2).trimmed().to_string()
}

/// Every number of every cell.
fn numbers(page: &mut Page, map: &HeatMap) {
    let header = [
        &name(&map.axes[0])[..],
        &name(&map.axes[1])[..],
        ">liquidatable",
        ">unknown",
        "",
        ">collateral",
        ">seizable",
        ">bad debt if all act at once",
    ];
    let mut table = Table::new("Each cell", &header);
    for (down, row) in map.moves[1].iter().zip(&map.cells) {
        for (along, cell) in map.moves[0].iter().zip(row) {
            for risk in &cell.risks {
                let money = |value: Int| show::amount(value, risk.decimals, 2);
                table.row([
                    along.to_string(),
                    down.to_string(),
                    cell.after.liquidatable.to_string(),
                    cell.after.unknown.to_string(),
                    risk.currency.clone(),
                    money(risk.collateral[1]),
                    money(risk.seizable),
                    super::sales::up(risk.bad_debt, risk.decimals),
                ]);
            }
        }
    }
    page.folded("Every cell, to the cent", &table);
}
