//! Price history as a folder of files: `docs/history.md` describes it.
//!
//! Prices of history are floats: they estimate chances, and decide nothing. A row that is faulty is told and left out, and then is a gap; a
//! file of which rows are missing is left out whole.

#![allow(clippy::float_arithmetic)] // prices of history are floats; no verdict is made of them

mod plan;
mod points;

use crate::book::{File, files, regular};
use crate::fault::{Code, Faults, Log, Source, Span};
use plan::{Content, Plan};
use plimsoll_risk::bars::{Bar, Bars};
use plimsoll_risk::history::{Digest, History, Series};
use points::Point;
use sha2::Digest as _;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::path::Path;

/// A file longer than this, unpacked \[bytes\], is refused.
pub const TABLE_MAX: u64 = 256 << 20;
/// More files than this are refused.
pub const FILES_MAX: usize = 4096;

/// What was made of a folder of history.
#[derive(Clone, Debug)]
pub struct Opened {
    /// All that is sound.
    pub history: History,
    /// Everything that is not.
    pub faults: Faults,
}

/// Reads the history in a folder.
#[must_use]
pub fn open(folder: &Path) -> Opened {
    let mut names: Vec<String> = match std::fs::read_dir(folder) {
        Ok(entries) => {
            let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.filter(|name| name == plan::NAME || plan::stem(name).is_some()).collect()
        }
        Err(error) => {
            let mut log = Log::default();
            let name = folder.display().to_string();
            log.file(Code::Unreadable, &name, error.to_string(), "a folder of price history");
            let history = History::new(plan::DOLLAR.into(), Vec::new(), Vec::new(), digest(&[]));
            return Opened { history, faults: log.finish(&[]) };
        }
    };
    names.sort();
    // Where a plan says which files are meant, the others are not opened.
    let plan = names.iter().find(|name| *name == plan::NAME).map(|name| load(folder, name));
    match plan {
        Some(plan) => {
            let named = plan::names(&plan);
            read([plan].into_iter().chain(named.iter().map(|name| load(folder, name))).collect())
        }
        None => read(names.iter().map(|name| load(folder, name)).collect()),
    }
}

fn load(folder: &Path, name: &str) -> File {
    let path = folder.join(name);
    match regular(&path) {
        Ok(()) => files::load(name.to_string(), &path, TABLE_MAX),
        Err(error) => {
            File { name: name.to_string(), bytes: crate::book::FileBytes::Failed(error.to_string()) }
        }
    }
}

/// Reads history from its files, with names relative to their folder.
#[must_use]
pub fn read(given: Vec<File>) -> Opened {
    let mut log = Log::default();
    let mut digests: Vec<Digest> = given.iter().filter_map(hashed).collect();
    digests.sort_by(|a, b| a.file.cmp(&b.file));
    if given.len() > FILES_MAX {
        let found = format!("{} files", given.len());
        log.file(Code::TooLarge, "the history", found, format!("at most {FILES_MAX}"));
    }
    let kept = given.into_iter().take(FILES_MAX).map(|file| files::unpacked(file, TABLE_MAX)).collect();
    let sources = files::texts(kept, &mut log);
    let Plan { quote, contents } = plan::of(&sources, &mut log);
    let mut drafts: BTreeMap<(String, String), Vec<Point>> = BTreeMap::new();
    for (id, content) in contents {
        let source = &sources[usize::from(id)];
        let found = match content {
            Content::Series(base, of) => {
                points::of_series(source, id, &mut log).map(|points| vec![((base, of), points)])
            }
            Content::Panel => points::of_panel(source, id, &quote, &mut log),
            // A file without a plan shows by its header what it is.
            Content::Either(base, of) if !points::is_panel(source, id) => {
                points::of_series(source, id, &mut log).map(|points| vec![((base, of), points)])
            }
            Content::Either(..) => points::of_panel(source, id, &quote, &mut log),
        };
        for (name, points) in found.unwrap_or_default() {
            join(drafts.entry(name).or_default(), points, &mut log);
        }
    }
    let series = drafts.into_iter().filter_map(|((base, of), points)| series(base, of, points, &mut log));
    let series: Vec<Series> = series.collect();
    let digest = digest(&digests);
    Opened { history: History::new(quote, series, digests, digest), faults: log.finish(&sources) }
}

fn hashed(file: &File) -> Option<Digest> {
    match &file.bytes {
        crate::book::FileBytes::Read(bytes) => {
            Some(Digest { file: file.name.clone(), sha256: hex(&Sha256::digest(bytes)) })
        }
        _ => None,
    }
}

fn digest(files: &[Digest]) -> String {
    let mut whole = Sha256::new();
    for file in files {
        whole.update((file.file.len() as u64).to_le_bytes());
        whole.update(&file.file);
        whole.update(&file.sha256);
    }
    hex(&whole.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds the points of another file of a series. Where both have a bar they must say the same.
fn join(known: &mut Vec<Point>, more: Vec<Point>, log: &mut Log) {
    if known.is_empty() {
        *known = more;
        return;
    }
    let mut both = Vec::with_capacity(known.len() + more.len());
    let mut before = std::mem::take(known).into_iter().peekable();
    for point in more {
        while let Some(earlier) = before.next_if(|earlier| earlier.time < point.time) {
            both.push(earlier);
        }
        match before.next_if(|other| other.time == point.time) {
            Some(other) if other.agrees(&point) => {
                both.push(Point { range: other.range.or(point.range), ..other });
            }
            // Neither can be believed: the bar is a gap.
            Some(other) => {
                let expected = format!("a close of {}, as another file has it", other.close);
                log.at(Code::Contradiction, point.span, format!("a close of {}", point.close), expected);
            }
            None => both.push(point),
        }
    }
    both.extend(before);
    *known = both;
}

/// A series of its points. Bars that do not stand at whole steps are told and left out.
fn series(base: String, quote: String, points: Vec<Point>, log: &mut Log) -> Option<Series> {
    let first = points.first()?;
    let Some(step) = most(points.windows(2).map(|pair| pair[1].time - pair[0].time)) else {
        log.at(Code::OutOfRange, first.span, "a single bar", "two bars or more of a series");
        return None;
    };
    let phase = most(points.iter().map(|point| point.time % step))?;
    let mut bars = Vec::with_capacity(points.len());
    let mut ranged = true;
    for point in &points {
        if point.time % step != phase {
            let expected = format!("whole steps of {step} s from the other bars");
            log.at(Code::OutOfRange, point.span, format!("a bar at {} s", point.time), expected);
            continue;
        }
        let Point { close, range, .. } = *point;
        let [open, high, low] = range.unwrap_or([close; 3]);
        ranged &= range.is_some();
        bars.push(Bar { time: point.time as i64, open, high, low, close });
    }
    match Bars::new(step as i64, bars) {
        Ok(bars) => Some(Series { base, quote, bars, ranged }),
        // Each point was looked at when it was read.
        Err(error) => {
            log.at(Code::Contradiction, first.span, error.to_string(), "bars in order");
            None
        }
    }
}

/// The number that comes most often; of equals the smallest.
fn most(numbers: impl Iterator<Item = u64>) -> Option<u64> {
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    numbers.for_each(|number| *counts.entry(number).or_default() += 1);
    counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0))).map(|(number, _)| number)
}

/// A place without a row, for what is said of a file.
const fn top(id: u16) -> Span {
    Span { source: id, start: 0, end: 0 }
}

/// Whether a source is a table that can be looked into.
fn readable(source: &Source) -> bool {
    !source.unread
}
