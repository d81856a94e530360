//! `plimsoll correlations`: how collateral and debt of a book move together, and when that changed.

mod json;
mod report;
mod table;
pub(crate) mod words;

use crate::args::CorrelationsArgs;
use crate::ask::{print_foot, words as refusal};
use crate::check::counted;
use crate::exit;
use crate::explain::full_name;
use crate::show::{self, errln, outln};
use crate::whatif::table as columns;
use plimsoll::{Blank, Correlated, DIGITS, Monitor, Since, correlations};
use plimsoll_core::Book;

pub(crate) fn run(args: &CorrelationsArgs) -> u8 {
    let (book, history) = match (crate::check::open(&args.book, false), crate::history::open(&args.history)) {
        (Ok((book, _)), Ok(history)) => (book, history),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let (Some(since), Some(until)) =
        (moment("--since", args.since.as_deref()), moment("--until", args.until.as_deref()))
    else {
        return exit::USAGE;
    };
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        errln!("plimsoll: found --since {}, expected a time before --until", words::time(since));
        return exit::USAGE;
    }
    let like =
        match crate::history::known(&book, &[], &args.map).and_then(|()| crate::history::alike(&args.map)) {
            Ok(like) => like,
            Err(code) => return code,
        };
    let asked = Since { since, until, like: &like };
    let answer = match correlations(&book, &history, &asked) {
        Ok(answer) => answer,
        Err(unsound) => return crate::check::refused(&unsound),
    };
    if let Some(path) = &args.report
        && let Err(code) = report::write(path, &book, &answer)
    {
        return code;
    }
    if let Some(path) = &args.parquet
        && let Err(code) = table::write(path, &answer)
    {
        return code;
    }
    if args.json {
        outln!("{:#}", json::of(&book, &answer, &asked));
    } else {
        print(&book, &answer, args.top);
    }
    // Where nothing was looked at, no alarm is no comfort.
    let seen = answer.pairs.iter().filter_map(|pair| pair.seen.as_ref().ok()?.times.last().copied()).max();
    let unseen = seen.filter(|last| since.is_some_and(|since| since > *last));
    if let Some(last) = unseen {
        errln!("plimsoll: nothing was looked at: the history ends at {}, before --since", words::time(last));
    }
    let unknown = unseen.is_some() || !answer.unvalued.is_empty() || answer.pairs.iter().any(is_unknown);
    if unknown { exit::UNKNOWN } else { exit::CALM }
}

/// A time that was asked for, and whether there was one at all; `None` after a message where it cannot be read.
pub(crate) fn moment(option: &str, text: Option<&str>) -> Option<Option<i64>> {
    let Some(text) = text else { return Some(None) };
    // A day is its first second.
    let time =
        plimsoll_io::time::parse(text).or_else(|| plimsoll_io::time::parse(&format!("{text}T00:00:00Z")));
    let Some(time) = time.and_then(|time| i64::try_from(time.0).ok()) else {
        errln!(
            "plimsoll: {option} {text}: found no time, expected unix seconds, a day or like 2026-03-01T12:00:00Z"
        );
        return None;
    };
    Some(Some(time))
}

/// Where two prices are not one and the history should say how they move.
fn is_unknown(pair: &Correlated) -> bool {
    !matches!(pair.seen, Ok(_) | Err(Blank::Same | Blank::Unit(_)))
}

fn print(book: &Book, answer: &Monitor, top: usize) {
    let mut rows = columns(&words::PAIRS.map(|(name, _)| name), 2..8);
    for pair in &answer.pairs {
        rows.add_row(words::pair(pair));
    }
    outln!("{}\n", rows.trim_fmt());
    for why in words::unknown(answer) {
        outln!("UNKNOWN  {why}");
    }
    for basis in &answer.no_basis {
        outln!("UNKNOWN  how {basis} moves: no such series in the history");
    }
    for (account, id, why) in &answer.unvalued {
        let market = &book.markets[book.accounts[*account].market].market;
        let asset = market.instruments().get(id.index()).map_or("?", |one| one.name.as_str());
        outln!("UNKNOWN  {asset} of {} is in no pair: {}", full_name(book, *account), refusal(why));
    }
    for line in words::whole(&answer.whole) {
        outln!("{line}");
    }
    if !answer.pegs.is_empty() {
        let mut rows = columns(&words::PEGS, 2..11);
        for pegged in &answer.pegs {
            rows.add_row(words::peg(pegged));
        }
        outln!("\n{}", rows.trim_fmt());
    }
    if !answer.alarms.is_empty() {
        let mut rows = columns(&words::ALARMS, 4..5);
        for told in answer.alarms.iter().rev().take(top).rev() {
            rows.add_row(words::alarm(told));
        }
        outln!("\n{}", rows.trim_fmt());
    }
    let all = counted(answer.alarms.len() as u64, "alarm");
    if answer.alarms.len() > top {
        outln!("{all}, the latest {top} shown");
    } else {
        outln!("{all}");
    }
    print_foot(&answer.identity);
    outln!("history {}", &answer.history[..16]);
    outln!("{}", words::METHOD);
}

/// What stands behind a debt, by currency.
fn backs(pair: &Correlated) -> String {
    let one = |backed: &plimsoll::Backed| {
        format!("{} {}", show::amount(backed.debt.into(), DIGITS, 0), backed.currency)
    };
    pair.backed.iter().map(one).collect::<Vec<_>>().join(", ")
}
