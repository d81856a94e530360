//! `derive/pmrm2`, `derive/pmrm2-params`: portfolios under scenarios, as the contract and its authors' own figures have them: within 1e-9 of
//! the greater of 1 and the number, and equal to the contract's where no option is held.

use super::super::{Answer, Fault, Input, Record};
use super::{DIGITS, TOO_LARGE, cases, decimal};
use plimsoll_core::Int;
use plimsoll_margin::black76::Right;
use plimsoll_margin::derive::{
    Collateral, Discount, FIRST_SCENARIO, Group, Held, Margin, Parameters, Perp, Portfolio, Scenario, Series,
    Shares, Skew, State, Vol, margin, risk_array,
};
use plimsoll_margin::fixed::ONE;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

const DAY: i128 = 86_400;
/// What the contract itself answered.
const CONTRACT: &str = "evm_1e18";
/// One part in 10^9.
const NEAR: u128 = 1_000_000_000;

pub(in super::super) fn portfolios(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    cases(&file, |case, answer| {
        case.labels(&["id", "max_err_vs_published"]);
        if let Some(gas) = case.maybe("gas") {
            gas.labels(&["addPrecomputes", "margin_all_scenarios"]); // what it cost to run
        }
        if let Some(disabled) = case.maybe("upstream_disabled")
            && disabled.bool()?
        {
            // A figure that its authors no longer stand by: its answers are skipped by name.
            case.get("inputs")?.read_all();
            return Ok(());
        }
        let inputs = case.get("inputs")?;
        let parameters = inputs.get("Parameters")?;
        let scenarios =
            parameters.get("Scenarios")?.items()?.iter().map(scenario).collect::<Result<Vec<_>, _>>()?;
        let parameters = read_parameters(&parameters)?;
        let held = Book::read(&inputs.get("Scenario")?, &parameters)?;
        let mut outcomes = vec![0; scenarios.len()];
        let found = held.margin(&scenarios, &parameters, &mut outcomes);
        let exact = held.options.is_empty();
        let found = found.map(|margin| (margin, outcomes));
        let all = scenarios.len();
        if let Some(contract) = case.maybe(CONTRACT) {
            let leaves = Leaves { answer, name: CONTRACT, digits: 0, exact };
            compare(leaves, &contract, found.as_ref(), all)?;
        }
        let margin = found.as_ref().map(|(margin, _)| margin);
        if let Some(restated) = case.maybe("restated") {
            lines(&mut Leaves { answer, name: "restated", digits: DIGITS, exact: false }, &restated, margin)?;
        }
        let published = case.get("published")?;
        let leaves = Leaves { answer, name: "published", digits: DIGITS, exact: false };
        compare(leaves, &published, found.as_ref(), all)
    })
}

/// Leaves of one answer: how its numbers are written, and whether they must be equalled.
struct Leaves<'a> {
    answer: &'a mut Answer,
    name: &'static str,
    /// Digits that turn what is written into units of 1e-18.
    digits: u8,
    exact: bool,
}

impl Leaves<'_> {
    fn compare(&mut self, path: &str, leaf: &Input<'_>, digits: u8, found: Option<i128>) {
        let path = format!("{}.{path}", self.name);
        let Some(found) = found else { return self.answer.judged(path, TOO_LARGE, false) };
        if self.exact {
            return self.answer.value(path, found);
        }
        let holds = leaf.scaled(digits).is_ok_and(|written| is_near(written, found));
        match digits {
            0 => self.answer.near(path, Int::new(found), holds),
            _ => self.answer.judged(path, decimal(found), holds),
        }
    }

    /// Compares the scenario that binds. Where options are held, another whose outcome is as near as a number must be binds as well.
    fn binding(&mut self, name: &str, leaf: &Input<'_>, found: Option<&(Margin, Vec<i128>)>) {
        let path = format!("{}.{name}", self.name);
        let Some((margin, outcomes)) = found else { return self.answer.judged(path, TOO_LARGE, false) };
        if self.exact {
            return self.answer.value(path, margin.scenario);
        }
        let named = leaf.u64().ok().and_then(|named| usize::try_from(named).ok());
        // After the scenarios comes the basis contingency.
        let outcome = |scenario: usize| outcomes.iter().chain([&margin.basis]).nth(scenario).copied();
        let ties = |named| outcome(named).zip(outcome(margin.scenario)).is_some_and(|(x, y)| is_near(x, y));
        let holds = named.is_some_and(|named| named == margin.scenario || ties(named));
        self.answer.near(path, Int::new(margin.scenario as i128), holds);
    }
}

/// Whether a number is within the tolerance of what is written.
fn is_near(written: i128, found: i128) -> bool {
    written.abs_diff(found) <= written.unsigned_abs().max(ONE.unsigned_abs()) / NEAR
}

/// Compares what is above both lines.
fn lines(leaves: &mut Leaves<'_>, out: &Input<'_>, margin: Option<&Margin>) -> Result<(), Fault> {
    let digits = leaves.digits;
    leaves.compare("MM", &out.get("MM")?, digits, margin.map(|margin| margin.maintenance));
    leaves.compare("IM", &out.get("IM")?, digits, margin.map(|margin| margin.initial));
    Ok(())
}

/// Compares every leaf of an answer.
fn compare(
    mut leaves: Leaves<'_>,
    out: &Input<'_>,
    found: Option<&(Margin, Vec<i128>)>,
    scenarios: usize,
) -> Result<(), Fault> {
    let (margin, digits) = (found.map(|(margin, _)| margin), leaves.digits);
    lines(&mut leaves, out, margin)?;
    // The contract's own answer names what it counts; published figures have two names for it.
    let value = ["mtm_plus_cash", "mtm", "PortfolioMTM"].into_iter().find(|value| out.maybe(value).is_some());
    let value = value.unwrap_or("mtm_plus_cash");
    leaves.compare(value, &out.get(value)?, digits, margin.map(|margin| margin.value));
    let list = out.get("scenario_pnl")?;
    let outcomes = list.items()?;
    if outcomes.len() != scenarios {
        return Err(list.fault("an outcome for each scenario"));
    }
    for (number, outcome) in outcomes.iter().enumerate() {
        // A published outcome without a point counts units of 10^-18.
        let whole = outcome.peek().as_str().is_some_and(|text| !text.contains('.'));
        let found = found.and_then(|(_, outcomes)| outcomes.get(number).copied());
        leaves.compare(&format!("scenario_pnl[{number}]"), outcome, if whole { 0 } else { digits }, found);
    }
    if leaves.name == CONTRACT {
        for name in ["worst_mm", "worst_im"] {
            leaves.binding(name, &out.get(name)?, found);
        }
    }
    Ok(())
}

fn number(of: &Input<'_>, name: &str) -> Result<i128, Fault> {
    of.get(name)?.scaled(DIGITS)
}

fn scenario(of: &Input<'_>) -> Result<Scenario, Fault> {
    let vol = of.get("VolShockDirection")?;
    let vol = match vol.text()? {
        "None" => Vol::Same,
        "Up" => Vol::Up,
        "Down" => Vol::Down,
        "LINEAR" => Vol::Linear,
        "ABS" => Vol::Absolute,
        _ => return Err(vol.fault("`None`, `Up`, `Down`, `LINEAR` or `ABS`")),
    };
    Ok(Scenario { spot: number(of, "SpotShock")?, vol, dampening: number(of, "DampeningFactor")? })
}

fn read_parameters(of: &Input<'_>) -> Result<Parameters, Fault> {
    let (vol, skew, margin) = (of.get("VolShock")?, of.get("SkewShock")?, of.get("Margin")?);
    let (basis, other) = (of.get("BasisContingency")?, of.get("OtherContingency")?);
    // Of the manager for everyday use, which this is not.
    other.labels(&["IM_PERP_PERCENT_NORMAL", "IM_OPTION_PERCENT_NORMAL"]);
    let discount = |[base, rate, add]: [&str; 3]| -> Result<Discount, Fault> {
        Ok(Discount {
            base: number(&margin, base)?,
            rate: number(&margin, rate)?,
            add: number(&margin, add)?,
        })
    };
    let shares = |of: &Input<'_>, [maintenance, initial]: [&str; 2]| -> Result<Shares, Fault> {
        Ok(Shares { maintenance: number(of, maintenance)?, initial: number(of, initial)? })
    };
    let days = vol.get("DTE_FLOOR")?;
    let least_seconds = days.scaled(DIGITS)?.checked_mul(DAY).map(|seconds| seconds / ONE);
    Ok(Parameters {
        range_up: number(&vol, "VOLRANGEUP")?,
        range_down: number(&vol, "VOLRANGEDOWN")?,
        least_vol: number(&vol, "MIN_VOL_EVAL_SHOCKED")?,
        short_power: number(&vol, "SHORTTERMPOWER")?,
        long_power: number(&vol, "LONGTERMPOWER")?,
        least_seconds: least_seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .ok_or_else(|| days.fault("days"))?,
        linear: Skew { cap: number(&skew, "LINEAR_SCALE_CAP")?, base: number(&skew, "LINEAR_CBASE")? },
        absolute: Skew { cap: number(&skew, "ABS_SCALE_CAP")?, base: number(&skew, "ABS_CBASE")? },
        least_width: number(&skew, "MIN_K_STAR")?,
        width: number(&skew, "MIN_WIDTH_SCALE")?,
        width_vol: number(&skew, "VOL_PARAM_STATIC")?,
        width_vol_growth: number(&skew, "VOL_PARAM_SCALE")?,
        long: discount(["BASE_STATIC_DISCOUNT", "LONG_RATE_MULTSCALE", "LONG_RATE_ADDSCALE"])?,
        short: discount(["BASE_STATIC_DISCOUNT_NEG", "SHORT_RATE_MULTSCALE", "SHORT_RATE_ADDSCALE"])?,
        factors: shares(&margin, ["MM_LOSS_FACTOR", "IM_LOSS_FACTOR"])?,
        basis_up: number(&basis, "SCENARIO_SPOT_UP")?,
        basis_down: number(&basis, "SCENARIO_SPOT_DOWN")?,
        basis_add: number(&basis, "BASIS_CONT_ADD_FACTOR")?,
        basis_per_year: number(&basis, "BASIS_CONT_MULT_FACTOR")?,
        options: shares(&other, ["MM_OPTION_PERCENT", "IM_OPTION_PERCENT"])?,
        perp: shares(&other, ["MM_PERP_PERCENT", "IM_PERP_PERCENT"])?,
        peg_threshold: number(&other, "PEG_LOSS_THRESHOLD")?,
        peg_factor: number(&other, "PEG_LOSS_FACTOR")?,
        confidence_threshold: number(&other, "CONF_THRESHOLD")?,
        confidence_factor: number(&other, "CONF_MARGIN")?,
    })
}

/// What is held, as read; the columns of options are made when the scenarios are known.
struct Book {
    spot: i128,
    confidence: i128,
    stable: i128,
    cash: i128,
    perp: Option<Perp>,
    collateral: Vec<Collateral>,
    /// By seconds to their expiry.
    options: BTreeMap<u64, Expiry>,
}

/// The options of one expiry.
struct Expiry {
    /// None where a number does not fit.
    state: Option<State>,
    /// Series and how many of it.
    held: Vec<(Series, i128)>,
}

impl Book {
    fn read(of: &Input<'_>, parameters: &Parameters) -> Result<Book, Fault> {
        of.labels(&["StableConfidence", "LastEntryPrice", "FundingIndex", "SystemFundingIndex"]);
        let perp = Perp {
            amount: number(of, "NumPerps")?,
            price: number(of, "PerpPrice")?,
            confidence: number(of, "PerpConfidence")?,
            unsettled: number(of, "UnrealisedPerpPNL")?.saturating_add(number(of, "UnrealisedFunding")?),
        };
        let feeds = of.get("OptionFeeds")?.items()?;
        let mut options: BTreeMap<u64, Expiry> = BTreeMap::new();
        for option in of.get("Options")?.items()? {
            option.labels(&["ExiryTs", "MarkDiscount", "k", "linear_mult_cap", "abs_mult_cap", "k_star"]);
            option.labels(&["linear_multiplier", "abs_multiplier"]);
            let expiry = option.get("Expiry")?;
            let seconds = expiry.u64()?;
            let right = match option.get("IsCall")?.u64()? {
                0 => Right::Put,
                _ => Right::Call,
            };
            let vol = number(&option, "MarkVol")?;
            let series = Series { strike: number(&option, "Strike")?, right, vol };
            let held = (series, number(&option, "Amount")?);
            match options.entry(seconds) {
                Entry::Occupied(mut there) => there.get_mut().held.push(held),
                Entry::Vacant(place) => {
                    let feed = feeds.iter().find(|feed| is_of(feed, seconds));
                    let feed = feed.ok_or_else(|| expiry.fault("an expiry with a feed"))?;
                    place.insert(Expiry { state: state(feed, seconds, parameters)?, held: vec![held] });
                }
            }
        }
        for feed in &feeds {
            // The surface that volatilities were read from stands beside each.
            feed.get("SVIparam")?.read_all();
            state(feed, feed.get("FeedExpiry")?.u64()?, parameters)?;
        }
        for Expiry { held, .. } in options.values_mut() {
            held.sort_by_key(|(series, _)| series.strike);
        }
        Ok(Book {
            spot: number(of, "SpotPrice")?,
            confidence: number(of, "SpotConfidence")?,
            stable: number(of, "StablePrice")?,
            cash: number(of, "Cash")?,
            perp: Some(perp).filter(|perp| perp.amount != 0),
            collateral: of
                .get("Collaterals")?
                .items()?
                .iter()
                .map(collateral)
                .collect::<Result<Vec<_>, _>>()?,
            options,
        })
    }

    /// The margin; `None` where a number does not fit.
    fn margin(
        &self,
        scenarios: &[Scenario],
        parameters: &Parameters,
        outcomes: &mut [i128],
    ) -> Option<Margin> {
        let mut columns = Vec::new();
        for Expiry { state, held } in self.options.values() {
            for (series, _) in held {
                let mut array = vec![0; scenarios.len() + FIRST_SCENARIO];
                risk_array(series, state.as_ref()?, scenarios, parameters, &mut array)?;
                columns.push(array);
            }
        }
        let mut columns = columns.iter();
        let mut held = Vec::new();
        for Expiry { state, held: options } in self.options.values() {
            let options = options.iter().map(|(series, amount)| {
                Some(Held { amount: *amount, strike: series.strike, columns: columns.next()? })
            });
            held.push((state.as_ref()?, options.collect::<Option<Vec<_>>>()?));
        }
        let groups: Vec<Group<'_>> = held.iter().map(|(state, held)| Group { state, held }).collect();
        let portfolio = Portfolio {
            spot: self.spot,
            confidence: self.confidence,
            stable: self.stable,
            cash: self.cash,
            perp: self.perp,
            groups: &groups,
            collateral: &self.collateral,
        };
        margin(&portfolio, scenarios, parameters, outcomes)
    }
}

fn is_of(feed: &Input<'_>, seconds: u64) -> bool {
    feed.get("FeedExpiry").and_then(|expiry| expiry.u64()).is_ok_and(|expiry| expiry == seconds)
}

/// The state of an expiry; `None` inside where a number does not fit.
fn state(feed: &Input<'_>, seconds: u64, parameters: &Parameters) -> Result<Option<State>, Fault> {
    let [forward, rate] = [number(feed, "Forward")?, number(feed, "Rate")?];
    let confidences =
        ["ForwardConfidence", "RateConfidence", "OptionVolConfidences"].map(|name| number(feed, name));
    let [one, two, three] = confidences;
    Ok(State::new(seconds, forward, rate, one?.min(two?).min(three?), parameters))
}

fn collateral(of: &Input<'_>) -> Result<Collateral, Fault> {
    of.labels(&["Name", "ConfidenceFactor"]);
    Ok(Collateral {
        amount: number(of, "Amount")?,
        price: number(of, "Price")?,
        confidence: number(of, "Confidence")?,
        cancels_risk: of.get("IsRiskCancelling")?.bool()?,
        maintenance: number(of, "MMHaircut")?,
        initial: number(of, "IMHaircut")?,
    })
}
