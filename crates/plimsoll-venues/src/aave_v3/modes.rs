//! Entering and leaving an e-mode: `executeSetUserEMode` and `validateSetUserEMode` of each release.

use super::actions::Work;
use super::user::{self, LINE};
use super::{
    COLLATERAL_BIT, Configuration, DEBT_BIT, E_MODE, EMode, RESERVES_MAX, Revision, UserConfig, debt, receipt,
};
use plimsoll_core::{Account, Int, Refusal, Trace};

impl Work<'_> {
    /// `executeSetUserEMode`, `validateSetUserEMode`.
    pub(super) fn set_mode<T: Trace + ?Sized>(&mut self, t: &mut T, value: Int) -> Result<(), Refusal> {
        let pool = self.pool;
        if self.call.actor != self.call.account {
            return Err(Refusal::NotAtThisVenue);
        }
        let before = self.account.term(E_MODE);
        if pool.revision >= Revision::V3_2 && before == value {
            return Ok(());
        }
        let mut next = self.account.clone();
        next.set_term(E_MODE, value);
        let mode = pool.mode_of(&next).map_err(|_| Refusal::ModeNotAllowed)?;
        if mode.is_some_and(|mode| mode.threshold == 0) {
            return Err(Refusal::ModeNotAllowed);
        }
        let config = UserConfig::of(&self.account);
        for reserve in 0..RESERVES_MAX {
            if config.bit(reserve, DEBT_BIT) {
                self.require_debt_in(mode, reserve)?;
            }
            if pool.revision >= Revision::V3_6
                && config.bit(reserve, COLLATERAL_BIT)
                && self.ltv_in(&next, mode, reserve)? == 0
            {
                return Err(Refusal::NotUsableAsCollateral(receipt(reserve)));
            }
        }
        self.account = next;
        self.effects.terms.push((self.account.id, E_MODE, value));
        // 3.0 and 3.1 ask for health only when a category is left.
        if pool.revision >= Revision::V3_2 || !before.is_zero() {
            let data = self.account_data(t)?;
            if data.health(t, pool)? < LINE {
                return Err(Refusal::WouldBeUnhealthy);
            }
        }
        Ok(())
    }

    /// Whether a debt may be taken into a mode, 0 included.
    fn require_debt_in(&self, mode: Option<&EMode>, reserve: usize) -> Result<(), Refusal> {
        let revision = self.pool.revision;
        let listed = self.pool.reserves.get(reserve);
        let allowed = match mode {
            // Up to 3.3 the walk ends with the list; a flag beyond it is looked up in the bitmap from 3.4 on.
            _ if revision <= Revision::V3_3 && listed.is_none() => true,
            Some(mode) if revision <= Revision::V3_1 => self.pool.in_mode(mode, reserve),
            Some(mode) => mode.borrowable.bit(reserve),
            None if revision >= Revision::V3_6 => {
                listed.is_some_and(|listed| listed.configuration.is(Configuration::BORROWING))
            }
            None => true,
        };
        if allowed { Ok(()) } else { Err(Refusal::NotBorrowableInMode(debt(reserve))) }
    }

    /// The loan-to-value of a flagged collateral in a mode. The contract finds an empty reserve, whose id is 0, where
    /// the flag is beyond its list (bps).
    fn ltv_in(&self, account: &Account, mode: Option<&EMode>, reserve: usize) -> Result<u16, Refusal> {
        if reserve < self.pool.reserves.len() {
            return self.ltv_of(account, reserve);
        }
        Ok(user::weights(self.pool, mode, 0, 0, 0).ltv)
    }
}
