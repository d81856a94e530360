//! What people order, as the actions and numbers of a market: for whoever submits them and does not try them out.

use crate::ask::{self, Misasked};
use crate::change::{Change, Stake};
use crate::world::World;
use plimsoll_core::{
    Action, Book, Cell, Decimal, InstrumentId, Int, Kind, ListedAccount, Lot, Mechanism, Receive,
};

/// How an account is to be forced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Close so much of a position.
    Reduce {
        /// How much of its base.
        size: Decimal,
        /// Which.
        of: String,
    },
    /// Repay a debt for a collateral.
    Discount {
        /// What is repaid.
        repay: Stake,
        /// What is received for it.
        seize: String,
    },
    /// Have the venue take the account over.
    Absorb,
    /// Have its collateral put up for auction.
    Bark,
    /// Have its debt offset against the stability pool.
    Offset,
}

/// Numbers of one market: its place, and each cell with what it becomes.
pub type Cells = (usize, Vec<(Cell, Option<Int>)>);

/// The action of a venue that one change of an account's own stands for.
///
/// # Errors
/// When it cannot be meant, or is about something else than an account.
pub fn action(book: &Book, account: usize, change: &Change) -> Result<Action, Misasked> {
    let own = &book.accounts[account];
    let alone = ListedAccount { market: 0, ..own.clone() };
    let (markets, accounts) = (vec![book.markets[own.market].clone()], vec![alone]);
    let book = Book { name: book.name.clone(), at: book.at, graph: book.graph.clone(), markets, accounts };
    World { book }.action(0, change)
}

/// The action that an order stands for, and what of the account it names as sold.
///
/// # Errors
/// When it cannot be meant.
pub fn forced(
    book: &Book,
    account: usize,
    order: &Order,
) -> Result<(Action, Option<InstrumentId>), Misasked> {
    let own = &book.accounts[account];
    let listed = &book.markets[own.market];
    let (mechanism, sold) = match order {
        Order::Reduce { size, of } => {
            let instrument = ask::instrument(listed, Kind::Derivative, of)?;
            let decimals = listed.market.instruments()[instrument.index()].decimals;
            let no_amount = |error| Misasked::NoAmount { asset: of.clone(), found: *size, error };
            let size = size.scaled_amount(decimals).map_err(no_amount)?;
            (Mechanism::Reduce { instrument, size }, Some(instrument))
        }
        Order::Discount { repay, seize } => {
            let debt = ask::instrument_of(listed, &own.account, Kind::Debt, &repay.asset)?;
            let lot = Lot::Repay(ask::amount(&*listed.market, debt, repay.sum)?);
            let seize = ask::instrument_of(listed, &own.account, Kind::Receipt, seize)?;
            (Mechanism::Discount { repay: debt, seize, lot, receive: Receive::Asset }, Some(seize))
        }
        Order::Absorb => (Mechanism::Absorb { accounts: vec![own.account.id] }, None),
        Order::Bark => (Mechanism::Bark, None),
        Order::Offset => (Mechanism::Batch { accounts: vec![own.account.id] }, None),
    };
    Ok((Action::Liquidate(mechanism), sold))
}

/// Numbers of one market by their names, all at once. Of a cell that packs several
/// numbers the others stay.
///
/// # Errors
/// When a name is none, or a value does not fit its place; when they are of several markets.
pub fn cells(book: &Book, numbers: &[(String, Int)]) -> Result<Cells, Misasked> {
    let mut book = Book {
        accounts: Vec::new(),
        name: String::new(),
        at: book.at,
        graph: book.graph.clone(),
        markets: book.markets.clone(),
    };
    let (mut market, mut cells): (Option<usize>, Vec<(Cell, Option<Int>)>) = (None, Vec::new());
    for (path, value) in numbers {
        let (place, number) = ask::number(&book, path)?;
        if let Some(first) = market.filter(|first| *first != place) {
            return Err(Misasked::NoSuch {
                what: format!("existing number of {}", book.markets[first].name),
                found: path.clone(),
                known: Vec::new(),
            });
        }
        market = Some(place);
        let rule = book.markets[place].market.rule(number.cell);
        let no_value = || Misasked::NoValue { number: path.clone(), found: *value, rule };
        let stored = number.with(*value).ok_or_else(no_value)?;
        book.markets[place].market.set(number.cell, Some(stored)).map_err(|_| no_value())?;
        cells.retain(|(cell, _)| *cell != number.cell);
        cells.push((number.cell, Some(stored)));
    }
    market.map(|market| (market, cells)).ok_or_else(|| Misasked::NoSuch {
        what: "number of a market".into(),
        found: String::new(),
        known: Vec::new(),
    })
}
