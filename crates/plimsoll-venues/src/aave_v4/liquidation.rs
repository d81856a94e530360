//! A liquidation, to the unit: `Spoke.liquidationCall`, `LiquidationLogic.sol`. No close factor: debt is repaid up to a target
//! health, its premium first, and dust on either side makes it all.

use super::hub::{self, Pot, fine, wide};
use super::position::{AccountData, BPS_WAD, Position, PremiumDelta, User, Versions, bonus, premium, value};
use super::turn::Turn;
use super::{
    Configuration, FINE_VALUE, FROZEN, LiquidationRules, Market, PAUSED, RAY_VALUE, RECEIVE_SHARES, VALUE,
    debt, receipt, token,
};
use alloc::vec::Vec;
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{
    Amount, Arithmetic, BPS, InstrumentId, Liquidated, Lot, Party, RAY, Receive, Refusal, Silent, Subject,
    Trace, U256, Unit, WAD,
};

const ONE: U256 = RAY.value();
/// What must not be left over of a debt or a collateral: a thousand of the currency (value).
const DUST: U256 = U256::new(100_000_000_000_000_000_000_000_000_000);

/// What [`Refusal::ActionPaused`] names where liquidators are not given shares (`CannotReceiveShares`).
pub const SHARES: &str = "liquidators taking shares of this collateral";

/// What a liquidation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidation {
    /// What the liquidator got (bps).
    pub bonus: U256,
    /// Drawn shares repaid.
    pub drawn_shares: U256,
    /// What happened to the premium.
    pub premium: PremiumDelta,
    /// What the liquidator paid (raw).
    pub paid: U256,
    /// Shares taken from the account, those of the venue's fee included.
    pub shares: U256,
    /// What they stood for (raw).
    pub seized: U256,
    /// The liquidator's shares of them.
    pub to_liquidator: U256,
    /// What the liquidator was paid out for those (raw); zero where he took shares.
    pub received: U256,
}

/// The two reserves of a liquidation, and what the account has in them.
struct Sides {
    collateral: usize,
    debt: usize,
    position: Position,
    /// Premium owed (raw x ray).
    premium: U256,
    index: U256,
    pot: Pot,
    /// Supplied (shares).
    held: U256,
    configuration: Configuration,
    prices: [U256; 2],
    decimals: [u8; 2],
    /// What the liquidator gets (bps).
    bonus: U256,
}

/// What is exchanged.
struct Exchange {
    /// Drawn shares repaid.
    drawn: U256,
    /// Premium repaid (raw x ray).
    premium: U256,
    /// Shares taken.
    shares: U256,
}

/// Whether a liquidation of an unhealthy account could run now: some debt and some collateral whose reserves are not
/// paused and whose hubs take the spoke's calls, and no debt whose premium its hub would not refresh. Else why not, with the reserve.
pub(super) fn executable(market: &Market, user: &User, health: U256) -> Result<(), Refusal> {
    let mut sides = [Err(Refusal::NothingToSeize), Err(Refusal::NotLiquidatable)];
    let mut closed = Ok(());
    for (place, (reserve, position)) in market.reserves.iter().zip(&user.positions).enumerate() {
        let (active, halted) = (reserve.link.active, reserve.link.halted);
        // Shares move without the hub, but for those of the fee, which a halt lets pass.
        let open = |takes_shares: bool, fee: bool| match () {
            () if reserve.is(PAUSED) => Err(Refusal::Paused(token(place))),
            () if !active && (!takes_shares || fee) => Err(Refusal::Inactive(token(place))),
            () if halted && !takes_shares => Err(Refusal::ActionPaused(super::HALTED)),
            () => Ok(()),
        };
        // Of a reserve that backs nothing here the account has no version: it may be of another spoke.
        if position.counts && position.supplied != U256::ZERO && sides[0].is_err() {
            let configuration = market.configuration(place, position.key)?;
            if configuration.collateral_factor != 0 {
                let bonus =
                    bonus(&mut Silent, &market.spokes[reserve.spoke].liquidation, health, &configuration)?;
                let fee = configuration.liquidation_fee != 0 && bonus > BPS.value();
                sides[0] = open(reserve.is(RECEIVE_SHARES) && !reserve.is(FROZEN), fee);
            }
        }
        if position.owes && sides[1].is_err() {
            sides[1] = open(false, true);
        }
        // Whichever debt is repaid, who pays a premium pays another one on all of them afterwards.
        if position.owes && user.risk_premium != 0 && !active {
            closed = closed.and(Err(Refusal::Inactive(token(place))));
        }
    }
    sides.into_iter().collect::<Result<(), Refusal>>().and(closed)
}

impl<T: Trace + ?Sized> Turn<'_, T> {
    pub(super) fn liquidate(
        &mut self,
        repay: InstrumentId,
        seize: InstrumentId,
        lot: Lot,
        receive: Receive,
    ) -> Result<(), Refusal> {
        let (owed, collateral) = (self.place(repay, debt)?, self.place(seize, receipt)?);
        let cover = match lot {
            Lot::Repay(Amount::All) => U256::MAX,
            Lot::Repay(Amount::Assets(amount)) => amount,
            Lot::Repay(Amount::Shares(_)) | Lot::Seize(_) => return Err(Refusal::NotAtThisVenue),
        };
        let data = self.data(Versions::Own)?;
        let health = data.health(self.t)?;
        self.validate(collateral, owed, cover, health, receive)?;
        let rules = self.market.spokes[self.market.reserves[owed].spoke].liquidation;
        let sides = self.sides(collateral, owed, &rules, health)?;
        let exchange = sides.exchange(self.t, &data, &rules, health, cover)?;
        self.execute(&sides, &exchange, &data, receive)
    }

    /// In the contract's order.
    fn validate(
        &self,
        collateral: usize,
        owed: usize,
        cover: U256,
        health: U256,
        receive: Receive,
    ) -> Result<(), Refusal> {
        if self.call.actor == self.call.account {
            return Err(Refusal::SelfLiquidation);
        }
        if cover == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        self.not_paused(collateral)?;
        self.not_paused(owed)?;
        let held = self.user.positions[collateral];
        if held.supplied == U256::ZERO {
            return Err(Refusal::NothingHeld(receipt(collateral)));
        }
        if self.user.positions[owed].drawn == U256::ZERO {
            return Err(Refusal::NothingOwed(debt(owed)));
        }
        if health >= WAD.value() {
            return Err(Refusal::NotLiquidatable);
        }
        if !held.counts || self.market.configuration(collateral, held.key)?.collateral_factor == 0 {
            return Err(Refusal::NotSeizable(receipt(collateral)));
        }
        let shares = !self.is(collateral, FROZEN) && self.is(collateral, RECEIVE_SHARES);
        if receive == Receive::Receipt && !shares {
            return Err(Refusal::ActionPaused(SHARES));
        }
        Ok(())
    }

    fn sides(
        &mut self,
        collateral: usize,
        owed: usize,
        rules: &LiquidationRules,
        health: U256,
    ) -> Result<Sides, Refusal> {
        let legs = [self.leg(collateral)?, self.leg(owed)?];
        let decimals = [self.market.decimals(collateral), self.market.decimals(owed)];
        let (held, position) = (self.user.positions[collateral], self.user.positions[owed]);
        let configuration = self.market.configuration(collateral, held.key)?;
        self.t.about(Subject::Account);
        Ok(Sides {
            collateral,
            debt: owed,
            position,
            premium: premium(self.t, &position, legs[1].index, decimals[1])?,
            index: legs[1].index,
            pot: legs[0].pot,
            held: held.supplied,
            configuration,
            prices: [legs[0].price(collateral)?, legs[1].price(owed)?],
            decimals,
            bonus: bonus(self.t, rules, health, &configuration)?,
        })
    }

    /// Collateral first, then the fee, then the debt, then what cannot be paid any more or the new risk premium.
    fn execute(
        &mut self,
        sides: &Sides,
        exchange: &Exchange,
        data: &AccountData,
        receive: Receive,
    ) -> Result<(), Refusal> {
        let &Sides { collateral, debt: owed, index, decimals, .. } = sides;
        let to_liquidator = sides.to_liquidator(self.t, exchange.shares)?;
        let left = sides.held.sub(exchange.shares).ok_or(Refusal::Overflow("supplied shares - taken"))?;
        self.user.positions[collateral].supplied = left;
        let seized = sides.pot.assets_of(self.t, exchange.shares, Down)?;
        let mut received = U256::ZERO;
        let account = Party::Account(self.call.account);
        if to_liquidator != U256::ZERO {
            match receive {
                Receive::Receipt => {
                    let liquidator = Party::Account(self.call.actor);
                    self.effects.flow(receipt(collateral), to_liquidator, account, liquidator);
                }
                Receive::Asset => {
                    let all = to_liquidator == exchange.shares;
                    received = if all { seized } else { sides.pot.assets_of(self.t, to_liquidator, Down)? };
                    let burned = self.remove(collateral, received)?;
                    // Burning for what they stand for may leave a share over: it is nobody's.
                    let over = to_liquidator.sub_or_zero(burned);
                    self.effects.flow(receipt(collateral), burned, account, Party::Burn);
                    self.effects.flow(receipt(collateral), over, account, Party::Treasury);
                }
            }
        }
        let fee = exchange.shares.sub(to_liquidator).ok_or(Refusal::Overflow("shares - the liquidator's"))?;
        if fee != U256::ZERO {
            self.pay_fee(collateral, fee)?;
        }
        let drawn = hub::drawn(self.t, exchange.drawn, index, decimals[1])?;
        let paid = hub::whole(self.t, "premium paid = premium / 1e27", exchange.premium, decimals[1])?;
        let paid = self.t.add("paid = drawn + premium", drawn, paid, Unit::raw(decimals[1]))?;
        let premium = self.pay(owed, drawn, exchange.drawn, exchange.premium, index)?;
        let lost = left == U256::ZERO
            && data.collaterals <= 1
            && (self.user.positions[owed].drawn != U256::ZERO || data.debts > 1);
        let bad_debt = if lost {
            self.write_off()?
        } else {
            let data = self.data(Versions::Own)?;
            self.notify(&data)?;
            Vec::new()
        };
        let fee = seized.sub_or_zero(sides.pot.assets_of(self.t, to_liquidator, Down)?);
        self.effects.liquidated = Some(Liquidated { repaid: paid, seized, fee, bad_debt });
        let (bonus, shares) = (sides.bonus, exchange.shares);
        let drawn_shares = exchange.drawn;
        self.liquidation =
            Some(Liquidation { bonus, drawn_shares, premium, paid, shares, seized, to_liquidator, received });
        Ok(())
    }

    /// All that is left of every debt becomes its hub asset's deficit, the last listed first.
    fn write_off(&mut self) -> Result<Vec<(InstrumentId, U256)>, Refusal> {
        self.user.risk_premium = 0;
        let mut lost = Vec::new();
        for place in (0..self.links.len()).rev() {
            let position = self.user.positions[place];
            if !position.owes {
                continue;
            }
            let (index, decimals) = (self.leg(place)?.index, self.market.decimals(place));
            let owed = premium(self.t, &position, index, decimals)?;
            let delta = position.premium_delta(self.t, position.drawn, 0, owed, index, decimals)?;
            let drawn = hub::drawn(self.t, position.drawn, index, decimals)?;
            let deficit = self.report_deficit(place, drawn, delta)?;
            let position = &mut self.user.positions[place];
            position.apply(&delta)?;
            (position.drawn, position.owes) = (U256::ZERO, false);
            lost.push((debt(place), hub::whole(self.t, "written off = deficit / 1e27", deficit, decimals)?));
        }
        Ok(lost)
    }
}

impl Sides {
    /// `LiquidationLogic._calculateLiquidationAmounts`.
    fn exchange<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        data: &AccountData,
        rules: &LiquidationRules,
        health: U256,
        cover: U256,
    ) -> Result<Exchange, Refusal> {
        let (mut drawn, mut premium) = self.to_target(t, data, rules, health, cover)?;
        let mut shares = self.shares_for(t, drawn, premium)?;
        let dust = shares < self.held && {
            let left = t.sub("collateral left", self.held, shares, Unit::shares(self.decimals[0]))?;
            let left = self.pot.assets_of(t, left, Down)?;
            value(t, "its value", left, self.prices[0], self.decimals[0], VALUE)? < DUST
        };
        if shares > self.held || (dust && drawn < self.position.drawn) {
            shares = self.held;
            (drawn, premium) = self.paid_by_all(t)?;
            if drawn > self.position.drawn {
                drawn = self.position.drawn;
                let enough = self.shares_for(t, drawn, premium)?;
                shares = t.min("shares, at most held", enough, self.held, Unit::shares(self.decimals[0]));
            }
        }
        let asked = self.paid(t, drawn, premium)?;
        if cover < asked { Err(Refusal::LeavesDust) } else { Ok(Exchange { drawn, premium, shares }) }
    }

    /// What brings the account to the target, as far as the liquidator goes; all, where less than [`DUST`] would be left.
    fn to_target<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        data: &AccountData,
        rules: &LiquidationRules,
        health: U256,
        cover: U256,
    ) -> Result<(U256, U256), Refusal> {
        let (decimals, unit) = (self.decimals[1], fine(self.decimals[1]));
        let (held, price) = (self.position.drawn, self.prices[1]);
        let target = rules.target_health;
        let factor = U256::from(u64::from(self.configuration.collateral_factor));
        let bonus = t.mul("bonus in wad", self.bonus, BPS_WAD, Unit::WAD)?;
        let formula = "penalty = bonus x collateral factor / 1e4";
        let penalty = t.mul_div(formula, bonus, factor, BPS, Up, Unit::WAD)?;
        let away = t.sub("target - health factor", target, health, Unit::WAD)?;
        let x = t.mul("… x 10^decimals", away, power(decimals)?, Unit::NUMBER)?;
        let gain = t.sub("target - penalty", target, penalty, Unit::WAD)?;
        let y = t.mul("… x price", gain, price, Unit::NUMBER)?;
        let y = t.mul("… x 1e18", y, WAD.value(), Unit::NUMBER)?;
        let target = wide(t, "debt to target = all debt x … / …", [data.debt, x, y], Up, unit)?;

        let whole = hub::whole(t, "debt to target / 1e27", target, decimals)?;
        let rounded = t.mul("debt to target, rounded up", whole, ONE, unit)?;
        let mut premium = t.min("premium paid = …, at most owed", rounded, self.premium, unit);
        if cover < hub::whole(t, "premium paid / 1e27", premium, decimals)? {
            premium = t.mul("premium paid = covered x 1e27", cover, ONE, unit)?;
        }
        let mut drawn = U256::ZERO;
        if premium == self.premium && premium < target {
            let shares = Unit::shares(decimals);
            let rest = t.sub("debt to target - premium paid", target, premium, unit)?;
            let wanted = t.mul_div("drawn shares to target", rest, U256::ONE, self.index, Up, shares)?;
            let paid = hub::whole(t, "premium paid / 1e27", premium, decimals)?;
            let rest = t.sub("covered - premium paid", cover, paid, Unit::raw(decimals))?;
            let formula = "drawn shares covered = … x 1e27 / index";
            let covered = wide(t, formula, [rest, ONE, self.index], Down, shares)?;
            drawn = t.min("drawn shares = to target, at most covered", wanted, covered, shares);
            drawn = t.min("drawn shares, at most owed", drawn, held, shares);
        }
        if drawn < held && self.debt_left(t, drawn, premium)? < DUST.mul(ONE).unwrap_or(U256::MAX) {
            return Ok((held, self.premium));
        }
        Ok((drawn, premium))
    }

    /// What would be left of the debt (value x ray).
    fn debt_left<T: Trace + ?Sized>(&self, t: &mut T, drawn: U256, premium: U256) -> Result<U256, Refusal> {
        let (decimals, unit) = (self.decimals[1], fine(self.decimals[1]));
        let left = t.sub("drawn shares left", self.position.drawn, drawn, Unit::shares(decimals))?;
        let left = t.mul("drawn debt left", left, self.index, unit)?;
        let rest = t.sub("premium left", self.premium, premium, unit)?;
        let left = t.add("debt left", left, rest, unit)?;
        value(t, "its value", left, self.prices[1], decimals, RAY_VALUE)
    }

    /// `price of collateral x 10^debt decimals x 1e4 x 1e27` and `price of debt x 10^collateral decimals x bonus`.
    fn rates(&self) -> Result<[U256; 2], Refusal> {
        let collateral = self.prices[0].mul(power(self.decimals[1])?).and_then(|x| x.mul(BPS.value()));
        let collateral = collateral.and_then(|x| x.mul(ONE));
        let debt = self.prices[1].mul(power(self.decimals[0])?).and_then(|x| x.mul(self.bonus));
        let rates = collateral.zip(debt).ok_or(Refusal::Overflow("rate of debt for collateral"))?;
        Ok([rates.0, rates.1])
    }

    /// Collateral for so much debt with the bonus (shares).
    fn shares_for<T: Trace + ?Sized>(&self, t: &mut T, drawn: U256, premium: U256) -> Result<U256, Refusal> {
        let unit = fine(self.decimals[1]);
        let [collateral, debt] = self.rates()?;
        let paid = t.mul("debt paid = drawn shares x index", drawn, self.index, unit)?;
        let paid = t.add("debt paid, with premium", paid, premium, unit)?;
        let formula = "collateral for it = debt paid x debt rate / collateral rate";
        let amount = wide(t, formula, [paid, debt, collateral], Down, Unit::raw(self.decimals[0]))?;
        self.pot.shares_of(t, amount, Down)
    }

    /// The debt that all of the collateral pays with the bonus: drawn shares and premium.
    fn paid_by_all<T: Trace + ?Sized>(&self, t: &mut T) -> Result<(U256, U256), Refusal> {
        let (decimals, unit) = (self.decimals[1], fine(self.decimals[1]));
        let [collateral, debt] = self.rates()?;
        let amount = self.pot.assets_of(t, self.held, Up)?;
        let formula = "debt for all = collateral x collateral rate / debt rate";
        let debt = wide(t, formula, [amount, collateral, debt], Up, unit)?;
        if debt <= self.premium {
            let whole = hub::whole(t, "debt for all / 1e27", debt, decimals)?;
            let rounded = t.mul("debt for all, rounded up", whole, ONE, unit)?;
            return Ok((U256::ZERO, t.min("premium paid = …, at most owed", rounded, self.premium, unit)));
        }
        let rest = t.sub("debt for all - premium", debt, self.premium, unit)?;
        let drawn =
            t.mul_div("drawn shares for all", rest, U256::ONE, self.index, Up, Unit::shares(decimals))?;
        Ok((drawn, self.premium))
    }

    /// What the liquidator pays (raw).
    fn paid<T: Trace + ?Sized>(&self, t: &mut T, drawn: U256, premium: U256) -> Result<U256, Refusal> {
        let decimals = self.decimals[1];
        let drawn = hub::drawn(t, drawn, self.index, decimals)?;
        let premium = hub::whole(t, "premium paid = premium / 1e27", premium, decimals)?;
        t.add("paid = drawn + premium", drawn, premium, Unit::raw(decimals))
    }

    /// The liquidator's part of the shares: all but the fee's part of the bonus.
    fn to_liquidator<T: Trace + ?Sized>(&self, t: &mut T, shares: U256) -> Result<U256, Refusal> {
        let unit = Unit::shares(self.decimals[0]);
        let over = t.sub("bonus - 1e4", self.bonus, BPS.value(), Unit::BPS)?;
        let fee = U256::from(u64::from(self.configuration.liquidation_fee));
        let x = t.mul("fee x (bonus - 1e4)", fee, over, Unit::NUMBER)?;
        let y = t.mul("bonus x 1e4", self.bonus, BPS.value(), FINE_VALUE)?;
        let fee =
            t.mul_div("fee shares = shares x fee x (bonus - 1e4) / (bonus x 1e4)", shares, x, y, Up, unit)?;
        t.sub("the liquidator's shares = shares - fee shares", shares, fee, unit)
    }
}

fn power(decimals: u8) -> Result<U256, Refusal> {
    U256::pow10(decimals).ok_or(Refusal::Overflow("10^decimals"))
}
