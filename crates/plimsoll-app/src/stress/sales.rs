//! What sales into depth bring, and the steps of a path: as rows for the terminal and for a page.

use super::Seen;
use crate::check::counted;
use crate::exit;
use crate::show::{self, errln, outln};
use crate::whatif::table;
use plimsoll::{Jump, Left, Risk, Sales, Stays, Stride, Walk};
use plimsoll_core::{Depth, How, Int, Shock, Target};
use plimsoll_io::book::File;
use plimsoll_io::depth::{Opened, read_file};
use std::io::IsTerminal;
use std::path::Path;

/// Depth curves from a file; the exit code where they cannot be had.
pub(crate) fn open(path: &Path) -> Result<Depth, u8> {
    let Opened { depth, faults } = read_file(File::open(path));
    if !faults.is_empty() {
        show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
    }
    depth.ok_or_else(|| {
        errln!("plimsoll: nothing was judged: the depth is faulty");
        exit::FAULTY
    })
}

pub(super) const HEADER: [&str; 12] = [
    "",
    "",
    "calls",
    "sold",
    "brought",
    "gas",
    "bad debt",
    "does not pay",
    "beyond the data",
    "no curve",
    "refused",
    "no price",
];

/// One row a currency.
pub(super) fn rows(name: &str, risks: &[Risk], mut add: impl FnMut(Vec<String>)) {
    let mut first = name.to_string();
    for risk in risks {
        let Sales { calls, sold, brought, gas, bad_debt, left } = &risk.sales;
        let money = |value: Int| show::amount(value, risk.decimals, 2);
        let mut row = vec![std::mem::take(&mut first), risk.currency.clone(), calls.to_string()];
        row.extend([*sold, *brought].map(money));
        row.extend([*gas, *bad_debt].map(|value| up(value, risk.decimals)));
        row.extend(left.iter().map(|left| stays(left, risk.decimals)));
        add(row);
    }
}

/// What is missing, in cents.
pub(super) fn up(value: Int, decimals: u8) -> String {
    show::missing(value, decimals, 2)
}

/// How many are left, and what they owe.
fn stays(left: &Left, decimals: u8) -> String {
    match left.accounts {
        0 => "-".into(),
        accounts => format!("{accounts} owing {}", show::amount(left.debt, decimals, 2)),
    }
}

/// What is assumed of sales, a line each.
pub(super) fn assumed(depth: &Depth, unused: &[String]) -> Vec<String> {
    let mut lines = vec![
        format!("depth: {}", depth.name),
        "worst account first; each sale goes on where the one before it left the curve, also across venues".into(),
        "a liquidator acts where what the sale brings covers what he repays and gas; a lot that does not pay is halved, down to a 64th".into(),
        "where the venue itself takes an account over, all that it takes is sold, and what that does not cover is lost".into(),
        "beyond the last point of a curve nothing is sold, and nothing is liquidated".into(),
        "bad debt counts what is not sold as owed: no bonus is paid for it, so it may be below what acting at once leaves".into(),
    ];
    lines.extend(
        unused.iter().map(|name| format!("nothing of the book is sold as {name}: that curve does nothing")),
    );
    lines.extend(depth.sources.iter().map(|source| format!("source of the depth: {source}")));
    if depth.gas.is_empty() {
        lines.push("a call costs nothing".into());
    }
    for gas in &depth.gas {
        lines.push(format!("a call costs {} {}", gas.amount, gas.currency.join(" or ")));
    }
    lines.push(format!(
        "between two steps of a path buyers are found again for {} of what was sold",
        depth.recovers
    ));
    lines
}

/// The same for the scenario: what it leaves of the depth, and what is counted for want of a price.
pub(super) fn dried(jump: &Jump) -> Vec<String> {
    let all = jump.scenario.liquidity.map(|part| format!("liquidity: {part} of every curve is left"));
    let shocks = &jump.scenario.shocks;
    let some = shocks.iter().enumerate().filter_map(|(at, shock)| {
        let part = shock.liquidity?;
        let whose = match &shock.target {
            Target::Assets { assets, .. } => assets.join(", "),
            _ => "all collateral".into(),
        };
        let stands = !shocks[at + 1..].iter().any(|later| replaces(later, shock));
        stands.then(|| format!("liquidity: {part} is left of the curves of {whose}"))
    });
    let unpriced = jump.risks.iter().any(|risk| risk.sales.left_for(Stays::Unpriced).accounts > 0);
    let unpriced = unpriced.then(|| {
        "no price: the bad debt of these is at the venue's price; at the market's it may be more".to_string()
    });
    all.into_iter().chain(some).chain(unpriced).collect()
}

/// Whether a later shock stands in place of all of another.
fn replaces(later: &Shock, shock: &Shock) -> bool {
    let (Target::Assets { assets, kinds, .. }, Target::Assets { assets: before, kinds: those, .. }) =
        (&later.target, &shock.target)
    else {
        return false;
    };
    !matches!(later.how, How::Wrong(_))
        && before.iter().all(|name| assets.contains(name))
        && those.iter().all(|kind| kinds.contains(kind))
}

pub(super) fn print(seen: &Seen) {
    if let Some(depth) = &seen.depth {
        outln!("\nsold into depth:");
        let mut all = table(&HEADER, 2..12);
        for jump in &seen.jumps {
            rows(&jump.scenario.called(), &jump.risks, |row| {
                all.add_row(row);
            });
        }
        outln!("{}", all.trim_fmt());
        assumed(depth, &seen.unused).iter().for_each(|line| outln!("{line}"));
        for jump in &seen.jumps {
            dried(jump).iter().for_each(|line| outln!("{}: {line}", jump.scenario.called()));
        }
    }
    for (jump, walk) in seen.jumps[1..].iter().zip(&seen.walks) {
        let steps = counted(walk.at_once.len() as u64, "step");
        outln!("\n{} in {steps}, prices on a straight line", jump.scenario.called());
        for (title, strides, header) in ways(walk) {
            outln!("{title}");
            let mut all = table(header, 0..1);
            for column in (1..header.len()).filter(|column| *column != 4) {
                if let Some(column) = all.column_mut(column) {
                    column.set_cell_alignment(comfy_table::CellAlignment::Right);
                }
            }
            for (number, stride) in (1..).zip(strides) {
                steps_rows(number, stride, title == SOLD, |row| {
                    all.add_row(row);
                });
            }
            outln!("{}", all.trim_fmt());
        }
    }
}

const AT_ONCE: &str = "liquidators act at once at the venue's price";
pub(super) const SOLD: &str = "liquidators sell into depth";

const ONCE_HEADER: [&str; 8] =
    ["step", "liquidatable", "left so", "unknown", "", "their collateral", "seizable now", "bad debt so far"];
const SOLD_HEADER: [&str; 9] = [
    "step",
    "liquidatable",
    "left so",
    "unknown",
    "",
    "their collateral",
    "sold so far",
    "brought so far",
    "bad debt so far",
];

/// The ways in which a path is walked: its name, its steps, and what is told of each.
pub(super) fn ways(walk: &Walk) -> Vec<(&'static str, &[Stride], &'static [&'static str])> {
    let mut ways: Vec<(&str, &[Stride], &[&str])> = vec![(AT_ONCE, &walk.at_once, &ONCE_HEADER)];
    if !walk.sold.is_empty() {
        ways.push((SOLD, &walk.sold, &SOLD_HEADER));
    }
    ways
}

/// One row a currency.
pub(super) fn steps_rows(number: usize, stride: &Stride, sold: bool, mut add: impl FnMut(Vec<String>)) {
    let Stride { found, left, risks, .. } = stride;
    let counts = [number as u64, found.liquidatable, left.liquidatable, left.unknown];
    let mut first: Vec<String> = counts.map(|count| count.to_string()).to_vec();
    if risks.is_empty() {
        add(first.clone());
    }
    for risk in risks {
        let money = |value: Int| show::amount(value, risk.decimals, 2);
        let mut row = std::mem::replace(&mut first, vec![String::new(); 4]);
        row.push(risk.currency.clone());
        row.push(money(risk.collateral[1]));
        if sold {
            row.extend([risk.sales.sold, risk.sales.brought].map(money));
            row.push(up(risk.sales.bad_debt, risk.decimals));
        } else {
            row.extend([money(risk.seizable), up(risk.bad_debt, risk.decimals)]);
        }
        add(row);
    }
}

/// What holders lose in markets that fail.
pub(super) fn print_losses(jump: &Jump, top: usize) {
    if jump.losses.is_empty() {
        return;
    }
    outln!("\n{}", LOSSES);
    let mut all = table(&LOSS_HEADER, 3..7);
    for row in loss_rows(jump, top) {
        all.add_row(row);
    }
    outln!("{}", all.trim_fmt());
    if jump.losses.len() > top {
        outln!("{top} of {} shown", counted(jump.losses.len() as u64, "owner"));
    }
}

pub(super) const LOSSES: &str =
    "markets that fail: holders lose what is not paid and go on owing; nobody is liquidated there";
pub(super) const LOSS_HEADER: [&str; 7] = ["market", "owner", "", "has", "loses", "owes", "unknown"];

pub(super) fn loss_rows(jump: &Jump, top: usize) -> Vec<[String; 7]> {
    let row = |loss: &plimsoll::Loss| {
        let valued = loss.accounts - loss.unvalued;
        let sum = |text: String| show::summed(Some(text), valued, loss.unvalued);
        let money = |value: Int| show::amount(value, loss.decimals, 2);
        // Rounded up, but to no more than he is shown to have.
        let whole = loss.lost == loss.held;
        let lost = if whole { money(loss.held) } else { up(loss.lost, loss.decimals) };
        [
            loss.market.clone(),
            loss.owner.clone(),
            loss.currency.clone(),
            sum(money(loss.held)),
            sum(lost),
            sum(money(loss.owed)),
            loss.unvalued.to_string(),
        ]
    };
    jump.losses.iter().take(top).map(row).collect()
}
