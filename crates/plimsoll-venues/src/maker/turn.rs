//! One call while it is computed: who acts, what the market and the accounts will be, and what moved.

use super::numbers::{AUCTION, Auction, FIELDS, Numbers, State};
use super::position::Position;
use super::{ART, GEM, HOPE, INK, Market, POKE_ORACLE, POKE_SPOT, Revision, VAT_DAI, prices};
use crate::table;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use plimsoll_core::{
    AccountId, Accounts, Action, Call, Cell, Effects, InstrumentId, Int, Mechanism, Party, RAY, Reading,
    Refusal, Trace, U256,
};

/// The formula that [`Refusal::Overflow`] names where a change does not fit an `int256`.
pub(super) const INT256: &str = "a change within int256";

pub(super) struct Turn<'a, T: Trace + ?Sized> {
    pub(super) market: &'a Market,
    pub(super) call: &'a Call,
    accounts: &'a dyn Accounts,
    pub(super) feed: Reading,
    pub(super) numbers: Numbers,
    /// Every auction that changes; `None` where it ends.
    auctions: BTreeMap<u64, Option<Auction>>,
    positions: Vec<(AccountId, Position)>,
    pub(super) effects: Effects,
    pub(super) t: &'a mut T,
}

impl<'a, T: Trace + ?Sized> Turn<'a, T> {
    pub(super) fn new(
        market: &'a Market,
        call: &'a Call,
        accounts: &'a dyn Accounts,
        feed: Reading,
        t: &'a mut T,
    ) -> Result<Turn<'a, T>, Refusal> {
        market.numbers.seconds_to(call.at)?;
        let (numbers, effects) = (market.numbers, Effects::default());
        let (auctions, positions) = (BTreeMap::new(), Vec::new());
        Ok(Turn { market, call, accounts, feed, numbers, auctions, positions, effects, t })
    }

    pub(super) fn act(mut self, action: &Action) -> Result<Effects, Refusal> {
        match *action {
            Action::Accrue => self.drip()?,
            Action::Poke { slot: POKE_SPOT } => self.poke_spot()?,
            Action::Poke { slot: POKE_ORACLE } => self.poke_oracle()?,
            Action::Deposit { into, amount } => self.deposit(into, amount)?,
            Action::Withdraw { from, amount } => self.withdraw(from, amount)?,
            Action::Borrow { debt: ART, amount } => self.draw(amount)?,
            Action::Repay { debt: ART, amount } => self.wipe(amount)?,
            Action::Borrow { debt: other, .. } | Action::Repay { debt: other, .. } => {
                return Err(Refusal::NoSuchInstrument(other));
            }
            Action::Adjust {
                collateral: (INK, dink),
                debt: (ART, dart),
                collateral_party: v,
                debt_party: w,
            } => {
                self.frob(self.call.account, [v, w], dink, dart)?;
            }
            Action::Fork { collateral: (INK, dink), debt: (ART, dart), to } => self.fork(to, dink, dart)?,
            Action::Adjust { collateral: (INK, _), debt: (other, _), .. }
            | Action::Adjust { collateral: (other, _), .. }
            | Action::Fork { collateral: (INK, _), debt: (other, _), .. }
            | Action::Fork { collateral: (other, _), .. } => return Err(Refusal::NoSuchInstrument(other)),
            Action::Transfer { instrument, to, amount } => self.transfer(instrument, to, amount)?,
            Action::SetTerm { term: HOPE, value } => self.hope(value)?,
            Action::Liquidate(ref mechanism) => self.liquidate(mechanism)?,
            _ => return Err(Refusal::NotAtThisVenue),
        }
        self.finish()
    }

    fn liquidate(&mut self, mechanism: &Mechanism) -> Result<(), Refusal> {
        let dutch = self.market.revision == Revision::V2_0;
        match *mechanism {
            Mechanism::Bark if dutch => self.bark(),
            Mechanism::Take { auction, amount, max_price } if dutch => self.take(auction, amount, max_price),
            Mechanism::Redo { auction } if dutch => self.redo(auction),
            Mechanism::Yank { auction } if dutch => self.yank(auction),
            Mechanism::Upchost if dutch => self.upchost(),
            Mechanism::Bark => self.bite(),
            Mechanism::Tend { auction, lot, bid } if !dutch => self.tend(auction, lot, bid),
            Mechanism::Dent { auction, lot, bid } if !dutch => self.dent(auction, lot, bid),
            Mechanism::Deal { auction } if !dutch => self.deal(auction),
            Mechanism::Redo { auction } => self.tick(auction),
            Mechanism::Yank { auction } => self.yank_bids(auction),
            _ => Err(Refusal::NotAtThisVenue),
        }
    }

    /// The cells that changed.
    fn finish(mut self) -> Result<Effects, Refusal> {
        let cells = &mut self.effects.cells;
        table::diff(FIELDS, 0, &self.market.numbers, &self.numbers, cells);
        for (number, after) in &self.auctions {
            let before = self.market.auctions.get(number);
            match after {
                Some(after) => {
                    let before = before.copied().unwrap_or_default();
                    table::diff(AUCTION, *number, &before, after, cells);
                }
                None => cells.push((Cell { object: *number, field: 0 }, None)),
            }
        }
        Ok(self.effects)
    }

    // ---- time and prices --------------------------------------------------------------------------------------

    /// `Jug.drip`: the fees are new Dai of the system's own purse.
    pub(super) fn drip(&mut self) -> Result<(), Refusal> {
        let before = self.numbers.state.vow_dai;
        self.numbers.state = self.numbers.drip(self.t, self.call.at)?;
        let after = self.numbers.state.vow_dai;
        self.effects.flow(VAT_DAI, after.sub_or_zero(before), Party::Mint, Party::Treasury);
        self.effects.flow(VAT_DAI, before.sub_or_zero(after), Party::Treasury, Party::Burn);
        Ok(())
    }

    /// `Spotter.poke`.
    fn poke_spot(&mut self) -> Result<(), Refusal> {
        let price = self.numbers.pip(self.feed);
        let spot = self.numbers.spot(self.t, price)?;
        if !self.numbers.rules.live {
            return Err(Refusal::ShutDown);
        }
        self.numbers.state.spot = spot;
        Ok(())
    }

    /// `OSM.poke`.
    fn poke_oracle(&mut self) -> Result<(), Refusal> {
        let from = self.numbers.passes().ok_or(Refusal::NotAtThisVenue)?;
        if self.numbers.rules.osm_stopped {
            return Err(Refusal::Paused(GEM));
        }
        if self.call.at < from {
            return Err(Refusal::OracleTooEarly { from });
        }
        let hop = self.numbers.rules.hop;
        self.numbers.state.take_next(prices::peek(self.feed), hop, self.call.at);
        Ok(())
    }

    // ---- accounts and what moves ------------------------------------------------------------------------------

    /// An account as it will be.
    pub(super) fn position(&mut self, id: AccountId) -> Result<&mut Position, Refusal> {
        let place = match self.positions.iter().position(|(known, _)| *known == id) {
            Some(place) => place,
            None => {
                let position = Position::of_known(self.accounts, id)?.unwrap_or_default();
                self.positions.push((id, position));
                self.positions.len() - 1
            }
        };
        Ok(&mut self.positions[place].1)
    }

    /// Whose books hold what somebody has in the vat: the account's, or for one whom the book does not know his wallet.
    pub(super) fn purse(&self, id: AccountId) -> Party {
        let known = id == self.call.account || self.accounts.get(id).is_some();
        if known { Party::Account(id) } else { Party::Wallet(id) }
    }

    /// The actor's.
    pub(super) fn actor(&self) -> Party {
        self.purse(self.call.actor)
    }

    /// May the actor act for somebody (`Vat.wish`)?
    pub(super) fn wish(&mut self, id: AccountId) -> Result<bool, Refusal> {
        let actor = self.call.actor;
        Ok(id == actor || self.position(id)?.hope == Some(actor))
    }

    /// Moves an amount, and refuses where an account has less.
    pub(super) fn pass(
        &mut self,
        instrument: InstrumentId,
        amount: U256,
        from: Party,
        to: Party,
    ) -> Result<(), Refusal> {
        if let Party::Account(id) = from {
            let place = self.position(id)?.place(instrument)?;
            let held = *place;
            *place = held.sub(amount).ok_or(Refusal::AmountTooLarge { held, asked: amount })?;
        }
        if let Party::Account(id) = to {
            let place = self.position(id)?.place(instrument)?;
            *place = place.add(amount).ok_or(Refusal::Overflow("held + received"))?;
        }
        if from != to {
            self.effects.flow(instrument, amount, from, to);
        }
        Ok(())
    }

    /// New debt of the system pays somebody (`Vat.suck`).
    pub(super) fn suck(&mut self, to: Party, amount: U256) -> Result<(), Refusal> {
        let State { vow_sin, vice, debt, .. } = &mut self.numbers.state;
        grow(vow_sin, amount, "sin of the vow + reward")?;
        grow(vice, amount, "vice + reward")?;
        grow(debt, amount, "debt + reward")?;
        self.pass(VAT_DAI, amount, Party::Mint, to)
    }

    /// Takes collateral and debt of a position into an auction (`Vat.grab`).
    pub(super) fn grab(&mut self, dink: U256, dart: U256, auction: u64) -> Result<(), Refusal> {
        let account = Party::Account(self.call.account);
        if !prices::is_int(dink) || !prices::is_int(dart) {
            return Err(Refusal::Overflow(INT256));
        }
        self.pass(INK, dink, account, Party::Burn)?;
        self.pass(ART, dart, account, Party::Burn)?;
        self.pass(GEM, dink, Party::Pool, Party::Auction(auction))?;
        let State { total_art, rate, vow_sin, vice, .. } = &mut self.numbers.state;
        let due = dart.mul(*rate).filter(|due| prices::is_int(*due) && prices::is_int(*rate));
        let due = due.ok_or(Refusal::Overflow("due = dart * rate"))?;
        shrink(total_art, dart)?;
        grow(vow_sin, due, "sin of the vow + due")?;
        grow(vice, due, "vice + due")
    }

    /// An auction as it will be.
    pub(super) fn auction(&self, number: u64) -> Result<Auction, Refusal> {
        let running = match self.auctions.get(&number) {
            Some(changed) => changed.as_ref(),
            None => self.market.auctions.get(&number),
        };
        running.copied().ok_or(Refusal::NoSuchAuction { auction: number })
    }

    /// Puts an auction in place, or ends it.
    pub(super) fn put(&mut self, number: u64, auction: Option<Auction>) {
        self.auctions.insert(number, auction);
    }

    /// How many run.
    pub(super) fn running(&self) -> u64 {
        self.market.auctions.len() as u64
    }
}

/// `place += by`.
pub(super) fn grow(place: &mut U256, by: U256, formula: &'static str) -> Result<(), Refusal> {
    *place = place.add(by).ok_or(Refusal::Overflow(formula))?;
    Ok(())
}

/// `place -= by`, told as who asked too much of what.
pub(super) fn shrink(place: &mut U256, by: U256) -> Result<(), Refusal> {
    *place = place.sub(by).ok_or(Refusal::AmountTooLarge { held: *place, asked: by })?;
    Ok(())
}

/// `place + by` for a signed change (`Vat._add`).
pub(super) fn moved(place: U256, by: Int) -> Result<U256, Refusal> {
    if by.is_negative() {
        let asked = by.magnitude();
        return place.sub(asked).ok_or(Refusal::AmountTooLarge { held: place, asked });
    }
    place.add(by.magnitude()).ok_or(Refusal::Overflow("what there is + change"))
}

/// A change that an `int256` holds.
pub(super) fn int256(value: Int) -> Result<Int, Refusal> {
    let most = if value.is_negative() {
        // -2^255 is one.
        value.magnitude().sub_or_zero(U256::ONE)
    } else {
        value.magnitude()
    };
    if prices::is_int(most) { Ok(value) } else { Err(Refusal::Overflow(INT256)) }
}

/// Dai tokens as Dai in the vat (`toRad`).
pub(super) fn to_rad(wad: U256) -> Result<U256, Refusal> {
    wad.mul(RAY.value()).ok_or(Refusal::Overflow("Dai in rad = Dai * 1e27"))
}
