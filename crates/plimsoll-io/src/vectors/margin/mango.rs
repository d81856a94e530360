//! `mango-v4/health`: the health of an account by three lines, as the venue's own client answered: within 1e-11 of each number.

use super::super::{Answer, Fault, Input, Record};
use super::{TOO_LARGE, cases};
use plimsoll_core::{Decimal, Int, Rounding, U256};
use plimsoll_margin::mango::{Account, Line, Perp, Prices, Token, Weights};

/// Binary digits after the point.
const DIGITS: u8 = 48;
/// One part in 10^11.
const NEAR: U256 = U256::new(100_000_000_000);

pub(in super::super) fn health(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    cases(&file, |case, answer| {
        let tokens = case.get("tokens")?.items()?.iter().map(token).collect::<Result<Vec<_>, _>>()?;
        let perps = case.get("perps")?.items()?.iter().map(perp).collect::<Result<Vec<_>, _>>()?;
        let account = Account { tokens: &tokens, perps: &perps };
        let out = case.get("out")?;
        for (name, line) in
            [("init", Line::Initial), ("liqEnd", Line::LiquidationEnd), ("maint", Line::Maintenance)]
        {
            // The client cuts toward zero.
            let health = account.health(line, Rounding::TowardZero);
            let bits = out.get(name)?.get("bits")?.int();
            let number = out.get(name)?.get("num")?.binary(DIGITS);
            near(answer, format!("out.{name}.bits"), health, bits, false);
            near(answer, format!("out.{name}.num"), health, number, true);
            let ratio = format!("{name}_ratio");
            let written = out.get(&ratio)?.binary(DIGITS);
            near(answer, format!("out.{ratio}"), account.ratio(line, Rounding::TowardZero), written, true);
        }
        Ok(())
    })
}

/// Compares a number with what is written, both in units of 2^-48.
fn near(
    answer: &mut Answer,
    path: String,
    found: Option<i128>,
    written: Result<Int, Fault>,
    as_decimal: bool,
) {
    let Some(found) = found.map(Int::new) else { return answer.judged(path, TOO_LARGE, false) };
    let holds = written.is_ok_and(|written| is_near(found, written));
    if as_decimal {
        // Twelve digits of it are enough to read.
        let twelve = U256::pow10(12).map(Int::from).and_then(|power| found.mul(power));
        let value = twelve.and_then(|value| value.div(Int::new(1 << 48), Rounding::TowardZero));
        let value = value.map(|mantissa| Decimal { mantissa, decimals: 12 }.trimmed());
        return answer.judged(path, value.unwrap_or(Decimal::whole(found)), holds);
    }
    answer.near(path, found, holds);
}

/// Whether two numbers differ by at most a part of the written one, and by one unit for the cut of what was written.
fn is_near(found: Int, written: Int) -> bool {
    let difference = found.sub(written).map(Int::magnitude);
    let allowed = written.magnitude().div(NEAR, Rounding::Down).and_then(|part| part.add(U256::ONE));
    matches!((difference, allowed), (Some(difference), Some(allowed)) if difference <= allowed)
}

fn number(of: &Input<'_>, name: &str) -> Result<i128, Fault> {
    let input = of.get(name)?;
    let value = input.binary(DIGITS)?;
    let magnitude = value.magnitude().to_u128().and_then(|magnitude| i128::try_from(magnitude).ok());
    let magnitude = magnitude.ok_or_else(|| input.fault("a number below 2^79"))?;
    Ok(if value.is_negative() { -magnitude } else { magnitude })
}

fn whole(of: &Input<'_>, name: &str) -> Result<i64, Fault> {
    let input = of.get(name)?;
    let value = i64::try_from(input.scaled(0)?);
    value.map_err(|_| input.fault("a whole number of 64 bits"))
}

fn weights(of: &Input<'_>, [asset, liability]: [&str; 2]) -> Result<Weights, Fault> {
    Ok(Weights { asset: number(of, asset)?, liability: number(of, liability)? })
}

fn prices(of: &Input<'_>) -> Result<Prices, Fault> {
    Ok(Prices { oracle: number(of, "oracle")?, stable: number(of, "stable")? })
}

fn token(of: &Input<'_>) -> Result<Token, Fault> {
    Ok(Token {
        index: of.get("tokenIndex")?.u64()?,
        maintenance: weights(of, ["maintAssetWeight", "maintLiabWeight"])?,
        initial: weights(of, ["initAssetWeight", "initLiabWeight"])?,
        scaled: weights(of, ["initScaledAssetWeight", "initScaledLiabWeight"])?,
        prices: prices(of)?,
        balance: number(of, "balanceSpot")?,
    })
}

fn perp(of: &Input<'_>) -> Result<Perp, Fault> {
    of.labels(&["perpMarketIndex"]);
    Ok(Perp {
        settles_in: of.get("settleTokenIndex")?.u64()?,
        maintenance: weights(of, ["maintBaseAssetWeight", "maintBaseLiabWeight"])?,
        initial: weights(of, ["initBaseAssetWeight", "initBaseLiabWeight"])?,
        maintenance_profit: number(of, "maintOverallAssetWeight")?,
        initial_profit: number(of, "initOverallAssetWeight")?,
        lot: whole(of, "baseLotSize")?,
        lots: whole(of, "baseLots")?,
        bids: whole(of, "bidsBaseLots")?,
        asks: whole(of, "asksBaseLots")?,
        quote: number(of, "quote")?,
        prices: prices(of)?,
    })
}
