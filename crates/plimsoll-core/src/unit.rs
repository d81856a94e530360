//! What a bare integer counts: a name and the number of decimals it is shown with.

use core::fmt;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Time(pub u64);

impl Time {
    /// So many seconds later, or the last second there is.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Time {
        Time(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to here, or `None` when the clock went back.
    #[must_use]
    pub fn since(self, earlier: Time) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }
}

/// RFC 3339 in UTC; where readers of times stop, 26 hours before the year 10000, the bare seconds.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const END: u64 = 253_402_207_201;
        if self.0 >= END {
            return write!(f, "{}", self.0);
        }
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        // Years that begin in March end with the leap day; 719 468 days are from March of the year 0 to 1970, and
        // 400 years have 146 097.
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, turn) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = era * 400 + year + turn;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}
