//! Borrowers who act when they come near their line.
//!
//! Which policy an account has is drawn from its own number: the same in every run of a seed, so that runs differ by prices and not by who is
//! who.

use crate::plan::{Borrowers, ONE, Plan, Policy};
use crate::state::State;
use crate::worth::{price, value};
use plimsoll_core::{
    Action, Amount, Call, Effects, Feeds, Int, Kind, Lens, Reading, Rounding, Silent, U256, Verdict,
};
use plimsoll_risk::stream::Stream;
use std::collections::{BTreeMap, BTreeSet};

/// Drawn beside every run's prices and keepers.
const WHO: u64 = 0x626f_7272_6f77_6572;

/// All of them.
pub(crate) struct Wakeful {
    seed: u64,
    /// When somebody is to act, and under which policy.
    due: BTreeMap<u64, BTreeSet<(u32, usize)>>,
    /// How often each has acted or is about to.
    acted: BTreeMap<u32, u32>,
}

/// What somebody did: his market, the effects, what he paid \[1e18\], and whether he paid in.
pub(crate) struct Rescue {
    pub(crate) place: u32,
    pub(crate) paid_in: bool,
    pub(crate) worth: Int,
}

impl Wakeful {
    pub(crate) fn new(seed: u64) -> Wakeful {
        Wakeful { seed, due: BTreeMap::new(), acted: BTreeMap::new() }
    }

    /// The policy of an account; `None` of one that sleeps.
    fn policy(&self, plan: &Plan, place: u32) -> Option<usize> {
        let drawn = Stream::new(self.seed ^ WHO, u64::from(place)).below(10_000);
        let mut from = 0;
        plan.borrowers.iter().position(|of| {
            from += of.share;
            drawn < from
        })
    }

    /// Somebody fell below a level: he will act if it is his.
    pub(crate) fn notice(&mut self, plan: &Plan, after: u64, level: u8, place: u32) {
        let Some(policy) = self.policy(plan, place).filter(|policy| policy + 1 == usize::from(level)) else {
            return;
        };
        let terms = &plan.borrowers[policy];
        let acted = self.acted.entry(place).or_default();
        if *acted < terms.times {
            *acted += 1;
            self.due.entry(after.saturating_add(terms.delay)).or_default().insert((place, policy));
        }
    }

    /// Those whose time has come.
    pub(crate) fn due(&mut self, after: u64) -> Vec<(u32, usize)> {
        let mut all = Vec::new();
        while let Some(entry) = self.due.first_entry().filter(|entry| *entry.key() <= after) {
            all.extend(entry.remove());
        }
        all
    }
}

/// The calls by which a borrower comes to his target, each after the one before; `None` where he has no need any longer.
pub(crate) fn wants(state: &State, terms: &Borrowers, place: u32) -> Option<Vec<Action>> {
    let seen = state.seen(place).ok()?;
    if seen.verdict == Verdict::NoDebt || seen.backing <= Int::ZERO {
        return None;
    }
    let (backing, requirement) = (seen.backing.to_u256()?, seen.requirement.to_u256()?);
    let [whole, trigger, target] = [U256::new(10_000), U256::from(terms.trigger), U256::from(terms.target)];
    if backing.mul(whole)? >= requirement.mul(trigger)? {
        return None;
    }
    // Health is backing over requirement: either the one grows by this part, or the other shrinks by it.
    let asked = requirement.mul(target)?;
    let part = match terms.policy {
        Policy::TopUp => asked.mul_div_wide(ONE, backing.mul(whole)?, Rounding::Up)?.sub_or_zero(ONE),
        Policy::Repay => ONE.sub_or_zero(backing.mul(whole)?.mul_div_wide(ONE, asked, Rounding::Down)?),
    };
    let listed = &state.book.accounts[place as usize];
    let market = &*state.book.markets[listed.market].market;
    let feeds = Feeds { readings: state.readings(listed.market) };
    let quoted = market.at(feeds, Lens::Action, state.book.at).ok()?;
    let mut actions = Vec::new();
    for held in listed.account.holdings() {
        let kind = market.instruments().get(held.instrument.index())?.kind;
        let raw = || {
            let raw = quoted.balance(&listed.account, held.instrument).ok()?.raw;
            raw.mul_div_wide(part, ONE, Rounding::Up)
        };
        match (terms.policy, kind) {
            (Policy::TopUp, Kind::Receipt) => {
                actions.push(Action::Deposit { into: held.instrument, amount: Amount::Assets(raw()?) });
            }
            (Policy::Repay, Kind::Debt) => {
                actions.push(Action::Repay { debt: held.instrument, amount: Amount::Assets(raw()?) });
            }
            _ => {}
        }
    }
    Some(actions)
}

/// What a borrower's own call does now, if his venue accepts it.
pub(crate) fn act(state: &State, place: u32, action: Action) -> Option<Effects> {
    let book = &state.book;
    let listed = &book.accounts[place as usize];
    let call = Call { actor: book.caller(place as usize), account: listed.account.id, at: book.at, action };
    let feeds = Feeds { readings: state.readings(listed.market) };
    book.markets[listed.market].market.act(&call, book, feeds, &mut Silent).ok()
}

/// What his wallet pays in effects \[1e18 of the market's currency, at a market's prices\].
pub(crate) fn worth_paid(state: &State, place: u32, effects: &Effects, sales: &[Reading]) -> Option<Int> {
    let listed = &state.book.accounts[place as usize];
    let market = &*state.book.markets[listed.market].market;
    let actor = state.book.caller(place as usize);
    let mut sum = Int::ZERO;
    for flow in effects.flows.iter().filter(|flow| flow.from == plimsoll_core::Party::Wallet(actor)) {
        let spec = market.instruments().get(flow.instrument.index())?;
        let its = price(market, sales, state.book.at, &spec.asset)?;
        sum = sum.add(value(flow.amount, spec.decimals, its, Rounding::Up)?.into())?;
    }
    Some(sum)
}
