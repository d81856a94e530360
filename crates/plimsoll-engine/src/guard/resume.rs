//! Gating: after a start, and after an outage of a feed, nothing is liquidated before all feeds that the account needs are back and have been for a while (dYdX
//! 2025-10: hours of halt, then an old price at resume; the sequencer grace of rollups).

use super::Act;
use crate::{Stamp, written};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What an action waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waits {
    /// A feed that is not fresh.
    Feed {
        /// Which.
        feed: String,
    },
    /// The grace after all of them came back.
    Grace {
        /// The feed that came back last.
        feed: String,
        /// When it ends.
        until: Stamp,
    },
    /// Nobody said which feeds the account needs.
    Unknown,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Waits::Feed { feed } => write!(f, "feed {feed} is not fresh"),
            Waits::Grace { feed, until } => {
                write!(f, "feed {feed} has come back, and is waited on until {}", written(*until))
            }
            Waits::Unknown => f.write_str("which feeds the account needs is not known"),
        }
    }
}

/// Which feeds are back, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// How long a feed that came back must have been fresh (ns).
    pub grace: Stamp,
    /// Since when each feed is fresh; `None` where it is not.
    fresh: BTreeMap<String, Option<Stamp>>,
}

impl Resume {
    /// The engine starts: whatever was fresh before is not until it is heard of again.
    pub fn restart(&mut self) {
        for since in self.fresh.values_mut() {
            *since = None;
        }
    }

    /// A feed is fresh from now on, if it was not before.
    pub fn is_fresh(&mut self, feed: &str, now: Stamp) {
        self.fresh.entry(feed.into()).or_insert(None).get_or_insert(now);
    }

    /// A feed is no longer fresh.
    pub fn is_not_fresh(&mut self, feed: &str) {
        self.fresh.insert(feed.into(), None);
    }

    /// Whether an action is past its gate.
    ///
    /// # Errors
    /// What is waited for.
    pub fn check(&self, act: &Act, now: Stamp) -> Result<(), Waits> {
        let needed = act.needs.as_ref().ok_or(Waits::Unknown)?;
        let mut last: Option<(Stamp, &String)> = None;
        for feed in needed {
            let since = self.fresh.get(feed).copied().flatten();
            let since = since.ok_or_else(|| Waits::Feed { feed: feed.clone() })?;
            if last.is_none_or(|(before, _)| since > before) {
                last = Some((since, feed));
            }
        }
        let Some((since, feed)) = last else { return Ok(()) };
        let until = since.saturating_add(self.grace);
        if now >= until { Ok(()) } else { Err(Waits::Grace { feed: feed.clone(), until }) }
    }
}
