//! Daily closes of two coins: volatility, value at risk and its tests, margins, tails.

use super::tables::unfit;
use super::{Case, Folders, Within, amount, describe, either, number, share, skipped};
use plimsoll_io::vectors::{Fault, Input, Record};
use plimsoll_risk::Unfit;
use plimsoll_risk::backtest::{accepted, backtest, basel};
use plimsoll_risk::bars::log_returns;
use plimsoll_risk::extremes::{fit, hill, quantile};
use plimsoll_risk::loss::{AtRisk, Method, rolling};
use plimsoll_risk::margin::{Base, Costs, Measure, Tool, margins as schedule, procyclicality};
use plimsoll_risk::volatility::{annual, ewma as variances, ewma_covariance};

/// Days of a year of what trades every day.
const YEAR: f64 = 365.0;
/// Losses that forecasts look back on.
const WINDOW: usize = 500;
const DECAY: f64 = 0.94;

/// The last hourly close of each day.
pub(super) struct Daily {
    table: super::tables::Table,
}

pub(super) fn daily(folders: &Folders) -> Result<Daily, Fault> {
    Ok(Daily { table: folders.table("daily_close_btc_eth.csv")? })
}

impl Daily {
    pub(super) fn returns(&self, coin: &str) -> Result<Vec<f64>, Fault> {
        log_returns(&self.table.column(coin)?).map_err(unfit("daily closes"))
    }

    /// The days, counted from 1970. The first has no return.
    fn days(&self) -> Result<Vec<f64>, Fault> {
        self.table.column("epoch_day")
    }

    /// The columns that are coins.
    fn has(&self, name: &str) -> bool {
        name != "epoch_day" && self.table.names().iter().any(|column| column == name)
    }
}

/// The daily closes, or the file as one record that is skipped.
fn with_daily(
    file: &Input<'_>,
    folders: &Folders,
    check: impl FnOnce(&Daily) -> Result<Vec<Record>, Fault>,
) -> Result<Vec<Record>, Fault> {
    describe(file);
    match daily(folders) {
        Ok(daily) => check(&daily),
        Err(fault) => Ok(vec![skipped(file.clone(), fault)]),
    }
}

pub(super) fn ewma(file: &Input<'_>, folders: &Folders) -> Result<Vec<Record>, Fault> {
    with_daily(file, folders, |daily| {
        let decay = number(&file.get("lambda")?)?;
        let days = daily.days()?;
        let mut records = Vec::new();
        let mut of_coins = Vec::new();
        for (coin, at) in file.entries()?.into_iter().filter(|(name, _)| daily.has(name)) {
            let returns = daily.returns(coin)?;
            // One a day: what is expected after its close.
            let found = variances(&returns, decay).map_err(unfit("daily closes"))?;
            records.push(Case::record(at, |case| volatility(case, &found, &days)));
            of_coins.push((returns, found));
        }
        if let (Some(list), [(first, variances1), (second, variances2)]) =
            (file.maybe("ewma_corr_last5"), of_coins.as_slice())
        {
            let together = ewma_covariance(first, second, decay).map_err(unfit("daily closes"))?;
            let deviations = variances1.iter().zip(variances2).map(|(a, b)| (a * b).sqrt());
            let found: Vec<f64> =
                together.iter().zip(deviations).map(|(both, product)| both / product).collect();
            records.push(Case::record(list, |case| {
                case.near_list(&case.at.clone(), &found[found.len() - 5..], either(1e-12))
            }));
        }
        Ok(records)
    })
}

fn volatility(case: &mut Case<'_>, found: &[f64], days: &[f64]) -> Result<(), Fault> {
    let within = either(1e-12);
    case.near_list(&case.at.get("var_first5")?, &found[..5], within)?;
    case.near_list(&case.at.get("var_last5")?, &found[found.len() - 5..], within)?;
    case.near_at("ann_vol_last", Ok(annual(found[found.len() - 1], YEAR)), within)?;
    let (day, highest) =
        found.iter().zip(days).fold((f64::NAN, f64::NEG_INFINITY), |best, (variance, day)| {
            if *variance > best.1 { (*day, *variance) } else { best }
        });
    case.near_at("max_ann_vol", Ok(annual(highest, YEAR)), within)?;
    case.equal_at("argmax_day", day)
}

/// Names say coin, method and level: `btc_FHS_EWMA94_0.99`.
pub(super) fn backtests(file: &Input<'_>, folders: &Folders) -> Result<Vec<Record>, Fault> {
    let mut records = tables_of_tests(file)?;
    describe(file);
    let Some(models) = file.maybe("models") else { return Ok(records) };
    let daily = match daily(folders) {
        Ok(daily) => daily,
        Err(fault) => {
            records.push(skipped(models, fault));
            return Ok(records);
        }
    };
    let days = daily.days()?;
    for (name, at) in models.entries()? {
        let asked = name.split_once('_').and_then(|(coin, rest)| {
            let (method, level) = rest.rsplit_once('_')?;
            let method = match method {
                "HS" => Method::Historical,
                "FHS_EWMA94" => Method::Filtered { decay: DECAY },
                "EWMA_normal" => Method::EwmaNormal { decay: DECAY },
                _ => return None,
            };
            Some((coin, method, level.parse::<f64>().ok()?))
        });
        let Some((coin, method, level)) = asked else { continue };
        let returns = daily.returns(coin)?;
        records.push(Case::record(at, |case| forecasts(case, &returns, &days, (method, level))));
    }
    Ok(records)
}

fn forecasts(
    case: &mut Case<'_>,
    returns: &[f64],
    days: &[f64],
    (method, level): (Method, f64),
) -> Result<(), Fault> {
    let fault = unfit("daily closes");
    let forecasts = rolling(returns, WINDOW, level, method).map_err(&fault)?;
    let losses: Vec<f64> = returns[WINDOW..].iter().map(|r| -r).collect();
    let tested = backtest(&losses, &forecasts, level).map_err(&fault)?;
    case.equal_at("n", tested.steps)?;
    case.equal_at("exceedances", tested.exceeded.len())?;
    for (name, count) in ["n00", "n01", "n10", "n11"].into_iter().zip(tested.pairs) {
        case.equal_at(name, count)?;
    }
    let near = either(1e-9);
    let statistics = [
        ("LR_uc", tested.coverage.statistic),
        ("p_uc", tested.coverage.p),
        ("LR_ind", tested.independence.statistic),
        ("p_ind", tested.independence.p),
        ("LR_cc", tested.conditional.statistic),
        ("p_cc", tested.conditional.p),
        ("Z2_acerbi_szekely", tested.shortfall),
    ];
    for (name, found) in statistics {
        case.near_at(name, Ok(found), near)?;
    }
    let values = |forecasts: &[AtRisk]| forecasts.iter().map(|at| at.value).collect::<Vec<f64>>();
    let last = &forecasts[forecasts.len() - 3..];
    case.near_list(&case.at.get("VaR_first3")?, &values(&forecasts[..3]), near)?;
    case.near_list(&case.at.get("VaR_last3")?, &values(last), near)?;
    let shortfalls: Vec<f64> = last.iter().map(|at| at.shortfall).collect();
    case.near_list(&case.at.get("ES_last3")?, &shortfalls, near)?;
    let all = values(&forecasts);
    let (most, least) =
        all.iter().fold((0.0_f64, f64::INFINITY), |(most, least), v| (most.max(*v), least.min(*v)));
    case.near_at("VaR_max", Ok(most), near)?;
    case.near_at("VaR_min", Ok(least), near)?;
    case.near_at("peak_to_trough", Ok(most / least), near)?;
    case.near_at("mean_VaR", Ok(all.iter().sum::<f64>() / all.len() as f64), near)?;
    let exceeded: Vec<f64> = tested.exceeded.iter().map(|step| days[WINDOW + 1 + step]).collect();
    case.near_list(&case.at.get("exceed_days")?, &exceeded, super::EXACT)
}

/// Kupiec's regions and the Basel Committee's table, which need no data.
fn tables_of_tests(file: &Input<'_>) -> Result<Vec<Record>, Fault> {
    let mut records = Vec::new();
    for row in file.maybe("kupiec_regions_95pct_test").map_or(Ok(Vec::new()), |rows| rows.items())? {
        records.push(Case::record(row, |case| {
            let (steps, share) = (case.at.get("T")?.u64()?, case.number("p")?);
            let (least, most) = accepted(steps, 1.0 - share).map_err(unfit("T and p"))?;
            case.equal_at("accept_min", least)?;
            case.equal_at("accept_max", most)
        }));
    }
    if let Some(list) = file.maybe("basel_cum_prob_250_99") {
        records.push(Case::record(list, |case| {
            for (exceeded, leaf) in (0..).zip(case.at.items()?) {
                case.near(&leaf, basel(exceeded, 250, 0.99).map(|(at_most, _)| at_most), either(1e-9));
            }
            Ok(())
        }));
    }
    Ok(records)
}

/// Names say coin and tool: `eth_buffer25_exhaustible`.
pub(super) fn margins(file: &Input<'_>, folders: &Folders) -> Result<Vec<Record>, Fault> {
    with_daily(file, folders, |daily| {
        let mut records = Vec::new();
        for (name, at) in file.get("rows")?.entries()? {
            let asked = name.split_once('_').and_then(|(coin, tool)| {
                let tool = match tool {
                    "base" => Tool::Base,
                    "floor" => Tool::Floor,
                    "stressed25" => Tool::Stressed,
                    "buffer25_exhaustible" => Tool::Buffer,
                    _ => return None,
                };
                Some((coin, tool))
            });
            let Some((coin, tool)) = asked else { continue };
            let returns = daily.returns(coin)?;
            records.push(Case::record(at, |case| {
                let base = Base {
                    level: 0.99,
                    window: WINDOW,
                    decay: DECAY,
                    horizon: 1,
                    measure: Measure::Value,
                    costs: Costs::Logarithm,
                };
                let margins = schedule(&returns, base, tool).map_err(unfit("daily closes"))?;
                let losses: Vec<f64> = returns[WINDOW..].iter().map(|r| -r).collect();
                let did = procyclicality(&margins, &losses).map_err(unfit("daily closes"))?;
                let near = either(1e-6);
                case.near_at("peak_to_trough", Ok(did.peak_to_trough), near)?;
                case.near_at("max_1d_rise", Ok(did.rise_1), near)?;
                case.near_at("max_5d_rise", Ok(did.rise_5), near)?;
                case.near_at("mean_margin", Ok(did.mean), near)?;
                case.equal_at("breaches", did.breaches)?;
                case.equal_at("n", margins.len())
            }));
        }
        Ok(records)
    })
}

/// Losses of bitcoin above their 95th hundredth.
pub(super) fn tails(file: &Input<'_>, folders: &Folders) -> Result<Vec<Record>, Fault> {
    with_daily(file, folders, |daily| {
        let losses: Vec<f64> = daily.returns("btc")?.iter().map(|r| -r).collect();
        let fault = unfit("daily closes");
        let threshold = quantile(&losses, 0.95).map_err(&fault)?;
        let tail = fit(&losses, threshold).map_err(&fault)?;
        let rounded: Within = share(1e-3);
        Ok(vec![Case::record(file.clone(), |case| {
            case.near_at("u", Ok(threshold), either(1e-12))?;
            case.equal_at("n", tail.losses)?;
            case.equal_at("nu", tail.exceeding)?;
            case.near_at("xi", Ok(tail.xi), amount(1e-3))?;
            case.near_at("beta", Ok(tail.beta), amount(1e-3))?;
            case.near_at("loglik", Ok(tail.log_likelihood), amount(1e-3))?;
            for (name, leaf) in case.at.entries()? {
                let found: Option<Result<f64, Unfit>> = if let Some(level) = name.strip_prefix("VaR_") {
                    level.parse().ok().map(|level| tail.value_at_risk(level))
                } else if let Some(level) = name.strip_prefix("ES_") {
                    level.parse().ok().map(|level| tail.expected_shortfall(level))
                } else if let Some(largest) = name.strip_prefix("hill_alpha_k") {
                    largest.parse().ok().map(|largest| hill(&losses, largest))
                } else {
                    None
                };
                let within = if name.starts_with("hill") { either(1e-9) } else { rounded };
                if let Some(found) = found {
                    case.near(&leaf, found, within);
                }
            }
            Ok(())
        })])
    })
}
