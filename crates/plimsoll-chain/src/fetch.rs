//! A book of a block: markets with all that moves them, and accounts, either those of some owners or all that there are.
//!
//! Who has an account is known from logs: whoever ever received something that counts. What he has is asked of the venue
//! at the block. That nobody is missing is proven: what all accounts hold comes to the market's own totals, or there is no book.
//!
//! What was read is kept in a [`Journal`] as it comes. A fetch that is killed goes on where it was when it is begun again, at
//! the same block, and writes the same bytes.

use crate::abi::{Address, Call, Word};
use crate::error::ChainError;
use crate::files::{Part, written};
use crate::journal::Journal;
use crate::logs::{Filter, Log, Stretch, Walk};
use crate::reader::{Given, Reader, Together};
use crate::rpc::{Asked, Block, Client};
use crate::{aave_v3, morpho_blue};
use plimsoll_io::book::Written;
use plimsoll_io::export::Form;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// So many accounts are read and kept at once: about one round trip of a node that takes a hundred requests in one.
pub const AT_ONCE: usize = 1500;

/// From so many accounts on tables are Parquet where no form is asked for.
pub const PARQUET_FROM: usize = 100_000;

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct Request {
    /// The block; `None` for the newest.
    pub block: Option<u64>,
    /// The chain that is meant; `None` for whichever the endpoints are of.
    pub chain: Option<u64>,
    /// The first block that has logs of the venues; `None` to search for it.
    pub first: Option<u64>,
    /// Only the accounts of these; of everybody where there are none.
    pub owners: Vec<Address>,
    /// What is fetched.
    pub venues: Vec<Venue>,
    /// In which form tables are written; `None` for Parquet from [`PARQUET_FROM`] accounts on, CSV below.
    pub form: Option<Form>,
    /// The folder in which what was read is kept until the book is written.
    pub state: PathBuf,
    /// So many accounts are read and kept at once; [`AT_ONCE`] does.
    pub at_once: usize,
}

/// A deployment of a venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Venue {
    /// A pool of Aave v3.
    AaveV3(Address),
    /// Morpho Blue: these of its markets, by their ids, or all.
    MorphoBlue(Address, Vec<Word>),
}

/// How far a fetch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The block that the book will be of, and how calls are put together.
    Began(Block, Together),
    /// Logs of a deployment: up to this block of this last one.
    Logs(String, u64, u64),
    /// Accounts of a deployment: so many of so many.
    Accounts(String, usize, usize),
}

/// What was fetched.
pub struct Fetched {
    /// The block.
    pub block: Block,
    /// The book's files.
    pub written: Written,
    /// How many accounts stand in it.
    pub accounts: usize,
    /// What was asked.
    pub asked: Asked,
    /// What a person should know of what was read.
    pub notes: Vec<String>,
    journal: Journal,
}

impl Fetched {
    /// Writes the book into a folder that is new or empty, whole or not at all, and forgets what was kept for it.
    ///
    /// # Errors
    /// When the folder has something in it, or the system refuses.
    pub fn save(self, folder: &Path) -> Result<(), ChainError> {
        let wrong = |why: String| ChainError::State(folder.display().to_string(), why);
        if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(wrong("is there already, expected an empty or new folder".into()));
        }
        let mut name = folder.file_name().unwrap_or_default().to_os_string();
        name.push(".writing");
        let beside = folder.with_file_name(name);
        // What a killed run left of the same name is ours.
        if beside.exists() {
            std::fs::remove_dir_all(&beside).map_err(|error| wrong(error.to_string()))?;
        }
        self.written.save(&beside).map_err(|error| wrong(error.to_string()))?;
        std::fs::rename(&beside, folder).map_err(|error| wrong(error.to_string()))?;
        self.journal.remove()
    }
}

/// A deployment as its accounts are read.
pub(crate) trait Deployment {
    /// What messages and records call it.
    fn name(&self) -> String;
    /// The contract whose first block begins the logs.
    fn contract(&self) -> Address;
    /// The logs that say who may hold something.
    fn filters(&self) -> Vec<Filter>;
    /// Who, and which part of the deployment; `None` as part for all of them.
    fn heard(&self, log: &Log) -> Result<Option<(Address, Option<u16>)>, ChainError>;
    /// Parts are numbered from 0 to this.
    fn parts(&self) -> u16;
    /// What is asked about an account that may hold something of these parts.
    fn calls(&self, owner: Address, parts: &BTreeSet<u16>) -> Vec<Call>;
    /// Takes the answers.
    fn take(
        &mut self,
        owner: Address,
        parts: &BTreeSet<u16>,
        calls: &[Call],
        given: &[Given],
    ) -> Result<(), ChainError>;
    /// The markets with their accounts; where these are all, they must come to the totals.
    fn finish(self: Box<Self>, whole: bool) -> Result<Vec<Part>, ChainError>;
}

/// Fetches a book.
///
/// # Errors
/// What [`ChainError`] lists.
pub fn fetch(
    client: &Client,
    request: &Request,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched, ChainError> {
    let asked = wording(request);
    let begun = Journal::identity(&request.state).and_then(|identity| Begun::read(&identity, &asked));
    let number = request.block.or(begun.as_ref().map(|begun| begun.number));
    let block = client.block(number, request.chain)?;
    if let Some(begun) = begun.filter(|begun| begun.number == block.number && begun.hash != block.hash) {
        let found =
            format!("its hash is {}, expected {}, with which this fetch began", block.hash, begun.hash);
        return Err(ChainError::NoBlock(block.number.to_string(), found));
    }
    let identity = format!("{asked}\nblock {} {} {}", block.chain, block.number, block.hash);
    let mut journal = Journal::open(&request.state, &identity)?;
    let reader = Reader::new(client, block.clone())?;
    progress(Progress::Began(block.clone(), reader.together()));
    let mut parts = Vec::new();
    for venue in &request.venues {
        let mut deployment: Box<dyn Deployment> = match venue {
            Venue::AaveV3(pool) => Box::new(aave_v3::Pool::read(&reader, *pool)?),
            Venue::MorphoBlue(morpho, ids) => {
                let found = if ids.is_empty() {
                    let first = first(&reader, request, *morpho, &mut journal)?;
                    morpho_blue::all(client, *morpho, first, block.number)?
                } else {
                    ids.clone()
                };
                Box::new(morpho_blue::Morpho::read(
                    &reader,
                    *morpho,
                    (&found, ids.is_empty()),
                    &request.owners,
                )?)
            }
        };
        let whole = request.owners.is_empty();
        let owners = if whole {
            heard(&reader, request, &*deployment, &mut journal, progress)?
        } else {
            let all: BTreeSet<u16> = (0..deployment.parts()).collect();
            request.owners.iter().map(|owner| (*owner, all.clone())).collect()
        };
        accounts(&reader, &mut *deployment, &owners, (&mut journal, request.at_once), progress)?;
        parts.extend(deployment.finish(whole)?);
    }
    distinct(&mut parts);
    // A block that was replaced while it was read has answered by its hash, or not at all; that it still stands is asked last.
    let stands = client.block(Some(block.number), Some(block.chain))?;
    if stands.hash != block.hash {
        let found = format!("it was replaced by {} while it was read", stands.hash);
        return Err(ChainError::NoBlock(block.number.to_string(), found));
    }
    let accounts = parts.iter().map(|part| {
        let owners: BTreeSet<Address> = part.rows.iter().map(|row| row.account).collect();
        owners.len()
    });
    let accounts: usize = accounts.sum();
    let by_size = if accounts < PARQUET_FROM { Form::Csv } else { Form::Parquet };
    let written = written(&block, &parts, request.owners.is_empty(), request.form.unwrap_or(by_size))?;
    let notes = parts.iter().flat_map(|part| part.notes.clone()).collect();
    Ok(Fetched { block, written, accounts, asked: client.asked(), notes, journal })
}

/// Two pools of one venue have markets of one name: the later ones get a number.
fn distinct(parts: &mut [Part]) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for part in parts {
        let mut name = part.name.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{}-{number}", part.name);
            number += 1;
        }
        if name != part.name {
            for feed in &mut part.feeds {
                let named = feed.name.replacen(&part.name, &name, 1);
                rename(&mut part.market, &feed.name, &named);
                feed.name = named;
            }
            part.name = name;
        }
    }
}

fn rename(json: &mut serde_json::Value, from: &str, to: &str) {
    match json {
        serde_json::Value::String(text) if text == from => *text = to.into(),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|item| rename(item, from, to)),
        _ => {}
    }
}

/// What is asked for, in words that tell it from all else.
fn wording(request: &Request) -> String {
    let mut lines = vec!["fetch 1".to_string()];
    for venue in &request.venues {
        lines.push(match venue {
            Venue::AaveV3(pool) => format!("aave_v3 {pool}"),
            Venue::MorphoBlue(morpho, ids) => {
                let ids: Vec<String> = ids.iter().map(|id| crate::abi::hex(id)).collect();
                format!("morpho_blue {morpho} {}", ids.join(" "))
            }
        });
    }
    lines.extend(request.owners.iter().map(|owner| format!("owner {owner}")));
    lines.push(format!("at once {}", request.at_once));
    lines.join("\n")
}

struct Begun {
    number: u64,
    hash: String,
}

impl Begun {
    fn read(identity: &str, asked: &str) -> Option<Begun> {
        let block = identity.strip_prefix(asked)?.strip_prefix("\nblock ")?;
        let mut words = block.split(' ').skip(1);
        Some(Begun { number: words.next()?.parse().ok()?, hash: words.next()?.into() })
    }
}

/// The first block that can have logs of a contract: the one in which it was made. A node that has no old states cannot say,
/// and then logs are asked for from the beginning.
fn first(
    reader: &Reader<'_>,
    request: &Request,
    contract: Address,
    journal: &mut Journal,
) -> Result<u64, ChainError> {
    if let Some(first) = request.first {
        return Ok(first);
    }
    let key = format!("first/{contract}");
    let kept = journal.get(&key).and_then(|kept| std::str::from_utf8(kept).ok()?.parse().ok());
    if let Some(kept) = kept {
        return Ok(kept);
    }
    let (mut none, mut some) = (0, reader.block().number);
    // Invariant: the code is there at `some`; it is not before `none`.
    while none < some {
        let middle = none + (some - none) / 2;
        let at = serde_json::json!([contract.to_string(), crate::abi::quantity(middle)]);
        match reader.client().ask("eth_getCode", at) {
            Ok(code) if code == serde_json::json!("0x") => none = middle + 1,
            Ok(_) => some = middle,
            Err(ChainError::Refused(..)) => {
                some = 0;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    journal.put(&key, some.to_string().as_bytes())?;
    Ok(some)
}

/// A record of a log: 20 bytes of address, two of part; all ones for every part.
const HEARD: usize = 22;
const EVERY: u16 = u16::MAX;

/// Everybody who may hold something, and of which parts.
fn heard(
    reader: &Reader<'_>,
    request: &Request,
    deployment: &dyn Deployment,
    journal: &mut Journal,
    progress: &mut dyn FnMut(Progress),
) -> Result<BTreeMap<Address, BTreeSet<u16>>, ChainError> {
    let name = deployment.name();
    let last = reader.block().number;
    let first = first(reader, request, deployment.contract(), journal)?;
    let mut found: BTreeSet<(Address, u16)> = BTreeSet::new();
    for (number, filter) in deployment.filters().into_iter().enumerate() {
        let prefix = format!("logs/{}/{number}/", deployment.contract());
        let mut walk = Walk::new(reader.client(), filter, first, last);
        for (key, held) in journal.all(&prefix) {
            for one in held.chunks_exact(HEARD) {
                let (owner, part) = one.split_at(20);
                let owner = Address(owner.try_into().unwrap_or_default());
                found.insert((owner, u16::from_be_bytes([part[0], part[1]])));
            }
            if let Some(to) = key.rsplit('-').next().and_then(|to| to.parse::<u64>().ok()) {
                walk.skip_to(to + 1);
            }
        }
        while let Some(Stretch { from, to, logs }) = walk.step()? {
            let mut here: BTreeSet<(Address, u16)> = BTreeSet::new();
            for log in &logs {
                if let Some((owner, part)) = deployment.heard(log)? {
                    here.insert((owner, part.unwrap_or(EVERY)));
                }
            }
            // Who was heard of before need not be kept again.
            let held: Vec<u8> = here
                .difference(&found)
                .flat_map(|(owner, part)| owner.0.into_iter().chain(part.to_be_bytes()))
                .collect();
            journal.put(&format!("{prefix}{from:020}-{to:020}"), &held)?;
            found.extend(here);
            progress(Progress::Logs(name.clone(), to, last));
        }
    }
    let mut owners: BTreeMap<Address, BTreeSet<u16>> = BTreeMap::new();
    for (owner, part) in found.into_iter().filter(|(owner, _)| *owner != Address::ZERO) {
        let parts = owners.entry(owner).or_default();
        if part == EVERY {
            parts.extend(0..deployment.parts());
        } else {
            parts.insert(part);
        }
    }
    Ok(owners)
}

/// Asks what each of them has.
fn accounts(
    reader: &Reader<'_>,
    deployment: &mut dyn Deployment,
    owners: &BTreeMap<Address, BTreeSet<u16>>,
    (journal, at_once): (&mut Journal, usize),
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ChainError> {
    let at_once = at_once.max(1);
    let name = deployment.name();
    let all: Vec<(&Address, &BTreeSet<u16>)> = owners.iter().collect();
    for (number, some) in all.chunks(at_once).enumerate() {
        let calls: Vec<Vec<Call>> =
            some.iter().map(|(owner, parts)| deployment.calls(**owner, parts)).collect();
        let flat: Vec<Call> = calls.concat();
        let key = format!("accounts/{}/{number:08}", deployment.contract());
        let kept = journal.get(&key).and_then(unpack).filter(|kept| kept.len() == flat.len());
        let given = match kept {
            Some(kept) => kept,
            None => {
                let given = reader.read(&flat)?;
                journal.put(&key, &pack(&given))?;
                given
            }
        };
        let mut rest = given.as_slice();
        for ((owner, parts), calls) in some.iter().zip(&calls) {
            let (own, others) = rest.split_at(calls.len());
            deployment.take(**owner, parts, calls, own)?;
            rest = others;
        }
        progress(Progress::Accounts(name.clone(), number * at_once + some.len(), all.len()));
    }
    Ok(())
}

fn pack(given: &[Given]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for one in given {
        let (ok, data) = match one {
            Ok(data) => (1, data),
            Err(data) => (0, data),
        };
        bytes.push(ok);
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(data);
    }
    bytes
}

fn unpack(mut bytes: &[u8]) -> Option<Vec<Given>> {
    let mut given = Vec::new();
    while let Some(([ok, length @ ..], rest)) = bytes.split_first_chunk::<5>() {
        let (data, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        given.push(if *ok == 1 { Ok(data.to_vec()) } else { Err(data.to_vec()) });
        bytes = rest;
    }
    bytes.is_empty().then_some(given)
}
