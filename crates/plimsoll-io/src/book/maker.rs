//! Maker in files: one market of one collateral, with what the whole system keeps for it, and its running auctions.

mod auctions;
mod tables;

use crate::book::head;
use crate::book::venue::{
    Decoded, Desk, Names, Position, Positions, Posting, Setting, Side, VenueFile, cell, raise,
};
use crate::book::write::{flag, table, text as write_text};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use crate::table::Cell;
use crate::tree::{self, Fields, Node, Value, text};
use auctions::Drafted;
use plimsoll_core::{Account, InstrumentId, Int, Rounding, Time, U256};
use plimsoll_venues::maker::{
    self, ART, GEM, HOPE, INK, Market, NAME, Parameters, REVISIONS, Revision, State, VAT_DAI,
};
use std::collections::HashMap;
use tables::numbers;

pub(super) const FILE: VenueFile =
    VenueFile { name: NAME, revisions: &["1.0", "1.2", "2.0"], read, write, positions };

const RAY: U256 = U256::new(10u128.pow(27));
const WAD: U256 = U256::new(10u128.pow(18));

/// The greatest factor of a second that is taken for one (ray): tenfold a year of 365 days, rounded down. The contract knows
/// no limit; the library by which governance sets fees knows one of twofold.
const FASTEST: U256 = U256::new(1_000_000_073_014_496_989_316_680_335);

/// Prices of one collateral that are further apart than this are in different units.
const APART: u128 = 1000;

fn read(fields: &mut Fields<'_>, setting: &Setting, log: &mut Log) -> Option<Decoded> {
    let revision = *REVISIONS.get(setting.revision)?;
    let head = Span { end: fields.span.start + 1, ..fields.span };
    let gem = asset(fields, "gem", log);
    let dai = asset(fields, "dai", log);
    let currency = asset(fields, "currency", log);
    let feed = fields.take("feed").and_then(|node| Some((text(node, log)?.to_string(), node.span)));
    let rules = rules(fields, revision, log);
    let state = match fields.take("state") {
        Some(node) => state(node, setting.at, log),
        None => Some(State { rate: RAY, rho: setting.at.0, ..State::default() }),
    };
    let oracle = fields.take("oracle");
    let oracle = match oracle {
        Some(node) => Oracle::read(node, setting.at, log),
        None => Some(Oracle::none(head)),
    };
    let drafts = match fields.take("auctions") {
        Some(node) => auctions::read(node, revision, setting.at, log),
        None => Some(Vec::new()),
    };
    let (rules, oracle, state) = (rules?, oracle?, state?);
    if !oracle.is_of_one_scale(&rules, state.spot, log) {
        return None;
    }
    let rules = Parameters { hop: oracle.hop, osm_stopped: oracle.stopped, ..rules };
    let Oracle { current, next, poked, .. } = oracle;
    let state = State { current, next, poked, ..state };
    let names = maker::Names { gem: gem?, dai: dai?, currency: currency? };
    if names.gem == names.dai {
        log.at(
            Code::DuplicateAsset,
            head,
            quoted(names.gem),
            "a collateral that is not the stablecoin itself",
        );
        return None;
    }
    let refused = |refusal: plimsoll_core::Refusal, span, log: &mut Log| {
        log.at(Code::MarketRefused, span, refusal.to_string(), "numbers that the contracts can hold");
    };
    let mut market = match Market::new(revision, names, rules, state) {
        Ok(market) => market,
        Err(refusal) => {
            refused(refusal, head, log);
            return None;
        }
    };
    let mut accounts = Vec::new();
    for Drafted { number, auction, named, span } in drafts? {
        market = match market.with_auction(number, auction) {
            Ok(market) => market,
            Err(_) => {
                let expected = "a number up to `kicks` that no other auction has";
                log.at(Code::MarketRefused, span, number.to_string(), expected);
                return None;
            }
        };
        for (field, name, span) in named {
            accounts.push((place(&market, number, field)?, name, span));
        }
    }
    // Where a drip reverts nothing can be said of any account, whatever the rate.
    let rate = market.dripped(setting.at).map_or(state.rate, |state| state.rate);
    Some(Decoded {
        wires: vec![feed],
        desk: Box::new(MakerDesk { market, rate }),
        accounts,
        vols: Vec::new(),
    })
}

/// The place of a number that names an account; it may be -1, for nobody.
fn place(market: &dyn plimsoll_core::Market, object: u64, name: &str) -> Option<plimsoll_core::Cell> {
    let mut found = None;
    market.visit(&mut |cell, known, _, _| {
        found = found.or((cell.object == object && known == name).then_some(cell));
    });
    found
}

/// The name of an asset.
fn asset<'t>(fields: &mut Fields<'t>, name: &'static str, log: &mut Log) -> Option<&'t str> {
    let node = fields.need(name, log)?;
    scalar::name(text(node, log)?, node.span, log)
}

/// What governance sets.
fn rules(fields: &mut Fields<'_>, revision: Revision, log: &mut Log) -> Option<Parameters> {
    let [mat] = numbers(fields, ["mat"], None, log);
    let [par, duty] = numbers(fields, ["par", "duty"], Some(RAY), log);
    let [base] = numbers(fields, ["base"], Some(U256::ZERO), log);
    let [line, total_line, dust, chop] = numbers(fields, ["line", "total_line", "dust", "chop"], None, log);
    let live = fields.take("live").map_or(Some(true), |node| tree::flag(node, log));
    let house = fields.need("auction_house", log).and_then(|node| tables::house(node, revision, log));
    // Nobody's mistake is more likely than a ratio or a factor of another unit: below one, collateral would carry more than
    // its worth, and debt would shrink. A `mat` that was never filed is zero: such an ilk has no spot, and is no market.
    let one = "at least 1000000000000000000000000000, which is one";
    // `Dog.file` refuses less; of a `Cat` it is the same slip: a penalty of 13 % is a factor of 1.13.
    let (penalty, whole) = match revision {
        Revision::V1_0 => (RAY, one),
        _ => (WAD, "at least 1000000000000000000, which is one: a penalty of 13 % is 1130000000000000000"),
    };
    let fee = "at most 1000000073014496989316680335, tenfold a year: the factor of one second, not of a year";
    // Both together are the factor.
    let room = duty.and_then(|duty| FASTEST.sub(duty)).unwrap_or(FASTEST);
    for (name, value, range, expected) in [
        ("mat", mat, RAY..=U256::MAX, one),
        ("duty", duty, RAY..=U256::MAX, one),
        ("duty", duty, RAY..=FASTEST, fee),
        ("base", base, U256::ZERO..=room, "together with `duty` at most tenfold a year"),
        ("chop", chop, penalty..=U256::MAX, whole),
        ("par", par, U256::ONE..=U256::MAX, "a number above zero (10^27 is one)"),
    ] {
        if let Some(value) = value.filter(|value| !range.contains(value)) {
            let span = fields.take(name).map_or(fields.span, |node| node.span);
            log.at(Code::OutOfRange, span, value.to_string(), expected);
            return None;
        }
    }
    let (dutch, english) = house?;
    Some(Parameters {
        mat: mat?,
        par: par?,
        base: base?,
        duty: duty?,
        line: line?,
        total_line: total_line?,
        dust: dust?,
        live: live?,
        hop: 0,
        osm_stopped: false,
        chop: chop?,
        dutch,
        english,
    })
}

fn state(node: &Node, at: Time, log: &mut Log) -> Option<State> {
    let mut fields = Fields::of(node, log)?;
    let [total_art, rate, spot] = numbers(&mut fields, ["total_art", "rate", "spot"], None, log);
    let rho = fields.need("rho", log).and_then(|node| past(node, at, log));
    let zero = Some(U256::ZERO);
    let names = ["debt", "vice", "vow_dai", "vow_sin", "dirt", "total_dirt", "chost"];
    let [debt, vice, vow_dai, vow_sin, dirt, total_dirt, chost] = numbers(&mut fields, names, zero, log);
    let kicks = fields.take("kicks").map_or(Some(0), |node| scalar::between(node, 0, u64::MAX, log));
    fields.finish(log);
    Some(State {
        total_art: total_art?,
        rate: rate?,
        spot: spot?,
        rho: rho?,
        debt: debt?,
        vice: vice?,
        vow_dai: vow_dai?,
        vow_sin: vow_sin?,
        dirt: dirt?,
        total_dirt: total_dirt?,
        chost: chost?,
        kicks: kicks?,
        ..State::default()
    })
}

/// A time that is not after the book's (s).
fn past(node: &Node, at: Time, log: &mut Log) -> Option<u64> {
    let time = head::time(node, log)?;
    if time > at {
        log.at(Code::Future, node.span, time.0.to_string(), format!("a time up to the book's, {}", at.0));
        return None;
    }
    Some(time.0)
}

/// The delayed oracle.
struct Oracle {
    hop: u64,
    stopped: bool,
    current: maker::Stored,
    next: maker::Stored,
    poked: u64,
    /// Where the two prices stand.
    spans: [Span; 2],
}

impl Oracle {
    /// The feed is the oracle.
    fn none(span: Span) -> Oracle {
        let (current, next) = (maker::Stored::default(), maker::Stored::default());
        Oracle { hop: 0, stopped: false, current, next, poked: 0, spans: [span; 2] }
    }

    fn read(node: &Node, at: Time, log: &mut Log) -> Option<Oracle> {
        let mut fields = Fields::of(node, log)?;
        let hop = fields.need("hop", log).and_then(|node| scalar::between(node, 0, u16::MAX.into(), log));
        let stopped = fields.take("stopped").map_or(Some(false), |node| tree::flag(node, log));
        let mut spans = [node.span; 2];
        let mut price = |at: usize, name, log: &mut Log| match fields.take(name) {
            Some(node) => {
                spans[at] = node.span;
                Some(maker::Stored { value: scalar::whole(node, 128, log)?, valid: true })
            }
            None => Some(maker::Stored::default()),
        };
        let (current, next) = (price(0, "current", log), price(1, "next", log));
        let poked = fields.need("poked", log).and_then(|node| past(node, at, log));
        fields.finish(log);
        let (current, next) = (current?, next?);
        Some(Oracle { hop: hop?, stopped: stopped?, current, next, poked: poked?, spans })
    }

    /// Whether the price in force, the next one and that of which the spot was made can be of one unit; told if not.
    fn is_of_one_scale(&self, rules: &Parameters, spot: U256, log: &mut Log) -> bool {
        let one = |price: U256| (price != U256::ZERO).then_some([price; 2]);
        let poked = poked(rules, spot);
        let [current, next] = [self.current.value, self.next.value];
        for (at, found, others, what) in [
            (0, current, poked, "spot times `mat`"),
            (1, next, poked, "spot times `mat`"),
            (1, next, one(current), "`current`"),
        ] {
            // Nothing can be said of a price that is not there.
            let (Some(_), Some([low, high])) = (one(found), others) else { continue };
            let within = |low: U256, high: U256| low.mul(U256::new(APART)).is_none_or(|most| high <= most);
            if !within(found, low) || !within(high, found) {
                let expected = format!(
                    "a price in wad (10^18 is one) within a factor {APART} of {low}, which {what} comes to"
                );
                log.at(Code::MarketRefused, self.spans[at], found.to_string(), expected);
                return false;
            }
        }
        true
    }
}

/// The least price and one above the greatest of which `Spotter.poke` makes this spot: its two divisions round down, by `par`
/// and by `mat`. Nothing where there is no spot, or where it does not fit.
fn poked(rules: &Parameters, spot: U256) -> Option<[U256; 2]> {
    fn price(rules: &Parameters, spot: U256) -> Option<U256> {
        let in_dai = spot.mul_div_wide(rules.mat, RAY, Rounding::Up)?;
        in_dai.mul_div_wide(rules.par, U256::new(10u128.pow(36)), Rounding::Up)
    }
    if spot == U256::ZERO {
        return None;
    }
    Some([price(rules, spot)?, price(rules, spot.add(U256::ONE)?)?])
}

struct MakerDesk {
    market: Market,
    /// With fees to the book's time (ray).
    rate: U256,
}

impl MakerDesk {
    fn assets(&self) -> [&str; 2] {
        let instruments = plimsoll_core::Market::instruments(&self.market);
        [GEM, maker::DAI].map(|id| instruments[id.index()].asset.as_str())
    }
}

impl Desk for MakerDesk {
    fn market(&self) -> &dyn plimsoll_core::Market {
        &self.market
    }

    fn release(self: Box<Self>) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.market)
    }

    /// Collateral is locked, debt is Dai, and a supply is what lies in the vat unlocked.
    fn instrument(&self, posting: &Posting<'_>, log: &mut Log) -> Option<InstrumentId> {
        let [gem, dai] = self.assets();
        let asset = &*posting.asset.text;
        let (fits, expected) = match posting.side {
            Side::Supply if asset == gem => return Some(GEM),
            Side::Supply => ((asset == dai).then_some(VAT_DAI), format!("{gem} or {dai}")),
            Side::Collateral => ((asset == gem).then_some(INK), format!("{gem}, the collateral")),
            Side::Debt => ((asset == dai).then_some(ART), format!("{dai}, all that is owed here")),
        };
        if fits.is_none() {
            let code = if [gem, dai].contains(&asset) { Code::NotHeldHere } else { Code::UnknownAsset };
            let fault = log.at(code, posting.asset.span, quoted(asset), expected);
            if let Some(near) = nearest(asset, [gem, dai]).filter(|near| *near != asset) {
                fault.help(format!("did you mean `{near}`?"));
            }
        }
        fits
    }

    fn stored(&self, instrument: InstrumentId) -> Option<&'static str> {
        matches!(instrument, ART | VAT_DAI).then_some("scaled")
    }

    /// Dai in the vat has 45 digits after the point.
    fn bits(&self, instrument: InstrumentId) -> usize {
        if instrument == VAT_DAI { 256 } else { 128 }
    }

    /// As `draw` would record a loan, after a drip; Dai in the vat is counted 10^27 finer.
    fn convert(&self, instrument: InstrumentId, raw: U256) -> Option<U256> {
        match instrument {
            ART => raw.mul(RAY)?.div(self.rate, Rounding::Up),
            VAT_DAI => raw.mul(RAY),
            _ => Some(raw),
        }
    }

    fn mark(&self, _: &mut Account, posting: &Posting<'_>, _: InstrumentId, log: &mut Log) {
        if let Some((_, span)) = posting.as_collateral {
            let expected = "nothing: here collateral is a kind of its own";
            log.at(Code::Contradiction, span, "a choice", expected);
        }
    }

    /// All debt of the ilk is debt of the system.
    fn cover(&mut self, sums: &[(InstrumentId, U256)]) -> Option<()> {
        let art = sums.iter().find(|(id, _)| *id == ART).map_or(U256::ZERO, |(_, sum)| *sum);
        let growth = raise(&mut self.market, 0, "total_art", art)?;
        let (_, debt) = cell(&self.market, 0, "debt")?;
        let more = growth.mul(self.market.state().rate)?;
        raise(&mut self.market, 0, "debt", debt.add(more)?).map(|_| ())
    }

    /// `hope=3`: account 3 of the book may act for this one (`Vat.hope`).
    fn mode(&self, account: &mut Account, mode: &Cell<'_>, log: &mut Log) {
        let number = mode.text.strip_prefix("hope=").and_then(|number| number.parse::<u64>().ok());
        match number.and_then(|number| number.checked_add(1)) {
            Some(next) => account.set_term(HOPE, Int::from(next)),
            None => {
                let expected = "hope= and the number of an account, counted from 0";
                log.at(Code::UnknownMode, mode.span, quoted(&mode.text), expected);
            }
        }
    }
}

// ---- writing --------------------------------------------------------------------------------------------------

/// Every number of a market's own row, by name.
type Numbers = HashMap<&'static str, Int>;

fn number(numbers: &Numbers, name: &'static str) -> Option<(&'static str, Value)> {
    Some((name, Value::Text(numbers.get(name)?.to_string())))
}

fn write(market: &dyn plimsoll_core::Market, names: &Names<'_>) -> Option<Vec<(&'static str, Value)>> {
    let revision = REVISIONS.into_iter().find(|revision| revision.name() == market.venue().1)?;
    let mut rows: Vec<(u64, Numbers)> = Vec::new();
    market.visit(&mut |cell, name, _, value| {
        if rows.last().is_none_or(|(object, _)| *object != cell.object) {
            rows.push((cell.object, HashMap::new()));
        }
        if let Some((_, row)) = rows.last_mut() {
            row.insert(name, value);
        }
    });
    let ((_, own), running) = rows.split_first()?;
    let assets = market.names();
    let mut fields = Vec::new();
    for which in ["gem", "dai", "currency"] {
        let (_, _, name) = assets.iter().find(|(_, what, _)| *what == which)?;
        fields.push((which, write_text(name)));
    }
    if let Some(price) = names.prices.first().copied().flatten() {
        fields.push(("feed", write_text(price)));
    }
    for name in ["mat", "par", "base", "duty", "line", "total_line", "dust", "chop"] {
        fields.push(number(own, name)?);
    }
    let is = |name: &str| Some(*own.get(name)? == Int::ONE);
    if !is("live")? {
        fields.push(("live", flag(false)));
    }
    fields.push(("auction_house", tables::write_house(own, revision)?));
    let delayed =
        ["hop", "osm_stopped", "current_price", "current_valid", "next_price", "next_valid", "poked"];
    if delayed.iter().any(|name| own.get(name).is_some_and(|value| !value.is_zero())) {
        fields.push(("oracle", write_oracle(own)?));
    }
    let state = [
        "total_art",
        "rate",
        "spot",
        "rho",
        "debt",
        "vice",
        "vow_dai",
        "vow_sin",
        "dirt",
        "total_dirt",
        "chost",
        "kicks",
    ];
    let state: Option<Vec<_>> = state.into_iter().map(|name| number(own, name)).collect();
    fields.push(("state", table(state?)));
    if !running.is_empty() {
        fields.push(("auctions", auctions::write(running, revision, names)?));
    }
    Some(fields)
}

fn write_oracle(own: &Numbers) -> Option<Value> {
    let mut fields = vec![number(own, "hop")?];
    if *own.get("osm_stopped")? == Int::ONE {
        fields.push(("stopped", flag(true)));
    }
    for (field, price, valid) in
        [("current", "current_price", "current_valid"), ("next", "next_price", "next_valid")]
    {
        let value = own.get(price)?;
        if *own.get(valid)? == Int::ONE {
            fields.push((field, write_text(&value.to_string())));
        } else if !value.is_zero() {
            // A price that is none has no words.
            return None;
        }
    }
    fields.push(number(own, "poked")?);
    Some(table(fields))
}

/// Whoever holds nothing has a row all the same: an auction may still be his.
fn positions(market: &dyn plimsoll_core::Market, account: &Account) -> Option<Positions> {
    let mut rows = Vec::new();
    let asset = |id: InstrumentId| Some(market.instruments().get(id.index())?.asset.clone());
    for holding in account.holdings() {
        let (side, unit) = match holding.instrument {
            GEM => (Side::Supply, "raw"),
            VAT_DAI => (Side::Supply, "scaled"),
            INK => (Side::Collateral, "raw"),
            ART => (Side::Debt, "scaled"),
            _ => return None,
        };
        let quantity = holding.quantity.to_u256()?;
        rows.push(Position { side, asset: asset(holding.instrument)?, quantity, unit, as_collateral: None });
    }
    if rows.is_empty() {
        let (side, quantity, unit) = (Side::Collateral, U256::ZERO, "raw");
        rows.push(Position { side, asset: asset(INK)?, quantity, unit, as_collateral: None });
    }
    let mut mode = None;
    for (term, value) in account.terms() {
        if *term != HOPE {
            return None;
        }
        mode = Some(format!("hope={}", value.to_u64()?.checked_sub(1)?));
    }
    Some(Positions { mode, rows, legs: Vec::new() })
}
