//! The state as bytes: what a snapshot stores, and what a state's hash is of.

use super::{Compared, Heard, Intent, Kept, Proposal, Raised, Row, State, Venues, open_market, second};
use crate::Stamp;
use crate::config::{Config, Place};
use crate::guard::Guards;
use crate::record::Alert;
use plimsoll_core::{Account, AccountId, Book, Graph, ListedAccount, ListedMarket};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// The form of the bytes.
const FORM: u8 = 1;

/// An account as it is stored.
type Stored<'s> = (Cow<'s, str>, Cow<'s, str>, u32, Cow<'s, Account>);

#[derive(Serialize, Deserialize)]
struct Image<'s> {
    name: Cow<'s, str>,
    now: Stamp,
    graph: Cow<'s, Graph>,
    markets: Vec<Place>,
    accounts: Vec<Stored<'s>>,
    rows: Cow<'s, [Row]>,
    feeds: Cow<'s, BTreeMap<String, Heard>>,
    config: Cow<'s, Config>,
    guards: Cow<'s, Guards>,
    intents: Cow<'s, BTreeMap<u64, Intent>>,
    proposals: Cow<'s, BTreeMap<u64, Proposal>>,
    alerts: Cow<'s, BTreeMap<u64, Raised>>,
    kept: Cow<'s, BTreeMap<String, Kept>>,
    order: Cow<'s, VecDeque<(Stamp, String)>>,
    counters: [u64; 3],
    lasting: Cow<'s, BTreeSet<Alert>>,
    clock: Cow<'s, Option<Compared>>,
    founded: Stamp,
}

impl State {
    /// The bytes of all of it: equal states have equal bytes. `None` where memory is short.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let markets = self.book.markets.iter().map(|listed| {
            let mut market = Vec::new();
            listed.market.encode(&mut market);
            Place { name: listed.name.clone(), market, wiring: listed.wiring.clone() }
        });
        let stored = |listed: &'_ ListedAccount| -> (String, String, u32) {
            (listed.name.clone(), listed.owner.clone(), listed.market as u32)
        };
        let accounts = self.book.accounts.iter().map(|listed| {
            let (name, owner, market) = stored(listed);
            (Cow::Owned(name), Cow::Owned(owner), market, Cow::Borrowed(&listed.account))
        });
        let image = Image {
            name: Cow::Borrowed(&self.book.name),
            now: self.now,
            graph: Cow::Borrowed(&self.book.graph),
            markets: markets.collect(),
            accounts: accounts.collect(),
            rows: Cow::Borrowed(&self.rows),
            feeds: Cow::Borrowed(&self.feeds),
            config: Cow::Borrowed(&self.config),
            guards: Cow::Borrowed(&self.guards),
            intents: Cow::Borrowed(&self.intents),
            proposals: Cow::Borrowed(&self.proposals),
            alerts: Cow::Borrowed(&self.alerts),
            kept: Cow::Borrowed(&self.kept),
            order: Cow::Borrowed(&self.order),
            counters: self.counters,
            lasting: Cow::Borrowed(&self.lasting),
            clock: Cow::Borrowed(&self.clock),
            founded: self.founded,
        };
        postcard::to_extend(&image, vec![FORM]).ok()
    }

    /// SHA-256 of [`State::bytes`].
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.bytes().unwrap_or_default()).into()
    }

    /// Reads what [`State::bytes`] wrote.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn read(bytes: &[u8], venues: Venues<'_>) -> Result<State, String> {
        let rest = match bytes.split_first() {
            Some((&FORM, rest)) => rest,
            Some((form, _)) => return Err(format!("a state of form {form}; this program knows form {FORM}")),
            None => return Err("a state of no bytes".into()),
        };
        let image: Image<'_> = match postcard::take_from_bytes(rest) {
            Ok((image, [])) => image,
            Ok((_, rest)) => return Err(format!("{} bytes stand behind the state", rest.len())),
            Err(error) => return Err(error.to_string()),
        };
        let mut markets = Vec::new();
        for Place { name, market, wiring } in image.markets {
            let market = open_market(venues, &market).map_err(|why| format!("market {name}: {why}"))?;
            markets.push(ListedMarket { name, market, wiring });
        }
        let mut names = vec![HashMap::new(); markets.len()];
        let mut accounts = Vec::with_capacity(image.accounts.len());
        for (place, (name, owner, market, account)) in (0..).zip(image.accounts) {
            let (name, account) = (name.into_owned(), account.into_owned());
            if account.id != AccountId(u64::from(place)) || market as usize >= markets.len() {
                return Err(format!("account {name} does not stand in its place"));
            }
            if names[market as usize].insert(name.clone(), place).is_some() {
                return Err(format!("two accounts are called {name}"));
            }
            accounts.push(ListedAccount {
                name,
                owner: owner.into_owned(),
                market: market as usize,
                account,
            });
        }
        let rows = image.rows.into_owned();
        if rows.len() != accounts.len() {
            return Err("not every account has its row".into());
        }
        let (name, at) = (image.name.into_owned(), second(image.now));
        let book = Book { name, at, graph: image.graph.into_owned(), markets, accounts };
        Ok(State {
            book,
            rows,
            feeds: image.feeds.into_owned(),
            config: image.config.into_owned(),
            guards: image.guards.into_owned(),
            intents: image.intents.into_owned(),
            proposals: image.proposals.into_owned(),
            waiting: image.alerts.iter().map(|(alert, raised)| (raised.of.clone(), *alert)).collect(),
            alerts: image.alerts.into_owned(),
            kept: image.kept.into_owned(),
            order: image.order.into_owned(),
            counters: image.counters,
            lasting: image.lasting.into_owned(),
            clock: image.clock.into_owned(),
            founded: image.founded,
            now: image.now,
            names,
        })
    }
}
