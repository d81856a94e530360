//! A JSON document that remembers which of its leaves were read.

use plimsoll_core::{Decimal, Int, Rounding, U256};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

/// What is wrong with a vector file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON.
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// The parser's words.
        what: String,
    },
    /// Not gzip although it begins so.
    Gzip(String),
    /// Something is missing or of another kind.
    Shape {
        /// Where in the document.
        path: String,
        /// What stands there.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Json { line, column, what } => write!(f, "{line}:{column}: {what}"),
            Fault::Gzip(what) => write!(f, "gzip: {what}"),
            Fault::Shape { path, found, expected } => write!(f, "{path}: found {found}, expected {expected}"),
        }
    }
}

impl std::error::Error for Fault {}

/// Reads a JSON document in which no object names a key twice: the second would hide the first.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    let strict: Strict = serde_json::from_slice(bytes).map_err(|error| Fault::Json {
        line: error.line(),
        column: error.column(),
        what: error.to_string(),
    })?;
    Ok(strict.0)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Strict, D::Error> {
        from.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{key}` stands twice")));
            }
            let Strict(value) = members.next_value()?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// A document and the leaves of it that were read.
pub(super) struct Document<'j> {
    value: &'j Value,
    /// Addresses of leaves: two places of one document never share one.
    read: RefCell<HashSet<*const Value>>,
}

impl<'j> Document<'j> {
    pub(super) fn new(value: &'j Value) -> Document<'j> {
        Document { value, read: RefCell::new(HashSet::new()) }
    }

    pub(super) fn root(&'j self) -> Input<'j> {
        Input { document: self, value: self.value, path: String::new() }
    }
}

/// A place in a document. Reading a leaf through it makes the leaf an input.
#[derive(Clone)]
pub struct Input<'j> {
    document: &'j Document<'j>,
    value: &'j Value,
    path: String,
}

impl<'j> Input<'j> {
    /// A member.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, key: &str) -> Result<Input<'j>, Fault> {
        self.maybe(key).ok_or_else(|| Fault::Shape {
            path: join(&self.path, key),
            found: "nothing".into(),
            expected: "a value",
        })
    }

    /// A member that may be missing.
    #[must_use]
    pub fn maybe(&self, key: &str) -> Option<Input<'j>> {
        Some(self.at(self.value.as_object()?.get(key)?, join(&self.path, key)))
    }

    /// The members of a list.
    ///
    /// # Errors
    /// When this is no list.
    pub fn items(&self) -> Result<Vec<Input<'j>>, Fault> {
        let items = self.value.as_array().ok_or_else(|| self.fault("a list"))?;
        if items.is_empty() {
            self.mark();
        }
        Ok((0..).zip(items).map(|(i, item)| self.at(item, format!("{}[{i}]", self.path))).collect())
    }

    /// The members of an object, by key.
    ///
    /// # Errors
    /// When this is no object.
    pub fn entries(&self) -> Result<Vec<(&'j str, Input<'j>)>, Fault> {
        let members = self.value.as_object().ok_or_else(|| self.fault("an object"))?;
        if members.is_empty() {
            self.mark();
        }
        Ok(members.iter().map(|(key, value)| (key.as_str(), self.at(value, join(&self.path, key)))).collect())
    }

    /// A string.
    ///
    /// # Errors
    /// When this is none.
    pub fn text(&self) -> Result<&'j str, Fault> {
        self.mark();
        self.value.as_str().ok_or_else(|| self.fault("a string"))
    }

    /// A truth value.
    ///
    /// # Errors
    /// When this is none.
    pub fn bool(&self) -> Result<bool, Fault> {
        self.mark();
        self.value.as_bool().ok_or_else(|| self.fault("true or false"))
    }

    /// An amount: a string of digits, or a JSON number without point.
    ///
    /// # Errors
    /// When this is none, or does not fit 256 bits.
    pub fn u256(&self) -> Result<U256, Fault> {
        self.mark();
        let digits = match self.value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64().map(U256::from),
            _ => None,
        };
        digits.ok_or_else(|| self.fault("an unsigned integer of 256 bits"))
    }

    /// A signed integer, written as [`Input::u256`] with an optional minus.
    ///
    /// # Errors
    /// When this is none, or does not fit 256 bits.
    pub fn int(&self) -> Result<Int, Fault> {
        self.mark();
        let digits = match self.value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64().map(|value| Int::new(value.into())),
            _ => None,
        };
        digits.ok_or_else(|| self.fault("an integer of 256 bits"))
    }

    /// A decimal number, as a string or a JSON number with or without exponent, in units of 10^-`digits`: what is finer is cut
    /// off toward zero.
    ///
    /// # Errors
    /// When this is none, or does not fit 127 bits.
    pub fn scaled(&self, digits: u8) -> Result<i128, Fault> {
        self.mark();
        let text = match self.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(self.fault("a decimal number")),
        };
        scaled(&text, digits).ok_or_else(|| self.fault("a decimal number of 127 bits"))
    }

    /// A JSON number as the binary fraction that it is for a program with 64-bit floats, in units of 2^-`digits`: what is finer is cut off toward
    /// zero.
    ///
    /// # Errors
    /// When this is none, or does not fit 256 bits.
    pub fn binary(&self, digits: u8) -> Result<Int, Fault> {
        self.mark();
        let bits = self.value.as_number().and_then(Number::as_f64).map(f64::to_bits);
        bits.and_then(|bits| binary(bits, digits)).ok_or_else(|| self.fault("a number of 256 bits"))
    }

    /// A small unsigned integer, written as [`Input::u256`].
    ///
    /// # Errors
    /// When this is none, or does not fit 64 bits.
    pub fn u64(&self) -> Result<u64, Fault> {
        self.u256()?.to_u64().ok_or_else(|| self.fault("an unsigned integer of 64 bits"))
    }

    /// Declares everything from here down an input: labels, addresses, meta.
    pub fn read_all(&self) {
        walk(self.value, &mut String::new(), &mut |_, leaf| {
            self.document.read.borrow_mut().insert(leaf);
        });
    }

    /// Declares the plain members of these names labels: inputs that say what was recorded with what. A list or an object
    /// under such a name is none.
    pub fn labels(&self, names: &[&str]) {
        for label in names.iter().filter_map(|name| self.maybe(name)) {
            if !label.value.is_array() && !label.value.is_object() {
                label.mark();
            }
        }
    }

    /// The value as it stands, without reading it: to tell which kind of record this is.
    #[must_use]
    pub fn peek(&self) -> &'j Value {
        self.value
    }

    /// Its place in the document.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong here.
    #[must_use]
    pub fn fault(&self, expected: &'static str) -> Fault {
        let mut found = self.value.to_string();
        if found.chars().count() > 40 {
            found = found.chars().take(40).chain(['…']).collect();
        }
        Fault::Shape { path: self.path.clone(), found, expected }
    }

    /// The place, and the label where there is one.
    pub(super) fn title(&self) -> String {
        match self.value.get("label").and_then(Value::as_str) {
            Some(label) => format!("{} ({label})", self.path),
            None => self.path.clone(),
        }
    }

    /// Shows every leaf from here down: path from here, text, whether it was read.
    pub(super) fn each_leaf(&self, see: &mut dyn FnMut(&str, String, bool)) {
        walk(self.value, &mut String::new(), &mut |path, leaf| {
            let was_read = self.document.read.borrow().contains(&std::ptr::from_ref(leaf));
            let text = match leaf {
                // What JSON has words and signs of its own for is not the string of the same letters.
                Value::String(text) if OTHER_KINDS.contains(&text.as_str()) => leaf.to_string(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            see(path, text, was_read);
        });
    }

    fn at(&self, value: &'j Value, path: String) -> Input<'j> {
        Input { document: self.document, value, path }
    }

    fn mark(&self) {
        self.document.read.borrow_mut().insert(self.value);
    }
}

/// The number that this text says, in units of 10^-`digits`.
fn scaled(text: &str, digits: u8) -> Option<i128> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let number: Decimal = mantissa.parse().ok()?;
    // Digits to append, or to cut off.
    let shift = i64::from(digits) + exponent.parse::<i16>().map(i64::from).ok()? - i64::from(number.decimals);
    let magnitude = number.mantissa.magnitude();
    let power = u8::try_from(shift.unsigned_abs()).ok().and_then(U256::pow10);
    let magnitude = match (shift < 0, power) {
        (_, Some(power)) if shift >= 0 => magnitude.mul(power)?,
        (_, Some(power)) => magnitude.div(power, Rounding::Down)?,
        (true, None) => U256::ZERO,
        (false, None) if magnitude == U256::ZERO => U256::ZERO,
        (false, None) => return None,
    };
    let value = i128::try_from(magnitude.to_u128()?).ok()?;
    Some(if number.mantissa.is_negative() { -value } else { value })
}

/// The number with these bits of a 64-bit float, in units of 2^-`digits`.
fn binary(bits: u64, digits: u8) -> Option<Int> {
    let (negative, exponent) = (bits >> 63 == 1, (bits >> 52 & 0x7ff) as i32);
    let fraction = bits & ((1 << 52) - 1);
    // The last place of a number so small that it has no leading one is that of the smallest that has.
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let shift = exponent.max(1) - 1_075 + i32::from(digits);
    let magnitude = match usize::try_from(shift) {
        Ok(up) if up > 200 => return None,
        Ok(up) => U256::from(mantissa).mul(U256::ZERO.with_bit(up, true))?,
        Err(_) => U256::from(mantissa.checked_shr(shift.unsigned_abs()).unwrap_or(0)),
    };
    Some(Int::from_parts(negative, magnitude))
}

/// How leaves that are neither strings nor numbers are spelled. Numbers may stand as strings of their digits.
const OTHER_KINDS: [&str; 5] = ["null", "true", "false", "[]", "{}"];

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.into() } else { format!("{path}.{key}") }
}

/// Visits every scalar and every empty list or object.
fn walk<'j>(value: &'j Value, path: &mut String, see: &mut dyn FnMut(&str, &'j Value)) {
    let length = path.len();
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                path.push_str(&format!("[{i}]"));
                walk(item, path, see);
                path.truncate(length);
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(key);
                walk(member, path, see);
                path.truncate(length);
            }
        }
        leaf => see(path, leaf),
    }
}
