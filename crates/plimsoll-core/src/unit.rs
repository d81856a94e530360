//! What a bare integer counts: a name and the number of decimals it is shown with.

use core::fmt;

/// The unit of an integer. Two integers may be compared or added only in the same unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unit {
    /// What is counted.
    pub name: &'static str,
    /// How many digits of the integer stand after the point.
    pub decimals: u8,
}

impl Unit {
    /// 10^27 is one.
    pub const RAY: Unit = Unit { name: "ray", decimals: 27 };
    /// 10^18 is one.
    pub const WAD: Unit = Unit { name: "wad", decimals: 18 };
    /// 10^4 is one: basis points.
    pub const BPS: Unit = Unit { name: "bps", decimals: 4 };
    /// Seconds.
    pub const SECONDS: Unit = Unit { name: "s", decimals: 0 };
    /// A count, a bitmap or an identifier.
    pub const NUMBER: Unit = Unit { name: "", decimals: 0 };

    /// The smallest unit of a token with so many decimals.
    #[must_use]
    pub const fn raw(decimals: u8) -> Unit {
        Unit { name: "raw", decimals }
    }

    /// A token balance divided by its index, as lending pools store it.
    #[must_use]
    pub const fn scaled(decimals: u8) -> Unit {
        Unit { name: "scaled", decimals }
    }

    /// Shares of a pool.
    #[must_use]
    pub const fn shares(decimals: u8) -> Unit {
        Unit { name: "shares", decimals }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Seconds since 1970-01-01 UTC, as a block carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

impl Time {
    /// Seconds from `earlier` to here, or `None` when the clock went back.
    #[must_use]
    pub fn since(self, earlier: Time) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }
}
