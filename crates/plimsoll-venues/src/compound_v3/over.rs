//! What is true of all accounts and all prices between two.

use super::line::{Line, Position, Price};
use super::{Market, State, slot};
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{Account, Feeds, Int, Range, Reading, Refusal, Silent, Test, U256, Verdict, WAD};

/// [`plimsoll_core::Quoted::over`]. Both sides of the comparison rise with what is held and with prices, one with the
/// collateral alone and the other with the debt alone, so that both ends are exact. Rewards do not matter here.
pub(super) fn over(
    market: &Market,
    state: &State,
    ends: [&Account; 2],
    test: Test,
    feeds: Feeds<'_>,
) -> Result<Range, Refusal> {
    let [least, most] = [Position::of(market, ends[0])?, Position::of(market, ends[1])?];
    let more = |asset: usize, balance: U256| {
        most.collateral().any(|(other, held)| other == asset && held >= balance)
    };
    if least.owed > most.owed
        || least.supplied > most.supplied
        || !least.collateral().all(|(asset, balance)| more(asset, balance))
    {
        return Err(Refusal::InconsistentAccount("the lower end of a box is not the lower"));
    }
    let readings: Vec<Reading> = (0..market.slots.len()).map(|slot| feeds.get(slot)).collect();
    let low: Vec<Price> = readings.iter().map(|reading| Ok(reading.low)).collect();
    let high =
        |(reading, slot): (&Reading, &plimsoll_core::PriceSlot)| Ok(reading.high.unwrap_or(slot.highest));
    let high: Vec<Price> = readings.iter().zip(&market.slots).map(high).collect();

    let line = |position: &Position<'_>, prices: &[Price]| {
        Line::of(&mut Silent, market, state, position, test, prices)
    };
    if ends[0].holdings() == ends[1].holdings() && low == high {
        let line = line(&least, &low)?;
        let verdict = match (least.owed == U256::ZERO, line.covered()) {
            (true, _) => Verdict::NoDebt,
            (_, true) => Verdict::Healthy,
            (_, false) => Verdict::Unhealthy,
        };
        return Ok(range(Some(verdict), [line, line]));
    }
    if most.owed == U256::ZERO {
        // Nothing is asked of the prices, which may be anything.
        let all = Line { backing: U256::MAX, ..Line::default() };
        return Ok(range(Some(Verdict::NoDebt), [Line::default(), all]));
    }
    // In between the sum may stop at any asset: all must fit, so that what is counted is always all.
    let fits = |(asset, balance): (usize, U256)| {
        let value = balance.mul_div(high[slot(asset)].ok()?, market.assets[asset].rules.scale(), Down)?;
        value.mul(WAD.value())
    };
    if !most.collateral().all(|held| fits(held).is_some()) {
        return Err(Refusal::Overflow("counted = value * factor"));
    }
    let (low, high) = (line(&least, &low)?, line(&most, &high)?);
    let verdict = match least.owed == U256::ZERO {
        true => None,
        false if low.backing >= high.requirement => Some(Verdict::Healthy),
        false if high.backing < low.requirement => Some(Verdict::Unhealthy),
        false => None,
    };
    Ok(range(verdict, [low, high]))
}

fn range(verdict: Option<Verdict>, [low, high]: [Line; 2]) -> Range {
    let pair = |low: U256, high: U256| [Int::from(low), Int::from(high)];
    Range {
        verdict,
        backing: pair(low.backing, high.backing),
        requirement: pair(low.requirement, high.requirement),
    }
}
