//! Liquidations after a shock: what one call seizes of each account, and what is uncovered when nobody can take more.

use super::Impact;
use crate::forced::{forcing, prepare};
use crate::liquidate::{Accepted, Asker};
use crate::world::World;
use crate::worth::Worth;
use plimsoll_core::{
    Account, Book, Feeds, InstrumentId, Int, Kind, Lens, Market, Reading, Rounding, Test, U256, Verdict,
};

use std::collections::BTreeMap;

/// Calls on one account before it is left as it stands.
const CALLS_MAX: u32 = 256;

/// Plays the liquidations of these accounts, in this order, and adds up what they seize and leave.
pub(super) fn play(book: &Book, readings: &[Vec<Reading>], places: &[usize], impacts: &mut [Impact]) {
    if places.is_empty() {
        return;
    }
    let first = World { book: book.clone() };
    let mut world = first.clone();
    // Of venues that force in other ways: the world after what anybody may do first.
    let mut ready: BTreeMap<usize, World> = BTreeMap::new();
    for &place in places {
        let m = book.accounts[place].market;
        let game = Game { place, readings: &readings[m], decimals: impacts[m].risk.decimals };
        let outcome = if game.is_forced(&world) {
            let ready = ready.entry(m).or_insert_with(|| {
                let mut world = first.clone();
                prepare(&mut world, place, &readings[m]);
                world
            });
            game.seized_by_force(ready).zip(game.uncovered(&world)).map(|sums| (sums, true))
        } else {
            let seized = game.best(&first).map_or(U256::ZERO, |(value, _)| value);
            game.to_the_end(&mut world).map(|(left, over)| ((seized.into(), left), over))
        };
        let impact = &mut impacts[m];
        let sums = outcome.and_then(|((seized, left), over)| {
            Some((impact.risk.seizable.add(seized)?, impact.risk.bad_debt.add(left)?, over))
        });
        match sums {
            Some((seizable, bad_debt, over)) => {
                (impact.risk.seizable, impact.risk.bad_debt) = (seizable, bad_debt);
                impact.unplayed += u64::from(!over);
            }
            None => impact.unplayed += 1,
        }
    }
}

/// What one call can take of an account's collateral, at the venue's prices; `None` where that cannot be told.
pub(crate) fn seizable(world: &World, place: usize, readings: &[Reading], decimals: u8) -> Option<Int> {
    let game = Game { place, readings, decimals };
    if !game.is_forced(world) {
        return Some(game.best(world).map_or(U256::ZERO, |(value, _)| value).into());
    }
    let mut ready = world.clone();
    prepare(&mut ready, place, readings);
    game.seized_by_force(&ready)
}

/// One account's liquidation.
struct Game<'a> {
    place: usize,
    readings: &'a [Reading],
    decimals: u8,
}

impl Game<'_> {
    fn market<'w>(&self, world: &'w World) -> &'w dyn Market {
        &*world.book.markets[world.book.accounts[self.place].market].market
    }

    fn account<'w>(&self, world: &'w World) -> &'w Account {
        &world.book.accounts[self.place].account
    }

    fn feeds(&self) -> Feeds<'_> {
        Feeds { readings: self.readings }
    }

    fn is_forced(&self, world: &World) -> bool {
        !self.market(world).forced(self.account(world), self.feeds()).is_empty()
    }

    /// Collateral and debt; `None` where the venue has no answer.
    fn sums(&self, market: &dyn Market, account: &Account, world: &World) -> Option<[Int; 2]> {
        let quoted = market.at(self.feeds(), Lens::Action, world.book.at).ok()?;
        let seen = quoted.verdict(account, Test::Borrow).ok()?;
        Some([seen.collateral, seen.debt])
    }

    /// Debt beyond collateral.
    fn uncovered(&self, world: &World) -> Option<Int> {
        let [held, owed] = self.sums(self.market(world), self.account(world), world)?;
        Some(owed.sub(held)?.max(Int::ZERO))
    }

    /// What the first call that the venue accepts takes of the collateral; nothing where it accepts none.
    fn seized_by_force(&self, world: &World) -> Option<Int> {
        let calls = self.market(world).forced(self.account(world), self.feeds());
        let effects = calls.iter().find_map(|call| forcing(world, self.place, self.readings, call).ok());
        let Some(effects) = effects else { return Some(Int::ZERO) };
        let [held, _] = self.sums(self.market(world), self.account(world), world)?;
        let mut market = self.market(world).boxed_clone();
        market.apply(&effects).ok()?;
        let [left, _] = self.sums(&*market, &effects.apply_to(self.account(world))?, world)?;
        held.sub(left).map(|taken| taken.max(Int::ZERO))
    }

    fn worth<'w>(&'w self, world: &'w World) -> Worth<'w> {
        let listed = &world.book.markets[world.book.accounts[self.place].market];
        Worth { book: &world.book, listed, readings: self.readings, decimals: self.decimals }
    }

    /// The value of so much of an asset at the venue's own price.
    fn value(&self, world: &World, asset: &str, raw: U256, rounding: Rounding) -> Option<U256> {
        let worth = self.worth(world);
        let (price, _) = worth.at_oracle(asset)?;
        worth.value(asset, raw, price, rounding)
    }

    /// The call that seizes most, by the venue's own prices.
    fn best(&self, world: &World) -> Option<(U256, Accepted)> {
        let asker = Asker { world, account: self.place, readings: self.readings };
        let mut best: Option<(U256, Accepted)> = None;
        for debt in asker.held_of(Kind::Debt) {
            for collateral in asker.held_of(Kind::Receipt) {
                let Ok((accepted, _)) = asker.most(&debt, &collateral) else { continue };
                let value = self.value(world, &collateral.asset, accepted.does.seized, Rounding::Down);
                let value = value.unwrap_or(U256::ZERO);
                if best.as_ref().is_none_or(|(most, _)| value > *most) {
                    best = Some((value, accepted));
                }
            }
        }
        best
    }

    /// Liquidates until the account is healthy or nothing more is accepted. What is uncovered then, with what was written
    /// off, and whether it is over.
    fn to_the_end(&self, world: &mut World) -> Option<(Int, bool)> {
        let market = world.book.accounts[self.place].market;
        let (mut lost, mut over) = (Int::ZERO, false);
        for _ in 0..CALLS_MAX {
            let quoted = self.market(world).at(self.feeds(), Lens::Action, world.book.at).ok()?;
            let seen = quoted.verdict(self.account(world), Test::Liquidation).ok()?;
            drop(quoted);
            let call = if seen.verdict == Verdict::Unhealthy { self.best(world) } else { None };
            let Some((_, Accepted { effects, does, .. })) = call else {
                over = true;
                break;
            };
            for &(debt, raw) in &does.bad_debt {
                lost = lost.add(self.written_off(world, debt, raw)?)?;
            }
            world.apply(market, &effects).ok()?;
            if does.seized == U256::ZERO && does.repaid == U256::ZERO {
                over = true;
                break;
            }
        }
        Some((lost.add(self.uncovered(world)?)?, over))
    }

    fn written_off(&self, world: &World, debt: InstrumentId, raw: U256) -> Option<Int> {
        let asset = &self.market(world).instruments().get(debt.index())?.asset;
        self.value(world, asset, raw, Rounding::Up).map(Int::from)
    }
}
