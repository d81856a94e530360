//! Scenes made by hand: a small pool in which every number can be checked with a pencil.

use crate::world::{START, World, configuration, reserve, ten_to, u};
use plimsoll_core::{Account, AccountId, Int, Market, Reading, Time, U256};
use plimsoll_venues::aave_v3::{
    Bits, Configuration, E_MODE, EMode, Pool, PoolSpec, Reserve, Revision, USER_CONFIG, debt, receipt,
};

/// Reserves of the plain pool.
pub(crate) const WETH: usize = 0;
pub(crate) const USDC: usize = 1;
pub(crate) const WBTC: usize = 2;

/// Who is who: 1 borrows, 2 supplies and liquidates, 3 and 4 stand by.
pub(crate) const BORROWER: u64 = 1;
pub(crate) const OTHER: u64 = 2;

fn listed(symbol: &str, decimals: u8, ltv: u64, threshold: u64, bonus: u64) -> Reserve {
    let fields = [
        (Configuration::LTV, ltv),
        (Configuration::THRESHOLD, threshold),
        (Configuration::BONUS, bonus),
        (Configuration::DECIMALS, decimals.into()),
        (Configuration::ACTIVE, 1),
        (Configuration::BORROWING, 1),
        (Configuration::RESERVE_FACTOR, 1_000),
        (Configuration::PROTOCOL_FEE, 1_000),
        (Configuration::VIRTUAL_ACCOUNTING, 1),
    ];
    reserve(symbol, configuration(&fields))
}

/// WETH at 2 000, USDC at 1, WBTC at 50 000; indices 1; account 1 has 10 WETH and owes nothing; account 2 supplied
/// 1 000 WETH, 10 million USDC and 100 WBTC and uses none of it as collateral.
pub(crate) fn plain(revision: Revision) -> World {
    let reserves = vec![
        listed("WETH", 18, 8_000, 8_250, 10_500),
        listed("USDC", 6, 7_500, 8_000, 10_400),
        listed("WBTC", 8, 7_000, 7_500, 11_000),
    ];
    let readings = [2_000, 1, 50_000].map(|price| Reading::certain(u(price * 100_000_000))).to_vec();
    let spec = PoolSpec { revision, currency: "USD".into(), reserves, modes: vec![] };
    let mut world = World {
        pool: Pool::new(spec).expect("a pool"),
        readings,
        accounts: (1..=4).map(|id| Account::new(AccountId(id))).collect(),
        treasury: vec![U256::ZERO; 3],
        at: Time(START.0 + 1),
    };
    world = world.holding(BORROWER, WETH, 10, true);
    for (reserve, whole) in [(WETH, 1_000), (USDC, 10_000_000), (WBTC, 100)] {
        world = world.holding(OTHER, reserve, whole, false);
    }
    world
}

impl World {
    /// The same world with its pool made of something else.
    pub(crate) fn rebuilt(mut self, change: impl FnOnce(&mut PoolSpec)) -> World {
        let mut spec = PoolSpec {
            revision: self.pool.revision(),
            currency: self.pool.currency().into(),
            reserves: self.pool.reserves().to_vec(),
            modes: self.pool.modes().to_vec(),
        };
        change(&mut spec);
        self.pool = Pool::new(spec).expect("a pool");
        let slots = self.pool.slots().len();
        self.readings.resize(slots, Reading::certain(u(100_000_000)));
        self
    }

    /// One field of a reserve's configuration changed.
    pub(crate) fn set(self, reserve: usize, field: Bits, value: u64) -> World {
        self.rebuilt(|spec| {
            let word = &mut spec.reserves[reserve].configuration;
            *word = word.with(field, value).expect("a value that fits");
        })
    }

    pub(crate) fn priced(mut self, slot: usize, price: u128) -> World {
        self.readings[slot] = Reading::certain(u(price));
        self
    }

    /// So many whole tokens more in an account, counted as collateral or not, and in the pool's cash.
    pub(crate) fn holding(self, id: u64, reserve: usize, whole: u128, counts: bool) -> World {
        let raw = u(whole).mul(ten_to(self.decimals(reserve))).expect("256 bits");
        self.holding_raw(id, reserve, raw, counts)
    }

    /// So many scaled receipts more in an account and in the supply, and as much in the pool's cash.
    pub(crate) fn holding_raw(self, id: u64, reserve: usize, scaled: U256, counts: bool) -> World {
        let mut world = self.rebuilt(|spec| {
            let state = &mut spec.reserves[reserve].state;
            for total in [&mut state.scaled_supply, &mut state.cash, &mut state.virtual_balance] {
                *total = total.add(scaled).expect("256 bits");
            }
        });
        world.give(id, receipt(reserve), scaled, (2 * reserve + 1, counts));
        world
    }

    /// So many scaled debt more on an account and in the pool's total.
    pub(crate) fn owing_raw(self, id: u64, reserve: usize, scaled: U256) -> World {
        let mut world = self.rebuilt(|spec| {
            let state = &mut spec.reserves[reserve].state;
            state.scaled_debt = state.scaled_debt.add(scaled).expect("256 bits");
        });
        world.give(id, debt(reserve), scaled, (2 * reserve, true));
        world
    }

    /// So many whole tokens of debt more.
    pub(crate) fn owing(self, id: u64, reserve: usize, whole: u128) -> World {
        let raw = u(whole).mul(ten_to(self.decimals(reserve))).expect("256 bits");
        self.owing_raw(id, reserve, raw)
    }

    fn give(
        &mut self,
        id: u64,
        instrument: plimsoll_core::InstrumentId,
        scaled: U256,
        (bit, on): (usize, bool),
    ) {
        let account =
            self.accounts.iter_mut().find(|account| account.id == AccountId(id)).expect("an account");
        let sum = account.quantity(instrument).add(scaled.into()).expect("256 bits");
        account.set(instrument, sum);
        let word = account.term(USER_CONFIG).magnitude();
        account.set_term(USER_CONFIG, word.with_bit(bit, word.bit(bit) || on).into());
    }

    pub(crate) fn in_mode(mut self, id: u64, mode: u8) -> World {
        let account =
            self.accounts.iter_mut().find(|account| account.id == AccountId(id)).expect("an account");
        account.set_term(E_MODE, Int::from(u64::from(mode)));
        self
    }
}

/// Category 1 of these reserves, for collateral and for debt.
pub(crate) fn mode(reserves: &[usize]) -> EMode {
    let word = reserves.iter().fold(U256::ZERO, |word, &reserve| word.with_bit(reserve, true));
    EMode {
        id: 1,
        label: "one".into(),
        ltv: 9_000,
        threshold: 9_300,
        bonus: 10_100,
        price_slot: None,
        collateral: word,
        borrowable: word,
        ltv_zero: U256::ZERO,
        isolated: false,
    }
}

impl World {
    /// The same world with category 1 of these reserves.
    pub(crate) fn with_mode(self, reserves: &[usize]) -> World {
        self.with_mode_like(reserves, |_| {})
    }

    pub(crate) fn with_mode_like(self, reserves: &[usize], change: impl FnOnce(&mut EMode)) -> World {
        let mut category = mode(reserves);
        change(&mut category);
        self.rebuilt(|spec| {
            for &reserve in reserves {
                let word = &mut spec.reserves[reserve].configuration;
                *word = word.with(Configuration::EMODE, 1).expect("a small number");
            }
            spec.modes.push(category);
        })
    }
}
