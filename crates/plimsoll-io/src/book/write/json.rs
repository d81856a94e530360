//! A tree as JSON: two spaces an indent, small tables on one line.

use crate::tree::Value;
use std::fmt::Write;

pub(super) fn print(value: &Value) -> String {
    let mut out = String::new();
    print_value(value, 0, &mut out);
    out.push('\n');
    out
}

fn print_value(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(digits) => out.push_str(digits),
        Value::Text(text) => print_text(text, out),
        Value::List(nodes) => {
            let items = nodes.iter().map(|node| (None, &node.value));
            print_items(['[', ']'], items, depth, out);
        }
        Value::Table(entries) => {
            let items = entries.iter().map(|entry| (Some(entry.key.as_str()), &entry.value.value));
            print_items(['{', '}'], items, depth, out);
        }
    }
}

fn is_plain(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Table(_))
}

fn print_items<'v>(
    [open, close]: [char; 2],
    items: impl ExactSizeIterator<Item = (Option<&'v str>, &'v Value)> + Clone,
    depth: usize,
    out: &mut String,
) {
    // Rows of lists stand on one line each, however wide.
    let one_line = items.clone().all(|(_, value)| is_plain(value));
    let gap = |depth: usize, out: &mut String| {
        if one_line {
            return;
        }
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    out.push(open);
    for (at, (key, value)) in items.enumerate() {
        if at > 0 {
            out.push_str(if one_line { ", " } else { "," });
        }
        gap(depth + 1, out);
        if let Some(key) = key {
            print_text(key, out);
            out.push_str(": ");
        }
        print_value(value, depth + 1, out);
    }
    gap(depth, out);
    out.push(close);
}

fn print_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
