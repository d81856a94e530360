//! Which file is what: by its name, or as `history.toml` says.

use crate::book::{File, FileBytes};
use crate::fault::{Code, Log, Source, Span, quoted};
use crate::fields::LIST_MAX;
use crate::scalar;
use crate::tree::{Fields, Node, Value, digits, read_toml, text};

/// The file that says what the others are.
pub(super) const NAME: &str = "history.toml";
/// What prices are counted in when nothing else is said.
pub(super) const DOLLAR: &str = "USD";

/// What the files of a history are.
pub(super) struct Plan {
    /// What prices are counted in.
    pub(super) quote: String,
    /// Each file that is meant, and what is in it.
    pub(super) contents: Vec<(u16, Content)>,
}

/// What is in a file.
pub(super) enum Content {
    /// One series: the asset, and what its price is counted in.
    Series(String, String),
    /// A column for each asset.
    Panel,
    /// A series of this name or a panel: its header shows which.
    Either(String, String),
}

/// A file's name without the ending of a table.
pub(super) fn stem(name: &str) -> Option<&str> {
    [".csv", ".csv.gz", ".parquet"].into_iter().find_map(|ending| name.strip_suffix(ending))
}

/// The asset of a series and what its price is counted in: behind the last dash, if there is one.
pub(super) fn series_name(name: &str, quote: &str) -> (String, String) {
    let (base, quote) = name.rsplit_once('-').unwrap_or((name, quote));
    (base.to_uppercase(), quote.to_uppercase())
}

/// The files that a plan names; nothing is told.
pub(super) fn names(plan: &File) -> Vec<String> {
    let FileBytes::Read(bytes) = &plan.bytes else { return Vec::new() };
    let Ok(words) = std::str::from_utf8(bytes) else { return Vec::new() };
    let source = Source::new(NAME, words.strip_prefix('\u{feff}').unwrap_or(words));
    let mut silent = Log::default();
    let Some(read) = read_toml(&source, 0, &mut silent).and_then(|node| said(&node, &mut silent)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = read.files.into_iter().map(|(name, ..)| name).collect();
    names.sort();
    names.dedup();
    names
}

/// What a plan says.
struct Said {
    quote: String,
    /// A file, where it is named, and the series it has; `None` for a panel.
    files: Vec<(String, Span, Option<String>)>,
}

/// What each file is.
pub(super) fn of(sources: &[Source], log: &mut Log) -> Plan {
    let Some(at) = sources.iter().position(|source| source.name == NAME) else {
        return by_names(sources, log);
    };
    let nothing = Plan { quote: DOLLAR.into(), contents: Vec::new() };
    if sources[at].unread {
        return nothing;
    }
    let said = read_toml(&sources[at], at as u16, log).and_then(|node| said(&node, log));
    let Some(Said { quote, files }) = said else { return nothing };
    let mut contents = Vec::new();
    for (file, span, series) in files {
        let Some(id) = sources.iter().position(|source| source.name == file) else {
            log.at(Code::Unreadable, span, quoted(&file), "a file of the folder");
            continue;
        };
        let content = match series {
            Some(series) => {
                let (base, of) = series_name(&series, &quote);
                Content::Series(base, of)
            }
            None => Content::Panel,
        };
        contents.push((id as u16, content));
    }
    Plan { quote, contents }
}

fn by_names(sources: &[Source], log: &mut Log) -> Plan {
    let mut contents = Vec::new();
    for (id, source) in sources.iter().enumerate().filter(|(_, source)| super::readable(source)) {
        let Some(stem) = stem(&source.name) else { continue };
        let mut own = Log::default();
        if scalar::name(stem, super::top(id as u16), &mut own).is_none() {
            let expected = "a name that is an asset's symbol, or a plan in history.toml";
            log.file(Code::BadName, &source.name, "another name", expected);
            continue;
        }
        let (base, of) = series_name(stem, DOLLAR);
        contents.push((id as u16, Content::Either(base, of)));
    }
    Plan { quote: DOLLAR.into(), contents }
}

fn said(node: &Node, log: &mut Log) -> Option<Said> {
    let mut fields = Fields::of(node, log)?;
    let format = fields.take("format").map_or(Some(()), |node| {
        let found = digits(node, log)?;
        if found != "1" {
            log.at(Code::Format, node.span, quoted(found), "format 1")
                .help("a later version of the program may read it");
        }
        (found == "1").then_some(())
    });
    let quote = fields.take("quote").map_or(Some(DOLLAR.to_string()), |node| {
        scalar::name(text(node, log)?, node.span, log).map(str::to_uppercase)
    });
    let mut files = Vec::new();
    if let Some(node) = fields.take("series") {
        let Value::Table(entries) = &node.value else {
            log.at(Code::WrongKind, node.span, node.value.kind(), "a table of series and their files");
            return None;
        };
        for entry in entries.iter().filter(|entry| !entry.again) {
            let Some(name) = scalar::name(&entry.key, entry.key_span, log) else { continue };
            for (file, span) in list(&entry.value, log) {
                files.push((file, span, Some(name.to_string())));
            }
        }
    }
    if let Some(node) = fields.take("panels") {
        files.extend(list(node, log).into_iter().map(|(file, span)| (file, span, None)));
    }
    fields.finish(log);
    if files.len() > LIST_MAX {
        let found = format!("{} files", files.len());
        log.at(Code::TooLarge, node.span, found, format!("at most {LIST_MAX}"));
        return None;
    }
    format?;
    Some(Said { quote: quote?, files })
}

/// One file name, or several.
fn list(node: &Node, log: &mut Log) -> Vec<(String, Span)> {
    let one = |node: &Node, log: &mut Log| {
        let name = text(node, log)?;
        let inside = !name.is_empty() && !name.contains(['/', '\\', '\0']) && stem(name).is_some();
        if !inside {
            let expected = "the name of a .csv, .csv.gz or .parquet file of the same folder";
            log.at(Code::BadName, node.span, quoted(name), expected);
        }
        inside.then(|| (name.to_string(), node.span))
    };
    match &node.value {
        Value::List(nodes) => nodes.iter().filter_map(|node| one(node, log)).collect(),
        _ => one(node, log).into_iter().collect(),
    }
}
