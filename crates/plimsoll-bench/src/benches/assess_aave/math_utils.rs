//! The venue's own client library, from npm.

use super::population::{Place, Population};
use crate::peers::NodePeer;
use crate::registry::Trouble;
use plimsoll_core::{Account, U256};
use plimsoll_venues::aave_v3::{Configuration, E_MODE, Revision, USER_CONFIG, debt, receipt};
use serde_json::{Value, json};

const PEER: NodePeer = NodePeer {
    name: "@aave/math-utils 1.38.0",
    folder: "math-utils",
    package: include_str!("../../../peers/math-utils/package.json"),
    lock: include_str!("../../../peers/math-utils/package-lock.json"),
    script: include_str!("../../../peers/math-utils/peer.cjs"),
};

/// What the library found, and how long it took.
pub(crate) struct Found {
    /// Nanoseconds an account, pass by pass.
    pub(crate) passes: Vec<f64>,
    /// Health factors as the library prints them, in the order of the accounts.
    pub(crate) health_factors: Vec<String>,
}

/// Lets the library answer for every account.
pub(crate) fn run(population: &Population, quick: bool) -> Result<Found, Trouble> {
    let markets: Vec<Value> = population.places.iter().map(market).collect();
    let passes = if quick { 2 } else { 5 };
    let answer = PEER.run(&json!({ "passes": passes, "markets": markets }))?;
    let list = |key: &str| answer[key].as_array().ok_or_else(|| PEER.missing(&format!("{key} is no list")));
    let passes = list("ns_per_account")?.iter().filter_map(Value::as_f64).collect();
    let health_factors = list("health_factors")?.iter().filter_map(Value::as_str).map(String::from).collect();
    Ok(Found { passes, health_factors })
}

/// A market as the library's `ReserveData`, `EModeData` and `UserReserveData` want it.
fn market(place: &Place) -> Value {
    let old_modes = place.pool.revision() <= Revision::V3_1;
    let reserves = place.pool.reserves().iter().enumerate().map(|(id, reserve)| {
        let field = |bits| reserve.configuration.get(bits).to_string();
        let state = &reserve.state;
        let price = place.readings.get(id).and_then(|reading| reading.value).unwrap_or(U256::ZERO);
        json!({
            "originalId": id,
            "id": id.to_string(),
            "symbol": reserve.symbol,
            "name": reserve.symbol,
            "decimals": reserve.configuration.decimals(),
            "underlyingAsset": format!("0x{id:040x}"),
            "usageAsCollateralEnabled": reserve.configuration.get(Configuration::LTV) > 0,
            "reserveFactor": field(Configuration::RESERVE_FACTOR),
            "baseLTVasCollateral": field(Configuration::LTV),
            "reserveLiquidationThreshold": field(Configuration::THRESHOLD),
            "reserveLiquidationBonus": field(Configuration::BONUS),
            "liquidityIndex": state.liquidity_index.to_string(),
            "variableBorrowIndex": state.variable_borrow_index.to_string(),
            "liquidityRate": state.liquidity_rate.to_string(),
            "variableBorrowRate": state.variable_borrow_rate.to_string(),
            "availableLiquidity": state.cash.to_string(),
            "totalScaledVariableDebt": state.scaled_debt.to_string(),
            "lastUpdateTimestamp": state.last_update.0,
            "borrowCap": field(Configuration::BORROW_CAP),
            "supplyCap": field(Configuration::SUPPLY_CAP),
            "debtCeiling": field(Configuration::DEBT_CEILING),
            "debtCeilingDecimals": 2,
            "isolationModeTotalDebt": state.isolation_debt.to_string(),
            "virtualUnderlyingBalance": state.virtual_balance.to_string(),
            "deficit": state.deficit.to_string(),
            "priceInMarketReferenceCurrency": price.to_string(),
        })
    });
    let members = |id: u8, bitmap: U256| -> String {
        let ids = (0..place.pool.reserves().len()).rev();
        let member = |reserve: &usize| {
            let configuration = place.pool.reserves()[*reserve].configuration;
            if old_modes {
                configuration.get(Configuration::EMODE) == u64::from(id)
            } else {
                bitmap.bit(*reserve)
            }
        };
        ids.map(|reserve| if member(&reserve) { '1' } else { '0' }).collect()
    };
    let modes = place.pool.modes().iter().map(|mode| {
        json!({ "id": mode.id, "eMode": {
            "label": mode.label,
            "ltv": mode.ltv.to_string(),
            "liquidationThreshold": mode.threshold.to_string(),
            "liquidationBonus": mode.bonus.to_string(),
            "collateralBitmap": members(mode.id, mode.collateral),
            "borrowableBitmap": members(mode.id, mode.borrowable),
            "ltvzeroBitmap": if old_modes { String::new() } else { members(mode.id, mode.ltv_zero) },
        }})
    });
    let users = place.accounts.iter().map(|account| user(account, place.pool.reserves().len()));
    json!({
        "timestamp": place.at.0,
        "reserves": reserves.collect::<Vec<_>>(),
        "eModes": modes.collect::<Vec<_>>(),
        "users": users.collect::<Vec<_>>(),
    })
}

fn user(account: &Account, reserves: usize) -> Value {
    let config = account.term(USER_CONFIG).magnitude();
    let held = |instrument| account.quantity(instrument);
    let touched = (0..reserves).filter(|&id| !held(receipt(id)).is_zero() || !held(debt(id)).is_zero());
    let positions = touched.map(|id| {
        json!({
            "underlyingAsset": format!("0x{id:040x}"),
            "scaledATokenBalance": held(receipt(id)).to_string(),
            "scaledVariableDebt": held(debt(id)).to_string(),
            "usageAsCollateralEnabledOnUser": config.bit(2 * id + 1),
        })
    });
    json!({
        "mode": account.term(E_MODE).to_u64().unwrap_or(0),
        "reserves": positions.collect::<Vec<_>>(),
    })
}

/// Whether a decimal that the library printed is this contract integer of 18 decimals, cut or rounded to the nearest.
pub(crate) fn is_wad(printed: &str, contract: U256) -> bool {
    let (whole, fraction) = printed.split_once('.').unwrap_or((printed, ""));
    let padded = format!("{fraction:0<19}");
    let Ok(cut) = format!("{whole}{}", &padded[..18]).parse::<U256>() else { return false };
    let up = padded.as_bytes()[18] >= b'5';
    cut == contract || (up && cut.add(U256::ONE) == Some(contract))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_health_factor_is_cut_or_rounded_to_18_digits() {
        let contract = U256::new(1_234_567_890_123_456_789);
        assert!(is_wad("1.234567890123456789", contract));
        assert!(is_wad("1.23456789012345678999", contract));
        assert!(is_wad("1.23456789012345678850", contract));
        assert!(!is_wad("1.23456789012345678849", contract));
        assert!(!is_wad("1.2345678", contract) && !is_wad("", contract) && !is_wad("NaN", contract));
        assert!(!is_wad("-1", contract) && !is_wad("-1", U256::MAX));
        assert!(is_wad("2", U256::new(2_000_000_000_000_000_000)));
    }

    /// A lock file names packages and their hashes, and no host that they came from.
    #[test]
    fn the_lock_file_names_no_host() {
        let lock: Value = serde_json::from_str(PEER.lock).expect("JSON");
        let packages = lock["packages"].as_object().expect("packages");
        assert!(packages.len() > 1 && packages.values().all(|package| package.get("resolved").is_none()));
        assert_eq!(packages["node_modules/@aave/math-utils"]["version"], "1.38.0");
        let wanted: Value = serde_json::from_str(PEER.package).expect("JSON");
        assert_eq!(lock["packages"][""]["dependencies"], wanted["dependencies"]);
    }
}
