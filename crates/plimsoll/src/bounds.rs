//! What is proven of many accounts at once: none of them reaches a health.

use plimsoll_core::num::Wide;
use plimsoll_core::{Account, Assessment, Decimal, Feeds, Int, Quoted, Reading, Test, U256, Verdict, Why};

/// A health to be reached: backing / requirement is at least `parts / whole`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    parts: U256,
    whole: U256,
}

impl Target {
    /// A health as people write it; `None` unless it is above zero and 256 bits hold it.
    pub(crate) fn of(health: Decimal) -> Option<Target> {
        let Decimal { mantissa, decimals } = health.trimmed();
        let parts = mantissa.to_u256().filter(|parts| *parts != U256::ZERO)?;
        Some(Target { parts, whole: U256::pow10(decimals)? })
    }

    /// Whether the two integers that the venue compares reach it, exactly; nothing owed reaches everything.
    pub(crate) fn reached(&self, assessed: &Assessment) -> bool {
        assessed.verdict == Verdict::NoDebt || self.covers(assessed.backing, assessed.requirement)
    }

    /// By how much it is reached, in units of its own: below zero where it is not. `None` beyond 512 bits.
    pub(crate) fn gap(&self, assessed: &Assessment) -> Option<Wide> {
        let held = assessed.backing.mul_wide(Int::from(self.whole));
        held.sub(assessed.requirement.mul_wide(Int::from(self.parts)))
    }

    fn covers(&self, backing: Int, requirement: Int) -> bool {
        backing.mul_wide(Int::from(self.whole)) >= requirement.mul_wide(Int::from(self.parts))
    }

    /// Whether it is proven that no account between two reaches it, at the prices that the markets read and in any market
    /// whose indices lie between those of the two.
    ///
    /// `low` holds of nothing more than `high`; [`Quoted::over`] has the bounds.
    pub(crate) fn missed_between(
        &self,
        markets: [&dyn Quoted; 2],
        [low, high]: [&Account; 2],
        readings: &[Reading],
    ) -> bool {
        let range = |quoted: &dyn Quoted| quoted.over(low, high, Test::Liquidation, Feeds { readings });
        let [Ok(one), Ok(other)] = markets.map(range) else { return false };
        let free = |verdict: Option<Verdict>| verdict == Some(Verdict::NoDebt);
        let backing = one.backing[1].max(other.backing[1]);
        let requirement = one.requirement[0].min(other.requirement[0]);
        !free(one.verdict) && !free(other.verdict) && !self.covers(backing, requirement)
    }
}

/// The least and the greatest that two accounts hold of each thing. A deposit that pays a debt, as at a venue with one
/// balance for both, leaves more of one and less of the other. Where one of them holds no more of anything, the two are the ends,
/// with what the venue keeps of each beside.
pub(crate) fn around(one: &Account, other: &Account) -> [Account; 2] {
    let within = |low: &Account, high: &Account| {
        let mut all = low.holdings().iter().chain(high.holdings());
        all.all(|held| low.quantity(held.instrument) <= high.quantity(held.instrument))
    };
    if within(other, one) {
        return [other.clone(), one.clone()];
    }
    let (mut low, mut high) = (one.clone(), other.clone());
    for holding in one.holdings().iter().chain(other.holdings()) {
        let held = [one, other].map(|account| account.quantity(holding.instrument));
        low.set(holding.instrument, held[0].min(held[1]));
        high.set(holding.instrument, held[0].max(held[1]));
    }
    [low, high]
}

/// Whether it is proven that every account between two is below one of the venue's own lines.
pub(crate) fn unhealthy_between(
    quoted: &dyn Quoted,
    test: Test,
    [low, high]: [&Account; 2],
    readings: &[Reading],
) -> bool {
    let range = quoted.over(low, high, test, Feeds { readings });
    range.is_ok_and(|range| range.verdict == Some(Verdict::Unhealthy))
}

/// The prices that a venue would use, without what we doubt of them.
pub(crate) fn points(readings: &[Reading]) -> Vec<Reading> {
    let point = |reading: &Reading| match reading.value {
        Some(value) => Reading::certain(value),
        None => Reading::unknown(None, reading.doubt.unwrap_or(Why::Missing)),
    };
    readings.iter().map(point).collect()
}
