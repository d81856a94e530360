//! The engine: a state machine over a live book, its log that loses nothing which was acknowledged, the guards in front of every action,
//! and a simulator that lets everything around it fail.
//!
//! Read [`record`] (what can be asked, and what a log holds), [`machine`] (how it is decided), [`state`] (what it changes), [`watch`] (who
//! stands where) and [`engine`] (all of it over a log).
//!
//! No I/O, clock or randomness stands here but behind traits ([`storage::Storage`]) that are passed in, with one exception that implements
//! them for a folder of the machine ([`folder`]). [`disk`] is the same trait with a seed: a disk that loses, tears and refuses.

pub mod calls;
pub mod config;
pub mod disk;
pub mod engine;
pub mod feed;
pub mod folder;
pub mod founding;
pub mod guard;
pub mod keeper;
pub mod log;
pub mod machine;
mod places;
pub mod random;
mod reasons;
pub mod record;
pub mod sim;
pub mod snapshot;
pub mod state;
pub mod storage;
pub mod trial;
pub mod watch;

pub use log::{Commit, Damage, Log, LogId, Opened, Scan, Settings, Torn, scan};
pub use storage::{Storage, Trouble};

/// Nanoseconds of UTC.
pub type Stamp = u64;

/// A stamp as people write it: `2026-06-01T12:00:00.5Z`.
pub(crate) fn written(stamp: Stamp) -> String {
    let (second, rest) = (plimsoll_core::Time(stamp / 1_000_000_000).to_string(), stamp % 1_000_000_000);
    if rest == 0 {
        return second;
    }
    let digits = format!("{rest:09}");
    format!("{}.{}Z", second.trim_end_matches('Z'), digits.trim_end_matches('0'))
}
