//! How likely accounts are to be liquidated by a date, and what a whole book may lose: by price history, under several models, as a range.
//!
//! An account is its venue's own row, at the market as it will stand at each look; prices go through the book's price graph. Floats estimate
//! here and decide nothing: a chance says of what it was made, and what it does not know. `docs/risk.md` tells of each part.

#![allow(clippy::float_arithmetic)] // estimates are floats; verdicts are not made here

mod buffer;
mod closed;
pub(crate) mod drivers;
mod ground;
mod models;
mod nodes;
pub(crate) mod policy;
mod prices;
mod study;
#[cfg(test)]
mod tests;
mod walk;

pub use buffer::{
    Buffer, BufferAsk, Need, Policy, PolicyChance, Way as BufferWay, Ways as BufferWays, buffer,
};
pub use drivers::Still;
pub use models::Kind;

use crate::ask::Misasked;
use crate::identity::Identity;
use crate::shock::Said;
use closed::Straight;
use plimsoll_core::{Book, Decimal, Int};
use plimsoll_risk::extremes;
use plimsoll_risk::history::History;
use plimsoll_risk::loss::{self, AtRisk};
use plimsoll_risk::paths::Estimate;
use study::Study;

/// How chances are estimated.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The horizons in days, rising.
    pub days: Vec<u32>,
    /// Somebody looks every so many seconds; a whole part of a day.
    pub look: u64,
    /// Paths that are drawn.
    pub paths: u64,
    /// Which random numbers.
    pub seed: u64,
    /// The last so many days are drawn from and fitted.
    pub window: usize,
    /// Decay of the weights of past days.
    pub decay: f64,
    /// Threads to share the paths among; results do not depend on it.
    pub threads: usize,
    /// What whoever asks says of assets.
    pub said: Said,
    /// Health day by day is kept, for pictures.
    pub fan: bool,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            days: vec![1, 7, 30],
            look: 3600,
            paths: 20_000,
            seed: 1,
            window: 500,
            decay: 0.94,
            threads: 1,
            said: Said::default(),
            fan: false,
        }
    }
}

impl Setting {
    /// Looks until the last horizon.
    fn looks(&self) -> usize {
        let days = self.days.last().map_or(0, |day| u64::from(*day));
        (days * 86_400 / self.look.max(1)) as usize
    }

    fn sound(&self) -> Result<(), Misasked> {
        let wrong =
            |found: String, expected: &str| Err(Misasked::NoEstimate { found, expected: expected.into() });
        if self.days.is_empty() || self.days[0] == 0 || self.days.windows(2).any(|pair| pair[0] >= pair[1]) {
            return wrong(format!("{:?} days", self.days), "days from 1 on, each once, rising");
        }
        if self.days.last().is_some_and(|day| *day > 366) {
            return wrong(format!("{:?} days", self.days), "at most 366 days");
        }
        if self.look < 60 || !86_400_u64.is_multiple_of(self.look) {
            return wrong(
                format!("a look every {} s", self.look),
                "a whole part of a day, a minute or longer",
            );
        }
        if !(100..=10_000_000).contains(&self.paths) {
            return wrong(format!("{} paths", self.paths), "100 to 10000000");
        }
        if self.window < 30 || !(self.decay > 0.0 && self.decay < 1.0) {
            return wrong(format!("a window of {} days", self.window), "30 days or more");
        }
        Ok(())
    }
}

/// The answer about a book.
#[derive(Clone, Debug)]
pub struct Chances {
    /// What it was computed from.
    pub identity: Identity,
    /// SHA-256 over the history's files.
    pub history: String,
    /// The series that prices move with, by their names.
    pub series: Vec<String>,
    /// Series that something needs and that cannot serve, and why.
    pub useless: Vec<String>,
    /// Those of the series that are known by their closes alone: no low or high of theirs is seen.
    pub closes: Vec<String>,
    /// When the first and the last of the days begin that are drawn from \[s\]; `None` where there are none.
    pub window: Option<[i64; 2]>,
    /// Of all days that the series have in common, within the window or before it, those that were left out because one of them lacks a part
    /// of it. The day that has not ended is none of them.
    pub broken: usize,
    /// The horizons in days.
    pub days: Vec<u32>,
    /// Paths of the drawn models.
    pub paths: u64,
    /// Prices that stand still, and why.
    pub still: Vec<(String, Still)>,
    /// The chosen accounts, in the order asked for.
    pub accounts: Vec<AccountChance>,
    /// The whole book under each drawn model; nothing where it was not asked for.
    pub books: Vec<(Kind, Result<BookChance, String>)>,
    /// How many accounts of the book are what.
    pub counts: Counts,
}

/// How many accounts are what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub accounts: u64,
    /// With a chance.
    pub estimated: u64,
    /// Below the line now.
    pub below: u64,
    /// Nothing is owed.
    pub no_debt: u64,
    /// Not estimable.
    pub unknown: u64,
}

/// One account.
#[derive(Clone, Debug)]
pub struct AccountChance {
    /// Its place in the book.
    pub account: usize,
    /// How it stands.
    pub stands: Stands,
    /// Health today, by its rows; `None` where there is none to tell.
    pub health: Option<f64>,
    /// The series that it hangs on, by name.
    pub drivers: Vec<String>,
    /// Each model's answer, the headline first.
    pub models: Vec<ModelChance>,
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It has chances.
    Estimated,
    /// Below its line now: every chance is one.
    Below,
    /// Nothing is owed: no chance.
    NoDebt,
    /// Not estimable, for this reason.
    Unknown(String),
}

/// One model's answer about one account.
#[derive(Clone, Debug)]
pub struct ModelChance {
    /// Which.
    pub kind: Kind,
    /// The chance by each horizon, or why there is none.
    pub chances: Result<Vec<Chance>, String>,
    /// Quantiles of health at the end of each day, where they were asked for: 5, 25, 50, 75 and 95 %.
    pub fan: Vec<[f64; 5]>,
    /// What of the least health is known, for buffers.
    least: Least,
}

/// A chance by a horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// The estimate; a closed form has no standard error.
    pub estimate: Estimate,
    /// It was computed and not drawn.
    pub closed: bool,
}

impl Chance {
    /// Not one path crossed: rarer than the paths and the data can show. Below three over the paths with 95 % confidence, as far as the
    /// model holds.
    #[must_use]
    pub fn beyond(&self) -> bool {
        !self.closed && self.estimate.chance <= 0.0
    }

    /// The bound that stands in the place of a chance of nothing.
    #[must_use]
    pub fn bound(&self) -> f64 {
        3.0 / self.estimate.samples.max(1) as f64
    }
}

/// From what the chance at another health follows.
#[derive(Clone, Debug)]
enum Least {
    /// Nothing.
    Nothing,
    /// Of each horizon, of each path, the logarithm of the least health over today's, rising.
    Drawn(Vec<Vec<f64>>),
    /// A closed form; of each horizon, what interest does.
    Normal { straight: Straight, kind: Kind, carries: Vec<f64> },
    /// The same with jumps.
    Jumps { kou: plimsoll_risk::passage::kou::Kou, carries: Vec<f64> },
}

/// The whole book under one model. Accounts that are below their line now, and those that are not estimable, are in no sum.
#[derive(Clone, Debug)]
pub struct BookChance {
    /// Of each account of the book, how many paths crossed by each horizon.
    pub crossed: Vec<Vec<u64>>,
    /// Of each currency, of each horizon.
    pub losses: Vec<(String, Vec<Losses>)>,
}

/// What a book may lose by a horizon, in one currency (whole units).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// Collateral of those who cross: mean, then the quantiles of 95 and 99 %.
    pub liquidated: [f64; 3],
    /// Debt beyond collateral at the look at which each crosses: mean, value at risk at 95 and 99 %.
    pub bad_debt: [f64; 3],
    /// The mean of the worst 1 % of it.
    pub shortfall: f64,
}

/// Whom to ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// These accounts, by place.
    Accounts(Vec<usize>),
    /// So many of those that are likeliest to cross, and the whole book.
    Book(usize),
}

/// Estimates chances.
///
/// # Errors
/// When the setting cannot be, or a market cannot be asked at one of the looks.
pub fn chances(book: &Book, history: &History, setting: &Setting, whom: &Whom) -> Result<Chances, Misasked> {
    let asked = match whom {
        Whom::Accounts(places) => Some(&places[..]),
        Whom::Book(_) => None,
    };
    Study::new(book, history, setting, asked)?.chances(whom)
}

/// The share of paths that crossed, with its standard error; that of one path where none or all did.
fn share(crossed: u64, paths: u64) -> Estimate {
    let n = paths.max(1) as f64;
    let chance = crossed as f64 / n;
    let error = match crossed == 0 || crossed == paths {
        true => 1.0 / n,
        false => (chance * (1.0 - chance) / n).sqrt(),
    };
    Estimate { chance, error, samples: paths }
}

fn quantiles(values: &[f32]) -> [f64; 5] {
    let mut sorted: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
    // Once here: what is in order is quickly put in order again.
    sorted.sort_by(f64::total_cmp);
    [0.05, 0.25, 0.5, 0.75, 0.95].map(|p| extremes::quantile(&sorted, p).unwrap_or(f64::NAN))
}

/// Mean and quantiles of what all paths lost, the quantiles by the rule of [`loss::historical`]; the shortfall is the mean of the worst 1 %.
fn losses(paths: &[[f64; 2]]) -> Losses {
    let side = |side: usize| paths.iter().map(|path| path[side]).collect::<Vec<f64>>();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    // Sums of what accounts hold and owe are numbers; of a loss that is none no quantile is known.
    let none = AtRisk { value: f64::NAN, shortfall: f64::NAN };
    let at = |values: &[f64], level: f64| loss::historical(values, level).unwrap_or(none);
    let three = |values: &[f64]| [mean(values), at(values, 0.95).value, at(values, 0.99).value];
    let (liquidated, bad) = (side(0), side(1));
    Losses { liquidated: three(&liquidated), bad_debt: three(&bad), shortfall: at(&bad, 0.99).shortfall }
}

/// 10^n, by multiplication: the same on every machine.
fn ten_to(decimals: u8) -> f64 {
    (0..decimals).fold(1.0, |power, _| power * 10.0)
}

/// A decimal as the float beside it.
pub(crate) fn float(number: Decimal) -> f64 {
    number.to_string().parse().unwrap_or(f64::NAN)
}

/// An integer as the float beside it.
fn int(number: Int) -> f64 {
    number.to_string().parse().unwrap_or(f64::NAN)
}
