//! Alarms that the correlation of two prices has broken, or that one of them has parted from the other.
//!
//! A moving window against a slow one, and no sum that grows (Page's CUSUM): correlations of prices wander all the time, which a growing
//! sum takes for a break sooner or later, while a window forgets it. Of moving sums see Chu, Hornik and Kuan 1995 (Biometrika 82); of
//! watching correlations row by row, Wied and Galeano 2013 (J. Statistical Planning and Inference 143); of Fisher's z, Fisher 1921.
//!
//! The difference of the two windows is told in standard errors. These are not Fisher's, which hold for independent normal rows: the
//! variance of what a row does to the estimate is taken over means of whole days (Carlstein 1986, Annals of Statistics 14), which holds
//! with fat tails and with whatever hangs together within a day. And since correlations wander more than any constant one would, the
//! statistic is measured by how far it has itself gone so far.

mod mean;

use crate::special::normal_quantile;
use crate::unfit::{Unfit, fraction, must, numbers, pairs, positive};
use libm::{atanh, exp2, log, tanh};

pub use mean::watch_mean;

/// What an alarm needs. Fixed before looking; `docs/correlations.md` tells on which data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Rows of the moving window.
    pub fast: usize,
    /// Rows of the window before it, at most.
    pub slow: usize,
    /// Rows of it without which nothing is said.
    pub least: usize,
    /// Rows that may hang together: errors are of means of so many.
    pub block: usize,
    /// Rows after which a move counts half in the volatility that a return is divided by.
    pub half_life: f64,
    /// Returns further than so many of these volatilities count as so many.
    pub clip: f64,
    /// So far, in standard errors, a statistic is taken to wander before it is known.
    pub wander: f64,
    /// For so many rows of it.
    pub wander_rows: f64,
    /// From here on the correlation has broken: standard errors over how far it wanders.
    pub broken: f64,
    /// From here on one has parted from the other, in the same unit.
    pub apart: f64,
    /// From here on the mean of the correlations of many has broken, in the same unit.
    pub mean_broken: f64,
    /// A break is over below this part of the threshold.
    pub release: f64,
    /// And no second one of its kind is told within so many seconds.
    pub quiet: i64,
}

/// Of hourly returns.
pub const HOURS: Settings = Settings {
    fast: 168,
    slow: 2160,
    least: 720,
    block: 24,
    half_life: 24.0,
    clip: 1.5,
    wander: 1.5,
    wander_rows: 1440.0,
    broken: 3.25,
    apart: 4.5,
    mean_broken: 1.75,
    release: 0.5,
    quiet: 14 * 86_400,
};

/// A statistic beyond this counts as this in how far it wanders: one break shall not hide the next for long.
const WANDER_MOST: f64 = 5.0;

impl Settings {
    fn sound(&self) -> Result<(), Unfit> {
        let count = |name, value: usize, least: usize| {
            must(name, value as f64, value >= least, "rows enough for an estimate")
        };
        count("block", self.block, 1)?;
        count("fast", self.fast, 4)?;
        count("least", self.least, 4 * self.block)?;
        count("slow", self.slow, self.least)?;
        positive("half-life", self.half_life)?;
        positive("clip", self.clip)?;
        positive("wander", self.wander)?;
        positive("wander rows", self.wander_rows)?;
        positive("threshold", self.broken.min(self.apart).min(self.mean_broken))?;
        fraction("release", self.release)
    }
}

/// Rows before the volatility of a return is known.
pub const UNKNOWN: usize = 30;

/// Each return over the volatility expected of it (EWMA, begun with the mean of the first 30 squares), cut at `clip`; not a number for the
/// first 30, and where a return is none.
///
/// # Errors
/// With fewer than 30 returns that are numbers, or none that moves among them.
pub fn steady(returns: &[f64], settings: &Settings) -> Result<Vec<f64>, Unfit> {
    settings.sound()?;
    let known: Vec<f64> = returns.iter().copied().filter(|r| r.is_finite()).collect();
    if known.len() < UNKNOWN {
        return Err(Unfit::TooFew { what: "returns", found: known.len(), least: UNKNOWN });
    }
    let mut variance = known[..UNKNOWN].iter().map(|r| r * r).sum::<f64>() / UNKNOWN as f64;
    if variance <= 0.0 {
        return Err(Unfit::Still("returns"));
    }
    let decay = exp2(-1.0 / settings.half_life);
    let mut seen = 0;
    let each = |r: &f64| {
        if !r.is_finite() {
            return f64::NAN;
        }
        let steady = (r / variance.sqrt()).clamp(-settings.clip, settings.clip);
        // What stands still for weeks is divided by next to nothing, and cut: never by nothing.
        variance = (decay * variance + (1.0 - decay) * r * r).max(f64::MIN_POSITIVE);
        seen += 1;
        if seen > UNKNOWN { steady } else { f64::NAN }
    };
    Ok(returns.iter().map(each).collect())
}

/// What broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broke {
    /// The correlation rose or fell.
    Correlation,
    /// One moves in ways that the other does not explain: the variance that is left when the other's part is taken out.
    Apart,
}

/// An alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    /// The place of the row at whose end it is given.
    pub row: usize,
    /// What broke.
    pub broke: Broke,
    /// In the moving window; of [`Broke::Apart`] the part of a variance that is left, in units of the slow window's.
    pub fast: f64,
    /// In the window before it.
    pub slow: f64,
    /// How far beyond what is usual, as the settings count.
    pub beyond: f64,
}

/// The correlation at a row, of steady returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The place of the row.
    pub row: usize,
    /// In the moving window.
    pub fast: f64,
    /// In the window before it.
    pub slow: f64,
    /// The difference in Fisher's z, in standard errors.
    pub errors: f64,
    /// The same over how far that wanders: what alarms are decided by.
    pub beyond: f64,
}

/// Two assets over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    /// Row by row, from the first that has its windows.
    pub readings: Vec<Reading>,
    /// In order of time.
    pub alarms: Vec<Alarm>,
}

/// Two assets as rows: the same place is the same time.
#[derive(Clone, Copy, Debug)]
pub struct Two<'a> {
    /// When each row ends \[s\].
    pub times: &'a [i64],
    /// Their returns.
    pub returns: [&'a [f64]; 2],
    /// The same as [`steady`] makes them.
    pub steady: [&'a [f64]; 2],
}

/// Watches two assets over a history. Too short a one has no readings and no alarms.
///
/// # Errors
/// With settings that are none, lists of unequal lengths, or what is no number.
pub fn watch(two: Two<'_>, settings: &Settings) -> Result<Watched, Unfit> {
    settings.sound()?;
    for list in two.returns.iter().chain(&two.steady) {
        if list.len() != two.times.len() {
            return Err(Unfit::Lengths { first: two.times.len(), second: list.len() });
        }
        numbers("rows", list, 0)?;
    }
    let (steady, plain) = (Products::new(two.steady, settings), Products::new(two.returns, settings));
    let (mut together, mut parted) = (Wander::new(settings), Wander::new(settings));
    let mut machine = [Machine::new(settings.broken), Machine::new(settings.apart)];
    let (mut watched, mut quiet_until) = (Watched::default(), [i64::MIN; 2]);
    for end in settings.fast + settings.least..=two.times.len() {
        let (row, now) = (end - 1, two.times[end - 1]);
        let mut found = [None, None];
        if let Some(change) = steady.windows(end).and_then(|windows| windows.correlation()) {
            let beyond = together.measure(change.errors);
            let Change { fast, slow, errors } = change;
            watched.readings.push(Reading { row, fast, slow, errors, beyond });
            found[0] = Some(Alarm { row, broke: Broke::Correlation, fast, slow, beyond });
        }
        if let Some(change) = plain.windows(end).and_then(|windows| windows.left()) {
            let beyond = parted.measure(change.errors);
            found[1] = Some(Alarm { row, broke: Broke::Apart, fast: change.fast, slow: 1.0, beyond });
        }
        for ((machine, quiet_until), found) in machine.iter_mut().zip(&mut quiet_until).zip(found) {
            let Some(alarm) = found else { continue };
            // Only more that is left is a parting.
            let far = if alarm.broke == Broke::Apart { alarm.beyond } else { alarm.beyond.abs() };
            if machine.tells(far, settings.release, now >= *quiet_until) {
                *quiet_until = now.saturating_add(settings.quiet);
                watched.alarms.push(alarm);
            }
        }
    }
    Ok(watched)
}

/// One alarm a break: the next only once the statistic has come down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    threshold: f64,
    on: bool,
}

impl Machine {
    pub(crate) fn new(threshold: f64) -> Machine {
        Machine { threshold, on: false }
    }

    pub(crate) fn tells(&mut self, far: f64, release: f64, may: bool) -> bool {
        if self.on {
            self.on = far >= release * self.threshold;
            return false;
        }
        self.on = may && far > self.threshold;
        self.on
    }
}

/// How far a statistic goes, from what it did up to one moving window ago: the root of the mean of its squares.
#[derive(Clone, Debug)]
pub(crate) struct Wander {
    lag: usize,
    prior: f64,
    least: f64,
    rows: f64,
    squares: Vec<f64>,
    sum: f64,
}

impl Wander {
    pub(crate) fn new(settings: &Settings) -> Wander {
        let (prior, rows) = (settings.wander * settings.wander, settings.wander_rows);
        Wander { lag: settings.fast, prior, least: 0.0, rows, squares: Vec::new(), sum: 0.0 }
    }

    /// The same, but never taken for less than at the beginning.
    pub(crate) fn at_least(settings: &Settings) -> Wander {
        Wander { least: settings.wander * settings.wander, ..Wander::new(settings) }
    }

    /// The statistic in units of that.
    pub(crate) fn measure(&mut self, errors: f64) -> f64 {
        let square = errors * errors;
        let known = self.squares.len().saturating_sub(self.lag.saturating_sub(1));
        if known > 0 {
            self.sum += self.squares[known - 1];
        }
        self.squares.push(square.min(WANDER_MOST * WANDER_MOST));
        let mean = (self.rows * self.prior + self.sum) / (self.rows + known as f64);
        errors / mean.max(self.least).sqrt()
    }
}

/// A difference between the windows.
#[derive(Clone, Copy, Debug)]
struct Change {
    fast: f64,
    slow: f64,
    errors: f64,
}

/// Sums of `ab`, `aa` and `bb` up to every row, and of their means over blocks and the products of those.
struct Products<'s> {
    settings: &'s Settings,
    rows: Vec<[f64; 3]>,
    means: Vec<[f64; 3]>,
    squares: Vec<[f64; 6]>,
}

/// Places of the six products of three numbers.
const SIX: [(usize, usize); 6] = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];

impl<'s> Products<'s> {
    fn new([first, second]: [&[f64]; 2], settings: &'s Settings) -> Products<'s> {
        let mut rows = vec![[0.0; 3]];
        let mut sum = [0.0; 3];
        for (a, b) in first.iter().zip(second) {
            sum = [sum[0] + a * b, sum[1] + a * a, sum[2] + b * b];
            rows.push(sum);
        }
        let (mut means, mut squares) = (vec![[0.0; 3]], vec![[0.0; 6]]);
        let (mut sum, mut product) = ([0.0; 3], [0.0; 6]);
        for block in first.chunks_exact(settings.block).zip(second.chunks_exact(settings.block)) {
            let mut mean = [0.0; 3];
            for (a, b) in block.0.iter().zip(block.1) {
                mean = [mean[0] + a * b, mean[1] + a * a, mean[2] + b * b];
            }
            let mean = mean.map(|sum| sum / settings.block as f64);
            sum = [sum[0] + mean[0], sum[1] + mean[1], sum[2] + mean[2]];
            means.push(sum);
            for (at, (i, j)) in SIX.iter().enumerate() {
                product[at] += mean[*i] * mean[*j];
            }
            squares.push(product);
        }
        Products { settings, rows, means, squares }
    }

    /// The windows of which the moving one ends before this row.
    fn windows(&self, end: usize) -> Option<Windows> {
        let Settings { fast, slow, block, .. } = *self.settings;
        let middle = end.checked_sub(fast)?;
        let start = middle.saturating_sub(slow);
        let (first, last) = (start.div_ceil(block), middle / block);
        let count = last.checked_sub(first).filter(|count| *count >= 3)?;
        let mean = |from: usize, to: usize| less(self.rows[to], self.rows[from], (to - from) as f64);
        let blocks = less(self.means[last], self.means[first], count as f64);
        let products = less(self.squares[last], self.squares[first], count as f64);
        Some(Windows {
            fast: mean(middle, end),
            slow: mean(start, middle),
            spread: spread(blocks, products, count as f64),
            error: block as f64 * (1.0 / fast as f64 + 1.0 / (middle - start) as f64),
        })
    }
}

fn less<const N: usize>(to: [f64; N], from: [f64; N], over: f64) -> [f64; N] {
    std::array::from_fn(|at| (to[at] - from[at]) / over)
}

/// How much the three means differ from block to block: their covariances, of means over so many blocks and of their products.
fn spread(means: [f64; 3], products: [f64; 6], count: f64) -> [f64; 6] {
    let of = |at: usize| (products[at] - means[SIX[at].0] * means[SIX[at].1]) * count / (count - 1.0);
    std::array::from_fn(of)
}

/// Mean products of both windows, how much those of blocks differ, and what a variance over blocks is to be multiplied by.
struct Windows {
    fast: [f64; 3],
    slow: [f64; 3],
    spread: [f64; 6],
    error: f64,
}

impl Windows {
    /// The standard error of a difference whose slope along the three products is this; `None` where nothing moves.
    fn errors(&self, difference: f64, slope: [f64; 3]) -> Option<f64> {
        let variance: f64 = SIX
            .iter()
            .zip(self.spread)
            .map(|((i, j), spread)| slope[*i] * slope[*j] * spread * if i == j { 1.0 } else { 2.0 })
            .sum();
        let errors = difference / (variance * self.error).sqrt();
        errors.is_finite().then_some(errors)
    }

    /// The correlation: Fisher's z of the one less that of the other.
    fn correlation(&self) -> Option<Change> {
        let (fast, slow) = (correlation(self.fast), correlation(self.slow));
        let slope = z_slope(self.slow, slow);
        let errors = self.errors(atanh(fast) - atanh(slow), slope)?;
        Some(Change { fast, slow, errors })
    }

    /// The variance of one that is left when so much of the other is taken out as the slow window says; the logarithm of its rise, of
    /// whichever of the two rose by more errors.
    fn left(&self) -> Option<Change> {
        let of = |own: usize, other: usize| {
            let part = self.slow[0] / self.slow[other];
            let mut slope = [-2.0 * part, 0.0, 0.0];
            (slope[own], slope[other]) = (1.0, part * part);
            let left =
                |means: [f64; 3]| means.iter().zip(slope).map(|(mean, slope)| mean * slope).sum::<f64>();
            let (fast, slow) = (left(self.fast), left(self.slow));
            let errors = self.errors(log(fast / slow), slope.map(|slope| slope / slow))?;
            Some(Change { fast: fast / slow, slow: 1.0, errors })
        };
        let (one, other) = (of(1, 2), of(2, 1));
        match (one, other) {
            (Some(one), Some(other)) => Some(if one.errors >= other.errors { one } else { other }),
            (one, other) => one.or(other),
        }
    }
}

/// Of three mean products.
fn correlation([ab, aa, bb]: [f64; 3]) -> f64 {
    ab / aa.sqrt() / bb.sqrt()
}

/// How Fisher's z of a correlation moves with each of the three mean products.
fn z_slope([_, aa, bb]: [f64; 3], correlation: f64) -> [f64; 3] {
    let rest = 1.0 - correlation * correlation;
    [1.0 / (aa * bb).sqrt() / rest, -0.5 * correlation / aa / rest, -0.5 * correlation / bb / rest]
}

/// A correlation of returns with mean zero, and the band in which the true one lies with this confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Banded {
    /// Over the rows of the moving window.
    pub correlation: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The correlation of the last rows, with a band that allows for fat tails and for what hangs together within a block: errors are taken
/// over the blocks of the moving and the slow window together. `None` where there are too few rows, or one does not move.
///
/// # Errors
/// As [`watch`], or with a confidence outside 0 to 1.
pub fn banded(returns: [&[f64]; 2], settings: &Settings, confidence: f64) -> Result<Option<Banded>, Unfit> {
    settings.sound()?;
    fraction("confidence", confidence)?;
    pairs(returns[0], returns[1], 0)?;
    let rows = returns[0].len();
    if rows < settings.fast + settings.least {
        return Ok(None);
    }
    let tail = returns.map(|list| &list[rows.saturating_sub(settings.fast + settings.slow)..]);
    let products = Products::new(tail, settings);
    let Some(windows) = products.whole(settings.fast) else { return Ok(None) };
    let (fast, slow) = (correlation(windows.fast), correlation(windows.slow));
    // One error of z: how many standard errors a difference of one is, turned round.
    let Some(errors) = windows.errors(1.0, z_slope(windows.slow, slow)) else { return Ok(None) };
    if !fast.is_finite() {
        return Ok(None);
    }
    let reach = normal_quantile(0.5 + 0.5 * confidence) / errors;
    let middle = atanh(fast.clamp(-1.0, 1.0));
    Ok(Some(Banded { correlation: fast, low: tanh(middle - reach), high: tanh(middle + reach) }))
}

impl Products<'_> {
    /// The last `fast` rows against all of them, with the error of the former alone.
    fn whole(&self, fast: usize) -> Option<Windows> {
        let (rows, blocks) = (self.rows.len() - 1, self.means.len() - 1);
        if blocks < 3 || rows < fast {
            return None;
        }
        let count = blocks as f64;
        let mean = less(self.means[blocks], [0.0; 3], count);
        let products = less(self.squares[blocks], [0.0; 6], count);
        let spread = spread(mean, products, count);
        let part = |from: usize| less(self.rows[rows], self.rows[from], (rows - from) as f64);
        let error = self.settings.block as f64 / fast as f64;
        Some(Windows { fast: part(rows - fast), slow: part(0), spread, error })
    }
}
