//! Price history with gaps.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_risk::bars::{Bar, Bars, Gap, log_returns, paired};

const HOUR: i64 = 3_600;

fn bar(hour: i64, close: f64) -> Bar {
    Bar { time: hour * HOUR, open: close, high: 1.1 * close, low: 0.8 * close, close }
}

/// A return over a gap is not one of an hour: there is none, and the gap is told.
#[test]
fn gaps_are_told_and_not_bridged() {
    let bars = Bars::new(HOUR, vec![bar(0, 100.0), bar(1, 110.0), bar(4, 50.0), bar(5, 60.0)]).expect("bars");
    assert_eq!(bars.gaps(), [Gap { after: HOUR, missing: 2 }]);
    let returns = bars.returns();
    assert_eq!(returns.iter().map(|r| r.time / HOUR).collect::<Vec<_>>(), [1, 5]);
    assert!((returns[0].close - 1.1_f64.ln()).abs() < 1e-15);
    assert!(
        (returns[1].low - 0.96_f64.ln()).abs() < 1e-15 && (returns[1].high - 1.32_f64.ln()).abs() < 1e-15
    );
}

#[test]
fn unsound_bars_are_refused() {
    let refused = |bars: Vec<Bar>| Bars::new(HOUR, bars).expect_err("unsound").to_string();
    assert_eq!(refused(vec![bar(0, -1.0)]), "open[0]: found -1, expected a positive price");
    let low = Bar { low: 101.0, ..bar(0, 100.0) };
    assert_eq!(refused(vec![low]), "low[0]: found 101, expected no more than open and close");
    let high = Bar { high: 99.0, ..bar(0, 100.0) };
    assert!(refused(vec![high]).starts_with("high[0]"));
    for next in [0, -1] {
        assert!(refused(vec![bar(0, 100.0), bar(next, 100.0)]).contains("whole steps after"));
    }
    let between = Bar { time: HOUR / 2, ..bar(0, 100.0) };
    assert!(refused(vec![bar(0, 100.0), between]).contains("whole steps after"));
    assert!(Bars::new(0, Vec::new()).is_err());
    assert!(log_returns(&[1.0]).is_err() && log_returns(&[1.0, 0.0]).is_err());
}

/// A day of which an hour is missing is no day.
#[test]
fn hours_join_to_days() {
    let hours = (0..72).filter(|hour| *hour != 30).map(|hour| bar(hour, 100.0 + hour as f64)).collect();
    let days = Bars::new(HOUR, hours).and_then(|bars| bars.joined(24 * HOUR)).expect("days");
    assert_eq!(days.bars().len(), 2);
    assert_eq!(days.gaps(), [Gap { after: 0, missing: 1 }]);
    let first = days.bars()[0];
    assert_eq!((first.open, first.close), (100.0, 123.0));
    assert!((first.low - 80.0).abs() < 1e-12 && (first.high - 135.3).abs() < 1e-12);
    assert!(days.joined(HOUR).is_err());
}

#[test]
fn pairs_are_of_the_same_times() {
    let of = |hours: &[i64]| {
        let bars = hours.iter().map(|hour| bar(*hour, 100.0 + *hour as f64)).collect();
        Bars::new(HOUR, bars).expect("bars").returns()
    };
    let (first, second) = (of(&[0, 1, 2, 3, 5, 6]), of(&[1, 2, 3, 4, 5, 6]));
    let (a, b) = paired(&first, &second);
    assert_eq!((a.len(), a == b), (3, true));
}
