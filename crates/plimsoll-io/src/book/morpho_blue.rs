//! Morpho Blue in files: one market of one loan token and one collateral token.

use crate::book::head;
use crate::book::venue::{
    Decoded, Desk, Names, Position, Positions, Posting, Setting, Side, VenueFile, cell, raise,
};
use crate::book::write::table;
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use crate::table::Cell;
use crate::tree::{Fields, Node, Value, text};
use plimsoll_core::{Account, InstrumentId, Kind, Rounding, Time, U256};
use plimsoll_venues::morpho_blue::{
    BORROW, COLLATERAL, Irm, MAX_FEE, MAX_LLTV, Market, NAME, Parameters, Pool, SUPPLY, State,
};

pub(super) const FILE: VenueFile = VenueFile { name: NAME, revisions: &["1.0"], read, write, positions };

const IRMS: &[(&str, Irm)] =
    &[("none", Irm::Zero), ("adaptive_curve", Irm::AdaptiveCurve), ("utilisation", Irm::Utilisation)];

/// The contract adds these to each pool's totals (`SharesMathLib`).
const VIRTUAL_SHARES: U256 = U256::new(1_000_000);
const VIRTUAL_ASSETS: U256 = U256::ONE;

fn read(fields: &mut Fields<'_>, setting: &Setting, log: &mut Log) -> Option<Decoded> {
    let loan = fields.need("loan", log).and_then(|node| token(node, log));
    let collateral = fields.need("collateral", log).and_then(|node| token(node, log));
    let lltv = fields.need("lltv", log).and_then(|node| up_to(node, MAX_LLTV, log));
    let irm = fields.need("irm", log).and_then(|node| {
        let word = text(node, log)?;
        scalar::word(word, node.span, IRMS, log)
    });
    let feed = fields.take("feed").and_then(|node| Some((text(node, log)?.to_string(), node.span)));
    let fee = fields.take("fee");
    let fee = fee.map_or(Some(U256::ZERO), |node| up_to(node, MAX_FEE, log));
    let recipient =
        fields.take("fee_recipient").and_then(|node| Some((text(node, log)?.to_string(), node.span)));
    let state = fields.take("state");
    let state = match state {
        Some(node) => self::state(node, setting.at, log),
        None => Some(State { last_update: setting.at.0, ..State::default() }),
    };
    let ((loan, loan_decimals), (collateral, collateral_decimals)) = (loan?, collateral?);
    let parameters = Parameters { loan_decimals, collateral_decimals, lltv: lltv?, irm: irm? };
    let state = State { fee: fee?, ..state? };
    let market = Market::new([&loan, &collateral], parameters, state);
    let market = match market {
        Ok(market) => market,
        Err(refusal) => {
            let head = Span { end: fields.span.start + 1, ..fields.span };
            log.at(Code::MarketRefused, head, refusal.to_string(), "numbers that the contract can hold");
            return None;
        }
    };
    let accrued = match market.accrued(setting.at) {
        Ok((accrued, _)) => accrued,
        Err(refusal) => {
            let head = Span { end: fields.span.start + 1, ..fields.span };
            log.at(
                Code::MarketRefused,
                head,
                refusal.to_string(),
                "interest that can be added up to the book's time",
            );
            return None;
        }
    };
    let account = recipient.and_then(|(name, span)| Some((recipient_cell(&market)?, name, span)));
    let accounts = Vec::from_iter(account);
    Some(Decoded {
        wires: vec![feed],
        desk: Box::new(MorphoDesk { market, accrued }),
        accounts,
        vols: Vec::new(),
    })
}

/// The place of `fee_recipient` in the market's cells; its number may be -1.
fn recipient_cell(market: &dyn plimsoll_core::Market) -> Option<plimsoll_core::Cell> {
    let mut found = None;
    market.visit(&mut |cell, name, _, _| found = found.or((name == "fee_recipient").then_some(cell)));
    found
}

/// A whole number from zero to `most`.
fn up_to(node: &Node, most: U256, log: &mut Log) -> Option<U256> {
    let number = scalar::whole(node, 256, log)?;
    if number > most {
        log.at(Code::OutOfRange, node.span, number.to_string(), format!("at most {most} (10^18 is one)"));
        return None;
    }
    Some(number)
}

/// `{ asset = "USDC", decimals = 6 }`.
fn token(node: &Node, log: &mut Log) -> Option<(String, u8)> {
    let mut fields = Fields::of(node, log)?;
    let asset = fields.need("asset", log);
    let asset = asset.and_then(|node| scalar::name(text(node, log)?, node.span, log));
    let decimals = fields.need("decimals", log).and_then(|node| decimals(node, log));
    fields.finish(log);
    Some((asset?.to_string(), decimals?))
}

fn decimals(node: &Node, log: &mut Log) -> Option<u8> {
    let number = scalar::whole(node, 256, log)?;
    let small = number.to_u64().filter(|decimals| *decimals <= 36);
    if small.is_none() {
        log.at(Code::Decimals, node.span, number.to_string(), "0 to 36 decimals");
    }
    small.map(|decimals| decimals as u8)
}

fn state(node: &Node, at: Time, log: &mut Log) -> Option<State> {
    let mut fields = Fields::of(node, log)?;
    let mut number = |name, log: &mut Log| {
        let node = fields.need(name, log)?;
        scalar::whole(node, 128, log)
    };
    let supply_assets = number("total_supply_assets", log);
    let supply_shares = number("total_supply_shares", log);
    let borrow_assets = number("total_borrow_assets", log);
    let borrow_shares = number("total_borrow_shares", log);
    let updated = fields.need("last_update", log).and_then(|node| {
        let time = head::time(node, log)?;
        if time > at || time == Time(0) {
            log.at(Code::Future, node.span, time.0.to_string(), format!("a time up to the book's, {}", at.0));
            return None;
        }
        Some(time)
    });
    let mut optional = |name, log: &mut Log| match fields.take(name) {
        Some(node) => scalar::whole(node, 128, log),
        None => Some(U256::ZERO),
    };
    let (rate, treasury) = (optional("rate_at_target", log), optional("treasury_shares", log));
    fields.finish(log);
    let supply = Pool { assets: supply_assets?, shares: supply_shares? };
    let borrow = Pool { assets: borrow_assets?, shares: borrow_shares? };
    if borrow.assets > supply.assets {
        let head = Span { end: node.span.start + 1, ..node.span };
        let found = format!("{} borrowed of {} supplied", borrow.assets, supply.assets);
        log.at(Code::Totals, head, found, "no more borrowed than supplied");
        return None;
    }
    Some(State {
        supply,
        borrow,
        last_update: updated?.0,
        rate_at_target: rate?,
        fee: U256::ZERO,
        fee_recipient: None,
        treasury_shares: treasury?,
    })
}

struct MorphoDesk {
    market: Market,
    /// With interest to the book's time.
    accrued: State,
}

impl Desk for MorphoDesk {
    fn market(&self) -> &dyn plimsoll_core::Market {
        &self.market
    }

    fn release(self: Box<Self>) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.market)
    }

    fn instrument(&self, posting: &Posting<'_>, log: &mut Log) -> Option<InstrumentId> {
        let instrument = match posting.side {
            Side::Supply => SUPPLY,
            Side::Collateral => COLLATERAL,
            Side::Debt => BORROW,
        };
        let held = &plimsoll_core::Market::instruments(&self.market)[instrument.index()].asset;
        if *held == posting.asset.text {
            return Some(instrument);
        }
        let all = plimsoll_core::Market::instruments(&self.market);
        let known = all.iter().filter(|one| one.kind == Kind::Asset).map(|one| one.asset.as_str());
        let expected = format!("{held}, the only asset of kind {} here", posting.kind.text);
        if known.clone().any(|asset| asset == posting.asset.text) {
            log.at(Code::NotHeldHere, posting.asset.span, quoted(&posting.asset.text), expected);
        } else {
            let fault = log.at(Code::UnknownAsset, posting.asset.span, quoted(&posting.asset.text), expected);
            if let Some(near) = nearest(&posting.asset.text, known) {
                fault.help(format!("did you mean `{near}`?"));
            }
        }
        None
    }

    fn stored(&self, instrument: InstrumentId) -> Option<&'static str> {
        (instrument != COLLATERAL).then_some("shares")
    }

    /// `SharesMathLib.toSharesDown` for a deposit, `toSharesUp` for a loan, both after interest.
    fn convert(&self, instrument: InstrumentId, raw: U256) -> Option<U256> {
        let (pool, rounding) = match instrument {
            SUPPLY => (self.accrued.supply, Rounding::Down),
            BORROW => (self.accrued.borrow, Rounding::Up),
            _ => return Some(raw),
        };
        raw.mul_div(pool.shares.add(VIRTUAL_SHARES)?, pool.assets.add(VIRTUAL_ASSETS)?, rounding)
    }

    fn mark(&self, _: &mut Account, posting: &Posting<'_>, _: InstrumentId, log: &mut Log) {
        if let Some((_, span)) = posting.as_collateral {
            let expected = "nothing: here collateral is a kind of its own";
            log.at(Code::Contradiction, span, "a choice", expected);
        }
    }

    fn cover(&mut self, sums: &[(InstrumentId, U256)]) -> Option<()> {
        let sum =
            |instrument| sums.iter().find(|(id, _)| *id == instrument).map_or(U256::ZERO, |(_, sum)| *sum);
        for (instrument, shares, assets, rounding) in [
            (SUPPLY, "total_supply_shares", "total_supply_assets", Rounding::Up),
            (BORROW, "total_borrow_shares", "total_borrow_assets", Rounding::Down),
        ] {
            let pool = if instrument == SUPPLY { self.accrued.supply } else { self.accrued.borrow };
            let growth = raise(&mut self.market, 0, shares, sum(instrument))?;
            let tokens = growth.mul_div(
                pool.assets.add(VIRTUAL_ASSETS)?,
                pool.shares.add(VIRTUAL_SHARES)?,
                rounding,
            )?;
            let (_, held) = cell(&self.market, 0, assets)?;
            raise(&mut self.market, 0, assets, held.add(tokens)?)?;
        }
        // Nothing can be borrowed that nobody supplied.
        let (_, borrowed) = cell(&self.market, 0, "total_borrow_assets")?;
        let (_, shares) = cell(&self.market, 0, "total_borrow_shares")?;
        if raise(&mut self.market, 0, "total_supply_assets", borrowed)? != U256::ZERO {
            raise(&mut self.market, 0, "total_supply_shares", shares)?;
        }
        Some(())
    }

    fn mode(&self, _: &mut Account, mode: &Cell<'_>, log: &mut Log) {
        log.at(Code::UnknownMode, mode.span, quoted(&mode.text), "no mode, as this venue has none");
    }
}

fn write(market: &dyn plimsoll_core::Market, names: &Names<'_>) -> Option<Vec<(&'static str, Value)>> {
    let mut numbers = std::collections::HashMap::new();
    market.visit(&mut |_, name, _, value| {
        numbers.insert(name, value);
    });
    let tokens = market.names();
    let token = |which: &str| {
        let name = tokens.iter().find(|(_, what, _)| *what == which)?.2.clone();
        let decimals = market.instruments().iter().find(|one| one.name == name)?.decimals;
        Some(table(vec![("asset", Value::Text(name)), ("decimals", Value::Number(decimals.to_string()))]))
    };
    let number = |name: &str| Some(Value::Text(numbers.get(name)?.to_string()));
    let irm = IRMS.get(usize::try_from(numbers.get("irm")?.to_u64()?).ok()?)?.0;
    let mut fields = vec![
        ("loan", token("loan")?),
        ("collateral", token("collateral")?),
        ("lltv", number("lltv")?),
        ("irm", Value::Text(irm.to_string())),
        ("fee", number("fee")?),
    ];
    if let Some(price) = names.prices.first().copied().flatten() {
        fields.push(("feed", Value::Text(price.to_string())));
    }
    if let Some(id) = numbers.get("fee_recipient")?.to_u64() {
        fields.push(("fee_recipient", Value::Text((names.account)(id)?.to_string())));
    }
    let state = [
        "total_supply_assets",
        "total_supply_shares",
        "total_borrow_assets",
        "total_borrow_shares",
        "last_update",
        "rate_at_target",
        "treasury_shares",
    ];
    let state: Option<Vec<_>> = state.into_iter().map(|name| Some((name, number(name)?))).collect();
    fields.push(("state", table(state?)));
    Some(fields)
}

fn positions(market: &dyn plimsoll_core::Market, account: &Account) -> Option<Positions> {
    let mut rows = Vec::new();
    for holding in account.holdings() {
        let (side, unit) = match holding.instrument {
            SUPPLY => (Side::Supply, "shares"),
            COLLATERAL => (Side::Collateral, "raw"),
            BORROW => (Side::Debt, "shares"),
            _ => return None,
        };
        let asset = market.instruments().get(holding.instrument.index())?.asset.clone();
        let quantity = holding.quantity.to_u256()?;
        rows.push(Position { side, asset, quantity, unit, as_collateral: None });
    }
    Some(Positions { mode: None, rows, legs: Vec::new() })
}
