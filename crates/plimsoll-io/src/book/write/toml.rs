//! A tree as TOML: plain fields first, then tables and lists of tables under their headers.

use crate::tree::{Entry, Value};
use std::fmt::Write;

pub(super) fn print(value: &Value) -> String {
    let mut out = String::new();
    if let Value::Table(entries) = value {
        print_table(entries, "", &mut out);
    }
    out
}

fn print_table(entries: &[Entry], path: &str, out: &mut String) {
    let under_header = |value: &Value| match value {
        Value::Table(entries) => entries.len() > 4,
        Value::List(nodes) => nodes.iter().any(|node| matches!(node.value, Value::Table(_))),
        _ => false,
    };
    for entry in entries.iter().filter(|entry| !under_header(&entry.value.value)) {
        let _ = write!(out, "{} = ", entry.key);
        print_inline(&entry.value.value, out);
        out.push('\n');
    }
    for entry in entries.iter().filter(|entry| under_header(&entry.value.value)) {
        let path = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
        match &entry.value.value {
            Value::Table(entries) => {
                let _ = writeln!(out, "\n[{path}]");
                print_table(entries, &path, out);
            }
            Value::List(nodes) => {
                for node in nodes {
                    if let Value::Table(entries) = &node.value {
                        let _ = writeln!(out, "\n[[{path}]]");
                        print_table(entries, &path, out);
                    }
                }
            }
            _ => {}
        }
    }
}

fn print_inline(value: &Value, out: &mut String) {
    match value {
        // TOML has no null, and the writer makes none.
        Value::Null => out.push_str("\"\""),
        Value::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(digits) => out.push_str(digits),
        Value::Text(text) => print_text(text, out),
        Value::List(nodes) => {
            out.push('[');
            for (at, node) in nodes.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                print_inline(&node.value, out);
            }
            out.push(']');
        }
        Value::Table(entries) => {
            out.push_str("{ ");
            for (at, entry) in entries.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                let _ = write!(out, "{} = ", entry.key);
                print_inline(&entry.value.value, out);
            }
            out.push_str(" }");
        }
    }
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
