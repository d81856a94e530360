//! A market at one time with one set of prices.

use super::line::{Line, Position, Price, known};
use super::{
    BASE_SLOT, DEBT, Market, PAUSE_ABSORB, SUPPLY, State, TRACKING_ACCRUED, VALUE, act, asset_of, over, slot,
};
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{
    Account, Arithmetic, Assessment, Balance, Feeds, Figure, InstrumentId, Int, Lens, Node, Quoted, Range,
    Refusal, Silent, Test, Time, Trace, U256, Unit, Verdict, WAD, Why,
};

pub(super) struct Standing<'m> {
    market: &'m Market,
    lens: Lens,
    at: Time,
    prices: Vec<Price>,
    /// What this lens counts with.
    state: State,
    /// With the indices of the time: what `balanceOf` and its like count with, whichever the lens.
    projected: Result<State, Refusal>,
    nodes: Vec<Result<Node, Why>>,
}

/// The prices of a market, as its slots read them.
pub(super) fn prices(market: &Market, feeds: Feeds<'_>) -> Vec<Price> {
    let price = |slot| {
        let reading = feeds.get(slot);
        reading.value.ok_or(reading.doubt.unwrap_or(Why::Missing))
    };
    (0..market.slots.len()).map(price).collect()
}

const fn figure(name: &'static str, value: Int, unit: Unit) -> Figure {
    Figure { name, value, unit }
}

fn flag(name: &'static str, on: bool) -> Figure {
    figure(name, Int::from(u64::from(on)), Unit::NUMBER)
}

impl<'m> Standing<'m> {
    pub(super) fn new(
        market: &'m Market,
        feeds: Feeds<'_>,
        lens: Lens,
        at: Time,
    ) -> Result<Standing<'m>, Refusal> {
        market.numbers.seconds_to(at)?;
        let projected = market.projected(at);
        let state = match lens {
            Lens::Action => market.accrued(at)?,
            Lens::View => market.numbers.state,
        };
        let prices = prices(market, feeds);
        let base = prices.first().copied().unwrap_or(Err(Why::Missing));
        let nodes = [indexed(base, state.base_borrow_index), base.map(|price| Node::exact(price.into()))];
        let assets = prices.iter().skip(1).map(|price| price.map(|price| Node::exact(price.into())));
        let nodes = nodes.into_iter().chain(assets).collect();
        Ok(Standing { market, lens, at, prices, state, projected, nodes })
    }

    fn line(&self, t: &mut (impl Trace + ?Sized), account: &Account, test: Test) -> Result<Line, Refusal> {
        let position = Position::of(self.market, account)?;
        Line::of(t, self.market, &self.state, &position, test, &self.prices)
    }

    fn assess_with<T: Trace + ?Sized>(
        &self,
        account: &Account,
        test: Test,
        t: &mut T,
    ) -> Result<Assessment, Refusal> {
        if t.listens() && self.lens == Lens::Action {
            // The same calculation that made `self.state`, now with its steps.
            self.market.numbers.indices(t, self.at)?;
        }
        let line = self.line(t, account, test)?;
        let verdict = match (account.quantity(DEBT).is_zero(), line.covered()) {
            (true, _) => Verdict::NoDebt,
            (_, true) => Verdict::Healthy,
            (_, false) => Verdict::Unhealthy,
        };
        let paused = self.market.numbers.rules.pause_flags & PAUSE_ABSORB != 0;
        Ok(Assessment {
            verdict,
            backing: line.backing.into(),
            requirement: line.requirement.into(),
            collateral: line.collateral.into(),
            debt: line.requirement.into(),
            unit: VALUE,
            executable: if paused { Err(Refusal::ActionPaused("absorbing")) } else { Ok(()) },
        })
    }
}

/// A price times the borrow index, which is exact. Where 256 bits do not hold it the price is beyond any bound.
fn indexed(price: Price, index: U256) -> Result<Node, Why> {
    price.and_then(|price| Ok(Node::exact(price.mul(index).ok_or(Why::AtBound)?.into())))
}

impl Quoted for Standing<'_> {
    fn nodes(&self) -> &[Result<Node, Why>] {
        &self.nodes
    }

    fn assess(&self, account: &Account, test: Test, trace: &mut dyn Trace) -> Result<Assessment, Refusal> {
        self.assess_with(account, test, trace)
    }

    fn verdict(&self, account: &Account, test: Test) -> Result<Assessment, Refusal> {
        self.assess_with(account, test, &mut Silent)
    }

    fn over(&self, low: &Account, high: &Account, test: Test, feeds: Feeds<'_>) -> Result<Range, Refusal> {
        over::over(self.market, &self.state, [low, high], test, feeds)
    }

    /// As the contract's getters name them: `borrowBalanceOf` and `balanceOf` (both rounded down, with interest to
    /// the time), `baseTrackingAccrued` (as stored, or as a touch would leave it), the two verdicts (1 is yes), and as
    /// its interface does: `borrowLimit` and `liquidationLimit`, what the collateral carries on either line, and
    /// `liquidationRisk` = debt / liquidation limit (rounded up; 2^256 - 1 where the limit is zero). What needs a
    /// price that is missing is left out.
    fn figures(&self, account: &Account) -> Result<Vec<Figure>, Refusal> {
        let position = Position::of(self.market, account)?;
        let (state, unit, t) = (self.projected?, self.market.base_unit(), &mut Silent);
        let owed = state.present_borrow(t, position.owed, unit)?;
        let supplied = state.present_supply(t, position.supplied, unit)?;
        let rewards = match self.lens {
            Lens::View => account.term(TRACKING_ACCRUED),
            Lens::Action => act::rewards(t, self.market, &self.state, account)?.into(),
        };
        let mut figures = vec![
            figure("borrowBalanceOf", owed.into(), unit),
            figure("balanceOf", supplied.into(), unit),
            figure("baseTrackingAccrued", rewards, Unit::raw(6)),
        ];
        let borrow = self.line(t, account, Test::Borrow);
        let liquidation = self.line(t, account, Test::Liquidation);
        if let Ok(line) = &borrow {
            figures.push(flag("isBorrowCollateralized", line.covered()));
        }
        if let Ok(line) = &liquidation {
            figures.push(flag("isLiquidatable", !line.covered()));
        }
        let all_known = position.collateral().all(|(asset, _)| self.prices[slot(asset)].is_ok());
        if let (Ok(borrow), Ok(liquidation), true) = (borrow, liquidation, all_known) {
            figures.push(figure("borrowLimit", borrow.backing.into(), VALUE));
            figures.push(figure("liquidationLimit", liquidation.backing.into(), VALUE));
            if position.owed != U256::ZERO {
                let risk = liquidation.requirement.mul_div_wide(WAD.value(), liquidation.backing, Up);
                figures.push(figure("liquidationRisk", risk.unwrap_or(U256::MAX).into(), Unit::WAD));
            }
        }
        Ok(figures)
    }

    /// Rounded down, claim and debt alike, with interest to the time in either lens (`balanceOf`,
    /// `borrowBalanceOf`).
    fn balance(&self, account: &Account, instrument: InstrumentId) -> Result<Balance, Refusal> {
        let position = Position::of(self.market, account)?;
        let (unit, t) = (self.market.base_unit(), &mut Silent);
        let (raw, place, scale) = match (instrument, asset_of(instrument)) {
            (SUPPLY, _) => {
                let raw = self.projected?.present_supply(t, position.supplied, unit)?;
                (raw, BASE_SLOT, self.market.base_scale())
            }
            (DEBT, _) => {
                let raw = self.projected?.present_borrow(t, position.owed, unit)?;
                (raw, BASE_SLOT, self.market.base_scale())
            }
            (_, Some(asset)) if asset < self.market.assets.len() => {
                let posted = position.collateral().find(|(one, _)| *one == asset);
                let raw = posted.map_or(U256::ZERO, |(_, balance)| balance);
                (raw, slot(asset), self.market.assets[asset].rules.scale())
            }
            _ => return Err(Refusal::NoSuchInstrument(instrument)),
        };
        let value = match known(&self.prices, place) {
            Ok(price) => Some(t.mul_div("value = amount * price / unit", raw, price, scale, Down, VALUE)?),
            Err(_) => None,
        };
        Ok(Balance { raw, value })
    }
}
