//! `plimsoll audit`: what an engine recorded, proven, exported and explained from the log alone.

mod actions;
mod explain;
mod export;
mod told;
mod verify;
pub(crate) mod words;

pub(crate) use explain::run as explain;
pub(crate) use export::run as export;
pub(crate) use told::alerted as told_alert;
pub(crate) use verify::run as verify;

use crate::exit;
use crate::show::errln;
use plimsoll_engine::folder::Folder;
use plimsoll_engine::log::Chain;
use plimsoll_engine::record::Entry;
use plimsoll_engine::state::State;
use plimsoll_engine::{Damage, Scan, scan};
use std::path::Path;

/// A record with what it left.
pub(crate) struct Seen<'l> {
    pub(crate) number: u64,
    pub(crate) chain: &'l Chain,
    pub(crate) entry: &'l Entry,
    /// What was known when it had been written.
    pub(crate) state: &'l State,
}

/// Reads a log from its first record, shows each with the state behind it, and proves the chain; the exit code where anything is wrong,
/// which is told. Whoever writes to the log is not disturbed.
pub(crate) fn walk(data: &Path, see: &mut dyn FnMut(Seen<'_>)) -> Result<(Scan, Option<State>), u8> {
    let folder = Folder::look(data).map_err(|trouble| {
        errln!("plimsoll: {trouble}");
        exit::FAULTY
    })?;
    let (mut state, mut failure): (Option<State>, Option<String>) = (None, None);
    let scanned = scan(&folder, 0, None, &mut |number, payload, chain| {
        if failure.is_some() {
            return;
        }
        match Entry::read(payload).and_then(|entry| step(&mut state, number, entry)) {
            Ok(entry) => {
                if let Some(state) = &state {
                    see(Seen { number, chain, entry: &entry, state });
                }
            }
            Err(why) => failure = Some(format!("record {number}: {why}")),
        }
    });
    if let Some(why) = failure {
        errln!("plimsoll: {why}");
        return Err(exit::FAULTY);
    }
    let scanned = scanned.map_err(|damage| {
        match damage {
            Damage::NoLog => errln!("plimsoll: {}: there is no log", data.display()),
            damage => errln!("plimsoll: {damage}"),
        }
        exit::FAULTY
    })?;
    Ok((scanned, state))
}

fn step(state: &mut Option<State>, number: u64, entry: Entry) -> Result<Entry, String> {
    match (&entry, state.as_mut()) {
        (Entry::Founded(founding), None) if number == 0 => {
            *state = Some(State::found(founding, plimsoll_io::venues())?);
        }
        (Entry::Decided(record), Some(state)) => state.replay(number, record),
        (Entry::Founded(_), _) => return Err("it founds an engine that there is".into()),
        (Entry::Marked(_), Some(_)) => {}
        (Entry::Decided(_) | Entry::Marked(_), None) => {
            return Err("it stands before an engine was founded".into());
        }
    }
    Ok(entry)
}

/// Bytes as people compare them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
