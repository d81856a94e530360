//! Memory for what is large.

/// Room for so many, which may be of huge pages.
pub(crate) fn reserved<T>(lanes: usize) -> Vec<T> {
    let room = Vec::with_capacity(lanes);
    crate::simd::huge_pages(&room);
    room
}

/// Makes room for more, a quarter at a time: what is not written to is not held.
pub(crate) fn grow<T>(room: &mut Vec<T>, more: usize) {
    if room.capacity() - room.len() < more {
        reserve(room, (room.len() / 4).max(more).max(1024));
    }
}

/// Makes room for so much more at once. What has to move later loses its huge pages, so it is worth knowing before.
pub(crate) fn reserve<T>(room: &mut Vec<T>, more: usize) {
    room.reserve_exact(more);
    crate::simd::huge_pages(room);
}
