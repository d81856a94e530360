//! Hostile files: sound ones that were cut, spliced and overwritten at random, seeded, for every reader there is.
//!
//! Whatever it is given, a reader reads it or tells what is wrong and where; it never panics and its memory is bounded.
//! A case is a reader, its figure the number of files of which that is not true, its baseline the goal of none. The
//! last case is the peak memory of it all. A file that a reader fails on is kept below the build's folder, under
//! `hostile/`, and named; what was ever found stands in `crates/plimsoll-io/corpus` and is mutated further.

mod mutate;
mod readers;

use crate::line::{Better, Line, isa};
use crate::measure::peak_memory;
use crate::peers::build_folder;
use crate::random::Random;
use crate::registry::{Context, Trouble};
use crate::threads::{THREADS, each};
use readers::Reader;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) const NAME: &str = "hostile";

/// Files of all readers together, in the gate.
const FILES: u64 = 100_000;
/// What reading any of them may take, with everything else this program holds (MB).
const MEMORY_GOAL: f64 = 1024.0;
pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let files = context.sized(FILES, 3 * FILES, 3 * FILES);
    for seed in context.seeds() {
        search(files, seed, emit)?;
    }
    Ok(())
}

/// Tries so many files, shared out among the readers.
fn search(files: u64, seed: u64, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let readers = readers::all()?;
    let mut first = None;
    for reader in &readers {
        let files = files * reader.percent / 100;
        let failures = try_all(reader, files, seed);
        emit(line(
            reader.name.into(),
            failures.len() as f64,
            "files",
            (0.0, "goal"),
            files,
            failures.len() as u64,
            seed,
        ));
        first = first.or(failures.into_iter().min());
    }
    if let Some(peak) = peak_memory() {
        let missed = u64::from(peak > MEMORY_GOAL);
        emit(line("peak memory".into(), peak, "MB", (MEMORY_GOAL, "goal"), 1, missed, seed));
        if missed > 0 {
            first = first.or(Some(format!("{peak} MB of memory")));
        }
    }
    first.map_or(Ok(()), |first| Err(Trouble::Wrong(first)))
}

fn line(
    case: String,
    value: f64,
    unit: &'static str,
    (goal, baseline): (f64, &str),
    checked: u64,
    failed: u64,
    seed: u64,
) -> Line {
    Line {
        bench: NAME,
        case,
        value,
        unit,
        better: Better::Lower,
        baseline: baseline.into(),
        baseline_value: goal,
        agreed: checked - failed,
        checked,
        runs: 1,
        spread: 0.0,
        threads: THREADS as u32,
        isa: isa(),
        n: checked,
        sample: checked,
        seed,
    }
}

/// What went wrong with each file that a reader failed on.
fn try_all(reader: &Reader, files: u64, seed: u64) -> Vec<String> {
    let died = || Some("a thread died".to_string());
    each(files, |number| try_one(reader, number, seed), died).into_iter().flatten().collect()
}

/// `None` when the file is read or soundly refused.
fn try_one(reader: &Reader, number: u64, seed: u64) -> Option<String> {
    let mut random = Random::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ number);
    let base = &reader.bases[random.below(reader.bases.len() as u64) as usize];
    let mut bytes = base.clone();
    (reader.mutate)(&mut bytes, &mut random);
    let why = match catch_unwind(AssertUnwindSafe(|| (reader.read)(&bytes))) {
        Ok(Ok(())) => return None,
        Ok(Err(why)) => why,
        Err(_) => "a panic".into(),
    };
    let name = format!("{}-{seed}-{number}", reader.name.replace(' ', "-"));
    let folder = build_folder().join("hostile");
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join(&name), &bytes));
    let kept = kept.map_or_else(|error| error.to_string(), |()| folder.join(&name).display().to_string());
    Some(format!("{}: {why} ({kept})", reader.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_hostile_files_are_read_or_refused() {
        let mut lines = Vec::new();
        search(2000, 5, &mut |line| lines.push(line)).expect("no failure");
        assert!(lines.len() >= 11 && lines.iter().all(Line::agrees));
    }

    /// A reader that believes everything is found out.
    #[test]
    fn a_panic_and_a_fault_without_a_place_are_failures() {
        let mutate: fn(&mut Vec<u8>, &mut Random) = |bytes, random| bytes.push(random.below(256) as u8);
        let reader = |read: fn(&[u8]) -> Result<(), String>| Reader {
            name: "test",
            percent: 100,
            bases: vec![Vec::new()],
            mutate,
            read: Box::new(read),
        };
        let panics = reader(|bytes| if bytes[0] < 128 { panic!("believed") } else { Ok(()) });
        let failures = try_all(&panics, 100, 1).len();
        assert!((20..80).contains(&failures), "{failures}");
        assert_eq!(try_all(&reader(|_| Err("no place".into())), 10, 1).len(), 10);
    }
}
