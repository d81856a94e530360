//! Random markets, accounts and prices.

use plimsoll_core::{Account, AccountId, Feeds, Int, Lens, Quoted, Reading, Time, U256};
use plimsoll_margin::portfolio::{
    Asset, Contract, Day, Expiry, Market, Model, Right, Scenario, Spec, Terms, Underlying, Vol, held, owed,
};

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    pub(crate) fn chance(&mut self, one_in: u64) -> bool {
        self.next().is_multiple_of(one_in)
    }
}

pub(crate) const NOW: Time = Time(1_000_000);
const DAY: u64 = 86_400;

fn model(random: &mut Random) -> Model {
    let mut scenarios = Vec::new();
    for moves in [-160_000, -80_000, 0, 80_000, 160_000] {
        scenarios.extend(Vol::ALL.map(|vol| Scenario { moves, vol, counts: 1_000_000 }));
    }
    for moves in [-660_000, 5_000_000] {
        scenarios.push(Scenario { moves, vol: Vol::Up, counts: random.within(0, 400_000) as u32 });
    }
    let day = |underlying: &str, moves| Day {
        underlying: underlying.into(),
        name: "a day".into(),
        moves,
        vol: Vol::Up,
    };
    Model {
        scenarios,
        vol_up: random.within(0, 900_000) as u32,
        vol_down: random.within(0, 600_000) as u32,
        short_power: 300_000,
        long_power: 130_000,
        basis: random.within(0, 10_000) as u32,
        basis_per_year: random.within(0, 50_000) as u32,
        short_options: random.within(0, 20_000) as u32,
        maintenance: random.within(500_000, 1_000_000) as u32,
        days: vec![day("BTC", -370_000), day("ETH", 260_000)],
    }
}

/// Cash, bitcoin that covers, ether that does not; a perp, a future and six options on bitcoin, two options on ether. Prices have 4 digits.
pub(crate) fn market(random: &mut Random) -> Market {
    let asset = |name: &str, decimals, priced, haircut, underlying| Asset {
        name: name.into(),
        decimals,
        priced,
        haircut,
        underlying,
        lends: true,
    };
    let contract = |name: &str, underlying, terms| Contract {
        name: name.into(),
        underlying,
        decimals: 4,
        lot: U256::from(10_u64),
        terms,
    };
    let option =
        |expiry, strike: u64, right| Terms::Option { expiry, strike: U256::from(strike * 10_000), right };
    let spec = Spec {
        currency: "USD".into(),
        price_decimals: 4,
        updated: NOW,
        settles_in: 0,
        assets: vec![
            asset("USD", 6, false, 0, None),
            asset("BTC", 8, true, random.within(0, 100_000) as u32, Some(0)),
            asset("ETH", 6, true, random.within(0, 200_000) as u32, None),
        ],
        underlyings: vec![
            Underlying { name: "BTC".into(), surface: "b".into() },
            Underlying { name: "ETH".into(), surface: "e".into() },
        ],
        expiries: vec![
            Expiry { underlying: 0, at: NOW.plus(random.within(1, 40 * DAY)) },
            Expiry { underlying: 0, at: NOW.plus(random.within(41 * DAY, 400 * DAY)) },
            Expiry { underlying: 1, at: NOW.plus(random.within(1, 90 * DAY)) },
        ],
        contracts: vec![
            contract("PERP", 0, Terms::Perp),
            contract("FUTURE", 0, Terms::Future { expiry: 1 }),
            contract("C90", 0, option(0, 90_000, Right::Call)),
            contract("P90", 0, option(0, 90_000, Right::Put)),
            contract("C100", 0, option(0, 100_000, Right::Call)),
            contract("P80", 0, option(1, 80_000, Right::Put)),
            contract("C120", 0, option(1, 120_000, Right::Call)),
            contract("EC", 1, option(2, 2_500, Right::Call)),
            contract("EP", 1, option(2, 2_200, Right::Put)),
        ],
        fee: random.within(0, 8_000) as u32,
        schedules: Vec::new(),
        model: model(random),
    };
    Market::new(spec).unwrap()
}

/// Prices by slot: both assets, both underlyings, three forwards, the perp, and seven volatilities (10^-10).
pub(crate) fn prices(random: &mut Random) -> Vec<u64> {
    let mut bitcoin = || random.within(400_000_000, 1_800_000_000);
    let [btc, spot, near, far, perp] = core::array::from_fn(|_| bitcoin());
    let [eth, ether, forward] = core::array::from_fn(|_| random.within(10_000_000, 50_000_000));
    let mut all = vec![btc, eth, spot, ether, near, far, forward, perp];
    all.extend((0..7).map(|_| random.within(1_000_000_000, 15_000_000_000)));
    all
}

pub(crate) fn account(random: &mut Random, market: &Market) -> Account {
    let mut account = Account::new(AccountId(1));
    for (asset, unit) in [(0, 1_000_000_000), (1, 100_000_000), (2, 1_000_000)] {
        let amount = Int::from(random.within(1, 400) * unit);
        match random.within(0, 3) {
            0 | 1 => account.set(held(asset), amount),
            2 => account.set(owed(asset), amount),
            _ => {}
        }
    }
    for contract in 0..market.spec().contracts.len() {
        if random.chance(2) {
            let size = Int::from(random.within(0, 2_000) * 100);
            account.set(market.base(contract), if random.chance(2) { size.neg() } else { size });
        }
        if random.chance(4) {
            let paid = Int::from(random.within(0, 90_000) * 1_000_000);
            account.set(market.quote(contract), if random.chance(2) { paid.neg() } else { paid });
        }
    }
    account
}

pub(crate) fn readings(prices: &[u64]) -> Vec<Reading> {
    prices.iter().map(|price| Reading::certain(U256::from(*price))).collect()
}

pub(crate) fn stand<R>(market: &Market, prices: &[u64], ask: impl FnOnce(&dyn Quoted) -> R) -> R {
    let readings = readings(prices);
    let feeds = Feeds { readings: &readings };
    let quoted = plimsoll_core::Market::at(market, feeds, Lens::Action, NOW).unwrap();
    ask(&*quoted)
}
