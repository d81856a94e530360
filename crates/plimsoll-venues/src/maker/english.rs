//! Auctions with bids: `Cat.sol` and `Flip.sol` of dss 1.0 (2019, liquidations 1.0) and dss 1.1 (August 2020, 1.2).
//!
//! First bidders offer more Dai for all of the collateral (`tend`), until somebody offers all of the debt with the
//! penalty; from then on they ask for less collateral for that (`dent`), and what is spared goes back to the position's
//! owner. A bid stands for `ttl`, an auction lasts for `tau`; then anybody hands the collateral over (`deal`). Nothing
//! keeps a first bid above zero Dai but other bidders: on 12 March 2020 there were none.
//!
//! The two revisions differ in what is seized, in whether all that is on auction has a limit (`box`, of which `deal` and
//! `yank` give back), and in one bidder raising his own bid: up to 1.0 he had to have the last bid's Dai once more.

use super::dutch::{Seized, tokens, unsafe_line};
use super::numbers::{Auction, Numbers, RAD};
use super::prices::is_int;
use super::turn::{INT256, Turn, grow, shrink};
use super::words::{bid, phase};
use super::{ART, GEM, Revision, VAT_DAI};
use plimsoll_core::Rounding::Down;
use plimsoll_core::{Arithmetic, Liquidated, Party, RAY, Refusal, Subject, Time, Trace, U256, Unit, WAD};

/// What `Cat.bite` would seize of a position.
///
/// # Errors
/// [`Refusal::NotLiquidatable`], [`Refusal::AuctionLimit`], [`Refusal::NullAuction`]; [`Refusal::Overflow`] and
/// [`Refusal::DivisionByZero`] where the contract reverts.
pub(super) fn seized<T: Trace + ?Sized>(
    t: &mut T,
    revision: Revision,
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
    let (dink, dart) = if revision == Revision::V1_0 {
        let dink = t.min("dink = min(ink, lump)", ink, rules.english.lump, Unit::WAD);
        let part = t.mul_div("dart = dink * art / ink", dink, art, ink, Down, Unit::WAD)?;
        (dink, t.min("at most all art", art, part, Unit::WAD))
    } else {
        let dart = seized_by_debt(t, numbers, art)?;
        let part = t.mul_div("dink = ink * dart / art", ink, dart, art, Down, Unit::WAD)?;
        let dink = t.min("at most all ink", ink, part, Unit::WAD);
        if dart == U256::ZERO || dink == U256::ZERO {
            return Err(Refusal::NullAuction);
        }
        (dink, dart)
    };
    if !is_int(dink) || !is_int(dart) {
        return Err(Refusal::Overflow(INT256));
    }
    let due = t.mul("due = dart * rate", dart, state.rate, RAD)?;
    // The penalty was a ray at first.
    let one = if revision == Revision::V1_0 { RAY } else { WAD };
    let tab = t.mul_div("tab = due * chop", due, rules.chop, one, Down, RAD)?;
    Ok(Seized { dink, dart, tab })
}

fn seized_by_debt<T: Trace + ?Sized>(t: &mut T, numbers: &Numbers, art: U256) -> Result<U256, Refusal> {
    let Numbers { rules, state } = numbers;
    let room = t.sub("room = box - litter", rules.english.most, state.total_dirt, RAD)?;
    if room == U256::ZERO || room < rules.dust {
        return Err(Refusal::AuctionLimit);
    }
    let room = t.min("at most dunk", rules.english.dunk, room, RAD);
    let formula = "normalised room = room * 1e18 / rate";
    let at_rate = t.mul_div(formula, room, WAD.value(), state.rate, Down, Unit::WAD)?;
    let formula = "normalised room without the penalty = that / chop";
    let most = t.mul_div(formula, at_rate, U256::ONE, rules.chop, Down, Unit::WAD)?;
    Ok(t.min("dart = min(art, that)", art, most, Unit::WAD))
}

/// Whether the last bid, if there is one, and the auction itself still stand.
pub(super) fn takes_bids(auction: &Auction, at: Time) -> bool {
    (auction.tic > at.0 || auction.tic == 0) && auction.end > at.0
}

impl<T: Trace + ?Sized> Turn<'_, T> {
    /// `Cat.bite` and `Flipper.kick`.
    pub(super) fn bite(&mut self) -> Result<(), Refusal> {
        let account = self.call.account;
        let position = *self.position(account)?;
        let revision = self.market.revision;
        let Seized { dink, dart, tab } = seized(self.t, revision, &self.numbers, position.ink, position.art)?;
        let number = self.numbers.state.kicks.checked_add(1).ok_or(Refusal::Overflow("kicks + 1"))?;
        self.grab(dink, dart, number)?;
        if revision != Revision::V1_0 {
            grow(&mut self.numbers.state.total_dirt, tab, "litter + tab")?;
        }
        self.numbers.state.kicks = number;
        let end = self.later_by(self.numbers.rules.english.tau)?;
        let pos = self.running();
        self.put(number, Some(Auction { pos, tab, lot: dink, usr: account, end, ..Auction::default() }));
        self.effects.liquidated = Some(Liquidated { seized: dink, ..Liquidated::default() });
        Ok(())
    }

    /// `uint48(now) + seconds`, within 48 bits.
    fn later_by(&self, seconds: u64) -> Result<u64, Refusal> {
        let now = self.call.at.0 & ((1 << 48) - 1);
        let sum = now.checked_add(seconds).filter(|sum| *sum < 1 << 48);
        sum.ok_or(Refusal::Overflow("now + seconds"))
    }

    /// `Flipper.tick`: an auction without a bid runs again.
    pub(super) fn tick(&mut self, number: u64) -> Result<(), Refusal> {
        let mut auction = self.auction(number)?;
        if auction.end >= self.call.at.0 {
            return Err(Refusal::AuctionStillRuns);
        }
        if auction.tic != 0 {
            return Err(Refusal::AuctionPhase(phase::ALREADY_BID));
        }
        auction.end = self.later_by(self.numbers.rules.english.tau)?;
        self.put(number, Some(auction));
        Ok(())
    }

    /// The auction, while it takes bids.
    fn bidding(&self, number: u64) -> Result<Auction, Refusal> {
        let auction = self.auction(number)?;
        if takes_bids(&auction, self.call.at) { Ok(auction) } else { Err(Refusal::BiddingOver) }
    }

    /// `Flipper.tend`: the last bidder gets his Dai back from the next, the system gets what is bid more.
    pub(super) fn tend(&mut self, number: u64, lot: U256, bid: U256) -> Result<(), Refusal> {
        let mut auction = self.bidding(number)?;
        if lot != auction.lot {
            return Err(Refusal::BidRefused(bid::LOT_NOT_MATCHING));
        }
        if bid > auction.tab {
            return Err(Refusal::BidRefused(bid::HIGHER_THAN_TAB));
        }
        if bid <= auction.bid {
            return Err(Refusal::BidRefused(bid::BID_NOT_HIGHER));
        }
        let beg = self.numbers.rules.english.beg;
        let offered = self.t.mul("bid * 1e18", bid, WAD.value(), Unit::NUMBER)?;
        let asked = self.t.mul("beg * last bid", beg, auction.bid, Unit::NUMBER)?;
        if offered < asked && bid != auction.tab {
            return Err(Refusal::BidRefused(bid::INSUFFICIENT_INCREASE));
        }
        let more = bid.sub_or_zero(auction.bid);
        self.repay_bidder(&auction)?;
        let bidder = self.actor();
        self.pass(VAT_DAI, more, bidder, Party::Treasury)?;
        grow(&mut self.numbers.state.vow_dai, more, "dai of the vow + bid")?;
        (auction.guy, auction.bid) = (Some(self.call.actor), bid);
        auction.tic = self.later_by(self.numbers.rules.english.ttl)?;
        self.put(number, Some(auction));
        Ok(())
    }

    /// `Flipper.dent`: the collateral that nobody asks for any more goes back to the owner at once.
    pub(super) fn dent(&mut self, number: u64, lot: U256, bid: U256) -> Result<(), Refusal> {
        let mut auction = self.bidding(number)?;
        if bid != auction.bid {
            return Err(Refusal::BidRefused(bid::NOT_MATCHING_BID));
        }
        if bid != auction.tab {
            return Err(Refusal::AuctionPhase(phase::TEND_NOT_FINISHED));
        }
        if lot >= auction.lot {
            return Err(Refusal::BidRefused(bid::LOT_NOT_LOWER));
        }
        let beg = self.numbers.rules.english.beg;
        let asked = self.t.mul("beg * lot", beg, lot, Unit::NUMBER)?;
        let offered = self.t.mul("last lot * 1e18", auction.lot, WAD.value(), Unit::NUMBER)?;
        if asked > offered {
            return Err(Refusal::BidRefused(bid::INSUFFICIENT_DECREASE));
        }
        let spared = auction.lot.sub_or_zero(lot);
        self.repay_bidder(&auction)?;
        self.pass(GEM, spared, Party::Auction(number), Party::Account(auction.usr))?;
        (auction.guy, auction.lot) = (Some(self.call.actor), lot);
        auction.tic = self.later_by(self.numbers.rules.english.ttl)?;
        self.put(number, Some(auction));
        Ok(())
    }

    /// The next bidder pays the last. Whoever outbids himself pays himself, and up to 1.0 had to have it.
    fn repay_bidder(&mut self, auction: &Auction) -> Result<(), Refusal> {
        let Some(last) = auction.guy else { return Ok(()) };
        if last == self.call.actor && self.market.revision != Revision::V1_0 {
            return Ok(());
        }
        let (from, to) = (self.actor(), self.purse(last));
        self.pass(VAT_DAI, auction.bid, from, to)
    }

    /// `Flipper.deal`: whoever calls.
    pub(super) fn deal(&mut self, number: u64) -> Result<(), Refusal> {
        let (auction, now) = (self.auction(number)?, self.call.at.0);
        let over = auction.tic != 0 && (auction.tic < now || auction.end < now);
        let Some(winner) = auction.guy.filter(|_| over) else { return Err(Refusal::AuctionStillRuns) };
        self.claw(&auction)?;
        let winner = self.purse(winner);
        self.pass(GEM, auction.lot, Party::Auction(number), winner)?;
        let mut liquidated =
            Liquidated { repaid: tokens(auction.bid)?, seized: auction.lot, ..Liquidated::default() };
        let short = auction.tab.sub_or_zero(auction.bid);
        if short != U256::ZERO {
            liquidated.bad_debt.push((ART, tokens(short)?));
        }
        self.effects.liquidated = Some(liquidated);
        self.remove(number, &auction);
        Ok(())
    }

    /// `Flipper.yank`: whoever calls it off gets the collateral and pays the last bidder.
    pub(super) fn yank_bids(&mut self, number: u64) -> Result<(), Refusal> {
        let auction = self.auction(number)?;
        if auction.bid >= auction.tab {
            return Err(Refusal::AuctionPhase(phase::ALREADY_DENT));
        }
        self.claw(&auction)?;
        let caller = self.actor();
        self.pass(GEM, auction.lot, Party::Auction(number), caller)?;
        if let Some(last) = auction.guy {
            let last = self.purse(last);
            self.pass(VAT_DAI, auction.bid, caller, last)?;
        }
        self.remove(number, &auction);
        Ok(())
    }

    /// `Cat.claw`, since 1.2.
    fn claw(&mut self, auction: &Auction) -> Result<(), Refusal> {
        if self.market.revision == Revision::V1_0 {
            return Ok(());
        }
        shrink(&mut self.numbers.state.total_dirt, auction.tab)
    }
}
