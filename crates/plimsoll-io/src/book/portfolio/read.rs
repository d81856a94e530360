//! A portfolio-margin market from its file.

use super::{model, presets};
use crate::book::margin::{LedgerDesk, PRICE_DECIMALS, decimals, name, new_name, number, rate_or};
use crate::book::schedules;
use crate::book::venue::{Decoded, Setting, VolWire};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use crate::tree::{Fields, Node, flag, list, text};
use plimsoll_core::{Decimal, Time, U256};
use plimsoll_margin::portfolio::{
    Asset, Contract, Expiry, MOST_PRICE_DECIMALS, Market, Model, ONE, Right, Spec, SpecError, Terms,
    Underlying,
};
use std::collections::HashSet;

type Wire = Option<(String, Span)>;

/// What the lists of a file say, while it is read.
#[derive(Default)]
struct Lists {
    names: HashSet<String>,
    underlyings: Vec<Underlying>,
    /// Of each of them its price, the surface where it stands, and the decimals of its contracts.
    beside: Vec<(Wire, Wire, Option<u8>)>,
    expiries: Vec<(Expiry, Wire)>,
}

pub(super) fn market(fields: &mut Fields<'_>, setting: &Setting, log: &mut Log) -> Option<Decoded> {
    let head = Span { end: fields.span.start + 1, ..fields.span };
    let before = log.count();
    let currency = fields.need("currency", log).and_then(|node| name(node, log));
    let digits = fields.take("price_decimals");
    let price_decimals = match digits {
        Some(node) => scalar::between(node, 0, MOST_PRICE_DECIMALS.into(), log).map(|digits| digits as u8),
        None => Some(PRICE_DECIMALS),
    };
    let price_decimals = price_decimals.unwrap_or(PRICE_DECIMALS);
    let fee = rate_or(fields, "liquidation_fee", ONE, 0, log);
    let model = self::model(fields, head, log);
    let settles = fields.need("settles_in", log).and_then(|node| Some((text(node, log)?, node.span)));
    let mut lists = Lists::default();
    for node in nodes(fields, "underlyings", log) {
        lists.underlying(node, log);
    }
    let (mut assets, mut contracts) = (Vec::new(), Vec::new());
    for node in nodes(fields, "assets", log) {
        assets.extend(lists.asset(node, log));
    }
    for node in nodes(fields, "expiries", log) {
        let found = lists.expiry(node, log);
        lists.expiries.extend(found);
    }
    for node in nodes(fields, "contracts", log) {
        contracts.extend(lists.contract(node, price_decimals, log));
    }
    let names: Vec<&str> = lists.underlyings.iter().map(|known| known.name.as_str()).collect();
    let schedules = schedules::read(fields, "underlying", &names, log);
    let settles = settles.and_then(|(word, span)| {
        let known = || assets.iter().map(|(asset, _): &(Asset, Wire)| asset.name.as_str());
        place(known(), (word, span), "an asset of the market", log)
    });
    if log.count() != before {
        return None;
    }
    let priced = assets.iter().filter(|(asset, _)| asset.priced).map(|(_, wire)| wire.clone());
    let spots = lists.beside.iter().map(|(wire, ..)| wire.clone());
    let forwards = lists.expiries.iter().map(|(_, wire)| wire.clone());
    let perps = contracts.iter().filter(|(contract, _)| contract.terms == Terms::Perp);
    let perps = perps.map(|(_, wire)| wire.clone());
    let mut wires: Vec<Wire> = priced.chain(spots).chain(forwards).chain(perps).collect();
    let spec = Spec {
        currency: currency?,
        price_decimals,
        updated: setting.at,
        settles_in: settles?,
        assets: assets.into_iter().map(|(asset, _)| asset).collect(),
        underlyings: lists.underlyings,
        expiries: lists.expiries.iter().map(|(expiry, _)| *expiry).collect(),
        contracts: contracts.into_iter().map(|(contract, _)| contract).collect(),
        fee: fee?,
        schedules,
        model: model?,
    };
    let market = match Market::new(spec) {
        Ok(market) => market,
        Err(SpecError { what, place }) => {
            log.at(Code::MarketRefused, head, format!("{what}, number {place}"), expected(what));
            return None;
        }
    };
    let mut vols = Vec::new();
    for (slot, point) in market.points() {
        let spec = market.spec();
        let Expiry { underlying, at } = spec.expiries[point.expiry];
        // An option's underlying has a surface, else the market was refused.
        let surface = lists.beside[underlying].1.clone()?;
        vols.push(VolWire {
            slot,
            underlying: spec.underlyings[underlying].name.clone(),
            currency: spec.currency.clone(),
            surface,
            expiry: at,
            strike: Decimal { mantissa: point.strike.into(), decimals: spec.price_decimals },
        });
        wires.push(None);
    }
    Some(Decoded { vols, ..Decoded::new(Box::new(LedgerDesk { market }), wires) })
}

/// What [`Market::new`] expects of what it refuses.
fn expected(what: &str) -> &'static str {
    match what {
        "settles_in" => "an asset at par to settle in, that moves with nothing",
        "no underlying" => "an underlying",
        "moves_with" => "an asset with a feed, to move with an underlying",
        "expiry" => "each expiry of an underlying once",
        "underlying" => "a contract on the underlying of its expiry",
        "surface" => "a surface of volatilities of whatever options are on",
        "schedules" => "at most 500 rows of schedules later than the book",
        "scenarios" | "worst_days" => "a model whose moves are above -1 and at most 100",
        _ => "a number that fits",
    }
}

/// `preset`, or a table `model`.
fn model(fields: &mut Fields<'_>, head: Span, log: &mut Log) -> Option<Model> {
    match (fields.take("preset"), fields.take("model")) {
        (Some(node), None) => text(node, log).and_then(|word| presets::find(word, node.span, log)),
        (None, Some(node)) => {
            let mut fields = Fields::of(node, log)?;
            let model = model::read(&mut fields, log);
            fields.finish(log);
            model
        }
        (Some(_), Some(node)) => {
            log.at(Code::Exclusive, node.span, "a preset beside it", "a preset, or a model of its own");
            None
        }
        (None, None) => {
            log.at(Code::MissingField, head, "neither", "a preset, or a table `model`");
            None
        }
    }
}

fn nodes<'t>(fields: &mut Fields<'t>, name: &'static str, log: &mut Log) -> &'t [Node] {
    fields.take(name).and_then(|node| list(node, log)).unwrap_or(&[])
}

/// The place of a name in a list, or a fault.
fn place<'n>(
    mut known: impl Iterator<Item = &'n str> + Clone,
    (word, span): (&str, Span),
    expected: &str,
    log: &mut Log,
) -> Option<usize> {
    let all = known.clone();
    let found = known.position(|name| name == word);
    if found.is_none() {
        let fault = log.at(Code::UnknownAsset, span, quoted(word), expected);
        if let Some(near) = nearest(word, all) {
            fault.help(format!("did you mean `{near}`?"));
        }
    }
    found
}

fn wire(fields: &mut Fields<'_>, name: &'static str, log: &mut Log) -> Wire {
    fields.take(name).and_then(|node| Some((text(node, log)?.to_string(), node.span)))
}

impl Lists {
    fn underlying(&mut self, node: &Node, log: &mut Log) {
        let Some(mut fields) = Fields::of(node, log) else { return };
        // An asset may have the same name: it is the same thing, held.
        let name = fields.need("underlying", log).and_then(|node| {
            let name = name(node, log)?;
            let taken = self.underlyings.iter().any(|known| known.name == name);
            if taken {
                let expected = "a name that no other underlying has";
                log.at(Code::DuplicateName, node.span, quoted(&name), expected);
            }
            (!taken).then_some(name)
        });
        let feed = wire(&mut fields, "feed", log);
        let surface = wire(&mut fields, "surface", log);
        let decimals = fields.take("decimals").map(|node| decimals(node, log));
        fields.finish(log);
        let Some(name) = name else { return };
        let surface_name = surface.as_ref().map_or_else(String::new, |(name, _)| name.clone());
        self.underlyings.push(Underlying { name, surface: surface_name });
        self.beside.push((feed, surface, decimals.flatten()));
    }

    fn known(&self, node: &Node, log: &mut Log) -> Option<usize> {
        let names = self.underlyings.iter().map(|known| known.name.as_str());
        place(names, (text(node, log)?, node.span), "an underlying of the market", log)
    }

    fn asset(&mut self, node: &Node, log: &mut Log) -> Option<(Asset, Wire)> {
        let mut fields = Fields::of(node, log)?;
        let name = fields.need("asset", log).and_then(|node| new_name(node, &mut self.names, log));
        let decimals = fields.need("decimals", log).and_then(|node| decimals(node, log));
        let wire = wire(&mut fields, "feed", log);
        let par = fields.take("at_par").map_or(Some(false), |node| {
            let par = flag(node, log)?;
            if par && wire.is_some() {
                let expected = "a feed, or that it is worth one of the currency";
                log.at(Code::Exclusive, node.span, "a feed beside it", expected);
            }
            Some(par)
        });
        let haircut = rate_or(&mut fields, "haircut", ONE, 0, log);
        let underlying = fields.take("moves_with").map(|node| self.known(node, log));
        let lends = fields.take("lends").map_or(Some(false), |node| flag(node, log));
        fields.finish(log);
        let underlying = match underlying {
            Some(found) => Some(found?),
            None => None,
        };
        let (name, decimals, priced) = (name?, decimals?, !par?);
        Some((Asset { name, decimals, priced, haircut: haircut?, underlying, lends: lends? }, wire))
    }

    /// An expiry, whose forward is the underlying's price unless it has a feed.
    fn expiry(&self, node: &Node, log: &mut Log) -> Option<(Expiry, Wire)> {
        let mut fields = Fields::of(node, log)?;
        let underlying = fields.need("underlying", log).and_then(|node| self.known(node, log));
        let at = fields.need("expiry", log).and_then(|node| time(node, log));
        let feed = wire(&mut fields, "feed", log);
        fields.finish(log);
        let underlying = underlying?;
        let feed = feed.or_else(|| self.beside[underlying].0.clone());
        Some((Expiry { underlying, at: at? }, feed))
    }

    fn contract(&mut self, node: &Node, digits: u8, log: &mut Log) -> Option<(Contract, Wire)> {
        let mut fields = Fields::of(node, log)?;
        let span = fields.span;
        let name = fields.need("contract", log).and_then(|node| new_name(node, &mut self.names, log));
        let underlying = fields.need("underlying", log).and_then(|node| self.known(node, log));
        let beside = underlying.map(|underlying| self.beside[underlying].clone());
        let decimals = match (fields.take("decimals"), beside.as_ref().and_then(|(_, _, unsaid)| *unsaid)) {
            (None, Some(unsaid)) => Some(unsaid),
            (Some(node), _) => decimals(node, log),
            (None, None) => fields.need("decimals", log).and_then(|node| decimals(node, log)),
        };
        let lot = fields.take("lot").map_or(Some(U256::ONE), |node| number(node, decimals.unwrap_or(0), log));
        let expiry = fields.take("expiry").map(|node| self.listed(node, underlying, log));
        let strike = fields.take("strike").map(|node| number(node, digits, log));
        let right = fields.take("right").map(|node| {
            scalar::word(text(node, log)?, node.span, &[("call", Right::Call), ("put", Right::Put)], log)
        });
        let feed = fields.take("feed").and_then(|node| Some((text(node, log)?.to_string(), node.span)));
        fields.finish(log);
        let terms = match (expiry, strike, right, &feed) {
            (None, None, None, _) => Terms::Perp,
            (Some(expiry), None, None, None) => Terms::Future { expiry: expiry? },
            (Some(expiry), Some(strike), Some(right), None) => {
                Terms::Option { expiry: expiry?, strike: strike?, right: right? }
            }
            (_, _, _, Some((_, span))) => {
                let expected = "nothing: a future and an option have the feed of their expiry";
                log.at(Code::Exclusive, *span, "a feed of its own", expected);
                return None;
            }
            _ => {
                let expected = "of a perp none of expiry, strike and right, of a future an expiry, of an option all three";
                log.at(Code::MissingField, span, "some of them", expected);
                return None;
            }
        };
        let wire = feed.or_else(|| beside.and_then(|(feed, ..)| feed));
        Some((Contract { name: name?, underlying: underlying?, decimals: decimals?, lot: lot?, terms }, wire))
    }

    /// The place of an expiry of an underlying.
    fn listed(&self, node: &Node, underlying: Option<usize>, log: &mut Log) -> Option<usize> {
        let (at, underlying) = (time(node, log)?, underlying?);
        let wanted = Expiry { underlying, at };
        let found = self.expiries.iter().position(|(expiry, _)| *expiry == wanted);
        if found.is_none() {
            let expected =
                format!("an expiry that the market lists of {}", self.underlyings[underlying].name);
            log.at(Code::UnknownAsset, node.span, crate::time::show(at), expected);
        }
        found
    }
}

fn time(node: &Node, log: &mut Log) -> Option<Time> {
    scalar::time(text(node, log)?, node.span, log)
}
