//! Pools in whole numbers, and schedules of sales: StableSwap, LLAMMA, Almgren and Chriss.

use super::{Case, Folders, Within, describe, number};
use plimsoll_core::depth::{Pool, Rule};
use plimsoll_core::{Decimal, U256};
use plimsoll_io::vectors::{Fault, Input, Record};
use plimsoll_sim::almgren_chriss::Sale;
use plimsoll_sim::llamma::{self, Edges, Side, Terms};
use std::collections::BTreeMap;

/// Figures that are computed and not rounded.
const COMPUTED: Within = Within { share: 1e-12, amount: 1e-12 };

/// What stands behind a name in a text such as `A=50, fee 0.04%`, up to the next separator.
fn said<'t>(leaf: &Input<'t>, name: &str, expected: &'static str) -> Result<&'t str, Fault> {
    let text = leaf.text()?;
    let behind = text.match_indices(name).find_map(|(at, _)| {
        let behind = text[at + name.len()..].trim_start();
        let end = behind.find(|c: char| !(c.is_ascii_digit() || ".-+/e".contains(c))).unwrap_or(behind.len());
        let word = behind[..end].trim_end_matches('.');
        (!word.is_empty()).then_some(word)
    });
    behind.ok_or_else(|| leaf.fault(expected))
}

/// A number of a text, as an integer of so many decimals.
fn scaled(leaf: &Input<'_>, name: &str, decimals: u8, expected: &'static str) -> Result<U256, Fault> {
    let word = said(leaf, name, expected)?;
    let value: Option<Decimal> = word.parse().ok();
    value.and_then(|value| value.scaled_amount(decimals).ok()).ok_or_else(|| leaf.fault(expected))
}

/// Whole tokens of 18 digits.
fn tokens(whole: u128) -> Option<U256> {
    U256::new(whole).mul(U256::pow10(18)?)
}

/// What a StableSwap pool of ether and staked ether pays, by its reserves.
pub(super) fn stable_swap(file: &Input<'_>, _: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let assumed = file.get("assumed")?;
    let a = scaled(&assumed, "A=", 0, "an amplification, as A=50")?;
    // Percent, so two more than 18 digits.
    let fee = scaled(&assumed, "fee", 16, "a fee in percent, as fee 0.04%")?;
    let rows = file.get("rows")?.items()?.into_iter();
    Ok(rows
        .map(|row| {
            Case::record(row, |case| {
                case.at.labels(&["ts"]);
                let reserves = vec![case.at.get("eth")?.u256()?, case.at.get("steth")?.u256()?];
                let pool = Pool { rule: Rule::StableSwap(a), reserves, fee };
                for (name, sold) in [("out_eth_for_1_steth", 1), ("out_eth_for_10000_steth", 10_000)] {
                    let paid = tokens(sold).and_then(|sold| pool.pays(1, 0, sold));
                    case.equal_at(name, paid.map_or("no such sale".into(), |paid| paid.to_string()))?;
                }
                Ok(())
            })
        })
        .collect())
}

/// A pool of soft liquidation while an arbitrageur follows its oracle.
pub(super) fn llamma(file: &Input<'_>, _: &Folders) -> Result<Vec<Record>, Fault> {
    file.labels(&["schema", "python_seconds_per_arb"]);
    let source = file.get("source")?;
    let expected = "words that say fee, A, base price, the deposit and its bands";
    let decimal = |name, decimals| scaled(&source, name, decimals, expected);
    let small = |name| decimal(name, 0)?.to_u64().ok_or_else(|| source.fault(expected));
    let terms = Terms {
        a: small(" A=")?,
        base: decimal("base price", 18)?,
        fee: decimal("fee", 18)?,
        admin: U256::ZERO,
        edges: Edges::Doubles,
    };
    let bands = said(&source, "in bands", expected)?;
    let (first, last) = bands.split_once("..").ok_or_else(|| source.fault(expected))?;
    let band = |text: &str| text.parse().map_err(|_| source.fault(expected));
    let (first, last): (i64, i64) = (band(first)?, band(last)?);
    // The deposit stands before its words: ", 10 collateral in bands".
    let deposit =
        source.text()?.split(" collateral in bands").next().and_then(|text| text.rsplit(' ').next());
    let deposit =
        deposit.and_then(|text| text.parse::<Decimal>().ok()).and_then(|it| it.scaled_amount(18).ok());
    let deposit = deposit.ok_or_else(|| source.fault(expected))?;
    let refused = |refused: llamma::Refused| Fault::Shape {
        path: source.path().into(),
        found: refused.to_string(),
        expected: "a pool that can be",
    };
    let mut pool = llamma::Pool::new(terms, terms.base, 0).map_err(refused)?;
    pool.deposit(USER, deposit, first, last).map_err(refused)?;
    let mut records = Vec::new();
    for (number, step) in (1_u64..).zip(file.get("steps")?.items()?) {
        records.push(Case::record(step, |case| step_of(case, &mut pool, number * SECONDS)));
    }
    Ok(records)
}

const USER: u64 = 1;
/// Between two steps, by the file's words: no fee of a change is left then.
const SECONDS: u64 = 100_000;

fn step_of(case: &mut Case<'_>, pool: &mut llamma::Pool, at: u64) -> Result<(), Fault> {
    let step = case.at.items()?;
    let overflow = || case.at.fault("numbers that fit 256 bits");
    match step.as_slice() {
        [word, state] => {
            if word.text()? != "deposit" {
                return Err(word.fault("deposit"));
            }
            same(case, state, pool)
        }
        [price, amount, pump, state] => {
            let price: Option<Decimal> = number(price)?.to_string().parse().ok();
            let price = price.and_then(|price| price.scaled_amount(18).ok()).ok_or_else(overflow)?;
            pool.observe(price, at).map_err(|_| overflow())?;
            let (offered, side) = pool.towards(price).ok_or_else(overflow)?;
            let (place, pumped) = (case.place(amount), case.place(pump));
            case.answer.value(place, offered);
            case.answer.value(pumped, side == Side::Stable);
            pool.swap(side, offered).map_err(|_| overflow())?;
            same(case, state, pool)
        }
        _ => Err(case.at.fault("a deposit and its state, or price, amount, direction and state")),
    }
}

/// Compares the state of a pool with one that is written.
fn same(case: &mut Case<'_>, state: &Input<'_>, pool: &llamma::Pool) -> Result<(), Fault> {
    let at = case.place(state);
    let mut tell = |name: &str, found: Option<U256>| {
        let found = found.map_or("does not fit".to_string(), |found| found.to_string());
        case.answer.value(format!("{at}.{name}"), found);
    };
    tell("p_oracle", Some(pool.oracle()));
    tell("get_p", pool.price());
    tell("x_down", pool.stable_down(USER));
    tell("y_up", pool.collateral_up(USER));
    for side in 0..2 {
        tell(&format!("xy_user[{side}]"), pool.held(USER).map(|held| held[side]));
    }
    case.answer.value(format!("{at}.active_band"), pool.active());
    for (name, held) in [("bands_x", pool.stable()), ("bands_y", pool.collateral())] {
        let mut bands: BTreeMap<String, U256> = held
            .iter()
            .filter(|(_, held)| **held != U256::ZERO)
            .map(|(n, held)| (n.to_string(), *held))
            .collect();
        for (band, _) in state.get(name)?.entries()? {
            bands.entry(band.into()).or_default();
        }
        for (band, held) in bands {
            case.answer.value(format!("{at}.{name}.{band}"), held);
        }
    }
    Ok(())
}

/// Schedules of Almgren and Chriss, parameters in one line: `S0=50 X=1e6 T=5d N=5 sigma=.95 eps=1/16 gamma=2.5e-7 eta=2.5e-6`.
pub(super) fn almgren_chriss(file: &Input<'_>, _: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let params = file.get("params")?;
    let expected = "X, T, N, sigma, eps, gamma and eta";
    let read = |name: &str| -> Result<f64, Fault> {
        let word = said(&params, name, expected)?;
        let value = match word.split_once('/') {
            Some((above, below)) => {
                above.parse::<f64>().ok().zip(below.parse::<f64>().ok()).map(|(above, below)| above / below)
            }
            None => word.parse().ok(),
        };
        value.filter(|value: &f64| value.is_finite()).ok_or_else(|| params.fault(expected))
    };
    let sale = Sale {
        units: read(" X=")?,
        days: read(" T=")?,
        slices: read(" N=")? as u32,
        sigma: read(" sigma=")?,
        spread: read(" eps=")?,
        permanent: read(" gamma=")?,
        temporary: read(" eta=")?,
    };
    let rows = file.get("rows")?.items()?.into_iter();
    Ok(rows
        .map(|row| {
            Case::record(row, |case| {
                let aversion = case.number("lambda")?;
                let Some(found) = sale.schedule(aversion) else {
                    return Err(case.at.fault("a sale that has a best schedule"));
                };
                let figures = [
                    ("kappa", found.kappa),
                    ("half_life", found.half_life),
                    ("E", found.cost),
                    ("V", found.variance),
                    ("U", found.utility),
                ];
                for (name, value) in figures {
                    case.near_at(name, Ok(value), COMPUTED)?;
                }
                let lists = [(case.at.get("x")?, found.held), (case.at.get("n")?, found.sold)];
                for (list, values) in lists {
                    case.near_list(&list, &values, COMPUTED)?;
                }
                Ok(())
            })
        })
        .collect())
}
