//! What a node refuses, and what that means.

use crate::abi::{reason, short, unhex};
use crate::error::ChainError;
use serde_json::Value as Json;

/// A node's own refusal of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The protocol's or the node's number.
    pub code: i64,
    /// Its words.
    pub message: String,
    /// What a contract said, where a call was reverted.
    pub data: Option<Vec<u8>>,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The same may be answered later.
    Passing,
    /// A contract reverted.
    Reverted,
    /// The state of the block is not kept any more.
    NoState,
    /// The block is not there, or no more.
    NoBlock,
    /// It stays refused, at least in this size.
    Lasting,
}

impl Refusal {
    pub(crate) fn none() -> Refusal {
        Refusal { code: 0, message: "no answer".into(), data: None }
    }

    pub(crate) fn read(error: &Json) -> Refusal {
        let code = error.get("code").and_then(Json::as_i64).unwrap_or(0);
        let message = error.get("message").and_then(Json::as_str);
        let message = message.map_or_else(|| short(&error.to_string()), short);
        let data = error.get("data").and_then(|data| {
            let text = data.as_str().or_else(|| data.get("data").and_then(Json::as_str))?;
            unhex(text.strip_prefix("Reverted ").unwrap_or(text))
        });
        Refusal { code, message, data }
    }

    pub(crate) fn kind(&self) -> Kind {
        let message = self.message.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        // Ranges and sizes are refused under the same numbers as rates; those do not pass.
        let size = says(&["range", "results", "response size", "too large", "block count"]);
        if self.code == 3 || says(&["execution reverted"]) {
            Kind::Reverted
        } else if says(&[
            "missing trie node",
            "archive",
            "pruned",
            "pruning",
            "historical state",
            "state is not available",
            "state not available",
            "no state available",
        ]) {
            Kind::NoState
        } else if says(&[
            "header not found",
            "unknown block",
            "block not found",
            "hash is not currently canonical",
        ]) {
            Kind::NoBlock
        } else if !size
            && (matches!(self.code, -32005 | 429)
                || says(&["rate limit", "too many requests", "limit exceeded", "capacity", "try again"]))
        {
            Kind::Passing
        } else {
            Kind::Lasting
        }
    }

    /// Whether a contract reverted.
    #[must_use]
    pub fn reverted(&self) -> bool {
        self.kind() == Kind::Reverted
    }

    /// What the contract said, or the node.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.data {
            Some(data) if !data.is_empty() => reason(data),
            _ => self.message.clone(),
        }
    }

    /// The refusal of a method as an error.
    #[must_use]
    pub fn told(self, method: &str) -> ChainError {
        ChainError::Refused(method.into(), self.code, self.message)
    }

    /// The refusal of reading at a block as an error.
    #[must_use]
    pub fn told_at(self, method: &str, block: u64) -> ChainError {
        match self.kind() {
            Kind::NoState => ChainError::NoArchive(block, self.message),
            Kind::NoBlock => {
                let found = format!("{} (it may have been replaced by another)", self.message);
                ChainError::NoBlock(block.to_string(), found)
            }
            _ => self.told(method),
        }
    }
}
