//! What a log holds: one record for each command, with what was decided and from what.

mod refused;

pub use refused::Refused;

use crate::Stamp;
use crate::calls;
use crate::config::{Change, Founding};
use crate::feed::{self, Quote};
use crate::guard::{Act, Flips, Kill, Scope};
use plimsoll_core::{Account, Action, Cell, Decimal, Int, Verdict};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The person or program.
    pub name: String,
    /// The key or session that it came by; empty where there is none.
    pub key: String,
}

/// A command, as it is submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The client's own id: the same id twice is one command.
    pub id: String,
    /// Who asks.
    pub by: By,
    /// What.
    pub command: Command,
    /// SHA-256 of what the client said, where it is not the command alone that says whether two are one: what was left out and
    /// filled in from a clock may be filled in otherwise when the same is said again.
    pub said: Option<[u8; 32]>,
}

/// An account as it is seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Its name.
    pub account: String,
    /// Whose it is.
    pub owner: String,
    /// Its group, for policies; empty for none.
    pub group: String,
    /// What it holds; the number in it is passed over.
    pub holds: Account,
}

/// One action of an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Who acts.
    pub actor: String,
    /// On whose account.
    pub account: String,
    /// What.
    pub action: Action,
}

/// How an intent ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was carried out.
    Carried,
    /// It was not, and will not be.
    Abandoned {
        /// Why.
        why: String,
    },
}

/// What can be asked of an engine. Lists only grow at their end: records name them by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Time passes.
    Tick,
    /// A source says a price.
    Quote {
        /// Of which feed.
        feed: String,
        /// What.
        quote: Quote,
    },
    /// Accounts are so, as a fact: they come, change, and (with nothing) go.
    Positions {
        /// Of which market.
        market: String,
        /// All at once.
        positions: Vec<Position>,
    },
    /// Numbers of a market are so, as a fact.
    Cells {
        /// Of which market.
        market: String,
        /// All at once.
        cells: Vec<(Cell, Option<Int>)>,
    },
    /// Owners act on a market that is kept here: all steps, or none.
    Act {
        /// Which.
        market: String,
        /// In order.
        steps: Vec<Step>,
    },
    /// Somebody wants to act on an account that is liquidatable.
    Intend {
        /// Where.
        market: String,
        /// On whom.
        account: String,
        /// What.
        action: Action,
        /// By which rule.
        strategy: String,
        /// The price that it would be done at, in the digits of the market's price of the asset; `None` for that price itself.
        price: Option<u128>,
    },
    /// An intent was sent, under a number of where it was sent to.
    Send {
        /// Which.
        intent: u64,
        /// The number.
        external: String,
    },
    /// What became of an intent.
    Resolve {
        /// Which.
        intent: u64,
        /// What.
        outcome: Outcome,
    },
    /// A feed is not to be believed.
    Impair {
        /// Which.
        feed: String,
        /// Why.
        reason: String,
    },
    /// It is again.
    Trust {
        /// Which.
        feed: String,
    },
    /// What it says now is right, jump or not.
    Confirm {
        /// Which.
        feed: String,
    },
    /// Stop.
    Kill {
        /// What.
        scope: Scope,
        /// Why.
        reason: String,
    },
    /// Go on.
    Release(Release),
    /// Somebody would change something.
    Propose(Change),
    /// Another one agrees.
    Approve {
        /// To which proposal.
        proposal: u64,
    },
    /// Or does not.
    Reject {
        /// Which proposal.
        proposal: u64,
    },
    /// An alert arrived, or did not.
    Delivered {
        /// Which.
        alert: u64,
        /// Where to, or why not.
        to: Result<String, String>,
    },
    /// The engine was started.
    Start,
    /// Somebody compared the clock with a better one.
    Clock {
        /// How far ours is ahead of it (ns).
        offset: i64,
        /// What it was compared with.
        source: String,
    },
}

/// What a person lets go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Release {
    /// What a kill switch stopped.
    Kill(Scope),
    /// The breaker.
    Breaker,
    /// A strategy that repeated itself.
    Strategy(String),
}

/// What stood behind a decision about an account, in its market's own integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grounds {
    /// What counted for it.
    pub backing: Int,
    /// What was asked.
    pub requirement: Int,
    /// How many digits of both stand after the point.
    pub decimals: u8,
    /// Whether the venue's own comparison held.
    pub healthy: bool,
    /// What the market's prices were: its place in [`Record::prices`].
    pub prices: u32,
}

/// Prices of a market, by feed; `None` where one was not known.
pub type Prices = Vec<(String, Option<Decimal>)>;

impl Grounds {
    pub(crate) fn of(seen: &plimsoll_core::Assessment, prices: u32) -> Grounds {
        Grounds {
            backing: seen.backing,
            requirement: seen.requirement,
            decimals: seen.unit.decimals,
            healthy: seen.verdict != Verdict::Unhealthy,
            prices,
        }
    }
}

/// Whom a change would touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// Accounts that would newly be below their venue's line, and all with debt.
    pub flips: Flips,
    /// Accounts that would newly be called.
    pub called: u64,
    /// Accounts that would newly be unknown.
    pub unknown: u64,
    /// Accounts that are unknown now and would still be: of them nobody can say what it does.
    pub unjudged: u64,
    /// Accounts that would no longer be below the line.
    pub recovered: u64,
    /// Calls that are overdue and would escalate.
    pub escalated: u64,
    /// The places of those that would newly be below their line, …
    pub places: Vec<u32>,
    /// … called, unknown or not judged, and escalated.
    pub others: [Vec<u32>; 3],
    /// The first of those below the line, as `MARKET:ACCOUNT`, …
    pub first: Vec<String>,
    /// … and of those called, and unknown or not judged.
    pub first_called: Vec<String>,
    /// See there.
    pub first_unknown: Vec<String>,
}

impl Impact {
    /// What flips if all of whom nobody can say do: the accounts of them count, for their value is as unknown.
    #[must_use]
    pub fn at_worst(&self) -> Flips {
        let mut flips = self.flips;
        flips.accounts[0] = flips.accounts[0].saturating_add(self.unjudged);
        flips
    }
}

/// What happened. A closed list that only grows at its end; applying one cannot fail and computes nothing that was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant)] // they live as long as their record is decided
pub enum Event {
    /// An account that there was holds this from now on.
    Account {
        /// Its place.
        place: u32,
        /// Its market's place.
        market: u32,
        /// What it holds.
        holds: Account,
    },
    /// Numbers of a market are so from now on.
    Cells {
        /// The market's place.
        market: u32,
        /// The numbers.
        cells: Vec<(Cell, Option<Int>)>,
        /// Its rules are others.
        rules: bool,
    },
    /// A source was heard.
    Heard {
        /// The feed.
        feed: String,
        /// What it said.
        quote: Quote,
    },
    /// A feed is worth something else.
    Turned {
        /// Which.
        feed: String,
        /// What it is.
        state: feed::State,
        /// The price, where it is believed.
        value: Option<u128>,
    },
    /// A person's word about a feed.
    Word {
        /// Which.
        feed: String,
        /// What.
        word: Word,
    },
    /// Something happened in an account's life.
    Lived {
        /// Whose.
        place: u32,
        /// What.
        what: calls::Event,
        /// From what.
        grounds: Option<Grounds>,
    },
    /// An action is intended.
    Intended {
        /// Its number.
        intent: u64,
        /// What it is to the guards.
        act: Act,
        /// On which account.
        place: u32,
        /// The action.
        action: Action,
        /// From what.
        grounds: Grounds,
    },
    /// It was sent.
    Sent {
        /// Which.
        intent: u64,
        /// The number there.
        external: String,
    },
    /// It ended.
    Resolved {
        /// Which.
        intent: u64,
        /// How.
        outcome: Outcome,
    },
    /// A switch was thrown.
    Killed {
        /// Of what.
        scope: Scope,
        /// By whom and why.
        kill: Kill,
    },
    /// A person let something go on.
    Released(Release),
    /// The breaker tripped.
    Tripped(Flips),
    /// A change was proposed.
    Proposed {
        /// Its number.
        proposal: u64,
        /// By whom.
        by: String,
        /// What.
        change: Change,
        /// Whom it would touch.
        impact: Impact,
    },
    /// A proposal ended.
    Closed {
        /// Which.
        proposal: u64,
        /// By whom.
        by: String,
        /// Whether it was agreed to.
        agreed: bool,
        /// Whom it touches, where it was.
        impact: Option<Impact>,
    },
    /// A change is in force.
    Changed(Change),
    /// Somebody is to be told.
    Alert {
        /// Its number.
        alert: u64,
        /// Of what.
        of: Alert,
    },
    /// An alert arrived, or did not.
    Told {
        /// Which.
        alert: u64,
        /// Where to, or why not.
        to: Result<String, String>,
    },
    /// The engine was started: nothing is fresh until it is heard again.
    Started,
    /// The accounts of the command are so from now on. What they hold stands in the command.
    Seen {
        /// Their market's place.
        market: u32,
        /// Theirs, in the command's order.
        places: Vec<u32>,
    },
    /// The clock was compared with a better one.
    Compared {
        /// How far it is ahead (ns).
        offset: i64,
        /// With what.
        source: String,
    },
    /// What an alert told is over.
    Over(Alert),
    /// These accounts are newly below their line: what the breaker counts.
    Flipped(Vec<u32>),
}

/// A person's word about a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// It is not to be believed: who says so, and why.
    Impaired(String, String),
    /// It is again.
    Trusted,
    /// What it says is right.
    Confirmed,
}

/// What somebody is to be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Alert {
    /// A margin call's life went on.
    Account {
        /// Whose.
        account: String,
        /// What happened.
        what: String,
    },
    /// A feed is no longer believed, or is again.
    Feed {
        /// Which.
        feed: String,
        /// Whether it is believed.
        fresh: bool,
    },
    /// An origin says something else than the others.
    Deviates {
        /// Of which feed.
        feed: String,
        /// Which.
        origin: String,
    },
    /// An intent is out for longer than it should take: who is protected by it, is not.
    Late(u64),
    /// The breaker tripped.
    Breaker,
    /// A switch was thrown.
    Killed(Scope),
    /// A strategy repeated itself and is stopped.
    Throttled(String),
    /// An intent that had been sent when a switch was thrown.
    Outstanding(u64),
    /// The clock is further off than it may be.
    Clock,
    /// Nobody compared the clock for too long.
    Unmeasured,
    /// Accounts of a market that is kept elsewhere were not seen for too long: where they stand is not known.
    Unseen {
        /// Which market.
        market: String,
        /// How many.
        accounts: u64,
    },
}

impl Alert {
    /// Whether it tells how something stands, and not what happened: it is told once, until it is over.
    #[must_use]
    pub const fn lasts(&self) -> bool {
        matches!(
            self,
            Alert::Deviates { .. } | Alert::Late(_) | Alert::Clock | Alert::Unmeasured | Alert::Unseen { .. }
        )
    }

    /// An older alert that nobody needs any more when this one is there: of a feed, the word before.
    #[must_use]
    pub fn replaces(&self) -> Option<Alert> {
        match self {
            Alert::Feed { feed, fresh } => Some(Alert::Feed { feed: feed.clone(), fresh: !fresh }),
            _ => None,
        }
    }
}

/// One record of a log, after the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it was decided (ns of UTC).
    pub at: Stamp,
    /// How far the clock was known to be off (ns): where it was compared within [`crate::config::MEASURED`].
    pub offset: Option<i64>,
    /// How long the write before took to be durable (ns): in the first record of the next one, where it was measured.
    pub waited: Option<u64>,
    /// The program.
    pub program: String,
    /// SHA-256 of the configuration in force.
    pub config: [u8; 32],
    /// What was asked.
    pub request: Request,
    /// What happened: by the command, and by the time that had passed.
    pub events: Vec<Event>,
    /// Why the command was not done, if it was not.
    pub refused: Option<Refused>,
    /// The prices that stood behind its decisions.
    pub prices: Vec<Prices>,
}

/// The form of records; the first byte of each.
const FORM: u8 = 1;

/// What a log's first record and all others are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// The first.
    Founded(Box<Founding>),
    /// Every other.
    Decided(Box<Record>),
    /// The state before this record has this SHA-256: a snapshot of it is beside the log. It changes nothing.
    Marked([u8; 32]),
}

impl Entry {
    /// The bytes; `None` where memory is short.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        postcard::to_extend(self, vec![FORM]).ok()
    }

    /// Reads what [`Entry::bytes`] wrote.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn read(bytes: &[u8]) -> Result<Entry, String> {
        match bytes.split_first() {
            Some((&FORM, rest)) => match postcard::take_from_bytes(rest) {
                Ok((entry, [])) => Ok(entry),
                Ok((_, rest)) => Err(format!("{} bytes stand behind it", rest.len())),
                Err(error) => Err(error.to_string()),
            },
            Some((form, _)) => Err(format!("a record of form {form}; this program knows form {FORM}")),
            None => Err("a record of no bytes".into()),
        }
    }
}

impl Request {
    /// SHA-256 of who asks and for what, or of what the client said, whatever key he came by: an id that comes again with another is another command.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        if let Some(said) = self.said {
            return said;
        }
        let bytes = postcard::to_allocvec(&(&self.by.name, &self.command)).unwrap_or_default();
        Sha256::digest(bytes).into()
    }
}

impl Record {
    /// What its sender was told.
    #[must_use]
    pub fn answer(&self, record: u64) -> Answer {
        let made = |event: &Event| match event {
            Event::Intended { intent, .. } => Some(*intent),
            Event::Proposed { proposal, .. } => Some(*proposal),
            _ => None,
        };
        let outcome = self.refused.clone().map_or_else(|| Ok(self.events.iter().find_map(made)), Err);
        Answer { record, at: self.at, outcome }
    }
}

/// What the sender of a command is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The record's number.
    pub record: u64,
    /// When it was decided.
    pub at: Stamp,
    /// The intent, proposal or nothing that it made; or why it was not done.
    pub outcome: Result<Option<u64>, Refused>,
}
