//! Estimates as people read them. What could do harm by looking small is rounded up where it says so.

#![allow(clippy::float_arithmetic)] // shown, and nothing else

/// A share in percent with two digits.
pub(crate) fn percent(share: f64) -> String {
    two(100.0 * share)
}

/// A plain number with two digits; what rounds to nothing has no sign.
pub(crate) fn two(number: f64) -> String {
    let shown = format!("{number:.2}");
    if shown == "-0.00" { "0.00".into() } else { shown }
}

/// A share as a decimal of four digits, rounded up: what is written is no less than what was found.
pub(crate) fn part_up(share: f64) -> String {
    let parts = (share * 10_000.0 - 1e-9).ceil().max(0.0) as u64;
    format!("{}.{:04}", parts / 10_000, parts % 10_000)
}

/// A share in millionths, rounded up; `None` of what is none.
pub(crate) fn millionths(share: f64) -> Option<u64> {
    let parts = (share * 1e6).ceil();
    (parts.is_finite() && (1.0..1e15).contains(&parts)).then_some(parts as u64)
}

/// Money in whole units, thousands apart, rounded up.
pub(crate) fn money(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".into();
    }
    crate::show::grouped(&format!("{:.0}", value.ceil()))
}

/// Money or tokens in whole units, thousands apart, cut: what may be taken on.
pub(crate) fn money_down(value: f64) -> String {
    crate::show::grouped(&format!("{:.0}", value.floor()))
}

/// What is left of one.
pub(crate) fn rest(part: f64) -> f64 {
    1.0 - part
}

/// A number in few digits.
pub(crate) fn figure(number: f64) -> String {
    match number.abs() {
        size if size >= 1000.0 => crate::show::grouped(&format!("{number:.0}")),
        size if size >= 10.0 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

/// A time's day.
pub(crate) fn day(at: i64) -> String {
    let time = plimsoll_core::Time(at.unsigned_abs());
    crate::show::time(time).split('T').next().unwrap_or_default().to_string()
}

/// A share in the ten-thousandths that pictures count: they take what is finite and not below zero.
pub(crate) fn parts(share: f64) -> plimsoll_core::Int {
    plimsoll_core::Int::new((share * 10_000.0).clamp(0.0, 1e12) as i128)
}
