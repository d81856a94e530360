//! One account: what it has in each reserve, its health and what its debts pay as premium.
//! `Spoke._processUserAccountData`, `UserPositionUtils.sol`.

use super::hub::{self, Pot, fine, wide};
use super::{
    COLLATERAL_BIT, Configuration, DEBT_BIT, FINE_VALUE, MAP, Market, RAY_VALUE, RISK_PREMIUM, Reserve,
    VALUE, configuration_key, debt, premium_offset, premium_shares, receipt,
};
use alloc::vec::Vec;
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{Account, Arithmetic, BPS, Int, RAY, Refusal, Subject, Trace, U256, Unit, WAD, Why};

/// A wad in a basis point.
pub(super) const BPS_WAD: U256 = U256::new(100_000_000_000_000);

/// Whose versions of configurations count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    /// Those under which the account last took a risk: what liquidations go by.
    Own,
    /// The newest of each reserve: what the account's next risk would be judged by.
    Newest,
}

/// What an account has in one reserve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Supplied (shares).
    pub(super) supplied: U256,
    /// Owed (drawn shares).
    pub(super) drawn: U256,
    /// What its premium grows on (drawn shares).
    pub(super) premium_shares: U256,
    /// What of that is not owed (raw x ray).
    pub(super) premium_offset: Int,
    /// The version of the reserve's configuration that is in force for it.
    pub(super) key: u32,
    /// Whether the debt counts.
    pub(super) owes: bool,
    /// Whether what is supplied counts.
    pub(super) counts: bool,
}

/// An account as its spoke keeps it: one position for each reserve of the market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) positions: Vec<Position>,
    /// The premium that premium shares are made by (bps).
    pub(super) risk_premium: u32,
    /// The spoke of all that it has; `None` where it has nothing.
    pub(super) spoke: Option<usize>,
}

impl User {
    pub(super) fn of(market: &Market, account: &Account) -> Result<User, Refusal> {
        let reserves = &market.reserves;
        let map = account.term(MAP).to_u256();
        let map = map.ok_or(Refusal::InconsistentAccount("a map that is negative"))?;
        if map.bit_len() > 2 * reserves.len() {
            return Err(Refusal::InconsistentAccount("a map of reserves that the market does not have"));
        }
        let risk_premium = account.term(RISK_PREMIUM).to_u64().and_then(|it| u32::try_from(it).ok());
        let risk_premium = risk_premium.ok_or(Refusal::InconsistentAccount("a risk premium that is none"))?;
        let mut user =
            User { positions: alloc::vec![Position::default(); reserves.len()], risk_premium, spoke: None };
        for (place, position) in user.positions.iter_mut().enumerate() {
            (position.owes, position.counts) =
                (map.bit(2 * place + DEBT_BIT), map.bit(2 * place + COLLATERAL_BIT));
        }
        for &(term, value) in account.terms() {
            user.read(term.0, value)?;
        }
        for holding in account.holdings() {
            let quantity = holding.quantity.to_u256();
            let quantity = quantity.ok_or(Refusal::InconsistentAccount("a negative holding"))?;
            let place = holding.instrument.index() / 3;
            let position = user.positions.get_mut(place);
            let position = position.ok_or(Refusal::NoSuchInstrument(holding.instrument))?;
            match holding.instrument.0 % 3 {
                1 => position.supplied = quantity,
                2 => position.drawn = quantity,
                _ => {}
            }
        }
        for (position, reserve) in user.positions.iter_mut().zip(reserves) {
            if position.drawn == U256::ZERO {
                // Whoever owes nothing has no premium: the contract clears both with the last drawn share.
                (position.premium_shares, position.premium_offset, position.owes) =
                    (U256::ZERO, Int::ZERO, false);
            }
            let there = position.counts || position.owes || position.supplied != U256::ZERO;
            if there && *user.spoke.get_or_insert(reserve.spoke) != reserve.spoke {
                return Err(Refusal::InconsistentAccount("positions in two spokes"));
            }
        }
        Ok(user)
    }

    fn read(&mut self, term: u16, value: Int) -> Result<(), Refusal> {
        let Some(number) = term.checked_sub(2) else { return Ok(()) };
        let place = usize::from(number / 3);
        let position = self.positions.get_mut(place);
        let position = position
            .ok_or(Refusal::InconsistentAccount("a term of a reserve that the market does not have"))?;
        let wrong = Refusal::InconsistentAccount("a term that is negative or too large");
        match number % 3 {
            0 => position.premium_shares = value.to_u256().ok_or(wrong)?,
            1 => position.premium_offset = value,
            _ => position.key = value.to_u64().and_then(|key| u32::try_from(key).ok()).ok_or(wrong)?,
        }
        Ok(())
    }

    /// `PositionStatusMap`, by the places of reserves in the market.
    fn map(&self) -> U256 {
        self.positions.iter().enumerate().fold(U256::ZERO, |map, (place, position)| {
            map.with_bit(2 * place + DEBT_BIT, position.owes)
                .with_bit(2 * place + COLLATERAL_BIT, position.counts)
        })
    }

    /// Every term of the account as it is here.
    pub(super) fn terms(&self) -> Vec<(plimsoll_core::TermId, Int)> {
        let mut terms = alloc::vec![
            (RISK_PREMIUM, Int::from(u64::from(self.risk_premium))),
            (MAP, Int::from(self.map()))
        ];
        for (place, position) in self.positions.iter().enumerate() {
            terms.push((premium_shares(place), position.premium_shares.into()));
            terms.push((premium_offset(place), position.premium_offset));
            terms.push((configuration_key(place), u64::from(position.key).into()));
        }
        terms
    }

    pub(super) fn count(&self, which: fn(&Position) -> bool) -> u64 {
        self.positions.iter().filter(|position| which(position)).count() as u64
    }

    pub(super) fn key(&self, place: usize, reserve: &Reserve, versions: Versions) -> u32 {
        match versions {
            Versions::Own => self.positions[place].key,
            Versions::Newest => reserve.newest,
        }
    }
}

/// A reserve at one time with one price: what every account that has some of it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    /// What a drawn share owes (ray).
    pub(super) index: U256,
    /// All suppliers of its hub asset.
    pub(super) pot: Pot,
    /// Price of a whole token (8 decimals).
    pub(super) price: Result<U256, Why>,
}

impl Leg {
    pub(super) fn price(&self, slot: usize) -> Result<U256, Refusal> {
        self.price.map_err(|why| Refusal::PriceUnknown { slot, why })
    }
}

/// The value of an amount of a token, exact: `SpokeUtils.toValue`.
pub(super) fn value<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    amount: U256,
    price: U256,
    decimals: u8,
    unit: Unit,
) -> Result<U256, Refusal> {
    let level = U256::pow10(18 - decimals).ok_or(Refusal::Overflow(formula))?;
    let scaled = t.mul("price x 10^(18 - decimals)", price, level, Unit::NUMBER)?;
    t.mul(formula, amount, scaled, unit)
}

/// What is owed in one reserve, exactly (raw x ray).
pub(super) fn owed<T: Trace + ?Sized>(
    t: &mut T,
    position: &Position,
    index: U256,
    decimals: u8,
) -> Result<U256, Refusal> {
    let drawn = t.mul("drawn debt = drawn shares x index", position.drawn, index, fine(decimals))?;
    let premium = premium(t, position, index, decimals)?;
    t.add("debt = drawn debt + premium", drawn, premium, fine(decimals))
}

pub(super) fn premium<T: Trace + ?Sized>(
    t: &mut T,
    position: &Position,
    index: U256,
    decimals: u8,
) -> Result<U256, Refusal> {
    hub::premium(t, position.premium_shares, position.premium_offset, index, decimals)
}

/// What `getUserAccountData` returns, and the sums it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AccountData {
    /// All counted collateral (value).
    pub(super) collateral: U256,
    /// Sum of value x collateral factor (value x bps).
    pub(super) weighted: U256,
    /// All debt, exactly (value x ray).
    pub(super) debt: U256,
    /// Some debt is owed.
    pub(super) owes: bool,
    /// Collaterals that count.
    pub(super) collaterals: u64,
    /// Debts.
    pub(super) debts: u64,
    /// Risk (bps) and value of each collateral that counts.
    risks: Vec<(u32, U256)>,
}

impl AccountData {
    /// # Errors
    /// [`Refusal::PriceUnknown`] for what is switched on or owed without a price, [`Refusal::Overflow`] where the contract reverts.
    pub(super) fn of<T: Trace + ?Sized>(
        t: &mut T,
        market: &Market,
        legs: &[Leg],
        user: &User,
        versions: Versions,
    ) -> Result<AccountData, Refusal> {
        let mut data = AccountData { debts: user.count(|position| position.owes), ..AccountData::default() };
        for (place, (reserve, position)) in market.reserves.iter().zip(&user.positions).enumerate() {
            let (leg, decimals) = (&legs[place], market.decimals(place));
            if !position.counts && !position.owes {
                continue;
            }
            // Of whatever the account has switched on or owes, also where nothing of it is left.
            let price = leg.price(place)?;
            if position.counts && position.supplied != U256::ZERO {
                let factor =
                    market.configuration(place, user.key(place, reserve, versions))?.collateral_factor;
                if factor != 0 {
                    t.about(Subject::Holding(receipt(place)));
                    t.given("price, as the oracle gives it", price, super::PRICE);
                    let amount = leg.pot.assets_of(t, position.supplied, Down)?;
                    let formula = "value = amount x price x 10^(18 - decimals)";
                    let value = value(t, formula, amount, price, decimals, VALUE)?;
                    data.count(t, value, factor, reserve.collateral_risk)?;
                }
            }
            if position.owes {
                t.about(Subject::Holding(debt(place)));
                t.given("price, as the oracle gives it", price, super::PRICE);
                let owed = owed(t, position, leg.index, decimals)?;
                let formula = "debt value = debt x price x 10^(18 - decimals)";
                let value = value(t, formula, owed, price, decimals, RAY_VALUE)?;
                data.debt = t.add("all debt = all debt + debt value", data.debt, value, RAY_VALUE)?;
                data.owes |= owed != U256::ZERO;
            }
        }
        t.about(Subject::Account);
        Ok(data)
    }

    fn count<T: Trace + ?Sized>(
        &mut self,
        t: &mut T,
        value: U256,
        factor: u16,
        risk: u32,
    ) -> Result<(), Refusal> {
        self.collateral = t.add("collateral = collateral + value", self.collateral, value, VALUE)?;
        let factor = U256::from(u64::from(factor));
        let weight = t.mul("weight = value x collateral factor", value, factor, FINE_VALUE)?;
        self.weighted = t.add("backing = backing + weight", self.weighted, weight, FINE_VALUE)?;
        self.collaterals += 1;
        self.risks.push((risk, value));
        Ok(())
    }

    /// The same where so much value of one collateral is another's instead, which then counts with what is `idle` in it so far; each
    /// by its risk and factor (bps).
    pub(super) fn swapped(
        &self,
        moved: U256,
        idle: U256,
        [from, to]: [(u32, u16); 2],
    ) -> Option<AccountData> {
        let weight = |value: U256, factor: u16| value.mul(U256::from(u64::from(factor)));
        let mut swapped = self.clone();
        // What does not count now moves no risk away.
        if let Some(at) =
            swapped.risks.iter().position(|risk| *risk == (from.0, moved)).filter(|_| from.1 != 0)
        {
            swapped.risks.remove(at);
            swapped.weighted = swapped.weighted.sub(weight(moved, from.1)?)?;
        }
        let put = moved.add(idle)?;
        swapped.risks.push((to.0, put));
        swapped.weighted = swapped.weighted.add(weight(put, to.1)?)?;
        Some(swapped)
    }

    /// What the contract asks of its own numbers: `weighted` in wad fits 256 bits.
    fn weighted_wad(&self) -> Result<U256, Refusal> {
        self.weighted.mul(BPS_WAD).ok_or(Refusal::Overflow("backing in wad"))
    }

    /// The health factor, floored (wad); 2^256 - 1 where nothing is owed.
    pub(super) fn health<T: Trace + ?Sized>(&self, t: &mut T) -> Result<U256, Refusal> {
        let weighted = self.weighted_wad()?;
        if self.debt == U256::ZERO {
            return Ok(U256::MAX);
        }
        let formula = "health factor = backing x 1e14 x 1e27 / all debt";
        wide(t, formula, [weighted, RAY.value(), self.debt], Down, Unit::WAD)
    }

    /// Whether the health factor can be told at all. A drawn share owes at least one ray, so that the health factor is no
    /// more than backing in wad.
    pub(super) fn answers(&self) -> Result<(), Refusal> {
        self.weighted_wad().map(drop)
    }

    /// What backing must be at least (value x bps): backing >= requirement is exactly a health factor >= 1.
    pub(super) fn requirement<T: Trace + ?Sized>(&self, t: &mut T) -> Result<U256, Refusal> {
        let formula = "requirement = all debt x 1e4 / 1e27";
        wide(t, formula, [self.debt, BPS.value(), RAY.value()], Up, FINE_VALUE)
    }

    /// The average collateral factor, floored (wad).
    pub(super) fn average_factor(&self) -> Result<U256, Refusal> {
        Ok(self.weighted_wad()?.div(self.collateral, Down).unwrap_or(U256::ZERO))
    }

    /// What debts pay on top of their interest (bps): the risks of the safest collaterals that cover them, weighed by how
    /// much they cover; what nothing covers counts for nothing.
    pub(super) fn risk_premium<T: Trace + ?Sized>(&self, t: &mut T) -> Result<U256, Refusal> {
        let debt = t.mul_div("debt to cover = all debt / 1e27", self.debt, U256::ONE, RAY, Up, VALUE)?;
        let mut risks = self.risks.clone();
        risks.sort_unstable_by_key(|(risk, _)| *risk);
        let (mut left, mut sum) = (debt, U256::ZERO);
        for (risk, value) in risks {
            if left == U256::ZERO {
                break;
            }
            let covers = t.min("covers = value, at most what is left", value, left, VALUE);
            let risk = U256::from(u64::from(risk));
            let weight = t.mul("risk weight = covers x collateral risk", covers, risk, FINE_VALUE)?;
            sum = t.add("risk = risk + risk weight", sum, weight, FINE_VALUE)?;
            left = t.sub("left = left - covers", left, covers, VALUE)?;
        }
        let covered = t.sub("covered = debt to cover - left", debt, left, VALUE)?;
        if covered == U256::ZERO {
            return Ok(U256::ZERO);
        }
        t.mul_div("risk premium = risk / covered", sum, U256::ONE, covered, Up, Unit::BPS)
    }
}

/// How premium shares and offset change, and what of the premium is paid with it: what a spoke tells its hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PremiumDelta {
    /// Premium shares (drawn shares).
    pub shares: Int,
    /// Offset (raw x ray).
    pub offset: Int,
    /// Premium paid or written off (raw x ray).
    pub restored: U256,
}

impl Position {
    /// The change that leaves premium shares of `risk_premium` on what stays drawn, the premium owed standing in the
    /// offset (`calculatePremiumDelta`).
    pub(super) fn premium_delta<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        taken: U256,
        risk_premium: u32,
        restored: U256,
        index: U256,
        decimals: u8,
    ) -> Result<PremiumDelta, Refusal> {
        let shares = Unit::shares(decimals);
        let owed = premium(t, self, index, decimals)?;
        let drawn = t.sub("drawn shares left", self.drawn, taken, shares)?;
        let risk = U256::from(u64::from(risk_premium));
        let formula = "premium shares = drawn shares x risk premium / 1e4";
        let new = t.mul_div(formula, drawn, risk, BPS, Up, shares)?;
        let left = t.sub("premium left = premium - paid", owed, restored, fine(decimals))?;
        let grown = t.mul("premium shares x index", new, index, fine(decimals))?;
        let beyond = Refusal::Overflow("offset = premium shares x index - premium");
        let offset = Int::from(grown).sub(Int::from(left)).ok_or(beyond)?;
        Ok(PremiumDelta {
            shares: Int::from(new).sub(Int::from(self.premium_shares)).ok_or(beyond)?,
            offset: offset.sub(self.premium_offset).ok_or(beyond)?,
            restored,
        })
    }

    pub(super) fn apply(&mut self, delta: &PremiumDelta) -> Result<(), Refusal> {
        apply(&mut self.premium_shares, &mut self.premium_offset, delta)
    }
}

/// Puts a change of premium in place.
pub(super) fn apply(shares: &mut U256, offset: &mut Int, delta: &PremiumDelta) -> Result<(), Refusal> {
    let changed = Int::from(*shares).add(delta.shares).and_then(Int::to_u256);
    *shares = changed.ok_or(Refusal::Overflow("premium shares + change"))?;
    *offset = offset.add(delta.offset).ok_or(Refusal::Overflow("offset + change"))?;
    Ok(())
}

/// What a liquidator gets at a health (bps, 10 000 is nothing beyond the debt's worth) (`calculateLiquidationBonus`).
pub(super) fn bonus<T: Trace + ?Sized>(
    t: &mut T,
    rules: &super::LiquidationRules,
    health: U256,
    configuration: &Configuration,
) -> Result<U256, Refusal> {
    let most = U256::from(u64::from(configuration.max_liquidation_bonus));
    t.given("highest liquidation bonus", most, Unit::BPS);
    if health <= rules.health_for_max_bonus {
        return Ok(most);
    }
    let (one, unit) = (WAD.value(), Unit::BPS);
    let most_over = t.sub("highest bonus - 1e4", most, BPS.value(), unit)?;
    let factor = U256::from(u64::from(rules.bonus_factor));
    let least = t.mul_div("least over 1e4 = … x bonus factor / 1e4", most_over, factor, BPS, Down, unit)?;
    let least = t.add("least bonus", least, BPS.value(), unit)?;
    let range = t.sub("range = highest - least", most, least, unit)?;
    let below = t.sub("below = 1 - health factor", one, health, Unit::WAD)?;
    let room =
        t.sub("room = 1 - health factor for the highest bonus", one, rules.health_for_max_bonus, Unit::WAD)?;
    let part = t.mul_div("part = range x below / room", range, below, room, Down, unit)?;
    t.add("bonus = least + part", least, part, unit)
}
