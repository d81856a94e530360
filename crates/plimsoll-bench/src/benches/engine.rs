//! The engine over its log: whether it ever acts wrongly, how fast positions are durable in it, and how long it takes to come back.
//!
//! * `market_hours`: lives of an engine in a world that fails ([`plimsoll_engine::sim`]), an hour of market each and a calm end: a healthy
//!   account that was acted on, one below its line that was left alone, an intent that was not resolved once, an answer that is gone.
//!   The state that a certain life ends in is the one that the tests' build ends in (`life.hash`).
//! * `positions`: position updates in commands of 100, through decision, index and log, durable before each answer. Baseline: the bytes
//!   that this wrote, appended and synced.
//! * `recovery`: opening an engine of a book of six venues from a snapshot and all that came after it. The state must be the one that was
//!   left.

use super::stress_exact::data::written;
use crate::line::{Better, Line, isa};
use crate::measure::sum_up;
use crate::peers::build_folder;
use crate::registry::{Context, Scale, Trouble};
use crate::threads::each;
use plimsoll_core::{Account, Book, Int, Rounding};
use plimsoll_engine::config::Founding;
use plimsoll_engine::engine::Engine;
use plimsoll_engine::folder::Folder;
use plimsoll_engine::founding::{Usual, founding, positions, quotes};
use plimsoll_engine::random::Random;
use plimsoll_engine::record::{By, Command, Position, Request};
use plimsoll_engine::sim::{self, Lived, Play, play};
use plimsoll_engine::{LogId, Settings, Stamp};
use plimsoll_io::venues;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) const MARKET_HOURS: &str = "market_hours";
pub(crate) const POSITIONS: &str = "positions";
pub(crate) const RECOVERY: &str = "recovery";

const ID: LogId = *b"an engine bench\0";
const HOUR: Stamp = 3600 * 1_000_000_000;
/// Steps of ten seconds in an hour, and those behind it in which everything must come right.
const STEPS: u64 = 360;
const CALM: u64 = 20;
/// What the life of seed 0 ends in, written by the tests' build.
const LIFE: &str = include_str!("../../../plimsoll-engine/tests/fixtures/life.hash");

fn wrong(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::Wrong(error.to_string())
}

fn example(name: &str) -> Result<Book, Trouble> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let opened = plimsoll_io::book::open(&folder);
    if opened.faults.is_empty() { Ok(opened.book) } else { Err(wrong(&opened.faults.render(false))) }
}

pub(crate) fn run_market_hours(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let hours: u64 = context.sized(100, 200, 1000);
    let book = example("margin")?;
    let founding = sim::founding(&book);
    let of = Play { book: &book, founding: &founding, venues: venues(), steps: STEPS, calm: CALM, bug: None };
    let mut first = None;
    for seed in context.seeds() {
        let live = |number: u64| {
            let life = (seed - 1) << 32 | number;
            play(&of, life).map_err(|why| format!("life {life}: {why}"))
        };
        let lives = each(hours, live, || Err("a thread died".into()));
        let (mut all, mut failures) = (Lived::default(), 0);
        for lived in lives {
            match lived {
                Ok(lived) => all = all.and(lived),
                Err(why) => {
                    failures += 1;
                    first = first.or(Some(why));
                }
            }
        }
        let Lived { intents: [intents, carried], cuts, calls, records, .. } = all;
        let case = format!(
            "hours of market with every fault; {cuts} cuts, {records} records, {calls} calls, {intents} intents, {carried} carried out; wrong"
        );
        emit(line(
            MARKET_HOURS,
            &case,
            failures as f64,
            "failures",
            "goal",
            0.0,
            [hours - failures, hours],
            seed,
        ));
    }
    if let Some(why) = first {
        return Err(Trouble::Wrong(why));
    }
    let life = play(&of, 0).map_err(Trouble::Wrong)?;
    if hex(&life.state) != LIFE.trim() {
        return Err(Trouble::Wrong(format!(
            "the first life ends in {}, expected {}",
            hex(&life.state),
            LIFE.trim()
        )));
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[allow(clippy::too_many_arguments)] // a line has so many parts
fn line(
    bench: &'static str,
    case: &str,
    value: f64,
    unit: &'static str,
    baseline: &str,
    baseline_value: f64,
    [agreed, checked]: [u64; 2],
    seed: u64,
) -> Line {
    let better = if unit == "updates/s" { Better::Higher } else { Better::Lower };
    Line {
        bench,
        case: case.into(),
        value,
        unit,
        better,
        baseline: baseline.into(),
        baseline_value,
        agreed,
        checked,
        runs: 1,
        spread: 0.0,
        threads: 1,
        isa: isa(),
        n: checked,
        sample: checked,
        seed,
    }
}

/// A book of the demo, with its engine founded in a folder of its own.
struct Desk {
    path: PathBuf,
    engine: Engine<Folder>,
    book: Book,
    founding: Founding,
    now: Stamp,
    sent: u64,
    random: Random,
}

impl Desk {
    fn new(name: &str, accounts: u64, seed: u64) -> Result<Desk, Trouble> {
        let opened = plimsoll_io::book::open(&written(accounts, seed)?);
        let mut book = opened.book;
        book.markets.iter_mut().for_each(|listed| {
            if let Some(now) = listed.market.undelayed() {
                listed.market = now;
            }
        });
        let mut config = sim::config(&book);
        config.followed = book.markets.iter().map(|listed| listed.name.clone()).collect();
        // Values are not asked for here: every market is valued at any price that there is.
        let price = book.graph.prices().first().map(|price| price.name.clone()).unwrap_or_default();
        config.worth = book.markets.iter().map(|listed| (listed.name.clone(), price.clone())).collect();
        let mut founding =
            founding(&book, config, &Usual { quorum: 1, jump_quorum: 1, jump: u64::MAX, ..sim::USUAL });
        founding.sources.iter_mut().for_each(|source| source.rule.max_age = 10_000 * HOUR);
        let path = build_folder().join("bench-logs").join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path); // of a run that was cut short
        let folder = Folder::open(&path).map_err(|error| wrong(&error))?;
        let engine = Engine::found(folder, ID, Settings::default(), founding.clone(), venues());
        let engine = engine.map_err(|failure| wrong(&failure))?;
        let (now, random) = (founding.at, Random(seed));
        let mut desk = Desk { path, engine, book, founding, now, sent: 0, random };
        for command in quotes(&desk.book, &desk.founding.sources.clone(), "bench", now) {
            desk.submit(vec![command])?;
        }
        for command in positions(&desk.book, 1000) {
            desk.submit(vec![command])?;
        }
        Ok(desk)
    }

    fn submit(&mut self, commands: Vec<Command>) -> Result<(), Trouble> {
        let requests: Vec<Request> = commands
            .into_iter()
            .map(|command| {
                self.sent += 1;
                let by = By { name: "bench".into(), key: String::new() };
                Request { id: self.sent.to_string(), by, command, said: None }
            })
            .collect();
        let answers = self.engine.submit(self.now, requests).map_err(|failure| wrong(&failure))?;
        match answers.into_iter().find_map(|answer| answer.outcome.err()) {
            None => Ok(()),
            Some(refused) => Err(wrong(&refused)),
        }
    }

    /// Updates of so many accounts, all of one market: each holds up to two percent more or less.
    fn updates(&mut self, count: u64) -> Command {
        let market = {
            let any = self.random.below(self.book.accounts.len() as u64) as usize;
            self.book.accounts[any].market
        };
        let mut chosen = Vec::new();
        while chosen.len() < count as usize {
            let at = self.random.below(self.book.accounts.len() as u64) as usize;
            let from = self.book.accounts[at..].iter().position(|listed| listed.market == market);
            let Some(from) = from else { continue };
            let listed = &self.book.accounts[at + from];
            let part = Int::from(980 + self.random.below(41));
            let mut holds = listed.account.clone();
            for holding in listed.account.holdings() {
                let moved =
                    holding.quantity.mul(part).and_then(|all| all.div(Int::from(1000_u64), Rounding::Down));
                holds.set(holding.instrument, moved.unwrap_or(holding.quantity));
            }
            let (account, owner) = (listed.name.clone(), listed.owner.clone());
            chosen.push(Position { account, owner, group: String::new(), holds });
        }
        Command::Positions { market: self.book.markets[market].name.clone(), positions: chosen }
    }

    fn bytes(&self) -> u64 {
        let files = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum()
    }

    fn remove(self) -> Result<(), Trouble> {
        let path = self.path.clone();
        drop(self);
        std::fs::remove_dir_all(&path).map_err(|error| wrong(&error))
    }
}

pub(crate) fn run_positions(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let (accounts, rounds) = context.sized((10_000, 5), (100_000, 21), (1_000_000, 101));
    let mut desk = Desk::new(POSITIONS, accounts, context.seed)?;
    let mut plain = std::fs::File::create(desk.path.join("plain")).map_err(|error| wrong(&error))?;
    // Ten commands of a hundred are one write and one sync.
    const BATCH: u64 = 1000;
    let (mut ours, mut theirs, mut waits) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let commands: Vec<Vec<Command>> =
            (0..20).map(|_| (0..BATCH / 100).map(|_| desk.updates(100)).collect()).collect();
        let (count, before) = (commands.len() as u64, desk.bytes());
        let begun = Instant::now();
        for commands in commands {
            let one = Instant::now();
            desk.submit(commands)?;
            waits.push(one.elapsed().as_secs_f64() * 1e3);
        }
        let mine = begun.elapsed().as_secs_f64();
        let bytes = vec![7_u8; ((desk.bytes() - before) / count) as usize];
        let begun = Instant::now();
        for _ in 0..count {
            plain.write_all(&bytes).and_then(|()| plain.sync_data()).map_err(|error| wrong(&error))?;
        }
        if round > 0 {
            ours.push((count * BATCH) as f64 / mine);
            theirs.push((count * BATCH) as f64 / begun.elapsed().as_secs_f64());
        }
    }
    waits.sort_by(f64::total_cmp);
    let (mine, disk) = (sum_up(&ours), sum_up(&theirs));
    let checked = [desk.sent, desk.sent];
    let case =
        format!("updates of {accounts} accounts of five venues, decided, watched and durable, 1,000 a write");
    emit(line(
        POSITIONS,
        &case,
        mine.median,
        "updates/s",
        "the same bytes appended and synced",
        disk.median,
        checked,
        context.seed,
    ));
    emit(line(POSITIONS, &case, mine.median, "updates/s", "goal", 200_000.0, checked, context.seed));
    let p99 = waits[waits.len() * 99 / 100];
    emit(line(POSITIONS, "p99 of a write's wait", p99, "ms", "goal", 50.0, checked, context.seed));
    desk.remove()
}

pub(crate) fn run_recovery(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let (accounts, events) = match context.scale {
        Scale::Quick => (10_000, 100_000),
        Scale::Full => (1_000_000, 10_000_000),
        Scale::Soak { .. } => (1_000_000, 20_000_000),
    };
    let mut desk = Desk::new(RECOVERY, accounts, context.seed)?;
    desk.engine.snapshot().map_err(|failure| wrong(&failure))?;
    for _ in 0..events / 1000 {
        let commands = (0..10).map(|_| desk.updates(100)).collect();
        desk.submit(commands)?;
    }
    let left: Vec<Account> =
        desk.engine.state().book.accounts.iter().map(|listed| listed.account.clone()).collect();
    let rows = desk.engine.state().rows.clone();
    let Desk { path, engine, now, .. } = desk;
    drop(engine.close().map_err(|failure| wrong(&failure))?);
    let begun = Instant::now();
    let folder = Folder::open(&path).map_err(|error| wrong(&error))?;
    let opened =
        Engine::open(folder, Settings::default(), venues(), now).map_err(|failure| wrong(&failure))?;
    let seconds = begun.elapsed().as_secs_f64();
    let replayed = opened.replayed;
    // That it was started changes what is fresh, and no account.
    let state = opened.engine.state();
    let there = state.book.accounts.iter().map(|listed| &listed.account);
    let same = there.eq(&left) && state.rows == rows;
    drop(opened);
    std::fs::remove_dir_all(&path).map_err(|error| wrong(&error))?;
    if !same {
        return Err(Trouble::Wrong("accounts or their lives are others than were left".into()));
    }
    let case = format!(
        "{accounts} accounts from a snapshot and {events} later events ({replayed} records) to the first answer"
    );
    emit(line(RECOVERY, &case, seconds, "s", "goal", 30.0, [replayed, replayed], context.seed));
    Ok(())
}
