//! Integers as people read them.

use plimsoll_core::{Decimal, Int, Rounding, Time, U256};
use std::fmt::Arguments;
use std::io::{ErrorKind, Result, Write};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// What became of stdout: nobody looks at what comes after the first line that could not be written.
static STDOUT: AtomicU8 = AtomicU8::new(WHOLE);
const WHOLE: u8 = 0;
/// The reader went away (`| head`): that is its own affair.
const GONE: u8 = 1;
const FAILED: u8 = 2;

/// Prints a line to stdout. One that cannot be written changes nothing of what is computed; see [`ended`].
pub(crate) fn line(text: Arguments<'_>) {
    if STDOUT.load(Relaxed) == WHOLE {
        written(writeln!(std::io::stdout().lock(), "{text}"));
    }
}

/// Remembers what became of a write to stdout. A failure is told once.
pub(crate) fn written(result: Result<()>) {
    let Err(error) = result else { return };
    if error.kind() == ErrorKind::BrokenPipe {
        STDOUT.store(GONE, Relaxed);
    } else {
        STDOUT.store(FAILED, Relaxed);
        errln!("plimsoll: stdout: {error}");
    }
}

/// The exit code of a command: its own, unless what it had to say could not be written.
pub(crate) fn ended(code: u8) -> u8 {
    if STDOUT.load(Relaxed) == WHOLE {
        written(std::io::stdout().lock().flush());
    }
    if STDOUT.load(Relaxed) == FAILED { crate::exit::UNWRITTEN } else { code }
}

/// Whether nobody hears what is printed to stdout any more.
pub(crate) fn is_gone() -> bool {
    STDOUT.load(Relaxed) != WHOLE
}

/// Prints to stderr; where nobody can hear it, nothing is to be done.
pub(crate) fn tell(text: Arguments<'_>) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_fmt(text).and_then(|()| stderr.flush());
}

/// `println!` that survives a stdout that cannot be written.
macro_rules! outln {
    () => { $crate::show::line(format_args!("")) };
    ($($arg:tt)*) => { $crate::show::line(format_args!($($arg)*)) };
}
pub(crate) use outln;

/// `eprintln!` that survives a stderr that cannot be written.
macro_rules! errln {
    ($($arg:tt)*) => { $crate::show::tell(format_args!("{}\n", format_args!($($arg)*))) };
}
pub(crate) use errln;

/// An integer of a unit with so many decimals, shown with at most `digits` of them: cut downward, so that what is
/// missing looks no smaller than it is.
pub(crate) fn amount(value: Int, decimals: u8, digits: u8) -> String {
    let rounding = if value.is_negative() { Rounding::Up } else { Rounding::Down };
    cut(value, decimals, digits, rounding)
}

/// What is missing, such as bad debt, rounded up: it looks no smaller than it is.
pub(crate) fn missing(value: Int, decimals: u8, digits: u8) -> String {
    amount(value.neg(), decimals, digits).replacen('-', "", 1)
}

/// A sum, and in its place what is in no sum: some of the accounts have no value.
pub(crate) fn summed(sum: Option<String>, valued: u64, unvalued: u64) -> String {
    match sum {
        Some(sum) if unvalued == 0 => sum,
        Some(sum) if valued > 0 => format!("{sum} + unknown"),
        _ => "unknown".into(),
    }
}

/// The same cut toward zero: a way to go looks no longer than it is.
pub(crate) fn way(value: Int, decimals: u8, digits: u8) -> String {
    cut(value, decimals, digits, Rounding::Down)
}

fn cut(value: Int, decimals: u8, digits: u8, of_magnitude: Rounding) -> String {
    if decimals <= digits {
        return grouped(&Decimal { mantissa: value, decimals }.to_string());
    }
    let power = U256::pow10(decimals - digits).unwrap_or(U256::MAX);
    let magnitude = value.magnitude().div(power, of_magnitude).unwrap_or_default();
    let cut = Int::from_parts(value.is_negative(), magnitude);
    grouped(&Decimal { mantissa: cut, decimals: digits }.to_string())
}

/// An integer of a unit, whole and exact.
pub(crate) fn exact(value: Int, decimals: u8) -> String {
    Decimal { mantissa: value, decimals }.to_string()
}

/// Thousands apart, so that eighteen digits can be read.
pub(crate) fn grouped(number: &str) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut text = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// A time as people write it, and as a block does.
pub(crate) fn time(at: Time) -> String {
    plimsoll_io::time::show(at)
}

/// An age in the largest fitting unit.
pub(crate) fn age(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_says_what_is_not_in_it() {
        let sum = || Some("1.00".to_string());
        assert_eq!(summed(sum(), 2, 0), "1.00");
        assert_eq!(summed(sum(), 2, 1), "1.00 + unknown");
        assert_eq!(summed(sum(), 0, 1), "unknown");
        assert_eq!(summed(None, 2, 0), "unknown");
        // Of nobody it is known that they have nothing.
        assert_eq!(summed(sum(), 0, 0), "1.00");
    }

    /// A shortfall once was shown smaller than it is: -22.888 as -22.88.
    #[test]
    fn what_is_missing_looks_no_smaller() {
        let cases = [
            (22_888, "22.88", "22.88"),
            (-22_888, "-22.89", "-22.88"),
            (-22_880, "-22.88", "-22.88"),
            (-1, "-0.01", "0.00"),
            (0, "0.00", "0.00"),
        ];
        for (value, up) in [(1, "0.01"), (22_888, "22.89"), (22_880, "22.88"), (0, "0.00")] {
            assert_eq!(missing(Int::new(value), 3, 2), up);
        }
        for (value, down, toward_zero) in cases {
            assert_eq!(amount(Int::new(value), 3, 2), down);
            assert_eq!(way(Int::new(value), 3, 2), toward_zero);
        }
    }
}
