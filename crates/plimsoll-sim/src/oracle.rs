//! What an oracle publishes of a price, and when it is acted on.
//!
//! Everything is a factor on the price at the start, in whole numbers of 10^-15.

use crate::plan::Oracle;
use std::collections::VecDeque;

/// The factor 1.
pub(crate) const WHOLE: u128 = 1_000_000_000_000_000;
const BPS: u128 = 10_000;
/// No factor goes further, up or down.
const MOST: f64 = 1e9;

/// A float as a factor; at least one unit.
pub(crate) fn factor(of: f64) -> u128 {
    let bounded = if of.is_nan() { 1.0 } else { of.clamp(0.0, MOST) };
    ((bounded * WHOLE as f64) as u128).max(1)
}

/// A feed while prices move.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    terms: Oracle,
    /// What was published last, and when.
    published: u128,
    at: u64,
    /// What will be acted on, and from when.
    coming: VecDeque<(u64, u128)>,
    /// What the price was, and from when on.
    seen: VecDeque<(u64, u128)>,
    /// What is acted on.
    now: u128,
}

impl Feed {
    pub(crate) fn new(terms: Oracle) -> Feed {
        Feed {
            terms,
            published: WHOLE,
            at: 0,
            coming: VecDeque::new(),
            seen: VecDeque::from([(0, WHOLE)]),
            now: WHOLE,
        }
    }

    /// The market is at a factor at a second; whether what is acted on is another now.
    pub(crate) fn look(&mut self, after: u64, market: u128) -> bool {
        let was = self.now;
        let mean = self.mean(after, market);
        if self.terms.frozen.is_none_or(|frozen| after < frozen) {
            self.publish(after, mean);
        }
        while self.coming.front().is_some_and(|(from, _)| *from <= after) {
            self.now = self.coming.pop_front().map_or(self.now, |(_, factor)| factor);
        }
        self.now != was
    }

    /// What is acted on.
    pub(crate) fn now(&self) -> u128 {
        self.now
    }

    fn publish(&mut self, after: u64, mean: u128) {
        let mut next = mean;
        if let Some([_, _, times]) = self.terms.wrong.filter(|[from, to, _]| (*from..*to).contains(&after)) {
            next = next.saturating_mul(u128::from(times)) / BPS;
        }
        let last = self.published;
        if self.terms.cap > 0 {
            let far = last.saturating_mul(u128::from(self.terms.cap)) / BPS;
            next = next.clamp(last.saturating_sub(far), last.saturating_add(far));
        }
        let next = next.max(1);
        let due = after.saturating_sub(self.at) >= self.terms.heartbeat;
        let far = u128::from(self.terms.deviation).saturating_mul(last);
        let moved = far > 0 && next.abs_diff(last).saturating_mul(BPS) >= far;
        if due || moved {
            (self.published, self.at) = (next, after);
            let from = after.saturating_add(self.terms.delay);
            if self.coming.back().map_or(self.now, |(_, factor)| *factor) != next {
                self.coming.push_back((from, next));
            }
        }
    }

    /// The mean over the window that ends now, weighted with time; the price of now is the one from now on.
    fn mean(&mut self, after: u64, market: u128) -> u128 {
        let window = self.terms.mean;
        if window == 0 {
            return market;
        }
        if self.seen.back().is_none_or(|(_, last)| *last != market) {
            self.seen.push_back((after, market));
        }
        let from = after.saturating_sub(window);
        while self.seen.get(1).is_some_and(|(at, _)| *at <= from) {
            self.seen.pop_front();
        }
        if after == from {
            return market;
        }
        let mut sum: u128 = 0;
        for (at, (start, factor)) in self.seen.iter().enumerate() {
            let end = self.seen.get(at + 1).map_or(after, |(end, _)| *end);
            let held = end.saturating_sub((*start).max(from));
            sum = sum.saturating_add(factor.saturating_mul(u128::from(held)));
        }
        sum / u128::from(after - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(terms: Oracle) -> Feed {
        Feed::new(terms)
    }

    fn bps(of: u128) -> u128 {
        WHOLE / 10_000 * of
    }

    #[test]
    fn a_feed_waits_for_its_deviation_or_its_heartbeat() {
        let mut feed = feed(Oracle { heartbeat: 3600, deviation: 50, ..Oracle::default() });
        assert!(!feed.look(60, bps(9960)) && feed.now() == WHOLE, "40 bps are less than 50");
        assert!(feed.look(120, bps(9950)) && feed.now() == bps(9950));
        assert!(!feed.look(3600, bps(9940)), "10 bps, and 3480 seconds");
        assert!(feed.look(3720, bps(9940)) && feed.now() == bps(9940), "3600 seconds after it was published");
    }

    #[test]
    fn what_is_published_is_acted_on_later() {
        let mut feed = feed(Oracle { delay: 3600, deviation: 1, ..Oracle::default() });
        assert!(!feed.look(0, bps(9000)));
        assert!(!feed.look(3599, bps(8000)));
        assert!(feed.look(3600, bps(7000)) && feed.now() == bps(9000));
        assert!(feed.look(7199, bps(7000)) && feed.now() == bps(8000));
    }

    #[test]
    fn a_frozen_feed_keeps_its_price_and_a_wrong_one_multiplies_it() {
        let mut frozen = feed(Oracle { frozen: Some(100), ..Oracle::default() });
        assert!(frozen.look(99, bps(9000)) && !frozen.look(100, bps(100)) && frozen.now() == bps(9000));
        let mut wrong = feed(Oracle { wrong: Some([10, 20, 6500]), ..Oracle::default() });
        assert!(wrong.look(10, WHOLE) && wrong.now() == bps(6500));
        assert!(wrong.look(20, WHOLE) && wrong.now() == WHOLE);
    }

    #[test]
    fn a_cap_holds_each_step_and_a_mean_weighs_time() {
        let mut capped = feed(Oracle { cap: 1000, ..Oracle::default() });
        assert!(capped.look(1, bps(5000)) && capped.now() == bps(9000));
        assert!(capped.look(2, bps(5000)) && capped.now() == bps(8100));
        // Half of the window at 1 and half at 0.5.
        let mut mean = feed(Oracle { mean: 600, ..Oracle::default() });
        mean.look(1000, bps(5000));
        assert_eq!(mean.now(), WHOLE, "from now on, and nothing of it has passed");
        mean.look(1300, bps(5000));
        assert_eq!(mean.now(), bps(7500));
        mean.look(1600, bps(5000));
        assert_eq!(mean.now(), bps(5000));
    }
}
