//! Hourly closes of many coins: covariances, ranks, and the t copula.

use super::tables::{Table, unfit};
use super::{Case, Folders, amount, describe, either, number, skipped};
use plimsoll_io::time;
use plimsoll_io::vectors::{Fault, Input, Record};
use plimsoll_risk::Matrix;
use plimsoll_risk::bars::log_return;
use plimsoll_risk::copula::{Ranked, tail_dependence};
use plimsoll_risk::covariance::{Panel, correlations, mean_correlation};
use plimsoll_risk::rank::{kendall, lower_tail, pearson, spearman};

/// Logarithmic returns from row to row; not a number where either price is missing.
struct Hourly {
    table: Table,
    times: Vec<f64>,
}

fn hourly(folders: &Folders) -> Result<Hourly, Fault> {
    let table = folders.table("close_panel_1h_2021-04_2023-12.csv")?;
    let times = table.column("ts")?.split_off(1);
    Ok(Hourly { table, times })
}

impl Hourly {
    fn returns(&self, coin: &str) -> Result<Vec<f64>, Fault> {
        Ok(self.table.column(coin)?.windows(2).map(|pair| log_return(pair[0], pair[1])).collect())
    }

    /// Rows within a window that have a return of every one of these coins.
    fn rows(&self, coins: &[&str], window: (f64, f64)) -> Result<Vec<Vec<f64>>, Fault> {
        let columns = coins.iter().map(|coin| self.returns(coin)).collect::<Result<Vec<_>, _>>()?;
        let inside = |i: &usize| self.times[*i] >= window.0 && self.times[*i] < window.1;
        let row = |i: usize| columns.iter().map(|column| column[i]).collect::<Vec<f64>>();
        let rows = (0..self.times.len()).filter(inside).map(row);
        Ok(rows.filter(|row| row.iter().all(|value| value.is_finite())).collect())
    }
}

/// From and to \[s\] of a window by its name: `full`, `calm_2023-07`, `LUNA_2022-05-07_13` (to the end of that day).
fn window(name: &str) -> Option<(f64, f64)> {
    const DAY: f64 = 86_400.0;
    let midnight = |date: &str| {
        let time = time::parse(&format!("{date}T00:00:00Z"))?;
        Some(time.0 as f64)
    };
    if name == "full" {
        return Some((f64::NEG_INFINITY, f64::INFINITY));
    }
    let mut parts = name.split('_').skip(1);
    let (from, to) = (parts.next()?, parts.next());
    match (from.len(), to) {
        (7, None) => {
            let (year, month) = from.split_once('-')?;
            let (year, month): (u32, u32) = (year.parse().ok()?, month.parse().ok()?);
            let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            Some((midnight(&format!("{from}-01"))?, midnight(&format!("{:04}-{:02}-01", next.0, next.1))?))
        }
        (10, Some(day)) => {
            let last = format!("{}{day:0>2}", &from[..8]);
            Some((midnight(from)?, midnight(&last)? + DAY))
        }
        _ => None,
    }
}

pub(super) fn shrinkage(file: &Input<'_>, folders: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let columns = file.get("columns")?;
    let coins = columns.items()?.iter().map(Input::text).collect::<Result<Vec<_>, _>>()?;
    let hourly = hourly(folders);
    let mut records = Vec::new();
    for (name, at) in file.entries()? {
        if name == "small" {
            records.push(Case::record(at, small));
            continue;
        }
        let Some(window) = window(name) else { continue };
        let rows = hourly.as_ref().map_err(Clone::clone).and_then(|hourly| hourly.rows(&coins, window));
        records.push(match rows {
            Ok(rows) => Case::record(at, |case| shrunk(case, &rows)),
            Err(fault) => skipped(at, fault),
        });
    }
    Ok(records)
}

/// A panel that stands in the file, in percent.
fn small(case: &mut Case<'_>) -> Result<(), Fault> {
    let rows = case.at.get("X_60x8_pct_hourly")?.items()?;
    let row = |row: &Input<'_>| row.items()?.iter().map(number).collect::<Result<Vec<f64>, Fault>>();
    let rows = rows.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let panel = Panel::new(&rows).map_err(unfit("X"))?;
    let (shrunk, oas) = (panel.ledoit_wolf(), panel.oas());
    case.near_at("shrinkage", Ok(shrunk.shrinkage), either(1e-10))?;
    case.near_at("oas_shrinkage", Ok(oas.shrinkage), either(1e-10))?;
    matrix(case, "cov", &shrunk.covariance)?;
    matrix(case, "oas_cov", &oas.covariance)?;
    matrix(case, "sample_cov_mle", &panel.covariance())
}

fn matrix(case: &mut Case<'_>, name: &str, found: &Matrix) -> Result<(), Fault> {
    let rows = case.at.get(name)?.items()?;
    if rows.len() != found.size() {
        return Err(case.at.fault("a matrix of as many rows as there are assets"));
    }
    for (i, row) in rows.iter().enumerate() {
        case.near_list(row, found.row(i), either(1e-10))?;
    }
    Ok(())
}

/// Of returns, in percent as the file has them.
fn shrunk(case: &mut Case<'_>, rows: &[Vec<f64>]) -> Result<(), Fault> {
    let percent: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|r| 100.0 * r).collect()).collect();
    let panel = Panel::new(&percent).map_err(unfit("returns"))?;
    let shrunk = panel.ledoit_wolf();
    case.equal_at("n", rows.len())?;
    case.near_at("shrinkage", Ok(shrunk.shrinkage), either(1e-10))?;
    if case.at.maybe("cov").is_some() {
        matrix(case, "cov", &shrunk.covariance)?;
    }
    if let Some(found) = correlations(&shrunk.covariance) {
        let mean = mean_correlation(&found).unwrap_or(f64::NAN);
        case.near_if_there("avg_offdiag_corr", Ok(mean), either(1e-10));
        case.near_if_there("corr_btc_eth", Ok(found.at(0, 1)), either(1e-10));
    }
    Ok(())
}

pub(super) fn dependence(file: &Input<'_>, folders: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let hourly = hourly(folders);
    let mut records = Vec::new();
    for (name, event) in file.maybe("events").map_or(Ok(Vec::new()), |events| events.entries())? {
        let Some(window) = window(name) else { continue };
        for (pair, at) in event.entries()? {
            let Some((first, second)) = pair.split_once('-') else { continue };
            let rows = hourly
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|hourly| hourly.rows(&[first, second], window));
            records.push(match rows {
                Ok(rows) => Case::record(at, |case| dependent(case, &rows)),
                Err(fault) => skipped(at, fault),
            });
        }
    }
    for row in file.maybe("t_copula_tail").map_or(Ok(Vec::new()), |rows| rows.items())? {
        records.push(Case::record(row, |case| {
            let found = tail_dependence(case.number("rho")?, case.number("nu")?);
            case.near_at("lambda", found, either(1e-12))
        }));
    }
    Ok(records)
}

fn columns(rows: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    rows.iter().map(|row| (row[0], row[1])).unzip()
}

fn dependent(case: &mut Case<'_>, rows: &[Vec<f64>]) -> Result<(), Fault> {
    let (first, second) = columns(rows);
    case.equal_at("n", rows.len())?;
    case.near_at("pearson", pearson(&first, &second), either(1e-12))?;
    // Returns that are equal but for the last bits of two logarithms are tied for one program and not for another. Each such pair may move
    // tau by one pair of all, and Spearman's by six.
    let all = rows.len() as f64 * (rows.len() as f64 - 1.0) / 2.0;
    let doubtful = (doubtful(&first) + doubtful(&second)) as f64 / all;
    case.near_at("spearman", spearman(&first, &second), either(1e-12 + 6.0 * doubtful))?;
    case.near_at("kendall_tau_b", kendall(&first, &second), either(1e-12 + doubtful))?;
    for (name, leaf) in case.at.entries()? {
        let Some(share) = name.strip_prefix("lamL_") else { continue };
        let share: f64 = format!("0.{share}").parse().map_err(|_| leaf.fault("a share as its name"))?;
        case.near(&leaf, lower_tail(&first, &second, share), either(1e-12));
    }
    Ok(())
}

/// Pairs of returns that are told apart by no more than the rounding of their logarithms.
fn doubtful(returns: &[f64]) -> usize {
    // Logarithms of prices below 10^5 err by at most a unit in the last place, 1.8e-15, and there are two.
    const ROUNDING: f64 = 4e-15;
    let mut sorted = returns.to_vec();
    sorted.sort_by(f64::total_cmp);
    let apart = |(i, from): (usize, &f64)| {
        let near = sorted[i + 1..].iter().map(|to| to - from).take_while(|apart| *apart <= ROUNDING);
        near.filter(|apart| *apart > 0.0).count()
    };
    sorted.iter().enumerate().map(apart).sum()
}

/// The last 5000 hours in which both coins have a return.
pub(super) fn copula(file: &Input<'_>, folders: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let window = (f64::NEG_INFINITY, f64::INFINITY);
    let rows = match hourly(folders).and_then(|hourly| hourly.rows(&["ETH", "BTC"], window)) {
        Ok(rows) => rows,
        Err(fault) => return Ok(vec![skipped(file.clone(), fault)]),
    };
    let (first, second) = columns(&rows[rows.len().saturating_sub(5_000)..]);
    let fault = unfit("returns");
    let ranked = Ranked::new(&first, &second).map_err(&fault)?;
    let by_tau = ranked.fit_tau().map_err(&fault)?;
    let best = ranked.fit().map_err(&fault)?;
    let mut records = Vec::new();
    if let Some(at) = file.maybe("copulae_mle") {
        records.push(Case::record(at, |case| {
            case.near_at("df", Ok(best.nu), amount(1e-2))?;
            case.near_at("rho", Ok(best.rho), amount(1e-4))?;
            case.near_at("loglik", Ok(best.log_likelihood), amount(1e-2))
        }));
    }
    records.push(Case::record(file.clone(), |case| {
        case.near_at("tau_b", Ok(ranked.tau()), either(1e-12))?;
        case.near_at("rho_from_tau", Ok(ranked.rho_of_tau()), either(1e-12))?;
        case.near_at("nu_profile_mle", Ok(by_tau.nu), amount(1e-2))?;
        case.near_at("loglik", Ok(by_tau.log_likelihood), amount(1e-2))?;
        // As far as it hangs on the degrees of freedom, as near as those.
        case.near_at("lambda_tail", tail_dependence(by_tau.rho, by_tau.nu), amount(1e-3))?;
        for (name, leaf) in case.at.entries()? {
            let Some(nu) = name.strip_prefix("loglik_at_nu").and_then(|nu| nu.parse().ok()) else { continue };
            case.near(&leaf, ranked.log_likelihood(ranked.rho_of_tau(), nu), amount(1e-2));
        }
        Ok(())
    }));
    Ok(records)
}
