//! A portfolio-margin venue as a market of core: cash and other assets at haircuts, and perps, dated futures and European options, margined
//! by the worst of a matrix of scenarios that is data ([`Model`]).
//!
//! ```text
//! equity     = sum over assets of amount x price x (owed ? 1 + haircut : 1 - haircut)
//!            + sum over contracts of base x price + quote
//! outcome(s) = counts(s) x sum of base x price in s - base x price now, over all contracts of one underlying,
//!              + amount x price x move of the assets that move with it
//! basis      = sum over expiries of min(0, outcome of its forward alone at 1 + b, at 1 - b); b = basis + basis a year x years
//! shorts     = rate x spot x sum over strikes of max(0, -(calls + puts)), each strike of each expiry by itself
//! initial    = sum over underlyings of max(0, -min over s of outcome(s), -basis) + shorts
//! maintenance = part x initial
//! ```
//!
//! In a scenario all prices of an underlying move by one factor: the forward of each expiry, each perp, and what assets move with it. A volatility is
//! multiplied by `1 + up x (30 / days)^p` or `1 - down x (30 / days)^p`, with at least a day. Underlyings do not pay for each other. The
//! basis is one more outcome and not a charge beside it: an account that only holds options is never asked more than they are worth.
//!
//! **Prices.** A perp has its own; a future and all options of its expiry have one forward; an option is worth what [`crate::black76`] says of the forward and of
//! the volatility that the book's surface has at exactly its expiry and strike, without a discount: nothing is interpolated. Each contract settles in one asset, at
//! par with the currency. A price or volatility that is missing or doubtful makes who reads it unknown; so does a contract that has expired and is still there.
//!
//! **Rounding.** Everything is in units of 10^-18 of the currency. Products are rounded down, also below zero; what is asked is rounded up. Forwards and
//! volatilities of a scenario are rounded down before they are priced.
//!
//! **Form.** None: an option is no line of a price, so an account that owes something is `Opaque` and is asked of the market each time, with its columns made once
//! for all accounts. Between two sets of prices an option is between its prices at the corners ([`plimsoll_core::Quoted::over`]), from
//! which liquidation prices are found by search.
//!
//! **Actions.** Deposit and repayment are never refused and need no price. A withdrawal, a loan and a fill must leave the account above both lines, or be no worse by
//! the rule of [`crate::liquidation`]. Below maintenance others close positions at what they are worth, at a fee, until the account is back above its initial line.
//!
//! **The size of an order.** What is asked is the greatest of linear functions of the size, so convex in it, and what backs falls with it, at a price that is no better than
//! what the contract is worth. Sizes that leave the account above a line are therefore a stretch, and so are those that leave it no worse, to which no order at all belongs.
//! Below the line the first are among the second: whoever is above the line after it asks less than before and has as great a part of it. So sizes that may go in
//! go from nothing up to a greatest, although headroom may rise before it falls, and doubling and halving finds that greatest one. Rounding of payments to raw
//! units aside, which only matters where a lot moves less than such a unit.
//!
//! Not modelled: selling collateral for a loan, open orders, discounting, settlement by a mean, contracts that settle in a coin, interest and funding between two books.

mod act;
mod array;
mod cells;
mod liquidate;
mod measure;
mod model;
mod position;
mod spec;
mod standing;

use crate::fixed;
use crate::ledger::{self, Contract as Traded, Ledger, Place};
use crate::market::MILLIONTHS;
use crate::schedule::{self, Side};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use plimsoll_core::{
    Account, Accounts, Call, Cell, Compiled, Counting, Decimal, Effects, Encoded, Feeds, Instrument,
    InstrumentId, Int, Lens, Mechanism, Nature, NodeSpec, PriceSlot, Question, Quoted, Refusal, TermSpec,
    Test, Time, Trace, U256, Unit, VOL_DIGITS, VOL_MAX, VOL_UNIT, WhyNot,
};
use position::Position;
use standing::Standing;

pub use crate::black76::Right;
pub use crate::ledger::{held, owed, token};
pub use crate::market::INITIAL;
use array::wad;
pub use model::{Day, MOST_MOVE, MOST_POWER, MOST_RANGE, MOST_SCENARIOS, Model, ONE, Scenario, Vol, percent};
pub use spec::{
    Asset, Contract, Expiry, MOST, MOST_CONTRACTS, MOST_DECIMALS, MOST_PRICE_DECIMALS, Spec, SpecError,
    Terms, Underlying,
};

/// The venue's name in files.
pub const NAME: &str = "portfolio";
/// Its revisions.
pub const REVISIONS: &[&str] = &["1"];

/// What the numbers of an assessment count.
const UNIT: Unit = Unit::raw(18);

/// A rate of millionths in units of 10^-18.
fn parts(rate: u32) -> i128 {
    i128::from(rate) * (fixed::ONE / 1_000_000)
}

/// A volatility that the market reads: of one expiry and one strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The expiry, as a place among the market's.
    pub expiry: usize,
    /// The strike (in the decimals of prices).
    pub strike: U256,
}

/// A portfolio-margin market.
#[derive(Clone, Debug)]
pub struct Market {
    spec: Spec,
    epoch: u64,
    instruments: Vec<Instrument>,
    slots: Vec<PriceSlot>,
    /// What people call the price of each slot.
    called: Vec<String>,
    nodes: Vec<NodeSpec>,
    /// For each asset, its slot.
    asset_slots: Vec<Option<usize>>,
    /// For each contract, the slot of its price, …
    price_slots: Vec<usize>,
    /// … and of its volatility.
    vol_slots: Vec<Option<usize>>,
    /// Where the underlyings' slots begin.
    spots: usize,
    /// Where the volatilities' slots begin, and which they are.
    points: (usize, Vec<Point>),
    /// From when on which of its schedules' rows are in force: the market as it is then, without schedules. None where it has no schedule.
    versions: Vec<(Time, Market)>,
    /// Of a version, for each underlying the margin of who holds and of who owes: since when, and which.
    since: Vec<[Option<(Time, u32)>; 2]>,
}

impl Market {
    /// A market of these rules.
    ///
    /// Slots stand in this order: assets with a price, underlyings, expiries, perps, volatilities by the first contract that reads them.
    ///
    /// # Errors
    /// For what contradicts itself and numbers that are too great.
    pub fn new(spec: Spec) -> Result<Market, SpecError> {
        spec::sound(&spec)?;
        let (mut slots, mut called) = (Vec::new(), Vec::new());
        let highest = U256::pow10(spec.price_decimals + 9).unwrap_or(U256::MAX);
        let price = |asset: &String| PriceSlot {
            asset: asset.clone(),
            currency: spec.currency.clone(),
            decimals: spec.price_decimals,
            highest,
        };
        let (mut instruments, mut asset_slots) = (Vec::new(), Vec::new());
        for asset in &spec.assets {
            asset_slots.push(asset.priced.then_some(slots.len()));
            if asset.priced {
                slots.push(price(&asset.name));
                called.push(asset.name.clone());
            }
            instruments.extend(ledger::of_asset(&asset.name, asset.decimals));
        }
        let spots = slots.len();
        for underlying in &spec.underlyings {
            slots.push(price(&underlying.name));
            called.push(format!("{} spot", underlying.name));
        }
        let forwards = slots.len();
        let named = |underlying: usize| &spec.underlyings[underlying].name;
        for expiry in &spec.expiries {
            slots.push(price(named(expiry.underlying)));
            called.push(format!("{} {}", named(expiry.underlying), expiry.at));
        }
        let mut price_slots = Vec::new();
        let settles = &spec.assets[spec.settles_in];
        for contract in &spec.contracts {
            let of_it = (&settles.name, settles.decimals);
            instruments.extend(ledger::of_contract(&contract.name, contract.decimals, of_it));
            price_slots.push(match contract.terms.expiry() {
                Some(expiry) => forwards + expiry,
                None => {
                    slots.push(price(named(contract.underlying)));
                    called.push(contract.name.clone());
                    slots.len() - 1
                }
            });
        }
        let first = slots.len();
        let (mut points, mut vol_slots) = (Vec::new(), Vec::new());
        for contract in &spec.contracts {
            let Terms::Option { expiry, strike, .. } = contract.terms else {
                vol_slots.push(None);
                continue;
            };
            let point = Point { expiry, strike };
            let at = points.iter().position(|known| *known == point).unwrap_or_else(|| {
                points.push(point);
                let underlying = named(contract.underlying);
                slots.push(PriceSlot {
                    asset: format!("{underlying} vol"),
                    currency: VOL_UNIT.into(),
                    decimals: VOL_DIGITS,
                    highest: U256::pow10(VOL_DIGITS)
                        .and_then(|one| one.mul(U256::from(VOL_MAX)))
                        .unwrap_or(U256::MAX),
                });
                let strike = Decimal { mantissa: strike.into(), decimals: spec.price_decimals }.trimmed();
                called.push(format!("{underlying} {} {strike} vol", spec.expiries[expiry].at));
                points.len() - 1
            });
            vol_slots.push(Some(first + at));
        }
        let node =
            |(slot, name): (usize, &String)| NodeSpec { name: format!("{name} price"), slot: Some(slot) };
        let nodes = called.iter().enumerate().map(node).collect();
        let points = (first, points);
        let mut market = Market {
            spec,
            epoch: 0,
            instruments,
            slots,
            called,
            nodes,
            asset_slots,
            price_slots,
            vol_slots,
            spots,
            points,
            versions: Vec::new(),
            since: Vec::new(),
        };
        for at in schedule::versions(&market.spec.schedules, market.spec.updated)? {
            let version = market.as_of(at)?;
            market.versions.push((at, version));
        }
        Ok(market)
    }

    /// The market with the margins that are in force at a time, and no schedule.
    fn as_of(&self, at: Time) -> Result<Market, SpecError> {
        let spec = Spec { schedules: Vec::new(), ..self.spec.clone() };
        let in_force = |of: usize| {
            let side = |side| schedule::in_force(&self.spec.schedules, of, side, at);
            Side::ALL.map(side).map(|row| row.map(|(from, rate, _)| (from, rate)))
        };
        let since = (0..spec.underlyings.len()).map(in_force).collect();
        Ok(Market { since, ..Market::new(spec)? })
    }

    /// The market as it is at a time.
    fn version(&self, at: Time) -> &Market {
        let later = self.versions.partition_point(|(from, _)| *from <= at);
        later.checked_sub(1).and_then(|place| self.versions.get(place)).map_or(self, |(_, version)| version)
    }

    /// How far an underlying moves in a scenario (10^-18): as the model says, or, where all counts and a schedule is in force, in its ratio to the furthest
    /// move of the side, which is the scheduled margin. Raised in size.
    fn moved(&self, underlying: usize, scenario: &Scenario) -> i128 {
        let moves = array::moved(scenario.moves);
        let side = usize::from(scenario.moves > 0);
        let row = self.since.get(underlying).and_then(|sides| sides[side]);
        let Some((_, rate)) = row.filter(|_| scenario.counts == ONE && scenario.moves != 0) else {
            return moves;
        };
        let same = |one: &&Scenario| one.counts == ONE && (one.moves > 0) == (scenario.moves > 0);
        let furthest =
            self.spec.model.scenarios.iter().filter(same).map(|one| one.moves.unsigned_abs()).max();
        let furthest = i128::from(furthest.unwrap_or(1).max(1));
        let rounding = if moves < 0 { plimsoll_core::Rounding::Down } else { plimsoll_core::Rounding::Up };
        fixed::mul_div(moves, i128::from(rate), furthest, rounding).unwrap_or(moves)
    }

    /// A scenario of an underlying in words, as far as it moves now.
    fn named(&self, underlying: usize, scenario: &Scenario) -> String {
        let moves = self.moved(underlying, scenario) / (fixed::ONE / 1_000_000);
        let moves = i32::try_from(moves).unwrap_or(scenario.moves);
        Scenario { moves, ..*scenario }.name()
    }

    /// The market that another one is, if it is one of this venue: for whoever has a book's markets and needs this one's rules.
    #[must_use]
    pub fn of(market: &dyn plimsoll_core::Market) -> Option<Market> {
        if market.venue() != (NAME, REVISIONS[0]) {
            return None;
        }
        let mut bytes = Vec::new();
        market.encode(&mut bytes);
        decoded(&bytes).ok()
    }

    /// Its rules.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The same market under another model.
    ///
    /// # Errors
    /// As [`Market::new`].
    pub fn under(&self, model: Model) -> Result<Market, SpecError> {
        Market::new(Spec { model, ..self.spec.clone() })
    }

    /// The base of a contract; negative is short.
    #[must_use]
    pub fn base(&self, contract: usize) -> InstrumentId {
        self.base_of(contract)
    }

    /// What was paid (negative) or received for the base of a contract, in raw units of the asset that it settles in.
    #[must_use]
    pub fn quote(&self, contract: usize) -> InstrumentId {
        self.quote_of(contract)
    }

    /// The volatilities that it reads, each with its slot.
    pub fn points(&self) -> impl Iterator<Item = (usize, Point)> {
        (self.points.0..).zip(self.points.1.iter().copied())
    }

    fn spot_slot(&self, underlying: usize) -> usize {
        self.spots + underlying
    }

    fn price_slot(&self, contract: usize) -> usize {
        self.price_slots[contract]
    }

    fn vol_slot(&self, contract: usize) -> Option<usize> {
        self.vol_slots[contract]
    }

    /// A price of this market in units of 10^-18.
    fn price_wad(&self, raw: U256) -> Option<i128> {
        wad(raw, self.spec.price_decimals)
    }
}

impl Ledger for Market {
    fn assets(&self) -> usize {
        self.spec.assets.len()
    }

    fn contracts(&self) -> usize {
        self.spec.contracts.len()
    }

    fn contract(&self, contract: usize) -> Traded {
        let spec = &self.spec.contracts[contract];
        let settles = self.spec.assets[self.spec.settles_in].decimals;
        Traded { decimals: spec.decimals, lot: spec.lot, settles }
    }

    fn lends(&self, asset: usize) -> bool {
        self.spec.assets[asset].lends
    }

    fn digits(&self) -> u8 {
        self.spec.price_decimals
    }
}

impl plimsoll_core::Market for Market {
    fn venue(&self) -> (&'static str, &'static str) {
        (NAME, REVISIONS[0])
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    fn slots(&self) -> &[PriceSlot] {
        &self.slots
    }

    fn nodes(&self) -> &[NodeSpec] {
        &self.nodes
    }

    fn terms(&self) -> &[TermSpec] {
        &[]
    }

    fn slot_called(&self, slot: usize) -> Option<&str> {
        self.called.get(slot).map(String::as_str)
    }

    fn updated(&self) -> Time {
        self.spec.updated
    }

    fn at<'m>(&'m self, feeds: Feeds<'_>, _: Lens, at: Time) -> Result<Box<dyn Quoted + 'm>, Refusal> {
        if at < self.spec.updated {
            return Err(Refusal::ClockWentBack { state: self.spec.updated, asked: at });
        }
        Ok(Box::new(Standing::new(self.version(at), feeds, at).prepared()))
    }

    fn compile(&self, account: &Account, _: Question) -> Result<Compiled, Refusal> {
        let nothing = Position::of(self, account)?.owes_nothing();
        Ok(if nothing { Compiled::NoDebt } else { Compiled::Opaque })
    }

    fn traded(&self, instrument: InstrumentId) -> Option<plimsoll_core::Traded> {
        ledger::traded(self, instrument)
    }

    fn reads(&self, account: &Account) -> Option<Vec<usize>> {
        Some(standing::reads(self, &Position::of(self, account).ok()?))
    }

    /// An asset counts after its haircut, a position at what it is worth.
    fn counting(&self, _: &Account, instrument: InstrumentId) -> Result<Counting, Refusal> {
        let weight = match self.place_of(instrument).ok_or(Refusal::NoSuchInstrument(instrument))? {
            Place::Token(_) => return Err(Refusal::NoSuchInstrument(instrument)),
            Place::Held(asset) => Some(ONE - self.spec.assets[asset].haircut),
            Place::Owed(_) => None,
            Place::Base(_) | Place::Quote(_) => Some(ONE),
        };
        let why_not = (weight == Some(0)).then_some(WhyNot::NoThreshold);
        let weight = weight.filter(|weight| *weight > 0).map(U256::from);
        Ok(Counting { weight, unit: MILLIONTHS, why_not, frozen: false, paused: false })
    }

    /// What restores the account, then each position by itself.
    fn forced(&self, account: &Account, _: Feeds<'_>) -> Vec<Mechanism> {
        liquidate::forced(self, account)
    }

    fn act(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Effects, Refusal> {
        act::act(self, call, accounts, feeds, trace)
    }

    /// A withdrawal is new risk.
    fn withdrawal_line(&self, _: InstrumentId) -> (Test, Lens) {
        (Test::Borrow, Lens::Action)
    }

    /// All but the time is somebody's decision.
    fn nature(&self, cell: Cell) -> Nature {
        if cell == cells::UPDATED { Nature::State } else { Nature::Rule }
    }

    fn set(&mut self, cell: Cell, value: Option<Int>) -> Result<(), Refusal> {
        let mut spec = self.spec.clone();
        cells::set(&mut spec, cell, value.as_ref())?;
        let market = Market::new(spec).map_err(|_| Refusal::NoSuchCell)?;
        *self = Market { epoch: self.epoch, ..market };
        if cell != cells::UPDATED {
            self.move_epoch();
        }
        Ok(())
    }

    fn visit(&self, see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
        cells::visit(&self.spec, see);
    }

    fn names(&self) -> Vec<(u64, &'static str, String)> {
        cells::names(&self.spec)
    }

    fn move_epoch(&mut self) {
        self.epoch = self.epoch.saturating_add(1);
    }

    fn boxed_clone(&self) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.clone())
    }
}

/// Opens portfolio-margin markets.
#[derive(Clone, Copy, Debug)]
pub struct Portfolio;

impl plimsoll_core::Venue for Portfolio {
    fn name(&self) -> &'static str {
        NAME
    }

    fn revisions(&self) -> &'static [&'static str] {
        REVISIONS
    }

    fn open(&self, bytes: &[u8]) -> Result<Box<dyn plimsoll_core::Market>, Refusal> {
        Ok(Box::new(decoded(bytes)?))
    }
}

/// What [`plimsoll_core::Market::encode`] wrote.
fn decoded(bytes: &[u8]) -> Result<Market, Refusal> {
    let encoded = Encoded::read(bytes).ok_or(Refusal::NoSuchCell)?;
    if encoded.venue != NAME || !REVISIONS.contains(&encoded.revision.as_str()) {
        return Err(Refusal::NotAtThisVenue);
    }
    let market = Market::new(cells::read(&encoded)?).map_err(|_| Refusal::NoSuchCell)?;
    Ok(Market { epoch: encoded.epoch, ..market })
}
