//! The words of contracts: addresses, calls and answers, as Solidity's ABI lays them out.
//!
//! Nearly all that venues are asked has one 32-byte word a value. A library of the whole ABI takes three times longer
//! to build than all else here (ARCHITECTURE.md has the figures), so these are our own; a real node reads them in every test.

use crate::error::ChainError;
use plimsoll_core::U256;
use sha3::{Digest, Keccak256};
use std::fmt;
use std::str::FromStr;

/// The bytes of a value in its place.
pub type Word = [u8; 32];

/// Where a contract or an account is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// No address: what contracts say for "none".
    pub const ZERO: Address = Address([0; 20]);

    /// The address in a word; `None` when the word is larger than one.
    #[must_use]
    pub fn of_word(word: &Word) -> Option<Address> {
        let (high, low) = word.split_at(12);
        (high == [0; 12]).then(|| Address(low.try_into().unwrap_or_default()))
    }

    /// The word of it.
    #[must_use]
    pub fn word(self) -> Word {
        let mut word = [0; 32];
        word[12..].copy_from_slice(&self.0);
        word
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl FromStr for Address {
    type Err = ChainError;

    fn from_str(text: &str) -> Result<Address, ChainError> {
        let bytes = unhex(text).and_then(|bytes| bytes.try_into().ok());
        let wrong = || ChainError::BadArgument(text.into(), "an address: 0x and 40 hexadecimal digits");
        bytes.map(Address).ok_or_else(wrong)
    }
}

/// `0x` and two digits a byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("0x");
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes of such a text.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if digits.len() % 2 == 1 {
        return None;
    }
    digits.chunks_exact(2).map(|two| Some(digit(two[0])? * 16 + digit(two[1])?)).collect()
}

/// A number as the protocol writes it: `0x1f`, and no leading zeros.
#[must_use]
pub fn quantity(number: u64) -> String {
    format!("{number:#x}")
}

/// The hash that selectors, topics and ids are made of.
#[must_use]
pub fn keccak(bytes: &[u8]) -> Word {
    Keccak256::digest(bytes).into()
}

/// A number as a word.
#[must_use]
pub fn word_of(number: U256) -> Word {
    let mut bytes = number.to_le_bytes();
    bytes.reverse();
    bytes
}

/// The number in a word.
#[must_use]
pub fn number_of(word: &Word) -> U256 {
    let mut bytes = *word;
    bytes.reverse();
    U256::from_le_bytes(bytes)
}

/// A call of a contract's function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// Selector and arguments.
    pub data: Vec<u8>,
    /// What is called, for messages.
    pub function: &'static str,
}

impl Call {
    /// A call of a function by its signature, such as `balanceOf(address)`; arguments follow.
    #[must_use]
    pub fn new(to: Address, function: &'static str) -> Call {
        Call { to, data: keccak(function.as_bytes())[..4].to_vec(), function }
    }

    /// The next argument, one word.
    #[must_use]
    pub fn word(mut self, word: Word) -> Call {
        self.data.extend(word);
        self
    }

    /// The next argument, an address.
    #[must_use]
    pub fn address(self, address: Address) -> Call {
        self.word(address.word())
    }

    /// The next argument, a number.
    #[must_use]
    pub fn number(self, number: impl Into<U256>) -> Call {
        self.word(word_of(number.into()))
    }

    /// All arguments at once, those that have no fixed length too.
    #[must_use]
    pub fn values(mut self, values: &[Value]) -> Call {
        self.data.extend(encode(values));
        self
    }
}

/// A value of a function's arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One word: a number, an address, a truth.
    Word(Word),
    /// Bytes or a text of any length.
    Bytes(Vec<u8>),
    /// A list of any length.
    List(Vec<Value>),
    /// Several values that are one.
    Tuple(Vec<Value>),
}

impl Value {
    fn is_dynamic(&self) -> bool {
        match self {
            Value::Word(_) => false,
            Value::Bytes(_) | Value::List(_) => true,
            Value::Tuple(values) => values.iter().any(Value::is_dynamic),
        }
    }

    fn body(&self) -> Vec<u8> {
        let count = |length: usize| word_of(U256::from(length as u64));
        match self {
            Value::Word(word) => word.to_vec(),
            Value::Bytes(bytes) => {
                let mut out = count(bytes.len()).to_vec();
                out.extend(bytes);
                out.resize(out.len().next_multiple_of(32), 0);
                out
            }
            Value::List(values) => {
                let mut out = count(values.len()).to_vec();
                out.extend(encode(values));
                out
            }
            Value::Tuple(values) => encode(values),
        }
    }
}

impl From<Address> for Value {
    fn from(address: Address) -> Value {
        Value::Word(address.word())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Word(word_of(U256::from(number)))
    }
}

impl From<U256> for Value {
    fn from(number: U256) -> Value {
        Value::Word(word_of(number))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Bytes(text.as_bytes().to_vec())
    }
}

/// Values one after the other: heads first, then the bodies of those that have no fixed length.
#[must_use]
pub fn encode(values: &[Value]) -> Vec<u8> {
    let bodies: Vec<Vec<u8>> = values.iter().map(Value::body).collect();
    let head = |(value, body): (&Value, &Vec<u8>)| if value.is_dynamic() { 32 } else { body.len() };
    let mut next: usize = values.iter().zip(&bodies).map(head).sum();
    let mut out = Vec::new();
    for (value, body) in values.iter().zip(&bodies) {
        if value.is_dynamic() {
            out.extend(word_of(U256::from(next as u64)));
            next += body.len();
        } else {
            out.extend(body);
        }
    }
    for (_, body) in values.iter().zip(&bodies).filter(|(value, _)| value.is_dynamic()) {
        out.extend(body);
    }
    out
}

/// What a function gave back.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    bytes: &'a [u8],
    of: &'a Call,
}

impl<'a> Answer<'a> {
    /// The answer of a call.
    #[must_use]
    pub fn new(of: &'a Call, bytes: &'a [u8]) -> Answer<'a> {
        Answer { bytes, of }
    }

    fn wrong(&self, expected: impl Into<String>) -> ChainError {
        let found = format!("{} bytes: {}", self.bytes.len(), short(&hex(self.bytes)));
        ChainError::NotTheVenue(
            self.of.to.to_string(),
            self.of.function.into(),
            format!("{found}, expected {}", expected.into()),
        )
    }

    /// The word at a place.
    ///
    /// # Errors
    /// When the answer is shorter.
    pub fn word(&self, place: usize) -> Result<Word, ChainError> {
        let at = 32 * place;
        let word = self.bytes.get(at..at + 32).and_then(|word| word.try_into().ok());
        word.ok_or_else(|| self.wrong(format!("{} words", place + 1)))
    }

    /// The number at a place.
    ///
    /// # Errors
    /// As [`Answer::word`].
    pub fn number(&self, place: usize) -> Result<U256, ChainError> {
        Ok(number_of(&self.word(place)?))
    }

    /// The number at a place, which has at most 64 bits.
    ///
    /// # Errors
    /// When the answer is shorter or the number larger.
    pub fn small(&self, place: usize) -> Result<u64, ChainError> {
        let number = self.number(place)?.to_u64();
        number.ok_or_else(|| self.wrong(format!("a number of 64 bits at place {place}")))
    }

    /// The address at a place.
    ///
    /// # Errors
    /// When the answer is shorter or the word no address.
    pub fn address(&self, place: usize) -> Result<Address, ChainError> {
        Address::of_word(&self.word(place)?).ok_or_else(|| self.wrong(format!("an address at place {place}")))
    }

    /// Where the value at a place begins, where it has no fixed length; `None` when that is not in the answer.
    pub(crate) fn offset(&self, place: usize) -> Option<usize> {
        let at = usize::try_from(self.small(place).ok()?).ok()?;
        (at <= self.bytes.len()).then_some(at)
    }

    /// Where the body of the value at a place begins, and its length word.
    fn body(&self, place: usize) -> Result<(usize, usize), ChainError> {
        let wrong = || self.wrong(format!("a value of any length at place {place}"));
        let at = usize::try_from(self.small(place)?).ok().filter(|at| at % 32 == 0).ok_or_else(wrong)?;
        let length = usize::try_from(self.small(at / 32)?).ok().ok_or_else(wrong)?;
        Ok((at + 32, length))
    }

    /// The addresses of the list at a place.
    ///
    /// # Errors
    /// When there is no such list.
    pub fn addresses(&self, place: usize) -> Result<Vec<Address>, ChainError> {
        let (at, length) = self.body(place)?;
        if length > self.bytes.len() / 32 {
            return Err(self.wrong("a list that fits its answer"));
        }
        (at / 32..at / 32 + length).map(|place| self.address(place)).collect()
    }

    /// The bytes at a place.
    ///
    /// # Errors
    /// When there are none.
    pub fn bytes(&self, place: usize) -> Result<&'a [u8], ChainError> {
        let (at, length) = self.body(place)?;
        let end = at.checked_add(length);
        end.and_then(|end| self.bytes.get(at..end)).ok_or_else(|| self.wrong("bytes that fit their answer"))
    }

    /// The text at a place; old tokens give theirs as one word.
    ///
    /// # Errors
    /// When there is no text.
    pub fn text(&self, place: usize) -> Result<String, ChainError> {
        let bytes = if self.bytes.len() == 32 {
            self.bytes.split(|byte| *byte == 0).next().unwrap_or_default()
        } else {
            self.bytes(place)?
        };
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// A text that fits a message.
#[must_use]
pub(crate) fn short(text: &str) -> String {
    const MOST: usize = 200;
    let mut cut: String = text.chars().take(MOST).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// What a contract said when it reverted: `Error(string)`, `Panic(uint256)`, or the bytes.
#[must_use]
pub fn reason(data: &[u8]) -> String {
    const ERROR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
    const PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];
    let call = Call { to: Address::ZERO, data: Vec::new(), function: "revert" };
    match data.split_first_chunk::<4>() {
        Some((&ERROR, rest)) => Answer::new(&call, rest)
            .bytes(0)
            .map_or_else(|_| short(&hex(data)), |text| short(&String::from_utf8_lossy(text))),
        Some((&PANIC, rest)) => {
            let number = Answer::new(&call, rest).number(0).unwrap_or(U256::ZERO);
            format!("panic {}", number)
        }
        _ if data.is_empty() => "no reason given".into(),
        _ => short(&hex(data)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot go on has failed
mod tests {
    use super::*;

    /// Keccak-256 of nothing, and the selector of ERC-20's `transfer`, as the specifications give them.
    #[test]
    fn hashes_and_selectors_are_ethereums() {
        let nothing = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert_eq!(hex(&keccak(b"")), nothing);
        assert_eq!(hex(&Call::new(Address::ZERO, "transfer(address,uint256)").data), "0xa9059cbb");
    }

    /// The example of the ABI specification: `f(uint256,uint32[],bytes10,bytes)`.
    #[test]
    fn values_lie_where_the_specification_lays_them() {
        let list = Value::List(vec![Value::from(0x456_u64), Value::from(0x789_u64)]);
        let mut ten = [0; 32];
        ten[..10].copy_from_slice(b"1234567890");
        let values = [Value::from(0x123_u64), list, Value::Word(ten), Value::from("Hello, world!")];
        let words: Vec<String> = encode(&values).chunks(32).map(|word| hex(word)[2..].into()).collect();
        let small = |number: u64| format!("{number:064x}");
        let expected = [
            small(0x123),
            small(0x80),
            "3132333435363738393000000000000000000000000000000000000000000000".into(),
            small(0xe0),
            small(2),
            small(0x456),
            small(0x789),
            small(0xd),
            "48656c6c6f2c20776f726c642100000000000000000000000000000000000000".into(),
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn an_answer_that_is_none_is_told() {
        let call = Call::new(Address::ZERO, "symbol()");
        assert!(Answer::new(&call, &[]).text(0).is_err());
        let mut far = word_of(U256::from(1u64 << 40)).to_vec();
        far.extend([0; 32]);
        assert!(Answer::new(&call, &far).text(0).is_err());
        let mut long = word_of(U256::from(32u64)).to_vec();
        long.extend([0xff; 32]);
        assert!(Answer::new(&call, &long).bytes(0).is_err());
        assert!(Answer::new(&call, &long).addresses(0).is_err());
        let mut mkr = [0; 32];
        mkr[..3].copy_from_slice(b"MKR");
        assert_eq!(Answer::new(&call, &mkr).text(0).unwrap(), "MKR");
    }
}
