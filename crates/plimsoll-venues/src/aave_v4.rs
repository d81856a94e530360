//! Aave v4 (hub and spoke), release 0.5.11: `Hub.sol`, `AssetLogic.sol`, `SharesMath.sol`, `Premium.sol`,
//! `AssetInterestRateStrategy.sol`, `Spoke.sol`, `UserPositionUtils.sol`, `LiquidationLogic.sol`.
//!
//! Liquidity lies in **hubs**, users are in **spokes**. A market here is all of them that are looked at together: hub
//! assets, and reserves, each of which is one hub asset as one spoke offers it. Spokes that draw on one hub asset share
//! its index, its share price and its losses. An account is one user in one spoke.
//!
//! Units: amounts raw; indices and rates ray (1e27), rates a year; parts bps; health wad. A price has 8 decimals, and a
//! **value** is amount x price x 10^(18 - decimals), without a rounding: 1e26 of it are one of the currency.
//! fl and ce are rounding down and up, i the drawn index at the time asked about.
//!
//! ```text
//! i            = ce(i0 x (1e27 + fl(rate x seconds / year)) / 1e27); i0 while nobody owes     linear between changes
//! premium      = premium shares x i - offset                       raw x 1e27, exact
//! debt         = drawn shares x i + premium                        raw x 1e27, exact: what health counts
//! owed         = ce(drawn shares x i / 1e27) + ce(premium / 1e27)  raw: what is paid
//! all owed     = ce((drawn of all + premium of all + deficit) / 1e27)
//! fees         = stored + fl((all owed at i - all owed at i0) x fee / 1e4)
//! assets A     = liquidity + swept + all owed - fees               losses stay in: suppliers are not written down
//! supplied     = fl(shares x (A + 1e6) / (S + 1e6))                S shares of all
//! W            = sum of value(supplied) x collateral factor        value x bps; D = sum of value(debt), value x 1e27
//! health       = fl(W x 1e14 x 1e27 / D), liquidatable below 1e18  no average factor in it, no rounded debt
//! risk premium = collaterals by ascending risk until ce(D / 1e27) is covered; ce(sum of covered x risk / covered)
//! ```
//!
//! The **premium** is debt that grows with the index on shares that nobody drew: after every action that takes a risk,
//! premium shares are ce(drawn shares x risk premium / 1e4), and the offset keeps what was owed. So the stored premium
//! (what is being paid) and the current one (what the next refresh would store) differ.
//!
//! **Versions.** Collateral factor, bonus and fee have versions. An account keeps those under which it last took a risk;
//! borrowing, withdrawing of collateral, switching one off and `updateUserDynamicConfig` put the newest in force and ask
//! for a health of one under them. So [`Test::Liquidation`] goes by the account's own versions, as liquidations do, and
//! [`Test::Borrow`] by the newest. Both lenses are the same: the getter brings the index to its time as the calls do.
//!
//! **Liquidation**: see `liquidation.rs`. Collateral moves before debt, so that the price of shares at which a fee is
//! paid and the cash that is there are those after the collateral left.
//!
//! **Headroom** is W - ce(1e4 x D / 1e27), in value x bps: not negative is exactly health >= 1e18, since W is whole.
//!
//! **The form.** Row units are 1e-27 of that. For a reserve let P be the price times 10^(18 - decimals), q the price of a
//! share in ray, fl((A + 1e6) x 1e27 / (S + 1e6)). Nodes are price x q, price x i and price, all exact.
//! * backing: sum of shares x factor x 10^(18 - decimals) x (price x q). Of one collateral, shares x q is less than
//!   1e27 x shares x (A + 1e6) / (S + 1e6) by at most the shares, and 1e27 x fl(that) by less than 1e27: the two differ
//!   by less than max(shares, 1e27), times factor x P. That is the slack's coefficient of the price.
//! * requirement: 1e4 x sum of 10^(18 - decimals) x ((drawn + premium shares) x (price x i) - offset x price) = 1e4 x D,
//!   exact; rounding it up to a whole value x bps adds less than 1e27, which is the slack's constant.
//!
//! The verdict is monotone in every price and in time without rounding of its own between: law 4 is declared.
//!
//! What is nobody's: burning shares for a rounded amount can leave one share of a seized collateral in its spoke's sum.
//!
//! Not modelled: position managers and signatures (an account acts for itself), the token and treasury spokes, access
//! manager roles, tokens with fees, wallets. Premium shares of an account without drawn shares do not exist.

mod calls;
mod cells;
mod form;
mod hub;
mod limit;
mod liquidation;
mod over;
mod parts;
mod position;
mod premium;
mod shared;
mod standing;
mod turn;

pub use calls::{HALTED, HubChange, HubEvent};
pub use hub::{AssetViews, NEGATIVE_PREMIUM, TOO_WIDE};
pub use liquidation::{Liquidation, SHARES};
pub use parts::{
    AssetState, BORROWABLE, Configuration, Curve, FROZEN, HubAsset, Link, LiquidationRules, NO_CAP, NO_LIMIT,
    NO_THRESHOLD, PAUSED, RECEIVE_SHARES, Reserve, Spec, Spoke,
};
pub use position::PremiumDelta;
pub use turn::{Done, HubCall};

use crate::table;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use cells::{ReserveRow, configuration as configuration_object};
use plimsoll_core::{
    Account, AccountId, Accounts, Action, Call, Cell, Compiled, Counting, Effects, Encoded, Feeds,
    Instrument, InstrumentId, Int, Kind, Lens, Meaning, Nature, NodeSpec, Part, PriceSlot, Question, Quoted,
    Refusal, Silent, TermId, TermSpec, Test, Time, Trace, U256, Unit, Why, WhyNot,
};
use position::{Leg, User};
use standing::Standing;
use turn::Turn;

/// The premium that an account's premium shares are made by (bps).
pub const RISK_PREMIUM: TermId = TermId(0);
/// The account's flags: bit 2i is "owes reserve i", bit 2i + 1 "uses reserve i as collateral", by places in the market.
pub const MAP: TermId = TermId(1);

/// The account's premium shares in a reserve (drawn shares).
#[must_use]
pub const fn premium_shares(place: usize) -> TermId {
    TermId(2 + 3 * place as u16)
}

/// The account's premium offset in a reserve (raw x ray).
#[must_use]
pub const fn premium_offset(place: usize) -> TermId {
    TermId(3 + 3 * place as u16)
}

/// The version of a reserve's configuration that is in force for the account.
#[must_use]
pub const fn configuration_key(place: usize) -> TermId {
    TermId(4 + 3 * place as u16)
}

const DEBT_BIT: usize = 0;
const COLLATERAL_BIT: usize = 1;

/// The asset of a reserve itself.
#[must_use]
pub const fn token(place: usize) -> InstrumentId {
    InstrumentId(3 * place as u32)
}

/// What is supplied to a reserve (shares).
#[must_use]
pub const fn receipt(place: usize) -> InstrumentId {
    InstrumentId(3 * place as u32 + 1)
}

/// What is owed to a reserve (drawn shares).
#[must_use]
pub const fn debt(place: usize) -> InstrumentId {
    InstrumentId(3 * place as u32 + 2)
}

const fn supply_node(place: usize) -> u32 {
    3 * place as u32
}

const fn drawn_node(place: usize) -> u32 {
    3 * place as u32 + 1
}

const fn price_node(place: usize) -> u32 {
    3 * place as u32 + 2
}

/// The most reserves of a market: the map has two bits for each.
pub const RESERVES_MAX: usize = 128;

/// 1e26 to one of the currency.
const VALUE: Unit = Unit { name: "value", decimals: 26 };
/// Values times a basis point.
const FINE_VALUE: Unit = Unit { name: "value x bps", decimals: 30 };
/// Values times 1e27.
const RAY_VALUE: Unit = Unit { name: "value x ray", decimals: 53 };
/// What the oracle counts in.
const PRICE: Unit = Unit { name: "price", decimals: 8 };
/// 10^12 of the currency for a whole token: no price that anybody will see, and no product of it overflows.
const HIGHEST_PRICE: U256 = U256::new(10u128.pow(20));

/// Why a market cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecError {
    /// More than 128 reserves.
    TooManyReserves(usize),
    /// A number of this thing is none that its contract can hold.
    Number(String),
    /// Two things of this name.
    Twice(String),
    /// A reserve of a spoke, of a hub asset or with a newest configuration that there is not.
    Lost(String),
}

impl core::fmt::Display for SpecError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SpecError::TooManyReserves(found) => {
                write!(f, "{found} reserves, expected at most {RESERVES_MAX}")
            }
            SpecError::Number(of) => write!(f, "{of}: a number that its contract cannot hold"),
            SpecError::Twice(name) => write!(f, "{name} stands twice"),
            SpecError::Lost(reserve) => {
                write!(f, "{reserve}: a spoke, a hub asset or a newest configuration that is not there")
            }
        }
    }
}

/// Hubs and the spokes that draw on them.
///
/// Invariants: every number fits what the contracts keep it in; every reserve has its spoke, its hub asset and its newest
/// configuration; names are unique; one spoke offers one hub asset once.
#[derive(Clone, Debug)]
pub struct Market {
    currency: String,
    assets: Vec<HubAsset>,
    spokes: Vec<Spoke>,
    reserves: Vec<Reserve>,
    epoch: u64,
    instruments: Vec<Instrument>,
    slots: Vec<PriceSlot>,
    nodes: Vec<NodeSpec>,
    terms: Vec<TermSpec>,
}

impl Market {
    /// A market of these parts.
    ///
    /// # Errors
    /// What [`SpecError`] lists.
    pub fn new(spec: Spec) -> Result<Market, SpecError> {
        let Spec { currency, assets, spokes, reserves } = spec;
        let mut market = Market {
            currency,
            assets,
            spokes,
            reserves,
            epoch: 0,
            instruments: Vec::new(),
            slots: Vec::new(),
            nodes: Vec::new(),
            terms: Vec::new(),
        };
        market.check()?;
        market.list();
        Ok(market)
    }

    fn check(&self) -> Result<(), SpecError> {
        if self.reserves.len() > RESERVES_MAX {
            return Err(SpecError::TooManyReserves(self.reserves.len()));
        }
        let assets: Vec<String> = self.assets.iter().map(asset_name).collect();
        let spokes: Vec<String> = self.spokes.iter().map(|spoke| spoke.name.clone()).collect();
        let reserves: Vec<String> = self.reserves.iter().map(|reserve| reserve.name.clone()).collect();
        for names in [&assets, &spokes, &reserves] {
            let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
            if let Some((_, name)) = twice {
                return Err(SpecError::Twice(name.clone()));
            }
        }
        let asset = self.assets.iter().find(|asset| !table::holds(cells::ASSET_FIELDS, *asset));
        let spoke = self.spokes.iter().find(|spoke| !table::holds(cells::SPOKE_FIELDS, *spoke));
        if let Some(name) = asset.map(asset_name).or(spoke.map(|spoke| spoke.name.clone())) {
            return Err(SpecError::Number(name));
        }
        for (place, reserve) in self.reserves.iter().enumerate() {
            let name = || reserve.name.clone();
            let there = reserve.spoke < self.spokes.len() && reserve.asset < self.assets.len();
            if !there || reserve.configuration(reserve.newest).is_none() {
                return Err(SpecError::Lost(name()));
            }
            let sound = |(_, configuration): &(u32, Configuration)| configuration.is_sound();
            if !table::holds(cells::RESERVE_FIELDS, &self.row(place))
                || !reserve.configurations.iter().all(sound)
            {
                return Err(SpecError::Number(name()));
            }
            let same = |other: &Reserve| (other.spoke, other.asset) == (reserve.spoke, reserve.asset);
            let keys: Vec<u32> = reserve.configurations.iter().map(|(key, _)| *key).collect();
            if self.reserves[..place].iter().any(same)
                || (1..keys.len()).any(|at| keys[..at].contains(&keys[at]))
            {
                return Err(SpecError::Twice(name()));
            }
        }
        Ok(())
    }

    fn list(&mut self) {
        (self.instruments, self.slots, self.nodes) = (Vec::new(), Vec::new(), Vec::new());
        self.terms = alloc::vec![
            TermSpec::new(RISK_PREMIUM, "risk_premium", Unit::BPS),
            TermSpec::new(MAP, "map", Unit::NUMBER)
        ];
        for (place, Reserve { name, asset, .. }) in self.reserves.iter().enumerate() {
            let HubAsset { symbol, decimals, .. } = &self.assets[*asset];
            let kinds = [
                (name.clone(), Kind::Asset),
                (format!("{name} supply"), Kind::Receipt),
                (format!("{name} debt"), Kind::Debt),
            ];
            for (name, kind) in kinds {
                self.instruments.push(Instrument { name, kind, asset: symbol.clone(), decimals: *decimals });
            }
            for factor in [" price x share price", " price x drawn index", " price"] {
                self.nodes.push(NodeSpec { name: format!("{name}{factor}"), slot: Some(place) });
            }
            let (asset, currency) = (symbol.clone(), self.currency.clone());
            self.slots.push(PriceSlot { asset, currency, decimals: PRICE.decimals, highest: HIGHEST_PRICE });
            for (id, what, unit) in [
                (premium_shares(place), "premium_shares", Unit::shares(*decimals)),
                (premium_offset(place), "premium_offset_ray", hub::fine(*decimals)),
                (configuration_key(place), "dynamic_config_key", Unit::NUMBER),
            ] {
                self.terms.push(TermSpec { id, name: Cow::Owned(format!("{name} {what}")), unit });
            }
        }
    }

    /// All assets of all hubs.
    #[must_use]
    pub fn assets(&self) -> &[HubAsset] {
        &self.assets
    }

    /// All spokes.
    #[must_use]
    pub fn spokes(&self) -> &[Spoke] {
        &self.spokes
    }

    /// All reserves.
    #[must_use]
    pub fn reserves(&self) -> &[Reserve] {
        &self.reserves
    }

    /// What a call would do, with what hubs would tell of it.
    ///
    /// # Errors
    /// As [`plimsoll_core::Market::act`].
    pub fn call<T: Trace + ?Sized>(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        t: &mut T,
    ) -> Result<Done, Refusal> {
        Turn::new(self, call, accounts, feeds, t)?.act()
    }

    /// What a hub would do by itself, for the asset of a reserve and, where it is about losses, for its spoke.
    ///
    /// # Errors
    /// The hub's own refusal.
    pub fn hub(&self, place: usize, what: HubCall, at: Time) -> Result<Done, Refusal> {
        if place >= self.reserves.len() {
            return Err(Refusal::NoSuchInstrument(token(place)));
        }
        let nobody = AccountId(u64::MAX);
        let call = Call { actor: nobody, account: nobody, at, action: Action::Accrue };
        let nothing: Vec<Account> = Vec::new();
        Turn::new(self, &call, &nothing, Feeds { readings: &[] }, &mut Silent)?.hub(place, what)
    }

    /// What a liquidator gets of a reserve under a version at a health (bps) (`getLiquidationBonus`).
    ///
    /// # Errors
    /// Where there is no such version, or the health is not below one.
    pub fn liquidation_bonus(&self, place: usize, key: u32, health: U256) -> Result<U256, Refusal> {
        let configuration = self.configuration(place, key)?;
        let rules = self.spokes[self.reserves[place].spoke].liquidation;
        position::bonus(&mut Silent, &rules, health, &configuration)
    }

    fn decimals(&self, place: usize) -> u8 {
        self.assets[self.reserves[place].asset].decimals
    }

    fn row(&self, place: usize) -> ReserveRow {
        ReserveRow { reserve: self.reserves[place].clone(), decimals: self.decimals(place) }
    }

    fn configuration(&self, place: usize, key: u32) -> Result<Configuration, Refusal> {
        let unknown =
            Refusal::InconsistentAccount("a version of a configuration that the reserve does not have");
        self.reserves[place].configuration(key).ok_or(unknown)
    }

    /// A reserve that nobody asked for.
    fn unasked(&self, place: usize) -> Leg {
        let pot = hub::Pot { assets: U256::ZERO, shares: U256::ONE, decimals: self.decimals(place) };
        Leg { index: U256::ZERO, pot, price: Err(Why::Missing) }
    }

    /// Whether some collateral of the account counts by an older version than the newest.
    fn is_stale(&self, user: &User) -> bool {
        let mut both = self.reserves.iter().zip(&user.positions);
        both.any(|(reserve, position)| position.counts && position.key != reserve.newest)
    }

    fn object(&self, object: u64) -> Option<Object> {
        let place = |first: u64| usize::try_from(object - first).ok();
        match object {
            cells::CONFIGURATIONS.. => {
                let (place, key) = cells::version(object)?;
                let there = self.reserves.get(place)?.configuration(key).is_some();
                there.then_some(Object::Configuration(place, key))
            }
            cells::RESERVES.. => {
                place(cells::RESERVES).filter(|place| *place < self.reserves.len()).map(Object::Reserve)
            }
            cells::SPOKES.. => {
                place(cells::SPOKES).filter(|place| *place < self.spokes.len()).map(Object::Spoke)
            }
            _ => place(0).filter(|place| *place < self.assets.len()).map(Object::Asset),
        }
    }
}

/// What an object of the market's cells is.
enum Object {
    Asset(usize),
    Spoke(usize),
    Reserve(usize),
    Configuration(usize, u32),
}

fn asset_name(asset: &HubAsset) -> String {
    format!("{}/{}", asset.hub, asset.symbol)
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

    /// By its reserve.
    fn called(&self, instrument: InstrumentId) -> Option<&str> {
        self.slot_called(instrument.index() / 3)
    }

    fn slot_called(&self, slot: usize) -> Option<&str> {
        self.reserves.get(slot).map(|reserve| reserve.name.as_str())
    }

    fn total(&self, instrument: InstrumentId) -> Option<U256> {
        let link = &self.reserves.get(instrument.index() / 3)?.link;
        match instrument.0 % 3 {
            1 => Some(link.added_shares),
            2 => Some(link.drawn_shares),
            _ => None,
        }
    }

    fn pools(&self, at: Time) -> Result<Vec<plimsoll_core::SharedPool>, Refusal> {
        shared::pools(self, at)
    }

    /// The map in words.
    fn meaning(&self, term: TermId, value: &Int) -> Option<Meaning> {
        let map = value.to_u256().filter(|_| term == MAP)?;
        let named = |bit: usize| {
            let set = self.reserves.iter().enumerate().filter(|(place, _)| map.bit(2 * place + bit));
            set.map(|(_, reserve)| reserve.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        Some(Meaning::Word(format!("collateral {}; debt {}", named(COLLATERAL_BIT), named(DEBT_BIT))))
    }

    fn nature(&self, cell: Cell) -> Nature {
        let rule = match self.object(cell.object) {
            Some(Object::Asset(_)) => cells::ASSET_RULES.contains(&cell.field),
            Some(Object::Reserve(_)) => cells::RESERVE_RULES.contains(&cell.field),
            Some(Object::Spoke(_) | Object::Configuration(..)) => true,
            None => false,
        };
        if rule { Nature::Rule } else { Nature::State }
    }

    fn rule(&self, cell: Cell) -> Option<&'static str> {
        let versioned = "a factor below 10000 and a bonus of at least 10000, whose product is below 100 %";
        match (self.object(cell.object)?, cell.field) {
            (Object::Configuration(..), _) => Some(versioned),
            (Object::Reserve(_), cells::NEWEST_FIELD) => Some("a version that the reserve has"),
            (Object::Spoke(_), 0) => Some("at least 10^18, which is a health of one"),
            (Object::Spoke(_), 1) => Some("below 10^18, which is a health of one"),
            _ => None,
        }
    }

    fn updated(&self) -> Time {
        Time(self.assets.iter().map(|asset| asset.state.last_update).max().unwrap_or_default())
    }

    fn at<'m>(&'m self, feeds: Feeds<'_>, _: Lens, at: Time) -> Result<Box<dyn Quoted + 'm>, Refusal> {
        Ok(Box::new(Standing::new(self, feeds, at)?))
    }

    /// One row; it holds at every node and time while configurations stand.
    fn compile(&self, account: &Account, question: Question) -> Result<Compiled, Refusal> {
        form::compile(self, account, question.test)
    }

    fn counting(&self, account: &Account, instrument: InstrumentId) -> Result<Counting, Refusal> {
        let user = User::of(self, account)?;
        let place = instrument.index() / 3;
        let reserve = self.reserves.get(place).ok_or(Refusal::NoSuchInstrument(instrument))?;
        let (weight, why_not) = match (instrument.0 % 3, user.positions[place]) {
            (1, position) if position.counts => {
                let factor = self.configuration(place, position.key)?.collateral_factor;
                let weight = (factor != 0).then(|| U256::from(u64::from(factor)));
                (weight, weight.is_none().then_some(WhyNot::NoThreshold))
            }
            (1, _) => (None, Some(WhyNot::SwitchedOff)),
            (2, _) => (None, None),
            _ => return Err(Refusal::NoSuchInstrument(instrument)),
        };
        let (frozen, paused) = (reserve.is(FROZEN), reserve.is(PAUSED));
        Ok(Counting { weight, unit: Unit::BPS, why_not, frozen, paused })
    }

    /// A withdrawal of collateral puts the newest versions in force, and must leave a health of one under them.
    fn withdrawal_line(&self, _: InstrumentId) -> (Test, Lens) {
        (Test::Borrow, Lens::Action)
    }

    fn act(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Effects, Refusal> {
        Ok(self.call(call, accounts, feeds, trace)?.effects)
    }

    fn refuses_between(&self, calls: [&Call; 2], accounts: &dyn Accounts, feeds: Feeds<'_>) -> bool {
        limit::refuses(self, calls, accounts, feeds).unwrap_or(false)
    }

    /// A changed configuration or newest version moves the epoch; nothing else is in a form.
    fn set(&mut self, cell: Cell, value: Option<Int>) -> Result<(), Refusal> {
        let value = value.as_ref();
        match self.object(cell.object).ok_or(Refusal::NoSuchCell)? {
            Object::Asset(place) => {
                table::set(cells::ASSET_FIELDS, &mut self.assets[place], cell.field, value)?;
                if cell.field == cells::DECIMALS_FIELD {
                    self.list();
                    self.move_epoch();
                }
            }
            Object::Spoke(place) => {
                table::set(cells::SPOKE_FIELDS, &mut self.spokes[place], cell.field, value)?
            }
            Object::Reserve(place) => {
                let mut row = self.row(place);
                table::set(cells::RESERVE_FIELDS, &mut row, cell.field, value)?;
                row.reserve.configuration(row.reserve.newest).ok_or(Refusal::NoSuchCell)?;
                self.reserves[place] = row.reserve;
                if cell.field == cells::NEWEST_FIELD {
                    self.move_epoch();
                }
            }
            Object::Configuration(place, key) => {
                let listed =
                    self.reserves[place].configurations.iter_mut().find(|(number, _)| *number == key);
                let (_, place) = listed.ok_or(Refusal::NoSuchCell)?;
                let mut changed = *place;
                table::set(cells::CONFIGURATION_FIELDS, &mut changed, cell.field, value)?;
                if !changed.is_sound() {
                    return Err(Refusal::NoSuchCell);
                }
                *place = changed;
                self.move_epoch();
            }
        }
        Ok(())
    }

    fn visit(&self, see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
        for (object, asset) in (0..).zip(&self.assets) {
            table::visit(cells::ASSET_FIELDS, object, asset, see);
        }
        for (object, spoke) in (cells::SPOKES..).zip(&self.spokes) {
            table::visit(cells::SPOKE_FIELDS, object, spoke, see);
        }
        for place in 0..self.reserves.len() {
            table::visit(cells::RESERVE_FIELDS, cells::RESERVES + place as u64, &self.row(place), see);
        }
        for (place, reserve) in self.reserves.iter().enumerate() {
            for (key, configuration) in &reserve.configurations {
                let object = configuration_object(place, *key);
                table::visit(cells::CONFIGURATION_FIELDS, object, configuration, see);
            }
        }
    }

    fn parts(&self, cell: Cell) -> &'static [Part] {
        let reserve = matches!(self.object(cell.object), Some(Object::Reserve(_)));
        if reserve && cell.field == cells::FLAGS_FIELD { cells::FLAGS } else { &[] }
    }

    fn names(&self) -> Vec<(u64, &'static str, String)> {
        let mut names = Vec::new();
        names.extend((0..).zip(&self.assets).map(|(object, asset)| (object, "asset", asset_name(asset))));
        let spokes = (cells::SPOKES..).zip(&self.spokes);
        names.extend(spokes.map(|(object, spoke)| (object, "spoke", spoke.name.clone())));
        let reserves = (cells::RESERVES..).zip(&self.reserves);
        names.extend(reserves.map(|(object, reserve)| (object, "reserve", reserve.name.clone())));
        for (place, reserve) in self.reserves.iter().enumerate() {
            for (key, _) in &reserve.configurations {
                let name = format!("{}/{key}", reserve.name);
                names.push((configuration_object(place, *key), "configuration", name));
            }
        }
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
pub const NAME: &str = "aave_v4";
const REVISIONS: &[&str] = &["0.5.11"];

/// Opens Aave v4 markets.
#[derive(Clone, Copy, Debug)]
pub struct AaveV4;

impl plimsoll_core::Venue for AaveV4 {
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
        let currency = encoded.name(u64::MAX, "currency").ok_or(Refusal::NoSuchCell)?.to_string();
        let mut spec = Spec { currency, assets: Vec::new(), spokes: Vec::new(), reserves: Vec::new() };
        let mut cells = encoded.cells.as_slice();
        for (object, what, name) in &encoded.names {
            match what.as_str() {
                "asset" => {
                    let (hub, symbol) = name.split_once('/').ok_or(Refusal::NoSuchCell)?;
                    let mut asset = HubAsset {
                        hub: hub.into(),
                        symbol: symbol.into(),
                        decimals: 0,
                        curve: Curve::default(),
                        state: AssetState::default(),
                    };
                    cells = table::fill(cells::ASSET_FIELDS, *object, &mut asset, cells)?;
                    spec.assets.push(asset);
                }
                "spoke" => {
                    let liquidation = LiquidationRules::default();
                    let mut spoke = Spoke { name: name.clone(), liquidation, max_user_reserves: NO_LIMIT };
                    cells = table::fill(cells::SPOKE_FIELDS, *object, &mut spoke, cells)?;
                    spec.spokes.push(spoke);
                }
                "reserve" => {
                    let (reserve, rest) = opened(name, *object, &spec, cells)?;
                    cells = rest;
                    spec.reserves.push(reserve);
                }
                "configuration" => {
                    let (place, key) = cells::version(*object).ok_or(Refusal::NoSuchCell)?;
                    let mut row = Configuration::default();
                    cells = table::fill(cells::CONFIGURATION_FIELDS, *object, &mut row, cells)?;
                    let reserve = spec.reserves.get_mut(place).ok_or(Refusal::NoSuchCell)?;
                    reserve.configurations.push((key, row));
                }
                _ => {}
            }
        }
        if !cells.is_empty() {
            return Err(Refusal::NoSuchCell);
        }
        let market = Market::new(spec).map_err(|_| Refusal::NoSuchCell)?;
        Ok(Box::new(Market { epoch: encoded.epoch, ..market }))
    }
}

/// A reserve and the cells that are left.
type Opened<'c> = (Reserve, &'c [(Cell, Int)]);

/// A reserve of its cells, without its configurations, and the cells that are left. Its places stand in its first two.
fn opened<'c>(name: &str, object: u64, spec: &Spec, cells: &'c [(Cell, Int)]) -> Result<Opened<'c>, Refusal> {
    let place = |at: usize| {
        let place = cells.get(at).and_then(|(_, value)| value.to_u64());
        place.and_then(|place| usize::try_from(place).ok()).ok_or(Refusal::NoSuchCell)
    };
    let reserve = Reserve {
        name: name.into(),
        spoke: place(0)?,
        asset: place(1)?,
        collateral_risk: 0,
        flags: 0,
        newest: 0,
        configurations: Vec::new(),
        link: Link::default(),
    };
    let decimals = spec.assets.get(reserve.asset).ok_or(Refusal::NoSuchCell)?.decimals;
    let mut row = ReserveRow { reserve, decimals };
    let rest = table::fill(cells::RESERVE_FIELDS, object, &mut row, cells)?;
    Ok((row.reserve, rest))
}
