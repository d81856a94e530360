//! A machine whose records are durable before anybody is answered.

use crate::Stamp;
use crate::config::Founding;
use crate::log::{Commit, Damage, Log, LogId, Opened as Opening, Settings, Torn};
use crate::machine::Machine;
use crate::record::{Answer, By, Command, Entry, Record, Refused, Request};
use crate::snapshot::{self, Snapshot, Unsound};
use crate::state::{State, Venues};
use crate::storage::{Storage, Trouble};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Why an engine does not open, or goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The folder refused something.
    Storage(Trouble),
    /// The log is damaged.
    Damage(Damage),
    /// A batch is not durable. The engine has stopped and must be opened again: what it knows may be ahead of its log.
    Commit(Commit),
    /// The engine had stopped before.
    Stopped,
    /// A record, or a snapshot, that this program cannot read.
    Record {
        /// Its number, or that of the first record behind the snapshot.
        number: u64,
        /// What is wrong with it.
        why: String,
    },
    /// What an engine was to be founded on does not fit together.
    Unfit(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Storage(trouble) => trouble.fmt(f),
            Failure::Damage(damage) => damage.fmt(f),
            Failure::Commit(commit) => commit.fmt(f),
            Failure::Stopped => f.write_str("the engine has stopped and must be opened again"),
            Failure::Record { number, why } => write!(f, "record {number}: {why}"),
            Failure::Unfit(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Failure {
        Failure::Storage(trouble)
    }
}

/// An engine that is open.
pub struct Engine<S> {
    log: Log<S>,
    machine: Machine,
    stopped: bool,
    /// How long the last write took, where somebody measured it and no record says so yet.
    took: Option<u64>,
}

/// What opening found.
pub struct Opened<S> {
    /// To be used.
    pub engine: Engine<S>,
    /// A write that the power cut short, if there was one: nobody had been told that it is done.
    pub torn: Option<Torn>,
    /// Snapshots that are not sound, and were passed over.
    pub unsound: Vec<Unsound>,
    /// Records that were replayed.
    pub replayed: u64,
}

/// The program, as records name it.
const PROGRAM: &str = concat!("plimsoll ", env!("CARGO_PKG_VERSION"));

impl<S: Storage> Engine<S> {
    /// A new engine in a folder without a log. It has no accounts yet: they come as positions.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn found(
        storage: S,
        id: LogId,
        settings: Settings,
        mut founding: Founding,
        venues: Venues<'_>,
    ) -> Result<Engine<S>, Failure> {
        founding.program = PROGRAM.into();
        let state = State::found(&founding, venues).map_err(Failure::Unfit)?;
        let machine = Machine::new(state, PROGRAM).map_err(Failure::Unfit)?;
        let at = founding.at;
        let first = Entry::Founded(Box::new(founding)).bytes();
        let first = first.ok_or_else(|| Failure::Unfit("it does not fit the memory".into()))?;
        let mut log = Log::create(storage, id, settings)?;
        log.commit(&[first]).map_err(Failure::Commit)?;
        let mut engine = Engine { log, machine, stopped: false, took: None };
        engine.start(at)?;
        Ok(engine)
    }

    /// The engine of a folder, as it stood when its last record was durable. It is told that it was started: no feed is fresh until it
    /// is heard again.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn open(
        mut storage: S,
        settings: Settings,
        venues: Venues<'_>,
        at: Stamp,
    ) -> Result<Opened<S>, Failure> {
        let (mut unsound, mut torn, mut before) = (Vec::new(), None, u64::MAX);
        loop {
            let newest = newest(&mut storage, venues, before)?;
            unsound.extend(newest.unsound);
            let Replay { log, state, replayed, vouched, torn: cut } =
                tail(storage, settings, venues, newest.state, newest.since, newest.chain)?;
            torn = torn.or(cut);
            if !vouched {
                // Somebody made it: the log alone is believed, from the snapshot before.
                let why = "the log does not vouch for it";
                unsound.push(Unsound { file: snapshot::name(newest.since), why });
                (storage, before) = (log.into_storage(), newest.since);
                continue;
            }
            let state =
                state.ok_or(Failure::Record { number: 0, why: "the log has no first record".into() })?;
            let machine = Machine::new(state, PROGRAM).map_err(Failure::Unfit)?;
            let mut engine = Engine { log, machine, stopped: false, took: None };
            let at = at.max(engine.machine.state().now);
            engine.start(at)?;
            return Ok(Opened { engine, torn, unsound, replayed });
        }
    }

    fn start(&mut self, at: Stamp) -> Result<(), Failure> {
        let id = format!("start {}", self.log.next());
        let by = By { name: "engine".into(), key: String::new() };
        self.submit(at, vec![Request { id, by, command: Command::Start, said: None }]).map(|_| ())
    }

    /// What is known.
    pub const fn state(&self) -> &State {
        self.machine.state()
    }

    /// Who stands where, and the rest of what is worked out.
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The log.
    pub const fn log(&mut self) -> &mut Log<S> {
        &mut self.log
    }

    /// Decides commands in order, at one time, and answers when all of them are durable: one write and one sync. A command whose id is
    /// known is answered as it was, and not done again.
    ///
    /// # Errors
    /// [`Failure::Commit`], after which nobody knows which of them are durable: open the engine again and send them again, under the
    /// same ids.
    pub fn submit(&mut self, at: Stamp, requests: Vec<Request>) -> Result<Vec<Answer>, Failure> {
        self.submit_each(requests.into_iter().map(|request| (at, request)).collect())
    }

    /// As [`Engine::submit`], each command at a time of its own.
    ///
    /// # Errors
    /// As [`Engine::submit`].
    pub fn submit_each(&mut self, requests: Vec<(Stamp, Request)>) -> Result<Vec<Answer>, Failure> {
        if self.stopped {
            return Err(Failure::Stopped);
        }
        let (mut answers, mut records) = (Vec::with_capacity(requests.len()), Vec::new());
        for (at, request) in requests {
            // A start is the engine's own, whatever ids clients have used.
            let is_start = matches!(request.command, Command::Start);
            if let Some(kept) = self.machine.state().kept.get(&request.id).filter(|_| !is_start) {
                let mut answer = kept.answer.clone();
                if kept.request != request.hash() {
                    let why =
                        format!("the id {} was another command's, record {}", request.id, answer.record);
                    answer.outcome = Err(Refused::Unfit(why));
                }
                answers.push(answer);
                continue;
            }
            let number = self.log.next() + records.len() as u64;
            let record = self.machine.decide(number, at, self.took.take(), request);
            answers.push(record.answer(number));
            let Some(bytes) = Entry::Decided(Box::new(record)).bytes() else {
                self.stopped = true;
                return Err(Failure::Stopped);
            };
            records.push(bytes);
        }
        if !records.is_empty() {
            self.log.commit(&records).map_err(|commit| {
                self.stopped = true;
                Failure::Commit(commit)
            })?;
        }
        Ok(answers)
    }

    /// The write that ended last took so long (ns), from the decision until it was durable; the next record says so. Nothing here has a
    /// clock: whoever has one may measure.
    pub const fn took(&mut self, wait: u64) {
        self.took = Some(wait);
    }

    /// Stores the state beside the log, so that opening replays only what comes after. The two newest snapshots are kept.
    ///
    /// # Errors
    /// What the folder answers.
    pub fn snapshot(&mut self) -> Result<u64, Failure> {
        if self.stopped {
            return Err(Failure::Stopped);
        }
        let state = self.machine.state().bytes();
        let state = state.ok_or_else(|| Failure::Unfit("the state does not fit the memory".into()))?;
        let (next, chain, id) = (self.log.next(), *self.log.chain(), *self.log.id());
        // The log vouches for it: a file that somebody made beside it is told from one that was written here.
        let mark = Entry::Marked(Sha256::digest(&state).into()).bytes();
        let mark = mark.ok_or_else(|| Failure::Unfit("it does not fit the memory".into()))?;
        self.log.commit(&[mark]).map_err(|commit| {
            self.stopped = true;
            Failure::Commit(commit)
        })?;
        snapshot::write(self.log.storage(), &id, &Snapshot { next, chain, state })?;
        snapshot::forget(self.log.storage(), 2)?;
        Ok(next)
    }

    /// Seals the log and gives its folder back.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn close(self) -> Result<S, Failure> {
        self.log.close().map_err(Failure::Commit)
    }
}

/// Where a replay begins.
struct Replayed {
    /// With the hash of its bytes.
    state: Option<(State, [u8; 32])>,
    since: u64,
    chain: Option<crate::log::Chain>,
    unsound: Vec<Unsound>,
}

/// The newest snapshot before a place that is sound, if there is one.
fn newest<S: Storage>(storage: &mut S, venues: Venues<'_>, before: u64) -> Result<Replayed, Failure> {
    let nothing = |unsound| Replayed { state: None, since: 0, chain: None, unsound };
    let Some(id) = crate::log::id(storage)? else { return Ok(nothing(Vec::new())) };
    let (found, unsound) = snapshot::newest(storage, &id, before)?;
    let Some(Snapshot { next, chain, state }) = found else { return Ok(nothing(unsound)) };
    let hash = Sha256::digest(&state).into();
    match State::read(&state, venues) {
        Ok(state) => Ok(Replayed { state: Some((state, hash)), since: next, chain: Some(chain), unsound }),
        Err(_) => {
            // Whoever wrote it: the log has all of it, and an older snapshot most.
            let mut older = newest(storage, venues, next)?;
            let why = "its state cannot be read by this program";
            older.unsound.insert(0, Unsound { file: snapshot::name(next), why });
            older.unsound.splice(0..0, unsound);
            Ok(older)
        }
    }
}

/// What came of a log from a place on.
struct Replay<S> {
    log: Log<S>,
    state: Option<State>,
    replayed: u64,
    /// The log has the hash of the state that was begun with.
    vouched: bool,
    torn: Option<Torn>,
}

/// Opens the log and replays what stands behind a snapshot, or all of it.
fn tail<S: Storage>(
    storage: S,
    settings: Settings,
    venues: Venues<'_>,
    begun: Option<(State, [u8; 32])>,
    since: u64,
    chain: Option<crate::log::Chain>,
) -> Result<Replay<S>, Failure> {
    let (mut state, hash) = begun.map_or((None, None), |(state, hash)| (Some(state), Some(hash)));
    let (mut failure, mut replayed, mut vouched) = (None, 0, hash.is_none());
    let opened = Log::open(storage, settings, since, chain, &mut |number, payload, _| {
        if number < since || failure.is_some() {
            return;
        }
        if number == since && hash.is_some() {
            vouched = matches!(Entry::read(payload), Ok(Entry::Marked(mark)) if Some(mark) == hash);
        }
        if !vouched {
            return;
        }
        match replay(&mut state, number, payload, venues) {
            Ok(()) => replayed += 1,
            Err(why) => failure = Some(Failure::Record { number, why }),
        }
    });
    let Opening { log, torn } = opened.map_err(Failure::Damage)?;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(Replay { log, state, replayed, vouched, torn }),
    }
}

/// One record of a log.
pub fn replay(
    state: &mut Option<State>,
    number: u64,
    payload: &[u8],
    venues: Venues<'_>,
) -> Result<(), String> {
    match (Entry::read(payload)?, state) {
        (Entry::Founded(founding), state @ None) if number == 0 => {
            *state = Some(State::found(&founding, venues)?);
            Ok(())
        }
        (Entry::Founded(_), _) => Err("it founds an engine that there is".into()),
        (Entry::Decided(record), Some(state)) => {
            let record: Record = *record;
            state.replay_once(number, record);
            Ok(())
        }
        (Entry::Marked(_), Some(_)) => Ok(()),
        (Entry::Decided(_) | Entry::Marked(_), None) => Err("it stands before an engine was founded".into()),
    }
}
