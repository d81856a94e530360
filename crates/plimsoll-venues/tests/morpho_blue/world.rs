//! A small population in one market: random calls, and what they did.

use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use plimsoll_core::{
    Account, AccountId, Action, Amount, Assessment, Call, Effects, Feeds, Int, Lens, Lot, Market as _,
    Mechanism, Party, Reading, Receive, Refusal, Silent, Test, Time, U256, Verdict,
};
use plimsoll_venues::morpho_blue::{
    BORROW, COLLATERAL, COLLATERAL_TOKEN, Irm, LOAN, Market, Parameters, Pool, SUPPLY, State,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

pub(crate) type Q = BigRational;
pub(crate) type Checked = Result<(), TestCaseError>;

pub(crate) const PEOPLE: u64 = 4;
pub(crate) const START: u64 = 1_700_000_000;

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

pub(crate) fn q(value: U256) -> Q {
    Q::from_integer(z(value))
}

pub(crate) fn n(value: i64) -> Q {
    Q::from_integer(value.into())
}

/// 10^power
pub(crate) fn ten(power: u32) -> Q {
    Q::from_integer(BigInt::from(10).pow(power))
}

pub(crate) fn u(value: u128) -> U256 {
    U256::new(value)
}

/// The exact worth of one share.
pub(crate) fn share_price(pool: Pool) -> Q {
    (q(pool.assets) + n(1)) / (q(pool.shares) + ten(6))
}

/// How much a call asks for, against what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    /// Raw units.
    Few(u8),
    /// Thousandths of what there is, in assets.
    Part(u16),
    /// Thousandths of what there is, in shares.
    Shares(u16),
    All,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Supply {
        by: u64,
        to: u64,
        size: Size,
    },
    Withdraw {
        by: u64,
        size: Size,
    },
    Post {
        by: u64,
        to: u64,
        size: Size,
    },
    Unpost {
        by: u64,
        size: Size,
    },
    Borrow {
        by: u64,
        size: Size,
    },
    Repay {
        by: u64,
        to: u64,
        size: Size,
    },
    Seize {
        by: u64,
        from: u64,
        size: Size,
    },
    Accrue {
        by: u64,
    },
    Wait(u32),
    /// The price becomes so many thousandths of itself.
    Price(u16),
    /// The price becomes that at which a borrower's collateral is worth so many thousandths of the debt.
    Sink {
        who: u64,
        worth: u16,
    },
}

impl Op {
    /// Whose position the call is about.
    pub(crate) fn subject(self) -> Option<u64> {
        match self {
            Op::Supply { to, .. } | Op::Post { to, .. } | Op::Repay { to, .. } => Some(to),
            Op::Withdraw { by, .. } | Op::Unpost { by, .. } | Op::Borrow { by, .. } => Some(by),
            Op::Seize { from, .. } => Some(from),
            Op::Accrue { .. } | Op::Wait(_) | Op::Price(_) | Op::Sink { .. } => None,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) lltv: u128,
    pub(crate) irm: Irm,
    pub(crate) fee: u128,
    pub(crate) fee_to_account: bool,
    /// 10 to this is a large amount of loan tokens.
    pub(crate) loan_power: u8,
    /// 10 to this is a large amount of collateral.
    pub(crate) collateral_power: u8,
    /// What the large amount of collateral is worth, in thousandths of the large amount of loan tokens.
    pub(crate) worth: u16,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) market: Market,
    pub(crate) accounts: Vec<Account>,
    pub(crate) price: U256,
    pub(crate) at: Time,
    /// What the contract holds of either token, by the flows alone.
    pub(crate) cash: [BigInt; 2],
}

/// One call and what came of it; `call` is `None` where only time or price moved.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) op: Op,
    pub(crate) before: World,
    pub(crate) after: World,
    pub(crate) call: Option<Call>,
    pub(crate) outcome: Result<Effects, Refusal>,
}

impl Turn {
    /// A call that was not refused.
    pub(crate) fn done(&self) -> bool {
        self.call.is_some() && self.outcome.is_ok()
    }

    pub(crate) fn bad_debt(&self) -> bool {
        let effects = self.outcome.as_ref();
        effects.is_ok_and(|effects| effects.flows.iter().any(|flow| flow.to == Party::Loss))
    }
}

pub(crate) fn state(last_update: u64) -> State {
    State { last_update, ..State::default() }
}

impl World {
    pub(crate) fn new(setup: Setup) -> World {
        let parameters =
            Parameters { loan_decimals: 6, collateral_decimals: 18, lltv: u(setup.lltv), irm: setup.irm };
        let fee_recipient = setup.fee_to_account.then_some(AccountId(PEOPLE - 1));
        let state = State { fee: u(setup.fee), fee_recipient, ..state(START) };
        let market = Market::new(["USDC", "WETH"], parameters, state).unwrap();
        // price = worth / 1000 * 10^36 * 10^loan / 10^collateral
        let price = U256::pow10(33 + setup.loan_power).unwrap().mul(u(setup.worth.into())).unwrap();
        let price = price.div(U256::pow10(setup.collateral_power).unwrap(), plimsoll_core::Rounding::Down);
        World {
            setup,
            market,
            accounts: (0..PEOPLE).map(|id| Account::new(AccountId(id))).collect(),
            price: price.unwrap(),
            at: Time(START),
            cash: [BigInt::ZERO, BigInt::ZERO],
        }
    }

    pub(crate) fn account(&self, who: u64) -> &Account {
        &self.accounts[usize::try_from(who).unwrap()]
    }

    pub(crate) fn held(&self, who: u64, instrument: plimsoll_core::InstrumentId) -> U256 {
        self.account(who).quantity(instrument).magnitude()
    }

    /// The state as a call would find it now.
    pub(crate) fn state(&self) -> State {
        self.market.accrued(self.at).unwrap().0
    }

    pub(crate) fn assess(&self, who: u64) -> Assessment {
        let readings = [Reading::certain(self.price)];
        let quoted = self.market.at(Feeds { readings: &readings }, Lens::Action, self.at).unwrap();
        quoted.verdict(self.account(who), Test::Liquidation).unwrap()
    }

    pub(crate) fn unhealthy(&self, who: u64) -> bool {
        self.assess(who).verdict == Verdict::Unhealthy
    }

    /// Exact debt, without the contract's rounding.
    pub(crate) fn debt(&self, who: u64) -> Q {
        q(self.held(who, BORROW)) * share_price(self.state().borrow)
    }

    /// Exact value of the collateral in loan units.
    pub(crate) fn value(&self, who: u64) -> Q {
        q(self.held(who, COLLATERAL)) * q(self.price) / ten(36)
    }

    /// Performs a call and, when it is not refused, everything that it does.
    pub(crate) fn call(&mut self, call: &Call) -> Result<Effects, Refusal> {
        let readings = [Reading::certain(self.price)];
        let effects = self.market.act(call, &self.accounts, Feeds { readings: &readings }, &mut Silent)?;
        self.market.apply(&effects).unwrap();
        self.accounts = self.accounts.iter().map(|account| effects.apply_to(account).unwrap()).collect();
        for (cash, token) in self.cash.iter_mut().zip([LOAN, COLLATERAL_TOKEN]) {
            *cash += signed(effects.net(Party::Pool, token).unwrap());
        }
        Ok(effects)
    }

    pub(crate) fn action(&mut self, actor: u64, account: u64, action: Action) -> Result<Effects, Refusal> {
        self.call(&Call { actor: AccountId(actor), account: AccountId(account), at: self.at, action })
    }

    /// The same call, about somebody whom it can concern where there is anybody.
    fn aimed(&self, op: Op) -> Op {
        let pick = |who: u64, fits: &dyn Fn(u64) -> bool| {
            let fitting: Vec<u64> = (0..PEOPLE).filter(|who| fits(*who)).collect();
            let at = usize::try_from(who).unwrap() % fitting.len().max(1);
            fitting.get(at).copied().unwrap_or(who)
        };
        let free = |who: u64| self.assess(who).backing > self.assess(who).requirement;
        let holds = |who: u64, what| self.held(who, what) != U256::ZERO;
        match op {
            Op::Withdraw { by, size } => Op::Withdraw { by: pick(by, &|who| holds(who, SUPPLY)), size },
            Op::Unpost { by, size } => Op::Unpost { by: pick(by, &|who| holds(who, COLLATERAL)), size },
            Op::Borrow { by, size } => Op::Borrow { by: pick(by, &free), size },
            Op::Repay { by, to, size } => Op::Repay { by, to: pick(to, &|who| holds(who, BORROW)), size },
            Op::Seize { by, from, size } => {
                Op::Seize { by, from: pick(from, &|who| self.unhealthy(who)), size }
            }
            other => other,
        }
    }

    pub(crate) fn step(&mut self, op: Op) -> Turn {
        let before = self.clone();
        let op = self.aimed(op);
        let call = match op {
            Op::Wait(seconds) => {
                self.at = Time(self.at.0 + u64::from(seconds));
                None
            }
            Op::Price(part) => {
                self.price =
                    self.price.mul_div(part.into_word(), u(1000), plimsoll_core::Rounding::Up).unwrap();
                None
            }
            Op::Sink { who, worth } => {
                let (posted, owed) = (self.held(who, COLLATERAL), self.assess(who).debt.magnitude());
                let scale = U256::pow10(33).and_then(|scale| scale.mul(worth.into_word())).unwrap();
                let price = owed.mul_div_wide(scale, posted, plimsoll_core::Rounding::Up);
                self.price = price.unwrap_or(self.price);
                None
            }
            other => Some(self.call_of(other)),
        };
        let outcome = call.as_ref().map_or(Ok(Effects::default()), |call| self.call(call));
        Turn { op, before, after: self.clone(), call, outcome }
    }

    fn call_of(&self, op: Op) -> Call {
        let loan = U256::pow10(self.setup.loan_power).unwrap();
        let collateral = U256::pow10(self.setup.collateral_power).unwrap();
        let (actor, account, action) = match op {
            Op::Supply { by, to, size } => {
                let amount = sized(size, loan, loan.mul(u(1_000_000)).unwrap());
                (by, to, Action::Deposit { into: SUPPLY, amount })
            }
            Op::Withdraw { by, size } => {
                let amount = sized(size, self.supplied(by), self.held(by, SUPPLY));
                (by, by, Action::Withdraw { from: SUPPLY, amount })
            }
            Op::Post { by, to, size } => {
                (by, to, Action::Deposit { into: COLLATERAL, amount: sized(size, collateral, collateral) })
            }
            Op::Unpost { by, size } => {
                let held = self.held(by, COLLATERAL);
                (by, by, Action::Withdraw { from: COLLATERAL, amount: sized(size, held, held) })
            }
            Op::Borrow { by, size } => {
                let line = self.assess(by);
                let free = line.backing.magnitude().sub_or_zero(line.requirement.magnitude());
                let amount = sized(size, free, free.mul(u(1_000_000)).unwrap());
                (by, by, Action::Borrow { debt: BORROW, amount })
            }
            Op::Repay { by, to, size } => {
                let owed = self.assess(to).debt.magnitude();
                (by, to, Action::Repay { debt: BORROW, amount: sized(size, owed, self.held(to, BORROW)) })
            }
            Op::Seize { by, from, size } => {
                let (held, owed) = (self.held(from, COLLATERAL), self.held(from, BORROW));
                let lot = match size {
                    Size::Few(few) => Lot::Seize(u(few.into())),
                    Size::Part(part) => Lot::Seize(thousandths(&held, part)),
                    Size::Shares(part) => Lot::Repay(Amount::Shares(thousandths(&owed, part))),
                    // What is under water pays with all its collateral, the rest with all its debt.
                    Size::All if self.value(from) < self.debt(from) => Lot::Seize(held),
                    Size::All => Lot::Repay(Amount::All),
                };
                (by, from, liquidation(lot))
            }
            Op::Accrue { by } => (by, by, Action::Accrue),
            Op::Wait(_) | Op::Price(_) | Op::Sink { .. } => unreachable!("not a call"),
        };
        Call { actor: AccountId(actor), account: AccountId(account), at: self.at, action }
    }

    /// What the account could take out, rounded down.
    pub(crate) fn supplied(&self, who: u64) -> U256 {
        let readings = [Reading::certain(self.price)];
        let quoted = self.market.at(Feeds { readings: &readings }, Lens::Action, self.at).unwrap();
        quoted.balance(self.account(who), SUPPLY).unwrap().raw
    }
}

fn sized(size: Size, assets: U256, shares: U256) -> Amount {
    match size {
        Size::Few(few) => Amount::Assets(u(few.into())),
        Size::Part(part) => Amount::Assets(thousandths(&assets, part)),
        Size::Shares(part) => Amount::Shares(thousandths(&shares, part)),
        Size::All => Amount::All,
    }
}

trait IntoWord {
    fn into_word(self) -> U256;
}

impl IntoWord for u16 {
    fn into_word(self) -> U256 {
        U256::new(self.into())
    }
}

fn thousandths(of: &U256, part: u16) -> U256 {
    of.mul_div_wide(part.into_word(), U256::new(1000), plimsoll_core::Rounding::Down).unwrap()
}

pub(crate) fn liquidation(lot: Lot) -> Action {
    Action::Liquidate(Mechanism::Discount { repay: BORROW, seize: COLLATERAL, lot, receive: Receive::Asset })
}

/// Lends, posts and borrows, then does what it is told; every turn is checked.
pub(crate) fn live(
    setup: Setup,
    ops: &[Op],
    mut check: impl FnMut(&Turn) -> Checked,
) -> Result<World, TestCaseError> {
    let mut world = World::new(setup);
    let opening = [
        Op::Supply { by: 0, to: 0, size: Size::Part(1000) },
        Op::Post { by: 1, to: 1, size: Size::Part(700) },
        Op::Borrow { by: 1, size: Size::Part(900) },
        Op::Post { by: 2, to: 2, size: Size::Part(300) },
        Op::Borrow { by: 2, size: Size::Part(990) },
    ];
    for op in opening.iter().chain(ops) {
        let turn = world.step(*op);
        check(&turn)?;
    }
    Ok(world)
}

pub(crate) fn setup() -> impl Strategy<Value = Setup> {
    let lltv = prop_oneof![Just(385u128), Just(625), Just(770), Just(860), Just(915), Just(945), Just(980)];
    let irm = prop_oneof![Just(Irm::Zero), Just(Irm::AdaptiveCurve), Just(Irm::Utilisation)];
    let fee = prop_oneof![Just(0u128), Just(50), Just(250), 0..=250u128];
    (lltv, irm, fee, any::<bool>(), 0..=24u8, 0..=24u8, 300..4000u16).prop_map(
        |(lltv, irm, fee, fee_to_account, loan_power, collateral_power, worth)| Setup {
            lltv: lltv * 10u128.pow(15),
            irm,
            fee: fee * 10u128.pow(15),
            fee_to_account,
            loan_power,
            collateral_power,
            worth,
        },
    )
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        2 => (0..33u8).prop_map(Size::Few),
        3 => (0..=1000u16).prop_map(Size::Part),
        3 => (0..=1000u16).prop_map(Size::Shares),
        1 => (1000..1100u16).prop_map(Size::Part),
        3 => Just(Size::All),
    ]
}

/// A call.
pub(crate) fn call() -> impl Strategy<Value = Op> {
    let who = || 0..PEOPLE;
    prop_oneof![
        2 => (who(), who(), size()).prop_map(|(by, to, size)| Op::Supply { by, to, size }),
        2 => (who(), size()).prop_map(|(by, size)| Op::Withdraw { by, size }),
        1 => (who(), who(), size()).prop_map(|(by, to, size)| Op::Post { by, to, size }),
        2 => (who(), size()).prop_map(|(by, size)| Op::Unpost { by, size }),
        4 => (who(), size()).prop_map(|(by, size)| Op::Borrow { by, size }),
        2 => (who(), who(), size()).prop_map(|(by, to, size)| Op::Repay { by, to, size }),
        6 => (who(), who(), size()).prop_map(|(by, from, size)| Op::Seize { by, from, size }),
        1 => who().prop_map(|by| Op::Accrue { by }),
    ]
}

/// A call, or time, or a new price.
pub(crate) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => call(),
        1 => prop_oneof![1..60u32, 1..3_000_000u32].prop_map(Op::Wait),
        1 => prop_oneof![900..1100u16, 10..900u16, 1000..20_000u16].prop_map(Op::Price),
        2 => (0..PEOPLE, 400..1800u16).prop_map(|(who, worth)| Op::Sink { who, worth }),
    ]
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 10..40)
}
