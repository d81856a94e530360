//! The core against exact arithmetic of another library, and against its own promises.

mod form;
mod graph;
mod judge;
mod look;
mod num;
mod plain;
mod sales;
mod shares;
mod twice;
mod vols;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// Checks a property on so many random inputs, the same ones each time; `PLIMSOLL_CASES` multiplies them.
fn check<S: Strategy>(cases: u32, inputs: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let times = std::env::var("PLIMSOLL_CASES").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let config =
        Config { cases: cases.saturating_mul(times), failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(&inputs, property) {
        panic!("{error}");
    }
}
