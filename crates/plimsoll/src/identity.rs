use plimsoll_core::{
    Book, Decimal, Graph, Int, ListedAccount, Observation, Origin, PoolShare, PriceId, RateCap, Reading,
    Time, VaultShare,
};
use sha2::{Digest, Sha256};

/// What a figure was computed from: with it anyone can say whether two figures speak of the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The book's name.
    pub book: String,
    /// SHA-256 over the canonical bytes of markets, accounts, prices (what was observed, until when it counts and within which
    /// bounds, what is made of it by which rule, and what markets read today) and the time, in hex.
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
            for wired in &market.wiring {
                some(&mut bytes, wired.as_ref(), |bytes, id| leg(bytes, &book.graph, *id));
            }
        }
        prices(&mut bytes, &book.graph);
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

/// All prices in the order of their names, each with how it comes about.
fn prices(bytes: &mut Vec<u8>, graph: &Graph) {
    let mut prices: Vec<_> = graph.prices().iter().collect();
    prices.sort_by(|x, y| x.name.cmp(&y.name));
    bytes.extend_from_slice(&(prices.len() as u64).to_le_bytes());
    for price in prices {
        text(bytes, &price.name);
        text(bytes, &price.unit.currency);
        some(bytes, price.unit.per.as_ref(), |bytes, per| text(bytes, per));
        origin(bytes, graph, &price.origin);
    }
}

/// How a price comes about: which way, its legs by their names, and its numbers.
fn origin(bytes: &mut Vec<u8>, graph: &Graph, origin: &Origin) {
    let sort = match origin {
        Origin::Feed(_) => 0,
        Origin::Constant(_) => 1,
        Origin::Product { .. } => 2,
        Origin::Quotient { .. } => 3,
        Origin::MulDiv { .. } => 4,
        Origin::RateCap(_) => 5,
        Origin::PoolShare(_) => 6,
        Origin::VaultShare(_) => 7,
        Origin::Least { .. } => 8,
        Origin::Greatest { .. } => 9,
    };
    bytes.push(sort);
    let legs = origin.legs();
    bytes.extend_from_slice(&(legs.len() as u64).to_le_bytes());
    legs.into_iter().for_each(|id| leg(bytes, graph, id));
    some(bytes, origin.decimals().as_ref(), |bytes, decimals| bytes.push(*decimals));
    some(bytes, origin.rounding().as_ref(), |bytes, way| bytes.push(*way as u8));
    match origin {
        Origin::Feed(feed) => observed(bytes, feed),
        Origin::Constant(value) => decimal(bytes, value),
        Origin::RateCap(RateCap { snapshot, taken_at, growth, .. }) => {
            bytes.extend_from_slice(&snapshot.to_le_bytes());
            bytes.extend_from_slice(&taken_at.0.to_le_bytes());
            bytes.extend_from_slice(&growth.to_le_bytes());
        }
        Origin::PoolShare(PoolShare { value, .. }) => bytes.push(*value as u8),
        Origin::VaultShare(VaultShare { share_decimals, virtual_assets, virtual_shares, .. }) => {
            bytes.push(*share_decimals);
            bytes.extend_from_slice(&virtual_assets.to_le_bytes());
            bytes.extend_from_slice(&virtual_shares.to_le_bytes());
        }
        // Said by the legs, digits and rounding.
        Origin::Product { .. }
        | Origin::Quotient { .. }
        | Origin::MulDiv { .. }
        | Origin::Least { .. }
        | Origin::Greatest { .. } => {}
    }
}

fn observed(bytes: &mut Vec<u8>, feed: &Observation) {
    let Observation { kind, price, scale, source, observed_at, max_age, confidence, floor, ceiling } = feed;
    bytes.extend_from_slice(&[*kind as u8, *scale as u8]);
    text(bytes, source);
    for number in [price, confidence, floor, ceiling] {
        some(bytes, number.as_ref(), decimal);
    }
    for seconds in [observed_at.map(|at| at.0), *max_age] {
        some(bytes, seconds.as_ref(), |bytes, seconds| bytes.extend_from_slice(&seconds.to_le_bytes()));
    }
}

/// A leg by its name, so that the order of prices in a file changes nothing.
fn leg(bytes: &mut Vec<u8>, graph: &Graph, id: PriceId) {
    text(bytes, graph.price(id).map_or("", |price| &price.name));
}

fn some<T>(bytes: &mut Vec<u8>, value: Option<&T>, put: impl Fn(&mut Vec<u8>, &T)) {
    bytes.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(bytes, value);
    }
}

/// 1.0 and 1.00 are one number.
fn decimal(bytes: &mut Vec<u8>, value: &Decimal) {
    let Decimal { mantissa, decimals } = value.trimmed();
    number(bytes, mantissa);
    bytes.push(decimals);
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn number(bytes: &mut Vec<u8>, value: Int) {
    bytes.push(u8::from(value.is_negative()));
    bytes.extend_from_slice(&value.magnitude().to_le_bytes());
}
