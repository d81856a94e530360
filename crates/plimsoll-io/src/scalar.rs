//! Texts of files as exact values: amounts, times, durations, names. Every refusal names what was expected.

use crate::fault::{Code, Log, Span, deceives, nearest, quoted};
use crate::tree::{Node, digits};
use plimsoll_core::num::DecimalError;
use plimsoll_core::{Decimal, Time, U256};

/// A name longer than this \[bytes\] is refused.
pub(crate) const NAME_MAX: usize = 256;

/// A decimal number, perhaps negative.
pub(crate) fn decimal(text: &str, span: Span, log: &mut Log) -> Option<Decimal> {
    match text.parse::<Decimal>() {
        Ok(number) => Some(number),
        Err(DecimalError::TooLong) => {
            log.at(Code::TooLong, span, format!("{} characters", text.len()), "at most 77 digits");
            None
        }
        Err(DecimalError::TooLarge) => {
            log.at(Code::OutOfRange, span, quoted(text), "a number that fits 256 bits");
            None
        }
        Err(_) => {
            let fault = log.at(Code::NotANumber, span, quoted(text), "a number such as 1234.5");
            if let Some(help) = number_help(text) {
                fault.help(help);
            }
            None
        }
    }
}

fn number_help(text: &str) -> Option<&'static str> {
    let is = |c: char| text.contains(c);
    let has_digit = text.bytes().any(|b| b.is_ascii_digit());
    match () {
        () if text.trim() != text => Some("without spaces around it"),
        () if has_digit && (is('e') || is('E')) => {
            Some("write all digits; exponents are not exact everywhere")
        }
        () if has_digit && is(',') => Some("without separators, and with a point before the fraction"),
        () if has_digit && (is('_') || is(' ') || is('\'')) => Some("without separators"),
        () if text.starts_with('+') => Some("without the plus"),
        () if text.starts_with('.') || text.ends_with('.') => Some("with digits on both sides of the point"),
        () => None,
    }
}

/// A decimal number that is not negative.
pub(crate) fn amount(text: &str, span: Span, log: &mut Log) -> Option<Decimal> {
    let number = decimal(text, span, log)?;
    if number.mantissa.is_negative() {
        log.at(Code::Negative, span, quoted(text), "a number from zero up");
        return None;
    }
    Some(number)
}

/// A raw integer below 2^`bits`.
pub(crate) fn integer(text: &str, bits: usize, span: Span, log: &mut Log) -> Option<U256> {
    let all_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits {
        let negative = text.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
        let code = if negative && text.len() > 1 { Code::Negative } else { Code::NotANumber };
        let fault = log.at(code, span, quoted(text), "a whole number from zero up");
        if let Some(help) = number_help(text) {
            fault.help(help);
        }
        return None;
    }
    let number = match short(text) {
        Some(number) => Some(U256::new(number)),
        None => text.parse::<U256>().ok(),
    };
    let number = number.filter(|number| number.bit_len() <= bits);
    if number.is_none() {
        log.at(Code::OutOfRange, span, quoted(text), format!("a number below 2^{bits}"));
    }
    number
}

/// Digits, if they are so few that 128 bits hold them whatever they are: most amounts, many times as fast.
fn short(digits: &str) -> Option<u128> {
    // 19 digits fit 64 bits, so that nothing wraps and nothing has to be looked at for it.
    let digit = |byte: u8| u64::from(byte.wrapping_sub(b'0'));
    let half =
        |text: &str| text.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(10).wrapping_add(digit(byte)));
    match digits.len() {
        0..=19 => Some(u128::from(half(digits))),
        20..=38 => {
            let (high, low) = digits.split_at(digits.len() - 19);
            Some(u128::from(half(high)) * 10_u128.pow(19) + u128::from(half(low)))
        }
        _ => None,
    }
}

/// A whole number of a tree, below 2^`bits`.
pub(crate) fn whole(node: &Node, bits: usize, log: &mut Log) -> Option<U256> {
    integer(digits(node, log)?, bits, node.span, log)
}

/// A whole number of a tree, from `least` to `most`.
pub(crate) fn between(node: &Node, least: u64, most: u64, log: &mut Log) -> Option<u64> {
    let number = whole(node, 256, log)?;
    let fits = number.to_u64().filter(|number| (least..=most).contains(number));
    if fits.is_none() {
        log.at(Code::OutOfRange, node.span, number.to_string(), format!("a number from {least} to {most}"));
    }
    fits
}

/// A name: graphic characters and inner spaces. It begins with nothing that a spreadsheet would run.
pub(crate) fn name<'t>(text: &'t str, span: Span, log: &mut Log) -> Option<&'t str> {
    let wrong = match () {
        () if text.is_empty() => Some("a name"),
        () if text.len() > NAME_MAX => Some("a name of at most 256 bytes"),
        () if !plain(text) && text.chars().any(deceives) => Some("a name without control characters"),
        () if text.trim() != text => Some("a name without spaces around it"),
        () if text.starts_with(['=', '+', '-', '@']) => Some("a name that begins with a letter or digit"),
        () => None,
    };
    match wrong {
        None => Some(text),
        Some(expected) => {
            log.at(Code::BadName, span, quoted(text), expected);
            None
        }
    }
}

/// Printable ASCII, as most names are.
fn plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// The name of a market, which is a file's name, too.
pub(crate) fn market_name<'t>(text: &'t str, span: Span, log: &mut Log) -> Option<&'t str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > 100 || text.starts_with(['.', '-']) || !text.chars().all(plain) {
        let expected = "a name of letters, digits, `-`, `_` and `.`, at most 100, as of a file";
        log.at(Code::BadName, span, quoted(text), expected);
        return None;
    }
    Some(text)
}

/// One of a few words.
pub(crate) fn word<T: Copy>(text: &str, span: Span, words: &[(&str, T)], log: &mut Log) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let fault = log.at(Code::UnknownWord, span, quoted(text), format!("one of {}", list.join(", ")));
        if let Some(near) = nearest(text, list.iter().copied()) {
            fault.help(format!("did you mean `{near}`?"));
        }
    }
    found
}

/// A time: seconds since 1970, or RFC 3339 such as `2023-06-01T12:00:00Z`.
pub(crate) fn time(text: &str, span: Span, log: &mut Log) -> Option<Time> {
    let time = crate::time::parse(text);
    if time.is_none() {
        if text.len() > 11 && text.bytes().all(|b| b.is_ascii_digit()) {
            let fault = log.at(Code::NotATime, span, quoted(text), "a time before the year 10000");
            fault.help("in seconds, not milliseconds");
        } else {
            let expected = "seconds since 1970, or a time such as 2023-06-01T12:00:00Z";
            log.at(Code::NotATime, span, quoted(text), expected);
        }
    }
    time
}

/// A duration in seconds: `3600`, `90s`, `90m`, `24h`, `7d`.
pub(crate) fn duration(text: &str, span: Span, log: &mut Log) -> Option<u64> {
    let seconds = crate::time::parse_duration(text);
    if seconds.is_none() {
        log.at(Code::NotADuration, span, quoted(text), "seconds, or a duration such as 90m, 24h or 7d");
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Source;

    /// The last second of the year 9999.
    const LAST: u64 = crate::time::END - 1;
    const SPAN: Span = Span { source: 0, start: 0, end: 0 };

    fn check<T: std::fmt::Debug + PartialEq>(
        read: impl Fn(&str, Span, &mut Log) -> Option<T>,
        cases: &[(&str, Result<T, Code>)],
    ) {
        for (text, expected) in cases {
            let mut log = Log::default();
            let found = read(text, SPAN, &mut log);
            let faults = log.finish(&[Source::new("test", *text)]);
            match expected {
                Ok(value) => assert_eq!((found.as_ref(), &faults.list[..]), (Some(value), &[][..]), "{text}"),
                Err(code) => {
                    assert_eq!(found, None, "{text}");
                    assert_eq!(faults.list[0].code, *code, "{text}");
                }
            }
        }
    }

    #[test]
    fn times_are_read_in_both_forms() {
        check(
            time,
            &[
                ("0", Ok(Time(0))),
                ("1685620800", Ok(Time(1_685_620_800))),
                ("2023-06-01T12:00:00Z", Ok(Time(1_685_620_800))),
                ("2023-06-01T14:00:00+02:00", Ok(Time(1_685_620_800))),
                ("2023-06-01T06:30:00-05:30", Ok(Time(1_685_620_800))),
                ("1970-01-01T00:00:00Z", Ok(Time(0))),
                ("2000-02-29T23:59:59Z", Ok(Time(951_868_799))),
                ("1969-12-31T23:59:59Z", Err(Code::NotATime)),
                ("1900-02-29T00:00:00Z", Err(Code::NotATime)),
                ("2023-02-29T00:00:00Z", Err(Code::NotATime)),
                ("2023-13-01T00:00:00Z", Err(Code::NotATime)),
                ("2023-00-01T00:00:00Z", Err(Code::NotATime)),
                ("2023-06-01T24:00:00Z", Err(Code::NotATime)),
                ("2023-06-01T12:00:00", Err(Code::NotATime)),
                ("2023-06-01 12:00:00Z", Err(Code::NotATime)),
                ("2023-06-01T12:00:00.5Z", Err(Code::NotATime)),
                ("2023-06-01T12:00:00+2:00", Err(Code::NotATime)),
                ("+023-06-01T12:00:00Z", Err(Code::NotATime)),
                ("1685620800000", Err(Code::NotATime)),
                ("99999999999999999999999", Err(Code::NotATime)),
                ("", Err(Code::NotATime)),
                ("2023-06-0é1T12:00:00Z", Err(Code::NotATime)),
            ],
        );
    }

    /// The short way beside the big-integer crate's, around every power of ten.
    #[test]
    fn few_digits_are_the_number_that_many_are() {
        let mut texts = vec!["0".to_string(), "000000000000000000000000012".into(), u128::MAX.to_string()];
        for zeros in 0..45 {
            let power = format!("1{}", "0".repeat(zeros));
            texts.extend(["9".repeat(zeros + 1), format!("{}7", &power[..zeros]), power]);
        }
        for text in texts {
            let mut log = Log::default();
            assert_eq!(integer(&text, 256, SPAN, &mut log), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn every_printed_time_is_read_back() {
        for seconds in (0..LAST).step_by(86_400 * 31 + 86_399).chain([LAST]) {
            let mut log = Log::default();
            assert_eq!(time(&crate::time::show(Time(seconds)), SPAN, &mut log), Some(Time(seconds)));
        }
    }

    #[test]
    fn durations_have_one_unit() {
        check(
            duration,
            &[
                ("0", Ok(0)),
                ("86400", Ok(86_400)),
                ("90s", Ok(90)),
                ("90m", Ok(5400)),
                ("24h", Ok(86_400)),
                ("7d", Ok(604_800)),
                ("", Err(Code::NotADuration)),
                ("h", Err(Code::NotADuration)),
                ("1.5h", Err(Code::NotADuration)),
                ("-1", Err(Code::NotADuration)),
                ("1h30m", Err(Code::NotADuration)),
                ("99999999999999999999d", Err(Code::NotADuration)),
                ("18446744073709551615h", Err(Code::NotADuration)),
            ],
        );
    }

    #[test]
    fn amounts_are_plain_decimals() {
        let number = |text: &str| text.parse::<Decimal>().map_err(|_| Code::NotANumber);
        check(
            amount,
            &[
                ("0", number("0")),
                ("1.50", number("1.50")),
                ("00.1", number("00.1")),
                ("-1", Err(Code::Negative)),
                ("1e5", Err(Code::NotANumber)),
                ("NaN", Err(Code::NotANumber)),
                ("inf", Err(Code::NotANumber)),
                ("0x10", Err(Code::NotANumber)),
                ("1,000", Err(Code::NotANumber)),
                ("1_000", Err(Code::NotANumber)),
                (" 1", Err(Code::NotANumber)),
                ("+1", Err(Code::NotANumber)),
                (".5", Err(Code::NotANumber)),
                ("5.", Err(Code::NotANumber)),
                ("1.2.3", Err(Code::NotANumber)),
                ("٣", Err(Code::NotANumber)),
                ("--1", Err(Code::NotANumber)),
                ("", Err(Code::NotANumber)),
            ],
        );
        let digits = |count: usize| "9".repeat(count);
        check(amount, &[(digits(77).as_str(), number(&digits(77))), (&digits(78), Err(Code::TooLong))]);
    }

    #[test]
    fn integers_fit_their_bits() {
        let read = |bits: usize| move |text: &str, span: Span, log: &mut Log| integer(text, bits, span, log);
        let max = U256::MAX.to_string();
        check(
            read(256),
            &[
                (max.as_str(), Ok(U256::MAX)),
                (
                    "115792089237316195423570985008687907853269984665640564039457584007913129639936",
                    Err(Code::OutOfRange),
                ),
                ("-5", Err(Code::Negative)),
                ("-", Err(Code::NotANumber)),
                ("1.0", Err(Code::NotANumber)),
            ],
        );
        check(read(8), &[("255", Ok(U256::new(255))), ("256", Err(Code::OutOfRange))]);
    }

    #[test]
    fn names_cannot_become_formulas() {
        let read = |text: &str, span: Span, log: &mut Log| name(text, span, log).map(str::to_string);
        check(
            read,
            &[
                ("0xabc", Ok("0xabc".to_string())),
                ("Acme treasury, EU", Ok("Acme treasury, EU".to_string())),
                ("=1+1", Err(Code::BadName)),
                ("+1", Err(Code::BadName)),
                ("-1", Err(Code::BadName)),
                ("@sum", Err(Code::BadName)),
                ("", Err(Code::BadName)),
                (" a", Err(Code::BadName)),
                ("a\u{1b}[31m", Err(Code::BadName)),
            ],
        );
    }
}
