//! Memory for what is large.

use crate::panel::Lane;
use crate::simd::{Job, Path, Simd};

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

/// As many bytes as a pass reads, held as a packed book is: how fast they can be read at all is what a pass is measured by.
#[derive(Clone, Debug)]
pub struct Yardstick(Vec<Lane>);

impl Yardstick {
    /// Of so many bytes, but for the last 511.
    #[must_use]
    pub fn new(bytes: usize) -> Yardstick {
        let lanes = bytes / (size_of::<Lane>() * AT_ONCE) * AT_ONCE;
        let mut held = reserved(lanes);
        held.resize(lanes, Lane([1.0; 8]));
        Yardstick(held)
    }

    /// Reads all of them once; gives the least.
    #[must_use]
    pub fn read(&self, path: Path) -> f64 {
        path.run(Reading(&self.0))
    }
}

/// Registers that do not wait for one another.
const AT_ONCE: usize = 8;

struct Reading<'a>(&'a [Lane]);

impl Job for Reading<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let mut least = [s.splat(f64::INFINITY); AT_ONCE];
        for lanes in self.0.as_chunks::<AT_ONCE>().0 {
            for (least, lane) in least.iter_mut().zip(lanes) {
                *least = s.min(*least, s.load(&lane.0));
            }
        }
        let mut each = [0.0; 8];
        s.store(&mut each, least.into_iter().fold(s.splat(f64::INFINITY), |x, y| s.min(x, y)));
        each.into_iter().fold(f64::INFINITY, f64::min)
    }
}
