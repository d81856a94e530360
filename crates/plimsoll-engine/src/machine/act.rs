//! What owners do on a market that is kept here. All steps are done on a copy first, and whoever they touch is judged once at the end, whatever
//! the steps were and said: no order of actions, and none that does nothing, gets around that (Euler 2023, Abracadabra 2025).

use super::{Machine, no_such, refused};
use crate::calls::Cause;
use crate::record::{Event, Refused, Step};
use plimsoll_core::{
    Account, AccountId, Accounts, Action, Assessment, Book, Call, Cell, Feeds, Int, Judgement, Kind, Lens,
    Market, Party, Silent, Standing, Test, Verdict,
};
use std::collections::BTreeMap;

/// Accounts as they are, with those over them that were changed.
struct Over<'b> {
    book: &'b Book,
    changed: BTreeMap<u64, Account>,
}

impl Accounts for Over<'_> {
    fn get(&self, id: AccountId) -> Option<&Account> {
        self.changed.get(&id.0).or_else(|| self.book.get(id))
    }
}

impl Machine {
    pub(super) fn act(&mut self, market: &str, steps: &[Step]) -> Result<(), Refused> {
        let number = self.market(market)?;
        if self.is_followed(market) {
            return Err(Refused::KeptElsewhere);
        }
        let Done { cells, rules, changed } = self.try_steps(number, market, steps)?;
        self.happen(Event::Cells { market: number, cells, rules });
        for (place, holds) in changed {
            if !self.state.book.accounts[place as usize].account.is_like(&holds) {
                self.causes.insert(place, Cause::Owner);
            }
            self.dirty.accounts.insert(place);
            self.happen(Event::Account { place, market: number, holds });
        }
        self.dirty.markets.insert(number);
        Ok(())
    }

    /// Every step on a copy, and a look at whoever was touched.
    fn try_steps(&self, number: u32, market: &str, steps: &[Step]) -> Result<Done, Refused> {
        let book = &self.state.book;
        let listed = &book.markets[number as usize];
        let readings = book.readings(listed, &book.graph.quotes(book.at));
        let feeds = Feeds { readings: &readings };
        let mut scratch = listed.market.boxed_clone();
        let mut over = Over { book, changed: BTreeMap::new() };
        let mut done = Done::default();
        for Step { actor, account, action } in steps {
            if matches!(action, Action::Liquidate(_)) {
                return Err(Refused::Unfit(
                    "accounts are forced by intents, which guards stand in front of".into(),
                ));
            }
            let id = |name: &str| {
                let place = self.state.account(number, name);
                let unknown = || no_such("account", &format!("{market}:{name}"));
                place.map(|place| AccountId(place.into())).ok_or_else(unknown)
            };
            let call = Call { actor: id(actor)?, account: id(account)?, at: book.at, action: action.clone() };
            let effects =
                scratch.act(&call, &over, feeds, &mut Silent).map_err(|refusal| refused(&refusal))?;
            scratch.apply(&effects).map_err(|refusal| refused(&refusal))?;
            for touched in touched(&effects) {
                let Some(before) = over.get(touched) else { continue };
                let after = Machine::after(&effects, before)?;
                over.changed.insert(touched.0, after);
            }
            done.rules |= effects.epoch_moved;
            done.cells.extend(effects.cells);
        }
        let stand = |market| Standing::new(market, &readings, Lens::Action, book.at).ok();
        let [before, after] = [stand(&*listed.market), stand(&*scratch)];
        for (place, account) in over.changed {
            let Some(was) = book.accounts.get(place as usize) else { continue };
            let judged = |standing: &Option<Standing<'_>>, account| {
                standing.as_ref().map(|standing| standing.judge(account, Test::Liquidation))
            };
            let verdicts = [judged(&before, &was.account), judged(&after, &account)];
            may_be(&*listed.market, verdicts, [&was.account, &account], &was.name)?;
            done.changed.push((place as u32, account));
        }
        Ok(done)
    }
}

/// What steps come to.
#[derive(Default)]
struct Done {
    cells: Vec<(Cell, Option<Int>)>,
    rules: bool,
    changed: Vec<(u32, Account)>,
}

/// Everybody whom effects give or take something.
pub(super) fn touched(effects: &plimsoll_core::Effects) -> Vec<AccountId> {
    let parties = effects.flows.iter().flat_map(|flow| [flow.from, flow.to]);
    let of_flows = parties.filter_map(|party| if let Party::Account(id) = party { Some(id) } else { None });
    let mut all: Vec<AccountId> = of_flows.chain(effects.terms.iter().map(|(id, _, _)| *id)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether an account may be left so: not below its line unless it was and is nearer to it, and, where nobody can say, only with no more
/// debt and no less held.
fn may_be(
    market: &dyn Market,
    [before, after]: [Option<Judgement>; 2],
    [was, is]: [&Account; 2],
    account: &str,
) -> Result<(), Refused> {
    let verdict = |judged: Option<Judgement>| judged.and_then(|judged| judged.verdict());
    match verdict(after) {
        Some(Verdict::NoDebt | Verdict::Healthy) => Ok(()),
        Some(Verdict::Unhealthy) => {
            let numbers = |judged: Option<Judgement>| judged.and_then(|judged| judged.own.ok());
            let was_below = verdict(before) == Some(Verdict::Unhealthy);
            let better = numbers(before).zip(numbers(after)).is_some_and(|(was, is)| is_no_worse(&was, &is));
            if was_below && (better || only_reduces(market, was, is)) {
                Ok(())
            } else {
                Err(Refused::WouldBeUnhealthy { account: account.into() })
            }
        }
        None if only_reduces(market, was, is) => Ok(()),
        None => Err(Refused::WouldBeUnknown { account: account.into() }),
    }
}

/// Health has not fallen and no more is asked. Where backing is below zero less asked of it makes the ratio worse, and the account no
/// worse off: there backing itself must not have fallen.
fn is_no_worse(was: &Assessment, is: &Assessment) -> bool {
    let (now, then) = (is.backing.mul_wide(was.requirement), was.backing.mul_wide(is.requirement));
    let no_lower = now >= then || was.backing.is_negative() && is.backing >= was.backing;
    no_lower && is.requirement <= was.requirement
}

/// No debt is more, nothing held is less, and nothing else is other than it was.
fn only_reduces(market: &dyn Market, was: &Account, is: &Account) -> bool {
    let all = was.holdings().iter().chain(is.holdings()).map(|holding| holding.instrument);
    let each = |instrument: plimsoll_core::InstrumentId| {
        let (before, after) = (was.quantity(instrument), is.quantity(instrument));
        match market.instruments().get(instrument.index()).map(|instrument| instrument.kind) {
            Some(Kind::Debt) => after <= before,
            Some(Kind::Receipt | Kind::Asset | Kind::Balance) => after >= before,
            Some(Kind::Derivative) => {
                after == before
                    || after.magnitude() < before.magnitude()
                        && (after.is_zero() || after.is_negative() == before.is_negative())
            }
            None => false,
        }
    };
    all.into_iter().all(each)
}
