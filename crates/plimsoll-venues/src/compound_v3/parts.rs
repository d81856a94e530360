//! What a market is made of: what its owner sets, and what changes.

use super::FACTOR_STEP;
use alloc::string::String;
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{U256, YEAR};

/// An interest curve with a kink (per second).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// The utilisation where it turns (wad).
    pub kink: U256,
    /// Growth with utilisation below it (wad per second).
    pub slope_low: U256,
    /// Growth above it (wad per second).
    pub slope_high: U256,
    /// The rate at no utilisation (wad per second).
    pub base: U256,
}

impl Rates {
    /// From a configuration, which counts per year: each over the seconds of a year, rounded down.
    #[must_use]
    pub fn per_year(kink: U256, slope_low: U256, slope_high: U256, base: U256) -> Rates {
        fn second(year: U256) -> U256 {
            year.div(YEAR, Down).unwrap_or_default()
        }
        Rates { kink, slope_low: second(slope_low), slope_high: second(slope_high), base: second(base) }
    }
}

/// What the market's owner sets for the market as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Decimals of the base token, 6 to 18.
    pub base_decimals: u8,
    /// The part of an asset's liquidation penalty that buyers of collateral get (wad).
    pub store_front_price_factor: U256,
    /// What suppliers earn.
    pub supply: Rates,
    /// What borrowers pay.
    pub borrow: Rates,
    /// The scale of the tracking indices, not zero.
    pub tracking_index_scale: U256,
    /// Rewards of all suppliers together (tracking units per second).
    pub base_tracking_supply_speed: U256,
    /// Rewards of all borrowers together (tracking units per second).
    pub base_tracking_borrow_speed: U256,
    /// The least total of principal that earns rewards, not zero (principal units).
    pub base_min_for_rewards: U256,
    /// The least loan (raw).
    pub base_borrow_min: U256,
    /// No collateral is for sale once the reserves are this much (raw).
    pub target_reserves: U256,
    /// What is stopped, by bits: [`super::PAUSE_SUPPLY`] and so on.
    pub pause_flags: u8,
}

/// What changes in the market as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What a principal above zero stands for (10^15 is one), never below one.
    pub base_supply_index: U256,
    /// What a principal below zero stands for (10^15 is one), never below one.
    pub base_borrow_index: U256,
    /// Rewards for a unit of principal supplied since the beginning (tracking units).
    pub tracking_supply_index: U256,
    /// Rewards for a unit of principal borrowed since the beginning (tracking units).
    pub tracking_borrow_index: U256,
    /// All principals above zero (principal units).
    pub total_supply_base: U256,
    /// All principals below zero (principal units).
    pub total_borrow_base: U256,
    /// When the indices were last brought up to date (s).
    pub last_accrual_time: u64,
    /// Base tokens that the contract holds (raw).
    pub base_balance: U256,
}

/// What the market's owner sets for a collateral asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssetRules {
    /// Decimals of the token, at most 19.
    pub decimals: u8,
    /// The part of its value that carries new debt (wad, a multiple of 10^14), below the next.
    pub borrow_factor: U256,
    /// The part of its value that holds off absorption (wad, a multiple of 10^14), at most one.
    pub liquidate_factor: U256,
    /// The part of its value that an absorbed account is credited (wad, a multiple of 10^14).
    pub liquidation_factor: U256,
    /// No more of it is taken (raw).
    pub supply_cap: U256,
}

impl AssetRules {
    /// As the contract keeps a configuration: four decimals of each factor (as 16 bits hold them), whole tokens of
    /// the cap (as 64 bits hold them) (`getPackedAssetInternal`).
    #[must_use]
    pub fn packed(decimals: u8, factors: [U256; 3], supply_cap: U256) -> AssetRules {
        fn kept(number: U256, step: U256, bits: usize) -> Option<U256> {
            U256::from(number.div(step, Down)?.field(0, bits)).mul(step)
        }
        let unit = U256::pow10(decimals).unwrap_or(U256::ONE);
        let [borrow, liquidate, liquidation] =
            factors.map(|factor| kept(factor, FACTOR_STEP, 16).unwrap_or_default());
        AssetRules {
            decimals,
            borrow_factor: borrow,
            liquidate_factor: liquidate,
            liquidation_factor: liquidation,
            supply_cap: kept(supply_cap, unit, 64).unwrap_or_default(),
        }
    }

    /// One whole token.
    pub(super) fn scale(&self) -> U256 {
        U256::pow10(self.decimals).unwrap_or(U256::ONE)
    }
}

/// What changes of a collateral asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssetTotals {
    /// What all accounts have posted (raw).
    pub total_supply: U256,
    /// What the market has absorbed and not sold (raw).
    pub reserves: U256,
}

/// A collateral asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its name.
    pub symbol: String,
    /// What its owner sets.
    pub rules: AssetRules,
    /// What changes.
    pub totals: AssetTotals,
}

/// What a market is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The base token.
    pub base: String,
    /// What prices are counted in, such as `USD`.
    pub currency: String,
    /// What its owner sets.
    pub rules: Rules,
    /// What changes.
    pub state: State,
    /// The collateral assets, in the contract's order.
    pub assets: Vec<Asset>,
}
