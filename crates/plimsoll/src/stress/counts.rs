//! How many accounts are what in each of many worlds, from a book that is packed already.
//!
//! Floats whose error is bounded sweep all worlds; whom they cannot tell the venue's integers judge, world by world. Every count
//! is that of judging everybody.

use super::screen::{far, nodes};
use super::{Counts, Stress};
use crate::ask::Misasked;
use plimsoll_core::{Lens, Market, Reading, Standing, Test, Verdict};
use plimsoll_kernel::{Path, Plan, Threads, World as Nodes, Worlds};

/// Counts of many worlds, and what it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Of each world.
    pub counts: Vec<Counts>,
    /// How many accounts the integers judged, in all worlds together.
    pub judged: u64,
}

impl Stress<'_> {
    /// Counts each of many worlds. A world is what each market of the book reads of each of its prices, at the book's time, as
    /// if it had gone through the oracles that delay it.
    ///
    /// # Errors
    /// When a market cannot stand.
    pub fn counts(&self, worlds: &[Vec<Vec<Reading>>]) -> Result<Counted, Misasked> {
        let undelayed: Vec<_> = self.book.markets.iter().map(|listed| listed.market.undelayed()).collect();
        let mut stood = Vec::with_capacity(worlds.len());
        for readings in worlds {
            stood.push(self.undelayed(&undelayed, readings)?);
        }
        let both = stood.iter().zip(worlds);
        let laid: Vec<Nodes> =
            both.map(|(standings, readings)| nodes(&self.screen.layout, standings, readings)).collect();
        let plan = Plan { money: false, prune: true, pairs: true, path: Path::best() };
        let swept = self.screen.packed.sweep(&Worlds::new(&laid, &self.screen.packed), plan, &Threads::one());
        let mut open: Vec<Vec<u32>> = vec![swept.opaque; worlds.len()];
        for (world, place) in swept.undecided {
            open[world as usize].push(place);
        }
        let plain = self.plain();
        let mut counted = Counted::default();
        for (world, open) in open.into_iter().enumerate() {
            let below = |market: usize| swept.markets.get(market).map_or(0, |tally| tally.below[world]);
            let far: Vec<bool> =
                self.screen.readings.iter().zip(&worlds[world]).map(|(was, is)| far(was, is)).collect();
            let of = |place: usize| self.book.accounts[place].market;
            let mut counts = Counts::default();
            for (market, plain) in plain.iter().enumerate().filter(|(market, _)| !far[*market]) {
                let below = below(market);
                counts += Counts { healthy: plain.healthy - below, liquidatable: below, ..*plain };
            }
            let open: Vec<usize> =
                open.into_iter().map(|place| place as usize).filter(|place| !far[of(*place)]).collect();
            open.iter().for_each(|place| counts.uncount(self.clear(*place)));
            // Where prices are far from today's nobody knows what fits.
            let places = 0..if far.contains(&true) { self.book.accounts.len() } else { 0 };
            for place in open.into_iter().chain(places.filter(|place| far[of(*place)])) {
                let account = &self.book.accounts[place].account;
                counts.count(stood[world][of(place)].judge(account, Test::Liquidation).verdict());
                counted.judged += 1;
            }
            counted.counts.push(counts);
        }
        Ok(counted)
    }

    /// The book's markets, undelayed, at what they read.
    fn undelayed<'m>(
        &'m self,
        undelayed: &'m [Option<Box<dyn Market>>],
        readings: &[Vec<Reading>],
    ) -> Result<Vec<Standing<'m>>, Misasked> {
        let both = self.book.markets.iter().zip(undelayed).zip(readings);
        both.map(|((listed, undelayed), readings)| {
            let market = undelayed.as_deref().unwrap_or(&*listed.market);
            Standing::new(market, readings, Lens::Action, self.book.at)
                .map_err(|refusal| Misasked::Stands { market: listed.name.clone(), refusal })
        })
        .collect()
    }

    /// Of each market, how many accounts have a debt and how many have none: what they are where nobody is below the line.
    fn plain(&self) -> Vec<Counts> {
        let mut plain = vec![Counts::default(); self.book.markets.len()];
        for (place, listed) in self.book.accounts.iter().enumerate() {
            plain[listed.market].count(Some(self.clear(place)));
        }
        plain
    }
}

impl Counts {
    fn uncount(&mut self, verdict: Verdict) {
        self.accounts -= 1;
        *match verdict {
            Verdict::NoDebt => &mut self.no_debt,
            _ => &mut self.healthy,
        } -= 1;
    }
}
