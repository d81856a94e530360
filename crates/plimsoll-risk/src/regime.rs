//! How things stand in the market as a whole: calm, normal, stressed or in a crisis, against what they were before.
//!
//! Two figures of the assets together are ranked among those of the year before: how much prices move, and how much they move as one.
//! A crisis is both at once: what is held does not spread the risk just when there is much of it.

use crate::rolling::Rolling;
use crate::unfit::{Unfit, numbers};

/// In order of wildness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Regime {
    /// Prices move less than on half of the looks of the year before.
    Calm,
    /// Neither calm nor stressed.
    Normal,
    /// Prices move more than on 80 % of them.
    Stressed,
    /// Prices move more than on 95 % of them, and together no less than usual: on half of them. It lasts until prices move less than on
    /// 75 %.
    Crisis,
}

impl Regime {
    /// The word that people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Regime::Calm => "calm",
            Regime::Normal => "normal",
            Regime::Stressed => "stressed",
            Regime::Crisis => "crisis",
        }
    }
}

/// From here on prices move much.
const STRESSED: f64 = 0.8;
/// A crisis begins here,
const CRISIS: f64 = 0.95;
/// where correlations are at least this high,
const TOGETHER: f64 = 0.5;
/// and ends here.
const OVER: f64 = 0.75;
/// Below it is calm.
const CALM: f64 = 0.5;
/// Looks that one is ranked among: at most a year of days, and no fewer than two months.
const LOOKS: (usize, usize) = (60, 365);

/// How things stood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// At the end of the row of this time \[s\].
    pub time: i64,
    /// The root of the mean square of a row's return over the window and all assets, a year.
    pub volatility: f64,
    /// The mean of the correlations of every two assets over the window.
    pub correlation: f64,
    /// The parts of the looks before that were no higher; `None` before there are 60.
    pub ranks: Option<(f64, f64)>,
    /// What that amounts to.
    pub regime: Option<Regime>,
}

/// Looks every `every` rows at the last `window` of them. Rows are returns of all assets at the same times; a year has `year` rows.
///
/// # Errors
/// With fewer than two assets, lists of unequal lengths, what is no number, or a window of fewer than four rows.
pub fn looks(
    times: &[i64],
    returns: &[&[f64]],
    window: usize,
    every: usize,
    year: f64,
) -> Result<Vec<Look>, Unfit> {
    if returns.len() < 2 {
        return Err(Unfit::TooFew { what: "assets", found: returns.len(), least: 2 });
    }
    for list in returns {
        if list.len() != times.len() {
            return Err(Unfit::Lengths { first: times.len(), second: list.len() });
        }
        numbers("returns", list, 0)?;
    }
    let mut rolling = Rolling::new(returns.len(), window)?;
    let (mut looks, mut crisis): (Vec<Look>, bool) = (Vec::new(), false);
    for (row, time) in times.iter().enumerate() {
        let values: Vec<f64> = returns.iter().map(|list| list[row]).collect();
        rolling.push(&values)?;
        if row + 1 < window || !(row + 1 - window).is_multiple_of(every.max(1)) {
            continue;
        }
        let Some(correlation) = mean(&rolling, returns.len()) else { continue };
        let squares: f64 =
            returns.iter().flat_map(|list| &list[row + 1 - window..=row]).map(|value| value * value).sum();
        let volatility = (squares / (window * returns.len()) as f64 * year).sqrt();
        let before = &looks[looks.len().saturating_sub(LOOKS.1)..];
        let share = |no_higher: &dyn Fn(&Look) -> bool| {
            before.iter().filter(|look| no_higher(look)).count() as f64 / before.len() as f64
        };
        let ranks = (before.len() >= LOOKS.0).then(|| {
            (share(&|look| look.volatility <= volatility), share(&|look| look.correlation <= correlation))
        });
        let regime = ranks.map(|(moves, together)| {
            crisis = if crisis { moves >= OVER } else { moves >= CRISIS && together >= TOGETHER };
            match moves {
                _ if crisis => Regime::Crisis,
                moves if moves >= STRESSED => Regime::Stressed,
                moves if moves < CALM => Regime::Calm,
                _ => Regime::Normal,
            }
        });
        looks.push(Look { time: *time, volatility, correlation, ranks, regime });
    }
    Ok(looks)
}

fn mean(rolling: &Rolling, assets: usize) -> Option<f64> {
    let pairs = (1..assets).flat_map(|i| (0..i).map(move |j| (i, j)));
    let (mut sum, mut count) = (0.0, 0.0);
    for (i, j) in pairs {
        sum += rolling.correlation(i, j)?;
        count += 1.0;
    }
    Some(sum / count)
}

/// When crises began.
#[must_use]
pub fn crises(looks: &[Look]) -> Vec<Look> {
    let is = |look: &Look| look.regime == Some(Regime::Crisis);
    looks.windows(2).filter(|two| is(&two[1]) && !is(&two[0])).map(|two| two[1]).collect()
}
