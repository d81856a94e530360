//! What the column `mode` says of an account: its open orders, with `;` between.
//!
//! `bids PERP=BASE` is what is bid for in all open orders of a perp, `asks PERP=BASE` what is offered, both in whole units of the base.

use crate::book::margin::{BETWEEN, raw};
use crate::fault::{Code, Log, nearest, quoted};
use crate::table::Cell;
use plimsoll_core::{Account, Decimal, Int};
use plimsoll_margin::market::{Market, asks, bids};

pub(super) fn read(market: &Market, account: &mut Account, mode: &Cell<'_>, log: &mut Log) {
    for word in mode.text.split(BETWEEN).map(str::trim) {
        if let Err(expected) = one(market, account, word) {
            log.at(Code::UnknownMode, mode.span, quoted(word), expected);
        }
    }
}

fn one(market: &Market, account: &mut Account, word: &str) -> Result<(), String> {
    let parts = word.rsplit_once('=').and_then(|(left, number)| Some((left.split_once(' ')?, number)));
    let Some(((side, name), number)) = parts else { return Err("bids PERP=BASE or asks PERP=BASE".into()) };
    let perps = || market.spec().perps.iter().map(|perp| perp.name.as_str());
    let Some(perp) = perps().position(|perp| perp == name) else {
        let near = nearest(name, perps()).map_or_else(String::new, |near| format!(", such as {near}"));
        return Err(format!("a perp that the market lists{near}"));
    };
    let term = match side {
        "bids" => bids(perp),
        "asks" => asks(perp),
        _ => return Err("bids PERP=BASE or asks PERP=BASE".into()),
    };
    let decimals = market.spec().perps[perp].decimals;
    let amount = raw(number, decimals).filter(|amount| amount.bit_len() <= super::BITS);
    let amount = amount.ok_or_else(|| format!("an amount of at most {decimals} digits after the point"))?;
    if !account.term(term).is_zero() {
        return Err("each of its words once".into());
    }
    account.set_term(term, Int::from(amount));
    Ok(())
}

/// The words that [`read`] reads back; `None` for a term that is none.
pub(super) fn write(market: &dyn plimsoll_core::Market, account: &Account) -> Option<Option<String>> {
    let mut words = Vec::new();
    for &(term, value) in account.terms() {
        let spec = market.terms().iter().find(|spec| spec.id == term)?;
        let decimals = spec.unit.decimals;
        words.push(format!("{}={}", spec.name, Decimal { mantissa: value, decimals }.trimmed()));
    }
    Some((!words.is_empty()).then(|| words.join("; ")))
}
