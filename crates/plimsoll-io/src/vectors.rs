//! Reference vectors: what the deployed contracts answered, against what our markets answer.
//!
//! A vector file is JSON, plain or gzipped, told apart by its `schema` and `revision` keys and never by its name. A
//! decoder reads the inputs of each record, asks the market, and hands back an [`Answer`]; this module does the
//! accounting, which is strict:
//!
//! - a leaf that the decoder **read** is an input;
//! - a leaf that it **answered** is compared, read or not;
//! - every other leaf of the file is **skipped**, by name;
//! - an answer to a leaf that the file lacks is a **mismatch**, and so is a refusal where the file has a value.
//!
//! Nothing is passed over in silence: inputs, checks and skips together are all leaves of the file.

mod aave_v3;
mod aave_v4;
mod compound_v3;
mod json;
mod liquity_v2;
mod maker;
mod margin;
mod morpho_blue;

pub use aave_v3::{RecordedMarket, recorded_markets};
pub use json::{Fault, Input};

use flate2::read::GzDecoder;
use json::Document;
use plimsoll_core::{Int, Refusal};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Read;

/// No vector file unpacks to more than this (bytes).
const LARGEST_FILE: u64 = 1 << 28;

/// How a venue spells a refusal; empty where it never says such a thing.
pub type Spell = fn(&Refusal) -> &'static [&'static str];

/// A way to check the files of one schema.
struct Decoder {
    schema: &'static str,
    /// Revisions that it knows; empty for schemas without the key.
    revisions: &'static [&'static str],
    decode: fn(Input<'_>) -> Result<Vec<Record>, Fault>,
}

const DECODERS: &[&[Decoder]] = &[
    aave_v3::DECODERS,
    aave_v4::DECODERS,
    morpho_blue::DECODERS,
    compound_v3::DECODERS,
    maker::DECODERS,
    liquity_v2::DECODERS,
    margin::DECODERS,
];

/// What our side says about one leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This value, spelled as the file spells values.
    Value(String),
    /// A refusal, in whatever words the venue has for it.
    Refused(Refusal),
    /// A refusal in the words that the venue has for it at this call; `None` where this call never says such a thing.
    RefusedAs(Refusal, Option<&'static str>),
    /// A number that is not exact, and whether it is as near to the file's as the schema allows: whoever computed it judged it.
    Judged {
        /// What was found.
        value: String,
        /// Whether that is near enough.
        equal: bool,
    },
    /// An integer that need not be equalled, and whether it is near enough.
    Near {
        /// What was found.
        value: Int,
        /// Whether that is near enough.
        equal: bool,
    },
    /// There is no such thing: a leaf that the file must not have.
    Absent,
    /// Nothing: the leaf is skipped.
    NotComputed,
}

/// One answer of the venue beside ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its place inside the record.
    pub path: String,
    /// What the file says; `None` where it has no such leaf.
    pub expected: Option<String>,
    /// What we say.
    pub found: Found,
}

/// One case of a file.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its place in the file, with its label where it has one.
    pub path: String,
    /// Every leaf of it that is not an input.
    pub leaves: Vec<Leaf>,
    /// Why its inputs could not be read; all its leaves are skipped then.
    pub fault: Option<Fault>,
    spell: Spell,
}

/// A vector file, compared.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its schema and revision as it gives them; empty where it gives none.
    pub schema: String,
    /// Whether some decoder knows that schema. If not, the file is one skip.
    pub known: bool,
    /// Every case, and one record more for what stands outside of all.
    pub records: Vec<Record>,
}

/// What our side says about a record: path inside the record to answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    leaves: BTreeMap<String, Found>,
    rest: Option<Refusal>,
}

impl Answer {
    /// The leaf has this value.
    pub fn value(&mut self, path: impl Into<String>, value: impl Display) {
        self.leaves.insert(path.into(), Found::Value(value.to_string()));
    }

    /// The leaf is a number that is not exact: what was found, and whether it is near enough.
    pub fn judged(&mut self, path: impl Into<String>, value: impl Display, equal: bool) {
        self.leaves.insert(path.into(), Found::Judged { value: value.to_string(), equal });
    }

    /// The leaf is an integer that need not be equalled: what was found, and whether it is near enough.
    pub fn near(&mut self, path: impl Into<String>, value: Int, equal: bool) {
        self.leaves.insert(path.into(), Found::Near { value, equal });
    }

    /// The leaf is the venue's spelling of this refusal.
    pub fn refused(&mut self, path: impl Into<String>, refusal: Refusal) {
        self.leaves.insert(path.into(), Found::Refused(refusal));
    }

    /// The leaf is what the venue says for this refusal at the call in question.
    pub fn refused_as(&mut self, path: impl Into<String>, refusal: Refusal, words: Option<&'static str>) {
        self.leaves.insert(path.into(), Found::RefusedAs(refusal, words));
    }

    /// There is no such leaf.
    pub fn absent(&mut self, path: impl Into<String>) {
        self.leaves.insert(path.into(), Found::Absent);
    }

    /// Every leaf that the record has and this answer does not name would have been refused so: a mismatch.
    pub fn rest_refused(&mut self, refusal: Refusal) {
        self.rest = Some(refusal);
    }
}

/// Numbers of leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Compared, equal or not.
    pub checked: u64,
    /// Compared and not equal.
    pub mismatched: u64,
    /// Not compared.
    pub skipped: u64,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            checked: self.checked + other.checked,
            mismatched: self.mismatched + other.mismatched,
            skipped: self.skipped + other.skipped,
        }
    }
}

/// Counts the leaves of a file; a file of unknown schema is one skip.
#[must_use]
pub fn tally(file: &Checked) -> Tally {
    if !file.known {
        return Tally { skipped: 1, ..Tally::default() };
    }
    let leaves = file.records.iter().flat_map(|record| record.leaves.iter().map(move |leaf| (record, leaf)));
    leaves.fold(Tally::default(), |sum, (record, leaf)| {
        sum.plus(match record.outcome(leaf) {
            Outcome::Equal => Tally { checked: 1, ..Tally::default() },
            Outcome::Different => Tally { checked: 1, mismatched: 1, skipped: 0 },
            Outcome::Skipped => Tally { skipped: 1, ..Tally::default() },
        })
    })
}

/// Of the integers that need not be equalled, how many are all the same, and how many there are; `None` where there is none.
#[must_use]
pub fn to_the_last_unit(file: &Checked) -> Option<(u64, u64)> {
    let leaves = file.records.iter().flat_map(|record| &record.leaves);
    let counts = leaves.fold((0, 0), |(equal, all), leaf| match &leaf.found {
        Found::Near { value, .. } => {
            (equal + u64::from(leaf.expected.as_ref() == Some(&value.to_string())), all + 1)
        }
        _ => (equal, all),
    });
    Some(counts).filter(|(_, all)| *all > 0)
}

/// What became of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Compared and equal.
    Equal,
    /// Compared and not equal.
    Different,
    /// Not compared.
    Skipped,
}

impl Record {
    /// Compares one leaf.
    #[must_use]
    pub fn outcome(&self, leaf: &Leaf) -> Outcome {
        let equal = match (&leaf.expected, &leaf.found) {
            (_, Found::NotComputed) => return Outcome::Skipped,
            (Some(expected), Found::Value(found)) => expected == found,
            (Some(_), Found::Judged { equal, .. } | Found::Near { equal, .. }) => *equal,
            (Some(expected), Found::Refused(refusal)) => {
                (self.spell)(refusal).iter().any(|spelled| same_error(expected, spelled))
            }
            (Some(expected), Found::RefusedAs(_, words)) => {
                words.is_some_and(|words| same_error(expected, words))
            }
            (None, Found::Absent) => true,
            (None, _) | (Some(_), Found::Absent) => false,
        };
        if equal { Outcome::Equal } else { Outcome::Different }
    }

    /// The leaves that are not equal, or were skipped.
    pub fn differences(&self) -> impl Iterator<Item = (&Leaf, Outcome)> {
        self.leaves
            .iter()
            .map(|leaf| (leaf, self.outcome(leaf)))
            .filter(|(_, outcome)| *outcome != Outcome::Equal)
    }

    /// Decodes one case that no venue answered: `answer` reads its inputs and says what we find.
    pub fn plain<'j>(case: Input<'j>, answer: impl FnOnce(Input<'j>) -> Result<Answer, Fault>) -> Record {
        Record::new(case, |_| &[], answer)
    }

    /// Decodes one case: `answer` reads its inputs and says what we find.
    pub(crate) fn new<'j>(
        case: Input<'j>,
        spell: Spell,
        answer: impl FnOnce(Input<'j>) -> Result<Answer, Fault>,
    ) -> Record {
        let (answer, fault) = match answer(case.clone()) {
            Ok(answer) => (answer, None),
            Err(fault) => (Answer::default(), Some(fault)),
        };
        let Answer { leaves: mut found, rest } = answer;
        let mut leaves = Vec::new();
        case.each_leaf(&mut |path, expected, was_read| {
            let said = match (found.remove(path), &rest) {
                (Some(said), _) => said,
                (None, _) if was_read && fault.is_none() => return,
                (None, Some(refusal)) => Found::Refused(*refusal),
                (None, None) => Found::NotComputed,
            };
            leaves.push(Leaf { path: path.into(), expected: Some(expected), found: said });
        });
        case.read_all();
        // Answers to leaves that the file lacks; that we, too, lack them needs no leaf.
        let lacking = found.into_iter().filter(|(_, said)| *said != Found::Absent);
        leaves.extend(lacking.map(|(path, found)| Leaf { path, expected: None, found }));
        Record { path: case.title(), leaves, fault, spell }
    }
}

/// Equal as errors: the spellings of one arithmetic panic are the same.
fn same_error(expected: &str, spelled: &str) -> bool {
    expected == spelled || panic_code(expected).is_some_and(|code| panic_code(spelled) == Some(code))
}

/// The code of a Solidity panic: `panic 0x11`, `Panic 0x11`, `Panic(0x11)`, or the raw revert data `0x4e487b71` and one
/// word.
fn panic_code(text: &str) -> Option<u8> {
    let digits = match text.strip_prefix("0x4e487b71") {
        Some(word) if word.len() == 64 => word.trim_start_matches('0'),
        Some(_) => return None,
        None => {
            let called = text.strip_prefix("Panic(0x").and_then(|rest| rest.strip_suffix(')'));
            called.or_else(|| text.strip_prefix("panic 0x")).or_else(|| text.strip_prefix("Panic 0x"))?
        }
    };
    u8::from_str_radix(digits, 16).ok()
}

/// The spelling of the refusals that stand for a Solidity panic, at any venue.
#[must_use]
pub fn spell_panic(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        Refusal::Overflow(_) => &["panic 0x11"],
        Refusal::DivisionByZero(_) => &["panic 0x12"],
        _ => &[],
    }
}

/// Reads a vector file and compares everything in it.
///
/// # Errors
/// When the bytes are not JSON (with line and column), not gzip although they begin so, or lack what the schema
/// promises at the top of the file, or has nothing to compare. A single record that lacks something carries the fault itself.
pub fn check(bytes: &[u8]) -> Result<Checked, Fault> {
    check_value(&parse(bytes)?, &|_| None)
}

/// How a schema is decoded that is not of a venue.
pub type Decode<'a> = Box<dyn Fn(Input<'_>) -> Result<Vec<Record>, Fault> + 'a>;

/// As [`check`], where `other` knows more schemas: those of what stands above this crate.
///
/// # Errors
/// As [`check`].
pub fn check_with<'a>(bytes: &[u8], other: &dyn Fn(&str) -> Option<Decode<'a>>) -> Result<Checked, Fault> {
    check_value(&parse(bytes)?, other)
}

fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    json::parse(&unpacked(bytes)?)
}

/// The bytes of a file, plain or gzipped.
///
/// # Errors
/// When they are not gzip although they begin so, or unpack to more than any vector file may.
pub fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Fault> {
    if bytes.starts_with(&[0x1f, 0x8b]) { Ok(unpack(bytes)?.into()) } else { Ok(bytes.into()) }
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes)
        .take(LARGEST_FILE + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| Fault::Gzip(error.to_string()))?;
    if unpacked.len() as u64 > LARGEST_FILE {
        return Err(Fault::Gzip(format!("more than {LARGEST_FILE} bytes")));
    }
    Ok(unpacked)
}

fn check_value<'a>(value: &Value, other: &dyn Fn(&str) -> Option<Decode<'a>>) -> Result<Checked, Fault> {
    let key = |name| value.get(name).and_then(Value::as_str);
    let (schema, revision) = (key("schema").unwrap_or_default(), key("revision"));
    let known = DECODERS.iter().copied().flatten().find(|decoder| {
        decoder.schema == schema
            && match revision {
                Some(revision) => decoder.revisions.contains(&revision),
                None => decoder.revisions.is_empty(),
            }
    });
    let decode: Option<Decode<'_>> = match known {
        Some(decoder) => Some(Box::new(decoder.decode)),
        None => other(schema).filter(|_| revision.is_none()),
    };
    let schema = match revision {
        Some(revision) => format!("{schema} {revision}"),
        None => schema.to_string(),
    };
    let Some(decode) = decode else { return Ok(Checked { schema, known: false, records: Vec::new() }) };
    let document = Document::new(value);
    let root = document.root();
    for name in ["schema", "revision"] {
        if let Some(key) = root.maybe(name) {
            key.read_all();
        }
    }
    let mut records = decode(root.clone())?;
    // Whatever no record covered and nobody read.
    let outside = Record::new(root, |_| &[], |_| Ok(Answer::default()));
    if !outside.leaves.is_empty() {
        records.push(outside);
    }
    let file = Checked { schema, known: true, records };
    let Tally { checked, skipped, .. } = tally(&file);
    if checked + skipped == 0 {
        let (path, found) = ("the file".into(), "no answer of a venue".into());
        return Err(Fault::Shape { path, found, expected: "one at least" });
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_panic_has_four_spellings() {
        let raw = "0x4e487b710000000000000000000000000000000000000000000000000000000000000011";
        assert!(same_error(raw, "panic 0x11") && same_error("Panic 0x11", "panic 0x11"));
        assert!(same_error("Panic(0x11)", "panic 0x11") && !same_error("Panic(0x12)", "panic 0x11"));
        assert!(!same_error("Panic(0x11", "panic 0x11"));
        assert!(!same_error("panic 0x12", "panic 0x11") && !same_error("0x4e487b7111", "panic 0x11"));
        assert!(!same_error("", "panic 0x11"));
    }

    #[test]
    fn a_file_of_unknown_schema_is_one_skip() {
        for text in [r#"{"schema":"other/thing","x":[1,2]}"#, "{}", "[]", "3"] {
            let file = check(text.as_bytes()).expect("json");
            assert_eq!(tally(&file), Tally { checked: 0, mismatched: 0, skipped: 1 });
        }
    }

    #[test]
    fn broken_json_is_located() {
        match check(b"{\n  \"schema\": }") {
            Err(Fault::Json { line: 2, column: 13, .. }) => {}
            other => panic!("{other:?}"),
        }
        match check(b"{\"a\": {\"b\": 1,\n \"b\": 2}}") {
            Err(Fault::Json { line: 2, what, .. }) => assert!(what.contains("`b` stands twice"), "{what}"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(check(&[0x1f, 0x8b, 0, 1]), Err(Fault::Gzip(_))));
    }

    /// Two inputs, one right answer, one wrong, one refused, one absent, one leaf that nobody knows, one invented.
    #[test]
    fn every_leaf_is_an_input_a_check_or_a_skip() {
        let text = r#"{"in":{"a":"1","b":[2,3]},"out":{"right":"5","wrong":"6","refused":"bad","gone":"7",
            "unknown":null,"empty":[]}}"#;
        let value: Value = serde_json::from_str(text).expect("json");
        let document = Document::new(&value);
        let record = Record::new(
            document.root(),
            |_| &["bad"],
            |case| {
                let inputs = case.get("in")?;
                assert_eq!(inputs.get("a")?.u64()?, 1);
                let items = inputs.get("b")?.items()?;
                assert_eq!(items.iter().map(Input::u64).collect::<Result<Vec<_>, _>>()?, [2, 3]);
                let mut answer = Answer::default();
                answer.value("out.right", 5);
                answer.value("out.wrong", 5);
                answer.refused("out.refused", Refusal::AmountZero);
                answer.absent("out.gone");
                answer.absent("out.nothing");
                answer.value("out.invented", 5);
                Ok(answer)
            },
        );
        let seen: Vec<(&str, Outcome)> =
            record.leaves.iter().map(|leaf| (leaf.path.as_str(), record.outcome(leaf))).collect();
        let expected = [
            ("out.empty", Outcome::Skipped),
            ("out.gone", Outcome::Different),
            ("out.refused", Outcome::Equal),
            ("out.right", Outcome::Equal),
            ("out.unknown", Outcome::Skipped),
            ("out.wrong", Outcome::Different),
            ("out.invented", Outcome::Different),
        ];
        assert_eq!(seen, expected);
    }
}
