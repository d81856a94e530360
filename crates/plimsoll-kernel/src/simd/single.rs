//! Singles side by side: what screens before the floats of 64 bits do.
//!
//! A path without them ([`std::convert::Infallible`] has no value) leaves all to those: the portable path is the definition.

use crate::panel::LANES;
use crate::worlds::TILE;
use std::convert::Infallible;

/// Some singles side by side, and counts beside them.
pub(crate) trait Single: Copy {
    /// How many.
    const LANES: usize;
    type F: Copy;
    type C: Copy;
    fn splat(self, x: f32) -> Self::F;
    /// A register of a tile; past the last it begins anew.
    fn across(self, tile: &[f32; TILE], register: usize) -> Self::F;
    /// x y + z, rounded once.
    fn mul_add(self, x: Self::F, y: Self::F, z: Self::F) -> Self::F;
    fn abs(self, x: Self::F) -> Self::F;
    fn neg(self, x: Self::F) -> Self::F;
    /// Bit k: lane k of x is above that of y. Not a number is above nothing.
    fn above(self, x: Self::F, y: Self::F) -> u16;
    /// The highest of all: what [`Single::least`] begins with.
    fn most(self) -> Self::C;
    fn load_counts(self, from: &[u32]) -> Self::C;
    fn store_counts(self, into: &mut [u32], x: Self::C);
    /// One more where x has a sign.
    fn count_signs(self, counts: Self::C, x: Self::F) -> Self::C;
    /// The lesser bits, as whole numbers without sign: whatever has a sign is above what has none.
    fn least(self, bits: Self::C, x: Self::F) -> Self::C;
    /// Some lane's bits are below those of a number other than zero.
    fn some_below(self, bits: Self::C, x: f32) -> bool;
}

/// Singles of a block's accounts, one a lane. A register with room for more has none of this: it would read two blocks as one.
pub(crate) trait Eight: Single {
    fn load(self, lane: &[f32; LANES]) -> Self::F;
    fn store(self, lane: &mut [f32; LANES], x: Self::F);
}

impl Single for Infallible {
    const LANES: usize = 1;
    type F = Infallible;
    type C = Infallible;
    fn splat(self, _: f32) -> Infallible {
        self
    }
    fn across(self, _: &[f32; TILE], _: usize) -> Infallible {
        self
    }
    fn mul_add(self, _: Infallible, _: Infallible, _: Infallible) -> Infallible {
        self
    }
    fn abs(self, _: Infallible) -> Infallible {
        self
    }
    fn neg(self, _: Infallible) -> Infallible {
        self
    }
    fn above(self, _: Infallible, _: Infallible) -> u16 {
        match self {}
    }
    fn most(self) -> Infallible {
        self
    }
    fn load_counts(self, _: &[u32]) -> Infallible {
        self
    }
    fn store_counts(self, _: &mut [u32], _: Infallible) {}
    fn count_signs(self, _: Infallible, _: Infallible) -> Infallible {
        self
    }
    fn least(self, _: Infallible, _: Infallible) -> Infallible {
        self
    }
    fn some_below(self, _: Infallible, _: f32) -> bool {
        match self {}
    }
}

impl Eight for Infallible {
    fn load(self, _: &[f32; LANES]) -> Infallible {
        self
    }
    fn store(self, _: &mut [f32; LANES], _: Infallible) {}
}
