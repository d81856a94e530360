//! `morpho-blue/positions`, `/liquidations`, `/accruals`: one market, one position, one call, as Morpho Blue and its
//! adaptive rate model answered.

use super::{Answer, Decoder, Fault, Input, Record, spell_panic};
use plimsoll_core::{
    Account, AccountId, Action, Amount, Call, Effects, Feeds, Lens, Lot, Market as _, Mechanism, Party,
    Reading, Receive, Refusal, Silent, Test, Time, U256, Verdict, Why,
};
use plimsoll_venues::morpho_blue::{
    BORROW, COLLATERAL, Interest, Irm, MAX_UINT128, Market, Parameters, Pool, State,
};

pub(super) const DECODERS: &[Decoder] = &[
    Decoder { schema: "morpho-blue/positions", revisions: &[], decode: positions },
    Decoder { schema: "morpho-blue/liquidations", revisions: &[], decode: liquidations },
    Decoder { schema: "morpho-blue/accruals", revisions: &[], decode: accruals },
];

/// `ErrorsLib.sol`; arithmetic panics under any of their spellings.
fn spell(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        Refusal::NotLiquidatable => &["position is healthy"],
        Refusal::OverCapacity { .. } => &["insufficient collateral"],
        Refusal::InsufficientCash { .. } => &["insufficient liquidity"],
        Refusal::InconsistentInput => &["inconsistent input"],
        Refusal::AmountZero => &["inconsistent input", "zero assets"],
        Refusal::AmountTooLarge { .. } => &["panic 0x11"],
        Refusal::Overflow(formula) if *formula == MAX_UINT128 => &["max uint128 exceeded"],
        other => spell_panic(other),
    }
}

const BORROWER: AccountId = AccountId(1);
const ANYBODY: AccountId = AccountId(2);

fn positions(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    decode(&file, "positions", |case, markets| {
        let market = market(&case, "marketBefore", markets)?;
        let (price, at) = (Reading::certain(case.get("price")?.u256()?), time(&case)?);
        let borrower = borrower(&case)?;
        let mut answer = Answer::default();
        match position(&market, &borrower, price, at, &mut answer) {
            Ok(()) => {}
            Err(refusal) => answer.rest_refused(refusal),
        }
        Ok(answer)
    })
}

fn position(
    market: &Market,
    borrower: &Account,
    price: Reading,
    at: Time,
    answer: &mut Answer,
) -> Result<(), Refusal> {
    let quoted = market.at(Feeds { readings: &[price] }, Lens::Action, at)?;
    let assessment = quoted.verdict(borrower, Test::Liquidation)?;
    answer.value("out.healthy", assessment.verdict != Verdict::Unhealthy);
    answer.value("out.borrowedAssetsUp", assessment.debt);
    answer_interest(answer, "out.", market.accrued(at)?.1);
    let (after, _) = done(market, borrower, price, at, Action::Accrue)?;
    answer_state(answer, "out.marketAfterAccrue", &after);
    Ok(())
}

fn liquidations(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    decode(&file, "liquidations", |case, markets| {
        let market = market(&case, "marketBefore", markets)?;
        let (price, at) = (Reading::certain(case.get("price")?.u256()?), time(&case)?);
        let borrower = borrower(&case)?;
        let seize = case.get("seizedAssetsIn")?.u256()?;
        let repay = case.get("repaidSharesIn")?.u256()?;
        let zero = U256::ZERO;
        let lot = if repay == zero { Lot::Seize(seize) } else { Lot::Repay(Amount::Shares(repay)) };
        let action = Action::Liquidate(Mechanism::Discount {
            repay: BORROW,
            seize: COLLATERAL,
            lot,
            receive: Receive::Asset,
        });
        // Our calls cannot name both amounts at once.
        let outcome = if seize != zero && repay != zero {
            Err(Refusal::InconsistentInput)
        } else {
            done(&market, &borrower, price, at, action)
        };
        Ok(answer_liquidation(&borrower, outcome))
    })
}

fn answer_liquidation(borrower: &Account, outcome: Result<(Market, Effects), Refusal>) -> Answer {
    let mut answer = Answer::default();
    let amounts = outcome.and_then(|(after, effects)| {
        let overflow = Refusal::Overflow("the account after");
        let account = effects.apply_to(borrower).ok_or(overflow)?;
        let repaid_shares = effects.net(Party::Burn, BORROW).ok_or(overflow)?;
        let bad_shares = effects.net(Party::Loss, BORROW).ok_or(overflow)?;
        Ok((after, effects.liquidated.unwrap_or_default(), account, repaid_shares, bad_shares))
    });
    let (after, liquidated, account, repaid_shares, bad_shares) = match amounts {
        Ok(amounts) => amounts,
        Err(refusal) => {
            answer.value("ok", false);
            answer.refused("error", refusal);
            answer.rest_refused(refusal);
            return answer;
        }
    };
    answer.value("ok", true);
    answer.absent("error");
    answer.value("out.seizedAssets", liquidated.seized);
    answer.value("out.repaidAssets", liquidated.repaid);
    answer.value("out.repaidShares", repaid_shares);
    let bad = liquidated.bad_debt.first().map_or(U256::ZERO, |(_, amount)| *amount);
    answer.value("out.badDebtAssets", bad);
    answer.value("out.badDebtShares", bad_shares);
    answer.value("out.positionAfter.borrowShares", account.quantity(BORROW));
    answer.value("out.positionAfter.collateral", account.quantity(COLLATERAL));
    answer_state(&mut answer, "out.marketAfter", &after);
    answer
}

fn accruals(file: Input<'_>) -> Result<Vec<Record>, Fault> {
    decode(&file, "accruals", |case, markets| {
        let market = market(&case, "before", markets)?;
        let at = time(&case)?;
        let nobody = Account::new(BORROWER);
        let price = Reading::unknown(None, Why::Missing);
        let outcome = done(&market, &nobody, price, at, Action::Accrue)
            .and_then(|(after, _)| Ok((after, market.accrued(at)?.1)));
        let mut answer = Answer::default();
        match outcome {
            Ok((after, interest)) => {
                answer.value("ok", true);
                answer.absent("error");
                answer_interest(&mut answer, "", interest);
                answer_state(&mut answer, "after", &after);
            }
            Err(refusal) => {
                answer.value("ok", false);
                answer.refused("error", refusal);
                answer.rest_refused(refusal);
            }
        }
        Ok(answer)
    })
}

/// A market as the file's `meta` describes it, without its state.
struct Listed {
    name: String,
    parameters: Parameters,
}

fn decode<'j>(
    file: &Input<'j>,
    list: &str,
    answer: impl Fn(Input<'j>, &[Listed]) -> Result<Answer, Fault>,
) -> Result<Vec<Record>, Fault> {
    let meta = file.get("meta")?;
    meta.labels(&["protocol", "source", "seed", "virtualShares", "virtualAssets"]);
    let markets = meta.get("markets")?.items()?.iter().map(listed).collect::<Result<Vec<_>, _>>()?;
    let cases = file.get(list)?.items()?;
    Ok(cases.into_iter().map(|case| Record::new(case, spell, |case| answer(case, &markets))).collect())
}

fn listed(market: &Input<'_>) -> Result<Listed, Fault> {
    market.labels(&["i"]);
    let decimals = |key| {
        let place = market.get(key)?;
        u8::try_from(place.u64()?).map_err(|_| place.fault("a number of decimals"))
    };
    let irm = market.get("irm")?;
    let irm = match irm.text()? {
        "zero" => Irm::Zero,
        "adaptive" => Irm::AdaptiveCurve,
        "mock" => Irm::Utilisation,
        _ => return Err(irm.fault("zero, adaptive or mock")),
    };
    let parameters = Parameters {
        loan_decimals: decimals("loanDecimals")?,
        collateral_decimals: decimals("collateralDecimals")?,
        lltv: market.get("lltv")?.u256()?,
        irm,
    };
    Ok(Listed { name: market.get("name")?.text()?.into(), parameters })
}

/// The case's market, in the state that stands under `key`. Reads what says who and where, too.
fn market(case: &Input<'_>, key: &str, markets: &[Listed]) -> Result<Market, Fault> {
    case.labels(&["label", "user"]);
    let index = case.get("market")?;
    let listed = usize::try_from(index.u64()?).ok().and_then(|index| markets.get(index));
    let Listed { name, parameters } = listed.ok_or_else(|| index.fault("the number of a market in meta"))?;
    let before = case.get(key)?;
    let pool = |assets, shares| -> Result<Pool, Fault> {
        Ok(Pool { assets: before.get(assets)?.u256()?, shares: before.get(shares)?.u256()? })
    };
    let state = State {
        supply: pool("totalSupplyAssets", "totalSupplyShares")?,
        borrow: pool("totalBorrowAssets", "totalBorrowShares")?,
        last_update: before.get("lastUpdate")?.u64()?,
        rate_at_target: match parameters.irm {
            Irm::AdaptiveCurve => before.get("rateAtTarget")?.u256()?,
            _ => U256::ZERO,
        },
        fee: before.get("fee")?.u256()?,
        fee_recipient: None,
        treasury_shares: before.get("feeRecipientSupplyShares")?.u256()?,
    };
    let (loan, collateral) = name.split_once('/').unwrap_or((name, name));
    Market::new([loan, collateral], *parameters, state)
        .map_err(|_| before.fault("a state that the contract can hold"))
}

fn borrower(case: &Input<'_>) -> Result<Account, Fault> {
    let position = case.get("position")?;
    let holding = |key| position.get(key)?.int();
    Ok(Account::new(BORROWER).with(BORROW, holding("borrowShares")?).with(COLLATERAL, holding("collateral")?))
}

fn time(case: &Input<'_>) -> Result<Time, Fault> {
    Ok(Time(case.get("timestamp")?.u64()?))
}

/// The market after an action by somebody on the borrower, and its effects.
fn done(
    market: &Market,
    borrower: &Account,
    price: Reading,
    at: Time,
    action: Action,
) -> Result<(Market, Effects), Refusal> {
    let call = Call { actor: ANYBODY, account: borrower.id, at, action };
    let accounts = vec![borrower.clone()];
    let effects = market.act(&call, &accounts, Feeds { readings: &[price] }, &mut Silent)?;
    let mut after = market.clone();
    after.apply(&effects)?;
    Ok((after, effects))
}

fn answer_state(answer: &mut Answer, path: &str, market: &Market) {
    let state = market.state();
    let mut value = |key: &str, value: String| answer.value(format!("{path}.{key}"), value);
    value("totalSupplyAssets", state.supply.assets.to_string());
    value("totalSupplyShares", state.supply.shares.to_string());
    value("totalBorrowAssets", state.borrow.assets.to_string());
    value("totalBorrowShares", state.borrow.shares.to_string());
    value("lastUpdate", state.last_update.to_string());
    value("fee", state.fee.to_string());
    value("feeRecipientSupplyShares", state.treasury_shares.to_string());
    if market.parameters().irm == Irm::AdaptiveCurve {
        value("rateAtTarget", state.rate_at_target.to_string());
    }
}

fn answer_interest(answer: &mut Answer, prefix: &str, interest: Option<Interest>) {
    let mut value = |key: &str, value: Option<String>| {
        answer.value(format!("{prefix}{key}"), value.unwrap_or_else(|| "null".into()));
    };
    value("borrowRate", interest.map(|interest| interest.rate.to_string()));
    value("interest", interest.map(|interest| interest.interest.to_string()));
    value("feeShares", interest.map(|interest| interest.fee_shares.to_string()));
}
