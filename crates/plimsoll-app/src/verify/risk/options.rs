//! Barrier and digital options from published tables: rows of texts, as the tables have them.

use super::{Case, Folders, Within, amount, describe, number};
use plimsoll_io::vectors::{Fault, Input, Record};
use plimsoll_risk::Unfit;
use plimsoll_risk::passage::barrier::{Knock, Right, Setting, Side};
use plimsoll_risk::passage::lattice::american;

/// How a row of a table is checked.
type Row = fn(&mut Case<'_>) -> Result<(), Fault>;

pub(super) fn published(file: &Input<'_>, _: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let tables: [(&str, Row); 5] = [
        ("testCashAtHitOrNothingAmericanValues", at_hit),
        ("testCashAtExpiryOrNothingAmericanValues", at_expiry),
        ("testHaugValues", haug),
        ("testBabsiriValues", babsiri),
        ("testBeagleholeValues", beaglehole),
    ];
    let mut records = Vec::new();
    for (name, row_of) in tables {
        let rows = file.maybe(name).map_or(Ok(Vec::new()), |table| table.items())?;
        records.extend(rows.into_iter().map(|row| Case::record(row, row_of)));
    }
    Ok(records)
}

/// The cells of a row, of which one at `expected` is the answer and the rest are inputs.
fn cells<'j>(case: &Case<'j>, count: usize) -> Result<Vec<Input<'j>>, Fault> {
    let cells = case.at.items()?;
    if cells.len() == count {
        Ok(cells)
    } else {
        Err(case.at.fault("a row of as many cells as its table has"))
    }
}

fn right(cell: &Input<'_>) -> Result<Right, Fault> {
    match cell.text()? {
        "Option::Call" => Ok(Right::Call),
        "Option::Put" => Ok(Right::Put),
        _ => Err(cell.fault("Option::Call or Option::Put")),
    }
}

fn barrier(cell: &Input<'_>) -> Result<(Side, Knock), Fault> {
    match cell.text()? {
        "Barrier::DownIn" => Ok((Side::Down, Knock::In)),
        "Barrier::DownOut" => Ok((Side::Down, Knock::Out)),
        "Barrier::UpIn" => Ok((Side::Up, Knock::In)),
        "Barrier::UpOut" => Ok((Side::Up, Knock::Out)),
        _ => Err(cell.fault("a kind of barrier")),
    }
}

/// What a digital pays in these tables.
const CASH: f64 = 15.0;

/// Columns: type, barrier, spot, dividend, rate, years, volatility, value, tolerance, knock-in. A put is met from above.
fn digital(
    case: &mut Case<'_>,
    value: impl FnOnce(&Setting, f64, Side, Knock) -> Result<f64, Unfit>,
) -> Result<(), Fault> {
    let cells = cells(case, 10)?;
    let side = if right(&cells[0])? == Right::Put { Side::Down } else { Side::Up };
    let setting = Setting {
        spot: number(&cells[2])?,
        dividend: number(&cells[3])?,
        rate: number(&cells[4])?,
        years: number(&cells[5])?,
        volatility: number(&cells[6])?,
    };
    let knock = if cells[9].text()? == "true" { Knock::In } else { Knock::Out };
    let tolerance = amount(number(&cells[8])?);
    let found = value(&setting, number(&cells[1])?, side, knock).map(|value| CASH * value);
    case.near(&cells[7], found, tolerance);
    Ok(())
}

fn at_hit(case: &mut Case<'_>) -> Result<(), Fault> {
    digital(case, |setting, line, side, _| setting.touch_at_hit(line, side))
}

fn at_expiry(case: &mut Case<'_>) -> Result<(), Fault> {
    digital(case, Setting::touch_at_expiry)
}

/// Columns: barrier type, barrier, rebate, type, exercise, strike, spot, dividend, rate, years, volatility, value, tolerance.
fn haug(case: &mut Case<'_>) -> Result<(), Fault> {
    let mut cells = case.at.items()?;
    if cells.len() == 12 {
        return without_exercise(case, &cells);
    }
    if cells.len() != 13 {
        return Err(case.at.fault("a row of as many cells as its table has"));
    }
    let exercise = cells.remove(4);
    let setting = Setting {
        spot: number(&cells[5])?,
        dividend: number(&cells[6])?,
        rate: number(&cells[7])?,
        years: number(&cells[8])?,
        volatility: number(&cells[9])?,
    };
    let (side, knock) = barrier(&cells[0])?;
    let (met, right) = ((number(&cells[1])?, side, knock), right(&cells[3])?);
    let (rebate, strike) = (number(&cells[2])?, number(&cells[4])?);
    let found = match exercise.text()? {
        "european" => setting.barrier_option(strike, right, met, rebate),
        // The American values of this table are those of a tree of 400 steps.
        "american" => american(&setting, strike, right, met, rebate, 400),
        _ => return Err(exercise.fault("european or american")),
    };
    let tolerance = amount(number(&cells[11])?);
    case.near(&cells[10], found, tolerance);
    Ok(())
}

/// Rows without exercise: the source has them commented out, from Beaglehole, Dybvig and Zhou 1997, and calls them puts with a dividend of -5 %
/// and a rate of 10 %. Such puts are worth 0.04 and 0.006. The figures are that paper's: calls, at a rate of ln 1.1, without dividends (the source
/// has one of them right in a table of its own). So they are compared as such, and the three wrong cells are no inputs but labels.
fn without_exercise<'j>(case: &mut Case<'j>, cells: &[Input<'j>]) -> Result<(), Fault> {
    let (side, knock) = barrier(&cells[0])?;
    for label in [&cells[3], &cells[6], &cells[7]] {
        label.text()?;
    }
    let (spot, years, volatility) = (number(&cells[5])?, number(&cells[8])?, number(&cells[9])?);
    let setting = Setting { spot, dividend: 0.0, rate: 1.1_f64.ln(), years, volatility };
    let (line, rebate, strike) = (number(&cells[1])?, number(&cells[2])?, number(&cells[4])?);
    let found = setting.barrier_option(strike, Right::Call, (line, side, knock), rebate);
    let tolerance = amount(number(&cells[11])?);
    case.near(&cells[10], found, tolerance);
    Ok(())
}

/// Columns: barrier type, volatility, strike, barrier, value of a call, value of a put (0: none is given). Babsiri and Noel 1998: a spot of
/// 100, a rate of 5 %, dividends of 2 %, one year.
fn babsiri(case: &mut Case<'_>) -> Result<(), Fault> {
    called(
        case,
        Setting { spot: 100.0, dividend: 0.02, rate: 0.05, years: 1.0, volatility: f64::NAN },
        amount(1e-5),
    )
}

/// The same columns. Beaglehole, Dybvig and Zhou 1997: a spot of 50, a rate of ln 1.1, no dividends, one year.
fn beaglehole(case: &mut Case<'_>) -> Result<(), Fault> {
    let rate = 1.1_f64.ln();
    called(case, Setting { spot: 50.0, dividend: 0.0, rate, years: 1.0, volatility: f64::NAN }, amount(1e-3))
}

fn called(case: &mut Case<'_>, setting: Setting, within: Within) -> Result<(), Fault> {
    let cells = cells(case, 6)?;
    let (side, knock) = barrier(&cells[0])?;
    let setting = Setting { volatility: number(&cells[1])?, ..setting };
    if number(&cells[5])? > 0.0 {
        return Err(cells[5].fault("no put"));
    }
    let (strike, line) = (number(&cells[2])?, number(&cells[3])?);
    case.near(&cells[4], setting.barrier_option(strike, Right::Call, (line, side, knock), 0.0), within);
    Ok(())
}
