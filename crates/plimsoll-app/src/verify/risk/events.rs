//! Events that bring about events.

use super::tables::unfit;
use super::{Case, Folders, amount, describe, share, skipped};
use plimsoll_io::vectors::{Fault, Input, Record};
use plimsoll_risk::hawkes::{Hawkes, fit, poisson};

/// Liquidations of Aave v3, moments in hours from the first; several in one block are one moment.
pub(super) fn hawkes(file: &Input<'_>, folders: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let seconds =
        match folders.table("aave_v3_eth_liquidation_events_2025.csv").and_then(|table| table.column("ts")) {
            Ok(seconds) => seconds,
            Err(fault) => return Ok(vec![skipped(file.clone(), fault)]),
        };
    let mut moments = seconds.clone();
    moments.sort_by(f64::total_cmp);
    moments.dedup_by(|a, b| a.total_cmp(b).is_eq());
    let first = moments.first().copied().unwrap_or_default();
    let hours: Vec<f64> = moments.iter().map(|moment| (moment - first) / 3600.0).collect();
    let until = hours.last().copied().unwrap_or_default();
    let fitted = fit(&hours, until).map_err(unfit("events"))?;
    Ok(vec![Case::record(file.clone(), |case| {
        case.equal_at("raw_events", seconds.len())?;
        case.equal_at("n_unique", hours.len())?;
        case.near_at("T_hours", Ok(until), amount(1e-9))?;
        case.near_at("poisson_loglik", poisson(&hours, until), amount(1e-3))?;
        case.near_at("mu", Ok(fitted.process.mu), share(1e-2))?;
        case.near_at("branching_ratio_a", Ok(fitted.process.branching), share(1e-2))?;
        case.near_at("beta_per_hour", Ok(fitted.process.decay), share(1e-2))?;
        case.near_at("loglik", Ok(fitted.log_likelihood), amount(1e-3))?;
        // Likelihoods at other parameters, which stand in the name: loglik_at_mu0.3_a0.5_b1.
        for (name, leaf) in case.at.entries()? {
            let Some(at) = name.strip_prefix("loglik_at_") else { continue };
            let value = |letter: &str| at.split('_').find_map(|part| part.strip_prefix(letter)?.parse().ok());
            let (Some(mu), Some(branching), Some(decay)) = (value("mu"), value("a"), value("b")) else {
                return Err(leaf.fault("a name that says mu, a and b"));
            };
            case.near(&leaf, Hawkes { mu, branching, decay }.log_likelihood(&hours, until), amount(1e-3));
        }
        Ok(())
    })])
}
