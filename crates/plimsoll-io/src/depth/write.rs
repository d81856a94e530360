//! Depth curves written as `docs/scenarios.md` has them: what is written reads as the same curves.

use plimsoll_core::{Decimal, Depth, DepthCurve, Int};
use std::fmt::Write;

/// The file of depth curves.
#[must_use]
pub fn write(depth: &Depth) -> String {
    let Depth { name, sources, curves, gas, recovers } = depth;
    let mut out = format!("format = 1\nname = {}\nsources = {}\n", text(name), list(sources));
    let mut line = |words: std::fmt::Arguments<'_>| {
        let _ = writeln!(out, "{words}"); // a text takes everything
    };
    if *recovers != Decimal::whole(Int::ZERO) {
        line(format_args!("recovers = \"{recovers}\""));
    }
    for gas in gas {
        line(format_args!("\n[[gas]]\nin = {}\namount = \"{}\"", list(&gas.currency), gas.amount));
    }
    for DepthCurve { assets, against, price, points } in curves {
        line(format_args!("\n[[depth]]\nassets = {}", list(assets)));
        if !against.is_empty() {
            line(format_args!("for = {}", list(against)));
        }
        line(format_args!("price = \"{price}\"\nreceived = ["));
        for [sold, brings] in points {
            line(format_args!("  [\"{sold}\", \"{brings}\"],"));
        }
        line(format_args!("]"));
    }
    out
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|one| text(one)).collect::<Vec<_>>().join(", "))
}

/// A text as TOML has it.
fn text(words: &str) -> String {
    let mut out = String::from("\"");
    for c in words.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c)); // a text takes everything
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
