//! Files in and out: books, prices, vectors; every fault located.
//!
//! A book is read exactly: quantities are raw integers or exact decimals, and no float stands between a file and a
//! verdict. What is unsound is left out and told ([`fault`]); what is sound is given.

pub mod fault;
pub mod tree;
pub mod table;
pub mod columnar;
pub mod export;
mod scalar;
pub mod time;
pub mod book;
mod fields;
pub mod scenario;
pub mod depth;
pub mod assumed;
pub mod crash;
pub mod history;
pub mod desk;
pub mod lines;
pub mod policy;
pub mod wallet;
mod venues;
pub mod vectors;

pub use venues::venues;
