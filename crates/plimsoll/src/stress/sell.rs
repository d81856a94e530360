//! Liquidations by people who sell what they seize and act only where that pays.
//!
//! One account after the other, worst first. Of each the call that pays best is made, again and again, until it is healthy,
//! nothing is left of it, or no call pays. A call is tried whole (all that the venue lets take), and where that does not pay
//! by halves, down to a 64th; each half costs a call of its own. What is seized is sold at once: whoever sells later finds
//! the curve where the one before left it.

use super::play::{CALLS_MAX, Game};
use super::pools::Pools;
use super::sums::{Impact, Risk, Sales, Stays};
use crate::ask::asset_decimals;
use crate::liquidate::{Accepted, Asker, Side};
use crate::shock::{Same, sales_at_par};
use crate::world::World;
use plimsoll_core::{
    Account, Amount, Book, Decimal, Effects, Graph, InstrumentId, Int, Kind, Lens, Lot, Market, Party,
    Reading, Receive, Rounding, U256, Why,
};
use std::collections::BTreeMap;

/// A lot is tried whole, and halved so many times.
const HALVINGS: u32 = 6;

/// Prices of each market: what its contracts act on, and what a sale is worth before any of it is sold.
pub(super) struct Prices<'a> {
    pub(super) venue: &'a [Vec<Reading>],
    pub(super) market: &'a [Vec<Reading>],
    /// What a sale is worth of assets that a market has no price of; nothing known where a doubtful feed says it.
    pub(super) par: &'a [BTreeMap<String, Option<Decimal>>],
}

/// What a sale is worth of assets that each market has no price of.
pub(super) fn at_par(book: &Book, sales: &Graph, same: &Same) -> Vec<BTreeMap<String, Option<Decimal>>> {
    book.markets.iter().map(|listed| sales_at_par(book, listed, sales, same)).collect()
}

/// Plays the liquidations of these accounts, in this order, adds up what becomes of them, and gives what is lost for good.
pub(super) fn sell(
    world: &mut World,
    prices: &Prices<'_>,
    places: &[usize],
    failed: &[bool],
    pools: &mut Pools<'_>,
    impacts: &mut [Impact],
    lost: &mut [Int],
) {
    for &place in places {
        let m = world.book.accounts[place].market;
        let decimals = impacts[m].risk.decimals;
        let game = Game { place, readings: &prices.venue[m], decimals };
        let market = Game { place, readings: &prices.market[m], decimals };
        let gas = pools.gas(&impacts[m].risk.currency, decimals);
        let Some(gas) = gas else {
            impacts[m].unplayed += 1;
            continue;
        };
        let mut seller = Seller {
            game,
            market,
            par: &prices.par[m],
            gas,
            pools,
            sales: Sales::default(),
            lost: Int::ZERO,
            stays: None,
        };
        let done = if failed[m] {
            seller.stays = Some(Stays::Refused);
            Some(true)
        } else {
            seller.play(world)
        };
        let (over, outcome) = (done == Some(true), done.and_then(|_| seller.finish(world)));
        let (sales, gone) = (seller.sales, seller.lost);
        let impact = &mut impacts[m];
        let sums = outcome.and_then(|left| {
            let mut risk = impact.risk.clone();
            let mine = Risk { sales, ..Risk::default() };
            risk.sales = risk.plus(&mine, [Int::ONE; 2])?.sales;
            risk.sales.bad_debt = risk.sales.bad_debt.add(left)?.add(gone)?;
            Some((risk, lost[m].add(gone)?))
        });
        match sums {
            Some((risk, gone)) => {
                (impact.risk, lost[m]) = (risk, gone);
                impact.unplayed += u64::from(!over);
            }
            None => impact.unplayed += 1,
        }
    }
}

struct Seller<'a, 'd> {
    game: Game<'a>,
    market: Game<'a>,
    par: &'a BTreeMap<String, Option<Decimal>>,
    gas: Int,
    pools: &'a mut Pools<'d>,
    sales: Sales,
    lost: Int,
    /// Why the last try ended.
    stays: Option<Stays>,
}

/// A call that pays.
struct Paying {
    effects: Effects,
    bad_debt: Vec<(InstrumentId, U256)>,
    /// What is sold at the market's price, what it brings, and what is left of that.
    sums: [Int; 3],
    /// How far curves are walked down then.
    mark: Vec<U256>,
}

impl Seller<'_, '_> {
    /// Whether it is over; `None` where a number does not fit.
    fn play(&mut self, world: &mut World) -> Option<bool> {
        let m = world.book.accounts[self.game.place].market;
        for _ in 0..CALLS_MAX {
            self.stays = None;
            if !self.game.is_below(world)? {
                return Some(true);
            }
            let call = if self.game.is_forced(world) { self.forced(world) } else { self.best(world) };
            let Some(Paying { effects, bad_debt, sums: [sold, brought, _], mark }) = call else {
                return Some(true);
            };
            for (debt, raw) in bad_debt {
                // At the market's price where there is one.
                let off = self.market.written_off(world, debt, raw);
                let off = off.or_else(|| self.game.written_off(world, debt, raw))?;
                self.lost = self.lost.add(off)?;
            }
            world.apply(m, &effects).ok()?;
            self.pools.back(mark);
            self.sales.calls += 1;
            self.sales.sold = self.sales.sold.add(sold)?;
            self.sales.brought = self.sales.brought.add(brought)?;
            self.sales.gas = self.sales.gas.add(self.gas)?;
        }
        Some(false)
    }

    /// What is left of the account: debt beyond collateral, at the market's price where there is one.
    fn finish(&mut self, world: &World) -> Option<Int> {
        if let Some(why) = self.stays {
            let [collateral, debt] =
                self.game.sums(self.game.market(world), self.game.account(world), world)?;
            let left = &mut self.sales.left[why as usize];
            (left.accounts, left.collateral, left.debt) = (1, collateral, debt);
        }
        let at_market =
            if self.is_priced_apart(world) { self.uncovered(world) } else { self.market.uncovered(world) };
        at_market.or_else(|| self.game.uncovered(world))
    }

    /// What a sale of a whole token is worth.
    fn price(&self, world: &World, asset: &str) -> Result<Decimal, Stays> {
        match self.par.get(asset) {
            Some(price) => price.ok_or(Stays::Unpriced),
            None => self.market.worth(world).at_oracle(asset).map(|(price, _)| price).ok_or(Stays::Unpriced),
        }
    }

    /// Whether the venue values something that the account has at a price that is not its asset's own: a category's, or par.
    fn is_priced_apart(&self, world: &World) -> bool {
        let (market, account) = (self.game.market(world), self.game.account(world));
        let held = account.holdings().iter().filter(|holding| !holding.quantity.is_zero());
        let mut specs = held.filter_map(|holding| market.instruments().get(holding.instrument.index()));
        if specs.any(|spec| self.par.contains_key(&spec.asset)) {
            return true;
        }
        // Prices of what is no asset of the market: does the account hang on one?
        let assets = || market.instruments().iter().map(|one| &one.asset);
        let mut readings = self.market.readings.to_vec();
        for (slot, reading) in market.slots().iter().zip(&mut readings) {
            if !assets().any(|asset| *asset == slot.asset) {
                let doubled = reading.value.and_then(|value| value.add(value));
                *reading = doubled.map_or(Reading::unknown(None, Why::Missing), Reading::certain);
            }
        }
        let other = Game { readings: &readings, ..self.market };
        self.market.sums(market, account, world) != other.sums(market, account, world)
    }

    /// Debt beyond collateral, each asset at its own price of a sale; of positions what the venue says.
    fn uncovered(&self, world: &World) -> Option<Int> {
        let (market, account) = (self.game.market(world), self.game.account(world));
        let quoted = market.at(self.market.feeds(), Lens::Action, world.book.at).ok()?;
        let (worth, mut missing) = (self.market.worth(world), Int::ZERO);
        for holding in account.holdings().iter().filter(|holding| !holding.quantity.is_zero()) {
            let spec = market.instruments().get(holding.instrument.index())?;
            let balance = quoted.balance(account, holding.instrument).ok()?;
            let value = |rounding| {
                let price = self.price(world, &spec.asset).ok()?;
                worth.value_of(balance.raw, spec.decimals, price, rounding).map(Int::from)
            };
            let owed = match spec.kind {
                Kind::Debt => value(Rounding::Up)?,
                Kind::Receipt if market.counting(account, holding.instrument).ok()?.weight.is_some() => {
                    Int::ZERO.sub(value(Rounding::Down)?)?
                }
                Kind::Receipt | Kind::Asset => Int::ZERO,
                Kind::Balance | Kind::Derivative => {
                    let value = Int::from(balance.value?);
                    if holding.quantity.is_negative() { value } else { Int::ZERO.sub(value)? }
                }
            };
            missing = missing.add(owed)?;
        }
        Some(missing.max(Int::ZERO))
    }

    /// Of several reasons the one that says most of what could be done is told.
    fn note(&mut self, why: Stays) {
        let rank = |why: &Stays| match why {
            Stays::Refused => 0,
            Stays::Away => 1,
            Stays::Unpriced => 2,
            Stays::NoCurve => 3,
            Stays::Beyond => 4,
        };
        if self.stays.as_ref().is_none_or(|known| rank(known) < rank(&why)) {
            self.stays = Some(why);
        }
    }

    /// The call that pays best of all pairs.
    fn best(&mut self, world: &World) -> Option<Paying> {
        let asker = Asker { world, account: self.game.place, readings: self.game.readings };
        let mut best: Option<Paying> = None;
        for debt in asker.held_of(Kind::Debt) {
            for collateral in asker.held_of(Kind::Receipt) {
                let Some(paying) = self.pair(&asker, &debt, &collateral) else { continue };
                if best.as_ref().is_none_or(|best| paying.sums[2] > best.sums[2]) {
                    best = Some(paying);
                }
            }
        }
        if best.is_some() {
            self.stays = None;
        }
        best
    }

    /// The largest of the whole lot and its halves that pays.
    fn pair(&mut self, asker: &Asker<'_>, debt: &Side, collateral: &Side) -> Option<Paying> {
        // Nobody sells a receipt that the pool cannot pay out: what it can goes.
        let Ok(whole) = asker.paid_out(debt, collateral) else {
            self.note(Stays::Refused);
            return None;
        };
        let pair = [debt.instrument, collateral.instrument];
        let (repaid, seized) = (whole.does.repaid, whole.does.seized);
        let mut lot = Some(whole);
        let (mut repay, mut seize) = (repaid, seized);
        for _ in 0..=HALVINGS {
            if let Some(accepted) = lot {
                match self.pays(asker.world, debt, collateral, accepted) {
                    Ok(paying) => return Some(paying),
                    Err(why) => self.note(why),
                }
            }
            (repay, seize) = (repay.half(), seize.half());
            let ask = |lot| asker.ask(pair, lot, Receive::Asset).ok();
            lot = ask(Lot::Repay(Amount::Assets(repay))).or_else(|| ask(Lot::Seize(seize)));
        }
        None
    }

    fn pays(
        &mut self,
        world: &World,
        debt: &Side,
        collateral: &Side,
        accepted: Accepted,
    ) -> Result<Paying, Stays> {
        let Accepted { effects, does, .. } = accepted;
        let worth = self.market.worth(world);
        let (sale, owed) = (self.price(world, &collateral.asset)?, self.price(world, &debt.asset)?);
        let taken = does.seized.sub_or_zero(does.fee);
        let value = |raw, price, token, rounding| {
            worth.value_of(raw, token, price, rounding).map(Int::from).ok_or(Stays::Unpriced)
        };
        let sold = value(taken, sale, collateral.decimals, Rounding::Down)?;
        let cost = value(does.repaid, owed, debt.decimals, Rounding::Up)?;
        let before = self.pools.mark();
        // Whoever seizes what he repaid has nothing to sell.
        let brought = if collateral.asset == debt.asset {
            Ok(sold)
        } else {
            let lot = (taken, collateral.decimals);
            let curve = self.pools.curve(&collateral.asset, &debt.asset).ok_or(Stays::NoCurve);
            curve.and_then(|curve| {
                let got = self.pools.sell(curve, lot, sale, self.game.decimals);
                got.map(Int::from).ok_or(Stays::Beyond)
            })
        };
        let mark = self.pools.mark();
        self.pools.back(before);
        let brought = brought?;
        let profit = brought.sub(cost).and_then(|gain| gain.sub(self.gas)).ok_or(Stays::Unpriced)?;
        // A call that takes and pays nothing would be made for ever.
        if profit.is_negative() || (does.repaid == U256::ZERO && does.seized == U256::ZERO) {
            return Err(Stays::Away);
        }
        Ok(Paying { effects, bad_debt: does.bad_debt, sums: [sold, brought, profit], mark })
    }

    /// Where the venue takes the account over, or auctions it: all that the call takes is sold, less what a call costs; what the
    /// venue gave up for it beyond that is lost. Where all of it goes to other accounts nothing is sold, and nobody stays away
    /// for it.
    fn forced(&mut self, world: &mut World) -> Option<Paying> {
        let Some(effects) = self.game.force(world) else {
            self.note(Stays::Refused);
            return None;
        };
        let before = self.pools.mark();
        let dealt = self.dealt(world, &effects);
        let mark = self.pools.mark();
        self.pools.back(before);
        match dealt {
            Ok((sold, brought, given)) => {
                let kept = brought.sub(self.gas)?;
                let hands_all_on = sold.is_zero() && given.is_zero();
                if kept > Int::ZERO || hands_all_on {
                    self.lost = self.lost.add(given.sub(kept.max(Int::ZERO))?.max(Int::ZERO))?;
                    return Some(Paying { effects, bad_debt: Vec::new(), sums: [sold, brought, kept], mark });
                }
                self.note(Stays::Away);
            }
            Err(why) => self.note(why),
        }
        None
    }

    /// What is sold of a forced account at the market's price, what it brings, and what the venue gave up: debt, and credits.
    /// What goes to other accounts is neither sold nor lost here: it is theirs, and counts with them.
    fn dealt(&mut self, world: &World, effects: &Effects) -> Result<(Int, Int, Int), Stays> {
        let was = self.game.market(world);
        let mut is = was.boxed_clone();
        is.apply(effects).map_err(|_| Stays::Refused)?;
        let account = self.game.account(world);
        let after = effects.apply_to(account).ok_or(Stays::Refused)?;
        let then = self.amounts(was, account, world).ok_or(Stays::Unpriced)?;
        let now = self.amounts(&*is, &after, world).ok_or(Stays::Unpriced)?;
        let others = handed_on(was, effects, account).ok_or(Stays::Unpriced)?;
        let decimals = self.game.decimals;
        let (mut sold, mut brought, mut given) = (Int::ZERO, Int::ZERO, Int::ZERO);
        let add = |sum: &mut Int, more: Option<U256>| {
            *sum = more.and_then(|more| sum.add(more.into())).ok_or(Stays::Unpriced)?;
            Ok(())
        };
        let worth = self.market.worth(world);
        let debts: Vec<&str> =
            then.iter().filter(|(_, [_, owed])| !owed.is_zero()).map(|(asset, _)| asset.as_str()).collect();
        for (asset, [held, owed]) in &then {
            let (held_now, owed_now) = now.get(asset).map_or((Int::ZERO, Int::ZERO), |it| (it[0], it[1]));
            let token = asset_decimals(was, asset).ok_or(Stays::Unpriced)?;
            let price = || self.price(world, asset);
            let [with, against] = others.get(asset).copied().unwrap_or_default();
            let less = |was: &Int, is: Int, gone: Int| was.sub(is)?.sub(gone);
            let taken = less(held, held_now, with).ok_or(Stays::Unpriced)?;
            let (credited, taken) = (taken.is_negative(), taken.magnitude());
            let cleared = less(owed, owed_now, against).ok_or(Stays::Unpriced)?.max(Int::ZERO).magnitude();
            if cleared != U256::ZERO {
                add(&mut given, worth.value_of(cleared, token, price()?, Rounding::Up))?;
            }
            if taken == U256::ZERO {
                continue;
            }
            let price = price()?;
            if credited {
                add(&mut given, worth.value_of(taken, token, price, Rounding::Up))?;
                continue;
            }
            add(&mut sold, worth.value_of(taken, token, price, Rounding::Down))?;
            let against = debts.first().copied().unwrap_or_default();
            let curve = self.pools.curve(asset, against).ok_or(Stays::NoCurve)?;
            let got = self.pools.sell(curve, (taken, token), price, decimals).ok_or(Stays::Beyond)?;
            add(&mut brought, Some(got))?;
        }
        for (asset, [held, _]) in now.iter().filter(|(asset, _)| !then.contains_key(*asset)) {
            let token = asset_decimals(was, asset).ok_or(Stays::Unpriced)?;
            let price = self.price(world, asset)?;
            add(&mut given, worth.value_of(held.magnitude(), token, price, Rounding::Up))?;
        }
        Ok((sold, brought, given))
    }

    /// Raw amounts of each asset that an account holds and owes.
    fn amounts(
        &self,
        market: &dyn Market,
        account: &Account,
        world: &World,
    ) -> Option<BTreeMap<String, [Int; 2]>> {
        let quoted = market.at(self.game.feeds(), Lens::Action, world.book.at).ok()?;
        let mut amounts: BTreeMap<String, [Int; 2]> = BTreeMap::new();
        for holding in account.holdings().iter().filter(|holding| !holding.quantity.is_zero()) {
            let spec = market.instruments().get(holding.instrument.index())?;
            let Some(side) = side(spec.kind) else { continue };
            let raw = quoted.balance(account, holding.instrument).ok()?.raw;
            let sums = amounts.entry(spec.asset.clone()).or_default();
            sums[side] = sums[side].add(raw.into())?;
        }
        Some(amounts)
    }
}

/// Raw amounts of each asset, held and owed, that a call hands on to other accounts of the market: to one of them, or through its
/// pool to all.
fn handed_on(
    market: &dyn Market,
    effects: &Effects,
    account: &Account,
) -> Option<BTreeMap<String, [Int; 2]>> {
    let mut amounts: BTreeMap<String, [Int; 2]> = BTreeMap::new();
    let to_others = |party: Party| match party {
        Party::Pool => true,
        Party::Account(id) => id != account.id,
        _ => false,
    };
    for flow in effects.flows.iter().filter(|flow| to_others(flow.to)) {
        let spec = market.instruments().get(flow.instrument.index())?;
        let Some(side) = side(spec.kind) else { continue };
        let sums = amounts.entry(spec.asset.clone()).or_default();
        sums[side] = sums[side].add(flow.amount.into())?;
    }
    Some(amounts)
}

/// Where an account's holding counts: with what it holds, or with what it owes.
fn side(kind: Kind) -> Option<usize> {
    match kind {
        Kind::Receipt => Some(0),
        Kind::Debt => Some(1),
        Kind::Asset | Kind::Balance | Kind::Derivative => None,
    }
}
