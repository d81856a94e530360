//! Price history that a command is given: read, with every fault told.

use crate::ask::refuse;
use crate::exit;
use crate::show::{self, errln};
use plimsoll::{Mapping, known_assets};
use plimsoll_core::{Book, Decimal, Int};
use plimsoll_risk::history::History;
use std::io::IsTerminal;
use std::path::Path;

/// The history in a folder; the exit code where anything of it is faulty.
pub(crate) fn open(folder: &Path) -> Result<History, u8> {
    let opened = plimsoll_io::history::open(folder);
    if opened.faults.is_empty() && !opened.history.all().is_empty() {
        return Ok(opened.history);
    }
    if opened.faults.is_empty() {
        errln!("plimsoll: {}: found no series, expected files such as ETH.csv", folder.display());
    } else {
        show::tell(format_args!("{}", opened.faults.render(std::io::stderr().is_terminal())));
        errln!("plimsoll: nothing was estimated: the history is faulty");
    }
    Err(exit::FAULTY)
}

/// A duration in seconds.
pub(crate) fn seconds(text: &str) -> Result<u64, &'static str> {
    plimsoll_io::time::parse_duration(text).ok_or("expected seconds, or a duration such as 90m, 1h or 1d")
}

/// Refuses names of `--hold` and `--map` that the book has for nothing; the exit code then.
pub(crate) fn known(book: &Book, hold: &[String], map: &[Mapping]) -> Result<(), u8> {
    known_assets(book, hold.iter().chain(map.iter().map(|mapping| &mapping.asset)))
        .map_err(|why| refuse(&why))
}

/// Assets that have the history of another, as `--map` says it where how far prices move does not count; the exit code where it says that.
pub(crate) fn alike(map: &[Mapping]) -> Result<Vec<(String, String)>, u8> {
    if let Some(Mapping { asset, like, times }) =
        map.iter().find(|it| it.times.trimmed() != Decimal::whole(Int::ONE))
    {
        errln!(
            "plimsoll: --map {asset}={like}*{times}: found a factor, expected none: the history is taken as it is"
        );
        return Err(exit::USAGE);
    }
    Ok(map.iter().map(|mapping| (mapping.asset.clone(), mapping.like.clone())).collect())
}
