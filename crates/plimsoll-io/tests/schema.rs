//! The JSON Schema of a one-file book accepts what the reader accepts, and refuses what is broken in form.
//!
//! The validator below knows the keywords and patterns that the schema uses and no others: a new one stops the test.

mod common;

use common::{file, sound};
use plimsoll_io::book;
use serde_json::{Value, json};
use std::path::Path;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/book.schema.json")).expect("the schema is JSON")
}

fn example() -> Value {
    one_file("treasury")
}

/// An example book in one file.
fn one_file(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let text = book::write_json(&sound(book::open(&folder))).expect("it can be written");
    serde_json::from_str(&text).expect("it is JSON")
}

fn accepts(root: &Value, schema: &Value, value: &Value) -> bool {
    let all = |list: &Value| list.as_array().expect("a list").clone();
    let at_least =
        |limit: &Value| value.as_u64().is_none_or(|number| number >= limit.as_u64().expect("a limit"));
    let at_most =
        |limit: &Value| value.as_u64().is_none_or(|number| number <= limit.as_u64().expect("a limit"));
    let length = value.as_str().map(str::chars).map_or(0, Iterator::count);
    let items = value.as_array().map_or(0, Vec::len);
    let limit = |limit: &Value| usize::try_from(limit.as_u64().expect("a limit")).expect("a small limit");
    schema.as_object().expect("a schema").iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" => true,
        "$ref" => {
            let path = rule.as_str().and_then(|path| path.strip_prefix('#')).expect("a local reference");
            accepts(root, root.pointer(path).expect("a definition"), value)
        }
        "type" => match rule.as_str().expect("one type") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            other => panic!("type {other}"),
        },
        "const" => value == rule,
        "enum" => all(rule).contains(value),
        "properties" => rule
            .as_object()
            .expect("properties")
            .iter()
            .all(|(name, rule)| value.get(name).is_none_or(|member| accepts(root, rule, member))),
        "required" => all(rule).iter().all(|name| value.get(name.as_str().expect("a name")).is_some()),
        "additionalProperties" => {
            assert_eq!(*rule, json!(false));
            let known = schema["properties"].as_object().expect("properties");
            value.as_object().is_none_or(|members| members.keys().all(|name| known.contains_key(name)))
        }
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| accepts(root, rule, item))),
        "anyOf" => all(rule).iter().any(|rule| accepts(root, rule, value)),
        "dependentRequired" => rule.as_object().expect("names").iter().all(|(name, others)| {
            value.get(name).is_none()
                || all(others).iter().all(|other| value.get(other.as_str().expect("a name")).is_some())
        }),
        "oneOf" => all(rule).iter().filter(|rule| accepts(root, rule, value)).count() == 1,
        "minimum" => !value.is_i64() || value.is_u64() && at_least(rule),
        "maximum" => at_most(rule),
        "minLength" => !value.is_string() || length >= limit(rule),
        "maxLength" => !value.is_string() || length <= limit(rule),
        "minItems" => !value.is_array() || items >= limit(rule),
        "maxItems" => !value.is_array() || items <= limit(rule),
        "pattern" => value.as_str().is_none_or(|text| fits(rule.as_str().expect("a pattern"), text)),
        other => panic!("the keyword {other}"),
    })
}

/// The schema's patterns, by hand.
fn fits(pattern: &str, text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let amount = |text: &str| text.split_once('.').map_or(digits(text), |(w, f)| digits(w) && digits(f));
    let unit = |text: &str| {
        let word = |text: &str| !text.is_empty() && !text.contains([' ', ',', '/']);
        text.split_once('/').map_or(word(text), |(currency, per)| word(currency) && word(per))
    };
    match pattern {
        r"^[^=+@\-\s]" => !text.starts_with(['=', '+', '-', '@']) && !text.starts_with(char::is_whitespace),
        r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$" => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            !text.is_empty() && !text.starts_with(['.', '-']) && text.chars().all(plain)
        }
        r"^[0-9]+(\.[0-9]+)?$" => amount(text),
        r"^-?[0-9]+(\.[0-9]+)?$" => amount(text.strip_prefix('-').unwrap_or(text)),
        "^[0-9]+$" => digits(text),
        "^[0-9]+[smhd]?$" => digits(text.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or(text)),
        "^[^ ,/]+(/[^ ,/]+)?$" => unit(text),
        "^[^ ,/]+(/[^ ,/]+)?( raw)?$" => unit(text.strip_suffix(" raw").unwrap_or(text)),
        r"^([0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+\-][0-9]{2}:[0-9]{2}))$" => {
            digits(text) || {
                let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
                let zones = ["Z", "+00:00", "-00:00"];
                zones.iter().any(|zone| shape == format!("0000-00-00T00:00:00{zone}"))
            }
        }
        other => panic!("the pattern {other}"),
    }
}

#[test]
fn the_schema_accepts_the_example() {
    let schema = schema();
    for name in [
        "treasury",
        "lending",
        "compound_v3",
        "maker",
        "liquity",
        "hubs",
        "crash",
        "wrapped",
        "margin",
        "options",
    ] {
        assert!(accepts(&schema, &schema, &one_file(name)), "{name}");
    }
}

/// The treasury with a surface of volatilities.
fn with_a_surface() -> Value {
    let mut book = example();
    let head = json!({"name": "eth", "underlying": "ETH", "currency": "USD", "source": "s", "observed_at": 1_760_096_900, "max_age": "5m"});
    let point =
        json!({"surface": "eth", "expiry": "2025-10-31T08:00:00Z", "strike": "4000", "volatility": "0.7"});
    let fields = book.as_object_mut().expect("a book");
    fields.insert("vol_surfaces".into(), json!([head]));
    fields.insert("vols".into(), json!([point]));
    book
}

#[test]
fn the_schema_accepts_a_surface_that_is_read() {
    let (schema, book) = (schema(), with_a_surface());
    assert!(accepts(&schema, &schema, &book));
    sound(book::read(vec![file("book.json", book.to_string())]));
}

/// Each edit of the example: a place, and what to put there (nothing takes it out). Reader and schema both refuse.
#[test]
fn what_is_broken_in_form_is_refused_by_schema_and_reader() {
    let schema = schema();
    let edits = [
        ("/format", json!(2)),
        ("/format", json!("1")),
        ("/name", Value::Null),
        ("/name", json!("=x")),
        ("/at", json!(1.5)),
        ("/at", json!("2025-10-10")),
        ("/extra", json!(1)),
        ("/feeds", json!({})),
        ("/feeds/0/kind", json!("orakel")),
        ("/feeds/0/price", json!("4e3")),
        ("/feeds/0/price", json!(4000)),
        ("/feeds/0/prices", json!("4000")),
        ("/feeds/0/unit", json!("USD/")),
        ("/feeds/0/source", Value::Null),
        ("/feeds/0/max_age", json!("1 hour")),
        ("/vol_surfaces/0/underlying", Value::Null),
        ("/vol_surfaces/0/currency", json!("=USD")),
        ("/vol_surfaces/0/observed_at", Value::Null),
        ("/vol_surfaces/0/max_age", json!("5 minutes")),
        ("/vol_surfaces/0/unit", json!("USD")),
        ("/vols", Value::Null),
        ("/vols/0/surface", Value::Null),
        ("/vols/0/expiry", json!("2025-10-31")),
        ("/vols/0/strike", json!(4000)),
        ("/vols/0/strike", json!("-4000")),
        ("/vols/0/volatility", json!("70%")),
        ("/vols/0/vol", json!("0.7")),
        ("/prices/0/decimals", Value::Null),
        ("/prices/0/decimals", json!(61)),
        ("/prices/0/rounding", json!("dwon")),
        ("/prices/0/constant", json!("1")),
        ("/prices/0/product", json!([])),
        ("/markets/0/venue", json!("aave_v2")),
        ("/markets/0/revision", json!("3.8")),
        ("/markets/0/currency", Value::Null),
        ("/markets/0/reserves/0/decimals", Value::Null),
        ("/markets/0/reserves/0/ltv", json!(10001)),
        ("/markets/0/reserves/0/configuration", json!("5")),
        ("/markets/0/reserves/0/frozen", json!("no")),
        ("/markets/0/reserves/0/state/liquidity_index", Value::Null),
        ("/markets/0/reserves/0/state/index", json!(1)),
        ("/markets/0/emodes/0/id", json!(0)),
        ("/markets/1/irm", json!("linear")),
        ("/markets/1/loan/decimals", json!(-1)),
        ("/markets/1/state/last_update", Value::Null),
        ("/positions/0/quantity", json!(12.5)),
        ("/positions/0/quantity", json!("-1")),
        ("/positions/0/quantity", Value::Null),
        ("/positions/0/unit", json!("wei")),
        ("/positions/0/kind", json!("loan")),
        ("/positions/0/as_collateral", json!("maybe")),
    ];
    for (place, to) in edits {
        let mut edited = with_a_surface();
        let (parent, name) = place.rsplit_once('/').expect("a place");
        let parent = edited.pointer_mut(parent).and_then(Value::as_object_mut).expect("a table");
        match to {
            Value::Null => parent.remove(name),
            ref to => parent.insert(name.to_string(), to.clone()),
        };
        assert!(!accepts(&schema, &schema, &edited), "the schema accepts {to} at {place}");
        let opened = book::read(vec![file("book.json", edited.to_string())]);
        assert!(!opened.faults.is_empty(), "the reader accepts {to} at {place}");
    }
}
