//! `plimsoll stress --curve`: collateral at risk along one factor.

use super::{named, print_assumed};
use crate::ask::refuse;
use crate::check::counted;
use crate::show::{self, outln};
use crate::whatif::table;
use plimsoll::{Along, Curve, Said, Step, curve};
use plimsoll_core::{Book, Int, U256};
use std::collections::{BTreeMap, BTreeSet};

/// The curve, or the exit code where there is none.
pub(super) fn ask(book: &Book, along: &str, said: &Said) -> Result<Curve, u8> {
    let (along, hold) = match along {
        // The dollars of the scenario that ships.
        "collateral" => (Along::Collateral, named::scenario("all-collateral")?.hold),
        asset => (Along::Asset(asset.into()), Vec::new()),
    };
    curve(book, along, &hold, said).map_err(|why| refuse(&why))
}

pub(super) fn print(book: &Book, curve: &Curve, top: usize) {
    outln!("\ncollateral at risk along {}", name(curve));
    for (word, names) in [("moves by the factor", &curve.with), ("moves by its inverse", &curve.against)] {
        if !names.is_empty() {
            outln!("{word}: {}", names.join(", "));
        }
    }
    print_assumed(&curve.said);
    let mut rows = table(
        &[
            "move",
            "factor",
            "account",
            "market",
            "",
            "collateral",
            "seizable",
            "all collateral",
            "all seizable",
            "accounts",
        ],
        0..2,
    );
    for column in 5..10 {
        if let Some(column) = rows.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    for step in &curve.now {
        rows.add_row(cells(book, step, "today".into()));
    }
    for side in [&curve.down, &curve.up] {
        for step in side.iter().take(top) {
            rows.add_row(cells(book, step, way(step.factor)));
        }
    }
    if rows.row_count() > 0 {
        outln!("{}", rows.trim_fmt());
    }
    for (word, side) in [("down", &curve.down), ("up", &curve.up)] {
        let all = counted(side.len() as u64, "step");
        match side.len() > top {
            true => outln!("{word}: {top} of {all} shown"),
            false => outln!("{word}: {all}"),
        }
    }
    for end in ends(curve) {
        outln!("{end}");
    }
    if curve.unknown > 0 {
        outln!("in no step, as it is unknown: {}", counted(curve.unknown, "account"));
    }
    if !curve.unproven.is_empty() {
        // One may be so in both directions.
        let accounts: BTreeSet<usize> = curve.unproven.iter().map(|(account, _)| *account).collect();
        let accounts = counted(accounts.len() as u64, "account");
        outln!("proven only to some factor: {accounts} (--json tells which)");
    }
}

fn cells(book: &Book, step: &Step, way: String) -> [String; 10] {
    let listed = &book.accounts[step.account];
    let money = |value: Int| show::amount(value, step.decimals, 2);
    let own = |value: Option<Int>| value.map_or_else(|| "unknown".into(), money);
    [
        way,
        show::exact(step.factor.into(), 8),
        listed.name.clone(),
        book.markets[listed.market].name.clone(),
        format!("{} {}", if step.joins { "joins" } else { "leaves" }, step.currency),
        own(step.at.map(|at| at.collateral)),
        own(step.at.map(|at| at.seizable)),
        money(step.sum.collateral),
        money(step.sum.seizable),
        step.accounts.to_string(),
    ]
}

/// Where the curve of some markets ends, and why: a sentence each, without its point.
pub(super) fn ends(curve: &Curve) -> Vec<String> {
    let mut markets: BTreeMap<(U256, &str), Vec<&str>> = BTreeMap::new();
    for end in &curve.ends {
        markets.entry((end.factor, &end.price)).or_default().push(&end.market);
    }
    let sentence = |((factor, price), markets): ((U256, &str), Vec<&str>)| {
        let way_there = way(factor);
        let factor = show::exact(factor.into(), 8);
        let of = markets.join(", ");
        format!(
            "ends at factor {factor} ({way_there}), as {price} has no price beyond it; who flips there is unknown in {of}"
        )
    };
    markets.into_iter().map(sentence).collect()
}

/// Whose price moves.
pub(super) fn name(curve: &Curve) -> &str {
    match &curve.along {
        Along::Collateral => "all collateral",
        Along::Asset(name) => name,
    }
}

/// How far a factor is from 1, cut toward zero.
pub(super) fn way(factor: U256) -> String {
    let parts = Int::from(factor).sub(Int::new(100_000_000)).unwrap_or(Int::ZERO);
    format!("{} %", show::way(parts, 6, 2))
}
