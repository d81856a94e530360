//! An engine that begins: from a book and a configuration file, all of it or nothing.

use super::failed;
use crate::show::{self, errln};
use crate::{check, exit};
use plimsoll_core::{Book, Origin};
use plimsoll_engine::calls;
use plimsoll_engine::config::{Config, Source, Terms, Voice};
use plimsoll_engine::engine::{Engine, Failure};
use plimsoll_engine::folder::Folder;
use plimsoll_engine::founding::{self, Usual};
use plimsoll_engine::guard;
use plimsoll_engine::record::{By, Command, Request};
use plimsoll_engine::{LogId, Settings, Stamp};
use plimsoll_io::book::File;
use plimsoll_io::desk::{self, Desk, FeedRule, Limits, Policy};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// So many accounts are one record.
const ACCOUNTS: usize = 1000;
/// A second in nanoseconds.
const SECOND: Stamp = 1_000_000_000;

/// What is left to be done when the log has its name.
pub(super) struct Founded {
    /// The time of the book.
    pub(super) at: Stamp,
    /// The prices of the book: what is heard first.
    pub(super) prices: Vec<Request>,
}

/// Founds an engine: in a folder beside, which gets its name when all accounts are in it. A crash leaves no half of one.
pub(super) fn found(data: &Path, book: &Path, config: &Path) -> Result<Founded, u8> {
    let has_something = std::fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some());
    if has_something || data.is_file() {
        errln!("plimsoll: {}: expected a new or empty folder, or one with a log", data.display());
        return Err(exit::FAULTY);
    }
    let book = check::open(book, false)?.0;
    let opened = desk::read(File::open(config), &book);
    if !opened.faults.is_empty() {
        show::tell(format_args!("{}", opened.faults.render(std::io::stderr().is_terminal())));
    }
    let Some(desk) = opened.desk else {
        let faults = check::counted(opened.faults.count(), "fault");
        errln!("plimsoll: {faults} in {}; nothing was founded", config.display());
        return Err(exit::FAULTY);
    };
    let usual = usual(&desk);
    let mut founding = founding::founding(&book, config_of(&desk), &usual);
    for source in &mut founding.sources {
        source.rule.confidence = desk.usual.confidence;
        if let Some(rule) = desk.feeds.iter().find(|rule| rule.feed == source.price) {
            said(source, rule).map_err(|why| {
                errln!("plimsoll: {}: feed {}: {why}", config.display(), rule.feed);
                exit::FAULTY
            })?;
        }
    }
    let (at, prices) = (founding.at, prices(&book, &founding.sources));
    let beside = beside(data);
    let made = make(&beside, founding, &book).and_then(|()| named(&beside, data));
    made.map_err(|failure| {
        let _ = cleared(&beside); // what is left of it is passed over the next time
        failed(&failure)
    })?;
    Ok(Founded { at, prices })
}

/// Where a folder is made before it has its name.
pub(crate) fn beside(folder: &Path) -> PathBuf {
    let name = folder.file_name().map_or_else(|| "log".into(), |name| name.to_string_lossy().into_owned());
    folder.with_file_name(format!("{name}.unfinished"))
}

/// Gives a folder that is whole its name, for good.
pub(crate) fn named(beside: &Path, folder: &Path) -> Result<(), Failure> {
    let told = |call, error: std::io::Error| {
        let (file, why) = (folder.display().to_string(), error.to_string());
        Failure::Storage(plimsoll_engine::Trouble { call, file, why })
    };
    // The lock was of whoever made it.
    let _ = std::fs::remove_file(beside.join("lock"));
    std::fs::rename(beside, folder).map_err(|error| told("rename to", error))?;
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = std::fs::File::open(above).and_then(|above| above.sync_all());
    synced.map_err(|error| told("sync above", error))
}

/// Removes what an earlier try left beside; a folder that holds anything but a log is somebody's own.
pub(crate) fn cleared(beside: &Path) -> Result<(), Failure> {
    let told = |why: String| {
        let file = beside.display().to_string();
        Failure::Storage(plimsoll_engine::Trouble { call: "remove", file, why })
    };
    if !beside.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(beside).map_err(|error| told(error.to_string()))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = name == "lock" || [".log", ".snapshot", ".new"].iter().any(|end| name.ends_with(end));
        if !ours {
            return Err(told(format!("it holds {name}, which is no part of a log")));
        }
    }
    std::fs::remove_dir_all(beside).map_err(|error| told(error.to_string()))
}

fn make(beside: &Path, founding: plimsoll_engine::config::Founding, book: &Book) -> Result<(), Failure> {
    cleared(beside)?;
    let at = founding.at;
    let folder = Folder::open(beside)?;
    let mut engine = Engine::found(folder, log_id(), Settings::default(), founding, plimsoll_io::venues())?;
    let commands = founding::positions(book, ACCOUNTS);
    let requests =
        (1..).zip(commands).map(|(number, command)| request(format!("book positions {number}"), command));
    let answers = engine.submit(at, requests.collect())?;
    if let Some(Err(refused)) = answers.into_iter().map(|answer| answer.outcome).find(Result::is_err) {
        return Err(Failure::Unfit(format!("the accounts of the book: {refused}")));
    }
    engine.close().map(|_| ())
}

fn request(id: String, command: Command) -> Request {
    Request { id, by: By { name: "founding".into(), key: String::new() }, command, said: None }
}

/// What tells this log from any other: what the machine draws for its hash tables is as good as any.
fn log_id() -> LogId {
    let draw = || RandomState::new().hash_one(super::machine_time()).to_le_bytes();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&draw());
    id[8..].copy_from_slice(&draw());
    id
}

/// The prices as the book has them: each of its own source, and observed when it was.
fn prices(book: &Book, sources: &[Source]) -> Vec<Request> {
    let commands = founding::quotes(book, sources, "book", book.at.0.saturating_mul(SECOND));
    let requests = (1..).zip(commands).map(|(number, mut command)| {
        if let Command::Quote { feed, quote } = &mut command
            && let Some(Origin::Feed(seen)) = book.graph.find(feed).and_then(|id| book.graph.origin(id))
        {
            (quote.source, quote.origin) = (seen.source.clone(), seen.source.clone());
            quote.observed = seen.observed_at.unwrap_or(book.at).0.saturating_mul(SECOND);
        }
        request(format!("book price {number}"), command)
    });
    requests.collect()
}

fn usual(desk: &Desk) -> Usual {
    let desk::Usual { max_age, jump, quorum, jump_quorum, .. } = desk.usual;
    Usual { max_age, jump, quorum: quorum as usize, jump_quorum: jump_quorum as usize }
}

fn config_of(desk: &Desk) -> Config {
    Config {
        people: desk.people.iter().cloned().collect(),
        currency: desk.currency.clone(),
        worth: desk.worth.iter().cloned().collect(),
        terms: desk.policies.iter().map(terms).collect(),
        limits: limits(&desk.limits),
        repeats: desk.repeats,
        window: desk.window,
        collar: desk.collar,
        flips: desk.breaker[0],
        flips_value: desk.breaker[1],
        flips_least: desk.breaker[2],
        grace: desk.grace,
        depths: desk.depths.iter().cloned().collect(),
        followed: desk.followed.iter().cloned().collect(),
        sight: desk.sight,
        memory: desk.memory,
        late: desk.late,
        clock: desk.clock,
        skew: desk.skew,
        flips_within: desk.flips_within,
        sources: desk.sources.iter().map(voice).collect(),
        strategies: desk.strategies.iter().cloned().collect(),
    }
}

/// A policy as the engine has it.
pub(super) fn terms(policy: &Policy) -> (plimsoll_engine::config::Group, Terms) {
    let Policy { market, group, warning, call, grace, escalates } = policy;
    let policy = calls::Policy { grace: *grace, escalates: *escalates };
    ((market.clone(), group.clone()), Terms { warning: *warning, call: *call, policy })
}

/// A source that may be heard, as the engine has it.
fn voice(voice: &desk::Voice) -> (String, Voice) {
    let by = voice.by.iter().cloned().collect();
    (voice.source.clone(), Voice { origin: voice.origin.clone(), by })
}

/// Caps as the engine has them.
pub(super) fn limits(limits: &Limits) -> guard::Limits {
    let Limits { action, account, strategy, all, actions, of_depth } = *limits;
    guard::Limits { action, account, strategy, all, actions: actions as usize, of_depth }
}

/// A feed's rule with what is said of it in place of what it was.
pub(super) fn said(source: &mut Source, said: &FeedRule) -> Result<(), String> {
    let decimals = source.decimals;
    let raw = |price: plimsoll_core::Decimal| {
        let raw = price.scaled_amount(decimals).map_err(|error| format!("{price}: {error}"))?;
        raw.to_u128().ok_or_else(|| format!("{price} does not fit"))
    };
    let rule = &mut source.rule;
    rule.max_age = said.max_age.unwrap_or(rule.max_age);
    rule.floor = said.floor.map_or(Ok(rule.floor), raw)?;
    rule.ceiling = said.ceiling.map_or(Ok(rule.ceiling), raw)?;
    rule.confidence = said.confidence.unwrap_or(rule.confidence);
    rule.jump = said.jump.unwrap_or(rule.jump);
    rule.quorum = said.quorum.map_or(rule.quorum, |quorum| quorum as usize);
    rule.jump_quorum = said.jump_quorum.map_or(rule.jump_quorum, |quorum| quorum as usize);
    Ok(())
}
