//! What can go wrong between a chain and a book.

use std::fmt;

/// Why a chain was not read. Every kind has a code with a section in `docs/errors.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainError {
    /// No connection, or none in time: endpoint, the system's words.
    Unreachable(String, String),
    /// The endpoint answered with an HTTP status that is no answer: endpoint, status, what that mostly means.
    Status(String, u16, &'static str),
    /// What came is not what the protocol says: where, found, expected.
    Malformed {
        /// The method or function that was asked.
        of: String,
        /// What came.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The node's own refusal: method, code, message.
    Refused(String, i64, String),
    /// The node does not keep the state of that block any more: block, the node's words.
    NoArchive(u64, String),
    /// Another chain than was asked for, or endpoints of different chains: endpoint, found, expected.
    WrongChain(String, u64, u64),
    /// Fewer endpoints agree on a block's hash than must: block, agreed, must, what each says.
    NoQuorum(u64, usize, usize, String),
    /// The block is not there (yet), or no more: block, what was found.
    NoBlock(String, String),
    /// The contract at an address did not answer as the venue's does: address, function, what was found.
    NotTheVenue(String, String, String),
    /// The deployment has something that no rule here knows.
    NotModelled(String, String),
    /// A node that does not give the logs of a single block: block, its words.
    NoLogs(u64, String),
    /// What accounts hold does not come to the market's own total: market, asset, sum, total.
    Incomplete(String, String, String, String),
    /// The folder in which a fetch keeps what it has read cannot be used: path, why.
    State(String, String),
    /// What was read is no book: what the reader of books says.
    NoBook(String),
    /// The book does not say which chain it is of: path, why.
    NoOrigin(String, String),
    /// Not an address, a hash or a number: found, expected.
    BadArgument(String, &'static str),
    /// The node says that a transaction would fail: what was simulated, its words.
    WouldFail(String, String),
    /// No transaction of the venue says this.
    Unsayable(String),
}

impl ChainError {
    /// The stable code, such as `PL0634`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            ChainError::Unreachable(..) => "PL0630",
            ChainError::Status(..) => "PL0631",
            ChainError::Malformed { .. } => "PL0632",
            ChainError::Refused(..) => "PL0633",
            ChainError::NoArchive(..) => "PL0634",
            ChainError::WrongChain(..) => "PL0635",
            ChainError::NoQuorum(..) => "PL0636",
            ChainError::NoBlock(..) => "PL0637",
            ChainError::NotTheVenue(..) => "PL0638",
            ChainError::NotModelled(..) => "PL0639",
            ChainError::NoLogs(..) => "PL0640",
            ChainError::Incomplete(..) => "PL0641",
            ChainError::State(..) => "PL0642",
            ChainError::NoBook(..) => "PL0643",
            ChainError::NoOrigin(..) => "PL0644",
            ChainError::BadArgument(..) => "PL0645",
            ChainError::WouldFail(..) => "PL0646",
            ChainError::Unsayable(..) => "PL0647",
        }
    }

    /// All codes, in their order.
    pub const CODES: [&'static str; 18] = [
        "PL0630", "PL0631", "PL0632", "PL0633", "PL0634", "PL0635", "PL0636", "PL0637", "PL0638", "PL0639",
        "PL0640", "PL0641", "PL0642", "PL0643", "PL0644", "PL0645", "PL0646", "PL0647",
    ];
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChainError::Unreachable(endpoint, why) => write!(f, "{endpoint} does not answer: {why}"),
            ChainError::Status(endpoint, status, means) => {
                write!(f, "{endpoint} answers HTTP {status}: {means}")
            }
            ChainError::Malformed { of, found, expected } => {
                write!(f, "{of}: found {found}, expected {expected}")
            }
            ChainError::Refused(method, code, message) => {
                write!(f, "{method}: the node refuses ({code}): {message}")
            }
            ChainError::NoArchive(block, message) => write!(
                f,
                "the node has no state of block {block} any more ({message}): expected an archive node, or a newer block"
            ),
            ChainError::WrongChain(endpoint, found, expected) => {
                write!(f, "{endpoint} is of chain {found}, expected chain {expected}")
            }
            ChainError::NoQuorum(block, agreed, must, said) => {
                write!(f, "block {block}: {agreed} endpoints agree on its hash, expected {must}: {said}")
            }
            ChainError::NoBlock(block, found) => write!(f, "block {block}: {found}"),
            ChainError::NotTheVenue(address, function, found) => {
                write!(f, "{address} is not the venue's contract: {function} gives {found}")
            }
            ChainError::NotModelled(of, what) => write!(f, "{of} has {what}, which no rule here knows"),
            ChainError::NoLogs(block, message) => {
                write!(f, "the node does not give the logs of block {block}: {message}")
            }
            ChainError::Incomplete(market, asset, sum, total) => write!(
                f,
                "{market}: accounts hold {sum} of {asset}, expected the market's own total {total}: logs are missing"
            ),
            ChainError::State(path, why) => write!(f, "{path}: {why}"),
            ChainError::NoBook(why) => write!(f, "what was read is no book: {why}"),
            ChainError::NoOrigin(path, why) => write!(f, "{path}: {why}"),
            ChainError::BadArgument(found, expected) => write!(f, "found `{found}`, expected {expected}"),
            ChainError::WouldFail(what, why) => write!(f, "{what} would fail: {why}"),
            ChainError::Unsayable(what) => write!(f, "no transaction of the venue says {what}"),
        }
    }
}

impl std::error::Error for ChainError {}
