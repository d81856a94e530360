//! Memory for what is large.

use crate::panel::Lane;

/// Room for so many lanes, aligned to cache lines.
pub(crate) fn reserved(lanes: usize) -> Vec<Lane> {
    let room = Vec::with_capacity(lanes);
    crate::simd::huge_pages(&room);
    room
}

/// Makes room for one more, a quarter at a time: what is not written to is not held.
pub(crate) fn grow<T>(room: &mut Vec<T>, more: usize) {
    if room.capacity() - room.len() < more {
        room.reserve_exact((room.len() / 4).max(more).max(1024));
        crate::simd::huge_pages(room);
    }
}
