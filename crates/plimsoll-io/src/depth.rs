//! Depth curves as files: `docs/scenarios.md` describes them.

mod offers;
mod write;

pub use offers::{make, make_of};
pub use write::write;

use crate::book::{File, FileBytes};
use crate::fault::{Code, Faults, Log, Source, Span, quoted};
use crate::fields::{few, line, named, names, once, one};
use crate::scalar;
use crate::tree::{Fields, Node, digits, list, read_toml};
use plimsoll_core::{Decimal, Depth, DepthCurve, Gas, Int, Rounding, U256};

/// More points than this of a curve are refused.
const POINTS_MAX: usize = 20_000;
/// No amount or price is above 10^this: what is sold at a price fits 256 bits then.
const LARGEST: u8 = 24;

/// What was made of a file of depth curves.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The curves; `None` where anything of them is faulty.
    pub depth: Option<Depth>,
    /// Everything that is wrong.
    pub faults: Faults,
}

/// Reads depth curves.
#[must_use]
pub fn read(name: &str, words: &str) -> Opened {
    let source = Source::new(name, words.strip_prefix('\u{feff}').unwrap_or(words));
    let mut log = Log::default();
    let depth = read_toml(&source, 0, &mut log).and_then(|node| {
        let mut fields = Fields::of(&node, &mut log)?;
        let depth = whole(&mut fields, &mut log);
        fields.finish(&mut log);
        depth
    });
    let faults = once(log.finish(&[source]));
    Opened { depth: depth.filter(|_| faults.is_empty()), faults }
}

/// Reads depth curves from the bytes of a file.
#[must_use]
pub fn read_file(file: File) -> Opened {
    let mut log = Log::default();
    match file.bytes {
        FileBytes::Read(bytes) => match String::from_utf8(bytes) {
            Ok(words) => return read(&file.name, &words),
            Err(_) => log.file(Code::NotUtf8, &file.name, "other bytes", "UTF-8 text"),
        },
        FileBytes::TooLarge(size, most) => {
            log.file(Code::TooLarge, &file.name, format!("{size} bytes"), format!("at most {most}"))
        }
        FileBytes::Failed(why) => log.file(Code::Unreadable, &file.name, why, "a file that can be read"),
    };
    Opened { depth: None, faults: log.finish(&[]) }
}

fn whole(fields: &mut Fields<'_>, log: &mut Log) -> Option<Depth> {
    let format = crate::fields::format(fields, log);
    let name = fields.need("name", log).and_then(|node| named(node, log));
    let sources = fields.need("sources", log).and_then(|node| {
        let lines = few(node, log)?.iter().map(|node| line(node, log).map(str::to_string));
        lines.collect::<Option<Vec<_>>>()
    });
    let nothing = Some(Decimal::whole(Int::ZERO));
    let recovers = fields.take("recovers").map_or(nothing, |node| crate::fields::part(node, log));
    let gas = fields.take("gas").map_or(Some(Vec::new()), |node| {
        let all: Vec<Option<Gas>> = few(node, log)?.iter().map(|node| gas(node, log)).collect();
        all.into_iter().collect()
    });
    let curves = fields.need("depth", log).and_then(|node| few(node, log)).and_then(|nodes| {
        let mut all: Vec<DepthCurve> = Vec::new();
        let mut sound = true;
        for node in nodes {
            let Some(curve) = curve(node, log) else {
                sound = false;
                continue;
            };
            if let Some(twice) = all.iter().find_map(|other| both(other, &curve)) {
                log.at(Code::DuplicateName, head(node.span), twice, "one curve for each sale");
                sound = false;
            }
            all.push(curve);
        }
        sound.then_some(all)
    });
    format?;
    Some(Depth { name: name?, sources: sources?, curves: curves?, gas: gas?, recovers: recovers? })
}

pub(crate) fn head(span: Span) -> Span {
    Span { end: span.end.min(span.start + 1), ..span }
}

/// A sale that both curves are for, in words.
fn both(one: &DepthCurve, other: &DepthCurve) -> Option<String> {
    let asset = one.assets.iter().find(|name| other.assets.contains(name))?;
    if one.against.is_empty() && other.against.is_empty() {
        return Some(format!("a second curve for {}", quoted(asset)));
    }
    let against = one.against.iter().find(|name| other.against.contains(name))?;
    Some(format!("a second curve for {} sold for {}", quoted(asset), quoted(against)))
}

fn gas(node: &Node, log: &mut Log) -> Option<Gas> {
    let mut fields = Fields::of(node, log)?;
    let currency = fields.need("in", log).and_then(|node| names(node, log));
    let amount = fields.need("amount", log).and_then(|node| number(node, log));
    fields.finish(log);
    Some(Gas { currency: currency?, amount: amount?.0 })
}

fn curve(node: &Node, log: &mut Log) -> Option<DepthCurve> {
    let mut fields = Fields::of(node, log)?;
    let assets = fields.need("assets", log).and_then(|node| names(node, log));
    let against = fields.take("for").map_or(Some(Vec::new()), |node| names(node, log));
    let price = fields.take("price");
    let given = one(&mut fields, ["received", "impact"], log);
    let measured = given.and_then(|(what, points)| match (what, price) {
        ("impact", Some(price)) => {
            log.at(Code::Exclusive, price.span, "`price`", "none beside `impact`");
            None
        }
        ("impact", None) => {
            let points = read_points(points, log, impact)?;
            Some((Decimal::whole(Int::ONE), points))
        }
        (_, None) => {
            let expected = "a field `price`: what the first of it was sold at";
            log.at(Code::MissingField, head(points.span), "nothing beside it", expected);
            None
        }
        (_, Some(price)) => {
            let (price, span) = (number(price, log)?, price.span);
            if price.1 == U256::ZERO {
                log.at(Code::OutOfRange, span, "0", "a price above zero");
                return None;
            }
            let received = |sold: (Decimal, U256), node: &Node, log: &mut Log| {
                let (got, raw) = number(node, log)?;
                let most = sold.1.mul_div_wide(price.1, scale(), Rounding::Up)?;
                if raw > most {
                    let expected = format!("at most what {} are worth at {}", sold.0, price.0);
                    log.at(Code::OutOfRange, node.span, got.to_string(), expected);
                    return None;
                }
                Some(got)
            };
            Some((price.0, read_points(points, log, received)?))
        }
    });
    fields.finish(log);
    let (price, points) = measured?;
    Some(DepthCurve { assets: assets?, against: against?, price, points })
}

fn scale() -> U256 {
    U256::pow10(Depth::DECIMALS).unwrap_or(U256::MAX)
}

/// What a sale brings at a price of one, of the part that it loses.
fn impact(sold: (Decimal, U256), node: &Node, log: &mut Log) -> Option<Decimal> {
    let lost = crate::fields::part(node, log)?;
    let left = Decimal { mantissa: lost.mantissa.neg(), ..lost }.plus(Decimal::whole(Int::ONE))?;
    Some(sold.0.times(left)?.cut(Depth::DECIMALS))
}

/// Pairs of what is sold and what that means, each further than the one before.
fn read_points(
    node: &Node,
    log: &mut Log,
    brings: impl Fn((Decimal, U256), &Node, &mut Log) -> Option<Decimal>,
) -> Option<Vec<[Decimal; 2]>> {
    let pairs = list(node, log)?;
    if pairs.len() > POINTS_MAX {
        let expected = format!("at most {POINTS_MAX}");
        log.at(Code::TooLarge, node.span, format!("{} points", pairs.len()), expected);
        return None;
    }
    if pairs.is_empty() {
        log.at(Code::OutOfRange, node.span, "no point", "one or more points");
        return None;
    }
    let mut points = Vec::new();
    let (mut last, mut most) = (U256::ZERO, U256::ZERO);
    for pair in pairs {
        let [sold, what] = few(pair, log)? else {
            log.at(Code::WrongKind, pair.span, "another list", "a pair: what is sold, and what it brings");
            return None;
        };
        let amount = number(sold, log)?;
        if amount.1 <= last {
            let expected = "more than at the point before, and more than nothing";
            log.at(Code::OutOfRange, sold.span, amount.0.to_string(), expected);
            return None;
        }
        let brought = brings(amount, what, log)?;
        let raw = brought.scaled_amount(Depth::DECIMALS).ok()?;
        if raw < most {
            let expected = "no less in all than at the point before";
            log.at(Code::OutOfRange, what.span, format!("{brought} in all"), expected);
            return None;
        }
        (last, most) = (amount.1, raw);
        points.push([amount.0, brought]);
    }
    Some(points)
}

/// A number that is not negative, and the same in 10^-18.
pub(crate) fn number(node: &Node, log: &mut Log) -> Option<(Decimal, U256)> {
    let words = digits(node, log)?;
    let number = scalar::amount(words, node.span, log)?.trimmed();
    let most = U256::pow10(LARGEST + Depth::DECIMALS)?;
    match number.scaled_amount(Depth::DECIMALS) {
        Ok(raw) if raw <= most => Some((number, raw)),
        Ok(_) => {
            log.at(Code::OutOfRange, node.span, quoted(words), format!("at most 10^{LARGEST}"));
            None
        }
        Err(why) => {
            let expected = format!("at most {} digits after the point", Depth::DECIMALS);
            log.at(Code::OutOfRange, node.span, why.to_string(), expected);
            None
        }
    }
}
