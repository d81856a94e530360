//! How much can be withdrawn or borrowed in one action now, to the last unit.

use plimsoll_core::{
    Account, Action, Amount, Call, Feeds, InstrumentId, Kind, Market, Reading, Refusal, Silent, Time, U256,
};

/// The largest amount that one action of an account may have (raw units of the asset).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is withdrawn or borrowed.
    pub instrument: InstrumentId,
    /// The largest amount that the market accepts; zero when it accepts none.
    pub amount: U256,
    /// Why it does not accept one unit more, or anything at all; `None` when all that there is may go.
    pub because: Option<Refusal>,
}

/// How much of each receipt can be withdrawn at a time.
///
/// The market itself is asked, so caps, cash, flags and health are all in it. The answer is always an amount that
/// is accepted while one unit more is refused. It is the largest of all amounts that are accepted wherever taking
/// more never helps; at venues whose health is a sawtooth (Aave v3 up to 3.4 with mixed thresholds) a larger amount
/// within one basis point may be accepted again.
#[must_use]
pub fn withdrawable(market: &dyn Market, readings: &[Reading], account: &Account, at: Time) -> Vec<Limit> {
    let instruments = market.instruments();
    let receipts = account
        .holdings()
        .iter()
        .map(|holding| holding.instrument)
        .filter(|id| instruments.get(id.index()).is_some_and(|i| i.kind == Kind::Receipt));
    receipts
        .map(|instrument| {
            let asker = Asker { market, readings, account, at };
            let all = Action::Withdraw { from: instrument, amount: Amount::All };
            match asker.ask(all) {
                Ok(paid) => Limit { instrument, amount: paid, because: None },
                Err(_) => asker.largest(instrument, withdraw),
            }
        })
        .collect()
}

/// How much of each debt can be taken on at a time; debts of which nothing can be are left out.
#[must_use]
pub fn borrowable(market: &dyn Market, readings: &[Reading], account: &Account, at: Time) -> Vec<Limit> {
    let debts = (0..).zip(market.instruments()).filter(|(_, instrument)| instrument.kind == Kind::Debt);
    let asker = Asker { market, readings, account, at };
    debts
        .map(|(id, _)| asker.largest(InstrumentId(id), borrow))
        .filter(|limit| limit.amount != U256::ZERO)
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
    at: Time,
}

impl Asker<'_> {
    /// What the actor's wallet would receive of an action, or why not.
    fn ask(&self, action: Action) -> Result<U256, Refusal> {
        let id = self.account.id;
        let call = Call { actor: id, account: id, at: self.at, action };
        let feeds = Feeds { readings: self.readings };
        let accounts = vec![self.account.clone()];
        let effects = self.market.act(&call, &accounts, feeds, &mut Silent)?;
        let wallet = plimsoll_core::Party::Wallet(id);
        let received = effects.flows.iter().filter(|flow| flow.to == wallet);
        received.map(|flow| flow.amount).try_fold(U256::ZERO, U256::add).ok_or(Refusal::Overflow("received"))
    }

    /// Doubles from one unit until a refusal, then halves the gap.
    fn largest(&self, instrument: InstrumentId, action: fn(InstrumentId, U256) -> Action) -> Limit {
        let mut accepted = U256::ZERO;
        let mut asked = U256::ONE;
        let mut refusal = None;
        let mut refused = U256::MAX;
        while let Some(next) = asked.add(asked) {
            match self.ask(action(instrument, asked)) {
                Ok(_) => accepted = asked,
                // A first few units may be too small to count; later refusals are the limit.
                Err(why) if accepted != U256::ZERO || asked.bit_len() > 8 => {
                    refused = asked;
                    refusal = Some(why);
                    break;
                }
                Err(why) => refusal = Some(why),
            }
            asked = next;
        }
        if accepted == U256::ZERO {
            return Limit { instrument, amount: U256::ZERO, because: refusal };
        }
        while let Some(gap) = refused.sub(accepted).filter(|gap| *gap > U256::ONE) {
            let half = gap.div(U256::new(2), plimsoll_core::Rounding::Down).unwrap_or(U256::ONE);
            let middle = accepted.add(half).unwrap_or(refused);
            match self.ask(action(instrument, middle)) {
                Ok(_) => accepted = middle,
                Err(why) => {
                    refused = middle;
                    refusal = Some(why);
                }
            }
        }
        Limit { instrument, amount: accepted, because: refusal }
    }
}
