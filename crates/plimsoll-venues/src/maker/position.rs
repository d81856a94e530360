//! What one account holds of a market, and its line.

use super::{ART, GEM, HOPE, INK, RAD, VAT_DAI};
use plimsoll_core::{Account, AccountId, Accounts, Arithmetic, InstrumentId, Refusal, Subject, Trace, U256};

/// What one account holds of a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Locked collateral (wad).
    pub(super) ink: U256,
    /// Normalised debt (wad).
    pub(super) art: U256,
    /// Unlocked collateral (wad).
    pub(super) gem: U256,
    /// Dai in the vat (rad).
    pub(super) dai: U256,
    /// Who else may act for it.
    pub(super) hope: Option<AccountId>,
}

impl Position {
    pub(super) fn of(account: &Account) -> Result<Position, Refusal> {
        let mut position = Position::default();
        for holding in account.holdings() {
            let place = position.place(holding.instrument)?;
            let quantity = holding.quantity.to_u256();
            *place = quantity.ok_or(Refusal::InconsistentAccount("a holding that is negative"))?;
        }
        for (term, value) in account.terms() {
            if *term != HOPE {
                return Err(Refusal::InconsistentAccount("a term that Maker does not have"));
            }
            let next = value.to_u64().and_then(|next| next.checked_sub(1));
            let next = next.ok_or(Refusal::InconsistentAccount("hope for what is no account's number"))?;
            position.hope = Some(AccountId(next));
        }
        Ok(position)
    }

    /// `None` for an account that nobody heard of.
    pub(super) fn of_known(accounts: &dyn Accounts, id: AccountId) -> Result<Option<Position>, Refusal> {
        accounts.get(id).map(Position::of).transpose()
    }

    /// Where a quantity stands.
    pub(super) fn place(&mut self, instrument: InstrumentId) -> Result<&mut U256, Refusal> {
        match instrument {
            INK => Ok(&mut self.ink),
            ART => Ok(&mut self.art),
            GEM => Ok(&mut self.gem),
            VAT_DAI => Ok(&mut self.dai),
            other => Err(Refusal::NoSuchInstrument(other)),
        }
    }

    /// The two numbers that the vat compares, at a rate and a spot.
    pub(super) fn line<T: Trace + ?Sized>(&self, t: &mut T, rate: U256, spot: U256) -> Result<Line, Refusal> {
        t.about(Subject::Holding(ART));
        let tab = t.mul("tab = art * rate", self.art, rate, RAD)?;
        t.about(Subject::Holding(INK));
        let carried = t.mul("carried = ink * spot", self.ink, spot, RAD)?;
        t.about(Subject::Account);
        Ok(Line { tab, carried })
    }
}

/// The numbers that the vat compares (rad).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// What is owed.
    pub(super) tab: U256,
    /// What the collateral carries.
    pub(super) carried: U256,
}

impl Line {
    pub(super) fn safe(&self) -> bool {
        self.tab <= self.carried
    }
}
