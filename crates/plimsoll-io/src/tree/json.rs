//! Strict JSON (RFC 8259) to a [`Node`]: no comments, no trailing commas, bounded depth, every place kept.

use super::{DEPTH_MAX, Entry, Node, Value};
use crate::fault::{Code, Log, Span, quoted};
use std::collections::HashSet;

pub(super) fn read(text: &str, id: u16, log: &mut Log) -> Option<Node> {
    let mut reader = Reader { text, at: 0, id, log };
    let node = reader.value(0).ok();
    let node = node.filter(|_| reader.end().is_ok())?;
    Some(node)
}

/// The fault is already told.
struct Stop;

struct Reader<'t, 'l> {
    text: &'t str,
    at: usize,
    id: u16,
    log: &'l mut Log,
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn span(&self, start: usize) -> Span {
        Span { source: self.id, start: start as u32, end: self.at as u32 }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Tells what stands here instead of what was expected.
    fn stop<T>(&mut self, code: Code, expected: &str) -> Result<T, Stop> {
        let next = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        let length = next.map_or(0, char::len_utf8);
        let start = self.at as u32;
        let span = Span { source: self.id, start, end: start + length as u32 };
        let found = next.map_or("the end of the text".to_string(), |c| quoted(&c.to_string()));
        self.log.at(code, span, found, expected);
        Err(Stop)
    }

    fn take(&mut self, byte: u8, expected: &str) -> Result<(), Stop> {
        if self.peek() != Some(byte) {
            return self.stop(Code::Json, expected);
        }
        self.at += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.space();
        if self.at < self.text.len() { self.stop(Code::Json, "the end of the text") } else { Ok(()) }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Stop> {
        self.space();
        let start = self.at;
        if depth >= DEPTH_MAX {
            return self.stop(Code::TooDeep, "at most 128 levels");
        }
        let value = match self.peek() {
            Some(b'{') => self.table(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.text()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'a'..=b'z') => self.word()?,
            _ => return self.stop(Code::Json, "a value"),
        };
        Ok(Node { span: self.span(start), value })
    }

    fn word(&mut self) -> Result<Value, Stop> {
        for (word, value) in
            [("true", Value::Flag(true)), ("false", Value::Flag(false)), ("null", Value::Null)]
        {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        self.stop(Code::Json, "a value")
    }

    fn number(&mut self) -> Result<Value, Stop> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Value::Number(self.text[start..self.at].to_string()))
    }

    fn digits(&mut self) -> Result<(), Stop> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.stop(Code::Json, "a digit");
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn list(&mut self, depth: usize) -> Result<Value, Stop> {
        self.at += 1;
        let mut nodes = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(nodes));
        }
        loop {
            nodes.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => {
                    self.take(b']', "`,` or `]`")?;
                    return Ok(Value::List(nodes));
                }
            }
        }
    }

    fn table(&mut self, depth: usize) -> Result<Value, Stop> {
        self.at += 1;
        let mut entries: Vec<Entry> = Vec::new();
        let mut keys = HashSet::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Table(entries));
        }
        loop {
            self.space();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return self.stop(Code::Json, "a key in quotation marks");
            }
            let key = self.text()?;
            let key_span = self.span(start);
            self.space();
            self.take(b':', "`:`")?;
            let value = self.value(depth + 1)?;
            let again = !keys.insert(key.clone());
            if again {
                self.log.at(Code::DuplicateKey, key_span, format!("{} again", quoted(&key)), "each key once");
            }
            entries.push(Entry { key, key_span, again, value });
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => {
                    self.take(b'}', "`,` or `}`")?;
                    return Ok(Value::Table(entries));
                }
            }
        }
    }

    fn text(&mut self) -> Result<String, Stop> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let plain =
                self.text[self.at..].bytes().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=31)).count();
            text.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return self.stop(Code::Control, "text; control characters are written \\u00.."),
                None => return self.stop(Code::Json, "a closing quotation mark"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Stop> {
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.stop(Code::Json, "an escape such as \\n or \\u0041"),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode(&mut self) -> Result<char, Stop> {
        let high = self.hex()?;
        if !(0xd800..0xdc00).contains(&high) {
            return match char::from_u32(high) {
                Some(c) => Ok(c),
                None => self.stop(Code::Json, "a high surrogate before this low one"),
            };
        }
        self.take(b'\\', "a low surrogate `\\u`")?;
        if self.peek() != Some(b'u') {
            return self.stop(Code::Json, "a low surrogate `\\u`");
        }
        let low = self.hex()?;
        match low.checked_sub(0xdc00).filter(|low| *low < 0x400) {
            Some(low) => Ok(char::from_u32(0x10000 + ((high - 0xd800) << 10) + low).unwrap_or('\u{fffd}')),
            None => self.stop(Code::Json, "a low surrogate before this"),
        }
    }

    /// After `\`: the `u` and four hexadecimal digits.
    fn hex(&mut self) -> Result<u32, Stop> {
        self.at += 1;
        let mut number = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| (b as char).to_digit(16));
            let Some(digit) = digit else { return self.stop(Code::Json, "four hexadecimal digits") };
            number = number * 16 + digit;
            self.at += 1;
        }
        Ok(number)
    }
}
