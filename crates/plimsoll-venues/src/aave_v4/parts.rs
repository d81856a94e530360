//! What a market is made of: hub assets, spokes, reserves and their configurations.

use alloc::string::String;
use alloc::vec::Vec;
use plimsoll_core::{Int, RAY, U256};

/// Anybody may do nothing with the reserve.
pub const PAUSED: u8 = 1;
/// No new exposure to the reserve.
pub const FROZEN: u8 = 2;
/// The reserve may be borrowed.
pub const BORROWABLE: u8 = 4;
/// Liquidators may take the reserve's shares instead of its asset.
pub const RECEIVE_SHARES: u8 = 8;

/// A cap that is none (whole tokens).
pub const NO_CAP: u64 = (1 << 40) - 1;
/// A limit of premium shares that is none (bps).
pub const NO_THRESHOLD: u32 = (1 << 24) - 1;
/// A limit of reserves an account that is none.
pub const NO_LIMIT: u16 = u16::MAX;

/// An asset's curve of the rate over its utilisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Curve {
    /// Where it turns, above zero and below 100 % (bps).
    pub optimal_usage: u16,
    /// The rate at no utilisation (bps a year).
    pub base_rate: u32,
    /// What it grows by up to there (bps a year).
    pub growth_before: u32,
    /// What it grows by from there to 100 % (bps a year).
    pub growth_after: u32,
}

/// What a hub keeps of one asset, for all its spokes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetState {
    /// Tokens in the hub (raw).
    pub liquidity: U256,
    /// Fees not yet minted as shares (raw).
    pub realized_fees: U256,
    /// Tokens lent out for reinvestment (raw).
    pub swept: U256,
    /// What all suppliers hold (shares).
    pub added_shares: U256,
    /// What all borrowers owe (drawn shares).
    pub drawn_shares: U256,
    /// What premiums grow on (drawn shares).
    pub premium_shares: U256,
    /// What premium shares at the index stand for beyond what is owed as premium (raw x ray).
    pub premium_offset: Int,
    /// Debt that nobody owes any more (raw x ray).
    pub deficit: U256,
    /// The part of interest that becomes fees (bps).
    pub liquidity_fee: u16,
    /// What a drawn share owes (ray), never below one.
    pub drawn_index: U256,
    /// Interest until the next change (ray a year).
    pub drawn_rate: U256,
    /// When the index was last brought up to date (s).
    pub last_update: u64,
    /// Shares of the fee receiver.
    pub fee_shares: U256,
    /// Whether the hub knows the fee receiver as a spoke in use.
    pub fee_receiver_active: bool,
}

impl Default for AssetState {
    fn default() -> AssetState {
        let zero = U256::ZERO;
        AssetState {
            liquidity: zero,
            realized_fees: zero,
            swept: zero,
            added_shares: zero,
            drawn_shares: zero,
            premium_shares: zero,
            premium_offset: Int::ZERO,
            deficit: zero,
            liquidity_fee: 0,
            drawn_index: RAY.value(),
            drawn_rate: zero,
            last_update: 0,
            fee_shares: zero,
            fee_receiver_active: true,
        }
    }
}

/// One asset of one hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubAsset {
    /// The hub's name.
    pub hub: String,
    /// The asset.
    pub symbol: String,
    /// Decimals of the token, at most 18.
    pub decimals: u8,
    /// How its rate follows its utilisation.
    pub curve: Curve,
    /// What changes.
    pub state: AssetState,
}

/// How a spoke liquidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiquidationRules {
    /// Where a liquidation leads to, at least one (wad).
    pub target_health: U256,
    /// At this health and below the bonus is the highest, below one (wad).
    pub health_for_max_bonus: U256,
    /// The part of the highest bonus that is paid at a health of one (bps).
    pub bonus_factor: u16,
}

/// Where users are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoke {
    /// Its name.
    pub name: String,
    /// How it liquidates.
    pub liquidation: LiquidationRules,
    /// So many collaterals and so many debts an account may have; [`NO_LIMIT`] is any number.
    pub max_user_reserves: u16,
}

/// What a reserve is good for, as one version says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The part of its value that backs debt, below 100 % (bps).
    pub collateral_factor: u16,
    /// What a liquidator gets at the lowest health, at least 100 % (bps).
    pub max_liquidation_bonus: u32,
    /// The part of the bonus that is the venue's (bps).
    pub liquidation_fee: u16,
}

impl Configuration {
    /// Whether a spoke takes it: what a liquidator gets comes out of collateral that is there
    /// (`_validateDynamicReserveConfig`).
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let (factor, bonus) = (u64::from(self.collateral_factor), u64::from(self.max_liquidation_bonus));
        factor < 10_000
            && bonus >= 10_000
            && self.liquidation_fee <= 10_000
            && (factor * bonus).div_ceil(10_000) < 10_000
    }
}

/// What a hub keeps of one asset for one spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// What the spoke's users supplied (shares).
    pub added_shares: U256,
    /// What they owe (drawn shares).
    pub drawn_shares: U256,
    /// What their premiums grow on (drawn shares).
    pub premium_shares: U256,
    /// As [`AssetState::premium_offset`] (raw x ray).
    pub premium_offset: Int,
    /// What the spoke reported as nobody's debt (raw x ray).
    pub deficit: U256,
    /// No more of it is taken in (whole tokens); [`NO_CAP`] is none.
    pub add_cap: u64,
    /// No more of it is lent (whole tokens); [`NO_CAP`] is none.
    pub draw_cap: u64,
    /// Premium shares may be at most this part of drawn shares (bps); [`NO_THRESHOLD`] is any.
    pub risk_premium_threshold: u32,
    /// Whether the hub knows the spoke as one in use.
    pub active: bool,
    /// Whether the hub takes no calls of it but for losses and fees.
    pub halted: bool,
}

impl Default for Link {
    fn default() -> Link {
        let zero = U256::ZERO;
        Link {
            added_shares: zero,
            drawn_shares: zero,
            premium_shares: zero,
            premium_offset: Int::ZERO,
            deficit: zero,
            add_cap: NO_CAP,
            draw_cap: NO_CAP,
            risk_premium_threshold: NO_THRESHOLD,
            active: true,
            halted: false,
        }
    }
}

/// One hub asset as one spoke offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// What people call it; unique in the market.
    pub name: String,
    /// Place of its spoke.
    pub spoke: usize,
    /// Place of its hub asset.
    pub asset: usize,
    /// How risky it is as collateral (bps): what debts that it covers pay as premium.
    pub collateral_risk: u32,
    /// [`PAUSED`] and so on.
    pub flags: u8,
    /// The version that the next action of a user puts in force for him.
    pub newest: u32,
    /// Every version, by its number.
    pub configurations: Vec<(u32, Configuration)>,
    /// What the hub keeps of it.
    pub link: Link,
}

impl Reserve {
    pub(super) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn configuration(&self, key: u32) -> Option<Configuration> {
        self.configurations.iter().find(|(number, _)| *number == key).map(|(_, configuration)| *configuration)
    }
}

/// What a market is made of: hubs and the spokes that draw on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What prices are counted in, such as `USD`.
    pub currency: String,
    /// All assets of all hubs.
    pub assets: Vec<HubAsset>,
    /// All spokes.
    pub spokes: Vec<Spoke>,
    /// All reserves, those of one spoke in the order of their ids.
    pub reserves: Vec<Reserve>,
}
