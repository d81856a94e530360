//! Memory for what is read from end to end.

use crate::panel::Lane;

/// Room for so many lanes, aligned to cache lines.
pub(crate) fn reserved(lanes: usize) -> Vec<Lane> {
    let room = Vec::with_capacity(lanes);
    crate::simd::huge_pages(&room);
    room
}
