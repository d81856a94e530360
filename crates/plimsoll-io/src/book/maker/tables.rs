//! The auction house of a market: which numbers it has depends on the revision.

use super::{Numbers, number};
use crate::book::write::{table, text as write_text};
use crate::fault::{Code, Log};
use crate::scalar;
use crate::tree::{Fields, Node, Value, text};
use plimsoll_core::U256;
use plimsoll_venues::maker::{Calc, Curve, Dutch, English, Revision};

const CURVES: &[(&str, Curve)] =
    &[("linear", Curve::Linear), ("stairstep", Curve::Stairstep), ("exponential", Curve::Exponential)];

/// Whole numbers of a table by name; those that may be missing are this.
pub(super) fn numbers<const N: usize>(
    fields: &mut Fields<'_>,
    names: [&'static str; N],
    missing: Option<U256>,
    log: &mut Log,
) -> [Option<U256>; N] {
    names.map(|name| match missing {
        None => fields.need(name, log).and_then(|node| scalar::whole(node, 256, log)),
        Some(missing) => fields.take(name).map_or(Some(missing), |node| scalar::whole(node, 256, log)),
    })
}

pub(super) fn house(node: &Node, revision: Revision, log: &mut Log) -> Option<(Dutch, English)> {
    let mut fields = Fields::of(node, log)?;
    let house = if revision == Revision::V2_0 {
        dutch(&mut fields, log).map(|dutch| (dutch, English::default()))
    } else {
        english(&mut fields, revision, log).map(|english| (Dutch::default(), english))
    };
    fields.finish(log);
    house
}

fn dutch(fields: &mut Fields<'_>, log: &mut Log) -> Option<Dutch> {
    let names = ["hole", "total_hole", "buf", "tail", "cusp"];
    let [hole, total_hole, buf, tail, cusp] = numbers(fields, names, None, log);
    let mut narrow = |name, bits, log: &mut Log| match fields.take(name) {
        Some(node) => scalar::whole(node, bits, log),
        None => Some(U256::ZERO),
    };
    let (chip, tip) = (narrow("chip", 64, log), narrow("tip", 192, log));
    let stopped = fields.take("stopped").map_or(Some(0), |node| scalar::between(node, 0, 3, log));
    let calc = fields.need("calc", log).and_then(|node| calc(node, log));
    Some(Dutch {
        hole: hole?,
        total_hole: total_hole?,
        buf: buf?,
        tail: tail?,
        cusp: cusp?,
        chip: chip?,
        tip: tip?,
        stopped: stopped?,
        calc: calc?,
    })
}

/// `{ curve = "stairstep", step = 90, cut = "990000000000000000000000000" }`.
fn calc(node: &Node, log: &mut Log) -> Option<Calc> {
    let mut fields = Fields::of(node, log)?;
    let curve = fields.need("curve", log).and_then(|node| {
        let word = text(node, log)?;
        scalar::word(word, node.span, CURVES, log)
    });
    let mut calc = Calc { curve: curve?, ..Calc::default() };
    if calc.curve == Curve::Linear {
        calc.tau = fields.need("tau", log).and_then(|node| scalar::whole(node, 256, log))?;
    } else {
        let node = fields.need("cut", log)?;
        calc.cut = scalar::whole(node, 256, log)?;
        if calc.cut > super::RAY {
            let found = calc.cut.to_string();
            log.at(Code::OutOfRange, node.span, found, "at most 10^27, which is one");
            return None;
        }
    }
    if calc.curve == Curve::Stairstep {
        let node = fields.need("step", log)?;
        calc.step = scalar::whole(node, 256, log)?;
        if calc.step == U256::ZERO {
            log.at(Code::OutOfRange, node.span, "0", "a number of seconds above zero");
            return None;
        }
    }
    fields.finish(log);
    Some(calc)
}

fn english(fields: &mut Fields<'_>, revision: Revision, log: &mut Log) -> Option<English> {
    const MOST_SECONDS: u64 = (1 << 48) - 1;
    let mut english = English::default();
    if revision == Revision::V1_0 {
        let [lump] = numbers(fields, ["lump"], None, log);
        english.lump = lump?;
    } else {
        let [dunk, most] = numbers(fields, ["dunk", "box"], None, log);
        (english.dunk, english.most) = (dunk?, most?);
    }
    let [beg] = numbers(fields, ["beg"], None, log);
    let mut seconds = |name, log: &mut Log| {
        let node = fields.need(name, log)?;
        scalar::between(node, 0, MOST_SECONDS, log)
    };
    let (ttl, tau) = (seconds("ttl", log), seconds("tau", log));
    Some(English { beg: beg?, ttl: ttl?, tau: tau?, ..english })
}

/// `None` where the market has numbers that its own revision does not know.
pub(super) fn write_house(own: &Numbers, revision: Revision) -> Option<Value> {
    const DUTCH: [&str; 8] = ["hole", "total_hole", "buf", "tail", "cusp", "chip", "tip", "stopped"];
    const CALC: [&str; 4] = ["calc", "calc_tau", "calc_step", "calc_cut"];
    const BIDS: [&str; 3] = ["beg", "ttl", "tau"];
    let (limits, others): (&[&'static str], &[&'static str]) = match revision {
        Revision::V1_0 => (&["lump"], &["dunk", "box"]),
        Revision::V1_2 => (&["dunk", "box"], &["lump"]),
        Revision::V2_0 => (&[], &["lump", "dunk", "box", "beg", "ttl", "tau"]),
    };
    let is_zero = |name: &&str| own.get(*name).is_some_and(|value| value.is_zero());
    let dutch = revision == Revision::V2_0;
    if !others.iter().all(is_zero) {
        return None;
    }
    if !dutch && !DUTCH.iter().chain(&CALC).all(is_zero) {
        return None;
    }
    let names = if dutch { DUTCH.to_vec() } else { [limits, &BIDS].concat() };
    let mut fields = names.into_iter().map(|name| number(own, name)).collect::<Option<Vec<_>>>()?;
    if dutch {
        fields.push(("calc", write_calc(own)?));
    }
    Some(table(fields))
}

fn write_calc(own: &Numbers) -> Option<Value> {
    let (word, curve) = CURVES.get(usize::try_from(own.get("calc")?.to_u64()?).ok()?)?;
    let (said, unsaid): (&[(&'static str, &str)], &[&str]) = match curve {
        Curve::Linear => (&[("tau", "calc_tau")], &["calc_step", "calc_cut"]),
        Curve::Stairstep => (&[("step", "calc_step"), ("cut", "calc_cut")], &["calc_tau"]),
        Curve::Exponential => (&[("cut", "calc_cut")], &["calc_tau", "calc_step"]),
    };
    if !unsaid.iter().all(|name| own.get(name).is_some_and(|value| value.is_zero())) {
        return None;
    }
    let mut fields = vec![("curve", write_text(word))];
    for (field, name) in said {
        fields.push((field, write_text(&own.get(name)?.to_string())));
    }
    Some(table(fields))
}
