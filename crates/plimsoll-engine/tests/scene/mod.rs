//! A desk with cross-margin accounts (`examples/margin`), its engine on a disk of the memory, and a clock.

#![allow(clippy::expect_used, dead_code)] // a scene that cannot be set has failed the test; each test uses a part of it

use plimsoll_core::{Book, Decimal, Venue};
use plimsoll_engine::calls::{Policy, State as Life};
use plimsoll_engine::config::{Config, Founding, Terms};
use plimsoll_engine::disk::Disk;
use plimsoll_engine::engine::Engine;
use plimsoll_engine::feed::Quote;
use plimsoll_engine::founding::{Usual, founding, positions, quotes};
use plimsoll_engine::record::{Answer, By, Command, Request};
use plimsoll_engine::{LogId, Settings, Stamp, sim};
use std::path::Path;

pub(crate) const SECOND: Stamp = 1_000_000_000;
pub(crate) const HOUR: Stamp = 3600 * SECOND;
pub(crate) const ID: LogId = *b"a desk on trial ";
pub(crate) const VENUES: &[&dyn Venue] = &[&plimsoll_margin::market::Cross];

pub(crate) fn book(example: &str) -> Book {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
    let opened = plimsoll_io::book::open(&folder);
    assert!(opened.faults.is_empty(), "the example is sound");
    opened.book
}

pub(crate) fn terms() -> Terms {
    Terms { warning: (12, 10), call: (11, 10), policy: Policy { grace: HOUR, escalates: true } }
}

/// Everything is allowed, so that a test forbids what it is about.
pub(crate) fn config(book: &Book) -> Config {
    let mut config = sim::config(book);
    config.terms.values_mut().for_each(|of| *of = terms());
    Config { repeats: 1000, flips: 1_000_000, flips_value: 1_000_000, flips_least: 0, grace: 0, ..config }
}

pub(crate) const USUAL: Usual =
    Usual { max_age: 60 * SECOND, quorum: 1, jump_quorum: 1, jump: 1_000_000_000 };

pub(crate) struct Scene {
    pub(crate) engine: Engine<Disk>,
    pub(crate) founding: Founding,
    pub(crate) now: Stamp,
    sent: u64,
}

pub(crate) fn by(name: &str) -> By {
    By { name: name.into(), key: String::new() }
}

impl Scene {
    /// The desk, with its accounts, and every price as the example has it.
    pub(crate) fn desk(change: impl FnOnce(&mut Founding)) -> Scene {
        Scene::on(Disk::new(1), &book("margin"), change)
    }

    pub(crate) fn on(disk: Disk, book: &Book, change: impl FnOnce(&mut Founding)) -> Scene {
        let mut founding = founding(book, config(book), &USUAL);
        change(&mut founding);
        Scene::with(disk, ID, book, founding, VENUES)
    }

    pub(crate) fn with(
        disk: Disk,
        id: LogId,
        book: &Book,
        founding: Founding,
        venues: &[&dyn Venue],
    ) -> Scene {
        let engine = Engine::found(disk, id, Settings::default(), founding.clone(), venues).expect("founded");
        let now = founding.at;
        let mut scene = Scene { engine, founding, now, sent: 0 };
        for command in positions(book, 100) {
            scene.done(command);
        }
        for command in quotes(book, &scene.founding.sources.clone(), "example", now) {
            scene.done(command);
        }
        scene
    }

    pub(crate) fn ask_as(&mut self, who: &str, command: Command) -> Answer {
        self.sent += 1;
        let request = Request { id: format!("test {}", self.sent), by: by(who), command, said: None };
        let answers = self.engine.submit(self.now, vec![request]).expect("durable");
        answers.into_iter().next().expect("an answer")
    }

    pub(crate) fn ask(&mut self, command: Command) -> Answer {
        self.ask_as("desk", command)
    }

    pub(crate) fn done(&mut self, command: Command) -> Option<u64> {
        let answer = self.ask(command);
        answer.outcome.expect("done")
    }

    pub(crate) fn done_as(&mut self, who: &str, command: Command) -> Option<u64> {
        let answer = self.ask_as(who, command);
        answer.outcome.expect("done")
    }

    /// A price, as everybody says it.
    pub(crate) fn price(&mut self, feed: &str, price: &str) -> Answer {
        let decimals = self.engine.state().feeds[feed].decimals;
        let price: Decimal = price.parse().expect("a price");
        let value = price.scaled_amount(decimals).ok().and_then(|value| value.to_u128()).expect("fits");
        let (source, origin, observed) = ("example".into(), "example".into(), self.now);
        let quote = Quote { source, origin, value, unsure: 0, observed };
        self.ask(Command::Quote { feed: feed.into(), quote })
    }

    /// Time passes, and every feed says again what it said.
    pub(crate) fn pass(&mut self, time: Stamp) {
        self.now += time;
        let heard: Vec<(String, Vec<Quote>)> = self
            .engine
            .state()
            .feeds
            .iter()
            .map(|(name, heard)| (name.clone(), heard.feed.quotes()))
            .collect();
        for (feed, quotes) in heard {
            for quote in quotes {
                let observed = self.now;
                self.done(Command::Quote { feed: feed.clone(), quote: Quote { observed, ..quote } });
            }
        }
    }

    pub(crate) fn place(&self, account: &str) -> u32 {
        self.engine.state().account(0, account).expect("an account")
    }

    pub(crate) fn life(&self, account: &str) -> Life {
        self.engine.state().rows[self.place(account) as usize].life.state
    }
}
