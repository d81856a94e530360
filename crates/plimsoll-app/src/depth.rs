//! `plimsoll depth`: depth curves of what markets offer.

use crate::args::DepthArgs;
use crate::exit;
use crate::show::{self, errln, outln};
use crate::whatif::table;
use plimsoll_core::{Decimal, DepthCurve, Int, Rounding};
use plimsoll_io::depth::{Opened, make, write};
use serde_json::{Value, json};
use std::io::IsTerminal;

pub(crate) fn run(args: &DepthArgs) -> u8 {
    let Opened { depth, faults } = make(&args.offers);
    if !faults.is_empty() {
        show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
    }
    let Some(depth) = depth else {
        errln!("plimsoll: no curve was made: the offers are faulty");
        return exit::FAULTY;
    };
    if let Some(path) = &args.out
        && let Err(error) = crate::part::save(path, &write(&depth))
    {
        errln!("plimsoll: {}: {error}", path.display());
        return exit::UNWRITTEN;
    }
    if args.json {
        let curves: Vec<Value> = depth.curves.iter().map(curve_json).collect();
        outln!("{:#}", json!({"format": 1, "name": depth.name, "sources": depth.sources, "curves": curves}));
        return exit::CALM;
    }
    let mut rows = table(&["sold", "for", "points", "known to", "loss there %", "half of it %"], 2..6);
    for curve in &depth.curves {
        let against =
            if curve.against.is_empty() { "whatever is owed".into() } else { curve.against.join(", ") };
        let last = curve.points.len() - 1;
        // The first point that is at least half as far.
        let half = curve.points.partition_point(|[sold, _]| doubled(*sold) < raw(curve.points[last][0]));
        rows.add_row([
            curve.assets.join(", "),
            against,
            curve.points.len().to_string(),
            show::grouped(&curve.points[last][0].cut(2).to_string()),
            lost(curve, last),
            lost(curve, half),
        ]);
    }
    outln!("{}", rows.trim_fmt());
    outln!("beyond the last point nobody knows what a sale brings");
    exit::CALM
}

fn raw(number: Decimal) -> Int {
    number.scaled(18).unwrap_or(Int::ZERO)
}

fn doubled(number: Decimal) -> Int {
    raw(number).mul(Int::new(2)).unwrap_or(Int::ZERO)
}

/// The part of the price that a sale up to a point loses in all, in percent, raised to two digits.
fn lost(curve: &DepthCurve, at: usize) -> String {
    let [sold, brings] = curve.points[at];
    let part = || {
        let worth = sold.times(curve.price)?.scaled(18).ok()?;
        let less = worth.sub(brings.scaled(18).ok()?)?.mul(Int::new(10_000))?;
        less.div(worth, Rounding::Up)
    };
    part().map_or_else(|| "-".into(), |part| Decimal { mantissa: part, decimals: 2 }.to_string())
}

fn curve_json(curve: &DepthCurve) -> Value {
    let point = |[sold, brings]: &[Decimal; 2]| json!([sold.to_string(), brings.to_string()]);
    json!({
        "assets": curve.assets,
        "for": curve.against,
        "price": curve.price.to_string(),
        "received": curve.points.iter().map(point).collect::<Vec<_>>(),
    })
}
