//! Everything that an engine knows, and how an event changes it.
//!
//! [`State::apply`] computes nothing that was decided and cannot fail: a replay of a log's events gives the state that wrote them, on any
//! machine. What is only worked out from it (the tick index, verdicts) stands in [`crate::watch`] and is not part of it.

mod apply;
mod snapshot;

use crate::Stamp;
use crate::calls::Life;
use crate::config::{Change, Config, Founding, Group, MEASURED, Source, Terms};
use crate::feed::{self, Feed};
use crate::guard::{Act, Guards};
use crate::record::{Alert, Answer, Impact};
use plimsoll_core::{
    Action, Book, Compiled, Lens, ListedMarket, Observation, Origin, PriceId, Question, Test, Time, Venue,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// What an engine keeps of an account beside its holdings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its group, for policies.
    pub group: String,
    /// Its life.
    pub life: Life,
    /// When it was last seen, in a market that is kept elsewhere.
    pub seen: Stamp,
    /// It was acted on and not seen since.
    pub unseen: bool,
}

/// A price that is heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Its place in the book's prices.
    pub price: PriceId,
    /// Digits after the point of its quotes.
    pub decimals: u8,
    /// What was heard.
    pub feed: Feed,
    /// What it is worth, as was last decided.
    pub state: feed::State,
}

/// How far an intent has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It is durable, and may be sent.
    Intended,
    /// It was sent, under a number of where it was sent to.
    Sent(String),
}

/// An action that is on its way. One that ended is in the log alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What it is to the guards.
    pub act: Act,
    /// On which account.
    pub place: u32,
    /// What.
    pub action: Action,
    /// How far it has come.
    pub stage: Stage,
    /// Since when it is out.
    pub since: Stamp,
}

/// A change that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Who proposed it.
    pub by: String,
    /// What.
    pub change: Change,
    /// Whom it would have touched then.
    pub impact: Impact,
    /// The configuration that it was proposed under.
    pub config: [u8; 32],
    /// When.
    pub at: Stamp,
}

/// An answer that is kept for whoever asks twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// What was answered.
    pub answer: Answer,
}

/// An alert, and since when somebody is to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// Since when.
    pub at: Stamp,
    /// What.
    pub of: Alert,
}

/// A clock that was compared with a better one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// When.
    pub at: Stamp,
    /// How far it was ahead (ns).
    pub offset: i64,
    /// With what.
    pub source: String,
}

/// Everything that an engine knows.
#[derive(Clone)]
pub struct State {
    /// Markets, accounts and prices. Its time is the whole second of [`State::now`].
    pub book: Book,
    /// For each account of the book, the rest.
    pub rows: Vec<Row>,
    /// What is heard, by the name of the price.
    pub feeds: BTreeMap<String, Heard>,
    /// What people decided.
    pub config: Config,
    /// What stands in front of actions.
    pub guards: Guards,
    /// What is on its way.
    pub intents: BTreeMap<u64, Intent>,
    /// What waits for a second person.
    pub proposals: BTreeMap<u64, Proposal>,
    /// Who is to be told what, and was not.
    pub alerts: BTreeMap<u64, Raised>,
    /// The same, by what it is; not stored, for it is worked out.
    pub(crate) waiting: BTreeMap<Alert, u64>,
    /// What lasts of that which was told, and is not over.
    pub(crate) lasting: BTreeSet<Alert>,
    /// When it was founded.
    pub founded: Stamp,
    /// How far the clock was off, when it was compared last.
    pub clock: Option<Compared>,
    /// Answers by the client's id, …
    pub kept: BTreeMap<String, Kept>,
    /// … and when each was given, oldest first.
    pub(crate) order: VecDeque<(Stamp, String)>,
    /// The numbers that the next intent, proposal and alert have.
    pub counters: [u64; 3],
    /// The time of the last record (ns of UTC).
    pub now: Stamp,
    /// For each market the places of its accounts, by name; not stored, for it is worked out, and never gone through.
    pub(crate) names: Vec<HashMap<String, u32>>,
}

/// The venues that a market's bytes may be of.
pub type Venues<'v> = &'v [&'v dyn Venue];

/// Makes a market of its canonical bytes.
pub(crate) fn open_market(
    venues: Venues<'_>,
    bytes: &[u8],
) -> Result<Box<dyn plimsoll_core::Market>, String> {
    let encoded = plimsoll_core::Encoded::read(bytes).ok_or("the bytes of a market cannot be read")?;
    let venue = venues.iter().find(|venue| venue.name() == encoded.venue);
    let venue = venue.ok_or_else(|| format!("no venue is called {}", encoded.venue))?;
    venue.open(bytes).map_err(|refusal| format!("a market of {}: {refusal}", encoded.venue))
}

impl State {
    /// The state before the first account.
    ///
    /// # Errors
    /// What does not fit together, in words.
    pub fn found(founding: &Founding, venues: Venues<'_>) -> Result<State, String> {
        let mut markets = Vec::new();
        for place in &founding.markets {
            let market =
                open_market(venues, &place.market).map_err(|why| format!("market {}: {why}", place.name))?;
            markets.push(ListedMarket { name: place.name.clone(), market, wiring: place.wiring.clone() });
        }
        let names = vec![HashMap::new(); markets.len()];
        let book = Book {
            name: founding.book.clone(),
            at: second(founding.at),
            graph: founding.graph.clone(),
            markets,
            accounts: Vec::new(),
        };
        let mut state = State {
            book,
            rows: Vec::new(),
            feeds: BTreeMap::new(),
            config: founding.config.clone(),
            guards: Guards::default(),
            intents: BTreeMap::new(),
            proposals: BTreeMap::new(),
            alerts: BTreeMap::new(),
            waiting: BTreeMap::new(),
            lasting: BTreeSet::new(),
            founded: founding.at,
            clock: None,
            kept: BTreeMap::new(),
            order: VecDeque::new(),
            counters: [0; 3],
            now: founding.at,
            names,
        };
        for source in &founding.sources {
            state.listen(source)?;
        }
        state.fits()?;
        state.arm();
        Ok(state)
    }

    /// Hears a price from now on. Nothing is believed of it until it is heard.
    pub(crate) fn listen(&mut self, source: &Source) -> Result<(), String> {
        let name = source.price.as_str();
        let price = self.book.graph.find(name).ok_or_else(|| format!("no price is called {name}"))?;
        if !self.book.graph.origin(price).is_some_and(|origin| matches!(origin, Origin::Feed(_))) {
            return Err(format!("price {name} is computed or assumed, and is not heard"));
        }
        let feed = Feed::new(source.rule.clone());
        let feed = feed.ok_or_else(|| format!("nothing can meet the rule of feed {name}"))?;
        let heard = Heard { price, decimals: source.decimals, feed, state: feed::State::Stale };
        self.feeds.insert(name.into(), heard);
        self.put(name, None);
        Ok(())
    }

    /// Whether the configuration fits the book.
    ///
    /// # Errors
    /// What does not, in words.
    pub(crate) fn fits(&self) -> Result<(), String> {
        let config = &self.config;
        for listed in &self.book.markets {
            if listed.wiring.len() != listed.market.slots().len() {
                return Err(format!("market {} is not wired to each of its prices", listed.name));
            }
            let currency = self.currency(listed);
            if currency != config.currency && !config.worth.contains_key(&listed.name) {
                return Err(format!(
                    "market {} counts in {currency} and nothing says what that is in {}",
                    listed.name, config.currency
                ));
            }
            if !config.terms.contains_key(&(listed.name.clone(), String::new())) {
                return Err(format!("market {} has no policy for accounts without a group", listed.name));
            }
        }
        for (market, price) in &config.worth {
            if self.book.graph.find(price).is_none() {
                return Err(format!("no price is called {price}, which market {market} is to be valued at"));
            }
        }
        for ((market, _), terms) in &config.terms {
            if self.market(market).is_none() {
                return Err(format!("no market is called {market}, which a policy is for"));
            }
            let [warning, call] =
                [terms.warning, terms.call].map(|(num, den)| [u64::from(num), u64::from(den)]);
            let sound = warning[1] > 0
                && call[1] > 0
                && call[0] >= call[1]
                && warning[0] * call[1] >= call[0] * warning[1];
            if !sound {
                return Err(format!(
                    "market {market}: a call is at the line or above it, and a warning at the call or above"
                ));
            }
        }
        Ok(())
    }

    /// The currency that a market counts values in.
    pub(crate) fn currency(&self, listed: &ListedMarket) -> String {
        listed
            .market
            .slots()
            .first()
            .map_or_else(|| self.config.currency.clone(), |slot| slot.currency.clone())
    }

    /// The place of a market.
    #[must_use]
    pub fn market(&self, name: &str) -> Option<u32> {
        self.book.markets.iter().position(|listed| listed.name == name).map(|place| place as u32)
    }

    /// The place of an account.
    #[must_use]
    pub fn account(&self, market: u32, name: &str) -> Option<u32> {
        self.names.get(market as usize)?.get(name).copied()
    }

    /// The name of an account as people write it.
    #[must_use]
    pub fn called(&self, place: u32) -> String {
        let Some(listed) = self.book.accounts.get(place as usize) else { return format!("account {place}") };
        let market = self.book.markets.get(listed.market).map_or("", |market| market.name.as_str());
        format!("{market}:{}", listed.name)
    }

    /// How far the clock is off, where it was compared not long ago (ns).
    #[must_use]
    pub fn offset(&self) -> Option<i64> {
        let compared = self.clock.as_ref()?;
        (self.now.saturating_sub(compared.at) <= MEASURED).then_some(compared.offset)
    }

    /// What an account is told and given.
    #[must_use]
    pub fn terms(&self, place: u32) -> Option<&Terms> {
        let listed = self.book.accounts.get(place as usize)?;
        let market = &self.book.markets.get(listed.market)?.name;
        let group = |group: &str| -> Group { (market.clone(), group.into()) };
        let own = self.config.terms.get(&group(&self.rows.get(place as usize)?.group));
        own.or_else(|| self.config.terms.get(&group("")))
    }

    /// The feeds that a market's prices rest on.
    #[must_use]
    pub fn needs(&self, listed: &ListedMarket) -> Vec<String> {
        self.heard_below(listed.wiring.iter().flatten().copied())
    }

    /// What a heard price is in the book now, in its feed's digits; `None` where it is none.
    pub(crate) fn price(&self, feed: &str) -> Option<u128> {
        let heard = self.feeds.get(feed)?;
        let Some(Origin::Feed(observed)) = self.book.graph.origin(heard.price) else { return None };
        observed.price?.scaled_amount(heard.decimals).ok()?.to_u128()
    }

    /// SHA-256 of the configuration in force, and of the rules of all feeds.
    #[must_use]
    pub fn config_hash(&self) -> [u8; 32] {
        let rules: Vec<_> =
            self.feeds.iter().map(|(name, heard)| (name, heard.decimals, heard.feed.rule())).collect();
        Sha256::digest(postcard::to_allocvec(&(&self.config, rules)).unwrap_or_default()).into()
    }

    /// The feeds that an account stands or falls with: those behind the nodes of its rows, or all of its market's where it has no
    /// proven row.
    #[must_use]
    pub fn needs_of(&self, place: u32) -> Vec<String> {
        let Some(listed) = self.book.accounts.get(place as usize) else { return Vec::new() };
        let market = &self.book.markets[listed.market];
        let question = Question { test: Test::Liquidation, lens: Lens::Action, at: self.book.at };
        let rows = match market.market.compile(&listed.account, question) {
            Ok(Compiled::NoDebt) => return Vec::new(),
            Ok(Compiled::Rows(rows)) => rows,
            Ok(Compiled::Opaque) | Err(_) => return self.needs(market),
        };
        let parts = rows.iter().flat_map(|row| {
            let all = [&row.backing, &row.requirement, &row.slack].into_iter().chain(&row.hinges);
            let nodes = all.flat_map(|part| part.terms.iter().map(|(node, _)| *node));
            nodes.chain(row.valid.boxes.iter().map(|(node, _, _)| *node)).collect::<Vec<_>>()
        });
        let nodes: Vec<_> = parts.collect();
        let slots = nodes.iter().filter_map(|node| market.market.nodes().get(node.0 as usize)?.slot);
        let prices = slots.filter_map(|slot| market.wiring.get(slot).copied().flatten());
        self.heard_below(prices)
    }

    fn heard_below(&self, prices: impl Iterator<Item = PriceId>) -> Vec<String> {
        let leaves = prices.flat_map(|price| self.book.graph.leaves(price));
        let mut names: Vec<String> = leaves
            .filter_map(|leaf| self.book.graph.price(leaf))
            .map(|price| price.name.clone())
            .filter(|name| self.feeds.contains_key(name))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Brings the guards in line with the configuration; what they counted stays.
    pub(crate) fn arm(&mut self) {
        let (config, guards) = (&self.config, &mut self.guards);
        guards.caps.limits = config.limits;
        guards.throttle.most = config.repeats;
        guards.throttle.window = config.window;
        guards.collar = config.collar;
        guards.breaker.accounts = config.flips;
        guards.breaker.value = config.flips_value;
        guards.breaker.least = config.flips_least;
        guards.breaker.window = config.flips_within;
        guards.resume.grace = config.grace;
    }

    /// Puts what a feed is worth into the book: a price that is not believed is none.
    pub(crate) fn put(&mut self, feed: &str, value: Option<u128>) {
        let Some(heard) = self.feeds.get(feed) else { return };
        let Some(Origin::Feed(before)) = self.book.graph.origin(heard.price).cloned() else { return };
        let decimal = |value: u128| plimsoll_core::Decimal {
            mantissa: plimsoll_core::Int::from(plimsoll_core::U256::from(value)),
            decimals: heard.decimals,
        };
        let observation = Observation {
            price: value.map(decimal),
            observed_at: Some(self.book.at),
            // The feed's own rule has judged age, bounds and doubt.
            max_age: None,
            confidence: None,
            floor: None,
            ceiling: None,
            ..before
        };
        let _ = self.book.graph.observe(heard.price, observation);
    }
}

/// The whole second of a stamp.
pub(crate) const fn second(at: Stamp) -> Time {
    Time(at / 1_000_000_000)
}
