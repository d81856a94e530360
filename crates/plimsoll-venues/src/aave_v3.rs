//! Aave v3, releases 3.0 to 3.7, as deployed (`aave/aave-v3-core` and `aave-dao/aave-v3-origin`).
//!
//! A pool lends many assets against many. A *base* unit is 1e-8 of the pool's currency; weights are basis points;
//! indices and rates are ray (1e27); health is wad (1e18). Below, fl / ce / h are rounding down / up / half up,
//! and what stands in two columns changed with 3.5.
//!
//! ```text
//!                               up to 3.4                       from 3.5
//! balance    of a receipt       h (scaled x income / 1e27)      fl
//! owed       of a debt          h (scaled x index / 1e27)       ce
//! value      of a receipt       fl(balance x price / 10^dec)    fl
//! value      of a debt          fl(owed x price / 10^dec)       ce
//! C, D       sums of values; S = sum of value x threshold
//! health                        h(h(C x fl(S/C) / 1e4) x 1e18 / D)   fl(h(S x 1e18 / D) / 1e4)
//! liquidatable  <=>  health < 1e18
//! ```
//!
//! **Headroom**, the difference of the two integers that are compared: up to 3.4 H = h(C x fl(S/C) / 1e4) - D
//! (base); from 3.5 H = S - 1e4 x D (base / 1e4). H >= 0 is exactly health >= 1e18 while D < 2e18 base (20 billion);
//! above, the half-up of the division lets H = -1 pass, which the screen does not mind: it may ask too often.
//!
//! **Slack.** The row is the same with every rounding left out, so it is linear in (index x price). Let
//! u = price / 10^dec be one raw unit's value; an index is never below 1e27, so u <= node / (1e27 x 10^dec).
//! * From 3.5: a receipt is rounded down twice, losing less than u + 1; a debt up twice, gaining less than u + 1.
//!   0 <= row - H < sum of threshold x (u + 1) over receipts + 1e4 x sum of (u + 1) over debts.
//! * Up to 3.4: a balance is off by at most u/2 either way, each value loses less than 1 more, the last rounding is
//!   at most 1/2, and fl(S/C) loses less than one basis point of C where thresholds differ:
//!   |row - H| < sum of threshold/1e4 x (u/2 + 1) + sum of (u/2 + 1) + 1/2 [+ C/1e4].
//! * The borrowing line, h or fl(C x fl(L/C) / 1e4) - D with L the sum of value x loan-to-value: the same with
//!   loan-to-values, always with C/1e4, and 1 in place of 1/2.
//!
//! Up to 3.4 health is not monotone in a price: it is a sawtooth about 1e-4 high (law 4 is declared only from 3.5).
//!
//! Formulas of actions (borrowing, withdrawing, e-mode, isolation, siloed debt) are from `ValidationLogic.sol`,
//! `SupplyLogic.sol`, `BorrowLogic.sol` and `IsolationModeLogic.sol` of each release; no recorded vector tests
//! them, those of accruals, accounts and liquidations do.
//!
//! Not modelled: stable-rate debt, unbacked mints, flash loans, dropped reserves, the price sentinel, GHO's
//! discounts, repaying with receipts, permission of `ISOLATED_COLLATERAL_SUPPLIER` (nobody has it here).

mod actions;
mod configuration;
mod counting;
mod form;
mod liquidation;
mod modes;
mod over;
mod reserve;
mod revision;
mod standing;
mod user;

pub use configuration::{Bits, Configuration};
pub use reserve::{RateCurve, State};
pub use revision::Revision;

use crate::table::{self, Field};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use plimsoll_core::{
    Account, Accounts, Call, Cell, Compiled, Counting, Effects, Encoded, Feeds, Instrument, InstrumentId,
    Int, Kind, Lens, Market, Nature, NodeSpec, Part, PriceSlot, Question, Quoted, RAY, Refusal, Silent,
    TermId, TermSpec, Time, Trace, U256, Unit, Venue,
};
use standing::{At, node};
use user::Leg;

/// The account's e-mode category; 0 is none.
pub const E_MODE: TermId = TermId(0);
/// The account's `userConfig` word: bit 2i is "owes reserve i", bit 2i + 1 "uses receipt i as collateral".
pub const USER_CONFIG: TermId = TermId(1);

const DEBT_BIT: usize = 0;
const COLLATERAL_BIT: usize = 1;

/// The most reserves that a pool can list: `userConfig` has two bits for each.
pub const RESERVES_MAX: usize = 128;

const TERMS: &[TermSpec] =
    &[TermSpec::new(E_MODE, "emode", Unit::NUMBER), TermSpec::new(USER_CONFIG, "user_config", Unit::NUMBER)];

/// A reserve of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// The asset.
    pub symbol: String,
    /// Its parameters.
    pub configuration: Configuration,
    /// Its interest-rate curve.
    pub curve: RateCurve,
    /// No liquidation up to and at this time (3.1 and later).
    pub grace_until: Time,
    /// Indices, rates, totals.
    pub state: State,
}

/// An e-mode category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EMode {
    /// Its number, never 0.
    pub id: u8,
    /// Its name.
    pub label: String,
    /// Loan-to-value of its collateral (bps).
    pub ltv: u16,
    /// Liquidation threshold of its collateral (bps).
    pub threshold: u16,
    /// Liquidation bonus of its collateral (bps).
    pub bonus: u16,
    /// Whether a price source of its own replaces its assets' (3.0 and 3.1); then this is its price slot. Set by
    /// [`Pool::new`]: any value says "yes".
    pub price_slot: Option<usize>,
    /// Reserves that are its collateral, by bit (from 3.2).
    pub collateral: U256,
    /// Reserves that may be borrowed in it, by bit (from 3.2).
    pub borrowable: U256,
    /// Its collateral that carries no new debt, by bit (from 3.6).
    pub ltv_zero: U256,
    /// Other assets carry no new debt in it (from 3.7).
    pub isolated: bool,
}

/// What a pool is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSpec {
    /// Whose rules.
    pub revision: Revision,
    /// The currency that values are counted in, such as `USD`.
    pub currency: String,
    /// All reserves, in the order of their ids.
    pub reserves: Vec<Reserve>,
    /// All e-mode categories.
    pub modes: Vec<EMode>,
}

/// Why a pool cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolError {
    /// More than 128 reserves.
    TooManyReserves(usize),
    /// A reserve has more than 38 decimals.
    Decimals(String),
    /// An index of a reserve is below 1 ray, which no pool can reach.
    IndexBelowOne(String),
    /// A reserve's kink is not strictly between 0 and 100 %.
    Curve(String),
    /// An e-mode has the number 0 or one that another has.
    ModeNumber(u8),
}

impl core::fmt::Display for PoolError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            PoolError::TooManyReserves(found) => write!(f, "{found} reserves, expected at most 128"),
            PoolError::Decimals(symbol) => write!(f, "{symbol}: more than 38 decimals"),
            PoolError::IndexBelowOne(symbol) => write!(f, "{symbol}: an index below 1 ray"),
            PoolError::Curve(symbol) => {
                write!(f, "{symbol}: the optimal utilisation is not between 0 and 100 %")
            }
            PoolError::ModeNumber(id) => write!(f, "e-mode {id}: the number is 0 or taken"),
        }
    }
}

/// An Aave v3 pool.
///
/// Invariants: at most 128 reserves, decimals at most 38, indices at least 1 ray, e-mode numbers unique.
#[derive(Clone, Debug)]
pub struct Pool {
    revision: Revision,
    currency: String,
    reserves: Vec<Reserve>,
    modes: Vec<EMode>,
    epoch: u64,
    base: Unit,
    instruments: Vec<Instrument>,
    slots: Vec<PriceSlot>,
    nodes: Vec<NodeSpec>,
    /// First node of each (mode with a price of its own, reserve in it).
    mode_nodes: Vec<(usize, usize, u32)>,
}

/// What an instrument is of its reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Asset,
    Receipt,
    Debt,
}

/// The instrument of a reserve's underlying asset.
#[must_use]
pub const fn asset(reserve: usize) -> InstrumentId {
    InstrumentId(3 * reserve as u32)
}

/// The instrument of a reserve's receipt (aToken), in scaled units.
#[must_use]
pub const fn receipt(reserve: usize) -> InstrumentId {
    InstrumentId(3 * reserve as u32 + 1)
}

/// The instrument of a reserve's variable debt, in scaled units.
#[must_use]
pub const fn debt(reserve: usize) -> InstrumentId {
    InstrumentId(3 * reserve as u32 + 2)
}

/// An account's `userConfig` word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct UserConfig(U256);

impl UserConfig {
    fn of(account: &Account) -> UserConfig {
        UserConfig(account.term(USER_CONFIG).magnitude())
    }

    #[inline]
    fn bit(self, reserve: usize, which: usize) -> bool {
        self.0.bit(2 * reserve + which)
    }

    fn with(self, reserve: usize, which: usize, on: bool) -> UserConfig {
        UserConfig(self.0.with_bit(2 * reserve + which, on))
    }

    fn all(self, which: usize) -> impl Iterator<Item = usize> {
        (0..RESERVES_MAX).filter(move |&reserve| self.bit(reserve, which))
    }

    /// The one reserve with this bit, if exactly one has it.
    fn only(self, which: usize) -> Option<usize> {
        let mut all = self.all(which);
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    fn owes_any(self) -> bool {
        self.all(DEBT_BIT).next().is_some()
    }
}

impl Pool {
    /// Opens a pool.
    ///
    /// # Errors
    /// What [`PoolError`] lists.
    pub fn new(spec: PoolSpec) -> Result<Pool, PoolError> {
        let PoolSpec { revision, currency, reserves, mut modes } = spec;
        check(&reserves, &modes)?;
        let mut slots: Vec<PriceSlot> =
            reserves.iter().map(|reserve| slot(&reserve.symbol, &currency)).collect();
        for mode in &mut modes {
            let own_price = mode.price_slot.is_some() && revision <= Revision::V3_1;
            mode.price_slot = own_price.then_some(slots.len());
            if own_price {
                slots.push(slot(&format!("e-mode {}", mode.id), &currency));
            }
        }
        let base = Unit { name: "base", decimals: 8 };
        let mut pool = Pool {
            revision,
            currency,
            instruments: reserves.iter().flat_map(instruments_of).collect(),
            reserves,
            modes,
            epoch: 0,
            base,
            slots,
            nodes: Vec::new(),
            mode_nodes: Vec::new(),
        };
        pool.list_nodes();
        Ok(pool)
    }

    fn list_nodes(&mut self) {
        let mut nodes = Vec::new();
        let mut pair = |symbol: &str, slot: usize, suffix: &str| {
            for index in ["income index", "debt index"] {
                let name = format!("{symbol} price{suffix} x {index}");
                nodes.push(NodeSpec { name, slot: Some(slot) });
            }
        };
        for (slot, reserve) in self.reserves.iter().enumerate() {
            pair(&reserve.symbol, slot, "");
        }
        let mut mode_nodes = Vec::new();
        let mut next = 2 * self.reserves.len() as u32;
        for (m, mode) in self.modes.iter().enumerate() {
            let Some(slot) = mode.price_slot else { continue };
            for (r, reserve) in self.reserves.iter().enumerate() {
                if self.in_mode(mode, r) {
                    pair(&reserve.symbol, slot, " in e-mode");
                    mode_nodes.push((m, r, next));
                    next += 2;
                }
            }
        }
        self.nodes = nodes;
        self.mode_nodes = mode_nodes;
    }

    /// Whose rules.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// All reserves, in the order of their ids.
    #[must_use]
    pub fn reserves(&self) -> &[Reserve] {
        &self.reserves
    }

    /// All e-mode categories.
    #[must_use]
    pub fn modes(&self) -> &[EMode] {
        &self.modes
    }

    /// The currency that values are counted in.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// Base units' ten-thousandths, in which health is compared from 3.5 on.
    fn fine_base(&self) -> Unit {
        Unit { name: "base x bps", decimals: self.base.decimals + 4 }
    }

    #[inline]
    fn role(&self, instrument: InstrumentId) -> Result<(usize, Role), Refusal> {
        let reserve = instrument.index() / 3;
        if reserve >= self.reserves.len() {
            return Err(Refusal::NoSuchInstrument(instrument));
        }
        let role = match instrument.0 % 3 {
            0 => Role::Asset,
            1 => Role::Receipt,
            _ => Role::Debt,
        };
        Ok((reserve, role))
    }

    fn mode(&self, id: u8) -> Option<&EMode> {
        self.modes.iter().find(|mode| mode.id == id)
    }

    #[inline]
    fn mode_of(&self, account: &Account) -> Result<Option<&EMode>, Refusal> {
        let id = account.term(E_MODE);
        if id.is_zero() {
            return Ok(None);
        }
        let found = id.to_u64().and_then(|id| u8::try_from(id).ok()).and_then(|id| self.mode(id));
        found.map(Some).ok_or(Refusal::InconsistentAccount("an e-mode that the pool does not have"))
    }

    /// Whether a reserve's receipts (and, up to 3.1, its debt) belong to a category.
    #[inline]
    fn in_mode(&self, mode: &EMode, reserve: usize) -> bool {
        if self.revision <= Revision::V3_1 {
            let category = self.reserves[reserve].configuration.get(Configuration::EMODE);
            return category == u64::from(mode.id);
        }
        mode.collateral.bit(reserve)
    }

    /// Every reserve that an account's bits or holdings name, accrued to a time.
    fn legs_of<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        wanted: &[bool],
        feeds: Feeds<'_>,
        at: Time,
    ) -> Result<Vec<Leg>, Refusal> {
        let mut legs = alloc::vec![Leg::UNASKED; self.reserves.len()];
        for (reserve, leg) in legs.iter_mut().enumerate() {
            if wanted[reserve] {
                t.about(plimsoll_core::Subject::Instrument(asset(reserve)));
                *leg = Leg::of(t, self, reserve, feeds, at)?;
            }
        }
        Ok(legs)
    }

    /// The node of a holding in a mode.
    fn node(&self, mode: Option<&EMode>, reserve: usize, role: Role) -> u32 {
        let own = mode.filter(|mode| mode.price_slot.is_some() && self.in_mode(mode, reserve));
        let first = own.and_then(|mode| {
            let of = |&&(m, r, _): &&(usize, usize, u32)| self.modes[m].id == mode.id && r == reserve;
            self.mode_nodes.iter().find(of).map(|&(_, _, node)| node)
        });
        let first = first.unwrap_or(2 * reserve as u32);
        if role == Role::Debt { first + 1 } else { first }
    }
}

fn check(reserves: &[Reserve], modes: &[EMode]) -> Result<(), PoolError> {
    if reserves.len() > RESERVES_MAX {
        return Err(PoolError::TooManyReserves(reserves.len()));
    }
    for reserve in reserves {
        let symbol = || reserve.symbol.clone();
        if reserve.configuration.decimals() > 38 {
            return Err(PoolError::Decimals(symbol()));
        }
        let State { liquidity_index, variable_borrow_index, .. } = reserve.state;
        if liquidity_index < RAY.value() || variable_borrow_index < RAY.value() {
            return Err(PoolError::IndexBelowOne(symbol()));
        }
        if reserve.curve.optimal == 0 || reserve.curve.optimal >= 10_000 {
            return Err(PoolError::Curve(symbol()));
        }
    }
    for (at, mode) in modes.iter().enumerate() {
        if mode.id == 0 || modes[..at].iter().any(|other| other.id == mode.id) {
            return Err(PoolError::ModeNumber(mode.id));
        }
    }
    Ok(())
}

fn slot(asset: &str, currency: &str) -> PriceSlot {
    // 2^96 base units are 10^20 whole ones: no price that anybody will see, and no product of it overflows.
    let highest = U256::new(1 << 96);
    PriceSlot { asset: asset.to_string(), currency: currency.to_string(), decimals: 8, highest }
}

fn instruments_of(reserve: &Reserve) -> [Instrument; 3] {
    let decimals = reserve.configuration.decimals();
    let asset = &reserve.symbol;
    let make = |name: String, kind: Kind| Instrument { name, kind, asset: asset.clone(), decimals };
    [
        make(asset.clone(), Kind::Asset),
        make(format!("a{asset}"), Kind::Receipt),
        make(format!("debt {asset}"), Kind::Debt),
    ]
}

// ---- the market ----------------------------------------------------------------------------------------------

impl Market for Pool {
    fn venue(&self) -> (&'static str, &'static str) {
        (AaveV3.name(), self.revision.name())
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
        TERMS
    }

    fn total(&self, instrument: InstrumentId) -> Option<U256> {
        let state = &self.reserves.get(instrument.index() / 3)?.state;
        match instrument.0 % 3 {
            1 => Some(state.scaled_supply),
            2 => Some(state.scaled_debt),
            _ => None,
        }
    }

    fn updated(&self) -> Time {
        self.reserves.iter().map(|reserve| reserve.state.last_update).max().unwrap_or_default()
    }

    /// View and action see the same here: the getter accrues as the liquidation does.
    fn at<'m>(&'m self, feeds: Feeds<'_>, _: Lens, at: Time) -> Result<Box<dyn Quoted + 'm>, Refusal> {
        let wanted = alloc::vec![true; self.reserves.len()];
        let legs = self.legs_of(&mut Silent, &wanted, feeds, at)?;
        let readings: Vec<_> = (0..self.slots.len()).map(|slot| feeds.get(slot)).collect();
        let prices: Vec<Option<U256>> = readings.iter().map(|reading| reading.value).collect();
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (slot, leg) in legs.iter().enumerate() {
            nodes.push(node(leg.income, &readings[slot]));
            nodes.push(node(leg.debt_index, &readings[slot]));
        }
        for &(mode, reserve, _) in &self.mode_nodes {
            if let Some(slot) = self.modes[mode].price_slot {
                nodes.push(node(legs[reserve].income, &readings[slot]));
                nodes.push(node(legs[reserve].debt_index, &readings[slot]));
            }
        }
        Ok(Box::new(At { pool: self, at, readings, prices, legs, nodes }))
    }

    fn compile(&self, account: &Account, question: Question) -> Result<Compiled, Refusal> {
        form::compile(self, account, question.test)
    }

    fn counting(&self, account: &Account, instrument: InstrumentId) -> Result<Counting, Refusal> {
        counting::counting(self, account, instrument)
    }

    fn act(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Effects, Refusal> {
        actions::act(self, call, accounts, feeds, trace)
    }

    /// A changed configuration word or e-mode moves the epoch; curves and grace periods are in no form.
    fn set(&mut self, cell: Cell, value: Option<Int>) -> Result<(), Refusal> {
        let value = value.as_ref();
        if cell.object >= MODE_OBJECTS {
            let id = u8::try_from(cell.object - MODE_OBJECTS).map_err(|_| Refusal::NoSuchCell)?;
            let mode = self.modes.iter_mut().find(|mode| mode.id == id).ok_or(Refusal::NoSuchCell)?;
            table::set(MODE_FIELDS, mode, cell.field, value)?;
            self.list_nodes();
            self.move_epoch();
            return Ok(());
        }
        let reserve = usize::try_from(cell.object).map_err(|_| Refusal::NoSuchCell)?;
        let reserve = self.reserves.get_mut(reserve).ok_or(Refusal::NoSuchCell)?;
        table::set(RESERVE_FIELDS, reserve, cell.field, value)?;
        if cell.field == CONFIGURATION_FIELD {
            self.list_nodes();
            self.move_epoch();
        }
        Ok(())
    }

    fn visit(&self, see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
        for (object, reserve) in (0..).zip(&self.reserves) {
            table::visit(RESERVE_FIELDS, object, reserve, see);
        }
        for mode in &self.modes {
            table::visit(MODE_FIELDS, MODE_OBJECTS + u64::from(mode.id), mode, see);
        }
    }

    /// E-modes, and what governance sets of a reserve, are rules.
    fn nature(&self, cell: Cell) -> Nature {
        let rule = cell.object >= MODE_OBJECTS || cell.field < RESERVE_RULES;
        if rule { Nature::Rule } else { Nature::State }
    }

    fn parts(&self, cell: Cell) -> &'static [Part] {
        let packed = cell.object < MODE_OBJECTS && cell.field == CONFIGURATION_FIELD;
        if packed { configuration::PARTS } else { &[] }
    }

    fn names(&self) -> Vec<(u64, &'static str, String)> {
        let reserves = (0..).zip(&self.reserves).map(|(object, r)| (object, "symbol", r.symbol.clone()));
        let modes = self.modes.iter().map(|m| (MODE_OBJECTS + u64::from(m.id), "label", m.label.clone()));
        let mut names: Vec<_> = reserves.chain(modes).collect();
        names.push((u64::MAX, "currency", self.currency.clone()));
        names
    }

    fn move_epoch(&mut self) {
        self.epoch += 1;
    }

    fn boxed_clone(&self) -> Box<dyn Market> {
        Box::new(self.clone())
    }
}

/// E-mode categories are objects from here on; reserves are objects 0 to 127.
const MODE_OBJECTS: u64 = 1000;

/// How many fields at the head of [`RESERVE_FIELDS`] are governance's.
const RESERVE_RULES: u16 = 6;

/// Where the configuration word stands in [`RESERVE_FIELDS`].
const CONFIGURATION_FIELD: u16 = 0;

fn amount(value: &Int, bits: usize) -> Option<U256> {
    value.to_u256().filter(|value| value.bit_len() <= bits)
}

fn seconds(value: &Int) -> Option<Time> {
    value.to_u64().map(Time)
}

fn small<N: TryFrom<u64>>(value: &Int) -> Option<N> {
    N::try_from(value.to_u64()?).ok()
}

fn index(value: &Int) -> Option<U256> {
    amount(value, 128).filter(|value| *value >= RAY.value())
}

fn raw(reserve: &Reserve) -> Unit {
    Unit::raw(reserve.configuration.decimals())
}

fn scaled(reserve: &Reserve) -> Unit {
    Unit::scaled(reserve.configuration.decimals())
}

macro_rules! field {
    ($name:literal, $unit:expr, $row:ident => $place:expr, $read:expr, $write:expr) => {
        Field {
            name: $name,
            unit: $unit,
            get: |$row| $read,
            set: |$row, value| {
                let parse = $write;
                $place = parse(value)?;
                Some(())
            },
        }
    };
}

const RESERVE_FIELDS: &[Field<Reserve>] = &[
    field!("configuration", |_| Unit::NUMBER, r => r.configuration, r.configuration.0.into(),
        |v: &Int| Some(Configuration(amount(v, 256)?))),
    field!("optimal", |_| Unit::BPS, r => r.curve.optimal, u64::from(r.curve.optimal).into(), small::<u32>),
    field!("base", |_| Unit::BPS, r => r.curve.base, u64::from(r.curve.base).into(), small::<u32>),
    field!("slope1", |_| Unit::BPS, r => r.curve.slope1, u64::from(r.curve.slope1).into(), small::<u32>),
    field!("slope2", |_| Unit::BPS, r => r.curve.slope2, u64::from(r.curve.slope2).into(), small::<u32>),
    field!("grace_until", |_| Unit::SECONDS, r => r.grace_until, r.grace_until.0.into(), seconds),
    field!("liquidity_index", |_| Unit::RAY, r => r.state.liquidity_index, r.state.liquidity_index.into(), index),
    field!("variable_borrow_index", |_| Unit::RAY, r => r.state.variable_borrow_index,
        r.state.variable_borrow_index.into(), index),
    field!("liquidity_rate", |_| Unit::RAY, r => r.state.liquidity_rate, r.state.liquidity_rate.into(),
        |v: &Int| amount(v, 128)),
    field!("variable_borrow_rate", |_| Unit::RAY, r => r.state.variable_borrow_rate,
        r.state.variable_borrow_rate.into(), |v: &Int| amount(v, 128)),
    field!("last_update", |_| Unit::SECONDS, r => r.state.last_update, r.state.last_update.0.into(), seconds),
    field!("accrued_to_treasury", scaled, r => r.state.accrued_to_treasury, r.state.accrued_to_treasury.into(),
        |v: &Int| amount(v, 128)),
    field!("scaled_supply", scaled, r => r.state.scaled_supply, r.state.scaled_supply.into(),
        |v: &Int| amount(v, 256)),
    field!("scaled_debt", scaled, r => r.state.scaled_debt, r.state.scaled_debt.into(),
        |v: &Int| amount(v, 256)),
    field!("cash", raw, r => r.state.cash, r.state.cash.into(), |v: &Int| amount(v, 256)),
    field!("virtual_balance", raw, r => r.state.virtual_balance, r.state.virtual_balance.into(),
        |v: &Int| amount(v, 128)),
    field!("deficit", raw, r => r.state.deficit, r.state.deficit.into(), |v: &Int| amount(v, 128)),
    field!("isolation_debt", |_| Unit { name: "base", decimals: 2 }, r => r.state.isolation_debt,
        r.state.isolation_debt.into(), |v: &Int| amount(v, 128)),
];

const MODE_FIELDS: &[Field<EMode>] = &[
    field!("ltv", |_| Unit::BPS, m => m.ltv, u64::from(m.ltv).into(), small::<u16>),
    field!("liquidation_threshold", |_| Unit::BPS, m => m.threshold, u64::from(m.threshold).into(), small::<u16>),
    field!("liquidation_bonus", |_| Unit::BPS, m => m.bonus, u64::from(m.bonus).into(), small::<u16>),
    field!("collateral", |_| Unit::NUMBER, m => m.collateral, m.collateral.into(), |v: &Int| amount(v, 128)),
    field!("borrowable", |_| Unit::NUMBER, m => m.borrowable, m.borrowable.into(), |v: &Int| amount(v, 128)),
    field!("ltv_zero", |_| Unit::NUMBER, m => m.ltv_zero, m.ltv_zero.into(), |v: &Int| amount(v, 128)),
    field!("isolated", |_| Unit::NUMBER, m => m.isolated, u64::from(m.isolated).into(),
        |v: &Int| small::<u64>(v).filter(|on| *on <= 1).map(|on| on == 1)),
    // The slot's number follows from the order of the modes; the cell only says whether there is one.
    Field {
        name: "own_price",
        unit: |_| Unit::NUMBER,
        get: |m| u64::from(m.price_slot.is_some()).into(),
        set: |m, value| (Int::from(u64::from(m.price_slot.is_some())) == *value).then_some(()),
    },
];

/// The venue.
#[derive(Clone, Copy, Debug)]
pub struct AaveV3;

impl Venue for AaveV3 {
    fn name(&self) -> &'static str {
        "aave_v3"
    }

    fn revisions(&self) -> &'static [&'static str] {
        &Revision::NAMES
    }

    fn open(&self, bytes: &[u8]) -> Result<Box<dyn Market>, Refusal> {
        let encoded = Encoded::read(bytes).filter(|e| e.venue == self.name()).ok_or(Refusal::NoSuchCell)?;
        let revision = Revision::parse(&encoded.revision).ok_or(Refusal::NoSuchCell)?;
        let currency = encoded.name(u64::MAX, "currency").ok_or(Refusal::NoSuchCell)?.to_string();
        let mut cells = encoded.cells.as_slice();
        let (mut reserves, mut modes) = (Vec::new(), Vec::new());
        for (object, what, name) in &encoded.names {
            match what.as_str() {
                "symbol" => {
                    let mut reserve = blank_reserve(name);
                    cells = table::fill(RESERVE_FIELDS, *object, &mut reserve, cells)?;
                    reserves.push(reserve);
                }
                "label" => {
                    let id = object.checked_sub(MODE_OBJECTS).and_then(|id| u8::try_from(id).ok());
                    let mut mode = blank_mode(id.ok_or(Refusal::NoSuchCell)?, name);
                    let own = cells.get(MODE_FIELDS.len() - 1).is_some_and(|(_, on)| !on.is_zero());
                    mode.price_slot = own.then_some(0);
                    cells = table::fill(MODE_FIELDS, *object, &mut mode, cells)?;
                    modes.push(mode);
                }
                _ => {}
            }
        }
        let spec = PoolSpec { revision, currency, reserves, modes };
        let mut pool = Pool::new(spec).map_err(|_| Refusal::NoSuchCell)?;
        pool.epoch = encoded.epoch;
        if !cells.is_empty() {
            return Err(Refusal::NoSuchCell);
        }
        Ok(Box::new(pool))
    }
}

fn blank_reserve(symbol: &str) -> Reserve {
    Reserve {
        symbol: symbol.to_string(),
        configuration: Configuration::default(),
        curve: RateCurve { optimal: 8000, base: 0, slope1: 0, slope2: 0 },
        grace_until: Time(0),
        state: State::blank(),
    }
}

fn blank_mode(id: u8, label: &str) -> EMode {
    EMode {
        id,
        label: label.to_string(),
        ltv: 0,
        threshold: 0,
        bonus: 0,
        price_slot: None,
        collateral: U256::ZERO,
        borrowable: U256::ZERO,
        ltv_zero: U256::ZERO,
        isolated: false,
    }
}
