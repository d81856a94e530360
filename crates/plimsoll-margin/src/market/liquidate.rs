//! Liquidation: only as much as brings the account back above its initial line.

use super::act::Turn;
use super::position::Position;
use super::standing::{over, worth_of_raw};
use super::{INITIAL, MAINTENANCE, ONE, held, owed, token};
use crate::ledger::Place;
use crate::liquidation::least;
use plimsoll_core::{
    Account, Amount, Arithmetic, Effects, InstrumentId, Int, Liquidated, Lot, Party, Refusal, Rounding,
    Silent, Subject, Trace, U256, Unit,
};

impl Turn<'_> {
    fn below(&self) -> Result<(), Refusal> {
        let position = Position::of(self.market, &self.account)?;
        if position.owes_nothing() || self.standing.bucket(&position, MAINTENANCE)?.is_kept() {
            return Err(Refusal::NotLiquidatable);
        }
        Ok(())
    }

    /// Whether an account is above the line at which a liquidation ends.
    fn restored(&self, account: &Account) -> Result<bool, Refusal> {
        Ok(self.standing.bucket(&Position::of(self.market, account)?, INITIAL)?.is_kept())
    }

    /// Closes at most `size` of a position at its index.
    pub(super) fn reduce(
        &mut self,
        instrument: InstrumentId,
        size: U256,
        t: &mut dyn Trace,
    ) -> Result<(), Refusal> {
        let perp = self.traded(instrument)?;
        if self.call.actor == self.call.account {
            return Err(Refusal::SelfLiquidation);
        }
        self.below()?;
        let base = self.account.quantity(instrument);
        if base.is_zero() {
            return Err(Refusal::NothingHeld(instrument));
        }
        self.cancel();
        let lot = self.market.spec.perps[perp].lot;
        let most = size.min(base.magnitude()).div(lot, Rounding::Down).and_then(U256::to_u128);
        let most = most.filter(|lots| *lots > 0).ok_or(Refusal::AmountZero)?;
        let orderless = self.effects.clone();
        let closing = |lots: u128| self.closing(perp, base, lots, &orderless);
        let enough = |lots: u128| {
            let reached = closing(lots).and_then(|turn| turn.restored(&turn.after()?));
            reached.unwrap_or(false)
        };
        let lots = least(most, enough).unwrap_or(most);
        let done = closing(lots)?;
        t.about(Subject::Instrument(instrument));
        t.given("lots closed, no more than restore the initial line", U256::new(lots), Unit::NUMBER);
        self.effects = done.effects;
        Ok(())
    }

    /// The turn in which so many lots are closed, with the fee.
    fn closing(&self, perp: usize, base: Int, lots: u128, orderless: &Effects) -> Result<Turn<'_>, Refusal> {
        let (market, call, account) = (self.market, self.call, self.account.clone());
        let standing = self.standing.copy();
        let mut turn = Turn { market, call, account, standing, effects: orderless.clone() };
        let spec = &market.spec.perps[perp];
        let index = self.standing.price(Some(market.index_slot(perp)))?;
        let size = U256::new(lots).mul(spec.lot).ok_or(Refusal::Overflow("lots"))?;
        let quantity = Int::from_parts(!base.is_negative(), size);
        if size != U256::ZERO {
            turn.trade(perp, quantity, index, &mut Silent)?;
            let quote = market.quote(perp);
            let notional =
                turn.effects.net(Party::Pool, quote).ok_or(Refusal::Overflow("notional"))?.magnitude();
            // A fee that would take more than what is left takes that.
            let equity = turn.standing.equity(&Position::of(market, &turn.after()?)?)?;
            let worth = worth_of_raw(&turn.standing, spec.settles_in)?;
            let left =
                if worth.is_zero() { Int::ZERO } else { over(equity, worth, Rounding::Down, "equity")? };
            let whole = notional.mul_div(U256::from(spec.fee), U256::from(ONE), Rounding::Down);
            let fee = whole.unwrap_or(U256::ZERO).min(left.to_u256().unwrap_or(U256::ZERO));
            turn.effects.flow(quote, fee, turn.party(), Party::Keeper);
        }
        turn.effects.liquidated =
            Some(Liquidated { repaid: U256::ZERO, seized: size, ..Liquidated::default() });
        Ok(turn)
    }

    /// Repays a loan for a collateral at its bonus.
    pub(super) fn sell(
        &mut self,
        debt: usize,
        seize: InstrumentId,
        lot: Lot,
        t: &mut dyn Trace,
    ) -> Result<(), Refusal> {
        let Some(Place::Held(collateral)) = self.market.place(seize) else {
            return Err(Refusal::NotSeizable(seize));
        };
        if self.call.actor == self.call.account {
            return Err(Refusal::SelfLiquidation);
        }
        self.below()?;
        let (owes, holds) = (self.quantity(owed(debt)), self.quantity(held(collateral)));
        if owes == U256::ZERO {
            return Err(Refusal::NothingOwed(owed(debt)));
        }
        if holds == U256::ZERO {
            return Err(Refusal::NothingToSeize);
        }
        let rate = self.rate(debt, collateral)?;
        // The most that the collateral pays for, and the least that is enough.
        let most = owes.min(rate.repaid(holds, Rounding::Down)?).to_u128();
        let most = most.filter(|most| *most > 0).ok_or(Refusal::NothingToSeize)?;
        let enough = |repaid: u128| {
            let sold = rate.seized(U256::new(repaid)).and_then(|seized| {
                let effects = self.sold(debt, collateral, [U256::new(repaid), seized]);
                let after =
                    effects.apply_to(&self.account).ok_or(Refusal::Overflow("amounts of the account"))?;
                self.restored(&after)
            });
            sold.unwrap_or(false)
        };
        let most = U256::new(least(most, enough).unwrap_or(most));
        let repaid = match lot {
            Lot::Repay(Amount::All) => most,
            Lot::Repay(Amount::Assets(amount) | Amount::Shares(amount)) => amount,
            Lot::Seize(amount) => rate.repaid(amount.min(holds), Rounding::Up)?.min(most),
        };
        if repaid == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        if repaid > most {
            return Err(Refusal::AmountTooLarge { held: most, asked: repaid });
        }
        let seized = rate.seized(repaid)?.min(holds);
        t.about(Subject::Instrument(seize));
        t.given(
            "repaid, no more than restores the initial line",
            repaid,
            Unit::raw(self.market.spec.assets[debt].decimals),
        );
        self.effects = self.sold(debt, collateral, [repaid, seized]);
        Ok(())
    }

    fn sold(&self, debt: usize, collateral: usize, [repaid, seized]: [U256; 2]) -> Effects {
        let mut effects = Effects::default();
        effects.flow(token(debt), repaid, self.wallet(), Party::Pool);
        effects.flow(owed(debt), repaid, self.party(), Party::Burn);
        effects.flow(held(collateral), seized, self.party(), Party::Burn);
        effects.flow(token(collateral), seized, Party::Pool, self.wallet());
        effects.liquidated = Some(Liquidated { repaid, seized, ..Liquidated::default() });
        effects
    }

    fn rate(&self, debt: usize, collateral: usize) -> Result<Rate, Refusal> {
        let bonus = Int::from(u64::from(ONE + self.market.spec.assets[collateral].bonus));
        let paid = worth_of_raw(&self.standing, debt)?.mul(bonus);
        let got = worth_of_raw(&self.standing, collateral)?.mul(Int::from(u64::from(ONE)));
        let (paid, got) =
            paid.zip(got).ok_or(Refusal::Overflow("seized = repaid * price * bonus / price"))?;
        if paid.is_zero() || got.is_zero() {
            return Err(Refusal::DivisionByZero("seized = repaid * price * bonus / price"));
        }
        Ok(Rate { paid: paid.magnitude(), got: got.magnitude() })
    }
}

/// What a liquidator gets for what he repays.
struct Rate {
    /// One raw unit repaid, with the bonus.
    paid: U256,
    /// One raw unit seized.
    got: U256,
}

impl Rate {
    fn seized(&self, repaid: U256) -> Result<U256, Refusal> {
        let seized = repaid.mul_div_wide(self.paid, self.got, Rounding::Down);
        seized.ok_or(Refusal::Overflow("seized = repaid * price * bonus / price"))
    }

    fn repaid(&self, seized: U256, rounding: Rounding) -> Result<U256, Refusal> {
        let repaid = seized.mul_div_wide(self.got, self.paid, rounding);
        repaid.ok_or(Refusal::Overflow("repaid = seized * price / (price * bonus)"))
    }
}
