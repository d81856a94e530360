//! Random accounts that are small enough to be scanned, and an evaluator of them that shares nothing with the crate's.

#![allow(dead_code, clippy::unwrap_used)]

use plimsoll_margin::boundary::{Crossing, Path};
use plimsoll_margin::cross::{Account, Asset, Perp, Tier};

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

    /// From `low` to `high`, both included.
    pub(crate) fn within(&mut self, low: i128, high: i128) -> i128 {
        low + (self.next() as i128) % (high - low + 1)
    }
}

#[derive(Debug)]
pub(crate) struct SmallPerp {
    pub(crate) base: i128,
    pub(crate) bids: i128,
    pub(crate) asks: i128,
    pub(crate) quote: i128,
    pub(crate) price: usize,
    pub(crate) settles_in: usize,
    /// Rate and deduction.
    pub(crate) long: Vec<(u32, i128)>,
    pub(crate) short: Vec<(u32, i128)>,
    pub(crate) profit: u32,
}

#[derive(Debug)]
pub(crate) struct SmallAccount {
    /// Held, price, asset weight, liability weight.
    pub(crate) assets: Vec<(i128, usize, u32, u32)>,
    pub(crate) perps: Vec<SmallPerp>,
    pub(crate) from: Vec<i128>,
    pub(crate) step: Vec<i128>,
    pub(crate) steps: i128,
}

const UNIT: i128 = 10;

fn tiers(random: &mut Random) -> Vec<(u32, i128)> {
    let first = random.within(0, 100_000) as u32;
    let second = first + random.within(1, 200_000) as u32;
    match random.within(0, 2) {
        0 => vec![],
        1 => vec![(first, 0)],
        _ => vec![(first, 0), (second, random.within(0, 30))],
    }
}

pub(crate) fn random_account(random: &mut Random) -> SmallAccount {
    let (assets, perps) = (random.within(1, 3) as usize, random.within(0, 3) as usize);
    let prices = assets + perps;
    let mut account = SmallAccount {
        assets: Vec::new(),
        perps: Vec::new(),
        from: (0..prices).map(|_| random.within(1, 120)).collect(),
        step: (0..prices).map(|_| random.within(-2, 2)).collect(),
        steps: 150,
    };
    if random.next().is_multiple_of(3) {
        // One price alone.
        let one = random.within(0, prices as i128 - 1) as usize;
        account.step = (0..prices).map(|place| i128::from(place == one)).collect();
        if random.next().is_multiple_of(2) {
            account.step[one] = -1;
        }
    }
    for place in 0..assets {
        let weight = random.within(300_000, 1_000_000) as u32;
        let liability = weight + random.within(0, 600_000) as u32;
        account.assets.push((random.within(-40, 90), place, weight, liability));
    }
    for place in 0..perps {
        let orders = random.next().is_multiple_of(2);
        let order = |random: &mut Random| if orders { random.within(0, 8) } else { 0 };
        account.perps.push(SmallPerp {
            base: random.within(-12, 12),
            bids: order(random),
            asks: order(random),
            quote: random.within(-90, 90),
            price: assets + place,
            settles_in: random.within(0, assets as i128 - 1) as usize,
            long: tiers(random),
            short: tiers(random),
            profit: random.within(0, 1_000_000) as u32,
        });
    }
    // Near the line: what is missing, and a little more.
    let unit = 1_000_000_000_000 * UNIT * account.from[0] * i128::from(account.assets[0].2);
    account.assets[0].0 += -account.headroom(0) / unit + random.within(0, 12);
    account
}

impl SmallAccount {
    /// As the crate has it.
    pub(crate) fn with<R>(&self, ask: impl FnOnce(&Account<'_>, &Path<'_>) -> R) -> R {
        let assets: Vec<Asset> = self
            .assets
            .iter()
            .map(|&(held, price, asset_weight, liability_weight)| Asset {
                held,
                price,
                asset_weight,
                liability_weight,
            })
            .collect();
        let list = |tiers: &[(u32, i128)]| -> Vec<Tier> {
            tiers.iter().map(|&(rate, deduction)| Tier { rate, deduction }).collect()
        };
        let tiers: Vec<[Vec<Tier>; 2]> =
            self.perps.iter().map(|perp| [list(&perp.long), list(&perp.short)]).collect();
        let perps: Vec<Perp<'_>> = self
            .perps
            .iter()
            .zip(&tiers)
            .map(|(perp, [long, short])| Perp {
                base: perp.base,
                bids: perp.bids,
                asks: perp.asks,
                quote: perp.quote,
                price: perp.price,
                settles_in: perp.settles_in,
                long,
                short,
                profit_weight: perp.profit,
            })
            .collect();
        let account = Account { assets: &assets, perps: &perps, unit: UNIT };
        ask(&account, &Path { from: &self.from, step: &self.step, steps: self.steps })
    }

    /// Whether headroom has a product of two moving prices.
    pub(crate) fn bends(&self) -> bool {
        self.perps.iter().any(|perp| {
            self.step[perp.price] != 0 && self.step[self.assets[perp.settles_in].1] != 0 && perp.base != 0
        })
    }

    /// Headroom at a step, by the definition, in plain integers.
    pub(crate) fn headroom(&self, t: i128) -> i128 {
        let price = |place: usize| self.from[place] + self.step[place] * t;
        let mut sum = 0;
        for (place, &(held, at, asset, liability)) in self.assets.iter().enumerate() {
            let mut balance = held * 1_000_000_000_000 * UNIT;
            for perp in self.perps.iter().filter(|perp| perp.settles_in == place) {
                let p = price(perp.price);
                let mut sides = [0; 2];
                for (side, orders) in sides.iter_mut().zip([perp.bids, -perp.asks]) {
                    let base = perp.base + orders;
                    let tiers = if base < 0 { &perp.short } else { &perp.long };
                    let asked = tiers.iter().map(|(rate, deduction)| {
                        base.abs() * p * i128::from(*rate) - deduction * UNIT * 1_000_000
                    });
                    *side = (base - orders) * p * 1_000_000 - asked.max().unwrap_or(0).max(0);
                }
                let profit = perp.quote * UNIT * 1_000_000 + sides[0].min(sides[1]);
                balance += if profit > 0 { profit * i128::from(perp.profit) } else { profit * 1_000_000 };
            }
            sum += balance * price(at) * i128::from(if balance < 0 { liability } else { asset });
        }
        sum
    }

    /// The first step below zero, by looking at every one.
    pub(crate) fn scan(&self) -> Crossing {
        for t in 0..=self.steps {
            if self.from.iter().zip(&self.step).any(|(from, step)| from + step * t < 0) {
                return Crossing::NotUpTo(t - 1);
            }
            if self.headroom(t) < 0 {
                return if t == 0 { Crossing::Already } else { Crossing::At(t) };
            }
        }
        Crossing::NotUpTo(self.steps)
    }
}
