//! Prices as they are, and as sources say them.

use super::{Bug, STEP};
use crate::Stamp;
use crate::config::Founding;
use crate::feed::Quote;
use crate::random::Random;
use crate::record::Command;
use plimsoll_core::{Book, Origin};
use std::collections::BTreeMap;

/// Three origins, each with one source.
const ORIGINS: [&str; 3] = ["north", "east", "south"];

/// What an origin does at times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Says nothing.
    Silent,
    /// Says what it said when the fault began.
    Frozen(u128),
    /// Says so many thousandths of the truth.
    Wrong(u128),
    /// Says zero.
    Zero,
    /// Says a million times too much.
    Huge,
    /// Says the truth with a time that was long ago.
    Late,
    /// Says it with a time that is to come.
    Ahead,
    /// Says so many thousandths of the truth while the others say nothing.
    Alone(u128),
}

struct One {
    name: String,
    begun: u128,
    /// As it is, and as it was a step ago.
    truth: [u128; 2],
    /// Which origin is faulty, how, and for how many steps.
    faulty: Option<(usize, Fault, u64)>,
}

/// All prices.
pub(super) struct Feeds {
    all: Vec<One>,
    /// Nobody says anything for so many steps.
    dark: u64,
    bug: Option<Bug>,
}

/// What each price was at the last two steps: (price, values), by the name of the feed.
pub type Worlds = BTreeMap<String, [u128; 2]>;

impl Feeds {
    pub(super) fn new(book: &Book, founding: &Founding, _: &mut Random, bug: Option<Bug>) -> Feeds {
        let one = |source: &crate::config::Source| {
            let id = book.graph.find(&source.price)?;
            let Some(Origin::Feed(seen)) = book.graph.origin(id) else { return None };
            let begun = seen.price?.scaled_amount(source.decimals).ok()?.to_u128()?;
            Some(One { name: source.price.clone(), begun, truth: [begun; 2], faulty: None })
        };
        Feeds { all: founding.sources.iter().filter_map(one).collect(), dark: 0, bug }
    }

    /// Prices move; faults begin and end.
    pub(super) fn step(&mut self, random: &mut Random, calm: bool) {
        self.dark = if calm { 0 } else { self.dark.saturating_sub(1) };
        if !calm && random.below(60) == 0 {
            self.dark = 1 + random.below(20);
        }
        for one in &mut self.all {
            let now = one.truth[0];
            // One percent at most, and now and then a crash or a leap of five; back towards where it began when it is far.
            let reach = if random.below(100) == 0 { 200 } else { 40 };
            let mut parts = 2000 + random.below(reach + 1) - reach / 2;
            if now < one.begun / 100 * 75 {
                parts = parts.max(2004);
            } else if now > one.begun / 100 * 120 {
                parts = parts.min(1996);
            }
            let next = if calm { now } else { now / 2000 * u128::from(parts) };
            one.truth = [next, now];
            one.faulty = match one.faulty {
                _ if calm => None,
                Some((_, _, 0)) => None,
                Some((origin, fault, left)) => Some((origin, fault, left - 1)),
                None if random.below(30) == 0 => {
                    let fault = match random.below(8) {
                        0 => Fault::Silent,
                        1 => Fault::Frozen(now),
                        2 => Fault::Wrong(400 + u128::from(random.below(1200))),
                        3 => Fault::Zero,
                        4 => Fault::Huge,
                        5 => Fault::Late,
                        6 => Fault::Ahead,
                        _ => Fault::Alone(400 + u128::from(random.below(1200))),
                    };
                    Some((random.below(3) as usize, fault, 1 + random.below(30)))
                }
                None => None,
            };
        }
    }

    /// What is said now.
    pub(super) fn quotes(&self, now: Stamp, random: &mut Random) -> Vec<Command> {
        let mut quotes = Vec::new();
        if self.dark > 0 {
            return quotes;
        }
        for one in &self.all {
            for (number, origin) in ORIGINS.iter().enumerate() {
                let fault = one.faulty.filter(|(faulty, _, _)| *faulty == number).map(|(_, fault, _)| fault);
                let alone = one.faulty.is_some_and(|(_, fault, _)| matches!(fault, Fault::Alone(_)));
                let truth = one.truth[0];
                let (value, observed) = match fault {
                    Some(Fault::Silent) => continue,
                    None if alone => continue,
                    None => (truth, now),
                    Some(Fault::Frozen(value)) => (value, now),
                    Some(Fault::Wrong(thousandths) | Fault::Alone(thousandths)) => {
                        (truth / 1000 * thousandths, now)
                    }
                    Some(Fault::Zero) => (0, now),
                    Some(Fault::Huge) => (truth.saturating_mul(1_000_000), now),
                    Some(Fault::Late) => (truth / 2, now - 90 * STEP),
                    Some(Fault::Ahead) => (truth / 2, now + 90 * STEP),
                };
                // Several sources that read one pool, taken for several.
                let origins = if self.bug == Some(Bug::OneOriginForMany) && fault.is_some() { 5 } else { 1 };
                for copy in 0..origins {
                    let name = if copy == 0 { (*origin).to_string() } else { format!("{origin} {copy}") };
                    let quote = Quote { source: name.clone(), origin: name, value, unsure: 0, observed };
                    let mixed = self.bug == Some(Bug::MixesUpFeeds) && random.below(40) == 0;
                    let of = if mixed { &self.all[0] } else { one };
                    quotes.push(Command::Quote { feed: of.name.clone(), quote });
                }
            }
        }
        // In any order.
        for at in (1..quotes.len()).rev() {
            quotes.swap(at, random.below(at as u64 + 1) as usize);
        }
        quotes
    }

    pub(super) fn worlds(&self) -> Worlds {
        self.all.iter().map(|one| (one.name.clone(), one.truth)).collect()
    }
}
