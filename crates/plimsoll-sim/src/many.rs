//! Many runs of one plan, on any number of threads.

use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::play::Run;
use crate::state::Unplayable;
use plimsoll_core::Book;
use std::sync::atomic::{AtomicU64, Ordering};

/// Plays runs `0..runs`; outcomes come in the order of runs, whoever played them. `done` is told how many are, from any thread.
///
/// # Errors
/// The first run's that cannot be played, by number.
pub fn play(
    book: &Book,
    plan: &Plan,
    runs: u64,
    threads: usize,
    done: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Outcome>, Unplayable> {
    let (next, finished) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        let mut mine = Vec::new();
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs {
                return mine;
            }
            let outcome = Run::new(book, plan, run).and_then(Run::finish).map(|(outcome, _)| outcome);
            mine.push((run, outcome));
            done(finished.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    let mut all: Vec<(u64, Result<Outcome, Unplayable>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for worker in workers {
            match worker.join() {
                Ok(theirs) => all.extend(theirs),
                // A fault of ours: it goes on here.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(run, _)| *run);
    all.into_iter().map(|(_, outcome)| outcome).collect()
}
