//! Morpho Blue: one contract, many markets.
//!
//! Whoever supplied, posted collateral or borrowed is named in a log; so is whoever was to receive the fee, whose shares come
//! without a log of his own.

use crate::aave_v3::observed;
use crate::abi::{Address, Call, Word, hex, keccak, number_of};
use crate::error::ChainError;
use crate::fetch::Deployment;
use crate::files::{Feed, Part, Row};
use crate::logs::{Filter, Log, Walk};
use crate::reader::{Given, Reader, answer};
use crate::rpc::Client;
use crate::tokens::{self, Token};
use plimsoll_core::{Divisor, Rounding, U256, WAD, YEAR};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

const CREATE: &str = "CreateMarket(bytes32,(address,address,address,address,uint256))";
const SUPPLY: &str = "Supply(bytes32,address,address,uint256,uint256)";
const SUPPLY_COLLATERAL: &str = "SupplyCollateral(bytes32,address,address,uint256)";
const BORROW: &str = "Borrow(bytes32,address,address,address,uint256,uint256)";
const FEE_RECIPIENT: &str = "SetFeeRecipient(address)";

/// What a rate model is asked: parameters and state of a market, eleven words.
pub(crate) const RATE: &str = "borrowRateView((address,address,address,address,uint256),(uint128,uint128,uint128,uint128,uint128,uint128))";

/// The ids of all markets that were ever made.
pub(crate) fn all(client: &Client, at: Address, first: u64, last: u64) -> Result<Vec<Word>, ChainError> {
    let filter = Filter { addresses: vec![at], topics: [vec![keccak(CREATE.as_bytes())], Vec::new()] };
    let mut walk = Walk::new(client, filter, first, last);
    let mut ids = Vec::new();
    while let Some(stretch) = walk.step()? {
        ids.extend(stretch.logs.iter().filter_map(|log| log.topics.get(1).copied()));
    }
    Ok(ids)
}

struct Market {
    id: Word,
    /// Loan token, collateral token, oracle, rate model, lltv.
    parameters: [Word; 5],
    name: String,
    loan: Token,
    collateral: Token,
    /// As `market` gives it.
    state: [U256; 6],
    file: Json,
    feed: Option<Feed>,
    /// What the fee's recipient has of it (shares).
    recipient_shares: U256,
    sums: [Option<U256>; 2],
    rows: Vec<Row>,
}

/// Markets of Morpho Blue with what was read of them.
pub(crate) struct Morpho {
    at: Address,
    recipient: Address,
    markets: Vec<Market>,
    places: BTreeMap<Word, u16>,
    /// Whose accounts will stand in the book; everybody's where there are none.
    owners: Vec<Address>,
    /// Which markets were left out, and why.
    notes: Vec<String>,
}

impl Morpho {
    /// Reads markets. Anybody can make one, of tokens and with a rate model that no rule here knows: one that was asked for is
    /// refused then, and of `all` of them it is left out and told.
    pub(crate) fn read(
        reader: &Reader<'_>,
        at: Address,
        (ids, all): (&[Word], bool),
        owners: &[Address],
    ) -> Result<Morpho, ChainError> {
        let recipient = Call::new(at, "feeRecipient()");
        let given = reader.read(std::slice::from_ref(&recipient))?;
        let recipient = answer(&recipient, &given[0])?.address(0)?;
        let ask = |id: &Word| {
            let call = |function| Call::new(at, function).word(*id);
            [call("idToMarketParams(bytes32)"), call("market(bytes32)"), call(POSITION).address(recipient)]
        };
        let calls: Vec<Call> = ids.iter().flat_map(ask).collect();
        let given = reader.read(&calls)?;
        let mut read = Vec::new();
        for (id, (calls, given)) in ids.iter().zip(calls.chunks(3).zip(given.chunks(3))) {
            let words = answer(&calls[0], &given[0])?;
            let mut parameters = [[0; 32]; 5];
            for (place, word) in parameters.iter_mut().enumerate() {
                *word = words.word(place)?;
            }
            let numbers = answer(&calls[1], &given[1])?;
            let mut state = [U256::ZERO; 6];
            for (place, number) in state.iter_mut().enumerate() {
                *number = numbers.number(place)?;
            }
            if state[4] == U256::ZERO {
                let found = format!("no market of the id {}", hex(id));
                return Err(ChainError::NotTheVenue(at.to_string(), "market(bytes32)".into(), found));
            }
            read.push((*id, parameters, state, answer(&calls[2], &given[2])?.number(0)?));
        }
        let (mut markets, mut notes) = (Vec::new(), Vec::new());
        for (id, parameters, state, recipient_shares) in read {
            let address = |place: usize| Address::of_word(&parameters[place]).unwrap_or_default();
            let tokens = match tokens::read(reader, &[address(0), address(1)]) {
                Err(why @ (ChainError::NotTheVenue(..) | ChainError::NotModelled(..))) if all => {
                    notes.push(format!("the market {} of Morpho Blue is left out: {why}", hex(&id)));
                    continue;
                }
                tokens => tokens?,
            };
            let [loan, collateral]: [Token; 2] = tokens.try_into().map_err(|_| {
                ChainError::NotTheVenue(at.to_string(), "idToMarketParams".into(), "no tokens".into())
            })?;
            let name = format!("morpho-{}-{}-{}", collateral.symbol, loan.symbol, &hex(&id)[2..10]);
            let (file, feed) = (Json::Null, None);
            let (sums, rows) = ([Some(U256::ZERO); 2], Vec::new());
            markets.push(Market {
                id,
                parameters,
                name,
                loan,
                collateral,
                state,
                file,
                feed,
                recipient_shares,
                sums,
                rows,
            });
        }
        let (places, owners) = (BTreeMap::new(), owners.to_vec());
        let mut morpho = Morpho { at, recipient, markets, places, owners, notes };
        morpho.prices(reader)?;
        for why in morpho.models(reader)? {
            if !all {
                return Err(why);
            }
            morpho.notes.push(format!("a market of Morpho Blue is left out: {why}"));
        }
        morpho.places = morpho.markets.iter().zip(0..).map(|(market, place)| (market.id, place)).collect();
        Ok(morpho)
    }

    fn prices(&mut self, reader: &Reader<'_>) -> Result<(), ChainError> {
        let oracle = |market: &Market| Address::of_word(&market.parameters[2]).unwrap_or_default();
        let sources: Vec<Address> = self.markets.iter().map(oracle).collect();
        let calls: Vec<Call> = sources.iter().map(|at| Call::new(*at, "price()")).collect();
        let given = reader.read(&calls)?;
        let observed = observed(reader, &sources)?;
        for (place, market) in self.markets.iter_mut().enumerate() {
            if sources[place] == Address::ZERO {
                continue;
            }
            let price = given[place].as_ref().ok();
            let price = price.map(|_| answer(&calls[place], &given[place])?.number(0)).transpose()?;
            let (loan, collateral) = (&market.loan, &market.collateral);
            market.feed = Some(Feed {
                name: format!("{} price", market.name),
                price,
                decimals: 36 + usize::from(loan.decimals) - usize::from(collateral.decimals).min(36),
                unit: format!("{}/{}", loan.symbol, collateral.symbol),
                source: sources[place],
                observed_at: observed[place],
            });
        }
        Ok(())
    }

    /// Which rate model each market has. It is known by what it answers: the adaptive one by the rate that it keeps, Morpho's own
    /// test model by its rate being the utilisation's. Gives why others are no markets of ours.
    fn models(&mut self, reader: &Reader<'_>) -> Result<Vec<ChainError>, ChainError> {
        let ask = |market: &Market| {
            let model = Address::of_word(&market.parameters[3]).unwrap_or_default();
            let kept = Call::new(model, "rateAtTarget(bytes32)").word(market.id);
            [kept, rate(model, &market.parameters, &market.state)]
        };
        let calls: Vec<Call> = self.markets.iter().flat_map(ask).collect();
        let given = reader.read(&calls)?;
        let mut unknown = Vec::new();
        for (market, (calls, given)) in self.markets.iter_mut().zip(calls.chunks(2).zip(given.chunks(2))) {
            let none = market.parameters[3] == [0; 32];
            let kept = answer(&calls[0], &given[0]).and_then(|kept| kept.number(0)).ok();
            let asked = answer(&calls[1], &given[1]).and_then(|rate| rate.number(0)).ok();
            let (irm, rate_at_target) = match (none, kept, asked) {
                (true, ..) => ("none", U256::ZERO),
                (false, Some(kept), Some(_)) => ("adaptive_curve", kept),
                (false, None, Some(asked)) if utilisation(&market.state) == Some(asked) => {
                    ("utilisation", U256::ZERO)
                }
                _ => {
                    let model = Address::of_word(&market.parameters[3]).unwrap_or_default();
                    unknown.push(ChainError::NotModelled(
                        market.name.clone(),
                        format!("the rate model {model}"),
                    ));
                    continue;
                }
            };
            let [supply, supply_shares, borrow, borrow_shares, updated, fee] = market.state;
            let mut file = json!({
                "venue": "morpho_blue",
                "revision": "1.0",
                "loan": {"asset": market.loan.symbol, "decimals": market.loan.decimals},
                "collateral": {"asset": market.collateral.symbol, "decimals": market.collateral.decimals},
                "lltv": number_of(&market.parameters[4]).to_string(),
                "irm": irm,
                "fee": fee.to_string(),
                "state": {
                    "total_supply_assets": supply.to_string(),
                    "total_supply_shares": supply_shares.to_string(),
                    "total_borrow_assets": borrow.to_string(),
                    "total_borrow_shares": borrow_shares.to_string(),
                    "last_update": updated.to_string(),
                    "rate_at_target": rate_at_target.to_string(),
                },
            });
            if let Some(feed) = &market.feed {
                file["feed"] = json!(feed.name);
            }
            market.file = file;
        }
        self.markets.retain(|market| !market.file.is_null());
        Ok(unknown)
    }
}

pub(crate) const POSITION: &str = "position(bytes32,address)";

/// A rate model asked about a market.
pub(crate) fn rate(model: Address, parameters: &[Word; 5], state: &[U256; 6]) -> Call {
    let call = parameters.iter().fold(Call::new(model, RATE), |call, word| call.word(*word));
    state.iter().fold(call, |call, number| call.number(*number))
}

/// The rate of Morpho's own test model (`IrmMock.sol`): what is borrowed of what is supplied, a year.
fn utilisation(state: &[U256; 6]) -> Option<U256> {
    let [supply, _, borrow, ..] = *state;
    if supply == U256::ZERO {
        return Some(U256::ZERO);
    }
    let year: Divisor = YEAR;
    borrow.mul_div(WAD.value(), supply, Rounding::Down)?.div(year, Rounding::Down)
}

impl Deployment for Morpho {
    fn name(&self) -> String {
        format!("Morpho Blue at {}", self.at)
    }

    fn contract(&self) -> Address {
        self.at
    }

    fn filters(&self) -> Vec<Filter> {
        let events = [SUPPLY, SUPPLY_COLLATERAL, BORROW].map(|event| keccak(event.as_bytes()));
        let ids = self.markets.iter().map(|market| market.id).collect();
        let recipients = vec![keccak(FEE_RECIPIENT.as_bytes())];
        vec![
            Filter { addresses: vec![self.at], topics: [events.to_vec(), ids] },
            Filter { addresses: vec![self.at], topics: [recipients, Vec::new()] },
        ]
    }

    fn heard(&self, log: &Log) -> Result<Option<(Address, Option<u16>)>, ChainError> {
        let topic = |place: usize| log.topics.get(place).copied();
        let event = topic(0).unwrap_or_default();
        let owner = |place: usize| topic(place).as_ref().and_then(Address::of_word);
        if event == keccak(FEE_RECIPIENT.as_bytes()) {
            return Ok(owner(1).map(|owner| (owner, None)));
        }
        let part = topic(1).and_then(|id| self.places.get(&id).copied());
        let owner = if event == keccak(BORROW.as_bytes()) { owner(2) } else { owner(3) };
        Ok(owner.zip(part).map(|(owner, part)| (owner, Some(part))))
    }

    fn parts(&self) -> u16 {
        self.markets.len() as u16
    }

    fn calls(&self, owner: Address, parts: &BTreeSet<u16>) -> Vec<Call> {
        let markets = parts.iter().filter_map(|part| self.markets.get(usize::from(*part)));
        markets.map(|market| Call::new(self.at, POSITION).word(market.id).address(owner)).collect()
    }

    fn take(
        &mut self,
        owner: Address,
        parts: &BTreeSet<u16>,
        calls: &[Call],
        given: &[Given],
    ) -> Result<(), ChainError> {
        for ((part, call), given) in parts.iter().zip(calls).zip(given) {
            let Some(market) = self.markets.get_mut(usize::from(*part)) else { continue };
            let position = answer(call, given)?;
            let held = [position.number(0)?, position.number(1)?, position.number(2)?];
            for (sum, shares) in market.sums.iter_mut().zip(held) {
                *sum = sum.and_then(|sum| sum.add(shares));
            }
            let kinds = [
                ("supply", "shares", &market.loan),
                ("debt", "shares", &market.loan),
                ("collateral", "raw", &market.collateral),
            ];
            for ((kind, unit, token), quantity) in kinds.into_iter().zip(held) {
                if quantity != U256::ZERO {
                    let (asset, mode) = (token.symbol.clone(), String::new());
                    let row = Row { account: owner, kind, asset, quantity, unit, as_collateral: None, mode };
                    market.rows.push(row);
                }
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>, whole: bool) -> Result<Vec<Part>, ChainError> {
        let Morpho { at, recipient, markets, owners, mut notes, .. } = *self;
        let mut parts = Vec::new();
        for mut market in markets {
            let totals = [market.state[1], market.state[3]];
            for ((sum, total), what) in market.sums.iter().zip(totals).zip(["supply shares", "borrow shares"])
            {
                if whole && *sum != Some(total) {
                    let sum = sum.map_or_else(|| "too much".into(), |sum| sum.to_string());
                    return Err(ChainError::Incomplete(market.name, what.into(), sum, total.to_string()));
                }
            }
            // Who receives the fee is an account where it is in the book; else the venue's own has it.
            let listed = market.rows.iter().any(|row| row.account == recipient);
            if listed && recipient != Address::ZERO {
                market.file["fee_recipient"] = json!(recipient.to_string());
            } else if !whole && !owners.contains(&recipient) {
                market.file["state"]["treasury_shares"] = json!(market.recipient_shares.to_string());
            }
            let origin = json!({
                "venue": "morpho_blue",
                "morpho": at.to_string(),
                "id": hex(&market.id),
                "parameters": market.parameters.map(|word| hex(&word)),
            });
            let Market { name, file, feed, rows, .. } = market;
            let feeds = feed.into_iter().collect();
            parts.push(Part { name, market: file, feeds, origin, rows, notes: std::mem::take(&mut notes) });
        }
        Ok(parts)
    }
}
