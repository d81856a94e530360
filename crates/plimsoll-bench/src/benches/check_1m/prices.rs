//! The same book with liquidation prices: for every account, and every asset that it holds or owes, the price at which
//! its verdict flips when that price alone moves, in both directions, to the unit of the venue's integers.
//!
//! The figure is CPU seconds for the whole book, reading included, in one pass. Baseline: halving with the plain
//! version's verdict, of a sample of prices, times as many as there are; it is right only where the verdict flips
//! once, and is told how far to look. What agrees is that verdict: at each price of the sample it is another one, and
//! at the price before today's.

use super::book::Made;
use super::{unread, unsteady};
use crate::benches::assess_aave::plain;
use crate::line::{Better, Line, isa};
use crate::measure::{cpu_seconds, sum_up};
use crate::registry::{Context, Trouble};
use plimsoll::{Boundary, Crossing, Mover, Path, boundary};
use plimsoll_core::{
    Account, Book, Feeds, Lens, ListedAccount, Question, Quote, Quoted, Test, U256, Verdict,
};
use plimsoll_io::book::stream;
use std::hint::black_box;

pub(crate) const NAME: &str = "check_1m_prices";

/// How often the sample is found by halving.
const ROUNDS: usize = 20;
/// Accounts whose prices are sampled.
const LOOKED_AT: usize = 20_000;

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let (accounts, taken) = context.sized((20_000, 500), (1_000_000, 1_000_000), (1_000_000, 1_000_000));
    for seed in context.seeds() {
        let made = super::book::make(accounts, seed)?;
        measure(context, &made, taken, emit)?;
    }
    Ok(())
}

pub(super) fn measure(
    context: &Context,
    made: &Made,
    taken: usize,
    emit: &mut dyn FnMut(Line),
) -> Result<(), Trouble> {
    let mut passes = Vec::new();
    for _ in 0..context.sized(2, 1, 1) {
        let begun = cpu_seconds();
        pass(made, taken, &mut |_, _, found| {
            black_box(found);
            Ok(())
        })?;
        passes.extend(cpu_seconds().zip(begun).map(|(ended, begun)| ended - begun));
    }
    // Each price found, and the one before it, by the plain version; and the time of halving with it.
    let place = &made.population.places[0];
    let mut plainly = plain::Book::of(place)?;
    let (mut agreed, mut checked, mut asked) = (0, 0, Vec::new());
    let looked_at = taken.min(LOOKED_AT);
    let every = looked_at.div_ceil(1000).max(1);
    let mut number = 0;
    pass(made, looked_at, &mut |account, slot, found| {
        number += 1;
        if number % every != 0 {
            return Ok(());
        }
        let user = plainly.user(account);
        for (crossing, before) in [(found.down, U256::add as Step), (found.up, U256::sub as Step)] {
            let Crossing::At { first, .. } = crossing else { continue };
            let before = before(first, U256::ONE).unwrap_or(first);
            let mut verdict = |price| plainly.at_price(slot, price, &user);
            checked += 1;
            agreed += u64::from(verdict(first) != Some(found.today) && verdict(before) == Some(found.today));
            asked.push((plainly.user(account), slot, found.now, first));
        }
        Ok(())
    })?;
    let begun = cpu_seconds();
    // As often as the clock's hundredths of a second need.
    for (user, slot, now, first) in std::iter::repeat_n(&asked, ROUNDS).flatten() {
        black_box(halve(*now, *first, &mut |price| plainly.at_price(*slot, price, user)));
    }
    let halving = cpu_seconds().zip(begun).map_or(f64::NAN, |(ended, begun)| (ended - begun) / ROUNDS as f64);
    let time = sum_up(&passes);
    let line = Line {
        bench: NAME,
        case: format!("CPU time, every liquidation price, four holdings each, {taken} accounts"),
        value: time.median,
        unit: "s",
        better: Better::Lower,
        baseline: "plain, halving".into(),
        baseline_value: halving * every as f64 * taken as f64 / looked_at as f64,
        agreed,
        checked,
        runs: time.runs,
        spread: time.spread,
        threads: 1,
        isa: isa(),
        n: taken as u64,
        sample: checked,
        seed: made.seed,
    };
    let whole = line.agrees();
    emit(line);
    if whole {
        Ok(())
    } else {
        Err(Trouble::Wrong(format!("{agreed} of {checked} prices are where the plain verdict flips")))
    }
}

type Step = fn(U256, U256) -> Option<U256>;

/// The first price on the way from `now` to beyond `first` at which the verdict is another one, if there is one flip.
fn halve(now: U256, first: U256, verdict: &mut dyn FnMut(U256) -> Option<Verdict>) -> U256 {
    let today = verdict(now);
    // Twice as far as it is, or to nothing: a search that does not know the answer begins no nearer.
    let beyond = if first > now { first.add(first).unwrap_or(first) } else { U256::ONE };
    let (mut same, mut other) = (now, beyond);
    while same.max(other).sub_or_zero(same.min(other)) > U256::ONE {
        let middle = same.min(other).add(same.max(other).sub_or_zero(same.min(other)).half()).unwrap_or(same);
        if verdict(middle) == today { same = middle } else { other = middle }
    }
    other
}

/// Finds every price of the first accounts of the file.
fn pass(
    made: &Made,
    taken: usize,
    see: &mut dyn FnMut(&Account, usize, &Boundary) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut stream = stream(&made.folder).ok_or_else(|| unread(&made.folder))?;
    let book = stream.take_book().ok_or_else(|| unread(&made.folder))?;
    let quotes = book.graph.quotes(book.at);
    let market = &*book.markets[0].market;
    let readings = book.readings(&book.markets[0], &quotes);
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, book.at)?;
    let paths = paths(&book, &quotes);
    let (mut left, mut chunk) = (taken, Vec::new());
    while left > 0 {
        stream.next(&mut chunk).map_err(|why| unsteady(&made.folder, why))?;
        if chunk.is_empty() {
            return Err(unread(&made.folder));
        }
        for listed in chunk.iter().take(left) {
            prices(&book, &*quoted, &paths, listed, see)?;
        }
        left = left.saturating_sub(chunk.len());
    }
    Ok(())
}

fn paths<'b>(book: &'b Book, quotes: &[Quote]) -> Vec<Option<Path<'b>>> {
    let slots = 0..book.markets[0].market.slots().len();
    slots.map(|slot| Path::new(book, 0, quotes, Mover::Slot(slot))).collect()
}

fn prices(
    book: &Book,
    quoted: &dyn Quoted,
    paths: &[Option<Path<'_>>],
    listed: &ListedAccount,
    see: &mut dyn FnMut(&Account, usize, &Boundary) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let question = Question { test: Test::Liquidation, lens: Lens::Action, at: book.at };
    let market = &*book.markets[0].market;
    // Three instruments a reserve: the asset, the receipt, the debt.
    let mut slots: Vec<usize> =
        listed.account.holdings().iter().map(|holding| holding.instrument.index() / 3).collect();
    slots.dedup();
    for slot in slots {
        let Some(Some(path)) = paths.get(slot) else { continue };
        if let Some(found) = boundary(path, market, quoted, &listed.account, question) {
            see(&listed.account, slot, &found)?;
        }
    }
    Ok(())
}
