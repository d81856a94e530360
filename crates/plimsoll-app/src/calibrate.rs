//! `plimsoll calibrate`: where the lines of a market's asset should stand.

pub(crate) mod figures;

use crate::exit;
use crate::show::{self, errln};
use plimsoll_risk::history::History;
use std::io::IsTerminal;
use std::path::Path;

/// Price history from its folder; the exit code where it cannot be had.
pub(crate) fn history(folder: &Path) -> Result<History, u8> {
    let plimsoll_io::history::Opened { history, faults } = plimsoll_io::history::open(folder);
    if faults.is_empty() {
        return Ok(history);
    }
    show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
    errln!("plimsoll: nothing was estimated: the history is faulty");
    Err(exit::FAULTY)
}
