//! A derived price as a table.

use super::{WriteError, list, name, table, text, unsayable};
use crate::book::prices::ROUNDINGS;
use crate::tree::Value;
use plimsoll_core::{Decimal, Graph, Origin, PoolShare, Price, PriceId, RateCap, Rounding, U256, VaultShare};

/// The fields of a price that is not observed.
pub(super) fn fields(price: &Price, graph: &Graph) -> Result<Value, WriteError> {
    let leg = |id: &PriceId| {
        let name = graph.price(*id).map(|price| price.name.as_str());
        name.map(text).ok_or_else(|| unsayable("a price without its legs"))
    };
    let legs = |ids: &[PriceId]| ids.iter().map(leg).collect::<Result<Vec<_>, _>>().map(list);
    let mut fields = vec![("name", text(name(&price.name)?)), ("unit", text(&price.unit.to_string()))];
    fields.extend(match &price.origin {
        Origin::Feed(_) => Vec::new(),
        Origin::Constant(value) => vec![("constant", text(&value.to_string()))],
        Origin::Least { legs: ids } => vec![("least", legs(ids)?)],
        Origin::Greatest { legs: ids } => vec![("greatest", legs(ids)?)],
        Origin::Product { legs: ids, decimals, rounding } => {
            vec![("product", legs(ids)?), digits(*decimals), round(*rounding)?]
        }
        Origin::Quotient { of, by, decimals, rounding } => {
            let quotient = table(vec![("of", leg(of)?), ("by", leg(by)?)]);
            vec![("quotient", quotient), digits(*decimals), round(*rounding)?]
        }
        Origin::MulDiv { of, times, over, decimals, rounding } => {
            let rule = table(vec![("of", leg(of)?), ("times", leg(times)?), ("over", leg(over)?)]);
            vec![("mul_div", rule), digits(*decimals), round(*rounding)?]
        }
        Origin::RateCap(RateCap { of, snapshot, taken_at, growth, decimals }) => {
            let ratio = Decimal { mantissa: (*snapshot).into(), decimals: *decimals };
            let rule = table(vec![
                ("of", leg(of)?),
                ("snapshot_ratio", text(&ratio.to_string())),
                ("snapshot_time", Value::Text(crate::time::show(*taken_at))),
                ("yearly_growth", Value::Number(growth.to_string())),
            ]);
            vec![("rate_cap", rule), digits(*decimals)]
        }
        Origin::PoolShare(PoolShare { reserves, prices, supply, value, decimals, rounding }) => {
            let rule = table(vec![
                ("reserves", legs(reserves)?),
                ("prices", legs(prices)?),
                ("supply", leg(supply)?),
                ("value", text(value.name())),
            ]);
            vec![("pool_share", rule), digits(*decimals), round(*rounding)?]
        }
        Origin::VaultShare(vault) => {
            let VaultShare { assets, supply, asset_decimals, share_decimals, .. } = vault;
            let number = |number: u8| Value::Number(number.to_string());
            let mut rule = vec![
                ("assets", leg(assets)?),
                ("supply", leg(supply)?),
                ("asset_decimals", number(*asset_decimals)),
                ("share_decimals", number(*share_decimals)),
            ];
            let beside = [("virtual_assets", vault.virtual_assets), ("virtual_shares", vault.virtual_shares)];
            let beside = beside.into_iter().filter(|(_, raw)| *raw != U256::ZERO);
            rule.extend(beside.map(|(name, raw)| (name, text(&raw.to_string()))));
            vec![("vault_share", table(rule)), round(vault.rounding)?]
        }
    });
    Ok(table(fields))
}

fn digits(decimals: u8) -> (&'static str, Value) {
    ("decimals", Value::Number(decimals.to_string()))
}

fn round(rounding: Rounding) -> Result<(&'static str, Value), WriteError> {
    let word = ROUNDINGS.iter().find(|(_, known)| *known == rounding);
    let (word, _) = word.ok_or_else(|| unsayable(format!("the rounding {}", rounding.name())))?;
    Ok(("rounding", text(word)))
}
