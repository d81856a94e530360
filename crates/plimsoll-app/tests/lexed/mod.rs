//! Rust source as words: no comments, no text, a number with its point whole.

/// A word or sign of code, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// The words of a source, apart from comments and the insides of texts and characters.
pub(crate) fn words(source: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(c) = rest.chars().next() {
        let (length, kept) = match c {
            _ if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            _ if rest.starts_with("/*") => (block_comment(rest), false),
            '"' => (quoted(rest), false),
            '\'' => (character(rest), false),
            _ if c.is_ascii_digit() => {
                let after_point = found.last().is_some_and(|word| word.text == ".");
                (number(rest, after_point), true)
            }
            _ if c.is_alphanumeric() || c == '_' => match raw(rest) {
                Some(length) => (length, false),
                None => (span(rest, |c| c.is_alphanumeric() || c == '_'), true),
            },
            _ => (c.len_utf8(), !c.is_whitespace()),
        };
        let (text, after) = rest.split_at(length);
        if kept {
            found.push(Word { line, text: text.into() });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    found
}

fn span(text: &str, holds: impl Fn(char) -> bool) -> usize {
    text.find(|c| !holds(c)).unwrap_or(text.len())
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        let rest = &text[at..];
        let step = if rest.starts_with("/*") {
            depth += 1;
            2
        } else if rest.starts_with("*/") {
            depth -= 1;
            2
        } else {
            rest.chars().next().map_or(0, char::len_utf8)
        };
        at += step;
        if depth == 0 || step == 0 {
            return at;
        }
    }
}

/// A text in quotation marks, which begins with one.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// A character, or a lifetime's mark alone.
fn character(text: &str) -> usize {
    let mut inside = text[1..].chars();
    match (inside.next(), inside.next()) {
        (Some('\\'), _) => text[3..].find('\'').map_or(text.len(), |end| end + 4),
        (Some(c), Some('\'')) => c.len_utf8() + 2,
        _ => 1,
    }
}

/// A text after a prefix (`r#"…"#`, `b"…"`, `c"…"`).
fn raw(text: &str) -> Option<usize> {
    let prefix = span(text, char::is_alphanumeric);
    if !matches!(&text[..prefix], "r" | "b" | "br" | "c" | "cr") {
        return None;
    }
    let rest = &text[prefix..];
    let hashes = span(rest, |c| c == '#');
    if !rest[hashes..].starts_with('"') {
        return None;
    }
    if !text[..prefix].ends_with('r') {
        return (hashes == 0).then(|| prefix + quoted(rest));
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = prefix + hashes + 1;
    text[body..].find(&end).map(|at| body + at + end.len())
}

/// A number with its point and exponent; after a point it is the place in a tuple.
fn number(text: &str, after_point: bool) -> usize {
    let word = |text: &str| span(text, |c| c.is_alphanumeric() || c == '_');
    let whole = word(text);
    let rest = &text[whole..];
    let pointed = rest.strip_prefix('.').filter(|_| !after_point).filter(|rest| {
        // Not a range, and not a method of a whole number.
        !rest.starts_with(|c: char| c == '.' || c == '_' || c.is_alphabetic())
    });
    let length = whole + pointed.map_or(0, |rest| 1 + word(rest));
    let signed = text[..length].ends_with(['e', 'E']) && text[length..].starts_with(['+', '-']);
    if signed { length + 1 + word(&text[length + 1..]) } else { length }
}

/// Whether a word is a float or the name of one's type.
pub(crate) fn is_float(word: &str) -> bool {
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return matches!(word, "f16" | "f32" | "f64" | "f128");
    }
    let decimal = !["0x", "0b", "0o"].iter().any(|prefix| word.starts_with(prefix));
    decimal && (word.contains(['.', 'e', 'E']) && !word.ends_with("usize") && !word.ends_with("isize"))
        || decimal && ["f16", "f32", "f64", "f128"].iter().any(|suffix| word.ends_with(suffix))
}

/// Every `impl Trait for Type` of a source: line, last name of the trait, names of the type.
pub(crate) fn implementations(source: &str) -> Vec<(usize, String, Vec<String>)> {
    let words = words(source);
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate().filter(|(_, word)| word.text == "impl") {
        // What stands between angle brackets is a parameter, neither the trait nor the type.
        let mut depth = 0;
        let mut plain: Vec<&str> = Vec::new();
        for (before, Word { text, .. }) in words[at..].iter().zip(&words[at + 1..]) {
            match text.as_str() {
                "<" => depth += 1,
                ">" if before.text != "-" => depth -= 1,
                "{" | ";" | "where" | ")" if depth == 0 => break,
                text if depth == 0 => plain.push(text),
                _ => {}
            }
        }
        if let Some(separator) = plain.iter().position(|word| *word == "for") {
            let name = plain[..separator].last().copied().unwrap_or_default();
            let of = plain[separator + 1..].iter().map(ToString::to_string).collect();
            found.push((word.line, name.to_string(), of));
        }
    }
    found
}
