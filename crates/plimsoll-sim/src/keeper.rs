//! What a keeper may do to an account, by the exact rules of its market, and what it would leave him.
//!
//! At venues where a debt is repaid for a collateral every pair is tried with the largest lot that the venue accepts, and by halves down to a
//! 64th where that does not pay, costs more than he has, or is more than anybody is known to buy. At others the calls that the venue itself
//! names are tried. What he receives is sold at once for what the account owes; what is of that asset already he keeps.

use crate::outcome::Passed;
use crate::plan::Keeper;
use crate::state::State;
use crate::street::{Sale, Street, Unsold};
use crate::worth::{Price, price, rescale, value};
use plimsoll_core::{
    AccountId, Action, Amount, Call, Effects, Feeds, InstrumentId, Int, Kind, Lens, Lot, Market, Mechanism,
    Party, Reading, Receive, Refusal, Rounding, Silent, U256,
};

/// A lot is halved so many times.
const HALVINGS: u32 = 6;

/// The account under which a keeper acts: nobody of any book.
pub(crate) fn id(keeper: usize) -> AccountId {
    AccountId(u64::MAX - keeper as u64)
}

/// Which keeper an account stands for.
pub(crate) fn of(account: AccountId, keepers: usize) -> Option<usize> {
    usize::try_from(u64::MAX - account.0).ok().filter(|keeper| *keeper < keepers)
}

/// Something that he sells, or keeps.
#[derive(Clone, Debug)]
pub(crate) struct Lotted {
    pub(crate) asset: String,
    pub(crate) raw: U256,
    pub(crate) decimals: u8,
    /// Where, and for what asset; `None` where it is kept.
    pub(crate) sale: Option<(Sale, String)>,
    /// What it brings, rounded down \[1e18 of the market's currency\].
    pub(crate) brings: Int,
    /// What it is worth before any is sold.
    pub(crate) worth: Int,
}

/// A call that pays.
#[derive(Clone, Debug)]
pub(crate) struct Paying {
    pub(crate) effects: Effects,
    pub(crate) paid: Vec<(String, U256, u8)>,
    pub(crate) received: Vec<Lotted>,
    pub(crate) cost: Int,
    pub(crate) brought: Int,
    pub(crate) worth: Int,
    pub(crate) profit: Int,
    pub(crate) written_off: Int,
}

/// Why a call is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    Nobody,
    Refused,
    /// Without any impact, and with gas as in calm, all that can be taken is worth less than a call: no smaller lot is worth more.
    Dust,
    Unprofitable,
    Capital,
    Unsold,
}

impl Why {
    pub(crate) fn count(self, passed: &mut Passed) {
        *match self {
            Why::Nobody => &mut passed.nobody,
            Why::Refused => &mut passed.refused,
            Why::Dust | Why::Unprofitable => &mut passed.unprofitable,
            Why::Capital => &mut passed.capital,
            Why::Unsold => &mut passed.unsold,
        } += 1;
    }
}

/// One keeper before one account.
pub(crate) struct Look<'a> {
    pub(crate) state: &'a State,
    pub(crate) street: &'a Street,
    pub(crate) place: u32,
    pub(crate) keeper: usize,
    pub(crate) terms: &'a Keeper,
    /// What sales are worth at the account's market.
    pub(crate) sales: &'a [Reading],
    /// What a call costs now, and in calm \[1e18\].
    pub(crate) gas: [Int; 2],
}

impl Look<'_> {
    fn market(&self) -> &dyn Market {
        &*self.state.book.markets[self.number()].market
    }

    fn number(&self) -> usize {
        self.state.book.accounts[self.place as usize].market
    }

    fn feeds(&self) -> Feeds<'_> {
        Feeds { readings: self.state.readings(self.number()) }
    }

    /// The call that pays best.
    pub(crate) fn best(&self) -> Result<Paying, Why> {
        let account = &self.state.book.accounts[self.place as usize].account;
        let forced = self.market().forced(account, self.feeds());
        if !forced.is_empty() {
            return self.forced(&forced);
        }
        let [debts, collaterals] = [self.held(Kind::Debt), self.held(Kind::Receipt)];
        let mut best: Result<Paying, Why> = Err(Why::Refused);
        for debt in &debts {
            for collateral in &collaterals {
                let found = self.pair(*debt, *collateral);
                let better = match (&best, &found) {
                    (Ok(best), Ok(found)) => found.profit > best.profit,
                    (Err(_), Ok(_)) => true,
                    (Err(best), Err(found)) => found > best,
                    (Ok(_), Err(_)) => false,
                };
                if better {
                    best = found;
                }
            }
        }
        best
    }

    /// What the account has of a kind, with the raw amount behind it.
    fn held(&self, kind: Kind) -> Vec<(InstrumentId, U256)> {
        let (market, book) = (self.market(), &self.state.book);
        let account = &book.accounts[self.place as usize].account;
        let Ok(quoted) = market.at(self.feeds(), Lens::Action, book.at) else { return Vec::new() };
        let of_kind = |id: InstrumentId| market.instruments().get(id.index()).is_some_and(|i| i.kind == kind);
        let held = account.holdings().iter().map(|held| held.instrument).filter(|id| of_kind(*id));
        held.filter_map(|id| Some((id, quoted.balance(account, id).ok()?.raw))).collect()
    }

    fn act(&self, mechanism: Mechanism) -> Result<Effects, Refusal> {
        let book = &self.state.book;
        let account = book.accounts[self.place as usize].account.id;
        let call =
            Call { actor: id(self.keeper), account, at: book.at, action: Action::Liquidate(mechanism) };
        self.market().act(&call, book, self.feeds(), &mut Silent)
    }

    fn pair(&self, debt: (InstrumentId, U256), collateral: (InstrumentId, U256)) -> Result<Paying, Why> {
        let ask = |lot| {
            let (repay, seize) = (debt.0, collateral.0);
            let effects =
                self.act(Mechanism::Discount { repay, seize, lot, receive: Receive::Asset }).ok()?;
            // A call that does nothing would be made for ever.
            let does = effects.liquidated.as_ref()?;
            (does.repaid != U256::ZERO || does.seized != U256::ZERO).then_some(effects)
        };
        let repaid = |effects: &Option<Effects>| {
            effects.as_ref().and_then(|it| it.liquidated.as_ref()).map_or(U256::ZERO, |does| does.repaid)
        };
        let [all, emptied] = [ask(Lot::Repay(Amount::All)), ask(Lot::Seize(collateral.1))];
        let mut lot = if repaid(&emptied) > repaid(&all) { emptied } else { all.or(emptied) };
        let (mut repay, mut seize) = match lot.as_ref().and_then(|effects| effects.liquidated.as_ref()) {
            Some(does) => (does.repaid, does.seized),
            None => (debt.1, collateral.1),
        };
        let mut why = Why::Refused;
        for _ in 0..=HALVINGS {
            if let Some(effects) = lot.take() {
                match self.pays(effects) {
                    Ok(paying) => return Ok(paying),
                    Err(Why::Dust) => return Err(why.max(Why::Dust)),
                    Err(found) => why = why.max(found),
                }
            }
            (repay, seize) = (repay.half(), seize.half());
            lot = ask(Lot::Repay(Amount::Assets(repay))).or_else(|| ask(Lot::Seize(seize)));
        }
        Err(why)
    }

    fn forced(&self, calls: &[Mechanism]) -> Result<Paying, Why> {
        let mut why = Why::Refused;
        for call in calls {
            let Ok(effects) = self.act(call.clone()) else { continue };
            match self.pays(effects) {
                Ok(paying) => return Ok(paying),
                Err(found) => why = why.max(found),
            }
        }
        Err(why)
    }

    fn price(&self, asset: &str) -> Option<Price> {
        price(self.market(), self.sales, self.state.book.at, asset)
    }

    /// What a call leaves him; why he does not make it.
    fn pays(&self, effects: Effects) -> Result<Paying, Why> {
        let market = self.market();
        let [mut paid, mut got]: [Vec<(String, U256, u8)>; 2] = Default::default();
        let mut seen: Vec<InstrumentId> = effects.flows.iter().map(|flow| flow.instrument).collect();
        seen.sort_unstable();
        seen.dedup();
        for instrument in seen {
            let mine = [Party::Wallet(id(self.keeper)), Party::Account(id(self.keeper)), Party::Keeper];
            let net = mine.iter().try_fold(Int::ZERO, |sum, party| sum.add(effects.net(*party, instrument)?));
            let net = net.ok_or(Why::Refused)?;
            let Some(spec) = market.instruments().get(instrument.index()).filter(|_| !net.is_zero()) else {
                continue;
            };
            let side = if net.is_negative() { &mut paid } else { &mut got };
            side.push((spec.asset.clone(), net.magnitude(), spec.decimals));
        }
        let owed = paid.first().map(|(asset, _, _)| asset.clone()).or_else(|| self.owes());
        let mut cost = Int::ZERO;
        for (asset, raw, decimals) in &paid {
            let worth = self.price(asset).and_then(|price| value(*raw, *decimals, price, Rounding::Up));
            cost = worth.and_then(|worth| cost.add(worth.into())).ok_or(Why::Unsold)?;
        }
        if self.terms.capital.is_some_and(|most| cost > Int::from(most)) {
            return Err(Why::Capital);
        }
        let (mut brought, mut before, mut received) = (Int::ZERO, Int::ZERO, Vec::new());
        for (asset, raw, decimals) in got {
            let lotted = self.sold(asset, raw, decimals, owed.as_deref())?;
            brought = brought.add(lotted.brings).ok_or(Why::Unsold)?;
            before = before.add(lotted.worth).ok_or(Why::Unsold)?;
            received.push(lotted);
        }
        let [gas, calm] = self.gas;
        let profit = brought.sub(cost).and_then(|gain| gain.sub(gas)).ok_or(Why::Unsold)?;
        // A venue's own call that asks and gives nothing is made by whoever runs the venue.
        let given = paid.is_empty() && received.is_empty();
        if !given && profit < Int::from(self.terms.least) {
            let at_best = before.sub(cost).and_then(|gain| gain.sub(calm)).ok_or(Why::Unsold)?;
            return Err(if at_best < Int::from(self.terms.least) { Why::Dust } else { Why::Unprofitable });
        }
        let written_off = self.written_off(&effects);
        Ok(Paying { effects, paid, received, cost, brought, worth: before, profit, written_off })
    }

    /// The asset of the account's first debt.
    fn owes(&self) -> Option<String> {
        let market = self.market();
        let account = &self.state.book.accounts[self.place as usize].account;
        let specs =
            account.holdings().iter().filter_map(|held| market.instruments().get(held.instrument.index()));
        specs.filter(|spec| spec.kind == Kind::Debt).map(|spec| spec.asset.clone()).next()
    }

    fn sold(&self, asset: String, raw: U256, decimals: u8, owed: Option<&str>) -> Result<Lotted, Why> {
        let its = self.price(&asset).ok_or(Why::Unsold)?;
        let worth = value(raw, decimals, its, Rounding::Down).ok_or(Why::Unsold)?;
        let kept = |brings: U256, sale| Lotted {
            asset: asset.clone(),
            raw,
            decimals,
            sale,
            brings: brings.into(),
            worth: worth.into(),
        };
        let Some(owed) = owed.filter(|owed| *owed != asset) else { return Ok(kept(worth, None)) };
        let amount = rescale(raw, decimals, 18, Rounding::Up).ok_or(Why::Unsold)?;
        let sale = self.street.quote(&asset, owed, amount).map_err(|_: Unsold| Why::Unsold)?;
        let brings = match sale {
            Sale::Curve(_, part) => worth.mul_div_wide(part, crate::plan::ONE, Rounding::Down),
            Sale::Pool(_, paid) => {
                let price = self.price(owed).ok_or(Why::Unsold)?;
                value(paid, 18, price, Rounding::Down)
            }
        };
        Ok(kept(brings.ok_or(Why::Unsold)?, Some((sale, owed.to_string()))))
    }

    /// What the venue writes off, at the market's price.
    fn written_off(&self, effects: &Effects) -> Int {
        let market = self.market();
        let lost = effects.liquidated.iter().flat_map(|does| &does.bad_debt);
        let values = lost.filter_map(|(debt, raw)| {
            let spec = market.instruments().get(debt.index())?;
            let decimals = token(market, &spec.asset)?;
            value(*raw, decimals, self.price(&spec.asset)?, Rounding::Up)
        });
        values.fold(Int::ZERO, |sum, it| sum.add(it.into()).unwrap_or(sum))
    }
}

/// The decimals of a token: those of the asset itself at its market.
pub(crate) fn token(market: &dyn Market, asset: &str) -> Option<u8> {
    let of = |kind: Kind| market.instruments().iter().filter(move |i| i.kind == kind && i.asset == asset);
    of(Kind::Asset).map(|i| i.decimals).min().or_else(|| of(Kind::Debt).map(|i| i.decimals).min())
}
