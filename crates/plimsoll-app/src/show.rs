//! Integers as people read them.

use plimsoll_core::{Decimal, Int, Time, U256};
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// Prints a line to stdout. A reader that went away (`| head`) ends the program quietly; any other failure is told.
pub(crate) fn line(text: Arguments<'_>) {
    let Err(error) = writeln!(std::io::stdout().lock(), "{text}") else { return };
    if error.kind() != ErrorKind::BrokenPipe {
        eprintln!("plimsoll: stdout: {error}");
        std::process::exit(1);
    }
    std::process::exit(0);
}

/// `println!` that survives a reader that went away.
macro_rules! outln {
    () => { $crate::show::line(format_args!("")) };
    ($($arg:tt)*) => { $crate::show::line(format_args!($($arg)*)) };
}
pub(crate) use outln;

/// An integer of a unit with so many decimals, shown with at most `digits` of them: cut toward zero.
pub(crate) fn amount(value: Int, decimals: u8, digits: u8) -> String {
    if decimals <= digits {
        return grouped(&Decimal { mantissa: value, decimals }.to_string());
    }
    let power = U256::pow10(decimals - digits).unwrap_or(U256::MAX);
    let magnitude = value.magnitude().div(power, plimsoll_core::Rounding::Down).unwrap_or_default();
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
