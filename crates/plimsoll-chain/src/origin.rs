//! Which block of which chain a book is of, and where each of its markets is.

use crate::abi::{Address, Word, unhex};
use crate::error::ChainError;
use crate::files::ORIGIN;
use crate::rpc::{Block, Client};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;

/// Where a book is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The block.
    pub block: Block,
    /// Whether all accounts of its markets were fetched.
    pub whole: bool,
    /// Its markets, by their names in the book.
    pub markets: BTreeMap<String, Place>,
}

/// Where a market is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A pool of Aave v3.
    AaveV3 {
        /// The pool.
        pool: Address,
        /// Its oracle.
        oracle: Address,
        /// Its reserves, by their ids.
        reserves: Vec<ReservePlace>,
    },
    /// A market of Morpho Blue.
    MorphoBlue {
        /// The contract of all markets.
        morpho: Address,
        /// The market's id.
        id: Word,
        /// What the id is the hash of: loan token, collateral token, oracle, rate model, lltv.
        parameters: [Word; 5],
    },
}

/// The contracts of a reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservePlace {
    /// The asset.
    pub token: Address,
    /// What suppliers hold.
    pub receipt: Address,
    /// What borrowers owe.
    pub debt: Address,
}

impl Origin {
    /// Reads `chain.json` of a book's folder.
    ///
    /// # Errors
    /// When there is none, or it is not what a fetch writes.
    pub fn open(book: &Path) -> Result<Origin, ChainError> {
        let path = book.join(ORIGIN);
        let wrong = |why: String| ChainError::NoOrigin(path.display().to_string(), why);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| wrong(format!("{error}: expected a book that `plimsoll fetch` wrote")))?;
        let json: Json = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        read(&json).ok_or_else(|| wrong("not what `plimsoll fetch` writes".into()))
    }

    /// The block, as the chain has it now.
    ///
    /// # Errors
    /// When the chain is another one, or its block of that number.
    pub fn block_of(&self, client: &Client) -> Result<Block, ChainError> {
        let block = client.block(Some(self.block.number), Some(self.block.chain))?;
        if block == self.block {
            return Ok(block);
        }
        let found = format!("its hash is {}, expected the book's, {}", block.hash, self.block.hash);
        Err(ChainError::NoBlock(self.block.number.to_string(), found))
    }
}

fn read(json: &Json) -> Option<Origin> {
    if json.get("format")?.as_u64()? != 1 {
        return None;
    }
    let number = |name: &str| json.get(name)?.as_u64();
    let hash = json.get("block_hash")?.as_str()?.to_string();
    let block = Block { chain: number("chain")?, number: number("block")?, hash, time: number("time")? };
    let mut markets = BTreeMap::new();
    for (name, market) in json.get("markets")?.as_object()? {
        markets.insert(name.clone(), place(market)?);
    }
    Some(Origin { block, whole: json.get("whole")?.as_bool()?, markets })
}

fn place(json: &Json) -> Option<Place> {
    let address = |json: &Json, name: &str| json.get(name)?.as_str()?.parse().ok();
    let word = |json: &Json| unhex(json.as_str()?)?.try_into().ok();
    match json.get("venue")?.as_str()? {
        "aave_v3" => {
            let reserve = |json: &Json| {
                let at = |name| address(json, name);
                Some(ReservePlace { token: at("token")?, receipt: at("receipt")?, debt: at("debt")? })
            };
            let reserves = json.get("reserves")?.as_array()?.iter().map(reserve).collect::<Option<_>>()?;
            Some(Place::AaveV3 { pool: address(json, "pool")?, oracle: address(json, "oracle")?, reserves })
        }
        "morpho_blue" => {
            let parameters: Vec<Word> =
                json.get("parameters")?.as_array()?.iter().map(word).collect::<Option<_>>()?;
            Some(Place::MorphoBlue {
                morpho: address(json, "morpho")?,
                id: word(json.get("id")?)?,
                parameters: parameters.try_into().ok()?,
            })
        }
        _ => None,
    }
}
