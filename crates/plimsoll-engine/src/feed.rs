//! What is believed of a price: several sources, of which no one decides.
//!
//! Each source belongs to an *origin*: whatever fails together (an exchange, a chain's oracle network, one pool). An origin speaks with one voice, the median of its
//! fresh sources; the feed's value is the median over origins, if at least a quorum of them speak. So a wrong origin moves the value no further than to
//! its neighbour, and eleven sources that read one pool are one. More than half of the origins that speak must be no further than a jump from
//! that median: of two that contradict each other nobody is believed, and never a price between them that nobody said.
//!
//! A jump is measured from the value that was believed last, and from that of one to two [`MEMORY`] ago, so that no flight of stairs leads
//! around it.
//!
//! A value is used only where the feed is [`State::Fresh`]. In every other state the last value may be shown, and starts nothing. Medians of an even number are
//! the mean of the two in the middle, rounded down.

use crate::Stamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// When a feed is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// A source that has been silent for longer says nothing (ns since it observed).
    pub max_age: Stamp,
    /// Clocks of sources may be so far ahead of ours (ns).
    pub max_ahead: Stamp,
    /// At this value and below the feed has failed: a feed that rests on its floor has stopped.
    pub floor: u128,
    /// At this value and above the feed has failed.
    pub ceiling: u128,
    /// A source that is this unsure says nothing (millionths of its value).
    pub confidence: u64,
    /// A value further than this from what was believed is a jump (millionths of that).
    pub jump: u64,
    /// So many origins must speak, and more than half of those that do be no further than a jump from their median.
    pub quorum: usize,
    /// So many origins must have jumped, each by itself, for a jump to be believed.
    pub jump_quorum: usize,
}

/// What a source said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Who.
    pub source: String,
    /// What he fails together with.
    pub origin: String,
    /// The price (raw, in the feed's own unit).
    pub value: u128,
    /// How unsure he is (raw).
    pub unsure: u128,
    /// When he observed it.
    pub observed: Stamp,
}

/// Why something that a source said was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    /// A price of zero.
    Zero,
    /// It is older than what the same source said before.
    OutOfOrder,
    /// It was observed in the future.
    Ahead,
    /// Who says so does not belong to the origin that he named before.
    OtherOrigin,
    /// As many sources speak of this feed as there may be.
    TooMany,
}

/// So many sources may speak of a feed.
pub const SOURCES_MAX: usize = 64;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Zero => "a price of zero",
            Refused::OutOfOrder => "older than what the same source said before",
            Refused::Ahead => "observed in the future",
            Refused::OtherOrigin => "the source belonged to another origin before",
            Refused::TooMany => "one source more than may speak of a feed",
        })
    }
}

/// What a feed is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It is believed.
    Fresh,
    /// Some origins speak, too few.
    Degraded {
        /// How many.
        origins: usize,
        /// How many must.
        quorum: usize,
    },
    /// Nobody speaks.
    Stale,
    /// It is at its floor or ceiling, or beyond.
    OutOfBounds {
        /// What it would be.
        value: u128,
    },
    /// It jumped, and too few origins by themselves.
    Jumped {
        /// From the last value that was believed.
        from: u128,
        /// To what it would be.
        to: u128,
        /// How many origins are as far away.
        origins: usize,
    },
    /// A person says that it is not to be believed.
    Impaired {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Enough origins speak, and no more than half of them agree.
    Apart {
        /// How many are near their median.
        agree: usize,
        /// How many speak.
        origins: usize,
    },
}

/// From what was believed this long ago and later a jump is measured (ns).
pub const MEMORY: Stamp = 60 * 1_000_000_000;

/// What was believed from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    since: Stamp,
    first: u128,
}

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    rule: Rule,
    quotes: BTreeMap<String, Quote>,
    /// The last value that was believed, and when it was.
    believed: Option<(u128, Stamp)>,
    /// The first value that was believed in each of the last two spans of [`MEMORY`].
    recent: [Option<Span>; 2],
    impaired: Option<(String, String)>,
}

impl Feed {
    /// A feed of which nothing was heard. `None` for a rule that nothing can meet: no quorum, a floor that is not below the ceiling.
    #[must_use]
    pub fn new(rule: Rule) -> Option<Feed> {
        let sound = rule.quorum > 0 && rule.jump_quorum >= rule.quorum && rule.floor < rule.ceiling;
        sound.then_some(Feed {
            rule,
            quotes: BTreeMap::new(),
            believed: None,
            recent: [None; 2],
            impaired: None,
        })
    }

    /// A source speaks.
    ///
    /// # Errors
    /// [`Refused`]: what he said is not taken, and what he said before stands.
    pub fn hear(&mut self, quote: Quote, now: Stamp) -> Result<(), Refused> {
        self.takes(&quote, now)?;
        self.quotes.insert(quote.source.clone(), quote);
        self.settle(now);
        Ok(())
    }

    /// The same feed by another rule: what was heard and believed stays.
    #[must_use]
    pub fn under(mut self, rule: Rule) -> Feed {
        self.rule = rule;
        self
    }

    /// Whether what a source says is taken.
    ///
    /// # Errors
    /// As [`Feed::hear`].
    pub fn takes(&self, quote: &Quote, now: Stamp) -> Result<(), Refused> {
        if quote.value == 0 {
            return Err(Refused::Zero);
        }
        if quote.observed > now.saturating_add(self.rule.max_ahead) {
            return Err(Refused::Ahead);
        }
        if let Some(before) = self.quotes.get(&quote.source) {
            if before.origin != quote.origin {
                return Err(Refused::OtherOrigin);
            }
            if before.observed > quote.observed {
                return Err(Refused::OutOfOrder);
            }
        } else if self.quotes.len() >= SOURCES_MAX {
            return Err(Refused::TooMany);
        }
        Ok(())
    }

    /// When it is believed.
    #[must_use]
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What every source said last.
    #[must_use]
    pub fn quotes(&self) -> Vec<Quote> {
        self.quotes.values().cloned().collect()
    }

    /// Nothing is heard any more; the last value that was believed stays what jumps are measured from.
    pub fn forget(&mut self) {
        self.quotes.clear();
    }

    /// A person says that the feed is not to be believed, or (`None`) that it is again.
    pub fn impair(&mut self, why: Option<(String, String)>) {
        self.impaired = why;
    }

    /// A person says that the feed's present value is right, jump or not: what it is believed to be then, if all else is well.
    pub fn confirm(&mut self, now: Stamp) -> Option<u128> {
        let value = self.median(now).ok()?;
        self.within(value).then(|| {
            self.believed = Some((value, now));
            self.recent = [Some(Span { since: now, first: value }), None];
            value
        })
    }

    /// What the feed is worth now, and the last value that was believed.
    #[must_use]
    pub fn state(&self, now: Stamp) -> (State, Option<u128>) {
        (self.judge(now).map_or_else(|state| state, |_| State::Fresh), self.believed.map(|(value, _)| value))
    }

    /// The value where it may be used: it is fresh.
    #[must_use]
    pub fn value(&self, now: Stamp) -> Option<u128> {
        self.judge(now).ok()
    }

    /// Origins that speak and are further from what the feed is worth than a jump: one of them may be wrong, or be first to know.
    #[must_use]
    pub fn deviating(&self, now: Stamp) -> Vec<String> {
        let Ok(value) = self.middle(now) else { return Vec::new() };
        let mut far: Vec<String> = self
            .speaking(now)
            .filter(|quote| self.is_jump(value, quote.value))
            .map(|quote| quote.origin.clone())
            .collect();
        far.sort();
        far.dedup();
        far
    }

    /// How far the sources are apart in time (ns): of those that speak, the oldest against the newest observation.
    #[must_use]
    pub fn skew(&self, now: Stamp) -> Stamp {
        let times = || self.speaking(now).map(|quote| quote.observed);
        times().max().unwrap_or(0).saturating_sub(times().min().unwrap_or(0))
    }

    /// When the newest of what speaks was observed.
    #[must_use]
    pub fn newest(&self, now: Stamp) -> Option<Stamp> {
        self.speaking(now).map(|quote| quote.observed).max()
    }

    /// Takes the value for believed where it is.
    fn settle(&mut self, now: Stamp) {
        if let Ok(value) = self.judge(now) {
            let ends = self.from(now).into_iter().flatten();
            let jumped = ends.into_iter().any(|from| self.is_jump(from, value));
            self.believed = Some((value, now));
            self.recent = match self.recent {
                // So many origins moved that it is believed: what was before is no measure any more.
                _ if jumped => [Some(Span { since: now, first: value }), None],
                [Some(span), before] if now.saturating_sub(span.since) < MEMORY => [Some(span), before],
                [last, _] => [Some(Span { since: now, first: value }), last],
            };
        }
    }

    /// What a jump is measured from: what was believed last, and one to two [`MEMORY`] ago.
    fn from(&self, now: Stamp) -> Option<[u128; 2]> {
        let (last, _) = self.believed?;
        let is_near = |span: &&Span| now.saturating_sub(span.since) < 2 * MEMORY;
        let oldest = self.recent.iter().flatten().rfind(is_near);
        Some([last, oldest.map_or(last, |span| span.first)])
    }

    fn judge(&self, now: Stamp) -> Result<u128, State> {
        if let Some((by, reason)) = &self.impaired {
            return Err(State::Impaired { by: by.clone(), reason: reason.clone() });
        }
        let value = self.median(now)?;
        if !self.within(value) {
            return Err(State::OutOfBounds { value });
        }
        for from in self.from(now).into_iter().flatten().filter(|from| self.is_jump(*from, value)) {
            // As far away as the value, and on its side.
            let moved = |voice: &u128| self.is_jump(from, *voice) && (*voice > from) == (value > from);
            let origins = self.voices(now).iter().filter(|voice| moved(voice)).count();
            if origins < self.rule.jump_quorum {
                return Err(State::Jumped { from, to: value, origins });
            }
        }
        Ok(value)
    }

    /// The median of those that speak, where enough of them do and are near it.
    fn median(&self, now: Stamp) -> Result<u128, State> {
        let middle = self.middle(now)?;
        let voices = self.voices(now);
        let agree = voices.iter().filter(|voice| !self.is_jump(middle, **voice)).count();
        // Of an even number the two in the middle must be near each other too, or their mean is what nobody said.
        let mut voices = voices;
        voices.sort_unstable();
        let pair = voices.get(voices.len() / 2).zip(voices.get(voices.len().wrapping_sub(1) / 2));
        let torn = pair.is_some_and(|(high, low)| self.is_jump(*low, *high));
        if torn || agree <= voices.len() / 2 {
            return Err(State::Apart { agree, origins: voices.len() });
        }
        Ok(middle)
    }

    fn middle(&self, now: Stamp) -> Result<u128, State> {
        let mut voices = self.voices(now);
        if voices.is_empty() {
            return Err(State::Stale);
        }
        if voices.len() < self.rule.quorum {
            return Err(State::Degraded { origins: voices.len(), quorum: self.rule.quorum });
        }
        Ok(median(&mut voices))
    }

    const fn within(&self, value: u128) -> bool {
        self.rule.floor < value && value < self.rule.ceiling
    }

    /// Whether a value is further from another than the rule allows; where the product does not fit, it is.
    fn is_jump(&self, from: u128, to: u128) -> bool {
        let apart = from.abs_diff(to).checked_mul(1_000_000);
        let allowed = from.checked_mul(self.rule.jump.into());
        !matches!((apart, allowed), (Some(apart), Some(allowed)) if apart <= allowed)
    }

    /// Sources that are neither old nor unsure.
    fn speaking(&self, now: Stamp) -> impl Iterator<Item = &Quote> {
        self.quotes.values().filter(move |quote| {
            let sure = match (
                quote.unsure.checked_mul(1_000_000),
                quote.value.checked_mul(self.rule.confidence.into()),
            ) {
                (Some(unsure), Some(allowed)) => unsure <= allowed,
                _ => false,
            };
            sure && now.saturating_sub(quote.observed) <= self.rule.max_age
        })
    }

    /// What each origin says.
    fn voices(&self, now: Stamp) -> Vec<u128> {
        let mut origins: BTreeMap<&str, Vec<u128>> = BTreeMap::new();
        for quote in self.speaking(now) {
            origins.entry(&quote.origin).or_default().push(quote.value);
        }
        origins.into_values().map(|mut values| median(&mut values)).collect()
    }
}

/// The median, the mean of the two in the middle rounded down where their number is even; 0 of nothing.
fn median(values: &mut [u128]) -> u128 {
    values.sort_unstable();
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(low), Some(high)) if values.len().is_multiple_of(2) => low + (high - low) / 2,
        (_, Some(value)) => *value,
        _ => 0,
    }
}
