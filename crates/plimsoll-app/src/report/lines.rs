//! Pictures of what goes up and down over time, above zero and below, with marks on it.

use super::escape;
use super::svg::{Picture, Tenths, place};
use plimsoll_core::{Decimal, Int};
use std::fmt::Write;

/// A quantity over time, and the line that it is drawn as.
pub(crate) struct Line<'s> {
    pub(crate) name: &'s str,
    /// In order of time; a line breaks where a point is `None`.
    pub(crate) points: Vec<(Int, Option<Int>)>,
}

/// Something that happened: when, on what height, and what.
pub(crate) struct Mark {
    pub(crate) at: Int,
    pub(crate) height: Int,
    pub(crate) words: String,
}

const WIDE: i64 = 7200;
const HIGH: i64 = 2600;
const LEFT: i64 = 500;
const RIGHT: i64 = 100;
const TOP: i64 = 120;
const BOTTOM: i64 = 300;

/// Lines between two heights (10^-`decimals`), with names along the axis and across it.
pub(crate) fn lines(
    title: &str,
    ends: [Int; 2],
    names: &[(Int, String)],
    heights: &[Int],
    decimals: u8,
    all: &[Line<'_>],
    marks: &[Mark],
) -> Picture {
    let span = [heights.first().copied().unwrap_or(Int::ZERO), heights.last().copied().unwrap_or(Int::ONE)];
    let x = |value: Int| LEFT + place(value, ends, WIDE - LEFT - RIGHT);
    let y = |value: Int| HIGH - BOTTOM - place(value, span, HIGH - TOP - BOTTOM);
    let mut inside = String::new();
    for height in heights {
        let (line, low) = (Tenths(y(*height)), Tenths(y(*height) + 40));
        let (left, text, across) = (Tenths(LEFT), Tenths(LEFT - 60), Tenths(WIDE - LEFT - RIGHT));
        let name = Decimal { mantissa: *height, decimals }.trimmed();
        // A text takes everything.
        let _ = write!(
            inside,
            "<path class=\"rung\" d=\"M{left} {line}h{across}\"/><text class=\"end\" x=\"{text}\" y=\"{low}\">{name}</text>"
        );
    }
    for (at, name) in names {
        let (x, base, below) = (Tenths(x(*at)), Tenths(HIGH - BOTTOM), Tenths(HIGH - BOTTOM + 190));
        let name = escape(name);
        let _ = write!(
            inside,
            "<path class=\"tick\" d=\"M{x} {base}v5\"/><text class=\"mid\" x=\"{x}\" y=\"{below}\">{name}</text>"
        );
    }
    for (number, line) in all.iter().enumerate() {
        let (mut way, mut drawn) = (String::new(), false);
        for (at, value) in &line.points {
            let Some(value) = value else {
                drawn = false;
                continue;
            };
            let _ = write!(way, "{}{} {}", if drawn { "L" } else { "M" }, Tenths(x(*at)), Tenths(y(*value)));
            drawn = true;
        }
        let _ = write!(inside, "<path class=\"line thin s{number}\" d=\"{way}\"/>");
    }
    for mark in marks {
        let (x, y) = (Tenths(x(mark.at)), Tenths(y(mark.height)));
        let words = escape(&mark.words);
        let _ = write!(
            inside,
            "<circle class=\"mark\" cx=\"{x}\" cy=\"{y}\" r=\"4\"><title>{words}</title></circle>"
        );
    }
    let legend = all.iter().enumerate().map(|(at, one)| (one.name.to_string(), format!("s{at}"))).collect();
    let names: Vec<&str> = all.iter().map(|one| one.name).collect();
    let words = format!("Lines of {}; what is marked stands in the table below.", names.join(" and "));
    Picture { title: title.into(), words, size: [WIDE, HIGH], inside, legend }
}
