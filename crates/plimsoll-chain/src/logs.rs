//! Logs over ranges of blocks: ranges halve where a node refuses them, and grow where there is little in them.

use crate::abi::{Address, Word, hex, quantity};
use crate::error::ChainError;
use crate::rpc::{Client, bytes, malformed, number};
use serde_json::{Value as Json, json};

/// Which logs.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Contracts that emit them.
    pub addresses: Vec<Address>,
    /// First topics, any of which; and second ones, or any.
    pub topics: [Vec<Word>; 2],
}

/// A log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Who emitted it.
    pub address: Address,
    /// Its topics.
    pub topics: Vec<Word>,
    /// The rest.
    pub data: Vec<u8>,
}

/// The logs of a range of blocks, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first block.
    pub from: u64,
    /// Its last.
    pub to: u64,
    /// The logs.
    pub logs: Vec<Log>,
}

/// The first range: what most public nodes give.
pub const RANGE: u64 = 10_000;
/// No range is longer.
const RANGE_MAX: u64 = 1 << 20;
/// After so many ranges a longer one is tried again: a node may have refused for what was in it, not for its length.
const PATIENCE: u32 = 32;
/// More logs than this in a range make the next one shorter; less than a quarter, longer.
const MANY: usize = 20_000;

/// Goes through the logs of a range of blocks.
pub struct Walk<'c> {
    client: &'c Client,
    filter: Filter,
    next: u64,
    last: u64,
    range: u64,
    /// What was refused is not asked again at once: no range is longer than this for a while.
    most: u64,
    /// Ranges that were given since.
    given: u32,
}

impl<'c> Walk<'c> {
    /// From a block to another one, both included.
    #[must_use]
    pub fn new(client: &'c Client, filter: Filter, first: u64, last: u64) -> Walk<'c> {
        Walk { client, filter, next: first, last, range: RANGE, most: RANGE_MAX, given: 0 }
    }

    /// The next range that the node gives, with its logs; `None` at the end.
    ///
    /// # Errors
    /// When the node does not answer, or refuses the logs of a single block.
    pub fn step(&mut self) -> Result<Option<Stretch>, ChainError> {
        while self.next <= self.last {
            let to = self.last.min(self.next.saturating_add(self.range - 1));
            let from = self.next;
            let answer = self.client.ask("eth_getLogs", self.params(from, to));
            match answer {
                Ok(answer) => {
                    let logs = logs_of(&answer)?;
                    self.given += 1;
                    if self.given.is_multiple_of(PATIENCE) {
                        self.most = (self.most * 2).min(RANGE_MAX);
                    }
                    if logs.len() > MANY {
                        self.range = (self.range / 2).max(1);
                    } else if logs.len() < MANY / 4 {
                        self.range = (self.range * 2).min(self.most);
                    }
                    self.next = to + 1;
                    return Ok(Some(Stretch { from, to, logs }));
                }
                Err(ChainError::Refused(_, _, message)) if self.range == 1 => {
                    return Err(ChainError::NoLogs(self.next, message));
                }
                // Too many blocks, logs or bytes, or too long: half of it.
                Err(
                    ChainError::Refused(..)
                    | ChainError::Status(_, 400 | 413, _)
                    | ChainError::Unreachable(..)
                    | ChainError::Malformed { .. },
                ) if self.range > 1 => {
                    self.range = (to - from).div_ceil(2).max(1);
                    (self.most, self.given) = (self.range, 0);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Goes on after a block.
    pub fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    fn params(&self, from: u64, to: u64) -> Json {
        let any = |topics: &Vec<Word>| match topics.as_slice() {
            [] => Json::Null,
            topics => topics.iter().map(|topic| hex(topic)).collect(),
        };
        let topics: Vec<Json> = self.filter.topics.iter().map(any).collect();
        let addresses: Vec<String> = self.filter.addresses.iter().map(Address::to_string).collect();
        json!([{
            "fromBlock": quantity(from),
            "toBlock": quantity(to),
            "address": addresses,
            "topics": topics,
        }])
    }
}

fn logs_of(answer: &Json) -> Result<Vec<Log>, ChainError> {
    let of = "eth_getLogs";
    let items = answer.as_array().ok_or_else(|| malformed(of, answer, "a list of logs"))?;
    let log = |item: &Json| -> Result<Log, ChainError> {
        let field =
            |name: &str| item.get(name).ok_or_else(|| malformed(of, item, &format!("the field {name}")));
        let address = bytes(field("address")?, of)?.try_into();
        let topics = field("topics")?.as_array().ok_or_else(|| malformed(of, item, "a list of topics"))?;
        let topic = |topic: &Json| {
            let word = bytes(topic, of)?.try_into();
            word.map_err(|_| malformed(of, topic, "a topic of 32 bytes"))
        };
        number(field("blockNumber")?, of)?;
        Ok(Log {
            address: Address(address.map_err(|_| malformed(of, item, "an address"))?),
            topics: topics.iter().map(topic).collect::<Result<_, _>>()?,
            data: bytes(field("data")?, of)?,
        })
    };
    // A log that a reorganisation took back is none.
    let stands = |item: &&Json| item.get("removed") != Some(&Json::Bool(true));
    items.iter().filter(stands).map(log).collect()
}
