//! A spoke as a record shows it: some of its reserves, their hub assets, their prices, a user.

use crate::vectors::{Fault, Input};
use plimsoll_core::{Account, AccountId, Feeds, Int, Market as _, Reading, Refusal, U256};
use plimsoll_venues::aave_v4::{
    AssetState, Configuration, Curve, Done, HubAsset, Link, LiquidationRules, MAP, Market, RISK_PREMIUM,
    Reserve, Spec, Spoke, configuration_key, debt, premium_offset, premium_shares, receipt,
};

/// Whose position it is.
pub(super) const USER: AccountId = AccountId(1);
/// Who liquidates it.
pub(super) const LIQUIDATOR: AccountId = AccountId(2);

/// A market of the reserves that a record lists, in its order.
pub(super) struct Scene {
    pub(super) market: Market,
    /// The contract's number of each reserve.
    pub(super) ids: Vec<u64>,
    /// The contract's hub and asset number of each hub asset.
    pub(super) assets: Vec<(u64, u64)>,
    readings: Vec<Reading>,
}

impl Scene {
    /// Reserves with all that belongs to them.
    pub(super) fn of(reserves: &Input<'_>, rules: Option<&Input<'_>>, limit: u16) -> Result<Scene, Fault> {
        let liquidation = match rules {
            Some(rules) => LiquidationRules {
                target_health: rules.get("targetHealthFactor")?.u256()?,
                health_for_max_bonus: rules.get("healthFactorForMaxBonus")?.u256()?,
                bonus_factor: small(&rules.get("liquidationBonusFactor")?)?,
            },
            None => {
                LiquidationRules { target_health: U256::new(10u128.pow(18)), ..LiquidationRules::default() }
            }
        };
        let spokes = vec![Spoke { name: "spoke".into(), liquidation, max_user_reserves: limit }];
        let mut spec = Spec { currency: "USD".into(), assets: vec![], spokes, reserves: vec![] };
        let (mut ids, mut assets, mut readings) = (vec![], vec![], vec![]);
        for reserve in reserves.items()? {
            let id = reserve.get("id")?.u64()?;
            if id >= 128 {
                return Err(reserve.fault("a reserve's number below 128"));
            }
            ids.push(id);
            assets.push((reserve.get("hub")?.u64()?, reserve.get("assetId")?.u64()?));
            readings.push(Reading::certain(reserve.get("price")?.u256()?));
            let hub = format!("hub {}", assets[assets.len() - 1].0);
            spec.assets.push(asset(&reserve, hub)?);
            spec.reserves.push(listed(&reserve, id, spec.assets.len() - 1)?);
        }
        let market = Market::new(spec).map_err(|_| reserves.fault("reserves that the contracts can hold"))?;
        Ok(Scene { market, ids, assets, readings })
    }

    pub(super) fn feeds(&self) -> Feeds<'_> {
        Feeds { readings: &self.readings }
    }

    /// Where a reserve of the contract's number stands.
    pub(super) fn place(&self, id: &str) -> Option<usize> {
        let id: u64 = id.parse().ok()?;
        self.ids.iter().position(|listed| *listed == id)
    }

    pub(super) fn symbol(&self, place: usize) -> &str {
        &self.market.assets()[self.market.reserves()[place].asset].symbol
    }

    /// The version of a reserve's configuration that is in force for an account.
    pub(super) fn key(&self, account: &Account, place: usize) -> u32 {
        let key = account.term(configuration_key(place)).to_u64();
        key.and_then(|key| u32::try_from(key).ok()).unwrap_or(u32::MAX)
    }

    /// A user as the contract keeps him; bits by the contract's numbers become bits by places.
    pub(super) fn account(&self, state: &Input<'_>) -> Result<Account, Fault> {
        let mut account = Account::new(USER);
        account.set_term(RISK_PREMIUM, state.get("riskPremium")?.int()?);
        let given = state.get("map")?;
        let (word, mut map) = (given.u256()?, U256::ZERO);
        for bit in (0..256).filter(|&bit| word.bit(bit)) {
            let id = (bit / 2) as u64;
            let place = self.ids.iter().position(|listed| *listed == id);
            let place = place.ok_or_else(|| given.fault("bits of reserves that are listed"))?;
            map = map.with_bit(2 * place + bit % 2, true);
        }
        account.set_term(MAP, Int::from(map));
        for (id, position) in state.get("positions")?.entries()? {
            let place =
                self.place(id).ok_or_else(|| position.fault("a position in a reserve that is listed"))?;
            let number = |key| position.get(key)?.int();
            account.set(debt(place), number("drawnShares")?);
            account.set(receipt(place), number("suppliedShares")?);
            account.set_term(premium_shares(place), number("premiumShares")?);
            account.set_term(premium_offset(place), number("premiumOffsetRay")?);
            account.set_term(configuration_key(place), number("dynamicConfigKey")?);
        }
        Ok(account)
    }

    pub(super) fn apply(&mut self, done: &Done) -> Result<(), Refusal> {
        self.market.apply(&done.effects)
    }
}

fn small<N: TryFrom<u64>>(number: &Input<'_>) -> Result<N, Fault> {
    N::try_from(number.u64()?).map_err(|_| number.fault("a smaller number"))
}

fn asset(reserve: &Input<'_>, hub: String) -> Result<HubAsset, Fault> {
    let given = reserve.get("asset")?;
    let amount = |key| given.get(key)?.u256();
    let rates = given.get("ir")?;
    let receiver = reserve.get("feeReceiver")?;
    reserve.labels(&["decimals"]);
    Ok(HubAsset {
        // Two hub assets of one token are told apart by their number.
        hub: format!("{hub}.{}", reserve.get("assetId")?.u64()?),
        symbol: reserve.get("sym")?.text()?.into(),
        decimals: small(&given.get("decimals")?)?,
        curve: Curve {
            optimal_usage: small(&rates.get("optimalUsageRatio")?)?,
            base_rate: small(&rates.get("baseDrawnRate")?)?,
            growth_before: small(&rates.get("rateGrowthBeforeOptimal")?)?,
            growth_after: small(&rates.get("rateGrowthAfterOptimal")?)?,
        },
        state: AssetState {
            liquidity: amount("liquidity")?,
            realized_fees: amount("realizedFees")?,
            swept: amount("swept")?,
            added_shares: amount("addedShares")?,
            drawn_shares: amount("drawnShares")?,
            premium_shares: amount("premiumShares")?,
            premium_offset: given.get("premiumOffsetRay")?.int()?,
            deficit: amount("deficitRay")?,
            liquidity_fee: small(&given.get("liquidityFee")?)?,
            drawn_index: amount("drawnIndex")?,
            drawn_rate: amount("drawnRate")?,
            last_update: given.get("lastUpdateTimestamp")?.u64()?,
            fee_shares: receiver.get("addedShares")?.u256()?,
            fee_receiver_active: receiver.get("active")?.bool()?,
        },
    })
}

fn listed(reserve: &Input<'_>, id: u64, asset: usize) -> Result<Reserve, Fault> {
    let given = reserve.get("spoke")?;
    let amount = |key| given.get(key)?.u256();
    let mut configurations = Vec::new();
    for (key, one) in reserve.get("dynamicConfigs")?.entries()? {
        let configuration = Configuration {
            collateral_factor: small(&one.get("collateralFactor")?)?,
            max_liquidation_bonus: small(&one.get("maxLiquidationBonus")?)?,
            liquidation_fee: small(&one.get("liquidationFee")?)?,
        };
        configurations.push((key.parse().map_err(|_| one.fault("a version's number"))?, configuration));
    }
    Ok(Reserve {
        name: id.to_string(),
        spoke: 0,
        asset,
        collateral_risk: small(&reserve.get("collateralRisk")?)?,
        flags: small(&reserve.get("flags")?)?,
        newest: small(&reserve.get("dynamicConfigKey")?)?,
        configurations,
        link: Link {
            added_shares: amount("addedShares")?,
            drawn_shares: amount("drawnShares")?,
            premium_shares: amount("premiumShares")?,
            premium_offset: given.get("premiumOffsetRay")?.int()?,
            deficit: amount("deficitRay")?,
            add_cap: given.get("addCap")?.u64()?,
            draw_cap: given.get("drawCap")?.u64()?,
            risk_premium_threshold: small(&given.get("riskPremiumThreshold")?)?,
            active: given.get("active")?.bool()?,
            halted: given.get("halted")?.bool()?,
        },
    })
}
