//! Morpho Blue's own answers: totals as stored and with interest to the block (by its `accrueInterest`), the rate, the oracle's
//! price; every position, and whether `liquidate` finds it healthy.

use super::{Compared, Side, cells, number};
use crate::abi::{Address, Call, Value, Word, reason};
use crate::error::ChainError;
use crate::morpho_blue::{POSITION, rate};
use crate::reader::{Given, answer};
use plimsoll_core::{
    Account, AccountId, Action, Feeds, Lens, Market, Reading, Refusal, Silent, Test, U256, Verdict,
};
use plimsoll_venues::morpho_blue::{BORROW, COLLATERAL, SUPPLY};

/// So many accounts are asked about at once.
const ACCOUNTS: usize = 1000;

const STATE: [&str; 6] = [
    "total_supply_assets",
    "total_supply_shares",
    "total_borrow_assets",
    "total_borrow_shares",
    "last_update",
    "fee",
];

const ACCRUE: &str = "accrueInterest((address,address,address,address,uint256))";
const LIQUIDATE: &str = "liquidate((address,address,address,address,uint256),address,uint256,uint256,bytes)";
/// What `liquidate` reverts with for a position that it does not take.
const HEALTHY: &str = "position is healthy";

/// Somebody whom no book knows.
const ANYBODY: AccountId = AccountId(u64::MAX);

pub(super) fn compare(
    side: &Side<'_>,
    morpho: Address,
    id: Word,
    parameters: &[Word; 5],
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Compared, ChainError> {
    let mut compared = side.compared();
    let listed = &side.book.markets[side.place];
    let readings = side.book.readings(listed, side.quotes);
    totals(side, morpho, id, parameters, &readings, &mut compared)?;
    let quoted = side.market().at(Feeds { readings: &readings }, Lens::Action, side.book.at);
    let mut done = 0;
    for some in side.accounts.chunks(ACCOUNTS) {
        let mut calls = Vec::new();
        for account in some {
            let user: Address = account.name.parse()?;
            calls.push(Call::new(morpho, POSITION).word(id).address(user));
            let words = parameters.iter().map(|word| Value::Word(*word)).collect();
            let values = [Value::Tuple(words), user.into(), 1.into(), 0.into(), "".into()];
            calls.push(Call::new(morpho, LIQUIDATE).values(&values));
        }
        let given = side.reader.read(&calls)?;
        for (account, (calls, given)) in some.iter().zip(calls.chunks(2).zip(given.chunks(2))) {
            let name = Some(account.name.as_str());
            let missed = compared.numbers - compared.equal;
            let position = answer(&calls[0], &given[0])?;
            let held = &account.account;
            let names = [("supplyShares", SUPPLY), ("borrowShares", BORROW), ("collateral", COLLATERAL)];
            for (place, (what, instrument)) in names.into_iter().enumerate() {
                let ours = held.quantity(instrument).to_u256().ok_or(Refusal::Overflow("a holding"));
                compared.number(name, &format!("position.{what}"), ours, position.number(place)?);
            }
            let quoted = quoted.as_deref().map_err(|refusal| *refusal);
            let ours = quoted.and_then(|quoted| quoted.verdict(held, Test::Liquidation));
            if !held.quantity(BORROW).is_zero() {
                let theirs = verdict(&given[1]);
                let ours = match ours {
                    Ok(seen) if seen.verdict == Verdict::Unhealthy => "unhealthy",
                    Ok(_) => "healthy",
                    Err(_) => "no answer",
                };
                compared.word(name, "liquidate", (ours.into(), theirs.into()), ours == theirs);
            }
            if compared.numbers - compared.equal > missed {
                compared.accounts_equal -= 1;
            }
        }
        done += some.len();
        progress(side.name(), done, side.accounts.len());
    }
    Ok(compared)
}

/// What `liquidate` of one unit says of a position: it looks at its health before all else that can fail here, and asks the
/// oracle before that.
fn verdict(given: &Given) -> &'static str {
    match given {
        Err(data) if reason(data) == HEALTHY => "healthy",
        Err(data) if data.is_empty() => "no answer",
        _ => "unhealthy",
    }
}

fn totals(
    side: &Side<'_>,
    morpho: Address,
    id: Word,
    parameters: &[Word; 5],
    readings: &[Reading],
    compared: &mut Compared,
) -> Result<(), ChainError> {
    let of = |function| Call::new(morpho, function).word(id);
    let market = of("market(bytes32)");
    let accrue = parameters.iter().fold(Call::new(morpho, ACCRUE), |call, word| call.word(*word));
    let oracle = Address::of_word(&parameters[2]).unwrap_or_default();
    let model = Address::of_word(&parameters[3]).unwrap_or_default();
    let kept = Call::new(model, "rateAtTarget(bytes32)").word(id);
    let scenes = [vec![accrue, market.clone(), kept], vec![market, Call::new(oracle, "price()")]];
    let given = side.reader.read_in_turn(&scenes)?;
    let ours = cells(side.market());
    let stored = answer(&scenes[1][0], &given[1][0])?;
    let mut state = [U256::ZERO; 6];
    for (place, name) in STATE.into_iter().enumerate() {
        state[place] = stored.number(place)?;
        compared.number(None, &format!("market.{name}"), Ok(number(&ours, 0, name)), state[place]);
    }
    for (what, instrument, place) in [("supply", SUPPLY, 1), ("borrow", BORROW, 3)] {
        if let Some(sum) = side.sum(instrument) {
            compared.number(None, &format!("{what} shares of all accounts"), sum, state[place]);
        }
    }
    if oracle != Address::ZERO {
        let price = readings.first().and_then(|reading| reading.value).unwrap_or(U256::ZERO);
        match &given[1][1] {
            Ok(_) => {
                let said = answer(&scenes[1][1], &given[1][1])?.number(0)?;
                compared.number(None, "price", Ok(price), said);
            }
            Err(said) => {
                compared.word(None, "price", (price.to_string(), reason(said)), price == U256::ZERO);
            }
        }
    }
    // With interest to the block's time, as the contract itself adds it.
    let accrued = accrued(side.market(), side, readings);
    let after = answer(&scenes[0][1], &given[0][1])?;
    for (place, name) in STATE.into_iter().enumerate() {
        let ours = accrued.as_ref().map_err(|refusal| *refusal);
        let ours = ours.map(|market| number(&cells(&**market), 0, name));
        compared.number(None, &format!("market.{name} after accrueInterest"), ours, after.number(place)?);
    }
    // What the adaptive model keeps; the others keep nothing.
    if let (true, Ok(kept)) = (model != Address::ZERO, answer(&scenes[0][2], &given[0][2])) {
        let ours = accrued.as_ref().map_err(|refusal| *refusal);
        let ours = ours.map(|market| number(&cells(&**market), 0, "rate_at_target"));
        compared.number(None, "rateAtTarget after accrueInterest", ours, kept.number(0)?);
    }
    if model != Address::ZERO {
        let call = rate(model, parameters, &state);
        let given = side.reader.read(std::slice::from_ref(&call))?;
        let said = answer(&call, &given[0])?.number(0)?;
        if let Some(rate) = interest_rate(side) {
            compared.number(None, "borrowRateView", Ok(rate), said);
        }
    }
    Ok(())
}

fn accrued(market: &dyn Market, side: &Side<'_>, readings: &[Reading]) -> Result<Box<dyn Market>, Refusal> {
    let call =
        plimsoll_core::Call { actor: ANYBODY, account: ANYBODY, at: side.book.at, action: Action::Accrue };
    let nobody = vec![Account::new(ANYBODY)];
    let effects = market.act(&call, &nobody, Feeds { readings }, &mut Silent)?;
    let mut after = market.boxed_clone();
    after.apply(&effects)?;
    Ok(after)
}

/// The rate over the time since the last update; `None` where none has passed.
fn interest_rate(side: &Side<'_>) -> Option<U256> {
    use plimsoll_venues::morpho_blue::{Irm, Market as Typed, Parameters, Pool, State};
    let cells = cells(side.market());
    let of = |name| number(&cells, 0, name);
    let irm = [Irm::Zero, Irm::AdaptiveCurve, Irm::Utilisation];
    let small = |name| u8::try_from(of(name).to_u64()?).ok();
    let parameters = Parameters {
        loan_decimals: small("loan_decimals")?,
        collateral_decimals: small("collateral_decimals")?,
        lltv: of("lltv"),
        irm: *irm.get(usize::from(small("irm")?))?,
    };
    let state = State {
        supply: Pool { assets: of("total_supply_assets"), shares: of("total_supply_shares") },
        borrow: Pool { assets: of("total_borrow_assets"), shares: of("total_borrow_shares") },
        last_update: of("last_update").to_u64()?,
        rate_at_target: of("rate_at_target"),
        fee: of("fee"),
        fee_recipient: None,
        treasury_shares: U256::ZERO,
    };
    let market = Typed::new(["loan", "collateral"], parameters, state).ok()?;
    market.accrued(side.book.at).ok()?.1.map(|interest| interest.rate)
}
