//! What could be done about accounts that are liquidatable: a plain keeper, for desks without one of their own and for the simulator.
//!
//! It asks for the first action that the market takes: what the venue would close itself, closing a derivative, repaying a debt for a collateral, then whatever other calls
//! the venue names. What is best, and what it earns, is `plimsoll liquidate`'s to say.

use crate::calls;
use crate::state::State;
use plimsoll_core::{AccountId, Action, Amount, Call, Feeds, Holding, Kind, Lot, Mechanism, Receive, Silent};

/// Every account that may be liquidated and has no intent out, in the order of accounts.
pub fn liquidatable(state: &State) -> impl Iterator<Item = u32> {
    let may =
        |(_, row): &(u32, &crate::state::Row)| matches!(row.life.state, calls::State::Liquidatable { .. });
    (0..).zip(&state.rows).filter(may).map(|(place, _)| place)
}

/// The first action about an account that its market takes now; `None` where it takes none of them.
#[must_use]
pub fn plan(state: &State, place: u32) -> Option<Action> {
    let book = &state.book;
    let listed = book.accounts.get(place as usize)?;
    let named = book.markets.get(listed.market)?;
    let readings = book.readings(named, &book.graph.quotes(book.at));
    let feeds = Feeds { readings: &readings };
    let market = &*named.market;
    let holdings = listed.account.holdings();
    let of = |kind: Kind| {
        holdings.iter().filter(move |holding| {
            market.instruments().get(holding.instrument.index()).is_some_and(|one| one.kind == kind)
        })
    };
    let reduce = |held: &Holding| {
        let (instrument, size) = (held.instrument, held.quantity.magnitude());
        Action::Liquidate(Mechanism::Reduce { instrument, size })
    };
    let pair = |debt: &Holding, held: &Holding| {
        let (repay, seize, lot) = (debt.instrument, held.instrument, Lot::Repay(Amount::All));
        Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive: Receive::Asset })
    };
    let reductions = of(Kind::Derivative).map(reduce);
    let pairs = of(Kind::Debt).flat_map(|debt| of(Kind::Receipt).map(move |held| pair(debt, held)));
    let forced = market.forced(&listed.account, feeds);
    // A venue that chooses what to close keeps hedges.
    let chosen = forced.iter().filter(|how| **how == Mechanism::Unwind).cloned().map(Action::Liquidate);
    let chosen: Vec<Action> = chosen.collect();
    let forced = forced.into_iter().map(Action::Liquidate);
    chosen.into_iter().chain(reductions).chain(pairs).chain(forced).find(|action| {
        let (actor, account, action) = (AccountId(u64::MAX), listed.account.id, action.clone());
        market.act(&Call { actor, account, at: book.at, action }, book, feeds, &mut Silent).is_ok()
    })
}
