//! Lives of an engine in a world that fails, judged by an auditor that trusts nothing of it.

#![allow(clippy::expect_used)] // a play that cannot be set up has failed the test

mod scene;

use plimsoll_engine::config::Founding;
use plimsoll_engine::sim::{Bug, Lived, Play, founding, play};
use scene::{VENUES, book};

/// A desk as it should be set up.
fn desk() -> (plimsoll_core::Book, Founding) {
    let book = book("margin");
    let founding = founding(&book);
    (book, founding)
}

fn lives(seeds: std::ops::Range<u64>, steps: u64, bug: Option<Bug>) -> Result<Lived, String> {
    let (book, founding) = desk();
    let of = Play { book: &book, founding: &founding, venues: VENUES, steps, calm: 20, bug };
    let each = seeds.map(|seed| play(&of, seed).map_err(|what| format!("seed {seed}: {what}")));
    each.into_iter().try_fold(Lived::default(), |all, one| Ok(all.and(one?)))
}

#[test]
fn nobody_healthy_is_acted_on_and_nobody_below_the_line_is_left_alone() {
    let lived = lives(0..8, 360, None).expect("nothing found");
    assert!(lived.intents[1] > 20 && lived.calls > 20 && lived.cuts > 20 && lived.unknown > 100, "{lived:?}");
}

/// The same life in any build: `plimsoll-bench market_hours` holds it to the same state without debug assertions and fully optimised.
#[test]
fn p79_a_life_ends_in_the_same_state_in_every_build() {
    let lived = lives(0..1, 360, None).expect("nothing found");
    let first = {
        let (book, founding) = desk();
        let of = Play { book: &book, founding: &founding, venues: VENUES, steps: 360, calm: 20, bug: None };
        play(&of, 0).expect("nothing found")
    };
    assert_eq!(lived, Lived::default().and(first));
    let hex: String = first.state.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, include_str!("fixtures/life.hash").trim());
}

#[test]
fn every_bug_that_is_planted_is_found() {
    let missed: Vec<_> = Bug::ALL
        .into_iter()
        .filter_map(|bug| match lives(0..40, 360, Some(bug)) {
            Ok(lived) => Some((bug, lived)),
            Err(found) => {
                println!("{bug:?}: {found}");
                None
            }
        })
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}
