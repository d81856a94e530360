//! SmartLTV, and points that fill a cube.

use super::{Case, EXACT, Folders, amount, describe, share};
use plimsoll_io::vectors::{Fault, Input, Record};
use plimsoll_risk::points::{Sobol, halton};
use plimsoll_risk::smart_ltv::SmartLtv;

pub(super) fn smart_ltv(file: &Input<'_>, _: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let rows = file.get("rows")?.items()?.into_iter();
    Ok(rows
        .map(|row| {
            Case::record(row, |case| {
                let rule = SmartLtv {
                    liquidity: case.number("l")?,
                    volatility: case.number("sigma")?,
                    cap: case.number("d")?,
                    bonus: case.number("beta")?,
                    confidence: case.number("clf")?,
                };
                // Published values are rounded; the others are computed.
                let published = case.at.maybe("source").is_some();
                case.at.labels(&["source"]);
                let within = if published { share(1e-6) } else { amount(1e-12) };
                case.near_at("ltv", rule.ratio(), within)
            })
        })
        .collect())
}

/// The first primes, which are Halton's bases.
const PRIMES: [u64; 16] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53];

/// Lists of points under names that begin with `first_` (Sobol's) or `halton_`.
pub(super) fn points(file: &Input<'_>, _: &Folders) -> Result<Vec<Record>, Fault> {
    describe(file);
    let mut records = Vec::new();
    for (name, list) in file.entries()? {
        let halton_list = name.starts_with("halton_");
        if !halton_list && !name.starts_with("first_") {
            continue;
        }
        for (index, point) in (0_u32..).zip(list.items()?) {
            let dimensions = point.items()?.len();
            records.push(Case::record(point, |case| {
                for (dimension, leaf) in case.at.items()?.iter().enumerate() {
                    let found = match PRIMES.get(dimension) {
                        Some(base) if halton_list => Ok(halton(index.into(), *base)),
                        None if halton_list => return Err(leaf.fault("at most 16 dimensions")),
                        _ => Sobol::new(dimensions).map(|sobol| sobol.at(index, dimension)),
                    };
                    case.near(leaf, found, EXACT);
                }
                Ok(())
            }));
        }
    }
    Ok(records)
}
