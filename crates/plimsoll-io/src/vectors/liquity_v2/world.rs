//! The people, troves and batches of a scenario, and what is done to them.

use super::super::{Answer, Fault, Input};
use plimsoll_core::{
    Account, AccountId, Accounts, Action, Call, Effects, Feeds, InstrumentId, Int, Manage, Market as _,
    Mechanism, Party, Reading, Refusal, Step, Subject, Time, Trace, U256,
};
use plimsoll_venues::liquity_v2::{
    ATTEMPTED, BATCH, BOLD, BRANCH, Branch, DEBT, FEE_STEP, FEES, MAX_RATE, MIN_CHANGE_PERIOD, MIN_RATE,
    Market, OWNER, PAID_OUT, PURSE, Parameters, RATE, REDEEMED, STATUS, Status, System, TCR_STEP, collateral,
    deposit, surplus, token,
};
use std::collections::BTreeMap;

/// Numbers of accounts: actors from zero, then managers, deposits, and troves.
const MANAGERS: u64 = 1_000;
const DEPOSITS: u64 = 10_000;
const TROVES: u64 = 1_000_000;

pub(super) fn actor(number: u64) -> AccountId {
    AccountId(number)
}

pub(super) fn manager(number: u64) -> AccountId {
    AccountId(MANAGERS.saturating_add(number))
}

/// The number of a manager.
pub(super) fn manager_label(id: AccountId) -> u64 {
    id.0.saturating_sub(MANAGERS)
}

pub(super) fn depositor(branch: usize, number: u64) -> AccountId {
    AccountId((DEPOSITS * (branch as u64 + 1)).saturating_add(number))
}

pub(super) fn trove(branch: usize, label: u64) -> AccountId {
    AccountId((TROVES * (branch as u64 + 1)).saturating_add(label))
}

/// The label of a trove; zero for none.
pub(super) fn trove_label(mark: Option<AccountId>) -> u64 {
    mark.map_or(0, |id| id.0 % TROVES)
}

#[derive(Default)]
pub(super) struct People(BTreeMap<AccountId, Account>);

impl Accounts for People {
    fn get(&self, id: AccountId) -> Option<&Account> {
        self.0.get(&id)
    }
}

pub(super) struct World {
    pub(super) market: Market,
    pub(super) people: People,
    pub(super) prices: Vec<Reading>,
    pub(super) now: Time,
    pub(super) actors: u64,
    pub(super) managers: u64,
    /// Troves that were opened, in each branch.
    pub(super) opened: Vec<u64>,
    /// What liquidators have received of each branch's collateral (raw).
    pub(super) rewards: Vec<U256>,
}

/// Steps of one call that its events tell.
#[derive(Default)]
struct Tape(Vec<(Option<InstrumentId>, &'static str, Int)>, Option<InstrumentId>);

impl Trace for Tape {
    fn listens(&self) -> bool {
        true
    }

    fn about(&mut self, subject: Subject) {
        self.1 = match subject {
            Subject::Instrument(instrument) => Some(instrument),
            _ => None,
        };
    }

    fn step(&mut self, step: Step) {
        self.0.push((self.1, step.formula, step.value));
    }
}

impl World {
    /// Contracts just deployed.
    pub(super) fn new(initial: &Input<'_>, parameters: &[Parameters]) -> Result<World, Fault> {
        let glob = initial.get("glob")?;
        let system = System {
            base_rate: glob.get("baseRate")?.u256()?,
            last_fee_time: glob.get("lastFeeOperationTime")?.u64()?,
            ..System::default()
        };
        let names: Vec<String> = (0..parameters.len()).map(|branch| format!("collateral {branch}")).collect();
        let branches: Vec<_> =
            names.iter().zip(parameters).map(|(name, rules)| (name.as_str(), Branch::new(*rules))).collect();
        let market = Market::new("BOLD", system, &branches);
        let market = market.map_err(|_| initial.fault("parameters that the contracts can have"))?;
        let count = |key| Ok(glob.get(key)?.peek().as_array().map_or(0, Vec::len) as u64);
        let prices = initial.get("branches")?.items()?;
        let prices = prices.iter().map(|branch| Ok(Reading::certain(branch.get("price")?.u256()?)));
        let mut world = World {
            market,
            people: People::default(),
            prices: prices.collect::<Result<_, Fault>>()?,
            now: Time(glob.get("now")?.u64()?),
            actors: count("boldBalances")?,
            managers: count("batchManagerBold")?,
            opened: vec![0; parameters.len()],
            rewards: vec![U256::ZERO; parameters.len()],
        };
        let purses = (0..world.actors).map(actor).chain((0..world.managers).map(manager));
        for id in purses {
            world.people.0.insert(id, Account::new(id).with_term(PURSE, Int::ONE));
        }
        Ok(world)
    }

    pub(super) fn person(&self, id: AccountId) -> Account {
        self.people.get(id).cloned().unwrap_or(Account::new(id))
    }

    /// Does one step and answers its error and events.
    pub(super) fn step(&mut self, step: &Input<'_>, answer: &mut Answer) -> Result<(), Fault> {
        self.now = Time(step.get("now")?.u64()?);
        let branch = step.get("branch")?;
        let branch = if branch.peek().is_null() {
            branch.read_all();
            None
        } else {
            let number = usize::try_from(branch.u64()?).ok().filter(|number| *number < self.opened.len());
            Some(number.ok_or_else(|| branch.fault("the number of a branch"))?)
        };
        let (op, args) = (step.get("op")?, step.get("args")?);
        if args.peek().as_object().is_some_and(serde_json::Map::is_empty) {
            args.read_all();
        }
        let outcome = match op.text()? {
            "setPrice" => {
                let price = args.get("price")?.u256()?;
                let branch = branch.ok_or_else(|| op.fault("an operation of all branches"))?;
                if let Some(place) = self.prices.get_mut(branch) {
                    *place = Reading::certain(price);
                }
                Ok(Vec::new())
            }
            "transferBold" => {
                let number = |key| args.get(key)?.u64();
                let (from, to) = (actor(number("frm")?), actor(number("to")?));
                let amount = plimsoll_core::Amount::Assets(args.get("amount")?.u256()?);
                self.call(from, from, Action::Transfer { instrument: BOLD, to, amount }).map(|_| Vec::new())
            }
            "redeemCollateral" => {
                let actor = actor(args.get("actor")?.u64()?);
                let most = args.get("maxIterationsPerCollateral")?.u256()?.to_u64();
                let action = Action::Liquidate(Mechanism::Redeem {
                    amount: args.get("amount")?.u256()?,
                    max_iterations: most.and_then(|most| u32::try_from(most).ok()).unwrap_or(0),
                    max_fee: args.get("maxFeePercentage")?.u256()?,
                });
                self.call(actor, actor, action).map(|(_, tape)| self.redemptions(&tape))
            }
            _ => match branch {
                Some(branch) => self.branch_step(branch, &op, &args)?,
                None => return Err(op.fault("an operation of one branch")),
            },
        };
        match outcome {
            Ok(events) => {
                answer.value("error", "null");
                show_events(answer, &events);
            }
            Err(refusal) => {
                answer.refused("error", refusal);
                answer.value("events", "[]");
            }
        }
        Ok(())
    }

    fn branch_step(
        &mut self,
        branch: usize,
        op: &Input<'_>,
        args: &Input<'_>,
    ) -> Result<Result<Vec<Event>, Refusal>, Fault> {
        let number = |key| args.get(key)?.u256();
        let small = |key| args.get(key)?.u64();
        let by = || Ok::<_, Fault>(actor(small("actor")?));
        let own = || Ok::<_, Fault>(trove(branch, small("trove")?));
        let troves = || {
            let labels = args.get("troves")?.items()?;
            labels.iter().map(|label| Ok(trove(branch, label.u64()?))).collect::<Result<Vec<_>, Fault>>()
        };
        let nobody = AccountId(u64::MAX >> 8);
        let silent = |outcome: Result<(Effects, Tape), Refusal>| outcome.map(|_| Vec::new());
        Ok(match op.text()? {
            "registerBatch" => {
                let id = manager(small("manager")?);
                let maybe = |key, otherwise| args.maybe(key).map_or(Ok(otherwise), |place| place.u256());
                let what = Manage::Register {
                    rate: number("rate")?,
                    fee: number("fee")?,
                    // What the recording did not name: the widest range, and the shortest period.
                    least: maybe("minRate", MIN_RATE)?,
                    most: maybe("maxRate", MAX_RATE)?,
                    period: maybe("period", MIN_CHANGE_PERIOD.into())?.to_u64().unwrap_or(u64::MAX),
                };
                silent(self.call(id, id, Action::ManageGroup { branch: collateral(branch), what }))
            }
            "setBatchManagerAnnualInterestRate" => {
                let (id, what) = (manager(small("manager")?), Manage::Rate(number("rate")?));
                silent(self.call(id, id, Action::ManageGroup { branch: collateral(branch), what }))
            }
            "lowerBatchManagementFee" => {
                let (id, what) = (manager(small("manager")?), Manage::Fee(number("fee")?));
                silent(self.call(id, id, Action::ManageGroup { branch: collateral(branch), what }))
            }
            "openTrove" => {
                let by = by()?;
                let mut terms = vec![(OWNER, Int::from(by.0.saturating_add(1)))];
                match args.maybe("batch") {
                    Some(batch) => terms.push((BATCH, Int::from(manager(batch.u64()?).0.saturating_add(1)))),
                    None => terms.push((RATE, number("rate")?.into())),
                }
                let action = Action::Open {
                    collateral: (collateral(branch), number("coll")?),
                    debt: (DEBT, number("bold")?),
                    terms,
                };
                let outcome = self.call(by, trove(branch, self.opened[branch] + 1), action);
                self.opened[branch] += u64::from(outcome.is_ok());
                silent(outcome)
            }
            kind @ ("adjustTrove" | "adjustZombieTrove") => {
                let signed = |change, up| {
                    let amount = Int::from(number(change)?);
                    Ok::<_, Fault>(if args.get(up)?.bool()? { amount } else { amount.neg() })
                };
                let collateral = (collateral(branch), signed("collChange", "isCollIncrease")?);
                let debt = (DEBT, signed("debtChange", "isDebtIncrease")?);
                let by = by()?;
                let action = if kind == "adjustTrove" {
                    Action::Adjust { collateral, debt, collateral_party: by, debt_party: by }
                } else {
                    Action::Reactivate { collateral, debt }
                };
                silent(self.call_on(branch, by, own()?, action))
            }
            "adjustTroveInterestRate" => {
                let action = Action::SetTerm { term: RATE, value: number("rate")?.into() };
                silent(self.call_on(branch, by()?, own()?, action))
            }
            "setInterestBatchManager" => {
                let action = Action::JoinGroup { manager: manager(small("manager")?) };
                silent(self.call_on(branch, by()?, own()?, action))
            }
            "removeFromBatch" => {
                silent(self.call_on(branch, by()?, own()?, Action::LeaveGroup { rate: number("rate")? }))
            }
            "closeTrove" => silent(self.call_on(branch, by()?, own()?, Action::Close)),
            "applyPendingDebt" => silent(self.call_on(branch, nobody, own()?, Action::ApplyPending)),
            "provideToSP" => {
                let (by, claim) = (small("actor")?, args.get("claim")?.bool()?);
                let action = Action::Stake { pool: deposit(branch), amount: number("amount")?, claim };
                silent(self.call(actor(by), depositor(branch, by), action))
            }
            "withdrawFromSP" => {
                let (by, claim) = (small("actor")?, args.get("claim")?.bool()?);
                let action = Action::Unstake { pool: deposit(branch), amount: number("amount")?, claim };
                silent(self.call(actor(by), depositor(branch, by), action))
            }
            "claimCollateral" => {
                let by = by()?;
                silent(self.call(by, by, Action::Claim { instrument: surplus(branch) }))
            }
            "batchLiquidateTroves" => {
                let accounts = troves()?;
                let first = accounts.first().copied().unwrap_or(nobody);
                let outcome = self.call(nobody, first, Action::Liquidate(Mechanism::Batch { accounts }));
                outcome.map(|(effects, _)| vec![self.liquidation(branch, &effects)])
            }
            "shutdown" => {
                let outcome = self.call(nobody, nobody, Action::ShutDown { branch: collateral(branch) });
                outcome.map(|(_, tape)| vec![Event::new("ShutDown", vec![("_tcr", tape.last(TCR_STEP))])])
            }
            "urgentRedemption" => {
                let (by, amount) = (by()?, number("amount")?);
                let action = Action::Liquidate(Mechanism::RedeemUrgently {
                    collateral: collateral(branch),
                    amount,
                    accounts: troves()?,
                });
                let outcome = self.call(by, by, action);
                outcome.map(|(effects, tape)| self.urgent(branch, amount, &effects, &tape))
            }
            _ => return Err(op.fault("an operation of Liquity v2")),
        })
    }

    /// Does a call on a trove of a branch. One that never was is there for it as one that was closed: the contracts ask the
    /// branch first, and then answer both alike.
    fn call_on(
        &mut self,
        branch: usize,
        by: AccountId,
        trove: AccountId,
        action: Action,
    ) -> Result<(Effects, Tape), Refusal> {
        let unknown = self.people.get(trove).is_none();
        if unknown {
            let closed = Account::new(trove).with_term(BRANCH, Int::from(branch as u64 + 1));
            let closed = closed.with_term(STATUS, Int::from(Status::Closed as u64));
            self.people.0.insert(trove, closed);
        }
        let outcome = self.call(by, trove, action);
        if unknown {
            self.people.0.remove(&trove);
        }
        outcome
    }

    /// Does a call; where it is refused nothing has changed.
    fn call(
        &mut self,
        by: AccountId,
        account: AccountId,
        action: Action,
    ) -> Result<(Effects, Tape), Refusal> {
        let call = Call { actor: by, account, at: self.now, action };
        let mut tape = Tape::default();
        let effects = self.market.act(&call, &self.people, Feeds { readings: &self.prices }, &mut tape)?;
        self.market.apply(&effects)?;
        let mut touched: Vec<AccountId> = effects.terms.iter().map(|(id, _, _)| *id).collect();
        for flow in &effects.flows {
            for party in [flow.from, flow.to] {
                if let Party::Account(id) = party {
                    touched.push(id);
                }
            }
        }
        touched.sort_unstable();
        touched.dedup();
        for id in touched {
            let after = effects.apply_to(&self.person(id)).ok_or(Refusal::Overflow("the account after"))?;
            self.people.0.insert(id, after);
        }
        for (branch, rewards) in self.rewards.iter_mut().enumerate() {
            let received = effects.net(Party::Keeper, token(branch)).and_then(Int::to_u256);
            *rewards = received.and_then(|r| rewards.add(r)).ok_or(Refusal::Overflow("rewards"))?;
        }
        Ok((effects, tape))
    }

    // ---- events ----

    pub(super) fn price(&self, branch: usize) -> U256 {
        self.prices.get(branch).and_then(|price| price.value).unwrap_or(U256::ZERO)
    }

    fn liquidation(&self, branch: usize, effects: &Effects) -> Event {
        let of = |instrument, from: Option<Party>, to: Option<Party>| {
            let flows = effects.flows.iter().filter(|flow| {
                flow.instrument == instrument
                    && from.is_none_or(|from| flow.from == from)
                    && to.is_none_or(|to| flow.to == to)
            });
            flows.map(|flow| flow.amount).try_fold(U256::ZERO, U256::add).unwrap_or(U256::MAX)
        };
        let closed = Int::from(Status::Liquidated as u64);
        let ended =
            effects.terms.iter().filter(|(_, term, value)| *term == STATUS && *value == closed).count();
        let reserve = U256::new(37_500_000_000_000_000 * ended as u128);
        let reward = of(token(branch), None, Some(Party::Keeper));
        let reward = if branch == 0 { reward.sub_or_zero(reserve) } else { reward };
        let state = &self.market.branches()[branch];
        Event::new(
            "Liquidation",
            vec![
                ("_debtOffsetBySP", of(BOLD, Some(Party::StabilityPool), Some(Party::Burn))),
                ("_debtRedistributed", of(DEBT, None, Some(Party::Pool))),
                ("_boldGasCompensation", reserve),
                ("_collGasCompensation", reward),
                ("_collSentToSP", of(token(branch), None, Some(Party::StabilityPool))),
                ("_collRedistributed", of(collateral(branch), None, Some(Party::Pool))),
                ("_collSurplus", of(surplus(branch), Some(Party::Mint), None)),
                ("_L_ETH", state.redistributed_collateral),
                ("_L_boldDebt", state.redistributed_debt),
                ("_price", self.price(branch)),
            ],
        )
    }

    fn redemptions(&self, tape: &Tape) -> Vec<Event> {
        let mut events = Vec::new();
        for branch in 0..self.opened.len() {
            let steps = tape.of(collateral(branch));
            let Some(attempted) = last(&steps, ATTEMPTED) else { continue };
            events.extend(fees(&steps));
            let sum = |name| last(&steps, name).unwrap_or(U256::ZERO);
            let paid = [attempted, sum(REDEEMED), sum(PAID_OUT), sum(FEES)];
            events.push(self.redemption(branch, paid));
        }
        events
    }

    fn urgent(&self, branch: usize, amount: U256, effects: &Effects, tape: &Tape) -> Vec<Event> {
        let mut events = fees(&tape.of(collateral(branch)));
        let net = |party, instrument| effects.net(party, instrument).unwrap_or(Int::ZERO).magnitude();
        let paid = [amount, net(Party::Burn, BOLD), net(Party::Pool, token(branch)), U256::ZERO];
        events.push(self.redemption(branch, paid));
        events
    }

    fn redemption(&self, branch: usize, [attempted, redeemed, paid, fee]: [U256; 4]) -> Event {
        let price = self.price(branch);
        Event::new(
            "Redemption",
            vec![
                ("_attemptedBoldAmount", attempted),
                ("_actualBoldAmount", redeemed),
                ("_ETHSent", paid),
                ("_ETHFee", fee),
                ("_price", price),
                ("_redemptionPrice", price),
            ],
        )
    }
}

/// What a contract said in passing.
pub(super) struct Event {
    name: &'static str,
    fields: Vec<(&'static str, U256)>,
}

impl Event {
    fn new(name: &'static str, fields: Vec<(&'static str, U256)>) -> Event {
        Event { name, fields }
    }
}

fn show_events(answer: &mut Answer, events: &[Event]) {
    if events.is_empty() {
        answer.value("events", "[]");
    }
    for (at, event) in events.iter().enumerate() {
        answer.value(format!("events[{at}][0]"), event.name);
        for (name, value) in &event.fields {
            answer.value(format!("events[{at}][1].{name}"), value);
        }
    }
}

fn fees(steps: &[(&'static str, U256)]) -> Vec<Event> {
    let fees = steps.iter().filter(|(name, _)| *name == FEE_STEP);
    fees.map(|(_, fee)| Event::new("RedemptionFeePaidToTrove", vec![("_ETHFee", *fee)])).collect()
}

fn last(steps: &[(&'static str, U256)], name: &str) -> Option<U256> {
    steps.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

impl Tape {
    /// The steps about an instrument.
    fn of(&self, instrument: InstrumentId) -> Vec<(&'static str, U256)> {
        let own = self.0.iter().filter(|(about, _, _)| *about == Some(instrument));
        own.map(|(_, name, value)| (*name, value.magnitude())).collect()
    }

    fn last(&self, name: &str) -> U256 {
        let found = self.0.iter().rev().find(|(_, known, _)| *known == name);
        found.map_or(U256::ZERO, |(_, _, value)| value.magnitude())
    }
}
