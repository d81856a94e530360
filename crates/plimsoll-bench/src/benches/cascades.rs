//! The crash simulator beside others.
//!
//! `riskdao_grid`: the 15 configurations of Risk DAO's stability simulator on its own month of minutes (`--data` names the folder with
//! `data_unified_0_ethusdt.csv`, or the table with prices of four digits), seconds for all of them once the table is read. **Baseline**
//! `recorded`: the 32.6 s that its own program took for the same, on one core. `agrees` are rows whose worst fall, price, open volume and heaviest
//! impact are as recorded, to 1e-9; of the table with four digits, to what rounding a price to them may do to a fall.

mod crash;

pub(crate) use crash::{CRASH, run as run_crash};

use crate::line::{Better, Line, isa};
use crate::measure::cpu_in_turn;
use crate::registry::{Context, Trouble};
use plimsoll_sim::riskdao::{Minute, Outcome, Setting, Tape};
use std::hint::black_box;
use std::io::Read;
use std::path::Path;

pub(crate) const GRID: &str = "riskdao_grid";

/// Seconds of `Risk-DAO/simulation-env@17e75fae` for the grid.
const RECORDED: f64 = 32.6;

/// Collateral \[USD\], factor; worst fall, price then, open volume then, heaviest impact.
const ROWS: [[f64; 6]; 15] = [
    [5e6, 0.5, 0.0, 0.0, 0.0, 0.989_584_916_598_224_5],
    [15e6, 0.5, 0.0, 0.0, 0.0, 0.969_237_015_775_228_8],
    [
        30e6,
        0.5,
        0.027_996_096_977_761,
        1_022.177_851_170_490_4,
        65.178_399_099_253_14,
        0.957_577_454_108_975_5,
    ],
    [5e6, 1.0, 0.0, 0.0, 0.0, 0.979_331_700_843_434_3],
    [
        15e6,
        1.0,
        0.027_996_096_977_761,
        1_022.177_851_170_490_4,
        65.178_399_099_253_14,
        0.957_577_454_108_975_5,
    ],
    [
        30e6,
        1.0,
        0.066_355_236_576_16,
        1_022.177_851_170_490_4,
        525.356_798_198_506_3,
        0.932_383_587_820_330_8,
    ],
    [5e6, 2.0, 0.0, 0.0, 0.0, 0.959_297_609_982_924],
    [
        15e6,
        2.0,
        0.066_355_236_576_16,
        1_022.177_851_170_490_4,
        525.356_798_198_506_3,
        0.932_383_587_820_330_8,
    ],
    [
        30e6,
        2.0,
        0.099_048_953_926_700_3,
        1_022.177_851_170_490_4,
        1_444.713_596_397_013,
        0.908_484_846_428_563_2,
    ],
    [
        5e6,
        4.0,
        0.038_705_922_143_536_9,
        1_022.177_851_170_490_4,
        219.571_198_799_004_15,
        0.944_035_110_322_872_8,
    ],
    [
        15e6,
        4.0,
        0.099_048_953_926_700_3,
        1_022.177_851_170_490_4,
        1_444.713_596_397_013,
        0.908_484_846_428_563_2,
    ],
    [
        30e6,
        4.0,
        0.110_994_727_619_342_3,
        1_022.177_851_170_490_4,
        3_305.427_192_794_025_4,
        0.889_911_871_336_544_5,
    ],
    [5e6, 6.0, 0.066_355_236_576_16, 1_022.177_851_170_490_4, 525.356_798_198_506_3, 0.932_383_587_820_330_8],
    [
        15e6,
        6.0,
        0.105_427_006_938_867_1,
        1_022.177_851_170_490_4,
        2_375.070_394_595_519_2,
        0.891_841_473_815_724_3,
    ],
    [
        30e6,
        6.0,
        0.117_377_724_909_568_4,
        904.087_671_568_621_5,
        4_114.885_582_114_707,
        0.869_702_720_165_746_7,
    ],
];

/// File, its columns, half a unit of a price's last digit.
const TABLES: [(&str, [&str; 3], f64); 2] = [
    (
        "data_unified_0_ethusdt.csv",
        ["ask_price", "bid_price", "binance-futures_ethusdt_liquidation_long"],
        0.0,
    ),
    ("ethusdt_1m_liqs_binance_futures_2021-01_riskdao.csv", ["ask", "bid", "liq_long"], 0.5e-4),
];

pub(crate) fn run_grid(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let folder = context
        .data
        .ok_or_else(|| Trouble::NoData("--data names no folder with a month of minutes".into()))?;
    let (tape, rounded, case) = tape(folder)?;
    let play = |row: &[f64; 6]| {
        let setting = Setting {
            volume: 400.0,
            collateral: row[0],
            factor: row[1],
            incentive: 0.1,
            every: 1800.0,
            recovery: 1e-6,
        };
        tape.play(&setting).ok_or_else(|| Trouble::Wrong("a configuration is refused".into()))
    };
    let found: Vec<Outcome> = ROWS.iter().map(play).collect::<Result<_, _>>()?;
    let part = rounded / tape.lowest();
    let near = |found: f64, written: f64, more: f64| {
        (found - written).abs() <= f64::max(1e-9, more) * written.abs().max(1.0)
    };
    let agrees = |(found, row): (&Outcome, &[f64; 6])| {
        near(found.max_drop, row[2], 2.0 * part)
            && near(found.price_at_max_drop, row[3], part)
            && near(found.max_drop_volume, row[4], 0.0)
            && near(found.min_factor, row[5], 0.0)
    };
    let agreed = found.iter().zip(&ROWS).filter(|pair| agrees((pair.0, pair.1))).count() as u64;
    let mut ours = || {
        for row in black_box(&ROWS) {
            let _ = black_box(play(row));
        }
    };
    let [time] = cpu_in_turn(context.runs(), 1, [&mut ours]);
    let n = (ROWS.len() * tape.minutes()) as u64;
    emit(Line {
        bench: GRID,
        case,
        value: time.median / 1e9,
        unit: "s",
        better: Better::Lower,
        baseline: "recorded".into(),
        baseline_value: RECORDED,
        agreed,
        checked: ROWS.len() as u64,
        runs: time.runs,
        spread: time.spread,
        threads: 1,
        isa: isa(),
        n,
        sample: n,
        seed: context.seed,
    });
    if agreed == ROWS.len() as u64 {
        Ok(())
    } else {
        Err(Trouble::Wrong(format!("{agreed} of 15 rows agree")))
    }
}

fn tape(folder: &Path) -> Result<(Tape, f64, String), Trouble> {
    for (name, columns, rounded) in TABLES {
        for path in [folder.join(name), folder.join(format!("{name}.gz"))] {
            if path.is_file() {
                let no = |why: &str| Trouble::NoData(format!("{}: {why}", path.display()));
                let text = text(&path).map_err(|error| no(&error.to_string()))?;
                let minutes = minutes(&text, columns).ok_or_else(|| no("no table of its columns"))?;
                let tape = Tape::new(&minutes).ok_or_else(|| no("prices or amounts that cannot be"))?;
                let case = format!("15 configurations x {} minutes", minutes.len());
                let case = if rounded > 0.0 { format!("{case}, prices of four digits") } else { case };
                return Ok((tape, rounded, case));
            }
        }
    }
    let names: Vec<&str> = TABLES.iter().map(|(name, _, _)| *name).collect();
    Err(Trouble::NoData(format!("{}: none of {}, plain or .gz", folder.display(), names.join(", "))))
}

fn text(path: &Path) -> std::io::Result<String> {
    let bytes = std::fs::read(path)?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text)?;
    } else {
        text = String::from_utf8(bytes).map_err(std::io::Error::other)?;
    }
    Ok(text)
}

fn minutes(text: &str, columns: [&str; 3]) -> Option<Vec<Minute>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next()?.split(',').collect();
    let places = columns.map(|column| header.iter().position(|name| *name == column));
    let [Some(ask), Some(bid), Some(liquidated)] = places else { return None };
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let number = |at: usize| cells.get(at)?.parse().ok();
            Some(Minute { ask: number(ask)?, bid: number(bid)?, liquidated: number(liquidated)? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Scale;

    #[test]
    fn a_folder_without_the_month_is_no_figure() {
        let context = Context { scale: Scale::Quick, seed: 1, child_peers: false, data: None };
        let mut lines = 0;
        assert!(matches!(run_grid(&context, &mut |_| lines += 1), Err(Trouble::NoData(_))));
        let nowhere: &'static Path = Path::new("src");
        let trouble = run_grid(&Context { data: Some(nowhere), ..context }, &mut |_| lines += 1);
        assert!(matches!(trouble, Err(Trouble::NoData(why)) if why.contains("data_unified_0_ethusdt.csv")));
        assert_eq!(lines, 0);
    }

    #[test]
    fn a_table_is_read_by_the_names_of_its_columns() {
        let read = minutes("ts,bid,ask,liq_long\n1,2,3,4\n", ["ask", "bid", "liq_long"]);
        assert_eq!(read, Some(vec![Minute { ask: 3.0, bid: 2.0, liquidated: 4.0 }]));
        assert_eq!(minutes("ts,bid\n1,2\n", ["ask", "bid", "liq_long"]), None);
        assert_eq!(minutes("ask,bid,liq_long\n1,2,x\n", ["ask", "bid", "liq_long"]), None);
    }
}
