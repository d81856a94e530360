//! Files of margin systems: `mango-v4/health`, `derive/pmrm2` and `derive/pmrm2-params`, `drift/weights`, `dydx-v4/oimf`, `span/commodity`.
//!
//! What was computed in integers must be equalled. What was computed in floats, or by a series of its own, must be met within what its schema
//! allows; the difference is compared in integers.

mod derive;
mod mango;

use super::{Answer, Decoder, Fault, Input, Record};
use plimsoll_core::{Decimal, Int, U256};
use plimsoll_margin::{drift, dydx, span};

pub(super) const DECODERS: &[Decoder] = &[
    Decoder { schema: "mango-v4/health", revisions: &[], decode: mango::health },
    Decoder { schema: "derive/pmrm2", revisions: &[], decode: derive::portfolios },
    Decoder { schema: "derive/pmrm2-params", revisions: &[], decode: derive::portfolios },
    Decoder { schema: "drift/weights", revisions: &[], decode: drift_weights },
    Decoder { schema: "dydx-v4/oimf", revisions: &[], decode: open_interest },
    Decoder { schema: "span/commodity", revisions: &[], decode: commodities },
];

/// How a file spells 1e-18.
const DIGITS: u8 = 18;

/// The cases of a file, each answered.
fn cases(
    file: &Input<'_>,
    answer: impl Fn(&Input<'_>, &mut Answer) -> Result<(), Fault>,
) -> Result<Vec<Record>, Fault> {
    file.labels(&["source", "note"]);
    let record = |case: Input<'_>| {
        Record::plain(case, |case| {
            let mut answers = Answer::default();
            answer(&case, &mut answers)?;
            Ok(answers)
        })
    };
    Ok(file.get("cases")?.items()?.into_iter().map(record).collect())
}

/// A number in units of 1e-18 as people read it.
fn decimal(value: i128) -> Decimal {
    Decimal { mantissa: Int::new(value), decimals: DIGITS }.trimmed()
}

/// What could not be computed: a number that does not fit.
const TOO_LARGE: &str = "a number that does not fit";

/// Compares a leaf with an integer that must be equalled.
fn equals(answer: &mut Answer, path: &str, found: Option<impl std::fmt::Display>) {
    match found {
        Some(found) => answer.value(path, found),
        None => answer.judged(path, TOO_LARGE, false),
    }
}

fn drift_weights(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    cases(&file, |case, answer| {
        let too_large = |input: &Input<'_>| input.fault("a number that fits");
        let small = |name: &str| -> Result<u32, Fault> {
            let input = case.get(name)?;
            u32::try_from(input.u64()?).map_err(|_| too_large(&input))
        };
        let size = case.get("size")?;
        let size = size.u256()?.to_u128().ok_or_else(|| too_large(&size))?;
        let imf = small("imf_factor")?;
        let liability = drift::size_premium(size, imf, small("liability_weight")?);
        equals(answer, "out_liability", liability);
        equals(answer, "out_asset", drift::size_discount(size, imf, small("asset_weight")?));
        Ok(())
    })
}

fn open_interest(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    cases(&file, |case, answer| {
        case.labels(&["name"]);
        let base = case.get("initialMarginPpm")?;
        let base = u32::try_from(base.u64()?).map_err(|_| base.fault("parts per million"))?;
        let notional = case.get("bigQuoteQuantums")?.int()?;
        let optional = |name: &str| case.maybe(name).map(|input| input.u256()).transpose();
        let (interest, lower) = (optional("openInterestNotional")?, optional("openInterestLowerCap")?);
        let caps = match (lower, optional("openInterestUpperCap")?) {
            (Some(lower), Some(upper)) => Some(dydx::Caps { lower, upper }),
            (None, None) => None,
            _ => return Err(case.fault("both caps or none")),
        };
        if caps.is_some() != interest.is_some() {
            return Err(case.fault("an open interest with its caps"));
        }
        let fraction = dydx::initial_fraction(base, interest.unwrap_or(U256::ZERO), caps);
        let margin = fraction.and_then(|fraction| dydx::share(notional, fraction));
        equals(answer, "expectedInitialMarginQuoteQuantums", margin);
        Ok(())
    })
}

/// The expiries of a commodity, each once: a position's place among them.
fn place<'j>(expiries: &mut Vec<&'j str>, name: &'j str) -> usize {
    expiries.iter().position(|known| *known == name).unwrap_or_else(|| {
        expiries.push(name);
        expiries.len() - 1
    })
}

fn commodities(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    cases(&file, |case, answer| {
        let mut expiries = Vec::new();
        let mut positions = Vec::new();
        for input in case.get("positions")?.items()? {
            let kind = input.get("kind")?;
            let option = match kind.text()? {
                "OPT" => true,
                "FUT" => false,
                _ => return Err(kind.fault("`OPT` or `FUT`")),
            };
            let array = input.get("risk_array")?;
            let losses =
                array.items()?.iter().map(|loss| loss.scaled(DIGITS)).collect::<Result<Vec<_>, _>>()?;
            let quantity = input.get("qty")?;
            positions.push(span::Position {
                option,
                expiry: place(&mut expiries, input.get("expiry")?.text()?),
                contracts: i64::try_from(quantity.scaled(0)?).map_err(|_| quantity.fault("contracts"))?,
                price: input.get("price")?.scaled(DIGITS)?,
                losses: losses.try_into().map_err(|_| array.fault("16 scenarios"))?,
                delta: input.get("composite_delta")?.scaled(DIGITS)?,
            });
        }
        let mut spreads = Vec::new();
        for input in case.get("spreads")?.items()? {
            spreads.push(span::Spread {
                near: place(&mut expiries, input.get("a")?.text()?),
                far: place(&mut expiries, input.get("b")?.text()?),
                charge: input.get("rate")?.scaled(DIGITS)?,
            });
        }
        let rate = case.get("som_rate")?.scaled(DIGITS)?;
        let found = span::requirement(&positions, &spreads, rate, &mut vec![0; expiries.len()]);
        let out = case.get("out")?;
        type Part = fn(&span::Requirement) -> i128;
        let parts: [(&str, Part); 5] = [
            ("scan_risk", |found| found.scan),
            ("calendar", |found| found.calendar),
            ("som", |found| found.minimum),
            ("nov", |found| found.option_value),
            ("span_risk", |found| found.total),
        ];
        for (name, part) in parts {
            printed(answer, &format!("out.{name}"), &out.get(name)?, found.as_ref().map(part));
        }
        equals(answer, "out.worst", found.map(|found| found.scenario + 1));
        Ok(())
    })
}

/// Compares a leaf to the printed digit: what is printed was summed up in binary, and its first nine digits after the point are those of the
/// exact sum, which has fewer.
fn printed(answer: &mut Answer, path: &str, leaf: &Input<'_>, found: Option<i128>) {
    let Some(found) = found else { return answer.judged(path, TOO_LARGE, false) };
    const HALF_OF_THE_NINTH: u128 = 500_000_000;
    let near = leaf.scaled(DIGITS).is_ok_and(|written| written.abs_diff(found) < HALF_OF_THE_NINTH);
    answer.judged(path, decimal(found), near);
}
