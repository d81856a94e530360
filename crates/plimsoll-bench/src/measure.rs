//! How a time comes about.
//!
//! Contenders in this process run in turn, A B A B …, so that a slow second of a shared machine meets all of them.
//! Each is run once before anything counts. A figure is the **median** of its passes; its **spread** is the
//! interquartile range over the median, because the slowest pass on a shared machine measures the neighbours. A peer
//! in a process of its own times its own passes on data that it has read before, and is summed up in the same way.

use std::time::Instant;

/// Many passes, summed up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Timing {
    /// Median nanoseconds of an item.
    pub(crate) median: f64,
    /// Interquartile range over the median.
    pub(crate) spread: f64,
    /// Passes.
    pub(crate) runs: u32,
}

/// Times a whole pass of each contender, in turn. `items` are in one pass.
pub(crate) fn in_turn<const N: usize>(
    runs: u32,
    items: u64,
    contenders: [&mut dyn FnMut(); N],
) -> [Timing; N] {
    let begun = Instant::now();
    by_clock(|| begun.elapsed().as_nanos() as f64, runs, items, contenders)
}

/// The same in this thread's time of a processor, for passes of a millisecond and more that others on the machine would disturb; by
/// the clock where the system does not tell it.
pub(crate) fn cpu_in_turn<const N: usize>(
    runs: u32,
    items: u64,
    contenders: [&mut dyn FnMut(); N],
) -> [Timing; N] {
    if thread_nanoseconds().is_none() {
        return in_turn(runs, items, contenders);
    }
    by_clock(|| thread_nanoseconds().unwrap_or(f64::NAN), runs, items, contenders)
}

fn by_clock<const N: usize>(
    clock: impl Fn() -> f64,
    runs: u32,
    items: u64,
    mut contenders: [&mut dyn FnMut(); N],
) -> [Timing; N] {
    for contender in &mut contenders {
        contender();
    }
    let mut passes: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..runs {
        for (contender, passes) in contenders.iter_mut().zip(&mut passes) {
            let begun = clock();
            contender();
            passes.push((clock() - begun) / items as f64);
        }
    }
    passes.map(|passes| sum_up(&passes))
}

/// The most memory that this program ever held (MB); `None` where the system does not say.
pub(crate) fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// Forgets the peak, where the system lets it; later ones count from what is held now.
pub(crate) fn forget_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5"); // else the peak is only higher than it need be
}

/// What this program used of processors so far, its own and the system's time for it, over all threads (s); `None`
/// where the system does not say.
pub(crate) fn cpu_seconds() -> Option<f64> {
    // The clock of these counts is 100 Hz on every Linux that there is (`USER_HZ`).
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: Vec<f64> = fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    Some(ticks.iter().sum::<f64>() / 100.0)
}

/// What this thread used of a processor so far (ns); `None` where the system does not say.
///
/// The system counts a thread that runs only at its own clock ticks, but exactly when it stops: it is sent to sleep for a moment.
pub(crate) fn thread_nanoseconds() -> Option<f64> {
    std::thread::sleep(std::time::Duration::from_nanos(1));
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok()
}

/// Median and spread of passes.
pub(crate) fn sum_up(passes: &[f64]) -> Timing {
    let mut sorted = passes.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = quantile(&sorted, 0.5);
    let spread = (quantile(&sorted, 0.75) - quantile(&sorted, 0.25)) / median;
    Timing { median, spread, runs: sorted.len() as u32 }
}

/// A quantile of sorted numbers, straight between neighbours (Hyndman and Fan's type 7, as R and numpy have it).
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = part * last as f64;
    let below = place.floor();
    let (low, high) = (sorted[below as usize], sorted[last.min(below as usize + 1)]);
    low + (high - low) * (place - below)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from R: `quantile(c(7, 1, 3, 2), c(.25, .5, .75))` is 1.75 2.5 4.0.
    #[test]
    fn median_and_quartiles_are_those_of_r() {
        let timing = sum_up(&[7.0, 1.0, 3.0, 2.0]);
        assert!((timing.median - 2.5).abs() < 1e-12);
        assert!((timing.spread - (4.0 - 1.75) / 2.5).abs() < 1e-12);
        assert_eq!(timing.runs, 4);
    }

    #[test]
    fn one_pass_has_no_spread_and_none_has_no_median() {
        let one = sum_up(&[5.0]);
        assert!((one.median - 5.0).abs() < 1e-12 && one.spread.abs() < 1e-12);
        assert!(sum_up(&[]).median.is_nan());
    }

    #[test]
    fn contenders_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let mut a = || order.borrow_mut().push('a');
        let mut b = || order.borrow_mut().push('b');
        let timings = in_turn(2, 1, [&mut a, &mut b]);
        assert_eq!(order.into_inner(), "ababab"); // the first pair does not count
        assert_eq!(timings.map(|timing| timing.runs), [2, 2]);
    }
}
