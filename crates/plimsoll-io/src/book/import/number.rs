//! Amounts as spreadsheets write them, exactly; and how much rounding took.

use crate::book::positions;
use crate::book::venue::Desk;
use crate::fault::{Code, Log, quoted};
use crate::scalar;
use crate::table::Cell;
use plimsoll_core::{Decimal, InstrumentId, Int, Rounding, U256};
use std::borrow::Cow;

/// The scale on which losses of different tokens are compared.
const FINEST: u8 = 77;

/// What rounding did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rounded {
    /// How many amounts were rounded.
    pub count: u64,
    /// The most that one amount lost or gained, in whole tokens; `None` where none was.
    pub most: Option<Decimal>,
}

pub(super) struct Rounder {
    rounding: Option<Rounding>,
    count: u64,
    /// In units of 10^-[`FINEST`].
    most: U256,
}

impl Rounder {
    pub(super) fn new(rounding: Option<Rounding>) -> Rounder {
        Rounder { rounding, count: 0, most: U256::ZERO }
    }

    pub(super) fn done(&self) -> Rounded {
        let most = Decimal { mantissa: Int::from(self.most), decimals: FINEST }.trimmed();
        Rounded { count: self.count, most: (self.count > 0).then_some(most) }
    }

    /// An amount in the venue's own integers.
    pub(super) fn stored(
        &mut self,
        cell: &Cell<'_>,
        unit: &str,
        instrument: InstrumentId,
        desk: &dyn Desk,
        log: &mut Log,
    ) -> Option<U256> {
        let unit = Cell { text: Cow::Borrowed(unit), span: cell.span };
        if unit.text != "token" {
            return positions::amount(cell, &unit, instrument, desk, log);
        }
        let number = plain(cell, log)?;
        let decimals = positions::decimals(desk, instrument);
        let exact = number.scaled_amount(decimals).is_ok();
        let number = if exact { number } else { self.round(number, decimals, cell, log)? };
        let text = Cell { text: number.to_string().into(), span: cell.span };
        positions::amount(&text, &unit, instrument, desk, log)
    }

    fn round(&mut self, number: Decimal, decimals: u8, cell: &Cell<'_>, log: &mut Log) -> Option<Decimal> {
        let trimmed = number.trimmed();
        let Some(cut) = trimmed.decimals.checked_sub(decimals).filter(|cut| *cut > 0) else {
            log.at(Code::OutOfRange, cell.span, quoted(&cell.text), "an amount that fits 128 bits");
            return None;
        };
        let Some(rounding) = self.rounding else {
            let found = format!("{} digits after the point", trimmed.decimals);
            log.at(Code::NeedsRounding, cell.span, found, format!("at most {decimals}, as the token has"))
                .help("allow it with --round down, up or \"half up\"");
            return None;
        };
        let unit = U256::pow10(cut)?;
        let kept = trimmed.mantissa.magnitude().div(unit, rounding)?;
        let lost = Int::from(kept.mul(unit)?).sub(trimmed.mantissa)?.magnitude();
        // Less than one raw unit, so it fits at any scale.
        let lost = lost.mul(U256::pow10(FINEST - trimmed.decimals)?)?;
        self.count += 1;
        self.most = self.most.max(lost);
        Some(Decimal { mantissa: Int::from(kept), decimals })
    }
}

/// A decimal number, perhaps with an exponent: programs write 6.7e-07, which says its digits exactly.
fn plain(cell: &Cell<'_>, log: &mut Log) -> Option<Decimal> {
    let text = cell.text.trim();
    let Some((digits, exponent)) = text.split_once(['e', 'E']) else {
        return scalar::amount(text, cell.span, log);
    };
    let shifted = digits.parse::<Decimal>().ok().zip(exponent.parse::<i16>().ok());
    let shifted = shifted.and_then(|(number, exponent)| {
        let decimals = i16::from(number.decimals).checked_sub(exponent)?;
        match u8::try_from(decimals) {
            Ok(decimals) if decimals <= FINEST => Some(Decimal { mantissa: number.mantissa, decimals }),
            Ok(_) => None,
            Err(_) => {
                let power = U256::pow10(u8::try_from(decimals.checked_neg()?).ok()?)?;
                Some(Decimal::whole(number.mantissa.mul(Int::from(power))?))
            }
        }
    });
    match shifted {
        Some(number) if number.mantissa.is_negative() => {
            log.at(Code::Negative, cell.span, quoted(text), "a number from zero up");
            None
        }
        Some(number) => Some(number),
        None => {
            log.at(Code::NotANumber, cell.span, quoted(text), "a number such as 1234.5 or 6.7e-07");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Span;

    #[test]
    fn exponents_are_read_exactly() {
        let cases = [
            ("6.73649749036e-07", Some("0.000000673649749036")),
            ("1.5E3", Some("1500")),
            ("1.5e+3", Some("1500")),
            ("2e0", Some("2")),
            ("12.50", Some("12.50")),
            (" 7 ", Some("7")),
            ("1e-78", None),
            ("1e78", None),
            ("1e", None),
            ("e5", None),
            ("1e5e5", None),
            ("-1e5", None),
            ("nan", None),
            ("1e99999", None),
        ];
        for (text, expected) in cases {
            let span = Span { source: 0, start: 0, end: 0 };
            let cell = Cell { text: text.into(), span };
            let found = plain(&cell, &mut Log::default()).map(|number| number.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
