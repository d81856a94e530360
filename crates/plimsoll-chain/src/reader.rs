//! Many calls of contracts at one block, in few round trips.
//!
//! Calls are put together into one `eth_call`, and those into batches. Three ways, the first that the node has: Multicall3 where
//! it stands at the block; a program of our own under a state override (`program.rs`); else one `eth_call` a call, in
//! batches. What a node refuses together (gas, size, time) is asked in halves.

use crate::abi::{Address, Answer, Call, Value, hex, quantity};
use crate::error::ChainError;
use crate::program::{PLACE, PROGRAM, input, output};
use crate::rpc::{Ask, Block, Client, Refusal, bytes};
use serde_json::{Value as Json, json};

/// Multicall3, at the same address on nearly every chain.
pub const MULTICALL3: Address = Address([
    0xca, 0x11, 0xbd, 0xe0, 0x59, 0x77, 0xb3, 0x63, 0x11, 0x67, 0x02, 0x88, 0x62, 0xbe, 0x2a, 0x17, 0x39,
    0x76, 0xca, 0x11,
]);

/// At most so many calls are put into one: with 50,000 gas each they stay within what public nodes give.
const TOGETHER: usize = 400;
/// And so many bytes.
const BYTES: usize = 48 << 10;
/// So many of these into one round trip.
const BATCH: usize = 25;

/// How calls are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// By the contract that stands on most chains.
    Multicall3,
    /// By a program that runs under a state override.
    Program,
    /// Not at all.
    Batches,
}

/// What a call gave: the bytes, or what it was reverted with.
pub type Given = Result<Vec<u8>, Vec<u8>>;

/// A chain at one block.
pub struct Reader<'c> {
    client: &'c Client,
    block: Block,
    together: Together,
}

impl<'c> Reader<'c> {
    /// Reads at a block, in the best way that the node has.
    ///
    /// # Errors
    /// When the node does not answer, or does not keep the block's state.
    pub fn new(client: &'c Client, block: Block) -> Result<Reader<'c>, ChainError> {
        let mut reader = Reader { client, block, together: Together::Multicall3 };
        if reader.code(MULTICALL3)?.is_empty() {
            reader.together = Together::Program;
            // The program asked for nothing answers nothing, where it runs at all.
            let nothing = [reader.program(&[])];
            let ran = client.batch(&nothing)?.into_iter().next();
            let ran = ran.is_some_and(|answer| answer.is_ok_and(|answer| answer == json!("0x")));
            // A node that knows no overrides finds an empty account there, which answers nothing too: it must answer something.
            let probe = Call { to: PLACE, data: Vec::new(), function: "nothing" };
            let probe = client.batch(&[reader.program(std::slice::from_ref(&probe))])?.into_iter().next();
            let answers =
                probe.is_some_and(|answer| answer.is_ok_and(|answer| answer == json!("0x0100000000")));
            if !(ran && answers) {
                reader.together = Together::Batches;
            }
        }
        Ok(reader)
    }

    /// The same in a way of one's choice.
    #[must_use]
    pub fn by(self, together: Together) -> Reader<'c> {
        Reader { together, ..self }
    }

    /// The way in which calls are put together.
    #[must_use]
    pub fn together(&self) -> Together {
        self.together
    }

    /// The block.
    #[must_use]
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &'c Client {
        self.client
    }

    /// The block as a request names it: by its hash, so that no answer is of another chain.
    fn at(&self) -> Json {
        json!({"blockHash": self.block.hash})
    }

    /// The code at an address; empty where there is no contract.
    ///
    /// # Errors
    /// When the node refuses.
    pub fn code(&self, address: Address) -> Result<Vec<u8>, ChainError> {
        let ask = ("eth_getCode", json!([address.to_string(), self.at()]));
        let answer = self.client.batch(&[ask])?.into_iter().next();
        let answer = answer.unwrap_or_else(|| Err(Refusal::none()));
        let code = answer.map_err(|refusal| refusal.told_at("eth_getCode", self.block.number))?;
        bytes(&code, "eth_getCode")
    }

    /// What each call gives.
    ///
    /// # Errors
    /// When the node does not answer, or refuses a call on its own. That a contract reverts is an answer.
    pub fn read(&self, calls: &[Call]) -> Result<Vec<Given>, ChainError> {
        self.client.count(|asked| asked.calls += calls.len() as u64);
        let parts = match self.together {
            Together::Batches => calls.chunks(1).collect(),
            Together::Multicall3 | Together::Program => parts(calls),
        };
        let size = if self.together == Together::Batches { usize::MAX } else { BATCH };
        let mut given = Vec::with_capacity(calls.len());
        for batch in parts.chunks(size) {
            let asks: Vec<Ask> = batch.iter().map(|part| self.ask(part)).collect();
            for (part, answer) in batch.iter().zip(self.client.batch(&asks)?) {
                given.extend(self.taken(part, answer)?);
            }
        }
        Ok(given)
    }

    /// What each call gives, all of them by one `eth_call` and so one after the other in one state: what a call changes the
    /// next one sees.
    ///
    /// # Errors
    /// As [`Reader::read`], and where the node can put no calls together.
    pub fn read_in_turn(&self, scenes: &[Vec<Call>]) -> Result<Vec<Vec<Given>>, ChainError> {
        if self.together == Together::Batches {
            let what =
                "calls one after the other in one state: the node has neither Multicall3 nor state overrides";
            return Err(ChainError::Refused("eth_call".into(), 0, what.into()));
        }
        self.client.count(|asked| asked.calls += scenes.iter().map(Vec::len).sum::<usize>() as u64);
        let mut given = Vec::with_capacity(scenes.len());
        for batch in scenes.chunks(BATCH) {
            let asks: Vec<Ask> = batch.iter().map(|scene| self.ask(scene)).collect();
            for (scene, answer) in batch.iter().zip(self.client.batch(&asks)?) {
                let answer = answer.map_err(|refusal| refusal.told_at("eth_call", self.block.number))?;
                given.push(self.unpacked(scene, &bytes(&answer, "eth_call")?)?);
            }
        }
        Ok(given)
    }

    /// A call from an account, alone, at a time: the block's own, or a later one, which takes a node that knows block overrides.
    ///
    /// # Errors
    /// When the node does not answer. That the contract reverts is an answer, in its own words.
    pub fn simulate(
        &self,
        from: Address,
        call: &Call,
        time: u64,
    ) -> Result<Result<Vec<u8>, String>, ChainError> {
        self.client.count(|asked| asked.calls += 1);
        let what = json!({"from": from.to_string(), "to": call.to.to_string(), "data": hex(&call.data)});
        let params = if time > self.block.time {
            json!([what, self.at(), {}, {"time": quantity(time)}])
        } else {
            json!([what, self.at()])
        };
        let ask = ("eth_call", params);
        let answer = self.client.batch(&[ask])?.into_iter().next();
        match answer.unwrap_or_else(|| Err(Refusal::none())) {
            Ok(answer) => Ok(Ok(bytes(&answer, "eth_call")?)),
            Err(refusal) if refusal.reverted() => Ok(Err(refusal.words())),
            Err(refusal) => Err(refusal.told_at("eth_call", self.block.number)),
        }
    }

    fn ask(&self, calls: &[Call]) -> Ask {
        let (to, data) = match (self.together, calls) {
            (Together::Program, _) => return self.program(calls),
            (Together::Batches, [call]) => (call.to, call.data.clone()),
            _ => {
                let tuple = |call: &Call| {
                    let data = Value::Bytes(call.data.clone());
                    Value::Tuple(vec![call.to.into(), 1.into(), data])
                };
                let list = Value::List(calls.iter().map(tuple).collect());
                (MULTICALL3, Call::new(MULTICALL3, AGGREGATE).values(&[list]).data)
            }
        };
        ("eth_call", json!([{"to": to.to_string(), "data": hex(&data)}, self.at()]))
    }

    fn program(&self, calls: &[Call]) -> Ask {
        let place = PLACE.to_string();
        let call = json!({"to": place, "data": hex(&input(calls))});
        ("eth_call", json!([call, self.at(), {place: {"code": hex(PROGRAM)}}]))
    }

    /// The answers of a part; what is refused together is asked in halves.
    fn taken(&self, calls: &[Call], answer: Result<Json, Refusal>) -> Result<Vec<Given>, ChainError> {
        let refusal = match answer {
            Ok(answer) => return self.unpacked(calls, &bytes(&answer, "eth_call")?),
            Err(refusal) => refusal,
        };
        if self.together == Together::Batches && refusal.reverted() {
            return Ok(vec![Err(refusal.data.unwrap_or_default())]);
        }
        let error = refusal.told_at("eth_call", self.block.number);
        if calls.len() < 2 || matches!(error, ChainError::NoArchive(..) | ChainError::NoBlock(..)) {
            return Err(error);
        }
        let (first, second) = calls.split_at(calls.len() / 2);
        let mut given = Vec::with_capacity(calls.len());
        let answers = self.client.batch(&[self.ask(first), self.ask(second)])?;
        for (part, answer) in [first, second].into_iter().zip(answers) {
            given.extend(self.taken(part, answer)?);
        }
        Ok(given)
    }

    fn unpacked(&self, calls: &[Call], answer: &[u8]) -> Result<Vec<Given>, ChainError> {
        let given = |(ok, bytes): (bool, Vec<u8>)| if ok { Ok(bytes) } else { Err(bytes) };
        let wrong = || ChainError::Malformed {
            of: "eth_call".into(),
            found: format!("{} bytes", answer.len()),
            expected: format!("the answers of {} calls", calls.len()),
        };
        match self.together {
            Together::Batches => Ok(vec![Ok(answer.to_vec())]),
            Together::Program => {
                let answers = output(answer, calls.len()).ok_or_else(wrong)?;
                Ok(answers.into_iter().map(given).collect())
            }
            Together::Multicall3 => {
                let answers = aggregated(answer).filter(|answers| answers.len() == calls.len());
                Ok(answers.ok_or_else(wrong)?.into_iter().map(given).collect())
            }
        }
    }
}

const AGGREGATE: &str = "aggregate3((address,bool,bytes)[])";

/// `(bool success, bytes returnData)[]`.
fn aggregated(answer: &[u8]) -> Option<Vec<(bool, Vec<u8>)>> {
    let call = Call::new(MULTICALL3, AGGREGATE);
    let list = answer.get(Answer::new(&call, answer).offset(0)?..)?;
    let count = usize::try_from(Answer::new(&call, list).small(0).ok()?).ok()?;
    let items = list.get(32..)?;
    if count > items.len() / 32 {
        return None;
    }
    let item = |place: usize| {
        let tuple = items.get(Answer::new(&call, items).offset(place)?..)?;
        let tuple = Answer::new(&call, tuple);
        Some((tuple.small(0).ok()? == 1, tuple.bytes(1).ok()?.to_vec()))
    };
    (0..count).map(item).collect()
}

/// Calls in parts that are put together.
fn parts(calls: &[Call]) -> Vec<&[Call]> {
    let mut parts = Vec::new();
    let mut rest = calls;
    while !rest.is_empty() {
        let mut size = 0;
        let fits = |call: &&Call| {
            size += call.data.len() + 24;
            size <= BYTES
        };
        let count = rest.iter().take(TOGETHER).take_while(fits);
        let (part, left) = rest.split_at(count.count().max(1));
        parts.push(part);
        rest = left;
    }
    parts
}

/// What a call that must go through gave.
///
/// # Errors
/// When the contract reverted, or there is none at the address.
pub fn answer<'a>(call: &'a Call, given: &'a Given) -> Result<Answer<'a>, ChainError> {
    let (to, function) = (call.to.to_string(), call.function.to_string());
    match given {
        Ok(bytes) if bytes.is_empty() => {
            let found = "nothing: there is no contract, or not this one".into();
            Err(ChainError::NotTheVenue(to, function, found))
        }
        Ok(bytes) => Ok(Answer::new(call, bytes)),
        Err(data) => {
            Err(ChainError::NotTheVenue(to, function, format!("a revert: {}", crate::abi::reason(data))))
        }
    }
}
