//! Caps on one action, and on an account, a strategy, an asset's depth and everything within any window of time.

use super::{Act, whole};
use crate::Stamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// The window that the caps count in.
pub(super) const WINDOW: Stamp = 60_000_000_000;

/// How much may be done. Values are quanta of the book's currency, a window any 60 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// By one action.
    pub action: u128,
    /// On one account in a window.
    pub account: u128,
    /// By one strategy in a window.
    pub strategy: u128,
    /// By all in a window.
    pub all: u128,
    /// How many actions in a window.
    pub actions: usize,
    /// Of the depth of one asset in a window (millionths).
    pub of_depth: u64,
}

/// Nothing: an engine that nobody gave limits does nothing.
impl Default for Limits {
    fn default() -> Limits {
        Limits { action: 0, account: 0, strategy: 0, all: 0, actions: 0, of_depth: 0 }
    }
}

/// A cap that holds an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// Which.
    pub which: String,
    /// How much it lets.
    pub limit: u128,
    /// How much of it is used.
    pub used: u128,
    /// How much was asked for.
    pub asked: u128,
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cap { which, limit, used, asked } = self;
        // All but the number of actions are millionths.
        let digits = if which.contains("number") { 0 } else { 6 };
        let [asked, used, limit] = [*asked, *used, *limit].map(|raw| match raw {
            u128::MAX => "more than can be said".to_string(),
            raw => whole(raw, digits),
        });
        write!(f, "{asked} on top of {used} is more than {limit}, the cap {which}")
    }
}

/// What was done within a window, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Done(VecDeque<(Stamp, u128)>);

impl Done {
    /// What of it is within the window that ends now.
    fn used(&self, now: Stamp) -> (u128, usize) {
        let within = self.0.iter().rev().take_while(|(at, _)| is_within(*at, now));
        within.fold((0, 0), |(value, count), (_, more)| (value.saturating_add(*more), count + 1))
    }

    fn take(&mut self, now: Stamp, value: u128) {
        while self.0.front().is_some_and(|(at, _)| !is_within(*at, now)) {
            self.0.pop_front();
        }
        self.0.push_back((now, value));
    }
}

/// A window of 60 seconds has its end and not its beginning: two actions 60 seconds apart are in no window together.
const fn is_within(at: Stamp, now: Stamp) -> bool {
    now.saturating_sub(at) < WINDOW
}

/// The caps, and what counts against them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// How much may be done.
    pub limits: Limits,
    all: Done,
    accounts: BTreeMap<(String, String), Done>,
    strategies: BTreeMap<String, Done>,
    depths: BTreeMap<String, Done>,
}

impl Caps {
    /// Whether an action is within every cap.
    ///
    /// # Errors
    /// The first cap that it is beyond.
    pub fn check(&self, act: &Act, now: Stamp) -> Result<(), Cap> {
        let Limits { action, account, strategy, all, actions, of_depth } = self.limits;
        let within = |which: &str, limit: u128, used: u128, asked: u128| {
            let sum = used.checked_add(asked);
            if sum.is_some_and(|sum| sum <= limit) {
                Ok(())
            } else {
                Err(Cap { which: String::from(which), limit, used, asked })
            }
        };
        let used = |done: Option<&Done>| done.map_or(0, |done| done.used(now).0);
        let (used_by_all, count) = self.all.used(now);
        within("on one action", action, 0, act.value)?;
        for (asset, part) in act.parts() {
            let on_depth = used(self.depths.get(asset));
            within("on the part of one asset's depth in 60 s", of_depth.into(), on_depth, part.into())?;
        }
        within("on the number of actions in 60 s", actions as u128, count as u128, 1)?;
        let on_account = self.accounts.get(&(act.market.clone(), act.account.clone()));
        within("on one account in 60 s", account, used(on_account), act.value)?;
        within("on one strategy in 60 s", strategy, used(self.strategies.get(&act.strategy)), act.value)?;
        within("on everything in 60 s", all, used_by_all, act.value)
    }

    /// Whether an action that was counted is within the caps on one action as they are now.
    ///
    /// # Errors
    /// The cap that it is beyond.
    pub fn check_again(&self, act: &Act) -> Result<(), Cap> {
        let limit = self.limits.action;
        if act.value <= limit {
            return Ok(());
        }
        Err(Cap { which: "on one action".into(), limit, used: 0, asked: act.value })
    }

    /// What counts against the caps that an action counts against, in the window that ends now: of its asset's depth (millionths), how
    /// many actions, and values on its account, by its strategy and by all.
    #[must_use]
    pub fn used(&self, act: &Act, now: Stamp) -> [u128; 5] {
        let used = |done: Option<&Done>| done.map_or(0, |done| done.used(now).0);
        let (all, count) = self.all.used(now);
        let account = self.accounts.get(&(act.market.clone(), act.account.clone()));
        [
            used(self.depths.get(&act.asset)),
            count as u128,
            used(account),
            used(self.strategies.get(&act.strategy)),
            all,
        ]
    }

    /// An action is done.
    pub fn take(&mut self, act: &Act, now: Stamp) {
        self.all.take(now, act.value);
        self.accounts.entry((act.market.clone(), act.account.clone())).or_default().take(now, act.value);
        self.strategies.entry(act.strategy.clone()).or_default().take(now, act.value);
        for (asset, part) in act.parts() {
            self.depths.entry(asset.into()).or_default().take(now, part.into());
        }
        // What was not acted on for a window needs no row.
        self.accounts.retain(|_, done| done.used(now).1 > 0);
        self.strategies.retain(|_, done| done.used(now).1 > 0);
        self.depths.retain(|_, done| done.used(now).1 > 0);
    }
}
