//! `plimsoll calibrate`: where the lines of a market's collateral should stand.

mod json;
mod page;
mod table;
mod words;

use crate::args::CalibrateArgs;
use crate::ask::{print_foot, refuse};
use crate::check::counted;
use crate::exit;
use crate::show::{self, errln, outln};
use crate::whatif::table as columns;
use plimsoll::{Calibrated, Calibrating, Calibration, Observed, Touched, calibrate};
use plimsoll_core::Book;
use plimsoll_io::assumed::{self, hazards, supplies};
use plimsoll_io::book::File;
use std::io::IsTerminal;
use std::path::Path;

pub(crate) fn run(args: &CalibrateArgs) -> u8 {
    let opened = || {
        let (book, _) = crate::check::open(&args.book, false)?;
        let history = crate::history::open(&args.history)?;
        let depth = crate::stress::open_depth(&args.depth)?;
        let supplies = rows(args.supply.as_deref(), supplies)?;
        let hazards = rows(args.hazards.as_deref(), hazards)?;
        Ok::<_, u8>((book, history, depth, supplies, hazards))
    };
    let (book, history, depth, supplies, hazards) = match opened() {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let like = match crate::history::known(&book, &args.hold, &args.map)
        .and_then(|()| crate::history::alike(&args.map))
    {
        Ok(like) => like,
        Err(code) => return code,
    };
    let with = Calibrating {
        history: &history,
        depth: &depth,
        fund: args.fund,
        supplies: supplies.as_deref().unwrap_or_default(),
        hazards: hazards.as_deref(),
        hold: &args.hold,
        like: &like,
        market: args.market.as_deref(),
        asset: args.asset.as_deref(),
    };
    let found = match calibrate(&book, &with) {
        Ok(found) => found,
        Err(why) => return refuse(&why),
    };
    if let Some(path) = &args.report
        && let Err(code) = page::write(path, &book, &found, &history, args.fund.is_none(), args.top)
    {
        return code;
    }
    if let Some(path) = &args.parquet
        && let Err(code) = table::write(path, &found, &history)
    {
        return code;
    }
    if args.json {
        outln!("{:#}", json::answer(&book, &found, &history));
    } else {
        print(&book, &found, args);
        outln!("history {}", &history.digest()[..16]);
        print_foot(&found.identity);
    }
    if found.all.iter().all(|one| one.found.is_ok()) && !found.all.is_empty() {
        exit::CALM
    } else {
        exit::UNKNOWN
    }
}

/// Rows of a file of assumptions, where one was given.
fn rows<T>(path: Option<&Path>, read: fn(File) -> assumed::Opened<T>) -> Result<Option<Vec<T>>, u8> {
    let Some(path) = path else { return Ok(None) };
    let assumed::Opened { rows, faults } = read(File::open(path));
    if !faults.is_empty() {
        show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
        errln!("plimsoll: nothing was estimated: {} is faulty", path.display());
        return Err(exit::FAULTY);
    }
    Ok(rows)
}

fn print(book: &Book, found: &Calibration, args: &CalibrateArgs) {
    outln!("{}", words::tolerated(found.tolerated, args.fund.is_none()));
    if found.all.is_empty() {
        outln!("nobody owes anything against collateral");
    }
    for one in &found.all {
        outln!("\n{} in {}", one.asset, one.market);
        outln!("{}", words::stands(one));
        match &one.found {
            Ok(seen) => print_found(book, one, seen, found.tolerated, args.top),
            Err(why) => outln!("{why}; LTV 0"),
        }
        words::hazards(one).iter().for_each(|line| outln!("{line}"));
    }
}

fn print_found(book: &Book, one: &Calibrated, seen: &Observed, tolerated: f64, top: usize) {
    words::from(seen).iter().for_each(|line| outln!("{line}"));
    let mut gates = columns(&words::GATES, 1..3);
    for row in words::gates(seen) {
        gates.add_row(row);
    }
    outln!("{}", gates.trim_fmt());
    outln!("{}", words::eligible(seen));
    let mut rows = columns(&words::HEADER, 1..5);
    for row in words::rows(one, seen, tolerated) {
        rows.add_row(row);
    }
    outln!("{}", rows.trim_fmt());
    words::because(one, seen).iter().for_each(|line| outln!("{line}"));
    for column in &seen.columns {
        match &column.touched {
            Ok(touched) => print_touched(book, words::name(column.appetite), touched, top),
            Err(why) => {
                outln!("{}: whom the step would touch cannot be told: {why}", words::name(column.appetite))
            }
        }
    }
}

fn print_touched(book: &Book, name: &str, touched: &Touched, top: usize) {
    let accounts = counted(touched.accounts.len() as u64, "account");
    outln!("{name}: {accounts} newly liquidatable with --set {}", touched.set.join(" --set "));
    outln!("  hash of the changed book {}", &touched.hash[..16]);
    for (account, before, after) in touched.accounts.iter().take(top) {
        let health = |health: &Option<plimsoll::Ratio>| health.map_or_else(|| "-".into(), |h| h.to_string());
        outln!("  {}: health {} to {}", book.accounts[*account].name, health(before), health(after));
    }
    if touched.accounts.len() > top {
        outln!("  {top} of {accounts} shown");
    }
}
