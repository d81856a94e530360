//! A market at one time with one set of prices.

use super::hub::{self, drawn};
use super::position::{AccountData, Leg, User, Versions, premium, value};
use super::{FINE_VALUE, Market, RAY_VALUE, VALUE, form, liquidation, over, token};
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{
    Account, Arithmetic, Assessment, BPS, Balance, Feeds, Figure, InstrumentId, Int, Node, Premium, Quoted,
    Range, Refusal, Renewed, Silent, Subject, Test, Time, Trace, U256, Unit, Verdict, WAD, Why,
};

pub(super) struct Standing<'m> {
    market: &'m Market,
    at: Time,
    legs: Vec<Leg>,
    nodes: Vec<Result<Node, Why>>,
}

/// The prices of a market, as its slots read them: an oracle that answers zero has no answer.
pub(super) fn prices(market: &Market, feeds: Feeds<'_>) -> Vec<Result<U256, Why>> {
    let price = |slot| {
        let reading = feeds.get(slot);
        match reading.value {
            Some(U256::ZERO) => Err(Why::NotPositive),
            Some(price) => Ok(price),
            None => Err(reading.doubt.unwrap_or(Why::Missing)),
        }
    };
    (0..market.slots.len()).map(price).collect()
}

/// Every reserve at a time.
fn legs<T: Trace + ?Sized>(
    t: &mut T,
    market: &Market,
    prices: &[Result<U256, Why>],
    at: Time,
    wanted: &dyn Fn(usize) -> bool,
) -> Result<Vec<Leg>, Refusal> {
    let mut legs: Vec<Leg> = Vec::with_capacity(prices.len());
    for (place, reserve) in market.reserves.iter().enumerate() {
        if !wanted(place) {
            legs.push(market.unasked(place));
            continue;
        }
        t.about(Subject::Instrument(token(place)));
        let asset = &market.assets[reserve.asset];
        let index = asset.index(t, at)?;
        legs.push(Leg { index, pot: asset.pot(t, index)?, price: prices[place] });
    }
    Ok(legs)
}

impl<'m> Standing<'m> {
    pub(super) fn new(market: &'m Market, feeds: Feeds<'_>, at: Time) -> Result<Standing<'m>, Refusal> {
        let prices = prices(market, feeds);
        let legs = legs(&mut Silent, market, &prices, at, &|_| true)?;
        let mut nodes = Vec::with_capacity(3 * legs.len());
        for (place, leg) in legs.iter().enumerate() {
            // A price of zero is no price of the contract's, but the end of what a doubtful one may be.
            let price = feeds.get(place).value.ok_or(feeds.get(place).doubt.unwrap_or(Why::Missing));
            for factor in [leg.pot.price(), Some(leg.index), Some(U256::ONE)] {
                let product = |price: U256| factor.and_then(|factor| price.mul(factor)).ok_or(Why::AtBound);
                nodes.push(price.and_then(product).map(|product| Node::exact(product.into())));
            }
        }
        Ok(Standing { market, at, legs, nodes })
    }

    fn data(
        &self,
        t: &mut (impl Trace + ?Sized),
        user: &User,
        versions: Versions,
    ) -> Result<AccountData, Refusal> {
        let data = AccountData::of(t, self.market, &self.legs, user, versions)?;
        data.answers()?;
        Ok(data)
    }

    fn assess_with<T: Trace + ?Sized>(
        &self,
        account: &Account,
        test: Test,
        t: &mut T,
    ) -> Result<Assessment, Refusal> {
        let user = User::of(self.market, account)?;
        if t.listens() {
            // The same calculation that made `self.legs`, now with its steps.
            let prices: Vec<_> = self.legs.iter().map(|leg| leg.price).collect();
            let wanted = |place: usize| user.positions[place].counts || user.positions[place].owes;
            legs(t, self.market, &prices, self.at, &wanted)?;
        }
        let versions = form::versions(test);
        let data = self.data(t, &user, versions)?;
        let requirement = data.requirement(t)?;
        // What is collateral is so by the versions in force, whichever versions a line goes by: sums of the other lines are these.
        let collateral = match versions == Versions::Newest && self.market.is_stale(&user) {
            true => {
                let own = self.data(&mut Silent, &user, Versions::Own)?.collateral;
                t.given("collateral, by the versions in force", own, VALUE);
                own
            }
            false => data.collateral,
        };
        let collateral = t.mul("collateral, in the unit of backing", collateral, BPS.value(), FINE_VALUE)?;
        if t.listens() {
            data.health(t)?;
            data.risk_premium(t)?;
        }
        let verdict = verdict(&data, requirement);
        Ok(Assessment {
            verdict,
            backing: data.weighted.into(),
            requirement: requirement.into(),
            collateral: collateral.into(),
            debt: requirement.into(),
            unit: FINE_VALUE,
            executable: match verdict {
                Verdict::Unhealthy => {
                    // By the newest versions it may be unhealthy where by its own, which liquidations go by, it is not.
                    let own = self.data(&mut Silent, &user, Versions::Own);
                    let health = own.and_then(|own| own.health(&mut Silent)).map(|it| it.min(WAD.value()));
                    health.and_then(|health| liquidation::executable(self.market, &user, health))
                }
                _ => Ok(()),
            },
        })
    }
}

fn verdict(data: &AccountData, requirement: U256) -> Verdict {
    match (data.owes, data.weighted >= requirement) {
        (false, _) => Verdict::NoDebt,
        (_, true) => Verdict::Healthy,
        (_, false) => Verdict::Unhealthy,
    }
}

const fn figure(name: &'static str, value: Int, unit: Unit) -> Figure {
    Figure { name, value, unit }
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
        over::over(self.market, &self.legs, [low, high], test, feeds)
    }

    /// As `getUserAccountData` names them, and before them the premium that the contract keeps (`storedRiskPremium`); the
    /// health factor comes last.
    fn figures(&self, account: &Account) -> Result<Vec<Figure>, Refusal> {
        let (user, t) = (User::of(self.market, account)?, &mut Silent);
        let data = self.data(t, &user, Versions::Own)?;
        Ok(alloc::vec![
            figure("storedRiskPremium", u64::from(user.risk_premium).into(), Unit::BPS),
            figure("riskPremium", data.risk_premium(t)?.into(), Unit::BPS),
            figure("avgCollateralFactor", data.average_factor()?.into(), Unit::WAD),
            figure("totalCollateralValue", data.collateral.into(), VALUE),
            figure("totalDebtValueRay", data.debt.into(), RAY_VALUE),
            figure("activeCollateralCount", data.collaterals.into(), Unit::NUMBER),
            figure("borrowCount", data.debts.into(), Unit::NUMBER),
            figure("healthFactor", data.health(t)?.into(), Unit::WAD),
        ])
    }

    /// Under the newest versions, where some collateral counts by an older one.
    fn renewed(&self, account: &Account) -> Result<Option<Renewed>, Refusal> {
        let (user, t) = (User::of(self.market, account)?, &mut Silent);
        if !self.market.is_stale(&user) {
            return Ok(None);
        }
        let data = self.data(t, &user, Versions::Newest)?;
        let health = figure("healthFactor", data.health(t)?.into(), Unit::WAD);
        let verdict = verdict(&data, data.requirement(t)?);
        Ok(Some(Renewed { health, verdict }))
    }

    fn premium(&self, account: &Account) -> Result<Option<Premium>, Refusal> {
        super::premium::premium(self.market, &self.legs, account, self.at)
    }

    /// Supplied rounded down, debt as the sum of what is drawn and the premium, each rounded up (`getUserTotalDebt`).
    fn balance(&self, account: &Account, instrument: InstrumentId) -> Result<Balance, Refusal> {
        let (user, t) = (User::of(self.market, account)?, &mut Silent);
        let place = instrument.index() / 3;
        let position = user.positions.get(place).ok_or(Refusal::NoSuchInstrument(instrument))?;
        let (leg, decimals) = (&self.legs[place], self.market.decimals(place));
        let raw = match instrument.0 % 3 {
            1 => leg.pot.assets_of(t, position.supplied, Down)?,
            2 => {
                let drawn = drawn(t, position.drawn, leg.index, decimals)?;
                let premium = premium(t, position, leg.index, decimals)?;
                let premium = hub::whole(t, "premium = premium / 1e27", premium, decimals)?;
                t.add("owed = drawn + premium", drawn, premium, Unit::raw(decimals))?
            }
            _ => return Err(Refusal::NoSuchInstrument(instrument)),
        };
        let value = match leg.price {
            Ok(price) => {
                let value = value(t, "value = amount x price", raw, price, decimals, VALUE)?;
                Some(t.mul("value x 1e4", value, BPS.value(), FINE_VALUE)?)
            }
            Err(_) => None,
        };
        Ok(Balance { raw, value })
    }
}
