//! How well a price keeps to what it is meant to be worth: a stablecoin to its dollar, a staked coin to the coin.

use crate::bars::Bar;
use crate::history::DAY;
use crate::unfit::{Unfit, positive};

/// Lines below the reference, as parts of it: 0.5, 1, 2, 5 and 10 % down.
pub const LINES: [f64; 5] = [0.995, 0.99, 0.98, 0.95, 0.9];

/// Time spent below a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Below {
    /// The line, as a part of the reference.
    pub line: f64,
    /// Bars whose close was below it.
    pub bars: u64,
    /// So many seconds, each bar for its own length.
    pub seconds: i64,
    /// The longest time without a close at or above it \[s\]; a gap ends it.
    pub longest: i64,
    /// When a close was first below it \[s\], the end of the bar.
    pub first: Option<i64>,
}

/// A price against its reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Peg {
    /// The last close over the reference, less one.
    pub now: f64,
    /// When that was known \[s\].
    pub time: i64,
    /// The lowest close over the reference, less one, and when it was known.
    pub lowest: (f64, i64),
    /// The highest.
    pub highest: (f64, i64),
    /// The deviation now less that one day ago, a day; `None` where that close is missing.
    pub speed: Option<f64>,
    /// The largest fall within a day, and when it was complete.
    pub fastest: Option<(f64, i64)>,
    /// Time below each line.
    pub below: Vec<Below>,
}

/// Bars of a price counted in what it is pegged to (or of a ratio), against a reference: 1 for a dollar or a coin, the rate of redemption
/// for a share of a vault.
///
/// # Errors
/// Without bars, with a step or a reference that is not positive.
pub fn peg(bars: &[Bar], step: i64, reference: f64) -> Result<Peg, Unfit> {
    positive("reference", reference)?;
    positive("step", step as f64)?;
    let Some(last) = bars.last() else {
        return Err(Unfit::TooFew { what: "bars", found: 0, least: 1 });
    };
    let off = |bar: &Bar| bar.close / reference - 1.0;
    let known = |bar: &Bar| bar.time + step;
    let by = |a: &&Bar, b: &&Bar| a.close.total_cmp(&b.close);
    let lowest = bars.iter().min_by(by).unwrap_or(last);
    let highest = bars.iter().max_by(by).unwrap_or(last);
    let day_before = |at: usize| {
        let then = bars[at].time - DAY;
        bars[..at].binary_search_by_key(&then, |bar| bar.time).ok().map(|before| off(&bars[before]))
    };
    let mut fastest: Option<(f64, i64)> = None;
    for (at, bar) in bars.iter().enumerate() {
        let Some(change) = day_before(at).map(|before| off(bar) - before) else { continue };
        if change < fastest.map_or(0.0, |(most, _)| most) {
            fastest = Some((change, known(bar)));
        }
    }
    let below = LINES.iter().map(|line| below(bars, step, *line, reference)).collect();
    Ok(Peg {
        now: off(last),
        time: known(last),
        lowest: (off(lowest), known(lowest)),
        highest: (off(highest), known(highest)),
        speed: day_before(bars.len() - 1).map(|before| off(last) - before),
        fastest,
        below,
    })
}

fn below(bars: &[Bar], step: i64, line: f64, reference: f64) -> Below {
    let mut told = Below { line, bars: 0, seconds: 0, longest: 0, first: None };
    let (mut spell, mut due) = (0, None);
    for bar in bars {
        if due.is_some_and(|due| bar.time != due) {
            spell = 0;
        }
        due = Some(bar.time + step);
        if bar.close >= line * reference {
            spell = 0;
            continue;
        }
        spell += step;
        told.bars += 1;
        told.seconds += step;
        told.longest = told.longest.max(spell);
        told.first = told.first.or(due);
    }
    told
}
