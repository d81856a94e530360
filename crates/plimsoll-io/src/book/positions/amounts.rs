//! Amounts as rows say them.

use super::{AS_COLLATERAL, ASSET, KIND, QUANTITY, UNIT, YES_NO};
use crate::book::rows::Record;
use crate::book::venue::{Desk, LEGS, SIDES};
use crate::fault::{Code, Log, nearest, quoted};
use crate::scalar;
use crate::table::Cell;
use plimsoll_core::{InstrumentId, U256};

/// What can be said of a row whose market is faulty: whether each cell can be of any market.
pub(super) fn alone(record: &Record<'_>, log: &mut Log) {
    if let Some(kind) = record.need(KIND, log)
        && !LEGS.iter().any(|(word, _)| *word == kind.text)
    {
        let _ = scalar::word(&kind.text, kind.span, SIDES, log); // told
    }
    record.need(ASSET, log);
    if let Some(cell) = record.get(AS_COLLATERAL) {
        let _ = scalar::word(&cell.text, cell.span, YES_NO, log); // told
    }
    let (Some(quantity), Some(unit)) = (record.need(QUANTITY, log), record.need(UNIT, log)) else { return };
    match &*unit.text {
        "token" => _ = scalar::amount(&quantity.text, quantity.span, log),
        "raw" | "scaled" | "shares" => _ = scalar::integer(&quantity.text, 256, quantity.span, log),
        _ => {
            let words = ["token", "raw", "scaled", "shares"];
            let fault =
                log.at(Code::NotAUnit, unit.span, quoted(&unit.text), "one of token, raw, scaled, shares");
            if let Some(near) = nearest(&unit.text, words) {
                fault.help(format!("did you mean `{near}`?"));
            }
        }
    }
}

/// A quantity in the venue's own integers.
pub(in crate::book) fn amount(
    quantity: &Cell<'_>,
    unit: &Cell<'_>,
    instrument: InstrumentId,
    desk: &dyn Desk,
    log: &mut Log,
) -> Option<U256> {
    let (stored, bits) = (desk.stored(instrument), desk.bits(instrument));
    // Some integers stand for no amount of tokens that could be told beforehand.
    let only = stored.filter(|_| desk.convert(instrument, U256::ZERO).is_none());
    let raw = match &*unit.text {
        word if only.is_some_and(|only| word != only) => {
            let expected = format!("`{}`", only.unwrap_or_default());
            log.at(Code::NotAUnit, unit.span, quoted(word), expected);
            return None;
        }
        "token" => token(quantity, instrument, desk, log)?,
        "raw" => scalar::integer(&quantity.text, 256, quantity.span, log)?,
        word if Some(word) == stored => {
            return scalar::integer(&quantity.text, bits, quantity.span, log);
        }
        word => {
            let words: Vec<&str> = ["token", "raw"].into_iter().chain(stored).collect();
            let expected = format!("one of {}", words.join(", "));
            let fault = log.at(Code::NotAUnit, unit.span, quoted(word), expected);
            if let Some(near) = nearest(word, words) {
                fault.help(format!("did you mean `{near}`?"));
            }
            return None;
        }
    };
    let stored = desk.convert(instrument, raw).filter(|stored| stored.bit_len() <= bits);
    if stored.is_none() {
        let expected = format!("an amount that fits {bits} bits");
        log.at(Code::OutOfRange, quantity.span, quoted(&quantity.text), expected);
    }
    stored
}

/// A decimal number of tokens as raw units.
fn token(quantity: &Cell<'_>, instrument: InstrumentId, desk: &dyn Desk, log: &mut Log) -> Option<U256> {
    let number = scalar::amount(&quantity.text, quantity.span, log)?;
    let decimals = decimals(desk, instrument);
    match number.scaled_amount(decimals) {
        Ok(raw) => Some(raw),
        Err(plimsoll_core::num::DecimalError::TooFine { found, allowed }) => {
            let expected = format!("at most {allowed}, as the token has");
            log.at(Code::TooFine, quantity.span, format!("{found} digits after the point"), expected);
            None
        }
        Err(_) => {
            log.at(Code::OutOfRange, quantity.span, quoted(&quantity.text), "an amount that fits 256 bits");
            None
        }
    }
}

/// Decimals of the token behind an instrument.
pub(in crate::book) fn decimals(desk: &dyn Desk, instrument: InstrumentId) -> u8 {
    let all = desk.market().instruments();
    let Some(held) = all.get(instrument.index()) else { return 0 };
    let token =
        all.iter().find(|other| other.kind == plimsoll_core::Kind::Asset && other.asset == held.asset);
    token.unwrap_or(held).decimals
}
