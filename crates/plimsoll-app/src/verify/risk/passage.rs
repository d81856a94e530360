//! Chances of first passage in closed form.

use super::{Case, Folders, amount, describe, either, number};
use plimsoll_io::vectors::{Fault, Input, Record};
use plimsoll_risk::passage::diffusion::{Diffusion, SHIFT};
use plimsoll_risk::passage::kou::{self, Kou};
use plimsoll_risk::passage::looks;

pub(super) fn one_asset(file: &Input<'_>, _: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    // The figures of the other program are as near to the truth as the file says.
    let peer = number(&file.get("max_abs_diff_quantlib")?)?.abs() + 1e-12;
    let mut records = Vec::new();
    for row in file.get("grid")?.items()? {
        records.push(Case::record(row, |case| {
            let process = Diffusion::of_price(case.number("sigma")?, case.number("mu")?);
            let years = case.number("T_years")?;
            case.at.labels(&["T"]);
            let found = process.falls_to(case.number("barrier_over_spot")?, years);
            case.near_at("prob", found.clone(), either(1e-12))?;
            case.near_if_there("quantlib", found, amount(peer));
            Ok(())
        }));
    }
    for row in file.get("discrete")?.items()? {
        records.push(Case::record(row, |case| {
            let process = Diffusion::of_price(case.number("sigma")?, 0.0);
            let (line, years, looks) = (case.number("b")?, case.number("T")?, case.at.get("m")?.u64()?);
            let looks = u32::try_from(looks).map_err(|_| case.at.fault("fewer looks"))?;
            let exact = looks::falls_to(&process, line, years, looks);
            case.near_at("exact_discrete", exact, either(1e-6))?;
            case.near_at("BGK", process.falls_to_shifted(line, years, looks), either(1e-12))?;
            case.near_at("continuous", process.falls_to(line, years), either(1e-12))
        }));
    }
    if let Some(shift) = file.maybe("beta_BGK") {
        let written = shift.text()?.rsplit('=').next().and_then(|digits| digits.parse::<f64>().ok());
        if written.is_none_or(|written| (written - SHIFT).abs() > 1e-15) {
            return Err(shift.fault("a text that ends with =0.5825971579390106"));
        }
    }
    Ok(records)
}

pub(super) fn two_assets(file: &Input<'_>, _: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let rows = file.get("rows")?.items()?.into_iter();
    Ok(rows
        .map(|row| {
            Case::record(row, |case| {
                let (collateral, debt) = (case.number("sigma_coll")?, case.number("sigma_debt")?);
                let process = Diffusion::of_ratio(collateral, debt, case.number("rho")?);
                let (health, years) = (case.number("health")?, case.number("T")?);
                case.near_at("sigma_eff", process.clone().map(|process| process.volatility), either(1e-12))?;
                let found = process.and_then(|process| process.falls_to(1.0 / health, years));
                case.near_at("prob", found, either(1e-12))
            })
        })
        .collect())
}

pub(super) fn jumps(file: &Input<'_>, _: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let rows = file.get("rows")?.items()?.into_iter();
    let falls = |row: &Input<'_>| row.maybe("mirrored_drop").is_some();
    Ok(rows
        .map(|row| if falls(&row) { Case::record(row, falling) } else { Case::record(row, rising) })
        .collect())
}

/// A rise by `b`, as the paper has it, for several numbers of points of the inversion.
fn rising(case: &mut Case<'_>) -> Result<(), Fault> {
    let rates = [case.number("eta1")?, case.number("eta2")?];
    let (drift, volatility) = (case.number("mu")?, case.number("sigma")?);
    let process = kou::of_rates(drift, volatility, case.number("lambda")?, case.number("p")?, rates);
    let (distance, years) = (case.number("b")?, case.number("t")?);
    for (points, leaf) in case.at.get("P_tau_b_le_t")?.entries()? {
        let points = points.parse().map_err(|_| leaf.fault("a number of points as its name"))?;
        let found = process.clone().and_then(|process| process.rises_by(distance, years, points));
        case.near(&leaf, found, amount(1e-6));
    }
    Ok(())
}

/// A fall to a line.
fn falling(case: &mut Case<'_>) -> Result<(), Fault> {
    if !case.at.get("mirrored_drop")?.bool()? {
        return Err(case.at.fault("a drop"));
    }
    let process = Kou {
        volatility: case.number("sigma")?,
        log_drift: case.number("drift_of_log_price")?,
        jumps: case.number("lambda")?,
        upward: case.number("p_up_price")?,
        mean_up: case.number("mean_up")?,
        mean_down: case.number("mean_dn")?,
    };
    let found = process.falls_to(case.number("barrier")?, case.number("T")?);
    // Two hundred thousand paths: a figure that errs by chance, four and a half standard errors at the most.
    let chance = found.as_ref().map_or(0.0, |p| 4.5 * (p * (1.0 - p) / 200_000.0).sqrt());
    case.near_if_there("MC_200k_60steps_bridge", found.clone(), amount(chance));
    case.near_at("P", found, amount(1e-6))
}
