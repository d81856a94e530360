//! Every name, and what running one may need or meet.

use crate::benches::{
    assess_aave, cascades, chain_fetch, chance, check_1m, conservation, durability, engine, hostile, margin,
    never_miss, num_mul_div, plan, stress_exact, ticks, whole_book,
};
use crate::line::Line;
use plimsoll_core::Refusal;
use serde_json::json;
use std::fmt;

/// One name.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
    pub(crate) run: Run,
}

/// Runs a name at the scale asked for, handing out lines as they are known.
pub(crate) type Run = fn(&Context, &mut dyn FnMut(Line)) -> Result<(), Trouble>;

/// What a name finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// How fast; its soak is the same on more data and more seeds.
    Speed,
    /// Whether something ever fails: crash tests, mutants, fuzzing. Its figure is a count of failures, and its soak
    /// is more cases.
    Property,
}

/// All names, in the order that a reader should meet them.
pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        name: assess_aave::NAME,
        about: "exact, checked liquidation verdicts of Aave v3 accounts, nanoseconds an account on one core",
        kind: Kind::Speed,
        run: assess_aave::run,
    },
    Entry {
        name: check_1m::NAME,
        about: "a million Aave v3 accounts from sorted Parquet to exact totals, CPU seconds and peak memory",
        kind: Kind::Speed,
        run: check_1m::run,
    },
    Entry {
        name: check_1m::prices::NAME,
        about: "liquidation prices of the same accounts, every asset in both directions, CPU seconds",
        kind: Kind::Speed,
        run: check_1m::prices::run,
    },
    Entry {
        name: whole_book::CHECK_1M,
        about: "a packed book of a million accounts in one world: who may be below the line, nanoseconds an account on one core",
        kind: Kind::Speed,
        run: whole_book::run_check_1m,
    },
    Entry {
        name: whole_book::CHECK_10M,
        about: "the same of ten million accounts",
        kind: Kind::Speed,
        run: whole_book::run_check_10m,
    },
    Entry {
        name: whole_book::SWEEP_DENSE,
        about: "a million accounts in 1,024 scenarios, every one computed, exact counts, nanoseconds an account and scenario",
        kind: Kind::Speed,
        run: whole_book::run_sweep_dense,
    },
    Entry {
        name: whole_book::SWEEP,
        about: "the same with tiles of scenarios judged first and pairs looked up in their order",
        kind: Kind::Speed,
        run: whole_book::run_sweep,
    },
    Entry {
        name: stress_exact::NAME,
        about: "a million accounts of five venues, compiled: exact counts of 1,024 worlds, and a crash played to its end",
        kind: Kind::Speed,
        run: stress_exact::run,
    },
    Entry {
        name: ticks::NAME,
        about: "one price moves: who of a million accounts crossed a line of three, nanoseconds a tick",
        kind: Kind::Speed,
        run: ticks::run_1m,
    },
    Entry {
        name: ticks::NAME_10M,
        about: "the same among ten million accounts",
        kind: Kind::Speed,
        run: ticks::run_10m,
    },
    Entry {
        name: ticks::UPDATES,
        about: "one of a million accounts changed: the tick index kept exact, nanoseconds an update",
        kind: Kind::Speed,
        run: ticks::run_updates,
    },
    Entry {
        name: never_miss::NAME,
        about: "events of the tick index against brute force in exact integers, missed and spurious ones",
        kind: Kind::Property,
        run: never_miss::run,
    },
    Entry {
        name: chance::ACCOUNT,
        about: "the chance of one account of five assets to cross its line, 10^5 drawn paths of 30 daily steps, milliseconds on one core",
        kind: Kind::Speed,
        run: chance::run_account,
    },
    Entry {
        name: chance::BOOK,
        about: "the same of ten thousand accounts on the same paths, with what is liquidated on each, seconds on one core",
        kind: Kind::Speed,
        run: chance::run_book,
    },
    Entry {
        name: chance::CORRELATION,
        about: "a new row of returns of 22 assets: all their correlations over a window, microseconds a row",
        kind: Kind::Speed,
        run: chance::run_correlation,
    },
    Entry {
        name: plan::PLAN,
        about: "the cheapest proven plan for one owner's accounts at five venues, milliseconds",
        kind: Kind::Speed,
        run: plan::run_plan,
    },
    Entry {
        name: plan::POLICY,
        about: "a policy of a thousand accounts on five years of hourly bars, beside nothing and a buffer, seconds",
        kind: Kind::Speed,
        run: plan::run_policy,
    },
    Entry {
        name: plan::PLANS,
        about: "plans for random accounts of all venues, walked through the exact markets: those that fail",
        kind: Kind::Property,
        run: plan::run_plans,
    },
    Entry {
        name: cascades::GRID,
        about: "15 configurations of Risk DAO's simulator on its month of minutes (--data), seconds on one core",
        kind: Kind::Speed,
        run: cascades::run_grid,
    },
    Entry {
        name: cascades::CRASH,
        about: "a crash of 43,200 ticks played against a demo book of 100,000 accounts, seconds on one core",
        kind: Kind::Speed,
        run: cascades::run_crash,
    },
    Entry {
        name: margin::CROSS,
        about: "exact maintenance health of a cross account of four tokens and two perps, nanoseconds an account",
        kind: Kind::Speed,
        run: margin::run_cross,
    },
    Entry {
        name: margin::PORTFOLIO,
        about: "portfolio margin of ten options in 31 scenarios from cached columns, exact and as a screen, nanoseconds an account",
        kind: Kind::Speed,
        run: margin::run_portfolio,
    },
    Entry {
        name: margin::pretrade::NAME,
        about: "may an order go in and what would headroom be: four assets, two perps, nanoseconds a check",
        kind: Kind::Speed,
        run: margin::pretrade::run,
    },
    Entry {
        name: margin::BOUNDARY,
        about: "liquidation boundaries of random cross accounts against a scan of every step, wrong ones",
        kind: Kind::Property,
        run: margin::run_boundary,
    },
    Entry {
        name: num_mul_div::NAME,
        about: "x * y / d on checked 256-bit integers, nanoseconds an operation",
        kind: Kind::Speed,
        run: num_mul_div::run,
    },
    Entry {
        name: num_mul_div::PROPERTY,
        about: "prepared division against the big-integer crate's own, on random and awkward numbers",
        kind: Kind::Property,
        run: num_mul_div::run_property,
    },
    Entry {
        name: conservation::NAME,
        about: "random liquidations of every venue: what is taken, paid, burned and written off adds up to the unit",
        kind: Kind::Property,
        run: conservation::run,
    },
    Entry {
        name: durability::POWER_CUTS,
        about: "the log on a disk that tears, loses and refuses, cut off at random: what was acknowledged and is gone",
        kind: Kind::Property,
        run: durability::run_power_cuts,
    },
    Entry {
        name: durability::BIT_FLIPS,
        about: "a log with one bit turned, every bit of 64 KB: not told",
        kind: Kind::Property,
        run: durability::run_bit_flips,
    },
    Entry {
        name: durability::KILLS,
        about: "processes that write a log, killed at random: what they acknowledged and is gone",
        kind: Kind::Property,
        run: durability::run_kills,
    },
    Entry {
        name: durability::DURABLE,
        about: "records hashed, chained and durable in batches, beside what the disk can do",
        kind: Kind::Speed,
        run: durability::run_durable,
    },
    Entry {
        name: engine::MARKET_HOURS,
        about: "an engine in a world that fails, an hour of market a life: healthy accounts acted on, others left alone, intents not resolved once",
        kind: Kind::Property,
        run: engine::run_market_hours,
    },
    Entry {
        name: engine::POSITIONS,
        about: "position updates through an engine, decided, watched and durable, a second",
        kind: Kind::Speed,
        run: engine::run_positions,
    },
    Entry {
        name: engine::RECOVERY,
        about: "an engine of a million accounts opened from a snapshot and ten million later events, seconds",
        kind: Kind::Speed,
        run: engine::run_recovery,
    },
    Entry {
        name: chain_fetch::NAME,
        about: "many accounts fetched from a real node: round trips and time beside a plain loop of single calls",
        kind: Kind::Speed,
        run: chain_fetch::run,
    },
    Entry {
        name: hostile::NAME,
        about: "files made hostile at random, for every reader: a panic, a fault without a place, memory without bound",
        kind: Kind::Property,
        run: hostile::run,
    },
];

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Does it work?
    Quick,
    /// How fast is it? At most five minutes and 8 GB a name.
    Full,
    /// As long as it takes, over this many seeds.
    Soak { rounds: u32 },
}

/// What every bench is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) scale: Scale,
    pub(crate) seed: u64,
    /// Peers in processes of their own take part. Only tests leave them out; the command always asks for them.
    pub(crate) child_peers: bool,
    /// Where data lie that may not be committed.
    pub(crate) data: Option<&'static std::path::Path>,
}

impl Context {
    /// Passes that count.
    pub(crate) fn runs(&self) -> u32 {
        match self.scale {
            Scale::Quick => 5,
            Scale::Full | Scale::Soak { .. } => 41,
        }
    }

    /// The seeds to run over.
    pub(crate) fn seeds(&self) -> std::ops::Range<u64> {
        let rounds = match self.scale {
            Scale::Quick | Scale::Full => 1,
            Scale::Soak { rounds } => u64::from(rounds),
        };
        self.seed..self.seed.saturating_add(rounds)
    }

    /// One of three sizes.
    pub(crate) fn sized<T>(&self, quick: T, full: T, soak: T) -> T {
        match self.scale {
            Scale::Quick => quick,
            Scale::Full => full,
            Scale::Soak { .. } => soak,
        }
    }
}

/// Why there is no figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No bench has this name.
    UnknownName(String),
    /// A baseline cannot be had.
    NoBaseline { baseline: &'static str, why: String },
    /// The data to measure on cannot be had.
    NoData(String),
    /// An answer is not what it must be.
    Wrong(String),
}

impl Trouble {
    /// 2 for what was asked, 3 for what is missing, 1 for what is wrong.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Trouble::Wrong(_) => 1,
            Trouble::UnknownName(_) => 2,
            Trouble::NoBaseline { .. } | Trouble::NoData(_) => 3,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::UnknownName(name) => {
                let names: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
                write!(f, "no bench is called {name}; there are {}", names.join(", "))
            }
            Trouble::NoBaseline { baseline, why } => write!(f, "baseline {baseline} is missing: {why}"),
            Trouble::NoData(what) => write!(f, "no data: {what}"),
            Trouble::Wrong(what) => write!(f, "wrong answer: {what}"),
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Trouble {
        Trouble::Wrong(format!("refused: {refusal}"))
    }
}

/// The entry of a name.
pub(crate) fn find(name: &str) -> Result<&'static Entry, Trouble> {
    ENTRIES.iter().find(|entry| entry.name == name).ok_or_else(|| Trouble::UnknownName(name.into()))
}

impl Entry {
    /// For people.
    pub(crate) fn text(&self) -> String {
        format!("{:<24} {}", self.name, self.about)
    }

    /// For programs.
    pub(crate) fn json(&self) -> String {
        let kind = match self.kind {
            Kind::Speed => "speed",
            Kind::Property => "property",
        };
        json!({ "bench": self.name, "kind": kind, "about": self.about }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for (at, entry) in ENTRIES.iter().enumerate() {
            assert!(ENTRIES[..at].iter().all(|other| other.name != entry.name), "{}", entry.name);
            assert_eq!(find(entry.name).map(|found| found.name), Ok(entry.name));
            assert!(entry.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            let listed: serde_json::Value = serde_json::from_str(&entry.json()).expect("JSON");
            assert_eq!(listed["bench"], entry.name);
        }
    }

    #[test]
    fn an_unknown_name_is_refused_and_the_known_are_told() {
        let Err(trouble) = find("nothing") else { panic!("found") };
        assert_eq!(trouble.exit_code(), 2);
        assert!(trouble.to_string().contains(assess_aave::NAME));
    }
}
