//! GARCH: the benchmark of the field, and daily returns of two coins, all in percent.

use super::series::{Daily, daily};
use super::{Case, Folders, amount, describe, share, skipped};
use plimsoll_io::vectors::{Fault, Input, Record};
use plimsoll_risk::Unfit;
use plimsoll_risk::garch::{Fit, Kind, Start, fit};

/// Names say the data, the model and the start value: `btc_gjr111_t`, `dem2gbp_default_backcast`.
pub(super) fn garch(file: &Input<'_>, folders: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let marks = folders.table("dem2gbp_fgarch.csv");
    let marks = marks.and_then(|table| match table.names() {
        [only] => table.column(only),
        _ => Err(file.fault("one column of returns")),
    });
    let coins = daily(folders);
    let mut records = Vec::new();
    for (name, at) in file.entries()? {
        if name == "dem2gbp_n" {
            continue; // read below: a leaf of the file itself
        }
        let Some(model) = Model::of(name) else { continue };
        let returns = match model.of {
            Data::Marks => marks.clone(),
            Data::Coin(coin) => coins.as_ref().map_err(Clone::clone).and_then(|daily| percent(daily, coin)),
        };
        records.push(match returns {
            Ok(returns) => Case::record(at, |case| compare(case, fit(&returns, model.kind, model.start))),
            Err(fault) => skipped(at, fault),
        });
    }
    let observed = marks.as_ref().ok().map(|marks| marks.len() as u64);
    if let (Some(count), Some(observed)) = (file.maybe("dem2gbp_n"), observed)
        && count.u64()? != observed
    {
        return Err(count.fault("the number of returns in dem2gbp_fgarch.csv"));
    }
    Ok(records)
}

fn percent(daily: &Daily, coin: &str) -> Result<Vec<f64>, Fault> {
    Ok(daily.returns(coin)?.iter().map(|r| 100.0 * r).collect())
}

enum Data<'n> {
    Marks,
    Coin(&'n str),
}

struct Model<'n> {
    of: Data<'n>,
    kind: Kind,
    start: Start,
}

impl Model<'_> {
    fn of(name: &str) -> Option<Model<'_>> {
        let normal = Kind { leverage: false, student: false };
        if let Some(rest) = name.strip_prefix("dem2gbp_") {
            let start = match rest {
                "default_backcast" => Start::Weighted,
                "backcast_mean_sq" => Start::MeanSquare,
                _ if rest.starts_with("benchmark_FCP") => Start::MeanSquareError,
                _ => return None,
            };
            return Some(Model { of: Data::Marks, kind: normal, start });
        }
        let (coin, model) = name.split_once('_')?;
        let kind = match model {
            "garch11_normal" => normal,
            "garch11_t" => Kind { student: true, ..normal },
            "gjr111_t" => Kind { student: true, leverage: true },
            _ => return None,
        };
        Some(Model { of: Data::Coin(coin), kind, start: Start::Weighted })
    }
}

/// Parameters have one name in the package and another in the published benchmark.
fn compare(case: &mut Case<'_>, fitted: Result<Fit, Unfit>) -> Result<(), Fault> {
    let fitted = match fitted {
        Ok(fitted) => fitted,
        Err(unfit) => return Err(super::tables::unfit("returns")(unfit)),
    };
    let p = fitted.parameters;
    let mut names = vec![("mu", p.mu), ("omega", p.omega), ("alpha[1]", p.alpha)];
    if fitted.kind.leverage {
        names.push(("gamma[1]", p.gamma));
    }
    names.push(("beta[1]", p.beta));
    if fitted.kind.student {
        names.push(("nu", p.nu));
    }
    let none = || Err(Unfit::NotFound("standard errors"));
    let named =
        |place: usize, list: &Option<Vec<f64>>| list.as_ref().map_or_else(none, |list| Ok(list[place]));
    let (classic, robust) = (fitted.errors.clone(), fitted.robust_errors.clone());
    for (group, at) in case.at.entries()? {
        let at = &at;
        match group {
            "params" => each(case, at, &names, |place| Ok(names[place].1), 1e-3)?,
            "se_classic" | "se_hessian" => each(case, at, &names, |place| named(place, &classic), 1e-2)?,
            "se_robust" => each(case, at, &names, |place| named(place, &robust), 1e-2)?,
            "loglik" => case.near(at, Ok(fitted.log_likelihood), amount(1e-3)),
            "aic" => case.near(at, Ok(2.0 * (names.len() as f64 - fitted.log_likelihood)), amount(2e-3)),
            "bic" => {
                let observations = (fitted.variances.len() - 1) as f64;
                let found = names.len() as f64 * observations.ln() - 2.0 * fitted.log_likelihood;
                case.near(at, Ok(found), amount(2e-3));
            }
            "cond_vol_first3" => {
                let found: Vec<f64> = fitted.variances.iter().take(3).map(|h| h.sqrt()).collect();
                case.near_list(at, &found, share(1e-3))?;
            }
            "cond_vol_last3" => {
                let last = fitted.variances.len() - 4..fitted.variances.len() - 1;
                let found: Vec<f64> = fitted.variances[last].iter().map(|h| h.sqrt()).collect();
                case.near_list(at, &found, share(1e-3))?;
            }
            "forecast_var_1_5" => case.near_list(at, &fitted.forecast(5), share(1e-3))?,
            // The benchmark has its parameters without a group. Any other name is skipped, and told.
            name => {
                if let Some((_, value)) = names.iter().find(|(known, _)| plain(known) == plain(name)) {
                    case.near(at, Ok(*value), share(1e-3));
                }
            }
        }
    }
    Ok(())
}

/// `alpha[1]` and `alpha1` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

fn each<'j>(
    case: &mut Case<'j>,
    group: &Input<'j>,
    names: &[(&str, f64)],
    found: impl Fn(usize) -> Result<f64, Unfit>,
    tolerance: f64,
) -> Result<(), Fault> {
    for (name, leaf) in group.entries()? {
        match names.iter().position(|(known, _)| plain(known) == plain(name)) {
            Some(place) => case.near(&leaf, found(place), share(tolerance)),
            None => return Err(leaf.fault("a parameter of the model")),
        }
    }
    Ok(())
}
