use plimsoll_core::{Book, Reading, Time};
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
    for listed in &book.accounts {
        text(&mut bytes, &listed.name);
        text(&mut bytes, &listed.owner);
        bytes.extend_from_slice(&(listed.market as u64).to_le_bytes());
        let account = &listed.account;
        for holding in account.holdings() {
            bytes.extend_from_slice(&holding.instrument.0.to_le_bytes());
            number(&mut bytes, holding.quantity);
        }
        bytes.push(0xff);
        for &(term, value) in account.terms() {
            bytes.extend_from_slice(&term.0.to_le_bytes());
            number(&mut bytes, value);
        }
        bytes.push(0xff);
    }
    bytes.extend_from_slice(&at.0.to_le_bytes());
    let digest = Sha256::digest(&bytes);
    let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Identity { book: book.name.clone(), hash, at, program: env!("CARGO_PKG_VERSION") }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn number(bytes: &mut Vec<u8>, value: plimsoll_core::Int) {
    bytes.push(u8::from(value.is_negative()));
    bytes.extend_from_slice(&value.magnitude().to_le_bytes());
}
