//! What stands in front of every action: kill switches, caps, a throttle, price collars, a breaker on mass flips and gating after a restart.
//!
//! All of it is state like other state: integers, in order, changed by what was decided and never by a clock of its own. [`Guards::check`] says whether an
//! action may be intended now and changes nothing; [`Guards::take`] is told that it was. Times are nanoseconds of UTC and never go back.
//!
//! What holds whom:
//!
//! | | owner's own reduction | our protection of an account | liquidation |
//! |---|---|---|---|
//! | kill switch | - | holds | holds |
//! | caps, throttle | - | holds | holds |
//! | collar, breaker, gating | - | - | holds |
//!
//! An owner who reduces his risk is held by nothing: neither a dead feed nor a kill switch keeps anybody in a position. What protects an account acts on an old
//! price rather than not at all, but within its caps.

mod breaker;
mod caps;
mod resume;
mod throttle;

pub use breaker::{Breaker, Flips, Tripped};
pub use caps::{Cap, Caps, Limits};
pub use resume::{Resume, Waits};
pub use throttle::{Repeated, Throttle};

use crate::Stamp;
use plimsoll_core::{Decimal, Int, U256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What an action is to the guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// An owner pays in, pays back or closes.
    Reduction,
    /// We top up, repay or close for an account that is ours to protect.
    Protection,
    /// An account is liquidated.
    Liquidation,
}

/// An action that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What it is.
    pub kind: Kind,
    /// Where.
    pub market: String,
    /// On whose account.
    pub account: String,
    /// What is sold or paid: of several, what is worth most.
    pub asset: String,
    /// The others, and how much of what each one's depth takes it is (millionths).
    pub others: Vec<(String, u64)>,
    /// Whose rule wants it.
    pub strategy: String,
    /// What it is worth (quanta of the book's currency).
    pub value: u128,
    /// How much of what the asset's depth takes it is (millionths).
    pub of_depth: u64,
    /// The feeds that the account stands or falls with; `None` where nobody said.
    pub needs: Option<Vec<String>>,
    /// The price that it would be done at, and the reference (in one unit, any).
    pub prices: [u128; 2],
}

impl Act {
    /// Each asset that is sold, and how much of what its depth takes.
    pub fn parts(&self) -> impl Iterator<Item = (&str, u64)> {
        let first = std::iter::once((self.asset.as_str(), self.of_depth));
        first.chain(self.others.iter().map(|(asset, part)| (asset.as_str(), *part)))
    }
}

/// What a kill switch stops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Everything.
    All,
    /// A market.
    Market(String),
    /// A strategy.
    Strategy(String),
    /// An account, as `MARKET:ACCOUNT`.
    Account(String),
    /// An asset.
    Asset(String),
}

impl Scope {
    /// Whether it stops an action.
    #[must_use]
    pub fn holds(&self, act: &Act) -> bool {
        match self {
            Scope::All => true,
            Scope::Market(name) => *name == act.market,
            Scope::Strategy(name) => *name == act.strategy,
            Scope::Account(name) => {
                let rest = name.strip_prefix(&act.market).and_then(|rest| rest.strip_prefix(':'));
                rest == Some(&act.account)
            }
            Scope::Asset(name) => *name == act.asset || act.others.iter().any(|(other, _)| other == name),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::All => f.write_str("everything"),
            Scope::Market(name) => write!(f, "market {name}"),
            Scope::Strategy(name) => write!(f, "strategy {name}"),
            Scope::Account(name) => write!(f, "account {name}"),
            Scope::Asset(name) => write!(f, "asset {name}"),
        }
    }
}

/// Who threw a switch, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// A person.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Stamp,
}

/// Why an action waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    /// A kill switch.
    Killed {
        /// Of what.
        scope: Scope,
        /// Whose.
        kill: Kill,
    },
    /// A cap.
    Capped(Cap),
    /// It was done too often.
    Throttled(Repeated),
    /// Its price is too far from the reference.
    Collar {
        /// The two prices.
        prices: [u128; 2],
        /// How far they may be apart (millionths of the reference).
        most: u64,
    },
    /// Too much flipped at once.
    Broken(Tripped),
    /// Not everything that it needs is back.
    Waits(Waits),
    /// The prices that it needs were observed too far apart to be put together.
    Skewed {
        /// The feed that was heard of longest ago, and the one that was last.
        feeds: [String; 2],
        /// How far apart (ns).
        apart: Stamp,
        /// How far they may be (ns).
        most: Stamp,
    },
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::Killed { scope, kill } => write!(f, "{scope} was stopped by {}: {}", kill.by, kill.reason),
            Held::Capped(cap) => cap.fmt(f),
            Held::Throttled(repeated) => repeated.fmt(f),
            Held::Collar { prices: [price, reference], most } => {
                // Both are in one unit, which only the market knows: their ratio is said.
                let ratio = price.checked_mul(1_000_000).and_then(|scaled| scaled.checked_div(*reference));
                let ratio = ratio.map_or_else(|| "no number".into(), |ratio| whole(ratio, 6));
                write!(
                    f,
                    "the price is {ratio} times the feed's, further from 1 than {}",
                    whole(u128::from(*most), 6)
                )
            }
            Held::Broken(tripped) => tripped.fmt(f),
            Held::Waits(waits) => waits.fmt(f),
            Held::Skewed { feeds: [old, new], apart, most } => {
                let [apart, most] = [apart, most].map(|span| whole(u128::from(*span), 9));
                write!(f, "{old} was observed {apart} s before {new}, more than {most} s")
            }
        }
    }
}

/// A raw number with so many digits after the point, as people write it.
pub(crate) fn whole(raw: u128, digits: u8) -> String {
    let decimal = Decimal { mantissa: Int::from(U256::from(raw)), decimals: digits };
    decimal.trimmed().to_string()
}

/// Everything that stands in front of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guards {
    kills: BTreeMap<Scope, Kill>,
    /// Caps over actions and windows.
    pub caps: Caps,
    /// The throttle on repetition.
    pub throttle: Throttle,
    /// How far a price may be from the reference (millionths of it).
    pub collar: u64,
    /// The breaker on mass flips.
    pub breaker: Breaker,
    /// What must be back after a start or an outage.
    pub resume: Resume,
}

impl Guards {
    /// Whether an action may be intended now.
    ///
    /// # Errors
    /// [`Held`]: the first guard that holds it, in the order of the header's table.
    pub fn check(&self, act: &Act, now: Stamp) -> Result<(), Held> {
        if act.kind == Kind::Reduction {
            return Ok(());
        }
        if let Some((scope, kill)) = self.kills.iter().find(|(scope, _)| scope.holds(act)) {
            return Err(Held::Killed { scope: scope.clone(), kill: kill.clone() });
        }
        self.throttle.check(act, now).map_err(Held::Throttled)?;
        self.caps.check(act, now).map_err(Held::Capped)?;
        self.is_to_be_trusted(act, now)
    }

    /// Whether an action that was intended, and has been counted, may still be sent.
    ///
    /// # Errors
    /// [`Held`]: a switch that was thrown since, or a feed or the breaker.
    pub fn check_again(&self, act: &Act, now: Stamp) -> Result<(), Held> {
        if act.kind == Kind::Reduction {
            return Ok(());
        }
        if let Some((scope, kill)) = self.kills.iter().find(|(scope, _)| scope.holds(act)) {
            return Err(Held::Killed { scope: scope.clone(), kill: kill.clone() });
        }
        self.caps.check_again(act).map_err(Held::Capped)?;
        self.is_to_be_trusted(act, now)
    }

    /// Whether what a liquidation was decided from is to be trusted.
    fn is_to_be_trusted(&self, act: &Act, now: Stamp) -> Result<(), Held> {
        if act.kind == Kind::Protection {
            return Ok(());
        }
        let [price, reference] = act.prices;
        // As products, so that no division rounds: |price - reference| x 10^6 <= collar x reference.
        let apart = price.abs_diff(reference).checked_mul(1_000_000);
        let allowed = reference.checked_mul(self.collar.into());
        if !matches!((apart, allowed), (Some(apart), Some(allowed)) if apart <= allowed) {
            return Err(Held::Collar { prices: act.prices, most: self.collar });
        }
        self.breaker.check().map_err(Held::Broken)?;
        self.resume.check(act, now).map_err(Held::Waits)
    }

    /// An action is intended, after [`Guards::check`] let it: it counts from now on, whatever becomes of it.
    pub fn take(&mut self, act: &Act, now: Stamp) {
        if act.kind != Kind::Reduction {
            self.throttle.take(act, now);
            self.caps.take(act, now);
        }
    }

    /// Throws a switch. One that is thrown stays as it was.
    pub fn kill(&mut self, scope: Scope, kill: Kill) {
        self.kills.entry(scope).or_insert(kill);
    }

    /// Takes a switch back: whose it was, if it was thrown.
    pub fn release(&mut self, scope: &Scope) -> Option<Kill> {
        self.kills.remove(scope)
    }

    /// Every switch that is thrown.
    pub fn kills(&self) -> impl Iterator<Item = (&Scope, &Kill)> {
        self.kills.iter()
    }
}
