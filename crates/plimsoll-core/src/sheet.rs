//! What a scenario model asks of an account, scenario by scenario.

use crate::num::Int;
use crate::unit::Unit;
use alloc::string::String;
use alloc::vec::Vec;

/// What an account gains or loses in one scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The scenario, in words.
    pub name: String,
    /// What is gained, below zero what is lost.
    pub value: Int,
}

/// What is asked for everything that moves with one underlying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetGroup {
    /// The underlying.
    pub name: String,
    /// What counts of each scenario, in the order of the model.
    pub outcomes: Vec<Outcome>,
    /// The scenario of the greatest loss, as a place in `outcomes`; `None` where none loses anything.
    pub binding: Option<usize>,
    /// What is asked beside it, on the initial line.
    pub charges: Vec<(&'static str, Int)>,
    /// What the worst day on record would do, of the days that the model has; `None` where it has none of this underlying.
    pub worst_day: Option<Outcome>,
}

/// An account under a scenario model; every number in `unit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// What the numbers count.
    pub unit: Unit,
    /// What counts for the account.
    pub equity: Int,
    /// What new risk must leave it above.
    pub initial: Int,
    /// Below what it is liquidated.
    pub maintenance: Int,
    /// By underlying.
    pub groups: Vec<SheetGroup>,
}

impl Sheet {
    /// What is lost if each underlying has its worst day on record, all at once; `None` where the model has no such day of one of them.
    #[must_use]
    pub fn worst_days(&self) -> Option<Int> {
        self.groups
            .iter()
            .try_fold(Int::ZERO, |sum, group| sum.add(group.worst_day.as_ref()?.value.neg().max(Int::ZERO)))
    }
}
