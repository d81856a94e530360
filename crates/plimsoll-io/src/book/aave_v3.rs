//! Aave v3 in files: a pool of reserves and its e-mode categories.

mod reserve;
mod write;

use crate::book::venue::{Decoded, Desk, Posting, Setting, Side, VenueFile, cell, raise};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use crate::table::Cell;
use crate::tree::{Fields, Node, Value, flag, list, text};
use plimsoll_core::{Account, InstrumentId, Int, Market, RAY, Rounding, Silent, U256};
use plimsoll_venues::aave_v3::{
    Configuration, E_MODE, EMode, Pool, PoolSpec, RESERVES_MAX, Reserve, Revision, USER_CONFIG, debt, receipt,
};

pub(super) const FILE: VenueFile = VenueFile {
    name: "aave_v3",
    revisions: &Revision::NAMES,
    read,
    write: write::market,
    positions: write::positions,
};

/// 100 % (bps).
const WHOLE: u64 = 10_000;

fn read(fields: &mut Fields<'_>, setting: &Setting, log: &mut Log) -> Option<Decoded> {
    let revision = Revision::ALL[setting.revision];
    let currency = fields.need("currency", log).and_then(|node| {
        let word = scalar::name(text(node, log)?, node.span, log)?;
        Some(word.to_string())
    });
    let nodes = fields.need("reserves", log).and_then(|node| list(node, log));
    let modes = fields.take("emodes").and_then(|node| list(node, log)).unwrap_or(&[]);

    let before = log.count();
    let mut reserves: Vec<Reserve> = Vec::new();
    let mut wires = Vec::new();
    for (number, node) in nodes?.iter().enumerate() {
        if number == RESERVES_MAX {
            let found = format!("{} reserves", nodes?.len());
            log.at(Code::TooLarge, node.span, found, format!("at most {RESERVES_MAX}"));
            break;
        }
        let Some((reserve, wire)) = reserve::read(node, revision, setting.at, log) else { continue };
        if reserves.iter().any(|other| other.symbol == reserve.symbol) {
            log.at(Code::DuplicateAsset, node.span, quoted(&reserve.symbol), "each asset once");
        }
        reserves.push(reserve);
        wires.push(wire);
    }
    // Also of reserves that are themselves faulty, so that lists of assets are judged by what the file lists.
    let symbols: Vec<&str> = nodes?.iter().map(symbol_of).collect();
    let mut emodes: Vec<EMode> = Vec::new();
    for node in modes {
        let Some((mode, wire)) = e_mode(node, revision, &symbols, log) else { continue };
        if emodes.iter().any(|other| other.id == mode.id) {
            log.at(Code::DuplicateName, node.span, format!("e-mode {}", mode.id), "each number once");
        }
        if mode.price_slot.is_some() {
            wires.push(wire);
        }
        emodes.push(mode);
    }
    if log.count() != before {
        return None;
    }
    let spec = PoolSpec { revision, currency: currency?, reserves, modes: emodes };
    match Pool::new(spec) {
        Ok(pool) => Some(Decoded::new(Box::new(AaveDesk::new(pool, setting, fields, log)?), wires)),
        Err(error) => {
            log.at(Code::MarketRefused, head(fields.span), error.to_string(), "a pool that can be");
            None
        }
    }
}

/// The first character of a table, to point at when no field of it is meant.
fn head(span: Span) -> Span {
    Span { end: span.end.min(span.start + 1), ..span }
}

/// Tells a field that the revision does not have.
fn not_in(node: &Node, name: &str, revision: Revision, has: &str, log: &mut Log) {
    log.at(Code::NotInRevision, node.span, format!("`{name}` in {}", revision.name()), has.to_string());
}

/// Three weights that no pool accepts in another order (`PoolConfigurator.configureReserveAsCollateral`).
fn check_weights(weights: [u64; 3], spans: [Span; 3], log: &mut Log) {
    let [ltv, threshold, bonus] = weights;
    let [ltv_span, threshold_span, bonus_span] = spans;
    if ltv > threshold {
        let expected = format!("at most the liquidation threshold, {threshold}");
        log.at(Code::LtvThreshold, ltv_span, ltv.to_string(), expected);
    }
    if threshold == 0 {
        return;
    }
    if bonus < WHOLE {
        log.at(
            Code::Bonus,
            bonus_span,
            bonus.to_string(),
            "at least 10000, which is no bonus (10500 is 5 %)",
        );
    // percentMul rounds half up.
    } else if (threshold * bonus + WHOLE / 2) / WHOLE > WHOLE {
        let found = format!("{threshold} x {bonus} / 10000");
        log.at(
            Code::Coverage,
            threshold_span,
            found,
            "at most 10000: a liquidator is paid out of the collateral",
        );
    }
}

fn e_mode(
    node: &Node,
    revision: Revision,
    symbols: &[&str],
    log: &mut Log,
) -> Option<(EMode, Option<(String, Span)>)> {
    let mut fields = Fields::of(node, log)?;
    let bitmaps = revision >= Revision::V3_2;
    let id = fields.need("id", log).and_then(|node| scalar::between(node, 1, 255, log));
    let label = fields.take("label");
    let label = label.map_or(Some(""), |node| text(node, log));
    let mut weight = |name, log: &mut Log| {
        let node = fields.need(name, log)?;
        Some((scalar::between(node, 0, 65_535, log)?, node.span))
    };
    let weights =
        (weight("ltv", log), weight("liquidation_threshold", log), weight("liquidation_bonus", log));
    let mut assets = |name: &'static str, there: bool, since: &str, log: &mut Log| match fields.take(name) {
        Some(node) if !there => {
            not_in(node, name, revision, since, log);
            Some(U256::ZERO)
        }
        Some(node) => bits(node, symbols, log),
        None => Some(U256::ZERO),
    };
    let since = "`collateral` and `borrowable` from 3.2 on; before, each reserve says its `emode`";
    let collateral = assets("collateral", bitmaps, since, log);
    let borrowable = assets("borrowable", bitmaps, since, log);
    let ltv_zero = assets("ltv_zero", revision >= Revision::V3_6, "`ltv_zero` from 3.6 on", log);
    let isolated = match fields.take("isolated") {
        Some(node) if revision < Revision::V3_7 => {
            not_in(node, "isolated", revision, "`isolated` e-modes from 3.7 on", log);
            Some(false)
        }
        Some(node) => flag(node, log),
        None => Some(false),
    };
    let feed = fields.take("feed");
    let wire = feed.and_then(|node| Some((text(node, log)?.to_string(), node.span)));
    if let Some(node) = feed.filter(|_| bitmaps) {
        not_in(node, "feed", revision, "prices of e-modes up to 3.1", log);
    }
    fields.finish(log);
    let (Some((ltv, ltv_span)), Some((threshold, threshold_span)), Some((bonus, bonus_span))) = weights
    else {
        return None;
    };
    check_weights([ltv, threshold, bonus], [ltv_span, threshold_span, bonus_span], log);
    let mode = EMode {
        id: id? as u8,
        label: label?.to_string(),
        ltv: ltv as u16,
        threshold: threshold as u16,
        bonus: bonus as u16,
        price_slot: (wire.is_some() && !bitmaps).then_some(0),
        collateral: collateral?,
        borrowable: borrowable?,
        ltv_zero: ltv_zero?,
        isolated: isolated?,
    };
    Some((mode, wire))
}

/// A list of assets as a bitmap.
fn bits(node: &Node, symbols: &[&str], log: &mut Log) -> Option<U256> {
    let mut word = U256::ZERO;
    for node in list(node, log)? {
        let Some(symbol) = text(node, log) else { continue };
        if let Some(reserve) = find(symbol, node.span, symbols.iter().copied(), log) {
            word = word.with_bit(reserve, true);
        }
    }
    Some(word)
}

/// The asset that a reserve's table names, whatever else is wrong with it.
fn symbol_of(node: &Node) -> &str {
    let Value::Table(entries) = &node.value else { return "" };
    match entries.iter().find(|entry| entry.key == "asset").map(|entry| &entry.value.value) {
        Some(Value::Text(symbol)) => symbol,
        _ => "",
    }
}

fn find<'s>(
    symbol: &str,
    span: Span,
    symbols: impl Iterator<Item = &'s str> + Clone,
    log: &mut Log,
) -> Option<usize> {
    let found = symbols.clone().position(|listed| listed == symbol);
    if found.is_none() {
        let fault = log.at(Code::UnknownAsset, span, quoted(symbol), "an asset that the market lists");
        if let Some(near) = nearest(symbol, symbols) {
            fault.help(format!("did you mean `{near}`?"));
        }
    }
    found
}

struct AaveDesk {
    pool: Pool,
    /// For each reserve, income and debt index at the book's time (ray).
    indices: Vec<[U256; 2]>,
}

impl AaveDesk {
    fn new(pool: Pool, setting: &Setting, fields: &Fields<'_>, log: &mut Log) -> Option<AaveDesk> {
        let mut indices = Vec::new();
        for reserve in pool.reserves() {
            let income = reserve.state.income_index(&mut Silent, setting.at);
            let debt = reserve.state.debt_index(&mut Silent, pool.revision(), setting.at);
            match (income, debt) {
                (Ok(income), Ok(debt)) => indices.push([income, debt]),
                (Err(refusal), _) | (_, Err(refusal)) => {
                    let found = format!("{}: {refusal}", reserve.symbol);
                    let expected = "interest that can be added up to the book's time";
                    log.at(Code::MarketRefused, head(fields.span), found, expected);
                    return None;
                }
            }
        }
        Some(AaveDesk { pool, indices })
    }
}

impl Desk for AaveDesk {
    fn market(&self) -> &dyn Market {
        &self.pool
    }

    fn release(self: Box<Self>) -> Box<dyn Market> {
        Box::new(self.pool)
    }

    /// A deposit and a collateral are one receipt; whether it counts is a flag.
    fn instrument(&self, posting: &Posting<'_>, log: &mut Log) -> Option<InstrumentId> {
        let symbols = self.pool.reserves().iter().map(|reserve| reserve.symbol.as_str());
        let reserve = find(&posting.asset.text, posting.asset.span, symbols, log)?;
        Some(match posting.side {
            Side::Supply | Side::Collateral => receipt(reserve),
            Side::Debt => debt(reserve),
        })
    }

    fn stored(&self, _: InstrumentId) -> Option<&'static str> {
        Some("scaled")
    }

    /// `rayDiv(amount, index)`: half up before 3.5; then down for what is minted to a supplier and up for what is
    /// minted to a borrower.
    fn convert(&self, instrument: InstrumentId, raw: U256) -> Option<U256> {
        let [income, debt_index] = *self.indices.get(instrument.index() / 3)?;
        let directed = self.pool.revision() >= Revision::V3_5;
        let is_debt = instrument.0 % 3 == 2;
        let rounding = match (directed, is_debt) {
            (false, _) => Rounding::HalfUp,
            (true, false) => Rounding::Down,
            (true, true) => Rounding::Up,
        };
        raw.mul_div(RAY.value(), if is_debt { debt_index } else { income }, rounding)
    }

    fn mark(&self, account: &mut Account, posting: &Posting<'_>, instrument: InstrumentId, log: &mut Log) {
        let reserve = instrument.index() / 3;
        let bit = match (posting.side, posting.as_collateral) {
            (Side::Debt, None) => Some(2 * reserve),
            (Side::Debt, Some((_, span))) => {
                log.at(Code::Contradiction, span, "a choice", "nothing beside a debt");
                None
            }
            (Side::Collateral, Some((false, span))) => {
                log.at(Code::Contradiction, span, "\"no\"", "yes, or nothing, beside the kind collateral")
                    .help("a deposit that does not count is of the kind supply");
                None
            }
            (_, Some((yes, _))) => yes.then_some(2 * reserve + 1),
            (Side::Collateral, None) => Some(2 * reserve + 1),
            (Side::Supply, None) => {
                let configuration = self.pool.reserves()[reserve].configuration;
                let counts = configuration.get(Configuration::THRESHOLD) > 0;
                let held = !account.quantity(instrument).is_zero();
                (counts && held).then_some(2 * reserve + 1)
            }
        };
        if let Some(bit) = bit {
            let word = account.term(USER_CONFIG).magnitude().with_bit(bit, true);
            account.set_term(USER_CONFIG, Int::from(word));
        }
    }

    fn cover(&mut self, sums: &[(InstrumentId, U256)]) -> Option<()> {
        for &(instrument, sum) in sums {
            let reserve = instrument.index() / 3;
            let object = reserve as u64;
            let is_debt = instrument.0 % 3 == 2;
            let total = if is_debt { "scaled_debt" } else { "scaled_supply" };
            let growth = raise(&mut self.pool, object, total, sum)?;
            let index = self.indices[reserve][usize::from(is_debt)];
            let tokens = growth.mul_div(index, RAY, Rounding::Up)?;
            // What was deposited lies in the pool; loans are taken out of it as far as it goes.
            for name in ["cash", "virtual_balance"] {
                let counted = name == "cash" || self.pool.revision() >= Revision::V3_1;
                if let (true, Some((cell, held))) = (counted, cell(&self.pool, object, name)) {
                    let held = if is_debt { held.sub_or_zero(tokens) } else { held.add(tokens)? };
                    self.pool.set(cell, Some(Int::from(held))).ok()?;
                }
            }
        }
        Some(())
    }

    fn mode(&self, account: &mut Account, mode: &Cell<'_>, log: &mut Log) {
        let id = mode.text.strip_prefix("emode=").and_then(|id| id.parse::<u8>().ok());
        let known = id.filter(|id| *id == 0 || self.pool.modes().iter().any(|mode| mode.id == *id));
        match known {
            Some(id) => account.set_term(E_MODE, Int::from(u64::from(id))),
            None => {
                let all: Vec<String> =
                    self.pool.modes().iter().map(|mode| format!("emode={}", mode.id)).collect();
                let expected = if all.is_empty() {
                    "no mode, as this market has none".to_string()
                } else {
                    format!("one of {}", all.join(", "))
                };
                log.at(Code::UnknownMode, mode.span, quoted(&mode.text), expected);
            }
        }
    }
}
