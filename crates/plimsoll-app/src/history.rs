//! Price history for the commands that estimate: opened, its faults told.

use crate::exit;
use crate::show::{self, errln};
use plimsoll_risk::history::History;
use std::io::IsTerminal;
use std::path::Path;

/// The history in a folder; the exit code where it is faulty.
pub(crate) fn open(folder: &Path) -> Result<History, u8> {
    let plimsoll_io::history::Opened { history, faults } = plimsoll_io::history::open(folder);
    if faults.is_empty() {
        return Ok(history);
    }
    show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
    errln!("plimsoll: nothing was estimated: the history is faulty");
    Err(exit::FAULTY)
}
