//! How many liquidations a run of a property saw add up: told for each thousand, so that a soak shows its size.

use std::sync::atomic::{AtomicU64, Ordering};

const TOLD: u64 = 1000;
static LIQUIDATIONS: AtomicU64 = AtomicU64::new(0);

/// So many more.
pub(crate) fn liquidations(more: usize) {
    let before = LIQUIDATIONS.fetch_add(more as u64, Ordering::Relaxed);
    let after = before + more as u64;
    if after / TOLD > before / TOLD {
        eprintln!("{} liquidations added up", after / TOLD * TOLD);
    }
}
