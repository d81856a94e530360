//! A book of a million Aave v3 accounts from a file to its totals: sorted Parquet is read, interest accrues, every account
//! is judged exactly by both of the venue's lines, tiers and sums and the book's hash come out. CPU seconds of a pass,
//! which are the user's and the system's over all threads; there is one thread.
//!
//! **Data.** Seeded accounts of exactly four holdings each ([`assess_aave`](super::assess_aave)'s) in a recorded market
//! of ten reserves, under names like addresses: 4,000,000 rows, written once below the build's folder. What the system
//! keeps of the file in memory stays there between passes.
//!
//! **Baselines.** `goal`: 3 s and 2 GB. What agrees there is every account of the file with what was written into it,
//! judged by the plain version with 256-bit integers, all four numbers and the verdict, and the totals with the plain
//! version's sums. `@aave/math-utils`: the venue's client library judges accounts that are in memory already, a sample
//! of them, times as many as there are; what agrees there is its health factor with ours.

mod book;
pub(crate) mod prices;

use super::assess_aave::{math_utils, plain, population};
use crate::line::{Better, Line, isa};
use crate::measure::{cpu_seconds, forget_peak_memory, peak_memory, sum_up};
use crate::registry::{Context, Scale, Trouble};
use book::Made;
use plimsoll::{Ladder, Survey, Surveyed};
use plimsoll_core::{Feeds, Lens, ListedAccount, Market, Quoted, Test};
use plimsoll_io::book::{Unsteady, stream};
use std::path::Path;

pub(crate) const NAME: &str = "check_1m_exact";

/// What we want a million accounts to take (CPU seconds), and the memory that we allow (MB).
const GOAL: f64 = 3.0;
const MEMORY_GOAL: f64 = 2048.0;
const MILLION: f64 = 1e6;

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let accounts = context.sized(20_000, 1_000_000, 1_000_000);
    for seed in context.seeds() {
        let made = book::make(accounts, seed)?;
        measure(context, &made, seed, emit)?;
    }
    Ok(())
}

fn measure(context: &Context, made: &Made, seed: u64, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let agreed = compare(made)?;
    let runs = context.sized(3, 9, 9);
    let mut passes = Vec::new();
    forget_peak_memory();
    for pass in 0..=runs {
        let begun =
            cpu_seconds().ok_or_else(|| Trouble::NoData("the system does not tell CPU time".into()))?;
        survey(&made.folder)?;
        let ended = cpu_seconds().unwrap_or(begun);
        // The first one warms up.
        if pass > 0 {
            passes.push(ended - begun);
        }
    }
    let peak = peak_memory();
    let time = sum_up(&passes);
    let (n, share) = (made.accounts, made.accounts as f64 / MILLION);
    let line =
        |case: &str, unit, (value, theirs): (f64, f64), baseline: &str, (agreed, checked), sample| Line {
            bench: NAME,
            case: format!("{case}, four holdings each, {n} accounts"),
            value,
            unit,
            better: Better::Lower,
            baseline: baseline.into(),
            baseline_value: theirs,
            agreed,
            checked,
            runs: time.runs,
            spread: time.spread,
            threads: 1,
            isa: isa(),
            n,
            sample,
            seed,
        };
    emit(line("CPU time", "s", (time.median, GOAL * share), "goal", (agreed, n), n));
    if let Some(peak) = peak {
        let kept = u64::from(peak <= MEMORY_GOAL);
        emit(line("peak memory", "MB", (peak, MEMORY_GOAL), "goal", (kept, 1), n));
    }
    if context.child_peers {
        let sample = made.population.sample(context.sized(20, 200, 200));
        let peer = math_utils::run(&sample, matches!(context.scale, Scale::Quick))?;
        let (agreed, checked) = super::assess_aave::compare_math_utils(&sample, &peer.health_factors)?;
        let theirs = sum_up(&peer.passes).median / 1e9 * n as f64;
        let sample = sample.size() as u64;
        emit(line(
            "CPU time",
            "s",
            (time.median, theirs),
            "@aave/math-utils 1.38.0",
            (agreed, checked),
            sample,
        ));
    }
    Ok(())
}

/// One pass: from the file to the totals.
fn survey(folder: &Path) -> Result<Surveyed, Trouble> {
    let mut stream = stream(folder).ok_or_else(|| unread(folder))?;
    let book = stream.take_book().ok_or_else(|| unread(folder))?;
    let mut survey = Survey::new(&book, book.at, &Ladder::default())
        .map_err(|(market, refusal)| Trouble::Wrong(format!("{market}: {refusal}")))?;
    let mut chunk = Vec::new();
    loop {
        stream.next(&mut chunk).map_err(|why| unsteady(folder, why))?;
        if chunk.is_empty() {
            return Ok(survey.finish());
        }
        for listed in &chunk {
            survey.judge(listed);
        }
    }
}

fn unread(folder: &Path) -> Trouble {
    Trouble::Wrong(format!("{} is not read account by account", folder.display()))
}

fn unsteady(folder: &Path, why: Unsteady) -> Trouble {
    Trouble::Wrong(format!("{}: {why}", folder.display()))
}

/// Every account of the file beside the one that was written into it, judged plainly; how many are equal.
fn compare(made: &Made) -> Result<u64, Trouble> {
    let place = &made.population.places[0];
    let (mut maker, plainly) = (population::Maker::new(place, made.seed), plain::Book::of(place)?);
    let quoted = place.pool.at(Feeds { readings: &place.readings }, Lens::Action, place.at)?;
    let mut stream = stream(&made.folder).ok_or_else(|| unread(&made.folder))?;
    let (mut agreed, mut sums, mut chunk) = (0, plain::Sums::default(), Vec::new());
    loop {
        stream.next(&mut chunk).map_err(|why| unsteady(&made.folder, why))?;
        if chunk.is_empty() {
            break;
        }
        for listed in &chunk {
            let made = maker.account(listed.account.id).ok_or_else(|| Trouble::NoData("no price".into()))?;
            let answer = plainly.assess(&plainly.user(&made));
            sums.add(answer.as_ref());
            agreed += u64::from(same(listed, &made, &*quoted, answer.as_ref(), &plainly));
        }
    }
    let Surveyed { totals, accounts, .. } = survey(&made.folder)?;
    let ours: Vec<[String; 4]> = totals
        .iter()
        .map(|total| {
            let sums = [total.collateral, total.debt, total.collateral_liquidatable, total.debt_liquidatable];
            sums.map(|sum| sum.to_string())
        })
        .collect();
    if ours != [sums.printed()] || accounts != made.accounts {
        return Err(Trouble::Wrong(format!("totals {ours:?} where the plain sums are {:?}", sums.printed())));
    }
    if agreed != made.accounts {
        return Err(Trouble::Wrong(format!("{agreed} of {} accounts agree", made.accounts)));
    }
    Ok(agreed)
}

fn same(
    listed: &ListedAccount,
    made: &plimsoll_core::Account,
    quoted: &dyn Quoted,
    answer: Option<&plain::Answer>,
    plainly: &plain::Book,
) -> bool {
    let ours = quoted.verdict(&listed.account, Test::Liquidation).ok();
    listed.account == *made && super::assess_aave::same(ours.as_ref(), answer, plainly)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_book_is_measured_and_agrees() {
        let made = book::make(3000, 11).expect("made");
        let context = Context { scale: Scale::Quick, seed: 11, child_peers: false, data: None };
        let mut lines = Vec::new();
        measure(&context, &made, 11, &mut |line| lines.push(line)).expect("measured");
        prices::measure(&context, &made, 100, &mut |line| assert!(line.agrees(), "{}", line.json()))
            .expect("found");
        assert!(!lines.is_empty() && lines[0].agrees() && lines[0].checked == 3000, "{}", lines[0].json());
    }
}
