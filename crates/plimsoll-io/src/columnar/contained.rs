//! The decoder behind a wall: on a file that was made to mislead it, it may panic, and that is one more way in which a
//! file is wrong.

use ::parquet::errors::{ParquetError, Result};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside the Parquet decoder, whose panics are told as faults. A program's panic hook need not
/// print them.
#[must_use]
pub fn decoding() -> bool {
    DECODING.with(Cell::get)
}

/// Lets the decoder work. What it was working on is not used again after a panic.
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = DECODING.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    DECODING.set(before);
    outcome.unwrap_or_else(|_| Err(ParquetError::General("something that makes the decoder give up".into())))
}
