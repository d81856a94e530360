//! How a derived price follows from its legs: the one rule that its table says.

use crate::book::head;
use crate::fault::{Code, Log, Span, quoted};
use crate::scalar;
use crate::tree::{Fields, Node, list, text};
use plimsoll_core::{Origin, PoolShare, PoolValue, PriceId, RateCap, Rounding, U256, VaultShare};

/// A derived price keeps at most so many digits after its point.
const DECIMALS_MAX: u64 = 60;
/// No token has more decimals.
const TOKEN_DECIMALS_MAX: u64 = 38;

pub(in crate::book) const ROUNDINGS: &[(&str, Rounding)] =
    &[("down", Rounding::Down), ("up", Rounding::Up), ("half up", Rounding::HalfUp)];

const POOL_VALUES: &[(&str, PoolValue)] =
    &[(PoolValue::Fair.name(), PoolValue::Fair), (PoolValue::Reserves.name(), PoolValue::Reserves)];

/// Every rule, and whether `decimals` and `rounding` stand beside it.
const RULES: [(&str, [bool; 2]); 9] = [
    ("product", [true, true]),
    ("quotient", [true, true]),
    ("mul_div", [true, true]),
    ("least", [false, false]),
    ("greatest", [false, false]),
    ("constant", [false, false]),
    ("rate_cap", [true, false]),
    ("pool_share", [true, true]),
    ("vault_share", [false, true]),
];

/// A rule before its legs are found.
pub(super) struct Rule<'t> {
    /// What it names, and where.
    pub(super) legs: Vec<Leg<'t>>,
    /// The rule; each leg is its place in the list.
    pub(super) origin: Origin,
}

pub(super) type Leg<'t> = (&'t str, Span);

/// The one rule of a price; told where there is none or it is faulty.
pub(super) fn rule<'t>(fields: &mut Fields<'t>, log: &mut Log) -> Option<Rule<'t>> {
    let given: Vec<_> =
        RULES.iter().filter_map(|(name, beside)| Some((*name, *beside, fields.take(name)?))).collect();
    let extras = [("decimals", fields.take("decimals")), ("rounding", fields.take("rounding"))];
    let (name, beside, node) = match given[..] {
        [one] => one,
        [] => {
            let names = RULES.map(|(name, _)| name).join(", ");
            log.at(Code::MissingField, fields.span, "none of them", format!("one of {names}"));
            return None;
        }
        [_, (name, _, node), ..] => {
            log.at(Code::Exclusive, node.span, format!("also `{name}`"), "one rule for a price");
            return None;
        }
    };
    for ((what, extra), wanted) in extras.into_iter().zip(beside) {
        match extra {
            Some(extra) if !wanted => {
                log.at(Code::Exclusive, extra.span, format!("`{what}`"), format!("none beside `{name}`"));
                return None;
            }
            None if wanted => {
                log.at(Code::MissingField, node.span, "nothing", format!("a field `{what}` beside it"));
                return None;
            }
            _ => {}
        }
    }
    let [(_, decimals), (_, rounding)] = extras;
    let decimals = match decimals {
        // The adapter takes no others.
        Some(node) if name == "rate_cap" => scalar::between(node, 8, 24, log)?,
        Some(node) => scalar::between(node, 0, DECIMALS_MAX, log)?,
        None => 0,
    } as u8;
    let rounding = match rounding {
        Some(node) => scalar::word(text(node, log)?, node.span, ROUNDINGS, log)?,
        None => Rounding::Exact,
    };
    match name {
        "rate_cap" => rate_cap(node, decimals, log),
        "pool_share" => pool_share(node, decimals, rounding, log),
        "vault_share" => vault_share(node, rounding, log),
        "constant" => {
            let origin = Origin::Constant(scalar::amount(text(node, log)?, node.span, log)?);
            Some(Rule { legs: Vec::new(), origin })
        }
        "quotient" => {
            let legs = named(node, ["of", "by"], log)?;
            let [of, by] = places();
            Some(Rule { legs, origin: Origin::Quotient { of, by, decimals, rounding } })
        }
        "mul_div" => {
            let legs = named(node, ["of", "times", "over"], log)?;
            let [of, times, over] = places();
            Some(Rule { legs, origin: Origin::MulDiv { of, times, over, decimals, rounding } })
        }
        list => {
            let named = legs(node, 1..=16, log)?;
            let legs = (0..named.len() as u32).map(PriceId).collect();
            let origin = match list {
                "product" => Origin::Product { legs, decimals, rounding },
                "least" => Origin::Least { legs },
                _ => Origin::Greatest { legs },
            };
            Some(Rule { legs: named, origin })
        }
    }
}

fn rate_cap<'t>(node: &'t Node, decimals: u8, log: &mut Log) -> Option<Rule<'t>> {
    let mut fields = Fields::of(node, log)?;
    let of = fields.need("of", log).and_then(|node| leg(node, log));
    let snapshot = fields.need("snapshot_ratio", log).and_then(|node| snapshot(node, decimals, log));
    let taken_at = fields.need("snapshot_time", log).and_then(|node| head::time(node, log));
    let growth = fields.need("yearly_growth", log);
    let growth = growth.and_then(|node| scalar::between(node, 0, u64::from(u16::MAX), log));
    fields.finish(log);
    let (legs, growth) = (vec![of?], growth? as u16);
    let cap = RateCap { of: PriceId(0), snapshot: snapshot?, taken_at: taken_at?, growth, decimals };
    Some(Rule { legs, origin: Origin::RateCap(cap) })
}

/// A ratio above zero in the adapter's own integer, which has 104 bits.
fn snapshot(node: &Node, decimals: u8, log: &mut Log) -> Option<U256> {
    let ratio = scalar::amount(text(node, log)?, node.span, log)?;
    let Ok(raw) = ratio.scaled_amount(decimals) else {
        let expected = format!("a ratio with at most {decimals} digits after the point");
        log.at(Code::TooFine, node.span, quoted(&ratio.to_string()), expected);
        return None;
    };
    if raw == U256::ZERO || raw.bit_len() > 104 {
        let expected = format!("a ratio above zero that 104 bits hold with {decimals} decimals");
        log.at(Code::OutOfRange, node.span, ratio.to_string(), expected);
        return None;
    }
    Some(raw)
}

fn pool_share<'t>(node: &'t Node, decimals: u8, rounding: Rounding, log: &mut Log) -> Option<Rule<'t>> {
    let mut fields = Fields::of(node, log)?;
    let reserves = fields.need("reserves", log).and_then(|node| legs(node, 2..=2, log));
    let prices = fields.need("prices", log).and_then(|node| legs(node, 2..=2, log));
    let supply = fields.need("supply", log).and_then(|node| leg(node, log));
    let value = fields.need("value", log);
    let value = value.and_then(|node| scalar::word(text(node, log)?, node.span, POOL_VALUES, log));
    fields.finish(log);
    let legs = reserves?.into_iter().chain(prices?).chain([supply?]).collect();
    let [x, y, p, q, supply] = places();
    let (reserves, prices, value) = ([x, y], [p, q], value?);
    let pool = PoolShare { reserves, prices, supply, value, decimals, rounding };
    Some(Rule { legs, origin: Origin::PoolShare(pool) })
}

fn vault_share<'t>(node: &'t Node, rounding: Rounding, log: &mut Log) -> Option<Rule<'t>> {
    let mut fields = Fields::of(node, log)?;
    let assets = fields.need("assets", log).and_then(|node| leg(node, log));
    let supply = fields.need("supply", log).and_then(|node| leg(node, log));
    let decimals = ["asset_decimals", "share_decimals"].map(|name| {
        let node = fields.need(name, log)?;
        Some(scalar::between(node, 0, TOKEN_DECIMALS_MAX, log)? as u8)
    });
    // Left out they are none, as at vaults without them.
    let beside = ["virtual_assets", "virtual_shares"].map(|name| match fields.take(name) {
        Some(node) => scalar::whole(node, 128, log),
        None => Some(U256::ZERO),
    });
    fields.finish(log);
    let legs = vec![assets?, supply?];
    let ([assets, supply], [asset_decimals, share_decimals], [virtual_assets, virtual_shares]) =
        (places(), decimals, beside);
    let vault = VaultShare {
        assets,
        supply,
        asset_decimals: asset_decimals?,
        share_decimals: share_decimals?,
        virtual_assets: virtual_assets?,
        virtual_shares: virtual_shares?,
        rounding,
    };
    Some(Rule { legs, origin: Origin::VaultShare(vault) })
}

/// The first places of a rule's legs.
fn places<const N: usize>() -> [PriceId; N] {
    std::array::from_fn(|place| PriceId(place as u32))
}

/// The legs of a table that names each of them.
fn named<'t, const N: usize>(
    node: &'t Node,
    names: [&'static str; N],
    log: &mut Log,
) -> Option<Vec<Leg<'t>>> {
    let mut fields = Fields::of(node, log)?;
    let legs = names.map(|name| fields.need(name, log).and_then(|node| leg(node, log)));
    fields.finish(log);
    legs.into_iter().collect()
}

fn leg<'t>(node: &'t Node, log: &mut Log) -> Option<Leg<'t>> {
    Some((text(node, log)?, node.span))
}

fn legs<'t>(node: &'t Node, so_many: std::ops::RangeInclusive<usize>, log: &mut Log) -> Option<Vec<Leg<'t>>> {
    let nodes = list(node, log)?;
    if !so_many.contains(&nodes.len()) {
        let expected = match (so_many.start(), so_many.end()) {
            (least, most) if least == most => format!("{least} legs"),
            (least, most) => format!("{least} to {most} legs"),
        };
        log.at(Code::OutOfRange, node.span, format!("{} legs", nodes.len()), expected);
        return None;
    }
    nodes.iter().map(|node| leg(node, log)).collect()
}
