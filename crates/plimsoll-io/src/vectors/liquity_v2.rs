//! `liquity-v2/pure` and `liquity-v2/scenarios`: formulas one by one, and whole lives of a system of two branches, as the
//! contracts of Liquity v2 (Bold) answered.

mod shown;
mod world;

use super::{Answer, Decoder, Fault, Input, Record, Spell, spell_panic};
use plimsoll_core::{Refusal, Silent, U256};
use plimsoll_venues::liquity_v2::{
    Branch, PRODUCT_ZERO, Parameters, Split, collateral_ratio, decay_power, interest_of, reward,
};
use world::World;

pub(super) const DECODERS: &[Decoder] = &[
    Decoder { schema: "liquity-v2/pure", revisions: &[], decode: pure },
    Decoder { schema: "liquity-v2/scenarios", revisions: &[], decode: scenarios },
];

/// Who repays or redeems urgently has less BOLD than that (`BorrowerOperations.sol`, `TroveManager.sol`).
const POOR: &[&str] = &["NotEnoughBoldBalance"];
/// Who pays BOLD to somebody has less (the token's own check).
const POOR_PAYER: &[&str] = &["ERC20: transfer amount exceeds balance"];
/// The owner of a trove is asked for before its status, and a trove that ceased to be has none (`TroveNFT.sol`).
const NOBODYS: &[&str] = &["ERC721: invalid token ID"];

/// How the contracts spell the refusals of one operation: one word each.
///
/// Several of our refusals are told by each contract in its own words; which one is asked, and in what order, follows from
/// the operation.
fn spelling(operation: &str) -> Spell {
    match operation {
        "adjustTrove" | "adjustZombieTrove" => |refusal| match refusal {
            Refusal::AmountZero | Refusal::DebtAtMinimum => &["ZeroAdjustment"],
            Refusal::BalanceTooLow { .. } => POOR,
            Refusal::NoConsent(_) => &["NotOwnerNorRemoveManager"],
            other => spell(other),
        },
        "adjustTroveInterestRate" => |refusal| match refusal {
            Refusal::PositionNotOpen => NOBODYS,
            Refusal::NoConsent(_) => &["NotOwnerNorInterestManager"],
            other => spell(other),
        },
        "setInterestBatchManager" | "removeFromBatch" => |refusal| match refusal {
            Refusal::NoConsent(_) => &["NotBorrower"],
            other => spell(other),
        },
        "closeTrove" => |refusal| match refusal {
            Refusal::PositionNotOpen => NOBODYS,
            Refusal::NoConsent(_) => &["NotOwnerNorRemoveManager"],
            Refusal::BalanceTooLow { .. } => POOR,
            other => spell(other),
        },
        "applyPendingDebt" => |refusal| match refusal {
            Refusal::PositionNotOpen => &["TroveNotOpen"],
            other => spell(other),
        },
        "registerBatch" => |refusal| match refusal {
            Refusal::FeeTooHigh { .. } => &["AnnualManagementFeeTooHigh"],
            Refusal::InconsistentInput => &["MinGeMax"],
            other => spell(other),
        },
        "lowerBatchManagementFee" => |refusal| match refusal {
            Refusal::FeeTooHigh { .. } => &["NewFeeNotLower"],
            other => spell(other),
        },
        "provideToSP" => |refusal| match refusal {
            Refusal::AmountZero => &["StabilityPool: Amount must be non-zero"],
            Refusal::BalanceTooLow { .. } => POOR_PAYER,
            other => spell(other),
        },
        "withdrawFromSP" => |refusal| match refusal {
            Refusal::NothingHeld(_) => &["StabilityPool: User must have a non-zero deposit"],
            other => spell(other),
        },
        "claimCollateral" => |refusal| match refusal {
            Refusal::NothingHeld(_) => &["CollSurplusPool: No collateral available to claim"],
            other => spell(other),
        },
        "transferBold" => |refusal| match refusal {
            Refusal::BalanceTooLow { .. } => POOR_PAYER,
            other => spell(other),
        },
        "redeemCollateral" => |refusal| match refusal {
            Refusal::InconsistentInput => &["Max fee percentage must be between 0.5% and 100%"],
            Refusal::AmountZero => &["CollateralRegistry: Amount must be greater than zero"],
            // Nobody asks before the BOLD is burned.
            Refusal::BalanceTooLow { .. } => &["ERC20: burn amount exceeds balance"],
            other => spell(other),
        },
        "urgentRedemption" => |refusal| match refusal {
            Refusal::AmountZero => &["ZeroAmount"],
            Refusal::BalanceTooLow { .. } => POOR,
            other => spell(other),
        },
        _ => spell,
    }
}

/// The contracts' word for a refusal that has the same one wherever it is told.
fn spell(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        Refusal::BranchShutDown => &["IsShutDown"],
        Refusal::NotShutDown => &["NotShutDown"],
        Refusal::BranchAboveScr { .. } => &["TCRNotBelowSCR"],
        Refusal::BranchBelowCcr { .. } => &["TCRBelowCCR"],
        Refusal::BelowMcr { .. } => &["ICRBelowMCR"],
        Refusal::BelowBatchMcr { .. } => &["ICRBelowMCRPlusBCR"],
        Refusal::RepaymentTooSmall => &["RepaymentNotMatchingCollWithdrawal"],
        Refusal::DebtBelowMinimum { .. } => &["DebtBelowMin"],
        Refusal::AmountTooLarge { .. } => &["CollWithdrawalTooHigh"],
        Refusal::RateTooLow { .. } => &["InterestRateTooLow"],
        Refusal::RateTooHigh { .. } => &["InterestRateTooHigh"],
        Refusal::RateOutOfRange { .. } => &["InterestNotInRange"],
        Refusal::RateUnchanged => &["InterestRateNotNew"],
        Refusal::TooSoon { .. } => &["BatchInterestRateChangePeriodNotPassed"],
        Refusal::PositionExists => &["TroveExists"],
        Refusal::PositionNotActive => &["TroveNotActive"],
        Refusal::PositionNotDormant => &["TroveNotZombie"],
        Refusal::NothingOwed(_) => &["TroveWithZeroDebt"],
        Refusal::InGroup => &["TroveInBatch"],
        Refusal::NotInGroup => &["TroveNotInBatch"],
        Refusal::NoSuchManager => &["InvalidInterestBatchManager"],
        Refusal::ManagerExists => &["BatchManagerExists"],
        Refusal::PeriodTooShort { .. } => &["MinInterestRateChangePeriodTooLow"],
        Refusal::TooFewShares => &["BatchSharesRatioTooHigh"],
        Refusal::NotLiquidatable => &["NothingToLiquidate"],
        Refusal::NoSuchAccount => &["EmptyData"],
        Refusal::LastPosition => &["OnlyOneTroveLeft"],
        Refusal::FeeAboveLimit { .. } => &["CR: Fee exceeded provided maximum"],
        Refusal::PoolMinimum => &["Withdrawal must leave totalBoldDeposits >= MIN_BOLD_IN_SP"],
        Refusal::Overflow(PRODUCT_ZERO) => &["P must never decrease to 0"],
        other => spell_panic(other),
    }
}

/// What stands at the top of both files and is no answer.
fn read_meta(file: &Input<'_>) {
    file.labels(&["protocol", "source", "compiler", "evm"]);
}

fn parameters(file: &Input<'_>) -> Result<Vec<Parameters>, Fault> {
    let read = |branch: &Input<'_>| {
        let number = |key| branch.get(key)?.u256();
        Ok(Parameters {
            ccr: number("CCR")?,
            mcr: number("MCR")?,
            bcr: number("BCR")?,
            scr: number("SCR")?,
            penalty_pool: number("LP_SP")?,
            penalty_redistribution: number("LP_RD")?,
        })
    };
    file.get("branchParams")?.items()?.iter().map(read).collect()
}

// ---- formulas -------------------------------------------------------------------------------------------------

fn pure(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    read_meta(&file);
    let parameters = parameters(&file)?;
    let mut records = Vec::new();
    let mut all = |list: &str, answer: &dyn Fn(&Input<'_>, &mut Answer) -> Result<(), Fault>| {
        for case in file.get(list)?.items()? {
            records.push(Record::new(case, spell, |case| {
                let mut found = Answer::default();
                answer(&case, &mut found)?;
                Ok(found)
            }));
        }
        Ok::<_, Fault>(())
    };
    all("offsetAndRedistribution", &|case, answer| {
        let index = case.get("branch")?;
        let rules = usize::try_from(index.u64()?).ok().and_then(|index| parameters.get(index));
        let branch = Branch::new(*rules.ok_or_else(|| index.fault("the number of a branch"))?);
        let number = |key| case.get(key)?.u256();
        let (debt, held) = (number("entireDebt")?, number("entireColl")?);
        let (in_pool, price) = (number("boldInSPForOffsets")?, number("price")?);
        match Split::of(&mut Silent, &branch, [debt, held], in_pool, price) {
            Ok(split) => {
                answer.value("debtToOffset", split.debt_offset);
                answer.value("collToSendToSP", split.collateral_offset);
                answer.value("collGasCompensation", split.reward);
                answer.value("debtToRedistribute", split.debt_redistributed);
                answer.value("collToRedistribute", split.collateral_redistributed);
                answer.value("collSurplus", split.surplus);
            }
            Err(refusal) => answer.rest_refused(refusal),
        }
        Ok(())
    })?;
    all("decPow", &|case, answer| {
        let minutes = case.get("minutes")?.u256()?.to_u64().unwrap_or(u64::MAX);
        result(answer, decay_power(case.get("base")?.u256()?, minutes));
        Ok(())
    })?;
    all("calcInterest", &|case, answer| {
        let (weighted, period) = (case.get("weightedDebt")?.u256()?, case.get("period")?.u256()?);
        let seconds = period.to_u64().ok_or(Refusal::Overflow("seconds"));
        result(answer, seconds.and_then(|seconds| interest_of(weighted, seconds)));
        Ok(())
    })?;
    all("computeCR", &|case, answer| {
        let number = |key| case.get(key)?.u256();
        result(answer, collateral_ratio(number("coll")?, number("debt")?, number("price")?));
        Ok(())
    })?;
    all("collGasCompensation", &|case, answer| {
        result(answer, Ok(reward(case.get("coll")?.u256()?)));
        Ok(())
    })?;
    Ok(records)
}

fn result(answer: &mut Answer, found: Result<U256, Refusal>) {
    match found {
        Ok(value) => answer.value("result", value),
        Err(refusal) => answer.refused("result", refusal),
    }
}

// ---- scenarios ------------------------------------------------------------------------------------------------

/// A record for the beginning of each scenario and one for each of its steps. A step begins where our own step before it
/// ended: nothing of a state is read from the file but what the contracts were deployed with.
fn scenarios(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    read_meta(&file);
    let mut records = Vec::new();
    for scenario in file.get("scenarios")?.items()? {
        scenario.labels(&["withBatches"]);
        let parameters = parameters(&scenario)?;
        let initial = scenario.get("initial")?;
        let mut world = World::new(&initial, &parameters)?;
        records.push(Record::new(initial, spell, |case| {
            let mut answer = Answer::default();
            world.show(&case, &mut answer);
            Ok(answer)
        }));
        for step in scenario.get("steps")?.items()? {
            let operation = step.maybe("op").and_then(|operation| operation.text().ok()).unwrap_or_default();
            records.push(Record::new(step, spelling(operation), |step| {
                let mut answer = Answer::default();
                world.step(&step, &mut answer)?;
                world.show(&step, &mut answer);
                Ok(answer)
            }));
        }
    }
    Ok(records)
}
