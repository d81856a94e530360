//! A pool of Aave v3, as its own view functions tell it.
//!
//! Only what a release's rules know is read: 3.0, whose e-modes are in the reserves' configurations and whose rates are in its
//! strategies' own functions. A later pool is told by its revision and refused by name.
//!
//! Whoever ever received a receipt or a debt token may have an account: tokens emit `Transfer` when they are minted, moved
//! and, for interest, minted again. A transfer of a debt is one from nobody.

use crate::abi::{Address, Call, Word, keccak, number_of};
use crate::error::ChainError;
use crate::fetch::Deployment;
use crate::files::{Feed, Part, Row};
use crate::logs::{Filter, Log};
use crate::reader::{Given, Reader, answer};
use crate::tokens::{self, Token};
use plimsoll_core::{Divisor, Rounding, U256};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const TRANSFER: &str = "Transfer(address,address,uint256)";

/// A base unit of the oracle: 8 digits.
const BASE_UNIT: u64 = 100_000_000;
/// One basis point in ray.
const BPS_RAY: Divisor = Divisor::of(U256::new(100_000_000_000_000_000_000_000));
/// The revisions that pools of 3.0.x give themselves.
const REVISIONS_3_0: [u64; 3] = [1, 2, 3];

struct Reserve {
    token: Token,
    /// The words of `getReserveData`.
    data: Vec<Word>,
    receipt: Address,
    debt: Address,
    strategy: Address,
}

/// A pool with what was read of it.
pub(crate) struct Pool {
    at: Address,
    provider: Address,
    oracle: Address,
    reserves: Vec<Reserve>,
    market: Json,
    feeds: Vec<Feed>,
    notes: Vec<String>,
    /// The pool's own totals: receipts and debts of each reserve.
    totals: Vec<U256>,
    sums: Vec<Option<U256>>,
    rows: Vec<Row>,
}

const NAME: &str = "aave-v3";

impl Pool {
    /// Reads parameters, state, wiring and prices.
    pub(crate) fn read(reader: &Reader<'_>, at: Address) -> Result<Pool, ChainError> {
        let calls = ["ADDRESSES_PROVIDER()", "POOL_REVISION()", "getReservesList()"];
        let calls = calls.map(|function| Call::new(at, function));
        let given = reader.read(&calls)?;
        let provider = answer(&calls[0], &given[0])?.address(0)?;
        let revision = answer(&calls[1], &given[1])?.small(0)?;
        let listed = answer(&calls[2], &given[2])?.addresses(0)?;
        if !REVISIONS_3_0.contains(&revision) {
            let what = format!("pool revision {revision}: only pools of 3.0 are read from a chain");
            return Err(ChainError::NotModelled(at.to_string(), what));
        }
        // A revision is a pool's own word; what every release from 3.1 on answers is not.
        let later = Call::new(at, "getVirtualUnderlyingBalance(address)");
        let later = later.address(listed.first().copied().unwrap_or_default());
        let given = reader.read(std::slice::from_ref(&later))?;
        if given[0].as_ref().is_ok_and(|answer| !answer.is_empty()) {
            let what = "a virtual balance: only pools of 3.0 are read from a chain".into();
            return Err(ChainError::NotModelled(at.to_string(), what));
        }
        let calls = ["getPriceOracle()", "getPriceOracleSentinel()"].map(|call| Call::new(provider, call));
        let given = reader.read(&calls)?;
        let oracle = answer(&calls[0], &given[0])?.address(0)?;
        let sentinel = answer(&calls[1], &given[1])?.address(0)?;
        let mut notes = Vec::new();
        if sentinel != Address::ZERO {
            notes.push(format!(
                "{NAME}: a price sentinel at {sentinel} may stop borrowing and liquidations; no rule here knows it"
            ));
        }
        let reserves = reserves(reader, at, &listed)?;
        let mut pool = Pool {
            at,
            provider,
            oracle,
            totals: Vec::new(),
            sums: vec![Some(U256::ZERO); 2 * reserves.len()],
            reserves,
            market: Json::Null,
            feeds: Vec::new(),
            notes,
            rows: Vec::new(),
        };
        let currency = pool.currency(reader)?;
        let modes = pool.modes(reader)?;
        let (states, totals) = pool.states(reader)?;
        pool.totals = totals;
        let (reserve_feeds, mode_feeds) = pool.prices(reader, &currency, &modes)?;
        pool.market = pool.file(&currency, &states, &modes, &reserve_feeds, &mode_feeds);
        pool.feeds = reserve_feeds.into_iter().chain(mode_feeds.into_values()).collect();
        Ok(pool)
    }

    /// What the oracle counts in.
    fn currency(&self, reader: &Reader<'_>) -> Result<String, ChainError> {
        let calls = ["BASE_CURRENCY_UNIT()", "BASE_CURRENCY()"].map(|call| Call::new(self.oracle, call));
        let given = reader.read(&calls)?;
        let unit = answer(&calls[0], &given[0])?.number(0)?;
        if unit != U256::from(BASE_UNIT) {
            let what = format!("prices in units of 1/{unit}");
            return Err(ChainError::NotModelled(self.oracle.to_string(), what));
        }
        let base = answer(&calls[1], &given[1])?.address(0)?;
        if base == Address::ZERO {
            return Ok("USD".into());
        }
        Ok(tokens::read(reader, &[base])?.pop().map_or_else(|| base.to_string(), |token| token.symbol))
    }

    /// Categories that are in use: id, words, label.
    fn modes(&self, reader: &Reader<'_>) -> Result<Vec<Mode>, ChainError> {
        let call = |id: u64| Call::new(self.at, "getEModeCategoryData(uint8)").number(id);
        let calls: Vec<Call> = (1..=255).map(call).collect();
        let given = reader.read(&calls)?;
        let mut modes = Vec::new();
        for (id, (call, given)) in (1..=255).zip(calls.iter().zip(&given)) {
            // One tuple of which a member has no fixed length: its words begin after the offset.
            let data = answer(call, given)?;
            let words = [1, 2, 3].map(|place| data.small(place));
            let [ltv, threshold, bonus] = words;
            let (ltv, threshold, bonus) = (ltv?, threshold?, bonus?);
            if threshold == 0 {
                continue;
            }
            let source = data.address(4)?;
            let label = match given {
                Ok(bytes) => {
                    let tuple = bytes.get(32..).unwrap_or_default().to_vec();
                    let tuple = Ok(tuple);
                    answer(call, &tuple)?.text(4)?
                }
                Err(_) => String::new(),
            };
            modes.push(Mode { id, ltv, threshold, bonus, source, label: tokens::name(&label) });
        }
        Ok(modes)
    }

    /// The state of each reserve as files have it, and the totals.
    fn states(&self, reader: &Reader<'_>) -> Result<(Vec<Json>, Vec<U256>), ChainError> {
        let mut calls = Vec::new();
        for reserve in &self.reserves {
            let stable = Address::of_word(&reserve.data[STABLE_DEBT]).unwrap_or_default();
            calls.push(Call::new(reserve.receipt, "scaledTotalSupply()"));
            calls.push(Call::new(reserve.debt, "scaledTotalSupply()"));
            calls.push(Call::new(reserve.token.at, "balanceOf(address)").address(reserve.receipt));
            calls.push(Call::new(stable, "totalSupply()"));
            for function in [
                "OPTIMAL_USAGE_RATIO()",
                "getBaseVariableBorrowRate()",
                "getVariableRateSlope1()",
                "getVariableRateSlope2()",
            ] {
                calls.push(Call::new(reserve.strategy, function));
            }
        }
        let given = reader.read(&calls)?;
        let (mut states, mut totals) = (Vec::new(), Vec::new());
        for (reserve, (calls, given)) in self.reserves.iter().zip(calls.chunks(8).zip(given.chunks(8))) {
            let number = |place: usize| answer(&calls[place], &given[place])?.number(0);
            let of = || format!("{} of the pool {}", reserve.token.symbol, self.at);
            let stable = number(3)?;
            if stable != U256::ZERO {
                return Err(ChainError::NotModelled(of(), format!("{stable} of debt at a stable rate")));
            }
            let data = |place: usize| number_of(&reserve.data[place]);
            if data(UNBACKED) != U256::ZERO {
                return Err(ChainError::NotModelled(
                    of(),
                    format!("{} of unbacked receipts", data(UNBACKED)),
                ));
            }
            let mut rates = Map::new();
            for (place, name) in (4..8).zip(["optimal", "base", "slope1", "slope2"]) {
                let rate = number(place)?;
                let bps = rate.div(BPS_RAY, Rounding::Down).unwrap_or(U256::ZERO);
                if bps.mul(BPS_RAY.value()) != Some(rate) {
                    let what = format!("a rate curve whose {name} is {rate}, not whole basis points");
                    return Err(ChainError::NotModelled(of(), what));
                }
                rates.insert(name.into(), text(bps));
            }
            let (supply, debt) = (number(0)?, number(1)?);
            states.push(json!({
                "rates": rates,
                "state": {
                    "liquidity_index": text(data(1)),
                    "liquidity_rate": text(data(2)),
                    "variable_borrow_index": text(data(3)),
                    "variable_borrow_rate": text(data(4)),
                    "last_update": text(data(6)),
                    "accrued_to_treasury": text(data(12)),
                    "isolation_debt": text(data(14)),
                    "scaled_supply": text(supply),
                    "scaled_debt": text(debt),
                    "cash": text(number(2)?),
                },
            }));
            totals.extend([supply, debt]);
        }
        Ok((states, totals))
    }

    /// The prices of reserves, in their order, and of categories that have a source of their own.
    fn prices(
        &self,
        reader: &Reader<'_>,
        currency: &str,
        modes: &[Mode],
    ) -> Result<(Vec<Feed>, BTreeMap<u64, Feed>), ChainError> {
        let own: Vec<&Mode> = modes.iter().filter(|mode| mode.source != Address::ZERO).collect();
        let priced = self.reserves.iter().map(|reserve| reserve.token.at);
        let priced: Vec<Address> = priced.chain(own.iter().map(|mode| mode.source)).collect();
        let ask = |at: &Address| {
            let call = |function| Call::new(self.oracle, function).address(*at);
            [call("getAssetPrice(address)"), call("getSourceOfAsset(address)")]
        };
        let calls: Vec<Call> = priced.iter().flat_map(ask).collect();
        let given = reader.read(&calls)?;
        let mut found = Vec::new();
        for (calls, given) in calls.chunks(2).zip(given.chunks(2)) {
            // An oracle that reverts has no price: nobody can be judged by it, and nobody is.
            let price =
                given[0].as_ref().ok().map(|_| answer(&calls[0], &given[0])?.number(0)).transpose()?;
            found.push((price, answer(&calls[1], &given[1])?.address(0)?));
        }
        let sources: Vec<Address> =
            found.iter().map(|(_, at)| if *at == Address::ZERO { self.oracle } else { *at }).collect();
        let observed = observed(reader, &sources)?;
        let feed = |place: usize, name: String, unit: String| Feed {
            name,
            price: found[place].0,
            decimals: 8,
            unit,
            source: sources[place],
            observed_at: observed[place],
        };
        let reserves = self.reserves.iter().enumerate().map(|(place, reserve)| {
            let symbol = &reserve.token.symbol;
            feed(place, format!("{NAME} {symbol}/{currency}"), format!("{currency}/{symbol}"))
        });
        let reserves: Vec<Feed> = reserves.collect();
        let modes = own.iter().enumerate().filter_map(|(place, mode)| {
            let place = reserves.len() + place;
            // What the pool reads of a source without a price is nothing, and then it takes the assets' own.
            found[place].0.filter(|price| *price != U256::ZERO)?;
            Some((mode.id, feed(place, format!("{NAME} e-mode {}/{currency}", mode.id), currency.into())))
        });
        let modes = modes.collect();
        Ok((reserves, modes))
    }

    fn file(
        &self,
        currency: &str,
        states: &[Json],
        modes: &[Mode],
        feeds: &[Feed],
        mode_feeds: &BTreeMap<u64, Feed>,
    ) -> Json {
        let reserve = |((reserve, state), feed): ((&Reserve, &Json), &Feed)| {
            json!({
                "asset": reserve.token.symbol,
                "feed": feed.name,
                "configuration": text(number_of(&reserve.data[0])),
                "rates": state["rates"],
                "state": state["state"],
            })
        };
        let reserves: Vec<Json> = self.reserves.iter().zip(states).zip(feeds).map(reserve).collect();
        let mode = |mode: &Mode| {
            let mut file = json!({
                "id": mode.id,
                "label": mode.label,
                "ltv": mode.ltv,
                "liquidation_threshold": mode.threshold,
                "liquidation_bonus": mode.bonus,
            });
            if let Some(feed) = mode_feeds.get(&mode.id) {
                file["feed"] = json!(feed.name);
            }
            file
        };
        let modes: Vec<Json> = modes.iter().map(mode).collect();
        let mut file =
            json!({"venue": "aave_v3", "revision": "3.0", "currency": currency, "reserves": reserves});
        if !modes.is_empty() {
            file["emodes"] = modes.into();
        }
        file
    }

    fn token(&self, part: u16) -> Option<(usize, Address)> {
        let reserve = usize::from(part / 2);
        let found = self.reserves.get(reserve)?;
        Some((reserve, if part.is_multiple_of(2) { found.receipt } else { found.debt }))
    }
}

struct Mode {
    id: u64,
    ltv: u64,
    threshold: u64,
    bonus: u64,
    source: Address,
    label: String,
}

const STABLE_DEBT: usize = 9;
const UNBACKED: usize = 13;

fn text(number: U256) -> Json {
    Json::String(number.to_string())
}

fn reserves(reader: &Reader<'_>, pool: Address, listed: &[Address]) -> Result<Vec<Reserve>, ChainError> {
    let tokens = tokens::read(reader, listed)?;
    let call = |at: &Address| Call::new(pool, "getReserveData(address)").address(*at);
    let calls: Vec<Call> = listed.iter().map(call).collect();
    let given = reader.read(&calls)?;
    let mut reserves = Vec::new();
    for (place, (token, (call, given))) in tokens.into_iter().zip(calls.iter().zip(&given)).enumerate() {
        let data = answer(call, given)?;
        let words = (0..15).map(|place| data.word(place)).collect::<Result<Vec<Word>, _>>()?;
        if data.small(7)? != place as u64 {
            let what = "a dropped reserve: ids of reserves that do not follow one another".into();
            return Err(ChainError::NotModelled(pool.to_string(), what));
        }
        let (receipt, debt, strategy) = (data.address(8)?, data.address(10)?, data.address(11)?);
        reserves.push(Reserve { token, data: words, receipt, debt, strategy });
    }
    Ok(reserves)
}

/// When each source last observed its price: what it says itself, where that can be, and otherwise the block's time, at which the
/// venue reads it.
pub(crate) fn observed(reader: &Reader<'_>, sources: &[Address]) -> Result<Vec<u64>, ChainError> {
    let ask = |at: &Address| ["latestRoundData()", "latestTimestamp()"].map(|call| Call::new(*at, call));
    let calls: Vec<Call> = sources.iter().flat_map(ask).collect();
    let given = reader.read(&calls)?;
    let now = reader.block().time;
    let said = |(calls, given): (&[Call], &[Given])| {
        let round = answer(&calls[0], &given[0]).and_then(|round| round.small(3));
        let said = round.or_else(|_| answer(&calls[1], &given[1]).and_then(|time| time.small(0)));
        said.ok().filter(|time| (1..=now).contains(time)).unwrap_or(now)
    };
    Ok(calls.chunks(2).zip(given.chunks(2)).map(said).collect())
}

impl Deployment for Pool {
    fn name(&self) -> String {
        format!("Aave v3 at {}", self.at)
    }

    fn contract(&self) -> Address {
        self.at
    }

    fn filters(&self) -> Vec<Filter> {
        let addresses = self.reserves.iter().flat_map(|reserve| [reserve.receipt, reserve.debt]).collect();
        vec![Filter { addresses, topics: [vec![keccak(TRANSFER.as_bytes())], Vec::new()] }]
    }

    fn heard(&self, log: &Log) -> Result<Option<(Address, Option<u16>)>, ChainError> {
        let place = self.reserves.iter().enumerate().find_map(|(place, reserve)| {
            let part = 2 * place as u16;
            if reserve.receipt == log.address {
                Some(part)
            } else {
                (reserve.debt == log.address).then_some(part + 1)
            }
        });
        let to = log.topics.get(2).and_then(Address::of_word);
        Ok(to.zip(place).map(|(to, part)| (to, Some(part))))
    }

    fn parts(&self) -> u16 {
        2 * self.reserves.len() as u16
    }

    fn calls(&self, owner: Address, parts: &BTreeSet<u16>) -> Vec<Call> {
        let mut calls = vec![
            Call::new(self.at, "getUserConfiguration(address)").address(owner),
            Call::new(self.at, "getUserEMode(address)").address(owner),
        ];
        let tokens = parts.iter().filter_map(|part| self.token(*part));
        calls.extend(tokens.map(|(_, token)| Call::new(token, "scaledBalanceOf(address)").address(owner)));
        calls
    }

    fn take(
        &mut self,
        owner: Address,
        parts: &BTreeSet<u16>,
        calls: &[Call],
        given: &[Given],
    ) -> Result<(), ChainError> {
        let bits = answer(&calls[0], &given[0])?.number(0)?;
        let mode = answer(&calls[1], &given[1])?.small(0)?;
        let mode = if mode == 0 { String::new() } else { format!("emode={mode}") };
        for ((part, call), given) in parts.iter().zip(&calls[2..]).zip(&given[2..]) {
            let Some((reserve, _)) = self.token(*part) else { continue };
            let quantity = answer(call, given)?.number(0)?;
            let sum = &mut self.sums[usize::from(*part)];
            *sum = sum.and_then(|sum| sum.add(quantity));
            let is_debt = part % 2 == 1;
            let flag = bits.bit(2 * reserve + usize::from(!is_debt));
            // A flag without a balance is there all the same: some releases leave it, and it counts.
            if quantity == U256::ZERO && !flag {
                continue;
            }
            self.rows.push(Row {
                account: owner,
                kind: if is_debt { "debt" } else { "supply" },
                asset: self.reserves[reserve].token.symbol.clone(),
                quantity,
                unit: "scaled",
                as_collateral: (!is_debt).then_some(flag),
                mode: mode.clone(),
            });
        }
        Ok(())
    }

    fn finish(self: Box<Self>, whole: bool) -> Result<Vec<Part>, ChainError> {
        if whole {
            for (part, (sum, total)) in self.sums.iter().zip(&self.totals).enumerate() {
                if *sum != Some(*total) {
                    let what = if part % 2 == 0 { "receipts" } else { "debt" };
                    let asset = format!("{} {what}", self.reserves[part / 2].token.symbol);
                    let sum = sum.map_or_else(|| "too much".into(), |sum| sum.to_string());
                    return Err(ChainError::Incomplete(NAME.into(), asset, sum, total.to_string()));
                }
            }
        }
        let place = |reserve: &Reserve| {
            json!({
                "asset": reserve.token.symbol,
                "token": reserve.token.at.to_string(),
                "receipt": reserve.receipt.to_string(),
                "debt": reserve.debt.to_string(),
            })
        };
        let origin = json!({
            "venue": "aave_v3",
            "pool": self.at.to_string(),
            "provider": self.provider.to_string(),
            "oracle": self.oracle.to_string(),
            "reserves": self.reserves.iter().map(place).collect::<Vec<_>>(),
        });
        let Pool { market, feeds, rows, notes, .. } = *self;
        Ok(vec![Part { name: NAME.into(), market, feeds, origin, rows, notes }])
    }
}
