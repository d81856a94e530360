//! Compound v3: one market ("Comet"), as `Comet.sol` and `CometCore.sol` compute it. The variant with the extended
//! asset list (`CometWithExtendedAssetList.sol`) has the same arithmetic and up to 24 collateral assets.
//!
//! Units: amounts in raw token units; prices and values times 10^8 in the market's currency; factors, rates and
//! utilisation in wad (10^18), rates per second; indices times 10^15. An account has one signed **principal** p in
//! the base token (a claim above zero, a debt below) and a balance of each collateral asset. With s and b the supply
//! and the borrow index, P0 and U0 price and whole unit of the base token, P, U, c those and the balance of an asset:
//!
//! ```text
//! present(p)   = floor(p * s / 10^15) above zero, -floor(-p * b / 10^15) below       presentValue: a debt too is
//! principal(v) = floor(v * 10^15 / s) above zero, -ceil(-v * 10^15 / b) below        cut, which favours the debtor
//! requirement  = floor(-present(p) * P0 / U0), toward zero                           signedMulPrice
//! counted      = floor(floor(c * P / U) * factor / 10^18), for each asset            mulPrice, mulFactor
//! ```
//!
//! `isBorrowCollateralized` counts by the borrow factor, `isLiquidatable` by the liquidate factor; both run through
//! the assets in their order and **stop once the sum covers the requirement**. A price behind that point is never
//! asked for, so that it may be missing; here what is counted then is what is known. An account with p >= 0 asks no
//! price at all. Both getters use the stored indices: that is [`Lens::View`]. `absorb` accrues first: that is
//! [`Lens::Action`]. `balanceOf` and `borrowBalanceOf` accrue in either.
//!
//! Interest (`accruedInterestIndices`) is linear from one accrual to the next, and so depends on when somebody acts:
//!
//! ```text
//! utilisation = floor(present borrow * 10^18 / present supply), 0 without supply; from the stored indices
//! rate        = base + floor(low * min(u, kink) / 10^18) + floor(high * max(u - kink, 0) / 10^18)
//! index      += floor(index * (rate * seconds) / 10^18)                              both indices alike
//! tracking   += floor(speed * seconds * U0 / total principal), while that is at least baseMinForRewards
//! rewards    += floor(floor(|p| * growth of tracking / trackingIndexScale) / (U0 / 10^6))   at every touch
//! ```
//!
//! Configured factors keep four decimals and caps whole tokens, both cut (`getPackedAssetInternal`); rates per second
//! are those per year over 31536000, cut.
//!
//! **Two instruments over one principal.** [`SUPPLY`] is the principal above zero and [`DEBT`] what it is below, and
//! no account has both. So a claim is a receipt and a debt a debt, as everywhere else. A deposit and a repayment are
//! the same call (`supply`), a withdrawal and a loan as well (`withdraw`), and all four go through zero. Where a
//! change of principal is against the direction of the call (supplying nothing can lower it by one), the contract
//! leaves the totals alone: the difference is then [`plimsoll_core::Party::Treasury`]'s.
//!
//! **Absorption** seizes all collateral of an account, pays its debt from the reserves, and credits what the collateral,
//! at its liquidation factor, is worth more. **Collateral bought** costs, with f the asset's liquidation factor,
//!
//! ```text
//! discount  = floor(storeFrontPriceFactor * (10^18 - f) / 10^18)
//! reduced   = floor(P * (10^18 - discount) / 10^18)
//! collateral = floor(floor(P0 * paid * U / reduced) / U0)
//! ```
//!
//! and is for sale while the reserves (base tokens held - present supply + present borrow, accrued) are below their
//! target.
//!
//! **The form.** Row units are 10^-33 of a value unit, in which everything is whole: backing is the sum of
//! c * (factor / 10^14) * 10^(29 - decimals) times the node P; the requirement is -p * 10^(18 - base decimals) times
//! the node P0 * b, an exact product. Slack: an asset's inner floor loses less than the factor and its outer less than
//! one, all for the requirement; the debt's inner floor loses less than P0 / U0 and its outer less than one, against
//! it. So row - headroom lies between -(1 + P0 / U0) and the sum of 1 + factor over the assets held, and the slack is
//! both together. No node has an error. The verdict is monotone: it falls with no collateral price and rises with no
//! base price.
//!
//! Not modelled: permissions, callbacks, tokens with fees, wallets (that whoever pays can), liquidator points, the
//! governor's own actions. The contract's price feeds refuse a price of zero; so do the calls here.

mod absorb;
mod act;
mod cells;
mod form;
mod interest;
mod line;
mod over;
mod parts;
mod standing;

pub use absorb::{Absorbed, Seized};
pub use cells::{PAUSE_ABSORB, PAUSE_BUY, PAUSE_SUPPLY, PAUSE_TRANSFER, PAUSE_WITHDRAW};
pub use interest::Accrued;
pub use parts::{Asset, AssetRules, AssetTotals, Rates, Rules, Spec, State};

use crate::table;
use act::Turn;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use cells::{ASSET_FIELDS, ASSET_RULES, AssetRow, FIELDS, FLAGS_FIELD, Numbers};
use line::Position;
use plimsoll_core::{
    Account, Accounts, Call, Cell, Compiled, Counting, Effects, Encoded, Feeds, Instrument, InstrumentId,
    Int, Kind, Lens, Mechanism, Nature, NodeId, NodeSpec, Part, PriceSlot, Question, Quoted, Refusal, TermId,
    TermSpec, Test, Time, Trace, U256, Unit, WhyNot,
};
use standing::Standing;

/// The base token itself.
pub const BASE: InstrumentId = InstrumentId(0);
/// The principal of an account above zero (principal units).
pub const SUPPLY: InstrumentId = InstrumentId(1);
/// The principal of an account below zero, counted positive (principal units).
pub const DEBT: InstrumentId = InstrumentId(2);

/// The token of a collateral asset, by its place in the market's list.
#[must_use]
pub const fn token(asset: usize) -> InstrumentId {
    InstrumentId(3 + 2 * asset as u32)
}

/// What is posted of a collateral asset, one for one.
#[must_use]
pub const fn collateral(asset: usize) -> InstrumentId {
    InstrumentId(4 + 2 * asset as u32)
}

/// The asset that a receipt of collateral is of.
const fn asset_of(instrument: InstrumentId) -> Option<usize> {
    match instrument.0 {
        id if id >= 4 && id % 2 == 0 => Some((id as usize - 4) / 2),
        _ => None,
    }
}

/// The tracking index at which the account was last touched (`UserBasic.baseTrackingIndex`).
pub const TRACKING_INDEX: TermId = TermId(0);
/// The rewards that were accrued by then (`UserBasic.baseTrackingAccrued`), 10^6 to a whole one.
pub const TRACKING_ACCRUED: TermId = TermId(1);

const TERMS: &[TermSpec] = &[
    TermSpec::new(TRACKING_INDEX, "base_tracking_index", Unit::NUMBER),
    TermSpec::new(TRACKING_ACCRUED, "base_tracking_accrued", Unit::raw(6)),
];

/// The price slot of the base token; those of the assets follow in their order.
pub const BASE_SLOT: usize = 0;

/// The price slot of a collateral asset.
#[must_use]
pub const fn slot(asset: usize) -> usize {
    asset + 1
}

/// The node of the base token's price times the borrow index.
pub const DEBT_NODE: NodeId = NodeId(0);
/// The node of the base token's price.
pub const BASE_NODE: NodeId = NodeId(1);

/// The node of a collateral asset's price.
#[must_use]
pub const fn price_node(asset: usize) -> NodeId {
    NodeId(2 + asset as u32)
}

/// What [`Refusal::Overflow`] names where the contract's casts refuse, by the contract's name for it.
pub mod casts {
    /// `InvalidUInt64`
    pub const UINT64: &str = "a number within 64 bits";
    /// `InvalidUInt104`
    pub const UINT104: &str = "a principal within 104 bits";
    /// `InvalidUInt128`
    pub const UINT128: &str = "an amount within 128 bits";
    /// `InvalidInt104`
    pub const INT104: &str = "a principal within 103 bits and a sign";
    /// `InvalidInt256`
    pub const INT256: &str = "a number within 255 bits and a sign";
    /// `TimestampTooLarge`
    pub const TIMESTAMP: &str = "a time within 40 bits";
}

/// No market has more collateral assets (`CometWithExtendedAssetList`; 12 in `Comet`).
pub const ASSETS_MAX: usize = 24;

/// Values: 10^8 to one of the market's currency.
const VALUE: Unit = Unit { name: "value", decimals: 8 };
const PRICE_DECIMALS: u8 = 8;
/// 10^12 of the currency for a whole token: no price that anybody will see, and no product of it overflows.
const HIGHEST_PRICE: U256 = U256::new(10u128.pow(20));
/// What factors are kept in multiples of.
const FACTOR_STEP: U256 = U256::new(10u128.pow(14));
/// 10 to this are the row units of one value unit.
const ROW_SCALE: u8 = 33;

/// One market of Compound v3.
///
/// Invariants: every number fits what the contract keeps it in, and no asset has a borrow factor that is not below its
/// liquidate factor.
#[derive(Clone, Debug)]
pub struct Market {
    base: String,
    currency: String,
    numbers: Numbers,
    assets: Vec<Asset>,
    epoch: u64,
    instruments: Vec<Instrument>,
    slots: Vec<PriceSlot>,
    nodes: Vec<NodeSpec>,
}

impl Market {
    /// A market of these parts.
    ///
    /// # Errors
    /// [`Refusal::NoSuchCell`] for numbers that the contract cannot hold, for a borrow factor that is not below its
    /// liquidate factor, for more than 24 assets.
    pub fn new(spec: Spec) -> Result<Market, Refusal> {
        let Spec { base, currency, rules, state, assets } = spec;
        let numbers = Numbers { rules, state };
        let sound = |asset: &Asset| {
            let row = AssetRow { rules: asset.rules, totals: asset.totals };
            table::holds(ASSET_FIELDS, &row) && asset.rules.borrow_factor < asset.rules.liquidate_factor
        };
        if !table::holds(FIELDS, &numbers) || assets.len() > ASSETS_MAX || !assets.iter().all(sound) {
            return Err(Refusal::NoSuchCell);
        }
        let mut market = Market {
            base,
            currency,
            numbers,
            assets,
            epoch: 0,
            instruments: Vec::new(),
            slots: Vec::new(),
            nodes: Vec::new(),
        };
        market.list();
        Ok(market)
    }

    fn list(&mut self) {
        fn instrument(name: String, kind: Kind, asset: &str, decimals: u8) -> Instrument {
            Instrument { name, kind, asset: asset.to_string(), decimals }
        }
        fn slot(asset: &str, currency: &str) -> PriceSlot {
            let (asset, currency) = (asset.to_string(), currency.to_string());
            PriceSlot { asset, currency, decimals: PRICE_DECIMALS, highest: HIGHEST_PRICE }
        }
        let (base, decimals) = (self.base.as_str(), self.numbers.rules.base_decimals);
        self.instruments = vec![
            instrument(base.into(), Kind::Asset, base, decimals),
            instrument(format!("{base} supply"), Kind::Receipt, base, decimals),
            instrument(format!("{base} debt"), Kind::Debt, base, decimals),
        ];
        self.slots = vec![slot(base, &self.currency)];
        self.nodes = vec![
            NodeSpec { name: format!("{base} price x borrow index"), slot: Some(BASE_SLOT) },
            NodeSpec { name: format!("{base} price"), slot: Some(BASE_SLOT) },
        ];
        for Asset { symbol, rules, .. } in &self.assets {
            let kinds = [(symbol.clone(), Kind::Asset), (format!("{symbol} collateral"), Kind::Receipt)];
            for (name, kind) in kinds {
                self.instruments.push(instrument(name, kind, symbol, rules.decimals));
            }
            let spec = NodeSpec { name: format!("{symbol} price"), slot: Some(self.slots.len()) };
            self.nodes.push(spec);
            self.slots.push(slot(symbol, &self.currency));
        }
    }

    /// What the owner sets.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.numbers.rules
    }

    /// What changes, as it is stored.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.numbers.state
    }

    /// The collateral assets, in the contract's order.
    #[must_use]
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// The base token.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    fn base_unit(&self) -> Unit {
        Unit::raw(self.numbers.rules.base_decimals)
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
        TERMS
    }

    /// A change against the direction of its call leaves the totals alone: they may be more than the principals, never
    /// less.
    fn total(&self, instrument: InstrumentId) -> Option<U256> {
        match instrument {
            SUPPLY => Some(self.numbers.state.total_supply_base),
            DEBT => Some(self.numbers.state.total_borrow_base),
            other => Some(self.assets.get(asset_of(other)?)?.totals.total_supply),
        }
    }

    /// Utilisation moves both rates.
    fn rated(&self) -> &'static [InstrumentId] {
        &[SUPPLY, DEBT]
    }

    fn rule(&self, cell: Cell) -> Option<&'static str> {
        let field = ASSET_FIELDS.get(usize::from(cell.field)).filter(|_| cell.object != 0)?;
        match field.name {
            "liquidate_collateral_factor" => {
                Some("more than the asset's borrow_collateral_factor, and at most 10^18, which is 100 %")
            }
            "borrow_collateral_factor" => Some("less than the asset's liquidate_collateral_factor"),
            "liquidation_factor" => Some("at most 10^18, which is 100 %"),
            _ => None,
        }
    }

    fn updated(&self) -> Time {
        Time(self.numbers.state.last_accrual_time)
    }

    fn at<'m>(&'m self, feeds: Feeds<'_>, lens: Lens, at: Time) -> Result<Box<dyn Quoted + 'm>, Refusal> {
        Ok(Box::new(Standing::new(self, feeds, lens, at)?))
    }

    /// One row; it holds at every node and time while the rules stand.
    fn compile(&self, account: &Account, question: Question) -> Result<Compiled, Refusal> {
        let position = Position::of(self, account)?;
        if position.owed == U256::ZERO {
            return Ok(Compiled::NoDebt);
        }
        let row = self.row(&position, question.test).ok_or(Refusal::Overflow("the form's coefficients"))?;
        Ok(Compiled::Rows(vec![row]))
    }

    /// Posted collateral counts by its liquidate factor; the base token never does.
    fn counting(&self, _: &Account, instrument: InstrumentId) -> Result<Counting, Refusal> {
        let paused = |flag: u8| self.numbers.rules.pause_flags & flag != 0;
        let (supply, withdraw) = (paused(PAUSE_SUPPLY), paused(PAUSE_WITHDRAW));
        let (weight, why_not, frozen) = match (instrument, asset_of(instrument)) {
            (SUPPLY, _) => (None, Some(WhyNot::NeverCollateral), supply),
            (DEBT, _) => (None, None, withdraw),
            (_, Some(asset)) if asset < self.assets.len() => {
                (Some(self.assets[asset].rules.liquidate_factor), None, supply)
            }
            _ => return Err(Refusal::NoSuchInstrument(instrument)),
        };
        Ok(Counting { weight, unit: Unit::WAD, why_not, frozen, paused: supply && withdraw })
    }

    /// Absorption where something is owed, and whatever is for sale from the reserves.
    fn forced(&self, account: &Account, feeds: Feeds<'_>) -> Vec<Mechanism> {
        let owes = !account.quantity(DEBT).is_zero();
        let absorb = owes.then(|| Mechanism::Absorb { accounts: vec![account.id] });
        let assets = (0..self.assets.len()).filter(|&asset| self.assets[asset].totals.reserves != U256::ZERO);
        let buys = assets.filter_map(|asset| {
            let pay = self.price_of_reserves(asset, feeds)?;
            Some(Mechanism::BuyReserve { asset: collateral(asset), pay })
        });
        absorb.into_iter().chain(buys).collect()
    }

    fn act(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Effects, Refusal> {
        Turn::new(self, call, accounts, feeds, trace)?.act(&call.action)
    }

    /// The line of borrowing: of collateral by the stored indices (`withdrawCollateral` accrues nothing), of base tokens
    /// by accrued ones.
    fn withdrawal_line(&self, instrument: InstrumentId) -> (Test, Lens) {
        (Test::Borrow, if instrument == SUPPLY { Lens::Action } else { Lens::View })
    }

    /// A changed rule moves the epoch; flags and state do not, as no form depends on them.
    fn set(&mut self, cell: Cell, value: Option<Int>) -> Result<(), Refusal> {
        let value = value.as_ref();
        if cell.object == 0 {
            let mut numbers = self.numbers;
            table::set(FIELDS, &mut numbers, cell.field, value)?;
            self.numbers = numbers;
            if cell.field < FLAGS_FIELD {
                self.list();
                self.move_epoch();
            }
            return Ok(());
        }
        let place = usize::try_from(cell.object - 1).map_err(|_| Refusal::NoSuchCell)?;
        let asset = self.assets.get_mut(place).ok_or(Refusal::NoSuchCell)?;
        let mut row = AssetRow { rules: asset.rules, totals: asset.totals };
        table::set(ASSET_FIELDS, &mut row, cell.field, value)?;
        if row.rules.borrow_factor >= row.rules.liquidate_factor {
            return Err(Refusal::NoSuchCell);
        }
        let changed = asset.rules != row.rules;
        (asset.rules, asset.totals) = (row.rules, row.totals);
        if changed {
            self.list();
            self.move_epoch();
        }
        Ok(())
    }

    fn visit(&self, see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
        table::visit(FIELDS, 0, &self.numbers, see);
        for (object, asset) in (1..).zip(&self.assets) {
            let row = AssetRow { rules: asset.rules, totals: asset.totals };
            table::visit(ASSET_FIELDS, object, &row, see);
        }
    }

    fn nature(&self, cell: Cell) -> Nature {
        let rule = match cell.object {
            0 => cell.field <= FLAGS_FIELD,
            _ => cell.field < ASSET_RULES,
        };
        if rule { Nature::Rule } else { Nature::State }
    }

    fn parts(&self, cell: Cell) -> &'static [Part] {
        if cell == (Cell { object: 0, field: FLAGS_FIELD }) { cells::FLAGS } else { &[] }
    }

    fn names(&self) -> Vec<(u64, &'static str, String)> {
        let mut names = vec![(0, "base", self.base.clone())];
        names.extend((1..).zip(&self.assets).map(|(object, asset)| (object, "asset", asset.symbol.clone())));
        names.push((u64::MAX, "currency", self.currency.clone()));
        names
    }

    fn move_epoch(&mut self) {
        self.epoch = self.epoch.saturating_add(1);
    }

    fn boxed_clone(&self) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.clone())
    }
}

// ---- opening --------------------------------------------------------------------------------------------------

/// The venue's name in files.
pub const NAME: &str = "compound_v3";
const REVISIONS: &[&str] = &["3.0"];

/// Opens Compound v3 markets.
#[derive(Clone, Copy, Debug)]
pub struct CompoundV3;

impl plimsoll_core::Venue for CompoundV3 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn revisions(&self) -> &'static [&'static str] {
        REVISIONS
    }

    fn open(&self, bytes: &[u8]) -> Result<Box<dyn plimsoll_core::Market>, Refusal> {
        let encoded = Encoded::read(bytes).ok_or(Refusal::NoSuchCell)?;
        if encoded.venue != NAME || !REVISIONS.contains(&encoded.revision.as_str()) {
            return Err(Refusal::NotAtThisVenue);
        }
        let [(0, base_key, base), symbols @ .., (u64::MAX, currency_key, currency)] =
            encoded.names.as_slice()
        else {
            return Err(Refusal::NoSuchCell);
        };
        if base_key != "base" || currency_key != "currency" {
            return Err(Refusal::NoSuchCell);
        }
        // Any row will do to be filled: every field is written.
        let mut numbers = Numbers::default();
        let mut cells = table::fill(FIELDS, 0, &mut numbers, &encoded.cells)?;
        let mut assets = Vec::new();
        for (number, (object, key, symbol)) in (1..).zip(symbols) {
            if key != "asset" || *object != number {
                return Err(Refusal::NoSuchCell);
            }
            let mut row = AssetRow::default();
            cells = table::fill(ASSET_FIELDS, number, &mut row, cells)?;
            assets.push(Asset { symbol: symbol.clone(), rules: row.rules, totals: row.totals });
        }
        if !cells.is_empty() {
            return Err(Refusal::NoSuchCell);
        }
        let (base, currency) = (base.clone(), currency.clone());
        let spec = Spec { base, currency, rules: numbers.rules, state: numbers.state, assets };
        let market = Market::new(spec)?;
        Ok(Box::new(Market { epoch: encoded.epoch, ..market }))
    }
}
