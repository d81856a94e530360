//! A line as a request to the engine: names become places, and decimals the integers of their feed or market.

use super::{Clock, found, order};
use plimsoll_core::{Account, AccountId, Decimal, ListedAccount};
use plimsoll_engine::Stamp;
use plimsoll_engine::config::{Change, Level, Source, Terms};
use plimsoll_engine::feed::Quote;
use plimsoll_engine::guard;
use plimsoll_engine::record::{By, Command, Outcome, Position, Release, Request};
use plimsoll_engine::state::State;
use plimsoll_io::fault::Faults;
use plimsoll_io::lines::{self, Known, Line, Proposed, Said, Scope};
use plimsoll_io::time::show_stamp;
use sha2::{Digest, Sha256};

/// A line may be so far ahead of the machine's clock (ns).
const AHEAD: Stamp = 1_000_000_000;

/// Whose request it is.
pub(super) enum Asked {
    /// The program's own: nobody is answered.
    Own,
    /// A line's.
    Line {
        /// Its number.
        number: u32,
        /// What the number in its answer is of.
        makes: &'static str,
    },
}

/// A line that is no request.
pub(super) struct Bad {
    /// Its id, where it has one that can be read.
    pub(super) id: Option<String>,
    /// What is wrong with it as it is written.
    pub(super) faults: Faults,
    /// What is wrong with what it asks, and what was meant.
    pub(super) why: Option<(String, Option<String>)>,
}

impl Bad {
    fn asks(id: &str, (why, help): (String, Option<String>)) -> Bad {
        Bad { id: Some(id.into()), faults: Faults::default(), why: Some((why, help)) }
    }
}

/// Reads a line against the engine as it stands.
pub(super) fn read(state: &State, name: &str, number: u32, line: &[u8]) -> Result<(Line, [u8; 32]), Bad> {
    let Ok(text) = std::str::from_utf8(line) else {
        let why = Some(("found bytes that are no UTF-8, expected text".to_string(), None));
        return Err(Bad { id: None, faults: Faults::default(), why });
    };
    let owner = |market: usize, account: &str| {
        let place = state.account(u32::try_from(market).ok()?, account)?;
        Some(state.book.accounts[place as usize].owner.clone())
    };
    let known = Known { book: &state.book, owner: &owner };
    let line =
        lines::read(name, number, text, &known).map_err(|(id, faults)| Bad { id, faults, why: None })?;
    Ok((line, hash(text)))
}

/// SHA-256 of what a line says: all its fields but when it was sent and by which key, in order.
fn hash(text: &str) -> [u8; 32] {
    let mut said: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    if let Some(fields) = said.as_object_mut() {
        fields.remove("at");
        fields.remove("key");
    }
    Sha256::digest(said.to_string()).into()
}

/// What a line asks of the engine, and at what time.
pub(super) fn request(
    state: &State,
    line: (Line, [u8; 32]),
    clock: Clock,
    floor: Stamp,
) -> Result<(&'static str, Stamp, Request), Bad> {
    let (Line { id, by, key, at, said }, hash) = line;
    let now = clock.now();
    // The clock of the records may be a little ahead: of a line that says no time, that is its time.
    let at = at.unwrap_or(now.max(floor));
    if matches!(clock, Clock::Machine) && at > now.saturating_add(AHEAD) {
        // The clock never goes back: a line from tomorrow would keep everybody out until then.
        let why =
            format!("found the time {}, expected none that is ahead of this machine's clock", show_stamp(at));
        return Err(Bad::asks(&id, (why, None)));
    }
    let makes = match said {
        Said::Intend { .. } => "intent",
        Said::Propose(_) => "proposal",
        _ => "",
    };
    let command = command(state, said, at).map_err(|why| Bad::asks(&id, why))?;
    Ok((makes, at, Request { id, by: By { name: by, key }, command, said: Some(hash) }))
}

fn command(state: &State, said: Said, at: Stamp) -> Result<Command, order::Why> {
    Ok(match said {
        Said::Tick => Command::Tick,
        Said::Quote { feed, source, origin, price, unsure, observed } => {
            let value = raw(state, &feed, price)?;
            let unsure = unsure.map_or(Ok(0), |unsure| raw(state, &feed, unsure))?;
            let observed = observed.unwrap_or(at);
            // Whoever names no origin means the one that the configuration has for the source.
            let named = state.config.sources.get(&source).filter(|_| origin == source);
            let origin = named.map_or(origin, |voice| voice.origin.clone());
            Command::Quote { feed, quote: Quote { source, origin, value, unsure, observed } }
        }
        Said::Positions { market, accounts, gone, group } => positions(state, market, accounts, gone, group),
        Said::Cells(sets) => {
            let (market, cells) = order::cells(state, &sets)?;
            Command::Cells { market, cells }
        }
        Said::Act { market, steps } => {
            let of = state.book.markets[market].name.clone();
            let steps = steps.iter().map(|step| order::step(state, market, step));
            Command::Act { market: of, steps: steps.collect::<Result<_, _>>()? }
        }
        Said::Intend { market, account, strategy, price, force } => {
            let (action, price) = order::force(state, market, &account, &force, price)?;
            let market = state.book.markets[market].name.clone();
            Command::Intend { market, account, action, strategy, price }
        }
        Said::Send { intent, external } => Command::Send { intent, external },
        Said::Resolve { intent, abandoned } => {
            let outcome = abandoned.map_or(Outcome::Carried, |why| Outcome::Abandoned { why });
            Command::Resolve { intent, outcome }
        }
        Said::Impair { feed, reason } => Command::Impair { feed, reason },
        Said::Trust(feed) => Command::Trust { feed },
        Said::Confirm(feed) => Command::Confirm { feed },
        Said::Kill { scope, reason } => Command::Kill { scope: self::scope(scope), reason },
        Said::Release(what) => Command::Release(match what {
            lines::Release::Kill(scope) => Release::Kill(self::scope(scope)),
            lines::Release::Breaker => Release::Breaker,
            lines::Release::Strategy(strategy) => Release::Strategy(strategy),
        }),
        Said::Propose(proposed) => Command::Propose(change(state, proposed)?),
        Said::Approve(proposal) => Command::Approve { proposal },
        Said::Reject(proposal) => Command::Reject { proposal },
        Said::Delivered { alert, to } => Command::Delivered { alert, to },
        Said::Clock { offset, source } => Command::Clock { offset, source },
    })
}

/// Accounts with what they hold, and those that hold nothing any more. Where no group is said they stay in theirs.
fn positions(
    state: &State,
    market: usize,
    accounts: Vec<ListedAccount>,
    gone: Vec<String>,
    group: Option<String>,
) -> Command {
    let place = |account: &str| state.account(market as u32, account).map(|place| place as usize);
    let group = |account: &str| {
        let own = || place(account).and_then(|place| state.rows.get(place)).map(|row| row.group.clone());
        group.clone().or_else(own).unwrap_or_default()
    };
    let held = accounts.into_iter().map(|listed| Position {
        group: group(&listed.name),
        account: listed.name,
        owner: listed.owner,
        holds: listed.account,
    });
    let emptied = gone.iter().map(|account| Position {
        group: group(account),
        account: account.clone(),
        owner: place(account).map_or_else(String::new, |place| state.book.accounts[place].owner.clone()),
        holds: Account::new(AccountId(0)),
    });
    let market = state.book.markets[market].name.clone();
    Command::Positions { market, positions: held.chain(emptied).collect() }
}

/// A warning level that is to a call as one was to another: in millionths, raised.
fn scaled(warning: Level, call: Level, to: Level) -> Option<Level> {
    let num = u128::from(warning.0) * u128::from(call.1) * u128::from(to.0) * 1_000_000;
    let den = u128::from(warning.1) * u128::from(call.0) * u128::from(to.1);
    let level = u32::try_from(num.div_ceil(den.max(1))).ok()?;
    Some((level, 1_000_000))
}

/// A price in the digits of its feed.
fn raw(state: &State, feed: &str, price: Decimal) -> Result<u128, order::Why> {
    let Some(heard) = state.feeds.get(feed) else {
        return Err((format!("found `{feed}`, expected a feed that is heard"), None));
    };
    let raw =
        price.scaled_amount(heard.decimals).map_err(|error| (format!("{feed}: {price}: {error}"), None))?;
    raw.to_u128().ok_or_else(|| (format!("{feed}: {price} does not fit"), None))
}

fn scope(scope: Scope) -> guard::Scope {
    match scope {
        Scope::All => guard::Scope::All,
        Scope::Market(name) => guard::Scope::Market(name),
        Scope::Strategy(name) => guard::Scope::Strategy(name),
        Scope::Account(name) => guard::Scope::Account(name),
        Scope::Asset(name) => guard::Scope::Asset(name),
    }
}

fn change(state: &State, proposed: Proposed) -> Result<Change, order::Why> {
    Ok(match proposed {
        Proposed::Rules(sets) => {
            let (market, cells) = order::cells(state, &sets)?;
            Change::Rules { market, cells }
        }
        Proposed::Feed(rule) => {
            let Some(heard) = state.feeds.get(&rule.feed) else {
                return Err((format!("found `{}`, expected a feed that is heard", rule.feed), None));
            };
            let (price, decimals) = (rule.feed.clone(), heard.decimals);
            let mut source = Source { price, decimals, rule: heard.feed.rule().clone() };
            found::said(&mut source, &rule).map_err(|why| (why, None))?;
            Change::Source(source)
        }
        Proposed::Policy(policy) => {
            let (group, terms) = found::terms(&policy);
            Change::Terms(group, terms)
        }
        Proposed::Limits(limits) => Change::Limits(found::limits(&limits)),
        Proposed::Depth(asset, value) => Change::Depth(asset, value),
        Proposed::Collar(collar) => Change::Collar(collar),
        Proposed::People(people) => Change::People(people.into_iter().collect()),
        Proposed::Margin(margin) => {
            let group = (margin.market, margin.group);
            let Some(before) = state.config.terms.get(&group) else {
                return Err((format!("no policy is for group `{}` of {}", group.1, group.0), None));
            };
            // It makes no call later than the policy does. The warning stays as far above the call.
            let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
            let lower = product(margin.call.0, before.call.1) < product(before.call.0, margin.call.1);
            let call = if lower { before.call } else { margin.call };
            let warning = scaled(before.warning, before.call, call);
            let warning = warning.ok_or_else(|| ("a level that high".to_string(), None))?;
            Change::Terms(group, Terms { call, warning, ..*before })
        }
    })
}
