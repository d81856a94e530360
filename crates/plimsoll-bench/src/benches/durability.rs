//! The engine's log: what power cuts, spoilt bits and killed processes leave of it, and how fast it is durable.
//!
//! * `power_cuts`: seeded lives on a disk that tears, loses and refuses ([`plimsoll_engine::trial`]): a record that was acknowledged and is gone,
//!   one that was never submitted, a log that does not open.
//! * `bit_flips`: a sealed log with one bit turned: every bit of 64 KB, and in a soak bits of a megabyte drawn at random too. It must be told, or, in the
//!   seal at its very end, cost no record.
//! * `kills`: a process that writes is killed (`SIGKILL`) at a random time; what it acknowledged on its output must be there.
//! * `durable`: records of 300 bytes, hashed and chained, in batches of 128 KB, each made durable before the next. Baseline: the same
//!   bytes appended to a plain file with the same sync, which is what the disk can do. Also the time that a batch waits (p99).

use crate::line::{Better, Line, isa};
use crate::measure::sum_up;
use crate::peers::build_folder;
use crate::registry::{Context, Trouble};
use crate::threads::{THREADS, each};
use plimsoll_engine::disk::Disk;
use plimsoll_engine::folder::Folder;
use plimsoll_engine::random::Random;
use plimsoll_engine::trial::{Lived, life};
use plimsoll_engine::{Damage, Log, LogId, Settings, Storage as _, scan};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const POWER_CUTS: &str = "power_cuts";
pub(crate) const BIT_FLIPS: &str = "bit_flips";
pub(crate) const KILLS: &str = "kills";
pub(crate) const DURABLE: &str = "durable";

const ID: LogId = *b"a log for bench\0";
const MEASURED: usize = 300;

pub(crate) fn run_power_cuts(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let wanted = context.sized(100_000, 1_000_000, 10_000_000_u64);
    let mut first = None;
    for seed in context.seeds() {
        // A life has three cuts in the mean.
        let lives = each(wanted / 3, |number| trial(seed << 40 | number), || Err("a thread died".into()));
        let (mut cuts, mut failures) = (0, 0);
        for lived in lives {
            match lived {
                Ok(lived) => cuts += lived.cuts,
                Err(why) => {
                    failures += 1;
                    first = first.or(Some(why));
                }
            }
        }
        emit(failures_line(POWER_CUTS, "acknowledged records lost or made up", failures, cuts, seed));
    }
    first.map_or(Ok(()), |why| Err(Trouble::Wrong(why)))
}

fn trial(seed: u64) -> Result<Lived, String> {
    life(seed, Settings { segment: 700 }, None).map_err(|why| format!("seed {seed}: {why}"))
}

/// A sealed log of so many bytes and a little more, its one segment's name, and how many records it has.
fn sealed(bytes: usize) -> Result<(Disk, String, u64), Trouble> {
    let wrong = |error: &dyn std::fmt::Display| Trouble::Wrong(error.to_string());
    let mut log = Log::create(Disk::new(1), ID, Settings::default()).map_err(|error| wrong(&error))?;
    let mut random = Random(11);
    let mut written = 0;
    while written < bytes {
        let batch: Vec<Vec<u8>> = (0..4).map(|_| random.record()).collect();
        written += batch.iter().map(|record| record.len() + 64).sum::<usize>();
        log.commit(&batch).map_err(|error| wrong(&error))?;
    }
    let records = log.next();
    let disk = log.close().map_err(|error| wrong(&error))?;
    let name = disk.list().map_err(|error| wrong(&error))?.pop();
    Ok((disk, name.ok_or_else(|| Trouble::Wrong("no segment".into()))?, records))
}

pub(crate) fn run_bit_flips(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let whole = sealed(64 << 10)?;
    let bits = 8 * whole.0.read(&whole.1).map_or(0, |bytes| bytes.len() as u64);
    let mut first = flipped(&whole, bits, bits, context.seed, "every bit of 64 KB", emit);
    if let crate::registry::Scale::Soak { .. } = context.scale {
        let large = sealed(1 << 20)?;
        let bits = 8 * large.0.read(&large.1).map_or(0, |bytes| bytes.len() as u64);
        for seed in context.seeds() {
            first = first.or(flipped(&large, bits, 100_000, seed, "drawn bits of 1 MB", emit));
        }
    }
    first.map_or(Ok(()), |why| Err(Trouble::Wrong(why)))
}

/// Turns so many bits, each alone: all of them in order where they are as many as there are, drawn ones else.
fn flipped(
    (disk, name, records): &(Disk, String, u64),
    bits: u64,
    count: u64,
    seed: u64,
    case: &str,
    emit: &mut dyn FnMut(Line),
) -> Option<String> {
    let per_thread = count.div_ceil(THREADS);
    let parts = each(
        THREADS,
        |thread| {
            let (mut disk, mut random) = (disk.clone(), Random(seed << 8 | thread));
            let mine = thread * per_thread..((thread + 1) * per_thread).min(count);
            let bit = |number| if count == bits { number } else { random.below(bits) };
            mine.map(bit).filter_map(|bit| missed(&mut disk, name, *records, bit, bits)).collect::<Vec<_>>()
        },
        || vec!["a thread died".into()],
    );
    let missed: Vec<String> = parts.into_iter().flatten().collect();
    emit(failures_line(BIT_FLIPS, &format!("{case}, not told"), missed.len() as u64, count, seed));
    missed.into_iter().next()
}

/// What goes wrong where one bit is turned.
fn missed(disk: &mut Disk, name: &str, records: u64, bit: u64, bits: u64) -> Option<String> {
    let turn = |disk: &mut Disk| disk.flip(name, bit as usize).err().map(|trouble| trouble.to_string());
    if let Some(trouble) = turn(disk) {
        return Some(trouble);
    }
    let opened = scan(&*disk, 0, None, &mut |_, _, _| {});
    let wrong = match opened {
        Err(Damage::Storage(trouble)) => Some(trouble.to_string()),
        Err(_) => None,
        // The seal takes 64 bytes.
        Ok(found) if found.torn.is_some() && found.next == records && bit >= bits - 512 => None,
        Ok(found) => Some(format!("bit {bit}: {} records opened, torn: {:?}", found.next, found.torn)),
    };
    turn(disk).or(wrong)
}

/// What record `number` of a killed process holds.
fn record(number: u64) -> Vec<u8> {
    let mut random = Random(number);
    let length = 256 + random.below(200) as usize;
    (0..length).map(|_| random.below(256) as u8).collect()
}

/// Writes to a log until somebody kills it, and says on stdout how many records are durable: what the hidden subcommand `write-log` runs.
pub(crate) fn write_log(path: &Path) -> Result<(), Trouble> {
    let wrong = |error: &dyn std::fmt::Display| Trouble::Wrong(error.to_string());
    let folder = Folder::open(path).map_err(|error| wrong(&error))?;
    let opened = Log::open(folder, Settings { segment: 1 << 20 }, 0, None, &mut |_, _, _| {});
    let mut log = opened.map_err(|error| wrong(&error))?.log;
    let mut out = std::io::stdout().lock();
    loop {
        let next = log.next();
        let batch: Vec<Vec<u8>> = (next..next + 1 + next % 16).map(record).collect();
        log.commit(&batch).map_err(|error| wrong(&error))?;
        writeln!(out, "{}", log.next()).and_then(|()| out.flush()).map_err(|error| wrong(&error))?;
        if next % 5 == 0 {
            log.seal().map_err(|error| wrong(&error))?;
        }
    }
}

/// So many lives write one log.
const A_LOG: u64 = 200;

pub(crate) fn run_kills(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let (cycles, enough) = context.sized((50, 1), (200, 10_000), (2000, 100_000));
    let wrong = |error: &dyn std::fmt::Display| Trouble::Wrong(error.to_string());
    let (path, mut here) = (scratch("kills"), 0);
    for seed in context.seeds() {
        let (mut random, mut acknowledged, mut failed) = (Random(seed), 0, None);
        for cycle in 0..cycles {
            // Each life reads its log from the beginning: one that all of them write would be read for hours.
            if cycle % A_LOG == 0 {
                fresh(&path)?;
                acknowledged += std::mem::take(&mut here);
            }
            here = here.max(killed(&path, random.below(40))?);
            match reopened(&path) {
                Ok(found) if found >= here => here = found,
                Ok(found) => failed = Some(format!("{found} records opened, {here} were acknowledged")),
                Err(why) => failed = Some(why),
            }
            if failed.is_some() {
                break;
            }
        }
        acknowledged += std::mem::take(&mut here);
        let case =
            format!("{acknowledged} records acknowledged by processes that were killed, lost or changed");
        emit(failures_line(KILLS, &case, failed.is_some().into(), cycles, seed));
        if let Some(why) = failed {
            return Err(Trouble::Wrong(format!("seed {seed}: {why}; see {}", path.display())));
        }
        if acknowledged < enough {
            return Err(Trouble::Wrong(format!(
                "only {acknowledged} records were acknowledged, of {enough}"
            )));
        }
    }
    std::fs::remove_dir_all(&path).map_err(|error| wrong(&error))
}

/// A new log in a folder of its own.
fn fresh(path: &Path) -> Result<(), Trouble> {
    let wrong = |error: &dyn std::fmt::Display| Trouble::Wrong(error.to_string());
    let _ = std::fs::remove_dir_all(path); // of the lives before
    let folder = Folder::open(path).map_err(|error| wrong(&error))?;
    let settings = Settings { segment: 1 << 20 };
    Log::create(folder, ID, settings).map(drop).map_err(|error| wrong(&error))
}

/// Lets a process write for some milliseconds after its first word, kills it, and says how many records it had acknowledged.
fn killed(path: &Path, milliseconds: u64) -> Result<u64, Trouble> {
    let wrong = |error: &dyn std::fmt::Display| Trouble::Wrong(error.to_string());
    let program = std::env::current_exe().map_err(|error| wrong(&error))?;
    let mut child = Command::new(program)
        .arg("write-log")
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| wrong(&error))?;
    let out = child.stdout.take().ok_or_else(|| Trouble::Wrong("no output".into()))?;
    let mut lines = BufReader::new(out).lines();
    let mut last = 0;
    let mut hear = |line: Option<std::io::Result<String>>| {
        let number = line?.ok()?.parse().ok()?;
        last = number;
        Some(())
    };
    hear(lines.next());
    std::thread::sleep(Duration::from_millis(milliseconds));
    child.kill().map_err(|error| wrong(&error))?;
    while hear(lines.next()).is_some() {}
    child.wait().map_err(|error| wrong(&error))?;
    Ok(last)
}

/// How many records a folder's log has; what is wrong with them.
fn reopened(path: &Path) -> Result<u64, String> {
    let folder = Folder::open(path).map_err(|error| error.to_string())?;
    let mut wrong = None;
    let opened = Log::open(folder, Settings::default(), 0, None, &mut |number, payload, _| {
        if payload != record(number) {
            wrong = wrong.or(Some(number));
        }
    });
    let next = opened.map_err(|damage| damage.to_string())?.log.next();
    wrong.map_or(Ok(next), |number| Err(format!("record {number} is not what was written")))
}

pub(crate) fn run_durable(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let wrong = |error: &dyn std::fmt::Display| Trouble::Wrong(error.to_string());
    let rounds = context.sized(3, 21, 101);
    let batch: Vec<Vec<u8>> = (0..(128 << 10) / MEASURED as u64)
        .map(|number| {
            let mut record = record(number);
            record.resize(MEASURED, 7);
            record
        })
        .collect();
    let path = scratch("durable");
    let folder = Folder::open(&path).map_err(|error| wrong(&error))?;
    let mut log = Log::create(folder, ID, Settings::default()).map_err(|error| wrong(&error))?;
    let plain_path = path.join("plain");
    let mut plain = std::fs::File::create(&plain_path).map_err(|error| wrong(&error))?;
    let bytes = vec![7u8; batch.len() * (MEASURED + 68)];
    // Sixteen batches a pass: a pass is then some milliseconds, and both sides see the same disk.
    const BATCHES: u32 = 16;
    let (mut ours, mut theirs, mut waits) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let begun = Instant::now();
        for _ in 0..BATCHES {
            let one = Instant::now();
            log.commit(&batch).map_err(|error| wrong(&error))?;
            waits.push(one.elapsed().as_secs_f64() * 1e3);
        }
        let mine = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        for _ in 0..BATCHES {
            plain.write_all(&bytes).and_then(|()| plain.sync_data()).map_err(|error| wrong(&error))?;
        }
        if round > 0 {
            let records = f64::from(BATCHES) * batch.len() as f64;
            ours.push(records / mine);
            theirs.push(records / begun.elapsed().as_secs_f64());
        }
    }
    let written = log.next();
    drop(log.close().map_err(|error| wrong(&error))?);
    // What was said to be durable is there, and sound.
    let folder = Folder::open(&path).map_err(|error| wrong(&error))?;
    let found = scan(&folder, 0, None, &mut |_, _, _| {}).map_err(|error| wrong(&error))?.next;
    drop(folder);
    std::fs::remove_dir_all(&path).map_err(|error| wrong(&error))?;
    let (mine, disk) = (sum_up(&ours), sum_up(&theirs));
    waits.sort_by(f64::total_cmp);
    let p99 = waits[waits.len() * 99 / 100];
    let line = |case: &str, value, unit, better, baseline: &str, baseline_value| Line {
        bench: DURABLE,
        case: case.into(),
        value,
        unit,
        better,
        baseline: baseline.into(),
        baseline_value,
        agreed: found.min(written),
        checked: written,
        runs: mine.runs,
        spread: mine.spread,
        threads: 1,
        isa: isa(),
        n: batch.len() as u64 * u64::from(BATCHES),
        sample: batch.len() as u64 * u64::from(BATCHES),
        seed: context.seed,
    };
    let case = "records of 300 bytes, hashed, chained and durable, batches of 128 KB";
    emit(line(
        case,
        mine.median,
        "records/s",
        Better::Higher,
        "the same bytes appended and synced",
        disk.median,
    ));
    emit(line("p99 of a batch's wait", p99, "ms", Better::Lower, "goal", 50.0));
    Ok(())
}

/// A folder of its own below the build's folder.
fn scratch(name: &str) -> PathBuf {
    let path = build_folder().join("bench-logs").join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path); // of a run that was cut short
    path
}

fn failures_line(bench: &'static str, case: &str, failures: u64, checked: u64, seed: u64) -> Line {
    Line {
        bench,
        case: case.into(),
        value: failures as f64,
        unit: "failures",
        better: Better::Lower,
        baseline: "goal".into(),
        baseline_value: 0.0,
        agreed: checked.saturating_sub(failures),
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
