//! All prices of a book, and what is derived from them: the list `price` of `book.toml`.

mod rule;

pub(super) use rule::ROUNDINGS;

use crate::book::feeds::parse_unit;
use crate::book::venue::VolWire;
use crate::fault::{Code, Log, Span, nearest, nearest_price, quoted};
use crate::scalar;
use crate::tree::{Fields, Node, text};
use plimsoll_core::{
    FeedKind, Graph, GraphError, Instrument, Kind, Observation, Origin, Price, PriceId, PriceSlot, PriceUnit,
    Scale, VaultShare,
};
use rule::{Rule, rule};
use std::collections::{HashMap, HashSet};

/// More derived prices than this are refused.
pub const DERIVED_MAX: usize = 10_000;

/// The graph while it is being read.
pub(super) struct Prices {
    pub(super) graph: Graph,
    /// `false` when feeds could not be read as a whole: then a name that is not there may be among them.
    pub(super) complete: bool,
    ids: HashMap<String, PriceId>,
    /// Names that the file defines, soundly or not.
    claimed: HashSet<String>,
    /// Those of them that cannot join; told where they are defined.
    broken: HashSet<String>,
    /// Those that stand twice: neither is the one.
    contested: HashSet<String>,
}

impl Prices {
    pub(super) fn new() -> Prices {
        Prices {
            graph: Graph::default(),
            complete: true,
            ids: HashMap::new(),
            claimed: HashSet::new(),
            broken: HashSet::new(),
            contested: HashSet::new(),
        }
    }

    /// Takes a name; `false` when it is taken, which is told.
    pub(super) fn claim(&mut self, name: &str, span: Span, log: &mut Log) -> bool {
        let new = self.claimed.insert(name.to_string());
        if !new {
            log.at(Code::DuplicateName, span, quoted(name), "a name that no other feed or price has");
            self.contested.insert(name.to_string());
        }
        new
    }

    /// What stands twice is unknown, and so is what stands on it.
    fn settle_contests(&mut self) {
        for id in self.contested.iter().filter_map(|name| self.ids.get(name)) {
            let (kind, scale, source) = (FeedKind::Oracle, Scale::Decimal, String::new());
            let (observed_at, max_age) = (None, None);
            let (price, confidence, floor, ceiling) = (None, None, None, None);
            let nothing =
                Observation { kind, price, scale, source, observed_at, max_age, confidence, floor, ceiling };
            let _ = self.graph.observe(*id, nothing); // the id is of this graph
        }
    }

    /// The name's price does not join; the reason is told already.
    pub(super) fn broken(&mut self, name: &str) {
        self.broken.insert(name.to_string());
    }

    pub(super) fn add(&mut self, price: Price, span: Span, log: &mut Log) {
        let name = price.name.clone();
        match self.graph.add(price) {
            Ok(id) => {
                self.ids.insert(name, id);
            }
            Err(error) => {
                let (code, found) = match &error {
                    GraphError::Duplicate => (Code::DuplicateName, quoted(&name)),
                    GraphError::NoSuchLeg => (Code::NoSuchPrice, quoted(&name)),
                    GraphError::RawLeg(leg) => (Code::RawLeg, quoted(leg)),
                    GraphError::Unit { found, .. } => (Code::PriceUnits, found.clone()),
                };
                let expected = match &error {
                    GraphError::Unit { expected, .. } => format!("legs that come to {expected}"),
                    GraphError::RawLeg(_) => "a leg in decimals".to_string(),
                    other => other.to_string(),
                };
                log.at(code, span, found, expected);
                self.broken(&name);
            }
        }
    }

    /// The price of a name. `Err(())` when there is none and that has been told, here or where it is defined.
    fn find(&self, name: &str, span: Span, log: &mut Log) -> Result<PriceId, ()> {
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        if self.complete && !self.claimed.contains(name) {
            let fault = log.at(Code::NoSuchPrice, span, quoted(name), "a feed or derived price of the book");
            if let Some(near) = nearest_price(name, self.claimed.iter().map(String::as_str)) {
                fault.help(format!("did you mean `{near}`?"));
            }
        }
        Err(())
    }

    /// The price that a market's slot is wired to: in the slot's currency, not finer than the slot, and one that a
    /// venue acts on.
    pub(super) fn wire(
        &self,
        name: &str,
        span: Span,
        (slot, assets): (&PriceSlot, &[Instrument]),
        log: &mut Log,
    ) -> Option<PriceId> {
        let id = self.find(name, span, log).ok()?;
        let price = self.graph.price(id)?;
        if let Some(per) = &price.unit.per
            && is_another(per, &slot.asset, assets)
        {
            let expected = format!("a price of {}, which is another asset of the market", slot.asset);
            log.at(Code::OtherAsset, span, format!("one of {per}"), expected);
            return None;
        }
        if price.unit.currency != slot.currency {
            let expected = format!("a price of {} in {}", slot.asset, slot.currency);
            log.at(Code::Currency, span, format!("one in {}", price.unit), expected);
            return None;
        }
        if let Origin::Feed(Observation { kind: kind @ (FeedKind::Market | FeedKind::Redemption), .. }) =
            &price.origin
        {
            let found = format!("a price of kind {}", kind.name());
            log.at(Code::NotOracle, span, found, "one of kind oracle, or derived")
                .help("if the venue acts on this very price, its kind is oracle");
            return None;
        }
        let digits = self.digits(id);
        if digits > slot.decimals {
            let expected = format!("at most {}, which the venue reads", slot.decimals);
            let fault =
                log.at(Code::PriceTooFine, span, format!("{digits} digits after the point"), expected);
            fault.help("derive a price with fewer decimals and a rounding, or write fewer digits");
            return None;
        }
        Some(id)
    }

    /// The price of the point of a surface that a market reads; one without a value where the surface has no such point.
    pub(super) fn wire_vol(&mut self, wire: &VolWire, log: &mut Log) -> Option<PriceId> {
        let (name, span) = (wire.surface.0.as_str(), wire.surface.1);
        let surfaces = || self.graph.surfaces().iter().map(|surface| surface.head());
        let Some(head) = surfaces().find(|head| head.name == name) else {
            let fault = log.at(Code::NoSuchSurface, span, quoted(name), "a `vol_surface` of the book");
            if let Some(near) = nearest(name, surfaces().map(|head| head.name.as_str())) {
                fault.help(format!("did you mean `{near}`?"));
            }
            return None;
        };
        if head.underlying != wire.underlying {
            let expected = format!("a surface of options on {}", wire.underlying);
            log.at(Code::OtherAsset, span, format!("one of {}", head.underlying), expected);
            return None;
        }
        if head.currency != wire.currency {
            let expected = format!("a surface with strikes in {}", wire.currency);
            log.at(Code::Currency, span, format!("one in {}", head.currency), expected);
            return None;
        }
        self.graph.wire_vol(name, wire.expiry, wire.strike)
    }

    /// Which of a vault's amounts has more digits than its token: its place, its digits, and the token's.
    fn finer_than_its_token(&self, vault: &VaultShare) -> Option<(usize, u8, u8)> {
        let amounts = [(vault.assets, vault.asset_decimals), (vault.supply, vault.share_decimals)];
        let digits = amounts.map(|(id, decimals)| (self.digits(id), decimals));
        let found = digits.iter().position(|(digits, decimals)| digits > decimals)?;
        Some((found, digits[found].0, digits[found].1))
    }

    /// The most digits after the point that a price can have.
    fn digits(&self, id: PriceId) -> u8 {
        let own = |id| match self.graph.price(id).map(|price| &price.origin) {
            Some(Origin::Feed(Observation { scale: Scale::Decimal, price: Some(price), .. })) => {
                price.trimmed().decimals
            }
            Some(Origin::Constant(value)) => value.trimmed().decimals,
            // A bound has the digits of its legs.
            origin => origin.and_then(Origin::decimals).unwrap_or(0),
        };
        self.graph.below(id, Origin::handed_on).into_iter().map(own).max().unwrap_or(0)
    }
}

/// Whether a price of `per` prices another asset of the market than the one that it is wired to. What the market does
/// not list under that name may be the same thing: ETH and WETH.
fn is_another(per: &str, asset: &str, assets: &[Instrument]) -> bool {
    // A perp has a price of what it is on, whose name is not its own.
    let listed = |name: &str| {
        assets.iter().any(|instrument| instrument.asset == name && instrument.kind != Kind::Derivative)
    };
    // `STETH@8300/7200` is a class of STETH.
    let plain = asset.split_once('@').map_or(asset, |(plain, _)| plain);
    per != asset && per != plain && listed(per) && listed(asset)
}

/// What a derived price says of itself, before its legs are found.
struct Derived<'t> {
    name: &'t str,
    span: Span,
    unit: PriceUnit,
    rule: Rule<'t>,
}

/// Adds the derived prices, in whatever order the file has them.
pub(super) fn read(nodes: &[Node], prices: &mut Prices, log: &mut Log) {
    if let Some(node) = nodes.get(DERIVED_MAX) {
        log.at(
            Code::TooLarge,
            node.span,
            format!("{} prices", nodes.len()),
            format!("at most {DERIVED_MAX}"),
        );
        prices.complete = false;
        prices.settle_contests();
        return;
    }
    let open: Vec<Derived<'_>> = nodes.iter().filter_map(|node| derived(node, prices, log)).collect();
    settle_all(open, prices, log);
    prices.settle_contests();
}

fn settle_all(mut open: Vec<Derived<'_>>, prices: &mut Prices, log: &mut Log) {
    // Each pass adds what stands on prices that are there; without circles there is always one.
    while !open.is_empty() {
        let before = open.len();
        open.retain(|price| !settle(price, prices, log));
        if open.len() == before {
            break;
        }
    }
    for price in open {
        log.at(Code::Circle, price.span, quoted(price.name), "a price that rests on feeds and constants");
    }
}

/// Adds a price if its legs are there; `true` when nothing more is to be done about it.
fn settle(derived: &Derived<'_>, prices: &mut Prices, log: &mut Log) -> bool {
    let mut ids = Vec::new();
    for (name, span) in &derived.rule.legs {
        match prices.ids.get(*name) {
            Some(id) => ids.push(*id),
            // Not there yet: a later pass decides, unless it never comes.
            None if prices.claimed.contains(*name) && !prices.broken.contains(*name) => return false,
            None => {
                let _ = prices.find(name, *span, log);
                prices.broken(derived.name);
                return true;
            }
        }
    }
    // The rule's own legs are places in its list; each was found.
    let origin = derived.rule.origin.on(|place| ids.get(place.0 as usize).copied().unwrap_or(place));
    if let Origin::VaultShare(vault) = &origin
        && let Some(fault) = prices.finer_than_its_token(vault)
    {
        let (place, digits, decimals) = fault;
        let (_, span) = derived.rule.legs[place];
        let expected = format!("at most {decimals}, which its token has");
        log.at(Code::TooFine, span, format!("{digits} digits after the point"), expected);
        prices.broken(derived.name);
        return true;
    }
    let (name, unit) = (derived.name.to_string(), derived.unit.clone());
    prices.add(Price { name, unit, origin }, derived.span, log);
    true
}

fn derived<'t>(node: &'t Node, prices: &mut Prices, log: &mut Log) -> Option<Derived<'t>> {
    let mut fields = Fields::of(node, log)?;
    let name = fields.need("name", log);
    let span = name.map_or(node.span, |node| node.span);
    let name = name.and_then(|node| scalar::name(text(node, log)?, node.span, log));
    let claimed = name.is_some_and(|name| prices.claim(name, span, log));
    let unit = fields.need("unit", log).and_then(|node| {
        let word = text(node, log)?;
        let unit = parse_unit(word);
        if unit.is_none() {
            log.at(Code::NotAUnit, node.span, quoted(word), "a unit such as USD or USD/ETH");
        }
        unit
    });
    let rule = rule(&mut fields, log).filter(|_| !node.repeats());
    fields.finish(log);
    if let (true, Some(name)) = (claimed && (unit.is_none() || rule.is_none()), name) {
        prices.broken(name);
    }
    claimed.then_some(Derived { name: name?, span, unit: unit?, rule: rule? })
}
