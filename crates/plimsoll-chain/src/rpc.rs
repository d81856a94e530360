//! JSON-RPC over HTTP: batches, retries with back-off, a rate limit, several endpoints.
//!
//! * One round trip carries many requests ([`Client::batch`]); what a node refuses for its size is cut in half.
//! * What fails for a while (no connection, HTTP 429 and 5xx, "limit exceeded") is tried again, each time later and at
//!   the next endpoint. What a node refuses for good is told in its own words.
//! * Endpoints must be of one chain, and so many of them as the quorum says must give a block the same hash
//!   ([`Client::block`]); those that do not are not asked any more.

mod refusal;
mod transport;

pub use refusal::Refusal;

use crate::abi::{quantity, short, unhex};
use crate::error::ChainError;
use refusal::Kind;
use serde_json::{Value as Json, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use transport::{Endpoint, Failure};

/// How a chain is asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The endpoints, the preferred one first.
    pub urls: Vec<String>,
    /// So many of them must agree on a block's hash.
    pub quorum: usize,
    /// At most so many requests in one round trip.
    pub batch: usize,
    /// So often something is tried again.
    pub retries: u32,
    /// The first pause before that; the next ones are twice as long each, …
    pub pause: Duration,
    /// … and none is longer than this.
    pub pause_max: Duration,
    /// No round trip lasts longer.
    pub timeout: Duration,
    /// At most so many round trips a second; `None` for no limit.
    pub per_second: Option<u32>,
}

impl Settings {
    /// One endpoint, asked as most public nodes allow.
    #[must_use]
    pub fn of(url: &str) -> Settings {
        Settings {
            urls: vec![url.into()],
            quorum: 1,
            batch: 100,
            retries: 5,
            pause: Duration::from_millis(250),
            pause_max: Duration::from_secs(15),
            timeout: Duration::from_secs(60),
            per_second: None,
        }
    }
}

/// A block that a book is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The chain's id.
    pub chain: u64,
    /// Its number.
    pub number: u64,
    /// Its hash, as the nodes write it.
    pub hash: String,
    /// Its time (s).
    pub time: u64,
}

/// What was asked so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// HTTP requests, repeated ones included.
    pub round_trips: u64,
    /// JSON-RPC requests in them.
    pub requests: u64,
    /// Calls of contracts in those.
    pub calls: u64,
    /// Requests that had to be repeated.
    pub repeated: u64,
}

/// One request.
pub type Ask = (&'static str, Json);

/// A chain that answers.
pub struct Client {
    settings: Settings,
    endpoints: RefCell<Vec<Endpoint>>,
    asked: Cell<Asked>,
    last: Cell<Option<Instant>>,
}

impl Client {
    /// A client of the endpoints; asks nothing yet.
    ///
    /// # Errors
    /// When an endpoint is no URL, or there are fewer than the quorum.
    pub fn new(settings: Settings) -> Result<Client, ChainError> {
        let endpoints = settings.urls.iter().map(|url| Endpoint::new(url, settings.timeout));
        let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
        if settings.quorum == 0 || endpoints.len() < settings.quorum {
            let found = format!("a quorum of {} of {} endpoints", settings.quorum, endpoints.len());
            return Err(ChainError::BadArgument(found, "a quorum from 1 to the number of endpoints"));
        }
        let (endpoints, asked, last) = (RefCell::new(endpoints), Cell::default(), Cell::new(None));
        Ok(Client { settings, endpoints, asked, last })
    }

    /// What was asked so far.
    pub fn asked(&self) -> Asked {
        self.asked.get()
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Asked)) {
        let mut asked = self.asked.get();
        change(&mut asked);
        self.asked.set(asked);
    }

    /// The block of a number, or the newest, on whose hash the quorum agrees. Endpoints that have another one, or none,
    /// are not asked any more.
    ///
    /// # Errors
    /// When the endpoints are of different chains or of another one than `chain`, or too few agree.
    pub fn block(&self, number: Option<u64>, chain: Option<u64>) -> Result<Block, ChainError> {
        let id = self.chain(chain)?;
        // The newest is what the slowest of the endpoints has seen: the others have that one too.
        let number = match number {
            Some(number) => number,
            None => self.newest()?,
        };
        let mut said: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let (mut words, mut found, mut failed) = (Vec::new(), None, None);
        let count = self.endpoints.borrow().len();
        for place in 0..count {
            let asked = self.ask_at(place, ("eth_getBlockByNumber", json!([quantity(number), false])));
            let name = self.endpoints.borrow()[place].name().to_string();
            match asked.and_then(|block| block_of(id, &block)) {
                Ok(Some(block)) => {
                    words.push(format!("{name} has {}", block.hash));
                    said.entry(block.hash.clone()).or_default().push(place);
                    found.get_or_insert_with(BTreeMap::new).insert(block.hash.clone(), block);
                }
                Ok(None) => words.push(format!("{name} has no such block")),
                Err(error) => {
                    words.push(error.to_string());
                    failed = Some(error);
                }
            }
        }
        // Where nobody has it and the only one that was asked failed, that is why.
        if let (true, 1, Some(error)) = (said.is_empty(), count, failed) {
            return Err(error);
        }
        let most = said.iter().max_by_key(|(_, places)| places.len());
        let (hash, places) = most.ok_or_else(|| ChainError::NoBlock(number.to_string(), words.join("; ")))?;
        if places.len() < self.settings.quorum {
            let (agreed, must) = (places.len(), self.settings.quorum);
            return Err(ChainError::NoQuorum(number, agreed, must, words.join("; ")));
        }
        let mut place = 0;
        self.endpoints.borrow_mut().retain(|_| {
            place += 1;
            places.contains(&(place - 1))
        });
        let block = found.and_then(|mut found| found.remove(hash));
        block.ok_or_else(|| ChainError::NoBlock(number.to_string(), "nothing".into()))
    }

    /// The chain's id, the same at every endpoint that answers.
    fn chain(&self, expected: Option<u64>) -> Result<u64, ChainError> {
        let mut expected = expected;
        let count = self.endpoints.borrow().len();
        let mut last = None;
        for place in 0..count {
            let found = match self.ask_at(place, ("eth_chainId", json!([]))) {
                Ok(found) => number(&found, "eth_chainId")?,
                Err(error) => {
                    last = Some(error);
                    continue;
                }
            };
            let name = || self.endpoints.borrow()[place].name().to_string();
            match expected {
                Some(expected) if expected != found => {
                    return Err(ChainError::WrongChain(name(), found, expected));
                }
                _ => expected = Some(found),
            }
            last = None;
        }
        match (expected, last) {
            (Some(chain), None) => Ok(chain),
            (Some(chain), Some(_)) if count > 1 => Ok(chain),
            (_, Some(error)) => Err(error),
            (None, None) => Err(ChainError::BadArgument("no endpoint".into(), "an endpoint")),
        }
    }

    fn newest(&self) -> Result<u64, ChainError> {
        let count = self.endpoints.borrow().len();
        let mut least: Option<u64> = None;
        let mut last = None;
        for place in 0..count {
            match self.ask_at(place, ("eth_blockNumber", json!([]))) {
                Ok(found) => {
                    let found = number(&found, "eth_blockNumber")?;
                    least = Some(least.map_or(found, |least| least.min(found)));
                }
                Err(error) => last = Some(error),
            }
        }
        match (least, last) {
            (Some(least), _) => Ok(least),
            (None, Some(error)) => Err(error),
            (None, None) => Err(ChainError::BadArgument("no endpoint".into(), "an endpoint")),
        }
    }

    /// One request.
    ///
    /// # Errors
    /// When no endpoint answers, or the node refuses.
    pub fn ask(&self, method: &'static str, params: Json) -> Result<Json, ChainError> {
        let answers = self.batch(&[(method, params)])?;
        let answer = answers.into_iter().next();
        answer.unwrap_or_else(|| Err(Refusal::none())).map_err(|refusal| refusal.told(method))
    }

    /// One request to one endpoint alone.
    fn ask_at(&self, place: usize, ask: Ask) -> Result<Json, ChainError> {
        let answers = self.repeated(std::slice::from_ref(&ask), Some(place))?;
        let answer = answers.into_iter().next();
        answer.unwrap_or_else(|| Err(Refusal::none())).map_err(|refusal| refusal.told(ask.0))
    }

    /// Many requests, in as few round trips as the node lets. Answers come in the order of the requests.
    ///
    /// # Errors
    /// When no endpoint answers; what a node refuses of a single request stands in that one's place.
    pub fn batch(&self, asks: &[Ask]) -> Result<Vec<Result<Json, Refusal>>, ChainError> {
        let mut answers = Vec::with_capacity(asks.len());
        for part in asks.chunks(self.settings.batch.max(1)) {
            answers.extend(self.halved(part)?);
        }
        Ok(answers)
    }

    fn halved(&self, asks: &[Ask]) -> Result<Vec<Result<Json, Refusal>>, ChainError> {
        match self.repeated(asks, None) {
            Err(ChainError::Status(_, 413, _) | ChainError::Refused(..)) if asks.len() > 1 => {
                let (first, second) = asks.split_at(asks.len() / 2);
                let mut answers = self.halved(first)?;
                answers.extend(self.halved(second)?);
                Ok(answers)
            }
            done => done,
        }
    }

    /// A batch, tried again while what fails may pass.
    fn repeated(&self, asks: &[Ask], at: Option<usize>) -> Result<Vec<Result<Json, Refusal>>, ChainError> {
        let mut answers: Vec<Option<Result<Json, Refusal>>> = vec![None; asks.len()];
        let mut pause = self.settings.pause;
        let mut tries = 0;
        loop {
            let open: Vec<usize> = (0..asks.len()).filter(|place| answers[*place].is_none()).collect();
            if open.is_empty() {
                return Ok(answers.into_iter().flatten().collect());
            }
            let failure = match self.once(asks, &open, at) {
                Ok(came) => {
                    let mut passing = None;
                    for (place, answer) in open.iter().zip(came) {
                        match answer {
                            Err(refusal)
                                if refusal.kind() == Kind::Passing && tries < self.settings.retries =>
                            {
                                passing = Some(Failure::passing(refusal.told(asks[*place].0)));
                            }
                            answer => answers[*place] = Some(answer),
                        }
                    }
                    let Some(passing) = passing else { continue };
                    passing
                }
                Err(failure) => failure,
            };
            if !failure.passes || tries >= self.settings.retries {
                return Err(failure.error);
            }
            tries += 1;
            self.count(|asked| asked.repeated += 1);
            if at.is_none() {
                let mut endpoints = self.endpoints.borrow_mut();
                if !endpoints.is_empty() {
                    endpoints.rotate_left(1);
                }
            }
            std::thread::sleep(failure.after.unwrap_or(pause).min(self.settings.pause_max));
            pause = pause.saturating_mul(2);
        }
    }

    /// One round trip.
    fn once(
        &self,
        asks: &[Ask],
        open: &[usize],
        at: Option<usize>,
    ) -> Result<Vec<Result<Json, Refusal>>, Failure> {
        self.wait();
        self.count(|asked| {
            asked.round_trips += 1;
            asked.requests += open.len() as u64;
        });
        let request = |place: &usize| {
            let (method, params) = &asks[*place];
            json!({"jsonrpc": "2.0", "id": place, "method": method, "params": params})
        };
        let body = match open {
            [one] => request(one),
            many => many.iter().map(request).collect(),
        };
        let endpoints = self.endpoints.borrow();
        let endpoint = endpoints
            .get(at.unwrap_or(0))
            .ok_or_else(|| Failure::lasting(ChainError::BadArgument("no endpoint".into(), "an endpoint")))?;
        let of = || asks.get(open[0]).map_or("a batch", |ask| ask.0).to_string();
        let answer = endpoint.post(&body, &of())?;
        let malformed = |found: String, expected: &str| {
            Failure::passing(ChainError::Malformed {
                of: of(),
                found: short(&found),
                expected: expected.into(),
            })
        };
        let single;
        let items = match &answer {
            Json::Array(items) => items.as_slice(),
            Json::Object(fields) if open.len() == 1 || !fields.contains_key("error") => {
                single = [answer.clone()];
                &single
            }
            // A batch that is refused as a whole.
            Json::Object(fields) => {
                let refusal = Refusal::read(fields.get("error").unwrap_or(&Json::Null));
                let passes = refusal.kind() == Kind::Passing;
                return Err(Failure { error: refusal.told("a batch"), passes, after: None });
            }
            other => return Err(malformed(other.to_string(), "an answer of JSON-RPC")),
        };
        let mut answers: BTreeMap<u64, Result<Json, Refusal>> = BTreeMap::new();
        for item in items {
            let id = match item.get("id") {
                Some(Json::Number(id)) => id.as_u64(),
                // A single request that could not be read has no id.
                Some(Json::Null) if open.len() == 1 => Some(open[0] as u64),
                _ => None,
            };
            let id = id.ok_or_else(|| malformed(item.to_string(), "an answer with the id of its request"))?;
            let answer = match (item.get("result"), item.get("error")) {
                (_, Some(error)) if !error.is_null() => Err(Refusal::read(error)),
                (Some(result), _) => Ok(result.clone()),
                _ => return Err(malformed(item.to_string(), "a result or an error")),
            };
            answers.insert(id, answer);
        }
        let mut taken = |place: &usize| {
            let missing = || malformed(format!("no answer of id {place}"), "one of each request");
            answers.remove(&(*place as u64)).ok_or_else(missing)
        };
        open.iter().map(&mut taken).collect()
    }

    /// Keeps to the rate.
    fn wait(&self) {
        let Some(rate) = self.settings.per_second.filter(|rate| *rate > 0) else { return };
        let gap = Duration::from_secs(1) / rate;
        if let Some(last) = self.last.get() {
            std::thread::sleep(gap.saturating_sub(last.elapsed()));
        }
        self.last.set(Some(Instant::now()));
    }
}

/// A number as the protocol writes it.
///
/// # Errors
/// When it is none.
pub(crate) fn number(value: &Json, of: &str) -> Result<u64, ChainError> {
    let text = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let number = text.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| malformed(of, value, "a number such as 0x1f"))
}

/// Bytes as the protocol writes them.
///
/// # Errors
/// When there are none.
pub(crate) fn bytes(value: &Json, of: &str) -> Result<Vec<u8>, ChainError> {
    value.as_str().and_then(unhex).ok_or_else(|| malformed(of, value, "bytes such as 0x1f2a"))
}

pub(crate) fn malformed(of: &str, value: &Json, expected: &str) -> ChainError {
    let found = short(&value.to_string());
    ChainError::Malformed { of: of.into(), found, expected: expected.into() }
}

fn block_of(chain: u64, value: &Json) -> Result<Option<Block>, ChainError> {
    if value.is_null() {
        return Ok(None);
    }
    let of = "eth_getBlockByNumber";
    let field =
        |name: &str| value.get(name).ok_or_else(|| malformed(of, value, &format!("the field {name}")));
    let hash = bytes(field("hash")?, of)?;
    if hash.len() != 32 {
        return Err(malformed(of, value, "a hash of 32 bytes"));
    }
    Ok(Some(Block {
        chain,
        number: number(field("number")?, of)?,
        hash: crate::abi::hex(&hash),
        time: number(field("timestamp")?, of)?,
    }))
}
