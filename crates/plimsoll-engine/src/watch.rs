//! Who stands where: the tick index over the state's book, and exact verdicts of whoever it cannot prove unchanged.
//!
//! Nothing here is part of the state: it is made of it at any time ([`Watch::new`]) and answers the same whatever way it came about. A
//! price that is doubtful is a node that is unknown; who needs one, or was not seen for too long, is *unknown*: below every level to
//! the index, so that it is looked at again, and without a level to everybody else.

use crate::Stamp;
use crate::calls::{self, State as Life};
use crate::config::Level;
use crate::places::Places;
use crate::state::State;
use plimsoll_core::{
    Assessment, Certainty, Compiled, Int, Lens, Node, Question, Reading, Standing, Test, Verdict, Why,
};
use plimsoll_kernel::{Candidate, Index, Layout, MarketRows, World};
use std::collections::{BTreeMap, BTreeSet};

/// More levels of calls and warnings, all policies together, are refused: the index has eight, and the line is one.
pub const LEVELS_MAX: usize = 7;

/// What is seen of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Whose.
    pub place: u32,
    /// Its level; `None` where it is not known.
    pub level: Option<calls::Level>,
    /// What is missing to be above the level of calls, in raw units of the market's comparison, raised.
    pub missing: Int,
    /// The venue's own numbers, where it has them.
    pub seen: Option<Assessment>,
    /// Why nothing is known; empty where something is.
    pub why: String,
}

/// What has changed since the last look.
#[derive(Clone, Debug, Default)]
pub struct Dirty {
    /// Markets whose prices, numbers or time are others.
    pub markets: BTreeSet<u32>,
    /// Accounts that are others.
    pub accounts: BTreeSet<u32>,
    /// Accounts that are looked at whether or not anything of them changed.
    pub look: BTreeSet<u32>,
}

/// A market as it was at the last look.
#[derive(Clone, Debug)]
struct Place {
    base: u32,
    epoch: u64,
    nodes: Vec<Result<Node, Why>>,
    /// Some account that owes, and its rows: where they are others, so are everybody's.
    sample: Option<(u32, Compiled)>,
    accounts: Vec<u32>,
    /// How many of those that owe were not seen for too long.
    unseen: u64,
}

/// The index, and what goes with it.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The line, and then every level of a policy.
    levels: Vec<Level>,
    index: Index,
    places: Vec<Place>,
    unknown: Places,
    /// Those of them who are it for another reason than a price.
    odd: Places,
    /// Accounts that owe.
    owing: Places,
    /// When what is known of a call's deadline, or of an account that was not seen, has to be looked at.
    due: BTreeSet<(Stamp, u32)>,
    /// Accounts that `due` has for being lost from sight, once each.
    sights: Places,
    /// Those that owe and were not seen for too long.
    unseen: Places,
    /// The second of the last look.
    second: u64,
}

/// Which bits stand for every level.
fn every(levels: usize) -> u8 {
    u8::MAX >> (8 - levels.min(8))
}

impl Watch {
    /// Over a state.
    ///
    /// # Errors
    /// What cannot be watched, in words.
    pub fn new(state: &State) -> Result<Watch, String> {
        let mut levels = vec![(1, 1)];
        for terms in state.config.terms.values() {
            for level in [terms.call, terms.warning] {
                if !levels.contains(&level) {
                    levels.push(level);
                }
            }
        }
        if levels.len() > LEVELS_MAX + 1 {
            return Err(format!(
                "all policies together have {} levels, more than {LEVELS_MAX}",
                levels.len() - 1
            ));
        }
        let stands = stands(state, (0..state.book.markets.len() as u32).collect());
        let mut places = Vec::new();
        for (number, listed) in (0..).zip(&state.book.markets) {
            let nodes = nodes(state, &stands, number);
            places.push(Place {
                base: 0,
                epoch: listed.market.epoch(),
                nodes,
                sample: None,
                accounts: Vec::new(),
                unseen: 0,
            });
        }
        let layout = Layout::new(places.iter().map(|place| place.nodes.len()));
        let layout = layout.ok_or("more nodes than there are numbers for")?;
        for (number, place) in places.iter_mut().enumerate() {
            place.base = layout.base(number).ok_or("a market without a place")?;
        }
        let world = World::new(&layout, places.iter().map(|place| &place.nodes[..]));
        let kernel: Vec<_> = levels.iter().map(|&(num, den)| plimsoll_kernel::Level { num, den }).collect();
        let index = Index::new(&layout, world, &kernel).ok_or("a level of zero")?;
        let mut watch = Watch {
            levels,
            index,
            places,
            unknown: Places::default(),
            odd: Places::default(),
            owing: Places::default(),
            due: BTreeSet::new(),
            sights: Places::default(),
            unseen: Places::default(),
            second: state.book.at.0,
        };
        for (place, listed) in (0..).zip(&state.book.accounts) {
            if let Some(of) = watch.places.get_mut(listed.market) {
                of.accounts.push(place);
            }
            watch.update(state, &stands, place);
        }
        Ok(watch)
    }

    /// Whether an account is below the line of its venue, or unknown: the two words that matter.
    #[must_use]
    pub fn below(&self, place: u32) -> Option<bool> {
        if self.unknown.contains(place) { None } else { Some(self.index.verdicts(place) & 1 == 1) }
    }

    /// Accounts that owe, and accounts that are unknown.
    #[must_use]
    pub fn counts(&self) -> [u64; 2] {
        [self.owing.len(), self.unknown.len()]
    }

    /// Everybody who owes.
    pub fn owing(&self) -> impl Iterator<Item = u32> {
        self.owing.iter()
    }

    /// The markets, by place, that have accounts which owe and were not seen for too long, and how many.
    pub fn unseen(&self) -> impl Iterator<Item = (u32, u64)> {
        let counts = (0..).zip(&self.places).map(|(number, place)| (number, place.unseen));
        counts.filter(|(_, count)| *count > 0)
    }

    /// Whether an account owes.
    #[must_use]
    pub fn owes(&self, place: u32) -> bool {
        self.owing.contains(place)
    }

    /// The next time at which somebody has to be looked at whatever happens.
    #[must_use]
    pub fn next_due(&self) -> Option<Stamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Looks at whoever may stand elsewhere than before. In the order of accounts.
    pub fn look(&mut self, state: &State, mut dirty: Dirty) -> Vec<Sight> {
        if state.book.at.0 != self.second {
            self.second = state.book.at.0;
            dirty.markets.extend(0..state.book.markets.len() as u32);
        }
        while let Some(&(at, place)) = self.due.first().filter(|(at, _)| *at <= state.now) {
            self.due.remove(&(at, place));
            self.sights.remove(place);
            dirty.accounts.insert(place);
            dirty.look.insert(place);
        }
        let mut markets = dirty.markets.clone();
        let named = dirty.accounts.iter().chain(&dirty.look);
        markets.extend(named.filter_map(|place| market_of(state, *place)));
        let stands = stands(state, markets);
        let mut again = dirty.look.clone();
        // Nodes first: a new epoch is a tick, a void, and an update of everybody.
        let (mut moved, mut cleared) = (Vec::new(), BTreeSet::new());
        for &number in &dirty.markets {
            let after = nodes(state, &stands, number);
            let Some(place) = self.places.get_mut(number as usize) else { continue };
            for (at, (before, after)) in (0..).zip(place.nodes.iter().zip(&after)) {
                // Who needs what is unknown is looked at again: the doubt may be another.
                if before != after || after.is_err() {
                    moved.push((place.base + at, *after));
                }
                if before.is_err() && after.is_ok() {
                    cleared.insert(number);
                }
            }
            place.nodes = after;
        }
        let (levels, unknown, odd) = (&self.levels, &mut self.unknown, &mut self.odd);
        // Of whom nothing is known nothing follows: when an engine opens that is everybody.
        let mut nobody = Places::default();
        let mut decide = |asked: &mut [Candidate]| {
            for candidate in asked {
                let stood = stood(state, &stands, levels, candidate.account);
                candidate.unhealthy = stood.bits;
                if stood.known {
                    odd.remove(candidate.account);
                    if unknown.remove(candidate.account) {
                        again.insert(candidate.account);
                    }
                } else {
                    unknown.insert(candidate.account);
                    nobody.insert(candidate.account);
                    if stood.odd {
                        odd.insert(candidate.account);
                    }
                }
            }
        };
        let mut crossed: BTreeSet<u32> = BTreeSet::new();
        if !moved.is_empty() {
            crossed.extend(self.index.tick(&moved, &mut decide).1.iter().map(|event| event.account));
        }
        let mut renewed = Vec::new();
        for &number in &dirty.markets {
            let (place, listed) = (&self.places[number as usize], &state.book.markets[number as usize]);
            let other = place.epoch != listed.market.epoch()
                || place.sample.as_ref().is_some_and(|(sample, rows)| compile(state, *sample) != *rows);
            if other {
                crossed.extend(self.index.void(number, &mut decide).iter().map(|event| event.account));
                renewed.extend(&place.accounts);
            }
        }
        again.extend(crossed.into_iter().filter(|place| !nobody.contains(*place)));
        // Who was unknown stands below every level to the index, and may be proven to do so still: then nobody was asked about him.
        let knowable = |place: &u32| {
            let doubted = market_of(state, *place).is_some_and(|number| cleared.contains(&number));
            (doubted || self.odd.contains(*place)) && stood(state, &stands, &self.levels, *place).known
        };
        let known: Vec<u32> = self.unknown.iter().filter(knowable).collect();
        for &place in &known {
            self.unknown.remove(place);
            self.odd.remove(place);
        }
        again.extend(known);
        for place in renewed.iter().chain(&dirty.accounts) {
            // Who is above every level as he was needs no look; of anybody else it matters how much he lacks.
            let asked = state.rows.get(*place as usize).is_some_and(|row| row.life.state != Life::Healthy);
            if self.update(state, &stands, *place) || asked {
                again.insert(*place);
            }
        }
        let sights = again.iter().map(|place| sight(state, &stands, *place));
        sights.collect()
    }

    /// What is seen of one account now.
    #[must_use]
    pub fn see(state: &State, place: u32) -> Sight {
        let stands = stands(state, market_of(state, place).into_iter().collect());
        sight(state, &stands, place)
    }

    /// Keeps count of who was not seen for too long.
    fn count_unseen(&mut self, state: &State, place: u32) {
        let is =
            self.owing.contains(place) && seen_until(state, place).is_some_and(|until| until <= state.now);
        let changed = if is { self.unseen.insert(place) } else { self.unseen.remove(place) };
        let of = market_of(state, place).and_then(|number| self.places.get_mut(number as usize));
        if let Some(of) = of.filter(|_| changed) {
            of.unseen = if is { of.unseen + 1 } else { of.unseen - 1 };
        }
    }

    /// An account is new, or its rows are others; whether it stands elsewhere than before.
    fn update(&mut self, state: &State, stands: &Stands<'_>, place: u32) -> bool {
        let Some(number) = market_of(state, place) else { return false };
        let Some(of) = self.places.get_mut(number as usize) else { return false };
        of.epoch = state.book.markets[number as usize].market.epoch();
        let rows = MarketRows::screened(number, of.base, of.epoch);
        let compiled = compile(state, place);
        if compiled == Compiled::NoDebt {
            self.owing.remove(place);
        } else {
            self.owing.insert(place);
            if of.sample.as_ref().is_none_or(|(sample, _)| *sample == place) {
                of.sample = Some((place, compiled.clone()));
            }
        }
        if of.accounts.last().is_none_or(|last| *last < place) {
            of.accounts.push(place);
        }
        // One look an account, at the time that it was to be lost from sight when it was first put down: then it is put down anew.
        if !self.sights.contains(place)
            && let Some(until) = seen_until(state, place)
        {
            self.sights.insert(place);
            self.due.insert((until, place));
        }
        self.count_unseen(state, place);
        let levels = &self.levels;
        let judge = || stood(state, stands, levels, place);
        let mut judged = lost(state, place).then(judge);
        // Where the index asks nothing it has proven what it says, and then every price that counts is known.
        let events = self.index.update(place, &compiled, &rows, |asked| {
            for candidate in asked {
                candidate.unhealthy = judged.get_or_insert_with(judge).bits;
            }
        });
        let events = events.map_or(0, <[_]>::len);
        // Who owes nothing is not in the index, and known whatever the prices are.
        let known = compiled == Compiled::NoDebt || judged.is_none_or(|stood| stood.known);
        let was_known = !self.unknown.contains(place);
        self.odd.remove(place);
        if known {
            self.unknown.remove(place);
        } else {
            self.unknown.insert(place);
            if judged.is_some_and(|stood| stood.odd) {
                self.odd.insert(place);
            }
        }
        events > 0 || was_known != known
    }

    /// A call's deadline has to be looked at.
    pub(crate) fn remind(&mut self, at: Stamp, place: u32) {
        self.due.insert((at, place));
    }
}

/// Everybody, looked at exactly and one after another: for what is rare.
pub(crate) struct All<'s> {
    state: &'s State,
    stands: Stands<'s>,
}

impl<'s> All<'s> {
    pub(crate) fn new(state: &'s State) -> All<'s> {
        All { state, stands: stands(state, (0..state.book.markets.len() as u32).collect()) }
    }

    pub(crate) fn see(&self, place: u32) -> Sight {
        sight(self.state, &self.stands, place)
    }
}

fn sight(state: &State, stands: &Stands<'_>, place: u32) -> Sight {
    let nothing = |why: String| Sight { place, level: None, missing: Int::ZERO, seen: None, why };
    let Some(listed) = state.book.accounts.get(place as usize) else {
        return nothing("no such account".into());
    };
    if lost(state, place) {
        return nothing("it was not seen since it was acted on, or for too long".into());
    }
    let Some(Some(Stand { standing, .. })) = stands.get(&(listed.market as u32)) else {
        return nothing("its market has no answer now".into());
    };
    let judged = standing.judge(&listed.account, Test::Liquidation);
    let why = || match (judged.own, judged.certainty) {
        (_, Certainty::Undetermined(why)) => format!("a price that it needs is {why}"),
        (Err(refusal), _) => refusal.to_string(),
        _ => "its venue has no answer".into(),
    };
    let Some(verdict) = judged.verdict() else { return nothing(why()) };
    let seen = judged.own.ok();
    let terms = state.terms(place).copied();
    let mut sight = Sight { place, level: None, missing: Int::ZERO, seen, why: String::new() };
    sight.level = match verdict {
        Verdict::NoDebt if listed.account.holdings().is_empty() => Some(calls::Level::Gone),
        Verdict::NoDebt => Some(calls::Level::NoDebt),
        Verdict::Unhealthy => {
            let gone = seen.is_some_and(|seen| seen.collateral.is_zero() && !seen.debt.is_zero());
            Some(if gone { calls::Level::Bad } else { calls::Level::Line })
        }
        Verdict::Healthy => {
            let below = |level: Level| is_below(seen.as_ref(), judged.certainty, level);
            let level = terms.map_or(calls::Level::Above, |terms| {
                if below(terms.call) {
                    calls::Level::Call
                } else if below(terms.warning) {
                    calls::Level::Warning
                } else {
                    calls::Level::Above
                }
            });
            Some(level)
        }
    };
    if let (Some(seen), Some(terms)) = (seen, terms) {
        sight.missing = missing(&seen, terms.call).unwrap_or(Int::ZERO);
    }
    sight
}

/// A market standing still, and what is in doubt about each of its prices.
struct Stand<'s> {
    standing: Standing<'s>,
    doubts: Vec<Option<Why>>,
}

/// Those that were asked for; `None` where one has no answer.
type Stands<'s> = BTreeMap<u32, Option<Stand<'s>>>;

fn stands(state: &State, markets: BTreeSet<u32>) -> Stands<'_> {
    let quotes = state.book.graph.quotes(state.book.at);
    let stand = |number: u32| {
        let listed = state.book.markets.get(number as usize)?;
        let readings: Vec<Reading> = state.book.readings(listed, &quotes);
        let standing = Standing::new(&*listed.market, &readings, Lens::Action, state.book.at).ok()?;
        Some(Stand { standing, doubts: readings.iter().map(|reading| reading.doubt).collect() })
    };
    markets.into_iter().map(|number| (number, stand(number))).collect()
}

/// A market's nodes: unknown where its price is in doubt.
fn nodes(state: &State, stands: &Stands<'_>, number: u32) -> Vec<Result<Node, Why>> {
    let Some(listed) = state.book.markets.get(number as usize) else { return Vec::new() };
    let specs = listed.market.nodes();
    let Some(Some(Stand { standing, doubts })) = stands.get(&number) else {
        return vec![Err(Why::Missing); specs.len()];
    };
    let doubt = |slot: Option<usize>| slot.and_then(|slot| *doubts.get(slot)?);
    let known = specs.iter().zip(standing.quoted().nodes());
    known.map(|(spec, node)| doubt(spec.slot).map_or(*node, Err)).collect()
}

fn market_of(state: &State, place: u32) -> Option<u32> {
    state.book.accounts.get(place as usize).map(|listed| listed.market as u32)
}

pub(crate) fn compile(state: &State, place: u32) -> Compiled {
    let Some(listed) = state.book.accounts.get(place as usize) else { return Compiled::NoDebt };
    let question = Question { test: Test::Liquidation, lens: Lens::Action, at: state.book.at };
    state.book.markets[listed.market].market.compile(&listed.account, question).unwrap_or(Compiled::Opaque)
}

/// Until when an account of a market that is kept elsewhere counts as seen.
fn seen_until(state: &State, place: u32) -> Option<Stamp> {
    let listed = state.book.accounts.get(place as usize)?;
    let followed = state.config.followed.contains(&state.book.markets.get(listed.market)?.name);
    let row = state.rows.get(place as usize)?;
    followed.then(|| row.seen.saturating_add(state.config.sight).saturating_add(1))
}

/// Whether it is not known what an account holds now.
fn lost(state: &State, place: u32) -> bool {
    let unseen = state.rows.get(place as usize).is_none_or(|row| row.unseen);
    unseen || seen_until(state, place).is_some_and(|until| until <= state.now)
}

/// How an account stands against the levels.
#[derive(Clone, Copy)]
struct Stood {
    /// Bit n: below level n. Below a level is who is below the line, whatever rounding says.
    bits: u8,
    /// Whether that is known; who is unknown is below all of them.
    known: bool,
    /// Whether it is unknown though no price that it needs is in doubt.
    odd: bool,
}

fn stood(state: &State, stands: &Stands<'_>, levels: &[Level], place: u32) -> Stood {
    let is = |bits: u8| Stood { bits, known: true, odd: false };
    let unknown = |odd: bool| Stood { bits: every(levels.len()), known: false, odd };
    let Some(listed) = state.book.accounts.get(place as usize) else { return is(0) };
    let Some(Some(Stand { standing, .. })) = stands.get(&(listed.market as u32)) else {
        return unknown(true);
    };
    if lost(state, place) {
        return unknown(false);
    }
    let judged = standing.judge(&listed.account, Test::Liquidation);
    match judged.verdict() {
        None => unknown(matches!(judged.certainty, Certainty::Unanswered | Certainty::Certain)),
        Some(Verdict::NoDebt) => is(0),
        Some(Verdict::Unhealthy) => is(every(levels.len())),
        Some(Verdict::Healthy) => {
            let seen = judged.own.ok();
            let below = (1..levels.len()).filter(|at| is_below(seen.as_ref(), judged.certainty, levels[*at]));
            is(below.fold(0, |bits, at| bits | 1 << at))
        }
    }
}

/// Whether a healthy account is below a level: by its venue's numbers, or else by what is sure of it.
fn is_below(seen: Option<&Assessment>, certainty: Certainty, (num, den): Level) -> bool {
    if let Certainty::Safe { at_least, .. } = certainty {
        return at_least.saturating_mul(den.into()) < u64::from(num) * 100;
    }
    let Some(seen) = seen else { return true };
    seen.backing.mul_wide(Int::from(u64::from(den))) < seen.requirement.mul_wide(Int::from(u64::from(num)))
}

/// What backing lacks of a level (raised); zero where it lacks nothing. `None` beyond 256 bits.
fn missing(seen: &Assessment, (num, den): Level) -> Option<Int> {
    let asked = seen.requirement.mul(Int::from(u64::from(num)))?;
    let asked = asked.div(Int::from(u64::from(den)), plimsoll_core::Rounding::Up)?;
    let missing = asked.sub(seen.backing)?;
    Some(if missing.is_negative() { Int::ZERO } else { missing })
}

/// Whether an account's life is one in which somebody acts on it, or has.
pub(crate) const fn is_below_line(state: Life) -> bool {
    matches!(state, Life::Liquidatable { .. } | Life::Liquidating { .. } | Life::BadDebt)
}
