//! A small population in one market: random calls, and what they did.

use num_bigint::{BigInt, BigUint};
use plimsoll_core::{
    Account, AccountId, Action, Amount, Assessment, Call, Effects, Feeds, InstrumentId, Int, Lens,
    Market as _, Mechanism, Party, Reading, Refusal, Rounding, Silent, Test, Time, U256, Verdict,
};
use plimsoll_venues::compound_v3::{
    Asset, AssetRules, AssetTotals, BASE, DEBT, Market, Rates, Rules, SUPPLY, Spec, State, collateral, token,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

pub(crate) type Checked = Result<(), TestCaseError>;

pub(crate) const PEOPLE: u64 = 4;
pub(crate) const START: u64 = 1_700_000_000;
pub(crate) const INDEX_ONE: u128 = 10u128.pow(15);

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

pub(crate) fn big(value: u128) -> BigInt {
    BigInt::from(value)
}

pub(crate) fn wad(thousandths: u128) -> U256 {
    u(thousandths * 10u128.pow(15))
}

/// A rate of so many thousandths a year.
fn yearly(kink: u128, low: u128, high: u128, base: u128) -> Rates {
    Rates::per_year(wad(kink), wad(low), wad(high), wad(base))
}

pub(crate) fn rules() -> Rules {
    Rules {
        base_decimals: 6,
        store_front_price_factor: wad(600),
        supply: yearly(900, 36, 2_900, 0),
        borrow: yearly(900, 33, 3_200, 15),
        tracking_index_scale: u(INDEX_ONE),
        base_tracking_supply_speed: u(173_611_111_111),
        base_tracking_borrow_speed: u(86_805_555_555),
        base_min_for_rewards: u(1_000_000),
        base_borrow_min: u(100_000_000),
        target_reserves: u(5_000_000_000_000),
        pause_flags: 0,
    }
}

pub(crate) fn fresh() -> State {
    State {
        base_supply_index: u(INDEX_ONE),
        base_borrow_index: u(INDEX_ONE),
        last_accrual_time: START,
        ..State::default()
    }
}

pub(crate) fn asset(symbol: &str, decimals: u8, factors: [u128; 3]) -> Asset {
    let cap = U256::pow10(decimals).unwrap().mul(u(1_000_000)).unwrap();
    let rules = AssetRules::packed(decimals, factors.map(wad), cap);
    Asset { symbol: symbol.into(), rules, totals: AssetTotals::default() }
}

/// WETH, WBTC and COMP beside USDC.
pub(crate) fn assets() -> Vec<Asset> {
    vec![
        asset("WETH", 18, [830, 900, 950]),
        asset("WBTC", 8, [800, 850, 950]),
        asset("COMP", 18, [500, 700, 750]),
    ]
}

pub(crate) fn market(rules: Rules, state: State, assets: Vec<Asset>) -> Market {
    Market::new(Spec { base: "USDC".into(), currency: "USD".into(), rules, state, assets }).unwrap()
}

/// 1 USD, 3,000 USD, 60,000 USD, 50 USD.
pub(crate) fn usual_prices() -> Vec<U256> {
    [100_000_000, 300_000_000_000, 6_000_000_000_000, 5_000_000_000].map(u).to_vec()
}

pub(crate) fn readings(prices: &[U256]) -> Vec<Reading> {
    prices.iter().copied().map(Reading::certain).collect()
}

/// How much a call asks for, against what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    /// Raw units.
    Few(u8),
    /// Thousandths of what there is.
    Part(u16),
    All,
}

#[derive(Clone, Debug)]
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
    Borrow {
        by: u64,
        size: Size,
    },
    Repay {
        by: u64,
        to: u64,
        size: Size,
    },
    Post {
        by: u64,
        to: u64,
        asset: usize,
        size: Size,
    },
    Unpost {
        by: u64,
        asset: usize,
        size: Size,
    },
    Send {
        by: u64,
        to: u64,
        size: Size,
    },
    SendCollateral {
        by: u64,
        to: u64,
        asset: usize,
        size: Size,
    },
    Absorb {
        by: u64,
        who: Vec<u64>,
    },
    Buy {
        by: u64,
        asset: usize,
        size: Size,
    },
    Touch {
        who: u64,
    },
    Wait(u32),
    /// A price becomes so many thousandths of itself.
    Price(usize, u16),
    /// Every price of collateral becomes so many thousandths of that at which an account is just safe.
    Sink {
        who: u64,
        part: u16,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) market: Market,
    pub(crate) accounts: Vec<Account>,
    pub(crate) prices: Vec<U256>,
    pub(crate) at: Time,
    /// What the contract holds of each token, by the flows alone; the base first.
    pub(crate) cash: Vec<BigInt>,
    /// What is the market's own of each instrument, by the flows alone.
    pub(crate) treasury: Vec<BigInt>,
}

/// One call and what came of it; `call` is `None` where only time or prices moved.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) before: World,
    pub(crate) after: World,
    pub(crate) call: Option<Call>,
    pub(crate) outcome: Result<Effects, Refusal>,
}

impl World {
    pub(crate) fn new() -> World {
        World::of(market(rules(), fresh(), assets()))
    }

    pub(crate) fn of(market: Market) -> World {
        World {
            accounts: (0..PEOPLE).map(|id| Account::new(AccountId(id))).collect(),
            prices: usual_prices(),
            at: Time(market.state().last_accrual_time),
            cash: vec![BigInt::ZERO; market.assets().len() + 1],
            treasury: vec![BigInt::ZERO; market.instruments().len()],
            market,
        }
    }

    pub(crate) fn account(&self, who: u64) -> &Account {
        &self.accounts[usize::try_from(who).unwrap()]
    }

    pub(crate) fn held(&self, who: u64, instrument: InstrumentId) -> U256 {
        self.account(who).quantity(instrument).magnitude()
    }

    /// What an account has posted, by asset.
    pub(crate) fn posted(&self, who: u64) -> Vec<U256> {
        (0..self.market.assets().len()).map(|asset| self.held(who, collateral(asset))).collect()
    }

    pub(crate) fn principal(&self, who: u64) -> BigInt {
        z(self.held(who, SUPPLY)) - z(self.held(who, DEBT))
    }

    /// What an account has in or owes now, in base tokens.
    pub(crate) fn balance(&self, who: u64, side: InstrumentId) -> U256 {
        let readings = readings(&self.prices);
        let quoted = self.market.at(Feeds { readings: &readings }, Lens::Action, self.at).unwrap();
        quoted.balance(self.account(who), side).unwrap().raw
    }

    pub(crate) fn assess(&self, who: u64, test: Test, lens: Lens) -> Result<Assessment, Refusal> {
        let readings = readings(&self.prices);
        self.market.at(Feeds { readings: &readings }, lens, self.at)?.verdict(self.account(who), test)
    }

    pub(crate) fn unhealthy(&self, who: u64) -> bool {
        let line = self.assess(who, Test::Liquidation, Lens::Action);
        line.is_ok_and(|line| line.verdict == Verdict::Unhealthy)
    }

    /// Performs a call and, when it is not refused, everything that it does.
    pub(crate) fn call(&mut self, call: &Call) -> Result<Effects, Refusal> {
        let readings = readings(&self.prices);
        let effects = self.market.act(call, &self.accounts, Feeds { readings: &readings }, &mut Silent)?;
        self.market.apply(&effects).unwrap();
        self.accounts = self.accounts.iter().map(|account| effects.apply_to(account).unwrap()).collect();
        for (place, cash) in self.cash.iter_mut().enumerate() {
            let token = if place == 0 { BASE } else { token(place - 1) };
            *cash += signed(effects.net(Party::Pool, token).unwrap());
        }
        for (id, own) in (0..).zip(&mut self.treasury) {
            *own += signed(effects.net(Party::Treasury, InstrumentId(id)).unwrap());
        }
        Ok(effects)
    }

    pub(crate) fn action(&mut self, actor: u64, account: u64, action: Action) -> Result<Effects, Refusal> {
        self.call(&Call { actor: AccountId(actor), account: AccountId(account), at: self.at, action })
    }

    pub(crate) fn step(&mut self, op: &Op) -> Turn {
        let before = self.clone();
        let call = match op {
            Op::Wait(seconds) => {
                self.at = Time(self.at.0 + u64::from(*seconds));
                None
            }
            Op::Price(slot, part) => {
                self.prices[*slot] = thousandths(self.prices[*slot], *part).max(U256::ONE);
                None
            }
            Op::Sink { who, part } => {
                self.sink(*who, *part);
                None
            }
            other => Some(self.call_of(other)),
        };
        let outcome = call.as_ref().map_or(Ok(Effects::default()), |call| self.call(call));
        Turn { before, after: self.clone(), call, outcome }
    }

    fn sink(&mut self, who: u64, part: u16) {
        let Ok(line) = self.assess(who, Test::Liquidation, Lens::Action) else { return };
        let (owed, backing) = (line.requirement.magnitude(), line.backing.magnitude());
        if owed == U256::ZERO || backing == U256::ZERO {
            return;
        }
        for price in &mut self.prices[1..] {
            let edge = price.mul_div_wide(owed, backing, Rounding::Up).unwrap();
            *price = thousandths(edge, part).max(U256::ONE).min(u(10u128.pow(15)));
        }
    }

    fn call_of(&self, op: &Op) -> Call {
        let whole = |asset: usize| U256::pow10(self.market.assets()[asset].rules.decimals).unwrap();
        let million = u(1_000_000_000_000);
        let (actor, account, action) = match *op {
            Op::Supply { by, to, size } => {
                // "All" is no amount of a deposit.
                let size = if matches!(size, Size::All) { Size::Part(999) } else { size };
                (by, to, Action::Deposit { into: SUPPLY, amount: sized(size, million) })
            }
            Op::Withdraw { by, size } => {
                let amount = sized(size, self.balance(by, SUPPLY));
                (by, by, Action::Withdraw { from: SUPPLY, amount })
            }
            Op::Borrow { by, size } => {
                let line = self.assess(by, Test::Borrow, Lens::Action).unwrap();
                let free = line.backing.sub(line.requirement).unwrap().to_u256().unwrap_or_default();
                // Values have two digits more than USDC.
                let free = free.div(u(100), Rounding::Down).unwrap();
                let size = if matches!(size, Size::All) { Size::Part(1000) } else { size };
                (by, by, Action::Borrow { debt: DEBT, amount: sized(size, free) })
            }
            Op::Repay { by, to, size } => {
                let owed = self.balance(to, DEBT);
                (by, to, Action::Repay { debt: DEBT, amount: sized(size, owed) })
            }
            Op::Post { by, to, asset, size } => {
                let size = if matches!(size, Size::All) { Size::Part(7) } else { size };
                let amount = sized(size, whole(asset).mul(u(100_000)).unwrap());
                (by, to, Action::Deposit { into: collateral(asset), amount })
            }
            Op::Unpost { by, asset, size } => {
                let amount = sized(size, self.held(by, collateral(asset)));
                (by, by, Action::Withdraw { from: collateral(asset), amount })
            }
            Op::Send { by, to, size } => {
                let amount = sized(size, self.balance(by, SUPPLY).max(u(1_000_000_000)));
                (by, by, Action::Transfer { instrument: SUPPLY, to: AccountId(to), amount })
            }
            Op::SendCollateral { by, to, asset, size } => {
                let amount = sized(size, self.held(by, collateral(asset)));
                let to = AccountId(to);
                (by, by, Action::Transfer { instrument: collateral(asset), to, amount })
            }
            Op::Absorb { by, ref who } => {
                let accounts = who.iter().copied().map(AccountId).collect();
                (by, by, Action::Liquidate(Mechanism::Absorb { accounts }))
            }
            Op::Buy { by, asset, size } => {
                let (base, price) = (self.prices[0], self.prices[asset + 1]);
                let held = self.market.assets()[asset].totals.reserves;
                let worth = held.mul_div_wide(price, whole(asset), Rounding::Down).unwrap();
                let worth = worth.mul_div_wide(u(1_000_000), base, Rounding::Down).unwrap();
                let pay = match sized(size, worth) {
                    Amount::Assets(pay) => pay,
                    _ => worth,
                };
                (by, by, Action::Liquidate(Mechanism::BuyReserve { asset: collateral(asset), pay }))
            }
            Op::Touch { who } => (who, who, Action::Accrue),
            Op::Wait(_) | Op::Price(..) | Op::Sink { .. } => unreachable!("not a call"),
        };
        Call { actor: AccountId(actor), account: AccountId(account), at: self.at, action }
    }
}

fn sized(size: Size, of: U256) -> Amount {
    match size {
        Size::Few(few) => Amount::Assets(u(few.into())),
        Size::Part(part) => Amount::Assets(thousandths(of, part)),
        Size::All => Amount::All,
    }
}

pub(crate) fn thousandths(of: U256, part: u16) -> U256 {
    of.mul_div_wide(u(part.into()), u(1000), Rounding::Down).unwrap()
}

/// Lends, posts and borrows, then does what it is told; every turn is checked.
pub(crate) fn live(ops: &[Op], mut check: impl FnMut(&Turn) -> Checked) -> Result<World, TestCaseError> {
    let mut world = World::new();
    let opening = [
        Op::Supply { by: 0, to: 0, size: Size::Part(3000) },
        Op::Post { by: 1, to: 1, asset: 0, size: Size::Part(2) },
        Op::Post { by: 1, to: 1, asset: 2, size: Size::Part(30) },
        Op::Borrow { by: 1, size: Size::Part(950) },
        Op::Post { by: 2, to: 2, asset: 1, size: Size::Part(1) },
        Op::Borrow { by: 2, size: Size::Part(990) },
    ];
    for op in opening.iter().chain(ops) {
        let turn = world.step(op);
        check(&turn)?;
    }
    Ok(world)
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        3 => (0..33u8).prop_map(Size::Few),
        4 => (0..=1000u16).prop_map(Size::Part),
        1 => (1000..1100u16).prop_map(Size::Part),
        3 => Just(Size::All),
    ]
}

/// A call, or time, or a new price.
fn op() -> impl Strategy<Value = Op> {
    let who = || 0..PEOPLE;
    let asset = || 0..3usize;
    prop_oneof![
        2 => (who(), who(), size()).prop_map(|(by, to, size)| Op::Supply { by, to, size }),
        2 => (who(), size()).prop_map(|(by, size)| Op::Withdraw { by, size }),
        4 => (who(), size()).prop_map(|(by, size)| Op::Borrow { by, size }),
        3 => (who(), who(), size()).prop_map(|(by, to, size)| Op::Repay { by, to, size }),
        2 => (who(), who(), asset(), size()).prop_map(|(by, to, asset, size)| Op::Post { by, to, asset, size }),
        2 => (who(), asset(), size()).prop_map(|(by, asset, size)| Op::Unpost { by, asset, size }),
        2 => (who(), who(), size()).prop_map(|(by, to, size)| Op::Send { by, to, size }),
        1 => (who(), who(), asset(), size())
            .prop_map(|(by, to, asset, size)| Op::SendCollateral { by, to, asset, size }),
        3 => (who(), prop::collection::vec(who(), 1..3)).prop_map(|(by, who)| Op::Absorb { by, who }),
        2 => (who(), asset(), size()).prop_map(|(by, asset, size)| Op::Buy { by, asset, size }),
        1 => who().prop_map(|who| Op::Touch { who }),
        3 => prop_oneof![1..60u32, 1..3_000_000u32].prop_map(Op::Wait),
        1 => (0..4usize, 900..1100u16).prop_map(|(slot, part)| Op::Price(slot, part)),
        3 => (who(), 400..1400u16).prop_map(|(who, part)| Op::Sink { who, part }),
    ]
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 10..40)
}
