//! What a holding is good for (`ValidationLogic.validateUseAsCollateral`, `GenericLogic.calculateUserAccountData`).

use super::user;
use super::{COLLATERAL_BIT, Configuration, Pool, Revision, Role, UserConfig};
use plimsoll_core::{Account, Counting, InstrumentId, Refusal, U256, Unit, WhyNot};

/// [`plimsoll_core::Market::counting`].
pub(super) fn counting(
    pool: &Pool,
    account: &Account,
    instrument: InstrumentId,
) -> Result<Counting, Refusal> {
    let (reserve, role) = pool.role(instrument)?;
    let configuration = pool.reserves[reserve].configuration;
    let own = configuration.get(Configuration::THRESHOLD) as u16;
    let weights = user::weights(pool, pool.mode_of(account)?, reserve, 0, own);
    let config = UserConfig::of(account);
    // Up to 3.5 an asset without a threshold of its own is skipped, whatever a category says.
    let weightless = weights.threshold == 0 || (own == 0 && pool.revision <= Revision::V3_5);
    let why_not = match role {
        Role::Debt | Role::Asset => None,
        Role::Receipt if !configuration.is(Configuration::ACTIVE) => Some(WhyNot::Inactive),
        Role::Receipt if weightless => Some(WhyNot::NoThreshold),
        Role::Receipt if config.bit(reserve, COLLATERAL_BIT) => None,
        Role::Receipt if shut_out(pool, config, reserve) => Some(WhyNot::Isolated),
        Role::Receipt => Some(WhyNot::SwitchedOff),
    };
    let weight =
        (role == Role::Receipt && why_not.is_none()).then(|| U256::from(u64::from(weights.threshold)));
    Ok(Counting {
        weight,
        unit: Unit::BPS,
        why_not,
        frozen: configuration.is(Configuration::FROZEN),
        paused: configuration.is(Configuration::PAUSED),
    })
}

/// Up to 3.6: collateral with a debt ceiling is the account's only one.
fn shut_out(pool: &Pool, config: UserConfig, reserve: usize) -> bool {
    let ceiling = |reserve: usize| {
        pool.reserves.get(reserve).is_some_and(|r| r.configuration.get(Configuration::DEBT_CEILING) != 0)
    };
    let mut others = config.all(COLLATERAL_BIT);
    let Some(first) = others.next() else { return false };
    pool.revision <= Revision::V3_6 && (ceiling(reserve) || (ceiling(first) && others.next().is_none()))
}
