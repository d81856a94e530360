//! The files of a book: which there are, how large they may be, and whether they are text or Parquet.

use crate::columnar::Input;
use crate::fault::{Code, Log, Source, Span};
use flate2::read::GzDecoder;
use std::fs;
use std::io::Read;
use std::path::Path;

/// A file longer than this \[bytes\] is refused.
pub const SIZE_MAX: u64 = 1 << 31;
/// A market or head file longer than this \[bytes\] is refused; a one-file book may have [`ONE_FILE_MAX`].
const TREE_MAX: u64 = 16 << 20;
/// A tree takes several times its text's length in memory.
const ONE_FILE_MAX: u64 = 256 << 20;
/// More markets than this are refused.
const MARKETS_MAX: usize = 4096;

/// A file of a book, by its name in the book.
#[derive(Debug)]
pub struct File {
    /// Relative to the book's folder, with `/` between folders.
    pub name: String,
    /// What is in it.
    pub bytes: FileBytes,
}

impl File {
    /// Reads a single file, such as a table to import, under its own name.
    #[must_use]
    pub fn open(path: &Path) -> File {
        let name = path.file_name().map_or("file".into(), |name| name.to_string_lossy().into_owned());
        load(name, path, SIZE_MAX)
    }
}

/// What is in a file.
#[derive(Debug)]
pub enum FileBytes {
    /// All of it.
    Read(Vec<u8>),
    /// It was longer than the limit, both in bytes.
    TooLarge(u64, u64),
    /// It could not be read; in the system's words.
    Failed(String),
}

pub(super) enum Format {
    Toml,
    Json,
}

/// The market that a file describes, if it is a market's file.
pub(super) fn market_of(name: &str) -> Option<(&str, Format)> {
    let file = name.strip_prefix("markets/")?;
    match file.rsplit_once('.')? {
        (stem, "toml") => Some((stem, Format::Toml)),
        (stem, "json") => Some((stem, Format::Json)),
        _ => None,
    }
}

/// Reads the files of the book at a path.
pub(super) fn list(path: &Path) -> Vec<File> {
    if !path.is_dir() {
        let name = path.file_name().map_or("book".into(), |name| name.to_string_lossy().into_owned());
        return vec![load(name, path, ONE_FILE_MAX)];
    }
    let mut files = tops(path);
    files.extend(tables(path, &["positions.csv", "positions.parquet"]));
    files.extend(markets(path));
    files
}

/// Reads the files of a folder but for its positions.
pub(super) fn list_frame(path: &Path) -> Vec<File> {
    let mut files = tops(path);
    files.extend(markets(path));
    files
}

fn tops(folder: &Path) -> Vec<File> {
    let mut files = vec![load("book.toml".into(), &folder.join("book.toml"), TREE_MAX)];
    files.extend(tables(folder, &["feeds.csv", "feeds.parquet", "vols.csv", "vols.parquet"]));
    files
}

/// Those of them that are there.
fn tables(folder: &Path, names: &[&str]) -> Vec<File> {
    let there = names.iter().map(|name| (*name, folder.join(name)));
    // A link that leads nowhere is there and cannot be read.
    let there = there.filter(|(_, path)| fs::symlink_metadata(path).is_ok());
    there.map(|(name, path)| load(name.into(), &path, SIZE_MAX)).collect()
}

fn markets(folder: &Path) -> Vec<File> {
    let mut markets: Vec<File> = Vec::new();
    let entries = match fs::read_dir(folder.join("markets")) {
        Ok(entries) => entries,
        // A folder without markets is a book without markets.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return markets,
        Err(error) => {
            return vec![File { name: "markets".into(), bytes: FileBytes::Failed(error.to_string()) }];
        }
    };
    for entry in entries.flatten() {
        let name = format!("markets/{}", entry.file_name().to_string_lossy());
        if market_of(&name).is_some() && markets.len() <= MARKETS_MAX {
            markets.push(load(name, &entry.path(), TREE_MAX));
        }
    }
    markets.sort_by(|x, y| x.name.cmp(&y.name));
    markets
}

pub(crate) fn load(name: String, path: &Path, limit: u64) -> File {
    let read = || -> std::io::Result<FileBytes> {
        let mut bytes = Vec::new();
        regular(path)?;
        // One byte more than the limit tells that there is more, whatever the file says of its own length.
        let length = fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)? as u64;
        Ok(if length > limit { FileBytes::TooLarge(length, limit) } else { FileBytes::Read(bytes) })
    };
    let bytes = read().unwrap_or_else(|error| FileBytes::Failed(error.to_string()));
    File { name, bytes }
}

/// Refuses what may never end, or never begin: a pipe, a device. A folder is none either.
///
/// # Errors
/// When there is nothing at the path, or nothing regular.
pub fn regular(path: &Path) -> std::io::Result<()> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let found = if kind.is_dir() { "a folder" } else { "a pipe or a device" };
    Err(std::io::Error::other(format!("{found}, and no file")))
}

/// All files as text or Parquet; one that is none is told and keeps its place.
pub(crate) fn texts(files: Vec<File>, log: &mut Log) -> Vec<Source> {
    let markets = files.iter().filter(|file| market_of(&file.name).is_some()).count();
    if markets > MARKETS_MAX {
        log.file(Code::TooLarge, "markets", "more markets", format!("at most {MARKETS_MAX}"));
    }
    let kept = files.into_iter().take(MARKETS_MAX + 7);
    kept.map(|file| {
        let File { name, bytes } = file;
        match bytes {
            FileBytes::Read(bytes) if bytes.len() as u64 <= SIZE_MAX => {
                if name.ends_with(".parquet") {
                    return Source::packed(name, Input::of(bytes));
                }
                return text(name, bytes, log);
            }
            FileBytes::Read(bytes) => too_large(&name, bytes.len() as u64, SIZE_MAX, log),
            FileBytes::TooLarge(found, limit) => too_large(&name, found, limit, log),
            FileBytes::Failed(error) => {
                log.file(Code::Unreadable, &name, error, "a file that can be read");
            }
        }
        Source::unread(name)
    })
    .collect()
}

/// The file itself; a gzipped one unpacked, to at most so many bytes.
pub(crate) fn unpacked(file: File, most: u64) -> File {
    let File { name, bytes } = file;
    let bytes = match bytes {
        FileBytes::Read(bytes) if name.ends_with(".gz") => {
            let mut unpacked = Vec::new();
            match GzDecoder::new(&*bytes).take(most + 1).read_to_end(&mut unpacked) {
                Ok(length) if length as u64 > most => FileBytes::TooLarge(length as u64, most),
                Ok(_) => FileBytes::Read(unpacked),
                Err(error) => FileBytes::Failed(error.to_string()),
            }
        }
        other => other,
    };
    File { name, bytes }
}

fn too_large(name: &str, found: u64, limit: u64, log: &mut Log) {
    log.file(Code::TooLarge, name, format!("{found} bytes or more"), format!("at most {limit}"));
}

/// Bytes as text, without a byte-order mark.
fn text(name: String, bytes: Vec<u8>, log: &mut Log) -> Source {
    match String::from_utf8(bytes) {
        Ok(text) => match text.strip_prefix('\u{feff}') {
            Some(text) => Source::new(name, text),
            None => Source::new(name, text),
        },
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes()[at];
            let line = error.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
            let found = format!("the byte {byte:#04x} at byte {at}, in line {line}");
            log.file(Code::NotUtf8, &name, found, "UTF-8 text");
            Source::unread(name)
        }
    }
}

/// The file that has a table of the book, `NAME.csv` or `NAME.parquet`, and its number; told where it is missing, or
/// where both are there and nobody knows which of them is meant.
pub(super) fn table<'s>(name: &str, sources: &'s [Source], log: &mut Log) -> Option<(u16, &'s Source)> {
    let [csv, parquet] = ["csv", "parquet"].map(|form| format!("{name}.{form}"));
    let named = |name: &str| sources.iter().enumerate().find(|(_, source)| source.name == name);
    match (named(&csv), named(&parquet)) {
        (Some(_), Some(_)) => {
            log.file(Code::TwoForms, &parquet, format!("{csv} beside it"), "one of the two");
            None
        }
        (Some((id, source)), None) | (None, Some((id, source))) => Some((id as u16, source)),
        (None, None) => {
            missing(&csv, sources, log);
            None
        }
    }
}

/// A file that a book must have is not there.
pub(super) fn missing(name: &str, sources: &[Source], log: &mut Log) {
    let beside = sources.iter().any(|source| source.name == "book.toml");
    if beside {
        let span = Span { source: 0, start: 0, end: 0 };
        let parquet = name.strip_suffix(".csv").map_or(String::new(), |stem| format!(" or {stem}.parquet"));
        log.at(Code::Unreadable, span, "no such file", format!("a file {name}{parquet} beside it"));
    } else {
        log.file(Code::Unreadable, name, "no such file", "a folder with a book.toml, or one JSON file");
    }
}
