//! Pictures of two things that move at once.

use super::escape;
use super::svg::{Picture, Tenths};
use plimsoll_core::{Int, Rounding, U256};
use std::fmt::Write;

/// A cell of a heatmap: how hot, and what is written in it.
pub(crate) enum Heat {
    Known(Int, String),
    Unknown(String),
}

/// Shades from nothing to the greatest.
const SHADES: u128 = 6;

const LEFT: i64 = 800;
const TOP: i64 = 300;
const WIDE: i64 = 7200;
const TALL: i64 = 280;

/// Rows of cells, with the names of the two axes and of their marks: columns, then rows.
pub(crate) fn heatmap(
    title: &str,
    axes: [&str; 2],
    columns: &[String],
    rows: &[String],
    cells: &[Vec<Heat>],
) -> Picture {
    let known = cells.iter().flatten().filter_map(|cell| match cell {
        Heat::Known(value, _) => Some(value.magnitude()),
        Heat::Unknown(_) => None,
    });
    let most = known.max().unwrap_or(U256::ZERO);
    let count = |list: &[String]| i64::try_from(list.len().max(1)).unwrap_or(1);
    let each = (WIDE - LEFT) / count(columns);
    let mut inside = String::new();
    let mut write = |class: &str, x: i64, y: i64, words: &str| {
        let (x, y, words) = (Tenths(x), Tenths(y), escape(words));
        let _ = write!(inside, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>");
    };
    write("strong", 0, 110, &format!("along: {} · down: {}", axes[0], axes[1]));
    for (at, name) in (0..).zip(columns) {
        write("mid", LEFT + at * each + each / 2, TOP - 50, name);
    }
    for (at, name) in (0..).zip(rows) {
        write("end", LEFT - 80, TOP + at * TALL + TALL / 2 + 40, name);
    }
    for (down, row) in (0..).zip(cells) {
        for (along, cell) in (0..).zip(row) {
            let (x, y) = (LEFT + along * each, TOP + down * TALL);
            let (shade, words) = match cell {
                Heat::Known(value, words) => (format!("h{}", shade(value.magnitude(), most)), words),
                Heat::Unknown(words) => ("hx".into(), words),
            };
            let (left, top) = (Tenths(x + 10), Tenths(y + 10));
            let (wide, tall) = (Tenths(each - 20), Tenths(TALL - 20));
            let (middle, base) = (Tenths(x + each / 2), Tenths(y + TALL / 2 + 40));
            let _ = write!(
                inside,
                "<rect class=\"{shade}\" x=\"{left}\" y=\"{top}\" width=\"{wide}\" height=\"{tall}\" rx=\"2\"/>\
                 <text class=\"mid on {shade}\" x=\"{middle}\" y=\"{base}\">{}</text>",
                escape(words)
            ); // a text takes everything
        }
    }
    let words = format!("{} by {}; every cell stands in the table below.", axes[0], axes[1]);
    let size = [WIDE, TOP + TALL * count(rows) + 20];
    Picture { title: title.into(), words, size, inside, legend: Vec::new() }
}

/// Zero is its own shade; all else is by its part of the greatest.
fn shade(value: U256, most: U256) -> u64 {
    if value == U256::ZERO {
        return 0;
    }
    let part = value.mul_div_wide(U256::new(SHADES), most, Rounding::Up).and_then(U256::to_u64);
    part.unwrap_or(0)
}
