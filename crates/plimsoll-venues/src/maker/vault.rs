//! Vaults: the vat's own calls, and what the proxy actions of a wallet make of them.
//!
//! `Vat.frob` checks in this order: that all sums fit, ceilings, safety, consent, dust, and last what the parties have.
//! Plain deposits, withdrawals, loans and repayments are those of `DssProxyActions.sol`: `lockGem`, `freeGem`, `draw`,
//! `wipe`, `wipeAll`. `draw` drips first and the others do not; none of them pokes.

use super::position::{Line, Position};
use super::turn::{Turn, int256, moved, to_rad};
use super::words::consent::{COLLATERAL_PARTY, DEBT_PARTY, POSITION};
use super::{ART, DAI, GEM, HOPE, INK, VAT_DAI};
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{
    AccountId, Amount, Arithmetic, InstrumentId, Int, Party, RAY, Refusal, Trace, U256, Unit,
};

impl<T: Trace + ?Sized> Turn<'_, T> {
    /// `Vat.frob` on a position `u`, with collateral from or to `v` and Dai to or from `w`.
    pub(super) fn frob(
        &mut self,
        u: AccountId,
        [v, w]: [AccountId; 2],
        dink: Int,
        dart: Int,
    ) -> Result<(), Refusal> {
        let (dink, dart) = (int256(dink)?, int256(dart)?);
        let (rules, state) = (self.numbers.rules, self.numbers.state);
        if !rules.live {
            return Err(Refusal::ShutDown);
        }
        if state.rate == U256::ZERO {
            return Err(Refusal::Inactive(INK));
        }
        let before = *self.position(u)?;
        let after = Position { ink: moved(before.ink, dink)?, art: moved(before.art, dart)?, ..before };
        let total_art = moved(state.total_art, dart)?;
        let formula = "change of debt = rate * dart";
        let dtab = Int::from(state.rate).mul(dart).ok_or(Refusal::Overflow(formula))?;
        let dtab = int256(dtab)?;
        if state.rate.bit_len() > 255 {
            return Err(Refusal::Overflow(formula));
        }
        owed(&after, state.rate)?;
        // The ceiling is asked before what the collateral carries is computed.
        let line = after.line(self.t, state.rate, state.spot);
        let debt = moved(state.debt, dtab)?;
        // The contract multiplies this even where nothing is drawn.
        let total = total_art.mul(state.rate).ok_or(Refusal::Overflow("total art * rate"))?;

        let draws = !dart.is_negative() && !dart.is_zero();
        if draws && (total > rules.line || debt > rules.total_line) {
            return Err(Refusal::BorrowCap(ART));
        }
        let Line { tab, carried } = line?;
        let safer = !draws && !dink.is_negative();
        if !safer && tab > carried {
            return Err(Refusal::OverCapacity { debt: tab, capacity: carried });
        }
        if !safer && !self.wish(u)? {
            return Err(Refusal::NoConsent(POSITION));
        }
        let locks = !dink.is_negative() && !dink.is_zero();
        if locks && !self.wish(v)? {
            return Err(Refusal::NoConsent(COLLATERAL_PARTY));
        }
        if dart.is_negative() && !self.wish(w)? {
            return Err(Refusal::NoConsent(DEBT_PARTY));
        }
        if after.art != U256::ZERO && tab < rules.dust {
            return Err(Refusal::LeavesDust);
        }

        let (account, giver, payer) = (Party::Account(u), self.purse(v), self.purse(w));
        let (ink, art, dai) = (dink.magnitude(), dart.magnitude(), dtab.magnitude());
        if locks {
            self.pass(GEM, ink, giver, Party::Pool)?;
            self.pass(INK, ink, Party::Mint, account)?;
        } else {
            self.pass(INK, ink, account, Party::Burn)?;
            self.pass(GEM, ink, Party::Pool, giver)?;
        }
        if draws {
            self.pass(VAT_DAI, dai, Party::Mint, payer)?;
            self.pass(ART, art, Party::Mint, account)?;
        } else {
            self.pass(ART, art, account, Party::Burn)?;
            self.pass(VAT_DAI, dai, payer, Party::Burn)?;
        }
        self.numbers.state.total_art = total_art;
        self.numbers.state.debt = debt;
        Ok(())
    }

    /// `Vat.fork`: the other account must agree, and both must be safe and not dusty afterwards.
    pub(super) fn fork(&mut self, to: AccountId, dink: Int, dart: Int) -> Result<(), Refusal> {
        let (dink, dart) = (int256(dink)?, int256(dart)?);
        let from = self.call.account;
        for (instrument, change) in [(INK, dink), (ART, dart)] {
            let (giver, taker) = if change.is_negative() { (to, from) } else { (from, to) };
            self.pass(instrument, change.magnitude(), Party::Account(giver), Party::Account(taker))?;
        }
        let (rate, spot) = (self.numbers.state.rate, self.numbers.state.spot);
        let (left, reached) = (*self.position(from)?, *self.position(to)?);
        owed(&left, rate)?;
        owed(&reached, rate)?;
        // Consent is asked before what either carries is computed, and the giver before the receiver.
        let (own, other) = (left.line(self.t, rate, spot), reached.line(self.t, rate, spot));
        if !self.wish(from)? || !self.wish(to)? {
            return Err(Refusal::NoConsent(POSITION));
        }
        let own = own?;
        if !own.safe() {
            return Err(Refusal::OverCapacity { debt: own.tab, capacity: own.carried });
        }
        let other = other?;
        if !other.safe() {
            return Err(Refusal::ReceiverOverCapacity { debt: other.tab, capacity: other.carried });
        }
        let dust = self.numbers.rules.dust;
        if own.tab < dust && left.art != U256::ZERO {
            return Err(Refusal::LeavesDust);
        }
        if other.tab < dust && reached.art != U256::ZERO {
            return Err(Refusal::ReceiverDust);
        }
        Ok(())
    }

    /// `Vat.hope` and `Vat.nope`, for one other.
    pub(super) fn hope(&mut self, value: Int) -> Result<(), Refusal> {
        if self.call.actor != self.call.account {
            return Err(Refusal::NoConsent(POSITION));
        }
        if value.to_u64().is_none() {
            return Err(Refusal::ModeNotAllowed);
        }
        self.effects.terms.push((self.call.account, HOPE, value));
        Ok(())
    }

    /// `Vat.flux`, `Vat.move`, or one side of `Vat.fork`.
    pub(super) fn transfer(
        &mut self,
        instrument: InstrumentId,
        to: AccountId,
        amount: Amount,
    ) -> Result<(), Refusal> {
        let amount = self.amount(instrument, amount)?;
        match instrument {
            INK => self.fork(to, amount.into(), Int::ZERO),
            ART => self.fork(to, Int::ZERO, amount.into()),
            _ => {
                let from = self.own()?;
                self.pass(instrument, amount, from, Party::Account(to))
            }
        }
    }

    /// `GemJoin.join` or `DaiJoin.join`, and for locked collateral `frob` with it (`lockGem`).
    pub(super) fn deposit(&mut self, into: InstrumentId, amount: Amount) -> Result<(), Refusal> {
        let amount = match (into, amount) {
            (INK | GEM | VAT_DAI, Amount::All) => return Err(Refusal::NotAtThisVenue),
            (INK | GEM | VAT_DAI, amount) => self.amount(into, amount)?,
            (other, _) => return Err(Refusal::NoSuchInstrument(other)),
        };
        let account = Party::Account(self.call.account);
        match into {
            INK => {
                let (actor, purse) = (self.call.actor, self.actor());
                self.pass(GEM, amount, Party::Wallet(actor), purse)?;
                self.frob(self.call.account, [actor, actor], amount.into(), Int::ZERO)
            }
            GEM => self.pass(GEM, amount, Party::Wallet(self.call.actor), account),
            _ => {
                let wad = amount.div(RAY, Up).ok_or(Refusal::Overflow("Dai in wad"))?;
                self.join_dai(wad, account)
            }
        }
    }

    /// The other way (`freeGem`, `GemJoin.exit`, `DaiJoin.exit`).
    pub(super) fn withdraw(&mut self, from: InstrumentId, amount: Amount) -> Result<(), Refusal> {
        if !matches!(from, INK | GEM | VAT_DAI) {
            return Err(Refusal::NoSuchInstrument(from));
        }
        let amount = self.amount(from, amount)?;
        let wallet = Party::Wallet(self.call.actor);
        match from {
            INK => {
                let (actor, purse) = (self.call.actor, self.actor());
                self.frob(self.call.account, [actor, actor], Int::from(amount).neg(), Int::ZERO)?;
                self.pass(GEM, amount, purse, wallet)
            }
            GEM => {
                let own = self.own()?;
                self.pass(GEM, amount, own, wallet)
            }
            _ => {
                let own = self.own()?;
                let wad = amount.div(RAY, Down).ok_or(Refusal::Overflow("Dai in wad"))?;
                self.exit_dai(wad, own)
            }
        }
    }

    /// `draw`: as much debt as makes the Dai in the vat suffice, rounded up; an own unit of debt makes the Dai that is
    /// left over, which stays in the vat. So many of the debt's own units leave all their Dai there.
    pub(super) fn draw(&mut self, amount: Amount) -> Result<(), Refusal> {
        let account = self.call.account;
        self.drip()?;
        let wad = match amount {
            Amount::All => return Err(Refusal::NotAtThisVenue),
            Amount::Shares(dart) => return self.frob(account, [account, account], Int::ZERO, dart.into()),
            Amount::Assets(wad) => wad,
        };
        let (wanted, there) = (to_rad(wad)?, self.position(account)?.dai);
        let mut dart = U256::ZERO;
        if let Some(missing) = wanted.sub(there).filter(|missing| *missing != U256::ZERO) {
            let (rate, one) = (self.numbers.state.rate, U256::ONE);
            let formula = "dart = Dai that is missing / rate";
            dart = self.t.mul_div(formula, missing, one, rate, Down, Unit::WAD)?;
            // Compared with all that is wanted, not with what is missing: one too many where some was there.
            let made = dart.mul(rate).ok_or(Refusal::Overflow("dart * rate"))?;
            if made < wanted {
                dart = self.t.add("dart + 1, where that falls short", dart, one, Unit::WAD)?;
            }
        }
        self.frob(account, [account, account], Int::ZERO, dart.into())?;
        let own = self.own()?;
        self.exit_dai(wad, own)
    }

    /// `wipe` and `wipeAll`: debt for Dai, rounded down, by the stored rate; the whole of it takes whole tokens, rounded up.
    /// Somebody with consent pays out of the position's Dai in the vat, anybody else out of his own.
    pub(super) fn wipe(&mut self, amount: Amount) -> Result<(), Refusal> {
        let (account, rate) = (self.call.account, self.numbers.state.rate);
        let payer = if self.wish(account)? { account } else { self.call.actor };
        let owed = self.position(account)?.art;
        if owed == U256::ZERO && amount == Amount::All {
            return Err(Refusal::NothingOwed(ART));
        }
        let purse = self.purse(payer);
        let art = match amount {
            Amount::Assets(wad) => {
                self.join_dai(wad, purse)?;
                let all_dai = if payer == account { self.position(account)?.dai } else { to_rad(wad)? };
                let formula = "dart = Dai / rate";
                let art = self.t.mul_div(formula, all_dai, U256::ONE, rate, Down, Unit::WAD)?;
                self.t.min("at most all art", art, owed, Unit::WAD)
            }
            Amount::Shares(art) => self.wipe_exactly(art, payer)?,
            Amount::All => self.wipe_exactly(owed, payer)?,
        };
        self.frob(account, [payer, payer], Int::ZERO, Int::from(art).neg())
    }

    /// Brings the tokens that so much debt takes beside what is in the vat (`_getWipeAllWad`).
    fn wipe_exactly(&mut self, art: U256, payer: AccountId) -> Result<U256, Refusal> {
        let purse = self.purse(payer);
        let tab = art.mul(self.numbers.state.rate).ok_or(Refusal::Overflow("tab = art * rate"))?;
        let there = if let Party::Account(_) = purse { self.position(payer)?.dai } else { U256::ZERO };
        let missing = self.t.sub("Dai that is missing = tab - Dai in the vat", tab, there, super::RAD)?;
        let formula = "tokens = Dai that is missing / 1e27";
        let wad = self.t.mul_div(formula, missing, U256::ONE, RAY, Up, Unit::WAD)?;
        self.join_dai(wad, purse)?;
        Ok(art)
    }

    /// `DaiJoin.join`: the tokens are burned, and the adapter's Dai in the vat changes hands.
    fn join_dai(&mut self, wad: U256, to: Party) -> Result<(), Refusal> {
        self.effects.flow(DAI, wad, Party::Wallet(self.call.actor), Party::Burn);
        self.pass(VAT_DAI, to_rad(wad)?, Party::Pool, to)
    }

    /// `DaiJoin.exit`.
    fn exit_dai(&mut self, wad: U256, from: Party) -> Result<(), Refusal> {
        self.pass(VAT_DAI, to_rad(wad)?, from, Party::Pool)?;
        self.effects.flow(DAI, wad, Party::Mint, Party::Wallet(self.call.actor));
        Ok(())
    }

    /// The account acted upon, as one that gives.
    fn own(&mut self) -> Result<Party, Refusal> {
        let account = self.call.account;
        if self.wish(account)? { Ok(Party::Account(account)) } else { Err(Refusal::NoConsent(POSITION)) }
    }

    /// In the vat's own units of the instrument; all of it is what the account holds.
    fn amount(&mut self, instrument: InstrumentId, amount: Amount) -> Result<U256, Refusal> {
        let held = *self.position(self.call.account)?.place(instrument)?;
        match amount {
            Amount::All if held == U256::ZERO => Err(Refusal::NothingHeld(instrument)),
            Amount::All => Ok(held),
            Amount::Assets(wad) if instrument == VAT_DAI => to_rad(wad),
            Amount::Assets(amount) | Amount::Shares(amount) => Ok(amount),
        }
    }
}

/// `tab = art * rate`, which must fit before anything is asked.
fn owed(position: &Position, rate: U256) -> Result<U256, Refusal> {
    position.art.mul(rate).ok_or(Refusal::Overflow("art * rate"))
}
