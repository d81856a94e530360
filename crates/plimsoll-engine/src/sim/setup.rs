//! What a life is founded on.

use super::STEP;
use crate::Stamp;
use crate::calls::Policy;
use crate::config::{Config, Founding, Terms};
use crate::founding::{self, Usual};
use crate::guard::Limits;
use plimsoll_core::Book;
use std::collections::{BTreeMap, BTreeSet};

const HOUR: Stamp = 3600 * 1_000_000_000;

/// What a life is founded on: everything is allowed; deadlines after 200 seconds, a breath of 20 after a restart.
#[must_use]
pub fn config(book: &Book) -> Config {
    let policy = Policy { grace: 20 * STEP, escalates: true };
    let terms = Terms { warning: (12, 10), call: (11, 10), policy };
    let assets = book.markets.iter().flat_map(|listed| listed.market.instruments());
    let most = u128::MAX;
    let limits =
        Limits { action: most, account: most, strategy: most, all: most, actions: 1000, of_depth: u64::MAX };
    Config {
        people: BTreeSet::from(["ann".into(), "bob".into()]),
        currency: "USD".into(),
        worth: BTreeMap::new(),
        terms: book.markets.iter().map(|listed| ((listed.name.clone(), String::new()), terms)).collect(),
        limits,
        repeats: 50,
        window: HOUR,
        collar: 50_000,
        flips: 600_000,
        flips_value: 900_000,
        flips_least: 4,
        grace: 2 * STEP,
        depths: assets.map(|instrument| (instrument.asset.clone(), u128::from(u64::MAX))).collect(),
        followed: BTreeSet::new(),
        sight: HOUR,
        late: HOUR,
        clock: None,
        skew: None,
        flips_within: 0,
        sources: BTreeMap::new(),
        strategies: BTreeSet::new(),
        memory: 24 * HOUR,
    }
}

/// Two origins of three, prices no older than a step and a half, jumps of 3 %.
pub const USUAL: Usual = Usual { max_age: STEP * 3 / 2, quorum: 2, jump_quorum: 2, jump: 30_000 };

/// The founding of a life of a book, whatever limits of age its feeds have.
#[must_use]
pub fn founding(book: &Book) -> Founding {
    let mut founding = founding::founding(book, config(book), &USUAL);
    founding.sources.iter_mut().for_each(|source| source.rule.max_age = USUAL.max_age);
    founding
}
