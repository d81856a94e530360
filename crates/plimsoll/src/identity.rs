use plimsoll_core::{Book, ListedAccount, Reading, Time};
use sha2::{Digest, Sha256};

/// What a figure was computed from: with it anyone can say whether two figures speak of the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The book's name.
    pub book: String,
    /// SHA-256 over the canonical bytes of markets, accounts and prices, in hex.
    pub hash: String,
    /// The time that the answer is for.
    pub at: Time,
    /// This program's version.
    pub program: &'static str,
}

/// Names a book as it stands at a time with these prices.
pub fn identity(book: &Book, at: Time, readings: &[Vec<Reading>]) -> Identity {
    let mut hashing = Hashing::new(book, readings);
    for listed in &book.accounts {
        hashing.account(listed);
    }
    hashing.finish(book, at)
}

/// A book's hash while its accounts come one after another.
pub(crate) struct Hashing {
    digest: Sha256,
    /// Bytes that are not hashed yet; hashing a few at a time would cost more.
    bytes: Vec<u8>,
}

/// Bytes that are hashed together.
const PIECE: usize = 16 << 10;

impl Hashing {
    /// Begins with markets and prices.
    pub(crate) fn new(book: &Book, readings: &[Vec<Reading>]) -> Hashing {
        let mut bytes = Vec::new();
        for (market, readings) in book.markets.iter().zip(readings) {
            text(&mut bytes, &market.name);
            market.market.encode(&mut bytes);
            for reading in readings {
                bytes.push(u8::from(reading.value.is_some()));
                bytes.extend_from_slice(&reading.value.unwrap_or_default().to_le_bytes());
                bytes.push(reading.doubt.map_or(0, |why| why as u8 + 1));
            }
        }
        Hashing { digest: Sha256::new(), bytes }
    }

    /// Adds the next account.
    pub(crate) fn account(&mut self, listed: &ListedAccount) {
        let bytes = &mut self.bytes;
        text(bytes, &listed.name);
        text(bytes, &listed.owner);
        bytes.extend_from_slice(&(listed.market as u64).to_le_bytes());
        let account = &listed.account;
        for holding in account.holdings() {
            bytes.extend_from_slice(&holding.instrument.0.to_le_bytes());
            number(bytes, holding.quantity);
        }
        bytes.push(0xff);
        for &(term, value) in account.terms() {
            bytes.extend_from_slice(&term.0.to_le_bytes());
            number(bytes, value);
        }
        bytes.push(0xff);
        if bytes.len() >= PIECE {
            self.digest.update(&*bytes);
            bytes.clear();
        }
    }

    /// Ends with the time.
    pub(crate) fn finish(mut self, book: &Book, at: Time) -> Identity {
        self.bytes.extend_from_slice(&at.0.to_le_bytes());
        self.digest.update(&self.bytes);
        let digest = self.digest.finalize();
        let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Identity { book: book.name.clone(), hash, at, program: env!("CARGO_PKG_VERSION") }
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn number(bytes: &mut Vec<u8>, value: plimsoll_core::Int) {
    bytes.push(u8::from(value.is_negative()));
    bytes.extend_from_slice(&value.magnitude().to_le_bytes());
}
