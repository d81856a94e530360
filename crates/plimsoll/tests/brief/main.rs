//! What changed between two books: the parts add exactly to the change, and each cause alone gives only its own part.

#![allow(clippy::expect_used, clippy::panic)] // a book that cannot be read has failed the test

#[path = "../common/mod.rs"]
mod common;

mod cases;
mod causes;
mod laws;
