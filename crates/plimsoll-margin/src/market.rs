//! A cross-margin venue as a market of core: assets at weights, and perps that are valued at an index and settle in one of them.
//!
//! The rule is [`crate::cross`]'s, in its units and without a rounding, so that what [`crate::boundary`] proves of it is true of the market. One
//! account is one bucket; an isolated position is an account of its own.
//!
//! ```text
//! u(perp)   = quote + base x index - surcharge - asked          what a position is worth, less what it asks
//! asked     = rate 1 x size x index                             size = the greater of |base + bids| and |base - asks|
//! surcharge = sum over tiers n > 1 of max(0, (rate n - rate n-1) x (size x index - from n))
//! b(asset)  = held - owed + sum of the perps that settle in it: u > 0 ? profit weight x u : u
//! headroom  = sum over assets: b x price x (b < 0 ? liability weight : asset weight),
//!             and of an asset with a cap (none settles in it): min(held x price, cap) x asset weight
//! ```
//!
//! Tiers are the same for both sides, so the worse side of open orders is the greater of two sizes and no price decides it. The line is
//! `backing >= requirement`, whose difference is headroom. With W the weight that b has, and f the one that u has:
//!
//! ```text
//! backing     = sum W x price x (held + sum of f x (quote + base x index - surcharge))          less than 0 where losses are greater
//! requirement = sum W x price x (owed + sum of f x asked); of a perp without base and orders, what of its quote is owed
//! ```
//!
//! What tiers above the first ask comes off the backing: then each side of a row is the side of the assessment, at every level of health.
//! Collateral and debt at full value are the legs of each position: of a long one the base is held and the quote owed, so that collateral less
//! debt is what the account is worth.
//!
//! **Units.** Amounts are raw; with D the most decimals of any asset or perp, and P those of prices, the unit of the account is 10^-(D + 2P + 18) of the
//! currency: weights and rates are millionths, of which three are multiplied. An asset without a price is worth one of the currency. An index
//! is a price in what the perp settles in.
//!
//! **Form.** Where no perp of the account settles in an asset with a price, headroom is the least of a few sums that are linear in prices but for
//! hinges: one for each choice of the weights W and f that a sign decides, and min(asset weight x b, liability weight x b) is what the sign chooses. Each
//! is a row; a surcharge and a cap are hinges. Rows are exact, so their slack is nothing. An account with more than [`ROWS`] of them, or with
//! a perp that settles in an asset with a price (a product of two prices), has none.
//!
//! **Monotone** in the price of what is only held: it stands in backing alone.
//!
//! **Actions.** Deposit, repayment and cancellation are never refused, and need no price. What else an account does must leave it above its initial and
//! its maintenance line, or was below and is no worse by the rule of [`crate::liquidation`]: of what backs it if nothing is asked, and all that asking takes. A fill moves base against quote at its price, the quote
//! rounded for the venue. A liquidation cancels all orders, then closes lots at the index until the initial line is reached, and not one more; its fee
//! takes no more than the account is worth. A loan may be repaid for a collateral at a bonus, to the same end.
//!
//! Not modelled: interest and funding between two books (both are in what the file says), the venue's cash, auctions, deleveraging and funds
//! ([`crate::waterfall`] has their arithmetic), prices that the venue averages.

mod act;
mod cells;
mod liquidate;
mod model;
mod position;
mod rows;
mod span;
mod spec;
mod standing;
mod work;

use crate::ledger::{self, Contract, Ledger, Place};
use crate::schedule;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use plimsoll_core::{
    Account, Accounts, Call, Cell, Compiled, Counting, Effects, Encoded, Feeds, Instrument, InstrumentId,
    Int, Lens, Mechanism, Nature, NodeSpec, PriceSlot, Question, Quoted, Refusal, TermId, TermSpec, Test,
    Time, Trace, U256, Unit, WhyNot,
};
use position::Position;

pub use crate::ledger::{held, owed, token};
pub use model::{AssetRule, Model, PerpRule};
pub use rows::ROWS;
pub(crate) use spec::scheduled;
pub use spec::{
    Asked, Asset, INITIAL, MAINTENANCE, MOST, MOST_DECIMALS, MOST_PRICE_DECIMALS, ONE, Perp, Spec, SpecError,
    Tier, Weights,
};

/// The venue's name in files.
pub const NAME: &str = "cross";
/// Its revisions.
pub const REVISIONS: &[&str] = &["1"];

/// The open bids of a perp (raw base).
#[must_use]
pub const fn bids(perp: usize) -> TermId {
    TermId(2 * perp as u16)
}

/// The open asks of a perp (raw base).
#[must_use]
pub const fn asks(perp: usize) -> TermId {
    TermId(2 * perp as u16 + 1)
}

/// A cross-margin market.
#[derive(Clone, Debug)]
pub struct Market {
    spec: Spec,
    epoch: u64,
    instruments: Vec<Instrument>,
    slots: Vec<PriceSlot>,
    nodes: Vec<NodeSpec>,
    terms: Vec<TermSpec>,
    /// For each asset, its slot.
    asset_slots: Vec<Option<usize>>,
    /// From when on which of its schedules' rows are in force: the market as it is then, without schedules. None where it has no schedule.
    versions: Vec<(Time, Market)>,
    /// Of a version, for each perp since when its margin is in force, and which it is.
    since: Vec<Option<(Time, u32)>>,
}

impl Market {
    /// A market of these rules.
    ///
    /// # Errors
    /// For weights by which netting would hurt (asset weight above liability weight, or either on the wrong side of one), an initial
    /// weight more lenient than the maintenance weight, tiers that do not rise from nothing, a perp that settles in no asset or in one with a cap,
    /// no price at all, and numbers that are too great.
    pub fn new(spec: Spec) -> Result<Market, SpecError> {
        spec::sound(&spec)?;
        let mut slots = Vec::new();
        let highest = U256::pow10(spec.price_decimals + 12).unwrap_or(U256::MAX);
        let slot = |name: &String, currency: &String| PriceSlot {
            asset: name.clone(),
            currency: currency.clone(),
            decimals: spec.price_decimals,
            highest,
        };
        let mut asset_slots = Vec::new();
        let mut instruments = Vec::new();
        for asset in &spec.assets {
            asset_slots.push(asset.priced.then_some(slots.len()));
            if asset.priced {
                slots.push(slot(&asset.name, &spec.currency));
            }
            instruments.extend(ledger::of_asset(&asset.name, asset.decimals));
        }
        let mut terms = Vec::new();
        for (place, perp) in spec.perps.iter().enumerate() {
            let settles = &spec.assets[perp.settles_in];
            slots.push(slot(&perp.name, if settles.priced { &settles.name } else { &spec.currency }));
            let settles = (&settles.name, settles.decimals);
            instruments.extend(ledger::of_contract(&perp.name, perp.decimals, settles));
            for (id, what) in [(bids(place), "bids"), (asks(place), "asks")] {
                let name = format!("{what} {}", perp.name).into();
                terms.push(TermSpec { id, name, unit: Unit::raw(perp.decimals) });
            }
        }
        let node = |(slot, of): (usize, &PriceSlot)| NodeSpec {
            name: format!("{} price", of.asset),
            slot: Some(slot),
        };
        let nodes = slots.iter().enumerate().map(node).collect();
        let (versions, since) = (Vec::new(), Vec::new());
        let mut market =
            Market { spec, epoch: 0, instruments, slots, nodes, terms, asset_slots, versions, since };
        for at in schedule::versions(&market.spec.schedules, market.spec.updated)? {
            let version = market.as_of(at)?;
            market.versions.push((at, version));
        }
        Ok(market)
    }

    /// The market with the margins that are in force at a time, and no schedule.
    fn as_of(&self, at: Time) -> Result<Market, SpecError> {
        let mut spec = Spec { schedules: Vec::new(), ..self.spec.clone() };
        let mut since = Vec::new();
        for (place, perp) in spec.perps.iter_mut().enumerate() {
            let sides =
                schedule::Side::ALL.map(|side| schedule::in_force(&self.spec.schedules, place, side, at));
            let row = sides.into_iter().flatten().max_by_key(|(_, rate, _)| *rate);
            since.push(row.map(|(from, rate, _)| (from, rate)));
            let Some((_, rate, keeps)) = row else { continue };
            let kept = u64::from(rate) * u64::from(keeps);
            let kept = u32::try_from(kept.div_ceil(u64::from(ONE))).unwrap_or(ONE);
            for (line, first) in [(INITIAL, rate), (MAINTENANCE, kept)] {
                let was = perp.asked[line].tiers.first().map_or(0, |tier| tier.rate);
                for tier in &mut perp.asked[line].tiers {
                    tier.rate = tier.rate - was + first;
                }
            }
        }
        let market = Market::new(spec)?;
        Ok(Market { since, ..market })
    }

    /// The market as it is at a time.
    fn version(&self, at: Time) -> &Market {
        let later = self.versions.partition_point(|(from, _)| *from <= at);
        later.checked_sub(1).and_then(|place| self.versions.get(place)).map_or(self, |(_, version)| version)
    }

    /// Its rules.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The base of a perp; negative is short.
    #[must_use]
    pub fn base(&self, perp: usize) -> InstrumentId {
        self.base_of(perp)
    }

    /// What was paid (negative) or received for the base of a perp, in raw units of the asset that it settles in.
    #[must_use]
    pub fn quote(&self, perp: usize) -> InstrumentId {
        self.quote_of(perp)
    }

    pub(crate) fn place(&self, id: InstrumentId) -> Option<Place> {
        self.place_of(id)
    }

    /// The slot of a perp's index.
    fn index_slot(&self, perp: usize) -> usize {
        self.slots.len() - self.spec.perps.len() + perp
    }

    /// The most decimals of any amount.
    fn finest(&self) -> u8 {
        let assets = self.spec.assets.iter().map(|asset| asset.decimals);
        assets.chain(self.spec.perps.iter().map(|perp| perp.decimals)).max().unwrap_or(0)
    }

    /// What an amount with so many decimals is multiplied with to count in the finest unit.
    fn pad(&self, decimals: u8) -> Int {
        power(self.finest() - decimals)
    }

    /// One, of a price.
    fn unit_price(&self) -> Int {
        power(self.spec.price_decimals)
    }

    /// What the numbers of an assessment count.
    #[must_use]
    pub fn unit(&self) -> Unit {
        Unit::raw(self.finest() + 2 * self.spec.price_decimals + 18)
    }
}

impl Ledger for Market {
    fn assets(&self) -> usize {
        self.spec.assets.len()
    }

    fn contracts(&self) -> usize {
        self.spec.perps.len()
    }

    fn contract(&self, contract: usize) -> Contract {
        let perp = &self.spec.perps[contract];
        let settles = self.spec.assets[perp.settles_in].decimals;
        Contract { decimals: perp.decimals, lot: perp.lot, settles }
    }

    fn lends(&self, asset: usize) -> bool {
        self.spec.assets[asset].lends
    }

    fn digits(&self) -> u8 {
        self.spec.price_decimals
    }
}

/// Ten to the power of at most 76.
fn power(exponent: u8) -> Int {
    Int::from(U256::pow10(exponent).unwrap_or(U256::MAX))
}

/// The line that decides a test.
pub(crate) const fn line(test: Test) -> usize {
    match test {
        Test::Liquidation => MAINTENANCE,
        Test::Borrow | Test::Fill | Test::LiquidationEnd => INITIAL,
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
        &self.terms
    }

    fn updated(&self) -> Time {
        self.spec.updated
    }

    fn at<'m>(&'m self, feeds: Feeds<'_>, _: Lens, at: Time) -> Result<Box<dyn Quoted + 'm>, Refusal> {
        if at < self.spec.updated {
            return Err(Refusal::ClockWentBack { state: self.spec.updated, asked: at });
        }
        Ok(Box::new(standing::Standing::new(self.version(at), feeds)))
    }

    fn compile(&self, account: &Account, question: Question) -> Result<Compiled, Refusal> {
        let position = Position::of(self, account)?;
        // A row would outlive the margins that it was made with.
        if self.versions.len() > 1 && !position.owes_nothing() {
            return Ok(Compiled::Opaque);
        }
        rows::compile(self.version(question.at), &position, line(question.test))
    }

    fn traded(&self, instrument: InstrumentId) -> Option<plimsoll_core::Traded> {
        ledger::traded(self, instrument)
    }

    /// An asset counts at its weight, a long position at what its first tier leaves of it.
    fn counting(&self, _: &Account, instrument: InstrumentId) -> Result<Counting, Refusal> {
        let weight = match self.place(instrument).ok_or(Refusal::NoSuchInstrument(instrument))? {
            Place::Token(_) => return Err(Refusal::NoSuchInstrument(instrument)),
            Place::Held(asset) => Some(self.spec.assets[asset].weights[MAINTENANCE].asset),
            Place::Owed(_) => None,
            Place::Base(perp) => {
                // What is in force at the time of the market's state.
                let tier = self.version(self.spec.updated).spec.perps[perp].asked[MAINTENANCE].tiers.first();
                Some(ONE - tier.map_or(0, |tier| tier.rate))
            }
            Place::Quote(_) => Some(ONE),
        };
        let why_not = (weight == Some(0)).then_some(WhyNot::NoThreshold);
        let weight = weight.filter(|weight| *weight > 0).map(U256::from);
        Ok(Counting { weight, unit: MILLIONTHS, why_not, frozen: false, paused: false })
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

    /// Each position can be reduced.
    fn forced(&self, account: &Account, _: Feeds<'_>) -> Vec<Mechanism> {
        ledger::reducible(self, account)
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

    fn rule(&self, cell: Cell) -> Option<&'static str> {
        cells::rule(cell)
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

/// Weights and rates.
pub(crate) const MILLIONTHS: Unit = Unit { name: "millionths", decimals: 6 };

/// Opens cross-margin markets.
#[derive(Clone, Copy, Debug)]
pub struct Cross;

impl plimsoll_core::Venue for Cross {
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
