//! Filtered historical bootstrap of whole days (Barone-Adesi, Giannopoulos and Vosper 1999): a day that has been is drawn with all its hours,
//! over the volatility then expected of it and times the volatility expected now, which follows the track.

use super::{DAY, Track, Tracks};
use crate::history::Series;
use crate::stream::Stream;
use crate::unfit::Unfit;
use crate::volatility::ewma;
use libm::log;

/// Days of history that all series have from their first to their last look.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    /// When each begins \[s\].
    pub times: Vec<i64>,
    /// Looks in a day.
    pub looks: usize,
    /// Of each day, of each look, of each series: close, low and high as logarithms over the day before's close.
    pub moves: Vec<[f64; 3]>,
    /// Days between the first and the last that all series have ended, of which one of them lacks a part.
    pub broken: usize,
}

/// The days that all series have whole, seen every `look` seconds. A series of longer bars than the look moves where its bars end.
///
/// # Errors
/// When a look is no whole part of a day or is no multiple of a series' bars.
pub fn whole_days(series: &[&Series], look: u64) -> Result<Whole, Unfit> {
    let unfit = |found: u64, expected| Err(Unfit::Number { name: "look", found: found as f64, expected });
    if look == 0 || !DAY.is_multiple_of(look) {
        return unfit(look, "a number of seconds that divides a day");
    }
    let looks = (DAY / look) as usize;
    let mut days: Vec<Vec<Option<Vec<[f64; 3]>>>> = Vec::new();
    let spans: Option<Vec<(i64, i64)>> = series.iter().map(|one| one.span()).collect();
    let Some(spans) = spans.filter(|spans| !spans.is_empty()) else {
        return Err(Unfit::TooFew { what: "series", found: 0, least: 1 });
    };
    let day = DAY as i64;
    let first = spans.iter().map(|span| span.0.div_euclid(day)).max().unwrap_or(0) + 1;
    // The day that runs has not ended and lacks nothing yet.
    let ended = |one: &&Series| one.span().map(|(_, last)| (last + one.bars.step()).div_euclid(day));
    let last = series.iter().filter_map(ended).min().unwrap_or(0) - 1;
    for one in series {
        let step = one.bars.step().unsigned_abs();
        if step > DAY || !DAY.is_multiple_of(step) || (step < look && !look.is_multiple_of(step)) {
            return unfit(look, "a multiple of the bars' length, which divides a day");
        }
        days.push((first..=last).map(|day| moves_of(one, day, looks)).collect());
    }
    let mut whole = Whole { looks, ..Whole::default() };
    for at in 0..days.first().map_or(0, Vec::len) {
        let all: Option<Vec<&Vec<[f64; 3]>>> = days.iter().map(|days| days[at].as_ref()).collect();
        let Some(all) = all else {
            whole.broken += 1;
            continue;
        };
        whole.times.push((first + at as i64) * day);
        for look in 0..looks {
            whole.moves.extend(all.iter().map(|moves| moves[look]));
        }
    }
    Ok(whole)
}

/// What a series did on a day, look by look, over the close of the day before; `None` where a bar of it or that close is missing.
fn moves_of(series: &Series, day: i64, looks: usize) -> Option<Vec<[f64; 3]>> {
    let (bars, step) = (series.bars.bars(), series.bars.step());
    let begin = day * DAY as i64;
    let from = bars.partition_point(|bar| bar.time < begin);
    let until = bars.partition_point(|bar| bar.time < begin + DAY as i64);
    let today = &bars[from..until];
    let before = from.checked_sub(1).map(|at| bars[at])?;
    let whole = today.len() as i64 * step == DAY as i64
        && before.time + step >= begin
        && before.time + step - begin < step;
    if !whole {
        return None;
    }
    let base = before.close;
    let look = DAY as i64 / looks as i64;
    let mut last = [0.0; 3];
    let mut seen = Vec::with_capacity(looks);
    let mut next = 0;
    for number in 1..=looks as i64 {
        // Of bars that end by this look the last one is seen, from its low to its high.
        while next < today.len() && today[next].time - begin + step <= number * look {
            let bar = today[next];
            last = [bar.close, bar.low, bar.high].map(|price| log(price / base));
            next += 1;
        }
        seen.push(last);
        last = [last[0]; 3];
    }
    Some(seen)
}

/// The model.
#[derive(Clone, Debug)]
pub struct Days {
    prices: usize,
    looks: usize,
    /// Of each day that is drawn from, of each look, of each price: close, low and high in standard deviations expected of that day.
    rows: Vec<[f64; 3]>,
    days: usize,
    variances: Vec<f64>,
    decay: f64,
}

impl Days {
    /// From whole days, the last `window` of which are drawn from; EWMA of this decay.
    ///
    /// # Errors
    /// With fewer days than the window, or a series that does not move.
    pub fn new(whole: &Whole, prices: usize, window: usize, decay: f64) -> Result<Days, Unfit> {
        let count = whole.times.len();
        if window < 30 || count < window {
            return Err(Unfit::TooFew { what: "whole days", found: count, least: window.max(30) });
        }
        let (looks, from) = (whole.looks, count - window);
        let at = |day: usize, look: usize, price: usize| whole.moves[(day * looks + look) * prices + price];
        let mut rows = vec![[0.0; 3]; window * looks * prices];
        let mut now = Vec::with_capacity(prices);
        for price in 0..prices {
            let closes: Vec<f64> = (0..count).map(|day| at(day, looks - 1, price)[0]).collect();
            let variances = ewma(&closes, decay)?;
            if variances[from..].iter().any(|variance| *variance <= 0.0) {
                return Err(Unfit::Still("daily returns of a series"));
            }
            let z = |day: usize| closes[day] / variances[day].sqrt();
            // History's trend is no forecast: its mean is taken away, evenly over the day.
            let mean = (from..count).map(z).sum::<f64>() / window as f64;
            for day in from..count {
                let deviation = variances[day].sqrt();
                for look in 0..looks {
                    let share = (look + 1) as f64 / looks as f64;
                    rows[((day - from) * looks + look) * prices + price] =
                        at(day, look, price).map(|x| x / deviation - mean * share);
                }
            }
            now.push(variances[count]);
        }
        Ok(Days { prices, looks, rows, days: window, variances: now, decay })
    }

    /// The volatility expected of the first day, of each price.
    #[must_use]
    pub fn volatilities(&self) -> Vec<f64> {
        self.variances.iter().map(|variance| variance.sqrt()).collect()
    }
}

impl Tracks for Days {
    fn prices(&self) -> usize {
        self.prices
    }

    fn looks(&self) -> usize {
        self.looks
    }

    fn ranged(&self) -> bool {
        true
    }

    fn draw(&self, seed: u64, number: u64, days: usize, track: &mut Track) {
        let (prices, looks) = (self.prices, self.looks);
        track.begin(days * looks, prices, true);
        let Some([low, high]) = &mut track.range else { return };
        let mut stream = Stream::new(seed, number);
        let mut variances = self.variances.clone();
        let mut stands = vec![0.0; prices];
        for day in 0..days {
            let drawn = stream.below(self.days as u64) as usize * looks * prices;
            for look in 0..looks {
                let share = (look + 1) as f64 / looks as f64;
                let (row, to) = (drawn + look * prices, (day * looks + look) * prices);
                for price in 0..prices {
                    let (variance, deviation) = (variances[price], variances[price].sqrt());
                    // The price, and not its logarithm, is expected to stand still.
                    let base = stands[price] - 0.5 * variance * share;
                    let [c, l, h] = self.rows[row + price].map(|z| base + deviation * z);
                    track.close[to + price] = c;
                    low[to + price] = l.min(c);
                    high[to + price] = h.max(c);
                }
            }
            let end = (day * looks + looks - 1) * prices;
            for price in 0..prices {
                let r = track.close[end + price] - stands[price] + 0.5 * variances[price];
                variances[price] = self.decay * variances[price] + (1.0 - self.decay) * r * r;
                stands[price] = track.close[end + price];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)] // bars that cannot be made have failed the test

    use super::*;
    use crate::bars::{Bar, Bars};

    /// Bars of six hours from the first of them to the last, without those that are named.
    fn series(bars: std::ops::Range<i64>, without: &[i64]) -> Series {
        let kept = bars.filter(|bar| !without.contains(bar));
        let bar = |bar: i64| {
            let close = 100.0 + (bar % 7) as f64;
            Bar { time: bar * 21_600, open: close, high: close, low: close, close }
        };
        let bars = Bars::new(21_600, kept.map(bar).collect()).expect("bars");
        Series { base: "ETH".into(), quote: "USD".into(), bars, ranged: false }
    }

    /// The day that has not ended is none that lacks a part; one that has ended without one is.
    #[test]
    fn the_running_day_is_not_incomplete() {
        let of = |series: &Series| {
            let whole = whole_days(&[series], 21_600).expect("days");
            (whole.times.len(), whole.broken)
        };
        // Five days, of which the first has none before it; then three bars of a sixth.
        assert_eq!(of(&series(0..20, &[])), (4, 0));
        assert_eq!(of(&series(0..23, &[])), (4, 0));
        assert_eq!(of(&series(0..23, &[9])), (3, 1));
        // A day whose last bar is missing, which the next day would follow from.
        assert_eq!(of(&series(0..23, &[15])), (2, 2));
        let short = series(0..18, &[]);
        let both = whole_days(&[&series(0..23, &[]), &short], 21_600).expect("days");
        assert_eq!((both.times.len(), both.broken), (3, 0));
    }
}
