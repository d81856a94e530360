//! Pictures in lines and bars. Places are whole tenths of the picture's unit.

use super::escape;
use plimsoll_core::{Decimal, Int, Rounding, U256};
use std::fmt::{Display, Formatter, Write};

/// A drawing, and what it shows in words.
pub(crate) struct Picture {
    pub(super) title: String,
    /// What somebody hears who does not see it.
    pub(super) words: String,
    pub(super) size: [i64; 2],
    /// Drawn already; every text in it is escaped.
    pub(super) inside: String,
    /// Name and class of each thing that is drawn in a colour of its own.
    pub(super) legend: Vec<(String, String)>,
}

impl Picture {
    pub(super) fn write(&self, number: usize, out: &mut String) {
        let Picture { title, words, size: [width, height], inside, legend } = self;
        let (title, words) = (escape(title), escape(words));
        let _ = write!(out, "<figcaption>{title}</figcaption>"); // a text takes everything
        if !legend.is_empty() {
            out.push_str("<p class=\"legend\">");
            for (name, class) in legend {
                let _ = write!(out, "<span><i class=\"{class}\"></i>{}</span>", escape(name));
            }
            out.push_str("</p>");
        }
        let _ = write!(
            out,
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"t{number} d{number}\">\
             <title id=\"t{number}\">{title}</title><desc id=\"d{number}\">{words}</desc>{inside}</svg>",
            Tenths(*width),
            Tenths(*height),
        );
    }
}

/// A length.
#[derive(Clone, Copy)]
pub(super) struct Tenths(pub(super) i64);

impl Display for Tenths {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Tenths(tenths) = self;
        if tenths % 10 == 0 {
            write!(f, "{}", tenths / 10)
        } else {
            write!(f, "{}.{}", tenths / 10, tenths % 10)
        }
    }
}

/// Where a value stands between two others on so many tenths, cut; the ends where it is beyond them.
pub(super) fn place(value: Int, [low, high]: [Int; 2], tenths: i64) -> i64 {
    let from = |value: Int| value.sub(low).filter(|way| !way.is_negative()).map(Int::magnitude);
    let (Some(way), Some(all)) = (from(value), from(high).filter(|all| *all != U256::ZERO)) else { return 0 };
    let long = U256::new(u128::try_from(tenths).unwrap_or(0));
    let found = way.min(all).mul_div_wide(long, all, Rounding::Down).and_then(U256::to_u64);
    found.and_then(|found| i64::try_from(found).ok()).unwrap_or(0)
}

/// Round numbers from zero to the first that is no less than the greatest: at most six steps of 1, 2 or 5 times a power of ten.
pub(super) fn round_steps(most: U256) -> Vec<U256> {
    let one = U256::ONE;
    let mut step = one;
    'found: for power in 0..=76 {
        let Some(ten) = U256::pow10(power) else { break };
        for times in [1, 2, 5] {
            let Some(next) = ten.mul(U256::new(times)) else { break 'found };
            step = next;
            if most.div(step, Rounding::Up).is_some_and(|steps| steps <= U256::new(6)) {
                break 'found;
            }
        }
    }
    let mut marks = vec![U256::ZERO];
    let mut last = U256::ZERO;
    while last < most.max(one) && marks.len() < 8 {
        let Some(next) = last.add(step) else { break };
        marks.push(next);
        last = next;
    }
    marks
}

/// A number of a unit in few signs: `1.2 M`; cut.
pub(crate) fn short(value: U256, decimals: u8) -> String {
    const NAMES: [&str; 5] = ["", " k", " M", " bn", " tn"];
    let mut place = 0;
    let unit = U256::pow10(decimals).unwrap_or(U256::MAX);
    if value < unit {
        let (mut digits, mut first) = (decimals, value);
        // Its first two digits that are not zero.
        while first >= U256::new(100) {
            first = first.div(U256::new(10), Rounding::Down).unwrap_or_default();
            digits -= 1;
        }
        return Decimal { mantissa: first.into(), decimals: digits }.trimmed().to_string();
    }
    // In tenths of a unit, the unit thousand times larger until three digits do.
    let mut tenths = value.mul_div_wide(U256::new(10), unit, Rounding::Down).unwrap_or(U256::MAX);
    while tenths >= U256::new(10_000) && place + 1 < NAMES.len() {
        tenths = tenths.div(U256::new(1000), Rounding::Down).unwrap_or(tenths);
        place += 1;
    }
    format!("{}{}", Decimal { mantissa: tenths.into(), decimals: 1 }.trimmed(), NAMES[place])
}

/// A quantity that holds from each point on until the next.
pub(crate) struct Series<'s> {
    pub(crate) name: &'s str,
    /// In the order of the horizontal axis, each above zero or zero.
    pub(crate) points: Vec<(Int, Int)>,
}

const WIDE: i64 = 7200;
const HIGH: i64 = 3000;
const LEFT: i64 = 700;
const RIGHT: i64 = 300;
const TOP: i64 = 120;
const BOTTOM: i64 = 300;

/// Quantities (10^-`decimals`) as steps along an axis, with its marks.
pub(crate) fn steps(
    title: &str,
    ends: [Int; 2],
    marks: &[(Int, String)],
    decimals: u8,
    series: &[Series<'_>],
) -> Picture {
    let most = series.iter().flat_map(|one| &one.points).map(|(_, y)| y.magnitude()).max();
    let rungs = round_steps(most.unwrap_or(U256::ZERO));
    let top = rungs.last().copied().unwrap_or(U256::ONE);
    let x = |value: Int| LEFT + place(value, ends, WIDE - LEFT - RIGHT);
    let y = |value: Int| HIGH - BOTTOM - place(value, [Int::ZERO, top.into()], HIGH - TOP - BOTTOM);
    let mut inside = String::new();
    ladder(&mut inside, &rungs, decimals, y);
    for (at, name) in marks {
        let (x, y) = (Tenths(x(*at)), Tenths(HIGH - BOTTOM));
        let _ = write!(inside, "<path class=\"tick\" d=\"M{x} {y}v5\"/>"); // a text takes everything
        let below = Tenths(HIGH - BOTTOM + 190);
        let _ = write!(inside, "<text class=\"mid\" x=\"{x}\" y=\"{below}\">{}</text>", escape(name));
    }
    for (number, one) in series.iter().enumerate() {
        let mut way = String::new();
        for (at, value) in &one.points {
            let (x, y) = (Tenths(x(*at)), Tenths(y(*value)));
            let _ = if way.is_empty() { write!(way, "M{x} {y}") } else { write!(way, "H{x}V{y}") };
        }
        let _ = write!(inside, "<path class=\"line s{number}\" d=\"{way}H{}\"/>", Tenths(x(ends[1])));
    }
    let legend =
        series.iter().enumerate().map(|(at, one)| (one.name.to_string(), format!("s{at}"))).collect();
    let names: Vec<&str> = series.iter().map(|one| one.name).collect();
    let words = format!("Steps of {}; every one of them stands in the table below.", names.join(" and "));
    Picture { title: title.into(), words, size: [WIDE, HIGH], inside, legend }
}

/// Lines across the picture at round numbers.
fn ladder(inside: &mut String, rungs: &[U256], decimals: u8, y: impl Fn(Int) -> i64) {
    for rung in rungs {
        let at = y((*rung).into());
        let (left, text, across) = (Tenths(LEFT), Tenths(LEFT - 80), Tenths(WIDE - LEFT - RIGHT));
        let (line, low) = (Tenths(at), Tenths(at + 40));
        let name = short(*rung, decimals);
        let _ = write!(
            inside,
            "<path class=\"rung\" d=\"M{left} {line}h{across}\"/><text class=\"end\" x=\"{text}\" y=\"{low}\">{name}</text>"
        );
    }
}

/// One bar of a histogram.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: Int,
    /// What stands above it.
    pub(crate) note: String,
}

/// A histogram; the height of a bar is its value over the greatest.
pub(crate) fn bars(title: &str, all: &[Bar]) -> Picture {
    let most = all.iter().map(|bar| bar.value.magnitude()).max().unwrap_or(U256::ONE).max(U256::ONE);
    let (left, right) = (50, 50);
    let each = (WIDE - left - right) / i64::try_from(all.len().max(1)).unwrap_or(1);
    let mut inside = String::new();
    for (at, bar) in (0..).zip(all) {
        let tall = place(bar.value, [Int::ZERO, most.into()], HIGH - TOP - BOTTOM - 160);
        let (x, y) = (left + at * each, HIGH - BOTTOM - tall);
        let middle = Tenths(x + each / 2);
        let (x, wide) = (Tenths(x + each / 10), Tenths(each * 8 / 10));
        let (label, note) = (escape(&bar.label), escape(&bar.note));
        let _ = write!(
            inside,
            "<rect class=\"bar\" x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{}\" rx=\"2\"/>\
             <text class=\"mid\" x=\"{middle}\" y=\"{}\">{note}</text>\
             <text class=\"mid\" x=\"{middle}\" y=\"{}\">{label}</text>",
            Tenths(y),
            Tenths(tall),
            Tenths(y - 60),
            Tenths(HIGH - BOTTOM + 190),
        ); // a text takes everything
    }
    let _ = write!(
        inside,
        "<path class=\"axis\" d=\"M{} {}h{}\"/>",
        Tenths(left),
        Tenths(HIGH - BOTTOM),
        Tenths(WIDE - left - right)
    );
    let words = "Bars; each of them is a row of the table below.".to_string();
    Picture { title: title.into(), words, size: [WIDE, HIGH], inside, legend: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_reach_the_greatest() {
        for (most, expected) in [
            (0, vec![0, 1]),
            (1, vec![0, 1]),
            (6, vec![0, 1, 2, 3, 4, 5, 6]),
            (7, vec![0, 2, 4, 6, 8]),
            (101, vec![0, 20, 40, 60, 80, 100, 120]),
            (2_600_000, vec![0, 500_000, 1_000_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000]),
        ] {
            assert_eq!(round_steps(U256::new(most)), expected.into_iter().map(U256::new).collect::<Vec<_>>());
        }
        assert!(round_steps(U256::MAX).len() <= 8);
    }

    #[test]
    fn numbers_in_few_signs_are_cut() {
        for (value, decimals, expected) in [
            (0, 0, "0"),
            (999, 0, "999"),
            (1_999, 0, "1.9 k"),
            (1_000, 0, "1 k"),
            (2_500_000_000, 6, "2.5 k"),
            (49, 2, "0.49"),
            (20_000, 9, "0.00002"),
            (123_456_789, 18, "0.00000000012"),
            (12_345_678_901, 0, "12.3 bn"),
        ] {
            assert_eq!(short(U256::new(value), decimals), expected);
        }
    }

    #[test]
    fn a_place_is_between_the_ends() {
        let at = |value: i128| place(Int::new(value), [Int::new(-10), Int::new(10)], 1000);
        assert_eq!([at(-20), at(-10), at(0), at(5), at(10), at(99)], [0, 0, 500, 750, 1000, 1000]);
        assert_eq!(place(Int::ZERO, [Int::ZERO, Int::ZERO], 1000), 0);
    }
}
