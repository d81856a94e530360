//! Times as people and files write them.

use jiff::Timestamp;
use plimsoll_core::Time;

/// The first second of the year 10000: no file means a time from there on.
pub(crate) const END: u64 = 253_402_300_800;

/// Seconds since 1970, or RFC 3339 with `Z` or an offset, in whole seconds; before the year 10000.
#[must_use]
pub fn parse(text: &str) -> Option<Time> {
    let seconds = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse::<u64>().ok()?
    } else {
        let stamp: Timestamp = text.parse().ok().filter(|_| is_rfc3339(text))?;
        u64::try_from(stamp.as_second()).ok()?
    };
    (seconds < END).then_some(Time(seconds))
}

/// Nanoseconds of UTC since 1970: a whole number of them, or RFC 3339 with up to nine digits behind the second. A number so small that it would be
/// of the first year is none: it counts something else.
#[must_use]
pub fn parse_stamp(text: &str) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().filter(|stamp| (YEAR..END_STAMP).contains(stamp));
    }
    let (whole, rest) = text.split_once('.').map_or((text.to_string(), None), |(whole, rest)| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        (format!("{whole}{}", &rest[digits..]), Some(&rest[..digits]))
    });
    // Digits alone would be read as seconds.
    let seconds = parse(&whole).filter(|_| whole.contains('T'))?.0;
    let fraction = match rest {
        None => 0,
        Some(digits) if (1..=9).contains(&digits.len()) => format!("{digits:0<9}").parse().ok()?,
        Some(_) => return None,
    };
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction)
}

/// The first year, in nanoseconds.
const YEAR: u64 = 31_536_000_000_000_000;
/// What 64 bits hold of nanoseconds.
const END_STAMP: u64 = u64::MAX;

/// RFC 3339 in UTC, with as many digits behind the second as it has.
#[must_use]
pub fn show_stamp(stamp: u64) -> String {
    let (seconds, fraction) = (stamp / 1_000_000_000, stamp % 1_000_000_000);
    let whole = show(Time(seconds));
    if fraction == 0 {
        return whole;
    }
    let digits = format!("{fraction:09}");
    format!("{}.{}Z", whole.trim_end_matches('Z'), digits.trim_end_matches('0'))
}

/// Seconds of a duration: `3600`, `90s`, `90m`, `24h`, `7d`; none as long as from 1970 to the year 10000.
#[must_use]
pub fn parse_duration(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(split);
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let seconds = count.parse::<u64>().ok()?.checked_mul(factor)?;
    (seconds < END).then_some(seconds)
}

/// The shape of RFC 3339 in whole seconds. `jiff` reads more than that: a space for the T, time zones in brackets, and
/// a 60th second as the 59th.
fn is_rfc3339(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let zone = shape.strip_prefix("0000-00-00T00:00:00");
    matches!(zone, Some("Z" | "+00:00" | "-00:00")) && text.get(17..19) != Some("60")
}

/// RFC 3339 in UTC; as [`Time`] shows itself.
#[must_use]
pub fn show(time: Time) -> String {
    time.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_read_and_shown() {
        for (text, stamp) in [
            ("2023-06-01T12:00:00Z", Some(1_685_620_800_000_000_000)),
            ("2023-06-01T12:00:00.5Z", Some(1_685_620_800_500_000_000)),
            ("2023-06-01T14:00:00.000000001+02:00", Some(1_685_620_800_000_000_001)),
            ("1685620800000000007", Some(1_685_620_800_000_000_007)),
            ("1685620800", None),
            ("1685620800.5", None),
            ("2023-06-01T12:00:00.Z", None),
            ("2023-06-01T12:00:00.1234567890Z", None),
            ("2800-01-01T00:00:00Z", None),
            ("now", None),
            ("", None),
        ] {
            assert_eq!(parse_stamp(text), stamp, "{text}");
            if let Some(stamp) = stamp {
                assert_eq!(parse_stamp(&show_stamp(stamp)), Some(stamp), "{text}");
            }
        }
        assert_eq!(show_stamp(1_685_620_800_050_000_000), "2023-06-01T12:00:00.05Z");
    }

    #[test]
    fn times_are_read_and_shown() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("1804277638", Some(1_804_277_638)),
            ("2023-06-01T12:00:00Z", Some(1_685_620_800)),
            ("2023-06-01T14:00:00+02:00", Some(1_685_620_800)),
            ("2000-02-29T00:00:00Z", Some(951_782_400)),
            ("2001-02-29T00:00:00Z", None),
            ("2023-06-01T12:00:00.5Z", None),
            ("2023-06-01T12:00:00", None),
            ("2023-06-01 12:00:00Z", None),
            ("2016-12-31T23:59:60Z", None),
            ("2023-06-01T12:00:00+02:00[Europe/Berlin]", None),
            ("2023-06-01T12:00:00+02", None),
            ("1969-12-31T23:59:59Z", None),
            ("253402300800", None),
            ("-1", None),
            ("", None),
            ("noon", None),
        ] {
            assert_eq!(parse(text), seconds.map(Time), "{text}");
        }
        assert_eq!(show(Time(1_685_620_800)), "2023-06-01T12:00:00Z");
        assert_eq!(parse(&show(Time(951_782_400))), Some(Time(951_782_400)));
        // Every day of eight centuries, against another calendar.
        for day in 0..292_194 {
            let stamp = Timestamp::from_second(day * 86_400 + 86_399).expect("a time");
            assert_eq!(show(Time(day as u64 * 86_400 + 86_399)), stamp.to_string());
        }
    }
}
