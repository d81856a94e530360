//! A scenario model: how far prices and volatilities move, and what is asked beside the worst of it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// One, of rates and moves.
pub const ONE: u32 = 1_000_000;
/// No more scenarios, and no more days.
pub const MOST_SCENARIOS: usize = 500;
/// No price moves up by more: a hundredfold.
pub const MOST_MOVE: i32 = 100_000_000;
/// No rate of a volatility is above this: tenfold.
pub const MOST_RANGE: u32 = 10 * ONE;
/// No power of time is above this.
pub const MOST_POWER: u32 = 4 * ONE;

/// What happens to volatilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vol {
    /// They fall.
    Down,
    /// They stay.
    Same,
    /// They rise.
    Up,
}

impl Vol {
    /// The word of files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Vol::Down => "down",
            Vol::Same => "same",
            Vol::Up => "up",
        }
    }

    /// Every one, with its number in cells.
    pub const ALL: [Vol; 3] = [Vol::Down, Vol::Same, Vol::Up];
}

/// One scenario: all prices of an underlying move by so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// By how much (millionths), above minus one.
    pub moves: i32,
    /// What volatilities do.
    pub vol: Vol,
    /// What counts of the outcome (millionths, at most one): the dampener of moves that are hardly to be expected.
    pub counts: u32,
}

/// What an underlying did on a day that is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The underlying.
    pub underlying: String,
    /// The day, in words.
    pub name: String,
    /// By how much its price moved (millionths).
    pub moves: i32,
    /// What volatilities did.
    pub vol: Vol,
}

/// A scenario model. Rates are millionths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// By what part a volatility rises, of an option that expires in 30 days.
    pub vol_up: u32,
    /// By what part it falls.
    pub vol_down: u32,
    /// Both are times (30 / days to expiry)^p, a day at the least: p up to 30 days, …
    pub short_power: u32,
    /// … and beyond.
    pub long_power: u32,
    /// By what part one expiry moves against the others, …
    pub basis: u32,
    /// … and by how much more for each year to it.
    pub basis_per_year: u32,
    /// What is asked for each option sold and not covered at its own strike, as a part of the underlying's price.
    pub short_options: u32,
    /// What the maintenance line asks of what the initial one does; at most one.
    pub maintenance: u32,
    /// Days on record.
    pub days: Vec<Day>,
}

/// A move in words: `-16 %`.
#[must_use]
pub fn percent(moves: i32) -> String {
    let (sign, parts) = (if moves < 0 { "-" } else { "+" }, moves.unsigned_abs());
    let (whole, rest) = (parts / 10_000, parts % 10_000);
    if rest == 0 {
        return format!("{sign}{whole} %");
    }
    let digits = format!("{rest:04}");
    format!("{sign}{whole}.{} %", digits.trim_end_matches('0'))
}

impl Scenario {
    /// In words: `-16 %, vol up`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}, vol {}", percent(self.moves), self.vol.name())
    }
}

/// The first number of a model that cannot be; `None` where it can.
pub(super) fn unsound(model: &Model) -> Option<&'static str> {
    let moves = |moves: i32| moves > -(ONE as i32) && moves <= MOST_MOVE;
    let rates = [model.basis, model.basis_per_year, model.short_options, model.maintenance];
    if model.scenarios.is_empty()
        || model.scenarios.len() > MOST_SCENARIOS
        || model.days.len() > MOST_SCENARIOS
    {
        return Some("scenarios");
    }
    if model.scenarios.iter().any(|scenario| !moves(scenario.moves) || scenario.counts > ONE) {
        return Some("scenarios");
    }
    if model.vol_up > MOST_RANGE || model.vol_down > ONE {
        return Some("vol_up");
    }
    if model.short_power > MOST_POWER || model.long_power > MOST_POWER {
        return Some("vol_power");
    }
    if rates.iter().any(|rate| *rate > ONE) {
        return Some("basis");
    }
    if model.maintenance == 0 {
        return Some("maintenance");
    }
    model.days.iter().any(|day| !moves(day.moves)).then_some("worst_days")
}
