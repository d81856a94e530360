//! A price as a market reads it, and how sure of it we are.

use crate::num::U256;
use core::fmt;

/// Why a price is not certain, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// No observation at all.
    Missing,
    /// Zero or negative.
    NotPositive,
    /// Older than the feed's own limit.
    Stale,
    /// Its age has a limit, but nothing says when it was observed.
    Undated,
    /// Observed later than the time asked about.
    FromTheFuture,
    /// At the floor or ceiling that the feed cannot pass, or beyond it.
    AtBound,
    /// The source itself gives it with an uncertainty.
    Confidence,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::Missing => "missing",
            Why::NotPositive => "not positive",
            Why::Stale => "stale",
            Why::Undated => "without a date",
            Why::FromTheFuture => "from the future",
            Why::AtBound => "at or beyond its bound",
            Why::Confidence => "uncertain by its own source",
        })
    }
}

/// One price, in the integer unit of the market that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What the venue itself would use now; `None` when there is nothing to use.
    pub value: Option<U256>,
    /// What is wrong with it; `None` for a price we stand by.
    pub doubt: Option<Why>,
    /// The lowest value that the price may have; equal to the value when certain.
    pub low: U256,
    /// The highest value that the price may have; `None` when nothing bounds it.
    pub high: Option<U256>,
}

impl Reading {
    /// A price we stand by.
    #[must_use]
    pub const fn certain(value: U256) -> Reading {
        Reading { value: Some(value), doubt: None, low: value, high: Some(value) }
    }

    /// A price that may be anything.
    #[must_use]
    pub const fn unknown(value: Option<U256>, why: Why) -> Reading {
        Reading { value, doubt: Some(why), low: U256::ZERO, high: None }
    }
}

/// The prices of one market, by slot: everything of the outside world that its contracts would read.
#[derive(Clone, Copy, Debug)]
pub struct Feeds<'a> {
    /// One reading for each of the market's price slots.
    pub readings: &'a [Reading],
}

impl Feeds<'_> {
    /// The reading of a slot; a slot beyond the end is missing.
    #[must_use]
    pub fn get(&self, slot: usize) -> Reading {
        self.readings.get(slot).copied().unwrap_or(Reading::unknown(None, Why::Missing))
    }
}
