//! The engine in a world that fails: its log on a disk that loses and tears, its feeds silent, frozen, wrong, late or absurd, its clients
//! cut off and asking again, its keeper stopped between any two steps. All from one seed, so that what was found is found again.
//!
//! Prices are known to the world, which is what the auditor judges by ([`audit`]): of each price one origin at a time may say anything,
//! the others say what it is; and at times nobody says anything. So an engine that believes a majority never has reason to act on an
//! account that was healthy at all prices of the last step and this, and has no excuse to leave one alone once everything is back.

pub mod audit;
mod bugs;
mod feeds;
mod setup;

pub use bugs::Bug;
pub use setup::{USUAL, config, founding};

use crate::Stamp;
use crate::calls;
use crate::config::Founding;
use crate::disk::{Disk, Fault};
use crate::engine::{Engine, Failure, Opened};
use crate::founding::positions;
use crate::guard::Scope;
use crate::keeper;
use crate::log::{LogId, Settings};
use crate::random::Random;
use crate::record::{Answer, By, Command, Outcome, Position, Release, Request, Step};
use crate::state::{Stage, Venues};
use feeds::Feeds;
use plimsoll_core::{Action, Amount, Book, InstrumentId, Int, Kind, Rounding, U256};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// One step of the world (ns).
pub const STEP: Stamp = 10_000_000_000;

const SETTINGS: Settings = Settings { segment: 1 << 20 };
const ID: LogId = *b"an engine's life";

/// What is played.
pub struct Play<'p> {
    /// The book that the engine begins with.
    pub book: &'p Book,
    /// What it is founded on.
    pub founding: &'p Founding,
    /// Its venues.
    pub venues: Venues<'p>,
    /// Steps of [`STEP`] with faults; as many without come behind, in which everything must come right.
    pub steps: u64,
    /// Steps without faults.
    pub calm: u64,
    /// What is planted, if anything: the auditor must find it.
    pub bug: Option<Bug>,
}

/// What a play came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lived {
    /// Steps of the world.
    pub steps: u64,
    /// How often the power went or the process died.
    pub cuts: u64,
    /// Records in the log.
    pub records: u64,
    /// Intents, and those that were carried out.
    pub intents: [u64; 2],
    /// Margin calls.
    pub calls: u64,
    /// Steps at which some account was unknown.
    pub unknown: u64,
    /// Commands that were refused.
    pub refused: u64,
    /// SHA-256 of the state at the end; of several lives, of theirs in order.
    pub state: [u8; 32],
}

impl Lived {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Lived) -> Lived {
        Lived {
            steps: self.steps + other.steps,
            cuts: self.cuts + other.cuts,
            records: self.records + other.records,
            intents: [self.intents[0] + other.intents[0], self.intents[1] + other.intents[1]],
            calls: self.calls + other.calls,
            unknown: self.unknown + other.unknown,
            refused: self.refused + other.refused,
            state: Sha256::new().chain_update(self.state).chain_update(other.state).finalize().into(),
        }
    }
}

/// Why a session ended.
enum End {
    /// The power went, or the process died.
    Cut,
    /// All steps are done.
    Done,
}

/// The world around the engine: what is true whatever the engine believes.
struct World<'p> {
    play: &'p Play<'p>,
    random: Random,
    feeds: Feeds,
    now: Stamp,
    step: u64,
    /// What the client was told, by id.
    told: BTreeMap<String, Answer>,
    /// What it asked and was not told about: it asks again.
    asking: Vec<Request>,
    asked: u64,
    /// Intents that were carried out where they were sent to, and how often.
    carried: BTreeMap<u64, u64>,
    lived: Lived,
}

/// A life from a seed.
///
/// # Errors
/// What the auditor found.
pub fn play(play: &Play<'_>, seed: u64) -> Result<Lived, String> {
    let mut founding = play.founding.clone();
    if let Some(bug) = play.bug {
        bug.misconfigure(&mut founding);
    }
    let mut disk = Disk::new(seed);
    disk.plant(play.bug.and_then(Bug::of_disk));
    let mut random = Random(seed);
    let feeds = Feeds::new(play.book, &founding, &mut random, play.bug);
    let (now, lived) = (founding.at, Lived::default());
    let mut world = World {
        play,
        random,
        feeds,
        now,
        step: 0,
        told: BTreeMap::new(),
        asking: Vec::new(),
        asked: 0,
        carried: BTreeMap::new(),
        lived,
    };
    let engine = Engine::found(&mut disk, ID, SETTINGS, founding, play.venues);
    drop(engine.map_err(|failure| format!("is not founded: {failure}"))?);
    for (number, command) in positions(play.book, 5).into_iter().enumerate() {
        let by = By { name: "founding".into(), key: String::new() };
        world.asking.push(Request { id: format!("position {number}"), by, command, said: None });
    }
    loop {
        let calm = world.step >= play.steps;
        if !calm && world.random.below(4) > 0 {
            disk.fail_at(world.random.below(600), Fault::Power);
        }
        let end = world.session(&mut disk)?;
        if matches!(end, End::Done) {
            break;
        }
        world.lived.cuts += 1;
        // A cut that had been on its way: what is calm begins again behind it, for an engine that just opened has heard nothing.
        world.step = world.step.min(play.steps);
        disk = disk.crash();
        disk.plant(play.bug.and_then(Bug::of_disk));
    }
    audit::whole(&disk, &world.told, &world.carried, play.venues, &mut world.lived)?;
    Ok(world.lived)
}

impl World<'_> {
    /// From opening the engine to the power's end.
    fn session(&mut self, disk: &mut Disk) -> Result<End, String> {
        self.now += self.random.below(3) * STEP;
        let opened = Engine::open(&mut *disk, SETTINGS, self.play.venues, self.now);
        let Opened { mut engine, .. } = match opened {
            Ok(opened) => opened,
            Err(failure) if is_cut(&failure) => return Ok(End::Cut),
            Err(failure) => return Err(format!("does not open: {failure}")),
        };
        // What was told must still be so, before anything else is asked.
        audit::told(engine.state(), &self.told)?;
        self.find_out(&engine);
        loop {
            let total = self.play.steps + self.play.calm;
            if self.step >= total {
                audit::calm(engine.state(), engine.machine().watch(), self.feeds.worlds())?;
                return match engine.close() {
                    Ok(_) => Ok(End::Done),
                    Err(failure) if is_cut(&failure) => Ok(End::Cut),
                    Err(failure) => Err(failure.to_string()),
                };
            }
            match self.one(&mut engine) {
                Ok(()) => {}
                Err(Stop::Cut) => return Ok(End::Cut),
                Err(Stop::Found(what)) => return Err(format!("step {}: {what}", self.step)),
            }
            // The process dies between two steps, with a log that is whole.
            if self.step < self.play.steps && self.random.below(50) == 0 {
                return Ok(End::Cut);
            }
        }
    }

    /// After a restart: an intent that was to be sent may have been carried out. Whoever it was sent to is asked, by its number.
    fn find_out<S: crate::Storage>(&mut self, engine: &Engine<S>) {
        if self.play.bug != Some(Bug::SendsAgain) {
            return;
        }
        let sent = |intent: &&crate::state::Intent| matches!(intent.stage, Stage::Sent(_));
        for (number, _) in engine.state().intents.iter().filter(|(_, intent)| sent(intent)) {
            *self.carried.entry(*number).or_default() += 1;
        }
    }

    /// One step of the world.
    fn one<S: crate::Storage>(&mut self, engine: &mut Engine<S>) -> Result<(), Stop> {
        self.now += STEP;
        self.step += 1;
        self.lived.steps += 1;
        let calm = self.step > self.play.steps;
        self.feeds.step(&mut self.random, calm);
        let again = std::mem::take(&mut self.asking);
        self.ask(engine, again)?;
        let quotes = self.feeds.quotes(self.now, &mut self.random);
        let quotes = quotes.into_iter().map(|command| self.request("feeds", command)).collect();
        self.ask(engine, quotes)?;
        if !calm {
            self.client(engine)?;
        }
        self.want(engine)?;
        let open = open(engine.state());
        self.operator(engine, calm)?;
        let unknown = engine.machine().watch().counts()[1];
        self.lived.unknown += u64::from(unknown > 0);
        self.carry(engine, open)
    }

    fn request(&mut self, who: &str, command: Command) -> Request {
        self.asked += 1;
        Request {
            id: format!("{who} {}", self.asked),
            by: By { name: who.into(), key: String::new() },
            command,
            said: None,
        }
    }

    /// Asks; what is not answered is asked again later, under the same ids.
    fn ask<S: crate::Storage>(
        &mut self,
        engine: &mut Engine<S>,
        requests: Vec<Request>,
    ) -> Result<Vec<Answer>, Stop> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let first = engine.log().next();
        if self.play.bug == Some(Bug::AnswersBeforeSync) {
            for (number, request) in (first..).zip(&requests) {
                self.told
                    .insert(request.id.clone(), Answer { record: number, at: self.now, outcome: Ok(None) });
            }
        }
        self.asking = requests;
        let answers = engine.submit(self.now, self.asking.clone());
        let answers = answers
            .map_err(|failure| if is_cut(&failure) { Stop::Cut } else { Stop::Found(failure.to_string()) })?;
        for (request, answer) in self.asking.drain(..).zip(&answers) {
            self.lived.refused += u64::from(answer.outcome.is_err());
            self.told.insert(request.id, answer.clone());
        }
        Ok(answers)
    }

    /// An owner pays in, takes out, or trades; at times under an id that he used before.
    fn client<S: crate::Storage>(&mut self, engine: &mut Engine<S>) -> Result<(), Stop> {
        let state = engine.state();
        let accounts = state.book.accounts.len() as u64;
        if accounts == 0 || self.random.below(3) > 0 {
            return Ok(());
        }
        if self.random.below(4) == 0 {
            return self.newcomer(engine);
        }
        let listed = &state.book.accounts[self.random.below(accounts) as usize];
        let market = &state.book.markets[listed.market];
        let receipts: Vec<(u32, u8)> = (0..)
            .zip(market.market.instruments())
            .filter(|(_, one)| one.kind == Kind::Receipt)
            .map(|(at, one)| (at, one.decimals))
            .collect();
        let Some((at, decimals)) = receipts.get(self.random.below(receipts.len() as u64) as usize) else {
            return Ok(());
        };
        let whole = U256::pow10(*decimals).unwrap_or(U256::ONE);
        let amount = whole.mul(U256::from(1 + self.random.below(40))).unwrap_or(whole);
        let instrument = InstrumentId(*at);
        let action = if self.random.below(2) == 0 {
            Action::Deposit { into: instrument, amount: Amount::Assets(amount) }
        } else {
            Action::Withdraw { from: instrument, amount: Amount::Assets(amount) }
        };
        let (market, account) = (market.name.clone(), listed.name.clone());
        let steps = vec![Step { actor: account.clone(), account, action }];
        let mut requests = vec![self.request("client", Command::Act { market, steps })];
        if self.random.below(4) == 0 {
            requests.push(requests[0].clone());
        }
        if self.play.bug == Some(Bug::AsksUnderAnotherId) && self.random.below(4) == 0 {
            let again = Request { id: format!("{} again", requests[0].id), ..requests[0].clone() };
            requests.push(again);
        }
        self.ask(engine, requests).map(|_| ())
    }

    /// An account comes that holds what one of the book's did at first, or a part of it.
    fn newcomer<S: crate::Storage>(&mut self, engine: &mut Engine<S>) -> Result<(), Stop> {
        let book = self.play.book;
        let like = &book.accounts[self.random.below(book.accounts.len() as u64) as usize];
        let part = Int::from(500 + self.random.below(500));
        let mut holds = like.account.clone();
        for holding in like.account.holdings() {
            let quantity =
                holding.quantity.mul(part).and_then(|all| all.div(Int::from(1000_u64), Rounding::Down));
            holds.set(holding.instrument, quantity.unwrap_or(holding.quantity));
        }
        let (market, owner) = (book.markets[like.market].name.clone(), like.owner.clone());
        let account = format!("{} {}", like.name, self.asked);
        let positions = vec![Position { account, owner, group: String::new(), holds }];
        let request = self.request("client", Command::Positions { market, positions });
        self.ask(engine, vec![request]).map(|_| ())
    }

    /// People stop and release, now and then.
    fn operator<S: crate::Storage>(&mut self, engine: &mut Engine<S>, calm: bool) -> Result<(), Stop> {
        let kills: Vec<Scope> = engine.state().guards.kills().map(|(scope, _)| scope.clone()).collect();
        let mut requests = Vec::new();
        for scope in kills {
            if calm || self.random.below(20) == 0 {
                requests.push(self.request("ann", Command::Release(Release::Kill(scope))));
            }
        }
        if engine.state().guards.breaker.check().is_err() && (calm || self.random.below(20) == 0) {
            requests.push(self.request("bob", Command::Release(Release::Breaker)));
        }
        if !calm && self.random.below(200) == 0 {
            let reason = "a drill".into();
            requests.push(self.request("ann", Command::Kill { scope: Scope::All, reason }));
        }
        self.ask(engine, requests).map(|_| ())
    }

    /// Wants what can be wanted.
    fn want<S: crate::Storage>(&mut self, engine: &mut Engine<S>) -> Result<(), Stop> {
        let places: Vec<u32> = keeper::liquidatable(engine.state()).collect();
        for place in places {
            let Some(action) = keeper::plan(engine.state(), place) else { continue };
            let listed = &engine.state().book.accounts[place as usize];
            let market = engine.state().book.markets[listed.market].name.clone();
            let (account, strategy) = (listed.name.clone(), "plain".into());
            let life = engine.state().rows[place as usize].life.state;
            let command = Command::Intend { market, account, action, strategy, price: None };
            let request = self.request("keeper", command);
            let answer = self.ask(engine, vec![request])?;
            if let Some(Answer { outcome: Ok(Some(intent)), .. }) = answer.first() {
                let by_call = life == calls::State::Liquidatable { by_call: true };
                audit::acted(engine.state(), place, by_call, self.feeds.worlds())
                    .map_err(|what| Stop::Found(format!("intent {intent}: {what}")))?;
            }
        }
        Ok(())
    }

    /// Carries out what was intended.
    fn carry<S: crate::Storage>(
        &mut self,
        engine: &mut Engine<S>,
        open: Vec<(u64, bool)>,
    ) -> Result<(), Stop> {
        for (intent, sent) in open {
            if !sent {
                let external = format!("order {intent}");
                let request = self.request("keeper", Command::Send { intent, external });
                let ignores = self.play.bug == Some(Bug::IgnoresRefusals);
                match self.ask(engine, vec![request])?.first() {
                    Some(Answer { outcome: Ok(_), .. }) => {}
                    _ if ignores => {}
                    _ => {
                        // What may not be sent any more is given up.
                        let outcome = Outcome::Abandoned { why: "it may not be sent".into() };
                        let request = self.request("keeper", Command::Resolve { intent, outcome });
                        self.ask(engine, vec![request])?;
                        continue;
                    }
                }
            }
            // Whoever carries it out does it once for a number, and says so however often he is asked.
            let carried = self.carried.entry(intent).or_insert(0);
            *carried = (*carried).max(1);
            if self.step < self.play.steps {
                match self.random.below(8) {
                    0 => continue, // the answer gets lost: it is asked for at the next step
                    1 => return Err(Stop::Cut),
                    _ => {}
                }
            }
            if self.play.bug == Some(Bug::ForgetsToResolve) && intent % 2 == 1 {
                continue;
            }
            let why = "the market no longer takes it".into();
            for outcome in [Outcome::Carried, Outcome::Abandoned { why }] {
                let request = self.request("keeper", Command::Resolve { intent, outcome });
                if self.ask(engine, vec![request])?.first().is_some_and(|answer| answer.outcome.is_ok()) {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Every intent that is out, and whether it was sent.
fn open(state: &crate::state::State) -> Vec<(u64, bool)> {
    let out = state.intents.iter();
    out.map(|(number, intent)| (*number, matches!(intent.stage, Stage::Sent(_)))).collect()
}

/// Why a step was not done.
enum Stop {
    /// The power went.
    Cut,
    /// Something is wrong.
    Found(String),
}

/// Whether it is only that the power went.
fn is_cut(failure: &Failure) -> bool {
    use crate::log::{Commit, Damage};
    matches!(
        failure,
        Failure::Storage(_)
            | Failure::Damage(Damage::Storage(_))
            | Failure::Commit(Commit::NotWritten(_) | Commit::Stopped(_) | Commit::IsStopped)
            | Failure::Stopped
    )
}
