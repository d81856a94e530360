//! A line as a request to the engine: names become places, and decimals the integers of their feed or market.

use super::{Clock, found, order};
use plimsoll_core::{Account, AccountId, Decimal, ListedAccount};
use plimsoll_engine::Stamp;
use plimsoll_engine::config::{Change, Source};
use plimsoll_engine::feed::Quote;
use plimsoll_engine::guard;
use plimsoll_engine::record::{By, Command, Outcome, Position, Release, Request};
use plimsoll_engine::state::State;
use plimsoll_io::fault::Faults;
use plimsoll_io::lines::{self, Known, Line, Proposed, Said, Scope};

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
pub(super) fn read(state: &State, name: &str, number: u32, line: &[u8]) -> Result<Line, Bad> {
    let Ok(text) = std::str::from_utf8(line) else {
        let why = Some(("found bytes that are no UTF-8, expected text".to_string(), None));
        return Err(Bad { id: None, faults: Faults::default(), why });
    };
    let owner = |market: usize, account: &str| {
        let place = state.account(u32::try_from(market).ok()?, account)?;
        Some(state.book.accounts[place as usize].owner.clone())
    };
    let known = Known { book: &state.book, owner: &owner };
    lines::read(name, number, text, &known).map_err(|(id, faults)| Bad { id, faults, why: None })
}

/// What a line asks of the engine, and at what time.
pub(super) fn request(
    state: &State,
    line: Line,
    clock: Clock,
) -> Result<(&'static str, Stamp, Request), Bad> {
    let Line { id, by, key, at, said } = line;
    let at = at.unwrap_or_else(|| clock.now());
    let makes = match said {
        Said::Intend { .. } => "intent",
        Said::Propose(_) => "proposal",
        _ => "",
    };
    let command = command(state, said, at).map_err(|why| Bad::asks(&id, why))?;
    Ok((makes, at, Request { id, by: By { name: by, key }, command }))
}

fn command(state: &State, said: Said, at: Stamp) -> Result<Command, order::Why> {
    Ok(match said {
        Said::Tick => Command::Tick,
        Said::Quote { feed, source, origin, price, unsure, observed } => {
            let value = raw(state, &feed, price)?;
            let unsure = unsure.map_or(Ok(0), |unsure| raw(state, &feed, unsure))?;
            let observed = observed.unwrap_or(at);
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
    })
}
