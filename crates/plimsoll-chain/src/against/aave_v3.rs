//! A pool's own view functions: `getUserAccountData`, flags, scaled and whole balances of every account; indices, totals,
//! cash and price of every reserve.

use super::{Compared, Side, cells, number};
use crate::abi::{Address, Call};
use crate::error::ChainError;
use crate::origin::ReservePlace;
use crate::reader::answer;
use plimsoll_core::{Feeds, Int, Lens, ListedAccount, Quoted, Refusal, Silent, Time, U256};
use plimsoll_venues::aave_v3::{E_MODE, Revision, State, USER_CONFIG, debt, receipt};

/// So many accounts are asked about at once.
const ACCOUNTS: usize = 1000;

/// What `getUserAccountData` gives, in its order.
const FIGURES: [&str; 6] = [
    "totalCollateralBase",
    "totalDebtBase",
    "availableBorrowsBase",
    "currentLiquidationThreshold",
    "ltv",
    "healthFactor",
];

/// Words of `getReserveData` and the names of the book's numbers.
const DATA: [(usize, &str); 8] = [
    (0, "configuration"),
    (1, "liquidity_index"),
    (2, "liquidity_rate"),
    (3, "variable_borrow_index"),
    (4, "variable_borrow_rate"),
    (6, "last_update"),
    (12, "accrued_to_treasury"),
    (14, "isolation_debt"),
];

pub(super) fn compare(
    side: &Side<'_>,
    [pool, oracle]: [Address; 2],
    reserves: &[ReservePlace],
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Compared, ChainError> {
    let mut compared = side.compared();
    self::reserves(side, [pool, oracle], reserves, &mut compared)?;
    let readings = side.book.readings(&side.book.markets[side.place], side.quotes);
    let quoted = side.market().at(Feeds { readings: &readings }, Lens::View, side.book.at);
    let mut done = 0;
    for some in side.accounts.chunks(ACCOUNTS) {
        let mut calls = Vec::new();
        let mut ends = Vec::new();
        for account in some {
            calls.extend(asked(pool, account, reserves)?);
            ends.push(calls.len());
        }
        let given = side.reader.read(&calls)?;
        let mut begin = 0;
        for (account, end) in some.iter().zip(ends) {
            let answers = calls[begin..end].iter().zip(&given[begin..end]);
            let missed = compared.numbers - compared.equal;
            let seen = Seen { account, quoted: quoted.as_deref().map_err(|refusal| *refusal), reserves };
            seen.compare(answers.collect(), &mut compared)?;
            if compared.numbers - compared.equal > missed {
                compared.accounts_equal -= 1;
            }
            begin = end;
        }
        done += some.len();
        progress(side.name(), done, side.accounts.len());
    }
    Ok(compared)
}

fn address(account: &ListedAccount) -> Result<Address, ChainError> {
    account.name.parse()
}

fn asked(pool: Address, account: &ListedAccount, reserves: &[ReservePlace]) -> Result<Vec<Call>, ChainError> {
    let user = address(account)?;
    let of = |to, function| Call::new(to, function).address(user);
    let mut calls = vec![
        of(pool, "getUserAccountData(address)"),
        of(pool, "getUserConfiguration(address)"),
        of(pool, "getUserEMode(address)"),
    ];
    for reserve in reserves {
        // Of what the book says nobody has, too: it may be wrong.
        calls.push(of(reserve.receipt, "scaledBalanceOf(address)"));
        calls.push(of(reserve.debt, "scaledBalanceOf(address)"));
    }
    for holding in account.account.holdings() {
        let reserve = reserves.get(holding.instrument.index() / 3);
        let reserve =
            reserve.ok_or_else(|| ChainError::NoOrigin(account.name.clone(), "an unknown reserve".into()))?;
        let token = if holding.instrument.0 % 3 == 1 { reserve.receipt } else { reserve.debt };
        calls.push(of(token, "balanceOf(address)"));
    }
    Ok(calls)
}

struct Seen<'a> {
    account: &'a ListedAccount,
    quoted: Result<&'a (dyn Quoted + 'a), Refusal>,
    reserves: &'a [ReservePlace],
}

impl Seen<'_> {
    fn compare(
        &self,
        answers: Vec<(&Call, &crate::reader::Given)>,
        compared: &mut Compared,
    ) -> Result<(), ChainError> {
        let name = Some(self.account.name.as_str());
        let held = &self.account.account;
        let mut answers = answers.into_iter();
        let mut next = || {
            answers
                .next()
                .ok_or_else(|| ChainError::NotTheVenue(String::new(), String::new(), "nothing".into()))
        };
        let (call, given) = next()?;
        let figures = self.quoted.and_then(|quoted| quoted.figures(held));
        match (&figures, given) {
            (Err(refusal), Err(said)) => {
                let both = (refusal.to_string(), crate::abi::reason(said));
                compared.word(name, "getUserAccountData", both, true);
            }
            (Ok(_), Err(said)) => {
                let both = ("an answer".into(), crate::abi::reason(said));
                compared.word(name, "getUserAccountData", both, false);
            }
            (_, Ok(_)) => {
                let data = answer(call, given)?;
                for (place, what) in FIGURES.iter().enumerate() {
                    let ours = figures.as_ref().map_err(|refusal| *refusal).and_then(|figures| {
                        let figure = figures.iter().find(|figure| figure.name == *what);
                        let number = figure.and_then(|figure| figure.value.to_u256());
                        number.ok_or(Refusal::Overflow("a figure of the account"))
                    });
                    compared.number(name, &format!("getUserAccountData.{what}"), ours, data.number(place)?);
                }
            }
        }
        let term = |term| held.term(term).to_u256().ok_or(Refusal::Overflow("a term"));
        for (what, ours) in [("getUserConfiguration", term(USER_CONFIG)), ("getUserEMode", term(E_MODE))] {
            let (call, given) = next()?;
            compared.number(name, what, ours, answer(call, given)?.number(0)?);
        }
        let quantity = |instrument| held.quantity(instrument).to_u256().ok_or(Refusal::Overflow("a holding"));
        for place in 0..self.reserves.len() {
            for (what, instrument) in [("receipt", receipt(place)), ("debt", debt(place))] {
                let (call, given) = next()?;
                let what = format!("scaledBalanceOf of {what} {place}");
                compared.number(name, &what, quantity(instrument), answer(call, given)?.number(0)?);
            }
        }
        for holding in held.holdings() {
            let (call, given) = next()?;
            let ours = self.quoted.and_then(|quoted| quoted.balance(held, holding.instrument));
            let what = format!("balanceOf of instrument {}", holding.instrument.0);
            compared.number(name, &what, ours.map(|balance| balance.raw), answer(call, given)?.number(0)?);
        }
        Ok(())
    }
}

fn reserves(
    side: &Side<'_>,
    [pool, oracle]: [Address; 2],
    reserves: &[ReservePlace],
    compared: &mut Compared,
) -> Result<(), ChainError> {
    let mut calls = Vec::new();
    for reserve in reserves {
        let of = |to, function| Call::new(to, function).address(reserve.token);
        calls.push(of(pool, "getReserveData(address)"));
        calls.push(of(pool, "getReserveNormalizedIncome(address)"));
        calls.push(of(pool, "getReserveNormalizedVariableDebt(address)"));
        calls.push(of(oracle, "getAssetPrice(address)"));
        calls.push(Call::new(reserve.receipt, "scaledTotalSupply()"));
        calls.push(Call::new(reserve.debt, "scaledTotalSupply()"));
        calls.push(Call::new(reserve.token, "balanceOf(address)").address(reserve.receipt));
    }
    let given = side.reader.read(&calls)?;
    let cells = cells(side.market());
    let revision = Revision::parse(side.market().venue().1);
    let revision =
        revision.ok_or_else(|| ChainError::NoOrigin(side.name().into(), "not a pool of Aave v3".into()))?;
    let readings = side.book.readings(&side.book.markets[side.place], side.quotes);
    let all = calls.chunks(7).zip(given.chunks(7));
    for ((object, place), (calls, given)) in (0u64..).zip(0..reserves.len()).zip(all) {
        let of = |at: usize| answer(&calls[at], &given[at]);
        let ours = |name| number(&cells, object, name);
        let mut tell = |what: &str, book, chain| {
            compared.number(None, &format!("reserve {place}: {what}"), book, chain);
        };
        let data = of(0)?;
        for (word, name) in DATA {
            tell(&format!("getReserveData.{name}"), Ok(ours(name)), data.number(word)?);
        }
        let state = state(&ours);
        let at = side.book.at;
        tell("getReserveNormalizedIncome", state.income_index(&mut Silent, at), of(1)?.number(0)?);
        let index = state.debt_index(&mut Silent, revision, at);
        tell("getReserveNormalizedVariableDebt", index, of(2)?.number(0)?);
        if let Ok(price) = of(3) {
            let read = readings.get(place).and_then(|reading| reading.value).unwrap_or(U256::ZERO);
            tell("getAssetPrice", Ok(read), price.number(0)?);
        }
        tell("receipts' scaledTotalSupply", Ok(ours("scaled_supply")), of(4)?.number(0)?);
        tell("debt's scaledTotalSupply", Ok(ours("scaled_debt")), of(5)?.number(0)?);
        tell("what the pool holds", Ok(ours("cash")), of(6)?.number(0)?);
        for (what, instrument, answer) in [("receipts", receipt(place), 4), ("debt", debt(place), 5)] {
            if let Some(sum) = side.sum(instrument) {
                tell(&format!("{what} of all accounts"), sum, of(answer)?.number(0)?);
            }
        }
    }
    Ok(())
}

fn state(ours: &dyn Fn(&'static str) -> U256) -> State {
    State {
        liquidity_index: ours("liquidity_index"),
        variable_borrow_index: ours("variable_borrow_index"),
        liquidity_rate: ours("liquidity_rate"),
        variable_borrow_rate: ours("variable_borrow_rate"),
        last_update: Time(ours("last_update").to_u64().unwrap_or(0)),
        accrued_to_treasury: ours("accrued_to_treasury"),
        scaled_supply: ours("scaled_supply"),
        scaled_debt: ours("scaled_debt"),
        cash: ours("cash"),
        virtual_balance: ours("virtual_balance"),
        deficit: ours("deficit"),
        isolation_debt: Int::from(ours("isolation_debt")).to_u256().unwrap_or(U256::ZERO),
    }
}
