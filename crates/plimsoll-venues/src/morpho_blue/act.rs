//! Everything that anybody can do to a market: `Morpho.sol`'s external functions on positions, in its order.

use super::{
    BORROW, COLLATERAL, COLLATERAL_TOKEN, FIELDS, LOAN, Line, Market, Numbers, PRICE_SCALE, Position, SUPPLY,
    State, grow, known, mul_div_up, price_of, shrink,
};
use crate::table;
use plimsoll_core::Rounding::{self, Down, Up};
use plimsoll_core::{
    Accounts, Action, Amount, Arithmetic, Call, Effects, Feeds, InstrumentId, Liquidated, Lot, Mechanism,
    Party, Receive, Refusal, Subject, Trace, U256, Unit, WAD, Why,
};

/// One call while it is computed: the market and the position as they will be, and what moved.
pub(super) struct Turn<'a, T: Trace + ?Sized> {
    market: &'a Market,
    call: &'a Call,
    price: Result<U256, Why>,
    state: State,
    position: Position,
    effects: Effects,
    t: &'a mut T,
}

impl<'a, T: Trace + ?Sized> Turn<'a, T> {
    pub(super) fn new(
        market: &'a Market,
        call: &'a Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        t: &'a mut T,
    ) -> Result<Turn<'a, T>, Refusal> {
        market.numbers.seconds_to(call.at)?;
        let state = market.numbers.state;
        let position = Position::of_known(accounts, call.account)?;
        let effects = Effects::default();
        Ok(Turn { market, call, price: price_of(feeds), state, position, effects, t })
    }

    pub(super) fn act(mut self, action: &Action) -> Result<Effects, Refusal> {
        match *action {
            Action::Accrue => self.accrue()?,
            Action::Deposit { into: SUPPLY, amount } => self.supply(amount)?,
            Action::Deposit { into: COLLATERAL, amount } => self.supply_collateral(amount)?,
            Action::Withdraw { from: SUPPLY, amount } => self.withdraw(amount)?,
            Action::Withdraw { from: COLLATERAL, amount } => self.withdraw_collateral(amount)?,
            Action::Borrow { debt: BORROW, amount } => self.borrow(amount)?,
            Action::Repay { debt: BORROW, amount } => self.repay(amount)?,
            Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive }) => {
                if repay != BORROW {
                    return Err(Refusal::NoSuchInstrument(repay));
                }
                if seize != COLLATERAL {
                    return Err(Refusal::NotSeizable(seize));
                }
                if receive != Receive::Asset {
                    return Err(Refusal::NotAtThisVenue);
                }
                self.liquidate(lot)?;
            }
            Action::Deposit { into: other, .. }
            | Action::Withdraw { from: other, .. }
            | Action::Borrow { debt: other, .. }
            | Action::Repay { debt: other, .. } => return Err(Refusal::NoSuchInstrument(other)),
            _ => return Err(Refusal::NotAtThisVenue),
        }
        let after = Numbers { state: self.state, ..self.market.numbers };
        table::diff(FIELDS, 0, &self.market.numbers, &after, &mut self.effects.cells);
        Ok(self.effects)
    }

    fn account(&self) -> Party {
        Party::Account(self.call.account)
    }

    fn wallet(&self) -> Party {
        Party::Wallet(self.call.actor)
    }

    fn loan_unit(&self) -> Unit {
        self.market.numbers.rules.loan_unit()
    }

    fn share_unit(&self) -> Unit {
        self.market.numbers.rules.share_unit()
    }

    /// `Morpho._accrueInterest`; the fee recipient's own call already finds the new shares in its position.
    fn accrue(&mut self) -> Result<(), Refusal> {
        let (state, interest) = self.market.numbers.accrue(self.call.at, self.t)?;
        self.state = state;
        let fee_shares = interest.map_or(U256::ZERO, |interest| interest.fee_shares);
        let recipient = state.fee_recipient.map_or(Party::Treasury, Party::Account);
        self.effects.flow(SUPPLY, fee_shares, Party::Mint, recipient);
        if recipient == self.account() {
            grow(&mut self.position.supply_shares, fee_shares, "supply shares + fee shares")?;
        }
        Ok(())
    }

    /// `Morpho.supply`: shares rounded down, or assets up.
    fn supply(&mut self, amount: Amount) -> Result<(), Refusal> {
        let amount = given(amount)?;
        self.accrue()?;
        let (assets, shares) = self.exchange(SUPPLY, amount, Down)?;
        grow(&mut self.state.supply.shares, shares, "supply shares + shares")?;
        grow(&mut self.state.supply.assets, assets, "supply assets + assets")?;
        self.effects.flow(LOAN, assets, self.wallet(), Party::Pool);
        self.effects.flow(SUPPLY, shares, Party::Mint, self.account());
        Ok(())
    }

    /// `Morpho.withdraw`: shares rounded up, or assets down; what borrowers hold cannot leave.
    fn withdraw(&mut self, amount: Amount) -> Result<(), Refusal> {
        let amount = match amount {
            Amount::All => None,
            other => Some(given(other)?),
        };
        self.accrue()?;
        let held = self.position.supply_shares;
        let amount = match amount {
            None if held == U256::ZERO => return Err(Refusal::NothingHeld(SUPPLY)),
            None => Given::Shares(held),
            Some(amount) => amount,
        };
        let (assets, shares) = self.exchange(SUPPLY, amount, Up)?;
        let cash = self.cash();
        shrink(&mut self.position.supply_shares, shares)?;
        shrink(&mut self.state.supply.shares, shares)?;
        shrink(&mut self.state.supply.assets, assets)?;
        if self.state.borrow.assets > self.state.supply.assets {
            return Err(Refusal::InsufficientCash { held: cash, asked: assets });
        }
        self.effects.flow(SUPPLY, shares, self.account(), Party::Burn);
        self.effects.flow(LOAN, assets, Party::Pool, self.wallet());
        Ok(())
    }

    /// `Morpho.borrow`: shares rounded up, or assets down; first the line, then the cash.
    fn borrow(&mut self, amount: Amount) -> Result<(), Refusal> {
        let amount = given(amount)?;
        self.accrue()?;
        let (assets, shares) = self.exchange(BORROW, amount, Up)?;
        let cash = self.cash();
        grow(&mut self.position.borrow_shares, shares, "shares of the account + shares")?;
        grow(&mut self.state.borrow.shares, shares, "borrow shares + shares")?;
        grow(&mut self.state.borrow.assets, assets, "borrow assets + assets")?;
        self.stay_healthy()?;
        if self.state.borrow.assets > self.state.supply.assets {
            return Err(Refusal::InsufficientCash { held: cash, asked: assets });
        }
        self.effects.flow(BORROW, shares, Party::Mint, self.account());
        self.effects.flow(LOAN, assets, Party::Pool, self.wallet());
        Ok(())
    }

    /// `Morpho.repay`: shares rounded down, or assets up; the total may fall short by one unit and stops at zero.
    fn repay(&mut self, amount: Amount) -> Result<(), Refusal> {
        let amount = match amount {
            Amount::All if self.position.borrow_shares == U256::ZERO => {
                return Err(Refusal::NothingOwed(BORROW));
            }
            Amount::All => Given::Shares(self.position.borrow_shares),
            other => given(other)?,
        };
        self.accrue()?;
        let (assets, shares) = self.exchange(BORROW, amount, Down)?;
        self.pay_back(shares, assets)
    }

    /// `Morpho.supplyCollateral`, which brings no interest up to date.
    fn supply_collateral(&mut self, amount: Amount) -> Result<(), Refusal> {
        let (Given::Assets(assets) | Given::Shares(assets)) = given(amount)?;
        grow(&mut self.position.collateral, assets, "collateral + assets")?;
        self.effects.flow(COLLATERAL_TOKEN, assets, self.wallet(), Party::Pool);
        self.effects.flow(COLLATERAL, assets, Party::Mint, self.account());
        Ok(())
    }

    /// `Morpho.withdrawCollateral`.
    fn withdraw_collateral(&mut self, amount: Amount) -> Result<(), Refusal> {
        let held = self.position.collateral;
        let assets = match amount {
            Amount::All if held == U256::ZERO => return Err(Refusal::NothingHeld(COLLATERAL)),
            Amount::All => held,
            other => match given(other)? {
                Given::Assets(assets) | Given::Shares(assets) => assets,
            },
        };
        self.accrue()?;
        shrink(&mut self.position.collateral, assets)?;
        self.stay_healthy()?;
        self.effects.flow(COLLATERAL, assets, self.account(), Party::Burn);
        self.effects.flow(COLLATERAL_TOKEN, assets, Party::Pool, self.wallet());
        Ok(())
    }

    /// `Morpho.liquidate`.
    fn liquidate(&mut self, lot: Lot) -> Result<(), Refusal> {
        let all = self.position.borrow_shares;
        let zero = matches!(lot, Lot::Seize(U256::ZERO) | Lot::Repay(Amount::Shares(U256::ZERO)));
        if zero {
            return Err(Refusal::AmountZero);
        }
        if matches!(lot, Lot::Repay(Amount::Assets(_))) {
            return Err(Refusal::NotAtThisVenue);
        }
        self.accrue()?;
        if all == U256::ZERO {
            return Err(Refusal::NotLiquidatable);
        }
        let price = known(self.price)?;
        let parameters = &self.market.numbers.rules;
        if Line::of(self.t, parameters, &self.state.borrow, &self.position, price)?.healthy() {
            return Err(Refusal::NotLiquidatable);
        }
        let incentive = parameters.incentive(self.t)?;
        let (seized, shares) = match lot {
            Lot::Seize(seized) => (seized, self.liquidate_shares(seized, price, incentive)?),
            Lot::Repay(Amount::Shares(shares)) => (self.liquidate_seized(shares, price, incentive)?, shares),
            Lot::Repay(_) => (self.liquidate_seized(all, price, incentive)?, all),
        };
        let formula = "repaid = shares * (borrow assets + 1) / (borrow shares + 1e6)";
        let repaid = self.state.borrow.to_assets(self.t, formula, shares, Up, self.loan_unit())?;
        self.pay_back(shares, repaid)?;
        shrink(&mut self.position.collateral, seized)?;
        self.effects.flow(COLLATERAL, seized, self.account(), Party::Burn);
        self.effects.flow(COLLATERAL_TOKEN, seized, Party::Pool, self.wallet());
        let mut liquidated = Liquidated { repaid, seized, ..Liquidated::default() };
        if self.position.collateral == U256::ZERO && self.position.borrow_shares != U256::ZERO {
            liquidated.bad_debt.push((BORROW, self.liquidate_bad_debt()?));
        }
        self.effects.liquidated = Some(liquidated);
        Ok(())
    }

    /// The shares that a seizure repays, rounded up three times.
    fn liquidate_shares(&mut self, seized: U256, price: U256, incentive: U256) -> Result<U256, Refusal> {
        let (unit, one) = (self.loan_unit(), WAD.value());
        let formula = "quoted = seized * price / 1e36";
        let quoted = mul_div_up(self.t, formula, seized, price, PRICE_SCALE.value(), unit)?;
        let formula = "before the incentive = quoted / incentive";
        let plain = mul_div_up(self.t, formula, quoted, one, incentive, unit)?;
        let formula = "repaid shares = before the incentive * (borrow shares + 1e6) / (borrow assets + 1)";
        self.state.borrow.to_shares(self.t, formula, plain, Up, self.share_unit())
    }

    /// The collateral that a repayment seizes, rounded down three times.
    fn liquidate_seized(&mut self, shares: U256, price: U256, incentive: U256) -> Result<U256, Refusal> {
        let unit = self.loan_unit();
        let formula = "assets = shares * (borrow assets + 1) / (borrow shares + 1e6)";
        let assets = self.state.borrow.to_assets(self.t, formula, shares, Down, unit)?;
        let quoted = self.t.mul_div("quoted = assets * incentive", assets, incentive, WAD, Down, unit)?;
        let collateral_unit = Unit::raw(self.market.numbers.rules.collateral_decimals);
        let scale = PRICE_SCALE.value();
        self.t.mul_div("seized = quoted * 1e36 / price", quoted, scale, price, Down, collateral_unit)
    }

    /// Writes off what a position without collateral still owes; answers the loan assets lost (raw).
    fn liquidate_bad_debt(&mut self) -> Result<U256, Refusal> {
        let (unit, shares) = (self.loan_unit(), self.position.borrow_shares);
        let formula = "rest = shares left * (borrow assets + 1) / (borrow shares + 1e6)";
        let rest = self.state.borrow.to_assets(self.t, formula, shares, Up, unit)?;
        let bad = self.t.min("bad debt = min(rest, borrow assets)", rest, self.state.borrow.assets, unit);
        shrink(&mut self.state.borrow.assets, bad)?;
        shrink(&mut self.state.supply.assets, bad)?;
        shrink(&mut self.state.borrow.shares, shares)?;
        self.position.borrow_shares = U256::ZERO;
        self.effects.flow(BORROW, shares, self.account(), Party::Loss);
        Ok(bad)
    }

    /// Takes shares off the position and the pool, and the assets off the pool down to zero.
    fn pay_back(&mut self, shares: U256, assets: U256) -> Result<(), Refusal> {
        shrink(&mut self.position.borrow_shares, shares)?;
        shrink(&mut self.state.borrow.shares, shares)?;
        self.state.borrow.assets = self.state.borrow.assets.sub_or_zero(assets);
        self.effects.flow(BORROW, shares, self.account(), Party::Burn);
        self.effects.flow(LOAN, assets, self.wallet(), Party::Pool);
        Ok(())
    }

    /// The missing one of assets and shares, shares rounded as told and assets the other way.
    fn exchange(
        &mut self,
        of: InstrumentId,
        amount: Given,
        shares_go: Rounding,
    ) -> Result<(U256, U256), Refusal> {
        self.t.about(Subject::Instrument(of));
        let pool = if of == SUPPLY { self.state.supply } else { self.state.borrow };
        let assets_go = if shares_go == Up { Down } else { Up };
        match amount {
            Given::Assets(assets) => {
                let formula = "shares = assets * (shares of all + 1e6) / (assets of all + 1)";
                Ok((assets, pool.to_shares(self.t, formula, assets, shares_go, self.share_unit())?))
            }
            Given::Shares(shares) => {
                let formula = "assets = shares * (assets of all + 1) / (shares of all + 1e6)";
                Ok((pool.to_assets(self.t, formula, shares, assets_go, self.loan_unit())?, shares))
            }
        }
    }

    /// What borrowers have not taken (loan raw).
    fn cash(&self) -> U256 {
        self.state.supply.assets.sub_or_zero(self.state.borrow.assets)
    }

    /// `require(_isHealthy)`: asks no price of an account without debt.
    fn stay_healthy(&mut self) -> Result<(), Refusal> {
        if self.position.borrow_shares == U256::ZERO {
            return Ok(());
        }
        let price = known(self.price)?;
        let parameters = &self.market.numbers.rules;
        let line = Line::of(self.t, parameters, &self.state.borrow, &self.position, price)?;
        if line.healthy() {
            return Ok(());
        }
        Err(Refusal::OverCapacity { debt: line.owed, capacity: line.max_borrow })
    }
}

/// An amount that is not "all".
enum Given {
    Assets(U256),
    Shares(U256),
}

/// The amount of a call that must name one (`exactlyOneZero`).
fn given(amount: Amount) -> Result<Given, Refusal> {
    match amount {
        Amount::Assets(U256::ZERO) | Amount::Shares(U256::ZERO) => Err(Refusal::AmountZero),
        Amount::Assets(assets) => Ok(Given::Assets(assets)),
        Amount::Shares(shares) => Ok(Given::Shares(shares)),
        Amount::All => Err(Refusal::NotAtThisVenue),
    }
}
