//! What can be done to an account, and what is refused.

use super::position::Position;
use super::standing::Standing;
use super::{INITIAL, MAINTENANCE, Market, Place, asks, bids, held, owed, power, token};
use crate::liquidation::may_be_done;
use plimsoll_core::{
    Account, Accounts, Action, Amount, Arithmetic, Call, Effects, Feeds, InstrumentId, Int, Mechanism, Party,
    Receive, Refusal, Rounding, Subject, TermId, Trace, U256, Unit,
};

/// One call while it is computed.
pub(super) struct Turn<'a> {
    pub(super) market: &'a Market,
    pub(super) call: &'a Call,
    pub(super) account: Account,
    pub(super) standing: Standing<'a>,
    pub(super) effects: Effects,
}

pub(super) fn act(
    market: &Market,
    call: &Call,
    accounts: &dyn Accounts,
    feeds: Feeds<'_>,
    t: &mut dyn Trace,
) -> Result<Effects, Refusal> {
    if call.at < market.spec.updated {
        return Err(Refusal::ClockWentBack { state: market.spec.updated, asked: call.at });
    }
    let account = accounts.get(call.account).cloned().unwrap_or_else(|| Account::new(call.account));
    Position::of(market, &account)?;
    let standing = Standing::new(market, feeds);
    let mut turn = Turn { market, call, account, standing, effects: Effects::default() };
    match &call.action {
        Action::Deposit { into, amount } => turn.deposit(turn.asset(*into, Place::Held)?, given(*amount)?),
        Action::Withdraw { from, amount } => turn.withdraw(turn.asset(*from, Place::Held)?, *amount, t)?,
        Action::Borrow { debt, amount } => {
            turn.borrow(turn.asset(*debt, Place::Owed)?, given(*amount)?, t)?
        }
        Action::Repay { debt, amount } => turn.repay(turn.asset(*debt, Place::Owed)?, *amount)?,
        Action::Fill { instrument, quantity, price } => turn.fill(*instrument, *quantity, *price, t)?,
        Action::SetTerm { term, value } => turn.order(*term, *value, t)?,
        Action::Liquidate(Mechanism::Reduce { instrument, size }) => turn.reduce(*instrument, *size, t)?,
        Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive: Receive::Asset }) => {
            turn.sell(turn.asset(*repay, Place::Owed)?, *seize, *lot, t)?;
        }
        _ => return Err(Refusal::NotAtThisVenue),
    }
    // What was computed must still be an account.
    Position::of(market, &turn.after()?)?;
    Ok(turn.effects)
}

/// An amount that must be named.
fn given(amount: Amount) -> Result<U256, Refusal> {
    match amount {
        Amount::Assets(U256::ZERO) | Amount::Shares(U256::ZERO) => Err(Refusal::AmountZero),
        Amount::Assets(amount) | Amount::Shares(amount) => Ok(amount),
        Amount::All => Err(Refusal::NotAtThisVenue),
    }
}

impl Turn<'_> {
    /// The asset whose instrument this is.
    fn asset(&self, id: InstrumentId, kind: fn(usize) -> Place) -> Result<usize, Refusal> {
        let asset = match self.market.place(id) {
            Some(Place::Held(asset) | Place::Owed(asset)) => asset,
            _ => return Err(Refusal::NoSuchInstrument(id)),
        };
        if self.market.place(id) == Some(kind(asset)) {
            Ok(asset)
        } else {
            Err(Refusal::NoSuchInstrument(id))
        }
    }

    pub(super) fn party(&self) -> Party {
        Party::Account(self.call.account)
    }

    pub(super) fn wallet(&self) -> Party {
        Party::Wallet(self.call.actor)
    }

    /// How much is held or owed (raw).
    pub(super) fn quantity(&self, id: InstrumentId) -> U256 {
        self.account.quantity(id).magnitude()
    }

    pub(super) fn after(&self) -> Result<Account, Refusal> {
        self.effects.apply_to(&self.account).ok_or(Refusal::Overflow("amounts of the account"))
    }

    /// Pays what is owed first.
    fn deposit(&mut self, asset: usize, amount: U256) {
        let repaid = amount.min(self.quantity(owed(asset)));
        self.effects.flow(token(asset), amount, self.wallet(), Party::Pool);
        self.effects.flow(owed(asset), repaid, self.party(), Party::Burn);
        self.effects.flow(held(asset), amount.sub_or_zero(repaid), Party::Mint, self.party());
    }

    fn repay(&mut self, asset: usize, amount: Amount) -> Result<(), Refusal> {
        let debt = self.quantity(owed(asset));
        if debt == U256::ZERO {
            return Err(Refusal::NothingOwed(owed(asset)));
        }
        let amount = if amount == Amount::All { debt } else { given(amount)? };
        if amount > debt {
            return Err(Refusal::AmountTooLarge { held: debt, asked: amount });
        }
        self.deposit(asset, amount);
        Ok(())
    }

    fn withdraw(&mut self, asset: usize, amount: Amount, t: &mut dyn Trace) -> Result<(), Refusal> {
        let there = self.quantity(held(asset));
        if there == U256::ZERO {
            return Err(Refusal::NothingHeld(held(asset)));
        }
        let amount = if amount == Amount::All { there } else { given(amount)? };
        if amount > there {
            return Err(Refusal::AmountTooLarge { held: there, asked: amount });
        }
        self.effects.flow(held(asset), amount, self.party(), Party::Burn);
        self.effects.flow(token(asset), amount, Party::Pool, self.wallet());
        self.allowed(t)
    }

    /// Takes what is held first.
    fn borrow(&mut self, asset: usize, amount: U256, t: &mut dyn Trace) -> Result<(), Refusal> {
        if !self.market.spec.assets[asset].lends {
            return Err(Refusal::NotBorrowable(owed(asset)));
        }
        let drawn = amount.min(self.quantity(held(asset)));
        self.effects.flow(held(asset), drawn, self.party(), Party::Burn);
        self.effects.flow(owed(asset), amount.sub_or_zero(drawn), Party::Mint, self.party());
        self.effects.flow(token(asset), amount, Party::Pool, self.wallet());
        self.allowed(t)
    }

    pub(super) fn perp(&self, instrument: InstrumentId) -> Result<usize, Refusal> {
        match self.market.place(instrument) {
            Some(Place::Base(perp)) => Ok(perp),
            _ => Err(Refusal::NoSuchInstrument(instrument)),
        }
    }

    /// A trade: base against quote, the quote rounded for the venue.
    fn fill(
        &mut self,
        instrument: InstrumentId,
        quantity: Int,
        price: Int,
        t: &mut dyn Trace,
    ) -> Result<(), Refusal> {
        let perp = self.perp(instrument)?;
        if quantity.is_zero() || price.is_zero() || price.is_negative() {
            return Err(Refusal::AmountZero);
        }
        self.in_lots(perp, quantity)?;
        self.trade(perp, quantity, price, t)?;
        self.allowed(t)
    }

    fn in_lots(&self, perp: usize, quantity: Int) -> Result<(), Refusal> {
        let lot = self.market.spec.perps[perp].lot;
        let lots = quantity.magnitude().div(lot, Rounding::Down).and_then(|lots| lots.mul(lot));
        if lots == Some(quantity.magnitude()) { Ok(()) } else { Err(Refusal::NotInLots { lot }) }
    }

    /// Base against quote; the other side is whoever trades with the account.
    pub(super) fn trade(
        &mut self,
        perp: usize,
        quantity: Int,
        price: Int,
        t: &mut dyn Trace,
    ) -> Result<(), Refusal> {
        let (market, party) = (self.market, self.party());
        let spec = &market.spec.perps[perp];
        let settles = market.spec.assets[spec.settles_in].decimals;
        let sells = quantity.is_negative();
        let (formula, rounding) = match sells {
            true => ("received = base * price", Rounding::Down),
            false => ("paid = base * price", Rounding::Up),
        };
        t.about(Subject::Instrument(market.base(perp)));
        let price = price.mul(power(settles)).ok_or(Refusal::Overflow(formula))?;
        let by = power(spec.decimals + market.spec.price_decimals);
        let unit = Unit::raw(settles);
        let quote =
            t.mul_div(formula, quantity.magnitude(), price.magnitude(), by.magnitude(), rounding, unit)?;
        let (base, paid) = (market.base(perp), market.quote(perp));
        let (gives, takes) = if sells { (party, Party::Pool) } else { (Party::Pool, party) };
        self.effects.flow(base, quantity.magnitude(), gives, takes);
        self.effects.flow(paid, quote, takes, gives);
        Ok(())
    }

    /// Places orders, or cancels some.
    fn order(&mut self, term: TermId, value: Int, t: &mut dyn Trace) -> Result<(), Refusal> {
        let perp = usize::from(term.0 / 2);
        if perp >= self.market.spec.perps.len() || value.is_negative() {
            return Err(Refusal::ModeNotAllowed);
        }
        self.in_lots(perp, value)?;
        self.effects.terms.push((self.call.account, term, value));
        if value <= self.account.term(term) {
            return Ok(());
        }
        self.allowed(t)
    }

    /// All orders of the account are cancelled.
    pub(super) fn cancel(&mut self) {
        for perp in 0..self.market.spec.perps.len() {
            for term in [bids(perp), asks(perp)] {
                if !self.account.term(term).is_zero() {
                    self.effects.terms.push((self.call.account, term, Int::ZERO));
                }
            }
        }
    }

    /// Whether what stands in the effects may be done: above both lines afterwards, or no worse than before.
    fn allowed(&self, t: &mut dyn Trace) -> Result<(), Refusal> {
        let before = Position::of(self.market, &self.account)?;
        let after = Position::of(self.market, &self.after()?)?;
        if after.owes_nothing() {
            return Ok(());
        }
        // Told of the line that new risk is measured by.
        t.about(Subject::Account);
        let seen = self.standing.assess_with(&after, INITIAL, t)?;
        let bucket = |line| Ok((self.standing.bucket(&before, line)?, self.standing.bucket(&after, line)?));
        if may_be_done(&[bucket(INITIAL)?, bucket(MAINTENANCE)?]) {
            return Ok(());
        }
        let capacity = seen.backing.to_u256().unwrap_or(U256::ZERO);
        Err(Refusal::OverCapacity { debt: seen.requirement.magnitude(), capacity })
    }
}
