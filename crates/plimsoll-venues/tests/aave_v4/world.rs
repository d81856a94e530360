//! A small population in two spokes of two hubs: random calls, and what they did.

use num_bigint::{BigInt, BigUint};
use plimsoll_core::{
    Account, AccountId, Action, Amount, Assessment, Call, Cell, Feeds, InstrumentId, Int, Lens, Lot,
    Market as _, Mechanism, Party, Reading, Receive, Refusal, Silent, Test, Time, U256,
};
use plimsoll_venues::aave_v4::{
    AssetState, BORROWABLE, Configuration, Curve, Done, HubAsset, HubCall, Link, LiquidationRules, MAP,
    Market, NO_LIMIT, RECEIVE_SHARES, Reserve, Spec, Spoke, debt, receipt, token,
};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError};
use std::borrow::Borrow;

pub(crate) type Checked = Result<(), TestCaseError>;

pub(crate) const START: u64 = 1_775_000_000;
pub(crate) const RAY: u128 = 10u128.pow(27);
pub(crate) const WAD: u128 = 10u128.pow(18);

/// Five people in the spoke `main`, two in the spoke `prime`.
pub(crate) const PEOPLE: u64 = 7;
/// The reserves of `main`; the rest are of `prime`.
pub(crate) const MAIN: usize = 4;
pub(crate) const RESERVES: usize = 6;

/// So many cases times `PLIMSOLL_CASES`.
pub(crate) fn cases(modest: u32) -> ProptestConfig {
    let times: u32 = std::env::var("PLIMSOLL_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    ProptestConfig {
        cases: modest * times,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4),
        ..ProptestConfig::default()
    }
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

/// Rounded down, of what is not negative.
pub(crate) fn fl(x: BigInt, y: impl Borrow<BigInt>) -> BigInt {
    x / y.borrow()
}

/// Rounded up, of what is not negative.
pub(crate) fn ce(x: BigInt, y: impl Borrow<BigInt>) -> BigInt {
    (x + y.borrow() - 1) / y.borrow()
}

pub(crate) fn asset(hub: &str, symbol: &str, decimals: u8) -> HubAsset {
    let curve = Curve { optimal_usage: 9_000, base_rate: 50, growth_before: 500, growth_after: 8_000 };
    let state = AssetState { last_update: START, liquidity_fee: 1_000, ..AssetState::default() };
    HubAsset { hub: hub.into(), symbol: symbol.into(), decimals, curve, state }
}

pub(crate) fn version(
    collateral_factor: u16,
    max_liquidation_bonus: u32,
    liquidation_fee: u16,
) -> Configuration {
    Configuration { collateral_factor, max_liquidation_bonus, liquidation_fee }
}

pub(crate) fn reserve(
    name: &str,
    spoke: usize,
    asset: usize,
    risk: u32,
    versions: &[Configuration],
) -> Reserve {
    Reserve {
        name: name.into(),
        spoke,
        asset,
        collateral_risk: risk,
        flags: BORROWABLE | RECEIVE_SHARES,
        newest: versions.len() as u32 - 1,
        configurations: (0..).zip(versions.iter().copied()).collect(),
        link: Link::default(),
    }
}

pub(crate) fn spoke(name: &str) -> Spoke {
    let liquidation = LiquidationRules {
        target_health: u(WAD / 100 * 105),
        health_for_max_bonus: u(WAD / 10 * 9),
        bonus_factor: 5_000,
    };
    Spoke { name: name.into(), liquidation, max_user_reserves: NO_LIMIT }
}

/// WETH, USDC, WBTC of one hub and USDC of another in `main`; WETH and USDC of the first in `prime`.
pub(crate) fn spec() -> Spec {
    let weth = [version(8_000, 10_500, 1_000), version(7_500, 10_600, 1_000)];
    let usdc = [version(7_500, 10_450, 1_500)];
    Spec {
        currency: "USD".into(),
        assets: vec![
            asset("core", "WETH", 18),
            asset("core", "USDC", 6),
            asset("core", "WBTC", 8),
            asset("side", "USDC", 6),
        ],
        spokes: vec![spoke("main"), spoke("prime")],
        reserves: vec![
            reserve("WETH", 0, 0, 0, &weth),
            reserve("USDC", 0, 1, 500, &usdc),
            reserve("WBTC", 0, 2, 2_000, &[version(7_000, 11_000, 3_000)]),
            reserve("USDC side", 0, 3, 1_200, &[version(7_000, 10_700, 0)]),
            reserve("WETH prime", 1, 0, 0, &[version(8_500, 10_300, 0)]),
            reserve("USDC prime", 1, 1, 800, &usdc),
        ],
    }
}

/// 2,500, 1, 60,000, 1, 2,500 and 1 USD.
pub(crate) fn usual_prices() -> Vec<U256> {
    [250_000_000_000, 100_000_000, 6_000_000_000_000, 100_000_000, 250_000_000_000, 100_000_000]
        .map(u)
        .to_vec()
}

pub(crate) fn readings(prices: &[U256]) -> Vec<Reading> {
    prices.iter().copied().map(Reading::certain).collect()
}

/// Market, people, prices and the clock; and what is nobody's.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) market: Market,
    pub(crate) accounts: Vec<Account>,
    pub(crate) prices: Vec<U256>,
    pub(crate) at: u64,
    /// Receipts and debts of the venue's own, by instrument.
    pub(crate) treasury: Vec<BigInt>,
    /// Tokens that lie in hubs, by instrument.
    pub(crate) pool: Vec<BigInt>,
}

impl World {
    pub(crate) fn of(spec: Spec) -> World {
        let market = Market::new(spec).unwrap();
        let instruments = market.instruments().len();
        World {
            market,
            accounts: (0..PEOPLE).map(|id| Account::new(AccountId(id))).collect(),
            prices: usual_prices(),
            at: START,
            treasury: vec![BigInt::ZERO; instruments],
            pool: vec![BigInt::ZERO; instruments],
        }
    }

    pub(crate) fn new() -> World {
        World::of(spec())
    }

    /// Gives a person shares that count and drawn shares that are owed, by reserve; their hubs know nothing of it.
    pub(crate) fn give(
        &mut self,
        who: u64,
        counted: &[(usize, u128)],
        owed: &[(usize, u128)],
    ) -> &mut Account {
        let account = &mut self.accounts[who as usize];
        let mut map = account.term(MAP).magnitude();
        for &(place, shares) in counted {
            account.set(receipt(place), u(shares).into());
            map = map.with_bit(2 * place + 1, true);
        }
        for &(place, shares) in owed {
            account.set(debt(place), u(shares).into());
            map = map.with_bit(2 * place, true);
        }
        account.set_term(MAP, map.into());
        account
    }

    pub(crate) fn held(&self, who: u64, instrument: InstrumentId) -> U256 {
        self.accounts[who as usize].quantity(instrument).to_u256().unwrap()
    }

    pub(crate) fn done(&mut self, done: &Done) {
        for flow in &done.effects.flows {
            let at = flow.instrument.index();
            for (party, sign) in [(flow.to, 1), (flow.from, -1)] {
                match party {
                    Party::Treasury => self.treasury[at] += z(flow.amount) * sign,
                    Party::Pool => self.pool[at] += z(flow.amount) * sign,
                    _ => {}
                }
            }
        }
        for account in &mut self.accounts {
            *account = done.effects.apply_to(account).unwrap();
        }
        self.market.apply(&done.effects).unwrap();
    }

    pub(crate) fn call(&mut self, actor: u64, account: u64, action: Action) -> Result<Done, Refusal> {
        let (actor, account) = (AccountId(actor), AccountId(account));
        let call = Call { actor, account, at: Time(self.at), action };
        let readings = readings(&self.prices);
        let feeds = Feeds { readings: &readings };
        let done = self.market.call(&call, &self.accounts, feeds, &mut Silent)?;
        self.done(&done);
        Ok(done)
    }

    pub(crate) fn supply(&mut self, who: u64, place: usize, amount: u128) -> Result<Done, Refusal> {
        self.call(who, who, Action::Deposit { into: receipt(place), amount: Amount::Assets(u(amount)) })
    }

    pub(crate) fn withdraw(&mut self, who: u64, place: usize, amount: u128) -> Result<Done, Refusal> {
        self.call(who, who, Action::Withdraw { from: receipt(place), amount: Amount::Assets(u(amount)) })
    }

    pub(crate) fn borrow(&mut self, who: u64, place: usize, amount: u128) -> Result<Done, Refusal> {
        self.call(who, who, Action::Borrow { debt: debt(place), amount: Amount::Assets(u(amount)) })
    }

    pub(crate) fn repay(&mut self, who: u64, place: usize, amount: Amount) -> Result<Done, Refusal> {
        self.call(who, who, Action::Repay { debt: debt(place), amount })
    }

    pub(crate) fn use_it(&mut self, who: u64, place: usize, on: bool) -> Result<Done, Refusal> {
        self.call(who, who, Action::UseAsCollateral { instrument: receipt(place), on })
    }

    pub(crate) fn liquidate(
        &mut self,
        [by, who]: [u64; 2],
        [seized, repaid]: [usize; 2],
        amount: Amount,
        receive: Receive,
    ) -> Result<Done, Refusal> {
        let (repay, seize) = (debt(repaid), receipt(seized));
        let mechanism = Mechanism::Discount { repay, seize, lot: Lot::Repay(amount), receive };
        self.call(by, who, Action::Liquidate(mechanism))
    }

    pub(crate) fn hub(&mut self, place: usize, call: HubCall) -> Result<Done, Refusal> {
        let done = self.market.hub(place, call, Time(self.at))?;
        self.done(&done);
        Ok(done)
    }

    pub(crate) fn assess(&self, who: u64, test: Test) -> Result<Assessment, Refusal> {
        let readings = readings(&self.prices);
        let quoted = self.market.at(Feeds { readings: &readings }, Lens::Action, Time(self.at)).unwrap();
        quoted.verdict(&self.accounts[who as usize], test)
    }

    /// The cell of a number that the market shows.
    pub(crate) fn cell(&self, object: u64, name: &str) -> Cell {
        let mut found = None;
        self.market.visit(&mut |cell, known, _, _| {
            if cell.object == object && known == name {
                found = Some(cell);
            }
        });
        found.unwrap()
    }

    pub(crate) fn set(&mut self, object: u64, name: &str, value: impl Into<Int>) -> Result<(), Refusal> {
        self.market.set(self.cell(object, name), Some(value.into()))
    }

    /// Everybody supplies something that counts, so that there is what to borrow.
    pub(crate) fn begun() -> World {
        let mut world = World::new();
        for who in 0..PEOPLE {
            for place in places(who) {
                let whole = [20, 60_000, 1, 40_000, 30, 90_000][place] * 10u128.pow(decimals(place).into());
                world.supply(who, place, whole + u128::from(who) * 7 + 3).unwrap();
                if (who + place as u64) % 3 != 1 {
                    world.use_it(who, place, true).unwrap();
                }
            }
        }
        world
    }
}

pub(crate) fn decimals(place: usize) -> u8 {
    [18, 6, 8, 6, 18, 6][place]
}

/// The reserves of a person's spoke.
pub(crate) fn places(who: u64) -> std::ops::Range<usize> {
    if who < 5 { 0..MAIN } else { MAIN..RESERVES }
}

/// Something that somebody does: what, who, which reserve and which other, how much, how.
pub(crate) type Op = (u8, u64, usize, usize, u16, u8);

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec((0..20u8, 0..PEOPLE, 0..4usize, 0..4usize, 1..=1_050u16, any::<u8>()), 1..40)
}

/// Does it; where nothing comes of it nothing has changed.
pub(crate) fn play(world: &mut World, op: &Op) -> Result<Option<Done>, Refusal> {
    let &(what, who, one, other, part, how) = op;
    let own = places(who);
    let (one, other) = (own.start + one % own.len(), own.start + other % own.len());
    let unit = 10u128.pow(decimals(one).into());
    // Of about 30,000 USD, and now and then a few raw units.
    let whole = unit * [12, 30_000, 2, 30_000, 12, 30_000][one];
    let amount =
        if how % 16 == 0 { u128::from(part) % 5 } else { whole / 1_000 * u128::from(part) + u128::from(how) };
    match what {
        0..=1 => world.supply(who, one, amount),
        2..=3 => world.withdraw(who, one, amount),
        4..=6 => world.borrow(who, one, amount),
        7 => world.repay(who, one, Amount::Assets(u(amount))),
        8 => world.repay(who, one, Amount::All),
        9 => world.use_it(who, one, how % 3 != 0),
        10 => world.call(who, who, Action::Refresh { rules: how % 2 == 0 }),
        11..=14 => {
            let by = if own.start == 0 { u64::from(how) % 5 } else { 5 + u64::from(how) % 2 };
            let all = how % 3 != 0;
            let amount = if all { Amount::All } else { Amount::Assets(u(amount)) };
            let receive = if how % 5 == 0 { Receive::Receipt } else { Receive::Asset };
            world.liquidate([by, who], [one, other], amount, receive)
        }
        15 => world.hub(
            one,
            match how % 4 {
                0 => HubCall::MintFeeShares,
                1 => HubCall::EliminateDeficit(u(amount)),
                2 => HubCall::Sweep(u(amount / 100)),
                _ => HubCall::Reclaim(u(amount / 200)),
            },
        ),
        16 => {
            world.at += u64::from(part) * u64::from(how) * 200;
            return Ok(None);
        }
        17..=18 => {
            // Both reserves of one token have one price here.
            let percent = u128::from(part) % 70 + 60;
            for place in 0..RESERVES {
                let same = world.market.assets()[world.market.reserves()[place].asset].symbol
                    == world.market.assets()[world.market.reserves()[one].asset].symbol;
                if same {
                    let price = usual_prices()[place].mul(u(percent)).unwrap();
                    world.prices[place] = price.div(u(100), plimsoll_core::Rounding::Down).unwrap();
                }
            }
            return Ok(None);
        }
        _ => {
            world.at += u64::from(how) + 1;
            return Ok(None);
        }
    }
    .map(Some)
}

/// Plays everything from [`World::begun`] on and looks at each world that something changed.
pub(crate) fn live(
    ops: &[Op],
    mut look: impl FnMut(&World, &World, &Op, &Result<Option<Done>, Refusal>) -> Checked,
) -> Checked {
    let mut world = World::begun();
    for op in ops {
        let before = world.clone();
        let outcome = play(&mut world, op);
        look(&before, &world, op, &outcome)?;
    }
    Ok(())
}

pub(crate) fn all_of(world: &World, instrument: InstrumentId) -> BigInt {
    (0..PEOPLE).map(|who| z(world.held(who, instrument))).sum()
}

pub(crate) fn tokens() -> impl Iterator<Item = InstrumentId> {
    (0..RESERVES).map(token)
}
