//! What users do: supply, withdraw, borrow, repay and flags. `SupplyLogic.sol`, `BorrowLogic.sol`,
//! `IsolationModeLogic.sol` and `ValidationLogic.sol` of each release.

use super::reserve::State;
use super::user::{self, AccountData, LINE, Leg, account_data};
use super::{
    COLLATERAL_BIT, Configuration, DEBT_BIT, E_MODE, EMode, Pool, RESERVE_FIELDS, Reserve, Revision, Role,
    USER_CONFIG, UserConfig, asset, debt, liquidation, receipt,
};
use crate::table;
use alloc::vec::Vec;
use plimsoll_core::{
    Account, AccountId, Accounts, Action, Amount, Arithmetic, BPS, Call, Effects, Feeds, InstrumentId, Int,
    Mechanism, Party, RAY, Refusal, Rounding, Subject, Trace, U256, Unit,
};

const ONE: U256 = RAY.value();

/// A call under way: the pool's numbers and the account as they stand after what was done so far.
pub(super) struct Work<'a> {
    pub(super) pool: &'a Pool,
    pub(super) call: &'a Call,
    accounts: &'a dyn Accounts,
    pub(super) prices: Vec<Option<U256>>,
    pub(super) legs: Vec<Leg>,
    states: Vec<State>,
    /// What the treasury gained when a reserve was accrued in this call (scaled).
    gains: Vec<U256>,
    /// The account acted upon.
    pub(super) account: Account,
    pub(super) effects: Effects,
}

/// Answers a call.
pub(super) fn act<T: Trace + ?Sized>(
    pool: &Pool,
    call: &Call,
    accounts: &dyn Accounts,
    feeds: Feeds<'_>,
    t: &mut T,
) -> Result<Effects, Refusal> {
    let mut work = Work::begin(t, pool, call, accounts, feeds)?;
    match &call.action {
        Action::Accrue => {
            for reserve in 0..pool.reserves.len() {
                work.accrue(t, reserve)?;
            }
        }
        Action::Deposit { into, amount } => work.supply(t, *into, *amount)?,
        Action::Withdraw { from, amount } => work.withdraw(t, *from, *amount)?,
        Action::Borrow { debt, amount } => work.borrow(t, *debt, *amount)?,
        Action::Repay { debt, amount } => work.repay(t, *debt, *amount)?,
        Action::UseAsCollateral { instrument, on } => work.use_as_collateral(t, *instrument, *on)?,
        Action::SetTerm { term, value } if *term == E_MODE => work.set_mode(t, *value)?,
        Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive }) => {
            liquidation::liquidate(t, &mut work, *repay, *seize, *lot, *receive)?;
        }
        _ => return Err(Refusal::NotAtThisVenue),
    }
    work.finish()
}

impl<'a> Work<'a> {
    fn begin<T: Trace + ?Sized>(
        t: &mut T,
        pool: &'a Pool,
        call: &'a Call,
        accounts: &'a dyn Accounts,
        feeds: Feeds<'_>,
    ) -> Result<Work<'a>, Refusal> {
        let account = accounts.get(call.account).cloned().unwrap_or(Account::new(call.account));
        let mut wanted = alloc::vec![false; pool.reserves.len()];
        for holding in account.holdings() {
            let (reserve, _) = pool.role(holding.instrument)?;
            wanted[reserve] = true;
        }
        let mut named = |instrument: InstrumentId| -> Result<(), Refusal> {
            let (reserve, _) = pool.role(instrument)?;
            wanted[reserve] = true;
            Ok(())
        };
        match &call.action {
            Action::Accrue => wanted.fill(true),
            Action::Deposit { into: it, .. }
            | Action::Withdraw { from: it, .. }
            | Action::Borrow { debt: it, .. }
            | Action::Repay { debt: it, .. }
            | Action::UseAsCollateral { instrument: it, .. } => named(*it)?,
            Action::Liquidate(Mechanism::Discount { repay, seize, .. }) => {
                named(*repay)?;
                named(*seize)?;
            }
            _ => {}
        }
        let legs = pool.legs_of(t, &wanted, feeds, call.at)?;
        Ok(Work {
            pool,
            call,
            accounts,
            prices: (0..pool.slots.len()).map(|slot| feeds.get(slot).value).collect(),
            legs,
            states: pool.reserves.iter().map(|reserve| reserve.state).collect(),
            gains: alloc::vec![U256::ZERO; pool.reserves.len()],
            account,
            effects: Effects::default(),
        })
    }

    fn finish(mut self) -> Result<Effects, Refusal> {
        for (object, (listed, state)) in (0..).zip(self.pool.reserves.iter().zip(&self.states)) {
            if listed.state == *state {
                continue;
            }
            state.fits_storage()?;
            let after = Reserve { state: *state, ..listed.clone() };
            table::diff(RESERVE_FIELDS, object, listed, &after, &mut self.effects.cells);
        }
        Ok(self.effects)
    }

    // ---- pieces that actions share ---------------------------------------------------------------------------

    pub(super) fn account_data<T: Trace + ?Sized>(&self, t: &mut T) -> Result<AccountData, Refusal> {
        account_data(t, self.pool, &self.legs, &self.prices, &self.account)
    }

    pub(super) fn accrue<T: Trace + ?Sized>(&mut self, t: &mut T, reserve: usize) -> Result<(), Refusal> {
        t.about(Subject::Instrument(asset(reserve)));
        let configuration = self.pool.reserves[reserve].configuration;
        let gained = self.states[reserve].accrue(t, self.pool.revision, configuration, self.call.at)?;
        // From here on the getters answer what is stored: without debt the debt index did not grow.
        let State { liquidity_index, variable_borrow_index, .. } = self.states[reserve];
        self.legs[reserve].income = liquidity_index;
        self.legs[reserve].debt_index = variable_borrow_index;
        self.gains[reserve] = self.gains[reserve].add(gained).ok_or(Refusal::Overflow("treasury gain"))?;
        Ok(())
    }

    /// Counts the treasury's gain of this call once more (3.5 and 3.6, collateral and debt the same asset).
    pub(super) fn repeat_treasury_gain(&mut self, reserve: usize) -> Result<(), Refusal> {
        let state = &mut self.states[reserve];
        let gain = self.gains[reserve];
        state.accrued_to_treasury =
            state.accrued_to_treasury.add(gain).ok_or(Refusal::Overflow("treasury gain"))?;
        Ok(())
    }

    pub(super) fn update_rates<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        reserve: usize,
        added: U256,
        taken: U256,
    ) -> Result<(), Refusal> {
        t.about(Subject::Instrument(asset(reserve)));
        let Reserve { configuration, curve, .. } = &self.pool.reserves[reserve];
        self.states[reserve].update_rates(t, self.pool.revision, *configuration, curve, added, taken)
    }

    pub(super) fn set_flag(&mut self, reserve: usize, which: usize, on: bool) {
        let word = UserConfig::of(&self.account).with(reserve, which, on).0;
        self.account.set_term(USER_CONFIG, word.into());
        let id = self.account.id;
        self.set_config_of(id, word);
    }

    fn set_config_of(&mut self, id: AccountId, word: U256) {
        let terms = &mut self.effects.terms;
        terms.retain(|(account, term, _)| (*account, *term) != (id, USER_CONFIG));
        terms.push((id, USER_CONFIG, word.into()));
    }

    /// What an account held before the call.
    pub(super) fn quantity_of(&self, id: AccountId, instrument: InstrumentId) -> Int {
        self.accounts.get(id).map_or(Int::ZERO, |account| account.quantity(instrument))
    }

    /// Moves, mints or burns scaled receipts of a reserve.
    pub(super) fn move_receipt(
        &mut self,
        reserve: usize,
        scaled: U256,
        from: Party,
        to: Party,
    ) -> Result<(), Refusal> {
        let state = &mut self.states[reserve];
        if to == Party::Burn {
            state.scaled_supply =
                state.scaled_supply.sub(scaled).ok_or(Refusal::Overflow("supply - burned"))?;
        }
        if from == Party::Mint {
            state.scaled_supply =
                state.scaled_supply.add(scaled).ok_or(Refusal::Overflow("supply + minted"))?;
        }
        self.move_holding(receipt(reserve), scaled, from, to)
    }

    fn move_holding(
        &mut self,
        instrument: InstrumentId,
        amount: U256,
        from: Party,
        to: Party,
    ) -> Result<(), Refusal> {
        let me = Party::Account(self.account.id);
        let held = self.account.quantity(instrument);
        self.fits_balance(amount.into())?;
        if from == me {
            let magnitude = held.magnitude();
            let left =
                magnitude.sub(amount).ok_or(Refusal::AmountTooLarge { held: magnitude, asked: amount })?;
            self.account.set(instrument, left.into());
        }
        if to == me {
            let held = self.account.quantity(instrument);
            let sum = held.add(Int::from(amount)).ok_or(Refusal::Overflow("held + received"))?;
            self.fits_balance(sum)?;
            self.account.set(instrument, sum);
        } else if let Party::Account(other) = to {
            let held = self.quantity_of(other, instrument);
            self.fits_balance(held.add(Int::from(amount)).ok_or(Refusal::Overflow("held + received"))?)?;
        }
        self.effects.flow(instrument, amount, from, to);
        Ok(())
    }

    /// What moves and what somebody has then are words of their own width in the token contracts.
    fn fits_balance(&self, scaled: Int) -> Result<(), Refusal> {
        let bits = self.pool.revision.scaled_bits();
        match () {
            () if scaled.magnitude().bit_len() <= bits => Ok(()),
            () if bits == 120 => {
                Err(Refusal::Overflow("a scaled balance that moves or is left, in a token's 120 bits"))
            }
            () => Err(Refusal::Overflow("a scaled balance that moves or is left, in a token's 128 bits")),
        }
    }

    /// Tokens of the actor come into the pool's cash.
    pub(super) fn pay_in(&mut self, reserve: usize, amount: U256) -> Result<(), Refusal> {
        let state = &mut self.states[reserve];
        state.cash = state.cash.add(amount).ok_or(Refusal::Overflow("cash + paid"))?;
        self.effects.flow(asset(reserve), amount, Party::Wallet(self.call.actor), Party::Pool);
        Ok(())
    }

    /// Tokens of the pool's cash go to the actor.
    pub(super) fn pay_out(&mut self, reserve: usize, amount: U256) -> Result<(), Refusal> {
        let state = &mut self.states[reserve];
        let held = state.cash;
        state.cash = held.sub(amount).ok_or(Refusal::InsufficientCash { held, asked: amount })?;
        self.effects.flow(asset(reserve), amount, Party::Pool, Party::Wallet(self.call.actor));
        Ok(())
    }

    /// Burns debt for what was repaid; with `write_off` all of it, the rest becoming the reserve's deficit
    /// (`_burnDebtTokens`). Returns what was written off (raw).
    pub(super) fn burn_debt<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        reserve: usize,
        owed: U256,
        repaid: U256,
        write_off: bool,
    ) -> Result<Option<U256>, Refusal> {
        let pool = self.pool;
        let index = self.states[reserve].variable_borrow_index;
        let held = self.account.quantity(debt(reserve)).magnitude();
        let mut burned = U256::ZERO;
        if owed != U256::ZERO {
            let amount = if write_off { owed } else { repaid };
            let formula = "scaled debt burned = amount x 1e27 / debt index";
            let scaled = t.mul_div(formula, amount, ONE, index, pool.revision.debt_burn(), Unit::NUMBER)?;
            if scaled == U256::ZERO {
                return Err(Refusal::AmountZero);
            }
            burned = t.min("scaled debt burned, at most held", scaled, held, Unit::NUMBER);
        }
        let state = &mut self.states[reserve];
        state.scaled_debt = state.scaled_debt.sub(burned).ok_or(Refusal::Overflow("scaled debt - burned"))?;
        let outstanding = t.sub("outstanding = owed - repaid", owed, repaid, Unit::NUMBER)?;
        let written = (write_off && outstanding != U256::ZERO).then_some(outstanding);
        if let Some(amount) = written {
            state.deficit = state.deficit.add(amount).ok_or(Refusal::Overflow("deficit + bad debt"))?;
        }
        let sink = if written.is_some() { Party::Loss } else { Party::Burn };
        self.move_holding(debt(reserve), burned, Party::Account(self.account.id), sink)?;
        // Up to 3.3 the flag follows the amounts, so that a scaled debt of nothing may keep it; then the balance.
        let cleared = if pool.revision >= Revision::V3_4 {
            burned == held
        } else {
            outstanding == U256::ZERO || write_off
        };
        if cleared {
            self.set_flag(reserve, DEBT_BIT, false);
        }
        self.update_rates(t, reserve, repaid, U256::ZERO)?;
        Ok(written)
    }

    // ---- isolation (up to 3.6) -------------------------------------------------------------------------------

    /// The account's one collateral, if it has a debt ceiling (`UserConfiguration.getIsolationModeState`).
    pub(super) fn isolated_collateral(&self) -> Option<usize> {
        let reserve = UserConfig::of(&self.account).only(COLLATERAL_BIT)?;
        let reserves = &self.pool.reserves;
        let ceiling = reserves.get(reserve)?.configuration.get(Configuration::DEBT_CEILING);
        (ceiling != 0).then_some(reserve)
    }

    /// An amount of a debt asset in whole cents (`convertToIsolatedDebtUnits`).
    fn isolation_units<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        debt_reserve: usize,
        amount: U256,
    ) -> Result<U256, Refusal> {
        let decimals = self.pool.reserves[debt_reserve].configuration.decimals();
        let power = decimals.checked_sub(2).and_then(U256::pow10);
        let power = power.ok_or(Refusal::Overflow("10^(decimals - 2)"))?;
        let formula = "isolated debt = amount / 10^(decimals - 2)";
        t.mul_div(formula, amount, U256::ONE, power, Rounding::Down, Unit { name: "base", decimals: 2 })
    }

    pub(super) fn reduce_isolated_debt<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        collateral: usize,
        debt_reserve: usize,
        repaid: U256,
    ) -> Result<(), Refusal> {
        let units = self.isolation_units(t, debt_reserve, repaid)?;
        let state = &mut self.states[collateral];
        state.isolation_debt = state.isolation_debt.sub_or_zero(units);
        Ok(())
    }

    fn add_isolated_debt<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        debt_reserve: usize,
        amount: U256,
    ) -> Result<(), Refusal> {
        if let Some((collateral, debt)) = self.isolated_debt_after(t, debt_reserve, amount)? {
            self.states[collateral].isolation_debt = debt;
        }
        Ok(())
    }

    /// The account's isolated collateral, and what all accounts will owe against it after a loan (up to 3.6).
    fn isolated_debt_after<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        debt_reserve: usize,
        amount: U256,
    ) -> Result<Option<(usize, U256)>, Refusal> {
        let isolation = self.pool.revision <= Revision::V3_6;
        let Some(collateral) = self.isolated_collateral().filter(|_| isolation) else { return Ok(None) };
        let configuration = self.pool.reserves[debt_reserve].configuration;
        if !configuration.is(Configuration::BORROWABLE_IN_ISOLATION) {
            return Err(Refusal::NotBorrowableInIsolation(debt(debt_reserve)));
        }
        let units = self.isolation_units(t, debt_reserve, amount)?;
        let ceiling = self.pool.reserves[collateral].configuration.get(Configuration::DEBT_CEILING);
        let owed = self.states[collateral].isolation_debt;
        let after = owed.add(units).ok_or(Refusal::Overflow("isolated debt + new"))?;
        if after > U256::from(ceiling) {
            return Err(Refusal::DebtCeiling(receipt(collateral)));
        }
        Ok(Some((collateral, after)))
    }

    // ---- supply and withdraw ---------------------------------------------------------------------------------

    /// The reserve of an instrument that must have this role.
    fn reserve_of(&self, instrument: InstrumentId, wanted: Role) -> Result<usize, Refusal> {
        match self.pool.role(instrument)? {
            (reserve, role) if role == wanted => Ok(reserve),
            _ => Err(Refusal::NoSuchInstrument(instrument)),
        }
    }

    fn require_open(&self, reserve: usize) -> Result<Configuration, Refusal> {
        let configuration = self.pool.reserves[reserve].configuration;
        if !configuration.is(Configuration::ACTIVE) {
            return Err(Refusal::Inactive(asset(reserve)));
        }
        if configuration.is(Configuration::PAUSED) {
            return Err(Refusal::Paused(asset(reserve)));
        }
        Ok(configuration)
    }

    /// A cap of so many whole tokens (raw); 0 is no cap.
    fn cap(&self, reserve: usize, whole: u64) -> Result<Option<U256>, Refusal> {
        let cap = U256::from(whole).mul(self.legs[reserve].unit.value());
        let cap = cap.ok_or(Refusal::Overflow("cap x 10^decimals"))?;
        Ok((whole != 0).then_some(cap))
    }

    fn supply<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        into: InstrumentId,
        amount: Amount,
    ) -> Result<(), Refusal> {
        let reserve = self.reserve_of(into, Role::Receipt)?;
        let Amount::Assets(amount) = amount else { return Err(Refusal::NotAtThisVenue) };
        let revision = self.pool.revision;
        self.accrue(t, reserve)?;
        let index = self.states[reserve].liquidity_index;
        let formula = "scaled minted = amount x 1e27 / liquidity index";
        let scaled = t.mul_div(formula, amount, ONE, index, revision.receipt_mint(), Unit::NUMBER)?;
        require_some(revision, amount, scaled)?;
        let configuration = self.require_open(reserve)?;
        if configuration.is(Configuration::FROZEN) {
            return Err(Refusal::Frozen(asset(reserve)));
        }
        if let Some(cap) = self.cap(reserve, configuration.get(Configuration::SUPPLY_CAP))? {
            let total = self.supply_after(t, reserve, amount, scaled)?;
            if total > cap {
                return Err(Refusal::SupplyCap(into));
            }
        }
        self.update_rates(t, reserve, amount, U256::ZERO)?;
        self.pay_in(reserve, amount)?;
        if scaled == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        let first = self.account.quantity(into).is_zero();
        self.move_receipt(reserve, scaled, Party::Mint, Party::Account(self.account.id))?;
        if first {
            self.use_as_collateral_if_allowed(self.account.id, reserve)?;
        }
        Ok(())
    }

    /// All that would be supplied, the treasury's claim included (`validateSupply`) (raw).
    fn supply_after<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        reserve: usize,
        amount: U256,
        scaled: U256,
    ) -> Result<U256, Refusal> {
        let State { scaled_supply, accrued_to_treasury, liquidity_index, .. } = self.states[reserve];
        let n = Unit::NUMBER;
        let revision = self.pool.revision;
        let now = t.add("supply = receipts + treasury", scaled_supply, accrued_to_treasury, n)?;
        let formula = "supplied = supply x liquidity index / 1e27";
        if revision >= Revision::V3_5 {
            let after = t.add("supply after = supply + minted", now, scaled, n)?;
            return t.mul_div(formula, after, liquidity_index, RAY, revision.receipt_balance(), n);
        }
        let supplied = t.mul_div(formula, now, liquidity_index, RAY, revision.receipt_balance(), n)?;
        t.add("supplied after = supplied + amount", supplied, amount, n)
    }

    fn withdraw<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        from: InstrumentId,
        amount: Amount,
    ) -> Result<(), Refusal> {
        let reserve = self.reserve_of(from, Role::Receipt)?;
        if self.call.actor != self.call.account {
            return Err(Refusal::NotAtThisVenue);
        }
        let revision = self.pool.revision;
        self.accrue(t, reserve)?;
        let index = self.states[reserve].liquidity_index;
        let held_scaled = self.account.quantity(from).magnitude();
        let held = user::receipt_balance(t, revision, &self.legs[reserve], held_scaled)?;
        let amount = match amount {
            Amount::All => held,
            Amount::Assets(amount) => amount,
            Amount::Shares(_) => return Err(Refusal::NotAtThisVenue),
        };
        let all = revision >= Revision::V3_5
            && matches!(self.call.action, Action::Withdraw { amount: Amount::All, .. });
        let scaled = if all {
            held_scaled
        } else {
            let formula = "scaled burned = amount x 1e27 / liquidity index";
            t.mul_div(formula, amount, ONE, index, revision.receipt_burn(), Unit::NUMBER)?
        };
        // From 3.5 on the contract asks of the scaled amounts, before of the amounts.
        let too_much = if revision >= Revision::V3_5 { scaled > held_scaled } else { amount > held };
        require_some(revision, amount, scaled)?;
        if too_much {
            return Err(Refusal::AmountTooLarge { held, asked: amount });
        }
        self.require_open(reserve)?;
        self.update_rates(t, reserve, U256::ZERO, amount)?;
        let was_collateral = UserConfig::of(&self.account).bit(reserve, COLLATERAL_BIT);
        let emptied = if revision >= Revision::V3_5 { scaled == held_scaled } else { amount == held };
        if was_collateral && emptied {
            self.set_flag(reserve, COLLATERAL_BIT, false);
        }
        if scaled == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        self.move_receipt(reserve, scaled, Party::Account(self.account.id), Party::Burn)?;
        self.pay_out(reserve, amount)?;
        if was_collateral && UserConfig::of(&self.account).owes_any() {
            self.require_health_without(t, reserve)?;
        }
        Ok(())
    }

    /// Health at least 1, and collateral without loan-to-value leaves first (`validateHFAndLtv`, from 3.5
    /// `validateHFAndLtvzero`).
    fn require_health_without<T: Trace + ?Sized>(&self, t: &mut T, reserve: usize) -> Result<(), Refusal> {
        let data = self.account_data(t)?;
        if data.health(t, self.pool)? < LINE {
            return Err(Refusal::WouldBeUnhealthy);
        }
        if user::has_zero_ltv(self.pool, &self.account)? && self.ltv_of(&self.account, reserve)? != 0 {
            return Err(Refusal::ZeroLtvFirst);
        }
        Ok(())
    }

    /// The loan-to-value that decides flags: the reserve's own up to 3.5, then the account's in its mode
    /// (`getUserReserveLtv`) (bps).
    pub(super) fn ltv_of(&self, account: &Account, reserve: usize) -> Result<u16, Refusal> {
        let own = self.pool.reserves[reserve].configuration.get(Configuration::LTV) as u16;
        if self.pool.revision <= Revision::V3_5 {
            return Ok(own);
        }
        let mode = self.pool.mode_of(account)?;
        Ok(user::weights(self.pool, mode, reserve, own, 0).ltv)
    }

    // ---- collateral flag -------------------------------------------------------------------------------------

    /// Whether an account may count a receipt as collateral (`validateUseAsCollateral`).
    fn may_use_as_collateral(&self, account: &Account, reserve: usize) -> Result<bool, Refusal> {
        if self.ltv_of(account, reserve)? == 0 {
            return Ok(false);
        }
        let config = UserConfig::of(account);
        let isolation = self.pool.revision <= Revision::V3_6;
        if !isolation || config.all(COLLATERAL_BIT).next().is_none() {
            return Ok(true);
        }
        let ceiling = |reserve: usize| {
            let listed = self.pool.reserves.get(reserve);
            listed.map_or(0, |listed| listed.configuration.get(Configuration::DEBT_CEILING))
        };
        let isolated = config.only(COLLATERAL_BIT).is_some_and(|one| ceiling(one) != 0);
        Ok(!isolated && ceiling(reserve) == 0)
    }

    /// A first deposit or receipt becomes collateral by itself where it may (`validateAutomaticUseAsCollateral`).
    pub(super) fn use_as_collateral_if_allowed(
        &mut self,
        id: AccountId,
        reserve: usize,
    ) -> Result<(), Refusal> {
        let ceiling = self.pool.reserves[reserve].configuration.get(Configuration::DEBT_CEILING);
        if self.pool.revision <= Revision::V3_6 && ceiling != 0 {
            return Ok(());
        }
        if id == self.account.id {
            if self.may_use_as_collateral(&self.account, reserve)? {
                self.set_flag(reserve, COLLATERAL_BIT, true);
            }
            return Ok(());
        }
        let account = self.accounts.get(id).cloned().unwrap_or(Account::new(id));
        if self.may_use_as_collateral(&account, reserve)? {
            let word = UserConfig::of(&account).with(reserve, COLLATERAL_BIT, true).0;
            self.set_config_of(id, word);
        }
        Ok(())
    }

    fn use_as_collateral<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        instrument: InstrumentId,
        on: bool,
    ) -> Result<(), Refusal> {
        let reserve = self.reserve_of(instrument, Role::Receipt)?;
        if self.call.actor != self.call.account {
            return Err(Refusal::NotAtThisVenue);
        }
        let revision = self.pool.revision;
        let held_scaled = self.account.quantity(instrument).magnitude();
        let held = user::receipt_balance(t, revision, &self.legs[reserve], held_scaled)?;
        if revision <= Revision::V3_3 && held == U256::ZERO {
            return Err(Refusal::NothingHeld(instrument));
        }
        self.require_open(reserve)?;
        if UserConfig::of(&self.account).bit(reserve, COLLATERAL_BIT) == on {
            return Ok(());
        }
        if on {
            if revision >= Revision::V3_4 && held_scaled == U256::ZERO {
                return Err(Refusal::NothingHeld(instrument));
            }
            if !self.may_use_as_collateral(&self.account, reserve)? {
                return Err(Refusal::NotUsableAsCollateral(instrument));
            }
            self.set_flag(reserve, COLLATERAL_BIT, true);
            return Ok(());
        }
        self.set_flag(reserve, COLLATERAL_BIT, false);
        self.require_health_without(t, reserve)
    }

    // ---- borrow and repay ------------------------------------------------------------------------------------

    fn borrow<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        instrument: InstrumentId,
        amount: Amount,
    ) -> Result<(), Refusal> {
        let reserve = self.reserve_of(instrument, Role::Debt)?;
        let Amount::Assets(amount) = amount else { return Err(Refusal::NotAtThisVenue) };
        if self.call.actor != self.call.account {
            return Err(Refusal::NotAtThisVenue);
        }
        let revision = self.pool.revision;
        self.accrue(t, reserve)?;
        let index = self.states[reserve].variable_borrow_index;
        let formula = "scaled debt minted = amount x 1e27 / debt index";
        let scaled = t.mul_div(formula, amount, ONE, index, revision.debt_mint(), Unit::NUMBER)?;
        require_some(revision, amount, scaled)?;
        self.validate_borrow(t, reserve, amount, scaled)?;
        if revision <= Revision::V3_4 {
            self.require_capacity_for(t, reserve, amount)?;
        }
        self.require_siloed(reserve)?;
        if scaled == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        let first = self.account.quantity(instrument).is_zero();
        let state = &mut self.states[reserve];
        state.scaled_debt = state.scaled_debt.add(scaled).ok_or(Refusal::Overflow("scaled debt + minted"))?;
        self.move_holding(instrument, scaled, Party::Mint, Party::Account(self.account.id))?;
        // Up to 3.3 the token tells whether this is the first debt, from 3.4 on the flag itself is looked at.
        if revision >= Revision::V3_4 || first {
            self.set_flag(reserve, DEBT_BIT, true);
        }
        self.add_isolated_debt(t, reserve, amount)?;
        self.update_rates(t, reserve, U256::ZERO, amount)?;
        self.pay_out(reserve, amount)?;
        if revision >= Revision::V3_5 {
            self.require_capacity(t)?;
        }
        Ok(())
    }

    /// Flags, caps and mode (`validateBorrow`).
    fn validate_borrow<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        reserve: usize,
        amount: U256,
        scaled: U256,
    ) -> Result<(), Refusal> {
        let revision = self.pool.revision;
        let configuration = self.require_open(reserve)?;
        let instrument = debt(reserve);
        if configuration.is(Configuration::FROZEN) {
            return Err(Refusal::Frozen(asset(reserve)));
        }
        let mode = self.pool.mode_of(&self.account)?;
        // From 3.6 a category decides alone; before, the asset must be borrowable as well.
        if (mode.is_none() || revision <= Revision::V3_5) && !configuration.is(Configuration::BORROWING) {
            return Err(Refusal::NotBorrowable(instrument));
        }
        if revision >= Revision::V3_6 {
            self.require_mode_allows(mode, reserve)?;
        }
        let accounted = revision >= Revision::V3_1 && configuration.is(Configuration::VIRTUAL_ACCOUNTING);
        if revision >= Revision::V3_4 || accounted {
            let State { scaled_supply, liquidity_index, .. } = self.states[reserve];
            let rounding = revision.receipt_balance();
            let formula = "receipts = scaled supply x liquidity index / 1e27";
            let held = t.mul_div(formula, scaled_supply, liquidity_index, RAY, rounding, Unit::NUMBER)?;
            let lent = self.lent(t, reserve, amount, scaled)?;
            if held < lent {
                return Err(Refusal::BeyondReceipts { receipts: held, lent });
            }
        }
        if let Some(cap) = self.cap(reserve, configuration.get(Configuration::BORROW_CAP))? {
            let State { scaled_debt, variable_borrow_index, .. } = self.states[reserve];
            let n = Unit::NUMBER;
            let rounding = revision.debt_balance();
            let formula = "reserve debt = scaled debt x debt index / 1e27";
            let total = if revision >= Revision::V3_5 {
                let after = t.add("scaled debt after = scaled debt + minted", scaled_debt, scaled, n)?;
                t.mul_div(formula, after, variable_borrow_index, RAY, rounding, n)?
            } else {
                let now = t.mul_div(formula, scaled_debt, variable_borrow_index, RAY, rounding, n)?;
                t.add("reserve debt after = reserve debt + amount", now, amount, n)?
            };
            if total > cap {
                return Err(Refusal::BorrowCap(instrument));
            }
        }
        if revision <= Revision::V3_3 {
            self.isolated_debt_after(t, reserve, amount)?;
        }
        if revision <= Revision::V3_5 {
            self.require_mode_allows(mode, reserve)?;
        }
        Ok(())
    }

    fn require_mode_allows(&self, mode: Option<&EMode>, reserve: usize) -> Result<(), Refusal> {
        let allowed = match mode {
            None => true,
            Some(mode) if self.pool.revision <= Revision::V3_1 => self.pool.in_mode(mode, reserve),
            Some(mode) => mode.borrowable.bit(reserve),
        };
        if allowed { Ok(()) } else { Err(Refusal::NotBorrowableInMode(debt(reserve))) }
    }

    /// What a loan is held against receipts with: the amount, from 3.5 what its scaled debt owes (raw).
    fn lent<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        reserve: usize,
        amount: U256,
        scaled: U256,
    ) -> Result<U256, Refusal> {
        let revision = self.pool.revision;
        if revision <= Revision::V3_4 {
            return Ok(amount);
        }
        let index = self.states[reserve].variable_borrow_index;
        let formula = "lent = scaled debt minted x debt index / 1e27";
        t.mul_div(formula, scaled, index, RAY, revision.debt_balance(), Unit::NUMBER)
    }

    /// Up to 3.4: health above 1 now, and collateral for the debt with the new loan (`validateBorrow`).
    fn require_capacity_for<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        reserve: usize,
        amount: U256,
    ) -> Result<(), Refusal> {
        let pool = self.pool;
        let data = self.account_data(t)?;
        let ltv = data.average_ltv(t)?;
        if data.collateral == U256::ZERO || ltv == U256::ZERO {
            return Err(Refusal::NoBorrowingPower);
        }
        if data.health(t, pool)? <= LINE {
            return Err(Refusal::WouldBeUnhealthy);
        }
        let leg = &self.legs[reserve];
        // Up to 3.1 a category with a price source prices every loan in it.
        let slot = pool.mode_of(&self.account)?.and_then(|mode| mode.price_slot);
        let (slot, price) = match slot {
            Some(slot) => (slot, self.prices.get(slot).copied().flatten()),
            None => (reserve, leg.price),
        };
        let price = price.ok_or(Refusal::PriceUnknown { slot, why: plimsoll_core::Why::Missing })?;
        let formula = "loan value = amount x price / 10^decimals";
        let value = t.mul_div(formula, amount, price, leg.unit, Rounding::Down, pool.base)?;
        let debt = t.add("debt after = debt + loan value", data.debt, value, pool.base)?;
        self.require_collateral_for(t, &data, debt, ltv)
    }

    /// From 3.5: health at least 1 and collateral for all debt, after the loan (`validateHFAndLtv`).
    fn require_capacity<T: Trace + ?Sized>(&self, t: &mut T) -> Result<(), Refusal> {
        let data = self.account_data(t)?;
        let ltv = data.average_ltv(t)?;
        if ltv == U256::ZERO {
            return Err(Refusal::NoBorrowingPower);
        }
        if data.health(t, self.pool)? < LINE {
            return Err(Refusal::WouldBeUnhealthy);
        }
        self.require_collateral_for(t, &data, data.debt, ltv)
    }

    fn require_collateral_for<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        data: &AccountData,
        debt: U256,
        ltv: U256,
    ) -> Result<(), Refusal> {
        let formula = "collateral needed = debt x 1e4 / average loan-to-value";
        let rounding = self.pool.revision.collateral_needed();
        let needed = t.mul_div(formula, debt, BPS.value(), ltv, rounding, self.pool.base)?;
        if needed > data.collateral {
            let capacity = data.capacity(t, self.pool)?;
            return Err(Refusal::OverCapacity { debt, capacity });
        }
        Ok(())
    }

    /// Up to 3.6: a siloed asset is the only debt (`getSiloedBorrowingState`).
    fn require_siloed(&self, reserve: usize) -> Result<(), Refusal> {
        let config = UserConfig::of(&self.account);
        if self.pool.revision >= Revision::V3_7 || !config.owes_any() {
            return Ok(());
        }
        let siloed = |reserve: usize| {
            self.pool
                .reserves
                .get(reserve)
                .is_some_and(|listed| listed.configuration.is(Configuration::SILOED))
        };
        let allowed = match config.only(DEBT_BIT).filter(|&one| siloed(one)) {
            Some(one) => one == reserve,
            None => !siloed(reserve),
        };
        if allowed { Ok(()) } else { Err(Refusal::Siloed(debt(reserve))) }
    }

    fn repay<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        instrument: InstrumentId,
        amount: Amount,
    ) -> Result<(), Refusal> {
        let reserve = self.reserve_of(instrument, Role::Debt)?;
        let revision = self.pool.revision;
        self.accrue(t, reserve)?;
        let scaled = self.account.quantity(instrument).magnitude();
        let owed = user::debt_balance(t, revision, &self.legs[reserve], scaled)?;
        let asked = match amount {
            Amount::All if self.call.actor == self.call.account => owed,
            Amount::Assets(amount) => amount,
            // "All" of somebody else's debt would let them change the amount under the payer.
            Amount::All | Amount::Shares(_) => return Err(Refusal::NotAtThisVenue),
        };
        if amount == Amount::Assets(U256::ZERO) {
            return Err(Refusal::AmountZero);
        }
        self.require_open(reserve)?;
        let nothing_owed = if revision >= Revision::V3_5 { scaled } else { owed } == U256::ZERO;
        if nothing_owed {
            return Err(Refusal::NothingOwed(instrument));
        }
        let repaid = t.min("repaid = asked, at most owed", asked, owed, Unit::NUMBER);
        self.burn_debt(t, reserve, owed, repaid, false)?;
        if revision <= Revision::V3_6
            && let Some(collateral) = self.isolated_collateral()
        {
            self.reduce_isolated_debt(t, collateral, reserve, repaid)?;
        }
        self.pay_in(reserve, repaid)
    }
}

/// Up to 3.4 the pool asks first for an amount, and only the token at last for one that counts; from 3.5 on the pool asks
/// for one that counts.
fn require_some(revision: Revision, amount: U256, scaled: U256) -> Result<(), Refusal> {
    let nothing = amount == U256::ZERO || (revision >= Revision::V3_5 && scaled == U256::ZERO);
    if nothing { Err(Refusal::AmountZero) } else { Ok(()) }
}
