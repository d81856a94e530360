//! Transactions as data: what to send to do what a plan says. Nothing here signs or sends.

use crate::abi::{Address, Call, Value, hex};
use crate::error::ChainError;
use crate::origin::{Origin, Place};
use crate::reader::Reader;
use plimsoll_core::{Action, Amount, Book, InstrumentId, Lot, Mechanism, Receive, U256};
use plimsoll_venues::morpho_blue::{BORROW, COLLATERAL, SUPPLY};
use serde_json::{Value as Json, json};

/// An unsigned transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The chain that it is for.
    pub chain: u64,
    /// Contract and data.
    pub call: Call,
    /// What it does, in words.
    pub what: String,
    /// What the contract takes of the sender: token and at most how much (raw); the sender must have approved it.
    pub takes: Option<Address>,
}

/// The amount by which Aave means "everything".
const ALL: U256 = U256::MAX;
/// Debt at a variable rate.
const VARIABLE: u64 = 2;

impl Intent {
    /// The transaction by which somebody does this to an account of a book.
    ///
    /// # Errors
    /// When the origin does not say where the market is, or the venue has no transaction that says it.
    pub fn of(origin: &Origin, book: &Book, account: usize, action: &Action) -> Result<Intent, ChainError> {
        let listed = &book.accounts[account];
        let market = &book.markets[listed.market];
        let place = origin.markets.get(&market.name).ok_or_else(|| {
            ChainError::NoOrigin(market.name.clone(), "the origin does not say where this market is".into())
        })?;
        let user: Address = listed.name.parse()?;
        let (call, takes) = match place {
            Place::AaveV3 { pool, reserves, .. } => {
                let token = |instrument: InstrumentId| {
                    let reserve = reserves.get(instrument.index() / 3).map(|reserve| reserve.token);
                    reserve.ok_or_else(|| unsayable(action))
                };
                aave_v3(*pool, user, &token, action)?
            }
            Place::MorphoBlue { morpho, parameters, .. } => {
                let words = Value::Tuple(parameters.iter().map(|word| Value::Word(*word)).collect());
                let token = |place: usize| Address::of_word(&parameters[place]).unwrap_or_default();
                let owed = listed.account.quantity(BORROW).to_u256().unwrap_or(U256::ZERO);
                morpho_blue(*morpho, user, words, [token(0), token(1)], owed, action)?
            }
        };
        let what = format!("{} for {} at {}", name(action), listed.name, market.name);
        Ok(Intent { chain: origin.block.chain, call, what, takes: Some(takes) })
    }

    /// Asks the node whether it would go through in a block of this time (s), sent from an account; what it would give. A plan
    /// is exact to the unit, and so it is true of one time: what is largest then may be too large before.
    ///
    /// # Errors
    /// [`ChainError::WouldFail`] with the contract's own words when it would not.
    pub fn simulated(&self, reader: &Reader<'_>, from: Address, time: u64) -> Result<Vec<u8>, ChainError> {
        let chain = reader.block().chain;
        if chain != self.chain {
            return Err(ChainError::WrongChain("the endpoint".into(), chain, self.chain));
        }
        let said = reader.simulate(from, &self.call, time)?;
        said.map_err(|why| ChainError::WouldFail(self.what.clone(), why))
    }

    /// The transaction as wallets take it.
    #[must_use]
    pub fn json(&self) -> Json {
        json!({
            "chainId": crate::abi::quantity(self.chain),
            "to": self.call.to.to_string(),
            "data": hex(&self.call.data),
            "value": "0x0",
        })
    }
}

fn name(action: &Action) -> &'static str {
    match action {
        Action::Deposit { .. } => "a deposit",
        Action::Repay { .. } => "a repayment",
        Action::Liquidate(_) => "a liquidation",
        _ => "an action",
    }
}

fn unsayable(action: &Action) -> ChainError {
    ChainError::Unsayable(format!("{} in this form", name(action)))
}

fn aave_v3(
    pool: Address,
    user: Address,
    token: &dyn Fn(InstrumentId) -> Result<Address, ChainError>,
    action: &Action,
) -> Result<(Call, Address), ChainError> {
    let call = |function| Call::new(pool, function);
    let exactly = |amount: &Amount| match amount {
        Amount::All => Ok(ALL),
        Amount::Assets(raw) => Ok(*raw),
        Amount::Shares(_) => Err(unsayable(action)),
    };
    match action {
        Action::Deposit { into, amount: Amount::Assets(raw) } => {
            let asset = token(*into)?;
            let call = call("supply(address,uint256,address,uint16)").address(asset).number(*raw);
            Ok((call.address(user).number(0u64), asset))
        }
        Action::Repay { debt, amount } => {
            let asset = token(*debt)?;
            let call = call("repay(address,uint256,uint256,address)").address(asset);
            Ok((call.number(exactly(amount)?).number(VARIABLE).address(user), asset))
        }
        Action::Liquidate(Mechanism::Discount { repay, seize, lot: Lot::Repay(amount), receive }) => {
            let (collateral, debt) = (token(*seize)?, token(*repay)?);
            let receipts = u64::from(*receive == Receive::Receipt);
            let call = call("liquidationCall(address,address,address,uint256,bool)");
            let call = call.address(collateral).address(debt).address(user).number(exactly(amount)?);
            Ok((call.number(receipts), debt))
        }
        _ => Err(unsayable(action)),
    }
}

fn morpho_blue(
    morpho: Address,
    user: Address,
    market: Value,
    [loan, collateral]: [Address; 2],
    owed: U256,
    action: &Action,
) -> Result<(Call, Address), ChainError> {
    let call = |function, values: Vec<Value>| Call::new(morpho, function).values(&values);
    let nothing = || Value::from(U256::ZERO);
    match action {
        Action::Deposit { into, amount: Amount::Assets(raw) } if *into == COLLATERAL => {
            const POST: &str =
                "supplyCollateral((address,address,address,address,uint256),uint256,address,bytes)";
            Ok((call(POST, vec![market, (*raw).into(), user.into(), "".into()]), collateral))
        }
        Action::Deposit { into, amount: Amount::Assets(raw) } if *into == SUPPLY => {
            const LEND: &str =
                "supply((address,address,address,address,uint256),uint256,uint256,address,bytes)";
            Ok((call(LEND, vec![market, (*raw).into(), nothing(), user.into(), "".into()]), loan))
        }
        Action::Repay { amount, .. } => {
            const REPAY: &str =
                "repay((address,address,address,address,uint256),uint256,uint256,address,bytes)";
            let (assets, shares) = match amount {
                Amount::Assets(raw) => ((*raw).into(), nothing()),
                Amount::Shares(shares) => (nothing(), (*shares).into()),
                Amount::All => (nothing(), owed.into()),
            };
            Ok((call(REPAY, vec![market, assets, shares, user.into(), "".into()]), loan))
        }
        Action::Liquidate(Mechanism::Discount { lot, receive: Receive::Asset, .. }) => {
            const TAKE: &str =
                "liquidate((address,address,address,address,uint256),address,uint256,uint256,bytes)";
            let (seized, shares) = match lot {
                Lot::Seize(raw) => ((*raw).into(), nothing()),
                Lot::Repay(Amount::Shares(shares)) => (nothing(), (*shares).into()),
                Lot::Repay(Amount::All) => (nothing(), owed.into()),
                Lot::Repay(Amount::Assets(_)) => return Err(unsayable(action)),
            };
            Ok((call(TAKE, vec![market, user.into(), seized, shares, "".into()]), loan))
        }
        _ => Err(unsayable(action)),
    }
}
