//! Risk DAO's stability simulator on its own month of data.

use super::{Case, Folders, Within, describe, skipped};
use plimsoll_io::vectors::{Fault, Input, Record};
use plimsoll_sim::riskdao::{Minute, Setting, Tape};

/// The table with the digits that its publisher gave it, and the one that is rounded to four of them.
const TABLES: [(&str, [&str; 3], f64); 2] = [
    (
        "data_unified_0_ethusdt.csv",
        ["ask_price", "bid_price", "binance-futures_ethusdt_liquidation_long"],
        0.0,
    ),
    ("ethusdt_1m_liqs_binance_futures_2021-01_riskdao.csv", ["ask", "bid", "liq_long"], 0.5e-4),
];

/// A month of minutes, and by how much its prices may be rounded.
fn tape(folders: &Folders) -> Result<(Tape, f64), Fault> {
    let mut missing = None;
    for (name, columns, rounded) in TABLES {
        let table = match folders.table(name) {
            Ok(table) => table,
            Err(fault) => {
                missing = Some(fault);
                continue;
            }
        };
        let [asks, bids, volumes] = columns.map(|column| table.column(column));
        let (asks, bids, volumes) = (asks?, bids?, volumes?);
        let minutes: Vec<Minute> = asks
            .iter()
            .zip(&bids)
            .zip(&volumes)
            .map(|((ask, bid), liquidated)| Minute { ask: *ask, bid: *bid, liquidated: *liquidated })
            .collect();
        let unfit = Fault::Shape {
            path: name.into(),
            found: "prices or amounts that cannot be".into(),
            expected: "positive prices, amounts that are not negative, one of them above 0",
        };
        return Ok((Tape::new(&minutes).ok_or(unfit)?, rounded));
    }
    Err(missing.unwrap_or(Fault::Shape {
        path: "the data".into(),
        found: "none".into(),
        expected: "the data that this record was computed from",
    }))
}

/// Each row a configuration and what came of it.
pub(super) fn riskdao(file: &Input<'_>, folders: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    file.labels(&["seconds_total", "ticks"]);
    let tape = tape(folders);
    let rows = file.get("rows")?.items()?.into_iter();
    Ok(rows
        .map(|row| match &tape {
            Ok((tape, rounded)) => Case::record(row, |case| answer(case, tape, *rounded)),
            Err(fault) => skipped(row, fault.clone()),
        })
        .collect())
}

fn answer(case: &mut Case<'_>, tape: &Tape, rounded: f64) -> Result<(), Fault> {
    let pool = case.at.get("stability_pool_initial_balance_ratio")?;
    if super::number(&pool)? != 0.0 {
        return Err(pool.fault("0: a configuration without a stability pool"));
    }
    let setting = Setting {
        volume: case.number("volume_for_slippage_10_percents")?,
        collateral: case.number("collateral")?,
        factor: case.number("collateral_liquidation_factor")?,
        incentive: case.number("liquidation_incentive")?,
        every: case.number("trade_every")?,
        recovery: case.number("price_recovery_time")?,
    };
    let Some(found) = tape.play(&setting) else {
        return Err(case
            .at
            .fault("positive numbers, an incentive below 1 and intervals of a minute or more"));
    };
    // Both prices of a fall may be rounded, by at most this part of each.
    let part = rounded / tape.lowest();
    let near = Within { share: 1e-9, amount: 1e-9 };
    let fall = Within { amount: 1e-9_f64.max(2.0 * part), ..near };
    let price = Within { share: 1e-9_f64.max(part), ..near };
    let figures = [
        ("cycle_trade_volume", found.capacity, near),
        ("max_drop", found.max_drop, fall),
        ("price_at_max_drop", found.price_at_max_drop, price),
        ("max_drop_volume", found.max_drop_volume, near),
        ("open_volume", found.open_volume, near),
        ("max_liquidation_volume", found.max_liquidation_volume, near),
        ("simulation volume", found.volume, near),
        ("min_multiply_price_liquidation_factor", found.min_factor, near),
    ];
    for (name, value, within) in figures {
        case.near_at(name, Ok(value), within)?;
    }
    Ok(())
}
