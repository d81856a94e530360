//! Which column is what: `account=user,collateral.STETH=collateral,debt.USD=debt,threshold=threshold`.

use crate::book::venue::{SIDES, Side};
use crate::fault::{Code, Log, nearest, quoted};
use crate::table::Row;
use std::fmt;

/// What the left sides of a map may be.
const TARGETS: &[&str] = &["account", "owner", "mode", "threshold", "ltv"];

/// A column map, before it has met a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// Target and column, in order.
    pairs: Vec<(String, String)>,
}

/// Why a text is no column map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapError {
    /// The part that is none.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {:?}, expected {}", Code::BadMap.name(), self.found, self.expected)
    }
}

impl std::error::Error for MapError {}

impl Map {
    /// Reads `target=column` pairs with commas between; several texts add up.
    ///
    /// # Errors
    /// When a part is no pair, a target is unknown, or the account is missing.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Map, MapError> {
        let mut map = Map::default();
        for part in texts.into_iter().flat_map(|text| text.split(',')) {
            let error = |expected: &str| MapError { found: part.to_string(), expected: expected.to_string() };
            let (target, column) = part.split_once('=').ok_or_else(|| error("target=column"))?;
            let (target, column) = (target.trim(), column.trim());
            if !TARGETS.contains(&target) && amount(target, 0).is_none() {
                let known = TARGETS.iter().copied().chain(SIDES.iter().map(|(side, _)| *side));
                let hint =
                    nearest(target, known).map_or(String::new(), |near| format!("; did you mean {near}?"));
                let targets = "a target: account, owner, mode, threshold, ltv, collateral.ASSET, supply.ASSET, debt.ASSET";
                return Err(error(&format!("{targets}{hint}")));
            }
            if TARGETS.contains(&target) && map.pairs.iter().any(|(other, _)| other == target) {
                return Err(error("each target once"));
            }
            // Different columns of one holding add up; the same one would be counted twice.
            let asset = |target: &str| amount(target, 0).map(|amount| amount.asset);
            let again = |(other, name): &(String, String)| {
                *name == column && asset(other).is_some() && asset(other) == asset(target)
            };
            if map.pairs.iter().any(again) {
                return Err(error("each column of an asset once"));
            }
            map.pairs.push((target.to_string(), column.to_string()));
        }
        if !map.pairs.iter().any(|(target, _)| target == "account") {
            return Err(MapError { found: "no account".into(), expected: "account=COLUMN".into() });
        }
        if !map.pairs.iter().any(|(target, _)| amount(target, 0).is_some()) {
            let expected = "an amount such as collateral.ASSET=COLUMN";
            return Err(MapError { found: "no amounts".into(), expected: expected.into() });
        }
        Ok(map)
    }

    /// Finds the columns in a table's header.
    pub(super) fn columns(&self, header: &Row<'_>, log: &mut Log) -> Option<Columns> {
        let mut columns = Columns::default();
        let before = log.count();
        for (target, name) in &self.pairs {
            let mut places = header.cells.iter().enumerate().filter(|(_, cell)| cell.text.trim() == *name);
            let Some((at, cell)) = places.next() else {
                let names: Vec<&str> = header.cells.iter().map(|cell| cell.text.trim()).collect();
                let expected = format!("one of the columns {}", names.join(", "));
                let fault = log.file(Code::BadMap, "the map", format!("{target}={name}"), expected);
                if let Some(near) = nearest(name, names) {
                    fault.help(format!("did you mean `{near}`?"));
                }
                continue;
            };
            if let Some((_, again)) = places.next() {
                log.at(Code::DuplicateColumn, again.span, quoted(&cell.text), "each mapped column once");
            }
            match target.as_str() {
                "account" => columns.account = at,
                "owner" => columns.owner = Some(at),
                "mode" => columns.mode = Some(at),
                "threshold" => columns.threshold = Some(at),
                "ltv" => columns.ltv = Some(at),
                target => columns.amounts.extend(amount(target, at)),
            }
        }
        let classed = columns.threshold.is_some();
        for amount in &mut columns.amounts {
            amount.classed = classed && amount.side != Side::Debt;
        }
        if columns.ltv.is_some() && !classed {
            log.file(Code::BadMap, "the map", "ltv without threshold", "a threshold beside it");
        }
        (log.count() == before).then_some(columns)
    }
}

/// An amount's target: `collateral.ASSET`, with `:raw` or the like for another unit than whole tokens.
fn amount(target: &str, column: usize) -> Option<Amount> {
    let (kind, asset) = target.split_once('.')?;
    let (asset, unit) = asset.split_once(':').unwrap_or((asset, "token"));
    let &(kind, side) = SIDES.iter().find(|(word, _)| *word == kind)?;
    let known = matches!(unit, "token" | "raw" | "scaled" | "shares") && !asset.is_empty();
    known.then(|| Amount { column, side, kind, asset: asset.into(), unit: unit.into(), classed: false })
}

/// Where a table has what.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub(super) account: usize,
    pub(super) owner: Option<usize>,
    pub(super) mode: Option<usize>,
    pub(super) threshold: Option<usize>,
    pub(super) ltv: Option<usize>,
    pub(super) amounts: Vec<Amount>,
}

/// A column of amounts.
#[derive(Clone, Debug)]
pub(super) struct Amount {
    pub(super) column: usize,
    pub(super) side: Side,
    pub(super) kind: &'static str,
    pub(super) asset: String,
    pub(super) unit: String,
    /// Its asset is a class of its own for each threshold.
    pub(super) classed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_pairs_of_known_targets() {
        let cases = [
            ("account=user,collateral.STETH=coll,debt.USD=debt", Ok(3)),
            ("account=user, supply.USDC:raw = x", Ok(2)),
            ("account=user,collateral.STETH=a,collateral.STETH=b", Ok(3)),
            ("account=user,collateral.STETH=a,debt.USD=a", Ok(3)),
            ("account=user,collateral.STETH=a,collateral.STETH=a", Err("collateral.STETH=a")),
            ("account=user,collateral.STETH=a,supply.STETH=a", Err("supply.STETH=a")),
            ("account=user,debt.USD=a, debt.USD:raw = a", Err(" debt.USD:raw = a")),
            ("account=user", Err("no amounts")),
            ("collateral.STETH=coll", Err("no account")),
            ("account=user,account=other,debt.USD=d", Err("account=other")),
            ("acount=user,debt.USD=d", Err("acount=user")),
            ("account=user,debt=d", Err("debt=d")),
            ("account=user,debt.=d", Err("debt.=d")),
            ("account=user,debt.USD:wei=d", Err("debt.USD:wei=d")),
            ("account", Err("account")),
            ("", Err("")),
        ];
        for (text, expected) in cases {
            let found = Map::parse([text]).map(|map| map.pairs.len()).map_err(|error| error.found);
            assert_eq!(found, expected.map_err(str::to_string), "{text}");
        }
    }
}
