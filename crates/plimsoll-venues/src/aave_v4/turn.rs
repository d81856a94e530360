//! One call under way, and what users do: `Spoke.sol`'s supply, withdraw, borrow, repay and settings, in its order.

use super::calls::{HubEvent, grow};
use super::hub;
use super::liquidation::Liquidation;
use super::position::{AccountData, Leg, User, Versions, premium};
use super::standing::prices;
use super::{
    BORROWABLE, Curve, FROZEN, HubAsset, Link, Market, NO_LIMIT, PAUSED, cells, debt, receipt, token,
};
use crate::table;
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{
    Account, Accounts, Action, Amount, Arithmetic, Call, Effects, Feeds, InstrumentId, Mechanism, Party, RAY,
    Refusal, Subject, Trace, U256, Unit, WAD, Why,
};

/// A call, done: what it changes, what its hubs told of it, what it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What it changes.
    pub effects: Effects,
    /// What hubs told, in order.
    pub events: Vec<HubEvent>,
    /// What the contract returns: shares and amount, where it does.
    pub answer: Vec<U256>,
    /// How much a liquidation was.
    pub liquidation: Option<Liquidation>,
}

/// What a hub does by itself, for one reserve's asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubCall {
    /// Fees become shares of the fee receiver.
    MintFeeShares,
    /// The fee receiver pays for so much of the spoke's deficit (raw).
    EliminateDeficit(U256),
    /// So much is lent out for reinvestment (raw).
    Sweep(U256),
    /// So much of it comes back (raw).
    Reclaim(U256),
    /// Another curve.
    SetCurve(Curve),
}

/// One call while it is computed: the hubs as they will be, and what moved.
pub(super) struct Turn<'a, T: Trace + ?Sized> {
    pub(super) market: &'a Market,
    pub(super) call: &'a Call,
    pub(super) user: User,
    prices: Vec<Result<U256, Why>>,
    pub(super) assets: Vec<HubAsset>,
    pub(super) links: Vec<Link>,
    pub(super) effects: Effects,
    pub(super) events: Vec<HubEvent>,
    answer: Vec<U256>,
    pub(super) liquidation: Option<Liquidation>,
    /// Whether a spoke's limit of premium shares is asked after.
    pub(super) limited: bool,
    before: Account,
    pub(super) t: &'a mut T,
}

impl<'a, T: Trace + ?Sized> Turn<'a, T> {
    pub(super) fn new(
        market: &'a Market,
        call: &'a Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        t: &'a mut T,
    ) -> Result<Turn<'a, T>, Refusal> {
        let before = accounts.get(call.account).cloned().unwrap_or(Account::new(call.account));
        Ok(Turn {
            market,
            call,
            user: User::of(market, &before)?,
            prices: prices(market, feeds),
            assets: market.assets.clone(),
            links: market.reserves.iter().map(|reserve| reserve.link).collect(),
            effects: Effects::default(),
            events: Vec::new(),
            answer: Vec::new(),
            liquidation: None,
            limited: true,
            before,
            t,
        })
    }

    pub(super) fn act(mut self) -> Result<Done, Refusal> {
        self.run()?;
        self.finished()
    }

    /// The call itself, without telling what changed.
    pub(super) fn run(&mut self) -> Result<(), Refusal> {
        let action = &self.call.action;
        let liquidates = matches!(action, Action::Liquidate(_));
        if !liquidates && self.call.actor != self.call.account {
            return Err(Refusal::NoConsent("acting for another account"));
        }
        match *action {
            Action::Deposit { into, amount } => self.supply(into, amount)?,
            Action::Withdraw { from, amount } => self.withdraw(from, amount)?,
            Action::Borrow { debt, amount } => self.borrow(debt, amount)?,
            Action::Repay { debt, amount } => self.repay(debt, amount)?,
            Action::UseAsCollateral { instrument, on } => self.use_as_collateral(instrument, on)?,
            Action::Refresh { rules: true } => {
                let data = self.stand()?;
                self.notify(&data)?;
            }
            Action::Refresh { rules: false } => {
                let data = self.data(Versions::Own)?;
                self.notify(&data)?;
            }
            Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive }) => {
                self.liquidate(repay, seize, lot, receive)?;
            }
            _ => return Err(Refusal::NotAtThisVenue),
        }
        Ok(())
    }

    pub(super) fn hub(mut self, place: usize, call: HubCall) -> Result<Done, Refusal> {
        match call {
            HubCall::MintFeeShares => {
                let shares = self.mint_fees(place)?;
                self.answer.push(shares);
            }
            HubCall::EliminateDeficit(amount) => {
                let answer = self.eliminate_deficit(place, amount)?;
                self.answer.extend(answer);
            }
            HubCall::Sweep(amount) => self.sweep(place, amount, false)?,
            HubCall::Reclaim(amount) => self.sweep(place, amount, true)?,
            HubCall::SetCurve(curve) => self.set_curve(place, curve)?,
        }
        self.finished()
    }

    /// The effects, with every number of the market and every term of the account that changed.
    fn finished(mut self) -> Result<Done, Refusal> {
        for ((object, before), after) in (0..).zip(&self.market.assets).zip(&self.assets) {
            if !table::holds(cells::ASSET_FIELDS, after) {
                return Err(Refusal::Overflow(hub::TOO_WIDE));
            }
            table::diff(cells::ASSET_FIELDS, object, before, after, &mut self.effects.cells);
        }
        for (place, link) in self.links.iter().enumerate() {
            let before = self.market.row(place);
            let mut after = before.clone();
            after.reserve.link = *link;
            if !table::holds(cells::RESERVE_FIELDS, &after) {
                return Err(Refusal::Overflow(hub::TOO_WIDE));
            }
            let object = cells::RESERVES + place as u64;
            table::diff(cells::RESERVE_FIELDS, object, &before, &after, &mut self.effects.cells);
        }
        let id = self.call.account;
        let terms = self.user.terms().into_iter().filter(|(term, value)| self.before.term(*term) != *value);
        self.effects.terms.extend(terms.map(|(term, value)| (id, term, value)));
        let Turn { effects, events, answer, liquidation, .. } = self;
        Ok(Done { effects, events, answer, liquidation })
    }

    // ---- pieces that actions share ---------------------------------------------------------------------------

    /// The reserve of a receipt or a debt; an account stays in one spoke.
    pub(super) fn place(
        &self,
        instrument: InstrumentId,
        of: fn(usize) -> InstrumentId,
    ) -> Result<usize, Refusal> {
        let place = instrument.index() / 3;
        if place >= self.market.reserves.len() || of(place) != instrument {
            return Err(Refusal::NoSuchInstrument(instrument));
        }
        let spoke = self.market.reserves[place].spoke;
        if self.user.spoke.is_some_and(|own| own != spoke) {
            return Err(Refusal::AnotherAccount(instrument));
        }
        Ok(place)
    }

    pub(super) fn is(&self, place: usize, flag: u8) -> bool {
        self.market.reserves[place].is(flag)
    }

    pub(super) fn not_paused(&self, place: usize) -> Result<(), Refusal> {
        if self.is(place, PAUSED) { Err(Refusal::Paused(token(place))) } else { Ok(()) }
    }

    fn not_frozen(&self, place: usize) -> Result<(), Refusal> {
        if self.is(place, FROZEN) { Err(Refusal::Frozen(token(place))) } else { Ok(()) }
    }

    /// Whether one more reserve may be counted on this side.
    fn room(&self, place: usize, taken: u64) -> Result<(), Refusal> {
        let most = self.market.spokes[self.market.reserves[place].spoke].max_user_reserves;
        if most != NO_LIMIT && taken >= u64::from(most) {
            return Err(Refusal::TooManyReserves { most: u64::from(most) });
        }
        Ok(())
    }

    /// A reserve as it stands after what was done so far.
    pub(super) fn leg(&mut self, place: usize) -> Result<Leg, Refusal> {
        let (at, price) = (self.call.at, self.prices[place]);
        self.t.about(Subject::Instrument(token(place)));
        let (asset, _, t) = self.asset(place);
        let index = asset.index(t, at)?;
        Ok(Leg { index, pot: asset.pot(t, index)?, price })
    }

    pub(super) fn data(&mut self, versions: Versions) -> Result<AccountData, Refusal> {
        let mut legs = Vec::with_capacity(self.links.len());
        for place in 0..self.links.len() {
            let position = self.user.positions[place];
            let needed = position.owes || position.counts;
            let leg = if needed { self.leg(place)? } else { self.market.unasked(place) };
            legs.push(leg);
        }
        AccountData::of(self.t, self.market, &legs, &self.user, versions)
    }

    /// Puts the newest versions in force and asks for a health of one (`_refreshAndValidateUserAccountData`).
    fn stand(&mut self) -> Result<AccountData, Refusal> {
        for (position, reserve) in self.user.positions.iter_mut().zip(&self.market.reserves) {
            if position.counts {
                position.key = reserve.newest;
            }
        }
        let data = self.data(Versions::Own)?;
        if data.health(self.t)? < WAD.value() {
            return Err(Refusal::WouldBeUnhealthy);
        }
        Ok(data)
    }

    /// The account's risk premium becomes what premium shares are made by, in all its debts, the last listed first
    /// (`_notifyRiskPremiumUpdate`).
    pub(super) fn notify(&mut self, data: &AccountData) -> Result<(), Refusal> {
        let premium = data.risk_premium(self.t)?;
        let premium = premium.to_u64().and_then(|it| u32::try_from(it).ok());
        let premium = premium.filter(|it| *it < 1 << 24).ok_or(Refusal::Overflow(hub::TOO_WIDE))?;
        if premium == 0 && self.user.risk_premium == 0 {
            return Ok(());
        }
        self.user.risk_premium = premium;
        for place in
            (0..self.links.len()).rev().filter(|&place| self.user.positions[place].owes).collect::<Vec<_>>()
        {
            let (index, decimals) = (self.leg(place)?.index, self.market.decimals(place));
            let position = self.user.positions[place];
            let delta = position.premium_delta(self.t, U256::ZERO, premium, U256::ZERO, index, decimals)?;
            self.refresh_premium(place, delta)?;
            self.user.positions[place].apply(&delta)?;
        }
        Ok(())
    }

    // ---- what users do -----------------------------------------------------------------------------------------

    fn supply(&mut self, into: InstrumentId, amount: Amount) -> Result<(), Refusal> {
        let place = self.place(into, receipt)?;
        let Amount::Assets(amount) = amount else { return Err(Refusal::NotAtThisVenue) };
        self.not_paused(place)?;
        self.not_frozen(place)?;
        let shares = self.add(place, amount)?;
        grow(&mut self.user.positions[place].supplied, shares)?;
        self.answer.extend([shares, amount]);
        Ok(())
    }

    /// At most all that is supplied.
    fn withdraw(&mut self, from: InstrumentId, amount: Amount) -> Result<(), Refusal> {
        let place = self.place(from, receipt)?;
        let asked = most(amount)?;
        self.not_paused(place)?;
        let held = self.user.positions[place].supplied;
        if held == U256::ZERO {
            return Err(Refusal::NothingHeld(from));
        }
        let leg = self.leg(place)?;
        let all = leg.pot.assets_of(self.t, held, Down)?;
        let amount = self.t.min("withdrawn = asked, at most all", asked, all, Unit::raw(leg.pot.decimals));
        let shares = self.remove(place, amount)?;
        let left = held.sub(shares).ok_or(Refusal::Overflow("supplied shares - burned"))?;
        self.user.positions[place].supplied = left;
        self.effects.flow(from, shares, Party::Account(self.call.account), Party::Burn);
        self.answer.extend([shares, amount]);
        if self.user.positions[place].counts {
            let data = self.stand()?;
            self.notify(&data)?;
        }
        Ok(())
    }

    fn borrow(&mut self, from: InstrumentId, amount: Amount) -> Result<(), Refusal> {
        let place = self.place(from, debt)?;
        let Amount::Assets(amount) = amount else { return Err(Refusal::NotAtThisVenue) };
        self.not_paused(place)?;
        self.not_frozen(place)?;
        if !self.is(place, BORROWABLE) {
            return Err(Refusal::NotBorrowable(from));
        }
        let shares = self.draw(place, amount)?;
        grow(&mut self.user.positions[place].drawn, shares)?;
        if !self.user.positions[place].owes {
            self.room(place, self.user.count(|position| position.owes))?;
            self.user.positions[place].owes = true;
        }
        let data = self.stand()?;
        self.notify(&data)?;
        self.answer.extend([shares, amount]);
        Ok(())
    }

    /// Premium first; by the risk premium that was in force, and without asking for health (`calculateRestoreAmount`).
    fn repay(&mut self, instrument: InstrumentId, amount: Amount) -> Result<(), Refusal> {
        let place = self.place(instrument, debt)?;
        let asked = most(amount)?;
        self.not_paused(place)?;
        let position = self.user.positions[place];
        if position.drawn == U256::ZERO {
            return Err(Refusal::NothingOwed(instrument));
        }
        let (index, decimals) = (self.leg(place)?.index, self.market.decimals(place));
        let (unit, t) = (Unit::raw(decimals), &mut *self.t);
        let drawn = hub::drawn(t, position.drawn, index, decimals)?;
        let fine = premium(t, &position, index, decimals)?;
        let premium = hub::whole(t, "premium = premium / 1e27", fine, decimals)?;
        let all = t.add("owed = drawn + premium", drawn, premium, unit)?;
        let (drawn, restored) = if asked >= all {
            (drawn, fine)
        } else if asked < premium {
            (U256::ZERO, t.mul("premium paid = amount x 1e27", asked, RAY.value(), hub::fine(decimals))?)
        } else {
            (t.sub("drawn paid = amount - premium", asked, premium, unit)?, fine)
        };
        let shares = hub::drawn_shares(t, drawn, index, Down, decimals)?;
        let paid = hub::whole(t, "premium paid = premium / 1e27", restored, decimals)?;
        let paid = t.add("paid = drawn + premium", drawn, paid, unit)?;
        self.pay(place, drawn, shares, restored, index)?;
        self.answer.extend([shares, paid]);
        Ok(())
    }

    /// Pays `drawn` (raw) for drawn shares and so much premium; the debt's bit goes with its last drawn share.
    pub(super) fn pay(
        &mut self,
        place: usize,
        drawn: U256,
        shares: U256,
        restored: U256,
        index: U256,
    ) -> Result<super::PremiumDelta, Refusal> {
        let (position, decimals) = (self.user.positions[place], self.market.decimals(place));
        let delta =
            position.premium_delta(self.t, shares, self.user.risk_premium, restored, index, decimals)?;
        self.restore(place, drawn, delta)?;
        let position = &mut self.user.positions[place];
        position.apply(&delta)?;
        position.drawn = position.drawn.sub(shares).ok_or(Refusal::Overflow("drawn shares - paid"))?;
        position.owes &= position.drawn != U256::ZERO;
        Ok(delta)
    }

    fn use_as_collateral(&mut self, instrument: InstrumentId, on: bool) -> Result<(), Refusal> {
        let place = self.place(instrument, receipt)?;
        if self.user.positions[place].counts == on {
            return Ok(());
        }
        self.not_paused(place)?;
        if on {
            self.not_frozen(place)?;
            self.room(place, self.user.count(|position| position.counts))?;
        }
        let newest = self.market.reserves[place].newest;
        let position = &mut self.user.positions[place];
        position.counts = on;
        if on {
            position.key = newest;
            return Ok(());
        }
        let data = self.stand()?;
        self.notify(&data)
    }
}

/// All is as much as a number holds: the contract takes what there is.
fn most(amount: Amount) -> Result<U256, Refusal> {
    match amount {
        Amount::Assets(amount) => Ok(amount),
        Amount::All => Ok(U256::MAX),
        Amount::Shares(_) => Err(Refusal::NotAtThisVenue),
    }
}
