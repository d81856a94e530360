//! Dependence that does not hang on how large moves are, only on which is larger: ranks.

use crate::unfit::{Unfit, fraction, pairs};
use crate::volatility::moments;

/// Pearson's correlation.
///
/// # Errors
/// With unequal series, fewer than two observations, what is no number, or a series that does not move.
pub fn pearson(first: &[f64], second: &[f64]) -> Result<f64, Unfit> {
    pairs(first, second, 2)?;
    let ((mean1, variance1), (mean2, variance2)) = (moments(first, 0)?, moments(second, 0)?);
    if variance1 <= 0.0 || variance2 <= 0.0 {
        return Err(Unfit::Still("one of the series"));
    }
    let products = first.iter().zip(second).map(|(a, b)| (a - mean1) * (b - mean2));
    Ok(products.sum::<f64>() / first.len() as f64 / (variance1 * variance2).sqrt())
}

/// Ranks from 1; those who are equal share the mean of their places.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|a, b| same(values[*a], values[*b])) {
        let mean = first as f64 + 0.5 * (tied.len() as f64 + 1.0);
        for place in tied {
            ranks[*place] = mean;
        }
        first += tied.len();
    }
    ranks
}

/// Equal as numbers: zero has two signs and one rank.
fn same(a: f64, b: f64) -> bool {
    a.partial_cmp(&b).is_some_and(std::cmp::Ordering::is_eq)
}

/// Spearman's rank correlation: Pearson's of the ranks.
///
/// # Errors
/// As [`pearson`].
pub fn spearman(first: &[f64], second: &[f64]) -> Result<f64, Unfit> {
    pairs(first, second, 2)?;
    pearson(&ranks(first), &ranks(second))
}

/// Kendall's tau-b, in `n log n` by counting the exchanges of a merge sort (Knight 1966, JASA 61).
///
/// # Errors
/// As [`pearson`].
pub fn kendall(first: &[f64], second: &[f64]) -> Result<f64, Unfit> {
    pairs(first, second, 2)?;
    let n = first.len() as u64;
    let mut order: Vec<usize> = (0..first.len()).collect();
    // Adding zero gives both signs of zero one bit pattern, so that the order and equality agree.
    let key = |i: &usize| (first[*i] + 0.0, second[*i] + 0.0);
    order.sort_by(|a, b| {
        let ((a1, a2), (b1, b2)) = (key(a), key(b));
        a1.total_cmp(&b1).then(a2.total_cmp(&b2))
    });
    let all = n * (n - 1) / 2;
    let in_first = tied(&order, |a, b| same(first[*a], first[*b]));
    let in_both = tied(&order, |a, b| same(first[*a], first[*b]) && same(second[*a], second[*b]));
    let mut sorted: Vec<f64> = order.iter().map(|i| second[*i] + 0.0).collect();
    let exchanges = sort(&mut sorted, &mut vec![0.0; first.len()]);
    let in_second = tied(&sorted, |a, b| same(*a, *b));
    if in_first == all || in_second == all {
        return Err(Unfit::Still("one of the series"));
    }
    // Concordant less discordant; a pair tied in one series is neither.
    let balance = all as f64 - in_first as f64 - in_second as f64 + in_both as f64 - 2.0 * exchanges as f64;
    // Roots taken apart: their product would not fit what counts pairs.
    Ok(balance / ((all - in_first) as f64).sqrt() / ((all - in_second) as f64).sqrt())
}

/// Pairs within runs of equal neighbours.
fn tied<T>(list: &[T], mut equal: impl FnMut(&T, &T) -> bool) -> u64 {
    list.chunk_by(|a, b| equal(a, b)).map(|run| run.len() as u64 * (run.len() as u64 - 1) / 2).sum()
}

/// Sorts and counts how many pairs stood in the wrong order.
fn sort(list: &mut [f64], space: &mut [f64]) -> u64 {
    let n = list.len();
    if n < 2 {
        return 0;
    }
    let middle = n / 2;
    let (left, right) = list.split_at_mut(middle);
    let mut exchanges = sort(left, &mut space[..middle]) + sort(right, &mut space[middle..]);
    let (mut i, mut j) = (0, 0);
    for slot in space.iter_mut() {
        if j == right.len() || (i < left.len() && left[i] <= right[j]) {
            *slot = left[i];
            i += 1;
        } else {
            *slot = right[j];
            j += 1;
            exchanges += (left.len() - i) as u64;
        }
    }
    list.copy_from_slice(space);
    exchanges
}

/// How often both are in their lowest `u` share at once, over `u`: `P(U <= u, V <= u) / u` with ranks over `n + 1`. The lower tail
/// dependence is its limit at 0.
///
/// # Errors
/// As [`pearson`], or with a share outside 0 to 1.
pub fn lower_tail(first: &[f64], second: &[f64], u: f64) -> Result<f64, Unfit> {
    pairs(first, second, 2)?;
    fraction("share", u)?;
    let (ranks1, ranks2) = (ranks(first), ranks(second));
    let size = first.len() as f64;
    let low = |rank: &f64| rank / (size + 1.0) <= u;
    let both = ranks1.iter().zip(&ranks2).filter(|(a, b)| low(a) && low(b)).count();
    Ok(both as f64 / size / u)
}
