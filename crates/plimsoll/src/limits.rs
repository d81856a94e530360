//! How much can be withdrawn or borrowed in one action, to the last unit.

use crate::ask;
use crate::bounds;
use crate::max::Binds;
use crate::search::{self, Amounts, Unfound, either_way};
use plimsoll_core::{
    Account, Action, Amount, Call, Effects, Feeds, InstrumentId, Int, Kind, Lens, Market, Party, Reading,
    Refusal, Rounding, Silent, Time, U256,
};

/// From one block to the next (s): what is said to be possible is so then too.
pub const NEXT_BLOCK: u64 = 12;

/// The largest amount that one action of an account may have (raw units of the asset).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is withdrawn or borrowed.
    pub instrument: InstrumentId,
    /// The largest amount that the market accepts; zero when it accepts none, or where nothing is known
    /// ([`Limit::is_unknown`]).
    pub amount: U256,
    /// Why it does not accept one unit more, or anything at all; `None` when all that there is may go.
    pub because: Option<Refusal>,
    /// Where one unit more would be too small a loan: why one of the least size is refused as well.
    pub beyond: Option<Refusal>,
    /// It accepts nothing above this. Equal to the amount unless the venue's health is a sawtooth, or a limit is met by more as
    /// well as by less, and the stretch between could not be settled.
    pub no_more_than: U256,
}

impl Limit {
    /// Whether the amount could not be computed at all, because a price is missing or a number leaves the venue's range:
    /// the zero in it then says nothing.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.amount == U256::ZERO && Binds::of(self.because.as_ref()) == Binds::World
    }
}

/// How much of each receipt can be withdrawn, whichever of the times it happens at.
///
/// The market itself is asked, so caps, cash, flags and health are all in it. The answer is always an amount that
/// is accepted at each of the times, while one unit more is refused at one of them.
#[must_use]
pub fn withdrawable(
    market: &dyn Market,
    readings: &[Reading],
    account: &Account,
    times: &[Time],
) -> Vec<Limit> {
    let instruments = market.instruments();
    let receipts = account
        .holdings()
        .iter()
        .map(|holding| holding.instrument)
        .filter(|id| instruments.get(id.index()).is_some_and(|i| i.kind == Kind::Receipt));
    let asker = Asker { market, readings, account, times };
    receipts
        .map(|instrument| match asker.ask(&Action::Withdraw { from: instrument, amount: Amount::All }) {
            Ok(amount) => Limit { instrument, amount, because: None, beyond: None, no_more_than: amount },
            Err(_) => asker.withdrawable(instrument),
        })
        .collect()
}

/// How much of each debt can be taken on, whichever of the times it happens at.
#[must_use]
pub fn borrowable(
    market: &dyn Market,
    readings: &[Reading],
    account: &Account,
    times: &[Time],
) -> Vec<Limit> {
    let debts = (0..).zip(market.instruments()).filter(|(_, instrument)| instrument.kind == Kind::Debt);
    let asker = Asker { market, readings, account, times };
    let limits = debts.map(|(id, _)| asker.lendable(InstrumentId(id)));
    // What is no loan of such an account at all, such as shares of a batch that others manage.
    let none = |limit: &Limit| {
        let why = limit.because.as_ref();
        limit.amount == U256::ZERO
            && matches!(why, Some(Refusal::NoSuchInstrument(_) | Refusal::NotAtThisVenue))
    };
    let mut all: Vec<Limit> = Vec::new();
    for limit in limits.filter(|limit| !none(limit)) {
        // Two instruments that stand for one debt say the same; two reserves of one asset are two debts.
        let debt = |id: InstrumentId| ask::called(market, id);
        let said = all.iter().any(|other| {
            debt(other.instrument) == debt(limit.instrument)
                && (other.amount, other.because, other.no_more_than)
                    == (limit.amount, limit.because, limit.no_more_than)
        });
        if !said {
            all.push(limit);
        }
    }
    all
}

/// How much of one debt can be taken on, whichever of the times it happens at: what [`borrowable`] finds of it.
pub(crate) fn lendable(
    market: &dyn Market,
    readings: &[Reading],
    account: &Account,
    debt: InstrumentId,
    times: &[Time],
) -> Limit {
    Asker { market, readings, account, times }.lendable(debt)
}

/// The largest order of each derivative at the price that the market reads, bought and sold, whichever of the times it happens at.
pub(crate) fn tradable(
    market: &dyn Market,
    readings: &[Reading],
    account: &Account,
    times: &[Time],
) -> Vec<(bool, Limit)> {
    let derivatives =
        (0..).zip(market.instruments()).filter(|(_, instrument)| instrument.kind == Kind::Derivative);
    let asker = Asker { market, readings, account, times };
    let sides = derivatives.flat_map(|(id, spec)| [true, false].map(|buys| (InstrumentId(id), spec, buys)));
    sides
        .map(|(instrument, spec, buys)| {
            (buys, asker.order(instrument, buys, asker.price(instrument, &spec.asset, buys)))
        })
        .collect()
}

fn withdraw(from: InstrumentId, amount: U256) -> Action {
    Action::Withdraw { from, amount: Amount::Assets(amount) }
}

fn borrow(debt: InstrumentId, amount: U256) -> Action {
    Action::Borrow { debt, amount: Amount::Assets(amount) }
}

struct Asker<'a> {
    market: &'a dyn Market,
    readings: &'a [Reading],
    account: &'a Account,
    times: &'a [Time],
}

impl Asker<'_> {
    /// The least that the actor's wallet would receive of an action at any of the times, whatever others have called by
    /// then; or why not.
    fn ask(&self, action: &Action) -> Result<U256, Refusal> {
        let wallet = Party::Wallet(self.account.id);
        let mut least = U256::MAX;
        let feeds = Feeds { readings: self.readings };
        for &at in self.times {
            let foreseen = self.market.foreseen(feeds, at).transpose()?;
            for market in [Some(self.market), foreseen.as_deref()].into_iter().flatten() {
                let effects = self.act(market, self.account, action.clone(), at)?;
                let received = effects.flows.iter().filter(|flow| flow.to == wallet).map(|flow| flow.amount);
                least = least.min(ask::total(received, "received")?);
            }
        }
        Ok(least)
    }

    fn act(
        &self,
        market: &dyn Market,
        account: &Account,
        action: Action,
        at: Time,
    ) -> Result<Effects, Refusal> {
        let call = Call { actor: account.id, account: account.id, at, action };
        let feeds = Feeds { readings: self.readings };
        market.act(&call, &vec![account.clone()], feeds, &mut Silent)
    }

    /// At what an order counts as filled: what the contract is worth now, bought no cheaper and sold no dearer.
    fn price(&self, instrument: InstrumentId, asset: &str, buys: bool) -> Result<Int, Refusal> {
        let missing = Refusal::PriceUnknown { slot: 0, why: plimsoll_core::Why::Missing };
        let (feeds, at) = (Feeds { readings: self.readings }, *self.times.first().ok_or(missing)?);
        let rounding = if buys { Rounding::Up } else { Rounding::Down };
        if let Some((price, _)) = self.market.at(feeds, Lens::Action, at)?.mark(instrument, rounding)? {
            return Ok(price);
        }
        let slot = self.market.slots().iter().position(|slot| slot.asset == asset);
        slot.and_then(|slot| self.readings.get(slot)?.value).map(Int::from).ok_or(missing)
    }

    /// The largest order of whole lots. Sizes that may go in go from nothing up to a greatest: the venues whose accounts have derivatives say why.
    fn order(&self, instrument: InstrumentId, buys: bool, price: Result<Int, Refusal>) -> Limit {
        let fill = |size: U256| {
            let (quantity, price) = (Int::from_parts(!buys, size), price?);
            self.ask(&Action::Fill { instrument, quantity, price })
        };
        // Whoever asks for one unit is told how many make a lot.
        let lot = match fill(U256::ONE) {
            Err(Refusal::NotInLots { lot }) => lot,
            _ => U256::ONE,
        };
        let found = search::largest(|lots| {
            let size = lots.mul(lot).ok_or(Refusal::Overflow("lots"))?;
            fill(size)
        });
        let lots = found.accepted.map_or(U256::ZERO, |(lots, _)| lots);
        let amount = lots.mul(lot).unwrap_or(U256::ZERO);
        Limit { instrument, amount, because: found.because, beyond: found.beyond, no_more_than: amount }
    }

    /// The largest of all amounts, beyond the first refusal too where health refuses: taking more of a collateral
    /// that lowers an average may let the average pass again.
    fn withdrawable(&self, instrument: InstrumentId) -> Limit {
        let limit = self.largest(instrument, withdraw);
        let by_health =
            matches!(limit.because, Some(Refusal::WouldBeUnhealthy | Refusal::OverCapacity { .. }));
        let (true, Some(held)) = (by_health, self.held(instrument)) else { return limit };
        let question = Withdrawal { asker: self, instrument };
        let (amount, no_more_than) = found(search::last(&question, limit.amount, held.max(limit.amount)));
        let amount = search::onward(amount, no_more_than, |more| question.will_do(more));
        if amount == limit.amount {
            return Limit { no_more_than, ..limit };
        }
        let more = amount.add(U256::ONE).unwrap_or(amount);
        let because = self.ask(&withdraw(instrument, more)).err();
        Limit { instrument, amount, because, beyond: None, no_more_than }
    }

    /// The most that is held at any of the times (raw).
    fn held(&self, instrument: InstrumentId) -> Option<U256> {
        let feeds = Feeds { readings: self.readings };
        let held = self.times.iter().map(|&at| {
            let quoted = self.market.at(feeds, Lens::Action, at).ok()?;
            quoted.balance(self.account, instrument).ok().map(|balance| balance.raw)
        });
        held.max().flatten()
    }

    fn largest(&self, instrument: InstrumentId, action: fn(InstrumentId, U256) -> Action) -> Limit {
        let found = search::largest(|amount| self.ask(&action(instrument, amount)));
        let amount = found.accepted.map_or(U256::ZERO, |(amount, _)| amount);
        let (because, beyond) = (found.because, found.beyond);
        Limit { instrument, amount, because, beyond, no_more_than: amount }
    }

    /// The largest loan. What is not refused for its size alone may have holes; they are looked into from the largest down.
    fn lendable(&self, debt: InstrumentId) -> Limit {
        let whole = search::largest(|amount| match self.ask(&borrow(debt, amount)) {
            Err(why) if either_way(&why) => Ok(false),
            answer => answer.map(|_| true),
        });
        let most = match whole.accepted {
            Some((most, false)) => most,
            accepted => {
                let amount = accepted.map_or(U256::ZERO, |(amount, _)| amount);
                let (because, beyond) = (whole.because, whole.beyond);
                return Limit { instrument: debt, amount, because, beyond, no_more_than: amount };
            }
        };
        let question = Loan { asker: self, debt };
        let (amount, no_more_than) = found(search::last(&question, U256::ONE, most));
        // A search that was given up may stop short of what is accepted next to it.
        let amount = search::onward(amount, no_more_than, |more| question.will_do(more));
        let more = amount.add(U256::ONE).unwrap_or(amount);
        let because = self.ask(&borrow(debt, more)).err();
        Limit { instrument: debt, amount, because, beyond: None, no_more_than }
    }
}

/// What was found, and what nothing above is accepted of.
fn found(found: Result<search::Found, Unfound>) -> (U256, U256) {
    match found {
        Ok(found) => (found.amount, found.proven),
        Err(Unfound::Nothing) => (U256::ZERO, U256::ZERO),
        Err(Unfound::GivenUp { proven }) => (U256::ZERO, proven),
    }
}

/// The loans of one debt, looked at from the largest down.
struct Loan<'a> {
    asker: &'a Asker<'a>,
    debt: InstrumentId,
}

impl Amounts for Loan<'_> {
    fn will_do(&self, amount: U256) -> bool {
        self.asker.ask(&borrow(self.debt, amount)).is_ok()
    }

    fn none_of(&self, low: U256, high: U256) -> bool {
        let Asker { market, readings, account, times } = *self.asker;
        let (feeds, accounts) = (Feeds { readings }, vec![account.clone()]);
        times.iter().any(|&at| {
            let call = |amount| {
                let action = borrow(self.debt, amount);
                Call { actor: account.id, account: account.id, at, action }
            };
            market.refuses_between([&call(low), &call(high)], &accounts, feeds)
        })
    }
}

/// The withdrawals of one receipt, looked at from the largest down.
struct Withdrawal<'a> {
    asker: &'a Asker<'a>,
    instrument: InstrumentId,
}

impl Withdrawal<'_> {
    /// What the account would hold after a withdrawal that health does not refuse: the venue is asked what it does to
    /// somebody who holds the same and owes nothing.
    fn after(&self, amount: U256, at: Time) -> Result<Account, Refusal> {
        let Asker { market, account, .. } = *self.asker;
        let owed = |id: InstrumentId| {
            market.instruments().get(id.index()).is_some_and(|instrument| instrument.kind == Kind::Debt)
        };
        let mut twin = account.clone();
        for debt in account.holdings().iter().filter(|holding| owed(holding.instrument)) {
            twin.set(debt.instrument, Int::ZERO);
        }
        let effects = self.asker.act(market, &twin, withdraw(self.instrument, amount), at)?;
        let mut after = effects.apply_to(&twin).ok_or(Refusal::Overflow("held - withdrawn"))?;
        for debt in account.holdings().iter().filter(|holding| owed(holding.instrument)) {
            after.set(debt.instrument, debt.quantity);
        }
        // What the venue keeps of who owes nothing is not what it keeps of the account.
        for (_, term, _) in &effects.terms {
            after.set_term(*term, account.term(*term));
        }
        Ok(after)
    }

    fn none_at(&self, low: U256, high: U256, at: Time) -> bool {
        let Asker { market, readings, .. } = *self.asker;
        let least = match self.after(low, at) {
            Ok(account) => account,
            Err(Refusal::AmountZero) => return false,
            // More than there is, or whatever else is not about health: more of it is refused as well.
            Err(_) => return true,
        };
        let Ok(most) = self.after(high, at) else { return false };
        let feeds = Feeds { readings };
        // No venue lets an account out that would be below its line.
        let (test, lens) = market.withdrawal_line(self.instrument);
        let quoted = market.at(feeds, lens, at);
        quoted.is_ok_and(|quoted| {
            bounds::unhealthy_between(&*quoted, test, [&most, &least], &bounds::points(readings))
        })
    }
}

impl Amounts for Withdrawal<'_> {
    fn will_do(&self, amount: U256) -> bool {
        self.asker.ask(&withdraw(self.instrument, amount)).is_ok()
    }

    fn none_of(&self, low: U256, high: U256) -> bool {
        self.asker.times.iter().any(|&at| self.none_at(low, high, at))
    }
}
