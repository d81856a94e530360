//! What an account's owner can do: `Comet.sol`'s supply, withdraw and transfer, of base and of collateral, in its
//! order. What others can do to it stands in `absorb`.

use super::casts::{INT256, UINT64, UINT128};
use super::cells::{ASSET_FIELDS, AssetRow, FIELDS, Numbers};
use super::interest::{cast, grow, shrink};
use super::line::{Line, Position, Price};
use super::standing::prices;
use super::{
    AssetTotals, BASE, DEBT, Market, PAUSE_SUPPLY, PAUSE_TRANSFER, PAUSE_WITHDRAW, SUPPLY, State,
    TRACKING_ACCRUED, TRACKING_INDEX, asset_of, collateral, token,
};
use crate::table;
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{
    Account, AccountId, Accounts, Action, Amount, Arithmetic, Call, Effects, Feeds, InstrumentId, Int,
    Mechanism, Party, Refusal, Subject, TermId, Test, Trace, U256, Unit, Why,
};

/// One call while it is computed: the market as it will be, and what moved.
pub(super) struct Turn<'a, T: Trace + ?Sized> {
    pub(super) market: &'a Market,
    pub(super) call: &'a Call,
    accounts: &'a dyn Accounts,
    pub(super) prices: Vec<Price>,
    pub(super) state: State,
    pub(super) totals: Vec<AssetTotals>,
    pub(super) effects: Effects,
    pub(super) t: &'a mut T,
}

/// Which way a principal is meant to go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Toward {
    /// Up: supply, repay.
    Supply,
    /// Down: withdraw, borrow.
    Withdraw,
}

/// The rewards of an account as a touch would leave them, 10^6 to a whole one (`updateBasePrincipal`): by the index of
/// the side that it was on.
pub(super) fn rewards<T: Trace + ?Sized>(
    t: &mut T,
    market: &Market,
    state: &State,
    account: &Account,
) -> Result<U256, Refusal> {
    fn term(account: &Account, term: TermId) -> Result<U256, Refusal> {
        let value = account.term(term).to_u256().filter(|value| value.bit_len() <= 64);
        value.ok_or(Refusal::InconsistentAccount("a tracking number that is negative or beyond 64 bits"))
    }
    let (index, accrued) = (term(account, TRACKING_INDEX)?, term(account, TRACKING_ACCRUED)?);
    let principal = Position::of(market, account)?.principal();
    let now = if principal.is_negative() { state.tracking_borrow_index } else { state.tracking_supply_index };
    let rules = &market.numbers.rules;
    let descale = U256::pow10(rules.base_decimals.saturating_sub(6)).unwrap_or(U256::ONE);
    let unit = Unit::raw(6);
    let growth = t.sub("growth of the tracking index", now, index, Unit::NUMBER)?;
    let formula = "rewards = principal * growth / tracking scale";
    let rewards =
        t.mul_div(formula, principal.magnitude(), growth, rules.tracking_index_scale, Down, unit)?;
    let rewards = t.mul_div("in millionths of a token", rewards, U256::ONE, descale, Down, unit)?;
    let sum = t.add("rewards accrued", accrued, cast(rewards, 64, UINT64)?, unit)?;
    cast(sum, 64, "rewards accrued")
}

/// `getPrice` refuses a price of zero.
pub(super) fn positive(prices: Vec<Price>) -> Vec<Price> {
    fn one(price: U256) -> Price {
        if price == U256::ZERO { Err(Why::NotPositive) } else { Ok(price) }
    }
    prices.into_iter().map(|price| price.and_then(one)).collect()
}

impl<'a, T: Trace + ?Sized> Turn<'a, T> {
    pub(super) fn new(
        market: &'a Market,
        call: &'a Call,
        accounts: &'a dyn Accounts,
        feeds: Feeds<'_>,
        t: &'a mut T,
    ) -> Result<Turn<'a, T>, Refusal> {
        market.numbers.seconds_to(call.at)?;
        let prices = positive(prices(market, feeds));
        let totals = market.assets.iter().map(|asset| asset.totals).collect();
        let (state, effects) = (market.numbers.state, Effects::default());
        Ok(Turn { market, call, accounts, prices, state, totals, effects, t })
    }

    pub(super) fn act(mut self, action: &Action) -> Result<Effects, Refusal> {
        match *action {
            Action::Accrue => self.touch()?,
            Action::Deposit { into: SUPPLY, amount } | Action::Repay { debt: DEBT, amount } => {
                self.supply_base(amount)?;
            }
            Action::Withdraw { from: SUPPLY, amount } | Action::Borrow { debt: DEBT, amount } => {
                self.withdraw_base(amount)?;
            }
            Action::Transfer { instrument: SUPPLY, to, amount } => self.transfer_base(to, amount)?,
            Action::Deposit { into, amount } => self.supply_collateral(self.listed(into)?, amount)?,
            Action::Withdraw { from, amount } => self.withdraw_collateral(self.listed(from)?, amount)?,
            Action::Transfer { instrument, to, amount } => {
                self.transfer_collateral(self.listed(instrument)?, to, amount)?;
            }
            Action::Liquidate(Mechanism::Absorb { ref accounts }) => {
                self.absorb(accounts)?;
            }
            Action::Liquidate(Mechanism::BuyReserve { asset, pay }) => {
                self.buy_collateral(self.listed(asset)?, pay)?;
            }
            Action::Borrow { debt: other, .. } | Action::Repay { debt: other, .. } => {
                return Err(Refusal::NoSuchInstrument(other));
            }
            _ => return Err(Refusal::NotAtThisVenue),
        }
        Ok(self.finished())
    }

    /// The effects, with every number of the market that changed.
    pub(super) fn finished(mut self) -> Effects {
        let after = Numbers { state: self.state, ..self.market.numbers };
        table::diff(FIELDS, 0, &self.market.numbers, &after, &mut self.effects.cells);
        for ((object, asset), totals) in (1..).zip(&self.market.assets).zip(&self.totals) {
            let before = AssetRow { rules: asset.rules, totals: asset.totals };
            let after = AssetRow { totals: *totals, ..before };
            table::diff(ASSET_FIELDS, object, &before, &after, &mut self.effects.cells);
        }
        self.effects
    }

    /// The collateral asset that a receipt is of (`getAssetInfoByAddress`).
    fn listed(&self, instrument: InstrumentId) -> Result<usize, Refusal> {
        let asset = asset_of(instrument).filter(|asset| *asset < self.totals.len());
        asset.ok_or(Refusal::NoSuchInstrument(instrument))
    }

    pub(super) fn go(&self, flag: u8, what: &'static str) -> Result<(), Refusal> {
        let stopped = self.market.numbers.rules.pause_flags & flag != 0;
        if stopped { Err(Refusal::ActionPaused(what)) } else { Ok(()) }
    }

    /// An account as the call has left it so far; one that nobody knows has nothing.
    pub(super) fn account(&self, id: AccountId) -> Result<Account, Refusal> {
        let known = self.accounts.get(id);
        let after = match known {
            Some(account) => self.effects.apply_to(account),
            None => self.effects.apply_to(&Account::new(id)),
        };
        after.ok_or(Refusal::Overflow("the account after"))
    }

    fn wallet(&self) -> Party {
        Party::Wallet(self.call.actor)
    }

    pub(super) fn line(&mut self, account: &Account, test: Test) -> Result<Line, Refusal> {
        let position = Position::of(self.market, account)?;
        Line::of(self.t, self.market, &self.state, &position, test, &self.prices)
    }

    /// `accrueInternal`.
    pub(super) fn accrue(&mut self) -> Result<(), Refusal> {
        self.state = self.market.numbers.accrue(self.t, self.call.at)?;
        Ok(())
    }

    /// `accrueAccount`.
    fn touch(&mut self) -> Result<(), Refusal> {
        self.accrue()?;
        let account = self.account(self.call.account)?;
        let principal = Position::of(self.market, &account)?.principal();
        self.set_principal(&account, principal, Toward::Supply)?;
        Ok(())
    }

    /// The amount of a call that must name one in base tokens.
    fn base_amount(&self, amount: Amount) -> Result<U256, Refusal> {
        match amount {
            Amount::Assets(amount) => cast(amount, 255, INT256),
            Amount::Shares(_) | Amount::All => Err(Refusal::NotAtThisVenue),
        }
    }

    /// `supplyBase`; all is all that is owed, with interest (`borrowBalanceOf`), which is nothing for one who owes
    /// nothing.
    fn supply_base(&mut self, amount: Amount) -> Result<(), Refusal> {
        self.go(PAUSE_SUPPLY, "supplying")?;
        self.accrue()?;
        let account = self.account(self.call.account)?;
        let position = Position::of(self.market, &account)?;
        let unit = self.market.base_unit();
        let repays = matches!(self.call.action, Action::Repay { .. });
        let amount = match amount {
            Amount::All if repays => self.state.present_borrow(self.t, position.owed, unit)?,
            other => self.base_amount(other)?,
        };
        let new = self.moved(&position, amount, Toward::Supply)?;
        let change = self.set_principal(&account, new.principal, Toward::Supply)?;
        self.set_totals(&[change])?;
        self.effects.flow(BASE, amount, self.wallet(), Party::Pool);
        grow(&mut self.state.base_balance, amount, 255, "base tokens held + amount")
    }

    /// `withdrawBase`; all is all that is supplied, with interest (`balanceOf`). First the least loan, then the line,
    /// then the cash.
    fn withdraw_base(&mut self, amount: Amount) -> Result<(), Refusal> {
        self.go(PAUSE_WITHDRAW, "withdrawing")?;
        self.accrue()?;
        let account = self.account(self.call.account)?;
        let position = Position::of(self.market, &account)?;
        let unit = self.market.base_unit();
        let withdraws = matches!(self.call.action, Action::Withdraw { .. });
        let amount = match amount {
            Amount::All if withdraws => self.state.present_supply(self.t, position.supplied, unit)?,
            other => self.base_amount(other)?,
        };
        let new = self.moved(&position, amount, Toward::Withdraw)?;
        let change = self.set_principal(&account, new.principal, Toward::Withdraw)?;
        self.set_totals(&[change])?;
        self.may_owe(account.id, new.balance)?;
        let held = self.state.base_balance;
        self.state.base_balance =
            held.sub(amount).ok_or(Refusal::InsufficientCash { held, asked: amount })?;
        self.effects.flow(BASE, amount, Party::Pool, self.wallet());
        Ok(())
    }

    /// `transferBase`, which borrows where the balance does not suffice.
    fn transfer_base(&mut self, to: AccountId, amount: Amount) -> Result<(), Refusal> {
        self.go(PAUSE_TRANSFER, "transferring")?;
        if to == self.call.account {
            return Err(Refusal::SelfTransfer);
        }
        self.accrue()?;
        let (from, to) = (self.account(self.call.account)?, self.account(to)?);
        let (giver, taker) = (Position::of(self.market, &from)?, Position::of(self.market, &to)?);
        let unit = self.market.base_unit();
        let amount = match amount {
            Amount::All => self.state.present_supply(self.t, giver.supplied, unit)?,
            other => self.base_amount(other)?,
        };
        let less = self.moved(&giver, amount, Toward::Withdraw)?;
        let more = self.moved(&taker, amount, Toward::Supply)?;
        let gone = self.set_principal(&from, less.principal, Toward::Withdraw)?;
        let come = self.set_principal(&to, more.principal, Toward::Supply)?;
        self.set_totals(&[gone, come])?;
        self.may_owe(from.id, less.balance)
    }

    /// `supplyCollateral`, which brings no interest up to date.
    fn supply_collateral(&mut self, asset: usize, amount: Amount) -> Result<(), Refusal> {
        self.go(PAUSE_SUPPLY, "supplying")?;
        let amount = whole(amount, None)?;
        grow(&mut self.totals[asset].total_supply, amount, 128, "collateral of all + amount")?;
        if self.totals[asset].total_supply > self.market.assets[asset].rules.supply_cap {
            return Err(Refusal::SupplyCap(collateral(asset)));
        }
        let account = self.account(self.call.account)?;
        let mut balance = account.quantity(collateral(asset)).magnitude();
        grow(&mut balance, amount, 128, "collateral of the account + amount")?;
        self.effects.flow(token(asset), amount, self.wallet(), Party::Pool);
        self.effects.flow(collateral(asset), amount, Party::Mint, Party::Account(account.id));
        Ok(())
    }

    /// `withdrawCollateral`: by the stored indices.
    fn withdraw_collateral(&mut self, asset: usize, amount: Amount) -> Result<(), Refusal> {
        self.go(PAUSE_WITHDRAW, "withdrawing")?;
        let id = self.call.account;
        let amount = self.posted(asset, amount)?;
        shrink(&mut self.totals[asset].total_supply, amount, "collateral of all - amount")?;
        self.effects.flow(collateral(asset), amount, Party::Account(id), Party::Burn);
        self.stay_collateralized(id)?;
        self.effects.flow(token(asset), amount, Party::Pool, self.wallet());
        Ok(())
    }

    /// `transferCollateral`: by the stored indices.
    fn transfer_collateral(&mut self, asset: usize, to: AccountId, amount: Amount) -> Result<(), Refusal> {
        self.go(PAUSE_TRANSFER, "transferring")?;
        let from = self.call.account;
        if to == from {
            return Err(Refusal::SelfTransfer);
        }
        let amount = self.posted(asset, amount)?;
        let mut balance = self.account(to)?.quantity(collateral(asset)).magnitude();
        grow(&mut balance, amount, 128, "collateral of the account + amount")?;
        self.effects.flow(collateral(asset), amount, Party::Account(from), Party::Account(to));
        self.stay_collateralized(from)
    }

    /// How much of an account's collateral a call means; no more than there is.
    fn posted(&mut self, asset: usize, amount: Amount) -> Result<U256, Refusal> {
        let held = self.account(self.call.account)?.quantity(collateral(asset)).magnitude();
        if amount == Amount::All && held == U256::ZERO {
            return Err(Refusal::NothingHeld(collateral(asset)));
        }
        let asked = whole(amount, Some(held))?;
        if asked > held { Err(Refusal::AmountTooLarge { held, asked }) } else { Ok(asked) }
    }

    /// The balance after so much more or less of it, and the principal that stands for it.
    fn moved(&mut self, position: &Position<'_>, amount: U256, toward: Toward) -> Result<Moved, Refusal> {
        self.t.about(Subject::Account);
        let unit = self.market.base_unit();
        let before = self.state.present(self.t, position.principal(), unit)?;
        let balance = match toward {
            Toward::Supply => before.add(amount.into()),
            Toward::Withdraw => before.sub(amount.into()),
        };
        let balance = balance.ok_or(Refusal::Overflow(INT256))?;
        Ok(Moved { balance, principal: self.state.principal(self.t, balance, unit)? })
    }

    /// `updateBasePrincipal` with its flows; answers what it does to the totals.
    ///
    /// A change against the direction of the call does nothing to them (`repayAndSupplyAmount`,
    /// `withdrawAndBorrowAmount`): the difference is then nobody's but the market's.
    pub(super) fn set_principal(
        &mut self,
        account: &Account,
        new: Int,
        toward: Toward,
    ) -> Result<Change, Refusal> {
        let old = Position::of(self.market, account)?.principal();
        let rewards = rewards(self.t, self.market, &self.state, account)?;
        let State { tracking_borrow_index, tracking_supply_index, .. } = self.state;
        let index = if new.is_negative() { tracking_borrow_index } else { tracking_supply_index };
        for (term, value) in [(TRACKING_INDEX, index), (TRACKING_ACCRUED, rewards)] {
            if account.term(term) != value.into() {
                self.effects.terms.push((account.id, term, value.into()));
            }
        }
        let astray = match toward {
            Toward::Supply => new < old,
            Toward::Withdraw => new > old,
        };
        let (source, sink) =
            if astray { (Party::Treasury, Party::Treasury) } else { (Party::Mint, Party::Burn) };
        let holder = Party::Account(account.id);
        let mut change = Change::default();
        for (instrument, below, moved) in
            [(DEBT, true, &mut change.owed), (SUPPLY, false, &mut change.supplied)]
        {
            let (before, after) = (part(old, below), part(new, below));
            let (more, less) = (after.sub_or_zero(before), before.sub_or_zero(after));
            self.effects.flow(instrument, more, source, holder);
            self.effects.flow(instrument, less, holder, sink);
            if !astray {
                *moved = [more, less];
            }
        }
        Ok(change)
    }

    /// The totals after changes of principals; all that is more before all that is less, as the contract adds.
    pub(super) fn set_totals(&mut self, changes: &[Change]) -> Result<(), Refusal> {
        let State { total_supply_base, total_borrow_base, .. } = &mut self.state;
        for change in changes {
            grow(total_supply_base, change.supplied[0], 104, "supplied by all + amount")?;
            grow(total_borrow_base, change.owed[0], 104, "owed by all + amount")?;
        }
        for change in changes {
            shrink(total_supply_base, change.supplied[1], "supplied by all - amount")?;
            shrink(total_borrow_base, change.owed[1], "owed by all - amount")?;
        }
        Ok(())
    }

    /// What a withdrawal of base tokens asks where it leaves a debt.
    fn may_owe(&mut self, id: AccountId, balance: Int) -> Result<(), Refusal> {
        if !balance.is_negative() {
            return Ok(());
        }
        let (owed, least) = (balance.magnitude(), self.market.numbers.rules.base_borrow_min);
        if owed < least {
            return Err(Refusal::BorrowTooSmall { owed, least });
        }
        self.stay_collateralized(id)
    }

    /// `isBorrowCollateralized` of the account as it will be, by the indices as the call has left them.
    fn stay_collateralized(&mut self, id: AccountId) -> Result<(), Refusal> {
        let account = self.account(id)?;
        let line = self.line(&account, Test::Borrow)?;
        if line.covered() {
            return Ok(());
        }
        Err(Refusal::OverCapacity { debt: line.requirement, capacity: line.backing })
    }
}

/// What a change of one principal does to the totals, more and less (principal units).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    supplied: [U256; 2],
    owed: [U256; 2],
}

/// The part of a principal below zero, or above it.
fn part(principal: Int, below: bool) -> U256 {
    if principal.is_negative() == below { principal.magnitude() } else { U256::ZERO }
}

/// A balance (raw) and the principal that stands for it.
struct Moved {
    balance: Int,
    principal: Int,
}

/// An amount of collateral, of which one share is one raw unit (`safe128`).
fn whole(amount: Amount, all: Option<U256>) -> Result<U256, Refusal> {
    match (amount, all) {
        (Amount::Assets(amount) | Amount::Shares(amount), _) => cast(amount, 128, UINT128),
        (Amount::All, Some(all)) => Ok(all),
        (Amount::All, None) => Err(Refusal::NotAtThisVenue),
    }
}
