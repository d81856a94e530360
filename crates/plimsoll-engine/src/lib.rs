//! The engine's ground: a log that loses nothing which was acknowledged, on storage that may fail at any call.
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
