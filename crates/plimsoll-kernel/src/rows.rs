//! An account's rows as their terms come.

use crate::lower::Begins;
use crate::simd::Simd;

/// Several rows, or rows with hinges, as their terms come: the lowest row counts.
#[derive(Clone, Copy)]
pub(crate) struct Rows<V> {
    row: V,
    hinge: V,
    lowest: V,
    /// The sum of all absolute terms so far.
    pub(crate) gross: V,
    in_hinge: bool,
}

impl<V: Copy> Rows<V> {
    #[inline(always)]
    pub(crate) fn new<S: Simd<V = V>>(s: S) -> Rows<V> {
        let (zero, most) = (s.splat(0.0), s.splat(f64::INFINITY));
        Rows { row: most, hinge: zero, lowest: most, gross: zero, in_hinge: false }
    }

    #[inline(always)]
    pub(crate) fn term<S: Simd<V = V>>(&mut self, s: S, begins: Begins, c: V, v: V) {
        match begins {
            Begins::Row => {
                self.lowest = self.lowest(s);
                (self.row, self.in_hinge) = (s.splat(0.0), false);
            }
            Begins::Hinge => {
                self.row = self.less_hinge(s);
                (self.hinge, self.in_hinge) = (s.splat(0.0), true);
            }
            Begins::Nothing => {}
        }
        self.gross = s.mul_add(s.abs(c), v, self.gross);
        let sum = if self.in_hinge { &mut self.hinge } else { &mut self.row };
        *sum = s.mul_add(c, v, *sum);
    }

    #[inline(always)]
    fn less_hinge<S: Simd<V = V>>(&self, s: S) -> V {
        if self.in_hinge { s.sub(self.row, s.or_zero(self.hinge)) } else { self.row }
    }

    #[inline(always)]
    pub(crate) fn lowest<S: Simd<V = V>>(&self, s: S) -> V {
        s.min(self.less_hinge(s), self.lowest)
    }
}
