//! What people call actions and numbers of a market, as its integers.

use crate::audit::words;
use crate::steps;
use plimsoll::{Change, Misasked, Order};
use plimsoll_core::{Action, Cell, Decimal, InstrumentId, Int};
use plimsoll_engine::record::Step;
use plimsoll_engine::state::State;
use plimsoll_io::fault::nearest;
use plimsoll_io::lines::{self, Force};

/// What each number becomes.
type Becomes = Vec<(Cell, Option<Int>)>;

/// What is wrong, and what was most likely meant.
pub(super) type Why = (String, Option<String>);

fn misasked(why: &Misasked) -> Why {
    let meant = match why {
        Misasked::NoSuch { found, known, .. } => nearest(found, known.iter().map(String::as_str)),
        _ => None,
    };
    (why.to_string(), meant.map(|near| format!("did you mean `{near}`?")))
}

fn unread(what: &str, said: &str, why: &str) -> Why {
    (format!("{what} {said}: {why}"), None)
}

/// Numbers of one market: its name, and what each becomes.
pub(super) fn cells(state: &State, sets: &[String]) -> Result<(String, Becomes), Why> {
    let mut numbers = Vec::new();
    for words in sets {
        match steps::set(words).map_err(|why| unread("set", words, &why))?.1 {
            Change::Set { number, value } => numbers.push((number, value)),
            _ => return Err(unread("set", words, "expected a number of a market")),
        }
    }
    let (market, cells) = plimsoll::cells(&state.book, &numbers).map_err(|why| misasked(&why))?;
    Ok((state.book.markets[market].name.clone(), cells))
}

fn place(state: &State, market: usize, account: &str) -> Result<usize, Why> {
    let place = u32::try_from(market).ok().and_then(|market| state.account(market, account));
    place.map(|place| place as usize).ok_or_else(|| (format!("found no account `{account}`"), None))
}

/// One action of an owner.
pub(super) fn step(state: &State, market: usize, step: &lines::Step) -> Result<Step, Why> {
    let lines::Step { actor, account, what, words } = step;
    let change = steps::change(what, words).map_err(|why| unread(what, words, &why))?;
    let place = place(state, market, account)?;
    let action = plimsoll::action(&state.book, place, &change).map_err(|why| misasked(&why))?;
    Ok(Step { actor: actor.clone(), account: account.clone(), action })
}

/// How an account is forced, and the price that it would be done at in the digits of the market.
pub(super) fn force(
    state: &State,
    market: usize,
    account: &str,
    force: &Force,
    price: Option<Decimal>,
) -> Result<(Action, Option<u128>), Why> {
    let order = match force {
        Force::Reduce(words) => {
            let example = "expected a size and a position, such as `300 SOL-PERP`";
            let (size, of) = words.split_once(' ').ok_or_else(|| unread("reduce", words, example))?;
            let size = steps::amount(size).map_err(|why| unread("reduce", words, &why))?;
            Order::Reduce { size, of: of.trim().into() }
        }
        Force::Repay(words, seize) => {
            let repay = steps::stake(words).map_err(|why| unread("repay", words, &why))?;
            Order::Discount { repay, seize: seize.clone() }
        }
        Force::Absorb => Order::Absorb,
        Force::Bark => Order::Bark,
        Force::Offset => Order::Offset,
    };
    let place = place(state, market, account)?;
    let (action, sold) = plimsoll::forced(&state.book, place, &order).map_err(|why| misasked(&why))?;
    let price = price.map(|price| priced(state, market, sold, price)).transpose()?;
    Ok((action, price))
}

/// A price in the digits of the market's price of what is sold.
fn priced(state: &State, market: usize, sold: Option<InstrumentId>, price: Decimal) -> Result<u128, Why> {
    let listed = &state.book.markets[market];
    let asset = sold.and_then(|sold| words::asset(listed, sold));
    let Some(asset) = asset else { return Err(("a price goes with `reduce` or `repay`".into(), None)) };
    let Some(digits) = words::digits(listed, asset) else {
        return Err((
            format!("{asset} has no price in {} that another could be compared with", listed.name),
            None,
        ));
    };
    let raw = price.scaled_amount(digits).map_err(|error| (format!("{asset}: {price}: {error}"), None))?;
    raw.to_u128().ok_or_else(|| (format!("{asset}: {price} does not fit"), None))
}
