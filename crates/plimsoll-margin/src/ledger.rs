//! What markets with positions have in common: what stands where among their instruments, and what paying in, paying out and trading move.
//!
//! Instruments are three for each asset (its token, what is held, what is owed) and then two for each contract (its base, and the quote that was
//! paid for it, below zero, or received).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use plimsoll_core::{
    Account, Amount, Arithmetic, Call, Effects, Instrument, InstrumentId, Int, Kind, Mechanism, Party,
    Refusal, Rounding, Subject, Trace, U256, Unit,
};

/// The token of an asset.
#[must_use]
pub const fn token(asset: usize) -> InstrumentId {
    InstrumentId(3 * asset as u32)
}

/// What is held of an asset.
#[must_use]
pub const fn held(asset: usize) -> InstrumentId {
    InstrumentId(3 * asset as u32 + 1)
}

/// What is owed of an asset.
#[must_use]
pub const fn owed(asset: usize) -> InstrumentId {
    InstrumentId(3 * asset as u32 + 2)
}

/// What an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Token(usize),
    Held(usize),
    Owed(usize),
    Base(usize),
    Quote(usize),
}

/// What trading a contract needs to know of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contract {
    /// Decimals of its base.
    pub(crate) decimals: u8,
    /// The least by which a position changes (raw base).
    pub(crate) lot: U256,
    /// Decimals of what it settles in.
    pub(crate) settles: u8,
}

/// A market whose accounts hold and owe assets, and have contracts.
pub(crate) trait Ledger {
    fn assets(&self) -> usize;
    fn contracts(&self) -> usize;
    fn contract(&self, contract: usize) -> Contract;
    /// Whether an asset can be borrowed.
    fn lends(&self, asset: usize) -> bool;
    /// Digits of prices.
    fn digits(&self) -> u8;

    /// The base of a contract.
    fn base_of(&self, contract: usize) -> InstrumentId {
        InstrumentId((3 * self.assets() + 2 * contract) as u32)
    }

    /// What was paid or received for it.
    fn quote_of(&self, contract: usize) -> InstrumentId {
        InstrumentId(self.base_of(contract).0 + 1)
    }

    fn place_of(&self, id: InstrumentId) -> Option<Place> {
        let at = id.index();
        match at.checked_sub(3 * self.assets()) {
            None => Some(match at % 3 {
                0 => Place::Token(at / 3),
                1 => Place::Held(at / 3),
                _ => Place::Owed(at / 3),
            }),
            Some(at) if at / 2 >= self.contracts() => None,
            Some(at) if at % 2 == 0 => Some(Place::Base(at / 2)),
            Some(at) => Some(Place::Quote(at / 2)),
        }
    }
}

/// The instruments of an asset.
pub(crate) fn of_asset(name: &str, decimals: u8) -> [Instrument; 3] {
    let one = |suffix: &str, kind| Instrument {
        name: format!("{name}{suffix}"),
        kind,
        asset: name.into(),
        decimals,
    };
    [one("", Kind::Asset), one(" held", Kind::Receipt), one(" owed", Kind::Debt)]
}

/// The instruments of a contract that settles in an asset.
pub(crate) fn of_contract(name: &str, decimals: u8, settles: (&String, u8)) -> [Instrument; 2] {
    [
        Instrument { name: name.into(), kind: Kind::Derivative, asset: name.into(), decimals },
        Instrument {
            name: format!("{name} quote"),
            kind: Kind::Balance,
            asset: settles.0.clone(),
            decimals: settles.1,
        },
    ]
}

/// How a contract is traded; `None` of what is none.
pub(crate) fn traded(ledger: &impl Ledger, instrument: InstrumentId) -> Option<plimsoll_core::Traded> {
    let Place::Base(contract) = ledger.place_of(instrument)? else { return None };
    let (lot, quote) = (ledger.contract(contract).lot, ledger.quote_of(contract));
    Some(plimsoll_core::Traded { lot, digits: ledger.digits(), quote })
}

/// Each position can be reduced.
pub(crate) fn reducible(ledger: &impl Ledger, account: &Account) -> Vec<Mechanism> {
    let base = |contract: usize| {
        let instrument = ledger.base_of(contract);
        let size = account.quantity(instrument).magnitude();
        (size != U256::ZERO).then_some(Mechanism::Reduce { instrument, size })
    };
    (0..ledger.contracts()).filter_map(base).collect()
}

/// Who says whether an account may come to stand as it would.
pub(crate) trait Judge {
    /// Refuses what leaves an account below a line, unless it was below and is no worse.
    fn allows(&self, before: &Account, after: &Account, t: &mut dyn Trace) -> Result<(), Refusal>;
}

/// One call while it is computed.
pub(crate) struct Turn<'a, M, S> {
    pub(crate) market: &'a M,
    pub(crate) call: &'a Call,
    pub(crate) account: Account,
    pub(crate) standing: S,
    pub(crate) effects: Effects,
}

/// An amount that must be named.
pub(crate) fn given(amount: Amount) -> Result<U256, Refusal> {
    match amount {
        Amount::Assets(U256::ZERO) | Amount::Shares(U256::ZERO) => Err(Refusal::AmountZero),
        Amount::Assets(amount) | Amount::Shares(amount) => Ok(amount),
        Amount::All => Err(Refusal::NotAtThisVenue),
    }
}

impl<M: Ledger, S: Judge> Turn<'_, M, S> {
    /// The asset whose instrument this is.
    pub(crate) fn asset(&self, id: InstrumentId, kind: fn(usize) -> Place) -> Result<usize, Refusal> {
        match self.market.place_of(id) {
            Some(place @ (Place::Held(asset) | Place::Owed(asset))) if place == kind(asset) => Ok(asset),
            _ => Err(Refusal::NoSuchInstrument(id)),
        }
    }

    pub(crate) fn traded(&self, instrument: InstrumentId) -> Result<usize, Refusal> {
        match self.market.place_of(instrument) {
            Some(Place::Base(contract)) => Ok(contract),
            _ => Err(Refusal::NoSuchInstrument(instrument)),
        }
    }

    pub(crate) fn party(&self) -> Party {
        Party::Account(self.call.account)
    }

    pub(crate) fn wallet(&self) -> Party {
        Party::Wallet(self.call.actor)
    }

    /// How much is held or owed (raw).
    pub(crate) fn quantity(&self, id: InstrumentId) -> U256 {
        self.account.quantity(id).magnitude()
    }

    pub(crate) fn after(&self) -> Result<Account, Refusal> {
        self.effects.apply_to(&self.account).ok_or(Refusal::Overflow("amounts of the account"))
    }

    /// Whether what stands in the effects may be done.
    pub(crate) fn allowed(&self, t: &mut dyn Trace) -> Result<(), Refusal> {
        self.standing.allows(&self.account, &self.after()?, t)
    }

    /// Pays what is owed first.
    pub(crate) fn deposit(&mut self, asset: usize, amount: U256) {
        let repaid = amount.min(self.quantity(owed(asset)));
        self.effects.flow(token(asset), amount, self.wallet(), Party::Pool);
        self.effects.flow(owed(asset), repaid, self.party(), Party::Burn);
        self.effects.flow(held(asset), amount.sub_or_zero(repaid), Party::Mint, self.party());
    }

    pub(crate) fn repay(&mut self, asset: usize, amount: Amount) -> Result<(), Refusal> {
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

    pub(crate) fn withdraw(
        &mut self,
        asset: usize,
        amount: Amount,
        t: &mut dyn Trace,
    ) -> Result<(), Refusal> {
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
    pub(crate) fn borrow(&mut self, asset: usize, amount: U256, t: &mut dyn Trace) -> Result<(), Refusal> {
        if !self.market.lends(asset) {
            return Err(Refusal::NotBorrowable(owed(asset)));
        }
        let drawn = amount.min(self.quantity(held(asset)));
        self.effects.flow(held(asset), drawn, self.party(), Party::Burn);
        self.effects.flow(owed(asset), amount.sub_or_zero(drawn), Party::Mint, self.party());
        self.effects.flow(token(asset), amount, Party::Pool, self.wallet());
        self.allowed(t)
    }

    /// A trade: base against quote, the quote rounded for the venue.
    pub(crate) fn fill(
        &mut self,
        instrument: InstrumentId,
        quantity: Int,
        price: Int,
        t: &mut dyn Trace,
    ) -> Result<(), Refusal> {
        let contract = self.traded(instrument)?;
        if quantity.is_zero() || price.is_zero() || price.is_negative() {
            return Err(Refusal::AmountZero);
        }
        self.in_lots(contract, quantity)?;
        self.trade(contract, quantity, price, t)?;
        self.allowed(t)
    }

    pub(crate) fn in_lots(&self, contract: usize, quantity: Int) -> Result<(), Refusal> {
        let lot = self.market.contract(contract).lot;
        let lots = quantity.magnitude().div(lot, Rounding::Down).and_then(|lots| lots.mul(lot));
        if lots == Some(quantity.magnitude()) { Ok(()) } else { Err(Refusal::NotInLots { lot }) }
    }

    /// Base against quote; the other side is whoever trades with the account.
    pub(crate) fn trade(
        &mut self,
        contract: usize,
        quantity: Int,
        price: Int,
        t: &mut dyn Trace,
    ) -> Result<(), Refusal> {
        let (market, party) = (self.market, self.party());
        let Contract { decimals, settles, .. } = market.contract(contract);
        let sells = quantity.is_negative();
        let (formula, rounding) = match sells {
            true => ("received = base * price", Rounding::Down),
            false => ("paid = base * price", Rounding::Up),
        };
        let (base, paid) = (market.base_of(contract), market.quote_of(contract));
        t.about(Subject::Instrument(base));
        let beyond = Refusal::Overflow(formula);
        let power = |digits: u8| U256::pow10(digits).ok_or(beyond);
        let price = price.magnitude().mul(power(settles)?).ok_or(beyond)?;
        let by = power(decimals + market.digits())?;
        let quote = t.mul_div(formula, quantity.magnitude(), price, by, rounding, Unit::raw(settles))?;
        let (gives, takes) = if sells { (party, Party::Pool) } else { (Party::Pool, party) };
        self.effects.flow(base, quantity.magnitude(), gives, takes);
        self.effects.flow(paid, quote, takes, gives);
        Ok(())
    }
}
