//! A small population in a system of two branches: random calls, and what they did.

use num_bigint::{BigInt, BigUint};
use plimsoll_core::{
    Account, AccountId, Accounts, Action, Amount, Call, Effects, Feeds, InstrumentId, Int, Lens, Manage,
    Market as _, Mechanism, Party, Quoted, Reading, Refusal, Silent, Time, U256,
};
use plimsoll_venues::liquity_v2::{
    BATCH, BOLD, Branch, DEBT, Market, OWNER, PURSE, Parameters, RATE, System, TroveNow, collateral, deposit,
    gain, surplus,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;

pub(crate) type Checked = Result<(), TestCaseError>;

pub(crate) const START: u64 = 1_700_000_000;
pub(crate) const DAY: u64 = 86_400;
/// Persons with a purse, managers among them.
pub(crate) const PEOPLE: u64 = 3;
/// Troves that may be opened in each branch.
pub(crate) const TROVES: u64 = 6;

/// Ten times so many cases, times `PLIMSOLL_CASES`: `3`, or `1/8` for an eighth.
pub(crate) fn cases(modest: u32) -> ProptestConfig {
    let text = std::env::var("PLIMSOLL_CASES").unwrap_or_default();
    let (times, of) = text.split_once('/').unwrap_or((&text, "1"));
    let (times, of): (u32, u32) = (times.parse().unwrap_or(1), of.parse().unwrap_or(1));
    let cases = (modest * 10 * times / of.max(1)).max(4);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) fn z(value: U256) -> BigInt {
    BigUint::from_bytes_le(&value.to_le_bytes()).into()
}

pub(crate) fn signed(value: Int) -> BigInt {
    let size = z(value.magnitude());
    if value.is_negative() { -size } else { size }
}

pub(crate) fn u(value: u128) -> U256 {
    U256::new(value)
}

/// So many thousandths, in wad.
pub(crate) fn wad(thousandths: u128) -> U256 {
    u(thousandths * 10u128.pow(15))
}

/// So many whole tokens.
pub(crate) fn whole(tokens: u128) -> U256 {
    u(tokens * 10u128.pow(18))
}

pub(crate) fn person(number: u64) -> AccountId {
    AccountId(number % PEOPLE)
}

pub(crate) fn depositor(branch: usize, number: u64) -> AccountId {
    AccountId(100 * (branch as u64 + 1) + number % PEOPLE)
}

pub(crate) fn trove(branch: usize, number: u64) -> AccountId {
    AccountId(1000 * (branch as u64 + 1) + number % TROVES)
}

/// Somebody who has a part of what nobody listed.
pub(crate) const KEEPER: AccountId = AccountId(9);

#[derive(Clone, Debug, Default)]
pub(crate) struct People(pub(crate) BTreeMap<AccountId, Account>);

impl Accounts for People {
    fn get(&self, id: AccountId) -> Option<&Account> {
        self.0.get(&id)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) market: Market,
    pub(crate) people: People,
    pub(crate) prices: [U256; 2],
    pub(crate) at: Time,
    /// What each party has of each instrument, by the flows alone.
    pub(crate) moved: BTreeMap<(Party, InstrumentId), BigInt>,
}

pub(crate) fn rules(ccr: u128, mcr: u128, penalty: u128) -> Parameters {
    Parameters {
        ccr: wad(ccr),
        mcr: wad(mcr),
        bcr: wad(100),
        scr: wad(mcr),
        penalty_pool: wad(50),
        penalty_redistribution: wad(penalty),
    }
}

impl World {
    pub(crate) fn new() -> World {
        let branches =
            [("WETH", Branch::new(rules(1500, 1100, 100))), ("rETH", Branch::new(rules(1600, 1200, 200)))];
        let system = System { last_fee_time: START, ..System::default() };
        let mut people = People::default();
        for number in 0..PEOPLE {
            people.0.insert(person(number), Account::new(person(number)).with_term(PURSE, Int::ONE));
        }
        World {
            market: Market::new("BOLD", system, &branches).unwrap(),
            people,
            prices: [whole(2000), whole(2200)],
            at: Time(START),
            moved: BTreeMap::new(),
        }
    }

    /// Those whom the market does not know have so much more BOLD.
    pub(crate) fn endow(&mut self, amount: U256) {
        let supply = self.market.system().supply.add(amount).unwrap();
        // The third number of the system.
        self.market.set(plimsoll_core::Cell { object: 0, field: 2 }, Some(supply.into())).unwrap();
    }

    pub(crate) fn account(&self, id: AccountId) -> Account {
        self.people.get(id).cloned().unwrap_or(Account::new(id))
    }

    pub(crate) fn branch(&self, branch: usize) -> &Branch {
        &self.market.branches()[branch]
    }

    pub(crate) fn readings(&self) -> [Reading; 2] {
        self.prices.map(Reading::certain)
    }

    pub(crate) fn quoted(&self) -> Box<dyn Quoted + '_> {
        self.market.at(Feeds { readings: &self.readings() }, Lens::Action, self.at).unwrap()
    }

    pub(crate) fn now(&self, id: AccountId) -> Option<TroveNow> {
        self.market.trove(&self.account(id), self.at).unwrap()
    }

    /// All open troves of a branch.
    pub(crate) fn open(&self, branch: usize) -> Vec<(Account, TroveNow)> {
        let all = (0..TROVES).map(|number| trove(branch, number));
        all.filter_map(|id| Some((self.account(id), self.now(id)?))).collect()
    }

    pub(crate) fn held(&self, party: Party, instrument: InstrumentId) -> BigInt {
        self.moved.get(&(party, instrument)).cloned().unwrap_or_default()
    }

    /// Performs a call and, when it is not refused, everything that it does.
    pub(crate) fn act(
        &mut self,
        actor: AccountId,
        account: AccountId,
        action: Action,
    ) -> Result<Effects, Refusal> {
        let call = Call { actor, account, at: self.at, action };
        let effects =
            self.market.act(&call, &self.people, Feeds { readings: &self.readings() }, &mut Silent)?;
        self.market.apply(&effects).unwrap();
        let mut touched: Vec<AccountId> = effects.terms.iter().map(|(id, _, _)| *id).collect();
        for flow in &effects.flows {
            for (party, sign) in [(flow.from, -1), (flow.to, 1)] {
                *self.moved.entry((party, flow.instrument)).or_default() += z(flow.amount) * sign;
                if let Party::Account(id) = party {
                    touched.push(id);
                }
            }
        }
        touched.sort_unstable();
        touched.dedup();
        for id in touched {
            let after = effects.apply_to(&self.account(id)).unwrap();
            self.people.0.insert(id, after);
        }
        Ok(effects)
    }

    pub(crate) fn open_trove(
        &mut self,
        branch: usize,
        number: u64,
        [held, lent, rate]: [U256; 3],
    ) -> Result<Effects, Refusal> {
        let owner = person(number);
        let terms = vec![(RATE, rate.into()), (OWNER, Int::from(owner.0 + 1))];
        let action = Action::Open { collateral: (collateral(branch), held), debt: (DEBT, lent), terms };
        self.act(owner, trove(branch, number), action)
    }

    pub(crate) fn open_in_batch(
        &mut self,
        branch: usize,
        number: u64,
        manager: u64,
        [held, lent]: [U256; 2],
    ) -> Result<Effects, Refusal> {
        let owner = person(number);
        let terms = vec![(BATCH, Int::from(person(manager).0 + 1)), (OWNER, Int::from(owner.0 + 1))];
        let action = Action::Open { collateral: (collateral(branch), held), debt: (DEBT, lent), terms };
        self.act(owner, trove(branch, number), action)
    }

    pub(crate) fn register(
        &mut self,
        branch: usize,
        manager: u64,
        [rate, fee]: [U256; 2],
    ) -> Result<Effects, Refusal> {
        let what = Manage::Register { rate, fee, least: wad(5), most: wad(2500), period: 3600 };
        let action = Action::ManageGroup { branch: collateral(branch), what };
        self.act(person(manager), person(manager), action)
    }

    pub(crate) fn stake(&mut self, branch: usize, number: u64, amount: U256) -> Result<Effects, Refusal> {
        let action = Action::Stake { pool: deposit(branch), amount, claim: false };
        self.act(person(number), depositor(branch, number), action)
    }

    pub(crate) fn liquidate(&mut self, accounts: Vec<AccountId>) -> Result<Effects, Refusal> {
        let first = accounts.first().copied().unwrap_or(KEEPER);
        self.act(KEEPER, first, Action::Liquidate(Mechanism::Batch { accounts }))
    }

    pub(crate) fn redeem(&mut self, by: AccountId, amount: U256) -> Result<Effects, Refusal> {
        self.act(
            by,
            by,
            Action::Liquidate(Mechanism::Redeem { amount, max_iterations: 0, max_fee: whole(1) }),
        )
    }
}

/// A thing to be done, with numbers that are made to fit what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub(crate) kind: u8,
    pub(crate) branch: usize,
    pub(crate) who: u64,
    pub(crate) size: u16,
    pub(crate) other: u16,
}

pub(crate) fn ops(most: usize) -> impl Strategy<Value = Vec<Op>> {
    let op = (0..26u8, 0..2usize, 0..TROVES, 0..=1000u16, any::<u16>())
        .prop_map(|(kind, branch, who, size, other)| Op { kind, branch, who, size, other });
    prop::collection::vec(op, 1..most)
}

fn part(of: U256, size: u16) -> U256 {
    of.mul_div_wide(u(size.into()), u(1000), plimsoll_core::Rounding::Down).unwrap()
}

impl World {
    /// Does a thing; what the venue refuses changes nothing.
    pub(crate) fn step(&mut self, op: Op) -> Option<Result<Effects, Refusal>> {
        let Op { kind, branch, who, size, other } = op;
        let id = trove(branch, who);
        let now = self.now(id);
        let actor = person(who);
        let rate = wad(5 + u128::from(other % 300));
        let purse = self.account(actor).quantity(BOLD).magnitude();
        let some = part(whole(50), size);
        Some(match kind {
            0..=2 => {
                let worth =
                    some.mul_div(self.prices[branch], whole(1), plimsoll_core::Rounding::Down).unwrap();
                let lent = part(worth, 300 + other % 600);
                if kind == 2 {
                    self.open_in_batch(branch, who, u64::from(other % 2), [some, lent])
                } else {
                    self.open_trove(branch, who, [some, lent, rate])
                }
            }
            3 => self.act(
                actor,
                id,
                Action::Deposit { into: collateral(branch), amount: Amount::Assets(some) },
            ),
            4 => {
                let amount = Amount::Assets(part(now.map_or(some, |now| now.collateral), size));
                self.act(actor, id, Action::Withdraw { from: collateral(branch), amount })
            }
            5 => {
                let amount = Amount::Assets(part(now.map_or(some, |now| now.debt), size));
                self.act(actor, id, Action::Borrow { debt: DEBT, amount })
            }
            6 => {
                let amount = if other % 8 == 0 { Amount::All } else { Amount::Assets(part(purse, size)) };
                self.act(actor, id, Action::Repay { debt: DEBT, amount })
            }
            7 | 8 => {
                let half = |limit: U256, up: bool| {
                    let amount = Int::from(part(limit, size / 2));
                    if up { amount } else { amount.neg() }
                };
                let held = half(now.map_or(some, |now| now.collateral), other % 2 == 0);
                let owed = half(now.map_or(some, |now| now.debt), other % 3 == 0);
                let (collateral, debt) = ((collateral(branch), held), (DEBT, owed));
                let action = match kind {
                    7 => Action::Adjust { collateral, debt, collateral_party: actor, debt_party: actor },
                    _ => Action::Reactivate { collateral, debt },
                };
                self.act(actor, id, action)
            }
            9 => self.act(actor, id, Action::SetTerm { term: RATE, value: rate.into() }),
            10 => self.act(actor, id, Action::Close),
            11 => self.act(KEEPER, id, Action::ApplyPending),
            12 => self.stake(branch, who, part(purse, size)),
            13 => {
                let action = Action::Unstake {
                    pool: deposit(branch),
                    amount: part(purse, size),
                    claim: other % 2 == 0,
                };
                self.act(actor, depositor(branch, who), action)
            }
            14..=16 => {
                let mut all: Vec<AccountId> = (0..TROVES).map(|number| trove(branch, number)).collect();
                all.rotate_left(usize::from(other) % 6);
                all.truncate(1 + usize::from(size % 6));
                self.liquidate(all)
            }
            17 | 18 => self.redeem(actor, part(purse, size)),
            19 => self.act(KEEPER, id, Action::ShutDown { branch: collateral(branch) }),
            20 => {
                let accounts = (0..TROVES).map(|number| trove(branch, number + u64::from(other))).collect();
                let amount = part(purse, size);
                let action = Action::Liquidate(Mechanism::RedeemUrgently {
                    collateral: collateral(branch),
                    amount,
                    accounts,
                });
                self.act(actor, actor, action)
            }
            21 => {
                let manager = u64::from(other % 2);
                if size % 3 == 0 {
                    self.register(branch, manager, [rate, wad(u128::from(size % 20))])
                } else {
                    let what = if size % 3 == 1 {
                        Manage::Rate(rate)
                    } else {
                        Manage::Fee(wad(u128::from(size % 20)))
                    };
                    self.act(
                        person(manager),
                        person(manager),
                        Action::ManageGroup { branch: collateral(branch), what },
                    )
                }
            }
            22 => {
                let action = if size % 2 == 0 {
                    Action::JoinGroup { manager: person(u64::from(other % 2)) }
                } else {
                    Action::LeaveGroup { rate }
                };
                self.act(actor, id, action)
            }
            23 => {
                let claim = if size % 2 == 0 { surplus(branch) } else { gain(branch) };
                let account = if size % 2 == 0 { actor } else { depositor(branch, who) };
                self.act(actor, account, Action::Claim { instrument: claim })
            }
            24 => {
                self.at = Time(self.at.0 + u64::from(other) * 60);
                return None;
            }
            _ => {
                // Between about half and twice of what it was, more often near it.
                let factor =
                    if size < 700 { 900 + u128::from(other % 200) } else { 500 + u128::from(other % 1200) };
                let price =
                    self.prices[branch].mul_div(u(factor), u(1000), plimsoll_core::Rounding::Up).unwrap();
                self.prices[branch] = price.max(whole(1)).min(whole(1_000_000));
                return None;
            }
        })
    }

    /// A system in which something can happen.
    pub(crate) fn begun() -> World {
        let mut world = World::new();
        for branch in 0..2 {
            world.register(branch, 0, [wad(30), wad(10)]).unwrap();
            for number in 0..4 {
                let (held, lent) =
                    (whole(20 + 5 * u128::from(number)), whole(15_000 + 4000 * u128::from(number)));
                world.open_trove(branch, number, [held, lent, wad(20 + 10 * u128::from(number))]).unwrap();
            }
            world.open_in_batch(branch, 4, 0, [whole(30), whole(20_000)]).unwrap();
            world.stake(branch, 1, whole(9_000)).unwrap();
        }
        world
    }

    /// The same after one liquidation in each branch that the pool paid in part and the other troves in part; some have
    /// taken their part since, some have not, and some came later.
    pub(crate) fn storied() -> World {
        let mut world = World::begun();
        for branch in 0..2 {
            world.open_trove(branch, 5, [whole(10), whole(14_000), wad(15)]).unwrap();
            world.at.0 += 10 * DAY;
            let price = world.prices[branch];
            world.prices[branch] = whole(1500);
            world.liquidate(vec![trove(branch, 5)]).unwrap();
            world.prices[branch] = price;
            world.act(KEEPER, trove(branch, 0), Action::ApplyPending).unwrap();
            world.act(KEEPER, trove(branch, 4), Action::ApplyPending).unwrap();
            let close = if branch == 0 { 2 } else { 1 };
            world.act(person(close), trove(branch, close), Action::Close).unwrap();
        }
        world
    }
}
