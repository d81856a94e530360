//! Random markets, accounts and prices, and the definition of headroom in big integers.

use num_bigint::BigInt;
use plimsoll_core::{Account, AccountId, Feeds, Int, Reading, Time, U256};
use plimsoll_margin::market::{Asked, Asset, Market, ONE, Perp, Spec, Tier, Weights, asks, bids, held, owed};

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

pub(crate) const NOW: Time = Time(1_000);

fn asked(random: &mut Random, least: u32) -> Asked {
    let mut tiers = vec![Tier { from: U256::ZERO, rate: least + random.within(1, 60_000) as u32 }];
    for _ in 0..random.within(0, 2) {
        let last = *tiers.last().unwrap();
        let from = last.from.add(U256::from(random.within(1, 3_000_000_000))).unwrap();
        tiers.push(Tier { from, rate: last.rate + random.within(1, 90_000) as u32 });
    }
    Asked { profit: ONE, tiers }
}

/// Three assets, the first at par, and three perps. `priced` lets the third perp settle in an asset with a price.
pub(crate) fn market(random: &mut Random, priced: bool) -> Market {
    let mut asset = |place: u64| {
        let weight =
            if place == 0 && random.chance(2) { ONE } else { random.within(400_000, 999_999) as u32 };
        let liability = if weight == ONE { ONE } else { random.within(1_000_000, 1_500_000) as u32 };
        let initial = Weights {
            asset: weight - random.within(0, 200_000).min(u64::from(weight)) as u32,
            liability: liability + random.within(0, 200_000) as u32,
        };
        let initial =
            if weight == ONE && random.chance(2) { Weights { asset: ONE, liability: ONE } } else { initial };
        let cap = if place == 2 && random.chance(2) { random.within(1, 50_000) * 10_000 } else { 0 };
        Asset {
            name: ["USD", "SOL", "ETH"][place as usize].into(),
            decimals: [6, 9, 5][place as usize],
            priced: place > 0,
            weights: [initial, Weights { asset: weight, liability }],
            cap: U256::from(cap),
            lends: true,
            bonus: random.within(0, 80_000) as u32,
        }
    };
    let assets = vec![asset(0), asset(1), asset(2)];
    let mut perp = |place: u64| {
        let mut both = [asked(random, 50_000), asked(random, 0)];
        for line in &mut both {
            line.profit = if random.chance(2) { ONE } else { random.within(0, 1_000_000) as u32 };
        }
        both[0].profit = both[0].profit.min(both[1].profit);
        Perp {
            name: ["SOL-PERP", "ETH-PERP", "X-PERP"][place as usize].into(),
            decimals: [9, 4, 6][place as usize],
            settles_in: usize::from(place == 2 && priced),
            lot: U256::from(10_u64),
            fee: random.within(0, 30_000) as u32,
            asked: both,
        }
    };
    let perps = vec![perp(0), perp(1), perp(2)];
    let spec = Spec {
        currency: "USD".into(),
        price_decimals: 4,
        updated: NOW,
        assets,
        perps,
        schedules: Vec::new(),
    };
    Market::new(spec).unwrap()
}

pub(crate) fn int(value: i128) -> Int {
    Int::new(value)
}

/// An account of some of everything; a third are near their line.
pub(crate) fn account(random: &mut Random, market: &Market, prices: &[Int]) -> Account {
    let mut account = Account::new(AccountId(1));
    for asset in 0..3 {
        let amount = int(random.within(1, 900_000_000) as i128 * [10, 100, 1][asset]);
        match random.within(0, 3) {
            0 | 1 => account.set(held(asset), amount),
            2 => account.set(owed(asset), amount),
            _ => {}
        }
    }
    for perp in 0..3 {
        let unit = [10_i128.pow(8), 10_i128.pow(4), 10_i128.pow(6)][perp];
        let signed = |random: &mut Random, most: u64, unit: i128| {
            let size = random.within(0, most) as i128 * unit;
            int(if random.chance(2) { -size } else { size })
        };
        if random.chance(2) {
            account.set(market.base(perp), signed(random, 400, unit));
        }
        if random.chance(2) {
            account.set(market.quote(perp), signed(random, 900, 10_000_000));
        }
        for term in [bids(perp), asks(perp)] {
            if random.chance(4) {
                account.set_term(term, int(random.within(0, 100) as i128 * unit));
            }
        }
    }
    if !random.chance(3) {
        return account;
    }
    // What is missing, or too much, comes off the asset at par.
    let gap = headroom(market, &account, prices, 1);
    let scale = BigInt::from(10).pow(9 - 6 + 8 + 18);
    let raw: i128 = (&gap / scale).try_into().unwrap();
    let net = held_less_owed(&account, 0) - raw + i128::from(random.within(0, 4) as u32) - 2;
    account.set(held(0), int(net.max(0)));
    account.set(owed(0), int((-net).max(0)));
    account
}

fn number(value: Int) -> BigInt {
    value.to_string().parse().unwrap()
}

fn held_less_owed(account: &Account, asset: usize) -> i128 {
    let of = |id| number(account.quantity(id));
    (of(held(asset)) - of(owed(asset))).try_into().unwrap()
}

/// Prices by slot: SOL, ETH, and the three indices.
pub(crate) fn prices(random: &mut Random) -> Vec<Int> {
    [
        (5_000, 3_000_000),
        (1_000_000, 60_000_000),
        (5_000, 3_000_000),
        (1_000_000, 60_000_000),
        (10_000, 90_000),
    ]
    .map(|(low, high)| int(random.within(low, high) as i128))
    .to_vec()
}

pub(crate) fn readings(prices: &[Int]) -> Vec<Reading> {
    prices.iter().map(|price| Reading::certain(price.to_u256().unwrap())).collect()
}

pub(crate) fn stand<R>(
    market: &Market,
    prices: &[Int],
    ask: impl FnOnce(&dyn plimsoll_core::Quoted) -> R,
) -> R {
    let readings = readings(prices);
    let feeds = Feeds { readings: &readings };
    let quoted = plimsoll_core::Market::at(market, feeds, plimsoll_core::Lens::Action, NOW).unwrap();
    ask(&*quoted)
}

/// Headroom by the definition of the crate's `cross`: every tier's line, both sides, both weights.
pub(crate) fn headroom(market: &Market, account: &Account, prices: &[Int], line: usize) -> BigInt {
    let spec = market.spec();
    let ten = |power: u8| BigInt::from(10).pow(power.into());
    let finest = 9_u8;
    let (million, unit) = (BigInt::from(1_000_000), ten(spec.price_decimals));
    let price = |slot: usize| number(prices[slot]);
    let mut sum = BigInt::ZERO;
    for (place, asset) in spec.assets.iter().enumerate() {
        let pad = ten(finest - asset.decimals);
        let own = if place == 0 { unit.clone() } else { price(place - 1) };
        let mut balance = BigInt::from(held_less_owed(account, place)) * &pad * &million * &million * &unit;
        for (number_of, perp) in spec.perps.iter().enumerate().filter(|(_, perp)| perp.settles_in == place) {
            let asked = &perp.asked[line];
            let p = price(2 + number_of);
            let base_pad = ten(finest - perp.decimals);
            let base = number(account.quantity(market.base(number_of))) * &base_pad;
            let quote = number(account.quantity(market.quote(number_of))) * &pad;
            let sides = [
                number(account.term(bids(number_of))) * &base_pad,
                -(number(account.term(asks(number_of))) * &base_pad),
            ];
            let worst = sides.iter().map(|orders| {
                let filled = &base + orders;
                let notional = filled.magnitude() * p.magnitude();
                let notional = BigInt::from(notional);
                let (mut deduction, mut last, mut most) = (BigInt::ZERO, 0, BigInt::ZERO);
                for tier in &asked.tiers {
                    let from: BigInt = tier.from.to_string().parse().unwrap();
                    deduction += from * (tier.rate - last) * &pad * &unit;
                    last = tier.rate;
                    most = most.max(&notional * tier.rate - &deduction);
                }
                &base * &p * &million - most
            });
            let profit = quote * &unit * &million + worst.min().unwrap();
            balance += if profit > BigInt::ZERO { profit * asked.profit } else { profit * &million };
        }
        let weights = asset.weights[line];
        let value = &balance * &own;
        let cap: BigInt = asset.cap.to_string().parse().unwrap();
        sum += if balance < BigInt::ZERO {
            value * weights.liability
        } else if cap > BigInt::ZERO {
            value.min(cap * ten(finest) * &unit * &million * &million) * weights.asset
        } else {
            value * weights.asset
        };
    }
    sum
}

/// What an assessment says of it.
pub(crate) fn difference(seen: &plimsoll_core::Assessment) -> BigInt {
    number(seen.backing) - number(seen.requirement)
}
