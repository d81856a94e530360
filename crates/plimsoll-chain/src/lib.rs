//! Books from an EVM chain, compared with it, and transactions for it.
//!
//! Everything here reads. No key is asked for, nothing is signed and nothing is sent: a transaction leaves as data
//! ([`Intent`]) after the node has simulated it.
//!
//! A book is of one block, and every call names that block by its hash, so that no two numbers of a book are of
//! different chains. What one asks for is answered by many calls in one round trip ([`Reader`]). What was read is laid
//! out as the files of a book and read back by the reader of books, which says what cannot be ([`fetch`]). Whether the
//! book is the chain is asked of the venues' own view functions ([`against`]).

mod error;
pub mod abi;
pub mod rpc;
mod program;
pub mod reader;
pub mod logs;
pub mod journal;
mod tokens;
pub mod origin;
pub mod files;
mod aave_v3;
mod morpho_blue;
pub mod fetch;
pub mod against;
pub mod intent;

pub use abi::{Address, Call};
pub use error::ChainError;
pub use intent::Intent;
pub use origin::Origin;
pub use reader::Reader;
pub use rpc::{Client, Settings};
