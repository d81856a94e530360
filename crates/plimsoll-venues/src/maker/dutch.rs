//! Auctions with a falling price: `Dog.sol` and `Clip.sol` of dss 1.2 and later.
//!
//! What a buyer pays goes to the system's purse and never back to debt: the debt was taken from the position when the
//! auction began (`sin` of the vow), and what an auction does not bring stays there.

use super::Status;
use super::numbers::{Auction, Dutch, Numbers, RAD, Stored};
use super::prices::{self, is_int};
use super::turn::{Turn, grow, shrink};
use super::words::SEIZED_INT256;
use super::{ART, GEM, VAT_DAI};
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{Arithmetic, Liquidated, Party, RAY, Refusal, Subject, Time, Trace, U256, Unit, WAD};

/// What an auction begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seized {
    /// Collateral taken from the position (wad).
    pub(super) dink: U256,
    /// Normalised debt taken from it (wad).
    pub(super) dart: U256,
    /// Debt with the penalty (rad).
    pub(super) tab: U256,
}

/// What `Dog.bark` would seize of a position.
///
/// # Errors
/// [`Refusal::NotLiquidatable`], [`Refusal::AuctionLimit`], [`Refusal::DustyAuction`], [`Refusal::NullAuction`], in this
/// order; [`Refusal::Overflow`] where the contract reverts, also for a limit so high that its room times 10^18 does not fit.
pub(super) fn seized<T: Trace + ?Sized>(
    t: &mut T,
    numbers: &Numbers,
    ink: U256,
    art: U256,
) -> Result<Seized, Refusal> {
    let Numbers { rules, state } = numbers;
    if !rules.live {
        return Err(Refusal::ShutDown);
    }
    unsafe_line(t, numbers, ink, art)?;
    t.about(Subject::Market);
    let total = rules.dutch.total_hole.sub(state.total_dirt).filter(|room| *room != U256::ZERO);
    let own = rules.dutch.hole.sub(state.dirt).filter(|room| *room != U256::ZERO);
    let (Some(total), Some(own)) = (total, own) else { return Err(Refusal::AuctionLimit) };
    let room = t.min("room = min(Hole - Dirt, hole - dirt)", total, own, RAD);
    let formula = "normalised room = room * 1e18 / rate";
    let at_rate = t.mul_div(formula, room, WAD.value(), state.rate, Down, Unit::WAD)?;
    let formula = "normalised room without the penalty = that / chop";
    let most = t.mul_div(formula, at_rate, U256::ONE, rules.chop, Down, Unit::WAD)?;
    let mut dart = t.min("dart = min(art, that)", art, most, Unit::WAD);
    let left = art.sub_or_zero(dart);
    if left != U256::ZERO {
        let left = t.mul("debt left = (art - dart) * rate", left, state.rate, RAD)?;
        if left < rules.dust {
            dart = art;
        } else if t.mul("debt taken = dart * rate", dart, state.rate, RAD)? < rules.dust {
            return Err(Refusal::DustyAuction);
        }
    }
    let dink = t.mul_div("dink = ink * dart / art", ink, dart, art, Down, Unit::WAD)?;
    if dink == U256::ZERO {
        return Err(Refusal::NullAuction);
    }
    if [dart, dink].into_iter().any(beyond_int) {
        return Err(Refusal::Overflow(SEIZED_INT256));
    }
    let due = t.mul("due = dart * rate", dart, state.rate, RAD)?;
    let tab = t.mul_div("tab = due * chop", due, rules.chop, WAD, Down, RAD)?;
    Ok(Seized { dink, dart, tab })
}

/// `require(dart <= 2**255 && dink <= 2**255)`: one more than an `int256` holds is let through here.
fn beyond_int(value: U256) -> bool {
    !is_int(value.sub_or_zero(U256::ONE))
}

/// `require(spot > 0 && ink * spot < art * rate)`, of `Dog.bark` and `Cat.bite`.
pub(super) fn unsafe_line<T: Trace + ?Sized>(
    t: &mut T,
    numbers: &Numbers,
    ink: U256,
    art: U256,
) -> Result<(), Refusal> {
    let state = &numbers.state;
    if state.spot == U256::ZERO {
        return Err(Refusal::NotLiquidatable);
    }
    let carried = t.mul("carried = ink * spot", ink, state.spot, RAD)?;
    let tab = t.mul("owed = art * rate", art, state.rate, RAD)?;
    if carried < tab { Ok(()) } else { Err(Refusal::NotLiquidatable) }
}

/// The first price of an auction (ray) (`Clipper.getPrice`, times `buf`).
///
/// # Errors
/// [`Refusal::NoValidPrice`] where the oracle has none, [`Refusal::FirstPriceZero`] where it comes to zero.
pub(super) fn first_price<T: Trace + ?Sized>(
    t: &mut T,
    numbers: &Numbers,
    price: Stored,
) -> Result<U256, Refusal> {
    let price = feed_price(t, numbers, price)?;
    let top =
        t.mul_div("first price = price in Dai * buf", price, numbers.rules.dutch.buf, RAY, Down, Unit::RAY)?;
    if top == U256::ZERO { Err(Refusal::FirstPriceZero) } else { Ok(top) }
}

fn feed_price<T: Trace + ?Sized>(t: &mut T, numbers: &Numbers, price: Stored) -> Result<U256, Refusal> {
    if !price.valid {
        return Err(Refusal::NoValidPrice);
    }
    t.about(Subject::Market);
    t.given("price", price.value, Unit::WAD);
    prices::in_dai(t, numbers, price.value)
}

/// Whether `Clipper.kick` takes what was seized.
pub(super) fn may_start(numbers: &Numbers, seized: &Seized) -> Result<(), Refusal> {
    if numbers.rules.dutch.stopped >= 1 {
        return Err(Refusal::AuctionsStopped);
    }
    if seized.tab == U256::ZERO { Err(Refusal::NothingToRaise) } else { Ok(()) }
}

/// Where an auction stands (`Clipper.status`).
pub(super) fn status<T: Trace + ?Sized>(
    t: &mut T,
    rules: &Dutch,
    auction: &Auction,
    at: Time,
) -> Result<Status, Refusal> {
    let started = Time(auction.tic);
    let seconds = at.since(started).ok_or(Refusal::ClockWentBack { state: started, asked: at })?;
    t.given("first price", auction.top, Unit::RAY);
    t.given("seconds since the start", seconds, Unit::SECONDS);
    let price = rules.calc.price(t, auction.top, seconds.into())?;
    let late = U256::from(seconds) > rules.tail;
    let ran_out = late || {
        let formula = "part of the first price = price / first price";
        t.mul_div(formula, price, RAY.value(), auction.top, Down, Unit::RAY)? < rules.cusp
    };
    Ok(Status { price, ran_out })
}

/// Dai (rad) as tokens, rounded up: how [`Liquidated`] counts it.
pub(super) fn tokens(rad: U256) -> Result<U256, Refusal> {
    rad.div(RAY, Up).ok_or(Refusal::Overflow("Dai in wad"))
}

impl<T: Trace + ?Sized> Turn<'_, T> {
    /// `Dog.bark` and `Clipper.kick`; the actor is the keeper that is rewarded.
    pub(super) fn bark(&mut self) -> Result<(), Refusal> {
        let account = self.call.account;
        let position = *self.position(account)?;
        let seized = seized(self.t, &self.numbers, position.ink, position.art)?;
        let Seized { dink, dart, tab } = seized;
        let number = self.numbers.state.kicks.checked_add(1).ok_or(Refusal::Overflow("kicks + 1"))?;
        self.grab(dink, dart, number)?;
        grow(&mut self.numbers.state.total_dirt, tab, "Dirt + tab")?;
        grow(&mut self.numbers.state.dirt, tab, "dirt + tab")?;

        may_start(&self.numbers, &seized)?;
        let price = self.numbers.pip(self.feed);
        let top = first_price(self.t, &self.numbers, price)?;
        self.numbers.state.kicks = number;
        let (pos, tic) = (self.running(), self.call.at.0);
        let auction = Auction { pos, tab, lot: dink, usr: account, tic, top, ..Auction::default() };
        self.put(number, Some(auction));
        self.reward(tab)?;
        self.effects.liquidated = Some(Liquidated { seized: dink, ..Liquidated::default() });
        Ok(())
    }

    /// `tip + tab * chip`, out of new debt of the system.
    fn reward(&mut self, tab: U256) -> Result<(), Refusal> {
        let Dutch { tip, chip, .. } = self.numbers.rules.dutch;
        if tip == U256::ZERO && chip == U256::ZERO {
            return Ok(());
        }
        let part = self.t.mul_div("part of the debt = tab * chip", tab, chip, WAD, Down, RAD)?;
        let reward = self.t.add("reward = tip + part of the debt", tip, part, RAD)?;
        let keeper = self.actor();
        self.suck(keeper, reward)
    }

    fn runs_below(&self, level: u64) -> Result<(), Refusal> {
        if self.numbers.rules.dutch.stopped < level { Ok(()) } else { Err(Refusal::AuctionsStopped) }
    }

    /// `Clipper.redo`; the keeper is rewarded where enough is left on both sides.
    pub(super) fn redo(&mut self, number: u64) -> Result<(), Refusal> {
        self.runs_below(2)?;
        let mut auction = self.auction(number)?;
        let rules = self.numbers.rules.dutch;
        if !status(self.t, &rules, &auction, self.call.at)?.ran_out {
            return Err(Refusal::AuctionStillRuns);
        }
        let price = self.numbers.pip(self.feed);
        let in_dai = feed_price(self.t, &self.numbers, price)?;
        auction.tic = self.call.at.0;
        auction.top = first_price(self.t, &self.numbers, price)?;
        self.put(number, Some(auction));
        let chost = self.numbers.state.chost;
        if (rules.tip != U256::ZERO || rules.chip != U256::ZERO)
            && auction.tab >= chost
            && self.t.mul("worth of the collateral = lot * price", auction.lot, in_dai, RAD)? >= chost
        {
            self.reward(auction.tab)?;
        }
        Ok(())
    }

    /// `Clipper.take`, for the actor himself.
    pub(super) fn take(&mut self, number: u64, amount: U256, most: U256) -> Result<(), Refusal> {
        self.runs_below(3)?;
        let mut auction = self.auction(number)?;
        let Status { price, ran_out } = status(self.t, &self.numbers.rules.dutch, &auction, self.call.at)?;
        if ran_out {
            return Err(Refusal::AuctionRanOut);
        }
        if most < price {
            return Err(Refusal::AuctionTooExpensive { price, most });
        }
        let Bought { slice, owe } = self.take_bought(&auction, amount, price)?;
        let tab = auction.tab.sub_or_zero(owe);
        let lot = auction.lot.sub_or_zero(slice);
        let (house, buyer) = (Party::Auction(number), self.actor());
        self.pass(GEM, slice, house, buyer)?;
        self.pass(VAT_DAI, owe, buyer, Party::Treasury)?;
        grow(&mut self.numbers.state.vow_dai, owe, "dai of the vow + owe")?;
        let sold_out = lot == U256::ZERO;
        self.digs(if sold_out { auction.tab } else { owe })?;

        let mut liquidated = Liquidated { repaid: tokens(owe)?, seized: slice, ..Liquidated::default() };
        if sold_out {
            if tab != U256::ZERO {
                liquidated.bad_debt.push((ART, tokens(tab)?));
            }
            self.remove(number, &auction);
        } else if tab == U256::ZERO {
            self.pass(GEM, lot, house, Party::Account(auction.usr))?;
            self.remove(number, &auction);
        } else {
            (auction.tab, auction.lot) = (tab, lot);
            self.put(number, Some(auction));
        }
        self.effects.liquidated = Some(liquidated);
        Ok(())
    }

    /// What is bought, and for how much: never more than is to be raised, and nothing left below the minimum.
    fn take_bought(&mut self, auction: &Auction, amount: U256, price: U256) -> Result<Bought, Refusal> {
        let Auction { tab, lot, .. } = *auction;
        let slice = self.t.min("slice = min(lot, amount)", lot, amount, Unit::WAD);
        let owe = self.t.mul("owe = slice * price", slice, price, RAD)?;
        let formula = "slice = owe / price";
        if owe > tab {
            let slice = self.t.mul_div(formula, tab, U256::ONE, price, Down, Unit::WAD)?;
            return Ok(Bought { slice, owe: tab });
        }
        let chost = self.numbers.state.chost;
        if owe < tab && slice < lot && tab.sub_or_zero(owe) < chost {
            if tab <= chost {
                return Err(Refusal::NoPartialPurchase);
            }
            let owe = self.t.sub("owe = tab - chost", tab, chost, RAD)?;
            let slice = self.t.mul_div(formula, owe, U256::ONE, price, Down, Unit::WAD)?;
            return Ok(Bought { slice, owe });
        }
        Ok(Bought { slice, owe })
    }

    /// `Dog.digs`.
    fn digs(&mut self, rad: U256) -> Result<(), Refusal> {
        shrink(&mut self.numbers.state.total_dirt, rad)?;
        shrink(&mut self.numbers.state.dirt, rad)
    }

    /// `Clipper._remove`: the last of the list takes the place of the one that ends.
    pub(super) fn remove(&mut self, number: u64, ended: &Auction) {
        let last = self.running().saturating_sub(1);
        let moved = self.market.auctions.iter().find(|(_, auction)| auction.pos == last);
        if let Some((&other, &auction)) = moved
            && other != number
        {
            self.put(other, Some(Auction { pos: ended.pos, ..auction }));
        }
        self.put(number, None);
    }

    /// `Clipper.yank`: whoever calls it off gets the collateral.
    pub(super) fn yank(&mut self, number: u64) -> Result<(), Refusal> {
        let auction = self.auction(number)?;
        self.digs(auction.tab)?;
        let caller = self.actor();
        self.pass(GEM, auction.lot, Party::Auction(number), caller)?;
        self.remove(number, &auction);
        Ok(())
    }

    /// `Clipper.upchost`.
    pub(super) fn upchost(&mut self) -> Result<(), Refusal> {
        let rules = self.numbers.rules;
        self.numbers.state.chost =
            self.t.mul_div("chost = dust * chop", rules.dust, rules.chop, WAD, Down, RAD)?;
        Ok(())
    }
}

/// A purchase.
struct Bought {
    /// Collateral (wad).
    slice: U256,
    /// Its price (rad).
    owe: U256,
}
