//! Alarms that the mean of the correlations of many assets has broken: the book as a whole.

use super::{Alarm, Broke, Machine, Reading, Settings, Wander, Watched};
use crate::unfit::{Unfit, numbers};
use libm::atanh;

/// Watches the mean of all correlations of several assets, of returns as [`super::steady`] makes them, at the times that all have. The
/// difference is that of the means of Fisher's z. Too short a history has no readings and no alarms.
///
/// # Errors
/// With settings that are none, fewer than two assets, lists of unequal lengths, or what is no number.
pub fn watch_mean(times: &[i64], steady: &[&[f64]], settings: &Settings) -> Result<Watched, Unfit> {
    settings.sound()?;
    if steady.len() < 2 {
        return Err(Unfit::TooFew { what: "assets", found: steady.len(), least: 2 });
    }
    for list in steady {
        if list.len() != times.len() {
            return Err(Unfit::Lengths { first: times.len(), second: list.len() });
        }
        numbers("rows", list, 0)?;
    }
    let pairs = Pairs { steady };
    let blocks = pairs.blocks(settings.block);
    let Settings { fast, slow, least, block, .. } = *settings;
    let (mut moving, mut before) = (pairs.none(), pairs.none());
    // A mean of many hardly errs: even one that wanders little is not to alarm at every breath.
    let (mut wander, mut machine) = (Wander::at_least(settings), Machine::new(settings.mean_broken));
    let (mut watched, mut quiet_until, mut variance) = (Watched::default(), i64::MIN, None);
    for end in 1..=times.len() {
        let row = end - 1;
        // The same numbers are taken away as were added: what rounding leaves of numbers near one is nothing.
        pairs.add(&mut moving, row, 1.0);
        if let Some(middle) = row.checked_sub(fast) {
            pairs.add(&mut moving, middle, -1.0);
            pairs.add(&mut before, middle, 1.0);
            if let Some(start) = middle.checked_sub(slow) {
                pairs.add(&mut before, start, -1.0);
            }
        }
        if end < fast + least {
            continue;
        }
        let middle = end - fast;
        let start = middle.saturating_sub(slow);
        if variance.is_none() || end.is_multiple_of(block) {
            let blocks = &blocks[start.div_ceil(block)..middle / block];
            variance = pairs.variance(&before, (middle - start) as f64, blocks);
        }
        let Some(variance) = variance else { continue };
        let ((fast_mean, fast_z), (slow_mean, slow_z)) = (pairs.means(&moving), pairs.means(&before));
        let error = block as f64 * variance * (1.0 / fast as f64 + 1.0 / (middle - start) as f64);
        let errors = (fast_z - slow_z) / error.sqrt();
        if !errors.is_finite() {
            continue;
        }
        let beyond = wander.measure(errors);
        watched.readings.push(Reading { row, fast: fast_mean, slow: slow_mean, errors, beyond });
        if machine.tells(beyond.abs(), settings.release, times[row] >= quiet_until) {
            quiet_until = times[row].saturating_add(settings.quiet);
            let broke = Broke::Correlation;
            watched.alarms.push(Alarm { row, broke, fast: fast_mean, slow: slow_mean, beyond });
        }
    }
    Ok(watched)
}

/// Sums of products of every two assets, each with itself too: the lower triangle, row by row.
struct Pairs<'a> {
    steady: &'a [&'a [f64]],
}

impl Pairs<'_> {
    fn none(&self) -> Vec<f64> {
        vec![0.0; self.steady.len() * (self.steady.len() + 1) / 2]
    }

    fn add(&self, sums: &mut [f64], row: usize, sign: f64) {
        let mut slots = sums.iter_mut();
        for (i, one) in self.steady.iter().enumerate() {
            for (other, slot) in self.steady[..=i].iter().zip(&mut slots) {
                *slot += sign * one[row] * other[row];
            }
        }
    }

    /// Means over every block of rows.
    fn blocks(&self, block: usize) -> Vec<Vec<f64>> {
        let of = |number: usize| {
            let mut sums = self.none();
            (number * block..(number + 1) * block)
                .for_each(|row| self.add(&mut sums, row, 1.0 / block as f64));
            sums
        };
        (0..self.steady[0].len() / block).map(of).collect()
    }

    /// Calls with each pair's place, and the places of the squares of the two.
    fn each(&self, mut pair: impl FnMut(usize, usize, usize)) {
        let diagonal = |i: usize| i * (i + 3) / 2;
        for i in 1..self.steady.len() {
            for j in 0..i {
                pair(i * (i + 1) / 2 + j, diagonal(i), diagonal(j));
            }
        }
    }

    /// The mean of the correlations, and of their z.
    fn means(&self, sums: &[f64]) -> (f64, f64) {
        let (mut mean, mut z, mut count) = (0.0, 0.0, 0.0);
        self.each(|ab, aa, bb| {
            let correlation = sums[ab] / sums[aa].sqrt() / sums[bb].sqrt();
            (mean, z, count) = (mean + correlation, z + atanh(correlation), count + 1.0);
        });
        (mean / count, z / count)
    }

    /// How much a block moves the mean z: its variance over blocks.
    fn variance(&self, sums: &[f64], rows: f64, blocks: &[Vec<f64>]) -> Option<f64> {
        if blocks.len() < 3 {
            return None;
        }
        let moved = |block: &Vec<f64>| {
            let (mut sum, mut count) = (0.0, 0.0);
            self.each(|ab, aa, bb| {
                let (first, second) = (sums[aa] / rows, sums[bb] / rows);
                let product = (first * second).sqrt();
                let correlation = sums[ab] / rows / product;
                let moved =
                    block[ab] / product - 0.5 * correlation * (block[aa] / first + block[bb] / second);
                (sum, count) = (sum + moved / (1.0 - correlation * correlation), count + 1.0);
            });
            sum / count
        };
        let moved: Vec<f64> = blocks.iter().map(moved).collect();
        let mean = moved.iter().sum::<f64>() / moved.len() as f64;
        let squares: f64 = moved.iter().map(|value| (value - mean) * (value - mean)).sum();
        Some(squares / (moved.len() as f64 - 1.0)).filter(|variance| variance.is_finite())
    }
}
