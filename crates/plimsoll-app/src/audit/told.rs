//! Commands and events as sentences.

use super::{actions, words};
use plimsoll::Ratio;
use plimsoll_core::{Decimal, Int};
use plimsoll_engine::calls::Event as Life;
use plimsoll_engine::config::Change;
use plimsoll_engine::feed::{Quote, State as FeedState};
use plimsoll_engine::record::{Alert, Command, Event, Grounds, Impact, Outcome, Prices, Release, Word};
use plimsoll_engine::state::State;
use plimsoll_io::time::show_stamp;

/// What was asked.
pub(super) fn asked(state: &State, command: &Command) -> String {
    match command {
        Command::Tick => "that time passes".into(),
        Command::Start => "that the engine starts".into(),
        Command::Clock { offset, source } => {
            format!("to note that the clock is {} s ahead of {source}", words::nanoseconds(*offset))
        }
        Command::Quote { feed, quote } => format!("that {}", said(state, feed, quote)),
        Command::Positions { market, positions } => {
            let names: Vec<&str> = positions.iter().map(|position| position.account.as_str()).collect();
            format!("that {} of {market} stand so: {}", few(names.len(), "account"), some(&names))
        }
        Command::Cells { market, cells } => {
            format!(
                "that {} of {market} stand so: {}",
                few(cells.len(), "number"),
                numbers(state, market, cells)
            )
        }
        Command::Act { market, steps } => {
            let steps =
                steps.iter().map(|step| format!("{} of {}", act(state, market, &step.action), step.account));
            format!("on {market}: {}", steps.collect::<Vec<_>>().join(", then "))
        }
        Command::Intend { market, account, action, strategy, .. } => {
            format!("{} of {market}:{account}, by strategy {strategy}", act(state, market, action))
        }
        Command::Send { intent, external } => format!("to note that intent {intent} was sent as {external}"),
        Command::Resolve { intent, outcome } => format!("to note that intent {intent} {}", ended(outcome)),
        Command::Impair { feed, reason } => format!("not to believe {feed}: {reason}"),
        Command::Trust { feed } => format!("to believe {feed} again"),
        Command::Confirm { feed } => format!("to take what {feed} says for right"),
        Command::Kill { scope, reason } => format!("to stop {scope}: {reason}"),
        Command::Release(what) => format!("to release {}", released(what)),
        Command::Propose(change) => format!("to change {}", changed(change)),
        Command::Approve { proposal } => format!("to approve proposal {proposal}"),
        Command::Reject { proposal } => format!("to reject proposal {proposal}"),
        Command::Delivered { alert, to: Ok(to) } => format!("to note that alert {alert} arrived at {to}"),
        Command::Delivered { alert, to: Err(why) } => {
            format!("to note that alert {alert} did not arrive: {why}")
        }
    }
}

/// What happened.
pub(super) fn happened(state: &State, event: &Event) -> String {
    match event {
        Event::Account { place, market, holds } => {
            let listed = state.book.markets.get(*market as usize);
            let held = listed.map(|listed| actions::holds(listed, holds)["holds"].clone());
            let held = held.and_then(|held| held.as_object().cloned()).unwrap_or_default();
            let held: Vec<String> = held
                .iter()
                .map(|(name, amount)| format!("{} {name}", amount.as_str().unwrap_or("?")))
                .collect();
            let held = if held.is_empty() { "nothing".into() } else { held.join(", ") };
            format!("{} holds {held}", state.called(*place))
        }
        Event::Seen { places, .. } => format!("seen: {}", called(state, places)),
        Event::Cells { market, cells, rules } => {
            let name = state.book.markets.get(*market as usize).map_or("", |listed| listed.name.as_str());
            let what = if *rules { "rule" } else { "number" };
            if cells.is_empty() {
                return format!("no number of {name} changed");
            }
            format!("{} of {name}: {}", few(cells.len(), what), numbers(state, name, cells))
        }
        Event::Heard { feed, quote } => said(state, feed, quote),
        Event::Turned { feed, state: is, value } => {
            let decimals = state.feeds.get(feed).map_or(0, |heard| heard.decimals);
            let value =
                value.map_or(String::new(), |value| format!(" at {}", words::decimal(value, decimals)));
            format!("feed {feed} is {}{value}", worth(is, decimals))
        }
        Event::Word { feed, word } => match word {
            Word::Impaired(by, why) => format!("feed {feed} is not believed, says {by}: {why}"),
            Word::Trusted => format!("feed {feed} is believed again"),
            Word::Confirmed => format!("what feed {feed} says is confirmed"),
        },
        Event::Lived { place, what, .. } => lived(state, *place, what),
        Event::Intended { intent, act, place, action, .. } => {
            let value = if act.value == u128::MAX {
                "a value that nobody knows".into()
            } else {
                format!("{} {}", words::decimal(act.value, 6), state.config.currency)
            };
            let what = self::act(state, &act.market, action);
            format!("intent {intent}: {what} of {}, worth {value}", state.called(*place))
        }
        Event::Sent { intent, external } => format!("intent {intent} was sent as {external}"),
        Event::Resolved { intent, outcome } => format!("intent {intent} {}", ended(outcome)),
        Event::Killed { scope, kill } => format!("{scope} is stopped by {}: {}", kill.by, kill.reason),
        Event::Released(what) => format!("{} goes on", released(what)),
        Event::Tripped(flips) => {
            let [accounts, of] = flips.accounts;
            format!("the breaker tripped: {accounts} of {of} accounts with debt turned liquidatable at once")
        }
        Event::Proposed { proposal, by, change, impact } => {
            format!("proposal {proposal} of {by}: {}; {}", changed(change), touches(impact))
        }
        Event::Closed { proposal, by, agreed: true, impact } => {
            let touches = impact.as_ref().map_or(String::new(), |impact| format!(": {}", touches(impact)));
            format!("proposal {proposal} was approved by {by}{touches}")
        }
        Event::Closed { proposal, by, .. } => format!("proposal {proposal} was rejected by {by}"),
        Event::Changed(change) => format!("in force: {}", changed(change)),
        Event::Alert { alert, of } => format!("alert {alert}: {}", alerted(of)),
        Event::Told { alert, to: Ok(to) } => format!("alert {alert} arrived at {to}"),
        Event::Told { alert, to: Err(why) } => format!("alert {alert} did not arrive: {why}"),
        Event::Compared { offset, source } => {
            format!("the clock is {} s ahead of {source}", words::nanoseconds(*offset))
        }
        Event::Over(of) => format!("over: {}", alerted(of)),
        Event::Flipped(places) => format!("newly below their line: {}", called(state, places)),
        Event::Started => "the engine started: no feed is fresh until it is heard again".into(),
    }
}

/// What stood behind a decision, in lines.
pub(super) fn grounds(state: &State, prices: &[Prices], event: &Event) -> Vec<String> {
    let (place, threshold, grounds) = match event {
        Event::Lived { place, what, grounds: Some(grounds) } => {
            (*place, words::decision(what, state.terms(*place)).1, grounds)
        }
        Event::Intended { place, grounds, .. } => (*place, None, grounds),
        _ => return Vec::new(),
    };
    let Grounds { backing, requirement, decimals, healthy, prices: at } = grounds;
    let prices = prices.get(*at as usize).map(Vec::as_slice).unwrap_or_default();
    let exact = |mantissa: &Int| Decimal { mantissa: *mantissa, decimals: *decimals }.trimmed().to_string();
    let health =
        Ratio::of(*backing, *requirement).map_or(String::new(), |ratio| format!(", a health of {ratio}"));
    let line =
        if *healthy { "the venue's own comparison held" } else { "the venue's own comparison did not hold" };
    let compared = threshold.map_or(String::new(), |level| format!("; compared with {level}"));
    let mut lines = vec![format!(
        "{}: {} counted for it, {} was asked{health}; {line}{compared}",
        state.called(place),
        exact(backing),
        exact(requirement)
    )];
    lines.extend(prices.iter().map(|(feed, price)| {
        let heard = state.feeds.get(feed);
        let is = heard.map_or_else(String::new, |heard| worth(&heard.state, heard.decimals));
        let price = price.map_or("unknown".into(), |price| price.trimmed().to_string());
        let quotes = heard.map(|heard| heard.feed.quotes()).unwrap_or_default();
        let from: Vec<String> = quotes
            .iter()
            .map(|quote| {
                let said = words::decimal(quote.value, heard.map_or(0, |heard| heard.decimals));
                format!("{} which said {said} at {}", quote.source, show_stamp(quote.observed))
            })
            .collect();
        format!("{feed} {price}, {is}, heard from {}", from.join(", "))
    }));
    lines
}

fn lived(state: &State, place: u32, what: &Life) -> String {
    let account = state.called(place);
    let (decision, threshold) = words::decision(what, state.terms(place));
    let missing = |missing: u128| match missing {
        u128::MAX => "an unknown sum is missing".to_string(),
        missing => format!("{} is missing", words::decimal(missing, 6)),
    };
    match what {
        Life::Called { deadline, missing: sum } => {
            format!("{account} is called until {}: {}", show_stamp(*deadline), missing(*sum))
        }
        Life::PartlyMet { missing: sum } | Life::Widened { missing: sum } | Life::Moved { missing: sum } => {
            format!("{account}: {decision}; {}", missing(*sum))
        }
        Life::Intended { intent } => format!("{account}: intent {intent} is out for it"),
        _ => match threshold {
            Some(level) => format!("{account}: {decision} (level {level})"),
            None => format!("{account}: {decision}"),
        },
    }
}

fn said(state: &State, feed: &str, quote: &Quote) -> String {
    let decimals = state.feeds.get(feed).map_or(0, |heard| heard.decimals);
    let price = words::decimal(quote.value, decimals);
    format!("{} said {feed} is {price}, observed {}", quote.source, show_stamp(quote.observed))
}

fn worth(is: &FeedState, decimals: u8) -> String {
    match is {
        FeedState::Fresh => "fresh".into(),
        FeedState::Stale => "stale".into(),
        FeedState::Degraded { origins, quorum } => format!("degraded: {origins} of {quorum} origins speak"),
        FeedState::OutOfBounds { value } => {
            format!("out of its bounds at {}", words::decimal(*value, decimals))
        }
        FeedState::Jumped { from, to, origins } => {
            let [from, to] = [*from, *to].map(|price| words::decimal(price, decimals));
            format!("held: it jumped from {from} to {to} by {}", few(*origins, "origin"))
        }
        FeedState::Impaired { by, reason } => format!("not believed, says {by}: {reason}"),
        FeedState::Apart { agree, origins } => {
            format!("not believed: {agree} of {} agree", few(*origins, "origin"))
        }
    }
}

/// Numbers of a market and what they become, the first of them.
fn numbers(state: &State, market: &str, cells: &[(plimsoll_core::Cell, Option<Int>)]) -> String {
    let rows = words::cells(state, market, &cells[..cells.len().min(8)]);
    let rows = rows.as_array().into_iter().flatten().map(|row| {
        format!("{} {}", row["number"].as_str().unwrap_or("?"), row["value"].as_str().unwrap_or("none"))
    });
    let shown = rows.collect::<Vec<_>>().join(", ");
    if cells.len() > 8 { format!("{shown} and {} more", cells.len() - 8) } else { shown }
}

fn act(state: &State, market: &str, action: &plimsoll_core::Action) -> String {
    let place = state.market(market).map(|place| place as usize);
    let listed = place.and_then(|place| state.book.markets.get(place));
    listed.map_or_else(|| "an action".into(), |listed| actions::action_words(listed, action))
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Carried => "was carried out".into(),
        Outcome::Abandoned { why } => format!("was abandoned: {why}"),
    }
}

fn released(what: &Release) -> String {
    match what {
        Release::Kill(scope) => scope.to_string(),
        Release::Breaker => "the breaker".into(),
        Release::Strategy(strategy) => format!("strategy {strategy}"),
    }
}

fn changed(change: &Change) -> String {
    match change {
        Change::Rules { market, cells } => format!("{} of {market}", few(cells.len(), "rule")),
        Change::Prices(_) => "what prices are made of".into(),
        Change::Source(source) => format!("when feed {} is believed", source.price),
        Change::Terms((market, group), _) if group.is_empty() => format!("the policy of {market}"),
        Change::Terms((market, group), _) => format!("the policy of group {group} of {market}"),
        Change::Limits(_) => "the caps on actions".into(),
        Change::Depth(asset, _) => format!("the depth of {asset}"),
        Change::Collar(collar) => format!("the collar, to {}", words::decimal((*collar).into(), 6)),
        Change::People(people) => {
            format!("who is a person: {}", people.iter().cloned().collect::<Vec<_>>().join(", "))
        }
    }
}

fn touches(impact: &Impact) -> String {
    let [below, of] = impact.flips.accounts;
    let Impact { called, unknown, unjudged, escalated, .. } = impact;
    let mut said = format!(
        "{below} of {of} accounts with debt newly below their line, {called} called, {unknown} unknown"
    );
    if *escalated > 0 {
        said += &format!(", {escalated} overdue and then liquidatable");
    }
    if *unjudged > 0 {
        said += &format!("; of {unjudged} more nobody can say");
    }
    said
}

/// What somebody is told.
pub(crate) fn alerted(alert: &Alert) -> String {
    match alert {
        Alert::Account { account, what } => format!("{account}: {what}"),
        Alert::Feed { feed, fresh: true } => format!("feed {feed} is back"),
        Alert::Feed { feed, fresh: false } => format!("feed {feed} is not believed"),
        Alert::Breaker => "the breaker tripped".into(),
        Alert::Killed(scope) => format!("{scope} was stopped"),
        Alert::Throttled(strategy) => format!("strategy {strategy} repeated itself and is stopped"),
        Alert::Deviates { feed, origin } => format!("{origin} says something else of {feed} than the others"),
        Alert::Late(intent) => format!("intent {intent} is out for too long"),
        Alert::Outstanding(intent) => format!("intent {intent} had been sent when it was stopped"),
        Alert::Clock => "the clock is further off than it may be".into(),
        Alert::Unmeasured => "nobody compared the clock for too long".into(),
        Alert::Unseen { market, accounts } => {
            let accounts = crate::check::counted(*accounts, "account");
            format!("{accounts} of {market} not seen for too long, and unknown")
        }
    }
}

fn few(count: usize, what: &str) -> String {
    crate::check::counted(count as u64, what)
}

/// The first of these accounts, and how many more there are.
fn called(state: &State, places: &[u32]) -> String {
    let names: Vec<String> = places.iter().map(|place| state.called(*place)).collect();
    some(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The first names, and how many more there are.
fn some(names: &[&str]) -> String {
    let first = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 5 { format!("{first} and {} more", names.len() - 5) } else { first }
}
