//! Liquidations after a shock: what one call seizes of each account, and what is uncovered when nobody can take more.

use super::sums::Impact;
use crate::forced::{forcing, prepare};
use crate::liquidate::{Accepted, Asker};
use crate::world::World;
use crate::worth::Worth;
use plimsoll_core::{
    Account, Effects, Feeds, InstrumentId, Int, Kind, Lens, Market, Reading, Rounding, Test, U256, Verdict,
};

/// Calls on one account before it is left as it stands.
pub(super) const CALLS_MAX: u32 = 256;

/// Plays the liquidations of these accounts, in this order, and adds up what they seize and leave. What is lost for good is
/// added to what was lost of each market before. Nobody is liquidated in a market that failed.
pub(super) fn play(
    world: &mut World,
    readings: &[Vec<Reading>],
    places: &[usize],
    failed: &[bool],
    impacts: &mut [Impact],
    lost: &mut [Int],
) {
    // What one call takes, each from the market as it stands before any of them.
    let seized: Vec<Option<Int>> = places
        .iter()
        .map(|&place| {
            let m = world.book.accounts[place].market;
            if failed[m] {
                return Some(Int::ZERO);
            }
            seizable(world, place, &readings[m], impacts[m].risk.decimals)
        })
        .collect();
    let mut forced = Vec::new();
    for (&place, seized) in places.iter().zip(seized) {
        let m = world.book.accounts[place].market;
        let game = Game { place, readings: &readings[m], decimals: impacts[m].risk.decimals };
        let outcome = if failed[m] {
            game.uncovered(world).map(|left| (left, Int::ZERO, true))
        } else if game.is_forced(world) {
            let left = game.uncovered(world);
            forced.extend(left.map(|left| (place, left)));
            left.map(|left| (left, Int::ZERO, true))
        } else {
            game.to_the_end(world)
        };
        let impact = &mut impacts[m];
        let sums = outcome.zip(seized).and_then(|((left, gone, over), seized)| {
            let seizable = impact.risk.seizable.add(seized)?;
            let bad_debt = impact.risk.bad_debt.add(left)?.add(gone)?;
            Some((seizable, bad_debt, lost[m].add(gone)?, over))
        });
        match sums {
            Some((seizable, bad_debt, gone, over)) => {
                (impact.risk.seizable, impact.risk.bad_debt, lost[m]) = (seizable, bad_debt, gone);
                impact.unplayed += u64::from(!over);
            }
            None => impact.unplayed += 1,
        }
    }
    // Of venues that force in other ways each account counts as the shock finds it: nobody pays for another's loss twice.
    for (place, left) in forced {
        let m = world.book.accounts[place].market;
        let game = Game { place, readings: &readings[m], decimals: impacts[m].risk.decimals };
        let Some(effects) = game.force(world) else { continue };
        if world.apply(m, &effects).is_ok() {
            let still = game.uncovered(world).unwrap_or(left);
            lost[m] =
                left.sub(still).map_or(lost[m], |gone| lost[m].add(gone.max(Int::ZERO)).unwrap_or(lost[m]));
        }
    }
}

/// What one call can take of an account's collateral, at the venue's prices; `None` where that cannot be told. The world
/// is as it was afterwards.
pub(crate) fn seizable(world: &mut World, place: usize, readings: &[Reading], decimals: u8) -> Option<Int> {
    let game = Game { place, readings, decimals };
    if !game.is_forced(world) {
        return Some(game.best(world).map_or(U256::ZERO, |(value, _)| value).into());
    }
    let m = world.book.accounts[place].market;
    if world.book.markets[m].market.prepared(Feeds { readings }, world.book.at).is_empty() {
        return game.seized_by_force(world);
    }
    // What anybody may do first is to the market alone.
    let before = world.book.markets[m].market.boxed_clone();
    prepare(world, place, readings);
    let seized = game.seized_by_force(world);
    world.book.markets[m].market = before;
    seized
}

/// One account's liquidation.
pub(super) struct Game<'a> {
    pub(super) place: usize,
    pub(super) readings: &'a [Reading],
    pub(super) decimals: u8,
}

impl Game<'_> {
    pub(super) fn market<'w>(&self, world: &'w World) -> &'w dyn Market {
        &*world.book.markets[world.book.accounts[self.place].market].market
    }

    pub(super) fn account<'w>(&self, world: &'w World) -> &'w Account {
        &world.book.accounts[self.place].account
    }

    pub(super) fn feeds(&self) -> Feeds<'_> {
        Feeds { readings: self.readings }
    }

    pub(super) fn is_forced(&self, world: &World) -> bool {
        !self.market(world).forced(self.account(world), self.feeds()).is_empty()
    }

    /// Collateral and debt; `None` where the venue has no answer.
    pub(super) fn sums(&self, market: &dyn Market, account: &Account, world: &World) -> Option<[Int; 2]> {
        let quoted = market.at(self.feeds(), Lens::Action, world.book.at).ok()?;
        let seen = quoted.verdict(account, Test::Borrow).ok()?;
        Some([seen.collateral, seen.debt])
    }

    /// Debt beyond collateral.
    pub(super) fn uncovered(&self, world: &World) -> Option<Int> {
        let [held, owed] = self.sums(self.market(world), self.account(world), world)?;
        Some(owed.sub(held)?.max(Int::ZERO))
    }

    /// The first forcing call that the venue accepts.
    pub(super) fn forcing(&self, world: &World) -> Option<Effects> {
        let calls = self.market(world).forced(self.account(world), self.feeds());
        calls.iter().find_map(|call| forcing(world, self.place, self.readings, call).ok())
    }

    /// The same, after what anybody may do first has been done.
    pub(super) fn force(&self, world: &mut World) -> Option<Effects> {
        prepare(world, self.place, self.readings);
        self.forcing(world)
    }

    /// What the first call that the venue accepts takes of the collateral; nothing where it accepts none.
    fn seized_by_force(&self, world: &World) -> Option<Int> {
        let Some(effects) = self.forcing(world) else { return Some(Int::ZERO) };
        let [held, _] = self.sums(self.market(world), self.account(world), world)?;
        let mut market = self.market(world).boxed_clone();
        market.apply(&effects).ok()?;
        let [left, _] = self.sums(&*market, &effects.apply_to(self.account(world))?, world)?;
        held.sub(left).map(|taken| taken.max(Int::ZERO))
    }

    pub(super) fn worth<'w>(&'w self, world: &'w World) -> Worth<'w> {
        let listed = &world.book.markets[world.book.accounts[self.place].market];
        Worth { book: &world.book, listed, readings: self.readings, decimals: self.decimals }
    }

    /// The value of so much of an asset at the venue's own price.
    pub(super) fn value(&self, world: &World, asset: &str, raw: U256, rounding: Rounding) -> Option<U256> {
        let worth = self.worth(world);
        let (price, _) = worth.at_oracle(asset)?;
        worth.value(asset, raw, price, rounding)
    }

    /// Whether the venue's own test finds it below the line; `None` where it has no answer.
    pub(super) fn is_below(&self, world: &World) -> Option<bool> {
        let quoted = self.market(world).at(self.feeds(), Lens::Action, world.book.at).ok()?;
        let seen = quoted.verdict(self.account(world), Test::Liquidation).ok()?;
        Some(seen.verdict == Verdict::Unhealthy)
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

    /// Liquidates until the account is healthy or nothing more is accepted. What is uncovered then, what was written off,
    /// and whether it is over.
    fn to_the_end(&self, world: &mut World) -> Option<(Int, Int, bool)> {
        let market = world.book.accounts[self.place].market;
        let (mut lost, mut over) = (Int::ZERO, false);
        for _ in 0..CALLS_MAX {
            let call = if self.is_below(world)? { self.best(world) } else { None };
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
        Some((self.uncovered(world)?, lost, over))
    }

    pub(super) fn written_off(&self, world: &World, debt: InstrumentId, raw: U256) -> Option<Int> {
        let asset = &self.market(world).instruments().get(debt.index())?.asset;
        self.value(world, asset, raw, Rounding::Up).map(Int::from)
    }
}
