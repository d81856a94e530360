//! The never-miss law of the tick index: after every tick its events are those of brute force in exact integers, none missed and none
//! spurious.
//!
//! **Data.** Seeded books of 500 accounts of every kind ([`books`]): one debt against one collateral with a few units of slack,
//! several collaterals with a slack of a basis point, hinges, the worst of several rows, constants, no proven row, no debt. Three
//! levels. Prices walk and jump, debts grow with time, nodes become unknown and come back, accounts change; and one tick in
//! four puts a node where some account is exactly at its line, or one unit beside.
//!
//! A case is the figure of failures beside the goal of none: account-ticks of which an event was missed or spurious, out of all that were
//! judged at each level. The exact verdict may be anywhere within the row's slack, as venues' are.
//!
//! A second case is a book of all six venues ([`venues`]), judged by the venues' own integers at every tick.

mod books;
mod venues;

use crate::line::{Better, Line, isa};
use crate::random::Random;
use crate::registry::{Context, Trouble};
use crate::threads::{THREADS, each};
use books::Book;
use plimsoll_kernel::Event;

pub(crate) const NAME: &str = "never_miss";

const ACCOUNTS: usize = 500;
const TICKS: u64 = 500;

/// Accounts of each venue, and ticks of a book of venues.
const OF_EACH: usize = 1000;
const VENUE_TICKS: u64 = 200;

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let account_ticks: u64 = context.sized(1_000_000, 100_000_000, 100_000_000);
    let of_venues = context.sized(1, 100, 100);
    context.seeds().try_for_each(|seed| {
        let books = account_ticks.div_ceil(ACCOUNTS as u64 * TICKS);
        search("rows", each(books, |number| one_book(seed, number), died), seed, emit)?;
        search("six venues", each(of_venues, |number| one_of_venues(seed, number, OF_EACH), died), seed, emit)
    })
}

/// What was judged, and how much of it was wrong.
#[derive(Clone, Debug, Default)]
struct Found {
    account_ticks: u64,
    events: u64,
    failures: u64,
    first: Option<String>,
}

fn search(case: &str, found: Vec<Found>, seed: u64, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let sum = |of: fn(&Found) -> u64| found.iter().map(of).sum::<u64>();
    let (checked, failures, events) = (sum(|f| f.account_ticks), sum(|f| f.failures), sum(|f| f.events));
    emit(Line {
        bench: NAME,
        case: format!("{case}, missed or spurious, {events} events"),
        value: failures as f64,
        unit: "account-ticks",
        better: Better::Lower,
        baseline: "goal".into(),
        baseline_value: 0.0,
        agreed: checked - failures.min(checked),
        checked,
        runs: 1,
        spread: 0.0,
        threads: THREADS as u32,
        isa: isa(),
        n: checked,
        sample: checked,
        seed,
    });
    match found.into_iter().find_map(|found| found.first) {
        Some(first) => Err(Trouble::Wrong(first)),
        None => Ok(()),
    }
}

fn died() -> Found {
    Found { account_ticks: 1, failures: 1, first: Some("a thread died".into()), ..Found::default() }
}

/// A book in an index, beside brute force.
trait Watched {
    fn accounts(&self) -> u64;
    /// The index's events in a tick and those of brute force; `None` where the book cannot stand.
    fn tick(&mut self, random: &mut Random) -> Option<(Vec<Event>, Vec<Event>)>;
    /// An account becomes another; whether the index says of it what brute force does.
    fn change(&mut self, random: &mut Random) -> bool;
}

/// A book through so many ticks, of which one in so many is followed by an update; it ends with its first failure.
fn watch(
    book: &mut impl Watched,
    random: &mut Random,
    ticks: u64,
    one_in: u64,
    found: &mut Found,
) -> Result<(), String> {
    for tick in 0..ticks {
        let (ours, theirs) =
            book.tick(random).ok_or_else(|| format!("a market cannot stand at tick {tick}"))?;
        found.account_ticks += book.accounts();
        found.events += theirs.len() as u64;
        if ours != theirs {
            let odd = ours.iter().filter(|event| !theirs.contains(event));
            let odd = odd.chain(theirs.iter().filter(|event| !ours.contains(event)));
            return Err(format!("tick {tick}: {:?}", odd.collect::<Vec<_>>()));
        }
        if random.below(one_in) == 0 && !book.change(random) {
            return Err(format!("an update after tick {tick}"));
        }
    }
    Ok(())
}

impl Found {
    fn ended(mut self, book: &str, end: Result<(), String>) -> Found {
        if let Err(what) = end {
            self.failures += 1;
            self.first = Some(format!("{book}: {what}"));
        }
        self
    }
}

/// One book of rows.
fn one_book(seed: u64, number: u64) -> Found {
    let mut random = Random::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ number);
    let mut found = Found::default();
    let end = match Book::new(&mut random, ACCOUNTS) {
        Some(mut book) => watch(&mut book, &mut random, TICKS, 8, &mut found),
        None => Err("no book".into()),
    };
    found.ended(&format!("seed {seed}, book {number}"), end)
}

/// One book of venues.
fn one_of_venues(seed: u64, number: u64, of_each: usize) -> Found {
    let mut random = Random::new(seed.wrapping_mul(0x9e6c_63d0_876a_46ed) ^ number);
    let mut found = Found::default();
    let end = match venues::Book::new(&mut random, of_each) {
        Some(book) if book.venues.len() != 6 => Err(format!("venues are {:?}", book.venues)),
        Some(mut book) => watch(&mut book, &mut random, VENUE_TICKS, 2, &mut found),
        None => Err("no book, or an account that is not judged alike when it comes".into()),
    };
    found.ended(&format!("seed {seed}, book of venues {number}"), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_books_miss_nothing() {
        let mut lines = Vec::new();
        let mut emit = |line| lines.push(line);
        search("rows", each(2, |number| one_book(3, number), died), 3, &mut emit).expect("no failure");
        search("venues", vec![one_of_venues(3, 0, 40)], 3, &mut emit).expect("no failure");
        let checked: Vec<u64> = lines.iter().map(|line| line.checked).collect();
        assert!(lines.iter().all(Line::agrees) && checked == [500_000, 48_000]);
    }
}
