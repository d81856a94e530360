//! A throttle on repetition: who does one thing on one account again and again is stopped until a person lets him go on (RTS 6, article 15; SEC 2013
//! on Knight Capital: 212 orders became four million).

use super::Act;
use crate::Stamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One action done too often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    /// Which strategy.
    pub strategy: String,
    /// On which account of which market.
    pub on: [String; 2],
    /// How often within the window.
    pub times: u32,
    /// Since when it is stopped.
    pub since: Stamp,
}

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Repeated { strategy, on: [market, account], times, .. } = self;
        write!(
            f,
            "strategy {strategy} acted {times} times on {account} of {market} and is stopped until a person releases it"
        )
    }
}

/// Counts repetition and stops who repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// So many times within [`Throttle::window`] are allowed.
    pub most: u32,
    /// The window (ns).
    pub window: Stamp,
    times: BTreeMap<(String, String, String), Vec<Stamp>>,
    /// Strategies that are stopped, all of what they do.
    stopped: BTreeMap<String, Repeated>,
}

impl Throttle {
    /// Whether the strategy goes on.
    ///
    /// # Errors
    /// What it repeated.
    pub fn check(&self, act: &Act, now: Stamp) -> Result<(), Repeated> {
        if let Some(repeated) = self.stopped.get(&act.strategy) {
            return Err(repeated.clone());
        }
        let times = self.times.get(&key(act)).map_or(0, |times| self.within(times, now).count() as u32);
        if times < self.most { Ok(()) } else { Err(repeated(act, times, now)) }
    }

    /// An action is intended. Whoever reaches the limit with it is stopped from the next on.
    pub fn take(&mut self, act: &Act, now: Stamp) {
        let mut times: Vec<Stamp> =
            self.times.get(&key(act)).map_or_else(Vec::new, |times| self.within(times, now).collect());
        times.push(now);
        if times.len() as u32 >= self.most {
            let stopped = repeated(act, times.len() as u32, now);
            self.stopped.entry(act.strategy.clone()).or_insert(stopped);
        }
        self.times.insert(key(act), times);
    }

    /// A person lets a strategy go on: its count begins anew. What it had repeated, if it was stopped.
    pub fn release(&mut self, strategy: &str) -> Option<Repeated> {
        let found = self.stopped.remove(strategy)?;
        self.times.retain(|(of, _, _), _| of != strategy);
        Some(found)
    }

    /// Every strategy that is stopped.
    pub fn stopped(&self) -> impl Iterator<Item = &Repeated> {
        self.stopped.values()
    }

    fn within<'t>(&self, times: &'t [Stamp], now: Stamp) -> impl Iterator<Item = Stamp> + 't {
        let window = self.window;
        times.iter().copied().filter(move |at| now.saturating_sub(*at) < window)
    }
}

fn key(act: &Act) -> (String, String, String) {
    (act.strategy.clone(), act.market.clone(), act.account.clone())
}

fn repeated(act: &Act, times: u32, since: Stamp) -> Repeated {
    Repeated { strategy: act.strategy.clone(), on: [act.market.clone(), act.account.clone()], times, since }
}
