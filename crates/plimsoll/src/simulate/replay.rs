//! Recorded bars in the place of a crash's way: each with its low and its high, and no close alone.

#![allow(clippy::float_arithmetic)] // bars as parts of their first price

use super::{float, no};
use crate::ask::Misasked;
use plimsoll_core::Crash;
use plimsoll_risk::bars::Bar;
use plimsoll_risk::history::{History, Series};
use plimsoll_sim::prices::Paths;

/// From when until when, of which history.
#[derive(Clone, Copy, Debug)]
pub struct Replay<'h> {
    /// Every series of it.
    pub history: &'h History,
    /// The first bar opens then or later \[s, Unix\].
    pub since: i64,
    /// The last opens before this.
    pub until: i64,
}

/// The bars of every asset of a crash, over the first open; one that only the market sees keeps to its way.
pub(super) fn paths(crash: &Crash, replay: &Replay<'_>) -> Result<Paths, Misasked> {
    let series: Vec<Option<&Series>> =
        crash.assets.iter().map(|asset| series(asset, replay)).collect::<Result<_, _>>()?;
    let Some(first) = series.iter().copied().flatten().next() else {
        return Err(no("a crash of discounts alone", "an asset that oracles see"));
    };
    let within = |of: &Series| -> Vec<Bar> {
        let bars = of.bars.bars().iter();
        bars.filter(|bar| (replay.since..replay.until).contains(&bar.time)).copied().collect()
    };
    let times: Vec<i64> = within(first).iter().map(|bar| bar.time).collect();
    let step = first.bars.step();
    let gap = times.windows(2).find(|pair| pair[1] - pair[0] != step);
    if times.is_empty() || gap.is_some() {
        let found = gap.map_or_else(
            || "no bar".to_string(),
            |pair| format!("a gap of {} after {}", first.base, pair[0]),
        );
        return Err(no(found, "bars without a gap between --since and --until"));
    }
    let mut all = Vec::new();
    for (asset, of) in crash.assets.iter().zip(&series) {
        let bars: Vec<[f64; 4]> = match of {
            Some(of) => {
                let bars = within(of);
                if bars.iter().map(|bar| bar.time).ne(times.iter().copied()) {
                    let expected = format!("as many bars, at the same times, as {} has", first.base);
                    return Err(no(format!("{} bars of {}", bars.len(), of.base), expected));
                }
                let start = bars.first().map_or(1.0, |bar| bar.open);
                bars.iter().map(|bar| [bar.open, bar.high, bar.low, bar.close].map(|it| it / start)).collect()
            }
            None => (0..times.len() as u64).map(|at| [way(asset, at * step.unsigned_abs()); 4]).collect(),
        };
        all.push(bars);
    }
    let wrong =
        || no("bars that cannot be", "an open and a close between low and high, above 0, of 4 s or more");
    Paths::bars(&all, step.unsigned_abs()).ok_or_else(wrong)
}

/// The part of its price at which a discount's way is, without lines between its points: the last that has been.
fn way(asset: &plimsoll_core::CrashAsset, after: u64) -> f64 {
    let been = asset.way.iter().rfind(|(at, _)| *at <= after);
    been.map_or(1.0, |(_, left)| float(*left))
}

fn series<'h>(
    asset: &plimsoll_core::CrashAsset,
    replay: &Replay<'h>,
) -> Result<Option<&'h Series>, Misasked> {
    if asset.blind {
        return Ok(None);
    }
    let found = asset.names.iter().find_map(|name| replay.history.series(name));
    let unknown = || {
        let known = replay.history.all().iter().map(|series| series.base.clone()).collect();
        let found = asset.names.first().cloned().unwrap_or_default();
        Misasked::NoSuch { what: "series of the history".into(), found, known }
    };
    let found = found.ok_or_else(unknown)?;
    if !found.ranged {
        let expected = "bars with a low and a high: a close alone hides the worst of a crash";
        return Err(no(format!("closes of {} alone", found.base), expected));
    }
    Ok(Some(found))
}
