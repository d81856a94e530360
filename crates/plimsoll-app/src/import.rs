//! `plimsoll import csv`: a spreadsheet becomes a book.

use crate::args::ImportCsvArgs;
use crate::show::{errln, outln};
use crate::{check, exit, show};
use plimsoll_core::Rounding;
use plimsoll_io::book::import::{Imported, Map, Request, import};
use plimsoll_io::book::{File, write};
use std::io::IsTerminal;
use std::path::Path;

pub(crate) fn csv(args: &ImportCsvArgs) -> u8 {
    let map = match Map::parse(args.map.iter().map(String::as_str)) {
        Ok(map) => map,
        Err(error) => {
            errln!("plimsoll: --map {}: expected {}", error.found, error.expected);
            return exit::USAGE;
        }
    };
    let rounding = match args.round.as_deref() {
        None => None,
        Some("down") => Some(Rounding::Down),
        Some("up") => Some(Rounding::Up),
        Some("half up") => Some(Rounding::HalfUp),
        Some(other) => {
            errln!("plimsoll: --round {other}: expected down, up or \"half up\"");
            return exit::USAGE;
        }
    };
    let (path, market) = match args.market.rsplit_once('#') {
        Some((path, market)) => (path, Some(market)),
        None => (args.market.as_str(), None),
    };
    let template = match check::template(Path::new(path)) {
        Ok(template) => template,
        Err(code) => return code,
    };
    let request = Request { table: File::open(&args.table), map: &map, template, market, rounding };
    finish(args, &import(request))
}

fn finish(args: &ImportCsvArgs, imported: &Imported) -> u8 {
    let faulty = !imported.faults.is_empty();
    if faulty {
        show::tell(format_args!("{}", imported.faults.render(std::io::stderr().is_terminal())));
        let faults = check::counted(imported.faults.count(), "fault");
        let left_out = check::counted(imported.left_out, "row");
        errln!("plimsoll: {faults} in {}; {left_out} left out", args.table.display());
        if !args.keep_going || imported.book.accounts.is_empty() {
            errln!("plimsoll: nothing was written");
            return exit::FAULTY;
        }
    }
    if imported.rows == 0 && !faulty {
        errln!("plimsoll: {} has a header and no rows; nothing was written", args.table.display());
        return exit::FAULTY;
    }
    if let Err(error) = write(&imported.book).and_then(|written| written.save(&args.out)) {
        errln!("plimsoll: --out {}: {error}", args.out.display());
        return exit::FAULTY;
    }
    outln!(
        "{} of {} as a book in {}",
        check::counted(imported.book.accounts.len() as u64, "account"),
        check::counted(imported.rows, "row"),
        args.out.display()
    );
    if imported.classes > 0 {
        outln!(
            "{} of collateral, by threshold and loan-to-value",
            check::counted(imported.classes as u64, "class")
        );
    }
    match &imported.rounded.most {
        Some(most) => {
            let amounts = check::counted(imported.rounded.count, "amount");
            outln!("{amounts} rounded, by at most {most} tokens");
        }
        None => outln!("no amount was rounded"),
    }
    if imported.empty_debts > 0 {
        let cells = check::counted(imported.empty_debts, "empty debt cell");
        errln!("plimsoll: {cells} taken for no debt; a debt that is not known looks the same");
    }
    // Whoever keeps going has what was sound, and is told that it is not all.
    if faulty { exit::FAULTY } else { exit::CALM }
}
